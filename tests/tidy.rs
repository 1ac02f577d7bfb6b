//! The house rules that a reader of the source could check by eye, checked by machine.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Rooms of `src/`, upstream first. A room may use the rooms before it, never one after it.
/// `output` and `tui` draw the same views; only the terminal UI also exports, so it stands last.
const ROOMS: &[&str] = &[
    "limits",
    "capture",
    "net",
    "decode",
    "redact",
    "correlate",
    "show",
    "diagnose",
    "view",
    "output",
    "tui",
    "cli",
    "fuzzing",
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a source folder") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn all_sources(dirs: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for dir in dirs {
        sources(&Path::new(ROOT).join(dir), &mut found);
    }
    found.sort();
    assert!(!found.is_empty());
    found
        .into_iter()
        .map(|p| {
            let text = fs::read_to_string(&p).expect("a source file");
            (p, text)
        })
        .collect()
}

fn room_of(path: &Path) -> Option<String> {
    let rest = path.strip_prefix(Path::new(ROOT).join("src")).ok()?;
    let first = rest.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

/// The part of a file that is not its tests.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]").map_or(text, |at| &text[..at])
}

#[test]
fn rooms_use_only_what_lies_upstream() {
    let mut wrong = Vec::new();
    for (path, text) in all_sources(&["src"]) {
        let Some(room) = room_of(&path) else { continue };
        let Some(place) = ROOMS.iter().position(|r| *r == room) else {
            assert!(room == "lib" || room == "main", "{room} is no room: add it to ARCHITECTURE.md and here");
            continue;
        };
        // Tests may use what they like, in a file of their own too.
        if path.components().any(|c| c.as_os_str() == "tests") || path.ends_with("tests.rs") {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (other, name) in ROOMS.iter().enumerate() {
                let used = [format!("crate::{name}::"), format!("crate::{name};")];
                if other > place && used.iter().any(|u| line.contains(u)) {
                    wrong.push(format!("{}:{}: {room} uses {name}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "downstream rooms used:\n{}", wrong.join("\n"));
}

#[test]
fn parsers_are_pure() {
    let banned = [
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "std::time",
        "std::env",
        "std::process",
        "std::thread",
        "println!",
        "eprintln!",
    ];
    for (path, text) in all_sources(&["parsers/src"]) {
        for b in banned {
            assert!(!without_tests(&text).contains(b), "{}: {b}", path.display());
        }
    }
}

#[test]
fn files_stay_readable() {
    let long: Vec<_> = all_sources(&["src", "parsers/src", "tests"])
        .into_iter()
        .map(|(p, t)| (p, t.lines().count()))
        .filter(|(_, n)| *n > 900)
        .collect();
    assert!(long.is_empty(), "files over 900 lines: {long:?}");
}

#[test]
fn no_unsafe_anywhere() {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("Cargo.toml");
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    for (path, text) in all_sources(&["src", "parsers/src"]) {
        let word = ["uns", "afe {"].concat();
        assert!(!text.contains(&word), "{}", path.display());
    }
}

fn readme() -> String {
    fs::read_to_string(Path::new(ROOT).join("README.md")).expect("README.md")
}

#[test]
fn readme_has_the_keys() {
    let (start, end) = ("<!-- keys -->", "<!-- /keys -->");
    let expected = callscope::tui::keys::markdown();
    let readme = readme();
    let block = readme.split_once(start).and_then(|(_, rest)| rest.split_once(end)).map(|(b, _)| b.trim());
    assert!(
        block == Some(expected.trim()),
        "README.md has not the keys of the program; it is to contain\n\n{start}\n{expected}{end}\n"
    );
}

#[test]
fn readme_has_the_commands() {
    let readme = readme();
    let rows: Vec<&str> = readme.lines().filter(|l| l.starts_with('|')).collect();
    let missing: Vec<String> = callscope::cli::command()
        .get_subcommands()
        .filter(|c| !c.is_hide_set())
        .map(|c| c.get_name().to_owned())
        .filter(|name| {
            let cells = [
                format!("| `{name}`"),
                format!("| `{name} "),
                format!("| `callscope {name}`"),
                format!("| `callscope {name} "),
            ];
            !rows.iter().any(|row| cells.iter().any(|c| row.starts_with(c)))
        })
        .collect();
    assert!(missing.is_empty(), "no row in a table of README.md begins with `callscope …` of: {missing:?}");
}

/// `UPDATE_GOLDEN=1` prints it anew.
#[test]
fn the_page_of_findings_is_the_table_of_rules() {
    let path = Path::new(ROOT).join("docs/findings.md");
    let mut printed = Vec::new();
    callscope::output::explain::document(&mut printed).expect("prints");
    let printed = String::from_utf8(printed).expect("text");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| !v.is_empty() && v != "0") {
        fs::write(&path, &printed).expect("the page is written");
    }
    let page = fs::read_to_string(&path).expect("docs/findings.md");
    assert!(page == printed, "docs/findings.md is not what the table says: UPDATE_GOLDEN=1 prints it anew");
}
