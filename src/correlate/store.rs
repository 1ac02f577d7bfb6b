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
    bytes: Vec<u8>,
    /// How many of them are of the page; none before it was read.
    filled: usize,
}

impl Pages {
    fn holds(&self, store: u16, number: u64) -> bool {
        let page = self.0.get(number as usize % PAGES).map(Mutex::try_lock);
        matches!(page, Some(Ok(page)) if page.place == Some((store, number)) && page.filled > 0)
    }

    /// Bytes of a capture; none where not all of them are there.
    fn read(&self, r: BytesRef, backing: &Backing) -> io::Result<Option<Vec<u8>>> {
        let length = r.len as usize;
        let (number, at) = (r.offset / PAGE as u64, (r.offset % PAGE as u64) as usize);
        let page = self.0.get(number as usize % PAGES).map(Mutex::try_lock);
        // One that another thread has is not waited for.
        if let Some(Ok(mut page)) = page
            && at + length <= PAGE
        {
            let place = Some((r.store, number));
            let again = page.place == place;
            if !again {
                (page.place, page.filled) = (place, 0);
            }
            // Who has read the page before this one goes on.
            if page.filled == 0 && (again || number > 0 && self.holds(r.store, number - 1)) {
                page.bytes.resize(PAGE, 0);
                page.filled = backing.read_at(number * PAGE as u64, &mut page.bytes).unwrap_or(0);
            }
            if let Some(known) = page.bytes.get(..page.filled).and_then(|bytes| bytes.get(at..at + length)) {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::capture::ReadAt;

    /// A file that counts how often it is read, with a place that cannot be.
    #[derive(Debug)]
    struct Counted(Vec<u8>, AtomicUsize, Option<u64>);

    impl ReadAt for Counted {
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            self.1.fetch_add(1, Ordering::Relaxed);
            let within = |bad: u64| (offset..offset + buf.len() as u64).contains(&bad);
            if self.2.is_some_and(within) {
                return Err(io::Error::other("a bad sector"));
            }
            self.0.read_at(offset, buf)
        }
    }

    fn stores(bytes: Vec<u8>, bad: Option<u64>) -> (Stores, Arc<Counted>) {
        let file = Arc::new(Counted(bytes, AtomicUsize::new(0), bad));
        let mut stores = Stores::default();
        stores.set_capture(0, file.clone());
        (stores, file)
    }

    fn place(offset: u64, len: u32) -> BytesRef {
        BytesRef { offset, len, store: 0 }
    }

    #[test]
    fn what_is_read_is_what_stands_there() {
        let bytes: Vec<u8> = (0..3 * PAGE as u32 + 777).map(|i| ((i / 7) ^ (i * 31)) as u8).collect();
        let (mut stores, file) = stores(bytes.clone(), None);
        for step in [97, 5_003, 16_384, 40_000] {
            for offset in (0..bytes.len()).step_by(step) {
                for len in [0, 1, 900, 20_000] {
                    let read = stores.read(place(offset as u64, len as u32));
                    match bytes.get(offset..offset + len) {
                        Some(wanted) => assert_eq!(read.expect("reads"), wanted, "{offset} {len}"),
                        None => assert!(read.is_err(), "{offset} {len}"),
                    }
                }
            }
        }
        // Messages in a row take a read a page and no more than one for the first of them and for those that lie in two.
        file.1.store(0, Ordering::Relaxed);
        let in_row: Vec<u64> = (0..bytes.len() as u64 - 500).step_by(500).collect();
        in_row.iter().for_each(|offset| drop(stores.read(place(*offset, 500)).expect("reads")));
        assert!(file.1.load(Ordering::Relaxed) <= 9, "{:?} of {}", file.1, in_row.len());
        // Another file in its place is read anew.
        stores.set_capture(0, Arc::new(vec![9u8; 100]));
        assert_eq!(stores.read(place(3, 2)).expect("reads"), [9, 9]);
    }

    #[test]
    fn a_page_that_cannot_be_read_takes_nothing_along() {
        let (stores, _) = stores(vec![7; PAGE], Some(5_000));
        for _ in 0..3 {
            assert_eq!(stores.read(place(10, 100)).expect("reads"), [7; 100]);
            assert!(stores.read(place(4_990, 100)).is_err());
        }
    }
}
