//! The page that a ticket carries: whole, harmless, bounded, and in a browser as it is meant.

use std::collections::HashSet;

use crate::cli::run;
use crate::common::{manifest, samples_folder};

pub mod browser;

fn page(arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["summary", "--format", "html"].iter().chain(arguments).copied().collect();
    let (code, out, err) = run(&arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    out
}

/// Elements as they come: name and attributes with their values as written.
#[derive(Debug)]
pub struct Tag<'a> {
    pub name: &'a str,
    pub attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }
}

/// Reads a page strictly: every element closed in its order, every attribute quoted (or without a value), no `<`, `>` or
/// control character in text.
pub fn read(page: &str) -> Vec<Tag<'_>> {
    const VOID: [&str; 1] = ["meta"];
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").expect("a document type");
    let (mut open, mut tags) = (Vec::new(), Vec::new());
    while let Some((text, after)) = rest.split_once('<') {
        let raw = open.last() == Some(&"style");
        assert!(raw || !text.contains('>'), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        let (tag, after) = after.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
            continue;
        }
        let (tag, alone) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut given) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "<{tag}>");
        let mut attributes = Vec::new();
        while !given.is_empty() {
            let end = given.find(['=', ' ']).unwrap_or(given.len());
            let (attribute, after) = given.split_at(end);
            assert!(attribute.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{tag}");
            let value = match after.strip_prefix("=\"") {
                Some(after) => {
                    let (value, after) = after.split_once('"').expect("a value ends");
                    given = after.trim_start();
                    value
                }
                None => {
                    assert!(!after.starts_with('='), "{tag}");
                    given = after.trim_start();
                    ""
                }
            };
            attributes.push((attribute, value));
        }
        if !alone && !VOID.contains(&name) {
            open.push(name);
        }
        tags.push(Tag { name, attributes });
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    tags
}

/// What every page must be.
fn check(page: &str, what: &str) {
    let tags = read(page);
    let mut ids = HashSet::new();
    for id in tags.iter().filter_map(|t| t.get("id")) {
        assert!(ids.insert(id), "{what}: two places are called {id}");
    }
    let mut level = 0;
    for tag in &tags {
        assert!(!["script", "img", "iframe", "link", "object", "embed", "form", "base"].contains(&tag.name));
        for (attribute, value) in &tag.attributes {
            assert!(
                !attribute.starts_with("on") && *attribute != "style" && *attribute != "src",
                "{what}: {tag:?}"
            );
            if *attribute == "href" {
                let to = value.strip_prefix('#').unwrap_or_else(|| panic!("{what} leads to {value}"));
                assert!(ids.contains(to), "{what}: nothing is called {to}");
            }
        }
        if tag.name == "th" {
            assert!(matches!(tag.get("scope"), Some("col" | "row")), "{what}: {tag:?}");
        }
        if let Some(n) = tag.name.strip_prefix('h').and_then(|n| n.parse::<u8>().ok()) {
            assert!(n <= level + 1, "{what}: h{n} below h{level}");
            level = n;
        }
    }
    assert_eq!(tags.iter().filter(|t| t.name == "h1").count(), 1, "{what}");
    assert_eq!(tags.first().and_then(|t| t.get("lang")), Some("en"));
    let policy = tags.iter().find(|t| t.get("http-equiv").is_some()).and_then(|t| t.get("content"));
    assert!(policy.is_some_and(|p| p.starts_with("default-src &#39;none&#39;; style-src &#39;sha256-")));
    assert!(!page.contains("url(") && !page.contains("@import"), "{what}");
}

#[test]
fn every_sample_makes_a_whole_page() {
    for sample in manifest() {
        let text = page(&[&sample.file]);
        check(&text, &sample.file);
        for n in 1..=sample.findings.len() {
            assert!(text.contains(&format!("id=\"finding-{n}\"")), "{}: finding {n}", sample.file);
        }
        let calls = sample.calls.map_or(0, |c| c.len());
        for n in 1..=calls {
            assert!(text.contains(&format!("<section class=\"full\" id=\"call-{n}\">")), "{}", sample.file);
        }
    }
}

#[test]
fn every_ladder_is_a_page_with_its_messages() {
    let (code, text, _) = run(&["ladder", "tour.pcapng", "--call", "1", "--format", "html"]);
    assert_eq!(code, 0);
    check(&text, "ladder of call 1");
    assert!(
        text.contains("<a id=\"flow-frame-0-39\" href=\"#message-0-39\">"),
        "the INVITE leads to its text"
    );
    assert!(text.contains("id=\"message-0-39\"") && text.contains("INVITE sip:bob@contoso.com"));
    assert!(text.contains("<a href=\"#flow-frame-0-39\">in the ladder</a>"));
    let (code, text, _) = run(&["ladder", "sql.pcap", "--sql", "2", "--format", "html"]);
    assert_eq!(code, 0);
    check(&text, "ladder of a look-up");
    assert!(text.contains("id=\"frame-0-14\""), "what is no SIP is decoded");
}

#[test]
fn from_a_finding_to_the_ladder_to_the_message() {
    let text = page(&["sql.pcap"]);
    let from = text.find("id=\"finding-2\"").expect("the 503");
    let finding = &text[from..from + text[from..].find("</article>").expect("its end")];
    assert!(
        finding.contains("<a href=\"#call-1\">Call 1</a>")
            && finding.contains("<a href=\"#message-0-36\">36</a>")
    );
    assert!(finding.contains("<a href=\"#finding-1\">finding 1</a>"), "{finding}");
    assert!(text.contains("<a id=\"call-1-frame-0-36\" href=\"#message-0-36\">"));
    let from = text.find("id=\"message-0-36\"").expect("the message");
    let message = &text[from..from + text[from..].find("</details>").expect("its end")];
    assert!(message.contains("SIP/2.0 503 Service Unavailable"), "{message}");
    assert!(
        message.contains("<a href=\"#call-1-frame-0-36\">") && message.contains("<a href=\"#finding-2\">")
    );
    // The question to SQL Server has no SIP: its fields stand at the end.
    assert!(
        text.contains("<a id=\"call-1-frame-0-32\" href=\"#frame-0-32\">")
            && text.contains("id=\"frame-0-32\"")
    );
}

#[test]
fn secrets_are_blanked_unless_asked_for() {
    for sample in ["communicator.pcap", "sign_ins.pcap", "browser.pcap"] {
        let blanked = page(&[sample]);
        let shown = page(&["--show-secrets", sample]);
        check(&shown, sample);
        assert!(blanked.contains("&lt;redacted&gt;") && !shown.contains("&lt;redacted&gt;"), "{sample}");
        let secret = |start: &str| {
            let from = shown.find(start).map(|at| at + start.len())?;
            shown[from..].split(|c: char| c.is_whitespace() || "&<,;\"".contains(c)).next().map(str::to_owned)
        };
        let found: Vec<String> =
            ["a=ice-pwd:", "inline:", "response=&quot;", "gssapi-data=&quot;", "&lt;password&gt;"]
                .into_iter()
                .filter_map(secret)
                .filter(|s| s.len() > 4)
                .collect();
        assert!(!found.is_empty(), "{sample} has secrets");
        for secret in found {
            assert!(!blanked.contains(&secret), "{sample}: {secret}");
        }
    }
}

#[test]
fn a_big_capture_is_told_in_part_and_says_so() {
    let limit = |what: &str| page(&["--limits", what, "tour.pcapng"]);
    let text = limit("report_calls=2");
    check(&text, "report_calls");
    // The worst are those that failed.
    for n in 1..=8 {
        let full = text.contains(&format!("<section class=\"full\" id=\"call-{n}\">"));
        assert_eq!(full, n == 5 || n == 6, "call {n}");
    }
    assert!(text.contains("2 of 8 calls are told in full, the worst first (limit report_calls)"));
    assert!(text.contains("<tr id=\"row-call-1\">"), "the others stand in the table");
    let text = limit("report_rows=3");
    check(&text, "report_rows");
    assert!(text.contains("3 of 8 rows are shown (limit report_rows): callscope calls FILE lists all."));
    let text = limit("report_messages=4");
    check(&text, "report_messages");
    assert!(
        text.contains("rows are drawn (limit report_messages): callscope ladder FILE --call 1 --format svg")
    );
    assert!(text.contains("messages are here (limit report_messages)"));
    // Those that prove something are not left out.
    assert!(text.contains("id=\"message-0-413\""));
    let text = limit("report_frames=1");
    check(&text, "report_frames");
    assert!(text.contains("not decoded here (limit report_frames)"));
    let text = limit("report_bytes=60k");
    check(&text, "report_bytes");
    assert!(text.contains("left out: the report has reached 61.4 kB (limit report_bytes)."));
    assert!(text.len() < 200_000, "{}", text.len());
}

#[test]
fn a_filter_makes_a_report_of_what_matches() {
    let text = page(&["--filter", "status == 504", "tour.pcapng"]);
    check(&text, "filter");
    assert!(text.contains("<h1>Call 5, Carol Cruz → dana: refused with 504"), "{text:.3000}");
    assert!(text.contains("This report is of what matches a filter only. All of the capture: 8 calls"));
    assert!(
        text.contains("id=\"call-5\"") && !text.contains("id=\"call-6\"") && !text.contains("row-call-6")
    );
    assert!(text.contains("1008 cannot resolve a DNS SRV record") && !text.contains("call-no-response"));
}

#[test]
fn markdown_for_a_ticket() {
    let (code, text, _) = run(&["summary", "--format", "markdown", "sql.pcap"]);
    assert_eq!(code, 0);
    assert!(
        text.starts_with("# 1 call, failed (503). Call 1, Alice Arnold → proxy: refused with 503"),
        "{text}"
    );
    for wanted in [
        "- **● error** (1, `sql-silent`) SQL look-up 5",
        "  - **Check next:** Nothing answers for any of these",
        "  - Frames: 32 instance RTC · 33",
        "  - It came of finding 1.",
        "\n## Call 1: Alice Arnold → proxy\n",
        "\n```text\nCall 1  Alice Arnold → proxy",
        "503 Service Unavailable",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    assert_eq!(text.matches("\n```").count() % 2, 0, "fences are closed");
    let (_, hostile, _) = run(&["summary", "--format", "markdown", "hostile.pcap"]);
    assert!(!hostile.contains('\u{1b}') && !hostile.contains("<script"), "{hostile}");
}

#[test]
fn csv_of_all_lists_into_a_folder() {
    let above = tempfile::tempdir().expect("directory");
    let folder = above.path().join("tables/");
    let name = folder.to_str().expect("UTF-8");
    let given = ["summary", "--format", "csv", "tour.pcapng", "-q", "-o", name];
    let (code, out, err) = run(&given);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("is there")
        .map(|e| e.expect("entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    let wanted = [
        "allocations",
        "calls",
        "candidate-pairs",
        "candidates",
        "captures",
        "conferences",
        "dialogs",
        "findings",
        "ice-sessions",
        "media",
        "messages",
        "sign-ins",
        "sql",
        "subscriptions",
    ];
    assert_eq!(names, wanted.map(|n| format!("{n}.csv")));
    let read = |name: &str| std::fs::read_to_string(folder.join(format!("{name}.csv"))).expect("reads");
    assert_eq!(read("calls").lines().count(), 9);
    assert!(read("calls").starts_with("id,start,from,to,state,") && read("calls").contains(",call_id,"));
    assert_eq!(read("conferences").lines().count(), 1, "nothing but a head");
    assert!(read("captures").contains("decoded,other_traffic"));
    let sum: u64 = read("captures")
        .lines()
        .nth(1)
        .expect("a row")
        .split(',')
        .skip(7)
        .take(9)
        .map(|n| n.parse::<u64>().expect("number"))
        .sum();
    assert_eq!(sum, 568, "every frame is counted once");
    // Nothing is replaced, and of several files not one is written if another is there.
    std::fs::remove_file(folder.join("calls.csv")).expect("goes");
    let (code, _, err) = run(&given);
    assert_eq!(code, 2);
    assert!(err.contains("exists already (--force replaces it)"), "{err}");
    assert!(!folder.join("calls.csv").exists());
    let forced: Vec<&str> = given.iter().copied().chain(["--force"]).collect();
    assert_eq!(run(&forced).0, 0);
    assert_eq!(read("calls").lines().count(), 9);
    // A folder within one that is not there is a mistake.
    let (code, _, err) = run(&["summary", "--format", "csv", "tour.pcapng", "-o", "/nonexistent/tables/"]);
    assert_eq!(code, 2, "{err}");
    // Without a folder it is the table of calls, as ever.
    let (_, calls, _) = run(&["summary", "--format", "csv", "tour.pcapng"]);
    assert_eq!(calls.lines().count(), 9);
    assert!(samples_folder().join("tour.pcapng").is_file());
}
