//! SQL Server Browser and TDS made to break a reader.

use callscope::capture::FrameRef;
use callscope::correlate::Analysis;
use callscope::correlate::sql::{Lookup, LookupState, Verdict};
use callscope::limits::Limits;
use callscope::view::detail::frame_detail;

use crate::bad_input::{ipv4, paced, read, read_within, tcp};

/// From 10.0.0.1 to 10.0.0.2, what comes from the server's port the other way.
fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let frame = ipv4(17, 1, 0, &datagram(ports, payload));
    if ports.0 == 1434 { back(frame) } else { frame }
}

/// The frame with its addresses exchanged.
fn back(mut frame: Vec<u8>) -> Vec<u8> {
    frame[26..34].rotate_left(4);
    frame
}

fn datagram(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut u = Vec::new();
    u.extend(ports.0.to_be_bytes());
    u.extend(ports.1.to_be_bytes());
    u.extend((8 + payload.len() as u16).to_be_bytes());
    u.extend([0, 0]);
    u.extend_from_slice(payload);
    u
}

/// Whatever it is, what is asked for later can be worked out and shown.
fn worked_out(a: &Analysis) -> Vec<Lookup> {
    use callscope::view::lists::{ListKind, Lists};
    use callscope::view::show::TimeMode;
    let lists = Lists::of(a);
    for row in 0..lists.lookups().len() as u32 {
        ListKind::Lookups.detail(a, &lists, row, TimeMode::Relative).expect("a row");
    }
    let frames = a.captures.first().map_or(0, |c| c.frames.min(64)) as u32;
    for frame in 1..=frames {
        frame_detail(a, FrameRef { frame, ..FrameRef::default() }).expect("readable");
    }
    a.gather().lookups().to_vec()
}

/// A question and this answer.
fn answered(question: &[u8], answer: &[u8]) -> Vec<Lookup> {
    let a = read(&paced(&[udp((40_000, 1434), question), udp((1434, 40_000), answer)]));
    assert_eq!(a.sql.statistics.requests, 1, "{question:02x?}");
    worked_out(&a)
}

#[test]
fn answers_that_are_wrong_are_kept_and_told() {
    let instance = |rest: &str| {
        let data = format!("ServerName;A;InstanceName;RTC;IsClustered;No;Version;9.00.1;{rest}");
        [&[5][..], &(data.len() as u16).to_le_bytes(), data.as_bytes()].concat()
    };
    let cases: [(&str, Vec<u8>, LookupState); 10] = [
        ("one byte", vec![5], LookupState::Malformed),
        ("nothing", vec![5, 0, 0], LookupState::Malformed),
        ("a size that lies", [&[5, 0xff, 0xff][..], b"ServerName"].concat(), LookupState::Malformed),
        ("no end", instance("tcp;1501"), LookupState::Malformed),
        ("no port", instance("tcp;;;"), LookupState::Malformed),
        ("a port that is none", instance("tcp;70000;;"), LookupState::Malformed),
        // Odd, and yet there is no doubt.
        ("twice", instance("tcp;1501;tcp;1502;;"), LookupState::Answered),
        ("a word too many", instance("tcp;1501;np"), LookupState::Malformed),
        ("a code page", instance("tcp;1501;np;\\\\B\u{c4}\\pipe;;"), LookupState::Answered),
        ("right", instance("tcp;1501;;"), LookupState::Answered),
    ];
    for (what, answer, state) in cases {
        // Packets of the same bytes and number so soon would be copies.
        let found = answered(b"\x04RTC\0", &answer);
        assert_eq!(found.len(), 1, "{what}");
        assert_eq!((found[0].state, found[0].answers), (state, 1), "{what}: {:?}", found[0].issues);
        assert_eq!(found[0].issues.is_empty(), what == "right" || what == "a code page", "{what}");
    }
}

#[test]
fn questions_that_are_wrong() {
    let ask = |payload: &[u8]| {
        let a = read(&paced(&[udp((40_000, 1434), payload)]));
        (a.sql.statistics, worked_out(&a))
    };
    let (s, l) = ask(&[0x0f]);
    assert_eq!((s.requests, s.malformed, l[0].state), (1, 1, LookupState::Malformed));
    // Servers take it.
    let (s, l) = ask(b"\x04RTC");
    assert_eq!((s.malformed, l[0].instance.as_deref()), (0, Some("RTC")));
    let (s, l) = ask(&[&[4][..], &[b'A'; 200], &[0]].concat());
    assert_eq!(s.malformed, 1);
    assert!(l[0].verdict.is_hostile());
    let mut worm = vec![4];
    worm.extend([1; 375]);
    let (_, l) = ask(&worm);
    assert!(matches!(l[0].verdict, Verdict::Hostile(_)), "{:?}", l[0].verdict);
    // What has no business at that port is not taken for it.
    for other in [&b"\x08"[..], b"\x0a", b"\x80\0\0\0", b""] {
        let (s, l) = ask(other);
        assert_eq!((s.requests, l.len()), (0, 0), "{other:02x?}");
    }
}

#[test]
fn an_answer_as_long_as_can_be() {
    let one = "ServerName;A;InstanceName;RTC;IsClustered;No;Version;9.00.1;tcp;1501;;";
    let data = one.repeat(65_500 / one.len());
    let payload = [&[5][..], &(data.len() as u16).to_le_bytes(), data.as_bytes()].concat();
    let whole = datagram((1434, 40_000), &payload);
    let mut frames = vec![udp((40_000, 1434), b"\x03")];
    let pieces: Vec<&[u8]> = whole.chunks(1480).collect();
    for (i, piece) in pieces.iter().enumerate() {
        let more = if i + 1 < pieces.len() { 0x2000 } else { 0 };
        frames.push(back(ipv4(17, 7, (i * 1480 / 8) as u16 | more, piece)));
    }
    let a = read(&paced(&frames));
    let l = worked_out(&a);
    assert_eq!((l.len(), l[0].answers, l[0].instances.len()), (1, 1, data.len() / one.len()));
    assert!(l[0].dropped, "clients drop more than 4096 bytes");
    assert_eq!(a.captures[0].accounting.decoded, frames.len() as u64);
}

const PRELOGIN: [u8; 47] = [
    0x12, 0x01, 0x00, 0x2f, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x1a, 0x00, 0x06, 0x01, 0x00, 0x20, 0x00,
    0x01, 0x02, 0x00, 0x21, 0x00, 0x01, 0x03, 0x00, 0x22, 0x00, 0x04, 0x04, 0x00, 0x26, 0x00, 0x01, 0xff,
    0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0xb8, 0x0d, 0x00, 0x00, 0x01,
];

/// One direction of a connection, cut into segments of `size` bytes.
fn connection(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut frames = vec![tcp((40_000, 50_001), 999, 2, b"")];
    let mut seq = 1000_u32;
    for part in bytes.chunks(size) {
        frames.push(tcp((40_000, 50_001), seq, 0x18, part));
        seq = seq.wrapping_add(part.len() as u32);
    }
    frames
}

/// The example of [MS-TDS], however it is cut.
#[test]
fn a_prelogin_over_segments_of_any_size() {
    for size in 1..=PRELOGIN.len() {
        let frames = connection(&PRELOGIN, size);
        let a = read(&paced(&frames));
        assert_eq!(a.sql.statistics.prelogins, 1, "segments of {size} bytes");
        let l = worked_out(&a);
        let facts = a.sql.connections[0].facts().expect("TDS");
        let said = facts.client.as_ref().expect("a PRELOGIN");
        assert_eq!(said.version, Some((9, 0, 0)));
        assert_eq!(said.encryption.map(|e| e.0), Some(1));
        assert_eq!(said.mars, Some(true));
        assert!(l[0].is_connection());
        assert_eq!(a.captures[0].accounting.decoded, frames.len() as u64, "segments of {size} bytes");
    }
}

#[test]
fn tds_lengths_and_offsets_that_lie() {
    let after = |bytes: &[u8]| {
        let all = [&PRELOGIN[..], bytes].concat();
        let a = read(&paced(&connection(&all, 1400)));
        assert_eq!(a.sql.statistics.prelogins, 1);
        worked_out(&a);
    };
    for length in 0..8u8 {
        after(&[4, 1, 0, length, 0, 0, 1, 0, 1, 2, 3]);
    }
    after(&[0x12, 1, 0xff, 0xff, 0, 0, 1, 0]);
    after(&[0x10, 1, 0, 20, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    after(&[0xff; 300]);
    for option in [12, 17, 22, 27, 32] {
        // An offset beyond the packet, in the example's second option and later ones.
        let mut bytes = PRELOGIN;
        bytes[option - 3] = 0xff;
        let a = read(&paced(&connection(&bytes, 1400)));
        worked_out(&a);
    }
}

#[test]
fn limits_hold() {
    let mut frames = Vec::new();
    for port in 0..50 {
        frames.push(udp((40_000 + port, 1434), b"\x03"));
    }
    for port in 0..50 {
        frames.push(tcp((41_000 + port, 1433), 5, 2, b""));
    }
    let limits = Limits { sqlr_messages: 20, sql_connections: 10, ..Limits::default() };
    let a = read_within(&paced(&frames), limits);
    assert_eq!(a.sql.statistics.requests, 50);
    assert_eq!((a.sql.records.len(), a.sql.connections.len()), (20, 10));
    let codes: Vec<&str> = a.captures[0].issues.iter().map(|i| i.code).collect();
    assert_eq!(codes, ["limit-sqlr-messages", "limit-sql-connections"]);
    assert_eq!(a.captures[0].accounting.over_limit, 30);
}

const V6_CLIENT: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const V6_SERVER: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// Ethernet, IPv6 and UDP.
fn udp6(src: [u8; 16], dst: [u8; 16], ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let packet = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]).ipv6(src, dst, 64);
    packet.udp(ports.0, ports.1).write(&mut out, payload).expect("fits");
    out
}

/// An ICMPv6 error of a router about a packet that the client sent.
fn icmp6(kind: u8, code: u8, about: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let packet = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]).ipv6(V6_SERVER, V6_CLIENT, 64);
    packet.icmpv6_raw(kind, code, [0; 4]).write(&mut out, &about[14..]).expect("fits");
    out
}

#[test]
fn multicast_is_answered_by_all_and_icmp_says_why_nobody_does() {
    let answer = |port: u16| {
        let data = format!("ServerName;A;InstanceName;RTC;IsClustered;No;Version;10.0.1600.22;tcp;{port};;");
        [&[5][..], &(data.len() as u16).to_le_bytes(), data.as_bytes()].concat()
    };
    // All nodes of the link (RFC 4291 \u00a72.7.1).
    let mut all = [0; 16];
    (all[0], all[1], all[15]) = (0xff, 2, 1);
    let other: [u8; 16] = std::array::from_fn(|i| if i == 15 { 3 } else { V6_SERVER[i] });
    let a = read(&paced(&[
        udp6(V6_CLIENT, all, (40_000, 1434), b"\x02"),
        udp6(V6_SERVER, V6_CLIENT, (1434, 40_000), &answer(1501)),
        udp6(other, V6_CLIENT, (1434, 40_000), &answer(1502)),
    ]));
    let [l] = &worked_out(&a)[..] else { panic!("one look-up") };
    assert_eq!((l.state, l.answers, l.ports()), (LookupState::Answered, 2, vec![1501, 1502]));
    // IPv4: 239.255.0.1, of its organization (RFC 2365).
    let mut question = udp((40_000, 1434), b"\x02");
    question[30..34].copy_from_slice(&[239, 255, 0, 1]);
    let a = read(&paced(&[question, udp((1434, 40_000), &answer(1501))]));
    let [l] = &worked_out(&a)[..] else { panic!("one look-up") };
    assert_eq!((l.state, l.ports()), (LookupState::Answered, vec![1501]));
    // The unreachables of both protocols, each by its own words (RFC 4443 \u00a73.1, RFC 1122 \u00a73.2.2.1).
    let question = udp6(V6_CLIENT, V6_SERVER, (40_000, 1434), b"\x04RTC\0");
    let words = |frames: &[Vec<u8>]| {
        let a = read(&paced(frames));
        let [l] = &worked_out(&a)[..] else { panic!("one look-up") };
        assert_eq!((l.state, l.verdict), (LookupState::Unreachable, Verdict::Unreachable));
        callscope::view::sql::answer(l, &a)
    };
    let told = [1, 3, 4].map(|code| words(&[question.clone(), icmp6(1, code, &question)]));
    assert_eq!(
        told,
        [
            "ICMPv6 communication administratively prohibited",
            "ICMPv6 address unreachable",
            "ICMPv6 port unreachable"
        ]
    );
    let question = udp((40_000, 1434), b"\x04RTC\0");
    let told = [1u8, 3, 13].map(|code| {
        let about = [&[3, code, 0, 0, 0, 0, 0, 0][..], &question[14..]].concat();
        words(&[question.clone(), back(ipv4(1, 2, 0, &about))])
    });
    assert_eq!(
        told,
        ["ICMP host unreachable", "ICMP port unreachable", "ICMP communication administratively prohibited"]
    );
}
