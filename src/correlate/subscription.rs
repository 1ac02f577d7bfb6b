//! Subscriptions (RFC 6665): one for each Call-ID that SUBSCRIBE opens or NOTIFY tells of; those that only fetch
//! (`Expires: 0`) are one for each subscriber, event and target.

use std::collections::HashMap;

use super::Analysis;
use super::model::*;
use crate::capture::Nanos;

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

#[derive(Debug, Clone)]
pub struct Subscription {
    /// The dialogs it is made of; more than one only where each fetches once.
    pub dialogs: Vec<DialogIdx>,
    pub event: Str,
    pub subscriber: Str,
    /// Whom it asks about, of a single one.
    pub target: Str,
    pub fidelity: Fidelity,
    /// Median time from one fetch to the next.
    pub poll_period: Option<Nanos>,
    /// Last asked for or granted, seconds.
    pub expires: Option<u32>,
    /// NOTIFY and BENOTIFY, without repeats.
    pub notifies: u32,
    /// Their bodies.
    pub notify_bytes: u64,
    pub refreshes: u32,
    pub state: SubscriptionState,
    /// Of the last SUBSCRIBE; 0 for none.
    pub status: u16,
    pub start: Nanos,
    pub end: Nanos,
}

impl Analysis {
    pub(super) fn subscriptions(&self) -> Vec<Subscription> {
        let mut all: Vec<Subscription> = Vec::new();
        let mut fetches: HashMap<(Str, Str, Str), usize> = HashMap::new();
        let mut starts: Vec<Vec<Nanos>> = Vec::new();
        for (index, dialog) in self.dialogs_shown() {
            let asks = dialog.method == MethodId::SUBSCRIBE;
            let told = matches!(dialog.method, MethodId::NOTIFY | MethodId::BENOTIFY);
            if !asks && !told {
                continue;
            }
            let one = self.subscription(index, dialog, asks);
            let key = (one.subscriber, one.event, one.target);
            match fetches.get(&key).filter(|_| one.fidelity == Fidelity::Low) {
                Some(&at) => {
                    if let (Some(known), Some(starts)) = (all.get_mut(at), starts.get_mut(at)) {
                        starts.push(one.start);
                        known.take(one);
                    }
                }
                None => {
                    if one.fidelity == Fidelity::Low {
                        fetches.insert(key, all.len());
                    }
                    starts.push(vec![one.start]);
                    all.push(one);
                }
            }
        }
        for (one, starts) in all.iter_mut().zip(&mut starts) {
            one.poll_period = median_step(starts);
        }
        all.sort_by_key(|s| s.start);
        all
    }

    fn subscription(&self, index: DialogIdx, dialog: &Dialog, asks: bool) -> Subscription {
        let summary = &dialog.summary;
        // A notification goes the other way.
        let (subscriber, target) =
            if asks { (dialog.from_uri, dialog.to_uri) } else { (dialog.to_uri, dialog.from_uri) };
        let mut one = Subscription {
            dialogs: vec![index],
            event: dialog.event,
            subscriber,
            target,
            fidelity: Fidelity::High,
            poll_period: None,
            expires: self.expires_of(index),
            notifies: 0,
            notify_bytes: 0,
            refreshes: 0,
            state: SubscriptionState::Active,
            status: if asks { summary.final_status } else { 0 },
            start: summary.start,
            end: summary.end,
        };
        let mut asked: Option<u32> = None;
        let mut first_fetches = false;
        for r in self.messages_of(dialog.messages).map(|m| self.message(m)) {
            if !r.is_request() || r.has(flag::DUPLICATE) || r.has(flag::RETRANSMISSION) {
                continue;
            }
            match r.method {
                MethodId::SUBSCRIBE => {
                    match asked {
                        None => first_fetches = r.has(flag::EXPIRES_ZERO),
                        // After a challenge the same is asked again.
                        Some(_) if r.has(flag::TO_TAG) && !r.has(flag::EXPIRES_ZERO) => one.refreshes += 1,
                        Some(_) => {}
                    }
                    asked = Some(r.cseq);
                }
                MethodId::NOTIFY | MethodId::BENOTIFY => {
                    one.notifies += 1;
                    one.notify_bytes += u64::from(r.body_len());
                }
                _ => {}
            }
        }
        if first_fetches {
            one.fidelity = Fidelity::Low;
        }
        one.state = match summary.state {
            _ if summary.terminated => SubscriptionState::Terminated,
            DialogState::Active => SubscriptionState::Active,
            DialogState::Unanswered if asks => SubscriptionState::Unanswered,
            DialogState::Failed if asks => SubscriptionState::Rejected,
            _ if asks => SubscriptionState::Terminated,
            _ => SubscriptionState::Active,
        };
        one
    }
}

impl Subscription {
    /// Another fetch of the same.
    fn take(&mut self, other: Self) {
        self.dialogs.extend(other.dialogs);
        self.notifies += other.notifies;
        self.notify_bytes += other.notify_bytes;
        self.start = self.start.min(other.start);
        if other.end >= self.end {
            (self.end, self.state, self.status) = (other.end, other.state, other.status);
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
