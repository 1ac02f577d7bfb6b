//! Calls with their voices.

use super::media::Source;
use super::{Msg, Scenario, machine, request, response};
use crate::decode::{BreakageKind, DecodedMedia, MediaError, Quoted};

/// Packets of one source, 20 ms of G.711 each unless said otherwise.
#[derive(Clone)]
pub struct Voice {
    pub ssrc: u32,
    pub payload_type: u8,
    pub dscp: u8,
    /// Packets sent, and which of them never come.
    pub count: u32,
    pub lost: Vec<u32>,
    /// Milliseconds by which every fourth packet comes late.
    pub late: i64,
}

pub fn voice(ssrc: u32, count: u32) -> Voice {
    Voice { ssrc, payload_type: 0, dscp: 46, count, lost: Vec::new(), late: 0 }
}

impl Voice {
    /// Its packets from number `n` on.
    fn source(&self, path: &'static str, n: u32) -> Source {
        let mut source = Source::new(path, self.ssrc);
        source.payload_type = self.payload_type;
        source.dscp = self.dscp;
        (0..n).for_each(|_| source.skip());
        source
    }
}

impl Scenario {
    /// Speaks from `ms` milliseconds after the start on over `path`, both ends with their ports.
    pub fn speak(&mut self, ms: i64, path: &'static str, voice: &Voice) {
        let mut source = voice.source(path, 0);
        for n in 0..voice.count {
            let late = if n % 4 == 3 { voice.late } else { 0 };
            if voice.lost.contains(&n) {
                source.skip();
            } else {
                self.add_rtp((ms + i64::from(n) * 20 + late) * 1000, &mut source);
            }
        }
    }

    /// A key pressed (RFC 4733): three packets with its end, `n` being the number of the first.
    pub fn press(&mut self, ms: i64, path: &'static str, voice: &Voice, n: u32, event: u8) {
        let mut source = voice.source(path, n);
        source.payload_type = 101;
        source.payload = vec![event, 0x8a, 3, 0x20];
        // One timestamp for all of a key.
        source.ticks = 0;
        self.add_run(ms * 1000, 1000, 3, &mut source);
    }

    /// A receiver report of `reporter` over `path` about a source: lost in all, of 256 since the last, highest number.
    pub fn tell(
        &mut self,
        ms: i64,
        path: &str,
        [reporter, about]: [u32; 2],
        (lost, fraction, highest): (u32, u8, u32),
    ) {
        let mut bytes = vec![0x81, 201, 0, 7];
        bytes.extend(reporter.to_be_bytes());
        bytes.extend(about.to_be_bytes());
        bytes.extend((u32::from(fraction) << 24 | lost).to_be_bytes());
        bytes.extend(highest.to_be_bytes());
        bytes.extend([0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0]);
        self.rtcp(ms, path, &bytes);
    }

    /// A datagram of RTCP.
    pub fn rtcp(&mut self, ms: i64, path: &str, bytes: &[u8]) {
        let packet = self.media_packet(ms * 1000, path, 0, bytes);
        self.analysis.add_rtcp(&packet);
    }

    /// A datagram of DTLS or ZRTP.
    pub fn keys(&mut self, ms: i64, path: &str, bytes: &[u8]) {
        let packet = self.media_packet(ms * 1000, path, 0, bytes);
        self.analysis.add_key_exchange(&packet, None);
    }

    /// An ICMP error (host unreachable) that quotes media sent over `path`.
    pub fn refuse_media(&mut self, ms: i64, path: &str) {
        let packet = self.media_packet(ms * 1000, path, 0, &[]);
        let DecodedMedia { src, dst, frame, time, .. } = packet;
        let kind = BreakageKind::Icmp { v6: false, kind: 3, code: 1 };
        let by = machine("G").ip();
        self.analysis.add_media_error(&MediaError {
            src,
            dst,
            quoted: Quoted::Nothing,
            kind,
            by,
            frame,
            time,
        });
    }

    /// A call from `ms` to `end`, answered at once, its media at `ends`.
    pub fn voice_call(&mut self, id: &'static str, times: [i64; 2], way: &str, ends: [&str; 2]) {
        self.voice_leg(id, "X-None: 0", times, way, ends);
    }

    /// The same with a header in its INVITE, e.g. one that names another leg.
    pub fn voice_leg(
        &mut self,
        id: &'static str,
        header: &str,
        [ms, end]: [i64; 2],
        way: &str,
        ends: [&str; 2],
    ) {
        let (from, to) = way.split_once('>').unwrap();
        let back = format!("{to}>{from}");
        let via = format!("{from} {id}");
        let [offer, answer] = ends.map(sdp);
        let with = |m: Msg, sdp: &str| m.id(id).body("application/sdp", sdp);
        self.add(ms, way, &with(request("INVITE", 1).via(&[&via]).header(header), &offer));
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

/// Where Alice and Bob want their media.
pub const ENDS: [&str; 2] = ["10.0.0.65:4000", "10.0.0.66:5000"];
pub const THERE: &str = "10.0.0.65:4000>10.0.0.66:5000";
pub const BACK: &str = "10.0.0.66:5000>10.0.0.65:4000";

/// Alice talks to Bob for ten seconds. Hers comes whole and is marked, his loses 30 of 500 before the capture point, twelve
/// of them in a run, and 10 more behind it as her report says; he presses 4 and #. She calls him again and nothing comes.
/// Carol's call with him has its media elsewhere. An unknown stream is of no call.
pub fn voices() -> Scenario {
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, 11_000], "A>B", ENDS);
    let lost = (100..112).chain((200..218).map(|n| n * 2)).collect();
    let his = Voice { lost, dscp: 0, ..voice(0xB0B, 500) };
    s.speak(100, THERE, &voice(0xA11CE, 500));
    s.speak(110, BACK, &his);
    s.press(10_200, BACK, &his, 500, 4);
    s.press(10_500, BACK, &his, 503, 11);
    s.tell(10_100, "10.0.0.65:4001>10.0.0.66:5001", [0xA11CE, 0xB0B], (40, 20, 500));
    s.voice_call("call-2", [20_000, 25_000], "A>B", ENDS);
    s.voice_call("call-3", [30_000, 35_000], "C>B", ["10.0.0.67:6000", "10.0.0.66:5002"]);
    let unknown = Voice { payload_type: 114, dscp: 40, ..voice(0x8418_D3C5, 120) };
    s.speak(40_000, "10.0.0.70:7000>10.0.0.71:7002", &unknown);
    s
}
