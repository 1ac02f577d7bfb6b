//! Every cap that input can hit, by name.

/// Caps on what one analysis keeps. Each that is hit becomes an issue the user sees.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest frame accepted from a capture file, bytes.
    pub frame_bytes: u32,
    /// Largest pcapng block accepted, bytes.
    pub block_bytes: u32,
    /// Most interfaces of one capture.
    pub interfaces: u32,
    /// Most damaged places in a capture behind which reading goes on.
    pub damaged_places: u32,
    /// Most bytes that a compressed or piped capture may spill to a temporary file.
    pub spill_bytes: u64,
    /// Decompressed bytes per compressed byte beyond which a stream counts as a bomb (after the first 16 MiB).
    pub inflate_ratio: u64,
    /// IP fragments kept that wait for the rest of their datagram.
    pub pending_fragments: usize,
    /// Bytes of those fragments.
    pub pending_fragment_bytes: usize,
    /// Seconds after which an incomplete datagram is given up.
    pub fragment_seconds: i64,
    /// TCP connections followed at once.
    pub tcp_connections: usize,
    /// Bytes held for one direction of a connection while a gap may still be filled.
    pub tcp_gap_bytes: usize,
    /// Bytes held for gaps over all connections.
    pub tcp_gap_bytes_total: usize,
    /// Bytes of messages that are not whole yet, over all streams.
    pub stream_bytes_total: usize,
    /// Longest message assembled from a stream, bytes.
    pub message_bytes: usize,
    /// Longest header section of a message in a stream, bytes.
    pub header_bytes: usize,
    /// Bytes of reassembled messages kept in memory before they spill to a temporary file.
    pub arena_bytes: usize,
    /// SIP messages kept.
    pub sip_messages: usize,
    /// ICMP errors and lost connections kept as signs why a call failed.
    pub transport_errors: usize,
    /// Calls and dialogs kept.
    pub dialogs: usize,
    /// TLS sessions kept with their details.
    pub tls_sessions: usize,
    /// STUN and TURN messages kept.
    pub stun_messages: usize,
    /// TURN allocations told apart.
    pub turn_allocations: usize,
    /// Peers kept of one allocation.
    pub turn_peers: usize,
    /// Pairs of names whose connectivity checks are joined to sessions.
    pub check_groups: usize,
    /// Candidates read of one description.
    pub ice_candidates: usize,
    /// Pairs of one ICE session.
    pub ice_pairs: usize,
    /// Messages of checks looked at for one ICE session.
    pub ice_checks: usize,
    /// RTP streams told apart.
    pub media_streams: usize,
    /// Sources kept of which too few packets came to tell whether they are RTP.
    pub doubtful_streams: usize,
    /// Parts of one stream's time for which figures are kept; 64 each where there are very many streams.
    pub media_buckets: usize,
    /// Sources that RTCP speaks of.
    pub rtcp_reports: usize,
    /// Seconds of audio of one stream that are written to a file.
    pub audio_seconds: u64,
    /// Questions for SQL Server instances and their answers kept.
    pub sqlr_messages: usize,
    /// Connections to SQL Server told apart.
    pub sql_connections: usize,
    /// Conferences told apart.
    pub conferences: usize,
    /// Commands of conference control kept.
    pub conference_commands: usize,
    /// Changes of conference rosters kept.
    pub roster_changes: usize,
    /// Users kept of the roster of one conference.
    pub roster_users: usize,
    /// Messages that say why something failed (`ms-diagnostics`, `Warning`, `Reason`) which are counted by what they say.
    pub diagnostic_messages: usize,
    /// Different things they say that are counted.
    pub diagnostic_kinds: usize,
    /// Messages that are read for names of users: telephone numbers, endpoint ids.
    pub alias_messages: usize,
    /// Users whose names are learned.
    pub alias_users: usize,
    /// Names learned of one user.
    pub alias_names: usize,
    /// DNS look-ups kept.
    pub dns_lookups: usize,
    /// Records kept of one DNS answer.
    pub dns_records: usize,
    /// Findings of different kinds; alike ones of many calls are one.
    pub findings: usize,
    /// Frames named as evidence of one finding.
    pub finding_evidence: usize,
    /// Calls (ICE sessions, messages) that one rule reads again to say more of them.
    pub finding_reads: usize,
    /// Calls of a report that are told in full, the worst first, and as many other dialogs and rows of each list.
    pub report_calls: usize,
    /// Rows of a table in a report.
    pub report_rows: usize,
    /// Messages of a call or dialog in a report, and rows of a ladder.
    pub report_messages: usize,
    /// Frames that a report decodes because something leads there.
    pub report_frames: usize,
    /// Bytes of a report beyond which texts of messages and ladders are left out.
    pub report_bytes: u64,
    /// Different method names told apart.
    pub methods: usize,
    /// Tunnels inside tunnels.
    pub encapsulation_depth: u8,
    /// Issues kept with text for one capture; more are only counted.
    pub issues: usize,
    /// Host names kept.
    pub names: usize,
    /// Flows (source, destination, transport) told apart.
    pub flows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 16 << 20,
            block_bytes: 64 << 20,
            interfaces: 65_535,
            damaged_places: 10_000,
            spill_bytes: 64 << 30,
            inflate_ratio: 1200,
            pending_fragments: 8_192,
            pending_fragment_bytes: 64 << 20,
            fragment_seconds: 30,
            tcp_connections: 200_000,
            tcp_gap_bytes: 1 << 20,
            tcp_gap_bytes_total: 256 << 20,
            stream_bytes_total: 256 << 20,
            message_bytes: 16 << 20,
            header_bytes: 1 << 20,
            arena_bytes: 64 << 20,
            sip_messages: 20_000_000,
            transport_errors: 100_000,
            dialogs: 4_000_000,
            tls_sessions: 100_000,
            stun_messages: 20_000_000,
            turn_allocations: 1_000_000,
            turn_peers: 1_024,
            check_groups: 4_000_000,
            ice_candidates: 1_000,
            ice_pairs: 10_000,
            ice_checks: 1_000_000,
            media_streams: 500_000,
            doubtful_streams: 200_000,
            media_buckets: 256,
            rtcp_reports: 500_000,
            audio_seconds: 24 * 3600,
            sqlr_messages: 1_000_000,
            sql_connections: 200_000,
            conferences: 20_000,
            conference_commands: 200_000,
            roster_changes: 500_000,
            roster_users: 10_000,
            diagnostic_messages: 20_000,
            diagnostic_kinds: 1_000,
            alias_messages: 200_000,
            alias_users: 100_000,
            alias_names: 64,
            dns_lookups: 1_000_000,
            dns_records: 64,
            findings: 1_000,
            finding_evidence: 24,
            finding_reads: 2_000,
            report_calls: 100,
            report_rows: 2_000,
            report_messages: 500,
            report_frames: 500,
            report_bytes: 32 << 20,
            methods: 4_096,
            encapsulation_depth: 8,
            issues: 1_000,
            names: 100_000,
            flows: 4_000_000,
        }
    }
}
