//! What a finding is about.

use crate::correlate::stun::AllocationIdx;
use crate::correlate::{CallIdx, DialogIdx, Owner};

/// A row of one of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    Call(CallIdx),
    Dialog(DialogIdx),
    /// By its number (from 1), as [`crate::correlate::ice::IceIndex`] gives them.
    IceSession(u32),
    Allocation(AllocationIdx),
    /// These and the following: place in their list of [`crate::correlate::gathered::Gathered`].
    SignIn(u32),
    Subscription(u32),
    Conference(u32),
    /// A look-up of SQL Server, or a connection to it.
    Lookup(u32),
    /// Place in [`crate::correlate::dns::Dns::lookups`].
    DnsLookup(u32),
    /// Number of a media stream, from 1.
    Stream(u32),
    /// Place of the capture, from 0.
    Capture(u16),
}

impl Subject {
    /// In the JSON.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Dialog(_) => "dialog",
            Self::IceSession(_) => "ice_session",
            Self::Allocation(_) => "turn_allocation",
            Self::SignIn(_) => "sign_in",
            Self::Subscription(_) => "subscription",
            Self::Conference(_) => "conference",
            Self::Lookup(_) => "lookup",
            Self::DnsLookup(_) => "dns_lookup",
            Self::Stream(_) => "stream",
            Self::Capture(_) => "capture",
        }
    }

    /// The number that the tables and the JSON give it.
    pub fn id(self) -> u32 {
        match self {
            Self::Call(CallIdx(i)) | Self::Dialog(DialogIdx(i)) | Self::Allocation(AllocationIdx(i)) => {
                i.saturating_add(1)
            }
            Self::SignIn(i)
            | Self::Subscription(i)
            | Self::Conference(i)
            | Self::Lookup(i)
            | Self::DnsLookup(i) => i.saturating_add(1),
            Self::IceSession(n) | Self::Stream(n) => n,
            Self::Capture(i) => u32::from(i),
        }
    }

    /// One of its kind and several, for the beginning of a sentence.
    fn nouns(self) -> (&'static str, &'static str) {
        match self {
            Self::Call(_) => ("Call", "Calls"),
            Self::Dialog(_) => ("Dialog", "Dialogs"),
            Self::IceSession(_) => ("ICE session", "ICE sessions"),
            Self::Allocation(_) => ("Relay allocation", "Relay allocations"),
            Self::SignIn(_) => ("Sign-in", "Sign-ins"),
            Self::Subscription(_) => ("Subscription", "Subscriptions"),
            Self::Conference(_) => ("Conference", "Conferences"),
            Self::Lookup(_) => ("SQL look-up", "SQL look-ups"),
            Self::DnsLookup(_) => ("DNS look-up", "DNS look-ups"),
            Self::Stream(_) => ("Stream", "Streams"),
            Self::Capture(_) => ("Capture", "Captures"),
        }
    }

    /// `Call 9`.
    pub fn words(self) -> String {
        format!("{} {}", self.nouns().0, self.id())
    }

    /// Its ladder.
    pub fn owner(self) -> Option<Owner> {
        match self {
            Self::Call(c) => Some(Owner::Call(c)),
            Self::Dialog(d) => Some(Owner::Dialog(d)),
            _ => None,
        }
    }
}

impl From<Owner> for Subject {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Call(c) => Self::Call(c),
            Owner::Dialog(d) => Self::Dialog(d),
        }
    }
}

/// Numbers that are told before the rest is only counted.
const TOLD: usize = 6;

/// `Calls 9, 11 and 3 more`; of one kind, the first's.
pub fn list_words(subjects: &[Subject], count: u64) -> String {
    let Some(first) = subjects.first() else { return String::new() };
    let (one, many) = first.nouns();
    if count <= 1 {
        return format!("{one} {}", first.id());
    }
    let numbers: Vec<String> = subjects.iter().take(TOLD).map(|s| s.id().to_string()).collect();
    let more = count.saturating_sub(numbers.len() as u64);
    match (more, numbers.split_last()) {
        (0, Some((last, rest))) if !rest.is_empty() => format!("{many} {} and {last}", rest.join(", ")),
        _ => format!("{many} {} and {} more", numbers.join(", "), crate::show::number(more)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_are_told_by_their_numbers() {
        let calls = |n: u32| (0..n).map(|i| Subject::Call(CallIdx(i))).collect::<Vec<_>>();
        let words = |n: u32| list_words(&calls(n), u64::from(n));
        assert_eq!(words(1), "Call 1");
        assert_eq!(words(2), "Calls 1 and 2");
        assert_eq!(words(3), "Calls 1, 2 and 3");
        assert_eq!(words(6), "Calls 1, 2, 3, 4, 5 and 6");
        assert_eq!(words(7), "Calls 1, 2, 3, 4, 5, 6 and 1 more");
        assert_eq!(list_words(&calls(8), 1_000_000), "Calls 1, 2, 3, 4, 5, 6 and 999 994 more");
    }

    #[test]
    fn numbers_are_those_of_the_tables() {
        assert_eq!(Subject::Call(CallIdx(0)).id(), 1);
        assert_eq!(Subject::Lookup(4).id(), 5);
        assert_eq!(Subject::IceSession(5).id(), 5, "sessions are numbered from 1 already");
        assert_eq!(Subject::Capture(0).id(), 0, "captures are counted from 0");
    }
}
