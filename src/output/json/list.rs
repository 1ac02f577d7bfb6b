//! Long lists: elements are written by several threads in blocks, put out in order, never all at once.

use std::io::{self, Write};
use std::sync::mpsc::{channel, sync_channel};

use serde::Serialize;

use super::JsonOptions;
use super::layout::{Layout, indent};

/// Messages in a block. A thread holds the text of three at most: one being made, one waiting, one being put out.
const BLOCK: usize = 1024;
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
    let small = || blocks.iter().filter(|b| !b.large).map(|b| b.items);
    let threads = threads.min(small().count());
    let fill = |buffer: &mut Vec<u8>, block: &[T]| -> io::Result<()> {
        buffer.clear();
        for value in block.iter().flat_map(|&item| make(item)) {
            let comma = !buffer.is_empty();
            element(&mut *buffer, options.pretty, depth, comma, &value)?;
        }
        Ok(())
    };
    let fill = &fill;
    out.write_all(b"[")?;
    let mut any = false;
    std::thread::scope(|scope| -> io::Result<()> {
        // Each thread makes every so manieth block, so that they come back in turn.
        let mut lanes = Vec::with_capacity(threads);
        let mut running = Vec::with_capacity(threads);
        for n in 0..threads {
            let (done, results) = sync_channel(1);
            let (give_back, spare) = channel::<Vec<u8>>();
            lanes.push((results, give_back));
            let own = small().skip(n).step_by(threads);
            running.push(scope.spawn(move || {
                for block in own {
                    let mut buffer = spare.try_recv().unwrap_or_default();
                    let filled = fill(&mut buffer, block).map(|()| buffer);
                    if done.send(filled).is_err() {
                        return;
                    }
                }
            }));
        }
        let failed = || io::Error::other("a writer thread failed");
        let mut put_out = || -> io::Result<()> {
            let mut turn = lanes.iter().cycle();
            for block in &blocks {
                if block.large {
                    for value in block.items.iter().flat_map(|&item| make(item)) {
                        element(&mut *out, options.pretty, depth, std::mem::replace(&mut any, true), &value)?;
                    }
                    continue;
                }
                let (results, give_back) = turn.next().ok_or_else(failed)?;
                let buffer = results.recv().map_err(|_| failed())??;
                if !buffer.is_empty() {
                    if std::mem::replace(&mut any, true) {
                        out.write_all(b",")?;
                    }
                    out.write_all(&buffer)?;
                }
                // The thread is gone once it has no more blocks.
                let _ = give_back.send(buffer);
            }
            Ok(())
        };
        let mut written = put_out();
        drop(lanes);
        for thread in running {
            written = written.and(thread.join().map_err(|_| failed()));
        }
        written
    })?;
    if options.pretty && any {
        indent(out, depth)?;
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

fn element<W: Write, S: Serialize>(
    mut out: W,
    pretty: bool,
    depth: usize,
    comma: bool,
    value: &S,
) -> io::Result<()> {
    if comma {
        out.write_all(b",")?;
    }
    if pretty {
        indent(&mut out, depth + 1)?;
    }
    let mut serializer = serde_json::Serializer::with_formatter(out, Layout::new(pretty, depth + 1));
    value.serialize(&mut serializer).map_err(io::Error::from)
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
