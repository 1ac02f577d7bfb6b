//! The sign-ins whose credentials the relays of a session were asked for with.

use std::collections::BTreeMap;

use super::boards;
use crate::correlate::Analysis;
use crate::correlate::gathered::Gathered;
use crate::correlate::ice::IceSession;
use crate::correlate::stun::AllocationIdx;
use crate::view::allocation::credentials_of;

/// Allocations of a session that are looked at.
const LOOK: usize = 64;

/// A sentence for each sign-in: `Alice's relay credentials (allocations 1, 3): given to alice at sign-in 2 (frame 31) …`.
pub fn relay_credentials(analysis: &Analysis, gathered: &Gathered<'_>, s: &IceSession) -> Vec<String> {
    if analysis.stun.allocations.is_empty() {
        return Vec::new();
    }
    let mut told: BTreeMap<(bool, String), (String, Vec<AllocationIdx>)> = BTreeMap::new();
    for board in boards(analysis, s) {
        for (is_b, ends, name) in [(false, &board.rows, &board.a), (true, &board.columns, &board.b)] {
            for i in ends.iter().filter_map(|e| e.allocation).take(LOOK) {
                let Some(from) = credentials_of(analysis, gathered, i) else { continue };
                let (_, of) = told.entry((is_b, from.text)).or_insert_with(|| (name.clone(), Vec::new()));
                if !of.contains(&i) {
                    of.push(i);
                }
            }
        }
    }
    let words = |((_, text), (name, mut of)): ((bool, String), (String, Vec<AllocationIdx>))| {
        of.sort_unstable();
        let numbers: Vec<String> = of.iter().map(|i| (u64::from(i.0) + 1).to_string()).collect();
        let noun = if of.len() == 1 { "allocation" } else { "allocations" };
        format!("{name}'s relay credentials ({noun} {}): {text}.", numbers.join(", "))
    };
    told.into_iter().map(words).collect()
}
