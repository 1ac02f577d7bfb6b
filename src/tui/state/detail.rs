//! A message or frame in a pane or over the whole screen: its tree, its text, its bytes.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Cursor, Subject};
use crate::tui::desk::Detail;
use crate::view::detail::{Buffer, Node};

/// Tabs of the side pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PaneTab {
    #[default]
    Decoded,
    Raw,
    Sdp,
    Candidates,
    Hex,
}

impl PaneTab {
    pub const ALL: [Self; 5] = [Self::Decoded, Self::Raw, Self::Sdp, Self::Candidates, Self::Hex];

    /// As it stands on the head of a pane so wide.
    pub fn name(self, width: u16) -> &'static str {
        match self {
            Self::Decoded => "Decoded",
            Self::Raw => "Raw",
            Self::Sdp => "SDP",
            Self::Candidates if width < 46 => "ICE",
            Self::Candidates => "Candidates",
            Self::Hex => "Hex",
        }
    }

    /// Lines of text, without a tree or bytes.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Raw | Self::Sdp | Self::Candidates)
    }

    pub fn step(self, by: usize) -> Self {
        let i = Self::ALL.iter().position(|t| *t == self).unwrap_or(0);
        Self::ALL[(i + by) % Self::ALL.len()]
    }
}

/// A message or frame: its tree, text and bytes.
#[derive(Debug, Clone, Default)]
pub struct DetailState {
    pub subject: Option<Subject>,
    /// What was asked for last.
    pub asked: Option<Subject>,
    pub data: Option<Arc<Detail>>,
    pub tab: PaneTab,
    /// Which of the buffers.
    pub buffer: usize,
    /// Fields that are closed, by their path in the tree.
    pub closed: HashSet<Vec<usize>>,
    pub tree: Cursor,
    pub text: Cursor,
    /// The byte under the cursor of the Hex tab.
    pub byte: usize,
    pub hex: Cursor,
    /// Columns scrolled out to the left.
    pub left: usize,
}

/// A line of a tree that is open as far as `closed` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeLine<'a> {
    pub path: Vec<usize>,
    pub node: &'a Node,
    pub closed: bool,
}

/// The lines of a tree from top to bottom.
pub fn tree_lines<'a>(nodes: &'a [Node], closed: &HashSet<Vec<usize>>) -> Vec<TreeLine<'a>> {
    fn walk<'a>(
        nodes: &'a [Node],
        closed: &HashSet<Vec<usize>>,
        path: &mut Vec<usize>,
        out: &mut Vec<TreeLine<'a>>,
    ) {
        for (i, node) in nodes.iter().enumerate() {
            path.push(i);
            let shut = closed.contains(path);
            out.push(TreeLine { path: path.clone(), node, closed: shut });
            if !shut {
                walk(&node.children, closed, path, out);
            }
            path.pop();
        }
    }
    let mut out = Vec::new();
    walk(nodes, closed, &mut Vec::new(), &mut out);
    out
}

/// Path of the innermost field that holds a byte.
pub fn field_at(nodes: &[Node], byte: usize) -> Option<Vec<usize>> {
    let mut best: Option<(usize, Vec<usize>)> = None;
    fn walk(nodes: &[Node], byte: usize, path: &mut Vec<usize>, best: &mut Option<(usize, Vec<usize>)>) {
        for (i, node) in nodes.iter().enumerate() {
            path.push(i);
            if let Some(range) = &node.range
                && range.contains(&byte)
                && best.as_ref().is_none_or(|(len, _)| range.len() <= *len)
            {
                *best = Some((range.len(), path.clone()));
            }
            walk(&node.children, byte, path, best);
            path.pop();
        }
    }
    walk(nodes, byte, &mut Vec::new(), &mut best);
    best.map(|(_, path)| path)
}

/// The field at a path.
pub fn field<'a>(nodes: &'a [Node], path: &[usize]) -> Option<&'a Node> {
    let (first, rest) = path.split_first()?;
    let node = nodes.get(*first)?;
    if rest.is_empty() { Some(node) } else { field(&node.children, rest) }
}

impl DetailState {
    /// Another subject: its data is to be asked for, the tab stays.
    pub fn wanted(&mut self, subject: Option<Subject>) {
        if self.subject != subject {
            *self = Self { subject, data: self.data.take(), tab: self.tab, ..Self::default() };
        }
    }

    pub fn buffer(&self) -> Option<&Buffer> {
        self.data.as_ref()?.buffers.get(self.buffer)
    }

    pub fn lines(&self) -> &[String] {
        match (&self.data, self.tab) {
            (Some(data), PaneTab::Raw) => &data.raw,
            (Some(data), PaneTab::Sdp) => &data.sdp,
            (Some(data), PaneTab::Candidates) => &data.candidates,
            _ => &[],
        }
    }

    pub fn tree_lines(&self) -> Vec<TreeLine<'_>> {
        self.buffer().map(|b| tree_lines(&b.tree, &self.closed)).unwrap_or_default()
    }

    /// Bytes to be shown as belonging to the cursor.
    pub fn marked_bytes(&self) -> Option<std::ops::Range<usize>> {
        if self.tab == PaneTab::Hex {
            let buffer = self.buffer()?;
            let path = field_at(&buffer.tree, self.byte)?;
            return field(&buffer.tree, &path)?.range.clone();
        }
        self.tree_lines().get(self.tree.at)?.node.range.clone()
    }

    /// What a reader seldom needs is closed at first: the parts of headers and URIs, and of a frame the layers below
    /// the last two.
    pub fn close_at_first(&mut self) {
        let Some(buffer) = self.buffer() else { return };
        let mut closed: HashSet<Vec<usize>> = HashSet::new();
        if matches!(self.subject, Some(Subject::Frame(_))) {
            // What the frame carries is looked for, not how it was carried.
            closed.extend((0..buffer.tree.len().saturating_sub(1)).map(|i| vec![i]));
        }
        for line in tree_lines(&buffer.tree, &HashSet::new()) {
            let parent = field(&buffer.tree, &line.path[..line.path.len() - 1]);
            let header = parent.is_some_and(|p| p.label.starts_with("Headers"));
            if !line.node.children.is_empty() && (header || line.node.label.ends_with("URI")) {
                closed.insert(line.path);
            }
        }
        self.closed = closed;
    }
}
