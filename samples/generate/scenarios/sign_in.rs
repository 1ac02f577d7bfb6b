//! Sign-ins from the internet through an Access Edge: one that ends in a relay's allocation, and one that stops at each
//! step before.

use std::net::SocketAddr;

use super::communicator::CLIENT;
use super::{START, at};
use crate::call::{Call, Extra};
use crate::dns;
use crate::scene::{Party, Scene};
use crate::stun::{Relay, Way};

const RESOLVER: &str = "192.168.100.1:53";
const EDGE: [u8; 4] = [213, 199, 141, 180];

pub(super) fn user(user: &'static str, client: &str, epid: &'static str) -> Party {
    Party { user, display: "", domain: "contoso.com", at: at(client), agent: CLIENT, epid, transport: "TCP" }
}

/// Asks the resolver; `answer` makes the answer of the question's number, none where nobody answers three questions.
fn ask(s: &mut Scene, client: &Party, name: &str, kind: u16, answer: Option<&dyn Fn(u16) -> Vec<u8>>) {
    let id = s.random.next() as u16;
    let source = SocketAddr::new(client.at.ip(), 49_152 + (s.random.next() % 8_000) as u16);
    let times = if answer.is_some() { 1 } else { 3 };
    for n in 0..times {
        s.udp(source, at(RESOLVER), 0, &dns::query(id, name, kind));
        s.wait(if answer.is_some() { 14 } else { 1_000 << n });
    }
    if let Some(answer) = answer {
        s.udp(at(RESOLVER), source, 0, &answer(id));
        s.wait(2);
    }
}

/// Outside there is no internal record, but one for TLS.
fn find_edge(s: &mut Scene, client: &Party) {
    let internal = "_sipinternaltls._tcp.contoso.com";
    ask(s, client, internal, dns::SRV, Some(&|id| dns::nothing(id, internal, dns::SRV)));
    let external = "_sip._tls.contoso.com";
    let found = |id| dns::service(id, external, "sip.contoso.com", 443, EDGE);
    ask(s, client, external, dns::SRV, Some(&found));
}

fn server() -> Party {
    Party {
        user: "sip",
        display: "",
        domain: "contoso.com",
        at: at("213.199.141.180:443"),
        agent: "RTC/3.5",
        epid: "",
        transport: "TCP",
    }
}

/// A request to oneself's server.
pub(super) fn to_edge(s: &mut Scene, who: &Party, uri: &str) -> Call {
    let mut own = who.clone();
    (own.at, own.agent, own.epid) = (server().at, server().agent, "");
    let mut call = Call::new(s, who, &own, None);
    call.to_uri = Some(uri.to_owned());
    call
}

pub(super) const REALM: &str =
    "realm=\"SIP Communications Service\", targetname=\"fe01.contoso.com\", version=4";

pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = DIGITS[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// CHALLENGE of the domain CONTOSO ([MS-NLMP] §2.2.1.2).
fn challenge() -> String {
    let target = utf16("CONTOSO");
    let mut m = [&b"NTLMSSP\0"[..], &2u32.to_le_bytes()].concat();
    m.extend([(target.len() as u16).to_le_bytes(), (target.len() as u16).to_le_bytes()].concat());
    m.extend(48u32.to_le_bytes());
    m.extend(0x0001_8215u32.to_le_bytes());
    m.extend([0x41, 0x72, 0x05, 0x9c, 0x11, 0xe0, 0x3b, 0x77]);
    m.resize(48, 0);
    m.extend(target);
    base64(&m)
}

/// AUTHENTICATE of a user of CONTOSO at a computer, NTLMv1 with made-up responses (§2.2.1.3).
fn authenticate(user: &str, computer: &str) -> String {
    let parts = [vec![0x11; 24], vec![0x22; 24], utf16("CONTOSO"), utf16(user), utf16(computer), Vec::new()];
    let mut m = [&b"NTLMSSP\0"[..], &3u32.to_le_bytes()].concat();
    let mut offset = 64;
    for part in &parts {
        let len = (part.len() as u16).to_le_bytes();
        m.extend([&len[..], &len, &(offset as u32).to_le_bytes()].concat());
        offset += part.len();
    }
    m.extend(0x0000_8215u32.to_le_bytes());
    m.extend(parts.concat());
    base64(&m)
}

/// The rounds of NTLM up to complete credentials, which wait for what the server says to them.
pub(super) fn handshake(s: &mut Scene, r: &mut Call, computer: &str, base: &Extra<'static>) {
    r.request(s, "REGISTER", true, base);
    r.respond(s, 401, "Unauthorized", &Extra::header("WWW-Authenticate", format!("NTLM {REALM}")));
    answer_challenge(s, r, computer, base);
}

/// What follows a challenge: empty credentials, the server's token, complete ones.
pub(super) fn answer_challenge(s: &mut Scene, r: &mut Call, computer: &str, base: &Extra<'static>) {
    let one = base.clone().and("Authorization", format!("NTLM qop=\"auth\", {REALM}, gssapi-data=\"\""));
    r.request(s, "REGISTER", true, &one);
    let two = format!("NTLM opaque=\"6F1C6E5B\", gssapi-data=\"{}\", {REALM}", challenge());
    r.respond(s, 401, "Unauthorized", &Extra::header("WWW-Authenticate", two));
    let token = authenticate(r.from.user, computer);
    let three = format!(
        "NTLM qop=\"auth\", opaque=\"6F1C6E5B\", {REALM}, crand=\"13317733\", cnum=\"1\", response=\"0100000029618e9651b65a77\", gssapi-data=\"{token}\""
    );
    r.request(s, "REGISTER", true, &base.clone().and("Authorization", three));
}

/// What a REGISTER of Communicator says beside the usual.
pub(super) fn registration() -> Extra<'static> {
    Extra::header("ms-keep-alive", "UAC;hop-hop=yes").and("Event", "registration")
}

/// The rounds of REGISTER; `good`: the server takes the credentials.
fn register(s: &mut Scene, who: &Party, computer: &str, good: bool) {
    let mut own = who.clone();
    own.at = server().at;
    let mut r = Call::new(s, who, &own, None);
    handshake(s, &mut r, computer, &registration());
    if !good {
        return r.respond(s, 401, "Unauthorized", &again());
    }
    let ok = Extra::header("Contact", format!("{};expires=7200", who.contact()))
        .and("Expires", "7200")
        .and("ms-user-logon-data", "RemoteUser")
        .and("presence-state", "register-action=\"added\"")
        .and("ms-keep-alive", "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300");
    r.respond(s, 200, "OK", &ok);
}

/// A challenge in answer to credentials that do not hold.
pub(super) fn again() -> Extra<'static> {
    Extra::header("WWW-Authenticate", format!("NTLM {REALM}"))
}

const PROVISIONING: &str = "application/vnd-microsoft-roaming-provisioning-v2+xml";

/// What a SUBSCRIBE for the settings says.
pub(super) fn asks_settings() -> Extra<'static> {
    let asked = "<provisioningGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist\"><provisioningGroup name=\"ServerConfiguration\"/><provisioningGroup name=\"meetingPolicy\"/><provisioningGroup name=\"ucPolicy\"/></provisioningGroupList>";
    Extra::body(PROVISIONING, asked.to_owned())
        .and("Event", "vnd-microsoft-provisioning-v2")
        .and("Accept", PROVISIONING)
        .and("Supported", "ms-benotify, ms-piggyback-first-notify")
        .and("Expires", "0")
}

/// The settings.
pub(super) fn settings() -> Extra<'static> {
    let settings = "<provisionGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification\"><provisionGroup name=\"ServerConfiguration\"><ucMaxVideoRateAllowed>VGA-600K</ucMaxVideoRateAllowed><absInternalServerUrl>https://fe01.contoso.com/Abs/Int/Handler</absInternalServerUrl><absExternalServerUrl>https://abs.contoso.com/Abs/Ext/Handler</absExternalServerUrl><dlxExternalUrl>https://abs.contoso.com/GroupExpansion/Ext/service.asmx</dlxExternalUrl><mrasUri> sip:fe01.contoso.com@contoso.com;gruu;opaque=srvr:MRAS:2jRa2f1gbU </mrasUri><focusFactoryUri>sip:carol@contoso.com;gruu;opaque=app:conf:focusfactory</focusFactoryUri><ucMinMediaPort>50000</ucMinMediaPort></provisionGroup><provisionGroup name=\"ucPolicy\"><ucPC2PCAVEncryption>SupportEncryption</ucPC2PCAVEncryption></provisionGroup></provisionGroupList>";
    Extra::body(PROVISIONING, settings.to_owned()).and("Expires", "0")
}

/// SUBSCRIBE for the settings; without `given` the server refuses.
fn provisioning(s: &mut Scene, who: &Party, given: bool) {
    let mut c = to_edge(s, who, &who.uri());
    c.request(s, "SUBSCRIBE", true, &asks_settings());
    if !given {
        let why = "4000;reason=\"Internal error\";source=\"fe01.contoso.com\"";
        return c.respond(s, 504, "Server time-out", &Extra::header("ms-diagnostics", why));
    }
    c.respond(s, 200, "OK", &settings());
}

const RELAY_AUTH: &str = "application/msrtc-media-relay-auth+xml";

/// What a request for relay credentials and its answer have in common: ids, `from` and `to`, and the namespace.
pub(super) struct CredentialsAsked {
    pub dialog: Call,
    ids: String,
}

const MRASP: &str = "xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"";

/// SERVICE to the A/V authentication service for the credentials.
pub(super) fn ask_for_credentials(s: &mut Scene, who: &Party) -> CredentialsAsked {
    let uri = "sip:fe01.contoso.com@contoso.com;gruu;opaque=srvr:MRAS:2jRa2f1gbU";
    let ids = format!("requestID=\"50361\" version=\"2.0\" to=\"{uri}\" from=\"{}\"", who.uri());
    let asked = format!(
        "<request {ids} {MRASP}><credentialsRequest credentialsRequestID=\"50361\"><identity>{}</identity><location>internet</location><duration>480</duration></credentialsRequest></request>",
        who.uri()
    );
    let mut dialog = to_edge(s, who, uri);
    dialog.request(s, "SERVICE", true, &Extra::body(RELAY_AUTH, asked));
    CredentialsAsked { dialog, ids }
}

impl CredentialsAsked {
    /// Grants them: user name, password and minutes.
    pub fn give(&mut self, s: &mut Scene, (user, password, minutes): (&str, &str, u32)) {
        let Self { dialog, ids } = self;
        let answer = format!(
            "<response {ids} serverVersion=\"2.0\" reasonPhrase=\"OK\" {MRASP}><credentialsResponse credentialsRequestID=\"50361\"><credentials><username>{}</username><password>{}</password><duration>{minutes}</duration></credentials><mediaRelayList><mediaRelay><location>internet</location><hostName>av.contoso.com</hostName><udpPort>3478</udpPort><tcpPort>443</tcpPort></mediaRelay></mediaRelayList></credentialsResponse></response>",
            base64(user.as_bytes()),
            base64(password.as_bytes())
        );
        dialog.respond(s, 200, "OK", &Extra::body(RELAY_AUTH, answer));
    }
}

/// SERVICE for the credentials; `given`: user name and password.
fn mras(s: &mut Scene, who: &Party, given: Option<(&str, &str)>) {
    let mut asked = ask_for_credentials(s, who);
    match given {
        Some((user, password)) => asked.give(s, (user, password, 480)),
        None => {
            let ids = &asked.ids;
            let answer =
                format!("<response {ids} serverVersion=\"2.0\" reasonPhrase=\"Not Supported\" {MRASP}/>");
            asked.dialog.respond(s, 200, "OK", &Extra::body(RELAY_AUTH, answer));
        }
    }
}

/// All five.
pub fn sign_ins() -> Scene {
    let mut s = Scene::new(41, START);

    // Carol comes to the end: her client allocates with what it was given.
    let carol = user("carol", "192.168.100.31:2101", "c1a0000001");
    find_edge(&mut s, &carol);
    register(&mut s, &carol, "CAROL-PC", true);
    provisioning(&mut s, &carol, true);
    mras(&mut s, &carol, Some(("mras-user-0001", "secret")));
    let relay_name = "av.contoso.com";
    ask(&mut s, &carol, relay_name, dns::A, Some(&|id| dns::address(id, relay_name, [213, 199, 141, 181])));
    let relay = Relay::new(
        &mut s,
        true,
        Way::Udp,
        at("192.168.100.31:50040"),
        at("213.199.141.181:3478"),
        at("84.155.254.180:50040"),
        at("213.199.141.181:57400"),
        "mras-user-0001",
    );
    relay.allocate(&mut s, 600);
    s.wait(800);

    // Dan's resolver knows no record, and is silent about the last.
    let dan = user("dan", "192.168.100.32:2102", "c1a0000002");
    for name in ["_sipinternaltls._tcp.contoso.com", "_sip._tls.contoso.com"] {
        ask(&mut s, &dan, name, dns::SRV, Some(&|id| dns::nothing(id, name, dns::SRV)));
    }
    let name = "sipinternal.contoso.com";
    ask(&mut s, &dan, name, dns::A, Some(&|id| dns::nothing(id, name, dns::A)));
    ask(&mut s, &dan, "sip.contoso.com", dns::A, None);

    // Eva's password is wrong.
    let eva = user("eva", "192.168.100.33:2103", "c1a0000003");
    find_edge(&mut s, &eva);
    register(&mut s, &eva, "EVA-PC", false);
    s.wait(500);

    // Finn gets no settings.
    let finn = user("finn", "192.168.100.34:2104", "c1a0000004");
    find_edge(&mut s, &finn);
    register(&mut s, &finn, "FINN-PC", true);
    provisioning(&mut s, &finn, false);
    s.wait(500);

    // Gina gets no credentials.
    let gina = user("gina", "192.168.100.35:2105", "c1a0000005");
    find_edge(&mut s, &gina);
    register(&mut s, &gina, "GINA-PC", true);
    provisioning(&mut s, &gina, true);
    mras(&mut s, &gina, None);
    s
}
