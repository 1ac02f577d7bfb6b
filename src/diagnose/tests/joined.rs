//! Alike findings are one, and so on.

use super::*;
use crate::capture::{CaptureId, FrameRef};

static CAUSE: Rule = Rule {
    id: "cause",
    severity: Severity::Warning,
    title: "",
    help: "",
    advice: "look",
    source: "",
    check: |_, _| {},
};
static EFFECT: Rule = Rule {
    id: "effect",
    severity: Severity::Error,
    title: "",
    help: "",
    advice: "look",
    source: "",
    check: |_, _| {},
};

fn frame(frame: u32) -> FrameRef {
    FrameRef { capture: CaptureId(0), frame }
}

fn call(n: u32) -> Subject {
    Subject::Call(CallIdx(n))
}

#[test]
fn alike_findings_are_one_of_several_subjects() {
    let mut out = Findings::new(10, 3);
    for n in [8, 10] {
        out.add(&EFFECT, call(n), "no answer", |f| {
            f.who(format!("Call {}, Alice", n + 1)).what("Bob did not answer").of_many("no answer");
            f.show(frame(n * 10 + 2), "INVITE again").show(frame(n * 10 + 1), "INVITE");
        });
    }
    out.add(&EFFECT, call(3), "another", |f| {
        f.who("Call 4, Carol").what("Bob did not answer");
    });
    let d = out.finish(Vec::new());
    let titles: Vec<&str> = d.findings.iter().map(|f| f.title.as_str()).collect();
    assert_eq!(titles, ["Calls 9 and 11: no answer", "Call 4, Carol: Bob did not answer"]);
    let frames: Vec<u32> = d.findings[0].evidence.iter().map(|e| e.frame.frame).collect();
    assert_eq!((frames, d.findings[0].evidence_not_kept), (vec![81, 82, 102], 1));
    assert_eq!(d.of(call(10)).collect::<Vec<_>>(), [0]);
    assert_eq!(d.of(call(3)).collect::<Vec<_>>(), [1]);
    assert_eq!(d.of(call(0)).next(), None);
    assert_eq!(d.findings[0].advice, ["look"], "the rule's own where none is given");
}

#[test]
fn a_cause_is_as_bad_as_what_came_of_it_and_stands_before_it() {
    let mut out = Findings::new(10, 3);
    let lone = out.add(&EFFECT, call(5), 0, |f| _ = f.what("alone").show(frame(1), ""));
    let cause = out.add(&CAUSE, Subject::SignIn(0), 0, |f| _ = f.what("refused").show(frame(9), ""));
    out.add(&EFFECT, call(7), 1, |f| _ = f.what("no media").because(cause).show(frame(20), ""));
    assert_eq!(out.find(call(7), |r| r.id == "effect").map(|at| Some(at) == lone), Some(false));
    let d = out.finish(Vec::new());
    let told: Vec<_> = d.findings.iter().map(|f| (f.rule.id, f.severity, f.explained_by)).collect();
    let error = Severity::Error;
    let at = told.iter().position(|t| t.0 == "cause").unwrap();
    assert_eq!(told[at], ("cause", error, None));
    assert!(told.contains(&("effect", error, Some(at))), "{told:?}");
    assert_eq!(d.roots(error).count(), 2);
}

#[test]
fn what_is_over_a_limit_is_counted() {
    let mut out = Findings::new(2, 1);
    for n in 0..100 {
        out.add(&EFFECT, call(n), n, |f| _ = f.what("x").show(frame(n), "").show(frame(n + 1), ""));
    }
    for n in 200..300 {
        out.add(&EFFECT, call(n), 0, |f| _ = f.what("x").show(frame(n), ""));
    }
    let d = out.finish(Vec::new());
    assert_eq!((d.findings.len(), d.not_kept), (2, 98));
    let joined = &d.findings[0];
    assert_eq!((joined.count, joined.subjects.len(), joined.evidence.len()), (101, 16, 1));
    assert!(d.of(call(299)).next().is_some(), "those that are only counted are found too");
}
