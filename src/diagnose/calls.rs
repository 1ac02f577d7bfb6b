//! Calls: why no answer came, what the answer that ended them means, and what went wrong while they were up.

mod during;
pub mod forwarding;
mod lost;
mod offer;
mod outcome;
mod repeated;
mod setup;
mod told;
mod transactions;
mod walk;

pub(super) use during::{Fault, faults};
pub use outcome::{answer_of, opening_invite, ring_words, words};
pub(super) use outcome::{say_diagnostics, troubles};

use super::{Family, Rule, Severity};
use crate::correlate::CallIdx;

/// A call that did not come about, and the rule that says why.
pub type Trouble = (CallIdx, &'static Rule);

pub(super) const FAMILY: Family = Family {
    title: "Calls",
    rules: &[
        // It may be why nothing answers an INVITE.
        &NAT_EXPIRED,
        &NO_RESPONSE,
        &UNREACHABLE,
        &CONNECTION_LOST,
        &TLS_ALERT,
        &NO_FINAL,
        &AUTH_FAILED,
        &MEDIA_REFUSED,
        &LOOP,
        &SERVER_ERROR,
        &TIMEOUT,
        &NOT_FOUND,
        &FORBIDDEN,
        &UNAVAILABLE,
        &DIALOG_UNKNOWN,
        &REFUSED,
        &BUSY,
        &DECLINED,
        &NOT_ANSWERED,
        &ANSWERED_ELSEWHERE,
        &CANCELLED,
        &REDIRECTED,
        &FORWARDED,
        &PRIVATE_CONTACT,
        // It may be why a call was dropped.
        &SESSION_EXPIRED,
        &DROPPED,
        &ACK_LOST,
        &REQUEST_UNANSWERED,
        &REQUEST_REFUSED,
        &TRANSFER_FAILED,
        &FORK_LOST,
        &CANCEL_CROSSED,
        &SLOW_SETUP,
        &REPEATED,
        &GLARE,
    ],
};

// Rules about the outcome of a call have all the same check.
rules! {
    outcome::tell;
    NO_RESPONSE "call-no-response" Error "INVITE without any answer",
        "Not one answer to the INVITE is in the capture, not even 100 Trying, although it goes on for the 32 s that an INVITE \
         waits (Timer B), and no ICMP error or reset says why. A call that the end of the capture overtakes is not told.",
        "Check that the machine that the INVITE went to is up and listens there, and that no firewall on the way drops the \
         INVITE or its answers; a capture at that machine tells which of the two it is.",
        "RFC 3261 section 17.1.1.2";
    UNREACHABLE "call-unreachable" Error "INVITE met an ICMP error",
        "An ICMP error quotes the INVITE (or one of its flow, at once after it), and no answer came.",
        "Port unreachable: nothing listens on that port of the machine. Host or network unreachable: the machine is down or \
         there is no way to it. Prohibited: a firewall refuses it. Look at the machine that sent the error.",
        "RFC 792; RFC 4443; RFC 3261 section 18.4";
    CONNECTION_LOST "call-connection-lost" Error "TCP connection refused or lost before the answer",
        "The connection that the INVITE was sent on was reset or closed before a final answer came.",
        "Check that the server listens on that port, and its log for why it closed the connection; a load balancer or firewall \
         that forgets idle connections does the same.",
        "RFC 3261 section 18.4";
    TLS_ALERT "call-tls-alert" Error "SIP in clear sent to a TLS port",
        "A TLS alert came back where a SIP answer was expected: the port speaks TLS and the client does not.",
        "Set the client to TLS, or give it the port for TCP (5060 by default).",
        "RFC 8446 section 6";
    NO_FINAL "call-no-final" Warning "no final answer",
        "Only 100 Trying (or nothing that rings) came, and the capture goes on for 3 minutes (Timer C) without a final answer.",
        "The machine that is named took the call and never said what became of it: look at its log, and at what stands behind it.",
        "RFC 3261 section 16.8";
    AUTH_FAILED "call-auth-failed" Error "credentials never accepted",
        "The last answer to the INVITE is 401 or 407. A challenge that a further attempt with credentials got past is how it \
         goes, and never told.",
        "Check user name and password, the realm they are for, and the clocks of both machines.",
        "RFC 3261 section 22";
    MEDIA_REFUSED "call-media-refused" Error "the offered media was refused",
        "The final answer is 415, 488 or 606 (or 580): the other side cannot take the offer. The offer is compared with what the \
         answer says: encryption, codecs, body types.",
        "Compare the codecs and the encryption that both sides allow.",
        "RFC 3261 sections 21.4.13, 21.4.26 and 21.6.4; RFC 3264";
    LOOP "call-loop" Error "the call went round in a loop",
        "The final answer is 482 Loop Detected or 483 Too Many Hops.",
        "Two servers send the call to one another: compare the routes for this number or domain on each machine that had the \
         call more than once.",
        "RFC 3261 sections 16.3, 21.4.21 and 21.4.20";
    SERVER_ERROR "call-server-error" Error "a server failed",
        "The final answer is 5xx. What ms-diagnostics, Warning and Retry-After say stands with it.",
        "Look at the log of the server that gave the answer, at the time of the answer.",
        "RFC 3261 section 21.5";
    TIMEOUT "call-timeout" Error "nobody behind the server answered",
        "The final answer is 408 (or 504 was not given) and the call never rang: a server waited in vain for the next one.",
        "Check that the callee's device is registered where it can be reached now: a stale registration or a NAT that forgot \
         the device leads here.",
        "RFC 3261 section 21.4.9";
    NOT_FOUND "call-not-found" Warning "the callee is not known",
        "The final answer is 404, 410, 414, 416, 484, 485 or 604.",
        "Check the number or address that was dialled, whether the callee is registered, and the rules that translate numbers.",
        "RFC 3261 section 21.4.5";
    FORBIDDEN "call-forbidden" Warning "the call is not allowed",
        "The final answer is 403, or another that refuses for policy (405, 421, 423, 428, 433, 436 to 438, 494, 513, 607, 608).",
        "Look at the policy of the caller, and at what the answer says of why (Warning, Reason, ms-diagnostics).",
        "RFC 3261 section 21.4.4; RFC 8197";
    UNAVAILABLE "call-unavailable" Warning "the callee is not reachable now",
        "The final answer is 480 and the call never rang. Do not disturb (Warning 391) is told as info.",
        "Check that the callee is signed in, and what the answer says of why (Warning, Reason, ms-diagnostics).",
        "RFC 3261 section 21.4.18";
    DIALOG_UNKNOWN "call-dialog-unknown" Warning "the call that was to be replaced is not there",
        "The final answer to a new INVITE is 481: it names a dialog (Replaces, Join) that the other side does not have.",
        "The call that was to be taken over had ended, or the request went to another machine than the one that has it.",
        "RFC 3891 section 3";
    REFUSED "call-refused" Warning "the call was refused",
        "The final answer is another 4xx or 6xx.",
        "See the reason phrase, ms-diagnostics and Warning of the answer.",
        "RFC 3261 section 21";
    BUSY "call-busy" Info "the callee was busy",
        "The final answer is 486 or 600.",
        "Nothing is wrong with the network, unless it rang first: a client that gets no media path may say it too. Capture at its \
         side, and look whether it asks its STUN or TURN server in vain.",
        "RFC 3261 sections 21.4.24 and 21.6.1";
    DECLINED "call-declined" Info "the callee declined",
        "The final answer is 603.",
        "Nothing is wrong with the network; the callee, or a rule of it, refused the call.",
        "RFC 3261 section 21.6.2";
    NOT_ANSWERED "call-not-answered" Info "it rang and nobody answered",
        "The call rang, and then 408 or 480 came, or nothing final.",
        "Nothing is wrong with the signalling; the callee's phone rang.",
        "RFC 3261 section 21.4.9";
    ANSWERED_ELSEWHERE "call-answered-elsewhere" Info "another phone answered",
        "The CANCEL of a branch says that the call was completed elsewhere (Reason: SIP;cause=200), and no other answer is in the \
         capture.",
        "Nothing is wrong: several phones rang, and one of the others answered.",
        "RFC 3326 section 2";
    CANCELLED "call-cancelled" Info "the caller gave up",
        "CANCEL won, or 487 ended the call.",
        "Nothing is wrong with the signalling.",
        "RFC 3261 section 9; RFC 3326";
    REDIRECTED "call-redirected" Info "the call was sent elsewhere",
        "The final answer is 3xx, and no call to where it sent the caller follows under the same Call-ID.",
        "Check that the caller's client follows redirections, and the address it was sent to.",
        "RFC 3261 section 21.3";
}

pub static FORWARDED: Rule = Rule {
    id: "call-forwarded",
    severity: Severity::Info,
    title: "the call had been sent on",
    help: "Diversion, History-Info or Referred-By of the INVITE of a call that came to nothing, or 181 before its final answer, say who \
           sent it on and why: it may never have rung where the caller thought.",
    advice: "Look at the call-forwarding and response-group settings of who sent it on.",
    source: "RFC 5806; RFC 7044; RFC 3892; RFC 3261 section 21.1.3",
    check: forwarding::tell,
};

pub static SLOW_SETUP: Rule = Rule {
    id: "call-slow-setup",
    severity: Severity::Warning,
    title: "it took long until the phone rang",
    help: "From the first INVITE to the first 18x passed 10 s or more, without what the caller's client takes to answer a \
           challenge (its user is asked for a password). Where several hops are captured each one's share is told.",
    advice: "Look at the machine that took the longest: what it asks of others (DNS, SQL Server, a gateway) before it goes on.",
    source: "ITU-T E.721 (post-selection delay): 8 s to 11 s for the longest of calls",
    check: setup::slow,
};

pub static REPEATED: Rule = Rule {
    id: "call-retransmissions",
    severity: Severity::Warning,
    title: "messages of a call are sent again and again",
    help: "Of a call eight messages or more, and a third of all, are repetitions, and nothing else that is told of it says why (no answer \
           at all, a lost ACK, a request without an answer). A few repetitions repair what the network loses and are never told.",
    advice: "Answers get lost or come late on the hop that is named: look for loss there (the media of the call may show it), for datagrams \
             too large for it, and for a server that is overloaded.",
    source: "RFC 3261 sections 17.1.1.2 and 17.1.2.2 (T1 of 500 ms)",
    check: repeated::tell,
};

// Rules about calls that are up have all the same check.
rules! {
    told::tell;
    PRIVATE_CONTACT "call-private-contact" Error "a client behind a NAT asks to be reached at its private address",
        "A request inside of the call, or the ACK, was lost, and the Contact (or the first Record-Route) that it follows names a \
         private address, although the messages of that side come from a public one. A private Contact alone does no harm and \
         is never told.",
        "Let the server repair the Contact of clients behind NAT (received, rport, outbound), or let the client learn its public \
         address.",
        "RFC 3261 section 12.2.1.1; RFC 5626; RFC 3581";
    NAT_EXPIRED "call-nat-expired" Warning "a NAT has forgotten where a client is",
        "A request over UDP (the INVITE of a call that came to nothing too) got no answer; from the address that it went to nothing \
         had come for 30 s, and after it the same user speaks from another port of that machine or NAT, which was not known before.",
        "Let the client send keep-alives more often than the NAT forgets (RFC 5626: 24 to 29 s over UDP), or use TCP.",
        "RFC 4787 REQ-5; RFC 5626 section 4.4.2";
    DROPPED "call-dropped" Error "a call was dropped, and the BYE says why",
        "The BYE bears ms-client-diagnostics that are not informational (22 and 23: no media path), or a Reason that tells of a \
         failure (Q.850 resources, networks, protocols; SIP 408, 481, 488, 5xx). Normal clearing (16) is never told.",
        "The reason says which side gave up and why; without a media path look at ICE and the relays.",
        "[MS-OCER] section 2.2; RFC 3326; ITU-T Q.850";
    SESSION_EXPIRED "call-session-expired" Error "a call was dropped because nobody refreshed its session",
        "Session-Expires was agreed on, no re-INVITE or UPDATE succeeded in that time, and the BYE came (within 2 s) when the session \
         ran out, or a third of it (32 s at most) before.",
        "Look at the side that was to refresh: it has to send re-INVITE or UPDATE at half of the time, and that may be lost on the way.",
        "RFC 4028 section 10";
    ACK_LOST "call-ack-lost" Error "the ACK of an answered call gets lost",
        "The 2xx to an INVITE was sent three times or more and no ACK with its tags is in the capture, or it is repeated twice or \
         more half a second after the ACK. An error where the call then ended after 32 s.",
        "The ACK goes to the Contact of the answer through the Record-Route: check that both lead back to the callee.",
        "RFC 3261 sections 13.2.2.4 and 13.3.1.4";
    REQUEST_UNANSWERED "call-request-unanswered" Warning "a request inside of a call got no answer",
        "re-INVITE, UPDATE, BYE, INFO or another request inside of the dialog has no final answer, although the capture goes on for \
         32 s and shows both directions.",
        "The other side is gone, or not reachable at its Contact: see where the request was sent.",
        "RFC 3261 sections 12.2 and 17.1.2.2";
    REQUEST_REFUSED "call-request-refused" Warning "a request inside of a call was refused",
        "re-INVITE, UPDATE, INFO, PRACK or BYE was answered with 300 or more. Challenges, 422, 487, 491, and 481 to a BYE that \
         crossed another, are how it goes and never told; it is a remark where a later one succeeded.",
        "488 and 415: the change of media (hold, fax, final candidates) is not taken; 481: the other side does not know the call \
         any more.",
        "RFC 3261 section 12.2.2";
    TRANSFER_FAILED "call-transfer-failed" Warning "a transfer failed",
        "REFER was answered with 300 or more, or the last NOTIFY about it (message/sipfrag) says so.",
        "Look at the call to the target that the REFER led to; the transferor should have taken the call back.",
        "RFC 3515 section 2.4.5; RFC 5589";
    FORK_LOST "call-fork-lost" Warning "a second phone answered and was forgotten",
        "Two 2xx with different tags came back for one INVITE, and for one of them no ACK followed, or no BYE in 32 s. Not told \
         where the caller hung up on the first within 4 s: the second is the call then.",
        "Look at the proxy that forks (it should cancel the others in time) and at the caller's client.",
        "RFC 3261 section 13.2.2.4";
    CANCEL_CROSSED "call-cancel-crossed" Warning "the call was given up at the moment it was answered",
        "The CANCEL of an INVITE that was answered with 2xx all the same. A remark where the caller hung up with a BYE, as it has to; \
         not where the callee had to.",
        "A caller that sends no BYE leaves the callee in a call that nobody is in: look at its client.",
        "RFC 3261 section 9.1";
    GLARE "call-glare" Warning "both sides changed the call at once",
        "re-INVITE or UPDATE was answered with 491. A remark where it came once, or where it was tried again with success.",
        "Each side waits a random time and tries again; where it never succeeds look at the clients' timers.",
        "RFC 3261 sections 14.1 and 21.4.27";
}
