//! gzip (RFC 1952), zstd (RFC 8878) and LZ4 frames, each of them several times in a row.
//!
//! A decoder gives all bytes that could be unpacked before it fails; data cut short fail with
//! [`io::ErrorKind::UnexpectedEof`].

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder as ZstdDecoder};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Gzip,
    Zstd,
    Lz4,
}

impl Algorithm {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    /// Tells it by its first four bytes.
    pub fn of(head: [u8; 4]) -> Option<Self> {
        match (head, u32::from_le_bytes(head)) {
            ([0x1f, 0x8b, 8, _], _) => Some(Self::Gzip),
            (_, ZSTD_MAGIC) => Some(Self::Zstd),
            (_, LZ4_MAGIC | LZ4_LEGACY_MAGIC) => Some(Self::Lz4),
            // Skippable frames come with either; zstd reads past them and finds out.
            (_, magic) if magic & !0xf == SKIPPABLE_MAGIC => Some(Self::Zstd),
            _ => None,
        }
    }
}

const ZSTD_MAGIC: u32 = 0xfd2f_b528;
const LZ4_MAGIC: u32 = 0x184d_2204;
const LZ4_LEGACY_MAGIC: u32 = 0x184c_2102;
/// Lowest of 16 magics of frames that hold no data, of zstd and LZ4 alike: magic 4, length 4, then the bytes.
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;

/// A raw block of no bytes that says it is the last, and room for a checksum.
const EMPTY_LAST_BLOCK: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

/// What is stored.
type Stored = Tracked<BufReader<Box<dyn Read + Send>>>;

pub(super) fn decoder(stored: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
    let inner = BufReader::with_capacity(64 << 10, stored);
    let stored = Tracked { inner, unread: [0; 4], unread_at: 4, at_end: false };
    Box::new(Decoder { state: State::Between(stored), zstd: None, frames: 0, failed: None })
}

/// Takes four bytes back, and remembers that the end was met.
struct Tracked<R> {
    inner: R,
    unread: [u8; 4],
    unread_at: usize,
    at_end: bool,
}

impl<R: BufRead> Read for Tracked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        // What lies in the buffer is given first: a read of more would go past it.
        let from = self.fill_buf()?;
        let n = from.len().min(buf.len());
        buf[..n].copy_from_slice(&from[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Tracked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread_at < self.unread.len() {
            return Ok(&self.unread[self.unread_at..]);
        }
        let bytes = self.inner.fill_buf()?;
        self.at_end |= bytes.is_empty();
        Ok(bytes)
    }

    fn consume(&mut self, amount: usize) {
        if self.unread_at < self.unread.len() {
            self.unread_at += amount;
        } else {
            self.inner.consume(amount);
        }
    }
}

/// Unpacks one frame (gzip: member) after the other, of whatever kind each is.
struct Decoder {
    state: State,
    /// Kept for its memory.
    zstd: Option<Box<ZstdDecoder>>,
    frames: u64,
    /// Why unpacking ended, to be told once everything before it is given.
    failed: Option<io::Error>,
}

enum State {
    Between(Stored),
    Gzip(Box<GzDecoder<Stored>>),
    Zstd(Stored, Box<ZstdDecoder>),
    Lz4(Box<Lz4Decoder<Stored>>, bool),
    Ended,
}

impl Read for Decoder {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let state = std::mem::replace(&mut self.state, State::Ended);
            match state {
                State::Ended => return Ok(0),
                State::Between(stored) => self.state = self.next_frame(stored)?,
                State::Gzip(mut gzip) => {
                    let n = gzip.read(buf)?;
                    if n == 0 {
                        self.state = State::Between(gzip.into_inner());
                        continue;
                    }
                    self.state = State::Gzip(gzip);
                    return Ok(n);
                }
                State::Zstd(mut stored, mut zstd) => {
                    let n = self.read_zstd(&mut zstd, &mut stored, buf)?;
                    if n == 0 {
                        self.zstd = Some(zstd);
                        self.state = State::Between(stored);
                        continue;
                    }
                    self.state = State::Zstd(stored, zstd);
                    return Ok(n);
                }
                State::Lz4(mut lz4, legacy) => {
                    let n = lz4.read(buf)?;
                    if n == 0 {
                        let stored = lz4.into_inner();
                        // Other than its predecessor, a frame says where it ends.
                        if stored.at_end && !legacy {
                            return Err(io::ErrorKind::UnexpectedEof.into());
                        }
                        self.state = State::Between(stored);
                        continue;
                    }
                    self.state = State::Lz4(lz4, legacy);
                    return Ok(n);
                }
            }
        }
    }
}

impl Decoder {
    fn read_zstd(
        &mut self,
        zstd: &mut ZstdDecoder,
        stored: &mut Stored,
        buf: &mut [u8],
    ) -> io::Result<usize> {
        while zstd.can_collect() == 0 {
            if zstd.is_finished() {
                if let Some(e) = self.failed.take() {
                    return Err(e);
                }
                let sums = zstd.get_checksum_from_data().zip(zstd.get_calculated_checksum());
                if sums.is_some_and(|(stated, found)| stated != found) {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong"));
                }
                return Ok(0);
            }
            let Err(e) = zstd.decode_blocks(&mut *stored, BlockDecodingStrategy::UptoBlocks(1)) else {
                continue;
            };
            let e = zstd_error(e, stored);
            // The decoder holds back what later blocks may refer to, until it has seen the last one.
            let closed = zstd.decode_blocks(EMPTY_LAST_BLOCK, BlockDecodingStrategy::UptoBlocks(1));
            if closed.is_err() || !zstd.is_finished() {
                return Err(e);
            }
            self.failed = Some(e);
        }
        zstd.read(buf)
    }

    /// Looks at what follows a frame.
    fn next_frame(&mut self, mut stored: Stored) -> io::Result<State> {
        loop {
            let mut magic = [0; 4];
            let have = read_up_to(&mut stored, &mut magic)?;
            if have == 0 {
                return Ok(State::Ended);
            }
            // gzip files on tapes are padded with zeroes.
            if self.frames > 0 && magic == [0; 4] {
                continue;
            }
            let Some(algorithm) = Algorithm::of(magic).filter(|_| have == 4) else {
                if self.frames > 0 && magic.iter().all(|&b| b == 0) {
                    return Ok(State::Ended);
                }
                if have < 4 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "something else follows the compressed data",
                ));
            };
            let value = u32::from_le_bytes(magic);
            if value & !0xf == SKIPPABLE_MAGIC {
                let mut length = [0; 4];
                stored.read_exact(&mut length)?;
                let length = u64::from(u32::from_le_bytes(length));
                if io::copy(&mut stored.by_ref().take(length), &mut io::sink())? < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            }
            self.frames += 1;
            stored.unread = magic;
            stored.unread_at = 0;
            return Ok(match algorithm {
                Algorithm::Gzip => State::Gzip(Box::new(GzDecoder::new(stored))),
                Algorithm::Lz4 => State::Lz4(Box::new(Lz4Decoder::new(stored)), value == LZ4_LEGACY_MAGIC),
                Algorithm::Zstd => {
                    let mut zstd = self.zstd.take().unwrap_or_else(|| Box::new(ZstdDecoder::new()));
                    zstd.reset(&mut stored).map_err(|e| zstd_error(e, &stored))?;
                    State::Zstd(stored, zstd)
                }
            });
        }
    }
}

fn read_up_to(stored: &mut Stored, buf: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while let Some(rest) = buf.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match stored.read(rest) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(have)
}

fn zstd_error(e: impl std::fmt::Display, stored: &Stored) -> io::Error {
    if stored.at_end {
        return io::ErrorKind::UnexpectedEof.into();
    }
    io::Error::new(io::ErrorKind::InvalidData, e.to_string())
}
