//! The captures themselves: what is missing from them, damaged, seen from one side only, or encrypted, so that nobody takes a
//! hole in the capture for a hole in the network.

mod order;
mod tls;

use callscope_parsers::sip::parse_message;

pub use order::{Ahead, ahead, one_sided};

use super::{Context, Draft, Family, Findings, Rule, Severity, Subject};
use crate::capture::{CaptureId, CaptureIssue, FrameRef};
use crate::correlate::{
    Accounting, Analysis, CallIdx, CallState, CaptureSummary, DialogState, MethodId, Owner, SipRecord, flag,
};
use crate::show;

pub(super) const FAMILY: Family = Family {
    title: "Captures",
    rules: &[
        &CUT,
        &DAMAGED,
        &READ_ERROR,
        &SNAPLEN,
        &TCP_GAPS,
        &DROPS,
        &ONE_SIDED,
        &CLOCK,
        &LIMIT,
        &OUT_OF_STEP,
        &FRAGMENTS,
        &MALFORMED,
        &SIP_MALFORMED,
        &NO_CALL_ID,
        &REPEATED,
        &TLS_FAILED,
        &ENCRYPTED,
        &DUPLICATED,
        &MID_CALL,
        &REMARKS,
    ],
};

pub static CUT: Rule = Rule {
    id: "capture-cut",
    severity: Severity::Warning,
    title: "a capture file ends too soon",
    help: "The file ends inside a record or a compressed stream. All before it was read.",
    advice: "Copy the file again, or let the capturing tool close it before it is copied; what came later is not in it.",
    source: "the file formats: pcap, pcapng (draft-ietf-opsawg-pcapng), snoop (RFC 1761), Network Monitor",
    check: |context, out| issues(context, out, &CUT),
};

pub static DAMAGED: Rule = Rule {
    id: "capture-damaged",
    severity: Severity::Warning,
    title: "a capture file is damaged",
    help: "A record or block has lengths or contents that cannot be; reading went on at the next one that can.",
    advice: "Copy the file again (binary, not as text); frames between the damage and the next good record are lost.",
    source: "the file formats: pcap, pcapng (draft-ietf-opsawg-pcapng), snoop (RFC 1761), Network Monitor",
    check: |context, out| issues(context, out, &DAMAGED),
};

pub static READ_ERROR: Rule = Rule {
    id: "capture-read-error",
    severity: Severity::Warning,
    title: "a capture could not be read to its end",
    help: "The operating system refused to read on, or there was no room to keep a message that was put together.",
    advice: "Look at the disk and at the rights on the file; room for temporary files is needed where messages are reassembled.",
    source: "the error of the operating system",
    check: |context, out| issues(context, out, &READ_ERROR),
};

pub static SNAPLEN: Rule = Rule {
    id: "capture-snaplen",
    severity: Severity::Warning,
    title: "frames were cut while capturing",
    help: "The capture holds fewer bytes of a frame than were on the wire, and what is missing would have been needed.",
    advice: "Capture whole frames: no snap length (tcpdump -s 0), or at least 65 535 bytes.",
    source: "the lengths that the capture gives for each frame",
    check: |context, out| accounts(context, out, &SNAPLEN),
};

pub static TCP_GAPS: Rule = Rule {
    id: "capture-tcp-gaps",
    severity: Severity::Warning,
    title: "bytes of TCP connections with SIP are missing",
    help: "A hole in the sequence numbers of a connection that carries SIP was never filled by a retransmission, although later \
           bytes were acknowledged or followed: the capture lost them, not the network. A message in it is lost to the analysis.",
    advice: "The capturing machine was too slow or a mirror port dropped frames: use a capture filter, a larger buffer, or a tap.",
    source: "RFC 9293 section 3.4",
    check: |context, out| issues(context, out, &TCP_GAPS),
};

pub static DROPS: Rule = Rule {
    id: "capture-drops",
    severity: Severity::Warning,
    title: "the capturing machine dropped packets",
    help: "The interface statistics in the capture count drops: a warning from one in a thousand frames on, else a remark.",
    advice: "Use a capture filter or a larger buffer: loss that the analysis shows may be the capture's own.",
    source: "pcapng interface statistics block (isb_ifdrop, isb_osdrop)",
    check: |context, out| issues(context, out, &DROPS),
};

pub static ONE_SIDED: Rule = Rule {
    id: "capture-one-sided",
    severity: Severity::Warning,
    title: "only one direction of the SIP traffic was captured",
    help: "Of two dialogs or more, and of most of them, every message goes one way although the other direction must have been \
           there: answers without their requests, or ACKs without the answers that they acknowledge.",
    advice: "Check the mirror port (both directions), the capture filter, and routes on which packets come back another way.",
    source: "RFC 3261 section 17: an answer follows its request, an ACK an answer",
    check: order::tell_one_sided,
};

pub static CLOCK: Rule = Rule {
    id: "capture-clock-jump",
    severity: Severity::Warning,
    title: "the clock of a capture jumps",
    help: "The time of a frame is more than a second before that of one that the same interface captured earlier; files that were \
           joined without sorting, or written out of order, look the same. Ahead: media of two machines or more stands still for 2 s or \
           more, all of it from the same frames on and for as long within 20 ms, while nobody's clock or numbers went on. Of two \
           streams only it is a remark.",
    advice: "Durations across the jump are wrong, and so are holes of media there. Set the clock of the capturing machine by slewing (chrony, ntpd -x). Sort the file by time (reordercap, mergecap) if it was joined of several.",
    source: "the times that the capture gives for each frame",
    check: order::clock,
};

pub static LIMIT: Rule = Rule {
    id: "capture-limit",
    severity: Severity::Warning,
    title: "a limit of callscope was reached",
    help: "More of something than is kept, or a frame, message or stream larger than is taken in. What is beyond is counted.",
    advice: "Raise the limit that is named (--limits NAME=VALUE; `callscope --help` lists them), or filter the capture first.",
    source: "callscope",
    check: |context, out| limits(context, out),
};

pub static OUT_OF_STEP: Rule = Rule {
    id: "capture-out-of-step",
    severity: Severity::Warning,
    title: "a TCP connection could not be followed to its end",
    help: "The lengths inside of a connection (WebSocket frames, STUN or DNS over TCP) do not lead to a next message any more.",
    advice: "Bytes are missing before, or something else is spoken there: see the frame.",
    source: "RFC 6455 section 5.2; RFC 8489 section 6.2.2; RFC 1035 section 4.2.2",
    check: |context, out| issues(context, out, &OUT_OF_STEP),
};

pub static FRAGMENTS: Rule = Rule {
    id: "capture-fragments",
    severity: Severity::Warning,
    title: "pieces of fragmented datagrams are missing",
    help: "IP fragments whose other pieces are not in the capture: a capture filter on ports drops all but the first piece, and so \
           do some firewalls.",
    advice: "Capture without a filter on ports, or add \"or (ip[6:2] & 0x1fff != 0)\". If the pieces are lost on the way, SIP over \
             UDP is too large for it: use TCP.",
    source: "RFC 791 section 3.2; RFC 3261 section 18.1.1",
    check: |context, out| accounts(context, out, &FRAGMENTS),
};

pub static MALFORMED: Rule = Rule {
    id: "capture-malformed-frames",
    severity: Severity::Warning,
    title: "frames with damaged headers",
    help: "Headers below SIP (Ethernet, IP, UDP, TCP) have lengths that cannot be.",
    advice: "A tool that cut or changed the frames is the usual cause: capture again.",
    source: "RFC 791, RFC 8200, RFC 768, RFC 9293",
    check: |context, out| accounts(context, out, &MALFORMED),
};

pub static SIP_MALFORMED: Rule = Rule {
    id: "sip-malformed",
    severity: Severity::Warning,
    title: "SIP messages that break the rules",
    help: "Messages that a full reading reports issues of; those that the capture cut are not told. A remark where all that they \
           were about went well nevertheless.",
    advice: "Each message lists what is wrong with it (filter: malformed): look at the software that sent it.",
    source: "RFC 3261 section 25",
    check: sip_malformed,
};

pub static NO_CALL_ID: Rule = Rule {
    id: "capture-unknown-call",
    severity: Severity::Warning,
    title: "messages of which it is not known to which call they belong",
    help: "The message ends before its Call-ID does, and neither tags nor branch join it with one that is whole.",
    advice: "Capture whole frames: no snap length (tcpdump -s 0).",
    source: "RFC 3261 section 8.1.1.4",
    check: unknown_call,
};

pub static REPEATED: Rule = Rule {
    id: "sip-retransmissions",
    severity: Severity::Warning,
    title: "SIP messages are sent again and again",
    help: "Of the messages from one machine to another a fifth or more, and 50 at least, are repetitions, although the other machine \
           is heard of. One that never says a word is told with the calls it does not answer.",
    advice: "Answers come late or get lost: look for loss on the way and for a server that is overloaded; over UDP long messages are \
             fragmented and lost first.",
    source: "RFC 3261 section 17.1.1.2 (T1 of 500 ms)",
    check: order::repeated,
};

pub static TLS_FAILED: Rule = Rule {
    id: "tls-failed",
    severity: Severity::Warning,
    title: "a TLS handshake failed",
    help: "A fatal alert in clear before the handshake was done, or the server closed the connection without an answer to the \
           ClientHello. Of web traffic (ALPN) it is a remark.",
    advice: "The alert says whose fault it is: unknown_ca and bad_certificate mean that the other side does not trust the \
             certificate, protocol_version and handshake_failure that they have no version or cipher suite in common.",
    source: "RFC 8446 section 6.2; RFC 5246 section 7.2.2",
    check: tls::failed,
};

pub static ENCRYPTED: Rule = Rule {
    id: "capture-encrypted",
    severity: Severity::Info,
    title: "what a TLS connection carries is not readable",
    help: "TLS with application data, by server and version. What would open it follows from the version and the cipher suite.",
    advice: "callscope does not decrypt yet: open the capture in Wireshark with a key log file (SSLKEYLOGFILE) of client or server, or \
             capture where the traffic is in clear.",
    source: "RFC 8446; RFC 5246; NSS key log format",
    check: tls::encrypted,
};

pub static DUPLICATED: Rule = Rule {
    id: "capture-duplicated",
    severity: Severity::Info,
    title: "frames were captured twice",
    help: "The same frame again within a moment, as a mirror port of both directions gives it. The copies are left out.",
    advice: "Nothing has to be done: counts and ladders are of one copy.",
    source: "the bytes of the frames",
    check: |context, out| accounts(context, out, &DUPLICATED),
};

pub static MID_CALL: Rule = Rule {
    id: "capture-mid-call",
    severity: Severity::Info,
    title: "calls began before the capture",
    help: "The first message of a call is inside of its dialog, or an answer whose INVITE is not there. Where only one direction \
           was captured that tells nothing of when a call began.",
    advice: "How they began is not known; start the capture earlier where that matters.",
    source: "RFC 3261 section 12",
    check: mid_call,
};

pub static REMARKS: Rule = Rule {
    id: "capture-remark",
    severity: Severity::Info,
    title: "something about a capture file",
    help: "Blocks of a kind or sections of a version that is not known, or times without a time zone: nothing that the analysis \
           lacks.",
    advice: "Nothing has to be done.",
    source: "the file formats: pcap, pcapng (draft-ietf-opsawg-pcapng), snoop (RFC 1761), Network Monitor",
    check: |context, out| issues(context, out, &REMARKS),
};

/// Issues of one kind that are told one by one.
const TOLD: usize = 8;
/// Messages shown as evidence.
const SHOWN: usize = 8;

fn name_of(context: &Context<'_>, capture: &CaptureSummary) -> String {
    match context.analysis.captures.len() {
        1 => "Capture".to_owned(),
        _ => show::safe_str(&capture.info.path),
    }
}

fn captures<'a>(context: &Context<'a>) -> impl Iterator<Item = (CaptureId, &'a CaptureSummary)> {
    (0u16..).map(CaptureId).zip(&context.analysis.captures)
}

/// Which rule tells an issue.
fn rule_of(code: &str) -> &'static Rule {
    match code {
        "truncated-file" => &CUT,
        "tcp-gap" => &TCP_GAPS,
        "interface-drops" => &DROPS,
        "read-error" | "arena" => &READ_ERROR,
        "unknown-block" | "unknown-version" | "local-time" => &REMARKS,
        _ if code.ends_with("-out-of-step") => &OUT_OF_STEP,
        _ if code.starts_with("limit-") => &LIMIT,
        _ => &DAMAGED,
    }
}

/// How `n` issues of a kind are told, of which the first says `text`.
fn words(rule: &'static Rule, n: u64, text: &str) -> String {
    let text = show::safe_str(text);
    let more = show::number(n);
    match rule.id {
        _ if n == 1 => text,
        "capture-tcp-gaps" => format!("{more} holes in TCP connections with SIP"),
        "capture-damaged" => format!("{more} damaged places"),
        _ => format!("{text}, and {} more", show::number(n - 1)),
    }
}

fn show_issue(f: &mut Draft, id: CaptureId, capture: &CaptureSummary, issue: &CaptureIssue) {
    f.say(format!("{}.", show::safe_str(issue.text.trim_end_matches('.'))));
    let last = u32::try_from(capture.frames).unwrap_or(u32::MAX);
    match issue.frame {
        // The frame that never became whole is none that can be looked at: the one before it shows where.
        Some(frame) if frame > last && last > 0 => {
            f.show(FrameRef { capture: id, frame: last }, "the last whole frame");
        }
        Some(frame) if frame <= last => {
            f.show(FrameRef { capture: id, frame }, show::shorten(&show::safe_str(&issue.text), 80));
        }
        _ => {}
    }
}

fn issues(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    for (id, capture) in captures(context) {
        let all = || capture.issues.iter().filter(|i| rule_of(i.code).id == rule.id);
        let Some(first) = all().next() else { continue };
        let n = all().count() as u64;
        out.add(rule, Subject::Capture(id.0), id.0, |f| {
            f.who(name_of(context, capture)).what(words(rule, n, &first.text));
            all().take(TOLD).for_each(|i| show_issue(f, id, capture, i));
            if capture.issues_not_kept > 0 {
                let more = show::count(capture.issues_not_kept, "more issue is", "more issues are");
                f.say(format!("{more} counted, not kept."));
            }
            if rule.id == DROPS.id && !loses_frames(capture) {
                f.severity(Severity::Info);
            }
        });
    }
}

/// Whether the interfaces dropped one packet in a thousand or more: what is missing may have been on the wire.
pub(super) fn loses_frames(capture: &CaptureSummary) -> bool {
    let drops = drops(capture);
    drops > 0 && drops.saturating_mul(1000) >= capture.frames
}

/// Packets that the interfaces dropped, as far as they say.
fn drops(capture: &CaptureSummary) -> u64 {
    let of = |i: &&CaptureIssue| i.code == "interface-drops";
    let number = |text: &str| text.split(' ').filter_map(|w| w.parse::<u64>().ok()).next_back();
    capture.issues.iter().filter(of).filter_map(|i| number(&i.text)).sum()
}

fn limits(context: &Context<'_>, out: &mut Findings) {
    issues(context, out, &LIMIT);
    for (id, capture) in captures(context) {
        let told = capture.issues.iter().any(|i| i.code.starts_with("limit-"));
        let over = capture.accounting.over_limit;
        if over == 0 || told {
            continue;
        }
        out.add(&LIMIT, Subject::Capture(id.0), (id.0, "frames"), |f| {
            let frames = show::count(over, "frame was", "frames were");
            f.who(name_of(context, capture))
                .what(format!("{frames} not taken in because a limit was reached"));
        });
    }
}

/// Rules about what became of frames.
fn accounts(context: &Context<'_>, out: &mut Findings, rule: &'static Rule) {
    for (id, capture) in captures(context) {
        let Accounting { cut_short, fragment_pending, malformed, duplicate, .. } = capture.accounting;
        let (n, words) = match rule.id {
            "capture-snaplen" => {
                let frames = show::count(cut_short, "frame was", "frames were");
                (cut_short, format!("{frames} cut while capturing: what they carried is lost"))
            }
            "capture-fragments" => {
                let pieces = show::count(fragment_pending, "fragment", "fragments");
                (fragment_pending, format!("{pieces} of datagrams whose other pieces are not in the capture"))
            }
            "capture-malformed-frames" => {
                (malformed, format!("{} with damaged headers", show::count(malformed, "frame", "frames")))
            }
            _ => {
                (duplicate, format!("{} captured twice", show::count(duplicate, "frame was", "frames were")))
            }
        };
        if n == 0 {
            continue;
        }
        out.add(rule, Subject::Capture(id.0), id.0, |f| {
            f.who(name_of(context, capture)).what(words);
            f.say(format!(
                "{} of {}.",
                show::number(n),
                show::count(capture.frames, "frame in all", "frames in all")
            ));
            let of_capture = |(_, r): &(_, &SipRecord)| r.frame.capture == id;
            match rule.id {
                "capture-snaplen" => {
                    let lengths = capture.interfaces.iter().map(|i| i.snaplen).filter(|l| *l > 0).min();
                    lengths.iter().for_each(|l| _ = f.say(format!("The snap length is {l} bytes.")));
                    let cut = context.analysis.messages_with(flag::CUT).filter(of_capture);
                    cut.take(SHOWN).for_each(|(_, r)| _ = f.show_at(r.frame, r.time, "SIP message, cut"));
                    capture.odd.cut.iter().take(SHOWN).for_each(|(r, t)| _ = f.show_at(*r, *t, "cut"));
                }
                "capture-malformed-frames" => {
                    let all = capture.odd.malformed.iter().take(SHOWN);
                    all.for_each(|(r, t)| _ = f.show_at(*r, *t, "damaged headers"));
                }
                "capture-fragments" => {
                    let all = capture.odd.fragments.iter().take(SHOWN);
                    all.for_each(|r| _ = f.show(*r, "a fragment without the others"));
                }
                "capture-duplicated" => {
                    let twice = context.analysis.messages_with(flag::DUPLICATE);
                    twice
                        .filter(of_capture)
                        .take(SHOWN)
                        .for_each(|(_, r)| _ = f.show_at(r.frame, r.time, "SIP message again"));
                }
                _ => {}
            }
        });
    }
}

fn sip_malformed(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let n = analysis.sip.malformed;
    if n == 0 {
        return;
    }
    let all = || analysis.messages_with(flag::MALFORMED).filter(|(_, r)| !r.has(flag::CUT));
    let Some((_, first)) = all().next() else { return };
    let harmed = all().take(1_000).any(|(_, r)| !went_well(analysis, r.owner));
    out.add(&SIP_MALFORMED, Subject::Capture(first.frame.capture.0), "", |f| {
        if !harmed {
            f.severity(Severity::Info);
        }
        f.who("SIP").what(match n {
            1 => "1 message is malformed".to_owned(),
            n => format!("{} messages are malformed", show::number(n)),
        });
        for (m, r) in all().take(SHOWN) {
            f.show_message(analysis, m).concern(Subject::from(r.owner));
            let Ok(bytes) = analysis.message_bytes(m) else { continue };
            let issue = parse_message(&bytes).and_then(|message| message.issues.into_iter().next());
            if let Some(issue) = issue {
                let words = show::shorten(&show::safe_str(&issue.text), 120);
                f.say(format!("Frame {}: {}.", r.frame.frame, words.trim_end_matches('.')));
            }
        }
    });
}

/// Whether nothing failed in a call or dialog.
fn went_well(analysis: &Analysis, owner: Owner) -> bool {
    match owner {
        Owner::Call(c) => matches!(
            analysis.call(c).summary.state,
            CallState::Answered | CallState::Completed | CallState::Ringing | CallState::Trying
        ),
        Owner::Dialog(d) => {
            !matches!(analysis.dialog(d).summary.state, DialogState::Failed | DialogState::Unanswered)
        }
    }
}

fn unknown_call(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    let Some((row, n)) = analysis.leftovers() else { return };
    out.add(&NO_CALL_ID, Subject::Dialog(row), "", |f| {
        let messages = show::count(n, "SIP message ends", "SIP messages end");
        f.what(format!("{messages} before the Call-ID does"));
        f.say(format!("{messages} before the Call-ID does: to which call each belongs is not known."));
        let all = analysis.messages_of(analysis.dialog(row).messages);
        all.take(SHOWN).for_each(|m| _ = f.show_message(analysis, m));
    });
}

/// What there is to say of a call whose beginning is not in the capture. Of its first INVITE an answer alone tells, where a
/// call that is up has none like it (RFC 3261 §12.1: 100 bears no tag of the callee yet, 180 opens the dialog).
pub(super) fn begun_before(analysis: &Analysis, c: CallIdx) -> Option<&'static str> {
    let call = analysis.call(c);
    if !call.summary.starts_mid_call {
        return None;
    }
    let first = analysis.message(call.messages.first);
    let of_invite = !first.is_request() && first.method == MethodId::INVITE;
    // Some have a tag in 100 already (RFC 3261 §8.2.6.2): a phone that rings behind it tells an INVITE that opens.
    let rings = || {
        analysis.messages_of(call.messages).take(8).any(|m| {
            let r = analysis.message(m);
            r.method == MethodId::INVITE && r.cseq == first.cseq && (180..190).contains(&r.status)
        })
    };
    Some(match first.status {
        100 if of_invite && (!first.has(flag::TO_TAG) || rings()) => {
            "its INVITE came before the capture starts"
        }
        101..200 | 300.. if of_invite => "its INVITE came before the capture starts",
        _ => "already up when the capture starts",
    })
}

fn mid_call(context: &Context<'_>, out: &mut Findings) {
    let analysis = context.analysis;
    for (c, call) in (0u32..).map(CallIdx).zip(&analysis.calls) {
        let Some(what) = begun_before(analysis, c) else { continue };
        if context.is_one_sided() && !analysis.message(call.messages.first).is_request() {
            continue;
        }
        out.add(&MID_CALL, Subject::Call(c), what, |f| {
            f.who(context.call_name(c)).what(what).of_many(what);
            f.say("How it began is not in the capture.");
            f.show_message(analysis, call.messages.first);
        });
    }
}
