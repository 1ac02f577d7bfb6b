//! RTP (RFC 3550 §5.1) as far as its header goes, and the payloads that say something about a call: telephone events
//! (RFC 4733) and redundant audio (RFC 2198).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! |                           timestamp                           |
//! |           synchronization source (SSRC) identifier            |
//! |            contributing source (CSRC) identifiers  (CC × 32)  |
//! |      defined by profile       |  length in words  |  extension (if X)
//! ```
//!
//! The header of SRTP (RFC 3711 §3.1) is the same and in clear. Its payload is not, the padding included, so a count of
//! padding that does not fit is no reason to refuse a packet.
//!
//! Two bits of version are weak evidence: a packet that parses here need not be RTP. Whoever has no description of the
//! session must see several of one SSRC first.

use std::ops::Range;

#[cfg(test)]
mod tests;
pub mod video;

/// Bytes of the fixed header.
pub const HEADER: usize = 12;
/// Profile of one-byte header extensions (RFC 8285 §4.2).
pub const ONE_BYTE_EXTENSIONS: u16 = 0xBEDE;

/// From `start` to before `end`, counted from the packet's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The header extension: `len` bytes from `start`, behind its own four bytes of profile and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extension {
    /// [`ONE_BYTE_EXTENSIONS`], 0x1000–0x100F (two-byte form, RFC 8285 §4.3) or what a profile says.
    pub profile: u16,
    pub start: u32,
    pub len: u32,
}

/// The header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RtpHeader {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    /// In units of the payload's clock.
    pub timestamp: u32,
    pub ssrc: u32,
    /// How many contributing sources stand from byte 12.
    pub csrcs: u8,
    pub extension: Option<Extension>,
    /// Without padding, where its count fits.
    pub payload: Span,
    /// Bytes of padding; 0 without, and where the count cannot be (in SRTP it is ciphertext).
    pub padding: u8,
    /// The P bit, whatever the count.
    pub padded: bool,
}

impl RtpHeader {
    /// The payload in the packet it was read from.
    pub fn payload_of<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        packet.get(self.payload.range()).unwrap_or_default()
    }

    /// Contributing sources, in the packet the header was read from.
    pub fn csrcs_of<'a>(&self, packet: &'a [u8]) -> impl Iterator<Item = u32> + use<'a> {
        let all = packet.get(HEADER..HEADER + 4 * usize::from(self.csrcs)).unwrap_or_default();
        all.as_chunks::<4>().0.iter().map(|&b| u32::from_be_bytes(b))
    }
}

/// Reads the header; `None` where these bytes cannot be an RTP packet: another version, sources or an extension beyond
/// the end, a payload type that would be RTCP (72–76, RFC 5761 §4).
#[inline]
pub fn parse_rtp(packet: &[u8]) -> Option<RtpHeader> {
    read(packet, true)
}

/// As [`parse_rtp`] for a packet that the capture cut behind these bytes: the payload is as far as it was captured, and
/// the last byte no count of padding.
#[inline]
pub fn parse_cut_rtp(captured: &[u8]) -> Option<RtpHeader> {
    read(captured, false)
}

#[inline]
fn read(packet: &[u8], whole: bool) -> Option<RtpHeader> {
    let &[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = packet.first_chunk::<HEADER>()?;
    let payload_type = second & 0x7F;
    if first >> 6 != 2 || matches!(payload_type, 72..=76) {
        return None;
    }
    let end = u32::try_from(packet.len()).ok()?;
    let csrcs = first & 0x0F;
    let mut start = HEADER + 4 * usize::from(csrcs);
    let mut extension = None;
    if first & 0x10 != 0 {
        let &[p0, p1, l0, l1] = packet.get(start..)?.first_chunk::<4>()?;
        let len = 4 * usize::from(u16::from_be_bytes([l0, l1]));
        start += 4;
        // At most 12 + 60 + 4, and 2^18 of extension.
        extension =
            Some(Extension { profile: u16::from_be_bytes([p0, p1]), start: start as u32, len: len as u32 });
        start += len;
    }
    let rest = packet.get(start..)?;
    let padded = first & 0x20 != 0;
    let padding = match rest.last() {
        Some(&count) if padded && whole && usize::from(count) <= rest.len() => count,
        _ => 0,
    };
    Some(RtpHeader {
        marker: second & 0x80 != 0,
        payload_type,
        sequence: u16::from_be_bytes([s0, s1]),
        timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
        ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
        csrcs,
        extension,
        payload: Span { start: start as u32, end: end - u32::from(padding) },
        padding,
        padded,
    })
}

/// What a payload type means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Payload {
    /// As in `a=rtpmap`.
    pub name: &'static str,
    /// RTP timestamp units a second.
    pub clock: u32,
    /// Of audio; 0 for what is not audio.
    pub channels: u8,
}

const fn audio(name: &'static str, clock: u32) -> Option<Payload> {
    Some(Payload { name, clock, channels: 1 })
}

const fn stereo(name: &'static str, clock: u32) -> Option<Payload> {
    Some(Payload { name, clock, channels: 2 })
}

const fn video(name: &'static str) -> Option<Payload> {
    Some(Payload { name, clock: 90_000, channels: 0 })
}

/// Payload types with a fixed meaning (RFC 3551 §6, tables 4 and 5).
pub const fn static_payload(payload_type: u8) -> Option<Payload> {
    match payload_type {
        0 => audio("PCMU", 8000),
        3 => audio("GSM", 8000),
        4 => audio("G723", 8000),
        5 => audio("DVI4", 8000),
        6 => audio("DVI4", 16_000),
        7 => audio("LPC", 8000),
        8 => audio("PCMA", 8000),
        // The clock stayed at 8000 by an old mistake; the samples are 16000 a second (RFC 3551 §4.5.2).
        9 => audio("G722", 8000),
        10 => stereo("L16", 44_100),
        11 => audio("L16", 44_100),
        12 => audio("QCELP", 8000),
        13 => audio("CN", 8000),
        14 => audio("MPA", 90_000),
        15 => audio("G728", 8000),
        16 => audio("DVI4", 11_025),
        17 => audio("DVI4", 22_050),
        18 => audio("G729", 8000),
        25 => video("CelB"),
        26 => video("JPEG"),
        28 => video("nv"),
        31 => video("H261"),
        32 => video("MPV"),
        33 => video("MP2T"),
        34 => video("H263"),
        _ => None,
    }
}

/// What Office Communicator and Lync use a dynamic payload type for by default ([MS-RTPRAD] §4, [MS-SDPEXT] §3.1.5.3,
/// [MS-RTPME]). The session description decides; without one this is a guess, and whoever shows it must say so.
pub const fn fallback_payload(payload_type: u8) -> Option<Payload> {
    match payload_type {
        97 => audio("RED", 8000),
        101 => audio("telephone-event", 8000),
        103 => audio("SILK", 8000),
        104 => audio("SILK", 16_000),
        111 => audio("SIREN", 16_000),
        112 => audio("G7221", 16_000),
        114 => audio("x-msrta", 16_000),
        115 => audio("x-msrta", 8000),
        116 => audio("AAL2-G726-32", 8000),
        117 => stereo("G722", 8000),
        118 => audio("CN", 16_000),
        121 => video("x-rtvc1"),
        122 => video("X-H264UC"),
        123 => video("X-ULPFECUC"),
        127 => video("x-data"),
        _ => None,
    }
}

/// What an encoding of `a=rtpmap` is, where its name alone does not say it; in any case.
pub fn encoding_title(name: &str) -> Option<&'static str> {
    const TITLES: [(&str, &str); 18] = [
        ("CN", "comfort noise"),
        ("telephone-event", "keys (DTMF)"),
        ("tone", "tones"),
        ("RED", "redundant data"),
        ("ulpfec", "forward error correction"),
        ("parityfec", "forward error correction"),
        ("flexfec", "forward error correction"),
        ("flexfec-03", "forward error correction"),
        ("X-ULPFECUC", "forward error correction"),
        ("rtx", "retransmission"),
        ("x-msrta", "RTAudio"),
        ("G7221", "G.722.1"),
        ("x-rtvc1", "RTVideo"),
        ("X-H264UC", "H.264 by Microsoft"),
        ("H264", "H.264"),
        ("H264-SVC", "H.264 in layers"),
        ("x-data", "application sharing or file transfer"),
        ("t38", "fax"),
    ];
    TITLES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, title)| *title)
}

/// Identifiers and places of the elements of a header extension (RFC 8285 §4.2, §4.3). None of another profile's.
pub fn extension_elements(profile: u16, content: &[u8]) -> Vec<(u8, Range<usize>)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&first) = content.get(at) {
        let (id, length, head) = match profile {
            // Padding.
            _ if first == 0 => {
                at += 1;
                continue;
            }
            // §4.2: nothing behind identifier 15 is read.
            ONE_BYTE_EXTENSIONS if first >> 4 == 15 => break,
            ONE_BYTE_EXTENSIONS => (first >> 4, usize::from(first & 0x0F) + 1, 1),
            0x1000..=0x100F => (first, content.get(at + 1).copied().map_or(0, usize::from), 2),
            _ => break,
        };
        let (start, end) = (at + head, at + head + length);
        if end > content.len() {
            break;
        }
        out.push((id, start..end));
        at = end;
    }
    out
}

/// A key or tone (RFC 4733 §2.3). All packets of one event have the same RTP timestamp; the last one is sent three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TelephoneEvent {
    pub event: u8,
    /// The E bit: the event is over.
    pub end: bool,
    /// 0–63: power in −dBm0.
    pub volume: u8,
    /// So far, in timestamp units.
    pub duration: u16,
}

impl TelephoneEvent {
    /// The key: `0`–`9`, `*`, `#`, `A`–`D`.
    pub fn digit(&self) -> Option<char> {
        digit(self.event)
    }
}

/// Bytes of an event.
pub const TELEPHONE_EVENT: usize = 4;

/// The first event of a payload; `None` where the payload is no whole number of events.
pub fn parse_telephone_event(payload: &[u8]) -> Option<TelephoneEvent> {
    telephone_events(payload).next()
}

/// The events of a payload: one, or several short ones that follow each other (RFC 4733 §2.5.1.5). None where the payload
/// is no whole number of them.
pub fn telephone_events(payload: &[u8]) -> impl Iterator<Item = TelephoneEvent> + use<'_> {
    let (events, rest) = payload.as_chunks::<TELEPHONE_EVENT>();
    let events = if rest.is_empty() { events } else { &[] };
    events.iter().map(|&[event, flags, d0, d1]| TelephoneEvent {
        event,
        end: flags & 0x80 != 0,
        volume: flags & 0x3F,
        duration: u16::from_be_bytes([d0, d1]),
    })
}

/// The key of an event (RFC 4733 §3.2).
pub fn digit(event: u8) -> Option<char> {
    Some(match event {
        0..=9 => char::from(b'0' + event),
        10 => '*',
        11 => '#',
        12..=15 => char::from(b'A' + (event - 12)),
        _ => return None,
    })
}

/// Other events in words: the flash hook, fax and modem tones (RFC 4734 §2), tones of the line (RFC 2833 §3.11). `None` for
/// keys and what has no name here.
pub fn event_name(event: u8) -> Option<&'static str> {
    Some(match event {
        16 => "flash",
        32 => "ANS (fax or modem answers)",
        33 => "/ANS (modem answers)",
        34 => "ANSam (modem answers)",
        35 => "/ANSam (modem answers)",
        36 => "CNG (fax calls)",
        37 => "V.21 channel 1, 0 bit",
        38 => "V.21 channel 1, 1 bit",
        39 => "V.21 channel 2, 0 bit",
        40 => "V.21 channel 2, 1 bit",
        49 => "CT (modem calls)",
        53 => "CI (V.8 call indicator)",
        54 => "V.21 preamble (fax)",
        64 => "off hook",
        65 => "on hook",
        66 => "dial tone",
        70 => "ringing tone",
        72 => "busy tone",
        73 => "congestion tone",
        74 => "special information tone",
        _ => return None,
    })
}

/// One redundant block of a RED payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RedBlock {
    pub payload_type: u8,
    /// How far before the packet's timestamp.
    pub timestamp_offset: u16,
    pub length: u16,
    /// Its data, counted from the start of the payload.
    pub data: Span,
}

/// A RED payload (RFC 2198 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Red {
    /// Oldest first, as they stand.
    pub blocks: Vec<RedBlock>,
    /// Payload type of the newest data, which has the packet's own timestamp.
    pub primary: u8,
    /// The newest data, counted from the start of the payload.
    pub primary_data: Span,
}

/// Most redundant blocks of one payload that are believed.
const MAX_RED_BLOCKS: usize = 64;

/// Takes a RED payload apart; `None` where its headers or their lengths go beyond its end.
pub fn parse_red(payload: &[u8]) -> Option<Red> {
    let mut headers = Vec::new();
    let mut rest = payload;
    let primary = loop {
        let (&first, after) = rest.split_first()?;
        if first & 0x80 == 0 {
            rest = after;
            break first & 0x7F;
        }
        let &[_, a, b, c] = rest.first_chunk::<4>()?;
        let word = u32::from_be_bytes([0, a, b, c]);
        headers.push((first & 0x7F, (word >> 10) as u16, (word & 0x3FF) as u16));
        rest = rest.get(4..)?;
        if headers.len() > MAX_RED_BLOCKS {
            return None;
        }
    };
    let end = u32::try_from(payload.len()).ok()?;
    let mut start = end - rest.len() as u32;
    let mut blocks = Vec::with_capacity(headers.len());
    for (payload_type, timestamp_offset, length) in headers {
        let data = Span { start, end: start + u32::from(length) };
        start = data.end;
        blocks.push(RedBlock { payload_type, timestamp_offset, length, data });
    }
    (start <= end).then_some(Red { blocks, primary, primary_data: Span { start, end } })
}
