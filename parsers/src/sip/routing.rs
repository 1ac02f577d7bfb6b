//! Headers that tell on whose behalf a request comes and where it has been: `History-Info` (RFC 7044), `Diversion`
//! (RFC 5806), `P-Asserted-Identity` and `P-Preferred-Identity` (RFC 3325), `Privacy` (RFC 3323), and Microsoft's
//! `ms-application-via`, `Ms-Sensitivity` and `ms-skip-rnl`, whose values are given as they are written.

use std::ops::Range;

use super::defect::list_of;
use super::name_addr::{NameAddr, parse_name_addrs};
use super::param::{self, Param, parse_params};
use super::syntax::{number, part, skip_space, value_end};
use super::uri::{Scheme, percent_decode};
use crate::Issue;

/// How the target of a History-Info entry was found (RFC 7044 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetChange {
    /// `rc`: the Contact of the user before.
    Contact,
    /// `mp`: another user.
    Mapped,
    /// `np`: no change of the target.
    Unchanged,
}

impl TargetChange {
    pub fn title(self) -> &'static str {
        match self {
            Self::Contact => "the contact of the user before",
            Self::Mapped => "sent on to another user",
            Self::Unchanged => "target not changed",
        }
    }
}

/// One entry of `History-Info`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry<'a> {
    pub address: NameAddr<'a>,
    /// `1.1.2`: place in the tree of retargeting; empty if missing.
    pub index: &'a [u8],
    pub change: Option<TargetChange>,
    /// Index of the entry it came from, of `rc`, `mp` and `np`.
    pub from_index: &'a [u8],
    /// `Reason` inside the URI with its escapes undone: why the request did not end here.
    pub reason: Option<Vec<u8>>,
    /// `Privacy` inside the URI with its escapes undone.
    pub privacy: Option<Vec<u8>>,
}

pub fn parse_history_info(buf: &[u8], range: Range<usize>) -> (Vec<HistoryEntry<'_>>, Vec<Issue>) {
    let (all, mut issues) = parse_name_addrs(buf, range);
    let mut out = Vec::with_capacity(all.len());
    for address in all {
        let index = param::value(&address.params, "index");
        if index.is_empty() {
            let text = "An entry of History-Info without an index";
            issues.push(Issue::new("history-index-missing", address.range.clone(), text));
        }
        let kinds =
            [("rc", TargetChange::Contact), ("mp", TargetChange::Mapped), ("np", TargetChange::Unchanged)];
        let found = kinds.iter().find_map(|(name, kind)| Some((param::find(&address.params, name)?, *kind)));
        let header = |name| {
            param::find(&address.uri.headers, name).map(|p| percent_decode(p.value.unwrap_or_default()))
        };
        let (reason, privacy) = (header("Reason"), header("Privacy"));
        out.push(HistoryEntry {
            index,
            change: found.map(|(_, kind)| kind),
            from_index: found.and_then(|(p, _)| p.value).unwrap_or_default(),
            reason,
            privacy,
            address,
        });
    }
    (out, issues)
}

/// Why a call was diverted (RFC 5806).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiversionReason {
    Unknown,
    UserBusy,
    NoAnswer,
    Unavailable,
    Unconditional,
    TimeOfDay,
    DoNotDisturb,
    Deflection,
    FollowMe,
    OutOfService,
    Away,
    /// A word of the sender's own.
    Other,
}

impl DiversionReason {
    fn of(word: &[u8]) -> Self {
        let names = [
            ("unknown", Self::Unknown),
            ("user-busy", Self::UserBusy),
            ("no-answer", Self::NoAnswer),
            ("unavailable", Self::Unavailable),
            ("unconditional", Self::Unconditional),
            ("time-of-day", Self::TimeOfDay),
            ("do-not-disturb", Self::DoNotDisturb),
            ("deflection", Self::Deflection),
            ("follow-me", Self::FollowMe),
            ("out-of-service", Self::OutOfService),
            ("away", Self::Away),
        ];
        let known = names.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        known.map_or(Self::Other, |(_, reason)| *reason)
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Unknown => "unknown reason",
            Self::UserBusy => "the user was busy",
            Self::NoAnswer => "no answer",
            Self::Unavailable => "not available",
            Self::Unconditional => "always",
            Self::TimeOfDay => "time of day",
            Self::DoNotDisturb => "do not disturb",
            Self::Deflection => "the user sent it on",
            Self::FollowMe => "follow me",
            Self::OutOfService => "out of service",
            Self::Away => "away",
            Self::Other => "another reason",
        }
    }
}

/// One diversion; the latest stands first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diversion<'a> {
    /// Who diverted.
    pub address: NameAddr<'a>,
    pub reason: Option<DiversionReason>,
    /// As written.
    pub reason_text: &'a [u8],
    /// Diversions that took place.
    pub counter: Option<u32>,
    /// Diversions allowed.
    pub limit: Option<u32>,
    /// `full`, `name`, `uri`, `off`.
    pub privacy: &'a [u8],
    /// `yes` where the diverting user was verified, `no`.
    pub screen: &'a [u8],
}

pub fn parse_diversions(buf: &[u8], range: Range<usize>) -> (Vec<Diversion<'_>>, Vec<Issue>) {
    let (all, issues) = parse_name_addrs(buf, range);
    let out = all.into_iter().map(|address| {
        let reason = param::find(&address.params, "reason").and_then(|p| p.value);
        let count = |name| number(param::value(&address.params, name)).and_then(|n| u32::try_from(n).ok());
        Diversion {
            reason: reason.map(DiversionReason::of),
            reason_text: reason.unwrap_or_default(),
            counter: count("counter"),
            limit: count("limit"),
            privacy: param::value(&address.params, "privacy"),
            screen: param::value(&address.params, "screen"),
            address,
        }
    });
    (out.collect(), issues)
}

/// Who a trusted element says it is (`P-Asserted-Identity`), or who the client would rather be
/// (`P-Preferred-Identity`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    pub all: Vec<NameAddr<'a>>,
}

impl<'a> Identity<'a> {
    /// The `sip` or `sips` one.
    pub fn sip(&self) -> Option<&NameAddr<'a>> {
        self.all.iter().find(|a| matches!(a.uri.scheme, Scheme::Sip | Scheme::Sips))
    }

    /// The `tel` one.
    pub fn tel(&self) -> Option<&NameAddr<'a>> {
        self.all.iter().find(|a| a.uri.scheme == Scheme::Tel)
    }
}

pub fn parse_identity(buf: &[u8], range: Range<usize>) -> (Identity<'_>, Vec<Issue>) {
    let (all, mut issues) = parse_name_addrs(buf, range.clone());
    if all.len() > 2 {
        let text = "More than two identities";
        issues.push(Issue::new("identity-many", range, text));
    }
    (Identity { all }, issues)
}

/// One `priv-value` of `Privacy` (RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044) in words; `None` for others.
pub fn privacy_words(value: &[u8]) -> Option<&'static str> {
    let words = [
        ("header", "headers that tell who it is are to be hidden"),
        ("session", "addresses of the media are to be hidden"),
        ("user", "the user's own headers are to be hidden"),
        ("none", "nothing is to be hidden"),
        ("critical", "fail rather than show"),
        ("id", "the asserted identity is not to leave the trusted network"),
        ("history", "the history is not to leave the trusted network"),
    ];
    words.iter().find(|(name, _)| value.eq_ignore_ascii_case(name.as_bytes())).map(|(_, words)| *words)
}

/// One element of a list of words, with parameters: an element of `ms-application-via`, the value of `Ms-Sensitivity`
/// or `ms-skip-rnl`. What the words mean is not described in a source read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'a> {
    /// As written.
    pub value: &'a [u8],
    pub params: Vec<Param<'a>>,
    pub range: Range<usize>,
}

/// Elements of a list of words, separated by commas.
pub fn parse_words(buf: &[u8], range: Range<usize>) -> (Vec<Word<'_>>, Vec<Issue>) {
    let v = part(buf, 0..range.end);
    list_of(range.clone(), |at, issues| {
        let begin = skip_space(v, at);
        let end = value_end(v, begin);
        let (params, next) = parse_params(buf, end..range.end, issues);
        if end == begin {
            issues.push(Issue::new("word-missing", begin.min(next)..next, "An element of the list is empty"));
            return (None, next);
        }
        (Some(Word { value: part(v, begin..end), params, range: begin..next }), next)
    })
}

/// What a header of Microsoft's is for, where a source says so; `None` for every other one.
pub fn header_words(name: &str) -> Option<&'static str> {
    let words = [
        ("ms-diagnostics", "why a server failed the request, for inside the enterprise"),
        ("ms-diagnostics-public", "why a server failed the request, allowed across federation"),
        ("ms-client-diagnostics", "what an endpoint tells of a failure"),
        ("ms-application-via", "chain of proxy applications, to control loops"),
        ("ms-user-logon-data", "whether the client is outside of the enterprise"),
        ("ms-endpoint-location-data", "where in the network the endpoint is"),
        ("ms-keep-alive", "who keeps the connection alive, and how often"),
        ("ms-conversation-id", "groups the dialogs of one conversation"),
        ("ms-split-domain-info", "routing of a domain split between sites"),
        ("p-asserted-identity", "who a trusted element says the sender is"),
        ("p-preferred-identity", "who the sender would rather be"),
        ("history-info", "where the request has been sent before"),
        ("diversion", "who sent the call on, and why"),
        ("referred-by", "who asked for the request"),
    ];
    words.iter().find(|(n, _)| name.eq_ignore_ascii_case(n)).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history() {
        // Parameters of RFC 7044 §5; addresses made up.
        let v = b"<sip:bob@example.com>;index=1, <sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1.1;rc=1,\
<sip:office@example.com>;index=1.2;mp=1, <sip:x@example.com>";
        let (all, issues) = parse_history_info(v, 0..v.len());
        assert_eq!(issues.iter().map(|i| i.code).collect::<Vec<_>>(), ["history-index-missing"]);
        assert_eq!((all.len(), all[0].index, all[0].change), (4, &b"1"[..], None));
        assert_eq!((all[1].change, all[1].from_index), (Some(TargetChange::Contact), &b"1"[..]));
        assert_eq!(all[1].reason.as_deref(), Some(&b"SIP;cause=302"[..]));
        assert_eq!(all[1].privacy.as_deref(), Some(&b"history"[..]));
        assert_eq!(all[2].change, Some(TargetChange::Mapped));
    }

    #[test]
    fn diversions() {
        // Parameters of RFC 5806; addresses made up.
        let v = b"\"Bob\" <sip:bob@example.com>;reason=user-busy;counter=2;limit=5;privacy=off;screen=yes, \
<tel:+15551230001>;reason=\"moved\", <sip:a@b>";
        let (all, issues) = parse_diversions(v, 0..v.len());
        assert_eq!(issues, []);
        assert_eq!(
            (all[0].reason, all[0].counter, all[0].limit),
            (Some(DiversionReason::UserBusy), Some(2), Some(5))
        );
        assert_eq!((all[0].privacy, all[0].screen), (&b"off"[..], &b"yes"[..]));
        assert_eq!((all[1].reason, all[1].reason_text), (Some(DiversionReason::Other), &b"moved"[..]));
        assert_eq!(all[2].reason, None);
    }

    #[test]
    fn identities() {
        // RFC 3325 §9.1.
        let v = b"\"Cullen Jennings\" <sip:fluffy@example.com>, tel:+14085264000";
        let (id, issues) = parse_identity(v, 0..v.len());
        assert_eq!(issues, []);
        assert_eq!(id.sip().map(|a| a.uri.host), Some(&b"example.com"[..]));
        assert_eq!(id.tel().and_then(|a| a.uri.user), Some(&b"+14085264000"[..]));
        let v = b"<sip:a@b>,<sip:c@d>,<sip:e@f>";
        assert_eq!(parse_identity(v, 0..v.len()).1[0].code, "identity-many");
        assert_eq!(privacy_words(b"ID").is_some(), privacy_words(b"x").is_none());
    }

    #[test]
    fn words_as_written() {
        let v = b"a.b.contoso.com;x=1;y, c ,,d";
        let (all, issues) = parse_words(v, 0..v.len());
        assert_eq!(issues.iter().map(|i| i.code).collect::<Vec<_>>(), ["word-missing"]);
        assert_eq!(all.iter().map(|w| w.value).collect::<Vec<_>>(), [&b"a.b.contoso.com"[..], b"c", b"d"]);
        assert_eq!(all[0].params.len(), 2);
        let (all, _) = parse_words(b"private", 0..7);
        assert_eq!(all[0].value, b"private");
        assert_eq!(header_words("MS-Application-Via"), Some("chain of proxy applications, to control loops"));
        assert_eq!(header_words("ms-skip-rnl"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(v in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let r = || 0..v.len();
            let all = [
                parse_history_info(&v, r()).1,
                parse_diversions(&v, r()).1,
                parse_identity(&v, r()).1,
                parse_words(&v, r()).1,
            ];
            for issue in all.iter().flatten() {
                proptest::prop_assert!(v.get(issue.range.clone()).is_some());
            }
            let _ = super::super::diagnostics::parse_media_debug(&v);
        }
    }
}
