//! SIP messages (RFC 3261, RFC 3581, RFC 7118) as they are on the wire.
//!
//! Two depths: [`scan()`] gives in one pass and without allocation what correlation needs of a message,
//! [`parse_message`] gives every header in order with its raw spelling, typed on demand, and all issues.

pub mod message;
pub mod scan;
mod start;
pub mod stream;
mod syntax;

pub use message::{Header, Message, StartLine, canonical_name, parse_message};
pub use scan::{NameAddrScan, Scan, scan};
pub use stream::{Framing, find_next_start, find_start, frame_message, looks_like_sip};
