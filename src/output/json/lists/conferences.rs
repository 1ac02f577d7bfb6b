//! `conferences` of the contract.

use serde::Serialize;

use crate::correlate::gathered::{self, Gathered};
use crate::correlate::{Analysis, MsgIdx};
use crate::output::json::value::{Frame, Millis, Time};
use crate::view::lists::roster_change_words;

#[derive(Debug, Serialize)]
pub(in crate::output::json) struct Conference<'a> {
    id: u32,
    conference_id: &'a str,
    focus: &'a str,
    organizer: &'a str,
    subject: Option<&'a str>,
    start: Time,
    end: Time,
    ended: bool,
    /// What was asked of a factory and names no conference.
    factory: bool,
    mcus: Vec<Mcu<'a>>,
    commands: Vec<Command<'a>>,
    roster: Vec<Member<'a>>,
    roster_complete: bool,
    roster_documents: u32,
    roster_gaps: u32,
    roster_changes: Vec<Change<'a>>,
    not_kept: u64,
    /// Numbers of its calls.
    calls: Vec<u32>,
    legs: Vec<Leg>,
    /// Numbers of its dialogs.
    dialogs: Vec<u32>,
}

#[derive(Debug, Serialize)]
struct Mcu<'a> {
    kind: &'a str,
    uri: &'a str,
}

#[derive(Debug, Serialize)]
struct Command<'a> {
    frame: Frame,
    time: Time,
    name: &'a str,
    request_id: Option<&'a str>,
    from: &'a str,
    to: &'a str,
    target: Option<&'a str>,
    mcu: Option<&'static str>,
    dial_out: bool,
    roles: &'a [String],
    granted_roles: &'a [String],
    code: &'a str,
    reason: Option<&'a str>,
    sip_status: Option<u16>,
    pending_frame: Option<Frame>,
    response_frame: Option<Frame>,
    ms: Option<Millis>,
    /// False where only the answer is in the capture.
    request_seen: bool,
    duplicate_request_id: bool,
    call: Option<u32>,
    issues: &'a [String],
}

#[derive(Debug, Serialize)]
struct Member<'a> {
    user: &'a str,
    display: Option<&'a str>,
    role: Option<&'a str>,
    endpoints: Vec<Endpoint<'a>>,
    joined: Time,
    /// It was there when the roster was first told.
    was_there: bool,
    left: Option<Time>,
    left_how: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Endpoint<'a> {
    uri: Option<&'a str>,
    session: Option<&'a str>,
    status: Option<&'a str>,
    joined: Option<&'a str>,
    left: Option<&'a str>,
    muted: bool,
}

#[derive(Debug, Serialize)]
struct Change<'a> {
    frame: Frame,
    time: Time,
    user: Option<&'a str>,
    text: String,
}

#[derive(Debug, Serialize)]
struct Leg {
    call: u32,
    role: &'static str,
    mcu: Option<&'static str>,
}

pub(super) fn row<'a>(analysis: &Analysis, gathered: &'a Gathered<'a>, at: u32) -> Option<Conference<'a>> {
    let c = gathered.conferences().get(at as usize)?;
    let frame = |m: MsgIdx| Frame::from(analysis.message(m).frame);
    Some(Conference {
        id: at + 1,
        conference_id: &c.conference_id,
        focus: &c.focus,
        organizer: &c.organizer,
        subject: c.subject.as_deref(),
        start: Time(c.start),
        end: Time(c.end),
        ended: c.ended,
        factory: c.factory,
        mcus: c.mcus.iter().map(|m| Mcu { kind: &m.kind, uri: &m.uri }).collect(),
        commands: c.commands.iter().map(|c| command(c, frame)).collect(),
        roster: c.roster.iter().map(member).collect(),
        roster_complete: c.roster_complete,
        roster_documents: c.documents,
        roster_gaps: c.gaps,
        roster_changes: c
            .events
            .iter()
            .map(|e| Change {
                frame: frame(e.message),
                time: Time(analysis.message(e.message).time),
                user: e.user(),
                text: roster_change_words(c, &e.change),
            })
            .collect(),
        not_kept: c.not_kept,
        calls: c.legs.iter().map(|l| l.call.0 + 1).collect(),
        legs: c
            .legs
            .iter()
            .map(|l| Leg { call: l.call.0 + 1, role: l.role.name(), mcu: l.mcu.map(|m| m.name()) })
            .collect(),
        dialogs: c
            .owners
            .iter()
            .filter_map(|o| match o {
                crate::correlate::Owner::Dialog(d) => Some(d.0 + 1),
                crate::correlate::Owner::Call(_) => None,
            })
            .collect(),
    })
}

fn command(c: &gathered::Command, frame: impl Fn(MsgIdx) -> Frame) -> Command<'_> {
    Command {
        frame: frame(c.message),
        time: Time(c.time),
        name: &c.name,
        request_id: Some(c.request_id.as_str()).filter(|id| !id.is_empty()),
        from: &c.from,
        to: &c.to,
        target: c.target.as_deref(),
        mcu: c.mcu.map(|m| m.name()),
        dial_out: c.dial_out,
        roles: &c.roles,
        granted_roles: &c.granted,
        code: c.outcome.name(),
        reason: c.reason.as_deref(),
        sip_status: match c.outcome {
            gathered::Outcome::Refused(status) => Some(status),
            _ => None,
        },
        pending_frame: c.pending.map(&frame),
        response_frame: c.answer.map(&frame),
        ms: c.took.map(Millis),
        request_seen: c.asked,
        duplicate_request_id: c.same_id,
        call: c.call.map(|c| c.0 + 1),
        issues: &c.issues,
    }
}

fn member(m: &gathered::Member) -> Member<'_> {
    Member {
        user: &m.user,
        display: m.display.as_deref(),
        role: m.role.as_deref(),
        endpoints: m
            .endpoints
            .iter()
            .map(|e| Endpoint {
                uri: e.uri.as_deref(),
                session: e.session.as_deref(),
                status: e.status.as_deref(),
                joined: e.joined.as_deref(),
                left: e.left.as_deref(),
                muted: e.muted,
            })
            .collect(),
        joined: Time(m.joined),
        was_there: m.was_there,
        left: m.left.map(Time),
        left_how: m.left_how.as_deref(),
    }
}
