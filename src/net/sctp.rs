//! SCTP user messages out of DATA chunks (RFC 9260 §3.3.1).

use std::net::SocketAddr;

use super::IpPacket;
use crate::capture::{FrameRef, Nanos};
use crate::limits::Limits;

pub struct SctpMessage<'a> {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub bytes: &'a [u8],
    pub frame: FrameRef,
    pub parts: &'a [FrameRef],
}
#[derive(Default)]
pub struct SctpTable {}
impl SctpTable {
    #[allow(clippy::too_many_arguments)]
    pub fn push(
        &mut self,
        ip: &IpPacket<'_>,
        src_port: u16,
        dst_port: u16,
        chunks: &[u8],
        frame: FrameRef,
        time: Nanos,
        limits: &Limits,
        sink: &mut dyn FnMut(SctpMessage<'_>),
    ) {
        let _ = (ip, src_port, dst_port, chunks, frame, time, limits, sink);
    }
}
