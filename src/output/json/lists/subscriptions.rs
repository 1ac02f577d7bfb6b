//! `subscriptions` of the contract.

use std::borrow::Cow;

use serde::Serialize;

use crate::correlate::gathered::{Fidelity, Gathered};
use crate::correlate::{Analysis, Owner};

#[derive(Debug, Serialize)]
pub(in crate::output::json) struct Subscription<'a> {
    id: u32,
    call_id: Cow<'a, str>,
    event: &'a str,
    subscriber: &'a str,
    target: &'a str,
    targets: u32,
    /// URIs that a batched one asks for.
    contacts: &'a [String],
    categories: &'a [String],
    /// Of presence only.
    fidelity: Option<&'static str>,
    poll_period_s: Option<f64>,
    fetches: u32,
    expires_s: Option<u32>,
    notifies: u32,
    notify_bytes: u64,
    /// Answers to SUBSCRIBE with a notification in them.
    piggybacked: u32,
    refreshes: u32,
    state: &'static str,
    ended: Option<&'static str>,
    reason: Option<&'a str>,
    final_status: Option<u16>,
    /// Its SUBSCRIBE or REFER is in the capture.
    asked: bool,
    told_first: bool,
    /// Numbers of the dialogs it is made of, and of the call it lies in.
    dialogs: Vec<u32>,
    call: Option<u32>,
}

pub(super) fn row<'a>(
    analysis: &'a Analysis,
    gathered: &'a Gathered<'a>,
    at: u32,
) -> Option<Subscription<'a>> {
    let s = gathered.subscriptions().get(at as usize)?;
    let call_id = match *s.owners.first()? {
        Owner::Call(c) => analysis.call(c).call_id,
        Owner::Dialog(d) => analysis.dialog(d).call_id,
    };
    let dialog = |o: &Owner| match o {
        Owner::Dialog(d) => Some(d.0 + 1),
        Owner::Call(_) => None,
    };
    let call = |o: &Owner| match o {
        Owner::Call(c) => Some(c.0 + 1),
        Owner::Dialog(_) => None,
    };
    Some(Subscription {
        id: at + 1,
        call_id: analysis.text(call_id),
        event: &s.event,
        subscriber: &s.subscriber,
        target: &s.target,
        targets: s.targets,
        contacts: &s.contacts,
        categories: &s.categories,
        fidelity: s.presence_fidelity().map(Fidelity::name),
        poll_period_s: s.poll_period.map(|p| p as f64 / 1e9),
        fetches: s.fetches,
        expires_s: s.expires,
        notifies: s.notifies,
        notify_bytes: s.notify_bytes,
        piggybacked: s.piggybacked,
        refreshes: s.refreshes,
        state: s.state.name(),
        ended: s.ending.name(),
        reason: Some(s.reason.as_str()).filter(|r| !r.is_empty()),
        final_status: Some(s.status).filter(|s| *s > 0),
        asked: s.asked,
        told_first: s.told_first,
        dialogs: s.owners.iter().filter_map(dialog).collect(),
        call: s.owners.iter().find_map(call),
    })
}
