//! What shows that the transport under a message broke.

use std::net::{IpAddr, SocketAddr};

use callscope_parsers::sip;

use super::keys::short_hash;
use super::{Transport, stun};
use crate::capture::{FrameRef, Nanos};
use crate::net::{IpPacket, ip_protocol, parse_icmp, quoted_payload};

/// How it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakageKind {
    /// An ICMP (`v6`: ICMPv6) error about the packet.
    Icmp { v6: bool, kind: u8, code: u8 },
    /// TCP RST while an INVITE waited for an answer, or on a connection of STUN.
    Reset,
    /// TCP FIN while an INVITE waited for an answer, or on a connection of STUN.
    Closed,
    /// A TLS alert where a SIP answer was expected: the port speaks TLS.
    TlsAlert { description: u8 },
}

/// A sign that messages from `src` to `dst` do not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breakage {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    pub kind: BreakageKind,
    /// Who said so.
    pub by: IpAddr,
    pub frame: FrameRef,
    pub time: Nanos,
    /// Of an ICMP error that quotes the message: hash of its topmost Via branch or of its STUN transaction id, else 0.
    pub branch: u32,
}

/// What an ICMP error has of the packet it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quoted {
    Rtp {
        ssrc: u32,
    },
    Rtcp {
        ssrc: u32,
    },
    /// DTLS or ZRTP.
    Keys,
    /// Its ports only, or less than tells what it was (RFC 792: eight bytes are enough).
    Nothing,
    /// Neither media nor STUN nor SIP.
    Other,
}

/// An ICMP error about a datagram from `src` to `dst` that may be media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaError {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub quoted: Quoted,
    pub kind: BreakageKind,
    /// Who said so.
    pub by: IpAddr,
    pub frame: FrameRef,
    pub time: Nanos,
}

/// From an ICMP error about a datagram of media that did not arrive.
pub(super) fn about_media(ip: &IpPacket<'_>, frame: FrameRef, time: Nanos) -> Option<MediaError> {
    let icmp = parse_icmp(ip).filter(|icmp| icmp.is_undelivered())?;
    let original = icmp.original.filter(|o| o.protocol == ip_protocol::UDP)?;
    let (src, dst) = original.ends()?;
    let quoted = quoted(quoted_payload(ip).and_then(|p| p.get(8..)).unwrap_or_default())?;
    let kind = BreakageKind::Icmp { v6: icmp.v6, kind: icmp.kind, code: icmp.code };
    Some(MediaError { src, dst, quoted, kind, by: ip.src, frame, time })
}

/// `None`: of STUN or SIP, or what a relay carries.
fn quoted(datagram: &[u8]) -> Option<Quoted> {
    let word = |at: usize| datagram.get(at..)?.first_chunk().copied().map(u32::from_be_bytes);
    let told = |found: Option<Quoted>| Some(found.unwrap_or(Quoted::Nothing));
    match datagram {
        // The end of an error is padded with zeros by some (RFC 4884 §3).
        [] | [0, 0, 0, 0, 0, 0, 0, 0] => Some(Quoted::Nothing),
        [0x80..=0xBF, 192..=223, ..] => told(word(4).map(|ssrc| Quoted::Rtcp { ssrc })),
        [0x80..=0xBF, ..] => told(word(8).map(|ssrc| Quoted::Rtp { ssrc })),
        [16..=19, ..] if datagram.get(4..8) == Some(b"ZRTP") => Some(Quoted::Keys),
        [20..=25, 0xFE, ..] => Some(Quoted::Keys),
        // What is in a channel is lost with it; what else a relay carries is told by what came of the relay.
        [0x40..=0x4F, ..] => {
            match quoted(datagram.get(4..).filter(|data| matches!(data, [0x80..=0xBF, ..]))?) {
                within @ Some(Quoted::Rtp { .. } | Quoted::Rtcp { .. }) => within,
                _ => None,
            }
        }
        _ if stun::quoted_transaction(datagram).is_some() || sip::looks_like_sip(datagram) => None,
        [0..=3, ..] if datagram.get(4..8) == Some(&[0x21, 0x12, 0xA4, 0x42]) => None,
        _ => Some(Quoted::Other),
    }
}

/// From an ICMP error about a packet that did not arrive.
pub(super) fn of_icmp(ip: &IpPacket<'_>, frame: FrameRef, time: Nanos) -> Option<Breakage> {
    let icmp = parse_icmp(ip)?;
    if !icmp.is_undelivered() {
        return None;
    }
    let original = icmp.original?;
    let (src, dst) = original.ends()?;
    let (transport, header) = match original.protocol {
        ip_protocol::UDP => (Transport::Udp, Some(8)),
        ip_protocol::TCP => (Transport::Tcp, None),
        ip_protocol::SCTP => (Transport::Sctp, None),
        _ => return None,
    };
    let quoted = quoted_payload(ip).zip(header).and_then(|(payload, header)| payload.get(header..));
    if quoted.is_some_and(stun::is_quoted_media) {
        return None;
    }
    let branch = quoted.map_or(0, |message| {
        if let Some(transaction) = stun::quoted_transaction(message) {
            return transaction;
        }
        let branch = sip::scan(message).map_or(&b""[..], |scan| scan.branch);
        // At the very end of the quotation it may be cut.
        let whole = message.as_ptr_range().end != branch.as_ptr_range().end;
        if whole { short_hash(branch) } else { 0 }
    });
    let kind = BreakageKind::Icmp { v6: icmp.v6, kind: icmp.kind, code: icmp.code };
    Some(Breakage { src, dst, transport, kind, by: ip.src, frame, time, branch })
}

/// The description of the fatal TLS alert these stream bytes begin with (RFC 8446 §6).
pub(super) fn tls_alert(bytes: &[u8]) -> Option<u8> {
    match *bytes {
        [0x15, 3, 0..=4, 0, 2, 2, description, ..] => Some(description),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;
    use crate::limits::Limits;
    use crate::net::{Sliced, slice_frame};

    /// 192.0.2.9 says that port 5060 of 192.0.2.2 cannot be reached from 192.0.2.1; made by hand after RFC 792.
    fn unreachable(kind: u8, quote: &[u8]) -> Option<Breakage> {
        let mut udp = vec![0x13, 0xc4, 0x13, 0xc4, 2, 0, 0, 0];
        udp.extend_from_slice(quote);
        let ip = |protocol: u8, src: u8, payload: &[u8]| {
            let len = 20 + payload.len() as u8;
            let mut p = vec![0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, src, 192, 0, 2];
            p.push(if protocol == 1 { 1 } else { 2 });
            p.extend_from_slice(payload);
            p
        };
        let icmp = [vec![kind, 3, 0, 0, 0, 0, 0, 0], ip(17, 1, &udp)].concat();
        let packet = ip(1, 9, &icmp);
        let sliced = slice_frame(LinkType(101), &packet, packet.len() as u32, &Limits::default());
        let Sliced::Icmp { ip } = sliced else { panic!("{sliced:?}") };
        of_icmp(&ip, FrameRef::default(), 7)
    }

    #[test]
    fn an_icmp_error_names_the_message_it_quotes() {
        let quote = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nMax-Forw";
        let told = unreachable(3, quote).expect("an error");
        assert_eq!(
            (told.src.to_string(), told.dst.to_string()),
            ("192.0.2.1:5060".into(), "192.0.2.2:5060".into())
        );
        assert_eq!(told.by.to_string(), "192.0.2.9");
        assert_eq!(told.kind, BreakageKind::Icmp { v6: false, kind: 3, code: 3 });
        assert_eq!(told.branch, short_hash(b"z9hG4bKx"));
        // Cut within the branch, or before it.
        assert_eq!(unreachable(3, &quote[..quote.len() - 11]).expect("an error").branch, 0);
        assert_eq!(unreachable(3, b"").expect("an error").branch, 0);
        assert_eq!(unreachable(5, quote), None, "a redirect loses nothing");
    }

    /// Heads as RFC 3550 §5.1 and §6.4.1, RFC 6347 §4.1 and RFC 6189 §5 have them.
    #[test]
    fn an_icmp_error_tells_which_media_it_quotes() {
        let ssrc = 0x8418_d3c5;
        let rtp = b"\x80\x08\x00\x07\x00\x00\x00\xa0\x84\x18\xd3\xc5\xd5\xd5";
        let rtcp = b"\x80\xc8\x00\x06\x84\x18\xd3\xc5";
        assert_eq!(quoted(rtp), Some(Quoted::Rtp { ssrc }));
        assert_eq!(quoted(&rtp[..11]), Some(Quoted::Nothing), "cut within the SSRC");
        assert_eq!(quoted(rtcp), Some(Quoted::Rtcp { ssrc }));
        assert_eq!(quoted(b"\x16\xfe\xfd\x00"), Some(Quoted::Keys));
        assert_eq!(quoted(b""), Some(Quoted::Nothing));
        assert_eq!(quoted(b"\x00\x07\x01\x06\x00\x00"), Some(Quoted::Other), "UDPTL");
        // Not media: a check, a channel, SIP.
        assert_eq!(quoted(b"\x00\x01\x00\x58\x21\x12\xa4\x42transactionX"), None);
        assert_eq!(quoted(b"\x40\x01\x00\x6c\x80"), None);
        assert_eq!(quoted(&[&b"\x40\x01\x00\x0e"[..], rtp].concat()), Some(Quoted::Rtp { ssrc }));
        assert_eq!(quoted(&b"\x40\x01\x00\x04".repeat(16_000)), None, "channels in channels");
        assert_eq!(quoted(b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x"), None);
    }

    /// As RFC 8489 §5 and RFC 8656 §12.4 lay them out; made by hand.
    #[test]
    fn an_icmp_error_names_the_transaction_it_quotes() {
        let transaction = |id: &[u8]| stun::transaction_of(&[b"\x21\x12\xa4\x42", id].concat());
        let check = b"\x00\x01\x00\x58\x21\x12\xa4\x42transactionXUSERNAME cut off";
        let of = |quote: &[u8]| unreachable(3, quote).expect("an error").branch;
        assert_eq!(of(check), transaction(b"transactionX"));
        assert_eq!(of(&check[..20]), transaction(b"transactionX"), "the header is enough");
        assert_eq!(of(&check[..19]), 0, "cut within the id");
        // What a relay carries is what matters: in a channel, and in a Send indication with XOR-PEER-ADDRESS.
        let channel = [&b"\x40\x01\x00\x6c"[..], check].concat();
        assert_eq!(of(&channel), transaction(b"transactionX"));
        let send = [
            &b"\x00\x16\x00\x7c\x21\x12\xa4\x42outer-idents\x00\x12\x00\x08\x00\x01\x11\x2b\xe1\x12\xa6\x43"
                [..],
            b"\x00\x13\x00\x6c",
            check,
        ];
        assert_eq!(of(&send.concat()), transaction(b"transactionX"));
        assert_eq!(of(send[0]), transaction(b"outer-idents"), "the data is cut off");
        let rtp = b"\x80\x08\x00\x01\x00\x00\x00\xa0\x12\x34\x56\x78\xd5\xd5\xd5\xd5";
        assert_eq!(unreachable(3, rtp), None, "of media no message was lost");
        let relayed = [&b"\x40\x01\x00\xac"[..], rtp].concat();
        assert_eq!(unreachable(3, &relayed), None, "nor in a channel, whose rest is cut off");
    }

    #[test]
    fn alerts_in_clear() {
        // protocol_version, as OpenSSL answers what is no ClientHello.
        assert_eq!(tls_alert(b"\x15\x03\x01\x00\x02\x02\x46"), Some(70));
        assert_eq!(tls_alert(b"\x15\x03\x01\x00\x02\x01\x00"), None);
        assert_eq!(tls_alert(b"SIP/2.0 200 OK"), None);
    }
}
