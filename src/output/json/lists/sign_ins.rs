//! `sign_ins` of the contract.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::correlate::Analysis;
use crate::correlate::gathered::{self, Gathered};
use crate::output::json::value::{Addr, Frame, Millis, some};
use crate::view::lists::auth_words;

#[derive(Debug, Serialize)]
pub(in crate::output::json) struct SignIn<'a> {
    id: u32,
    user: Cow<'a, str>,
    epid: Option<&'a str>,
    client: Addr,
    server: Addr,
    state: &'static str,
    status: Option<u16>,
    auth: Option<&'static str>,
    expires_s: Option<u32>,
    attempts: u32,
    refreshes: u32,
    register_ms: Option<Millis>,
    steps: Vec<Step>,
    mras: Option<Mras<'a>>,
    provisioning: BTreeMap<&'a str, &'a str>,
    /// Numbers of the dialogs it is made of.
    dialogs: Vec<u32>,
}

#[derive(Debug, Serialize)]
struct Step {
    step: &'static str,
    state: &'static str,
    frames: Vec<Frame>,
}

#[derive(Debug, Serialize)]
struct Mras<'a> {
    uri: Option<&'a str>,
    state: Option<&'static str>,
    location: Option<&'a str>,
    duration_min: Option<u32>,
    username: Option<&'a str>,
    reason: Option<&'a str>,
    relays: Vec<Relay<'a>>,
}

#[derive(Debug, Serialize)]
struct Relay<'a> {
    host: &'a str,
    location: &'a str,
    udp: Option<u16>,
    tcp: Option<u16>,
}

pub(super) fn row<'a>(analysis: &'a Analysis, gathered: &'a Gathered, at: u32) -> Option<SignIn<'a>> {
    let s = gathered.sign_ins.get(at as usize)?;
    let step = |s: &gathered::Step| Step {
        step: s.kind.name(),
        state: s.state.name(),
        frames: s.messages.iter().map(|m| analysis.message(*m).frame.into()).collect(),
    };
    Some(SignIn {
        id: at + 1,
        user: analysis.text(s.user),
        epid: filled(&s.epid),
        client: Addr(s.client),
        server: Addr(s.server),
        state: s.state.name(),
        status: some(s.status),
        auth: filled(auth_words(s)),
        expires_s: s.expires,
        attempts: s.attempts,
        refreshes: s.refreshes,
        register_ms: s.took.map(Millis),
        steps: s.steps.iter().map(step).collect(),
        mras: s.mras.as_ref().map(mras),
        provisioning: s.provisioning.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect(),
        dialogs: s.dialogs.iter().map(|d| d.0 + 1).collect(),
    })
}

fn mras(m: &gathered::Mras) -> Mras<'_> {
    Mras {
        uri: filled(&m.uri),
        state: m.state.map(|s| s.name()),
        location: m.location.as_deref(),
        duration_min: m.duration,
        username: m.username.as_deref(),
        reason: m.reason.as_deref(),
        relays: m
            .relays
            .iter()
            .map(|r| Relay { host: &r.host, location: &r.location, udp: r.udp, tcp: r.tcp })
            .collect(),
    }
}

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
