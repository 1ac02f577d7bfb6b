//! UDPTL, the transport of T.38 fax (ITU-T T.38 §9.1 and annex A): the head of a packet, and what it repeats of others.
//!
//! ```text
//! sequence number(2)  primary IFP: length(1 or 2) content …  error recovery
//! IFP: data present(1 bit)  indicator 0 or data 1(1 bit)  extension(1 bit)  which one(4 bits) …
//! error recovery: 0(1 bit) padding(7)  count(1)  { length content } …           the packets before, newest first
//!                 1(1 bit) padding(7)  1(1) span(1)  count(1)  { length content } …      parities (T.38 §9.1.4.2)
//! ```
//!
//! Nothing in a packet says that it is UDPTL: these readers are for flows whose media description says `image/udptl`.
//! Behind the type of an IFP packet nothing is read.

use std::ops::Range;

#[cfg(test)]
mod tests;

/// How far before a packet those lie that it is of any use for: sequence numbers are told apart over no more.
const FARTHEST: u16 = 1 << 15;

/// Head of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Udptl {
    pub sequence: u16,
    /// The primary IFP packet, in the datagram.
    pub primary: Range<usize>,
    pub ifp: Option<Ifp>,
    /// None where it goes beyond the end.
    pub recovery: Option<Recovery>,
    /// Nothing is missing and nothing stands behind it.
    pub whole: bool,
}

/// What a packet has of those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// The primary IFP packets of that many packets before, the newest first, in the datagram.
    Repeated(Vec<Range<usize>>),
    /// Parities, in the datagram: parity `i` of `n` is over every `n`th of the `span * n` packets before, the last of them
    /// `n - i` before this one.
    Parity { span: u8, parities: Vec<Range<usize>> },
}

impl Udptl {
    /// How far before this packet each one lies that it can give again, where all but these of `came` came. `came`: by how
    /// far before; 1 is the packet before.
    pub fn recovers(&self, came: impl Fn(u16) -> bool) -> Vec<u16> {
        match &self.recovery {
            None => Vec::new(),
            Some(Recovery::Repeated(packets)) => {
                let back = (1..FARTHEST).zip(packets).filter(|(_, p)| !p.is_empty());
                back.map(|(back, _)| back).filter(|back| !came(*back)).collect()
            }
            Some(Recovery::Parity { span, parities }) => {
                let count = parities.len() as u16;
                // Of what lies farther back nothing is known, not even that it came.
                if count.checked_mul(u16::from(*span)).is_none_or(|farthest| farthest >= FARTHEST) {
                    return Vec::new();
                }
                let of = |i: u16| (0..u16::from(*span)).map(move |n| count - i + n * count);
                let missing = |i: u16| {
                    let mut missing = of(i).filter(|back| !came(*back));
                    missing.next().filter(|_| missing.next().is_none())
                };
                (0..count).filter_map(missing).collect()
            }
        }
    }
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

/// Reads a packet of a flow that is described as `image/udptl`; `None` where the primary IFP packet goes beyond the end.
pub fn parse_udptl(datagram: &[u8]) -> Option<Udptl> {
    let &[s0, s1] = datagram.first_chunk::<2>()?;
    let mut at = 2;
    let primary = open_type(datagram, &mut at)?;
    let ifp = ifp_type(datagram.get(primary.clone())?);
    let recovery = recovery(datagram, &mut at);
    let whole = recovery.is_some() && at == datagram.len();
    Some(Udptl { sequence: u16::from_be_bytes([s0, s1]), primary, ifp, recovery, whole })
}

/// Whether a datagram, of which the capture lacks `missing` bytes, can be UDPTL: weak evidence, for flows that some
/// description speaks of.
pub fn looks_like_udptl(datagram: &[u8], missing: usize) -> bool {
    let told = |u: &Udptl| u.ifp.is_some_and(|ifp| ifp.name().is_some());
    match parse_udptl(datagram) {
        Some(packet) => told(&packet) && (packet.whole || missing > 0 && packet.recovery.is_none()),
        // Cut in the primary IFP packet.
        None if missing > 0 => {
            let mut at = 2;
            let length = length(datagram, &mut at);
            let type_of = |_| ifp_type(datagram.get(at..)?)?.name();
            length.filter(|l| *l > 0 && *l <= datagram.len() - at + missing).and_then(type_of).is_some()
        }
        None => false,
    }
}

/// X.691 §10.9: one byte to 127, two to 16383, fragments beyond, which no datagram needs.
fn length(datagram: &[u8], at: &mut usize) -> Option<usize> {
    let first = *datagram.get(*at)?;
    *at += 1;
    match first {
        0..=0x7F => Some(usize::from(first)),
        0x80..=0xBF => {
            let second = *datagram.get(*at)?;
            *at += 1;
            Some(usize::from(first & 0x3F) << 8 | usize::from(second))
        }
        0xC0..=0xFF => None,
    }
}

/// A length and as many bytes, which are there.
fn open_type(datagram: &[u8], at: &mut usize) -> Option<Range<usize>> {
    let length = length(datagram, at)?;
    let range = *at..*at + length;
    datagram.get(range.clone())?;
    *at = range.end;
    Some(range)
}

fn recovery(datagram: &[u8], at: &mut usize) -> Option<Recovery> {
    let parity = datagram.get(*at)? & 0x80 != 0;
    *at += 1;
    let span = if parity {
        // An INTEGER without bounds: its length, then the number.
        let &[1, span] = datagram.get(*at..)?.first_chunk::<2>()? else { return None };
        *at += 2;
        Some(span)
    } else {
        None
    };
    let count = length(datagram, at)?;
    let packets = (0..count).map(|_| open_type(datagram, at)).collect::<Option<Vec<_>>>()?;
    Some(match span {
        Some(span) => Recovery::Parity { span, parities: packets },
        None => Recovery::Repeated(packets),
    })
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
