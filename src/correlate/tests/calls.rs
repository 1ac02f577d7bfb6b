//! The outcome of a call.

use crate::correlate::script::{play, played};
use crate::correlate::*;
use crate::decode::{DecodedSip, Way};

/// What is to be said of call 1, as `field=value` words: state, status, ended (by), and in ms start, setup, ring,
/// talk, end, answered (times from 0); `mid`, `forks`, `retrans`, `offers`, `kind`.
#[track_caller]
fn check(flow: &str, expect: &str) {
    check_analysis(&played(flow), expect);
}

#[track_caller]
fn check_analysis(a: &Analysis, expect: &str) {
    let s = &a.calls.first().expect("no call").summary;
    let ms = |t: Option<i64>| t.map_or("none".to_owned(), |t| (t / 1_000_000).to_string());
    for word in expect.split_whitespace() {
        let (field, value) = word.split_once('=').unwrap();
        let got = match field {
            "state" => s.state.name().to_owned(),
            "status" => s.final_status.to_string(),
            "reason" => a.text(s.reason).into_owned(),
            "ended" => {
                s.ended_by.map_or("none", |e| if e == Side::Caller { "caller" } else { "callee" }).to_owned()
            }
            "start" => ms(Some(s.start)),
            "end" => ms(s.end),
            "last" => ms(Some(s.last)),
            "answered" => ms(s.answered),
            "setup" => ms(s.setup),
            "ring" => ms(s.ring),
            "talk" => ms(s.talk),
            "mid" => s.starts_mid_call.to_string(),
            "forks" => s.forks.to_string(),
            "retrans" => s.retransmissions.to_string(),
            "offers" => s.offers.to_string(),
            "kind" => s.kind.name().to_owned(),
            "calls" => a.calls.len().to_string(),
            "dialogs" => a.dialogs_shown().count().to_string(),
            _ => panic!("{field}"),
        };
        assert_eq!(got, value, "{field} of\n{s:#?}");
    }
}

const SIMPLE: &str = "
    0.0 A>B INVITE sdp=1234@10.0.0.65:4000
    0.1 B>A 100
    0.2 B>A 180
    2.2 B>A 200 sdp=2345@10.0.0.66:4000
    2.3 A>B ACK to=b";

#[test]
fn a_clock_that_is_set_back_turns_no_call_upside_down() {
    // Set back by 3 s between 180 and 200: by their times the answers come first.
    let call =
        "4 A>B INVITE sdp\n 4.1 B>A 180\n 2 B>A 200 sdp\n 2.1 A>B ACK to=b\n 3 A>B BYE/2 to=b\n 3.1 B>A 200";
    check(
        call,
        "state=completed status=200 ended=caller mid=false start=4000 last=4100 setup=100 ring=none talk=1000",
    );
    // Between 180 and CANCEL: what lies before it is known, what lies across is not.
    let given_up = "10 A>B INVITE\n 10.1 B>A 180\n 9 A>B CANCEL\n 9.1 B>A 200\n 9.2 B>A 487 for=INVITE";
    check(given_up, "state=cancelled status=487 ended=caller start=10000 setup=100 ring=none end=9200");
    // A file out of order is another thing: sorted it makes sense.
    let joined = "2.5 A>B INVITE branch=z1 sdp\n 4 B>A 200 sdp\n 4.1 A>B ACK to=b\n 2 A>B INVITE branch=z1 sdp\n 2.1 B>A 180";
    check(joined, "state=answered status=200 mid=false start=2000 setup=100 ring=1900");
}

#[test]
fn every_media_section_tells_the_kind() {
    let call = "0 A>B INVITE sdp media=audio:4000,video:0\n 0.2 B>A 200 sdp media=audio:5000,video:0\n 0.3 A>B ACK to=b";
    check(call, "kind=audio");
    // Video is added later, by no larger an offer.
    check(&format!("{call}\n 5 A>B INVITE/2 to=b sdp media=audio:4000,video:4002"), "kind=video");
    check(&format!("{call}\n 5 A>B INVITE/2 to=b sdp media=audio:4000,message:4002"), "kind=audio");
    check(
        &format!("{call}\n 5 A>B INVITE/2 to=b sdp media=audio:4000,video:4002,applicationsharing:4004"),
        "kind=application_sharing",
    );
}

#[test]
fn answered_and_completed() {
    check(
        SIMPLE,
        "state=answered status=200 reason=R200 ended=none setup=200 ring=2000 talk=none answered=2200 end=none \
                   mid=false forks=1 offers=1 kind=audio calls=1 dialogs=0",
    );
    let bye = format!("{SIMPLE}\n 5.2 A>B BYE/2 to=b\n 5.3 B>A 200");
    check(&bye, "state=completed status=200 ended=caller talk=3000 end=5200 last=5300");
    // The answer alone was captured: its From and To are those of the BYE.
    let answer = format!("{SIMPLE}\n 5.3 B>A 200/2 for=BYE");
    check(&answer, "state=completed status=200 ended=caller talk=3100 end=5300");
    let answer = format!("{SIMPLE}\n 5.3 A>B 200/2 for=BYE from=b to=a");
    check(&answer, "state=completed ended=callee talk=3100 end=5300");
    check(&format!("{SIMPLE}\n 5.3 B>A 481/2 for=BYE"), "state=answered ended=none end=none");
    let bye = format!("{SIMPLE}\n 5.2 B>A BYE/2 from=b to=a");
    check(&bye, "state=completed ended=callee talk=3000");
}

#[test]
fn refusals() {
    let refused =
        |status: u16| format!("0 A>B INVITE\n 0.1 B>A 100\n 0.3 B>A {status}\n 0.4 A>B ACK to=b nack");
    for (status, state) in [
        (302, "redirected"),
        (403, "rejected"),
        (404, "rejected"),
        (408, "no_answer"),
        (415, "rejected"),
        (480, "rejected"),
        (481, "rejected"),
        (486, "rejected"),
        (488, "rejected"),
        (500, "failed"),
        (503, "failed"),
        (600, "rejected"),
        (603, "rejected"),
    ] {
        check(
            &refused(status),
            &format!("state={state} status={status} end=300 setup=none ring=none ended=none talk=none"),
        );
    }
    // Rang before; and a client that wrongly sends BYE instead of ACK.
    check(
        "0 A>B INVITE\n 0.2 B>A 180\n 0.5 B>A 403\n 0.6 A>B BYE/2 to=b\n 0.7 B>A 200",
        "state=rejected status=403 setup=200 ring=300 end=500 ended=none talk=none",
    );
}

#[test]
fn no_final_answer() {
    check("0 A>B INVITE", "state=failed status=0 setup=none end=none");
    check(
        "0 A>B INVITE original\n 0.5 A>B INVITE same\n 1.5 A>B INVITE same\n 3.5 A>B INVITE same",
        "state=failed retrans=3 last=3500",
    );
    check("0 A>B INVITE\n 0.1 B>A 100", "state=trying status=0");
    check(
        "0 A>B INVITE\n 0.1 B>A 100\n 0.2 B>A 183",
        "state=no_answer status=0 setup=200 ring=none end=none",
    );
    // The 2xx was lost by the capture, its ACK was not.
    check("0 A>B INVITE\n 0.2 B>A 180\n 2 A>B ACK to=b", "state=answered status=0 answered=none");
    check(
        "0 A>B INVITE\n 0.2 B>A 180\n 2 A>B ACK to=b\n 9 B>A BYE from=b to=a",
        "state=completed ended=callee talk=none end=9000",
    );
}

#[test]
fn while_captures_are_read_a_call_may_still_be_answered() {
    let mut a = Analysis::default();
    a.captures.push(ingest::capture());
    play(&mut a, "0 A>B INVITE");
    a.refresh();
    check_analysis(&a, "state=trying");
    play(&mut a, "0.2 B>A 180");
    a.refresh();
    check_analysis(&a, "state=ringing");
    a.captures[0].complete = true;
    a.refresh();
    check_analysis(&a, "state=no_answer setup=200");
}

use super::ingest;

#[test]
fn authentication_is_one_attempt() {
    let round = "
        0.0 A>P INVITE/1
        0.1 P>A 407 to=p
        0.2 A>P ACK to=p nack
        0.3 A>P INVITE/2";
    let answered = format!(
        "{round}\n 0.4 P>A 100\n 0.5 P>A 180\n 1.5 P>A 200\n 1.6 A>P ACK/2 to=b\n 3.5 A>P BYE/3 to=b"
    );
    check(&answered, "state=completed status=200 start=0 setup=500 ring=1000 talk=2000 forks=1 mid=false");
    let refused_again = format!("{round}\n 0.4 P>A 407 to=p\n 0.5 A>P ACK to=p nack");
    check(&refused_again, "state=rejected status=407 end=400 forks=0");
    let no_more = "0 A>P INVITE/1\n 0.1 P>A 401 to=p\n 0.2 A>P ACK to=p nack";
    check(no_more, "state=rejected status=401 forks=0");
    check(&format!("{round}\n 0.4 P>A 404 to=q"), "state=rejected status=404");
    check(round, "state=failed status=0");
    // A client that challenges itself into the same CSeq again.
    check(
        "0 A>P INVITE/1\n 0.1 P>A 401 to=p\n 0.3 A>P INVITE/1 branch=z9hG4bK-2\n 0.5 P>A 200",
        "state=answered status=200",
    );
}

#[test]
fn other_attempts_under_one_call_id() {
    check(
        "0 A>B INVITE/1\n 0.1 B>A 415\n 0.2 A>B ACK to=b nack\n 0.3 A>B INVITE/2\n 0.5 B>A 200 to=c",
        "state=answered status=200",
    );
    check(
        "0 A>B INVITE/1\n 0.1 B>A 180\n 0.2 B>A 302\n 0.3 A>C INVITE/2\n 0.5 C>A 486 to=c",
        "state=rejected status=486 setup=100",
    );
}

#[test]
fn the_next_server_is_asked_where_one_refuses() {
    // RFC 3263 §4.3: the same request but for its branch, so with the same CSeq.
    let next =
        "0 A>P INVITE/1\n 0.1 P>A 503 to=p\n 0.2 A>P ACK to=p nack\n 0.3 A>Q INVITE/1 branch=z9hG4bK-2";
    check(next, "state=failed status=0");
    check(
        &format!("{next}\n 0.4 Q>A 180\n 1 Q>A 200\n 1.1 A>Q ACK to=b"),
        "state=answered status=200 start=0 setup=400",
    );
    check(&format!("{next}\n 0.4 Q>A 486 to=q"), "state=rejected status=486");
    // What a proxy sends on after the failure of another branch is a copy, and the caller waits still.
    check(
        "0 A>P INVITE\n 0.1 P>B INVITE\n 0.2 B>P 503 to=b\n 0.3 P>C INVITE branch=z9hG4bK-2\n 0.4 C>P 200 to=c\n 0.5 P>A 603/1 to=c",
        "state=rejected status=603",
    );
}

#[test]
fn behind_a_forking_proxy_one_phone_answers_for_all() {
    let flow = "
        0.00 P>B INVITE
        0.01 P>C INVITE
        0.10 B>P 180 to=b
        0.20 C>P 180 to=c
        0.50 B>P 486 to=b
        0.51 P>B ACK to=b nack";
    check(flow, "state=rejected status=486 setup=100");
    let answered = format!("{flow}\n 3.00 C>P 200 to=c\n 3.10 P>C ACK to=c\n 9.00 C>P BYE from=c to=a");
    check(&answered, "state=completed status=200 setup=100 talk=6000 ended=callee forks=2 calls=1");
    // The other one is cancelled, and that is not how the call went.
    let elsewhere = "
        0.00 P>B INVITE
        0.01 P>C INVITE
        0.10 B>P 180 to=b
        3.00 C>P 200 to=c
        3.01 P>C ACK to=c
        3.02 P>B CANCEL
        3.03 B>P 200 for=CANCEL
        3.04 B>P 487 for=INVITE to=b
        3.05 P>B ACK to=b nack";
    check(elsewhere, "state=answered status=200 answered=3000");
}

#[test]
fn cancelled() {
    let ringing = "0 A>B INVITE\n 0.1 B>A 100\n 0.2 B>A 180\n 3 A>B CANCEL\n 3.1 B>A 200 for=CANCEL";
    check(
        &format!("{ringing}\n 3.2 B>A 487 for=INVITE\n 3.3 A>B ACK to=b nack"),
        "state=cancelled status=487 ended=caller end=3200 ring=3000",
    );
    check(ringing, "state=cancelled status=0 ended=caller end=3000 ring=none");
    check("0 A>B INVITE\n 1 A>B CANCEL", "state=cancelled end=1000");
    // CANCEL lost the race.
    check(
        &format!("{ringing}\n 3.2 B>A 200 for=INVITE\n 3.3 A>B ACK to=b"),
        "state=answered status=200 ended=none",
    );
    check(
        &format!("{ringing}\n 3.2 B>A 200 for=INVITE\n 3.3 A>B ACK to=b\n 3.4 A>B BYE/2 to=b"),
        "state=completed status=200 ended=caller talk=200",
    );
    // The callee had refused already.
    check("0 A>B INVITE\n 0.2 B>A 180\n 1 B>A 486\n 1.1 A>B CANCEL", "state=rejected status=486");
}

/// As kamailio does where nobody answers: 408 to the caller, CANCEL and 487 towards the callee.
const TIMED_OUT: &str = "
    0.00 A>P INVITE/1
    0.01 P>A 407 to=p
    0.02 A>P ACK to=p nack
    0.03 A>P INVITE/2
    0.04 P>A 100
    0.05 P>B INVITE/2
    0.20 B>P 180
    0.21 P>A 180
    12.0 P>A 408 to=q
    12.1 A>P ACK to=q nack
    12.2 P>B CANCEL/2
    12.3 B>P 200 for=CANCEL
    12.4 B>P 487 for=INVITE
    12.5 P>B ACK to=b nack";

#[test]
fn the_caller_hop_decides() {
    check(TIMED_OUT, "state=no_answer status=408 setup=210 ended=none end=12000 forks=1");
    // Only the hop behind the proxy was captured: that is the whole call then.
    let behind: String = TIMED_OUT.lines().filter(|l| l.contains('B')).map(|l| format!("{l}\n")).collect();
    check(&behind, "state=cancelled status=487 ended=caller setup=150");
    // Answers towards the caller are missing: the other hop tells.
    let one_way: String =
        TIMED_OUT.lines().filter(|l| !l.contains("P>A")).map(|l| format!("{l}\n")).collect();
    check(&one_way, "state=no_answer status=0 setup=200 ended=none");
    check(
        "0 A>P INVITE\n 0.1 P>B INVITE\n 0.2 B>P 180\n 1 B>P 200\n 1.1 P>B ACK to=b",
        "state=answered status=200 setup=200 answered=1000",
    );
}

#[test]
fn forks() {
    let flow = "
        0.00 A>P INVITE
        0.01 P>A 100
        0.02 P>B INVITE
        0.03 P>C INVITE
        0.10 B>P 180 to=b
        0.11 P>A 180/1 to=b
        0.20 C>P 183 to=c
        0.21 P>A 183/1 to=c
        0.50 B>P 486 to=b
        0.51 P>B ACK to=b nack
        3.00 C>P 200 to=c
        3.01 P>A 200/1 to=c
        3.10 A>P ACK to=c
        9.00 C>P BYE from=c to=a";
    check(flow, "state=completed status=200 setup=110 ring=2900 answered=3010 ended=callee forks=2 calls=1");
    let a = played(flow);
    let forks: Vec<_> =
        a.forks(CallIdx(0)).iter().map(|f| (a.text(f.to_tag).into_owned(), f.status)).collect();
    assert_eq!(forks, [("b".to_owned(), 486), ("c".to_owned(), 200)]);
    assert_eq!(a.message(a.forks(CallIdx(0))[1].message).time, 3_000_000_000);

    // Two endpoints answer; the caller keeps the first and hangs up on the second at once.
    let both = "
        0.0 A>P INVITE
        0.1 P>A 180 to=b epid=e1
        0.2 P>A 180 to=c epid=e2
        1.0 P>A 200 to=b epid=e1
        1.1 A>P ACK to=b
        1.2 P>A 200 for=INVITE to=c epid=e2
        1.3 A>P ACK to=c
        1.4 A>P BYE/2 to=c
        1.5 P>A 200 for=BYE to=c
        9.0 A>P BYE/3 to=b";
    check(both, "state=completed talk=8000 forks=2");
    let a = played(both);
    assert_eq!(a.text(a.forks(CallIdx(0))[1].epid), "e2");
}

#[test]
fn inside_the_dialog_nothing_changes_the_outcome() {
    let flow = format!(
        "
        {SIMPLE}
        3.0 A>B INVITE/2 to=b hold
        3.1 B>A 200 for=INVITE sdp
        3.2 A>B ACK/2 to=b
        4.0 B>A INVITE/1 from=b to=a sdp
        4.1 A>B 491 for=INVITE
        4.2 B>A ACK from=b to=a nack
        5.0 A>B UPDATE/3 to=b sdp
        5.1 B>A 488
        6.0 A>B INVITE/4 to=b sdp
        6.1 B>A 408
        7.2 B>A BYE/2 from=b to=a"
    );
    check(&flow, "state=completed status=200 answered=2200 talk=5000 ended=callee forks=1");
}

#[test]
fn starts_mid_call() {
    check(
        "0 B>A 180\n 1 B>A 200\n 1.1 A>B ACK to=b\n 3 A>B BYE/2 to=b",
        "mid=true state=completed status=200 setup=none ring=1000 talk=2000 ended=caller",
    );
    check("0 B>A 200", "mid=true state=answered status=200 answered=0");
    // A re-INVITE: the call stood before, when is not known.
    check(
        "0 A>B INVITE/7 to=b sdp\n 0.1 B>A 200 sdp",
        "mid=true state=answered status=0 answered=none talk=none",
    );
    check(
        "0 A>B INVITE/7 to=b sdp\n 0.1 B>A 488\n 4 B>A BYE from=b to=a",
        "mid=true state=completed status=0 end=4000 ended=callee",
    );
    // What came before the re-INVITE becomes part of the call.
    check(
        "0 A>B ACK to=b\n 1 A>B INFO/2 to=b\n 1.1 B>A 200\n 2 A>B INVITE/3 to=b\n 3 B>A BYE from=b to=a",
        "mid=true state=completed start=0 calls=1 dialogs=0",
    );
}

#[test]
fn file_order_is_not_time_order() {
    let lines: Vec<&str> = TIMED_OUT.lines().skip(1).collect();
    let in_order = played(TIMED_OUT).calls[0].summary;
    // Halves swapped; the script needs requests before their answers, so tell it the whole first.
    for split in 1..lines.len() {
        let mut a = Analysis::default();
        let mut b = Analysis::default();
        let all = play(&mut b, TIMED_OUT);
        for &m in all[split..].iter().chain(&all[..split]) {
            replay(&mut a, &b, m);
        }
        a.refresh();
        let shown = a.calls.iter().find(|c| c.messages.count > 0).unwrap_or_else(|| panic!("split {split}"));
        assert_eq!(CallSummary { reason: in_order.reason, ..shown.summary }, in_order, "split {split}");
        assert_eq!(a.text(shown.summary.reason), "R408");
        assert_eq!(a.calls.len(), 1);
        assert_eq!(a.dialogs_shown().count(), 0);
    }
}

/// Adds a message of another analysis under the same hashes.
fn replay(a: &mut Analysis, from: &Analysis, m: MsgIdx) {
    let r = *from.message(m);
    let flow = from.flow(r.flow);
    let tag = |hash: u32| if hash == 0 { String::new() } else { hash.to_string() };
    let (branch, from_tag, to_tag) = (tag(r.branch), tag(r.from_tag), tag(r.to_tag));
    let reason = from.text(r.reason).into_owned();
    let method = from.method(r.method).to_owned();
    let scan = callscope_parsers::sip::Scan {
        method: if r.is_request() { method.as_bytes() } else { b"" },
        status: r.status,
        reason: reason.as_bytes(),
        call_id: b"call-1",
        from: callscope_parsers::sip::NameAddrScan { tag: from_tag.as_bytes(), ..Default::default() },
        to: callscope_parsers::sip::NameAddrScan { tag: to_tag.as_bytes(), ..Default::default() },
        branch: branch.as_bytes(),
        cseq: r.cseq,
        cseq_method: method.as_bytes(),
        ..Default::default()
    };
    let Flow { src, dst, transport } = flow;
    let way = Way { frame: r.frame, parts: &[], time: r.time, src, dst, transport };
    a.add_message(&DecodedSip::new(&scan, b"", u64::from(m.0), way), r.bytes);
}

#[test]
fn who_opened_the_call_id() {
    // A call under a Call-ID that another method opened stands beside that dialog.
    let a = played(
        "0.0 A>B REGISTER\n 0.1 B>A 200\n 1.0 A>B INVITE/2\n 1.1 B>A 180\n 1.2 B>A 403\n 1.3 A>B BYE/3 to=b\n 1.4 B>A 200\n \
         2.0 A>B REGISTER/4\n 2.1 B>A 200",
    );
    assert_eq!((a.calls.len(), a.dialogs.len()), (1, 1));
    assert_eq!(a.calls[0].summary.state, CallState::Rejected);
    assert_eq!((a.calls[0].messages.count, a.calls[0].summary.start), (5, 1_000_000_000));
    assert_eq!((a.dialogs[0].messages.count, a.dialogs[0].summary.final_status), (4, 200));
    assert_eq!(a.messages_of(a.dialogs[0].messages).map(|m| m.0).collect::<Vec<_>>(), [0, 1, 7, 8]);
    // A lone request from inside a call stays a dialog …
    check_owner("0 A>B BYE to=b\n 0.1 B>A 200", 0, 1);
    check_owner("0 A>B ACK to=b", 0, 1);
    // … and what only stands before the INVITE in the file does not count.
    check_owner("1 A>B MESSAGE\n 0 A>B INVITE/2", 1, 0);
    check_owner("1 A>B MESSAGE to=b\n 2 B>A 200 for=INVITE", 1, 0);
}

#[track_caller]
fn check_owner(flow: &str, calls: usize, dialogs: usize) {
    let a = played(flow);
    assert_eq!((a.calls.len(), a.dialogs_shown().count()), (calls, dialogs));
    let owners: std::collections::HashSet<_> = a.messages.iter().map(|m| m.owner).collect();
    assert_eq!(owners.len(), 1, "one Call-ID, one owner");
    let list = a.list_of(*owners.iter().next().unwrap());
    assert_eq!(a.messages_of(list).count(), a.messages.len());
}

#[test]
fn names_and_software() {
    let flow = "
        0.0 A>P INVITE/1 agent=phone/1 user=alice callee=bob
        0.1 P>A 407 to=p agent=proxy/2
        0.3 A>P INVITE/2 agent=phone/1
        0.4 P>A 100 agent=proxy/2
        0.5 P>A 180 agent=desk/3
        1.5 P>A 200 agent=desk/4
        1.6 A>P ACK/2 to=b agent=phone/1";
    let a = played(flow);
    let call = &a.calls[0];
    assert_eq!(a.text(call.from_uri), "sip:alice@example.com");
    assert_eq!(a.text(call.to_uri), "sip:bob@example.com");
    assert_eq!(a.text(call.caller_agent), "phone/1");
    assert_eq!(a.text(call.callee_agent), "desk/4");
    // What a proxy says of itself is not the callee's name.
    let a = played("0 A>P INVITE\n 0.1 P>A 404 agent=proxy/2");
    assert_eq!(a.calls[0].callee_agent, Str(0));
}

#[test]
fn duplicates_and_retransmissions() {
    let flow = "
        0.000 A>B INVITE original
        0.001 A>B INVITE same dup
        0.500 A>B INVITE same
        0.600 B>A 180 original
        0.700 B>A 180 same
        0.800 C>B INVITE same
        2.000 B>A 200";
    let a = played(flow);
    assert_eq!((a.sip.messages, a.sip.duplicates, a.sip.retransmissions), (7, 1, 2));
    assert_eq!(a.sip.requests[usize::from(MethodId::INVITE.0)], 4);
    assert_eq!(a.sip.responses[&180], 2);
    let flags: Vec<u16> =
        a.messages.iter().map(|m| m.flags & (flag::RETRANSMISSION | flag::DUPLICATE)).collect();
    assert_eq!(flags, [0, 2, 1, 0, 1, 0, 0]);
    check_analysis(&a, "retrans=2");
}

#[test]
fn offers_and_answers() {
    let check = |flow: &str, expect: &[(usize, Option<usize>, &str)]| {
        let a = played(flow);
        let got: Vec<_> = a
            .offers(CallIdx(0))
            .iter()
            .map(|o| (o.offer.0 as usize, o.answer.map(|m| m.0 as usize), o.role.name()))
            .collect();
        assert_eq!(got, expect, "{flow}");
        assert_eq!(usize::from(a.calls[0].summary.offers), got.len());
    };
    check(SIMPLE, &[(0, Some(3), "initial")]);
    // An answer in a 183, repeated in the 200.
    check("0 A>B INVITE sdp\n 1 B>A 183 sdp\n 2 B>A 200 sdp", &[(0, Some(1), "early")]);
    // Every fork answers for itself.
    check(
        "0 A>B INVITE sdp\n 1 B>A 183 sdp to=b\n 2 B>A 183 sdp to=c\n 3 B>A 200 sdp to=d",
        &[(0, Some(1), "early"), (0, Some(2), "early"), (0, Some(3), "initial")],
    );
    // 183, PRACK and UPDATE before the call is answered.
    check(
        "0 A>B INVITE sdp\n 1 B>A 183 sdp\n 2 A>B PRACK/2 to=b\n 2.1 B>A 200\n 3 A>B UPDATE/3 to=b sdp\n 3.1 B>A 200 sdp\n 4 B>A 180/1\n 5 B>A 200/1",
        &[(0, Some(1), "early"), (4, Some(5), "early")],
    );
    // The offer comes in the 200, or in a 183 that PRACK answers.
    check("0 A>B INVITE\n 1 B>A 200 sdp\n 2 A>B ACK to=b sdp", &[(1, Some(2), "initial")]);
    check("0 A>B INVITE\n 1 B>A 183 sdp\n 2 A>B PRACK/2 to=b sdp", &[(1, Some(2), "early")]);
    // Over a proxy: what the offerer sent and got.
    check("0 A>P INVITE sdp\n 1 P>B INVITE sdp\n 2 B>P 200 sdp\n 3 P>A 200 sdp", &[(0, Some(3), "initial")]);
    // Hold is an update; a smaller set of candidates right after is the final offer.
    check(
        "0 A>B INVITE sdp\n 1 B>A 200 sdp\n 2 A>B INVITE/2 to=b hold\n 2.1 B>A 200 for=INVITE sdp",
        &[(0, Some(1), "initial"), (2, Some(3), "update")],
    );
    check(
        "0 A>B INVITE sdp cand=8\n 1 B>A 200 sdp cand=8\n 2 A>B INVITE/2 to=b sdp cand=2\n 2.1 B>A 200 for=INVITE sdp cand=2",
        &[(0, Some(1), "initial"), (2, Some(3), "final")],
    );
    // A challenge does not make two offers of one; a refusal leaves one without answer.
    check("0 A>B INVITE/1 sdp\n 1 B>A 407\n 2 A>B INVITE/2 sdp\n 3 B>A 488", &[(2, None, "initial")]);
}
