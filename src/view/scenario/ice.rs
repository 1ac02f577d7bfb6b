//! Checks, allocations and media, for tests of what is shown of them. RFC 8489 and 8656 messages.

pub use super::stun::{ALLOCATE, ALLOCATED, BINDING, BOUND, REFUSED as ALLOCATE_ERROR};
use super::*;
use crate::correlate::Flow;
use crate::decode::{Breakage, BreakageKind, MediaKind, MediaTally};

/// Attributes.
pub const USERNAME: u16 = 0x0006;
pub const INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const LIFETIME: u16 = 0x000D;
const REALM: u16 = 0x0014;
const RELAYED: u16 = 0x0016;
const MAPPED: u16 = 0x0020;
const USE_CANDIDATE: u16 = 0x0025;
const CONTROLLED: u16 = 0x8029;
const CONTROLLING: u16 = 0x802A;

type Attribute = (u16, Vec<u8>);

pub fn error(code: u16) -> Attribute {
    (ERROR_CODE, stun::error(code, ""))
}

pub fn realm() -> Attribute {
    (REALM, b"example.com".to_vec())
}

pub fn integrity() -> Attribute {
    (INTEGRITY, vec![7; 20])
}

fn xor(kind: u16, address: &str) -> Attribute {
    (kind, stun::xor(address))
}

pub fn relayed(address: &str) -> Vec<Attribute> {
    vec![xor(RELAYED, address), (LIFETIME, 600u32.to_be_bytes().to_vec())]
}

pub fn mapped(address: &str) -> Attribute {
    xor(MAPPED, address)
}

impl Scenario {
    /// Adds a STUN message over UDP.
    pub fn stun(&mut self, ms: i64, path: &str, kind: u16, transaction: &str, attributes: &[Attribute]) {
        self.add_stun(ms, path, &stun::message_with_id(kind, transaction.as_bytes(), attributes));
    }

    /// A check of the party named `from` to the one named `to`; `controlling` nominates too.
    pub fn check(
        &mut self,
        ms: i64,
        path: &str,
        transaction: &str,
        [to, from]: [&str; 2],
        controlling: bool,
    ) {
        let mut attributes = vec![(USERNAME, format!("{to}:{from}").into_bytes())];
        if controlling {
            attributes.extend([(CONTROLLING, vec![1; 8]), (USE_CANDIDATE, Vec::new())]);
        } else {
            attributes.push((CONTROLLED, vec![2; 8]));
        }
        self.stun(ms, path, BINDING, transaction, &attributes);
    }

    /// An ICMP error about the STUN message added last: the host cannot be reached, says `by`. `quoted`: its transaction
    /// id is in the quote.
    pub fn unreachable(&mut self, ms: i64, by: &str, quoted: bool) {
        self.frames += 1;
        let record = *self.analysis.stun.records.last().unwrap();
        let Flow { src, dst, transport } = self.analysis.flow(record.flow);
        self.analysis.add_breakage(&Breakage {
            src,
            dst,
            transport,
            kind: BreakageKind::Icmp { v6: false, kind: 3, code: 1 },
            by: by.parse().unwrap(),
            frame: FrameRef { capture: CaptureId(0), frame: self.frames },
            time: START + ms * 1_000_000,
            branch: if quoted { record.transaction } else { 0 },
        });
    }

    /// `count` RTP packets.
    pub fn media(&mut self, ms: i64, path: &str, count: u64) {
        self.frames += 1;
        let frame = FrameRef { capture: CaptureId(0), frame: self.frames };
        let (src, dst) = path.split_once('>').unwrap();
        let time = START + ms * 1_000_000;
        let (src, dst) = (machine(src), machine(dst));
        let one = MediaTally::one(src, dst, Transport::Udp, 0, MediaKind::Rtp, 172, time, frame);
        self.analysis.add_media(&MediaTally { rtp: count, ..one });
    }

    /// An Allocate, challenged, and again with credentials: given `relay`, or refused with 401 once more.
    pub fn allocate(&mut self, ms: i64, client: &str, relay: Option<&str>) {
        let (there, back) = (format!("{client}>{TURN}"), format!("{TURN}>{client}"));
        let id = |n: u8| format!("{n}{client}");
        self.stun(ms, &there, ALLOCATE, &id(1), &[]);
        self.stun(ms + 10, &back, ALLOCATE_ERROR, &id(1), &[error(401), realm()]);
        let credentials = [(USERNAME, b"user".to_vec()), realm(), integrity()];
        self.stun(ms + 20, &there, ALLOCATE, &id(2), &credentials);
        match relay {
            Some(relay) => {
                let mut granted = relayed(relay);
                granted.push(mapped("198.51.100.1:40000"));
                self.stun(ms + 30, &back, ALLOCATED, &id(2), &granted);
            }
            None => self.stun(ms + 30, &back, ALLOCATE_ERROR, &id(2), &[error(401), realm()]),
        }
    }
}

pub const TURN: &str = "203.0.113.9:3478";

pub fn sdp(address: &str, ufrag: &str, candidates: &[&str]) -> String {
    let (ip, port) = address.split_once(':').unwrap();
    let mut out = format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:passwordpasswordpassword\r\n"
    );
    for c in candidates {
        out.push_str(&format!("a=candidate:{c}\r\n"));
    }
    out
}

/// Alice calls Bob, he answers after a second. Alice has a relay if `relay` says so, else her allocation is refused.
pub fn offer_and_answer(relay: bool) -> Scenario {
    let mut s = Scenario::default();
    s.allocate(0, "10.0.0.65:4000", relay.then_some("203.0.113.9:50000"));
    let mut offered = vec![
        "1 1 UDP 2130706431 10.0.0.65 4000 typ host",
        "2 1 UDP 1694498815 198.51.100.1 40000 typ srflx raddr 10.0.0.65 rport 4000",
    ];
    if relay {
        offered.push("3 1 UDP 16777215 203.0.113.9 50000 typ relay raddr 10.0.0.65 rport 4000");
    }
    let invite = request("INVITE", 1).via(&["A b1"]);
    s.add(100, "A>B", &invite.body("application/sdp", &sdp("10.0.0.65:4000", "alic", &offered)));
    let answered = [
        "1 1 UDP 2130706431 192.168.7.66 5000 typ host",
        "3 1 UDP 16777215 203.0.113.9 50001 typ relay raddr 192.168.7.66 rport 5000",
    ];
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b");
    s.add(1100, "B>A", &ok.body("application/sdp", &sdp("203.0.113.9:50001", "bobb", &answered)));
    s.add(1110, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
    s
}

pub const ALICE_ASKS: [&str; 2] = ["bobb", "alic"];
pub const BOB_ASKS: [&str; 2] = ["alic", "bobb"];

/// Alice's checks to Bob's host go unanswered, those to his relay work, and carry the media.
pub fn through_bobs_relay() -> Scenario {
    let mut s = offer_and_answer(true);
    for ms in [1200, 1300, 1500] {
        s.check(ms, "10.0.0.65:4000>192.168.7.66:5000", "x1", ALICE_ASKS, true);
    }
    s.check(1250, "10.0.0.65:4000>203.0.113.9:50001", "x2", ALICE_ASKS, true);
    s.stun(1300, "203.0.113.9:50001>10.0.0.65:4000", BOUND, "x2", &[mapped("198.51.100.1:40000")]);
    s.check(1320, "203.0.113.9:50001>10.0.0.65:4000", "y1", BOB_ASKS, false);
    s.stun(1321, "10.0.0.65:4000>203.0.113.9:50001", BOUND, "y1", &[mapped("203.0.113.9:50001")]);
    s.media(1400, "10.0.0.65:4000>203.0.113.9:50001", 150);
    s.media(1420, "203.0.113.9:50001>10.0.0.65:4000", 149);
    end(&mut s, 6000);
    s
}

/// Alice has no relay, and nothing answers her.
pub fn without_a_path() -> Scenario {
    let mut s = offer_and_answer(false);
    for (i, to) in ["192.168.7.66:5000", "203.0.113.9:50001"].iter().enumerate() {
        for ms in [1200, 1700, 2700] {
            s.check(ms, &format!("10.0.0.65:4000>{to}"), &format!("z{i}"), ALICE_ASKS, true);
        }
    }
    end(&mut s, 20_000);
    s
}

/// Alice hangs up.
pub fn end(s: &mut Scenario, ms: i64) {
    s.add(ms, "A>B", &request("BYE", 2).via(&["A b3"]).tag("b"));
    s.add(ms + 10, "B>A", &response("200 OK", 2, "BYE").via(&["A b3"]).tag("b"));
}
