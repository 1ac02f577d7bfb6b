//! Cases of the rules about sign-ins and DNS.

use callscope_parsers::sip::auth::AuthScheme;

use super::{Case, Severity, diagnose, later};
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::Transport;
use crate::decode::DecodedDns;
use crate::view::scenario::sign_in::{Client, SECRET, USER};
use crate::view::scenario::{Msg, START, Scenario, request, response};

const WHO: &str = "<sip:alice@example.com>";

fn register(n: u32) -> Msg {
    let branch = format!("A r{n}");
    request("REGISTER", n).between(&format!("{WHO};tag=a"), WHO).via(&[&branch]).header("Expires: 3600")
}

fn answer(status: &str, n: u32) -> Msg {
    let branch = format!("A r{n}");
    response(status, n, "REGISTER").between(&format!("{WHO};tag=a"), WHO).tag("s").via(&[&branch])
}

/// REGISTERs, each answered; from the second one on with credentials.
fn signing_in(answers: &[&str], until: i64) -> Scenario {
    let mut s = Scenario::default();
    for (n, status) in (1u32..).zip(answers) {
        let credentials = "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"1\", \
                           uri=\"sip:example.com\", response=\"00000000000000000000000000000000\"";
        let asked = if n > 1 { register(n).header(credentials) } else { register(n) };
        let challenge = "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"1\"";
        let at = i64::from(n) * 100;
        s.add(at, "A>B", &asked);
        let told = answer(status, n);
        let told = if status.starts_with("401") { told.header(challenge) } else { told };
        let told = if status.starts_with("301") { told.header("Contact: <sip:10.0.0.67>") } else { told };
        s.add(at + 20, "B>A", &told);
    }
    later(&mut s, until);
    s
}

fn unanswered(until: i64) -> Scenario {
    let mut s = Scenario::default();
    for ms in [0, 500, 1500] {
        s.add(ms, "A>B", &register(1));
    }
    later(&mut s, until);
    s
}

/// Who signs in asks for `_sip._tls.example.com`, and nobody answers.
fn silent_dns(registers: bool) -> Scenario {
    let mut s = Scenario::default();
    let name = b"\x04_sip\x04_tls\x07example\x03com\x00";
    let query = [&[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &name[..], &[0, 33, 0, 1]].concat();
    for n in 0..3u32 {
        let m = DecodedDns {
            message: &query,
            frame: FrameRef { capture: CaptureId(0), frame: n + 1 },
            time: START + i64::from(n) * 1_000_000_000,
            src: "10.0.0.65:50000".parse().unwrap(),
            dst: "10.0.0.53:53".parse().unwrap(),
            transport: Transport::Udp,
            duplicate: false,
            cut: false,
        };
        assert!(s.analysis.add_dns(&m));
    }
    if registers {
        s.add(4000, "A>B", &register(1));
        s.add(4020, "B>A", &answer("200 OK", 1));
    }
    later(&mut s, 60_000);
    s
}

fn ended(content_type: &str) -> Scenario {
    let mut s = signing_in(&["200 OK"], 60_000);
    let from = "<sip:alice@example.com>;tag=s";
    let told = request("BENOTIFY", 1).between(from, &format!("{WHO};tag=a")).via(&["B n1"]);
    s.add(5_000, "B>A", &told.body(content_type, "event=deregistered;reason=unknown"));
    s
}

/// A client signs in and asks for credentials for media relays.
fn relay_credentials(given: Option<(&str, &str, u32)>) -> Scenario {
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, given);
    later(&mut c.s, 60_000);
    c.s
}

const CHALLENGE: &str = "401 Unauthorized";

pub const CASES: &[Case] = &[
    Case { rule: "dns-silent", fires: || silent_dns(false), says: "no answer", misses: || silent_dns(true) },
    Case {
        rule: "dns-not-found",
        fires: || Scenario::sample("sign_ins.pcap"),
        says: "NXDOMAIN",
        misses: || silent_dns(false),
    },
    // TLS went to a server that was not asked for, and names were asked for with another domain behind them.
    Case {
        rule: "dns-not-found",
        fires: || Scenario::sample("sign_ins.pcap"),
        says: "SRV _sip._tls.contoso.com: NXDOMAIN",
        misses: || Scenario::sample("near_sign_in.pcap"),
    },
    Case {
        rule: "dns-silent",
        fires: || Scenario::sample("rules_sign_in.pcap"),
        says: "SRV _sip._tls.contoso.com, asked of 10.10.9.54: no answer",
        misses: || Scenario::sample("near_sign_in.pcap"),
    },
    Case {
        rule: "sign-in-unanswered",
        fires: || unanswered(60_000),
        says: "stopped at REGISTER",
        misses: || unanswered(20_000),
    },
    Case {
        rule: "sign-in-credentials",
        fires: || signing_in(&[CHALLENGE, CHALLENGE], 60_000),
        says: "The challenge is for the realm example.com",
        misses: || signing_in(&[CHALLENGE, "200 OK"], 60_000),
    },
    Case {
        rule: "sign-in-no-credentials",
        fires: || signing_in(&[CHALLENGE], 60_000),
        says: "no credentials followed",
        misses: || signing_in(&[CHALLENGE, CHALLENGE], 60_000),
    },
    Case {
        rule: "sign-in-not-followed",
        fires: || signing_in(&["301 Moved Permanently"], 60_000),
        says: "sent to sip:10.0.0.67",
        misses: || {
            let mut s = signing_in(&["301 Moved Permanently"], 60_000);
            let again = request("REGISTER", 2).id("two").between(&format!("{WHO};tag=a"), WHO);
            s.add(300, "A>C", &again.via(&["A q1"]).header("Expires: 3600"));
            let granted = response("200 OK", 2, "REGISTER").id("two").between(&format!("{WHO};tag=a"), WHO);
            s.add(320, "C>A", &granted.tag("c").via(&["A q1"]));
            s
        },
    },
    // It went there, encrypted.
    Case {
        rule: "sign-in-not-followed",
        fires: || Scenario::sample("rules_sign_in.pcap"),
        says: "sent to sip:10.10.0.67:5061;transport=tls, and no REGISTER went there",
        misses: || Scenario::sample("near_sign_in.pcap"),
    },
    Case {
        rule: "sign-in-refused",
        fires: || signing_in(&["403 Forbidden"], 60_000),
        says: "403 Forbidden",
        misses: || signing_in(&["200 OK"], 60_000),
    },
    Case {
        rule: "sign-in-ended",
        fires: || ended("text/registration-event"),
        says: "event=deregistered",
        misses: || ended("text/plain"),
    },
    Case {
        rule: "sign-in-ended",
        fires: || Scenario::sample("rules_sign_in.pcap"),
        says: "ms-diagnostics-public 4141: ",
        misses: || Scenario::sample("near_sign_in.pcap"),
    },
    Case {
        rule: "provisioning-failed",
        fires: || Scenario::sample("sign_ins.pcap"),
        says: "504 Server time-out",
        misses: || Scenario::sample("communicator.pcap"),
    },
    Case {
        rule: "mras-failed",
        fires: || relay_credentials(None),
        says: "no credentials for media relays: 504",
        misses: || relay_credentials(Some((USER, SECRET, 60))),
    },
    Case {
        rule: "mras-failed",
        fires: || Scenario::sample("sign_ins.pcap"),
        says: "Not Supported",
        misses: || Scenario::sample("tour.pcapng"),
    },
];

#[test]
fn what_keeps_a_client_from_its_home_pool_is_the_cause() {
    let found = diagnose(&Scenario::sample("rules_sign_in.pcap").done()).findings;
    let of = |rule: &str| found.iter().find(|f| f.rule.id == rule).unwrap();
    let cause = of("sign-in-not-followed").explained_by.map(|at| &found[at]).unwrap();
    assert_eq!((cause.rule.id, cause.severity.name()), ("connection-unanswered", "warning"));
    assert!(cause.title.contains("10.10.0.67:5061"), "{}", cause.title);
}

#[test]
fn who_goes_on_elsewhere_or_still_waits_is_not_counted_as_stopped() {
    let told = |file: &str| diagnose(&Scenario::sample(file).done()).tally.sign_ins;
    let counted = [told("near_sign_in.pcap"), told("rules_sign_in.pcap")].map(|c| (c.count, c.failed));
    assert_eq!(counted, [(8, 0), (7, 5)]);
}

/// A registration that the server ended is over, until the client registers again.
#[test]
fn who_registers_again_is_registered() {
    let told = |s: Scenario| {
        let analysis = s.done();
        let state = analysis.gather().sign_ins()[0].state.name();
        let found = diagnose(&analysis).findings;
        let ended = found.iter().find(|f| f.rule.id == "sign-in-ended").expect("the finding");
        (state, ended.severity)
    };
    assert_eq!(told(ended("text/registration-event")), ("unregistered", Severity::Warning));
    let mut s = ended("text/registration-event");
    s.add(9_000, "A>B", &register(9));
    s.add(9_010, "B>A", &answer("200 OK", 9));
    assert_eq!(told(s), ("registered", Severity::Info));
}

/// The challenge offers two schemes, and the client begins anew without either.
#[test]
fn a_scheme_that_is_only_offered_is_not_the_one_used() {
    let mut s = Scenario::default();
    for (n, at) in [(1, 0), (2, 59_000)] {
        s.add(at, "A>B", &register(n));
        let told = answer("401 Unauthorized", n).header("WWW-Authenticate: NTLM realm=\"R\", version=4");
        s.add(at + 10, "B>A", &told.header("WWW-Authenticate: Kerberos realm=\"R\", version=4"));
    }
    later(&mut s, 120_000);
    let analysis = s.done();
    let gathered = analysis.gather();
    let sign_in = &gathered.sign_ins()[0];
    assert_eq!((sign_in.auth, sign_in.attempts), (None, 2));
    let found = diagnose(&analysis).findings;
    let of = found.iter().find(|f| f.rule.id == "sign-in-no-credentials").expect("the finding");
    let said = of.detail.join(" ");
    assert!(said.starts_with("2 tries of alice "), "{said}");
    assert!(said.contains("The challenge offers NTLM, Kerberos, for the realm R."), "{said}");
}

/// Only what the server sends was captured: it accepts what it asked for.
#[test]
fn what_is_accepted_behind_a_challenge_was_by_its_scheme() {
    let mut s = Scenario::default();
    s.add(
        0,
        "B>A",
        &answer("401 Unauthorized", 1).header("WWW-Authenticate: Digest realm=\"R\", nonce=\"1\""),
    );
    s.add(30, "B>A", &answer("200 OK", 2).header("Expires: 3600"));
    let analysis = s.done();
    let auth = analysis.gather().sign_ins().iter().map(|s| s.auth).collect::<Vec<_>>();
    assert_eq!(auth, [Some(AuthScheme::Digest)]);
}
