//! How many of each kind.

use std::collections::HashMap;

use crate::correlate::{Analysis, MethodId};
use crate::view::show;

pub(super) fn statistics(analysis: &Analysis) -> Vec<super::CountGroup> {
    let sip = &analysis.sip;
    let mut requests: Vec<(String, u64)> = sip
        .requests
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(i, n)| (show::safe(analysis.method(MethodId(i as u16)).as_bytes()), *n))
        .collect();
    requests.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let responses = sip.responses.iter().map(|(code, n)| (code.to_string(), *n)).collect();
    let mut states: HashMap<&'static str, u64> = HashMap::new();
    for call in &analysis.calls {
        *states.entry(call.summary.state.name()).or_default() += 1;
    }
    let mut states: Vec<(String, u64)> = states.into_iter().map(|(s, n)| (s.replace('_', " "), n)).collect();
    states.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let told = analysis.diagnostic_tally().rows;
    let told = told.iter().map(|(d, n)| (show::shorten(&show::diagnostic(d), 60), *n)).collect();
    let other = &analysis.other;
    let rest = vec![
        ("SIP messages".to_owned(), sip.messages),
        ("retransmitted".to_owned(), sip.retransmissions),
        ("captured twice".to_owned(), sip.duplicates),
        ("malformed".to_owned(), sip.malformed),
        ("STUN messages".to_owned(), analysis.stun.statistics.messages),
        ("RTP packets".to_owned(), analysis.rtp_packets()),
        ("RTCP packets".to_owned(), analysis.rtcp_packets()),
        ("fax packets (T.38)".to_owned(), analysis.fax_packets()),
        ("TLS sessions".to_owned(), other.tls_sessions),
        ("WebSocket sessions".to_owned(), other.websocket_sessions),
    ];
    vec![
        ("Requests".to_owned(), requests),
        ("Responses".to_owned(), responses),
        ("Calls".to_owned(), states),
        ("Diagnostics (calls and dialogs)".to_owned(), told),
        ("Traffic".to_owned(), rest),
    ]
}
