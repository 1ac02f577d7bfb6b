//! Message bytes by reference: the captures themselves, and an arena for what was put together.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Mutex;

use super::model::BytesRef;
use crate::capture::Backing;

/// Everything message bytes can be read from.
#[derive(Default)]
pub struct Stores {
    captures: Vec<Option<Backing>>,
    arena: Vec<u8>,
    /// Bytes before `spilled` lie in the file, the rest in `arena`.
    spilled: u64,
    file: Option<Mutex<File>>,
}

impl Stores {
    /// Registers the backing of capture `index`.
    pub fn set_capture(&mut self, index: usize, backing: Backing) {
        if self.captures.len() <= index {
            self.captures.resize_with(index + 1, || None);
        }
        self.captures[index] = Some(backing);
    }

    /// The backing of a capture, once it was opened.
    pub fn capture(&self, index: usize) -> Option<&Backing> {
        self.captures.get(index)?.as_ref()
    }

    /// Keeps a copy of `bytes`; past `memory` bytes the arena goes to a temporary file.
    pub fn keep(&mut self, bytes: &[u8], memory: usize) -> io::Result<BytesRef> {
        if self.arena.len() + bytes.len() > memory && !self.arena.is_empty() {
            self.spill()?;
        }
        let offset = self.spilled + self.arena.len() as u64;
        self.arena.extend_from_slice(bytes);
        Ok(BytesRef { offset, len: bytes.len() as u32, store: BytesRef::ARENA })
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(Mutex::new(tempfile::tempfile()?)),
        };
        let mut file = file.lock().map_err(|_| io::Error::other("arena file lock"))?;
        file.seek(SeekFrom::Start(self.spilled))?;
        file.write_all(&self.arena)?;
        self.spilled += self.arena.len() as u64;
        self.arena.clear();
        Ok(())
    }

    /// Reads the bytes again. Fewer than `len` bytes are an error.
    pub fn read(&self, r: BytesRef) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; r.len as usize];
        let gone = || io::Error::new(io::ErrorKind::UnexpectedEof, "the capture no longer holds these bytes");
        if r.store != BytesRef::ARENA {
            let backing = self.capture(usize::from(r.store)).ok_or_else(gone)?;
            if backing.read_at(r.offset, &mut buf)? != buf.len() {
                return Err(gone());
            }
        } else if let Some(at) = r.offset.checked_sub(self.spilled) {
            let at = usize::try_from(at).map_err(|_| gone())?;
            let end = at.checked_add(buf.len()).ok_or_else(gone)?;
            buf.copy_from_slice(self.arena.get(at..end).ok_or_else(gone)?);
        } else {
            use std::io::Read;
            let file = self.file.as_ref().ok_or_else(gone)?;
            let mut file = file.lock().map_err(|_| io::Error::other("arena file lock"))?;
            file.seek(SeekFrom::Start(r.offset))?;
            file.read_exact(&mut buf)?;
        }
        Ok(buf)
    }
}
