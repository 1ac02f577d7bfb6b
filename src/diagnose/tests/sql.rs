//! Cases of the rules about SQL Server.

use super::{Case, later};
use crate::correlate::Transport;
use crate::decode::TcpSignKind;
use crate::view::scenario::Scenario;
use crate::view::scenario::sql::answer;

const ASK: &str = "192.0.2.1:3000>192.0.2.9:1434";
const TELL: &str = "192.0.2.9:1434>192.0.2.1:3000";
const CONNECT: &str = "192.0.2.1:4000>192.0.2.9:1501";
const CONNECTED: &str = "192.0.2.9:1501>192.0.2.1:4000";

/// Asks for the instance RTC; the answers; then the capture goes on.
fn asked(answers: &[&[u8]]) -> Scenario {
    let mut s = Scenario::default();
    s.sqlr(0, ASK, b"\x04RTC\0");
    for (ms, bytes) in (0..).zip(answers) {
        s.sqlr(5 + ms, TELL, bytes);
    }
    later(&mut s, 60_000);
    s
}

fn answered_after(ms: i64) -> Scenario {
    let mut s = Scenario::default();
    s.sqlr(0, ASK, b"\x04RTC\0");
    s.sqlr(ms, TELL, &answer("RTC", Some(1501)));
    later(&mut s, 60_000);
    s
}

/// It is answered with port 1501, and a SYN goes there.
fn connecting(then: &[(i64, TcpSignKind)]) -> Scenario {
    let mut s = asked(&[&answer("RTC", Some(1501))]);
    s.tcp(10, CONNECT, TcpSignKind::Syn);
    for &(ms, kind) in then {
        let path = if kind == TcpSignKind::Syn { CONNECT } else { CONNECTED };
        s.tcp(ms, path, kind);
    }
    s
}

fn fine() -> Scenario {
    connecting(&[(11, TcpSignKind::SynAck)])
}

/// The server lists GC and TMX to somebody else.
fn listed(name: &str) -> Scenario {
    let mut s = asked(&[]);
    s.sqlr(2000, "192.0.2.2:3000>192.0.2.9:1434", b"\x03");
    s.sqlr(2005, "192.0.2.9:1434>192.0.2.2:3000", &answer(name, Some(1502)));
    s
}

/// The instance has a named pipe only, and its client opens SMB.
fn piped(answered: TcpSignKind) -> Scenario {
    let np = r"ServerName;A;InstanceName;RTC;IsClustered;No;Version;9.00;np;\\A\pipe\MSSQL$RTC\sql\query;;";
    let mut s = asked(&[&[&[5, np.len() as u8, 0][..], np.as_bytes()].concat()]);
    s.tcp(10, "192.0.2.1:4000>192.0.2.9:445", TcpSignKind::Syn);
    s.tcp(11, "192.0.2.9:445>192.0.2.1:4000", answered);
    s
}

/// A connection to the default instance, then one to the port of the answer.
fn elsewhere(then: bool) -> Scenario {
    let mut s = asked(&[&answer("RTC", Some(1501))]);
    s.tcp(10, "192.0.2.1:3999>192.0.2.9:1433", TcpSignKind::Syn);
    s.tcp(11, "192.0.2.9:1433>192.0.2.1:3999", TcpSignKind::SynAck);
    if then {
        s.tcp(12, CONNECT, TcpSignKind::Syn);
        s.tcp(13, CONNECTED, TcpSignKind::SynAck);
    }
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "sql-silent",
        fires: || asked(&[]),
        says: "SQL Server Browser does not answer",
        misses: || asked(&[&answer("RTC", Some(1501))]),
    },
    Case {
        rule: "sql-unreachable",
        fires: || {
            let mut s = asked(&[]);
            s.sql_unreachable(5, ASK, Transport::Udp);
            s
        },
        says: "ICMP port unreachable",
        misses: || asked(&[]),
    },
    Case {
        rule: "sql-instance-missing",
        fires: || listed("GC"),
        says: "not in the server's list",
        misses: || listed("RTC"),
    },
    Case {
        rule: "sql-no-tcp",
        fires: || asked(&[&answer("RTC", None)]),
        says: "no tcp",
        misses: || asked(&[&answer("RTC", Some(1501))]),
    },
    Case {
        rule: "sql-no-tcp",
        // Its file shares are closed.
        fires: || piped(TcpSignKind::Reset),
        says: "no tcp",
        // The client takes the named pipe.
        misses: || piped(TcpSignKind::SynAck),
    },
    Case {
        rule: "sql-answer-too-long",
        fires: || Scenario::sample("sql_odd.pcap"),
        says: "60: INST0",
        misses: || Scenario::sample("sql.pcap"),
    },
    Case {
        rule: "sql-malformed",
        fires: || asked(&[&[&answer("RTC", Some(1501))[..], &[0, 0, 7]].concat()]),
        says: "malformed",
        misses: fine,
    },
    Case {
        rule: "sql-port-refused",
        fires: || connecting(&[(11, TcpSignKind::Reset)]),
        says: "1501 refused (RST)",
        misses: fine,
    },
    Case {
        rule: "sql-port-filtered",
        fires: || connecting(&[(3010, TcpSignKind::Syn), (9010, TcpSignKind::Syn)]),
        says: "no answer to SYN",
        // The second one came through.
        misses: || connecting(&[(3010, TcpSignKind::Syn), (3011, TcpSignKind::SynAck)]),
    },
    Case {
        rule: "sql-port-prohibited",
        fires: || {
            let mut s = connecting(&[]);
            s.sql_unreachable(12, CONNECT, Transport::Tcp);
            s
        },
        says: "ICMP",
        misses: || connecting(&[(11, TcpSignKind::Reset)]),
    },
    Case {
        rule: "sql-instance-mismatch",
        fires: || Scenario::sample("sql.pcap"),
        says: "another instance",
        misses: fine,
    },
    Case {
        rule: "sql-encryption",
        fires: || Scenario::sample("sql.pcap"),
        says: "no agreement",
        misses: fine,
    },
    Case {
        rule: "sql-login-failed",
        fires: || Scenario::sample("sql.pcap"),
        says: "18456",
        misses: || Scenario::sample("sql_odd.pcap"),
    },
    Case {
        rule: "sql-slow",
        fires: || answered_after(1_000),
        says: "took 1.00 s",
        misses: || answered_after(999),
    },
    Case {
        rule: "sql-dynamic-port",
        fires: || asked(&[&answer("RTC", Some(1501)), &answer("RTC", Some(1502))]),
        says: "1501, then 1502",
        misses: || asked(&[&answer("RTC", Some(1501)), &answer("RTC", Some(1501))]),
    },
    Case {
        rule: "sql-other-port",
        fires: || {
            let mut s = asked(&[&answer("RTC", Some(1501))]);
            s.tcp(10, "192.0.2.1:4000>192.0.2.9:1433", TcpSignKind::Syn);
            s.tcp(11, "192.0.2.9:1433>192.0.2.1:4000", TcpSignKind::SynAck);
            s
        },
        says: "1433",
        misses: fine,
    },
    Case {
        rule: "sql-other-port",
        fires: || elsewhere(false),
        says: "the answer says 1501, the connection goes to 1433",
        // It goes where the answer says, too.
        misses: || elsewhere(true),
    },
    Case {
        rule: "sql-attack",
        fires: || {
            let mut s = Scenario::default();
            for n in 0..120 {
                s.sqlr(n * 10, &format!("203.0.113.5:{}>192.0.2.9:1434", 1024 + n), b"\x03");
            }
            s
        },
        says: "amplification",
        // As many questions in a minute are a client that is eager.
        misses: || {
            let mut s = Scenario::default();
            for n in 0..120 {
                s.sqlr(n * 500, ASK, b"\x03");
            }
            s
        },
    },
];
