//! Every header field of a frame below the application, with its bytes: for the decode tree.
//!
//! The walk is the one of [`slice_frame`](super::slice_frame), here with a recorder listening, so both agree about
//! tunnels, lengths and the place of the payload. Fields that the capture cut off are left out.

use std::ops::Range;

use super::slice::{Kind, Trace, walk_frame, walk_ip};
use super::{IpPacket, Sliced};
use crate::capture::LinkType;
use crate::limits::Limits;

mod internet;
mod link;

#[cfg(test)]
mod tests;

/// A header field. `range` counts from the start of the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub value: String,
    pub range: Range<usize>,
}

/// One layer, e.g. `Ethernet II`, `802.1Q VLAN`, `IPv4`, `UDP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub name: &'static str,
    pub range: Range<usize>,
    pub fields: Vec<Field>,
    /// What is wrong or unusual: cut by snaplen, bad length …
    pub remark: Option<String>,
}

/// All layers of a frame down to the transport, and the range of the transport payload (if any).
pub fn explain_frame(
    link: LinkType,
    frame: &[u8],
    origlen: u32,
    limits: &Limits,
) -> (Vec<Layer>, Option<Range<usize>>) {
    let mut recorder = Recorder::default();
    walk_frame(link, frame, origlen, limits, &mut recorder);
    recorder.explain(frame)
}

/// The layers inside a datagram put together from fragments; ranges count from the start of `ip.payload`.
pub fn explain_ip(ip: IpPacket<'_>, limits: &Limits) -> (Vec<Layer>, Option<Range<usize>>) {
    let mut recorder = Recorder::default();
    walk_ip(ip, limits, &mut recorder);
    recorder.explain(ip.payload)
}

/// The headers that a frame was walked through, with their bytes, and what it came to.
#[derive(Debug)]
pub struct Headers<'a> {
    pub layers: Vec<(Kind, Range<usize>)>,
    /// Bytes of the transport's payload, or of what no header is known of.
    pub payload: Option<Range<usize>>,
    pub sliced: Sliced<'a>,
}

/// The headers of a frame; see [`super::slice_frame`].
pub fn headers<'a>(link: LinkType, frame: &'a [u8], origlen: u32, limits: &Limits) -> Headers<'a> {
    let mut recorder = Recorder::default();
    let sliced = walk_frame(link, frame, origlen, limits, &mut recorder);
    recorder.headers(sliced, frame)
}

/// The headers inside a datagram put together from fragments; ranges count from the start of `ip.payload`.
pub fn headers_ip<'a>(ip: IpPacket<'a>, limits: &Limits) -> Headers<'a> {
    let mut recorder = Recorder::default();
    let sliced = walk_ip(ip, limits, &mut recorder);
    recorder.headers(sliced, ip.payload)
}

#[derive(Debug, Default)]
struct Recorder {
    layers: Vec<Seen>,
    payload: Option<Range<usize>>,
    /// Said before any layer.
    early: Option<&'static str>,
}

#[derive(Debug)]
struct Seen {
    kind: Kind,
    range: Range<usize>,
    remark: Option<&'static str>,
}

impl Trace for Recorder {
    fn layer(&mut self, kind: Kind, start: usize, end: usize) {
        self.layers.push(Seen { kind, range: start..end.max(start), remark: None });
    }

    fn remark(&mut self, text: &'static str) {
        match self.layers.last_mut() {
            Some(last) => last.remark = last.remark.or(Some(text)),
            None => self.early = Some(text),
        }
    }

    fn payload(&mut self, start: usize, end: usize) {
        self.payload = Some(start..end.max(start));
    }

    fn mark(&self) -> usize {
        self.layers.len()
    }

    fn rewind(&mut self, mark: usize) {
        self.layers.truncate(mark);
        self.payload = None;
    }
}

impl Recorder {
    fn headers<'a>(self, sliced: Sliced<'a>, bytes: &[u8]) -> Headers<'a> {
        // A piece of a datagram has no transport to tell of its payload.
        let of_packet = |ip: &IpPacket<'_>| {
            let start = (ip.payload.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
            (start <= bytes.len()).then_some(start..start + ip.payload.len())
        };
        let payload = match &sliced {
            Sliced::Fragment { ip } => of_packet(ip),
            _ => self.payload,
        };
        Headers { layers: self.layers.into_iter().map(|s| (s.kind, s.range)).collect(), payload, sliced }
    }

    fn explain(self, frame: &[u8]) -> (Vec<Layer>, Option<Range<usize>>) {
        let mut layers: Vec<Layer> = self.layers.iter().map(|seen| explain_layer(seen, frame)).collect();
        if layers.is_empty()
            && let Some(remark) = self.early
        {
            let remark = Some(remark.to_owned());
            layers.push(Layer { name: "Frame", range: 0..frame.len(), fields: Vec::new(), remark });
        }
        (layers, self.payload)
    }
}

fn explain_layer(seen: &Seen, frame: &[u8]) -> Layer {
    let mut header = Header {
        bytes: frame.get(seen.range.clone()).unwrap_or(&[]),
        base: seen.range.start,
        fields: Vec::new(),
        remark: seen.remark.map(str::to_owned),
    };
    let name = match seen.kind {
        Kind::Ipv4
        | Kind::Ipv6
        | Kind::Extension(_)
        | Kind::Udp
        | Kind::Tcp
        | Kind::Sctp
        | Kind::Icmp
        | Kind::Icmpv6 => header.internet(seen.kind),
        kind => header.link(kind),
    };
    Layer { name, range: seen.range.clone(), fields: header.fields, remark: header.remark }
}

/// A header being explained: its bytes, and their place in the frame.
struct Header<'a> {
    bytes: &'a [u8],
    base: usize,
    fields: Vec<Field>,
    remark: Option<String>,
}

impl<'a> Header<'a> {
    /// Bytes `at..at + len` of the header, if there.
    fn get(&self, at: usize, len: usize) -> Option<&'a [u8]> {
        self.bytes.get(at..at.checked_add(len)?)
    }

    /// A big-endian number of up to 8 bytes.
    fn number(&self, at: usize, len: usize) -> Option<u64> {
        Some(self.get(at, len)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// A little-endian number of up to 8 bytes.
    fn little(&self, at: usize, len: usize) -> Option<u64> {
        Some(self.get(at, len)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn put(&mut self, name: &'static str, at: usize, len: usize, value: String) {
        let start = self.base + at;
        self.fields.push(Field { name, value, range: start..start + len });
    }

    /// A field shown through `show`; nothing if the capture has not got it.
    fn show(&mut self, name: &'static str, at: usize, len: usize, show: impl FnOnce(u64) -> String) {
        if let Some(number) = self.number(at, len) {
            self.put(name, at, len, show(number));
        }
    }

    fn decimal(&mut self, name: &'static str, at: usize, len: usize) {
        self.show(name, at, len, |number| number.to_string());
    }

    fn hex(&mut self, name: &'static str, at: usize, len: usize) {
        self.show(name, at, len, |number| format!("0x{number:0width$x}", width = len * 2));
    }

    fn raw(&mut self, name: &'static str, at: usize, len: usize) {
        if let Some(bytes) = self.get(at, len)
            && !bytes.is_empty()
        {
            self.put(name, at, len, hex_of(bytes));
        }
    }

    fn mac(&mut self, name: &'static str, at: usize) {
        if let Some(bytes) = self.get(at, 6) {
            self.put(name, at, 6, mac_of(bytes));
        }
    }

    fn ethertype(&mut self, name: &'static str, at: usize) {
        self.show(name, at, 2, |number| match ethertype_words(number) {
            Some(words) => format!("0x{number:04x} ({words})"),
            None => format!("0x{number:04x}"),
        });
    }
}

/// At most 64 bytes, in hexadecimal.
fn hex_of(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect::<String>();
    if bytes.len() > 64 { format!("{shown}… ({} bytes)", bytes.len()) } else { shown }
}

fn mac_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn ethertype_words(number: u64) -> Option<&'static str> {
    Some(match number {
        0x0800 => "IPv4",
        0x0806 => "ARP",
        0x6558 => "Transparent Ethernet Bridging",
        0x8100 => "802.1Q VLAN",
        0x86dd => "IPv6",
        0x8847 => "MPLS",
        0x8848 => "MPLS multicast",
        0x8863 => "PPPoE discovery",
        0x8864 => "PPPoE session",
        0x880b => "PPP",
        0x88a8 => "802.1ad VLAN",
        0x88be => "ERSPAN",
        0x88cc => "LLDP",
        0x88e5 => "MACsec",
        0x88e7 => "802.1ah",
        0x8926 => "VN-Tag",
        0x883e => "WCCP",
        0x22eb => "ERSPAN III",
        0x9100 | 0x9200 | 0x9300 => "VLAN",
        _ => return None,
    })
}
