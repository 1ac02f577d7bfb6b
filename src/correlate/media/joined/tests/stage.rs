//! Calls with their media, packet by packet: SIP with whole SDP, RTP, RTCP, and the STUN that streams need.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use callscope_parsers::sip;
use callscope_parsers::stun::scan_stun;

use crate::capture::{CaptureId, FrameRef, Nanos};
use crate::correlate::media::MediaStream;
use crate::correlate::{Analysis, Transport};
use crate::decode::{
    DecodedMedia, DecodedSip, DecodedStun, MediaKind, MediaTally, Place, RtpFacts, StreamMemo, StunFacts, Way,
};

pub const MS: Nanos = 1_000_000;
/// 2009-04-22 14:02:11 UTC.
pub const START: Nanos = 1_240_408_931_000 * MS;

/// SIP of both parties.
pub const A: &str = "10.0.0.1:5060";
pub const B: &str = "10.0.0.2:5060";

#[derive(Default)]
pub struct Stage {
    pub analysis: Analysis,
    frames: u32,
    /// Of each packet of fax: how many count as such since.
    pub accepted: Vec<u32>,
}

/// A source of RTP. Packets of PCMA every 20 ms unless told otherwise.
#[derive(Clone)]
pub struct Rtp {
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub stamp: u32,
    pub ticks: u32,
    pub every: Nanos,
    pub payload: Vec<u8>,
    pub dscp: u8,
    pub channel: u16,
    /// An element of a header extension with one-byte heads (RFC 8285 §4.2): its number, and one byte.
    pub element: Option<(u8, u8)>,
    /// Captured once more, with this mark.
    pub again: Option<u8>,
}

pub fn rtp(ssrc: u32) -> Rtp {
    Rtp {
        ssrc,
        payload_type: 8,
        sequence: 100,
        stamp: 5_000,
        ticks: 160,
        every: 20 * MS,
        payload: vec![0xD5; 160],
        dscp: 46,
        channel: 0,
        element: None,
        again: None,
    }
}

impl Rtp {
    pub fn of_type(self, payload_type: u8) -> Self {
        Self { payload_type, ..self }
    }
    pub fn marked(self, dscp: u8) -> Self {
        Self { dscp, ..self }
    }
    pub fn sized(self, bytes: usize) -> Self {
        Self { payload: vec![0xD5; bytes], ..self }
    }
    /// Goes on behind so many packets.
    pub fn behind(self, n: u16) -> Self {
        Self { sequence: self.sequence + n, stamp: self.stamp + self.ticks * u32::from(n), ..self }
    }
}

/// An SDP of `v=0` and these lines, semicolons between them.
pub fn sdp(lines: &str) -> String {
    let mut out = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\n".to_owned();
    for line in lines.split(';').map(str::trim).filter(|l| !l.is_empty()) {
        out.push_str(line);
        out.push_str("\r\n");
    }
    out
}

/// `c=` and one section of PCMU, PCMA and keys.
pub fn audio(end: &str, more: &str) -> String {
    let (ip, port) = end.split_once(':').unwrap();
    sdp(&format!(
        "c=IN IP4 {ip}; m=audio {port} RTP/AVP 0 8 101; a=rtpmap:0 PCMU/8000; a=rtpmap:8 PCMA/8000; \
         a=rtpmap:101 telephone-event/8000; {more}"
    ))
}

impl Stage {
    fn frame(&mut self) -> FrameRef {
        self.frames += 1;
        FrameRef { capture: CaptureId(0), frame: self.frames }
    }

    /// A message `ms` after the start over `path`; `what` is `INVITE/1`, `BYE/2` or `200 INVITE/1`. Tags: `a` of the caller,
    /// `b` of the callee where it has one; `<` before the request: by the callee.
    pub fn sip(&mut self, ms: i64, path: &str, id: &str, what: &str, body: &str) {
        let what_of = |w: &str| -> (String, String) {
            let (m, n) = w.split_once('/').unwrap();
            (m.to_owned(), n.to_owned())
        };
        let (what, by_callee) = what.strip_prefix('<').map_or((what, false), |w| (w, true));
        let (start, (method, cseq), tagged) = match what.split_once(' ') {
            Some((status, rest)) => (format!("SIP/2.0 {status} X"), what_of(rest), status != "100"),
            None => {
                let (method, cseq) = what_of(what);
                let opening = cseq == "1" && method == "INVITE";
                (format!("{method} sip:b@x SIP/2.0"), (method, cseq), !opening)
            }
        };
        let tag = if tagged { ";tag=b" } else { "" };
        let (alice, bob) = ("<sip:a@x>;tag=a".to_owned(), format!("<sip:b@x>{tag}"));
        let (from, to) = if by_callee { (bob, alice) } else { (alice, bob) };
        let content = match body.get(..2) {
            Some("v=") => "Content-Type: application/sdp\r\n",
            Some(_) => "Content-Type: application/trickle-ice-sdpfrag\r\n",
            None => "",
        };
        let text = format!(
            "{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{id}{method}{cseq}{by_callee}\r\nFrom: {from}\r\nTo: {to}\r\n\
             Call-ID: {id}\r\nCSeq: {cseq} {method}\r\n{content}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let bytes = self.analysis.stores.keep(text.as_bytes(), 1 << 30).unwrap();
        let scan = sip::scan(text.as_bytes()).expect(&text);
        let (src, dst) = ends(path);
        let way = Way {
            frame: self.frame(),
            parts: &[],
            time: START + ms * MS,
            src,
            dst,
            transport: Transport::Udp,
        };
        let message = DecodedSip::new(&scan, text.as_bytes(), hasher.finish(), way);
        self.analysis.add_message(&message, bytes).unwrap();
    }

    /// An INVITE with its 200 after 100 ms and the ACK.
    pub fn call(&mut self, ms: i64, id: &str, offer: &str, answer: &str) {
        let (there, back) = (format!("{A}>{B}"), format!("{B}>{A}"));
        self.sip(ms, &there, id, "INVITE/1", offer);
        self.sip(ms + 100, &back, id, "200 INVITE/1", answer);
        self.sip(ms + 110, &there, id, "ACK/1", "");
    }

    /// An offer inside of the call and its answer, 10 ms later.
    pub fn renew(&mut self, ms: i64, id: &str, cseq: u32, offer: &str, answer: &str) {
        let (there, back) = (format!("{A}>{B}"), format!("{B}>{A}"));
        self.sip(ms, &there, id, &format!("INVITE/{cseq}"), offer);
        self.sip(ms + 10, &back, id, &format!("200 INVITE/{cseq}"), answer);
    }

    pub fn bye(&mut self, ms: i64, id: &str) {
        self.sip(ms, &format!("{A}>{B}"), id, "BYE/9", "");
    }

    /// `count` packets of a source from `ms` on, those lost that `lost` names by their place.
    pub fn rtp(&mut self, ms: i64, path: &str, source: &Rtp, count: u16, lost: &[u16]) {
        let (src, dst) = ends(path);
        for n in (0..count).filter(|n| !lost.contains(n)) {
            let first = if source.element.is_some() { 0x90 } else { 0x80 };
            let mut bytes = vec![first, source.payload_type];
            bytes.extend(source.sequence.wrapping_add(n).to_be_bytes());
            bytes.extend(source.stamp.wrapping_add(source.ticks * u32::from(n)).to_be_bytes());
            bytes.extend(source.ssrc.to_be_bytes());
            if let Some((id, value)) = source.element {
                bytes.extend([0xBE, 0xDE, 0, 1, id << 4, value, 0, 0]);
            }
            bytes.extend(&source.payload);
            let facts = RtpFacts::of(&bytes, bytes.len()).unwrap();
            let time = START + ms * MS + source.every * i64::from(n);
            for (dscp, duplicate) in [(Some(source.dscp), false), (source.again, true)] {
                let Some(dscp) = dscp else { continue };
                let packet = self.packet(&bytes, (src, dst), time, source.channel);
                let packet = DecodedMedia { dscp, duplicate, ..packet };
                self.analysis.add_rtp(&facts, &packet, &mut StreamMemo::default());
            }
            let frame = self.frame();
            let kind = MediaKind::Rtp;
            let len = bytes.len();
            self.analysis.add_media(&MediaTally::one(
                src,
                dst,
                Transport::Udp,
                source.channel,
                kind,
                len,
                time,
                frame,
            ));
        }
    }

    /// `count` packets of UDPTL from number `first` on, 30 ms apart, each with the one before again; those lost that `lost`
    /// names by their place.
    pub fn fax(&mut self, ms: i64, path: &str, first: u16, count: u16, lost: &[u16]) {
        for n in (0..count).filter(|n| !lost.contains(n)) {
            let mut bytes = first.wrapping_add(n).to_be_bytes().to_vec();
            // As long as RTP is, and longer.
            bytes.extend([12, 0xd0, n as u8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
            bytes.extend([0, 1, 2, 0xd0, n.wrapping_sub(1) as u8]);
            let time = START + (ms + 30 * i64::from(n)) * MS;
            let packet = self.packet(&bytes, ends(path), time, 0);
            let accepted = match RtpFacts::of(&bytes, bytes.len()).filter(|_| bytes[0] >> 6 == 2) {
                Some(facts) => self.analysis.add_rtp(&facts, &packet, &mut StreamMemo::default()),
                None => self.analysis.add_fax(&packet),
            };
            self.accepted.push(accepted);
        }
    }

    fn packet<'a>(
        &mut self,
        bytes: &'a [u8],
        (src, dst): (SocketAddr, SocketAddr),
        time: Nanos,
        channel: u16,
    ) -> DecodedMedia<'a> {
        DecodedMedia {
            bytes,
            src,
            dst,
            transport: Transport::Udp,
            channel,
            frame: self.frame(),
            time,
            dscp: 0,
            duplicate: false,
            cut: false,
        }
    }

    /// A sender report (RFC 3550 §6.4.1) by `ssrc`, with the middle of its NTP time, and one block about each of `about`.
    pub fn report(&mut self, ms: i64, path: &str, ssrc: u32, ntp: u32, about: &[Block]) {
        let mut bytes = vec![0x80 | about.len() as u8, 200];
        bytes.extend((6 + 6 * about.len() as u16).to_be_bytes());
        bytes.extend(ssrc.to_be_bytes());
        bytes.extend((u64::from(ntp) << 16).to_be_bytes());
        bytes.extend([0; 12]);
        for b in about {
            bytes.extend(b.about.to_be_bytes());
            bytes.extend((b.lost as u32 & 0xFF_FFFF).to_be_bytes());
            bytes.extend([0; 8]);
            bytes.extend(b.lsr.to_be_bytes());
            bytes.extend(b.dlsr.to_be_bytes());
        }
        let packet = self.packet(&bytes, ends(path), START + ms * MS, 0);
        self.analysis.add_rtcp(&packet);
    }

    /// A datagram of RTCP.
    pub fn rtcp(&mut self, ms: i64, path: &str, bytes: &[u8]) {
        let packet = self.packet(bytes, ends(path), START + ms * MS, 0);
        self.analysis.add_rtcp(&packet);
    }

    /// A datagram of DTLS.
    pub fn keys(&mut self, ms: i64, path: &str, bytes: &[u8]) {
        let packet = self.packet(bytes, ends(path), START + ms * MS, 0);
        self.analysis.add_key_exchange(&packet, None);
    }

    /// A message of STUN with these attributes.
    pub fn stun(&mut self, ms: i64, path: &str, kind: u16, id: u8, attributes: &[(u16, Vec<u8>)]) {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(0x2112_A442u32.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, id]);
        bytes.extend(body);
        let scan = scan_stun(&bytes, None).expect("STUN");
        let (src, dst) = ends(path);
        let message = DecodedStun {
            facts: &StunFacts::of(&scan),
            message: &bytes,
            channel: 0,
            place: Place::Memory(&bytes),
            frame: self.frame(),
            parts: &[],
            time: START + ms * MS,
            src,
            dst,
            transport: Transport::Udp,
            flow: None,
            duplicate: false,
            cut: false,
            dscp: 0,
            doubtful: false,
        };
        self.analysis.add_stun(&message);
    }

    /// A check of who is named `from`, and its success.
    pub fn check(&mut self, ms: i64, [src, dst]: [&str; 2], id: u8, [to, from]: [&str; 2]) {
        let name = (0x0006, format!("{to}:{from}").into_bytes());
        self.stun(ms, &format!("{src}>{dst}"), 0x0001, id, &[name, (0x802A, vec![1; 8])]);
        self.stun(ms + 5, &format!("{dst}>{src}"), 0x0101, id, &[(0x0020, xor(src))]);
    }

    /// An allocation (RFC 8656) with a channel to a peer.
    pub fn allocation(&mut self, ms: i64, client: &str, mapped: &str, relayed: &str, channel: (u16, &str)) {
        let (there, back) = (format!("{client}>{TURN}"), format!("{TURN}>{client}"));
        self.stun(ms, &there, 0x0003, 1, &[(0x0019, vec![17, 0, 0, 0])]);
        let granted = [(0x0016, xor(relayed)), (0x0020, xor(mapped)), (0x000D, vec![0, 0, 2, 88])];
        self.stun(ms + 5, &back, 0x0103, 1, &granted);
        let (number, peer) = channel;
        let mut value = number.to_be_bytes().to_vec();
        value.extend([0, 0]);
        self.stun(ms + 10, &there, 0x0009, 2, &[(0x000C, value), (0x0012, xor(peer))]);
        self.stun(ms + 15, &back, 0x0109, 2, &[]);
    }

    pub fn streams(&mut self) -> Vec<MediaStream> {
        self.analysis.refresh();
        self.analysis.media_streams()
    }
}

pub const TURN: &str = "203.0.113.9:3478";

/// A report block.
#[derive(Clone, Copy)]
pub struct Block {
    pub about: u32,
    pub lost: i32,
    pub lsr: u32,
    pub dlsr: u32,
}

pub fn block(about: u32, lost: i32) -> Block {
    Block { about, lost, lsr: 0, dlsr: 0 }
}

fn ends(path: &str) -> (SocketAddr, SocketAddr) {
    let (src, dst) = path.split_once('>').unwrap();
    (src.parse().unwrap(), dst.parse().unwrap())
}

fn xor(address: &str) -> Vec<u8> {
    let SocketAddr::V4(a) = address.parse().unwrap() else { panic!("an IPv4 address") };
    let mut out = vec![0, 1];
    out.extend((a.port() ^ 0x2112).to_be_bytes());
    out.extend((a.ip().to_bits() ^ 0x2112_A442).to_be_bytes());
    out
}
