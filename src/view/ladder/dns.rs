//! The look-ups before a sign-in or a call: who was asked what, and what came back.

use std::collections::HashSet;
use std::net::IpAddr;

use super::lifelines::Machines;
use super::stun::Drawn;
use super::stun::ends::{Anchor, Place};
use super::{LadderRow, Lifeline, Tone};
use crate::capture::Nanos;
use crate::correlate::dns::Lookup;
use crate::correlate::gathered::SignIn;
use crate::correlate::{Analysis, Owner};
use crate::view::packets::dns::{answered, asked};
use crate::view::show;

/// `sign-in 2  192.168.100.32 → contoso.com  look-ups only`, of one that sent no REGISTER.
pub fn title(sign_in: &SignIn, row: u32) -> String {
    let domain = show::shorten(&show::safe_str(&sign_in.domain), 60);
    format!("sign-in {}  {} → {domain}  look-ups only", u64::from(row) + 1, sign_in.client.ip())
}

/// Makes the rows, and adds the lifelines they need: of what the calls and dialogs looked up, or of a sign-in `alone`.
pub fn draw(analysis: &Analysis, owners: &[Owner], alone: Option<&SignIn>, machines: &mut Machines) -> Drawn {
    let mut seen = HashSet::new();
    let mut lookups: Vec<(usize, &Lookup)> = Vec::new();
    for (leg, owner) in owners.iter().enumerate() {
        let own = match owner {
            Owner::Dialog(dialog) => analysis.lookups_before(*dialog),
            Owner::Call(call) => analysis.lookups_before_call(*call),
        };
        let own = own.into_iter().filter(|i| seen.insert(*i));
        lookups.extend(own.filter_map(|i| Some((leg, analysis.dns.lookup(i)?))));
    }
    let of_it = alone.iter().flat_map(|s| s.lookups()).filter(|i| seen.insert(**i));
    lookups.extend(of_it.filter_map(|i| Some((0, analysis.dns.lookup(*i)?))));
    if lookups.is_empty() {
        return Drawn::default();
    }
    let mut known: Vec<IpAddr> = Vec::new();
    let mut places = Vec::new();
    let mut end = |ip: IpAddr, serves: bool| match known.iter().position(|k| *k == ip) {
        Some(at) => at,
        None => {
            known.push(ip);
            places.push(match machines.single(ip) {
                Some(at) => Place::Known(at),
                None => Place::New(line(analysis, ip, serves), Anchor::Last),
            });
            known.len() - 1
        }
    };
    let ends: Vec<(usize, usize)> =
        lookups.iter().map(|(_, l)| (end(l.client.ip(), false), end(l.server.ip(), true))).collect();
    let numbers = machines.weave(places, |_| true);
    let at = |end: usize| numbers.get(end).copied().unwrap_or(0);
    let next = answered_next(lookups.iter().map(|(_, l)| *l));
    let mut rows = Vec::new();
    for (n, (&(leg, lookup), (client, server))) in lookups.iter().zip(ends).enumerate() {
        let (client, server) = (at(client), at(server));
        let question = asked(analysis, lookup);
        let silent = lookup.answer.is_none();
        rows.push(LadderRow::Arrow {
            time: lookup.time,
            frame: lookup.frame,
            from: client,
            to: server,
            // What came of it first: names are long.
            label: if silent { format!("no answer: {question}") } else { format!("{question}?") },
            tone: if silent { Tone::Failure } else { Tone::Request },
            message: None,
            retransmissions: lookup.queries.saturating_sub(1),
            leg,
        });
        let Some(answer) = &lookup.answer else { continue };
        // Right below its question an answer need not repeat it.
        let apart = !next.contains(&n);
        let outcome = answered(analysis, lookup);
        rows.push(LadderRow::Arrow {
            time: answer.time,
            frame: answer.frame,
            from: server,
            to: client,
            label: if apart { format!("{outcome} for {question}") } else { outcome },
            tone: if lookup.found() { Tone::Success } else { Tone::Failure },
            message: None,
            retransmissions: 0,
            leg,
        });
    }
    Drawn::of(rows)
}

/// Numbers of those whose answer is what comes next after their question.
fn answered_next<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> HashSet<usize> {
    let mut moments: Vec<(Nanos, usize, bool)> = Vec::new();
    for (n, l) in lookups.enumerate() {
        moments.push((l.time, n, false));
        moments.extend(l.answer.iter().map(|a| (a.time, n, true)));
    }
    moments.sort_unstable();
    let pairs = moments.iter().zip(moments.iter().skip(1));
    pairs.filter(|((_, q, _), (_, a, answer))| q == a && *answer).map(|((_, q, _), _)| *q).collect()
}

fn line(analysis: &Analysis, ip: IpAddr, serves: bool) -> Lifeline {
    let role = if serves { "DNS" } else { "client" };
    let name = analysis.host_name(ip).map_or_else(|| role.to_owned(), show::safe_str);
    Lifeline { name, address: ip.to_string(), role: Some(role.to_owned()) }
}
