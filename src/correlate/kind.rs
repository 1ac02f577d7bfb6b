//! What a call is about, from its media lines and headers.

use callscope_parsers::sip::Scan;

use super::model::CallKind;

/// A set of the things a call was seen to be about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct KindBits(u8);

impl KindBits {
    const AUDIO: u8 = 1;
    const VIDEO: u8 = 2;
    const IM: u8 = 4;
    const FOCUS: u8 = 8;
    const SHARING: u8 = 16;
    const FILE: u8 = 32;

    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The focus of a conference carries no media itself; a leg to its MCU is named by its media.
    pub fn kind(self) -> CallKind {
        let has = |bit| self.0 & bit != 0;
        if has(Self::SHARING) {
            CallKind::ApplicationSharing
        } else if has(Self::VIDEO) {
            CallKind::Video
        } else if has(Self::AUDIO) {
            CallKind::Audio
        } else if has(Self::FOCUS) {
            CallKind::Conference
        } else if has(Self::FILE) {
            CallKind::FileTransfer
        } else if has(Self::IM) {
            CallKind::Im
        } else {
            CallKind::Unknown
        }
    }

    /// From the value of an `m=` line; a section refused with port 0 says nothing.
    pub fn of_media_line(line: &[u8]) -> Self {
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
        } else {
            0
        })
    }

    /// From everything one pass over a message of the call gives.
    pub fn of_scan(scan: &Scan<'_>) -> Self {
        if scan.content_type.is_empty() && scan.cseq_method != b"INVITE" {
            return Self(0);
        }
        let mut bits = scan.sdp.map_or(Self(0), |sdp| Self::of_media_line(sdp.media));
        let focus = contains(scan.contact, b";isfocus")
            || contains(scan.to.uri, b":conf:focus")
            || contains(scan.request_uri, b":conf:focus")
            || contains(scan.content_type, b"application/cccp+xml")
            || contains(scan.content_type, b"application/conference-info+xml");
        if focus {
            bits.0 |= Self::FOCUS;
        }
        bits
    }

    /// From every `m=` line of a body but one at its very beginning.
    pub fn of_body(body: &[u8]) -> Self {
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
    let here = |i| text.get(i..i + needle.len()).is_some_and(|w: &[u8]| w.eq_ignore_ascii_case(needle));
    text.iter().enumerate().any(|(i, b)| b.to_ascii_lowercase() == first && here(i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_lines() {
        let check = |lines: &str, kind| {
            assert_eq!(KindBits::of_body(format!("v=0\r\n{lines}").as_bytes()).kind(), kind);
        };
        check("m=audio 49170 RTP/AVP 0\r\n", CallKind::Audio);
        check("m=audio 49170 RTP/AVP 0\r\nm=video 5000 RTP/AVP 31\r\n", CallKind::Video);
        check("m=audio 49170 RTP/AVP 0\nm=video 0 RTP/AVP 31\n", CallKind::Audio);
        check("m=x-ms-message 5060 sip sip:a@b\r\n", CallKind::Im);
        check("m=message 7394 TCP/MSRP *\r\n", CallKind::Im);
        check("m=applicationsharing 5060 TCP/RTP/SAVP 127\r\n", CallKind::ApplicationSharing);
        check("m=data 6891 TCP/RTP x-data\r\n", CallKind::FileTransfer);
        check("m=image 9 UDPTL t38\r\n", CallKind::Unknown);
        check("", CallKind::Unknown);
    }

    #[test]
    fn headers() {
        let check = |scan: Scan<'_>, kind| assert_eq!(KindBits::of_scan(&scan).kind(), kind);
        check(Scan { content_type: b"application/CCCP+xml", ..Scan::default() }, CallKind::Conference);
        check(
            Scan { contact: b"<sip:c@h>;isfocus", cseq_method: b"INVITE", ..Scan::default() },
            CallKind::Conference,
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
            CallKind::Audio,
        );
    }
}
