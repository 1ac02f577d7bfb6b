//! A client that signs in, and uses the credentials for media relays that it was given.

use callscope_parsers::stun::integrity::long_term_key;
use hmac::{Hmac, KeyInit, Mac};

use super::ice::{ALLOCATE, ALLOCATE_ERROR, TURN, USERNAME, error, integrity, mapped, realm, relayed};
use super::stun::message_with_id;
use super::{Scenario, request, response};

/// Types of RFC 8656 section 17.
pub const REFRESH: u16 = 0x0004;
pub const REFRESHED: u16 = 0x0104;
const REFRESH_ERROR: u16 = 0x0114;

pub const MINUTE: i64 = 60_000;
pub const CLIENT: &str = "10.0.0.65:4000";

/// A client that signed in; what it is given and does with it.
pub struct Client {
    pub s: Scenario,
    tried: u8,
}

impl Client {
    pub fn signed_in() -> Self {
        let mut s = Scenario::default();
        let who = "<sip:ann@contoso.com>";
        let from = format!("{who};tag=a;epid=e1");
        s.add(0, "A>P", &request("REGISTER", 1).id("r").between(&from, who).via(&["A r1"]));
        let ok = response("200 OK", 1, "REGISTER").id("r").between(&from, who).tag("s").via(&["A r1"]);
        s.add(20, "P>A", &ok.header("Expires: 7200"));
        Self { s, tried: 0 }
    }

    /// Asks for credentials; `given`: user name and password, both in base64, and minutes.
    pub fn asks(&mut self, ms: i64, id: &'static str, cseq: u32, given: Option<(&str, &str, u32)>) {
        let kind = "application/msrtc-media-relay-auth+xml";
        let space = "xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"";
        let asked = format!(
            "<request {space}><credentialsRequest><location>internet</location><duration>480</duration></credentialsRequest></request>"
        );
        let (who, to) = ("<sip:ann@contoso.com>;tag=m;epid=e1", "<sip:mras@contoso.com>");
        let via = format!("A {id}{cseq}");
        let ask = request("SERVICE", cseq).id(id).between(who, to).via(&[&via]);
        self.s.add(ms - 100, "A>P", &ask.body(kind, &asked));
        let answer = |status| response(status, cseq, "SERVICE").id(id).between(who, to).tag("s").via(&[&via]);
        let answer = match given {
            Some((user, password, minutes)) => {
                let body = format!(
                    "<response reasonPhrase=\"OK\" {space}><credentialsResponse><credentials><username>{user}</username><password>{password}</password><duration>{minutes}</duration></credentials><mediaRelayList><mediaRelay><hostName>av.contoso.com</hostName><udpPort>3478</udpPort></mediaRelay></mediaRelayList></credentialsResponse></response>"
                );
                answer("200 OK").body(kind, &body)
            }
            None => answer("504 Server Time-out"),
        };
        self.s.add(ms, "P>A", &answer);
    }

    /// One request and its answer; with a password the request has the keyed hash made of it.
    pub fn turn(
        &mut self,
        ms: i64,
        client: &str,
        kind: u16,
        password: Option<&[u8]>,
        answer: Result<u16, u16>,
    ) {
        self.tried += 1;
        let id = [self.tried];
        let mut attributes = Vec::new();
        if password.is_some() {
            attributes.extend([(USERNAME, b"user".to_vec()), realm(), integrity()]);
        }
        let mut bytes = message_with_id(kind, &id, &attributes);
        if let Some(password) = password {
            // RFC 8489 section 14.5: over the message up to the attribute, which ends it.
            let key = long_term_key(b"user", b"example.com", password);
            let end = bytes.len() - 24;
            let (text, value) = bytes.split_at_mut(end);
            let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
            mac.update(text);
            value[4..].copy_from_slice(&mac.finalize().into_bytes());
        }
        self.s.add_stun(ms, &format!("{client}>{TURN}"), &bytes);
        let (kind, attributes) = match answer {
            Ok(kind) => (kind, [relayed("203.0.113.9:50000"), vec![mapped("198.51.100.1:40000")]].concat()),
            Err(code) => {
                (if kind == ALLOCATE { ALLOCATE_ERROR } else { REFRESH_ERROR }, vec![error(code), realm()])
            }
        };
        self.s.add_stun(ms + 10, &format!("{TURN}>{client}"), &message_with_id(kind, &id, &attributes));
    }

    /// Challenged, then with credentials.
    pub fn allocates(&mut self, ms: i64, client: &str, password: &[u8], answer: Result<u16, u16>) {
        self.turn(ms, client, ALLOCATE, None, Err(401));
        self.turn(ms + 20, client, ALLOCATE, Some(password), answer);
    }
}

/// `user` and `secret` in base64.
pub const USER: &str = "dXNlcg==";
pub const SECRET: &str = "c2VjcmV0";
