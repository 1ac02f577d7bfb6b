//! STUN and TURN on a TCP connection: RFC framing, RFC 4571, Microsoft's two-byte frames with or without the hello
//! that only looks like TLS, multiplexed TURN.

use std::net::SocketAddr;

use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::sip::{self, frame_message};
use callscope_parsers::stun::stream::{
    FrameKind, Framing, Opening, StreamFraming, StreamGuess, goes_on_as_pseudo_tls, probe_stun_stream,
    pseudo_tls_client_hello, pseudo_tls_server_hello,
};

use super::{Arrival, Connection, Context, Half, Mode};
use crate::decode::media::{DecodedMedia, MediaKind, MediaPacket, give_packet};
use crate::decode::stun::{DecodedAt, InChannel, give, give_sip, in_channel};
use crate::decode::{Place, Sink, Transport};

/// RFC 8489 §5.
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Bytes without a frame that are looked through for the next one.
const LOST_BYTES: usize = 64 << 10;

/// Where a direction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Microsoft's hello, or TLS, is expected.
    Hello,
    /// Behind a hello of its own, the other side's being still to come.
    Behind,
    Frames,
    /// Looking for the next frame.
    Lost,
}

#[derive(Debug)]
pub(super) struct StunState {
    framing: StreamFraming,
    phases: [Phase; 2],
    /// The hellos, until it is clear that no TLS follows.
    hellos: [Vec<u8>; 2],
    /// SIP in end-to-end data, which keeps no bounds of messages, until it is whole.
    carried: [Half; 2],
}

impl StunState {
    /// What the first bytes of one direction say; `Err`: more bytes are needed to tell.
    pub fn guess(start: &[u8]) -> Result<Option<Self>, ()> {
        let phases = |phase| [phase; 2];
        let of = |framing, phases| {
            Ok(Some(Self { framing, phases, hellos: Default::default(), carried: Default::default() }))
        };
        match probe_stun_stream(start) {
            StreamGuess::Framed(framing) => of(framing, phases(Phase::Frames)),
            StreamGuess::PseudoTls => of(StreamFraming::Microsoft, phases(Phase::Hello)),
            StreamGuess::NeedMore(_) => Err(()),
            StreamGuess::Unknown => Ok(None),
        }
    }

    pub fn lost(&mut self, direction: usize) {
        self.phases[direction] = Phase::Lost;
        self.carried[direction].clear();
    }

    /// Bytes of memory for what is not whole yet.
    pub fn held(&self) -> usize {
        self.carried.iter().map(Half::held).sum()
    }
}

impl Connection {
    pub(super) fn stun(
        &mut self,
        direction: usize,
        arrival: Arrival<'_>,
        cx: &mut Context<'_>,
        sink: &mut impl Sink,
    ) {
        let half = &mut self.halves[direction];
        half.push(arrival.bytes, arrival.frame, arrival.time);
        if half.buf.len() < half.wanted {
            return;
        }
        half.wanted = 0;
        let (src, dst) = self.addresses(direction);
        let Mode::Stun(state) = &mut self.mode else { return };
        let half = &mut self.halves[direction];
        let mut at = 0;
        let mut bound = false;
        while let Some(rest) = half.buf.get(at..).filter(|r| !r.is_empty()) {
            match state.phases[direction] {
                Phase::Hello | Phase::Behind => match hello(state, direction, rest) {
                    Ok(0) => {}
                    Ok(n) => at += n,
                    Err(Opening::NeedMore(n)) => {
                        half.wanted = n;
                        break;
                    }
                    Err(_) => return self.not_stun(direction, at, &arrival, sink),
                },
                Phase::Lost => match state.framing.find_next(rest) {
                    Some(n) => {
                        at += n;
                        state.phases[direction] = Phase::Frames;
                    }
                    None => {
                        at += rest.len().saturating_sub(LOST_BYTES);
                        break;
                    }
                },
                Phase::Frames => match state.framing.frame(rest) {
                    Framing::NeedMore(n) => {
                        half.wanted = n.min(cx.limits.message_bytes);
                        break;
                    }
                    Framing::Reject(why) => {
                        let text = format!("{src} → {dst}: {why}; looking for the next STUN message");
                        sink.issue("stun-stream-out-of-step", arrival.frame, text);
                        state.phases[direction] = Phase::Lost;
                    }
                    Framing::Message { kind, payload, consumed } => {
                        let bytes = rest.get(payload.clone()).unwrap_or_default();
                        let (from, to) = (at + payload.start, at + payload.end);
                        let text = &mut state.carried[direction];
                        let is_text = || !text.buf.is_empty() || probe_datagram(bytes) == Probe::Sip;
                        if kind == FrameKind::EndToEnd && is_text() {
                            half.copy(from..to, text);
                            self.over_limit |= !carried_text(text, false, (src, dst), cx, sink);
                        } else if let Some((frame, time)) = half.frames(from, to.max(from + 1), cx.parts) {
                            let place = Place::Memory(bytes);
                            let transport = Transport::Tcp;
                            let at = DecodedAt {
                                place,
                                frame,
                                parts: cx.parts,
                                time,
                                src,
                                dst,
                                transport,
                                flow: None,
                                duplicate: false,
                                cut: false,
                                dscp: cx.dscp,
                                doubtful: false,
                            };
                            self.over_limit |= !frame_payload(kind, bytes, &at, cx.hasher, sink);
                        }
                        at += consumed.max(1);
                        if binds(bytes) {
                            bound = true;
                            break;
                        }
                    }
                },
            }
        }
        half.consume(at);
        if bound {
            // From here on the connection is the peer's (RFC 6062 §4.3), whatever it speaks.
            self.mode = Mode::Undecided;
            self.take_held(direction, cx, sink);
            self.take_held(1 - direction, cx, sink);
        }
    }

    /// No more bytes will come: the beginning of a message is still one.
    pub(super) fn end_stun(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink) {
        for direction in 0..2 {
            let ends = self.addresses(direction);
            if let Mode::Stun(state) = &mut self.mode {
                self.over_limit |= !carried_text(&mut state.carried[direction], true, ends, cx, sink);
            }
        }
    }

    /// What began like Microsoft's hello is real TLS (or nothing known): it is read again as that.
    fn not_stun(&mut self, direction: usize, at: usize, arrival: &Arrival<'_>, sink: &mut impl Sink) {
        let Mode::Stun(state) = std::mem::take(&mut self.mode) else { return };
        let client = if state.hellos[direction].is_empty() && state.phases[direction] == Phase::Hello {
            1 - direction
        } else {
            direction
        };
        self.halves[direction].consume(at);
        for (half, hello) in self.halves.iter_mut().zip(state.hellos) {
            let earlier = std::mem::take(half);
            *half = Half { buf: [hello, earlier.buf].concat(), ..Half::default() };
        }
        self.start_tls(client, arrival, sink);
    }
}

/// Is it a ConnectionBind success response (RFC 6062 §4.4)?
fn binds(message: &[u8]) -> bool {
    const BOUND: [u8; 2] = [0x01, 0x0b];
    message.starts_with(&BOUND) && message.get(4..8) == Some(&MAGIC_COOKIE)
}

/// Takes a hello or what comes behind it; bytes used up, or what it is instead.
fn hello(state: &mut StunState, direction: usize, rest: &[u8]) -> Result<usize, Opening> {
    let other = 1 - direction;
    let opening = match state.phases[direction] {
        Phase::Behind => goes_on_as_pseudo_tls(rest),
        // The answer to a hello, or the hello itself.
        _ if state.phases[other] != Phase::Hello => pseudo_tls_server_hello(rest),
        _ => match pseudo_tls_client_hello(rest) {
            Opening::Tls | Opening::Other => pseudo_tls_server_hello(rest),
            opening => opening,
        },
    };
    match opening {
        Opening::Pseudo(n) => {
            state.hellos[direction].extend_from_slice(rest.get(..n).unwrap_or_default());
            let proved = state.phases[direction] == Phase::Behind || state.phases[other] != Phase::Hello;
            state.phases[direction] = if proved { Phase::Frames } else { Phase::Behind };
            if proved {
                if state.phases[other] == Phase::Behind {
                    state.phases[other] = Phase::Frames;
                }
                state.hellos = Default::default();
            }
            Ok(n)
        }
        opening => Err(opening),
    }
}

/// Hands on the whole messages of what is carried; `ended`: the rest too, as nothing follows. `false`: a limit was hit.
fn carried_text(
    half: &mut Half,
    ended: bool,
    (src, dst): (SocketAddr, SocketAddr),
    cx: &mut Context<'_>,
    sink: &mut impl Sink,
) -> bool {
    let (mut at, mut kept) = (0, true);
    while let Some(rest) = half.buf.get(at..).filter(|r| !r.is_empty()) {
        let (from, to) = match frame_message(rest, cx.limits.header_bytes, cx.limits.message_bytes) {
            sip::Framing::Message { start, len } => (at + start, at + start + len),
            sip::Framing::KeepAlive(n) => {
                at += n.max(1);
                continue;
            }
            sip::Framing::NeedMore(_) if !ended => break,
            sip::Framing::NeedMore(_) => (at, half.buf.len()),
            // What follows is something else, or too long to be waited for.
            sip::Framing::Reject(_) | sip::Framing::TooLong { .. } => {
                at = half.buf.len();
                break;
            }
        };
        let bytes = half.buf.get(from..to).unwrap_or_default();
        if let Some((frame, time)) = half.frames(from, to, cx.parts) {
            let at = DecodedAt {
                place: Place::Memory(bytes),
                frame,
                parts: cx.parts,
                time,
                src,
                dst,
                transport: Transport::Tcp,
                flow: None,
                duplicate: false,
                cut: ended,
                dscp: cx.dscp,
                doubtful: false,
            };
            kept &= give_sip(bytes, 0, &at, cx.hasher, sink).unwrap_or(true);
        }
        at = to.max(at + 1);
    }
    half.consume(at);
    kept
}

/// `false`: a limit was hit and it was not kept.
fn frame_payload(
    kind: FrameKind,
    bytes: &[u8],
    at: &DecodedAt<'_>,
    hasher: &foldhash::fast::RandomState,
    sink: &mut impl Sink,
) -> bool {
    let carried = |channel, bytes, sink: &mut _| {
        let at = DecodedAt { place: Place::Memory(bytes), ..*at };
        give_sip(bytes, channel, &at, hasher, sink).unwrap_or(true)
    };
    let mut media = |packet: MediaPacket<'_>| {
        let DecodedAt { src, dst, transport, time, frame, dscp, .. } = *at;
        let (bytes, channel) = (packet.bytes, packet.channel);
        let (duplicate, cut) = (false, false);
        let at = DecodedMedia { bytes, src, dst, transport, channel, frame, time, dscp, duplicate, cut };
        give_packet(&packet, &at, sink);
        true
    };
    match kind {
        FrameKind::Stun | FrameKind::Control | FrameKind::Unframed => give(bytes, at, sink),
        FrameKind::ChannelData => match in_channel(bytes) {
            Some(InChannel::Media(packet)) => media(packet),
            Some(InChannel::Sip(channel, bytes)) => carried(channel, bytes, sink),
            Some(InChannel::Stun) => give(bytes, at, sink),
            None => true,
        },
        FrameKind::Packet | FrameKind::EndToEnd | FrameKind::Multiplexed { .. } => {
            match probe_datagram(bytes) {
                Probe::Stun => give(bytes, at, sink),
                Probe::Sip => carried(0, bytes, sink),
                Probe::Rtp => media(MediaPacket::new(0, MediaKind::Rtp, bytes)),
                Probe::Rtcp => media(MediaPacket::new(0, MediaKind::Rtcp, bytes)),
                Probe::Dtls | Probe::Zrtp => media(MediaPacket::new(0, MediaKind::Other, bytes)),
                _ => true,
            }
        }
    }
}
