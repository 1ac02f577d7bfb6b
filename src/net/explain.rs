//! Every header field of a frame below the application, with its bytes: for the decode tree.

use std::ops::Range;

use crate::capture::LinkType;
use crate::limits::Limits;

/// A header field. `range` counts from the start of the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub value: String,
    pub range: Range<usize>,
}

/// One layer, e.g. `Ethernet II`, `802.1Q VLAN`, `IPv4`, `UDP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub name: &'static str,
    pub range: Range<usize>,
    pub fields: Vec<Field>,
    /// What is wrong or unusual: cut by snaplen, bad length …
    pub remark: Option<String>,
}

/// All layers of a frame down to the transport, and the range of the transport payload (if any).
pub fn explain_frame(
    link: LinkType,
    frame: &[u8],
    origlen: u32,
    limits: &Limits,
) -> (Vec<Layer>, Option<Range<usize>>) {
    let _ = (link, frame, origlen, limits);
    (Vec::new(), None)
}
