//! How other dialogs went.

use crate::correlate::script::played;

#[track_caller]
fn check(flow: &str, method: &str, state: &str, status: u16) {
    let a = played(flow);
    let dialog = a.dialogs_shown().next().expect("no dialog").1;
    assert_eq!(a.method(dialog.method), method);
    assert_eq!(
        (dialog.summary.state.name(), dialog.summary.final_status),
        (state, status),
        "{:#?}",
        dialog.summary
    );
    assert_eq!(dialog.summary.requests + dialog.summary.responses, dialog.messages.count);
}

#[test]
fn requests_and_answers() {
    check("0 A>B OPTIONS\n 1 B>A 200", "OPTIONS", "completed", 200);
    check("0 A>B OPTIONS\n 1 B>A 404", "OPTIONS", "failed", 404);
    check("0 A>B OPTIONS", "OPTIONS", "unanswered", 0);
    check("0 A>B OPTIONS\n 1 B>A 100", "OPTIONS", "unanswered", 0);
    check("1 B>A 200 for=REGISTER", "REGISTER", "completed", 200);
    check("0 A>B MESSAGE\n 0.1 B>C MESSAGE\n 0.2 C>B 200\n 0.3 B>A 200", "MESSAGE", "completed", 200);
    check("0 A>B BYE to=b\n 1 B>A 481", "BYE", "failed", 481);
}

#[test]
fn authentication() {
    check("0 A>B REGISTER\n 1 B>A 401\n 2 A>B REGISTER/2\n 3 B>A 200", "REGISTER", "completed", 200);
    check("0 A>B REGISTER\n 1 B>A 401\n 2 A>B REGISTER/2\n 3 B>A 401", "REGISTER", "failed", 401);
    check("0 A>B REGISTER\n 1 B>A 401", "REGISTER", "failed", 401);
    check("0 A>B REGISTER\n 1 B>A 401\n 2 A>B REGISTER/2", "REGISTER", "unanswered", 401);
}

#[test]
fn what_nobody_answers() {
    check("0 A>B ACK to=b", "ACK", "completed", 0);
    check("0 A>B BENOTIFY to=b\n 1 A>B BENOTIFY/2 to=b", "BENOTIFY", "completed", 0);
}

#[test]
fn refreshes() {
    // The last one is overtaken by the end of the capture, or really goes unanswered.
    let twice = "0 A>B REGISTER\n 1 B>A 200\n 60 A>B REGISTER/2";
    check(twice, "REGISTER", "completed", 200);
    check(&format!("{twice}\n 200 X>Y OPTIONS id=other"), "REGISTER", "unanswered", 200);
}

#[test]
fn subscriptions() {
    let on = "0 A>B SUBSCRIBE expires=600\n 1 B>A 200 expires=600\n 2 B>A NOTIFY from=b to=a\n 3 A>B 200";
    check(on, "SUBSCRIBE", "active", 200);
    check(&format!("{on}\n 4 B>A NOTIFY/2 from=b to=a"), "SUBSCRIBE", "active", 200);
    check(
        &format!("{on}\n 300 A>B SUBSCRIBE/2 to=b expires=0\n 301 B>A 200 for=SUBSCRIBE"),
        "SUBSCRIBE",
        "completed",
        200,
    );
    check(&format!("{on}\n 900 X>Y OPTIONS id=other"), "SUBSCRIBE", "completed", 200);
    check("0 A>B SUBSCRIBE expires=0\n 1 B>A 200", "SUBSCRIBE", "completed", 200);
    check("0 A>B SUBSCRIBE expires=600\n 1 B>A 489", "SUBSCRIBE", "failed", 489);
}

#[test]
fn subscriptions_that_the_notifier_ends() {
    let on = "0 A>B SUBSCRIBE expires=600\n 1 B>A 200 expires=600\n 2 B>A NOTIFY from=b to=a state=active;expires=600\n 3 A>B 200";
    check(on, "SUBSCRIBE", "active", 200);
    for method in ["NOTIFY", "BENOTIFY"] {
        let flow = format!("{on}\n 4 B>A {method}/2 from=b to=a state=terminated;reason=noresource");
        check(&flow, "SUBSCRIBE", "completed", 200);
        let a = played(&flow);
        let s = &a.dialogs[0].summary;
        assert_eq!((s.terminated, &*a.text(s.terminated_reason)), (true, "noresource"));
        // It subscribes again.
        let again = format!("{flow}\n 5 A>B SUBSCRIBE/2 to=b expires=600\n 6 B>A 200");
        check(&again, "SUBSCRIBE", "active", 200);
        assert!(!played(&again).dialogs[0].summary.terminated);
    }
}
