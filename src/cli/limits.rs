//! `--limits NAME=VALUE` and the `[limits]` table: every field of [`Limits`] by its name.

use super::nearest::nearest;
use crate::limits::Limits;
use crate::view::show::wrap_words;

/// Columns of the list of limits, which the help does not wrap by itself.
const HELP_WIDTH: usize = 80;

macro_rules! table {
    ($($name:ident: $text:literal,)*) => {
        /// Name and meaning of every limit.
        pub(super) const TABLE: &[(&str, &str)] = &[$((stringify!($name), $text)),*];

        /// Sets a limit by name.
        pub(super) fn set(limits: &mut Limits, name: &str, value: u64) -> Result<(), String> {
            let wide = i128::from(value);
            match name {
                $(stringify!($name) => {
                    limits.$name = wide
                        .try_into()
                        .map_err(|_| format!("limit `{name}` cannot be {value}"))?;
                })*
                _ => return Err(unknown(name)),
            }
            Ok(())
        }

        #[cfg(test)]
        fn get(limits: &Limits, name: &str) -> Option<i128> {
            match name {
                $(stringify!($name) => i128::try_from(limits.$name).ok(),)*
                _ => None,
            }
        }
    };
}

table! {
    frame_bytes: "longest frame accepted from a capture",
    block_bytes: "largest pcapng block accepted",
    damaged_places: "damaged places of a capture that are searched for where it goes on",
    interfaces: "most interfaces of one capture",
    spill_bytes: "most bytes a compressed or piped capture may spill to a temporary file",
    inflate_ratio: "decompressed bytes per compressed byte beyond which a stream counts as a bomb",
    pending_fragments: "IP fragments kept that wait for the rest",
    pending_fragment_bytes: "bytes of those fragments",
    fragment_seconds: "seconds after which an incomplete datagram is given up",
    tcp_connections: "TCP connections followed at once",
    tcp_gap_bytes: "bytes held behind a gap of one TCP direction",
    tcp_gap_bytes_total: "bytes held behind gaps over all connections",
    stream_bytes_total: "bytes of messages not yet whole over all streams",
    message_bytes: "longest message assembled from a stream",
    header_bytes: "longest header section of a message in a stream",
    arena_bytes: "bytes of reassembled messages kept in memory before they spill to a file",
    sip_messages: "SIP messages kept",
    transport_errors: "ICMP errors and lost connections kept as signs why a call failed",
    dialogs: "calls and dialogs kept",
    stun_messages: "STUN and TURN messages kept",
    turn_allocations: "TURN allocations told apart",
    turn_peers: "peers kept of one TURN allocation",
    check_groups: "pairs of names whose connectivity checks are joined to ICE sessions",
    ice_candidates: "candidates read of one session description",
    ice_pairs: "candidate pairs of one ICE session",
    ice_checks: "messages of checks looked at for one ICE session",
    media_streams: "RTP streams told apart",
    doubtful_streams: "sources with too few packets to tell whether they are RTP",
    media_buckets: "parts of one RTP stream's time for which figures are kept",
    rtcp_reports: "sources that RTCP speaks of",
    audio_seconds: "seconds of audio of one stream that are written to a file",
    sqlr_messages: "questions for SQL Server instances and answers kept",
    sql_connections: "connections to SQL Server told apart",
    conferences: "conferences told apart",
    conference_commands: "commands of conference control kept",
    roster_changes: "changes of conference rosters kept",
    roster_users: "users kept of the roster of one conference",
    diagnostic_messages: "messages that say why something failed which are counted by what they say",
    diagnostic_kinds: "different things they say that are counted",
    alias_messages: "messages read for names of users (telephone numbers, endpoint ids)",
    alias_users: "users whose names are learned",
    alias_names: "names learned of one user",
    dns_lookups: "DNS look-ups kept",
    dns_records: "records kept of one DNS answer",
    findings: "findings of different kinds",
    finding_evidence: "frames named as evidence of one finding",
    finding_reads: "calls, ICE sessions or messages that one rule reads again to say more of them",
    report_calls: "calls that a report tells in full, the worst first, and as many other dialogs and rows of each list",
    report_rows: "rows of a table in a report",
    report_messages: "messages of a call or dialog in a report, and rows of a ladder",
    report_frames: "frames that a report decodes because something leads there",
    report_bytes: "bytes of a report beyond which texts of messages and ladders are left out",
    methods: "different method names told apart",
    encapsulation_depth: "tunnels inside tunnels",
    issues: "issues kept with text for one capture",
    names: "host names kept",
    flows: "flows (source, destination, transport) told apart",
    tls_sessions: "TLS sessions kept",
}

fn unknown(name: &str) -> String {
    match nearest(name, TABLE.iter().map(|(n, _)| *n)) {
        Some(near) => format!("unknown limit `{name}` (did you mean `{near}`?)"),
        None => format!("unknown limit `{name}` (`callscope --help` lists them)"),
    }
}

/// `NAME=VALUE`, where a value may end in k, M or G (of 1024).
pub(super) fn parse(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, e.g. sip_messages=1000000")?;
    let (name, value) = (name.trim().replace('-', "_"), value.trim());
    set(&mut Limits::default(), &name, 1)
        .or_else(|e| if e.starts_with("unknown") { Err(e) } else { Ok(()) })?;
    Ok((name, number(value)?))
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..).unwrap_or_default().to_ascii_lowercase().as_str() {
        "" => 1u64,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        other => return Err(format!("unknown unit `{other}` (k, M or G)")),
    };
    let value: u64 = digits.replace('_', "").parse().map_err(|_| format!("`{text}` is not a number"))?;
    value.checked_mul(unit).ok_or_else(|| format!("`{text}` is too large"))
}

/// Every name and its meaning, for the end of the help.
pub(super) fn list() -> String {
    let mut out = String::from("Limits (--limits NAME=VALUE):");
    for (name, text) in TABLE {
        for (i, piece) in wrap_words(&format!("{name}: {text}"), HELP_WIDTH - 6).into_iter().enumerate() {
            out.push_str(if i == 0 { "\n  " } else { "\n      " });
            out.push_str(&piece);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_name() {
        let debug = format!("{:?}", Limits::default());
        let fields: Vec<&str> =
            debug.split([' ', '{', '}', ',']).filter_map(|w| w.strip_suffix(':')).collect();
        assert!(fields.len() > 15);
        for field in &fields {
            assert!(TABLE.iter().any(|(n, _)| n == field), "limit `{field}` cannot be set by name");
        }
        assert_eq!(fields.len(), TABLE.len());
    }

    #[test]
    fn sets_by_name_and_refuses_what_is_out_of_range() {
        let mut limits = Limits::default();
        for (name, _) in TABLE {
            set(&mut limits, name, 7).expect("sets");
            assert_eq!(get(&limits, name), Some(7));
        }
        assert!(set(&mut limits, "encapsulation_depth", 256).is_err());
        assert_eq!(parse("sip-messages = 2k"), Ok(("sip_messages".to_owned(), 2048)));
        assert_eq!(
            parse("sip_mesages=1").unwrap_err(),
            "unknown limit `sip_mesages` (did you mean `sip_messages`?)"
        );
        assert!(parse("flows=many").is_err());
        assert!(parse("flows").is_err());
    }
}
