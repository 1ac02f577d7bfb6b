//! The pair board: local × remote of one component, a cell a pair.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::sides::{address_words, kind_text, transport};
use super::*;
use crate::correlate::ice::{ChosenBy, IceCandidate};
use crate::diagnose::ice::failed_allocations;
use crate::show::path::{end as end_of, relayed};
use crate::view::allocation::refusal;
use crate::view::table::{Column, Table};

/// A row or column of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// `host`, `srflx TCP-ACT`, `prflx, learnt from checks`; empty where nothing is known of an address.
    pub title: String,
    /// Address and port, a name, or `(refused 401)`.
    pub address: String,
    /// Index into the side's candidates.
    pub candidate: Option<usize>,
    /// The allocation behind a relay (or the one that was refused).
    pub allocation: Option<AllocationIdx>,
    /// There is no relay candidate because its allocation failed.
    pub refused: bool,
    /// Only seen in checks.
    pub learnt: bool,
}

impl End {
    /// Title and address.
    pub fn words(&self) -> String {
        format!("{} {}", self.title, self.address).trim_start().to_owned()
    }
}

/// What a cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardCell {
    /// Index into the session's pairs; none where nothing of the pair was seen and it could not be checked as such.
    pub pair: Option<usize>,
    /// None: the two do not make a pair (family, transport), or stand for another pair, or there is no candidate.
    pub state: Option<PairState>,
    pub chosen: bool,
    /// `✓`, `✗`, `–`, or empty.
    pub mark: &'static str,
    /// Without the mark: `chosen 300 pkts`, `7 unanswered`, `not checked`, `487 ×2`.
    pub text: String,
}

impl BoardCell {
    /// Mark and text.
    pub fn words(&self) -> String {
        format!("{} {}", self.mark, self.text).trim().to_owned()
    }

    fn empty(mark: &'static str, text: &str) -> Self {
        Self { pair: None, state: None, chosen: false, mark, text: text.to_owned() }
    }
}

/// The board of one component: rows are side A's ends, columns side B's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    pub component: u16,
    /// Who the rows and columns belong to.
    pub a: String,
    pub b: String,
    pub rows: Vec<End>,
    pub columns: Vec<End>,
    /// A cell for each row and column.
    pub cells: Vec<Vec<BoardCell>>,
    /// Ends of A and of B that are not on the board: there are too many.
    pub left_out: (usize, usize),
}

/// Rows and columns of a board.
const MOST_ENDS: usize = 200;

/// A pair by its ends and whether it is one of TCP.
type PairAt = HashMap<(SocketAddr, SocketAddr, bool), usize>;

/// One board for each component that has candidates or pairs.
pub fn boards(analysis: &Analysis, s: &IceSession) -> Vec<Board> {
    let candidates = s.candidates().map(|c| c.component);
    let mut components: Vec<u16> = candidates.chain(s.pairs.iter().map(|p| p.component)).collect();
    components.sort_unstable();
    components.dedup();
    components.into_iter().map(|c| board(analysis, s, c)).collect()
}

type Key = (Option<SocketAddr>, bool);

/// What stands in a row or column: the candidates of one address, or an address learnt from checks.
struct Place {
    end: End,
    key: Key,
    /// Base of a reflexive candidate: checks are sent from there.
    base: Option<SocketAddr>,
}

fn board(analysis: &Analysis, s: &IceSession, component: u16) -> Board {
    let [a, b] = parties(analysis, s);
    let pairs: PairAt = s
        .pairs
        .iter()
        .enumerate()
        .filter(|(_, p)| p.component == component)
        .map(|(i, p)| ((p.a, p.b, p.transport != Transport::Udp), i))
        .collect();
    let mut rows = places(analysis, s, component, true);
    let mut columns = places(analysis, s, component, false);
    let left_out = (rows.len().saturating_sub(MOST_ENDS), columns.len().saturating_sub(MOST_ENDS));
    rows.truncate(MOST_ENDS);
    columns.truncate(MOST_ENDS);
    let cells = rows.iter().map(|r| columns.iter().map(|c| cell(s, &pairs, r, c)).collect()).collect();
    let ends = |places: Vec<Place>| places.into_iter().map(|p| p.end).collect();
    Board { component, a, b, rows: ends(rows), columns: ends(columns), cells, left_out }
}

fn places(analysis: &Analysis, s: &IceSession, component: u16, is_a: bool) -> Vec<Place> {
    let side = if is_a { &s.a } else { &s.b };
    let mut out: Vec<Place> = Vec::new();
    let mut at: HashMap<Key, usize> = HashMap::new();
    for (i, c) in side.candidates.iter().enumerate().filter(|(_, c)| c.component == component) {
        let key = (c.address, c.is_tcp());
        if c.address.is_some()
            && let Some(known) = at.get(&key).and_then(|at| out.get_mut(*at))
        {
            let name = candidate_title(c);
            if !known.end.title.contains(&name) {
                known.end.title = format!("{}, {name}", known.end.title);
            }
            continue;
        }
        at.insert(key, out.len());
        out.push(Place { end: candidate_end(analysis, s, i, c), key, base: base_of(c) });
    }
    for p in s.pairs.iter().filter(|p| p.component == component) {
        let address = if is_a { p.a } else { p.b };
        let key = (Some(address), p.transport != Transport::Udp);
        if at.contains_key(&key) {
            continue;
        }
        at.insert(key, out.len());
        let told = end_of(analysis, s, p, is_a);
        let kind = told.kind.map_or("", |k| k.name());
        let tcp = if key.1 { " TCP" } else { "" };
        // Without SDP all are learnt so.
        let learnt = if s.call.is_some() { ", learnt from checks" } else { "" };
        let end = End {
            title: format!("{kind}{tcp}{learnt}").trim_start().to_owned(),
            address: address.to_string(),
            candidate: None,
            allocation: told.allocation,
            refused: false,
            learnt: true,
        };
        out.push(Place { end, key, base: None });
    }
    if !out.iter().any(|p| p.end.allocation.is_some() || p.end.title.starts_with("relay")) {
        // A refused attempt of each transport, in the place where its relay would be.
        let mut told = Vec::new();
        for (i, a) in failed_allocations(analysis, s, is_a, component) {
            let text = refusal(analysis, a);
            if told.contains(&(a.transport, text.clone())) {
                continue;
            }
            let tcp = if a.transport == Transport::Udp { "" } else { " TCP" };
            let end = End {
                title: format!("relay{tcp}"),
                address: format!("({text})"),
                candidate: None,
                allocation: Some(i),
                refused: true,
                learnt: false,
            };
            told.push((a.transport, text));
            out.push(Place { end, key: (None, a.transport != Transport::Udp), base: None });
        }
    }
    out
}

fn candidate_title(c: &IceCandidate) -> String {
    let tcp = if c.is_tcp() { format!(" {}", transport(c)) } else { String::new() };
    let v6 = if c.address.is_some_and(|a| a.is_ipv6()) { " v6" } else { "" };
    format!("{}{v6}{tcp}", kind_text(c))
}

fn candidate_end(analysis: &Analysis, s: &IceSession, i: usize, c: &IceCandidate) -> End {
    let until = s.answered.or(s.first_check).unwrap_or(Nanos::MAX);
    let allocation = c
        .address
        .filter(|_| c.kind == Some(CandidateKind::Relay))
        .and_then(|a| relayed(analysis, a, until))
        .map(|(i, _)| i);
    End {
        title: candidate_title(c),
        address: address_words(c),
        candidate: Some(i),
        allocation,
        refused: false,
        learnt: false,
    }
}

fn base_of(c: &IceCandidate) -> Option<SocketAddr> {
    let reflexive = matches!(c.kind, Some(CandidateKind::Srflx | CandidateKind::Prflx));
    c.related.filter(|r| reflexive && Some(*r) != c.address)
}

fn cell(s: &IceSession, pairs: &PairAt, row: &Place, column: &Place) -> BoardCell {
    if row.end.refused || column.end.refused {
        return BoardCell::empty("–", "no allocation");
    }
    let find = |a: SocketAddr, b: SocketAddr| pairs.get(&(a, b, row.key.1)).copied();
    let (Some(a), Some(b)) = (row.key.0, column.key.0) else {
        return BoardCell::empty("", "name not resolved here");
    };
    if row.key.1 != column.key.1 {
        return BoardCell::empty("", "");
    }
    if let Some(at) = find(a, b)
        && let Some(p) = s.pairs.get(at)
    {
        return BoardCell {
            pair: Some(at),
            state: Some(p.state),
            chosen: p.selected.is_some(),
            mark: mark(p),
            text: pair_words(p),
        };
    }
    if a.is_ipv4() != b.is_ipv4() {
        return BoardCell::empty("", "");
    }
    // Checked from the base, and so seen there.
    let bases = [(row.base, Some(b)), (Some(a), column.base), (row.base, column.base)];
    if let Some(at) = bases.into_iter().find_map(|(a, b)| find(a?, b?)) {
        return BoardCell { pair: Some(at), ..BoardCell::empty("", "as its base") };
    }
    BoardCell::empty("", "")
}

fn mark(p: &IcePair) -> &'static str {
    match p.state {
        PairState::Succeeded => "✓",
        PairState::Failed | PairState::Unanswered => "✗",
        PairState::NotChecked if p.selected.is_some() && p.media_packets > 0 => "✓",
        PairState::NotChecked => "–",
    }
}

/// `chosen 300 pkts`, `answered 12 ms`, `7 unanswered`, `403 ×3`, `ICMP host unreachable ×4`, `487 ×2, 5 unanswered`, `not checked`.
pub(super) fn pair_words(p: &IcePair) -> String {
    let mut words: Vec<String> = Vec::new();
    match (p.selected, p.state) {
        (Some(_), _) => words.push("chosen".to_owned()),
        (None, PairState::Succeeded) if p.nominated => words.push("nominated".to_owned()),
        (None, PairState::Succeeded) => words.push("answered".to_owned()),
        _ => {}
    }
    if p.media_packets > 0 {
        words.push(show::count(p.media_packets, "pkt", "pkts"));
    } else if let Some(rtt) = p.rtt.filter(|_| p.state == PairState::Succeeded) {
        words.push(show::duration(rtt.sum / i64::from(rtt.count.max(1))));
    }
    for (code, n) in p.errors.iter().filter(|(code, _)| p.state != PairState::Succeeded || *code == 487) {
        words.push(if *n > 1 { format!("{code} ×{n}") } else { code.to_string() });
    }
    words.extend(p.unreachable.filter(|_| p.state != PairState::Succeeded).map(|u| show::unreachable(&u)));
    match p.state {
        PairState::Unanswered => words.push(format!("{} unanswered", p.requests)),
        PairState::NotChecked if p.selected == Some(ChosenBy::Media) => {
            words.push("no checks seen".to_owned())
        }
        PairState::NotChecked if p.selected == Some(ChosenBy::FinalOffer) => {
            words.push("by the final offer, no checks seen".to_owned());
        }
        PairState::NotChecked if p.media_packets == 0 => words.push("not checked".to_owned()),
        _ => {}
    }
    words.join(" ")
}

impl Board {
    /// How many cells are in each state: succeeded, failed, unanswered, not checked.
    pub fn counts(&self) -> [(PairState, usize); 4] {
        [PairState::Succeeded, PairState::Failed, PairState::Unanswered, PairState::NotChecked]
            .map(|state| (state, self.cells.iter().flatten().filter(|c| c.state == Some(state)).count()))
    }

    /// `Component 1 (RTP): 2 succeeded · 7 failed`.
    pub fn sentence(&self) -> String {
        let counts: Vec<String> = self
            .counts()
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(state, n)| format!("{n} {}", pair_state_words(*state)))
            .collect();
        let counts = if counts.is_empty() { "no pairs".to_owned() } else { counts.join(" · ") };
        match self.component {
            1 => format!("Component 1 (RTP): {counts}"),
            2 => format!("Component 2 (RTCP): {counts}"),
            n => format!("Component {n}: {counts}"),
        }
    }

    /// Only rows and columns with a cell in that state; other cells are left empty.
    pub fn only(&self, state: PairState) -> Self {
        let mut out = self.keep(|c| c.state == Some(state));
        for c in out.cells.iter_mut().flatten().filter(|c| c.state != Some(state)) {
            *c = BoardCell::empty("", "");
        }
        out
    }

    /// Only rows and columns with a check or with the chosen pair.
    pub fn checked(&self) -> Self {
        self.keep(|c| c.chosen || c.state.is_some_and(|s| s != PairState::NotChecked))
    }

    fn keep(&self, is: impl Fn(&BoardCell) -> bool) -> Self {
        let keep_row: Vec<bool> = self.cells.iter().map(|r| r.iter().any(&is)).collect();
        let column = |i: usize| self.cells.iter().any(|r| r.get(i).is_some_and(&is));
        let keep_column: Vec<bool> = (0..self.columns.len()).map(column).collect();
        let pick = |ends: &[End], keep: &[bool]| -> Vec<End> {
            ends.iter().zip(keep).filter(|(_, k)| **k).map(|(e, _)| e.clone()).collect()
        };
        let (rows, columns) = (pick(&self.rows, &keep_row), pick(&self.columns, &keep_column));
        let cells = self
            .cells
            .iter()
            .zip(&keep_row)
            .filter(|(_, k)| **k)
            .map(|(r, _)| r.iter().zip(&keep_column).filter(|(_, k)| **k).map(|(c, _)| c.clone()).collect())
            .collect();
        let left_out = (
            self.left_out.0 + self.rows.len() - rows.len(),
            self.left_out.1 + self.columns.len() - columns.len(),
        );
        Self {
            component: self.component,
            a: self.a.clone(),
            b: self.b.clone(),
            rows,
            columns,
            cells,
            left_out,
        }
    }

    /// As a table: the first column is side A's end, the others side B's.
    pub fn table(&self) -> Table {
        let column = |key: String, title: String| Column::new(key, title, Align::Left, 0);
        let mut columns = vec![column("a".to_owned(), format!("{} ↓  {} →", self.a, self.b))];
        for (i, end) in self.columns.iter().enumerate() {
            columns.push(column(format!("b{}", i + 1), end.words()));
        }
        let row = |(end, cells): (&End, &Vec<BoardCell>)| {
            let mut out = vec![end.words()];
            out.extend(cells.iter().map(BoardCell::words));
            out
        };
        Table { columns, rows: self.rows.iter().zip(&self.cells).map(row).collect() }
    }
}
