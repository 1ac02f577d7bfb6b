//! Text of UTF-16 in which whatever is wrong stays visible.

/// The text, each unit that is no text as U+FFFD; and whether there was none, nor half a unit at the end.
pub(crate) fn decode_utf16(bytes: &[u8], big_endian: bool) -> (String, bool) {
    let units = bytes.chunks_exact(2).map(|pair| match *pair {
        [a, b] if big_endian => u16::from_be_bytes([a, b]),
        [a, b] => u16::from_le_bytes([a, b]),
        _ => 0,
    });
    let mut good = bytes.len().is_multiple_of(2);
    let text = char::decode_utf16(units)
        .map(|c| {
            c.unwrap_or_else(|_| {
                good = false;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (text, good)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// U+10437 is D801 DC37 (RFC 2781 section 2.1).
    #[test]
    fn both_orders_and_what_is_no_text() {
        let big = [0x00, 0x61, 0xd8, 0x01, 0xdc, 0x37];
        let little = [0x61, 0x00, 0x01, 0xd8, 0x37, 0xdc];
        assert_eq!(decode_utf16(&big, true), ("a\u{10437}".to_owned(), true));
        assert_eq!(decode_utf16(&little, false), ("a\u{10437}".to_owned(), true));
        assert_eq!(decode_utf16(&little[..5], false), ("a\u{fffd}".to_owned(), false));
        assert_eq!(decode_utf16(&[0x61, 0x00, 0x62], false), ("a".to_owned(), false));
        assert_eq!(decode_utf16(&[], true), (String::new(), true));
    }
}
