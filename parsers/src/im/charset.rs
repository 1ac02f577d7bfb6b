//! Bytes of a charset to text.

use std::borrow::Cow;

use crate::Issue;
use crate::sqlr::code_page_1252;
use crate::utf16::decode_utf16;

/// Text of these bytes by the name of their charset: UTF-8 and ASCII, UTF-16, ISO 8859-1 and code page 1252. Without a
/// name, or of another charset, UTF-8 where the bytes are, else code page 1252, with an issue. Ranges of issues are of
/// `bytes`.
pub fn decode_charset<'a>(bytes: &'a [u8], charset: Option<&str>) -> (Cow<'a, str>, Vec<Issue>) {
    let name = charset.unwrap_or_default().trim().to_ascii_lowercase();
    let all = 0..bytes.len();
    let issue = |code, text| vec![Issue::new(code, all.clone(), text)];
    match name.as_str() {
        "utf-16" | "utf-16le" | "utf-16be" | "unicode" => {
            let (big, rest) = match bytes {
                [0xFE, 0xFF, rest @ ..] => (true, rest),
                [0xFF, 0xFE, rest @ ..] => (false, rest),
                // Without a mark RFC 2781 §4.3 takes big-endian, for the plain name.
                _ => (name != "utf-16le" && name != "unicode", bytes),
            };
            let (text, good) = decode_utf16(rest, big);
            let issues =
                if good { Vec::new() } else { issue("charset-damaged", "The text is no whole UTF-16") };
            return (Cow::Owned(text), issues);
        }
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" => {
            return (Cow::Owned(code_page_1252(bytes)), Vec::new());
        }
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let known = matches!(name.as_str(), "" | "utf-8" | "utf8" | "us-ascii" | "ascii");
    match std::str::from_utf8(bytes) {
        Ok(text) if known || text.is_ascii() => (Cow::Borrowed(text), Vec::new()),
        Ok(text) => {
            (Cow::Borrowed(text), issue("charset-unknown", "The charset is not known here; read as UTF-8"))
        }
        Err(_) if name == "utf-8" || name == "utf8" => {
            (String::from_utf8_lossy(bytes), issue("charset-damaged", "The text is no valid UTF-8"))
        }
        Err(_) => (
            Cow::Owned(code_page_1252(bytes)),
            issue(
                "charset-guessed",
                "The text is no UTF-8 and its charset is not told or not known; read as 1252",
            ),
        ),
    }
}
