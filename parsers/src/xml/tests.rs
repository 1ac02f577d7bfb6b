use super::*;
use proptest::prelude::*;

fn codes(document: &Document<'_>) -> Vec<&'static str> {
    document.issues.iter().map(|i| i.code).collect()
}

fn outline(document: &Document<'_>) -> Vec<String> {
    let line = |c: Content<'_>| {
        let what = match c {
            Content::Element(e) => {
                let attributes: Vec<_> =
                    e.attributes().map(|a| format!(" {}={}", a.qualified_name(), a.value())).collect();
                format!("{}{{{}}}{}", e.name(), e.namespace().unwrap_or_default(), attributes.concat())
            }
            Content::Text(t) => format!("{:?}", t.text()),
        };
        format!("{}{what}", "-".repeat(c.depth()))
    };
    document.nodes().map(line).collect()
}

const ROSTER: &str = "<?xml version=\"1.0\"?>\r\n<x:conference-info xmlns:x=\"urn:ci\" version='5'>\r\n \
    <users xmlns=\"urn:ci\" x:state=\"a &amp; b\">Am&#121; <![CDATA[<T>]]></users><x:empty/><!-- c --></x:conference-info>";

#[test]
fn names_go_by_namespace_and_references_are_undone() {
    let document = parse_xml(ROSTER.as_bytes());
    assert_eq!(codes(&document), [""; 0]);
    assert_eq!(
        outline(&document),
        [
            "conference-info{urn:ci} version=5",
            "-users{urn:ci} x:state=a & b",
            "--\"Amy <T>\"",
            "-empty{urn:ci}",
        ]
    );
    let root = document.root().unwrap();
    assert!(root.is("urn:ci", "conference-info") && root.is_closed() && !document.cut);
    assert_eq!(root.child_text("users").unwrap(), "Amy <T>");
    assert_eq!(root.child("users").unwrap().attribute("state"), Some("a & b"));
    assert_eq!(root.child("users").unwrap().attributes().next().unwrap().namespace(), Some("urn:ci"));
    assert_eq!(root.child("empty").unwrap().parent().unwrap().id(), root.id());
    assert_eq!(root.descendants().count(), 2);
}

#[test]
fn everything_knows_where_it_stands() {
    let bytes = [b"\xEF\xBB\xBF", ROSTER.as_bytes()].concat();
    let document = parse_xml(&bytes);
    let at = |range: Range<usize>| std::str::from_utf8(&bytes[range]).unwrap();
    let root = document.root().unwrap();
    assert_eq!(at(root.tag_range()), "<x:conference-info xmlns:x=\"urn:ci\" version='5'>");
    assert_eq!(at(root.range()), &ROSTER[23..]);
    let users = root.child("users").unwrap();
    assert_eq!(at(users.content().next().unwrap().range()), "Am&#121; <![CDATA[<T>]]>");
    assert_eq!(at(users.attributes().next().unwrap().value_range()), "a &amp; b");
    assert_eq!(at(root.child("empty").unwrap().range()), "<x:empty/>");
}

#[test]
fn utf16_latin1_and_windows_1252_are_read_and_point_back() {
    let text = format!("<a><b n=\"\u{1F600}\">{}</b><c/></a>", "é".repeat(3000));
    for (big, mark) in [(true, true), (false, true), (true, false), (false, false)] {
        let marked = if mark { format!("\u{FEFF}{text}") } else { text.clone() };
        let bytes: Vec<u8> =
            marked.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect();
        assert!(looks_like_xml(&bytes));
        let document = parse_xml(&bytes);
        assert_eq!(document.encoding, if big { Encoding::Utf16Be } else { Encoding::Utf16Le });
        assert_eq!(document.source(), text);
        let c = document.root().unwrap().child("c").unwrap();
        assert_eq!(c.range(), bytes.len() - 16..bytes.len() - 8);
        assert_eq!(document.root().unwrap().range().end, bytes.len());
    }
    let latin = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>\xE9\x80</a>";
    let document = parse_xml(latin);
    assert_eq!((document.encoding, &*document.root().unwrap().text()), (Encoding::Latin1, "é\u{80}"));
    assert_eq!(document.root().unwrap().range().end, latin.len());
    let windows = b"<?xml version='1.0' encoding='Windows-1252'?><a>\xE9\x80</a>";
    assert_eq!(parse_xml(windows).root().unwrap().text(), "é€");
    // A declaration in ASCII that names UTF-16 is wrong.
    let document = parse_xml(b"<?xml version='1.0' encoding='UTF-16'?><a>x</a>");
    assert_eq!((document.encoding, &*document.root().unwrap().text()), (Encoding::Utf8, "x"));
}

#[test]
fn entities_and_document_types_stay_as_written() {
    let bomb = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><l k=\"&b;&\">&b;&#x41;&#0; &nbsp</l>";
    let document = parse_xml(bomb.as_bytes());
    assert_eq!(outline(&document), ["l{} k=&b;&", "-\"&b;A&#0; &nbsp\""]);
    assert_eq!(codes(&document), ["xml-doctype", "xml-entity", "xml-entity", "xml-entity", "xml-entity"]);
}

#[test]
fn what_precedes_a_cut_is_there() {
    for (cut, expected) in [
        ("<a x='1'><b>te", &["a{} x=1", "-b{}", "--\"te\""][..]),
        ("<a x='1'><b y='2' z='3", &["a{} x=1", "-b{} y=2 z=3"]),
        ("<a><b/></a", &["a{}", "-b{}"]),
        ("<a>t<", &["a{}", "-\"t\""]),
        ("<a>t<![CD", &["a{}", "-\"t\""]),
        ("<a>t<![CDATA[u<v", &["a{}", "-\"tu<v\""]),
        ("<a>t<!-- u", &["a{}", "-\"t\""]),
    ] {
        let document = parse_xml(cut.as_bytes());
        assert_eq!(outline(&document), expected, "{cut}");
        assert!(document.cut, "{cut}");
        assert_eq!(codes(&document).last(), Some(&"xml-cut"), "{cut}");
        assert!(!document.root().unwrap().is_closed());
    }
}

#[test]
fn wrong_markup_is_told() {
    for (text, code, expected) in [
        ("<a><b></a>", "xml-end-tag", &["a{}", "-b{}"][..]),
        ("<a></b></a>", "xml-end-tag", &["a{}"]),
        ("<p:a/>", "xml-unbound-prefix", &["a{}"]),
        ("<a b c=d e=\"f\"/>", "xml-attribute", &["a{} b= c=d e=f"]),
        ("<a b=\"1\" b=\"2\"/>", "xml-attribute-twice", &["a{} b=1 b=2"]),
        ("<a/>tail", "xml-stray-text", &["a{}"]),
        ("", "xml-no-element", &[]),
        ("<a><!x></a>", "xml-syntax", &["a{}"]),
        ("<a>\u{1}</a>\u{FFFD}", "xml-stray-text", &["a{}", "-\"\\u{1}\""]),
    ] {
        let document = parse_xml(text.as_bytes());
        assert!(codes(&document).contains(&code), "{text} {:?}", document.issues);
        assert_eq!(outline(&document), expected, "{text}");
    }
    let document = parse_xml(b"<a>x\xFFy</a>");
    assert_eq!((codes(&document), &*document.root().unwrap().text()), (vec!["xml-encoding"], "x?y"));
}

#[test]
fn default_namespaces_switch_and_end() {
    let document = parse_xml(b"<a xmlns='u:1'><b xmlns='u:2'><c xmlns=''/></b><d xml:lang='x'/></a>");
    assert_eq!(outline(&document), ["a{u:1}", "-b{u:2}", "--c{}", "-d{u:1} xml:lang=x"]);
    let lang = document.elements().last().unwrap().attributes().next().unwrap();
    assert_eq!(lang.namespace(), Some("http://www.w3.org/XML/1998/namespace"));
}

#[test]
fn bombs_are_bounded() {
    let deep = parse_xml_of("<a>".repeat(100_000) + "x" + &"</a>".repeat(100_000));
    assert_eq!(deep, (MAX_DEPTH, vec!["xml-too-deep"], false));
    let many = parse_xml_of(format!("<a>{}</a>", "<b/>".repeat(MAX_NODES + 10)));
    assert_eq!(many, (MAX_NODES, vec!["xml-too-many-nodes"], true));
    let names: String = (0..1000).map(|n| format!(" xmlns:p{n}='u:{n}' a{n}=''")).collect();
    let (nodes, codes, cut) = parse_xml_of(format!("<a{names}/>"));
    assert_eq!((nodes, codes.len(), cut), (1, MAX_ISSUES, false));
}

fn parse_xml_of(text: String) -> (usize, Vec<&'static str>, bool) {
    let document = parse_xml(text.as_bytes());
    (document.nodes().count(), codes(&document), document.cut)
}

#[test]
fn xml_is_told_by_its_first_characters() {
    for yes in ["<a", " \r\n<?xml", "\u{FEFF}<!--", "<_x"] {
        assert!(looks_like_xml(yes.as_bytes()), "{yes}");
    }
    for no in ["", "<", "x<a>", "< a", "<<", "v=0"] {
        assert!(!looks_like_xml(no.as_bytes()), "{no}");
    }
}

const PIECES: &[&str] = &[
    "<a",
    "<p:b",
    ">",
    "/>",
    "</a>",
    "</p:b>",
    " x='1'",
    " xmlns:p=\"u\"",
    " xmlns='v'",
    "&amp;",
    "&#65;",
    "&e;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?pi",
    "?>",
    "<!DOCTYPE a [",
    "text",
    "é",
    "'",
    "\"",
    "=",
    " ",
    "\r\n",
];

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        crate::fuzzing::xml(&bytes);
    }

    #[test]
    fn any_markup(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40), wide in 0u8..3) {
        let text = pieces.concat();
        let bytes: Vec<u8> = match wide {
            0 => text.into_bytes(),
            1 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
        };
        crate::fuzzing::xml(&bytes);
    }
}
