//! RTP, RTCP, DTLS and ZRTP in a line: the Packets view and the decode tree say the same.

use callscope_parsers::dtls::{
    Dtls, DtlsRecord, Fragment, Handshake, RecordBody, content, content_name, handshake_name, parse_dtls,
    srtp_profile_name,
};
use callscope_parsers::probe::Probe;
use callscope_parsers::rtcp::{
    ExtensionValue, Feedback, FeedbackDetail, ReportBlock, Rtcp, RtcpBody, RtcpPacket, VoipMetrics, XrBody,
    parse_cut_rtcp, parse_rtcp,
};
use callscope_parsers::rtp::{
    RtpHeader, TELEPHONE_EVENT, TelephoneEvent, event_name, parse_cut_rtp, parse_rtp, parse_telephone_event,
    static_payload, telephone_events,
};
use callscope_parsers::tls::{alert_name, version_name};
use callscope_parsers::udptl::{Ifp, Recovery, Udptl};
use callscope_parsers::zrtp::{Zrtp, ZrtpMessage, error_title, parse_zrtp};

use super::{SourceTypes, Types};
use crate::view::show;

/// Parts of one datagram that its line tells of.
const PARTS: usize = 8;
/// Reports of one datagram that its line tells of.
const REPORTS: usize = 3;
/// Columns of a name out of a packet.
const TEXT: usize = 60;

/// The line of a payload that the probe took for media or what keys it. `cut`: the capture does not hold its end.
pub fn line(probe: Probe, payload: &[u8], cut: bool, types: &Types<'_>) -> Option<String> {
    Some(match probe {
        Probe::Rtp => rtp(payload, cut)
            .map_or_else(|| "cut".to_owned(), |rtp| rtp_line(&rtp, payload, &types.source(rtp.ssrc))),
        Probe::Rtcp => rtcp_line(&rtcp(payload, cut)),
        Probe::Dtls => dtls_line(&dtls(payload, cut)),
        Probe::Zrtp => zrtp_line(&zrtp(payload, cut)?),
        _ => return None,
    })
}

pub fn rtp(payload: &[u8], cut: bool) -> Option<RtpHeader> {
    if cut { parse_cut_rtp(payload) } else { parse_rtp(payload) }
}

pub fn rtcp(payload: &[u8], cut: bool) -> Rtcp<'_> {
    if cut { parse_cut_rtcp(payload) } else { parse_rtcp(payload) }
}

/// Without issues where it is cut: they would speak of the cut.
pub fn dtls(payload: &[u8], cut: bool) -> Dtls {
    let mut read = parse_dtls(payload);
    if cut {
        read.issues.clear();
    }
    read
}

/// Without issues where it is cut.
pub fn zrtp(payload: &[u8], cut: bool) -> Option<Zrtp> {
    let mut read = parse_zrtp(payload)?;
    if cut {
        read.issues.clear();
    }
    Some(read)
}

fn text(bytes: &[u8]) -> String {
    show::shorten(&show::safe(bytes), TEXT)
}

pub fn ssrc(ssrc: u32) -> String {
    format!("0x{ssrc:08X}")
}

/// `64 kbit/s`, `1.25 Mbit/s`.
pub fn bit_rate(bits: u64) -> String {
    let scaled = |unit: f64, name: &str| {
        let text = format!("{:.2}", bits as f64 / unit);
        format!("{} {name}bit/s", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match bits {
        0..1000 => format!("{bits} bit/s"),
        1000..1_000_000 => scaled(1e3, "k"),
        1_000_000..1_000_000_000 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

// ---- RTP ----------------------------------------------------------------------------------------------------

/// `PT 0 PCMU seq 7 ts 160 SSRC 0x8418D3C5 160 bytes, marker`. What dynamic payload types mean stands in the session
/// description alone: without one they are numbers.
pub fn rtp_line(rtp: &RtpHeader, packet: &[u8], types: &SourceTypes) -> String {
    let codec = types.codec(rtp.payload_type);
    let name = match &codec {
        Some(codec) => format!(" {}", show::shorten(&show::safe_str(&codec.name), TEXT)),
        None => static_payload(rtp.payload_type).map_or_else(String::new, |p| format!(" {}", p.name)),
    };
    let mut out = format!(
        "PT {}{name} seq {} ts {} SSRC {} {}",
        rtp.payload_type,
        rtp.sequence,
        rtp.timestamp,
        ssrc(rtp.ssrc),
        show::count(u64::from(rtp.payload.len()), "byte", "bytes"),
    );
    if rtp.marker {
        out.push_str(", marker");
    }
    match codec {
        Some(codec) if codec.is_event() && !types.is_protected() => {
            let event = telephone_events(rtp.payload_of(packet)).next();
            if let Some(event) = event {
                out.push_str(&format!(", {}", event_words(event, types.redacted)));
            }
        }
        Some(_) => {}
        None => {
            if let Some((_, key)) = likely_key(rtp, packet) {
                out.push_str(&format!(", key {key} if this is telephone-event"));
            }
        }
    }
    out
}

/// `key 5`, `key 5 ends`, `event 54, V.21 preamble (fax)`. `redacted`: keys may be a passcode.
pub fn event_words(event: TelephoneEvent, redacted: bool) -> String {
    let end = if event.end { " ends" } else { "" };
    match (event.digit(), event_name(event.event)) {
        (Some(_), _) if redacted => format!("key x{end}"),
        (Some(key), _) => format!("key {key}{end}"),
        (None, Some(name)) => format!("event {}, {name}{end}", event.event),
        (None, None) => format!("event {}{end}", event.event),
    }
}

/// A payload of a dynamic type that reads as a key being pressed. Encrypted ones are longer.
pub fn likely_key(rtp: &RtpHeader, packet: &[u8]) -> Option<(TelephoneEvent, char)> {
    let payload = rtp.payload_of(packet);
    // The reserved bit is zero (RFC 4733 §2.3.3), and a key is told to last some time.
    let fits = rtp.payload_type >= 96 && payload.len() == TELEPHONE_EVENT && payload.get(1)? & 0x40 == 0;
    let event = parse_telephone_event(payload).filter(|e| fits && e.duration > 0)?;
    Some((event, event.digit()?))
}

// ---- fax -----------------------------------------------------------------------------------------------------

/// `seq 76 v17-14400, repeats 3 packets`.
pub fn udptl_line(packet: &Udptl) -> String {
    let name = packet.ifp.and_then(Ifp::name).map_or_else(String::new, |name| format!(" {name}"));
    let recovery = match &packet.recovery {
        Some(Recovery::Repeated(packets)) if packets.is_empty() => String::new(),
        Some(Recovery::Repeated(packets)) => {
            format!(", repeats {}", show::count(packets.len() as u64, "packet", "packets"))
        }
        Some(Recovery::Parity { span, parities }) => {
            format!(
                ", {} over {} each",
                show::count(parities.len() as u64, "parity", "parities"),
                show::count(u64::from(*span), "packet", "packets")
            )
        }
        None => ", cut".to_owned(),
    };
    format!("seq {}{name}{recovery}", packet.sequence)
}

// ---- RTCP ---------------------------------------------------------------------------------------------------

/// `SR + SDES, 1 report: lost 3 (1.2 %)`.
pub fn rtcp_line(rtcp: &Rtcp<'_>) -> String {
    let mut names: Vec<String> = rtcp.packets.iter().take(PARTS).map(packet_title).collect();
    if rtcp.packets.len() > PARTS {
        names.push("…".to_owned());
    }
    if rtcp.encrypted {
        let from = rtcp.ssrc().map_or_else(String::new, |s| format!(", SSRC {}", ssrc(s)));
        return format!("{}{from}, the rest is encrypted (SRTCP)", names.join(" + "));
    }
    if rtcp.cut {
        names.push("…".to_owned());
    }
    let mut out = if names.is_empty() { "no packet".to_owned() } else { names.join(" + ") };
    let mut add = |what: String| {
        out.push_str(", ");
        out.push_str(&what);
    };
    let reports: Vec<&ReportBlock> = rtcp.packets.iter().flat_map(|p| reports(&p.body)).collect();
    if !reports.is_empty() {
        let mut each: Vec<String> = reports.iter().take(REPORTS).map(|r| lost(r)).collect();
        if reports.len() > REPORTS {
            each.push("…".to_owned());
        }
        add(format!("{}: {}", show::count(reports.len() as u64, "report", "reports"), each.join(", ")));
    }
    rtcp.packets.iter().take(PARTS).flat_map(|p| remarks(&p.body)).for_each(&mut add);
    if !rtcp.issues.is_empty() {
        add("malformed".to_owned());
    }
    out
}

fn reports<'p>(body: &'p RtcpBody<'_>) -> &'p [ReportBlock] {
    match body {
        RtcpBody::SenderReport(r) => &r.reports,
        RtcpBody::ReceiverReport(r) => &r.reports,
        _ => &[],
    }
}

/// `lost 3 (1.2 %)`: since the beginning, and since the report before.
pub fn lost(report: &ReportBlock) -> String {
    format!("lost {} ({:.1} %)", report.cumulative_lost, 100.0 * report.loss())
}

/// `SR`, `NACK`, `BYE`, `type 199`.
pub fn packet_title(packet: &RtcpPacket<'_>) -> String {
    match &packet.body {
        RtcpBody::TransportFeedback(f) | RtcpBody::PayloadFeedback(f) => feedback_title(packet, f),
        RtcpBody::App(app) => format!("APP {}", text(&app.name)),
        _ => packet.name().map_or_else(|| format!("type {}", packet.packet_type), str::to_owned),
    }
}

fn feedback_title(packet: &RtcpPacket<'_>, feedback: &Feedback) -> String {
    let kind = packet.name().unwrap_or_default();
    feedback.name().map_or_else(|| format!("{kind} format {}", feedback.format), str::to_owned)
}

fn remarks(body: &RtcpBody<'_>) -> Vec<String> {
    match body {
        RtcpBody::Bye(bye) => bye.reason.map(|r| format!("reason \"{}\"", text(r))).into_iter().collect(),
        RtcpBody::TransportFeedback(f) | RtcpBody::PayloadFeedback(f) => {
            feedback_text(f).into_iter().collect()
        }
        RtcpBody::ExtendedReport(x) => x.blocks.iter().filter_map(|b| block_text(&b.body)).collect(),
        RtcpBody::SenderReport(r) => r.extensions.iter().filter_map(|e| extension(&e.value)).collect(),
        RtcpBody::ReceiverReport(r) => r.extensions.iter().filter_map(|e| extension(&e.value)).collect(),
        _ => Vec::new(),
    }
}

/// What feedback asks for, beyond its name.
pub fn feedback_text(feedback: &Feedback) -> Option<String> {
    match &feedback.detail {
        FeedbackDetail::Nack(all) => {
            let lost: usize = all.iter().map(|n| n.lost().count()).sum();
            Some(show::count(lost as u64, "packet lost", "packets lost"))
        }
        FeedbackDetail::Tmmb(all) => all.first().map(|t| bit_rate(t.bits)),
        FeedbackDetail::Remb { bits, .. } => Some(bit_rate(*bits)),
        FeedbackDetail::Twcc { base, packets, .. } => {
            Some(format!("{} from {base}", show::count(u64::from(*packets), "packet", "packets")))
        }
        FeedbackDetail::Fir(_) | FeedbackDetail::Sli(_) | FeedbackDetail::None => None,
    }
}

/// Quality by the receiver's own word.
fn block_text(body: &XrBody) -> Option<String> {
    let XrBody::VoipMetrics(m) = body else { return None };
    let loss = format!("XR loss {:.1} %", 100.0 * f64::from(m.loss_rate) / 256.0);
    let r = known(m.r_factor).map_or_else(String::new, |r| format!(", R {r}"));
    let mos = tenths(m.mos_lq).map_or_else(String::new, |mos| format!(", MOS-LQ {mos}"));
    Some(format!("{loss}{r}{mos}"))
}

pub fn known(level: u8) -> Option<u8> {
    Some(level).filter(|&l| l != VoipMetrics::NOT_KNOWN)
}

/// A mean opinion score, which is told times ten.
pub fn tenths(mos: u8) -> Option<String> {
    known(mos).map(|m| format!("{}.{}", m / 10, m % 10))
}

fn extension(value: &ExtensionValue) -> Option<String> {
    match value {
        ExtensionValue::EstimatedBandwidth { bits, .. } => {
            Some(format!("estimated bandwidth {}", bit_rate(u64::from(*bits))))
        }
        ExtensionValue::TurnBandwidth { bits } => {
            Some(format!("TURN bandwidth {}", bit_rate(u64::from(*bits))))
        }
        ExtensionValue::Opaque | ExtensionValue::Raw => None,
    }
}

// ---- DTLS ---------------------------------------------------------------------------------------------------

/// `ClientHello DTLS 1.2, offers SRTP_AES128_CM_HMAC_SHA1_80`, `ChangeCipherSpec + Finished (encrypted)`.
pub fn dtls_line(dtls: &Dtls) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in dtls.records.iter().flat_map(record_lines) {
        // Pieces of one message, one after the other.
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    if parts.len() > PARTS {
        parts.truncate(PARTS);
        parts.push("…".to_owned());
    }
    let mut out = if parts.is_empty() { "no record".to_owned() } else { parts.join(" + ") };
    if !dtls.issues.is_empty() {
        out.push_str(", malformed");
    }
    out
}

fn record_lines(record: &DtlsRecord) -> Vec<String> {
    match &record.body {
        RecordBody::Handshake(fragments) => fragments.iter().map(fragment_line).collect(),
        _ => vec![record_title(record)],
    }
}

/// What a record is, without its handshake messages.
pub fn record_title(record: &DtlsRecord) -> String {
    let kind = record.content_type;
    let name = kind.and_then(content_name).map_or_else(|| "DTLS 1.3 record".to_owned(), str::to_owned);
    match &record.body {
        RecordBody::Alert { level, description } => alert_text(*level, *description),
        // The first record under new keys can be nothing else (RFC 5246 §7.4.9).
        RecordBody::Encrypted
            if kind == Some(content::HANDSHAKE) && record.epoch == 1 && record.sequence == Some(0) =>
        {
            "Finished (encrypted)".to_owned()
        }
        RecordBody::Encrypted if kind == Some(content::APPLICATION_DATA) => {
            format!("{name}, {}", show::count(record.content.len() as u64, "byte", "bytes"))
        }
        RecordBody::Encrypted => format!("{name} (encrypted)"),
        RecordBody::Handshake(_) | RecordBody::ChangeCipherSpec | RecordBody::Other => name,
    }
}

/// `Alert: fatal, handshake_failure`.
fn alert_text(level: u8, description: u8) -> String {
    let level = if level == 2 { "fatal" } else { "warning" };
    let name = alert_name(description).map_or_else(|| description.to_string(), str::to_owned);
    format!("Alert: {level}, {name}")
}

fn fragment_line(fragment: &Fragment) -> String {
    let name = handshake_title(fragment.message_type);
    if !fragment.is_whole() {
        return format!("{name} (fragment)");
    }
    match fragment.message.as_ref().and_then(handshake_text) {
        Some(told) => format!("{name} {told}"),
        None => name,
    }
}

pub fn handshake_title(message_type: u8) -> String {
    handshake_name(message_type).map_or_else(|| format!("handshake message {message_type}"), str::to_owned)
}

/// What a handshake message says, in a few words.
pub fn handshake_text(message: &Handshake) -> Option<String> {
    Some(match message {
        Handshake::ClientHello { version, versions, srtp_profiles, .. } => {
            let best = versions.iter().copied().find(|v| version_name(*v).is_some());
            let mut out = dtls_version(best.unwrap_or(*version));
            if !srtp_profiles.is_empty() {
                out.push_str(", offers ");
                out.push_str(&profiles(srtp_profiles));
            }
            out
        }
        Handshake::HelloVerifyRequest { .. } => return None,
        Handshake::ServerHello { version, srtp_profile, retry, .. } => {
            let retry = if *retry { ", asks for another hello" } else { "" };
            let profile = srtp_profile.map_or_else(String::new, |p| format!(", {}", profile(p)));
            format!("{}{profile}{retry}", dtls_version(*version))
        }
        Handshake::Certificate { count: 0, .. } => "none".to_owned(),
        Handshake::Certificate { first, .. } => {
            show::shorten(&show::safe_str(&first.as_ref()?.subject), TEXT)
        }
        Handshake::Other => return None,
    })
}

pub fn dtls_version(version: u16) -> String {
    version_name(version).map_or_else(|| format!("version 0x{version:04x}"), str::to_owned)
}

pub fn profile(profile: u16) -> String {
    srtp_profile_name(profile).map_or_else(|| format!("profile 0x{profile:04x}"), str::to_owned)
}

pub fn profiles(all: &[u16]) -> String {
    let mut names: Vec<String> = all.iter().take(PARTS).map(|&p| profile(p)).collect();
    if all.len() > PARTS {
        names.push("…".to_owned());
    }
    names.join(", ")
}

// ---- ZRTP ---------------------------------------------------------------------------------------------------

/// `Hello 1.10 from "Zfone"`, `Commit S256 AES1 HS32 DH3k B32`, `Error: DH error: bad public value`.
pub fn zrtp_line(zrtp: &Zrtp) -> String {
    let name = if zrtp.message_type.is_empty() {
        "cut".to_owned()
    } else {
        show::shorten(&show::safe_str(&zrtp.message_type), TEXT)
    };
    let malformed = if zrtp.issues.is_empty() { "" } else { ", malformed" };
    let told = match &zrtp.message {
        ZrtpMessage::Hello { version, client, .. } => {
            format!("{name} {} from \"{}\"", show::safe_str(version), show::safe_str(client))
        }
        ZrtpMessage::Commit { hash, cipher, auth_tag, key_agreement, sas, .. } => {
            let all = [hash, cipher, auth_tag, key_agreement, sas].map(|b| show::safe_str(b));
            format!("{name} {}", all.join(" "))
        }
        ZrtpMessage::Error { code } => format!("{name}: {}", zrtp_error(*code)),
        ZrtpMessage::Other => match zrtp.title() {
            Some(title) => format!("{name} ({title})"),
            None => name,
        },
    };
    told + malformed
}

pub fn zrtp_error(code: u32) -> String {
    error_title(code).map_or_else(|| format!("0x{code:x}"), str::to_owned)
}

#[cfg(test)]
mod tests;
