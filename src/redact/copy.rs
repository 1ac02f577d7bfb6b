//! Makes the copy: once over the frames to learn the names in them, once to put together and rewrite what lies over several of
//! them, once more to write them.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use hashbrown::HashMap;

use super::arena::Arena;
use super::sctp::{Sctp, user_message};
use super::stream::{Numbers, Streams};
use super::{Redactor, Tally};
use crate::capture::write::{interface, packet, section};
use crate::capture::{
    CaptureId, CaptureInfo, CaptureIssue, CaptureNote, CaptureReader, FrameBatch, FrameHead, FrameIndex,
    FrameRef, Input, Interface, LinkType, Nanos, OpenError, StandIn,
};
use crate::net::defrag::Defragmented;
use crate::net::sctp::data_chunks;
use crate::net::{
    Defragmenter, Duplicates, Headers, IpPacket, Sliced, TcpFlags, TcpSegment, TcpTable, frame_digest,
    headers, headers_ip,
};

/// Frames read again at once.
const READ: u32 = 4096;
const SECOND: Nanos = 1_000_000_000;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the redacted copy cannot be written: {0}")]
    Io(#[from] io::Error),
    #[error("interrupted")]
    Stopped,
}

/// What lies over several frames, rewritten.
#[derive(Default)]
struct Joined {
    streams: Streams,
    arena: Arena,
    /// Datagrams that were put together: where each fragment's frame finds its bytes, and how many there are.
    fragments: HashMap<u32, (u64, u32)>,
    /// TCP segments in fragments, which wait for their streams.
    later: Vec<Later>,
    sctp: Sctp,
}

struct Later {
    /// Where its bytes are kept, and how many.
    payload: (u64, usize),
    ip: (std::net::IpAddr, std::net::IpAddr),
    protocol: u8,
    missing: u32,
    frames: Vec<FrameRef>,
    place: (usize, crate::net::Direction, u64),
}

/// Learns the names that stand in an input, so that they are found in free text wherever it stands; for inputs that are
/// copied together, before the first of them is. What can be read only once is passed over.
pub fn learn_from(redactor: &mut Redactor, input: &Input, progress: Progress<'_>) -> Result<(), Cause> {
    if *input != Input::Stdin {
        let mut reader = CaptureReader::open(input, CaptureId(0), &redactor.limits, false)?;
        first_walk(redactor, &mut reader, progress)?;
    }
    Ok(())
}

/// Told how many bytes were read, and how many frames.
pub type Progress<'p> = &'p mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Takes a frame with its number.
type EachFrame<'e> = &'e mut dyn FnMut(LinkType, &[u8], &FrameHead, u32) -> io::Result<()>;

/// What the first walk over a capture gives.
struct Told {
    index: FrameIndex,
    notes: Vec<CaptureNote>,
    interfaces: Vec<Interface>,
    earliest: Nanos,
    left_out: Tally,
}

/// Learns names; what is rewritten by the way is forgotten again.
fn first_walk(
    redactor: &mut Redactor,
    reader: &mut CaptureReader,
    progress: Progress<'_>,
) -> Result<Told, Cause> {
    let tally = redactor.tally.clone();
    redactor.learning = true;
    let told = walk_to_learn(redactor, reader, progress);
    (redactor.tally, redactor.learning) = (tally, false);
    told
}

fn walk_to_learn(
    redactor: &mut Redactor,
    reader: &mut CaptureReader,
    progress: Progress<'_>,
) -> Result<Told, Cause> {
    let mut told = Told {
        index: reader.frame_index(),
        notes: Vec::new(),
        interfaces: Vec::new(),
        earliest: Nanos::MAX,
        left_out: Tally::default(),
    };
    let mut left_out = Tally::default();
    let mut first = First::default();
    let mut batch = FrameBatch::default();
    loop {
        batch = match reader.next_batch(batch) {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            // What was read stays readable.
            Err(e) => {
                let text = format!("the input could not be read further: {e}");
                let frame = Some(told.index.frames().saturating_add(1));
                told.notes.push(CaptureNote::Issue(CaptureIssue {
                    code: "read-error",
                    offset: 0,
                    frame,
                    text,
                }));
                break;
            }
        };
        told.index.note(&batch);
        for note in batch.notes.drain(..) {
            keep_note(&mut left_out, note, &mut told.notes, &mut told.interfaces);
        }
        for (frame, head) in (batch.first_frame..).zip(&batch.frames) {
            told.earliest = told.earliest.min(head.time);
            if let Some((link, bytes)) = frame_of(&batch, head) {
                first.frame(redactor, link, bytes, head, frame);
                learn_datagram(redactor, link, bytes, head);
            }
        }
        if progress(batch.input_bytes, u64::from(told.index.frames())).is_break() {
            return Err(Cause::Stopped);
        }
    }
    first.finish(redactor)?;
    told.left_out = left_out;
    Ok(told)
}

/// Of a datagram, which needs no other frame.
fn learn_datagram(redactor: &mut Redactor, link: LinkType, bytes: &[u8], head: &FrameHead) {
    if let Sliced::Udp { ip, src, dst, payload } =
        crate::net::slice_frame(link, bytes, head.origlen, &redactor.limits)
        && !redactor.frozen
    {
        redactor.datagram(&mut payload.to_vec(), (src, dst), ip.missing, 0);
    }
    if let Sliced::Sctp { chunks, .. } = crate::net::slice_frame(link, bytes, head.origlen, &redactor.limits)
        && !redactor.frozen
    {
        for chunk in data_chunks(chunks).filter(|c| c.begin && c.end) {
            user_message(redactor, &mut chunk.bytes.to_vec());
        }
    }
}

/// A redacted copy of an input, to be read in its place, called `name`.
pub fn redacted_copy(
    redactor: &mut Redactor,
    input: &Input,
    name: &str,
    progress: Progress<'_>,
) -> Result<Input, Cause> {
    let limits = redactor.limits.clone();
    let mut reader = CaptureReader::open(input, CaptureId(0), &limits, false)?;
    let info = CaptureInfo { path: name.to_owned(), ..reader.info().clone() };
    let told = first_walk(redactor, &mut reader, progress)?;
    let frozen = std::mem::replace(&mut redactor.frozen, true);
    let copy = second_walks(redactor, &reader, &told, progress);
    redactor.frozen = frozen;
    for (what, n) in told.left_out.counts() {
        redactor.tally.add(what, n);
    }
    Ok(Input::StandIn(Arc::new(StandIn { file: copy?, info, notes: told.notes })))
}

/// Puts together what lies over several frames, then writes them.
fn second_walks(
    redactor: &mut Redactor,
    reader: &CaptureReader,
    told: &Told,
    progress: Progress<'_>,
) -> Result<File, Cause> {
    let backing = reader.backing();
    let total = told.index.frames();
    let size = reader.info().size.unwrap_or(0);
    let mut walk = |each: EachFrame<'_>| {
        let mut next = 1;
        while next <= total {
            let batch = told.index.read(&*backing, next, READ.min(total - next + 1))?;
            if batch.frames.is_empty() {
                break;
            }
            for (frame, head) in (next..).zip(&batch.frames) {
                let (link, bytes) = frame_of(&batch, head).unwrap_or((LinkType::UNKNOWN, &[]));
                each(link, bytes, head, frame)?;
            }
            next = next.saturating_add(batch.frames.len() as u32);
            if progress(size, u64::from(next)).is_break() {
                return Err(Cause::Stopped);
            }
        }
        Ok(())
    };
    let mut first = First::default();
    walk(&mut |link, bytes, head, frame| {
        first.frame(redactor, link, bytes, head, frame);
        Ok(())
    })?;
    let joined = first.finish(redactor)?;
    let mut again = Again { joined, numbers: Numbers::default(), tcp: TcpTable::default() };
    let mut out = io::BufWriter::new(tempfile::tempfile()?);
    section(&mut out, &[])?;
    // Times before 1970 need another zero.
    let zero = if told.earliest < 0 { told.earliest.div_euclid(SECOND) } else { 0 };
    for one in &told.interfaces {
        interface(&mut out, &Interface { name: None, ..one.clone() }, zero)?;
    }
    walk(&mut |link, bytes, head, frame| {
        let rewritten = again.frame(redactor, link, bytes, head, frame)?;
        let head = FrameHead { time: head.time - zero * SECOND, ..*head };
        packet(&mut out, head.interface, &head, &rewritten, &[])
    })?;
    redactor.tally.add("frames", u64::from(total));
    Ok(out.into_inner().map_err(|e| e.into_error())?)
}

fn keep_note(
    left_out: &mut Tally,
    note: CaptureNote,
    notes: &mut Vec<CaptureNote>,
    interfaces: &mut Vec<Interface>,
) {
    match note {
        CaptureNote::Interface(one) => interfaces.push(one),
        CaptureNote::Issue(_) | CaptureNote::InterfaceDrops { .. } => notes.push(note),
        CaptureNote::Comment { .. } => left_out.add("comments left out", 1),
        CaptureNote::Name { .. } => left_out.add("names of machines left out", 1),
        CaptureNote::TlsSecrets(_) => left_out.add("decryption secrets left out", 1),
    }
}

fn frame_of<'b>(batch: &'b FrameBatch, head: &FrameHead) -> Option<(LinkType, &'b [u8])> {
    let start = head.start as usize;
    let bytes = batch.bytes.get(start..start.saturating_add(head.caplen as usize))?;
    Some((batch.links.get(head.interface as usize).copied().unwrap_or(LinkType::UNKNOWN), bytes))
}

/// The first time over the frames.
#[derive(Default)]
struct First {
    joined: Joined,
    numbers: Numbers,
    tcp: TcpTable,
    defrag: Defragmenter,
    twice: Defragmenter,
    duplicates: Duplicates,
}

impl First {
    fn frame(&mut self, r: &mut Redactor, link: LinkType, bytes: &[u8], head: &FrameHead, frame: u32) {
        let limits = r.limits.clone();
        let sliced = crate::net::slice_frame(link, bytes, head.origlen, &limits);
        let at = FrameRef { capture: CaptureId(0), frame };
        match sliced {
            Sliced::Tcp { segment, .. } => self.segment(r, &segment, at, head.time),
            Sliced::Sctp { ip, src_port, dst_port, chunks } => {
                self.joined.sctp.learn(r, &ip, (src_port, dst_port), chunks)
            }
            Sliced::Fragment { ip } => {
                let digest = frame_digest(&sliced);
                let again = digest != 0 && self.duplicates.seen(digest, head.time);
                let defrag = if again { &mut self.twice } else { &mut self.defrag };
                let pushed = defrag.push(&ip, at, head.time, &limits);
                defrag.given_up();
                if let Defragmented::Whole(datagram) = pushed {
                    self.datagram(r, &datagram.ip(), datagram.frames.clone(), head.time);
                }
            }
            _ => {}
        }
    }

    fn segment(&mut self, r: &mut Redactor, segment: &TcpSegment<'_>, at: FrameRef, time: Nanos) {
        let limits = r.limits.clone();
        let Self { joined, numbers, tcp, .. } = self;
        tcp.push(segment, at, time, &limits, &mut |event| {
            numbers.event(&event);
            joined.streams.event(event, r);
        });
    }

    /// A datagram put together from the fragments in `frames`.
    fn datagram(&mut self, r: &mut Redactor, ip: &IpPacket<'_>, frames: Vec<FrameRef>, time: Nanos) {
        let headers = headers_ip(*ip, &r.limits);
        if let Sliced::Tcp { segment, .. } = headers.sliced {
            let last = frames.last().copied().unwrap_or_default();
            self.segment(r, &segment, last, time);
            let place = place_of(&self.tcp, &self.numbers, &segment);
            if let Some(place) = place {
                let Ok(at) = self.joined.arena.add(ip.payload) else { return };
                let (payload, missing) = ((at, ip.payload.len()), ip.missing);
                let later =
                    Later { payload, ip: (ip.src, ip.dst), protocol: ip.protocol, missing, frames, place };
                self.joined.later.push(later);
            }
            return;
        }
        let joined = &mut self.joined;
        if let Sliced::Sctp { ip, src_port, dst_port, chunks } = headers.sliced {
            joined.sctp.learn(r, &ip, (src_port, dst_port), chunks);
        }
        let sliced = headers.sliced;
        let new = r.rewrite(ip.payload, &headers, Some((ip.src, ip.dst)), &mut |r, payload| match sliced {
            Sliced::Udp { ip, src, dst, .. } => r.datagram(payload, (src, dst), ip.missing, 0),
            Sliced::Sctp { ip, src_port, dst_port, .. } => {
                joined.sctp.fill(r, &ip, (src_port, dst_port), payload)
            }
            _ => r.obscure(payload),
        });
        joined.keep_datagram(&new, &frames);
    }

    fn finish(mut self, r: &mut Redactor) -> io::Result<Joined> {
        let Self { joined, numbers, tcp, .. } = &mut self;
        tcp.finish(&mut |event| {
            numbers.event(&event);
            joined.streams.event(event, r);
        });
        joined.streams.finish()?;
        for later in std::mem::take(&mut joined.later) {
            let (at, len) = later.payload;
            let mut payload = vec![0; len];
            joined.arena.read(at, &mut payload)?;
            let ip = IpPacket {
                src: later.ip.0,
                dst: later.ip.1,
                dscp: 0,
                ttl: 0,
                id: 0,
                protocol: later.protocol,
                fragment: None,
                payload: &payload,
                missing: later.missing,
            };
            let headers = headers_ip(ip, &r.limits);
            let (stream, direction, place) = later.place;
            let streams = &mut joined.streams;
            let mut failed = None;
            let new = r.rewrite(&payload, &headers, Some(later.ip), &mut |_, payload| {
                payload.fill(super::UNKNOWN);
                failed = streams.fill(stream, direction, place, payload).err();
            });
            failed.map_or(Ok(()), Err)?;
            joined.keep_datagram(&new, &later.frames);
        }
        Ok(self.joined)
    }
}

/// Stream, direction and place of the first byte of a segment.
fn place_of(
    tcp: &TcpTable,
    numbers: &Numbers,
    segment: &TcpSegment<'_>,
) -> Option<(usize, crate::net::Direction, u64)> {
    let syn = segment.flags.has(TcpFlags::SYN);
    let seq = if syn { segment.seq.wrapping_add(1) } else { segment.seq };
    let (conn, direction, place) = tcp.place(segment.src, segment.dst, seq)?;
    Some((numbers.of(conn)?, direction, place))
}

impl Joined {
    fn keep_datagram(&mut self, bytes: &[u8], frames: &[FrameRef]) {
        let Ok(at) = self.arena.add(bytes) else { return };
        for frame in frames {
            self.fragments.insert(frame.frame, (at, bytes.len() as u32));
        }
    }
}

/// The second time: frame by frame.
struct Again {
    joined: Joined,
    numbers: Numbers,
    tcp: TcpTable,
}

impl Again {
    fn frame(
        &mut self,
        r: &mut Redactor,
        link: LinkType,
        bytes: &[u8],
        head: &FrameHead,
        frame: u32,
    ) -> io::Result<Vec<u8>> {
        let headers: Headers<'_> = headers(link, bytes, head.origlen, &r.limits);
        let sliced = headers.sliced;
        let place = match sliced {
            Sliced::Tcp { segment, .. } => {
                let Self { numbers, tcp, .. } = self;
                let at = FrameRef { capture: CaptureId(0), frame };
                let limits = r.limits.clone();
                tcp.push(&segment, at, head.time, &limits, &mut |event| numbers.event(&event));
                place_of(tcp, numbers, &segment)
            }
            _ => None,
        };
        let joined = &mut self.joined;
        let mut failed = None;
        let new = r.rewrite(bytes, &headers, None, &mut |r, payload| match sliced {
            Sliced::Udp { ip, src, dst, .. } => r.datagram(payload, (src, dst), ip.missing, 0),
            Sliced::Tcp { .. } => {
                payload.fill(super::UNKNOWN);
                if let Some((stream, direction, place)) = place {
                    failed = joined.streams.fill(stream, direction, place, payload).err();
                }
            }
            Sliced::Sctp { ip, src_port, dst_port, .. } => {
                joined.sctp.fill(r, &ip, (src_port, dst_port), payload)
            }
            Sliced::Fragment { ip } => match joined.fragments.get(&frame) {
                Some(&(at, len)) => {
                    let offset = ip.fragment.map_or(0, |f| f.offset);
                    let here = (payload.len() as u64).min(u64::from(len.saturating_sub(offset))) as usize;
                    let (known, rest) = payload.split_at_mut(here);
                    rest.fill(0);
                    failed = joined.arena.read(at + u64::from(offset), known).err();
                }
                None => {
                    let kept = if ip.fragment.is_some_and(|f| f.offset == 0)
                        && ip.protocol == crate::net::ip_protocol::UDP
                    {
                        8
                    } else {
                        0
                    };
                    let from = kept.min(payload.len());
                    r.wipe(payload.get_mut(from..).unwrap_or_default(), "bytes of fragments");
                }
            },
            _ => r.obscure(payload),
        });
        failed.map_or(Ok(new), Err)
    }
}
