//! Which sign-in was given the credentials that a relay was asked for with.

use crate::capture::FrameRef;
use crate::correlate::gathered::{Gathered, Lifetime};
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, MsgIdx, Str};
use crate::view::show;

/// The sign-in of an allocation's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Its row in the list of sign-ins.
    pub sign_in: u32,
    /// The user it is of.
    pub user: String,
    /// The answer that gave them out.
    pub message: MsgIdx,
    pub frame: FrameRef,
    /// `given to alice at sign-in 2 (frame 31), for 480 minutes; the password is that one`.
    pub text: String,
}

/// None where no answer of an A/V authentication service in the captures has the user name.
pub fn credentials_of(
    analysis: &Analysis,
    gathered: &Gathered<'_>,
    index: AllocationIdx,
) -> Option<Credentials> {
    let a = analysis.stun.allocations.get(index.0 as usize).filter(|a| a.username != Str(0))?;
    let all =
        (0u32..).zip(gathered.sign_ins()).flat_map(|(row, s)| s.credentials.iter().map(move |c| (row, s, c)));
    let used = all.flat_map(|(row, s, c)| c.uses.iter().map(move |u| (row, s, c, u)));
    let (row, s, credential, used) = used.into_iter().find(|(.., u)| u.allocation == index)?;
    let grant = credential.grant_at(a.first)?;
    let frame = analysis.message(grant.message).frame;
    let user = show::party_short(b"", analysis.strings.bytes(s.user));
    let mut text = format!("given to {user} at sign-in {} (frame {})", row + 1, frame.frame);
    if let Some(minutes) = grant.duration {
        text.push_str(&format!(", for {minutes} minutes"));
    }
    let over = grant.ends().map(|end| a.first.saturating_sub(end)).filter(|d| *d > 0);
    match (used.lifetime, over) {
        (Lifetime::ExpiredBefore, Some(over)) => {
            text.push_str(&format!("; they had run out {} before they were used", show::span(over)));
        }
        (Lifetime::ExpiredDuring, _) => text.push_str("; they ran out while the relay was in use"),
        _ => {}
    }
    match used.verified {
        Some(true) => text.push_str("; the password is that one"),
        Some(false) => text.push_str("; the password is another one"),
        None => {}
    }
    Some(Credentials { sign_in: row, user, message: grant.message, frame, text })
}
