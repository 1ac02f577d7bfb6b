use super::*;
use crate::correlate::gathered::Lifetime;
use crate::diagnose::Severity;
use crate::view::scenario::ice::ALLOCATED;
use crate::view::scenario::sign_in::{CLIENT, Client, MINUTE, REFRESH, REFRESHED, SECRET, USER};

/// Lifetime and refusal of each use.
fn uses(analysis: &Analysis) -> Vec<(Lifetime, Option<bool>, Option<u16>)> {
    let gathered = Lists::of(analysis);
    let uses = gathered.sign_ins().iter().flat_map(|s| &s.credentials).flat_map(|c| &c.uses);
    uses.map(|u| (u.lifetime, u.verified, u.refused.map(|r| r.code))).collect()
}

/// The cell "stopped", the first sentences, and the findings about relays that somebody lacked.
fn told(analysis: &Analysis) -> (String, Vec<String>, Vec<String>) {
    let gathered = Lists::of(analysis);
    let kind = ListKind::SignIns;
    let query = Query { columns: vec!["stopped".to_owned()], ..Query::default() };
    let cell = kind.lines(analysis, &gathered, &query).iter().next().unwrap().concat();
    let head = kind.detail(analysis, &gathered, 0, TimeMode::Relative).unwrap().head;
    let found = gathered
        .diagnosis()
        .findings
        .iter()
        .filter(|f| f.rule.id.starts_with("turn-") && f.severity > Severity::Info);
    let warnings = found.map(|f| format!("{}: {}", f.rule.id, f.title)).collect();
    (cell, head, warnings)
}

#[test]
fn an_allocation_after_the_credentials_ran_out_is_told() {
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 60)));
    c.allocates(72 * MINUTE + 1_000, CLIENT, b"secret", Err(401));
    let analysis = c.s.done();
    assert_eq!(uses(&analysis), [(Lifetime::ExpiredBefore, Some(true), Some(401))]);
    let (cell, head, warnings) = told(&analysis);
    assert_eq!(cell, "relay: 401, credentials had run out");
    assert_eq!(head[0], "It signed in, for 7200 s at a time.");
    assert_eq!(
        head[1],
        "The media relay 203.0.113.9:3478 did not make allocation 1 (frame 8): 401, the credentials had run out 12 m 00 s before."
    );
    assert!(head[2].contains("asks the A/V authentication service for new credentials"), "{head:?}");
    assert!(matches!(&warnings[..], [w] if w.starts_with("turn-credentials-expired: ")), "{warnings:?}");
    let detail = ListKind::SignIns.detail(&analysis, &Lists::of(&analysis), 0, TimeMode::Relative).unwrap();
    let part = detail.parts.iter().find(|p| p.title == "1 allocation with these credentials").unwrap();
    let cells: Vec<&str> = part.table.rows[0].iter().map(String::as_str).collect();
    let relay = "UDP 203.0.113.9:3478";
    assert_eq!(
        cells,
        ["1", relay, "rejected", "had run out before", "3601.000", "401", "is the one given out"]
    );
    assert!(part.leads[0].bad);
    assert_eq!(part.leads[0].frame.map(|f| f.frame), Some(8));
}

#[test]
fn a_refresh_refused_after_the_credentials_ran_out_is_told() {
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 60)));
    c.allocates(50 * MINUTE, CLIENT, b"secret", Ok(ALLOCATED));
    c.turn(59 * MINUTE, CLIENT, REFRESH, Some(b"secret"), Ok(REFRESHED));
    // Another nonce is asked for; with it the credentials are refused.
    c.turn(68 * MINUTE + 1_000, CLIENT, REFRESH, Some(b"secret"), Err(438));
    c.turn(68 * MINUTE + 1_020, CLIENT, REFRESH, Some(b"secret"), Err(401));
    let analysis = c.s.done();
    assert_eq!(uses(&analysis), [(Lifetime::ExpiredDuring, Some(true), Some(401))]);
    let (cell, head, warnings) = told(&analysis);
    assert_eq!(cell, "relay: 401, credentials had run out");
    let sentence =
        "did not prolong allocation 1 (frame 14): 401, the credentials had run out 8 m 00 s before.";
    assert!(head[1].ends_with(sentence), "{head:?}");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn credentials_that_run_out_without_harm_are_no_trouble() {
    // The relay prolongs all the same, and lets go of it in the end.
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 60)));
    c.allocates(55 * MINUTE, CLIENT, b"secret", Ok(ALLOCATED));
    c.turn(63 * MINUTE, CLIENT, REFRESH, Some(b"secret"), Ok(REFRESHED));
    // One that starts later is taken as well.
    c.allocates(65 * MINUTE, "10.0.0.65:4002", b"secret", Ok(ALLOCATED));
    let analysis = c.s.done();
    let lasted = [Lifetime::ExpiredDuring, Lifetime::ExpiredBefore];
    assert_eq!(uses(&analysis), lasted.map(|l| (l, Some(true), None)));
    let (cell, head, warnings) = told(&analysis);
    assert_eq!((cell.as_str(), warnings.len()), ("–", 0), "{warnings:?}");
    assert!(!head.join("\n").contains("relay"), "{head:?}");
    let detail = ListKind::SignIns.detail(&analysis, &Lists::of(&analysis), 0, TimeMode::Relative).unwrap();
    let part = detail.parts.iter().find(|p| p.title.contains("with these credentials")).unwrap();
    assert!(part.leads.iter().all(|l| !l.bad), "{part:?}");
}

#[test]
fn a_challenge_is_no_refusal() {
    // A refresh whose nonce is too old gets 401 from [MS-TURN] relays, and the capture ends there.
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 1)));
    c.allocates(30_000, CLIENT, b"secret", Ok(ALLOCATED));
    c.turn(2 * MINUTE, CLIENT, REFRESH, Some(b"secret"), Err(401));
    assert_eq!(uses(&c.s.done()), [(Lifetime::ExpiredDuring, Some(true), None)]);
    // The same, taken up.
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 1)));
    c.allocates(30_000, CLIENT, b"secret", Ok(ALLOCATED));
    c.turn(2 * MINUTE, CLIENT, REFRESH, Some(b"secret"), Err(401));
    c.turn(2 * MINUTE + 20, CLIENT, REFRESH, Some(b"secret"), Ok(REFRESHED));
    assert_eq!(uses(&c.s.done()), [(Lifetime::ExpiredDuring, Some(true), None)]);
}

#[test]
fn refusals_that_new_credentials_mend_leave_the_row() {
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 60)));
    c.allocates(70 * MINUTE, CLIENT, b"secret", Err(401));
    // The same name with another password, in the same dialog.
    c.asks(71 * MINUTE, "m", 2, Some((USER, "bmV3ZXI=", 60)));
    c.allocates(71 * MINUTE + 500, "10.0.0.65:4002", b"newer", Ok(ALLOCATED));
    let analysis = c.s.done();
    let [first, second] = uses(&analysis)[..] else { panic!("{:?}", uses(&analysis)) };
    assert_eq!(first, (Lifetime::ExpiredBefore, Some(true), Some(401)));
    assert_eq!(second, (Lifetime::Within, Some(true), None));
    let (cell, head, warnings) = told(&analysis);
    assert_eq!((cell.as_str(), warnings.len()), ("–", 0), "{warnings:?}");
    assert!(!head.join("\n").contains("The media relay"), "{head:?}");
    // The row of the allocation keeps the refusal.
    let detail = ListKind::SignIns.detail(&analysis, &Lists::of(&analysis), 0, TimeMode::Relative).unwrap();
    let part = detail.parts.iter().find(|p| p.title.contains("with these credentials")).unwrap();
    assert_eq!(part.leads.iter().map(|l| l.bad).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_renewal_that_failed_goes_before_what_the_relay_says() {
    let mut c = Client::signed_in();
    c.asks(1_000, "m", 1, Some((USER, SECRET, 60)));
    c.asks(55 * MINUTE, "n", 1, None);
    c.allocates(70 * MINUTE, CLIENT, b"secret", Err(401));
    let analysis = c.s.done();
    let (cell, head, _) = told(&analysis);
    assert_eq!(cell, "mras: 504 Server Time-out");
    assert!(head.iter().any(|l| l.contains("401, the credentials had run out 9 m 59 s before")), "{head:?}");
}

#[test]
fn credentials_refused_while_they_hold() {
    for (password, words) in [
        (&b"secret"[..], "relay: 401, though the credentials hold"),
        (b"other", "relay: 401, another password than given out"),
    ] {
        let mut c = Client::signed_in();
        c.asks(1_000, "m", 1, Some((USER, SECRET, 60)));
        c.allocates(2 * MINUTE, CLIENT, password, Err(401));
        let analysis = c.s.done();
        assert_eq!(uses(&analysis), [(Lifetime::Within, Some(password == b"secret"), Some(401))]);
        let (cell, _, warnings) = told(&analysis);
        assert_eq!(cell, words);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }
}
