//! Where a decoded SIP message joins the analysis.

use super::Analysis;
use super::ice::for_each_name;
use super::leftover::is_call_id_cut;
use super::model::*;
use super::owner::Owners;
use crate::capture::{CaptureIssue, FrameRef};
use crate::decode::{DecodedSip, Keys, KindBits, Scanned};

impl Analysis {
    /// Adds a message, whose bytes lie at `bytes`, to its call or dialog. `None` where a limit is hit (counted and noted as an issue).
    pub fn add_message(&mut self, m: &DecodedSip<'_>, bytes: BytesRef) -> Option<MsgIdx> {
        if let Some(path) = self.path_of_sip(m) {
            return self.add_sip_on(path, m, bytes);
        }
        let scan = m.scan;
        let keys = m.keys.unwrap_or_else(|| {
            let state = self.strings.state();
            Keys::of(&scan.whole(), m.raw, (m.src, m.dst), m.transport, state, &self.leg_headers)
        });
        let method = keys.method.unwrap_or_else(|| self.method_of(scan, m.frame));
        self.count(m, method);
        let Ok(index) = u32::try_from(self.messages.len()) else {
            return self.over_limit("limit-sip-messages", m.frame);
        };
        if self.messages.len() >= self.limits.sip_messages {
            return self.over_limit("limit-sip-messages", m.frame);
        }
        let index = MsgIdx(index);
        let Some(flow) = self.flow_id(Flow { src: m.src, dst: m.dst, transport: m.transport }, keys.flow)
        else {
            return self.over_limit("limit-flows", m.frame);
        };
        let mut record = SipRecord {
            time: m.time,
            bytes,
            frame: m.frame,
            flow,
            owner: Owner::Call(CallIdx(0)),
            next: NextMsg::NONE,
            head: u16::try_from(scan.body_start()).unwrap_or(u16::MAX),
            content: keys.content,
            method,
            status: scan.status(),
            cseq: scan.cseq(),
            branch: keys.branch,
            from_tag: keys.from_tag,
            to_tag: keys.to_tag,
            reason: self.reason(scan, &keys),
            candidates: scan.sdp().map_or(0, |(_, candidates, _)| candidates),
            flags: flags_of(m, &keys),
            dscp: PackedDscp::pack(m.dscp.filter(|_| !m.duplicate)),
        };
        let call_id_cut = is_call_id_cut(m);
        let owner = if call_id_cut {
            self.leftover_row(index, &record)
        } else {
            let key = Owners::key(self.strings.intern_hashed(scan.call_id(), keys.call_id), scan);
            self.owner_for(key, index, &record, scan)
        };
        let Some(owner) = owner else {
            return self.over_limit("limit-dialogs", m.frame);
        };
        record.owner = owner;
        if m.duplicate {
            record.flags |= flag::DUPLICATE;
        } else if call_id_cut || !self.sent_before(owner, flow, m.digest) {
            // Met for the first time.
        } else if self.seen_on_other_side(flow, m.digest) {
            record.flags |= flag::DUPLICATE;
            self.sip.duplicates += 1;
        } else {
            record.flags |= flag::RETRANSMISSION;
            self.sip.retransmissions += 1;
        }
        if record.candidates > 0 && record.is_request() {
            self.syntaxes.push((index, scan.candidate_kinds().syntax()));
        }
        self.census.note(&record);
        self.messages.push(record);
        self.append(owner, index);
        self.frames.push(&self.messages, index);
        if !m.parts.is_empty() {
            self.parts.push((index, u32::try_from(self.part_frames.len()).unwrap_or(u32::MAX)));
            self.part_frames.extend_from_slice(m.parts);
        }
        self.newest = self.newest.max(m.time);
        match owner {
            Owner::Call(call) => self.learn_call(call, index, &record, m, &keys),
            Owner::Dialog(dialog) => {
                if let (Some(seconds), Some(work)) =
                    (scan.expires(), self.dialog_work.get_mut(dialog.0 as usize))
                {
                    work.expires = Some(seconds);
                }
                if record.has(flag::TERMINATED) {
                    let reason = self.strings.intern(subscription_reason(scan.subscription_state()));
                    if let Some(work) = self.dialog_work.get_mut(dialog.0 as usize) {
                        work.terminated_reason = reason;
                    }
                }
            }
        }
        Some(index)
    }

    fn sent_before(&mut self, owner: Owner, flow: FlowId, digest: u64) -> bool {
        let recent = match owner {
            Owner::Call(c) => self.call_work.get_mut(c.0 as usize).map(|w| &mut w.recent),
            Owner::Dialog(d) => self.dialog_work.get_mut(d.0 as usize).map(|w| &mut w.recent),
        };
        recent.is_some_and(|r| r.seen(flow, digest))
    }

    fn method_of(&mut self, scan: Scanned<'_>, frame: FrameRef) -> MethodId {
        let name = if scan.status() == 0 { scan.method() } else { scan.cseq_method() };
        let known = self.methods.len();
        let id = self.methods.intern(name, self.limits.methods);
        if self.methods.len() > known && self.methods.len() > self.limits.methods {
            self.note_limit("limit-methods", frame, "further method names are shown as (other)");
        }
        id
    }

    /// Every message is counted, whatever becomes of it.
    fn count(&mut self, m: &DecodedSip<'_>, method: MethodId) {
        let sip = &mut self.sip;
        sip.messages += 1;
        sip.duplicates += u64::from(m.duplicate);
        sip.malformed += u64::from(m.scan.suspicious() && !m.cut);
        if m.scan.status() == 0 {
            let at = usize::from(method.0);
            if sip.requests.len() <= at {
                sip.requests.resize(at + 1, 0);
            }
            sip.requests[at] += 1;
        } else {
            *sip.responses.entry(m.scan.status()).or_default() += 1;
        }
    }

    fn over_limit(&mut self, code: &'static str, frame: FrameRef) -> Option<MsgIdx> {
        self.messages_not_kept += 1;
        self.note_limit(code, frame, "messages beyond it are counted but not kept");
        None
    }

    /// Puts an issue on the capture, once for each code.
    pub(super) fn note_limit(&mut self, code: &'static str, frame: FrameRef, what: &str) {
        if self.limits_noted.contains(&code) {
            return;
        }
        self.limits_noted.push(code);
        let limit = match code {
            "limit-sip-messages" => self.limits.sip_messages,
            "limit-dialogs" => self.limits.dialogs,
            "limit-flows" => self.limits.flows,
            "limit-stun-messages" => self.limits.stun_messages,
            "limit-turn-allocations" => self.limits.turn_allocations,
            "limit-media-streams" => self.limits.media_streams,
            "limit-rtcp-reports" => self.limits.rtcp_reports,
            "limit-sqlr-messages" => self.limits.sqlr_messages,
            "limit-sql-connections" => self.limits.sql_connections,
            "limit-check-groups" => self.limits.check_groups,
            "limit-dns-lookups" => self.limits.dns_lookups,
            "limit-transport-errors" => self.limits.transport_errors,
            _ => self.limits.methods,
        };
        let text = format!("the limit of {limit} is reached: {what}");
        let issue = CaptureIssue { code, offset: 0, frame: Some(frame.frame), text };
        self.add_issue(usize::from(frame.capture.0), issue);
    }

    /// The id of a flow that messages went.
    pub(super) fn known_flow(&self, flow: Flow, hash: u64) -> Option<FlowId> {
        self.known_packed(&PackedFlow::pack(&flow), hash)
    }

    fn known_packed(&self, flow: &PackedFlow, hash: u64) -> Option<FlowId> {
        let half = (hash >> 32) as u32;
        let same = |&(h, id): &(u32, FlowId)| h == half && self.flows.get(id.0 as usize) == Some(flow);
        self.flow_table.find(place(half), same).map(|(_, id)| *id)
    }

    /// The id of a flow, new ones up to `Limits::flows`.
    pub(super) fn flow_id(&mut self, flow: Flow, hash: u64) -> Option<FlowId> {
        let flow = PackedFlow::pack(&flow);
        if let Some((last_hash, last)) = self.last_flow
            && last_hash == hash
            && self.flows.get(last.0 as usize) == Some(&flow)
        {
            return Some(last);
        }
        let half = (hash >> 32) as u32;
        let id = match self.known_packed(&flow, hash) {
            Some(id) => id,
            None => {
                if self.flows.len() >= self.limits.flows {
                    return None;
                }
                let id = FlowId(u32::try_from(self.flows.len()).ok()?);
                self.flows.push(flow);
                self.flow_table.insert_unique(place(half), (half, id), |(h, _)| place(*h));
                id
            }
        };
        self.last_flow = Some((hash, id));
        Some(id)
    }

    fn reason(&mut self, scan: Scanned<'_>, keys: &Keys) -> Str {
        if scan.status() == 0 {
            return Str(0);
        }
        let at = usize::from(scan.status() % 1000);
        let known = self.reasons.get(at).copied().unwrap_or_default();
        // The bytes of the message are not looked at where the worker has done so: it is another core that has them at hand.
        if keys.usual_reason && known != Str(0) {
            return known;
        }
        let reason = self.strings.intern(scan.reason());
        if keys.usual_reason {
            if self.reasons.is_empty() {
                self.reasons.resize(1000, Str(0));
            }
            self.reasons[at] = reason;
        }
        reason
    }

    /// What a call shows of itself, learned from each of its messages as it passes.
    pub(super) fn learn_call(
        &mut self,
        call: CallIdx,
        index: MsgIdx,
        record: &SipRecord,
        m: &DecodedSip<'_>,
        keys: &Keys,
    ) {
        let scan = m.scan;
        let at = call.0 as usize;
        let (Some(shown), Some(work)) = (self.calls.get_mut(at), self.call_work.get_mut(at)) else { return };
        let invite = record.method == MethodId::INVITE;
        let opening = invite && record.is_request() && !record.has(flag::TO_TAG);
        let first_opening = opening && !work.opened;
        if (invite && work.caller_tag == 0 && shown.from_uri == Str(0)) || first_opening {
            work.caller_tag = record.from_tag;
            work.cseq = record.cseq;
            let parties = [scan.from_uri(), scan.from_display(), scan.to_uri(), scan.to_display()];
            let mut interned = [Str(0); 4];
            for ((part, hash), of) in parties.into_iter().zip(keys.parties).zip(&mut interned) {
                *of = if hash == 0 {
                    self.strings.intern(part)
                } else {
                    self.strings.intern_hashed(part, hash)
                };
            }
            [shown.from_uri, shown.from_display, shown.to_uri, shown.to_display] = interned;
        }
        if opening {
            work.opened = true;
            work.closed = false;
            work.cseq = work.cseq.max(record.cseq);
        }
        let of_caller = record.from_tag == work.caller_tag;
        if !scan.agent().is_empty() {
            if opening && of_caller && shown.caller_agent == Str(0) {
                shown.caller_agent = self.strings.intern(scan.agent());
            }
            let rank = callee_agent_rank(record, of_caller);
            if rank > work.agent_rank {
                work.agent_rank = rank;
                shown.callee_agent = self.strings.intern(scan.agent());
            }
        }
        let ends = record.method == MethodId::BYE && record.is_request();
        let refused = invite
            && record.status >= 300
            && !matches!(record.status, 401 | 407)
            && of_caller
            && record.cseq == work.cseq;
        work.closed |= ends || refused;
        work.kind.add(keys.kind);
        if keys.ufrag != 0 || keys.more_names {
            let (groups, mut new) = (&mut self.stun.groups, 0u8);
            let mut give = |name| new = new.saturating_add(u8::from(groups.name_call(name, call)));
            let mut ice = keys.ufrag != 0;
            if ice {
                give(keys.ufrag);
            }
            if keys.more_names {
                ice |= for_each_name(m.raw, &scan.whole(), give);
            }
            if ice {
                work.ice_names = work.ice_names.saturating_add(new).max(1);
                work.ice_sections |= keys.more_names;
            }
        }
        if invite && record.status > 100 && record.to_tag != 0 && !matches!(record.status, 401 | 407) {
            self.learn_fork(call, record, &scan.whole());
        }
        if keys.kind.has(KindBits::FAX) {
            self.expect_fax(index);
        }
        self.legs_learn(call, index, record, m, keys, first_opening);
    }
}

/// The half of a flow's hash that is kept, spread over all bits, so that growing the table needs no flow.
pub(super) fn place(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// How surely a message names the callee's own software: above all a 2xx or a request of the callee's, then a
/// ringing, then a refusal that only a user agent gives. Proxies answer 100, 401, 407, 404, 408, 5xx themselves.
fn callee_agent_rank(record: &SipRecord, of_caller: bool) -> u8 {
    let invite = record.method == MethodId::INVITE;
    match record.status {
        0 if !of_caller && record.method != MethodId::ACK => 3,
        200..=299 if invite && of_caller => 4,
        180..=199 if invite && of_caller => 2,
        415 | 486 | 488 | 600 | 603 | 606 if invite && of_caller => 1,
        _ => 0,
    }
}

fn flags_of(m: &DecodedSip<'_>, keys: &Keys) -> u16 {
    let scan = m.scan;
    let mut flags = 0;
    let mut set = |on: bool, bit: u16| flags |= if on { bit } else { 0 };
    if let Some((media_sections, _, one_way)) = scan.sdp() {
        set(true, flag::SDP);
        set(media_sections > 1, flag::SEVERAL_MEDIA);
        set(keys.held, flag::HOLD);
        set(one_way, flag::ONE_WAY);
        set(keys.plain_sdp, flag::PLAIN_SDP);
    }
    set(m.cut, flag::CUT);
    set(scan.suspicious() && !m.cut, flag::MALFORMED);
    set(!m.parts.is_empty(), flag::MULTI_FRAME);
    set(scan.has_to_tag(), flag::TO_TAG);
    set(scan.expires() == Some(0), flag::EXPIRES_ZERO);
    set(scan.has_diagnostics(), flag::DIAGNOSTICS);
    set(scan.credentials(), flag::CREDENTIALS);
    set(is_terminated(scan.subscription_state()), flag::TERMINATED);
    flags
}

/// Is it `terminated`, with parameters or without (RFC 6665 §4.1.3)?
fn is_terminated(state: &[u8]) -> bool {
    let end = state.iter().position(|b| matches!(b, b';' | b' ' | b'\t')).unwrap_or(state.len());
    state.get(..end).is_some_and(|word| word.eq_ignore_ascii_case(b"terminated"))
}

/// Its `reason` parameter.
pub(super) fn subscription_reason(state: &[u8]) -> &[u8] {
    let mut params = state.split(|b| *b == b';').skip(1).map(<[u8]>::trim_ascii);
    let reason = params.find_map(|p| {
        let (name, value) = p.split_at_checked(p.iter().position(|b| *b == b'=')?)?;
        name.trim_ascii_end().eq_ignore_ascii_case(b"reason").then_some(value)
    });
    reason.and_then(|r| r.get(1..)).unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscription_states() {
        let check = |value: &str, terminated, reason: &str| {
            assert_eq!(is_terminated(value.as_bytes()), terminated, "{value}");
            assert_eq!(subscription_reason(value.as_bytes()), reason.as_bytes(), "{value}");
        };
        check("terminated;reason=timeout", true, "timeout");
        check("Terminated ; expires=0; Reason = noresource ;x", true, "noresource");
        check("terminated", true, "");
        check("active;expires=600;reason=rejected", false, "rejected");
        check("terminatedish", false, "");
        check(";reason=", false, "");
        check("", false, "");
    }
}
