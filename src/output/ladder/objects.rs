//! The ladder as JSON, with types of its own.

use std::io::{self, Write};

use serde::Serialize;

use super::tone_name;
use crate::output::json::{Frame, SCHEMA, Time, document};
use crate::view::ladder::{Ladder, LadderRow};

#[derive(Debug, Serialize)]
struct Drawn<'a> {
    schema: &'static str,
    title: &'a str,
    start: Time,
    lifelines: Vec<Machine<'a>>,
    rows: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Machine<'a> {
    name: &'a str,
    address: &'a str,
    role: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Row<'a> {
    Message {
        time: Time,
        frame: Frame,
        from: usize,
        to: usize,
        label: &'a str,
        tone: &'static str,
        retransmissions: u32,
        leg: usize,
    },
    Fold {
        time: Time,
        end: Time,
        from: usize,
        to: usize,
        one_way: bool,
        label: &'a str,
        tone: &'static str,
        rows: Vec<Row<'a>>,
    },
    Gap {
        time: Time,
        seconds: f64,
    },
    Note {
        time: Time,
        text: &'a str,
    },
}

fn row(row: &LadderRow) -> Row<'_> {
    match row {
        LadderRow::Arrow { time, frame, from, to, label, tone, retransmissions, leg, .. } => Row::Message {
            time: Time(*time),
            frame: (*frame).into(),
            from: *from,
            to: *to,
            label,
            tone: tone_name(*tone),
            retransmissions: *retransmissions,
            leg: *leg,
        },
        LadderRow::Fold { time, end, from, to, one_way, label, tone, inner } => Row::Fold {
            time: Time(*time),
            end: Time(*end),
            from: *from,
            to: *to,
            one_way: *one_way,
            label,
            tone: tone_name(*tone),
            rows: inner.iter().map(self::row).collect(),
        },
        LadderRow::Gap { time, length } => Row::Gap { time: Time(*time), seconds: *length as f64 / 1e9 },
        LadderRow::Note { time, text } => Row::Note { time: Time(*time), text },
    }
}

pub(super) fn write(out: &mut dyn Write, ladder: &Ladder, pretty: bool) -> io::Result<()> {
    let drawn = Drawn {
        schema: SCHEMA,
        title: &ladder.title,
        start: Time(ladder.start),
        lifelines: ladder
            .lifelines
            .iter()
            .map(|l| Machine { name: &l.name, address: &l.address, role: l.role.as_deref() })
            .collect(),
        rows: ladder.rows.iter().map(row).collect(),
    };
    document(out, &drawn, pretty)
}
