//! Calls: why no answer came, what the answer that ended them means, and what went wrong while they were up.

mod outcome;
mod walk;

pub(super) use outcome::troubles;
pub use outcome::{answer_of, opening_invite, words};

use super::{Family, Rule, Severity};
use crate::correlate::CallIdx;

/// A call that did not come about, and the rule that says why.
pub type Trouble = (CallIdx, &'static Rule);

pub(super) const FAMILY: Family = Family {
    title: "Calls",
    rules: &[
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
        &CANCELLED,
        &REDIRECTED,
    ],
};

/// Rules about the outcome of a call have all the same check.
macro_rules! outcome_rules {
    ($($(#[$doc:meta])* $name:ident $id:literal $severity:ident $title:literal, $help:literal, $advice:literal, $source:literal;)*) => {
        $($(#[$doc])* pub static $name: Rule = Rule {
            id: $id,
            severity: Severity::$severity,
            title: $title,
            help: $help,
            advice: $advice,
            source: $source,
            check: |context, out| outcome::tell(context, out, &$name),
        };)*
    };
}

outcome_rules! {
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
        "The first server took the call and never said what became of it: look at the server behind it and at its log.",
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
        "Two servers send the call to one another: compare the routes for this number or domain on each machine that the Via \
         lines name.",
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
        "Look at the policy of the caller and at what ms-diagnostics says.",
        "RFC 3261 section 21.4.4; RFC 8197";
    UNAVAILABLE "call-unavailable" Warning "the callee is not reachable now",
        "The final answer is 480 and the call never rang. Do not disturb (Warning 391) is told as info.",
        "Check that the callee is signed in, and what ms-diagnostics says.",
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
        "Nothing is wrong with the network. A client that has no media path may say it too: look whether it asked for a relay \
         in vain.",
        "RFC 3261 sections 21.4.24 and 21.6.1";
    DECLINED "call-declined" Info "the callee declined",
        "The final answer is 603.",
        "Nothing is wrong with the network; the callee, or a rule of it, refused the call.",
        "RFC 3261 section 21.6.2";
    NOT_ANSWERED "call-not-answered" Info "it rang and nobody answered",
        "The call rang, and then 408 or 480 came, or nothing final.",
        "Nothing is wrong with the signalling; the callee's phone rang.",
        "RFC 3261 section 21.4.9";
    CANCELLED "call-cancelled" Info "the caller gave up",
        "CANCEL won, or 487 ended the call. A branch that was cancelled because another phone answered says so (Reason).",
        "Nothing is wrong with the signalling.",
        "RFC 3261 section 9; RFC 3326";
    REDIRECTED "call-redirected" Info "the call was sent elsewhere",
        "The final answer is 3xx, and no call to where it sent the caller follows under the same Call-ID.",
        "Check that the caller's client follows redirections, and the address it was sent to.",
        "RFC 3261 section 21.3";
}
