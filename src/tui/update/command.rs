//! `:` commands. Every key has one too: its word in the key table.

use super::{export, go_to_tab, line, packets, set_time, tables};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::stun::AllocationIdx;
use crate::tui::effect::Effect;
use crate::tui::keys::{self, Contexts};
use crate::tui::state::{
    BoardState, Format, LadderState, ListingOf, ListingState, State, Tab, TableKind, View,
};
use crate::tui::theme::Palette;
use crate::view::ladder::LadderOptions;
use crate::view::show::TimeMode;

/// Commands that take words after them: form and meaning.
pub const COMMANDS: &[(&str, &str)] = &[
    ("filter EXPR", "only rows that match"),
    ("search TEXT", "next line with TEXT"),
    ("call N", "ladder of call N"),
    ("dialog N", "ladder of dialog N"),
    ("session N", "pair board of ICE session N"),
    ("allocation N", "TURN allocation N"),
    ("user NAME", "all rows of a user, under all its names"),
    ("goto N", "frame N (C:N of capture C, from 0), also :N"),
    ("sort COLUMN [desc]", "sort; alone: order of arrival"),
    ("columns KEY …", "columns, header:NAME for any header"),
    ("time utc|local|relative|delta", "how to tell times"),
    ("theme dark|light|plain", "colours"),
    (
        "export FORMAT [FILE]",
        "text svg html mermaid pcapng pcapng-no-media csv markdown json wav; export! replaces",
    ),
    ("quit", "quit, also :q"),
];

const TIMES: &[&str] = &["utc", "local", "relative", "delta"];
const THEMES: &[&str] = &["dark", "light", "plain"];

pub(super) fn run(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    let text = text.trim().trim_start_matches(':');
    if text.is_empty() {
        return;
    }
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let done = match (word, rest) {
        ("q" | "q!" | "quit" | "exit", "") => {
            state.quit = true;
            effects.push(Effect::Quit);
            Ok(())
        }
        ("filter", expression) if !expression.is_empty() => line::filter_by(state, rest, effects),
        ("search", text) if !text.is_empty() => {
            state.search = text.to_owned();
            super::search(state, true, true, effects);
            Ok(())
        }
        ("call", n) => open_by_number(state, TableKind::Calls, n),
        ("dialog", n) => open_by_number(state, TableKind::Dialogs, n),
        ("session", n) => open_by_number(state, TableKind::Sessions, n),
        ("allocation", n) if !n.is_empty() => open_by_number(state, TableKind::Allocations, n),
        ("user", name) if !name.is_empty() => {
            super::user::named(state, name, effects);
            Ok(())
        }
        ("goto", n) if !n.is_empty() || state.context() != Contexts::PACKETS => go_to_frame(state, n),
        ("sort", words) => sort(state, words),
        ("columns", words) if !words.is_empty() => columns(state, words),
        ("time", mode) if !mode.is_empty() => time(state, mode),
        ("theme", name) => theme(state, name),
        ("export" | "export!", words) if !words.is_empty() => {
            export::by_command(state, words, word.ends_with('!'), effects)
        }
        (n, "") if n.bytes().all(|b| b.is_ascii_digit() || b == b':') => go_to_frame(state, n),
        _ => match keys::command(state.context(), word) {
            Some(action) if rest.is_empty() => {
                super::perform(state, action, effects);
                Ok(())
            }
            Some(_) => Err(format!("`{word}` takes no words after it")),
            None => Err(unknown(state.context(), word)),
        },
    };
    if let Err(text) = done {
        state.complain(text);
    }
}

fn unknown(context: Contexts, word: &str) -> String {
    let mut best: Option<(usize, String)> = None;
    for name in choices(context, None, "") {
        let far = distance(word, &name);
        if best.as_ref().is_none_or(|(d, _)| far < *d) {
            best = Some((far, name));
        }
    }
    match best {
        Some((far, name)) if far <= 2 => format!("no command `{word}` here (did you mean `{name}`?)"),
        _ => format!("no command `{word}` here; ? lists them"),
    }
}

/// Letters to change, add or leave out.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn number(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("`{text}` is not a number from 1")),
    }
}

fn open_by_number(state: &mut State, kind: TableKind, text: &str) -> Result<(), String> {
    let n = number(text)?;
    if kind == TableKind::Sessions || kind == TableKind::Allocations {
        return open_ice_by_number(state, kind, n);
    }
    let (count, name, tab) = match kind {
        TableKind::Calls => (state.holdings.calls, "calls", Tab::Calls),
        _ => (state.holdings.dialogs, "dialogs", Tab::Dialogs),
    };
    if n as usize > count {
        return Err(match count {
            0 => format!("there are no {name}"),
            1 => format!("there is only {} 1", name.trim_end_matches('s')),
            n => format!("there are {n} {name}"),
        });
    }
    go_to_tab(state, tab);
    let owners = kind.owner(n - 1).into_iter().collect();
    state.stack.push(View::Ladder(Box::new(LadderState::new(owners, LadderOptions::default()))));
    Ok(())
}

fn open_ice_by_number(state: &mut State, kind: TableKind, n: u32) -> Result<(), String> {
    let (count, name) = match kind {
        TableKind::Sessions => (state.holdings.sessions, "ICE session"),
        _ => (state.holdings.allocations, "allocation"),
    };
    if n as usize > count {
        return Err(match count {
            0 => format!("there is no {name}"),
            1 => format!("there is only {name} 1"),
            count => format!("there are {count} {name}s"),
        });
    }
    go_to_tab(state, Tab::Ice);
    state.show_table(kind);
    state.stack.push(match kind {
        TableKind::Sessions => View::Board(Box::new(BoardState::new(std::sync::Arc::new(vec![n]), 0))),
        _ => View::Listing(Box::new(ListingState::new(ListingOf::Allocation(AllocationIdx(n - 1))))),
    });
    Ok(())
}

fn go_to_frame(state: &mut State, text: &str) -> Result<(), String> {
    let (capture, frame) = match text.split_once(':') {
        Some((c, n)) => {
            let capture: u32 = c.parse().map_err(|_| format!("`{c}` is no number of a capture"))?;
            (capture, number(n)?)
        }
        None => (0, number(text)?),
    };
    let captures = state.holdings.captures.len();
    if capture as usize >= captures.max(1) {
        return Err(match captures {
            0 | 1 => "there is one capture: 0".to_owned(),
            n => format!("the captures are 0 to {}", n - 1),
        });
    }
    let frames = state.holdings.captures.get(capture as usize).copied().unwrap_or(0);
    if !state.loading && u64::from(frame) > frames {
        return Err(format!("the capture has {frames} frames"));
    }
    go_to_tab(state, Tab::Packets);
    packets::go_to(state, FrameRef { capture: CaptureId(capture as u16), frame });
    Ok(())
}

fn table_here(state: &mut State) -> Result<TableKind, String> {
    let kind = state.tab_table().ok_or_else(|| "no table is here: 2, 3 or 5 first".to_owned())?;
    state.stack.clear();
    Ok(kind)
}

fn sort(state: &mut State, words: &str) -> Result<(), String> {
    let kind = table_here(state)?;
    let mut words = words.split_whitespace();
    let table = state.table_mut(kind);
    let Some(key) = words.next() else {
        table.sort = None;
        table.version += 1;
        return Ok(());
    };
    let descending = match words.next() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => return Err(format!("`{other}`: asc or desc")),
    };
    known_column(kind, key)?;
    tables::set_sort(table, key, descending);
    Ok(())
}

fn known_column(kind: TableKind, key: &str) -> Result<(), String> {
    let known = tables::all_columns(kind);
    let header = key.strip_prefix("header:").is_some_and(|name| !name.is_empty());
    if header || known.iter().any(|(k, ..)| *k == key) {
        return Ok(());
    }
    let near = known.iter().map(|(k, ..)| (distance(key, k), *k)).min();
    Err(match near {
        Some((far, name)) if far <= 2 => format!("no column `{key}` (did you mean `{name}`?)"),
        _ => format!("no column `{key}`: t lists them, or header:NAME"),
    })
}

fn columns(state: &mut State, words: &str) -> Result<(), String> {
    let kind = table_here(state)?;
    let keys: Vec<String> =
        words.split([' ', ',', '\t']).filter(|w| !w.is_empty()).map(str::to_owned).collect();
    for key in &keys {
        known_column(kind, key)?;
    }
    let table = state.table_mut(kind);
    table.columns = keys;
    table.left = 0;
    table.version += 1;
    Ok(())
}

fn time(state: &mut State, mode: &str) -> Result<(), String> {
    let mode = match mode {
        "utc" => TimeMode::Utc,
        "local" => TimeMode::Local,
        "relative" => TimeMode::Relative,
        "delta" => TimeMode::Delta,
        _ => return Err(format!("`{mode}`: one of {}", TIMES.join(", "))),
    };
    set_time(state, mode);
    Ok(())
}

fn theme(state: &mut State, name: &str) -> Result<(), String> {
    state.theme.palette = match name {
        "dark" => Palette::Dark,
        "light" => Palette::Light,
        "plain" => Palette::Plain,
        _ => return Err(format!("`{name}`: one of {}", THEMES.join(", "))),
    };
    Ok(())
}

/// What may stand after `before`.
pub(super) fn choices(context: Contexts, kind: Option<TableKind>, before: &str) -> Vec<String> {
    let own = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let mut words = before.split_whitespace();
    let columns = || -> Vec<String> {
        let known = tables::all_columns(kind.unwrap_or(TableKind::Calls));
        known.iter().map(|(k, ..)| (*k).to_owned()).chain(["header:".to_owned()]).collect()
    };
    match (words.next(), words.next()) {
        (None, _) => {
            let mut all: Vec<String> = COMMANDS
                .iter()
                .filter_map(|(form, _)| form.split_whitespace().next())
                .map(str::to_owned)
                .chain(keys::keys_of(context).map(|k| k.command.to_owned()))
                .collect();
            all.sort();
            all.dedup();
            all
        }
        (Some("filter"), _) => {
            crate::view::filter::fields().iter().map(|(name, _)| (*name).to_owned()).collect()
        }
        (Some("export" | "export!"), None) => Format::ALL.iter().map(|f| f.names().0.to_owned()).collect(),
        (Some("time"), None) => own(TIMES),
        (Some("theme"), None) => own(THEMES),
        (Some("sort"), None) | (Some("columns"), _) => columns(),
        (Some("sort"), Some(_)) => own(&["asc", "desc"]),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("filer", "filter"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("sort", "sort"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
