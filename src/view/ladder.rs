//! A call flow as data; terminal, text, SVG and Mermaid draw this same value.

use crate::capture::{FrameRef, Nanos};
use crate::correlate::{Analysis, MsgIdx, Owner};

/// A machine taking part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifeline {
    /// What a person calls it: alias, host name, SIP user, inferred role; else the address.
    pub name: String,
    /// Address (with port where two lifelines share the address).
    pub address: String,
    /// `client`, `Front End`, `proxy` …, where inferred.
    pub role: Option<String>,
}

/// How an arrow is to be coloured and marked; every tone also has a word or symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Request,
    Provisional,
    Success,
    Redirect,
    Failure,
    Media,
    Stun,
    Dim,
    Note,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LadderRow {
    /// A message from lifeline `from` to lifeline `to` (indices; equal for a message to itself).
    Arrow {
        time: Nanos,
        frame: FrameRef,
        from: usize,
        to: usize,
        /// What the arrow carries: `INVITE offer, 22 candidates`, `200 OK answer`.
        label: String,
        tone: Tone,
        message: Option<MsgIdx>,
        /// Times the same bytes were sent again, folded into this row.
        retransmissions: u32,
        /// Row number of the call's leg when several calls are merged.
        leg: usize,
    },
    /// A run of like things folded into one line across `from`–`to`; unfolds to `inner`.
    Fold { time: Nanos, end: Nanos, from: usize, to: usize, label: String, tone: Tone, inner: Vec<LadderRow> },
    /// Nothing for longer than a second.
    Gap { time: Nanos, length: Nanos },
    /// A remark: capture starts mid-call, legs joined by …
    Note { time: Nanos, text: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ladder {
    pub title: String,
    pub lifelines: Vec<Lifeline>,
    pub rows: Vec<LadderRow>,
    /// Time of the first row, against which relative times are told.
    pub start: Nanos,
}

/// How a ladder is to be built.
#[derive(Debug, Clone, Copy, Default)]
pub struct LadderOptions {
    /// Show every retransmission and duplicate as a row of its own instead of folding it.
    pub unfold: bool,
    /// Merge messages of linked legs (`x`, extended flow).
    pub extended: bool,
}

/// The flow of some calls and dialogs, merged by time.
pub fn build(analysis: &Analysis, owners: &[Owner], options: LadderOptions) -> Ladder {
    let _ = (analysis, owners, options);
    Ladder::default()
}

/// What an arrow carries: `INVITE offer, 22 candidates`, `200 OK answer`, `ACK`. The same as `label` in the JSON.
pub fn message_label(analysis: &Analysis, message: MsgIdx) -> String {
    let _ = (analysis, message);
    String::new()
}
