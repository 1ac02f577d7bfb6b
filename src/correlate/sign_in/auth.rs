//! How a client proves who it is, and what the server says beside its 2xx.

use callscope_parsers::ntlm::{GssapiData, Message, parse_gssapi_data};
use callscope_parsers::sip::auth::{Auth, AuthScheme, parse_auth};
use callscope_parsers::sip::name_addr::parse_name_addrs;
use callscope_parsers::sip::{self, param};

use super::*;

/// Rounds that are read of one sign-in.
const ROUNDS: usize = 8;

/// A token of a challenge or of credentials, as far as it is in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthRound {
    pub message: MsgIdx,
    /// `NTLM CHALLENGE`, `Kerberos`, `TLS-DSK: Client Hello`.
    pub what: String,
    /// Of AUTHENTICATE: domain and user, computer, and the kind of response.
    pub user: Option<String>,
    pub workstation: Option<String>,
    pub response: Option<&'static str>,
    /// Of CHALLENGE: domain or server.
    pub target: Option<String>,
}

/// What a 2xx says.
#[derive(Debug, Default)]
pub(super) struct Says {
    pub granted: Option<u32>,
    pub keep_alive: Option<String>,
    pub remote: bool,
}

impl Analysis {
    /// What the tokens of `gssapi-data` say in clear, one a message that has some.
    pub(super) fn rounds(&self, own: &[MsgIdx], scheme: Option<AuthScheme>) -> Vec<AuthRound> {
        if !matches!(scheme, Some(AuthScheme::Ntlm | AuthScheme::Kerberos | AuthScheme::TlsDsk)) {
            return Vec::new();
        }
        let of_interest = own.iter().copied().filter(|m| {
            let r = self.message(*m);
            let again = r.has(flag::RETRANSMISSION) || r.has(flag::DUPLICATE);
            !again && (r.has(flag::CREDENTIALS) || matches!(r.status, 401 | 407))
        });
        let mut out = Vec::new();
        for m in of_interest.take(ROUNDS) {
            let Ok(bytes) = self.message_bytes(m) else { continue };
            let names = ["Authorization", "Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate"];
            let all = auths(&bytes, &names);
            let Some(auth) = all.iter().find(|a| Some(a.scheme) == scheme) else { continue };
            let data = param::value(&auth.params, "gssapi-data");
            if !data.is_empty() {
                out.extend(round(m, &String::from_utf8_lossy(data)));
            }
        }
        out
    }

    /// What challenge and credentials say.
    pub(super) fn told(&self, tries: &Tries) -> Told {
        let mut told = Told::default();
        let read = |m: Option<MsgIdx>| m.and_then(|m| self.message_bytes(m).ok()).unwrap_or_default();
        // Of several schemes that are offered the one counts that the client takes up.
        let bytes = read(tries.credentials);
        let given = auths(&bytes, &["Authorization", "Proxy-Authorization"]);
        let mut given = given.into_iter();
        let taken = given.next();
        if let Some(a) = &taken {
            told.auth = Some(a.scheme);
            told.complete = is_complete(a);
        }
        let bytes = read(tries.challenge);
        let offered = auths(&bytes, &["WWW-Authenticate", "Proxy-Authenticate"]);
        for o in &offered {
            if !told.offered.contains(&o.scheme) {
                told.offered.push(o.scheme);
            }
        }
        // A server that sends a token answers one ([MS-SIPAE]), though the request with it may not be in the capture.
        let answers = |o: &&Auth<'_>| !param::value(&o.params, "gssapi-data").is_empty();
        let answered = offered.iter().find(answers).map(|o| o.scheme);
        // Where no request was captured, a 2xx behind the challenge says that its only scheme was taken up.
        let time = |m: MsgIdx| self.message(m).time;
        let goes_on = tries.challenge.zip(tries.accepted).is_some_and(|(c, a)| time(c) <= time(a));
        let only = match told.offered.as_slice() {
            [only] if goes_on && tries.asked.is_none() => Some(*only),
            _ => None,
        };
        told.auth = told.auth.or(answered).or(only);
        let same = offered.iter().find(|o| told.auth == Some(o.scheme));
        if let Some(a) = same.or(offered.first()).or(taken.as_ref()) {
            told.realm = String::from_utf8_lossy(a.realm()).into_owned();
            told.target = String::from_utf8_lossy(a.target_name()).into_owned();
        }
        told
    }

    pub(super) fn says(&self, m: MsgIdx) -> Says {
        let Ok(bytes) = self.message_bytes(m) else { return Says::default() };
        let Some(message) = sip::parse_message(&bytes) else { return Says::default() };
        let number = |text: &[u8]| std::str::from_utf8(text).ok()?.trim().parse::<u32>().ok();
        let contacts =
            message.headers_named("Contact").flat_map(|h| parse_name_addrs(&bytes, h.value_range.clone()).0);
        // Of the longest binding it names, else of its Expires.
        let of_contacts = contacts.filter_map(|c| number(param::value(&c.params, "expires"))).max();
        let own = || message.header("Expires").and_then(|h| number(bytes.get(h.value_range.clone())?));
        let value = |name| {
            let text = message.header(name).map(|h| String::from_utf8_lossy(&h.value).trim().to_owned());
            text.filter(|t| !t.is_empty())
        };
        Says {
            granted: of_contacts.or_else(own),
            keep_alive: value("ms-keep-alive"),
            remote: value("ms-user-logon-data").is_some_and(|v| v.eq_ignore_ascii_case("RemoteUser")),
        }
    }

    /// First Contact of a 3xx.
    pub(super) fn redirect_of(&self, m: MsgIdx) -> Option<String> {
        let bytes = self.message_bytes(m).ok()?;
        let message = sip::parse_message(&bytes)?;
        let contact = message.header("Contact")?;
        let (all, _) = parse_name_addrs(&bytes, contact.value_range.clone());
        let uri = all.first()?.uri.range.clone();
        Some(String::from_utf8_lossy(bytes.get(uri)?).into_owned())
    }

    /// The first line of a `text/registration-event`, by which a server ends a registration.
    pub(super) fn ended_by_server(&self, own: &[MsgIdx]) -> Option<(MsgIdx, String)> {
        let of = |m: &&MsgIdx| {
            let r = self.message(**m);
            r.is_request() && r.content == Content::RegistrationEvent
        };
        let m = *own.iter().rev().find(of)?;
        let bytes = self.message_bytes(m).ok()?;
        let body = bytes.get(sip::scan(&bytes)?.body_start..)?;
        let text = String::from_utf8_lossy(body.get(..400).unwrap_or(body)).into_owned();
        let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
        Some((m, line.to_owned()))
    }
}

fn round(message: MsgIdx, data: &str) -> Option<AuthRound> {
    let mut out = AuthRound {
        message,
        what: String::new(),
        user: None,
        workstation: None,
        response: None,
        target: None,
    };
    match parse_gssapi_data(data) {
        GssapiData::Empty => return None,
        GssapiData::Ntlm(ntlm) => {
            out.what = format!("NTLM {}", ntlm.message.name());
            out.response = ntlm.message.response_kind();
            match ntlm.message {
                Message::Challenge { target, .. } => out.target = target,
                Message::Negotiate { workstation, domain } => {
                    (out.workstation, out.target) = (workstation, domain);
                }
                Message::Authenticate { domain, user, workstation, .. } => {
                    out.user = match (domain, user) {
                        (Some(d), Some(u)) if !d.is_empty() => Some(format!("{d}\\{u}")),
                        (_, user) => user,
                    };
                    out.workstation = workstation;
                }
                Message::Other(n) => out.what = format!("NTLM message of type {n}"),
            }
        }
        GssapiData::Gss(token) => out.what = token.mechanism.name().to_owned(),
        GssapiData::Tls(records) => out.what = format!("TLS-DSK: {}", records.join(", ")),
        GssapiData::Unknown(n) => out.what = format!("{n} bytes of no known kind"),
        GssapiData::NotBase64 => out.what = "no base64".to_owned(),
    }
    Some(out)
}

#[derive(Debug, Default)]
pub(super) struct Told {
    pub auth: Option<AuthScheme>,
    pub offered: Vec<AuthScheme>,
    pub realm: String,
    pub target: String,
    pub complete: bool,
}

fn auths<'a>(bytes: &'a [u8], names: &[&str]) -> Vec<Auth<'a>> {
    let Some(message) = sip::parse_message(bytes) else { return Vec::new() };
    let of_interest = message.headers.iter().filter(|h| names.iter().any(|n| h.is(n)));
    of_interest.map(|h| parse_auth(bytes, h.value_range.clone()).0).collect()
}

/// Whether the server can decide by them; an NTLM client first sends empty ones to be challenged ([MS-SIPAE]).
fn is_complete(a: &Auth<'_>) -> bool {
    let filled = |name: &str| !param::value(&a.params, name).is_empty();
    match a.scheme {
        AuthScheme::Ntlm | AuthScheme::Kerberos | AuthScheme::TlsDsk => {
            filled("gssapi-data") || filled("response")
        }
        AuthScheme::Digest => filled("response"),
        _ => true,
    }
}
