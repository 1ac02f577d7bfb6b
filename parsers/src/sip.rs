//! SIP messages (RFC 3261, RFC 3581, RFC 7118) as they are on the wire.
//!
//! Two depths: [`scan()`] gives in one pass and without allocation what correlation needs of a message,
//! [`parse_message`] gives every header in order with its raw spelling, typed on demand, and all issues.

pub mod scan;

pub use scan::{NameAddrScan, Scan, scan};
