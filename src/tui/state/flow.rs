//! The ladder on the screen.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Cursor, DetailState, Subject};
use crate::correlate::{MsgIdx, Owner};
use crate::show::wrap_words;
use crate::view::ladder::{Ladder, LadderOptions, LadderRow};

/// How ladder rows are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorMode {
    #[default]
    Outcome,
    Method,
    Leg,
}

#[derive(Debug, Clone)]
pub struct LadderState {
    pub owners: Vec<Owner>,
    pub options: LadderOptions,
    pub ladder: Option<Arc<Ladder>>,
    pub flawed: Arc<Vec<MsgIdx>>,
    /// Unfolded runs, by their path.
    pub open: HashSet<Vec<usize>>,
    /// Paths of the rows on the screen, from top to bottom; see [`ladder_row`].
    pub rows: Vec<Vec<usize>>,
    /// Columns that a note has before it goes on below.
    pub note_room: usize,
    pub legs: usize,
    pub cursor: Cursor,
    /// Lifelines scrolled out to the left.
    pub left: usize,
    pub marks: Vec<MsgIdx>,
    pub pane: DetailState,
    /// Revision of the analysis and options that were asked for.
    pub asked: Option<(u64, LadderOptions)>,
    pub pending: bool,
    /// The message to go to when the ladder comes.
    pub seek: Option<MsgIdx>,
}

/// The row at a path. What stands below a run has its number among them; the lines on which a note goes on have theirs,
/// from 1, and are that note.
pub fn ladder_row<'a>(rows: &'a [LadderRow], path: &[usize]) -> Option<&'a LadderRow> {
    let (first, rest) = path.split_first()?;
    let row = rows.get(*first)?;
    match (rest.is_empty(), row) {
        (true, _) => Some(row),
        (false, LadderRow::Fold { inner, .. }) => ladder_row(inner, rest),
        (false, LadderRow::Note { .. }) => Some(row),
        (false, _) => None,
    }
}

/// Which line of a note a path leads to; 0 of the first, and of other rows.
pub fn note_line(rows: &[LadderRow], path: &[usize]) -> usize {
    match path.split_last() {
        Some((line, above)) if matches!(ladder_row(rows, above), Some(LadderRow::Note { .. })) => *line,
        _ => 0,
    }
}

impl LadderState {
    pub fn new(owners: Vec<Owner>, options: LadderOptions) -> Self {
        Self {
            owners,
            options,
            ladder: None,
            flawed: Arc::default(),
            open: HashSet::new(),
            rows: Vec::new(),
            note_room: usize::MAX,
            legs: 1,
            cursor: Cursor::default(),
            left: 0,
            marks: Vec::new(),
            pane: DetailState::default(),
            asked: None,
            pending: false,
            seek: None,
        }
    }

    /// Lists the rows anew after the ladder or its folds changed.
    pub fn flatten(&mut self) {
        fn walk(
            rows: &[LadderRow],
            open: &HashSet<Vec<usize>>,
            path: &mut Vec<usize>,
            out: &mut Vec<Vec<usize>>,
            (legs, note_room): (&mut usize, usize),
        ) {
            for (i, row) in rows.iter().enumerate() {
                path.push(i);
                out.push(path.clone());
                match row {
                    LadderRow::Fold { inner, .. } if open.contains(path) => {
                        walk(inner, open, path, out, (&mut *legs, note_room));
                    }
                    LadderRow::Note { text, .. } => {
                        let more = wrap_words(text, note_room).len();
                        out.extend((1..more).map(|line| [path.as_slice(), &[line]].concat()));
                    }
                    LadderRow::Arrow { leg, .. } => *legs = (*legs).max(leg + 1),
                    _ => {}
                }
                path.pop();
            }
        }
        self.rows.clear();
        self.legs = 1;
        if let Some(ladder) = &self.ladder {
            let rest = (&mut self.legs, self.note_room);
            walk(&ladder.rows, &self.open, &mut Vec::new(), &mut self.rows, rest);
        }
    }

    /// Puts the notes on as many lines as they take in so many columns; the cursor stays on its row.
    pub fn wrap_notes(&mut self, columns: usize) {
        if self.note_room == columns {
            return;
        }
        self.note_room = columns;
        let here = self.rows.get(self.cursor.at).cloned();
        self.flatten();
        let at = here.and_then(|path| {
            let same = |path: &[usize]| self.rows.iter().position(|p| p == path);
            same(&path).or_else(|| same(path.split_last()?.1))
        });
        self.cursor.at = at.unwrap_or(self.cursor.at);
    }

    /// After a move from line `before`: a note is one row for the cursor, which stands on its first line.
    pub fn pass_notes(&mut self, before: usize) {
        let at = self.cursor.at;
        if !self.is_more(at) {
            return;
        }
        let below = (at..self.rows.len()).find(|&i| !self.is_more(i)).filter(|_| at > before);
        let above = || (0..at).rev().find(|&i| !self.is_more(i));
        self.cursor.at = below.or_else(above).unwrap_or(at);
    }

    /// The line goes on with the note above it.
    pub fn is_more(&self, at: usize) -> bool {
        let (Some(ladder), Some(path)) = (&self.ladder, self.rows.get(at)) else { return false };
        note_line(&ladder.rows, path) > 0
    }

    pub fn row(&self, at: usize) -> Option<&LadderRow> {
        ladder_row(&self.ladder.as_ref()?.rows, self.rows.get(at)?)
    }

    /// What the pane is to show of a row.
    pub fn subject(&self, at: usize) -> Option<Subject> {
        match self.row(at)? {
            LadderRow::Arrow { message: Some(m), .. } => Some(Subject::Message(*m)),
            LadderRow::Arrow { frame, .. } => Some(Subject::Frame(*frame)),
            _ => None,
        }
    }
}
