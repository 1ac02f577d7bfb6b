//! How much there was to look at: what an overview tells beside what went wrong.

use std::collections::BTreeMap;

use super::ice::IceTally;
use super::{Context, Control, Findings, dialogs, im, sign_in};
use crate::capture::FrameRef;
use crate::correlate::sql::Lookup;
use crate::correlate::{Analysis, MethodId, MsgIdx};
use crate::show::relay;

/// Of one kind of thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub count: u64,
    /// Those that came to nothing.
    pub failed: u64,
    /// Where the first begins.
    pub first: Option<FrameRef>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub ice: IceTally,
    pub allocations: Counted,
    pub sign_ins: Counted,
    /// Factories of conferences are none.
    pub conferences: Counted,
    pub commands: Counted,
    pub instant_messages: Counted,
    /// Look-ups of SQL Server, and connections to it that nobody looked up.
    pub lookups: Counted,
    pub connections: Counted,
    pub control: Control,
    /// Dialogs that came to nothing, as the rules have it, by method and final status (0: none came).
    pub dialogs: BTreeMap<(MethodId, u16), u64>,
}

fn frame(analysis: &Analysis, m: Option<MsgIdx>) -> Option<FrameRef> {
    m.map(|m| analysis.message(m).frame)
}

impl Tally {
    pub(super) fn of(context: &Context<'_>, found: &Findings) -> Self {
        let analysis = context.analysis;
        let gathered = context.gathered();
        let all = &analysis.stun.allocations;
        let lost: Vec<_> = all.iter().filter(|a| relay::failed(analysis, a)).collect();
        let shown = lost.first().copied().or(all.first());
        let first = shown.and_then(|a| analysis.stun.record(a.messages?.0)).map(|r| r.frame());
        let allocations = Counted { count: all.len() as u64, failed: lost.len() as u64, first };

        let all = gathered.sign_ins();
        let first = all.first().and_then(|s| {
            let step = s.steps.first()?;
            let lookup = step.lookups.first().and_then(|i| analysis.dns.lookup(*i)).map(|l| l.frame);
            lookup.or_else(|| frame(analysis, step.messages.first().copied()))
        });
        let failed = all.iter().filter(|s| sign_in::rule_of(context, s).is_some()).count() as u64;
        let sign_ins = Counted { count: all.len() as u64, failed, first };

        let all = gathered.conferences();
        // What was asked of a factory is no conference, and may fail all the same.
        let made = all.iter().filter(|c| !c.factory).count() as u64;
        let told = all.iter().flat_map(|c| &c.commands);
        let first = frame(analysis, told.clone().map(|c| c.message).next());
        let conferences = Counted { count: made, failed: 0, first };
        let failed = all.iter().map(|c| c.failed().count() as u64).sum();
        let commands = Counted { count: told.count() as u64, failed, first };

        let all = gathered.instant_messages();
        let failed = all.iter().filter(|m| im::rule_of(context, m).is_some()).count() as u64;
        let first = frame(analysis, all.first().map(|m| m.message));
        let instant_messages = Counted { count: all.len() as u64, failed, first };

        let of = |is_connection: bool| {
            let some = gathered.lookups().iter().filter(|l| l.is_connection() == is_connection);
            let failed = |l: &&Lookup| l.verdict.is_trouble();
            Counted {
                count: some.clone().count() as u64,
                failed: some.clone().filter(failed).count() as u64,
                first: some.clone().next().map(|l| l.frame),
            }
        };
        Self {
            ice: context.sessions().tally.clone(),
            allocations,
            sign_ins,
            conferences,
            commands,
            instant_messages,
            lookups: of(false),
            connections: of(true),
            control: context.control().clone(),
            dialogs: dialogs::failed(context, found),
        }
    }
}
