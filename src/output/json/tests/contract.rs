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
    pub sign_ins: Vec<SignIn>,
    pub subscriptions: Vec<Subscription>,
    pub conferences: Vec<Never>,
    pub instant_messages: Vec<Never>,
    pub ice_sessions: Vec<IceSession>,
    pub turn_allocations: Vec<TurnAllocation>,
    pub sql_lookups: Vec<Never>,
    pub media_streams: Vec<Never>,
    pub dns_lookups: Vec<DnsLookup>,
    pub findings: Vec<Never>,
}

#[derive(Debug, Deserialize)]
pub enum Never {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsLookup {
    pub id: u32,
    pub protocol: String,
    pub name: String,
    pub r#type: String,
    pub client: String,
    pub server: String,
    pub transport: String,
    pub state: String,
    pub answer: Vec<DnsRecord>,
    pub rcode: Option<String>,
    pub queries: u32,
    pub ms: Option<f64>,
    pub frame: Frame,
    pub answer_frame: Option<Frame>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsRecord {
    pub name: String,
    pub r#type: String,
    pub ttl_s: u32,
    pub address: Option<String>,
    pub target: Option<String>,
    pub port: Option<u16>,
    pub priority: Option<u16>,
    pub weight: Option<u16>,
    pub text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub id: u32,
    pub user: Option<String>,
    pub domain: Option<String>,
    pub epid: Option<String>,
    pub client: String,
    pub server: Option<String>,
    pub state: String,
    pub status: Option<u16>,
    pub auth: Option<String>,
    pub auth_user: Option<String>,
    pub auth_workstation: Option<String>,
    pub realm: Option<String>,
    pub target: Option<String>,
    pub redirect: Option<String>,
    pub keep_alive: Option<String>,
    pub remote: bool,
    pub expires_s: Option<u32>,
    pub attempts: u32,
    pub refreshes: u32,
    pub register_ms: Option<f64>,
    pub steps: Vec<SignInStep>,
    pub mras: Option<Mras>,
    pub relay_uses: Vec<RelayUse>,
    pub provisioning: BTreeMap<String, String>,
    pub dns_lookups: Vec<u32>,
    pub dialogs: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayUse {
    pub allocation: u32,
    pub verified: Option<bool>,
    pub lifetime: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInStep {
    pub step: String,
    pub state: String,
    pub frames: Vec<Frame>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mras {
    pub uri: Option<String>,
    pub state: Option<String>,
    pub location: Option<String>,
    pub duration_min: Option<u32>,
    pub username: Option<String>,
    pub reason: Option<String>,
    pub relays: Vec<MediaRelay>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaRelay {
    pub host: String,
    pub location: String,
    pub udp: Option<u16>,
    pub tcp: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    pub id: u32,
    pub call_id: String,
    pub event: String,
    pub subscriber: String,
    pub target: String,
    pub targets: u32,
    pub fidelity: String,
    pub poll_period_s: Option<f64>,
    pub expires_s: Option<u32>,
    pub notifies: u32,
    pub notify_bytes: u64,
    pub refreshes: u32,
    pub state: String,
    pub final_status: Option<u16>,
    pub dialogs: Vec<u32>,
}

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
    pub ice: Vec<u32>,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceSession {
    pub id: u32,
    pub call: Option<u32>,
    pub media: Option<String>,
    pub dialect: String,
    pub generation: String,
    pub role_a: Option<String>,
    pub role_conflicts: u32,
    pub a: IceSide,
    pub b: IceSide,
    pub pairs: Vec<IcePair>,
    pub pairs_not_kept: u64,
    pub selected: Vec<Selected>,
    pub state: String,
    pub connect_ms: Option<f64>,
    pub first_media_ms: Option<f64>,
    pub final_offer: Option<Frame>,
    pub final_offer_unknown_candidate: bool,
    pub final_offer_refused: Option<u16>,
    pub other_generation: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceSide {
    pub party: Option<String>,
    pub ufrag: Option<String>,
    pub lite: bool,
    pub candidates: Vec<Candidate>,
    pub candidates_not_kept: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    pub foundation: String,
    pub component: u16,
    pub transport: String,
    pub tcp_type: Option<String>,
    pub priority: Option<u64>,
    pub fraction: Option<String>,
    pub address: String,
    pub address_inferred: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub type_inferred: bool,
    pub related: Option<String>,
    pub generation: String,
    pub trickled: bool,
    pub remarks: Vec<String>,
    pub issues: Vec<String>,
    pub frame: Frame,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IcePair {
    pub component: u16,
    pub transport: String,
    pub a: String,
    pub b: String,
    pub a_type: Option<String>,
    pub b_type: Option<String>,
    pub priority: Option<u64>,
    pub state: String,
    pub requests: u32,
    pub responses: u32,
    pub errors: BTreeMap<String, u32>,
    pub rtt_ms: Option<RoundTrip>,
    pub nominated: bool,
    pub selected: bool,
    pub media_packets: u64,
    pub icmp: Option<Icmp>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Icmp {
    pub text: String,
    pub from: String,
    pub count: u32,
    pub frame: Frame,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundTrip {
    pub min: f64,
    pub avg: f64,
    pub max: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selected {
    pub component: u16,
    pub a: String,
    pub b: String,
    pub by: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnAllocation {
    pub id: u32,
    pub client: String,
    pub server: String,
    pub transport: String,
    pub dialect: String,
    pub username: Option<String>,
    pub realm: Option<String>,
    pub software: Option<String>,
    pub state: String,
    pub start: String,
    pub rounds: Vec<Round>,
    pub mapped: Option<String>,
    pub relayed: Option<String>,
    pub nat: Option<bool>,
    pub lifetime_s: Option<u32>,
    pub bandwidth_kbps: Option<u32>,
    pub refreshes: u32,
    pub alternate_server: Option<String>,
    pub peers: Vec<Peer>,
    pub error: Option<TurnError>,
    pub icmp: Option<Icmp>,
    pub calls: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    pub request: Option<Frame>,
    pub response: Option<Frame>,
    pub status: Option<u16>,
    pub sent: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    pub address: String,
    pub channel: Option<u16>,
    pub permitted: bool,
    pub active_destination: bool,
    pub sent_packets: u64,
    pub received_packets: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnError {
    pub code: u16,
    pub reason: String,
}
