//! Which parser a payload gets, and compact records of what it said.
//!
//! Two halves: [`prepare()`] is stateless and runs on any thread; a [`CaptureDecoder`] follows one capture in frame
//! order (fragments, TCP, TLS, WebSocket) and hands whole messages to a [`Sink`].

use std::net::SocketAddr;

use callscope_parsers::sip::Scan;

use crate::capture::{FrameRef, Nanos};

mod breakage;
mod connection;
mod content;
mod dns;
mod keys;
mod kind;
mod media;
mod method;
mod ordered;
mod prepare;
mod scanned;
mod spans;
mod sql;
mod stun;
mod tls;
mod websocket;

pub use breakage::{Breakage, BreakageKind, MediaError, Quoted};
pub use content::Content;
pub use dns::{DecodedDns, DnsEvent, dns_port, is_elsewhere as is_dns_elsewhere};
pub use keys::{Keys, connection_address, header_named, name_hash, ufrags};
pub use kind::KindBits;
pub use media::{DecodedMedia, MediaFlow, MediaFlows, MediaKind, MediaTally, RtpFacts, StreamMemo};
pub use method::MethodId;
pub use ordered::{CaptureDecoder, Coming};
pub use prepare::{Class, Prepared, SipEvent, prepare};
pub use scanned::Scanned;
pub use spans::Spans;
pub use sql::{DecodedSqlr, DecodedTds, TcpSign, TcpSignKind, TdsStep, is_sqlr};
pub use stun::{DecodedStun, StunEvent, StunFacts};
pub use tls::TlsSession;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
    Sctp,
}

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Sctp => "sctp",
        }
    }
}

/// An end of a call; of a TLS connection, `Caller` is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    Caller,
    Callee,
}

/// In which of these every frame is counted exactly once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accounting {
    pub decoded: u64,
    pub other_traffic: u64,
    pub not_ip: u64,
    pub cut_short: u64,
    pub malformed: u64,
    pub fragment_pending: u64,
    pub duplicate: u64,
    pub over_limit: u64,
    pub encrypted: u64,
}

impl Accounting {
    pub fn total(&self) -> u64 {
        self.decoded
            + self.other_traffic
            + self.not_ip
            + self.cut_short
            + self.malformed
            + self.fragment_pending
            + self.duplicate
            + self.over_limit
            + self.encrypted
    }

    /// Counts the frames of a packet of media, of which `accepted` packets count as such now: those before it were other
    /// traffic so far.
    fn media(&mut self, accepted: u32, frames: u64) {
        match u64::from(accepted) {
            0 => self.other_traffic += frames,
            1 => self.decoded += frames,
            n => {
                let before = (n - 1).min(self.other_traffic);
                self.other_traffic -= before;
                self.decoded += before + frames;
            }
        }
    }

    /// Frames that were taken for other traffic are decoded: it became clear what they are.
    pub(crate) fn settle(&mut self, frames: u64) {
        let frames = frames.min(self.other_traffic);
        self.other_traffic -= frames;
        self.decoded += frames;
    }

    fn add(&mut self, class: Class, frames: u64) {
        *match class {
            Class::Decoded | Class::Sip | Class::Stun | Class::Dns | Class::Media => &mut self.decoded,
            Class::Other | Class::Ordered => &mut self.other_traffic,
            Class::NotIp => &mut self.not_ip,
            Class::Cut => &mut self.cut_short,
            Class::Malformed => &mut self.malformed,
            Class::OverLimit => &mut self.over_limit,
            Class::Encrypted => &mut self.encrypted,
        } += frames;
    }
}

/// The first frames of which little or nothing could be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OddFrames {
    /// With their times.
    pub malformed: Vec<(FrameRef, Nanos)>,
    pub cut: Vec<(FrameRef, Nanos)>,
    /// Fragments whose datagrams never became whole.
    pub fragments: Vec<FrameRef>,
}

impl OddFrames {
    /// Of each kind.
    const KEPT: usize = 8;

    fn note(&mut self, class: Class, frame: FrameRef, time: Nanos) {
        let list = match class {
            Class::Malformed => &mut self.malformed,
            Class::Cut => &mut self.cut,
            _ => return,
        };
        if list.len() < Self::KEPT {
            list.push((frame, time));
        }
    }
}

/// Where the bytes of a decoded message are.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// Whole in the capture's backing.
    File { offset: u64, len: u32 },
    /// Put together from several frames, unmasked or inflated: to be kept by the receiver.
    Memory(&'a [u8]),
}

/// A SIP message as it comes out of a capture.
#[derive(Debug, Clone, Copy)]
pub struct DecodedSip<'a> {
    pub scan: Scanned<'a>,
    /// The message, of which `scan` was made.
    pub raw: &'a [u8],
    pub place: Place<'a>,
    /// The frame that completed it.
    pub frame: FrameRef,
    /// The earlier frames it lies in.
    pub parts: &'a [FrameRef],
    pub time: Nanos,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    /// Hash of all its bytes; equal for equal bytes within one load.
    pub digest: u64,
    /// Hashed ahead, if a worker had it in hand.
    pub keys: Option<Keys>,
    pub duplicate: bool,
    /// The capture holds only its beginning.
    pub cut: bool,
    /// Of the packet that completed it, where one did.
    pub dscp: Option<u8>,
}

/// The way a message came.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    pub frame: FrameRef,
    pub parts: &'a [FrameRef],
    pub time: Nanos,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
}

impl<'a> DecodedSip<'a> {
    /// One whose bytes are to be kept, whole and met for the first time.
    pub fn new(scan: &'a Scan<'a>, raw: &'a [u8], digest: u64, way: Way<'a>) -> Self {
        Self::of(Scanned::Scan(scan), raw, digest, way)
    }

    fn of(scan: Scanned<'a>, raw: &'a [u8], digest: u64, way: Way<'a>) -> Self {
        let Way { frame, parts, time, src, dst, transport } = way;
        Self {
            scan,
            raw,
            place: Place::Memory(raw),
            frame,
            parts,
            time,
            src,
            dst,
            transport,
            digest,
            keys: None,
            duplicate: false,
            cut: false,
            dscp: None,
        }
    }
}

/// Takes what decoding makes known.
pub trait Sink {
    /// `false`: a limit was hit and the message was not kept.
    fn sip(&mut self, message: &DecodedSip<'_>) -> bool;
    /// A SIP message inside a TURN channel of its flow (0: where the client's active destination is); as [`Sink::sip`].
    fn carried_sip(&mut self, message: &DecodedSip<'_>, channel: u16) -> bool;
    /// A STUN or TURN message; as [`Sink::sip`].
    fn stun(&mut self, message: &DecodedStun<'_>) -> bool;
    /// A message of DNS, multicast DNS or LLMNR; as [`Sink::sip`].
    fn dns(&mut self, message: &DecodedDns<'_>) -> bool;
    /// A packet that looks like RTP. How many packets count as RTP now that did not before: 0 while it is doubtful, those
    /// before it too once it is not.
    fn rtp(&mut self, facts: &RtpFacts, packet: &DecodedMedia<'_>, memo: &mut StreamMemo) -> u32;
    /// A packet of RTP on a flow that such a memo was kept of, with nothing to it that its payload or its ends would
    /// matter for. `false`: it was not taken, and is for [`Sink::rtp`].
    fn usual_rtp(
        &mut self,
        facts: &RtpFacts,
        memo: StreamMemo,
        time: Nanos,
        frame: FrameRef,
        dscp: u8,
    ) -> bool;
    /// A packet of RTCP.
    fn rtcp(&mut self, packet: &DecodedMedia<'_>);
    /// A datagram that looks like UDPTL, as many others do. How many packets count as fax now that did not before.
    fn fax(&mut self, packet: &DecodedMedia<'_>) -> u32;
    /// A datagram of DTLS or ZRTP, by which two ends agree on the keys of their media.
    fn key_exchange(&mut self, packet: &DecodedMedia<'_>);
    /// Media counted since the last time on one flow.
    fn media(&mut self, tally: &MediaTally);
    /// Starts a TLS session; its number serves [`Sink::tls`].
    fn tls_start(&mut self, session: TlsSession) -> usize;
    /// The session of that number.
    fn tls(&mut self, session: usize) -> Option<&mut TlsSession>;
    fn websocket_start(&mut self);
    /// A question for SQL Server instances, or its answer; as [`Sink::sip`].
    fn sqlr(&mut self, message: &DecodedSqlr<'_>) -> bool;
    /// A connection to SQL Server went a step on.
    fn tds(&mut self, message: &DecodedTds<'_>);
    /// A connection opens or is refused. `true`: it may be one that such a question led to.
    fn tcp_sign(&mut self, sign: &TcpSign) -> bool;
    /// The transport under some messages broke. `true`: under a question for SQL Server instances or what it led to.
    fn broken(&mut self, breakage: &Breakage) -> bool;
    /// An ICMP error about a packet of media, or about one of which it quotes too little to tell.
    fn media_error(&mut self, error: &MediaError);
    fn issue(&mut self, code: &'static str, frame: FrameRef, text: String);
}
