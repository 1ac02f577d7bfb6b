//! What is told of a call by reading its messages again: forks, offers, diagnostics, reason phrases.

use std::borrow::Cow;

use super::types;
use crate::correlate::{Analysis, BytesRef, CallIdx, MsgIdx};

pub(super) fn diagnostics(analysis: &Analysis, call: CallIdx) -> Vec<types::Diagnostic> {
    let _ = (analysis, call);
    Vec::new()
}

pub(super) fn forks(analysis: &Analysis, call: CallIdx) -> Vec<types::Fork> {
    let _ = (analysis, call);
    Vec::new()
}

pub(super) fn offers(analysis: &Analysis, call: CallIdx) -> Vec<types::Offer> {
    let _ = (analysis, call);
    Vec::new()
}

/// Reason phrase of a response.
pub(super) fn reason(analysis: &Analysis, message: MsgIdx) -> Option<Cow<'_, str>> {
    let bytes = analysis.message(message).bytes;
    let head = analysis.stores.read(BytesRef { len: bytes.len.min(128), ..bytes }).ok()?;
    let line = head.split(|&b| b == b'\n').next()?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let reason = line.splitn(3, |&b| b == b' ').nth(2)?;
    (!reason.is_empty()).then(|| String::from_utf8_lossy(reason).into_owned().into())
}
