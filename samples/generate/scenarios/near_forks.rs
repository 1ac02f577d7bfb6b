//! Calls by a proxy that asks several phones or gateways: what one of them says is not how the call went.

use super::calls::{SDP, gateway, repeat, talk};
use super::{START, alice, at, bob, proxy};
use crate::call::{Call, Extra, Leg};
use crate::scene::{Party, Scene};

fn mobile() -> Party {
    Party { at: at("10.10.0.32:5060"), agent: "Litware Mobile/1.9", ..bob() }
}

fn voice_mail() -> Party {
    Party { at: at("10.10.0.50:5060"), agent: "Proseware Voice Mail 2.1", ..bob() }
}

/// The phone of this branch answers, its caller is told, and they talk for a moment.
fn answered(s: &mut Scene, c: &mut Call, leg: &Leg, port: u16, session: u64) {
    c.take(leg);
    c.back_to_invite();
    let to = c.to.clone();
    c.respond(s, 200, "OK", &Extra::body(SDP, talk(&to, port, session)));
    c.request(s, "ACK", false, &Extra::default());
}

fn hung_up(s: &mut Scene, c: &mut Call) {
    s.wait(4_000);
    c.bye(s);
    s.wait(2_000);
}

pub fn forked() -> Scene {
    let mut s = Scene::new(83, START);
    let o = |session: u64| Extra::body(SDP, talk(&alice(), 20_000 + (session % 100) as u16 * 2, session));
    let open = |s: &mut Scene, to: &Party, o: &Extra<'_>| {
        let mut c = Call::new(s, &alice(), to, Some(&proxy()));
        c.request(s, "INVITE", true, o);
        c.respond_over(s, 100, "Trying", &Extra::default(), 1);
        let leg = c.leg();
        (c, leg)
    };
    let none = Extra::default();

    // Bob's desk phone is busy, his softphone not there for calls; his mobile answers.
    let offered = o(830_010);
    let (mut c, desk) = open(&mut s, &bob(), &offered);
    let soft = c.fork(
        &mut s,
        &Party { at: at("10.10.0.33:5060"), agent: "Litware Softphone/2.7", ..bob() },
        &offered,
    );
    let mob = c.fork(&mut s, &mobile(), &offered);
    c.take(&desk);
    c.refuse(&mut s, 486, "Busy Here", &none);
    c.take(&soft);
    c.refuse(&mut s, 480, "Temporarily Unavailable", &none);
    c.take(&mob);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(2_900);
    answered(&mut s, &mut c, &mob, 30_010, 830_011);
    hung_up(&mut s, &mut c);

    // He declines at the desk and takes the call on his mobile in the same moment: the proxy's CANCEL meets the 200.
    let offered = o(830_020);
    let (mut c, desk) = open(&mut s, &bob(), &offered);
    let mob = c.fork(&mut s, &mobile(), &offered);
    s.wait(60);
    c.respond(&mut s, 180, "Ringing", &none);
    c.take(&desk);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(3_100);
    c.refuse(&mut s, 603, "Decline", &none);
    c.take(&mob);
    c.cancel_branch(&mut s, &none);
    c.respond(&mut s, 200, "OK", &Extra::body(SDP, talk(&mobile(), 30_020, 830_021)));
    c.answer_cancel(&mut s);
    c.request(&mut s, "ACK", false, &none);
    hung_up(&mut s, &mut c);

    // Both ring, the mobile answers, and the desk phone is told that it need not list the call as missed.
    let offered = o(830_030);
    let (mut c, desk) = open(&mut s, &bob(), &offered);
    let mob = c.fork(&mut s, &mobile(), &offered);
    s.wait(60);
    c.respond(&mut s, 180, "Ringing", &none);
    c.take(&desk);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(3_600);
    answered(&mut s, &mut c, &mob, 30_030, 830_031);
    c.take(&desk);
    c.back_to_invite();
    c.give_up(&mut s, &Extra::header("Reason", "SIP;cause=200;text=\"Call completed elsewhere\""));
    c.take(&mob);
    hung_up(&mut s, &mut c);

    // The desk phone is registered twice with the same address: it takes the first INVITE and refuses its twin. A tablet
    // that is switched off is still registered too: nothing comes back from there.
    let offered = o(830_040);
    let (mut c, desk) = open(&mut s, &bob(), &offered);
    c.fork(&mut s, &bob(), &offered);
    c.refuse(&mut s, 482, "Loop Detected", &none);
    let sent = s.frames.len();
    c.fork(&mut s, &Party { at: at("10.10.0.34:5060"), ..mobile() }, &offered);
    c.take(&desk);
    c.respond(&mut s, 180, "Ringing", &none);
    repeat(&mut s, sent, &[490, 1_000, 2_000]);
    s.wait(300);
    answered(&mut s, &mut c, &desk, 30_040, 830_041);
    hung_up(&mut s, &mut c);

    // Nobody takes it for twenty seconds; the proxy sends the call on to Bob's voice mail.
    let offered = o(830_060);
    let (mut c, _) = open(&mut s, &bob(), &offered);
    s.wait(80);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(20_000);
    c.give_up(&mut s, &none);
    c.respond_over(&mut s, 181, "Call Is Being Forwarded", &none, 1);
    let sent_on = offered.and("Diversion", "<sip:bob@contoso.com>;reason=no-answer");
    let mail = c.fork(&mut s, &voice_mail(), &sent_on);
    s.wait(30);
    answered(&mut s, &mut c, &mail, 30_060, 830_061);
    hung_up(&mut s, &mut c);

    // Out of the house: the first gateway has no line, the second may not call that number, the third does.
    let offered = o(830_070);
    let line = |n: u8, agent| Party {
        user: "+14255550188",
        at: at(&format!("10.10.0.4{n}:5060")),
        agent,
        ..gateway()
    };
    let (mut c, _) = open(&mut s, &line(0, gateway().agent), &offered);
    c.refuse(&mut s, 503, "Service Unavailable", &Extra::header("Retry-After", "60"));
    c.fork(&mut s, &line(1, gateway().agent), &offered);
    c.refuse(&mut s, 403, "Forbidden", &none);
    let third = c.fork(&mut s, &line(2, "Fabrikam Gateway 3.0"), &offered);
    s.wait(900);
    c.respond(&mut s, 183, "Session Progress", &Extra::body(SDP, talk(&c.to.clone(), 30_070, 830_071)));
    s.wait(2_400);
    answered(&mut s, &mut c, &third, 30_070, 830_071);
    hung_up(&mut s, &mut c);

    // Phone and voice mail answer at once; Alice's phone acknowledges both and hangs up on the voice mail.
    let offered = o(830_080);
    let (mut c, desk) = open(&mut s, &bob(), &offered);
    s.wait(80);
    c.respond(&mut s, 180, "Ringing", &none);
    s.wait(9_900);
    let mail = c.fork(&mut s, &voice_mail(), &offered);
    answered(&mut s, &mut c, &desk, 30_080, 830_081);
    answered(&mut s, &mut c, &mail, 30_082, 830_082);
    c.bye(&mut s);
    c.take(&desk);
    s.wait(34_000);
    c.bye(&mut s);
    s
}
