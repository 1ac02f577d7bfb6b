//! What a priority is made of (RFC 8445 §5.1.2.1, draft-19 the same) and what Microsoft's local preference says.

use super::{CandidateSyntax, Priority};

/// 2^24 · type preference + 2^8 · local preference + (256 − component).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PriorityParts {
    /// Up to 126 by the RFC.
    pub type_preference: u8,
    pub local_preference: u16,
    /// 1 to 256; that of the formula, which need not be the candidate's.
    pub component: u16,
}

impl PriorityParts {
    pub fn of(priority: u32) -> Self {
        let [kind, high, low, rest] = priority.to_be_bytes();
        Self {
            type_preference: kind,
            local_preference: u16::from_be_bytes([high, low]),
            component: 256 - u16::from(rest),
        }
    }

    /// Type that RFC 8445 §5.1.2.2 recommends this preference for, or where it lies between them.
    pub fn type_words(self) -> &'static str {
        match self.type_preference {
            126 => "host",
            110 => "prflx",
            100 => "srflx",
            0 => "relay",
            127.. => "above what RFC 8445 allows",
            111..=125 => "between prflx and host",
            101..=109 => "between srflx and prflx",
            1..=99 => "between relay and srflx",
        }
    }

    /// `type preference 126 (host), local preference 65535, component 1`.
    pub fn words(self, syntax: CandidateSyntax) -> String {
        let Self { type_preference, local_preference, component } = self;
        let kind = self.type_words();
        let local = match syntax {
            CandidateSyntax::V19 => {
                format!("{local_preference} ({})", MsLocalPreference::of(local_preference).words())
            }
            _ => local_preference.to_string(),
        };
        format!("type preference {type_preference} ({kind}), local preference {local}, component {component}")
    }
}

/// Local preference as Communicator 2007 R2 and later build it: transport, direction, turn preference, other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MsLocalPreference {
    /// 4 bits: 15 UDP, 6 TCP.
    pub transport: u8,
    /// 3 bits: of TCP 2 passive, 5 active; what UDP's 7 and 5 mean is not known.
    pub direction: u8,
    /// 3 bits.
    pub turn: u8,
    /// 6 bits.
    pub other: u8,
}

impl MsLocalPreference {
    pub fn of(local_preference: u16) -> Self {
        let bits = |shift: u16, mask: u16| (local_preference >> shift & mask) as u8;
        Self { transport: bits(12, 0xF), direction: bits(9, 7), turn: bits(6, 7), other: bits(0, 0x3F) }
    }

    /// `TCP active, turn 7, other 57`.
    pub fn words(self) -> String {
        let Self { transport, direction, turn, other } = self;
        let head = match (transport, direction) {
            (15, _) => format!("UDP, direction {direction}"),
            (6, 2) => "TCP passive".to_owned(),
            (6, 5) => "TCP active".to_owned(),
            (6, _) => format!("TCP, direction {direction}"),
            _ => format!("transport {transport}, direction {direction}"),
        };
        format!("{head}, turn {turn}, other {other}")
    }
}

impl Priority<'_> {
    /// What it says in words; `None` where it cannot be read.
    pub fn words(self, syntax: CandidateSyntax) -> Option<String> {
        match self {
            Self::Integer(_) => self.parts().map(|parts| parts.words(syntax)),
            Self::Fraction(q) => Some(format!("{} of 1", String::from_utf8_lossy(q.text))),
            Self::Unreadable(_) => None,
        }
    }
}

/// Priority of a pair (RFC 8445 §6.1.2.3): 2^32 · min(G,D) + 2 · max(G,D) + (G > D ? 1 : 0), where G is the priority
/// of the controlling side's candidate and D of the controlled side's.
pub fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (low, high) = (controlling.min(controlled), controlling.max(controlled));
    // 2^32 · (2^32 − 1) + 2 · (2^32 − 1) + 1 is more than 64 bits hold, so the sum stops there.
    (u64::from(low) << 32)
        .saturating_add(u64::from(high) * 2)
        .saturating_add(u64::from(controlling > controlled))
}
