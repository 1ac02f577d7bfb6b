//! DNS messages: names label by label, addresses, and nothing of other data.

use super::Redactor;
use super::keywords;
use super::names::Words;

const HEADER: usize = 12;
/// Records that are looked at.
const RECORDS: usize = 4096;

impl Redactor {
    pub(super) fn dns(&mut self, b: &mut [u8]) {
        self.tally.add("messages of DNS", 1);
        let Some(&head) = b.first_chunk::<HEADER>() else {
            return self.wipe(b, "bytes of unknown protocols");
        };
        let count = |at: usize| {
            usize::from(head.get(at).copied().unwrap_or(0)) << 8
                | usize::from(head.get(at + 1).copied().unwrap_or(0))
        };
        let mut at = HEADER;
        // Names are done once each, however many point to them.
        let mut done = vec![false; b.len()];
        for _ in 0..count(4).min(RECORDS) {
            match self.dns_name(b, at, &mut done) {
                Some(end) => at = end + 4,
                None => return self.wipe(b.get_mut(at..).unwrap_or_default(), "bytes of unknown protocols"),
            }
        }
        for _ in 0..(count(6) + count(8) + count(10)).min(RECORDS) {
            let Some(end) = self.dns_name(b, at, &mut done) else { break };
            let Some(&[t0, t1, _, _, _, _, _, _, l0, l1]) = b.get(end..).and_then(|r| r.first_chunk::<10>())
            else {
                at = end;
                break;
            };
            let start = end + 10;
            let stop = (start + usize::from(u16::from_be_bytes([l0, l1]))).min(b.len());
            self.dns_data(b, u16::from_be_bytes([t0, t1]), start..stop, &mut done);
            at = stop;
        }
        let start = at.min(b.len());
        self.wipe(b.get_mut(start..).unwrap_or_default(), "bytes of unknown protocols");
    }

    fn dns_data(&mut self, b: &mut [u8], kind: u16, range: std::ops::Range<usize>, done: &mut [bool]) {
        let names = |skip: usize| range.start + skip;
        match kind {
            1 | 28 => match b.get_mut(range) {
                Some(address) if matches!(address.len(), 4 | 16) => self.binary_address(address),
                Some(other) => other.fill(0),
                None => {}
            },
            // NS, CNAME, PTR, DNAME.
            2 | 5 | 12 | 39 => _ = self.dns_name(b, names(0), done),
            15 => _ = self.dns_name(b, names(2), done),
            33 => _ = self.dns_name(b, names(6), done),
            6 => {
                if let Some(next) = self.dns_name(b, names(0), done) {
                    self.dns_name(b, next, done);
                }
            }
            // NAPTR: order, preference, flags, services, regular expression, name.
            35 => {
                let mut at = names(4);
                for n in 0..3 {
                    let Some(len) = b.get(at).map(|l| usize::from(*l)) else { return };
                    let end = (at + 1 + len).min(range.end);
                    if n == 2
                        && let Some(text) = b.get_mut(at + 1..end)
                    {
                        self.words(text, Words { keep: &["sip", "tel", "sips"], ..Words::NAMES });
                    }
                    at = at + 1 + len;
                }
                if at < range.end {
                    self.dns_name(b, at, done);
                }
            }
            // OPT: options may name the client's network.
            41 => {
                let mut at = range.start;
                while let Some(&[_, _, l0, l1]) = b.get(at..range.end).and_then(|r| r.first_chunk::<4>()) {
                    let end = (at + 4 + usize::from(u16::from_be_bytes([l0, l1]))).min(range.end);
                    b.get_mut(at + 4..end).unwrap_or_default().fill(0);
                    at = end.max(at + 4);
                }
            }
            _ => {
                let mut texts = Vec::new();
                let mut at = range.start;
                while kind == 16 && at < range.end {
                    let len = usize::from(b.get(at).copied().unwrap_or(0));
                    texts.push(at + 1..(at + 1 + len).min(range.end));
                    at += 1 + len;
                }
                if kind == 16 {
                    for text in texts {
                        self.hide(b.get_mut(text).unwrap_or_default(), false);
                    }
                } else {
                    self.wipe(b.get_mut(range).unwrap_or_default(), "bytes of unknown protocols");
                }
            }
        }
    }

    /// Rewrites the labels of the name at `at`; gives where it ends there.
    fn dns_name(&mut self, b: &mut [u8], at: usize, done: &mut [bool]) -> Option<usize> {
        let mut labels = Vec::new();
        let mut here = at;
        let mut end = None;
        // Labels and pointers of one name (RFC 1035 §2.3.4: 255 bytes hold no more labels).
        for _ in 0..256 {
            if labels.len() >= 128 {
                break;
            }
            match usize::from(*b.get(here)?) {
                0 => {
                    end = end.or(Some(here + 1));
                    break;
                }
                len @ 1..=63 => {
                    b.get(here + 1..here + 1 + len)?;
                    labels.push(here + 1..here + 1 + len);
                    here += 1 + len;
                }
                high @ 0xc0.. => {
                    end = end.or(Some(here + 2));
                    let to = (high & 0x3f) << 8 | usize::from(*b.get(here + 1)?);
                    if to >= here {
                        break;
                    }
                    here = to;
                }
                _ => return None,
            }
        }
        let text =
            |b: &[u8], n: usize| labels.get(n).and_then(|r| b.get(r.clone())).map(<[u8]>::to_ascii_lowercase);
        let last = labels.len().checked_sub(2).map(|n| (text(b, n), text(b, n + 1)));
        let reverse = matches!(&last, Some((Some(a), Some(b))) if a == b"in-addr" && b == b"arpa");
        let reverse6 = matches!(&last, Some((Some(a), Some(b))) if a == b"ip6" && b == b"arpa");
        if reverse && labels.len() == 6 {
            let octet = |n: usize| -> Option<u8> { std::str::from_utf8(&text(b, n)?).ok()?.parse().ok() };
            if let (Some(d), Some(c), Some(m), Some(a)) = (octet(0), octet(1), octet(2), octet(3)) {
                if labels.first().and_then(|r| done.get(r.start)).is_some_and(|d| !*d) {
                    let [a, m, c, d] = self.v4([a, m, c, d]);
                    for (range, octet) in labels.iter().zip([d, c, m, a]) {
                        super::names::write(b, range.clone(), octet.to_string().as_bytes());
                        mark(done, range);
                    }
                }
                return end;
            }
        }
        if reverse6
            && labels.len() == 34
            && labels.first().and_then(|r| done.get(r.start)).is_some_and(|d| !*d)
        {
            let mut address = [0u8; 16];
            for (n, range) in labels.iter().take(32).enumerate() {
                let digit = b.get(range.start).and_then(|c| (*c as char).to_digit(16)).unwrap_or(0) as u8;
                if let Some(slot) = address.get_mut((31 - n) / 2) {
                    *slot |= if n % 2 == 0 { digit } else { digit << 4 };
                }
            }
            let moved = self.v6(address);
            for (n, range) in labels.iter().take(32).enumerate() {
                let byte = moved.get((31 - n) / 2).copied().unwrap_or(0);
                let digit = if n % 2 == 0 { byte & 15 } else { byte >> 4 };
                super::names::write(b, range.start..range.start + 1, format!("{digit:x}").as_bytes());
                mark(done, range);
            }
            return end;
        }
        for range in labels {
            if done.get(range.start).is_some_and(|d| *d) {
                continue;
            }
            mark(done, &range);
            let Some(label) = b.get_mut(range) else { continue };
            // A service's label says what is asked for.
            if label.first() != Some(&b'_') {
                self.words(label, Words { keep: keywords::LABELS, ..Words::NAMES });
            }
        }
        end
    }
}

fn mark(done: &mut [bool], range: &std::ops::Range<usize>) {
    if let Some(slot) = done.get_mut(range.start) {
        *slot = true;
    }
}
