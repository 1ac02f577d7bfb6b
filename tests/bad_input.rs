//! Input made to break a reader: a clear word or a counted issue, bounded memory, every frame accounted for.

use std::io::Write;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use callscope::correlate::Analysis;
use callscope::correlate::load::LoadOptions;
use callscope::limits::Limits;

use crate::common::{analyse_bytes, analyse_with, samples_folder};

const T0: u64 = 1_700_000_000_000_000;

/// A classic little-endian Ethernet pcap; times in microseconds.
fn pcap<'a>(frames: impl IntoIterator<Item = (u64, &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(0xa1b2_c3d4_u32.to_le_bytes());
    out.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(262_144_u32.to_le_bytes());
    out.extend(1_u32.to_le_bytes());
    for (time, frame) in frames {
        record(&mut out, time, frame.len() as u32, frame);
    }
    out
}

fn record(out: &mut Vec<u8>, time: u64, caplen: u32, bytes: &[u8]) {
    out.extend(((time / 1_000_000) as u32).to_le_bytes());
    out.extend(((time % 1_000_000) as u32).to_le_bytes());
    out.extend(caplen.to_le_bytes());
    out.extend(caplen.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Frames a millisecond apart.
pub fn paced(frames: &[Vec<u8>]) -> Vec<u8> {
    pcap((0..).zip(frames).map(|(i, f)| (T0 + i * 1000, f.as_slice())))
}

/// Ethernet and IPv4 from 10.0.0.1 to 10.0.0.2; `fragment` is the word of flags and offset.
pub fn ipv4(protocol: u8, id: u16, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut f = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
    f.extend((20 + payload.len() as u16).to_be_bytes());
    f.extend(id.to_be_bytes());
    f.extend(fragment.to_be_bytes());
    f.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    f.extend_from_slice(payload);
    f
}

pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut u = Vec::new();
    u.extend(port.to_be_bytes());
    u.extend(5060_u16.to_be_bytes());
    u.extend((8 + payload.len() as u16).to_be_bytes());
    u.extend([0, 0]);
    u.extend_from_slice(payload);
    ipv4(17, 1, 0, &u)
}

pub fn tcp(ports: (u16, u16), seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut t = Vec::new();
    t.extend(ports.0.to_be_bytes());
    t.extend(ports.1.to_be_bytes());
    t.extend(seq.to_be_bytes());
    t.extend([0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    t.extend_from_slice(payload);
    ipv4(6, 1, 0, &t)
}

/// One direction of a connection, cut into segments of `size` bytes.
pub fn stream(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut frames = vec![tcp((40_000, 5060), 999, 2, b"")];
    let mut seq = 1000_u32;
    for part in bytes.chunks(size) {
        frames.push(tcp((40_000, 5060), seq, 0x18, part));
        seq = seq.wrapping_add(part.len() as u32);
    }
    frames
}

pub fn request(method: &str, call_id: &str, more: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{call_id}\r\n\
         From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: {call_id}\r\n\
         CSeq: 1 {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn balanced(a: &Analysis) {
    for c in &a.captures {
        assert_eq!(c.frames, c.accounting.total(), "{:?}", c.accounting);
        assert!(c.issues.len() <= a.limits.issues);
    }
}

pub fn read(bytes: &[u8]) -> Analysis {
    let a = analyse_bytes(bytes).expect("a capture");
    balanced(&a);
    a
}

pub fn read_within(bytes: &[u8], limits: Limits) -> Analysis {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("room for it");
    let options = LoadOptions { limits, threads: 1, ..LoadOptions::default() };
    let a = analyse_with(&[file.path().to_owned()], &options);
    balanced(&a);
    a
}

fn has(a: &Analysis, code: &str) -> bool {
    a.captures[0].issues.iter().any(|i| i.code == code)
}

fn issues(a: &Analysis, code: &str) -> usize {
    a.captures[0].issues.iter().filter(|i| i.code == code).count()
}

/// Exit status, standard output and standard error of the program.
fn run(arguments: &[&str], path: &Path) -> (i32, String, String) {
    let mut command = Command::cargo_bin("callscope").expect("the program is built");
    command.args(arguments).arg(path).env("XDG_CONFIG_HOME", "/nonexistent").env_remove("CLICOLOR_FORCE");
    let output = command.output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("ends by itself"), text(&output.stdout), text(&output.stderr))
}

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

#[test]
fn what_is_no_capture_is_told_and_is_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let nothing = folder.path().join("nothing");
    std::fs::create_dir(&nothing).expect("a folder");
    for (path, says) in [
        (file(&folder, "empty", b""), "empty"),
        (nothing, "without captures"),
        (file(&folder, "text", b"INVITE sip:bob SIP/2.0\nthis is a text file\n"), "not a capture"),
        (file(&folder, "magic", &[&[0xde, 0xad, 0xbe, 0xef][..], &[0; 100]].concat()), "not a capture"),
        (folder.path().join("missing"), "No such file"),
    ] {
        let (code, out, err) = run(&["summary"], &path);
        assert_eq!((code, out.as_str()), (3, ""), "{}", path.display());
        assert!(err.contains(says), "{err}");
    }
}

#[test]
#[cfg(unix)]
fn an_unreadable_file_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "secret.pcap", &pcap([]));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o0)).expect("permissions");
    if std::fs::read(&path).is_ok() {
        return; // root reads everything
    }
    let (code, _, err) = run(&["summary"], &path);
    assert_eq!(code, 3);
    assert!(err.contains("secret.pcap") && err.contains("ermission"), "{err}");
}

#[test]
fn records_without_bytes() {
    let good = udp(5060, &request("INVITE", "a", "", ""));
    let frames: Vec<Vec<u8>> = (0..1000).map(|i| if i == 500 { good.clone() } else { Vec::new() }).collect();
    let a = read(&paced(&frames));
    assert_eq!((a.captures[0].frames, a.sip.messages, a.calls.len()), (1000, 1, 1));
}

#[test]
fn lengths_beyond_the_file() {
    let good = udp(5060, &request("INVITE", "a", "", ""));
    for caplen in [good.len() as u32 + 1, 1 << 20, 1 << 24, u32::MAX, 0x8000_0000] {
        let mut bytes = paced(std::slice::from_ref(&good));
        record(&mut bytes, T0 + 5, caplen, &good);
        let a = read(&bytes);
        assert!(a.sip.messages >= 1, "{caplen}");
        assert!(!a.captures[0].issues.is_empty(), "{caplen}");
    }
}

#[test]
fn blocks_of_four_gigabytes() {
    let block = |kind: u32, len: u32, body: &[u8]| {
        [&kind.to_le_bytes()[..], &len.to_le_bytes(), body, &len.to_le_bytes()].concat()
    };
    let head =
        block(0x0a0d_0d0a, 28, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    let interface = block(1, 20, &[1, 0, 0, 0, 0, 0, 4, 0]);
    for len in [0xffff_fffc_u32, 0xffff_ffff, 0x8000_0000, 0, 4, 13] {
        let bytes = [head.clone(), interface.clone(), block(6, len, &[0; 64])].concat();
        let a = read(&bytes);
        assert!(!a.captures[0].issues.is_empty(), "{len:#x}");
    }
    // A whole block whose packet claims four gigabytes.
    let mut packet = vec![0; 20];
    packet[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    let a = read(&[head, interface, block(6, 32, &packet)].concat());
    assert!(!a.captures[0].issues.is_empty());
}

#[test]
fn ten_thousand_interfaces() {
    let block = |kind: u32, body: &[u8]| {
        let len = 12 + body.len() as u32;
        [&kind.to_le_bytes()[..], &len.to_le_bytes(), body, &len.to_le_bytes()].concat()
    };
    let mut bytes =
        block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    let mut frame = udp(5060, &request("INVITE", "a", "", ""));
    let caplen = frame.len() as u32;
    frame.resize(frame.len().next_multiple_of(4), 0);
    for _ in 0..10_000 {
        bytes.extend(block(1, &[1, 0, 0, 0, 0, 0, 4, 0]));
    }
    for interface in [0_u32, 9_999, 10_000] {
        let mut body = interface.to_le_bytes().to_vec();
        body.extend([0; 8]);
        body.extend(caplen.to_le_bytes());
        body.extend(caplen.to_le_bytes());
        body.extend_from_slice(&frame);
        bytes.extend(block(6, &body));
    }
    let a = read(&bytes);
    assert_eq!(a.captures[0].interfaces.len(), 10_000);
    assert_eq!(a.sip.messages, 2);
    assert!(!a.captures[0].issues.is_empty(), "interface 10000 is not there");
    let a = read_within(&bytes, Limits { interfaces: 100, ..Limits::default() });
    assert!(a.captures[0].interfaces.len() <= 100 && has(&a, "limit-interfaces"));
}

#[test]
fn time_going_backwards() {
    let frames: Vec<Vec<u8>> =
        (0..500).map(|i| udp(5060, &request("INVITE", &format!("c{i}"), "", ""))).collect();
    let a = read(&pcap((0..).zip(&frames).map(|(i, f)| (T0 - i * 10_000_000, f.as_slice()))));
    assert_eq!((a.sip.messages, a.calls.len()), (500, 500));
    assert!(a.captures[0].first < a.captures[0].last);
    for time in [0, u64::from(u32::MAX) * 1_000_000 + 999_999] {
        assert_eq!(read(&pcap([(T0, frames[0].as_slice()), (time, &frames[1])])).calls.len(), 2);
    }
}

#[test]
fn a_compressed_bomb_is_given_up_on() {
    // A record of zeros after another: 64 MB that a gzip of 64 kB holds.
    let mut z = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    z.write_all(&pcap([])).expect("compresses");
    let zeros = vec![0; 1 << 20];
    for _ in 0..64 {
        z.write_all(&zeros).expect("compresses");
    }
    let bomb = z.finish().expect("compresses");
    let limits = Limits { inflate_ratio: 100, spill_bytes: 32 << 20, ..Limits::default() };
    let a = read_within(&bomb, limits);
    assert!(has(&a, "limit-inflate-ratio") || has(&a, "limit-spill-bytes"), "{:?}", a.captures[0].issues);
}

#[test]
fn a_websocket_bomb_is_given_up_on() {
    let mut z = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    z.write_all(&vec![b'a'; 32 << 20]).expect("compresses");
    let bomb = z.finish().expect("compresses");
    let get = b"GET /sip HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let accepted = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let mut message = vec![0xc1, 126];
    message.extend(u16::try_from(bomb.len()).expect("a small bomb").to_be_bytes());
    message.extend(bomb);
    let mut frames = vec![tcp((40_000, 80), 1, 0x18, get), tcp((80, 40_000), 1, 0x18, accepted)];
    let mut seq = 1 + accepted.len() as u32;
    for part in message.chunks(1400) {
        frames.push(tcp((80, 40_000), seq, 0x18, part));
        seq += part.len() as u32;
    }
    let a = read(&paced(&frames));
    assert_eq!(a.other.websocket_sessions, 1);
    assert!(has(&a, "limit-message-bytes"), "{:?}", a.captures[0].issues);
    assert_eq!(a.sip.messages, 0);
}

#[test]
fn a_stream_that_never_ends_a_message() {
    // A body of which ever more comes, byte by byte: linear, or this takes hours.
    let mut endless = request("INVITE", "endless", "", "");
    let at = endless.len() - "0\r\n\r\n".len();
    endless.splice(at.., b"9000000\r\n\r\n".iter().copied());
    endless.resize(200_000, b'x');
    let a = read(&paced(&stream(&endless, 1)));
    assert_eq!((a.sip.messages, a.calls.len()), (1, 1), "its beginning is shown");
    // Longer than may be waited for.
    let limits = Limits { message_bytes: 100_000, ..Limits::default() };
    let a = read_within(&paced(&stream(&endless, 1000)), limits);
    assert!(has(&a, "limit-message-bytes"), "{:?}", a.captures[0].issues);
    assert_eq!(a.captures[0].accounting.over_limit, 1);
}

#[test]
fn many_streams_that_never_end_a_message() {
    // Each within what one may hold, all together not.
    let mut begun = request("INVITE", "begun", "", "");
    let at = begun.len() - "0\r\n\r\n".len();
    begun.splice(at.., b"90000\r\n\r\n".iter().copied());
    begun.resize(1400, b'x');
    let frames: Vec<Vec<u8>> = (0..40_u16)
        .flat_map(|i| [tcp((40_000 + i, 5060), 999, 2, b""), tcp((40_000 + i, 5060), 1000, 0x18, &begun)])
        .collect();
    let a = read_within(&paced(&frames), Limits { stream_bytes_total: 20_000, ..Limits::default() });
    assert_eq!(issues(&a, "limit-stream-bytes-total"), 1, "{:?}", a.captures[0].issues);
    assert_eq!(a.sip.messages, 40, "their beginnings are shown");
    let over = a.captures[0].accounting.over_limit;
    assert!((20..40).contains(&over), "{over}");
    assert!(!has(&read(&paced(&frames)), "limit-stream-bytes-total"));
}

#[test]
fn header_lines_of_megabytes() {
    let long = format!("X-Long: {}\r\n", "y".repeat(3 << 20));
    let bytes = [request("INVITE", "long", &long, ""), request("OPTIONS", "after", "", "")].concat();
    let a = read(&paced(&stream(&bytes, 1400)));
    assert_eq!(issues(&a, "limit-header-bytes"), 1, "{:?}", a.captures[0].issues);
    assert_eq!(a.dialogs_shown().count(), 1, "the message after it is found");
    // Within the limit it is a message like any other, also where it comes byte by byte.
    let long = format!("X-Long: {}\r\n", "y".repeat(150_000));
    let bytes = [request("INVITE", "long", &long, ""), request("OPTIONS", "after", "", "")].concat();
    for size in [1, 1400] {
        let a = read(&paced(&stream(&bytes, size)));
        assert_eq!((a.sip.messages, a.calls.len(), a.dialogs_shown().count()), (2, 1, 1), "{size}");
        assert!(a.captures[0].issues.is_empty(), "{:?}", a.captures[0].issues);
    }
}

#[test]
fn a_hundred_thousand_fragments_that_never_complete() {
    let part = [b'x'; 64];
    let mut frames: Vec<Vec<u8>> =
        (0..100_000_u32).map(|i| ipv4(17, i as u16, 0x2000 | ((i >> 16) as u16 * 8 + 8), &part)).collect();
    frames.push(udp(5060, &request("INVITE", "a", "", "")));
    let a = read(&pcap(frames.iter().map(|f| (T0, f.as_slice()))));
    assert_eq!(a.calls.len(), 1);
    let accounting = a.captures[0].accounting;
    assert_eq!(accounting.fragment_pending + accounting.over_limit, 100_000);
    assert_eq!(issues(&a, "limit-pending-fragments"), 1, "said once, not for every frame");
    assert_eq!(a.captures[0].issues_not_kept, 0);
}

#[test]
fn limits_are_named_and_their_frames_counted() {
    let udp_calls: Vec<Vec<u8>> =
        (0..10_u16).map(|i| udp(5060 + i, &request("INVITE", &format!("c{i}"), "", ""))).collect();
    let stream_calls =
        stream(&(0..10).flat_map(|i| request("INVITE", &format!("c{i}"), "", "")).collect::<Vec<_>>(), 350);
    let default = Limits::default;
    for (limits, code, kept) in [
        (Limits { sip_messages: 3, ..default() }, "limit-sip-messages", 3),
        (Limits { dialogs: 1, ..default() }, "limit-dialogs", 1),
        (Limits { flows: 1, ..default() }, "limit-flows", 1),
    ] {
        let a = read_within(&paced(&udp_calls), limits.clone());
        assert_eq!((a.sip.messages, a.messages.len()), (10, kept), "{code}");
        assert_eq!(a.captures[0].accounting.over_limit, 10 - kept as u64, "{code}");
        assert_eq!((issues(&a, code), a.messages_not_kept), (1, 10 - kept as u64), "{code}");
        if code != "limit-flows" {
            let a = read_within(&paced(&stream_calls), limits);
            assert_eq!(a.sip.messages, 10, "{code}");
            assert!(a.captures[0].accounting.over_limit > 0, "{code}: {:?}", a.captures[0].accounting);
            assert_eq!(issues(&a, code), 1, "{code}");
        }
    }
    let invented: Vec<Vec<u8>> =
        (0..50).map(|i| udp(5060, &request(&format!("WORD{i}"), &format!("m{i}"), "", ""))).collect();
    let a = read_within(&paced(&invented), Limits { methods: 20, ..default() });
    assert_eq!((a.messages.len(), issues(&a, "limit-methods")), (50, 1), "{:?}", a.captures[0].issues);
    assert_eq!(a.sip.requests.iter().sum::<u64>(), 50);
    let many: Vec<Vec<u8>> = (0..100_u16).map(|i| tcp((i + 1, 5060), 1, 0x18, b"OPTIONS sip:a")).collect();
    let a = read_within(&paced(&many), Limits { tcp_connections: 5, ..default() });
    assert_eq!(issues(&a, "limit-tcp"), 1, "{:?}", a.captures[0].issues);
}

/// C0 but line ends, DEL, C1, and what turns the direction of text or hides it.
fn acts_on_a_terminal(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

#[test]
fn nothing_shown_acts_on_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{8}\t\u{7f}";
    let text = format!(
        "INVITE sip:b{evil}ob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h{evil}ost;branch=z9hG4bK{evil}\r\n\
         From: \"Al{evil}ice\" <sip:al{evil}ice@example.com>;tag=1{evil}\r\nTo: \"{evil}\" <sip:{evil}>\r\n\
         Call-ID: c{evil}1\r\nCSeq: 1 INVITE\r\nUser-Agent: {evil}\r\nSubject: {evil}\r\n\
         Reason: Q.850;cause=16;text=\"{evil}\"\r\nX-{evil}: {evil}\r\nContent-Type: application/sdp{evil}\r\n\r\n\
         v=0\r\no={evil} 1 1 IN IP4 {evil}\r\ns={evil}\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 {evil}/8000\r\na={evil}\r\n"
    );
    let refused = text.replacen("INVITE sip:b", "SIP/2.0 488 ", 1).replacen(" SIP/2.0\r\n", "\r\n", 1);
    let word = request(&format!("W{}", "ORD"), &format!("d{evil}"), &format!("Event: {evil}\r\n"), evil);
    let frames = [udp(5060, text.as_bytes()), udp(5060, refused.as_bytes()), udp(5060, &word)];
    let folder = tempfile::tempdir().expect("a folder");
    let made = file(&folder, "ev\u{1b}[31mil\u{202e}.pcap", &paced(&frames));
    for path in [made, samples_folder().join("hostile.pcap")] {
        for arguments in [
            &["summary"][..],
            &["summary", "--format", "markdown"],
            &["calls"],
            &[
                "calls",
                "--columns",
                "id,from,to,reason,from_uri,to_uri,call_id,caller_agent,callee_agent,src,header:Subject,header:Via",
            ],
            &["calls", "--format", "ndjson"],
            &["dialogs"],
            &["dialogs", "--columns", "event,method,from_uri,call_id,header:Event"],
            &["ladder", "--call", "1"],
            &["ladder", "--call", "1", "--format", "svg"],
            &["ladder", "--call", "1", "--format", "html"],
            &["ladder", "--call", "1", "--format", "mermaid"],
            &["decode", "--frame", "1", "--hex"],
            &["decode", "--frame", "2", "--show-secrets"],
            &["ladder", "--call", "unknown\u{1b}[31m"],
            &["calls", "--filter", "unknown\u{1b}[31m == 1"],
            &["calls", "--columns", "unknown\u{1b}[31m"],
        ] {
            let (_, out, err) = run(arguments, &path);
            for text in [&out, &err] {
                let bad = text.chars().position(acts_on_a_terminal);
                assert!(
                    bad.is_none(),
                    "{arguments:?}: {:?}",
                    text.chars().skip(bad.unwrap_or(0).saturating_sub(40)).take(80).collect::<String>()
                );
            }
            assert!(!out.is_empty() || !err.is_empty(), "{arguments:?}");
        }
    }
}

/// No content of a file gives an error of the operating system: what is damaged or cut, packed or not, is told as such. Here
/// the other end of a socket goes away with a byte unread, which Linux tells the reader once it has taken all that was sent.
#[cfg(target_os = "linux")]
#[test]
fn an_error_of_the_system_ends_reading_and_is_told() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};
    let sent = std::fs::read(samples_folder().join("call_states.pcap")).expect("a sample");
    for arguments in [&["findings", "--color", "never", "-"][..], &["summary", "--redact", "-q", "-"]] {
        let (mut writer, reader) = UnixStream::pair().expect("two ends");
        writer.write_all(&sent[..20_000]).expect("room");
        (&reader).write_all(b"?").expect("room");
        drop(writer);
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("callscope"));
        command
            .args(arguments)
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .stdin(Stdio::from(OwnedFd::from(reader)));
        let output = command.output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{text} {}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("onnection reset by peer"), "{text}");
        assert!(arguments[0] == "summary" || text.contains("capture-read-error"), "{text}");
        // What came before is there: the second call was busy.
        assert!(text.contains("was busy"), "{text}");
    }
}
