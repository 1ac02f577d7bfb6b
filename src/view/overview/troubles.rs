//! Calls and dialogs that went wrong, those that went wrong in the same way together.

use std::collections::BTreeMap;

use crate::correlate::{Analysis, CallIdx, CallState, DialogIdx, DialogState, Owner};
use crate::view::show;

/// Kinds of trouble told, the worst and most frequent first.
const TOLD: usize = 12;
/// Calls and dialogs named by their number.
const NUMBERS: usize = 6;

/// Some calls, or some dialogs, that ended in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Severity word, as in the notes.
    pub severity: &'static str,
    /// `Call 5 failed: 504 Server time-out   Carol → dana`
    pub text: String,
    /// The first of them.
    pub owner: Owner,
    pub count: u64,
    /// What selects them all in their table.
    pub filter: String,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// Errors first, then calls before dialogs.
    rank: u8,
    dialog: bool,
    state: &'static str,
    status: u16,
    method: u16,
}

struct Found {
    count: u64,
    first: Owner,
    numbers: Vec<u32>,
}

/// The worst first. Being cancelled, redirected or challenged is no trouble.
pub fn troubles(analysis: &Analysis) -> Vec<Trouble> {
    let mut found: BTreeMap<Kind, Found> = BTreeMap::new();
    let mut add = |kind: Kind, owner: Owner, number: u32| {
        let f = found.entry(kind).or_insert_with(|| Found { count: 0, first: owner, numbers: Vec::new() });
        f.count += 1;
        if f.numbers.len() < NUMBERS {
            f.numbers.push(number);
        }
    };
    for (i, call) in (0u32..).zip(&analysis.calls) {
        let s = &call.summary;
        let rank = match s.state {
            CallState::Failed => 0,
            CallState::NoAnswer => 1,
            CallState::Rejected => 2,
            _ => continue,
        };
        let kind = Kind { rank, dialog: false, state: s.state.name(), status: s.final_status, method: 0 };
        add(kind, Owner::Call(CallIdx(i)), i.saturating_add(1));
    }
    for (d, dialog) in analysis.dialogs_shown() {
        let s = &dialog.summary;
        let rank = match s.state {
            DialogState::Failed => 2,
            DialogState::Unanswered => 3,
            _ => continue,
        };
        let kind = Kind {
            rank,
            dialog: true,
            state: s.state.name(),
            status: s.final_status,
            method: dialog.method.0,
        };
        add(kind, Owner::Dialog(d), d.0.saturating_add(1));
    }
    let mut found: Vec<(Kind, Found)> = found.into_iter().collect();
    found.sort_by_key(|(kind, f)| (kind.rank, kind.dialog, std::cmp::Reverse(f.count)));
    found.truncate(TOLD);
    found.into_iter().map(|(kind, f)| told(analysis, &kind, &f)).collect()
}

fn told(analysis: &Analysis, kind: &Kind, found: &Found) -> Trouble {
    let (what, many, who, reason) = match found.first {
        Owner::Call(c) => ("Call".to_owned(), "calls", parties(analysis, c), reason(analysis, c)),
        Owner::Dialog(d) => {
            let method = show::safe(analysis.method(analysis.dialog(d).method).as_bytes());
            (method, "dialogs", dialog_parties(analysis, d), String::new())
        }
    };
    let state = match kind.state {
        "no_answer" => "without answer",
        state => state,
    };
    let usual = show::reason_phrase(kind.status);
    let reason = if reason.is_empty() || found.count > 1 { usual.to_owned() } else { reason };
    let why = match (kind.status, kind.state) {
        (0, "failed") if found.count == 1 && !reason.is_empty() => format!(": {reason}"),
        (0, "failed") => ": no final answer".to_owned(),
        (0, _) => String::new(),
        (status, _) => format!(": {status} {reason}").trim_end().to_owned(),
    };
    let text = match found.count {
        1 => {
            let number = found.numbers.first().copied().unwrap_or_default();
            let what =
                if kind.dialog { format!("{what} (dialog {number})") } else { format!("{what} {number}") };
            let said = show::diagnostics_of(analysis, found.first);
            let said = if said.is_empty() { said } else { format!("  {}", show::shorten(&said, 80)) };
            format!("{what}, {who}, {state}{why}{said}")
        }
        n => {
            let numbers: Vec<String> = found.numbers.iter().map(u32::to_string).collect();
            let dots = if n > numbers.len() as u64 { ", …" } else { "" };
            let of = if kind.dialog { format!("{what} {many}") } else { many.to_owned() };
            format!("{} {of} {state}{why} (# {}{dots})", show::number(n), numbers.join(", "))
        }
    };
    let mut filter = format!("state == {}", kind.state);
    if kind.status > 0 {
        filter.push_str(&format!(" && status == {}", kind.status));
    }
    if kind.dialog {
        filter.push_str(&format!(" && method == {what}"));
    }
    let severity = match kind.rank {
        0 | 1 => "error",
        _ if kind.status >= 500 => "error",
        _ => "warning",
    };
    Trouble { severity, text, owner: found.first, count: found.count, filter }
}

fn parties(analysis: &Analysis, c: CallIdx) -> String {
    let call = analysis.call(c);
    let raw = |s| analysis.strings.bytes(s);
    let from = show::party_short(raw(call.from_display), raw(call.from_uri));
    let to = show::party_short(raw(call.to_display), raw(call.to_uri));
    format!("{from} → {to}")
}

fn dialog_parties(analysis: &Analysis, d: DialogIdx) -> String {
    let dialog = analysis.dialog(d);
    let raw = |s| analysis.strings.bytes(s);
    let from = show::party_short(b"", raw(dialog.from_uri));
    let to = show::party_short(b"", raw(dialog.to_uri));
    if from == to { from } else { format!("{from} → {to}") }
}

fn reason(analysis: &Analysis, c: CallIdx) -> String {
    show::shorten(&show::call_reason(analysis, c), 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::filter::Filter;
    use crate::view::scenario::{answered_call, request, response};

    #[test]
    fn the_same_trouble_is_told_once_and_its_filter_finds_all_of_it() {
        let mut s = answered_call();
        for (at, id, status) in
            [(20_000, "b1", "486 Busy Here"), (21_000, "f1", "503 Overloaded"), (22_000, "b2", "486 Busy")]
        {
            s.add(at, "C>P", &request("INVITE", 1).id(id).via(&["C x1"]));
            s.add(at + 10, "P>C", &response(status, 1, "INVITE").id(id).tag("p").via(&["C x1"]));
        }
        s.add(30_000, "C>P", &request("OPTIONS", 1).id("o").via(&["C x2"]));
        let analysis = s.done();
        let troubles = troubles(&analysis);
        let told: Vec<(&str, u64)> = troubles.iter().map(|t| (t.severity, t.count)).collect();
        assert_eq!(told, [("error", 1), ("warning", 2), ("warning", 1)], "{troubles:#?}");
        assert!(troubles[0].text.contains("Call 3") && troubles[0].text.ends_with("failed: 503 Overloaded"));
        assert!(
            troubles[1].text.starts_with("2 calls rejected: 486") && troubles[1].text.ends_with("(# 2, 4)")
        );
        assert!(troubles[2].text.starts_with("OPTIONS (dialog 1)"), "{}", troubles[2].text);
        for trouble in &troubles {
            let filter = Filter::parse(&trouble.filter).unwrap();
            let calls = (0..analysis.calls.len() as u32).map(CallIdx);
            let matching = match trouble.owner {
                Owner::Call(_) => calls.filter(|&c| filter.matches_call(&analysis, c)).count(),
                Owner::Dialog(_) => {
                    analysis.dialogs_shown().filter(|(d, _)| filter.matches_dialog(&analysis, *d)).count()
                }
            };
            assert_eq!(matching as u64, trouble.count, "{}", trouble.filter);
        }
    }
}
