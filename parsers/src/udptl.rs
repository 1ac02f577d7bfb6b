//! UDPTL, the transport of T.38 fax (ITU-T T.38 §9.1 and annex A): the head of a packet.
//!
//! ```text
//! sequence number(2)  primary IFP: length(1 or 2) content …  error recovery …
//! IFP: data present(1 bit)  indicator 0 or data 1(1 bit)  extension(1 bit)  which one(4 bits) …
//! ```
//!
//! Nothing in a packet says that it is UDPTL: these readers are for flows whose media description says `image/udptl`.
//! Behind the type of the primary IFP packet nothing is read.

use std::ops::Range;

#[cfg(test)]
mod tests;

/// Head of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Udptl {
    pub sequence: u16,
    /// The primary IFP packet, in the datagram.
    pub primary: Range<usize>,
    pub ifp: Option<Ifp>,
}

/// Type of an IFP packet (T.38 §7.3): its number, and whether that number is one of the later additions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ifp {
    Indicator { extended: bool, value: u8 },
    Data { extended: bool, value: u8 },
}

impl Ifp {
    /// As in the specification's ASN.1.
    pub fn name(self) -> Option<&'static str> {
        let all: &[&str] = match self {
            Self::Indicator { extended: false, .. } => &INDICATORS,
            Self::Indicator { .. } => &LATER_INDICATORS,
            Self::Data { extended: false, .. } => &DATA,
            Self::Data { .. } => &LATER_DATA,
        };
        let (Self::Indicator { value, .. } | Self::Data { value, .. }) = self;
        all.get(usize::from(value)).copied()
    }
}

const INDICATORS: [&str; 16] = [
    "no-signal",
    "cng",
    "ced",
    "v21-preamble",
    "v27-2400-training",
    "v27-4800-training",
    "v29-7200-training",
    "v29-9600-training",
    "v17-7200-short-training",
    "v17-7200-long-training",
    "v17-9600-short-training",
    "v17-9600-long-training",
    "v17-12000-short-training",
    "v17-12000-long-training",
    "v17-14400-short-training",
    "v17-14400-long-training",
];
const LATER_INDICATORS: [&str; 7] = [
    "v8-ansam",
    "v8-signal",
    "v34-cntl-channel-1200",
    "v34-pri-channel",
    "v34-CC-retrain",
    "v33-12000-training",
    "v33-14400-training",
];
const DATA: [&str; 9] =
    ["v21", "v27-2400", "v27-4800", "v29-7200", "v29-9600", "v17-7200", "v17-9600", "v17-12000", "v17-14400"];
const LATER_DATA: [&str; 6] = ["v8", "v34-pri-rate", "v34-CC-1200", "v34-pri-ch", "v33-12000", "v33-14400"];

/// Reads the head of a packet of a flow that is described as `image/udptl`; `None` where the primary IFP packet goes
/// beyond the end.
pub fn parse_udptl(datagram: &[u8]) -> Option<Udptl> {
    let &[s0, s1, first] = datagram.first_chunk::<3>()?;
    // X.691 §10.9: one byte to 127, two to 16383, fragments beyond, which no datagram needs.
    let (length, start) = match first {
        0..=0x7F => (usize::from(first), 3),
        0x80..=0xBF => (usize::from(first & 0x3F) << 8 | usize::from(*datagram.get(3)?), 4),
        0xC0..=0xFF => return None,
    };
    let primary = start..start + length;
    let ifp = datagram.get(primary.clone())?;
    Some(Udptl { sequence: u16::from_be_bytes([s0, s1]), ifp: ifp_type(ifp), primary })
}

fn ifp_type(ifp: &[u8]) -> Option<Ifp> {
    let &first = ifp.first()?;
    let extended = first & 0x20 != 0;
    let value = if extended {
        // X.691 §10.6: a bit that says "small", then six bits, the last of which stands in the next byte.
        if first & 0x10 != 0 {
            return None;
        }
        (first & 0x0F) << 2 | ifp.get(1)? >> 6
    } else {
        first >> 1 & 0x0F
    };
    Some(if first & 0x40 == 0 { Ifp::Indicator { extended, value } } else { Ifp::Data { extended, value } })
}
