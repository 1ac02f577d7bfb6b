//! Handshake messages out of their fragments.

use std::ops::Range;

use super::{Fragment, Handshake, read_handshake};

/// Messages under way at once: the largest flight has seven.
const MAX_OPEN: usize = 8;
/// Longest message that is put together. Chains of certificates stay below it.
const MAX_MESSAGE: u32 = 64 << 10;
/// Separate stretches of one message.
const MAX_STRETCHES: usize = 64;

/// Puts together the handshake messages of one direction, in any order of their fragments. Keeps at most eight messages of
/// 64 KiB; the oldest goes for a ninth.
#[derive(Debug, Default)]
pub struct Assembly {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    message_type: u8,
    message_seq: u16,
    bytes: Vec<u8>,
    /// What is there, in order and apart.
    have: Vec<Range<usize>>,
}

impl Assembly {
    /// Takes a fragment of `datagram`; gives the message once it is whole, with its bytes (without header). A message that
    /// is sent again is given again.
    pub fn push(&mut self, datagram: &[u8], fragment: &Fragment) -> Option<(Vec<u8>, Handshake)> {
        let here = datagram.get(fragment.body.clone())?;
        if fragment.is_whole() {
            self.open.retain(|o| o.message_seq != fragment.message_seq);
            return Some((here.to_vec(), read_handshake(fragment.message_type, here)?));
        }
        let start = usize::try_from(fragment.offset).ok()?;
        let end = start.checked_add(here.len())?;
        let length = usize::try_from(fragment.length).ok()?;
        if fragment.length > MAX_MESSAGE || end > length || here.is_empty() {
            return None;
        }
        let same = |o: &Open| {
            o.message_seq == fragment.message_seq
                && o.message_type == fragment.message_type
                && o.bytes.len() == length
        };
        let at = self.open.iter().position(same).unwrap_or_else(|| {
            // A new handshake counts from the beginning again.
            self.open.retain(|o| o.message_seq != fragment.message_seq);
            if self.open.len() >= MAX_OPEN {
                self.open.remove(0);
            }
            self.open.push(Open {
                message_type: fragment.message_type,
                message_seq: fragment.message_seq,
                bytes: vec![0; length],
                have: Vec::new(),
            });
            self.open.len() - 1
        });
        let open = self.open.get_mut(at)?;
        open.bytes.get_mut(start..end)?.copy_from_slice(here);
        open.cover(start..end);
        if open.have.first() != Some(&(0..length)) {
            return None;
        }
        let done = self.open.remove(at);
        let message = read_handshake(done.message_type, &done.bytes)?;
        Some((done.bytes, message))
    }
}

impl Open {
    fn cover(&mut self, mut new: Range<usize>) {
        self.have.retain(|r| {
            let touches = r.start <= new.end && new.start <= r.end;
            if touches {
                new = r.start.min(new.start)..r.end.max(new.end);
            }
            !touches
        });
        if self.have.len() < MAX_STRETCHES {
            let at = self.have.partition_point(|r| r.start < new.start);
            self.have.insert(at, new);
        }
    }
}
