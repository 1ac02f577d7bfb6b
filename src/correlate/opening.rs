//! TCP connections to the ports of SIP servers and relays: whether they opened at all. One that does not carries no message,
//! and so is nowhere else.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::Analysis;
use crate::capture::{FrameRef, Nanos};
use crate::decode::{Breakage, BreakageKind, TcpSign, TcpSignKind};

/// Registered for SIP (RFC 3261 §18.1.1) and for STUN and TURN (RFC 8656 §4), each in clear and over TLS.
pub const SIP_PORTS: [u16; 2] = [5060, 5061];
pub const RELAY_PORTS: [u16; 2] = [3478, 5349];
/// Relays answer there too, as [MS-TURN]'s do: looked at where the machine was asked for one.
const HTTPS: u16 = 443;
/// Attempts of one client at one server that wait at once.
const WAITING: usize = 32;
/// SYNs behind the first that are told of.
const LATER: usize = 7;
/// Allocations among which the machine of a relay is looked for.
const RECENT: usize = 64;

/// What came of the attempts of one machine at one server.
#[derive(Debug, Clone)]
pub struct Opening {
    pub client: IpAddr,
    pub server: SocketAddr,
    /// The first SYN.
    pub frame: FrameRef,
    pub time: Nanos,
    /// The last one, repetitions counted.
    pub last: Nanos,
    /// All of them, and those behind the first that are told of.
    pub syns: u32,
    pub later: Vec<(FrameRef, Nanos)>,
    /// Attempts: a SYN that is repeated is one.
    pub tries: u32,
    pub opened: u32,
    /// RST in the place of SYN, ACK; the first.
    pub refused: u32,
    pub refusal: Option<(FrameRef, Nanos)>,
    /// ICMP errors about a SYN; the first.
    pub prohibited: u32,
    pub error: Option<(BreakageKind, IpAddr, FrameRef, Nanos)>,
    /// The client's port, and SYNs that were sent from it, of attempts that nothing was said to.
    waiting: Vec<(u16, u32)>,
}

impl Opening {
    /// Attempts that nothing was said to although the SYN was repeated.
    pub fn unanswered(&self) -> u32 {
        self.waiting.iter().filter(|(_, sent)| *sent > 1).count() as u32
    }

    /// Takes an attempt from those that wait.
    fn settle(&mut self, port: u16) -> bool {
        let at = self.waiting.iter().position(|(p, _)| *p == port);
        at.map(|at| self.waiting.swap_remove(at)).is_some()
    }
}

/// Attempts by client and server, in order of the first.
#[derive(Debug, Clone, Default)]
pub struct Openings {
    pub list: Vec<Opening>,
    by_ends: HashMap<(IpAddr, SocketAddr), u32, foldhash::fast::RandomState>,
}

impl Openings {
    fn of(&mut self, client: SocketAddr, server: SocketAddr) -> Option<&mut Opening> {
        let at = *self.by_ends.get(&(client.ip(), server))?;
        self.list.get_mut(at as usize)
    }
}

impl Analysis {
    /// Takes a SYN to such a port, its answer or a reset.
    pub(super) fn note_opening(&mut self, sign: &TcpSign) {
        let TcpSign { src, dst, frame, time, .. } = *sign;
        match sign.kind {
            TcpSignKind::Syn => {
                if !self.is_signalling(dst) || !self.new_opening(src, dst, frame, time) {
                    return;
                }
                let Some(o) = self.openings.of(src, dst) else { return };
                o.last = o.last.max(time);
                if o.syns > 0 && o.later.len() < LATER {
                    o.later.push((frame, time));
                }
                o.syns = o.syns.saturating_add(1);
                match o.waiting.iter_mut().find(|(port, _)| *port == src.port()) {
                    Some((_, sent)) => *sent = sent.saturating_add(1),
                    None => {
                        o.tries = o.tries.saturating_add(1);
                        if o.waiting.len() < WAITING {
                            o.waiting.push((src.port(), 1));
                        }
                    }
                }
            }
            TcpSignKind::SynAck => {
                let Some(o) = self.openings.of(dst, src) else { return };
                if o.settle(dst.port()) {
                    o.opened = o.opened.saturating_add(1);
                }
            }
            TcpSignKind::Reset => {
                let Some(o) = self.openings.of(dst, src) else { return };
                if o.settle(dst.port()) {
                    o.refused = o.refused.saturating_add(1);
                    o.refusal.get_or_insert((frame, time));
                }
            }
        }
    }

    /// Takes an ICMP error about a SYN.
    pub(super) fn note_opening_error(&mut self, b: &Breakage) {
        if !matches!(b.kind, BreakageKind::Icmp { .. }) {
            return;
        }
        let Some(o) = self.openings.of(b.src, b.dst) else { return };
        if o.settle(b.src.port()) {
            o.prohibited = o.prohibited.saturating_add(1);
            o.error.get_or_insert((b.kind, b.by, b.frame, b.time));
        }
    }

    fn is_signalling(&self, server: SocketAddr) -> bool {
        let port = server.port();
        let asked = || self.stun.allocations.iter().rev().take(RECENT).any(|a| a.server.ip() == server.ip());
        SIP_PORTS.contains(&port) || RELAY_PORTS.contains(&port) || port == HTTPS && asked()
    }

    /// `false`: there are too many.
    fn new_opening(&mut self, client: SocketAddr, server: SocketAddr, frame: FrameRef, time: Nanos) -> bool {
        let key = (client.ip(), server);
        if self.openings.by_ends.contains_key(&key) {
            return true;
        }
        let at = self.openings.list.len();
        if at >= self.limits.transport_errors {
            return false;
        }
        let Ok(place) = u32::try_from(at) else { return false };
        self.openings.by_ends.insert(key, place);
        self.openings.list.push(Opening {
            client: client.ip(),
            server,
            frame,
            time,
            last: time,
            syns: 0,
            later: Vec::new(),
            tries: 0,
            opened: 0,
            refused: 0,
            refusal: None,
            prohibited: 0,
            error: None,
            waiting: Vec::new(),
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::{CaptureId, FrameRef};
    use crate::correlate::Analysis;
    use crate::decode::{TcpSign, TcpSignKind};

    fn sign(a: &mut Analysis, path: &str, kind: TcpSignKind) {
        let (src, dst) = path.split_once('>').unwrap();
        let frame = FrameRef { capture: CaptureId(0), frame: 1 };
        a.note_opening(&TcpSign {
            src: src.parse().unwrap(),
            dst: dst.parse().unwrap(),
            kind,
            seq: 1,
            frame,
            time: 7,
        });
    }

    #[test]
    fn attempts_are_counted_by_what_came_of_them() {
        let mut a = Analysis::default();
        let (there, back) = ("10.0.0.1:4000>10.0.0.9:5061", "10.0.0.9:5061>10.0.0.1:4000");
        for (path, kind) in [
            (there, TcpSignKind::Syn),
            (there, TcpSignKind::Syn),
            (back, TcpSignKind::SynAck),
            // A reset of a connection that was open is its end.
            (back, TcpSignKind::Reset),
            ("10.0.0.1:4001>10.0.0.9:5061", TcpSignKind::Syn),
            ("10.0.0.9:5061>10.0.0.1:4001", TcpSignKind::Reset),
            ("10.0.0.1:4002>10.0.0.9:5061", TcpSignKind::Syn),
            ("10.0.0.1:4003>10.0.0.9:5061", TcpSignKind::Syn),
            ("10.0.0.1:4003>10.0.0.9:5061", TcpSignKind::Syn),
            // The web is of no interest.
            ("10.0.0.1:4004>10.0.0.9:443", TcpSignKind::Syn),
        ] {
            sign(&mut a, path, kind);
        }
        assert_eq!(a.openings.list.len(), 1);
        let o = &a.openings.list[0];
        assert_eq!(
            (o.tries, o.opened, o.refused, o.unanswered(), o.syns, o.later.len()),
            (4, 1, 1, 1, 6, 5),
            "one SYN alone may be a scan, or the end"
        );
    }
}
