//! A pcapng file block by block (draft-ietf-opsawg-pcapng), in either byte order.

use crate::wire::Frame;

/// Options of interface statistics: packets received, dropped by the interface, dropped by the operating system.
pub const IF_RECEIVED: u16 = 4;
pub const IF_DROPPED: u16 = 5;
pub const OS_DROPPED: u16 = 7;

/// What has been written so far, and the byte order of the section under way.
#[derive(Default)]
pub struct PcapNg {
    pub bytes: Vec<u8>,
    big: bool,
    /// Snap length of each interface of the section; 0: none.
    snap_lengths: Vec<u32>,
}

impl PcapNg {
    fn u16(&self, v: u16) -> [u8; 2] {
        if self.big { v.to_be_bytes() } else { v.to_le_bytes() }
    }

    fn u32(&self, v: u32) -> [u8; 4] {
        if self.big { v.to_be_bytes() } else { v.to_le_bytes() }
    }

    fn option(&self, body: &mut Vec<u8>, code: u16, value: &[u8]) {
        body.extend(self.u16(code));
        body.extend(self.u16(value.len() as u16));
        body.extend_from_slice(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }

    /// A block of any kind.
    pub fn block(&mut self, kind: u32, body: &[u8]) {
        let length = self.u32(body.len().next_multiple_of(4) as u32 + 12);
        let kind = self.u32(kind);
        self.bytes.extend(kind);
        self.bytes.extend(length);
        self.bytes.extend_from_slice(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.bytes.extend(length);
    }

    /// A section begins; its interfaces are numbered anew.
    pub fn section(&mut self, big: bool, application: &str) {
        (self.big, self.snap_lengths) = (big, Vec::new());
        let mut body = self.u32(0x1a2b_3c4d).to_vec();
        body.extend(self.u16(1));
        body.extend(self.u16(0));
        body.extend([0xff; 8]);
        self.option(&mut body, 4, application.as_bytes());
        self.option(&mut body, 0, b"");
        self.block(0x0a0d_0d0a, &body);
    }

    /// An Ethernet interface with times in microseconds.
    pub fn interface(&mut self, name: &str, snap_length: u32) {
        let mut body = self.u16(1).to_vec();
        body.extend([0, 0]);
        body.extend(self.u32(snap_length));
        self.option(&mut body, 2, name.as_bytes());
        self.option(&mut body, 0, b"");
        self.block(1, &body);
        self.snap_lengths.push(snap_length);
    }

    /// A frame, cut to the snap length of its interface; flags say which way it went (1 in, 2 out).
    pub fn packet(&mut self, f: &Frame, flags: u32, comment: &str) {
        let snap = self.snap_lengths.get(f.interface as usize).copied().filter(|s| *s > 0);
        let kept = f.bytes.len().min(snap.map_or(usize::MAX, |s| s as usize));
        let mut body = self.u32(f.interface).to_vec();
        for v in [(f.micros >> 32) as u32, f.micros as u32, kept as u32, f.bytes.len() as u32] {
            body.extend(self.u32(v));
        }
        body.extend_from_slice(&f.bytes[..kept]);
        body.resize(body.len().next_multiple_of(4), 0);
        if !comment.is_empty() {
            self.option(&mut body, 1, comment.as_bytes());
        }
        if flags != 0 {
            let flags = self.u32(flags);
            self.option(&mut body, 2, &flags);
        }
        if flags != 0 || !comment.is_empty() {
            self.option(&mut body, 0, b"");
        }
        self.block(6, &body);
    }

    /// What an interface counted up to `micros`, since the capture began.
    pub fn statistics(&mut self, interface: u32, micros: u64, counts: &[(u16, u64)]) {
        let mut body = self.u32(interface).to_vec();
        body.extend(self.u32((micros >> 32) as u32));
        body.extend(self.u32(micros as u32));
        for (code, count) in counts {
            let count = if self.big { count.to_be_bytes() } else { count.to_le_bytes() };
            self.option(&mut body, *code, &count);
        }
        self.option(&mut body, 0, b"");
        self.block(5, &body);
    }
}
