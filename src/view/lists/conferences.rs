//! Conferences: one row each; commands and roster changes over time, who was in it, and why commands failed.

mod words;

use super::*;
use crate::correlate::gathered::{Command, Conference, LegRole, Member};
use crate::correlate::{CallIdx, CallState};
use crate::diagnose::conference::{advice_of_command, failure_words};
use crate::view::rows::columns;

pub use words::roster_change_words;

use words::{command_words, member_name, result_words, short_change};

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the conference",
    "start" "Start" Left 3 "time of its first message",
    "conference" "Conference" Left 0 "conference id; of other vendors the address",
    "organizer" "Organizer" Left 1 "who organizes it",
    "mcus" "MCUs" Left 2 "conferencing servers: audio-video, chat, applicationsharing, data, phone",
    "users" "Users" Right 1 "users of the roster, those who left included",
    "commands" "Cmds" Right 2 "commands of conference control",
    "failed" "Failed" Right 1 "commands that failed or got no answer",
    "calls" "Calls" Right 3 "focus dialogs, calls to and from conferencing servers, invitations",
    "worst" "Worst" Left 0 "the first failed command and why; else a roster that is not complete",
    "state" "State" Left 5 "open, ended, factory (only asked for what there is)",
    "subject" "Subject" Left 6 "subject",
    "focus" "Focus" Left 6 "URI of the focus",
    "changes" "Changes" Right 6 "roster changes",
    "gaps" "Gaps" Right 6 "versions of the roster that are missing",
    "duration" "Duration" Right 5 "first message to last",
}

pub(super) const LIST: List = List {
    name: "conferences",
    words: ("conference", "conferences"),
    needs: "A conference needs conference control (application/cccp+xml), conference-info or calls of conferencing servers in the clear.",
    help: HELP,
    definitions: DEFINITIONS,
    defaults: 10,
};

/// Participants that get a column of the time-line.
const MOST_COLUMNS: usize = 6;
/// Rows of the time-line.
const MOST_ROWS: usize = 5_000;

pub(super) fn cell(at: At<'_>, row: u32, key: &str, before: Option<u32>) -> Cell {
    let all = at.gathered.conferences();
    let Some(c) = all.get(row as usize) else { return none() };
    let safe = |t: &str| text(show::shorten(&show::safe_str(t), 80));
    let count = |n: usize| number(n as u64);
    match key {
        "id" => number(u64::from(row) + 1),
        "start" => {
            let before = before.and_then(|b| all.get(b as usize)).map(|b| b.start);
            at.time(c.start, all.first().map(|f| f.start), before)
        }
        "conference" if c.factory => text("(factory)".to_owned()),
        "conference" => safe(&c.conference_id),
        "organizer" if c.organizer.is_empty() => none(),
        "organizer" => text(show::party_short(b"", c.organizer.as_bytes())),
        "mcus" => text(kinds(c)),
        "users" if c.documents == 0 => none(),
        "users" => count(users(c)),
        "commands" => count(c.commands.len()),
        "failed" => count(c.failed().count()),
        "calls" => count(c.legs.len()),
        "worst" => text(worst(c)),
        "state" => text(state(c).to_owned()),
        "subject" => c.subject.as_deref().map_or_else(none, safe),
        "focus" => safe(&c.focus),
        "changes" => count(c.events.len()),
        "gaps" => number(u64::from(c.gaps)),
        "duration" => duration(c.end.saturating_sub(c.start)),
        _ => none(),
    }
}

/// Different users, one that came back counted once.
fn users(c: &Conference) -> usize {
    let mut names: Vec<String> = c.roster.iter().map(|m| m.user.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

fn kinds(c: &Conference) -> String {
    let mut kinds: Vec<String> = c.mcus.iter().map(|m| show::shorten(&show::safe_str(&m.kind), 24)).collect();
    kinds.dedup();
    kinds.join(", ")
}

fn state(c: &Conference) -> &'static str {
    match () {
        () if c.factory => "factory",
        () if c.ended => "ended",
        () => "open",
    }
}

fn worst(c: &Conference) -> String {
    if let Some(failed) = c.failed().next() {
        let name = show::shorten(&show::safe_str(&failed.name), 32);
        return format!("{name}: {}", failure_words(failed));
    }
    match () {
        () if c.gaps > 0 => "roster: versions missing".to_owned(),
        () if c.documents > 0 && !c.roster_complete => "roster: incomplete".to_owned(),
        () => String::new(),
    }
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let c = at.gathered.conferences().get(row as usize)?;
    let name = match () {
        () if c.factory => "(factory)".to_owned(),
        () => show::shorten(&show::safe_str(&c.conference_id), 48),
    };
    let mut title = format!("Conference {}  {name}", row + 1);
    if !c.organizer.is_empty() {
        title.push_str(&format!("  organizer {}", show::party_short(b"", c.organizer.as_bytes())));
    }
    let owners = ListKind::Conferences.owners(at.analysis, at.lists, row);
    let mut parts = Vec::new();
    parts.extend(time_line(at, c));
    parts.extend(roster_part(at, c));
    parts.extend(command_part(at, c));
    parts.extend(leg_part(at, c));
    parts.push(messages_of(at, &owners));
    Some(Detail { title, head: head(c), parts, owners })
}

fn head(c: &Conference) -> Vec<String> {
    let mut head = Vec::new();
    let failed = c.failed().count();
    match failed {
        0 => {}
        n => head.push(format!(
            "{} of {} failed.",
            n,
            show::count(c.commands.len() as u64, "command", "commands")
        )),
    }
    let mut said: Vec<String> = Vec::new();
    for command in c.failed() {
        let line = format!("{}: {}", command_words(c, command), advice_of_command(command));
        if !said.contains(&line) {
            said.push(line);
        }
    }
    let more = said.len().saturating_sub(3);
    head.extend(said.into_iter().take(3));
    if more > 0 {
        head.push(format!("{} more stand in the table of commands.", show::number(more as u64)));
    }
    if c.commands.iter().any(|c| c.same_id) {
        head.push(
            "Several commands of one dialog have the same request id: answers go to the newest open one."
                .to_owned(),
        );
    }
    if c.gaps > 0 {
        head.push(format!(
            "Roster documents are missing ({}): what happened in between is not known.",
            show::count(u64::from(c.gaps), "gap in the versions", "gaps in the versions")
        ));
    } else if c.documents > 0 && !c.roster_complete {
        head.push(
            "The roster is incomplete: only partial documents were seen, who came before them is not told."
                .to_owned(),
        );
    }
    if c.not_kept > 0 {
        head.push(format!(
            "{} more changes, users, commands or conferences were not kept, a limit being hit.",
            show::number(c.not_kept)
        ));
    }
    if let Some(subject) = &c.subject {
        head.push(format!("Subject: {}", show::shorten(&show::safe_str(subject), 100)));
    }
    if !c.focus.is_empty() {
        let what = if c.factory { "Factory" } else { "Focus" };
        head.push(format!("{what} {}", show::shorten(&show::safe_str(&c.focus), 160)));
    }
    for m in &c.mcus {
        let kind = callscope_parsers::c3p::McuKind::of(&m.kind).or_else(|| kind_of(&m.kind));
        let title = kind.map_or_else(|| show::safe_str(&m.kind), |k| k.title().to_owned());
        let uri = if m.uri.is_empty() { String::new() } else { format!("  {}", show::safe_str(&m.uri)) };
        head.push(show::shorten(&format!("{title}{uri}"), 200));
    }
    if c.factory {
        return head;
    }
    head.push(format!(
        "{}, {}.",
        match c.documents {
            0 => "No roster was seen".to_owned(),
            n => format!(
                "{} of the roster, {} there at the end",
                show::count(u64::from(n), "document", "documents"),
                show::count(c.present() as u64, "user", "users")
            ),
        },
        if c.ended { "the conference ended" } else { "its end was not seen" }
    ));
    head
}

/// By the short name that the JSON has.
fn kind_of(name: &str) -> Option<callscope_parsers::c3p::McuKind> {
    use callscope_parsers::c3p::McuKind;
    [McuKind::Data, McuKind::Phone].into_iter().find(|k| k.name() == name)
}

/// A row of the time-line.
struct Moment<'a> {
    time: Nanos,
    order: MsgIdx,
    what: String,
    /// Whom it is about, and what his column says.
    user: Option<(&'a str, String)>,
    lead: Lead,
}

fn time_line(at: At<'_>, c: &Conference) -> Option<Part> {
    let mut moments: Vec<Moment<'_>> = Vec::new();
    for command in &c.commands {
        let what = format!("{} {}", command_words(c, command), result_words(command));
        let target = command.target.as_deref().filter(|t| c.member_at(t).is_some());
        let short = format!("{} {}", show::shorten(&show::safe_str(&command.name), 20), words::mark(command));
        moments.push(Moment {
            time: command.time,
            order: command.message,
            what,
            user: target.map(|t| (t, short)),
            lead: Lead::to(command.message).bad(command.outcome.is_failure()),
        });
    }
    for event in &c.events {
        let time = at.analysis.message(event.message).time;
        moments.push(Moment {
            time,
            order: event.message,
            what: format!("roster: {}", roster_change_words(c, &event.change)),
            user: event.user().map(|u| (u, short_change(&event.change))),
            lead: Lead::to(event.message).bad(words::is_bad(&event.change)),
        });
    }
    for leg in &c.legs {
        call_moments(at, c, leg.call, leg.role, &mut moments);
    }
    if moments.is_empty() {
        return None;
    }
    moments.sort_by_key(|m| (m.time, m.order));
    let n = moments.len();
    let title = if n > MOST_ROWS {
        format!("Time-line, the first {} of {} steps", show::number(MOST_ROWS as u64), show::number(n as u64))
    } else {
        "Time-line".to_owned()
    };
    moments.truncate(MOST_ROWS);
    let people = people(c);
    let mut columns =
        vec![Column::new("time", "Time", Align::Right, 0), Column::new("what", "What", Align::Left, 0)];
    for (rank, name) in (3u8..).zip(&people) {
        columns.push(Column::new(format!("user{rank}"), name, Align::Left, rank));
    }
    columns.push(Column::new("frame", "Frame", Align::Right, 1));
    let start = moments.first().map_or(0, |m| m.time);
    let mut before = start;
    let mut part = Part::of(columns);
    for moment in moments {
        let mut row = vec![show::time(moment.time, at.mode, start, before), moment.what];
        before = moment.time;
        let named = moment.user.map(|(address, said)| {
            let user = c.member_at(address).map_or(address, |m| m.user.as_str());
            (member_name(c, user), said)
        });
        for name in &people {
            let own = named.as_ref().filter(|(who, _)| who == name);
            row.push(own.map(|(_, said)| said.clone()).unwrap_or_default());
        }
        row.push(at.analysis.message(moment.order).frame.frame.to_string());
        part.push(row, moment.lead);
    }
    Some(part.titled(title))
}

/// Names of those who came first.
fn people(c: &Conference) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for member in &c.roster {
        let name = member_name(c, &member.user);
        if names.len() < MOST_COLUMNS && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The steps of a call that is part of the conference.
fn call_moments<'a>(at: At<'a>, c: &Conference, call: CallIdx, role: LegRole, moments: &mut Vec<Moment<'a>>) {
    let one = at.analysis.call(call);
    let s = &one.summary;
    let (from, to) = (one.from_uri, one.to_uri);
    let name = |uri: Str| words::user_name(c, &at.analysis.text(uri));
    let (who, start) = match role {
        LegRole::DialOut => (to, format!("{} calls {}", server(c, call), name(to))),
        LegRole::Mcu => (from, format!("{} calls {}", name(from), server(c, call))),
        LegRole::Focus => (from, format!("{} calls the focus", name(from))),
        LegRole::Invitation => (to, format!("{} invites {}", name(from), name(to))),
    };
    let who = at.analysis.strings.bytes(who);
    let who = std::str::from_utf8(who).unwrap_or_default();
    let mut add = |time: Nanos, what: String, said: String, m: MsgIdx, bad: bool| {
        let lead = Lead::to(m).bad(bad);
        moments.push(Moment { time, order: m, what, user: Some((who, said)), lead });
    };
    let invite = |status: std::ops::Range<u16>| {
        at.analysis.messages_of(one.messages).take(2_000).find(|m| {
            let r = at.analysis.message(*m);
            r.method == MethodId::INVITE && status.contains(&r.status)
        })
    };
    // That a user joins the focus is told by the command.
    let told = role == LegRole::Focus && c.commands.iter().any(|c| c.message == one.messages.first);
    if !told {
        add(s.start, start.clone(), "called".to_owned(), one.messages.first, false);
    }
    if let Some(m) = s.setup.and_then(|_| invite(180..190)) {
        add(at.analysis.message(m).time, format!("{start}: it rings"), "rings".to_owned(), m, false);
    }
    let last = one.messages.last;
    match (s.answered, s.state) {
        (Some(_), _) if told => {}
        (Some(time), _) => {
            let m = invite(200..300).unwrap_or(last);
            let time = time.min(at.analysis.message(m).time);
            add(time, format!("{start}: answered"), "answered".to_owned(), m, false);
        }
        // Of one that is under way when the capture starts nothing is seen of the answer.
        (None, CallState::Trying | CallState::Ringing | CallState::Answered | CallState::Completed) => {}
        (None, state) => {
            let m = invite(300..700).unwrap_or(last);
            let reason = show::call_reason(at.analysis, call);
            let status = if s.final_status > 0 { format!(" {}", s.final_status) } else { String::new() };
            let what = format!("{start}: {}{status} {reason}", state.name());
            let time = at.analysis.message(m).time;
            add(time, what.trim_end().to_owned(), format!("✗{status}"), m, state != CallState::Cancelled);
        }
    }
    if let (Some(end), Some(_)) = (s.end, s.answered) {
        let bye = at.analysis.messages_of(one.messages).find(|m| {
            let r = at.analysis.message(*m);
            r.is_request() && r.method == MethodId::BYE
        });
        let m = bye.unwrap_or(last);
        let of = match role {
            LegRole::Invitation => "the invitation ends",
            LegRole::Focus => "the focus dialog ends",
            LegRole::Mcu | LegRole::DialOut => "the call ends",
        };
        add(end, format!("{}: {of}", words::user_name(c, who)), "call ends".to_owned(), m, false);
    }
}

/// How the conferencing server of a leg is called.
fn server(c: &Conference, call: CallIdx) -> &'static str {
    use callscope_parsers::c3p::McuKind;
    match c.legs.iter().find(|l| l.call == call).and_then(|l| l.mcu) {
        Some(McuKind::AudioVideo) => "A/V MCU",
        Some(McuKind::Chat) => "IM MCU",
        Some(McuKind::ApplicationSharing) => "sharing MCU",
        Some(McuKind::Data) => "data MCU",
        Some(McuKind::Phone) => "phone MCU",
        None => "conference",
    }
}

fn roster_part(at: At<'_>, c: &Conference) -> Option<Part> {
    if c.roster.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("user", "User", Align::Left, 0),
        Column::new("role", "Role", Align::Left, 1),
        Column::new("endpoints", "Takes part by", Align::Left, 0),
        Column::new("joined", "Joined", Align::Right, 1),
        Column::new("left", "Left", Align::Right, 2),
        Column::new("how", "How it left", Align::Left, 2),
        Column::new("uri", "URI", Align::Left, 4),
        Column::new("frame", "Frame", Align::Right, 3),
    ];
    let mut part = Part::of(columns);
    for m in &c.roster {
        let time = |t: Nanos| show::time(t, at.mode, c.start, c.start);
        let how = m.left_how.as_deref();
        let row = vec![
            member_name(c, &m.user),
            m.role.as_deref().map(show::safe_str).unwrap_or_default(),
            endpoints(m),
            if m.was_there { format!("≤ {}", time(m.joined)) } else { time(m.joined) },
            m.left.map(time).unwrap_or_default(),
            how.map(words::disconnection).unwrap_or_default(),
            show::shorten(&show::safe_str(&m.user), 80),
            m.message.map(|m| at.analysis.message(m).frame.frame.to_string()).unwrap_or_default(),
        ];
        let lead = m.message.map(Lead::to).unwrap_or_default();
        part.push(row, lead.bad(how == Some("failed")));
    }
    let complete = if c.roster_complete { "" } else { ", incomplete" };
    let title = format!("Roster: {}{complete}", show::count(users(c) as u64, "user", "users"));
    Some(part.titled(title))
}

/// `audio-video connected (dialed-out), chat connected`.
fn endpoints(m: &Member) -> String {
    let one = |e: &crate::correlate::gathered::MemberEndpoint| {
        let session = e.session.as_deref().unwrap_or("endpoint");
        let mut t = format!("{session} {}", e.status.as_deref().unwrap_or("?"));
        if let Some(how) = e.joined.as_deref() {
            t.push_str(&format!(" ({how})"));
        }
        if e.muted {
            t.push_str(" muted");
        }
        show::shorten(&show::safe_str(&t), 60)
    };
    m.endpoints.iter().take(16).map(one).collect::<Vec<_>>().join(", ")
}

fn command_part(at: At<'_>, c: &Conference) -> Option<Part> {
    if c.commands.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("time", "Time", Align::Right, 0),
        Column::new("from", "From", Align::Left, 2),
        Column::new("command", "Command", Align::Left, 0),
        Column::new("result", "Result", Align::Left, 0),
        Column::new("why", "What it means", Align::Left, 1),
        Column::new("took", "Took", Align::Right, 3),
        Column::new("request_id", "Id", Align::Right, 5),
        Column::new("frame", "Frame", Align::Right, 2),
        Column::new("answer", "Answer", Align::Right, 4),
    ];
    let mut part = Part::of(columns);
    let mut before = c.start;
    for command in c.commands.iter().take(MOST_ROWS) {
        let frame = |m: MsgIdx| at.analysis.message(m).frame.frame.to_string();
        let row = vec![
            show::time(command.time, at.mode, c.start, before),
            words::user_name(c, &command.from),
            command_words(c, command),
            result_words(command),
            why(at, command),
            command.took.map(show::duration).unwrap_or_default(),
            show::shorten(&show::safe_str(&command.request_id), 16),
            frame(command.message),
            command.answer.or(command.pending).map(frame).unwrap_or_default(),
        ];
        before = command.time;
        // Of one that failed the answer says why.
        let failed = command.outcome.is_failure();
        let to = command.answer.filter(|_| failed).unwrap_or(command.message);
        part.push(row, Lead::to(to).bad(failed));
    }
    let title = format!(
        "Commands: {}, {} failed",
        show::count(c.commands.len() as u64, "command", "commands"),
        c.failed().count()
    );
    Some(part.titled(title))
}

/// What a command is for, what its failure means, and what became of the call it led to.
fn why(at: At<'_>, command: &Command) -> String {
    let mut said: Vec<String> = Vec::new();
    if command.outcome.is_failure() {
        said.push(advice_of_command(command));
    } else if let Some(words) = callscope_parsers::c3p::command_words(&command.name) {
        said.push(words.to_owned());
    }
    if let Some(call) = command.call {
        let s = &at.analysis.call(call).summary;
        let status = if s.final_status > 0 { format!(" {}", s.final_status) } else { String::new() };
        said.push(format!("call {}: {}{status}", call.0 + 1, s.state.name()));
    }
    if !command.asked {
        said.push("the request is not in the capture".to_owned());
    }
    if command.same_id {
        said.push("its request id was used before".to_owned());
    }
    said.extend(command.issues.iter().map(|i| show::safe_str(i)));
    said.join("; ")
}

fn leg_part(at: At<'_>, c: &Conference) -> Option<Part> {
    if c.legs.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("call", "Call", Align::Right, 0),
        Column::new("role", "What", Align::Left, 0),
        Column::new("from", "From", Align::Left, 1),
        Column::new("to", "To", Align::Left, 1),
        Column::new("state", "State", Align::Left, 0),
        Column::new("reason", "Reason", Align::Left, 2),
        Column::new("frame", "Frame", Align::Right, 2),
    ];
    let mut part = Part::of(columns);
    for leg in &c.legs {
        let call = at.analysis.call(leg.call);
        let what = match leg.role {
            LegRole::Focus => "joins the focus",
            LegRole::Mcu => "calls the conferencing server",
            LegRole::DialOut => "is called by the conferencing server",
            LegRole::Invitation => "is invited",
        };
        let kind = leg.mcu.map(|m| format!(" ({})", m.name())).unwrap_or_default();
        let row = vec![
            (leg.call.0 + 1).to_string(),
            format!("{what}{kind}"),
            at.user(call.from_uri).0,
            at.user(call.to_uri).0,
            call.summary.state.name().to_owned(),
            show::call_reason(at.analysis, leg.call),
            at.analysis.message(call.messages.first).frame.frame.to_string(),
        ];
        let bad = matches!(call.summary.state, CallState::Failed | CallState::Rejected | CallState::NoAnswer);
        part.push(row, Lead::to(call.messages.first).bad(bad));
    }
    let title = show::count(c.legs.len() as u64, "call", "calls");
    Some(part.titled(title))
}

#[cfg(test)]
mod tests;
