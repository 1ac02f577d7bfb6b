//! Fax (T.38 over UDPTL): redundancy, parities, losses that they make good and such that they do not.

use std::net::SocketAddr;

use super::media::{body, establish, in_order, port, talk, two_way};
use super::{START, alice, at, bob};
use crate::call::{Call, Extra};
use crate::media::{G723, Session};
use crate::scene::{Random, Scene};

const FILE: &str = "media_fax.pcap";

/// How a machine makes losses good (T.38 §9.1.4).
#[derive(Clone, Copy)]
enum Recovery {
    /// So many packets before are sent again.
    Repeat(usize),
    /// `entries` parities, each over `span` packets.
    Parity { span: usize, entries: usize },
}

/// A fax machine that sends.
struct Machine {
    by: (SocketAddr, SocketAddr),
    dscp: u8,
    first: u16,
    recovery: Recovery,
    /// Primary IFP packets so far.
    sent: Vec<Vec<u8>>,
    /// By their place: those that the network loses.
    lost: Vec<usize>,
    /// In the capture, by their place.
    seen: Vec<usize>,
}

impl Machine {
    fn new(by: (SocketAddr, SocketAddr), recovery: Recovery, lost: &[usize]) -> Self {
        Self { by, dscp: 46, first: 0, recovery, sent: Vec::new(), lost: lost.to_vec(), seen: Vec::new() }
    }

    fn send(&mut self, s: &mut Scene, ifp: Vec<u8>) {
        let place = self.sent.len();
        let mut p = self.first.wrapping_add(place as u16).to_be_bytes().to_vec();
        let open = |p: &mut Vec<u8>, content: &[u8]| {
            p.push(content.len() as u8);
            p.extend_from_slice(content);
        };
        open(&mut p, &ifp);
        match self.recovery {
            Recovery::Repeat(most) => {
                let before: Vec<&Vec<u8>> = self.sent.iter().rev().take(most).collect();
                p.extend([0, before.len() as u8]);
                before.into_iter().for_each(|b| open(&mut p, b));
            }
            Recovery::Parity { span, entries } => {
                p.extend([0x80, 1, span as u8, entries as u8]);
                for m in 0..entries {
                    let mut parity: Vec<u8> = Vec::new();
                    for n in 1..=span {
                        let Some(of) = (place + m).checked_sub(n * entries).and_then(|i| self.sent.get(i))
                        else {
                            continue;
                        };
                        parity.resize(parity.len().max(of.len()), 0);
                        parity.iter_mut().zip(of).for_each(|(a, b)| *a ^= b);
                    }
                    open(&mut p, &parity);
                }
            }
        }
        self.sent.push(ifp);
        if !self.lost.contains(&place) {
            s.udp(self.by.0, self.by.1, self.dscp, &p);
            self.seen.push(place);
        }
    }

    /// A row of the manifest: `recovered` is said by who knows what the losses leave.
    fn tell(&self, call: &str, recovered: usize) {
        let expected = self.seen.last().map_or(0, |l| l + 1) - self.seen.first().copied().unwrap_or(0);
        let (packets, (src, dst)) = (self.seen.len(), self.by);
        println!(
            "{FILE}: {src} > {dst} - - t38, fax of {call}: {packets} of {expected}, {} lost, {recovered} recovered; DSCP {} x {packets}; 0 reports",
            expected - packets,
            self.dscp
        );
    }
}

/// `t30-data` of V.17 at 14400: 0xC0 and up are data, then a field of the page.
fn page(random: &mut Random) -> Vec<u8> {
    let mut ifp = vec![0xd0, 0x01, 0x50, 0x00, 0x1f];
    ifp.extend((0..32).map(|_| random.next() as u8));
    ifp
}

fn told(owner: &str, at: SocketAddr, recovery: &str) -> String {
    format!(
        "v=0\r\no={owner} 17 2 IN IP4 {ip}\r\ns=session\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=image {port} udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:{recovery}\r\n",
        ip = at.ip(),
        port = at.port()
    )
}

fn ends(n: u16) -> (SocketAddr, SocketAddr) {
    (port(&alice(), 25_600 + 2 * n), port(&bob(), 35_600 + 2 * n))
}

fn both(s: &mut Scene, m: &mut Session, count: usize) {
    talk(s, m, count);
    m.play(s, &mut []);
}

/// 1: audio that gives way to a fax, with three packets repeated; what comes back repeats none.
fn with_redundancy(s: &mut Scene) {
    let rtp = ends(0);
    let mut c = establish(s, (&alice(), &bob()), rtp, "4 101");
    let mut m = two_way(s, G723, rtp.0, rtp.1, 46);
    m.parties.clear();
    both(s, &mut m, 40);
    c.request_back(s, "INVITE", &body(told("bob", rtp.1, "t38UDPRedundancy")));
    c.respond(s, 200, "OK", &body(told("alice", rtp.0, "t38UDPRedundancy")));
    c.request(s, "ACK", false, &Extra::default());
    // One, two, and six in a row, of which three are repeated.
    let lost = [20, 40, 41, 60, 61, 62, 63, 64, 65];
    let mut up = Machine::new((rtp.0, rtp.1), Recovery::Repeat(3), &lost);
    let mut down = Machine::new((rtp.1, rtp.0), Recovery::Repeat(0), &[10, 30]);
    for n in 0..200 {
        let ifp = if n < 10 { vec![0x1c] } else { page(&mut s.random) };
        up.send(s, ifp);
        s.wait(5);
        if n % 3 == 0 {
            down.send(s, vec![if n < 100 { 0x06 } else { 0x00 }]);
        }
        s.wait(25);
    }
    m.tell(FILE, "audio of call 1", &[]);
    up.tell("call 1", 6);
    down.tell("call 1", 0);
    c.bye_back(s);
    s.wait(1_000);
}

/// 2: a fax from the beginning, with parities. Its packets come before the answer does; the numbers of the caller pass
/// 0x8000, where they begin like RTP.
fn with_parities(s: &mut Scene) {
    let rtp = ends(1);
    let mut c = Call::new(s, &alice(), &bob(), None);
    let parity = Recovery::Parity { span: 3, entries: 3 };
    // One, three, and four in a row: of these the two outer ones are of one parity, and only the last is of another too
    // whose packet comes.
    let mut up = Machine::new((rtp.0, rtp.1), parity, &[10, 20, 21, 22, 40, 41, 42, 43]);
    (up.dscp, up.first) = (0, 32_700);
    let mut down = Machine::new((rtp.1, rtp.0), parity, &[]);
    c.request(s, "INVITE", true, &body(told("alice", rtp.0, "t38UDPFEC")));
    s.wait(50);
    for _ in 0..10 {
        down.send(s, vec![0x04]);
        s.wait(30);
    }
    c.respond(s, 200, "OK", &body(told("bob", rtp.1, "t38UDPFEC")));
    c.request(s, "ACK", false, &Extra::default());
    for n in 0..120 {
        let ifp = page(&mut s.random);
        up.send(s, ifp);
        s.wait(10);
        if n % 2 == 0 {
            down.send(s, vec![0x06]);
        }
        s.wait(20);
    }
    up.tell("call 2", 7);
    down.tell("call 2", 0);
    c.bye(s);
    s.wait(1_000);
}

/// What looks like UDPTL where no SDP speaks of it: none.
fn of_nobody(s: &mut Scene) {
    let by = (at("10.10.0.81:4321"), at("10.10.0.82:4321"));
    let mut m = Machine::new(by, Recovery::Repeat(1), &[]);
    for _ in 0..30 {
        m.send(s, vec![0x06]);
        s.wait(30);
    }
}

pub fn fax() -> Scene {
    let mut s = Scene::new(78, START);
    with_redundancy(&mut s);
    with_parities(&mut s);
    of_nobody(&mut s);
    in_order(s)
}
