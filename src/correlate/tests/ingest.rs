//! Counting, limits, frames.

use crate::capture::{CaptureId, CaptureInfo, FrameRef};
use crate::correlate::script::{play, played};
use crate::correlate::*;

/// A capture that is being read.
pub fn capture() -> CaptureSummary {
    CaptureSummary::new(CaptureInfo { path: String::new(), format: "pcap", compression: None, size: None })
}

#[test]
fn a_record_stays_small() {
    assert!(size_of::<SipRecord>() <= 80);
    assert!(size_of::<Call>() + size_of::<owner::CallWork>() <= 304);
}

#[test]
fn limits_are_named_once_and_all_is_counted() {
    let check = |set: fn(&mut crate::limits::Limits), code: &str, kept: usize| {
        let mut a = Analysis::default();
        set(&mut a.limits);
        a.captures.push(capture());
        play(
            &mut a,
            "0 A>B INVITE id=1\n 0.1 B>A 100 id=1\n 1 C>D OPTIONS id=2\n 2 E>F INVENTED id=3\n 3 E>F NEW id=4",
        );
        assert_eq!(a.sip.messages, 5);
        let codes: Vec<_> = a.captures[0].issues.iter().map(|i| i.code).collect();
        assert_eq!(codes, [code]);
        assert_eq!(a.messages.len(), kept);
        assert_eq!(a.messages_not_kept as usize, 5 - kept);
    };
    check(|l| l.sip_messages = 2, "limit-sip-messages", 2);
    check(|l| l.dialogs = 2, "limit-dialogs", 3);
    check(|l| l.flows = 2, "limit-flows", 2);
    check(|l| l.methods = 17, "limit-methods", 5);
}

#[test]
fn malformed_messages_are_kept() {
    let a = played("0 A>B INVITE id= bad\n 1 A>B INVITE id= from=z bad\n 2 B>A 200 id= bad cut");
    assert_eq!(a.messages.len(), 3);
    assert_eq!(a.sip.malformed, 2, "a cut message is not to blame");
    assert_eq!(a.calls.len(), 2, "without Call-ID the From tag tells them apart");
}

#[test]
fn credentials_are_marked() {
    let a = played("0 A>B REGISTER\n 1 B>A 401\n 2 A>B REGISTER/2 auth");
    let marked: Vec<bool> = a.messages.iter().map(|m| m.has(flag::CREDENTIALS)).collect();
    assert_eq!(marked, [false, false, true]);
}

#[test]
fn messages_of_a_frame() {
    let mut a = Analysis::default();
    let of = |a: &Analysis, frame| -> Vec<u32> {
        a.messages_in_frame(FrameRef { capture: CaptureId(0), frame }).iter().map(|m| m.0).collect()
    };
    play(
        &mut a,
        "0 A>B INVITE frame=3\n 0 A>B INVITE/2 frame=3\n 0 A>B INVITE/3 frame=9\n 0 A>B INVITE/4 frame=5\n 0 A>B INVITE/5 frame=3",
    );
    for _ in 0..2 {
        assert_eq!(of(&a, 3), [0, 1, 4]);
        assert_eq!(of(&a, 5), [3]);
        assert_eq!(of(&a, 9), [2]);
        assert_eq!(of(&a, 4), [0; 0]);
        assert!(a.messages_in_frame(FrameRef { capture: CaptureId(1), frame: 3 }).is_empty());
        a.refresh();
    }
    play(&mut a, "1 A>B INVITE/6 frame=9\n 1 A>B INVITE/7 frame=12");
    assert_eq!((of(&a, 9), of(&a, 12)), (vec![2, 5], vec![6]));
}

#[test]
fn summaries_do_not_depend_on_when_they_are_made() {
    let flow = "0 A>B INVITE\n 0.2 B>A 180\n 1 B>A 200\n 1.1 A>B ACK to=b\n 2 A>B BYE/2 to=b\n 3 C>D OPTIONS id=2\n 4 D>C 200 id=2 for=OPTIONS";
    let at_once = played(flow);
    let mut step = Analysis::default();
    let lines: Vec<&str> = flow.lines().collect();
    // The script knows a request only within one flow: let it go on from the start each time and stop one later.
    for n in 1..=lines.len() {
        step = Analysis::default();
        play(&mut step, &lines[..n].join("\n"));
        step.refresh();
        step.refresh();
    }
    assert_eq!(step.calls[0].summary, at_once.calls[0].summary);
    assert_eq!(step.dialogs[0].summary, at_once.dialogs[0].summary);
}

#[test]
fn a_dialog_without_end_stays_cheap_and_ends_exact() {
    let mut a = Analysis::default();
    a.captures.push(capture());
    for i in 0..3000u32 {
        play(&mut a, &format!("{i} A>B OPTIONS/{i}\n {i}.1 B>A 200/{i} for=OPTIONS"));
        a.refresh();
    }
    a.captures[0].complete = true;
    a.refresh();
    assert_eq!(a.dialogs[0].summary.requests, 3000);
    assert_eq!(a.dialogs[0].summary.state, DialogState::Completed);
}

proptest::proptest! {
    /// A batch that has no step is noted at once, with what its frames one by one would have left.
    #[test]
    fn a_batch_leaves_the_clock_as_its_frames_do(
        batches in proptest::collection::vec(
            proptest::collection::vec((0u32..3, -3_000i64..3_000), 0..20),
            0..6,
        )
    ) {
        let (mut one_by_one, mut at_once) = (Clock::default(), Clock::default());
        let mut frame = 0;
        for (n, batch) in batches.iter().enumerate() {
            let mut times = crate::capture::Times::default();
            let heads: Vec<crate::capture::FrameHead> = batch
                .iter()
                .map(|(interface, ms)| crate::capture::FrameHead {
                    start: 0,
                    caplen: 7,
                    origlen: 7,
                    interface: if n % 2 == 0 { 0 } else { *interface },
                    time: (n as i64 * 2_000 + ms) * 1_000_000,
                })
                .collect();
            heads.iter().for_each(|h| times.note(h));
            proptest::prop_assert_eq!(times.bytes, 7 * heads.len() as u64);
            let noted = at_once.note_run(&times);
            for h in &heads {
                frame += 1;
                one_by_one.note(h.interface, h.time, frame);
                if !noted {
                    at_once.note(h.interface, h.time, frame);
                }
            }
        }
        proptest::prop_assert_eq!(one_by_one, at_once);
    }
}
