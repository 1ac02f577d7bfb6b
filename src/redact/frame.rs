//! Frames: headers with their addresses rewritten, checksums brought up to date (RFC 1624), what is unknown overwritten.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use callscope_parsers::sip;

use super::Redactor;
use crate::net::{HeaderKind, Headers, ip_protocol};

/// The addresses that the pseudo header of a checksum has, before and after.
type Pseudo = (Vec<u8>, Vec<u8>);

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks(2).map(|c| u16::from(c[0]) << 8 | u16::from(c.get(1).copied().unwrap_or(0)))
}

/// RFC 1624 §3, eqn. 3: what was right stays right, what was wrong stays wrong.
fn adjusted(checksum: u16, changes: &[(&[u8], &[u8])]) -> u16 {
    let mut sum = u64::from(!checksum);
    for (old, new) in changes {
        sum += words(old).map(|w| u64::from(!w)).sum::<u64>() + words(new).map(u64::from).sum::<u64>();
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// CRC-32C of SCTP (RFC 9260 appendix A).
pub(super) fn crc32c(parts: &[&[u8]]) -> u32 {
    let mut crc = !0u32;
    for byte in parts.iter().copied().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

/// Changes a field of the checksum at `at`, over `covered`.
fn adjust(old: &[u8], new: &mut [u8], at: usize, covered: Range<usize>, pseudo: Option<&Pseudo>, udp: bool) {
    let covered = covered.start..covered.end.min(old.len());
    let (Some(before), Some(after)) = (old.get(covered.clone()), new.get(covered.clone())) else { return };
    let Some(field) = old.get(at..).filter(|_| at + 2 <= covered.end).and_then(|f| f.first_chunk::<2>())
    else {
        return;
    };
    let checksum = u16::from_be_bytes(*field);
    if udp && checksum == 0 {
        return;
    }
    let mut changes = vec![(before, after)];
    if let Some((old, new)) = pseudo {
        changes.push((old, new));
    }
    if changes.iter().all(|(old, new)| old == new) {
        return;
    }
    let mut value = adjusted(checksum, &changes);
    if udp && value == 0 {
        value = 0xffff;
    }
    super::names::write(new, at..at + 2, &value.to_be_bytes());
}

impl Redactor {
    /// A frame, or the datagram put together from fragments between `outer`. `fill` rewrites the transport's payload, which
    /// it is given as it was.
    pub(super) fn rewrite(
        &mut self,
        old: &[u8],
        headers: &Headers<'_>,
        outer: Option<(IpAddr, IpAddr)>,
        fill: &mut dyn FnMut(&mut Self, &mut [u8]),
    ) -> Vec<u8> {
        let mut new = vec![0; old.len()];
        let copy = |new: &mut [u8], range: &Range<usize>| {
            if let (Some(to), Some(from)) = (new.get_mut(range.clone()), old.get(range.clone())) {
                to.copy_from_slice(from);
            }
        };
        for (kind, range) in &headers.layers {
            let range = range.start..range.end.min(old.len());
            copy(&mut new, &range);
            self.header_layer(*kind, new.get_mut(range).unwrap_or_default());
        }
        if let Some(payload) = &headers.payload {
            let payload = payload.start..payload.end.min(old.len());
            copy(&mut new, &payload);
            fill(self, new.get_mut(payload).unwrap_or_default());
        }
        self.checksums(old, &mut new, headers, outer);
        new
    }

    fn addresses(&mut self, b: &mut [u8], places: &[(usize, usize)]) {
        for &(at, len) in places {
            match b.get_mut(at..at + len) {
                Some(address) if len == 6 => self.binary_mac(Some(address)),
                Some(address) => self.binary_address(address),
                // The beginning of one says something too.
                None => b.get_mut(at.min(b.len())..).unwrap_or_default().fill(0),
            }
        }
    }

    fn header_layer(&mut self, kind: HeaderKind, b: &mut [u8]) {
        use HeaderKind as K;
        match kind {
            K::Ethernet | K::Amsdu => self.addresses(b, &[(0, 6), (6, 6)]),
            K::Fddi => self.addresses(b, &[(1, 6), (7, 6)]),
            K::TokenRing => {
                // The top bit of the source says that a route follows.
                let routed = b.get(8).map_or(0, |s| s & 0x80);
                self.addresses(b, &[(2, 6), (8, 6)]);
                if let Some(source) = b.get_mut(8) {
                    *source = *source & 0x7f | routed;
                }
            }
            K::Sll => self.addresses(b, &[(6, 6)]),
            K::Sll2 => self.addresses(b, &[(12, 6)]),
            K::Dot11 => {
                let len = b.len();
                let four = b.get(1).is_some_and(|f| f & 3 == 3);
                for (at, end) in [(4, 10), (10, 16), (16, 22), (24, 30)] {
                    if end <= len && (at != 24 || four) {
                        self.addresses(b, &[(at, 6)]);
                    }
                }
            }
            // The channel's identifier begins with a hardware address.
            K::MacSec if b.first().is_some_and(|t| t & 0x20 != 0) => {
                b.get_mut(6..14).unwrap_or_default().fill(0);
            }
            // Names of an interface and a set of rules.
            K::Pflog => b.get_mut(4..36).unwrap_or_default().fill(0),
            K::Nflog => nflog_values(b),
            K::Ppi => b.get_mut(8..).unwrap_or_default().fill(0),
            K::Nsh => b.get_mut(8..).unwrap_or_default().fill(0),
            K::Arp => {
                if b.get(4..6) == Some(&[6, 4]) {
                    self.addresses(b, &[(8, 6), (14, 4), (18, 6), (24, 4)]);
                } else {
                    b.get_mut(8..).unwrap_or_default().fill(0);
                }
            }
            K::Ipv4 => {
                self.addresses(b, &[(12, 4), (16, 4)]);
                // Options list addresses on the way.
                b.get_mut(20..).unwrap_or_default().fill(0);
            }
            K::Ipv6 => self.addresses(b, &[(8, 16), (24, 16)]),
            K::Extension(43) => {
                let mut at = 8;
                while at < b.len() {
                    self.addresses(b, &[(at, 16)]);
                    at += 16;
                }
            }
            K::Extension(51) => b.get_mut(12..).unwrap_or_default().fill(0),
            K::Tcp => tcp_options(b),
            K::Icmp => self.icmp(b, false),
            K::Icmpv6 => self.icmp(b, true),
            _ => {}
        }
    }

    fn checksums(
        &mut self,
        old: &[u8],
        new: &mut [u8],
        headers: &Headers<'_>,
        outer: Option<(IpAddr, IpAddr)>,
    ) {
        use HeaderKind as K;
        for (n, (kind, range)) in headers.layers.iter().enumerate().rev() {
            let start = range.start;
            let below = headers.layers.get(..n).unwrap_or_default();
            let ip = below.iter().rev().find(|(k, _)| matches!(k, K::Ipv4 | K::Ipv6));
            let (end, pseudo) = match ip {
                Some((k, r)) => {
                    let (places, lengths) = match k {
                        K::Ipv4 => (r.start + 12..r.start + 20, (r.start + 2, r.start)),
                        _ => (r.start + 8..r.start + 40, (r.start + 4, r.start + 40)),
                    };
                    let length = old
                        .get(lengths.0..)
                        .and_then(|l| l.first_chunk::<2>())
                        .map_or(0, |l| usize::from(u16::from_be_bytes(*l)));
                    let end = if length == 0 { old.len() } else { (lengths.1 + length).min(old.len()) };
                    let pseudo = (
                        old.get(places.clone()).unwrap_or_default().to_vec(),
                        new.get(places).unwrap_or_default().to_vec(),
                    );
                    (end, Some(pseudo))
                }
                None => {
                    let pseudo = outer.map(|(src, dst)| {
                        let before = [octets(src), octets(dst)].concat();
                        let after = [self.moved(src), self.moved(dst)].concat();
                        (before, after)
                    });
                    (old.len(), pseudo)
                }
            };
            match kind {
                K::Ipv4 => adjust(old, new, start + 10, range.clone(), None, false),
                K::Udp => {
                    let length = old
                        .get(start + 4..)
                        .and_then(|l| l.first_chunk::<2>())
                        .map_or(0, |l| usize::from(u16::from_be_bytes(*l)));
                    let end = if length < 8 { end } else { end.min(start + length) };
                    adjust(old, new, start + 6, start..end, pseudo.as_ref(), true);
                }
                K::Tcp => adjust(old, new, start + 16, start..end, pseudo.as_ref(), false),
                K::Icmp => adjust(old, new, start + 2, start..end, None, false),
                K::Icmpv6 => adjust(old, new, start + 2, start..end, pseudo.as_ref(), false),
                K::Gre if old.get(start).is_some_and(|f| f & 0x80 != 0) => {
                    adjust(old, new, start + 4, start..end, None, false);
                }
                K::Sctp => {
                    let crc = |b: &[u8]| {
                        Some(crc32c(&[b.get(start..start + 8)?, &[0; 4], b.get(start + 12..end)?]))
                    };
                    let found = old
                        .get(start + 8..)
                        .and_then(|c| c.first_chunk::<4>())
                        .map(|c| u32::from_le_bytes(*c));
                    if found.is_some()
                        && found == crc(old)
                        && let Some(crc) = crc(new)
                    {
                        super::names::write(new, start + 8..start + 12, &crc.to_le_bytes());
                    }
                }
                _ => {}
            }
        }
    }

    fn moved(&mut self, ip: IpAddr) -> Vec<u8> {
        match ip {
            IpAddr::V4(a) => self.v4(a.octets()).to_vec(),
            IpAddr::V6(a) => self.v6(a.octets()).to_vec(),
        }
    }

    /// A message of ICMP from its type on.
    fn icmp(&mut self, b: &mut [u8], v6: bool) {
        let kind = b.first().copied().unwrap_or(255);
        match (v6, kind) {
            (false, 3 | 4 | 11 | 12) | (true, 1..=4) => self.quoted(b.get_mut(8..).unwrap_or_default()),
            (false, 5) => {
                self.addresses(b, &[(4, 4)]);
                self.quoted(b.get_mut(8..).unwrap_or_default());
            }
            (true, 133..=137) => {
                let targets = match kind {
                    133 => 0,
                    134 => 0,
                    137 => 2,
                    _ => 1,
                };
                for n in 0..targets {
                    self.addresses(b, &[(8 + 16 * n, 16)]);
                }
                let options = if kind == 134 { 16 } else { 8 + 16 * targets };
                self.neighbour_options(b.get_mut(options.min(b.len())..).unwrap_or_default());
            }
            (true, 130..=132) => {
                self.addresses(b, &[(8, 16)]);
                b.get_mut(24..).unwrap_or_default().fill(0);
            }
            _ => b.get_mut(8..).unwrap_or_default().fill(0),
        }
    }

    /// Options of neighbour discovery (RFC 4861 §4.6).
    fn neighbour_options(&mut self, b: &mut [u8]) {
        let mut at = 0;
        while let Some(&[kind, words]) = b.get(at..).and_then(|o| o.first_chunk::<2>()) {
            let end = (at + 8 * usize::from(words).max(1)).min(b.len());
            let option = b.get_mut(at..end).unwrap_or_default();
            match kind {
                1 | 2 if option.len() == 8 => self.addresses(option, &[(2, 6)]),
                3 if option.len() == 32 => self.addresses(option, &[(16, 16)]),
                5 => {}
                _ => option.get_mut(2..).unwrap_or_default().fill(0),
            }
            at = end;
        }
    }

    /// The packet that an error is about, as far as it is quoted.
    fn quoted(&mut self, b: &mut [u8]) {
        let old = b.to_vec();
        let version = b.first().map_or(0, |v| v >> 4);
        let (header, protocol, end, places) = match version {
            4 if b.len() >= 20 => {
                let header = 4 * usize::from(b.first().copied().unwrap_or(0) & 15);
                let total = usize::from(u16::from_be_bytes([
                    old.get(2).copied().unwrap_or(0),
                    old.get(3).copied().unwrap_or(0),
                ]));
                let later = old.get(6).is_some_and(|f| f & 0x1f != 0) || old.get(7).is_some_and(|f| *f != 0);
                let protocol = if later { 255 } else { old.get(9).copied().unwrap_or(255) };
                let total = if total < header { b.len() } else { total };
                (header.max(20), protocol, total, 12..20)
            }
            6 if b.len() >= 40 => {
                let length = usize::from(u16::from_be_bytes([
                    old.get(4).copied().unwrap_or(0),
                    old.get(5).copied().unwrap_or(0),
                ]));
                (40, old.get(6).copied().unwrap_or(255), 40 + length, 8..40)
            }
            _ => return self.wipe(b, "bytes of unknown protocols"),
        };
        let address = |b: &[u8], n: usize| -> Option<IpAddr> {
            let len = places.len() / 2;
            let bytes = b.get(places.start + n * len..places.start + (n + 1) * len)?;
            match bytes.first_chunk::<16>() {
                Some(v6) => Some(IpAddr::from(*v6)),
                None => bytes.first_chunk::<4>().map(|v4| IpAddr::from(*v4)),
            }
        };
        let (Some(src), Some(dst)) = (address(&old, 0), address(&old, 1)) else { return };
        self.header_layer(
            if version == 4 { HeaderKind::Ipv4 } else { HeaderKind::Ipv6 },
            b.get_mut(..header.min(old.len())).unwrap_or_default(),
        );
        if version == 4 {
            adjust(&old, b, 10, 0..header.min(old.len()), None, false);
        }
        let pseudo = (
            old.get(places.clone()).unwrap_or_default().to_vec(),
            b.get(places).unwrap_or_default().to_vec(),
        );
        let stop = end.clamp(header.min(old.len()), old.len());
        let start = header.min(stop);
        let port = |at: usize| {
            old.get(start + at..).and_then(|p| p.first_chunk::<2>()).map_or(0, |p| u16::from_be_bytes(*p))
        };
        let between = (SocketAddr::new(src, port(0)), SocketAddr::new(dst, port(2)));
        match protocol {
            ip_protocol::UDP => {
                let missing = end.saturating_sub(stop) as u32;
                let payload = b.get_mut((start + 8).min(stop)..stop).unwrap_or_default();
                self.quoted_datagram(payload, between, missing);
                adjust(&old, b, start + 6, start..stop, Some(&pseudo), true);
            }
            ip_protocol::TCP => {
                let offset = 4 * usize::from(old.get(start + 12).map_or(5, |o| o >> 4)).max(5);
                let options = (start + 20).min(stop)..(start + offset).min(stop);
                b.get_mut(options.start..options.end.max(options.start)).unwrap_or_default().fill(0);
                let payload = b.get_mut((start + offset).min(stop)..stop).unwrap_or_default();
                if sip::looks_like_sip(payload) {
                    self.sip(payload)
                } else {
                    self.wipe(payload, "bytes of unknown protocols")
                }
                adjust(&old, b, start + 16, start..stop, Some(&pseudo), false);
            }
            _ => {
                let from = (start + 8).min(stop);
                b.get_mut(from..stop).unwrap_or_default().fill(0);
            }
        }
        // Extensions behind the quote (RFC 4884).
        b.get_mut(stop..).unwrap_or_default().fill(0);
    }

    /// A datagram whose end may be missing, told by its first bytes.
    pub(super) fn quoted_datagram(&mut self, b: &mut [u8], between: (SocketAddr, SocketAddr), missing: u32) {
        match b.first() {
            Some(0..=3) if missing > 0 && b.len() >= 20 => self.stun(b, between, 0),
            Some(0x80..=0xbf) if missing > 0 => {
                if b.get(1).is_some_and(|k| (192..=223).contains(k)) {
                    self.rtcp(b)
                } else {
                    self.rtp(b)
                }
            }
            // ChannelData carries none of its kind.
            Some(0x40..=0x4f)
                if missing > 0
                    && !sip::looks_like_sip(b)
                    && !matches!(b.get(4), None | Some(0x40..=0x4f)) =>
            {
                let inside = b.get_mut(4..).unwrap_or_default();
                self.quoted_datagram(inside, between, missing);
            }
            _ if sip::looks_like_sip(b) => self.sip(b),
            _ => self.datagram(b, between, missing, 0),
        }
    }
}

/// Of the values in a header of NFLOG (LINKTYPE_NFLOG) only kinds and lengths stay.
fn nflog_values(b: &mut [u8]) {
    let mut at = 4;
    while let Some(&[l0, l1, _, _]) = b.get(at..).and_then(|v| v.first_chunk::<4>()) {
        let len = usize::from(u16::from_le_bytes([l0, l1]));
        let end = (at + len.max(4)).min(b.len());
        b.get_mut((at + 4).min(end)..end).unwrap_or_default().fill(0);
        at = (at + len.max(4)).next_multiple_of(4);
    }
}

/// Options that say nothing of anybody stay.
fn tcp_options(b: &mut [u8]) {
    let mut at = 20;
    while let Some(&kind) = b.get(at) {
        match kind {
            0 => break,
            1 => at += 1,
            _ => {
                let len = usize::from(b.get(at + 1).copied().unwrap_or(0)).max(2);
                let end = (at + len).min(b.len());
                if !matches!(kind, 2..=5 | 8) {
                    b.get_mut((at + 2).min(end)..end).unwrap_or_default().fill(0);
                }
                at = end.max(at + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1624 §4: its example of a checksum that becomes 0.
    #[test]
    fn checksum_of_the_rfc() {
        let (old, new) = (0x5555u16.to_be_bytes(), 0x3285u16.to_be_bytes());
        assert_eq!(adjusted(0xdd2f, &[(&old, &new)]), 0x0000);
    }

    /// RFC 3720 appendix B.4: 32 bytes of zeros, of ones, and counting up.
    #[test]
    fn crc_of_the_rfc() {
        assert_eq!(crc32c(&[&[0; 32]]).to_le_bytes(), [0xaa, 0x36, 0x91, 0x8a]);
        assert_eq!(crc32c(&[&[0xff; 32]]).to_le_bytes(), [0x43, 0xab, 0xa8, 0x62]);
        let counting: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&[&counting]).to_le_bytes(), [0x4e, 0x79, 0xdd, 0x46]);
    }
}
