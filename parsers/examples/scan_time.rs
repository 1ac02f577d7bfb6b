//! Nanoseconds per message that `scan` and `scan_stun` take: `cargo run --profile fast -p callscope-parsers --example scan_time`.

use std::hint::black_box;
use std::time::Instant;

use callscope_parsers::sip::{parse_message, scan};
use callscope_parsers::stun::{looks_like_stun, parse_stun, scan_stun};
use hex_literal::hex;

fn main() {
    let head = "INVITE sip:+15551230002@proxy.example.com:5060;user=phone SIP/2.0\r\n\
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-524287-1---8d7b3a1f9c0e4d22;rport\r\n\
Max-Forwards: 70\r\n\
Contact: <sip:alice@192.0.2.10:5060;transport=udp>\r\n\
To: <sip:+15551230002@proxy.example.com;user=phone>\r\n\
From: \"Alice Example\" <sip:alice@proxy.example.com>;tag=7d4c1a2b\r\n\
Call-ID: 84517ZjM4NTYyYTlkODc3YjQyMWRhZTU@192.0.2.10\r\n\
CSeq: 1 INVITE\r\n\
Allow: INVITE, ACK, CANCEL, BYE, REFER, INFO, NOTIFY, OPTIONS, UPDATE, PRACK, MESSAGE, SUBSCRIBE\r\n\
Content-Type: application/sdp\r\n\
Supported: replaces, 100rel, timer, norefersub\r\n\
User-Agent: Example Softphone 5.4.9\r\n\
Allow-Events: hold, talk, conference\r\n";
    let sdp = "v=0\r\no=- 3747839200 1 IN IP4 192.0.2.10\r\ns=Example\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
m=audio 40002 RTP/AVP 9 8 120 0 84 101\r\na=rtpmap:120 opus/48000/2\r\na=fmtp:120 useinbandfec=1\r\n\
a=rtpmap:84 speex/16000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";
    let message = format!("{head}Content-Length: {}\r\n\r\n{sdp}", sdp.len());
    let message = message.as_bytes();
    let seen = scan(message).expect("a message");
    assert!(!seen.suspicious);
    let head_only = format!("{head}\r\n");
    for (what, bytes) in [("headers and SDP", message), ("headers", head_only.as_bytes())] {
        let scanned = nanoseconds(2_000, || {
            black_box(scan(black_box(bytes)));
        });
        let parsed = nanoseconds(200, || {
            black_box(parse_message(black_box(bytes)));
        });
        println!("{what}, {} bytes: scan {scanned} ns, parse_message {parsed} ns", bytes.len());
    }
    stun();
}

fn stun() {
    for (what, message) in [("check", CHECK), ("MS-TURN allocation", ALLOCATED)] {
        assert!(looks_like_stun(message));
        let scanned = nanoseconds(20_000, || {
            black_box(scan_stun(black_box(message), None));
        });
        let used = nanoseconds(20_000, || {
            if let Some(m) = scan_stun(black_box(message), None) {
                black_box((
                    m.username(),
                    m.priority(),
                    m.use_candidate(),
                    m.controlling(),
                    m.mapped(),
                    m.relayed(),
                ));
            }
        });
        let parsed = nanoseconds(2_000, || {
            black_box(parse_stun(black_box(message), None));
        });
        let size = message.len();
        println!(
            "{what}, {size} bytes: scan_stun {scanned} ns, with fields {used} ns, parse_stun {parsed} ns"
        );
    }
}

/// RFC 5769 §2.1.
const CHECK: &[u8] = &hex!(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
);
/// Built from [MS-TURN].
const ALLOCATED: &[u8] = &hex!(
    "010300642112a442101112131415161718191a1b000f000472c64bc6000100080001dfddd5c78db5000d000400000258"
    "802000080001e26375895af680500018404142434445464748494a4b4c4d4e4f50515253000000008008000400000002"
    "000800147e44174b5192c695bcaf228b93625fd969836d6e"
);

/// Best mean of 50 batches: other work on the machine only ever adds.
fn nanoseconds(rounds: u32, mut run: impl FnMut()) -> u128 {
    let mut best = u128::MAX;
    for _ in 0..50 {
        let start = Instant::now();
        for _ in 0..rounds {
            run();
        }
        best = best.min(start.elapsed().as_nanos() / u128::from(rounds));
    }
    best
}
