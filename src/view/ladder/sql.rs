//! Look-ups of SQL Server on the time axis: question, answer, the connection's steps.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::lifelines::Machines;
use super::stun::ends::{Anchor, Place};
use super::{LadderOptions, LadderRow, Lifeline, Tone};
use crate::capture::Nanos;
use crate::correlate::gathered::Gathered;
use crate::correlate::sql::Lookup;
use crate::correlate::{Analysis, MsgIdx, Owner};
use crate::view::{show, sql};

/// Rows made of look-ups.
const ROWS: usize = 5_000;

/// Rows to be, ends by their addresses.
#[derive(Debug, Default)]
pub struct Drawn {
    events: Vec<(sql::Event, u32)>,
    /// `look-up 3  Front End → SQL01  instance RTC`, of a ladder of it alone.
    pub title: Option<String>,
}

/// Looks up what there is to draw, and adds the lifelines that it needs: of the look-up that is wanted, else of those that
/// calls and dialogs were refused in the same seconds of.
pub fn draw(
    analysis: &Analysis,
    gathered: &Gathered<'_>,
    (owners, messages): (&[Owner], &[MsgIdx]),
    options: LadderOptions,
    machines: &mut Machines,
) -> Drawn {
    let LadderOptions { lookup: wanted, unfold, .. } = options;
    let mut drawn = Drawn::default();
    let concerned = || messages.iter().any(|m| analysis.sql_asked_before(*m));
    if wanted.is_none() && !concerned() {
        return drawn;
    }
    let all = gathered.lookups();
    let shown: Vec<&Lookup> = match wanted {
        Some(at) => all.get(at as usize).into_iter().collect(),
        None => {
            let of: HashSet<MsgIdx> = messages.iter().copied().collect();
            all.iter().filter(|l| l.sip.iter().any(|m| of.contains(m))).collect()
        }
    };
    if let (Some(at), Some(l)) = (wanted, shown.first()) {
        let (client, server) = (sql::machine(analysis, l.client), sql::machine(analysis, l.server));
        let what = if l.is_connection() { "connection" } else { "look-up" };
        let question = if l.is_connection() { String::new() } else { sql::lookup_question(l) };
        let title = format!("{what} {}  {client} → {server}  {question}", u64::from(at) + 1);
        drawn.title = Some(title.trim_end().to_owned()).filter(|_| owners.is_empty());
    }
    let mut first: HashMap<_, usize> = HashMap::new();
    let mut seen = HashSet::new();
    for e in shown.iter().flat_map(|l| sql::events(analysis, l)) {
        // Look-ups may share a connection.
        if !seen.insert((e.frame, e.src, e.what.clone())) || drawn.events.len() >= ROWS {
            continue;
        }
        let key = (e.src, e.dst, e.what.clone());
        match first.get(&key).filter(|_| !unfold).and_then(|at| drawn.events.get_mut(*at)) {
            Some((_, again)) => *again += 1,
            None => {
                first.insert(key, drawn.events.len());
                drawn.events.push((e, 0));
            }
        }
    }
    drawn.events.sort_by_key(|(e, _)| (e.time, e.frame));
    drawn.take_lifelines(analysis, machines);
    drawn
}

impl Drawn {
    /// Clients stand before the servers they ask.
    fn take_lifelines(&self, analysis: &Analysis, machines: &mut Machines) {
        let mut places: Vec<Place> = Vec::new();
        let mut known: HashMap<IpAddr, Option<usize>> = HashMap::new();
        for (e, _) in &self.events {
            let (client, server) = if e.is_answer { (e.dst, e.src) } else { (e.src, e.dst) };
            for (end, role) in [(client, "SQL client"), (server, "SQL Server")] {
                if known.contains_key(&end.ip()) {
                    continue;
                }
                let line = line_of(&machines.lifelines, machines, end.ip());
                known.insert(end.ip(), line);
                if line.is_none() {
                    let name = analysis.host_name(end.ip()).map(show::safe_str);
                    let line = Lifeline {
                        name: name.unwrap_or_else(|| end.ip().to_string()),
                        address: end.ip().to_string(),
                        role: Some(role.to_owned()),
                    };
                    let beside = known.get(&client.ip()).copied().flatten();
                    let anchor = beside.filter(|_| role == "SQL Server").map_or(Anchor::Last, Anchor::After);
                    places.push(Place::New(line, anchor));
                }
            }
        }
        machines.weave(places, |_| true);
    }

    pub fn start(&self) -> Option<Nanos> {
        self.events.first().map(|(e, _)| e.time)
    }

    /// The rows, once no lifeline comes any more.
    pub fn rows(self, machines: &Machines) -> Vec<LadderRow> {
        let at = |ip| line_of(&machines.lifelines, machines, ip).unwrap_or(0);
        self.events
            .into_iter()
            .map(|(e, again)| LadderRow::Arrow {
                time: e.time,
                frame: e.frame,
                from: at(e.src.ip()),
                to: at(e.dst.ip()),
                label: e.what,
                tone: match (e.bad, e.is_answer) {
                    (true, _) => Tone::Failure,
                    (false, true) => Tone::Success,
                    (false, false) => Tone::Request,
                },
                message: None,
                retransmissions: again,
                leg: 0,
            })
            .collect()
    }
}

fn line_of(lines: &[Lifeline], machines: &Machines, ip: IpAddr) -> Option<usize> {
    let text = ip.to_string();
    machines.single(ip).or_else(|| {
        // A machine of several parties has a line for each; the first stands for it.
        lines.iter().position(|l| {
            let port = l.address.trim_start_matches('[').strip_prefix(&text);
            port.is_some_and(|rest| rest.is_empty() || rest.starts_with(':') || rest.starts_with("]:"))
        })
    })
}
