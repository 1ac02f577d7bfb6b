//! Which calls and dialogs `--call`, `--dialog` and `--filter` mean.

use super::args::Selection;
use super::failure::Failure;
use super::nearest::nearest;
use crate::correlate::{Analysis, CallIdx, DialogIdx, Owner, Str};
use crate::view::filter::Filter;
use crate::view::show;

/// The calls and dialogs that are meant, each once, in the order given.
pub(super) fn owners(
    analysis: &Analysis,
    selection: &Selection,
    filter: Option<&Filter>,
    extended: bool,
) -> Result<Vec<Owner>, Failure> {
    let mut owners: Vec<Owner> = Vec::new();
    for text in &selection.call {
        owners.push(find(analysis, text, false)?);
    }
    for text in &selection.dialog {
        owners.push(find(analysis, text, true)?);
    }
    if owners.is_empty() {
        owners = match filter {
            Some(filter) => matching(analysis, filter),
            None => only(analysis)?,
        };
        if owners.is_empty() {
            return Err(Failure::usage("no call or dialog matches the filter"));
        }
    }
    if extended {
        let mut at = 0;
        while let Some(&owner) = owners.get(at) {
            at += 1;
            let Owner::Call(call) = owner else { continue };
            for link in analysis.links_of(call) {
                let other = Owner::Call(if link.from == call { link.to } else { link.from });
                if !owners.contains(&other) {
                    owners.push(other);
                }
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    owners.retain(|o| seen.insert(*o));
    Ok(owners)
}

/// Calls by number or Call-ID.
pub(super) fn calls(analysis: &Analysis, given: &[String]) -> Result<Vec<CallIdx>, Failure> {
    let call = |text: &String| match find(analysis, text, false)? {
        Owner::Call(call) => Ok(call),
        Owner::Dialog(_) => Err(Failure::usage(format!("`{}` is no call", show::safe(text.as_bytes())))),
    };
    given.iter().map(call).collect()
}

fn matching(analysis: &Analysis, filter: &Filter) -> Vec<Owner> {
    let calls = (0..analysis.calls.len() as u32).map(CallIdx);
    let dialogs = analysis.dialogs_shown().map(|(d, _)| d);
    calls
        .filter(|&c| filter.matches_call(analysis, c))
        .map(Owner::Call)
        .chain(dialogs.filter(|&d| filter.matches_dialog(analysis, d)).map(Owner::Dialog))
        .collect()
}

fn only(analysis: &Analysis) -> Result<Vec<Owner>, Failure> {
    match analysis.calls.len() {
        1 => Ok(vec![Owner::Call(CallIdx(0))]),
        0 => Err(Failure::usage("there is no call in the input (--dialog N shows other dialogs)")),
        n => Err(Failure::usage(format!(
            "which of the {n} calls? --call N or --call CALL-ID (see `callscope calls`)"
        ))),
    }
}

/// By number (from 1) or Call-ID; a Call-ID is looked for among the other kind too.
fn find(analysis: &Analysis, text: &str, dialogs_first: bool) -> Result<Owner, Failure> {
    let (kind, count) =
        if dialogs_first { ("dialog", analysis.dialogs.len()) } else { ("call", analysis.calls.len()) };
    let number = text.parse::<u32>().ok();
    let shown = |i: &u32| {
        let i = *i as usize;
        i < count && (!dialogs_first || analysis.dialogs.get(i).is_some_and(|d| d.messages.count > 0))
    };
    if let Some(index) = number.and_then(|n| n.checked_sub(1)).filter(shown) {
        return Ok(if dialogs_first { Owner::Dialog(DialogIdx(index)) } else { Owner::Call(CallIdx(index)) });
    }
    let same = |s: Str| analysis.strings.bytes(s) == text.as_bytes();
    let call = analysis.calls.iter().position(|c| same(c.call_id)).map(|i| Owner::Call(CallIdx(i as u32)));
    let dialog = analysis.dialogs_shown().find(|(_, d)| same(d.call_id)).map(|(d, _)| Owner::Dialog(d));
    let found = if dialogs_first { dialog.or(call) } else { call.or(dialog) };
    found.ok_or_else(|| Failure::Usage(unknown(analysis, text, kind, count, number.is_some())))
}

fn unknown(analysis: &Analysis, text: &str, kind: &str, count: usize, number: bool) -> String {
    let shown = show::safe(text.as_bytes());
    if number {
        return match count {
            0 => format!("no {kind} {shown}: the input has no {kind}s"),
            1 => format!("no {kind} {shown}: the input has one {kind}, 1"),
            n => format!("no {kind} {shown}: the input has {kind}s 1 to {n}"),
        };
    }
    let ids: Vec<_> = analysis
        .calls
        .iter()
        .map(|c| analysis.text(c.call_id))
        .chain(analysis.dialogs_shown().map(|(_, d)| analysis.text(d.call_id)))
        .collect();
    let begins = ids.iter().find(|id| id.starts_with(text)).map(AsRef::as_ref);
    match begins.or_else(|| nearest(text, ids.iter().map(AsRef::as_ref))) {
        Some(near) => {
            format!("no {kind} with Call-ID `{shown}` (did you mean `{}`?)", show::safe(near.as_bytes()))
        }
        None => format!("no {kind} with Call-ID `{shown}`"),
    }
}
