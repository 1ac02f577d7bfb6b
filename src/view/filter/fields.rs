//! Which fields there are, what kind of value each has, and where the value comes from.

/// What a field's values are compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    /// Nanoseconds.
    Duration,
    /// A point in time, or a time of day.
    Time,
    /// Address, network, address with port, or host name.
    Address,
    /// In millionths; a percentage may have its sign.
    Percent,
    Figure,
    /// A DSCP value, by number or name.
    Mark,
}

/// A field after its aliases are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    From,
    To,
    User,
    CallId,
    Status,
    Reason,
    State,
    Type,
    Agent,
    Event,
    EndedBy,
    Start,
    Setup,
    Ring,
    Talk,
    Retransmissions,
    Messages,
    Forks,
    Offers,
    Leg,
    Method,
    Code,
    Ip,
    Src,
    Dst,
    Port,
    Transport,
    Frame,
    Time,
    Length,
    Protocol,
    Info,
    Retransmission,
    Duplicate,
    Malformed,
    Sdp,
    Candidates,
    Text,
    Im,
    Diagnostics,
    Epid,
    Header,
    IceState,
    IcePath,
    IcePair,
    TurnRelayed,
    Relay,
    Sql,
    Instance,
    Conference,
    Media,
    MediaKind,
    MediaLoss,
    MediaJitter,
    MediaMos,
    MediaGap,
    MediaCodec,
    MediaType,
    MediaPackets,
    MediaDscp,
    MediaSsrc,
    MediaWay,
    MediaQuality,
    MediaKeys,
    MediaRelay,
    MediaSrtp,
    Finding,
    Findings,
}

impl Field {
    pub fn kind(self) -> Kind {
        match self {
            Self::Status | Self::Code | Self::Retransmissions | Self::Messages => Kind::Number,
            Self::Forks | Self::Offers | Self::Leg | Self::Port | Self::Frame => Kind::Number,
            Self::Length | Self::Candidates | Self::Findings => Kind::Number,
            Self::MediaPackets | Self::MediaType => Kind::Number,
            Self::Setup | Self::Ring | Self::Talk => Kind::Duration,
            Self::MediaJitter | Self::MediaGap => Kind::Duration,
            Self::MediaLoss => Kind::Percent,
            Self::MediaMos => Kind::Figure,
            Self::MediaDscp => Kind::Mark,
            Self::MediaRelay => Kind::Address,
            Self::Start | Self::Time => Kind::Time,
            Self::Ip | Self::Src | Self::Dst | Self::IcePair | Self::TurnRelayed => Kind::Address,
            _ => Kind::Text,
        }
    }

    /// Does the field belong to single messages (any of a call's may match)?
    pub fn of_message(self) -> bool {
        matches!(
            self,
            Self::Method
                | Self::Code
                | Self::Ip
                | Self::Src
                | Self::Dst
                | Self::Port
                | Self::Transport
                | Self::Frame
                | Self::Time
                | Self::Length
                | Self::Retransmission
                | Self::Duplicate
                | Self::Malformed
                | Self::Sdp
                | Self::Candidates
                | Self::Text
                | Self::Im
                | Self::Diagnostics
                | Self::Epid
                | Self::Header
        )
    }
}

macro_rules! fields {
    ($($name:literal $field:ident $help:literal),* $(,)?) => {
        pub const HELP: &[(&str, &str)] = &[$(($name, $help)),*];
        const TABLE: &[(&str, Field)] = &[$(($name, Field::$field)),*];
    };
}

fields! {
    "from" From "caller, or sender of the first request: URI or display name",
    "to" To "callee, or recipient of the first request: URI or display name",
    "user" User "either of the two, also by what else is known to be the same user: tel URI, epid, GRUU",
    "call_id" CallId "Call-ID",
    "method" Method "method of a request, of a response that of its CSeq (messages)",
    "status" Status "status as the row shows it: of a call or dialog the final one, of a message its own",
    "code" Code "status code of any response, e.g. 486 or 4xx (messages)",
    "reason" Reason "reason phrase of the final status",
    "state" State "state of the call (trying, ringing, answered, completed, cancelled, rejected, failed, no_answer, redirected) or dialog; of a sign-in (registered, challenged …) or subscription (active, terminated …) its own",
    "kind" Type "call, dialog, and of a call audio, video, im, conference, application_sharing, file_transfer",
    "ip" Ip "source or destination address: address, network, address with port, host name (messages)",
    "src" Src "source address (messages)",
    "dst" Dst "destination address (messages)",
    "port" Port "source or destination port (messages)",
    "transport" Transport "udp, tcp, tls, ws, wss, sctp (messages)",
    "frame" Frame "frame number (messages)",
    "time" Time "time of a message or frame: 14:05, 2026-11-23, 2026-11-23T14:05:00Z (messages)",
    "start" Start "time of the first message of the call or dialog",
    "setup" Setup "INVITE to first ringing: 500ms, 2s",
    "ring" Ring "first ringing to final answer",
    "talk" Talk "answer to BYE",
    "retransmissions" Retransmissions "how many messages were sent again",
    "messages" Messages "how many messages the call or dialog has",
    "forks" Forks "how many ends answered (To tags)",
    "offers" Offers "how many SDP offers",
    "agent" Agent "User-Agent or Server of either side",
    "event" Event "event package of a subscription",
    "ended_by" EndedBy "caller or callee",
    "leg" Leg "how many other legs are joined to the call; alone: it has some",
    "sdp" Sdp "alone: carries SDP; with a value: text of a body (messages)",
    "candidates" Candidates "how many candidate lines the message carries (messages)",
    "text" Text "bytes of the message contain (messages)",
    "raw" Text "the same as text",
    "im" Im "alone: an instant message; with a value: what it says, without its markup (messages)",
    "header" Header "header.NAME: any header by its long name, e.g. header.Via (messages)",
    "diagnostics" Diagnostics "number or words of ms-diagnostics, ms-diagnostics-public, ms-client-diagnostics, Reason or Warning (messages)",
    "retransmission" Retransmission "the message was sent before (messages)",
    "duplicate" Duplicate "the same packet captured twice (messages)",
    "malformed" Malformed "something is wrong with the message (messages)",
    "length" Length "bytes of the message, in the Packets view of the frame (messages)",
    "protocol" Protocol "SIP, STUN, RTP, TLS, TCP … (Packets view)",
    "info" Info "the text of the line (Packets view)",
    "finding" Finding "rule, severity or words of a finding about it, e.g. ice-no-pair, error; alone: it has one",
    "findings" Findings "how many findings are about it or touch it",
    "media" Media "alone: media streams were captured; with a value: their kind (streams; of a call any of its streams)",
    "media.kind" MediaKind "audio, video … as the media section says (streams)",
    "media.loss" MediaLoss "packets that never came to the capture point: 2% (streams)",
    "media.jitter" MediaJitter "mean interarrival jitter: 30ms (streams)",
    "media.mos" MediaMos "estimated MOS: media.mos < 3.6 (streams)",
    "media.gap" MediaGap "longest time between two packets: 200ms (streams)",
    "media.codec" MediaCodec "codec: PCMU, x-msrta/16000 (streams)",
    "media.pt" MediaType "payload type (streams)",
    "media.packets" MediaPackets "packets (streams)",
    "media.dscp" MediaDscp "DSCP mark of any packet: 46, EF, CS5, AF41 (streams)",
    "media.ssrc" MediaSsrc "SSRC, as 0x8418D3C5 or as a number (streams)",
    "media.quality" MediaQuality "good, loss, heavy loss, jitter, MOS, low MOS, unheard (by RTCP of the other end), few packets (streams)",
    "media.way" MediaWay "which ways the media of the call goes: both, caller only, callee only, early, none, \"none, as agreed\" (inactive), not captured here",
    "media.relay" MediaRelay "alone: goes through a relay; with a value: server, relayed or peer address (streams)",
    "media.srtp" MediaSrtp "alone: is SRTP (streams)",
    "media.keys" MediaKeys "keys pressed: 1234# (streams)",
    "dscp" MediaDscp "the same as media.dscp",
    "codec" MediaCodec "the same as media.codec",
    "ssrc" MediaSsrc "the same as media.ssrc",
    "mos" MediaMos "the same as media.mos",
    "ice" IceState "the same as ice.state; alone: the call offers candidates",
    "ice.state" IceState "state of an ICE session of the call: connected, failed, incomplete, not_started",
    "ice.path" IcePath "path of an ICE session: direct UDP, through NAT UDP, relay UDP, two relays TCP, none",
    "ice.pair" IcePair "an address of a chosen pair of the call",
    "turn" TurnRelayed "the same as turn.relayed; alone: the call has a relay whose allocation is in the capture",
    "turn.relayed" TurnRelayed "relayed address that the call offered and whose allocation is in the capture",
    "relay" Relay "alone: a chosen pair of the call goes through a relay",
    "sql" Sql "verdict, answer or connection of a look-up of SQL Server; alone: it is one, of a call that a machine looking for SQL Server refused it with 5xx",
    "instance" Instance "instance of SQL Server that was asked for or told of (SQL view)",
    "conference" Conference "conference id that an address or a body of the call or dialog names",
    "epid" Epid "endpoint id that a From or To carries, or that the GRUU in one names (messages)",
}

/// Names that mean a field of the table by another word.
const ALIASES: &[(&str, &str)] = &[
    ("caller", "from"),
    ("callee", "to"),
    ("callid", "call_id"),
    ("call-id", "call_id"),
    ("src_ip", "src"),
    ("dst_ip", "dst"),
    ("source", "src"),
    ("destination", "dst"),
    ("address", "ip"),
    ("host", "ip"),
    ("ua", "agent"),
    ("user_agent", "agent"),
    ("retrans", "retransmissions"),
    ("ended-by", "ended_by"),
    ("loss", "media.loss"),
    ("jitter", "media.jitter"),
    ("dtmf", "media.keys"),
    ("srtp", "media.srtp"),
];

/// The field of that name (any case).
pub fn find(name: &str) -> Option<Field> {
    let name = name.to_ascii_lowercase();
    let name = ALIASES.iter().find(|(a, _)| *a == name).map_or(name.as_str(), |(_, f)| f);
    TABLE.iter().find(|(n, _)| *n == name).map(|&(_, field)| field)
}

/// Header name of `header.NAME` or `header:NAME`.
pub fn header_name(word: &str) -> Option<&str> {
    let head = word.get(..7)?;
    let rest = word.get(7..)?;
    (head.eq_ignore_ascii_case("header.") || head.eq_ignore_ascii_case("header:")).then_some(rest)
}

/// Does the word claim to be a field by a prefix that only fields have (`media.`, `ice.` …)?
pub fn has_field_prefix(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["media.", "ice.", "turn."].iter().any(|p| word.starts_with(p))
}

/// The known field whose name is nearest, if one is near enough to be meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let names = TABLE.iter().map(|(n, _)| *n).chain(ALIASES.iter().map(|(a, _)| *a));
    let (distance, best) = names.map(|n| (distance(&name, n), n)).min_by_key(|(d, _)| *d)?;
    (distance <= 1 + name.chars().count() / 3).then_some(best)
}

/// Edits (insert, delete, replace, swap of neighbours) that make `a` of `b`; long words are cut.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(40).collect();
    let b: Vec<char> = b.chars().take(40).collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let mut cost = (rows[i][j] + usize::from(ca != cb)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                cost = cost.min(rows[i - 1][j - 1] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
