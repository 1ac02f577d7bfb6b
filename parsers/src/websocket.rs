//! SIP over WebSocket (RFC 6455 frames, RFC 7118): the HTTP upgrade and the frames after it.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
//! |I|S|S|S|  (4)  |A|     (7)     |  16 bits after 126, 64 after  |
//! |N|V|V|V|       |S|             |  127; then 4 bytes of mask    |
//! | |1|2|3|       |K|             |  where MASK is set            |
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! ```
//!
//! Frames are refused where RFC 6455 §5.2 makes the connection fail: that is how a wrong position in the stream is
//! noticed. RSV1 is let through, since permessage-deflate (RFC 7692) gives it a meaning; whether that was agreed
//! is the caller's to know. Heads are read with CRLF or LF, names and tokens in any case, lists over several lines.

pub mod upgrade;

pub use upgrade::{MAX_HEAD, UpgradeHead, parse_upgrade};

/// Frame opcodes (RFC 6455 §11.8).
pub mod opcode {
    pub const CONTINUATION: u8 = 0;
    pub const TEXT: u8 = 1;
    pub const BINARY: u8 = 2;
    pub const CLOSE: u8 = 8;
    pub const PING: u8 = 9;
    pub const PONG: u8 = 10;
}

/// Most a control frame may carry (RFC 6455 §5.5).
const CONTROL_MAX: usize = 125;

/// What stands at the beginning of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WsFrame {
    /// A whole frame. `header` bytes then `payload` bytes follow; `mask` is to be applied to the payload.
    Frame { fin: bool, rsv1: bool, opcode: u8, mask: Option<[u8; 4]>, header: usize, payload: usize },
    /// At least so many bytes in all are needed.
    NeedMore(usize),
    /// No frame can begin so; why.
    Reject(&'static str),
    /// A frame with more payload than allowed.
    TooLong,
}

/// Reads a frame header; never allocates.
pub fn parse_frame(buf: &[u8], max_payload: usize) -> WsFrame {
    let Some(&first) = buf.first() else {
        return WsFrame::NeedMore(2);
    };
    let (fin, rsv1, opcode) = (first & 0x80 != 0, first & 0x40 != 0, first & 0x0F);
    if first & 0x30 != 0 {
        return WsFrame::Reject("reserved bits are set");
    }
    if !matches!(opcode, 0..=2 | 8..=10) {
        return WsFrame::Reject("reserved opcode");
    }
    let control = opcode & 8 != 0;
    if control && !fin {
        return WsFrame::Reject("control frame in fragments");
    }
    if control && rsv1 {
        return WsFrame::Reject("control frame with a reserved bit");
    }
    let Some(&second) = buf.get(1) else {
        return WsFrame::NeedMore(2);
    };
    let after = buf.get(2..).unwrap_or_default();
    let (length, length_bytes) = match second & 0x7F {
        126 => match after.first_chunk::<2>() {
            Some(&bytes) => (u64::from(u16::from_be_bytes(bytes)), 2),
            None if control => return WsFrame::Reject("control frame longer than 125 bytes"),
            None => return WsFrame::NeedMore(4),
        },
        127 => match after.first_chunk::<8>() {
            Some(&bytes) => (u64::from_be_bytes(bytes), 8),
            None if control => return WsFrame::Reject("control frame longer than 125 bytes"),
            None => return WsFrame::NeedMore(10),
        },
        short => (u64::from(short), 0),
    };
    if length >> 63 != 0 {
        return WsFrame::Reject("length with its top bit set");
    }
    let shortest = match length {
        0..=125 => 0,
        126..=0xFFFF => 2,
        _ => 8,
    };
    if length_bytes != shortest {
        return WsFrame::Reject("length not written in its shortest form");
    }
    let Some(payload) = usize::try_from(length).ok().filter(|p| *p <= max_payload) else {
        return WsFrame::TooLong;
    };
    if control && payload > CONTROL_MAX {
        return WsFrame::Reject("control frame longer than 125 bytes");
    }
    let mut header = 2 + length_bytes;
    let mut mask = None;
    if second & 0x80 != 0 {
        let Some(&bytes) = buf.get(header..).and_then(|b| b.first_chunk::<4>()) else {
            return WsFrame::NeedMore(header + 4);
        };
        mask = Some(bytes);
        header += 4;
    }
    match header.checked_add(payload) {
        Some(total) if total <= buf.len() => WsFrame::Frame { fin, rsv1, opcode, mask, header, payload },
        Some(total) => WsFrame::NeedMore(total),
        None => WsFrame::TooLong,
    }
}

/// Undoes masking in place; `offset` is the position of `payload[0]` within the frame's payload.
pub fn unmask(payload: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut mask = mask;
    mask.rotate_left(offset % 4);
    let mut chunks = payload.chunks_exact_mut(4);
    for chunk in &mut chunks {
        for (byte, key) in chunk.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(mask) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    const MAX: usize = 1 << 20;

    fn frame(opcode: u8, fin: bool, mask: Option<[u8; 4]>, header: usize, payload: usize) -> WsFrame {
        WsFrame::Frame { fin, rsv1: false, opcode, mask, header, payload }
    }

    // RFC 6455 §5.7.
    #[test]
    fn rfc_6455_examples() {
        let check = |bytes: &[u8], expect: WsFrame| assert_eq!(parse_frame(bytes, MAX), expect);
        check(&hex!("810548656c6c6f"), frame(opcode::TEXT, true, None, 2, 5));
        let key = hex!("37fa213d");
        let mut masked = hex!("818537fa213d7f9f4d5158");
        check(&masked, frame(opcode::TEXT, true, Some(key), 6, 5));
        unmask(&mut masked[6..], key, 0);
        assert_eq!(&masked[6..], b"Hello");
        check(&hex!("010348656c"), frame(opcode::TEXT, false, None, 2, 3));
        check(&hex!("80026c6f"), frame(opcode::CONTINUATION, true, None, 2, 2));
        check(&hex!("890548656c6c6f"), frame(opcode::PING, true, None, 2, 5));
        check(&hex!("8a8537fa213d7f9f4d5158"), frame(opcode::PONG, true, Some(key), 6, 5));
        let mut binary = hex!("827e0100").to_vec();
        binary.resize(4 + 256, 0);
        check(&binary, frame(opcode::BINARY, true, None, 4, 256));
        let mut long = hex!("827f0000000000010000").to_vec();
        long.resize(10 + 65_536, 0);
        check(&long, frame(opcode::BINARY, true, None, 10, 65_536));
    }

    // RFC 7692 §7.2.3.1.
    #[test]
    fn compressed_frame_keeps_its_bit() {
        assert_eq!(
            parse_frame(&hex!("c107f248cdc9c90700"), MAX),
            WsFrame::Frame { fin: true, rsv1: true, opcode: opcode::TEXT, mask: None, header: 2, payload: 7 }
        );
    }

    #[test]
    fn refused() {
        let check = |bytes: &[u8]| {
            assert!(matches!(parse_frame(bytes, MAX), WsFrame::Reject(_) | WsFrame::TooLong), "{bytes:02x?}");
        };
        check(&hex!("a1"));
        check(&hex!("91"));
        check(&hex!("83"));
        check(&hex!("8b00"));
        check(&hex!("0900"));
        check(&hex!("c900"));
        check(&hex!("897e"));
        check(&hex!("887e0080"));
        check(&hex!("817e0005"));
        check(&hex!("817f0000000000000100"));
        check(&hex!("817f8000000000000000"));
        check(b"INVITE sip:a@b SIP/2.0\r\n");
        check(b"SIP/2.0 200 OK\r\n");
        assert_eq!(parse_frame(&hex!("817f0000000000100001"), MAX), WsFrame::TooLong);
    }

    #[test]
    fn needs_are_exact() {
        let mut whole = hex!("81fe010000112233").to_vec();
        whole.resize(8 + 256, 0);
        for cut in 0..whole.len() {
            let WsFrame::NeedMore(n) = parse_frame(&whole[..cut], MAX) else { panic!("{cut}") };
            assert!(n > cut && n <= whole.len(), "{cut}: {n}");
        }
        assert!(matches!(parse_frame(&whole, MAX), WsFrame::Frame { payload: 256, .. }));
        assert_eq!(parse_frame(&whole[..4], 255), WsFrame::TooLong);
    }

    proptest! {
        #[test]
        fn built_frames_come_back(
            opcode in prop_oneof![0u8..=2, 8u8..=10], fin: bool, mask: Option<[u8; 4]>,
            length in prop_oneof![0usize..200, 65_500usize..65_600], tail in 0usize..3,
        ) {
            prop_assume!(opcode < 8 || (fin && length <= 125));
            let mut bytes = vec![u8::from(fin) << 7 | opcode];
            let bit = if mask.is_some() { 0x80 } else { 0 };
            match length {
                0..=125 => bytes.push(bit | length as u8),
                126..=65_535 => {
                    bytes.push(bit | 126);
                    bytes.extend_from_slice(&(length as u16).to_be_bytes());
                }
                _ => {
                    bytes.push(bit | 127);
                    bytes.extend_from_slice(&(length as u64).to_be_bytes());
                }
            }
            bytes.extend(mask.iter().flatten());
            let header = bytes.len();
            bytes.resize(header + length + tail, 0x2A);
            prop_assert_eq!(parse_frame(&bytes, MAX), frame(opcode, fin, mask, header, length));
        }

        #[test]
        fn unmasking_in_pieces(payload in proptest::collection::vec(any::<u8>(), 0..40), mask: [u8; 4], cut in 0usize..40) {
            let mut whole = payload.clone();
            unmask(&mut whole, mask, 0);
            let mut pieces = payload.clone();
            let cut = cut.min(payload.len());
            let (a, b) = pieces.split_at_mut(cut);
            unmask(a, mask, 0);
            unmask(b, mask, cut);
            prop_assert_eq!(&pieces, &whole);
            unmask(&mut whole, mask, 0);
            prop_assert_eq!(whole, payload);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = (parse_frame(&bytes, MAX), parse_frame(&bytes, usize::MAX), parse_upgrade(&bytes));
        }
    }
}
