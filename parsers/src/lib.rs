//! Pure parsers for the protocols callscope reads: bytes in, typed messages and issues out.
//!
//! Nothing here opens a file, reads a clock, logs or panics on input. A parser never fails on a message it
//! has recognised: it gives what is readable plus [`Issue`]s, each with the byte range it speaks of.

mod big_endian;
pub mod c3p;
pub mod conference_info;
pub mod csta;
pub mod dns;
pub mod dtls;
pub mod fields;
#[doc(hidden)]
pub mod fuzzing;
pub mod im;
pub mod issue;
pub mod keyed;
pub mod mime;
pub mod mras;
pub mod ntlm;
pub mod presence;
pub mod probe;
pub mod provisioning;
pub mod rlmi;
pub mod roaming;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod sip;
pub mod sqlr;
pub mod stun;
pub mod tds;
pub mod tls;
pub mod udptl;
mod utf16;
pub mod websocket;
pub mod xml;
pub mod zrtp;

pub use issue::Issue;
