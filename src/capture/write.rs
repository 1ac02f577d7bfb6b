//! pcapng blocks (draft-ietf-opsawg-pcapng), little endian, times in nanoseconds.

use std::io::{self, Write};

use super::{FrameHead, Interface};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// Options of a block being gathered.
#[derive(Default)]
struct Options(Vec<u8>);

impl Options {
    fn push(&mut self, code: u16, value: &[u8]) {
        // The length has 16 bits; what is longer is cut.
        let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
        self.0.extend_from_slice(&code.to_le_bytes());
        self.0.extend_from_slice(&(value.len() as u16).to_le_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    fn text(&mut self, code: u16, text: &str) {
        let mut end = text.len().min(usize::from(u16::MAX));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.push(code, text.get(..end).unwrap_or_default().as_bytes());
    }

    /// With the end mark, if there are any.
    fn finish(mut self) -> Vec<u8> {
        if !self.0.is_empty() {
            self.push(0, &[]);
        }
        self.0
    }
}

fn block(out: &mut dyn Write, kind: u32, fixed: &[u8], data: &[u8], options: Options) -> io::Result<()> {
    let options = options.finish();
    let padding = data.len().next_multiple_of(4) - data.len();
    let total = u32::try_from(12 + fixed.len() + data.len() + padding + options.len())
        .map_err(|_| io::Error::other("a block longer than 4 GiB"))?;
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&total.to_le_bytes())?;
    out.write_all(fixed)?;
    out.write_all(data)?;
    out.write_all(&[0; 4][..padding])?;
    out.write_all(&options)?;
    out.write_all(&total.to_le_bytes())
}

/// Section header with comments.
pub fn section(out: &mut dyn Write, comments: &[&str]) -> io::Result<()> {
    let mut fixed = Vec::with_capacity(16);
    fixed.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    fixed.extend_from_slice(&1u16.to_le_bytes());
    fixed.extend_from_slice(&0u16.to_le_bytes());
    fixed.extend_from_slice(&(-1i64).to_le_bytes());
    let mut options = Options::default();
    for comment in comments {
        options.text(OPT_COMMENT, comment);
    }
    options.text(SHB_USERAPPL, concat!("callscope ", env!("CARGO_PKG_VERSION")));
    block(out, SECTION, &fixed, &[], options)
}

/// Interface description; `zero`: seconds since 1970 that the times of its frames count from.
pub fn interface(out: &mut dyn Write, interface: &Interface, zero: i64) -> io::Result<()> {
    let mut fixed = Vec::with_capacity(8);
    fixed.extend_from_slice(&interface.link.0.to_le_bytes());
    fixed.extend_from_slice(&0u16.to_le_bytes());
    fixed.extend_from_slice(&interface.snaplen.to_le_bytes());
    let mut options = Options::default();
    if let Some(name) = &interface.name {
        options.text(IF_NAME, name);
    }
    options.push(IF_TSRESOL, &[9]);
    if zero != 0 {
        options.push(IF_TSOFFSET, &zero.to_le_bytes());
    }
    block(out, INTERFACE, &fixed, &[], options)
}

/// A frame. Times before 1970 have no form here and become 0.
pub fn packet(
    out: &mut dyn Write,
    interface: u32,
    head: &FrameHead,
    bytes: &[u8],
    comments: &[&str],
) -> io::Result<()> {
    let time = u64::try_from(head.time).unwrap_or(0);
    let mut fixed = [0; 20];
    let words = [interface, (time >> 32) as u32, time as u32, bytes.len() as u32, head.origlen];
    for (slot, word) in fixed.chunks_exact_mut(4).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    let mut options = Options::default();
    for comment in comments {
        options.text(OPT_COMMENT, comment);
    }
    block(out, ENHANCED_PACKET, &fixed, bytes, options)
}

#[cfg(test)]
mod tests {
    use super::super::LinkType;
    use super::*;
    use pcap_parser::{Block, PcapBlockOwned, PcapNGReader, traits::PcapReaderIterator};

    #[test]
    fn another_reader_understands_it() {
        let mut file = Vec::new();
        section(&mut file, &["a comment"]).expect("writes");
        let eth = Interface { link: LinkType(1), name: Some("eth0".into()), snaplen: 65535 };
        interface(&mut file, &eth, 0).expect("writes");
        let time = 1_240_409_531_210_011_123;
        let head = FrameHead { start: 0, caplen: 5, origlen: 60, interface: 0, time };
        packet(&mut file, 0, &head, b"hello", &["seen"]).expect("writes");
        let mut reader = PcapNGReader::new(4096, &file[..]).expect("opens");
        let mut seen = 0;
        while let Ok((len, block)) = reader.next() {
            match block {
                PcapBlockOwned::NG(Block::SectionHeader(s)) => {
                    assert_eq!(s.options.len(), 3);
                    seen += 1;
                }
                PcapBlockOwned::NG(Block::InterfaceDescription(i)) => {
                    assert_eq!((i.if_tsresol, i.snaplen, i.linktype.0), (9, 65535, 1));
                    seen += 1;
                }
                PcapBlockOwned::NG(Block::EnhancedPacket(p)) => {
                    assert_eq!((p.caplen, p.origlen), (5, 60));
                    assert_eq!((u64::from(p.ts_high) << 32) | u64::from(p.ts_low), time as u64);
                    assert_eq!(&p.data[..5], b"hello");
                    assert_eq!(p.options.len(), 2);
                    seen += 1;
                }
                _ => {}
            }
            reader.consume(len);
        }
        assert_eq!(seen, 3);
    }
}
