//! What is wrong with a message, and where.

use std::borrow::Cow;
use std::ops::Range;

/// One defect of a recognised message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Stable kebab-case name, e.g. `content-length-too-large`.
    pub code: &'static str,
    /// The bytes it speaks of, from the start of the message.
    pub range: Range<usize>,
    /// One sentence for a person.
    pub text: Cow<'static, str>,
}

impl Issue {
    pub fn new(code: &'static str, range: Range<usize>, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, range, text: text.into() }
    }
}

/// Issues of one message, of which so many are kept.
#[derive(Debug, Default)]
pub(crate) struct Issues<const MOST: usize>(pub Vec<Issue>);

impl<const MOST: usize> Issues<MOST> {
    pub fn add(&mut self, code: &'static str, range: Range<usize>, text: impl Into<Cow<'static, str>>) {
        if self.0.len() < MOST {
            self.0.push(Issue::new(code, range, text));
        }
    }
}
