//! XML bodies as a tree that folds: every element, attribute and text with its bytes, and what its name means.

mod names;

use std::ops::Range;

use callscope_parsers::fields::secrets;
use callscope_parsers::xml::{Attribute, Content, Document, Element, parse_xml};

use super::{Node, secrets};
use crate::view::show;

/// Nodes made of one document; what follows is told as one line.
const NODES: usize = 50_000;
/// Columns of one value.
const VALUE: usize = 2_000;
/// Columns of the attributes told on the line of their element.
const BRIEF: usize = 120;

/// Is this media type one of XML?
pub fn is_xml(media_type: &str) -> bool {
    media_type.ends_with("+xml") || media_type.ends_with("/xml") || media_type.starts_with("text/xml")
}

/// The nodes of a document and its issues, ranges counting from its beginning; `None` where there is no element.
pub fn nodes(bytes: &[u8], show_secrets: bool) -> Option<(Vec<Node>, Vec<callscope_parsers::Issue>)> {
    let document = parse_xml(bytes);
    document.root()?;
    let secrets = if show_secrets { Vec::new() } else { secrets(&document) };
    let mut tree = Tree { document: &document, secrets, left: NODES };
    let mut roots = Vec::new();
    let mut behind = 0;
    for content in document.nodes() {
        if content.id().index() >= behind && tree.left > 0 {
            behind = content.end();
            roots.push(tree.node(content));
        }
    }
    if tree.left == 0 {
        roots.push(Node { value: "… more elements".to_owned(), ..Node::default() });
    }
    if document.cut {
        let end = bytes.len();
        let text = "the document ends before its elements do; what precedes is shown";
        roots.push(Node { issue: true, ..Node::new("Cut", text, end..end) });
    }
    // The cut is told by the node above.
    let mut issues = document.issues.clone();
    issues.retain(|i| i.code != "xml-cut");
    Some((roots, issues))
}

struct Tree<'d> {
    document: &'d Document<'d>,
    secrets: Vec<Range<usize>>,
    left: usize,
}

impl<'d> Tree<'d> {
    fn is_secret(&self, range: &Range<usize>) -> bool {
        let at = self.secrets.partition_point(|s| s.end <= range.start);
        self.secrets.get(at).is_some_and(|s| s.start < range.end)
    }

    fn value(&self, text: &str, range: &Range<usize>) -> String {
        if self.is_secret(range) {
            return secrets::REDACTED.to_owned();
        }
        show::shorten(&show::safe_str(text), VALUE)
    }

    /// Elements do not stand deeper in each other than the parser keeps ([`callscope_parsers::xml::MAX_DEPTH`]).
    fn node(&mut self, content: Content<'d>) -> Node {
        self.left = self.left.saturating_sub(1);
        match content {
            Content::Text(text) => {
                let range = text.range();
                Node::new("", self.value(text.text().trim(), &range), range)
            }
            Content::Element(element) => self.element(&element),
        }
    }

    fn element(&mut self, element: &Element<'d>) -> Node {
        let mut node =
            Node::new(format!("<{}>", show::safe_str(element.qualified_name())), "", element.range());
        let mut value = String::new();
        for attribute in element.attributes() {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let child = self.attribute(element, &attribute);
            if show::width(&value) < BRIEF {
                let shown = self.value(attribute.value(), &attribute.value_range());
                let text = format!("{}={shown}", show::safe_str(attribute.qualified_name()));
                value.push_str(if value.is_empty() { "" } else { "  " });
                value.push_str(&show::shorten(&text, 60));
            }
            node.children.push(child);
        }
        let value = &mut show::shorten(&value, BRIEF);
        let mut inside = element.content();
        let first = inside.next();
        if let (Some(Content::Text(text)), None) = (first, inside.next()) {
            let shown = self.value(text.text().trim(), &text.range());
            if !value.is_empty() {
                value.push_str("  ");
            }
            value.push_str(&shown);
            let meaning = names::value(element, text.text().trim());
            explain(value, meaning.or_else(|| names::element(element)));
            // The element's own bytes are those of its text and tags.
            if !node.children.is_empty() {
                node.children.push(Node::new("", shown, text.range()));
            }
        } else {
            explain(value, names::element(element));
            for content in element.content() {
                if self.left == 0 {
                    break;
                }
                node.children.push(self.node(content));
            }
        }
        if !element.is_closed() && self.document.cut {
            node.issue = true;
            value.push_str(if value.is_empty() { "(cut)" } else { "  (cut)" });
        }
        node.value = std::mem::take(value);
        node
    }

    fn attribute(&self, element: &Element<'d>, attribute: &Attribute<'d>) -> Node {
        let range = attribute.value_range();
        let mut value = self.value(attribute.value(), &range);
        explain(&mut value, names::attribute(element, attribute.name(), attribute.value()));
        Node::new(format!("@{}", show::safe_str(attribute.qualified_name())), value, range)
    }
}

fn explain(value: &mut String, meaning: Option<&'static str>) {
    if let Some(meaning) = meaning {
        value.push_str(if value.is_empty() { "" } else { "  " });
        value.push_str(&format!("({meaning})"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(bytes: &[u8], nodes: &[Node], depth: usize, out: &mut String) {
        for node in nodes {
            let range = node.range.clone().unwrap_or_default();
            assert!(bytes.get(range).is_some(), "{node:?}");
            let mark = if node.issue { " !" } else { "" };
            out.push_str(&format!("{}{}: {}{mark}\n", "  ".repeat(depth), node.label, node.value));
            print(bytes, &node.children, depth + 1, out);
        }
    }

    fn told(bytes: &[u8], show_secrets: bool) -> String {
        let (nodes, _) = nodes(bytes, show_secrets).expect("an element");
        let mut out = String::new();
        print(bytes, &nodes, 0, &mut out);
        out
    }

    const ROSTER: &str = "<?xml version=\"1.0\"?><conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:f\" state=\"partial\" version=\"5\">\
        <users state=\"partial\"><user entity=\"sip:amy@contoso.com\"><display-text>Amy &amp; Co</display-text>\
        <endpoint session-type=\"audio-video\"><status>connected</status><joining-method>dialed-out</joining-method></endpoint></user></users></conference-info>";

    #[test]
    fn names_are_explained() {
        insta::assert_snapshot!(told(ROSTER.as_bytes(), false));
    }

    #[test]
    fn what_precedes_a_cut_is_shown() {
        let cut = &ROSTER.as_bytes()[..ROSTER.len() - 120];
        let told = told(cut, false);
        assert!(told.contains("<display-text>: Amy & Co") && told.contains("(cut) !"), "{told}");
        assert!(told.contains("\nCut: "), "{told}");
    }

    #[test]
    fn secrets_and_utf16() {
        let document = "<request xmlns=\"urn:ietf:params:xml:ns:cccp\"><addUser passcode=\"4711\"><encryption-key>k1</encryption-key></addUser></request>";
        let wide: Vec<u8> =
            [0xfe, 0xff].into_iter().chain(document.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        for bytes in [document.as_bytes(), &wide] {
            let hidden = told(bytes, false);
            assert!(
                !hidden.contains("4711") && !hidden.contains("k1") && hidden.contains("<redacted>"),
                "{hidden}"
            );
            let shown = told(bytes, true);
            assert!(shown.contains("4711") && shown.contains("k1"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_document_has_no_nodes() {
        assert!(nodes(b"hello", false).is_none());
        assert!(is_xml("application/cccp+xml") && is_xml("text/xml+msrtc.pidf") && !is_xml("text/html"));
        let many = format!("<r>{}</r>", "<a/>".repeat(NODES + 10));
        assert!(told(many.as_bytes(), false).contains("… more elements"));
        let deep = "<a>".repeat(100_000);
        assert!(told(deep.as_bytes(), false).contains("(cut)"));
    }
}
