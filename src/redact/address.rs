//! Addresses: a permutation octet by octet (of IPv6 group by group) that depends on what stands before, so that networks
//! stay networks. Numbers of digits stay, decimal and hex, so that text keeps its length; so do the classes that rules look at.

use super::Redactor;

/// The first octets below which classes lie.
const OF_CLASSES: [u8; 7] = [0, 10, 100, 127, 169, 172, 192];

/// Who an octet is exchanged with: a run of octets, some of which stay.
fn among(octet: u8, run: std::ops::RangeInclusive<u8>, stays: &[u8]) -> Option<(Vec<u8>, u64)> {
    // In hex it may stand in the text of an IPv6 address that embeds it.
    let digits = |o: u8| match o {
        0..=9 => (1, 1),
        10..=15 => (2, 1),
        16..=99 => (2, 2),
        100..=255 => (3, 2),
    };
    let all: Vec<u8> = run.filter(|o| digits(*o) == digits(octet) && !stays.contains(o)).collect();
    let at = all.iter().position(|o| *o == octet)?;
    Some((all, at as u64))
}

/// Hex digits of a number, none for 0.
fn digits(group: u16) -> u32 {
    (16 - group.leading_zeros()).div_ceil(4)
}

/// Where an IPv4 address stands in an IPv6 address: mapped, translated (`64:ff9b::/96`), or of a 6to4 network (RFC 3056 §2).
fn embedded(address: &[u8; 16]) -> Option<usize> {
    let mapped = address.starts_with(&[0; 10]) && address.get(10..12) == Some(&[0xff, 0xff]);
    let translated = address.starts_with(&[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]);
    match address {
        _ if mapped || translated => Some(12),
        [0x20, 0x02, ..] => Some(2),
        _ => None,
    }
}

impl Redactor {
    pub(super) fn v4(&mut self, address: [u8; 4]) -> [u8; 4] {
        if !self.frozen && self.met.len() < super::REMEMBERED {
            self.met.insert(address);
        }
        if self.learning {
            return address;
        }
        if let Some(known) = self.v4.get(&address) {
            return *known;
        }
        let mut out = address;
        let fixed = match address {
            [0, ..] | [127, ..] | [255, 255, 255, 255] | [224, 0, 0, _] | [239, 255, 255, 250] => 4,
            [240..=255, ..] => 1,
            _ => 0,
        };
        for (at, &octet) in address.iter().enumerate().skip(fixed) {
            let before = address.get(..at).unwrap_or_default();
            let found = match (before, octet) {
                ([], 1..=223) => among(octet, 1..=223, &OF_CLASSES),
                ([], _) => None,
                ([169], 254) | ([192], 168) => None,
                ([172], 16..=31) => among(octet, 16..=31, &[]),
                ([172], _) => {
                    among(octet, 0..=255, &(16..=31).collect::<Vec<u8>>()).filter(|(all, _)| all.len() > 1)
                }
                ([100], 64..=127) => among(octet, 64..=127, &[]),
                ([100], _) => among(octet, 0..=255, &(64..=127).collect::<Vec<u8>>()),
                ([169], _) => among(octet, 0..=255, &[254]),
                ([192], _) => among(octet, 0..=255, &[168]),
                // Broadcast and the network itself stay what they are.
                ([_, _, _], 0 | 255) => None,
                ([_, _, _], _) => among(octet, 1..=254, &[]),
                // Before the last octet in hex it is no digit at all.
                ([_, _], 0) => None,
                ([_, _], _) => among(octet, 1..=255, &[]),
                _ => among(octet, 0..=255, &[]),
            };
            if let Some((all, place)) = found
                && let Some(slot) = out.get_mut(at)
            {
                let tweak = [b"v4".as_slice(), before].concat();
                let place = self.key.permute(&tweak, all.len() as u64, place);
                *slot = all.get(place as usize).copied().unwrap_or(octet);
            }
        }
        self.make_room();
        self.v4.insert(address, out);
        out
    }

    pub(super) fn v6(&mut self, address: [u8; 16]) -> [u8; 16] {
        if let Some(known) = self.v6.get(&address) {
            return *known;
        }
        let mut out = address;
        let embedded = embedded(&address);
        if let Some(at) = embedded
            && let Some(v4) = address.get(at..).and_then(|a| a.first_chunk::<4>())
        {
            let moved = self.v4(*v4);
            super::names::write(&mut out, at..at + 4, &moved);
        }
        // Of a network of translated addresses nothing else is left (RFC 4291 §2.5.5.2, RFC 6052 §2.1).
        if embedded != Some(12) && !self.learning {
            let groups: Vec<u16> =
                address.chunks_exact(2).map(|c| u16::from(c[0]) << 8 | u16::from(c[1])).collect();
            let done = embedded.map_or(0, |at| (at + 4) / 2);
            for (at, (&group, slot)) in groups.iter().zip(out.chunks_exact_mut(2)).enumerate().skip(done) {
                let before = address.get(..2 * at).unwrap_or_default();
                let group = self.group(before, group, &groups);
                slot.copy_from_slice(&group.to_be_bytes());
            }
        }
        if !self.learning {
            self.make_room();
            self.v6.insert(address, out);
        }
        out
    }

    fn group(&self, before: &[u8], group: u16, all: &[u16]) -> u16 {
        let tweak = [b"v6".as_slice(), before].concat();
        let first = all.first().copied().unwrap_or(0);
        // ::1 and what else has nothing but a last group; well-known groups of multicast.
        let small = all.iter().take(7).all(|g| *g == 0);
        let known = first >> 8 == 0xff && all.iter().skip(1).take(6).all(|g| *g == 0);
        if group == 0 || small || known {
            return group;
        }
        let (low, high) = match (before, group) {
            ([], 0x2001 | 0x2002) => return group,
            ([], 0x2000..=0x3fff) => {
                let others = u64::from(group) - 0x2000 - if group > 0x2002 { 2 } else { 0 };
                let moved = self.key.permute(&tweak, 0x2000 - 2, others) as u16;
                return 0x2000 + if moved >= 1 { moved + 2 } else { moved };
            }
            ([], 0xfc00..=0xfdff) => (u32::from(group & 0xff00), u32::from(group | 0xff) + 1),
            ([], _) => return group,
            _ => (1 << (4 * (digits(group) - 1)), 1 << (4 * digits(group))),
        };
        let moved = self.key.permute(&tweak, u64::from(high - low), u64::from(group) - u64::from(low));
        (u64::from(low) + moved) as u16
    }

    pub(super) fn mac(&mut self, address: [u8; 6]) -> [u8; 6] {
        let [a, ..] = address;
        let well_known =
            matches!(address, [0x01, 0x00, 0x5e, ..] | [0x33, 0x33, ..] | [0x01, 0x80, 0xc2, ..]);
        if address == [0; 6] || address == [0xff; 6] || well_known || self.learning {
            return address;
        }
        if let Some(known) = self.macs.get(&address) {
            return *known;
        }
        let number = address.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        // Two bits of the first octet say whether it is a group's and who gave it out.
        let (high, low) = (number >> 42, number & ((1 << 40) - 1));
        let moved = self.key.permute(b"mac", 1 << 46, high << 40 | low);
        let moved = (moved >> 40) << 42 | u64::from(a & 3) << 40 | moved & ((1 << 40) - 1);
        let [_, _, out @ ..] = moved.to_be_bytes();
        self.make_room();
        self.macs.insert(address, out);
        out
    }

    /// An address in binary, of 4 or 16 bytes; of other lengths nothing is left.
    pub(super) fn binary_address(&mut self, bytes: &mut [u8]) {
        if let Some(a) = bytes.first_chunk_mut::<16>().filter(|_| true) {
            *a = self.v6(*a);
        } else if let Some(a) = bytes.first_chunk_mut::<4>() {
            *a = self.v4(*a);
        } else {
            bytes.fill(0);
        }
    }

    pub(super) fn binary_mac(&mut self, bytes: Option<&mut [u8]>) {
        if let Some(a) = bytes.and_then(|b| b.first_chunk_mut::<6>()) {
            *a = self.mac(*a);
        }
    }
}
