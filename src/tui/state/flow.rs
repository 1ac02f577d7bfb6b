//! The ladder on the screen.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Cursor, DetailState, Subject};
use crate::correlate::{MsgIdx, Owner};
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
    /// Paths of the rows on the screen, from top to bottom.
    pub rows: Vec<Vec<usize>>,
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

/// The row at a path.
pub fn ladder_row<'a>(rows: &'a [LadderRow], path: &[usize]) -> Option<&'a LadderRow> {
    let (first, rest) = path.split_first()?;
    let row = rows.get(*first)?;
    match (rest.is_empty(), row) {
        (true, _) => Some(row),
        (false, LadderRow::Fold { inner, .. }) => ladder_row(inner, rest),
        (false, _) => None,
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
            legs: &mut usize,
        ) {
            for (i, row) in rows.iter().enumerate() {
                path.push(i);
                out.push(path.clone());
                match row {
                    LadderRow::Fold { inner, .. } if open.contains(path) => {
                        walk(inner, open, path, out, legs);
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
            walk(&ladder.rows, &self.open, &mut Vec::new(), &mut self.rows, &mut self.legs);
        }
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
