//! What was rewritten, until the frames it belongs to are written: in a temporary file beyond some size.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes that are kept in memory.
const IN_MEMORY: usize = 32 << 20;

#[derive(Debug, Default)]
pub(super) struct Arena {
    file: Option<File>,
    /// Bytes in the file.
    written: u64,
    tail: Vec<u8>,
}

impl Arena {
    /// Where the bytes are now.
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<u64> {
        if self.tail.len() + bytes.len() > IN_MEMORY {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(tempfile::tempfile()?),
            };
            file.seek(SeekFrom::Start(self.written))?;
            file.write_all(&self.tail)?;
            self.written += self.tail.len() as u64;
            self.tail.clear();
        }
        let at = self.written + self.tail.len() as u64;
        self.tail.extend_from_slice(bytes);
        Ok(at)
    }

    pub fn read(&mut self, at: u64, to: &mut [u8]) -> io::Result<()> {
        if to.is_empty() {
            return Ok(());
        }
        if let Some(from) = at.checked_sub(self.written) {
            let from = from as usize;
            let bytes = self.tail.get(from..from + to.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            to.copy_from_slice(bytes);
            return Ok(());
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::UnexpectedEof)?;
        file.seek(SeekFrom::Start(at))?;
        let in_file = ((self.written - at) as usize).min(to.len());
        let (first, rest) = to.split_at_mut(in_file);
        file.read_exact(first)?;
        let more = self.tail.get(..rest.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        rest.copy_from_slice(more);
        Ok(())
    }
}
