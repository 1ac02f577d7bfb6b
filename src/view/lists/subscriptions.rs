//! Subscriptions: who watches whom or what, how often it is told and how much.

use super::*;
use crate::correlate::gathered::{Fidelity, Subscription, SubscriptionState};
use crate::view::rows::columns;

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the subscription",
    "start" "Start" Left 3 "time of the first message",
    "event" "Event" Left 0 "event package",
    "subscriber" "Subscriber" Left 0 "who is told",
    "target" "Target" Left 1 "about whom or what",
    "fidelity" "Fidelity" Left 2 "high: told of changes; low: fetched now and then (Expires: 0)",
    "period" "Every" Right 2 "median time from one fetch to the next",
    "state" "State" Left 0 "active, terminated, rejected, unanswered",
    "status" "Status" Right 3 "final status of the last SUBSCRIBE",
    "notifies" "Told" Right 2 "NOTIFY and BENOTIFY",
    "bytes" "Bytes" Right 4 "bodies of those",
    "rate" "A minute" Right 5 "notifications a minute while it lasted",
    "refreshes" "Refreshes" Right 5 "SUBSCRIBEs that prolonged it",
    "fetches" "Fetches" Right 6 "SUBSCRIBEs that fetched once",
    "expires" "Expires" Right 6 "seconds last asked for or granted",
    "duration" "Duration" Right 6 "first message to last",
    "reason" "Reason" Left 4 "why it ended, as Subscription-State says",
}

pub(super) const LIST: List = List {
    name: "subscriptions",
    words: ("subscription", "subscriptions"),
    needs: "A subscription needs SUBSCRIBE, NOTIFY or BENOTIFY in the clear.",
    help: HELP,
    definitions: DEFINITIONS,
    defaults: 11,
};

pub(super) fn cell(at: At<'_>, row: u32, key: &str, before: Option<u32>) -> Cell {
    let all = &at.gathered.subscriptions;
    let Some(s) = all.get(row as usize) else { return none() };
    match key {
        "id" => number(u64::from(row) + 1),
        "start" => {
            let before = before.and_then(|b| all.get(b as usize)).map(|b| b.start);
            at.time(s.start, all.first().map(|f| f.start), before)
        }
        "event" => at.interned(s.event),
        "subscriber" => at.user(s.subscriber),
        "target" => at.user(s.target),
        "fidelity" => text(s.fidelity.name().to_owned()),
        "period" => s.poll_period.map_or_else(none, duration),
        "state" => text(s.state.name().to_owned()),
        "status" if s.status > 0 => number(u64::from(s.status)),
        "notifies" => number(u64::from(s.notifies)),
        "bytes" => {
            (show::size(s.notify_bytes), Key::Number(i64::try_from(s.notify_bytes).unwrap_or(i64::MAX)))
        }
        "rate" => rate(s).map_or_else(none, |r| (format!("{r:.1}"), Key::Number((r * 1000.0) as i64))),
        "refreshes" => number(u64::from(s.refreshes)),
        "fetches" if s.fidelity == Fidelity::Low => number(s.dialogs.len() as u64),
        "expires" => s.expires.map_or_else(none, |e| number(u64::from(e))),
        "duration" => duration(s.end.saturating_sub(s.start)),
        "reason" => text(ending(at, s)),
        _ => none(),
    }
}

/// Notifications a minute, where it lasted long enough to say.
fn rate(s: &Subscription) -> Option<f64> {
    let minutes = s.end.saturating_sub(s.start) as f64 / 60e9;
    (s.notifies > 1 && minutes >= 0.1).then(|| f64::from(s.notifies) / minutes)
}

fn ending(at: At<'_>, s: &Subscription) -> String {
    let last = s.dialogs.last().map(|d| &at.analysis.dialog(*d).summary);
    match last.filter(|l| l.terminated) {
        Some(l) => show::safe(at.analysis.strings.bytes(l.terminated_reason)),
        None => String::new(),
    }
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let s = at.gathered.subscriptions.get(row as usize)?;
    let name = |uri| show::party_short(b"", at.analysis.strings.bytes(uri));
    let event = show::safe(at.analysis.strings.bytes(s.event));
    let title = format!("Subscription {}  {} → {}  {event}", row + 1, name(s.subscriber), name(s.target));
    let mut head = vec![match s.state {
        SubscriptionState::Rejected => format!("Rejected with {}.", s.status),
        SubscriptionState::Unanswered => "Nothing answered the SUBSCRIBE.".to_owned(),
        SubscriptionState::Active => "Active.".to_owned(),
        SubscriptionState::Terminated => match ending(at, s) {
            reason if reason.is_empty() => "Ended.".to_owned(),
            reason => format!("Ended: {reason}."),
        },
    }];
    head.push(match (s.fidelity, s.poll_period) {
        (Fidelity::Low, Some(period)) => format!(
            "Low fidelity: fetched {} times, about every {}.",
            s.dialogs.len(),
            show::duration(period)
        ),
        (Fidelity::Low, None) => "Low fidelity: fetched once (Expires: 0).".to_owned(),
        (Fidelity::High, _) => match s.expires {
            Some(e) => format!("High fidelity: told of every change, for {e} s at a time."),
            None => "High fidelity: told of every change.".to_owned(),
        },
    });
    head.push(format!(
        "{} with {} of bodies.",
        show::count(u64::from(s.notifies), "notification", "notifications"),
        show::size(s.notify_bytes)
    ));
    let owners: Vec<Owner> = s.dialogs.iter().map(|d| Owner::Dialog(*d)).collect();
    Some(Detail { title, head, parts: vec![messages_of(at, &owners)], owners })
}
