//! Secrets in message text: SDP keys, ICE passwords, Authorization responses, relay passwords.

use std::borrow::Cow;
use std::ops::Range;

use crate::view::{detail, show};

/// What stands in place of a secret.
pub(super) const REDACTED: &str = "<redacted>";

/// What a secret begins with (in any case) and which bytes end it.
const PATTERNS: &[(&[u8], &[u8])] = &[
    (b"inline:", b" \t\r\n;\",|"),
    (b"ice-pwd:", b" \t\r\n"),
    (b"response=\"", b"\"\r\n"),
    (b"response=", b",; \t\r\n"),
    (b"gssapi-data=\"", b"\"\r\n"),
    (b"gssapi-data=", b",; \t\r\n"),
    (b"authorization: basic ", b"\r\n"),
    (b"<password>", b"<"),
    (b"key-mgmt:mikey ", b" \t\r\n"),
];

/// Elements and attributes of XML whose value is a secret: ends of their names, in any case.
const XML: &[&[u8]] = &[b"password", b"passcode", b"encryption-key", b"encryptionkey"];

/// The value of such an element or attribute whose name stands at `at`.
fn xml_secret(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = bytes.get(at..)?;
    let name = XML.iter().find(|n| rest.get(..n.len()).is_some_and(|r| r.eq_ignore_ascii_case(n)))?;
    let mark = at + name.len();
    let (from, end) = match bytes.get(mark)? {
        b'>' => {
            let before = bytes.get(at.saturating_sub(128)..at)?;
            let open = before.iter().rposition(|&b| b == b'<')?;
            if before.get(open + 1) == Some(&b'/') {
                return None;
            }
            (mark + 1, b'<')
        }
        b'=' => match bytes.get(mark + 1)? {
            quote @ (b'"' | b'\'') => (mark + 2, *quote),
            _ => return None,
        },
        _ => return None,
    };
    let value = bytes.get(from..)?;
    Some(from..from + value.iter().position(|&b| b == end).unwrap_or(value.len()))
}

/// The secrets in a text, by their bytes.
pub(super) fn secrets(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let hit = PATTERNS
            .iter()
            .find(|(start, _)| rest.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)));
        let Some((start, ends)) = hit else {
            match xml_secret(bytes, at) {
                Some(range) => {
                    at = range.end.max(at + 1);
                    found.extend(std::iter::once(range).filter(|r| !r.is_empty()));
                }
                None => at += 1,
            }
            continue;
        };
        let from = at + start.len();
        let secret = bytes.get(from..).unwrap_or_default();
        let len = secret.iter().position(|b| ends.contains(b)).unwrap_or(secret.len());
        if len > 0 {
            found.push(from..from + len);
        }
        at = from + len;
    }
    found
}

/// A text with its secrets blanked.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text.as_bytes());
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in secrets {
        out.push_str(text.get(from..range.start).unwrap_or_default());
        out.push_str(REDACTED);
        from = range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// The lines of a message, safe to show: credentials and keys are blanked unless they are asked for.
pub(super) fn message_lines(bytes: &[u8], show_secrets: bool) -> Vec<String> {
    if show_secrets {
        return show::safe_lines(bytes);
    }
    let mut out = Vec::new();
    let mut rest = bytes;
    // A header is a line with those that continue it.
    while let Some(end) = header_end(rest) {
        let (header, after) = rest.split_at(end);
        rest = after;
        if header.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            out.push(String::new());
            break;
        }
        match memchr::memchr(b':', header) {
            Some(colon) => {
                let (name, value) = header.split_at(colon);
                let value = value.get(1..).unwrap_or_default().trim_ascii();
                let told = detail::header_value(name, value, false);
                if told == show::safe(value) {
                    out.extend(blanked_lines(header));
                } else {
                    out.push(format!("{}: {told}", show::safe(name)));
                }
            }
            None => out.extend(blanked_lines(header)),
        }
    }
    out.extend(blanked_lines(rest));
    out
}

/// Where the first header of a text ends, with its line feed.
fn header_end(text: &[u8]) -> Option<usize> {
    let blank = text.starts_with(b"\n") || text.starts_with(b"\r\n");
    let mut ends = memchr::memchr_iter(b'\n', text).map(|at| at + 1);
    let ended = ends.find(|at| blank || !matches!(text.get(*at), Some(b' ' | b'\t')));
    ended.or((!text.is_empty()).then_some(text.len()))
}

fn blanked_lines(bytes: &[u8]) -> Vec<String> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for range in secrets(bytes) {
        plain.extend(bytes.get(from..range.start).unwrap_or_default());
        plain.extend(REDACTED.as_bytes());
        from = range.end;
    }
    plain.extend(bytes.get(from..).unwrap_or_default());
    let mut lines = show::safe_lines(&plain);
    // The key of a session description (RFC 8866 section 5.12).
    for line in lines.iter_mut().filter(|l| l.starts_with("k=") && !l.starts_with("k=prompt")) {
        *line = format!("k={REDACTED}");
    }
    lines
}

/// The value of a field with its secrets blanked; some fields are secret as a whole.
pub(super) fn value<'a>(label: &str, value: &'a str) -> Cow<'a, str> {
    const SECRET: [&str; 7] =
        ["ice-pwd", "a=ice-pwd", "response", "gssapi-data", "password", "key-params", "inline"];
    if SECRET.iter().any(|s| label.eq_ignore_ascii_case(s)) {
        return Cow::Borrowed(REDACTED);
    }
    let scheme = value.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("basic "));
    if scheme && label.to_ascii_lowercase().ends_with("authorization") {
        return Cow::Owned(format!("Basic {REDACTED}"));
    }
    text(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_message_have_no_secrets() {
        let message = b"REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"bob\",\r\n response=\"SECRET1\"\r\n\
            Subject: folded\r\n on\r\nProxy-Authorization: Bearer SECRET2\r\nX: \x1b[31m\r\n\r\n\
            k=base64:SECRET3\r\na=crypto:1 AES inline:SECRET4\r\na=key-mgmt:mikey SECRET5\r\na=ice-pwd:SECRET6\r\nk=prompt";
        let told = message_lines(message, false).join("\n");
        assert!(!told.contains("SECRET") && !told.contains('\x1b'), "{told}");
        for kept in
            ["REGISTER sip:a", "username=\"bob\"", "Subject: folded\n on\n", "X: \\x1b[31m\n\nk=", "k=prompt"]
        {
            assert!(told.contains(kept), "{kept} in {told}");
        }
        assert_eq!(message_lines(message, true).join("\n").matches("SECRET").count(), 6);
        assert_eq!(message_lines(b"", false), Vec::<String>::new());
        assert_eq!(message_lines(b"A: b", false), ["A: b"]);
        assert_eq!(message_lines(b"A: b\r\n\r\nbody\r\n", false), ["A: b", "", "body"]);
    }

    #[test]
    fn secrets_are_blanked() {
        assert_eq!(
            text(
                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4"
            ),
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<redacted>|2^20|1:4"
        );
        assert_eq!(text("a=ice-pwd:asd88fgpdd777uzjYhagZg"), "a=ice-pwd:<redacted>");
        assert_eq!(
            text("Digest username=\"bob\", Response=\"245f23\", opaque=\"\""),
            "Digest username=\"bob\", Response=\"<redacted>\", opaque=\"\""
        );
        assert_eq!(text("response=abc,qop=auth"), "response=<redacted>,qop=auth");
        assert_eq!(text("<password>x</password>"), "<password><redacted></password>");
        let xml = "<a passcode='12' x=\"1\"><c:conference-passcode>34</c:conference-passcode> <n/></a>";
        let hidden = "<a passcode='<redacted>' x=\"1\"><c:conference-passcode><redacted></c:conference-passcode> <n/></a>";
        assert_eq!(text(xml), hidden);
        assert_eq!(text("passcode> no value"), "passcode> no value");
        assert_eq!(value("Authorization", "Basic QWxhZGRpbg=="), "Basic <redacted>");
        assert_eq!(value("ice-pwd", "secret"), REDACTED);
        assert_eq!(text("INVITE sip:bob@example.com SIP/2.0"), "INVITE sip:bob@example.com SIP/2.0");
    }
}
