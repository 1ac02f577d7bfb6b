//! Long lists: elements are written by several threads in blocks, put out in order, never all at once.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::JsonOptions;
use super::writer::{append, indent, stream};

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
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(8),
        n => n.min(8),
    };
    let blocks = blocks(items, weight);
    let small: Vec<&[T]> = blocks.iter().filter(|b| !b.large).map(|b| b.items).collect();
    let threads = threads.min(small.len());
    let fill = |buffer: &mut Vec<u8>, block: &[T]| -> io::Result<()> {
        buffer.clear();
        for value in block.iter().flat_map(|&item| make(item)) {
            let comma = !buffer.is_empty();
            begin(buffer, options.pretty, depth, comma);
            append(buffer, &value, options.pretty, depth + 1)?;
        }
        Ok(())
    };
    // Whoever has a buffer takes the next block, so that no thread waits for a slower one. The buffers are all there is of
    // memory: the block whose turn it is has one of them, as they are had before blocks are taken.
    let (spare, buffers) = channel();
    let (done, results) = channel();
    (0..threads * BUFFERS).for_each(|_| _ = spare.send(Vec::new()));
    let (buffers, next) = (Mutex::new(buffers), AtomicUsize::new(0));
    let work = |done: Sender<(usize, io::Result<Vec<u8>>)>| {
        loop {
            let buffer = buffers.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(mut buffer) = buffer else { return };
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(block) = small.get(at) else { return };
            let filled = fill(&mut buffer, block).map(|()| buffer);
            if done.send((at, filled)).is_err() {
                return;
            }
        }
    };
    let work = &work;
    out.write_all(b"[")?;
    let mut any = false;
    std::thread::scope(|scope| -> io::Result<()> {
        let mut running = Vec::with_capacity(threads);
        for _ in 0..threads {
            let done = done.clone();
            running.push(scope.spawn(move || work(done)));
        }
        drop(done);
        let failed = || io::Error::other("a writer thread failed");
        let mut early = BTreeMap::new();
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
                    if let Some(filled) = early.remove(&turn) {
                        break filled?;
                    }
                    let (at, filled) = results.recv().map_err(|_| failed())?;
                    early.insert(at, filled);
                };
                turn += 1;
                if !buffer.is_empty() {
                    if std::mem::replace(&mut any, true) {
                        out.write_all(b",")?;
                    }
                    out.write_all(&buffer)?;
                }
                // The threads are gone once there are no more blocks.
                let _ = spare.send(buffer);
            }
            Ok(())
        };
        let mut written = put_out();
        drop((spare, results));
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
