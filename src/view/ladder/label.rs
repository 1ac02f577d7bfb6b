//! What an arrow carries, in words.

use std::borrow::Cow;

use callscope_parsers::sip::{Message, StartLine, parse_message};

use super::{conference, diagnostics};
use crate::correlate::{Analysis, Content, MethodId, MsgIdx, Owner, SipRecord, flag};
use crate::view::show;

/// How far back the request of an answer is looked for.
const LOOK: usize = 512;

/// Bytes that most labels have room in.
const USUAL: usize = 48;

/// Columns behind an arrow from which on the rest of its label may stand there.
pub(super) const BESIDE: usize = 12;

/// A label that is wider than `columns` in two parts, the first of which is not.
pub(super) fn split(label: &str, columns: usize) -> (&str, &str) {
    if show::width(label) <= columns {
        return (label, "");
    }
    let parts = |at: usize| Some((label.get(..at)?, label.get(at + 1..)?));
    let fits = |at: &usize| parts(*at).is_some_and(|(on, _)| show::width(on) <= columns);
    let breaks = label.match_indices(' ').map(|(at, _)| at).take_while(fits);
    // Both ends of a way stand together, and a sign alone says nothing.
    let may = |(on, rest): &(&str, &str)| {
        !on.ends_with('→') && !rest.starts_with('→') && on.contains(char::is_alphanumeric)
    };
    let breaks: Vec<(&str, &str)> = breaks.filter_map(parts).filter(may).collect();
    // What names a value stays with it.
    let names = |(_, rest): &&(&str, &str)| rest.starts_with(char::is_lowercase);
    match breaks.iter().rev().find(names).or(breaks.last()) {
        Some((on, rest)) => (on, rest.trim_start()),
        None => (label, ""),
    }
}

/// The same of figures that commas part: `RTP PCMU/8000, 303 pkts,` and `no loss, jitter 1.2 ms`.
pub(super) fn split_figures(label: &str, columns: usize) -> (&str, &str) {
    if show::width(label) <= columns {
        return (label, "");
    }
    let parts = |(at, _)| Some((label.get(..at + 1)?, label.get(at + 2..)?));
    let fits = |(on, _): &(&str, &str)| show::width(on) <= columns;
    let last = label.match_indices(", ").map_while(parts).take_while(fits).last();
    last.unwrap_or_else(|| split(label, columns))
}

/// What an arrow carries. `bytes` are those of the message, if at hand; else they are read only where the label needs
/// them: REFER, NOTIFY of a transfer, remote call control, failures other than 401 and 407, and what says why.
pub fn message_label(analysis: &Analysis, m: MsgIdx, bytes: Option<&[u8]>) -> String {
    let record = analysis.message(m);
    let read;
    let bytes = match bytes {
        None if needs_bytes(analysis, record) => {
            read = analysis.message_bytes(m).ok();
            read.as_deref()
        }
        given => given,
    };
    let message = bytes.and_then(parse_message);
    let mut label = String::with_capacity(USUAL);
    match record.status {
        0 => request(&mut label, analysis, m, record, message.as_ref()),
        _ => response(&mut label, analysis, m, record, message.as_ref()),
    }
    if let Some(told) = message.as_ref().and_then(|message| conference::told(record, message)) {
        // The event says no more than that it is a roster.
        if told.starts_with("roster")
            && let Some(short) = label.strip_suffix(" conference")
        {
            label.truncate(short.len());
        }
        label.push(' ');
        label.push_str(&told);
    }
    let csta = show::csta::words(record, message.as_ref());
    if !csta.is_empty() {
        label.push_str(&format!(" {csta}"));
    }
    let why = diagnostics::words(m, record, message.as_ref());
    if !why.is_empty() {
        label.push_str(&format!("  {why}"));
    }
    if record.has(flag::JOINED) {
        label.push_str(" (cut, inferred)");
    } else if record.has(flag::CUT) {
        label.push_str(" (cut)");
    } else if record.has(flag::MALFORMED) {
        label.push_str(" (malformed)");
    }
    label
}

fn needs_bytes(analysis: &Analysis, record: &SipRecord) -> bool {
    if conference::needs_bytes(record) || record.has(flag::DIAGNOSTICS) || record.content == Content::Csta {
        return true;
    }
    if record.is_request() {
        return record.method == MethodId::REFER
            || record.method == MethodId::NOTIFY && may_report_transfer(analysis, record.owner);
    }
    record.status >= 300 && !matches!(record.status, 401 | 407)
}

/// NOTIFY with a sipfrag comes inside a call, or in a dialog of its own for the event `refer`.
fn may_report_transfer(analysis: &Analysis, owner: Owner) -> bool {
    match owner {
        Owner::Call(_) => true,
        Owner::Dialog(d) => {
            let event = analysis.strings.bytes(analysis.dialog(d).event);
            event.get(..5).is_some_and(|e| e.eq_ignore_ascii_case(b"refer"))
        }
    }
}

fn request(
    label: &mut String,
    analysis: &Analysis,
    m: MsgIdx,
    record: &SipRecord,
    message: Option<&Message<'_>>,
) {
    method(label, analysis, record);
    if let Some(message) = message {
        if record.method == MethodId::REFER
            && let Some(target) = refer_target(message)
        {
            label.push_str(" → ");
            label.push_str(&target);
        }
        if let Some(line) = sipfrag(message) {
            label.extend([" ", &line, " sipfrag"]);
            return;
        }
    }
    match record.content {
        Content::Composing => label.push_str(" (typing)"),
        Content::DeliveryNotice => label.push_str(" (delivery notice)"),
        _ => {}
    }
    if let Owner::Dialog(d) = record.owner
        && matches!(
            record.method,
            MethodId::SUBSCRIBE | MethodId::NOTIFY | MethodId::BENOTIFY | MethodId::PUBLISH
        )
    {
        let event = analysis.strings.bytes(analysis.dialog(d).event);
        if !event.is_empty() {
            label.push(' ');
            label.push_str(&show::shorten(&show::safe(event), 32));
        }
    }
    if record.has(flag::SDP) && record.has(flag::HOLD) && is_offer(analysis, m, record) == Some(true) {
        label.push_str(" (hold)");
        candidates(label, record);
    } else {
        describe_sdp(label, analysis, m, record);
    }
}

fn method(label: &mut String, analysis: &Analysis, record: &SipRecord) {
    show::push_safe(label, analysis.method(record.method).as_bytes());
}

fn response(
    label: &mut String,
    analysis: &Analysis,
    m: MsgIdx,
    record: &SipRecord,
    message: Option<&Message<'_>>,
) {
    let written = message.and_then(|message| match &message.start {
        StartLine::Status { reason, .. } => message.bytes.get(reason.clone()).map(show::safe),
        StartLine::Request { .. } => None,
    });
    let phrase = match written {
        Some(phrase) if !phrase.is_empty() => Cow::Owned(show::shorten(&phrase, 60)),
        _ => Cow::Borrowed(show::reason_phrase(record.status)),
    };
    label.push_str(itoa::Buffer::new().format(record.status));
    if !phrase.is_empty() {
        label.push(' ');
        label.push_str(&phrase);
    }
    let usual = match record.owner {
        Owner::Call(_) => MethodId::INVITE,
        Owner::Dialog(d) => analysis.dialog(d).method,
    };
    // Of a message cut before its CSeq no method is known.
    if record.method != usual && !analysis.method(record.method).is_empty() {
        label.push_str(" (");
        method(label, analysis, record);
        label.push(')');
    }
    describe_sdp(label, analysis, m, record);
}

fn describe_sdp(label: &mut String, analysis: &Analysis, m: MsgIdx, record: &SipRecord) {
    if record.has(flag::SDP) {
        label.push_str(match is_offer(analysis, m, record) {
            Some(true) => " offer",
            Some(false) => " answer",
            None => " SDP",
        });
        candidates(label, record);
    } else if record.candidates > 0 {
        candidates(label, record);
    }
}

fn candidates(label: &mut String, record: &SipRecord) {
    match record.candidates {
        0 => {}
        1 => label.push_str(", 1 candidate"),
        n => label.extend([", ", itoa::Buffer::new().format(n), " candidates"]),
    }
}

/// RFC 3264 and RFC 6337: is the SDP of this message an offer, or the answer to one? None where it is neither.
fn is_offer(analysis: &Analysis, m: MsgIdx, record: &SipRecord) -> Option<bool> {
    match (record.is_request(), record.method) {
        (true, MethodId::INVITE | MethodId::UPDATE) => Some(true),
        (true, MethodId::ACK) => Some(false),
        // An INVITE without offer got it in the reliable 18x, which PRACK answers (RFC 3262 §5).
        (true, MethodId::PRACK) => Some(invite_has_sdp(analysis, m, record, false).unwrap_or(true)),
        (false, MethodId::INVITE) => Some(!invite_has_sdp(analysis, m, record, true).unwrap_or(true)),
        (false, MethodId::UPDATE | MethodId::PRACK) => Some(false),
        _ => None,
    }
}

/// Whether the INVITE this message belongs to carries SDP (the same CSeq, or else the latest before it).
fn invite_has_sdp(analysis: &Analysis, m: MsgIdx, record: &SipRecord, same_cseq: bool) -> Option<bool> {
    let list = match record.owner {
        Owner::Call(c) => analysis.call(c).messages,
        Owner::Dialog(d) => analysis.dialog(d).messages,
    };
    let mut found = None;
    for other in analysis.messages_of(list).take(LOOK) {
        if other == m {
            break;
        }
        let o = analysis.message(other);
        if o.is_request()
            && o.method == MethodId::INVITE
            && o.from_tag == record.from_tag
            && (!same_cseq || o.cseq == record.cseq)
        {
            found = Some(o.has(flag::SDP));
        }
    }
    found
}

/// `sip:carol@contoso.com`, with a word where the transfer replaces a call.
fn refer_target(message: &Message<'_>) -> Option<String> {
    let value = &message.header("Refer-To")?.value;
    let uri = match (value.iter().position(|&b| b == b'<'), value.iter().position(|&b| b == b'>')) {
        (Some(open), Some(close)) if open < close => value.get(open + 1..close)?,
        _ => value.split(|&b| b == b';').next()?.trim_ascii(),
    };
    let mut parts = uri.splitn(2, |&b| b == b'?');
    let mut target = show::shorten(&show::safe(parts.next()?), 48);
    if parts.next().is_some_and(|h| h.to_ascii_lowercase().windows(9).any(|w| w == b"replaces=")) {
        target.push_str(" (attended)");
    }
    Some(target)
}

/// Status line that a `message/sipfrag` body tells (RFC 3420), without the version.
fn sipfrag(message: &Message<'_>) -> Option<String> {
    let content_type = message.header("Content-Type")?.value.to_ascii_lowercase();
    if !content_type.starts_with(b"message/sipfrag") {
        return None;
    }
    let body = message.bytes.get(message.body.clone())?;
    let line = body.split(|&b| b == b'\n').next()?.trim_ascii();
    let line = line.strip_prefix(b"SIP/2.0 ").unwrap_or(line);
    Some(show::shorten(&show::safe(line), 60))
}

#[cfg(test)]
mod tests {
    use super::{split, split_figures};

    #[test]
    fn figures_are_parted_at_commas() {
        let label = "▸ RTP PCMU/8000, →303 ←298 pkts, jitter 1.2 ms";
        assert_eq!(split_figures(label, 60), (label, ""));
        assert_eq!(split_figures(label, 40), ("▸ RTP PCMU/8000, →303 ←298 pkts,", "jitter 1.2 ms"));
        assert_eq!(split_figures(label, 20), ("▸ RTP PCMU/8000,", "→303 ←298 pkts, jitter 1.2 ms"));
        assert_eq!(split_figures(label, 10), ("▸ RTP", "PCMU/8000, →303 ←298 pkts, jitter 1.2 ms"));
    }

    #[test]
    fn a_label_is_cut_where_it_reads_best() {
        let check =
            |label, columns, on, beside| assert_eq!(split(label, columns), (on, beside), "in {columns}");
        let label = "Allocate success, mapped 192.0.2.1:4000, relayed 203.0.113.9:50000";
        check(label, 80, label, "");
        // What names a value stays with it.
        check(label, 26, "Allocate success,", "mapped 192.0.2.1:4000, relayed 203.0.113.9:50000");
        check(label, 45, "Allocate success, mapped 192.0.2.1:4000,", "relayed 203.0.113.9:50000");
        check(label, 8, "Allocate", "success, mapped 192.0.2.1:4000, relayed 203.0.113.9:50000");
        check(label, 7, label, "");
        // Both ends of a way stand together.
        check("checks host → relay chosen", 14, "checks", "host → relay chosen");
        // The sign of a run is no label.
        check("▸ 24×checks", 5, "▸ 24×checks", "");
    }
}
