//! The progress line on standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::correlate::load::Progress;

/// Draws at most ten times a second, and nothing in the first moments; only on a terminal.
pub(super) struct ProgressLine {
    enabled: bool,
    start: Instant,
    drawn: Option<Instant>,
}

impl ProgressLine {
    pub fn new(wanted: bool) -> Self {
        Self { enabled: wanted && std::io::stderr().is_terminal(), start: Instant::now(), drawn: None }
    }

    pub fn update(&mut self, progress: &Progress) {
        let start = self.start;
        if !progress.done {
            self.say(|| line(progress, start.elapsed()));
        }
    }

    /// Another line.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if !self.enabled {
            return;
        }
        let now = Instant::now();
        let elapsed = now - self.start;
        let recent = self.drawn.is_some_and(|t| now - t < Duration::from_millis(100));
        if recent || elapsed < Duration::from_millis(300) {
            return;
        }
        self.drawn = Some(now);
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", line());
    }

    /// Wipes the line.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let rate = progress.bytes as f64 / elapsed.as_secs_f64().max(0.001);
    let mut out = format!("{} read, {}/s", size(progress.bytes as f64), size(rate));
    if let Some(total) = progress.total.filter(|&t| t > 0) {
        let left = total.saturating_sub(progress.bytes) as f64 / rate.max(1.0);
        let percent = (progress.bytes as f64 * 100.0 / total as f64).min(100.0);
        out = format!("{percent:.0} % of {}, {}/s, {left:.0} s left", size(total as f64), size(rate));
    }
    out.push_str(&format!(", {} frames", progress.frames));
    out
}

fn size(bytes: f64) -> String {
    let (mut value, mut unit) = (bytes, "B");
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{value:.0} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_bytes_rate_and_time_left() {
        let progress = Progress { bytes: 50_000_000, total: Some(200_000_000), frames: 7, done: false };
        let text = line(&progress, Duration::from_secs(1));
        assert_eq!(text, "25 % of 200.0 MB, 50.0 MB/s, 3 s left, 7 frames");
        let piped = Progress { total: None, ..progress };
        assert_eq!(line(&piped, Duration::from_secs(2)), "50.0 MB read, 25.0 MB/s, 7 frames");
    }
}
