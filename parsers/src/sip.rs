//! SIP messages (RFC 3261, RFC 3581, RFC 7118) as they are on the wire.
//!
//! Two depths: [`scan()`] gives in one pass and without allocation what correlation needs of a message,
//! [`parse_message`] gives every header in order with its raw spelling, typed on demand, and all issues.

//!
//! The typed values of headers are parsed on demand, each by the function of its file: bytes of the message and the
//! range of the value in, value and issues out, all ranges counting from the beginning of the message.

pub mod auth;
pub mod cause;
pub mod cseq;
pub mod defect;
pub mod diagnostics;
pub mod dialog;
pub mod message;
pub mod name_addr;
pub mod param;
pub mod routing;
pub mod scan;
mod start;
mod status;
pub mod stream;
pub(crate) mod syntax;
pub mod uri;
pub mod via;

pub use message::{Header, Message, StartLine, canonical_name, parse_message};
pub use scan::{BodyPlace, NameAddrScan, Scan, body_place, scan};
pub use status::reason_phrase;
pub use stream::{Framing, find_next_start, find_start, first_line, frame_message, looks_like_sip};
