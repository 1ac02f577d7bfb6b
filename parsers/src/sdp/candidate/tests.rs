use super::address::is_local_range;
use super::line::MAX_EXTENSIONS;
use super::username::{ms_ice_username, ms_ice2_username, rfc_username};
use super::*;
use crate::sdp::{parse_sdp, parse_sdpfrag};
use crate::stun::CheckUsername;
use hex_literal::hex;
use proptest::prelude::*;

fn parse(line: &str) -> Candidate<'_> {
    parse_candidate(line.as_bytes(), 0)
}

fn codes(c: &Candidate<'_>) -> Vec<&'static str> {
    c.issues.iter().map(|i| i.code).collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

// Published post on SDP and ICE in OCS 2007 R2: the ICEv6 list.
const V06: [&str; 10] = [
    "uuK9Gym3F0zReasv+FyKCM 1 UwaQkvk5hiWgVg UDP 0.850 192.168.100.112 50005",
    "uuK9Gym3F0zReasv+FyKCM 2 UwaQkvk5hiWgVg UDP 0.850 192.168.100.112 50031",
    "9/vLJjcL+aemcsR1AxpVM0 1 6Puckob7qP8GFA TCP 0.190 213.199.141.181 56909",
    "9/vLJjcL+aemcsR1AxpVM0 2 6Puckob7qP8GFA TCP 0.190 213.199.141.181 56909",
    "iHdvoVfXm2i2IPGmfO0xa4 1 UbNAQVuHoEoHVA UDP 0.490 213.199.141.181 52003",
    "iHdvoVfXm2i2IPGmfO0xa4 2 UbNAQVuHoEoHVA UDP 0.490 213.199.141.181 50126",
    "3ECLhrmJtmDK/j3FY4O5Tw 1 c6zoXvSFIqRfcw TCP 0.250 171.231.102.218 50025",
    "3ECLhrmJtmDK/j3FY4O5Tw 2 c6zoXvSFIqRfcw TCP 0.250 171.231.102.218 50025",
    "FKVarEmvn9yEvjD5xahFa0 1 qNTE/3CmryPpGA UDP 0.550 171.231.102.218 50015",
    "FKVarEmvn9yEvjD5xahFa0 2 qNTE/3CmryPpGA UDP 0.550 171.231.102.218 50028",
];

// The same post: the ICEv19 list.
const V19: [&str; 12] = [
    "1 1 UDP 2130706431 192.168.100.112 50036 typ host",
    "1 2 UDP 2130705918 192.168.100.112 50032 typ host",
    "2 1 TCP-PASS 6556159 213.199.141.181 52899 typ relay raddr 213.199.141.181 rport 52899",
    "2 2 TCP-PASS 6556158 213.199.141.181 52899 typ relay raddr 213.199.141.181 rport 52899",
    "3 1 UDP 16648703 213.199.141.181 57309 typ relay raddr 213.199.141.181 rport 57309",
    "3 2 UDP 16648702 213.199.141.181 54054 typ relay raddr 213.199.141.181 rport 54054",
    "4 1 TCP-ACT 7076863 213.199.141.181 52899 typ relay raddr 213.199.141.181 rport 52899",
    "4 2 TCP-ACT 7076350 213.199.141.181 52899 typ relay raddr 213.199.141.181 rport 52899",
    "5 1 TCP-ACT 1684797951 171.231.102.218 50032 typ srflx raddr 192.168.100.112 rport 50032",
    "5 2 TCP-ACT 1684797438 171.231.102.218 50032 typ srflx raddr 192.168.100.112 rport 50032",
    "6 1 UDP 1694234623 171.231.102.218 50033 typ srflx raddr 192.168.100.112 rport 50033",
    "6 2 UDP 1694234110 171.231.102.218 50039 typ srflx raddr 192.168.100.112 rport 50039",
];

#[test]
fn published_draft_06_lines() {
    let thousandths = [850, 850, 190, 190, 490, 490, 250, 250, 550, 550];
    for (n, line) in V06.iter().enumerate() {
        let c = parse(line);
        let fields: Vec<_> = line.split(' ').collect();
        assert_eq!((c.shape, codes(&c)), (Shape::Draft06, vec![]), "{line}");
        assert_eq!(c.foundation, fields[0].as_bytes());
        assert_eq!(c.component, Some(n as u16 % 2 + 1));
        assert_eq!(c.password, Some((fields[2].as_bytes(), 25..39)));
        assert_eq!(c.transport.name(), fields[3].as_bytes());
        assert_eq!(c.address.ip, Some(ip(fields[5])));
        assert_eq!(c.port.map(|p| p.to_string()).as_deref(), Some(fields[6]));
        assert_eq!((c.kind, c.related, c.extensions.len()), (None, None, 0));
        let Priority::Fraction(q) = c.priority else { panic!("{:?}", c.priority) };
        assert_eq!((q.text, q.thousandths()), (fields[4].as_bytes(), thousandths[n]));
        assert_eq!(c.decoded_id().map(|id| id.len()), Some(16), "{line}");
        assert_eq!(c.decoded_password().map(|p| p.len()), Some(10), "{line}");
        assert_eq!(c.tcp_role(), (fields[3] == "TCP").then_some(TcpRole::Either));
    }
}

#[test]
fn published_draft_19_lines() {
    for (n, line) in V19.iter().enumerate() {
        let c = parse(line);
        let fields: Vec<_> = line.split(' ').collect();
        assert_eq!((c.shape, codes(&c)), (Shape::Typed, vec![]), "{line}");
        assert_eq!(c.foundation, fields[0].as_bytes());
        assert_eq!(c.component, Some(n as u16 % 2 + 1));
        assert_eq!(c.transport.name(), fields[2].as_bytes());
        assert_eq!(c.priority, Priority::Integer(fields[3].parse().unwrap()));
        assert_eq!(c.priority.parts().unwrap().component, n as u16 % 2 + 1);
        assert_eq!(c.address.text, fields[4].as_bytes());
        assert_eq!(c.kind.unwrap().name(), fields[7].as_bytes());
        assert_eq!(c.relay_names_itself(), fields[7] == "relay");
        assert!(c.password.is_none());
        match (c.related, fields.get(9)) {
            (Some(related), Some(raddr)) => {
                assert_eq!(related.address.unwrap().ip, Some(ip(raddr)));
                assert_eq!(related.port, fields[11].parse().ok());
            }
            (related, raddr) => assert!(related.is_none() && raddr.is_none()),
        }
    }
    let c = parse(V19[8]);
    assert_eq!(c.foundation, b"5");
    assert_eq!(c.tcp_role(), Some(TcpRole::Active));
    assert_eq!(c.priority, Priority::Integer(0x646B_F9FF));
    assert_eq!(c.kind, Some(CandidateType::Srflx));
    assert_eq!(parse(V19[2]).tcp_role(), Some(TcpRole::Passive));
}

#[test]
fn priorities_taken_apart() {
    let check = |n: usize, kind: u8, local: u16, transport: u8, direction: u8| {
        let parts = parse(V19[n]).priority.parts().unwrap();
        assert_eq!((parts.type_preference, parts.local_preference), (kind, local), "{n}");
        let ms = MsLocalPreference::of(local);
        assert_eq!((ms.transport, ms.direction), (transport, direction), "{n}");
    };
    check(0, 126, 0xFFFF, 15, 7);
    check(1, 126, 0xFFFD, 15, 7);
    check(2, 0, 0x6409, 6, 2);
    check(3, 0, 0x6409, 6, 2);
    check(4, 0, 0xFE09, 15, 7);
    check(5, 0, 0xFE09, 15, 7);
    check(6, 0, 0x6BFB, 6, 5);
    check(7, 0, 0x6BF9, 6, 5);
    check(8, 100, 0x6BF9, 6, 5);
    check(9, 100, 0x6BF7, 6, 5);
    check(10, 100, 0xFBF7, 15, 5);
    check(11, 100, 0xFBF5, 15, 5);
    // Recommended preferences, RFC 8445 §5.1.2.
    for (priority, kind, component) in [
        (2_130_706_431, "host", 1),
        (2_130_706_430, "host", 2),
        (1_862_270_975, "prflx", 1),
        (1_694_498_815, "srflx", 1),
        (16_777_215, "relay", 1),
    ] {
        let parts = PriorityParts::of(priority);
        assert_eq!((parts.type_words(), parts.local_preference, parts.component), (kind, 65535, component));
    }
    let words = |line, syntax| parse(line).priority.words(syntax).unwrap();
    assert_eq!(
        words(V19[8], CandidateSyntax::V19),
        "type preference 100 (srflx), local preference 27641 (TCP active, turn 7, other 57), component 1"
    );
    assert_eq!(
        words(V19[0], CandidateSyntax::Rfc),
        "type preference 126 (host), local preference 65535, component 1"
    );
    assert_eq!(words(V06[0], CandidateSyntax::V06), "0.850 of 1");
    assert_eq!(pair_priority(2_130_706_431, 1_694_234_623), 0x64FB_F7FF_FDFF_FFFF);
    assert_eq!(pair_priority(1_694_234_623, 2_130_706_431), 7_276_682_301_797_302_270);
    assert_eq!(pair_priority(16_648_703, 16_648_703), 71_505_634_939_114_494);
    assert_eq!(pair_priority(u32::MAX, u32::MAX), u64::MAX);
}

#[test]
fn standard_lines() {
    // RFC 8839 §5.1 and RFC 6544 §4.5, in the words of WebRTC.
    let c =
        parse("1 1 TCP 2105458943 192.0.2.1 9 typ host tcptype active generation 0 ufrag 4Gff network-id 3");
    assert_eq!((c.shape, codes(&c)), (Shape::Typed, vec![]));
    assert_eq!(
        (c.tcp_role(), c.tcp_type, c.generation),
        (Some(TcpRole::Active), Some(&b"active"[..]), Some(0))
    );
    assert_eq!(c.extensions, [(&b"ufrag"[..], &b"4Gff"[..]), (b"network-id", b"3")]);
    assert_eq!(c.extension("UFRAG"), Some(&b"4Gff"[..]));
    for (word, role) in [("passive", Some(TcpRole::Passive)), ("so", Some(TcpRole::Both)), ("x", None)] {
        let line = format!("1 1 tcp 2105458943 192.0.2.1 80 typ host tcptype {word}");
        assert_eq!(parse(&line).tcp_role(), role);
    }
    let c = parse("2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998");
    assert_eq!(c.transport, Transport::Udp);
    assert_eq!(c.related.unwrap().port, Some(8998));
    let c = parse("1 1 UDP 2130706431 fe80::6676:baff:fe9c:ee4a 8998 typ host");
    assert_eq!(
        (c.address.ip, c.address.remark()),
        (Some(ip("fe80::6676:baff:fe9c:ee4a")), Some(AddressRemark::LinkLocal))
    );
    let c = parse("842163049 1 udp 1677729535 6a3fb9c0-3f1c-4a20-9a66-2f6dd2a3a7c3.local 40678 typ host");
    assert!(c.address.is_mdns() && c.address.ip.is_none() && c.issues.is_empty());
    let c = parse("1 1 UDP 2130706431 host.example.com 8998 typ host");
    assert_eq!((c.address.remark(), c.issues.len()), (Some(AddressRemark::Name), 0));
    // Fractions and types of others are kept.
    assert_eq!(parse("1 1 SCTP 5 192.0.2.1 5 typ magic").kind, Some(CandidateType::Other(b"magic")));
    assert_eq!(parse("1 1 TCP-SO 5 192.0.2.1 5 typ host").tcp_role(), Some(TcpRole::Both));
}

#[test]
fn malformed_lines() {
    let check = |line: &str, expect: &[&str]| assert_eq!(codes(&parse(line)), expect, "{line}");
    // Six words of either form.
    check("uuK9Gym3F0zReasv+FyKCM 1 UwaQkvk5hiWgVg UDP 0.850 192.0.2.1", &["candidate-cut"]);
    assert_eq!(parse("uuK9Gym3F0zReasv+FyKCM 1 UwaQkvk5hiWgVg UDP 0.850 192.0.2.1").shape, Shape::Draft06);
    check("2 1 TCP-PASS 6556159 192.0.2.1 52899", &["candidate-no-type"]);
    check("1 1 UDP 2130706431 192.0.2.1 65536 typ host", &["candidate-port"]);
    check("1 1 UDP 0 192.0.2.1 5000 typ host", &["candidate-priority"]);
    check("1 1 UDP 4294967296 192.0.2.1 5000 typ host", &["candidate-priority"]);
    assert_eq!(
        parse("1 1 UDP 4294967296 192.0.2.1 5000 typ host").priority,
        Priority::Integer(4_294_967_296)
    );
    check("1 1 UDP 99999999999999999999 192.0.2.1 5000 typ host", &["candidate-priority"]);
    check("1 1 UDP 0.5 192.0.2.1 5000 typ host", &["candidate-priority"]);
    check("1 1 UDP 1 192.0.2.1 5000 typ", &["candidate-odd-words", "candidate-no-type"]);
    check("1 1 UDP 1 192.0.2.1 5000 typ srflx raddr 10.0.0.1", &["candidate-related"]);
    check("1 1 UDP 1 192.0.2.1 5000 typ srflx rport 1", &["candidate-related"]);
    check("1 1 UDP 1 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport", &["candidate-odd-words"]);
    check("1 1 UDP 1 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport x", &["candidate-port"]);
    check("1 1  UDP 1 192.0.2.1 5000 typ host", &["candidate-spaces"]);
    check("1\t1\tUDP\t1\t192.0.2.1\t5000\ttyp\thost", &["candidate-spaces"]);
    check("1 0 UDP 1 192.0.2.1 5000 typ host", &["candidate-component"]);
    check("1 257 UDP 1 192.0.2.1 5000 typ host", &["candidate-component"]);
    check("1 x UDP 1 192.0.2.1 5000 typ host", &["candidate-component"]);
    check("1 1 UDP 1 999.1.1.1 5000 typ host", &["candidate-address"]);
    check("1 1 UDP 1 192.0.2.1 5000 typ magic", &["candidate-type"]);
    check("", &["candidate-cut"]);
    check("1", &["candidate-cut"]);
    check(&format!("{} 1 UDP 1 192.0.2.1 5000 typ host", "f".repeat(33)), &["candidate-foundation"]);
    check("id 1 pw UDP 1.5 192.0.2.1 5000", &["candidate-priority"]);
    check("id 1 pw UDP x 192.0.2.1 5000", &["candidate-priority"]);
    // Odd, but right.
    check("2 1 tcp-act 7076863 192.0.2.1 52899 typ relay raddr 192.0.2.1 rport 52899", &[]);
    assert_eq!(parse("4 1 tcp-act 1 192.0.2.1 1 typ host").transport, Transport::TcpAct);
    for q in ["1", ".5", "0.8501", "0", "1.000"] {
        let line = format!("uuK9Gym3F0zReasv+FyKCM 1 UwaQkvk5hiWgVg UDP {q} 192.0.2.1 5000");
        let c = parse(&line);
        assert_eq!((c.shape, codes(&c)), (Shape::Draft06, vec![]), "{q}");
        assert!(matches!(c.priority, Priority::Fraction(f) if f.text == q.as_bytes()));
    }
    // Ranges are of the buffer.
    let buf = b"v=0\r\nm=audio 5000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\na=candidate: 1 1 UDP 1 192.0.2.1 70000 typ host\r\n";
    let session = parse_sdp(buf);
    let issue = session.issues.iter().find(|i| i.code == "candidate-port").unwrap();
    assert_eq!(&buf[issue.range.clone()], b"70000");
}

#[test]
fn long_lines_are_bounded() {
    let line = format!("1 1 UDP 1 192.0.2.1 5000 typ host{}", " a b".repeat(10_000));
    let c = parse(&line);
    assert_eq!((c.extensions.len(), codes(&c)), (MAX_EXTENSIONS, vec!["candidate-extensions"]));
    let line = format!("1 1 UDP 1 {} 5000 typ host", "a.".repeat(1000));
    assert_eq!(codes(&parse(&line)), [""; 0]);
}

#[test]
fn fractions_by_value() {
    let fraction = |text: &'static str| Fraction::parse(text.as_bytes());
    assert_eq!(fraction("0.85").unwrap().compare(&fraction("0.850").unwrap()), Ordering::Equal);
    assert_eq!(fraction("0.8501").unwrap().compare(&fraction("0.85").unwrap()), Ordering::Greater);
    assert_eq!(fraction(".5").unwrap().compare(&fraction("1").unwrap()), Ordering::Less);
    let long = fraction("0.99999999999999999").unwrap();
    assert_eq!((long.compare(&fraction("1").unwrap()), long.thousandths()), (Ordering::Less, 999));
    for bad in ["", ".", "1.2.3", "-1", "1e3", "0.9999999999999999999", "١"] {
        assert_eq!(fraction(bad), None, "{bad}");
    }
}

fn session_of(lines: &[&str], more: &str) -> String {
    let mut text =
        "v=0\r\no=- 0 0 IN IP4 192.168.100.112\r\ns=session\r\nc=IN IP4 213.199.141.181\r\nt=0 0\r\n\
        m=audio 57309 RTP/AVP 114\r\na=rtcp:54054\r\n"
            .to_owned();
    text.push_str(more);
    lines.iter().for_each(|line| text.push_str(&format!("a=candidate:{line}\r\n")));
    text
}

#[test]
fn a_section_of_each_kind() {
    let text = session_of(&V19, "a=ice-ufrag: 6nxO\r\na=ice-pwd: 0123456789abcdefghijklmn\r\n");
    let session = parse_sdp(text.as_bytes());
    assert!(session.issues.is_empty(), "{:?}", session.issues);
    let ice = session.ice_description(&session.media[0]);
    assert_eq!((ice.syntax, ice.candidates.len(), ice.issues.len()), (CandidateSyntax::V19, 12, 0));
    // The stray space is no part of the name.
    let credentials = ice.credentials.as_ref().unwrap();
    assert_eq!(credentials.ufrag, b"6nxO");
    assert_eq!(&text.as_bytes()[credentials.ufrag_range.clone()], b"6nxO");
    // c= and m= name the relay, not the host.
    assert_eq!(ice.default_candidate(1).map(|c| c.foundation), Some(&b"3"[..]));
    assert_eq!(ice.default_candidate(2).map(|c| c.foundation), Some(&b"3"[..]));
    assert!(ice.defaults.iter().all(Option::is_some));
    assert!(!ice.is_final());

    let text = session_of(&V06, "");
    let session = parse_sdp(text.as_bytes());
    let ice = session.ice_description(&session.media[0]);
    assert_eq!((ice.syntax, ice.credentials.is_none()), (CandidateSyntax::V06, true));
    assert_eq!(ice.default_candidate(1), None);

    let syntax = |lines: &[&str]| {
        let text = session_of(lines, "");
        let session = parse_sdp(text.as_bytes());
        session.ice_descriptions()[0].syntax
    };
    assert_eq!(syntax(&[]), CandidateSyntax::None);
    assert_eq!(
        syntax(&["1 1 UDP 2130706431 192.0.2.1 5000 typ host", "1 2 UDP 2130706430 192.0.2.1 5001 typ host"]),
        CandidateSyntax::Rfc
    );
    // Only UDP hosts of Communicator: told by the second component.
    assert_eq!(syntax(&V19[..2]), CandidateSyntax::V19);
    // Only UDP relays: told by their naming themselves.
    assert_eq!(syntax(&V19[4..6]), CandidateSyntax::V19);
    // RFC 8839 §5.1: a relay names the mapped address.
    assert_eq!(
        syntax(&["3 1 UDP 16777215 192.0.2.9 5000 typ relay raddr 192.0.2.3 rport 45664"]),
        CandidateSyntax::Rfc
    );
}

// The same post: the final offer, which names another relay of the peer's.
#[test]
fn the_final_offer() {
    let text =
        session_of(&V19[4..6], "a=remote-candidates:1 213.199.141.81 51721 2 213.199.141.81 58975\r\n");
    let session = parse_sdp(text.as_bytes());
    let ice = session.ice_description(&session.media[0]);
    let Some(RemoteCandidates::List(list)) = &ice.remote else { panic!("{:?}", ice.remote) };
    let told: Vec<_> = list.iter().map(|r| (r.component, r.address.ip, r.port)).collect();
    let address = Some(ip("213.199.141.81"));
    assert_eq!(told, [(Some(1), address, Some(51721)), (Some(2), address, Some(58975))]);
    assert!(ice.is_final() && ice.issues.is_empty());
    // The peer's list has .181, so the pair is unknown there; with the peer's own addresses it would be known.
    let offer = session_of(&V19, "");
    let offer = parse_sdp(offer.as_bytes());
    let offer = offer.ice_description(&offer.media[0]);
    assert!(ice.keeps_to(&offer) && !offer.keeps_to(&ice));
    assert_eq!((ice.names_known_remote(&offer), offer.names_known_remote(&ice)), (Some(false), None));
    let answer = session_of(
        &["1 1 UDP 2 213.199.141.81 51721 typ host", "1 2 UDP 1 213.199.141.81 58975 typ host"],
        "",
    );
    let answer = parse_sdp(answer.as_bytes());
    assert_eq!(ice.names_known_remote(&answer.ice_description(&answer.media[0])), Some(true));
    // draft-06: one id.
    let text = session_of(&V06[4..6], "a=remote-candidate:iHdvoVfXm2i2IPGmfO0xa4\r\n");
    let session = parse_sdp(text.as_bytes());
    let ice = session.ice_description(&session.media[0]);
    assert_eq!(ice.remote, Some(RemoteCandidates::Id(b"iHdvoVfXm2i2IPGmfO0xa4")));
    assert_eq!((ice.names_known_remote(&ice), ice.names_known_remote(&offer)), (Some(true), Some(false)));
    assert!(ice.is_final());
    // Damaged ones.
    for bad in ["", "1", "1 192.0.2.1", "1 192.0.2.1 70000", "0 192.0.2.1 5", "1 192.0.2.1 5 2"] {
        let text = session_of(&V19[..2], &format!("a=remote-candidates:{bad}\r\n"));
        let session = parse_sdp(text.as_bytes());
        let ice = session.ice_description(&session.media[0]);
        assert_eq!(ice.issues.iter().map(|i| i.code).collect::<Vec<_>>(), ["remote-candidates"], "{bad}");
        assert!(ice.issues[0].range.end <= text.len());
    }
}

#[test]
fn missing_components() {
    let incomplete = |lines: &[&str]| {
        let text = session_of(lines, "");
        let session = parse_sdp(text.as_bytes());
        let ice = session.ice_description(&session.media[0]);
        let found: Vec<_> = ice.incomplete().into_iter().map(<[u8]>::to_vec).collect();
        (ice.components(), found)
    };
    assert_eq!(incomplete(&V19), (vec![1, 2], vec![]));
    assert_eq!(incomplete(&V19[..3]), (vec![1, 2], vec![b"2".to_vec()]));
    assert_eq!(incomplete(&V06[..1]), (vec![1], vec![]));
}

#[test]
fn session_level_values_and_options() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=ice-options:trickle ice2\r\n\
        a=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=ice-pacing:50\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\n\
        m=video 5004 RTP/AVP 99\r\nc=IN IP6 2001:db8::1\r\na=rtcp:6000 IN IP4 198.51.100.7\r\n\
        a=ice-ufrag:abc\r\na=ice-pwd:short\r\na=ice-mismatch\r\na=end-of-candidates\r\nm=audio 0 RTP/AVP 0\r\n";
    let session = parse_sdp(text.as_bytes());
    let [audio, video, declined] = &session.ice_descriptions()[..] else { panic!() };
    assert!(
        audio.lite && audio.has_option("TRICKLE") && audio.has_option("ice2") && !audio.end_of_candidates
    );
    assert_eq!(audio.credentials.as_ref().unwrap().ufrag, b"8hhY");
    assert_eq!((audio.mid, audio.pacing_ms, audio.defaults), (Some(&b"0"[..]), Some(50), [None; 2]));
    assert!(video.end_of_candidates && video.mismatch);
    let codes: Vec<_> = video.issues.iter().map(|i| i.code).collect();
    assert_eq!(codes, ["ice-ufrag-length", "ice-pwd-length"]);
    let defaults: Vec<_> =
        video.defaults.iter().flatten().map(|d| (d.component, d.address.ip.unwrap(), d.port)).collect();
    assert_eq!(defaults, [(1, ip("2001:db8::1"), 5004), (2, ip("198.51.100.7"), 6000)]);
    assert!(declined.defaults == [None; 2] && !declined.is_empty());
}

// RFC 8840 §9.2 (shortened).
#[test]
fn trickle_fragments() {
    let text = "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=ice-ufrag:8hhY\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\n\
        a=candidate:1 1 UDP 2130706432 2001:db8:a0b:12f0::3 5000 typ host\r\n\
        a=candidate:2 1 UDP 1694498815 192.0.2.3 5010 typ srflx raddr 10.0.1.1 rport 8998\r\n\
        a=end-of-candidates\r\nm=audio 9 RTP/AVP 0\r\na=mid:2\r\na=candidate:1 1 UDP 2130706431 10.0.1.1 5001 typ host\r\n";
    let session = parse_sdpfrag(text.as_bytes());
    assert!(session.issues.is_empty(), "{:?}", session.issues);
    let [first, second] = &session.ice_descriptions()[..] else { panic!() };
    assert_eq!((first.mid, first.candidates.len(), first.end_of_candidates), (Some(&b"1"[..]), 2, true));
    assert_eq!((second.mid, second.candidates.len(), second.end_of_candidates), (Some(&b"2"[..]), 1, false));
    assert_eq!(second.credentials.as_ref().unwrap().ufrag, b"8hhY");
    assert_eq!(session.ice_before_media(), None);
    let loose = b"a=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd777uzjYhagZg\na=mid:0\na=candidate:1 1 UDP 1 192.0.2.1 5000 typ host\n";
    let session = parse_sdpfrag(loose);
    let ice = session.ice_before_media().unwrap();
    assert_eq!((ice.candidates.len(), ice.mid), (1, Some(&b"0"[..])));
}

#[test]
fn remarks_on_addresses() {
    use AddressRemark as R;
    for (text, remark) in [
        ("10.1.2.3", Some(R::Private)),
        ("172.31.0.1", Some(R::Private)),
        ("172.32.0.1", None),
        ("192.168.0.1", Some(R::Private)),
        ("100.64.0.1", Some(R::CarrierGradeNat)),
        ("100.128.0.1", None),
        ("169.254.7.7", Some(R::LinkLocal)),
        ("127.0.0.1", Some(R::Loopback)),
        ("0.0.0.0", Some(R::Unspecified)),
        ("224.0.0.1", Some(R::Multicast)),
        ("255.255.255.255", Some(R::Broadcast)),
        ("213.199.141.181", None),
        ("::1", Some(R::Loopback)),
        ("fe80::1%eth0", Some(R::LinkLocal)),
        ("fd00::1", Some(R::UniqueLocal)),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Some(R::Teredo)),
        ("2002:c000:204::1", Some(R::SixToFour)),
        ("::ffff:10.0.0.1", Some(R::Mapped)),
        ("ff02::1", Some(R::Multicast)),
        ("2600::1", None),
        ("a-b.local", Some(R::Mdns)),
        ("a.example", Some(R::Name)),
        (".local", Some(R::Name)),
    ] {
        assert_eq!(Address::of(text.as_bytes()).remark(), remark, "{text}");
    }
    assert!(is_local_range(ip("::ffff:10.0.0.1")) && !is_local_range(ip("8.8.8.8")));

    let text = session_of(&V19, "");
    let session = parse_sdp(text.as_bytes());
    let ice = session.ice_description(&session.media[0]);
    let remarks = |n: usize| ice.remarks(&ice.candidates[n]).into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(remarks(0), [R::Private]);
    assert_eq!(remarks(4), [R::RelayNamesItself]);
    assert_eq!(remarks(10), []);
    assert_eq!(ice.same_nat(&ice), Some(ip("171.231.102.218")));
    let lines = [
        "1 1 UDP 5 192.0.2.1 5000 typ relay raddr 0.0.0.0 rport 9",
        "2 1 UDP 6 192.0.2.1 5002 typ srflx raddr 192.0.2.1 rport 5002",
        "3 1 TCP 7 192.0.2.1 9 typ host tcptype active",
    ];
    let text = session_of(&lines, "");
    let session = parse_sdp(text.as_bytes());
    let ice = session.ice_description(&session.media[0]);
    let remarks = |n: usize| ice.remarks(&ice.candidates[n]).into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(remarks(0), [R::RelatedHidden]);
    assert_eq!(remarks(1), [R::SameAsRelay, R::NotTranslated]);
    assert_eq!(remarks(2), [R::DiscardPort]);
    assert_eq!(ice.same_nat(&ice), None);
}

#[test]
fn draft_06_types_are_inferred() {
    use CandidateType as T;
    let check = |line: &str, relays: &[IpAddr], locals: &[IpAddr], kind, by| {
        assert_eq!(infer_type(&parse(line), relays, locals), Some(InferredType { kind, by }), "{line}");
    };
    let (relay, local) = ([ip("213.199.141.181")], [ip("192.168.100.112")]);
    for (n, line) in V06.iter().enumerate() {
        let kind = [T::Host, T::Relay, T::Relay, T::Srflx, T::Srflx][n / 2];
        let by = [InferredBy::KnownLocal, InferredBy::KnownRelay, InferredBy::KnownRelay][..].get(n / 2);
        check(line, &relay, &local, kind, by.copied().unwrap_or(InferredBy::UsualPriority));
        // With nothing known, Communicator's own priorities tell the same.
        check(line, &[], &[], kind, InferredBy::UsualPriority);
    }
    check("id 1 pw UDP 0.9 10.0.0.1 5", &[], &[], T::Host, InferredBy::PrivateRange);
    check("id 1 pw UDP 0.9 198.51.100.1 5", &[], &[], T::Srflx, InferredBy::Remainder);
    check("id 1 pw UDP 0.8501 198.51.100.1 5", &[], &[], T::Srflx, InferredBy::Remainder);
    check("id 1 pw UDP 0.49 198.51.100.1 5", &[], &[], T::Relay, InferredBy::UsualPriority);
    assert_eq!(infer_type(&parse(V19[0]), &relay, &local), None);
    assert_eq!(infer_type(&parse("id 1 pw UDP 0.5 x.example 5"), &relay, &local), None);
}

#[test]
fn usernames_of_checks() {
    assert_eq!(rfc_username(b"evtj", b"h6vY"), b"evtj:h6vY");
    assert_eq!(ms_ice2_username(b"bobU", b"alcU"), b"bobU:alcU\0\0\0");
    assert_eq!(ms_ice2_username(b"bob", b"alcU"), b"bob:alcU");
    let id = hex!("bae2bd1b29b7174cd179ab2ff85c8a08");
    assert_eq!(parse(V06[0]).decoded_id().as_deref(), Some(&id[..]));
    let name = ms_ice_username(&id, b"0123456789abcdef", 2);
    // 16 + 3 + 16 + 2 = 37 bytes, so three of padding.
    assert_eq!(name.len(), 40);
    assert_eq!(name[16..19], *b":2:");
    assert_eq!(name[35..], *b":2\0\0\0");
    // At least one zero byte: a name of 8 bytes gets four.
    assert_eq!(ms_ice_username(b"ab", b"c", 1), b"ab:1:c:1\0\0\0\0");
}

#[test]
fn usernames_from_two_descriptions() {
    let (a, b) = (session_of(&V06[..4], ""), session_of(&V06[4..6], ""));
    let (a, b) = (parse_sdp(a.as_bytes()), parse_sdp(b.as_bytes()));
    let (a, b) = (&a.ice_descriptions()[0], &b.ice_descriptions()[0]);
    let names = expected_usernames(a, b);
    // Two candidates of each component against one of each.
    let pairs: Vec<_> = names.iter().map(|e| (e.component, e.candidates)).collect();
    assert_eq!(
        pairs,
        [(Some(1), Some((0, 0))), (Some(2), Some((1, 1))), (Some(1), Some((2, 0))), (Some(2), Some((3, 1)))]
    );
    for expected in &names {
        let (to, from) = expected.candidates.unwrap();
        let (receiver, sender) =
            (a.candidates[to].decoded_id().unwrap(), b.candidates[from].decoded_id().unwrap());
        assert!(expected.username.starts_with(&receiver));
        let component = expected.component.map(|c| c as u8);
        let told = CheckUsername { receiver: &receiver, sender: &sender, component };
        assert!(a.is_checked_by(b, &told) && !b.is_checked_by(a, &told));
        assert_eq!(a.check_key(&told), a.candidates[to].decoded_password());
        assert_eq!(expected.form, UsernameForm::MsIce);
    }
    let with = |ufrag: &str| session_of(&[], &format!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:{ufrag}{ufrag}\r\n"));
    let (a, b) = (with("alcU"), with("bobU"));
    let (a, b) = (parse_sdp(a.as_bytes()), parse_sdp(b.as_bytes()));
    let (a, b) = (&a.ice_descriptions()[0], &b.ice_descriptions()[0]);
    let names: Vec<_> = expected_usernames(b, a).into_iter().map(|e| (e.form, e.username)).collect();
    assert_eq!(
        names,
        [(UsernameForm::Rfc, b"bobU:alcU".to_vec()), (UsernameForm::MsIce2, b"bobU:alcU\0\0\0".to_vec())]
    );
    let told = CheckUsername { receiver: b"bobU", sender: b"alcU", component: None };
    assert!(b.is_checked_by(a, &told) && !a.is_checked_by(b, &told));
    assert_eq!(b.check_key(&told).as_deref(), Some(&b"bobUbobU"[..]));
}

// Written after the first INVITE of Communicator 2007 R2; boundary and bodies shortened.
#[test]
fn two_descriptions_of_one_invite() {
    let part = |disposition: &str, sdp: &str| {
        format!(
            "------=_Next\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: 7bit\r\n\
             Content-Disposition: {disposition}\r\n\r\n{sdp}\r\n"
        )
    };
    let plain = ["1 1 UDP 2130706431 192.0.2.1 5000 typ host"];
    let body = part("session; handling=optional; ms-proxy-2007fallback", &session_of(&V06, ""))
        + &part("session; handling=optional", &session_of(&plain, ""))
        + "------=_Next--\r\n";
    let content_type = b"multipart/alternative;boundary=\"----=_Next\"";
    let bodies = sdp_bodies(body.as_bytes(), 0..body.len(), content_type);
    let told: Vec<_> = bodies.iter().map(|b| (b.syntax, b.fallback, b.fragment)).collect();
    // The second part's only line could be anyone's; its neighbour tells.
    assert_eq!(told, [(CandidateSyntax::V06, true, false), (CandidateSyntax::V19, false, false)]);
    assert_eq!(bodies[0].content, session_of(&V06, "").as_bytes());
    assert_eq!(bodies[1].parse().media.len(), 1);
    assert_eq!(CandidateSyntax::of_message(body.as_bytes()), CandidateSyntax::V19);

    // Whatever its case, but at the beginning of a line.
    let syntax = |text: &str| CandidateSyntax::of_message(text.as_bytes());
    assert_eq!(syntax("A=CANDIDATE:1 1 UDP 2130706431 192.0.2.1 5000 typ host"), CandidateSyntax::Rfc);
    assert_eq!(syntax("s=a=b\ra=candidate:1 1 UDP 1 192.0.2.1 5000 typ host\nb=c"), CandidateSyntax::Rfc);
    for none in
        ["s=a=candidate:1 1 UDP 1 192.0.2.1 5000 typ host", "a=candidate", "=candidate:1", "aa=candidate:1 1"]
    {
        assert_eq!(syntax(none), CandidateSyntax::None, "{none}");
    }

    // Skype for Business: a stub for the older ones.
    let body = part("session; handling=optional; ms-proxy-2007fallback", "m=audio 0 RTP/AVP\r\n")
        + &part("session; handling=optional", &session_of(&V19, ""))
        + "------=_Next--\r\n";
    let bodies = sdp_bodies(body.as_bytes(), 0..body.len(), content_type);
    let told: Vec<_> = bodies.iter().map(|b| (b.syntax, b.fallback)).collect();
    assert_eq!(told, [(CandidateSyntax::None, true), (CandidateSyntax::V19, false)]);

    let single = session_of(&plain, "");
    let one = |content_type: &[u8]| sdp_bodies(single.as_bytes(), 0..single.len(), content_type).len();
    assert_eq!((one(b"application/sdp"), one(b""), one(b"text/plain")), (1, 1, 0));
    let fragment = b"a=candidate:1 1 UDP 1 192.0.2.1 5000 typ host\r\n";
    let bodies = sdp_bodies(fragment, 0..fragment.len(), b"application/trickle-ice-sdpfrag");
    assert_eq!((bodies[0].fragment, bodies[0].syntax), (true, CandidateSyntax::Rfc));
}

#[test]
fn syntax_of_a_message() {
    let check =
        |text: &str, syntax| assert_eq!(CandidateSyntax::of_message(text.as_bytes()), syntax, "{text}");
    // Lines as in [MS-ICE] 4.1 and [MS-ICE2] 4.1, addresses changed.
    let v06 = "a=candidate:PV6MNL 1 5V5x7g UDP 0.900 192.0.2.7 50000\r\n";
    let v19 = "a=candidate:3 1 TCP-PASS 6556159 192.0.2.8 443 typ relay raddr 192.0.2.8 rport 443\r\n";
    let rfc = "a=candidate:1 1 UDP 2130706431 192.0.2.7 50000 typ host\n";
    check("v=0\r\n", CandidateSyntax::None);
    check(v06, CandidateSyntax::V06);
    check(v19, CandidateSyntax::V19);
    check(rfc, CandidateSyntax::Rfc);
    check(&format!("{v06}{rfc}"), CandidateSyntax::V19);
}

#[test]
fn passwords_are_redacted_whatever_the_line() {
    let secrets = |line: &str| {
        let text = format!("a=candidate:{line}\r\n");
        let session = parse_sdp(text.as_bytes());
        session.secrets().into_iter().map(|r| text[r].to_owned()).collect::<Vec<_>>()
    };
    for line in V06 {
        assert_eq!(secrets(line), [line.split(' ').nth(2).unwrap()]);
    }
    for line in V19 {
        assert_eq!(secrets(line), [""; 0]);
    }
    // Cut behind every word from the password on.
    let words: Vec<_> = V06[0].split(' ').collect();
    for count in 3..=7 {
        assert_eq!(secrets(&words[..count].join(" ")), ["UwaQkvk5hiWgVg"], "{count}");
        assert_eq!(secrets(&V19[8].split(' ').take(count).collect::<Vec<_>>().join(" ")), [""; 0], "{count}");
    }
    assert_eq!(secrets("id 1 pw SCTP 0.5 192.0.2.1 5"), ["pw"]);
    assert_eq!(secrets("1 1 SCTP 5 192.0.2.1 5 typ host"), [""; 0]);
}

proptest! {
    #[test]
    fn printed_lines_read_back(
        foundation in "[a-zA-Z0-9+/]{1,32}", component in 1u16..=256, priority in 1u64..1 << 31, address in any::<IpAddr>(),
        port in any::<u16>(), kind in 0usize..4, related in proptest::option::of((any::<IpAddr>(), any::<u16>())),
        transport in 0usize..5,
    ) {
        let transport = [Transport::Udp, Transport::Tcp, Transport::TcpPass, Transport::TcpAct, Transport::TcpSo][transport];
        let kind = [CandidateType::Host, CandidateType::Srflx, CandidateType::Prflx, CandidateType::Relay][kind];
        let text = |b: &'static [u8]| std::str::from_utf8(b).unwrap();
        let mut line = format!("{foundation} {component} {} {priority} {address} {port} typ {}",
            text(transport.name()), text(kind.name()));
        if let Some((raddr, rport)) = related {
            line.push_str(&format!(" raddr {raddr} rport {rport}"));
        }
        let c = parse(&line);
        prop_assert_eq!(codes(&c), Vec::<&str>::new());
        prop_assert_eq!((c.shape, c.foundation, c.component), (Shape::Typed, foundation.as_bytes(), Some(component)));
        prop_assert_eq!((c.transport, c.priority, c.kind), (transport, Priority::Integer(priority), Some(kind)));
        prop_assert_eq!((c.address.ip, c.port), (Some(address), Some(port)));
        prop_assert_eq!(c.related.map(|r| (r.address.unwrap().ip.unwrap(), r.port.unwrap())), related);
    }

    /// However little of each line is looked at.
    #[test]
    fn kinds_of_lines_are_those_of_what_is_read(lines in proptest::collection::vec(
        ("[12]", 1u16..=3, 0usize..7, 0usize..5, "host|srflx|relay|RELAY|odd", "TYP|typ|t", any::<bool>()), 0..6)
    ) {
        let text: String = lines.iter().map(|(foundation, component, priority, transport, kind, typ, itself)| {
            let priority = ["2130706431", "2130705918", "16648703", "1", "4294967296", "0.850", "x"][*priority];
            let transport = ["UDP", "udp", "TCP", "tcp-act", "TCP-PASS"][*transport];
            let related = if *itself { " raddr 192.0.2.1 rport 5000" } else { "" };
            format!("a=candidate:{foundation} {component} {transport} {priority} 192.0.2.1 5000 {typ} {kind}{related}\r\n")
        }).collect();
        let text = format!("m=audio 5000 RTP/AVP 0\r\n{text}");
        let session = parse_sdp(text.as_bytes());
        let read = session.ice_description(&session.media[0]).candidates;
        let draft06 = read.iter().any(|c| c.shape == Shape::Draft06);
        let typed = read.iter().any(|c| c.shape == Shape::Typed);
        let wanted = match CandidateSyntax::of(&read) {
            // Of a whole message both together are the newer.
            CandidateSyntax::Rfc if draft06 && typed => CandidateSyntax::V19,
            of_section => of_section,
        };
        prop_assert_eq!(CandidateSyntax::of_message(text.as_bytes()), wanted, "{}", text);
    }

    #[test]
    fn draft_06_lines_read_back(id in "[a-zA-Z0-9+/]{22}", password in "[a-zA-Z0-9+/]{14}", q in 0u32..=1000, port in any::<u16>()) {
        let line = format!("{id} 1 {password} UDP {}.{:03} 192.0.2.1 {port}", q / 1000, q % 1000);
        let c = parse(&line);
        prop_assert_eq!((c.shape, codes(&c)), (Shape::Draft06, vec![]));
        prop_assert!(matches!(c.priority, Priority::Fraction(f) if f.thousandths() == u64::from(q)));
        prop_assert_eq!(c.password.unwrap().0, password.as_bytes());
        prop_assert_eq!(c.port, Some(port));
    }

    #[test]
    fn any_words_are_read(words in proptest::collection::vec("[ -~]{0,12}", 0..16)) {
        let line = words.join(" ");
        let c = parse(&line);
        for issue in &c.issues {
            prop_assert!(issue.range.end <= line.len() && issue.range.start <= issue.range.end);
        }
    }
}
