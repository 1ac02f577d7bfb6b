//! The plot of a stream below its facts, or on the whole screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::output::plot::{self, Charset, Ink, Look};
use crate::tui::state::{ListingState, PlotPlace, State};
use crate::tui::theme::{Role, Theme};
use crate::tui::widgets::text::{put, width};
use crate::view::media::plot::{Event, Plot};
use crate::view::show;

/// Rows of facts that stay above a plot.
const FACTS: u16 = 6;
/// Rows of a plot below the facts, its head among them.
const LOWEST: u16 = 9;
const HIGHEST: u16 = 17;

/// The facts and the plot below them.
pub fn areas(view: &ListingState, body: Rect) -> (Rect, Option<Rect>) {
    let has_plot = view.data.as_ref().is_some_and(|d| d.plot.is_some());
    let height = match view.plot.place {
        _ if !has_plot => 0,
        PlotPlace::Hidden => 0,
        PlotPlace::Whole => body.height,
        PlotPlace::Below => (body.height / 2).clamp(LOWEST, HIGHEST),
    };
    if height == 0 || view.plot.place == PlotPlace::Below && body.height < LOWEST + FACTS {
        return (body, None);
    }
    let facts = Rect { height: body.height.saturating_sub(height), ..body };
    let plot = Rect { y: facts.bottom(), height: body.height - facts.height, ..body };
    (facts, Some(plot))
}

/// What is drawn in an area: its head takes a row.
fn look(view: &ListingState, plot: &Plot, area: Rect, theme: Theme) -> Look {
    Look {
        columns: usize::from(area.width.saturating_sub(1)),
        rows: usize::from(area.height.saturating_sub(1)),
        charset: if theme.ascii { Charset::Ascii } else { Charset::Braille },
        window: view.plot.window(plot),
        chosen: view.event(),
    }
}

fn style(ink: Ink) -> Role {
    match ink {
        Ink::Label => Role::Text,
        Ink::Axis => Role::Rule,
        Ink::Seen => Role::Tone(crate::view::ladder::Tone::Media),
        Ink::Lost => Role::Error,
        Ink::Reported => Role::Warning,
        Ink::Event => Role::Key,
        Ink::Chosen => Role::Cursor,
    }
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State, view: &ListingState) {
    let Some(plot) = view.data.as_ref().and_then(|d| d.plot.as_ref()) else { return };
    let theme = state.theme;
    head(buf, Rect { height: area.height.min(1), ..area }, plot, view, theme);
    let lines = plot::lines(plot, look(view, plot, area, theme));
    for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
        let mut x = area.x;
        for run in line {
            let room = area.right().saturating_sub(x);
            put(buf, x, y, room, &run.text, theme.style(style(run.ink)));
            x = x.saturating_add(width(&run.text) as u16);
        }
    }
}

/// A rule with which part is seen, and the event that the cursor stands on.
fn head(buf: &mut Buffer, area: Rect, plot: &Plot, view: &ListingState, theme: Theme) {
    for x in area.left()..area.right() {
        put(buf, x, area.y, 1, "─", theme.style(Role::Rule));
    }
    let seconds = |at: i64| format!("{:.2}", at as f64 * 1e-9);
    let now = view.plot.window(plot);
    let mut text = match view.plot.window {
        None => format!(" all {} s ", seconds(plot.whole().to)),
        Some(_) => {
            format!(" {} to {} of {} s ", seconds(now.from), seconds(now.to), seconds(plot.whole().to))
        }
    };
    if let Some(event) = view.event().and_then(|at| plot.events.get(at)) {
        text.push_str(&format!("· {} ", words(event)));
    }
    if !plot.reported.is_empty() {
        text.push_str("· ○ as the receiver reports ");
    }
    let text = if theme.ascii { text.replace('○', "o") } else { text };
    let room = area.width.saturating_sub(3);
    put(buf, area.x + 2, area.y, room, &show::shorten(&text, usize::from(room)), theme.style(Role::Head));
}

fn words(event: &Event) -> String {
    format!("{} {:.2} s {}", event.sign, event.at as f64 * 1e-9, event.words)
}

/// The event drawn at a place of the screen, or one column beside it.
pub fn event_at(view: &ListingState, area: Rect, theme: Theme, x: u16, y: u16) -> Option<usize> {
    let plot = view.data.as_ref()?.plot.as_ref()?;
    let look = look(view, plot, area, theme);
    let column = usize::from(x.checked_sub(area.x)?);
    let inside = y > area.y && y < area.bottom();
    inside.then(|| plot::event_near(plot, look, column)).flatten()
}
