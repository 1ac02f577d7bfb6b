//! Which lifelines the two ends of a stream are.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::super::Lifeline;
use super::super::lifelines::Machines;
use super::super::stun::ends::{Anchor, Place};
use crate::correlate::{Analysis, CallIdx, Flow, MethodId, Owner};
use crate::view::show;

/// Numbers of ends until [`Machines::weave`] gives the final ones.
pub(super) struct Ends<'a> {
    analysis: &'a Analysis,
    machines: &'a Machines,
    lines: &'a HashMap<IpAddr, usize>,
    places: Vec<Place>,
    known: HashMap<(IpAddr, Option<bool>, Option<CallIdx>), usize>,
    /// Lifelines of caller and callee, with their addresses.
    parties: HashMap<CallIdx, [Option<(usize, IpAddr)>; 2]>,
}

impl<'a> Ends<'a> {
    pub fn new(analysis: &'a Analysis, machines: &'a Machines, lines: &'a HashMap<IpAddr, usize>) -> Self {
        let (places, known, parties) = (Vec::new(), HashMap::new(), HashMap::new());
        Self { analysis, machines, lines, places, known, parties }
    }

    pub fn into_places(self) -> Vec<Place> {
        self.places
    }

    /// Numbers of source and destination.
    pub fn of(&mut self, flow: &Flow, call: Option<CallIdx>, from_caller: Option<bool>) -> (usize, usize) {
        let from = self.end(call, flow.src, from_caller);
        (from, self.end(call, flow.dst, from_caller.map(|c| !c)))
    }

    /// The end at an address; `of_caller`: whose it is, where that is known.
    fn end(&mut self, call: Option<CallIdx>, address: SocketAddr, of_caller: Option<bool>) -> usize {
        let ip = address.ip();
        let single = self.machines.single(ip).or_else(|| self.lines.get(&ip).copied());
        // Where one address stands for several parties, or is nobody's yet, it depends on who is meant.
        let key = if single.is_some() { (ip, None, None) } else { (ip, of_caller, call) };
        if let Some(at) = self.known.get(&key) {
            return *at;
        }
        let party = of_caller.zip(call);
        let at = single
            .or_else(|| self.party(party?.1)[usize::from(!party?.0)].filter(|p| p.1 == ip).map(|p| p.0));
        let place = at.map_or_else(|| self.newcomer(call, ip, of_caller), Place::Known);
        let known = self.places.iter().position(|p| *p == place);
        let at = known.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        });
        self.known.insert(key, at);
        at
    }

    /// Lifelines of the caller and the callee: who sent the first INVITE, and who answered it first.
    fn party(&mut self, call: CallIdx) -> [Option<(usize, IpAddr)>; 2] {
        if let Some(known) = self.parties.get(&call) {
            return *known;
        }
        let list = self.analysis.list_of(Owner::Call(call));
        let mut found = [None, None];
        for m in self.analysis.messages_of(list).take(200) {
            let r = self.analysis.message(m);
            if r.method != MethodId::INVITE {
                continue;
            }
            let flow = self.analysis.flow(r.flow);
            let line = self.machines.ends(&flow).0;
            match r.status {
                0 if found[0].is_none() => found[0] = Some((line, flow.src.ip())),
                101..=299 if found[1].is_none() => found[1] = Some((line, flow.src.ip())),
                _ => {}
            }
        }
        self.parties.insert(call, found);
        found
    }

    /// A lifeline that neither SIP nor STUN gives.
    fn newcomer(&self, call: Option<CallIdx>, ip: IpAddr, of_caller: Option<bool>) -> Place {
        let raw = |s| self.analysis.strings.bytes(s);
        let party = of_caller.zip(call).map(|(caller, call)| {
            let c = self.analysis.call(call);
            match caller {
                true => show::party_short(raw(c.from_display), raw(c.from_uri)),
                false => show::party_short(raw(c.to_display), raw(c.to_uri)),
            }
        });
        let taken = |name: &str| {
            let of_places = self.places.iter().filter_map(|p| match p {
                Place::New(line, _) => Some(line.name.as_str()),
                Place::Known(_) => None,
            });
            self.machines.lifelines.iter().map(|l| l.name.as_str()).chain(of_places).any(|n| n == name)
        };
        // Who stands there already has another address: this may be a translation of it, or a machine in between.
        let party = party.filter(|name| !name.is_empty() && !taken(name));
        let host = self.analysis.host_name(ip).map(show::safe_str);
        let name = host.or(party).unwrap_or_else(|| ip.to_string());
        let line = Lifeline { name, address: ip.to_string(), role: Some("media".to_owned()) };
        Place::New(line, Anchor::Last)
    }
}
