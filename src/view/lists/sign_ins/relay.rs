//! Media relays of a sign-in: the credentials it was given, and what the relays said to them.

use super::*;
use crate::correlate::gathered::Lifetime;
use crate::diagnose::sign_in::relay::over;
use crate::view::allocation;

/// What a relay refused, in sentences, with what to do about it.
pub(super) fn refusal(at: At<'_>, s: &SignIn) -> Vec<String> {
    let Some(used) = at.analysis.refused_by_relay(s) else { return Vec::new() };
    let Some((refusal, a)) = used.refused.zip(at.analysis.stun.allocations.get(used.allocation.0 as usize))
    else {
        return Vec::new();
    };
    let frame = at.analysis.stun.record(refusal.answer).map_or(0, |r| r.frame().frame);
    let of = used.allocation.0 + 1;
    let what = match refusal.allocate {
        true => format!("did not make allocation {of}"),
        false => format!("did not prolong allocation {of}"),
    };
    let (told, advice) = match over(used, refusal) {
        Some(since) => (
            format!("the credentials had run out {} before", show::span(since)),
            "Check that the client asks the A/V authentication service for new credentials in time, and that it answers.",
        ),
        None if used.verified == Some(false) => (
            "its password is not the one that the A/V authentication service gave out".to_owned(),
            "Check whose credentials the client uses: it may have kept those of an earlier answer.",
        ),
        None => (
            "the credentials should still hold".to_owned(),
            "Check the clocks of the A/V authentication service and the relay, and that both are set up for one another.",
        ),
    };
    let to = format!("The media relay {} {what} (frame {frame}): {}", a.server, refusal.code);
    vec![format!("{to}, {told}."), advice.to_owned()]
}

/// The allocations that use the credentials.
pub(super) fn use_part(at: At<'_>, s: &SignIn) -> Option<Part> {
    let columns = vec![
        Column::new("allocation", "Allocation", Align::Right, 0),
        Column::new("server", "Relay", Align::Left, 1),
        Column::new("state", "State", Align::Left, 0),
        Column::new("lifetime", "Credentials", Align::Left, 0),
        Column::new("ends", "Until", Align::Left, 3),
        Column::new("refused", "Refused", Align::Right, 0),
        Column::new("password", "Password", Align::Left, 2),
    ];
    let mut part = Part::of(columns);
    for used in s.credentials.iter().flat_map(|c| &c.uses) {
        let Some(a) = at.analysis.stun.allocations.get(used.allocation.0 as usize) else { continue };
        let first = at.analysis.stun.messages_of(used.allocation).next();
        let leads_to = used.refused.map(|r| r.answer).or(first);
        let frame = leads_to.and_then(|i| at.analysis.stun.record(i)).map(|r| r.frame());
        let row = vec![
            (used.allocation.0 + 1).to_string(),
            format!("{} {}", a.transport.name().to_uppercase(), a.server),
            a.state(at.analysis.newest_time()).name().to_owned(),
            match used.lifetime {
                Lifetime::Within => "valid".to_owned(),
                Lifetime::ExpiredDuring => "ran out while in use".to_owned(),
                Lifetime::ExpiredBefore => "had run out before".to_owned(),
                Lifetime::Unknown => "how long they hold is not said".to_owned(),
            },
            used.ends.map(|end| show::time_short(end, at.mode, s.start, s.start)).unwrap_or_default(),
            used.refused.map(|r| r.code.to_string()).unwrap_or_default(),
            match used.verified {
                Some(true) => "is the one given out".to_owned(),
                Some(false) => "is not the one given out".to_owned(),
                None => "not seen".to_owned(),
            },
        ];
        let bad = used.refused.is_some() || allocation::failed(at.analysis, a);
        part.push(row, Lead { frame, bad, ..Lead::default() });
    }
    let uses = show::count(part.leads.len() as u64, "allocation", "allocations");
    part.titled(format!("{uses} with these credentials")).filled()
}

pub(super) fn relay_part(s: &SignIn) -> Option<Part> {
    let mras = s.mras.as_ref()?;
    let columns = vec![
        Column::new("host", "Media relay", Align::Left, 0),
        Column::new("location", "Location", Align::Left, 1),
        Column::new("udp", "UDP", Align::Right, 0),
        Column::new("tcp", "TCP", Align::Right, 0),
    ];
    let port = |p: Option<u16>| p.map(|p| p.to_string()).unwrap_or_default();
    let mut part = Part::of(columns);
    for r in &mras.relays {
        let row = vec![show::safe_str(&r.host), show::safe_str(&r.location), port(r.udp), port(r.tcp)];
        part.push(row, Lead::default());
    }
    let mut title = "Media relay credentials".to_owned();
    if let Some(location) = &mras.location {
        title.push_str(&format!("  location {}", show::safe_str(location)));
    }
    if let Some(minutes) = mras.duration {
        title.push_str(&format!("  for {minutes} min"));
    }
    if let Some(user) = &mras.username {
        title.push_str(&format!("  user {}", show::shorten(&show::safe_str(user), 24)));
    }
    Some(part.titled(title))
}
