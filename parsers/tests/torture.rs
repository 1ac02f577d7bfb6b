//! The torture messages of RFC 4475 and RFC 5118 get the verdict those documents state.

use callscope_parsers::mime::parse_body;
use callscope_parsers::sip::name_addr::parse_name_addr;
use callscope_parsers::sip::uri::percent_decode;
use callscope_parsers::sip::via::parse_vias;
use callscope_parsers::sip::{
    Framing, Message, StartLine, defect::is_malformed, frame_message, parse_message, scan,
};

const RFC4475: &str = include_str!("torture/rfc4475.txt");
const RFC5118: &str = include_str!("torture/rfc5118.txt");

/// The bytes of a message in one of the files.
fn message(file: &str, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut inside = false;
    for line in file.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            inside = title.split(' ').nth(1) == Some(name);
        } else if inside {
            match line.strip_prefix("<sdp ").and_then(|l| l.strip_suffix('>')) {
                Some(address) => out.extend(description(address).into_bytes()),
                None => {
                    expand(line, &mut out);
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
    }
    assert!(!out.is_empty(), "{name} is there");
    out
}

fn description(address: &str) -> String {
    format!(
        "v=0\r\no=mhandley 29739 7272939 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
         m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n"
    )
}

fn expand(line: &str, out: &mut Vec<u8>) {
    let Some((tag, at)) =
        ["<hex>", "<repeat "].iter().filter_map(|t| Some((*t, line.find(t)?))).min_by_key(|m| m.1)
    else {
        return out.extend_from_slice(line.as_bytes());
    };
    out.extend_from_slice(&line.as_bytes()[..at]);
    let inside = &line[at + tag.len()..];
    let rest = if tag == "<hex>" {
        let (hex, rest) = inside.split_once("</hex>").unwrap();
        out.extend((0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()));
        rest
    } else {
        let (count, inside) = inside.split_once('>').unwrap();
        let (text, rest) = inside.split_once("</repeat>").unwrap();
        out.extend(text.repeat(count.parse().unwrap()).into_bytes());
        rest
    };
    expand(rest, out);
}

fn names(file: &str) -> Vec<&str> {
    file.lines().filter_map(|l| l.strip_prefix("== ")?.split(' ').nth(1)).collect()
}

/// Malformed issues: code and the bytes it points at.
fn defects<'a>(m: &Message<'a>) -> Vec<(&'static str, &'a str)> {
    let spot = |r: &std::ops::Range<usize>| std::str::from_utf8(&m.bytes[r.clone()]).unwrap();
    m.issues.iter().filter(|i| is_malformed(i)).map(|i| (i.code, spot(&i.range))).collect()
}

/// RFC 4475: messages it calls invalid, with why; all others are well-formed, whatever else an element may answer.
const INVALID: &[(&str, &[(&str, &str)])] = &[
    // §3.1.2.1: extraneous separators in Via and Contact.
    ("badinv01", &[("parameter-empty", ";"), ("via-bad", "")]),
    // §3.1.2.2: Content-Length larger than the message.
    ("clerr", &[("content-length-too-large", "9999")]),
    // §3.1.2.3: negative Content-Length.
    ("ncl", &[("content-length-bad", "-999")]),
    // §3.1.2.4: overlarge values of CSeq, Max-Forwards, Expires and the Contact parameter.
    (
        "scalar02",
        &[
            ("cseq-number-too-large", "36893488147419103232"),
            ("max-forwards-bad", "300"),
            ("contact-expires-bad", "expires=280297596632815"),
        ],
    ),
    // §3.1.2.5: overlarge values of CSeq, Retry-After and the Warning code.
    (
        "scalarlg",
        &[
            ("cseq-number-too-large", "9292394834772304023312"),
            ("retry-after-bad", "949302838503028349304023988"),
            ("warning-bad", "1812 overture \"In Progress\""),
        ],
    ),
    // §3.1.2.6: unterminated quote in To.
    ("quotbal", &[("quote-unclosed", "\"Mr. J. User ")]),
    // §3.1.2.7: Request-URI in angle brackets.
    ("ltgtruri", &[("uri-character", "<")]),
    // §3.1.2.8: white space in the Request-URI.
    ("lwsruri", &[("uri-space", " ")]),
    // §3.1.2.9: several spaces in the request line.
    ("lwsstart", &[("start-line-space", "  "), ("start-line-space", "  ")]),
    // §3.1.2.10: spaces at the end of the request line.
    ("trws", &[("start-line-space", "  ")]),
    // §3.1.2.11: headers in the Request-URI.
    ("escruri", &[("request-uri-headers", "Route=%3Csip:example.com%3E")]),
    // §3.1.2.12: time zone other than GMT.
    ("baddate", &[("date-bad", "Fri, 01 Jan 2010 16:00:00 EST")]),
    // §3.1.2.13: Contact URI with a question mark not in angle brackets.
    ("regbadct", &[("angle-bracket-missing", "?Route=%3Csip:sip.example.com%3E")]),
    // §3.1.2.14: spaces inside an addr-spec.
    ("badaspec", &[("uri-space", " ")]),
    // §3.1.2.15: display names that are no tokens.
    ("baddn", &[("display-name-unquoted", "Bell, Alexander"), ("display-name-unquoted", "Watson, Thomas")]),
    // §3.1.2.16: another protocol version.
    ("badvers", &[("version-unknown", "SIP/7.0")]),
    // §3.1.2.17, §3.1.2.18: CSeq method other than that of the request.
    ("mismatch01", &[("cseq-method-mismatch", "INVITE")]),
    ("mismatch02", &[("cseq-method-mismatch", "INVITE")]),
    // §3.1.2.19: overlarge status code.
    ("bigcode", &[("status-code-bad", "4294967301")]),
    // §3.2.1: the branch promises an identifier and has none.
    ("badbranch", &[("branch-empty", "branch=z9hG4bK")]),
    // §3.3.1: no Call-ID, From, To.
    (
        "insuf",
        &[
            ("call-id-missing", "INVITE sip:user@example.com SIP/2.0"),
            ("from-missing", "INVITE sip:user@example.com SIP/2.0"),
            ("to-missing", "INVITE sip:user@example.com SIP/2.0"),
        ],
    ),
    // §3.3.8: several values of headers that have one.
    (
        "multi01",
        &[
            ("header-repeated", "CSeq: 59 INVITE"),
            ("header-repeated", "Call-ID: multi01.98asdh@192.0.2.2"),
            ("header-repeated", "To: sip:other@example.net"),
            ("header-repeated", "From: sip:caller@example.net;tag=2923420123"),
            ("header-repeated", "Max-Forwards: 5"),
        ],
    ),
    // §3.3.9: contradicting Content-Length.
    ("mcl01", &[("content-length-conflict", "Content-Length: 5")]),
];

#[test]
fn rfc4475_verdicts() {
    let names = names(RFC4475);
    assert_eq!(names.len(), 49);
    for (name, _) in INVALID {
        assert!(names.contains(name), "{name}");
    }
    for name in names {
        let bytes = message(RFC4475, name);
        let m = parse_message(&bytes).unwrap_or_else(|| panic!("{name} is shown"));
        let found = defects(&m);
        match INVALID.iter().find(|(invalid, _)| *invalid == name) {
            None => assert_eq!(found, [], "{name}"),
            Some((_, wanted)) => {
                for (at, want) in wanted.iter().enumerate() {
                    let times = wanted[..=at].iter().filter(|w| *w == want).count();
                    assert!(
                        found.iter().filter(|f| *f == want).count() >= times,
                        "{name}: {want:?} in {found:?}"
                    );
                }
            }
        }
        assert_eq!(scan(&bytes).unwrap().suspicious, m.is_malformed(), "{name}");
    }
}

#[test]
fn rfc5118_verdicts() {
    let names = names(RFC5118);
    assert_eq!(names.len(), 12);
    for name in names {
        let bytes = message(RFC5118, name);
        let m = parse_message(&bytes).unwrap();
        // §4.2: an address without brackets is the only one to be refused.
        let wanted: &[_] = if name == "ipv6-bad" { &[("host-bad", "2001:db8::10")] } else { &[] };
        assert_eq!(defects(&m), wanted, "{name}");
        assert_eq!(scan(&bytes).unwrap().suspicious, m.is_malformed(), "{name}");
    }
    // §4.5: received with and without brackets is the same address.
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        let bytes = message(RFC5118, name);
        let m = parse_message(&bytes).unwrap();
        let (vias, _) = parse_vias(&bytes, m.header("Via").unwrap().value_range.clone());
        assert_eq!(vias[0].received(), "2001:db8::9:255".parse().ok(), "{name}");
    }
    // §4.10: three colons are a fault of the old grammar, to be let pass.
    let bytes = message(RFC5118, "ipv6-bug-abnf-3-colons");
    assert!(parse_message(&bytes).unwrap().issues.iter().any(|i| i.code == "ip6-address-odd"));
}

#[test]
fn what_the_odd_ones_say() {
    let bytes = message(RFC4475, "wsinv");
    let s = scan(&bytes).unwrap();
    assert_eq!((s.cseq, s.cseq_method, s.call_id), (9, &b"INVITE"[..], &b"wsinv.ndaksdj@192.0.2.1"[..]));
    assert_eq!((s.from.display, s.from.tag), (&br#"J Rosenberg \\\""#[..], &b"98asjd8"[..]));
    assert_eq!((s.to.uri, s.to.tag), (&b"sip:vivekg@chair-dnrc.example.com"[..], &b"1918181833n"[..]));
    assert_eq!((s.branch, s.sdp.unwrap().media_sections), (&b"390skdjuw"[..], 2));

    let bytes = message(RFC4475, "intmeth");
    let m = parse_message(&bytes).unwrap();
    let (to, issues) = parse_name_addr(&bytes, m.header("To").unwrap().value_range.clone());
    assert_eq!(issues, []);
    assert_eq!(&*to.display_text(), b"BEL:\x07 NUL:\x00 DEL:\x7f");
    assert_eq!(to.uri.host, b"example.com");

    // §3.1.1.3: the user is `sips:user@example.com`, the host what follows the one bare @.
    let bytes = message(RFC4475, "esc01");
    let m = parse_message(&bytes).unwrap();
    let StartLine::Request { uri, .. } = m.start.clone() else { panic!("a request") };
    let uri = callscope_parsers::sip::uri::parse_uri(&bytes, uri).0;
    assert_eq!(
        (percent_decode(uri.user.unwrap()), uri.host),
        (b"sips:user@example.com".to_vec(), &b"example.net"[..])
    );

    // §3.1.1.5: escapes in tokens are no escapes.
    let bytes = message(RFC4475, "esc02");
    let m = parse_message(&bytes).unwrap();
    assert_eq!((m.headers_named("Contact").count(), scan(&bytes).unwrap().method), (2, &b"RE%47IST%45R"[..]));

    let bytes = message(RFC4475, "mpart01");
    let m = parse_message(&bytes).unwrap();
    let (body, issues) = parse_body(&bytes, m.body.clone(), &m.header("Content-Type").unwrap().value);
    assert_eq!(issues, []);
    assert_eq!((body.parts.len(), &bytes[body.parts[0].content.clone()]), (2, &b"Hello"[..]));
    assert_eq!(bytes[body.parts[1].content.clone()].len(), 342);
    assert!(bytes[body.parts[1].content.clone()].starts_with(b"\x30\x82\x01\x52"));
}

/// §3.1.1.8: two requests in one datagram; as a stream they are two messages with empty lines between.
#[test]
fn double_request() {
    let bytes = message(RFC4475, "dblreq");
    let s = scan(&bytes).unwrap();
    assert_eq!((s.method, s.content_length), (&b"REGISTER"[..], Some(0)));
    let Framing::Message { start: 0, len } = frame_message(&bytes, 65_536, 1 << 20) else {
        panic!("a message")
    };
    let rest = &bytes[len..];
    let Framing::Message { start: 2, len } = frame_message(rest, 65_536, 1 << 20) else { panic!("another") };
    assert_eq!(scan(&rest[2..2 + len]).unwrap().method, b"INVITE");
}
