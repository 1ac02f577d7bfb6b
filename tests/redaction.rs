//! `--redact`: the copy means the same as the original and holds nothing of whom it is about.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::RwLock;

use callscope::capture::Input;
use callscope::correlate::Analysis;
use callscope::correlate::load::{LoadOptions, load};
use callscope::limits::Limits;
use callscope::output::json::{JsonOptions, summary};
use callscope::redact::{Key, Redactor, redacted_copy};
use serde_json::Value;

use crate::cli::run;
use crate::common::{manifest, samples_folder};

const KEY: &str = "a key for tests";

/// The copy of a capture, its bytes, and how much was overwritten.
pub struct Copy {
    pub input: Input,
    pub bytes: Vec<u8>,
    pub tally: callscope::redact::Tally,
}

pub fn copy_of(path: &Path, key: &str) -> Copy {
    let options = LoadOptions::default();
    let mut redactor = Redactor::new(Key::of(key), &Limits::default(), &[], &options.leg_headers);
    let input = Input::Path(path.to_owned());
    let input = redacted_copy(&mut redactor, &input, "capture-1", &mut |_, _| ControlFlow::Continue(()))
        .expect("a copy");
    let Input::StandIn(copy) = &input else { panic!("the copy stands in") };
    let mut file = copy.file.try_clone().expect("a handle");
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).expect("seeks");
    file.read_to_end(&mut bytes).expect("reads");
    Copy { input, bytes, tally: redactor.tally }
}

pub fn analyse(input: Input, redaction: Option<callscope::redact::Tally>) -> Analysis {
    let analysis = RwLock::new(Analysis::default());
    // Names that name blocks of a capture give are left out of the copy.
    let limits = Limits { names: 0, ..Limits::default() };
    let options = LoadOptions { redaction, limits, ..LoadOptions::default() };
    let report = load(&[input], &options, &analysis, &mut |_| ControlFlow::Continue(()));
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    analysis.into_inner().expect("no panic while the lock was held")
}

fn json(analysis: &Analysis) -> Value {
    let mut out = Vec::new();
    summary(&mut out, analysis, JsonOptions::default()).expect("written");
    serde_json::from_slice(&out).expect("JSON")
}

/// Letters and digits of a text made alike: what is left is how it is built.
fn shape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => 'a',
            c if !c.is_ascii() => '~',
            c => c,
        })
        .collect()
}

/// Keys whose value is no name: it must be the same word.
const WORDS: &[&str] = &[
    "state",
    "kind",
    "rule",
    "severity",
    "code",
    "method",
    "type",
    "a_type",
    "b_type",
    "transport",
    "dialect",
    "outcome",
    "confidence",
    "reason",
    "label",
    "way",
    "codec",
    "format",
    "fidelity",
    "version",
    "cipher",
    "role",
    "status",
    "advice_rule",
    "media",
    "direction",
    "ended_by",
    "generation",
];

fn differences(a: &Value, b: &Value, path: &str, out: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let keys: BTreeSet<&String> = x.keys().chain(y.keys()).collect();
            for key in keys {
                match (x.get(key), y.get(key)) {
                    (Some(v), Some(w)) => differences(v, w, &format!("{path}.{key}"), out),
                    (v, w) => out.push(format!("{path}.{key}: {v:?} | {w:?}")),
                }
            }
        }
        (Value::Array(x), Value::Array(y)) => {
            if x.len() != y.len() {
                out.push(format!("{path}: {} | {} of them", x.len(), y.len()));
            }
            for (n, (v, w)) in x.iter().zip(y).enumerate() {
                differences(v, w, &format!("{path}[{n}]"), out);
            }
        }
        (Value::String(x), Value::String(y)) => {
            let key = path.rsplit('.').next().unwrap_or_default();
            let same = if WORDS.contains(&key) && !x.contains(['@', ':', '"', '/']) {
                // A word of the analysis, perhaps with a name in it.
                x == y || shape(x) == shape(y) && x.contains([' ', '.'])
            } else {
                shape(x) == shape(y)
            };
            if !same {
                out.push(format!("{path}: {x:?} | {y:?}"));
            }
        }
        (x, y) if x == y => {}
        (x, y) => out.push(format!("{path}: {x} | {y}")),
    }
}

/// What may differ: sample (empty: all), part of the path, why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("", ".redaction", "only the copy has it"),
    ("", "].path:", "the file's name may name somebody"),
    ("", "].comments", "comments are left out"),
    ("", ".text: ", "what people wrote is filler of the same length, without marks"),
    ("media_silence.pcap", ".keys: ", "keys pressed are numbers dialled"),
    ("sign_ins.pcap", ".auth_user", "names inside NTLM messages are overwritten with them"),
    ("sign_ins.pcap", ".auth_workstation", "names inside NTLM messages are overwritten with them"),
    ("rules_sign_in.pcap", ".auth_user", "names inside NTLM messages are overwritten with them"),
    ("rules_sign_in.pcap", ".auth_workstation", "names inside NTLM messages are overwritten with them"),
    ("near_sign_in.pcap", ".auth_user", "names inside NTLM messages are overwritten with them"),
    ("near_sign_in.pcap", ".auth_workstation", "names inside NTLM messages are overwritten with them"),
    ("sign_ins.pcap", ".verified", "passwords and keyed hashes are overwritten: nothing is claimed of them"),
    (
        "rules_relays.pcap",
        ".verified",
        "passwords and keyed hashes are overwritten: nothing is claimed of them",
    ),
    (
        "near_relays.pcap",
        ".verified",
        "passwords and keyed hashes are overwritten: nothing is claimed of them",
    ),
    ("communicator_2007.pcap", ".pairs[", "pairs without a priority stand in the order of their addresses"),
    ("websocket.pcap", ".statistics.sip", "compressed messages cannot keep their length"),
    ("websocket.pcap", ".calls: 2 | 1", "compressed messages cannot keep their length"),
    ("websocket.pcap", ".verdict", "compressed messages cannot keep their length"),
];

fn is_allowed(sample: &str, difference: &str) -> bool {
    ALLOWED.iter().any(|(file, part, _)| {
        (file.is_empty() || *file == sample)
            && difference.contains(part)
            && (*part != ".text: " || is_message_text(difference))
    })
}

/// Texts of instant messages, not those of the analysis.
fn is_message_text(difference: &str) -> bool {
    difference.starts_with(".instant_messages[")
}

#[test]
fn the_copy_means_the_same() {
    let mut wrong = Vec::new();
    for sample in manifest() {
        let path = samples_folder().join(&sample.file);
        let original = analyse(Input::Path(path.clone()), None);
        let copy = copy_of(&path, KEY);
        let redacted = analyse(copy.input, Some(copy.tally));
        let mut found = Vec::new();
        differences(&json(&original), &json(&redacted), "", &mut found);
        found.retain(|d| !is_allowed(&sample.file, d));
        wrong.extend(found.into_iter().take(5).map(|d| format!("{}{d}", sample.file)));
        let rules = |a: &Analysis| -> Vec<(&'static str, Vec<_>)> {
            let diagnosis = callscope::diagnose::diagnose(a);
            diagnosis
                .findings
                .iter()
                .map(|f| (f.rule.id, f.evidence.iter().map(|e| e.frame).collect()))
                .collect()
        };
        if rules(&original) != rules(&redacted) {
            wrong.push(format!("{}: other findings or frames", sample.file));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Is it a character of users and hosts?
fn is_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'+')
}

fn word(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_lowercase()
}

/// Words of the protocols, which stay.
const PROTOCOL: &[&str] = &[
    "anonymous",
    "invalid",
    "local",
    "localhost",
    "audio",
    "video",
    "chat",
    "conf",
    "focus",
    "sip",
    "phone",
    "user",
    "conference",
    "unknown",
    "server",
    "client",
    "gateway",
    "media",
    "test",
    "group",
    "response",
    "service",
    "call",
    "microsoft",
    "office",
    "communicator",
    "communications",
    "this",
    "that",
    "with",
    "from",
    "there",
    "here",
    "does",
    "application",
    "sipinternal",
    "sipinternaltls",
    "sipexternal",
    "request",
    "version",
    "message",
    "proxy",
];

/// Users, hosts, names and texts that stand in a sample.
pub fn names_of(sample: &Path) -> BTreeSet<String> {
    let original = analyse(Input::Path(sample.to_owned()), None);
    names_in(&std::fs::read(sample).expect("a sample"), &json(&original))
}

/// The same of the bytes of a capture.
fn names_in(bytes: &[u8], analysis: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for scheme in [b"sip:".as_slice(), b"sips:", b"im:", b"mailto:", b"tel:"] {
        for at in memchr::memmem::find_iter(bytes, scheme) {
            let rest = &bytes[at + scheme.len()..];
            let user = rest.iter().take_while(|c| is_name(**c)).count();
            names.insert(word(&rest[..user]));
            if rest.get(user) == Some(&b'@') {
                let rest = &rest[user + 1..];
                let host = rest.iter().take_while(|c| is_name(**c)).count();
                names.insert(word(&rest[..host]));
                names.extend(rest[..host].split(|c| *c == b'.').map(word));
            }
        }
    }
    for at in memchr::memmem::find_iter(bytes, b"\" <sip:") {
        let before = &bytes[at.saturating_sub(64)..at];
        if let Some(open) = before.iter().rposition(|c| *c == b'"') {
            names.insert(word(&before[open + 1..]));
            names.extend(before[open + 1..].split(|c| *c == b' ').map(word));
        }
    }
    fn texts(value: &Value, key: &str, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(o) => o.iter().for_each(|(k, v)| texts(v, k, names)),
            Value::Array(a) => a.iter().for_each(|v| texts(v, key, names)),
            Value::String(s)
                if matches!(
                    key,
                    "display" | "display_name" | "server_name" | "auth_workstation" | "auth_user"
                ) =>
            {
                names.extend(s.split(|c: char| !c.is_alphanumeric() && c != '-').map(str::to_lowercase));
            }
            _ => {}
        }
    }
    texts(analysis, "", &mut names);
    if let Some(messages) = analysis["instant_messages"].as_array() {
        for text in messages.iter().filter_map(|m| m["text"].as_str()) {
            names.extend(text.lines().map(str::to_lowercase));
        }
    }
    names.retain(|n| {
        let digits = n.bytes().all(|c| c.is_ascii_digit() || c == b'.');
        n.chars().count() >= if digits { 7 } else { 4 }
            && n.parse::<std::net::IpAddr>().is_err()
            && !PROTOCOL.contains(&n.trim_matches('.'))
    });
    names
}

/// Addresses in text that stand in some bytes.
fn addresses_in(bytes: &[u8]) -> BTreeSet<String> {
    bytes
        .split(|c| !c.is_ascii_digit() && *c != b'.')
        .filter(|w| (7..=15).contains(&w.len()))
        .filter_map(|w| std::str::from_utf8(w).ok()?.parse::<std::net::Ipv4Addr>().ok())
        .map(|a| a.to_string())
        .collect()
}

/// The bytes of a capture as they may be written: in small letters, without the zero bytes of UTF-16, escapes undone, and
/// what stands in base64.
fn readings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let plain = bytes.to_ascii_lowercase();
    let narrow: Vec<u8> = plain.iter().copied().filter(|b| *b != 0).collect();
    let mut unescaped = Vec::with_capacity(plain.len());
    let mut at = 0;
    while let Some(&c) = plain.get(at) {
        let hex = |at: usize| plain.get(at).and_then(|c| (*c as char).to_digit(16));
        match (c, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                unescaped.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                unescaped.push(c);
                at += 1;
            }
        }
    }
    let mut decoded = Vec::new();
    for run in bytes
        .split(|c| !c.is_ascii_alphanumeric() && !matches!(c, b'+' | b'/' | b'='))
        .filter(|r| r.len() >= 8)
    {
        decoded.extend(
            callscope_parsers::mime::decode_base64(run)
                .0
                .to_ascii_lowercase()
                .into_iter()
                .filter(|b| *b != 0),
        );
        decoded.push(b'\n');
    }
    vec![plain, narrow, unescaped.to_ascii_lowercase(), decoded]
}

pub fn leaks(names: &BTreeSet<String>, bytes: &[u8]) -> Vec<String> {
    let readings = readings(bytes);
    let found = |n: &&String| readings.iter().any(|r| memchr::memmem::find(r, n.as_bytes()).is_some());
    names.iter().filter(found).cloned().collect()
}

#[test]
fn nothing_of_the_original_is_in_the_copy() {
    let mut wrong = Vec::new();
    let mut looked_for = 0;
    for sample in manifest() {
        let path = samples_folder().join(&sample.file);
        let bytes = std::fs::read(&path).expect("a sample");
        let original = analyse(Input::Path(path.clone()), None);
        let names = names_in(&bytes, &json(&original));
        looked_for += names.len();
        let copy = copy_of(&path, KEY);
        for name in leaks(&names, &copy.bytes) {
            wrong.push(format!("{}: {name}", sample.file));
        }
        let redacted = analyse(copy.input, Some(copy.tally));
        let shown = serde_json::to_vec(&json(&redacted)).expect("written");
        for name in leaks(&names, &shown) {
            wrong.push(format!("{} in its JSON: {name}", sample.file));
        }
        // The pseudonym of one address may be another one.
        let flows: BTreeSet<String> = addresses_in(&shown);
        for address in addresses_in(&bytes).intersection(&addresses_in(&copy.bytes)) {
            let ip: std::net::Ipv4Addr = address.parse().expect("an address");
            let stays = ip.is_loopback() || ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast();
            // Versions of products look like addresses.
            if !stays && !flows.contains(address) && !is_version(&bytes, address) {
                wrong.push(format!("{}: {address}", sample.file));
            }
        }
    }
    assert!(looked_for > 250, "{looked_for} names looked for");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Does it stand behind a slash or a word wherever it stands?
fn is_version(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find_iter(bytes, text.as_bytes())
        .all(|at| matches!(bytes.get(at.wrapping_sub(1)), Some(b'/' | b'v' | b' ')))
}

/// Every output reads the copy: no command tells what it does not hold.
#[test]
fn no_command_tells_a_name() {
    let outputs: [(&str, &[&str]); 22] = [
        ("tour.pcapng", &["summary"]),
        ("tour.pcapng", &["summary", "--format", "markdown"]),
        ("tour.pcapng", &["summary", "--format", "csv"]),
        ("tour.pcapng", &["summary", "--format", "ndjson"]),
        ("tour.pcapng", &["calls", "--columns", "id,from,to,state,header:User-Agent,header:Contact"]),
        ("tour.pcapng", &["dialogs", "--format", "json"]),
        ("tour.pcapng", &["ladder", "--call", "3"]),
        ("tour.pcapng", &["ladder", "--call", "3", "--format", "html"]),
        ("tour.pcapng", &["ladder", "--call", "3", "--format", "svg"]),
        ("tour.pcapng", &["ladder", "--call", "7", "--extended", "--format", "mermaid"]),
        (
            "tour.pcapng",
            &["decode", "--frame", "4", "--frame", "161", "--frame", "554", "--hex", "--show-secrets"],
        ),
        ("tour.pcapng", &["decode", "--frame", "5", "--format", "json", "--hex", "--show-secrets"]),
        ("tour.pcapng", &["findings"]),
        ("tour.pcapng", &["media", "--row", "1"]),
        ("communicator.pcap", &["candidates", "--call", "1"]),
        ("communicator.pcap", &["allocations"]),
        ("sign_ins.pcap", &["sign-ins", "--row", "1"]),
        ("watchers.pcap", &["subscriptions", "--row", "1"]),
        ("conference.pcap", &["conferences", "--row", "1"]),
        ("conversation.pcap", &["messages", "--row", "1"]),
        ("sql.pcap", &["sql", "--row", "1"]),
        ("tour.pcapng", &["extract", "--call", "3", "--call", "8"]),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (file, arguments) in outputs {
        let path = samples_folder().join(file);
        let original = analyse(Input::Path(path.clone()), None);
        let names = names_in(&std::fs::read(&path).expect("a sample"), &json(&original));
        let out = folder.path().join("out");
        let out_text = out.to_str().expect("text").to_owned();
        let arguments = [arguments, &[file, "--redact-key", KEY, "--force", "-o", &out_text]].concat();
        let (code, _, err) = run(&arguments);
        assert_eq!(code, 0, "{arguments:?}: {err}");
        assert!(err.contains("redacted"), "{err}");
        let written = std::fs::read(&out).expect("written");
        assert!(!written.is_empty());
        let found = leaks(&names, &written);
        assert!(found.is_empty(), "{arguments:?}: {found:?}");
        assert!(leaks(&names, err.as_bytes()).is_empty(), "{err}");
        let name = file.split('.').next().unwrap_or_default();
        let shown = String::from_utf8_lossy(&written).into_owned();
        assert!(
            name == "conference" || !shown.contains(&format!("{name}.pcap")),
            "{arguments:?} tells the file's name"
        );
    }
}

#[test]
fn redaction_and_what_goes_not_with_it() {
    for arguments in [
        &["summary", "--redact", "--follow", "tour.pcapng"][..],
        &["summary", "--redact", "--names", "names.txt", "tour.pcapng"],
    ] {
        let (code, out, err) = run(arguments);
        assert!(
            code == 2 && out.is_empty() && err.contains("--redact") || err.contains("names.txt"),
            "{err}"
        );
    }
    // Another key each time, the same with one that is given.
    let calls = |arguments: &[&str]| run(&[&["calls", "-q", "tour.pcapng"], arguments].concat()).1;
    assert_ne!(calls(&["--redact"]), calls(&["--redact"]));
    assert_eq!(calls(&["--redact-key", "a"]), calls(&["--redact", "--redact-key", "a"]));
    assert_ne!(calls(&["--redact-key", "a"]), calls(&["--redact-key", "b"]));
    // Two files share their pseudonyms.
    let shared =
        run(&["summary", "-q", "--redact-key", "a", "--format", "json", "tour.pcapng", "call_states.pcap"]).1;
    let shared: Value = serde_json::from_str(&shared).expect("JSON");
    let paths: Vec<&str> =
        shared["captures"].as_array().expect("captures").iter().filter_map(|c| c["path"].as_str()).collect();
    assert_eq!(paths, ["capture-1", "capture-2"]);
    assert!(shared["redaction"]["overwritten"]["bytes of media"].as_u64().is_some_and(|n| n > 0));
}

/// Copies of a batch are made one at a time, in their files' order, and are gone once they are looked at: many of them need
/// few open files.
#[cfg(unix)]
#[test]
fn a_batch_keeps_no_copies() {
    let dir = tempfile::tempdir().expect("a folder");
    for n in 0..80 {
        let name = ["hold.pcap", "no_path.pcap", "transfer.pcap"][n % 3];
        let to = dir.path().join(format!("fabrikam{n:02}.pcap"));
        std::fs::copy(samples_folder().join(name), to).expect("copied");
    }
    std::fs::write(dir.path().join("fabrikam80.pcap"), "").expect("written");
    let last = dir.path().join("fabrikam80.pcap");
    let all = |more: &str| {
        let line = format!("ulimit -n 40; exec \"$0\" batch --jobs 2 --format json {more} \"$1\" \"$2\"");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &line]).arg(assert_cmd::cargo::cargo_bin("callscope")).arg(dir.path()).arg(&last);
        let output = command.env("XDG_CONFIG_HOME", "/nonexistent").output().expect("runs");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{err}");
        (serde_json::from_slice::<Value>(&output.stdout).expect("JSON"), err)
    };
    let (original, _) = all("");
    let (copies, err) = all("--redact-key a");
    assert!(err.contains("callscope: redacted: "), "{err}");
    assert!(!copies.to_string().contains("fabrikam"));
    assert_eq!(copies["totals"], original["totals"]);
    assert_eq!(copies["totals"]["unreadable"], 1);
    let rules = |v: &Value| {
        let rows = v["captures"].as_array().expect("rows").iter();
        let mut rules: Vec<String> = rows.map(|r| r["worst"]["rule"].to_string()).collect();
        rules.sort();
        rules
    };
    assert_eq!(rules(&copies), rules(&original));
    let path = |v: &Value, n: usize| v["captures"][n]["path"].as_str().map(str::to_owned);
    assert!((0..81).all(|n| path(&copies, n).is_some_and(|p| p.starts_with("capture-"))));
}

/// A folder of captures of one's own, given by `CALLSCOPE_REDACT`: nothing panics, frames are as many and as long, the copy
/// means the same, and no name is left. `CALLSCOPE_REDACT_OUT` keeps the copies.
#[test]
#[ignore = "needs captures"]
fn a_folder_of_captures() {
    let Some(folder) = std::env::var_os("CALLSCOPE_REDACT") else { return };
    let keep = std::env::var_os("CALLSCOPE_REDACT_OUT").map(std::path::PathBuf::from);
    let (inputs, _) = callscope::capture::expand_inputs(&[Input::Path(folder.into())]);
    for (n, input) in inputs.into_iter().enumerate() {
        let Input::Path(path) = &input else { continue };
        let bytes = std::fs::read(path).expect("a capture");
        if callscope::capture::CaptureReader::open(&input, Default::default(), &Limits::default(), false)
            .is_err()
        {
            continue;
        }
        let original = json(&analyse(input.clone(), None));
        let names = names_in(&bytes, &original);
        let copy = copy_of(path, KEY);
        if let Some(keep) = &keep {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            std::fs::write(keep.join(format!("{n}-{name}.redacted.pcapng")), &copy.bytes).expect("kept");
        }
        let left = leaks(&names, &copy.bytes);
        let redacted = json(&analyse(copy.input, Some(copy.tally)));
        let mut found = Vec::new();
        differences(&original, &redacted, "", &mut found);
        found.retain(|d| !is_allowed("", d));
        println!("== {}: {} names, left {left:?}, {} differences", path.display(), names.len(), found.len());
        for d in found.iter().take(12) {
            println!("   {}", d.chars().take(300).collect::<String>());
        }
    }
}
