//! Message bytes by reference: the captures themselves, and an arena for what was put together.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Mutex;

use super::model::BytesRef;
use crate::capture::Backing;

/// Bytes of a page of a capture, and pages kept.
const PAGE: usize = 16 * 1024;
const PAGES: usize = 32;

/// Pages of the captures that were asked for more than once lately. Messages that are read one after the other mostly lie
/// near each other, and a system call takes longer than a copy.
#[derive(Default)]
struct Pages([Mutex<Page>; PAGES]);

#[derive(Default)]
struct Page {
    /// Capture and number; whoever came last.
    place: Option<(u16, u64)>,
    /// Empty as long as it was asked for once only.
    bytes: Vec<u8>,
}

impl Pages {
    /// Bytes of a capture; none where not all of them are there.
    fn read(&self, r: BytesRef, backing: &Backing) -> io::Result<Option<Vec<u8>>> {
        let length = r.len as usize;
        let (number, at) = (r.offset / PAGE as u64, (r.offset % PAGE as u64) as usize);
        let page = self.0.get(number as usize % PAGES).map(Mutex::try_lock);
        // One that another thread has is not waited for.
        if let Some(Ok(mut page)) = page
            && at + length <= PAGE
        {
            if page.place != Some((r.store, number)) {
                page.place = Some((r.store, number));
                page.bytes.clear();
            } else if page.bytes.is_empty() {
                page.bytes.resize(PAGE, 0);
                let read = backing.read_at(number * PAGE as u64, &mut page.bytes);
                page.bytes.truncate(*read.as_ref().unwrap_or(&0));
                read?;
            }
            if let Some(known) = page.bytes.get(at..at + length) {
                return Ok(Some(known.to_vec()));
            }
        }
        let mut buf = vec![0; length];
        Ok((backing.read_at(r.offset, &mut buf)? == length).then_some(buf))
    }
}

/// Everything message bytes can be read from.
#[derive(Default)]
pub struct Stores {
    captures: Vec<Option<Backing>>,
    pages: Pages,
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
        self.pages = Pages::default();
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
        let length = r.len as usize;
        let gone = || io::Error::new(io::ErrorKind::UnexpectedEof, "the capture no longer holds these bytes");
        if r.store != BytesRef::ARENA {
            let backing = self.capture(usize::from(r.store)).ok_or_else(gone)?;
            return self.pages.read(r, backing)?.ok_or_else(gone);
        }
        if let Some(at) = r.offset.checked_sub(self.spilled) {
            let at = usize::try_from(at).map_err(|_| gone())?;
            let end = at.checked_add(length).ok_or_else(gone)?;
            return Ok(self.arena.get(at..end).ok_or_else(gone)?.to_vec());
        }
        use std::io::Read;
        let mut buf = vec![0; length];
        let file = self.file.as_ref().ok_or_else(gone)?;
        let mut file = file.lock().map_err(|_| io::Error::other("arena file lock"))?;
        file.seek(SeekFrom::Start(r.offset))?;
        file.read_exact(&mut buf)?;
        Ok(buf)
    }
}
