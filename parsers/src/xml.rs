//! XML 1.0 (fifth edition) with namespaces, as message bodies carry it: a flat tree that knows where everything stands.
//!
//! ```text
//! <b:root xmlns:b="urn:x">text<child a="1"/></b:root>
//! 0 root {urn:x} ─ 1 "text"
//!                └ 2 child a=1
//! ```
//!
//! Nodes lie in document order, each knowing where its descendants end, so nothing here recurses and nobody who walks
//! the tree has to. Names are compared by namespace URI and local name; prefixes are only for show.
//!
//! A document type is never read and no entity is ever expanded but the five of XML and character references: others
//! stay as written, with an issue. Accepted beyond the letter: a document that is cut (what precedes the cut is there, the
//! open elements are marked), end tags that do not match, attributes without quotes or twice, unbound prefixes, several
//! roots, bytes that are no text. UTF-8, UTF-16 with or without byte order mark, ISO-8859-1 and Windows-1252 are read.

use std::borrow::Cow;
use std::ops::Range;

use crate::Issue;

mod build;
mod decode;
#[cfg(test)]
mod tests;

pub use decode::Encoding;

/// Bytes of a document that are read.
pub const MAX_BYTES: usize = 16 << 20;
/// Elements and texts kept of a document.
pub const MAX_NODES: usize = 1 << 17;
/// Elements open at once; what lies deeper is passed over.
pub const MAX_DEPTH: usize = 256;
/// Attributes kept of one element.
pub const MAX_ATTRIBUTES: usize = 256;
/// Attributes kept of a document.
pub const MAX_ALL_ATTRIBUTES: usize = 1 << 17;
/// Namespace declarations in scope at once, and different namespaces of a document.
pub const MAX_NAMESPACES: usize = 64;
/// Issues kept of a document.
const MAX_ISSUES: usize = 32;

/// A document, or what can be read of it.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: Cow<'a, str>,
    map: decode::Map,
    pub encoding: Encoding,
    nodes: Vec<Node>,
    attributes: Vec<AttributeData>,
    namespaces: Vec<Box<str>>,
    /// Ranges are of the bytes parsed.
    pub issues: Vec<Issue>,
    /// Does the document end before its root does?
    pub cut: bool,
}

/// Index of a node in document order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

#[derive(Debug, Clone)]
struct Node {
    kind: NodeKind,
    /// In the decoded text: of an element from `<` of its start to `>` of its end.
    range: Range<u32>,
    parent: Option<NodeId>,
    /// The node behind the last descendant.
    end: u32,
    depth: u16,
}

#[derive(Debug, Clone)]
enum NodeKind {
    Element(ElementData),
    /// `None` where the text is what stands in the document.
    Text(Option<Box<str>>),
}

#[derive(Debug, Clone)]
struct ElementData {
    name: Name,
    /// Of the start tag.
    tag: Range<u32>,
    attributes: Range<u32>,
    closed: bool,
}

/// Where prefix and local name stand in the decoded text.
#[derive(Debug, Clone)]
struct Name {
    whole: Range<u32>,
    /// Bytes of the prefix with its colon.
    prefix: u32,
    namespace: Option<u16>,
}

#[derive(Debug, Clone)]
struct AttributeData {
    name: Name,
    value: Range<u32>,
    /// `None` where the value is what stands in the document.
    unescaped: Option<Box<str>>,
}

/// An element of a [`Document`].
#[derive(Debug, Clone, Copy)]
pub struct Element<'d> {
    document: &'d Document<'d>,
    id: NodeId,
}

/// A run of text of a [`Document`], with CDATA and references undone. White space between elements is none.
#[derive(Debug, Clone, Copy)]
pub struct Text<'d> {
    document: &'d Document<'d>,
    id: NodeId,
}

/// What stands inside an element.
#[derive(Debug, Clone, Copy)]
pub enum Content<'d> {
    Element(Element<'d>),
    Text(Text<'d>),
}

/// An attribute; namespace declarations are none.
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'d> {
    document: &'d Document<'d>,
    data: &'d AttributeData,
}

/// Does this body begin as XML does: `<` and a name, `?` or `!`, behind white space and a byte order mark?
pub fn looks_like_xml(body: &[u8]) -> bool {
    decode::begins_as_xml(body)
}

/// Reads a document. Never fails: what is no XML gives an issue and no root.
pub fn parse_xml(bytes: &[u8]) -> Document<'_> {
    build::parse(bytes)
}

fn wide(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

impl Document<'_> {
    /// The document in UTF-8, without byte order mark.
    pub fn source(&self) -> &str {
        &self.text
    }

    /// First element outside of any other.
    pub fn root(&self) -> Option<Element<'_>> {
        self.content(NodeId(0), self.node_count()).find_map(Content::element)
    }

    /// Every node in document order, for a view that folds: [`Content::depth`] and [`Content::end`] say how.
    pub fn nodes(&self) -> impl Iterator<Item = Content<'_>> {
        (0..self.node_count()).filter_map(|id| self.at(NodeId(id)))
    }

    /// Every element in document order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        self.nodes().filter_map(Content::element)
    }

    /// A node by its index.
    pub fn at(&self, id: NodeId) -> Option<Content<'_>> {
        Some(match self.node(id)?.kind {
            NodeKind::Element(_) => Content::Element(Element { document: self, id }),
            NodeKind::Text(_) => Content::Text(Text { document: self, id }),
        })
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    fn node_count(&self) -> u32 {
        self.nodes.len() as u32
    }

    fn content(&self, from: NodeId, end: u32) -> impl Iterator<Item = Content<'_>> {
        let mut next = from.0;
        std::iter::from_fn(move || {
            let id = NodeId(next);
            let node = (next < end).then(|| self.node(id))??;
            next = node.end.max(next + 1);
            self.at(id)
        })
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        self.text.get(wide(range)).unwrap_or_default()
    }

    fn original(&self, range: &Range<u32>) -> Range<usize> {
        self.map.original(&self.text, wide(range))
    }

    fn local(&self, name: &Name) -> &str {
        self.slice(&(name.whole.start + name.prefix..name.whole.end))
    }

    fn uri(&self, name: &Name) -> Option<&str> {
        self.namespaces.get(usize::from(name.namespace?)).map(|n| &**n)
    }
}

impl NodeId {
    /// Place in document order, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl<'d> Content<'d> {
    pub fn element(self) -> Option<Element<'d>> {
        match self {
            Self::Element(element) => Some(element),
            Self::Text(_) => None,
        }
    }

    pub fn text(self) -> Option<Text<'d>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Element(_) => None,
        }
    }

    pub fn id(self) -> NodeId {
        match self {
            Self::Element(element) => element.id,
            Self::Text(text) => text.id,
        }
    }

    fn node(self) -> Option<&'d Node> {
        match self {
            Self::Element(element) => element.document.node(element.id),
            Self::Text(text) => text.document.node(text.id),
        }
    }

    /// Elements around it.
    pub fn depth(self) -> usize {
        self.node().map_or(0, |n| usize::from(n.depth))
    }

    /// Index of the node behind the last one inside it.
    pub fn end(self) -> usize {
        self.node().map_or(0, |n| n.end as usize)
    }

    /// In the bytes parsed.
    pub fn range(self) -> Range<usize> {
        match self {
            Self::Element(element) => element.range(),
            Self::Text(text) => text.range(),
        }
    }
}

impl<'d> Element<'d> {
    fn node(&self) -> Option<&'d Node> {
        self.document.node(self.id)
    }

    fn data(&self) -> Option<&'d ElementData> {
        match &self.node()?.kind {
            NodeKind::Element(data) => Some(data),
            NodeKind::Text(_) => None,
        }
    }

    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Local name: without prefix.
    pub fn name(&self) -> &'d str {
        self.data().map_or("", |d| self.document.local(&d.name))
    }

    /// As written, with its prefix.
    pub fn qualified_name(&self) -> &'d str {
        self.data().map_or("", |d| self.document.slice(&d.name.whole))
    }

    /// URI of its namespace; `None` without one or where the prefix is unbound.
    pub fn namespace(&self) -> Option<&'d str> {
        self.document.uri(&self.data()?.name)
    }

    /// Is it this name of this namespace?
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.name() == name && self.namespace() == Some(namespace)
    }

    /// From `<` of its start tag to behind `>` of its end tag, in the bytes parsed.
    pub fn range(&self) -> Range<usize> {
        self.node().map_or(0..0, |n| self.document.original(&n.range))
    }

    /// The start tag, in the bytes parsed.
    pub fn tag_range(&self) -> Range<usize> {
        self.data().map_or(0..0, |d| self.document.original(&d.tag))
    }

    /// Was its end there?
    pub fn is_closed(&self) -> bool {
        self.data().is_some_and(|d| d.closed)
    }

    /// The element as it stands in the document, in UTF-8.
    pub fn source(&self) -> &'d str {
        self.node().map_or("", |n| self.document.slice(&n.range))
    }

    pub fn parent(&self) -> Option<Element<'d>> {
        Some(Element { document: self.document, id: self.node()?.parent? })
    }

    /// Elements around it.
    pub fn depth(&self) -> usize {
        Content::Element(*self).depth()
    }

    /// Elements and texts in it, in order.
    pub fn content(&self) -> impl Iterator<Item = Content<'d>> + use<'d> {
        let end = self.node().map_or(0, |n| n.end);
        self.document.content(NodeId(self.id.0.saturating_add(1)), end)
    }

    /// Elements directly in it.
    pub fn children(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        self.content().filter_map(Content::element)
    }

    /// Elements anywhere in it, in document order.
    pub fn descendants(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        let document = self.document;
        let end = self.node().map_or(0, |n| n.end);
        (self.id.0.saturating_add(1)..end).filter_map(move |id| document.at(NodeId(id))?.element())
    }

    /// First element directly in it of this local name, whatever its namespace.
    pub fn child(&self, name: &str) -> Option<Element<'d>> {
        self.children().find(|c| c.name() == name)
    }

    /// Text directly in it, trimmed.
    pub fn text(&self) -> Cow<'d, str> {
        let mut texts = self.content().filter_map(Content::text);
        let Some(first) = texts.next() else {
            return Cow::Borrowed("");
        };
        let Some(second) = texts.next() else {
            return Cow::Borrowed(first.text().trim());
        };
        let all: String = [first, second].into_iter().chain(texts).map(|t| t.text()).collect();
        Cow::Owned(all.trim().to_owned())
    }

    /// Text directly in the first child of this local name, trimmed.
    pub fn child_text(&self, name: &str) -> Option<Cow<'d, str>> {
        self.child(name).map(|c| c.text())
    }

    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'d>> + use<'d> {
        let document = self.document;
        let range = self.data().map_or(0..0, |d| wide(&d.attributes));
        let all = document.attributes.get(range).unwrap_or_default();
        all.iter().map(move |data| Attribute { document, data })
    }

    /// Value of the first attribute of this local name, whatever its namespace.
    pub fn attribute(&self, name: &str) -> Option<&'d str> {
        self.attributes().find(|a| a.name() == name).map(|a| a.value())
    }
}

impl<'d> Text<'d> {
    pub fn id(&self) -> NodeId {
        self.id
    }

    pub fn text(&self) -> &'d str {
        match self.document.node(self.id) {
            Some(Node { kind: NodeKind::Text(Some(text)), .. }) => text,
            Some(node) => self.document.slice(&node.range),
            None => "",
        }
    }

    /// In the bytes parsed.
    pub fn range(&self) -> Range<usize> {
        self.document.node(self.id).map_or(0..0, |n| self.document.original(&n.range))
    }
}

impl<'d> Attribute<'d> {
    /// Local name: without prefix.
    pub fn name(&self) -> &'d str {
        self.document.local(&self.data.name)
    }

    /// As written, with its prefix.
    pub fn qualified_name(&self) -> &'d str {
        self.document.slice(&self.data.name.whole)
    }

    /// URI of its namespace; attributes without prefix have none.
    pub fn namespace(&self) -> Option<&'d str> {
        self.document.uri(&self.data.name)
    }

    /// With its references undone.
    pub fn value(&self) -> &'d str {
        self.data.unescaped.as_deref().unwrap_or_else(|| self.document.slice(&self.data.value))
    }

    /// Of the value without its quotes, in the bytes parsed.
    pub fn value_range(&self) -> Range<usize> {
        self.document.original(&self.data.value)
    }
}
