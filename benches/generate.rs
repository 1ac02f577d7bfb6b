//! Big synthetic captures: calls in overlapping groups, each a whole SIP/SDP dialog with ICE checks and RTP both
//! ways; over UDP, or over TCP with messages split and joined by segments. The same bytes every time.

use std::io::{self, Write};
use std::net::Ipv4Addr;

/// How much of what.
#[derive(Clone, Copy)]
pub struct Load {
    pub calls: u32,
    /// RTP packets a direction of each call.
    pub rtp: u32,
    /// Four STUN checks a call.
    pub stun: bool,
    /// Over one TCP connection a group, in segments of this many bytes.
    pub tcp_segment: Option<usize>,
}

struct Writer<W> {
    out: W,
    buf: Vec<u8>,
}

impl<W: Write> Writer<W> {
    fn record(
        &mut self,
        micros: u64,
        protocol: u8,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        parts: &[&[u8]],
    ) -> io::Result<()> {
        let payload: usize = parts.iter().map(|p| p.len()).sum();
        let len = (34 + payload) as u32;
        self.buf.clear();
        for v in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, len, len] {
            self.buf.extend(v.to_le_bytes());
        }
        self.buf.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
        self.buf.extend(((20 + payload) as u16).to_be_bytes());
        self.buf.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        self.buf.extend(src.octets());
        self.buf.extend(dst.octets());
        for p in parts {
            self.buf.extend_from_slice(p);
        }
        self.out.write_all(&self.buf)
    }

    fn udp(
        &mut self,
        micros: u64,
        src: (Ipv4Addr, u16),
        dst: (Ipv4Addr, u16),
        payload: &[u8],
    ) -> io::Result<()> {
        let mut head = [0; 8];
        head[..2].copy_from_slice(&src.1.to_be_bytes());
        head[2..4].copy_from_slice(&dst.1.to_be_bytes());
        head[4..6].copy_from_slice(&((8 + payload.len()) as u16).to_be_bytes());
        self.record(micros, 17, src.0, dst.0, &[&head, payload])
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a segment")]
    fn tcp(
        &mut self,
        micros: u64,
        src: (Ipv4Addr, u16),
        dst: (Ipv4Addr, u16),
        seq: u32,
        ack: u32,
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let mut head = [0; 20];
        head[..2].copy_from_slice(&src.1.to_be_bytes());
        head[2..4].copy_from_slice(&dst.1.to_be_bytes());
        head[4..8].copy_from_slice(&seq.to_be_bytes());
        head[8..12].copy_from_slice(&ack.to_be_bytes());
        head[12..16].copy_from_slice(&[0x50, flags, 0xff, 0xff]);
        self.record(micros, 6, src.0, dst.0, &[&head, payload])
    }
}

/// One of the seven messages of call `id`; `None` after the last. The flag: from the caller.
fn sip(id: u32, step: usize, a: (Ipv4Addr, u16), b: (Ipv4Addr, u16)) -> Option<(bool, u64, String)> {
    let steps: [(&str, &str, bool, u64); 7] = [
        ("", "INVITE", true, 0),
        ("100 Trying", "INVITE", false, 10_000),
        ("180 Ringing", "INVITE", false, 100_000),
        ("200 OK", "INVITE", false, 300_000),
        ("", "ACK", true, 350_000),
        ("", "BYE", true, 1_100_000),
        ("200 OK", "BYE", false, 1_150_000),
    ];
    let (status, method, forward, offset) = *steps.get(step)?;
    let body = match step {
        0 | 3 => {
            let (ip, port) = if step == 0 { a } else { b };
            format!(
                "v=0\r\no=- {id} 1 IN IP4 {ip}\r\ns=session\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ice-ufrag:{id:07}\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=candidate:1 1 UDP 2130706431 {ip} {port} typ host\r\na=candidate:2 1 UDP 16648703 213.199.141.181 57309 typ relay raddr 213.199.141.181 rport 57309\r\n"
            )
        }
        _ => String::new(),
    };
    let first = if status.is_empty() {
        format!("{method} sip:bob{id}@{} SIP/2.0", b.0)
    } else {
        format!("SIP/2.0 {status}")
    };
    let tag = if step == 0 { String::new() } else { format!(";tag=b{id}") };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let cseq = if method == "BYE" { 2 } else { 1 };
    Some((
        forward,
        offset,
        format!(
            "{first}\r\nVia: SIP/2.0/UDP {}:5060;branch=z9hG4bK-{id}-{method}\r\nMax-Forwards: 70\r\nFrom: \"Alice {id}\" <sip:alice{id}@contoso.com>;tag=a{id};epid=01234abcde\r\nTo: <sip:bob{id}@contoso.com>{tag}\r\nCall-ID: {id:08x}-7a3e-4c21@{}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{}:5060>\r\nUser-Agent: UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            a.0,
            a.0,
            if forward { a.0 } else { b.0 },
            body.len()
        ),
    ))
}

/// Writes the capture; gives how many frames.
pub fn write(out: impl Write, load: Load) -> io::Result<u64> {
    const GROUP: u32 = 50;
    let mut w = Writer { out, buf: Vec::with_capacity(2_048) };
    for v in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
        w.out.write_all(&v.to_le_bytes())?;
    }
    let mut frames = 0;
    for group in (0..load.calls).step_by(GROUP as usize) {
        let start = 1_700_000_000_000_000 + u64::from(group) * 500_000;
        let ids = group..(group + GROUP).min(load.calls);
        let ends = |id: u32| {
            let (a, b) = (0x0a00_0001 + id % 60_000, 0x0a64_0001 + id % 5_000);
            let port = (id % 5_000) as u16 * 2;
            ((Ipv4Addr::from(a), 20_000 + port), (Ipv4Addr::from(b), 30_000 + port))
        };
        // Both directions of the group's TCP connection: next sequence numbers and bytes not sent yet.
        let mut seq = [1_000u32, 500_000];
        let mut pending = [Vec::new(), Vec::new()];
        let (client, server) = (
            (Ipv4Addr::new(10, 1, 0, 1), 40_000 + (group / GROUP % 20_000) as u16),
            (Ipv4Addr::new(10, 1, 0, 2), 5060),
        );
        if load.tcp_segment.is_some() {
            w.tcp(start, client, server, seq[0] - 1, 0, 2, b"")?;
            w.tcp(start + 5, server, client, seq[1] - 1, seq[0], 0x12, b"")?;
            frames += 2;
        }
        for step in 0..7 {
            for id in ids.clone() {
                let (a, b) = ends(id);
                let Some((forward, offset, text)) = sip(id, step, a, b) else { continue };
                let micros = start
                    + u64::from(id - group) * 3_000
                    + offset
                    + if step > 4 { u64::from(load.rtp) * 20_000 } else { 0 };
                match load.tcp_segment {
                    None => {
                        let (src, dst) = if forward { (a.0, b.0) } else { (b.0, a.0) };
                        w.udp(micros, (src, 5060), (dst, 5060), text.as_bytes())?;
                        frames += 1;
                    }
                    Some(size) => {
                        let d = usize::from(!forward);
                        pending[d].extend_from_slice(text.as_bytes());
                        while pending[d].len() >= size || (id + 1 == ids.end && !pending[d].is_empty()) {
                            let n = size.min(pending[d].len());
                            let piece: Vec<u8> = pending[d].drain(..n).collect();
                            let (src, dst) = if forward { (client, server) } else { (server, client) };
                            w.tcp(micros, src, dst, seq[d], seq[1 - d], 0x18, &piece)?;
                            seq[d] = seq[d].wrapping_add(n as u32);
                            frames += 1;
                        }
                    }
                }
            }
            if step != 4 {
                continue;
            }
            for id in ids.clone().filter(|_| load.stun) {
                let (a, b) = ends(id);
                for k in 0..4u8 {
                    let mut s = vec![k & 1, 1, 0, if k & 1 == 0 { 28 } else { 12 }, 0x21, 0x12, 0xa4, 0x42];
                    s.extend(u64::from(id).to_le_bytes());
                    s.extend([k / 2, 0, 0, 0]);
                    match k & 1 {
                        0 => {
                            s.extend([0, 6, 0, 15]);
                            s.extend(format!("{id:07}:{id:07}").as_bytes());
                            s.extend([0, 0, 0x24, 0, 4, 0x6e, 0, 0, 0]);
                        }
                        _ => s.extend([0, 0x20, 0, 8, 0, 1, 1, 1, 1, 0, 0, 0]),
                    }
                    let (src, dst) = if k == 0 || k == 3 { (a, b) } else { (b, a) };
                    w.udp(start + 400_000 + u64::from(k) * 10_000, src, dst, &s)?;
                    frames += 1;
                }
            }
            let mut rtp = [0x55u8; 172];
            rtp[..2].copy_from_slice(&[0x80, 0]);
            for k in 0..load.rtp {
                for id in ids.clone() {
                    let (a, b) = ends(id);
                    for d in 0..2u32 {
                        rtp[2..4].copy_from_slice(&(k as u16).to_be_bytes());
                        rtp[4..8].copy_from_slice(&(k * 160).to_be_bytes());
                        rtp[8..12].copy_from_slice(&(id * 2 + d).to_be_bytes());
                        let (src, dst) = if d == 0 { (a, b) } else { (b, a) };
                        w.udp(
                            start + 1_000_000 + u64::from(k) * 20_000 + u64::from(d) * 1_000,
                            src,
                            dst,
                            &rtp,
                        )?;
                        frames += 1;
                    }
                }
            }
        }
    }
    w.out.flush()?;
    Ok(frames)
}

/// Watchers of a presence storm; each is told in its turn.
const WATCHERS: u32 = 2_000;

/// Bytes of the body of each BENOTIFY in a storm.
const STORM_BODY: usize = 8 << 10;

/// What a BENOTIFY of a storm says: a list of one contact and its categories, made up to [`STORM_BODY`] by contact cards.
fn categories(watcher: u32, turn: u32) -> String {
    let contact = format!("sip:user{:04}@contoso.com", (watcher * 7 + turn) % 5_000);
    let availability = [3_500, 6_500, 9_500, 15_500][(watcher + turn) as usize % 4];
    let mut s = format!(
        "--nB\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <list@contoso.com>\r\nContent-Type: application/rlmi+xml\r\n\r\n<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:watcher{watcher}@contoso.com\" version=\"{turn}\" fullState=\"false\"><resource uri=\"{contact}\"><instance id=\"0\" state=\"active\" cid=\"one@contoso.com\"/></resource></list>\r\n--nB\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <one@contoso.com>\r\nContent-Type: application/msrtc-event-categories+xml\r\n\r\n<categories xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\" uri=\"{contact}\"><category name=\"state\" instance=\"1\" publishTime=\"2009-04-22T14:02:11.000\"><state xmlns=\"http://schemas.microsoft.com/2006/09/sip/state\"><availability>{availability}</availability></state></category>"
    );
    let mut n = 0;
    while s.len() + 240 < STORM_BODY {
        s.push_str(&format!(
            "<category name=\"contactCard\" instance=\"{n}\" publishTime=\"2009-04-22T13:00:00.000\"><contactCard xmlns=\"http://schemas.microsoft.com/2006/09/sip/contactcard\"><phone type=\"work\"><uri>tel:+1425555{n:04}</uri></phone></contactCard></category>"
        ));
        n += 1;
    }
    s.push_str("</categories>");
    while s.len() + 10 < STORM_BODY {
        s.push(' ');
    }
    s + "\r\n--nB--\r\n"
}

/// Writes a storm of presence: so many BENOTIFYs of 8 KB each, after one SUBSCRIBE of each watcher; gives how many frames.
pub fn write_storm(out: impl Write, notifies: u32, tcp_segment: Option<usize>) -> io::Result<u64> {
    let mut w = Writer { out, buf: Vec::with_capacity(1 << 14) };
    for v in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
        w.out.write_all(&v.to_le_bytes())?;
    }
    let server = Ipv4Addr::new(10, 2, 0, 1);
    let start = 1_700_000_000_000_000u64;
    let head = |watcher: u32,
                at: Ipv4Addr,
                method: &str,
                cseq: u32,
                from: &str,
                to: &str,
                source: Ipv4Addr| {
        format!(
            "{method} sip:watcher{watcher}@{at} SIP/2.0\r\nVia: SIP/2.0/TLS {source}:5061;branch=z9hG4bK{watcher:06}{method}{cseq}\r\nMax-Forwards: 70\r\nFrom: <sip:watcher{watcher}@contoso.com>;{from};epid=01234abcde\r\nTo: <sip:watcher{watcher}@contoso.com>;{to}\r\nCall-ID: {watcher:08x}5d5f44e2b9b4a1c0ffee\r\nCSeq: {cseq} {method}\r\nEvent: presence\r\nUser-Agent: UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)\r\n"
        )
    };
    let mut frames = 0;
    let mut sequences = vec![[1u32, 1]; WATCHERS as usize];
    let mut send = |w: &mut Writer<_>, micros: u64, watcher: u32, up: bool, bytes: &[u8]| -> io::Result<()> {
        let client = (Ipv4Addr::from(0x0a03_0001 + watcher), 40_000);
        let (src, dst) = if up { (client, (server, 5060)) } else { ((server, 5060), client) };
        let Some(size) = tcp_segment else {
            frames += 1;
            return w.udp(micros, src, dst, bytes);
        };
        let Some(seq) = sequences.get_mut(watcher as usize) else { return Ok(()) };
        if up {
            w.tcp(micros, src, dst, 0, 0, 2, b"")?;
            w.tcp(micros, dst, src, 0, 1, 0x12, b"")?;
            frames += 2;
        }
        for piece in bytes.chunks(size) {
            w.tcp(micros, src, dst, seq[usize::from(!up)], seq[usize::from(up)], 0x18, piece)?;
            seq[usize::from(!up)] += piece.len() as u32;
            frames += 1;
        }
        Ok(())
    };
    for watcher in 0..WATCHERS.min(notifies) {
        let at = Ipv4Addr::from(0x0a03_0001 + watcher);
        let text = head(watcher, at, "SUBSCRIBE", 1, "tag=w", "x=y", at)
            + "Expires: 28800\r\nSupported: eventlist, ms-benotify, ms-piggyback-first-notify\r\nContent-Length: 0\r\n\r\n";
        send(&mut w, start + u64::from(watcher) * 50, watcher, true, text.as_bytes())?;
    }
    for n in 0..notifies {
        let (watcher, turn) = (n % WATCHERS, n / WATCHERS);
        let at = Ipv4Addr::from(0x0a03_0001 + watcher);
        let text = head(watcher, at, "BENOTIFY", turn + 2, "tag=s", "tag=w", server);
        let body = categories(watcher, turn);
        let text = format!(
            "{text}Subscription-State: active;expires=28000\r\nContent-Type: multipart/related;type=\"application/rlmi+xml\";start=list;boundary=nB\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        send(&mut w, start + 200_000 + u64::from(n) * 100, watcher, false, text.as_bytes())?;
    }
    w.out.flush()?;
    Ok(frames)
}

/// Writes RTP without signalling: so many streams at once, one packet of each every 20 ms; gives how many frames. With one
/// packet each it is what a scan of random ports looks like.
pub fn write_streams(out: impl Write, streams: u32, packets: u32) -> io::Result<u64> {
    let mut w = Writer { out, buf: Vec::with_capacity(256) };
    for v in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
        w.out.write_all(&v.to_le_bytes())?;
    }
    let mut rtp = [0x55u8; 172];
    rtp[..2].copy_from_slice(&[0x80, 0]);
    let start = 1_700_000_000_000_000u64;
    for k in 0..packets {
        for id in 0..streams {
            rtp[2..4].copy_from_slice(&(k as u16).to_be_bytes());
            rtp[4..8].copy_from_slice(&(k * 160).to_be_bytes());
            rtp[8..12].copy_from_slice(&id.wrapping_mul(0x9e37_79b9).to_be_bytes());
            let port = (id % 20_000) as u16 * 2;
            let (a, b) =
                (Ipv4Addr::from(0x0a00_0001 + id / 20_000), Ipv4Addr::from(0x0a64_0001 + id / 20_000));
            let micros = start + u64::from(k) * 20_000 + u64::from(id) * 19_000 / u64::from(streams);
            w.udp(micros, (a, 16_384 + port), (b, 16_384 + port), &rtp)?;
        }
    }
    w.out.flush()?;
    Ok(u64::from(streams) * u64::from(packets))
}

/// Users of each conference of a conference storm; they come one after the other.
const ATTENDEES: u32 = 400;

/// What the roster's notification of a turn says: the whole of it at first, then some users whose endpoints change, made
/// up to [`STORM_BODY`].
fn roster(conference: u32, turn: u32) -> String {
    let focus = format!("sip:host{conference}@contoso.com;gruu;opaque=app:conf:focus:id:{conference:08X}");
    let state = if turn == 0 { "full" } else { "partial" };
    let mut s = format!(
        "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{focus}\" state=\"{state}\" version=\"{}\"><users state=\"partial\">",
        turn + 1
    );
    let mut n = 0;
    while s.len() + 420 < STORM_BODY {
        let user = (turn * 3 + n * 17) % ATTENDEES;
        let status = if (turn + n).is_multiple_of(3) { "on-hold" } else { "connected" };
        s.push_str(&format!(
            "<user entity=\"sip:user{user:04}@contoso.com\" state=\"full\"><display-text>User {user:04}</display-text><roles><entry>attendee</entry></roles><endpoint entity=\"{{{user:08X}-9F0E}}\" session-type=\"audio-video\"><status>{status}</status><joining-method>dialed-in</joining-method><media id=\"1\"><type>audio</type><status>sendrecv</status></media></endpoint></user>"
        ));
        n += 1;
    }
    s.push_str("</users>");
    while s.len() + 18 < STORM_BODY {
        s.push(' ');
    }
    s + "</conference-info>"
}

/// Writes a storm of conferences: of each of them one watcher, who is told so often of its roster, 8 KB each time; gives
/// how many frames.
pub fn write_conferences(out: impl Write, conferences: u32, notifies: u32) -> io::Result<u64> {
    let mut w = Writer { out, buf: Vec::with_capacity(1 << 14) };
    for v in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
        w.out.write_all(&v.to_le_bytes())?;
    }
    let server = (Ipv4Addr::new(10, 2, 0, 1), 5060);
    let start = 1_700_000_000_000_000u64;
    let head = |c: u32, at: Ipv4Addr, method: &str, cseq: u32, from: &str, to: &str| {
        format!(
            "{method} sip:host{c}@contoso.com SIP/2.0\r\nVia: SIP/2.0/TCP {at}:5060;branch=z9hG4bK{c:06}{method}{cseq}\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {c:08x}7f10c0ffee\r\nCSeq: {cseq} {method}\r\nEvent: conference\r\n"
        )
    };
    let mut frames = 0;
    for turn in 0..=notifies {
        for c in 0..conferences {
            let client = (Ipv4Addr::from(0x0a03_0001 + c), 40_000);
            let focus = format!("<sip:host{c}@contoso.com;gruu;opaque=app:conf:focus:id:{c:08X}>");
            let host = format!("<sip:host{c}@contoso.com>");
            let micros = start + u64::from(turn) * 100_000 + u64::from(c) * 50;
            if turn == 0 {
                let text = head(c, client.0, "SUBSCRIBE", 1, &format!("{host};tag=w"), &focus)
                    + "Expires: 3600\r\nContent-Length: 0\r\n\r\n";
                w.udp(micros, client, server, text.as_bytes())?;
            } else {
                let body = roster(c, turn - 1);
                let ends = (format!("{focus};tag=s"), format!("{host};tag=w"));
                let text = head(c, server.0, "BENOTIFY", turn + 1, &ends.0, &ends.1);
                let text = format!(
                    "{text}Subscription-State: active\r\nContent-Type: application/conference-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                w.udp(micros, server, client, text.as_bytes())?;
            }
            frames += 1;
        }
    }
    w.out.flush()?;
    Ok(frames)
}
