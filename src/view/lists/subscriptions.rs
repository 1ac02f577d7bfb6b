//! Subscriptions: who watches whom or what, how often it is told and how much, and what it was told.

use std::collections::HashMap;

use super::*;
use crate::correlate::gathered::{Ending, Fidelity, Subscription, SubscriptionState, Told};
use crate::view::rows::columns;

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the subscription",
    "start" "Start" Left 3 "time of the first message",
    "event" "Event" Left 0 "event package",
    "subscriber" "Subscriber" Left 0 "who is told",
    "target" "Target" Left 1 "about whom or what; of a batched one how many",
    "fidelity" "Fidelity" Left 2 "of presence: high: told of changes; low: fetched now and then (Expires: 0)",
    "period" "Every" Right 2 "median time from one fetch to the next",
    "state" "State" Left 0 "active, terminated, rejected, unanswered (no answer yet where the capture ends before it was due)",
    "status" "Status" Right 3 "final status of the last SUBSCRIBE",
    "notifies" "Told" Right 2 "NOTIFY and BENOTIFY, each once whatever the hops",
    "bytes" "Bytes" Right 4 "bodies of those",
    "rate" "A minute" Right 5 "notifications a minute while it lasted",
    "byte_rate" "Bytes/s" Right 6 "bytes of their bodies a second while it lasted",
    "refreshes" "Refreshes" Right 5 "SUBSCRIBEs that prolonged it",
    "fetches" "Fetches" Right 6 "SUBSCRIBEs that fetched once",
    "targets" "Targets" Right 5 "resources of a batched one, 1 of a single one",
    "categories" "Categories" Left 6 "categories that a batched one asks for",
    "expires" "Expires" Right 6 "seconds last asked for or granted",
    "duration" "Duration" Right 6 "first message to last",
    "ended" "Ended" Left 4 "how it ended: notified, unsubscribed, expired, refused, fetched",
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
    let all = at.gathered.subscriptions();
    let Some(s) = all.get(row as usize) else { return none() };
    match key {
        "id" => number(u64::from(row) + 1),
        "start" => {
            let before = before.and_then(|b| all.get(b as usize)).map(|b| b.start);
            at.time(s.start, all.first().map(|f| f.start), before)
        }
        "event" => text(show::shorten(&show::safe_str(&s.event), 80)),
        "subscriber" => text(user(&s.subscriber)),
        "target" => text(target(s)),
        "fidelity" => s.presence_fidelity().map_or_else(none, |f| text(f.name().to_owned())),
        "period" => s.poll_period.map_or_else(none, duration),
        "state" if is_waiting(at, s) => text("no answer yet".to_owned()),
        "state" => text(s.state.name().to_owned()),
        "status" if s.status > 0 => number(u64::from(s.status)),
        "notifies" => number(u64::from(s.notifies)),
        "bytes" => {
            (show::size(s.notify_bytes), Key::Number(i64::try_from(s.notify_bytes).unwrap_or(i64::MAX)))
        }
        "rate" => rate(s).map_or_else(none, |r| (format!("{r:.1}"), Key::Number((r * 1000.0) as i64))),
        "byte_rate" => match seconds(s) {
            Some(time) if s.notifies > 1 => {
                let rate = (s.notify_bytes as f64 / time) as u64;
                (show::size(rate), Key::Number(i64::try_from(rate).unwrap_or(i64::MAX)))
            }
            _ => none(),
        },
        "refreshes" => number(u64::from(s.refreshes)),
        "fetches" if s.fidelity == Fidelity::Low => number(u64::from(s.fetches)),
        "targets" => number(u64::from(s.targets)),
        "categories" => text(show::shorten(&show::safe_str(&s.categories.join(", ")), 80)),
        "expires" => s.expires.map_or_else(none, |e| number(u64::from(e))),
        "duration" => duration(s.end.saturating_sub(s.start)),
        "ended" => text(s.ending.name().unwrap_or_default().to_owned()),
        "reason" => text(show::safe_str(&s.reason)),
        _ => none(),
    }
}

fn user(uri: &str) -> String {
    show::party_short(b"", uri.as_bytes())
}

/// Whether the end of the capture overtakes the answer.
fn is_waiting(at: At<'_>, s: &Subscription) -> bool {
    s.state == SubscriptionState::Unanswered && at.analysis.may_yet_be_answered(s.end)
}

fn target(s: &Subscription) -> String {
    match s.contacts.as_slice() {
        [] => user(&s.target),
        [one] => user(one),
        [first, ..] => format!("{} and {} more", user(first), s.targets - 1),
    }
}

/// How long it lasted, where that is long enough to speak of rates.
fn seconds(s: &Subscription) -> Option<f64> {
    let seconds = s.end.saturating_sub(s.start) as f64 / 1e9;
    (seconds >= 6.0).then_some(seconds)
}

/// Notifications a minute.
fn rate(s: &Subscription) -> Option<f64> {
    Some(f64::from(s.notifies) / (seconds(s)? / 60.0)).filter(|_| s.notifies > 1)
}

/// What the reasons of RFC 6665 §4.1.3 mean for the subscriber.
fn reason_words(reason: &str) -> &'static str {
    match reason {
        "deactivated" => "the notifier asks to subscribe again at once",
        "probation" => "the notifier asks to subscribe again later",
        "rejected" => "the owner does not allow it any more",
        "timeout" => "it was not prolonged",
        "giveup" => "nobody allowed it in time",
        "noresource" => "what it watched is gone",
        "invariant" => "what it watches will not change any more",
        _ => "",
    }
}

/// How it stands, in a sentence.
fn standing(at: At<'_>, s: &Subscription) -> String {
    let why = match (s.reason.as_str(), reason_words(&s.reason)) {
        ("", _) => String::new(),
        (reason, "") => format!(", reason {}", show::safe_str(reason)),
        (reason, words) => format!(", reason {reason}: {words}"),
    };
    match (s.state, s.ending) {
        (SubscriptionState::Rejected, _) => {
            format!("Rejected with {} {}.", s.status, show::reason_phrase(s.status)).replace(" .", ".")
        }
        (SubscriptionState::Unanswered, _) if is_waiting(at, s) => {
            "Not answered yet when the capture ends.".to_owned()
        }
        (SubscriptionState::Unanswered, _) => "Nothing answered the SUBSCRIBE.".to_owned(),
        (SubscriptionState::Active, _) if !s.asked => {
            "Active; who subscribed, and when, is not in the capture.".to_owned()
        }
        (SubscriptionState::Active, _) => "Active when the capture ends.".to_owned(),
        (_, Ending::Unsubscribed) => format!("The subscriber ended it (Expires: 0){why}."),
        (_, Ending::Fetched) => "Each fetch ends with its answer.".to_owned(),
        (_, Ending::Refused) => {
            format!("It ended when the SUBSCRIBE that was to prolong it got {}.", s.status)
        }
        (_, Ending::RanOut) => {
            let granted = s.expires.map_or(String::new(), |e| format!(" after {e} s"));
            let silent = at.analysis.newest_time().saturating_sub(s.end);
            format!("It ran out{granted}: nobody prolonged it, nothing came for {}.", show::duration(silent))
        }
        (_, Ending::Disowned) => {
            "The subscriber knows it no more: it answered a notification with 481.".to_owned()
        }
        (_, Ending::Notified | Ending::None) => format!("The notifier ended it{why}."),
    }
}

/// Whether it is told of changes or fetches now and then; None where neither came about.
fn manner(s: &Subscription) -> Option<String> {
    let refused = matches!(s.state, SubscriptionState::Rejected | SubscriptionState::Unanswered);
    if refused && s.notifies == 0 && s.fetches < 2 {
        return None;
    }
    let words = match (s.fidelity, s.poll_period) {
        (Fidelity::Low, Some(period)) => {
            format!("fetched {} times, about every {}.", s.fetches, show::duration(period))
        }
        (Fidelity::Low, None) => "fetched once (Expires: 0).".to_owned(),
        (Fidelity::High, _) => match s.expires {
            Some(e) => format!("told of every change, for {e} s at a time."),
            None => "told of every change.".to_owned(),
        },
    };
    Some(match s.presence_fidelity() {
        Some(Fidelity::High) => format!("High fidelity: {words}"),
        Some(Fidelity::Low) => format!("Low fidelity: {words}"),
        None => format!("It {} {words}", if s.fidelity == Fidelity::High { "is" } else { "was" }),
    })
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let s = at.gathered.subscriptions().get(row as usize)?;
    let event = show::safe_str(&s.event);
    let title = format!("Subscription {}  {} → {}  {event}", row + 1, user(&s.subscriber), target(s));
    let mut head = vec![standing(at, s)];
    head.extend(manner(s));
    if !s.contacts.is_empty() {
        let categories = match s.categories.is_empty() {
            true => String::new(),
            false => format!(": {}", show::shorten(&show::safe_str(&s.categories.join(", ")), 120)),
        };
        head.push(format!(
            "Batched, {}{categories}.",
            show::count(u64::from(s.targets), "contact", "contacts")
        ));
    }
    let mut told_words = format!(
        "{} with {} of bodies",
        show::count(u64::from(s.notifies), "notification", "notifications"),
        show::size(s.notify_bytes)
    );
    if s.piggybacked > 0 {
        told_words.push_str(&format!(", {} more in answers to SUBSCRIBE", s.piggybacked));
    }
    if let Some(rate) = rate(s) {
        told_words.push_str(&format!(", {rate:.1} a minute"));
    }
    head.push(told_words + ".");
    match (s.told_first, s.status) {
        (false, _) => {}
        (true, 0) => {
            head.push("The SUBSCRIBE has no answer in the capture but its notifications.".to_owned())
        }
        (true, _) => {
            head.push("The first notification came before the SUBSCRIBE was answered, as it may.".to_owned());
        }
    }
    let told = at.analysis.told_to(s);
    head.extend(told.issues.iter().take(4).map(|(m, text)| {
        format!("Frame {}: {}.", at.analysis.message(*m).frame.frame, show::safe_str(text))
    }));
    let mut parts = Vec::new();
    parts.extend(contact_part(s, &told));
    parts.extend(told_part(at, &told));
    let owners = s.owners.clone();
    parts.push(messages_of(at, &owners));
    Some(Detail { title, head, parts, owners })
}

/// Contacts listed of one subscription.
const MOST_CONTACTS: usize = 1_000;

/// Values told of a contact, the message of the last one, and the last of each by its name.
type Known<'a> = (usize, MsgIdx, Vec<(&'a str, &'a str)>);

/// Each contact with what was told of it last.
fn contact_part(s: &Subscription, told: &Told) -> Option<Part> {
    let mut order: Vec<&str> = s.contacts.iter().map(String::as_str).collect();
    let mut known: HashMap<String, Known<'_>> = HashMap::new();
    for v in &told.values {
        let entry = known.entry(v.contact.to_ascii_lowercase()).or_insert((0, v.message, Vec::new()));
        entry.0 += 1;
        entry.1 = v.message;
        match entry.2.iter_mut().find(|(what, _)| *what == v.what) {
            Some(old) => old.1 = &v.value,
            None => entry.2.push((&v.what, &v.value)),
        }
        if entry.0 == 1 && !order.iter().any(|c| c.eq_ignore_ascii_case(&v.contact)) {
            order.push(&v.contact);
        }
    }
    if order.len() < 2 && s.contacts.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("contact", "Contact", Align::Left, 0),
        Column::new("changes", "Values", Align::Right, 1),
        Column::new("last", "Told last", Align::Left, 0),
    ];
    let mut part = Part::of(columns);
    for contact in order.iter().take(MOST_CONTACTS) {
        let of = known.get(&contact.to_ascii_lowercase());
        let last = of.map(|(.., all)| {
            let all = all.iter().filter(|(_, v)| !v.is_empty()).map(|(what, v)| format!("{what} {v}"));
            all.collect::<Vec<_>>().join("; ")
        });
        let row = vec![
            user(contact),
            of.map_or(0, |(n, ..)| *n).to_string(),
            last.map_or("nothing".to_owned(), |l| show::shorten(&show::safe_str(&l), 120)),
        ];
        part.push(row, of.map_or(Lead::default(), |(_, m, _)| Lead::to(*m)));
    }
    let title = match order.len() {
        n if n > MOST_CONTACTS => format!("The first {MOST_CONTACTS} of {} contacts", show::number(n as u64)),
        n => show::count(n as u64, "contact", "contacts"),
    };
    Some(part.titled(title))
}

/// What the watcher was told, when.
fn told_part(at: At<'_>, told: &Told) -> Option<Part> {
    if told.values.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("time", "Time", Align::Right, 0),
        Column::new("contact", "Contact", Align::Left, 1),
        Column::new("what", "What", Align::Left, 0),
        Column::new("value", "Value", Align::Left, 0),
        Column::new("frame", "Frame", Align::Right, 2),
    ];
    let start = told.values.first().map_or(0, |v| v.time);
    let mut before = start;
    let mut part = Part::of(columns);
    for v in &told.values {
        let row = vec![
            show::time(v.time, at.mode, start, before),
            user(&v.contact),
            show::shorten(&show::safe_str(&v.what), 40),
            show::shorten(&show::safe_str(&v.value), 120),
            at.analysis.message(v.message).frame.frame.to_string(),
        ];
        before = v.time;
        part.push(
            row,
            Lead::to(v.message).bad(v.what == "subscription" && v.value.starts_with("terminated")),
        );
    }
    let mut title = "What the watcher was told, where it changed".to_owned();
    if told.repeats > 0 {
        let repeats = show::count(told.repeats, "value", "values");
        title.push_str(&format!("; {repeats} said the same again"));
    }
    if told.read < told.total {
        let (read, total) = (show::number(told.read as u64), show::number(told.total as u64));
        title.push_str(&format!("; the first {read} of {total} notifications"));
    }
    Some(part.titled(title))
}
