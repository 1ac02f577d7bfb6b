//! How a dialog went, read off its messages in order of time. The meanings stand on [`DialogSummary`].

use super::Analysis;
use super::model::*;
use crate::capture::Nanos;

/// 64·T1 (RFC 3261 §17.1.2.2, Timer F; an ACK is waited for as long, Timer H): so long a request may wait for its answer.
pub const PATIENCE: Nanos = 32_000_000_000;

impl Analysis {
    pub(super) fn refresh_dialog(&mut self, dialog: DialogIdx, order: &[MsgIdx], live: bool) {
        let at = dialog.0 as usize;
        let expires = self.dialog_work.get(at).and_then(|w| w.expires);
        let (method, mut summary) = self.summarise_dialog(order, expires, live);
        if self.is_leftover(dialog) {
            // Nothing tells what became of any of them.
            summary.state = DialogState::Completed;
        }
        if let Some(work) = self.dialog_work.get(at).filter(|_| summary.terminated) {
            summary.terminated_reason = work.terminated_reason;
        }
        if let Some(work) = self.dialog_work.get_mut(at) {
            work.touched = false;
            work.summarised = order.len() as u32;
        }
        if let Some(dialog) = self.dialogs.get_mut(at) {
            dialog.method = method;
            dialog.summary = summary;
        }
    }

    fn summarise_dialog(
        &self,
        order: &[MsgIdx],
        expires: Option<u32>,
        live: bool,
    ) -> (MethodId, DialogSummary) {
        let records = || order.iter().map(|m| self.message(*m));
        let mut s = DialogSummary::EMPTY;
        let own =
            records().find(|r| r.is_request()).or_else(|| records().next()).map_or(MethodId(0), |r| r.method);
        if let (Some(first), Some(last)) = (records().next(), records().last()) {
            (s.start, s.end) = (first.time, last.time);
        }
        // The newest transaction: its CSeq, when it was asked, what it got.
        let mut asked: Option<(u32, Nanos)> = None;
        let mut answered: Option<(u32, u16)> = None;
        let mut succeeded = None;
        let mut ends = false;
        for r in records() {
            if r.is_request() {
                s.requests += 1;
            } else {
                s.responses += 1;
            }
            if r.has(flag::DUPLICATE) {
                continue;
            }
            s.retransmissions += u32::from(r.has(flag::RETRANSMISSION));
            if r.has(flag::TERMINATED) && r.is_request() {
                ends = true;
                s.terminated = true;
            }
            if r.method != own {
                continue;
            }
            if r.is_request() {
                if asked.is_none_or(|(cseq, _)| r.cseq >= cseq) {
                    asked = Some((r.cseq, r.time));
                    // A NOTIFY is a request too where the capture holds nothing else.
                    if own == MethodId::SUBSCRIBE {
                        s.terminated = false;
                    }
                    ends = r.has(flag::EXPIRES_ZERO);
                }
            } else if r.status >= 200 && answered.is_none_or(|(cseq, _)| r.cseq >= cseq) {
                answered = Some((r.cseq, r.status));
                if r.status < 300 {
                    succeeded = Some(r.time);
                }
            }
        }
        s.final_status = answered.map_or(0, |(_, status)| status);
        let pending = match (asked, answered) {
            (Some((asked, _)), Some((answered, _))) => asked > answered,
            (Some(_), None) => true,
            _ => false,
        };
        let hurried = asked.is_some_and(|(_, t)| live || self.newest.saturating_sub(t) < PATIENCE);
        s.state = match s.final_status {
            _ if matches!(own, MethodId::ACK | MethodId::BENOTIFY) => DialogState::Completed,
            0 => DialogState::Unanswered,
            status if pending && !(hurried && status < 300) => DialogState::Unanswered,
            300.. => DialogState::Failed,
            _ => {
                let until = match (succeeded, expires) {
                    (Some(t), Some(seconds)) => t.saturating_add(i64::from(seconds) * 1_000_000_000),
                    _ => Nanos::MAX,
                };
                if own == MethodId::SUBSCRIBE && !ends && self.newest < until {
                    DialogState::Active
                } else {
                    DialogState::Completed
                }
            }
        };
        (own, s)
    }
}
