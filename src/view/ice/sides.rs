//! The candidate table of one side.

use callscope_parsers::sdp::candidate::PriorityParts;

use super::*;
use crate::correlate::ice::{IceCandidate, Source, Sources};
use crate::view::table::{Column, Table};

/// A candidate line as shown; all text is safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateRow {
    /// Foundation, or the user (id) of draft-06.
    pub name: String,
    pub component: u16,
    /// `UDP`, `TCP-PASS`, `TCP active` …
    pub transport: String,
    /// The number, or the fraction of draft-06; `–` for neither.
    pub priority: String,
    /// What it is made of: `host 126, local 65535`; empty for a fraction.
    pub priority_words: String,
    pub address: String,
    /// As written or inferred; `–` where neither.
    pub kind: String,
    /// How the type was inferred, where the line does not say it.
    pub inferred: Option<&'static str>,
    pub related: String,
    /// `allocation 5`, `mapping told by 10.0.0.1:3478`, `interface`; empty where the capture does not show it.
    pub source: String,
    /// The allocation behind it.
    pub allocation: Option<AllocationIdx>,
    pub remarks: Vec<String>,
    /// `m=` and `c=` name it.
    pub is_default: bool,
    pub trickled: bool,
    /// Part of a chosen pair.
    pub chosen: bool,
    /// What is wrong with the line.
    pub issues: Vec<String>,
    pub frame: FrameRef,
}

/// The candidates of one side, of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideTable {
    pub party: String,
    /// `Alice: 12 candidates, draft-19 (MS-ICE2)`.
    pub title: String,
    pub ufrag: String,
    pub lite: bool,
    /// The part of a multipart offer that the answer did not take.
    pub fallback: bool,
    /// Form of the lines.
    pub generation: CandidateSyntax,
    pub rows: Vec<CandidateRow>,
    /// Lines beyond the limit.
    pub not_kept: usize,
}

/// The tables of a side (`is_a`: the offerer): the generation that counts, then the one of the fallback.
pub fn side_table(analysis: &Analysis, sources: &Sources, s: &IceSession, is_a: bool) -> Vec<SideTable> {
    let side = if is_a { &s.a } else { &s.b };
    let [a, b] = parties(analysis, s);
    let (party, other) = if is_a { (a, b) } else { (b, a) };
    let mut out = vec![table_of(analysis, sources, s, side, is_a, &party, &other, false)];
    if is_a
        && let Some(generation) = s.other_generation
        && let Some(fallback) = analysis.ice_side_of_generation(side, s.section, generation)
    {
        out.push(table_of(analysis, sources, s, &fallback, is_a, &party, &other, true));
    }
    out
}

#[allow(clippy::too_many_arguments)]
fn table_of(
    analysis: &Analysis,
    sources: &Sources,
    s: &IceSession,
    side: &IceSide,
    is_a: bool,
    party: &str,
    other: &str,
    fallback: bool,
) -> SideTable {
    let beyond = if is_a { &s.b } else { &s.a };
    let row = |c: &IceCandidate| {
        let mut row = candidate_row(analysis, sources, c);
        row.chosen = !fallback && is_chosen(s, c, is_a);
        if shares_nat(c, beyond) {
            row.remarks.push(format!("same NAT as {other}"));
        }
        row
    };
    let rows: Vec<CandidateRow> = side.candidates.iter().map(row).collect();
    let syntax = side.candidates.first().map_or(s.generation, |c| c.generation);
    let count = show::count(rows.len() as u64, "candidate", "candidates");
    let mut title = match rows.len() {
        0 if side.message.is_none() => format!("{party}: no SDP in this capture"),
        0 => format!("{party}: no candidates"),
        _ => format!("{party}: {count}, {}", syntax_words(syntax)),
    };
    if fallback {
        title.push_str(", the fallback part, not used");
    }
    if side.lite {
        title.push_str(", ICE lite");
    }
    SideTable {
        party: party.to_owned(),
        title,
        ufrag: side.ufrag.as_deref().map(show::safe_str).unwrap_or_default(),
        lite: side.lite,
        fallback,
        generation: syntax,
        rows,
        not_kept: side.not_kept,
    }
}

fn is_chosen(s: &IceSession, c: &IceCandidate, is_a: bool) -> bool {
    s.selected().any(|p| {
        let address = if is_a { p.a } else { p.b };
        c.component == p.component
            && c.address == Some(address)
            && c.is_tcp() == (p.transport == Transport::Tcp)
    })
}

/// A reflexive candidate whose public address the other side has too.
fn shares_nat(c: &IceCandidate, beyond: &IceSide) -> bool {
    let reflexive = |c: &IceCandidate| {
        c.kind == Some(CandidateKind::Srflx) && c.related.is_some_and(|r| Some(r) != c.address)
    };
    let ip = c.address.map(|a| a.ip());
    reflexive(c) && beyond.candidates.iter().any(|d| reflexive(d) && d.address.map(|a| a.ip()) == ip)
}

/// As the line has it; a name with the address that the checks show behind it.
pub(super) fn address_words(c: &IceCandidate) -> String {
    let text = show::safe_str(&c.address_text());
    match c.address.filter(|_| c.address_inferred) {
        Some(address) => format!("{text} (inferred: {})", address.ip()),
        None => text,
    }
}

pub(super) fn candidate_row(analysis: &Analysis, sources: &Sources, c: &IceCandidate) -> CandidateRow {
    let source = sources.of(c, analysis.message(c.message).time);
    let (words, allocation) = match source {
        Some(Source::Allocation(i)) => (format!("allocation {}", i.0 + 1), Some(i)),
        Some(Source::MappedByAllocation(i)) => (format!("mapping, allocation {}", i.0 + 1), Some(i)),
        Some(Source::MappedByServer(server)) => (format!("mapping told by {server}"), None),
        Some(Source::Interface) => ("interface".to_owned(), None),
        None => (String::new(), None),
    };
    let parts = c.priority.and_then(|p| u32::try_from(p).ok()).map(PriorityParts::of);
    let priority = c.priority.map(|p| p.to_string()).or_else(|| c.fraction.as_deref().map(show::safe_str));
    CandidateRow {
        name: show::shorten(&show::safe_str(&c.foundation), 24),
        component: c.component,
        transport: transport(c),
        priority: priority.unwrap_or_else(|| "–".to_owned()),
        priority_words: parts.map(|p| priority_words(p, c)).unwrap_or_default(),
        address: address_words(c),
        kind: kind_text(c),
        inferred: c.inferred,
        related: c.related.map(|r| r.to_string()).unwrap_or_default(),
        source: words,
        allocation,
        remarks: c.remarks.iter().flatten().map(|r| r.title().to_owned()).collect(),
        is_default: c.is_default,
        trickled: c.trickled,
        chosen: false,
        issues: c.issues.iter().map(|i| show::safe_str(i)).collect(),
        frame: analysis.candidate_frame(c),
    }
}

pub(super) fn kind_text(c: &IceCandidate) -> String {
    match (c.kind, &c.kind_text) {
        (Some(kind), _) => kind.name().to_owned(),
        (None, Some(text)) => show::safe_str(text),
        (None, None) => "–".to_owned(),
    }
}

pub(super) fn transport(c: &IceCandidate) -> String {
    let name = show::safe_str(&c.transport);
    match &c.tcp_type {
        Some(tcp_type) => format!("{name} {}", show::safe_str(tcp_type)),
        None => name,
    }
}

/// `host 126, local 65535`; what does not fit the candidate is said.
fn priority_words(p: PriorityParts, c: &IceCandidate) -> String {
    let full = p.words(c.generation);
    let short = full.strip_prefix("type preference ").unwrap_or(&full);
    // The component only where it is not the candidate's own.
    let own = format!(", component {}", c.component);
    let short = short.strip_suffix(own.as_str()).unwrap_or(short);
    short.replace("local preference", "local")
}

/// Columns of a candidate table: key, title, meaning.
pub fn candidate_columns() -> &'static [(&'static str, &'static str, &'static str)] {
    CANDIDATE_HELP
}

columns! { CANDIDATE_HELP CANDIDATE_DEFINITIONS
    "chosen" "" Left 1 "✓ part of the chosen pair",
    "name" "Name" Left 5 "foundation, or user of draft-06",
    "component" "C" Right 1 "component: 1 RTP, 2 RTCP",
    "transport" "Transport" Left 2 "UDP, TCP active, passive",
    "priority" "Priority" Right 4 "number, or fraction of draft-06",
    "priority_words" "Means" Left 6 "type and local preference in it",
    "address" "Address" Left 0 "address and port",
    "type" "Type" Left 0 "host, srflx, prflx, relay; ~ inferred",
    "related" "Related" Left 4 "related address: its base",
    "source" "From" Left 3 "allocation, NAT mapping or interface it comes from",
    "remarks" "Remarks" Left 3 "private, same NAT, default, what is wrong with the line",
}

impl CandidateRow {
    /// Cells by [`candidate_columns`].
    pub fn cells(&self) -> Vec<String> {
        let kind = if self.inferred.is_some() { format!("~{}", self.kind) } else { self.kind.clone() };
        vec![
            if self.chosen { "✓" } else { "" }.to_owned(),
            self.name.clone(),
            self.component.to_string(),
            self.transport.clone(),
            self.priority.clone(),
            self.priority_words.clone(),
            self.address.clone(),
            kind,
            self.related.clone(),
            self.source.clone(),
            self.remarks_text(),
        ]
    }

    pub fn remarks_text(&self) -> String {
        let mut all = self.remarks.clone();
        if self.is_default {
            all.insert(0, "default".to_owned());
        }
        if self.trickled {
            all.push("trickled".to_owned());
        }
        all.extend(self.inferred.map(|by| format!("type inferred: {by}")));
        all.extend(self.issues.iter().map(|i| format!("wrong: {i}")));
        all.join(", ")
    }
}

impl SideTable {
    /// `RFC 8839`, `draft-06 (MS-ICE), fallback`.
    pub fn generation_words(&self) -> String {
        format!("{}{}", syntax_words(self.generation), if self.fallback { ", fallback" } else { "" })
    }

    /// The rows as a table.
    pub fn table(&self) -> Table {
        Table {
            columns: CANDIDATE_DEFINITIONS.iter().map(Definition::column).collect::<Vec<Column>>(),
            rows: self.rows.iter().map(CandidateRow::cells).collect(),
        }
    }
}
