//! The transactions of a call, and the calls whose transactions are worth a closer look.

use super::walk::messages;
use crate::correlate::{Analysis, CallIdx, Content, MethodId, MsgIdx, Owner, SipRecord, flag};

/// A request with what came back, on the hop where it was sent first.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub request: MsgIdx,
    pub method: MethodId,
    pub cseq: u32,
    /// Inside of the dialog.
    pub inside: bool,
    /// How often the request was sent, and its final answer.
    pub sent: u32,
    pub answers: u32,
    pub answer: Option<MsgIdx>,
    /// 0 without a final answer.
    pub status: u16,
    /// It was answered by a provisional response.
    pub provisional: bool,
}

/// The transactions of a call in order of time; of several hops the first one. ACKs are none.
pub fn transactions(analysis: &Analysis, order: &[MsgIdx]) -> Vec<Transaction> {
    let mut all: Vec<Transaction> = Vec::new();
    for &m in order {
        let r = analysis.message(m);
        if r.method == MethodId::ACK {
            continue;
        }
        if r.is_request() {
            let same = |t: &&mut Transaction| {
                let q = analysis.message(t.request);
                t.method == r.method && t.cseq == r.cseq && q.from_tag == r.from_tag
            };
            match all.iter_mut().rev().find(same) {
                // Sent again, or sent on by a proxy.
                Some(t) => {
                    let q = analysis.message(t.request);
                    t.sent += u32::from(q.flow == r.flow && q.branch == r.branch);
                }
                None => all.push(Transaction {
                    request: m,
                    method: r.method,
                    cseq: r.cseq,
                    inside: r.has(flag::TO_TAG),
                    sent: 1,
                    answers: 0,
                    answer: None,
                    status: 0,
                    provisional: false,
                }),
            }
            continue;
        }
        let of = |t: &&mut Transaction| {
            let q = analysis.message(t.request);
            t.method == r.method && t.cseq == r.cseq && q.from_tag == r.from_tag && q.branch == r.branch
        };
        let Some(t) = all.iter_mut().rev().find(of) else { continue };
        match r.status {
            ..200 => t.provisional = true,
            status => {
                t.answers += 1;
                if t.answer.is_none() || t.status >= 300 && status < 300 {
                    t.answer = Some(m);
                    t.status = status;
                }
            }
        }
    }
    all
}

/// What the messages of a call show at a glance.
mod mark {
    /// A final answer of 300 and more to something other than an INVITE, or to one inside of a dialog that may be.
    pub const REFUSED: u16 = 1;
    /// INVITE or UPDATE inside of the dialog.
    pub const REINVITE: u16 = 2;
    /// A 2xx to an INVITE was sent again.
    pub const OK_AGAIN: u16 = 4;
    pub const REFER: u16 = 8;
    /// NOTIFY in a call: it may tell of a transfer.
    pub const NOTIFY: u16 = 16;
    pub const CANCEL: u16 = 32;
    /// A BYE says why.
    pub const BYE_TELLS: u16 = 64;
    pub const BYE: u16 = 128;
}

/// The calls that may have something to tell while they are up.
#[derive(Debug, Default)]
pub struct Suspects {
    /// In order.
    pub calls: Vec<CallIdx>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    marks: u16,
    /// Requests without a final answer so far.
    open: i16,
    /// Time of the last INVITE or UPDATE and of the BYE, in seconds from the first message.
    refreshed: i32,
    ended: i32,
}

/// So long without a refresh a session may have run out (RFC 4028 §5: 90 s at least).
const SHORTEST_SESSION: i32 = 55;

impl Suspects {
    pub fn of(analysis: &Analysis) -> Self {
        let mut seen = vec![Seen::default(); analysis.calls.len()];
        let start = analysis.messages.first().map_or(0, |r| r.time);
        let seconds =
            |r: &SipRecord| i32::try_from(r.time.saturating_sub(start) / 1_000_000_000).unwrap_or(i32::MAX);
        for r in &analysis.messages {
            let Owner::Call(c) = r.owner else { continue };
            let Some(s) = seen.get_mut(c.0 as usize).filter(|_| !r.has(flag::DUPLICATE)) else { continue };
            let again = r.has(flag::RETRANSMISSION);
            let invite = r.method == MethodId::INVITE;
            if r.is_request() {
                let inside = r.has(flag::TO_TAG);
                match r.method {
                    MethodId::ACK => continue,
                    MethodId::INVITE | MethodId::UPDATE => {
                        s.refreshed = seconds(r);
                        s.marks |= if inside { mark::REINVITE } else { 0 };
                    }
                    MethodId::REFER => s.marks |= mark::REFER,
                    MethodId::NOTIFY => s.marks |= mark::NOTIFY,
                    MethodId::CANCEL => s.marks |= mark::CANCEL,
                    MethodId::BYE => {
                        s.marks |= mark::BYE;
                        s.ended = seconds(r);
                        s.marks |= if r.has(flag::DIAGNOSTICS) { mark::BYE_TELLS } else { 0 };
                    }
                    _ => {}
                }
                s.open = s.open.saturating_add(i16::from(!again));
            } else if r.status >= 200 {
                s.open = s.open.saturating_sub(i16::from(!again));
                s.marks |= if invite && r.status < 300 && again { mark::OK_AGAIN } else { 0 };
                s.marks |= if !invite && r.status >= 300 { mark::REFUSED } else { 0 };
                // A 2xx to it refreshes a session too.
                if (invite || r.method == MethodId::UPDATE) && r.status < 300 {
                    s.refreshed = seconds(r);
                }
            }
        }
        let telling =
            mark::REFUSED | mark::REINVITE | mark::OK_AGAIN | mark::REFER | mark::NOTIFY | mark::BYE_TELLS;
        let calls = (0u32..).map(CallIdx).zip(&seen).filter(|(c, s)| {
            let came_about = analysis.call(*c).summary.answered.is_some();
            let late = s.marks & mark::BYE != 0 && s.ended.saturating_sub(s.refreshed) >= SHORTEST_SESSION;
            let crossed = s.marks & mark::CANCEL != 0 && came_about;
            let forked = analysis.call(*c).summary.forks > 1 && came_about;
            s.marks & telling != 0 || s.open > 0 && came_about || late || crossed || forked
        });
        Self { calls: calls.map(|(c, _)| c).collect() }
    }
}

/// A call with its messages in order of time and its transactions.
pub struct Course {
    pub order: Vec<MsgIdx>,
    pub all: Vec<Transaction>,
}

impl Course {
    pub fn of(analysis: &Analysis, call: CallIdx) -> Self {
        let order = messages(analysis, call);
        let all = transactions(analysis, &order);
        Self { order, all }
    }

    /// The INVITE that opened the call, as answered.
    pub fn opening(&self) -> Option<&Transaction> {
        self.all
            .iter()
            .rev()
            .find(|t| t.method == MethodId::INVITE && !t.inside && (200..300).contains(&t.status))
    }

    pub fn bye(&self) -> Option<&Transaction> {
        self.all.iter().find(|t| t.method == MethodId::BYE)
    }
}

/// Whether a body may hold the status line of a call that a transfer led to.
pub fn may_be_sipfrag(r: &SipRecord) -> bool {
    r.method == MethodId::NOTIFY
        && r.is_request()
        && r.body_len() > 0
        && !matches!(r.content, Content::ConferenceInfo)
}
