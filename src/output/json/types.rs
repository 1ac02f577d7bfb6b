//! The objects of the contract, schema `callscope/1`. Field names and their meaning are fixed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::value::{Addr, CSeq, Frame, Millis, Time, Word};

pub(crate) const SCHEMA: &str = "callscope/1";

#[derive(Debug, Serialize)]
pub(super) struct Capture<'a> {
    pub path: Cow<'a, str>,
    pub format: &'a str,
    pub compression: Option<&'a str>,
    pub link_types: Vec<Cow<'static, str>>,
    pub frames: u64,
    pub bytes: u64,
    pub first: Option<Time>,
    pub last: Option<Time>,
    pub accounting: Accounting,
    pub issues: Vec<CaptureIssue<'a>>,
    /// Issues beyond the limit `issues`.
    pub issues_not_kept: u64,
    pub comments: Vec<Comment<'a>>,
}

/// What was overwritten in the copies that the document is about.
#[derive(Debug, Serialize)]
pub(super) struct Redaction {
    pub overwritten: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Accounting {
    pub decoded: u64,
    pub other_traffic: u64,
    pub not_ip: u64,
    pub cut_short: u64,
    pub malformed: u64,
    pub fragment_pending: u64,
    pub duplicate: u64,
    pub over_limit: u64,
    pub encrypted: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct CaptureIssue<'a> {
    pub code: &'a str,
    pub offset: u64,
    pub frame: Option<u32>,
    pub text: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Comment<'a> {
    pub frame: Option<u32>,
    pub text: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Statistics<'a> {
    pub sip: Sip<'a>,
    pub stun: Stun,
    pub rtp: Packets,
    pub rtcp: Packets,
    /// Fax (T.38).
    pub udptl: Packets,
    pub sqlr: Sqlr,
    pub tds: Tds,
    pub dns: Dns,
    pub tls: Tls,
}

#[derive(Debug, Serialize)]
pub(super) struct Sip<'a> {
    pub messages: u64,
    pub duplicates: u64,
    pub requests: BTreeMap<&'a str, u64>,
    pub responses: Responses<'a>,
    pub retransmissions: u64,
    pub malformed: u64,
}

/// Status code (as text) → count.
#[derive(Debug)]
pub(super) struct Responses<'a>(pub &'a BTreeMap<u16, u64>);

impl Serialize for Responses<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for (code, count) in self.0 {
            map.serialize_entry(&code.to_string(), count)?;
        }
        map.end()
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Stun {
    pub messages: u64,
    pub by_type: BTreeMap<String, u64>,
    pub ms_turn: u64,
    pub classic: u64,
    pub malformed: u64,
    /// Packets that only look like STUN or ChannelData.
    pub lookalikes: u64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Packets {
    pub packets: u64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Sqlr {
    pub requests: u64,
    pub responses: u64,
    pub malformed: u64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Tds {
    pub prelogins: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Dns {
    pub srv_queries: u64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Tls {
    pub sessions: u64,
    pub decrypted: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Party<'a> {
    pub uri: Cow<'a, str>,
    pub display: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Call<'a, M> {
    pub id: u32,
    pub call_id: Cow<'a, str>,
    pub kind: &'static str,
    pub from: Party<'a>,
    pub to: Party<'a>,
    pub caller_agent: Option<Cow<'a, str>>,
    pub callee_agent: Option<Cow<'a, str>>,
    pub start: Time,
    pub answered: Option<Time>,
    pub end: Option<Time>,
    pub state: &'static str,
    pub final_status: Option<u16>,
    pub reason: Option<Cow<'a, str>>,
    pub ended_by: Option<&'static str>,
    pub setup_ms: Option<Millis>,
    pub ring_ms: Option<Millis>,
    pub talk_ms: Option<Millis>,
    /// The capture starts after the INVITE that opened the call.
    pub starts_mid_call: bool,
    pub retransmissions: u32,
    /// Why it failed, where no SIP answer says it.
    pub failure: Option<Failure>,
    /// Other legs of the same call and by what they were joined.
    pub legs: Vec<Leg>,
    pub diagnostics: Vec<Diagnostic>,
    pub forks: Vec<Fork<'a>>,
    pub messages: M,
    pub offers: Vec<Offer>,
    pub media: Vec<u32>,
    /// Which ways it was seen to go: both, caller only, callee only, early, unclear, none (it would have passed here),
    /// "none, as agreed" (inactive), not captured here.
    pub media_way: Option<&'static str>,
    pub ice: Vec<u32>,
    pub findings: Vec<u32>,
    /// What became of it and, where something went wrong, why; in a sentence.
    pub verdict: String,
}

/// `kind`: no_response, capture_ends, icmp, tcp_reset, tcp_closed, tls_alert; `frame` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    pub kind: &'static str,
    pub frame: Frame,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Leg {
    pub call: u32,
    pub by: &'static str,
    pub frame: Frame,
}

/// What a diagnostics header says; of a Reason header the code is its cause, the source its protocol, of a Warning the
/// source is its agent.
#[derive(Debug, Serialize)]
pub(super) struct Diagnostic {
    pub header: &'static str,
    pub code: Option<u32>,
    pub source: Option<String>,
    pub reason: Option<String>,
    /// The first message that says so.
    pub frame: Frame,
}

#[derive(Debug, Serialize)]
pub(super) struct Fork<'a> {
    pub to_tag: Cow<'a, str>,
    pub epid: Option<Cow<'a, str>>,
    pub status: Option<u16>,
    pub frame: Frame,
}

#[derive(Debug, Serialize)]
pub(super) struct Offer {
    pub offer: Frame,
    pub answer: Option<Frame>,
    pub generation: Word,
    pub role: Word,
}

#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    pub frame: Frame,
    pub time: Time,
    pub src: Addr,
    pub dst: Addr,
    pub transport: Word,
    /// Of a request.
    pub method: Option<&'a str>,
    /// Of a response, as is `reason`.
    pub status: Option<u16>,
    pub reason: Option<Cow<'a, str>>,
    pub cseq: CSeq<'a>,
    pub retransmission: bool,
    /// Its Call-ID is cut off: that the message belongs here is inferred.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub call_id_inferred: bool,
    pub label: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Dialog<'a, M> {
    pub id: u32,
    pub call_id: Cow<'a, str>,
    pub method: &'a str,
    pub event: Option<Cow<'a, str>>,
    pub from: Cow<'a, str>,
    pub to: Cow<'a, str>,
    pub start: Time,
    pub end: Time,
    pub requests: u32,
    pub responses: u32,
    pub final_status: Option<u16>,
    pub state: &'static str,
    /// Why a NOTIFY said that the subscription is terminated (empty: without reason).
    pub terminated: Option<Cow<'a, str>>,
    pub messages: M,
}
