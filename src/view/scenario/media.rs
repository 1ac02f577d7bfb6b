//! RTP and RTCP for call flows.

use std::net::SocketAddr;

use super::{Msg, START, Scenario, request, response};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::Transport;
use crate::decode::{DecodedMedia, RtpFacts, StreamMemo};

/// Packets of one source, 20 ms of G.711 each unless said otherwise.
#[derive(Clone)]
pub struct Rtp {
    pub ssrc: u32,
    pub payload_type: u8,
    pub dscp: u8,
    /// Packets sent, and which of them never come.
    pub count: u16,
    pub lost: Vec<u16>,
    /// Milliseconds by which every fourth packet comes late.
    pub late: i64,
}

pub fn rtp(ssrc: u32, count: u16) -> Rtp {
    Rtp { ssrc, payload_type: 0, dscp: 46, count, lost: Vec::new(), late: 0 }
}

impl Scenario {
    /// Sends them from `ms` milliseconds after the start on over `path`, both ends with their ports.
    pub fn rtp(&mut self, ms: i64, path: &str, stream: &Rtp) {
        for n in (0..stream.count).filter(|n| !stream.lost.contains(n)) {
            let late = if n % 4 == 3 { stream.late } else { 0 };
            let stamp = u32::from(n) * 160;
            self.packet(ms + i64::from(n) * 20 + late, path, stream, n, stamp, &[0x55; 160]);
        }
    }

    /// A key pressed: three packets with its end, `n` being the number of the first.
    pub fn key(&mut self, ms: i64, path: &str, stream: &Rtp, n: u16, event: u8) {
        let stream = Rtp { payload_type: 101, ..stream.clone() };
        for i in 0..3u16 {
            let payload = [event, 0x8a, 3, 0x20];
            self.packet(ms + i64::from(i), path, &stream, n + i, u32::from(n) * 160, &payload);
        }
    }

    fn packet(&mut self, ms: i64, path: &str, stream: &Rtp, n: u16, stamp: u32, payload: &[u8]) {
        let mut bytes = vec![0x80, stream.payload_type];
        bytes.extend((1000 + n).to_be_bytes());
        bytes.extend(stamp.to_be_bytes());
        bytes.extend(stream.ssrc.to_be_bytes());
        bytes.extend(payload);
        let facts = RtpFacts::of(&bytes, bytes.len()).unwrap();
        let packet = self.carried(ms, path, stream.dscp, &bytes);
        self.analysis.add_rtp(&facts, &packet, &mut StreamMemo::default());
    }

    /// A receiver report of `reporter` over `path` about a source: lost in all, of 256 since the last, jitter in ticks.
    pub fn report(
        &mut self,
        ms: i64,
        path: &str,
        reporter: u32,
        about: u32,
        (lost, fraction, highest): (u32, u8, u32),
    ) {
        let mut bytes = vec![0x81, 201, 0, 7];
        bytes.extend(reporter.to_be_bytes());
        bytes.extend(about.to_be_bytes());
        bytes.extend((u32::from(fraction) << 24 | lost).to_be_bytes());
        bytes.extend(highest.to_be_bytes());
        bytes.extend([0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0]);
        let packet = self.carried(ms, path, 0, &bytes);
        self.analysis.add_rtcp(&packet);
    }

    fn carried<'a>(&mut self, ms: i64, path: &str, dscp: u8, bytes: &'a [u8]) -> DecodedMedia<'a> {
        self.frames += 1;
        let ends = path.split_once('>').map(|(a, b)| [a, b].map(|x| x.parse::<SocketAddr>().unwrap()));
        let [src, dst] = ends.unwrap();
        DecodedMedia {
            bytes,
            src,
            dst,
            transport: Transport::Udp,
            channel: 0,
            frame: FrameRef { capture: CaptureId(0), frame: self.frames },
            time: START + ms * 1_000_000,
            dscp,
            duplicate: false,
            cut: false,
        }
    }

    /// A call from `ms` to `end`, answered at once, its media at `ends`.
    pub fn voice_call(&mut self, id: &'static str, [ms, end]: [i64; 2], way: &str, ends: [&str; 2]) {
        let (from, to) = way.split_once('>').unwrap();
        let back = format!("{to}>{from}");
        let via = format!("{from} {id}");
        let [offer, answer] = ends.map(sdp);
        let with = |m: Msg, sdp: &str| m.id(id).body("application/sdp", sdp);
        self.add(ms, way, &with(request("INVITE", 1).via(&[&via]), &offer));
        self.add(ms + 50, &back, &with(response("200 OK", 1, "INVITE").via(&[&via]).tag("b"), &answer));
        self.add(ms + 60, way, &request("ACK", 1).id(id).via(&[&format!("{via}a")]).tag("b"));
        self.add(end, way, &request("BYE", 2).id(id).via(&[&format!("{via}b")]).tag("b"));
        self.add(end + 10, &back, &response("200 OK", 2, "BYE").id(id).via(&[&format!("{via}b")]).tag("b"));
    }
}

fn sdp(end: &str) -> String {
    let (ip, port) = end.split_once(':').unwrap();
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
    )
}

/// Alice talks to Bob for ten seconds. Hers comes whole and is marked, his loses 30 of 500 before the capture point, twelve
/// of them in a run, and 10 more behind it as her report says; he presses 4 and #. She calls him again and nothing comes.
/// Carol's call with him has its media elsewhere. An unknown stream is of no call.
pub fn voices() -> Scenario {
    let (alice, bob) = ("10.0.0.65:4000", "10.0.0.66:5000");
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, 11_000], "A>B", [alice, bob]);
    let his = Rtp { lost: (100..112).chain((200..218).map(|n| n * 2)).collect(), dscp: 0, ..rtp(0xB0B, 500) };
    s.rtp(100, &format!("{alice}>{bob}"), &rtp(0xA11CE, 500));
    s.rtp(110, &format!("{bob}>{alice}"), &his);
    s.key(10_200, &format!("{bob}>{alice}"), &his, 500, 4);
    s.key(10_500, &format!("{bob}>{alice}"), &his, 503, 11);
    s.report(10_100, "10.0.0.65:4001>10.0.0.66:5001", 0xA11CE, 0xB0B, (40, 20, 1499));
    s.voice_call("call-2", [20_000, 25_000], "A>B", [alice, bob]);
    s.voice_call("call-3", [30_000, 35_000], "C>B", ["10.0.0.67:6000", "10.0.0.66:5002"]);
    let unknown = Rtp { payload_type: 114, dscp: 40, ..rtp(0x8418_D3C5, 60) };
    s.rtp(40_000, "10.0.0.70:7000>10.0.0.71:7002", &unknown);
    s
}
