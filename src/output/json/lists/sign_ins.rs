//! `sign_ins` of the contract.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::correlate::Analysis;
use crate::correlate::gathered::{self, Gathered};
use crate::output::json::value::{Addr, Frame, Millis, Time, some};
use crate::view::lists::auth_words;

#[derive(Debug, Serialize)]
pub(in crate::output::json) struct SignIn<'a> {
    id: u32,
    /// None where it never came to a REGISTER.
    user: Option<Cow<'a, str>>,
    domain: Option<&'a str>,
    epid: Option<&'a str>,
    client: Addr,
    server: Option<Addr>,
    state: &'static str,
    status: Option<u16>,
    auth: Option<&'static str>,
    auth_user: Option<&'a str>,
    auth_workstation: Option<&'a str>,
    realm: Option<&'a str>,
    target: Option<&'a str>,
    redirect: Option<&'a str>,
    keep_alive: Option<&'a str>,
    remote: bool,
    expires_s: Option<u32>,
    attempts: u32,
    refreshes: u32,
    register_ms: Option<Millis>,
    steps: Vec<Step>,
    mras: Option<Mras<'a>>,
    /// Allocations that use the credentials.
    relay_uses: Vec<RelayUse>,
    provisioning: BTreeMap<&'a str, &'a str>,
    /// Numbers of the look-ups and of the dialogs it is made of.
    dns_lookups: Vec<u32>,
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
struct RelayUse {
    /// Number of the allocation.
    allocation: u32,
    /// Whether the password given out makes its MESSAGE-INTEGRITY; none where nothing could be tried.
    verified: Option<bool>,
    lifetime: &'static str,
    /// When the credentials run out.
    expires: Option<Time>,
    refused: Option<Refusal>,
}

/// What the relay said last about the credentials, where no success followed.
#[derive(Debug, Serialize)]
struct Refusal {
    code: u16,
    frame: Option<Frame>,
}

#[derive(Debug, Serialize)]
struct Relay<'a> {
    host: &'a str,
    location: &'a str,
    udp: Option<u16>,
    tcp: Option<u16>,
}

pub(super) fn row<'a>(analysis: &'a Analysis, gathered: &'a Gathered<'a>, at: u32) -> Option<SignIn<'a>> {
    let s = gathered.sign_ins().get(at as usize)?;
    let step = |s: &gathered::Step| Step {
        step: s.kind.name(),
        state: s.state.name(),
        frames: {
            let lookups = s.lookups.iter().filter_map(|i| analysis.dns.lookup(*i)).flat_map(|l| l.frames());
            let messages = s.messages.iter().map(|m| analysis.message(*m).frame);
            lookups.chain(messages).map(Frame::from).collect()
        },
    };
    let said = |of: fn(&gathered::AuthRound) -> Option<&str>| s.rounds.iter().rev().find_map(of);
    let uses = s.credentials.iter().flat_map(|c| &c.uses);
    Some(SignIn {
        id: at + 1,
        user: Some(analysis.text(s.user)).filter(|u| !u.is_empty()),
        domain: filled(&s.domain),
        epid: filled(&s.epid),
        client: Addr(s.client),
        server: s.server.map(Addr),
        state: s.state.name(),
        status: some(s.status),
        auth: filled(auth_words(s)),
        auth_user: said(|r| r.user.as_deref()),
        auth_workstation: said(|r| r.workstation.as_deref()),
        realm: filled(&s.realm),
        target: filled(&s.target),
        redirect: s.redirect.as_deref(),
        keep_alive: s.keep_alive.as_deref(),
        remote: s.remote,
        expires_s: s.expires,
        attempts: s.attempts,
        refreshes: s.refreshes,
        register_ms: s.took.map(Millis),
        steps: s.steps.iter().map(step).collect(),
        mras: s.mras.as_ref().map(mras),
        relay_uses: uses
            .map(|u| RelayUse {
                allocation: u.allocation.0 + 1,
                verified: u.verified,
                lifetime: u.lifetime.name(),
                expires: u.ends.map(Time),
                refused: u.refused.map(|r| Refusal {
                    code: r.code,
                    frame: analysis.stun.record(r.answer).map(|r| Frame::from(r.frame())),
                }),
            })
            .collect(),
        provisioning: s.provisioning.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect(),
        dns_lookups: s.lookups().iter().map(|l| l.0 + 1).collect(),
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
