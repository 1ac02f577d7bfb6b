//! What became of ICE and TURN: outcomes in a line, what failed first, in a few rows.

use std::collections::BTreeMap;

use super::{Block, grouped, table_of};
use crate::correlate::ice::IceState;
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, CallIdx};
use crate::view::allocation;
use crate::view::ice::{self, SessionRef, SessionRow};
use crate::view::lists::Lists;
use crate::view::rows::Query;
use crate::view::show;

/// Sessions and allocations shown one by one.
const ROWS: usize = 10;
/// Sessions told by how they ended: of more only the number is.
const MOST: usize = 2_000;

fn rank(state: IceState) -> u8 {
    match state {
        IceState::Failed => 0,
        IceState::Incomplete => 1,
        IceState::NotStarted => 2,
        IceState::Connected => 3,
    }
}

/// The sessions of the calls given, and those of no call.
pub(super) fn sessions(analysis: &Analysis, lists: &Lists<'_>, calls: &[CallIdx], blocks: &mut Vec<Block>) {
    let with_ice = calls.iter().filter(|c| analysis.has_ice(**c)).count();
    let all = || "(`callscope candidates --table sessions` lists them)";
    if with_ice > MOST {
        blocks.push(Block::Heading(format!("ICE: {} calls", grouped(with_ice as u64))));
        blocks.push(Block::Line(format!("{} calls offer candidates {}", grouped(with_ice as u64), all())));
        return;
    }
    let index = analysis.ice_index();
    let mut refs = Vec::new();
    for &call in calls {
        refs.extend(ice::session_refs_of(&index, call));
    }
    refs.extend(ice::loose_session_refs(&index));
    if refs.is_empty() {
        return;
    }
    blocks.push(Block::Heading(format!("ICE: {}", show::count(refs.len() as u64, "session", "sessions"))));
    if refs.len() > MOST {
        blocks.push(Block::Line(format!("Too many to be worked out here {}", all())));
        return;
    }
    // The rules have worked out nearly all: only those that are shown are once more.
    let known = &lists.diagnosis().tally.ice;
    let state_of = |of: SessionRef| known.state_of(of.id).or_else(|| Some(ice::session(analysis, of)?.state));
    let mut states: Vec<(u8, IceState, SessionRef)> =
        refs.into_iter().filter_map(|of| state_of(of).map(|state| (rank(state), state, of))).collect();
    let total = states.len();
    let mut counts: BTreeMap<u8, (IceState, u64)> = BTreeMap::new();
    for (rank, state, _) in &states {
        counts.entry(*rank).or_insert((*state, 0)).1 += 1;
    }
    states.sort_by_key(|(rank, _, of)| (*rank, of.id));
    let rows: Vec<SessionRow> = states
        .iter()
        .take(ROWS)
        .filter_map(|(_, _, of)| Some(ice::session_row(analysis, of.id, &ice::session(analysis, *of)?)))
        .collect();
    let outcomes: Vec<String> =
        counts.values().map(|(state, n)| format!("{} {}", grouped(*n), ice::state_words(*state))).collect();
    blocks.push(Block::Line(outcomes.join(" · ")));
    let or_dash = |t: &str| if t.is_empty() { "–".to_owned() } else { t.to_owned() };
    let time = |t: Option<i64>| t.map_or_else(|| "–".to_owned(), show::duration);
    let cells = rows
        .iter()
        .map(|r| {
            vec![
                r.id.to_string(),
                r.call.map_or_else(|| "–".to_owned(), |c| (u64::from(c.0) + 1).to_string()),
                r.a.clone(),
                r.b.clone(),
                or_dash(&r.media),
                r.state_words.to_owned(),
                or_dash(&r.path),
                time(r.connect),
                time(r.first_media),
                format!("{} × {}", r.candidates.0, r.candidates.1),
            ]
        })
        .collect();
    let columns = [
        ("id", "#"),
        ("call", "#Call"),
        ("a", "A"),
        ("b", "B"),
        ("media", "Media"),
        ("state", "State"),
        ("path", "Path"),
        ("connect", "#Connect"),
        ("first_media", "#To media"),
        ("candidates", "#Candidates"),
    ];
    blocks.push(Block::Table(table_of(&columns, cells)));
    if total > ROWS {
        blocks.push(Block::Line(format!("… and {} more {}", grouped((total - ROWS) as u64), all())));
    }
}

/// The allocations: failed ones first.
pub(super) fn allocations(analysis: &Analysis, blocks: &mut Vec<Block>) {
    let all = &analysis.stun.allocations;
    if all.is_empty() {
        return;
    }
    let n = all.len();
    blocks.push(Block::Heading(format!("TURN: {}", show::count(n as u64, "allocation", "allocations"))));
    let mut counts: BTreeMap<(bool, String), u64> = BTreeMap::new();
    let mut order: Vec<(bool, AllocationIdx)> = Vec::with_capacity(n);
    for (i, a) in (0u32..).map(AllocationIdx).zip(all) {
        let fine = !allocation::failed(analysis, a);
        *counts.entry((fine, allocation::outcome(analysis, a))).or_default() += 1;
        order.push((fine, i));
    }
    let outcomes: Vec<String> =
        counts.iter().take(ROWS).map(|((_, word), n)| format!("{} {word}", grouped(*n))).collect();
    blocks.push(Block::Line(outcomes.join(" · ")));
    order.sort();
    let rows: Vec<AllocationIdx> = order.into_iter().take(ROWS).map(|(_, i)| i).collect();
    // Which calls they belong to is told by `allocations`: it costs reading the SDP of all calls.
    let keys = ["id", "client", "server", "transport", "outcome", "rounds", "relayed", "mapped", "packets"];
    let query = Query { columns: keys.iter().map(|k| (*k).to_owned()).collect(), ..Query::default() };
    let lines = allocation::allocation_lines_of(analysis, &query, rows);
    let cells = lines.iter().collect();
    blocks.push(Block::Table(crate::view::table::Table { columns: lines.columns.clone(), rows: cells }));
    if n > ROWS {
        let more = grouped((n - ROWS) as u64);
        blocks.push(Block::Line(format!("… and {more} more (`callscope allocations` lists all)")));
    }
}
