use super::*;

fn codes(issues: &[Issue]) -> Vec<&'static str> {
    issues.iter().map(|i| i.code).collect()
}

#[test]
fn nested_with_preamble_and_epilogue() {
    let body = b"preamble\r\n--a b\r\nContent-Type: text/plain; charset=\"utf-8\"\r\nContent-ID: <x@y>\r\n\
Content-Disposition: render;handling=optional\r\n\r\nHello\r\n--no\r\n\r\n--a b \r\n\
C: Multipart/Alternative;boundary=in\r\n\r\n--in\r\n\r\nno head\r\n--in\r\nContent-Type: application/sdp\n\nv=0\n--in--\r\n\
--a b--\r\nepilogue --a b\r\n";
    let (all, issues) = parse_body(body, 0..body.len(), b"multipart/mixed ; boundary=\"a b\"");
    assert_eq!(issues, []);
    let content: Vec<_> = all
        .walk()
        .iter()
        .skip(1)
        .map(|p| (p.media_type.as_str(), std::str::from_utf8(&body[p.content.clone()]).unwrap()))
        .collect();
    assert_eq!(content[0], ("text/plain", "Hello\r\n--no\r\n"));
    assert_eq!(content[1].0, "multipart/alternative");
    assert_eq!(content[2], ("", "no head"));
    assert_eq!(content[3], ("application/sdp", "v=0"));
    let first = &all.parts[0];
    assert_eq!(
        (first.content_id.as_deref(), first.disposition.as_deref()),
        (Some("x@y"), Some("render;handling=optional"))
    );
    assert_eq!(parameter(first.content_type.as_bytes(), "Charset").as_deref(), Some("utf-8"));
    assert!(body[first.head.clone()].ends_with(b"optional\r\n\r\n"));
}

#[test]
fn defects() {
    let body = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: text/html";
    let (all, issues) = parse_body(body, 0..body.len(), b"multipart/mixed;boundary=b");
    assert_eq!(codes(&issues), ["part-head-unclosed", "multipart-closing-boundary-missing"]);
    assert_eq!((all.parts.len(), all.parts[1].media_type.as_str()), (2, "text/html"));
    assert!(all.parts[1].content.is_empty());
    let (all, issues) = parse_body(body, 0..body.len(), b"multipart/mixed");
    assert_eq!((all.parts.len(), codes(&issues)), (0, vec!["multipart-boundary-missing"]));
    let deep = "--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n".repeat(100);
    let (_, issues) = parse_body(deep.as_bytes(), 0..deep.len(), b"multipart/mixed;boundary=b");
    assert!(issues.len() < 1_000);
    let (plain, issues) = parse_body(b"xyz", 1..99, b" Application/SDP;a=b");
    assert_eq!(
        (plain.media_type.as_str(), plain.content.clone(), issues.len()),
        ("application/sdp", 1..3, 0)
    );
}

#[test]
fn base64() {
    // RFC 4648 §10.
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("foobar", "Zm9v\r\nYmFy"),
    ] {
        assert_eq!(decode_base64(coded.as_bytes()), (plain.as_bytes().to_vec(), true));
    }
    assert_eq!(decode_base64(b"Zm9vY"), (b"foo".to_vec(), false));
    assert_eq!(decode_base64(b"Zm!9v"), (b"foo".to_vec(), false));
}

#[test]
fn quoted_printable() {
    let (out, good) = decode_quoted_printable(b"a=3Db =\r\nc  \r\nd=\r\n");
    assert_eq!((out, good), (b"a=b c\r\nd".to_vec(), true));
    assert_eq!(decode_quoted_printable(b"a=zz"), (b"a=zz".to_vec(), false));
    let body = b"--b\r\nContent-Transfer-Encoding: BASE64\r\n\r\nZm9v\r\n--b--";
    let (all, _) = parse_body(body, 0..body.len(), b"multipart/mixed;boundary=b");
    assert_eq!(&*all.parts[0].decoded(body).0, b"foo");
}
