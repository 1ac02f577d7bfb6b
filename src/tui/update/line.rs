//! The input line: commands, filter, search, header names.

use tui_input::{Input, InputRequest};

use super::{command, packets, search, tables};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::state::{Line, Purpose, State, Tab, View};
use crate::view::filter::{self, Filter};

/// Lines remembered.
const HISTORY: usize = 100;

pub(super) fn open(state: &mut State, purpose: Purpose, text: &str) {
    state.line = Some(Line {
        purpose,
        input: Input::new(text.to_owned()),
        error: None,
        history: None,
        before: text.to_owned(),
    });
}

pub(super) fn act(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    let Some(line) = state.line.as_mut() else { return };
    match action {
        Action::Edit(request) => {
            // Rubbing out beyond the start leaves the line, as in vi.
            if request == InputRequest::DeletePrevChar && line.input.value().is_empty() {
                return leave(state, effects);
            }
            line.input.handle(request);
            line.history = None;
            changed(state, effects);
        }
        Action::Back => leave(state, effects),
        Action::Open => enter(state, effects),
        Action::Complete => {
            complete(state);
            changed(state, effects);
        }
        Action::HistoryUp | Action::HistoryDown => {
            let all: Vec<&String> =
                state.history.iter().filter(|(p, _)| *p == line.purpose).map(|(_, text)| text).collect();
            let next = match (action, line.history) {
                (Action::HistoryUp, None) => Some(0),
                (Action::HistoryUp, Some(i)) => Some(i + 1),
                (_, Some(i)) => i.checked_sub(1),
                (_, None) => None,
            };
            let text = match next {
                None => line.before.clone(),
                Some(i) => match all.get(i) {
                    Some(text) => (*text).clone(),
                    None => return,
                },
            };
            line.history = next;
            line.input = Input::new(text);
            changed(state, effects);
        }
        _ => {}
    }
}

fn leave(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(line) = state.line.take() else { return };
    if line.purpose == Purpose::Filter {
        // What was tried out is taken back.
        let before = line.before;
        apply_filter(state, &before, effects, false);
    }
}

/// A filter over a table acts while it is typed.
fn changed(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(line) = state.line.as_mut() else { return };
    line.error = None;
    if line.purpose == Purpose::Filter {
        let text = line.input.value().trim().to_owned();
        match parse(&text) {
            Ok(_) if state.tab == Tab::Packets => {}
            Ok(_) => apply_filter(state, &text, effects, false),
            Err(e) => line.error = Some((e.at, e.text)),
        }
    }
}

fn parse(text: &str) -> Result<Option<Filter>, filter::FilterError> {
    if text.is_empty() { Ok(None) } else { Filter::parse(text).map(Some) }
}

fn apply_filter(state: &mut State, text: &str, effects: &mut Vec<Effect>, always: bool) {
    let Ok(filter) = parse(text) else { return };
    match state.tab_table() {
        Some(kind) => {
            let table = state.table_mut(kind);
            if always || table.filter_text != text {
                tables::set_filter(table, text.to_owned(), filter);
            }
        }
        None if state.tab == Tab::Packets && (always || state.packets.filter_text != text) => {
            packets::set_filter(state, text.to_owned(), filter, effects);
        }
        None => {}
    }
}

/// `:filter …`; gives what is wrong with it.
pub(super) fn filter_by(state: &mut State, text: &str, effects: &mut Vec<Effect>) -> Result<(), String> {
    if state.tab_table().is_none() && state.tab != Tab::Packets {
        state.tab = Tab::Calls;
    }
    state.stack.clear();
    parse(text).map_err(|e| format!("{} (at {})", e.text, e.at + 1))?;
    apply_filter(state, text, effects, true);
    Ok(())
}

fn enter(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(line) = state.line.as_mut() else { return };
    let text = line.input.value().trim().to_owned();
    if line.purpose == Purpose::Filter
        && let Err(e) = parse(&text)
    {
        line.error = Some((e.at, e.text));
        return;
    }
    let purpose = line.purpose;
    state.line = None;
    if !text.is_empty() {
        state.history.retain(|(p, t)| (*p, t) != (purpose, &text));
        state.history.push_front((purpose, text.clone()));
        state.history.truncate(HISTORY);
    }
    match purpose {
        Purpose::Filter => apply_filter(state, &text, effects, false),
        Purpose::Search => {
            state.search = text;
            if !state.search.is_empty() {
                search(state, true, true, effects);
            }
        }
        Purpose::Header => {
            if let Some(View::Columns(columns)) = state.stack.last_mut()
                && !text.is_empty()
            {
                tables::add_header(columns, text.trim_end_matches(':'));
            }
        }
        Purpose::Command => command::run(state, &text, effects),
    }
}

fn complete(state: &mut State) {
    let context = state.context_below();
    let kind = state.tab_table();
    let Some(line) = state.line.as_mut() else { return };
    let cursor = line.input.cursor();
    let value: String = line.input.value().chars().take(cursor).collect();
    let rest: String = line.input.value().chars().skip(cursor).collect();
    let start = value.rfind(|c: char| c.is_whitespace() || c == '(').map_or(0, |i| i + 1);
    let (before, word) = value.split_at(start);
    let choices: Vec<String> = match line.purpose {
        Purpose::Command => command::choices(context, kind, before.trim()),
        Purpose::Filter => filter::fields().iter().map(|(name, _)| (*name).to_owned()).collect(),
        Purpose::Header => HEADERS.iter().map(|h| (*h).to_owned()).collect(),
        Purpose::Search => Vec::new(),
    };
    let fold = |s: &str| s.to_ascii_lowercase();
    let fits: Vec<&String> = choices.iter().filter(|c| fold(c).starts_with(&fold(word))).collect();
    let Some(first) = fits.first() else { return };
    // As far as all that fit agree.
    let mut common = (*first).clone();
    for other in &fits[1..] {
        let same = common
            .chars()
            .zip(other.chars())
            .take_while(|(a, b)| fold(&a.to_string()) == fold(&b.to_string()));
        let n = same.count();
        common = common.chars().take(n).collect();
    }
    if fits.len() == 1 && rest.is_empty() && line.purpose != Purpose::Header {
        common.push(' ');
    }
    let now = format!("{before}{common}");
    let cursor = now.chars().count();
    line.input = Input::new(format!("{now}{rest}")).with_cursor(cursor);
    if fits.len() > 1 {
        let listed: Vec<&str> = fits.iter().take(12).map(|s| s.as_str()).collect();
        state.say(listed.join("  "));
    }
}

/// Offered where a header is asked for.
const HEADERS: &[&str] = &[
    "Accept",
    "Allow",
    "Authorization",
    "Call-ID",
    "Contact",
    "Content-Type",
    "CSeq",
    "Diversion",
    "Event",
    "Expires",
    "From",
    "History-Info",
    "Max-Forwards",
    "Ms-Conversation-ID",
    "ms-diagnostics",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Privacy",
    "Reason",
    "Record-Route",
    "Refer-To",
    "Replaces",
    "Require",
    "Route",
    "Server",
    "Session-Expires",
    "Subject",
    "Supported",
    "To",
    "User-Agent",
    "Via",
    "Warning",
];
