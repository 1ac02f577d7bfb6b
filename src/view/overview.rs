//! What the captures hold, at a glance.

use crate::correlate::Analysis;

/// A labelled activity line: counts per equal slice of the captures' span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    pub label: &'static str,
    pub counts: Vec<u64>,
    pub total: u64,
    /// e.g. `10 answered · 2 rejected · 1 cancelled   setup median 1.8 s  worst 6.2 s`
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// One sentence: what is in it and what went wrong.
    pub verdict: String,
    pub activity: Vec<Activity>,
    /// Machines with role and address.
    pub machines: Vec<String>,
    /// Damage, limits, encrypted traffic and what would open it: severity word, text, frame if any.
    pub notes: Vec<(&'static str, String, Option<crate::capture::FrameRef>)>,
    /// `48 213 frames: 41 870 decoded, 6 102 other traffic, …` (only what is not zero, except frames and decoded).
    pub accounting: String,
}

/// `slices` is the width of the activity lines.
pub fn overview(analysis: &Analysis, slices: usize) -> Overview {
    let _ = (analysis, slices);
    Overview {
        verdict: String::new(),
        activity: Vec::new(),
        machines: Vec::new(),
        notes: Vec::new(),
        accounting: String::new(),
    }
}
