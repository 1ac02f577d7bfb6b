//! What limits trust in the picture: damage, caps that were hit, what is encrypted and what would open it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

use crate::capture::{CaptureId, FrameRef};
use crate::correlate::gathered::Gathered;
use crate::correlate::ice::{CandidateKind, IcePair, IceSession, IceSide, IceState};
use crate::correlate::sql::Lookup;
use crate::correlate::stun::Allocation;
use crate::correlate::{Analysis, CallIdx, LinkReason, MsgIdx, Side, TlsSession};
use crate::view::ice::{machines, parties, state_words, why};
use crate::view::{allocation, show, sql as words};

pub type Note = (&'static str, String, Option<FrameRef>);

pub const WARNING: &str = "warning";
pub const INFO: &str = "info";

/// Issues told one by one for a capture, and TLS servers.
const TOLD: usize = 20;

pub fn notes(analysis: &Analysis, gathered: &Gathered<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    issues(analysis, &mut notes);
    frames(analysis, &mut notes);
    tls(analysis, &mut notes);
    legs(analysis, &mut notes);
    other(analysis, gathered, &mut notes);
    // Worst first; within a severity in the order found.
    notes.sort_by_key(|n| n.0 != WARNING);
    notes
}

fn issues(analysis: &Analysis, notes: &mut Vec<Note>) {
    let several = analysis.captures.len() > 1;
    for (index, capture) in analysis.captures.iter().enumerate() {
        let path = if several { format!("{}: ", show::safe_str(&capture.info.path)) } else { String::new() };
        let id = CaptureId(index as u16);
        for issue in capture.issues.iter().take(TOLD) {
            let frame = issue.frame.map(|frame| FrameRef { capture: id, frame });
            let severity = if is_remark(issue.code) { INFO } else { WARNING };
            notes.push((severity, format!("{path}{}", show::safe_str(&issue.text)), frame));
        }
        let more = capture.issues.len().saturating_sub(TOLD) as u64 + capture.issues_not_kept;
        if more > 0 {
            notes.push((WARNING, format!("{path}{}", show::count(more, "more issue", "more issues")), None));
        }
    }
}

/// Whether a capture issue of this code is a mere remark (info); damage and limits are warnings.
pub fn is_remark(code: &str) -> bool {
    matches!(code, "unknown-block" | "trailing-bytes" | "interface-drops" | "comment")
}

fn frames(analysis: &Analysis, notes: &mut Vec<Note>) {
    let sum = |f: fn(&crate::correlate::Accounting) -> u64| -> u64 {
        analysis.captures.iter().map(|c| f(&c.accounting)).sum()
    };
    let cut = sum(|a| a.cut_short);
    if cut > 0 {
        let text = format!(
            "{} cut by the capture's snap length: what they carried is lost; capture whole frames (snaplen 0)",
            show::count(cut, "frame is", "frames are")
        );
        notes.push((WARNING, text, None));
    }
    if let Some((row, messages)) = analysis.leftovers() {
        let text = format!(
            "{} before the Call-ID does: to which call each belongs is not known (dialog {})",
            show::count(messages, "SIP message ends", "SIP messages end"),
            u64::from(row.0) + 1
        );
        notes.push((WARNING, text, None));
    }
    let pending = sum(|a| a.fragment_pending);
    if pending > 0 {
        let text = format!(
            "{} of datagrams whose other pieces are not in the capture",
            show::count(pending, "fragment", "fragments")
        );
        notes.push((WARNING, text, None));
    }
    let malformed = sum(|a| a.malformed);
    if malformed > 0 {
        let text = format!("{} with damaged headers", show::count(malformed, "frame", "frames"));
        notes.push((WARNING, text, None));
    }
    let over = sum(|a| a.over_limit);
    if over > 0 {
        let text =
            format!("{} not taken in because a limit was hit", show::count(over, "frame was", "frames were"));
        notes.push((WARNING, text, None));
    }
    if analysis.sip.malformed > 0 {
        let text = format!(
            "{} malformed (filter: malformed)",
            show::count(analysis.sip.malformed, "SIP message is", "SIP messages are")
        );
        notes.push((WARNING, text, None));
    }
    let twice = sum(|a| a.duplicate);
    if twice > 0 {
        let text = format!(
            "{} captured twice; the copies are left out",
            show::count(twice, "frame was", "frames were")
        );
        notes.push((INFO, text, None));
    }
}

/// Groups of calls told one by one, and calls of a group.
const GROUPS: usize = 3;
const MEMBERS: usize = 6;

/// Calls that are legs of one another, and by what they are joined.
fn legs(analysis: &Analysis, notes: &mut Vec<Note>) {
    // Each call points to an earlier one of its group, or to itself.
    let mut parent: Vec<u32> = (0..analysis.calls.len() as u32).collect();
    fn root(parent: &mut [u32], mut at: u32) -> u32 {
        while let Some(&up) = parent.get(at as usize).filter(|up| **up != at) {
            let over = parent.get(up as usize).copied().unwrap_or(up);
            if let Some(slot) = parent.get_mut(at as usize) {
                *slot = over;
            }
            at = over;
        }
        at
    }
    for link in &analysis.links {
        let (a, b) = (root(&mut parent, link.from.0), root(&mut parent, link.to.0));
        if let Some(slot) = parent.get_mut(a.max(b) as usize) {
            *slot = a.min(b);
        }
    }
    let mut groups: BTreeMap<u32, (BTreeSet<u32>, BTreeSet<LinkReason>, MsgIdx)> = BTreeMap::new();
    for link in &analysis.links {
        let at = root(&mut parent, link.from.0);
        let group = groups.entry(at).or_insert_with(|| (BTreeSet::new(), BTreeSet::new(), link.message));
        group.0.extend([link.from.0, link.to.0]);
        group.1.insert(link.by);
        group.2 = group.2.min(link.message);
    }
    let by = |reasons: &BTreeSet<LinkReason>| reasons.iter().map(|r| r.name()).collect::<Vec<_>>().join(", ");
    for (calls, reasons, message) in groups.values().take(GROUPS) {
        let mut list: Vec<String> =
            calls.iter().take(MEMBERS).map(|c| show::number(u64::from(*c) + 1)).collect();
        if calls.len() > MEMBERS {
            list.push(format!("{} more", show::number((calls.len() - MEMBERS) as u64)));
        }
        let last = list.pop().unwrap_or_default();
        let text =
            format!("Calls {} and {last} are legs of one call: joined by {}", list.join(", "), by(reasons));
        notes.push((INFO, text, analysis.messages.get(message.0 as usize).map(|m| m.frame)));
    }
    if groups.len() > GROUPS {
        let reasons = groups.values().flat_map(|g| g.1.iter().copied()).collect();
        let text = format!(
            "{} of calls are legs of one call each: joined by {}",
            show::count((groups.len() - GROUPS) as u64, "more group", "more groups"),
            by(&reasons)
        );
        notes.push((INFO, text, None));
    }
}

#[derive(Default)]
struct Server<'a> {
    sessions: u64,
    frames: u64,
    first: Option<&'a TlsSession>,
    /// A session whose key exchange keeps past traffic safe from the server's key.
    forward_secret: bool,
    named: Option<&'a str>,
    failed: Vec<&'a TlsSession>,
}

fn tls(analysis: &Analysis, notes: &mut Vec<Note>) {
    let mut servers: BTreeMap<(Option<SocketAddr>, Option<&str>), Server<'_>> = BTreeMap::new();
    for session in &analysis.tls {
        let server = servers.entry((session.server, session.version)).or_default();
        server.named = server.named.or(session.server_name.as_deref());
        // Of a handshake that failed there is nothing to open.
        if session.alerts.iter().any(|(_, text)| text.contains("fatal")) && !session.handshake_done {
            server.failed.push(session);
            continue;
        }
        server.sessions += 1;
        server.frames += session.encrypted_frames;
        server.first.get_or_insert(session);
        server.forward_secret |= !opened_by_server_key(session);
    }
    let mut servers: Vec<_> = servers.into_iter().collect();
    servers.sort_by_key(|(_, s)| std::cmp::Reverse(s.frames));
    let more = servers.len().saturating_sub(TOLD);
    for ((address, version), server) in servers.into_iter().take(TOLD) {
        let version = version.unwrap_or("TLS");
        let to = address.map_or_else(|| "an unknown server".to_owned(), |a| named(analysis, a, server.named));
        let frame = server.first.map(|s| s.frame);
        let sessions =
            show::count(server.sessions, &format!("{version} session"), &format!("{version} sessions"));
        if server.frames > 0 {
            let opens = if server.forward_secret {
                "a key log (SSLKEYLOGFILE of client or server) opens them, the server's key alone does not"
            } else {
                "a key log or the server's RSA key opens them"
            };
            let frames = show::count(server.frames, "frame", "frames");
            let inside = server.first.and_then(|s| inside(analysis, s)).unwrap_or_default();
            notes.push((INFO, format!("{sessions} to {to}{inside}: {frames} encrypted; {opens}"), frame));
        }
        for session in server.failed.iter().take(3) {
            let alert = session.alerts.iter().find(|(_, text)| text.contains("fatal"));
            if let Some((side, text)) = alert {
                let who = if *side == Side::Caller { "client" } else { "server" };
                let text = format!("TLS to {to} failed: the {who} sent {}", show::safe_str(text));
                notes.push((WARNING, text, Some(session.frame)));
            }
        }
    }
    if more > 0 {
        let text =
            format!("TLS sessions to {} as well", show::count(more as u64, "more server", "more servers"));
        notes.push((INFO, text, None));
    }
}

/// What a TLS session carries as far as its clear part tells: TURN or STUN by the names of RFC 7443, by the port that
/// RFC 8656 §4 gives to TURN over TLS, or to a machine that serves TURN beside it.
fn inside(analysis: &Analysis, session: &TlsSession) -> Option<&'static str> {
    let offers = |name: &str| session.alpn.iter().flat_map(|all| all.split(", ")).any(|one| one == name);
    let server = session.server?;
    let serves_turn = || analysis.stun.allocations.iter().any(|a| a.server.ip() == server.ip());
    match server.port() {
        _ if offers("stun.turn") => Some(" (TURN over TLS)"),
        _ if offers("stun.nat-discovery") => Some(" (STUN over TLS)"),
        5349 => Some(" (TURN over TLS, by its port)"),
        443 if serves_turn() => Some(" (TURN over TLS as it seems, since the machine serves TURN)"),
        _ => None,
    }
}

/// RSA key exchange below TLS 1.3 only; where the cipher is not known it may be.
fn opened_by_server_key(session: &TlsSession) -> bool {
    session.version != Some("TLS 1.3")
        && session.cipher.as_deref().is_none_or(|c| c.starts_with("TLS_RSA_WITH_") || c.starts_with("0x"))
}

/// `10.0.0.5:5061 (sip.contoso.com)`.
fn named(analysis: &Analysis, server: SocketAddr, server_name: Option<&str>) -> String {
    let name = server_name.map(show::safe_str).or_else(|| show::machine(analysis, server));
    let address = show::address(server);
    match name {
        Some(name) => format!("{address} ({})", show::shorten(&name, 60)),
        None => address,
    }
}

/// Calls and sessions of no call that are worked out for a note: it is made again while a capture loads.
const SESSIONS: usize = 2_000;

/// What became of ICE and of relays. Gives the calls with a session that failed.
fn ice(analysis: &Analysis, notes: &mut Vec<Note>) -> BTreeSet<CallIdx> {
    let calls: Vec<CallIdx> =
        (0..analysis.calls.len() as u32).map(CallIdx).filter(|c| analysis.has_ice(*c)).collect();
    let mut served = Served::of(analysis);
    let (mut states, mut lost) = (BTreeMap::<IceState, u64>::new(), BTreeSet::new());
    let mut failed = 0;
    let mut take = |s: &IceSession| {
        *states.entry(s.state).or_default() += 1;
        served.take(analysis, s);
        if s.state == IceState::Failed {
            failed += 1;
            lost.extend(s.call);
            if failed <= TOLD {
                notes.push(no_path(analysis, s));
            }
        }
    };
    for call in calls.iter().take(SESSIONS) {
        analysis.ice_sessions_of(*call).iter().for_each(&mut take);
    }
    let loose = if calls.len() <= SESSIONS { analysis.ice_index().loose } else { Vec::new() };
    for group in loose.iter().take(SESSIONS) {
        take(&analysis.loose_ice_session(*group));
    }
    if failed > TOLD {
        let more = show::count((failed - TOLD) as u64, "more session", "more sessions");
        notes.push((WARNING, format!("ICE: {more} without a path"), None));
    }
    served.partly = calls.len().max(loose.len()) > SESSIONS;
    let total: u64 = states.values().sum();
    if total > 0 {
        let words: Vec<String> =
            states.iter().map(|(state, n)| format!("{} {}", show::number(*n), state_words(*state))).collect();
        let words = match states.keys().next().filter(|_| states.len() == 1) {
            Some(state) => state_words(*state).to_owned(),
            None => words.join(", "),
        };
        let sessions = show::count(total, "session", "sessions");
        let of = match served.partly {
            true if calls.len() > SESSIONS => {
                format!(
                    "{} offer candidates; of the first ",
                    show::count(calls.len() as u64, "call", "calls")
                )
            }
            true => {
                let all = show::count(loose.len() as u64, "session", "sessions");
                format!("{all} of no call; of the first ")
            }
            false => String::new(),
        };
        notes.push((INFO, format!("ICE: {of}{sessions}: {words}"), None));
    }
    turn(analysis, &served, notes);
    lost
}

/// The machines whose sessions connected, and those that have one that failed.
#[derive(Default)]
struct Served {
    connected: BTreeSet<IpAddr>,
    failed: BTreeSet<IpAddr>,
    /// Clients of allocations that failed: whose they are.
    clients: HashMap<SocketAddr, Option<String>>,
    /// Who is at their machines.
    users: HashMap<IpAddr, Option<String>>,
    /// There are more sessions than these.
    partly: bool,
}

impl Served {
    fn of(analysis: &Analysis) -> Self {
        let failed = || analysis.stun.allocations.iter().filter(|a| allocation::failed(analysis, a));
        Self {
            clients: failed().map(|a| (a.client, None)).collect(),
            users: failed().map(|a| (a.client.ip(), None)).collect(),
            ..Self::default()
        }
    }

    fn take(&mut self, analysis: &Analysis, s: &IceSession) {
        match s.state {
            IceState::Connected => self.connected.extend(machines(analysis, s)),
            IceState::Failed => self.failed.extend(machines(analysis, s)),
            IceState::Incomplete | IceState::NotStarted => {}
        }
        if self.clients.is_empty() {
            return;
        }
        let of_side = |side: &IceSide, pairs: fn(&IcePair) -> SocketAddr| -> BTreeSet<SocketAddr> {
            let own = side.candidates.iter().filter(|c| c.kind != Some(CandidateKind::Relay));
            let offered = own.flat_map(|c| [c.address, c.related]).flatten();
            offered.chain(s.pairs.iter().map(pairs)).collect()
        };
        let sides = [of_side(&s.a, |p| p.a), of_side(&s.b, |p| p.b)];
        let names = parties(analysis, s);
        for (name, addresses) in names.iter().zip(sides) {
            for address in addresses {
                if let Some(user @ None) = self.users.get_mut(&address.ip()) {
                    *user = Some(name.clone());
                }
                // The call that lacked it tells more than another one.
                if let Some(whose) = self.clients.get_mut(&address)
                    && (whose.is_none() || s.state == IceState::Failed)
                {
                    let call =
                        s.call.map_or_else(String::new, |c| format!(" in call {}", u64::from(c.0) + 1));
                    *whose = Some(format!("{name}{call}"));
                }
            }
        }
    }

    /// Whether all went well for a machine, whatever its other attempts came to.
    fn is_well(&self, ip: IpAddr) -> bool {
        if self.partly {
            !self.failed.contains(&ip)
        } else {
            self.connected.contains(&ip) && !self.failed.contains(&ip)
        }
    }
}

/// Failed allocations that are told one by one.
const REFUSED: usize = 3;

/// The allocations. One that failed is a warning only if its client lacked it.
fn turn(analysis: &Analysis, served: &Served, notes: &mut Vec<Note>) {
    let all = &analysis.stun.allocations;
    if all.is_empty() {
        return;
    }
    let failed: Vec<&Allocation> = all.iter().filter(|a| allocation::failed(analysis, a)).collect();
    let lacked: Vec<&Allocation> =
        failed.iter().filter(|a| !served.is_well(a.client.ip())).copied().collect();
    let severity = if lacked.is_empty() { INFO } else { WARNING };
    let told = if lacked.is_empty() { &failed } else { &lacked };
    let first = told.first().and_then(|a| analysis.stun.record(a.messages?.0));
    let allocations = show::count(all.len() as u64, "relay allocation", "relay allocations");
    let mut text = format!("TURN: {allocations}");
    if !failed.is_empty() {
        // Attempts of one client that came to the same end are told once.
        let mut words: Vec<String> = Vec::new();
        for a in told {
            let whose = served.clients.get(&a.client).cloned().flatten();
            let whose = whose.or_else(|| served.users.get(&a.client.ip()).cloned().flatten());
            let whose = whose.unwrap_or_else(|| {
                let at = show::machine(analysis, a.client).unwrap_or_else(|| a.client.ip().to_string());
                // Microsoft's user names are no text.
                let user = analysis.strings.bytes(a.username);
                match !user.is_empty() && user.len() <= 40 && user.iter().all(u8::is_ascii_graphic) {
                    true => format!("{} at {at}", show::safe(user)),
                    false => at,
                }
            });
            let word = format!("{whose}: {}", allocation::outcome(analysis, a));
            if !words.contains(&word) && words.len() <= REFUSED {
                words.push(word);
            }
        }
        let more = if words.len() > REFUSED { "; and others" } else { "" };
        words.truncate(REFUSED);
        text.push_str(&format!(
            ", {} failed ({}{more})",
            show::number(failed.len() as u64),
            words.join("; ")
        ));
    }
    notes.push((severity, text, first.map(|r| r.frame())));
}

/// A session without a path: whose, and the first cause that is known.
fn no_path(analysis: &Analysis, s: &IceSession) -> Note {
    let call = s.call.map_or_else(String::new, |c| format!("Call {}: ", c.0 + 1));
    let [a, b] = parties(analysis, s);
    let cause = why(analysis, s).into_iter().next().map_or_else(String::new, |c| format!(". {c}"));
    let first = s.pairs.iter().filter_map(|p| p.messages.first()).min();
    let frame = first.and_then(|i| analysis.stun.record(*i)).map(|r| r.frame());
    (WARNING, format!("{call}ICE found no path between {a} and {b}{cause}"), frame)
}

/// Messages of SQL Server Browser from which on look-ups are not worked out for a note.
const MANY: usize = 20_000;
/// Look-ups told of one by one.
const LOOKUPS: usize = 4;

/// Look-ups of SQL Server: how many, and those that came to nothing.
fn sql(analysis: &Analysis, gathered: &Gathered<'_>, notes: &mut Vec<Note>) {
    // A note is made again while a capture loads.
    if analysis.sql.is_empty() || analysis.sql.records.len() > MANY {
        return;
    }
    let all = gathered.lookups();
    let (asked, connected): (Vec<&Lookup>, Vec<&Lookup>) = all.iter().partition(|l| !l.is_connection());
    if all.is_empty() {
        return;
    }
    let mut troubled: BTreeMap<String, Vec<&Lookup>> = BTreeMap::new();
    for l in all.iter().filter(|l| l.verdict.is_trouble() && concerns(analysis, l)) {
        let to = if l.verdict.is_hostile() { String::new() } else { format!(" {}", l.server.ip()) };
        let key = format!("{}: {} →{to}", words::verdict(l.verdict), words::machine(analysis, l.client));
        troubled.entry(key).or_default().push(l);
    }
    let mut parts = Vec::new();
    if !asked.is_empty() {
        parts.push(show::count(asked.len() as u64, "look-up", "look-ups"));
    }
    if !connected.is_empty() {
        parts.push(show::count(connected.len() as u64, "connection without one", "connections without one"));
    }
    notes.push((INFO, format!("SQL Server: {}", parts.join(", ")), all.first().map(|l| l.frame)));
    let mut groups: Vec<_> = troubled.into_iter().collect();
    groups.sort_by_key(|(_, l)| l.first().map(|l| l.start));
    for (what, group) in groups.iter().take(LOOKUPS) {
        let Some(first) = group.first() else { continue };
        let times = if group.len() > 1 { format!(" ({} times)", group.len()) } else { String::new() };
        let question = if first.is_connection() || first.verdict.is_hostile() {
            String::new()
        } else {
            format!(", {}", words::lookup_question(first))
        };
        let refused: usize = group.iter().map(|l| l.sip.len()).sum();
        let sip = match refused {
            0 => String::new(),
            n => format!("; it sent {} in those seconds", show::count(n as u64, "answer 5xx", "answers 5xx")),
        };
        notes.push((WARNING, format!("SQL Server, {what}{question}{times}{sip}"), Some(first.frame)));
    }
    if groups.len() > LOOKUPS {
        let more = show::count((groups.len() - LOOKUPS) as u64, "more kind", "more kinds");
        notes.push((WARNING, format!("SQL Server: {more} of trouble in view 7"), None));
    }
}

/// A port scan meets 1433 too: a connection that nobody asked for and on which nothing was said counts only where its
/// client speaks SIP.
fn concerns(analysis: &Analysis, l: &Lookup) -> bool {
    let connections = l.connections.iter().filter_map(|c| analysis.sql.connections.get(*c as usize));
    let by = l.client.ip();
    let speaks_sip = || {
        analysis.messages.iter().take(MANY).any(|r| {
            let flow = analysis.flow(r.flow);
            flow.src.ip() == by || flow.dst.ip() == by
        })
    };
    !l.is_connection() || connections.into_iter().any(|c| c.tds.is_some()) || speaks_sip()
}

fn other(analysis: &Analysis, gathered: &Gathered<'_>, notes: &mut Vec<Note>) {
    let mut mid = analysis.calls.iter().filter(|c| c.summary.starts_mid_call).peekable();
    if let Some(first) = mid.peek() {
        let message = analysis.messages_of(first.messages).next();
        let frame = message.and_then(|m| analysis.messages.get(m.0 as usize)).map(|m| m.frame);
        let calls = show::count(mid.count() as u64, "call was", "calls were");
        notes.push((INFO, format!("{calls} already up when the capture starts"), frame));
    }
    let lost = ice(analysis, notes);
    sql(analysis, gathered, notes);
    super::control::notes(analysis, gathered, notes);
    super::media::notes(analysis, &lost, notes);
    let o = &analysis.other;
    let counts = [
        (analysis.stun.statistics.messages, "STUN message", "STUN messages"),
        (analysis.rtp_packets(), "RTP packet", "RTP packets"),
        (analysis.rtcp_packets(), "RTCP packet", "RTCP packets"),
        (o.websocket_sessions, "WebSocket session", "WebSocket sessions"),
    ];
    let seen: Vec<String> =
        counts.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| show::count(*n, one, many)).collect();
    if !seen.is_empty() {
        notes.push((INFO, format!("Beside SIP: {}", seen.join(", ")), None));
    }
    let comments: u64 = analysis.captures.iter().map(|c| c.comments.len() as u64).sum();
    if comments > 0 {
        let (capture, first) = analysis
            .captures
            .iter()
            .enumerate()
            .find_map(|(i, c)| Some((i, c.comments.first()?)))
            .map_or((0, None), |(i, c)| (i, Some(c)));
        if let Some((frame, text)) = first {
            let frame = frame.map(|frame| FrameRef { capture: CaptureId(capture as u16), frame });
            let text = show::shorten(&show::safe_str(text), 100);
            let more = if comments > 1 {
                format!(" (and {} more)", show::number(comments - 1))
            } else {
                String::new()
            };
            notes.push((INFO, format!("Comment in the capture: {text}{more}"), frame));
        }
    }
}
