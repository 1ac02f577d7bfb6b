//! Why a call failed, in words.

use std::net::IpAddr;

use callscope_parsers::tls::alert_name;

use super::{reason_phrase, safe};
use crate::correlate::{Analysis, CallIdx, DialogIdx, DialogState, Failure, FailureCause, Str, Unreachable};
use crate::decode::BreakageKind;
use crate::net::Icmp;

/// `port unreachable`, `time exceeded (code 7)`.
fn icmp_words(v6: bool, kind: u8, code: u8) -> String {
    let icmp = Icmp { v6, kind, code, original: None };
    match icmp.code_words() {
        Some(words) => words.to_owned(),
        None => format!("{} (type {kind}, code {code})", icmp.kind_words()),
    }
}

fn alert(description: u8) -> String {
    alert_name(description).map_or_else(|| description.to_string(), str::to_owned)
}

/// What happened, without who said it: `ICMP port unreachable`, `TCP reset`.
pub fn breakage(kind: BreakageKind) -> String {
    match kind {
        BreakageKind::Icmp { v6, kind, code } => {
            format!("ICMP{} {}", if v6 { "v6" } else { "" }, icmp_words(v6, kind, code))
        }
        BreakageKind::Reset => "TCP reset".to_owned(),
        BreakageKind::Closed => "TCP connection closed".to_owned(),
        BreakageKind::TlsAlert { description } => format!("TLS alert {}", alert(description)),
    }
}

/// The same with who said it.
pub fn breakage_by(kind: BreakageKind, by: IpAddr) -> String {
    let preposition = if kind == BreakageKind::Closed { "by" } else { "from" };
    format!("{} {preposition} {by}", breakage(kind))
}

/// `ICMP host unreachable ×8`.
pub fn unreachable(u: &Unreachable) -> String {
    let times = if u.count > 1 { format!(" ×{}", u.count) } else { String::new() };
    format!("{}{times}", breakage(u.kind))
}

/// `ICMP port unreachable from 10.0.0.2`, `no response`.
pub fn failure(failure: &Failure) -> String {
    match failure.cause {
        FailureCause::NoResponse => "no response".to_owned(),
        FailureCause::CaptureEnds => "capture ends before an answer could come".to_owned(),
        FailureCause::Broken { kind, by } => breakage_by(kind, by),
    }
}

/// The name of a cause in the JSON, and in few words for a list.
pub fn failure_kind(cause: FailureCause) -> (&'static str, &'static str) {
    match cause {
        FailureCause::NoResponse => ("no_response", "no response"),
        FailureCause::CaptureEnds => ("capture_ends", "capture ends"),
        FailureCause::Broken { kind: BreakageKind::Icmp { .. }, .. } => ("icmp", "ICMP error"),
        FailureCause::Broken { kind: BreakageKind::Reset, .. } => ("tcp_reset", "TCP reset"),
        FailureCause::Broken { kind: BreakageKind::Closed, .. } => ("tcp_closed", "TCP closed"),
        FailureCause::Broken { kind: BreakageKind::TlsAlert { .. }, .. } => ("tls_alert", "TLS alert"),
    }
}

/// The reason phrase a call ended with, or else why it failed.
pub fn call_reason(analysis: &Analysis, call: CallIdx) -> String {
    let reason = analysis.call(call).summary.reason;
    if reason != Str(0) {
        return safe(analysis.strings.bytes(reason));
    }
    analysis.failure(call).map(|f| failure(&f)).unwrap_or_default()
}

/// How a dialog stands; what the end of the capture overtakes is not over.
pub fn dialog_state(analysis: &Analysis, dialog: DialogIdx) -> &'static str {
    let s = &analysis.dialog(dialog).summary;
    let waits = s.state == DialogState::Unanswered && analysis.may_yet_be_answered(s.end);
    if waits { "no answer yet" } else { s.state.name() }
}

/// The phrase of the status a dialog ended with, or that its subscription was terminated, and why.
pub fn dialog_reason(analysis: &Analysis, dialog: DialogIdx) -> String {
    let s = &analysis.dialog(dialog).summary;
    if analysis.is_leftover(dialog) {
        return "Call-ID cut off".to_owned();
    }
    match s.terminated {
        false => reason_phrase(s.final_status).to_owned(),
        true if s.terminated_reason == Str(0) => "terminated".to_owned(),
        true => format!("terminated: {}", safe(analysis.strings.bytes(s.terminated_reason))),
    }
}
