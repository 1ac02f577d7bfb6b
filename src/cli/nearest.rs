//! The name that was probably meant.

/// The candidate closest to `wanted` by edit distance, if it is close enough to be meant.
pub(super) fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.chars().take(256).flat_map(char::to_lowercase).collect();
    let mut best: Option<(usize, &str)> = None;
    let mut bound = wanted.len() / 3 + 1;
    for candidate in candidates {
        if let Some(d) = distance(&wanted, candidate, bound)
            && best.is_none_or(|(b, _)| d < b)
        {
            best = Some((d, candidate));
            bound = d;
        }
    }
    best.map(|(_, c)| c)
}

/// Edit distance (insert, delete, replace, swap of neighbours), unless it is above `bound`.
fn distance(a: &[char], b: &str, bound: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().take(256).flat_map(char::to_lowercase).collect();
    if a.len().abs_diff(b.len()) > bound {
        return None;
    }
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut d = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                d = d.min(before[j - 1] + 1);
            }
            row.push(d);
        }
        if row.iter().min().is_none_or(|&m| m > bound + 1) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|&d| d <= bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["sip_messages", "dialogs", "flows", "names"];
        assert_eq!(nearest("sip_mesages", names), Some("sip_messages"));
        assert_eq!(nearest("Dialgos", names), Some("dialogs"));
        assert_eq!(nearest("zzzzzz", names), None);
    }
}
