//! The result of reading captures, complete between any two batches.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use super::model::*;
use super::store::Stores;
use super::strings::{Methods, Names, Strings};
use crate::capture::{FrameIndex, FrameRef};
use crate::limits::Limits;

/// Everything known of the captures read so far.
#[derive(Default)]
pub struct Analysis {
    pub limits: Limits,
    /// Headers that name the Call-ID of another leg.
    pub leg_headers: Vec<String>,
    pub captures: Vec<CaptureSummary>,
    pub messages: Vec<SipRecord>,
    pub calls: Vec<Call>,
    pub dialogs: Vec<Dialog>,
    pub links: Vec<CallLink>,
    pub sip: SipStatistics,
    pub other: OtherStatistics,
    pub tls: Vec<TlsSession>,
    pub names: Names,
    pub strings: Strings,
    pub methods: Methods,
    pub stores: Stores,
    /// Where the frames of each capture lie (index = capture).
    pub frame_indexes: Vec<FrameIndex>,
    pub(super) flows: Vec<Flow>,
    /// The earlier frames of messages that lie in several.
    pub(super) parts: HashMap<MsgIdx, Box<[FrameRef]>>,
}

impl Analysis {
    pub fn text(&self, s: Str) -> Cow<'_, str> {
        self.strings.text(s)
    }

    pub fn message(&self, m: MsgIdx) -> &SipRecord {
        &self.messages[m.0 as usize]
    }

    pub fn call(&self, c: CallIdx) -> &Call {
        &self.calls[c.0 as usize]
    }

    pub fn dialog(&self, d: DialogIdx) -> &Dialog {
        &self.dialogs[d.0 as usize]
    }

    pub fn flow(&self, f: FlowId) -> &Flow {
        &self.flows[f.0 as usize]
    }

    pub fn method(&self, m: MethodId) -> &str {
        self.methods.name(m)
    }

    /// The messages of a call or dialog in order of arrival.
    pub fn messages_of(&self, list: MsgList) -> impl Iterator<Item = MsgIdx> + '_ {
        let mut next = Some(list.first);
        let mut left = list.count;
        std::iter::from_fn(move || {
            let m = next.filter(|_| left > 0)?;
            left -= 1;
            next = self.message(m).next;
            Some(m)
        })
    }

    /// The whole bytes of a message, read again from where they lie.
    pub fn message_bytes(&self, m: MsgIdx) -> io::Result<Vec<u8>> {
        self.stores.read(self.message(m).bytes)
    }

    /// All frames a message lies in, the completing one last.
    pub fn frames_of(&self, m: MsgIdx) -> Vec<FrameRef> {
        let mut frames = self.parts.get(&m).map(|p| p.to_vec()).unwrap_or_default();
        frames.push(self.message(m).frame);
        frames
    }

    /// Name of a machine from `--names`, pcapng or DNS.
    pub fn host_name(&self, address: IpAddr) -> Option<&str> {
        self.names.get(address)
    }

    /// Messages are in frame order per capture: those of a frame.
    pub fn messages_in_frame(&self, frame: FrameRef) -> Vec<MsgIdx> {
        (0..self.messages.len() as u32).map(MsgIdx).filter(|&m| self.message(m).frame == frame).collect()
    }

    /// Other legs of a call.
    pub fn links_of(&self, call: CallIdx) -> impl Iterator<Item = &CallLink> + '_ {
        self.links.iter().filter(move |l| l.from == call || l.to == call)
    }

    /// Brings the summaries of calls and dialogs touched since the last time up to date.
    pub fn refresh(&mut self) {}
}
