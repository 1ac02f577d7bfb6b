//! Call flows with whole SIP messages, for the tests of this room.

pub mod conference;
pub mod ice;
pub mod media;
pub mod sign_in;
pub mod sql;
pub mod stun;
pub mod voices;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};

use callscope_parsers::sip;

use crate::capture::{CaptureId, FrameRef, Input};
use crate::correlate::load::{LoadOptions, load};
use crate::correlate::{Analysis, MsgIdx, Transport};
use crate::decode::{DecodedSip, Way};

/// 2009-04-22 14:02:11 UTC.
pub const START: i64 = 1_240_408_931_000_000_000;

/// A message to be.
#[derive(Clone)]
pub struct Msg {
    start: String,
    cseq: String,
    vias: Vec<String>,
    call_id: &'static str,
    from: String,
    to: String,
    headers: Vec<String>,
    body: String,
    pub duplicate: bool,
    /// DSCP of its packet.
    pub dscp: Option<u8>,
}

fn msg(start: String, cseq: String) -> Msg {
    Msg {
        start,
        cseq,
        vias: Vec::new(),
        call_id: "call-1",
        from: "\"Alice\" <sip:alice@example.com>;tag=a".to_owned(),
        to: "<sip:bob@example.com>".to_owned(),
        headers: Vec::new(),
        body: String::new(),
        duplicate: false,
        dscp: None,
    }
}

pub fn request(method: &str, cseq: u32) -> Msg {
    msg(format!("{method} sip:bob@example.com SIP/2.0"), format!("{cseq} {method}"))
}

pub fn response(status: &str, cseq: u32, method: &str) -> Msg {
    msg(format!("SIP/2.0 {status}"), format!("{cseq} {method}"))
}

impl Msg {
    /// Topmost first, e.g. `P b2` for the branch `b2` of machine `P`.
    pub fn via(mut self, vias: &[&str]) -> Self {
        self.vias = vias
            .iter()
            .map(|v| {
                let (host, branch) = v.split_once(' ').unwrap();
                format!("SIP/2.0/UDP {};branch=z9hG4bK{branch}", machine(host))
            })
            .collect();
        self
    }
    pub fn tag(mut self, tag: &str) -> Self {
        self.to.push_str(&format!(";tag={tag}"));
        self
    }
    /// From Bob to Alice, in her dialog with tag `b`.
    pub fn back(mut self) -> Self {
        self.from = "<sip:bob@example.com>;tag=b".to_owned();
        self.to = "\"Alice\" <sip:alice@example.com>;tag=a".to_owned();
        self
    }
    pub fn marked(mut self, dscp: u8) -> Self {
        self.dscp = Some(dscp);
        self
    }
    pub fn between(mut self, from: &str, to: &str) -> Self {
        self.from = from.to_owned();
        self.to = to.to_owned();
        self
    }
    pub fn id(mut self, id: &'static str) -> Self {
        self.call_id = id;
        self
    }
    pub fn header(mut self, header: &str) -> Self {
        self.headers.push(header.to_owned());
        self
    }
    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.headers.push(format!("Content-Type: {content_type}"));
        self.body = body.to_owned();
        self
    }
    pub fn sdp(self, direction: &str, candidates: usize) -> Self {
        let mut sdp = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
                       m=audio 49170 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
            .to_owned();
        for i in 0..candidates {
            sdp.push_str(&format!("a=candidate:{i} 1 UDP 2130706431 10.0.0.1 {} typ host\r\n", 49_170 + i));
        }
        sdp.push_str(&format!("a={direction}\r\n"));
        self.body("application/sdp", &sdp)
    }
    pub fn text(&self) -> String {
        let mut text = format!("{}\r\n", self.start);
        for via in &self.vias {
            text.push_str(&format!("Via: {via}\r\n"));
        }
        let Self { from, to, call_id, cseq, .. } = self;
        text.push_str(&format!("From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n"));
        if !self.start.starts_with("SIP/2.0") {
            text.push_str("Max-Forwards: 70\r\n");
        }
        for header in &self.headers {
            text.push_str(&format!("{header}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body));
        text
    }
}

/// `A` is 10.0.0.65:5060 and so on; anything else is an `ip:port`.
pub fn machine(name: &str) -> SocketAddr {
    name.parse().unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::new(10, 0, 0, name.as_bytes()[0]), 5060)))
}

pub fn sample_path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

#[derive(Default)]
pub struct Scenario {
    pub analysis: Analysis,
    frames: u32,
}

impl Scenario {
    /// What a capture of the samples folder holds.
    pub fn sample(name: &str) -> Self {
        Self::load(sample_path(name), LoadOptions::default())
    }

    /// What a capture file of these bytes holds.
    pub fn capture(bytes: &[u8], options: LoadOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("capture");
        std::fs::write(&path, bytes).unwrap();
        Self::load(path, options)
    }

    fn load(path: std::path::PathBuf, options: LoadOptions) -> Self {
        let lock = std::sync::RwLock::new(Analysis::default());
        let go_on = &mut |_: &_| std::ops::ControlFlow::Continue(());
        let report = load(&[Input::Path(path)], &options, &lock, go_on);
        assert!(report.errors.is_empty(), "{:?}", report.errors);
        Self { analysis: lock.into_inner().unwrap(), frames: 0 }
    }

    /// Adds a message sent `ms` milliseconds after the start over `path`, e.g. `A>P`.
    pub fn add(&mut self, ms: i64, path: &str, message: &Msg) -> MsgIdx {
        self.add_over(ms, path, Transport::Udp, message)
    }

    pub fn add_over(&mut self, ms: i64, path: &str, transport: Transport, message: &Msg) -> MsgIdx {
        self.frames += 1;
        let text = message.text();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let bytes = self.analysis.stores.keep(text.as_bytes(), 1 << 30).unwrap();
        let scan = sip::scan(text.as_bytes()).expect(&text);
        let (src, dst) = path.split_once('>').unwrap();
        let way = Way {
            frame: FrameRef { capture: CaptureId(0), frame: self.frames },
            parts: &[],
            time: START + ms * 1_000_000,
            src: machine(src),
            dst: machine(dst),
            transport,
        };
        let new = DecodedSip::new(&scan, text.as_bytes(), hasher.finish(), way);
        let decoded = DecodedSip { duplicate: message.duplicate, dscp: message.dscp, ..new };
        self.analysis.add_message(&decoded, bytes).unwrap()
    }

    pub fn done(mut self) -> Analysis {
        self.analysis.refresh();
        self.analysis
    }
}

/// Alice calls Bob over a proxy that asks for credentials; Bob answers with a retransmitted 200, and hangs up.
pub fn answered_call() -> Scenario {
    let mut s = Scenario::default();
    let ua = "User-Agent: UCCAPI/3.5.6907.0 OC/3.5.6907.37 (Microsoft Office Communicator 2007 R2)";
    let invite = request("INVITE", 1).via(&["A b1"]).header(ua).sdp("sendrecv", 22);
    s.add(0, "A>P", &invite);
    let challenge = response("407 Proxy Authentication Required", 1, "INVITE").via(&["A b1"]).tag("p");
    s.add(2, "P>A", &challenge.header("Server: RTC/3.5"));
    s.add(3, "A>P", &request("ACK", 1).via(&["A b1"]).tag("p"));
    let again = request("INVITE", 2).via(&["A b2"]).header(ua).sdp("sendrecv", 22);
    s.add(10, "A>P", &again.clone().header("Proxy-Authorization: NTLM gssapi-data=\"secret\""));
    s.add(11, "P>A", &response("100 Trying", 2, "INVITE").via(&["A b2"]).header("Server: RTC/3.5"));
    s.add(12, "P>B", &again.clone().via(&["P b3", "A b2"]).header("Record-Route: <sip:10.0.0.80;lr>"));
    for (ms, status) in [(40, "180 Ringing"), (1820, "200 OK")] {
        let answer = response(status, 2, "INVITE").tag("b").header("Record-Route: <sip:10.0.0.80;lr>");
        let answer = answer.header("Contact: <sip:bob@10.0.0.66>").header("Server: baresip v1.0.0");
        let answer = if status == "200 OK" { answer.sdp("sendrecv", 4) } else { answer };
        s.add(ms, "B>P", &answer.clone().via(&["P b3", "A b2"]));
        s.add(ms + 1, "P>A", &answer.clone().via(&["A b2"]));
        if status == "200 OK" {
            s.add(ms + 500, "P>A", &answer.via(&["A b2"]));
        }
    }
    s.add(2400, "A>P", &request("ACK", 2).via(&["A b4"]).tag("b"));
    s.add(2401, "P>B", &request("ACK", 2).via(&["P b5", "A b4"]).tag("b"));
    s.add(3000, "A>P", &request("INVITE", 3).via(&["A b6"]).tag("b").sdp("sendonly", 0));
    s.add(3010, "P>B", &request("INVITE", 3).via(&["P b7", "A b6"]).tag("b").sdp("sendonly", 0));
    let held = response("200 OK", 3, "INVITE").tag("b").sdp("recvonly", 0);
    s.add(3020, "B>P", &held.clone().via(&["P b7", "A b6"]));
    s.add(3021, "P>A", &held.via(&["A b6"]));
    s.add(16_000, "B>P", &request("BYE", 1).back().via(&["B b8"]));
    s.add(16_001, "P>A", &request("BYE", 1).back().via(&["P b9", "B b8"]));
    s.add(16_020, "A>P", &response("200 OK", 1, "BYE").back().via(&["P b9", "B b8"]));
    s.add(16_021, "P>B", &response("200 OK", 1, "BYE").back().via(&["B b8"]));
    s
}
