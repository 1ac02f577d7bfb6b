//! Values to draw.

use ratatui::buffer::Buffer;

use crate::capture::{CaptureId, FrameRef};
use crate::correlate::MsgIdx;
use crate::tui::desk::TableData;
use crate::view::ladder::{Ladder, LadderRow, Lifeline, Tone};
use crate::view::table::{Align, Column, Table};

/// 2009-04-22 14:02:11 UTC.
pub const START: i64 = 1_240_408_931_000_000_000;
const MS: i64 = 1_000_000;

pub fn text_of(buf: &Buffer) -> String {
    let width = usize::from(buf.area().width.max(1));
    buf.content()
        .chunks(width)
        .map(|row| {
            // The cell behind a wide character is not printed.
            let mut line = String::new();
            let mut skip = 0;
            for cell in row {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                line.push_str(cell.symbol());
                skip = crate::tui::widgets::text::width(cell.symbol()).saturating_sub(1);
            }
            line.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

pub fn frame(frame: u32) -> FrameRef {
    FrameRef { capture: CaptureId(0), frame }
}

fn column(key: &str, title: &str, align: Align, rank: u8) -> Column {
    Column { key: key.to_owned(), title: title.to_owned(), align, rank }
}

pub fn calls() -> TableData {
    let columns = vec![
        column("id", "#", Align::Right, 0),
        column("start", "Start", Align::Left, 2),
        column("from", "From", Align::Left, 1),
        column("to", "To", Align::Left, 1),
        column("state", "State", Align::Left, 1),
        column("status", "Status", Align::Right, 3),
        column("setup", "Setup", Align::Right, 4),
        column("talk", "Talk", Align::Right, 4),
        column("reason", "Reason", Align::Left, 6),
        column("call_id", "Call-ID", Align::Left, 9),
    ];
    let names = ["Alice", "Bob", "Carol", "漢字 テスト", "+14255032002", "conf BE927F10"];
    let states = ["completed", "answered", "rejected", "failed", "cancelled", "no answer"];
    let status = ["200", "200", "486", "503", "487", "408"];
    let reasons = ["OK", "OK", "Busy Here", "Service Unavailable", "Request Terminated", "Request Timeout"];
    let rows: Vec<Vec<String>> = (0..60usize)
        .map(|i| {
            vec![
                (i + 1).to_string(),
                format!("14:{:02}:{:02}.{:03}", 2 + i / 30, i * 7 % 60, i * 37 % 1000),
                names[i % names.len()].to_owned(),
                names[(i * 5 + 1) % names.len()].to_owned(),
                states[i % states.len()].to_owned(),
                status[i % status.len()].to_owned(),
                format!("{}.{:02} s", i % 3, i * 13 % 100),
                if i % 6 < 2 { format!("00:{:02}", i % 60) } else { String::new() },
                reasons[i % reasons.len()].to_owned(),
                format!("a84b4c76e66710-{i:04}@pc33.atlanta.example.com"),
            ]
        })
        .collect();
    let ids = (0..60).collect();
    TableData::new(Table { columns, rows }, ids, 60)
}

fn arrow(ms: i64, frame_number: u32, from: usize, to: usize, label: &str, tone: Tone) -> LadderRow {
    LadderRow::Arrow {
        time: START + ms * MS,
        frame: frame(frame_number),
        from,
        to,
        label: label.to_owned(),
        tone,
        message: Some(MsgIdx(frame_number)),
        retransmissions: u32::from(frame_number == 5) * 2,
        leg: usize::from(frame_number > 8),
    }
}

pub fn ladder() -> Ladder {
    let lifeline = |name: &str, address: &str, role: Option<&str>| Lifeline {
        name: name.to_owned(),
        address: address.to_owned(),
        role: role.map(str::to_owned),
    };
    Ladder {
        title: "Call 3  Alice → Bob  completed 200 OK  setup 1.82 s  talk 00:42".to_owned(),
        lifelines: vec![
            lifeline("Alice", "192.168.100.112:5060", None),
            lifeline("Front End", "10.10.0.5:5061", Some("proxy")),
            lifeline("10.10.0.20:5060", "10.10.0.20:5060", Some("client")),
        ],
        rows: vec![
            LadderRow::Note { time: START, text: "legs joined by X-Call-ID".to_owned() },
            arrow(0, 1, 0, 1, "INVITE offer, 22 candidates", Tone::Request),
            arrow(20, 2, 1, 0, "100 Trying", Tone::Provisional),
            arrow(30, 3, 1, 2, "INVITE", Tone::Request),
            arrow(180, 4, 2, 1, "183 Session Progress answer", Tone::Provisional),
            LadderRow::Fold {
                time: START + 190 * MS,
                end: START + 900 * MS,
                from: 0,
                to: 2,
                label: "24 connectivity checks, 18 answered".to_owned(),
                tone: Tone::Stun,
                inner: vec![
                    arrow(200, 6, 0, 2, "Binding Request", Tone::Stun),
                    arrow(210, 7, 2, 0, "Binding Success", Tone::Stun),
                ],
            },
            arrow(1820, 5, 2, 1, "200 OK", Tone::Success),
            LadderRow::Fold {
                time: START + 1900 * MS,
                end: START + 42_000 * MS,
                from: 0,
                to: 2,
                label: "RTP PCMU 2 104 packets".to_owned(),
                tone: Tone::Media,
                inner: Vec::new(),
            },
            LadderRow::Gap { time: START + 2000 * MS, length: 40_000 * MS },
            arrow(42_000, 9, 1, 1, "OPTIONS", Tone::Note),
            arrow(43_000, 10, 2, 0, "BYE", Tone::Request),
            arrow(43_010, 11, 0, 2, "481 Call/Transaction Does Not Exist", Tone::Failure),
        ],
        start: START,
    }
}
