//! From the analysis to the objects of the contract.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::types::{self, Message, Party};
use super::value::{Addr, CSeq, Millis, Time, Word, some};
use crate::capture::LinkType;
use crate::correlate::ice::IceIndex;
use crate::correlate::media::MediaIndex;
use crate::correlate::{Analysis, CallIdx, DialogIdx, MsgIdx, MsgList, Side, Str, flag};
use crate::diagnose::{Diagnosis, Subject, call_verdict};
use crate::view::ladder::message_label;
use crate::view::media::call_way;
use crate::view::show;

pub(super) fn capture(analysis: &Analysis, index: usize) -> Option<types::Capture<'_>> {
    let c = analysis.captures.get(index)?;
    let mut link_types: Vec<Cow<'static, str>> = Vec::new();
    for interface in &c.interfaces {
        let name = link_name(interface.link);
        if !link_types.contains(&name) {
            link_types.push(name);
        }
    }
    let a = &c.accounting;
    Some(types::Capture {
        path: Cow::Borrowed(&c.info.path),
        format: c.info.format,
        compression: c.info.compression,
        link_types,
        frames: c.frames,
        bytes: c.bytes,
        first: c.first.map(Time),
        last: c.last.map(Time),
        accounting: types::Accounting {
            decoded: a.decoded,
            other_traffic: a.other_traffic,
            not_ip: a.not_ip,
            cut_short: a.cut_short,
            malformed: a.malformed,
            fragment_pending: a.fragment_pending,
            duplicate: a.duplicate,
            over_limit: a.over_limit,
            encrypted: a.encrypted,
        },
        issues: c
            .issues
            .iter()
            .map(|i| types::CaptureIssue { code: i.code, offset: i.offset, frame: i.frame, text: &i.text })
            .collect(),
        issues_not_kept: c.issues_not_kept,
        comments: c.comments.iter().map(|(frame, text)| types::Comment { frame: *frame, text }).collect(),
    })
}

/// Only of redacted copies.
pub(super) fn redaction(analysis: &Analysis) -> Option<types::Redaction> {
    let tally = analysis.redaction.as_ref()?;
    Some(types::Redaction { overwritten: tally.counts().collect() })
}

/// Name of a link type without its `LINKTYPE_`.
fn link_name(link: LinkType) -> Cow<'static, str> {
    let name = match link.0 {
        0 => "NULL",
        1 => "ETHERNET",
        6 => "IEEE802_5",
        8 => "SLIP",
        9 => "PPP",
        12 | 14 | 101 => "RAW",
        50 => "PPP_HDLC",
        51 => "PPP_ETHER",
        104 => "C_HDLC",
        105 => "IEEE802_11",
        107 => "FRELAY",
        108 => "LOOP",
        113 => "LINUX_SLL",
        119 => "IEEE802_11_PRISM",
        127 => "IEEE802_11_RADIOTAP",
        163 => "IEEE802_11_AVS",
        192 => "PPI",
        228 => "IPV4",
        229 => "IPV6",
        248 => "SCTP",
        252 => "WIRESHARK_UPPER_PDU",
        276 => "LINUX_SLL2",
        n => return format!("LINKTYPE_{n}").into(),
    };
    Cow::Borrowed(name)
}

pub(super) fn statistics(analysis: &Analysis) -> types::Statistics<'_> {
    let sip = &analysis.sip;
    let mut requests = BTreeMap::new();
    for (id, &count) in (0u16..).zip(&sip.requests) {
        if count > 0 {
            requests.insert(analysis.method(crate::correlate::MethodId(id)), count);
        }
    }
    let other = &analysis.other;
    let stun = &analysis.stun.statistics;
    let sql = &analysis.sql.statistics;
    types::Statistics {
        sip: types::Sip {
            messages: sip.messages,
            duplicates: sip.duplicates,
            requests,
            responses: types::Responses(&sip.responses),
            retransmissions: sip.retransmissions,
            malformed: sip.malformed,
        },
        stun: types::Stun {
            messages: stun.messages,
            by_type: stun.by_type(),
            ms_turn: stun.ms_turn,
            classic: stun.classic,
            malformed: stun.malformed,
            lookalikes: stun.lookalikes,
        },
        rtp: types::Packets { packets: analysis.rtp_packets() },
        rtcp: types::Packets { packets: analysis.rtcp_packets() },
        udptl: types::Packets { packets: analysis.fax_packets() },
        sqlr: types::Sqlr { requests: sql.requests, responses: sql.responses, malformed: sql.malformed },
        tds: types::Tds { prelogins: sql.prelogins },
        dns: types::Dns { srv_queries: analysis.dns.statistics.srv_queries },
        tls: types::Tls { sessions: other.tls_sessions, decrypted: 0 },
    }
}

fn some_text(analysis: &Analysis, s: Str) -> Option<Cow<'_, str>> {
    (s != Str(0)).then(|| analysis.text(s))
}

/// A display name without the escapes that quotes demand.
fn display_name(analysis: &Analysis, s: Str) -> Option<Cow<'_, str>> {
    let name = some_text(analysis, s)?;
    Some(match name.contains('\\') {
        true => Cow::Owned(String::from_utf8_lossy(&show::unquote(name.as_bytes())).into_owned()),
        false => name,
    })
}

/// What the rows of other lists that belong to a call are known from.
#[derive(Clone, Copy)]
pub(super) struct CallParts<'p> {
    pub ice: &'p IceIndex,
    pub media: &'p MediaIndex,
    pub diagnosis: &'p Diagnosis,
}

pub(super) fn call<'a>(
    analysis: &'a Analysis,
    index: CallIdx,
    parts: CallParts<'_>,
) -> impl Serialize + use<'a> {
    let CallParts { ice, media, diagnosis } = parts;
    let c = analysis.call(index);
    let s = &c.summary;
    types::Call {
        id: index.0 + 1,
        call_id: analysis.text(c.call_id),
        kind: s.kind.name(),
        from: Party { uri: analysis.text(c.from_uri), display: display_name(analysis, c.from_display) },
        to: Party { uri: analysis.text(c.to_uri), display: display_name(analysis, c.to_display) },
        caller_agent: some_text(analysis, c.caller_agent),
        callee_agent: some_text(analysis, c.callee_agent),
        start: Time(s.start),
        answered: s.answered.map(Time),
        end: s.end.map(Time),
        state: s.state.name(),
        final_status: some(s.final_status),
        reason: some_text(analysis, s.reason),
        ended_by: s.ended_by.map(|side| match side {
            Side::Caller => "caller",
            Side::Callee => "callee",
        }),
        setup_ms: s.setup.map(Millis),
        ring_ms: s.ring.map(Millis),
        talk_ms: s.talk.map(Millis),
        starts_mid_call: s.starts_mid_call,
        retransmissions: s.retransmissions,
        failure: analysis.failure(index).map(|f| types::Failure {
            kind: show::failure_kind(f.cause).0,
            frame: f.frame.into(),
            text: show::failure(&f),
        }),
        legs: legs(analysis, index),
        diagnostics: super::details::diagnostics(analysis, index),
        forks: super::details::forks(analysis, index),
        messages: Messages(analysis, c.messages),
        offers: super::details::offers(analysis, index),
        media: media.places_of(index).iter().map(|at| at + 1).collect(),
        media_way: Some(call_way(analysis, media, index).name()).filter(|way| !way.is_empty()),
        ice: ice.of_call(index).collect(),
        findings: diagnosis.of(Subject::Call(index)).map(super::lists::findings::id).collect(),
        verdict: call_verdict(analysis, diagnosis, index),
    }
}

fn legs(analysis: &Analysis, index: CallIdx) -> Vec<types::Leg> {
    analysis
        .links_of(index)
        .map(|link| types::Leg {
            call: if link.from == index { link.to.0 } else { link.from.0 } + 1,
            by: link.by.name(),
            frame: analysis.message(link.message).frame.into(),
        })
        .collect()
}

pub(super) fn dialog(analysis: &Analysis, index: DialogIdx) -> impl Serialize + '_ {
    let d = analysis.dialog(index);
    let s = &d.summary;
    types::Dialog {
        id: index.0 + 1,
        call_id: analysis.text(d.call_id),
        method: analysis.method(d.method),
        event: some_text(analysis, d.event),
        from: analysis.text(d.from_uri),
        to: analysis.text(d.to_uri),
        start: Time(s.start),
        end: Time(s.end),
        requests: s.requests,
        responses: s.responses,
        final_status: some(s.final_status),
        state: s.state.name(),
        terminated: s.terminated.then(|| analysis.text(s.terminated_reason)),
        messages: Messages(analysis, d.messages),
    }
}

/// The messages of a call or dialog in order of time, each made when its turn comes.
struct Messages<'a>(&'a Analysis, MsgList);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.0.in_time(self.1).map(|m| message(self.0, m)))
    }
}

fn message(analysis: &Analysis, index: MsgIdx) -> Message<'_> {
    let m = analysis.message(index);
    let flow = analysis.flow(m.flow);
    let method = analysis.method(m.method);
    Message {
        frame: m.frame.into(),
        time: Time(m.time),
        src: Addr(flow.src),
        dst: Addr(flow.dst),
        transport: Word(flow.transport.name()),
        method: m.is_request().then_some(method),
        status: some(m.status),
        reason: some_text(analysis, m.reason),
        cseq: CSeq(m.cseq, method),
        retransmission: m.has(flag::RETRANSMISSION),
        call_id_inferred: m.has(flag::JOINED),
        label: message_label(analysis, index),
    }
}
