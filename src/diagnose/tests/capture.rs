//! Cases of the rules about captures.

use super::diagnose;
use super::{Case, later};
use crate::capture::{CaptureInfo, CaptureIssue};
use crate::correlate::load::LoadOptions;
use crate::correlate::{CaptureSummary, Side, TlsSession};
use crate::limits::Limits;
use crate::view::scenario::{START, Scenario, answered_call, request, response};

pub(super) fn summary() -> CaptureSummary {
    let info = CaptureInfo { path: "a.pcap".to_owned(), format: "pcap", compression: None, size: None };
    CaptureSummary {
        frames: 1_000,
        first: Some(START),
        last: Some(START + 60_000_000_000),
        complete: true,
        ..CaptureSummary::new(info)
    }
}

/// A call in a capture with an issue of this code.
fn issue(code: &'static str, text: &str) -> Scenario {
    let mut s = answered_call();
    let issue = CaptureIssue { code, offset: 99, frame: Some(12), text: text.to_owned() };
    s.analysis.captures.push(CaptureSummary { issues: vec![issue], ..summary() });
    s
}

/// A record of a capture file: seconds, microseconds, length on the wire, and what was captured of it.
#[derive(Clone)]
struct Record {
    time: [u32; 2],
    whole: u32,
    bytes: Vec<u8>,
}

impl Record {
    fn micros(&self) -> u64 {
        u64::from(self.time[0]) * 1_000_000 + u64::from(self.time[1])
    }

    fn at(&self, micros: u64) -> Self {
        Self { time: [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32], ..self.clone() }
    }

    fn src(&self) -> &[u8] {
        &self.bytes[26..30]
    }

    fn is_tcp_data(&self) -> bool {
        self.bytes[23] == 6 && self.bytes.len() > 54
    }

    /// Media of the samples: all its bytes are alike.
    fn is_media(&self) -> bool {
        self.bytes[23] == 17 && self.bytes.ends_with(&[0xD5; 8])
    }
}

/// The records of a sample in the format of libpcap (little-endian, microseconds).
fn records(sample: &str) -> Vec<Record> {
    let file = std::fs::read(crate::view::scenario::sample_path(sample)).unwrap();
    let word = |b: &[u8], at: usize| u32::from_le_bytes(b[at..at + 4].try_into().unwrap());
    assert_eq!(word(&file, 0), 0xA1B2_C3D4, "{sample}");
    let mut rest = &file[24..];
    let mut all = Vec::new();
    while rest.len() >= 16 {
        let (length, whole) = (word(rest, 8) as usize, word(rest, 12));
        let bytes = rest[16..16 + length].to_vec();
        all.push(Record { time: [word(rest, 0), word(rest, 4)], whole, bytes });
        rest = &rest[16 + length..];
    }
    all
}

/// As a file of libpcap that says this snap length.
fn file(records: &[Record], snaplen: u32) -> Vec<u8> {
    let mut out: Vec<u8> =
        [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, snaplen, 1].into_iter().flat_map(u32::to_le_bytes).collect();
    for r in records {
        let head = [r.time[0], r.time[1], r.bytes.len() as u32, r.whole];
        out.extend(head.into_iter().flat_map(u32::to_le_bytes));
        out.extend(&r.bytes);
    }
    out
}

/// As a pcapng file whose last blocks are these (draft-ietf-opsawg-pcapng §4): type and body.
fn pcapng(records: &[Record], last: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let length = (padded as u32 + 12).to_le_bytes();
        let mut out = [kind.to_le_bytes(), length].concat();
        out.extend(body);
        out.resize(8 + padded, 0);
        out.extend(length);
        out
    };
    let words = |all: &[u32]| all.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let mut out = block(0x0A0D_0D0A, &words(&[0x1A2B_3C4D, 1, u32::MAX, u32::MAX]));
    out.extend(block(1, &words(&[1, 0])));
    for r in records {
        let time = r.micros();
        let mut body = words(&[0, (time >> 32) as u32, time as u32, r.bytes.len() as u32, r.whole]);
        body.extend(&r.bytes);
        out.extend(block(6, &body));
    }
    last.iter().for_each(|(kind, body)| out.extend(block(*kind, body)));
    out
}

/// Interface statistics: `isb_ifdrop` (5) and `isb_osdrop` (7) of interface 0.
fn dropped(by_interface: u64, by_system: u64) -> (u32, Vec<u8>) {
    let mut body = vec![0; 12];
    for (code, packets) in [(5, by_interface), (7, by_system)] {
        body.extend([code, 0, 8, 0]);
        body.extend(packets.to_le_bytes());
    }
    body.extend([0; 4]);
    (5, body)
}

fn read(bytes: &[u8]) -> Scenario {
    Scenario::capture(bytes, LoadOptions::default())
}

fn changed(sample: &str, change: impl FnOnce(&mut Vec<Record>)) -> Scenario {
    let mut all = records(sample);
    change(&mut all);
    read(&file(&all, 0))
}

fn whole(sample: &str) -> Scenario {
    changed(sample, |_| {})
}

/// The file without its last bytes.
fn cut(bytes: usize) -> Scenario {
    let file = file(&records("call_states.pcap"), 0);
    read(&file[..file.len() - bytes])
}

/// Frames that fit hold at most so many bytes.
fn snapped(length: usize, fits: fn(&Record) -> bool) -> Scenario {
    let mut all = records("call_states.pcap");
    all.iter_mut().filter(|r| fits(r)).for_each(|r| r.bytes.truncate(length));
    read(&file(&all, length as u32))
}

/// The sixth segment with SIP is not there, or comes behind the one after it.
fn segment_lost(comes_late: bool) -> Scenario {
    changed("communicator.pcap", |all| {
        let data: Vec<usize> = (0..all.len()).filter(|i| all[*i].is_tcp_data()).collect();
        let lost = all.remove(data[5]);
        if comes_late {
            let at = data[6..].iter().map(|i| i - 1).find(|i| all[*i].src() == lost.src()).unwrap();
            let late = lost.at(all[at].micros() + 10);
            all.insert(at + 1, late);
        }
    })
}

/// Each frame again after so many microseconds.
fn twice(after: u64) -> Scenario {
    changed("call_states.pcap", |all| {
        let copies: Vec<Record> = all.iter().map(|r| r.at(r.micros() + after)).collect();
        all.extend(copies);
        all.sort_by_key(Record::micros);
    })
}

/// From the middle on the clock is so many microseconds behind.
fn set_back(by: u64) -> Scenario {
    changed("call_states.pcap", |all| {
        let middle = all.len() / 2;
        all.iter_mut().skip(middle).for_each(|r| *r = r.at(r.micros() - by));
    })
}

/// A byte of the first frame is another one.
fn first_frame(at: usize, byte: u8) -> Scenario {
    changed("call_states.pcap", |all| all[0].bytes[at] = byte)
}

fn limited(messages: usize) -> Scenario {
    let limits = Limits { sip_messages: messages, ..Limits::default() };
    let options = LoadOptions { limits, ..LoadOptions::default() };
    Scenario::capture(&file(&records("call_states.pcap"), 0), options)
}

fn tls(change: fn(&mut TlsSession)) -> Scenario {
    let mut s = answered_call();
    s.analysis.captures.push(summary());
    let mut session = TlsSession {
        first: START,
        server: "10.0.0.5:5061".parse().ok(),
        offered: Some("TLS 1.2"),
        version: Some("TLS 1.2"),
        handshake_done: true,
        carries_data: true,
        encrypted_frames: 8,
        ..TlsSession::default()
    };
    change(&mut session);
    s.analysis.tls.push(session);
    s
}

fn refused_by_alert(s: &mut TlsSession) {
    (s.handshake_done, s.encrypted_frames) = (false, 0);
    s.alerts = vec![(Side::Caller, "fatal unknown_ca".to_owned())];
}

/// Calls of which only what Alice sends is there, or both directions.
fn halves(both: bool) -> Scenario {
    let mut s = Scenario::default();
    for n in 0..3 {
        let id: &'static str = format!("half-{n}").leak();
        let at = n * 5_000;
        s.add(at, "A>B", &request("INVITE", 1).id(id).via(&["A b1"]));
        if both {
            s.add(at + 900, "B>A", &response("200 OK", 1, "INVITE").id(id).via(&["A b1"]).tag("b"));
        }
        s.add(at + 1_000, "A>B", &request("ACK", 1).id(id).via(&["A b2"]).tag("b"));
    }
    s
}

/// The server that requests go to answers from another address (as behind a load balancer): nothing is missing.
fn answers_from_elsewhere() -> Scenario {
    let mut s = Scenario::default();
    for n in 0..3 {
        let id: &'static str = format!("elsewhere-{n}").leak();
        let at = n * 5_000;
        s.add(at, "A>B", &request("INVITE", 1).id(id).via(&["A b1"]));
        s.add(at + 900, "C>A", &response("200 OK", 1, "INVITE").id(id).via(&["A b1"]).tag("b"));
        s.add(at + 1_000, "A>B", &request("ACK", 1).id(id).via(&["A b2"]).tag("b"));
    }
    s
}

/// Frames of these times, in milliseconds.
fn clock(times: &[i64]) -> Scenario {
    let mut s = answered_call();
    let mut capture = summary();
    for (frame, ms) in (1u32..).zip(times) {
        capture.clock.note(0, START + ms * 1_000_000, frame);
    }
    s.analysis.captures.push(capture);
    s
}

/// Sixty requests, each sent so often before it is answered.
fn again(times: u32) -> Scenario {
    let mut s = Scenario::default();
    for n in 0..60u32 {
        let id: &'static str = format!("again-{n}").leak();
        let branch = format!("A a{n}");
        for copy in 0..times {
            let at = i64::from(n) * 100 + i64::from(copy) * 500;
            s.add(at, "A>B", &request("INFO", 1).id(id).via(&[&branch]));
        }
        let at = i64::from(n) * 100 + 2_000;
        s.add(at, "B>A", &response("200 OK", 1, "INFO").id(id).via(&[&branch]).tag("b"));
    }
    s
}

/// A message that is not as it has to be.
fn odd(header: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("OPTIONS", 1).via(&["A b1"]).header(header));
    s.add(20, "B>A", &response("200 OK", 1, "OPTIONS").via(&["A b1"]).tag("b"));
    later(&mut s, 60_000);
    s
}

pub const CASES: &[Case] = &[
    Case { rule: "capture-cut", fires: || cut(7), says: "Capture: ", misses: || cut(0) },
    Case {
        rule: "capture-damaged",
        fires: || Scenario::sample("damaged.pcap"),
        says: "Capture: ",
        misses: || cut(7),
    },
    Case {
        rule: "capture-read-error",
        fires: || issue("read-error", "reading stopped here: input/output error"),
        says: "input/output error",
        misses: || issue("truncated-file", "the file ends inside a record"),
    },
    Case {
        rule: "capture-snaplen",
        fires: || snapped(200, |_| true),
        says: "The snap length is 200 bytes",
        // Of media the header says all.
        misses: || snapped(96, Record::is_media),
    },
    Case {
        rule: "capture-tcp-gaps",
        fires: || segment_lost(false),
        says: "bytes of the TCP stream",
        misses: || segment_lost(true),
    },
    Case {
        rule: "capture-tcp-gaps",
        fires: || Scenario::sample("tcp_segments.pcap"),
        says: "not in the capture",
        misses: || Scenario::sample("communicator.pcap"),
    },
    Case {
        rule: "capture-tcp-gaps",
        // SIP in a WebSocket: the 180 is missing.
        fires: || changed("websocket.pcap", |all| _ = all.remove(8)),
        says: "bytes of the TCP stream 10.10.0.5:8080",
        misses: || Scenario::sample("websocket.pcap"),
    },
    Case {
        rule: "capture-drops",
        fires: || read(&pcapng(&records("call_states.pcap"), &[dropped(900, 30)])),
        says: "dropped 930 packets",
        misses: || read(&pcapng(&records("call_states.pcap"), &[dropped(0, 0)])),
    },
    Case {
        rule: "capture-drops",
        // Each block counts from the start on.
        fires: || read(&pcapng(&records("call_states.pcap"), &[dropped(2, 0), dropped(2, 1)])),
        says: "Capture: interface 0 dropped 3 packets while capturing | interface 0 dropped 3 packets",
        misses: || read(&pcapng(&records("call_states.pcap"), &[dropped(0, 0), dropped(0, 0)])),
    },
    Case {
        rule: "capture-one-sided",
        fires: || halves(false),
        says: "only one direction",
        misses: || halves(true),
    },
    Case {
        rule: "capture-one-sided",
        fires: || changed("call_states.pcap", |all| all.retain(|r| r.src() == [10, 10, 0, 22])),
        says: "only one direction",
        misses: || whole("call_states.pcap"),
    },
    Case {
        rule: "capture-one-sided",
        // Only what the proxy sends, to either end of a call.
        fires: || changed("proxy_hops.pcap", |all| all.retain(|r| r.src() == [10, 10, 0, 5])),
        says: "Of 4 calls and dialogs 4 have one direction only",
        misses: answers_from_elsewhere,
    },
    Case {
        rule: "capture-clock-jump",
        fires: || set_back(5_000_000),
        says: "time goes back by ",
        misses: || set_back(500_000),
    },
    Case {
        rule: "capture-clock-jump",
        fires: || clock(&[0, 1_000, 9_000, 2_000, 3_000]),
        says: "goes back by 7",
        misses: || clock(&[0, 1_000, 9_000, 8_500, 9_001]),
    },
    Case { rule: "capture-limit", fires: || limited(9), says: "9", misses: || limited(10_000) },
    Case {
        rule: "capture-out-of-step",
        // An opcode that RFC 6455 §5.2 reserves, in the place of a text frame.
        fires: || changed("websocket.pcap", |all| all[8].bytes[54] = 0x8B),
        says: "Capture: ",
        misses: || whole("websocket.pcap"),
    },
    Case {
        rule: "capture-fragments",
        fires: || Scenario::sample("fragments.pcap"),
        says: "2 fragments",
        misses: || changed("fragments.pcap", |all| all.truncate(10)),
    },
    Case {
        rule: "capture-malformed-frames",
        // A header of IP that is shorter than one can be (RFC 791 §3.1), and a frame of LLDP.
        fires: || first_frame(14, 0x41),
        says: "1 frame with damaged headers",
        misses: || changed("call_states.pcap", |all| all[0].bytes[12..14].copy_from_slice(&[0x88, 0xCC])),
    },
    Case {
        rule: "sip-malformed",
        fires: || odd("Contact: <sip:@>"),
        says: "1 message is malformed",
        misses: || odd("Contact: <sip:alice@10.0.0.65>"),
    },
    Case {
        rule: "capture-unknown-call",
        fires: || Scenario::sample("snaplen.pcap"),
        says: "before the Call-ID",
        misses: || Scenario::sample("fragments.pcap"),
    },
    Case {
        rule: "sip-retransmissions",
        fires: || again(3),
        says: "120 of 180 SIP messages are repetitions",
        misses: || again(1),
    },
    Case {
        rule: "tls-failed",
        fires: || Scenario::sample("tls.pcap"),
        says: "handshake_failure",
        misses: || changed("tls.pcap", |all| all.truncate(13)),
    },
    Case {
        rule: "tls-failed",
        fires: || tls(refused_by_alert),
        says: "the client sent fatal unknown_ca",
        // It ended well, whatever was sent at its end.
        misses: || tls(|s| s.alerts = vec![(Side::Caller, "fatal unknown_ca".to_owned())]),
    },
    Case {
        rule: "capture-encrypted",
        fires: || changed("tls.pcap", |all| all.truncate(13)),
        says: "frames encrypted; ",
        misses: || changed("tls.pcap", |all| _ = all.drain(..13)),
    },
    Case {
        rule: "capture-encrypted",
        fires: || tls(|_| {}),
        says: "8 frames encrypted; ",
        // A handshake, and then nothing.
        misses: || tls(|s| s.carries_data = false),
    },
    Case {
        rule: "capture-duplicated",
        fires: || twice(12),
        says: "captured twice",
        // So late it was sent again.
        misses: || twice(3_000),
    },
    Case {
        rule: "capture-mid-call",
        fires: || Scenario::sample("mid_call.pcap"),
        says: "already up",
        misses: answered_call,
    },
    Case {
        rule: "capture-mid-call",
        fires: || changed("hold.pcap", |all| _ = all.remove(0)),
        says: "its INVITE came before the capture starts",
        // It is not known when they began.
        misses: || changed("call_states.pcap", |all| all.retain(|r| r.src() == [10, 10, 0, 22])),
    },
    Case {
        rule: "capture-mid-call",
        fires: || changed("mid_call.pcap", |all| _ = all.remove(0)),
        says: "already up",
        // A clock that is set back while it rings.
        misses: || {
            changed("hold.pcap", |all| {
                all.iter_mut().skip(3).for_each(|r| *r = r.at(r.micros() - 3_000_000));
            })
        },
    },
    Case {
        rule: "capture-remark",
        fires: || read(&pcapng(&records("mid_call.pcap"), &[(0xFF, vec![0; 8])])),
        says: "Capture: ",
        misses: || read(&pcapng(&records("mid_call.pcap"), &[])),
    },
];

/// The machine that the INVITEs went to did answer: that is missing in the capture, and no failure of a call.
#[test]
fn where_the_answers_were_not_captured_no_call_is_said_to_have_none() {
    let told = |keep: fn(&Record) -> bool| {
        let analysis = changed("call_states.pcap", |all| all.retain(keep)).done();
        let diagnosis = diagnose(&analysis);
        let verdicts: Vec<String> = (0..analysis.calls.len() as u32)
            .map(|c| crate::diagnose::call_verdict(&analysis, &diagnosis, crate::correlate::CallIdx(c)))
            .collect();
        (diagnosis.findings.iter().map(|f| f.rule.id).collect::<Vec<_>>(), verdicts)
    };
    let (found, verdicts) = told(|r| r.src() == [10, 10, 0, 21]);
    assert_eq!(found, ["capture-one-sided", "call-cancelled"]);
    assert_eq!(verdicts[1], "no answer to its INVITE is in the capture");
    // Of the busy call the answers alone are missing.
    let (found, _) = told(|r| !r.bytes.windows(9).any(|w| w == b"486 Busy " || w == b"2.0 180 R"));
    assert!(found.contains(&"call-no-response"), "of the fifth: {found:?}");
    let (whole, _) = told(|_| true);
    let silent = |found: &[&str]| found.iter().filter(|id| **id == "call-no-response").count();
    assert_eq!((silent(&found), silent(&whole)), (1, 1));
}

#[test]
fn few_drops_are_a_remark_and_what_is_of_the_web_too() {
    let severity = |s: Scenario, rule: &str| {
        let found = diagnose(&s.done()).findings;
        found.iter().find(|f| f.rule.id == rule).map(|f| f.severity.name()).unwrap_or_default()
    };
    let drops =
        |n: u32| issue("interface-drops", &format!("interface 0 dropped {n} packets while capturing"));
    let mut s = drops(9);
    s.analysis.captures[0].frames = 1_000_000;
    assert_eq!(severity(s, "capture-drops"), "info");
    assert_eq!(severity(drops(9), "capture-drops"), "warning");
    let web = tls(|s| {
        refused_by_alert(s);
        s.alpn = Some("h2, http/1.1".to_owned());
    });
    assert_eq!(severity(web, "tls-failed"), "info");
    assert_eq!(severity(tls(refused_by_alert), "tls-failed"), "warning");
}

#[test]
fn what_would_open_it_follows_from_the_cipher_and_what_is_inside_from_the_clear_part() {
    let told = |change: fn(&mut TlsSession)| {
        let found = diagnose(&tls(change).done()).findings;
        let f = found.iter().find(|f| f.rule.id == "capture-encrypted").unwrap();
        f.title.clone()
    };
    let title = told(|s| s.cipher = Some("TLS_RSA_WITH_AES_128_CBC_SHA".to_owned()));
    let opens = "a key log or the server's RSA key opens them";
    assert_eq!(title, format!("1 TLS 1.2 session to 10.0.0.5:5061: 8 frames encrypted; {opens}"));
    let title = told(|s| s.cipher = Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()));
    assert!(title.contains("the server's key alone does not"), "{title}");
    let title = told(|s| s.alpn = Some("stun.turn".to_owned()));
    assert!(title.contains("(TURN over TLS)"), "{title}");
    let title = told(|s| s.alpn = Some("h2, stun.nat-discovery".to_owned()));
    assert!(title.contains("(STUN over TLS)"), "{title}");
    let title = told(|s| s.server = "10.0.0.5:5349".parse().ok());
    assert!(title.contains("(TURN over TLS, by its port)"), "{title}");
}

#[test]
fn a_malformed_message_of_something_that_went_well_is_a_remark() {
    let severity = |status: &str| {
        let mut s = Scenario::default();
        s.add(0, "A>B", &request("PUBLISH", 1).via(&["A b1"]).header("Contact: <sip:@>"));
        s.add(20, "B>A", &response(status, 1, "PUBLISH").via(&["A b1"]).tag("b"));
        let found = diagnose(&s.done()).findings;
        found.iter().find(|f| f.rule.id == "sip-malformed").map(|f| f.severity.name()).unwrap_or_default()
    };
    assert_eq!((severity("200 OK"), severity("400 Bad Request")), ("info", "warning"));
}

/// What is counted by frame shows the first of these frames.
#[test]
fn frames_that_are_counted_are_shown() {
    let shown = |scenario: Scenario, rule: &str| -> Vec<u32> {
        let analysis = scenario.done();
        let diagnosis = diagnose(&analysis);
        let finding = diagnosis.findings.iter().find(|f| f.rule.id == rule).expect("the finding");
        finding.evidence.iter().map(|e| e.frame.frame).collect()
    };
    assert_eq!(shown(first_frame(14, 0x41), "capture-malformed-frames"), [1]);
    let pieces = shown(Scenario::sample("fragments.pcap"), "capture-fragments");
    let bytes = std::fs::read("samples/fragments.pcap").expect("the sample");
    // IPv4 on Ethernet: fragments have an offset, or more to come.
    let frames = frames_of(&bytes);
    let is_fragment = |n: &u32| {
        let frame = &frames[*n as usize - 1];
        u16::from_be_bytes([frame[20], frame[21]]) & 0x3fff != 0
    };
    assert!(pieces.len() == 2 && pieces.iter().all(is_fragment), "{pieces:?}");
    assert!(!shown(Scenario::sample("snaplen.pcap"), "capture-snaplen").is_empty());
}

/// The frames of a pcap file with little-endian headers.
fn frames_of(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = &file[24..];
    let mut out = Vec::new();
    while let Some((head, more)) = rest.split_first_chunk::<16>() {
        let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        out.push(&more[..length]);
        rest = &more[length..];
    }
    out
}

/// A 100 with a tag is one of the INVITE that opens, if the phone rings behind it; else that of a re-INVITE.
#[test]
fn a_tag_in_100_is_no_call_that_is_up() {
    let told = |rings: bool| {
        let mut s = Scenario::default();
        s.add(0, "B>A", &response("100 Trying", 1, "INVITE").via(&["A b1"]).tag("b"));
        if rings {
            s.add(100, "B>A", &response("180 Ringing", 1, "INVITE").via(&["A b1"]).tag("b"));
        }
        s.add(900, "B>A", &response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b"));
        s.add(950, "A>B", &request("ACK", 1).via(&["A b2"]));
        let analysis = s.done();
        super::super::capture::begun_before(&analysis, crate::correlate::CallIdx(0)).expect("it began before")
    };
    assert!(told(true).starts_with("its INVITE"));
    assert!(told(false).starts_with("already up"));
}
