//! DNS messages (RFC 1035) with SRV (RFC 2782), NAPTR (RFC 3403), AAAA (RFC 3596), EDNS (RFC 6891), negative answers
//! (RFC 2308), and the same layout in mDNS (RFC 6762, port 5353) and LLMNR (RFC 4795, port 5355).
//!
//! ```text
//! 0  id                              2  QR|opcode(4)|AA|TC|RD|RA|Z|AD|CD|rcode(4)     (LLMNR: C for AA, T for RD)
//! 4  questions  6  answers           8  authority records          10  additional records
//! 12 question: name type(2) class(2)              top bit of class in mDNS: answer to me alone
//!    record:   name type(2) class(2) ttl(4) length(2) data   top bit in mDNS: drop what you have
//! name: length(1) label … 00, or C0 | offset(14 bits) of the rest
//! ```
//!
//! Over TCP two bytes of length precede a message. Accepted beyond the letter: a message that is cut or whose counts
//! lie (what is readable is there), compression where it is not allowed, records behind a broken one where its length
//! still tells where they begin. A compression pointer has to go backwards, so there are no loops.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::Issue;

mod read;
#[cfg(test)]
mod tests;
mod words;

pub use read::{looks_like_dns, parse_dns};
pub use words::{RCode, RecordType, opcode_name};

/// Bytes of the header.
pub const HEADER: usize = 12;
/// UDP and TCP port of DNS servers.
pub const PORT: u16 = 53;
/// Of multicast DNS.
pub const MDNS_PORT: u16 = 5353;
/// Of LLMNR.
pub const LLMNR_PORT: u16 = 5355;
/// Questions and records kept of each section.
pub const MAX_RECORDS: usize = 512;
/// Bytes of a name on the wire (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 255;
/// Issues kept of one message.
const MAX_ISSUES: usize = 32;

/// Which protocol uses the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    Dns,
    Mdns,
    Llmnr,
}

impl Flavor {
    /// By the port of the server, which in mDNS is that of all.
    pub fn of_port(port: u16) -> Self {
        match port {
            MDNS_PORT => Self::Mdns,
            LLMNR_PORT => Self::Llmnr,
            _ => Self::Dns,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Mdns => "mDNS",
            Self::Llmnr => "LLMNR",
        }
    }
}

/// The second two bytes of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

impl Flags {
    pub fn response(self) -> bool {
        self.0 & 0x8000 != 0
    }

    pub fn opcode(self) -> u8 {
        (self.0 >> 11 & 0xF) as u8
    }

    /// AA; in LLMNR C: the name is not unique.
    pub fn authoritative(self) -> bool {
        self.0 & 0x0400 != 0
    }

    /// TC: more was to say than fits; over UDP the client asks again over TCP.
    pub fn truncated(self) -> bool {
        self.0 & 0x0200 != 0
    }

    /// RD; in LLMNR T: the answerer is not sure yet that the name is its own.
    pub fn recursion_desired(self) -> bool {
        self.0 & 0x0100 != 0
    }

    pub fn recursion_available(self) -> bool {
        self.0 & 0x0080 != 0
    }

    /// AD (RFC 4035).
    pub fn authentic_data(self) -> bool {
        self.0 & 0x0020 != 0
    }

    /// CD (RFC 4035).
    pub fn checking_disabled(self) -> bool {
        self.0 & 0x0010 != 0
    }

    /// The bits that are set, by name.
    pub fn names(self, flavor: Flavor) -> Vec<&'static str> {
        let llmnr = flavor == Flavor::Llmnr;
        let bits = [
            (0x8000, "QR"),
            (0x0400, if llmnr { "C" } else { "AA" }),
            (0x0200, "TC"),
            (0x0100, if llmnr { "T" } else { "RD" }),
            (0x0080, "RA"),
            (0x0040, "Z"),
            (0x0020, "AD"),
            (0x0010, "CD"),
        ];
        bits.into_iter().filter(|(bit, _)| self.0 & bit != 0).map(|(_, name)| name).collect()
    }
}

/// A domain name without its last dot; the root is `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// Dots and backslashes inside labels escaped, bytes that are no text as `\DDD` (RFC 1035 §5.1).
    pub text: String,
    /// Where it stands, up to and with the first pointer.
    pub range: Range<usize>,
}

impl Name {
    /// Names are compared without regard to the case of ASCII letters (RFC 4343).
    pub fn is(&self, other: &str) -> bool {
        let other = other.strip_suffix('.').filter(|o| !o.is_empty()).unwrap_or(other);
        self.text.eq_ignore_ascii_case(other)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub name: Name,
    pub kind: RecordType,
    /// Without mDNS's top bit; 1 is the Internet.
    pub class: u16,
    /// mDNS: the answer may go to the asker alone (QU, RFC 6762 §5.4).
    pub unicast: bool,
    pub range: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub name: Name,
    pub kind: RecordType,
    /// Without mDNS's top bit; of OPT the asker's UDP payload size.
    pub class: u16,
    /// mDNS: older records of the name are no longer true (RFC 6762 §10.2).
    pub cache_flush: bool,
    /// Seconds.
    pub ttl: u32,
    pub data: Data,
    pub range: Range<usize>,
    pub data_range: Range<usize>,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Ns(Name),
    Cname(Name),
    Ptr(Name),
    Srv {
        priority: u16,
        weight: u16,
        port: u16,
        target: Name,
    },
    Naptr {
        order: u16,
        preference: u16,
        flags: String,
        services: String,
        regexp: String,
        replacement: Name,
    },
    Txt(Vec<Vec<u8>>),
    Soa(Box<Soa>),
    Opt,
    /// A type that is not read; see [`Record::data_range`].
    Other,
    /// Its data is not as its type says; an issue tells why.
    Malformed,
}

/// Start of authority (RFC 1035 §3.3.13); times in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soa {
    pub server: Name,
    pub mailbox: Name,
    pub serial: u32,
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    pub minimum: u32,
}

/// What the OPT record says (RFC 6891 §6.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edns {
    /// Bytes that the sender takes over UDP.
    pub udp_payload: u16,
    pub version: u8,
    /// DO: DNSSEC records are wanted (RFC 3225).
    pub dnssec: bool,
    /// Code and place of each option.
    pub options: Vec<(u16, Range<usize>)>,
}

/// A message taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    pub flavor: Flavor,
    pub id: u16,
    pub flags: Flags,
    /// With EDNS's upper bits.
    pub rcode: RCode,
    pub questions: Vec<Question>,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
    pub additionals: Vec<Record>,
    pub edns: Option<Edns>,
    pub issues: Vec<Issue>,
}

/// What an answer comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It holds records of the type asked for.
    Answered,
    /// The name is an alias, and where it leads to has no such record here.
    Alias,
    /// NXDOMAIN.
    NoSuchName,
    /// The name is there, records of this type are not (RFC 2308 §2.2).
    NoSuchRecord,
    /// Other servers are named that know.
    Referral,
    /// Cut by the server, without what was asked for.
    Truncated,
    /// The server could not or would not.
    Failed,
}

impl Outcome {
    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Alias => "an alias that leads to no record of this type",
            Self::NoSuchName => "the name does not exist",
            Self::NoSuchRecord => "the name has no record of this type",
            Self::Referral => "refers to other servers",
            Self::Truncated => "truncated: to be asked again over TCP",
            Self::Failed => "the server failed or refused",
        }
    }
}

impl Dns {
    pub fn is_response(&self) -> bool {
        self.flags.response()
    }

    /// What this answer comes to; `None` for questions, and in mDNS, where nobody says no.
    pub fn outcome(&self) -> Option<Outcome> {
        if !self.is_response() || self.flavor == Flavor::Mdns {
            return None;
        }
        Some(match self.rcode {
            RCode(3) => Outcome::NoSuchName,
            RCode(0) => {
                let asked = self.questions.first().map(|q| q.kind);
                let wanted = |r: &Record| asked.is_none_or(|a| a == r.kind || a == RecordType::ANY);
                if self.answers.iter().any(wanted) {
                    Outcome::Answered
                } else if self.flags.truncated() {
                    Outcome::Truncated
                } else if self.answers.iter().any(|r| matches!(r.data, Data::Cname(_))) {
                    Outcome::Alias
                } else if self.authorities.iter().any(|r| r.kind == RecordType::NS)
                    && !self.authorities.iter().any(|r| r.kind == RecordType::SOA)
                {
                    Outcome::Referral
                } else {
                    Outcome::NoSuchRecord
                }
            }
            _ => Outcome::Failed,
        })
    }

    /// Seconds for which a negative answer holds: the lesser of the SOA's own and its MINIMUM (RFC 2308 §5).
    pub fn negative_ttl(&self) -> Option<u32> {
        self.authorities.iter().find_map(|r| match &r.data {
            Data::Soa(soa) => Some(soa.minimum.min(r.ttl)),
            _ => None,
        })
    }

    /// Records of all sections.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.answers.iter().chain(&self.authorities).chain(&self.additionals)
    }
}

/// What stands at the beginning of a TCP stream (RFC 1035 §4.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// The message inside the bytes; `range.end` is what it took.
    Message(Range<usize>),
    /// So many bytes are needed in all.
    NeedMore(usize),
}

/// Takes the next message of a TCP stream.
pub fn frame_dns(stream: &[u8]) -> Framing {
    let Some(&length) = stream.first_chunk::<2>() else {
        return Framing::NeedMore(2);
    };
    let end = 2 + usize::from(u16::from_be_bytes(length));
    if stream.len() < end { Framing::NeedMore(end) } else { Framing::Message(2..end) }
}
