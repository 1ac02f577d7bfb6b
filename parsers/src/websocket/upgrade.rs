//! The HTTP/1.1 heads that open a WebSocket (RFC 6455 §4, RFC 7692 §5, RFC 7118 §4).

/// Longest head that is waited for, bytes.
pub const MAX_HEAD: usize = 64 * 1024;

/// An HTTP/1.1 message head at the start of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpgradeHead {
    /// `GET … Upgrade: websocket`; `sip` where Sec-WebSocket-Protocol lists it; `deflate` where permessage-deflate is offered.
    Request {
        len: usize,
        sip: bool,
        deflate: bool,
        path: String,
    },
    /// `101`; `deflate` agreed; whether each side resets its compression window for every message.
    Accepted {
        len: usize,
        sip: bool,
        deflate: bool,
        client_no_context: bool,
        server_no_context: bool,
    },
    /// Any other HTTP head.
    Other {
        len: usize,
    },
    NeedMore,
    Reject,
}

enum Start<'a> {
    Request { method: &'a [u8], target: &'a [u8] },
    Status { code: &'a [u8] },
}

/// What the headers of a head say of the upgrade.
#[derive(Default)]
struct Headers {
    websocket: bool,
    sip: bool,
    deflate: bool,
    client_no_context: bool,
    server_no_context: bool,
}

/// Reads a whole head (to its empty line); blank lines before it are counted in `len`.
pub fn parse_upgrade(buf: &[u8]) -> UpgradeHead {
    let blank = buf.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let head = buf.get(blank..).unwrap_or_default();
    if blank > 16 {
        return UpgradeHead::Reject;
    }
    let Some(first_end) = memchr::memchr(b'\n', head) else {
        return if head.len() <= MAX_HEAD && may_begin_head(head) {
            UpgradeHead::NeedMore
        } else {
            UpgradeHead::Reject
        };
    };
    let Some(start) = head.get(..first_end).and_then(start_line) else {
        return UpgradeHead::Reject;
    };
    let mut headers = Headers::default();
    let mut name: &[u8] = &[];
    let mut at = first_end + 1;
    loop {
        let rest = head.get(at..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest);
        let Some(end) = end.filter(|end| at + end <= MAX_HEAD) else {
            // Either the head is not all there, or it is longer than anybody would send.
            return if end.is_none() && head.len() <= MAX_HEAD {
                UpgradeHead::NeedMore
            } else {
                UpgradeHead::Reject
            };
        };
        let line = rest.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        at += end + 1;
        if line.is_empty() {
            break;
        }
        // A folded line goes on with the header before it.
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        let value = if folded {
            line
        } else {
            let Some(colon) = memchr::memchr(b':', line) else {
                continue;
            };
            name = line.get(..colon).unwrap_or_default().trim_ascii();
            line.get(colon + 1..).unwrap_or_default()
        };
        headers.read(name, value);
    }
    let len = blank + at;
    match start {
        Start::Request { method, target } if headers.websocket && method == b"GET" => UpgradeHead::Request {
            len,
            sip: headers.sip,
            deflate: headers.deflate,
            path: String::from_utf8_lossy(target).into_owned(),
        },
        Start::Status { code: b"101" } if headers.websocket => UpgradeHead::Accepted {
            len,
            sip: headers.sip,
            deflate: headers.deflate,
            client_no_context: headers.client_no_context,
            server_no_context: headers.server_no_context,
        },
        _ => UpgradeHead::Other { len },
    }
}

impl Headers {
    fn read(&mut self, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(b"Upgrade") {
            self.websocket |= list(value).any(|item| item.eq_ignore_ascii_case(b"websocket"));
        } else if name.eq_ignore_ascii_case(b"Sec-WebSocket-Protocol") {
            self.sip |= list(value).any(|item| item.eq_ignore_ascii_case(b"sip"));
        } else if name.eq_ignore_ascii_case(b"Sec-WebSocket-Extensions") {
            for extension in list(value) {
                let mut parts = extension.split(|b| *b == b';').map(<[u8]>::trim_ascii);
                if !parts.next().is_some_and(|n| n.eq_ignore_ascii_case(b"permessage-deflate")) {
                    continue;
                }
                self.deflate = true;
                for parameter in parts {
                    let name = parameter.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii();
                    self.client_no_context |= name.eq_ignore_ascii_case(b"client_no_context_takeover");
                    self.server_no_context |= name.eq_ignore_ascii_case(b"server_no_context_takeover");
                }
            }
        }
    }
}

/// Items of a comma-separated list, trimmed; commas in quotes do not count.
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    value
        .split(move |b| {
            quoted ^= *b == b'"';
            *b == b',' && !quoted
        })
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

fn start_line(line: &[u8]) -> Option<Start<'_>> {
    let mut words = line.trim_ascii_end().split(|b| *b == b' ').filter(|w| !w.is_empty());
    let first = words.next()?;
    if is_version(first) {
        let code = words.next().filter(|c| c.len() == 3 && c.iter().all(u8::is_ascii_digit))?;
        return Some(Start::Status { code });
    }
    let target = words.next()?;
    let version = words.next()?;
    let is_request = is_version(version) && words.next().is_none() && first.iter().all(|b| is_token(*b));
    is_request.then_some(Start::Request { method: first, target })
}

fn is_version(word: &[u8]) -> bool {
    matches!(word, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Can this piece of a first line still become one of HTTP?
fn may_begin_head(line: &[u8]) -> bool {
    let word_len = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
    let word = line.get(..word_len).unwrap_or_default();
    let version = b"HTTP/";
    let n = word.len().min(version.len());
    word.get(..n) == version.get(..n)
        || (word.len() <= 32 && !word.is_empty() && word.iter().all(|b| is_token(*b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // After the handshake of RFC 7118 §4.1.
    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: sip-ws.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://www.example.com\r\nSec-WebSocket-Protocol: sip\r\n\
Sec-WebSocket-Version: 13\r\n\r\n";
    const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

    #[test]
    fn rfc_7118_handshake() {
        let mut buf = REQUEST.as_bytes().to_vec();
        buf.extend_from_slice(&[0x81, 0xFE]);
        assert_eq!(
            parse_upgrade(&buf),
            UpgradeHead::Request { len: REQUEST.len(), sip: true, deflate: false, path: "/".into() }
        );
        assert_eq!(
            parse_upgrade(RESPONSE.as_bytes()),
            UpgradeHead::Accepted {
                len: RESPONSE.len(),
                sip: true,
                deflate: false,
                client_no_context: false,
                server_no_context: false
            }
        );
    }

    #[test]
    fn any_cut_needs_more() {
        for head in [REQUEST, RESPONSE] {
            for cut in 0..head.len() {
                assert_eq!(parse_upgrade(&head.as_bytes()[..cut]), UpgradeHead::NeedMore, "{cut}");
            }
        }
    }

    #[test]
    fn odd_spelling() {
        let head = "\r\nGET /ws?x=1 HTTP/1.1\nupgrade: h2c, WebSocket\nCONNECTION:keep-alive,upgrade\n\
sec-websocket-protocol: msrp\nSec-WebSocket-Protocol:\n chat, SIP\n\
Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate; client_max_window_bits=\"15\"\n\n";
        assert_eq!(
            parse_upgrade(head.as_bytes()),
            UpgradeHead::Request { len: head.len(), sip: true, deflate: true, path: "/ws?x=1".into() }
        );
    }

    #[test]
    fn deflate_parameters() {
        let check = |extensions: &str, expect: (bool, bool, bool)| {
            let head = format!(
                "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n"
            );
            match parse_upgrade(head.as_bytes()) {
                UpgradeHead::Accepted {
                    sip: false, deflate, client_no_context, server_no_context, ..
                } => {
                    assert_eq!((deflate, client_no_context, server_no_context), expect, "{extensions}");
                }
                other => panic!("{other:?}"),
            }
        };
        check("permessage-deflate", (true, false, false));
        check("permessage-deflate; server_no_context_takeover", (true, false, true));
        check(
            "Permessage-Deflate;client_no_context_takeover ; server_max_window_bits=10",
            (true, true, false),
        );
        check(
            "x, permessage-deflate; client_no_context_takeover; server_no_context_takeover",
            (true, true, true),
        );
        check("x; p=\"a,permessage-deflate\"", (false, false, false));
        check("permessage-bzip2; server_no_context_takeover", (false, false, false));
    }

    #[test]
    fn other_heads() {
        let check = |head: &str| {
            assert_eq!(parse_upgrade(head.as_bytes()), UpgradeHead::Other { len: head.len() }, "{head}");
        };
        check("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        check("POST / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
        check("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n");
        check("HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0\r\n\r\n");
        check("HTTP/1.0 404 Not Found\r\n\r\n");
    }

    #[test]
    fn refused_and_bounded() {
        assert_eq!(parse_upgrade(b"INVITE sip:a@b SIP/2.0\r\n"), UpgradeHead::Reject);
        assert_eq!(parse_upgrade(b"\x16\x03\x01"), UpgradeHead::Reject);
        assert_eq!(parse_upgrade(b"GET /\r\n"), UpgradeHead::Reject);
        let mut endless = b"GET / HTTP/1.1\r\n".to_vec();
        endless.resize(MAX_HEAD, b'a');
        assert_eq!(parse_upgrade(&endless), UpgradeHead::NeedMore);
        endless.resize(MAX_HEAD + 1, b'a');
        assert_eq!(parse_upgrade(&endless), UpgradeHead::Reject);
        endless.push(b'\n');
        assert_eq!(parse_upgrade(&endless), UpgradeHead::Reject);
    }
}
