//! What a message is about, from its media lines and headers.

use callscope_parsers::sip::Scan;

use super::Content;

/// A set of the things a call is seen to be about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KindBits(u8);

impl KindBits {
    pub const AUDIO: u8 = 1;
    pub const VIDEO: u8 = 2;
    pub const IM: u8 = 4;
    pub const FOCUS: u8 = 8;
    pub const SHARING: u8 = 16;
    pub const FILE: u8 = 32;
    /// T.38 over UDPTL. It does not make a kind of call: a fax may take the place of any audio.
    pub const FAX: u8 = 64;

    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// From the value of an `m=` line; a section refused with port 0 says nothing.
    fn of_media_line(line: &[u8]) -> Self {
        let mut words = line.split(|b| *b == b' ').filter(|w| !w.is_empty());
        let (media, port) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if port == b"0" {
            return Self(0);
        }
        let is = |names: &[&str]| names.iter().any(|n| media.eq_ignore_ascii_case(n.as_bytes()));
        Self(if is(&["audio"]) {
            Self::AUDIO
        } else if is(&["video"]) {
            Self::VIDEO
        } else if is(&["message", "x-ms-message"]) {
            Self::IM
        } else if is(&["applicationsharing", "x-applicationsharing", "applicationsharing-video"]) {
            Self::SHARING
        } else if is(&["data", "x-data", "x-filetransfer"]) {
            Self::FILE
        } else if is(&["image"]) && words.next().is_some_and(|w| w.eq_ignore_ascii_case(b"udptl")) {
            Self::FAX
        } else {
            0
        })
    }

    /// From a message and what one pass over it gives.
    pub fn of(scan: &Scan<'_>, content: Content, message: &[u8]) -> Self {
        let mut bits = Self::of_scan(scan, content);
        // The scan knows the first media section only.
        if scan.sdp.is_some_and(|sdp| sdp.media_sections > 1) {
            bits.add(Self::of_body(message.get(scan.body_start..).unwrap_or_default()));
        }
        bits
    }

    fn of_scan(scan: &Scan<'_>, content: Content) -> Self {
        if scan.content_type.is_empty() && scan.cseq_method != b"INVITE" {
            return Self(0);
        }
        let mut bits = scan.sdp.map_or(Self(0), |sdp| Self::of_media_line(sdp.media));
        let focus = contains(scan.contact, b";isfocus")
            || contains(scan.to.uri, b":conf:focus")
            || contains(scan.request_uri, b":conf:focus")
            || !matches!(content, Content::None | Content::Sdp)
                && [
                    &b"application/cccp+xml"[..],
                    b"application/conference-info+xml",
                    b"application/ms-conf-invite+xml",
                ]
                .iter()
                .any(|name| contains(scan.content_type, name));
        if focus {
            bits.0 |= Self::FOCUS;
        }
        bits
    }

    /// From every `m=` line of a body but one at its very beginning.
    fn of_body(body: &[u8]) -> Self {
        let mut bits = Self(0);
        for at in memchr::memmem::find_iter(body, b"\nm=") {
            let rest = body.get(at + 3..).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            bits.add(Self::of_media_line(rest.get(..end).unwrap_or_default().trim_ascii_end()));
        }
        bits
    }
}

/// ASCII case does not matter; `needle` is in lower case.
fn contains(text: &[u8], needle: &[u8]) -> bool {
    let Some(&first) = needle.first() else { return true };
    if text.len() < needle.len() {
        return false;
    }
    let here = |i| text.get(i..i + needle.len()).is_some_and(|w: &[u8]| w.eq_ignore_ascii_case(needle));
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), text).any(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_lines() {
        let check = |lines: &str, kind| {
            assert_eq!(KindBits::of_body(format!("v=0\r\n{lines}").as_bytes()), KindBits(kind));
        };
        check("m=audio 49170 RTP/AVP 0\r\n", KindBits::AUDIO);
        check("m=audio 49170 RTP/AVP 0\r\nm=video 5000 RTP/AVP 31\r\n", KindBits::AUDIO | KindBits::VIDEO);
        check("m=audio 49170 RTP/AVP 0\nm=video 0 RTP/AVP 31\n", KindBits::AUDIO);
        check("m=x-ms-message 5060 sip sip:a@b\r\n", KindBits::IM);
        check("m=message 7394 TCP/MSRP *\r\n", KindBits::IM);
        check("m=applicationsharing 5060 TCP/RTP/SAVP 127\r\n", KindBits::SHARING);
        check("m=data 6891 TCP/RTP x-data\r\n", KindBits::FILE);
        check("m=image 9 UDPTL t38\r\n", KindBits::FAX);
        check("m=image 9 TCPTL t38\r\n", 0);
        check("", 0);
    }

    #[test]
    fn headers() {
        let check = |scan: Scan<'_>, kind| {
            let content = Content::of(scan.content_type);
            assert_eq!(KindBits::of_scan(&scan, content), KindBits(kind));
        };
        check(Scan { content_type: b"application/CCCP+xml", ..Scan::default() }, KindBits::FOCUS);
        check(Scan { content_type: b"application/ms-conf-invite+xml", ..Scan::default() }, KindBits::FOCUS);
        check(
            Scan { contact: b"<sip:c@h>;isfocus", cseq_method: b"INVITE", ..Scan::default() },
            KindBits::FOCUS,
        );
        let sdp =
            callscope_parsers::sip::scan::SdpScan { media: b"audio 5000 RTP/AVP 0", ..Default::default() };
        check(
            Scan {
                contact: b"<sip:c@h>;isfocus",
                content_type: b"application/sdp",
                sdp: Some(sdp),
                ..Scan::default()
            },
            KindBits::AUDIO | KindBits::FOCUS,
        );
    }
}
