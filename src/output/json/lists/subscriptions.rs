//! `subscriptions` of the contract.

use std::borrow::Cow;

use serde::Serialize;

use crate::correlate::Analysis;
use crate::correlate::gathered::Gathered;

#[derive(Debug, Serialize)]
pub(in crate::output::json) struct Subscription<'a> {
    id: u32,
    call_id: Cow<'a, str>,
    event: Cow<'a, str>,
    subscriber: Cow<'a, str>,
    target: Cow<'a, str>,
    targets: u32,
    fidelity: &'static str,
    poll_period_s: Option<f64>,
    expires_s: Option<u32>,
    notifies: u32,
    notify_bytes: u64,
    refreshes: u32,
    state: &'static str,
    final_status: Option<u16>,
    /// Numbers of the dialogs it is made of.
    dialogs: Vec<u32>,
}

pub(super) fn row<'a>(analysis: &'a Analysis, gathered: &'a Gathered, at: u32) -> Option<Subscription<'a>> {
    let s = gathered.subscriptions.get(at as usize)?;
    let first = analysis.dialog(*s.dialogs.first()?);
    Some(Subscription {
        id: at + 1,
        call_id: analysis.text(first.call_id),
        event: analysis.text(s.event),
        subscriber: analysis.text(s.subscriber),
        target: analysis.text(s.target),
        targets: 1,
        fidelity: s.fidelity.name(),
        poll_period_s: s.poll_period.map(|p| p as f64 / 1e9),
        expires_s: s.expires,
        notifies: s.notifies,
        notify_bytes: s.notify_bytes,
        refreshes: s.refreshes,
        state: s.state.name(),
        final_status: Some(s.status).filter(|s| *s > 0),
        dialogs: s.dialogs.iter().map(|d| d.0 + 1).collect(),
    })
}
