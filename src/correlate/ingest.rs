//! Where a decoded SIP message joins the analysis.

use std::net::SocketAddr;

use callscope_parsers::sip::Scan;

use super::Analysis;
use super::model::*;
use crate::capture::{FrameRef, Nanos};

/// A SIP message as decoding hands it over.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    pub scan: &'a Scan<'a>,
    pub bytes: BytesRef,
    /// The frame that completed it.
    pub frame: FrameRef,
    /// The earlier frames it lies in.
    pub parts: &'a [FrameRef],
    pub time: Nanos,
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub transport: Transport,
    /// Hash of all its bytes, to tell retransmissions.
    pub digest: u64,
    /// Its frame is a duplicate of another (contract.md).
    pub duplicate: bool,
    /// The capture holds only its beginning.
    pub cut: bool,
}

impl Analysis {
    /// Adds a message to its call or dialog. `None` where a limit is hit (counted and noted as an issue).
    pub fn add_message(&mut self, m: &Incoming<'_>) -> Option<MsgIdx> {
        let _ = m;
        None
    }
}
