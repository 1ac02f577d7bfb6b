use super::*;

#[track_caller]
fn fails(filter: &str, expected: &str) {
    let error = Filter::parse(filter).expect_err(filter);
    assert_eq!(error.caret(filter), format!("{filter}\n{expected}"));
}

#[test]
fn errors_say_where_and_what_instead() {
    fails("fron ~ alice", "^ unknown field `fron` (did you mean `from`?)");
    fails(
        "from ~ alice && statsu >= 400",
        "                ^ unknown field `statsu` (did you mean `status`?)",
    );
    fails("from ~", "      ^ the filter ends too early: expected a value");
    fails("from ~ )", "       ^ expected a value here; quote it if it has special characters");
    fails("(from ~ a", "         ^ expected `)` here");
    fails("from ~ a)", "        ^ this `)` closes nothing");
    fails("from ~ \"a", "       ^ this quoted text has no end");
    fails("setup > 2", "        ^ say `2s` or `2ms`");
    fails("setup > soon", "        ^ `soon` is not a duration such as 2s, 500ms or 00:42");
    fails("status >= many", "          ^ `many` is not a number");
    fails("ip == 10.0.0.0/99", "      ^ `10.0.0.0/99` is not a network such as 10.0.0.0/8");
    fails("ip > 10.0.0.1", "     ^ addresses have no order: use `==`, `!=`, `~`, `!~` or `in`");
    fails("from > a", "       ^ this field is text: use `==`, `!=`, `~`, `!~` or `in`");
    fails("a & b", "  ^ write `&&`, or quote the text");
    fails("== 3", "^ expected a field name before this operator");
    fails("zzzzqqq == 3", "^ unknown field `zzzzqqq`");
    fails("media.los > 2%", "^ unknown field `media.los` (did you mean `media.loss`?)");
    fails("media.codek == PCMU", "^ unknown field `media.codek` (did you mean `media.codec`?)");
    fails("media.loss > much", "             ^ `much` is not a percentage such as 2%");
    fails("media.loss ~ 2%", "             ^ `~` is for text; use `==`, `<`, `>` …");
    fails("media.mos < bad", "            ^ `bad` is not a number such as 3.6");
    fails("media.mos < 3%", "            ^ `3%` is not a number such as 3.6");
    fails("media.mos < inf", "            ^ `inf` is not a number such as 3.6");
    fails("dscp == 64", "        ^ `64` is no DSCP value such as 46, EF, CS5 or AF41");
    fails("media.jitter > 30", "               ^ say `30s` or `30ms`");
    fails("header. ~ x", "^ name the header, e.g. `header.Via`");
    fails("not", "   ^ the filter ends too early: expected a field or a word");
    fails("method in INVITE", "          ^ expected `(` and a list of values");
    fails("method in (INVITE", "                 ^ expected `,` or `)` here");
    fails(
        "start > yesterday",
        "        ^ `yesterday` is not a time such as 14:05, 2026-11-23 or 2026-11-23T14:05:00Z",
    );
    fails("ü ~ ä", "^ unknown field `ü`");
    fails("ü && fron ~ a", "     ^ unknown field `fron` (did you mean `from`?)");
    assert!(Filter::parse(&"(".repeat(100_000)).is_err());
    assert!(Filter::parse(&"!".repeat(100_000)).is_err());
}

#[test]
fn what_the_language_allows() {
    for filter in [
        "",
        "  ",
        "from ~ alice && status >= 400",
        "method == INVITE and not code == 200",
        "method == INVITE and !(code == 200)",
        "ip == 10.0.0.0/8",
        "ip == 10.0.0.1:5060 || ip == [::1]:5060 || ip == ::1 || ip == edge.contoso.com || ip ~ 10.0.",
        "finding",
        "media.loss > 2%",
        "media.loss > 2 % and media.loss >= .5 or loss == 0",
        "media.dscp in (46, ef, Cs5, AF41) and media.mos <= 3.6",
        "method in (INVITE, BYE)",
        "method not in (INVITE, BYE)",
        "code in (4xx, 500-599)",
        "setup > 2s or talk < 500ms or ring >= 1.5 s or talk == 00:42",
        "header.User-Agent ~ \"OC 2007\"",
        "header:Via !~ TCP",
        "\"free text\" alice 486",
        "start >= 14:05 and time < 2026-11-23T14:05:00Z",
        "start > 2026-11-23 and start < 2026-11-24 14:05",
        "from contains bob or to eq \"Bob B.\"",
        "from = *@contoso.com",
        "NOT retransmission AND sdp",
    ] {
        if let Err(error) = Filter::parse(filter) {
            panic!("{}", error.caret(filter));
        }
    }
    for (name, help) in fields() {
        assert!(*name == "header" || Filter::parse(name).is_ok(), "{name}");
        assert!(!help.is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(filter in "[a-z0-9 ().,!=~<>&|\"'\\\\%:/*ü-]{0,40}") {
        if let Err(error) = Filter::parse(&filter) {
            error.caret(&filter);
        }
    }
}

#[test]
fn a_user_is_found_under_all_names_and_an_endpoint_only_by_its_whole_id() {
    use crate::view::scenario::{Scenario, request, response};
    let mut s = Scenario::default();
    let both = "P-Asserted-Identity: <sip:Alice@example.com>, <tel:+14255550100>";
    let alice = "<sip:alice@example.com>;tag=a;epid=C8CA638a15";
    let bob = "<sip:bob@example.com>";
    s.add(0, "A>B", &request("INVITE", 1).between(alice, bob).via(&["A v"]).header(both));
    s.add(9, "B>A", &response("486 Busy", 1, "INVITE").between(alice, bob).via(&["A v"]).tag("t"));
    let tel = "<tel:+14255550100>;tag=c";
    s.add(50, "A>B", &request("INVITE", 1).id("two").between(tel, bob).via(&["A w"]));
    let carol = "<sip:carol@example.com>;tag=d";
    s.add(90, "A>B", &request("INVITE", 1).id("three").between(carol, bob).via(&["A x"]));
    let analysis = s.done();
    let check = |text: &str, expected: &[u32]| {
        let filter = Filter::parse(text).unwrap();
        let found: Vec<u32> = (0..3).filter(|c| filter.matches_call(&analysis, CallIdx(*c))).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("user == alice@example.com", &[0, 1]);
    check("user == ALICE@example.com", &[0, 1]);
    check("user ~ alice", &[0, 1]);
    check("user == \"+14255550100\"", &[0, 1]);
    check("user == c8ca638a15", &[0, 1]);
    check("user ~ c8ca638", &[]);
    check("epid == C8CA638a15", &[0]);
    check("epid ~ 638", &[0]);
    check("epid", &[0]);
    check("user == bob@example.com", &[0, 1, 2]);
}
