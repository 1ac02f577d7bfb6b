//! The pairs as a list, and the messages of one.

use callscope_parsers::stun::words::error_words;
use callscope_parsers::stun::{Class, MessageType};

use super::board::pair_words;
use super::*;
use crate::correlate::stun::{StunIdx, stun_flag};
use crate::view::table::{Column, Table};

columns! { PAIR_HELP PAIR_DEFINITIONS
    "component" "C" Right 1 "component: 1 RTP, 2 RTCP",
    "a_type" "A" Left 1 "type of A's candidate; ? where only checks showed the address",
    "a" "A's address" Left 0 "of a side that goes through its relay the relayed address",
    "b_type" "B" Left 1 "type of B's candidate",
    "b" "B's address" Left 0 "likewise",
    "transport" "Transport" Left 4 "udp, tcp",
    "state" "State" Left 0 "succeeded, failed, unanswered, not checked",
    "words" "What" Left 0 "chosen, errors, media packets",
    "by" "Chosen by" Left 3 "nomination, final offer or media",
    "requests" "Req" Right 3 "checks sent",
    "responses" "Resp" Right 3 "answers",
    "from_a" "A asked" Right 5 "requests of A and answers to them",
    "from_b" "B asked" Right 5 "requests of B and answers to them",
    "rtt" "RTT" Right 4 "mean time from check to answer",
    "priority" "Priority" Right 6 "of the pair",
    "media_packets" "Packets" Right 3 "media packets",
}

/// Columns of the pair list: key, title, meaning.
pub fn pair_columns() -> &'static [(&'static str, &'static str, &'static str)] {
    PAIR_HELP
}

/// The pairs of a session (only those in a state, if one is given) with their places in it.
pub fn pair_table(s: &IceSession, only: Option<PairState>) -> (Table, Vec<usize>) {
    let shown = |(_, p): &(usize, &IcePair)| only.is_none_or(|state| p.state == state);
    let (at, rows) = s.pairs.iter().enumerate().filter(shown).map(|(i, p)| (i, pair_cells(s, p))).unzip();
    let columns: Vec<Column> = PAIR_DEFINITIONS.iter().map(Definition::column).collect();
    (Table { columns, rows }, at)
}

fn kind(told: Option<CandidateKind>) -> String {
    told.map_or("?", CandidateKind::name).to_owned()
}

fn pair_cells(s: &IceSession, p: &IcePair) -> Vec<String> {
    let by = p.selected.map_or("", |by| by.name()).replace('_', " ");
    let rtt = p.rtt.map(|r| show::duration(r.sum / i64::from(r.count.max(1))));
    vec![
        p.component.to_string(),
        kind(p.a_kind(s)),
        p.a.to_string(),
        kind(p.b_kind(s)),
        p.b.to_string(),
        p.transport.name().to_owned(),
        pair_state_words(p.state).to_owned(),
        pair_words(p),
        by,
        p.requests.to_string(),
        p.responses.to_string(),
        format!("{}/{}", p.from_a.1, p.from_a.0),
        format!("{}/{}", p.from_b.1, p.from_b.0),
        rtt.unwrap_or_default(),
        p.priority.map(|n| n.to_string()).unwrap_or_default(),
        p.media_packets.to_string(),
    ]
}

/// `host 10.0.0.1:4000 ↔ relay 10.0.0.9:50000, UDP, component 1: chosen 300 pkts`.
pub fn pair_title(s: &IceSession, p: &IcePair) -> String {
    format!(
        "{} {} ↔ {} {}, {}, component {}: {}",
        kind(p.a_kind(s)),
        p.a,
        kind(p.b_kind(s)),
        p.b,
        p.transport.name().to_uppercase(),
        p.component,
        pair_words(p)
    )
}

/// A message of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRow {
    pub index: StunIdx,
    pub frame: FrameRef,
    pub time: Nanos,
    pub from_a: bool,
    pub is_request: bool,
    /// `check, USE-CANDIDATE, controlling`, `check, ICMP host unreachable from 10.0.0.1`, `success`, `487 Role Conflict`.
    pub text: String,
    pub retransmission: bool,
    /// What is on the wire where it is not what the pair says: `in the relay: 10.0.0.1:4000 → 10.0.0.9:3478`.
    pub outer: Option<String>,
}

/// The messages of a pair in order of time.
pub fn checks_of_pair(analysis: &Analysis, p: &IcePair) -> Vec<CheckRow> {
    let row = |&index: &StunIdx| {
        let r = analysis.stun.record(index)?;
        let (path, flow) = (analysis.flow(r.path), analysis.flow(r.flow));
        let class = MessageType(r.kind).split(r.dialect()).0;
        let text = match class {
            Class::Request => {
                let marks = [
                    (stun_flag::USE_CANDIDATE, ", USE-CANDIDATE"),
                    (stun_flag::CONTROLLING, ", controlling"),
                    (stun_flag::CONTROLLED, ", controlled"),
                    (stun_flag::RETRANSMISSION, ", sent again"),
                ];
                let marks = marks.iter().filter(|(bit, _)| r.has(*bit)).map(|(_, word)| *word);
                let told = analysis.unreachable(r).map(|u| format!(", {}", show::breakage_by(u.kind, u.by)));
                format!("check{}{}", marks.collect::<String>(), told.unwrap_or_default())
            }
            Class::Success => "success".to_owned(),
            Class::Error => match error_words(r.error, r.dialect()) {
                Some((name, _)) => format!("{} {name}", r.error),
                None => format!("error {}", r.error),
            },
            Class::Indication => "indication".to_owned(),
        };
        let outer = (r.path != r.flow)
            .then(|| format!("through the relay: {} → {} {}", flow.src, flow.dst, flow.transport.name()));
        Some(CheckRow {
            index,
            frame: r.frame(),
            time: r.time,
            from_a: path.src == p.a,
            is_request: class == Class::Request,
            text,
            retransmission: r.has(stun_flag::RETRANSMISSION),
            outer,
        })
    };
    p.messages.iter().filter_map(row).collect()
}
