//! Cases of the rules about relays.

use super::{Case, later};
use crate::view::scenario::ice::*;
use crate::view::scenario::sign_in::{CLIENT, Client, MINUTE, SECRET, USER};
use crate::view::scenario::{Scenario, request, response, stun};

const THERE: &str = "10.0.0.65:4000>203.0.113.9:3478";
const BACK: &str = "203.0.113.9:3478>10.0.0.65:4000";
const CREATE_PERMISSION_ERROR: u16 = 0x0118;
const REFRESH: u16 = 0x0004;
const REFRESHED: u16 = 0x0104;
const LIFETIME: u16 = 0x000D;
const ALTERNATE_SERVER: u16 = 0x8023;

/// An Allocate with credentials, answered by an error.
fn refused(code: u16) -> Scenario {
    let mut s = Scenario::default();
    s.stun(0, THERE, ALLOCATE, "a1", &[]);
    s.stun(10, BACK, ALLOCATE_ERROR, "a1", &[error(401), realm()]);
    s.stun(20, THERE, ALLOCATE, "a2", &[(USERNAME, b"user".to_vec()), realm(), integrity()]);
    s.stun(30, BACK, ALLOCATE_ERROR, "a2", &[error(code), realm()]);
    later(&mut s, 60_000);
    s
}

fn silent() -> Scenario {
    let mut s = Scenario::default();
    for ms in [0, 500, 1500, 3500, 7500] {
        s.stun(ms, THERE, ALLOCATE, "a1", &[]);
    }
    later(&mut s, 60_000);
    s
}

/// The challenge names another address of the server, as that of [MS-TURN] does; the client stays, and its credentials are
/// refused.
fn refused_where_it_stays(code: u16) -> Scenario {
    let mut s = Scenario::default();
    let other = (ALTERNATE_SERVER, vec![0, 1, 0x0D, 0x96, 203, 0, 113, 10]);
    s.stun(0, THERE, ALLOCATE, "a1", &[]);
    s.stun(10, BACK, ALLOCATE_ERROR, "a1", &[error(401), realm(), other.clone()]);
    s.stun(20, THERE, ALLOCATE, "a2", &[(USERNAME, b"user".to_vec()), realm(), integrity()]);
    match code {
        0 => s.stun(30, BACK, ALLOCATED, "a2", &relayed("203.0.113.9:50000")),
        code => s.stun(30, BACK, ALLOCATE_ERROR, "a2", &[error(code), realm(), other]),
    }
    later(&mut s, 60_000);
    s
}

/// The server sends the client on to another one, which answers if `answers`.
fn sent_on(answers: bool) -> Scenario {
    let mut s = Scenario::default();
    s.stun(0, THERE, ALLOCATE, "a1", &[]);
    s.stun(10, BACK, ALLOCATE_ERROR, "a1", &[error(401), realm()]);
    let credentials = [(USERNAME, b"user".to_vec()), realm(), integrity()];
    s.stun(20, THERE, ALLOCATE, "a2", &credentials);
    let other = (ALTERNATE_SERVER, vec![0, 1, 0x0D, 0x96, 203, 0, 113, 10]);
    s.stun(30, BACK, ALLOCATE_ERROR, "a2", &[error(300), other]);
    let there = "10.0.0.65:4000>203.0.113.10:3478";
    for ms in [40, 540, 1540, 3540] {
        s.stun(ms, there, ALLOCATE, "b1", &credentials);
    }
    if answers {
        let granted = relayed("203.0.113.10:50000");
        s.stun(3560, "203.0.113.10:3478>10.0.0.65:4000", ALLOCATED, "b1", &granted);
    }
    later(&mut s, 60_000);
    s
}

/// Alice signs in, is given credentials for a minute, and uses them after so many milliseconds: they are refused.
fn given_credentials(used: i64) -> Scenario {
    let mut s = Scenario::default();
    let who = "<sip:alice@example.com>";
    let register = request("REGISTER", 1).id("r").between(&format!("{who};tag=r;epid=e1"), who);
    s.add(0, "A>B", &register.via(&["A r1"]).header("Expires: 3600"));
    let granted = response("200 OK", 1, "REGISTER").id("r").between(&format!("{who};tag=r;epid=e1"), who);
    s.add(20, "B>A", &granted.tag("s").via(&["A r1"]));
    let kind = "application/msrtc-media-relay-auth+xml";
    let space = "xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"";
    let asked = format!(
        "<request {space}><credentialsRequest><location>intranet</location><duration>1</duration></credentialsRequest></request>"
    );
    let given = format!(
        "<response reasonPhrase=\"OK\" {space}><credentialsResponse><credentials><username>dXNlcg==</username>\
         <password>c2VjcmV0</password><duration>1</duration></credentials><mediaRelayList><mediaRelay>\
         <hostName>av.example.com</hostName><udpPort>3478</udpPort><tcpPort>443</tcpPort></mediaRelay></mediaRelayList>\
         </credentialsResponse></response>"
    );
    let ends = ("<sip:alice@example.com>;tag=m;epid=e1", "<sip:mras@example.com>");
    let ask = request("SERVICE", 1).id("m").between(ends.0, ends.1).via(&["A m1"]);
    s.add(100, "A>B", &ask.body(kind, &asked));
    let give = response("200 OK", 1, "SERVICE").id("m").between(ends.0, ends.1).tag("t").via(&["A m1"]);
    s.add(120, "B>A", &give.body(kind, &given));
    s.allocate(used, "10.0.0.65:4000", None);
    later(&mut s, used + 60_000);
    s
}

/// Challenged; the client sends no credentials.
fn challenged(goes_on: bool) -> Scenario {
    let mut s = Scenario::default();
    match goes_on {
        true => s.allocate(0, "10.0.0.65:4000", Some("203.0.113.9:50000")),
        false => {
            s.stun(0, THERE, ALLOCATE, "a1", &[]);
            s.stun(10, BACK, ALLOCATE_ERROR, "a1", &[error(401), realm()]);
        }
    }
    later(&mut s, 60_000);
    s
}

fn permission(code: u16) -> Scenario {
    let mut s = Scenario::default();
    s.allocate(0, "10.0.0.65:4000", Some("203.0.113.9:50000"));
    let peer = (0x0012, stun::xor("10.9.9.9:6000"));
    s.stun(
        100,
        THERE,
        stun::CREATE_PERMISSION,
        "p1",
        &[peer, (USERNAME, b"user".to_vec()), realm(), integrity()],
    );
    s.stun(110, BACK, CREATE_PERMISSION_ERROR, "p1", &[error(code), realm()]);
    later(&mut s, 60_000);
    s
}

/// Media goes through Alice's own relay; she gives it up at `at`, and the call ends at 20 s.
fn given_up(at: i64) -> Scenario {
    let mut s = offer_and_answer(true);
    s.check(1250, "203.0.113.9:50000>203.0.113.9:50001", "x1", ALICE_ASKS, true);
    s.stun(1260, "203.0.113.9:50001>203.0.113.9:50000", BOUND, "x1", &[mapped("203.0.113.9:50000")]);
    s.media(1400, "203.0.113.9:50000>203.0.113.9:50001", 150);
    s.media(1420, "203.0.113.9:50001>203.0.113.9:50000", 149);
    let none = (LIFETIME, vec![0; 4]);
    s.stun(at, THERE, REFRESH, "f1", &[none.clone(), (USERNAME, b"user".to_vec()), realm(), integrity()]);
    s.stun(at + 10, BACK, REFRESHED, "f1", &[none]);
    end(&mut s, 20_000);
    later(&mut s, 60_000);
    s
}

/// Credentials for an hour; after it the relay asks for another nonce, and then answers.
fn refreshed(answer: Result<u16, u16>) -> Scenario {
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 60)));
    c.allocates(50 * MINUTE, CLIENT, b"secret", Ok(ALLOCATED));
    c.turn(68 * MINUTE + 1_000, CLIENT, REFRESH, Some(b"secret"), Err(438));
    c.turn(68 * MINUTE + 1_020, CLIENT, REFRESH, Some(b"secret"), answer);
    c.s
}

#[test]
fn each_error_has_its_rule_and_words() {
    // RFC 8656 §18.2 and RFC 8489 §14.8; 430 to 436 of the old draft ([MS-TURN] §2.2.2.9).
    for (code, rule, says) in [
        (401, "turn-wrong-credentials", "(401)"),
        (431, "turn-wrong-credentials", "(431)"),
        (436, "turn-wrong-credentials", "(436)"),
        (441, "turn-wrong-credentials", "(441)"),
        (400, "turn-refused", "400 Bad Request"),
        (403, "turn-refused", "403 Forbidden"),
        (420, "turn-refused", "420 Unknown Attribute"),
        (437, "turn-refused", "437 Allocation Mismatch"),
        (440, "turn-refused", "440 Address Family not Supported"),
        (442, "turn-refused", "442 Unsupported Transport Protocol"),
        (443, "turn-refused", "443 Peer Address Family Mismatch"),
        (486, "turn-refused", "486 Allocation Quota Reached"),
        (500, "turn-refused", "500 Server Error"),
        (508, "turn-refused", "508 Insufficient Capacity"),
        (599, "turn-refused", "599"),
    ] {
        let found = crate::diagnose::diagnose(&refused(code).done()).findings;
        let told: Vec<_> = found.iter().map(|f| (f.rule.id, f.title.to_lowercase())).collect();
        let fits =
            matches!(told.as_slice(), [(id, title)] if *id == rule && title.contains(&says.to_lowercase()));
        assert!(fits, "{code}: {told:?}");
    }
}

pub const CASES: &[Case] = &[
    Case {
        rule: "turn-alternate-unreachable",
        fires: || sent_on(false),
        says: "sends it on to",
        misses: || sent_on(true),
    },
    Case {
        rule: "turn-alternate-unreachable",
        fires: || Scenario::sample("rules_relays.pcap"),
        says: "213.199.141.182:3478 over UDP did not answer (5 requests sent)",
        misses: || Scenario::sample("near_relays.pcap"),
    },
    Case {
        rule: "turn-wrong-credentials",
        fires: || refused_where_it_stays(401),
        says: "refuses the credentials (401)",
        misses: || refused_where_it_stays(0),
    },
    Case { rule: "turn-unreachable", fires: silent, says: "cannot be reached", misses: || refused(486) },
    Case {
        rule: "turn-credentials-expired",
        fires: || given_credentials(100_000),
        says: "had run out",
        misses: || given_credentials(30_000),
    },
    Case {
        rule: "turn-wrong-credentials",
        fires: without_a_path,
        says: "alice gets no relay",
        misses: through_bobs_relay,
    },
    Case {
        rule: "turn-no-credentials",
        fires: || challenged(false),
        says: "it sends none",
        misses: || challenged(true),
    },
    Case { rule: "turn-refused", fires: || refused(486), says: "refuses it (486", misses: || sent_on(true) },
    Case {
        rule: "turn-refresh-refused",
        fires: || refreshed(Err(401)),
        says: "had run out 8 m 00 s before",
        misses: || refreshed(Ok(REFRESHED)),
    },
    // [MS-TURN] has no Refresh: Allocate prolongs what it made.
    Case {
        rule: "turn-refresh-refused",
        fires: || Scenario::sample("rules_relays.pcap"),
        says: "does not prolong",
        misses: || Scenario::sample("near_relays.pcap"),
    },
    Case { rule: "turn-peer-refused", fires: || permission(403), says: "403", misses: || permission(438) },
    Case {
        rule: "turn-expired-in-call",
        fires: || given_up(5_000),
        says: "went on for 15 s",
        misses: || given_up(20_500),
    },
];

#[test]
fn the_grant_that_ran_out_is_shown() {
    let found = crate::diagnose::diagnose(&given_up(5_000).done()).findings;
    let of = found.iter().find(|f| f.rule.id == "turn-expired-in-call").expect("found");
    let granted = of.evidence.iter().filter(|e| e.text == "granted for 600 s").count();
    assert_eq!(granted, 1, "{:?}", of.evidence);
}
