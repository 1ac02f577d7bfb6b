//! The terminal UI: event → key map → action → update → effects; render is a pure function of the state.
//!
//! The state holds what the screens show as plain values (tables, ladders, trees). What is lacking is asked of the
//! [`desk`], whose threads read the analysis and answer with an event, so that neither keys nor drawing ever wait for
//! a lock, a sort or a disk.
//!
//! ```text
//!  keys, mouse ─▶ event ─▶ keys ─▶ action ─▶ update(state) ─▶ effects ─▶ desk, clipboard, files
//!  loading ──────▶   │                          │  ▲                        │
//!  answers ─────────▶└─ receive(state) ─────────┘  └────────── events ──────┘
//!                                               └─▶ views::render(state)
//! ```

use std::net::IpAddr;

use crate::capture::Input;
use crate::correlate::load::LoadOptions;
use crate::view::show::TimeMode;

pub mod action;
pub mod app;
pub mod desk;
pub mod effect;
pub mod event;
pub mod keys;
pub mod layout;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod views;
pub mod widgets;

#[cfg(test)]
mod tests;

pub use theme::Background;

/// What the command line and the configuration say.
#[derive(Debug, Clone)]
pub struct TuiOptions {
    pub inputs: Vec<Input>,
    pub load: LoadOptions,
    /// Names for addresses.
    pub names: Vec<(IpAddr, String)>,
    /// A filter that both tables start with.
    pub filter: Option<String>,
    /// None: clock times in tables, since the start in ladders.
    pub time: Option<TimeMode>,
    pub color: bool,
    /// For a dark or a light background; none: as the terminal tells.
    pub theme: Option<Background>,
    /// Draw with ASCII only.
    pub ascii: bool,
}

/// Runs until the user quits. Needs a terminal on standard output; keys come from the controlling terminal, so
/// that standard input may be a capture. Ended by a signal, the process ends by it, with the terminal given back.
pub fn run(options: TuiOptions) -> anyhow::Result<()> {
    if let Some(signal) = app::run(options)? {
        event::end_by(signal);
    }
    Ok(())
}
