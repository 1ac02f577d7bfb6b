//! Labels made to fit between two lifelines: what is lost first is what is known anyhow.

use crate::tui::widgets::text::{fit, width};

/// `label` in at most `room` columns: `183 Session Progress answer, 12 candidates` → `183 answer, 12 cand.` →
/// `183 answer`. Remarks of the ladder itself (`▲ ` before, ` +2 retrans.` after) stay as long as they can.
pub fn shorten(label: &str, room: usize) -> String {
    if width(label) <= room {
        return label.to_owned();
    }
    let (mark, label) = match label.strip_prefix("▲ ") {
        Some(rest) => ("▲ ", rest),
        None => ("", label),
    };
    let (core, again) = match label.rfind(" +").filter(|_| label.ends_with("retrans.")) {
        Some(at) => label.split_at(at),
        None => (label, ""),
    };
    let again = again.replace("\u{a0}retrans.", "×");
    let left = room.saturating_sub(width(mark) + width(&again));
    let forms = forms(core);
    let whole = forms.iter().find(|form| width(form) <= left);
    // A code alone says less than the beginning of its phrase.
    let text = match (whole, forms.last()) {
        (Some(form), _) if form.len() >= 5 || forms.len() == 1 => form.clone(),
        (None, Some(last)) if last.len() >= 5 => cut(last, left),
        _ => cut(forms.iter().rev().find(|form| form.len() >= 5).map_or(core, String::as_str), left),
    };
    fit(&format!("{mark}{text}{again}"), room).into_owned()
}

/// The label in ever fewer words.
fn forms(core: &str) -> Vec<String> {
    let mut forms: Vec<String> = Vec::new();
    let mut text = core.replace(" candidates", " cand.").replace(" candidate", " cand.");
    let mut push = |form: &str| {
        if forms.last().is_none_or(|last| last != form) {
            forms.push(form.to_owned());
        }
    };
    push(&text);
    text = without_ends(&text).unwrap_or(text);
    push(&text);
    // Whose number or address it is stands in the message.
    text = ["sips:", "sip:", "tel:"].iter().fold(text, |t, scheme| t.replace(&format!(" {scheme}"), " "));
    push(&text);
    text = short_phrase(&text);
    push(&text);
    text = drop_phrase(&text);
    push(&text);
    // What it is, and what came of it, before what was between.
    let mut parts: Vec<&str> = text.split(", ").collect();
    while parts.len() > 2 {
        parts.remove(parts.len() - 2);
        push(&parts.join(", "));
    }
    text = drop_carrier(&parts.join(", "));
    push(&text);
    let text = text.strip_prefix("roster ").unwrap_or(&text);
    push(text);
    push(text.split(", ").next().unwrap_or(text));
    forms
}

/// Cut at the end, but so that a sign of how it went is kept: `200 ✓ getConferencingCap…`.
fn cut(form: &str, room: usize) -> String {
    let (code, rest) = form.split_once(' ').unwrap_or(("", form));
    for sign in [" ✓", " ✗"] {
        let Some((before, after)) = rest.split_once(sign) else { continue };
        if width(code) + width(before) + 3 > room {
            return fit(&format!("{code}{sign} {before}{after}"), room).into_owned();
        }
    }
    fit(form, room).into_owned()
}

/// `host↔relay 10.0.0.1:4000 ↔ 192.0.2.1:5000: 3 checks` → `host↔relay: 3 checks`.
fn without_ends(label: &str) -> Option<String> {
    let (ends, rest) = label.rsplit_once(": ")?;
    let (kinds, _) = ends.split_once(" ↔ ")?.0.rsplit_once(' ')?;
    Some(format!("{kinds}: {rest}"))
}

/// Phrases of RFC 3261 section 21 and what says the same.
const PHRASES: [(&str, &str); 14] = [
    ("183 Session Progress", "183 Progress"),
    ("301 Moved Permanently", "301 Moved"),
    ("302 Moved Temporarily", "302 Moved"),
    ("407 Proxy Authentication Required", "407 Proxy Auth."),
    ("408 Request Timeout", "408 Timeout"),
    ("413 Request Entity Too Large", "413 Too Large"),
    ("415 Unsupported Media Type", "415 Media Type"),
    ("480 Temporarily Unavailable", "480 Unavailable"),
    ("481 Call/Transaction Does Not Exist", "481 Does Not Exist"),
    ("487 Request Terminated", "487 Terminated"),
    ("488 Not Acceptable Here", "488 Not Acceptable"),
    ("500 Server Internal Error", "500 Internal Error"),
    ("503 Service Unavailable", "503 Unavailable"),
    ("504 Server Time-out", "504 Time-out"),
];

fn short_phrase(label: &str) -> String {
    // Why a request was sent says more than by which protocol.
    let label = label.replace("  SIP ", " ");
    for (long, short) in PHRASES {
        if let Some(rest) = label.strip_prefix(long) {
            return format!("{short}{rest}");
        }
    }
    label
}

/// `183 Session Progress answer` → `183 answer`; what is no response, or has nothing but its phrase, stays.
fn drop_phrase(label: &str) -> String {
    let Some((code, rest)) = label.split_once(' ').filter(|(code, _)| code.parse::<u16>().is_ok()) else {
        return label.to_owned();
    };
    if let Some(tail) = rest.strip_prefix("OK ") {
        return format!("{code} {tail}");
    }
    let tail = [" answer", " offer", " SDP", " (", ", ", "  "].iter().filter_map(|t| rest.find(t)).min();
    match tail.and_then(|at| rest.get(at..)) {
        Some(tail) => format!("{code} {}", tail.trim_start_matches([',', ' '])),
        None => label.to_owned(),
    }
}

/// What a message is for, where it only carries something: `INFO addUser ✓` → `addUser ✓`, `200 (INFO) error` →
/// `200 error`, `BENOTIFY roster v2: …` → `roster v2: …`.
fn drop_carrier(label: &str) -> String {
    if let Some((_, rest)) = label.split_once("NOTIFY ").filter(|(_, rest)| rest.starts_with("roster ")) {
        return rest.to_owned();
    }
    for carrier in ["INFO ", "SERVICE "] {
        if let Some(rest) = label.strip_prefix(carrier).filter(|rest| !rest.starts_with('(')) {
            return rest.to_owned();
        }
    }
    for carrier in [" (INFO) ", " (SERVICE) "] {
        if let Some((code, rest)) = label.split_once(carrier) {
            return format!("{code} {rest}");
        }
    }
    label.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_anyhow_goes_first() {
        let check = |label: &str, room, expect: &str| {
            let short = shorten(label, room);
            assert_eq!(short, expect, "{label} in {room}");
            assert!(width(&short) <= room);
        };
        let long = "183 Session Progress answer, 12 candidates";
        check(long, 42, long);
        check(long, 38, "183 Session Progress answer, 12 cand.");
        check(long, 24, "183 answer, 12 cand.");
        check(long, 12, "183 answer");
        check("INVITE offer, 22 candidates", 23, "INVITE offer, 22 cand.");
        check("INVITE offer, 22 candidates", 14, "INVITE offer");
        check("▲ INVITE offer, 22 candidates +3\u{a0}retrans.", 18, "▲ INVITE offer +3×");
        check("200 OK (PRACK)", 11, "200 (PRACK)");
        check("180 Ringing", 8, "180 Rin…");
        check("REFER → sip:carol@contoso.com", 14, "REFER → carol…");
        let checks = "▸ 8 checks, 4 answered, 2 × 400 Bad Request, relay↔relay chosen";
        check(checks, 45, "▸ 8 checks, 4 answered, relay↔relay chosen");
        check(checks, 36, "▸ 8 checks, relay↔relay chosen");
        check(checks, 20, "▸ 8 checks");
        let pair = "▸ host↔host 10.0.0.1:4000 ↔ [fe80::1]:5000: 4 checks, none answered";
        check(pair, 42, "▸ host↔host: 4 checks, none answered");
        check(pair, 30, "▸ host↔host: 4 checks");
        check("BYE", 0, "");
    }

    #[test]
    fn what_came_of_it_stays() {
        let check = |label: &str, room, expect: &str| {
            assert_eq!(shorten(label, room), expect, "{label} in {room}");
        };
        check("487 Request Terminated", 19, "487 Terminated");
        check("404 Not Found  1003 user does not exist", 36, "404 1003 user does not exist");
        check("180 Ringing  13004 proxied to endpoints", 20, "180 13004 proxied t…");
        check("CANCEL  SIP 480 \"Agent did not answer\"", 19, "CANCEL 480 \"Agent …");
        check("CANCEL  SIP 200 \"Call completed elsewhere\"", 38, "CANCEL 200 \"Call completed elsewhere\"");
        let answer = "200 OK getConferencingCapabilities ✓";
        check(answer, 33, "200 getConferencingCapabilities ✓");
        check(answer, 20, "200 ✓ getConferenci…");
        check("200 OK deleteUser ✗ userDoesNotExist", 24, "200 deleteUser ✗ userDo…");
        check("INFO addUser → tel:+14255032002", 26, "addUser → +14255032002");
        check("INFO addUser → sip:amy@contoso.com", 26, "addUser → amy@contoso.com");
        check("BENOTIFY roster v5: Amy Strande connected", 34, "roster v5: Amy Strande connected");
        check("BENOTIFY roster v5: Amy Strande connected", 26, "v5: Amy Strande connected");
        check("BENOTIFY presence", 12, "BENOTIFY pr…");
        check("200 OK (INFO) error operation invalidCallID", 34, "200 error operation invalidCallID");
        check("200 OK (INFO)", 10, "200 (INFO)");
    }
}
