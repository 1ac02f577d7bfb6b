use super::*;
use proptest::prelude::*;

fn codes(issues: &[Issue]) -> Vec<&'static str> {
    issues.iter().map(|i| i.code).collect()
}

fn im(body: &[u8], content_type: &str) -> ImBody {
    read_im(body, 0..body.len(), content_type.as_bytes())
}

#[test]
fn plain_with_charset_and_msgr() {
    let all = im("Grüße".as_bytes(), "text/plain; charset=UTF-8;msgr=WAAtAE0ATQBTAC0A");
    assert_eq!(all.text().as_deref(), Some("Grüße"));
    assert_eq!(all.parts[0].msgr.as_deref(), Some("WAAtAE0ATQBTAC0A"));
    assert_eq!(all.parts[0].charset.as_deref(), Some("UTF-8"));
    assert_eq!(all.issues, []);
    // RFC 3428 §10.
    let all = im(b"Watson, come here.", "text/plain");
    assert_eq!(all.text().as_deref(), Some("Watson, come here."));
    assert_eq!(all.parts[0].range, 0..18);
}

#[test]
fn charsets() {
    let read = |bytes: &[u8], charset: Option<&str>| {
        let (text, issues) = decode_charset(bytes, charset);
        (text.into_owned(), codes(&issues))
    };
    assert_eq!(read(b"\xE9\x80", Some("iso-8859-1")), ("é€".into(), vec![]));
    assert_eq!(read(b"\xE9", None), ("é".into(), vec!["charset-guessed"]));
    assert_eq!(read(b"\xE9", Some("utf-8")), ("\u{FFFD}".into(), vec!["charset-damaged"]));
    assert_eq!(read(b"\xFF\xFEa\0=\xD8\0\xDE", Some("UTF-16")), ("a😀".into(), vec![]));
    assert_eq!(read(b"\0a\0", Some("utf-16be")), ("a".into(), vec!["charset-damaged"]));
    assert_eq!(read(b"a", Some("koi8-r")), ("a".into(), vec![]));
    assert_eq!(read("é".as_bytes(), Some("koi8-r")), ("é".into(), vec!["charset-unknown"]));
}

#[test]
fn html() {
    let read = |html: &str| html_to_text(html).text;
    assert_eq!(
        read(
            "<!DOCTYPE html><html><head><title>t</title><style>p{}</style></head>\r\n<BODY>\n<DIV style=\"a > b\">Hello\n   \
             <b>wor</b>ld</DIV><p>a&lt;b &amp;&nbsp;c &eacute;&#233;&#x20AC;&#150;&unknown; &hellip;</p><br>x<br><br>y\
             <script>alert('</p>')</script ><!-- no -->\
             <ul><li>one</li><li>two</li></ul><table><tr><td>1</td><td>2</td></tr></table>\
             <img src=x alt='(smile)'/></BODY></html>"
        ),
        "Hello world\na<b & c éé€–&unknown; …\n\nx\n\ny\none\ntwo\n1\t2\n(smile)"
    );
    assert_eq!(read("1 < 2 and 3 <4 <b"), "1 < 2 and 3 <4");
    assert_eq!(read("<pre>a\n  b</pre>c"), "a\n  b\nc");
    assert_eq!(read("a<script>b"), "a");
    assert_eq!(read("a<!-- b"), "a");
    assert_eq!(read("<a href=\"x>y</a> z"), "y z");
    assert_eq!(read("<a title=it's>y</a>"), "y");
    // Entities that a document defines are never expanded, and one is no beginning of another.
    assert_eq!(
        read("<!DOCTYPE x [<!ENTITY a \"b\">]>&a;&amp;lt;&#0;&#99999999999;&#;"),
        "]>&a;&lt;\u{FFFD}\u{FFFD}&#;"
    );
}

#[test]
fn html_is_bounded() {
    for piece in ["<a href=\"", "&amp;", "<!", "<script", "</", "<img alt=", "<pre>\n", "&#38;"] {
        let text = html_to_text(&piece.repeat(200_000));
        assert!(text.text.len() <= MAX_TEXT, "{piece}");
    }
    let long = html_to_text(&"é ".repeat(MAX_TEXT));
    assert!(long.truncated && long.text.len() <= MAX_TEXT && long.text.len() > MAX_TEXT - 4);
}

#[test]
fn rtf() {
    let read = |rtf: &[u8]| rtf_to_text(rtf);
    let (text, issues) = read(
        b"{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fnil Segoe UI;}}\r\n{\\colortbl ;\\red0\\green0\\blue0;}\
          {\\*\\generator x;}{\\info{\\author me}}\\uc1\\pard\\cf1\\f0\\fs20 Hello \\b world\\b0 \\{x\\}\\par\r\n\
          gr\\'fc\\'dfe \\u8364?\\u-10179?\\u-8704?\\tab\\bin3 }}}{\\field{\\*\\fldinst HYPERLINK}{\\fldrslt link}}\\par}\r\n\0",
    );
    assert_eq!(issues, []);
    assert_eq!(text.text, "Hello world{x}\ngrüße €😀\tlink");
    assert_eq!(codes(&read(b"{\\rtf1 a{b").1), ["rtf-unclosed"]);
    assert_eq!(codes(&read(b"plain").1), ["rtf-no-begin"]);
    let all = im(b"{\\rtf1 a}", "text/plain");
    assert_eq!((all.text().as_deref(), &all.issues[..]), (Some("a"), &[][..]));
}

#[test]
fn rtf_is_bounded() {
    let mut bomb = b"{\\rtf1 in".to_vec();
    bomb.extend(b"{".repeat(1_000_000));
    bomb.extend(b"deep");
    bomb.extend(b"}".repeat(1_000_000));
    bomb.extend(b" out}");
    let (text, issues) = rtf_to_text(&bomb);
    assert_eq!((text.text.as_str(), codes(&issues)), ("in out", vec!["rtf-too-deep"]));
    let (text, _) = rtf_to_text(&b"{\\rtf1 \\par\\par\\par ".repeat(100_000));
    assert!(text.text.len() <= MAX_TEXT);
    assert_eq!(rtf_to_text(b"{\\rtf1\\bin99999999999999999999 x").0.text, "");
}

#[test]
fn alternatives() {
    let body = b"--b\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n--b\r\nContent-Type: text/plain\r\n\
Content-Transfer-Encoding: base64\r\n\r\neA==\r\n--b\r\nContent-Type: text/rtf\r\n\r\n{\\rtf1 x}\r\n--b--\r\n";
    let all = im(body, "multipart/alternative;boundary=b");
    assert_eq!((all.text().as_deref(), all.parts.len()), (Some("x"), 1));
    assert_eq!((all.parts[0].media_type.as_str(), all.passed_over.len()), ("text/plain", 2));
    let all = im(body, "multipart/mixed;boundary=b");
    assert_eq!(all.text().as_deref(), Some("x\nx\nx"));
    let all = im(body, "multipart/related;boundary=b");
    assert_eq!(all.parts.len(), 1);
    assert_eq!(all.parts[0].content, ImContent::Text { markup: Markup::Html, text: Text::of("x") });
    let all = im(b"BEGIN:VCALENDAR", "text/calendar");
    assert_eq!((all.text(), &all.parts[0].content), (None, &ImContent::Named));
}

#[test]
fn text_format() {
    // Laid out as Communications Server clients write it; the text is base64 of "Hi Bob".
    let v = b"text/plain; charset=UTF-8;msgr=WAA=;ms-body=SGkgQm9i";
    let (format, issues) = parse_text_format(v, 0..v.len());
    assert_eq!(issues, []);
    assert_eq!((format.media_type.as_str(), format.charset.as_deref()), ("text/plain", Some("UTF-8")));
    assert_eq!(format.msgr.as_deref(), Some("WAA="));
    let body = format.body.unwrap();
    assert_eq!(body.content, ImContent::Text { markup: Markup::Plain, text: Text::of("Hi Bob") });
    let v = b"text/plain; charset=UTF-8";
    assert_eq!(parse_text_format(v, 0..v.len()).0.body, None);
    let v = b"text/plain;ms-body=SGkg%";
    assert_eq!(codes(&parse_text_format(v, 0..v.len()).1), ["im-body-base64"]);
}

proptest! {
    #[test]
    fn any_bytes(body in proptest::collection::vec(any::<u8>(), 0..400), kind in 0..5usize) {
        let kinds = ["text/plain", "text/html;charset=utf-16", "text/rtf", "multipart/alternative;boundary=b", ""];
        let all = read_im(&body, 0..body.len(), kinds[kind].as_bytes());
        for issue in &all.issues {
            prop_assert!(issue.range.end <= body.len());
        }
        let _ = parse_text_format(&body, 0..body.len());
    }

    #[test]
    fn any_markup(pieces in proptest::collection::vec(0..24usize, 0..60)) {
        const PIECES: [&str; 24] = [
            "<", ">", "\"", "'", "=", "&", ";", "#", "x41", "amp", "<p>", "<pre>", "</pre>", "<!--", "-->", "<script>",
            "</script>", "{", "}", "\\u8364", "\\'e9", "\\*", "é", " \n",
        ];
        let text: String = pieces.iter().map(|&n| PIECES[n]).collect();
        let _ = html_to_text(&text);
        let _ = rtf_to_text(text.as_bytes());
    }
}

#[test]
fn typing() {
    // After the examples of RFC 3994.
    let body = br#"<?xml version="1.0" encoding="UTF-8"?>
<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><contenttype>text/plain</contenttype><refresh>90</refresh></isComposing>"#;
    let all = im(body, "application/im-iscomposing+xml");
    assert_eq!(all.text(), None);
    let ImContent::Typing(typing) = &all.parts[0].content else { panic!() };
    assert_eq!(typing.is_active(), Some(true));
    assert!(
        matches!(typing, Typing::IsComposing { refresh_s: Some(90), content_type: Some(t), .. } if t == "text/plain")
    );
    let all = im(b"<KeyboardActivity><status status=\"type\" /></KeyboardActivity>", "application/xml");
    let ImContent::Typing(typing) = &all.parts[0].content else { panic!() };
    assert_eq!(
        (typing, typing.is_active()),
        (&Typing::KeyboardActivity { status: Some("type".into()) }, None)
    );
    let all = im(b"<isComposing/>", "application/im-iscomposing+xml");
    assert_eq!(codes(&all.issues), ["composing-no-state"]);
    assert_eq!(im(b"<imdn/>", "application/ms-imdn+xml").parts[0].content, ImContent::Named);
}

#[test]
fn notices_and_cpim() {
    // RFC 3862 §4.2 and RFC 5438 §7.2.1.1, their examples.
    let cpim = b"From: MR SANDERS <im:piglet@100akerwood.com>\r\nTo: <im:depressed@100akerwood.com>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n\r\nContent-type: text/xml; charset=utf-8\r\nContent-ID: <1234567890@foo.com>\r\n\r\n<body>x</body>";
    let all = im(cpim, "Message/CPIM");
    assert_eq!(all.parts[0].media_type, "text/xml");
    assert_eq!(cpim_message_id(cpim, 0..cpim.len(), b"Message/CPIM").as_deref(), Some("34jk324j"));
    let hello = b"From: <im:a@x>\n\nContent-Type: text/plain\n\nHello";
    assert_eq!(im(hello, "message/cpim").text().as_deref(), Some("Hello"));
    assert_eq!(im(b"From: <im:a@x>", "message/cpim").text(), None);
    let imdn = b"From: <im:b@x>\r\n\r\nContent-type: message/imdn+xml\r\n\r\n<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>34jk324j</message-id><recipient-uri>im:bob@example.com</recipient-uri><delivery-notification><status><failed/></status></delivery-notification></imdn>";
    let notice = parse_imdn(imdn, 0..imdn.len(), b"message/cpim").unwrap();
    assert_eq!((notice.message_id.as_str(), notice.recipients.len()), ("34jk324j", 1));
    assert_eq!(notice.recipients[0].status, "failed");
    assert!(notice.recipients[0].is_failure());
    let imdn = b"<imdn><message-id>7</message-id><recipient uri=\"sip:b@x\"><status>200</status></recipient><recipient uri=\"sip:c@x\"><status>480</status></recipient><recipient uri=\"sip:d@x\"/></imdn>";
    let notice = parse_imdn(imdn, 0..imdn.len(), b"application/ms-imdn+xml").unwrap();
    assert_eq!(notice.recipients.iter().map(Recipient::is_failure).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(parse_imdn(b"<x/>", 0..4, b"application/ms-imdn+xml"), None);
    assert_eq!(parse_imdn(b"hi", 0..2, b"text/plain"), None);
}
