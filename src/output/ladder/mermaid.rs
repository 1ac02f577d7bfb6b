//! The ladder as a Mermaid sequence diagram.

use std::io::{self, Write};

use super::{frame_name, row_time, several_captures, with_repeats};
use crate::view::ladder::{Ladder, LadderRow, Tone};
use crate::view::show::{self, TimeMode};

/// Text that means nothing to Mermaid: entity codes for what it, its Markdown or its HTML would take for syntax.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '#' | ';' | ':' | '<' | '>' | '&' | '"' | '%' | '\\' | '`' | '{' | '}' | '$' | '*' | '_' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn draw(out: &mut dyn Write, ladder: &Ladder, mode: TimeMode) -> io::Result<()> {
    writeln!(out, "sequenceDiagram")?;
    if !ladder.title.is_empty() {
        writeln!(out, "    accTitle: {}", escape(&ladder.title))?;
    }
    for (i, lifeline) in ladder.lifelines.iter().enumerate() {
        let mut name = escape(&lifeline.name);
        if lifeline.address != lifeline.name && !lifeline.address.is_empty() {
            name.push_str("<br/>");
            name.push_str(&escape(&lifeline.address));
        }
        if let Some(role) = &lifeline.role {
            name.push_str("<br/>");
            name.push_str(&escape(role));
        }
        writeln!(out, "    participant p{i} as {name}")?;
    }
    let several = several_captures(&ladder.rows);
    let last = ladder.lifelines.len().saturating_sub(1);
    let over = if last == 0 { "p0".to_owned() } else { format!("p0,p{last}") };
    let mut previous = ladder.start;
    for row in &ladder.rows {
        let time = row_time(row);
        let told = escape(&show::time(time, mode, ladder.start, previous));
        match row {
            _ if ladder.lifelines.is_empty() => break,
            LadderRow::Arrow { frame, from, to, label, tone, retransmissions, .. } => {
                let arrow = if matches!(tone, Tone::Request | Tone::Note) { "->>" } else { "-->>" };
                let label = escape(&with_repeats(label, *retransmissions, '×'));
                let frame = escape(&frame_name(*frame, several));
                writeln!(out, "    p{from}{arrow}p{to}: {label}<br/>{told} frame {frame}")?;
            }
            LadderRow::Fold { from, to, one_way: true, label, .. } if from != to => {
                writeln!(out, "    p{from}-)p{to}: {}<br/>{told}", escape(label))?;
            }
            LadderRow::Fold { from, to, label, .. } => {
                let (a, b) = (from.min(to), from.max(to));
                let span = if a == b { format!("p{a}") } else { format!("p{a},p{b}") };
                writeln!(out, "    Note over {span}: {} ({told})", escape(label))?;
            }
            LadderRow::Gap { length, .. } => {
                writeln!(out, "    Note over {over}: {} later", escape(&show::duration(*length)))?;
            }
            LadderRow::Note { text, .. } => writeln!(out, "    Note over {over}: {}", escape(text))?,
        }
        if !matches!(row, LadderRow::Gap { .. }) {
            previous = time;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_syntax() {
        assert_eq!(escape("a;b#c:d\ne<br>"), "a#59;b#35;c#58;d e#60;br#62;");
    }
}
