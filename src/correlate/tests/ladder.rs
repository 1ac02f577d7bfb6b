//! Events, hops, parties, transactions.

use crate::correlate::script::played;
use crate::correlate::*;

const CALL: Owner = Owner::Call(CallIdx(0));

const PROXIED: &str = "
    0.00 A>P INVITE
    0.01 P>A 100
    0.02 P>Q INVITE
    0.03 Q>P 100
    0.04 Q>B INVITE
    0.10 B>Q 180
    0.11 Q>P 180
    0.12 P>A 180
    1.00 B>Q 200
    1.01 Q>P 200
    1.02 P>A 200
    1.10 A>P ACK to=b
    1.11 P>Q ACK to=b
    1.12 Q>B ACK to=b
    3.00 B>A BYE from=b to=a
    3.10 A>B 200";

fn hops(flow: &str) -> Vec<Vec<u32>> {
    played(flow).events(CALL).iter().map(|e| e.hops.iter().map(|m| m.0).collect()).collect()
}

#[test]
fn one_message_on_several_hops_is_one_event() {
    let expect: &[&[u32]] = &[&[0, 2, 4], &[1], &[3], &[5, 6, 7], &[8, 9, 10], &[11, 12, 13], &[14], &[15]];
    assert_eq!(hops(PROXIED), expect);
}

#[test]
fn what_is_not_a_hop() {
    // Different answers of forks; the ACK of a refusal on each hop.
    let flow = "
        0.0 A>P INVITE
        0.1 P>B INVITE
        0.2 P>C INVITE
        0.3 B>P 180 to=b
        0.4 C>P 180 to=c
        0.5 P>A 180 to=b
        0.6 P>A 180 to=c
        0.7 B>P 486 to=b
        0.8 P>B ACK to=b nack
        0.9 P>A 486 to=b
        1.0 A>P ACK to=b nack";
    let expect: &[&[u32]] = &[&[0, 1, 2], &[3, 5], &[4, 6], &[7, 9], &[8], &[10]];
    assert_eq!(hops(flow), expect);
}

#[test]
fn repeats_belong_to_what_they_repeat() {
    let flow = "0 A>P INVITE original\n 0.1 P>B INVITE original\n 0.5 A>P INVITE same\n 0.6 P>B INVITE same\n 0.6001 P>B INVITE same dup";
    let a = played(flow);
    let events = a.events(CALL);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].hops, [MsgIdx(0), MsgIdx(1)]);
    assert_eq!(events[0].repeats, [MsgIdx(2), MsgIdx(3), MsgIdx(4)]);
}

#[test]
fn parties_in_path_order() {
    let check = |flow: &str, owner, expect: &str| {
        let got: Vec<String> = played(flow)
            .parties(owner)
            .iter()
            .map(|p| {
                let port = p.port.map_or(String::new(), |port| format!(":{port}"));
                format!("{}{port} {:?}", p.address, p.role)
            })
            .collect();
        assert_eq!(got.join(", "), expect);
    };
    check(PROXIED, CALL, "10.0.0.65 Caller, 10.0.0.80 Proxy, 10.0.0.81 Proxy, 10.0.0.66 Callee");
    check(
        "0 A>P INVITE\n 1 P>B INVITE\n 2 P>C INVITE\n 3 D>C INFO to=b",
        CALL,
        "10.0.0.65 Caller, 10.0.0.80 Proxy, 10.0.0.66 Callee, 10.0.0.67 Callee, 10.0.0.68 Other",
    );
    // On one machine ports tell the parties apart.
    check(
        "0 127.0.0.1:1>127.0.0.1:2 INVITE\n 1 127.0.0.1:2>127.0.0.1:3 INVITE",
        CALL,
        "127.0.0.1:1 Caller, 127.0.0.1:2 Proxy, 127.0.0.1:3 Callee",
    );
    check("0 A>B REGISTER\n 1 B>A 200", Owner::Dialog(DialogIdx(0)), "10.0.0.65 Client, 10.0.0.66 Server");
    // The capture begins with an answer: it went to the caller.
    check("1 B>A 180\n 2 B>A 200", CALL, "10.0.0.65 Caller, 10.0.0.66 Callee");
}

#[test]
fn transactions_pair_requests_and_answers() {
    let a = played(PROXIED);
    let t = a.transactions(CALL);
    assert_eq!(t[0].request, Some(MsgIdx(0)));
    assert_eq!(t[0].provisional, [MsgIdx(1), MsgIdx(7)]);
    assert_eq!(t[0].answer, Some(MsgIdx(10)));
    assert_eq!(t.len(), 3 + 3 + 1);
}
