//! Feedback: transport layer (RTPFB) and payload-specific (PSFB) packets (RFC 4585 §6, RFC 5104 §4).

use std::ops::Range;

use super::{Issues, packet_type, u16_at, u32_at, words};

/// A feedback packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// What kind, by the packet type it stands in.
    pub format: u8,
    /// SSRC of whoever sends the feedback.
    pub sender: u32,
    /// SSRC of the stream it is about; 0 where the entries name theirs.
    pub media: u32,
    /// Feedback control information: the bytes behind the two SSRCs, in the datagram.
    pub control: Range<usize>,
    pub detail: FeedbackDetail,
    packet_type: u8,
}

impl Feedback {
    /// `NACK`, `PLI`, `TWCC` …; `None` for a number without a name.
    pub fn name(&self) -> Option<&'static str> {
        match self.detail {
            FeedbackDetail::Remb { .. } => Some("REMB"),
            _ if self.packet_type == packet_type::RTPFB => words::transport_feedback(self.format),
            _ => words::payload_feedback(self.format),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedbackDetail {
    /// Lost packets (RFC 4585 §6.2.1).
    Nack(Vec<Nack>),
    /// A limit asked for (TMMBR) or told (TMMBN) (RFC 5104 §4.2.1).
    Tmmb(Vec<TmmbItem>),
    /// Full intra request: SSRC and a number that counts requests (RFC 5104 §4.3.1).
    Fir(Vec<(u32, u8)>),
    /// Lost slices (RFC 4585 §6.3.2).
    Sli(Vec<Sli>),
    /// Receiver's estimate in bit/s, and the streams it is about (draft-alvestrand-rmcat-remb).
    Remb { bits: u64, ssrcs: Vec<u32> },
    /// Arrival times of packets (draft-holmer-rmcat-transport-wide-cc-extensions): first sequence number, how many,
    /// reference time in 64 ms, number of this feedback.
    Twcc { base: u16, packets: u16, reference_time: i32, number: u8 },
    /// Nothing more to say, or not read.
    None,
}

/// `packet` is lost, and bit n of `following` says the same of `packet` + n + 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nack {
    pub packet: u16,
    pub following: u16,
}

impl Nack {
    /// All sequence numbers it names.
    pub fn lost(self) -> impl Iterator<Item = u16> {
        let bit = move |n: u16| self.following >> n & 1 != 0;
        std::iter::once(self.packet)
            .chain((0..16).filter(move |&n| bit(n)).map(move |n| self.packet.wrapping_add(n + 1)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TmmbItem {
    pub ssrc: u32,
    /// bit/s.
    pub bits: u64,
    /// Bytes a packet that are counted besides RTP.
    pub overhead: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sli {
    /// Macroblock where the loss begins, and how many are lost.
    pub first: u16,
    pub number: u16,
    /// Six low bits of the picture's number.
    pub picture: u8,
}

/// Entries kept of one packet.
const MAX_ENTRIES: usize = 256;

/// `bytes` are the packet without padding; it begins `at` in the datagram.
pub(super) fn read(
    bytes: &[u8],
    at: usize,
    packet_type: u8,
    format: u8,
    issues: &mut Issues,
) -> Option<Feedback> {
    let (sender, media) = (u32_at(bytes, 4)?, u32_at(bytes, 8)?);
    let control = bytes.get(12..)?;
    let range = at + 12..at + bytes.len();
    let detail = match (packet_type, format) {
        (packet_type::RTPFB, 1) => FeedbackDetail::Nack(entries(control, nack)),
        (packet_type::RTPFB, 3 | 4) => FeedbackDetail::Tmmb(entries(control, tmmb)),
        (packet_type::RTPFB, 15) => twcc(control).unwrap_or(FeedbackDetail::None),
        (packet_type::PSFB, 2) => FeedbackDetail::Sli(entries(control, sli)),
        (packet_type::PSFB, 4) => FeedbackDetail::Fir(entries(control, fir)),
        (packet_type::PSFB, 15) => remb(control).unwrap_or(FeedbackDetail::None),
        _ => FeedbackDetail::None,
    };
    // One entry at least, except TMMBN: it may say that nobody limits.
    let empty = match &detail {
        FeedbackDetail::Nack(all) => all.is_empty(),
        FeedbackDetail::Tmmb(all) => all.is_empty() && format == 3,
        FeedbackDetail::Fir(all) => all.is_empty(),
        FeedbackDetail::Sli(all) => all.is_empty(),
        FeedbackDetail::None => (packet_type, format) == (packet_type::RTPFB, 15),
        FeedbackDetail::Remb { .. } | FeedbackDetail::Twcc { .. } => false,
    };
    if empty {
        issues.add("rtcp-feedback-empty", at..at + bytes.len(), "The feedback has no entry");
    }
    Some(Feedback { format, sender, media, control: range, detail, packet_type })
}

fn entries<T, const N: usize>(control: &[u8], read: impl Fn(&[u8; N]) -> T) -> Vec<T> {
    control.as_chunks::<N>().0.iter().take(MAX_ENTRIES).map(read).collect()
}

fn nack(&[p0, p1, b0, b1]: &[u8; 4]) -> Nack {
    Nack { packet: u16::from_be_bytes([p0, p1]), following: u16::from_be_bytes([b0, b1]) }
}

/// SSRC, then exponent (6 bits), mantissa (17), overhead (9).
fn tmmb(&[s0, s1, s2, s3, a, b, c, d]: &[u8; 8]) -> TmmbItem {
    let word = u32::from_be_bytes([a, b, c, d]);
    TmmbItem {
        ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
        bits: shifted(word >> 9 & 0x1_FFFF, word >> 26),
        overhead: (word & 0x1FF) as u16,
    }
}

/// First (13 bits), number (13), picture (6).
fn sli(&bytes: &[u8; 4]) -> Sli {
    let word = u32::from_be_bytes(bytes);
    Sli { first: (word >> 19) as u16, number: (word >> 6 & 0x1FFF) as u16, picture: (word & 0x3F) as u8 }
}

fn fir(&[s0, s1, s2, s3, number, ..]: &[u8; 8]) -> (u32, u8) {
    (u32::from_be_bytes([s0, s1, s2, s3]), number)
}

fn twcc(control: &[u8]) -> Option<FeedbackDetail> {
    let &[a, b, c, number] = control.get(4..)?.first_chunk::<4>()?;
    Some(FeedbackDetail::Twcc {
        base: u16_at(control, 0)?,
        packets: u16_at(control, 2)?,
        // Sign of 24 bits.
        reference_time: i32::from_be_bytes([a, b, c, 0]) >> 8,
        number,
    })
}

/// `REMB`, how many SSRCs (8 bits), exponent (6), mantissa (18), the SSRCs.
fn remb(control: &[u8]) -> Option<FeedbackDetail> {
    let rest = control.strip_prefix(b"REMB")?;
    let word = u32_at(rest, 0)?;
    let ssrcs = rest.get(4..)?.as_chunks::<4>().0;
    Some(FeedbackDetail::Remb {
        bits: shifted(word & 0x3_FFFF, word >> 18 & 0x3F),
        ssrcs: ssrcs.iter().take((word >> 24) as usize).map(|&b| u32::from_be_bytes(b)).collect(),
    })
}

/// An exponent can promise more than 64 bits hold.
fn shifted(mantissa: u32, exponent: u32) -> u64 {
    u64::try_from(u128::from(mantissa) << exponent).unwrap_or(u64::MAX)
}
