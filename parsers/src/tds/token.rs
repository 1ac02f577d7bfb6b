//! Tokens of a server's answer ([MS-TDS] §2.2.7) as far as a login needs them: ERROR, INFO, LOGINACK, ENVCHANGE, DONE.
//! Reading stops at result sets and return values. The same tokens of TDS 5.0, whose text has a byte a character, are
//! told by their lengths; its errors are EED.

use super::{Issues, utf16};
use crate::Issue;

/// Tokens kept of one message.
const MAX_TOKENS: usize = 256;

mod kind {
    pub const OFFSET: u8 = 0x78;
    pub const RETURNSTATUS: u8 = 0x79;
    pub const COLMETADATA: u8 = 0x81;
    pub const ALTMETADATA: u8 = 0x88;
    pub const DATACLASSIFICATION: u8 = 0xA3;
    pub const TABNAME: u8 = 0xA4;
    pub const COLINFO: u8 = 0xA5;
    pub const RETURNVALUE: u8 = 0xAC;
    pub const ORDER: u8 = 0xA9;
    pub const ERROR: u8 = 0xAA;
    pub const INFO: u8 = 0xAB;
    pub const LOGINACK: u8 = 0xAD;
    pub const FEATUREEXTACK: u8 = 0xAE;
    pub const ROW: u8 = 0xD1;
    pub const NBCROW: u8 = 0xD2;
    pub const ALTROW: u8 = 0xD3;
    /// TDS 5.
    pub const PARAMS: u8 = 0xD7;
    pub const CAPABILITY: u8 = 0xE2;
    pub const EED: u8 = 0xE5;
    pub const PARAMFMT: u8 = 0xEC;
    pub const ENVCHANGE: u8 = 0xE3;
    pub const SESSIONSTATE: u8 = 0xE4;
    pub const SSPI: u8 = 0xED;
    pub const FEDAUTHINFO: u8 = 0xEE;
    pub const DONE: u8 = 0xFD;
    pub const DONEPROC: u8 = 0xFE;
    pub const DONEINPROC: u8 = 0xFF;
}

/// ERROR or INFO.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerMessage {
    /// See [`error_title`].
    pub number: i32,
    pub state: u8,
    /// Severity: 10 and less informs, 20 and more ends the connection.
    pub class: u8,
    pub text: String,
    pub server: String,
    pub procedure: String,
    pub line: u32,
}

/// The server takes the login.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoginAck {
    /// See [`super::tds_version_name`].
    pub tds_version: u32,
    pub program: String,
    pub major: u8,
    pub minor: u8,
    pub build: u16,
}

/// What changes on the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvChange {
    Database {
        new: String,
        old: String,
    },
    Language {
        new: String,
        old: String,
    },
    PacketSize {
        new: String,
        old: String,
    },
    /// Mirroring: where else the database is.
    Partner(String),
    /// The client shall connect there instead.
    Routing {
        server: String,
        port: u16,
    },
    Other(u8),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Error(ServerMessage),
    Info(ServerMessage),
    LoginAck(LoginAck),
    EnvChange(EnvChange),
    /// DONE, DONEPROC or DONEINPROC; `status` bit 1 more follows, 2 error, 0x10 the row count is valid.
    Done {
        status: u16,
        rows: Option<u64>,
    },
    /// The server goes on with authentication.
    Sspi,
    /// Rows or return values follow; reading stops here.
    ResultSet,
    /// Known, of no interest for a login.
    Other(u8),
}

/// A run of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    pub tokens: Vec<Token>,
    /// Ranges count from the start of the payload.
    pub issues: Vec<Issue>,
}

impl Tokens {
    pub fn login_ack(&self) -> Option<&LoginAck> {
        self.tokens.iter().find_map(|t| match t {
            Token::LoginAck(ack) => Some(ack),
            _ => None,
        })
    }

    /// First ERROR.
    pub fn error(&self) -> Option<&ServerMessage> {
        self.tokens.iter().find_map(|t| match t {
            Token::Error(error) => Some(error),
            _ => None,
        })
    }
}

/// What an error of a login means, in words that hold whatever the server's language.
pub fn error_title(number: i32) -> Option<&'static str> {
    Some(match number {
        4060 => "the database asked for cannot be opened",
        4064 => "the user's default database cannot be opened",
        17142 => "the server is paused",
        17148 => "the server is shutting down",
        17187 => "the server is starting and takes no connections yet",
        17188 => "the server is shutting down",
        17197 => "the login timed out",
        17806 => "the handshake of integrated authentication failed",
        17809 => "too many connections",
        17830 => "the login timed out on the network",
        17832 => "the login packet is invalid",
        18401 => "the server is being upgraded",
        18451 => "only administrators may connect now",
        18452 => "the login comes from an untrusted domain",
        18456 => "login failed: wrong user or password, or not allowed in",
        18461 => "the server is in single-user mode",
        18470 => "the account is disabled",
        18486 => "the account is locked out",
        18487 => "the password has expired",
        18488 => "the password has to be changed",
        40532 => "the server does not know the database or login",
        40613 => "the database is not available now",
        40615 => "the client's address is not allowed in",
        _ => return None,
    })
}

/// Takes the payload of a tabular result apart, up to the first result set.
pub fn parse_tokens(payload: &[u8]) -> Tokens {
    let mut issues = Issues::default();
    let mut out = Tokens::default();
    let mut at = 0;
    // Since 7.2 row counts have 8 bytes; LOGINACK tells, before it the newer is supposed.
    let mut wide = true;
    // TDS 5.
    let mut narrow = false;
    while let Some(&token) = payload.get(at) {
        if out.tokens.len() == MAX_TOKENS {
            issues.add("tds-too-many-tokens", at..payload.len(), "More tokens than are read");
            break;
        }
        let body = payload.get(at + 1..).unwrap_or_default();
        let short = || body.first_chunk().map(|b| 2 + usize::from(u16::from_le_bytes(*b)));
        let long = || {
            let length: u32 = body.first_chunk().map(|b| u32::from_le_bytes(*b))?;
            usize::try_from(length).ok()?.checked_add(4)
        };
        let size = match token {
            kind::COLMETADATA
            | kind::ROW
            | kind::NBCROW
            | kind::ALTMETADATA
            | kind::ALTROW
            | kind::RETURNVALUE
            | kind::DATACLASSIFICATION
            | kind::PARAMS
            | kind::PARAMFMT => {
                out.tokens.push(Token::ResultSet);
                break;
            }
            // These numbers mean other things in TDS 5.
            kind::FEATUREEXTACK | kind::FEDAUTHINFO if narrow => {
                out.tokens.push(Token::ResultSet);
                break;
            }
            kind::ERROR
            | kind::INFO
            | kind::LOGINACK
            | kind::ENVCHANGE
            | kind::SSPI
            | kind::ORDER
            | kind::TABNAME
            | kind::COLINFO
            | kind::EED
            | kind::CAPABILITY => short(),
            kind::SESSIONSTATE | kind::FEDAUTHINFO => long(),
            kind::OFFSET | kind::RETURNSTATUS => Some(4),
            kind::FEATUREEXTACK => features(body),
            kind::DONE | kind::DONEPROC | kind::DONEINPROC => Some(done_size(body, wide && !narrow)),
            _ => {
                issues.add("tds-unknown-token", at..at + 1, format!("Unknown token {token:#04x}"));
                break;
            }
        };
        let Some(content) = size.and_then(|size| body.get(..size)) else {
            issues.add("tds-token-cut", at..payload.len(), "The message ends inside a token");
            break;
        };
        let value = content.get(2..).unwrap_or_default();
        let read = match token {
            kind::ERROR => server_message(value).map(Token::Error),
            kind::INFO => server_message(value).map(Token::Info),
            kind::LOGINACK => login_ack(value).map(|ack| {
                wide = !matches!(ack.tds_version >> 24, 0x04..=0x07 | 0x70 | 0x71);
                narrow |= ack.tds_version >> 24 == 5;
                Token::LoginAck(ack)
            }),
            kind::ENVCHANGE => env_change(value).map(|(change, is_narrow)| {
                narrow |= is_narrow;
                Token::EnvChange(change)
            }),
            kind::EED => {
                narrow = true;
                extended_error(value)
            }
            kind::SSPI => Some(Token::Sspi),
            kind::DONE | kind::DONEPROC | kind::DONEINPROC => done(content),
            other => Some(Token::Other(other)),
        };
        match read {
            Some(token) => out.tokens.push(token),
            None => issues.add(
                "tds-bad-token",
                at..at + 1 + content.len(),
                "The token's fields do not fit its length",
            ),
        }
        at += 1 + content.len();
    }
    out.issues = issues.0;
    out
}

/// Fields of a token one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    /// B_VARCHAR: a byte of length in characters.
    fn short_text(&mut self) -> Option<String> {
        let length = usize::from(self.byte()?);
        Some(utf16(self.take(2 * length)?))
    }

    /// The same with one byte a character.
    fn narrow_text(&mut self) -> Option<String> {
        let length = usize::from(self.byte()?);
        Some(narrow(self.take(length)?))
    }

    /// US_VARCHAR: two bytes of length.
    fn text(&mut self) -> Option<String> {
        let length = usize::from(u16::from_le_bytes(self.chunk()?));
        Some(utf16(self.take(2 * length)?))
    }
}

fn server_message(value: &[u8]) -> Option<ServerMessage> {
    let mut fields = Fields(value);
    let number = i32::from_le_bytes(fields.chunk()?);
    let (state, class) = (fields.byte()?, fields.byte()?);
    let (text, server, procedure) = (fields.text()?, fields.short_text()?, fields.short_text()?);
    // Two bytes before 7.2.
    let line = match fields.0 {
        [low, high] => u32::from(u16::from_le_bytes([*low, *high])),
        _ => u32::from_le_bytes(fields.chunk()?),
    };
    Some(ServerMessage { number, state, class, text, server, procedure, line })
}

fn login_ack(value: &[u8]) -> Option<LoginAck> {
    let mut fields = Fields(value);
    let _interface = fields.byte()?;
    let tds_version = u32::from_be_bytes(fields.chunk()?);
    // TDS 5 has one byte a character.
    let program = if tds_version >> 24 == 5 { fields.narrow_text()? } else { fields.short_text()? };
    let [major, minor, high, low] = fields.chunk()?;
    let program = program.trim_end_matches('\0').to_owned();
    Some(LoginAck { tds_version, program, major, minor, build: u16::from_be_bytes([high, low]) })
}

/// And whether its text has one byte a character.
fn env_change(value: &[u8]) -> Option<(EnvChange, bool)> {
    let mut fields = Fields(value);
    let kind = fields.byte()?;
    let texts = |change: fn(String, String) -> EnvChange| {
        let (new, old, narrow) = two_texts(fields.0)?;
        Some((change(new, old), narrow))
    };
    match kind {
        1 => texts(|new, old| EnvChange::Database { new, old }),
        2 => texts(|new, old| EnvChange::Language { new, old }),
        4 => texts(|new, old| EnvChange::PacketSize { new, old }),
        13 => Some((EnvChange::Partner(fields.short_text()?), false)),
        20 => {
            let _length: [u8; 2] = fields.chunk()?;
            // 0 is TCP, the only protocol there is.
            let _protocol = fields.byte()?;
            let port = u16::from_le_bytes(fields.chunk()?);
            Some((EnvChange::Routing { server: fields.text()?, port }, false))
        }
        other => Some((EnvChange::Other(other), false)),
    }
}

/// New and old value, of two bytes a character or, where only that fits, of one.
fn two_texts(value: &[u8]) -> Option<(String, String, bool)> {
    let wide = || {
        let mut fields = Fields(value);
        let both = (fields.short_text()?, fields.short_text()?, false);
        fields.0.is_empty().then_some(both)
    };
    let narrow = || {
        let mut fields = Fields(value);
        let both = (fields.narrow_text()?, fields.narrow_text()?, true);
        fields.0.is_empty().then_some(both)
    };
    wide().or_else(narrow)
}

/// EED of TDS 5: an error, or an information where the severity is 10 or less.
fn extended_error(value: &[u8]) -> Option<Token> {
    let mut fields = Fields(value);
    let number = i32::from_le_bytes(fields.chunk()?);
    let (state, class) = (fields.byte()?, fields.byte()?);
    let _sql_state = fields.narrow_text()?;
    let _status_and_transaction: [u8; 3] = fields.chunk()?;
    let length = usize::from(u16::from_le_bytes(fields.chunk()?));
    let text = narrow(fields.take(length)?);
    let (server, procedure) = (fields.narrow_text()?, fields.narrow_text()?);
    let line = u32::from(u16::from_le_bytes(fields.chunk()?));
    let message = ServerMessage { number, state, class, text, server, procedure, line };
    Some(if class > 10 { Token::Error(message) } else { Token::Info(message) })
}

fn narrow(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

/// Length of status, command and row count. Where the wide form does not fit but the narrow one does, it is that.
fn done_size(body: &[u8], wide: bool) -> usize {
    const NARROW: usize = 8;
    const WIDE: usize = 12;
    if !wide || (body.len() < WIDE && body.len() == NARROW) { NARROW } else { WIDE }
}

fn done(content: &[u8]) -> Option<Token> {
    const COUNT: u16 = 0x10;
    let mut fields = Fields(content);
    let status = u16::from_le_bytes(fields.chunk()?);
    let _command: [u8; 2] = fields.chunk()?;
    let rows = match fields.0 {
        narrow if narrow.len() == 4 => u64::from(u32::from_le_bytes(fields.chunk()?)),
        _ => u64::from_le_bytes(fields.chunk()?),
    };
    Some(Token::Done { status, rows: (status & COUNT != 0).then_some(rows) })
}

/// Length of FEATUREEXTACK: id(1), length(4), data … FF.
fn features(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        if *body.get(at)? == 0xFF {
            return Some(at + 1);
        }
        let length = u32::from_le_bytes(*body.get(at + 1..)?.first_chunk()?);
        at = at.checked_add(5)?.checked_add(usize::try_from(length).ok()?)?;
    }
}
