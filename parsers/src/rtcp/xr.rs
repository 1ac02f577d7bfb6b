//! Extended reports (RFC 3611).

use std::ops::Range;

use super::{Issues, u16_at, u32_at, u64_at, words};

/// An XR packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XrReport {
    pub ssrc: u32,
    pub blocks: Vec<XrBlock>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XrBlock {
    pub kind: u8,
    /// With its four bytes of header, in the datagram.
    pub range: Range<usize>,
    pub body: XrBody,
}

impl XrBlock {
    pub fn name(&self) -> Option<&'static str> {
        words::xr_block(self.kind)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XrBody {
    /// When a receiver that sends nothing sent this: NTP time (§4.4).
    ReceiverReferenceTime {
        ntp: u64,
    },
    /// The answers: SSRC of the receiver, middle 32 bits of its last reference time, delay since then in 1/65536 s (§4.5).
    Dlrr(Vec<(u32, u32, u32)>),
    VoipMetrics(VoipMetrics),
    /// Not read.
    Other,
}

/// RFC 3611 §4.7. Times are milliseconds; 127 stands for a level or quality that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The source it speaks of.
    pub ssrc: u32,
    /// In 256ths, as are the other rates and densities.
    pub loss_rate: u8,
    /// Came too late or too early for the jitter buffer.
    pub discard_rate: u8,
    pub burst_density: u8,
    pub gap_density: u8,
    pub burst_duration: u16,
    pub gap_duration: u16,
    pub round_trip_delay: u16,
    pub end_system_delay: u16,
    /// dBm0.
    pub signal_level: i8,
    /// dBm0.
    pub noise_level: i8,
    /// Residual echo return loss, dB.
    pub rerl: u8,
    pub gmin: u8,
    /// 0–100.
    pub r_factor: u8,
    pub external_r_factor: u8,
    /// Times ten: 10–50.
    pub mos_lq: u8,
    /// Times ten: 10–50.
    pub mos_cq: u8,
    /// Packet loss concealment and jitter buffer, in bits.
    pub rx_config: u8,
    pub jitter_buffer_nominal: u16,
    pub jitter_buffer_maximum: u16,
    pub jitter_buffer_absolute_maximum: u16,
}

impl VoipMetrics {
    /// Bytes of the block behind its header.
    const BYTES: usize = 32;

    /// What a level or quality is where it is not known.
    pub const NOT_KNOWN: u8 = 127;

    fn read(bytes: &[u8]) -> Option<Self> {
        let byte = |at: usize| bytes.get(at).copied();
        Some(Self {
            ssrc: u32_at(bytes, 0)?,
            loss_rate: byte(4)?,
            discard_rate: byte(5)?,
            burst_density: byte(6)?,
            gap_density: byte(7)?,
            burst_duration: u16_at(bytes, 8)?,
            gap_duration: u16_at(bytes, 10)?,
            round_trip_delay: u16_at(bytes, 12)?,
            end_system_delay: u16_at(bytes, 14)?,
            signal_level: byte(16)?.cast_signed(),
            noise_level: byte(17)?.cast_signed(),
            rerl: byte(18)?,
            gmin: byte(19)?,
            r_factor: byte(20)?,
            external_r_factor: byte(21)?,
            mos_lq: byte(22)?,
            mos_cq: byte(23)?,
            rx_config: byte(24)?,
            jitter_buffer_nominal: u16_at(bytes, 26)?,
            jitter_buffer_maximum: u16_at(bytes, 28)?,
            jitter_buffer_absolute_maximum: u16_at(bytes, 30)?,
        })
    }
}

/// Blocks kept of one packet, and sub-blocks of one block.
const MAX_BLOCKS: usize = 64;

/// `bytes` are the packet without padding; it begins `at` in the datagram.
pub(super) fn read(bytes: &[u8], at: usize, issues: &mut Issues) -> Option<XrReport> {
    let ssrc = u32_at(bytes, 4)?;
    let mut blocks = Vec::new();
    let mut from = 8;
    while let Some(rest) = bytes.get(from..).filter(|r| !r.is_empty() && blocks.len() < MAX_BLOCKS) {
        let (Some(&kind), Some(words)) = (rest.first(), u16_at(rest, 2)) else {
            issues.add("rtcp-xr-cut", at + from..at + bytes.len(), "A block is cut in its header");
            break;
        };
        let length = 4 + 4 * usize::from(words);
        let Some(block) = rest.get(..length) else {
            issues.add(
                "rtcp-xr-length",
                at + from..at + bytes.len(),
                format!("A block says {length} bytes, and {} are there", rest.len()),
            );
            break;
        };
        let content = block.get(4..).unwrap_or_default();
        let body = match kind {
            4 => u64_at(content, 0).map(|ntp| XrBody::ReceiverReferenceTime { ntp }),
            5 => Some(XrBody::Dlrr(dlrr(content))),
            7 if content.len() == VoipMetrics::BYTES => VoipMetrics::read(content).map(XrBody::VoipMetrics),
            _ => Some(XrBody::Other),
        };
        if body.is_none() || kind == 7 && body == Some(XrBody::Other) {
            let range = at + from..at + from + length;
            issues.add("rtcp-xr-length", range, "The block has another length than its type has");
        }
        blocks.push(XrBlock {
            kind,
            range: at + from..at + from + length,
            body: body.unwrap_or(XrBody::Other),
        });
        from += length;
    }
    Some(XrReport { ssrc, blocks })
}

fn dlrr(content: &[u8]) -> Vec<(u32, u32, u32)> {
    let triple = |c: &[u8; 12]| Some((u32_at(c, 0)?, u32_at(c, 4)?, u32_at(c, 8)?));
    content.as_chunks::<12>().0.iter().take(MAX_BLOCKS).filter_map(triple).collect()
}
