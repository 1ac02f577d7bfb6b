//! What `summary` and `ladder` print of every sample, held to the files in `tests/golden`.
//!
//! After a change that is meant, `UPDATE_GOLDEN=1 cargo test --test integration golden` writes the files anew; the
//! difference in git is then what is to be reviewed. Times are UTC and names relative, so that the files are the
//! same on every machine; the version number is left out.

#[path = "../src/output/json/tests/contract.rs"]
mod contract;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::cli::run;
use crate::common::manifest;
use contract::Document;

/// The samples whose every ladder is kept.
const LADDERS: [&str; 13] = [
    "call_states.pcap",
    "communicator.pcap",
    "failures.pcap",
    "proxy_hops.pcap",
    "tour.pcapng",
    "transfer.pcap",
    "remote_control.pcap",
    "response_group.pcap",
    "diagnostics.pcap",
    "media_odd.pcap",
    "media_one_way.pcap",
    "media_relay.pcap",
    "media_silence.pcap",
];

/// The samples whose candidates and allocations are kept.
const ICE: [&str; 1] = ["communicator.pcap"];

/// The samples whose look-ups of SQL Server are kept.
const SQL: [&str; 2] = ["sql.pcap", "sql_odd.pcap"];
/// The samples whose conferences are kept, with how many they have.
const CONFERENCES: [(&str, u32); 1] = [("conference.pcap", 2)];
/// The samples whose sign-ins are kept, with the ladder of their first.
const SIGN_INS: [&str; 1] = ["sign_ins.pcap"];

/// The samples whose media streams are kept, and the rows with all there is to say of them.
const MEDIA: [(&str, &[u32]); 7] = [
    ("media_fax.pcap", &[3, 5]),
    ("media_lossy.pcap", &[1, 2, 4]),
    ("media_odd.pcap", &[2, 3, 8, 10, 13]),
    ("media_one_way.pcap", &[1]),
    ("media_relay.pcap", &[1, 3, 6]),
    ("media_remarked.pcapng", &[1, 4, 6]),
    ("media_silence.pcap", &[1, 3]),
];

/// The samples whose report is kept, as a page and for a ticket.
const PAGES: [&str; 2] = ["hostile.pcap", "mid_call.pcap"];
const TICKETS: [&str; 3] = ["hostile.pcap", "mid_call.pcap", "failures.pcap"];

/// Lines of a difference shown at most.
const MAX_DIFF_LINES: usize = 80;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn stem(sample: &str) -> &str {
    sample.split('.').next().unwrap_or(sample)
}

/// What it prints; it must succeed and say nothing beside.
fn printed(arguments: &[&str]) -> String {
    let (code, out, err) = run(arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    out
}

/// Compares with the kept file or, asked to, writes it. What differs is added to `wrong`.
fn hold(name: &str, got: &str, wrong: &mut String) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| !v.is_empty() && v != "0") {
        std::fs::write(&path, got).expect("the file is written");
        return;
    }
    match std::fs::read_to_string(&path) {
        Err(e) => writeln!(wrong, "{}: {e}", path.display()).expect("text"),
        Ok(expected) if expected == got => {}
        Ok(expected) => {
            writeln!(wrong, "--- tests/golden/{name}\n+++ printed now\n{}", difference(&expected, got))
                .expect("text");
        }
    }
}

fn finish(wrong: &str) {
    assert!(wrong.is_empty(), "\n{wrong}\nUPDATE_GOLDEN=1 writes the files anew, should this be meant.");
}

#[test]
fn summaries_as_json() {
    let mut wrong = String::new();
    for sample in manifest() {
        let text = printed(&["summary", "--format", "json", "--pretty", &sample.file]);
        let read: Document = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", sample.file));
        assert_eq!(read.captures[0].path, sample.file);
        let version = format!("\"version\": \"{}\"", read.version);
        assert_eq!(text.matches(&version).count(), 1, "{}", sample.file);
        let text = text.replace(&version, "\"version\": \"(any)\"");
        hold(&format!("{}.json", stem(&sample.file)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn summaries_as_text() {
    let mut wrong = String::new();
    for sample in manifest() {
        let text = printed(&["summary", "--color", "never", "--time", "utc", &sample.file]);
        hold(&format!("{}.txt", stem(&sample.file)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn reports() {
    let mut wrong = String::new();
    for sample in PAGES {
        let mut page = printed(&["summary", "--format", "html", sample]);
        // How it looks is told elsewhere.
        while let Some(from) = page.find("<style>") {
            let to = page.find("</style>\n").expect("its end");
            page.replace_range(from..to + 9, "");
        }
        let policy = page.find("style-src").expect("a policy");
        let to = page[policy..].find("; base-uri").expect("its end") + policy;
        page.replace_range(policy..to, "style-src (any)");
        let page = page.replace(concat!("callscope ", env!("CARGO_PKG_VERSION")), "callscope (any)");
        hold(&format!("{}.html", stem(sample)), &page, &mut wrong);
    }
    for sample in TICKETS {
        let text = printed(&["summary", "--format", "markdown", sample]);
        hold(&format!("{}.md", stem(sample)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn ladders() {
    let mut wrong = String::new();
    for sample in LADDERS {
        let calls = manifest().into_iter().find(|s| s.file == sample).and_then(|s| s.calls);
        let mut text = String::new();
        for number in 1..=calls.expect("calls in the manifest").len() {
            let number = number.to_string();
            let ladder = printed(&["ladder", "--color", "never", "--call", &number, sample]);
            writeln!(text, "$ callscope ladder {sample} --call {number}\n{ladder}").expect("text");
        }
        hold(&format!("{}.ladder.txt", stem(sample)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn candidates_and_allocations() {
    let mut wrong = String::new();
    for sample in ICE {
        let mut text = String::new();
        for (command, more) in [("candidates", vec!["--width", "140"]), ("allocations", vec![])] {
            let mut arguments = vec![command, "--color", "never", "--time", "utc"];
            arguments.extend(more);
            arguments.push(sample);
            writeln!(text, "$ callscope {command} {sample}\n{}", printed(&arguments)).expect("text");
        }
        hold(&format!("{}.ice.txt", stem(sample)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn look_ups_of_sql_server() {
    let mut wrong = String::new();
    for sample in SQL {
        let rows = manifest().into_iter().find(|s| s.file == sample).map_or(0, |s| s.lookups.len());
        let mut text = String::new();
        let mut print = |arguments: &[&str]| {
            let with = [arguments, &["--color", "never", sample]].concat();
            writeln!(text, "$ callscope {} {sample}\n{}", arguments.join(" "), printed(&with)).expect("text");
        };
        print(&["sql", "--time", "utc"]);
        for row in 1..=rows {
            print(&["sql", "--time", "relative", "--row", &row.to_string()]);
        }
        for row in ["1", "2", "5"] {
            print(&["ladder", "--sql", row]);
        }
        hold(&format!("{}.sql.txt", stem(sample)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn conferences() {
    let mut wrong = String::new();
    for (sample, rows) in CONFERENCES {
        let mut text = String::new();
        let common = ["conferences", "--color", "never", "--time", "utc"];
        writeln!(text, "$ callscope conferences {sample}\n{}", printed(&[&common[..], &[sample]].concat()))
            .expect("text");
        for row in 1..=rows {
            let row = row.to_string();
            let arguments = [&common[..], &["--row", &row, sample]].concat();
            writeln!(text, "$ callscope conferences --row {row} {sample}\n{}", printed(&arguments))
                .expect("text");
        }
        hold(&format!("{}.conferences.txt", stem(sample)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn sign_ins() {
    let mut wrong = String::new();
    for sample in SIGN_INS {
        let rows = manifest().into_iter().find(|s| s.file == sample).map_or(0, |s| s.sign_ins.len());
        let mut text = String::new();
        let numbers: Vec<String> = (1..=rows).map(|n| n.to_string()).collect();
        let mut runs = vec![vec!["sign-ins", sample]];
        runs.extend(numbers.iter().map(|n| vec!["sign-ins", sample, "--row", n]));
        runs.push(vec!["ladder", sample, "--dialog", "1"]);
        for run in runs {
            let asked = run.join(" ");
            let arguments = [&run[..], &["--color", "never", "--time", "relative"]].concat();
            writeln!(text, "$ callscope {asked}\n{}", printed(&arguments)).expect("text");
        }
        hold(&format!("{}.rows.txt", stem(sample)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn media_streams() {
    let mut wrong = String::new();
    for (sample, rows) in MEDIA {
        let mut text = String::new();
        let mut print = |arguments: &[&str]| {
            let with = [arguments, &["--color", "never", "--time", "relative", sample]].concat();
            writeln!(text, "$ callscope {} {sample}\n{}", arguments.join(" "), printed(&with)).expect("text");
        };
        print(&["media"]);
        for row in rows {
            print(&["media", "--row", &row.to_string()]);
        }
        print(&["calls", "--columns", "id,from,to,media,mos"]);
        hold(&format!("{}.media.txt", stem(sample)), &text, &mut wrong);
    }
    finish(&wrong);
}

#[test]
fn the_folder_holds_nothing_else() {
    let mut expected = BTreeSet::new();
    for sample in manifest() {
        expected.extend(["json", "txt"].map(|end| format!("{}.{end}", stem(&sample.file))));
    }
    expected.extend(PAGES.map(|sample| format!("{}.html", stem(sample))));
    expected.extend(TICKETS.map(|sample| format!("{}.md", stem(sample))));
    expected.extend(LADDERS.map(|sample| format!("{}.ladder.txt", stem(sample))));
    expected.extend(ICE.map(|sample| format!("{}.ice.txt", stem(sample))));
    expected.extend(SQL.map(|sample| format!("{}.sql.txt", stem(sample))));
    expected.extend(CONFERENCES.map(|(sample, _)| format!("{}.conferences.txt", stem(sample))));
    expected.extend(MEDIA.map(|(sample, _)| format!("{}.media.txt", stem(sample))));
    expected.extend(SIGN_INS.map(|sample| format!("{}.rows.txt", stem(sample))));
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("the folder")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    if std::env::var_os("UPDATE_GOLDEN").is_none() {
        assert_eq!(there, expected);
    }
}

/// The lines that differ, with two lines around them, as `diff -u` writes them.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[before..], &new[before..]);
    let after = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - after], &b[..b.len() - after]);
    let mut lines: Vec<(char, usize, &str)> = Vec::new();
    let numbered = old.iter().enumerate().map(|(i, line)| (' ', i, *line));
    lines.extend(numbered.clone().take(before).skip(before.saturating_sub(2)));
    middle(a, b, before, &mut lines);
    lines.extend(numbered.skip(old.len() - after).take(2));
    let changed: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].0 != ' ').collect();
    let near = |i: usize| changed.iter().any(|c| c.abs_diff(i) <= 2);
    let mut out = String::new();
    let mut shown = 0;
    let mut skipped = true;
    for (i, (sign, number, text)) in lines.iter().enumerate() {
        if !near(i) {
            skipped = true;
            continue;
        }
        if skipped {
            writeln!(out, "@@ line {} @@", number + 1).expect("text");
            skipped = false;
        }
        writeln!(out, "{sign}{text}").expect("text");
        shown += 1;
        if shown == MAX_DIFF_LINES {
            out.push_str("(more lines differ)\n");
            break;
        }
    }
    out
}

/// The longest common run of lines kept, the others removed or added.
fn middle<'a>(a: &[&'a str], b: &[&'a str], first: usize, lines: &mut Vec<(char, usize, &'a str)>) {
    let width = b.len() + 1;
    let mut length = vec![0u32; if a.len() * width <= 25_000_000 { (a.len() + 1) * width } else { 0 }];
    if !length.is_empty() {
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                length[i * width + j] = if a[i] == b[j] {
                    length[(i + 1) * width + j + 1] + 1
                } else {
                    length[(i + 1) * width + j].max(length[i * width + j + 1])
                };
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let longer = |i: usize, j: usize| length.get(i * width + j).copied().unwrap_or(0);
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push((' ', first + i, a[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || longer(i + 1, j) >= longer(i, j + 1)) {
            lines.push(('-', first + i, a[i]));
            i += 1;
        } else {
            lines.push(('+', first + i, b[j]));
            j += 1;
        }
    }
}

#[test]
fn the_difference_is_readable() {
    let old = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
    let new = "one\ntwo\nthree\n4\nfive\nsix\nseven\neight\nnine\nnine and a half\nten\n";
    assert_eq!(
        difference(old, new),
        "@@ line 2 @@\n two\n three\n-four\n+4\n five\n six\n@@ line 8 @@\n eight\n nine\n+nine and a half\n ten\n"
    );
    assert_eq!(difference("a\n", "b\n"), "@@ line 1 @@\n-a\n+b\n");
}
