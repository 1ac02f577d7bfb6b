//! The thorough reading of a STUN message: every attribute decoded, and what is wrong with it.

use std::ops::Range;

use super::HEADER;
use super::attribute::AttributeType;
use super::integrity::{Fingerprint, check_fingerprint};
use super::kind::{Dialect, Method};
use super::scan::{StunScan, scan_stun};
use super::value::{Value, decode, may_repeat};
use crate::Issue;

/// More attributes or issues than this are counted, not kept: a datagram has room for 16 000 of them.
const KEPT: usize = 512;

/// A message with all that can be read of it.
#[derive(Debug, Clone)]
pub struct Stun<'a> {
    /// Type, dialect, transaction and the usual fields.
    pub scan: StunScan<'a>,
    pub attributes: Vec<Attribute<'a>>,
    /// Attributes beyond those kept.
    pub more_attributes: usize,
    pub fingerprint: Fingerprint,
    pub issues: Vec<Issue>,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub kind: AttributeType,
    /// Name in the message's dialect; `None` where the type is unknown.
    pub name: Option<&'static str>,
    /// Header, value and padding, from the start of the message.
    pub range: Range<usize>,
    /// The value, as far as it is there.
    pub value_range: Range<usize>,
    /// The length its header gives.
    pub length: u16,
    pub value: Value<'a>,
}

/// Reads a message of any dialect; arguments and `None` as for [`scan_stun`].
pub fn parse_stun(bytes: &[u8], hint: Option<Dialect>) -> Option<Stun<'_>> {
    let scan = scan_stun(bytes, hint)?;
    let dialect = scan.dialect();
    let mask = scan.transaction();
    let end = scan.message().len();
    let mut stun = Stun {
        scan,
        attributes: Vec::new(),
        more_attributes: 0,
        fingerprint: check_fingerprint(&scan),
        issues: Vec::new(),
    };
    stun.check_lengths();
    // A set of the named types seen; unknown ones may come as often as they like.
    let mut seen: Vec<AttributeType> = Vec::new();
    let mut integrity_done = false;
    let mut walk = scan.attributes();
    while let Some(raw) = walk.next() {
        let start = raw.at + 4;
        let value_range = start..start + raw.value.len();
        let range = raw.at..walk.position().clamp(value_range.end, end.max(value_range.end));
        let name = raw.kind.name_in(dialect);
        let (value, wrong) = if raw.complete {
            decode(raw.kind, raw.value, dialect, &mask)
        } else {
            let text = format!(
                "{} says it has {} bytes, but the message ends after {}",
                shown(raw.kind, name),
                raw.length,
                raw.value.len()
            );
            stun.issue("stun-attribute-overrun", range.clone(), text);
            (if name.is_some() { Value::Invalid(raw.value) } else { Value::Unknown(raw.value) }, None)
        };
        if let Some(why) = wrong {
            stun.issue("stun-attribute-value", range.clone(), format!("{} {why}", shown(raw.kind, name)));
        }
        stun.check_order(raw.kind, name, &range, integrity_done);
        integrity_done |= is_integrity(raw.kind);
        if name.is_some() && seen.contains(&raw.kind) && !may_repeat(raw.kind, scan.method()) {
            let text = format!("{} stands here again; the first one counts", shown(raw.kind, name));
            stun.issue("stun-attribute-repeated", range.clone(), text);
        } else if name.is_some() && !seen.contains(&raw.kind) {
            seen.push(raw.kind);
        }
        if stun.attributes.len() < KEPT {
            let length = raw.length;
            stun.attributes.push(Attribute { kind: raw.kind, name, range, value_range, length, value });
        } else {
            stun.more_attributes += 1;
        }
    }
    if walk.position() < end {
        let text = format!(
            "{} bytes are left behind the last attribute: too few for another",
            end - walk.position()
        );
        stun.issue("stun-rest", walk.position()..end, text);
    }
    stun.check_fingerprint_value();
    Some(stun)
}

fn shown(kind: AttributeType, name: Option<&'static str>) -> String {
    name.map_or_else(|| format!("attribute 0x{:04X}", kind.0), str::to_owned)
}

fn is_integrity(kind: AttributeType) -> bool {
    matches!(kind, AttributeType::MESSAGE_INTEGRITY | AttributeType::MESSAGE_INTEGRITY_SHA256)
}

impl<'a> Stun<'a> {
    fn issue(
        &mut self,
        code: &'static str,
        range: Range<usize>,
        text: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        if self.issues.len() < KEPT {
            self.issues.push(Issue::new(code, range, text));
        }
    }

    /// The first attribute of a type.
    pub fn attribute(&self, kind: AttributeType) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|a| a.kind == kind)
    }

    fn check_lengths(&mut self) {
        let scan = self.scan;
        let (present, declared) = scan.lengths();
        let rfc = scan.dialect() == Dialect::Rfc5389;
        if present < declared {
            let text = format!("the header announces {declared} bytes in all, {present} are there");
            self.issue("stun-cut-short", 2..4, text);
        } else if present > declared {
            let text = format!("{} bytes follow behind the message", present - declared);
            self.issue("stun-trailing-bytes", declared..present, text);
        }
        if rfc && !scan.is_padded() {
            self.issue(
                "stun-unpadded",
                2..4,
                "attributes are not padded to four bytes, as RFC 8489 wants them",
            );
        } else if rfc && declared % 4 != 0 {
            self.issue("stun-length-unaligned", 2..4, "the length is not a multiple of four");
        }
    }

    fn check_order(
        &mut self,
        kind: AttributeType,
        name: Option<&'static str>,
        range: &Range<usize>,
        integrity_done: bool,
    ) {
        let dialect = self.scan.dialect();
        // What may follow (RFC 8489 §14.5–14.7); in the old dialects no rule says what receivers do.
        if integrity_done
            && dialect.has_header_cookie()
            && !is_integrity(kind)
            && kind != AttributeType::FINGERPRINT
        {
            let text =
                format!("{} stands behind the integrity and is ignored by receivers", shown(kind, name));
            self.issue("stun-after-integrity", range.clone(), text);
        }
        if kind == AttributeType::FINGERPRINT && range.end < self.scan.message().len() {
            self.issue("stun-fingerprint-not-last", range.clone(), "FINGERPRINT is not the last attribute");
        }
        if kind == AttributeType::OLD_MAGIC_COOKIE && dialect == Dialect::MsTurn && range.start != HEADER {
            let text = "MAGIC-COOKIE is not the first attribute: receivers ignore such a message";
            self.issue("ms-turn-cookie-not-first", range.clone(), text);
        }
    }

    fn check_fingerprint_value(&mut self) {
        let range = self.scan.range(AttributeType::FINGERPRINT);
        match (self.fingerprint, range) {
            (Fingerprint::Wrong { found, expected }, Some(range)) => {
                let text = format!(
                    "FINGERPRINT is {found:08x}, but the bytes before it give {expected:08x}: damaged, or changed on the way"
                );
                self.issue("stun-fingerprint-wrong", range, text);
            }
            (Fingerprint::Absent, _)
                if self.scan.dialect() == Dialect::MsIce2
                    && self.scan.method() == Method::BINDING
                    && self.scan.has(AttributeType::IMPLEMENTATION_VERSION)
                    && !self.scan.is_malformed() =>
            {
                let text = "FINGERPRINT is missing: receivers drop such a check ([MS-ICE2])";
                self.issue("ms-ice2-no-fingerprint", 0..HEADER, text);
            }
            _ => {}
        }
    }
}
