//! Microsoft Network Monitor, 1.x and 2.x.
//!
//! File header (128 bytes): magic 4 (`RTSS`, `GMBU`), minor and major version 1+1, medium 2, start as a SYSTEMTIME
//! 16 (local time of the capturing machine), frame table offset and length 4+4, user data 8, comments offset and
//! length 4+4, process information 8, network information 8. The frame table holds the offset of each frame record.
//! Record 1.x: milliseconds 4, original and captured length 2+2. Record 2.x: microseconds 8, original and captured
//! length 4+4. From 2.1 on the medium 2 follows the frame, from 2.2 on a process index 4, from 2.3 on a FILETIME 8 and
//! a time zone index 1. All integers are little-endian.
//!
//! Source: the "Capture File Format" page of Network Monitor 3.4's help. Records about the capture itself (adapter
//! lists, resolved names) are no frames, as in Wireshark; events and filters are frames of an unknown medium.

use std::collections::HashMap;
use std::io;

use super::backing::ReadAt;
use super::index::{Placed, Track, Wanted};
use super::walk::{BATCH_BYTES, Found, Mark, Window};
use super::{CaptureNote, FrameBatch, FrameHead, Interface, LinkType, Nanos};
use crate::limits::Limits;

pub(super) const FILE_HEADER: usize = 128;
/// Comments kept and bytes of them read.
const COMMENTS: usize = 10_000;
const COMMENT_BYTES: usize = 4 << 20;
/// Entries of the frame table read at a time.
const ENTRIES: usize = 4_096;
/// Media told apart.
const MEDIA: usize = 256;
/// 1601-01-01 to 1970-01-01 in 100 ns.
const FILETIME_EPOCH: i128 = 116_444_736_000_000_000;

/// Records about the capture itself.
const PAYLOAD_HEADER: u16 = 0xfffc;
const NETWORK_INFO: u16 = 0xfffd;
const DNS_CACHE: u16 = 0xfffe;
const WLAN: u16 = 6;

/// What it takes to find frames: the header and the media met so far.
#[derive(Debug, Clone)]
pub(super) struct NetmonTable {
    major: u8,
    minor: u8,
    /// Medium of all frames before version 2.1.
    medium: u16,
    start: Nanos,
    offset: u32,
    entries: u32,
    /// The table is not in the file: records are taken one after the other.
    lost: bool,
    frame_bytes: u32,
    /// Media met, in the order of their interfaces.
    media: Vec<u16>,
}

pub(super) struct NetmonReader {
    table: NetmonTable,
    links: Vec<LinkType>,
    /// Where the next frame is found: index in the table, or offset in the file.
    next: u64,
    comments: Option<HashMap<u32, String>>,
    comment_place: (u32, u32),
    start_known: bool,
}

/// One record.
struct Record {
    medium: u16,
    /// Position of the frame in the window.
    start: usize,
    cap: u32,
    orig: u32,
    time: Nanos,
    end: usize,
}

enum Read {
    Record(Record),
    /// Bytes needed from the record on.
    Need(usize),
    Bad(String),
}

/// A stretch of the file and the records in it.
struct Run {
    base: u64,
    /// Position in the file, and the record.
    records: Vec<(u64, Record)>,
    next: u64,
    ended: bool,
    /// What is wrong behind the records.
    issue: Option<(&'static str, u64, String)>,
}

impl NetmonTable {
    fn entry(&self, backing: &dyn ReadAt, from: u64, count: usize) -> io::Result<Vec<u32>> {
        let left = u64::from(self.entries).saturating_sub(from).min(count as u64);
        let mut bytes = vec![0; left as usize * 4];
        let there = backing.read_at(u64::from(self.offset) + from * 4, &mut bytes)?;
        bytes.truncate(there);
        let (entries, _) = bytes.as_chunks::<4>();
        Ok(entries.iter().map(|&e| u32::from_le_bytes(e)).collect())
    }

    fn header_len(&self) -> usize {
        if self.major == 1 { 8 } else { 16 }
    }

    fn trailer_len(&self) -> usize {
        match (self.major, self.minor) {
            (1, _) | (2, 0) => 0,
            (2, 1) => 2,
            (2, 2) => 6,
            _ => 15,
        }
    }

    fn record(&self, w: Window<'_>, at: usize) -> Read {
        let header = self.header_len();
        let u64_at = |at: usize| Some(u64::from(w.u32(at, false)?) | u64::from(w.u32(at + 4, false)?) << 32);
        let fields = if self.major == 1 {
            let delta = w.u32(at, false).map(|ms| i64::from(ms) * 1_000_000);
            delta.zip(w.u16(at + 4, false).map(u32::from)).zip(w.u16(at + 6, false).map(u32::from))
        } else {
            // Microseconds, said to be unsigned, but times ten they are a signed number of 100 ns.
            let delta = u64_at(at).map(|us| (us.wrapping_mul(10) as i64).saturating_mul(100));
            delta.zip(w.u32(at + 8, false)).zip(w.u32(at + 12, false))
        };
        let Some(((delta, orig), cap)) = fields else { return Read::Need(header) };
        if cap > self.frame_bytes {
            return Read::Bad(format!("a frame record makes no sense (captured {cap} of {orig} bytes)"));
        }
        let start = at + header;
        let trailer = start + cap as usize;
        let end = trailer + self.trailer_len();
        if end > w.bytes.len() {
            return Read::Need(end - at);
        }
        let mut record =
            Record { medium: self.medium, start, cap, orig, time: self.start.saturating_add(delta), end };
        if self.trailer_len() >= 2 {
            record.medium = w.u16(trailer, false).unwrap_or_default();
        }
        if self.trailer_len() >= 15
            && let Some(filetime) = u64_at(trailer + 6)
        {
            let nanos = (i128::from(filetime) - FILETIME_EPOCH) * 100;
            record.time = Nanos::try_from(nanos).unwrap_or(if nanos < 0 { Nanos::MIN } else { Nanos::MAX });
        }
        if record.medium == WLAN {
            strip_wlan_metadata(w, &mut record);
        }
        Read::Record(record)
    }

    /// The records from `next` on that lie together, in the order of the table; their bytes go to `bytes`.
    fn run(&self, backing: &dyn ReadAt, next: u64, bytes: &mut Vec<u8>) -> io::Result<Run> {
        let mut run = Run { base: 0, records: Vec::new(), next, ended: false, issue: None };
        let entries = if self.lost { Vec::new() } else { self.entry(backing, next, ENTRIES)? };
        let first = if self.lost { Some(next) } else { entries.first().map(|&e| u64::from(e)) };
        let Some(first) = first else {
            if next < u64::from(self.entries) {
                let text = format!("the frame table ends after {next} of {} frames", self.entries);
                run.issue = Some(("truncated-file", u64::from(self.offset) + next * 4, text));
            }
            run.ended = true;
            return Ok(run);
        };
        run.base = first;
        let mut size = BATCH_BYTES;
        let mut there = 0;
        let mut offset = first;
        let mut entries = entries.into_iter().skip(1);
        loop {
            if there == 0 {
                bytes.resize(size, 0);
                there = backing.read_at(run.base, bytes)?;
            }
            let w =
                Window { bytes: bytes.get(..there).unwrap_or_default(), base: run.base, last: there < size };
            // Entries may lead back, or far away: that is another run.
            let Some(at) = offset.checked_sub(run.base).and_then(|at| usize::try_from(at).ok()) else {
                break;
            };
            if self.lost && w.last && at >= there {
                run.ended = true;
                break;
            }
            let record = match self.record(w, at) {
                Read::Need(_) if !run.records.is_empty() && !w.last => break,
                Read::Need(need) if !w.last => {
                    size = need.max(BATCH_BYTES).max(size.saturating_add(1));
                    there = 0;
                    continue;
                }
                Read::Need(_) => {
                    let text = "the file ends inside a frame record".to_owned();
                    run.issue = Some(("truncated-file", offset, text));
                    run.next += 1;
                    run.ended = self.lost;
                    break;
                }
                Read::Bad(text) => {
                    run.issue = Some(("bad-record", offset, text));
                    run.next += 1;
                    run.ended = self.lost;
                    break;
                }
                Read::Record(record) => record,
            };
            run.next = if self.lost { run.base + record.end as u64 } else { run.next + 1 };
            run.records.push((offset, record));
            let following = if self.lost { Some(run.next) } else { entries.next().map(u64::from) };
            let Some(following) = following else { break };
            offset = following;
            if offset.saturating_sub(run.base) >= there as u64 {
                run.ended = self.lost && there < size;
                break;
            }
        }
        let used = run.records.iter().map(|(_, r)| r.end).max().unwrap_or(0);
        bytes.truncate(used.min(there));
        Ok(run)
    }

    fn frame(&self, record: &Record) -> FrameHead {
        let interface = self.media.iter().position(|&m| m == record.medium).unwrap_or(0);
        FrameHead {
            start: record.start as u32,
            caplen: record.cap,
            origlen: record.orig,
            interface: interface as u32,
            time: record.time,
        }
    }

    /// Gathers frames once more, from a mark up to frame `last`.
    pub fn walk_again(
        &self,
        backing: &dyn ReadAt,
        mark: Mark,
        last: u32,
        wanted: &mut Wanted,
    ) -> io::Result<()> {
        let (mut number, mut next) = (mark.frame, mark.offset);
        let mut bytes = Vec::new();
        loop {
            let run = self.run(backing, next, &mut bytes)?;
            for (_, record) in run.records.iter().filter(|(_, r)| is_frame(r.medium)) {
                let head = self.frame(record);
                let placed = Placed { offset: run.base + u64::from(head.start), head };
                if number > last || !wanted.take(number, placed) {
                    return Ok(());
                }
                number = number.saturating_add(1);
            }
            if run.ended || run.next <= next {
                return Ok(());
            }
            next = run.next;
        }
    }
}

impl NetmonReader {
    pub fn open(head: &[u8], limits: &Limits) -> Result<Self, String> {
        let w = Window { bytes: head, base: 0, last: false };
        let (minor, major) = match head {
            [_, _, _, _, minor, major, ..] => (*minor, *major),
            _ => return Err("a netmon file cut short inside its header".to_owned()),
        };
        if !(1..=2).contains(&major) {
            return Err(format!("netmon version {major}.{minor} is not known"));
        }
        let u16_at = |at: usize| w.u16(at, false).unwrap_or_default();
        let u32_at = |at: usize| w.u32(at, false).unwrap_or_default();
        let start = system_time(&[8, 10, 14, 16, 18, 20, 22].map(u16_at));
        let comment_place = if (major, minor) >= (2, 2) { (u32_at(40), u32_at(44)) } else { (0, 0) };
        Ok(Self {
            table: NetmonTable {
                major,
                minor,
                medium: u16_at(6),
                start: start.unwrap_or_default(),
                offset: u32_at(24),
                entries: u32_at(28) / 4,
                lost: false,
                frame_bytes: limits.frame_bytes,
                media: Vec::new(),
            },
            links: Vec::new(),
            next: 0,
            comments: None,
            comment_place,
            start_known: start.is_some(),
        })
    }

    pub fn table(&self) -> NetmonTable {
        self.table.clone()
    }

    pub fn links(&self) -> &[LinkType] {
        &self.links
    }

    /// Fills a batch; false at the end.
    pub fn next_batch(
        &mut self,
        backing: &dyn ReadAt,
        batch: &mut FrameBatch,
        track: &Track,
    ) -> io::Result<bool> {
        if self.comments.is_none() {
            self.begin(backing, batch)?;
        }
        track.mark(Mark { frame: batch.first_frame, offset: self.next, ..Mark::default() }, false);
        let run = self.table.run(backing, self.next, &mut batch.bytes)?;
        batch.base = run.base;
        for (offset, record) in &run.records {
            let first_frame = batch.first_frame;
            let found = Found { frames: &mut batch.frames, notes: &mut batch.notes, first_frame };
            if !is_frame(record.medium) {
                continue;
            }
            if !self.table.media.contains(&record.medium) && self.table.media.len() < MEDIA {
                self.table.media.push(record.medium);
                let link = link(record.medium);
                self.links.push(link);
                found.notes.push(CaptureNote::Interface(Interface { link, name: None, snaplen: 0 }));
            }
            let comment = u32::try_from(*offset).ok().and_then(|o| self.comments.as_ref()?.get(&o));
            if let Some(text) = comment {
                let frame = Some(found.next_frame());
                found.notes.push(CaptureNote::Comment { frame, text: text.clone() });
            }
            found.frames.push(self.table.frame(record));
        }
        if let Some((code, offset, text)) = run.issue {
            let first_frame = batch.first_frame;
            Found { frames: &mut batch.frames, notes: &mut batch.notes, first_frame }
                .issue(code, offset, text);
        }
        let stuck = run.next <= self.next;
        self.next = run.next;
        Ok(!run.ended && !stuck)
    }

    fn begin(&mut self, backing: &dyn ReadAt, batch: &mut FrameBatch) -> io::Result<()> {
        let first_frame = batch.first_frame;
        let mut notes = Vec::new();
        let mut found = Found { frames: &mut Vec::new(), notes: &mut notes, first_frame };
        if self.table.entry(backing, 0, 1)?.is_empty() {
            self.table.lost = true;
            self.next = FILE_HEADER as u64;
            if self.table.entries > 0 {
                let text = "the frame table is not in the file; frames are taken in the order they lie in"
                    .to_owned();
                found.issue("truncated-file", self.table.offset.into(), text);
            }
        }
        if (self.table.major, self.table.minor) < (2, 3) {
            let text = match self.start_known {
                true => {
                    "times are in the capturing machine's own time zone, which the file does not tell: read as UTC"
                }
                false => "the time at which the capture started makes no sense: times count from 1970",
            };
            found.issue("local-time", 8, text.to_owned());
        }
        batch.notes.extend(notes);
        self.comments = Some(self.read_comments(backing)?);
        Ok(())
    }

    /// Comment: frames 4 (always 1), offset of the frame 4, title length 4, title in UTF-16, description length 4,
    /// description.
    fn read_comments(&self, backing: &dyn ReadAt) -> io::Result<HashMap<u32, String>> {
        let (offset, length) = self.comment_place;
        let mut bytes = vec![0; (length as usize).min(COMMENT_BYTES)];
        let there = backing.read_at(offset.into(), &mut bytes)?;
        bytes.truncate(there);
        let w = Window { bytes: &bytes, base: offset.into(), last: true };
        let mut comments = HashMap::new();
        let mut at = 0_usize;
        while let (Some(frame), Some(title_len)) = (w.u32(at + 4, false), w.u32(at + 8, false)) {
            let title_at = at + 12;
            let Some(title) = bytes.get(title_at..title_at.saturating_add(title_len as usize)) else { break };
            let (units, _) = title.as_chunks::<2>();
            let units: Vec<u16> =
                units.iter().map(|&u| u16::from_le_bytes(u)).take_while(|&u| u != 0).collect();
            let description_at = title_at + title.len() + 4;
            let Some(length) = w.u32(description_at - 4, false) else { break };
            at = description_at.saturating_add(length as usize);
            if at > bytes.len() || comments.len() >= COMMENTS {
                break;
            }
            comments.insert(frame, String::from_utf16_lossy(&units));
        }
        Ok(comments)
    }
}

fn is_frame(medium: u16) -> bool {
    !matches!(medium, PAYLOAD_HEADER | NETWORK_INFO | DNS_CACHE)
}

/// Network Monitor's media; 0xE000 and more are numbers of the LINKTYPE registry.
fn link(medium: u16) -> LinkType {
    match medium {
        // VPN captures of version 3.4 state 0.
        0 | 1 => LinkType::ETHERNET,
        2 => LinkType(6),
        3 => LinkType(10),
        WLAN | 0xe080 => LinkType(105),
        7..=9 => LinkType::RAW,
        0xe081..=0xe08a => LinkType::UNKNOWN,
        0xe000..=0xefff => LinkType(medium & 0x0fff),
        _ => LinkType::UNKNOWN,
    }
}

/// Takes off what Network Monitor puts before an 802.11 frame: version 1, length 2 of all of it, radio data.
fn strip_wlan_metadata(w: Window<'_>, record: &mut Record) {
    let Some(length) = w.u16(record.start + 1, false).map(u32::from) else { return };
    if (3..=record.cap).contains(&length) {
        record.start += length as usize;
        record.cap -= length;
        record.orig = record.orig.saturating_sub(length);
    }
}

/// Year, month, day, hour, minute, second, millisecond.
fn system_time(fields: &[u16; 7]) -> Option<Nanos> {
    let [year, month, day, hour, minute, second, milli] = *fields;
    let small = |v: u16| i8::try_from(v).ok();
    let date = jiff::civil::DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        i32::from(milli).checked_mul(1_000_000)?,
    )
    .ok()?;
    let time = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Nanos::try_from(time.as_nanosecond()).ok()
}
