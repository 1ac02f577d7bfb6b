//! The JSON contract as types that know every field and no other; the integration tests read with them too.

#![allow(dead_code)]

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub schema: String,
    pub version: String,
    pub captures: Vec<Capture>,
    pub statistics: Statistics,
    pub calls: Vec<Call>,
    pub dialogs: Vec<Dialog>,
    pub sign_ins: Vec<Never>,
    pub subscriptions: Vec<Never>,
    pub conferences: Vec<Never>,
    pub instant_messages: Vec<Never>,
    pub ice_sessions: Vec<Never>,
    pub turn_allocations: Vec<Never>,
    pub sql_lookups: Vec<Never>,
    pub media_streams: Vec<Never>,
    pub dns_lookups: Vec<Never>,
    pub findings: Vec<Never>,
}

#[derive(Debug, Deserialize)]
pub enum Never {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    pub path: String,
    pub format: String,
    pub compression: Option<String>,
    pub link_types: Vec<String>,
    pub frames: u64,
    pub bytes: u64,
    pub first: Option<String>,
    pub last: Option<String>,
    pub accounting: BTreeMap<String, u64>,
    pub issues: Vec<Issue>,
    pub issues_not_kept: u64,
    pub comments: Vec<Comment>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    pub code: String,
    pub offset: u64,
    pub frame: Option<u32>,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    pub frame: Option<u32>,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    pub sip: Sip,
    pub stun: Stun,
    pub rtp: BTreeMap<String, u64>,
    pub rtcp: BTreeMap<String, u64>,
    pub sqlr: BTreeMap<String, u64>,
    pub tds: BTreeMap<String, u64>,
    pub dns: BTreeMap<String, u64>,
    pub tls: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sip {
    pub messages: u64,
    pub duplicates: u64,
    pub requests: BTreeMap<String, u64>,
    pub responses: BTreeMap<String, u64>,
    pub retransmissions: u64,
    pub malformed: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stun {
    pub messages: u64,
    pub by_type: BTreeMap<String, u64>,
    pub ms_turn: u64,
    pub classic: u64,
    pub malformed: u64,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    pub capture: u16,
    pub frame: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    pub uri: String,
    pub display: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub id: u32,
    pub call_id: String,
    pub kind: String,
    pub from: Party,
    pub to: Party,
    pub caller_agent: Option<String>,
    pub callee_agent: Option<String>,
    pub start: String,
    pub answered: Option<String>,
    pub end: Option<String>,
    pub state: String,
    pub final_status: Option<u16>,
    pub reason: Option<String>,
    pub ended_by: Option<String>,
    pub setup_ms: Option<f64>,
    pub ring_ms: Option<f64>,
    pub talk_ms: Option<f64>,
    pub starts_mid_call: bool,
    pub retransmissions: u32,
    pub failure: Option<Failure>,
    pub legs: Vec<Leg>,
    pub diagnostics: Vec<Diagnostic>,
    pub forks: Vec<Fork>,
    pub messages: Vec<Message>,
    pub offers: Vec<Offer>,
    pub media: Vec<Never>,
    pub ice: Vec<Never>,
    pub findings: Vec<Never>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    pub kind: String,
    pub frame: Frame,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    pub call: u32,
    pub by: String,
    pub frame: Frame,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnostic {
    pub header: String,
    pub code: Option<u32>,
    pub source: Option<String>,
    pub reason: Option<String>,
    pub frame: Frame,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    pub to_tag: String,
    pub epid: Option<String>,
    pub status: Option<u16>,
    pub frame: Frame,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    pub offer: Frame,
    pub answer: Option<Frame>,
    pub generation: String,
    pub role: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub frame: Frame,
    pub time: String,
    pub src: String,
    pub dst: String,
    pub transport: String,
    pub method: Option<String>,
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub cseq: String,
    pub retransmission: bool,
    #[serde(default)]
    pub call_id_inferred: bool,
    pub label: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialog {
    pub id: u32,
    pub call_id: String,
    pub method: String,
    pub event: Option<String>,
    pub from: String,
    pub to: String,
    pub start: String,
    pub end: String,
    pub requests: u32,
    pub responses: u32,
    pub final_status: Option<u16>,
    pub state: String,
    pub terminated: Option<String>,
    pub messages: Vec<Message>,
}
