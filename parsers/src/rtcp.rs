//! RTCP (RFC 3550 §6) with feedback (RFC 4585, 5104), extended reports (RFC 3611), reduced-size packets (RFC 5506) and
//! Microsoft's profile-specific extensions ([MS-RTP] §2.2.11).
//!
//! ```text
//! |V=2|P|  count  |  packet type  |  length in words, minus one   |   one packet; a datagram holds one after the other
//! |             SSRC of who sends it, or of what it names         |
//! ```
//!
//! In SRTCP (RFC 3711 §3.4) only the first eight bytes of the datagram are in clear. Behind the last packet follow a word
//! of E bit and index, perhaps a key identifier, and the authentication tag; RFC 7714 puts the tag before the word. So
//! ciphertext is told by two things together: packets stop making sense behind the first one, and such a word stands where
//! it should. Of what is encrypted only the first header is given.
//!
//! Accepted beyond the letter: packets in any order, a BYE alone, a count that promises more than there is room for, a
//! length beyond the end, profile extensions that are no TLVs.

use std::ops::Range;

use crate::Issue;
use crate::big_endian::{u16_at, u32_at, u64_at};

mod feedback;
mod read;
mod report;
mod srtcp;
#[cfg(test)]
mod tests;
mod words;
mod xr;

pub use feedback::{Feedback, FeedbackDetail, Nack, Sli, TmmbItem};
pub use report::{ExtensionValue, ProfileExtension, ReportBlock, round_trip};
pub use srtcp::{SrtcpTrailer, looks_like_srtcp};
pub use words::{packet_name, sdes_name};
pub use xr::{VoipMetrics, XrBlock, XrBody, XrReport};

/// Issues kept of one datagram.
const MAX_ISSUES: usize = 32;
/// Packets kept of one datagram.
const MAX_PACKETS: usize = 256;

/// Packet types (IANA, RTCP Control Packet Types).
pub mod packet_type {
    pub const SR: u8 = 200;
    pub const RR: u8 = 201;
    pub const SDES: u8 = 202;
    pub const BYE: u8 = 203;
    pub const APP: u8 = 204;
    pub const RTPFB: u8 = 205;
    pub const PSFB: u8 = 206;
    pub const XR: u8 = 207;
}

/// A datagram taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rtcp<'a> {
    /// When encrypted only the first, with [`RtcpBody::Encrypted`].
    pub packets: Vec<RtcpPacket<'a>>,
    /// SRTCP whose content cannot be read.
    pub encrypted: bool,
    /// No full compound (RFC 5506 §3.4.1): it does not begin with a report, or has no CNAME. Of an encrypted one only the
    /// first is known.
    pub reduced_size: bool,
    /// The capture ends inside of it: what it says of others is not all, and its last packet has no content.
    pub cut: bool,
    /// What SRTCP puts behind the packets.
    pub trailer: Option<SrtcpTrailer>,
    pub issues: Vec<Issue>,
}

impl Rtcp<'_> {
    /// SSRC of the sender, as the first packet says.
    pub fn ssrc(&self) -> Option<u32> {
        self.packets.first().and_then(RtcpPacket::ssrc)
    }
}

/// One packet of the datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtcpPacket<'a> {
    /// With its header and padding, in the datagram.
    pub range: Range<usize>,
    pub packet_type: u8,
    /// The five bits behind the padding bit: reports, chunks, sources, or the format of feedback.
    pub count: u8,
    /// Bytes of padding at its end.
    pub padding: u8,
    pub body: RtcpBody<'a>,
}

impl RtcpPacket<'_> {
    /// SSRC of the sender (of SDES and BYE: the first they name).
    pub fn ssrc(&self) -> Option<u32> {
        match &self.body {
            RtcpBody::SenderReport(r) => Some(r.ssrc),
            RtcpBody::ReceiverReport(r) => Some(r.ssrc),
            RtcpBody::SourceDescription(chunks) => chunks.first().map(|c| c.ssrc),
            RtcpBody::Bye(bye) => bye.ssrcs.first().copied(),
            RtcpBody::App(app) => Some(app.ssrc),
            RtcpBody::TransportFeedback(f) | RtcpBody::PayloadFeedback(f) => Some(f.sender),
            RtcpBody::ExtendedReport(x) => Some(x.ssrc),
            RtcpBody::Encrypted { ssrc } => Some(*ssrc),
            RtcpBody::Unknown => None,
        }
    }

    /// `SR`, `RR`, `SDES` …; `None` for a number without a name.
    pub fn name(&self) -> Option<&'static str> {
        packet_name(self.packet_type)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RtcpBody<'a> {
    SenderReport(SenderReport),
    ReceiverReport(ReceiverReport),
    SourceDescription(Vec<SdesChunk<'a>>),
    Bye(Bye<'a>),
    App(App<'a>),
    TransportFeedback(Feedback),
    PayloadFeedback(Feedback),
    ExtendedReport(XrReport),
    /// SRTCP: what follows the SSRC is ciphertext.
    Encrypted {
        ssrc: u32,
    },
    /// Another packet type, too short for its own fields, or cut.
    Unknown,
}

/// RFC 3550 §6.4.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderReport {
    pub ssrc: u32,
    /// When it was sent: seconds since 1900 in the upper half, fraction in the lower. 0 where the sender has no clock.
    pub ntp: u64,
    /// The same instant in the timestamp units of its RTP packets.
    pub rtp_timestamp: u32,
    /// RTP packets sent so far.
    pub packets: u32,
    /// Bytes of payload sent so far.
    pub octets: u32,
    pub reports: Vec<ReportBlock>,
    pub extensions: Vec<ProfileExtension>,
}

/// RFC 3550 §6.4.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverReport {
    pub ssrc: u32,
    pub reports: Vec<ReportBlock>,
    pub extensions: Vec<ProfileExtension>,
}

/// What SDES says of one source (RFC 3550 §6.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdesChunk<'a> {
    pub ssrc: u32,
    pub range: Range<usize>,
    pub items: Vec<SdesItem<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// 1 CNAME, 2 NAME … ([`sdes_name`]).
    pub kind: u8,
    /// UTF-8 by the RFC, any bytes in truth.
    pub text: &'a [u8],
    /// With type and length, in the datagram.
    pub range: Range<usize>,
}

impl SdesItem<'_> {
    pub const CNAME: u8 = 1;
}

/// RFC 3550 §6.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bye<'a> {
    pub ssrcs: Vec<u32>,
    pub reason: Option<&'a [u8]>,
    /// The reason's bytes without their length; empty without.
    pub reason_range: Range<usize>,
}

/// RFC 3550 §6.7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App<'a> {
    pub subtype: u8,
    pub ssrc: u32,
    /// Four bytes of ASCII.
    pub name: [u8; 4],
    pub data: &'a [u8],
    pub data_range: Range<usize>,
}

/// Takes a datagram apart. Never fails: what does not make sense is an issue, and no packet where nothing does.
///
/// SRTCP that is cut before its end has nothing left to be told by: `rtcp-no-packet` behind the first packet may mean that,
/// and then the first one's content is ciphertext. Whoever knows that a flow is protected asks [`parse_srtcp`], that the
/// capture cut a datagram [`parse_cut_rtcp`].
pub fn parse_rtcp(datagram: &[u8]) -> Rtcp<'_> {
    read::datagram(datagram)
}

/// As [`parse_rtcp`] for a datagram that the capture cut behind these bytes. A packet that goes beyond them is given as far
/// as its header and without an issue, and so is the first where nothing tells whether it is encrypted ([`Rtcp::cut`]).
pub fn parse_cut_rtcp(captured: &[u8]) -> Rtcp<'_> {
    read::cut(captured)
}

/// As [`parse_rtcp`] for a datagram that is known to be encrypted: the first header, and the trailer where it is there.
pub fn parse_srtcp(datagram: &[u8]) -> Rtcp<'_> {
    read::encrypted(datagram).unwrap_or_default()
}

type Issues = crate::issue::Issues<MAX_ISSUES>;
