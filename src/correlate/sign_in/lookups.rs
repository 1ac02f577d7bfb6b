//! The look-ups by which a client finds its server: of the names that every client of a Communications Server tries, of the
//! user's domain, of the server itself.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use callscope_parsers::dns::RecordType;

use super::*;
use crate::correlate::SIP_PORTS;
use crate::correlate::dns::{DnsData, Lookup};

/// Look-ups so long before a REGISTER belong to it; so far apart they are different tries.
const BEFORE: Nanos = 60_000_000_000;
/// Look-ups so long before an INVITE led to its server.
const BEFORE_CALL: Nanos = 10_000_000_000;
/// Look-ups kept of one sign-in.
const MOST: usize = 64;

/// Labels before the domain, of SRV records.
const SERVICES: [&str; 8] = [
    "_sipinternaltls._tcp",
    "_sipinternal._tcp",
    "_sip._tls",
    "_sipexternaltls._tcp",
    "_sipexternal._tls",
    "_sip._tcp",
    "_sip._udp",
    "_sips._tcp",
];
/// Labels before the domain, of addresses.
const HOSTS: [&str; 5] = ["sipinternal", "sip", "sipexternal", "lyncdiscoverinternal", "lyncdiscover"];
/// Of both, those that nobody but a client that signs in asks for.
const TELLING: [&str; 8] = [
    "_sipinternaltls._tcp",
    "_sipinternal._tcp",
    "_sip._tls",
    "_sipexternaltls._tcp",
    "_sipexternal._tls",
    "sipinternal",
    "sipexternal",
    "lyncdiscoverinternal",
];

/// The well-known labels and the domain behind them.
fn well_known(name: &str, kind: RecordType) -> Option<(&'static str, &str)> {
    let labels: &[&'static str] = match kind {
        RecordType::SRV => &SERVICES,
        RecordType::A | RecordType::AAAA => &HOSTS,
        _ => return None,
    };
    labels.iter().find_map(|label| {
        let rest = name.strip_prefix(label)?.strip_prefix('.')?;
        (!rest.is_empty()).then_some((*label, rest))
    })
}

fn state_of<'a>(all: impl Iterator<Item = &'a Lookup>) -> StepState {
    let mut answered = false;
    for lookup in all {
        if lookup.found() {
            return StepState::Ok;
        }
        answered |= lookup.answer.is_some();
    }
    if answered { StepState::Failed } else { StepState::Unanswered }
}

impl Analysis {
    fn lower(&self, s: Str) -> String {
        self.text(s).to_ascii_lowercase()
    }

    /// Gives each sign-in its look-ups, and a row to the clients that came no further than those.
    pub(super) fn join_lookups(&self, all: &mut Vec<SignIn>) {
        if self.dns.lookups.is_empty() {
            return;
        }
        let mut by_client: HashMap<IpAddr, Vec<LookupIdx>> = HashMap::new();
        for (i, l) in (0u32..).map(LookupIdx).zip(&self.dns.lookups) {
            if l.queries > 0 {
                by_client.entry(l.client.ip()).or_default().push(i);
            }
        }
        let mut used = HashSet::new();
        for sign_in in all.iter_mut() {
            let Some(own) = by_client.get(&sign_in.client.ip()) else { continue };
            let server = sign_in.server.map(|s| s.ip());
            let lookups = self.lookups_of(own, &sign_in.domain, server, sign_in.start, &used);
            if lookups.is_empty() {
                continue;
            }
            used.extend(&lookups);
            let state = state_of(lookups.iter().filter_map(|i| self.dns.lookup(*i)));
            let first = lookups.first().and_then(|i| self.dns.lookup(*i)).map_or(sign_in.start, |l| l.time);
            sign_in.start = sign_in.start.min(first);
            sign_in.steps.insert(0, Step { kind: StepKind::Dns, state, messages: Vec::new(), lookups });
        }
        self.stopped_at_dns(all, &by_client, &used);
    }

    /// The look-ups that belong to the first REGISTER of a dialog.
    pub fn lookups_before(&self, dialog: DialogIdx) -> Vec<LookupIdx> {
        let d = self.dialog(dialog);
        let first = self.messages_of(d.messages).next().filter(|_| d.method == MethodId::REGISTER);
        let Some(record) = first.map(|m| self.message(m)).filter(|_| !self.dns.lookups.is_empty()) else {
            return Vec::new();
        };
        let flow = self.flow(record.flow);
        let (client, server) = if record.is_request() { (flow.src, flow.dst) } else { (flow.dst, flow.src) };
        let all = (0u32..).map(LookupIdx).zip(&self.dns.lookups);
        let own: Vec<LookupIdx> =
            all.filter(|(_, l)| l.queries > 0 && l.client.ip() == client.ip()).map(|(i, _)| i).collect();
        let domain = domain_of(self.strings.bytes(d.from_uri));
        self.lookups_of(&own, &domain, Some(server.ip()), record.time, &HashSet::new())
    }

    /// The look-ups that led the caller of a call to the server it went to, shortly before.
    pub fn lookups_before_call(&self, call: CallIdx) -> Vec<LookupIdx> {
        if self.dns.lookups.is_empty() {
            return Vec::new();
        }
        let c = self.call(call);
        let Some(record) = self.messages_of(c.messages).next().map(|m| self.message(m)) else {
            return Vec::new();
        };
        if !record.is_request() || record.method != MethodId::INVITE {
            return Vec::new();
        }
        let flow = self.flow(record.flow);
        let all = (0u32..).map(LookupIdx).zip(&self.dns.lookups);
        let fresh = record.time.saturating_sub(BEFORE_CALL);
        let own: Vec<LookupIdx> = all
            .filter(|(_, l)| l.queries > 0 && l.client.ip() == flow.src.ip() && l.last >= fresh)
            .map(|(i, _)| i)
            .collect();
        let domain = domain_of(self.strings.bytes(c.to_uri));
        let found = self.lookups_of(&own, &domain, Some(flow.dst.ip()), record.time, &HashSet::new());
        let records =
            found.iter().filter_map(|i| self.dns.lookup(*i)?.answer.as_ref()).flat_map(|a| &a.records);
        let mut addresses = records.filter_map(|r| match r.data {
            DnsData::Address(a) => Some(a),
            _ => None,
        });
        // The client may have asked for itself, and gone elsewhere.
        if addresses.any(|a| a == flow.dst.ip()) { found } else { Vec::new() }
    }

    /// Those of a client that lead to `server` or to the domain's, shortly before `start`.
    fn lookups_of(
        &self,
        own: &[LookupIdx],
        domain: &str,
        server: Option<IpAddr>,
        start: Nanos,
        used: &HashSet<LookupIdx>,
    ) -> Vec<LookupIdx> {
        let times = |i: &LookupIdx| self.dns.lookup(*i).map_or(0, |l| l.time);
        let from = own.partition_point(|i| times(i) < start.saturating_sub(BEFORE));
        let mut targets: HashSet<String> = HashSet::new();
        let mut out = Vec::new();
        for &i in own.get(from..).unwrap_or_default() {
            let Some(l) = self.dns.lookup(i).filter(|l| l.time <= start) else { break };
            if used.contains(&i) || out.len() >= MOST {
                continue;
            }
            let name = self.lower(l.name);
            let of_domain = !domain.is_empty()
                && (name == domain || well_known(&name, l.kind).is_some_and(|(_, rest)| rest == domain));
            let records = || l.answer.iter().flat_map(|a| &a.records);
            let to_server = || records().any(|r| matches!(r.data, DnsData::Address(a) if Some(a) == server));
            if of_domain || targets.contains(&name) || to_server() {
                for r in records() {
                    if let DnsData::Srv { target, .. } | DnsData::Name(target) = r.data {
                        targets.insert(self.lower(target));
                    }
                }
                out.push(i);
            }
        }
        out
    }

    /// A client may know a name without asking (a hosts file, its cache): whether TLS to a SIP server, or to a well-known
    /// name of the domain, began while it asked or soon after.
    fn signs_in_encrypted(&self, client: IpAddr, domain: &str, from: Nanos, last: Nanos) -> bool {
        self.tls.iter().any(|t| {
            let named = || {
                let name = t.server_name.as_deref().unwrap_or_default().to_ascii_lowercase();
                well_known(&name, RecordType::A).is_some_and(|(_, rest)| rest == domain)
            };
            t.client.is_some_and(|c| c.ip() == client)
                && (from..=last.saturating_add(BEFORE)).contains(&t.first)
                && (t.server.is_some_and(|s| SIP_PORTS.contains(&s.port())) || named())
        })
    }

    /// Clients that asked for the well-known names in vain, and never sent a REGISTER behind them.
    fn stopped_at_dns(
        &self,
        all: &mut Vec<SignIn>,
        by_client: &HashMap<IpAddr, Vec<LookupIdx>>,
        used: &HashSet<LookupIdx>,
    ) {
        // A server that passes questions on asks them too, for others.
        let servers: HashSet<IpAddr> = self.dns.lookups.iter().map(|l| l.server.ip()).collect();
        let mut clients: Vec<_> = by_client.iter().filter(|(ip, _)| !servers.contains(ip)).collect();
        clients.sort_by_key(|(ip, _)| **ip);
        let registered: HashSet<IpAddr> = all.iter().map(|s| s.client.ip()).collect();
        for (ip, own) in clients {
            if registered.contains(ip) {
                continue;
            }
            let mut by_domain: HashMap<String, (Vec<LookupIdx>, bool)> = HashMap::new();
            for &i in own.iter().filter(|i| !used.contains(i)) {
                let Some(l) = self.dns.lookup(i) else { continue };
                let name = self.lower(l.name);
                let Some((label, domain)) = well_known(&name, l.kind) else { continue };
                let (list, telling) = by_domain.entry(domain.to_owned()).or_default();
                *telling |= TELLING.contains(&label);
                list.push(i);
            }
            let mut domains: Vec<_> = by_domain.into_iter().collect();
            domains.sort();
            // What is asked with the computer's own domain behind it is asked for the domain in front.
            let tried: Vec<String> = domains.iter().map(|(domain, _)| domain.clone()).collect();
            let appended = |domain: &str| {
                let inner =
                    |d: &String| domain.strip_prefix(d.as_str()).is_some_and(|rest| rest.starts_with('.'));
                tried.iter().any(inner)
            };
            for (domain, (mut lookups, telling)) in domains {
                if appended(&domain) {
                    continue;
                }
                let told: Vec<&Lookup> = lookups.iter().filter_map(|i| self.dns.lookup(*i)).collect();
                let state = state_of(told.iter().copied());
                // Where a name led somewhere the client went on, most likely inside of TLS.
                let (Some(first), Some(last)) = (told.first(), told.last()) else { continue };
                if !telling
                    || state == StepState::Ok
                    || self.signs_in_encrypted(*ip, &domain, first.time, last.last)
                {
                    continue;
                }
                let apart = told.windows(2).filter(|w| w[1].time.saturating_sub(w[0].last) > BEFORE).count();
                let (client, start, end) = (first.client, first.time, last.last);
                lookups.truncate(MOST);
                let step = Step { kind: StepKind::Dns, state, messages: Vec::new(), lookups };
                all.push(SignIn {
                    attempts: u32::try_from(apart + 1).unwrap_or(u32::MAX),
                    steps: vec![step],
                    ..SignIn::without_register(domain, client, start, end)
                });
            }
        }
    }
}

impl SignIn {
    fn without_register(domain: String, client: SocketAddr, start: Nanos, end: Nanos) -> Self {
        Self {
            user: Str(0),
            domain,
            epid: String::new(),
            client,
            server: None,
            transport: None,
            state: SignInState::Unanswered,
            status: 0,
            auth: None,
            offered: Vec::new(),
            realm: String::new(),
            target: String::new(),
            refused_credentials: false,
            rounds: Vec::new(),
            redirect: None,
            keep_alive: None,
            remote: false,
            ended: None,
            expires: None,
            attempts: 0,
            refreshes: 0,
            start,
            end,
            took: None,
            steps: Vec::new(),
            mras: None,
            credentials: Vec::new(),
            provisioning: Vec::new(),
            dialogs: Vec::new(),
        }
    }

    /// The look-ups of its step dns.
    pub fn lookups(&self) -> &[LookupIdx] {
        let step = self.steps.iter().find(|s| s.kind == StepKind::Dns);
        step.map_or(&[], |s| &s.lookups)
    }
}
