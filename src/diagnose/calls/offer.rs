//! What the offer and the challenge hold where an answer refuses media or credentials.

use std::collections::BTreeSet;

use callscope_parsers::mime::parse_body;
use callscope_parsers::sdp::{Media, parse_sdp};
use callscope_parsers::sip::auth::parse_auth;
use callscope_parsers::sip::param;
use callscope_parsers::sip::parse_message;

use super::opening_invite;
use crate::correlate::{Analysis, CallIdx, MsgIdx, flag};
use crate::diagnose::{Context, Draft, Rule};
use crate::show;

/// Codecs that are told.
const CODECS: usize = 8;

pub(super) fn say(context: &Context<'_>, c: CallIdx, rule: &Rule, answer: MsgIdx, f: &mut Draft) {
    let analysis = context.analysis;
    let Some(invite) = opening_invite(analysis, c) else { return };
    match rule.id {
        "call-media-refused" => f.say_all(offer(analysis, invite)),
        "call-auth-failed" => f.say_all(credentials(analysis, invite, answer)),
        _ => return,
    };
}

/// `The offer of audio: RTP/SAVP with keys (encryption required), PCMU, PCMA.`
fn offer(analysis: &Analysis, invite: MsgIdx) -> Vec<String> {
    if !analysis.message(invite).has(flag::SDP) {
        return vec!["The INVITE makes no offer (no SDP).".to_owned()];
    }
    let Ok(bytes) = analysis.message_bytes(invite) else { return Vec::new() };
    let Some(message) = parse_message(&bytes) else { return Vec::new() };
    let content_type = message.header("Content-Type").map(|h| h.value.clone()).unwrap_or_default();
    let (body, _) = parse_body(message.bytes, message.body.clone(), &content_type);
    let parts = body.walk().into_iter().filter(|p| p.media_type == "application/sdp").collect::<Vec<_>>();
    let mut told = Vec::new();
    for part in parts {
        let (content, _) = part.decoded(message.bytes);
        let session = parse_sdp(&content);
        for media in session.media.iter().take(4) {
            let sentence = media_words(media);
            if !told.contains(&sentence) && told.len() < 4 {
                told.push(sentence);
            }
        }
    }
    told
}

fn media_words(media: &Media<'_>) -> String {
    let keys = media.attributes.iter().any(|a| a.crypto().is_some());
    let fingerprint = media.attributes.iter().any(|a| a.name.eq_ignore_ascii_case(b"fingerprint"));
    let encryption = media.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(b"encryption"));
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
    let mut seen = BTreeSet::new();
    let mut codecs: Vec<String> = Vec::new();
    for format in &media.formats {
        let unnamed = || String::from_utf8_lossy(format.id).into_owned();
        let name = format.encoding.clone().unwrap_or_else(unnamed);
        if seen.insert(name.clone()) {
            codecs.push(show::shorten(&show::safe_str(&name), 24));
        }
    }
    let more = codecs.len().saturating_sub(CODECS);
    codecs.truncate(CODECS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "The offer of {}: {how}; {}{more}.",
        show::shorten(&show::safe(media.kind), 16),
        codecs.join(", ")
    )
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
