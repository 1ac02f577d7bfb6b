//! Cases of the rules about media, and of remote call control.

use super::Case;
use crate::correlate::QosProfile;
use crate::view::scenario::media::Source;
use crate::view::scenario::voices::{BACK, ENDS, THERE, Voice, voice, voices};
use crate::view::scenario::{START, Scenario, request, response};

/// Where reports go beside the media.
const REPORTS: &str = "10.0.0.65:4001>10.0.0.66:5001";
const REPORTS_BACK: &str = "10.0.0.66:5001>10.0.0.65:4001";

/// Alice talks to Bob for ten seconds, all of hers comes.
fn talk(his: &Voice) -> Scenario {
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, 11_000], "A>B", ENDS);
    s.speak(100, THERE, &voice(1, 500));
    s.speak(110, BACK, his);
    s
}

fn lossy(lost: u32) -> Scenario {
    talk(&Voice { lost: (0..lost).map(|n| 100 + 9 * n).collect(), ..voice(2, 500) })
}

/// Of forty seconds twelve packets do not come.
fn broken(lost: Vec<u32>) -> Scenario {
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, 41_000], "A>B", ENDS);
    s.speak(100, THERE, &voice(1, 2_000));
    s.speak(110, BACK, &Voice { lost, ..voice(2, 2_000) });
    s
}

/// Bob's report about Alice's voice.
fn reported(lost: u32) -> Scenario {
    let mut s = talk(&voice(2, 500));
    s.tell(10_090, REPORTS_BACK, [2, 1], (lost, 10, 500));
    s
}

/// Packets 200 to 230 of Bob come all at once, or he says nothing in that time, nor does his clock go on.
fn hung(pauses: bool) -> Scenario {
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, 13_000], "A>B", ENDS);
    s.speak(100, THERE, &voice(1, 500));
    let mut source = Source::new(BACK, 2);
    for n in 0..500i64 {
        let late = match n {
            200.. if pauses => 600,
            200..230 => (230 - n) * 20,
            _ => 0,
        };
        s.add_rtp((110 + n * 20 + late) * 1000, &mut source);
    }
    s
}

/// Bob stands still for eight seconds; his clock too, or it goes on.
fn pauses(clock_goes_on: bool) -> Scenario {
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, 20_000], "A>B", ENDS);
    s.speak(100, THERE, &voice(1, 950));
    let mut source = Source::new(BACK, 2);
    s.add_run(110_000, 20_000, 250, &mut source);
    if clock_goes_on {
        source.timestamp += 64_000;
    }
    s.add_run(13_110_000, 20_000, 250, &mut source);
    s
}

/// Both ends report, each on what it heard of the other's report `wait` ms before.
fn rounds(wait: i64) -> Scenario {
    let mut s = talk(&voice(2, 500));
    let sender = |ssrc: u32, ntp: u32| {
        let mut bytes = vec![0x80, 200, 0, 6];
        bytes.extend(ssrc.to_be_bytes());
        bytes.extend((u64::from(ntp) << 16).to_be_bytes());
        bytes.extend([0, 0, 0, 160, 0, 0, 0, 9, 0, 0, 1, 0]);
        bytes
    };
    let receiver = |reporter: u32, about: u32, ntp: u32| {
        let mut bytes = vec![0x81, 201, 0, 7];
        bytes.extend(reporter.to_be_bytes());
        bytes.extend(about.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        bytes.extend(ntp.to_be_bytes());
        bytes.extend([0; 4]);
        bytes
    };
    for (at, ntp) in [(2_000, 0x1_0000), (5_000, 0x4_0000)] {
        s.rtcp(at, REPORTS, &sender(1, ntp));
        s.rtcp(at + wait, REPORTS_BACK, &receiver(2, 1, ntp));
        s.rtcp(at + 10, REPORTS_BACK, &sender(2, ntp));
        s.rtcp(at + 10 + wait, REPORTS, &receiver(1, 2, ntp));
    }
    s
}

/// A call whose descriptions have these lines behind `m=audio PORT `.
fn described(offer: &str, answer: &str) -> Scenario {
    let sdp = |ip: &str, port: u16, rest: &str| {
        format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} {rest}\r\n")
    };
    let mut s = Scenario::default();
    let offer = request("INVITE", 1).via(&["A b1"]).body("application/sdp", &sdp("10.0.0.65", 4000, offer));
    s.add(0, "A>B", &offer);
    let ok = response("200 OK", 1, "INVITE").via(&["A b1"]).tag("b");
    s.add(50, "B>A", &ok.body("application/sdp", &sdp("10.0.0.66", 5000, answer)));
    s.add(60, "A>B", &request("ACK", 1).via(&["A b2"]).tag("b"));
    s.add(11_000, "A>B", &request("BYE", 2).via(&["A b3"]).tag("b"));
    s.add(11_010, "B>A", &response("200 OK", 2, "BYE").via(&["A b3"]).tag("b"));
    s
}

/// Both talk, in packets of `ticks` and so many bytes.
fn sized(mut s: Scenario, ticks: u32, size: usize) -> Scenario {
    for (ssrc, path) in [(1, THERE), (2, BACK)] {
        let mut source = Source::new(path, ssrc);
        (source.ticks, source.payload, source.dscp) = (ticks, vec![0xD5; size], 46);
        s.add_run(100_000, i64::from(ticks) * 125, 10_000 / (i64::from(ticks) / 8), &mut source);
    }
    s
}

const CRYPTO: &str = "RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
                      inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

/// Packets without a tag (RFC 4568 §6.3.3).
const UNTAGGED: &str = "RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
                        inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj UNAUTHENTICATED_SRTP";

/// Alice sends where Bob's SDP says, or somewhere else.
fn sent_to(path: &'static str) -> Scenario {
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, 11_000], "A>B", ENDS);
    s.speak(100, path, &voice(1, 500));
    s
}

fn until(end: i64) -> Scenario {
    let mut s = Scenario::default();
    s.voice_call("call-1", [0, end], "A>B", ENDS);
    s.speak(100, THERE, &voice(1, 500));
    s.speak(110, BACK, &voice(2, 500));
    s
}

/// Two that have one codec under two numbers; Bob sends by this one.
fn numbered(payload_type: u8) -> Scenario {
    let mut s = described("RTP/AVP 97\r\na=rtpmap:97 iLBC/8000", "RTP/AVP 98\r\na=rtpmap:98 iLBC/8000");
    s.speak(100, THERE, &Voice { payload_type: 98, ..voice(1, 400) });
    s.speak(110, BACK, &Voice { payload_type, ..voice(2, 400) });
    s
}

/// Alice presses 1.
fn pressed(answer: &str) -> Scenario {
    let events = "RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000";
    let mut s = described(events, answer);
    let hers = voice(1, 400);
    s.speak(100, THERE, &hers);
    s.speak(110, BACK, &voice(2, 400));
    s.press(8_500, THERE, &hers, 400, 1);
    s
}

/// Bob asks for packets of 20 ms, and Alice sends such; most of the call she listens, and describes her room's noise every
/// 240 ms (G.729 Annex B).
fn listens() -> Scenario {
    let mut s = described("RTP/AVP 18", "RTP/AVP 18\r\na=ptime:20");
    let mut source = Source::new(THERE, 1);
    source.payload_type = 18;
    let mut at = 100_000;
    for n in 0..160 {
        let noise = n % 80 >= 30;
        (source.ticks, source.payload) = match noise {
            true => (1_920, vec![0x55; 2]),
            false => (160, vec![0x55; 20]),
        };
        s.add_rtp(at, &mut source);
        at += i64::from(source.ticks) * 125;
    }
    s.speak(110, BACK, &Voice { payload_type: 18, ..voice(2, 400) });
    s
}

fn marked(hers: u8, his: u8, profile: Option<&str>) -> Scenario {
    let mut s = Scenario::default();
    s.analysis.qos = profile.and_then(QosProfile::named);
    s.voice_call("call-1", [0, 11_000], "A>B", ENDS);
    s.speak(100, THERE, &Voice { dscp: hers, ..voice(1, 500) });
    s.speak(110, BACK, &Voice { dscp: his, ..voice(2, 500) });
    s
}

/// Bob reports twice a stream's time and has nothing of Alice, or has.
fn hears(her: bool) -> Scenario {
    let mut s = talk(&voice(2, 500));
    for at in [1_000, 4_000, 7_000, 9_500] {
        match her {
            true => s.tell(at, REPORTS_BACK, [2, 1], (0, 0, 100)),
            false => s.rtcp(at, REPORTS_BACK, &[0x80, 201, 0, 1, 0, 0, 0, 2]),
        }
    }
    s
}

/// Bob alone is captured; a report of Alice says that she sends nothing, or nothing is known of her.
fn one_side(direction: &str) -> Scenario {
    let audio = |direction: &str| format!("RTP/AVP 0\r\na={direction}");
    let mut s =
        described(&audio(direction), &audio(if direction == "recvonly" { "sendonly" } else { direction }));
    s.speak(110, BACK, &voice(2, 500));
    for at in [1_000, 6_000] {
        s.tell(at, REPORTS, [1, 2], (0, 0, 100));
    }
    s
}

/// ICMP errors about Alice's media, first and last.
fn refused(first: i64, last: i64) -> Scenario {
    let mut s = sent_to(THERE);
    (first..=last).step_by(500).for_each(|at| s.refuse_media(at, THERE));
    s
}

/// DTLS by RFC 6347 §4.1: a ClientHello that is cut off, then an alert (or a warning that ends nothing) of Bob.
fn keys(level: u8, description: u8) -> Scenario {
    let mut s = described("RTP/AVP 0", "RTP/AVP 0");
    let mut hello = vec![22, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
    hello.extend([1, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 1, 0xFE]);
    s.keys(200, THERE, &hello);
    s.keys(210, BACK, &[21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, level, description]);
    s
}

/// The same, and 400 ms later a hello of Alice that both ends finish by: of another random, or the refused one again.
fn keys_at_second_try(random: u8) -> Scenario {
    let mut s = described("RTP/AVP 0", "RTP/AVP 0");
    let hello = |random: u8| {
        let mut m = vec![22, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 1, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 40];
        m.extend([0xFE, 0xFD]);
        m.extend([random; 32]);
        m.extend([0; 6]);
        m
    };
    s.keys(200, THERE, &hello(1));
    s.keys(210, BACK, &[21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 80]);
    s.keys(600, THERE, &hello(random));
    let mut finished = vec![22, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40];
    finished.extend([0x77; 40]);
    s.keys(650, THERE, &finished);
    s.keys(660, BACK, &finished);
    s
}

/// Audio without a mark both ways, and video with this one.
fn audio_beside_video(video: u8) -> Scenario {
    let lines = |port: u16| format!("RTP/AVP 0\r\nm=video {port} RTP/AVP 34");
    let mut s = described(&lines(4002), &lines(5002));
    let beside = ["10.0.0.65:4002>10.0.0.66:5002", "10.0.0.66:5002>10.0.0.65:4002"];
    for (n, (audio, video_path)) in [THERE, BACK].into_iter().zip(beside).enumerate() {
        s.speak(100, audio, &Voice { dscp: 0, ..voice(1 + n as u32, 100) });
        s.speak(100, video_path, &Voice { payload_type: 34, dscp: video, ..voice(11 + n as u32, 100) });
    }
    s
}

const NS: &str = "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"";

/// A phone is asked to hold a call that it does not have, or has.
fn steered(answer: &str) -> Scenario {
    let mut s = Scenario::default();
    s.add(0, "A>B", &request("INVITE", 1).via(&["A i"]));
    s.add(10, "B>A", &response("200 OK", 1, "INVITE").tag("b").via(&["A i"]));
    s.add(20, "A>B", &request("ACK", 1).tag("b").via(&["A k"]));
    let device = "<callID>41</callID><deviceID>tel:+14255550100</deviceID>";
    let hold = format!("<HoldCall {NS}><callToBeHeld>{device}</callToBeHeld></HoldCall>");
    s.add(1_000, "A>B", &request("INFO", 2).tag("b").via(&["A h"]).body("application/csta+xml", &hold));
    let ok = response("200 OK", 2, "INFO").tag("b").via(&["A h"]);
    s.add(1_010, "B>A", &ok.body("application/csta+xml", answer));
    s
}

/// Two calls; after five seconds each of their streams stands still for so long.
fn jump(stand: [i64; 4]) -> Scenario {
    let mut s = Scenario::default();
    s.analysis.captures.push(super::capture::summary());
    let paths = [THERE, BACK, "10.0.0.67:6000>10.0.0.68:7000", "10.0.0.68:7000>10.0.0.67:6000"];
    let mut sources: Vec<Source> = (1u32..).zip(paths).map(|(ssrc, path)| Source::new(path, ssrc)).collect();
    for n in 0..500i64 {
        for (still, source) in stand.into_iter().zip(&mut sources) {
            let still = if n < 250 { 0 } else { still };
            s.add_rtp((100 + n * 20 + still) * 1000, source);
        }
    }
    s
}

pub const CASES: &[Case] = &[
    Case {
        rule: "media-unreachable",
        fires: || refused(1_000, 6_000),
        says: "Alice's audio cannot get to 10.0.0.66:5000: ICMP host unreachable from 10.0.0.71",
        misses: || refused(9_500, 10_500),
    },
    Case {
        rule: "media-keys-failed",
        fires: || keys(2, 40),
        says: "no keys for the media: DTLS alert handshake_failure",
        misses: || keys(1, 0),
    },
    Case {
        rule: "media-keys-failed",
        fires: || keys_at_second_try(1),
        says: "no keys for the media: DTLS alert internal_error",
        misses: || keys_at_second_try(2),
    },
    Case {
        rule: "media-none",
        fires: voices,
        says: "no audio came either way",
        misses: || talk(&voice(2, 500)),
    },
    Case {
        rule: "media-one-way",
        fires: || one_side("sendrecv"),
        says: "no audio from Alice, who sends none",
        misses: || one_side("recvonly"),
    },
    Case {
        rule: "media-unheard",
        fires: || hears(false),
        says: "Alice's audio does not arrive at bob",
        misses: || hears(true),
    },
    Case {
        rule: "media-loss",
        fires: || lossy(30),
        says: "6 % of bob's audio was lost before the capture point (30 of 500 packets)",
        misses: || lossy(4),
    },
    Case {
        rule: "media-loss-behind",
        fires: || reported(20),
        says: "4 % of Alice's audio was lost behind the capture point, as bob reports",
        misses: || reported(4),
    },
    Case {
        rule: "media-burst",
        fires: || broken((100..112).collect()),
        says: "bob's audio broke off for 240 ms: 12 packets in a row were lost",
        misses: || broken((100..112).map(|n| n * 3).collect()),
    },
    Case {
        rule: "media-hung",
        fires: || hung(false),
        says: "bob's audio hung for 600 ms",
        misses: || hung(true),
    },
    Case {
        rule: "media-jitter",
        fires: || talk(&Voice { late: 200, ..voice(2, 500) }),
        says: "bob's audio arrives unevenly: jitter",
        misses: || talk(&Voice { late: 8, ..voice(2, 500) }),
    },
    Case {
        rule: "media-quality",
        fires: || rounds(700),
        says: "sounds bad by the E-model: MOS",
        misses: || rounds(100),
    },
    Case {
        rule: "media-codec",
        fires: || talk(&Voice { payload_type: 111, ..voice(2, 500) }),
        says: "(payload type 111), which the SDP of Alice does not have",
        misses: || talk(&voice(2, 500)),
    },
    Case {
        rule: "media-codec",
        // Bob's SDP has it as 98, by which he sends.
        fires: || numbered(98),
        says: "bob sends iLBC/8000 as payload type 98, the SDP of Alice has it as 97",
        misses: || numbered(97),
    },
    Case {
        rule: "media-plain",
        fires: || sized(described(CRYPTO, CRYPTO), 160, 160),
        says: "is sent in clear though both sides agreed on SRTP",
        misses: || sized(described(CRYPTO, CRYPTO), 160, 170),
    },
    Case {
        rule: "media-plain",
        fires: || sized(described(UNTAGGED, CRYPTO), 160, 160),
        says: "is sent in clear though both sides agreed on SRTP",
        misses: || sized(described(UNTAGGED, UNTAGGED), 160, 160),
    },
    Case {
        rule: "media-unsignalled",
        fires: || sent_to("10.0.0.65:4000>203.0.113.5:6000"),
        says: "Alice's audio goes to 203.0.113.5:6000, which no SDP of bob names",
        misses: || sent_to(THERE),
    },
    Case {
        rule: "media-after-end",
        fires: || until(4_000),
        says: "after the call had ended",
        misses: || until(10_050),
    },
    Case {
        rule: "media-dtmf",
        fires: || pressed("RTP/AVP 0"),
        says: "Alice presses keys as telephone events, which the SDP of bob does not have",
        misses: || pressed("RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000"),
    },
    Case {
        rule: "media-dtmf",
        fires: || pressed("RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000"),
        says: "Alice presses keys by payload type 101, which the SDP of bob does not have for them",
        misses: || pressed("RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000"),
    },
    Case {
        rule: "media-ptime",
        fires: || sized(described("RTP/AVP 0", "RTP/AVP 0\r\na=ptime:20"), 320, 320),
        says: "Alice sends packets of 40 ms, bob asked for 20 ms",
        misses: listens,
    },
    Case {
        rule: "media-ptime",
        fires: || sized(described("RTP/AVP 0", "RTP/AVP 0\r\na=maxptime:20"), 320, 320),
        says: "Alice sends packets of 40 ms, bob takes 20 ms at most",
        misses: || sized(described("RTP/AVP 0", "RTP/AVP 0\r\na=maxptime:20"), 160, 160),
    },
    Case {
        rule: "media-remarked",
        fires: || Scenario::sample("media_remarked.pcapng"),
        says: "is re-marked from 46 EF to 0",
        misses: || Scenario::sample("media_unmarked.pcap"),
    },
    Case {
        rule: "media-mark",
        fires: || marked(46, 40, Some("lync")),
        says: "bob's audio is marked 40 CS5, expected is 46 EF (lync)",
        misses: || marked(46, 46, Some("lync")),
    },
    Case {
        rule: "media-unmarked",
        fires: || marked(46, 0, None),
        says: "bob's audio has no mark (DSCP 0) as captured here, that of Alice has 46 EF",
        misses: || marked(46, 40, None),
    },
    Case {
        rule: "media-unmarked",
        fires: || audio_beside_video(34),
        says: "Alice's audio has no mark (DSCP 0) as captured here, the video of Alice has 34 AF41",
        misses: || audio_beside_video(0),
    },
    Case {
        rule: "media-paused",
        fires: || pauses(false),
        says: "bob's audio pauses for 8.0",
        misses: || pauses(true),
    },
    Case {
        rule: "csta-error",
        fires: || {
            steered(&format!("<CSTAErrorCode {NS}><operation>invalidCallID</operation></CSTAErrorCode>"))
        },
        says: "HoldCall tel:+14255550100, call 41: error operation invalidCallID",
        misses: || steered(&format!("<HoldCallResponse {NS}/>")),
    },
    Case {
        rule: "capture-clock-jump",
        fires: || jump([5_000; 4]),
        says: "time jumps ahead by 5.0",
        // In each of the two calls one side pauses, and another time than the other.
        misses: || jump([5_000, 0, 7_000, 0]),
    },
];

#[test]
fn packets_that_prove_something_have_their_time() {
    for (scenario, at) in [(hung(false), "hung"), (pauses(false), "pauses"), (lossy(30), "lost")] {
        let found = crate::diagnose::diagnose(&scenario.done()).findings;
        let f = found.iter().find(|f| f.rule.id.starts_with("media-") && f.title.contains(at)).expect(at);
        assert!(f.evidence.iter().all(|e| e.time.is_some_and(|t| t >= START)), "{at}: {:?}", f.evidence);
        assert!(f.evidence.is_sorted_by_key(|e| e.time), "{at}: {:?}", f.evidence);
    }
}

#[test]
fn a_description_is_said_to_be_of_who_made_it() {
    let shown = |scenario: Scenario, rule: &str| -> Vec<String> {
        let found = crate::diagnose::diagnose(&scenario.done()).findings;
        let f = found.into_iter().find(|f| f.rule.id == rule).expect(rule);
        f.evidence.into_iter().map(|e| e.text).filter(|t| t.starts_with("SDP of ")).collect()
    };
    // What Alice sends is held to the answer, and what Bob sends to the offer.
    assert_eq!(shown(sent_to("10.0.0.65:4000>203.0.113.5:6000"), "media-unsignalled"), ["SDP of bob"]);
    assert_eq!(shown(pressed("RTP/AVP 0"), "media-dtmf"), ["SDP of bob"]);
    assert_eq!(shown(talk(&Voice { payload_type: 111, ..voice(2, 500) }), "media-codec"), ["SDP of Alice"]);
}

#[test]
fn the_reports_that_leave_a_stream_out_are_shown() {
    let found = crate::diagnose::diagnose(&hears(false).done()).findings;
    let of = found.iter().find(|f| f.rule.id == "media-unheard").expect("found");
    let reports = of.evidence.iter().filter(|e| e.text == "report of bob without a block about it");
    assert_eq!(reports.count(), 4, "{:?}", of.evidence);
}

#[test]
fn how_much_of_the_loss_is_in_one_run_is_said() {
    let said = |lost: Vec<u32>| {
        let found = crate::diagnose::diagnose(&broken(lost).done()).findings;
        let of = found.iter().find(|f| f.rule.id == "media-burst").expect("found");
        of.detail[0].rsplit_once(", ").map(|(_, run)| run.to_owned()).unwrap()
    };
    assert_eq!(said((300..312).collect()), "all of them in one run.");
    assert_eq!(said((300..312).chain([500]).collect()), "most of them in one run.");
}
