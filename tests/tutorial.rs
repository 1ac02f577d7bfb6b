//! The tutorial: its commands print what it shows.

use std::fmt::Write as _;
use std::path::Path;

use assert_cmd::Command;

/// What a shown command prints; `| head -N` keeps the first lines.
fn printed(command: &str) -> String {
    let (command, most) = match command.split_once(" | head -") {
        Some((command, n)) => (command, n.parse().expect("a number of lines")),
        None => (command, usize::MAX),
    };
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("callscope"));
    let output = Command::cargo_bin("callscope")
        .expect("the program is built")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(words)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("COLUMNS", "120")
        .output()
        .expect("runs");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let mut out = String::new();
    for line in text.lines().take(most) {
        let _ = writeln!(out, "{line}");
    }
    out
}

/// `UPDATE_GOLDEN=1` writes what the commands print now.
#[test]
fn the_tutorial_shows_what_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md");
    let page = std::fs::read_to_string(&path).expect("docs/tutorial.md");
    let mut now = String::new();
    let mut commands = 0;
    let mut rest = page.as_str();
    while let Some((before, block)) = rest.split_once("```console\n") {
        let (block, after) = block.split_once("```\n").expect("a block that ends");
        let command = block.lines().next().and_then(|l| l.strip_prefix("$ ")).expect("a command first");
        let _ = write!(now, "{before}```console\n$ {command}\n{}```\n", printed(command));
        commands += 1;
        rest = after;
    }
    now.push_str(rest);
    assert!(commands >= 10, "{commands} commands");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| !v.is_empty() && v != "0") {
        std::fs::write(&path, &now).expect("the page is written");
    }
    let page = std::fs::read_to_string(&path).expect("docs/tutorial.md");
    assert!(
        page == now,
        "docs/tutorial.md does not show what is printed: UPDATE_GOLDEN=1 writes it anew\n{now}"
    );
}

/// The commands that write files are shown without what they print.
#[test]
fn the_other_commands_of_the_tutorial_run() {
    let page = include_str!("../docs/tutorial.md");
    let dir = tempfile::tempdir().expect("directory");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    std::fs::copy(samples.join("media_remarked.pcapng"), dir.path().join("after-the-change.pcapng"))
        .expect("copied");
    let mut seen = 0;
    for line in page.lines().filter_map(|l| l.strip_prefix("    callscope ")) {
        let words = line.split_whitespace().map(|w| match w.strip_prefix("samples/") {
            Some(file) => samples.join(file).into_os_string(),
            None => w.into(),
        });
        let status = Command::cargo_bin("callscope")
            .expect("the program is built")
            .current_dir(dir.path())
            .args(words)
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .output()
            .expect("runs")
            .status;
        let failing = line.contains("--fail-on");
        assert_eq!(status.code(), Some(i32::from(failing)), "{line}");
        seen += 1;
    }
    assert_eq!(seen, 4);
    for file in ["ticket.html", "ticket.pcapng", "lookup.svg"] {
        assert!(dir.path().join(file).metadata().is_ok_and(|m| m.len() > 500), "{file}");
    }
}
