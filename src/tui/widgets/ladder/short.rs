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
    let abbreviated = core.replace(" candidates", " cand.").replace(" candidate", " cand.");
    let without_phrase = without_ends(&abbreviated).unwrap_or_else(|| drop_phrase(&abbreviated));
    let bare = without_phrase.split(", ").next().unwrap_or(&without_phrase).to_owned();
    let mut forms = vec![abbreviated.clone(), without_phrase.clone()];
    // What it is, and what came of it, before what was between.
    let mut parts: Vec<&str> = without_phrase.split(", ").collect();
    while parts.len() > 2 {
        parts.remove(parts.len() - 2);
        forms.push(parts.join(", "));
    }
    forms.push(bare.clone());
    for form in &forms {
        let text = format!("{mark}{form}{again}");
        if width(&text) <= room {
            return text;
        }
    }
    let left = room.saturating_sub(width(mark) + width(&again));
    // A code alone says less than the beginning of its phrase.
    let best = if bare.len() < 5 || width(&bare) > left { &abbreviated } else { &bare };
    fit(&format!("{mark}{}{again}", fit(best, left)), room).into_owned()
}

/// `host↔relay 10.0.0.1:4000 ↔ 192.0.2.1:5000: 3 checks` → `host↔relay: 3 checks`.
fn without_ends(label: &str) -> Option<String> {
    let (ends, rest) = label.rsplit_once(": ")?;
    let (kinds, _) = ends.split_once(" ↔ ")?.0.rsplit_once(' ')?;
    Some(format!("{kinds}: {rest}"))
}

/// `183 Session Progress answer` → `183 answer`; what is no response, or has nothing but its phrase, stays.
fn drop_phrase(label: &str) -> String {
    let Some((code, rest)) = label.split_once(' ').filter(|(code, _)| code.parse::<u16>().is_ok()) else {
        return label.to_owned();
    };
    let tail = [" answer", " offer", " SDP", " (", ", "].iter().filter_map(|t| rest.find(t)).min();
    match tail.and_then(|at| rest.get(at..)) {
        Some(tail) => format!("{code} {}", tail.trim_start_matches([',', ' '])),
        None => label.to_owned(),
    }
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
        check("REFER → sip:carol@contoso.com", 14, "REFER → sip:c…");
        let checks = "▸ 8 checks, 4 answered, 2 × 400 Bad Request, relay↔relay chosen";
        check(checks, 45, "▸ 8 checks, 4 answered, relay↔relay chosen");
        check(checks, 36, "▸ 8 checks, relay↔relay chosen");
        check(checks, 20, "▸ 8 checks");
        let pair = "▸ host↔host 10.0.0.1:4000 ↔ [fe80::1]:5000: 4 checks, none answered";
        check(pair, 42, "▸ host↔host: 4 checks, none answered");
        check(pair, 30, "▸ host↔host: 4 checks");
        check("BYE", 0, "");
    }
}
