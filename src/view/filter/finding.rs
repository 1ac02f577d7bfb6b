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
        Subject::Instant(_) => return false,
    };
    let known = source.known.get(analysis);
    tell(known.of(about).filter_map(|i| known.findings.get(i)), source, sink)
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
