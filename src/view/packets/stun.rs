//! STUN and TURN in a line: the Packets view, ladders and the decode tree say the same.

use std::net::SocketAddr;

use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::stun::stream::{
    FrameKind, Framing, Opening, StreamFraming, StreamGuess, multiplexed_datagram, probe_stun_stream,
    pseudo_tls_client_hello, pseudo_tls_server_hello,
};
use callscope_parsers::stun::{Class, Dialect, Method, StunScan, parse_channel_data, scan_stun, words};

use super::payload_text;
use crate::correlate::stun::Allocation;
use crate::correlate::{Analysis, Transport};
use crate::view::show;

/// Columns of a user name, realm or reason phrase.
const TEXT: usize = 40;
/// Frames of one segment that its line tells of.
const FRAMES: usize = 4;

/// What the analysis knows of a flow.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlowKnown<'a> {
    /// The dialect its messages are read in where they do not say it themselves.
    pub hint: Option<Dialect>,
    /// The allocation whose client and server speak here, and whether this is towards the client.
    pub relay: Option<(&'a Allocation, bool)>,
    /// Media was counted on this connection, which is no relay's: it stands behind lengths (RFC 4571).
    pub media_on_tcp: bool,
}

impl<'a> FlowKnown<'a> {
    pub fn of(analysis: &'a Analysis, src: SocketAddr, dst: SocketAddr, transport: Transport) -> Self {
        let relay = analysis.find_flow(src, dst, transport).and_then(|flow| {
            let (at, to_client) = analysis.stun.allocation_on(flow)?;
            Some((analysis.stun.allocations.get(at.0 as usize)?, to_client))
        });
        let media_on_tcp = transport == Transport::Tcp
            && relay.is_none()
            && analysis.media_between(src, dst, transport).is_some();
        Self { hint: relay.map(|(a, _)| a.dialect), relay, media_on_tcp }
    }

    /// The peer a channel of the flow stands for; a number given out again belongs to the last one.
    pub fn peer_of_channel(&self, channel: u16) -> Option<SocketAddr> {
        let (allocation, _) = self.relay?;
        allocation.peers.iter().rev().find(|p| p.channel == Some(channel)).map(|p| p.address)
    }

    /// The peer that gets and sends what is neither STUN nor ChannelData ([MS-TURN] Set Active Destination).
    pub fn active_peer(&self) -> Option<SocketAddr> {
        self.relay?.0.active
    }

    /// `to` or `from`, as seen by the client of the relay.
    pub fn towards(&self) -> &'static str {
        if self.relay.is_some_and(|(_, to_client)| to_client) { "from" } else { "to" }
    }

    /// How a TCP connection of this kind is framed: what its bytes prove, else what its allocation says.
    pub fn framing(&self, segment: &[u8]) -> Option<StreamFraming> {
        if let StreamGuess::Framed(framing) = probe_stun_stream(segment) {
            return Some(framing);
        }
        let framing = match self.relay {
            None if self.media_on_tcp => StreamFraming::Rfc4571,
            None => return None,
            Some((a, _)) if a.dialect == Dialect::MsTurn => StreamFraming::Microsoft,
            Some(_) => StreamFraming::Rfc,
        };
        matches!(framing.frame(segment), Framing::Message { .. }).then_some(framing)
    }
}

fn text(bytes: &[u8]) -> String {
    show::shorten(&show::safe(bytes), TEXT)
}

/// `Binding Request`, `Allocate Success`: the name without its last word where that says nothing.
pub fn name(scan: &StunScan<'_>) -> String {
    let name = scan.name();
    let short = name.strip_suffix(" Response").filter(|n| n.ends_with(" Success") || n.ends_with(" Error"));
    short.unwrap_or(&name).to_owned()
}

/// An error in words: what the sender says, else what the code means.
pub fn error_text(scan: &StunScan<'_>) -> Option<String> {
    let (code, reason) = scan.error()?;
    let reason = text(reason);
    let known = words::error_words(code, scan.dialect()).map_or("", |(name, _)| name);
    let words = if reason.trim().is_empty() { known.to_owned() } else { reason };
    Some(format!("{code} {words}").trim_end().to_owned())
}

/// A user name of a check or of TURN, the decoded bytes of Microsoft's in hexadecimal.
pub fn user_text(scan: &StunScan<'_>) -> Option<String> {
    let name = scan.username().filter(|n| !n.is_empty())?;
    if let Some(user) = scan.check_username().filter(|_| scan.dialect() == Dialect::MsIce) {
        let id = |bytes: &[u8]| {
            if bytes.iter().all(u8::is_ascii_graphic) { text(bytes) } else { hex(bytes, 6) }
        };
        return Some(format!("{}:{}", id(user.receiver), id(user.sender)));
    }
    let printable = std::str::from_utf8(name).is_ok_and(|n| !n.chars().any(char::is_control));
    Some(if printable { text(name) } else { hex(name, 8) })
}

/// The first bytes in hexadecimal.
pub fn hex(bytes: &[u8], most: usize) -> String {
    let mut out: String = bytes.iter().take(most).map(|b| format!("{b:02x}")).collect();
    if bytes.len() > most {
        out.push('…');
    }
    out
}

/// `Binding Request user b:a`, `Allocate Error 401 realm=contoso.com`, `Data Indication from 192.0.2.1:4000: …`.
pub fn line(scan: &StunScan<'_>) -> String {
    line_within(scan, 3)
}

fn line_within(scan: &StunScan<'_>, depth: usize) -> String {
    let mut out = name(scan);
    let mut add = |word: &str, value: String| out.push_str(&format!(" {word}{value}"));
    match scan.class() {
        Class::Request | Class::Indication => request(scan, &mut add),
        Class::Success => {
            if let Some(a) = scan.mapped() {
                add("mapped ", a.to_string());
            }
            if scan.method() == Method::ALLOCATE {
                for a in scan.all_relayed().take(2) {
                    add("relayed ", a.to_string());
                }
            }
            if let Some(seconds) = scan.lifetime() {
                add("lifetime ", format!("{seconds} s"));
            }
        }
        Class::Error => {
            if let Some(error) = error_text(scan) {
                add("", error);
            }
            if let Some(realm) = scan.realm() {
                add("realm=", text(realm));
            }
            if let Some(server) = scan.alternate_server() {
                add("alternate server ", server.to_string());
            }
        }
    }
    if let Some(data) = scan.data().filter(|d| !d.is_empty()) {
        out.push_str(": ");
        out.push_str(&carried(data, scan.dialect(), depth));
    }
    if scan.is_malformed() {
        out.push_str(" (malformed)");
    }
    out
}

fn request(scan: &StunScan<'_>, add: &mut impl FnMut(&str, String)) {
    if let Some(user) = user_text(scan) {
        add("user ", user);
    }
    let towards =
        if matches!(scan.method(), Method::DATA | Method::CONNECTION_ATTEMPT) { "from " } else { "to " };
    let towards = match scan.method() {
        Method::SEND | Method::DATA | Method::CONNECTION_ATTEMPT | Method::CONNECT => towards,
        Method::SET_ACTIVE_DESTINATION => "",
        _ => "peer ",
    };
    for peer in scan.peers().take(3) {
        add(towards, peer.to_string());
    }
    if let Some(channel) = scan.channel() {
        add("channel ", format!("0x{channel:04x}"));
    }
    match scan.lifetime() {
        Some(0) => add("", "lifetime 0 (release)".to_owned()),
        Some(seconds) if scan.method() == Method::REFRESH => add("lifetime ", format!("{seconds} s")),
        _ => {}
    }
    if scan.use_candidate() {
        add("", "nominates".to_owned());
    }
}

/// What a relay carries, in a few words.
pub fn carried(data: &[u8], hint: Dialect, depth: usize) -> String {
    let probe = probe_datagram(data);
    let inner = (depth > 0 && probe == Probe::Stun).then(|| scan_stun(data, Some(hint))).flatten();
    match (inner, probe) {
        (Some(scan), _) => line_within(&scan, depth - 1),
        (None, Probe::ChannelData | Probe::Unknown | Probe::SipKeepAlive | Probe::Tls) => {
            show::count(data.len() as u64, "byte", "bytes")
        }
        (None, probe) => {
            let name = match probe {
                Probe::Rtp => "RTP ",
                Probe::Rtcp => "RTCP ",
                Probe::Dtls => "DTLS ",
                Probe::Zrtp => "ZRTP ",
                _ => "",
            };
            format!("{name}{}", payload_text(probe, data).unwrap_or_default())
        }
    }
}

/// A datagram that is STUN or ChannelData: protocol and text.
pub fn datagram(payload: &[u8], known: &FlowKnown<'_>) -> Option<(&'static str, String)> {
    if let Some(scan) = (payload.first()? < &4).then(|| scan_stun(payload, known.hint)).flatten() {
        let mut text = line(&scan);
        if protocol(&scan) == "STUN"
            && let Some(peer) = known.active_peer()
        {
            text.push_str(&format!("  (relayed {} {peer})", known.towards()));
        }
        return Some((protocol(&scan), text));
    }
    if let Some(inside) = multiplexed_datagram(payload) {
        let inside = carried(payload.get(inside)?, known.hint.unwrap_or(Dialect::Rfc5389), 3);
        return Some(("TURN", format!("multiplexed: {inside}")));
    }
    let found = parse_channel_data(payload)?;
    let data = payload.get(found.data.clone())?;
    let peer = known.peer_of_channel(found.channel);
    let peer = peer.map_or_else(String::new, |p| format!(" {} {p}", known.towards()));
    let inside = carried(data, known.hint.unwrap_or(Dialect::Rfc5389), 3);
    Some(("TURN", format!("ChannelData 0x{:04x}{peer}: {inside}", found.channel)))
}

/// `TURN` for methods of the relay, `STUN` for the others.
pub fn protocol(scan: &StunScan<'_>) -> &'static str {
    match scan.method() {
        Method::BINDING | Method::SHARED_SECRET | Method::GOOG_PING => "STUN",
        _ => "TURN",
    }
}

/// A segment of a TCP connection that carries STUN, as far as whole frames stand in it.
pub fn segment(payload: &[u8], known: &FlowKnown<'_>) -> Option<(&'static str, String)> {
    if let Some(name) = hello_name(payload) {
        return Some(("TURN", name.to_owned()));
    }
    let framing = known.framing(payload)?;
    let mut parts = Vec::new();
    let mut protocol_name = "TURN";
    let mut at = 0;
    while let Framing::Message { kind, payload: range, consumed } =
        framing.frame(payload.get(at..).unwrap_or_default())
    {
        let bytes = payload.get(at + range.start..at + range.end).unwrap_or_default();
        if parts.len() == FRAMES {
            parts.push("…".to_owned());
            break;
        }
        let told = match kind {
            FrameKind::Stun | FrameKind::Control | FrameKind::Unframed | FrameKind::ChannelData => {
                datagram(bytes, known)
            }
            _ => None,
        };
        parts.push(match told {
            Some((name, text)) => {
                protocol_name = name;
                text
            }
            None => {
                let peer =
                    known.active_peer().map_or_else(String::new, |p| format!(" {} {p}", known.towards()));
                let what = match kind {
                    FrameKind::EndToEnd => format!("End-to-end data{peer}: "),
                    FrameKind::Packet => {
                        protocol_name = "STUN";
                        String::new()
                    }
                    _ => String::new(),
                };
                format!("{what}{}", carried(bytes, known.hint.unwrap_or(Dialect::Rfc5389), 3))
            }
        });
        at += consumed.max(1);
    }
    (!parts.is_empty()).then(|| (protocol_name, parts.join(" · ")))
}

/// Microsoft's opening of TURN on TCP 443, which only looks like TLS.
pub fn hello_name(payload: &[u8]) -> Option<&'static str> {
    if matches!(pseudo_tls_client_hello(payload), Opening::Pseudo(_)) {
        Some("pseudo-TLS Client Hello (Microsoft TURN, nothing is encrypted)")
    } else if matches!(pseudo_tls_server_hello(payload), Opening::Pseudo(_)) {
        Some("pseudo-TLS Server Hello (Microsoft TURN, nothing is encrypted)")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
