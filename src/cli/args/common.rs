//! Options that all commands have.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::cli::{limits, qos};
use crate::correlate::QosProfile;
use crate::diagnose::Severity;
use crate::view::show::TimeMode;

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
pub(in crate::cli) struct Common {
    /// Only what matches, e.g. `from ~ alice && status >= 400`
    #[arg(long, value_name = "EXPR", global = true)]
    pub filter: Option<String>,
    /// How times are told; in text output local by default (ladder: relative), in all other formats utc
    #[arg(long, value_name = "MODE", global = true)]
    pub time: Option<TimeArg>,
    /// Names of machines: lines `address = name`, `#` begins a comment
    #[arg(long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub names: Vec<PathBuf>,
    /// Port whose traffic is taken for SIP from the start (repeatable)
    #[arg(long, value_name = "P", global = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub sip_port: Vec<u16>,
    /// Header that names the Call-ID of another leg of a call (repeatable)
    #[arg(long, value_name = "NAME", global = true)]
    pub leg_header: Vec<String>,
    /// TURN user and password, by which MESSAGE-INTEGRITY is verified (repeatable)
    ///
    /// As the client was configured, or as Microsoft's authentication service gave them out (base64).
    #[arg(long, value_name = "U:P", global = true, value_parser = turn_user)]
    pub turn_user: Vec<String>,
    /// DSCP marks to expect: communicator, lync, or values such as `audio=46,video=AF41,sharing=18,sip=CS3`
    ///
    /// communicator: audio 40, video 24, SIP 40 (Office Communicator 2007 R2 under the policies of Windows); lync: audio
    /// 46, video 34, sharing 18, SIP 24. A name and values can be given together. Without it nothing is expected but what
    /// the user agents of Microsoft's clients tell, and only what contradicts itself is judged.
    #[arg(long, value_name = "PROFILE", global = true, value_parser = qos::parse)]
    pub qos_profile: Option<QosProfile>,
    /// Colour in text output (NO_COLOR and CLICOLOR_FORCE are honoured by `auto`)
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub color: ColorArg,
    /// Only ASCII characters in text output
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Write to this file instead of standard output; never replaces a file without --force
    #[arg(short, long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, global = true)]
    pub force: bool,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// No progress line
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Keep waiting for more at the end of the input; Ctrl-C ends the wait and prints the result
    #[arg(long, global = true)]
    pub follow: bool,
    /// Worker threads; 0 is one a core. The result is the same
    #[arg(long, value_name = "N", global = true, default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
    /// Set a cap on what the analysis keeps, e.g. `sip_messages=1M` (repeatable)
    ///
    /// A value may end in k, M or G. A limit that is hit is told as an issue of the capture. `callscope --help` lists
    /// the limits.
    #[arg(long, value_name = "NAME=VALUE", global = true, value_parser = limits::parse)]
    pub limits: Vec<(String, u64)>,
    /// Configuration (TOML: limits, names, sip_ports, leg_headers, qos) instead of `callscope/config.toml` in the user's configuration directory
    #[arg(long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Do not blank SDP keys, ICE passwords and Authorization responses
    #[arg(long, global = true)]
    pub show_secrets: bool,
    /// Replace what people wrote in instant messages by as many x
    #[arg(long, global = true)]
    pub redact_text: bool,
    /// Replace names, numbers and addresses consistently in all that is shown or written, and overwrite what is said
    ///
    /// Everything reads a redacted copy of the captures (in a temporary file): every output, also the frames that `extract`
    /// writes, and the terminal UI. Users, phone numbers, hosts, domains and addresses become pseudonyms of the same length,
    /// the same everywhere; texts, media, secrets and all that is not understood are overwritten. Filters see pseudonyms.
    #[arg(long, global = true)]
    pub redact: bool,
    /// --redact with pseudonyms that are the same in every run with this key; without it they are others each time
    ///
    /// Whoever has the key can find out names by trying.
    #[arg(long, value_name = "TEXT", global = true)]
    pub redact_key: Option<String>,
    /// Exit with 1 if there is a finding of at least this severity
    ///
    /// Damage of a capture (a cut file, a bad record) and a limit that was hit are findings too. An input that cannot be
    /// read at all exits with 3 in any case.
    #[arg(long, value_name = "SEVERITY", global = true)]
    pub fail_on: Option<Least>,
}

/// `user:password`; which colon parts them is tried out, since either may hold more.
fn turn_user(text: &str) -> Result<String, String> {
    match text.find(':') {
        Some(1..) => Ok(text.to_owned()),
        _ => Err("expected USER:PASSWORD".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TimeArg {
    Utc,
    Local,
    /// Since the start of what is shown
    Relative,
    /// Since the row before
    Delta,
}

impl From<TimeArg> for TimeMode {
    fn from(arg: TimeArg) -> Self {
        match arg {
            TimeArg::Utc => Self::Utc,
            TimeArg::Local => Self::Local,
            TimeArg::Relative => Self::Relative,
            TimeArg::Delta => Self::Delta,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(in crate::cli) enum ColorArg {
    #[default]
    Auto,
    Always,
    Never,
}

/// As `--fail-on` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Least {
    Info,
    Warning,
    Error,
}

impl From<Least> for Severity {
    fn from(least: Least) -> Self {
        match least {
            Least::Info => Self::Info,
            Least::Warning => Self::Warning,
            Least::Error => Self::Error,
        }
    }
}
