//! STUN, ICE and TURN made to break a reader.

use callscope::correlate::ice::IceSession;
use callscope::correlate::{Analysis, CallIdx};
use callscope::limits::Limits;
use callscope_parsers::stun::integrity::{Fingerprint, check_fingerprint};
use callscope_parsers::stun::{parse_stun, scan_stun};

use crate::bad_input::{paced, read, read_within, request, stream, tcp, udp};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// A Binding request of these attributes as they stand.
fn binding(attributes: &[u8]) -> Vec<u8> {
    let mut m = vec![0, 1];
    m.extend((attributes.len() as u16).to_be_bytes());
    m.extend(COOKIE);
    m.extend(*b"abcdefghijkl");
    m.extend_from_slice(attributes);
    m
}

fn attribute(kind: u16, length: u16, value: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

/// Whatever it is, what is asked for later can be worked out.
fn worked_out(a: &Analysis) {
    for call in (0..a.calls.len() as u32).map(CallIdx) {
        a.ice_sessions_of(call);
    }
    for group in a.ice_index().loose {
        a.loose_ice_session(group);
    }
    a.calls_by_allocation();
}

fn stun(payload: &[u8]) -> Analysis {
    let a = read(&paced(&[udp(40_000, payload)]));
    worked_out(&a);
    a
}

#[test]
fn attribute_lengths_that_lie_are_malformed_and_kept() {
    for (what, attributes) in [
        ("past the end by one", attribute(0x0006, 9, b"user:own")),
        ("64 kB in a small datagram", attribute(0x0006, u16::MAX, b"user:own")),
        ("a header cut in half", vec![0, 6, 0, 0, 0x80, 0x22]),
    ] {
        let a = stun(&binding(&attributes));
        assert_eq!((a.stun.statistics.messages, a.stun.records.len()), (1, 1), "{what}");
        assert_eq!(a.stun.statistics.malformed, 1, "{what}");
    }
}

#[test]
fn values_that_are_too_short_are_told() {
    for kind in [0x0001, 0x0009, 0x0012, 0x0020, 0x0024, 0x8028, 0x802a] {
        let m = binding(&attribute(kind, 1, &[0, 0, 0, 0]));
        let parsed = parse_stun(&m, None).expect("STUN");
        assert!(!parsed.issues.is_empty(), "{kind:#x}");
        assert_eq!(stun(&m).stun.records.len(), 1);
    }
}

#[test]
fn empty_and_huge_attributes() {
    let kinds = [0x0001, 0x0006, 0x0008, 0x0009, 0x0020, 0x0024, 0x8028, 0x8054, 0xffff];
    let empty: Vec<u8> = kinds.iter().flat_map(|k| attribute(*k, 0, b"")).collect();
    assert_eq!(stun(&binding(&empty)).stun.records.len(), 1);
    let value = vec![b':'; 65_000];
    let a = stun(&binding(&attribute(0x0006, 65_000, &value)));
    assert_eq!(a.stun.records.len(), 1);
    // A thousand attributes.
    let many: Vec<u8> = (0..1000).flat_map(|_| attribute(0x8022, 4, b"soft")).collect();
    assert_eq!(stun(&binding(&many)).stun.statistics.malformed, 0);
}

#[test]
fn a_wrong_fingerprint_is_told_and_the_message_kept() {
    let m = binding(&attribute(0x8028, 4, &[1, 2, 3, 4]));
    let scan = scan_stun(&m, None).expect("STUN");
    assert!(matches!(check_fingerprint(&scan), Fingerprint::Wrong { found: 0x0102_0304, .. }));
    assert_eq!(stun(&m).stun.records.len(), 1);
}

#[test]
fn media_that_looks_like_stun_or_channels_makes_no_relay() {
    // A lone ChannelData-like packet in every frame, its length right, wrong, or beyond the datagram.
    let mut frames = Vec::new();
    for n in 0..50u8 {
        let mut p = vec![0x40 + n % 16, n, 0, 20];
        p.extend([0x80, 0, 0, n]);
        p.resize(24 - usize::from(n % 3), n);
        frames.push(udp(40_000, &p));
        // Begins like a Binding request, and its length is another's.
        let mut p = vec![0, 1, 0, 100 + n];
        p.resize(60, n);
        frames.push(udp(40_002, &p));
    }
    let a = read(&paced(&frames));
    worked_out(&a);
    assert!(a.stun.allocations.is_empty());
    assert!(a.stun.records.is_empty(), "{}", a.stun.records.len());
}

fn call(lines: &str, candidates: usize) -> Analysis {
    let sdp = |ip: &str, name: &str, lines: &str| {
        format!(
            "v=0\r\no=- 0 0 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n\
             a=ice-ufrag:{name}\r\na=ice-pwd:qkEP6bVVmSBBqR2IEnLFWr/L\r\n{lines}"
        )
    };
    let kind = "Content-Type: application/sdp\r\n";
    let invite = request("INVITE", "ice", kind, &sdp("10.0.0.1", "Oner", lines));
    let answer = String::from_utf8(request("INVITE", "ice", kind, &sdp("10.0.0.2", "Twor", lines)));
    let answer = answer.expect("text").replacen("INVITE sip:bob@example.com SIP/2.0", "SIP/2.0 200 OK", 1);
    let mut bytes = invite;
    bytes.extend(answer.replace("To: <sip:bob@example.com>", "To: <sip:bob@example.com>;tag=2").bytes());
    let started = std::time::Instant::now();
    let limits = Limits { message_bytes: 8 << 20, ..Limits::default() };
    let a = read_within(&paced(&stream(&bytes, 1400)), limits);
    worked_out(&a);
    assert!(started.elapsed().as_secs() < 60, "{candidates} candidates took {:?}", started.elapsed());
    a
}

#[test]
fn sessions_never_share_a_number() {
    let sdp = |name: &str| {
        format!(
            "v=0\r\no=- 0 0 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n\
             a=ice-ufrag:{name}\r\na=ice-pwd:qkEP6bVVmSBBqR2IEnLFWr/L\r\n\
             a=candidate:1 1 UDP 2130706431 10.0.0.1 5000 typ host\r\n"
        )
    };
    let text = |id: &str, name: &str, cseq: u32, tag: &str, answer: bool| {
        let m = request("INVITE", id, "Content-Type: application/sdp\r\n", &sdp(name));
        let mut m = String::from_utf8(m).expect("text").replace("1 INVITE", &format!("{cseq} INVITE"));
        m = m.replace("To: <sip:bob@example.com>", &format!("To: <sip:bob@example.com>{tag}"));
        m = m.replace(&format!("z9hG4bK{id}"), &format!("z9hG4bK{id}{cseq}"));
        if answer {
            m = m.replacen("INVITE sip:bob@example.com SIP/2.0", "SIP/2.0 200 OK", 1);
        }
        udp(5060, m.as_bytes())
    };
    // Both sides of the second offer have one name; an offer after 407 with a new one; a second offer of the other side.
    let frames = [
        text("one", "Xxxx", 1, "", false),
        text("one", "Yyyy", 1, ";tag=2", true),
        text("one", "Xxxx", 2, ";tag=2", false),
        text("one", "Xxxx", 2, ";tag=2", true),
        text("two", "Aaaa", 1, "", false),
        text("two", "Bbbb", 2, "", false),
        text("three", "Cccc", 1, "", false),
        text("three", "Dddd", 2, ";tag=2", false),
        text("four", "Eeee", 1, "", false),
    ];
    let a = read(&paced(&frames));
    assert_eq!(a.calls.len(), 4);
    let index = a.ice_index();
    for call in (0..4).map(CallIdx) {
        assert_eq!(a.ice_sessions_of(call).len(), index.of_call(call).len(), "call {}", call.0 + 1);
    }
    assert!(index.len() > 4, "{}", index.len());
}

fn session(a: &Analysis) -> IceSession {
    let mut sessions = a.ice_sessions_of(CallIdx(0));
    assert_eq!(sessions.len(), 1);
    sessions.remove(0)
}

#[test]
fn candidate_lines_that_are_wrong_are_shown_with_what_is_wrong() {
    let wrong = [
        "1 1 UDP 2130706431 10.0.0.1 5000",
        "2 1 UDP 2130706431 10.0.0.1 65536 typ host",
        "3 1 UDP 0 10.0.0.1 5002 typ host",
        "4 1 UDP 4294967296 10.0.0.1 5004 typ host",
        "5 1 UDP 2130706431 10.0.0.1 5006 typ",
        "6 0 UDP 2130706431 10.0.0.1 5008 typ host",
        "7 1 UDP 1694498815 10.0.0.1 5010 typ srflx raddr 10.0.0.1",
        "",
        "8",
    ];
    let mut lines: String = wrong.iter().map(|l| format!("a=candidate:{l}\r\n")).collect();
    lines += "a=candidate:9 1 UDP 2130706431 10.0.0.1 5012 typ host\r\n";
    let a = call(&lines, wrong.len());
    let s = session(&a);
    assert_eq!(s.a.candidates.len(), wrong.len() + 1, "none is dropped");
    for (line, c) in wrong.iter().zip(&s.a.candidates) {
        assert!(!c.issues.is_empty(), "{line}");
    }
    assert!(s.a.candidates.last().expect("the good one").issues.is_empty());
}

#[test]
fn ten_thousand_candidates() {
    let lines: String = (0..10_000)
        .map(|n| {
            let (ip, port) = (n % 250, 1_024 + n % 50_000);
            format!("a=candidate:{n} 1 UDP {} 10.0.{ip}.1 {port} typ host\r\n", 2_130_706_431 - n)
        })
        .collect();
    let a = call(&lines, 10_000);
    let s = session(&a);
    let most = a.limits.ice_candidates;
    assert_eq!((s.a.candidates.len(), s.a.not_kept), (most, 10_000 - most));
    assert!(s.pairs.len() <= a.limits.ice_pairs && s.pairs_not_kept > 0, "{}", s.pairs.len());
}

#[test]
fn a_hello_like_microsofts_that_is_real_tls() {
    let mut hello = vec![0x16, 3, 1, 0, 0x2d, 1, 0, 0, 0x29, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x18, 1, 0]);
    let mut answer = vec![0x16, 3, 1, 0, 0x4a, 2, 0, 0, 0x46, 3, 1];
    answer.extend([9; 32]);
    answer.push(0x20);
    answer.extend([5; 32]);
    answer.extend([0, 0x18, 0]);
    // A record of its own with ServerKeyExchange: anonymous, but TLS.
    answer.extend([0x16, 3, 1, 0, 8, 0x0c, 0, 0, 4, 1, 2, 3, 4]);
    let data = [&[0x17, 3, 1, 0, 32][..], &[0x55; 32]].concat();
    let reversed = |mut frame: Vec<u8>| {
        let (a, b): (Vec<u8>, Vec<u8>) = (frame[26..30].to_vec(), frame[30..34].to_vec());
        frame[26..30].copy_from_slice(&b);
        frame[30..34].copy_from_slice(&a);
        frame
    };
    let to = (40_000, 443);
    let back = (443, 40_000);
    let frames = [
        tcp(to, 999, 2, b""),
        reversed(tcp(back, 1_999, 0x12, b"")),
        tcp(to, 1_000, 0x18, &hello),
        reversed(tcp(back, 2_000, 0x18, &answer)),
        tcp(to, 1_050, 0x18, &data),
        reversed(tcp(back, 2_000 + answer.len() as u32, 0x18, &data)),
    ];
    let a = read(&paced(&frames));
    assert_eq!((a.stun.statistics.messages, a.other.tls_sessions), (0, 1), "{:?}", a.captures[0].issues);
    assert!(a.captures[0].accounting.encrypted > 0, "{:?}", a.captures[0].accounting);
    assert!(a.captures[0].issues.is_empty(), "{:?}", a.captures[0].issues);
}

#[test]
fn endless_peers_groups_and_allocations_are_bounded() {
    let limits = || Limits { check_groups: 20, turn_allocations: 5, turn_peers: 8, ..Limits::default() };
    let mut frames = Vec::new();
    for n in 0..200u16 {
        let name = format!("u{n:03}:v{n:03}");
        let mut m = binding(&attribute(0x0006, name.len() as u16, &[name.as_bytes(), &[0; 3]].concat()));
        m[18..20].copy_from_slice(&n.to_be_bytes());
        frames.push(udp(41_000, &m));
        let mut allocate = binding(&attribute(0x0019, 4, &[17, 0, 0, 0]));
        allocate[1] = 3;
        allocate[18..20].copy_from_slice(&n.to_be_bytes());
        frames.push(udp(42_000 + n, &allocate));
        // Send indication on the first allocation's flow, to a peer of its own each.
        let peer = [0, 1, 0x21 ^ (n >> 8) as u8, 0x12 ^ n as u8, 0x2b, 0x12, 0xa4, 0x42];
        let both = [attribute(0x0012, 8, &peer), attribute(0x0013, 4, &[0x80, 0, 0, 1])].concat();
        let mut send = binding(&both);
        send[1] = 0x16;
        frames.push(udp(42_000, &send));
    }
    let a = read_within(&paced(&frames), limits());
    worked_out(&a);
    assert_eq!(a.stun.allocations.len(), 5);
    assert!(a.stun.allocations.iter().all(|x| x.peers.len() <= 8));
    let codes: Vec<&str> = a.captures[0].issues.iter().map(|i| i.code).collect();
    assert!(codes.contains(&"limit-check-groups") && codes.contains(&"limit-turn-allocations"), "{codes:?}");
}

/// Of RFC 3489: no cookie; a Binding request whose one attribute fits, as a stray packet may look.
fn classic(n: u8) -> Vec<u8> {
    let mut m = vec![0, 1, 0, 8];
    m.extend([n; 16]);
    m.extend([0x80, 0x22, 0, 4, n, n, n, n]);
    m
}

fn rtp(n: u8) -> Vec<u8> {
    let mut p = vec![0x80, 8, 0, n, 0, 0, 0, n, 0xaa, 0xbb, 0xcc, 0xdd];
    p.resize(172, 0xd5);
    p
}

#[test]
fn a_flow_of_media_alone_has_no_stun_without_cookie() {
    let media: Vec<Vec<u8>> = (0..5).map(|n| udp(40_000, &rtp(n))).collect();
    let with = |m: Vec<u8>, first: bool| {
        let mut frames = media.clone();
        frames.insert(if first { 0 } else { 4 }, udp(40_000, &m));
        let a = read(&paced(&frames));
        (a.stun.records.len(), a.stun.statistics.lookalikes)
    };
    assert_eq!(with(classic(7), false), (0, 1));
    assert_eq!(with(classic(7), true), (1, 0), "nothing says otherwise yet");
    assert_eq!(with(binding(&[]), false), (1, 0), "the cookie proves it");
    // Where STUN was spoken before it is, in either direction: old clients check their path while media flows.
    let mut frames = vec![udp(40_000, &binding(&[]))];
    frames.extend(media.clone());
    frames.push(udp(40_000, &classic(8)));
    let a = read(&paced(&frames));
    assert_eq!((a.stun.records.len(), a.stun.statistics.lookalikes), (2, 0));
    // Another flow has nothing to do with it.
    let mut frames = media;
    frames.push(udp(40_002, &classic(9)));
    assert_eq!(read(&paced(&frames)).stun.records.len(), 1);
}

#[test]
fn what_could_be_channels_counts_where_stun_is_spoken() {
    let channel = |data: &[u8]| [&[0x40, 1, 0, data.len() as u8][..], data].concat();
    let odd = channel(b"\x30what is it\x00");
    let count = |frames: &[Vec<u8>]| {
        let a = read(&paced(frames));
        (a.stun.statistics.by_type().get("ChannelData").copied().unwrap_or(0), a.stun.statistics.lookalikes)
    };
    assert_eq!(count(&[udp(40_000, &odd)]), (0, 1));
    assert_eq!(count(&[udp(40_000, &binding(&[])), udp(40_000, &odd)]), (1, 0));
    // Media in it speaks for itself, cut or not.
    assert_eq!(count(&[udp(40_000, &channel(&rtp(1)))]), (1, 0));
    let mut whole = udp(40_000, &channel(&rtp(1)));
    whole.truncate(80);
    assert_eq!(count(&[whole]), (1, 0), "cut by the snap length");
}

proptest::proptest! {
    /// Whatever media a flow carries, and whatever the message holds behind its header.
    #[test]
    fn a_message_with_a_cookie_is_never_lost(
        before in 0usize..8,
        lookalikes in 0usize..4,
        words in proptest::collection::vec(proptest::prelude::any::<u32>(), 0..8),
    ) {
        let attributes: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
        let mut frames: Vec<Vec<u8>> = (0..before).map(|n| udp(40_000, &rtp(n as u8))).collect();
        frames.extend((0..lookalikes).map(|n| udp(40_000, &classic(n as u8))));
        frames.push(udp(40_000, &binding(&attributes)));
        let a = read(&paced(&frames));
        let cookies = |r: &&callscope::correlate::stun::StunRecord| r.frame().frame as usize == frames.len();
        proptest::prop_assert_eq!(a.stun.records.iter().filter(cookies).count(), 1);
        let stray = if before >= 3 { lookalikes as u64 } else { 0 };
        proptest::prop_assert_eq!(a.stun.statistics.lookalikes, stray);
    }
}

#[test]
fn a_server_that_ends_the_connection_is_no_silent_one() {
    let allocate =
        [&[0, 3, 0, 8][..], &COOKIE, b"abcdefghijkl", &attribute(0x0019, 4, &[17, 0, 0, 0])].concat();
    let ended = |frames: Vec<Vec<u8>>| {
        let a = read(&paced(&frames));
        assert_eq!(a.stun.allocations.len(), 1);
        callscope::view::allocation::outcome(&a, &a.stun.allocations[0])
    };
    let end = |from_server: bool, flags| {
        let mut end = if from_server {
            tcp((5060, 40_000), 1, flags, b"")
        } else {
            tcp((40_000, 5060), 1000 + allocate.len() as u32, flags, b"")
        };
        if from_server {
            // The addresses of the Ethernet and IPv4 frame change places.
            end.get_mut(26..34).unwrap().rotate_left(4);
        }
        end
    };
    let told = |from_server: bool, flags| {
        let mut frames = stream(&allocate, 1400);
        frames.push(end(from_server, flags));
        ended(frames)
    };
    const RST: u8 = 0x14;
    const FIN: u8 = 0x11;
    assert_eq!(told(true, RST), "TCP reset by the server");
    assert_eq!(told(true, FIN), "TCP connection closed by the server");
    assert_eq!(told(false, FIN), "no answer");
    assert_eq!(told(false, RST), "no answer");
    // The client gave up, and the server follows suit.
    let mut frames = stream(&allocate, 1400);
    frames.extend([end(false, FIN), end(true, FIN)]);
    assert_eq!(ended(frames), "no answer");
}
