//! Conversations: dialogs and calls that belong to one window of its writers.

use std::collections::HashMap;

use callscope_parsers::c3p::conference_uri;
use callscope_parsers::im::{ImContent, parse_imdn, read_im};
use callscope_parsers::mime;
use callscope_parsers::sip::uri::parse_uri;
use callscope_parsers::sip::{self, Message};

use super::super::Analysis;
use super::InstantMessage;
use crate::correlate::{Content, DialogIdx, MsgIdx, Owner, SipRecord};

/// What is told in a conversation beside its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub message: MsgIdx,
    /// Who sent it.
    pub from: String,
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// Somebody writes; `None` where it is not told in a way that is known.
    Typing(Option<bool>),
    /// What became of a message.
    Notice,
}

/// Why the dialogs of a conversation are taken for one. The strongest one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JoinedBy {
    /// The same conference.
    Conference,
    /// The same `Ms-Conversation-ID`.
    ConversationId,
    /// MESSAGEs outside of dialogs between the same two.
    Parties,
    /// It is a single call or dialog.
    CallId,
}

impl JoinedBy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Conference => "conference",
            Self::ConversationId => "conversation_id",
            Self::Parties => "parties",
            Self::CallId => "call_id",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Conversation {
    /// `Ms-Conversation-ID` or conference ID; empty for none.
    pub id: String,
    pub joined_by: JoinedBy,
    pub owners: Vec<Owner>,
    /// Places in the list of instant messages, in order of time.
    pub messages: Vec<usize>,
    /// In order of time.
    pub events: Vec<Event>,
}

/// What joins calls and dialogs.
#[derive(Debug, Default)]
pub(super) struct Joins {
    /// Of each, which other one of its group stands before it; itself for the first.
    before: Vec<usize>,
    owners: Vec<(Owner, String, JoinedBy)>,
    places: HashMap<Owner, usize>,
    keys: HashMap<(JoinedBy, String), usize>,
}

impl Joins {
    pub fn knows(&self, owner: Owner) -> bool {
        self.places.contains_key(&owner)
    }

    /// Takes in what a message says of the conversation it belongs to.
    pub fn add(&mut self, analysis: &Analysis, owner: Owner, message: &Message<'_>) {
        let at = match self.places.get(&owner) {
            Some(at) => *at,
            None => {
                let at = self.owners.len();
                self.before.push(at);
                self.owners.push((owner, String::new(), JoinedBy::CallId));
                self.places.insert(owner, at);
                at
            }
        };
        if matches!(owner, Owner::Dialog(d) if analysis.is_leftover(d)) {
            return;
        }
        let scan = sip::scan(message.bytes);
        let id = message.header("Ms-Conversation-ID").map(|h| h.value.trim_ascii().to_vec());
        let id = id.filter(|id| !id.is_empty()).map(|id| String::from_utf8_lossy(&id).into_owned());
        let conference =
            scan.and_then(|s| [s.to.uri, s.from.uri, s.request_uri].into_iter().find_map(conference));
        let outside = || match (owner, scan) {
            (Owner::Dialog(DialogIdx(_)), Some(s)) if s.to.tag.is_empty() => {
                let mut ends = [s.from.uri, s.to.uri].map(address_of_record);
                ends.sort();
                Some(ends.join(" "))
            }
            _ => None,
        };
        let keys = [(JoinedBy::Conference, conference), (JoinedBy::ConversationId, id)];
        let mut any = false;
        for (by, key) in keys.into_iter().filter_map(|(by, key)| Some((by, key?))) {
            any = true;
            self.join(at, by, key);
        }
        if !any && let Some(key) = outside() {
            self.join(at, JoinedBy::Parties, key);
        }
    }

    fn join(&mut self, at: usize, by: JoinedBy, key: String) {
        if let Some((_, name, known)) = self.owners.get_mut(at)
            && (by < *known || name.is_empty())
        {
            *known = by;
            if by != JoinedBy::Parties {
                name.clone_from(&key);
            }
        }
        let other = *self.keys.entry((by, key.to_ascii_lowercase())).or_insert(at);
        let (a, b) = (self.root(at), self.root(other));
        if let Some(before) = self.before.get_mut(a.max(b)) {
            *before = a.min(b);
        }
    }

    fn root(&mut self, at: usize) -> usize {
        let mut root = at;
        while let Some(&before) = self.before.get(root)
            && before != root
        {
            root = before;
        }
        let mut at = at;
        while at != root
            && let Some(before) = self.before.get_mut(at)
        {
            at = std::mem::replace(before, root);
        }
        root
    }

    /// The conversations that hold messages, in the order of their first one. `all` and `events` stand in order of time.
    pub fn conversations(
        mut self,
        analysis: &Analysis,
        all: &mut [InstantMessage],
        events: Vec<Event>,
    ) -> Vec<Conversation> {
        let mut out: Vec<Conversation> = Vec::new();
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        for (n, one) in all.iter_mut().enumerate() {
            let owner = analysis.message(one.message).owner;
            let Some(&at) = self.places.get(&owner) else { continue };
            let root = self.root(at);
            one.conversation = *numbers.entry(root).or_insert_with(|| {
                out.push(Conversation {
                    id: String::new(),
                    joined_by: JoinedBy::CallId,
                    owners: Vec::new(),
                    messages: Vec::new(),
                    events: Vec::new(),
                });
                out.len() - 1
            });
            if let Some(conversation) = out.get_mut(one.conversation) {
                conversation.messages.push(n);
            }
        }
        for at in 0..self.owners.len() {
            let root = self.root(at);
            let Some((owner, id, by)) = self.owners.get_mut(at) else { continue };
            let Some(conversation) = numbers.get(&root).and_then(|n| out.get_mut(*n)) else { continue };
            conversation.owners.push(*owner);
            if *by < conversation.joined_by {
                (conversation.joined_by, conversation.id) = (*by, std::mem::take(id));
            }
        }
        for event in events {
            let owner = analysis.message(event.message).owner;
            let Some(&at) = self.places.get(&owner) else { continue };
            let root = self.root(at);
            if let Some(conversation) = numbers.get(&root).and_then(|n| out.get_mut(*n)) {
                conversation.events.push(event);
            }
        }
        out
    }
}

/// What the conference is told apart by that a URI leads to.
fn conference(uri: &[u8]) -> Option<String> {
    conference_uri(std::str::from_utf8(uri).ok()?)?.key()
}

/// User and host in lower case.
fn address_of_record(uri: &[u8]) -> String {
    let (uri, _) = parse_uri(uri, 0..uri.len());
    let text = |b: &[u8]| String::from_utf8_lossy(b).to_ascii_lowercase();
    format!("{}@{}", text(uri.user.unwrap_or_default()), text(uri.host))
}

impl Analysis {
    /// What a MESSAGE or INFO is that nobody wrote: typing, or a notice.
    pub(super) fn event_of(&self, m: MsgIdx, record: &SipRecord, message: &Message<'_>) -> Option<Event> {
        let may_be = match record.content {
            Content::DeliveryNotice | Content::Composing | Content::Multipart | Content::Text => true,
            // Keyboard activity comes as plain XML.
            Content::Other => record.body_len() < super::SMALL,
            _ => false,
        };
        if !may_be {
            return None;
        }
        let content_type = message.header("Content-Type").map(|h| h.value.to_vec()).unwrap_or_default();
        let notice = record.content == Content::DeliveryNotice
            || record.content == Content::Text
                && parse_imdn(message.bytes, message.body.clone(), &content_type).is_some();
        let kind = if notice {
            EventKind::Notice
        } else if matches!(mime::media_type(&content_type), b"text/plain" | b"text/html") {
            return None;
        } else {
            let read = read_im(message.bytes, message.body.clone(), &content_type);
            let typing = read.parts.iter().find_map(|p| match &p.content {
                ImContent::Typing(typing) => Some(typing.is_active()),
                _ => None,
            });
            let only = record.content == Content::Composing || read.text().is_none() && typing.is_some();
            if !only {
                return None;
            }
            EventKind::Typing(typing.flatten())
        };
        let from = sip::scan(message.bytes)
            .map_or(String::new(), |s| String::from_utf8_lossy(s.from.uri).into_owned());
        Some(Event { message: m, from, kind })
    }
}
