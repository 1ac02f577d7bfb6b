//! What each kind of block says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::options::{COMMENT, Options, text};
use super::*;
use crate::capture::{CaptureNote, FrameHead, Interface};

const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;
const NRB_END: u16 = 0;
const NRB_IPV4: u16 = 1;
const NRB_IPV6: u16 = 2;
/// `TLSK`: lines in the NSS key log format.
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// A packet block's fixed fields.
struct Packet {
    interface: u32,
    time: Option<u64>,
    cap: u32,
    orig: u32,
    /// Length of the fixed fields.
    fixed: usize,
}

impl PcapNgWalker {
    pub(super) fn block(&mut self, w: Window<'_>, block: Block<'_>, found: &mut Found<'_>) {
        let body = Window { bytes: block.body, base: w.offset(block.body_at), last: true };
        match block.kind {
            ENHANCED_PACKET | PACKET | SIMPLE_PACKET => self.packet(w, block, body, found),
            SECTION_HEADER => self.section_header(w, block, found),
            INTERFACE => self.interface(w.offset(block.at), body, found),
            CUSTOM | CUSTOM_NOT_COPIED => self.foreign(block, 4, found),
            JOURNAL => self.foreign(block, 0, found),
            kind if SYSTEM_EVENTS.contains(&kind) => self.foreign(block, 0, found),
            _ if self.again => {}
            NAME_RESOLUTION => self.names(body, found),
            STATISTICS => self.statistics(body, found),
            SECRETS => self.secrets(body, found),
            kind => self.skipped.count(kind, w.offset(block.at)),
        }
    }

    fn section_header(&mut self, w: Window<'_>, block: Block<'_>, found: &mut Found<'_>) {
        let Some(big) = self.byte_order(w, block.at, SECTION_HEADER) else { return };
        let SectionMark { time, foreign, .. } = self.mark;
        self.mark = SectionMark { big, base: self.next_interface(), known: 0, foreign, time };
        if self.again {
            return;
        }
        let body = Window { bytes: block.body, base: 0, last: true };
        if let Some(major) = body.u16(4, big).filter(|&major| major != 1) {
            let text = format!("a section of version {major}, read as if it were version 1");
            found.issue("unknown-version", w.offset(block.at), text);
        }
        comments(body.bytes.get(16..), big, None, found);
    }

    fn interface(&mut self, offset: u64, body: Window<'_>, found: &mut Found<'_>) {
        let big = self.mark.big;
        let (Some(link), Some(snaplen)) = (body.u16(0, big), body.u32(4, big)) else {
            if !self.again {
                found.issue("bad-block", offset, "an interface block is too short".to_owned());
            }
            return;
        };
        let index = self.next_interface();
        if self.again {
            self.mark.known += u32::from((index as usize) < self.interfaces.len());
            return;
        }
        if index >= self.most_interfaces {
            if !self.over_interfaces {
                self.over_interfaces = true;
                let text = format!(
                    "more than {} interfaces; packets of the others are passed over",
                    self.most_interfaces
                );
                found.issue("limit-interfaces", offset, text);
            }
            return;
        }
        let mut interface =
            NgInterface { link: LinkType(link), snaplen, unit: TimeUnit::Nanos(1_000), offset: 0 };
        let (mut name, mut description) = (None, None);
        for (code, value) in Options::new(body.bytes.get(8..), big) {
            match code {
                IF_NAME => name = Some(text(value)),
                IF_DESCRIPTION => description = Some(text(value)),
                IF_TSRESOL => {
                    if let Some(&tsresol) = value.first() {
                        interface.unit = TimeUnit::from_tsresol(tsresol);
                    }
                }
                IF_TSOFFSET => {
                    if let Some(seconds) = u64_of(value, big) {
                        interface.offset = seconds as i64;
                    }
                }
                COMMENT => found.notes.push(CaptureNote::Comment { frame: None, text: text(value) }),
                _ => {}
            }
        }
        Arc::make_mut(&mut self.interfaces).push(interface);
        self.mark.known += 1;
        let name = name.or(description).filter(|name| !name.is_empty());
        found.notes.push(CaptureNote::Interface(Interface { link: interface.link, name, snaplen }));
    }

    /// The global number of a section's interface.
    fn global(&self, local: u32) -> Option<u32> {
        let SectionMark { base, known, foreign, .. } = self.mark;
        let index = base.checked_add(local).filter(|_| local < known)?;
        // The made-up interface took a number in between.
        let shift = foreign.is_some_and(|f| f >= base && index >= f);
        index.checked_add(shift.into())
    }

    /// A record that is no packet but counts as a frame; `skip` bytes of its body tell whose it is.
    fn foreign(&mut self, block: Block<'_>, skip: usize, found: &mut Found<'_>) {
        let caplen = block.body.len().saturating_sub(skip) as u32;
        let next = self.next_interface();
        let interface = match self.mark.foreign {
            Some(interface) => interface,
            None if self.again || next < self.most_interfaces => {
                if !self.again {
                    let link = LinkType::UNKNOWN;
                    let unit = TimeUnit::Nanos(1_000);
                    Arc::make_mut(&mut self.interfaces).push(NgInterface {
                        link,
                        snaplen: 0,
                        unit,
                        offset: 0,
                    });
                    let name = Some("records that are no packets".to_owned());
                    found.notes.push(CaptureNote::Interface(Interface { link, name, snaplen: 0 }));
                }
                self.mark.foreign = Some(next);
                next
            }
            None => return,
        };
        if caplen <= self.frame_bytes {
            let start = (block.body_at + skip.min(block.body.len())) as u32;
            found.frames.push(FrameHead { start, caplen, origlen: caplen, interface, time: self.mark.time });
        }
    }

    fn packet(&mut self, w: Window<'_>, block: Block<'_>, body: Window<'_>, found: &mut Found<'_>) {
        let big = self.mark.big;
        let Some(packet) = self.fixed_fields(block.kind, body) else {
            if !self.again {
                found.issue("bad-block", w.offset(block.at), "a packet block is too short".to_owned());
            }
            return;
        };
        let interface = self.global(packet.interface);
        let Some((index, &interface)) = interface.and_then(|i| Some((i, self.interfaces.get(i as usize)?)))
        else {
            if !self.again {
                let text = format!(
                    "a packet of interface {}, which no block describes, is passed over",
                    packet.interface
                );
                found.issue("unknown-interface", w.offset(block.at), text);
            }
            return;
        };
        let there = body.bytes.len().saturating_sub(packet.fixed) as u32;
        let caplen = match block.kind {
            SIMPLE_PACKET => {
                let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
                packet.orig.min(snaplen).min(there)
            }
            _ => packet.cap,
        };
        if caplen > there && !self.again {
            let text = format!("a packet states {caplen} captured bytes, its block holds {there}");
            found.issue("bad-block", w.offset(block.at), text);
        }
        let caplen = caplen.min(there);
        if caplen > self.frame_bytes {
            if !self.again {
                let text = format!(
                    "a frame of {caplen} bytes is longer than the {} bytes allowed",
                    self.frame_bytes
                );
                found.issue("limit-frame-bytes", w.offset(block.at), text);
            }
            return;
        }
        let time = packet.time.map_or(self.mark.time, |units| interface.time(units));
        self.mark.time = time;
        if !self.again && block.kind != SIMPLE_PACKET {
            let options = packet.fixed + (caplen as usize).next_multiple_of(4);
            if options + 4 <= body.bytes.len() {
                comments(body.bytes.get(options..), big, Some(found.next_frame()), found);
            }
        }
        found.frames.push(FrameHead {
            start: (block.body_at + packet.fixed) as u32,
            caplen,
            origlen: packet.orig,
            interface: index,
            time,
        });
    }

    fn fixed_fields(&self, kind: u32, body: Window<'_>) -> Option<Packet> {
        let big = self.mark.big;
        let units = |at: usize| Some(u64::from(body.u32(at, big)?) << 32 | u64::from(body.u32(at + 4, big)?));
        Some(match kind {
            SIMPLE_PACKET => Packet { interface: 0, time: None, cap: 0, orig: body.u32(0, big)?, fixed: 4 },
            _ => Packet {
                interface: if kind == PACKET { body.u16(0, big)?.into() } else { body.u32(0, big)? },
                time: Some(units(4)?),
                cap: body.u32(12, big)?,
                orig: body.u32(16, big)?,
                fixed: 20,
            },
        })
    }

    /// Records of type 2, length 2 and an address with the names it has, each ended by a zero byte.
    fn names(&self, body: Window<'_>, found: &mut Found<'_>) {
        let big = self.mark.big;
        let mut at = 0;
        while let (Some(kind), Some(length)) = (body.u16(at, big), body.u16(at + 2, big)) {
            let Some(value) = body.bytes.get(at + 4..at + 4 + usize::from(length)) else { break };
            let (address, names) = match kind {
                NRB_END => break,
                NRB_IPV4 => match value.split_first_chunk::<4>() {
                    Some((a, names)) => (IpAddr::V4(Ipv4Addr::from(*a)), names),
                    None => break,
                },
                NRB_IPV6 => match value.split_first_chunk::<16>() {
                    Some((a, names)) => (IpAddr::V6(Ipv6Addr::from(*a)), names),
                    None => break,
                },
                _ => {
                    at += 4 + usize::from(length).next_multiple_of(4);
                    continue;
                }
            };
            for name in names.split(|&b| b == 0).filter(|name| !name.is_empty()) {
                found
                    .notes
                    .push(CaptureNote::Name { address, name: String::from_utf8_lossy(name).into_owned() });
            }
            at += 4 + usize::from(length).next_multiple_of(4);
        }
    }

    fn statistics(&self, body: Window<'_>, found: &mut Found<'_>) {
        let big = self.mark.big;
        let Some(interface) = body.u32(0, big).and_then(|local| self.global(local)) else { return };
        let (mut received, mut dropped) = (None, None::<u64>);
        for (code, value) in Options::new(body.bytes.get(12..), big) {
            match code {
                ISB_IFRECV => received = u64_of(value, big),
                // By the interface, and by the operating system: each packet counts in one of them.
                ISB_IFDROP | ISB_OSDROP => {
                    if let Some(n) = u64_of(value, big) {
                        dropped = Some(dropped.unwrap_or(0).saturating_add(n));
                    }
                }
                COMMENT => found.notes.push(CaptureNote::Comment { frame: None, text: text(value) }),
                _ => {}
            }
        }
        if received.is_some() || dropped.is_some() {
            found.notes.push(CaptureNote::InterfaceDrops { interface, received, dropped });
        }
    }

    fn secrets(&self, body: Window<'_>, found: &mut Found<'_>) {
        let big = self.mark.big;
        let (Some(kind), Some(length)) = (body.u32(0, big), body.u32(4, big)) else { return };
        let data = body.bytes.get(8..).unwrap_or_default();
        let data = data.get(..length as usize).unwrap_or(data);
        if kind == TLS_KEY_LOG {
            found.notes.push(CaptureNote::TlsSecrets(data.to_vec()));
        }
    }
}

fn comments(options: Option<&[u8]>, big: bool, frame: Option<u32>, found: &mut Found<'_>) {
    for (code, value) in Options::new(options, big) {
        if code == COMMENT {
            found.notes.push(CaptureNote::Comment { frame, text: text(value) });
        }
    }
}

fn u64_of(value: &[u8], big: bool) -> Option<u64> {
    let b = *value.first_chunk::<8>()?;
    Some(if big { u64::from_be_bytes(b) } else { u64::from_le_bytes(b) })
}
