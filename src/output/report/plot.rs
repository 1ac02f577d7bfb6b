//! A media stream over time as SVG: jitter, loss, gaps and rate, what the receiver reported, and what happened.

use std::io::{self, Write};

use crate::output::markup::escape;
use crate::view::media::plot::{Plot, Quantity, round_up};

/// Pixels: before the panels, of their time, between them, of one.
const LEFT: usize = 70;
const COLUMNS: usize = 600;
const RIGHT: usize = 70;
const GAP: usize = 12;
const HEIGHT: usize = 56;
/// Rows below the panels: events, axis, its numbers.
const BELOW: usize = 50;

/// Columns of the figures; each is some pixels wide.
const STEPS: usize = 200;

/// Draws it; nothing where nothing was measured.
pub(super) fn draw(out: &mut dyn Write, plot: &Plot, title: &str) -> io::Result<()> {
    if plot.points.is_empty() {
        return Ok(());
    }
    let window = plot.whole();
    let height = Quantity::ALL.len() * (HEIGHT + GAP) + BELOW;
    let width = LEFT + COLUMNS + RIGHT;
    let label = escape(&format!("{title}: jitter, loss, gaps and rate over time"));
    writeln!(
        out,
        "<figure class=\"scroll\" tabindex=\"0\"><svg class=\"plot\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">"
    )?;
    for (n, of) in Quantity::ALL.into_iter().enumerate() {
        panel(out, plot, of, n * (HEIGHT + GAP) + 6)?;
    }
    let base = Quantity::ALL.len() * (HEIGHT + GAP) + 4;
    for event in &plot.events {
        let Some(column) = window.column(event.at, COLUMNS) else { continue };
        let x = LEFT + column;
        writeln!(
            out,
            "<g class=\"event\"><line x1=\"{x}\" y1=\"6\" x2=\"{x}\" y2=\"{base}\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}<title>{}</title></text></g>",
            base + 12,
            escape(&event.sign.to_string()),
            escape(&event.words)
        )?;
    }
    let axis = base + 18;
    writeln!(out, "<path class=\"axis\" d=\"M{LEFT} {axis} H{}\"/>", LEFT + COLUMNS)?;
    for tick in plot.ticks(window, 80) {
        let x = LEFT + tick.column * COLUMNS / 80;
        writeln!(out, "<path class=\"axis\" d=\"M{x} {axis} v4\"/>")?;
        writeln!(
            out,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            axis + 18,
            escape(&tick.label)
        )?;
    }
    writeln!(out, "</svg>")?;
    let reported = if plot.reported.is_empty() { "" } else { " ○ is what the receiver reported." };
    writeln!(
        out,
        "<figcaption>What passed the capture point.{reported} Letters are events of the call, listed below.</figcaption></figure>"
    )
}

fn panel(out: &mut dyn Write, plot: &Plot, of: Quantity, top: usize) -> io::Result<()> {
    let window = plot.whole();
    let values = plot.columns(of, window, STEPS);
    let reported: Vec<(usize, f64)> = plot
        .reported_of(of, window)
        .filter_map(|(at, value)| Some((window.column(at, COLUMNS)?, value)))
        .collect();
    let known = values.iter().flatten().copied();
    let own = known.clone().reduce(f64::max);
    let highest = known.chain(reported.iter().map(|(_, v)| *v)).fold(0.0, f64::max);
    let most = round_up(highest);
    let bottom = top + HEIGHT;
    let (right, y) = (LEFT + COLUMNS, |value: f64| {
        let part = (value / most).clamp(0.0, 1.0);
        bottom as f64 - part * HEIGHT as f64
    });
    writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {top} H{right} M{LEFT} {bottom} H{right}\"/>")?;
    writeln!(
        out,
        "<text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        LEFT - 6,
        top + HEIGHT / 2 + 4,
        of.title()
    )?;
    writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", LEFT - 6, top + 8, of.text(most))?;
    writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">0</text>", LEFT - 6, bottom)?;
    let words = own.map_or_else(|| "unknown".to_owned(), |v| format!("max {}", of.text(v)));
    writeln!(out, "<text x=\"{}\" y=\"{}\">{words}</text>", right + 6, top + HEIGHT / 2 + 4)?;
    let x = |i: usize| LEFT as f64 + i as f64 * COLUMNS as f64 / STEPS as f64;
    let wide = COLUMNS as f64 / STEPS as f64;
    if matches!(of, Quantity::Loss | Quantity::Gap) {
        let class = if of == Quantity::Loss { "lost" } else { "seen" };
        let mut path = String::new();
        for (i, value) in
            values.iter().enumerate().filter_map(|(i, v)| v.filter(|v| *v > 0.0).map(|v| (i, v)))
        {
            path.push_str(&format!(
                "M{:.1} {bottom}V{:.1}h{wide:.1}V{bottom}Z",
                x(i),
                y(value).min(bottom as f64 - 1.0)
            ));
        }
        if !path.is_empty() {
            writeln!(out, "<path class=\"{class} bar\" d=\"{path}\"/>")?;
        }
    } else {
        // A curve that breaks off where nothing is known.
        let mut path = String::new();
        let mut on = false;
        for (i, value) in values.iter().enumerate() {
            if let Some(value) = value {
                path.push_str(&format!(
                    "{}{:.1} {:.1}",
                    if on { 'L' } else { 'M' },
                    x(i) + wide / 2.0,
                    y(*value)
                ));
            }
            on = value.is_some();
        }
        if !path.is_empty() {
            writeln!(out, "<path class=\"seen\" d=\"{path}\"/>")?;
        }
    }
    for (column, value) in reported {
        let (cx, cy) = (LEFT + column, y(value));
        writeln!(
            out,
            "<circle class=\"reported\" cx=\"{cx}\" cy=\"{cy:.1}\" r=\"3\"><title>the receiver reported {}</title></circle>",
            of.text(value)
        )?;
    }
    Ok(())
}
