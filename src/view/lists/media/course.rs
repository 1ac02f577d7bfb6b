//! What of a stream's details is told beside its figures: its course over time, and the marks of its call.

use super::*;
use crate::correlate::media::{MediaIndex, MediaStream, Stream};
use crate::view::media::marks::{self, Marked};
use crate::view::media::plot::{self, Plot};

/// Key of the column with the signs of events.
pub(in crate::view) const EVENT_SIGN: &str = "sign";
/// What happened meanwhile; the signs are those of the plot.
pub(super) fn events(at: At<'_>, s: &MediaStream, figures: &Stream) -> Option<Part> {
    let events = plot::events(at.analysis, s, figures, &at.gathered.media().streams);
    if events.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new(EVENT_SIGN, "", Align::Left, 0),
        Column::new("time", "Time", Align::Right, 0),
        Column::new("what", "What", Align::Left, 0),
        Column::new("frame", "Frame", Align::Right, 2),
    ];
    let mut before = figures.first;
    let rows = events.iter().map(|e| {
        let time = figures.first.saturating_add(e.at);
        let frame = e.lead.message.map(|m| at.analysis.message(m).frame).or(e.lead.frame);
        let cells = vec![
            e.sign.to_string(),
            show::time(time, at.mode, figures.first, before),
            e.words.clone(),
            frame.map_or_else(String::new, |f| f.frame.to_string()),
        ];
        before = time;
        cells
    });
    let rows = rows.collect();
    let leads = events.iter().map(|e| e.lead).collect();
    Some(Part { title: "What happened meanwhile".to_owned(), table: Table { columns, rows }, leads })
}

/// Its plot over time; none where there are too few packets to tell anything.
pub(in crate::view::lists) fn plot_of(analysis: &Analysis, media: &MediaIndex, row: u32) -> Option<Plot> {
    let s = media.stream(row)?;
    Some(plot::plot(analysis, s, &media.streams)).filter(|p| p.points.len() > 1)
}

/// All marks of its call, or those of it and what comes back.
pub(super) fn marked(at: At<'_>, s: &MediaStream, row: u32) -> Vec<Marked> {
    match s.call {
        Some(call) => marks::of_call(at.analysis, at.gathered.media(), call),
        None => marks::of_stream(at.analysis, at.gathered.media(), row).into_iter().collect(),
    }
}

pub(super) fn marks_of_call(s: &MediaStream, kinds: &[Marked]) -> Option<Part> {
    if kinds.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("traffic", "Traffic", Align::Left, 0),
        Column::new("ends", "Between", Align::Left, 2),
        Column::new("there", "There", Align::Left, 0),
        Column::new("back", "Back", Align::Left, 0),
        Column::new("verdict", "Judged", Align::Left, 0),
    ];
    let none = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    let rows = kinds.iter().map(|k| {
        let [a, b] = &k.ends;
        vec![k.title().to_owned(), format!("{a}, {b}"), none(k.way_words(0)), none(k.way_words(1)), k.words()]
    });
    let rows = rows.collect();
    let lead = |k: &Marked| {
        let first = k.ways.iter().flatten().map(|m| m.frame).min();
        Lead { frame: first, ..Lead::default() }.bad(k.is_bad())
    };
    let leads = kinds.iter().map(lead).collect();
    let title = if s.call.is_some() {
        "Marks of the call, from caller to callee and back"
    } else {
        "Marks both ways"
    };
    Some(Part { title: title.to_owned(), table: Table { columns, rows }, leads })
}
