//! Telling the pcap dialects apart that share a magic: the one whose first records make most sense is taken.

use super::{Dialect, PcapWalker, RECORD_HEADER};
use crate::capture::walk::Window;

/// Records looked at.
const RECORDS: usize = 3;

/// How many things are wrong with the first records, were they written in `dialect`.
pub(super) fn faults(pcap: &PcapWalker, dialect: Dialect, w: Window<'_>) -> u32 {
    let mut faults = 0;
    let mut at = 0;
    for _ in 0..RECORDS {
        if at >= w.bytes.len() {
            break;
        }
        let header = dialect.header_len();
        let Some(r) = pcap.record(w.bytes, at).filter(|_| w.bytes.len() - at >= header) else {
            faults += u32::from(w.last);
            break;
        };
        let too_long = r.cap > pcap.plausible_cap();
        faults += u32::from(r.frac >= pcap.units_a_second())
            + u32::from(too_long)
            + u32::from(pcap.snaplen != 0 && r.cap > pcap.snaplen)
            + u32::from(r.orig > 128 << 20)
            + u32::from(r.cap > r.orig);
        faults += match dialect {
            Dialect::Standard => 0,
            Dialect::Modified | Dialect::ModifiedSmp => modified_faults(pcap, w, at + RECORD_HEADER),
            Dialect::Nokia => nokia_faults(pcap, w, at + RECORD_HEADER),
        };
        if too_long {
            break;
        }
        at += header + r.cap as usize;
        if at > w.bytes.len() {
            faults += u32::from(w.last);
        }
    }
    faults
}

/// Interface index 4, protocol 2, packet type 1.
fn modified_faults(pcap: &PcapWalker, w: Window<'_>, at: usize) -> u32 {
    let interface = w.u32(at, pcap.big).unwrap_or_default();
    let protocol = w.u16(at + 4, pcap.big).unwrap_or_default();
    let kind = w.bytes.get(at + 6).copied().unwrap_or_default();
    // An EtherType, or one of Linux's own numbers below them.
    let known = protocol >= 0x600 || matches!(protocol, 0..=0x17 | 0x60 | 0x200 | 0x400);
    u32::from(interface > 10_000) + u32::from(!known) + u32::from(kind > 4)
}

/// Every field seen had the form 0xXfbfYZ0W with X 9 or b, Y b or d, Z 6 or 9, W 1 or 2.
fn nokia_faults(pcap: &PcapWalker, w: Window<'_>, at: usize) -> u32 {
    let v = w.u32(at, pcap.big).unwrap_or_default();
    let fits = v & 0x0fff_00f0 == 0x0fbf_0000
        && matches!(v >> 28, 0x9 | 0xb)
        && matches!((v >> 12) & 0xf, 0xb | 0xd)
        && matches!((v >> 8) & 0xf, 0x6 | 0x9)
        && matches!(v & 0xf, 1 | 2);
    u32::from(!fits)
}
