//! Frames and capture files, byte by byte.

use std::net::{IpAddr, SocketAddr};

/// A frame with its time in microseconds since the epoch and its interface.
#[derive(Clone)]
pub struct Frame {
    pub micros: u64,
    pub interface: u32,
    pub bytes: Vec<u8>,
}

pub fn checksum(parts: &[&[u8]]) -> u16 {
    let all: Vec<u8> = parts.concat();
    let mut sum: u32 = all.chunks(2).map(|c| u32::from(c[0]) << 8 | u32::from(*c.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn pseudo(src: IpAddr, dst: IpAddr, protocol: u8, len: usize) -> Vec<u8> {
    let mut p = Vec::new();
    match (src, dst) {
        (IpAddr::V4(s), IpAddr::V4(d)) => {
            p.extend(s.octets());
            p.extend(d.octets());
            p.extend([0, protocol]);
            p.extend((len as u16).to_be_bytes());
        }
        (IpAddr::V6(s), IpAddr::V6(d)) => {
            p.extend(s.octets());
            p.extend(d.octets());
            p.extend((len as u32).to_be_bytes());
            p.extend([0, 0, 0, protocol]);
        }
        _ => unreachable!("both ends are of one family"),
    }
    p
}

pub fn udp(src: SocketAddr, dst: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let len = 8 + payload.len();
    let mut u = Vec::with_capacity(len);
    u.extend(src.port().to_be_bytes());
    u.extend(dst.port().to_be_bytes());
    u.extend((len as u16).to_be_bytes());
    u.extend([0, 0]);
    u.extend_from_slice(payload);
    let c = checksum(&[&pseudo(src.ip(), dst.ip(), 17, len), &u]);
    u[6..8].copy_from_slice(&c.to_be_bytes());
    u
}

pub fn tcp(src: SocketAddr, dst: SocketAddr, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut t = Vec::new();
    t.extend(src.port().to_be_bytes());
    t.extend(dst.port().to_be_bytes());
    t.extend(seq.to_be_bytes());
    t.extend(ack.to_be_bytes());
    t.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    t.extend_from_slice(payload);
    let c = checksum(&[&pseudo(src.ip(), dst.ip(), 6, t.len()), &t]);
    t[16..18].copy_from_slice(&c.to_be_bytes());
    t
}

/// An ICMP "destination unreachable" that quotes `packet`.
pub fn icmp_unreachable(code: u8, packet: &[u8]) -> Vec<u8> {
    icmp(3, code, [0; 4], packet)
}

/// An ICMP "redirect host": there is a shorter way over `gateway` for what `packet` is.
pub fn icmp_redirect(gateway: [u8; 4], packet: &[u8]) -> Vec<u8> {
    icmp(5, 1, gateway, packet)
}

fn icmp(kind: u8, code: u8, rest: [u8; 4], packet: &[u8]) -> Vec<u8> {
    let mut m = vec![kind, code, 0, 0];
    m.extend(rest);
    m.extend_from_slice(packet);
    let c = checksum(&[&m]);
    m[2..4].copy_from_slice(&c.to_be_bytes());
    m
}

/// An SCTP packet (checksum left 0, as captures with off-load show it) with one whole DATA chunk.
pub fn sctp(src: SocketAddr, dst: SocketAddr, tsn: u32, payload: &[u8]) -> Vec<u8> {
    let mut s = Vec::new();
    s.extend(src.port().to_be_bytes());
    s.extend(dst.port().to_be_bytes());
    s.extend([0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0]);
    s.extend([0, 3]);
    s.extend((16 + payload.len() as u16).to_be_bytes());
    s.extend(tsn.to_be_bytes());
    s.extend([0, 1]);
    s.extend((tsn as u16).to_be_bytes());
    s.extend([0, 0, 0, 0]);
    s.extend_from_slice(payload);
    s.resize(s.len().next_multiple_of(4), 0);
    s
}

/// An IP packet; `fragment` is (offset in bytes, more follow).
pub fn ip(
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    dscp: u8,
    id: u16,
    fragment: Option<(usize, bool)>,
    payload: &[u8],
) -> Vec<u8> {
    let mut p = Vec::new();
    match (src, dst) {
        (IpAddr::V4(s), IpAddr::V4(d)) => {
            p.extend([0x45, dscp << 2]);
            p.extend((20 + payload.len() as u16).to_be_bytes());
            p.extend(id.to_be_bytes());
            let bits = match fragment {
                Some((offset, more)) => (offset / 8) as u16 | if more { 0x2000 } else { 0 },
                None => 0x4000,
            };
            p.extend(bits.to_be_bytes());
            p.extend([64, protocol, 0, 0]);
            p.extend(s.octets());
            p.extend(d.octets());
            let c = checksum(&[&p]);
            p[10..12].copy_from_slice(&c.to_be_bytes());
        }
        (IpAddr::V6(s), IpAddr::V6(d)) => {
            p.extend([0x60 | dscp >> 2, dscp << 6, 0, 0]);
            p.extend((payload.len() as u16).to_be_bytes());
            p.extend([protocol, 64]);
            p.extend(s.octets());
            p.extend(d.octets());
        }
        _ => unreachable!("both ends are of one family"),
    }
    p.extend_from_slice(payload);
    p
}

/// An Ethernet frame; MAC addresses are made of the last bytes of the IP addresses.
pub fn ethernet(src: IpAddr, dst: IpAddr, tags: &[(u16, u16)], payload: &[u8]) -> Vec<u8> {
    let mac = |a: IpAddr| match a {
        IpAddr::V4(a) => [2, 0, a.octets()[0], a.octets()[1], a.octets()[2], a.octets()[3]],
        IpAddr::V6(a) => [2, 0, 6, a.octets()[13], a.octets()[14], a.octets()[15]],
    };
    let mut e = Vec::new();
    e.extend(mac(dst));
    e.extend(mac(src));
    for (kind, vlan) in tags {
        e.extend(kind.to_be_bytes());
        e.extend(vlan.to_be_bytes());
    }
    e.extend(if src.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] });
    e.extend_from_slice(payload);
    e
}

/// A classic pcap file, little endian, microseconds.
pub fn pcap(link: u32, frames: &[Frame]) -> Vec<u8> {
    pcap_cut(link, frames, 262_144)
}

/// The same of a capture that keeps no more than `snaplen` bytes of a frame.
pub fn pcap_cut(link: u32, frames: &[Frame], snaplen: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for v in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, snaplen as u32, link] {
        out.extend(v.to_le_bytes());
    }
    for f in frames {
        for v in [
            (f.micros / 1_000_000) as u32,
            (f.micros % 1_000_000) as u32,
            f.bytes.len().min(snaplen) as u32,
            f.bytes.len() as u32,
        ] {
            out.extend(v.to_le_bytes());
        }
        out.extend_from_slice(&f.bytes[..f.bytes.len().min(snaplen)]);
    }
    out
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let len = (body.len().next_multiple_of(4) + 12) as u32;
    out.extend(kind.to_le_bytes());
    out.extend(len.to_le_bytes());
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(len.to_le_bytes());
}

/// What a pcapng file says beside its frames.
pub struct NgExtras<'a> {
    /// Name and link type of each interface.
    pub interfaces: &'a [(&'a str, u16)],
    /// Name-resolution records.
    pub names: &'a [(IpAddr, &'a str)],
    pub comment: &'a str,
}

/// A pcapng file, little endian, nanosecond interfaces.
pub fn pcapng(extras: &NgExtras<'_>, frames: &[Frame]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut body = Vec::new();
    body.extend(0x1a2b_3c4du32.to_le_bytes());
    body.extend([1, 0, 0, 0]);
    body.extend([0xff; 8]);
    option(&mut body, 1, extras.comment.as_bytes());
    option(&mut body, 4, b"callscope sample generator");
    option(&mut body, 0, b"");
    block(&mut out, 0x0a0d_0d0a, &body);
    for (name, link) in extras.interfaces {
        let mut body = Vec::new();
        body.extend(link.to_le_bytes());
        body.extend([0, 0]);
        body.extend(262_144u32.to_le_bytes());
        option(&mut body, 2, name.as_bytes());
        option(&mut body, 9, &[9]);
        option(&mut body, 0, b"");
        block(&mut out, 1, &body);
    }
    if !extras.names.is_empty() {
        let mut body = Vec::new();
        for (address, name) in extras.names {
            let mut value = match address {
                IpAddr::V4(a) => a.octets().to_vec(),
                IpAddr::V6(a) => a.octets().to_vec(),
            };
            value.extend_from_slice(name.as_bytes());
            value.push(0);
            option(&mut body, if address.is_ipv4() { 1 } else { 2 }, &value);
        }
        option(&mut body, 0, b"");
        block(&mut out, 4, &body);
    }
    for f in frames {
        let nanos = f.micros * 1000;
        let mut body = Vec::new();
        body.extend(f.interface.to_le_bytes());
        body.extend(((nanos >> 32) as u32).to_le_bytes());
        body.extend((nanos as u32).to_le_bytes());
        body.extend((f.bytes.len() as u32).to_le_bytes());
        body.extend((f.bytes.len() as u32).to_le_bytes());
        body.extend_from_slice(&f.bytes);
        block(&mut out, 6, &body);
    }
    out
}
