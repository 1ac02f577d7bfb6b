//! Keys of the plot of a stream.

use crate::tui::action::Action;
use crate::tui::state::{Listing, ListingState, PlotPlace};

/// Does what concerns the plot; says whether the action did.
pub(super) fn act(view: &mut ListingState, data: &Listing, action: Action) -> bool {
    let Some(plot) = &data.plot else { return false };
    let around = view.event().and_then(|at| plot.events.get(at)).map(|e| e.at);
    match action {
        Action::Plot => view.plot.place = view.plot.place.next(),
        Action::ZoomIn => view.plot.zoom(plot, around, true),
        Action::ZoomOut => view.plot.zoom(plot, around, false),
        Action::ZoomAll => view.plot.window = None,
        Action::Earlier => view.plot.shift(plot, false),
        Action::Later => view.plot.shift(plot, true),
        // Of the rows only events are seen then.
        Action::Up | Action::Down | Action::First | Action::Last if view.plot.place == PlotPlace::Whole => {
            step(view, data, action);
        }
        _ => return false,
    }
    true
}

/// From event to event.
fn step(view: &mut ListingState, data: &Listing, action: Action) {
    let events = data.events();
    let Some(last) = events.clone().next_back() else { return };
    let at = view.cursor.at;
    view.cursor.at = match action {
        Action::Up if events.contains(&at) => at.saturating_sub(1).max(events.start),
        Action::Down if events.contains(&at) => (at + 1).min(last),
        Action::Last => last,
        _ => events.start,
    };
}
