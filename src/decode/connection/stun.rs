//! STUN and TURN on a TCP connection: RFC framing, RFC 4571, Microsoft's two-byte frames with or without the hello
//! that only looks like TLS, multiplexed TURN.

use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::stun::stream::{
    FrameKind, Framing, Opening, StreamFraming, StreamGuess, goes_on_as_pseudo_tls, probe_stun_stream,
    pseudo_tls_client_hello, pseudo_tls_server_hello,
};

use super::{Arrival, Connection, Context, Half, Mode};
use crate::decode::stun::{DecodedAt, InChannel, MediaKind, MediaTally, give, in_channel};
use crate::decode::{Place, Sink, Transport};

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
}

impl StunState {
    /// What the first bytes of one direction say; `Err`: more bytes are needed to tell.
    pub fn guess(start: &[u8]) -> Result<Option<Self>, ()> {
        let phases = |phase| [phase; 2];
        let of = |framing, phases| Ok(Some(Self { framing, phases, hellos: Default::default() }));
        match probe_stun_stream(start) {
            StreamGuess::Framed(framing) => of(framing, phases(Phase::Frames)),
            StreamGuess::PseudoTls => of(StreamFraming::Microsoft, phases(Phase::Hello)),
            StreamGuess::NeedMore(_) => Err(()),
            StreamGuess::Unknown => Ok(None),
        }
    }

    pub fn lost(&mut self, direction: usize) {
        self.phases[direction] = Phase::Lost;
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
                        if let Some((frame, time)) = half.frames(from, to.max(from + 1), cx.parts) {
                            let place = Place::Memory(bytes);
                            let transport = Transport::Tcp;
                            let (duplicate, cut) = (false, false);
                            let at = DecodedAt { place, frame, time, src, dst, transport, duplicate, cut };
                            self.over_limit |= !frame_payload(kind, bytes, &at, sink);
                        }
                        at += consumed.max(1);
                    }
                },
            }
        }
        half.consume(at);
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

/// `false`: a limit was hit and it was not kept.
fn frame_payload(kind: FrameKind, bytes: &[u8], at: &DecodedAt<'_>, sink: &mut impl Sink) -> bool {
    let mut media = |channel, kind, len| {
        let (src, dst, transport) = (at.src, at.dst, at.transport);
        sink.media(&MediaTally::one(src, dst, transport, channel, kind, len, at.time, at.frame));
        true
    };
    match kind {
        FrameKind::Stun | FrameKind::Control | FrameKind::Unframed => give(bytes, at, sink),
        FrameKind::ChannelData => match in_channel(bytes) {
            Some(InChannel::Media(channel, kind, len)) => media(channel, kind, len),
            Some(InChannel::Stun) => give(bytes, at, sink),
            None => true,
        },
        FrameKind::Packet | FrameKind::EndToEnd | FrameKind::Multiplexed { .. } => {
            match probe_datagram(bytes) {
                Probe::Stun => give(bytes, at, sink),
                Probe::Rtp => media(0, MediaKind::Rtp, bytes.len()),
                Probe::Rtcp => media(0, MediaKind::Rtcp, bytes.len()),
                _ => true,
            }
        }
    }
}
