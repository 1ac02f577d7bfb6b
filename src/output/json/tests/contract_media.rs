//! `media_streams`.

use serde::Deserialize;

use super::Frame;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaStream {
    pub id: u32,
    pub call: Option<u32>,
    pub media: Option<String>,
    pub direction: Option<String>,
    pub section: Option<Section>,
    pub src: String,
    pub dst: String,
    pub transport: String,
    pub via_relay: Option<Relay>,
    pub ssrc: Option<String>,
    pub payload_type: Option<u8>,
    pub codec: Option<String>,
    pub codec_inferred: bool,
    pub codec_source: Option<String>,
    pub payload_types: Vec<PayloadType>,
    pub srtp: bool,
    pub srtp_inferred: bool,
    pub srtcp: bool,
    pub first: String,
    pub last: String,
    pub first_frame: Frame,
    pub last_frame: Frame,
    pub packets: u64,
    pub bytes: u64,
    pub captured_twice: u32,
    pub expected: u64,
    pub lost: i64,
    pub loss_pct: f64,
    pub missing: u64,
    pub recovered: Option<u64>,
    pub bursts: Bursts,
    pub out_of_order: u32,
    pub duplicates: u32,
    pub restarts: u32,
    pub jitter_ms: Jitter,
    pub clock: Option<u32>,
    pub max_gap_ms: Option<f64>,
    pub max_gap_frame: Option<Frame>,
    pub silences: u32,
    pub silent_ms: f64,
    pub pauses: u32,
    pub ptime_ms: Option<f64>,
    pub ptime_asked_ms: Option<u32>,
    pub keys: String,
    pub mos: Option<f64>,
    pub mos_basis: Option<MosBasis>,
    pub quality: String,
    pub dscp: Vec<Mark>,
    pub dscp_expected: Option<ExpectedMark>,
    pub dscp_verdict: Option<MarkVerdict>,
    pub icmp: Vec<IcmpError>,
    pub rtcp: Rtcp,
    pub loss_split: Option<LossSplit>,
    pub round_trip_ms: Option<f64>,
    pub unheard: bool,
    pub back: Option<u32>,
    pub follows: Option<Follows>,
    pub srtp_signalled: String,
    pub dscp_changes: Vec<DscpChange>,
    pub call_inferred: bool,
    pub other_calls: Vec<u32>,
    pub holds: Vec<Hold>,
    pub ice: Option<u32>,
    pub unsignalled: bool,
    pub after_end_ms: Option<f64>,
    pub held: bool,
    pub hops: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossSplit {
    pub before: u64,
    pub reported: u64,
    pub behind: u64,
    pub not_captured: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follows {
    pub stream: u32,
    pub by: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DscpChange {
    pub from: u8,
    pub to: u8,
    pub before: u32,
    pub after: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub from: String,
    pub until: String,
    pub stops: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    pub index: usize,
    pub frame: Frame,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    pub server: String,
    pub relayed: Option<String>,
    pub peer: Option<String>,
    pub allocation: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadType {
    pub payload_type: u8,
    pub codec: Option<String>,
    pub packets: u32,
    pub first_frame: Frame,
    pub in_sdp: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    pub count: u32,
    pub longest: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jitter {
    pub mean: Option<f64>,
    pub max: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MosBasis {
    pub codec: Option<String>,
    pub variant: Option<String>,
    pub loss_pct: f64,
    pub r: f64,
    pub ie: f64,
    pub bpl: f64,
    pub delay_ms: f64,
    pub delay_assumed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedMark {
    pub value: u8,
    pub profile: String,
    pub inferred: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    pub value: u8,
    pub packets: u32,
    pub captured_twice: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rtcp {
    pub reports: u32,
    pub lost: Option<i32>,
    pub lost_pct: Option<f64>,
    pub worst_pct: Option<f64>,
    pub jitter_ms: Option<f64>,
    pub jitter_max_ms: Option<f64>,
    pub rtt_ms: Option<f64>,
    pub rtt_min_ms: Option<f64>,
    pub rtt_max_ms: Option<f64>,
    pub last_frame: Option<Frame>,
    pub sender_reports: u32,
    pub sender_packets: Option<u32>,
    pub cname: Option<String>,
    pub bye: Option<Frame>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkVerdict {
    pub word: String,
    pub bad: bool,
    pub changed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IcmpError {
    pub error: String,
    pub by: std::net::IpAddr,
    pub quoted: String,
    pub count: u32,
    pub first: String,
    pub frame: Frame,
}
