//! Reading of NTLM messages.

use super::*;
use crate::utf16::decode_utf16;

/// Bytes of an NTLMv2 response before its AV pairs: proof(16), versions, time stamp, client challenge, reserved (28).
const NTLMV2_HEAD: usize = 44;

/// Takes a message apart; `None` where it does not begin as one.
pub fn parse_ntlm(bytes: &[u8]) -> Option<Ntlm> {
    let rest = bytes.strip_prefix(SIGNATURE)?;
    let kind = u32::from_le_bytes(*rest.first_chunk::<4>()?);
    let mut reader = Reader { bytes, issues: Vec::new(), first: bytes.len() };
    let (message, flags, version_at) = match kind {
        1 => {
            let flags = reader.flags(12);
            // Names are never Unicode here.
            let message = Message::Negotiate {
                domain: reader.text(16, Flags(0), "domain"),
                workstation: reader.text(24, Flags(0), "workstation"),
            };
            (message, flags, 32)
        }
        2 => {
            let flags = reader.flags(20);
            let target = reader.text(12, flags, "target name");
            let info = reader.field(40, "target information").map(|range| reader.pairs(range, true));
            (Message::Challenge { target, info: info.unwrap_or_default() }, flags, 48)
        }
        3 => {
            let flags = reader.flags(60);
            let length = |r: Option<Range<usize>>| r.map_or(0, |r| r.len());
            let nt = reader.field(20, "NT response").unwrap_or_default();
            let info = if nt.len() > NTLMV2_HEAD {
                reader.pairs(nt.start + NTLMV2_HEAD..nt.end, false)
            } else {
                Vec::new()
            };
            let message = Message::Authenticate {
                domain: reader.text(28, flags, "domain"),
                user: reader.text(36, flags, "user"),
                workstation: reader.text(44, flags, "workstation"),
                lm_response: length(reader.field(12, "LM response")),
                nt_response: nt.len(),
                session_key: length(reader.field(52, "session key")),
                info,
            };
            (message, flags, 64)
        }
        other => {
            reader.issue("ntlm-type", 8..12, "The message is of an unknown type".into());
            (Message::Other(other), Flags(0), usize::MAX - 8)
        }
    };
    // Older messages have their data where newer ones have the version.
    let version = (flags.has(Flags::VERSION) && reader.first >= version_at + 8)
        .then(|| reader.take::<8>(version_at))
        .flatten()
        .map(|[major, minor, low, high, .., revision]| Version {
            major,
            minor,
            build: u16::from_le_bytes([low, high]),
            revision,
        });
    Some(Ntlm { message, flags, version, issues: reader.issues })
}

struct Reader<'a> {
    bytes: &'a [u8],
    issues: Vec<Issue>,
    /// Where the data of the first field begins.
    first: usize,
}

impl Reader<'_> {
    fn issue(&mut self, code: &'static str, range: Range<usize>, text: String) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue::new(code, range, text));
        }
    }

    fn take<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk::<N>().copied()
    }

    fn flags(&mut self, at: usize) -> Flags {
        match self.take(at) {
            Some(flags) => Flags(u32::from_le_bytes(flags)),
            None => {
                let end = self.bytes.len();
                self.issue("ntlm-cut", end..end, "The message ends before its flags".into());
                Flags(0)
            }
        }
    }

    /// Where the data of the field at `at` stands; `None` where it has none.
    fn field(&mut self, at: usize, what: &str) -> Option<Range<usize>> {
        // Old clients leave the last fields out.
        let [l0, l1, _, _, o0, o1, o2, o3] = self.take::<8>(at)?;
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        let start = u32::from_le_bytes([o0, o1, o2, o3]) as usize;
        if length == 0 {
            return None;
        }
        self.first = self.first.min(start);
        let range = start..start.saturating_add(length);
        if self.bytes.get(range.clone()).is_none() {
            let text = format!("The {what} stands outside of the message");
            self.issue("ntlm-field", at..at + 8, text);
            return None;
        }
        Some(range)
    }

    fn text(&mut self, at: usize, flags: Flags, what: &str) -> Option<String> {
        let range = self.field(at, what)?;
        let bytes = self.bytes.get(range.clone())?;
        if !flags.has(Flags::UNICODE) {
            return Some(String::from_utf8_lossy(bytes).into_owned());
        }
        let (text, good) = decode_utf16(bytes, false);
        if !good {
            self.issue("ntlm-text", range, format!("The {what} is no UTF-16"));
        }
        Some(text)
    }

    fn pairs(&mut self, range: Range<usize>, strict: bool) -> Vec<AvPair> {
        let mut found = Vec::new();
        let mut at = range.start;
        loop {
            let head = self.take::<4>(at).filter(|_| at + 4 <= range.end);
            let Some([i0, i1, l0, l1]) = head else {
                if strict {
                    self.issue("ntlm-pairs", at..at, "The target information has no end".into());
                }
                return found;
            };
            let id = u16::from_le_bytes([i0, i1]);
            if id == 0 {
                return found;
            }
            let value = at + 4..at + 4 + usize::from(u16::from_le_bytes([l0, l1]));
            let Some(bytes) = self.bytes.get(value.clone()).filter(|_| value.end <= range.end) else {
                if strict {
                    let text = "A pair does not end inside the target information".into();
                    self.issue("ntlm-pairs", at..range.end, text);
                }
                return found;
            };
            if found.len() >= MAX_PAIRS {
                self.issue("ntlm-pairs", at..range.end, "More pairs than are kept".into());
                return found;
            }
            let text = matches!(id, 1..=5 | 9);
            let value = match (id, bytes) {
                _ if text => AvValue::Text(decode_utf16(bytes, false).0),
                (6, &[a, b, c, d]) => AvValue::Flags(u32::from_le_bytes([a, b, c, d])),
                (7, &[a, b, c, d, e, f, g, h]) => AvValue::Time(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
                _ => AvValue::Other(bytes.len()),
            };
            let end = at + 4 + bytes.len();
            found.push(AvPair { id, value, range: at..end });
            at = end;
        }
    }
}
