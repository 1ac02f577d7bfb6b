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
    /// It quotes media (or DTLS): no message was lost.
    pub media: bool,
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
    let media = quoted.is_some_and(stun::is_quoted_media);
    let branch = quoted.filter(|_| !media).map_or(0, |message| {
        if let Some(transaction) = stun::quoted_transaction(message) {
            return transaction;
        }
        let branch = sip::scan(message).map_or(&b""[..], |scan| scan.branch);
        // At the very end of the quotation it may be cut.
        let whole = message.as_ptr_range().end != branch.as_ptr_range().end;
        if whole { short_hash(branch) } else { 0 }
    });
    let kind = BreakageKind::Icmp { v6: icmp.v6, kind: icmp.kind, code: icmp.code };
    Some(Breakage { src, dst, transport, kind, by: ip.src, frame, time, branch, media })
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
        let of_media = |quote: &[u8]| unreachable(3, quote).map(|b| (b.media, b.branch));
        assert_eq!(of_media(rtp), Some((true, 0)), "of media no message was lost");
        let relayed = [&b"\x40\x01\x00\xac"[..], rtp].concat();
        assert_eq!(of_media(&relayed), Some((true, 0)), "nor in a channel, whose rest is cut off");
        assert_eq!(of_media(check), Some((false, transaction(b"transactionX"))));
    }

    #[test]
    fn alerts_in_clear() {
        // protocol_version, as OpenSSL answers what is no ClientHello.
        assert_eq!(tls_alert(b"\x15\x03\x01\x00\x02\x02\x46"), Some(70));
        assert_eq!(tls_alert(b"\x15\x03\x01\x00\x02\x01\x00"), None);
        assert_eq!(tls_alert(b"SIP/2.0 200 OK"), None);
    }
}
