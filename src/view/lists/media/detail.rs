//! All there is to say of a media stream.

use callscope_parsers::rtp::digit;

mod reports;
mod sentences;

use super::course::{events, marked, marks_of_call};
use reports::{at_the_end, of_the_sender};
use sentences::sentences;

use super::*;
use crate::correlate::media::{
    Codec, CodecConstants, CodecSource, Follows, Heard, LossSplit, MediaIndex, MediaStream, Mos, Protection,
    Secured, Stream, StreamError, StreamSource,
};
use crate::decode::Quoted;
use crate::view::ice;
use crate::view::media::marks::traffic_of;
use crate::view::media::{decimal, mark_words, millis};

/// A packet so late against its clock that it is worth telling.
const STALL: Nanos = 60_000_000;
/// Keys and hops listed of a stream.
const MOST_ROWS: usize = 200;

/// Where it goes through a relay: `relay UDP 213.199.141.181:3478`.
pub(super) fn path(at: At<'_>, s: &MediaStream) -> String {
    let Some(relay) = &s.relay else { return String::new() };
    let over = at.analysis.flow(s.flow).transport.name().to_uppercase();
    format!("relay {over} {}", show::address(relay.server))
}

/// What is worth knowing beside the figures, in few words each.
pub(super) fn remarks(at: At<'_>, s: &MediaStream, figures: &Stream) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |there: bool, words: &str| {
        if there {
            out.push(words.to_owned());
        }
    };
    say(matches!(s.source, StreamSource::Announced(_)), "few packets");
    say(alone(at, at.gathered.media(), s), "one way");
    say(s.unheard, "not heard at the far end");
    if let Some(e) = refused(at, s) {
        say(true, &show::unreachable(&e.told));
    }
    say(s.protection.is_none() && s.secured == Secured::Agreed, "plain though SRTP was agreed on");
    say(!s.mark_changes.is_empty(), "marks change on the way");
    say(s.held, "held");
    say(s.after_end.is_some(), "after the end of the call");
    say(s.unsignalled, "not signalled");
    say(!s.unannounced_types.is_empty(), "payload type not in the receiver's SDP");
    say(figures.restarts() > 0, "restarted");
    out
}

/// The first ICMP error about the stream itself.
fn refused(at: At<'_>, s: &MediaStream) -> Option<StreamError> {
    let of_rtcp = |e: &StreamError| matches!(e.quoted, Quoted::Rtcp { .. });
    at.analysis.errors_of_stream(s).into_iter().find(|e| !of_rtcp(e))
}

/// All ICMP errors about the stream and its RTCP.
fn errors(at: At<'_>, s: &MediaStream) -> Option<Part> {
    let mut facts = Facts::new();
    for e in at.analysis.errors_of_stream(s) {
        let about = match e.quoted {
            Quoted::Rtp { .. } => "quotes its RTP",
            Quoted::Rtcp { .. } => "quotes its RTCP",
            Quoted::Keys => "quotes an exchange of keys",
            Quoted::Nothing => "quotes its ports only",
            Quoted::Other => "quotes its UDPTL",
        };
        let since = show::duration(e.told.time.saturating_sub(s.first).max(0));
        let text = format!("from {}, {about}, {since} after the first packet", e.told.by);
        facts.at(&show::unreachable(&e.told), text, frame(e.told.frame).bad(true));
    }
    let any = !facts.rows.is_empty();
    any.then(|| facts.part("ICMP errors about it"))
}

/// The other direction of its call was not captured, though the stream lasts.
fn alone(at: At<'_>, all: &MediaIndex, s: &MediaStream) -> bool {
    let (Some(call), Some(from_caller)) = (s.call, s.from_caller) else { return false };
    let other = |o: &MediaStream| o.from_caller == Some(!from_caller) && media::kind(o) == media::kind(s);
    // Before the answer only one side speaks.
    at.analysis.call(call).summary.answered.is_some()
        && s.back.is_none()
        && !all.of_call(call).any(|(_, o)| other(o))
        && media::half_missing(at.analysis, call)
}

/// A table of facts, each with the frame that shows it.
struct Facts {
    rows: Vec<Vec<String>>,
    leads: Vec<Lead>,
}

impl Facts {
    fn new() -> Self {
        Self { rows: Vec::new(), leads: Vec::new() }
    }

    fn add(&mut self, what: &str, value: impl Into<String>) {
        self.at(what, value, Lead::default());
    }

    fn at(&mut self, what: &str, value: impl Into<String>, lead: Lead) {
        self.rows.push(vec![what.to_owned(), value.into()]);
        self.leads.push(lead);
    }

    fn part(self, title: &str) -> Part {
        // What stands beside its word needs no title.
        let columns = vec![Column::new("what", "", Align::Left, 0), Column::new("value", "", Align::Left, 0)];
        Part { title: title.to_owned(), table: Table { columns, rows: self.rows }, leads: self.leads }
    }
}

fn frame(f: FrameRef) -> Lead {
    Lead { frame: Some(f), ..Lead::default() }
}

pub(in crate::view::lists) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    let s = at.gathered.media().stream(row)?;
    let figures = at.analysis.figures_of(s)?;
    let figures = figures.as_ref();
    let [sender, receiver] = media::ends(at.analysis, s);
    let kind = show::safe_str(media::kind(s));
    let source = if s.is_fax() { String::new() } else { format!("SSRC {}", media::source(s)) };
    let words = [kind, media::codec(s), source];
    let words: Vec<String> = words.into_iter().filter(|w| !w.is_empty()).collect();
    let title = format!("Stream {}  {sender} → {receiver}  {}", row + 1, words.join("  "));
    let heard = at.analysis.heard_of(s);
    let mut head = sentences(at, s, figures);
    let kinds = marked(at, s, row);
    let own = kinds.iter().filter(|k| traffic_of(s) == Some(k.traffic));
    head.extend(own.flat_map(|k| &k.verdicts).filter(|v| v.bad).map(|v| format!("Marks: {}.", v.words)));
    let mut parts = vec![here(at, s, figures)];
    parts.extend(heard.map(|h| at_the_end(at, s, h, figures)));
    parts.extend(of_the_sender(at, s, figures));
    parts.extend(errors(at, s));
    parts.extend(events(at, s, figures));
    parts.push(stream(at, s, figures));
    parts.push(marks(figures));
    parts.extend(marks_of_call(s, &kinds));
    parts.extend(types(s, figures));
    parts.extend(keys(at, s, figures));
    parts.extend(hops(at, s, row));
    let owners = s.call.map(Owner::Call).into_iter().collect();
    Some(Detail { title, head, parts, owners })
}

/// What was measured where the capture was taken.
fn here(at: At<'_>, s: &MediaStream, figures: &Stream) -> Part {
    let mut facts = Facts::new();
    let losses = figures.losses();
    facts.at("packets", show::number(figures.packets), frame(figures.first_frame));
    facts.add("expected", show::number(figures.expected()));
    let lost = format!("{} ({} %)", show::number(losses.missing), decimal(media::loss_percent(figures)));
    let heard = media::loss_percent(figures) >= media::LOSS_HEARD;
    facts.at("lost before here", lost, Lead::default().bad(heard));
    if losses.missing > 0 {
        facts.add("runs of loss", format!("{}, longest {}", losses.bursts, losses.longest));
        let left = media::after_red(s, figures);
        if left < losses.missing {
            let text = format!("{} (RED repeats the frame in the next packet)", show::number(left));
            facts.add("lost after RED", text);
        }
    }
    if let Some(recovered) = at.analysis.recovered_of(s) {
        let raw = figures.expected().saturating_sub(figures.packets);
        facts.add("packets that did not come", show::number(raw));
        facts.add("of them given again by others", show::number(recovered));
    }
    facts.add("came twice", show::number(u64::from(figures.duplicates())));
    facts.add("out of order", show::number(u64::from(figures.out_of_order())));
    if let Some((mean, max)) = figures.jitter() {
        facts.add("jitter", format!("mean {}, max {}", millis(mean), millis(max)));
        if figures.clock().is_some() {
            facts.add("jitter over time", media::jitter_line(figures));
        }
    }
    facts.add("loss over time", media::loss_line(figures));
    let (gap, behind) = figures.gap;
    if gap > 0 {
        facts.at(
            "longest gap",
            format!("{} before frame {}", show::duration(gap), behind.frame),
            frame(behind),
        );
    }
    let (stall, behind) = figures.stall;
    if stall > STALL {
        let text =
            format!("{} more than its clock says, before frame {}", show::duration(stall), behind.frame);
        facts.at("longest stall", text, frame(behind));
    }
    if figures.silences > 0 {
        let text = format!(
            "{}, together {}",
            show::count(u64::from(figures.silences), "time", "times"),
            show::duration(figures.silent)
        );
        facts.add("silence not sent", text);
    }
    let mut count = |what: &str, n: u32| {
        if n > 0 {
            facts.add(what, show::number(u64::from(n)));
        }
    };
    count("sender paused", figures.pauses);
    count("sender set its clock", figures.clock_jumps);
    count("sender began anew", figures.restarts());
    count("frames captured twice", figures.captured_twice);
    let length = figures.last.saturating_sub(figures.first);
    facts.at("length", show::duration(length), frame(figures.last_frame));
    let rate = figures.bytes as f64 * 8e6 / length.max(1) as f64;
    let rate = if length > 0 { format!(" ({} kbit/s)", decimal(rate)) } else { String::new() };
    facts.add(
        if s.is_fax() { "bytes of UDPTL" } else { "bytes of RTP" },
        format!("{}{rate}", show::size(figures.bytes)),
    );
    facts.part("At the capture point")
}

/// What it is and where it goes.
fn stream(at: At<'_>, s: &MediaStream, figures: &Stream) -> Part {
    let mut facts = Facts::new();
    let flow = at.analysis.flow(s.flow);
    let machine = |a| match show::machine(at.analysis, a) {
        Some(name) => format!("{name}  {}", show::address(a)),
        None => show::address(a),
    };
    facts.add("from", machine(flow.src));
    facts.add("to", format!("{} over {}", machine(flow.dst), flow.transport.name().to_uppercase()));
    if let Some(relay) = &s.relay {
        let optional = |a: Option<std::net::SocketAddr>| a.map_or_else(|| "not known".to_owned(), machine);
        facts.add("relay", machine(relay.server));
        facts.add("relayed address", optional(relay.relayed));
        facts.add("peer", optional(relay.peer));
        facts.add("allocation", (u64::from(relay.allocation.0) + 1).to_string());
    }
    if let Some(call) = s.call {
        let state = at.analysis.call(call).summary.state.name().replace('_', " ");
        facts.add("call", format!("{} ({state})", u64::from(call.0) + 1));
        if !s.other_calls.is_empty() {
            let others: Vec<String> =
                s.other_calls.iter().take(8).map(|c| (u64::from(c.0) + 1).to_string()).collect();
            facts.add("also of calls", others.join(", "));
        }
    }
    if let Some(back) = s.back {
        facts.add("other direction", format!("stream {}", back + 1));
    }
    if let Some(section) = &s.section {
        let text = format!("{} of its SDP: {}", ordinal(section.index), show::safe_str(&section.kind));
        facts.at("media section", text, Lead::to(section.message));
    }
    if let Some(on) = at.analysis.ice_pair_of(s)
        && let Some(pair) = on.session.pairs.get(on.pair)
    {
        let path = ice::path_words(at.analysis, &on.session);
        facts.add("ICE pair", format!("{}, {path}", ice::pair_title(&on.session, pair)));
    }
    if !s.is_fax() {
        facts.add("codec", codec_words(s));
    }
    if let Some(clock) = figures.clock() {
        let pace = figures.pace().filter(|p| (p / f64::from(clock) - 1.0).abs() > 0.02);
        let pace = pace.map_or_else(String::new, |p| format!(", timestamps go on at {p:.0} Hz"));
        facts.add("clock", format!("{clock} Hz{pace}"));
    }
    match (s.ptime_asked, s.ptime_used) {
        (Some(asked), Some(used)) => {
            facts.add("packet time", format!("{} used, {asked} ms asked", millis(used)))
        }
        (None, Some(used)) => facts.add("packet time", format!("{} used", millis(used))),
        (Some(asked), None) => facts.add("packet time", format!("{asked} ms asked")),
        (None, None) => {}
    }
    for hold in s.holds.iter().take(8) {
        let from = show::duration(hold.from.saturating_sub(figures.first).max(0));
        let what = if hold.stops { "to stop" } else { "the other direction to stop" };
        let until = if hold.until >= figures.last {
            "to its end".to_owned()
        } else {
            format!("for {}", show::duration(hold.until.saturating_sub(hold.from)))
        };
        facts.add("hold", format!("{what}, {from} after the first packet, {until}"));
    }
    facts.add(
        "protection",
        match s.protection {
            Some(Protection::Srtp) => "SRTP",
            Some(Protection::SrtpBySize) => "SRTP, by the size of its packets: the codec's and a tag more",
            None => "none seen",
        },
    );
    facts.part("Stream")
}

fn ordinal(index: usize) -> String {
    match index {
        0 => "first".to_owned(),
        1 => "second".to_owned(),
        2 => "third".to_owned(),
        n => format!("{}th", n + 1),
    }
}

fn codec_words(s: &MediaStream) -> String {
    let source = match s.codec.as_ref().map(|c| c.source) {
        Some(CodecSource::Sdp) => ", as SDP says",
        Some(CodecSource::Static) => " (RFC 3551)",
        Some(CodecSource::Fallback) => ", by convention of OCS and Lync only",
        None => ", which nothing names",
    };
    let name = media::codec(s);
    let text = format!("{}{source}", name.trim_end_matches('?'));
    if s.codec.is_some() { format!("{text}, payload type {}", s.payload_type) } else { text }
}

fn marks(figures: &Stream) -> Part {
    let columns = vec![
        Column::new("dscp", "DSCP", Align::Left, 0),
        Column::new("packets", "Packets", Align::Right, 0),
        Column::new("again", "Captured again", Align::Right, 1),
        Column::new("frame", "First frame", Align::Right, 2),
    ];
    let mut marks: Vec<_> = figures.marks().collect();
    marks.sort_by_key(|m| m.frame);
    let rows = marks.iter().map(|m| {
        let again = if m.again > 0 { show::number(u64::from(m.again)) } else { String::new() };
        vec![mark_words(m.dscp), show::number(u64::from(m.packets)), again, m.frame.frame.to_string()]
    });
    let rows = rows.collect();
    let leads = marks.iter().map(|m| frame(m.frame)).collect();
    Part { title: "Marks (DSCP)".to_owned(), table: Table { columns, rows }, leads }
}

/// Its payload types, where there are several.
fn types(s: &MediaStream, figures: &Stream) -> Option<Part> {
    let mut types: Vec<_> = figures.types().collect();
    if types.len() < 2 {
        return None;
    }
    types.sort_by_key(|t| t.first);
    let name = |c: &Codec| show::shorten(&show::safe_str(&c.text()), 40);
    let codec = |pt: u8| match s.other_codecs.iter().find(|(p, _)| *p == pt) {
        _ if pt == s.payload_type => media::codec(s),
        Some((_, Some(codec))) => name(codec),
        _ => String::new(),
    };
    let columns = vec![
        Column::new("pt", "PT", Align::Right, 0),
        Column::new("codec", "Codec", Align::Left, 0),
        Column::new("packets", "Packets", Align::Right, 0),
        Column::new("sdp", "SDP", Align::Left, 1),
        Column::new("frame", "First frame", Align::Right, 2),
    ];
    let rows = types.iter().map(|t| {
        let sdp = if s.unannounced_types.contains(&t.payload_type) { "not of the receiver" } else { "" };
        let cells = [t.payload_type.to_string(), codec(t.payload_type), show::number(u64::from(t.packets))];
        cells.into_iter().chain([sdp.to_owned(), t.first_frame.frame.to_string()]).collect()
    });
    let rows = rows.collect();
    let leads = types
        .iter()
        .map(|t| frame(t.first_frame).bad(s.unannounced_types.contains(&t.payload_type)))
        .collect();
    Some(Part { title: "Payload types".to_owned(), table: Table { columns, rows }, leads })
}

fn keys(at: At<'_>, s: &MediaStream, figures: &Stream) -> Option<Part> {
    if s.keys.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("time", "Time", Align::Right, 0),
        Column::new("key", "Key", Align::Left, 0),
        Column::new("held", "Held", Align::Right, 1),
        Column::new("frame", "Frame", Align::Right, 2),
    ];
    let clock = f64::from(figures.clock().unwrap_or(8_000).max(1));
    let mut before = figures.first;
    let (mut rows, mut leads) = (Vec::new(), Vec::new());
    for key in figures.keys().iter().take(MOST_ROWS) {
        let Some(name) = digit(key.event) else { continue };
        let held = (f64::from(key.duration) / clock * 1e9) as Nanos;
        let end = if key.ended { "" } else { ", no end seen" };
        rows.push(vec![
            show::time(key.time, at.mode, figures.first, before),
            if at.analysis.redact_text { "x".to_owned() } else { name.to_string() },
            format!("{}{end}", show::duration(held)),
            key.frame.frame.to_string(),
        ]);
        before = key.time;
        leads.push(frame(key.frame));
    }
    let title = format!("Keys pressed: {}", media::keys(at.analysis, s));
    Some(Part { title, table: Table { columns, rows }, leads })
}

/// The same stream at other points of its way.
fn hops(at: At<'_>, s: &MediaStream, row: u32) -> Option<Part> {
    if s.hops.len() < 2 {
        return None;
    }
    let columns = vec![
        Column::new("id", "#", Align::Right, 0),
        Column::new("way", "From → to", Align::Left, 0),
        Column::new("after", "After", Align::Right, 2),
        Column::new("packets", "Packets", Align::Right, 1),
        Column::new("lost", "Lost %", Align::Right, 0),
        Column::new("dscp", "DSCP", Align::Left, 0),
        Column::new("frame", "First frame", Align::Right, 2),
    ];
    let (mut rows, mut leads) = (Vec::new(), Vec::new());
    let mut first = None;
    for &hop in s.hops.iter().take(MOST_ROWS) {
        let Some(other) = at.gathered.media().streams.get(hop) else { continue };
        let Some(figures) = at.analysis.figures_of(other) else { continue };
        let flow = at.analysis.flow(other.flow);
        let first = *first.get_or_insert(figures.first);
        let here = if hop == row as usize { " (this one)" } else { "" };
        rows.push(vec![
            (hop + 1).to_string(),
            format!("{} → {}{here}", show::address(flow.src), show::address(flow.dst)),
            show::duration(figures.first.saturating_sub(first)),
            show::number(figures.packets),
            decimal(media::loss_percent(&figures)),
            media::marks(&figures),
            figures.first_frame.frame.to_string(),
        ]);
        leads.push(frame(figures.first_frame));
    }
    Some(Part { title: "The same stream along its way".to_owned(), table: Table { columns, rows }, leads })
}
