//! The filter language (product.md §2), the same in the UI and headless.
//!
//! ```text
//! filter   := or ;  or := and (("or" | "||") and)* ;  and := not (("and" | "&&")? not)*
//! not      := ("not" | "!") not | "(" or ")" | test
//! test     := FIELD | FIELD op value | FIELD ["not"] "in" "(" value ("," value)* ")" | WORD | "quoted text"
//! op       := == (or =) != ~ !~ < <= > >=            eq ne contains lt le gt ge are the same in words
//! ```
//! - A field alone asks whether it has a value; a word or quoted text that is no field is looked for in what a row shows.
//! - `~` is "contains", without regard to case; `*` in a value of `~` or `==` stands for anything. There are no regular expressions.
//! - A call, dialog or frame matches a field of messages if any of its messages does. `a != b` is exactly `not a == b`, so
//!   `code != 200` says that *no* message has code 200; the same holds for `!~`.
//! - An ICE session or allocation matches by what it has itself (addresses, users, state, STUN messages) and, for what it
//!   has not, by its calls.
//! - A call matches a field of media if any of its streams does; a stream matches by what it has itself, else by its call.
//! - Durations need a unit (`2s`, `500ms`, `1m`, `00:42`), loss may have a `%`, a mark may have its name (`EF`), `4xx` is a class of codes, an address may be a
//!   network (`10.0.0.0/8`), an address with port, or a host name.
//! - A finding matches by what it says and by the calls and dialogs that it is about; they, streams, sign-ins and so on match
//!   `finding` and `findings` by what was found about them.
//!
//! Message bytes are read only for `header.NAME`, `text`, `sdp` with a value and `diagnostics`.

mod eval;
mod fields;
mod finding;
mod ice;
mod lexer;
mod media;
mod parser;

use std::sync::Arc;

use eval::Subject;
use parser::Expr;

use crate::correlate::gathered::InstantMessage;
use crate::correlate::media::MediaIndex;
use crate::correlate::sql::Lookup;
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, CallIdx, DialogIdx, Owner};
use crate::diagnose::{Diagnosis, Finding, Subject as About};
use crate::view::ice::SessionRef;

/// A parsed filter.
#[derive(Debug, Clone)]
pub struct Filter {
    expr: Option<Expr>,
    known: finding::Known,
}

/// Why a filter cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Byte position in the text.
    pub at: usize,
    /// e.g. ``unknown field `fron` (did you mean `from`?)``
    pub text: String,
}

impl FilterError {
    /// Two lines: the filter, then a caret under the spot and the reason.
    pub fn caret(&self, filter: &str) -> String {
        let before = filter.get(..self.at).unwrap_or(filter);
        let shown = super::show::safe_str(filter);
        let column = super::show::width(&super::show::safe_str(before));
        format!("{shown}\n{}^ {}", " ".repeat(column), super::show::safe_str(&self.text))
    }
}

impl Filter {
    /// Parses a filter; one of only spaces matches everything.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let known = finding::Known::default();
        Ok(Self { expr: parser::parse(text, &known)?, known })
    }

    /// Does a field need the findings?
    pub fn asks_findings(&self) -> bool {
        self.expr.as_ref().is_some_and(Expr::asks_findings)
    }

    /// The findings that it and its copies ask from now on; otherwise the rules are asked when the first row is.
    pub fn know(&self, diagnosis: &Arc<Diagnosis>) {
        self.known.set(Some(diagnosis.clone()));
    }

    /// Another analysis is to be asked.
    pub fn forget(&self) {
        self.known.set(None);
    }

    /// Whether it asks for users by name, which finds those whose names are known.
    pub fn asks_users(&self) -> bool {
        self.expr.as_ref().is_some_and(|e| e.asks(fields::Field::User))
    }

    pub fn matches_call(&self, analysis: &Analysis, call: CallIdx) -> bool {
        self.matches(analysis, &Subject::Call(call))
    }

    pub fn matches_dialog(&self, analysis: &Analysis, dialog: DialogIdx) -> bool {
        self.matches(analysis, &Subject::Dialog(dialog))
    }

    /// An ICE session, whether or not a call of the capture has it.
    pub fn matches_session(&self, analysis: &Analysis, of: SessionRef) -> bool {
        let session = ice::Session::new(of);
        self.matches(analysis, &Subject::Session(&session))
    }

    /// An allocation; `calls` are those it belongs to.
    pub fn matches_allocation(&self, analysis: &Analysis, i: AllocationIdx, calls: &[CallIdx]) -> bool {
        self.matches(analysis, &Subject::Allocation(i, calls))
    }

    /// A look-up of SQL Server, or a connection to it, with the SIP that is joined to it.
    /// `row` is its place in the list.
    pub fn matches_lookup(&self, analysis: &Analysis, lookup: &Lookup, row: u32) -> bool {
        self.matches(analysis, &Subject::Lookup(lookup, row))
    }

    /// An instant message: `from`, `to`, `status`, `state` (delivered, failed, unanswered) are its own.
    pub fn matches_instant(&self, analysis: &Analysis, message: &InstantMessage) -> bool {
        self.matches(analysis, &Subject::Instant(message))
    }

    /// A media stream of those given, by its place; what is not of itself is asked of its call.
    pub fn matches_stream(&self, analysis: &Analysis, index: &MediaIndex, at: u32) -> bool {
        let of = |stream| Subject::Stream(media::StreamOf { index, at, stream });
        index.stream(at).is_some_and(|stream| self.matches(analysis, &of(stream)))
    }

    /// A sign-in or subscription made of calls and dialogs; `about` and `state` are its own. `who`: whose it is where there
    /// are none.
    pub fn matches_row(
        &self,
        analysis: &Analysis,
        about: About,
        state: &'static str,
        who: &str,
        owners: &[Owner],
    ) -> bool {
        self.matches(analysis, &Subject::Row(&eval::Row { about, state, who, owners }))
    }

    /// A finding, by what it says and by the calls and dialogs it is about.
    pub fn matches_finding(&self, analysis: &Analysis, finding: &Finding) -> bool {
        self.matches(analysis, &Subject::Finding(finding))
    }

    /// A frame of the Packets view: its line as shown, and its messages.
    pub fn matches_packet(&self, analysis: &Analysis, packet: &super::packets::PacketLine) -> bool {
        self.expr.as_ref().is_none_or(|e| {
            let messages = analysis.messages_in_frame(packet.frame);
            eval::matches(e, analysis, &Subject::Packet(packet, &messages))
        })
    }

    fn matches(&self, analysis: &Analysis, subject: &Subject<'_>) -> bool {
        self.expr.as_ref().is_none_or(|e| eval::matches(e, analysis, subject))
    }
}

/// Every field a filter may name, with its meaning, for help and completion. `header.NAME` stands for any header.
pub fn fields() -> &'static [(&'static str, &'static str)] {
    fields::HELP
}

#[cfg(test)]
mod tests;
