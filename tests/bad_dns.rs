//! DNS and the XML of sign-ins made to break a reader: nothing lost, nothing endless, every frame accounted for.

use callscope::correlate::dns::Lookup;
use callscope::limits::Limits;
use callscope::view::detail::frame_detail;
use callscope::view::packets::packet_lines;

use crate::bad_input::{paced, read, read_within, request, tcp, udp};

/// A header of one question, and what follows it.
fn message(id: u16, flags: u16, counts: [u16; 4], body: &[u8]) -> Vec<u8> {
    let head: Vec<u8> = [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect();
    [&head, body].concat()
}

/// `x.example`, A, IN.
const ASKED: &[u8] = b"\x01x\x07example\0\0\x01\0\x01";

fn from_server(payload: &[u8]) -> Vec<u8> {
    udp(53, payload)
}

#[test]
fn broken_messages_are_told_and_break_nothing() {
    let loops = [&b"\x01a\xc0\x0c"[..], b"\0\x01\0\x01"].concat();
    let lie = message(3, 0x8180, [1, 9, 0, 0], ASKED);
    let record = [ASKED, b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\xff\xff\x0a\0\0\x09"].concat();
    let frames = [
        // A name that leads back to itself; more records than there are; a record longer than the message; a header alone;
        // and one that is cut inside of it.
        from_server(&message(1, 0x0100, [1, 0, 0, 0], &loops)),
        from_server(&lie),
        from_server(&message(4, 0x8180, [1, 1, 0, 0], &record)),
        from_server(&message(5, 0x8185, [0, 0, 0, 0], b"")),
        from_server(b"\0\x06\x81"),
        // Names that would act on a terminal.
        from_server(&message(7, 0x8183, [1, 0, 0, 0], b"\x05\x1b[2Jx\x03com\0\0\x01\0\x01")),
    ];
    let a = read(&paced(&frames));
    assert!(a.dns.statistics.malformed >= 2, "{:?}", a.dns.statistics);
    let lines = packet_lines(&a, 0, 1, 6).expect("lines");
    assert_eq!(lines.len(), 6);
    for line in &lines {
        assert!(!line.info.contains('\u{1b}'), "{line:?}");
        for buffer in frame_detail(&a, line.frame).expect("a tree") {
            assert!(!format!("{:?}", buffer.tree).contains("\\u{1b}"));
        }
    }
    assert!(lines[1].info.contains("malformed"), "{}", lines[1].info);
}

#[test]
fn a_flood_of_questions_meets_its_limit() {
    let frames: Vec<Vec<u8>> = (0..5_000u16)
        .map(|n| {
            let name = format!("\x05{n:05}\x07example\0\0\x21\0\x01");
            from_server(&message(n, 0x0100, [1, 0, 0, 0], name.as_bytes()))
        })
        .collect();
    let a = read_within(&paced(&frames), Limits { dns_lookups: 100, ..Limits::default() });
    assert_eq!((a.dns.lookups.len(), a.dns.statistics.srv_queries), (100, 5_000));
    assert!(a.captures[0].issues.iter().any(|i| i.code == "limit-dns-lookups"));
    assert_eq!(a.captures[0].accounting.over_limit, 4_900);
}

/// A connection to port 53 whose bytes come in pieces of `size`.
fn connection(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut frames = vec![tcp((40_000, 53), 999, 2, b"")];
    let mut seq = 1_000u32;
    for part in bytes.chunks(size) {
        frames.push(tcp((40_000, 53), seq, 0x18, part));
        seq += part.len() as u32;
    }
    frames
}

#[test]
fn messages_on_a_connection_come_in_any_pieces() {
    let one = message(1, 0x0100, [1, 0, 0, 0], ASKED);
    let two = message(2, 0x0100, [1, 0, 0, 0], b"\x01y\x07example\0\0\x21\0\x01");
    let framed: Vec<u8> =
        [&one, &two].iter().flat_map(|m| [&(m.len() as u16).to_be_bytes()[..], m].concat()).collect();
    for size in [1, 2, 3, 13, 30, 200] {
        let a = read(&paced(&connection(&framed, size)));
        let kinds: Vec<u16> = a.dns.lookups.iter().map(|l: &Lookup| l.kind.0).collect();
        assert_eq!(kinds, [1, 33], "in pieces of {size}");
        assert_eq!(a.captures[0].accounting.other_traffic, 0, "in pieces of {size}");
    }
    // Behind the first message comes something else.
    let broken = [&framed[..2 + one.len()], &[0, 20], &[0xff; 40]].concat();
    let a = read(&paced(&connection(&broken, 16)));
    assert_eq!(a.dns.lookups.len(), 1);
    assert!(a.captures[0].issues.iter().any(|i| i.code == "dns-stream-out-of-step"));
    // SIP on that port is SIP.
    let a = read(&paced(&connection(&request("OPTIONS", "sip", "", ""), 40)));
    assert_eq!((a.sip.messages, a.dns.statistics.messages), (1, 0));
}

#[test]
fn documents_of_a_sign_in_are_hostile_too() {
    let kinds = [
        ("SUBSCRIBE", "application/vnd-microsoft-roaming-provisioning-v2+xml"),
        ("SERVICE", "application/msrtc-media-relay-auth+xml"),
    ];
    let deep = format!("<provisionGroupList>{}", "<provisionGroup name=\"a\">".repeat(20_000));
    let bodies = [
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><provisionGroupList>&b;</provisionGroupList>".to_owned(),
        deep,
        "<provisionGroupList><provisionGroup name=\"ServerConfiguration\"><mrasUri>sip:a".to_owned(),
        "<response reasonPhrase=\"OK\" xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"><credentialsResponse><credentials><username>\u{1b}[2J</username><password>x".to_owned(),
        "\u{0}\u{1}\u{2}".to_owned(),
        String::new(),
    ];
    let mut frames = vec![udp(5060, &request("REGISTER", "r", "", ""))];
    for (n, body) in bodies.iter().enumerate() {
        for (method, kind) in kinds {
            let more = format!("Event: vnd-microsoft-provisioning-v2\r\nContent-Type: {kind}\r\n");
            let body = body.get(..body.len().min(60_000)).unwrap_or(body);
            frames.push(udp(5060, &request(method, &format!("{method}{n}"), &more, body)));
        }
    }
    let a = read(&paced(&frames));
    let gathered = a.gather();
    assert_eq!(gathered.sign_ins().len(), 1);
    let steps: Vec<&str> = gathered.sign_ins()[0].steps.iter().map(|s| s.kind.name()).collect();
    assert_eq!(steps, ["register", "provisioning", "mras"]);
    assert!(gathered.sign_ins()[0].provisioning.len() < 5_000);
}
