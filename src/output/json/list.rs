//! Long lists: elements are written by several threads in blocks, put out in order, never all at once.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::JsonOptions;
use super::writer::{append, indent, stream};
use crate::correlate::parts;

/// Messages in a block.
const BLOCK: usize = 256;
/// Texts of blocks that there are at once, a thread: one being made, one waiting, one being put out.
const BUFFERS: usize = 3;
/// An element with more messages than this is written straight to the output.
const LARGE: usize = 64 * BLOCK;

/// Writes `[…]` with the elements that each item makes; `weight` is its number of messages.
pub(super) fn write_list<T: Copy + Sync, I: IntoIterator<Item: Serialize>>(
    out: &mut dyn Write,
    options: JsonOptions,
    depth: usize,
    items: &[T],
    weight: impl Fn(T) -> usize,
    make: impl Fn(T) -> I + Sync,
) -> io::Result<()> {
    let threads = match options.threads {
        0 => parts::cores().min(8),
        n => n.min(8),
    };
    let blocks = blocks(items, weight);
    let small: Vec<&[T]> = blocks.iter().filter(|b| !b.large).map(|b| b.items).collect();
    let threads = threads.min(small.len()).max(1);
    let fill = |buffer: &mut Vec<u8>, block: &[T]| -> io::Result<()> {
        buffer.clear();
        for value in block.iter().flat_map(|&item| make(item)) {
            let comma = !buffer.is_empty();
            begin(buffer, options.pretty, depth, comma);
            append(buffer, &value, options.pretty, depth + 1)?;
        }
        Ok(())
    };
    let desk = Desk {
        state: Mutex::new(State { spare: vec![Vec::new(); threads * BUFFERS], ..State::default() }),
        changed: Condvar::new(),
        blocks: small.len(),
    };
    let work_on = |(at, mut buffer): (usize, Vec<u8>)| {
        let block = small.get(at).copied().unwrap_or_default();
        let filled = fill(&mut buffer, block).map(|()| buffer);
        desk.change(|state| _ = state.done.insert(at, filled));
    };
    out.write_all(b"[")?;
    let mut any = false;
    // This thread works as the others do, and puts out whatever is due before it takes the next block.
    let mut put_out = || -> io::Result<()> {
        let mut turn = 0;
        for block in &blocks {
            if block.large {
                for value in block.items.iter().flat_map(|&item| make(item)) {
                    let mut before = Vec::new();
                    begin(&mut before, options.pretty, depth, std::mem::replace(&mut any, true));
                    out.write_all(&before)?;
                    stream(&mut *out, &value, options.pretty, depth + 1)?;
                }
                continue;
            }
            let buffer = loop {
                match desk.next_for_writer(turn)? {
                    Next::Text(buffer) => break buffer,
                    Next::Work(at, buffer) => work_on((at, buffer)),
                }
            };
            turn += 1;
            if !buffer.is_empty() {
                if std::mem::replace(&mut any, true) {
                    out.write_all(b",")?;
                }
                out.write_all(&buffer)?;
            }
            desk.give_back(buffer);
        }
        Ok(())
    };
    std::thread::scope(|scope| -> io::Result<()> {
        let (desk, work_on) = (&desk, &work_on);
        let running: Vec<_> = (1..threads)
            .map(|_| {
                scope.spawn(move || {
                    let _last = Leaving(desk);
                    while let Some(next) = desk.next() {
                        work_on(next);
                    }
                })
            })
            .collect();
        let _last = Leaving(desk);
        let mut written = put_out();
        desk.close();
        for thread in running {
            written = written.and(thread.join().map_err(|_| failed()));
        }
        written
    })?;
    if options.pretty && any {
        let mut last = Vec::new();
        indent(&mut last, depth);
        out.write_all(&last)?;
    }
    out.write_all(b"]")
}

fn failed() -> io::Error {
    io::Error::other("a writer thread failed")
}

/// Where the threads meet. The buffers are all there is of memory: whoever takes a block has one of them first, so the block
/// whose turn it is always has one.
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
    blocks: usize,
}

#[derive(Default)]
struct State {
    spare: Vec<Vec<u8>>,
    /// The block that nobody has taken yet.
    next: usize,
    done: BTreeMap<usize, io::Result<Vec<u8>>>,
    waiting: usize,
    /// A thread ended before its time, or nobody wants more.
    closed: bool,
}

enum Next {
    /// Of the block whose turn it is.
    Text(Vec<u8>),
    /// A block to work on, and a buffer.
    Work(usize, Vec<u8>),
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let mut state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    /// A block and a buffer; none once all are taken.
    fn next(&self) -> Option<(usize, Vec<u8>)> {
        let mut state = self.lock();
        while !state.closed && state.next < self.blocks {
            match state.take() {
                Some(taken) => return Some(taken),
                None => state = self.wait(state),
            }
        }
        None
    }

    /// What the thread that puts the texts out does next.
    fn next_for_writer(&self, turn: usize) -> io::Result<Next> {
        let mut state = self.lock();
        loop {
            if let Some(done) = state.done.remove(&turn) {
                return done.map(Next::Text);
            }
            if state.closed {
                return Err(failed());
            }
            if state.next < self.blocks
                && let Some((at, buffer)) = state.take()
            {
                return Ok(Next::Work(at, buffer));
            }
            state = self.wait(state);
        }
    }

    fn give_back(&self, buffer: Vec<u8>) {
        self.change(|state| state.spare.push(buffer));
    }

    fn close(&self) {
        self.change(|state| state.closed = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }
}

impl State {
    fn take(&mut self) -> Option<(usize, Vec<u8>)> {
        let buffer = self.spare.pop()?;
        self.next += 1;
        Some((self.next - 1, buffer))
    }
}

/// Says so when a thread ends by a panic, for nobody to wait for its block.
struct Leaving<'a>(&'a Desk);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

/// Items that are written together.
struct Block<'a, T> {
    items: &'a [T],
    /// One that is too large to be held.
    large: bool,
}

fn blocks<T: Copy>(items: &[T], weight: impl Fn(T) -> usize) -> Vec<Block<'_, T>> {
    let mut out = Vec::new();
    let (mut from, mut sum) = (0, 0);
    for (i, &item) in items.iter().enumerate() {
        let large = weight(item) > LARGE;
        if i > from && (large || sum >= BLOCK) {
            out.push(Block { items: items.get(from..i).unwrap_or_default(), large: false });
            (from, sum) = (i, 0);
        }
        sum += weight(item) + 4;
        if large {
            out.push(Block { items: items.get(i..=i).unwrap_or_default(), large });
            (from, sum) = (i + 1, 0);
        }
    }
    let rest = items.get(from..).unwrap_or_default();
    if !rest.is_empty() {
        out.push(Block { items: rest, large: false });
    }
    out
}

/// What stands before an element.
fn begin(text: &mut Vec<u8>, pretty: bool, depth: usize, comma: bool) {
    if comma {
        text.push(b',');
    }
    if pretty {
        indent(text, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[u64], pretty: bool, threads: usize) -> String {
        let mut out = Vec::new();
        let options = JsonOptions { pretty, threads, ..JsonOptions::default() };
        write_list(&mut out, options, 0, items, |n| n as usize, |n| [[n]]).expect("writes");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn an_item_makes_any_number_of_elements() {
        for threads in [1, 3] {
            let options = JsonOptions { threads, ..JsonOptions::default() };
            let items = [0, 0, 2, 0, LARGE + 1, 1, 0];
            let mut out = Vec::new();
            let make = |n: usize| vec![n; n.min(3)];
            write_list(&mut out, options, 0, &items, |n| n, make).expect("writes");
            let wanted = vec![2, 2, LARGE + 1, LARGE + 1, LARGE + 1, 1];
            assert_eq!(String::from_utf8(out).expect("text"), serde_json::to_string(&wanted).expect("JSON"));
            let mut none = Vec::new();
            write_list(&mut none, options, 0, &[0, 0], |_| BLOCK, make).expect("writes");
            assert_eq!(none, b"[]");
        }
    }

    #[test]
    fn whatever_fails_ends_it() {
        struct Bad(usize);
        impl Serialize for Bad {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                assert!(self.0 != 7_000, "as it should");
                if self.0 == 3_000 { Err(serde::ser::Error::custom("no text")) } else { s.serialize_u64(1) }
            }
        }
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(buf.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(buf.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for threads in [1, 4] {
            let options = JsonOptions { threads, ..JsonOptions::default() };
            let write = |out: &mut dyn Write, items: std::ops::Range<usize>| {
                let items: Vec<usize> = items.collect();
                write_list(out, options, 0, &items, |_| 100, |n| [Bad(n)])
            };
            let error = write(&mut io::sink(), 0..5_000).expect_err("one has no text");
            assert_eq!(error.to_string(), "no text");
            let error = write(&mut Full(2_000), 4_000..6_000).expect_err("full");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            let panics = std::panic::AssertUnwindSafe(|| write(&mut io::sink(), 6_000..8_000));
            assert!(!matches!(std::panic::catch_unwind(panics), Ok(Ok(()))));
        }
    }

    #[test]
    fn threads_do_not_change_the_text() {
        let items: Vec<u64> = (0..20_000).map(|i| if i % 997 == 0 { 1 << 20 } else { i % 50 }).collect();
        let wanted: Vec<[u64; 1]> = items.iter().map(|&n| [n]).collect();
        for threads in [1, 2, 5] {
            assert_eq!(list(&items, false, threads), serde_json::to_string(&wanted).expect("JSON"));
            assert_eq!(list(&items, true, threads), serde_json::to_string_pretty(&wanted).expect("JSON"));
        }
        assert_eq!(list(&[], true, 2), "[]");
    }
}
