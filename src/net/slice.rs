//! From link type and frame bytes to the innermost IP packet; stateless.

use super::{IpPacket, Sliced};
use crate::capture::LinkType;
use crate::limits::Limits;

/// Slices a frame down to its transport, through VLAN tags and tunnels. `origlen` is its length on the wire.
pub fn slice_frame<'a>(link: LinkType, frame: &'a [u8], origlen: u32, limits: &Limits) -> Sliced<'a> {
    let _ = (link, frame, origlen, limits);
    Sliced::NotIp
}

/// Slices the transport of an IP packet that was put together from fragments (through tunnels, if it holds one).
pub fn slice_ip<'a>(ip: IpPacket<'a>, limits: &Limits) -> Sliced<'a> {
    let _ = limits;
    Sliced::OtherIp { ip }
}
