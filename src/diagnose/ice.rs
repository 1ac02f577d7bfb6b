//! ICE: sessions that found no path, and why; and what is worth knowing of those that did.

mod facts;
mod rules;
mod why;

pub use facts::{IceTally, Sessions, failed_allocations};
use facts::{has_nothing_in_common, is_downgrade};
use rules::fault;
pub use why::why;

use super::{Family, Rule, Severity};

pub(super) const FAMILY: Family = Family {
    title: "ICE",
    rules: &[
        &NO_RELAY,
        &FINAL_REFUSED,
        &ROLE_CONFLICT,
        &NOT_NOMINATED,
        &ONE_WAY,
        &NO_PAIR,
        &NO_COMMON,
        &UNFINISHED,
        &FINAL_UNKNOWN,
        &MEDIA_ELSEWHERE,
        &RELAY_THOUGH_DIRECT,
        &DOWNGRADE,
    ],
};

pub static NO_RELAY: Rule = Rule {
    id: "ice-no-relay",
    severity: Severity::Warning,
    title: "a side of a call without a path offered no relay candidate",
    help: "Of a session that found no path: the SDP of a side has no relay candidate, all its own addresses are private, and no \
           attempt to get a relay is in the capture. An attempt that was refused or not answered is a finding of TURN.",
    advice: "Check that the client has a TURN server (or an A/V Edge by its media relay credentials) and may use it.",
    source: "RFC 8445 section 5.1.1; [MS-ICE2] section 3.1.4.1",
    check: rules::no_relay,
};

pub static FINAL_REFUSED: Rule = Rule {
    id: "ice-final-refused",
    severity: Severity::Error,
    title: "the final offer of ICE was refused",
    help: "The re-INVITE that names the chosen pair got an answer of 300 or more, and the session found no path.",
    advice: "The other side does not have the pair that the offer names, or is too busy with another offer (491): compare the \
             candidates of the final offer with those that were offered first.",
    source: "RFC 8839 section 4.4; [MS-ICE2] section 3.1.4.8.4",
    check: rules::final_refused,
};

pub static ROLE_CONFLICT: Rule = Rule {
    id: "ice-role-conflict",
    severity: Severity::Error,
    title: "both sides keep the same ICE role",
    help: "487 Role Conflict answers checks of a session that found no path. One that is repaired by a switch of roles is how it \
           goes, and never told.",
    advice: "Check who made the offer and whether something on the way (a session border controller) changed the SDP: after a 487 \
             one of the two has to give in.",
    source: "RFC 8445 section 7.3.1.1",
    check: rules::role_conflict,
};

pub static NOT_NOMINATED: Rule = Rule {
    id: "ice-not-nominated",
    severity: Severity::Error,
    title: "checks were answered, and no pair was settled on",
    help: "Pairs were checked with success, but none was nominated, named by a final offer, or carried media, although the call \
           (or without SDP the capture) goes on for 5 s after the last success.",
    advice: "The controlling side has to nominate: look at its log. A final offer that was lost or refused leads here with \
             Microsoft's clients.",
    source: "RFC 8445 section 8.1; [MS-ICE2] section 3.1.4.8",
    check: rules::not_nominated,
};

pub static ONE_WAY: Rule = Rule {
    id: "ice-one-way",
    severity: Severity::Error,
    title: "connectivity checks pass in one direction only",
    help: "Of a session that found no path: answers to a side's checks are in the capture, and it goes on asking. Where nothing is \
           answered, whoever asks, no candidate pair worked.",
    advice: "The answers are lost between the capture point and who asks: look for the firewall or NAT on that side, which has to let \
             answers back in.",
    source: "RFC 8445 section 7.2",
    check: rules::one_way,
};

pub static NO_PAIR: Rule = Rule {
    id: "ice-no-pair",
    severity: Severity::Error,
    title: "no candidate pair worked",
    help: "Checks were sent, the clients gave up trying (RFC 8445 timers, the end of the call), and not one pair succeeded. What \
           became of the pairs is told: not answered, refused, unreachable by ICMP, never checked. So it is where only one side's \
           checks are in the capture: those of the other are there only if they get through.",
    advice: "Where no check of one side arrives look for the firewall there: it has to let UDP out to the candidates. A path needs one common way: both on one network, a NAT that lets the answers in, or a relay on one side that the \
             other one reaches.",
    source: "RFC 8445 section 7.2.5",
    check: rules::no_pair,
};

pub static NO_COMMON: Rule = Rule {
    id: "ice-no-common",
    severity: Severity::Warning,
    title: "the candidates of the two sides make no pair",
    help: "Both descriptions of an answered call of 4 s or more have candidates, and no two of them are of one component, IP version and \
           transport (active with passive over TCP), so that nothing can be checked. Candidates whose address is a name are not \
           judged. A remark where media of the call is in the capture.",
    advice: "One side speaks IPv6 only, or TCP only: a relay that has both, or the other transport allowed in the client, gives the two a \
             path.",
    source: "RFC 8445 section 6.1.2.2; RFC 6544 section 4.2",
    check: rules::no_common,
};

pub static UNFINISHED: Rule = Rule {
    id: "ice-unfinished",
    severity: Severity::Warning,
    title: "the call ended before ICE was done",
    help: "The call was answered and ended, 4 s later or more, while checks were still going on, and no media was seen on any \
           pair. Shorter calls and calls that the end of the capture cuts off are not told.",
    advice: "The two heard nothing of each other in that time: see which pairs were being checked, and why the working one comes so \
             late.",
    source: "RFC 8445 section 14",
    check: rules::unfinished,
};

pub static FINAL_UNKNOWN: Rule = Rule {
    id: "ice-final-unknown",
    severity: Severity::Warning,
    title: "the final offer names a candidate that was not offered before",
    help: "The re-INVITE (or its answer) that names the chosen pair has an address that neither the offers before nor the checks \
           have. With a call that found no path it is an error.",
    advice: "A callee that lacks the pair fails the call: look whether a session border controller rewrites the SDP.",
    source: "[MS-ICE2] section 3.1.4.8.4; RFC 8839 section 4.4.2",
    check: rules::final_unknown,
};

pub static MEDIA_ELSEWHERE: Rule = Rule {
    id: "ice-media-elsewhere",
    severity: Severity::Info,
    title: "media takes another way than the chosen pair",
    help: "RTP was seen on a pair of the session other than the one that was nominated or named by the final offer, in more than \
           its first second.",
    advice: "Nothing has to be wrong: many clients send early and change over. Where one side hears nothing, compare the two ways.",
    source: "RFC 8445 section 12",
    check: rules::media_elsewhere,
};

pub static RELAY_THOUGH_DIRECT: Rule = Rule {
    id: "ice-relay-though-direct",
    severity: Severity::Info,
    title: "a relay is used although a direct pair worked",
    help: "The chosen pair goes through a relay, and a pair of the same component without one was answered before it was chosen.",
    advice: "Media makes a detour over the relay: see the priorities that the clients gave their candidates.",
    source: "RFC 8445 section 8.1.1",
    check: rules::relay_though_direct,
};

pub static DOWNGRADE: Rule = Rule {
    id: "ice-downgrade",
    severity: Severity::Info,
    title: "the older of two generations of ICE was agreed on",
    help: "The offer has candidates of draft-19 ([MS-ICE2]) and of draft-06 ([MS-ICE]), and the answer took draft-06.",
    advice: "The callee is an older client (Communicator 2007) or a gateway; expected beside one, worth a look beside newer ones.",
    source: "[MS-ICE2] section 3.1.4.2; [MS-SDPEXT] section 3.1.5.21",
    check: rules::downgrade,
};
