//! callscope: packet captures in, what happened in their calls out.
//!
//! Rooms, upstream first; each uses only what stands before it (and `callscope_parsers`), see ARCHITECTURE.md.

pub mod limits;

pub mod capture;
pub mod cli;
pub mod correlate;
pub mod decode;
pub mod diagnose;
#[doc(hidden)]
pub mod fuzzing;
pub mod net;
pub mod output;
pub mod redact;
pub mod show;
pub mod tui;
pub mod view;
