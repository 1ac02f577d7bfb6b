//! The first bytes of video payloads, where they tell something for sure.

/// H.264 (RFC 6184 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct H264 {
    pub packing: H264Packing,
    /// Type of the NAL unit: of the first one in an aggregate.
    pub nal_type: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum H264Packing {
    Single,
    /// Several NAL units in one packet (§5.7.1).
    StapA,
    /// A piece of a NAL unit (§5.8).
    FuA {
        start: bool,
        end: bool,
    },
}

/// What a NAL unit of a type holds (ITU-T H.264 table 7-1).
pub fn nal_name(nal_type: u8) -> Option<&'static str> {
    Some(match nal_type {
        1 => "slice",
        2..=4 => "slice data partition",
        5 => "IDR slice",
        6 => "SEI",
        7 => "SPS",
        8 => "PPS",
        9 => "access unit delimiter",
        10 => "end of sequence",
        11 => "end of stream",
        12 => "filler",
        _ => return None,
    })
}

impl H264 {
    /// What the NAL unit holds.
    pub fn nal_name(self) -> Option<&'static str> {
        nal_name(self.nal_type)
    }

    /// A picture that needs no other begins or goes on here.
    pub fn is_key(self) -> bool {
        matches!(self.nal_type, 5)
    }
}

/// Head of an H.264 payload; `None` for a packing that is not read, and where it is no such payload (SRTP's is ciphertext).
pub fn parse_h264(payload: &[u8]) -> Option<H264> {
    let &first = payload.first()?;
    // The forbidden bit.
    if first & 0x80 != 0 {
        return None;
    }
    let found = |packing, nal_type| Some(H264 { packing, nal_type });
    match first & 0x1F {
        n @ 1..=23 => found(H264Packing::Single, n),
        24 => {
            let size = payload.get(1..)?.first_chunk::<2>().map(|&b| usize::from(u16::from_be_bytes(b)))?;
            let unit = payload.get(3..3 + size)?;
            found(H264Packing::StapA, unit.first()? & 0x1F).filter(|h| matches!(h.nal_type, 1..=23))
        }
        28 => {
            let &head = payload.get(1)?;
            let (start, end) = (head & 0x80 != 0, head & 0x40 != 0);
            // §5.8: the reserved bit is zero, and a unit in one piece is no fragment.
            if head & 0x20 != 0 || start && end {
                return None;
            }
            found(H264Packing::FuA { start, end }, head & 0x1F).filter(|h| matches!(h.nal_type, 1..=23))
        }
        _ => None,
    }
}

/// VP8 (RFC 7741 §4.2 and §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8 {
    pub picture_id: Option<u16>,
    /// A frame begins here.
    pub start: bool,
    /// Of a packet that begins a frame: it is a key frame.
    pub key_frame: Option<bool>,
    /// Width and height of a key frame.
    pub size: Option<(u16, u16)>,
    /// Bytes of the descriptor.
    pub descriptor: usize,
}

/// Head of a VP8 payload; `None` where it is cut.
pub fn parse_vp8(payload: &[u8]) -> Option<Vp8> {
    let &first = payload.first()?;
    let mut at = 1;
    let mut picture_id = None;
    if first & 0x80 != 0 {
        let &extended = payload.get(at)?;
        at += 1;
        if extended & 0x80 != 0 {
            let &high = payload.get(at)?;
            at += 1;
            picture_id = Some(if high & 0x80 != 0 {
                let &low = payload.get(at)?;
                at += 1;
                u16::from_be_bytes([high & 0x7F, low])
            } else {
                u16::from(high)
            });
        }
        // TL0PICIDX, then one byte that TID and KEYIDX share.
        at += usize::from(extended & 0x40 != 0);
        at += usize::from(extended & 0x30 != 0);
    }
    let frame = payload.get(at..)?;
    // S bit, and partition 0.
    let start = first & 0x17 == 0x10;
    let &head = frame.first()?;
    let key_frame = start.then_some(head & 1 == 0);
    let size = match frame.first_chunk::<10>() {
        Some(&[_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1]) if key_frame == Some(true) => {
            // The upper two bits scale.
            let of = |low, high| u16::from_le_bytes([low, high]) & 0x3FFF;
            Some((of(w0, w1), of(h0, h1)))
        }
        _ => None,
    };
    Some(Vp8 { picture_id, start, key_frame, size, descriptor: at })
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    fn h264(payload: &[u8]) -> Option<(H264Packing, u8, Option<&'static str>)> {
        parse_h264(payload).map(|h| (h.packing, h.nal_type, h.nal_name()))
    }

    /// The boxes of RFC 6184 §5.3, §5.7.1 (figure 7), §5.8 (figures 14 and 15).
    #[test]
    fn h264_packings() {
        assert_eq!(h264(&hex!("6742c01e")), Some((H264Packing::Single, 7, Some("SPS"))));
        assert_eq!(h264(&hex!("41e0")), Some((H264Packing::Single, 1, Some("slice"))));
        assert_eq!(h264(&hex!("18 0002 6742 0002 68ce")), Some((H264Packing::StapA, 7, Some("SPS"))));
        let fu = |start, end| H264Packing::FuA { start, end };
        assert_eq!(h264(&hex!("7c85 88")), Some((fu(true, false), 5, Some("IDR slice"))));
        assert_eq!(h264(&hex!("7c45 00")), Some((fu(false, true), 5, Some("IDR slice"))));
        assert!(parse_h264(&hex!("7c05")).unwrap().is_key() && !parse_h264(&hex!("41")).unwrap().is_key());
        // The forbidden bit; type 0; both ends of one fragment; the reserved bit; a unit beyond the end; nothing.
        for bad in
            [&hex!("e742")[..], &[0x60], &hex!("7cc5"), &hex!("7c25"), &hex!("18 0009 67"), &[], &[0x1c]]
        {
            assert_eq!(parse_h264(bad), None, "{bad:02x?}");
        }
        // MTAP, STAP-B, FU-B, and the types kept for others.
        for n in [0, 25, 26, 27, 29, 30, 31] {
            assert_eq!(parse_h264(&[0x60 | n, 0x41, 0, 1, 0x41]), None);
        }
    }

    /// RFC 7741 §4.6: a key frame's first packet with a picture id of seven bits, an inter frame's with fifteen and the
    /// temporal layer, and a later partition.
    #[test]
    fn vp8_descriptors() {
        let key = parse_vp8(&hex!("90 80 11 10 0200 9d012a 4001 f000")).unwrap();
        let expected = Vp8 {
            picture_id: Some(17),
            start: true,
            key_frame: Some(true),
            size: Some((320, 240)),
            descriptor: 3,
        };
        assert_eq!(key, expected);
        let inter = parse_vp8(&hex!("90 e0 92ac 05 40 31")).unwrap();
        assert_eq!((inter.picture_id, inter.key_frame, inter.size), (Some(4780), Some(false), None));
        assert_eq!(inter.descriptor, 6);
        let later = parse_vp8(&hex!("11 00")).unwrap();
        assert_eq!((later.start, later.key_frame, later.descriptor), (false, None, 1));
        for cut in 0..3 {
            assert_eq!(parse_vp8(&hex!("908011")[..cut]), None);
        }
    }
}
