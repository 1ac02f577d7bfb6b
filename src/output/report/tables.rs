//! Tables of a page: each scrolls in a box of its own, and cells lead to where a thing is told.

use std::io;

use super::Page;
use crate::output::markup::Html;
use crate::view::show;
use crate::view::table::{Align, Column, Table};

/// What a cell of a table is besides its text.
#[derive(Debug, Default)]
pub(super) struct Dress {
    /// Place of the page that it leads to.
    pub to: Option<String>,
    pub class: &'static str,
    /// What is written instead of the text.
    pub text: Option<String>,
}

impl Dress {
    pub fn to(place: Option<String>) -> Self {
        Self { to: place, ..Self::default() }
    }
}

/// A table; `id` names its rows, `dress` is asked for each cell by row and key.
pub(super) fn table(
    html: &mut Html<'_>,
    label: &str,
    table: &Table,
    mut id: impl FnMut(usize) -> Option<String>,
    mut dress: impl FnMut(usize, &str, &str) -> Dress,
) -> io::Result<()> {
    if table.rows.is_empty() {
        return Ok(());
    }
    // It can be scrolled by the keyboard.
    let region = [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)];
    html.open("div", &region)?;
    html.open("table", &[])?;
    if table.columns.iter().any(|c| !c.title.is_empty()) {
        html.open("thead", &[])?;
        html.open("tr", &[])?;
        for column in &table.columns {
            head(html, column)?;
        }
        html.close()?;
        html.close()?;
    }
    html.open("tbody", &[])?;
    for (i, row) in table.rows.iter().enumerate() {
        match id(i) {
            Some(id) => html.open("tr", &[("id", &id)])?,
            None => html.open("tr", &[])?,
        }
        for (column, cell) in table.columns.iter().zip(row) {
            let dress = dress(i, &column.key, cell);
            let right = column.align == Align::Right;
            let class = match (right, dress.class) {
                (false, class) => class.to_owned(),
                (true, "") => "number".to_owned(),
                (true, class) => format!("number {class}"),
            };
            let class: &[_] = if class.is_empty() { &[] } else { &[("class", class.as_str())] };
            html.open("td", class)?;
            html.link(dress.to.as_deref(), dress.text.as_deref().unwrap_or(cell))?;
            html.close()?;
        }
        html.close()?;
    }
    for _ in 0..3 {
        html.close()?;
    }
    Ok(())
}

fn head(html: &mut Html<'_>, column: &Column) -> io::Result<()> {
    let right: &[_] = &[("scope", "col"), ("class", "number")];
    let attributes = if column.align == Align::Right { right } else { &right[..1] };
    html.leaf("th", attributes, &column.title)
}

impl Page<'_, '_> {
    /// Says that a table has not all rows.
    pub(super) fn rows_left_out(&mut self, shown: usize, all: usize, command: &str) -> io::Result<()> {
        if shown >= all {
            return Ok(());
        }
        let text = format!(
            "{} of {} rows are shown (limit report_rows): {command} lists all.",
            show::number(shown as u64),
            show::number(all as u64)
        );
        self.html.leaf("p", &[("class", "left-out")], &text)
    }

    /// Says that not all rows are told in full.
    pub(super) fn told_in_part(
        &mut self,
        told: usize,
        all: usize,
        what: &str,
        command: &str,
    ) -> io::Result<()> {
        if told >= all {
            return Ok(());
        }
        let text = format!(
            "{} of {} {what} are told in full, the worst first (limit report_calls): {command} shows another one.",
            show::number(told as u64),
            show::number(all as u64)
        );
        self.html.leaf("p", &[("class", "left-out")], &text)
    }

    /// How many rows of a table are shown.
    pub(super) fn most_rows(&self) -> usize {
        self.analysis.limits.report_rows
    }
}
