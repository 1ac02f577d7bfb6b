//! Session descriptions (RFC 8866), lenient: every line kept in order, what is known typed.
//!
//! | line | read as |
//! |---|---|
//! | `v=` | begins a description; a second one begins another (issue `sdp-second-session`) |
//! | `o=` `c=` `m=` `a=` | typed below |
//! | `s= i= u= e= p= b= t= r= z= k=` | kept as [`Line`] |
//!
//! Accepted beyond the grammar: LF, CR or CRLF as line end, a missing `v=` (Skype for Business sends stubs of one
//! `m=` line), missing `o=`, `s=` and `t=`, blank lines, runs of spaces and tabs, a space after the colon of an
//! attribute ([MS-SDPEXT] examples), any case of attribute names, unknown protocols, lines that are no lines.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use crate::Issue;

pub mod attribute;
pub mod candidate;
#[cfg(test)]
mod tests;

pub use attribute::{Crypto, Fingerprint, IceCredentials, static_encoding};
pub use candidate::{Candidate, CandidateSyntax, IceDescription, SdpBody, sdp_bodies};

/// Lines read of one description; the rest is reported and left alone.
pub const MAX_LINES: usize = 65_536;
/// Most lines are longer.
const SHORT_LINE: usize = 24;
/// Formats kept of one `m=` line; payload types are 128 at most.
const MAX_FORMATS: usize = 1024;
/// Issues kept for one description.
const MAX_ISSUES: usize = 64;

/// One line `x=value`. Ranges are byte positions in the parsed buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The letter before `=`; 0 for a line that has none (its whole text is the value then).
    pub kind: u8,
    pub value: &'a [u8],
    /// Of the whole line without its line end.
    pub range: Range<usize>,
}

/// `c=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection<'a> {
    /// As written, without TTL and count of multicast (a host name is possible).
    pub address: &'a [u8],
    pub ip: Option<IpAddr>,
}

/// `a=name:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub name: &'a [u8],
    /// Trimmed; empty for a property attribute.
    pub value: &'a [u8],
    /// Of the whole line without its line end.
    pub range: Range<usize>,
    /// Of `value`.
    pub value_range: Range<usize>,
}

/// `a=rtpmap` joined with its `a=fmtp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format<'a> {
    /// As in the `m=` line.
    pub id: &'a [u8],
    /// Encoding name/clock/parameters, e.g. `PCMU/8000`; of static payload types from RFC 3551 where no rtpmap is given.
    pub encoding: Option<Cow<'a, str>>,
    pub fmtp: Option<&'a [u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    /// The attribute's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn of(attribute: &[u8]) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|d| attribute.eq_ignore_ascii_case(d.name().as_bytes()))
    }
}

/// A media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media<'a> {
    /// `audio`, `video`, `message` …
    pub kind: &'a [u8],
    pub port: u32,
    pub port_count: u32,
    pub protocol: &'a [u8],
    pub formats: Vec<Format<'a>>,
    /// Its own `c=`, else the session's.
    pub connection: Option<Connection<'a>>,
    pub direction: Direction,
    /// `a=rtcp` port (and address), RFC 3605.
    pub rtcp: Option<(u32, Option<IpAddr>)>,
    pub rtcp_mux: bool,
    pub attributes: Vec<Attribute<'a>>,
    /// Indices into [`Session::lines`].
    pub lines: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Session<'a> {
    pub lines: Vec<Line<'a>>,
    /// Of the first description, as are `connection` and `attributes`.
    pub origin: Option<&'a [u8]>,
    pub connection: Option<Connection<'a>>,
    pub attributes: Vec<Attribute<'a>>,
    /// Media sections of all descriptions in the buffer.
    pub media: Vec<Media<'a>>,
    pub issues: Vec<Issue>,
}

impl<'a> Session<'a> {
    /// Value of the first `s=`.
    pub fn name(&self) -> Option<&'a [u8]> {
        self.lines.iter().find(|l| l.kind == b's').map(|l| l.value)
    }
}

/// Parses a description; a stub without `v=` is tolerated (with an issue). Ranges count from the start of `buf`.
pub fn parse_sdp(buf: &[u8]) -> Session<'_> {
    parse(buf, false, true)
}

/// Parses a fragment of trickle ICE (`application/trickle-ice-sdpfrag`, RFC 8840 §9): `a=` lines and pseudo `m=`
/// lines, without `v=` and `c=`.
pub fn parse_sdpfrag(buf: &[u8]) -> Session<'_> {
    parse(buf, true, true)
}

/// As [`parse_sdp`] or [`parse_sdpfrag`], but without the issues of candidate lines, for who reads these lines anyway.
fn parse_lines(buf: &[u8], fragment: bool) -> Session<'_> {
    parse(buf, fragment, false)
}

fn parse(buf: &[u8], fragment: bool, candidate_issues: bool) -> Session<'_> {
    let mut parser = Parser { buf, fragment, candidate_issues, ..Parser::default() };
    parser.session.lines.reserve((buf.len() / SHORT_LINE).min(MAX_LINES));
    for (index, range) in split_lines(buf).enumerate() {
        if index >= MAX_LINES {
            parser.issue("sdp-too-many-lines", range.start..buf.len(), "More lines than are read");
            break;
        }
        parser.line(range);
    }
    parser.finish()
}

/// Session-level facts that media sections inherit.
#[derive(Default)]
struct Level<'a> {
    connection: Option<Connection<'a>>,
    direction: Option<Direction>,
    rtcp_mux: bool,
    has_version: bool,
    has: [bool; 3],
    start: usize,
}

#[derive(Default)]
struct Parser<'a> {
    buf: &'a [u8],
    fragment: bool,
    candidate_issues: bool,
    session: Session<'a>,
    level: Level<'a>,
    media: Option<Section<'a>>,
    sessions: usize,
    blank: Option<Range<usize>>,
    blank_reported: bool,
}

/// A media section while its lines are read.
struct Section<'a> {
    media: Media<'a>,
    direction: Option<Direction>,
    range: Range<usize>,
}

impl<'a> Parser<'a> {
    fn text(&self, range: &Range<usize>) -> &'a [u8] {
        self.buf.get(range.clone()).unwrap_or_default()
    }

    fn issue(&mut self, code: &'static str, range: Range<usize>, text: impl Into<Cow<'static, str>>) {
        if self.session.issues.len() < MAX_ISSUES {
            self.session.issues.push(Issue::new(code, range, text));
        }
    }

    fn line(&mut self, range: Range<usize>) {
        let text = self.text(&range);
        if text.iter().all(|b| b.is_ascii_whitespace() || *b == 0) {
            // At the end it is harmless (NULs are padding), so wait for what follows.
            self.blank.get_or_insert(range);
            return;
        }
        if let Some(blank) = self.blank.take()
            && !std::mem::replace(&mut self.blank_reported, true)
        {
            self.issue("sdp-blank-line", blank, "A blank line stands inside the description");
        }
        let (kind, value_start) = match text {
            [kind @ (b'a'..=b'z' | b'A'..=b'Z'), b'=', ..] => (*kind, range.start + 2),
            _ => match line_with_spaces(text) {
                Some((kind, skip)) => {
                    self.issue("sdp-spaces", range.clone(), "Spaces around the type letter of a line");
                    (kind, range.start + skip)
                }
                None => {
                    self.issue("sdp-bad-line", range.clone(), "Not of the form <type>=<value>");
                    self.note_start(0, range.start);
                    self.session.lines.push(Line { kind: 0, value: text, range });
                    return;
                }
            },
        };
        let value_range = value_start..range.end;
        let value = self.text(&value_range);
        self.note_start(kind, range.start);
        if kind == b'v' && !self.session.lines.is_empty() {
            self.next_session(range.clone());
        }
        if kind == b'm' {
            self.close_media();
        }
        self.session.lines.push(Line { kind, value, range: range.clone() });
        match kind {
            b'v' => {
                self.level.has_version = true;
                if value.trim_ascii() != b"0" {
                    self.issue("sdp-version", range, "The protocol version is not 0");
                }
            }
            b'o' => {
                self.level.has[0] = true;
                if self.sessions == 0 && self.session.origin.is_none() {
                    self.session.origin = Some(value.trim_ascii());
                }
                let begins = |before: u8, b: u8| usize::from(before == b' ' && b != b' ');
                let befores = [b' '].into_iter().chain(value.iter().copied());
                if befores.zip(value).map(|(before, b)| begins(before, *b)).sum::<usize>() != 6 {
                    self.issue("sdp-bad-origin", range, "The origin does not have six fields");
                }
            }
            b's' => self.level.has[1] = true,
            b't' => self.level.has[2] = true,
            b'c' => self.connection(value_range),
            b'm' => self.open_media(range, value_range),
            b'a' => self.attribute(range, value_range),
            b'i' | b'u' | b'e' | b'p' | b'b' | b'r' | b'z' | b'k' => {}
            _ => self.issue("sdp-unknown-type", range, "A line of unknown type"),
        }
    }

    /// Complains at the first line of a buffer that does not begin with `v=`.
    fn note_start(&mut self, kind: u8, at: usize) {
        if self.session.lines.is_empty() && kind != b'v' && !self.fragment {
            self.issue("sdp-no-version", at..at, "The description does not begin with v=");
        }
    }

    fn next_session(&mut self, range: Range<usize>) {
        self.close_media();
        self.close_session();
        self.sessions += 1;
        self.level = Level { start: range.start, ..Level::default() };
        self.issue("sdp-second-session", range, "Another description begins inside the body");
    }

    fn connection(&mut self, value_range: Range<usize>) {
        let value = self.text(&value_range);
        let mut fields = words(value);
        let (net, family, address) = (fields.next(), fields.next(), fields.next());
        let (Some(net), Some(family), Some(address)) = (net, family, address) else {
            self.issue("sdp-bad-connection", value_range, "c= does not have three fields");
            return;
        };
        let address = address.split(|b| *b == b'/').next().unwrap_or_default();
        let ip = attribute::parse_ip(address);
        let family_fits = match ip {
            Some(IpAddr::V4(_)) => family.eq_ignore_ascii_case(b"IP4"),
            Some(IpAddr::V6(_)) => family.eq_ignore_ascii_case(b"IP6"),
            None => true,
        };
        if net.eq_ignore_ascii_case(b"IN") && !family_fits {
            self.issue("sdp-bad-connection", value_range, "The address is not of the family c= names");
        }
        let connection = Connection { address, ip };
        match &mut self.media {
            Some(section) => {
                if section.media.connection.is_none() {
                    section.media.connection = Some(connection);
                }
            }
            None => {
                if self.level.connection.is_none() {
                    self.level.connection = Some(connection.clone());
                }
                if self.sessions == 0 && self.session.connection.is_none() {
                    self.session.connection = Some(connection);
                }
            }
        }
    }

    fn open_media(&mut self, range: Range<usize>, value_range: Range<usize>) {
        let value = self.text(&value_range);
        let mut fields = words(value);
        let kind = fields.next().unwrap_or_default();
        let port_field = fields.next().unwrap_or_default();
        let protocol = fields.next().unwrap_or_default();
        let is_rtp = attribute::is_rtp(protocol);
        let formats: Vec<_> = fields
            .by_ref()
            .take(MAX_FORMATS)
            .map(|id| Format {
                id,
                encoding: static_number(id).filter(|_| is_rtp).and_then(static_encoding).map(Cow::Borrowed),
                fmtp: None,
            })
            .collect();
        let (port, port_count) = match attribute::parse_port(port_field) {
            Some(pair) => pair,
            None => {
                self.issue("sdp-bad-port", range.clone(), "The port of m= is not a number up to 65535");
                (0, 1)
            }
        };
        if protocol.is_empty() {
            self.issue("sdp-bad-media", range.clone(), "m= has less than three fields");
        } else if formats.is_empty() && port != 0 {
            self.issue("sdp-no-formats", range.clone(), "m= lists no format");
        } else if fields.next().is_some() {
            self.issue("sdp-too-many-formats", range.clone(), "m= lists more formats than are read");
        }
        let index = self.session.lines.len().saturating_sub(1);
        self.media = Some(Section {
            media: Media {
                kind,
                port,
                port_count,
                protocol,
                formats,
                connection: None,
                direction: Direction::default(),
                rtcp: None,
                rtcp_mux: false,
                attributes: Vec::with_capacity(16),
                lines: index..index + 1,
            },
            direction: None,
            range,
        });
    }

    fn attribute(&mut self, range: Range<usize>, value_range: Range<usize>) {
        let text = self.text(&value_range);
        // Names are short.
        let (name, value_range) = match text.iter().position(|b| *b == b':') {
            Some(colon) => {
                (text.get(..colon).unwrap_or_default(), value_range.start + colon + 1..value_range.end)
            }
            None => (text, value_range.end..value_range.end),
        };
        let value_range = trim_range(self.buf, value_range);
        let value = self.text(&value_range);
        let name = name.trim_ascii();
        if name.is_empty() {
            self.issue("sdp-bad-attribute", range.clone(), "An attribute without a name");
        }
        let attribute = Attribute { name, value, range: range.clone(), value_range };
        if self.candidate_issues {
            for issue in attribute.candidate().map(|c| c.issues).unwrap_or_default() {
                self.issue(issue.code, issue.range, issue.text);
            }
        }
        let direction = if value.is_empty() { Direction::of(name) } else { None };
        let Some(section) = &mut self.media else {
            if self.level.direction.is_none() {
                self.level.direction = direction;
            }
            self.level.rtcp_mux |= name.eq_ignore_ascii_case(b"rtcp-mux");
            if self.sessions == 0 {
                self.session.attributes.push(attribute);
            }
            return;
        };
        let mut complaint = None;
        let is = |known: &[u8]| name.len() == known.len() && name.eq_ignore_ascii_case(known);
        if let Some(direction) = direction {
            match section.direction {
                Some(first) if first != direction => {
                    complaint =
                        Some(("sdp-two-directions", "A second, different direction in one media section"));
                }
                _ => section.direction = Some(direction),
            }
        } else if is(b"rtcp-mux") {
            section.media.rtcp_mux = true;
        } else if is(b"rtcp") {
            match attribute::parse_rtcp(value) {
                Some(rtcp) if section.media.rtcp.is_none() => section.media.rtcp = Some(rtcp),
                Some(_) => {}
                None => complaint = Some(("sdp-bad-rtcp", "The port of a=rtcp is not a number up to 65535")),
            }
        } else if is(b"rtpmap") {
            let (id, rest) = first_word(value);
            if id.is_empty() || rest.is_empty() {
                complaint = Some(("sdp-bad-rtpmap", "a=rtpmap without payload type or encoding"));
            } else if let Some(format) = section.media.formats.iter_mut().find(|f| f.id == id) {
                format.encoding = Some(String::from_utf8_lossy(rest));
            }
        } else if is(b"fmtp") {
            let (id, rest) = first_word(value);
            if let Some(format) = section.media.formats.iter_mut().find(|f| f.id == id)
                && format.fmtp.is_none()
            {
                format.fmtp = Some(rest);
            }
        } else if is(b"crypto") && attribute.crypto().is_none() {
            complaint = Some(("sdp-bad-crypto", "a=crypto without tag, suite and key"));
        }
        section.media.attributes.push(attribute);
        if let Some((code, text)) = complaint {
            self.issue(code, range, text);
        }
    }

    fn close_media(&mut self) {
        let Some(section) = self.media.take() else {
            return;
        };
        let Section { mut media, direction, .. } = section;
        media.lines.end = self.session.lines.len();
        media.direction = direction.or(self.level.direction).unwrap_or_default();
        media.rtcp_mux |= self.level.rtcp_mux;
        if media.connection.is_none() {
            media.connection = self.level.connection.clone();
        }
        if media.connection.is_none() && media.port != 0 && !self.fragment {
            self.issue(
                "sdp-no-connection",
                section.range,
                "Neither the media section nor the session has c=",
            );
        }
        self.session.media.push(media);
    }

    /// Complains about what a description that names its version ought to have.
    fn close_session(&mut self) {
        if !self.level.has_version {
            return;
        }
        let at = self.level.start;
        for (name, present) in ["o=", "s=", "t="].into_iter().zip(self.level.has) {
            if !present {
                self.issue("sdp-missing-line", at..at, format!("The description has no {name} line"));
            }
        }
    }

    fn finish(mut self) -> Session<'a> {
        self.close_media();
        self.close_session();
        if self.session.lines.is_empty() {
            self.issue("sdp-empty", 0..self.buf.len(), "The description is empty");
        }
        self.session
    }
}

/// Ranges of lines without their ends; CRLF, LF and a lone CR end a line.
fn split_lines(buf: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = buf.get(at..).filter(|r| !r.is_empty())?;
        let length = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let range = at..at + length;
        let end = if rest.get(length..).is_some_and(|e| e.starts_with(b"\r\n")) { 2 } else { 1 };
        at = (range.end + end).min(buf.len());
        Some(range)
    })
}

/// ` a =value`: the letter and how many bytes stand before the value.
fn line_with_spaces(text: &[u8]) -> Option<(u8, usize)> {
    let equals = memchr::memchr(b'=', text.get(..text.len().min(16))?)?;
    match text.get(..equals)?.trim_ascii() {
        [kind] if kind.is_ascii_alphabetic() => Some((*kind, equals + 1)),
        _ => None,
    }
}

/// Words between runs of spaces and tabs.
pub(crate) fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|b| !is_blank(*b))?;
        let from = rest.get(start..)?;
        let end = from.iter().position(|b| is_blank(*b)).unwrap_or(from.len());
        let (word, behind) = from.split_at_checked(end)?;
        rest = behind;
        Some(word)
    })
}

/// Nearly all bytes are told by one comparison.
fn is_blank(b: u8) -> bool {
    b <= b' ' && matches!(b, b' ' | b'\t')
}

/// The first word and what follows it, trimmed.
fn first_word(value: &[u8]) -> (&[u8], &[u8]) {
    let value = value.trim_ascii();
    let end = memchr::memchr2(b' ', b'\t', value).unwrap_or(value.len());
    let (word, rest) = value.split_at_checked(end).unwrap_or((value, &[]));
    (word, rest.trim_ascii())
}

fn trim_range(buf: &[u8], range: Range<usize>) -> Range<usize> {
    let text = buf.get(range.clone()).unwrap_or_default();
    let from = text.trim_ascii_start();
    let start = range.start + (text.len() - from.len());
    start..start + from.trim_ascii_end().len()
}

fn static_number(id: &[u8]) -> Option<u8> {
    std::str::from_utf8(id).ok()?.parse().ok()
}
