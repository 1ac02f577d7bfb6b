//! Runs of like things as one line, silences, and their words.

use std::collections::HashSet;

use super::{Ladder, LadderRow, Tone};
use crate::capture::Nanos;
use crate::correlate::{Analysis, Content, MethodId, Owner, SipRecord};

/// Requests alike from which on they are folded.
const RUN: usize = 4;
/// Longest silence that is not drawn.
const SILENCE: Nanos = 1_000_000_000;

/// A transaction, hops and answers included.
type Transaction = (Owner, MethodId, u32, u32);

fn transaction(record: &SipRecord) -> Transaction {
    (record.owner, record.method, record.from_tag, record.cseq)
}

/// Transactions that were refused: those are to be seen.
fn failed(analysis: &Analysis, rows: &[LadderRow]) -> HashSet<Transaction> {
    rows.iter()
        .filter_map(|row| match row {
            LadderRow::Arrow { message: Some(m), tone: Tone::Failure, .. } => {
                Some(transaction(analysis.message(*m)))
            }
            _ => None,
        })
        .collect()
}

/// Is the row a message of a poll or keep-alive, and of which? Anything that failed or carries a transfer's progress is not.
fn poll(analysis: &Analysis, row: &LadderRow, failed: &HashSet<Transaction>) -> Option<(MethodId, usize)> {
    let LadderRow::Arrow { message: Some(m), label, tone, leg, .. } = row else { return None };
    let record = analysis.message(*m);
    // Each step of remote call control tells of something else.
    if record.content == Content::Csta || failed.contains(&transaction(record)) {
        return None;
    }
    let polls = [
        MethodId::OPTIONS,
        MethodId::NOTIFY,
        MethodId::BENOTIFY,
        MethodId::INFO,
        MethodId::REGISTER,
        MethodId::SUBSCRIBE,
        MethodId::PUBLISH,
    ];
    let quiet = matches!(tone, Tone::Request | Tone::Success | Tone::Provisional)
        || matches!(record.status, 401 | 407);
    (polls.contains(&record.method) && quiet && !label.contains("sipfrag")).then_some((record.method, *leg))
}

/// Folds runs of at least [`RUN`] polls, hops and answers included.
pub fn fold_runs(analysis: &Analysis, rows: Vec<LadderRow>) -> Vec<LadderRow> {
    let mut out = Vec::with_capacity(rows.len());
    let mut run: Vec<LadderRow> = Vec::new();
    let mut kind = None;
    let failed = failed(analysis, &rows);
    for row in rows {
        let next = poll(analysis, &row, &failed);
        if next != kind || next.is_none() {
            end_run(analysis, &mut run, &mut out);
            kind = next;
        }
        if next.is_some() { run.push(row) } else { out.push(row) }
    }
    end_run(analysis, &mut run, &mut out);
    out
}

fn end_run(analysis: &Analysis, run: &mut Vec<LadderRow>, out: &mut Vec<LadderRow>) {
    let mut requests = HashSet::new();
    let mut answered = HashSet::new();
    let (mut low, mut high, mut time, mut end) = (usize::MAX, 0, None, 0);
    let mut method = MethodId::default();
    for row in run.iter() {
        if let LadderRow::Arrow { message: Some(m), from, to, time: t, .. } = row {
            let record = analysis.message(*m);
            method = record.method;
            low = low.min(*from).min(*to);
            high = high.max(*from).max(*to);
            time = time.or(Some(*t));
            end = *t;
            let key = (record.from_tag, record.cseq);
            if record.is_request() {
                requests.insert(key);
            } else if (200..300).contains(&record.status) {
                answered.insert(key);
            }
        }
    }
    let n = requests.len();
    let Some(time) = time.filter(|_| n >= RUN) else {
        out.append(run);
        return;
    };
    let answered = answered.intersection(&requests).count();
    let name = crate::view::show::safe(analysis.method(method).as_bytes());
    let answers = match answered {
        _ if method == MethodId::BENOTIFY => String::new(),
        a if a == n => ", all answered".to_owned(),
        0 => ", none answered".to_owned(),
        a => format!(", {a} answered"),
    };
    out.push(LadderRow::Fold {
        time,
        end,
        from: low,
        to: high,
        one_way: false,
        label: format!("{n} × {name}{answers}"),
        tone: Tone::Dim,
        inner: std::mem::take(run),
    });
}

/// Puts a row where nothing happened for more than a second.
pub fn mark_gaps(ladder: &mut Ladder) {
    let mut rows = Vec::with_capacity(ladder.rows.len());
    let mut last: Option<Nanos> = None;
    for row in ladder.rows.drain(..) {
        let (start, end) = span(&row);
        if let Some(last) = last
            && start.saturating_sub(last) > SILENCE
        {
            rows.push(LadderRow::Gap { time: last, length: start.saturating_sub(last) });
        }
        last = Some(last.map_or(end, |l| l.max(end)));
        rows.push(row);
    }
    ladder.rows = rows;
}

fn span(row: &LadderRow) -> (Nanos, Nanos) {
    match row {
        LadderRow::Arrow { time, .. } | LadderRow::Gap { time, .. } | LadderRow::Note { time, .. } => {
            (*time, *time)
        }
        // Signalling may be silent while media runs, and that is to be seen.
        LadderRow::Fold { time, tone: Tone::Media, .. } => (*time, *time),
        LadderRow::Fold { time, end, .. } => (*time, *end),
    }
}
