//! The ladder.

use super::{moved, next_hit};
use crate::capture::FrameRef;
use crate::diagnose::Severity;
use crate::tui::action::Action;
use crate::tui::desk::Request;
use crate::tui::effect::Effect;
use crate::tui::layout;
use crate::tui::state::{
    ColorMode, Cursor, DetailState, DiffState, LadderState, ListingOf, ListingState, PaneTab, State, Subject,
    View,
};
use crate::tui::widgets::ladder::row_text;
use crate::tui::widgets::table::contains;
use crate::view::ladder::{LadderRow, Tone};
use crate::view::lists::ListKind;
use crate::view::show::{self, TimeMode};

const EXTENDED: &str = "with all linked legs";
const UNFOLDED: &str = "every retransmission on its own line";

/// What a key said it did, set right if the ladder stayed the same.
pub(super) fn nothing_changed(state: &mut State) {
    let text = match state.notice.as_ref().map(|n| n.text.as_str()) {
        Some(EXTENDED) => "no other call is linked to this one",
        Some(UNFOLDED) => "nothing was sent again here",
        _ => return,
    };
    state.say(text);
}

pub(super) fn act(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    let page = layout::page(state);
    let body = layout::shell(state.width, state.height).body;
    let pane_shown = layout::ladder(state, body).1.is_some();
    let Some(View::Ladder(ladder)) = state.stack.last_mut() else { return };
    let len = ladder.rows.len();
    let before = ladder.cursor.at;
    if moved(&mut ladder.cursor, action, len, page) {
        ladder.pass_notes(before);
        return;
    }
    match action {
        Action::Left => ladder.left = ladder.left.saturating_sub(1),
        Action::Right => {
            let lifelines = ladder.ladder.as_ref().map_or(0, |l| l.lifelines.len());
            ladder.left = (ladder.left + 1).min(lifelines.saturating_sub(1));
        }
        Action::Open => open(state),
        Action::Streams => {
            let frame = stream_frame(ladder.row(ladder.cursor.at));
            effects.push(Effect::Ask(Request::StreamsOf { owners: ladder.owners.clone(), frame }));
        }
        Action::Ice => effects.push(Effect::Ask(Request::SessionsOf(ladder.owners.clone()))),
        Action::Raw => open_detail(state, Some(PaneTab::Raw)),
        Action::Pane if !pane_shown && body.width < 80 => open_detail(state, None),
        Action::Pane => state.pane_open = Some(!pane_shown),
        Action::NextPane if pane_shown => ladder.pane.tab = ladder.pane.tab.step(1),
        Action::PreviousPane if pane_shown => ladder.pane.tab = ladder.pane.tab.step(PaneTab::ALL.len() - 1),
        Action::NextPane | Action::PreviousPane => open_detail(state, None),
        Action::PaneUp | Action::PaneDown if !pane_shown => state.say("the side pane is closed: p opens it"),
        Action::PaneUp => super::detail::scroll_pane(&mut ladder.pane, -3),
        Action::PaneDown => super::detail::scroll_pane(&mut ladder.pane, 3),
        Action::Extended => {
            ladder.options.extended = !ladder.options.extended;
            let text = if ladder.options.extended { EXTENDED } else { "without linked legs" };
            ladder.open.clear();
            state.say(text);
        }
        Action::Unfold => {
            ladder.options.unfold = !ladder.options.unfold;
            let text = if ladder.options.unfold { UNFOLDED } else { "retransmissions folded" };
            ladder.open.clear();
            state.say(text);
        }
        Action::Color => {
            let (mode, name) = match state.color {
                ColorMode::Outcome => (ColorMode::Method, "by method"),
                ColorMode::Method => (ColorMode::Leg, "by leg"),
                ColorMode::Leg => (ColorMode::Outcome, "by outcome"),
            };
            state.color = mode;
            state.say(format!("colours {name}"));
        }
        Action::Mark => mark(state),
        Action::Diff => diff(state),
        Action::NextProblem | Action::PreviousProblem => {
            let forward = action == Action::NextProblem;
            let hit = next_hit(ladder.cursor.at, len, forward, false, |i| is_problem(ladder, i));
            match hit {
                Some(at) => {
                    ladder.cursor.at = at;
                    if let Some(text) = found_at(ladder, at) {
                        state.say(text);
                    }
                }
                None => state.say("no failure and no malformed message here"),
            }
        }
        _ => {}
    }
}

/// The first frame of the stream that a row is of.
fn stream_frame(row: Option<&LadderRow>) -> Option<FrameRef> {
    match row? {
        LadderRow::Arrow { frame, tone: Tone::Media, .. } => Some(*frame),
        LadderRow::Fold { inner, tone: Tone::Media, .. } => stream_frame(inner.first()),
        _ => None,
    }
}

fn is_problem(ladder: &LadderState, at: usize) -> bool {
    match ladder.row(at) {
        Some(LadderRow::Arrow { tone, message, .. }) => {
            *tone == Tone::Failure
                || message.is_some_and(|m| ladder.flawed.contains(&m))
                || found_at(ladder, at).is_some()
        }
        Some(LadderRow::Fold { tone, .. }) => *tone == Tone::Failure,
        _ => false,
    }
}

/// What the frame of a row proves, the worst of it.
fn found_at(ladder: &LadderState, at: usize) -> Option<String> {
    let Some(LadderRow::Arrow { frame, .. }) = ladder.row(at) else { return None };
    let proofs = &ladder.ladder.as_ref()?.proofs;
    let of_frame = proofs.iter().filter(|p| p.frame == *frame && p.severity > Severity::Info);
    let worst = of_frame.max_by_key(|p| p.severity)?;
    Some(format!("{} {}", worst.severity.sign(), worst.text))
}

/// The finding behind a verdict.
fn verdict_at(ladder: &LadderState, at: usize) -> Option<u32> {
    let first = *ladder.rows.get(at)?.first()?;
    ladder.ladder.as_ref()?.verdicts.get(first).copied()
}

fn open(state: &mut State) {
    let Some(View::Ladder(ladder)) = state.stack.last_mut() else { return };
    let at = ladder.cursor.at;
    match ladder.row(at) {
        Some(LadderRow::Arrow { .. }) => open_detail(state, None),
        Some(LadderRow::Fold { inner, .. }) if !inner.is_empty() => {
            let path = ladder.rows[at].clone();
            if !ladder.open.remove(&path) {
                ladder.open.insert(path);
            }
            ladder.flatten();
        }
        _ => match verdict_at(ladder, at) {
            Some(row) => {
                let of = ListingOf::Row(ListKind::Findings, row);
                state.stack.push(View::Listing(Box::new(ListingState::new(of))));
            }
            None => state.say("this line holds nothing more"),
        },
    }
}

/// The message under the cursor over the whole screen.
fn open_detail(state: &mut State, tab: Option<PaneTab>) {
    let Some(View::Ladder(ladder)) = state.stack.last_mut() else { return };
    let Some(subject) = ladder.subject(ladder.cursor.at) else {
        return state.say("no message stands on this line");
    };
    let mut detail = if ladder.pane.subject == Some(subject) {
        ladder.pane.clone()
    } else {
        DetailState { tab: ladder.pane.tab, ..DetailState::default() }
    };
    detail.tab = tab.unwrap_or(detail.tab);
    detail.text.at = detail.text.top;
    detail.tree.at = detail.tree.top;
    if detail.subject != Some(subject) {
        detail.wanted(Some(subject));
    }
    state.stack.push(View::Detail(Box::new(detail)));
}

fn mark(state: &mut State) {
    let Some(View::Ladder(ladder)) = state.stack.last_mut() else { return };
    let Some(Subject::Message(m)) = ladder.subject(ladder.cursor.at) else {
        return state.say("only a message can be marked");
    };
    if let Some(i) = ladder.marks.iter().position(|x| *x == m) {
        ladder.marks.remove(i);
    } else {
        // Of three the oldest goes: two make a difference.
        if ladder.marks.len() == 2 {
            ladder.marks.remove(0);
        }
        ladder.marks.push(m);
    }
    let len = ladder.rows.len();
    let before = ladder.cursor.at;
    ladder.cursor.step(1, len);
    ladder.pass_notes(before);
}

fn diff(state: &mut State) {
    let Some(View::Ladder(ladder)) = state.stack.last_mut() else { return };
    let here = match ladder.subject(ladder.cursor.at) {
        Some(Subject::Message(m)) => Some(m),
        _ => None,
    };
    let pair = match (ladder.marks.as_slice(), here) {
        ([a, b], _) => Some((*a, *b)),
        ([a], Some(b)) if *a != b => Some((*a, b)),
        _ => None,
    };
    match pair {
        // The earlier one is the left one.
        Some((a, b)) => state.stack.push(View::Diff(DiffState {
            a: a.min(b),
            b: a.max(b),
            lines: None,
            cursor: Cursor::default(),
            left: 0,
        })),
        None => state.complain("mark two messages with Space, or one and go to the other"),
    }
}

pub(super) fn search(ladder: &mut LadderState, needle: &str, forward: bool, from_here: bool) -> bool {
    let hit = next_hit(ladder.cursor.at, ladder.rows.len(), forward, from_here, |i| {
        !ladder.is_more(i) && ladder.row(i).is_some_and(|row| contains(&row_text(row), needle))
    });
    if let Some(at) = hit {
        ladder.cursor.at = at;
    }
    hit.is_some()
}

/// The message under the cursor as it was sent, if the pane has read it; else the line.
pub(super) fn text(state: &LadderState, time: TimeMode) -> Option<String> {
    let subject = state.subject(state.cursor.at);
    if let Some(data) = &state.pane.data
        && Some(data.subject) == subject
        && !data.raw.is_empty()
    {
        return Some(data.raw.join("\n"));
    }
    let ladder = state.ladder.as_ref()?;
    match state.row(state.cursor.at)? {
        LadderRow::Arrow { time: at, from, to, label, .. } => {
            let name = |i: &usize| ladder.lifelines.get(*i).map_or("?", |l| l.name.as_str());
            let time = show::time(*at, time, ladder.start, ladder.start);
            Some(format!("{time} {} → {} {label}", name(from), name(to)))
        }
        row => Some(row_text(row)),
    }
}
