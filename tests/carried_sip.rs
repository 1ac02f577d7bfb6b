//! SIP that is seen only inside a relay: in channels, Send and Data, and behind an active destination.

use std::net::SocketAddr;

use callscope::correlate::{Analysis, CallState, MsgIdx, Transport, flag};

use crate::bad_input::{paced, read, request, tcp, udp};

const CLIENT: u16 = 40_000;
const SERVER: &str = "10.0.0.2:5060";
const RELAYED: &str = "203.0.113.9:50000";
const PEER: &str = "192.0.2.66:5062";

/// RFC 8489 §5, with a cookie; values padded.
fn stun(kind: u16, id: u8, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend((value.len() as u16).to_be_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut m = kind.to_be_bytes().to_vec();
    m.extend((body.len() as u16).to_be_bytes());
    m.extend([0x21, 0x12, 0xa4, 0x42]);
    m.extend([id; 12]);
    m.extend(body);
    m
}

/// [MS-TURN] §2.2: MAGIC-COOKIE first, a transaction id of 128 bits, no padding.
fn ms_turn(kind: u16, id: u8, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = vec![0, 0x0f, 0, 4, 0x72, 0xc6, 0x4b, 0xc6];
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend((value.len() as u16).to_be_bytes());
        body.extend(value);
    }
    let mut m = kind.to_be_bytes().to_vec();
    m.extend((body.len() as u16).to_be_bytes());
    m.extend([id; 16]);
    m.extend(body);
    m
}

fn address(at: &str, mask: u32) -> Vec<u8> {
    let SocketAddr::V4(a) = at.parse().expect("an address") else { panic!("IPv4") };
    let mut value = vec![0, 1];
    value.extend((a.port() ^ (mask >> 16) as u16).to_be_bytes());
    value.extend((a.ip().to_bits() ^ mask).to_be_bytes());
    value
}

const COOKIE: u32 = 0x2112_a442;

fn channel(payload: &[u8]) -> Vec<u8> {
    [&[0x40, 1][..], &(payload.len() as u16).to_be_bytes(), payload].concat()
}

/// The same frame the other way.
fn back(mut frame: Vec<u8>) -> Vec<u8> {
    let (a, b) = (frame[26..30].to_vec(), frame[30..34].to_vec());
    frame[26..30].copy_from_slice(&b);
    frame[30..34].copy_from_slice(&a);
    let ports = (frame[34..36].to_vec(), frame[36..38].to_vec());
    frame[34..36].copy_from_slice(&ports.1);
    frame[36..38].copy_from_slice(&ports.0);
    frame
}

fn out(payload: &[u8]) -> Vec<u8> {
    udp(CLIENT, payload)
}

fn invite() -> Vec<u8> {
    request("INVITE", "inside", "", "")
}

fn ok() -> Vec<u8> {
    let text = String::from_utf8(invite()).expect("text");
    let text = text.replacen("INVITE sip:bob@example.com SIP/2.0", "SIP/2.0 200 OK", 1);
    text.replace("To: <sip:bob@example.com>", "To: <sip:bob@example.com>;tag=2").into_bytes()
}

/// An allocation of RFC 8656 with a channel to the peer.
fn allocated() -> Vec<Vec<u8>> {
    let (relayed, peer) = (address(RELAYED, COOKIE), address(PEER, COOKIE));
    let number = vec![0x40, 1, 0, 0];
    vec![
        out(&stun(0x0003, 1, &[(0x0019, vec![17, 0, 0, 0])])),
        back(out(&stun(0x0103, 1, &[(0x0016, relayed), (0x000d, vec![0, 0, 2, 88])]))),
        out(&stun(0x0009, 2, &[(0x000c, number), (0x0012, peer)])),
        back(out(&stun(0x0109, 2, &[]))),
    ]
}

/// The call went between the relayed address and the peer, over `transport`; its messages can be read again.
#[track_caller]
fn through_relay(a: &Analysis, from: &str, transport: Transport, frames: &[u32]) {
    assert_eq!((a.calls.len(), a.dialogs.len(), a.messages.len()), (1, 0, 2));
    assert_eq!(a.calls[0].summary.state, CallState::Answered);
    let flow = a.flow(a.messages[0].flow);
    assert_eq!((flow.src.to_string().as_str(), flow.dst.to_string().as_str()), (from, PEER));
    assert_eq!(flow.transport, transport);
    assert_eq!(a.flow(a.messages[1].flow).src.to_string(), PEER);
    assert_eq!(a.message_bytes(MsgIdx(0)).expect("readable"), invite());
    assert_eq!(a.message_bytes(MsgIdx(1)).expect("readable"), ok());
    let of_first: Vec<u32> = a.frames_of(MsgIdx(0)).iter().map(|f| f.frame).collect();
    assert_eq!(of_first, frames);
    assert_eq!((a.sip.messages, a.sip.duplicates, a.sip.retransmissions), (2, 0, 0));
    let peer = &a.stun.allocations[0].peers[0];
    assert_eq!((peer.sent_packets > 0, peer.received_packets > 0), (true, true));
}

#[test]
fn in_channels() {
    let mut frames = allocated();
    frames.push(out(&channel(&invite())));
    frames.push(back(out(&channel(&ok()))));
    let a = read(&paced(&frames));
    through_relay(&a, RELAYED, Transport::Udp, &[5]);
    assert_eq!(a.stun.statistics.by_type().get("ChannelData"), Some(&2));
    // Of a channel nobody saw bound the peer is not known; the call is there all the same.
    let a = read(&paced(&frames[4..]));
    assert_eq!(a.flow(a.messages[0].flow).dst.to_string(), SERVER);
    assert_eq!((a.calls.len(), a.stun.allocations.len()), (1, 0));
}

#[test]
fn in_send_and_data() {
    let mut frames = allocated();
    let peer = || address(PEER, COOKIE);
    frames.push(out(&stun(0x0016, 3, &[(0x0012, peer()), (0x0013, invite())])));
    frames.push(back(out(&stun(0x0017, 4, &[(0x0012, peer()), (0x0013, ok())]))));
    through_relay(&read(&paced(&frames)), RELAYED, Transport::Udp, &[5]);
}

#[test]
fn copies_are_no_retransmissions() {
    // The relay's other side was captured too: the INVITE behind its ChannelData, the 200 before it.
    let outside = |from: &str, to: &str, payload: &[u8]| {
        let mut f = out(payload);
        for (at, a) in [(26, from), (30, to)] {
            let SocketAddr::V4(a) = a.parse().expect("an address") else { panic!("IPv4") };
            f[at..at + 4].copy_from_slice(&a.ip().octets());
            let port = if at == 26 { 34 } else { 36 };
            f[port..port + 2].copy_from_slice(&a.port().to_be_bytes());
        }
        f
    };
    let mut frames = allocated();
    frames.push(out(&channel(&invite())));
    frames.push(outside(RELAYED, PEER, &invite()));
    frames.push(outside(PEER, RELAYED, &ok()));
    frames.push(back(out(&channel(&ok()))));
    let a = read(&paced(&frames));
    assert_eq!((a.calls.len(), a.messages.len()), (1, 4));
    assert_eq!((a.sip.retransmissions, a.sip.duplicates), (0, 2));
    // Sent again in the channel it is one.
    let mut again = back(out(&channel(&ok())));
    again[18..20].copy_from_slice(&[0, 9]);
    frames.push(again);
    assert_eq!(read(&paced(&frames)).sip.retransmissions, 1);
}

/// An MS-TURN allocation whose active destination is the peer: requests and answers.
fn active() -> [(bool, Vec<u8>); 4] {
    [
        (true, ms_turn(0x0003, 1, &[])),
        (false, ms_turn(0x0103, 1, &[(0x0001, address(RELAYED, 0)), (0x000d, vec![0, 0, 2, 88])])),
        (true, ms_turn(0x0006, 2, &[(0x0011, address(PEER, 0))])),
        (false, ms_turn(0x0106, 2, &[])),
    ]
}

#[test]
fn behind_an_active_destination() {
    let turn = active().map(|(there, m)| if there { out(&m) } else { back(out(&m)) });
    let mut frames = turn.to_vec();
    frames.push(out(&invite()));
    frames.push(back(out(&ok())));
    let a = read(&paced(&frames));
    assert_eq!(a.stun.allocations[0].active.map(|p| p.to_string()), Some(PEER.to_owned()));
    through_relay(&a, RELAYED, Transport::Udp, &[5]);
}

/// A TCP connection to a server's port: its opening, and what is said on it (whether from the client, and what).
fn talk(port: u16, said: &[(bool, Vec<u8>)]) -> Vec<Vec<u8>> {
    let mut seq = [1000u32, 1];
    let mut syn = tcp((CLIENT, port), 999, 2, b"");
    syn[42..46].copy_from_slice(&0u32.to_be_bytes());
    let mut syn_ack = back(tcp((CLIENT, port), 0, 0x12, b""));
    syn_ack[38..46].copy_from_slice(&[0, 0, 0, 0, 0, 0, 3, 232]);
    let mut frames = vec![syn, syn_ack];
    for (there, bytes) in said {
        let [own, other] = if *there { [0, 1] } else { [1, 0] };
        let mut f = tcp((CLIENT, port), seq[own], 0x18, bytes);
        f[42..46].copy_from_slice(&seq[other].to_be_bytes());
        seq[own] = seq[own].wrapping_add(bytes.len() as u32);
        frames.push(if *there { f } else { back(f) });
    }
    frames
}

#[test]
fn in_microsofts_frames_on_tcp() {
    let frame = |kind: u8, m: &[u8]| [&[kind, 0][..], &(m.len() as u16).to_be_bytes(), m].concat();
    let mut said: Vec<(bool, Vec<u8>)> =
        active().into_iter().map(|(there, m)| (there, frame(2, &m))).collect();
    // A message in two frames, and the second in two segments.
    let (first, second) = (invite()[..100].to_vec(), invite()[100..].to_vec());
    said.push((true, frame(3, &first)));
    let second = frame(3, &second);
    said.push((true, second[..40].to_vec()));
    said.push((true, second[40..].to_vec()));
    said.push((false, frame(3, &ok())));
    let mut frames = talk(443, &said);
    let a = read(&paced(&frames));
    through_relay(&a, RELAYED, Transport::Tcp, &[7, 8, 9]);
    // The beginning of one whose rest is not there.
    frames.truncate(7);
    let a = read(&paced(&frames));
    assert_eq!(a.messages.len(), 1);
    assert!(a.message(MsgIdx(0)).has(flag::CUT));
}

#[test]
fn a_bound_connection_speaks_what_the_peer_speaks() {
    // RFC 6062 §4.3: behind the answer to ConnectionBind nothing is framed by TURN any more.
    let bind = stun(0x000b, 1, &[(0x002a, vec![0, 0, 0, 9])]);
    let bound = stun(0x010b, 1, &[]);
    let (there, here) = ((true, invite()), (false, [bound.clone(), ok()].concat()));
    for said in [
        vec![(true, bind.clone()), (false, bound.clone()), there.clone(), (false, ok())],
        vec![(true, bind.clone()), here, there],
    ] {
        let a = read(&paced(&talk(3478, &said)));
        assert_eq!((a.stun.statistics.messages, a.messages.len()), (2, 2));
        assert!(a.captures[0].issues.is_empty(), "{:?}", a.captures[0].issues);
    }
    // An error binds nothing.
    let refused = stun(0x011b, 1, &[(0x0009, vec![0, 0, 4, 47])]);
    let a = read(&paced(&talk(3478, &[(true, bind), (false, refused), (true, invite())])));
    assert_eq!((a.stun.statistics.messages, a.messages.len()), (2, 0));
}

#[test]
fn in_multiplexed_turn() {
    // [MS-TURN] frames it on UDP as on TCP: FF 10, length, session, data.
    let frame = |data: &[u8]| {
        let len = (data.len() as u16 + 8).to_be_bytes();
        [&[0xff, 0x10, len[0], len[1]][..], &[7; 8], data].concat()
    };
    let check = stun(0x0101, 3, &[(0x0020, address("192.0.2.1:5000", COOKIE))]);
    let mut cut = frame(&check);
    cut.pop();
    let frames = [out(&frame(&check)), out(&frame(&invite())), back(out(&frame(&ok()))), out(&cut)];
    let a = read(&paced(&frames));
    assert_eq!((a.stun.statistics.messages, a.messages.len()), (1, 2));
    assert_eq!(a.captures[0].accounting.other_traffic, 1);
}
