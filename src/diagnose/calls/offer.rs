//! What the offer and the challenge hold where an answer refuses media or credentials.

use std::borrow::Cow;
use std::collections::BTreeSet;

use callscope_parsers::mime::parse_body;
use callscope_parsers::sdp::{Media, parse_sdp};
use callscope_parsers::sip::auth::parse_auth;
use callscope_parsers::sip::param;
use callscope_parsers::sip::parse_message;
use callscope_parsers::sip::via::parse_vias;

use super::opening_invite;
use crate::correlate::{Analysis, CallIdx, MsgIdx, flag};
use crate::diagnose::{Context, Draft, Rule};
use crate::show;

/// Codecs that are told.
const CODECS: usize = 8;
/// Machines of a loop that are told.
const HOPS: usize = 8;

/// `answers`: the answer as the caller was given it, and where it was given first.
pub(super) fn say(context: &Context<'_>, c: CallIdx, rule: &Rule, answers: [MsgIdx; 2], f: &mut Draft) {
    let analysis = context.analysis;
    let [answer, first] = answers;
    if rule.id == "call-loop" {
        f.say_all(way_of(analysis, first));
    }
    let Some(invite) = opening_invite(analysis, c) else { return };
    match rule.id {
        "call-media-refused" => f.say_all(media(analysis, invite, [first, answer])),
        "call-auth-failed" => f.say_all(credentials(analysis, invite, answer)),
        _ => return,
    };
}

/// The machines that a call went through, as the Via lines of its answer have them, and which stands there more than once.
fn way_of(analysis: &Analysis, answer: MsgIdx) -> Option<String> {
    let bytes = analysis.head_bytes(answer).ok()?;
    let message = parse_message(&bytes)?;
    let lines = message.headers.iter().filter(|h| h.is("Via"));
    let all = lines.flat_map(|h| parse_vias(message.bytes, h.value_range.clone()).0);
    let mut hosts: Vec<String> = all.map(|v| show::shorten(&show::safe(v.host), 60)).collect();
    hosts.reverse();
    let went = hosts.len();
    // Whoever finds that it has had the call before has no line for the second time.
    let by = analysis.flow(analysis.message(answer).flow).src.ip().to_string();
    let found = hosts.last().is_some_and(|last| *last != by) && hosts.contains(&by);
    hosts.extend(found.then(|| by.clone()));
    let times = |host: &String| hosts.iter().filter(|h| *h == host).count();
    let again = hosts.iter().max_by_key(|h| times(h)).filter(|h| times(h) > 1);
    let again = again.map_or_else(String::new, |h| format!("; {h} had it {} times", times(h)));
    let more = went.saturating_sub(HOPS);
    let shown: Vec<&str> = hosts.iter().take(went.min(HOPS)).map(String::as_str).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let back = if found { format!(" and back to {by}") } else { String::new() };
    (went > 1).then(|| format!("It went by {}{more} (Via){back}{again}.", shown.join(", ")))
}

/// What a section of media asks for, in what matters for an agreement.
struct Wish {
    words: String,
    kind: String,
    /// Only SRTP will do; SRTP would do.
    secret: bool,
    may_be_secret: bool,
    /// Names in capital letters, without telephone events and comfort noise.
    codecs: BTreeSet<String>,
}

/// What was offered, what the answer takes where it says so, and what the two lack in common.
fn media(analysis: &Analysis, invite: MsgIdx, answers: [MsgIdx; 2]) -> Vec<String> {
    let offered = wishes(analysis, invite);
    let mut told = match &offered {
        None => vec!["The INVITE makes no offer (no SDP).".to_owned()],
        Some(all) => sentences(all, "The offer of"),
    };
    let offered = offered.unwrap_or_default();
    // RFC 3261 §21.4.26: the answer may hold what would do.
    let Some(taken) = answers.into_iter().find_map(|m| wishes(analysis, m)) else { return told };
    told.extend(sentences(&taken, "The answer takes for"));
    let secret = |all: &[Wish], f: fn(&Wish) -> bool| !all.is_empty() && all.iter().all(f);
    if secret(&taken, |w| w.secret) && offered.iter().all(|w| !w.may_be_secret) {
        told.push(
            "The two do not agree on encryption: the answer asks for SRTP, the offer has none.".to_owned(),
        );
    } else if secret(&offered, |w| w.secret) && taken.iter().all(|w| !w.may_be_secret) {
        told.push(
            "The two do not agree on encryption: the offer asks for SRTP, the answer has none.".to_owned(),
        );
    }
    for kind in offered.iter().map(|w| &w.kind).collect::<BTreeSet<_>>() {
        let of = |all: &[Wish]| -> BTreeSet<String> {
            all.iter().filter(|w| w.kind == *kind).flat_map(|w| w.codecs.iter().cloned()).collect()
        };
        let (own, theirs) = (of(&offered), of(&taken));
        if !own.is_empty() && !theirs.is_empty() && own.is_disjoint(&theirs) {
            told.push(format!("The two have no codec of {kind} in common."));
        }
    }
    told
}

fn sentences(all: &[Wish], begin: &str) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for sentence in all.iter().map(|w| format!("{begin} {}.", w.words)) {
        if !told.contains(&sentence) && told.len() < 4 {
            told.push(sentence);
        }
    }
    told
}

/// The sections of media of a message; none without SDP.
fn wishes(analysis: &Analysis, m: MsgIdx) -> Option<Vec<Wish>> {
    if !analysis.message(m).has(flag::SDP) {
        return None;
    }
    let bytes = analysis.message_bytes(m).ok()?;
    let message = parse_message(&bytes)?;
    let content_type = message.header("Content-Type").map(|h| h.value.clone()).unwrap_or_default();
    let (body, _) = parse_body(message.bytes, message.body.clone(), &content_type);
    let mut all = Vec::new();
    for part in body.walk().into_iter().filter(|p| p.media_type == "application/sdp") {
        let (content, _) = part.decoded(message.bytes);
        all.extend(parse_sdp(&content).media.iter().take(4).map(wish));
    }
    Some(all)
}

/// `audio: RTP/SAVP, which asks for SRTP; PCMU, PCMA`.
fn wish(media: &Media<'_>) -> Wish {
    let has = |name: &[u8]| media.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name));
    let keys = media.attributes.iter().any(|a| a.crypto().is_some());
    let fingerprint = has(b"fingerprint").is_some();
    let encryption = has(b"encryption");
    let protocol = show::shorten(&show::safe(media.protocol), 24);
    let secure = media.protocol.windows(4).any(|w| w.eq_ignore_ascii_case(b"SAVP"));
    let mut how = match (secure, keys, fingerprint) {
        (_, _, true) => format!("{protocol} with DTLS"),
        (true, true, _) => format!("{protocol}, which asks for SRTP"),
        (true, false, _) => format!("{protocol} without keys"),
        (false, true, _) => format!("{protocol} with keys, SRTP if the other side wants it"),
        (false, false, _) => format!("{protocol}, not encrypted"),
    };
    if let Some(a) = encryption {
        how.push_str(&format!(" (encryption:{})", show::shorten(&show::safe(a.value), 16)));
    }
    let is = |value: &[u8]| encryption.is_some_and(|a| a.value.trim_ascii().eq_ignore_ascii_case(value));
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    for format in &media.formats {
        let unnamed = || String::from_utf8_lossy(format.id);
        let name = format.encoding.clone().unwrap_or_else(unnamed);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let codecs = names.iter().map(|n| n.to_ascii_uppercase());
    // One channel is what is meant without a number (RFC 8866 §6.6).
    let codecs = codecs.map(|n| n.strip_suffix("/1").map_or(n.clone(), str::to_owned));
    let beside = ["TELEPHONE-EVENT", "CN", "RED"];
    let codecs = codecs.filter(|n| !beside.contains(&n.split('/').next().unwrap_or_default())).collect();
    let more = names.len().saturating_sub(CODECS);
    let mut shown: Vec<String> =
        names.iter().take(CODECS).map(|n| show::shorten(&show::safe_str(n), 24)).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    let kind = show::shorten(&show::safe(media.kind), 16);
    Wish {
        words: format!("{kind}: {how}; {}", shown.join(", ")),
        kind,
        secret: (secure || fingerprint) && !is(b"optional") || is(b"required"),
        may_be_secret: secure || keys || fingerprint || is(b"required") || is(b"optional"),
        codecs,
    }
}

/// Whether the credentials are for what was asked, and what else the challenge says.
fn credentials(analysis: &Analysis, invite: MsgIdx, answer: MsgIdx) -> Vec<String> {
    let mut told = Vec::new();
    let read = |m: MsgIdx, names: [&str; 2]| -> Vec<(String, bool)> {
        let Ok(bytes) = analysis.head_bytes(m) else { return Vec::new() };
        let Some(message) = parse_message(&bytes) else { return Vec::new() };
        let of = message.headers.iter().filter(|h| names.iter().any(|n| h.is(n)));
        of.map(|h| {
            let (auth, _) = parse_auth(message.bytes, h.value_range.clone());
            let stale = param::value(&auth.params, "stale").eq_ignore_ascii_case(b"true");
            (show::shorten(&show::safe(auth.realm()), 60), stale)
        })
        .collect()
    };
    let given = read(invite, ["Authorization", "Proxy-Authorization"]);
    let asked = read(answer, ["WWW-Authenticate", "Proxy-Authenticate"]);
    if given.is_empty() {
        told.push(
            "The last INVITE has no credentials: the client does not take up the challenge.".to_owned(),
        );
    }
    let Some((realm, stale)) = asked.first() else { return told };
    told.push(format!("The challenge is for the realm {realm}."));
    if *stale {
        told.push(
            "The challenge says that only the nonce was old (stale): the password was right.".to_owned(),
        );
    } else if let Some((other, _)) =
        given.iter().find(|(r, _)| !r.is_empty()).filter(|_| !given.iter().any(|(r, _)| r == realm))
    {
        told.push(format!(
            "The client gives credentials for the realm {other}, not for the one that is asked for."
        ));
    } else if !given.is_empty() {
        told.push("The credentials are for that realm: user name or password do not fit.".to_owned());
    }
    told
}
