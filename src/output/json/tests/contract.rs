//! The JSON contract as types that know every field and no other; the integration tests read with them too.

#![allow(dead_code)]

use std::collections::BTreeMap;

use serde::Deserialize;

#[path = "contract_media.rs"]
pub mod media;

pub use media::MediaStream;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub schema: String,
    pub version: String,
    pub verdict: String,
    pub captures: Vec<Capture>,
    #[serde(default)]
    pub redaction: Option<Redaction>,
    pub statistics: Statistics,
    pub calls: Vec<Call>,
    pub dialogs: Vec<Dialog>,
    pub sign_ins: Vec<SignIn>,
    pub subscriptions: Vec<Subscription>,
    pub conferences: Vec<Conference>,
    pub instant_messages: Vec<InstantMessage>,
    pub ice_sessions: Vec<IceSession>,
    pub turn_allocations: Vec<TurnAllocation>,
    pub sql_lookups: Vec<SqlLookup>,
    pub sql_connections: Vec<serde_json::Value>,
    pub media_streams: Vec<MediaStream>,
    pub dns_lookups: Vec<DnsLookup>,
    pub findings: Vec<Finding>,
}

/// Of redacted copies: how much of what was overwritten or left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redaction {
    pub overwritten: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
pub enum Never {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub id: u32,
    pub rule: String,
    pub severity: String,
    pub subject: FindingSubject,
    pub subjects: Vec<FindingSubject>,
    pub count: u64,
    pub concerns: Vec<FindingSubject>,
    pub title: String,
    pub detail: String,
    pub advice: String,
    pub confidence: String,
    pub confidence_why: Option<String>,
    pub evidence: Vec<FindingEvidence>,
    pub evidence_not_kept: u64,
    pub explained_by: Option<u32>,
    pub source: String,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct FindingSubject {
    pub kind: String,
    pub id: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingEvidence {
    pub capture: u16,
    pub frame: u32,
    pub text: String,
    pub time: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlLookup {
    pub id: u32,
    pub client: String,
    pub server: String,
    pub kind: Option<String>,
    pub instance: Option<String>,
    pub requests: u32,
    pub frame: Option<Frame>,
    pub time: String,
    pub answer_frame: Option<Frame>,
    pub ms: Option<f64>,
    pub answers: u32,
    pub answered_by: Vec<String>,
    pub state: String,
    pub error: Option<String>,
    pub pattern: Option<String>,
    pub issues: Vec<String>,
    pub instances: Vec<SqlInstance>,
    pub dac_port: Option<u16>,
    pub connection: SqlConnection,
    pub more_connections: Vec<SqlConnection>,
    pub verdict: String,
    pub sip_errors: Vec<Frame>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlInstance {
    pub server: Option<String>,
    pub instance: Option<String>,
    pub clustered: Option<bool>,
    pub version: Option<String>,
    pub product: Option<String>,
    pub tcp: Option<u16>,
    pub pipe: Option<String>,
    pub other: BTreeMap<String, String>,
    pub ports_seen: Vec<u16>,
    pub from: String,
    pub frame: Frame,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlConnection {
    pub frame: Option<Frame>,
    pub client: Option<String>,
    pub server: Option<String>,
    pub port: Option<u16>,
    pub matches_answer: Option<bool>,
    pub state: String,
    pub syns: u16,
    pub connect_ms: Option<f64>,
    pub error: Option<String>,
    pub tds_version: Option<String>,
    pub product: Option<String>,
    pub client_version: Option<String>,
    pub encryption: Option<String>,
    pub encryption_asked: Option<String>,
    pub encryption_outcome: Option<String>,
    pub instance_match: Option<bool>,
    pub mars: Option<bool>,
    pub tls: bool,
    pub login_version: Option<String>,
    pub login: Option<BTreeMap<String, serde_json::Value>>,
    pub accepted: Option<bool>,
    pub errors: Vec<BTreeMap<String, serde_json::Value>>,
    pub first_answer_ms: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub id: u32,
    pub user: Option<String>,
    pub epid: Option<String>,
    pub client: String,
    pub server: Option<String>,
    pub state: String,
    pub status: Option<u16>,
    pub auth: Option<String>,
    pub expires_s: Option<u32>,
    pub attempts: u32,
    pub refreshes: u32,
    pub register_ms: Option<f64>,
    pub steps: Vec<SignInStep>,
    pub mras: Option<Mras>,
    pub provisioning: BTreeMap<String, String>,
    pub dialogs: Vec<u32>,
    pub domain: Option<String>,
    pub auth_user: Option<String>,
    pub auth_workstation: Option<String>,
    pub realm: Option<String>,
    pub target: Option<String>,
    pub redirect: Option<String>,
    pub keep_alive: Option<String>,
    pub remote: bool,
    pub relay_uses: Vec<RelayUse>,
    pub dns_lookups: Vec<u32>,
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
    pub contacts: Vec<String>,
    pub categories: Vec<String>,
    pub fidelity: Option<String>,
    pub poll_period_s: Option<f64>,
    pub fetches: u32,
    pub expires_s: Option<u32>,
    pub notifies: u32,
    pub notify_bytes: u64,
    pub piggybacked: u32,
    pub refreshes: u32,
    pub state: String,
    pub ended: Option<String>,
    pub reason: Option<String>,
    pub final_status: Option<u16>,
    pub asked: bool,
    pub told_first: bool,
    pub dialogs: Vec<u32>,
    pub call: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstantMessage {
    pub id: u32,
    pub time: String,
    pub frame: Frame,
    pub call_id: String,
    pub from: String,
    pub to: String,
    pub content_type: Option<String>,
    pub text: Option<String>,
    pub truncated: bool,
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub response_frame: Option<Frame>,
    pub answer_ms: Option<f64>,
    pub delivered: bool,
    pub carried_by: String,
    pub relayed_by: Option<String>,
    pub attempts: u32,
    pub notices: Vec<DeliveryNotice>,
    pub conversation: u32,
    pub conversation_id: Option<String>,
    pub joined_by: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryNotice {
    pub frame: Frame,
    pub recipient: String,
    pub status: String,
    pub failed: bool,
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
    pub udptl: BTreeMap<String, u64>,
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
    pub lookalikes: u64,
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
    pub media: Vec<u32>,
    pub media_way: Option<String>,
    pub ice: Vec<u32>,
    pub findings: Vec<u32>,
    pub verdict: String,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conference {
    pub id: u32,
    pub conference_id: String,
    pub focus: String,
    pub organizer: String,
    pub subject: Option<String>,
    pub start: String,
    pub end: String,
    pub ended: bool,
    pub factory: bool,
    pub mcus: Vec<Mcu>,
    pub commands: Vec<Command>,
    pub roster: Vec<Member>,
    pub roster_complete: bool,
    pub roster_documents: u32,
    pub roster_gaps: u32,
    pub roster_changes: Vec<RosterChange>,
    pub not_kept: u64,
    pub calls: Vec<u32>,
    pub legs: Vec<ConferenceLeg>,
    pub dialogs: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mcu {
    pub kind: String,
    pub uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    pub frame: Frame,
    pub time: String,
    pub name: String,
    pub request_id: Option<String>,
    pub from: String,
    pub to: String,
    pub target: Option<String>,
    pub mcu: Option<String>,
    pub dial_out: bool,
    pub roles: Vec<String>,
    pub granted_roles: Vec<String>,
    pub code: String,
    pub reason: Option<String>,
    pub sip_status: Option<u16>,
    pub pending_frame: Option<Frame>,
    pub response_frame: Option<Frame>,
    pub ms: Option<f64>,
    pub request_seen: bool,
    pub duplicate_request_id: bool,
    pub call: Option<u32>,
    pub issues: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub user: String,
    pub display: Option<String>,
    pub role: Option<String>,
    pub endpoints: Vec<MemberEndpoint>,
    pub joined: String,
    pub was_there: bool,
    pub left: Option<String>,
    pub left_how: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberEndpoint {
    pub uri: Option<String>,
    pub session: Option<String>,
    pub status: Option<String>,
    pub joined: Option<String>,
    pub left: Option<String>,
    pub muted: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterChange {
    pub frame: Frame,
    pub time: String,
    pub user: Option<String>,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConferenceLeg {
    pub call: u32,
    pub role: String,
    pub mcu: Option<String>,
}

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
pub struct RelayUse {
    pub allocation: u32,
    pub verified: Option<bool>,
    pub lifetime: String,
    pub expires: Option<String>,
    pub refused: Option<RelayRefusal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayRefusal {
    pub code: u16,
    pub frame: Option<Frame>,
}
