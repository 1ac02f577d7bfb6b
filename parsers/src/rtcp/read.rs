//! The walk over the packets of a datagram.

use std::ops::Range;

use super::{
    App, Bye, Issues, MAX_PACKETS, ReceiverReport, Rtcp, RtcpBody, RtcpPacket, SdesChunk, SdesItem,
    SenderReport, feedback, packet_type, report, srtcp, u32_at, u64_at, xr,
};

/// Header of every packet.
const HEADER: usize = 4;
/// Items kept of one chunk.
const MAX_ITEMS: usize = 64;

struct Header {
    padded: bool,
    count: u8,
    packet_type: u8,
    /// Of the whole packet.
    length: usize,
}

/// Another version, or a type that no RTCP packet has (RFC 5761 §4), is no header.
fn header(bytes: &[u8]) -> Option<Header> {
    let &[first, packet_type, high, low] = bytes.first_chunk::<HEADER>()?;
    (first >> 6 == 2 && (192..=223).contains(&packet_type)).then(|| Header {
        padded: first & 0x20 != 0,
        count: first & 0x1F,
        packet_type,
        length: HEADER + 4 * usize::from(u16::from_be_bytes([high, low])),
    })
}

/// First header and trailer of SRTCP; `None` where no header stands first.
pub(super) fn encrypted(bytes: &[u8]) -> Option<Rtcp<'_>> {
    let first = header(bytes)?;
    let packet = RtcpPacket {
        range: 0..first.length.min(bytes.len()),
        packet_type: first.packet_type,
        count: first.count,
        padding: 0,
        body: RtcpBody::Encrypted { ssrc: u32_at(bytes, HEADER)? },
    };
    Some(Rtcp {
        packets: vec![packet],
        encrypted: true,
        reduced_size: !matches!(first.packet_type, packet_type::SR | packet_type::RR),
        cut: false,
        trailer: srtcp::encrypted_trailer(bytes, first.length),
        issues: Vec::new(),
    })
}

pub(super) fn datagram(bytes: &[u8]) -> Rtcp<'_> {
    if srtcp::looks_like_srtcp(bytes)
        && let Some(found) = encrypted(bytes)
    {
        return found;
    }
    let mut out = Rtcp::default();
    let mut issues = Issues::default();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) {
        let Some(head) = header(rest) else {
            out.trailer = srtcp::clear_trailer(bytes, at).filter(|_| at > 0);
            if out.trailer.is_none() {
                issues.add("rtcp-no-packet", at..bytes.len(), "What stands here is no RTCP packet");
            }
            break;
        };
        if out.packets.len() >= MAX_PACKETS {
            issues.add("rtcp-many-packets", at..bytes.len(), "More packets than are read of one datagram");
            break;
        }
        let whole = rest.get(..head.length).unwrap_or(rest);
        if head.length > rest.len() {
            issues.add(
                "rtcp-length",
                at..bytes.len(),
                format!("The packet says {} bytes, and {} are there", head.length, rest.len()),
            );
        }
        out.packets.push(packet(&head, whole, at, &mut issues));
        at += whole.len();
    }
    out.reduced_size = !is_full_compound(&out);
    out.issues = issues.0;
    out
}

/// The beginning of a datagram that the capture cut.
pub(super) fn cut(bytes: &[u8]) -> Rtcp<'_> {
    let Some(first) = header(bytes) else {
        return Rtcp { cut: true, ..Rtcp::default() };
    };
    // Another header behind the first packet, of a usual type and size, shows that it is in clear: ciphertext looks like
    // that once in many thousands.
    let next = bytes.get(first.length..).and_then(header);
    let usual = |h: &Header| matches!(h.packet_type, 200..=207) && h.length <= 1024;
    let is_clear = next.is_some_and(|h| usual(&h));
    let mut out = if is_clear { datagram(bytes) } else { Rtcp::default() };
    out.cut = true;
    out.encrypted = false;
    out.trailer = None;
    out.issues.clear();
    let length_of = |at: usize| bytes.get(at..).and_then(header);
    if !is_clear {
        out.packets.push(header_alone(&first, 0, bytes.len()));
    } else if let Some(last) = out.packets.last_mut()
        && let Some(head) = length_of(last.range.start)
        && head.length > last.range.len()
    {
        *last = header_alone(&head, last.range.start, bytes.len());
    }
    // What stands behind the cut is not known.
    out.reduced_size = !matches!(first.packet_type, packet_type::SR | packet_type::RR);
    out
}

fn header_alone<'a>(head: &Header, at: usize, end: usize) -> RtcpPacket<'a> {
    RtcpPacket {
        range: at..(at + head.length).min(end),
        packet_type: head.packet_type,
        count: head.count,
        padding: 0,
        body: RtcpBody::Unknown,
    }
}

/// RFC 3550 §6.1: a report first, and a CNAME.
fn is_full_compound(rtcp: &Rtcp<'_>) -> bool {
    let report = matches!(
        rtcp.packets.first().map(|p| &p.body),
        Some(RtcpBody::SenderReport(_) | RtcpBody::ReceiverReport(_))
    );
    let named = |p: &RtcpPacket<'_>| match &p.body {
        RtcpBody::SourceDescription(chunks) => {
            chunks.iter().any(|c| c.items.iter().any(|i| i.kind == SdesItem::CNAME))
        }
        _ => false,
    };
    report && rtcp.packets.iter().any(named)
}

/// `whole` is what there is of the packet; it begins `at` in the datagram.
fn packet<'a>(head: &Header, whole: &'a [u8], at: usize, issues: &mut Issues) -> RtcpPacket<'a> {
    let range = at..at + whole.len();
    let padding = padding(head, whole, &range, issues);
    let bytes = whole.get(..whole.len() - usize::from(padding)).unwrap_or(whole);
    let body = match head.packet_type {
        packet_type::SR => sender_report(head, bytes, at, issues).map(RtcpBody::SenderReport),
        packet_type::RR => receiver_report(head, bytes, at, issues).map(RtcpBody::ReceiverReport),
        packet_type::SDES => Some(RtcpBody::SourceDescription(sdes(head, bytes, at, issues))),
        packet_type::BYE => Some(RtcpBody::Bye(bye(head, bytes, at, issues))),
        packet_type::APP => app(head, bytes, at).map(RtcpBody::App),
        packet_type::RTPFB => {
            feedback::read(bytes, at, head.packet_type, head.count, issues).map(RtcpBody::TransportFeedback)
        }
        packet_type::PSFB => {
            feedback::read(bytes, at, head.packet_type, head.count, issues).map(RtcpBody::PayloadFeedback)
        }
        packet_type::XR => xr::read(bytes, at, issues).map(RtcpBody::ExtendedReport),
        _ => Some(RtcpBody::Unknown),
    };
    let body = body.unwrap_or_else(|| {
        issues.add("rtcp-short", range.clone(), "The packet is too short for the fields of its type");
        RtcpBody::Unknown
    });
    RtcpPacket { range, packet_type: head.packet_type, count: head.count, padding, body }
}

/// The last byte counts the padding, itself included (RFC 3550 §6.4.1).
fn padding(head: &Header, whole: &[u8], range: &Range<usize>, issues: &mut Issues) -> u8 {
    // Of a packet that is cut the last byte is no count.
    if !head.padded || whole.len() < head.length {
        return 0;
    }
    match whole.last() {
        Some(&count) if count > 0 && usize::from(count) <= whole.len() - HEADER => count,
        _ => {
            let last = range.end.saturating_sub(1)..range.end;
            issues.add("rtcp-padding", last, "The count of padding does not fit the packet");
            0
        }
    }
}

fn sender_report(head: &Header, bytes: &[u8], at: usize, issues: &mut Issues) -> Option<SenderReport> {
    let from = 28;
    let rest = bytes.get(from..)?;
    let (reports, used) = report::blocks(rest, at + from, head.count, issues);
    Some(SenderReport {
        ssrc: u32_at(bytes, 4)?,
        ntp: u64_at(bytes, 8)?,
        rtp_timestamp: u32_at(bytes, 16)?,
        packets: u32_at(bytes, 20)?,
        octets: u32_at(bytes, 24)?,
        extensions: extensions(head, &reports, rest, used, at + from),
        reports,
    })
}

fn receiver_report(head: &Header, bytes: &[u8], at: usize, issues: &mut Issues) -> Option<ReceiverReport> {
    let from = 8;
    let rest = bytes.get(from..)?;
    let (reports, used) = report::blocks(rest, at + from, head.count, issues);
    Some(ReceiverReport {
        ssrc: u32_at(bytes, 4)?,
        extensions: extensions(head, &reports, rest, used, at + from),
        reports,
    })
}

/// What is left of a report that is cut is no extension.
fn extensions(
    head: &Header,
    reports: &[super::ReportBlock],
    rest: &[u8],
    used: usize,
    at: usize,
) -> Vec<super::ProfileExtension> {
    if reports.len() < usize::from(head.count) {
        return Vec::new();
    }
    report::extensions(rest.get(used..).unwrap_or_default(), at + used)
}

fn sdes<'a>(head: &Header, bytes: &'a [u8], at: usize, issues: &mut Issues) -> Vec<SdesChunk<'a>> {
    let mut out = Vec::new();
    let mut from = HEADER;
    for _ in 0..head.count {
        let Some(ssrc) = u32_at(bytes, from) else {
            issues.add(
                "rtcp-chunk-count",
                at + from.min(bytes.len())..at + bytes.len(),
                format!("The header promises {} chunks, and there are {}", head.count, out.len()),
            );
            break;
        };
        let start = from;
        from += 4;
        let mut items = Vec::new();
        let mut ended = false;
        while let Some(&kind) = bytes.get(from) {
            if kind == 0 {
                // Zero bytes to the next word end the list.
                from = (from + 1).next_multiple_of(4).min(bytes.len());
                ended = true;
                break;
            }
            let text = bytes.get(from + 1).and_then(|&n| bytes.get(from + 2..from + 2 + usize::from(n)));
            let Some(text) = text else {
                let range = at + from..at + bytes.len();
                issues.add("rtcp-sdes-length", range, "An item goes beyond the end of its packet");
                from = bytes.len();
                // Said once.
                ended = true;
                break;
            };
            let end = from + 2 + text.len();
            if items.len() < MAX_ITEMS {
                items.push(SdesItem { kind, text, range: at + from..at + end });
            }
            from = end;
        }
        if !ended {
            let end = at + bytes.len();
            issues.add("rtcp-sdes-unterminated", end..end, "The list of items has no zero byte at its end");
        }
        out.push(SdesChunk { ssrc, range: at + start..at + from, items });
    }
    out
}

fn bye<'a>(head: &Header, bytes: &'a [u8], at: usize, issues: &mut Issues) -> Bye<'a> {
    let rest = bytes.get(HEADER..).unwrap_or_default();
    let ssrcs: Vec<u32> = rest
        .as_chunks::<4>()
        .0
        .iter()
        .take(usize::from(head.count))
        .map(|&b| u32::from_be_bytes(b))
        .collect();
    if ssrcs.len() < usize::from(head.count) {
        issues.add(
            "rtcp-source-count",
            at..at + bytes.len(),
            format!("The header promises {} sources, and there are {}", head.count, ssrcs.len()),
        );
    }
    let from = HEADER + 4 * ssrcs.len();
    let length = bytes.get(from).copied().map(usize::from);
    let reason = length.and_then(|n| bytes.get(from + 1..from + 1 + n));
    if length.is_some() && reason.is_none() {
        let range = at + from..at + bytes.len();
        issues.add("rtcp-reason-length", range, "The reason goes beyond the end of its packet");
    }
    let start = (from + 1).min(bytes.len());
    let reason_range = at + start..at + start + reason.map_or(0, <[u8]>::len);
    Bye { ssrcs, reason: reason.filter(|r| !r.is_empty()), reason_range }
}

fn app<'a>(head: &Header, bytes: &'a [u8], at: usize) -> Option<App<'a>> {
    let name = *bytes.get(8..)?.first_chunk::<4>()?;
    Some(App {
        subtype: head.count,
        ssrc: u32_at(bytes, 4)?,
        name,
        data: bytes.get(12..)?,
        data_range: at + 12..at + bytes.len(),
    })
}
