//! What the watcher was told, as values with their time; bodies are read here and nowhere else.

use std::collections::HashMap;

use callscope_parsers::conference_info::parse_conference_info;
use callscope_parsers::presence::{Category, Presence, parse_presence};
use callscope_parsers::rlmi::{ListNotification, ListPart, read_list};
use callscope_parsers::sip;
use callscope_parsers::xml::parse_xml;

use super::super::Analysis;
use super::Subscription;
use crate::capture::Nanos;
use crate::correlate::{Content, MethodId, MsgIdx, Owner, flag};

/// Notifications read for one subscription, and values kept of it.
const MOST_NOTIFICATIONS: usize = 2_000;
const MOST_VALUES: usize = 5_000;
/// Characters of one value.
const LONGEST: usize = 200;

/// One thing that was told of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub time: Nanos,
    pub message: MsgIdx,
    /// Whom it is about; empty where the body does not say.
    pub contact: String,
    /// `state`, `note`, `activity`, `subscription`, … as the body names it.
    pub what: String,
    /// As written.
    pub value: String,
}

/// What was told over time: each value where it changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    pub values: Vec<Value>,
    /// Values that said the same again.
    pub repeats: u64,
    /// Notifications with a body: read, and all there are.
    pub read: usize,
    pub total: usize,
    /// What is wrong with the bodies, each once.
    pub issues: Vec<(MsgIdx, String)>,
}

impl Analysis {
    /// Reads what the subscriber was told, in order of time, up to a bound.
    pub fn told_to(&self, subscription: &Subscription) -> Told {
        let mut all: Vec<MsgIdx> = Vec::new();
        for owner in &subscription.owners {
            all.extend(self.messages_of(self.list_of(*owner)).filter(|m| self.tells(*m)));
        }
        all.sort_by_key(|m| (self.message(*m).time, *m));
        // Copies on other hops have the same CSeq.
        let mut seen = std::collections::HashSet::new();
        all.retain(|m| {
            let r = self.message(*m);
            seen.insert((r.owner, r.method, r.cseq, r.from_tag))
        });
        let mut out = Told { total: all.len(), ..Told::default() };
        let mut last: HashMap<(String, String), String> = HashMap::new();
        for m in all.into_iter().take(MOST_NOTIFICATIONS) {
            let Ok(bytes) = self.message_bytes(m) else { continue };
            let Some(message) = sip::parse_message(&bytes) else { continue };
            // Of a call there may be other subscriptions.
            if matches!(self.message(m).owner, Owner::Call(_))
                && let Some(event) = message.header("Event")
                && !event.value.trim_ascii().eq_ignore_ascii_case(subscription.event.trim().as_bytes())
            {
                continue;
            }
            out.read += 1;
            let content_type = message.header("Content-Type").map(|h| h.value.to_vec()).unwrap_or_default();
            let body = read_list(&bytes, message.body.clone(), &content_type);
            let mut found = Vec::new();
            values(&bytes, &body, &mut found);
            for issue in &body.issues {
                if out.issues.len() < 16 && !out.issues.iter().any(|(_, text)| *text == issue.text) {
                    out.issues.push((m, issue.text.clone().into_owned()));
                }
            }
            for (contact, what, value) in found {
                if out.values.len() == MOST_VALUES {
                    break;
                }
                let value: String = value.chars().take(LONGEST).collect();
                let known = last.insert((contact.clone(), what.clone()), value.clone());
                if known.as_ref() == Some(&value) {
                    out.repeats += 1;
                    continue;
                }
                out.values.push(Value { time: self.message(m).time, message: m, contact, what, value });
            }
        }
        out
    }

    /// Does the message carry a notification?
    fn tells(&self, m: MsgIdx) -> bool {
        let r = self.message(m);
        let told = r.is_request() && matches!(r.method, MethodId::NOTIFY | MethodId::BENOTIFY);
        let piggybacked = r.method == MethodId::SUBSCRIBE && (200..300).contains(&r.status);
        (told || piggybacked) && r.body_len() > 0 && !r.has(flag::DUPLICATE) && !r.has(flag::RETRANSMISSION)
    }
}

/// Contact, what of it, and the value.
type Found = (String, String, String);

fn values(bytes: &[u8], body: &ListNotification, out: &mut Vec<Found>) {
    for part in &body.parts {
        let content = bytes.get(part.range.clone()).unwrap_or_default();
        one(content, part, out);
    }
    let Some(list) = &body.list else { return };
    for resource in &list.resources {
        for instance in resource.instances.iter().filter(|i| i.state != "active") {
            let reason = instance.reason.as_deref().unwrap_or_default();
            let state = format!("{} {reason}", instance.state).trim_end().to_owned();
            out.push((resource.uri.clone(), "subscription".to_owned(), state));
        }
    }
}

fn one(content: &[u8], part: &ListPart, out: &mut Vec<Found>) {
    let contact = part.resource.clone().unwrap_or_default();
    let mut add = |contact: &str, what: &str, value: String| {
        out.push((contact.to_owned(), what.to_owned(), value));
    };
    match Content::of(part.media_type.as_bytes()) {
        Content::Presence => match parse_presence(content) {
            Some(Presence::Pidf(pidf)) => {
                let whose = if pidf.entity.is_empty() { contact } else { pidf.entity.clone() };
                for t in &pidf.tuples {
                    let of = |what: &str| match pidf.tuples.len() {
                        0 | 1 => what.to_owned(),
                        _ => format!("{what} of {}", t.id),
                    };
                    add(&whose, &of("status"), t.basic.clone().unwrap_or_default());
                    if !t.activities.is_empty() {
                        add(&whose, &of("activity"), t.activities.join(", "));
                    }
                    t.notes.iter().for_each(|n| add(&whose, &of("note"), n.clone()));
                }
                for p in &pidf.persons {
                    if !p.activities.is_empty() {
                        add(&whose, "activity", p.activities.join(", "));
                    }
                    p.notes.iter().for_each(|n| add(&whose, "note", n.clone()));
                }
                pidf.notes.iter().for_each(|n| add(&whose, "note", n.clone()));
            }
            Some(Presence::Categories(categories)) => {
                for c in &categories.list {
                    let whose = c.uri.as_ref().unwrap_or(&categories.uri);
                    let whose = if whose.is_empty() { &contact } else { whose };
                    add(whose, &what_of(c), value_of(c));
                }
            }
            Some(Presence::Other { root, fields, .. }) => add(&contact, &root, joined(&fields)),
            None => add(&contact, "presence", "no XML".to_owned()),
        },
        Content::ConferenceInfo => match parse_conference_info(content) {
            Some(info) => {
                let said = |v: Option<u32>| v.map_or("?".to_owned(), |v| v.to_string());
                let whose = if info.entity.is_empty() { contact } else { info.entity.clone() };
                add(&whose, "document", format!("{}, version {}", info.state.name(), said(info.version)));
                for user in info.users.iter().flat_map(|u| &u.list) {
                    let ends = user.endpoints.iter().map(|e| {
                        let kind = e.session_type.as_deref().unwrap_or("endpoint");
                        format!("{kind} {}", e.status.as_deref().unwrap_or(e.state.name()))
                    });
                    let ends: Vec<String> = ends.collect();
                    let roles = user.roles.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
                    let value = format!("{} {roles} {}", user.state.name(), ends.join(", "));
                    add(&user.entity, "user", value.split_whitespace().collect::<Vec<_>>().join(" "));
                }
            }
            None => add(&contact, "conference", "no conference-info".to_owned()),
        },
        _ => other(content, part, &contact, &mut add),
    }
}

/// Documents of which the state of each child is told: `dialog-info` (RFC 4235), `reginfo` (RFC 3680), `watcherinfo`
/// (RFC 3858); lines of text; anything else by its size.
fn other(content: &[u8], part: &ListPart, contact: &str, add: &mut dyn FnMut(&str, &str, String)) {
    let kind = part.media_type.as_str();
    match kind {
        "application/dialog-info+xml" | "application/reginfo+xml" | "application/watcherinfo+xml" => {
            let document = parse_xml(content);
            let Some(root) = document.root() else { return add(contact, kind, "no XML".to_owned()) };
            let whose = root.attribute("entity").unwrap_or(contact);
            for e in root.descendants().take(MOST_VALUES) {
                match e.name() {
                    "dialog" => {
                        let state = e.child_text("state").unwrap_or_default();
                        let way = e.attribute("direction").unwrap_or_default();
                        let what = format!("dialog {}", e.attribute("id").unwrap_or_default());
                        add(whose, &what, format!("{state} {way}").trim_end().to_owned());
                    }
                    "registration" | "contact" | "watcher" => {
                        let words = ["state", "status", "event", "expires", "q"];
                        let said = words.iter().filter_map(|w| e.attribute(w));
                        let said = said.collect::<Vec<_>>().join(" ");
                        let uri = e.attribute("aor").map(str::to_owned);
                        let uri = uri.or_else(|| e.child_text("uri").map(|u| u.into_owned()));
                        let uri = uri.unwrap_or_else(|| e.text().into_owned());
                        add(uri.trim(), e.name(), said);
                    }
                    _ => {}
                }
            }
        }
        "application/simple-message-summary" => {
            for line in String::from_utf8_lossy(content).lines() {
                if let Some((name, value)) = line.split_once(':') {
                    add(contact, name.trim(), value.trim().to_owned());
                }
            }
        }
        kind if kind == "message/sipfrag" || kind.starts_with("text/") => {
            let text = String::from_utf8_lossy(content);
            add(contact, kind, text.lines().next().unwrap_or_default().trim().to_owned());
        }
        kind => add(contact, kind, format!("{} bytes", content.len())),
    }
}

/// The category, with its instance where it has one, for values of the same name stand beside each other.
fn what_of(c: &Category) -> String {
    match (&c.instance, &c.container) {
        (Some(instance), Some(container)) => format!("{} {instance}/{container}", c.name),
        (Some(instance), None) => format!("{} {instance}", c.name),
        _ => c.name.clone(),
    }
}

fn value_of(c: &Category) -> String {
    match c.summary() {
        _ if c.empty => "(none)".to_owned(),
        text if text.is_empty() => joined(&c.fields),
        text => text,
    }
}

fn joined(fields: &[(String, String)]) -> String {
    let all = fields.iter().take(8).map(|(name, value)| format!("{name}={value}"));
    all.collect::<Vec<_>>().join(" ")
}
