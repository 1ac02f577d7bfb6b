//! What the screens need from the analysis, asked and answered as values on threads of their own, so that
//! drawing and keys never wait for a lock, a long sort or a disk.

mod counts;
mod frames;
mod ice;
mod table;
mod user;

pub use frames::{MAX_MATCHES, packet_text};
pub use ice::{Cache, SessionData, WORST_FIRST, allocation_lines, session_lines};
pub use table::{Around, Part, RowSearch, Sought, TableData, find as find_row};
pub use user::{UserRows, Who, tables as user_tables};

use counts::statistics;
use frames::{find, lines_at, matches};

use std::collections::HashMap;
use std::mem::discriminant;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use super::event::Event;
use super::state::{Listing, ListingOf, Subject, TableKind};
use crate::capture::{FrameRef, Nanos};
use crate::correlate::stun::AllocationIdx;
use crate::correlate::{Analysis, MsgIdx, Owner};
use crate::view::detail::Buffer;
use crate::view::diff::DiffLine;
use crate::view::filter::Filter;
use crate::view::ice::Place;
use crate::view::ladder::{Ladder, LadderOptions};
use crate::view::lists::ListKind;
use crate::view::overview::Overview;
use crate::view::packets::PacketLine;
use crate::view::rows::{Query, Stop};
use crate::view::show::TimeMode;
use crate::view::{detail, diff, ladder, overview, show};

#[derive(Debug, Clone)]
pub enum Request {
    /// What the shell shows: captures, counts; and the overview.
    Overview {
        slices: usize,
    },
    Table {
        kind: TableKind,
        query: Box<Query>,
        version: u64,
        around: Around,
    },
    /// Cells of other rows of a table that came already.
    Rows {
        kind: TableKind,
        query: Box<Query>,
        ids: Arc<Vec<u32>>,
        places: Range<usize>,
    },
    FindRow(Box<RowSearch>),
    /// Rows as text for the clipboard.
    CopyRows {
        kind: TableKind,
        query: Box<Query>,
        ids: Vec<u32>,
    },
    Ladder {
        owners: Vec<Owner>,
        options: LadderOptions,
    },
    Detail(Subject),
    Diff(MsgIdx, MsgIdx),
    /// Lines of frames, their places counted over all captures from 0, ascending.
    Packets {
        places: Vec<u64>,
    },
    /// All frames that match.
    Matches {
        filter: Box<Filter>,
        version: u64,
    },
    /// The next frame that has `text` in its line.
    Find {
        text: String,
        from: u64,
        forward: bool,
        version: u64,
    },
    /// To which call or dialog a frame belongs.
    OwnerOf(FrameRef),
    /// The media streams of some calls; of them that which begins with a frame first.
    StreamsOf {
        owners: Vec<Owner>,
        frame: Option<FrameRef>,
    },
    /// Numbers of the ICE sessions of some calls.
    SessionsOf(Vec<Owner>),
    /// The ICE sessions or the allocation that a frame belongs to.
    IceOf(FrameRef),
    /// An ICE session by its number, or by its place where that is known.
    Session {
        id: u32,
        place: Option<Place>,
    },
    Listing(ListingOf, TimeMode),
    /// The calls and dialogs that a row belongs to.
    OwnersOf(TableKind, u32),
    /// All rows of a user.
    UserRows(Who),
    Statistics,
}

/// What stands on the shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// File names, and whether they are of redacted copies.
    pub title: String,
    pub span: Option<(Nanos, Nanos)>,
    pub frames: u64,
    pub bytes: u64,
    /// Frames of each capture.
    pub captures: Vec<u64>,
    pub calls: usize,
    pub dialogs: usize,
    pub sessions: usize,
    pub allocations: usize,
    /// Rows of each of [`ListKind::ALL`].
    pub lists: [usize; ListKind::ALL.len()],
    /// Problems with whole inputs.
    pub damaged: usize,
}

impl Holdings {
    /// Rows of a table.
    pub fn rows(&self, kind: TableKind) -> usize {
        match kind {
            TableKind::Calls => self.calls,
            TableKind::Dialogs => self.dialogs,
            TableKind::Sessions => self.sessions,
            TableKind::Allocations => self.allocations,
            TableKind::List(list) => self.lists[list as usize],
        }
    }

    /// The frame at a place counted over all captures from 0.
    pub fn frame_at(&self, mut place: u64) -> Option<FrameRef> {
        for (i, &frames) in self.captures.iter().enumerate() {
            if place < frames {
                let capture = crate::capture::CaptureId(u16::try_from(i).ok()?);
                return Some(FrameRef { capture, frame: u32::try_from(place + 1).ok()? });
            }
            place -= frames;
        }
        None
    }

    pub fn place_of(&self, frame: FrameRef) -> Option<u64> {
        let capture = usize::from(frame.capture.0);
        let inside = u64::from(frame.frame).checked_sub(1)?;
        if inside >= *self.captures.get(capture)? {
            return None;
        }
        Some(self.captures[..capture].iter().sum::<u64>() + inside)
    }
}

/// A title, and what was counted under it.
pub type CountGroup = (String, Vec<(String, u64)>);

/// Everything a pane can show of a message or frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    pub subject: Subject,
    pub buffers: Vec<Buffer>,
    pub raw: Vec<String>,
    pub sdp: Vec<String>,
    pub candidates: Vec<String>,
    pub error: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Answer {
    Overview {
        overview: Arc<Overview>,
        holdings: Holdings,
        took: Duration,
    },
    Table {
        kind: TableKind,
        version: u64,
        data: Arc<TableData>,
        took: Duration,
    },
    Rows {
        kind: TableKind,
        /// The table they are of.
        ids: Arc<Vec<u32>>,
        part: Part,
    },
    FoundRow {
        kind: TableKind,
        sought: Sought,
        id: Option<u32>,
    },
    CopiedRows(String),
    Ladder {
        owners: Vec<Owner>,
        options: LadderOptions,
        ladder: Arc<Ladder>,
        /// Messages of the ladder that the rules of the wire object to.
        flawed: Arc<Vec<MsgIdx>>,
    },
    Detail(Arc<Detail>),
    Diff {
        a: MsgIdx,
        b: MsgIdx,
        lines: Result<Arc<Vec<DiffLine>>, String>,
    },
    Packets {
        places: Vec<u64>,
        lines: Result<Vec<(u64, PacketLine)>, String>,
    },
    /// More matches; those before them came already.
    Matches {
        version: u64,
        places: Vec<u64>,
        scanned: u64,
        done: bool,
    },
    Found {
        version: u64,
        place: Option<u64>,
    },
    OwnerOf {
        frame: FrameRef,
        /// And the first message in it.
        owner: Option<(Owner, MsgIdx)>,
    },
    /// Rows of the streams, and the place of the one to be seen first.
    StreamsOf(Vec<u32>, usize),
    SessionsOf(Vec<u32>),
    IceOf {
        frame: FrameRef,
        ids: Vec<u32>,
        allocation: Option<AllocationIdx>,
    },
    Session {
        id: u32,
        place: Option<Place>,
        data: Option<Arc<SessionData>>,
    },
    Listing {
        of: ListingOf,
        time: TimeMode,
        data: Arc<Listing>,
    },
    OwnersOf {
        of: (TableKind, u32),
        owners: Vec<Owner>,
    },
    UserRows(Option<UserRows>),
    Statistics(Arc<Vec<CountGroup>>),
    Exported(Result<String, ExportError>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportError {
    /// The file is there already.
    Exists,
    Other(String),
}

/// Reading goes on although a writer died: what it left is still the best there is.
pub fn read(analysis: &RwLock<Analysis>) -> RwLockReadGuard<'_, Analysis> {
    analysis.read().unwrap_or_else(PoisonError::into_inner)
}

/// Answers everything but the searches over frames, which take long and answer in pieces.
pub fn answer(analysis: &Analysis, cache: &Cache, request: &Request) -> Option<Answer> {
    Some(match request {
        Request::Overview { slices } => {
            let started = Instant::now();
            Answer::Overview {
                overview: Arc::new(overview::overview(analysis, &cache.lists(analysis), *slices)),
                holdings: holdings(analysis, cache),
                took: started.elapsed(),
            }
        }
        Request::Table { kind, query, version, around } => {
            let started = Instant::now();
            let data = Arc::new(table::table(analysis, cache, *kind, query, *around));
            Answer::Table { kind: *kind, version: *version, data, took: started.elapsed() }
        }
        Request::Rows { kind, query, ids, places } => {
            let part = table::part(analysis, cache, *kind, query, ids, places.clone());
            Answer::Rows { kind: *kind, ids: ids.clone(), part }
        }
        Request::CopyRows { kind, query, ids } => {
            Answer::CopiedRows(table::copy(analysis, cache, *kind, query, ids))
        }
        Request::Ladder { owners, options } => {
            let lists = cache.lists(analysis);
            let mut ladder = ladder::build_with(analysis, &lists, owners, *options);
            ladder::tell(&mut ladder, analysis, owners, lists.diagnosis());
            let flawed = flawed(analysis, &ladder);
            Answer::Ladder {
                owners: owners.clone(),
                options: *options,
                ladder: Arc::new(ladder),
                flawed: Arc::new(flawed),
            }
        }
        Request::Detail(subject) => Answer::Detail(Arc::new(detail_of(analysis, cache, *subject))),
        Request::Diff(a, b) => {
            let lines = bytes_of(analysis, *a)
                .and_then(|left| Ok((left, bytes_of(analysis, *b)?)))
                .map(|(left, right)| Arc::new(diff::diff(&left, &right)));
            Answer::Diff { a: *a, b: *b, lines }
        }
        Request::Packets { places } => {
            Answer::Packets { places: places.clone(), lines: lines_at(analysis, places) }
        }
        Request::OwnerOf(frame) => {
            let owner = analysis.messages_in_frame(*frame).first().map(|&m| (analysis.message(m).owner, m));
            Answer::OwnerOf { frame: *frame, owner }
        }
        Request::StreamsOf { owners, frame } => {
            let (rows, at) = streams_of(analysis, owners, *frame);
            Answer::StreamsOf(rows, at)
        }
        Request::SessionsOf(owners) => Answer::SessionsOf(ice::sessions_of(analysis, cache, owners)),
        Request::IceOf(frame) => {
            let (ids, allocation) = ice::of_frame(analysis, cache, *frame);
            Answer::IceOf { frame: *frame, ids, allocation }
        }
        Request::Session { id, place } => {
            let data = ice::session(analysis, cache, *id, *place).map(Arc::new);
            Answer::Session { id: *id, place: *place, data }
        }
        Request::Listing(of, time) => {
            let data = Arc::new(ice::listing(analysis, cache, *of, *time));
            Answer::Listing { of: *of, time: *time, data }
        }
        Request::OwnersOf(kind, id) => {
            Answer::OwnersOf { of: (*kind, *id), owners: ice::owners_of(analysis, cache, *kind, *id) }
        }
        Request::UserRows(who) => Answer::UserRows(user::rows(analysis, cache, who)),
        Request::Statistics => Answer::Statistics(Arc::new(statistics(analysis))),
        Request::Matches { .. } | Request::Find { .. } | Request::FindRow(_) => return None,
    })
}

/// The media streams of calls in order of their first packet, and the place of the one that begins with a frame.
fn streams_of(analysis: &Analysis, owners: &[Owner], frame: Option<FrameRef>) -> (Vec<u32>, usize) {
    let media = analysis.media_index();
    let calls = owners.iter().filter_map(|owner| match owner {
        Owner::Call(call) => Some(*call),
        Owner::Dialog(_) => None,
    });
    let mut rows: Vec<u32> = calls.flat_map(|call| media.places_of(call).to_vec()).collect();
    rows.sort_unstable();
    rows.dedup();
    let begins = |row: &u32| {
        let first = media.stream(*row).and_then(|s| analysis.figures_of(s)).map(|f| f.first_frame);
        frame.is_some() && first == frame
    };
    let at = rows.iter().position(begins).unwrap_or(0);
    (rows, at)
}

fn bytes_of(analysis: &Analysis, m: MsgIdx) -> Result<Vec<u8>, String> {
    if m.0 as usize >= analysis.messages.len() {
        return Err("no such message".to_owned());
    }
    analysis.message_bytes(m).map_err(|e| e.to_string())
}

fn holdings(analysis: &Analysis, cache: &Cache) -> Holdings {
    let captures = &analysis.captures;
    let lists = cache.lists(analysis);
    let name = |path: &str| {
        if path == "-" {
            return "standard input".to_owned();
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        show::safe(name.as_bytes())
    };
    let mut title = match captures.as_slice() {
        [] => String::new(),
        [one] => name(&one.info.path),
        [first, rest @ ..] => format!("{} + {} more", name(&first.info.path), rest.len()),
    };
    if analysis.redaction.is_some() && !title.is_empty() {
        title.push_str(" (redacted)");
    }
    let first = captures.iter().filter_map(|c| c.first).min();
    let last = captures.iter().filter_map(|c| c.last).max();
    Holdings {
        title,
        span: first.zip(last),
        frames: captures.iter().map(|c| c.frames).sum(),
        bytes: captures.iter().map(|c| c.bytes).sum(),
        captures: captures.iter().map(|c| c.frames).collect(),
        calls: analysis.calls.len(),
        dialogs: analysis.dialogs_shown().count(),
        sessions: cache.index(analysis).len(),
        allocations: analysis.stun.allocations.len(),
        lists: ListKind::ALL.map(|kind| kind.len(&lists)),
        damaged: captures.iter().filter(|c| !c.issues.is_empty()).count(),
    }
}

fn flawed(analysis: &Analysis, ladder: &Ladder) -> Vec<MsgIdx> {
    fn walk(analysis: &Analysis, rows: &[ladder::LadderRow], out: &mut Vec<MsgIdx>) {
        use crate::correlate::flag;
        for row in rows {
            match row {
                ladder::LadderRow::Arrow { message: Some(m), .. } => {
                    let flagged = analysis
                        .messages
                        .get(m.0 as usize)
                        .is_some_and(|r| r.has(flag::MALFORMED) || r.has(flag::CUT));
                    if flagged {
                        out.push(*m);
                    }
                }
                ladder::LadderRow::Fold { inner, .. } => walk(analysis, inner, out),
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    walk(analysis, &ladder.rows, &mut out);
    out
}

fn detail_of(analysis: &Analysis, cache: &Cache, subject: Subject) -> Detail {
    let mut detail = Detail {
        subject,
        buffers: Vec::new(),
        raw: Vec::new(),
        sdp: Vec::new(),
        candidates: Vec::new(),
        error: None,
    };
    let mut failed = |e: std::io::Error| detail.error = Some(e.to_string());
    let (message, frame) = match subject {
        Subject::Message(m) if m.0 as usize >= analysis.messages.len() => return detail,
        Subject::Message(m) => (Some(m), analysis.message(m).frame),
        Subject::Frame(frame) => (analysis.messages_in_frame(frame).first().copied(), frame),
    };
    if let Some(m) = message {
        match analysis.message_bytes(m) {
            Ok(bytes) => detail.raw = show::safe_lines(&bytes),
            Err(e) => failed(e),
        }
        detail.sdp = detail::sdp_summary(analysis, m).unwrap_or_default();
        detail.candidates = ice::candidates_in(analysis, cache, m);
    }
    match subject {
        Subject::Message(m) => {
            match detail::message_detail(analysis, m) {
                Ok(buffer) => detail.buffers.push(buffer),
                Err(e) => detail.error = Some(e.to_string()),
            }
            let frames = analysis.frames_of(m);
            // A message over hundreds of segments: its last frames tell enough.
            for frame in frames.iter().rev().take(8).rev() {
                let buffers = detail::frame_detail(analysis, *frame).unwrap_or_default();
                detail.buffers.extend(buffers.into_iter().take(1));
            }
        }
        Subject::Frame(_) => match detail::frame_detail(analysis, frame) {
            Ok(buffers) => detail.buffers = buffers,
            Err(e) => detail.error = Some(e.to_string()),
        },
    }
    if message.is_none()
        && let Some(buffer) = detail.buffers.first()
    {
        detail.raw = raw_frame(&buffer.bytes);
    }
    detail
}

/// A run of text in a frame from which on it is shown as text.
const TEXT_RUN: usize = 24;

/// A frame as text, where there is some in it.
fn raw_frame(bytes: &[u8]) -> Vec<String> {
    let is_text = |b: &u8| matches!(b, b'\t' | b'\r' | b'\n' | 0x20..0x7f);
    match bytes.split(|b| !is_text(b)).any(|run| run.len() >= TEXT_RUN) {
        true => show::safe_lines(bytes),
        false => vec!["no text in this frame: Decoded and Hex show what it holds".to_owned()],
    }
}

/// The threads that answer.
#[derive(Debug)]
pub struct Desk {
    tables: Sender<Request>,
    details: Sender<Request>,
    scans: Sender<Request>,
    /// Version of the scan that is wanted; older ones stop.
    wanted_scan: Arc<AtomicU64>,
    /// The versions of the tables that are wanted; older ones stop.
    wanted_tables: Mutex<HashMap<TableKind, (u64, Stop)>>,
}

impl Desk {
    pub fn open(analysis: Arc<RwLock<Analysis>>, events: Sender<Event>) -> std::io::Result<Self> {
        let wanted_scan = Arc::new(AtomicU64::new(0));
        let cache = Arc::new(Cache::default());
        let lane = |name: &str| -> std::io::Result<Sender<Request>> {
            let (sender, receiver) = channel();
            let (analysis, events, wanted) = (analysis.clone(), events.clone(), wanted_scan.clone());
            let cache = cache.clone();
            std::thread::Builder::new()
                .name(format!("ui-{name}"))
                .spawn(move || serve(&receiver, &analysis, &cache, &events, &wanted))?;
            Ok(sender)
        };
        let wanted_tables = Mutex::default();
        let [tables, details, scans] = [lane("tables")?, lane("details")?, lane("scans")?];
        Ok(Self { tables, details, scans, wanted_scan, wanted_tables })
    }

    /// How a table of that version is told to stop; it is what stops those of other versions.
    fn stop_of(&self, kind: TableKind, version: u64) -> Stop {
        let mut wanted = self.wanted_tables.lock().unwrap_or_else(PoisonError::into_inner);
        match wanted.get(&kind) {
            Some((known, stop)) if *known == version => stop.clone(),
            older => {
                if let Some((_, stop)) = older {
                    stop.set();
                }
                let stop = Stop::default();
                wanted.insert(kind, (version, stop.clone()));
                stop
            }
        }
    }

    pub fn ask(&self, mut request: Request) {
        if let Request::Table { kind, query, version, .. } = &mut request {
            query.stop = self.stop_of(*kind, *version);
        }
        let lane = match &request {
            Request::Overview { .. }
            | Request::Table { .. }
            | Request::FindRow(_)
            | Request::UserRows(_)
            | Request::Statistics => &self.tables,
            Request::Matches { version, .. } | Request::Find { version, .. } => {
                self.wanted_scan.store(*version, Ordering::Relaxed);
                &self.scans
            }
            _ => &self.details,
        };
        // A lane ends only with the program.
        let _ = lane.send(request);
    }

    /// Whatever scan runs is to stop.
    pub fn stop_scan(&self) {
        self.wanted_scan.store(u64::MAX, Ordering::Relaxed);
    }
}

fn serve(
    requests: &Receiver<Request>,
    analysis: &RwLock<Analysis>,
    cache: &Cache,
    events: &Sender<Event>,
    wanted: &AtomicU64,
) {
    while let Ok(first) = requests.recv() {
        // Of several of a kind only the newest matters: the cursor has moved on.
        let mut waiting = vec![first];
        waiting.extend(requests.try_iter());
        let mut newest = Vec::new();
        for request in waiting.into_iter().rev() {
            let same = |other: &Request| match (other, &request) {
                (Request::Table { kind: a, .. }, Request::Table { kind: b, .. })
                | (Request::Rows { kind: a, .. }, Request::Rows { kind: b, .. }) => a == b,
                (Request::Ladder { owners: a, .. }, Request::Ladder { owners: b, .. }) => a == b,
                (a, b) => discriminant(a) == discriminant(b),
            };
            if !newest.iter().any(same) {
                newest.push(request);
            }
        }
        for request in newest.into_iter().rev() {
            match request {
                Request::Matches { filter, version } => {
                    matches(analysis, cache, &filter, version, events, wanted)
                }
                Request::Find { text, from, forward, version } => {
                    let place = find(analysis, &text, from, forward, version, wanted);
                    let _ = events.send(Event::Answer(Box::new(Answer::Found { version, place })));
                }
                Request::FindRow(search) => {
                    let _ = events.send(Event::Answer(Box::new(table::find(analysis, cache, &search))));
                }
                request => {
                    let stopped = |request: &Request| match request {
                        Request::Table { query, .. } => query.stop.is_set(),
                        _ => false,
                    };
                    let answer = match stopped(&request) {
                        true => None,
                        false => answer(&read(analysis), cache, &request).filter(|_| !stopped(&request)),
                    };
                    if let Some(answer) = answer
                        && events.send(Event::Answer(Box::new(answer))).is_err()
                    {
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CaptureId;

    #[test]
    fn a_new_order_stops_what_sorts_by_the_old_one() {
        let (events, answers) = channel();
        let desk = Desk::open(Arc::new(RwLock::new(Analysis::default())), events).unwrap();
        let first = desk.stop_of(TableKind::Sessions, 1);
        let calls = desk.stop_of(TableKind::Calls, 1);
        let again = desk.stop_of(TableKind::Sessions, 1);
        assert!(!first.is_set() && !again.is_set(), "the same asked again goes on");
        let second = desk.stop_of(TableKind::Sessions, 2);
        assert!(first.is_set() && again.is_set() && !second.is_set() && !calls.is_set());
        // Only what is wanted is answered.
        let ask = |version| {
            let (query, around) = (Box::default(), Around::default());
            desk.ask(Request::Table { kind: TableKind::Sessions, query, version, around });
        };
        ask(3);
        let Ok(Event::Answer(answer)) = answers.recv_timeout(Duration::from_secs(10)) else {
            panic!("no answer")
        };
        assert!(matches!(*answer, Answer::Table { version: 3, .. }));
    }

    #[test]
    fn places_run_over_all_captures() {
        let holdings = Holdings { captures: vec![3, 0, 2], ..Holdings::default() };
        let frame = |capture, frame| FrameRef { capture: CaptureId(capture), frame };
        let all: Vec<_> = (0..6).map(|p| holdings.frame_at(p)).collect();
        let expected = [
            Some(frame(0, 1)),
            Some(frame(0, 2)),
            Some(frame(0, 3)),
            Some(frame(2, 1)),
            Some(frame(2, 2)),
            None,
        ];
        assert_eq!(all, expected);
        for (place, frame) in expected.iter().enumerate() {
            if let Some(frame) = frame {
                assert_eq!(holdings.place_of(*frame), Some(place as u64));
            }
        }
        assert_eq!(holdings.place_of(frame(1, 1)), None);
        assert_eq!(holdings.place_of(frame(0, 0)), None);
    }
}
