//! Which lifeline an address of STUN and TURN belongs to: a server's, or that of the party whose candidate it is.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use callscope_parsers::stun::Dialect;

use super::super::Lifeline;
use super::super::lifelines::Machines;
use super::super::traffic::CallTraffic;
use crate::correlate::ice::{CandidateKind, IceSession, IceSide};
use crate::correlate::stun::Allocation;
use crate::correlate::{Analysis, Str};
use crate::view::show;

/// Where a lifeline that SIP does not give is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    First,
    After(usize),
    Last,
}

/// A lifeline of SIP by its number, or a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Known(usize),
    New(Lifeline, Anchor),
}

/// All ends; their numbers stand in rows until [`Machines::weave`] gives the final ones.
pub struct Ends<'a> {
    analysis: &'a Analysis,
    machines: &'a Machines,
    places: Vec<Place>,
    servers: HashMap<IpAddr, usize>,
    clients: HashMap<IpAddr, usize>,
    /// By leg and address of record.
    parties: HashMap<(usize, Str, bool), usize>,
}

impl<'a> Ends<'a> {
    pub fn of(analysis: &'a Analysis, machines: &'a Machines) -> Self {
        Self {
            analysis,
            machines,
            places: Vec::new(),
            servers: HashMap::new(),
            clients: HashMap::new(),
            parties: HashMap::new(),
        }
    }

    /// The ends of addresses; one that is a server's is none of a party's.
    pub fn addresses(&self) -> Vec<(IpAddr, usize)> {
        self.clients.iter().chain(&self.servers).map(|(ip, end)| (*ip, *end)).collect()
    }

    pub fn into_order(self) -> Vec<Place> {
        self.places
    }

    fn add(&mut self, place: Place) -> usize {
        if let Some(at) = self.places.iter().position(|p| matches!(p, Place::Known(_)) && *p == place) {
            return at;
        }
        self.places.push(place);
        self.places.len() - 1
    }

    /// Takes in the parties and servers of a leg.
    pub fn learn(&mut self, leg: usize, traffic: &CallTraffic) {
        // Servers first: a relayed address stands for none of the parties.
        let allocations = &self.analysis.stun.allocations;
        let of_call: Vec<&Allocation> =
            traffic.allocations.iter().filter_map(|a| allocations.get(a.0 as usize)).collect();
        let mut servers: Vec<(IpAddr, &Allocation)> = Vec::new();
        for a in &of_call {
            servers.extend([Some(a.server), a.relayed].into_iter().flatten().map(|s| (s.ip(), *a)));
        }
        let relays: Vec<IpAddr> = servers.iter().map(|(ip, _)| *ip).collect();
        for session in &traffic.sessions {
            for a_side in [true, false] {
                self.party(leg, session, a_side, &relays);
            }
        }
        for (ip, a) in servers {
            if self.servers.contains_key(&ip) {
                continue;
            }
            let client = self.client(a.client);
            let known = self.servers.get(&a.server.ip()).copied();
            let at = known.unwrap_or_else(|| {
                let role = if a.dialect == Dialect::MsTurn { "Edge A/V" } else { "TURN server" };
                self.server(a.server.ip(), role, client)
            });
            self.servers.insert(ip, at);
        }
    }

    /// A server's lifeline, to the right of its client's.
    pub fn server(&mut self, ip: IpAddr, role: &str, client: usize) -> usize {
        if let Some(&at) = self.servers.get(&ip) {
            return at;
        }
        let place = match self.machines.single(ip) {
            Some(known) => Place::Known(known),
            None => {
                let name = self.analysis.host_name(ip).map(show::safe_str);
                let name = name.unwrap_or_else(|| role.to_owned());
                let line = Lifeline { name, address: ip.to_string(), role: Some(role.to_owned()) };
                let anchor = match self.places.get(client) {
                    Some(Place::Known(at)) => Anchor::After(*at),
                    Some(Place::New(_, Anchor::Last)) => Anchor::Last,
                    _ => Anchor::First,
                };
                Place::New(line, anchor)
            }
        };
        let at = self.add(place);
        self.servers.insert(ip, at);
        at
    }

    /// The lifeline of a relay's client.
    pub fn client(&mut self, address: SocketAddr) -> usize {
        if let Some(&at) = self.clients.get(&address.ip()) {
            return at;
        }
        let place = match self.machines.single(address.ip()) {
            Some(known) => Place::Known(known),
            None => {
                let ip = address.ip();
                let name = self.analysis.host_name(ip).map_or_else(|| ip.to_string(), show::safe_str);
                Place::New(Lifeline { name, address: ip.to_string(), role: None }, Anchor::First)
            }
        };
        let at = self.add(place);
        self.clients.insert(address.ip(), at);
        at
    }

    /// The lifeline of an end of a packet: a server's, or the party's that is there.
    pub fn on_wire(&self, address: SocketAddr, party: usize) -> usize {
        self.servers.get(&address.ip()).copied().unwrap_or(party)
    }

    /// The lifeline of side A or B of a session.
    pub fn side(&mut self, leg: usize, session: &IceSession, side_a: bool) -> usize {
        self.party(leg, session, side_a, &[])
    }

    fn party(&mut self, leg: usize, session: &IceSession, side_a: bool, relays: &[IpAddr]) -> usize {
        let side = if side_a { &session.a } else { &session.b };
        // Re-INVITEs change the sides; whoever it is keeps the lifeline.
        let key = match side.party.filter(|p| *p != Str(0)) {
            Some(party) => (leg, party, true),
            None => (leg, Str(0), side_a),
        };
        if let Some(&at) = self.parties.get(&key) {
            return at;
        }
        let own = own_addresses(session, side_a, relays);
        let place = self.place_of(side, side_a, &own);
        let at = self.add(place);
        for ip in own {
            self.clients.entry(ip).or_insert(at);
        }
        self.parties.insert(key, at);
        at
    }

    fn place_of(&self, side: &IceSide, side_a: bool, own: &[IpAddr]) -> Place {
        if let Some(known) = own.iter().find_map(|ip| self.machines.single(*ip)) {
            return Place::Known(known);
        }
        // Signalling may go out of another interface than media.
        if let Some(m) = side.message {
            let (from, _) = self.machines.ends(&self.analysis.flow(self.analysis.message(m).flow));
            let role = self.machines.lifelines.get(from).and_then(|l| l.role.as_deref());
            if matches!(role, Some("client" | "phone")) {
                return Place::Known(from);
            }
        }
        if let Some(known) = self.by_name(side) {
            return Place::Known(known);
        }
        let address = own.first().map_or_else(String::new, IpAddr::to_string);
        let name = match side.party.filter(|p| *p != Str(0)) {
            Some(party) => show::party_short(b"", self.analysis.strings.bytes(party)),
            None if address.is_empty() => "other party".to_owned(),
            None => address.clone(),
        };
        let anchor = if side_a { Anchor::First } else { Anchor::Last };
        Place::New(Lifeline { name, address, role: Some("client".to_owned()) }, anchor)
    }
}

impl Ends<'_> {
    /// The one client that is called what the party is.
    fn by_name(&self, side: &IceSide) -> Option<usize> {
        let uri = side.party.filter(|p| *p != Str(0))?;
        let raw = |s| self.analysis.strings.bytes(s);
        let calls = self.analysis.calls.iter();
        let display = calls.flat_map(|c| [(c.from_uri, c.from_display), (c.to_uri, c.to_display)]);
        let display = display.filter(|(u, _)| *u == uri).map(|(_, d)| d).find(|d| *d != Str(0));
        let short = show::party_short(b"", raw(uri));
        let long = display.map(|d| show::party_short(raw(d), raw(uri)));
        let mut found = self.machines.lifelines.iter().enumerate().filter(|(_, l)| {
            matches!(l.role.as_deref(), Some("client" | "phone"))
                && (l.name == short || Some(&l.name) == long.as_ref())
        });
        let (at, _) = found.next()?;
        found.next().is_none().then_some(at)
    }
}

/// Addresses of a side that are no relay's: what packets come from first, then its candidates, hosts before reflexive
/// ones.
fn own_addresses(session: &IceSession, side_a: bool, relays: &[IpAddr]) -> Vec<IpAddr> {
    let side = if side_a { &session.a } else { &session.b };
    let mut out: Vec<IpAddr> = Vec::new();
    let mut add = |ip: IpAddr| {
        if !out.contains(&ip) && !relays.contains(&ip) && !ip.is_unspecified() {
            out.push(ip);
        }
    };
    for hosts in [true, false] {
        let fits = |kind| (kind == Some(CandidateKind::Host)) == hosts && kind != Some(CandidateKind::Relay);
        side.candidates.iter().filter(|c| fits(c.kind)).filter_map(|c| c.address).for_each(|a| add(a.ip()));
    }
    let used = session.pairs.iter().filter(|p| !p.messages.is_empty());
    for pair in used {
        let (kind, address) =
            if side_a { (pair.a_kind(session), pair.a) } else { (pair.b_kind(session), pair.b) };
        if kind != Some(CandidateKind::Relay) {
            add(address.ip());
        }
    }
    out
}
