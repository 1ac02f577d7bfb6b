use super::*;
use crate::sdp::candidate::{CandidateSyntax, LineKinds};

fn s(b: &[u8]) -> &str {
    std::str::from_utf8(b).unwrap()
}

#[test]
fn invite_with_description() {
    // After RFC 3665 §3.1, message F1.
    let m = b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\n\
Max-Forwards: 70\r\n\
From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl;epid=c8ca638a15\r\n\
To: \"Bob <\\\">;\" <sip:bob@biloxi.example.com;user=phone>\r\n\
Call-ID: 3848276298220188511@atlanta.example.com\r\n\
CSeq: 1 INVITE\r\n\
Contact: <sip:alice@client.atlanta.example.com;transport=tcp>\r\n\
User-Agent: UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)\r\n\
Expires: 60\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 151\r\n\
\r\n\
v=0\r\n\
o=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com\r\n\
s=-\r\n\
c=IN IP4 192.0.2.101\r\n\
t=0 0\r\n\
m=audio 49172 RTP/AVP 0\r\n\
a=rtpmap:0 PCMU/8000\r\n";
    let r = scan(m).unwrap();
    assert_eq!((s(r.method), s(r.request_uri), r.status), ("INVITE", "sip:bob@biloxi.example.com", 0));
    assert_eq!((s(r.branch), s(r.call_id)), ("z9hG4bK74bf9", "3848276298220188511@atlanta.example.com"));
    assert_eq!((s(r.from.display), s(r.from.uri)), ("Alice", "sip:alice@atlanta.example.com"));
    assert_eq!((s(r.from.tag), s(r.from.epid)), ("9fxced76sl", "c8ca638a15"));
    assert_eq!((s(r.to.display), s(r.to.uri)), ("Bob <\\\">;", "sip:bob@biloxi.example.com;user=phone"));
    assert_eq!((r.cseq, s(r.cseq_method), r.expires, r.content_length), (1, "INVITE", Some(60), Some(151)));
    assert!(s(r.agent).starts_with("UCCAPI/3.5"));
    let sdp = r.sdp.unwrap();
    assert_eq!(
        (s(sdp.address), s(sdp.media), sdp.media_sections),
        ("192.0.2.101", "audio 49172 RTP/AVP 0", 1)
    );
    assert!(sdp.origin.starts_with(b"alice 2890844526"));
    assert_eq!(s(&m[r.body_start..][..3]), "v=0");
    assert!(!r.suspicious && !r.credentials);
}

#[test]
fn credentials_and_subscription_state() {
    let with = |line: &str| {
        let m = format!("NOTIFY sip:a@b SIP/2.0\r\n{line}\r\nCSeq: 1 NOTIFY\r\n\r\n");
        let r = scan(m.as_bytes()).unwrap();
        (r.credentials, s(r.subscription_state).to_owned())
    };
    assert_eq!(with("Authorization: Digest username=\"a\""), (true, String::new()));
    assert_eq!(with("proxy-authorization: NTLM x"), (true, String::new()));
    assert_eq!(with("Proxy-Authenticate: Digest realm=\"a\""), (false, String::new()));
    assert_eq!(with("P-Asserted-Identity: <sip:a@b>"), (false, String::new()));
    let state = "terminated;reason=timeout";
    assert_eq!(with(&format!("SUBSCRIPTION-STATE: {state}")), (false, state.to_owned()));
}

#[test]
fn compact_folded_bare_line_feeds() {
    let m = b"SIP/2.0 486 Busy Here\n\
v: SIP/2.0/UDP a.example;branch=z9hG4bKtop;rport=5060;received=192.0.2.1,\n SIP/2.0/TCP b.example;branch=z9hG4bKsecond\n\
V: SIP/2.0/UDP c.example;branch=z9hG4bKthird\n\
f: sip:a@example.com;tag=1\n\
TO:sip:b@example.com\n ;tag=2\n\
i: x\nCSEQ: 7\n\tINVITE\n\
server: RTC/3.5\nms-diagnostics: 1003;reason=\"no\";source=\"x\"\nReason: SIP;cause=486\nl: 0\n\n";
    let r = scan(m).unwrap();
    assert_eq!((r.status, s(r.reason), s(r.method)), (486, "Busy Here", ""));
    assert_eq!(s(r.branch), "z9hG4bKtop");
    assert_eq!((s(r.from.uri), s(r.from.tag)), ("sip:a@example.com", "1"));
    assert_eq!((s(r.to.uri), s(r.to.tag)), ("sip:b@example.com", "2"));
    assert_eq!((r.cseq, s(r.cseq_method)), (7, "INVITE"));
    assert_eq!((s(r.agent), s(r.diagnostics)), ("RTC/3.5", "1003;reason=\"no\";source=\"x\""));
    assert_eq!(r.body_start, m.len());
    assert!(!r.suspicious);
}

#[test]
fn nested_multipart() {
    let m = b"INVITE sip:a@b SIP/2.0\r\nContent-Type: multipart/mixed; x=\";boundary=no\"; boundary=\"out;er\"\r\n\r\n\
preamble\r\n--out;er\r\nContent-Type: multipart/alternative;boundary=inner\r\n\r\n\
--inner\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nm=audio 1 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.0.2.1 1 typ host\r\n\
--inner\r\nc: Application/SDP ;x=y\r\n\r\nv=0\r\na=inactive\r\nm=video 2 RTP/AVP 34\r\nc=IN IP6 2001:db8::1\r\na=candidate:2\r\n\
--inner--\r\n\r\n--out;er\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--out;er--\r\nm=audio 9 x 0\r\n";
    let sdp = scan(m).unwrap().sdp.unwrap();
    assert_eq!(
        (s(sdp.media), s(sdp.address), s(sdp.direction)),
        ("video 2 RTP/AVP 34", "2001:db8::1", "inactive")
    );
    assert_eq!((sdp.candidates, sdp.media_sections), (2, 1));
    // Of two parts together.
    assert_eq!(sdp.candidate_kinds, LineKinds { typed: true, ..LineKinds::default() });
    assert_eq!(sdp.candidate_kinds.syntax(), CandidateSyntax::of_message(m));
    let older = String::from_utf8_lossy(m).replace("candidate:2", "candidate:id 1 pw UDP 0.5 192.0.2.1 5");
    let kinds = |m: &str| scan(m.as_bytes()).unwrap().sdp.unwrap().candidate_kinds;
    assert_eq!(kinds(&older), LineKinds { typed: true, draft06: true, v19: false });
    let newer = older.replace("1 1 UDP 1", "1 1 TCP-ACT 1");
    assert_eq!((kinds(&newer).v19, kinds(&newer).syntax()), (true, CandidateSyntax::V19));
    // Of an answer none are told.
    assert_eq!(kinds(&newer.replace("INVITE sip:a@b SIP/2.0", "SIP/2.0 200 OK")), LineKinds::default());
    // A closing boundary that is missing does not hide the last part.
    let m = b"INVITE sip:a@b SIP/2.0\r\nc: multipart/mixed;boundary=b\r\n\r\n--b\r\nc: application/sdp\r\n\r\nm=audio 9 x 0\r\n";
    assert_eq!(s(scan(m).unwrap().sdp.unwrap().media), "audio 9 x 0");
}

#[test]
fn first_lines_that_are_off() {
    for line in
        ["INVITE sip:a@b SIP/3.0", "INVITE sip:a@b sip/2.0", "SIP/7.0 200 OK", "!inv'ented sip:a@b SIP/2.0"]
    {
        assert!(scan(line.as_bytes()).is_some(), "{line}");
    }
    let overlarge = scan(b"SIP/2.0 4294967301 better not break\r\n\r\n").unwrap();
    assert_eq!((overlarge.status, s(overlarge.method)), (999, ""));
    assert!(scan(b"HTTP/1.1 200 OK\r\n\r\n").is_none());
    assert!(scan(b"").is_none());
}

#[test]
fn the_body_is_where_the_scan_says() {
    let start = "INFO sip:a@b SIP/2.0\r\n";
    for (head, body) in [
        ("Content-Type: a/b\r\nContent-Length: 3\r\n\r\n", "abcdef"),
        ("c: a/b;x=\"y\"\r\nl : 3\r\nContent-Type: c/d\r\nl: 1\r\n\r\n", "abcdef"),
        ("Content-Type : a/b\nContent-Length: x\nContent-Length: 9\n\n", "ab"),
        ("Content-Length: 99999999999999999999999\r\nContent-Type:\r\n c/d\r\n\r\n", "ab"),
        ("Content-Length: 3", ""),
        ("\r\n", ""),
    ] {
        let m = format!("{start}{head}{body}");
        let r = scan(m.as_bytes()).unwrap();
        let end = r.content_length.map_or(m.len(), |n| m.len().min(r.body_start + n as usize));
        let found = body_place(m.as_bytes()).unwrap();
        assert_eq!(found.body, r.body_start..end, "{head:?}");
        assert_eq!(m.as_bytes().get(found.content_type), Some(r.content_type), "{head:?}");
    }
    assert_eq!(body_place(b"GET / HTTP/1.1\r\n\r\n"), None);
}

#[test]
fn descriptions_that_may_run_one_way() {
    let one_way = |body: &str| {
        let m = format!("INVITE sip:a@b SIP/2.0\r\nc: application/sdp\r\n\r\n{body}");
        scan(m.as_bytes()).unwrap().sdp.unwrap().one_way
    };
    let both = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\na=ssrc:1 x\r\na=rtcp:9\r\n";
    assert!(!one_way(both) && !one_way(&both.replace("\r\n", "\n")) && !one_way("v=0\r\n\r\n"));
    for more in [
        "a=sendonly",
        "a=RecvOnly",
        "a= inactive ",
        "m=video 9 RTP/AVP 34\r\na=inactive",
        "c=IN IP4 0.0.0.0",
        "c=IN IP6 ::",
        "a =sendonly",
        "what is this",
    ] {
        assert!(one_way(&format!("{both}{more}\r\n")), "{more}");
    }
    // To this scan lines that end in CR alone are one.
    assert!(one_way(&both.replace("\r\n", "\r")));
    let m = b"INVITE sip:a@b SIP/2.0\r\nc: multipart/mixed;boundary=b\r\n\r\n--b\r\nc: application/sdp\r\n\r\nv=0\r\nm=audio 9 x 0\r\na=sendonly\r\n\
--b\r\nc: application/sdp\r\n\r\nv=0\r\nm=audio 9 x 0\r\n--b--\r\n";
    assert!(scan(m).unwrap().sdp.unwrap().one_way);
}
