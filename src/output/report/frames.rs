//! Frames and messages that something in the page leads to, and where they stand.

use std::collections::BTreeSet;
use std::io;

use super::Page;
use super::plan::Plan;
use crate::capture::FrameRef;
use crate::correlate::{Analysis, MsgIdx};
use crate::output::secrets;
use crate::view::detail::{self, Node};
use crate::view::show;

/// The frames that are decoded at the end of the page.
pub(super) struct Frames {
    wanted: BTreeSet<FrameRef>,
    most: usize,
    /// Asked for beyond those.
    left_out: BTreeSet<FrameRef>,
}

/// Nodes of one frame's tree.
const NODES: usize = 1_000;

fn frame_id(frame: FrameRef) -> String {
    format!("frame-{}-{}", frame.capture.0, frame.frame)
}

/// Of a message: by its frame and, of several in it, its number.
pub(super) fn message_id(analysis: &Analysis, m: MsgIdx) -> String {
    let frame = analysis.message(m).frame;
    let id = format!("message-{}-{}", frame.capture.0, frame.frame);
    match analysis.messages_in_frame(frame).iter().position(|other| *other == m) {
        None | Some(0) => id,
        Some(n) => format!("{id}-{}", n + 1),
    }
}

impl Frames {
    pub fn new(most: usize) -> Self {
        Self { wanted: BTreeSet::new(), most, left_out: BTreeSet::new() }
    }

    /// Where a frame is told, or the message in it.
    pub fn place(
        &mut self,
        analysis: &Analysis,
        plan: &Plan,
        frame: FrameRef,
        message: Option<MsgIdx>,
    ) -> Option<String> {
        let message = message.or_else(|| analysis.messages_in_frame(frame).first().copied());
        match message.filter(|m| plan.is_written(*m)) {
            Some(m) => Some(message_id(analysis, m)),
            None => self.want(frame),
        }
    }

    /// Where a frame will be decoded.
    fn want(&mut self, frame: FrameRef) -> Option<String> {
        // What begins at 0 is no frame of a capture.
        if frame.frame == 0 {
            return None;
        }
        if !self.wanted.contains(&frame) && self.wanted.len() >= self.most {
            if self.left_out.len() < self.most {
                self.left_out.insert(frame);
            }
            return None;
        }
        self.wanted.insert(frame);
        Some(frame_id(frame))
    }
}

impl Page<'_, '_> {
    /// Where a frame is told.
    pub(super) fn place_of_frame(&mut self, frame: FrameRef, message: Option<MsgIdx>) -> Option<String> {
        self.frames.place(self.analysis, &self.plan, frame, message)
    }

    /// The frames that something led to and that stand nowhere else, field by field.
    pub(super) fn decoded(&mut self) -> io::Result<()> {
        let wanted: Vec<FrameRef> = self.frames.wanted.iter().copied().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        self.html.open("section", &[("id", "frames")])?;
        self.html.leaf("h2", &[], &format!("Frames: {}", show::number(wanted.len() as u64)))?;
        self.paragraph(
            "What findings, tables and ladders lead to beside the messages above, field by field.",
        )?;
        for frame in wanted {
            self.decoded_frame(frame)?;
        }
        let left_out = self.frames.left_out.len();
        if left_out > 0 {
            let more = if left_out >= self.frames.most { "or more " } else { "" };
            let text = format!(
                "{} {more}further frames are named above and not decoded here (limit report_frames): \
                 callscope decode FILE --frame N shows one.",
                show::number(left_out as u64)
            );
            self.html.leaf("p", &[("class", "left-out")], &text)?;
        }
        self.html.close()
    }

    fn decoded_frame(&mut self, frame: FrameRef) -> io::Result<()> {
        self.html.open("details", &[("class", "frame")])?;
        let buffers = detail::frame_detail_with(self.analysis, frame, self.options.show_secrets);
        let name = detail::frame_name(self.analysis, frame);
        self.html.open("summary", &[])?;
        self.html.leaf("b", &[], &format!("Frame {name}"))?;
        if let Ok(buffers) = &buffers {
            let layers: Vec<&str> = buffers
                .first()
                .iter()
                .flat_map(|b| b.tree.iter().skip(1))
                .map(|n| n.label.as_str())
                .collect();
            self.html.text(&format!("  {}", layers.join(" · ")))?;
        }
        self.html.close()?;
        self.html.open("div", &[("class", "body"), ("id", &frame_id(frame))])?;
        let proves = self.plan.proved_by(frame).to_vec();
        self.proves(&proves)?;
        match buffers {
            _ if !self.has_room() => self.no_room("Fields")?,
            Err(e) => {
                self.paragraph(&format!("It cannot be read again: {}", show::safe_str(&e.to_string())))?
            }
            Ok(buffers) => {
                for (i, buffer) in buffers.iter().enumerate() {
                    if i > 0 {
                        self.paragraph(&buffer.title)?;
                    }
                    let mut left = NODES;
                    self.nodes(&buffer.tree, &mut left)?;
                    if left == 0 {
                        let text = format!("More of it: callscope decode FILE --frame {name}");
                        self.html.leaf("p", &[("class", "left-out")], &text)?;
                    }
                }
            }
        }
        self.html.close()?;
        self.html.close()
    }

    fn nodes(&mut self, nodes: &[Node], left: &mut usize) -> io::Result<()> {
        if nodes.is_empty() || *left == 0 {
            return Ok(());
        }
        self.html.open("ul", &[("class", "fields")])?;
        for node in nodes {
            if *left == 0 {
                break;
            }
            *left -= 1;
            let class: &[_] = if node.issue { &[("class", "wrong")] } else { &[] };
            self.html.open("li", class)?;
            let open = self.options.show_secrets;
            let (label, value) = match open {
                true => (node.label.clone(), node.value.clone()),
                false => (
                    secrets::text(&node.label).into_owned(),
                    secrets::value(&node.label, &node.value).into_owned(),
                ),
            };
            if node.issue {
                self.html.text("! ")?;
            }
            let joint = if label.is_empty() || value.is_empty() { "" } else { ": " };
            self.html.leaf("b", &[], &label)?;
            self.html.text(&format!("{joint}{value}"))?;
            self.nodes(&node.children, left)?;
            self.html.close()?;
        }
        self.html.close()
    }

    /// Which findings something proves.
    pub(super) fn proves(&mut self, findings: &[usize]) -> io::Result<()> {
        let diagnosis = self.lists.diagnosis().clone();
        for &at in findings {
            let Some(f) = diagnosis.findings.get(at) else { continue };
            self.html.open("p", &[("class", f.severity.name())])?;
            self.html.text(&format!("{} {}: proves finding ", f.severity.sign(), f.severity.name()))?;
            self.html.link(Some(&format!("finding-{}", at + 1)), &(at + 1).to_string())?;
            self.html.text(&format!(", {}", f.title))?;
            self.html.close()?;
        }
        Ok(())
    }
}
