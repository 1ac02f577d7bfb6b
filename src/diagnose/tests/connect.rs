//! Cases of the rules about connections that do not open.

use super::{Case, later};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::Transport;
use crate::decode::{Breakage, BreakageKind, TcpSignKind};
use crate::view::scenario::{START, Scenario, request, response};

const THERE: &str = "10.0.0.90:4000>10.0.0.9:5061";
const BACK: &str = "10.0.0.9:5061>10.0.0.90:4000";

/// Segments of a client; then the capture goes on.
fn attempt(segments: &[(i64, &str, TcpSignKind)]) -> Scenario {
    let mut s = Scenario::default();
    segments.iter().for_each(|(ms, path, kind)| s.tcp(*ms, path, *kind));
    later(&mut s, 60_000);
    s
}

fn prohibited() -> Scenario {
    let mut s = attempt(&[(0, THERE, TcpSignKind::Syn)]);
    let (src, dst) = ("10.0.0.90:4000".parse().unwrap(), "10.0.0.9:5061".parse().unwrap());
    s.analysis.add_breakage(&Breakage {
        src,
        dst,
        transport: Transport::Tcp,
        kind: BreakageKind::Icmp { v6: false, kind: 3, code: 13 },
        by: "10.0.0.1".parse().unwrap(),
        frame: FrameRef { capture: CaptureId(0), frame: 9 },
        time: START + 5_000_000,
        branch: 0,
    });
    s
}

/// The client of port 4000 speaks SIP over that connection, of which only what it sends is captured.
fn carries_sip() -> Scenario {
    let mut s = attempt(&[(0, THERE, TcpSignKind::Syn), (1_000, THERE, TcpSignKind::Syn)]);
    s.add_over(1_100, THERE, Transport::Tcp, &request("OPTIONS", 1).id("over").via(&["A o1"]));
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "connection-refused",
        fires: || attempt(&[(0, THERE, TcpSignKind::Syn), (1, BACK, TcpSignKind::Reset)]),
        says: "no SIP connection to 10.0.0.9:5061: refused (RST)",
        // A later attempt opened.
        misses: || {
            attempt(&[
                (0, THERE, TcpSignKind::Syn),
                (1, BACK, TcpSignKind::Reset),
                (1_000, "10.0.0.90:4001>10.0.0.9:5061", TcpSignKind::Syn),
                (1_001, "10.0.0.9:5061>10.0.0.90:4001", TcpSignKind::SynAck),
            ])
        },
    },
    Case {
        rule: "connection-refused",
        fires: prohibited,
        says: "ICMP",
        // It was open when it was reset.
        misses: || {
            attempt(&[
                (0, THERE, TcpSignKind::Syn),
                (1, BACK, TcpSignKind::SynAck),
                (900, BACK, TcpSignKind::Reset),
            ])
        },
    },
    Case {
        rule: "connection-unanswered",
        fires: || attempt(&[(0, THERE, TcpSignKind::Syn), (1_000, THERE, TcpSignKind::Syn)]),
        says: "the SYN gets no answer",
        // One SYN alone: the capture may lack the rest.
        misses: || attempt(&[(0, THERE, TcpSignKind::Syn)]),
    },
    Case {
        rule: "connection-unanswered",
        fires: || attempt(&[0, 1_000, 3_000].map(|ms| (ms, THERE, TcpSignKind::Syn))),
        says: "1 attempt (3 SYNs) to open a connection to 10.0.0.9:5061 within 3.00 s",
        misses: || attempt(&[(0, THERE, TcpSignKind::Syn)]),
    },
    Case {
        rule: "connection-unanswered",
        fires: || {
            let relay = "10.0.0.90:4000>10.0.0.9:3478";
            attempt(&[(0, relay, TcpSignKind::Syn), (1_000, relay, TcpSignKind::Syn)])
        },
        says: "no relay connection to 10.0.0.9:3478",
        misses: carries_sip,
    },
];

#[test]
fn who_gets_through_elsewhere_lacks_nothing_and_a_scan_is_no_fault() {
    let severity = |s: Scenario| {
        let found = crate::diagnose::diagnose(&s.done()).findings;
        found
            .iter()
            .find(|f| f.rule.id == "connection-refused")
            .map(|f| f.severity.name())
            .unwrap_or_default()
    };
    let refused = || attempt(&[(0, THERE, TcpSignKind::Syn), (1, BACK, TcpSignKind::Reset)]);
    assert_eq!(severity(refused()), "error");
    let mut s = refused();
    let there = "10.0.0.90:5060>10.0.0.8:5060";
    s.add(2_000, there, &request("OPTIONS", 1).id("well").via(&["A o1"]));
    s.add(
        2_010,
        "10.0.0.8:5060>10.0.0.90:5060",
        &response("200 OK", 1, "OPTIONS").id("well").tag("w").via(&["A o1"]),
    );
    assert_eq!(severity(s), "info");
    let mut s = refused();
    for n in 10..20 {
        let (there, back) =
            (format!("10.0.0.90:4000>10.0.1.{n}:5060"), format!("10.0.1.{n}:5060>10.0.0.90:4000"));
        s.tcp(100 * n, &there, TcpSignKind::Syn);
        s.tcp(100 * n + 1, &back, TcpSignKind::Reset);
    }
    assert_eq!(severity(s), "info");
}

#[test]
fn a_relay_that_is_closed_to_tcp_explains_the_missing_path() {
    let mut s =
        super::ice::no_relays(&["1 1 UDP 2130706431 192.168.7.66 5000 typ host"], super::ice::STRAIGHT);
    s.tcp(50, "10.0.0.65:4100>203.0.113.9:3478", TcpSignKind::Syn);
    s.tcp(51, "203.0.113.9:3478>10.0.0.65:4100", TcpSignKind::Reset);
    let found = crate::diagnose::diagnose(&s.done());
    let told: Vec<_> =
        found.findings.iter().map(|f| (f.rule.id, f.severity.name(), f.explained_by)).collect();
    let wanted = [
        ("connection-refused", "error", None),
        ("ice-no-relay", "error", Some(0)),
        ("ice-no-pair", "error", Some(1)),
        ("media-none", "error", Some(2)),
    ];
    assert_eq!(told, wanted);
}
