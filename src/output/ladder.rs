//! A ladder as text, SVG, Mermaid or JSON (HTML: `report`).

mod mermaid;
mod objects;
pub(in crate::output) mod svg;
mod text;

use std::io::{self, Write};

use crate::capture::FrameRef;
use crate::view::ladder::{Ladder, LadderRow, Tone};
use crate::view::show::TimeMode;

/// Text of `width` columns (at least 60); `ascii` for every symbol where the terminal has no Unicode. With more
/// lifelines than fit the text is wider; nothing wraps.
pub fn text(
    out: &mut dyn Write,
    ladder: &Ladder,
    width: usize,
    time: TimeMode,
    color: bool,
    ascii: bool,
) -> io::Result<()> {
    text::draw(out, ladder, width, time, color, ascii)
}

/// A self-contained SVG, light and dark by the reader's preference.
pub fn svg(out: &mut dyn Write, ladder: &Ladder, time: TimeMode) -> io::Result<()> {
    svg::alone(out, ladder, time)
}

/// A Mermaid `sequenceDiagram`.
pub fn mermaid(out: &mut dyn Write, ladder: &Ladder, time: TimeMode) -> io::Result<()> {
    mermaid::draw(out, ladder, time)
}

/// The ladder as it is, times in UTC.
pub fn json(out: &mut dyn Write, ladder: &Ladder, pretty: bool) -> io::Result<()> {
    objects::write(out, ladder, pretty)
}

/// The time at which a row begins.
fn row_time(row: &LadderRow) -> i64 {
    match row {
        LadderRow::Arrow { time, .. }
        | LadderRow::Fold { time, .. }
        | LadderRow::Gap { time, .. }
        | LadderRow::Note { time, .. } => *time,
    }
}

/// Whether the rows come from more than one capture, so that frames need their capture's number.
fn several_captures(rows: &[LadderRow]) -> bool {
    fn frames(rows: &[LadderRow], out: &mut Vec<u16>) {
        for row in rows {
            match row {
                LadderRow::Arrow { frame, .. } if !out.contains(&frame.capture.0) => {
                    out.push(frame.capture.0)
                }
                LadderRow::Fold { inner, .. } => frames(inner, out),
                _ => {}
            }
        }
    }
    let mut captures = Vec::new();
    frames(rows, &mut captures);
    captures.len() > 1
}

/// `212`, or `1:212` among several captures.
fn frame_name(frame: FrameRef, several: bool) -> String {
    if several { format!("{}:{}", frame.capture.0, frame.frame) } else { frame.frame.to_string() }
}

/// Name of a tone in JSON and style sheets.
fn tone_name(tone: Tone) -> &'static str {
    match tone {
        Tone::Request => "request",
        Tone::Provisional => "provisional",
        Tone::Success => "success",
        Tone::Redirect => "redirect",
        Tone::Failure => "failure",
        Tone::Media => "media",
        Tone::Stun => "stun",
        Tone::Dim => "dim",
        Tone::Note => "note",
    }
}

/// A label with how often the same was sent in all, if more than once.
fn with_repeats(label: &str, retransmissions: u32, sign: char) -> String {
    match retransmissions {
        0 => label.to_owned(),
        n => format!("{label} {sign}{}", u64::from(n) + 1),
    }
}

#[cfg(test)]
mod tests;
