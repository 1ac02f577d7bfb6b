//! Telling by the first bytes what an input is, whatever it is called; and for what cannot be read, what it seems
//! to be and what to do about it.

use super::compressed::Algorithm;
use super::{netmon, pcapng, snoop};

/// Bytes looked at where they are to be had.
pub(super) const HEAD: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Pcap,
    PcapNg,
    Netmon,
    Snoop,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcap => "pcap",
            Self::PcapNg => "pcapng",
            Self::Netmon => "netmon",
            Self::Snoop => "snoop",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    Capture(Format),
    Compressed(Algorithm),
    Empty,
    /// So many bytes are needed to tell.
    NeedMore(usize),
    /// Not readable, with what it seems to be.
    Not(String),
}

/// `complete`: the input has no more than `head`, or `head` has [`HEAD`] bytes.
pub(super) fn sniff(head: &[u8], complete: bool) -> Sniffed {
    if head.is_empty() {
        return if complete { Sniffed::Empty } else { Sniffed::NeedMore(4) };
    }
    let Some(&magic) = head.first_chunk::<4>() else {
        return if complete { Sniffed::Not(other(head)) } else { Sniffed::NeedMore(4) };
    };
    let known = match (u32::from_le_bytes(magic), &magic) {
        (pcapng::SECTION_HEADER, _) => Some((Format::PcapNg, 12)),
        (_, b"GMBU" | b"RTSS") => Some((Format::Netmon, netmon::FILE_HEADER)),
        (_, b"snoo") => Some((Format::Snoop, snoop::FILE_HEADER)),
        (le, _) => super::pcap::header_len(le).map(|length| (Format::Pcap, length)),
    };
    if let Some((format, length)) = known {
        if head.len() < length {
            if complete {
                return Sniffed::Not(format!("a {} file cut short inside its header", format.name()));
            }
            return Sniffed::NeedMore(length);
        }
        let fits = match format {
            Format::PcapNg => {
                matches!(head.get(8..12), Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a]))
            }
            Format::Snoop => head.starts_with(snoop::MAGIC),
            Format::Pcap | Format::Netmon => true,
        };
        return match fits {
            true => Sniffed::Capture(format),
            false => {
                Sniffed::Not(format!("it starts like a {} file but its header makes no sense", format.name()))
            }
        };
    }
    if let Some(algorithm) = Algorithm::of(magic) {
        return Sniffed::Compressed(algorithm);
    }
    if !complete && head.len() < 512 {
        return Sniffed::NeedMore(512);
    }
    Sniffed::Not(other(head))
}

/// First bytes of files that are known but not read.
const OTHERS: &[(&[u8], &str)] = &[
    (b"\xfd7zXZ\0", "xz-compressed: unpack it first, with xz -d"),
    (b"BZh", "bzip2-compressed: unpack it first, with bunzip2"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"Rar!", "a rar archive: unpack it first"),
    (b"LZIP", "lzip-compressed: unpack it first"),
    (b"\x1f\x9d", "compressed with compress: unpack it first, with uncompress"),
    (b"]\0\0", "lzma-compressed: unpack it first, with unlzma"),
    (b"TRSNIFF data    \x1a", "a Sniffer file: convert it first, with editcap -F pcapng"),
    (b"XCP\0", "a NetXRay or Sniffer for Windows file: convert it first, with editcap -F pcapng"),
    (b"VL\0\0", "a NetXRay file: convert it first, with editcap -F pcapng"),
    (b"\x05VNF", "a Visual Networks file: convert it first, with editcap -F pcapng"),
    (b"ObserverPktBuffe", "a Network Instruments Observer file: convert it first, with editcap -F pcapng"),
    (b"iptrace", "an AIX iptrace file: convert it first, with editcap -F pcapng"),
    (b"\x7fver", "an OmniPeek file: convert it first, with editcap -F pcapng"),
    (b"TR\0d\0", "an HP-UX nettl file: convert it first, with editcap -F pcapng"),
    (b"\xd5\xd5\xc9", "a 5Views file: convert it first, with editcap -F pcapng"),
    (b"\x42\xd2\0\x34\x12\x66\x22\x88", "a RADCOM file: convert it first, with editcap -F pcapng"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a RIFF file, sound or film"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "a Microsoft compound document"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
];

/// What an input seems to be that no reader is there for.
fn other(head: &[u8]) -> String {
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*what).to_owned();
    }
    if head.get(257..262) == Some(b"ustar") {
        return "a tar archive: unpack it first".to_owned();
    }
    if looks_like_text(head) {
        let trimmed = head.trim_ascii_start();
        return match trimmed.first() {
            Some(b'{' | b'[') => "text, JSON perhaps".to_owned(),
            Some(b'<') => "text, XML or HTML perhaps".to_owned(),
            _ if trimmed.starts_with(b"0000") => {
                "text, a hex dump perhaps: convert it first, with text2pcap".to_owned()
            }
            _ => "text".to_owned(),
        };
    }
    if looks_like_erf(head) {
        return "an Endace ERF file: convert it first, with editcap -F pcapng".to_owned();
    }
    if looks_like_commview(head) {
        return "a CommView file: convert it first, with editcap -F pcapng".to_owned();
    }
    if head.iter().all(|&b| b == 0) {
        return "nothing but zero bytes at its start".to_owned();
    }
    let shown: Vec<String> = head.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("no known format starts with the bytes {}", shown.join(" "))
}

fn looks_like_text(head: &[u8]) -> bool {
    let head = head.get(..512).unwrap_or(head);
    let odd = head
        .iter()
        .filter(|&&b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b) || b == 0x7f)
        .count();
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        // Cut inside a character.
        Err(e) => e.error_len().is_none(),
    };
    odd == 0 && (valid || head.iter().filter(|&&b| b >= 0x80).count() * 8 < head.len())
}

/// ERF records: time 8 (little-endian), type 1, flags 1, record length 2, loss 2, wire length 2 (big-endian).
fn looks_like_erf(head: &[u8]) -> bool {
    let record = |at: usize| -> Option<(u32, usize)> {
        let h: &[u8; 16] = head.get(at..)?.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([h[10], h[11]]));
        let known = (1..=48).contains(&(h[8] & 0x7f)) && length >= 16;
        known.then_some((u32::from_le_bytes([h[4], h[5], h[6], h[7]]), length))
    };
    let Some((first, length)) = record(0) else { return false };
    match record(length) {
        Some((second, _)) => first.abs_diff(second) <= 86_400,
        None => {
            length == head.len()
                || length > head.len().saturating_sub(16) && head.len() >= 512 && first > 1 << 29
        }
    }
}

/// CommView records: data length 2, source length 2, version 1, date (NCF), or data length 4, date (NCFX).
fn looks_like_commview(head: &[u8]) -> bool {
    // Year 2, month, day, hour, minute, second 1 each.
    let date = |at: usize| {
        head.get(at..at + 7).is_some_and(|d| {
            (1990..2100).contains(&u16::from_le_bytes([d[0], d[1]]))
                && (1..=12).contains(&d[2])
                && (1..=31).contains(&d[3])
                && d[4] < 24
                && d[5] < 60
                && d[6] < 61
        })
    };
    date(5) || date(4)
}
