//! Sign-ins: DNS, registration, provisioning and media-relay credentials, and where they stop.

pub mod relay;

use std::net::SocketAddr;

use callscope_parsers::sip::parse_message;

use super::{Context, Draft, Family, FindingIdx, Findings, Rule, Severity, Subject};
use crate::correlate::gathered::{SignIn, SignInState, Step, StepKind, StepState};
use crate::correlate::{Analysis, MsgIdx, SIP_PORTS, Str};
use crate::show;

pub(super) const FAMILY: Family = Family {
    title: "Sign-in, provisioning and DNS",
    rules: &[
        &DNS_SILENT,
        &DNS_NOT_FOUND,
        &UNANSWERED,
        &CREDENTIALS,
        &NO_CREDENTIALS,
        &NOT_FOLLOWED,
        &REFUSED,
        &ENDED,
        &PROVISIONING,
        &MRAS,
    ],
};

// Rules about the step that a sign-in did not get past have all the same check.
rules! {
    tell;
    DNS_SILENT "dns-silent" Error "nobody answers the DNS look-ups of a client that signs in",
        "The client asked for the names that only a client that signs in asks for, no answer came, and neither a REGISTER nor TLS \
         to a SIP server followed. Silent names beside others that were found stop nobody.",
        "Check the DNS servers that the client is set to, and the way to them (UDP and TCP 53).",
        "RFC 3263 section 4; RFC 1035 section 7";
    DNS_NOT_FOUND "dns-not-found" Error "DNS has no server for the domain of the user",
        "Every name that the client asked for at sign-in was answered with NXDOMAIN, an error or no record, and neither a REGISTER \
         nor TLS to a SIP server followed.",
        "Check the SRV and A records that the client looks for (_sipinternaltls._tcp, _sip._tls, sipinternal, sip, sipexternal), \
         and the domain of the user's address.",
        "RFC 3263 section 4.2";
    UNANSWERED "sign-in-unanswered" Error "REGISTER without any answer",
        "No final answer to the REGISTER within 32 s (Timer F).",
        "Check that the server listens there and that nothing between drops the REGISTER or its answer.",
        "RFC 3261 section 17.1.2.2";
    CREDENTIALS "sign-in-credentials" Error "the credentials of a user are refused",
        "The last answer to a REGISTER with complete credentials is 401 or 407. The rounds of a handshake before it are how it \
         goes, and never told.",
        "Check user name and password, the realm they are for, and the clocks of client and server.",
        "RFC 3261 section 22; [MS-SIPAE] section 3.3";
    NO_CREDENTIALS "sign-in-no-credentials" Error "a client does not take up the challenge",
        "The last answer is 401 or 407 and no REGISTER with complete credentials followed.",
        "Check that the client supports the scheme that the server offers and has an account for the realm.",
        "RFC 3261 section 22; [MS-SIPAE] section 3.2";
    NOT_FOLLOWED "sign-in-not-followed" Warning "a client does not go where its sign-in is sent",
        "The REGISTER was answered with 301 or 302, the user being at home in another pool, and no REGISTER to that place is in \
         the capture, nor a TLS session of the client to another SIP server in which it may be.",
        "Check that the client reaches the server it was sent to; a capture there tells whether it arrives.",
        "RFC 3261 section 21.3";
    REFUSED "sign-in-refused" Error "a sign-in is refused",
        "The last final answer to the REGISTER is another one of 300 and more. What ms-diagnostics says stands with it.",
        "The status says why the server refuses the user, and so does what else the answer has (Warning, ms-diagnostics).",
        "RFC 3261 section 10.3";
    PROVISIONING "provisioning-failed" Warning "a client gets no settings from the server",
        "The SUBSCRIBE for vnd-microsoft-provisioning was refused or not answered within 32 s.",
        "Without provisioning the client has no policies and no address of the A/V authentication service: look at the answer and \
         at the server's log.",
        "[MS-SIPREGE] section 3.2";
    MRAS "mras-failed" Warning "a client gets no credentials for media relays",
        "The SERVICE to the A/V authentication service was refused, not answered within 32 s, or answered without credentials. \
         An error where a call of the client then found no path.",
        "Check the A/V authentication service: without credentials the client offers no relay candidates.",
        "[MS-AVEDGEA] section 3.1";
}

pub static ENDED: Rule = Rule {
    id: "sign-in-ended",
    severity: Severity::Warning,
    title: "the server ended a registration",
    help: "The server told the client that its registration is over (text/registration-event). A remark where it registered again.",
    advice: "The user was moved, disabled, signed in elsewhere with the same endpoint, or the server goes down: see what it says.",
    source: "[MS-SIPREGE] section 3.1.5.2",
    check: ended,
};

/// REGISTERs shown as evidence.
const SHOWN: usize = 6;

/// The step that it did not get past. Look-ups that failed stop nobody who finds the server without them.
pub fn failed_step(s: &SignIn) -> Option<&Step> {
    let registered = s.steps.iter().any(|s| s.kind == StepKind::Register);
    s.steps.iter().find(|s| s.state != StepState::Ok && !(registered && s.kind == StepKind::Dns))
}

/// Whether a step that did not succeed was under way when the captures end: no failure yet.
pub fn is_open(analysis: &Analysis, s: &SignIn, step: &Step) -> bool {
    let challenged = step.kind == StepKind::Register && s.state == SignInState::Challenged;
    let last = step.messages.iter().map(|m| analysis.message(*m).time).max().unwrap_or(s.end);
    (step.state == StepState::Unanswered || challenged) && analysis.may_yet_be_answered(last)
}

/// The first step that did not succeed, and why; else what a relay said to its credentials.
pub fn stopped(analysis: &Analysis, s: &SignIn) -> Option<String> {
    match failed_step(s) {
        Some(step) => Some(format!("{}: {}", step.kind.name(), why(analysis, s, step))),
        None => relay::refused(analysis, s).map(|(_, why)| format!("relay: {why}")),
    }
}

pub fn why(analysis: &Analysis, s: &SignIn, step: &Step) -> String {
    if step.kind == StepKind::Dns {
        return why_dns(analysis, step);
    }
    let open = is_open(analysis, s, step);
    if step.state == StepState::Unanswered {
        return if open { "no answer yet" } else { "no answer" }.to_owned();
    }
    if step.kind == StepKind::Register {
        return match (s.state, s.status) {
            (SignInState::Challenged, status) if open => format!("{status}, and no credentials yet"),
            (SignInState::Challenged, status) => format!("{status}, and no credentials followed"),
            (_, status @ (401 | 407)) => format!("{status}, credentials refused"),
            (_, status @ (301 | 302)) => match &s.redirect {
                Some(uri) => {
                    let uri = show::shorten(&show::safe_str(uri), 60);
                    match goes_on_in_tls(analysis, s) {
                        true => format!("{status}: sent to {uri}, and goes on in TLS"),
                        false => format!("{status}: sent to {uri}, and no REGISTER went there"),
                    }
                }
                None => format!("{status}: sent elsewhere, without a Contact"),
            },
            (_, status) => last_answer(analysis, step).unwrap_or_else(|| status.to_string()),
        };
    }
    let reason = s.mras.as_ref().and_then(|m| m.reason.as_deref()).filter(|_| step.kind == StepKind::Mras);
    match reason {
        Some(reason) => show::shorten(&show::safe_str(reason), 60),
        None => match last_answer(analysis, step) {
            Some(answer) if answer.starts_with('2') => "the answer holds no credentials".to_owned(),
            Some(answer) => answer,
            None => "failed".to_owned(),
        },
    }
}

/// Whether the client opened TLS to another SIP server behind the redirection: a REGISTER in it is not seen.
pub fn goes_on_in_tls(analysis: &Analysis, s: &SignIn) -> bool {
    let Some(step) = wrong_step(s, StepKind::Register) else { return false };
    let mut answers = step.messages.iter().rev().map(|m| analysis.message(*m));
    let Some(sent) = answers.find(|r| matches!(r.status, 301 | 302)) else { return false };
    let uri = s.redirect.as_deref().unwrap_or_default();
    let home = |to: SocketAddr| {
        Some(to) != s.server && (SIP_PORTS.contains(&to.port()) || uri.contains(&to.to_string()))
    };
    analysis.tls.iter().any(|t| {
        let own = t.client.is_some_and(|c| c.ip() == s.client.ip());
        own && t.first >= sent.time && t.alerts.is_empty() && t.server.is_some_and(home)
    })
}

/// `4 look-ups, none found: NXDOMAIN`.
fn why_dns(analysis: &Analysis, step: &Step) -> String {
    let all: Vec<_> = step.lookups.iter().filter_map(|i| analysis.dns.lookup(*i)).collect();
    let mut ends: Vec<String> = Vec::new();
    for lookup in &all {
        let end = show::dns::answered(analysis, lookup);
        if !ends.contains(&end) && ends.len() < 3 {
            ends.push(end);
        }
    }
    format!("{}: {}", show::count(all.len() as u64, "look-up", "look-ups"), ends.join(", "))
}

/// Status and reason of the last final answer.
fn last_answer(analysis: &Analysis, step: &Step) -> Option<String> {
    let records = step.messages.iter().rev().map(|m| analysis.message(*m));
    let last = records.into_iter().find(|r| r.status >= 200)?;
    let reason = show::safe(analysis.strings.bytes(last.reason));
    Some(format!("{} {reason}", last.status).trim_end().to_owned())
}

/// What to look at next.
pub fn advice(s: &SignIn) -> Option<&'static str> {
    let step = failed_step(s)?;
    Some(match (step.kind, step.state) {
        (StepKind::Dns, StepState::Unanswered) => {
            "Nobody answered the client's questions: check the DNS servers it is set to, and the way to them."
        }
        (StepKind::Dns, _) => {
            "DNS has no server for the domain: check the SRV and A records that the client looks for, and the domain of the user's address."
        }
        (StepKind::Register, StepState::Unanswered) => {
            "Check that the server listens there and that nothing between drops the REGISTER or its answer."
        }
        (StepKind::Register, _) if s.state == SignInState::Challenged => {
            "The client did not take up the challenge: check that it supports the scheme and has an account for the realm."
        }
        (StepKind::Register, _) if matches!(s.status, 301 | 302) => {
            "The user is at home in another pool: check that the client reaches the server it was sent to."
        }
        (StepKind::Register, _) if s.refused_credentials => {
            "Check user name and password, the realm they are for, and the clocks of client and server."
        }
        (StepKind::Register, _) => {
            "The status says why the server refuses the user, and so does what else the answer has (Warning, ms-diagnostics)."
        }
        (StepKind::Provisioning, _) => {
            "Without provisioning the client has no policies and no address of the A/V authentication service."
        }
        (StepKind::Mras, StepState::Unanswered) if s.credentials.is_empty() => {
            "Check the A/V authentication service: without credentials the client offers no relay candidates."
        }
        (StepKind::Mras, _) if !s.credentials.is_empty() => {
            "The A/V authentication service gave no new credentials: the client has those of before until they run out."
        }
        (StepKind::Mras, _) => {
            "The A/V authentication service gave no credentials: the client will offer no relay candidates."
        }
    })
}

/// Which rule says where a sign-in stopped; none for one that went well or may yet.
pub(super) fn rule_of(context: &Context<'_>, s: &SignIn) -> Option<(&'static Rule, StepKind)> {
    let step = failed_step(s)?;
    if is_open(context.analysis, s, step) {
        return None;
    }
    let rule = match (step.kind, step.state) {
        (StepKind::Dns, StepState::Unanswered) => &DNS_SILENT,
        (StepKind::Dns, _) => &DNS_NOT_FOUND,
        (StepKind::Register, StepState::Unanswered) => &UNANSWERED,
        (StepKind::Register, _) if s.state == SignInState::Challenged => &NO_CREDENTIALS,
        (StepKind::Register, _) if s.refused_credentials => &CREDENTIALS,
        (StepKind::Register, _) if matches!(s.status, 301 | 302) => {
            if goes_on_in_tls(context.analysis, s) {
                return None;
            }
            &NOT_FOLLOWED
        }
        (StepKind::Register, _) => &REFUSED,
        (StepKind::Provisioning, _) => &PROVISIONING,
        (StepKind::Mras, _) => &MRAS,
    };
    Some((rule, step.kind))
}

/// The step of a kind, if it went wrong.
fn wrong_step(s: &SignIn, kind: StepKind) -> Option<&Step> {
    s.steps.iter().find(|step| step.kind == kind && step.state != StepState::Ok)
}

fn who(analysis: &Analysis, s: &SignIn) -> String {
    match s.user {
        Str(0) => format!("a client at {} for {}", s.client.ip(), show::safe_str(&s.domain)),
        user => show::party_short(b"", analysis.strings.bytes(user)),
    }
}

fn tell(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    let analysis = context.analysis;
    if analysis.dialogs.is_empty() && analysis.dns.lookups.is_empty() {
        return;
    }
    for (row, s) in (0u32..).zip(context.gathered().sign_ins()) {
        let Some((of, kind)) = rule_of(context, s) else { continue };
        // Relay credentials may fail beside a provisioning that failed too.
        let also = rule.id == MRAS.id && of.id != MRAS.id && is_over(context, s, StepKind::Mras);
        let kind = if also { StepKind::Mras } else { kind };
        if of.id != rule.id && !also {
            continue;
        }
        let Some(step) = wrong_step(s, kind) else { continue };
        // Where it is sent it may not get.
        let kept_from = |r: &'static Rule| r.id.starts_with("connection-");
        let cause = (of.id == NOT_FOLLOWED.id).then(|| out.find(Subject::SignIn(row), kept_from)).flatten();
        let renews = kind == StepKind::Mras && !s.credentials.is_empty();
        let likeness = (s.status, s.server.map(|a| a.ip()), why(analysis, s, step), (cause, renews));
        out.add(rule, Subject::SignIn(row), likeness, |f| {
            f.because(cause);
            describe(context, f, s, step, row);
        });
    }
}

/// Whether a step failed, the time for its answer being over.
fn is_over(context: &Context<'_>, s: &SignIn, kind: StepKind) -> bool {
    wrong_step(s, kind).is_some_and(|step| !is_open(context.analysis, s, step))
}

fn describe(context: &Context<'_>, f: &mut Draft, s: &SignIn, step: &Step, row: u32) {
    let analysis = context.analysis;
    let name = who(analysis, s);
    let why = why(analysis, s, step);
    let server = s.server.map_or_else(String::new, |a| {
        format!(" at {}", show::machine(analysis, a).unwrap_or_else(|| a.to_string()))
    });
    f.who(format!("Sign-in {}, {name}", row + 1));
    let (one, many) = match step.kind {
        StepKind::Dns => (format!("DNS gives no server: {why}"), format!("DNS gives no server: {why}")),
        StepKind::Register if s.refused_credentials => {
            let what = format!("the credentials are refused ({}){server}", s.status);
            (what.clone(), what)
        }
        StepKind::Register => {
            (format!("stopped at REGISTER{server}: {why}"), format!("stopped at REGISTER{server}: {why}"))
        }
        StepKind::Provisioning => (format!("no settings: {why}"), format!("no settings: {why}")),
        StepKind::Mras => {
            let kept = if s.credentials.is_empty() { "no credentials" } else { "no new credentials" };
            let what = format!("{kept} for media relays: {why}");
            (what.clone(), what)
        }
    };
    f.what(one).of_many(many);
    match step.kind {
        StepKind::Register => {
            let tries = show::count(u64::from(s.attempts), "try", "tries");
            let took = show::duration(s.end.saturating_sub(s.start));
            f.say(format!(
                "{} of {name} to register{server} in {took}; the last came to: {why}.",
                capital(&tries)
            ));
            let offered = match s.state {
                SignInState::Challenged => show::auth_schemes(&s.offered),
                _ => String::new(),
            };
            match (s.realm.is_empty(), offered.is_empty()) {
                (true, true) => {}
                (true, false) => _ = f.say(format!("The challenge offers {offered}.")),
                (false, true) => {
                    f.say(format!("The challenge is for the realm {}.", show::safe_str(&s.realm)));
                }
                (false, false) => {
                    let realm = show::safe_str(&s.realm);
                    f.say(format!("The challenge offers {offered}, for the realm {realm}."));
                }
            }
            if let Some(words) = clock_or_realm(analysis, s) {
                f.say(words);
            }
        }
        StepKind::Dns => {
            let all = || step.lookups.iter().filter_map(|i| analysis.dns.lookup(*i));
            let several = all().any(|l| all().any(|o| o.server.ip() != l.server.ip()));
            for l in all().take(8) {
                let by = if several { format!(", asked of {}", l.server.ip()) } else { String::new() };
                let (asked, answered) = (show::dns::asked(analysis, l), show::dns::answered(analysis, l));
                f.say(format!("{asked}{by}: {answered}."));
                f.show_at(l.frame, l.time, show::dns::asked(analysis, l));
            }
        }
        StepKind::Mras => _ = f.say(format!("The request of {name} for relay credentials came to: {why}.")),
        StepKind::Provisioning => _ = f.say(format!("Provisioning of {name} came to: {why}.")),
    }
    if let Some(words) = advice_for(s, step.kind) {
        f.advise(words);
    }
    let answers = step.messages.iter().copied().filter(|m| analysis.message(*m).status >= 300);
    if let Some(last) = answers.last() {
        super::calls::say_diagnostics(analysis, last, f);
    }
    let n = step.messages.len();
    for (i, m) in step.messages.iter().enumerate() {
        // The first ones and the last.
        if i < SHOWN / 2 || i + SHOWN / 2 >= n {
            f.show_message(analysis, *m);
        }
    }
    s.dialogs.iter().take(1).for_each(|d| _ = f.concern(Subject::Dialog(*d)));
    let owners = step.messages.iter().map(|m| analysis.message(*m).owner);
    owners.for_each(|o| _ = f.concern(Subject::from(o)));
}

fn advice_for(s: &SignIn, kind: StepKind) -> Option<&'static str> {
    (failed_step(s)?.kind == kind).then(|| advice(s)).flatten()
}

/// What the challenge and the credentials say of why they do not fit.
fn clock_or_realm(analysis: &Analysis, s: &SignIn) -> Option<String> {
    let step = wrong_step(s, StepKind::Register)?;
    let refusals = step.messages.iter().copied().filter(|m| analysis.message(*m).status >= 400);
    let last = refusals.last()?;
    let said = analysis.diagnostics_of_message(last);
    if said.iter().any(|d| d.code == Some(1013)) {
        return Some("The clocks of client and server are too far apart (ms-diagnostics 1013).".to_owned());
    }
    let realms = realms_given(analysis, &step.messages);
    let asked = s.realm.as_str();
    let other = realms.iter().find(|r| !r.eq_ignore_ascii_case(asked) && !asked.is_empty())?;
    Some(format!(
        "The client gives credentials for the realm {}, not for the one that is asked for.",
        show::shorten(&show::safe_str(other), 60)
    ))
}

/// The realms of the credentials in the last requests.
fn realms_given(analysis: &Analysis, messages: &[MsgIdx]) -> Vec<String> {
    let requests = messages.iter().rev().filter(|m| analysis.message(**m).is_request()).take(1);
    let mut found = Vec::new();
    for m in requests {
        let Ok(bytes) = analysis.head_bytes(*m) else { continue };
        let Some(message) = parse_message(&bytes) else { continue };
        for h in &message.headers {
            if h.is("Authorization") || h.is("Proxy-Authorization") {
                let (auth, _) =
                    callscope_parsers::sip::auth::parse_auth(message.bytes, h.value_range.clone());
                let realm = String::from_utf8_lossy(auth.realm()).into_owned();
                if !realm.is_empty() {
                    found.push(realm);
                }
            }
        }
    }
    found
}

fn ended(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    if analysis.dialogs.is_empty() {
        return;
    }
    for (row, s) in (0u32..).zip(context.gathered().sign_ins()) {
        let Some((m, said)) = &s.ended else { continue };
        out.add(&ENDED, Subject::SignIn(row), said, |f| {
            f.who(format!("Sign-in {}, {}", row + 1, who(analysis, s)));
            let said = show::shorten(&show::safe_str(said), 80);
            f.what(format!("the server ended the registration: {said}"));
            f.say(format!("The server said: {said}."));
            if s.state == SignInState::Registered {
                f.severity(Severity::Info).say("The client registered again.");
            }
            super::calls::say_diagnostics(analysis, *m, f);
            f.show_message(analysis, *m);
        });
    }
}

/// The finding about relay credentials of who is behind a client's machine.
pub(super) fn without_relay_credentials(
    context: &Context<'_>,
    out: &Findings,
    client: std::net::IpAddr,
) -> Option<FindingIdx> {
    let of = |s: &SignIn| s.client.ip() == client;
    let rows = (0u32..).zip(context.gathered().sign_ins()).filter(|(_, s)| of(s));
    rows.map(|(row, _)| row).find_map(|row| out.find(Subject::SignIn(row), |r| r.id == MRAS.id))
}

/// Its first letter large.
fn capital(words: &str) -> String {
    let mut words = words.to_owned();
    if let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    words
}
