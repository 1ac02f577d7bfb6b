use super::*;

const GOOD: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
v: SIP/2.0/TCP h.example;branch=z9hG4bK1\r\n\
Max-Forwards: 70\r\n\
FROM: <sip:alice@example.com>;tag=1\r\n\
t:\r\n sip:bob@example.com\r\n\
Call-ID: x\r\n\
CSeq: 1 INVITE\r\n\
Supported: timer\r\n\
k : 100rel,\r\n\treplaces \r\n\
Content-Length: 4\r\n\r\nbody";

fn codes(m: &Message<'_>) -> Vec<&'static str> {
    m.issues.iter().map(|i| i.code).collect()
}

#[test]
fn order_and_spelling_stay() {
    let m = parse_message(GOOD.as_bytes()).unwrap();
    assert_eq!(m.issues, []);
    let names: Vec<_> = m.headers.iter().map(|h| std::str::from_utf8(h.name).unwrap()).collect();
    assert_eq!(
        names,
        ["v", "Max-Forwards", "FROM", "t", "Call-ID", "CSeq", "Supported", "k", "Content-Length"]
    );
    let supported: Vec<_> = m.headers_named("supported").map(|h| &*h.value).collect();
    assert_eq!(supported, [&b"timer"[..], b"100rel, replaces"]);
    assert_eq!(&*m.header("To").unwrap().value, b"sip:bob@example.com");
    assert_eq!(&m.bytes[m.body.clone()], b"body");
    let h = m.header("Via").unwrap();
    assert_eq!(&m.bytes[h.name_range.clone()], b"v");
    assert_eq!(&m.bytes[h.value_range.clone()], &*h.value);
}

#[test]
fn compact_names() {
    let long: Vec<_> = b"vftimlcskeourbxadjyn"
        .iter()
        .map(|c| String::from_utf8_lossy(canonical_name(&[*c])).into_owned())
        .collect();
    assert_eq!(
        long.join(" "),
        "Via From To Call-ID Contact Content-Length Content-Type Subject Supported \
Content-Encoding Event Allow-Events Refer-To Referred-By Session-Expires Accept-Contact Request-Disposition \
Reject-Contact Identity Identity-Info"
    );
    assert_eq!(canonical_name(b"V"), b"Via");
    assert_eq!(canonical_name(b"z"), b"z");
}

#[test]
fn each_defect_is_named_where_it_is() {
    for (from, to, code, spot, malformed) in [
        ("SIP/2.0\r\nv", "SIP/3.0\r\nv", "version-unknown", "SIP/3.0", true),
        ("SIP/2.0\r\nv", "sip/2.0\r\nv", "version-not-in-capitals", "sip/2.0", false),
        ("INVITE sip", "INVITE  sip", "start-line-space", "  ", true),
        ("CSeq: 1 INVITE", "CSeq: 1 OPTIONS", "cseq-method-mismatch", "OPTIONS", true),
        ("CSeq: 1", "CSeq: 99999999999", "cseq-number-too-large", "99999999999", true),
        ("Length: 4", "Length: 5", "content-length-too-large", "5", true),
        ("Length: 4", "Length: -4", "content-length-bad", "-4", true),
        ("Length: 4", "Length: 3", "bytes-after-body", "y", false),
        ("Length: 4", "Length: 4\r\nl: 3", "content-length-conflict", "l: 3", true),
        ("Length: 4", "Length: 4\r\nl: 4", "content-length-repeated", "l: 4", false),
        ("Forwards: 70", "Forwards: 256", "max-forwards-bad", "256", true),
        ("Max-Forwards: 70\r\n", "", "max-forwards-missing", "INVITE sip:bob@example.com SIP/2.0", false),
        ("Call-ID: x\r\n", "", "call-id-missing", "INVITE sip:bob@example.com SIP/2.0", true),
        ("Call-ID: x", "Call-ID: x y", "call-id-bad", "x y", true),
        ("Call-ID: x", "Call-ID: x\r\ni: y", "header-repeated", "i: y", true),
        (";tag=1", "", "from-tag-missing", "<sip:alice@example.com>", false),
        ("<sip:alice", "<sip:al ice", "uri-space", " ", true),
        ("Supported: ", "Supported ", "header-colon-missing", "Supported timer", true),
        ("Supported", "Sup(ported", "header-name-bad", "Sup(ported", true),
        ("k :", "Date: yesterday\r\nk :", "date-bad", "yesterday", true),
        ("k :", "Retry-After: soon\r\nk :", "retry-after-bad", "soon", true),
        (
            "k :",
            "m: <sip:a@b>;expires=99999999999\r\nk :",
            "contact-expires-bad",
            "expires=99999999999",
            true,
        ),
        ("\r\n\r\nbody", "\r\n", "header-end-missing", "", true),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from} is there");
        let m = parse_message(text.as_bytes()).unwrap();
        let issue =
            m.issues.iter().find(|i| i.code == code).unwrap_or_else(|| panic!("{code}: {:?}", codes(&m)));
        assert_eq!(&text[issue.range.clone()], spot, "{code}");
        assert_eq!(m.is_malformed(), malformed, "{code}: {:?}", codes(&m));
    }
}

#[test]
fn status_lines() {
    let line = |line: &str| {
        let text = GOOD.replacen("INVITE sip:bob@example.com SIP/2.0", line, 1);
        codes(&parse_message(text.as_bytes()).unwrap())
    };
    assert_eq!(line("SIP/2.0 200 OK"), [""; 0]);
    assert_eq!(line("SIP/2.0 100 "), [""; 0]);
    assert_eq!(line("SIP/2.0 100"), ["reason-space-missing"]);
    assert_eq!(line("SIP/2.0 700 x"), ["status-code-class"]);
    assert_eq!(line("SIP/2.0 4294967301 x"), ["status-code-bad"]);
    assert_eq!(line("SIP/2.0  200 OK"), ["start-line-space"]);
    assert_eq!(line("SIP/2.0 200OK"), ["start-line-space"]);
}

/// Lists without end cost neither time nor memory beyond their bytes.
#[test]
fn endless_lists() {
    for (piece, code) in [
        ("Contact: a,", "uri-scheme-missing"),
        ("Contact: <sip:a@b>;;", "parameter-empty"),
        ("Via: ,;", "via-bad"),
        ("To: \"", "angle-bracket-missing"),
        ("Warning: ,", "warning-bad"),
        ("Contact: <sip:a@b>;a;b,", "list-too-long"),
    ] {
        let (name, piece) = piece.split_at(piece.find(' ').unwrap());
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{name}{}\r\n\r\n", piece.repeat(100_000));
        let m = parse_message(text.as_bytes()).unwrap();
        assert!(codes(&m).contains(&code), "{code}");
        assert!(m.issues.len() < 3_100, "{code}: {}", m.issues.len());
        assert_eq!(crate::sip::scan(text.as_bytes()).unwrap().suspicious, m.is_malformed());
    }
}
