//! Transport addresses inside attributes: one zero byte, family, port, address; plain or XORed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Address families of an address attribute (RFC 8489 §14.1).
pub const FAMILY_V4: u8 = 1;
pub const FAMILY_V6: u8 = 2;

/// What XOR addresses of a message are XORed with: bytes 4–20 of its header, in every dialect (with the cookie in the
/// header RFC 8489 §14.2, without it [MS-TURN] and the drafts of RFC 5389).
pub type Mask = [u8; 16];

/// A plain address; `None` where family or length is none.
///
/// A v4 address with more bytes than it needs is read all the same.
#[inline]
pub fn plain_address(value: &[u8]) -> Option<SocketAddr> {
    xor_address(value, &[0; 16])
}

/// An XORed address, in clear.
#[inline]
pub fn xor_address(value: &[u8], mask: &Mask) -> Option<SocketAddr> {
    let (&[_, family, p0, p1], address) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([p0, p1]) ^ u16::from_be_bytes([mask[0], mask[1]]);
    let ip: IpAddr = match family {
        FAMILY_V4 => {
            let &bytes = address.first_chunk::<4>()?;
            let key = u32::from_be_bytes([mask[0], mask[1], mask[2], mask[3]]);
            Ipv4Addr::from(u32::from_be_bytes(bytes) ^ key).into()
        }
        FAMILY_V6 => {
            let &bytes = address.first_chunk::<16>()?;
            Ipv6Addr::from(u128::from_be_bytes(bytes) ^ u128::from_be_bytes(*mask)).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}
