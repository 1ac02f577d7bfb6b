//! The terminal UI: event → key map → action → update → effects; render is a pure function of state and analysis.

use std::net::IpAddr;

use crate::capture::Input;
use crate::correlate::load::LoadOptions;
use crate::view::show::TimeMode;

/// With what the terminal UI is started.
#[derive(Debug, Clone)]
pub struct TuiOptions {
    /// Directories are already replaced by the captures in them.
    pub inputs: Vec<Input>,
    pub load: LoadOptions,
    /// Aliases the user gave.
    pub names: Vec<(IpAddr, String)>,
    /// A filter that was already found to be good.
    pub filter: Option<String>,
    pub time: TimeMode,
    pub color: bool,
    /// The terminal shows no Unicode.
    pub ascii: bool,
}

/// Runs the UI until the user leaves it.
pub fn run(options: TuiOptions) -> anyhow::Result<()> {
    let _ = options;
    anyhow::bail!("the terminal UI is not built yet; use a subcommand, e.g. `callscope summary FILE`")
}
