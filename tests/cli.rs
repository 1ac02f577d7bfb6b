//! The program run as a user runs it: outputs, words, exit statuses.

use std::path::Path;

use assert_cmd::Command;

use crate::common::samples_folder;

/// The program in the samples' folder, without the user's configuration.
fn callscope(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("callscope").expect("the program is built");
    command.current_dir(samples_folder()).args(arguments).env("XDG_CONFIG_HOME", "/nonexistent");
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// Exit status, standard output and standard error.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = callscope(arguments).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("ends by itself"), text(&output.stdout), text(&output.stderr))
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let (code, out, err) = run(arguments);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn without_a_command_and_terminal_it_is_the_summary() {
    let (code, out, err) = run(&["--time", "utc", "call_states.pcap"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, run(&["summary", "--time", "utc", "call_states.pcap"]).1);
    assert!(out.contains("Verdict") && out.contains("Calls: 9"), "{out}");
    assert!(!out.contains('\u{1b}'));
    assert!(run(&["summary", "--color", "always", "call_states.pcap"]).1.contains('\u{1b}'));
    assert!(run(&["summary", "--ascii", "call_states.pcap"]).1.is_ascii());
}

#[test]
fn wrong_usage_is_2() {
    for arguments in [
        &["summary"][..],
        &[],
        &["--nonsense"],
        &["decode", "tour.pcapng", "--frame", "999999"],
        &["decode", "tour.pcapng", "--frame", "3:1"],
        &["ladder", "tour.pcapng"],
        &["ladder", "tour.pcapng", "--call", "99"],
        &["calls", "tour.pcapng", "--columns", "nonsense"],
        &["calls", "tour.pcapng", "--names", "nonexistent"],
        &["calls", "tour.pcapng", "--config", "nonexistent"],
        &["summary", "-", "-"],
        &["man", "nonsense"],
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn words_point_at_what_was_meant() {
    let (code, _, err) = run(&["calls", "--filter", "state == failed && fron ~ x", "tour.pcapng"]);
    assert_eq!(code, 2);
    assert!(err.contains("\n                   ^ unknown field `fron` (did you mean `from`?)"), "{err}");
    let (_, _, err) = run(&["calls", "--sort", "stat", "tour.pcapng"]);
    assert!(err.contains("did you mean"), "{err}");
    let calls = json(&["calls", "--format", "json", "tour.pcapng"]);
    let id = calls["calls"][0]["call_id"].as_str().expect("a Call-ID").to_owned();
    let (code, _, _) = run(&["ladder", "tour.pcapng", "--call", &id]);
    assert_eq!(code, 0);
    let (code, _, err) = run(&["ladder", "tour.pcapng", "--call", &format!("{id}x")]);
    assert_eq!(code, 2);
    assert!(err.contains(&format!("did you mean `{id}`")), "{err}");
}

#[test]
fn a_command_misspelt_or_behind_its_files_is_told() {
    let (code, out, err) = run(&["sumary", "tour.pcapng"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(err, "callscope: no file and no command `sumary` (did you mean `summary`?)\n");
    let (code, out, err) = run(&["tour.pcapng", "calls"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("as a command it comes first: callscope calls FILE"), "{err}");
    // A file of that name is a file, and what has a folder or a dot was never a command.
    for name in ["./sumary", "sumary.pcap", "x/sumary", "zzzzzz"] {
        let (code, _, err) = run(&[name]);
        assert_eq!((code, err.contains("command")), (3, false), "{name}: {err}");
        assert!(err.contains("No such file or directory\n") && !err.contains("os error"), "{err}");
    }
}

#[test]
fn frames_that_prove_a_finding_have_their_times() {
    let (_, one, _) = run(&["findings", "--time", "utc", "--row", "1", "no_path.pcap"]);
    let table: Vec<&str> = one.lines().skip_while(|l| !l.contains("Evidence")).skip(1).collect();
    assert_eq!(table.len(), 4, "{one}");
    assert!(table.iter().all(|l| l.contains("14:02:11.")), "{one}");
    let (_, csv, _) = run(&["calls", "--format", "csv", "--columns", "id,start,end", "no_path.pcap"]);
    assert!(csv.lines().skip(1).all(|l| l.matches(",2009-04-22 14:0").count() == 2), "{csv}");
}

#[test]
fn an_unreadable_input_is_3_and_the_others_are_told() {
    let (code, out, err) = run(&["summary", "nonexistent.pcap", "MANIFEST.toml", "hold.pcap"]);
    assert_eq!(code, 3);
    assert!(out.contains("hold.pcap") && out.contains("Calls: 1"), "{out}");
    assert!(err.contains("nonexistent.pcap") && err.contains("MANIFEST.toml"), "{err}");
    let (code, out, _) = run(&["summary", "--format", "json", "nonexistent.pcap"]);
    assert_eq!((code, out.as_str()), (3, ""));
    let (code, out, _) = run(&["summary", "--format", "ndjson", "MANIFEST.toml", "hold.pcap"]);
    assert_eq!((code, out.lines().count()), (3, 1));
}

#[test]
fn fail_on_is_1() {
    assert_eq!(run(&["summary", "--fail-on", "warning", "damaged.pcap"]).0, 1);
    assert_eq!(run(&["summary", "--fail-on", "error", "call_states.pcap"]).0, 1);
    assert_eq!(run(&["findings", "--fail-on", "error", "response_group.pcap"]).0, 0, "only worth knowing");
    assert_eq!(run(&["findings", "--fail-on", "info", "response_group.pcap"]).0, 1);
    assert_eq!(run(&["summary", "--fail-on", "info", "sctp.pcap"]).0, 0);
    assert_eq!(run(&["summary", "--fail-on", "warning", "damaged.pcap", "nonexistent"]).0, 3);
}

#[test]
fn a_rule_is_explained_and_a_wrong_name_leads_to_the_nearest() {
    let (code, out, _) = run(&["explain", "call-busy", "--color", "never"]);
    assert!(code == 0 && out.contains("How it is detected") && out.contains("RFC 3261"), "{out}");
    let (code, out, _) = run(&["explain"]);
    assert!(code == 0 && out.lines().any(|l| l.contains("call-no-response")), "{out}");
    let (code, _, err) = run(&["explain", "call-buzy"]);
    assert!(code == 2 && err.contains("did you mean `call-busy`?"), "{err}");
    let (code, out, _) = run(&["explain", "--format", "json"]);
    let rules: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(code == 0 && rules.as_array().is_some_and(|r| r.len() > 10));
}

#[test]
fn findings_in_every_format() {
    let (_, text, _) = run(&["findings", "failures.pcap"]);
    assert!(text.contains("call-unreachable") && text.contains("● error"), "{text}");
    let (_, one, _) = run(&["findings", "--row", "1", "failures.pcap"]);
    assert!(one.contains("Check next:") && one.contains("prove"), "{one}");
    let (_, csv, _) = run(&["findings", "--format", "csv", "--columns", "rule,calls", "failures.pcap"]);
    assert!(csv.starts_with("rule,calls\n") && csv.lines().count() > 4, "{csv}");
    let (_, markdown, _) = run(&["findings", "--format", "markdown", "failures.pcap"]);
    assert!(markdown.starts_with("| \\# |"), "{markdown}");
    let (_, lines, _) = run(&["findings", "--format", "ndjson", "failures.pcap"]);
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(value["evidence"].as_array().is_some_and(|e| !e.is_empty()), "{line}");
    }
    let (_, filtered, _) = run(&["findings", "--filter", "finding == call-unreachable", "failures.pcap"]);
    assert_eq!(
        filtered.lines().count(),
        lines.lines().filter(|l| l.contains("call-unreachable")).count() + 1
    );
    let (_, calls, _) = run(&["calls", "--filter", "finding == error", "--columns", "id", "failures.pcap"]);
    assert!(calls.lines().count() > 3, "{calls}");
}

#[test]
fn an_output_file_is_whole_and_never_replaced_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.csv");
    let name = path.to_str().expect("UTF-8");
    let (code, out, _) = run(&["calls", "--format", "csv", "hold.pcap", "-o", name]);
    assert_eq!((code, out.as_str()), (0, ""));
    let first = std::fs::read_to_string(&path).expect("written");
    assert_eq!(first.lines().count(), 2);
    let (code, _, err) = run(&["calls", "--format", "csv", "call_states.pcap", "-o", name]);
    assert_eq!(code, 2);
    assert!(err.contains("--force"), "{err}");
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), first);
    let (code, _, _) = run(&["calls", "--format", "csv", "call_states.pcap", "-o", name, "--force"]);
    assert_eq!(code, 0);
    assert_eq!(std::fs::read_to_string(&path).expect("replaced").lines().count(), 10);
    assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 1);
}

#[test]
fn a_file_named_like_a_command() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(samples_folder().join("hold.pcap"), folder.path().join("summary")).expect("copied");
    for arguments in [&["./summary"][..], &["--", "summary"], &["summary", "summary"]] {
        let output = callscope(arguments).current_dir(folder.path()).output().expect("runs");
        assert!(output.status.success(), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("Calls: 1"), "{arguments:?}");
    }
}

#[test]
fn standard_input() {
    let bytes = std::fs::read(samples_folder().join("hold.pcap")).expect("the sample");
    let output = callscope(&["calls", "--format", "csv", "-"]).write_stdin(bytes).output().expect("runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), run(&["calls", "--format", "csv", "hold.pcap"]).1);
}

#[test]
fn the_filter_holds_everywhere() {
    let filter = "state == completed";
    let all = json(&["summary", "--format", "json", "call_states.pcap"]);
    let some = json(&["summary", "--format", "json", "call_states.pcap", "--filter", filter]);
    let states = |v: &serde_json::Value| {
        let calls = v["calls"].as_array().expect("calls").iter();
        calls.map(|c| c["state"].as_str().expect("a state").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(&all).len(), 9);
    assert_eq!(states(&some), ["completed"]);
    assert_eq!(all["statistics"], some["statistics"]);
    let table = run(&["calls", "--format", "csv", "call_states.pcap", "--filter", filter]).1;
    assert_eq!(table.lines().count(), 2, "{table}");
    let lines = run(&["calls", "--format", "ndjson", "call_states.pcap", "--filter", filter]).1;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&lines).expect("a line"), some["calls"][0]);
}

#[test]
fn the_text_is_the_same_whatever_the_threads() {
    for arguments in [
        &["summary", "--time", "utc", "tour.pcapng"][..],
        &["summary", "--format", "json", "tour.pcapng", "proxy_hops.pcap"],
    ] {
        let threads = |n: &str| run(&[arguments, &["--threads", n]].concat()).1;
        assert_eq!(threads("1"), threads("4"));
    }
}

#[test]
fn hostile_text_reaches_no_terminal() {
    for format in ["text", "json", "csv", "markdown"] {
        let out = run(&["summary", "--format", format, "hostile.pcap"]).1;
        assert!(out.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r')), "{format}");
    }
    for format in ["text", "svg", "html", "mermaid", "json"] {
        let out = run(&["ladder", "--format", format, "hostile.pcap"]).1;
        assert!(out.chars().all(|c| !c.is_control() || c == '\n'), "{format}");
        assert!(!out.contains("<script") || format == "text" || format == "json", "{format}");
    }
    let out = run(&["decode", "--hex", "--frame", "1", "hostile.pcap"]).1;
    assert!(out.chars().all(|c| !c.is_control() || c == '\n'));
}

#[test]
fn an_extract_holds_the_call_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    for (sample, call) in [
        ("call_states.pcap", 2),
        // An ICMP error, a reset, a FIN, a TLS alert are the call's own.
        ("failures.pcap", 1),
        ("failures.pcap", 3),
        ("failures.pcap", 4),
        ("failures.pcap", 5),
        ("fragments.pcap", 1),
        ("tcp_segments.pcap", 1),
        // Their first segments come in reverse order.
        ("tcp_segments.pcap", 2),
        ("tcp_segments.pcap", 3),
        ("links.pcapng", 1),
        ("websocket.pcap", 1),
        ("websocket.pcap", 2),
    ] {
        let path = folder.path().join(format!("{sample}.{call}.pcapng"));
        let name = path.to_str().expect("UTF-8");
        let number = call.to_string();
        let (code, _, err) = run(&["extract", sample, "--call", &number, "-o", name]);
        assert_eq!(code, 0, "{sample}: {err}");
        let whole = json(&["calls", "--format", "json", sample]);
        let part = json(&["calls", "--format", "json", name]);
        let told = |c: &serde_json::Value| {
            let messages = c["messages"].as_array().expect("messages").iter();
            let messages: Vec<_> =
                messages.map(|m| (m["time"].clone(), m["src"].clone(), m["label"].clone())).collect();
            let failure = c["failure"]["text"].clone();
            (c["call_id"].clone(), c["state"].clone(), failure, messages)
        };
        let id = &whole["calls"][call - 1]["call_id"];
        let extracted = part["calls"].as_array().expect("calls").iter().find(|c| c["call_id"] == *id);
        assert_eq!(told(&whole["calls"][call - 1]), told(extracted.expect("the call")), "{sample}");
        if sample == "call_states.pcap" {
            assert_eq!(part["calls"].as_array().map(Vec::len), Some(1));
        }
    }
}

#[test]
fn names_and_relative_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = folder.path().join("names");
    let calls = json(&["calls", "--format", "json", "hold.pcap"]);
    let src = calls["calls"][0]["messages"][0]["src"].as_str().expect("an address").to_owned();
    let (ip, _) = src.rsplit_once(':').expect("a port");
    std::fs::write(&names, format!("# machines\n{ip} = Reception desk\n")).expect("written");
    let names = names.to_str().expect("UTF-8");
    let out = run(&["ladder", "hold.pcap", "--names", names]).1;
    assert!(out.contains("Reception desk") && out.contains("0.000000"), "{out}");
    std::fs::write(names, "\n10.0.0.1\n").expect("written");
    let (code, _, err) = run(&["ladder", "hold.pcap", "--names", names]);
    assert_eq!(code, 2);
    assert!(err.contains("names:2:"), "{err}");
}

#[test]
fn completions_and_manual() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = run(&["completions", shell]);
        assert_eq!(code, 0);
        assert!(out.contains("callscope") && out.contains("ladder"), "{shell}");
    }
    assert!(run(&["man"]).1.starts_with(".ie"));
    assert!(run(&["man", "ladder"]).1.contains("callscope\\-ladder"));
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_is_no_error() {
    use std::process::{Command, Stdio};
    let program = assert_cmd::cargo::cargo_bin("callscope");
    let mut child = Command::new(program)
        .args(["summary", "--format", "json", "--pretty", "tour.pcapng"])
        .current_dir(Path::new(&samples_folder()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn what_is_no_number_and_a_table_without_rows_are_told_in_words() {
    let sample = "call_states.pcap";
    for (args, words) in [
        (["allocations", sample, "--allocation", "x"], "expected a number"),
        (["candidates", sample, "--session", "x"], "expected a number"),
        (["decode", sample, "--frame", "x"], "expected the number of a frame"),
        (["decode", sample, "--frame", "0"], "counted from 1"),
    ] {
        let (code, _, err) = run(&args);
        assert_eq!(code, 2, "{args:?}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
    let (code, out, _) = run(&["allocations", sample]);
    assert_eq!((code, out.as_str()), (0, "No TURN allocation.\n"));
    let (code, out, _) = run(&["media", "sign_ins.pcap"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("No media stream.\nA stream needs three RTP packets"), "{out}");
    let (_, out, _) = run(&["media", "--filter", "media.loss > 1%", sample]);
    assert_eq!(out, "No media stream matches the filter.\n");
    let (_, out, _) = run(&["allocations", "--format", "csv", sample]);
    assert!(out.starts_with("id,"), "{out}");
}

#[test]
fn candidates_and_allocations_in_every_format() {
    let sample = "communicator.pcap";
    for command in ["candidates", "allocations"] {
        for format in ["text", "json", "ndjson", "csv", "markdown"] {
            let (code, out, err) = run(&[command, "--format", format, sample]);
            assert_eq!((code, err.as_str()), (0, ""), "{command} {format}");
            if format == "json" {
                let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
                assert_eq!(value["schema"], "callscope/1", "{command}");
            }
        }
    }
    let (_, pairs, _) = run(&["candidates", "--format", "csv", "--table", "pairs", sample]);
    assert!(pairs.starts_with("session,call,component,a_type,a,b_type,b,"), "{pairs}");
    let (_, rows, _) = run(&["candidates", "--format", "csv", sample]);
    assert!(rows.starts_with("session,call,party,generation,chosen,name,component,"), "{rows}");
    let (code, _, err) = run(&["candidates", "--session", "99", sample]);
    assert_eq!(code, 2);
    assert!(err.contains("no session 99"), "{err}");
    let (code, _, err) = run(&["allocations", "--columns", "clent", sample]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `client`?"), "{err}");
}

#[test]
fn media_in_every_format() {
    let sample = "media_silence.pcap";
    for format in ["text", "json", "ndjson", "csv", "markdown"] {
        let (code, out, err) = run(&["media", "--format", format, "--sort", "-loss", sample]);
        assert_eq!((code, err.as_str()), (0, ""), "{format}");
        assert_eq!(out.matches("PCMU/8000").count().min(2), 2, "{format}: {out}");
    }
    let whole = json(&["summary", "--format", "json", sample]);
    assert_eq!(json(&["media", "--format", "json", sample])["media_streams"], whole["media_streams"]);
    assert_eq!(json(&["media", "--format", "json", "--row", "2", sample])["media_streams"][0]["id"], 2);
    let (_, out, _) = run(&["media", "--ascii", "--row", "1", sample]);
    assert!(out.is_ascii(), "{out}");
    let (_, csv, _) =
        run(&["media", "--format", "csv", "--columns", "id,keys", "--filter", "dtmf ~ 1234", sample]);
    assert_eq!(csv, "id,keys\n1,1234#\n");
    for (arguments, words) in [
        (["media", "--row", "9", sample], "no media stream 9: the input has media streams 1 to 4"),
        (["media", "--columns", "los", sample], "did you mean `loss`?"),
        (["media", "--filter", "media.los > 2%", sample], "did you mean `media.loss`?"),
    ] {
        let (code, _, err) = run(&arguments);
        assert_eq!(code, 2);
        assert!(err.contains(words), "{err}");
    }
    // Digits may be a passcode.
    for arguments in
        [vec!["media", "--row", "1"], vec!["media", "--format", "json"], vec!["media", "--columns", "keys"]]
    {
        let (_, out, _) = run(&[&arguments[..], &["--redact-text", sample]].concat());
        assert!(out.contains("xxxxx") && !out.contains("1234"), "{out}");
    }
}

#[test]
fn redacted_texts_are_in_no_output() {
    let frames = ["4", "17", "25", "29", "33", "39", "43"];
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["summary", "--format", "json"],
        vec!["summary", "--format", "html"],
        vec!["summary", "--format", "markdown"],
        vec!["ladder", "--call", "1", "--format", "html"],
        vec!["messages"],
        vec!["messages", "--row", "3"],
        vec!["messages", "--format", "csv", "--columns", "text"],
        vec!["ladder", "--call", "1"],
        vec!["calls", "--columns", "header:Ms-Text-Format"],
    ];
    commands.extend(frames.iter().map(|f| vec!["decode", "--hex", "--frame", f]));
    // Of the first message also its base64.
    let written =
        ["<review>", "SGkgQm9i", "steal", "clock", "figures", "budget", "there?", "Lunch", "Anybody"];
    let mut shown = 0;
    for command in commands {
        let mut arguments = command.clone();
        arguments.push("conversation.pcap");
        let (_, plain, _) = run(&arguments);
        shown += written.iter().filter(|w| plain.contains(**w)).count();
        arguments.push("--redact-text");
        let (code, out, err) = run(&arguments);
        assert_eq!(code, 0, "{err}");
        for word in written {
            assert!(!out.contains(word), "{command:?} shows {word}:\n{out}");
        }
    }
    assert!(shown > 20, "the test looks at {shown} words");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let to = folder.path().join("x.pcapng");
    let to = to.to_string_lossy();
    let (code, _, err) = run(&["extract", "conversation.pcap", "--call", "1", "--redact-text", "-o", &to]);
    assert!(code == 2 && err.contains("--redact-text"), "{code} {err}");
}

#[test]
fn a_stream_is_extracted_with_all_its_packets() {
    let dir = tempfile::tempdir().expect("a folder");
    let to = dir.path().join("stream.pcapng");
    let name = to.to_str().expect("a path");
    // Plain, in Send and Data and then as it is, in ChannelData, and with Microsoft's framing in TCP.
    for (sample, row) in
        [("media_lossy.pcap", 2), ("media_relay.pcap", 1), ("media_relay.pcap", 3), ("media_relay.pcap", 5)]
    {
        let streams = |file: &str| {
            json(&["media", file, "--format", "json"])["media_streams"].as_array().expect("streams").clone()
        };
        let whole = streams(sample);
        let stream = &whole[row - 1];
        let (code, _, err) = run(&["extract", sample, "--stream", &row.to_string(), "-o", name, "--force"]);
        assert_eq!(code, 0, "{err}");
        let part = streams(name);
        let found = part.iter().find(|s| s["ssrc"] == stream["ssrc"]).expect("the stream");
        for figure in
            ["src", "dst", "packets", "bytes", "missing", "duplicates", "out_of_order", "first", "last"]
        {
            assert_eq!(found[figure], stream[figure], "{figure} of {sample} {row}");
        }
        // Of a connection no frame can be left out.
        assert!(part.len() == 1 || sample == "media_relay.pcap" && row == 5, "{part:#?}");
    }
    let (code, _, err) = run(&["extract", "media_lossy.pcap", "--stream", "99", "-o", name, "--force"]);
    assert_eq!((code, err.trim()), (2, "callscope: no media stream 99: the input has media streams 1 to 4"));
}

/// The packets of a fax, and not those of the audio on the same ports; also where its numbers look like RTP.
#[test]
fn a_fax_is_a_stream_to_extract() {
    let dir = tempfile::tempdir().expect("a folder");
    for (stream, packets) in [("3", 191), ("6", 112)] {
        let to = dir.path().join(stream);
        let name = to.to_str().expect("a path");
        let (code, _, err) = run(&["extract", "media_fax.pcap", "--stream", stream, "-o", name]);
        assert_eq!(code, 0, "{err}");
        assert!(err.starts_with(&format!("{packets} frames")), "{err}");
    }
    let (code, out, _) = run(&[
        "media",
        "media_fax.pcap",
        "--filter",
        "protocol == \"T.38\" && media.loss > 1",
        "--format",
        "csv",
    ]);
    assert_eq!((code, out.lines().count()), (0, 3), "{out}");
}

#[test]
fn audio_is_written_where_it_can_be_heard() {
    let dir = tempfile::tempdir().expect("a folder");
    let to = dir.path().join("stream.wav");
    let name = to.to_str().expect("a path");
    let (code, out, err) = run(&["extract", "media_lossy.pcap", "--stream", "2", "--wav", name]);
    // 400 packets of 20 ms, of which 38 are lost.
    let told = "8.00 s of audio at 8000 Hz from 362 packets, 0.76 s of it silence where none came";
    assert_eq!((code, out.as_str(), err.trim()), (0, "", told));
    let wav = hound::WavReader::open(&to).expect("a WAV file");
    assert_eq!((wav.spec().sample_rate, wav.duration()), (8000, 64_000));
    // It is not replaced, and what has no audio leaves nothing behind.
    assert_eq!(run(&["extract", "media_lossy.pcap", "--stream", "2", "--wav", name]).0, 2);
    let other = dir.path().join("other.wav");
    let other_name = other.to_str().expect("a path");
    for (arguments, says) in [
        (&["media_odd.pcap", "--stream", "14"][..], "stream 14 is encrypted (SRTP)"),
        (&["media_fax.pcap", "--stream", "3"], "stream 3 is a fax (T.38)"),
        (&["media_relay.pcap", "--stream", "1"], "x-msrta/16000: only G.711"),
        (&["media_lossy.pcap", "--call", "1"], "give --stream N"),
        (&["media_lossy.pcap", "--stream", "2", "--redact-text"], "--redact-text cannot be heeded"),
    ] {
        let (code, out, err) = run(&[&["extract", "--wav", other_name], arguments].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(says), "{err}");
        assert!(!other.exists());
    }
}

#[test]
fn marks_are_held_against_a_profile() {
    let told = |more: &[&str]| {
        let (code, out, err) = run(&[&["media", "media_remarked.pcapng", "--row", "7"], more].concat());
        assert_eq!(code, 0, "{err}");
        out
    };
    assert!(told(&[]).contains("as expected: 24 CS3 (communicator, by the user agents)"));
    let lync = told(&["--qos-profile", "lync"]);
    assert!(
        lync.contains("Marks: 24 from Alice Arnold, 24 from Bob Baker instead of 34 AF41 (lync)."),
        "{lync}"
    );
    assert!(told(&["--qos-profile", "audio=40,video=24"]).contains("as expected: 24 CS3 (custom)"));
    let (code, _, err) = run(&["media", "media_remarked.pcapng", "--qos-profile", "lynx"]);
    assert!(code == 2 && err.contains("did you mean `lync`?"), "{err}");
}

#[test]
fn a_filter_for_users_says_when_not_all_their_names_are_known() {
    let asked = |limit: &str, filter: &str| {
        let (code, _, err) = run(&["calls", "--limits", limit, "--filter", filter, "tour.pcapng"]);
        assert_eq!(code, 0, "{err}");
        err
    };
    let user = "user ~ alice";
    assert_eq!(asked("alias_messages=1000", user), "");
    let told = "callscope: not all names of users are known (limit alias_messages)\n";
    assert_eq!(asked("alias_messages=1", user), told);
    assert_eq!(asked("alias_messages=1", "from ~ alice"), "");
}

#[test]
fn a_batch_looks_at_each_capture_on_its_own() {
    let dir = tempfile::tempdir().expect("directory");
    for name in ["tour.pcapng", "hold.pcap", "no_path.pcap", "communicator.pcap"] {
        std::fs::copy(samples_folder().join(name), dir.path().join(name)).expect("copied");
    }
    std::fs::write(dir.path().join("notes.txt"), "no capture").expect("written");
    let folder = dir.path().to_str().expect("UTF-8");
    let (code, table, err) = run(&["batch", "--time", "utc", folder]);
    assert_eq!((code, err.as_str()), (0, ""), "what is no capture is passed over in a folder");
    let first_words: Vec<&str> = table.lines().skip(5).filter_map(|l| l.split_whitespace().nth(1)).collect();
    assert_eq!(&first_words[..3], ["no_path.pcap", "tour.pcapng", "hold.pcap"], "{table}");
    for jobs in ["1", "3"] {
        assert_eq!(run(&["batch", "--time", "utc", "--jobs", jobs, folder]).1, table);
    }
    assert!(run(&["batch", "--ascii", folder]).1.is_ascii());

    // What the rows say is what a look at each one by itself says.
    let rows = json(&["batch", "--format", "json", folder]);
    let mut calls = 0;
    for row in rows["captures"].as_array().expect("rows") {
        let alone = json(&["summary", "--format", "json", row["path"].as_str().expect("a path")]);
        assert_eq!(row["calls"], alone["calls"].as_array().expect("calls").len());
        assert_eq!(row["verdict"], alone["verdict"]);
        assert_eq!(row["frames"], alone["captures"][0]["frames"]);
        let findings = alone["findings"].as_array().expect("findings");
        assert_eq!(
            row["worst"]["title"],
            findings.first().map_or(serde_json::Value::Null, |f| f["title"].clone())
        );
        for severity in ["error", "warning", "info"] {
            let n = findings.iter().filter(|f| f["severity"] == severity).count();
            assert_eq!(row["findings"][severity], n, "{severity} of {}", row["path"]);
        }
        calls += row["calls"].as_u64().expect("a number");
    }
    assert_eq!(rows["totals"]["calls"], calls);
    let (_, lines, _) = run(&["batch", "--format", "ndjson", folder]);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|l| serde_json::from_str(l).expect("a line is an object")).collect();
    assert_eq!(serde_json::Value::from(lines), rows["captures"]);
    let (_, csv, _) = run(&["batch", "--format", "csv", folder]);
    assert!(csv.starts_with("severity,capture,start,frames,calls,failed,errors,warnings,finding\n"), "{csv}");
    assert_eq!(csv.lines().count(), 5);
    assert!(run(&["batch", "--format", "markdown", folder]).1.contains("| --- |"));
}

#[test]
fn a_broken_capture_does_not_stop_a_batch() {
    let dir = tempfile::tempdir().expect("directory");
    let broken = dir.path().join("broken.pcap");
    std::fs::write(&broken, "").expect("written");
    let broken = broken.to_str().expect("UTF-8");
    let (code, out, err) = run(&["batch", broken, "nonexistent.pcap", "hold.pcap"]);
    assert_eq!(code, 3);
    assert!(err.contains("broken.pcap: the file is empty") && err.contains("nonexistent.pcap"), "{err}");
    assert!(
        out.contains("3 captures") && out.contains("2 cannot be read") && out.contains("hold.pcap"),
        "{out}"
    );
    let (code, out, _) = run(&["batch", broken]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert_eq!(run(&["batch", "--fail-on", "error", "hold.pcap"]).0, 0);
    assert_eq!(run(&["batch", "--fail-on", "error", "hold.pcap", "no_path.pcap"]).0, 1);
    assert_eq!(run(&["batch", "--follow", "hold.pcap"]).0, 2);
}

#[test]
fn a_filter_finds_the_captures_of_a_batch() {
    let files = ["call_states.pcap", "hold.pcap", "failures.pcap"];
    let rows = |filter: &str| {
        let mut arguments = vec!["batch", "--format", "json", "--filter", filter];
        arguments.extend(files);
        let all = json(&arguments);
        let paths: Vec<String> = all["captures"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|r| format!("{} {}", r["path"].as_str().expect("a path"), r["calls"]))
            .collect();
        assert_eq!(all["totals"]["unmatched"], files.len() - paths.len());
        paths
    };
    assert_eq!(rows("status == 486"), ["call_states.pcap 1"]);
    assert_eq!(rows("method == NOSUCH"), [""; 0]);
    let (code, out, _) = run(&["batch", "--filter", "method == NOSUCH", "hold.pcap"]);
    assert_eq!(code, 0);
    assert!(out.contains("1 holds nothing that matches"), "{out}");
    assert_eq!(run(&["batch", "--filter", "fron ~ x", "hold.pcap"]).0, 2);
}
