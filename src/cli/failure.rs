//! Why a command could not do what was asked, and the exit status that says so.

use std::fmt;
use std::io;

#[derive(Debug)]
pub(super) enum Failure {
    /// Wrong usage: status 2.
    Usage(String),
    /// Not one input could be read (each reason was told already): status 3.
    Unreadable,
    /// The output could not be written: status 2, or success if the reader closed the pipe.
    Output(io::Error),
    /// Bytes of a capture could not be read again: status 3.
    Input(String),
}

impl Failure {
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Output(_) => 2,
            Self::Unreadable | Self::Input(_) => 3,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Input(text) => f.write_str(text),
            Self::Unreadable => f.write_str("no input could be read"),
            Self::Output(e) => write!(f, "cannot write the output: {e}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Self::Output(e)
    }
}
