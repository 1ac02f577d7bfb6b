//! A pcapng of some calls: their own frames with original times and interfaces.

mod choose;
use crate::capture::write as pcapng;

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::ops::ControlFlow;

use crate::capture::{FrameBatch, FrameHead, Interface, LinkType};
use crate::correlate::media::MediaStream;
use crate::correlate::{Analysis, Owner, Transport};

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extracted {
    pub frames: u64,
    pub bytes: u64,
}

/// Frames read again at once.
const READ: u32 = 1024;
/// Unwanted frames between wanted ones that are read along.
const APART: u32 = 64;

/// Writes every frame of the messages of `owners` (all fragments and segments), the ICMP errors and resets that
/// broke their transport, their connectivity checks and the messages of the relays they use and, with `media`, the
/// datagrams from or to the media addresses their SDP announces (RTCP too) while the calls last, relayed ones as well. Frames of several captures
/// are merged by time; within a capture they keep their order.
pub fn extract(
    analysis: &Analysis,
    owners: &[Owner],
    media: bool,
    out: &mut dyn Write,
) -> io::Result<Extracted> {
    refuse_redaction(analysis)?;
    write_frames(analysis, choose::frames(analysis, owners, media)?, out)
}

/// Writes the frames of a media stream; of one in a TCP connection all of that connection, as no frame of it can be left
/// out.
pub fn extract_stream(
    analysis: &Analysis,
    stream: &MediaStream,
    out: &mut dyn Write,
) -> io::Result<Extracted> {
    refuse_redaction(analysis)?;
    let flow = analysis.flow(stream.flow);
    let mut chosen: Vec<Vec<u32>> = vec![Vec::new(); analysis.captures.len()];
    if flow.transport == Transport::Udp {
        analysis.read_stream(stream, &mut |packet| {
            if let Some(frames) = chosen.get_mut(usize::from(packet.frame.capture.0)) {
                frames.push(packet.frame.frame);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for frames in &mut chosen {
            frames.sort_unstable();
            frames.dedup();
        }
    } else {
        chosen = choose::connection(analysis, &flow)?;
    }
    write_frames(analysis, chosen, out)
}

fn refuse_redaction(analysis: &Analysis) -> io::Result<()> {
    if analysis.redact_text {
        let text = "frames are extracted as they are: --redact-text cannot be heeded";
        return Err(io::Error::new(io::ErrorKind::Unsupported, text));
    }
    Ok(())
}

/// Writes frames of each capture, each list in order.
fn write_frames(analysis: &Analysis, chosen: Vec<Vec<u32>>, out: &mut dyn Write) -> io::Result<Extracted> {
    let mut cursors: Vec<Cursor<'_>> = chosen
        .into_iter()
        .enumerate()
        .filter(|(_, frames)| !frames.is_empty())
        .map(|(capture, frames)| Cursor::new(analysis, capture, frames))
        .collect();
    let section: Vec<&str> = cursors
        .iter()
        .filter_map(|c| analysis.captures.get(c.capture))
        .flat_map(|c| c.comments.iter().filter(|(frame, _)| frame.is_none()).map(|(_, text)| text.as_str()))
        .collect();
    pcapng::section(out, &section)?;
    let mut interfaces: HashMap<(usize, u32), u32> = HashMap::new();
    let mut done = Extracted::default();
    for cursor in &mut cursors {
        cursor.load()?;
    }
    loop {
        let next = cursors.iter().enumerate().filter_map(|(i, c)| Some((c.head()?.time, i))).min();
        let Some((_, i)) = next else { break };
        let Some(cursor) = cursors.get_mut(i) else { break };
        if let Some((frame, head, bytes)) = cursor.current() {
            let key = (cursor.capture, head.interface);
            let id = match interfaces.get(&key) {
                Some(&id) => id,
                None => {
                    let id = interfaces.len() as u32;
                    pcapng::interface(out, &cursor.interface(head.interface), 0)?;
                    interfaces.insert(key, id);
                    id
                }
            };
            let comments = cursor.comments.get(&frame).map(Vec::as_slice).unwrap_or_default();
            pcapng::packet(out, id, head, bytes, comments)?;
            done.frames += 1;
            done.bytes += bytes.len() as u64;
        }
        cursor.advance()?;
    }
    Ok(done)
}

/// Walks the wanted frames of one capture.
struct Cursor<'a> {
    analysis: &'a Analysis,
    capture: usize,
    wanted: VecDeque<u32>,
    batch: FrameBatch,
    comments: HashMap<u32, Vec<&'a str>>,
}

impl<'a> Cursor<'a> {
    fn new(analysis: &'a Analysis, capture: usize, frames: Vec<u32>) -> Self {
        let mut comments: HashMap<u32, Vec<&str>> = HashMap::new();
        for (frame, text) in analysis.captures.get(capture).map(|c| c.comments.as_slice()).unwrap_or_default()
        {
            if let Some(frame) = frame {
                comments.entry(*frame).or_default().push(text);
            }
        }
        Self { analysis, capture, wanted: frames.into(), batch: FrameBatch::default(), comments }
    }

    fn head(&self) -> Option<&FrameHead> {
        let at = self.wanted.front()?.checked_sub(self.batch.first_frame)?;
        self.batch.frames.get(at as usize)
    }

    /// Number, head and bytes of the frame at hand.
    fn current(&self) -> Option<(u32, &FrameHead, &[u8])> {
        let head = self.head()?;
        let start = head.start as usize;
        let bytes = self.batch.bytes.get(start..start.checked_add(head.caplen as usize)?)?;
        Some((*self.wanted.front()?, head, bytes))
    }

    fn advance(&mut self) -> io::Result<()> {
        self.wanted.pop_front();
        self.load()
    }

    /// Reads on until the next wanted frame is at hand; a frame that is no longer there is left out.
    fn load(&mut self) -> io::Result<()> {
        while let Some(&first) = self.wanted.front() {
            if self.head().is_some() {
                return Ok(());
            }
            let mut last = first;
            for &frame in self.wanted.iter().skip(1) {
                if frame.saturating_sub(last) > APART || frame.saturating_sub(first) >= READ {
                    break;
                }
                last = frame;
            }
            self.batch = read(self.analysis, self.capture, first, last.saturating_sub(first) + 1)?;
            if self.head().is_none() {
                self.wanted.pop_front();
            }
        }
        Ok(())
    }

    fn interface(&self, index: u32) -> Interface {
        let known = self.analysis.captures.get(self.capture).and_then(|c| c.interfaces.get(index as usize));
        known.cloned().unwrap_or_else(|| Interface {
            link: self.batch.links.get(index as usize).copied().unwrap_or(LinkType(1)),
            name: None,
            snaplen: 0,
        })
    }
}

/// Reads frames of a capture again.
fn read(analysis: &Analysis, capture: usize, first: u32, count: u32) -> io::Result<FrameBatch> {
    match (analysis.frame_indexes.get(capture), analysis.stores.capture(capture)) {
        (Some(index), Some(backing)) => index.read(backing.as_ref(), first, count),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "the capture cannot be read again")),
    }
}
