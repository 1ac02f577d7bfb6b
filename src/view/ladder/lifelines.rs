//! Which machines take part, in which order they stand, and what they are called.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use callscope_parsers::sip::{self, Message, parse_message};

use super::Lifeline;
use super::roles::{self, Role};
use super::stun::ends::{Anchor, Place};
use crate::correlate::{
    Analysis, CallIdx, DialogIdx, Flow, MethodId, MsgIdx, Owner, SipRecord, Transport, flag,
};
use crate::view::show;

/// Messages read to learn what one machine is, and over all machines.
const READS: usize = 6;
const READS_IN_ALL: usize = 400;

/// A machine: its address, with the port only where the address stands for several.
type Spot = (IpAddr, Option<u16>);

/// Lifelines and the way from addresses to them.
pub struct Machines {
    split: HashSet<IpAddr>,
    /// Ephemeral port of a connection → the port its user gives as its own.
    ports: HashMap<SocketAddr, u16>,
    index: HashMap<Spot, usize>,
    pub lifelines: Vec<Lifeline>,
}

impl Machines {
    /// `messages` in the order they are drawn.
    pub fn of(analysis: &Analysis, messages: &[MsgIdx]) -> Self {
        let (split, ports) = shared_addresses(analysis, messages);
        let mut machines = Self { split, ports, index: HashMap::new(), lifelines: Vec::new() };
        let mut places: Vec<Spot> = Vec::new();
        let mut found = HashMap::new();
        let mut ends = Vec::with_capacity(messages.len());
        for &m in messages {
            let flow = analysis.flow(analysis.message(m).flow);
            let mut place = |a| {
                let place = machines.place(a);
                *found.entry(place).or_insert_with(|| {
                    places.push(place);
                    places.len() - 1
                })
            };
            ends.push((place(flow.src), place(flow.dst)));
        }
        let order = path_order(analysis, messages, &ends, places.len());
        let known = learn(analysis, messages, &ends, &places);
        for (at, &old) in order.iter().enumerate() {
            machines.index.insert(places[old], at);
            machines.lifelines.push(lifeline(analysis, places[old], &known[old]));
        }
        machines
    }

    fn place(&self, a: SocketAddr) -> Spot {
        let port = self.split.contains(&a.ip()).then(|| self.ports.get(&a).copied().unwrap_or(a.port()));
        (a.ip(), port)
    }

    /// Lifelines of a message's two ends.
    pub fn ends(&self, flow: &Flow) -> (usize, usize) {
        let at = |a| self.index.get(&self.place(a)).copied().unwrap_or(0);
        (at(flow.src), at(flow.dst))
    }
}

impl Machines {
    /// The lifeline of an address that stands for one machine.
    pub fn single(&self, ip: IpAddr) -> Option<usize> {
        self.index.get(&(ip, None)).copied()
    }

    /// Takes lifelines in that no SIP message gives; the final number of each place.
    pub fn weave(&mut self, places: Vec<Place>) -> Vec<usize> {
        let old = std::mem::take(&mut self.lifelines);
        let mut moved = vec![0; old.len()];
        let mut out = vec![0; places.len()];
        let count = old.len();
        let mut put = |anchor: Anchor, lifelines: &mut Vec<Lifeline>| {
            for (place, at) in places.iter().zip(&mut out) {
                if let Place::New(line, known) = place
                    && *known == anchor
                {
                    *at = lifelines.len();
                    lifelines.push(line.clone());
                }
            }
        };
        let mut lifelines = Vec::with_capacity(count + places.len());
        put(Anchor::First, &mut lifelines);
        for (i, line) in old.into_iter().enumerate() {
            moved[i] = lifelines.len();
            lifelines.push(line);
            put(Anchor::After(i), &mut lifelines);
        }
        put(Anchor::Last, &mut lifelines);
        for (place, at) in places.iter().zip(&mut out) {
            if let Place::Known(i) = place {
                *at = moved.get(*i).copied().unwrap_or(0);
            }
        }
        for at in self.index.values_mut() {
            *at = moved.get(*at).copied().unwrap_or(0);
        }
        self.lifelines = lifelines;
        out
    }
}

/// Addresses behind which there are several parties: ones that send to themselves, and ones that an INVITE leaves from one
/// port and comes back to at another (two parties behind one NAT).
fn shared_addresses(analysis: &Analysis, messages: &[MsgIdx]) -> (HashSet<IpAddr>, HashMap<SocketAddr, u16>) {
    let mut split = HashSet::new();
    let mut first: HashMap<(IpAddr, u32, u32), Option<u16>> = HashMap::new();
    for &m in messages {
        let record = analysis.message(m);
        let Flow { src, dst, .. } = analysis.flow(record.flow);
        if src.ip() == dst.ip() && src.port() != dst.port() {
            split.insert(src.ip());
        }
        if opens_call(record) {
            let key = |a: SocketAddr| (a.ip(), record.from_tag, record.cseq);
            first.entry(key(src)).or_insert(Some(src.port()));
            if let Some(left_from) = *first.entry(key(dst)).or_insert(None)
                && left_from != dst.port()
            {
                split.insert(dst.ip());
            }
        }
    }
    let mut ports = HashMap::new();
    let mut reads = 0;
    for &m in messages {
        let record = analysis.message(m);
        let flow = analysis.flow(record.flow);
        if reads >= READS_IN_ALL || matches!(flow.transport, Transport::Udp | Transport::Sctp) {
            continue;
        }
        if split.contains(&flow.src.ip()) && record.is_request() && !ports.contains_key(&flow.src) {
            reads += 1;
            let own = own_port(analysis, m, flow.src.ip()).unwrap_or(flow.src.port());
            ports.insert(flow.src, own);
        }
    }
    (split, ports)
}

/// Port in the topmost Via, if that names the machine itself.
fn own_port(analysis: &Analysis, m: MsgIdx, ip: IpAddr) -> Option<u16> {
    let bytes = analysis.message_bytes(m).ok()?;
    let message = parse_message(&bytes)?;
    let via = String::from_utf8_lossy(&message.header("Via")?.value).into_owned();
    let sent_by = via.split_whitespace().nth(1)?.split([';', ',']).next()?.to_owned();
    let own: SocketAddr = sent_by.parse().ok()?;
    (own.ip() == ip).then_some(own.port())
}

fn opens_call(record: &SipRecord) -> bool {
    record.is_request() && record.method == MethodId::INVITE && !record.has(flag::TO_TAG)
}

/// The caller first, then along the path of the requests that open calls and dialogs; machines off that path where they are
/// first used.
fn path_order(analysis: &Analysis, messages: &[MsgIdx], ends: &[(usize, usize)], count: usize) -> Vec<usize> {
    let mut before: Vec<HashSet<usize>> = vec![HashSet::new(); count];
    for (&m, &(from, to)) in messages.iter().zip(ends) {
        let record = analysis.message(m);
        if from != to && record.is_request() && !record.has(flag::TO_TAG) && record.method != MethodId::CANCEL
            // A way back (a spiral, a transfer over the same proxy) does not turn the order round.
            && !reaches(&before, to, from)
        {
            before[to].insert(from);
        }
    }
    let mut order = Vec::with_capacity(count);
    let mut placed = vec![false; count];
    while order.len() < count {
        // Indices are by first use, so the first that is free is the earliest.
        let free = (0..count).find(|&i| !placed[i] && before[i].iter().all(|&b| placed[b]));
        let Some(next) = free.or_else(|| (0..count).find(|&i| !placed[i])) else { break };
        placed[next] = true;
        order.push(next);
    }
    order
}

/// Is `from` to stand somewhere before `to` already?
fn reaches(before: &[HashSet<usize>], from: usize, to: usize) -> bool {
    let mut open = vec![to];
    let mut seen = HashSet::new();
    while let Some(at) = open.pop() {
        if at == from {
            return true;
        }
        if seen.insert(at) {
            open.extend(before[at].iter().copied());
        }
    }
    false
}

/// What the messages of a machine tell of it.
#[derive(Debug, Clone, Default)]
struct Known {
    agent: String,
    user: Option<String>,
    /// Passes on what others send.
    relay: bool,
    /// Passes on what others send without a change: its address stands for theirs.
    unchanged: bool,
    /// Answers for itself though it is nobody's client (registrar, presence server).
    server: bool,
    /// Answered a REGISTER, whatever software it names.
    registrar: bool,
    reads: usize,
}

fn learn(analysis: &Analysis, messages: &[MsgIdx], ends: &[(usize, usize)], places: &[Spot]) -> Vec<Known> {
    let mut known = vec![Known::default(); places.len()];
    let mut seen: HashMap<_, (usize, MsgIdx)> = HashMap::new();
    let mut reads = 0;
    for (&m, &(from, _)) in messages.iter().zip(ends) {
        let r = analysis.message(m);
        if r.has(flag::RETRANSMISSION) || r.has(flag::DUPLICATE) {
            continue;
        }
        let to_tag = if r.is_request() { 0 } else { r.to_tag };
        let key = (r.owner, r.method, r.status, r.cseq, r.from_tag, to_tag);
        let (sender, as_sent) = *seen.entry(key).or_insert((from, m));
        let Some(k) = known.get_mut(from) else { continue };
        if sender != from {
            if r.method == MethodId::ACK || k.relay {
                continue;
            }
            // A proxy puts a Via on top or takes one off; an address translation leaves the bytes alone.
            let read = k.reads < READS && reads < READS_IN_ALL;
            if read {
                k.reads += 1;
                reads += 1;
            }
            match (read, analysis.message_bytes(m), analysis.message_bytes(as_sent)) {
                (true, Ok(here), Ok(there)) if here == there => k.unchanged = true,
                (false, ..) if k.unchanged => {}
                _ => k.relay = true,
            }
            continue;
        }
        if k.reads >= READS || reads >= READS_IN_ALL || k.user.is_some() && !k.agent.is_empty() {
            continue;
        }
        k.reads += 1;
        reads += 1;
        if let Ok(bytes) = analysis.message_bytes(m)
            && let Some(message) = parse_message(&bytes)
        {
            let ip = places.get(from).map(|p| p.0);
            learn_from(analysis, r, &message, ip, k);
        }
    }
    known
}

fn learn_from(analysis: &Analysis, r: &SipRecord, message: &Message<'_>, ip: Option<IpAddr>, k: &mut Known) {
    let agent = |name| message.header(name).map(|h| show::safe(&h.value));
    let Some(scan) = sip::scan(message.bytes) else { return };
    let names_user = |uri: &[u8]| !show::user_of(uri).is_empty();
    if r.is_request() {
        let vias: usize =
            message.headers_named("Via").map(|h| 1 + h.value.iter().filter(|&&b| b == b',').count()).sum();
        if vias > 1 {
            k.relay = true;
            return;
        }
        set_agent(k, agent("User-Agent").or_else(|| agent("Server")));
        let notifies = matches!(r.method, MethodId::NOTIFY | MethodId::BENOTIFY);
        if k.user.is_none() && !notifies && names_user(scan.from.uri) {
            k.user = Some(show::party_short(scan.from.display, scan.from.uri));
        }
        return;
    }
    let passed_on = ip.is_some_and(|ip| {
        let ip = ip.to_string();
        let own = |name| {
            message.headers_named(name).any(|h| memchr::memmem::find(&h.value, ip.as_bytes()).is_some())
        };
        own("Record-Route") && !own("Contact")
    });
    if passed_on && !matches!(r.status, 100 | 401 | 407) {
        k.relay = true;
        return;
    }
    set_agent(k, agent("Server").or_else(|| agent("User-Agent")));
    let by_server = matches!(
        r.method,
        MethodId::REGISTER | MethodId::SUBSCRIBE | MethodId::PUBLISH | MethodId::SERVICE | MethodId::OPTIONS
    );
    let by_user = matches!(r.status, 180..300 | 486 | 600 | 603);
    if by_server {
        k.server |= r.status >= 200 && opens_dialog(analysis, r);
        k.registrar |= r.status >= 200 && r.method == MethodId::REGISTER;
    } else if by_user && k.user.is_none() && names_user(scan.to.uri) {
        k.user = Some(show::party_short(scan.to.display, scan.to.uri));
    }
}

/// Was the request the one that opened its dialog? (A SUBSCRIBE inside a call is answered by a user.)
fn opens_dialog(analysis: &Analysis, r: &SipRecord) -> bool {
    match r.owner {
        Owner::Dialog(d) => analysis.dialog(d).method == r.method,
        Owner::Call(_) => false,
    }
}

fn set_agent(k: &mut Known, agent: Option<String>) {
    if let Some(agent) = agent
        && k.agent.is_empty()
    {
        k.agent = agent;
    }
}

fn lifeline(analysis: &Analysis, (ip, port): Spot, k: &Known) -> Lifeline {
    let address = match port {
        Some(port) => SocketAddr::new(ip, port).to_string(),
        None => ip.to_string(),
    };
    let by_agent = roles::role_of_agent(&k.agent);
    let serves = k.relay || k.server || k.registrar || by_agent.is_some_and(|r| r.server);
    let role = match by_agent {
        // A proxy passes on answers that bear the name of a client.
        Some(Role { server: false, .. }) if k.relay => Some("proxy"),
        // One that takes registrations is no client, even if it names itself as one.
        Some(Role { server: false, .. }) if k.registrar => Some("registrar"),
        Some(role) => Some(role.name),
        None if k.relay => Some("proxy"),
        None if k.unchanged && k.user.is_none() && k.agent.is_empty() => Some("NAT"),
        None if k.registrar => Some("registrar"),
        None if k.server => Some("server"),
        None if k.user.is_some() => Some("client"),
        None => None,
    };
    let name = analysis
        .host_name(ip)
        .map(show::safe_str)
        .or_else(|| k.user.clone().filter(|_| !serves))
        .or_else(|| role.map(str::to_owned))
        .unwrap_or_else(|| address.clone());
    Lifeline { name, address, role: role.map(str::to_owned) }
}

/// Calls and dialogs looked at to learn who is what, and their first messages.
const SAMPLE: usize = 40;
const SAMPLE_MESSAGES: usize = 60;

/// What the capture as a whole tells of its machines.
pub fn known(analysis: &Analysis) -> HashMap<IpAddr, Lifeline> {
    let mut known = HashMap::new();
    for line in Machines::of(analysis, &sample(analysis)).lifelines {
        let ip = line.address.parse().or_else(|_| line.address.parse().map(|a: SocketAddr| a.ip()));
        if let Ok(ip) = ip {
            known.entry(ip).or_insert(line);
        }
    }
    known
}

/// A machine that is a server elsewhere in the capture is none of the clients here.
pub fn refine(analysis: &Analysis, lifelines: &mut [Lifeline]) {
    let unsure = |line: &Lifeline| matches!(line.role.as_deref(), None | Some("client" | "server"));
    if !lifelines.iter().any(unsure) {
        return;
    }
    let known = known(analysis);
    for line in lifelines.iter_mut().filter(|l| unsure(l)) {
        // Of an address with several parties behind it no more is known than what they say here.
        let Some(other) = line.address.parse().ok().and_then(|ip: IpAddr| known.get(&ip)) else { continue };
        let serves =
            other.role.as_deref().is_some_and(|r| !matches!(r, "client" | "phone" | "server" | "NAT"));
        if serves && other.address == line.address {
            *line = other.clone();
        }
    }
}

/// Messages of calls and dialogs spread over the whole capture.
fn sample(analysis: &Analysis) -> Vec<MsgIdx> {
    let spread = |n: usize| (0..n.min(SAMPLE)).map(move |i| (i * n / n.min(SAMPLE)) as u32);
    let calls = spread(analysis.calls.len()).map(|c| Owner::Call(CallIdx(c)));
    let dialogs = spread(analysis.dialogs.len()).map(|d| Owner::Dialog(DialogIdx(d)));
    let mut messages = Vec::new();
    for owner in calls.chain(dialogs) {
        let list = match owner {
            Owner::Call(c) => analysis.call(c).messages,
            Owner::Dialog(d) if analysis.dialog(d).messages.count == 0 => continue,
            Owner::Dialog(d) => analysis.dialog(d).messages,
        };
        messages.extend(analysis.messages_of(list).take(SAMPLE_MESSAGES));
    }
    messages.sort_unstable();
    messages
}
