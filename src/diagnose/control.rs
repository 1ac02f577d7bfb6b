//! Remote call control (CSTA, ECMA-323 in SIP by ECMA TR/87): how much of it there was, and requests that were refused.

use std::collections::{HashMap, HashSet};

use callscope_parsers::csta::CstaKind;

use super::{Context, Family, Findings, Rule, Severity, Subject};
use crate::correlate::{Analysis, Content, MsgIdx, Owner, flag};
use crate::show;
use crate::show::csta::told;

pub(super) const FAMILY: Family = Family { title: "Remote call control", rules: &[&REFUSED] };

pub static REFUSED: Rule = Rule {
    id: "csta-error",
    severity: Severity::Warning,
    title: "remote call control was refused",
    help: "A CSTA request (in INFO or INVITE) was answered with CSTAErrorCode: the client could not steer the phone.",
    advice: "Look at the gateway between SIP and the telephone system (its log names the device), and at the line address of the user: \
             invalidDeviceID means that the system does not know it, invalidCallID that the call is over.",
    source: "ECMA-323 section 9.1; ECMA TR/87; ECMA-269 section 12.2.15",
    check: refused,
};

/// Bodies that are read again for it.
const BODIES: usize = 2_000;

/// A message on its way: the owner and tag of who sent the request, its number, and whether it is the answer.
type Step = (Owner, u32, u32, bool);

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control {
    pub sessions: u64,
    pub requests: u64,
    pub events: u64,
    /// The request that was refused (if captured), the answer, and what both say.
    pub errors: Vec<(Option<MsgIdx>, MsgIdx, String)>,
    pub first: Option<MsgIdx>,
}

impl Control {
    /// Nothing where there is more than is read again.
    pub(super) fn of(analysis: &Analysis) -> Self {
        let all = analysis.messages_carrying(&[Content::Csta]);
        let carries = all.filter(|(_, r)| !r.has(flag::DUPLICATE) && !r.has(flag::RETRANSMISSION));
        let messages: Vec<MsgIdx> = carries.map(|(m, _)| m).take(BODIES + 1).collect();
        let mut out = Self::default();
        if messages.len() > BODIES {
            return out;
        }
        let mut owners: HashSet<Owner> = HashSet::new();
        let mut seen: HashSet<Step> = HashSet::new();
        let mut asked: HashMap<Step, (MsgIdx, String)> = HashMap::new();
        for &m in &messages {
            let r = analysis.message(m);
            let step = |answer| (r.owner, r.from_tag, r.cseq, answer);
            owners.insert(r.owner);
            // The next hop says the same again.
            if !seen.insert(step(!r.is_request())) {
                continue;
            }
            let Some((kind, words)) = told(analysis, m) else { continue };
            match kind {
                CstaKind::Request => {
                    out.requests += 1;
                    asked.insert(step(false), (m, words));
                }
                CstaKind::Event => out.events += 1,
                CstaKind::Error => {
                    let of = asked.get(&step(false));
                    let text = of.map_or_else(|| words.clone(), |(_, asked)| format!("{asked}: {words}"));
                    out.errors.push((of.map(|(m, _)| *m), m, text));
                }
                CstaKind::Response => {}
            }
        }
        out.sessions = owners.len() as u64;
        out.first = messages.first().copied();
        out
    }
}

fn refused(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (request, answer, text) in &context.control().errors {
        let subject = Subject::from(analysis.message(*answer).owner);
        out.add(&REFUSED, subject, text, |f| {
            let name = match subject {
                Subject::Call(call) => context.call_name(call),
                other => other.words(),
            };
            f.who(name).what(format!("remote call control: {text}"));
            f.say(match request {
                Some(_) => "The request is in the capture, and its answer says the error.",
                None => "The request that it answers is not in the capture.",
            });
            request.iter().for_each(|m| _ = f.show_message(analysis, *m));
            f.show_message_as(analysis, *answer, show::shorten(text, 80));
        });
    }
}
