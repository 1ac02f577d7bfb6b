//! DSCP marks of SIP: how many messages went from one machine to another with each value.
//!
//! Machines are told apart, not ports: a policy marks what a machine sends. Only where both are one machine its ports
//! count. Beyond so many pairs messages are told by transport and value alone, so that memory stays small.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::Analysis;
use super::model::*;
use crate::capture::FrameRef;
use crate::decode::DecodedSip;

/// Pairs of machines told apart, with a value each.
const MOST_PAIRS: usize = 16_384;

/// A value that messages had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SipMark {
    /// From whom and to whom, with the ports of the first message. None: between all machines beyond those told apart.
    pub between: Option<Flow>,
    pub transport: Transport,
    pub dscp: u8,
    /// Frames captured twice are counted once.
    pub messages: u64,
    /// The first message with it.
    pub frame: FrameRef,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    flow: PackedFlow,
    frame: FrameRef,
    messages: u32,
    dscp: u8,
}

/// What marks are told apart by.
type Key = ([[u8; 16]; 2], [u16; 2], Transport, u8);

impl Tally {
    fn key(&self) -> Key {
        let (addresses, ports, transport) = self.flow.parts();
        let ports = if addresses[0] == addresses[1] { ports } else { [0, 0] };
        (addresses, ports, transport, self.dscp)
    }
}

/// Marks while captures are read.
#[derive(Debug, Default)]
pub(super) struct SipMarks {
    list: Vec<Tally>,
    /// Places in `list`.
    table: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    /// Where the last message was counted.
    last: usize,
    rest: Vec<SipMark>,
}

impl SipMarks {
    fn note(&mut self, new: Tally, most: usize) {
        let key = new.key();
        if let Some(last) = self.list.get_mut(self.last).filter(|t| t.key() == key) {
            last.messages = last.messages.saturating_add(1);
            return;
        }
        let hash = self.hasher.hash_one(key);
        let Self { list, table, hasher, rest, .. } = self;
        let of = |at: &u32| list.get(*at as usize).map(Tally::key);
        if let Some(at) = table.find(hash, |at| of(at) == Some(key)).map(|at| *at as usize) {
            self.last = at;
            if let Some(known) = self.list.get_mut(at) {
                known.messages = known.messages.saturating_add(1);
            }
        } else if list.len() < most {
            self.last = list.len();
            table.insert_unique(hash, list.len() as u32, |at| of(at).map_or(0, |k| hasher.hash_one(k)));
            self.list.push(new);
        } else {
            let transport = key.2;
            match rest.iter_mut().find(|m| (m.transport, m.dscp) == (transport, new.dscp)) {
                Some(known) => known.messages += 1,
                None => {
                    let (dscp, frame) = (new.dscp, new.frame);
                    rest.push(SipMark { between: None, transport, dscp, messages: 1, frame });
                }
            }
        }
    }

    fn marks(&self) -> Vec<SipMark> {
        let told = self.list.iter().map(|t| {
            let flow = t.flow.unpack();
            SipMark {
                between: Some(flow),
                transport: flow.transport,
                dscp: t.dscp,
                messages: u64::from(t.messages),
                frame: t.frame,
            }
        });
        told.chain(self.rest.iter().copied()).collect()
    }
}

impl Analysis {
    /// Counts the mark of a message of SIP, of the packet that completed it.
    pub fn note_sip_mark(&mut self, m: &DecodedSip<'_>) {
        if let (Some(dscp), false) = (m.dscp, m.duplicate) {
            let flow = PackedFlow::pack(&Flow { src: m.src, dst: m.dst, transport: m.transport });
            self.sip_marks.note(Tally { flow, frame: m.frame, messages: 1, dscp }, MOST_PAIRS);
        }
    }

    /// The DSCP values of SIP between machines, in order of their first message; what was inside of a relay is not among
    /// them.
    pub fn sip_marks(&self) -> Vec<SipMark> {
        self.sip_marks.marks()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(src: &str, dst: &str, transport: Transport, dscp: u8) -> Tally {
        let flow = Flow { src: src.parse().unwrap(), dst: dst.parse().unwrap(), transport };
        Tally { flow: PackedFlow::pack(&flow), frame: FrameRef::default(), messages: 1, dscp }
    }

    fn told(marks: &SipMarks) -> Vec<String> {
        let between = |m: &SipMark| m.between.map_or("rest".to_owned(), |f| format!("{}>{}", f.src, f.dst));
        let all = marks.marks();
        all.iter()
            .map(|m| format!("{} {} {} {}", between(m), m.transport.name(), m.dscp, m.messages))
            .collect()
    }

    #[test]
    fn by_machine_value_and_transport() {
        let mut marks = SipMarks::default();
        for (src, dst, transport, dscp) in [
            ("10.0.0.1:5060", "10.0.0.2:5060", Transport::Udp, 24),
            ("10.0.0.1:40001", "10.0.0.2:5060", Transport::Udp, 24),
            ("10.0.0.2:5060", "10.0.0.1:5060", Transport::Udp, 0),
            ("10.0.0.1:40002", "10.0.0.2:5060", Transport::Tcp, 24),
            ("10.0.0.1:5060", "10.0.0.2:5060", Transport::Udp, 40),
            ("10.0.0.1:5060", "10.0.0.2:5060", Transport::Udp, 24),
            ("127.0.0.1:1", "127.0.0.1:2", Transport::Udp, 24),
            ("127.0.0.1:2", "127.0.0.1:1", Transport::Udp, 24),
            ("[2001:db8::1]:5060", "[2001:db8::2]:5060", Transport::Udp, 24),
        ] {
            marks.note(tally(src, dst, transport, dscp), MOST_PAIRS);
        }
        assert_eq!(
            told(&marks),
            [
                "10.0.0.1:5060>10.0.0.2:5060 udp 24 3",
                "10.0.0.2:5060>10.0.0.1:5060 udp 0 1",
                "10.0.0.1:40002>10.0.0.2:5060 tcp 24 1",
                "10.0.0.1:5060>10.0.0.2:5060 udp 40 1",
                "127.0.0.1:1>127.0.0.1:2 udp 24 1",
                "127.0.0.1:2>127.0.0.1:1 udp 24 1",
                "[2001:db8::1]:5060>[2001:db8::2]:5060 udp 24 1",
            ]
        );
    }

    #[test]
    fn very_many_machines_are_told_together() {
        let mut marks = SipMarks::default();
        for n in 0..1_000u32 {
            let src = format!("10.1.{}.{}:5060", n / 250, n % 250);
            for _ in 0..2 {
                marks.note(tally(&src, "10.0.0.2:5060", Transport::Udp, (n % 2) as u8 * 24), 100);
            }
        }
        let all = marks.marks();
        assert_eq!(all.len(), 102);
        assert_eq!(all.iter().map(|m| m.messages).sum::<u64>(), 2_000);
        assert_eq!(told(&marks)[100..], ["rest udp 0 900", "rest udp 24 900"]);
    }
}
