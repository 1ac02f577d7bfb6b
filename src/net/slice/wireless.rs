//! IEEE 802.11 data frames and the headers that capture drivers put before them.

use super::{Kind, Sliced, Span, Trace, Walk, be32, le16, le32};

/// Radiotap present bits and flags (radiotap.org, field "Flags").
const TSFT: u32 = 1;
const FLAGS: u32 = 2;
const EXTENDED: u32 = 1 << 31;
const FLAG_FCS: u8 = 0x10;
const FLAG_DATA_PAD: u8 = 0x20;
const FLAG_BAD_FCS: u8 = 0x40;

impl<'a, T: Trace> Walk<'a, '_, T> {
    pub(super) fn radiotap(&mut self, span: Span) -> Sliced<'a> {
        let bytes = self.bytes(span);
        let Some(len) = le16(bytes, 2).map(usize::from) else {
            return self.short(span, 8, "radiotap header shorter than 8 bytes");
        };
        if len < 8 || bytes.len() < len {
            return self.short(span, len.max(8), "radiotap header length beyond the frame");
        }
        self.trace.layer(Kind::Radiotap, span.at, span.at + len);
        let flags = radiotap_flags(bytes.get(..len).unwrap_or(&[])).unwrap_or(0);
        if flags & FLAG_BAD_FCS != 0 {
            self.trace.remark("the driver says the checksum is wrong");
        }
        let mut rest = span.skip(len);
        if flags & FLAG_FCS != 0 {
            rest = rest.trim((rest.wire - rest.at).saturating_sub(4));
        }
        self.dot11(rest, flags & FLAG_DATA_PAD != 0)
    }

    /// Prism (`wlan-ng`) headers are in the byte order of the capturing machine; AVS ones may stand in their place.
    pub(super) fn prism(&mut self, span: Span) -> Sliced<'a> {
        let bytes = self.bytes(span);
        let (Some(code), Some(little), Some(big)) = (be32(bytes, 0), le32(bytes, 4), be32(bytes, 4)) else {
            return self.short(span, 8, "Prism header shorter than 8 bytes");
        };
        if code & 0xffff_f000 == 0x8021_1000 {
            return self.avs(span);
        }
        let len = little.min(big) as usize;
        if len < 8 || bytes.len() < len {
            return self.short(span, len.max(8), "Prism header length beyond the frame");
        }
        self.trace.layer(Kind::Prism, span.at, span.at + len);
        self.dot11(span.skip(len), false)
    }

    pub(super) fn avs(&mut self, span: Span) -> Sliced<'a> {
        let bytes = self.bytes(span);
        let Some(len) = be32(bytes, 4).map(|len| len as usize) else {
            return self.short(span, 8, "AVS header shorter than 8 bytes");
        };
        if len < 8 || bytes.len() < len {
            return self.short(span, len.max(8), "AVS header length beyond the frame");
        }
        self.trace.layer(Kind::Avs, span.at, span.at + len);
        self.dot11(span.skip(len), false)
    }

    /// IEEE 802.11-2020 clause 9.2: data frames in clear lead to LLC; all others are no IP.
    pub(super) fn dot11(&mut self, span: Span, padded: bool) -> Sliced<'a> {
        let bytes = self.bytes(span);
        let [control, flags] = match bytes {
            [control, flags, ..] => [*control, *flags],
            _ => return self.short(span, 2, "802.11 frame shorter than 2 bytes"),
        };
        let (to_and_from, more_fragments) = (flags & 3 == 3, flags & 4 != 0);
        let (protected, order) = (flags & 0x40 != 0, flags & 0x80 != 0);
        let qos = control & 0x80 != 0;
        let is_data = control & 0x0c == 0x08 && control & 0x40 == 0;
        let mut len = 24;
        if to_and_from {
            len += 6;
        }
        let qos_at = len;
        if qos {
            len += if order { 6 } else { 2 };
        }
        if padded {
            len = (len + 3) & !3;
        }
        if !is_data {
            self.trace.layer(Kind::Dot11, span.at, span.skip(24).at);
            return Sliced::NotIp;
        }
        if bytes.len() < len {
            return self.short(span, len, "802.11 header cut short");
        }
        self.trace.layer(Kind::Dot11, span.at, span.at + len);
        let fragment = bytes.get(22).is_some_and(|sequence| sequence & 15 != 0);
        if protected {
            self.trace.remark("encrypted by the radio link");
            return Sliced::NotIp;
        }
        if fragment || more_fragments {
            self.trace.remark("a piece of a fragmented 802.11 frame");
            return Sliced::NotIp;
        }
        let rest = span.skip(len);
        if qos && bytes.get(qos_at).is_some_and(|qos| qos & 0x80 != 0) {
            return self.amsdu(rest);
        }
        self.llc(rest)
    }

    /// An A-MSDU holds several packets; the first speaks for the frame.
    fn amsdu(&mut self, span: Span) -> Sliced<'a> {
        let Some(head) = self.head::<14>(span) else {
            return self.short(span, 14, "A-MSDU subframe shorter than its header");
        };
        self.trace.layer(Kind::Amsdu, span.at, span.at + 14);
        let length = u16::from_be_bytes([head[12], head[13]]);
        self.llc(span.skip(14).trim(usize::from(length)))
    }
}

/// The Flags field of a radiotap header, if present.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    let present = le32(header, 4)?;
    let mut at = 8;
    let mut word = present;
    while word & EXTENDED != 0 {
        word = le32(header, at)?;
        at += 4;
    }
    if present & TSFT != 0 {
        at = ((at + 7) & !7) + 8;
    }
    if present & FLAGS != 0 { header.get(at).copied() } else { None }
}
