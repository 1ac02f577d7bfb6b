//! What happened while a stream ran: signalling of its call, keys, changes of the stream itself.

use std::collections::HashSet;

use callscope_parsers::rtp::digit;

use super::Event;
use crate::capture::{FrameRef, Nanos};
use crate::correlate::media::{Codec, Follows, KeyPress, MediaStream, Stream};
use crate::correlate::{Analysis, CallIdx, MethodId, MsgIdx, Owner, SipRecord, flag};
use crate::view::ladder::message_label;
use crate::view::lists::Lead;
use crate::view::media::ssrc;
use crate::view::show;

/// Events of one stream that are kept, and messages of its call that are looked at.
const MOST: usize = 500;
const LOOK: usize = 20_000;

/// In order of time, each since the first packet of the stream.
pub fn of_stream(analysis: &Analysis, of: &MediaStream, figures: &Stream, all: &[MediaStream]) -> Vec<Event> {
    let mut out = Vec::new();
    if let Some(call) = of.call {
        of_call(analysis, call, &mut out);
    }
    let frame = |frame: FrameRef| Lead { frame: Some(frame), ..Lead::default() };
    for key in keys(of, figures) {
        let name = digit(key.event).map_or_else(|| format!("event {}", key.event), |c| format!("key {c}"));
        let sign = digit(key.event).unwrap_or('k');
        out.push(Event { at: key.time, sign, words: name, lead: frame(key.frame) });
    }
    for (time, first) in figures.restarted() {
        let words = "sequence numbers begin anew".to_owned();
        out.push(Event { at: *time, sign: 'N', words, lead: frame(*first) });
    }
    for t in figures.types() {
        let codec = of.other_codecs.iter().find(|(pt, _)| *pt == t.payload_type);
        let Some((_, codec)) = codec else { continue };
        let name = codec.as_ref().map(|c| show::safe_str(&c.text()));
        // Noise and keys come and go.
        if codec.as_ref().is_some_and(|c| c.is_event() || c.is_noise()) {
            continue;
        }
        let words = format!("payload type {} {}", t.payload_type, name.unwrap_or_default());
        out.push(Event {
            at: t.first,
            sign: 'P',
            words: words.trim_end().to_owned(),
            lead: frame(t.first_frame),
        });
    }
    for (time, first, words) in others(analysis, of, figures, all) {
        out.push(Event { at: time, sign: 'S', words, lead: frame(first) });
    }
    if let Some((time, at)) = analysis.sender_of(of).and_then(|s| s.bye) {
        out.push(Event { at: time, sign: 'b', words: "RTCP BYE".to_owned(), lead: frame(at) });
    }
    out.sort_by_key(|e| e.at);
    out.truncate(MOST);
    for e in &mut out {
        e.at = e.at.saturating_sub(figures.first);
    }
    out
}

/// The keys of a stream, where its payload types have telephone events.
pub fn keys<'s>(of: &MediaStream, figures: &'s Stream) -> impl Iterator<Item = &'s KeyPress> {
    let main = of.codec.as_ref().filter(|c| c.is_event()).map(|_| of.payload_type);
    let others = of.other_codecs.iter().filter(|(_, codec)| codec.as_deref().is_some_and(Codec::is_event));
    let events: HashSet<u8> = others.map(|(pt, _)| *pt).chain(main).collect();
    figures.keys().iter().filter(move |k| events.contains(&k.payload_type))
}

/// What it goes on from, and what goes on from it: another source, or another path.
fn others(
    analysis: &Analysis,
    of: &MediaStream,
    figures: &Stream,
    all: &[MediaStream],
) -> Vec<(Nanos, FrameRef, String)> {
    let Some(own) = all.iter().position(|o| o.source == of.source) else { return Vec::new() };
    let way = |s: &MediaStream| {
        let flow = analysis.flow(s.flow);
        format!("{} → {}", flow.src, flow.dst)
    };
    let mut out = Vec::new();
    let before = match of.follows {
        Some(Follows::Source(n)) => all.get(n).map(|o| format!("takes the place of SSRC {}", ssrc(o.ssrc))),
        Some(Follows::Path(n)) => all.get(n).map(|o| format!("goes on from the path {}", way(o))),
        None => None,
    };
    out.extend(before.map(|words| (figures.first, figures.first_frame, words)));
    for next in all.iter().filter(|o| o.call == of.call) {
        let words = match next.follows {
            Some(Follows::Source(n)) if n == own => format!("SSRC {} takes its place", ssrc(next.ssrc)),
            Some(Follows::Path(n)) if n == own => format!("goes on by the path {}", way(next)),
            _ => continue,
        };
        let frame = analysis.figures_of(next).map_or(figures.last_frame, |f| f.first_frame);
        out.push((next.first, frame, words));
    }
    out
}

/// What a message of a call is to its media.
fn sign_of(r: &SipRecord, seen: &mut Seen) -> Option<char> {
    let sdp = r.has(flag::SDP);
    match (r.method, r.status) {
        (MethodId::INVITE, 0) if sdp && r.has(flag::HOLD) => {
            seen.held = true;
            Some('H')
        }
        (MethodId::INVITE, 0) if std::mem::take(&mut seen.held) && sdp => Some('R'),
        (MethodId::INVITE, 0) => Some('I'),
        (MethodId::UPDATE, 0) if sdp => Some('U'),
        (MethodId::INVITE, 100..200) if sdp && !std::mem::replace(&mut seen.early, true) => Some('E'),
        (MethodId::INVITE, 200..300) if !std::mem::replace(&mut seen.answered, true) => Some('✓'),
        (MethodId::INVITE, 300..) if !matches!(r.status, 401 | 407 | 415) => Some('F'),
        (MethodId::BYE, 0) => Some('B'),
        (MethodId::CANCEL, 0) => Some('C'),
        (MethodId::REFER, 0) => Some('T'),
        _ => None,
    }
}

#[derive(Default)]
struct Seen {
    held: bool,
    early: bool,
    answered: bool,
}

/// The messages of a call that change its media, each of its hops but once.
fn of_call(analysis: &Analysis, call: CallIdx, out: &mut Vec<Event>) {
    let owner = Owner::Call(call);
    let c = analysis.call(call);
    let raw = |s| analysis.strings.bytes(s);
    let caller = show::party_short(raw(c.from_display), raw(c.from_uri));
    let callee = show::party_short(raw(c.to_display), raw(c.to_uri));
    let list: Vec<MsgIdx> = analysis.messages_in_time(analysis.list_of(owner));
    let of_caller = list.iter().map(|m| analysis.message(*m)).find(|r| r.is_request());
    let caller_tag = of_caller.map_or(0, |r| r.from_tag);
    let mut hops = HashSet::new();
    let mut seen = Seen::default();
    for m in list.into_iter().take(LOOK) {
        let r = analysis.message(m);
        let again = r.has(flag::RETRANSMISSION) || r.has(flag::DUPLICATE);
        if again || !hops.insert((r.method, r.status, r.cseq, r.from_tag)) {
            continue;
        }
        let Some(sign) = sign_of(r, &mut seen) else { continue };
        // Responses bear the tags of their request.
        let by_caller = (r.from_tag == caller_tag) == r.is_request();
        let who = if by_caller { &caller } else { &callee };
        let mut words = message_label(analysis, m);
        if !who.is_empty() {
            words.push_str(&format!(" by {who}"));
        }
        let bad = sign == 'F';
        out.push(Event { at: r.time, sign, words, lead: Lead::to(m).bad(bad) });
    }
}
