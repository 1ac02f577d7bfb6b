//! Round numbers for axes.

use super::Window;
use crate::capture::Nanos;

const SECOND: Nanos = 1_000_000_000;
/// Columns between two marks of the time axis, at least.
const APART: usize = 10;
/// Steps of the time axis, ms.
const STEPS: [i64; 20] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
    1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000,
];

/// A mark of the time axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    pub column: usize,
    /// `0 s`, `10`, `1:30`.
    pub label: String,
}

/// The next number of the row 1, 2, 5, 10 … that is not less.
pub fn round_up(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let fits = steps.into_iter().map(|s| s * power).find(|s| *s >= value * (1.0 - 1e-9));
    fits.unwrap_or(value)
}

pub(super) fn ticks(window: Window, columns: usize) -> Vec<Tick> {
    let marks = (columns / APART).max(1) as i64;
    let least = window.length() / marks;
    let step = STEPS.into_iter().map(|ms| ms * 1_000_000).find(|s| *s >= least);
    let step = step.unwrap_or_else(|| {
        let day = 86_400 * SECOND;
        least.saturating_add(day - 1) / day * day
    });
    let first = window.from.saturating_add(step - 1) / step * step;
    let mut out = Vec::new();
    let mut at = first;
    while at <= window.to {
        if let Some(column) = window.column(at, columns) {
            let label = label(at, step, window, out.is_empty());
            out.push(Tick { column, label });
        }
        at = at.saturating_add(step);
    }
    out
}

fn label(at: Nanos, step: Nanos, window: Window, first: bool) -> String {
    if window.to < 120 * SECOND {
        let unit = if first { " s" } else { "" };
        return match step < SECOND {
            true => format!("{:.1}{unit}", at as f64 * 1e-9),
            false => format!("{}{unit}", at / SECOND),
        };
    }
    let s = at / SECOND;
    let tenths = if step < SECOND { format!(".{}", at % SECOND / (SECOND / 10)) } else { String::new() };
    match s / 3600 {
        0 => format!("{}:{:02}{tenths}", s / 60, s % 60),
        hours => format!("{hours}:{:02}:{:02}{tenths}", s / 60 % 60, s % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(from: Nanos, to: Nanos, columns: usize) -> Vec<String> {
        ticks(Window { from, to }, columns).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(labels(0, 8 * SECOND, 80), ["0 s", "1", "2", "3", "4", "5", "6", "7", "8"]);
        assert_eq!(labels(0, 8 * SECOND, 40), ["0 s", "2", "4", "6", "8"]);
        assert_eq!(labels(3 * SECOND / 2, 5 * SECOND / 2, 30), ["1.5 s", "2.0", "2.5"]);
        assert_eq!(labels(0, 3700 * SECOND, 50), ["0:00", "15:00", "30:00", "45:00", "1:00:00"]);
        assert_eq!(
            [0.0, 0.3, 1.0, 2.1, 7.4, 12.0, 99.0].map(round_up),
            [1.0, 0.5, 1.0, 5.0, 10.0, 20.0, 100.0]
        );
    }

    proptest! {
        #[test]
        fn marks_stand_apart_and_in_order(from in 0i64..1 << 50, length in 1i64..1 << 50, columns in 1usize..300) {
            let marks = ticks(Window { from, to: from + length }, columns);
            prop_assert!(marks.len() <= columns / APART + 2);
            for pair in marks.windows(2) {
                prop_assert!(pair[0].column + (APART - 1).min(columns / 2) <= pair[1].column);
            }
            prop_assert!(marks.iter().all(|m| m.column < columns));
        }
    }
}
