//! Reception reports (RFC 3550 §6.4) and what Microsoft's clients put behind them ([MS-RTP] §2.2.11).

use std::ops::Range;

use super::{Issues, u16_at, u32_at, words};

/// Bytes of a report block.
pub(super) const REPORT: usize = 24;

/// What a receiver tells of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source it speaks of.
    pub ssrc: u32,
    /// Since the report before, in 256ths.
    pub fraction_lost: u8,
    /// Since the beginning; below zero where there were more duplicates than losses. 24 bits on the wire.
    pub cumulative_lost: i32,
    /// Highest sequence number received, the count of its cycles in the upper half.
    pub highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last SR from this source; 0 where none has come.
    pub lsr: u32,
    /// Since that SR, in 1/65536 s.
    pub dlsr: u32,
}

impl ReportBlock {
    /// The first 24 bytes of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[.., l0, l1, l2] = bytes.get(4..)?.first_chunk::<4>()?;
        Some(Self {
            ssrc: u32_at(bytes, 0)?,
            fraction_lost: *bytes.get(4)?,
            // Sign of 24 bits.
            cumulative_lost: i32::from_be_bytes([l0, l1, l2, 0]) >> 8,
            highest: u32_at(bytes, 8)?,
            jitter: u32_at(bytes, 12)?,
            lsr: u32_at(bytes, 16)?,
            dlsr: u32_at(bytes, 20)?,
        })
    }

    /// Share of packets lost since the report before, 0–1.
    pub fn loss(&self) -> f64 {
        f64::from(self.fraction_lost) / 256.0
    }
}

/// Round trip by a report (RFC 3550 §6.4.1): `arrival` is the time the report arrived at the source it speaks of, as the
/// middle 32 bits of NTP time. In 1/65536 s; `None` without an SR to go by, and where clocks or captures contradict it.
pub fn round_trip(arrival: u32, lsr: u32, dlsr: u32) -> Option<u32> {
    if lsr == 0 {
        return None;
    }
    let span = arrival.wrapping_sub(lsr).wrapping_sub(dlsr);
    // Beyond 2^31 it is a small negative number: a clock was set, or the capture's differs.
    (span < 1 << 31).then_some(span)
}

/// Behind the report blocks of Microsoft's SR and RR: type, length (its own four bytes included), value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileExtension {
    pub kind: u16,
    /// With type and length, in the datagram.
    pub range: Range<usize>,
    pub value: ExtensionValue,
}

impl ProfileExtension {
    /// In words, as in [MS-RTP].
    pub fn name(&self) -> Option<&'static str> {
        match self.value {
            ExtensionValue::Raw => None,
            _ => words::profile_extension(self.kind),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtensionValue {
    /// Type 1: what the way from `ssrc` is taken to be able to carry, in bit/s, and how sure that is (not always there;
    /// its unit is not told).
    EstimatedBandwidth { ssrc: u32, bits: u32, confidence: Option<u8> },
    /// Type 8: what the relay's policy allows, in bit/s.
    TurnBandwidth { bits: u32 },
    /// A type whose content is not read.
    Opaque,
    /// No type and length at all: another profile's, or damage. [`ProfileExtension::kind`] is 0.
    Raw,
}

const TURN_BANDWIDTH: u16 = 8;
const ESTIMATED_BANDWIDTH: u16 = 1;
/// Extensions kept of one packet.
const MAX_EXTENSIONS: usize = 64;

/// `bytes` begin `at` in the datagram and end before the packet's padding.
pub(super) fn extensions(bytes: &[u8], at: usize) -> Vec<ProfileExtension> {
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut from = at;
    while !rest.is_empty() && out.len() < MAX_EXTENSIONS {
        let (Some(kind), Some(length)) = (u16_at(rest, 0), u16_at(rest, 2)) else {
            return raw(bytes, at);
        };
        let length = usize::from(length);
        let Some((whole, after)) = rest.split_at_checked(length).filter(|_| length >= 4) else {
            return raw(bytes, at);
        };
        let value = match (kind, length) {
            (ESTIMATED_BANDWIDTH, 12..) => match (u32_at(whole, 4), u32_at(whole, 8)) {
                (Some(ssrc), Some(bits)) => {
                    ExtensionValue::EstimatedBandwidth { ssrc, bits, confidence: whole.get(12).copied() }
                }
                _ => ExtensionValue::Opaque,
            },
            (TURN_BANDWIDTH, 12) => match u32_at(whole, 8) {
                Some(bits) => ExtensionValue::TurnBandwidth { bits },
                None => ExtensionValue::Opaque,
            },
            _ => ExtensionValue::Opaque,
        };
        out.push(ProfileExtension { kind, range: from..from + length, value });
        from += length;
        rest = after;
    }
    out
}

fn raw(bytes: &[u8], at: usize) -> Vec<ProfileExtension> {
    vec![ProfileExtension { kind: 0, range: at..at + bytes.len(), value: ExtensionValue::Raw }]
}

/// The report blocks of a packet whose `bytes` begin `at` with the first block, and where they end.
pub(super) fn blocks(bytes: &[u8], at: usize, count: u8, issues: &mut Issues) -> (Vec<ReportBlock>, usize) {
    let there = (bytes.len() / REPORT).min(usize::from(count));
    let reports = bytes.chunks_exact(REPORT).take(there).filter_map(ReportBlock::read).collect();
    if there < usize::from(count) {
        issues.add(
            "rtcp-report-count",
            at..at + bytes.len(),
            format!("The header promises {count} report blocks, and there is room for {there}"),
        );
    }
    (reports, there * REPORT)
}
