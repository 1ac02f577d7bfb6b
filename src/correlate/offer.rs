//! Which SDP answers which (RFC 3264, RFC 6337).

use super::Analysis;
use super::model::*;

pub use callscope_parsers::sdp::CandidateSyntax;

/// Offers told of one call.
const MOST: usize = 512;

/// What an offer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferRole {
    /// Opens the session: answered in the 2xx (or the ACK), or not at all.
    Initial,
    /// Settled before the call was answered: in a 18x, PRACK or UPDATE.
    Early,
    /// The re-INVITE by which ICE names the pair it chose.
    Final,
    /// Changes a running session: hold, codec, address.
    Update,
}

impl OfferRole {
    pub fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Early => "early",
            Self::Final => "final",
            Self::Update => "update",
        }
    }
}

/// An offer and its answer, each as the message that carried it on the offerer's own hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferAnswer {
    pub offer: MsgIdx,
    /// None where none was seen.
    pub answer: Option<MsgIdx>,
    pub role: OfferRole,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    offer: MsgIdx,
    answer: Option<MsgIdx>,
    /// Method and CSeq of the transaction it lies in.
    method: MethodId,
    cseq: u32,
    from_tag: u32,
    /// Of the answering dialog; 0 while unknown.
    to_tag: u32,
    branch: u32,
    /// It lies in a response; the answer comes in ACK or PRACK.
    delayed: bool,
    in_dialog: bool,
    early: bool,
    /// The answer was captured on another hop only.
    elsewhere: bool,
}

impl Analysis {
    /// The offers of a call in order of time; one row for each answer where forks gave several. An INVITE that was
    /// challenged (401, 407) and sent again is not told twice.
    pub fn offers(&self, call: CallIdx) -> Vec<OfferAnswer> {
        self.offer_rows(self.in_time(self.call(call).messages))
    }

    /// Syntax of the candidate lines of a message; only an answer that has some is read again.
    pub fn candidate_syntax(&self, message: MsgIdx) -> CandidateSyntax {
        let r = self.message(message);
        if r.candidates == 0 {
            return CandidateSyntax::None;
        }
        if let Ok(at) = self.syntaxes.binary_search_by_key(&message, |(m, _)| *m) {
            return self.syntaxes[at].1;
        }
        CandidateSyntax::of_message(&self.body_bytes(message).unwrap_or_default())
    }

    /// See [`CallSummary::offers`] and [`CallSummary::one_ice_offer`].
    pub(super) fn count_offers(&self, order: &[MsgIdx]) -> (u16, bool) {
        let rows = self.offer_rows(order.iter().copied());
        let one_ice_offer = matches!(rows.as_slice(), [o] if self.message(o.offer).candidates > 0);
        (u16::try_from(rows.len()).unwrap_or(u16::MAX), one_ice_offer)
    }

    fn offer_rows(&self, order: impl IntoIterator<Item = MsgIdx>) -> Vec<OfferAnswer> {
        let mut rows: Vec<Row> = Vec::new();
        let mut answered_call = false;
        for m in order {
            let r = self.message(m);
            if r.has(flag::DUPLICATE) || r.has(flag::RETRANSMISSION) {
                continue;
            }
            let sdp = r.has(flag::SDP);
            if r.is_request() {
                if sdp {
                    self.offer_in_request(&mut rows, m, r, answered_call);
                }
            } else {
                if matches!(r.status, 401 | 407) {
                    rows.retain(|o| {
                        o.answer.is_some()
                            || o.delayed
                            || (o.method, o.cseq, o.from_tag) != (r.method, r.cseq, r.from_tag)
                    });
                } else if sdp {
                    self.sdp_in_response(&mut rows, m, r, answered_call);
                }
                answered_call |= r.method == MethodId::INVITE && (200..300).contains(&r.status);
            }
        }
        self.roles(&rows)
    }

    fn offer_in_request(&self, rows: &mut Vec<Row>, m: MsgIdx, r: &SipRecord, answered_call: bool) {
        match r.method {
            MethodId::ACK | MethodId::PRACK => {
                let waiting = rows.iter_mut().rev().find(|o| {
                    o.delayed && o.to_tag == r.to_tag && (r.method == MethodId::PRACK || o.cseq == r.cseq)
                });
                match waiting {
                    Some(o) => {
                        o.answer.get_or_insert(m);
                        return;
                    }
                    None if r.method == MethodId::ACK => return,
                    None => {}
                }
            }
            MethodId::INVITE | MethodId::UPDATE => {}
            _ => return,
        }
        // The same request on its next hop.
        let known = rows
            .iter()
            .any(|o| !o.delayed && (o.method, o.cseq, o.from_tag) == (r.method, r.cseq, r.from_tag));
        if !known && rows.len() < MOST {
            rows.push(Row {
                offer: m,
                answer: None,
                method: r.method,
                cseq: r.cseq,
                from_tag: r.from_tag,
                to_tag: 0,
                branch: r.branch,
                delayed: false,
                in_dialog: r.has(flag::TO_TAG),
                early: r.method != MethodId::INVITE && !answered_call,
                elsewhere: false,
            });
        }
    }

    fn sdp_in_response(&self, rows: &mut Vec<Row>, m: MsgIdx, r: &SipRecord, answered_call: bool) {
        if !matches!(r.method, MethodId::INVITE | MethodId::UPDATE | MethodId::PRACK) || r.status >= 300 {
            return;
        }
        let early = r.method == MethodId::INVITE && r.status < 200;
        let same = |o: &Row| (o.method, o.cseq, o.from_tag) == (r.method, r.cseq, r.from_tag);
        if let Some(o) = rows.iter_mut().find(|o| same(o) && (o.to_tag == r.to_tag || o.delayed)) {
            // The same answer again: in the 200 after the 183, or on the hop the offer was made on.
            if o.elsewhere && !o.delayed && o.branch == r.branch {
                (o.answer, o.elsewhere) = (Some(m), false);
            }
            if !o.delayed || o.to_tag == r.to_tag {
                return;
            }
        }
        if let Some(at) = rows.iter().position(|o| same(o) && !o.delayed) {
            let mut row = rows[at];
            row.answer = Some(m);
            row.to_tag = r.to_tag;
            row.early |= early;
            row.elsewhere = row.branch != r.branch;
            if rows[at].answer.is_none() {
                rows[at] = row;
            } else if rows.len() < MOST {
                row.early = early;
                rows.push(row);
            }
        } else if r.method == MethodId::INVITE && rows.len() < MOST {
            rows.push(Row {
                offer: m,
                answer: None,
                method: r.method,
                cseq: r.cseq,
                from_tag: r.from_tag,
                to_tag: r.to_tag,
                branch: r.branch,
                delayed: true,
                in_dialog: answered_call,
                early,
                elsewhere: false,
            });
        }
    }

    fn roles(&self, rows: &[Row]) -> Vec<OfferAnswer> {
        let mut first: Option<&Row> = None;
        let mut finals = false;
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let role = if row.early {
                OfferRole::Early
            } else if !row.in_dialog && row.method == MethodId::INVITE {
                OfferRole::Initial
            } else if let Some(first) = first
                && !finals
                && row.method == MethodId::INVITE
                && first.from_tag == row.from_tag
                && self.message(first.offer).candidates > 0
                && (1..self.message(first.offer).candidates).contains(&self.message(row.offer).candidates)
            {
                finals = true;
                OfferRole::Final
            } else {
                OfferRole::Update
            };
            if first.is_none() && row.method == MethodId::INVITE {
                first = Some(row);
            }
            out.push(OfferAnswer { offer: row.offer, answer: row.answer, role });
        }
        out
    }
}
