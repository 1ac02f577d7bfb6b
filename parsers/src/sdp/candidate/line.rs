//! Reading one candidate line.

use std::cmp::Ordering;

use super::super::attribute::{decimal, integer, offset_in};
use super::super::{is_blank, words};
use super::{
    Address, Candidate, CandidateType, Fraction, Priority, PriorityParts, Related, Shape, Transport,
};
use crate::Issue;

/// Pairs of name and value kept of one line.
pub(super) const MAX_EXTENSIONS: usize = 64;
/// Issues kept of one line.
const MAX_ISSUES: usize = 16;

/// Which form a line has; also for lines that are cut short.
fn shape_of(fields: &[&[u8]]) -> Shape {
    let known = |n: usize| fields.get(n).is_some_and(|w| Transport::is_known(w));
    let digits = |n: usize| fields.get(n).is_some_and(|w| w.iter().all(u8::is_ascii_digit));
    let letter = |n: usize| fields.get(n).and_then(|w| w.first()).is_some_and(u8::is_ascii_alphabetic);
    let fraction =
        |n: usize| fields.get(n).is_some_and(|w| w.contains(&b'.') && Fraction::parse(w).is_some());
    if fields.get(6).is_some_and(|w| w.eq_ignore_ascii_case(b"typ")) {
        return Shape::Typed;
    }
    let draft = match fields.len() {
        _ if known(2) && (digits(3) || !known(3)) => false,
        0..=2 => false,
        3..=4 => !digits(3) || fields.len() == 3,
        5..=6 => known(3) || fraction(4),
        _ => known(3) || fraction(4) || letter(3),
    };
    if draft { Shape::Draft06 } else { Shape::Typed }
}

/// The password of a draft-06 line, however badly written the rest is.
pub(in crate::sdp) fn password_of(value: &[u8]) -> Option<&[u8]> {
    let fields: Vec<_> = words(value).take(7).collect();
    (shape_of(&fields) == Shape::Draft06).then(|| fields.get(2).copied()).flatten()
}

/// The first words of a line, which is taken apart once: few have more than have room. How many there are, where those
/// behind begin, and whether something else than one space each lies between them (or there are more).
fn take_words<'a>(value: &'a [u8], kept: &mut [&'a [u8]]) -> (usize, usize, bool) {
    let (mut count, mut start, mut odd) = (0, 0, false);
    for (at, &byte) in value.iter().enumerate() {
        if !is_blank(byte) {
            continue;
        }
        odd |= at == start || byte == b'\t';
        if at > start {
            let (Some(place), Some(word)) = (kept.get_mut(count), value.get(start..at)) else {
                return (count, start, true);
            };
            *place = word;
            count += 1;
        }
        start = at + 1;
    }
    match (kept.get_mut(count), value.get(start..)) {
        (Some(place), Some(word)) if !word.is_empty() => *place = word,
        _ => return (count, start, true),
    }
    (count + 1, value.len(), odd)
}

/// What tells of which kind a line is.
pub(super) struct Glance<'a> {
    pub(super) typed: bool,
    pub(super) foundation: &'a [u8],
    pub(super) component: Option<u16>,
    pub(super) priority: Option<PriorityParts>,
    pub(super) is_microsoft: bool,
}

impl<'a> Glance<'a> {
    /// Of a line with `typ` in its place, but of no relay: of that and of others the whole line has to be read.
    pub(super) fn of(value: &'a [u8]) -> Option<Self> {
        let mut kept: [&[u8]; 8] = [b""; 8];
        take_words(value, &mut kept);
        let [foundation, component, transport, priority, _, _, typ, kind] = kept;
        if !typ.eq_ignore_ascii_case(b"typ") || kind.eq_ignore_ascii_case(b"relay") {
            return None;
        }
        Some(Self {
            typed: true,
            foundation,
            component: decimal(component).and_then(|c| u16::try_from(c).ok()),
            priority: integer(priority).and_then(|p| u32::try_from(p).ok()).map(PriorityParts::of),
            is_microsoft: matches!(Transport::of(transport), Transport::TcpPass | Transport::TcpAct),
        })
    }
}

/// Reads the value of `a=candidate`, which stands at `at` in the buffer that the ranges of issues count in.
pub fn parse_candidate(value: &[u8], at: usize) -> Candidate<'_> {
    let mut kept: [&[u8]; 16] = [b""; 16];
    let (count, behind, odd) = take_words(value, &mut kept);
    let rest = words(value.get(behind..).unwrap_or_default());
    let first = kept.get(..count).unwrap_or_default();
    let shape = shape_of(first);
    let mut candidate = Candidate {
        shape,
        foundation: b"",
        component: None,
        password: None,
        transport: Transport::Other(b""),
        priority: Priority::Unreadable(b""),
        address: Address { text: b"", ip: None },
        port: None,
        kind: None,
        related: None,
        tcp_type: None,
        generation: None,
        extensions: Vec::new(),
        range: at..at + value.len(),
        issues: Vec::new(),
    };
    let mut reader = Reader { value, at, first: first.iter(), rest, candidate: &mut candidate };
    if odd {
        reader.spaces();
    }
    match shape {
        Shape::Draft06 => reader.draft06(),
        Shape::Typed => reader.typed(),
    }
    candidate
}

struct Reader<'w, 'a, W> {
    value: &'a [u8],
    at: usize,
    first: std::slice::Iter<'w, &'a [u8]>,
    rest: W,
    candidate: &'w mut Candidate<'a>,
}

impl<'a, W: Iterator<Item = &'a [u8]>> Reader<'_, 'a, W> {
    fn word(&mut self) -> Option<&'a [u8]> {
        self.first.next().copied().or_else(|| self.rest.next())
    }

    fn issue(&mut self, code: &'static str, word: Option<&[u8]>, text: &'static str) {
        let range = match word {
            Some(word) => {
                let start = self.at + offset_in(self.value, word);
                start..start + word.len()
            }
            None => self.candidate.range.clone(),
        };
        if self.candidate.issues.len() < MAX_ISSUES {
            self.candidate.issues.push(Issue::new(code, range, text));
        }
    }

    /// The grammar has one space between fields.
    fn spaces(&mut self) {
        let mut after_space = false;
        let odd = self.value.iter().position(|b| {
            let odd = *b == b'\t' || (after_space && *b == b' ');
            after_space = *b == b' ';
            odd
        });
        if let Some(second) = odd {
            // Of two in a row the first is shown.
            let before = second.checked_sub(1).filter(|at| self.value.get(*at) == Some(&b' '));
            let start = before.unwrap_or(second);
            let word = self.value.get(start..start + 1);
            self.issue("candidate-spaces", word, "Fields are not separated by one space each");
        }
    }

    fn next(&mut self, missing: &'static str) -> Option<&'a [u8]> {
        let word = self.word();
        if word.is_none() && !self.candidate.issues.iter().any(|i| i.code == "candidate-cut") {
            self.issue("candidate-cut", None, missing);
        }
        word
    }

    fn draft06(&mut self) {
        self.foundation("The candidate has no id");
        self.component();
        if let Some(word) = self.next("The candidate has no password") {
            let start = self.at + offset_in(self.value, word);
            self.candidate.password = Some((word, start..start + word.len()));
        }
        self.transport();
        if let Some(word) = self.next("The candidate has no priority") {
            self.candidate.priority = match Fraction::parse(word) {
                Some(fraction) => {
                    let one = Fraction { text: b"1", digits: 1, scale: 0 };
                    if fraction.compare(&one) == Ordering::Greater {
                        self.issue("candidate-priority", Some(word), "The priority is not between 0 and 1");
                    }
                    Priority::Fraction(fraction)
                }
                None => {
                    self.issue("candidate-priority", Some(word), "The priority is no decimal fraction");
                    Priority::Unreadable(word)
                }
            };
        }
        self.address();
        self.port();
        self.pairs();
    }

    fn typed(&mut self) {
        self.foundation("The candidate has no foundation");
        if self.candidate.foundation.len() > 32 {
            let word = self.candidate.foundation;
            self.issue("candidate-foundation", Some(word), "The foundation is longer than 32 characters");
        }
        self.component();
        self.transport();
        if let Some(word) = self.next("The candidate has no priority") {
            self.candidate.priority = match integer(word) {
                Some(value) => {
                    if !(1..1 << 31).contains(&value) {
                        let text = "The priority is not between 1 and 2147483647";
                        self.issue("candidate-priority", Some(word), text);
                    }
                    Priority::Integer(value)
                }
                None => {
                    self.issue("candidate-priority", Some(word), "The priority is no whole number");
                    Fraction::parse(word).map_or(Priority::Unreadable(word), Priority::Fraction)
                }
            };
        }
        self.address();
        self.port();
        self.pairs();
        if self.candidate.kind.is_none() && !self.candidate.issues.iter().any(|i| i.code == "candidate-cut") {
            self.issue("candidate-no-type", None, "The candidate does not say its type");
        }
    }

    fn foundation(&mut self, missing: &'static str) {
        self.candidate.foundation = self.next(missing).unwrap_or_default();
    }

    fn component(&mut self) {
        let Some(word) = self.next("The candidate has no component") else { return };
        let component = decimal(word).and_then(|c| u16::try_from(c).ok());
        if !component.is_some_and(|c| (1..=256).contains(&c)) {
            self.issue("candidate-component", Some(word), "The component is not a number from 1 to 256");
        }
        self.candidate.component = component;
    }

    fn transport(&mut self) {
        if let Some(word) = self.next("The candidate has no transport") {
            self.candidate.transport = Transport::of(word);
        }
    }

    fn address(&mut self) {
        let Some(word) = self.next("The candidate has no address") else { return };
        self.candidate.address = Address::of(word);
        if !self.candidate.address.is_plausible() {
            self.issue("candidate-address", Some(word), "Neither an address nor a host name");
        }
    }

    fn port(&mut self) {
        if let Some(word) = self.next("The candidate has no port") {
            self.candidate.port = self.port_of(word);
        }
    }

    fn port_of(&mut self, word: &[u8]) -> Option<u16> {
        let port = decimal(word).and_then(|p| u16::try_from(p).ok());
        if port.is_none() {
            self.issue("candidate-port", Some(word), "The port is not a number up to 65535");
        }
        port
    }

    fn pairs(&mut self) {
        while let Some(name) = self.word() {
            let value = self.word();
            if value.is_none() {
                let text = "The last name has no value";
                self.issue("candidate-odd-words", Some(name), text);
            }
            self.pair(name, value);
        }
        if let Some(related) = self.candidate.related
            && (related.address.is_none() || related.port.is_none())
            && !self
                .candidate
                .issues
                .iter()
                .any(|i| matches!(i.code, "candidate-odd-words" | "candidate-port"))
        {
            self.issue("candidate-related", None, "raddr and rport do not stand together");
        }
    }

    fn pair(&mut self, name: &'a [u8], value: Option<&'a [u8]>) {
        let is = |n: &str| name.len() == n.len() && name.eq_ignore_ascii_case(n.as_bytes());
        let c = &mut *self.candidate;
        match value {
            Some(value) if is("typ") && c.kind.is_none() => {
                c.kind = Some(CandidateType::of(value));
                if matches!(c.kind, Some(CandidateType::Other(_))) {
                    self.issue("candidate-type", Some(value), "A candidate type unknown to RFC 8839");
                }
            }
            Some(value) if is("raddr") && c.related.is_none_or(|r| r.address.is_none()) => {
                let port = c.related.and_then(|r| r.port);
                c.related = Some(Related { address: Some(Address::of(value)), port });
            }
            Some(value) if is("rport") && c.related.is_none_or(|r| r.port.is_none()) => {
                let address = c.related.and_then(|r| r.address);
                let port = self.port_of(value);
                self.candidate.related = Some(Related { address, port });
            }
            Some(value) if is("tcptype") && c.tcp_type.is_none() => c.tcp_type = Some(value),
            Some(value) if is("generation") && c.generation.is_none() && decimal(value).is_some() => {
                c.generation = decimal(value);
            }
            None if is("typ") => {}
            _ if c.extensions.len() < MAX_EXTENSIONS => c.extensions.push((name, value.unwrap_or_default())),
            _ => {
                if !c.issues.iter().any(|i| i.code == "candidate-extensions") {
                    self.issue("candidate-extensions", Some(name), "More extensions than are read");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_are_those_between_blanks(line in "[ab\u{1}\r]{0,3}([ \t]{1,2}[ab\u{1}\r]{1,2}){0,6}[ \t]{0,2}", room in 0usize..8) {
            let wanted: Vec<&[u8]> =
                line.as_bytes().split(|b| matches!(b, b' ' | b'\t')).filter(|w| !w.is_empty()).collect();
            prop_assert_eq!(words(line.as_bytes()).collect::<Vec<_>>(), wanted.clone());
            let mut kept = [&b""[..]; 8];
            let (count, behind, odd) = take_words(line.as_bytes(), &mut kept[..room]);
            prop_assert_eq!(count, wanted.len().min(room));
            prop_assert_eq!(&kept[..count], &wanted[..count]);
            let rest: Vec<&[u8]> = words(line.as_bytes().get(behind..).unwrap_or_default()).collect();
            prop_assert_eq!(rest, &wanted[count..]);
            let one_space_each = line.as_bytes() == wanted.join(&b' ') && wanted.len() <= room && !wanted.is_empty();
            prop_assert_eq!(odd, !one_space_each);
        }
    }
}
