//! The data that every view reads. Ids index `Vec`s; strings are interned; message bytes are references.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::capture::{CaptureInfo, CaptureIssue, FrameRef, Interface, Nanos, Times};
pub use crate::decode::{Accounting, Content, MethodId, OddFrames, Side, TlsSession, Transport};

/// An interned string; [`Strings::get`] gives its bytes. `Str(0)` is the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Str(pub u32);

/// Direction-sensitive (source, destination, transport) of messages; [`Flows::get`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct FlowId(pub u32);

/// Index of a message in [`Analysis::messages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MsgIdx(pub u32);

/// The message after another one of its list, or none, in four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextMsg(u32);

impl NextMsg {
    pub const NONE: Self = Self(u32::MAX);

    pub fn get(self) -> Option<MsgIdx> {
        (self != Self::NONE).then_some(MsgIdx(self.0))
    }
}

impl From<MsgIdx> for NextMsg {
    fn from(m: MsgIdx) -> Self {
        Self(m.0)
    }
}

/// Index of a call in [`Analysis::calls`]; its `id` in the JSON is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallIdx(pub u32);

/// Index of a dialog in [`Analysis::dialogs`]; its `id` in the JSON is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogIdx(pub u32);

/// To what a message belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    Call(CallIdx),
    Dialog(DialogIdx),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
}

/// A [`Flow`] as it is kept: there may be one for each few messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackedFlow {
    addresses: [[u8; 16]; 2],
    ports: [u16; 2],
    /// Bits 0 and 1: source and destination are IPv6.
    family: u8,
    transport: Transport,
}

impl PackedFlow {
    pub fn pack(flow: &Flow) -> Self {
        let address = |a: &SocketAddr| match a.ip() {
            IpAddr::V4(ip) => (ip.to_ipv6_mapped().octets(), false),
            IpAddr::V6(ip) => (ip.octets(), true),
        };
        let ((src, src_v6), (dst, dst_v6)) = (address(&flow.src), address(&flow.dst));
        Self {
            addresses: [src, dst],
            ports: [flow.src.port(), flow.dst.port()],
            family: u8::from(src_v6) | u8::from(dst_v6) << 1,
            transport: flow.transport,
        }
    }

    pub fn families(&self) -> u8 {
        self.family
    }

    pub fn unpack(&self) -> Flow {
        let end = |side: usize| {
            let octets @ [.., a, b, c, d] = self.addresses[side];
            let is_v6 = self.family >> side & 1 == 1;
            let ip = if is_v6 { Ipv6Addr::from(octets).into() } else { Ipv4Addr::new(a, b, c, d).into() };
            SocketAddr::new(ip, self.ports[side])
        };
        Flow { src: end(0), dst: end(1), transport: self.transport }
    }
}

/// Where the bytes of a message can be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BytesRef {
    pub offset: u64,
    pub len: u32,
    /// A capture's backing (its `CaptureId`), or [`BytesRef::ARENA`].
    pub store: u16,
}

impl BytesRef {
    /// The store of messages that were put together from several frames, decoded or unmasked.
    pub const ARENA: u16 = u16::MAX;
}

/// Bits of [`SipRecord::flags`].
pub mod flag {
    pub const RETRANSMISSION: u16 = 1;
    /// The same frame captured twice.
    pub const DUPLICATE: u16 = 2;
    pub const SDP: u16 = 4;
    /// A full parse reports issues.
    pub const MALFORMED: u16 = 8;
    /// The capture holds only the beginning of the message.
    pub const CUT: u16 = 16;
    /// The message lies in more than one frame; see [`super::Analysis::frames_of`].
    pub const MULTI_FRAME: u16 = 32;
    /// SDP direction of the first media section is `sendonly`, `inactive` or `c=0.0.0.0`.
    pub const HOLD: u16 = 64;
    /// `To` has a tag.
    pub const TO_TAG: u16 = 128;
    /// The request carries credentials (`Authorization` or `Proxy-Authorization`).
    pub const CREDENTIALS: u16 = 256;
    /// Its SDP has more than one media section.
    pub const SEVERAL_MEDIA: u16 = 512;
    /// `Expires: 0`: it ends a registration or subscription, or only fetches.
    pub const EXPIRES_ZERO: u16 = 1024;
    /// Carries `ms-diagnostics` (or a kin), `Reason` or `Warning`; worth reading again for details.
    pub const DIAGNOSTICS: u16 = 2048;
    /// `Subscription-State: terminated`.
    pub const TERMINATED: u16 = 4096;
    /// Its Call-ID is cut off: that it belongs to its call or dialog is inferred.
    pub const JOINED: u16 = 8192;
    /// Its SDP may have a section that does not run both ways; without it none has.
    pub const ONE_WAY: u16 = 16384;
    /// Its body is a session description alone, and ends where its bytes end.
    pub const PLAIN_SDP: u16 = 32768;
}

/// One SIP message.
#[derive(Debug, Clone, Copy)]
pub struct SipRecord {
    pub time: Nanos,
    pub bytes: BytesRef,
    /// The frame that completed it.
    pub frame: FrameRef,
    pub flow: FlowId,
    pub owner: Owner,
    /// Next message of the same owner, in order of arrival.
    pub next: NextMsg,
    /// Bytes before the body; all of them where there is none. At most 65 535.
    pub head: u16,
    pub content: Content,
    /// Of a request its method, of a response the method of its CSeq.
    pub method: MethodId,
    /// 0 for a request.
    pub status: u16,
    pub cseq: u32,
    /// Hash of the topmost Via branch (0 if none).
    pub branch: u32,
    pub from_tag: u32,
    /// Hash of the To tag (0 if none).
    pub to_tag: u32,
    /// Reason phrase of a response.
    pub reason: Str,
    /// Candidate lines in its bodies.
    pub candidates: u16,
    pub flags: u16,
    pub dscp: PackedDscp,
}

/// The DSCP value of the packet that completed a message; none of a frame captured twice, and of what was inside of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedDscp(u8);

impl PackedDscp {
    const NONE: u8 = u8::MAX;

    pub fn pack(dscp: Option<u8>) -> Self {
        Self(dscp.unwrap_or(Self::NONE))
    }

    pub fn get(self) -> Option<u8> {
        (self.0 != Self::NONE).then_some(self.0)
    }
}

impl SipRecord {
    pub fn is_request(&self) -> bool {
        self.status == 0
    }
    pub fn has(&self, bit: u16) -> bool {
        self.flags & bit != 0
    }
    /// Bytes of the body that the capture holds.
    pub fn body_len(&self) -> u32 {
        self.bytes.len.saturating_sub(u32::from(self.head))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallKind {
    Audio,
    Video,
    Im,
    Conference,
    ApplicationSharing,
    FileTransfer,
    Unknown,
}

/// Meanings in the JSON contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallState {
    Trying,
    Ringing,
    Answered,
    Completed,
    Cancelled,
    Rejected,
    Failed,
    NoAnswer,
    Redirected,
}

impl CallKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Im => "im",
            Self::Conference => "conference",
            Self::ApplicationSharing => "application_sharing",
            Self::FileTransfer => "file_transfer",
            Self::Unknown => "unknown",
        }
    }
}

impl CallState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Trying => "trying",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::NoAnswer => "no_answer",
            Self::Redirected => "redirected",
        }
    }
}

/// The messages of a call or dialog, in order of arrival.
#[derive(Debug, Clone, Copy)]
pub struct MsgList {
    pub first: MsgIdx,
    pub last: MsgIdx,
    pub count: u32,
}

/// A Call-ID whose first request is INVITE.
///
/// What opens a call: an INVITE request, or a response to one (the capture starts after the request). What was met
/// of the Call-ID before becomes part of the call where it only makes sense inside one (BYE, ACK, INFO … of a capture
/// that starts mid-call, [`CallSummary::starts_mid_call`]) or is younger than the INVITE (the file is not in order of
/// time). Where a request outside any dialog (no `To` tag) of another method had opened the Call-ID, as clients do
/// that register and call under one, the call stands beside that [`Dialog`], which keeps the messages of its method.
/// A lone BYE or ACK stays a dialog. A call never turns back.
#[derive(Debug, Clone)]
pub struct Call {
    pub call_id: Str,
    pub messages: MsgList,
    pub from_uri: Str,
    pub from_display: Str,
    pub to_uri: Str,
    pub to_display: Str,
    pub caller_agent: Str,
    pub callee_agent: Str,
    /// Kept up to date by [`Analysis::refresh`].
    pub summary: CallSummary,
}

/// What the messages of a call amount to. Times in nanoseconds, durations in nanoseconds.
///
/// Where several hops are captured all but `ended_by` is read off the caller's: the transaction of the INVITE that
/// came first in time, told from its forwarded copies by the topmost Via branch. If no answer at all was seen there
/// (a capture of one direction), any hop counts. Attempts follow one another under the same Call-ID (after 401, 407,
/// 415, 302 …): state, status and ring are the last one's, `start` and `setup` count from the first. Re-INVITE and
/// UPDATE never change the outcome. A call without final answer is `trying` or `ringing` only while its captures
/// are still being read; afterwards it is `failed` (no answer at all), `no_answer` (it rang), or `trying` (100 only);
/// it is `failed` too where its transport broke behind the last answer ([`Analysis::failure`] tells why).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSummary {
    pub kind: CallKind,
    pub state: CallState,
    /// Of the first message; see [`Self::earliest`].
    pub start: Nanos,
    pub answered: Option<Nanos>,
    pub end: Option<Nanos>,
    /// Of the message that is latest by its time.
    pub last: Nanos,
    /// 0 while there is none.
    pub final_status: u16,
    /// Reason phrase of that status.
    pub reason: Str,
    /// Whose BYE ended it (by its tags), or the caller where a CANCEL did.
    pub ended_by: Option<Side>,
    /// First INVITE → first 18x; no duration is known across a clock that was set back.
    pub setup: Option<Nanos>,
    /// First 18x → final answer.
    pub ring: Option<Nanos>,
    /// 2xx → BYE.
    pub talk: Option<Nanos>,
    /// The capture starts after the INVITE that opened the call.
    pub starts_mid_call: bool,
    pub retransmissions: u32,
    pub forks: u16,
    pub offers: u16,
    /// There is one offer, and it has candidate lines.
    pub one_ice_offer: bool,
}

impl CallSummary {
    /// Of a call nothing is known of yet.
    pub const EMPTY: Self = Self {
        kind: CallKind::Unknown,
        state: CallState::Trying,
        start: 0,
        answered: None,
        end: None,
        last: 0,
        final_status: 0,
        reason: Str(0),
        ended_by: None,
        setup: None,
        ring: None,
        talk: None,
        starts_mid_call: false,
        retransmissions: 0,
        forks: 0,
        offers: 0,
        one_ice_offer: false,
    };

    /// Earliest time that is known of it: before its start where the clock of the capture was set back since.
    pub fn earliest(&self) -> Nanos {
        [self.answered, self.end].into_iter().flatten().fold(self.start, Nanos::min)
    }
}

/// Why two calls are taken for legs of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkReason {
    Replaces,
    ReferTo,
    /// A header such as `X-Call-ID`.
    Header,
    /// The same SDP origin (`o=` user, session id, address).
    SdpSession,
    /// The same media address and port in SDP.
    MediaAddress,
}

impl LinkReason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Replaces => "Replaces",
            Self::ReferTo => "Refer-To",
            Self::Header => "X-Call-ID",
            Self::SdpSession => "SDP session",
            Self::MediaAddress => "media address",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLink {
    pub from: CallIdx,
    pub to: CallIdx,
    pub by: LinkReason,
    /// The message that shows it.
    pub message: MsgIdx,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DialogState {
    Completed,
    Failed,
    Unanswered,
    Active,
}

impl DialogState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
            Self::Active => "active",
        }
    }
}

/// Every other Call-ID; and one row for the messages whose Call-ID is cut off ([`Analysis::is_leftover`]).
///
/// One that turned out to be a call (see [`Call`]) keeps its place with `messages.count == 0` and is to be skipped;
/// [`super::Analysis::dialogs_shown`] does.
#[derive(Debug, Clone)]
pub struct Dialog {
    pub call_id: Str,
    pub messages: MsgList,
    /// Of the first request (or of the CSeq, if only responses were seen).
    pub method: MethodId,
    pub event: Str,
    pub from_uri: Str,
    pub to_uri: Str,
    pub summary: DialogSummary,
}

/// How the last transaction of the dialog's own method went (`Dialog::method`; responses by NOTIFY's receiver do
/// not count for a SUBSCRIBE). `completed`: 2xx, or nothing that anybody answers (ACK, BENOTIFY); `failed`: 3xx–6xx,
/// also 401 and 407 where no further attempt follows; `unanswered`: no final answer (a later request that the end
/// of the capture overtook within 32 s of the last message does not undo an earlier 2xx); `active`: a SUBSCRIBE
/// that was accepted and neither ended by `Expires: 0` or a NOTIFY's `Subscription-State: terminated` nor run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialogSummary {
    pub state: DialogState,
    pub start: Nanos,
    pub end: Nanos,
    pub requests: u32,
    pub responses: u32,
    /// 0 while there is none.
    pub final_status: u16,
    /// A NOTIFY said that the subscription is terminated.
    pub terminated: bool,
    /// The reason it gave: `timeout`, `rejected` …
    pub terminated_reason: Str,
    pub retransmissions: u32,
}

impl DialogSummary {
    /// Of a dialog nothing is known of yet.
    pub const EMPTY: Self = Self {
        state: DialogState::Unanswered,
        start: 0,
        end: 0,
        requests: 0,
        responses: 0,
        final_status: 0,
        terminated: false,
        terminated_reason: Str(0),
        retransmissions: 0,
    };
}

/// One input and what became of its frames.
#[derive(Debug, Clone)]
pub struct CaptureSummary {
    pub info: CaptureInfo,
    pub interfaces: Vec<Interface>,
    pub frames: u64,
    /// Captured bytes of all frames.
    pub bytes: u64,
    pub first: Option<Nanos>,
    pub last: Option<Nanos>,
    pub accounting: Accounting,
    pub odd: OddFrames,
    pub issues: Vec<CaptureIssue>,
    /// Issues beyond `Limits::issues`.
    pub issues_not_kept: u64,
    pub comments: Vec<(Option<u32>, String)>,
    pub input_bytes: u64,
    pub clock: Clock,
    pub complete: bool,
}

/// Whether time runs forward in a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clock {
    /// Frames that are more than a second earlier than one before them of the same interface.
    pub steps_back: u64,
    /// The longest of these steps.
    pub furthest: Nanos,
    /// The first ones, with the number of the frame.
    pub first: Vec<(u32, Nanos)>,
    /// The newest time of each interface.
    newest: Vec<Nanos>,
}

impl Clock {
    /// So far back is no step: packets of several queues are not written in order.
    const SLACK: Nanos = 1_000_000_000;
    /// Steps kept with their frame, and interfaces told apart.
    const KEPT: usize = 8;
    const INTERFACES: usize = 64;

    /// Notes frames that go on without a step; `false` where one of them may be a step, and nothing is noted.
    pub(crate) fn note_run(&mut self, times: &Times) -> bool {
        let (Some((earliest, latest)), Some(interface)) = (times.span, times.interface) else {
            return times.span.is_none();
        };
        let at = (interface as usize).min(Self::INTERFACES - 1);
        let newest = self.newest.get_mut(at);
        match newest.filter(|n| **n != Nanos::MIN && times.back <= Self::SLACK) {
            Some(newest) if newest.saturating_sub(earliest) <= Self::SLACK => {
                *newest = (*newest).max(latest);
                true
            }
            _ => false,
        }
    }

    pub(crate) fn note(&mut self, interface: u32, time: Nanos, frame: u32) {
        let at = (interface as usize).min(Self::INTERFACES - 1);
        if self.newest.len() <= at {
            self.newest.resize(at + 1, Nanos::MIN);
        }
        let Some(newest) = self.newest.get_mut(at) else { return };
        let back = newest.saturating_sub(time);
        if *newest != Nanos::MIN && back > Self::SLACK {
            self.steps_back += 1;
            self.furthest = self.furthest.max(back);
            if self.first.len() < Self::KEPT {
                self.first.push((frame, back));
            }
            *newest = time;
        } else {
            *newest = (*newest).max(time);
        }
    }
}

impl CaptureSummary {
    /// Of an input of which nothing was read yet.
    pub fn new(info: CaptureInfo) -> Self {
        Self {
            info,
            interfaces: Vec::new(),
            frames: 0,
            bytes: 0,
            first: None,
            last: None,
            accounting: Accounting::default(),
            odd: OddFrames::default(),
            issues: Vec::new(),
            issues_not_kept: 0,
            comments: Vec::new(),
            input_bytes: 0,
            clock: Clock::default(),
            complete: false,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct SipStatistics {
    pub messages: u64,
    pub duplicates: u64,
    pub retransmissions: u64,
    pub malformed: u64,
    /// Indexed by `MethodId`.
    pub requests: Vec<u64>,
    pub responses: BTreeMap<u16, u64>,
}

/// Counts of what SIP may travel in.
#[derive(Debug, Clone, Copy, Default)]
pub struct OtherStatistics {
    pub tls_sessions: u64,
    pub websocket_sessions: u64,
}
