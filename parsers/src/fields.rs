//! What of an XML document is not known by name, as name and text: shown as it is rather than dropped.

use crate::xml::Element;

/// Name and text. The name is a path of local names below the element it was found in, `a/b`, or `a/b@attribute`.
pub type Field = (String, String);

/// Fields kept of one element.
pub const MAX_FIELDS: usize = 256;
/// Bytes kept of one value.
pub const MAX_VALUE: usize = 4 << 10;
/// Bytes kept of one path.
const MAX_PATH: usize = 512;

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
