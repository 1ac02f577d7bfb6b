//! Opening and walking inputs: files, compressed files, pipes; frames in batches, damage as issues.
//!
//! A [`CaptureReader`] is walked front to back in [`FrameBatch`]es by large sequential reads. Whatever it came
//! from, its (decompressed) bytes can be read again by position from its [`Backing`]: the file itself, or the
//! temporary file that a compressed or piped input was spilled to.

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

mod backing;
mod compressed;
mod expand;
mod index;
mod netmon;
mod pcap;
mod pcapng;
mod reader;
mod sniff;
mod snoop;
mod source;
mod walk;
pub mod write;

pub use backing::{Backing, ReadAt};
pub use expand::expand_inputs;
pub use index::FrameIndex;
pub use reader::CaptureReader;

/// Nanoseconds since 1970-01-01 UTC.
pub type Nanos = i64;

/// Index of an input among those given, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CaptureId(pub u16);

/// A frame of a capture; `frame` counts from 1 as Wireshark does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FrameRef {
    pub capture: CaptureId,
    pub frame: u32,
}

/// Where an input's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Path(PathBuf),
    Stdin,
    /// Read in place of another.
    StandIn(Arc<StandIn>),
}

/// A capture made from another one, and what is told of that.
#[derive(Debug)]
pub struct StandIn {
    pub file: File,
    pub info: CaptureInfo,
    /// What that said beside its frames and this one does not; told before the first frame.
    pub notes: Vec<CaptureNote>,
}

/// No two are alike.
impl PartialEq for StandIn {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for StandIn {}

/// Link-layer header type, the number of tcpdump.org's LINKTYPE registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// A medium that the registry has no number for; what lies in its frames is not known.
    pub const UNKNOWN: Self = Self(0xffff);
    pub const NULL: Self = Self(0);
    pub const ETHERNET: Self = Self(1);
    pub const RAW: Self = Self(101);
}

/// An interface of a capture (pcapng IDB; pcap and snoop have exactly one, netmon one for each medium met).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    pub link: LinkType,
    pub name: Option<String>,
    pub snaplen: u32,
}

/// One frame inside a batch.
#[derive(Debug, Clone, Copy)]
pub struct FrameHead {
    /// Position of the frame's first byte in [`FrameBatch::bytes`].
    pub start: u32,
    /// Bytes captured.
    pub caplen: u32,
    /// Bytes on the wire.
    pub origlen: u32,
    /// Index into the capture's interfaces.
    pub interface: u32,
    pub time: Nanos,
}

/// The frames of a batch taken together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Captured bytes of all frames.
    pub bytes: u64,
    /// The earliest and the latest; none without frames.
    pub span: Option<(Nanos, Nanos)>,
    /// The interface of all frames; none where there are several.
    pub interface: Option<u32>,
    /// The most that a frame is earlier than one before it.
    pub back: Nanos,
}

impl Times {
    pub fn note(&mut self, head: &FrameHead) {
        self.bytes += u64::from(head.caplen);
        let Some((earliest, latest)) = &mut self.span else {
            self.span = Some((head.time, head.time));
            self.interface = Some(head.interface);
            return;
        };
        self.back = self.back.max(latest.saturating_sub(head.time));
        *earliest = (*earliest).min(head.time);
        *latest = (*latest).max(head.time);
        self.interface = self.interface.filter(|i| *i == head.interface);
    }
}

/// A run of frames and the raw bytes they lie in.
#[derive(Debug, Default)]
pub struct FrameBatch {
    pub capture: CaptureId,
    /// Number of the first frame (from 1).
    pub first_frame: u32,
    /// Position of `bytes[0]` in the capture's [`Backing`].
    pub base: u64,
    pub bytes: Vec<u8>,
    pub frames: Vec<FrameHead>,
    /// What was read between the frames, each before the frame with the given index.
    pub notes: Vec<CaptureNote>,
    /// Link type of each interface known so far (index = interface).
    pub links: Arc<Vec<LinkType>>,
    /// Input bytes consumed so far, as stored (compressed bytes for a compressed file).
    pub input_bytes: u64,
}

/// What a capture file says beside its frames.
#[derive(Debug, Clone, PartialEq)]
pub enum CaptureNote {
    Interface(Interface),
    Name {
        address: IpAddr,
        name: String,
    },
    Comment {
        frame: Option<u32>,
        text: String,
    },
    InterfaceDrops {
        interface: u32,
        received: Option<u64>,
        dropped: Option<u64>,
    },
    /// TLS key log lines found in a decryption secrets block.
    TlsSecrets(Vec<u8>),
    Issue(CaptureIssue),
}

/// Damage, or a limit that was hit, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureIssue {
    /// Kebab-case, e.g. `truncated-file`, `bad-record`, `unknown-block`, `limit-frame-bytes`.
    pub code: &'static str,
    /// Offset in the (decompressed) capture.
    pub offset: u64,
    /// Number of the frame before which it stands; one more than the last where no frame follows.
    pub frame: Option<u32>,
    pub text: String,
}

/// What an opened input turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureInfo {
    pub path: String,
    /// `pcap`, `pcapng`, `snoop`, `netmon`.
    pub format: &'static str,
    /// `gzip`, `zstd`, `lz4`, or none.
    pub compression: Option<&'static str>,
    /// Size of the input as stored, if known.
    pub size: Option<u64>,
}

/// What an error of the system says, without its number, which says nothing more.
pub fn error_words(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rsplit_once(" (os error ")) {
        (Some(_), Some((words, _))) => words.to_owned(),
        _ => text,
    }
}

/// Why an input could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path}: {}", error_words(source))]
    Io { path: String, source: io::Error },
    #[error("{path}: the file is empty")]
    Empty { path: String },
    #[error("{path}: is a directory without captures")]
    NoCaptures { path: String },
    #[error("{path}: not a capture ({reason})")]
    NotACapture { path: String, reason: String },
}

#[cfg(test)]
mod tests;
