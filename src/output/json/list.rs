//! Long lists: elements are written by several threads in blocks, put out in order, never all at once.

use std::io::{self, Write};

use serde::Serialize;

use super::JsonOptions;
use super::layout::{Layout, indent};

/// Messages in a block. A block's text is what one thread holds.
const BLOCK: usize = 4096;
/// An element with more messages than this is written straight to the output.
const LARGE: usize = 16 * BLOCK;

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
    out.write_all(b"[")?;
    let mut rest = items;
    let mut buffers: Vec<Vec<u8>> = vec![Vec::new(); threads];
    let mut any = false;
    while let Some(&first) = rest.first() {
        if weight(first) > LARGE {
            for value in make(first) {
                element(&mut *out, options.pretty, depth, std::mem::replace(&mut any, true), &value)?;
            }
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let mut blocks: Vec<&[T]> = Vec::with_capacity(threads);
        while blocks.len() < threads && !rest.is_empty() {
            let (block, after) = rest.split_at(block_len(rest, &weight));
            if block.is_empty() {
                break;
            }
            blocks.push(block);
            rest = after;
        }
        let fill = |buffer: &mut Vec<u8>, block: &[T]| -> io::Result<()> {
            buffer.clear();
            for value in block.iter().flat_map(|&item| make(item)) {
                let comma = !buffer.is_empty();
                element(&mut *buffer, options.pretty, depth, comma, &value)?;
            }
            Ok(())
        };
        let fill = &fill;
        std::thread::scope(|scope| -> io::Result<()> {
            let mut pairs = buffers.iter_mut().zip(&blocks);
            let own = pairs.next();
            let others: Vec<_> =
                pairs.map(|(buffer, block)| scope.spawn(move || fill(buffer, block))).collect();
            let mut done = own.map_or(Ok(()), |(buffer, block)| fill(buffer, block));
            for other in others {
                let joined = other.join().unwrap_or_else(|_| Err(io::Error::other("a writer thread failed")));
                done = done.and(joined);
            }
            done
        })?;
        for buffer in buffers.iter().take(blocks.len()).filter(|b| !b.is_empty()) {
            if std::mem::replace(&mut any, true) {
                out.write_all(b",")?;
            }
            out.write_all(buffer)?;
        }
    }
    if options.pretty && any {
        indent(out, depth)?;
    }
    out.write_all(b"]")
}

/// How many of the first items make a block; 0 where the first is a large one.
fn block_len<T: Copy>(items: &[T], weight: &impl Fn(T) -> usize) -> usize {
    let mut sum = 0;
    for (i, &item) in items.iter().enumerate() {
        let w = weight(item);
        if w > LARGE {
            return i;
        }
        sum += w + 4;
        if sum >= BLOCK {
            return i + 1;
        }
    }
    items.len()
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
