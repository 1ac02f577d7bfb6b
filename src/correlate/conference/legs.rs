//! The calls that a conference is made of.

use super::*;

/// What a call is to a conference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LegRole {
    /// A user joins the focus.
    Focus,
    /// A user calls a conferencing server.
    Mcu,
    /// A conferencing server calls a user.
    DialOut,
    /// A user asks another one to join.
    Invitation,
}

impl LegRole {
    pub fn name(self) -> &'static str {
        match self {
            Self::Focus => "focus",
            Self::Mcu => "mcu",
            Self::DialOut => "dial_out",
            Self::Invitation => "invitation",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    pub call: CallIdx,
    pub role: LegRole,
    /// Of a conferencing server.
    pub mcu: Option<McuKind>,
}

/// So long after the command a conferencing server may call.
const DIALS_WITHIN: Nanos = 60_000_000_000;

impl Work<'_> {
    pub(super) fn leg(&mut self, at: usize, call: CallIdx, role: LegRole, mcu: Option<McuKind>) {
        let summary = &self.analysis.call(call).summary;
        let owner = Owner::Call(call);
        self.own(at, owner);
        let Some(one) = self.all.get_mut(at) else { return };
        one.start = one.start.min(summary.start);
        one.end = one.end.max(summary.last);
        match one.legs.iter_mut().find(|l| l.call == call) {
            Some(leg) if leg.role == LegRole::Invitation => (leg.role, leg.mcu) = (role, mcu),
            Some(_) => {}
            None => one.legs.push(Leg { call, role, mcu }),
        }
    }

    /// Joins calls and dialogs by their addresses, dial-outs also by whom they call and when.
    pub(super) fn join_calls(&mut self) {
        let analysis = self.analysis;
        let mut known: HashMap<Str, Option<usize>> = HashMap::new();
        let mut joined: HashSet<CallIdx> = HashSet::new();
        for (call, c) in (0u32..).map(CallIdx).zip(&analysis.calls) {
            for (uri, called) in [(c.to_uri, true), (c.from_uri, false)] {
                let Some(at) = self.place_of_address(uri, &mut known) else { continue };
                let mcu = mcu_of(&analysis.text(uri));
                let role = match (called, mcu) {
                    (true, Some(_)) => LegRole::Mcu,
                    (true, None) => LegRole::Focus,
                    (false, _) => LegRole::DialOut,
                };
                self.leg(at, call, role, mcu);
                joined.insert(call);
                break;
            }
        }
        for (index, d) in analysis.dialogs_shown() {
            let found = self.place_of_address(d.to_uri, &mut known);
            let Some(at) = found.or_else(|| self.place_of_address(d.from_uri, &mut known)) else { continue };
            self.own(at, Owner::Dialog(index));
            if let Some(one) = self.all.get_mut(at) {
                one.start = one.start.min(d.summary.start);
                one.end = one.end.max(d.summary.end);
            }
        }
        self.join_dial_outs(&joined);
    }

    fn place_of_address(&mut self, uri: Str, known: &mut HashMap<Str, Option<usize>>) -> Option<usize> {
        if let Some(place) = known.get(&uri) {
            return *place;
        }
        let analysis = self.analysis;
        // A conference's address has its id in a parameter; one without is known from documents only.
        if self.places.is_empty() && !analysis.strings.bytes(uri).contains(&b';') {
            return None;
        }
        let text = analysis.text(uri);
        let place = self.learn(&text).or_else(|| {
            // Without an id an address counts only where documents were seen to speak of it.
            let of_document = (!self.places.is_empty()).then(|| key_of_address(&text)).flatten()?;
            self.places.get(&of_document).copied()
        });
        // Most addresses of a capture are no conference's.
        if place.is_some() || conference_uri(&text).is_some() {
            known.insert(uri, place);
        }
        place
    }

    fn join_dial_outs(&mut self, joined: &HashSet<CallIdx>) {
        let analysis = self.analysis;
        if self.commands.dial_outs().next().is_none() {
            return;
        }
        let mut by_callee: HashMap<String, Vec<CallIdx>> = HashMap::new();
        for (call, c) in (0u32..).map(CallIdx).zip(&analysis.calls) {
            by_callee.entry(callee(&analysis.text(c.to_uri))).or_default().push(call);
        }
        let mut taken: HashSet<CallIdx> = HashSet::new();
        let mut found: Vec<(usize, CallIdx, Option<McuKind>)> = Vec::new();
        let all = &self.all;
        for (command, at) in self.commands.dial_outs() {
            let Some(one) = all.get(at) else { continue };
            let target = command.target.as_deref().map(callee).unwrap_or_default();
            let fits = |call: &&CallIdx| {
                let c = analysis.call(**call);
                let after = c.summary.start.saturating_sub(command.time);
                let leg = one.legs.iter().any(|l| l.call == **call && l.role == LegRole::DialOut);
                let from = analysis.text(c.from_uri);
                let of_conference = || {
                    let id = one.conference_id.to_ascii_lowercase();
                    let agent = analysis.text(c.caller_agent).to_ascii_lowercase();
                    plain(&from) == plain(&one.organizer)
                        || !id.is_empty() && from.to_ascii_lowercase().contains(&id)
                        || agent.contains("mcu")
                };
                (0..=DIALS_WITHIN).contains(&after)
                    && !taken.contains(call)
                    && (leg || !joined.contains(call) && of_conference())
            };
            let Some(call) = by_callee.get(&target).into_iter().flatten().find(fits) else { continue };
            taken.insert(*call);
            command.call = Some(*call);
            found.push((at, *call, command.mcu));
        }
        for (at, call, mcu) in found {
            self.leg(at, call, LegRole::DialOut, mcu);
        }
    }
}
