//! Credentials for media relays that an authentication service gave out within the capture ([MS-AVEDGEA]).

use callscope_parsers::mime::decode_base64;
use callscope_parsers::mras::{Message, parse_mras};
use callscope_parsers::sip;
use callscope_parsers::stun::integrity::{long_term_key, long_term_key_sha256, unquoted};

use super::Analysis;
use super::model::*;

/// Answers of authentication services that are read.
const SERVICES: usize = 1_000;

/// User name and password as they stand in the answer. It does not print itself: the password is a live secret.
pub struct RelayCredentials {
    pub user: String,
    pub password: String,
    pub message: MsgIdx,
}

/// A key of long-term credentials, and the user name it goes with.
pub struct LongTermKey {
    pub user: Vec<u8>,
    pub bytes: Vec<u8>,
    /// The password itself, as the shared secrets of RFC 3489 are used.
    pub bare: bool,
}

impl Analysis {
    /// All that were given out.
    pub fn relay_credentials(&self) -> Vec<RelayCredentials> {
        let answers = self.messages_by(&[MethodId::SERVICE]).filter(|(_, r)| {
            (200..300).contains(&r.status) && !r.has(flag::RETRANSMISSION) && !r.has(flag::DUPLICATE)
        });
        answers.take(SERVICES).flat_map(|(m, _)| self.credentials_in(m)).collect()
    }

    /// Those that one answer gives, as far as both user name and password are there.
    pub(super) fn credentials_in(&self, message: MsgIdx) -> Vec<RelayCredentials> {
        let Ok(bytes) = self.message_bytes(message) else { return Vec::new() };
        let Some(body) = sip::scan(&bytes).and_then(|s| bytes.get(s.body_start..)) else { return Vec::new() };
        let Some(Message::Response(response)) = parse_mras(body).map(|m| m.message) else {
            return Vec::new();
        };
        let whole = response.credentials.into_iter().filter_map(|c| {
            let (user, password) = (c.username?, c.password?);
            Some(RelayCredentials { user, password: password.reveal().to_owned(), message })
        });
        whole.collect()
    }
}

/// User name as TURN shows it: with its base64 undone ([MS-TURN]), where it is some.
pub fn turn_user(name: &str) -> Option<Vec<u8>> {
    match decode_base64(name.as_bytes()) {
        (bytes, true) if !bytes.is_empty() => Some(bytes),
        _ => None,
    }
}

/// Keys of long-term credentials: the texts as they are and with base64 undone ([MS-TURN]), the realm with and without its
/// quotes.
pub fn long_term_keys(name: &[u8], password: &[u8], realm: &[u8]) -> Vec<LongTermKey> {
    let mut forms = vec![(name.to_vec(), password.to_vec())];
    if let ((decoded, true), (secret, true)) = (decode_base64(name), decode_base64(password))
        && !decoded.is_empty()
    {
        forms.push((decoded, secret));
    }
    let plain = unquoted(realm);
    let quoted = [b"\"", plain, b"\""].concat();
    let mut out = Vec::new();
    for (name, password) in forms {
        for realm in [plain, &quoted] {
            let md5 = long_term_key(&name, realm, &password).to_vec();
            let sha = long_term_key_sha256(&name, realm, &password).to_vec();
            out.extend([md5, sha].map(|bytes| LongTermKey { user: name.clone(), bytes, bare: false }));
        }
        out.push(LongTermKey { user: name, bytes: password, bare: true });
    }
    out
}
