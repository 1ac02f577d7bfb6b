//! Remarks on who sent a call on and why, as its INVITEs prove it: `Diversion`, `History-Info`, `Referred-By`.

use callscope_parsers::sip::name_addr::parse_name_addrs;
use callscope_parsers::sip::routing::{parse_diversions, parse_history_info};
use callscope_parsers::sip::{Message, cause, parse_message};

use crate::correlate::{Analysis, CallIdx, LinkReason, MethodId, MsgIdx, flag};
use crate::diagnose::{Context, Findings, Subject};
use crate::show;

/// INVITEs of a call that are looked at, messages passed on the way to them, and remarks made of them.
const INVITES: usize = 16;
const LOOK: usize = 2_000;
const REMARKS: usize = 8;

/// Who sent a call on, or asked for it.
pub struct Note {
    /// The message that shows it first.
    pub message: MsgIdx,
    pub text: String,
    /// It is told by Referred-By.
    pub referred: bool,
}

/// A sentence each.
pub fn notes(analysis: &Analysis, call: CallIdx) -> Vec<Note> {
    let mut found: Vec<Note> = Vec::new();
    let opening = |m: &MsgIdx| {
        let r = analysis.message(*m);
        r.is_request()
            && r.method == MethodId::INVITE
            && !r.has(flag::TO_TAG)
            && !r.has(flag::RETRANSMISSION)
            && !r.has(flag::DUPLICATE)
    };
    // RFC 3261 §21.1.3: whoever answers so sends the call on.
    let forwarded = |m: &MsgIdx| {
        let r = analysis.message(*m);
        r.method == MethodId::INVITE
            && r.status == 181
            && !r.has(flag::RETRANSMISSION)
            && !r.has(flag::DUPLICATE)
    };
    if let Some(m) = analysis.messages_of(analysis.call(call).messages).take(LOOK).find(forwarded) {
        let src = analysis.flow(analysis.message(m).flow).src;
        let name = show::machine(analysis, src).unwrap_or_else(|| src.to_string());
        let text = format!("Sent on, as {name} tells (181 Call Is Being Forwarded)");
        found.push(Note { message: m, text, referred: false });
    }
    for m in analysis.messages_of(analysis.call(call).messages).take(LOOK).filter(opening).take(INVITES) {
        let Ok(bytes) = analysis.head_bytes(m) else { continue };
        let Some(message) = parse_message(&bytes) else { continue };
        for (text, referred) in said(&message) {
            if found.len() < REMARKS && !found.iter().any(|other| other.text == text) {
                found.push(Note { message: m, text, referred });
            }
        }
    }
    found
}

/// Calls that came to nothing, or were given up, and had been sent on before.
pub fn tell(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for &(call, _) in context.troubles().iter().take(analysis.limits.finding_reads) {
        let found = notes(analysis, call);
        let Some(first) = found.first() else { continue };
        out.add(&super::FORWARDED, Subject::Call(call), &first.text, |f| {
            let mut what = first.text.clone();
            if let Some(letter) = what.get(..1).map(str::to_lowercase) {
                what.replace_range(..1, &letter);
            }
            f.who(context.call_name(call)).what(what.clone()).of_many(what);
            for Note { message, text, .. } in &found {
                f.say(format!("{text}.")).show_message(analysis, *message);
            }
            // Response groups set Referred-By too: only where the REFER is known it is a transfer.
            let asked = analysis.links_of(call).find(|l| l.by == LinkReason::ReferTo && l.to == call);
            if asked.is_none() || found.iter().any(|n| !n.referred) {
                f.advise(super::FORWARDED.advice);
            }
            if let Some(link) = asked {
                f.advise(format!(
                    "It is the call of a transfer (REFER): see {} for who asked for it and what became of that.",
                    context.call_name(link.from)
                ));
            }
        });
    }
}

/// Sentences, each with whether Referred-By tells it.
fn said(message: &Message<'_>) -> Vec<(String, bool)> {
    let buf = message.bytes;
    let mut out = Vec::new();
    let uri = |range: &std::ops::Range<usize>| {
        let uri = buf.get(range.clone()).unwrap_or_default();
        show::shorten(&show::safe(show::address_of_record(uri)), 60)
    };
    for h in &message.headers {
        let range = h.value_range.clone();
        if h.is("Diversion") {
            // The latest stands first; they are told in their order.
            for d in parse_diversions(buf, range).0.iter().rev() {
                let why = d.reason.map(|r| format!(": {}", r.title())).unwrap_or_default();
                out.push((format!("Sent on by {}{why}", uri(&d.address.uri.range)), false));
            }
        } else if h.is("History-Info") {
            let entries = parse_history_info(buf, range).0;
            for (at, e) in entries.iter().enumerate() {
                let Some(reason) = &e.reason else { continue };
                // Where it went then: the entry that says it came from this one, or the only one behind it.
                let next = entries.get(at + 1).filter(|next| match next.from_index {
                    b"" => at + 2 == entries.len(),
                    from => from == e.index,
                });
                let to = next.map(|next| format!(" to {}", uri(&next.address.uri.range)));
                let (reasons, _) = cause::parse_reasons(reason, 0..reason.len());
                let why = reasons.iter().find_map(|r| {
                    let protocol = String::from_utf8_lossy(r.protocol).into_owned();
                    let cause = r.cause?;
                    let words = show::cause_words(&protocol, cause);
                    Some(format!("{} {cause} {words}", show::safe_str(&protocol)))
                });
                let why = why.map(|w| format!(": {}", show::shorten(w.trim_end(), 60))).unwrap_or_default();
                let from = uri(&e.address.uri.range);
                out.push((format!("Sent on from {from}{}{why}", to.unwrap_or_default()), false));
            }
        } else if h.is("Referred-By") {
            for a in parse_name_addrs(buf, range).0.iter().take(1) {
                out.push((format!("Asked for by {} (Referred-By)", uri(&a.uri.range)), true));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &str, expected: &[&str]) {
        let text = format!("INVITE sip:b@example.com SIP/2.0\r\n{headers}\r\n\r\n");
        let said = said(&parse_message(text.as_bytes()).unwrap());
        let told: Vec<&str> = said.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(told, expected, "{headers}");
        assert!(
            said.iter().all(|(_, referred)| *referred == headers.starts_with("Referred-By")),
            "{headers}"
        );
    }

    #[test]
    fn only_what_the_headers_prove() {
        // RFC 5806, RFC 7044 and RFC 3892 name the parameters; addresses made up.
        check(
            "Diversion: <sip:bob@example.com>;reason=user-busy",
            &["Sent on by bob@example.com: the user was busy"],
        );
        check(
            "Diversion: <sip:c@example.com>, <sip:bob@example.com>;reason=x",
            &["Sent on by bob@example.com: another reason", "Sent on by c@example.com"],
        );
        check(
            "History-Info: <sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1, <sip:c@example.com>;index=1.1;mp=1",
            &["Sent on from bob@example.com to c@example.com: SIP 302 Moved Temporarily"],
        );
        check(
            "History-Info: <sip:b@example.com?Reason=SIP%3Bcause%3D486>;index=1.1, <sip:c@example.com>;index=1.2, \
<sip:d@example.com>;index=1.3",
            &["Sent on from b@example.com: SIP 486 Busy Here"],
        );
        // A history without a reason tells where it went, not that anything went wrong.
        check("History-Info: <sip:bob@example.com>;index=1", &[]);
        check("Referred-By: <sip:d@example.com>;cid=1", &["Asked for by d@example.com (Referred-By)"]);
        check("Diversion: \u{1b}[2J", &["Sent on by \\x1b[2J"]);
        check("X-Diversion: <sip:d@example.com>", &[]);
    }
}
