//! What has to hold for every message, whatever its bytes.

use callscope_parsers::mime::{decode_base64, parse_body};
use callscope_parsers::sip::name_addr::parse_name_addr;
use callscope_parsers::sip::{
    Framing, find_next_start, find_start, frame_message, looks_like_sip, parse_message, scan,
};
use proptest::prelude::*;

const MAX_HEADER: usize = 8 << 10;
const MAX_MESSAGE: usize = 32 << 10;

/// Pieces that good and bad messages are made of.
const LINES: &[&str] = &[
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9;rport",
    "v: SIP/2.0/TCP [2001:db8::1]:5061;branch=z9hG4bKa, SIP/2.0/TLS b.example ;branch=z9hG4bKb",
    "Via: SIP/2.0/UDP h;branch=z9hG4bK",
    "Via: SIP / 2.0 / UDP h : 5060 ; branch = x",
    "Via: SIP/2.0/UDP h;;,;,,",
    "Via: SIP/2.0/UDP h:;x=",
    "From: \"A \\\" <;> B\" <sip:alice@example.com;x=y>;tag=9fx;epid=c8ca638a15",
    "f: sip:alice@example.com;tag=1;TAG=2",
    "From: Bell, Alexander <sip:a@b>;tag=1",
    "From: \"open <sip:a@b>;tag=1",
    "From: Jürgen <sip:a@b>;tag=1",
    "From: <sip:a@b",
    "To: <sip:bob@example.com>",
    "t: tel:+15551230001;phone-context=example.com",
    "To: < sip:bob@example.com >",
    "To: sip:bob@example.com?x=y",
    "To: <sip:2001:db8::10>",
    "To: <sip:[2001:db8::10]:5060;lr>;tag=1",
    "To: <tel:;x>, <sip:a@b>",
    "To: <sip:a%4@b>",
    "To: <sip:a@b@c>",
    "To: <sip:a@b:99999>",
    "Call-ID: 3848276298220188511@atlanta.example.com",
    "i: a b",
    "Call-ID:",
    "CSeq: 1 INVITE",
    "CSeq: 2 OPTIONS",
    "CSeq: 99999999999 INVITE",
    "CSeq: 7\r\n  INVITE",
    "CSeq: INVITE",
    "Contact: *",
    "m: <sip:a@b;transport=tcp>;+sip.instance=\"<urn:uuid:1>\";expires=3600, sip:c@d;q=0.5",
    "Contact: <sip:a@b>;expires=99999999999",
    "Contact: <isbn:1>",
    "Contact:",
    "Max-Forwards: 70",
    "Max-Forwards: 256",
    "Expires: 3600",
    "Expires: soon",
    "Content-Length: 4",
    "l: 0",
    "Content-Length: 9999",
    "Content-Length: -1",
    "Content-Type: application/sdp",
    "c: multipart/mixed;boundary=b",
    "Date: Sat, 13 Nov 2010 23:29:00 GMT",
    "Date: Fri, 01 Jan 2010 16:00:00 EST",
    "Retry-After: 30 (busy);duration=3",
    "Retry-After: x",
    "Warning: 392 192.0.2.1:5060 \"Noisy feedback tells: pid=1\"",
    "Warning: 1812 overture \"In Progress\"",
    "Subject:",
    "no colon",
    "sp ace: x",
    "X : folded\r\n\tvalue",
    " leading",
];

const STARTS: &[&str] = &[
    "INVITE sip:bob@example.com SIP/2.0",
    "OPTIONS sips:[::1]:5061;lr SIP/2.0",
    "INVITE sip:bob@example.com  SIP/2.0 ",
    "INVITE sip:a@b?x=y SIP/2.0",
    "INVITE <sip:a@b> SIP/2.0",
    "INVITE sip:a@b SIP/3.0",
    "INVITE sip:a@b sip/2.0",
    "INVITE tel:;a SIP/2.0",
    "INVITE SIP/2.0",
    "SIP/2.0 200 OK",
    "SIP/2.0 100 ",
    "SIP/2.0 100",
    "SIP/2.0 200OK",
    "SIP/2.0 99 x",
    "SIP/2.0 4294967301 x",
    "SIP/2.0  486 Busy Here",
];

/// Indices of the lines of a message in which nothing is wrong.
const GOOD: [usize; 7] = [0, 6, 12, 22, 25, 30, 35];

fn render(start: usize, lines: &[usize], body: &str, bare: bool) -> Vec<u8> {
    let mut out = format!("{}\r\n", STARTS[start % STARTS.len()]);
    for &line in lines {
        out.push_str(LINES[line % LINES.len()]);
        out.push_str("\r\n");
    }
    out.push_str("\r\n");
    out.push_str(body);
    if bare { out.replace("\r\n", "\n").into_bytes() } else { out.into_bytes() }
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let lines = prop_oneof![
        Just(GOOD.to_vec()),
        prop::collection::vec(0..LINES.len(), 0..12),
        // A good message with one line in the place of another, or one more.
        (0..GOOD.len(), 0..LINES.len()).prop_map(|(at, line)| {
            let mut lines = GOOD.to_vec();
            lines[at] = line;
            lines
        }),
        (0..=GOOD.len(), 0..LINES.len()).prop_map(|(at, line)| {
            let mut lines = GOOD.to_vec();
            lines.insert(at, line);
            lines
        }),
    ];
    (0..STARTS.len(), lines, "(|abcd|v=0\r\nm=audio 1 RTP/AVP 0\r\n)", any::<bool>())
        .prop_map(|(start, lines, body, bare)| render(start, &lines, &body, bare))
}

/// A message with a few bytes changed, removed or repeated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let special = prop_oneof![any::<u8>(), prop::sample::select(b" \t\r\n;,<>\"\\:@%?=/[]0".to_vec())];
    (message(), prop::collection::vec((any::<prop::sample::Index>(), special, 0..3u8), 0..4)).prop_map(
        |(mut m, changes)| {
            for (at, byte, what) in changes {
                let at = at.index(m.len().max(1));
                match what {
                    _ if m.is_empty() => {}
                    0 => m[at] = byte,
                    1 => m.insert(at, byte),
                    _ => drop(m.remove(at)),
                }
            }
            m
        },
    )
}

/// The messages of a stream, with what is refused passed over as a user of the framing does.
fn frames(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut buf, mut out) = (Vec::new(), Vec::new());
    for chunk in chunks {
        buf.extend_from_slice(chunk);
        loop {
            match frame_message(&buf, MAX_HEADER, MAX_MESSAGE) {
                Framing::Message { start, len } => {
                    out.push(buf[start..start + len].to_vec());
                    buf.drain(..start + len);
                }
                Framing::KeepAlive(n) => drop(buf.drain(..n)),
                Framing::NeedMore(n) => {
                    assert!(n > buf.len());
                    break;
                }
                Framing::Reject(_) | Framing::TooLong { .. } => return out,
            }
        }
    }
    out
}

proptest! {
    /// The hot path and the full parser agree on what a message says and on whether it is malformed.
    #[test]
    fn scan_agrees_with_parse(m in mutated()) {
        let (scanned, parsed) = (scan(&m), parse_message(&m));
        prop_assert_eq!(scanned.is_some(), parsed.is_some());
        if let (Some(s), Some(p)) = (scanned, parsed) {
            prop_assert_eq!(s.suspicious, p.is_malformed(), "{:?}", p.issues);
            prop_assert_eq!(s.body_start, p.body.start);
            for issue in &p.issues {
                prop_assert!(issue.range.start <= issue.range.end && issue.range.end <= m.len());
            }
            for (name, scanned) in [("From", s.from), ("To", s.to)] {
                if let Some(h) = p.header(name) && !p.is_malformed() {
                    let (full, _) = parse_name_addr(&m, h.value_range.clone());
                    prop_assert_eq!(scanned.uri, &m[full.uri.range.clone()]);
                    prop_assert_eq!(scanned.display, full.display);
                    prop_assert_eq!(scanned.tag, full.tag());
                    prop_assert_eq!(scanned.epid, full.epid());
                }
            }
            let call_id = p.header("Call-ID").map(|h| &m[h.value_range.clone()]);
            prop_assert_eq!(s.call_id, call_id.unwrap_or_default());
        }
    }

    /// Headers printed from the parsed message give the same message again.
    #[test]
    fn print_and_parse(m in message()) {
        let p = parse_message(&m).unwrap();
        let mut printed = m[p.start_range.clone()].to_vec();
        printed.extend_from_slice(b"\r\n");
        for h in p.headers.iter().filter(|h| !h.name.is_empty()) {
            printed.extend_from_slice(&[h.name, b": ", &h.value, b"\r\n"].concat());
        }
        printed.extend_from_slice(b"\r\n");
        printed.extend_from_slice(&m[p.body.clone()]);
        let again = parse_message(&printed).unwrap();
        let pairs = |p: &callscope_parsers::sip::Message<'_>| -> Vec<(Vec<u8>, Vec<u8>)> {
            p.headers.iter().filter(|h| !h.name.is_empty()).map(|h| (h.name.to_vec(), h.value.to_vec())).collect()
        };
        prop_assert_eq!(pairs(&p), pairs(&again));
        prop_assert_eq!(&m[p.body.clone()], &printed[again.body.clone()]);
    }

    /// However a stream is cut into segments, the same messages come out.
    #[test]
    fn splitting_changes_nothing(
        parts in prop::collection::vec((mutated(), 0..3usize), 1..5),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut stream = Vec::new();
        for (m, keep_alives) in &parts {
            stream.extend_from_slice(m);
            stream.extend(b"\r\n\r\n".repeat(*keep_alives));
        }
        stream.extend_from_slice(b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n");
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(stream.len())).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
        let bytewise: Vec<&[u8]> = stream.chunks(1).collect();
        let whole = frames(&[&stream]);
        prop_assert_eq!(&frames(&chunks), &whole);
        prop_assert_eq!(&frames(&bytewise), &whole);
    }

    /// Good messages with Content-Length all come back, byte for byte.
    #[test]
    fn framing_gives_back_what_was_sent(bodies in prop::collection::vec(".{0,300}", 1..5)) {
        let sent: Vec<Vec<u8>> = bodies
            .iter()
            .map(|b| {
                format!("MESSAGE sip:a@b SIP/2.0\r\nCall-ID: x\r\nl: {}\r\nc: text/plain\r\n\r\n{b}", b.len()).into_bytes()
            })
            .collect();
        prop_assert_eq!(frames(&[&sent.concat()]), sent);
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(b in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (scan(&b), parse_message(&b), frame_message(&b, 100, 200), looks_like_sip(&b));
        for found in [find_start(&b), find_next_start(&b)].into_iter().flatten() {
            prop_assert!(found < b.len());
        }
        let _ = (parse_body(&b, 0..b.len(), b"multipart/mixed;boundary=a"), decode_base64(&b));
    }

    #[test]
    fn typed_values_do_no_harm(b in "[ \t\r\n;,<>\"\\\\:@%?=/\\[\\]()a0sip.]{0,40}") {
        use callscope_parsers::sip::{auth, cause, cseq, dialog, name_addr, uri, via};
        let (b, r) = (b.as_bytes(), 0..b.len());
        let mut issues = Vec::new();
        issues.extend(uri::parse_uri(b, r.clone()).1);
        issues.extend(name_addr::parse_name_addrs(b, r.clone()).1);
        issues.extend(via::parse_vias(b, r.clone()).1);
        issues.extend(cseq::parse_cseq(b, r.clone()).1);
        issues.extend(cseq::parse_rack(b, r.clone()).1);
        issues.extend(auth::parse_auth(b, r.clone()).1);
        issues.extend(cause::parse_reasons(b, r.clone()).1);
        issues.extend(cause::parse_warnings(b, r.clone()).1);
        issues.extend(cause::parse_diagnostics(b, r.clone()).1);
        issues.extend(dialog::parse_replaces(b, r.clone()).1);
        issues.extend(dialog::parse_refer_to(b, r.clone()).1);
        issues.extend(dialog::parse_subscription_state(b, r.clone()).1);
        issues.extend(dialog::parse_session_expires(b, r).1);
        for issue in issues {
            prop_assert!(issue.range.start <= issue.range.end && issue.range.end <= b.len(), "{issue:?}");
        }
    }
}
