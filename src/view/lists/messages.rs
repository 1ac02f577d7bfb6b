//! Instant messages: who wrote what to whom, and whether it got there.

use super::*;
use crate::correlate::gathered::{Conversation, EventKind, InstantMessage, JoinedBy};
use crate::diagnose::im::{delivered, is_waiting};
use crate::view::rows::columns;

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the instant message",
    "time" "Time" Left 2 "when it was sent",
    "from" "From" Left 1 "who wrote it",
    "to" "To" Left 2 "to whom or which conference",
    "delivered" "Delivered" Left 0 "whether the writer was told that it got there, or why not",
    "text" "Text" Left 1 "what it says, without its markup",
    "conversation" "Conv" Right 3 "number of its conversation",
    "type" "Type" Left 5 "its media type",
    "status" "Status" Right 5 "final status that the writer was given",
    "took" "Answered" Right 5 "time to that answer",
    "by" "By" Left 5 "MESSAGE, or the INVITE that carries it",
    "attempts" "Attempts" Right 6 "requests, those that were challenged included",
    "frame" "Frame" Right 6 "frame of the request",
    "call_id" "Call-ID" Left 6 "Call-ID of the request",
}

pub(super) const LIST: List = List {
    name: "messages",
    words: ("instant message", "instant messages"),
    needs: "An instant message needs MESSAGE, or an INVITE with ms-text-format, in the clear.",
    help: HELP,
    definitions: DEFINITIONS,
    defaults: 6,
};

/// Columns of a text in the table, and of a line of a transcript.
const LONGEST: usize = 200;
const LINE: usize = 96;
/// Lines of one message in a transcript.
const MOST_LINES: usize = 200;

pub(super) fn cell(at: At<'_>, row: u32, key: &str, before: Option<u32>) -> Cell {
    let all = at.gathered.instant_messages();
    let Some(m) = all.get(row as usize) else { return none() };
    let record = at.analysis.message(m.message);
    match key {
        "id" => number(u64::from(row) + 1),
        "time" => {
            let time = |m: &InstantMessage| at.analysis.message(m.message).time;
            at.time(record.time, all.first().map(time), before.and_then(|b| all.get(b as usize)).map(time))
        }
        "from" => text(short(&m.from)),
        "to" => text(short(&m.to)),
        "delivered" => text(delivered(at.analysis, m)),
        "text" => text(one_line(at, m)),
        "conversation" => number(m.conversation as u64 + 1),
        "type" => text(show::safe_str(&at.analysis.instant_text(m).content_type)),
        "status" if m.status > 0 => number(u64::from(m.status)),
        "took" => at.analysis.answered_after(m).map_or_else(none, duration),
        "by" => text(m.carrier.name().to_owned()),
        "attempts" => number(u64::from(m.attempts)),
        "frame" => number(u64::from(record.frame.frame)),
        "call_id" => at.interned(match record.owner {
            Owner::Call(c) => at.analysis.call(c).call_id,
            Owner::Dialog(d) => at.analysis.dialog(d).call_id,
        }),
        _ => none(),
    }
}

fn short(uri: &str) -> String {
    show::party_short(b"", uri.as_bytes())
}

/// Its words in one line.
fn one_line(at: At<'_>, m: &InstantMessage) -> String {
    let read = at.analysis.instant_text(m);
    match read.text {
        Some(words) => {
            let head: String = words.chars().take(LONGEST * 2).collect();
            let line = head.split_whitespace().collect::<Vec<_>>().join(" ");
            show::shorten(&show::safe_str(&line), LONGEST)
        }
        None => format!("({})", named(&read.content_type)),
    }
}

/// What a body is that holds no text.
fn named(content_type: &str) -> String {
    match content_type {
        "" => "empty".to_owned(),
        "text/x-msmsgsinvite" => "invitation to a file transfer or another session".to_owned(),
        "application/ms-filetransfer+xml" => "file transfer".to_owned(),
        other => show::safe_str(other),
    }
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let m = at.gathered.instant_messages().get(row as usize)?;
    let conversation = at.gathered.conversations().get(m.conversation)?;
    let title = format!(
        "Instant message {}  {} → {}  {}",
        row + 1,
        short(&m.from),
        short(&m.to),
        match m.is_delivered() {
            true => "delivered".to_owned(),
            false =>
                delivered(at.analysis, m) + if is_waiting(at.analysis, m) { " (capture ends)" } else { "" },
        }
    );
    let mut head = vec![about(at, m)];
    head.extend(at.analysis.instant_text(m).issues.iter().take(4).map(|i| format!("{}.", show::safe_str(i))));
    let n = conversation.messages.len();
    let failed = conversation.messages.iter().filter_map(|i| at.gathered.instant_messages().get(*i));
    let undelivered = failed.filter(|m| !m.is_delivered());
    let (open, failed): (Vec<_>, Vec<_>) = undelivered.partition(|m| is_waiting(at.analysis, m));
    let some = |n: usize, what: &str| match n {
        0 => String::new(),
        n => format!(", {} {what}", show::number(n as u64)),
    };
    head.push(format!(
        "Conversation {}: {}{}{}{}.",
        m.conversation + 1,
        show::count(n as u64, "message", "messages"),
        some(failed.len(), "not delivered"),
        some(open.len(), "not answered yet"),
        joined(conversation)
    ));
    if at.analysis.redact_text {
        head.push("What was written is replaced by x (--redact-text).".to_owned());
    }
    let owners = conversation.owners.clone();
    Some(Detail { title, head, parts: vec![transcript(at, conversation), messages_of(at, &owners)], owners })
}

/// How it was sent and what became of it.
fn about(at: At<'_>, m: &InstantMessage) -> String {
    let read = at.analysis.instant_text(m);
    let mut out = format!("Sent as {} in {}", show::safe_str(&read.content_type), m.carrier.name());
    if read.content_type.is_empty() {
        out = format!("Sent without a type in {}", m.carrier.name());
    }
    if let Some(relay) = &m.relayed_by {
        out.push_str(&format!(", relayed by {}", short(relay)));
    }
    if m.attempts > 1 {
        out.push_str(&format!(", {} attempts", m.attempts));
    }
    match at.analysis.answered_after(m) {
        Some(time) => out.push_str(&format!(", answered with {} after {}", m.status, show::duration(time))),
        None if m.status > 0 => out.push_str(&format!(", answered with {}", m.status)),
        None if is_waiting(at.analysis, m) => out.push_str(", not answered yet when the capture ends"),
        None => out.push_str(", never answered"),
    }
    if read.truncated {
        out.push_str(", too long to be shown whole");
    }
    out + "."
}

fn joined(conversation: &Conversation) -> String {
    let what = match conversation.joined_by {
        JoinedBy::Conference => "conference",
        JoinedBy::ConversationId => "Ms-Conversation-ID",
        JoinedBy::Parties => "its two parties",
        JoinedBy::CallId => "Call-ID",
    };
    let dialogs = conversation.owners.len() as u64;
    match (dialogs, conversation.joined_by) {
        (_, JoinedBy::CallId) | (1, JoinedBy::Parties) => String::new(),
        (n, JoinedBy::Parties) => format!(" in {n} Call-IDs, joined by {what}"),
        (n, _) => {
            let id = show::shorten(&show::safe_str(&conversation.id), 40);
            format!(" in {}, joined by {what} {id}", show::count(n, "Call-ID", "Call-IDs"))
        }
    }
}

/// What was written and done, a line at a time.
fn transcript(at: At<'_>, conversation: &Conversation) -> Part {
    let columns = vec![
        Column::new("time", "Time", Align::Right, 1),
        Column::new("who", "Who", Align::Left, 0),
        Column::new("text", "What", Align::Left, 0),
        Column::new("delivered", "Delivered", Align::Left, 2),
    ];
    enum Entry<'a> {
        Written(&'a InstantMessage),
        Told(&'a crate::correlate::gathered::Event),
    }
    let written = conversation.messages.iter().filter_map(|i| at.gathered.instant_messages().get(*i));
    let mut entries: Vec<(Nanos, MsgIdx, Entry<'_>)> =
        written.map(|m| (at.analysis.message(m.message).time, m.message, Entry::Written(m))).collect();
    let told = conversation.events.iter();
    entries.extend(told.map(|e| (at.analysis.message(e.message).time, e.message, Entry::Told(e))));
    entries.sort_by_key(|(time, m, _)| (*time, *m));
    let total = entries.len();
    entries.truncate(MOST_MESSAGES);
    let start = entries.first().map_or(0, |(time, ..)| *time);
    let (mut part, mut before) = (Part::of(columns), start);
    for (time, m, entry) in &entries {
        let when = show::time(*time, at.mode, start, before);
        before = *time;
        let (who, lines, outcome, bad) = match entry {
            Entry::Written(m) => {
                let bad = !m.is_delivered() && !is_waiting(at.analysis, m);
                (short(&m.from), lines_of(at, m), delivered(at.analysis, m), bad)
            }
            Entry::Told(e) => {
                let words = match e.kind {
                    EventKind::Typing(Some(true)) => "(writes)",
                    EventKind::Typing(Some(false)) => "(stops writing)",
                    EventKind::Typing(None) => "(keyboard activity)",
                    EventKind::Notice => "(delivery notice)",
                };
                (short(&e.from), vec![words.to_owned()], String::new(), false)
            }
        };
        for (n, line) in lines.into_iter().enumerate() {
            let first = |text: &str| if n == 0 { text.to_owned() } else { String::new() };
            let row = vec![first(&when), first(&who), line, first(&outcome)];
            part.push(row, Lead::to(*m).bad(bad));
        }
    }
    let title = if total > entries.len() {
        format!("The first {} of {} entries", entries.len(), show::number(total as u64))
    } else {
        "Transcript".to_owned()
    };
    part.titled(title)
}

fn lines_of(at: At<'_>, m: &InstantMessage) -> Vec<String> {
    let read = at.analysis.instant_text(m);
    let Some(words) = read.text else { return vec![format!("({})", named(&read.content_type))] };
    let mut out: Vec<String> = Vec::new();
    for line in show::safe_lines(words.trim_end().as_bytes()) {
        out.extend(wrapped(&line));
        if out.len() > MOST_LINES {
            out.truncate(MOST_LINES);
            out.push("…".to_owned());
            return out;
        }
    }
    if read.truncated {
        out.push("…".to_owned());
    }
    if out.is_empty() {
        out.push("(empty)".to_owned());
    }
    out
}

/// A line in pieces that fit, broken at spaces where there are some.
fn wrapped(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut room = LINE;
    for word in line.split_inclusive(' ') {
        let mut rest = word;
        while !rest.is_empty() {
            let width = show::width(rest);
            if width <= room {
                break;
            }
            if room < LINE {
                out.push(String::new());
                room = LINE;
                continue;
            }
            // A single word that is longer than a line.
            let end = rest.char_indices().nth(LINE / 2).map_or(rest.len(), |(i, _)| i);
            let (head, tail) = rest.split_at(end);
            if let Some(last) = out.last_mut() {
                last.push_str(head);
            }
            out.push(String::new());
            rest = tail;
        }
        if let Some(last) = out.last_mut() {
            last.push_str(rest);
            room = room.saturating_sub(show::width(rest));
        }
        if out.len() > MOST_LINES {
            break;
        }
    }
    if out.len() > 1 {
        out.retain(|l| !l.is_empty());
    }
    out
}
