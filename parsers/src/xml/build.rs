//! The tree, out of the events of the pull reader.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::Event;

use super::decode::{self, Map};
use super::*;

const XML: &str = "http://www.w3.org/XML/1998/namespace";

pub(super) fn parse(bytes: &[u8]) -> Document<'_> {
    let mut issues = Vec::new();
    let read = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let (text, map, encoding) = decode::decode(read, &mut issues);
    let mut builder = Builder::new(&text, &map, issues);
    builder.run();
    if read.len() < bytes.len() {
        builder.issue(
            "xml-too-long",
            text.len()..text.len(),
            "The document is longer than what is read of it",
        );
        builder.cut = true;
    }
    let Builder { nodes, attributes, namespaces, issues, cut, .. } = builder;
    Document { text, map, encoding, nodes, attributes, namespaces, issues, cut }
}

/// A namespace declaration in scope.
struct Binding {
    /// Empty for the default namespace.
    prefix: Range<usize>,
    namespace: Option<u16>,
    /// Elements open where it was made, its own included.
    depth: usize,
}

/// Text gathered since the last tag.
#[derive(Default)]
struct Run {
    range: Option<Range<usize>>,
    /// Where it is not what stands in the document.
    changed: Option<String>,
}

struct Builder<'t> {
    text: &'t str,
    map: &'t Map,
    nodes: Vec<Node>,
    attributes: Vec<AttributeData>,
    namespaces: Vec<Box<str>>,
    issues: Vec<Issue>,
    cut: bool,
    open: Vec<NodeId>,
    /// Elements open beyond the deepest that are kept.
    too_deep: usize,
    bindings: Vec<Binding>,
    run: Run,
    /// Is there no more room?
    full: bool,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str, map: &'t Map, issues: Vec<Issue>) -> Self {
        Self {
            text,
            map,
            nodes: Vec::new(),
            attributes: Vec::new(),
            namespaces: Vec::new(),
            issues,
            cut: false,
            open: Vec::new(),
            too_deep: 0,
            bindings: Vec::new(),
            run: Run::default(),
            full: false,
        }
    }

    /// `range` is of the text.
    fn issue(&mut self, code: &'static str, range: Range<usize>, text: impl Into<Cow<'static, str>>) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue::new(code, self.map.original(self.text, range), text));
        }
    }

    fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    fn run(&mut self) {
        let mut reader = Reader::from_str(self.text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        loop {
            let start = position(reader.buffer_position(), self.text);
            let event = reader.read_event();
            let range = start..position(reader.buffer_position(), self.text).max(start);
            match event {
                Ok(Event::Start(_)) => self.start(range, false),
                Ok(Event::Empty(_)) => self.start(range, true),
                Ok(Event::End(end)) => self.end(range, end.name().as_ref()),
                Ok(Event::Text(_)) => {
                    let raw = self.slice(range.clone());
                    self.add_text(range, raw);
                }
                Ok(Event::CData(data)) => self.add_text(range, &data),
                Ok(Event::GeneralRef(reference)) => self.reference(range, &reference),
                Ok(Event::DocType(_)) => {
                    self.issue("xml-doctype", range, "A document type is declared; it is not read");
                }
                Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {}
                Ok(Event::Eof) => break,
                Err(error) => {
                    self.broken(start, &error);
                    break;
                }
            }
            if self.full {
                self.issue(
                    "xml-too-many-nodes",
                    self.text.len()..self.text.len(),
                    "The document has more elements than are kept",
                );
                break;
            }
        }
        self.finish();
    }

    /// The reader gives up: what does not end here is cut.
    fn broken(&mut self, start: usize, error: &Error) {
        let rest = start..self.text.len();
        if matches!(error, Error::Syntax(SyntaxError::InvalidBangMarkup))
            && !cut_bang(self.slice(rest.clone()))
        {
            self.issue("xml-syntax", rest, "The markup is none");
            return;
        }
        self.cut = true;
        // The name and the attributes of a cut start tag are still worth something.
        let begins = self.slice(rest.clone()).strip_prefix('<').and_then(|r| r.chars().next());
        if begins.is_some_and(|c| c.is_alphabetic() || c == '_') {
            self.start(rest, false);
        } else if self.slice(rest.clone()).starts_with("<![CDATA[") {
            let text = self.slice(start + 9..self.text.len());
            self.add_text(rest, text);
        }
    }

    fn finish(&mut self) {
        self.flush();
        let end = self.text.len();
        if !self.open.is_empty() && !self.full {
            self.cut = true;
        }
        if self.cut {
            self.issue("xml-cut", end..end, "The document ends before its elements do");
        } else if self.nodes.is_empty() && !self.full {
            self.issue("xml-no-element", 0..end, "There is no element");
        }
        self.cut |= self.full;
        while let Some(id) = self.open.pop() {
            self.close(id, end, false);
        }
    }

    fn close(&mut self, id: NodeId, end: usize, properly: bool) {
        let count = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.end = count;
            node.range.end = end as u32;
            if let NodeKind::Element(data) = &mut node.kind {
                data.closed = properly;
            }
        }
        let depth = self.open.len();
        while self.bindings.last().is_some_and(|b| b.depth > depth) {
            self.bindings.pop();
        }
    }

    fn push(&mut self, kind: NodeKind, range: &Range<usize>) -> Option<NodeId> {
        if self.nodes.len() >= MAX_NODES {
            self.full = true;
            return None;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node {
            kind,
            range: narrow(range),
            parent: self.open.last().copied(),
            end: id.0 + 1,
            depth: self.open.len() as u16,
        });
        Some(id)
    }

    fn start(&mut self, range: Range<usize>, empty: bool) {
        self.flush();
        if self.too_deep > 0 || self.open.len() >= MAX_DEPTH {
            if self.too_deep == 0 {
                self.issue("xml-too-deep", range, "Elements stand deeper in others than is kept");
            }
            self.too_deep += usize::from(!empty);
            return;
        }
        let inner = self.slice(range.clone());
        let inner = inner.strip_prefix('<').unwrap_or(inner);
        let inner = inner.strip_suffix('>').unwrap_or(inner);
        let inner = if empty { inner.strip_suffix('/').unwrap_or(inner) } else { inner };
        let from = range.start + 1;
        let name_len = inner.find(is_space).unwrap_or(inner.len());
        let first_attribute = self.attributes.len();
        let depth = self.open.len() + 1;
        let raw = self.scan_attributes(from + name_len..from + inner.len(), depth);
        let name = self.name(from..from + name_len, true);
        if name_len == 0 {
            self.issue("xml-name", range.clone(), "An element has no name");
        }
        for attribute in raw {
            self.attribute(attribute, first_attribute);
        }
        let attributes = first_attribute as u32..self.attributes.len() as u32;
        let kind = NodeKind::Element(ElementData { name, tag: narrow(&range), attributes, closed: empty });
        let Some(id) = self.push(kind, &range) else {
            return;
        };
        if empty {
            self.close(id, range.end, true);
        } else {
            self.open.push(id);
        }
    }

    fn end(&mut self, range: Range<usize>, name: &str) {
        self.flush();
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let same = |id: &NodeId| match self.nodes.get(id.0 as usize).map(|n| &n.kind) {
            Some(NodeKind::Element(data)) => self.slice(wide(&data.name.whole)) == name,
            _ => false,
        };
        let Some(at) = self.open.iter().rposition(same) else {
            self.issue("xml-end-tag", range, "An end tag ends no open element");
            return;
        };
        if at + 1 < self.open.len() {
            self.issue("xml-end-tag", range.clone(), "An element ends before those in it do");
        }
        while self.open.len() > at {
            let properly = self.open.len() == at + 1;
            let Some(id) = self.open.pop() else {
                break;
            };
            self.close(id, if properly { range.end } else { range.start }, properly);
        }
    }

    /// (name, value) of every attribute that is no namespace declaration; declarations come into scope.
    fn scan_attributes(&mut self, range: Range<usize>, depth: usize) -> Vec<(Range<usize>, Range<usize>)> {
        let mut found = Vec::new();
        let mut rest = Scan { text: self.text, at: range.start, end: range.end };
        while let Some((name, value, odd)) = rest.next_attribute() {
            if odd {
                self.issue("xml-attribute", name.start..value.end, "An attribute has no quoted value");
            }
            let written = self.slice(name.clone());
            if written == "xmlns" {
                self.declare(name.start..name.start, value, depth);
            } else if written.starts_with("xmlns:") {
                self.declare(name.start + 6..name.end, value, depth);
            } else if found.len() < MAX_ATTRIBUTES {
                found.push((name, value));
            } else {
                self.issue("xml-too-many-attributes", name, "The element has more attributes than are kept");
                break;
            }
        }
        found
    }

    fn declare(&mut self, prefix: Range<usize>, value: Range<usize>, depth: usize) {
        let raw = self.slice(value.clone());
        let uri = self.unescape(value.start, raw).map_or(Cow::Borrowed(raw), |u| Cow::Owned(u.into()));
        let uri = uri.trim();
        let known = self.namespaces.iter().position(|n| **n == *uri);
        let namespace = match known {
            _ if uri.is_empty() => None,
            Some(at) => Some(at as u16),
            None if self.namespaces.len() < MAX_NAMESPACES => {
                self.namespaces.push(uri.into());
                Some((self.namespaces.len() - 1) as u16)
            }
            None => {
                self.issue("xml-too-many-namespaces", value, "More namespaces than are kept");
                None
            }
        };
        if self.bindings.len() < MAX_NAMESPACES {
            self.bindings.push(Binding { prefix, namespace, depth });
        } else {
            self.issue("xml-too-many-namespaces", prefix, "More namespaces are declared than are kept");
        }
    }

    fn attribute(&mut self, (name, value): (Range<usize>, Range<usize>), first: usize) {
        if self.attributes.len() >= MAX_ALL_ATTRIBUTES {
            self.issue("xml-too-many-attributes", name, "The document has more attributes than are kept");
            return;
        }
        let unescaped = self.unescape(value.start, self.slice(value.clone()));
        let twice = {
            let written = self.slice(name.clone());
            let before = self.attributes.get(first..).unwrap_or_default();
            // As many as the caps allow would make this quadratic.
            before.len() < 32 && before.iter().any(|a| self.slice(wide(&a.name.whole)) == written)
        };
        if twice {
            self.issue("xml-attribute-twice", name.clone(), "An attribute stands twice in its element");
        }
        let name = self.name(name, false);
        self.attributes.push(AttributeData { name, value: narrow(&value), unescaped });
    }

    fn name(&mut self, whole: Range<usize>, element: bool) -> Name {
        let written = self.slice(whole.clone());
        let prefix = written.find(':').map_or("", |at| written.get(..at).unwrap_or_default());
        // Empty texts are told by their length: comparing them as texts is slow where a processor masks the load.
        let is_bound = |b: &&Binding| match prefix {
            "" => b.prefix.is_empty(),
            _ => self.slice(b.prefix.clone()) == prefix,
        };
        let bound = self.bindings.iter().rev().find(is_bound);
        let namespace = match bound {
            _ if prefix.is_empty() && !element => None,
            Some(binding) => binding.namespace,
            None if prefix.is_empty() => None,
            None if prefix == "xml" => self.xml_namespace(),
            None => {
                self.issue("xml-unbound-prefix", whole.clone(), "A prefix is bound to no namespace");
                None
            }
        };
        let prefix = if written.contains(':') { prefix.len() as u32 + 1 } else { 0 };
        Name { whole: narrow(&whole), prefix, namespace }
    }

    /// Of the prefix that needs no declaration.
    fn xml_namespace(&mut self) -> Option<u16> {
        let known = self.namespaces.iter().position(|n| **n == *XML);
        if known.is_none() && self.namespaces.len() < MAX_NAMESPACES {
            self.namespaces.push(XML.into());
        }
        known.or_else(|| self.namespaces.iter().position(|n| **n == *XML)).map(|n| n as u16)
    }

    fn add_text(&mut self, range: Range<usize>, text: &str) {
        let before = self.run.range.clone();
        let as_written = text.len() == range.len() && !text.contains('\r');
        let whole = before.clone().map_or(range.start, |r| r.start)..range.end;
        let contiguous = before.as_ref().is_none_or(|b| b.end == range.start);
        if self.run.changed.is_none() && (!as_written || !contiguous) {
            self.run.changed = Some(before.map_or(String::new(), |b| self.slice(b).to_owned()));
        }
        if let Some(changed) = &mut self.run.changed {
            // End of line handling (XML 1.0 §2.11).
            for (n, line) in text.split("\r\n").enumerate() {
                if n > 0 {
                    changed.push('\n');
                }
                changed.extend(line.chars().map(|c| if c == '\r' { '\n' } else { c }));
            }
        }
        self.run.range = Some(whole);
    }

    fn reference(&mut self, range: Range<usize>, name: &str) {
        match resolve(name) {
            Some(c) => {
                let before = self.run.range.clone();
                let start = before.clone().map_or(range.start, |r| r.start);
                let text = self.text;
                let changed = self
                    .run
                    .changed
                    .get_or_insert_with(|| before.and_then(|b| text.get(b)).unwrap_or_default().to_owned());
                changed.push(c);
                self.run.range = Some(start..range.end);
            }
            None => {
                self.issue("xml-entity", range.clone(), "An entity is referred to; it is not expanded");
                let raw = self.slice(range.clone());
                self.add_text(range, raw);
            }
        }
    }

    fn flush(&mut self) {
        let Run { range: Some(range), changed } = std::mem::take(&mut self.run) else {
            return;
        };
        let blank = match &changed {
            Some(text) => text.trim().is_empty(),
            None => self.slice(range.clone()).trim().is_empty(),
        };
        if blank {
            return;
        }
        if self.open.is_empty() {
            self.issue("xml-stray-text", range, "Text stands outside of any element");
            return;
        }
        if self.too_deep == 0 {
            self.push(NodeKind::Text(changed.map(String::into_boxed_str)), &range);
        }
    }

    /// References of an attribute value undone; `None` where there are none.
    fn unescape(&mut self, start: usize, raw: &str) -> Option<Box<str>> {
        raw.contains('&').then(|| {
            let mut out = String::with_capacity(raw.len());
            let mut rest = raw;
            while let Some(at) = rest.find('&') {
                let (before, from) = rest.split_at(at);
                out.push_str(before);
                let end = from.find(';').unwrap_or(from.len());
                let resolved = from.get(1..end).and_then(resolve);
                match resolved {
                    Some(c) if end < from.len() => {
                        out.push(c);
                        rest = from.get(end + 1..).unwrap_or_default();
                    }
                    _ => {
                        let at = start + raw.len() - from.len();
                        self.issue("xml-entity", at..at + 1, "An entity is referred to; it is not expanded");
                        out.push('&');
                        rest = from.get(1..).unwrap_or_default();
                    }
                }
            }
            out.push_str(rest);
            out.into_boxed_str()
        })
    }
}

/// Walks the attributes of a tag.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_space).len();
    }

    /// Name, value without quotes, and whether the quotes or the value are missing.
    fn next_attribute(&mut self) -> Option<(Range<usize>, Range<usize>, bool)> {
        self.skip_space();
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        // A lone `=` makes an attribute without a name, so that the walk goes on.
        let length = rest.find(|c| is_space(c) || c == '=').unwrap_or(rest.len());
        let name = self.at..self.at + length;
        self.at = name.end;
        self.skip_space();
        if !self.rest().starts_with('=') {
            return Some((name.clone(), name.end..name.end, true));
        }
        self.at += 1;
        self.skip_space();
        let rest = self.rest();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (skip, length, after, odd) = match quote {
            Some(quote) => match rest.get(1..).unwrap_or_default().find(quote) {
                Some(length) => (1, length, 1, false),
                None => (1, rest.len() - 1, 0, true),
            },
            None => (0, rest.find(is_space).unwrap_or(rest.len()), 0, true),
        };
        let value = self.at + skip..self.at + skip + length;
        self.at = value.end + after;
        Some((name, value, odd))
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The five entities of XML and character references.
fn resolve(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix('x') {
                Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    u32::from_str_radix(hex, 16).ok()?
                }
                None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
                _ => return None,
            };
            // No character of XML (§2.2).
            char::from_u32(number).filter(|&c| c != '\0')?
        }
    })
}

/// Is this a comment, CDATA section or document type that is cut before one can see which?
fn cut_bang(rest: &str) -> bool {
    ["<!--", "<![CDATA[", "<!DOCTYPE"].iter().any(|full| full.starts_with(rest))
}

fn narrow(range: &Range<usize>) -> Range<u32> {
    // The text is at most three times as long as MAX_BYTES.
    range.start as u32..range.end as u32
}

fn position(at: u64, text: &str) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX).min(text.len())
}
