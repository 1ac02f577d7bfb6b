//! Subscriptions (RFC 6665): one for each Call-ID that SUBSCRIBE opens or NOTIFY tells of, those inside of calls one for
//! each event, those that REFER implies; those that only fetch (`Expires: 0`) are one for each subscriber, event, target
//! and set of resources.
//!
//! Of bodies only the lists of batched SUBSCRIBEs are read here; what was told is read when it is asked for.

use std::collections::{HashMap, HashSet};

use callscope_parsers::roaming::{Body, parse_roaming};
use callscope_parsers::{mime, sip};

use super::Analysis;
use super::dialog::PATIENCE;
use super::model::*;
use crate::capture::Nanos;

mod told;

pub use told::{Told, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubscriptionState {
    Active,
    Terminated,
    Rejected,
    Unanswered,
}

impl SubscriptionState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Terminated => "terminated",
            Self::Rejected => "rejected",
            Self::Unanswered => "unanswered",
        }
    }
}

/// Whether changes are told as they happen or the state is fetched now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fidelity {
    High,
    Low,
}

impl Fidelity {
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// It did not, or it never began.
    None,
    /// A fetch ends with its answer.
    Fetched,
    /// The subscriber asked for `Expires: 0`.
    Unsubscribed,
    /// A NOTIFY said so.
    Notified,
    /// The subscriber answered a NOTIFY with 481: it knows no such subscription any more (RFC 6665 §4.2.2).
    Disowned,
    /// A SUBSCRIBE that was to prolong it was refused.
    Refused,
    /// Nobody prolonged it.
    RanOut,
}

impl Ending {
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Fetched => "fetched",
            Self::Unsubscribed => "unsubscribed",
            Self::Notified => "notified",
            Self::Disowned => "disowned",
            Self::Refused => "refused",
            Self::RanOut => "expired",
        })
    }
}

#[derive(Debug, Clone)]
pub struct Subscription {
    /// What it is made of; more than one only where each fetches once.
    pub owners: Vec<Owner>,
    /// Event package with its parameters as written.
    pub event: String,
    pub subscriber: String,
    /// Whom it asks about, of a single one; of a batched one the list.
    pub target: String,
    /// Resources of a batched one; 1 of a single one.
    pub targets: u32,
    /// Resources that a batched one last asked for.
    pub contacts: Vec<String>,
    /// Categories that it last asked for.
    pub categories: Vec<String>,
    pub fidelity: Fidelity,
    /// Median time from one fetch to the next.
    pub poll_period: Option<Nanos>,
    /// SUBSCRIBEs that fetched.
    pub fetches: u32,
    /// Last asked for or granted, seconds.
    pub expires: Option<u32>,
    /// NOTIFY and BENOTIFY, each once whatever the hops and repeats.
    pub notifies: u32,
    /// Their bodies.
    pub notify_bytes: u64,
    /// Answers to SUBSCRIBE that carried the first notification.
    pub piggybacked: u32,
    pub refreshes: u32,
    pub state: SubscriptionState,
    pub ending: Ending,
    /// The reason a NOTIFY gave; empty for none.
    pub reason: String,
    /// Of the last SUBSCRIBE; 0 for none.
    pub status: u16,
    /// Its SUBSCRIBE (or REFER) is in the capture.
    pub asked: bool,
    /// The first NOTIFY came before the SUBSCRIBE was answered.
    pub told_first: bool,
    pub start: Nanos,
    pub end: Nanos,
}

impl Subscription {
    /// High and low fidelity are words for presence; None for every other event package.
    pub fn presence_fidelity(&self) -> Option<Fidelity> {
        let package = self.event.split(';').next().unwrap_or_default().trim();
        package.eq_ignore_ascii_case("presence").then_some(self.fidelity)
    }
}

/// What fetches are taken for the same by: subscriber, event, target and the set of resources.
type FetchKey = (String, String, String, Vec<String>);

impl Analysis {
    pub(super) fn subscriptions(&self) -> Vec<Subscription> {
        let mut all: Vec<Subscription> = Vec::new();
        let mut fetches: HashMap<FetchKey, usize> = HashMap::new();
        let mut times: Vec<Vec<Nanos>> = Vec::new();
        let of_dialogs = self.dialogs_shown().filter_map(|(index, dialog)| self.of_dialog(index, dialog));
        for (one, fetched) in of_dialogs.chain(self.of_calls()) {
            if one.fidelity == Fidelity::High {
                all.push(one);
                times.push(Vec::new());
                continue;
            }
            let mut set: Vec<String> = one.contacts.iter().map(|c| c.to_ascii_lowercase()).collect();
            set.sort_unstable();
            set.dedup();
            let key = (
                one.subscriber.to_ascii_lowercase(),
                one.event.to_ascii_lowercase(),
                one.target.to_ascii_lowercase(),
                set,
            );
            match fetches.get(&key) {
                Some(&at) => {
                    if let (Some(known), Some(times)) = (all.get_mut(at), times.get_mut(at)) {
                        times.extend(fetched);
                        known.take(one);
                    }
                }
                None => {
                    fetches.insert(key, all.len());
                    all.push(one);
                    times.push(fetched);
                }
            }
        }
        for (one, times) in all.iter_mut().zip(&mut times) {
            one.poll_period = median_step(times);
        }
        all.sort_by_key(|s| s.start);
        all
    }

    fn of_dialog(&self, index: DialogIdx, dialog: &Dialog) -> Option<(Subscription, Vec<Nanos>)> {
        let told = matches!(dialog.method, MethodId::NOTIFY | MethodId::BENOTIFY);
        let refers = dialog.method == MethodId::REFER;
        if !told && !refers && dialog.method != MethodId::SUBSCRIBE || self.is_leftover(index) {
            return None;
        }
        let mut walk = Walk::default();
        for m in self.messages_of(dialog.messages) {
            walk.take(self, m);
        }
        if refers && walk.told.is_empty() {
            return None;
        }
        let summary = &dialog.summary;
        // A notification goes the other way.
        let (subscriber, target) =
            if told { (dialog.to_uri, dialog.from_uri) } else { (dialog.from_uri, dialog.to_uri) };
        let text = |s| self.text(s).into_owned();
        let event = if refers { "refer".to_owned() } else { text(dialog.event) };
        let names = Names { event, subscriber: text(subscriber), target: text(target) };
        let reason = if summary.terminated { text(summary.terminated_reason) } else { String::new() };
        let expires = self.expires_of(index);
        Some(self.made(vec![Owner::Dialog(index)], names, walk, expires, reason, refers))
    }

    /// Those inside of calls: of conferences, and of transfers.
    fn of_calls(&self) -> Vec<(Subscription, Vec<Nanos>)> {
        let mut places: HashMap<(CallIdx, String), usize> = HashMap::new();
        let mut found: Vec<(CallIdx, Names, Walk, Option<u32>, String)> = Vec::new();
        // Of a transaction only the request names the event.
        let mut asked: HashMap<(CallIdx, MethodId, u32, u32), usize> = HashMap::new();
        for (m, r) in self.messages_by(&[MethodId::SUBSCRIBE, MethodId::NOTIFY, MethodId::BENOTIFY]) {
            let Owner::Call(call) = r.owner else { continue };
            let transaction = (call, r.method, r.cseq, r.from_tag);
            let known = asked.get(&transaction).copied();
            let at = match known {
                Some(at) => at,
                None if !r.is_request() => continue,
                None => {
                    let Ok(bytes) = self.whole_message_bytes(m) else { continue };
                    let Some(scan) = sip::scan(&bytes) else { continue };
                    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
                    // `refer` may name the REFER by a parameter; each is a subscription of its own.
                    let event = text(scan.event);
                    let at = *places.entry((call, event.to_ascii_lowercase())).or_insert_with(|| {
                        let (from, to) = (text(scan.from.uri), text(scan.to.uri));
                        let asks = r.method == MethodId::SUBSCRIBE;
                        let (subscriber, target) = if asks { (from, to) } else { (to, from) };
                        found.push((
                            call,
                            Names { event, subscriber, target },
                            Walk::default(),
                            None,
                            String::new(),
                        ));
                        found.len() - 1
                    });
                    asked.insert(transaction, at);
                    if let Some((.., expires, reason)) = found.get_mut(at) {
                        *expires = scan.expires.filter(|e| *e > 0).or(*expires);
                        if r.has(flag::TERMINATED) {
                            *reason = text(super::ingest::subscription_reason(scan.subscription_state));
                        }
                    }
                    at
                }
            };
            if let Some((_, _, walk, ..)) = found.get_mut(at) {
                walk.take(self, m);
            }
        }
        let made = |(call, names, walk, expires, reason): (CallIdx, Names, Walk, Option<u32>, String)| {
            let refers = names.event.get(..5).is_some_and(|e| e.eq_ignore_ascii_case("refer"));
            self.made(vec![Owner::Call(call)], names, walk, expires, reason, refers)
        };
        found.into_iter().map(made).collect()
    }

    fn made(
        &self,
        owners: Vec<Owner>,
        names: Names,
        walk: Walk,
        expires: Option<u32>,
        reason: String,
        refers: bool,
    ) -> (Subscription, Vec<Nanos>) {
        let (state, ending) = walk.state(self.newest, expires);
        let fidelity = if walk.fetches_only { Fidelity::Low } else { Fidelity::High };
        let batch = walk.list.unwrap_or_default();
        let targets = match u32::try_from(batch.resources.len()) {
            Ok(0) => 1,
            Ok(n) => n,
            Err(_) => u32::MAX,
        };
        let mut categories = batch.categories;
        categories.sort_unstable();
        categories.dedup();
        let one = Subscription {
            owners,
            event: names.event,
            subscriber: names.subscriber,
            target: names.target,
            targets,
            contacts: batch.resources,
            categories,
            fidelity,
            poll_period: None,
            fetches: if walk.fetches_only { walk.fetched.len() as u32 } else { 0 },
            expires,
            notifies: walk.notifies,
            notify_bytes: walk.notify_bytes,
            piggybacked: walk.piggybacked,
            refreshes: walk.refreshes,
            state,
            ending,
            reason: if ending == Ending::Notified || ending == Ending::Unsubscribed {
                reason
            } else {
                String::new()
            },
            status: walk.status,
            asked: walk.asked.is_some() || refers,
            told_first: walk.told_first,
            start: walk.start.unwrap_or(0),
            end: walk.end,
        };
        (one, if walk.fetches_only { walk.fetched } else { Vec::new() })
    }

    /// The list in the body of a batched SUBSCRIBE.
    fn batch_of(&self, m: MsgIdx) -> Option<Asked> {
        let bytes = self.whole_message_bytes(m).ok()?;
        let message = sip::parse_message(&bytes)?;
        let content_type = message.header("Content-Type")?.value.to_vec();
        let (body, _) = mime::parse_body(&bytes, message.body.clone(), &content_type);
        let is_list = |p: &&mime::Part| Content::of(p.media_type.as_bytes()) == Content::AdhocList;
        let all = body.walk();
        let part = all.into_iter().find(is_list)?;
        let (content, _) = part.decoded(&bytes);
        let Body::Subscriptions(batches) = parse_roaming(&content)?.body else { return None };
        let mut asked = Asked::default();
        for batch in batches {
            asked.resources.extend(batch.targets.into_iter().map(|t| t.uri));
            asked.categories.extend(batch.categories);
        }
        Some(asked)
    }
}

struct Names {
    event: String,
    subscriber: String,
    target: String,
}

/// What a batched SUBSCRIBE asks for.
#[derive(Debug, Default)]
struct Asked {
    resources: Vec<String>,
    /// `state`, `note`, …
    categories: Vec<String>,
}

/// The messages of one subscription as they pass.
#[derive(Debug, Default)]
struct Walk {
    /// CSeq and time of the newest SUBSCRIBE.
    asked: Option<(u32, Nanos)>,
    /// The newest one asks for `Expires: 0`.
    leaves: bool,
    /// All do.
    fetches_only: bool,
    fetched: Vec<Nanos>,
    list: Option<Asked>,
    refreshes: u32,
    /// The last final answer: CSeq and status.
    answered: Option<(u32, u16)>,
    status: u16,
    /// When it was last granted.
    granted: Option<Nanos>,
    ever_granted: bool,
    piggybacked: u32,
    /// CSeq and From tag of each NOTIFY.
    told: HashSet<(u32, u32)>,
    notifies: u32,
    notify_bytes: u64,
    terminated: bool,
    disowned: bool,
    told_first: bool,
    start: Option<Nanos>,
    end: Nanos,
}

impl Walk {
    fn take(&mut self, analysis: &Analysis, m: MsgIdx) {
        let r = analysis.message(m);
        self.start = Some(self.start.map_or(r.time, |s| s.min(r.time)));
        self.end = self.end.max(r.time);
        if r.has(flag::DUPLICATE) || r.has(flag::RETRANSMISSION) {
            return;
        }
        match r.method {
            MethodId::SUBSCRIBE if r.is_request() => self.ask(analysis, m, r),
            MethodId::SUBSCRIBE => self.answer(r),
            MethodId::NOTIFY | MethodId::BENOTIFY if r.is_request() => {
                if !self.told.insert((r.cseq, r.from_tag)) {
                    return;
                }
                self.told_first |= self.notifies == 0 && self.asked.is_some() && !self.ever_granted;
                self.notifies += 1;
                self.notify_bytes += u64::from(r.body_len());
                self.terminated |= r.has(flag::TERMINATED);
            }
            MethodId::NOTIFY | MethodId::BENOTIFY => self.disowned |= r.status == 481,
            _ => {}
        }
    }

    fn ask(&mut self, analysis: &Analysis, m: MsgIdx, r: &SipRecord) {
        let zero = r.has(flag::EXPIRES_ZERO);
        match self.asked {
            // Another hop of the same, or one that comes late.
            Some((cseq, _)) if r.cseq <= cseq => return,
            Some(_) => {
                // After a challenge the same is asked again.
                let again = matches!(self.answered, Some((_, 401 | 407)));
                self.refreshes += u32::from(r.has(flag::TO_TAG) && !zero && !again && self.ever_granted);
                if zero && !again {
                    self.fetched.push(r.time);
                }
                self.fetches_only &= zero;
            }
            None => {
                self.fetches_only = zero;
                if zero {
                    self.fetched.push(r.time);
                }
            }
        }
        self.asked = Some((r.cseq, r.time));
        self.leaves = zero;
        (self.terminated, self.disowned) = (false, false);
        if matches!(r.content, Content::AdhocList | Content::Multipart) {
            self.list = analysis.batch_of(m).or(self.list.take());
        }
    }

    fn answer(&mut self, r: &SipRecord) {
        if r.status < 200 || self.answered.is_some_and(|(cseq, _)| r.cseq < cseq) {
            return;
        }
        let another_hop = self.answered == Some((r.cseq, r.status));
        self.answered = Some((r.cseq, r.status));
        self.status = r.status;
        if r.status < 300 {
            self.granted = Some(r.time);
            self.ever_granted = true;
            self.piggybacked += u32::from(!another_hop && r.body_len() > 0);
        }
    }

    fn state(&self, newest: Nanos, expires: Option<u32>) -> (SubscriptionState, Ending) {
        use SubscriptionState::{Active, Rejected, Terminated, Unanswered};
        let Some((cseq, asked)) = self.asked else {
            // NOTIFY alone, or REFER.
            return match (self.terminated, self.disowned) {
                (true, _) => (Terminated, Ending::Notified),
                (false, true) => (Terminated, Ending::Disowned),
                (false, false) => (Active, Ending::None),
            };
        };
        let pending = self.answered.is_none_or(|(answered, _)| answered < cseq);
        let waits = newest.saturating_sub(asked) < PATIENCE;
        let ended = match () {
            () if self.fetches_only => Ending::Fetched,
            () if self.leaves => Ending::Unsubscribed,
            () => Ending::Notified,
        };
        if self.terminated {
            return (Terminated, ended);
        }
        if self.disowned && !self.leaves {
            return (Terminated, Ending::Disowned);
        }
        if pending {
            // A later request that the end of the capture overtook does not undo what was granted.
            // A NOTIFY is an answer too (RFC 6665 §4.1.2.4), where the capture lacks the other one.
            let told = self.answered.is_none() && self.notifies > 0;
            return match self.ever_granted || told {
                true if self.fetches_only => (Terminated, Ending::Fetched),
                true if waits || told => (Active, Ending::None),
                _ => (Unanswered, Ending::None),
            };
        }
        if self.status >= 300 {
            return if self.ever_granted { (Terminated, Ending::Refused) } else { (Rejected, Ending::None) };
        }
        if self.fetches_only || self.leaves {
            return (Terminated, ended);
        }
        let until = match (self.granted, expires) {
            (Some(t), Some(seconds)) => t.saturating_add(i64::from(seconds) * 1_000_000_000),
            _ => Nanos::MAX,
        };
        if newest < until { (Active, Ending::None) } else { (Terminated, Ending::RanOut) }
    }
}

impl Subscription {
    /// Another fetch of the same.
    fn take(&mut self, other: Self) {
        self.owners.extend(other.owners);
        self.notifies += other.notifies;
        self.notify_bytes += other.notify_bytes;
        self.piggybacked += other.piggybacked;
        self.fetches += other.fetches;
        self.told_first |= other.told_first;
        self.start = self.start.min(other.start);
        if other.end >= self.end {
            self.end = other.end;
            (self.state, self.ending, self.status) = (other.state, other.ending, other.status);
            self.reason = other.reason;
        }
    }
}

/// The median time from one to the next; `None` of fewer than two.
fn median_step(times: &mut [Nanos]) -> Option<Nanos> {
    times.sort_unstable();
    let mut steps: Vec<Nanos> = times.windows(2).map(|w| w[1].saturating_sub(w[0])).collect();
    steps.sort_unstable();
    steps.get(steps.len().checked_sub(1)? / 2).copied()
}
