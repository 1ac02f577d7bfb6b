//! Where the bytes come from: a file read by position, or a stream (pipe, decompressor) that is spilled to a
//! temporary file as it is read, so that it can be read again.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::backing::{Backing, PositionedFile};
use super::compressed::{self, Algorithm};
use super::sniff::{self, Sniffed};
use super::{Input, OpenError};
use crate::limits::Limits;

/// Compressed inside compressed: so many layers are unpacked.
const LAYERS: usize = 2;
/// Decompressed bytes before a stream is suspected of being a bomb.
const RATIO_GRACE: u64 = 16 << 20;

/// An input whose kind is known.
pub(super) struct Opened {
    pub path: String,
    pub source: Source,
    /// The first bytes of the (decompressed) capture.
    pub head: Vec<u8>,
    pub format: sniff::Format,
    pub compression: Option<&'static str>,
    pub size: Option<u64>,
}

pub(super) enum Source {
    File { file: Arc<PositionedFile>, at: u64 },
    Spill(Spill),
}

/// A stream and the file it is spilled to.
pub(super) struct Spill {
    input: Box<dyn Read + Send>,
    /// Bytes already read to tell the format.
    head: Vec<u8>,
    file: Arc<PositionedFile>,
    written: u64,
    raw: Arc<RawState>,
    compressed: bool,
    live: bool,
    spill_bytes: u64,
    inflate_ratio: u64,
    ended: bool,
    trouble: Option<(&'static str, String)>,
}

/// What is known of the bytes as stored, shared with the innermost reader.
#[derive(Default)]
struct RawState {
    consumed: AtomicU64,
    failed: AtomicBool,
}

/// Counts what is read and remembers whether reading itself failed.
struct Counted<R> {
    inner: R,
    state: Arc<RawState>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Ok(n) => {
                self.state.consumed.fetch_add(n as u64, Ordering::Relaxed);
                Ok(n)
            }
            Err(e) => {
                if e.kind() != io::ErrorKind::Interrupted {
                    self.state.failed.store(true, Ordering::Relaxed);
                }
                Err(e)
            }
        }
    }
}

/// Opens an input and reads as much as tells what it is.
pub(super) fn open(input: &Input, limits: &Limits) -> Result<Opened, OpenError> {
    let path = match input {
        Input::Path(path) => path.to_string_lossy().into_owned(),
        Input::Stdin => "-".to_owned(),
        Input::StandIn(copy) => copy.info.path.clone(),
    };
    let io_error = |source: io::Error| OpenError::Io { path: path.clone(), source };
    let raw: Raw = match input {
        Input::Path(file) => Raw::from_file(File::open(file).map_err(io_error)?, 0).map_err(io_error)?,
        Input::Stdin => stdin().map_err(io_error)?,
        Input::StandIn(copy) => {
            Raw::from_file(copy.file.try_clone().map_err(io_error)?, 0).map_err(io_error)?
        }
    };
    match raw {
        Raw::Directory => Err(OpenError::NoCaptures { path }),
        Raw::File { file, size } => open_file(path, file, size, limits),
        Raw::Stream(stream) => open_stream(path, stream, None, true, limits),
    }
}

enum Raw {
    Directory,
    /// A regular file, to be read from its start.
    File {
        file: File,
        size: u64,
    },
    Stream(Box<dyn Read + Send>),
}

impl Raw {
    /// `cursor`: where in the file the input starts.
    fn from_file(file: File, cursor: u64) -> io::Result<Self> {
        let about = file.metadata()?;
        Ok(if about.is_dir() {
            Self::Directory
        } else if about.is_file() && cursor == 0 {
            Self::File { file, size: about.len() }
        } else {
            Self::Stream(Box::new(file))
        })
    }
}

/// Standard input; a file redirected into it is read like any file.
#[cfg(unix)]
fn stdin() -> io::Result<Raw> {
    use std::io::Seek;
    use std::os::fd::AsFd;
    let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let cursor = file.stream_position().unwrap_or(0);
    Raw::from_file(file, cursor)
}

#[cfg(not(unix))]
fn stdin() -> io::Result<Raw> {
    Ok(Raw::Stream(Box::new(io::stdin())))
}

fn open_file(path: String, file: File, size: u64, limits: &Limits) -> Result<Opened, OpenError> {
    let io_error = |path: &str, source: io::Error| OpenError::Io { path: path.to_owned(), source };
    let copy = file.try_clone().map_err(|e| io_error(&path, e))?;
    let file = Arc::new(PositionedFile::new(file));
    let mut head = vec![0; sniff::HEAD];
    let n = super::ReadAt::read_at(&*file, 0, &mut head).map_err(|e| io_error(&path, e))?;
    head.truncate(n);
    match sniff::sniff(&head, true) {
        Sniffed::Capture(format) => Ok(Opened {
            path,
            source: Source::File { file, at: 0 },
            head,
            format,
            compression: None,
            size: Some(size),
        }),
        Sniffed::Compressed(_) => {
            let mut copy = copy;
            io::Seek::rewind(&mut copy).map_err(|e| io_error(&path, e))?;
            open_stream(path, Box::new(copy), Some(size), false, limits)
        }
        Sniffed::Empty => Err(OpenError::Empty { path }),
        Sniffed::Not(reason) => Err(OpenError::NotACapture { path, reason }),
        // Cannot be: the head is complete.
        Sniffed::NeedMore(_) => Err(OpenError::NotACapture { path, reason: "it is too short".to_owned() }),
    }
}

fn open_stream(
    path: String,
    stream: Box<dyn Read + Send>,
    size: Option<u64>,
    live: bool,
    limits: &Limits,
) -> Result<Opened, OpenError> {
    let raw = Arc::new(RawState::default());
    let counted = Counted { inner: stream, state: Arc::clone(&raw) };
    let layers = unpack(Box::new(counted)).map_err(|e| e.into_open_error(&path))?;
    let file = tempfile::tempfile().map_err(|source| OpenError::Io { path: path.clone(), source })?;
    Ok(Opened {
        path,
        source: Source::Spill(Spill {
            input: layers.input,
            head: layers.head.clone(),
            file: Arc::new(PositionedFile::new(file)),
            written: 0,
            raw,
            compressed: layers.compression.is_some(),
            live,
            spill_bytes: limits.spill_bytes,
            inflate_ratio: limits.inflate_ratio.max(1),
            ended: false,
            trouble: None,
        }),
        head: layers.head,
        format: layers.format,
        compression: layers.compression.map(Algorithm::name),
        size,
    })
}

/// A stream whose layers of compression are taken off.
struct Layers {
    input: Box<dyn Read + Send>,
    head: Vec<u8>,
    format: sniff::Format,
    compression: Option<Algorithm>,
}

enum UnpackError {
    Io(io::Error),
    Empty,
    Not(String),
}

impl UnpackError {
    fn into_open_error(self, path: &str) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => OpenError::Io { path, source },
            Self::Empty => OpenError::Empty { path },
            Self::Not(reason) => OpenError::NotACapture { path, reason },
        }
    }
}

fn unpack(mut input: Box<dyn Read + Send>) -> Result<Layers, UnpackError> {
    let mut compression = None;
    for _ in 0..=LAYERS {
        let mut head = Vec::new();
        let sniffed = match read_head(&mut input, &mut head) {
            Ok(sniffed) => sniffed,
            Err(e) => {
                return Err(match compression.map(Algorithm::name) {
                    Some(name) if e.kind() == io::ErrorKind::UnexpectedEof => UnpackError::Not(format!(
                        "{name} data that end too early for anything to be unpacked"
                    )),
                    Some(name) => UnpackError::Not(format!("{name} data that cannot be unpacked: {e}")),
                    None => UnpackError::Io(e),
                });
            }
        };
        match sniffed {
            Sniffed::Capture(format) => return Ok(Layers { input, head, format, compression }),
            Sniffed::Compressed(algorithm) => {
                compression = compression.or(Some(algorithm));
                input = compressed::decoder(Box::new(io::Cursor::new(head).chain(input)));
            }
            Sniffed::Empty if compression.is_none() => return Err(UnpackError::Empty),
            Sniffed::Empty => return Err(UnpackError::Not("compressed, with nothing inside".to_owned())),
            Sniffed::Not(reason) => {
                return Err(UnpackError::Not(match compression.map(Algorithm::name) {
                    Some(name) => format!("{name}-compressed, inside: {reason}"),
                    None => reason,
                }));
            }
            Sniffed::NeedMore(_) => return Err(UnpackError::Not("it is too short".to_owned())),
        }
    }
    Err(UnpackError::Not(format!("compressed more than {LAYERS} times")))
}

/// Reads no more than it takes to tell what the stream holds: a pipe may not give more for a long time.
fn read_head(input: &mut dyn Read, head: &mut Vec<u8>) -> io::Result<Sniffed> {
    let mut want = 4;
    let mut complete = false;
    loop {
        while head.len() < want && !complete {
            let have = head.len();
            head.resize(sniff::HEAD.max(want), 0);
            let n = match input.read(head.get_mut(have..).unwrap_or_default()) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {
                    head.truncate(have);
                    continue;
                }
                Err(e) => {
                    head.truncate(have);
                    // What a damaged compressed stream gave before may still tell.
                    if let Sniffed::Capture(format) = sniff::sniff(head, true) {
                        return Ok(Sniffed::Capture(format));
                    }
                    return Err(e);
                }
            };
            head.truncate(have + n);
            complete = n == 0;
        }
        match sniff::sniff(head, complete) {
            Sniffed::NeedMore(n) if !complete => want = n.max(head.len() + 1),
            sniffed => return Ok(sniffed),
        }
    }
}

/// Whether a file holds a capture, packed or not; an error where it cannot be read.
pub(super) fn holds_capture(file: File) -> io::Result<bool> {
    match unpack(Box::new(file)) {
        Ok(_) => Ok(true),
        Err(UnpackError::Io(e)) => Err(e),
        Err(UnpackError::Empty | UnpackError::Not(_)) => Ok(false),
    }
}

impl Source {
    /// Reads on. 0 means the end, for now where the file may grow.
    pub fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File { file, at } => {
                let n = super::ReadAt::read_at(&**file, *at, buf)?;
                *at += n as u64;
                Ok(n)
            }
            Self::Spill(spill) => spill.read(buf),
        }
    }

    pub fn backing(&self) -> Backing {
        match self {
            Self::File { file, .. } => Arc::clone(file) as Backing,
            Self::Spill(spill) => Arc::clone(&spill.file) as Backing,
        }
    }

    /// Reading goes on at `offset`, where that can be chosen.
    pub fn seek(&mut self, offset: u64) {
        if let Self::File { at, .. } = self {
            *at = offset;
        }
    }

    /// Whether reading may wait for someone who writes.
    pub fn live(&self) -> bool {
        matches!(self, Self::Spill(spill) if spill.live)
    }

    /// Whether more may come after the end was read.
    pub fn may_grow(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    /// Bytes read so far, as stored.
    pub fn input_bytes(&self) -> u64 {
        match self {
            Self::File { at, .. } => *at,
            Self::Spill(spill) => spill.raw.consumed.load(Ordering::Relaxed),
        }
    }

    /// Why the stream ended early: issue code and text.
    pub fn take_trouble(&mut self) -> Option<(&'static str, String)> {
        match self {
            Self::File { .. } => None,
            Self::Spill(spill) => spill.trouble.take(),
        }
    }
}

impl Spill {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended || buf.is_empty() {
            return Ok(0);
        }
        let n = if self.head.is_empty() {
            match self.read_input(buf) {
                Ok(n) => n,
                Err(e) if self.raw.failed.load(Ordering::Relaxed) || !self.compressed => return Err(e),
                Err(e) => {
                    self.trouble = Some(match e.kind() {
                        io::ErrorKind::UnexpectedEof => {
                            ("truncated-file", "the compressed data end too early".to_owned())
                        }
                        _ => {
                            ("bad-compression", format!("the compressed data are damaged from here on: {e}"))
                        }
                    });
                    0
                }
            }
        } else {
            let n = self.head.len().min(buf.len());
            for (to, from) in buf.iter_mut().zip(self.head.drain(..n)) {
                *to = from;
            }
            n
        };
        if n == 0 {
            self.ended = true;
            return Ok(0);
        }
        let after = self.written.saturating_add(n as u64);
        if let Some(trouble) = self.over_limit(after) {
            self.ended = true;
            self.trouble = Some(trouble);
            return Ok(0);
        }
        self.file.write_all_at(self.written, buf.get(..n).unwrap_or_default())?;
        self.written = after;
        Ok(n)
    }

    fn read_input(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(buf) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn over_limit(&self, after: u64) -> Option<(&'static str, String)> {
        if after > self.spill_bytes {
            let text =
                format!("more than {} bytes would have to be kept in a temporary file", self.spill_bytes);
            return Some(("limit-spill-bytes", text));
        }
        let consumed = self.raw.consumed.load(Ordering::Relaxed);
        if self.compressed && after > RATIO_GRACE && after / self.inflate_ratio > consumed {
            let text = format!(
                "{consumed} compressed bytes became {after}, more than {} times as many: given up",
                self.inflate_ratio
            );
            return Some(("limit-inflate-ratio", text));
        }
        None
    }
}
