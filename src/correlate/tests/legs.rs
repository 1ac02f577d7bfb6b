//! Legs of one call, and calls that only look like it.

use crate::correlate::script::{play, played};
use crate::correlate::*;

#[track_caller]
fn check(flow: &str, expect: &[(&str, &str, LinkReason)]) {
    let a = played(flow);
    let name = |c: CallIdx| a.text(a.call(c).call_id).into_owned();
    let got: Vec<_> = a.links.iter().map(|l| (name(l.from), name(l.to), l.by)).collect();
    let expect: Vec<_> = expect.iter().map(|(f, t, by)| ((*f).to_owned(), (*t).to_owned(), *by)).collect();
    assert_eq!(got, expect);
    for (i, link) in a.links.iter().enumerate() {
        for call in [link.from, link.to] {
            assert!(a.links_of(call).any(|l| *l == a.links[i]));
        }
    }
}

#[test]
fn said_outright() {
    use LinkReason::*;
    check(
        "0 A>B INVITE id=one\n 5 C>B INVITE id=two replaces=one;to-tag=b;from-tag=a",
        &[("two", "one", Replaces)],
    );
    check("0 A>B INVITE id=one\n 1 B>C INVITE id=two x=one", &[("two", "one", Header)]);
    // Named before it is met, and more than once.
    check(
        "0 B>C INVITE id=two x=one\n 0.1 C>D INVITE id=two x=one\n 1 A>B INVITE id=one",
        &[("two", "one", Header)],
    );
    check("0 A>B INVITE id=one x=one", &[]);
    check("0 A>B INVITE id=one x=unknown", &[]);
    check("0 A>B OPTIONS id=one\n 1 B>C INVITE id=two x=one", &[]);
}

#[test]
fn transfers() {
    use LinkReason::*;
    let call = "0 C>P INVITE id=one user=carol callee=bob\n 1 P>C 200 id=one";
    let refer = "2 P>C REFER id=one from=b to=a user=bob callee=carol refer=<sip:alice@example.com>";
    let asked = "2.2 C>P INVITE id=two user=carol callee=alice";
    check(&format!("{call}\n{refer}\n{asked}"), &[("one", "two", ReferTo)]);
    // Another caller, another target, or much later: no transfer.
    check(&format!("{call}\n{refer}\n 2.2 D>P INVITE id=two user=dave callee=alice"), &[]);
    check(&format!("{call}\n{refer}\n 2.2 C>P INVITE id=two user=carol callee=dave"), &[]);
    check(&format!("{call}\n{refer}\n 99 C>P INVITE id=two user=carol callee=alice"), &[]);
    // Attended: the REFER names the call to be replaced, and the new INVITE does.
    check(
        "0 A>B INVITE id=one\n 1 A>C INVITE id=two callee=carol\n 2 A>B REFER id=one to=b refer=<sip:carol@example.com?Replaces=two%3Bto-tag%3Dc>\n \
         3 B>C INVITE id=three user=bob callee=carol replaces=two;to-tag=c",
        &[("one", "two", ReferTo), ("three", "two", Replaces), ("one", "three", ReferTo)],
    );
}

#[test]
fn sessions_passing_through() {
    use LinkReason::*;
    // A back-to-back user agent X lets the SDP through.
    let through =
        "0 A>X INVITE id=one sdp=12345@10.0.0.65:4000\n 0.1 X>B INVITE id=two sdp=12345@10.0.0.65:4000";
    check(through, &[("two", "one", SdpSession), ("two", "one", MediaAddress)]);
    // It makes its own session but leaves the media alone.
    check(
        "0 A>X INVITE id=one sdp=12345@10.0.0.65:4000\n 0.1 X>B INVITE id=two sdp=99999@10.0.0.65:4000",
        &[("two", "one", MediaAddress)],
    );
    // Seen from a proxy in front of it.
    check(
        "0 A>P INVITE id=one sdp=12345@10.0.0.65:4000\n 0.1 P>X INVITE id=one sdp=12345@10.0.0.65:4000\n 0.2 X>B INVITE id=two sdp=1@10.0.0.65:4000",
        &[("two", "one", MediaAddress)],
    );
}

#[test]
fn what_calls_merely_share() {
    // The same phone calls twice with a session id it never changes.
    check(
        "0 A>B INVITE id=one sdp=53655765@10.0.0.65:6000\n 0.1 A>B INVITE id=two sdp=53655765@10.0.0.65:6000",
        &[],
    );
    // The same over two hops each.
    check(
        "0 A>R INVITE id=one sdp=53655765@10.0.0.65:6000\n 0.1 R>B INVITE id=one sdp=53655765@10.0.0.65:6000\n \
         0.2 A>R INVITE id=two sdp=53655765@10.0.0.65:6000\n 0.3 R>B INVITE id=two sdp=53655765@10.0.0.65:6000",
        &[],
    );
    // A port used again: by another machine's call, after the first was over, or long after.
    let first = "0 A>X INVITE id=one sdp=12345@10.0.0.9:4000\n 1 X>A 200 id=one\n 2 A>X BYE/2 id=one to=b";
    check(&format!("{first}\n 3 X>B INVITE id=two sdp=77777@10.0.0.9:4000"), &[]);
    check("0 A>X INVITE id=one sdp=12345@10.0.0.9:4000\n 99 X>B INVITE id=two sdp=77777@10.0.0.9:4000", &[]);
    check("0 A>X INVITE id=one sdp=12345@10.0.0.9:4000\n 0.1 C>D INVITE id=two sdp=77777@10.0.0.9:4000", &[]);
    // Media held, refused or nowhere.
    check("0 A>X INVITE id=one sdp=0@0.0.0.0:4000\n 0.1 X>B INVITE id=two sdp=0@0.0.0.0:4000", &[]);
    check("0 A>X INVITE id=one sdp=0@10.0.0.9:0\n 0.1 X>B INVITE id=two sdp=0@10.0.0.9:0", &[]);
}

#[test]
fn what_many_share_says_nothing() {
    let flow = |n: u32| -> String {
        (0..n)
            .map(|i| {
                format!(
                    "0.{i} 10.1.0.{i}:5060>10.1.0.{}:5060 INVITE id=c{i} sdp=12345@10.9.9.9:4000\n",
                    i + 1
                )
            })
            .collect()
    };
    assert!(!played(&flow(4)).links.is_empty());
    let a = played(&flow(9));
    assert!(a.links.is_empty(), "{:?}", a.links);
    assert_eq!(a.links_of(CallIdx(0)).count(), 0);
}

#[test]
fn calls_that_are_over_are_forgotten() {
    let mut a = Analysis::default();
    for i in 0..20_000u32 {
        let address = format!("10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255);
        play(
            &mut a,
            &format!("{i} A>B INVITE id=c{i} sdp={}@{address}:4000\n {i}.1 B>A 486 id=c{i}", 100_000 + i),
        );
    }
    a.refresh();
    assert!(a.links.is_empty());
    assert!(a.shared_values() < 1 << 15 && a.calls.len() == 20_000);
}
