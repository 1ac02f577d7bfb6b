//! What decoding makes known, applied to the analysis; and the accounts of each capture.

use std::io;

use super::Analysis;
use super::model::*;
use crate::capture::{CaptureIssue, CaptureNote, CaptureReader, FrameBatch, FrameRef, Nanos, Times};
use crate::decode::{
    Breakage, CaptureDecoder, DecodedDns, DecodedMedia, DecodedSip, DecodedSqlr, DecodedStun, DecodedTds,
    MediaError, MediaTally, Place, RtpFacts, Sink, StreamMemo, TcpSign,
};

/// The sink of one capture.
pub(super) struct Apply<'a> {
    pub analysis: &'a mut Analysis,
    pub capture: usize,
}

impl Sink for Apply<'_> {
    fn sip(&mut self, m: &DecodedSip<'_>) -> bool {
        let Some(bytes) = self.analysis.place(&m.place, m.frame) else { return false };
        self.analysis.add_message(m, bytes).is_some()
    }

    fn carried_sip(&mut self, m: &DecodedSip<'_>, channel: u16) -> bool {
        let Some(bytes) = self.analysis.place(&m.place, m.frame) else { return false };
        self.analysis.add_carried_sip(m, channel, bytes).is_some()
    }

    fn stun(&mut self, m: &DecodedStun<'_>) -> bool {
        self.analysis.add_stun(m)
    }

    fn dns(&mut self, m: &DecodedDns<'_>) -> bool {
        self.analysis.add_dns(m)
    }

    fn rtp(&mut self, facts: &RtpFacts, packet: &DecodedMedia<'_>, memo: &mut StreamMemo) -> u32 {
        self.analysis.add_rtp(facts, packet, memo)
    }

    #[inline]
    fn usual_rtp(
        &mut self,
        facts: &RtpFacts,
        memo: StreamMemo,
        time: Nanos,
        frame: FrameRef,
        dscp: u8,
    ) -> bool {
        self.analysis.add_usual_rtp(facts, memo, time, frame, dscp)
    }

    fn rtcp(&mut self, packet: &DecodedMedia<'_>) {
        self.analysis.add_rtcp(packet);
    }

    fn fax(&mut self, packet: &DecodedMedia<'_>) -> u32 {
        self.analysis.add_fax(packet)
    }

    fn key_exchange(&mut self, packet: &DecodedMedia<'_>) {
        self.analysis.add_key_exchange(packet, None);
    }

    fn media(&mut self, tally: &MediaTally) {
        self.analysis.add_media(tally);
    }

    fn tls_start(&mut self, session: TlsSession) -> usize {
        self.analysis.other.tls_sessions += 1;
        self.analysis.sql_tls(&session);
        if self.analysis.tls.len() >= self.analysis.limits.tls_sessions {
            if self.analysis.other.tls_sessions == self.analysis.limits.tls_sessions as u64 + 1 {
                let frame = session.frame;
                self.issue("limit-tls-sessions", frame, "more TLS sessions are only counted".to_owned());
            }
            return usize::MAX;
        }
        self.analysis.tls.push(session);
        self.analysis.tls.len() - 1
    }

    fn tls(&mut self, session: usize) -> Option<&mut TlsSession> {
        self.analysis.tls.get_mut(session)
    }

    fn websocket_start(&mut self) {
        self.analysis.other.websocket_sessions += 1;
    }

    fn sqlr(&mut self, message: &DecodedSqlr<'_>) -> bool {
        self.analysis.add_sqlr(message)
    }

    fn tds(&mut self, message: &DecodedTds<'_>) {
        self.analysis.add_tds(message);
    }

    fn tcp_sign(&mut self, sign: &TcpSign) -> bool {
        self.analysis.add_tcp_sign(sign)
    }

    fn broken(&mut self, breakage: &Breakage) -> bool {
        self.analysis.add_breakage(breakage);
        self.analysis.add_sql_error(breakage)
    }

    fn media_error(&mut self, error: &MediaError) {
        self.analysis.add_media_error(error);
    }

    fn issue(&mut self, code: &'static str, frame: FrameRef, text: String) {
        let frame = (frame.frame > 0).then_some(frame.frame);
        self.analysis.add_issue(self.capture, CaptureIssue { code, offset: 0, frame, text });
    }
}

impl Analysis {
    /// Where the bytes of a message of this frame can be read again; none where that failed.
    pub(super) fn place(&mut self, place: &Place<'_>, frame: FrameRef) -> Option<BytesRef> {
        match *place {
            Place::File { offset, len } => Some(BytesRef { offset, len, store: frame.capture.0 }),
            Place::Memory(bytes) => match self.stores.keep(bytes, self.limits.arena_bytes) {
                Ok(r) => Some(r),
                Err(e) => {
                    let text = format!("a message could not be kept: {e}");
                    let issue = CaptureIssue { code: "arena", offset: 0, frame: Some(frame.frame), text };
                    self.add_issue(usize::from(frame.capture.0), issue);
                    None
                }
            },
        }
    }

    /// Keeps an issue of a capture, or counts it where there are too many.
    pub(super) fn add_issue(&mut self, capture: usize, issue: CaptureIssue) {
        let limit = self.limits.issues;
        if let Some(c) = self.captures.get_mut(capture) {
            if c.issues.len() < limit {
                c.issues.push(issue);
            } else {
                c.issues_not_kept += 1;
            }
        }
    }

    pub(super) fn begin_capture(&mut self, reader: &CaptureReader) {
        self.stores.set_capture(self.captures.len(), reader.backing());
        self.frame_indexes.push(reader.frame_index());
        self.captures.push(CaptureSummary::new(reader.info().clone()));
    }

    /// Takes what a batch says beside its messages.
    pub(super) fn note_batch(&mut self, capture: usize, batch: &FrameBatch, times: &Times) {
        if let Some(index) = self.frame_indexes.get_mut(capture) {
            index.note(batch);
        }
        let Some(c) = self.captures.get_mut(capture) else { return };
        c.frames += batch.frames.len() as u64;
        c.input_bytes = batch.input_bytes;
        c.bytes += times.bytes;
        if let Some((earliest, latest)) = times.span {
            c.first = Some(c.first.map_or(earliest, |t| t.min(earliest)));
            c.last = Some(c.last.map_or(latest, |t| t.max(latest)));
        }
        if !c.clock.note_run(times) {
            for (frame, f) in (batch.first_frame..).zip(&batch.frames) {
                c.clock.note(f.interface, f.time, frame);
            }
        }
        for note in &batch.notes {
            self.note(capture, note);
        }
    }

    fn note(&mut self, capture: usize, note: &CaptureNote) {
        match note {
            CaptureNote::Issue(issue) => return self.add_issue(capture, issue.clone()),
            CaptureNote::Name { address, name } => {
                let limit = self.limits.names;
                return self.names.learn(*address, name, limit);
            }
            CaptureNote::InterfaceDrops { interface, received: _, dropped: Some(n) } if *n > 0 => {
                let whose = format!("interface {interface} dropped ");
                let packets = if *n == 1 { "packet" } else { "packets" };
                let text = format!("{whose}{n} {packets} while capturing");
                // Each count is from the start of the capture on: the last one says all.
                let told = |i: &&mut CaptureIssue| i.code == "interface-drops" && i.text.starts_with(&whose);
                let issues = self.captures.get_mut(capture).map(|c| c.issues.iter_mut());
                if let Some(earlier) = issues.and_then(|mut i| i.find(told)) {
                    earlier.text = text;
                    return;
                }
                return self.add_issue(
                    capture,
                    CaptureIssue { code: "interface-drops", offset: 0, frame: None, text },
                );
            }
            _ => {}
        }
        let limit = self.limits.issues;
        let Some(c) = self.captures.get_mut(capture) else { return };
        match note {
            CaptureNote::Interface(interface) => c.interfaces.push(interface.clone()),
            CaptureNote::Comment { frame, text } if c.comments.len() < limit => {
                c.comments.push((*frame, text.clone()));
            }
            _ => {}
        }
    }

    /// Brings the accounts of a capture up to date.
    pub(super) fn update_capture(&mut self, capture: usize, decoder: &CaptureDecoder) {
        let Some(c) = self.captures.get_mut(capture) else { return };
        c.accounting = decoder.accounting;
        c.odd.clone_from(&decoder.odd);
        c.accounting.settle(self.media.faxes.settled(capture));
    }

    pub(super) fn end_capture(
        &mut self,
        capture: usize,
        decoder: &CaptureDecoder,
        error: Option<io::Error>,
        complete: bool,
    ) {
        self.update_capture(capture, decoder);
        if let Some(e) = error {
            let text = format!("reading stopped here: {e}");
            self.add_issue(capture, CaptureIssue { code: "read-error", offset: 0, frame: None, text });
        }
        if let Some(c) = self.captures.get_mut(capture) {
            c.complete = complete;
        }
    }
}
