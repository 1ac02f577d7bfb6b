//! The ladder as SVG: no script, nothing from elsewhere, light and dark by the reader's preference.

use std::collections::HashSet;
use std::io::{self, Write};

use super::{frame_name, row_time, several_captures, tone_name, with_repeats};
use crate::capture::FrameRef;
use crate::correlate::MsgIdx;
use crate::output::markup::escape;
use crate::output::text::{shorten, width};
use crate::view::ladder::{Ladder, LadderRow, Tone};
use crate::view::show::{self, TimeMode};

const ROW: usize = 26;
const HEAD: usize = 84;
/// Pixels of a character of the labels (12 px monospace).
const CHAR: f64 = 7.25;
/// Pixels of a drawing that a narrow screen shows whole, and of one that any screen does.
const NARROW: usize = 640;
const WIDE: usize = 1450;
/// Characters that stand on a line whose label may go on behind it.
const ON_LINE: usize = 28;
/// Characters that may stand behind a line which has no room for all of its label.
const BEHIND: usize = 90;
/// Pixels from one lifeline to the next.
const NARROWEST: usize = 120;
const WIDEST: usize = 340;

/// Of a page that holds ladders.
pub(in crate::output) const STYLE: &str = "\
:root{color-scheme:light dark}\
svg.ladder{--bg:#fff;--fg:#1f2328;--dim:#656d76;--line:#d0d7de;--request:#0a6e8a;--success:#1a7f37;--redirect:#8a6100;\
--failure:#cf222e;--media:#8250df;--stun:#0550ae;background:var(--bg)}\
@media(prefers-color-scheme:dark){svg.ladder{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#30363d;--request:#56c8e0;\
--success:#3fb950;--redirect:#d9a514;--failure:#ff7b72;--media:#bc8cff;--stun:#79c0ff}}\
svg.ladder text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:var(--fg);white-space:pre}\
svg.ladder .title{font-weight:bold;font-size:14px}svg.ladder .name{font-weight:bold}\
svg.ladder .small,svg.ladder .dim text{fill:var(--dim)}svg.ladder .small{font-size:11px}\
svg.ladder .life{stroke:var(--line)}svg.ladder .halo{stroke:var(--bg);stroke-width:4px;paint-order:stroke}\
svg.ladder .shaft{stroke:var(--c);stroke-width:1.4;fill:none}svg.ladder .tip{fill:var(--c)}\
svg.ladder .band{fill:var(--c);fill-opacity:.18;stroke:var(--c)}svg.ladder g{--c:var(--fg)}\
svg.ladder g.request{--c:var(--request)}svg.ladder g.success{--c:var(--success)}svg.ladder g.redirect{--c:var(--redirect)}\
svg.ladder g.failure{--c:var(--failure)}svg.ladder g.media{--c:var(--media)}svg.ladder g.stun{--c:var(--stun)}\
svg.ladder g.dim{--c:var(--dim)}svg.ladder g.failure text.label{fill:var(--failure)}\
svg.ladder .reply .shaft{stroke-dasharray:5 3}svg.ladder .ground{fill:var(--bg)}svg.ladder .hit{fill:transparent}\
svg.ladder text.error{fill:var(--failure)}svg.ladder text.warning{fill:var(--redirect)}svg.ladder a{cursor:pointer}\
svg.ladder a:hover .hit,svg.ladder a:focus .hit,svg.ladder a:target .hit{fill:var(--c);fill-opacity:.14}";

/// A ladder inside of a page.
pub(in crate::output) struct Place<'a> {
    /// Begins the names of its arrows, by which the page leads to them.
    pub id: &'a str,
    /// Where in the page a frame or the message in it is told.
    pub to: &'a mut dyn FnMut(FrameRef, Option<MsgIdx>) -> Option<String>,
}

/// The name of a frame's arrow.
pub(in crate::output) fn arrow_id(id: &str, frame: FrameRef) -> String {
    format!("{id}-frame-{}-{}", frame.capture.0, frame.frame)
}

struct Drawing<'a> {
    ladder: &'a Ladder,
    /// It is part of a page.
    page: bool,
    margin: usize,
    pitch: usize,
    width: usize,
    height: usize,
}

impl Drawing<'_> {
    /// What of a label stands on its line, and what behind it.
    fn split<'l>(&self, row: &LadderRow, label: &'l str) -> (&'l str, &'l str) {
        match *row {
            LadderRow::Arrow { from, to, .. } | LadderRow::Fold { from, to, .. } => {
                let fits = ((self.x(from).abs_diff(self.x(to)) as f64 - 24.0) / CHAR) as usize;
                // To itself there is no line: all of it stands beside.
                if from == to || width(label) <= fits { (label, "") } else { row.split(label, fits, BEHIND) }
            }
            _ => (label, ""),
        }
    }

    /// What is told of the whole ladder matters to its last word: as many lines as it takes.
    fn note(&self, text: &str) -> Vec<String> {
        let fits = (self.width.saturating_sub(self.margin + 10) as f64 / CHAR) as usize;
        show::wrap_words(text, fits)
    }

    /// Rows that a row of the ladder takes.
    fn lines(&self, row: &LadderRow) -> usize {
        match row {
            LadderRow::Note { text, .. } => self.note(text).len(),
            _ => 1,
        }
    }

    /// Where what stands behind a line begins.
    fn behind(&self, from: usize, to: usize) -> usize {
        self.x(from.max(to)) + 10
    }

    fn x(&self, lifeline: usize) -> usize {
        let i = lifeline.min(self.ladder.lifelines.len().saturating_sub(1));
        self.margin + self.pitch / 2 + i * self.pitch
    }
}

/// A file of its own.
pub(super) fn alone(out: &mut dyn Write, ladder: &Ladder, mode: TimeMode) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    draw(out, ladder, mode, None).map(drop)
}

/// Inside of a page that has [`STYLE`]; gives the frames whose arrows can be led to.
pub(in crate::output) fn inside(
    out: &mut dyn Write,
    ladder: &Ladder,
    mode: TimeMode,
    place: &mut Place<'_>,
) -> io::Result<HashSet<FrameRef>> {
    draw(out, ladder, mode, Some(place))
}

fn draw(
    out: &mut dyn Write,
    ladder: &Ladder,
    mode: TimeMode,
    mut place: Option<&mut Place<'_>>,
) -> io::Result<HashSet<FrameRef>> {
    let several = several_captures(&ladder.rows);
    let drawing = measure(ladder, mode, place.is_some());
    let (w, h) = (drawing.width, drawing.height);
    // What leads elsewhere is no picture, or a screen reader would not tell where.
    let (class, role) = match (&place, w) {
        (None, _) => ("ladder", "img"),
        (Some(_), 0..=NARROW) => ("ladder narrow", "group"),
        (Some(_), 0..=WIDE) => ("ladder", "group"),
        (Some(_), _) => ("ladder wide", "group"),
    };
    let title = escape(&ladder.title);
    let label = if place.is_some() { format!(" aria-label=\"{title}\"") } else { String::new() };
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" width=\"{w}\" height=\"{h}\" \
         viewBox=\"0 0 {w} {h}\" role=\"{role}\"{label}>"
    )?;
    if place.is_none() {
        writeln!(out, "<title>{title}</title>")?;
        writeln!(out, "<style>{STYLE}</style>")?;
    }
    writeln!(out, "<rect class=\"ground\" width=\"{w}\" height=\"{h}\"/>")?;
    writeln!(out, "<text class=\"title\" x=\"10\" y=\"22\">{title}</text>")?;
    head(out, &drawing)?;
    let mut previous = ladder.start;
    let mut named = HashSet::new();
    let mut above = 0;
    for row in &ladder.rows {
        let y = HEAD + above * ROW + ROW;
        above += drawing.lines(row);
        let time = row_time(row);
        let told = show::time(time, mode, ladder.start, previous);
        let link = place.as_mut().and_then(|place| link(row, place, &mut named));
        if let Some(link) = &link {
            writeln!(out, "{link}")?;
        }
        draw_row(out, &drawing, row, y, &told, several)?;
        if link.is_some() {
            writeln!(out, "</a>")?;
        }
        if !matches!(row, LadderRow::Gap { .. }) {
            previous = time;
        }
    }
    writeln!(out, "</svg>")?;
    Ok(named)
}

/// The beginning of the element that leads from a row to what it carries, and names the row.
fn link(row: &LadderRow, place: &mut Place<'_>, named: &mut HashSet<FrameRef>) -> Option<String> {
    let (frame, message, own) = match row {
        LadderRow::Arrow { frame, message, .. } => (*frame, *message, true),
        LadderRow::Fold { inner, .. } => inner.iter().find_map(|row| match row {
            LadderRow::Arrow { frame, message, .. } => Some((*frame, *message, false)),
            _ => None,
        })?,
        LadderRow::Gap { .. } | LadderRow::Note { .. } => return None,
    };
    let href = (place.to)(frame, message).map(|to| format!(" href=\"#{}\"", escape(&to)));
    let id = (own && named.insert(frame)).then(|| format!(" id=\"{}\"", escape(&arrow_id(place.id, frame))));
    if href.is_none() && id.is_none() {
        return None;
    }
    Some(format!("<a{}{}>", id.unwrap_or_default(), href.unwrap_or_default()))
}

fn measure(ladder: &Ladder, mode: TimeMode, page: bool) -> Drawing<'_> {
    let mut time_columns = 8;
    let mut previous = ladder.start;
    let mut asked = 14;
    for row in &ladder.rows {
        let time = row_time(row);
        time_columns = time_columns.max(width(&show::time(time, mode, ladder.start, previous)));
        previous = time;
        if let LadderRow::Arrow { from, to, label, .. } | LadderRow::Fold { from, to, label, .. } = row {
            let hops = from.abs_diff(*to);
            if hops > 0 {
                // What may go on behind its line asks for no more room than for its beginning.
                let (on, behind) = row.split(label, ON_LINE * hops, BEHIND);
                let on = if behind.is_empty() { label } else { on };
                asked = asked.max((width(on) + 6).div_ceil(hops));
            }
        }
    }
    for lifeline in &ladder.lifelines {
        asked = asked.max(width(&lifeline.name) + 2).max(width(&lifeline.address) + 2);
    }
    let margin = ((time_columns + 10) as f64 * CHAR) as usize;
    let pitch = ((asked as f64 * CHAR) as usize).clamp(NARROWEST, WIDEST);
    let title = (width(&ladder.title) as f64 * 8.6) as usize + 20;
    let n = ladder.lifelines.len().max(1);
    let mut drawing = Drawing {
        ladder,
        page,
        margin,
        pitch,
        width: (margin + n * pitch + 10).max(title.min(1600)),
        height: 0,
    };
    for row in &ladder.rows {
        if let LadderRow::Arrow { from, to, label, .. } | LadderRow::Fold { from, to, label, .. } = row {
            let (_, behind) = drawing.split(row, label);
            let columns = width(behind).min(BEHIND);
            if columns > 0 {
                let right = drawing.behind(*from, *to) + (columns as f64 * CHAR) as usize + 10;
                drawing.width = drawing.width.max(right);
            }
        }
    }
    let rows: usize = ladder.rows.iter().map(|row| drawing.lines(row)).sum();
    drawing.height = HEAD + (rows + 1) * ROW + 10;
    drawing
}

fn head(out: &mut dyn Write, d: &Drawing<'_>) -> io::Result<()> {
    let fits = (d.pitch as f64 / CHAR) as usize;
    for (i, lifeline) in d.ladder.lifelines.iter().enumerate() {
        let x = d.x(i);
        writeln!(out, "<line class=\"life\" x1=\"{x}\" y1=\"{HEAD}\" x2=\"{x}\" y2=\"{}\"/>", d.height - 10)?;
        let mut full = lifeline.name.clone();
        if lifeline.address != lifeline.name {
            full = format!("{full} {}", lifeline.address);
        }
        writeln!(out, "<g><title>{}</title>", escape(&full))?;
        let lines = [
            ("name", Some(lifeline.name.as_str())),
            ("small", Some(lifeline.address.as_str()).filter(|a| *a != lifeline.name)),
            ("small", lifeline.role.as_deref()),
        ];
        for (n, (class, text)) in lines.into_iter().enumerate() {
            if let Some(text) = text {
                let y = 44 + n * 15;
                let text = escape(&shorten(text, fits, false));
                writeln!(
                    out,
                    "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>"
                )?;
            }
        }
        writeln!(out, "</g>")?;
    }
    Ok(())
}

fn draw_row(
    out: &mut dyn Write,
    d: &Drawing<'_>,
    row: &LadderRow,
    y: usize,
    told: &str,
    several: bool,
) -> io::Result<()> {
    let base = y + 4;
    let told = escape(told);
    let hit = format!("<rect class=\"hit\" y=\"{}\" width=\"{}\" height=\"{ROW}\"/>", y - ROW / 2, d.width);
    let left_edge = d.margin;
    match row {
        LadderRow::Arrow { frame: of, from, to, label, tone, retransmissions, .. } => {
            let label = with_repeats(label, *retransmissions, '×');
            let frame = frame_name(*of, several);
            let reply = if matches!(tone, Tone::Request) { "" } else { " reply" };
            writeln!(
                out,
                "<g class=\"{}{reply}\"><title>{told} frame {frame}: {}</title>",
                tone_name(*tone),
                escape(&label)
            )?;
            if d.page {
                writeln!(out, "{hit}")?;
            }
            if let Some(proof) = d.ladder.proofs.iter().filter(|p| p.frame == *of).max_by_key(|p| p.severity)
            {
                let (sign, name) = (proof.severity.sign(), proof.severity.name());
                let x = left_edge + 4;
                writeln!(
                    out,
                    "<text class=\"{name}\" x=\"{x}\" y=\"{base}\">{sign}<title>{name}: {}</title></text>",
                    escape(&proof.text)
                )?;
            }
            writeln!(out, "<text class=\"small\" x=\"10\" y=\"{base}\">{told}</text>")?;
            let x = left_edge.saturating_sub(6);
            writeln!(out, "<text class=\"small\" x=\"{x}\" y=\"{base}\" text-anchor=\"end\">{frame}</text>")?;
            let (on, behind) = d.split(row, &label);
            arrow(out, d, *from, *to, y, on)?;
            put_behind(out, d, (*from, *to), base, behind)?;
        }
        LadderRow::Fold { from, to, one_way, label, tone, .. } => {
            writeln!(out, "<g class=\"{}\"><title>{told}: {}</title>", tone_name(*tone), escape(label))?;
            if d.page {
                writeln!(out, "{hit}")?;
            }
            writeln!(out, "<text class=\"small\" x=\"10\" y=\"{base}\">{told}</text>")?;
            let (a, b) = (d.x(*from.min(to)), d.x(*from.max(to)));
            let w = (b - a).max(12);
            let (top, bottom) = (y - 8, y + 8);
            match (one_way, from < to) {
                (true, true) if a != b => {
                    let neck = b - 8;
                    writeln!(
                        out,
                        "<path class=\"band\" d=\"M{a} {top} H{neck} L{b} {y} L{neck} {bottom} H{a} Z\"/>"
                    )?;
                }
                (true, false) if a != b => {
                    let neck = a + 8;
                    writeln!(
                        out,
                        "<path class=\"band\" d=\"M{b} {top} H{neck} L{a} {y} L{neck} {bottom} H{b} Z\"/>"
                    )?;
                }
                _ => {
                    writeln!(out, "<rect class=\"band\" x=\"{a}\" y=\"{top}\" width=\"{w}\" height=\"16\"/>")?
                }
            }
            let fits = ((w as f64 - 10.0) / CHAR) as usize;
            let (x, anchor, fits) = if a == b { (a + 18, "start", 80) } else { (a + w / 2, "middle", fits) };
            let (on, behind) = d.split(row, label);
            let text = escape(&shorten(on, fits, false));
            writeln!(
                out,
                "<text class=\"label halo\" x=\"{x}\" y=\"{base}\" text-anchor=\"{anchor}\">{text}</text>"
            )?;
            put_behind(out, d, (*from, *to), base, behind)?;
        }
        LadderRow::Gap { length, .. } => {
            let text = escape(&show::duration(*length));
            writeln!(
                out,
                "<g class=\"dim\"><text class=\"halo\" x=\"{left_edge}\" y=\"{base}\">⋮ {text} later</text>"
            )?;
        }
        LadderRow::Note { text, .. } => {
            writeln!(out, "<g class=\"note\"><title>{}</title>", escape(text))?;
            writeln!(out, "<text class=\"small\" x=\"10\" y=\"{base}\">{told}</text>")?;
            for (i, piece) in d.note(text).iter().enumerate() {
                let (y, piece) = (base + i * ROW, escape(piece));
                writeln!(out, "<text class=\"halo\" x=\"{left_edge}\" y=\"{y}\">{piece}</text>")?;
            }
        }
    }
    writeln!(out, "</g>")
}

/// What its line has no room for.
fn put_behind(
    out: &mut dyn Write,
    d: &Drawing<'_>,
    (from, to): (usize, usize),
    y: usize,
    text: &str,
) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let (x, text) = (d.behind(from, to), escape(&shorten(text, BEHIND, false)));
    writeln!(out, "<text class=\"label halo\" x=\"{x}\" y=\"{y}\">{text}</text>")
}

fn arrow(
    out: &mut dyn Write,
    d: &Drawing<'_>,
    from: usize,
    to: usize,
    y: usize,
    label: &str,
) -> io::Result<()> {
    let (a, b) = (d.x(from), d.x(to));
    if a == b {
        let (x, tip) = (a + 24, a + 8);
        writeln!(out, "<path class=\"shaft\" d=\"M{a} {} H{x} V{} H{tip}\"/>", y - 5, y + 5)?;
        writeln!(out, "<path class=\"tip\" d=\"M{a} {} L{tip} {} L{tip} {} Z\"/>", y + 5, y + 1, y + 9)?;
        let text = escape(&shorten(label, 80, false));
        return writeln!(out, "<text class=\"label halo\" x=\"{}\" y=\"{}\">{text}</text>", a + 30, y + 4);
    }
    // The label stands above its line.
    let line = y + 5;
    let (top, bottom) = (line - 4, line + 4);
    let (tip, base) = if a < b { (b - 1, b - 9) } else { (b + 1, b + 9) };
    writeln!(out, "<path class=\"shaft\" d=\"M{a} {line} H{base}\"/>")?;
    writeln!(out, "<path class=\"tip\" d=\"M{tip} {line} L{base} {top} L{base} {bottom} Z\"/>")?;
    let fits = ((a.abs_diff(b) as f64 - 24.0) / CHAR) as usize;
    let text = escape(&shorten(label, fits.max(1), false));
    let (middle, over) = ((a + b) / 2, line - 5);
    writeln!(
        out,
        "<text class=\"label halo\" x=\"{middle}\" y=\"{over}\" text-anchor=\"middle\">{text}</text>"
    )
}
