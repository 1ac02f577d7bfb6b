//! Word-level difference of two messages.

use std::collections::HashMap;

use super::show;

/// Cells of the table that aligns lines; larger inputs are aligned by their unique lines only.
const LINE_CELLS: usize = 4_000_000;
/// Cells of the table that aligns the words of two lines; longer lines differ as a whole.
const WORD_CELLS: usize = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    Removed,
    Added,
}

/// A line of the difference as runs of words; a line of only `Same` runs stands in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub runs: Vec<(Change, String)>,
}

/// Lines of `a` and `b` aligned, and within changed lines the words that differ. Text is safe to show.
pub fn diff(a: &[u8], b: &[u8]) -> Vec<DiffLine> {
    let (a, b) = (show::safe_lines(a), show::safe_lines(b));
    let mut out = Vec::new();
    let (mut at_a, mut at_b) = (0, 0);
    let end = [(a.len(), b.len())];
    for (i, j) in align(&a, &b).into_iter().chain(end) {
        changed(a.get(at_a..i).unwrap_or_default(), b.get(at_b..j).unwrap_or_default(), &mut out);
        if let Some(line) = a.get(i) {
            out.push(DiffLine { runs: vec![(Change::Same, line.clone())] });
        }
        (at_a, at_b) = (i + 1, j + 1);
    }
    out
}

/// Pairs of positions of equal items, rising on both sides.
fn align<T: PartialEq + Eq + std::hash::Hash>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (&a[head..], &b[head..]);
    let tail = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (mid_a, mid_b) = (&rest_a[..rest_a.len() - tail], &rest_b[..rest_b.len() - tail]);
    let middle = match mid_a.len().checked_mul(mid_b.len()) {
        Some(cells) if cells <= LINE_CELLS => longest_common(mid_a, mid_b),
        _ => unique_common(mid_a, mid_b),
    };
    let mut pairs: Vec<_> = (0..head).map(|i| (i, i)).collect();
    pairs.extend(middle.into_iter().map(|(i, j)| (i + head, j + head)));
    pairs.extend((0..tail).map(|k| (a.len() - tail + k, b.len() - tail + k)));
    pairs
}

/// Longest common subsequence, earliest matches first.
fn longest_common<T: PartialEq>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut table = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i * width + j] = if a[i] == b[j] {
                table[(i + 1) * width + j + 1] + 1
            } else {
                table[(i + 1) * width + j].max(table[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if table[(i + 1) * width + j] >= table[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Items that occur once on each side, the longest rising run of them.
fn unique_common<T: Eq + std::hash::Hash>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let mut places: HashMap<&T, (usize, usize, usize, usize)> = HashMap::new();
    for (i, x) in a.iter().enumerate() {
        let p = places.entry(x).or_default();
        (p.0, p.1) = (p.0 + 1, i);
    }
    for (j, y) in b.iter().enumerate() {
        let p = places.entry(y).or_default();
        (p.2, p.3) = (p.2 + 1, j);
    }
    let mut pairs: Vec<_> = places.values().filter(|p| p.0 == 1 && p.2 == 1).map(|p| (p.1, p.3)).collect();
    pairs.sort_unstable();
    // Patience sorting: the last pair of the best run of each length, and what came before each pair.
    let mut best: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, &(_, j)) in pairs.iter().enumerate() {
        let length = best.partition_point(|&k| pairs[k].1 < j);
        before.push(length.checked_sub(1).map(|l| best[l]));
        match best.get_mut(length) {
            Some(slot) => *slot = at,
            None => best.push(at),
        }
    }
    let mut run = Vec::new();
    let mut next = best.last().copied();
    while let Some(at) = next {
        run.push(pairs[at]);
        next = before[at];
    }
    run.reverse();
    run
}

/// Lines that stand on one side only: those of the same header or SDP type are told word by word.
fn changed(a: &[String], b: &[String], out: &mut Vec<DiffLine>) {
    let names = |lines: &[String]| lines.iter().map(|l| name_of(l).to_owned()).collect::<Vec<_>>();
    let (mut at_a, mut at_b) = (0, 0);
    let end = [(a.len(), b.len())];
    for (i, j) in align(&names(a), &names(b)).into_iter().chain(end) {
        let whole = |change, line: &String| DiffLine { runs: vec![(change, line.clone())] };
        out.extend(a.get(at_a..i).unwrap_or_default().iter().map(|l| whole(Change::Removed, l)));
        out.extend(b.get(at_b..j).unwrap_or_default().iter().map(|l| whole(Change::Added, l)));
        if let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
            match words(x, y) {
                Some(runs) => out.push(DiffLine { runs }),
                None => out.extend([whole(Change::Removed, x), whole(Change::Added, y)]),
            }
        }
        (at_a, at_b) = (i + 1, j + 1);
    }
}

/// What makes two lines versions of one another: the header name, the type of an SDP line and attribute, else the first word.
fn name_of(line: &str) -> &str {
    let end = match line.as_bytes() {
        [b'a', b'=', ..] => line.find([':', ' ']),
        [_, b'=', ..] => Some(2),
        _ => line.find([':', ' ', '<', '>']),
    };
    line.get(..end.unwrap_or(line.len())).unwrap_or(line)
}

fn words(a: &str, b: &str) -> Option<Vec<(Change, String)>> {
    let (a, b) = (split_words(a), split_words(b));
    a.len().checked_mul(b.len()).filter(|&cells| cells <= WORD_CELLS)?;
    let mut runs: Vec<(Change, String)> = Vec::new();
    let mut push = |change, words: &[&str]| {
        for word in words {
            match runs.last_mut() {
                Some((last, text)) if *last == change => text.push_str(word),
                _ => runs.push((change, (*word).to_owned())),
            }
        }
    };
    let (mut at_a, mut at_b) = (0, 0);
    for (i, j) in align(&a, &b).into_iter().chain([(a.len(), b.len())]) {
        push(Change::Removed, a.get(at_a..i).unwrap_or_default());
        push(Change::Added, b.get(at_b..j).unwrap_or_default());
        push(Change::Same, a.get(i..(i + 1).min(a.len())).unwrap_or_default());
        (at_a, at_b) = (i + 1, j + 1);
    }
    // Lines without a word in common are not versions of one another.
    runs.iter().any(|(change, _)| *change == Change::Same).then_some(runs)
}

/// Runs of letters and digits, and every other character by itself.
fn split_words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, c) in line.char_indices() {
        if !c.is_alphanumeric() {
            words.extend(line.get(start..at).filter(|w| !w.is_empty()));
            words.extend(line.get(at..at + c.len_utf8()));
            start = at + c.len_utf8();
        }
    }
    words.extend(line.get(start..).filter(|w| !w.is_empty()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `-[removed]` and `+[added]` within lines.
    fn print(lines: &[DiffLine]) -> String {
        let mut out = String::new();
        for line in lines {
            for (change, text) in &line.runs {
                match change {
                    Change::Same => out.push_str(text),
                    Change::Removed => out.push_str(&format!("-[{text}]")),
                    Change::Added => out.push_str(&format!("+[{text}]")),
                }
            }
            out.push('\n');
        }
        out
    }

    #[test]
    fn changed_words_of_a_header_and_new_lines() {
        let a = b"INVITE sip:bob@contoso.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n";
        let b = b"INVITE sip:bob@contoso.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2\r\nCSeq: 2 INVITE\r\nAuthorization: NTLM x\r\nMax-Forwards: 70\r\n\r\n";
        assert_eq!(
            print(&diff(a, b)),
            "INVITE sip:bob@contoso.com SIP/2.0\n\
             Via: SIP/2.0/UDP 10.0.0.1;branch=-[z9hG4bK1]+[z9hG4bK2]\n\
             CSeq: -[1]+[2] INVITE\n\
             +[Authorization: NTLM x]\n\
             Max-Forwards: 70\n\n"
        );
    }

    #[test]
    fn sdp_lines_pair_by_attribute() {
        assert_eq!(
            print(&diff(b"a=sendrecv\na=rtpmap:0 PCMU/8000\n", b"a=rtpmap:8 PCMA/8000\na=sendonly\n")),
            "-[a=sendrecv]\na=rtpmap:-[0]+[8] -[PCMU]+[PCMA]/8000\n+[a=sendonly]\n"
        );
    }

    #[test]
    fn huge_messages_are_aligned_by_unique_lines() {
        let lines = |extra: &str| {
            let body: String =
                (0..5000).map(|i| format!("line {i}{}\n", if i % 2 == 0 { extra } else { "" })).collect();
            body.into_bytes()
        };
        let all = diff(&lines(" a"), &lines(" b"));
        assert_eq!(all.iter().filter(|l| l.runs.len() == 1 && l.runs[0].0 == Change::Same).count(), 2500);
        assert_eq!(all.len(), 5000);
    }

    proptest! {
        #[test]
        fn both_sides_can_be_told_from_it(a in "[ab: \n]{0,40}", b in "[ab: \n]{0,40}") {
            let lines = diff(a.as_bytes(), b.as_bytes());
            let side = |not: Change| -> Vec<String> {
                lines
                    .iter()
                    .filter(|l| !l.runs.iter().all(|(c, _)| *c == not) || l.runs.is_empty())
                    .map(|l| l.runs.iter().filter(|(c, _)| *c != not).map(|(_, t)| t.as_str()).collect())
                    .collect()
            };
            prop_assert_eq!(side(Change::Added), show::safe_lines(a.as_bytes()));
            prop_assert_eq!(side(Change::Removed), show::safe_lines(b.as_bytes()));
        }
    }
}
