//! `instant_messages` of the contract.

use std::borrow::Cow;

use serde::Serialize;

use crate::correlate::gathered::{self, Gathered};
use crate::correlate::{Analysis, Owner, Str};
use crate::output::json::value::{Frame, Millis, Time, some};

#[derive(Debug, Serialize)]
pub(in crate::output::json) struct InstantMessage<'a> {
    id: u32,
    time: Time,
    frame: Frame,
    call_id: Cow<'a, str>,
    from: &'a str,
    to: &'a str,
    content_type: Option<String>,
    text: Option<String>,
    truncated: bool,
    status: Option<u16>,
    reason: Option<Cow<'a, str>>,
    response_frame: Option<Frame>,
    answer_ms: Option<Millis>,
    /// Accepted, and no notice tells of a failure.
    delivered: bool,
    carried_by: &'static str,
    relayed_by: Option<&'a str>,
    attempts: u32,
    notices: Vec<Notice<'a>>,
    /// Messages of one conversation have the same number.
    conversation: u32,
    conversation_id: Option<&'a str>,
    joined_by: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Notice<'a> {
    frame: Frame,
    recipient: &'a str,
    status: &'a str,
    failed: bool,
}

pub(super) fn row<'a>(
    analysis: &'a Analysis,
    gathered: &'a Gathered<'a>,
    at: u32,
) -> Option<InstantMessage<'a>> {
    let m = gathered.instant_messages().get(at as usize)?;
    let record = analysis.message(m.message);
    let call_id = match record.owner {
        Owner::Call(c) => analysis.call(c).call_id,
        Owner::Dialog(d) => analysis.dialog(d).call_id,
    };
    let read = analysis.instant_text(m);
    let conversation = gathered.conversations().get(m.conversation);
    let notice = |n: &'a gathered::Notice| Notice {
        frame: analysis.message(n.message).frame.into(),
        recipient: &n.recipient,
        status: &n.status,
        failed: n.failed,
    };
    Some(InstantMessage {
        id: at + 1,
        time: Time(record.time),
        frame: record.frame.into(),
        call_id: analysis.text(call_id),
        from: &m.from,
        to: &m.to,
        content_type: Some(read.content_type).filter(|t| !t.is_empty()),
        text: read.text,
        truncated: read.truncated,
        status: some(m.status),
        reason: (m.reason != Str(0)).then(|| analysis.text(m.reason)),
        response_frame: m.response.map(|r| analysis.message(r).frame.into()),
        answer_ms: analysis.answered_after(m).map(Millis),
        delivered: m.is_delivered(),
        carried_by: m.carrier.name(),
        relayed_by: m.relayed_by.as_deref(),
        attempts: m.attempts,
        notices: m.notices.iter().map(notice).collect(),
        conversation: m.conversation as u32 + 1,
        conversation_id: conversation.map(|c| c.id.as_str()).filter(|id| !id.is_empty()),
        joined_by: conversation.map(|c| c.joined_by.name()),
    })
}
