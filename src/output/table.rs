//! A table as text, CSV, JSON or Markdown.

use std::io::{self, Write};

use super::text::{pad, sgr, to_ascii, width};
use crate::view::table::{Align, Column, Table};

/// A text without characters that act on a terminal (those of `view` have none already).
pub(super) fn clean(cell: &str) -> std::borrow::Cow<'_, str> {
    if !cell.chars().any(char::is_control) {
        return cell.into();
    }
    let mut out = String::with_capacity(cell.len() + 16);
    for c in cell.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// Columns aligned by display width; `color` marks the head, which is left out where no column has a title.
pub fn text(out: &mut dyn Write, table: &Table, color: bool) -> io::Result<()> {
    text_with(out, table, color, false)
}

/// The same, in ASCII only where `ascii` is set.
pub fn text_with(out: &mut dyn Write, table: &Table, color: bool, ascii: bool) -> io::Result<()> {
    text_lines(out, &table.columns, &table.rows, color, ascii)
}

/// The same of rows that need not all be held: they are gone through twice, first for the widths.
pub fn text_lines<R>(
    out: &mut dyn Write,
    columns: &[Column],
    rows: R,
    color: bool,
    ascii: bool,
) -> io::Result<()>
where
    R: IntoIterator<Item: AsRef<[String]>> + Clone,
{
    let shown = |cell: &str| if ascii { to_ascii(&clean(cell)) } else { clean(cell).into_owned() };
    let mut widths: Vec<usize> = columns.iter().map(|c| width(&shown(&c.title))).collect();
    for row in rows.clone() {
        for (w, cell) in widths.iter_mut().zip(row.as_ref()) {
            *w = (*w).max(width(&shown(cell)));
        }
    }
    let mut line = String::new();
    let mut put = |cells: &mut dyn Iterator<Item = &str>, head: bool| -> io::Result<()> {
        line.clear();
        for (i, cell) in cells.enumerate() {
            let (Some(column), Some(&w)) = (columns.get(i), widths.get(i)) else { break };
            if i > 0 {
                line.push_str("  ");
            }
            pad(&mut line, &shown(cell), w, column.align == Align::Right);
        }
        let text = line.trim_end();
        if head && color {
            writeln!(out, "{}{text}{}", sgr::BOLD, sgr::RESET)
        } else {
            writeln!(out, "{text}")
        }
    };
    if columns.iter().any(|c| !c.title.is_empty()) {
        put(&mut columns.iter().map(|c| c.title.as_str()), true)?;
    }
    for row in rows {
        put(&mut row.as_ref().iter().map(String::as_str), false)?;
    }
    Ok(())
}

/// Head of column keys, then the rows (RFC 4180). Cells are given as they are: one that begins with `=`, `+`, `-`
/// or `@` may be taken for a formula by a spreadsheet.
pub fn csv(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    csv_lines(out, &table.columns, &table.rows)
}

/// The same of rows that need not all be held.
pub fn csv_lines<R>(out: &mut dyn Write, columns: &[Column], rows: R) -> io::Result<()>
where
    R: IntoIterator<Item: AsRef<[String]>>,
{
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(out);
    writer.write_record(columns.iter().map(|c| c.key.as_str()))?;
    for row in rows {
        writer.write_record(row.as_ref().iter().map(|cell| clean(cell).into_owned()))?;
    }
    writer.flush()
}

/// A GitHub-flavoured table.
pub fn markdown(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    markdown_lines(out, &table.columns, &table.rows)
}

/// The same of rows that need not all be held.
pub fn markdown_lines<R>(out: &mut dyn Write, columns: &[Column], rows: R) -> io::Result<()>
where
    R: IntoIterator<Item: AsRef<[String]>>,
{
    let row = |out: &mut dyn Write, cells: &mut dyn Iterator<Item = &str>| -> io::Result<()> {
        out.write_all(b"|")?;
        for cell in cells {
            write!(out, " {} |", markdown_text(cell))?;
        }
        writeln!(out)
    };
    row(out, &mut columns.iter().map(|c| c.title.as_str()))?;
    out.write_all(b"|")?;
    for c in columns {
        out.write_all(if c.align == Align::Right { b" ---: |" } else { b" --- |" })?;
    }
    writeln!(out)?;
    for cells in rows {
        row(out, &mut cells.as_ref().iter().map(String::as_str))?;
    }
    Ok(())
}

/// Text that Markdown shows as it is.
pub(super) fn markdown_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in clean(text).chars() {
        if matches!(c, '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '~' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// An array with an object a row: column key → text.
pub fn json(out: &mut dyn Write, table: &Table, pretty: bool) -> io::Result<()> {
    use serde::ser::{SerializeMap, Serializer};
    struct Row<'a>(&'a Table, &'a [String]);
    impl serde::Serialize for Row<'_> {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut map = s.serialize_map(None)?;
            for (column, cell) in self.0.columns.iter().zip(self.1) {
                map.serialize_entry(&column.key, cell)?;
            }
            map.end()
        }
    }
    struct Rows<'a>(&'a Table);
    impl serde::Serialize for Rows<'_> {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_seq(self.0.rows.iter().map(|row| Row(self.0, row)))
        }
    }
    super::json::stream(out, &Rows(table), pretty, 0)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::table::columns;

    fn table() -> Table {
        Table {
            columns: columns(&[("id", "#"), ("from", "From")]),
            rows: vec![
                vec!["9".into(), "日本 | \"x\"".into()],
                vec!["10".into(), "=1+1 \\ \u{1b}[31m".into()],
            ],
        }
    }

    fn drawn(draw: impl Fn(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        draw(&mut out).expect("writes");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn text_is_aligned() {
        let text = drawn(|out| text(out, &table(), false));
        assert_eq!(text, " #  From\n 9  日本 | \"x\"\n10  =1+1 \\ \\u{1b}[31m\n");
        assert!(drawn(|out| super::text(out, &table(), true)).starts_with("\x1b[1m #  From\x1b[0m\n"));
    }

    #[test]
    fn csv_quotes() {
        let text = drawn(|out| csv(out, &table()));
        assert_eq!(text, "id,from\n9,\"日本 | \"\"x\"\"\"\n10,=1+1 \\ \\u{1b}[31m\n");
    }

    #[test]
    fn markdown_escapes() {
        let text = drawn(|out| markdown(out, &table()));
        let wanted =
            "| \\# | From |\n| ---: | --- |\n| 9 | 日本 \\| \"x\" |\n| 10 | =1+1 \\\\ \\\\u{1b}\\[31m |\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn json_rows() {
        let text = drawn(|out| json(out, &table(), false));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value[0]["id"], "9");
        assert_eq!(value[1]["from"], "=1+1 \\ \u{1b}[31m");
        assert!(!text.contains('\u{1b}'));
    }
}
