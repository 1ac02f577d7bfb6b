//! Conferences.

use super::*;
use crate::view::rows::columns;

columns! { HELP DEFINITIONS
    "id" "#" Right 0 "number of the conference",
}

pub(super) const LIST: List = List {
    name: "conferences",
    words: ("conference", "conferences"),
    needs: "A conference needs conference control (application/cccp+xml) or conference-info in the clear.",
    help: HELP,
    definitions: DEFINITIONS,
    defaults: 1,
};

pub(super) fn cell(at: At<'_>, row: u32, key: &str, _before: Option<u32>) -> Cell {
    let Some(_) = at.gathered.conferences.get(row as usize) else { return none() };
    match key {
        "id" => number(u64::from(row) + 1),
        _ => none(),
    }
}

pub(super) fn detail(at: At<'_>, row: u32) -> Option<Detail> {
    at.gathered.conferences.get(row as usize)?;
    let owners = ListKind::Conferences.owners(at.analysis, at.gathered, row);
    Some(Detail {
        title: format!("conference {}", row + 1),
        head: Vec::new(),
        parts: vec![messages_of(at, &owners)],
        owners,
    })
}
