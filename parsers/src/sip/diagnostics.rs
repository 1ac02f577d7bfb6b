//! What the numbers of Microsoft's diagnostics headers mean ([MS-OCER] sections 7 to 9, and what the product
//! documentation says), and the media debug strings that `ms-client-diagnostics` carries.
//!
//! Only the number counts: the reason text beside it is for people and differs between versions. A number without an
//! entry has no text here; the range it lies in still tells which component says so.

use super::cause::Diagnostics;
use super::syntax::{part, trim};

/// Which component gives numbers of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    SipStack,
    UserServices,
    Conferencing,
    FrontEnd,
    Applications,
    AvMcu,
    Mediation,
    OutboundRouting,
    InboundRouting,
    VersionFilter,
    Ucma,
    Media,
    /// 60000 to 62999: an application of the customer.
    Application,
}

impl Component {
    pub fn title(self) -> &'static str {
        match self {
            Self::SipStack => "SIP stack of the server",
            Self::UserServices => "user services and subscriptions",
            Self::Conferencing => "conferencing",
            Self::FrontEnd => "user services of the front end",
            Self::Applications => "application programming interface",
            Self::AvMcu => "audio/video conferencing server",
            Self::Mediation => "Mediation Server",
            Self::OutboundRouting => "outbound voice routing",
            Self::InboundRouting => "inbound voice routing",
            Self::VersionFilter => "client version filter",
            Self::Ucma => "UCMA application",
            Self::Media => "media",
            Self::Application => "application",
        }
    }
}

/// Who gives this number, by its range.
pub fn component(code: u32) -> Option<Component> {
    Some(match code {
        1 | 4 | 21..=24 => Component::Media,
        1_000..=1_999 => Component::SipStack,
        2_000..=2_999 => Component::UserServices,
        3_000..=3_999 => Component::Conferencing,
        4_000..=4_999 => Component::FrontEnd,
        5_000..=5_999 => Component::Applications,
        7_000..=7_999 => Component::AvMcu,
        10_000..=10_999 => Component::Mediation,
        12_000..=12_999 => Component::OutboundRouting,
        13_000..=13_999 => Component::InboundRouting,
        17_000..=17_999 => Component::VersionFilter,
        24_000..=24_999 => Component::Ucma,
        60_000..=62_999 => Component::Application,
        _ => return None,
    })
}

/// What the number means, paraphrased; `None` where no source was read for it.
pub fn words(code: u32) -> Option<&'static str> {
    if let Ok(at) = TABLE.binary_search_by_key(&code, |(code, _)| *code) {
        return TABLE.get(at).map(|(_, words)| *words);
    }
    Some(match code {
        60_000..=60_999 => "success of an application",
        61_000..=61_999 => "expected failure of an application",
        62_000..=62_999 => "unexpected failure of an application",
        _ => return None,
    })
}

/// Is it worth no alarm: routing that worked and tells how, or diagnosis sent along?
pub fn is_informational(code: u32) -> bool {
    matches!(code, 13_004..=13_007 | 17_004 | 51_007 | 60_000..=60_999)
}

/// By number.
const TABLE: &[(u32, &str)] = &[
    (0, "internal server error"),
    (1, "service unavailable"),
    (4, "insufficient bandwidth and no other route (call admission control)"),
    (22, "media connectivity failed, both sides internal"),
    (23, "media connectivity failed, one side internal, one remote"),
    (1000, "the final handshake of authentication failed"),
    (1001, "the From URI may not talk to public IM providers"),
    (1002, "the From URI may not talk to federated partners"),
    (1003, "the user does not exist"),
    (1004, "the route set is no longer valid"),
    (1005, "cannot route to the destination domain"),
    (1006, "error routing on the client's connection"),
    (1007, "temporarily cannot route"),
    (1008, "cannot resolve a DNS SRV record"),
    (1009, "the host of the SRV record and the domain conflict"),
    (1010, "no certificate trust with the next hop"),
    (1011, "the previous hop gave no diagnostics"),
    (1012, "the From URI may not talk outside the enterprise"),
    (1013, "large clock skew during authentication"),
    (1014, "cannot resolve a DNS A record"),
    (1017, "cannot route this combination of From and To domain (split domain)"),
    (1027, "a request of this type cannot go to or come from federated partners"),
    (1034, "the previous federated hop reported nothing"),
    (2139, "the old subscription ended, a new one took over"),
    (3000, "bad From in the conference command"),
    (3001, "bad To in the conference command"),
    (3002, "invalid target user"),
    (3003, "the conference entity is invalid"),
    (3004, "the conference command is not implemented"),
    (3005, "the request cannot target a conferencing server"),
    (3006, "the conference command could not be parsed"),
    (3007, "the XML of AddUser is invalid"),
    (3008, "the access or authentication method is not acceptable"),
    (3009, "malformed endpoint entity"),
    (3010, "the request lacks a session timer"),
    (3011, "failure of Ms-Mcu-Contact"),
    (3012, "invalid conference URI"),
    (3013, "invalid conferencing server URI"),
    (3014, "authorization failed"),
    (3015, "attendees may not dial out to third parties"),
    (3016, "the role is invalid"),
    (4000, "user services (default)"),
    (4001, "the XML could not be parsed"),
    (4002, "the source phone number matches several users"),
    (4003, "the From URI is not enabled for remote access"),
    (4004, "the credentials are not authorized for the From URI"),
    (4005, "the destination URI is not enabled for SIP or does not exist"),
    (4006, "the user is not in this pool"),
    (4007, "unknown resource"),
    (4008, "a parameter of a stored procedure is too large"),
    (4009, "the destination number matches several users"),
    (4010, "the endpoint id is missing"),
    (4011, "the epid is missing"),
    (4012, "the epid is too long"),
    (4013, "the content type does not match"),
    (4141, "the user is disabled"),
    (5000, "a critical application is not running"),
    (5001, "the application timed out"),
    (5002, "the application cancelled"),
    (5003, "internal failure"),
    (5004, "the incoming request could not be parsed"),
    (5005, "the application gave a bad request URI"),
    (5006, "the outgoing request could not be built"),
    (5007, "bad contact entry"),
    (5008, "bad static forwarding URL"),
    (5009, "BYE or ACK after a late 200"),
    (5010, "cancel race"),
    (5011, "ACK for a 487"),
    (7008, "the session description could not be parsed"),
    (10003, "the proxy returned a SIP failure"),
    (12000, "a route exists, but no gateway is available now"),
    (12001, "the user's policy has no phone route usage"),
    (12002, "the number is invalid or too long"),
    (12003, "inconsistent state"),
    (12004, "no route found"),
    (12005, "the policy could not be parsed"),
    (12006, "trying the next hop"),
    (12007, "bad flags in ms-application-via"),
    (12008, "PSTN toll bypass disallowed"),
    (12009, "PSTN toll bypass disallowed, also for the referrer"),
    (12010, "From differs from the caller's URI"),
    (12011, "the body does not follow its schema"),
    (12012, "too many callees"),
    (13000, "loop of a call to oneself"),
    (13001, "the rules gave no suitable response"),
    (13002, "the rules gave no final response"),
    (13003, "malformed header"),
    (13004, "proxied to registered endpoints"),
    (13005, "additional targets (simultaneous ringing)"),
    (13006, "forwarded, earlier branches cancelled"),
    (13007, "proxied to an application"),
    (13008, "headers removed for privacy"),
    (13009, "no endpoints in the backup registrar"),
    (13010, "target rejected: bandwidth"),
    (13011, "target rejected: overload"),
    (15000, "cannot read the publication of the user's properties"),
    (17000, "client version filter: overload"),
    (17001, "client version filter: invalid request"),
    (17002, "client version filter: invalid version"),
    (17003, "client version filter: declined, with a URL"),
    (17004, "client version filter: allowed, with a URL"),
    (21002, "attendees cannot share"),
    (24067, "the conferencing server is rolling over"),
    (24081, "the endpoint was terminated"),
    (24083, "out of dialog"),
    (28020, "no valid security token"),
    (28029, "authentication type not allowed"),
    (51007, "diagnosis of the callee's media"),
    (52017, "the encryption levels differ"),
    (52035, "an IM session of the same conversation id exists"),
];

/// What one medium of a media debug string says: `audio:ICEWarn=0x80000,LocalSite=192.0.2.1:5000,…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDebug<'a> {
    /// `audio`, `video`, …; empty where none is named.
    pub media: &'a [u8],
    /// A bit mask. What its bits mean is not described in a source read here: a number to show, and to compare.
    pub ice_warn: Option<u64>,
    /// All `name=value` in order, as written; a word without `=` has no value.
    pub values: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

impl<'a> MediaDebug<'a> {
    /// The value of that name (any case).
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.values.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).and_then(|(_, v)| *v)
    }

    /// Positions of the bits set in the mask, the lowest is 0.
    pub fn ice_warn_bits(&self) -> Vec<u8> {
        let mask = self.ice_warn.unwrap_or_default();
        (0..64).filter(|bit| mask >> bit & 1 == 1).collect()
    }
}

/// Values read of one media debug string.
const MOST_VALUES: usize = 64;

/// The parameters whose name ends in `MediaDebug` (`CalleeMediaDebug`), by their name.
pub fn media_debug<'a>(diagnostics: &Diagnostics<'a>) -> Vec<(&'a [u8], MediaDebug<'a>)> {
    let named = |name: &[u8]| {
        let tail = name.len().checked_sub(b"MediaDebug".len());
        tail.and_then(|at| name.get(at..)).is_some_and(|t| t.eq_ignore_ascii_case(b"MediaDebug"))
    };
    diagnostics
        .params
        .iter()
        .filter(|p| named(p.name))
        .filter_map(|p| Some((p.name, parse_media_debug(p.value?))))
        .collect()
}

/// One media debug string without its quotes.
pub fn parse_media_debug(text: &[u8]) -> MediaDebug<'_> {
    let colon =
        memchr::memchr(b':', text).filter(|&n| part(text, 0..n).iter().all(|b| b.is_ascii_alphabetic()));
    let media = trim(part(text, 0..colon.unwrap_or(0)));
    let rest = part(text, colon.map_or(0, |n| n + 1)..text.len());
    let values: Vec<_> = rest
        .split(|&b| b == b',')
        .map(trim)
        .filter(|piece| !piece.is_empty())
        .take(MOST_VALUES)
        .map(|piece| match memchr::memchr(b'=', piece) {
            Some(n) => (trim(part(piece, 0..n)), Some(trim(part(piece, n + 1..piece.len())))),
            None => (piece, None),
        })
        .collect();
    let mut out = MediaDebug { media, ice_warn: None, values };
    out.ice_warn = out.value("ICEWarn").and_then(|v| {
        let v = std::str::from_utf8(v).ok()?;
        let hex = v.strip_prefix("0x").or_else(|| v.strip_prefix("0X"));
        hex.map_or_else(|| v.parse().ok(), |h| u64::from_str_radix(h, 16).ok())
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::cause::parse_diagnostics;

    #[test]
    fn table_is_sorted() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn numbers() {
        assert_eq!(words(1003), Some("the user does not exist"));
        assert_eq!(words(17003), Some("client version filter: declined, with a URL"));
        assert_eq!(words(61_500), Some("expected failure of an application"));
        // Numbers that no source was read for have no text, but a component.
        for (code, from) in
            [(1015, Component::SipStack), (2000, Component::UserServices), (3017, Component::Conferencing)]
        {
            assert_eq!((words(code), component(code)), (None, Some(from)));
        }
        assert_eq!((words(9_001), component(9_001)), (None, None));
        assert_eq!(component(22), Some(Component::Media));
        assert!(is_informational(13_005) && !is_informational(13_008));
    }

    #[test]
    fn media_debug_strings() {
        // Laid out as in field logs; addresses of RFC 5737.
        let v = b"51007;reason=\"Callee media diagnosis\";CalleeMediaDebug=\"audio:ICEWarn=0x80021,\
LocalSite=192.0.2.1:50000,RemoteSite=198.51.100.7:3478,PortRange=1025:65000,LocalLocation=2,RemoteLocation=0,\
FederationType=0,Interfaces=0x12,odd\"";
        let (d, issues) = parse_diagnostics(v, 0..v.len());
        assert_eq!(issues, []);
        let all = media_debug(&d.unwrap());
        let (name, debug) = &all[0];
        assert_eq!((*name, debug.media), (&b"CalleeMediaDebug"[..], &b"audio"[..]));
        assert_eq!((debug.ice_warn, debug.ice_warn_bits()), (Some(0x80021), vec![0, 5, 19]));
        assert_eq!(debug.value("localsite"), Some(&b"192.0.2.1:50000"[..]));
        assert_eq!((debug.values.len(), debug.values.last()), (9, Some(&(&b"odd"[..], None))));
        assert_eq!(parse_media_debug(b"LocalSite=1.2.3.4:5").media, b"");
        assert_eq!(parse_media_debug(b"x:ICEWarn=0xzz").ice_warn, None);
        assert_eq!(parse_media_debug(b"").values, []);
    }
}
