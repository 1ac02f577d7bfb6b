//! The ladder as SVG: no script, nothing from elsewhere, light and dark by the reader's preference.

use std::io::{self, Write};

use super::{frame_name, row_time, several_captures, tone_name, with_repeats};
use crate::output::text::{shorten, width};
use crate::view::ladder::{Ladder, LadderRow, Tone};
use crate::view::show::{self, TimeMode};

const ROW: usize = 26;
const HEAD: usize = 84;
/// Pixels of a character of the labels (12 px monospace).
const CHAR: f64 = 7.25;
/// Pixels from one lifeline to the next.
const NARROWEST: usize = 120;
const WIDEST: usize = 340;

const STYLE: &str = "\
:root{color-scheme:light dark}\
svg.ladder{--bg:#fff;--fg:#1f2328;--dim:#8c959f;--line:#d0d7de;--request:#0a6e8a;--success:#1a7f37;--redirect:#8a6100;\
--failure:#cf222e;--media:#8250df;--stun:#0550ae;background:var(--bg)}\
@media(prefers-color-scheme:dark){svg.ladder{--bg:#0d1117;--fg:#e6edf3;--dim:#7d8590;--line:#30363d;--request:#56c8e0;\
--success:#3fb950;--redirect:#d9a514;--failure:#ff7b72;--media:#bc8cff;--stun:#79c0ff}}\
svg.ladder text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:var(--fg)}\
svg.ladder .title{font-weight:bold;font-size:14px}svg.ladder .name{font-weight:bold}\
svg.ladder .small,svg.ladder .dim text{fill:var(--dim)}svg.ladder .small{font-size:11px}\
svg.ladder .life{stroke:var(--line)}svg.ladder .halo{stroke:var(--bg);stroke-width:4px;paint-order:stroke}\
svg.ladder .shaft{stroke:var(--c);stroke-width:1.4;fill:none}svg.ladder .tip{fill:var(--c)}\
svg.ladder .band{fill:var(--c);fill-opacity:.18;stroke:var(--c)}svg.ladder g{--c:var(--fg)}\
svg.ladder g.request{--c:var(--request)}svg.ladder g.success{--c:var(--success)}svg.ladder g.redirect{--c:var(--redirect)}\
svg.ladder g.failure{--c:var(--failure)}svg.ladder g.media{--c:var(--media)}svg.ladder g.stun{--c:var(--stun)}\
svg.ladder g.dim{--c:var(--dim)}svg.ladder g.failure text.label{fill:var(--failure)}\
svg.ladder .reply .shaft{stroke-dasharray:5 3}";

/// Text for XML: escaped, characters XML does not know left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

struct Drawing<'a> {
    ladder: &'a Ladder,
    margin: usize,
    pitch: usize,
    width: usize,
    height: usize,
}

impl Drawing<'_> {
    fn x(&self, lifeline: usize) -> usize {
        let i = lifeline.min(self.ladder.lifelines.len().saturating_sub(1));
        self.margin + self.pitch / 2 + i * self.pitch
    }
}

/// A page with the SVG inside and the title as its own.
pub(super) fn page(out: &mut dyn Write, ladder: &Ladder, mode: TimeMode) -> io::Result<()> {
    let title = escape(if ladder.title.is_empty() { "Call flow" } else { &ladder.title });
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>body{{margin:1rem}}</style>\n</head>\n<body>"
    )?;
    draw(out, ladder, mode, true)?;
    writeln!(out, "</body>\n</html>")
}

pub(super) fn draw(out: &mut dyn Write, ladder: &Ladder, mode: TimeMode, inside: bool) -> io::Result<()> {
    let several = several_captures(&ladder.rows);
    let drawing = measure(ladder, mode);
    let (w, h) = (drawing.width, drawing.height);
    if !inside {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    }
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" width=\"{w}\" height=\"{h}\" \
         viewBox=\"0 0 {w} {h}\" role=\"img\">"
    )?;
    writeln!(out, "<title>{}</title>", escape(&ladder.title))?;
    writeln!(out, "<style>{STYLE}</style>")?;
    writeln!(out, "<rect width=\"{w}\" height=\"{h}\" style=\"fill:var(--bg)\"/>")?;
    writeln!(out, "<text class=\"title\" x=\"10\" y=\"22\">{}</text>", escape(&ladder.title))?;
    head(out, &drawing)?;
    let mut previous = ladder.start;
    for (i, row) in ladder.rows.iter().enumerate() {
        let y = HEAD + i * ROW + ROW;
        let time = row_time(row);
        let told = show::time(time, mode, ladder.start, previous);
        draw_row(out, &drawing, row, y, &told, several)?;
        if !matches!(row, LadderRow::Gap { .. }) {
            previous = time;
        }
    }
    writeln!(out, "</svg>")
}

fn measure(ladder: &Ladder, mode: TimeMode) -> Drawing<'_> {
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
                asked = asked.max((width(label) + 6).div_ceil(hops));
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
    Drawing {
        ladder,
        margin,
        pitch,
        width: (margin + n * pitch + 10).max(title.min(1600)),
        height: HEAD + (ladder.rows.len() + 1) * ROW + 10,
    }
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
    let left_edge = d.margin;
    match row {
        LadderRow::Arrow { frame, from, to, label, tone, retransmissions, .. } => {
            let label = with_repeats(label, *retransmissions, '×');
            let frame = frame_name(*frame, several);
            let reply = if matches!(tone, Tone::Request) { "" } else { " reply" };
            writeln!(
                out,
                "<g class=\"{}{reply}\"><title>{told} frame {frame}: {}</title>",
                tone_name(*tone),
                escape(&label)
            )?;
            writeln!(out, "<text class=\"small\" x=\"10\" y=\"{base}\">{told}</text>")?;
            let x = left_edge.saturating_sub(6);
            writeln!(out, "<text class=\"small\" x=\"{x}\" y=\"{base}\" text-anchor=\"end\">{frame}</text>")?;
            arrow(out, d, *from, *to, y, &label)?;
        }
        LadderRow::Fold { from, to, one_way, label, tone, .. } => {
            writeln!(out, "<g class=\"{}\"><title>{told}: {}</title>", tone_name(*tone), escape(label))?;
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
            let text = escape(&shorten(label, fits, false));
            writeln!(
                out,
                "<text class=\"label halo\" x=\"{x}\" y=\"{base}\" text-anchor=\"{anchor}\">{text}</text>"
            )?;
        }
        LadderRow::Gap { length, .. } => {
            let text = escape(&show::duration(*length));
            writeln!(
                out,
                "<g class=\"dim\"><text class=\"halo\" x=\"{left_edge}\" y=\"{base}\">⋮ {text} later</text>"
            )?;
        }
        LadderRow::Note { text, .. } => {
            writeln!(out, "<g class=\"note\"><text class=\"small\" x=\"10\" y=\"{base}\">{told}</text>")?;
            writeln!(out, "<text class=\"halo\" x=\"{left_edge}\" y=\"{base}\">{}</text>", escape(text))?;
        }
    }
    writeln!(out, "</g>")
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
    let (top, bottom) = (y - 4, y + 4);
    if a == b {
        let (x, tip) = (a + 24, a + 8);
        writeln!(out, "<path class=\"shaft\" d=\"M{a} {} H{x} V{} H{tip}\"/>", y - 5, y + 5)?;
        writeln!(out, "<path class=\"tip\" d=\"M{a} {} L{tip} {} L{tip} {} Z\"/>", y + 5, y + 1, y + 9)?;
        let text = escape(&shorten(label, 80, false));
        return writeln!(out, "<text class=\"label halo\" x=\"{}\" y=\"{bottom}\">{text}</text>", a + 30);
    }
    let (tip, base) = if a < b { (b - 1, b - 9) } else { (b + 1, b + 9) };
    writeln!(out, "<path class=\"shaft\" d=\"M{a} {y} H{base}\"/>")?;
    writeln!(out, "<path class=\"tip\" d=\"M{tip} {y} L{base} {top} L{base} {bottom} Z\"/>")?;
    let fits = ((a.abs_diff(b) as f64 - 24.0) / CHAR) as usize;
    let text = escape(&shorten(label, fits.max(1), false));
    let middle = (a + b) / 2;
    writeln!(
        out,
        "<text class=\"label halo\" x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">{text}</text>"
    )
}
