//! Why calls failed where no answer says it.

use crate::capture::{CaptureId, FrameRef};
use crate::correlate::script::play;
use crate::correlate::*;
use crate::decode::{Breakage, BreakageKind};

const UNREACHABLE: BreakageKind = BreakageKind::Icmp { v6: false, kind: 3, code: 3 };

/// The call of `flow`, of whose messages from A to B something at `seconds` says that they do not arrive.
fn broken(flow: &str, seconds: f64, kind: BreakageKind, of: Option<MsgIdx>) -> Analysis {
    let mut a = Analysis::default();
    play(&mut a, flow);
    let Flow { src, dst, transport } = a.flow(a.messages[0].flow);
    let branch = of.map_or(0, |m| a.message(m).branch);
    let frame = FrameRef { capture: CaptureId(0), frame: 90 };
    let time = (seconds * 1e9) as i64;
    a.add_breakage(&Breakage { src, dst, transport, kind, by: dst.ip(), frame, time, branch });
    a.refresh();
    a
}

#[track_caller]
fn check(a: &Analysis, call: u32, state: CallState, cause: Option<FailureCause>, frame: u32) {
    let call = CallIdx(call);
    assert_eq!(a.call(call).summary.state, state);
    let failure = a.failure(call);
    assert_eq!(failure.map(|f| f.cause), cause);
    assert_eq!(failure.map_or(0, |f| f.frame.frame), frame);
}

fn by(kind: BreakageKind) -> Option<FailureCause> {
    Some(FailureCause::Broken { kind, by: "10.0.0.66".parse().unwrap() })
}

#[test]
fn nothing_came_back() {
    let mut a = Analysis::default();
    play(&mut a, "0 A>B INVITE original\n 0.5 A>B INVITE same\n 40 C>D OPTIONS id=2");
    a.refresh();
    check(&a, 0, CallState::Failed, Some(FailureCause::NoResponse), 2);
    let mut a = Analysis::default();
    play(&mut a, "0 A>B INVITE original\n 0.5 A>B INVITE same\n 31 C>D OPTIONS id=2");
    a.refresh();
    check(&a, 0, CallState::Failed, Some(FailureCause::CaptureEnds), 2);
}

#[test]
fn the_transport_broke() {
    check(&broken("0 A>B INVITE", 0.1, UNREACHABLE, None), 0, CallState::Failed, by(UNREACHABLE), 90);
    // Behind a provisional answer, whatever it was.
    for kind in [BreakageKind::Reset, BreakageKind::Closed, BreakageKind::TlsAlert { description: 40 }] {
        for answer in [100, 180] {
            let a = broken(&format!("0 A>B INVITE\n 1 B>A {answer}"), 3.0, kind, None);
            check(&a, 0, CallState::Failed, by(kind), 90);
        }
    }
    // Overcome: an answer came behind it.
    let a = broken("0 A>B INVITE\n 1 B>A 180", 0.5, UNREACHABLE, None);
    assert_eq!(a.calls[0].summary.state, CallState::NoAnswer);
    let a = broken("0 A>B INVITE\n 1 B>A 200\n 1.1 A>B ACK to=b", 3.0, BreakageKind::Reset, None);
    check(&a, 0, CallState::Answered, None, 0);
    // A proxy refuses as its next hop cannot be reached.
    let a = broken("0 A>B INVITE\n 0.3 B>A 503", 0.2, UNREACHABLE, None);
    check(&a, 0, CallState::Failed, by(UNREACHABLE), 90);
}

#[test]
fn only_the_message_that_an_error_quotes() {
    let two = "0 A>B INVITE id=one\n 0.1 A>B INVITE id=two\n 50 C>D OPTIONS id=3";
    let a = broken(two, 0.2, UNREACHABLE, Some(MsgIdx(1)));
    check(&a, 0, CallState::Failed, Some(FailureCause::NoResponse), 1);
    check(&a, 1, CallState::Failed, by(UNREACHABLE), 90);
    assert_eq!(a.breakages(Owner::Call(CallIdx(0))), []);
    assert_eq!(a.breakages(Owner::Call(CallIdx(1))).len(), 1);
    // Of one that quotes too little only what was just sent.
    let a = broken("0 A>B INVITE\n 50 C>D OPTIONS id=3", 10.0, UNREACHABLE, None);
    check(&a, 0, CallState::Failed, Some(FailureCause::NoResponse), 1);
}

#[test]
fn signs_about_no_message_and_too_many_are_not_kept() {
    let mut a = Analysis::default();
    a.captures.push(super::ingest::capture());
    a.limits.transport_errors = 2;
    play(&mut a, "0 A>B INVITE\n 0 A>C INVITE id=2\n 0 A>D INVITE id=3");
    for (n, m) in (0..12).zip([0, 0, 0, 1, 2].into_iter().cycle()) {
        let Flow { src, dst, transport } = a.flow(a.messages[m].flow);
        // A flow that no message went, and one that some did.
        for src in ["10.9.9.9:5060".parse().unwrap(), src] {
            let frame = FrameRef { capture: CaptureId(0), frame: n + 1 };
            let (kind, by) = (UNREACHABLE, dst.ip());
            a.add_breakage(&Breakage { src, dst, transport, kind, by, frame, time: 1000, branch: 0 });
        }
    }
    let codes: Vec<_> = a.captures[0].issues.iter().map(|i| i.code).collect();
    assert_eq!(codes, ["limit-transport-errors"]);
    assert_eq!(a.breakages(Owner::Call(CallIdx(0))).len(), 1);
}
