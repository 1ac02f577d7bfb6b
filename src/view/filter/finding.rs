//! What a filter asks of findings. The rules are asked once, when the first row is, unless somebody knows the answer.

use std::sync::{Arc, PoisonError, RwLock};

use super::eval::{Sink, Subject, Value};
use super::fields::Field;
use super::parser::Source;
use crate::correlate::{Analysis, Owner};
use crate::diagnose::{Diagnosis, Finding, Subject as About, diagnose};

/// A diagnosis, shared by all fields of a filter and its copies.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<RwLock<Option<Arc<Diagnosis>>>>);

impl Known {
    pub fn set(&self, diagnosis: Option<Arc<Diagnosis>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = diagnosis;
    }

    fn get(&self, analysis: &Analysis) -> Arc<Diagnosis> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return known.clone();
        }
        let made = Arc::new(diagnose(analysis));
        self.set(Some(made.clone()));
        made
    }
}

/// The values of one finding.
fn words(f: &Finding, sink: &mut Sink<'_>) -> bool {
    [f.rule.id, f.severity.name(), &f.title, f.rule.title].into_iter().any(|t| sink(Value::Text(t)))
}

/// What the findings about something say.
pub fn of(analysis: &Analysis, subject: &Subject<'_>, source: &Source, sink: &mut Sink<'_>) -> bool {
    let about = match *subject {
        Subject::Call(c) => About::Call(c),
        Subject::Dialog(d) => About::Dialog(d),
        Subject::Message(m) => match analysis.message(m).owner {
            Owner::Call(c) => About::Call(c),
            Owner::Dialog(d) => About::Dialog(d),
        },
        Subject::Session(s) => About::IceSession(s.of.id),
        Subject::Allocation(i, _) => About::Allocation(i),
        Subject::Lookup(_, row) => About::Lookup(row),
        Subject::Finding(f) => {
            return match source.field {
                Field::Findings => sink(Value::Number(1)),
                _ => words(f, sink),
            };
        }
        Subject::Packet(line, _) => {
            let known = source.known.get(analysis);
            let proves = |f: &&Finding| f.evidence.iter().any(|e| e.frame == line.frame);
            return tell(known.findings.iter().filter(proves), source, sink);
        }
        // What was found about the calls and dialogs it is made of, or belongs to, is found about it.
        Subject::Row(row) => {
            let all = std::iter::once(row.about).chain(row.owners.iter().map(|o| About::from(*o)));
            return several(analysis, all, source, sink);
        }
        Subject::Stream(of) => {
            let call = of.stream.call.map(About::Call);
            let stream = About::Stream(of.at.saturating_add(1));
            return several(analysis, std::iter::once(stream).chain(call), source, sink);
        }
        Subject::Instant(_) => return false,
    };
    several(analysis, std::iter::once(about), source, sink)
}

/// A finding about several of them is told once.
fn several(
    analysis: &Analysis,
    about: impl Iterator<Item = About>,
    source: &Source,
    sink: &mut Sink<'_>,
) -> bool {
    let known = source.known.get(analysis);
    let mut places: Vec<usize> = about.flat_map(|of| known.of(of)).collect();
    places.sort_unstable();
    places.dedup();
    tell(places.into_iter().filter_map(|i| known.findings.get(i)), source, sink)
}

fn tell<'f>(mut found: impl Iterator<Item = &'f Finding>, source: &Source, sink: &mut Sink<'_>) -> bool {
    match source.field {
        Field::Findings => sink(Value::Number(found.count() as i128)),
        _ => found.any(|f| words(f, sink)),
    }
}

/// A finding itself: what it says, the frames that prove it, and what the calls and dialogs it is about say.
pub fn own(f: &Finding, source: &Source, sink: &mut Sink<'_>) -> Option<bool> {
    Some(match source.field {
        Field::Frame => f.evidence.iter().any(|e| sink(Value::Number(i128::from(e.frame.frame)))),
        Field::Type => sink(Value::Text("finding")) || sink(Value::Text(f.subject().kind())),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;
    use crate::correlate::CallIdx;
    use crate::diagnose::{Draft, Findings, calls};
    use crate::view::scenario::voices::voices;

    #[test]
    fn streams_and_rows_are_found_by_what_is_about_them_or_about_their_calls() {
        let analysis = voices().done();
        let (first, second) = (About::Call(CallIdx(0)), About::Call(CallIdx(1)));
        let mut out = Findings::new(10, 10);
        let said = |draft: &mut Draft, what: &str| _ = draft.what(what);
        // One finding touches a stream and its call, the others only one of them.
        out.add(&calls::BUSY, About::Stream(2), 0, |f| {
            said(f, "heard badly");
            f.concern(first);
        });
        out.add(&calls::LOOP, first, 0, |f| said(f, "went round"));
        out.add(&calls::DECLINED, second, 1, |f| said(f, "said no"));
        out.add(&calls::LOOP, About::SignIn(0), 1, |f| said(f, "refused"));
        let diagnosis = Arc::new(out.finish(Vec::new()));
        let filter = |text: &str| {
            let filter = Filter::parse(text).unwrap_or_else(|e| panic!("{}", e.caret(text)));
            filter.know(&diagnosis);
            filter
        };
        let index = analysis.media_index();
        let streams = |text: &str| {
            let filter = filter(text);
            (0..3)
                .filter(|at| filter.matches_stream(&analysis, &index, *at))
                .map(|at| at + 1)
                .collect::<Vec<_>>()
        };
        // Streams 1 and 2 are of call 1, stream 3 of none.
        for (text, wanted) in [
            ("finding", &[1, 2][..]),
            ("finding ~ \"heard badly\"", &[1, 2]),
            ("finding ~ round", &[1, 2]),
            ("finding ~ busy and finding == info", &[1, 2]),
            ("finding ~ \"said no\"", &[]),
            ("findings == 2", &[1, 2]),
            ("findings == 0", &[3]),
        ] {
            assert_eq!(streams(text), wanted, "{text}");
        }
        let row = |text: &str, at: u32, owners: &[Owner]| {
            filter(text).matches_row(&analysis, About::SignIn(at), "", "", owners)
        };
        let owners = [Owner::Call(CallIdx(1))];
        assert!(row("finding ~ refused and finding ~ \"said no\" and findings == 2", 0, &owners));
        assert!(row("findings == 1 and finding ~ refused", 0, &[]));
        assert!(row("findings == 1 and not finding ~ refused", 1, &owners));
        assert!(!row("finding", 1, &[]));
    }
}
