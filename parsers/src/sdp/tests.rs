use super::*;
use proptest::prelude::*;

fn codes(session: &Session<'_>) -> Vec<&'static str> {
    session.issues.iter().map(|i| i.code).collect()
}

fn text<'a>(buf: &'a [u8], range: &Range<usize>) -> &'a str {
    std::str::from_utf8(&buf[range.clone()]).unwrap()
}

// RFC 8866 §5, first example.
const RFC8866: &str = "v=0\r\n\
o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n\
s=Call to John Smith\r\n\
i=SDP Offer #1\r\n\
u=http://www.jdoe.example.com/home.html\r\n\
e=Jane Doe <jane@jdoe.example.com>\r\n\
p=+1 617 555-6011\r\n\
c=IN IP4 198.51.100.1\r\n\
t=0 0\r\n\
m=audio 49170 RTP/AVP 0\r\n\
m=audio 49180 RTP/AVP 0\r\n\
m=video 51372 RTP/AVP 99\r\n\
c=IN IP6 2001:db8::2\r\n\
a=rtpmap:99 h263-1998/90000\r\n";

#[test]
fn rfc_8866_example() {
    let s = parse_sdp(RFC8866.as_bytes());
    assert!(s.issues.is_empty(), "{:?}", s.issues);
    assert_eq!(s.lines.len(), 14);
    assert_eq!(s.origin, Some(&b"jdoe 3724394400 3724394405 IN IP4 198.51.100.1"[..]));
    assert_eq!(s.name(), Some(&b"Call to John Smith"[..]));
    assert_eq!(s.media.len(), 3);
    let [first, second, video] = &s.media[..] else { panic!() };
    assert_eq!((first.kind, first.port, first.port_count), (&b"audio"[..], 49170, 1));
    assert_eq!(first.formats[0].encoding.as_deref(), Some("PCMU/8000"));
    assert_eq!(first.connection, s.connection);
    assert_eq!(first.rtcp_port(), 49171);
    assert_eq!(second.lines, 10..11);
    assert_eq!(video.lines, 11..14);
    assert_eq!(video.connection.as_ref().unwrap().ip, "2001:db8::2".parse().ok());
    assert_eq!(video.formats[0].encoding.as_deref(), Some("h263-1998/90000"));
    assert_eq!(video.direction, Direction::SendRecv);
}

// RFC 4566 §5 example.
#[test]
fn rfc_4566_example_inherits_direction() {
    let sdp = b"v=0\r\no=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\ns=SDP Seminar\r\n\
i=A Seminar on the session description protocol\r\nu=http://www.example.com/seminars/sdp.pdf\r\n\
e=j.doe@example.com (Jane Doe)\r\nc=IN IP4 224.2.17.12/127\r\nt=2873397496 2873404696\r\na=recvonly\r\n\
m=audio 49170 RTP/AVP 0\r\nm=video 51372/2 RTP/AVP 99\r\na=rtpmap:99 h263-1998/90000\r\na=sendonly\r\n";
    let s = parse_sdp(sdp);
    assert!(s.issues.is_empty(), "{:?}", s.issues);
    assert_eq!(s.connection.as_ref().unwrap().address, b"224.2.17.12");
    assert_eq!(s.connection.as_ref().unwrap().ip, "224.2.17.12".parse().ok());
    assert_eq!(s.media[0].direction, Direction::RecvOnly);
    assert_eq!(s.media[1].direction, Direction::SendOnly);
    assert_eq!(s.media[1].port_count, 2);
    assert!(!s.media[0].is_hold());
    assert!(s.media[1].is_hold());
}

// Written after the examples of [MS-SDPEXT]; keys, passwords and addresses invented.
const MICROSOFT: &str = "v=0\r\no=- 0 0 IN IP4 192.0.2.112\r\ns=session\r\nc=IN IP4 192.0.2.112\r\nb=CT:99980\r\n\
t=0 0\r\na=x-devicecaps:audio:send,recv;video:send,recv\r\n\
m=audio 50010 RTP/SAVP 114 9 0 13 101\r\n\
a=ice-ufrag: 6nxO\r\na=ice-pwd: 0123456789abcdefghijklmn\r\n\
a=candidate:1 1 UDP 2130706431 192.0.2.112 50010 typ host\r\n\
a=candidate:5 1 TCP-ACT 1684797951 198.51.100.218 50032 typ srflx raddr 192.0.2.112 rport 50032\r\n\
a=cryptoscale:1 client AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|2^31|1:1\r\n\
a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB|2^31|1:1\r\n\
a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:CCCC|2^31;inline:DDDD UNENCRYPTED_SRTP\r\n\
a=maxptime:200\r\na=rtcp:50011\r\n\
a=rtpmap:114 x-msrta/16000\r\na=fmtp:114 bitrate=29000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
a=ptime:20\r\n\
m=applicationsharing 50020 TCP/RTP/AVP 127\r\na=rtpmap:127 x-data/90000\r\na=setup:active\r\n\
m=message 5060 sip null\r\n";

#[test]
fn microsoft_offer() {
    let s = parse_sdp(MICROSOFT.as_bytes());
    assert!(s.issues.is_empty(), "{:?}", s.issues);
    let audio = &s.media[0];
    assert_eq!(audio.rtcp, Some((50011, None)));
    assert_eq!(audio.candidates().count(), 2);
    let ice = s.ice(audio).unwrap();
    assert_eq!(ice.ufrag, b"6nxO");
    assert_eq!(text(MICROSOFT.as_bytes(), &ice.pwd.unwrap().1), "0123456789abcdefghijklmn");
    let cryptos: Vec<_> = audio.cryptos().collect();
    assert_eq!(cryptos.iter().map(|c| c.tag).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(cryptos[0].role, Some(&b"client"[..]));
    assert_eq!(cryptos[1].suite, b"AES_CM_128_HMAC_SHA1_80");
    assert_eq!(cryptos[2].session_parameters, b"UNENCRYPTED_SRTP");
    assert_eq!(cryptos[2].keys.len(), 2);
    assert_eq!(audio.formats[0].encoding.as_deref(), Some("x-msrta/16000"));
    assert_eq!(audio.formats[0].fmtp, Some(&b"bitrate=29000"[..]));
    assert_eq!(audio.formats[1].encoding.as_deref(), Some("G722/8000"));
    assert_eq!(s.setup(&s.media[1]), Some(&b"active"[..]));
    assert_eq!(s.media[2].protocol, b"sip");
    let secrets: Vec<_> = s.secrets().iter().map(|r| text(MICROSOFT.as_bytes(), r).to_owned()).collect();
    assert_eq!(
        secrets,
        [
            "0123456789abcdefghijklmn".to_owned(),
            "A".repeat(40),
            "B".repeat(40),
            "CCCC".to_owned(),
            "DDDD".to_owned()
        ]
    );
}

#[test]
fn secrets_of_odd_lines() {
    let sdp = b"v=0\nk=base64:SECRET1\na=CRYPTO:x inline:SECRET2\na=candidate:uuK9 1 SECRET3 UDP 0.850 192.0.2.1 5000\n\
a=key-mgmt:mikey SECRET4\n a =ice-pwd:SECRET5\nk=prompt\n";
    let s = parse_sdp(sdp);
    let secrets: Vec<_> = s.secrets().iter().map(|r| text(sdp, r).to_owned()).collect();
    assert_eq!(secrets, ["SECRET1", "SECRET2", "SECRET3", "SECRET4", "SECRET5", "prompt"]);
}

#[test]
fn stub_without_version() {
    let s = parse_sdp(b"m=audio 0 RTP/AVP\r\n");
    assert_eq!(codes(&s), ["sdp-no-version"]);
    assert_eq!(s.media.len(), 1);
    assert!(!s.media[0].is_hold());
}

#[test]
fn line_ends() {
    for end in ["\n", "\r", "\r\n"] {
        let sdp = RFC8866.replace("\r\n", end);
        let s = parse_sdp(sdp.as_bytes());
        assert!(s.issues.is_empty(), "{end:?}: {:?}", s.issues);
        assert_eq!(s.media.len(), 3);
        for line in &s.lines {
            assert!(!line.value.contains(&b'\r') && !line.value.contains(&b'\n'));
        }
    }
    let no_end = parse_sdp(b"v=0\r\no=- 0 0 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0");
    assert!(no_end.issues.is_empty());
    assert_eq!(no_end.lines.last().unwrap().value, b"0 0");
}

#[test]
fn second_description_has_its_own_session_level() {
    let one = "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=inactive\r\nm=audio 1000 RTP/AVP 0\r\n";
    let two =
        "v=0\r\no=b 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 2000 RTP/AVP 8\r\n";
    let glued = format!("{one}{two}");
    let s = parse_sdp(glued.as_bytes());
    assert_eq!(codes(&s), ["sdp-second-session"]);
    assert_eq!(s.issues[0].range, one.len()..one.len() + 3);
    assert!(s.origin.unwrap().starts_with(b"a "));
    assert_eq!(s.media[0].direction, Direction::Inactive);
    assert_eq!(s.media[0].lines, 6..7);
    assert_eq!(s.media[1].direction, Direction::SendRecv);
    assert_eq!(s.media[1].connection.as_ref().unwrap().address, b"192.0.2.2");
}

#[test]
fn holds() {
    let hold = |c: &str, m: &str, a: &str| {
        let sdp = format!("v=0\r\no=- 0 0 IN IP4 1.1.1.1\r\ns=-\r\n{c}\r\nt=0 0\r\n{m}\r\n{a}\r\n");
        parse_sdp(sdp.as_bytes()).media[0].is_hold()
    };
    assert!(hold("c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 0", "a=sendrecv"));
    assert!(hold("c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0", "a=inactive"));
    assert!(hold("c=IN IP6 ::", "m=audio 4000 RTP/AVP 0", "a=x"));
    assert!(!hold("c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0", "a=recvonly"));
    assert!(!hold("c=IN IP4 0.0.0.0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=sendrecv"));
    assert!(!hold("c=IN IP4 0.0.0.0", "m=audio 0 RTP/AVP 0", "a=inactive"));
}

#[test]
fn rtcp_and_mux() {
    let s = parse_sdp(
        b"v=0\no=- 0 0 IN IP4 1.1.1.1\ns=-\nc=IN IP4 1.1.1.1\nt=0 0\nm=audio 4000 RTP/AVP 0\n\
a=rtcp:53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD\nm=video 5000 RTP/AVP 99\na=rtcp-mux\n",
    );
    assert!(s.issues.is_empty(), "{:?}", s.issues);
    assert_eq!(s.media[0].rtcp, Some((53020, "2001:2345:6789:abcd:ef01:2345:6789:abcd".parse().ok())));
    assert!(s.media[1].rtcp_mux);
    assert_eq!(s.media[1].rtcp_port(), 5000);
    assert_eq!(s.media[1].formats[0].encoding, None);
}

#[test]
fn defects_are_reported_with_their_place() {
    let check = |line: &str, code: &str| {
        let head =
            "v=0\r\no=- 0 0 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        let sdp = format!("{head}{line}\r\na=after\r\n");
        let s = parse_sdp(sdp.as_bytes());
        assert_eq!(codes(&s), [code], "{line}");
        let place = text(sdp.as_bytes(), &s.issues[0].range);
        assert!(line.contains(place), "{line}: {place}");
        assert!(s.media.last().unwrap().attribute("after").is_some(), "{line}");
    };
    check("garbage", "sdp-bad-line");
    check("Q=1", "sdp-unknown-type");
    check("", "sdp-blank-line");
    check("m=audio 70000 RTP/AVP 0", "sdp-bad-port");
    check("m=audio 99999999999 RTP/AVP 0", "sdp-bad-port");
    check("m=audio x RTP/AVP 0", "sdp-bad-port");
    check("m=audio 4000/0 RTP/AVP 0", "sdp-bad-port");
    check("m=audio 4000", "sdp-bad-media");
    check("m=audio 4000 RTP/AVP", "sdp-no-formats");
    check("c=IN IP4", "sdp-bad-connection");
    check("c=IN IP4 2001:db8::1", "sdp-bad-connection");
    check("a=rtcp:99999", "sdp-bad-rtcp");
    check("a=rtpmap:0", "sdp-bad-rtpmap");
    check("a=crypto:1 SUITE", "sdp-bad-crypto");
    check("a=:x", "sdp-bad-attribute");
    check(" a=x", "sdp-spaces");
    check("a=inactive\r\na=sendrecv", "sdp-two-directions");
}

#[test]
fn missing_lines() {
    let s = parse_sdp(b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n");
    assert_eq!(codes(&s), ["sdp-no-connection", "sdp-missing-line", "sdp-missing-line", "sdp-missing-line"]);
    assert_eq!(codes(&parse_sdp(b"")), ["sdp-empty"]);
    assert_eq!(codes(&parse_sdp(b"\r\n\0\0")), ["sdp-empty"]);
}

#[test]
fn issues_and_lines_are_bounded() {
    let garbage = b"x\n".repeat(MAX_LINES + 10);
    let s = parse_sdp(&garbage);
    assert_eq!(s.lines.len(), MAX_LINES);
    assert!(s.issues.len() <= MAX_ISSUES);
}

/// Port, count, formats, direction, RTCP port.
type ModelMedia = (u16, u16, Vec<u8>, Option<u8>, Option<u16>);

/// What [`print`] writes and a parse must give back.
#[derive(Debug, Clone)]
struct Model {
    address: std::net::Ipv4Addr,
    direction: Option<u8>,
    media: Vec<ModelMedia>,
}

fn direction_name(direction: u8) -> (&'static str, Direction) {
    let d = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
        [usize::from(direction % 4)];
    (d.name(), d)
}

fn print(model: &Model, end: &str) -> String {
    let mut lines = vec![
        "v=0".to_owned(),
        format!("o=- 1 1 IN IP4 {}", model.address),
        "s=-".to_owned(),
        format!("c=IN IP4 {}", model.address),
        "t=0 0".to_owned(),
    ];
    lines.extend(model.direction.map(|d| format!("a={}", direction_name(d).0)));
    for (port, count, formats, direction, rtcp) in &model.media {
        let list: Vec<_> = formats.iter().map(u8::to_string).collect();
        lines.push(format!("m=audio {port}/{count} RTP/AVP {}", list.join(" ")));
        for f in formats {
            lines.push(format!("a=rtpmap:{f} codec{f}/8000"));
            lines.push(format!("a=fmtp:{f} p={f}"));
        }
        lines.extend(direction.map(|d| format!("a={}", direction_name(d).0)));
        lines.extend(rtcp.map(|r| format!("a=rtcp:{r}")));
    }
    lines.push(String::new());
    lines.join(end)
}

proptest! {
    #[test]
    fn addresses_are_read_as_std_reads_them(text in "[0-9]{0,4}(\\.[0-9]{0,4}){2,4}|[0-9a-f:.]{0,20}", ip in any::<std::net::Ipv4Addr>()) {
        prop_assert_eq!(attribute::parse_ip(text.as_bytes()), text.parse().ok());
        prop_assert_eq!(attribute::parse_ip(ip.to_string().as_bytes()), Some(ip.into()));
    }

    #[test]
    fn printed_descriptions_come_back(
        address in any::<std::net::Ipv4Addr>(),
        direction in proptest::option::of(0u8..4),
        media in proptest::collection::vec(
            (
                1u16.., 1u16..5,
                proptest::collection::btree_set(0u8..128, 1..5).prop_map(|s| s.into_iter().collect::<Vec<_>>()),
                proptest::option::of(0u8..4), proptest::option::of(any::<u16>()),
            ),
            0..4,
        ),
        end in prop_oneof![Just("\r\n"), Just("\n"), Just("\r")],
    ) {
        let model = Model { address, direction, media };
        let printed = print(&model, end);
        let s = parse_sdp(printed.as_bytes());
        prop_assert!(s.issues.is_empty(), "{:?}", s.issues);
        prop_assert_eq!(s.connection.as_ref().unwrap().ip, Some(address.into()));
        prop_assert_eq!(s.media.len(), model.media.len());
        for (read, (port, count, formats, direction, rtcp)) in s.media.iter().zip(&model.media) {
            prop_assert_eq!(read.port, u32::from(*port));
            prop_assert_eq!(read.port_count, u32::from(*count));
            let expect = direction.or(model.direction).map_or(Direction::SendRecv, |d| direction_name(d).1);
            prop_assert_eq!(read.direction, expect);
            prop_assert_eq!(read.rtcp.map(|r| r.0), rtcp.map(u32::from));
            for (f, id) in read.formats.iter().zip(formats) {
                let encoding = format!("codec{id}/8000");
                let fmtp = format!("p={id}");
                prop_assert_eq!(f.encoding.as_deref(), Some(encoding.as_str()));
                prop_assert_eq!(f.fmtp, Some(fmtp.as_bytes()));
            }
        }
        let lines: Vec<_> = s.lines.iter().map(|l| text(printed.as_bytes(), &l.range)).collect();
        prop_assert_eq!(lines.join(end) + end, printed);
    }

    #[test]
    fn ranges_stay_inside(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        // Two of three bytes are ones that mean something.
        const TELLING: &[u8] = b"aaaacmvk===::\r\n\n  /019";
        let bytes: Vec<u8> = bytes
            .iter()
            .map(|&b| if b % 3 == 0 { b } else { TELLING[usize::from(b) % TELLING.len()] })
            .collect();
        let s = parse_sdp(&bytes);
        for line in &s.lines {
            prop_assert!(bytes.get(line.range.clone()).unwrap().ends_with(line.value));
        }
        for a in s.attributes.iter().chain(s.media.iter().flat_map(|m| &m.attributes)) {
            prop_assert_eq!(bytes.get(a.value_range.clone()).unwrap(), a.value);
        }
        for issue in &s.issues {
            prop_assert!(bytes.get(issue.range.clone()).is_some());
        }
        for secret in s.secrets() {
            prop_assert!(bytes.get(secret).is_some());
        }
    }
}
