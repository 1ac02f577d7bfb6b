//! The filter language (product.md §2), the same in the UI and headless.

use crate::correlate::{Analysis, CallIdx, DialogIdx, MsgIdx};

/// A parsed filter.
#[derive(Debug, Clone)]
pub struct Filter {}

/// Why a filter cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Byte position in the text.
    pub at: usize,
    /// e.g. ``unknown field `fron` (did you mean `from`?)``
    pub text: String,
}

impl FilterError {
    /// Two lines: the filter and a caret under the spot, then the reason.
    pub fn caret(&self, filter: &str) -> String {
        format!("{filter}\n{}^ {}", " ".repeat(self.at), self.text)
    }
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let _ = text;
        Ok(Self {})
    }
    pub fn matches_call(&self, analysis: &Analysis, call: CallIdx) -> bool {
        let _ = (analysis, call);
        true
    }
    pub fn matches_dialog(&self, analysis: &Analysis, dialog: DialogIdx) -> bool {
        let _ = (analysis, dialog);
        true
    }
    pub fn matches_message(&self, analysis: &Analysis, message: MsgIdx) -> bool {
        let _ = (analysis, message);
        true
    }
    /// A frame of the Packets view: its line as shown, and its messages.
    pub fn matches_packet(&self, analysis: &Analysis, packet: &super::packets::PacketLine) -> bool {
        let _ = (analysis, packet);
        true
    }
}

/// Every field a filter may name, with its meaning, for help and completion.
pub fn fields() -> &'static [(&'static str, &'static str)] {
    &[]
}
