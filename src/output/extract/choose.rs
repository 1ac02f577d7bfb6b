//! Which frames belong to a call: those of its messages, and those of the media that its SDP announces.
//!
//! The STUN and TURN of a call are its checks, the allocations behind its relay candidates and those tried for it.
//! Of a WebSocket every frame up to the call's last message is taken: without the upgrade nothing tells what the
//! connection speaks, and permessage-deflate (RFC 7692) inflates a message only after all before it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};

use callscope_parsers::{mime, sdp, sip};

use super::read;
use crate::capture::Nanos;
use crate::correlate::{Analysis, CallState, Flow, MsgIdx, Owner, Transport, flag};
use crate::net::{IpPacket, Sliced, slice_frame};
use crate::view::ladder::{CallTraffic, call_traffic};

/// Media may be under way a moment before its SDP and a while after the last message.
const BEFORE: Nanos = 1_000_000_000;
const AFTER: Nanos = 5_000_000_000;
/// Frames read again at once.
const READ: u32 = 4096;
/// Ports of one media section that are followed.
const PORTS: u32 = 16;

/// Frames of each capture, in order, each once.
pub(super) fn frames(analysis: &Analysis, owners: &[Owner], media: bool) -> io::Result<Vec<Vec<u32>>> {
    let mut chosen: Vec<Vec<u32>> = vec![Vec::new(); analysis.captures.len()];
    let mut endpoints = Endpoints::default();
    for &owner in owners {
        let (list, open) = match owner {
            Owner::Call(c) => {
                let call = analysis.call(c);
                (call.messages, call.summary.state == CallState::Answered)
            }
            Owner::Dialog(d) => (analysis.dialog(d).messages, false),
        };
        for broken in analysis.breakages(owner) {
            if let Some(frames) = chosen.get_mut(usize::from(broken.frame.capture.0)) {
                frames.push(broken.frame.frame);
            }
        }
        let (mut first, mut last) = (Nanos::MAX, Nanos::MIN);
        let mut addresses = HashSet::new();
        for m in analysis.messages_of(list) {
            let record = analysis.message(m);
            first = first.min(record.time);
            last = last.max(record.time);
            for frame in analysis.frames_of(m) {
                if let Some(frames) = chosen.get_mut(usize::from(frame.capture.0)) {
                    frames.push(frame.frame);
                }
            }
            let flow = analysis.flow(record.flow);
            if matches!(flow.transport, Transport::Ws | Transport::Wss) {
                let until = endpoints.sockets.entry(ends(flow.src, flow.dst)).or_insert(record.time);
                *until = record.time.max(*until);
            }
            if media && (record.has(flag::SDP) || record.candidates > 0) {
                announced(analysis, m, &mut addresses);
            }
        }
        let until = if open { Nanos::MAX } else { last.saturating_add(AFTER) };
        if let Owner::Call(c) = owner {
            relayed(analysis, &call_traffic(analysis, c), until, media, &mut endpoints, &mut chosen);
        }
        for address in addresses {
            endpoints.add(address, first.saturating_sub(BEFORE), until);
        }
    }
    if !endpoints.media.is_empty() || !endpoints.sockets.is_empty() {
        for (capture, frames) in chosen.iter_mut().enumerate() {
            read_frames(analysis, capture, &endpoints, frames)?;
        }
    }
    for frames in &mut chosen {
        frames.sort_unstable();
        frames.dedup();
    }
    Ok(chosen)
}

/// Frames of a connection in each capture.
pub(super) fn connection(analysis: &Analysis, flow: &Flow) -> io::Result<Vec<Vec<u32>>> {
    let mut endpoints = Endpoints::default();
    endpoints.connection(flow.src, flow.dst, Nanos::MAX);
    let mut chosen: Vec<Vec<u32>> = vec![Vec::new(); analysis.captures.len()];
    for (capture, frames) in chosen.iter_mut().enumerate() {
        read_frames(analysis, capture, &endpoints, frames)?;
    }
    Ok(chosen)
}

/// The STUN and TURN messages of a call. What relays carry in between is told by their clients' addresses and by the
/// relayed ones, and connections are taken whole: no frame of theirs can be left out.
fn relayed(
    analysis: &Analysis,
    traffic: &CallTraffic,
    until: Nanos,
    media: bool,
    endpoints: &mut Endpoints,
    chosen: &mut [Vec<u32>],
) {
    let stun = &analysis.stun;
    let of_allocations = traffic.allocations.iter().flat_map(|a| stun.messages_of(*a));
    for index in of_allocations.chain(traffic.checks()).chain(traffic.bindings.iter().copied()) {
        let Some(record) = stun.record(index) else { continue };
        let frame = record.frame();
        if let Some(frames) = chosen.get_mut(usize::from(frame.capture.0)) {
            frames.push(frame.frame);
        }
        for frame in analysis.unreachable_frames(record) {
            if let Some(frames) = chosen.get_mut(usize::from(frame.capture.0)) {
                frames.push(frame.frame);
            }
        }
        let flow = analysis.flow(record.flow);
        if flow.transport == Transport::Tcp {
            endpoints.connection(flow.src, flow.dst, until);
        }
    }
    for a in traffic.allocations.iter().filter_map(|a| stun.allocations.get(a.0 as usize)) {
        if a.transport == Transport::Tcp {
            endpoints.connection(a.client, a.server, until);
        } else if media {
            for address in [Some(a.client), a.relayed].into_iter().flatten() {
                endpoints.add(address, a.first, until);
            }
        }
    }
}

/// What is of interest beside the frames of the messages.
#[derive(Default)]
struct Endpoints {
    /// Media addresses and when.
    media: HashMap<SocketAddr, Vec<(Nanos, Nanos)>>,
    /// WebSocket connections, and those that carry STUN, by their ends, and until when.
    sockets: HashMap<(SocketAddr, SocketAddr), Nanos>,
}

/// The ends of a connection, whichever direction is told.
fn ends(a: SocketAddr, b: SocketAddr) -> (SocketAddr, SocketAddr) {
    (a.min(b), a.max(b))
}

impl Endpoints {
    fn add(&mut self, address: SocketAddr, from: Nanos, until: Nanos) {
        let spans = self.media.entry(address).or_default();
        match spans.last_mut() {
            Some(last) if from <= last.1 && last.0 <= until => *last = (last.0.min(from), last.1.max(until)),
            _ => spans.push((from, until)),
        }
    }

    fn connection(&mut self, a: SocketAddr, b: SocketAddr, until: Nanos) {
        let known = self.sockets.entry(ends(a, b)).or_insert(until);
        *known = until.max(*known);
    }

    fn has(&self, address: SocketAddr, time: Nanos) -> bool {
        self.media.get(&address).is_some_and(|spans| spans.iter().any(|s| s.0 <= time && time <= s.1))
    }

    fn has_socket(&self, a: SocketAddr, b: SocketAddr, time: Nanos) -> bool {
        self.sockets.get(&ends(a, b)).is_some_and(|until| time <= *until)
    }
}

/// The media addresses that the SDP bodies of a message announce.
fn announced(analysis: &Analysis, message: MsgIdx, out: &mut HashSet<SocketAddr>) {
    let Ok(bytes) = analysis.message_bytes(message) else { return };
    let Some(parsed) = sip::parse_message(&bytes) else { return };
    let content_type = parsed.header("Content-Type").map(|h| h.value.to_vec()).unwrap_or_default();
    let (part, _) = mime::parse_body(&bytes, parsed.body.clone(), &content_type);
    sdp_parts(&bytes, &part, out);
}

fn sdp_parts(bytes: &[u8], part: &mime::Part, out: &mut HashSet<SocketAddr>) {
    for inner in &part.parts {
        sdp_parts(bytes, inner, out);
    }
    let media_type = part.media_type.trim();
    if part.parts.is_empty() && (media_type.starts_with("application/sdp") || media_type.is_empty()) {
        sdp_addresses(bytes.get(part.content.clone()).unwrap_or_default(), out);
    }
}

fn sdp_addresses(body: &[u8], out: &mut HashSet<SocketAddr>) {
    let session = sdp::parse_sdp(body);
    let mut add = |ip: Option<IpAddr>, port: u32| {
        if let (Some(ip), Ok(port)) = (ip, u16::try_from(port))
            && port > 0
            && !ip.is_unspecified()
        {
            out.insert(SocketAddr::new(ip, port));
        }
    };
    for media in &session.media {
        let connection = media.connection.as_ref().or(session.connection.as_ref());
        let ip = connection.and_then(|c| c.ip);
        if media.port > 0 {
            for n in 0..media.port_count.clamp(1, PORTS) {
                let port = media.port.saturating_add(2 * n);
                add(ip, port);
                add(ip, port.saturating_add(1));
            }
        }
        if let Some((port, address)) = media.rtcp {
            add(address.or(ip), port);
        }
        for candidate in media.candidates() {
            candidate_addresses(&candidate, &mut add);
        }
    }
}

/// A candidate's own address and the one it is related to.
fn candidate_addresses(candidate: &sdp::Candidate<'_>, add: &mut impl FnMut(Option<IpAddr>, u32)) {
    add(candidate.address.ip, candidate.port.map_or(0, u32::from));
    if let Some(related) = candidate.related {
        add(related.address.and_then(|a| a.ip), related.port.map_or(0, u32::from));
    }
}

/// Fragments of one datagram.
type DatagramKey = (IpAddr, IpAddr, u8, u32);

fn datagram_key(ip: &IpPacket<'_>) -> DatagramKey {
    (ip.src, ip.dst, ip.protocol, ip.id)
}

fn read_frames(
    analysis: &Analysis,
    capture: usize,
    endpoints: &Endpoints,
    chosen: &mut Vec<u32>,
) -> io::Result<()> {
    let total = analysis.captures.get(capture).map_or(0, |c| u32::try_from(c.frames).unwrap_or(u32::MAX));
    let limits = &analysis.limits;
    // Fragments met before the one with the ports, and datagrams known to be wanted. A datagram's fragments come
    // close together, so both are emptied when they are full.
    let mut waiting: HashMap<DatagramKey, Vec<u32>> = HashMap::new();
    let mut held = 0;
    let mut wanted: HashSet<DatagramKey> = HashSet::new();
    let mut next = 1;
    while next <= total {
        let batch = read(analysis, capture, next, READ.min(total - next + 1))?;
        if batch.frames.is_empty() {
            break;
        }
        for (frame, head) in (next..).zip(&batch.frames) {
            let start = head.start as usize;
            let bytes =
                batch.bytes.get(start..start.saturating_add(head.caplen as usize)).unwrap_or_default();
            let Some(&link) = batch.links.get(head.interface as usize) else { continue };
            let is_media = |src, dst| endpoints.has(src, head.time) || endpoints.has(dst, head.time);
            match slice_frame(link, bytes, head.origlen, limits) {
                Sliced::Udp { src, dst, .. } if is_media(src, dst) => chosen.push(frame),
                Sliced::Tcp { segment, .. }
                    if is_media(segment.src, segment.dst)
                        || endpoints.has_socket(segment.src, segment.dst, head.time) =>
                {
                    chosen.push(frame);
                }
                Sliced::Fragment { ip } => {
                    let key = datagram_key(&ip);
                    let first = ip.fragment.is_none_or(|f| f.offset == 0);
                    if first && ports(&ip).is_some_and(|(src, dst)| is_media(src, dst)) {
                        chosen.push(frame);
                        chosen.extend(waiting.remove(&key).unwrap_or_default());
                        if wanted.len() >= limits.pending_fragments {
                            wanted.clear();
                        }
                        wanted.insert(key);
                    } else if wanted.contains(&key) {
                        chosen.push(frame);
                    } else if !first {
                        if held >= limits.pending_fragments {
                            waiting.clear();
                            held = 0;
                        }
                        waiting.entry(key).or_default().push(frame);
                        held += 1;
                    }
                }
                _ => {}
            }
        }
        next = next.saturating_add(batch.frames.len() as u32);
    }
    Ok(())
}

/// Source and destination of a first fragment.
fn ports(ip: &IpPacket<'_>) -> Option<(SocketAddr, SocketAddr)> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    let [a, b, c, d] = *ip.payload.first_chunk::<4>()?;
    matches!(ip.protocol, TCP | UDP).then(|| {
        let (src, dst) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        (SocketAddr::new(ip.src, src), SocketAddr::new(ip.dst, dst))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidate_lines_of_all_dialects() {
        let addresses = |line: &str| {
            let mut found = Vec::new();
            candidate_addresses(&sdp::candidate::parse_candidate(line.as_bytes(), 0), &mut |ip, port| {
                if let Some(ip) = ip {
                    found.push(SocketAddr::new(ip, port as u16).to_string());
                }
            });
            found
        };
        // RFC 8839 §5.1; draft-ietf-mmusic-ice-06 §13 (with a password and a priority between 0 and 1).
        let rfc = "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998";
        assert_eq!(addresses(rfc), ["192.0.2.3:45664", "10.0.1.1:8998"]);
        let draft = "Zxd0+nkfMw3pBOI4jUuGNvGRFyyLhI3lCSy5Aqbs0pI 1 9asZ/dZJNBCxIUGTiCqgnA UDP 0.830 192.168.0.1 50005";
        assert_eq!(addresses(draft), ["192.168.0.1:50005"]);
        assert_eq!(addresses("1 1 UDP 2130706431 fe80::1 4000 typ host"), ["[fe80::1]:4000"]);
    }

    #[test]
    fn addresses_are_of_interest_for_a_while() {
        let mut endpoints = Endpoints::default();
        let a: SocketAddr = "10.0.0.1:4000".parse().expect("address");
        endpoints.add(a, 10, 20);
        endpoints.add(a, 15, 30);
        endpoints.add(a, 50, 60);
        assert!(endpoints.has(a, 10) && endpoints.has(a, 30) && endpoints.has(a, 55));
        assert!(!endpoints.has(a, 40) && !endpoints.has(a, 61));
    }
}
