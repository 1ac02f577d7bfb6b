//! What media relays said to the credentials that a sign-in was given.

use crate::capture::Nanos;
use crate::correlate::Analysis;
use crate::correlate::gathered::{Refusal, RelayUse, SignIn};

/// The use that a relay refused last, if none came about since, and why, short: `401, credentials had run out`.
pub fn refused<'s>(analysis: &Analysis, s: &'s SignIn) -> Option<(&'s RelayUse, String)> {
    let used = analysis.refused_by_relay(s)?;
    Some((used, why(used, used.refused?)))
}

/// How long before the refusal they ran out.
pub fn over(used: &RelayUse, refusal: Refusal) -> Option<Nanos> {
    used.ends.map(|end| refusal.time.saturating_sub(end)).filter(|d| *d > 0)
}

fn why(used: &RelayUse, refusal: Refusal) -> String {
    let why = match over(used, refusal) {
        Some(_) => "credentials had run out",
        None if used.verified == Some(false) => "another password than given out",
        None if used.ends.is_none() => "credentials refused",
        None => "though the credentials hold",
    };
    format!("{}, {why}", refusal.code)
}
