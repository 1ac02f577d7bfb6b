//! How two ends agree on keys for media on its own flow: DTLS (RFC 5764) and ZRTP (RFC 6189), each as one event with its
//! outcome.

use callscope_parsers::dtls::{
    self, Assembly, Handshake, RecordBody, content, handshake as message, parse_dtls,
};
use callscope_parsers::zrtp::{ZrtpMessage, parse_zrtp};
use hashbrown::HashMap;

use crate::capture::{FrameRef, Nanos};
use crate::correlate::Analysis;
use crate::correlate::model::*;
use crate::decode::DecodedMedia;

/// Exchanges under way whose certificates are put together; more get theirs only where it comes in one piece.
const ASSEMBLED: usize = 128;
/// Bytes of a certificate kept.
const CERTIFICATE: usize = 4 << 10;
/// DTLS 1.3, whose certificates are encrypted.
const DTLS_1_3: u16 = 0xFEFC;

/// Which protocol it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyProtocol {
    Dtls,
    Zrtp,
}

/// Where an exchange stands, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyState {
    /// One end asked, and no answer was seen.
    Unanswered,
    /// Both spoke.
    Started,
    /// The keys are there.
    Done,
    /// An alert or an error ended it before they were.
    Failed,
}

/// What ended an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFailure {
    /// Alert description of TLS, or ZRTP's error code.
    pub code: u32,
    pub frame: FrameRef,
    pub time: Nanos,
    /// The end that asked first says so.
    pub from_client: bool,
}

/// One exchange of keys.
#[derive(Debug)]
pub struct KeyExchange {
    pub protocol: KeyProtocol,
    /// From the end that asked first (of DTLS: the client).
    pub flow: FlowId,
    /// TURN channel; 0 for none.
    pub channel: u16,
    /// Between the relayed address and the peer, where Send or Data named it.
    pub path: Option<FlowId>,
    pub state: KeyState,
    pub first: Nanos,
    pub first_frame: FrameRef,
    /// When the keys were there (with the last message of that).
    pub done: Option<(Nanos, FrameRef)>,
    /// Of DTLS: as on the wire, 0xFEFD is 1.2; 0 while unknown.
    pub version: u16,
    /// Cipher suite and SRTP profile (IANA) that the server chose.
    pub cipher: Option<u16>,
    pub srtp_profile: Option<u16>,
    /// The client did not offer SRTP at all.
    pub without_srtp: bool,
    /// DER of the certificates, client's and server's, where in clear.
    pub certificates: [Option<Box<[u8]>>; 2],
    /// Hellos (of ZRTP: Commits) of the client: more than one are retransmissions, or follow a cookie.
    pub asked: u32,
    pub failure: Option<KeyFailure>,
    /// Of the client's hello: the same in one that is sent again, another in that of another exchange.
    random: Option<[u8; 32]>,
    /// Messages with records behind ChangeCipherSpec, by side.
    finished: [bool; 2],
    assembly: [Option<Box<Assembly>>; 2],
}

/// All exchanges.
#[derive(Debug, Default)]
pub struct KeyExchanges {
    pub list: Vec<KeyExchange>,
    /// Newest of a pair of flows (the smaller id first).
    table: HashMap<(FlowId, FlowId), u32>,
    /// How many put certificates together.
    assembling: usize,
}

impl KeyExchanges {
    /// The exchanges on a flow, either way.
    pub fn on(&self, flow: FlowId, back: Option<FlowId>) -> impl Iterator<Item = &KeyExchange> {
        self.list.iter().filter(move |k| k.flow == flow || Some(k.flow) == back)
    }

    fn begin(&mut self, protocol: KeyProtocol, key: (FlowId, FlowId), at: &At<'_>) -> usize {
        let assembles = protocol == KeyProtocol::Dtls && self.assembling < ASSEMBLED;
        self.assembling += usize::from(assembles);
        let new_assembly = || assembles.then(Box::default);
        self.list.push(KeyExchange {
            protocol,
            flow: at.flow,
            channel: at.packet.channel,
            path: at.path,
            state: KeyState::Unanswered,
            first: at.packet.time,
            first_frame: at.packet.frame,
            done: None,
            version: 0,
            cipher: None,
            srtp_profile: None,
            without_srtp: false,
            certificates: [None, None],
            asked: 0,
            failure: None,
            random: None,
            finished: [false; 2],
            assembly: [new_assembly(), new_assembly()],
        });
        self.table.insert(key, (self.list.len() - 1) as u32);
        self.list.len() - 1
    }

    fn settle(&mut self, at: usize) {
        let Some(k) = self.list.get_mut(at) else { return };
        if k.state >= KeyState::Done && k.assembly.iter().any(Option::is_some) {
            k.assembly = [None, None];
            self.assembling = self.assembling.saturating_sub(1);
        }
    }
}

/// The random of a ClientHello without its header, behind its version (RFC 5246 §7.4.1.2).
fn hello_random(body: &[u8]) -> Option<[u8; 32]> {
    body.get(2..34)?.try_into().ok()
}

/// Where a message came.
struct At<'a> {
    packet: &'a DecodedMedia<'a>,
    flow: FlowId,
    path: Option<FlowId>,
}

impl Analysis {
    /// Takes a datagram of DTLS or ZRTP beside media. `path`: as in [`KeyExchange::path`].
    pub fn add_key_exchange(&mut self, packet: &DecodedMedia<'_>, path: Option<FlowId>) {
        if packet.duplicate {
            return;
        }
        let Some(flow) = self.media_flow(packet) else { return };
        let Some(back) = self.flow_of(packet.dst, packet.src, packet.transport) else { return };
        let key = if flow <= back { (flow, back) } else { (back, flow) };
        let known = self.media.keys.table.get(&key).map(|at| *at as usize);
        let at = At { packet, flow, path };
        let room = self.media.keys.list.len() < self.limits.tls_sessions;
        let used = match packet.bytes.first() {
            Some(16..=19) => self.media.keys.zrtp(known, key, &at, room),
            _ => self.media.keys.dtls(known, key, &at, room),
        };
        if !used && !room {
            self.note_limit("limit-tls-sessions", packet.frame, "more key exchanges are not followed");
        }
    }
}

impl KeyExchanges {
    /// `false`: nothing was kept of it.
    fn dtls(&mut self, known: Option<usize>, key: (FlowId, FlowId), at: &At<'_>, room: bool) -> bool {
        let read = parse_dtls(at.packet.bytes);
        let hello = read.handshakes().find(|f| f.message_type == message::CLIENT_HELLO && f.offset == 0);
        let says_hello = hello.is_some();
        let random = hello.and_then(|f| hello_random(at.packet.bytes.get(f.body.clone())?));
        let running = known.filter(|k| self.list.get(*k).is_some_and(|k| k.protocol == KeyProtocol::Dtls));
        let index = match running {
            // A hello behind the end of an exchange begins another, unless it is that exchange's own, sent again.
            Some(k)
                if !says_hello
                    || self.list.get(k).is_some_and(|k| {
                        k.state < KeyState::Done || k.random.is_some() && k.random == random
                    }) =>
            {
                k
            }
            _ if !room => return false,
            _ if says_hello || running.is_none() => self.begin(KeyProtocol::Dtls, key, at),
            Some(k) => k,
            None => return false,
        };
        let Some(k) = self.list.get_mut(index) else { return false };
        if says_hello && k.asked == 0 && k.flow != at.flow && k.state == KeyState::Unanswered {
            // Joined midway, the other way round than it turns out.
            k.flow = at.flow;
        }
        let side = usize::from(at.flow != k.flow);
        if side == 1 && k.state == KeyState::Unanswered {
            k.state = KeyState::Started;
        }
        k.path = at.path.or(k.path);
        k.random = random.filter(|_| side == 0).or(k.random);
        for record in &read.records {
            match &record.body {
                RecordBody::Handshake(fragments) => {
                    for f in fragments {
                        let mut whole = None;
                        if let Some(assembly) = &mut k.assembly[side] {
                            whole = assembly.push(at.packet.bytes, f);
                        }
                        let body = at.packet.bytes.get(f.body.clone()).unwrap_or_default();
                        match (&whole, &f.message) {
                            (Some((bytes, said)), _) => k.hear(side, said, bytes),
                            (None, Some(said)) => k.hear(side, said, body),
                            (None, None) => {}
                        }
                    }
                }
                RecordBody::Alert { level, description } => {
                    let fatal = *level == 2 || (*description != 0 && k.state < KeyState::Done);
                    if fatal && k.state < KeyState::Done {
                        k.fail(u32::from(*description), at, side);
                    }
                }
                // Behind ChangeCipherSpec the first is Finished.
                RecordBody::Encrypted if record.epoch > 0 => {
                    let is_handshake = record.content_type.is_none_or(|t| t == content::HANDSHAKE);
                    if is_handshake || record.content_type == Some(content::APPLICATION_DATA) {
                        k.finished[side] = true;
                    }
                    if record.content_type == Some(content::ALERT) && k.state < KeyState::Done {
                        // Its content is encrypted: closing before the end is a failure all the same.
                        k.fail(u32::MAX, at, side);
                    }
                }
                _ => {}
            }
        }
        if k.finished == [true; 2] && k.state < KeyState::Done {
            k.state = KeyState::Done;
            k.done = Some((at.packet.time, at.packet.frame));
        }
        self.settle(index);
        true
    }

    fn zrtp(&mut self, known: Option<usize>, key: (FlowId, FlowId), at: &At<'_>, room: bool) -> bool {
        let Some(read) = parse_zrtp(at.packet.bytes) else { return true };
        let running = known.filter(|k| self.list.get(*k).is_some_and(|k| k.protocol == KeyProtocol::Zrtp));
        let index = match running {
            Some(k) => k,
            None if !room => return false,
            None => self.begin(KeyProtocol::Zrtp, key, at),
        };
        let Some(k) = self.list.get_mut(index) else { return false };
        let side = usize::from(at.flow != k.flow);
        k.path = at.path.or(k.path);
        if side == 1 && k.state == KeyState::Unanswered {
            k.state = KeyState::Started;
        }
        match (read.message_type.as_str(), &read.message) {
            ("Hello", _) => k.asked += u32::from(side == 0),
            (_, ZrtpMessage::Error { code }) if k.state < KeyState::Done => k.fail(*code, at, side),
            ("Conf2ACK", _) if k.state < KeyState::Done => {
                k.state = KeyState::Done;
                k.done = Some((at.packet.time, at.packet.frame));
            }
            _ => {}
        }
        true
    }
}

impl KeyExchange {
    fn hear(&mut self, side: usize, said: &Handshake, body: &[u8]) {
        match said {
            Handshake::ClientHello { version, versions, srtp_profiles, whole, .. } if side == 0 => {
                self.asked += 1;
                if self.cipher.is_none() {
                    self.version = versions.iter().copied().min().unwrap_or(*version);
                }
                self.without_srtp = *whole && srtp_profiles.is_empty();
            }
            Handshake::ServerHello { version, cipher, srtp_profile, retry: false, .. } if side == 1 => {
                (self.version, self.cipher) = (*version, Some(*cipher));
                self.srtp_profile = *srtp_profile;
            }
            Handshake::Certificate { der, .. } => {
                let der = body.get(der.clone()).filter(|d| !d.is_empty() && d.len() <= CERTIFICATE);
                if let Some(der) = der {
                    self.certificates[side].get_or_insert_with(|| der.into());
                }
            }
            _ => {}
        }
    }

    fn fail(&mut self, code: u32, at: &At<'_>, side: usize) {
        self.state = KeyState::Failed;
        let (frame, time) = (at.packet.frame, at.packet.time);
        self.failure = Some(KeyFailure { code, frame, time, from_client: side == 0 });
    }

    /// The hash of a side's certificate as `a=fingerprint` writes it; none where it was not seen in clear, or the hash
    /// function is not known. 0: client, 1: server.
    pub fn fingerprint(&self, side: usize, hash: &str) -> Option<String> {
        dtls::fingerprint(hash, self.certificates.get(side)?.as_deref()?)
    }

    /// Certificates cannot be seen.
    pub fn hides_certificates(&self) -> bool {
        self.version == DTLS_1_3
    }
}
