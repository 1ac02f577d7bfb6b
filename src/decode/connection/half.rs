//! The bytes of one direction that do not make a whole message yet, and the frames they came in.

use std::ops::Range;

use crate::capture::{FrameRef, Nanos};

/// A run of buffered bytes and the segment that brought it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// End of the run in `Half::buf`.
    pub end: usize,
    pub frame: FrameRef,
    pub time: Nanos,
}

#[derive(Debug, Default)]
pub(super) struct Half {
    pub buf: Vec<u8>,
    pub marks: Vec<Mark>,
    /// Looking for the next start line after damage or a gap.
    pub lost: bool,
    /// Bytes seen while undecided.
    pub seen: usize,
    /// Length of `buf` below which it says nothing new.
    pub wanted: usize,
}

/// From this length on a buffer without a whole message is looked at again only as it grows by a sixteenth: a
/// message of megabytes may come byte by byte.
pub(super) const SMALL_BUFFER: usize = 16 << 10;

impl Half {
    pub fn push(&mut self, bytes: &[u8], frame: FrameRef, time: Nanos) {
        self.buf.extend_from_slice(bytes);
        self.marks.push(Mark { end: self.buf.len(), frame, time });
    }

    pub fn consume(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        if n >= self.buf.len() {
            self.empty();
            return;
        }
        self.buf.drain(..n);
        self.marks.retain_mut(|m| match m.end.checked_sub(n) {
            Some(end) if end > 0 => {
                m.end = end;
                true
            }
            _ => false,
        });
    }

    /// Adds a range of these bytes to another buffer, each run with its frame.
    pub fn copy(&self, range: Range<usize>, to: &mut Self) {
        let mut from = 0;
        for m in &self.marks {
            let run = from.max(range.start)..m.end.min(range.end);
            from = m.end;
            if let Some(bytes) = self.buf.get(run).filter(|b| !b.is_empty()) {
                to.push(bytes, m.frame, m.time);
            }
        }
    }

    /// Frames of `buf[start..end]`, the last one apart with its time.
    pub fn frames(&self, start: usize, end: usize, parts: &mut Vec<FrameRef>) -> Option<(FrameRef, Nanos)> {
        parts.clear();
        let mut last = None;
        let mut from = 0;
        for m in &self.marks {
            if m.end > start && from < end {
                if let Some((frame, _)) = last
                    && frame != m.frame
                {
                    parts.push(frame);
                }
                last = Some((m.frame, m.time));
            }
            from = m.end;
        }
        last
    }

    pub fn clear(&mut self) {
        self.empty();
        self.wanted = 0;
    }

    /// What a long message took is not kept for short ones.
    fn empty(&mut self) {
        if self.held() > SMALL_BUFFER {
            (self.buf, self.marks) = (Vec::new(), Vec::new());
        } else {
            self.buf.clear();
            self.marks.clear();
        }
    }

    pub fn held(&self) -> usize {
        self.buf.capacity() + self.marks.capacity() * size_of::<Mark>()
    }
}
