//! What agents send each other to find a path: candidate lists and connectivity checks, in three dialects.

use std::net::SocketAddr;

use super::communicator::{CODECS, head};
use crate::scene::Scene;
use crate::stun::{Relay, Rule, Stun, any_id, id};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    Rfc,
    MsIce2,
    /// Draft-06: the names are those of candidates, in base64 (re-padded when decoded).
    MsIce,
}

/// One side of a session.
#[derive(Clone)]
pub struct Agent {
    pub ufrag: &'static str,
    pub password: &'static str,
    pub checks: Checks,
    pub controlling: bool,
    /// RTP and RTCP.
    pub host: Vec<SocketAddr>,
    /// As a NAT shows them.
    pub mapped: Vec<SocketAddr>,
    pub relayed: Vec<SocketAddr>,
    /// A relayed TCP address, one for both components.
    pub relayed_tcp: Option<SocketAddr>,
}

fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for c in text.bytes() {
        let value = alphabet.iter().position(|a| *a == c).expect("base64");
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

impl Agent {
    fn key(&self) -> Vec<u8> {
        if self.checks == Checks::MsIce { base64(self.password) } else { self.password.as_bytes().to_vec() }
    }

    fn rule(&self) -> Rule {
        match self.checks {
            Checks::Rfc => Rule::Rfc,
            Checks::MsIce2 => Rule::MsIce2,
            Checks::MsIce => Rule::Padded,
        }
    }

    /// A request to `other`, and its transaction id.
    pub fn check(&self, s: &mut Scene, other: &Agent, nominate: bool) -> ([u8; 16], Vec<u8>) {
        self.check_of(s, other, nominate, 1)
    }

    pub fn check_of(
        &self,
        s: &mut Scene,
        other: &Agent,
        nominate: bool,
        component: u8,
    ) -> ([u8; 16], Vec<u8>) {
        if self.checks == Checks::MsIce {
            let id = any_id(&mut s.random);
            let digit = [b':', b'0' + component];
            let mut name = [&base64(other.ufrag)[..], &digit, b":", &base64(self.ufrag), &digit].concat();
            name.push(0);
            name.resize(name.len().next_multiple_of(4), 0);
            let m = Stun::new(0x0001, id).attribute(0x0006, &name);
            return (id, m.integrity(&other.key(), Rule::Padded).done());
        }
        let id = id(&mut s.random);
        let mut name = format!("{}:{}", other.ufrag, self.ufrag).into_bytes();
        if self.checks == Checks::MsIce2 {
            name.resize(name.len().next_multiple_of(4), 0);
        }
        let priority = 1_862_270_976 - u32::from(component);
        let tie = if self.controlling { 0x0102_0304_0506_0708u64 } else { 0x1112_1314_1516_1718 };
        let mut m = Stun::new(0x0001, id)
            .attribute(0x0006, &name)
            .attribute(0x0024, &priority.to_be_bytes())
            .attribute(if self.controlling { 0x802a } else { 0x8029 }, &tie.to_be_bytes());
        if nominate {
            m = m.attribute(0x0025, b"");
        }
        if self.checks == Checks::MsIce2 {
            m = m.attribute(0x8054, b"1\0\0\0").attribute(0x8070, &2u32.to_be_bytes());
        }
        (id, m.integrity(&other.key(), self.rule()).fingerprint())
    }

    /// The answer to a check that came from `seen`.
    pub fn answer(&self, id: [u8; 16], seen: SocketAddr) -> Vec<u8> {
        let m = Stun::new(0x0101, id);
        match self.checks {
            Checks::MsIce => m.address(0x0001, seen).integrity(&self.key(), Rule::Padded).done(),
            Checks::MsIce2 => {
                let m = m.xor(0x0020, seen).attribute(0x8070, &2u32.to_be_bytes());
                m.integrity(&self.key(), Rule::MsIce2).fingerprint()
            }
            Checks::Rfc => m.xor(0x0020, seen).integrity(&self.key(), Rule::Rfc).fingerprint(),
        }
    }

    /// 487: both believe to be in control.
    pub fn conflict(&self, id: [u8; 16]) -> Vec<u8> {
        let m = Stun::new(0x0111, id).error(487, "Role Conflict");
        m.integrity(&self.key(), self.rule()).fingerprint()
    }

    /// A check between two machines of which both are captured; `times` it is sent where nothing answers.
    pub fn direct(
        &self,
        s: &mut Scene,
        other: &Agent,
        ends: (SocketAddr, SocketAddr),
        answered: bool,
        times: u32,
    ) {
        let (id, request) = self.check(s, other, false);
        let mut pause = 100;
        for _ in 0..times {
            s.udp(ends.0, ends.1, 0, &request);
            s.wait(pause);
            pause *= 2;
        }
        if answered {
            s.udp(ends.1, ends.0, 0, &other.answer(id, ends.0));
            s.wait(3);
        }
    }

    /// A check out of the relay of this agent, and the other's triggered one; both answered where `answered`.
    pub fn through(
        &self,
        s: &mut Scene,
        relay: &mut Relay,
        other: &Agent,
        peer: SocketAddr,
        component: u8,
        answered: bool,
    ) {
        let (id, request) = self.check_of(s, other, false, component);
        for _ in 0..if answered { 1 } else { 3 } {
            relay.send(s, peer, &request);
            s.wait(if answered { 60 } else { 250 });
        }
        if !answered {
            return;
        }
        relay.data(s, peer, &other.answer(id, relay.relayed));
        s.wait(4);
        let (id, request) = other.check_of(s, self, false, component);
        relay.data(s, peer, &request);
        s.wait(2);
        relay.send(s, peer, &self.answer(id, peer));
        s.wait(6);
    }

    /// The candidate list of draft-19 clients, as R2 writes it.
    pub fn v19(&self) -> String {
        let default = self.mapped.first().or(self.host.first()).expect("a host");
        let mut t = head(&default.ip().to_string(), default.port());
        if let Some(rtcp) = self.mapped.get(1).or(self.host.get(1)) {
            t += &format!("a=rtcp:{}\r\n", rtcp.port());
        }
        t += &format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", self.ufrag, self.password);
        let mut line = |foundation, i: usize, transport, priority: u32, at: SocketAddr, rest: String| {
            t += &format!(
                "a=candidate:{foundation} {} {transport} {priority} {} {} typ {rest}\r\n",
                i + 1,
                at.ip(),
                at.port()
            );
        };
        for (i, at) in self.host.iter().enumerate() {
            let (n, base) = (i as u32, *at);
            line(1, i, "UDP", 2_130_706_431 - n * 513, base, "host".to_owned());
            if let Some(at) = self.relayed_tcp {
                let rest = format!("relay raddr {} rport {}", at.ip(), at.port());
                line(2, i, "TCP-PASS", 6_556_159 - n, at, rest.clone());
                line(4, i, "TCP-ACT", 7_076_863 - n * 513, at, rest);
            }
            if let Some(at) = self.relayed.get(i).copied() {
                let rest = format!("relay raddr {} rport {}", at.ip(), at.port());
                line(3, i, "UDP", 16_648_703 - n, at, rest);
            }
            if let Some(at) = self.mapped.get(i).copied() {
                let rest = format!("srflx raddr {} rport {}", base.ip(), base.port());
                line(6, i, "UDP", 1_694_234_623 - n * 513, at, rest);
            }
        }
        t + CODECS
    }

    /// The final offer or answer: one candidate a component, and the peer's.
    pub fn chosen(&self, own: &[SocketAddr], peer: &[SocketAddr]) -> String {
        let mut t = head(&own[0].ip().to_string(), own[0].port());
        t += &format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", self.ufrag, self.password);
        let mut named = Vec::new();
        for (n, (at, to)) in own.iter().zip(peer).enumerate() {
            let (ip, port) = (at.ip(), at.port());
            let priority = 16_648_703 - n;
            t += &format!(
                "a=candidate:3 {} UDP {priority} {ip} {port} typ relay raddr {ip} rport {port}\r\n",
                n + 1
            );
            named.push(format!("{} {} {}", n + 1, to.ip(), to.port()));
        }
        t + &format!("a=remote-candidates:{}\r\n", named.join(" ")) + CODECS
    }
}

/// The candidates of draft-06: user, password, transport, preference, and the address of each component.
pub fn v06(default: SocketAddr, list: &[(&str, &str, &str, &str, SocketAddr, u16)]) -> String {
    let mut t = head(&default.ip().to_string(), default.port());
    for (user, password, transport, preference, rtp, rtcp) in list {
        for (component, port) in [(1, rtp.port()), (2, *rtcp)] {
            t += &format!(
                "a=candidate:{user} {component} {password} {transport} {preference} {} {port} \r\n",
                rtp.ip()
            );
        }
    }
    t + CODECS
}
