//! Instant messages: MESSAGE (RFC 3428) in and out of dialogs, the first one that an INVITE carries, what became of
//! each, and the conversations they make up.
//!
//! Retransmissions, forks and the hops of a proxy are one message, and so are the attempts before and after a
//! challenge; its outcome is what its writer was told. Typing (RFC 3994) and delivery notices are events of a
//! conversation. Texts are read again when they are asked for.

use std::collections::{HashMap, HashSet};

use callscope_parsers::im::{self, ImContent, Markup};
use callscope_parsers::sip::name_addr::parse_name_addr;
use callscope_parsers::sip::{self, Message};

use super::Analysis;
use super::model::*;
use crate::capture::Nanos;

mod conversation;
mod notice;
pub(super) mod redact;

pub use conversation::{Conversation, Event, EventKind, JoinedBy};
pub use notice::Notice;

/// What an instant message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    Message,
    /// `ms-text-format` of an INVITE.
    Invite,
}

impl Carrier {
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "MESSAGE",
            Self::Invite => "INVITE",
        }
    }
}

/// One message that was written to somebody.
#[derive(Debug, Clone)]
pub struct InstantMessage {
    /// The request that carries it: of several attempts the last, of several hops the first.
    pub message: MsgIdx,
    pub carrier: Carrier,
    /// URI of the writer; where a conference relays the message, of the one it names.
    pub from: String,
    pub to: String,
    /// URI of who relayed it for the writer.
    pub relayed_by: Option<String>,
    /// As written; empty if not told.
    pub content_type: String,
    /// Final status that the writer was given; 0 for none.
    pub status: u16,
    pub reason: Str,
    pub response: Option<MsgIdx>,
    /// Requests sent after a challenge.
    pub attempts: u32,
    /// What recipients or a server said of it later.
    pub notices: Vec<Notice>,
    /// In [`super::gathered::Gathered::conversations`].
    pub conversation: usize,
}

impl InstantMessage {
    /// Was it accepted, and did nobody tell of a failure later?
    pub fn is_delivered(&self) -> bool {
        (200..300).contains(&self.status) && !self.notices.iter().any(|n| n.failed)
    }
}

/// The text of an instant message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImText {
    /// `None` where it holds no text, as an invitation to a file transfer.
    pub text: Option<String>,
    /// Of the part that was read.
    pub content_type: String,
    pub markup: Option<Markup>,
    pub truncated: bool,
    /// Alternatives not shown.
    pub passed_over: Vec<String>,
    /// What is wrong with it, in words.
    pub issues: Vec<String>,
}

/// One MESSAGE over all its hops: owner, CSeq, hash of the From tag, and of those whose Call-ID is cut off the message.
type Key = (Owner, u32, u32, Option<MsgIdx>);

/// A request with its answers.
#[derive(Debug)]
struct Sent {
    /// The one first in time.
    first: MsgIdx,
    /// Final answers over all hops.
    answers: Vec<MsgIdx>,
    /// Of a request after a challenge: how many came before.
    before: u32,
    superseded: bool,
}

impl Analysis {
    /// Instant messages in order of time, and their conversations.
    pub(super) fn instant_messages(&self) -> (Vec<InstantMessage>, Vec<Conversation>) {
        let sent = self.sent_messages();
        let mut all: Vec<InstantMessage> = Vec::new();
        let mut events: Vec<Event> = Vec::new();
        let mut joins = conversation::Joins::default();
        for s in sent.iter().filter(|s| !s.superseded) {
            let Ok(bytes) = self.whole_message_bytes(s.first) else { continue };
            let Some(message) = sip::parse_message(&bytes) else { continue };
            let record = self.message(s.first);
            if let Some(event) = self.event_of(s.first, record, &message) {
                events.push(event);
                joins.add(self, record.owner, &message);
                continue;
            }
            joins.add(self, record.owner, &message);
            let mut one = self.instant_message(s.first, Carrier::Message, &message);
            (one.status, one.response) = self.told_to_writer(record, &s.answers);
            one.reason = one.response.map_or(Str(0), |m| self.message(m).reason);
            one.attempts = s.before + 1;
            all.push(one);
        }
        self.invited(&mut all, &mut events, &mut joins);
        all.sort_by_key(|m| (self.message(m.message).time, m.message));
        events.sort_by_key(|e| (self.message(e.message).time, e.message));
        let conversations = joins.conversations(self, &mut all, events);
        self.join_notices(&mut all, &conversations);
        (all, conversations)
    }

    /// Every MESSAGE once, however often it was captured.
    fn sent_messages(&self) -> Vec<Sent> {
        let mut places: HashMap<Key, usize> = HashMap::new();
        let mut sent: Vec<Sent> = Vec::new();
        let mut early: Vec<(Key, MsgIdx)> = Vec::new();
        for (m, r) in self.messages_by(&[MethodId::MESSAGE]) {
            if r.has(flag::DUPLICATE) {
                continue;
            }
            let alone = matches!(r.owner, Owner::Dialog(d) if self.is_leftover(d));
            let key = (r.owner, r.cseq, r.from_tag, alone.then_some(m));
            if !r.is_request() {
                if r.status >= 200 {
                    early.push((key, m));
                }
                continue;
            }
            match places.get(&key).and_then(|at| sent.get_mut(*at)) {
                Some(known) => {
                    if r.time < self.message(known.first).time {
                        known.first = m;
                    }
                }
                None => {
                    places.insert(key, sent.len());
                    sent.push(Sent { first: m, answers: Vec::new(), before: 0, superseded: false });
                }
            }
        }
        for (key, m) in early {
            if let Some(s) = places.get(&key).and_then(|at| sent.get_mut(*at)) {
                s.answers.push(m);
            }
        }
        // A request that was challenged is the same message as the next one.
        let mut challenged: HashMap<(Owner, u32), (usize, u32)> = HashMap::new();
        for at in 0..sent.len() {
            let Some(s) = sent.get(at) else { continue };
            let record = self.message(s.first);
            let is_challenge = |m: &MsgIdx| matches!(self.message(*m).status, 401 | 407);
            let refused = !s.answers.is_empty() && s.answers.iter().all(is_challenge);
            let source = (record.owner, record.from_tag);
            let mut before = 0;
            if record.has(flag::CREDENTIALS)
                && let Some((earlier, n)) = challenged.remove(&source)
                && let Some(earlier) = sent.get_mut(earlier)
            {
                earlier.superseded = true;
                before = n;
            }
            if let Some(s) = sent.get_mut(at) {
                s.before = before;
            }
            if refused {
                challenged.insert(source, (at, before + 1));
            }
        }
        sent
    }

    /// Status and message of what the sender of `record` was answered: on its own hop, else on any.
    fn told_to_writer(&self, record: &SipRecord, answers: &[MsgIdx]) -> (u16, Option<MsgIdx>) {
        let asked = self.flow(record.flow);
        let own = |m: &&MsgIdx| {
            let r = self.message(**m);
            let flow = self.flow(r.flow);
            r.branch == record.branch && flow.dst.ip() == asked.src.ip()
        };
        let best =
            answers.iter().find(own).or_else(|| answers.iter().min_by_key(|m| self.message(**m).status));
        best.map_or((0, None), |m| (self.message(*m).status, Some(*m)))
    }

    fn instant_message(&self, m: MsgIdx, carrier: Carrier, message: &Message<'_>) -> InstantMessage {
        let scan = sip::scan(message.bytes);
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        let (from, to) = scan.map_or((String::new(), String::new()), |s| (text(s.from.uri), text(s.to.uri)));
        let writer = message.header("Ms-Sender").map(|h| address(&h.value)).filter(|a| !a.is_empty());
        let content_type = message.header("Content-Type").map(|h| text(&h.value)).unwrap_or_default();
        let relayed = writer.is_some();
        InstantMessage {
            message: m,
            carrier,
            relayed_by: relayed.then(|| from.clone()),
            from: writer.unwrap_or(from),
            to,
            content_type,
            status: 0,
            reason: Str(0),
            response: None,
            attempts: 1,
            notices: Vec::new(),
            conversation: 0,
        }
    }

    /// First messages in INVITEs, typing in INFO, and what joins the calls that hold instant messages.
    fn invited(
        &self,
        all: &mut Vec<InstantMessage>,
        events: &mut Vec<Event>,
        joins: &mut conversation::Joins,
    ) {
        for (c, call) in (0u32..).map(CallIdx).zip(&self.calls) {
            let owner = Owner::Call(c);
            if call.summary.kind != CallKind::Im && !joins.knows(owner) {
                continue;
            }
            // Of several attempts the last, of several hops the one first in time.
            let mut opening: Option<MsgIdx> = None;
            let mut informed = HashSet::new();
            for m in self.messages_of(call.messages) {
                let r = self.message(m);
                if !r.is_request() || r.has(flag::DUPLICATE) || r.has(flag::RETRANSMISSION) {
                    continue;
                }
                if r.method == MethodId::INVITE && !r.has(flag::TO_TAG) {
                    let better = opening
                        .map(|o| self.message(o))
                        .is_none_or(|o| r.cseq > o.cseq || r.cseq == o.cseq && r.time < o.time);
                    if better {
                        opening = Some(m);
                    }
                } else if r.method == MethodId::INFO
                    && (1..SMALL).contains(&r.body_len())
                    && informed.insert((r.cseq, r.from_tag))
                {
                    let Ok(bytes) = self.whole_message_bytes(m) else { continue };
                    let event = sip::parse_message(&bytes).and_then(|i| self.event_of(m, r, &i));
                    events.extend(event);
                }
            }
            let Some(m) = opening else { continue };
            let Ok(bytes) = self.whole_message_bytes(m) else { continue };
            let Some(message) = sip::parse_message(&bytes) else { continue };
            joins.add(self, owner, &message);
            let Some(format) = first_message(&message) else { continue };
            let mut one = self.instant_message(m, Carrier::Invite, &message);
            one.content_type = format.media_type;
            (one.status, one.reason) = (call.summary.final_status, call.summary.reason);
            let own = self.message(m);
            one.response = self.messages_of(call.messages).find(|a| {
                let r = self.message(*a);
                r.method == MethodId::INVITE
                    && r.status == one.status
                    && r.branch == own.branch
                    && r.status > 0
            });
            all.push(one);
        }
    }

    /// The text of an instant message, replaced where [`Analysis::redact_text`] says so.
    pub fn instant_text(&self, one: &InstantMessage) -> ImText {
        let Ok(bytes) = self.whole_message_bytes(one.message) else { return ImText::default() };
        let Some(message) = sip::parse_message(&bytes) else { return ImText::default() };
        let mut out = ImText { content_type: one.content_type.clone(), ..ImText::default() };
        match one.carrier {
            Carrier::Invite => {
                let Some(body) = first_message(&message).and_then(|f| f.body) else { return out };
                if let ImContent::Text { markup, text } = body.content {
                    (out.text, out.markup, out.truncated) = (Some(text.text), Some(markup), text.truncated);
                }
            }
            Carrier::Message => {
                let body = im::read_im(&bytes, message.body.clone(), one.content_type.as_bytes());
                let read = body.parts.iter().find(|p| matches!(p.content, ImContent::Text { .. }));
                if let Some(part) = read.or(body.parts.first()) {
                    out.content_type.clone_from(&part.media_type);
                    if let ImContent::Text { markup, .. } = &part.content {
                        out.markup = Some(*markup);
                    }
                }
                out.text = body.text();
                out.truncated = body.is_truncated();
                out.passed_over = body.passed_over;
                out.issues = body.issues.into_iter().map(|i| i.text.into_owned()).collect();
            }
        }
        // Line ends behind the last word say nothing.
        out.text = out.text.map(|t| t.trim_end_matches(['\r', '\n']).to_owned());
        if self.redact_text {
            out.text = out.text.map(|t| redact::text(&t));
        }
        out
    }

    /// What the body of any message says to a person, under the same rule.
    pub fn written_in(&self, m: MsgIdx) -> Option<String> {
        let bytes = self.whole_message_bytes(m).ok()?;
        let message = sip::parse_message(&bytes)?;
        let content_type = message.header("Content-Type").map(|h| h.value.to_vec()).unwrap_or_default();
        let text = im::read_im(&bytes, message.body.clone(), &content_type).text()?;
        Some(if self.redact_text { redact::text(&text) } else { text })
    }

    /// When the writer got the final answer, from the sending of that request.
    pub fn answered_after(&self, one: &InstantMessage) -> Option<Nanos> {
        Some(self.message(one.response?).time.saturating_sub(self.message(one.message).time))
    }
}

/// Bodies of INFO that may tell of typing are no larger.
const SMALL: u32 = 4_096;

/// The `ms-text-format` of an INVITE that carries a message.
fn first_message(message: &Message<'_>) -> Option<im::TextFormat> {
    let all = message.headers_named("ms-text-format");
    let mut formats = all.map(|h| im::parse_text_format(&h.value, 0..h.value.len()).0);
    formats.find(|f| f.body.is_some())
}

/// The URI of a header that is a name and an address, or an address alone.
fn address(value: &[u8]) -> String {
    let (address, _) = parse_name_addr(value, 0..value.len());
    String::from_utf8_lossy(value.get(address.uri.range).unwrap_or_default()).into_owned()
}
