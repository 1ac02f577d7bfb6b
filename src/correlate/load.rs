//! Runs the pipeline: inputs → frames → messages → [`Analysis`], in batches, on several threads.
//!
//! Workers read and prepare batches (of one capture one after the other, of several at once); the calling thread
//! takes the prepared frames in order, several captures merged by time, and applies them.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::ahead::{AHEAD, FEWEST};
use super::apply::Apply;
use super::{Analysis, QosProfile, parts};
use crate::capture::{CaptureId, CaptureReader, FrameBatch, Input, Nanos, OpenError};
use crate::decode::{CaptureDecoder, Prepared, prepare};
use crate::limits::Limits;
use crate::net::Duplicates;

/// Captures kept open while they are merged; of more, each is opened when its time comes.
const OPEN_AT_ONCE: usize = 64;
/// How often a growing file is looked at again, and progress told while nothing arrives.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Clone)]
pub struct LoadOptions {
    pub limits: Limits,
    /// Worker threads; 0: as many as there are cores.
    pub threads: usize,
    /// Keep waiting for more at the end of the input.
    pub follow: bool,
    /// Ports whose traffic is taken for SIP even where it does not look like it at first.
    pub sip_ports: Vec<u16>,
    /// Headers that name the Call-ID of another leg.
    pub leg_headers: Vec<String>,
    /// Credentials of TURN users (`name:password`), by which MESSAGE-INTEGRITY is verified.
    pub turn_users: Vec<String>,
    /// See [`Analysis::redact_text`].
    pub redact_text: bool,
    /// See [`Analysis::redaction`].
    pub redaction: Option<crate::redact::Tally>,
    /// See [`Analysis::qos`].
    pub qos: Option<QosProfile>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            threads: 0,
            follow: false,
            sip_ports: Vec::new(),
            turn_users: Vec::new(),
            redact_text: false,
            redaction: None,
            qos: None,
            leg_headers: ["X-Call-ID", "X-CID", "X-Original-Call-ID"].map(str::to_owned).to_vec(),
        }
    }
}

/// Where loading stands.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Input bytes read, as stored, over all inputs.
    pub bytes: u64,
    /// Size of all inputs, if known.
    pub total: Option<u64>,
    pub frames: u64,
    pub done: bool,
}

/// What came of the inputs that could not be opened or read.
#[derive(Debug, Default)]
pub struct LoadReport {
    pub errors: Vec<OpenError>,
}

/// A capture as the workers see it.
struct Source {
    reader: Option<CaptureReader>,
    /// Number of the next batch.
    sequence: u64,
}

/// What a worker hands back.
#[expect(clippy::large_enum_variant, reason = "nearly all are batches")]
enum Outcome {
    Batch(Prepared),
    End,
    Error(io::Error),
}

/// Captures that want their next batch, with memory to reuse.
#[derive(Default)]
struct Queue {
    state: Mutex<(VecDeque<(usize, Prepared)>, bool)>,
    wake: Condvar,
}

impl Queue {
    fn push(&self, capture: usize, reuse: Prepared) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.push_back((capture, reuse));
        self.wake.notify_one();
    }

    fn pop(&self) -> Option<(usize, Prepared)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.1 {
                return None;
            }
            if let Some(task) = state.0.pop_front() {
                return Some(task);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.wake.notify_all();
    }
}

/// Closes the queue even if the consuming thread unwinds, so that the workers end.
struct CloseOnDrop<'a>(&'a Queue);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn worker(
    queue: &Queue,
    sources: &[Mutex<Source>],
    options: &LoadOptions,
    hasher: &foldhash::fast::RandomState,
    out: &Sender<(usize, u64, Outcome)>,
) {
    while let Some((capture, mut prepared)) = queue.pop() {
        let batch = std::mem::take(&mut prepared.batch);
        let (sequence, read) = {
            let mut source = sources[capture].lock().unwrap_or_else(PoisonError::into_inner);
            let sequence = source.sequence;
            source.sequence += 1;
            let read = match &mut source.reader {
                Some(reader) => reader.next_batch(batch),
                None => Ok(None),
            };
            if !matches!(read, Ok(Some(_))) {
                source.reader = None;
            }
            (sequence, read)
        };
        let outcome = match read {
            Ok(Some(batch)) => {
                prepared.batch = batch;
                prepare(&mut prepared, &options.limits, &options.sip_ports, &options.leg_headers, hasher);
                Outcome::Batch(prepared)
            }
            Ok(None) => Outcome::End,
            Err(e) => Outcome::Error(e),
        };
        if out.send((capture, sequence, outcome)).is_err() {
            return;
        }
    }
}

/// A capture as the consuming thread sees it.
struct Lane {
    decoder: CaptureDecoder,
    /// Finished out of turn.
    ready: BTreeMap<u64, Outcome>,
    next: u64,
    /// Asked for and not yet come back.
    asked: u64,
    current: Option<(Prepared, usize)>,
    state: LaneState,
    /// When a growing file is to be looked at again.
    again: Option<Instant>,
    /// First frame's time, to open in turn where there are many captures.
    starts: Nanos,
    input_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LaneState {
    /// Not opened yet (or closed again until its time comes).
    Waiting,
    Reading,
    Done,
}

/// Reads all inputs into `analysis`, taking its lock only while a batch is applied. `progress` is called after
/// each batch without the lock held; `Break` ends loading early with what there is.
pub fn load(
    inputs: &[Input],
    options: &LoadOptions,
    analysis: &RwLock<Analysis>,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> LoadReport {
    let mut report = LoadReport::default();
    let hasher = foldhash::fast::RandomState::default();
    let lock = || analysis.write().unwrap_or_else(PoisonError::into_inner);
    {
        let mut a = lock();
        a.limits = options.limits.clone();
        a.turn_users = options.turn_users.clone();
        a.redact_text = options.redact_text;
        a.redaction.clone_from(&options.redaction);
        a.qos = options.qos.clone();
        a.leg_headers = options.leg_headers.clone();
        a.strings.hash_with(&hasher);
    }
    let mut sources = Vec::new();
    let mut lanes = Vec::new();
    let mut opened_inputs = Vec::new();
    let mut total = Some(0u64);
    for input in inputs {
        let id = CaptureId(u16::try_from(lanes.len()).unwrap_or(u16::MAX));
        if lanes.len() >= usize::from(u16::MAX) {
            report.errors.push(OpenError::Io {
                path: format!("{input:?}"),
                source: io::Error::other("more than 65 534 captures at once"),
            });
            continue;
        }
        let mut reader = match CaptureReader::open(input, id, &options.limits, options.follow) {
            Ok(reader) => reader,
            Err(e) => {
                report.errors.push(e);
                continue;
            }
        };
        total = total.zip(reader.info().size).map(|(a, b)| a + b);
        let keep = inputs.len() <= OPEN_AT_ONCE || *input == Input::Stdin || options.follow;
        let mut starts = Nanos::MIN;
        lock().begin_capture(&reader);
        if !keep {
            starts = first_time(&mut reader);
        }
        sources.push(Mutex::new(Source { reader: keep.then_some(reader), sequence: 0 }));
        lanes.push(Lane {
            decoder: CaptureDecoder::new(id, &options.limits, &options.sip_ports, hasher.clone()),
            ready: BTreeMap::new(),
            next: 0,
            asked: 0,
            current: None,
            state: if keep { LaneState::Reading } else { LaneState::Waiting },
            again: None,
            starts,
            input_bytes: 0,
        });
        opened_inputs.push(input.clone());
    }

    let threads = match options.threads {
        0 => parts::cores(),
        n => n,
    };
    let queue = Queue::default();
    let (out, results) = channel();
    std::thread::scope(|scope| {
        let _close = CloseOnDrop(&queue);
        for _ in 0..threads.min(64) {
            let out = out.clone();
            let (queue, sources, hasher) = (&queue, &sources, &hasher);
            scope.spawn(move || worker(queue, sources, options, hasher, &out));
        }
        drop(out);
        let mut run = Run {
            options,
            analysis,
            sources: &sources,
            inputs: &opened_inputs,
            lanes,
            queue: &queue,
            results: &results,
            duplicates: Duplicates::default(),
            told: Vec::new(),
            total,
            frames: 0,
            // A few batches ahead keep all workers busy; with many captures one each is enough.
            ahead: if opened_inputs.len() > 4 { 1 } else { threads as u64 + 1 },
            spare: Vec::new(),
        };
        run.run(progress, &mut report);
    });
    let mut a = lock();
    a.refresh();
    drop(a);
    report
}

/// Time of the first frame of a capture, as far as its first batch tells.
fn first_time(reader: &mut CaptureReader) -> Nanos {
    match reader.next_batch(FrameBatch::default()) {
        Ok(Some(batch)) => batch.frames.first().map_or(Nanos::MIN, |f| f.time),
        _ => Nanos::MIN,
    }
}

struct Run<'a> {
    options: &'a LoadOptions,
    analysis: &'a RwLock<Analysis>,
    sources: &'a [Mutex<Source>],
    inputs: &'a [Input],
    lanes: Vec<Lane>,
    queue: &'a Queue,
    results: &'a Receiver<(usize, u64, Outcome)>,
    duplicates: Duplicates,
    /// Which of the frames under way were captured before; kept for its memory.
    told: Vec<bool>,
    total: Option<u64>,
    frames: u64,
    ahead: u64,
    spare: Vec<Prepared>,
}

impl Run<'_> {
    fn run(&mut self, progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>, report: &mut LoadReport) {
        let mut stopped = false;
        for c in 0..self.lanes.len() {
            self.ask(c);
        }
        while !stopped {
            self.open_due(report);
            if !self.fill() {
                if self.lanes.iter().all(|l| l.state == LaneState::Done) {
                    break;
                }
                match self.results.recv_timeout(PAUSE) {
                    Ok((c, sequence, outcome)) => {
                        self.lanes[c].asked -= 1;
                        self.lanes[c].ready.insert(sequence, outcome);
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        self.ask_again();
                        stopped = progress(&self.progress(false)).is_break();
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                continue;
            }
            self.apply();
            stopped = progress(&self.progress(false)).is_break();
        }
        self.finish(stopped);
        let _ = progress(&self.progress(true));
    }

    fn ask(&mut self, c: usize) {
        let lane = &mut self.lanes[c];
        while lane.state == LaneState::Reading
            && lane.asked + (lane.ready.len() as u64) < self.ahead
            && lane.again.is_none()
        {
            lane.asked += 1;
            self.queue.push(c, self.spare.pop().unwrap_or_default());
        }
    }

    /// Growing files whose pause is over.
    fn ask_again(&mut self) {
        for c in 0..self.lanes.len() {
            if self.lanes[c].again.is_some_and(|t| t <= Instant::now()) {
                self.lanes[c].again = None;
                self.ask(c);
            }
        }
    }

    /// Opens captures that wait, as long as few are open or their time has come.
    fn open_due(&mut self, report: &mut LoadReport) {
        loop {
            let open = self.lanes.iter().filter(|l| l.state == LaneState::Reading).count();
            let next = self
                .lanes
                .iter()
                .enumerate()
                .filter(|(_, l)| l.state == LaneState::Waiting)
                .min_by_key(|(i, l)| (l.starts, *i))
                .map(|(i, l)| (i, l.starts));
            let Some((c, starts)) = next else { return };
            let reached = self.lanes.iter().filter_map(head_time).min().is_none_or(|now| starts <= now);
            if open > 0 && !reached {
                return;
            }
            let id = CaptureId(c as u16);
            match CaptureReader::open(&self.inputs[c], id, &self.options.limits, false) {
                Ok(reader) => {
                    let backing = reader.backing();
                    let mut a = self.analysis.write().unwrap_or_else(PoisonError::into_inner);
                    a.stores.set_capture(c, backing);
                    drop(a);
                    self.sources[c].lock().unwrap_or_else(PoisonError::into_inner).reader = Some(reader);
                    self.lanes[c].state = LaneState::Reading;
                    self.ask(c);
                }
                Err(e) => {
                    report.errors.push(e);
                    self.lanes[c].state = LaneState::Done;
                }
            }
        }
    }

    /// Gives every open capture its next batch; `false` where one is still to come or none is left.
    fn fill(&mut self) -> bool {
        let mut any = false;
        for c in 0..self.lanes.len() {
            loop {
                let lane = &mut self.lanes[c];
                if lane.state != LaneState::Reading || lane.current.is_some() {
                    break;
                }
                let Some(outcome) = lane.ready.remove(&lane.next) else {
                    if lane.again.is_some() {
                        break;
                    }
                    self.ask(c);
                    return false;
                };
                lane.next += 1;
                match outcome {
                    Outcome::Batch(prepared) => {
                        lane.input_bytes = prepared.batch.input_bytes;
                        let nothing = prepared.batch.frames.is_empty() && prepared.batch.notes.is_empty();
                        if nothing && self.options.follow {
                            lane.again = Some(Instant::now() + PAUSE);
                            self.spare.push(prepared);
                            continue;
                        }
                        lane.current = Some((prepared, 0));
                        lane.again = None;
                        self.begin_batch(c);
                    }
                    Outcome::End => self.end_lane(c, None),
                    Outcome::Error(e) => self.end_lane(c, Some(e)),
                }
                self.ask(c);
            }
            any |= self.lanes[c].current.is_some();
        }
        any
    }

    fn begin_batch(&mut self, c: usize) {
        let lane = &mut self.lanes[c];
        let Some((prepared, _)) = &lane.current else { return };
        lane.decoder.begin_batch(prepared);
        let mut a = self.analysis.write().unwrap_or_else(PoisonError::into_inner);
        a.note_batch(c, &prepared.batch, &prepared.times);
    }

    fn end_lane(&mut self, c: usize, error: Option<io::Error>) {
        let lane = &mut self.lanes[c];
        lane.state = LaneState::Done;
        let mut a = self.analysis.write().unwrap_or_else(PoisonError::into_inner);
        lane.decoder.finish(&mut Apply { analysis: &mut a, capture: c });
        a.end_capture(c, &lane.decoder, error, true);
    }

    /// Applies frames in order of time until one capture's batch is used up.
    fn apply(&mut self) {
        let mut a = self.analysis.write().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut best: Option<(Nanos, usize)> = None;
            let mut bound = Nanos::MAX;
            for (c, lane) in self.lanes.iter().enumerate() {
                let Some(time) = head_time(lane) else { continue };
                match best {
                    Some((t, _)) if time >= t => bound = bound.min(time),
                    _ => {
                        bound = bound.min(best.map_or(Nanos::MAX, |(t, _)| t));
                        best = Some((time, c));
                    }
                }
            }
            let Some((_, c)) = best else { return };
            let Lane { decoder, current, .. } = &mut self.lanes[c];
            let Some((prepared, at)) = current else { return };
            let mut sink = Apply { analysis: &mut a, capture: c };
            let frames = prepared.batch.frames.len();
            let from = *at;
            let later = |i: &usize| prepared.time(*i).is_none_or(|t| t > bound);
            let to = (from + 1..frames).find(later).unwrap_or(frames);
            let packet = |i: usize| {
                let digest = prepared.digests.get(i).copied().unwrap_or(0);
                (digest, prepared.time(i).unwrap_or_default())
            };
            self.duplicates.seen_each((from..to).map(packet), &mut self.told);
            for (at, told) in (from..to).step_by(AHEAD).zip(self.told.chunks(AHEAD)) {
                // Of captures that are merged often only one frame goes before another one's.
                if told.len() >= FEWEST {
                    sink.analysis.look_ahead(&decoder.coming(prepared, told.len()));
                }
                for (i, duplicate) in (at..).zip(told) {
                    decoder.frame(prepared, i, *duplicate, &mut sink);
                }
            }
            *at = to;
            self.frames += (*at - from) as u64;
            if *at >= frames {
                decoder.end_batch(&mut sink);
                a.update_capture(c, decoder);
                if let Some((prepared, _)) = current.take() {
                    self.spare.push(prepared);
                }
                return;
            }
        }
    }

    fn finish(&mut self, stopped: bool) {
        if !stopped {
            return;
        }
        for c in 0..self.lanes.len() {
            let lane = &mut self.lanes[c];
            if lane.state == LaneState::Reading {
                let mut a = self.analysis.write().unwrap_or_else(PoisonError::into_inner);
                lane.decoder.finish(&mut Apply { analysis: &mut a, capture: c });
                a.end_capture(c, &lane.decoder, None, false);
            }
        }
    }

    fn progress(&self, done: bool) -> Progress {
        Progress {
            bytes: self.lanes.iter().map(|l| l.input_bytes).sum(),
            total: self.total,
            frames: self.frames,
            done,
        }
    }
}

/// Time of the next frame of a lane's batch (an empty batch comes at once).
fn head_time(lane: &Lane) -> Option<Nanos> {
    let (prepared, at) = lane.current.as_ref()?;
    Some(prepared.time(*at).unwrap_or(Nanos::MIN))
}
