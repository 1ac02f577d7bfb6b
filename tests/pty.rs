//! The program in a pseudo-terminal of 80×24, as a user has it before them: keys in, screen out, and the terminal
//! as it was before, however the program ends.
//!
//! A shell in the pseudo-terminal tells the settings of the terminal before and after, and the exit status.

use std::io::{ErrorKind, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use expectrl::Session;
use expectrl::session::OsSession;

use crate::common::samples_folder;

/// For a machine that is busy with everything else; nothing waits this long if all is well.
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(5);

/// `$1` is the program, `$2` the sample.
const DIRECT: &str = r#""$1" "$2""#;
const PIPED: &str = r#"cat "$2" | "$1" -"#;
const REPLACED: &str = r#"sh -c 'echo "pid=$$."; exec "$0" "$1"' "$1" "$2""#;

struct Terminal {
    session: OsSession,
    screen: vt100::Parser,
    /// Everything that was written to the terminal.
    all: Vec<u8>,
    /// The other side is closed.
    ended: bool,
}

impl Terminal {
    fn start(line: &str) -> Self {
        let script =
            format!(r#"echo "before=$(stty -g)."; {line}; echo "status=$?."; echo "after=$(stty -g).""#);
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(cargo_bin("callscope")).arg("tour.pcapng");
        command.current_dir(samples_folder());
        command.env("TZ", "UTC");
        command.env("TERM", "xterm-256color").env("XDG_CONFIG_HOME", "/nonexistent").env("LC_ALL", "C.UTF-8");
        for name in ["NO_COLOR", "COLUMNS", "LINES"] {
            command.env_remove(name);
        }
        let session = Session::spawn(command).expect("a pseudo-terminal");
        let size = |n| NonZeroU16::new(n).expect("not zero");
        Self { session, screen: vt100::Parser::new(size(24), size(80), 0), all: Vec::new(), ended: false }
    }

    /// Takes what there is to read; whether there was anything.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.session.try_read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(n) => {
                self.screen.process(&buffer[..n]);
                self.all.extend_from_slice(&buffer[..n]);
                return true;
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // Linux tells the end of a pseudo-terminal by EIO.
            Err(_) => self.ended = true,
        }
        false
    }

    fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    #[track_caller]
    fn wait(&mut self, what: &str, mut met: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        loop {
            while self.read() {}
            if met(self) {
                return;
            }
            let outcome = if self.ended { "ended" } else { "waited in vain" };
            assert!(!self.ended && start.elapsed() < PATIENCE, "{outcome}: {what}\n{}", self.contents());
            std::thread::sleep(POLL);
        }
    }

    /// Waits until all of `texts` are on the screen.
    #[track_caller]
    fn see(&mut self, texts: &[&str]) {
        self.wait(&format!("{texts:?}"), |t| {
            let contents = t.contents();
            texts.iter().all(|text| contents.contains(text))
        });
    }

    #[track_caller]
    fn lose(&mut self, text: &str) {
        self.wait(&format!("without {text:?}"), |t| !t.contents().contains(text));
    }

    fn press(&mut self, keys: &str) {
        self.session.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.session.flush().expect("the terminal takes keys");
    }

    /// What the shell told as `name=….`
    fn told(&self, name: &str) -> Option<String> {
        let all = String::from_utf8_lossy(&self.all);
        let rest = all.split(&format!("{name}=")).nth(1)?;
        rest.split_once('.').map(|(value, _)| value.to_owned())
    }

    /// The terminal is taken for the UI: the other screen, no cursor, no echo.
    #[track_caller]
    fn check_taken(&self) {
        let screen = self.screen.screen();
        assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
        assert_ne!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }

    /// Waits for the end: the exit status is this one, and the terminal as it was.
    #[track_caller]
    fn check_given_back(mut self, status: &str) {
        self.wait("the end of the program", |t| t.told("after").is_some());
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "pastes are plain");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert_eq!(self.told("after"), self.told("before"), "the settings of the terminal");
        assert!(self.told("before").is_some_and(|s| s.contains(':')), "{:?}", self.told("before"));
        assert_eq!(self.told("status").as_deref(), Some(status), "{}", self.contents());
    }
}

#[test]
fn a_capture_is_walked_and_left() {
    let mut terminal = Terminal::start(DIRECT);
    terminal.see(&["1 Overview", "tour.pcapng", "8 calls"]);
    terminal.check_taken();
    terminal.press("2");
    terminal.see(&["completed", "rejected", "Alice Arnold"]);
    terminal.press("\r");
    terminal.see(&["INVITE", "100 Trying", "ACK"]);
    terminal.press("?");
    terminal.see(&["Move", "Find", "one line up"]);
    terminal.press("q");
    terminal.lose("one line up");
    terminal.see(&["INVITE"]);
    terminal.press("q");
    terminal.see(&["completed", "rejected"]);
    terminal.press("q");
    terminal.check_given_back("0");
}

#[test]
fn the_screen_says_that_it_shows_a_redacted_copy() {
    let mut terminal = Terminal::start(r#""$1" --redact-key a "$2""#);
    terminal.see(&["1 Overview", "capture-1 (redacted)", "8 calls"]);
    assert!(!terminal.contents().contains("tour.pcapng"));
    terminal.press("2");
    terminal.see(&["completed", "rejected"]);
    assert!(!terminal.contents().contains("Alice Arnold"));
    terminal.press("\r");
    terminal.see(&["INVITE", "ACK"]);
    terminal.press("qq");
    terminal.check_given_back("0");
}

#[test]
fn ice_sessions_lead_to_pairs_candidates_the_call_and_back() {
    let mut terminal = Terminal::start(DIRECT);
    terminal.see(&["1 Overview", "8 calls"]);
    terminal.press("5");
    terminal.see(&["not started", "two relays UDP", "1 of 1"]);
    terminal.press("\r");
    terminal.see(&["component [1 RTP] 2 RTCP", "12 not checked", "No check is in this capture."]);
    terminal.press("t");
    terminal.see(&["alice: ", "candidates, draft-19 (MS-ICE2)"]);
    terminal.press("q");
    terminal.lose("candidates, draft-19");
    terminal.press("x");
    terminal.see(&["Call 1", "INVITE offer", "100 Trying"]);
    terminal.press("I");
    terminal.see(&["component [1 RTP] 2 RTCP"]);
    terminal.press("qqq");
    terminal.see(&["two relays UDP", "1 of 1"]);
    terminal.press("v");
    terminal.see(&["No TURN allocations in 568 frames."]);
    terminal.press("q");
    terminal.check_given_back("0");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let mut terminal = Terminal::start(REPLACED);
    terminal.see(&["1 Overview", "8 calls"]);
    terminal.check_taken();
    let pid = terminal.told("pid").expect("the shell tells it");
    let killed = Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there");
    assert!(killed.success());
    terminal.check_given_back("143");
}

#[test]
fn keys_come_from_the_terminal_when_standard_input_is_the_capture() {
    let mut terminal = Terminal::start(PIPED);
    terminal.see(&["1 Overview", "8 calls"]);
    terminal.check_taken();
    terminal.press("2");
    terminal.see(&["completed", "rejected"]);
    terminal.press("\r");
    terminal.see(&["INVITE", "ACK"]);
    terminal.press("Q");
    terminal.check_given_back("0");
}

/// Who looks at a terminal gets a table that fits it, and is told what is not there.
#[test]
fn tables_and_sentences_keep_to_the_width_of_the_terminal() {
    let mut terminal = Terminal::start(r#""$1" --time utc calls "$2""#);
    terminal.see(&["left out for the width: ", "(--columns shows any)"]);
    let contents = terminal.contents();
    let rows: Vec<&str> = contents.lines().filter(|l| l.contains("  14:0")).collect();
    assert_eq!(rows.len(), 8, "{contents}");
    // Its last column stands at the end of each row, not on a line of its own.
    let ends = |row: &&str| ["–", "●"].iter().any(|sign| row.trim_end().ends_with(sign));
    assert!(rows.iter().all(ends), "{contents}");
    terminal.check_given_back("0");
    let mut terminal = Terminal::start(r#""$1" --time utc findings "$2""#);
    terminal.see(&["no answer to INVITE from", "10.10.0.77:5060", "left out for the width"]);
    assert!(
        terminal.contents().contains("\n                                 10.10.0.77:5060"),
        "goes on below"
    );
    terminal.check_given_back("0");
    let mut terminal = Terminal::start(r#""$1" --time utc findings --row 1 "$2""#);
    terminal.see(&["Check next", "prove it"]);
    let contents = terminal.contents();
    let told = contents.lines().skip_while(|l| !l.contains("Check next")).take_while(|l| !l.is_empty());
    let told: Vec<&str> = told.collect();
    assert!(told.len() > 2 && told.iter().all(|line| line.starts_with("  ")), "no word is cut: {contents}");
    terminal.check_given_back("0");
}

/// What the README shows is what is seen.
#[test]
fn the_screen_of_the_readme_is_a_real_one() {
    let readme = include_str!("../README.md");
    let block = readme.split("<!-- screen -->").nth(1).and_then(|rest| rest.split("```").nth(1));
    let expected: Vec<&str> =
        block.expect("a screen").trim_matches('\n').lines().map(str::trim_end).collect();
    let mut terminal = Terminal::start(DIRECT);
    terminal.see(&["1 Overview", "8 calls", "568 frames: 560 decoded"]);
    for (key, seen) in [("2", "1 of 8"), ("j", "2 of 8"), ("j", "3 of 8"), ("\r", "Call 3")] {
        terminal.press(key);
        terminal.see(&[seen]);
    }
    // The screen comes in pieces; what is waited for in vain is printed.
    terminal.wait("the screen of README.md", |t| {
        t.contents().lines().map(str::trim_end).eq(expected.iter().copied())
    });
    terminal.press("Q");
    terminal.check_given_back("0");
}
