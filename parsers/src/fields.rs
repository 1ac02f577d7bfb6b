//! What of an XML document is not known by name, as name and text: shown as it is rather than dropped.

use std::ops::Range;

use crate::xml::{Content, Document, Element};

/// Name and text. The name is a path of local names below the element it was found in, `a/b`, or `a/b@attribute`.
pub type Field = (String, String);

/// Fields kept of one element.
pub const MAX_FIELDS: usize = 256;
/// Bytes kept of one value.
pub const MAX_VALUE: usize = 4 << 10;
/// Bytes kept of one path.
const MAX_PATH: usize = 512;

/// Is the value of this element, attribute or path one to keep to oneself: a password, passcode or key, or in one?
pub fn is_secret(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["password", "passcode", "encryption-key", "encryptionkey"].iter().any(|secret| path.contains(secret))
}

/// Where values of that kind stand in the bytes parsed, in their order.
pub fn secrets(document: &Document<'_>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    // All that lies before this node is inside of a secret element.
    let mut until = 0;
    for content in document.nodes() {
        let inside = content.id().index() < until;
        match content {
            Content::Element(element) => {
                if is_secret(element.name()) {
                    until = until.max(content.end());
                }
                let hidden = element.attributes().filter(|a| inside || is_secret(a.name()));
                out.extend(hidden.map(|a| a.value_range()).filter(|r| !r.is_empty()));
            }
            Content::Text(text) if inside => out.push(text.range()),
            Content::Text(_) => {}
        }
    }
    out
}

/// Text or attribute value of bounded length.
pub(crate) fn bounded(text: &str) -> String {
    cut(text, MAX_VALUE).to_owned()
}

fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Text of the first child of that name; `None` where it is not there.
pub(crate) fn child_text(element: &Element<'_>, name: &str) -> Option<String> {
    element.child_text(name).map(|t| bounded(&t))
}

/// Value of an attribute; `None` where it is not there.
pub(crate) fn attribute(element: &Element<'_>, name: &str) -> Option<String> {
    element.attribute(name).map(bounded)
}

/// First element anywhere inside of that name.
pub(crate) fn inside<'d>(element: &Element<'d>, name: &str) -> Option<Element<'d>> {
    element.descendants().find(|e| e.name() == name)
}

/// All texts and attributes below `element`, without the children named in `known`.
pub(crate) fn fields(element: &Element<'_>, known: &[&str]) -> Vec<Field> {
    let mut out = Vec::new();
    for child in element.children().filter(|c| !known.contains(&c.name())) {
        one(&child, child.name(), &mut out);
        // Paths of those that are inside each other, from the child down.
        let mut path: Vec<(usize, usize)> = Vec::new();
        let mut name = child.name().to_owned();
        for inner in child.descendants() {
            if out.len() >= MAX_FIELDS {
                return out;
            }
            while path.last().is_some_and(|(depth, _)| *depth >= inner.depth()) {
                let length = path.pop().map_or(0, |(_, length)| length);
                name.truncate(length);
            }
            path.push((inner.depth(), name.len()));
            if name.len() + inner.name().len() < MAX_PATH {
                name.push('/');
                name.push_str(inner.name());
            }
            one(&inner, &name, &mut out);
        }
    }
    out
}

/// The attributes of an element, without the ones named in `known`.
pub(crate) fn attributes(element: &Element<'_>, known: &[&str]) -> Vec<Field> {
    let all = element.attributes().filter(|a| !known.contains(&a.name()));
    all.take(MAX_FIELDS).map(|a| (a.name().to_owned(), bounded(a.value()))).collect()
}

fn one(element: &Element<'_>, path: &str, out: &mut Vec<Field>) {
    for attribute in element.attributes() {
        if out.len() < MAX_FIELDS {
            out.push((
                cut(&format!("{path}@{}", attribute.name()), MAX_PATH).to_owned(),
                bounded(attribute.value()),
            ));
        }
    }
    let text = element.text();
    // An empty element says something by being there.
    let says =
        !text.is_empty() || (element.children().next().is_none() && element.attributes().next().is_none());
    if says && out.len() < MAX_FIELDS {
        out.push((cut(path, MAX_PATH).to_owned(), bounded(&text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse_xml;

    #[test]
    fn paths() {
        let document = parse_xml(b"<r><k/><a x='1'><b><c y='2'/>t</b></a><d><e>f</e></d>own</r>");
        let all = fields(&document.root().unwrap(), &["d"]);
        let all: Vec<_> = all.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
        assert_eq!(all, [("k", ""), ("a@x", "1"), ("a/b", "t"), ("a/b/c@y", "2")]);
    }

    #[test]
    fn bounds() {
        let wide = format!("<r>{}</r>", "<a>x</a>".repeat(MAX_FIELDS + 10));
        let document = parse_xml(wide.as_bytes());
        assert_eq!(fields(&document.root().unwrap(), &[]).len(), MAX_FIELDS);
        let deep = format!("<r>{}", format!("<{}>", "é".repeat(200)).repeat(100));
        let document = parse_xml(deep.as_bytes());
        assert!(fields(&document.root().unwrap(), &[]).iter().all(|(name, _)| name.len() <= MAX_PATH));
        assert_eq!(bounded(&"é".repeat(MAX_VALUE)).len(), MAX_VALUE);
    }

    #[test]
    fn secret_places() {
        let body = b"<r><x passcode='123' y=''/><EncryptionKey a='q'>k1<i>k2</i></EncryptionKey><n>z</n></r>";
        let found: Vec<_> = secrets(&parse_xml(body)).into_iter().map(|r| &body[r]).collect();
        assert_eq!(found, [&b"123"[..], b"k1", b"k2"]);
        assert!(is_secret("a/conference-passcode@x") && !is_secret("mediaKeys"));
    }
}
