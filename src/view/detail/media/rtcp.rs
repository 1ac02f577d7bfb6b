//! RTCP as a tree: a node a packet.

use callscope_parsers::rtcp::{
    App, Bye, ExtensionValue, Feedback, FeedbackDetail, ProfileExtension, ReceiverReport, ReportBlock, Rtcp,
    RtcpBody, RtcpPacket, SdesChunk, SenderReport, VoipMetrics, XrBlock, XrBody, XrReport, packet_name,
    sdes_name,
};

use super::{bytes_text, hex, remark, yes};
use crate::view::detail::{Node, place_issue};
use crate::view::packets::media::{bit_rate, feedback_text, known, lost, packet_title, ssrc, tenths};
use crate::view::show;

/// Seconds between the epochs of NTP (1900) and Unix (1970).
const NTP_TO_UNIX: u64 = 2_208_988_800;
/// Entries of one packet that are shown.
const ENTRIES: usize = 64;
const REPORT: usize = 24;

pub fn tree(rtcp: &Rtcp<'_>, bytes: &[u8]) -> Vec<Node> {
    let mut out: Vec<Node> = rtcp.packets.iter().map(|p| packet(p, bytes, rtcp.cut)).collect();
    if rtcp.encrypted {
        let clear = 8.min(bytes.len());
        let end = rtcp.trailer.as_ref().map_or(bytes.len(), |t| t.word.start);
        let tag = match &rtcp.trailer {
            // RFC 7714 has it in front of the index.
            Some(t) if t.word.end == bytes.len() => ", the authentication tag included",
            _ => "",
        };
        let text = bytes_text(end.saturating_sub(clear)) + tag;
        out.push(Node::new("Encrypted", text, clear..end.max(clear)));
    }
    if let Some(t) = &rtcp.trailer {
        let mut node = Node::new("SRTCP", format!("index {}", t.index), t.word.clone());
        node.children.push(Node::new("E bit", yes(t.encrypted), t.word.start..t.word.start + 1));
        node.children.push(Node::new("Index", t.index.to_string(), t.word.clone()));
        out.push(node);
        if t.word.end < bytes.len() {
            let rest = t.word.end..bytes.len();
            out.push(Node::new("Authentication tag", bytes_text(rest.len()), rest));
        }
    } else if rtcp.reduced_size && !rtcp.cut && !rtcp.packets.is_empty() {
        out.push(remark("Reduced size", "no report first, or no CNAME (RFC 5506)"));
    }
    rtcp.issues.iter().for_each(|i| place_issue(&mut out, i));
    out
}

fn packet(p: &RtcpPacket<'_>, bytes: &[u8], cut: bool) -> Node {
    let start = p.range.start;
    let mut node = Node::new(packet_title(p), "", p.range.clone());
    let (count, words) = match &p.body {
        _ if matches!(p.packet_type, 200 | 201) => ("Report count", p.count.to_string()),
        RtcpBody::SourceDescription(_) | RtcpBody::Bye(_) => ("Source count", p.count.to_string()),
        RtcpBody::App(_) => ("Subtype", p.count.to_string()),
        RtcpBody::TransportFeedback(f) | RtcpBody::PayloadFeedback(f) => {
            ("Format", format!("{} ({})", p.count, f.name().unwrap_or("not known")))
        }
        _ => ("Count", p.count.to_string()),
    };
    let type_name = packet_name(p.packet_type).unwrap_or("not known");
    let padded = bytes.get(start).is_some_and(|b| b & 0x20 != 0);
    node.children = vec![
        Node::new("Version", "2", start..start + 1),
        Node::new("Padding", yes(padded), start..start + 1),
        Node::new(count, words, start..start + 1),
        Node::new("Packet type", format!("{} ({type_name})", p.packet_type), start + 1..start + 2),
        Node::new("Length", length(bytes, start), start + 2..start + 4),
    ];
    let mut add = |nodes: Vec<Node>| node.children.extend(nodes);
    match &p.body {
        RtcpBody::SenderReport(r) => add(sender_report(r, start)),
        RtcpBody::ReceiverReport(r) => add(receiver_report(r, start)),
        RtcpBody::SourceDescription(chunks) => add(chunks.iter().map(chunk).collect()),
        RtcpBody::Bye(b) => add(bye(b, start)),
        RtcpBody::App(a) => add(app(a, start)),
        RtcpBody::TransportFeedback(f) | RtcpBody::PayloadFeedback(f) => add(feedback(f, start, bytes)),
        RtcpBody::ExtendedReport(x) => add(extended(x, start, bytes)),
        RtcpBody::Encrypted { ssrc: s } => add(vec![Node::new("SSRC", ssrc(*s), start + 4..start + 8)]),
        // Where the capture ends nothing shows whether it is encrypted; the SSRC never is.
        RtcpBody::Unknown if cut => {
            if let Some(s) = bytes.get(start + 4..).and_then(|b| b.first_chunk::<4>()) {
                add(vec![Node::new("SSRC", ssrc(u32::from_be_bytes(*s)), start + 4..start + 8)]);
            }
            let rest = (start + 8).min(p.range.end)..p.range.end;
            if !rest.is_empty() {
                let text = format!("{}, not read: the capture cut the datagram", bytes_text(rest.len()));
                add(vec![Node::new("Content", text, rest)]);
            }
        }
        RtcpBody::Unknown => {
            let rest = (start + 4).min(p.range.end)..p.range.end;
            if !rest.is_empty() {
                add(vec![Node::new("Data", hex(bytes.get(rest.clone()).unwrap_or_default()), rest)]);
            }
        }
    }
    if p.padding > 0 {
        let from = p.range.end.saturating_sub(usize::from(p.padding));
        node.children.push(Node::new("Padding bytes", p.padding.to_string(), from..p.range.end));
    }
    node.value = summary(p);
    node
}

/// What a packet says, behind its name.
fn summary(p: &RtcpPacket<'_>) -> String {
    let from = p.ssrc().map_or_else(String::new, |s| format!("SSRC {}", ssrc(s)));
    let reports = |n: usize| match n {
        0 => String::new(),
        n => format!(", {}", show::count(n as u64, "report", "reports")),
    };
    let more = match &p.body {
        RtcpBody::SenderReport(r) => reports(r.reports.len()),
        RtcpBody::ReceiverReport(r) => reports(r.reports.len()),
        RtcpBody::TransportFeedback(f) | RtcpBody::PayloadFeedback(f) => {
            feedback_text(f).map_or_else(String::new, |t| format!(", {t}"))
        }
        _ => String::new(),
    };
    format!("{from}{more}")
}

fn length(bytes: &[u8], start: usize) -> String {
    let words =
        bytes.get(start + 2..start + 4).map_or(0, |b| b.iter().fold(0, |n, b| n << 8 | usize::from(*b)));
    format!("{words} ({} bytes)", 4 * (words + 1))
}

fn sender_report(r: &SenderReport, at: usize) -> Vec<Node> {
    let mut out = vec![
        Node::new("SSRC of sender", ssrc(r.ssrc), at + 4..at + 8),
        Node::new("NTP time", ntp_time(r.ntp), at + 8..at + 16),
        Node::new("RTP timestamp", r.rtp_timestamp.to_string(), at + 16..at + 20),
        Node::new("Packets sent", show::number(u64::from(r.packets)), at + 20..at + 24),
        Node::new("Bytes of payload sent", show::number(u64::from(r.octets)), at + 24..at + 28),
    ];
    out.extend(r.reports.iter().enumerate().map(|(n, b)| report(b, at + 28 + REPORT * n)));
    out.extend(r.extensions.iter().map(extension));
    out
}

fn receiver_report(r: &ReceiverReport, at: usize) -> Vec<Node> {
    let mut out = vec![Node::new("SSRC of sender", ssrc(r.ssrc), at + 4..at + 8)];
    out.extend(r.reports.iter().enumerate().map(|(n, b)| report(b, at + 8 + REPORT * n)));
    out.extend(r.extensions.iter().map(extension));
    out
}

/// The instant in UTC; what is no date since 1970 as a number (senders without a clock count from when they started).
fn ntp_time(ntp: u64) -> String {
    let (seconds, fraction) = (ntp >> 32, ntp & 0xFFFF_FFFF);
    let unix = seconds.checked_sub(NTP_TO_UNIX).and_then(|s| {
        let nanos = s.checked_mul(1_000_000_000)?.checked_add((fraction * 1_000_000_000) >> 32)?;
        i64::try_from(nanos).ok()
    });
    match unix {
        _ if ntp == 0 => "0 (no clock)".to_owned(),
        Some(nanos) => format!("{} (0x{ntp:016x})", show::rfc3339(nanos)),
        None => format!("0x{ntp:016x}"),
    }
}

/// Units of 1/65536 s.
fn units(n: u32) -> String {
    show::duration(((u64::from(n) * 1_000_000_000) >> 16) as i64)
}

fn report(b: &ReportBlock, at: usize) -> Node {
    let mut node = Node::new("Report", format!("on SSRC {}: {}", ssrc(b.ssrc), lost(b)), at..at + REPORT);
    let share = format!("{} / 256 ({:.1} %)", b.fraction_lost, 100.0 * b.loss());
    let highest = format!("{} (cycles {}, sequence {})", b.highest, b.highest >> 16, b.highest & 0xFFFF);
    let lsr = if b.lsr == 0 { "0 (no SR received)".to_owned() } else { format!("0x{:08x}", b.lsr) };
    node.children = vec![
        Node::new("SSRC", ssrc(b.ssrc), at..at + 4),
        Node::new("Fraction lost", share, at + 4..at + 5),
        Node::new("Cumulative lost", b.cumulative_lost.to_string(), at + 5..at + 8),
        Node::new("Highest sequence received", highest, at + 8..at + 12),
        Node::new("Jitter", format!("{} timestamp units", b.jitter), at + 12..at + 16),
        Node::new("Last SR", lsr, at + 16..at + 20),
        Node::new("Delay since last SR", format!("{} ({})", b.dlsr, units(b.dlsr)), at + 20..at + 24),
    ];
    node
}

fn extension(e: &ProfileExtension) -> Node {
    let (start, end) = (e.range.start, e.range.end);
    if e.value == ExtensionValue::Raw {
        return Node::new("Profile-specific extension", bytes_text(end - start), e.range.clone());
    }
    let name = e.name().map_or_else(|| format!("type {}", e.kind), str::to_owned);
    let mut node = Node::new("Profile-specific extension", name.clone(), e.range.clone());
    node.children.push(Node::new("Type", format!("{} ({name})", e.kind), start..start + 2));
    node.children.push(Node::new("Length", (end - start).to_string(), start + 2..start + 4));
    let rate = |bits: u32| bit_rate(u64::from(bits));
    match e.value {
        ExtensionValue::EstimatedBandwidth { ssrc: s, bits, confidence } => {
            node.value = format!("{name} {}", rate(bits));
            node.children.push(Node::new("SSRC", ssrc(s), start + 4..start + 8));
            node.children.push(Node::new("Bandwidth", rate(bits), start + 8..start + 12));
            if let Some(c) = confidence {
                node.children.push(Node::new("Confidence", c.to_string(), start + 12..start + 13));
            }
        }
        ExtensionValue::TurnBandwidth { bits } => {
            node.value = format!("{name} {}", rate(bits));
            node.children.push(Node::new("Bandwidth", rate(bits), start + 8..start + 12));
        }
        ExtensionValue::Opaque => {
            if start + 4 < end {
                node.children.push(Node::new("Value", bytes_text(end - start - 4), start + 4..end));
            }
        }
        ExtensionValue::Raw => {}
    }
    node
}

fn chunk(c: &SdesChunk<'_>) -> Node {
    let mut node = Node::new("Chunk", format!("SSRC {}", ssrc(c.ssrc)), c.range.clone());
    node.children.push(Node::new("SSRC", ssrc(c.ssrc), c.range.start..c.range.start + 4));
    for item in &c.items {
        let name = sdes_name(item.kind).map_or_else(|| format!("Item {}", item.kind), str::to_owned);
        node.children.push(Node::new(name, show::safe(item.text), item.range.clone()));
    }
    node
}

fn bye(b: &Bye<'_>, at: usize) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::new();
    for (n, s) in b.ssrcs.iter().enumerate() {
        let from = at + 4 + 4 * n;
        out.push(Node::new("SSRC", ssrc(*s), from..from + 4));
    }
    if let Some(reason) = b.reason {
        out.push(Node::new("Reason", show::safe(reason), b.reason_range.clone()));
    }
    out
}

fn app(a: &App<'_>, at: usize) -> Vec<Node> {
    let mut out = vec![
        Node::new("SSRC", ssrc(a.ssrc), at + 4..at + 8),
        Node::new("Name", show::safe(&a.name), at + 8..at + 12),
    ];
    if !a.data.is_empty() {
        out.push(Node::new("Data", hex(a.data), a.data_range.clone()));
    }
    out
}

fn feedback(f: &Feedback, at: usize, bytes: &[u8]) -> Vec<Node> {
    let mut out = vec![
        Node::new("SSRC of sender", ssrc(f.sender), at + 4..at + 8),
        Node::new("SSRC of media", ssrc(f.media), at + 8..at + 12),
    ];
    let from = f.control.start;
    let at = |n: usize, size: usize| from + n * size..from + (n + 1) * size;
    match &f.detail {
        FeedbackDetail::Nack(all) => {
            for (n, nack) in all.iter().enumerate().take(ENTRIES) {
                let lost: Vec<String> = nack.lost().map(|s| s.to_string()).collect();
                out.push(Node::new("Lost", lost.join(", "), at(n, 4)));
            }
        }
        FeedbackDetail::Tmmb(all) => {
            for (n, t) in all.iter().enumerate().take(ENTRIES) {
                let text =
                    format!("SSRC {}: {}, overhead {} bytes", ssrc(t.ssrc), bit_rate(t.bits), t.overhead);
                out.push(Node::new("Limit", text, at(n, 8)));
            }
        }
        FeedbackDetail::Fir(all) => {
            for (n, (s, number)) in all.iter().enumerate().take(ENTRIES) {
                out.push(Node::new("Request", format!("SSRC {}, number {number}", ssrc(*s)), at(n, 8)));
            }
        }
        FeedbackDetail::Sli(all) => {
            for (n, s) in all.iter().enumerate().take(ENTRIES) {
                let text = format!("{} macroblocks from {}, picture {}", s.number, s.first, s.picture);
                out.push(Node::new("Lost slice", text, at(n, 4)));
            }
        }
        FeedbackDetail::Remb { bits, ssrcs } => {
            out.push(Node::new("Bandwidth", bit_rate(*bits), from + 4..from + 8));
            for (n, s) in ssrcs.iter().enumerate() {
                out.push(Node::new("SSRC", ssrc(*s), from + 8 + 4 * n..from + 12 + 4 * n));
            }
        }
        FeedbackDetail::Twcc { base, packets, reference_time, number } => {
            out.push(Node::new("First sequence number", base.to_string(), from..from + 2));
            out.push(Node::new("Packets", packets.to_string(), from + 2..from + 4));
            let time = format!("{reference_time} × 64 ms");
            out.push(Node::new("Reference time", time, from + 4..from + 7));
            out.push(Node::new("Feedback number", number.to_string(), from + 7..from + 8));
        }
        FeedbackDetail::None if !f.control.is_empty() => {
            let data = bytes.get(f.control.clone()).unwrap_or_default();
            out.push(Node::new("Feedback control information", hex(data), f.control.clone()));
        }
        FeedbackDetail::None => {}
    }
    out
}

fn extended(x: &XrReport, at: usize, bytes: &[u8]) -> Vec<Node> {
    let mut out = vec![Node::new("SSRC of sender", ssrc(x.ssrc), at + 4..at + 8)];
    out.extend(x.blocks.iter().map(|b| block(b, bytes)));
    out
}

fn block(b: &XrBlock, bytes: &[u8]) -> Node {
    let start = b.range.start;
    let name = b.name().map_or_else(|| format!("block type {}", b.kind), str::to_owned);
    let mut node = Node::new("Block", name.clone(), b.range.clone());
    node.children.push(Node::new("Block type", format!("{} ({name})", b.kind), start..start + 1));
    node.children.push(Node::new("Length", length(bytes, start), start + 2..start + 4));
    match &b.body {
        XrBody::ReceiverReferenceTime { ntp } => {
            node.children.push(Node::new("NTP time", ntp_time(*ntp), start + 4..start + 12));
        }
        XrBody::Dlrr(all) => {
            for (n, (s, lrr, dlrr)) in all.iter().enumerate() {
                let from = start + 4 + 12 * n;
                let text = format!("SSRC {}, last 0x{lrr:08x}, {} before", ssrc(*s), units(*dlrr));
                node.children.push(Node::new("Answer", text, from..from + 12));
            }
        }
        XrBody::VoipMetrics(m) => node.children.extend(metrics(m, start + 4)),
        XrBody::Other => {
            let rest = start + 4..b.range.end;
            if !rest.is_empty() {
                node.children.push(Node::new("Data", bytes_text(rest.len()), rest));
            }
        }
    }
    node
}

fn metrics(m: &VoipMetrics, at: usize) -> Vec<Node> {
    let share = |n: u8| format!("{:.1} %", 100.0 * f64::from(n) / 256.0);
    let ms = |n: u16| format!("{n} ms");
    let level = |n: i8, unit: &str| match known(n.cast_unsigned()) {
        Some(_) => format!("{n} {unit}"),
        None => "not known".to_owned(),
    };
    let factor = |n: u8| known(n).map_or_else(|| "not known".to_owned(), |n| n.to_string());
    let mos = |n: u8| tenths(n).unwrap_or_else(|| "not known".to_owned());
    let all: [(&str, String, usize, usize); 21] = [
        ("SSRC", ssrc(m.ssrc), 0, 4),
        ("Loss", share(m.loss_rate), 4, 1),
        ("Discarded", share(m.discard_rate), 5, 1),
        ("Burst density", share(m.burst_density), 6, 1),
        ("Gap density", share(m.gap_density), 7, 1),
        ("Burst duration", ms(m.burst_duration), 8, 2),
        ("Gap duration", ms(m.gap_duration), 10, 2),
        ("Round trip", ms(m.round_trip_delay), 12, 2),
        ("End system delay", ms(m.end_system_delay), 14, 2),
        ("Signal level", level(m.signal_level, "dBm0"), 16, 1),
        ("Noise level", level(m.noise_level, "dBm0"), 17, 1),
        ("Residual echo return loss", level(m.rerl.cast_signed(), "dB"), 18, 1),
        ("Gmin", m.gmin.to_string(), 19, 1),
        ("R factor", factor(m.r_factor), 20, 1),
        ("External R factor", factor(m.external_r_factor), 21, 1),
        ("MOS-LQ", mos(m.mos_lq), 22, 1),
        ("MOS-CQ", mos(m.mos_cq), 23, 1),
        ("Receiver configuration", format!("0x{:02x}", m.rx_config), 24, 1),
        ("Jitter buffer, nominal", ms(m.jitter_buffer_nominal), 26, 2),
        ("Jitter buffer, maximum", ms(m.jitter_buffer_maximum), 28, 2),
        ("Jitter buffer, absolute maximum", ms(m.jitter_buffer_absolute_maximum), 30, 2),
    ];
    all.into_iter()
        .map(|(label, value, from, len)| Node::new(label, value, at + from..at + from + len))
        .collect()
}
