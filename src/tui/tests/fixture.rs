//! Values to draw.

use std::collections::VecDeque;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::ice;
use crate::capture::{CaptureId, FrameRef};
use crate::correlate::MsgIdx;
use crate::diagnose::Severity;
use crate::tui::desk::{Answer, Around, Detail, Holdings, Part, Request, Sought, TableData, UserRows};
use crate::tui::effect::Effect;
use crate::tui::event::Event;
use crate::tui::state::ListingOf;
use crate::tui::state::{State, Subject, TableKind};
use crate::tui::theme::{Palette, Theme};
use crate::tui::widgets::table::is_problem;
use crate::tui::{app, update};
use crate::view::detail::{Buffer, Node};
use crate::view::diff::{Change, DiffLine};
use crate::view::ladder::{Ladder, LadderRow, Lifeline, Tone};
use crate::view::lists::ListKind;
use crate::view::overview::{Activity, Line, Overview};
use crate::view::packets::PacketLine;
use crate::view::show::TimeMode;
use crate::view::table::{Align, Column};

/// 2009-04-22 14:02:11 UTC.
pub const START: i64 = 1_240_408_931_000_000_000;
const MS: i64 = 1_000_000;

pub fn text_of(buf: &ratatui::buffer::Buffer) -> String {
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

pub fn calls() -> TableData {
    let columns = vec![
        Column::new("id", "#", Align::Right, 0),
        Column::new("start", "Start", Align::Left, 2),
        Column::new("from", "From", Align::Left, 1),
        Column::new("to", "To", Align::Left, 1),
        Column::new("state", "State", Align::Left, 1),
        Column::new("status", "Status", Align::Right, 3),
        Column::new("setup", "Setup", Align::Right, 4),
        Column::new("talk", "Talk", Align::Right, 4),
        Column::new("reason", "Reason", Align::Left, 6),
        Column::new("call_id", "Call-ID", Align::Left, 9),
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
    let mut part = Part::default();
    rows.iter().for_each(|row| part.push(row));
    TableData { columns, ids: Arc::new((0..60).collect()), total: 60, ..TableData::default() }.with_rows(part)
}

fn table_of(kind: TableKind) -> TableData {
    match kind {
        TableKind::Calls | TableKind::Dialogs => calls(),
        TableKind::Sessions => ice::sessions(),
        TableKind::Allocations => ice::allocations(),
        TableKind::List(ListKind::Findings) => super::findings::table(),
        TableKind::List(_) => calls(),
    }
}

/// Some rows of that table.
fn rows(data: &TableData, places: std::ops::Range<usize>) -> Part {
    let mut part = Part { first: places.start, ..Part::default() };
    for at in places.start..places.end.min(data.len()) {
        part.push(&data.row(at).map(str::to_owned).collect::<Vec<_>>());
    }
    part
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
        proofs: Vec::new(),
        verdicts: Vec::new(),
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
                one_way: false,
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
                one_way: false,
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

fn node(label: &str, value: &str, range: std::ops::Range<usize>, children: Vec<Node>) -> Node {
    Node { label: label.to_owned(), value: value.to_owned(), range: Some(range), issue: false, children }
}

pub const MESSAGE: &str = "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9;received=192.168.100.112;ms-received-cid=1A00\r\n\
From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
To: Bob <sip:bob@biloxi.example.com>\r\n\
Call-ID: 3848276298220188511@atlanta.example.com\r\n\
CSeq: 2 INVITE\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 84\r\n\
\r\n\
v=0\r\n\
o=alice 2890844526 2890844526 IN IP4 192.168.100.112\r\n\
s=-\r\n\
m=audio 49172 RTP/AVP 0\r\n";

pub fn detail(subject: Subject) -> Detail {
    let bytes = MESSAGE.as_bytes().to_vec();
    let at = |text: &str| {
        let start = MESSAGE.find(text).unwrap();
        start..start + text.len()
    };
    let mut via = node("Via", "SIP/2.0/TCP client.atlanta.example.com:5060", 43..158, vec![]);
    via.children = vec![
        node("transport", "TCP", at("TCP"), vec![]),
        node("sent-by", "client.atlanta.example.com:5060", at("client.atlanta.example.com:5060"), vec![]),
        node("branch", "z9hG4bK74bf9", at("z9hG4bK74bf9"), vec![]),
    ];
    let mut length = node("Content-Length", "84", at("Content-Length: 84"), vec![]);
    length.issue = true;
    let tree = vec![
        node(
            "Request line",
            "INVITE sip:bob@biloxi.example.com SIP/2.0",
            0..41,
            vec![
                node("method", "INVITE", 0..6, vec![]),
                node("Request-URI", "sip:bob@biloxi.example.com", at("sip:bob@biloxi.example.com"), vec![]),
            ],
        ),
        via,
        node(
            "From",
            "\"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl",
            at("From: \"Alice\""),
            vec![],
        ),
        node("To", "Bob <sip:bob@biloxi.example.com>", at("To: Bob"), vec![]),
        node("CSeq", "2 INVITE", at("CSeq: 2 INVITE"), vec![]),
        length,
        node(
            "Body",
            "application/sdp",
            at("v=0").start..MESSAGE.len(),
            vec![node("media", "audio 49172 RTP/AVP 0", at("m=audio 49172 RTP/AVP 0"), vec![])],
        ),
    ];
    let ip = Node { label: "Internet Protocol".to_owned(), ..Node::default() };
    let (buffers, title) = match subject {
        Subject::Message(m) => (1, format!("SIP message of frame {}", m.0)),
        Subject::Frame(f) => (2, format!("Frame {}", f.frame)),
    };
    let mut all = vec![Buffer { title, bytes: bytes.clone(), tree: tree.clone() }];
    all.push(Buffer { title: "Frame 1".to_owned(), bytes, tree: [vec![ip.clone(), ip], tree].concat() });
    if buffers == 2 {
        all.reverse();
    }
    let lines = crate::view::show::safe_lines(MESSAGE.as_bytes());
    let sdp = vec![
        "session  alice  192.168.100.112".to_owned(),
        "audio  192.168.100.112:49172  PCMU/8000".to_owned(),
    ];
    let candidates = vec![
        "audio: 2 candidates, RFC 8839".to_owned(),
        "1  UDP  host   192.168.100.112:49172  2130706431".to_owned(),
        "1  UDP  relay  213.199.141.181:50000  16777215".to_owned(),
    ];
    Detail { subject, buffers: all, raw: lines, sdp, candidates, error: None }
}

fn overview(slices: usize) -> Overview {
    let counts = |k: usize| (0..slices).map(|i| ((i * k) % 9) as u64).collect::<Vec<_>>();
    Overview {
        verdict: "60 calls: 10 failed (503), 10 without answer, 10 rejected (486), 20 answered; 12 sign-ins and other dialogs, 1 failed (403).".to_owned(),
        findings: vec![
            Line {
                severity: Severity::Error,
                text: "Calls 9 and 11: no media path: the relay refused Alice's credentials (401)".to_owned(),
                frames: "frames 12 15 …".to_owned(),
                row: 0,
            },
            Line {
                severity: Severity::Warning,
                text: "Call 4, Alice → Carol: Carol is not known there (404 Not Found)".to_owned(),
                frames: "frame 21".to_owned(),
                row: 2,
            },
        ],
        more_findings: 0,
        activity: vec![
            Activity { label: "Calls", counts: counts(5), total: 60, text: "20 answered · 10 failed   setup median 1.8 s".to_owned() },
            Activity { label: "Messages", counts: counts(7), total: 1904, text: "12 methods · 31 retransmitted".to_owned() },
            Activity { label: "Media", counts: counts(4), total: 6102, text: "RTP packets".to_owned() },
        ],
        machines: vec![
            "Front End 10.10.0.5 (RTC/3.5)".to_owned(),
            "client 192.168.100.112 (UCCAPI/3.5)".to_owned(),
            "client 10.10.0.20".to_owned(),
        ],
        notes: vec![
            ("ICE: 12 sessions: 11 connected, 1 failed".to_owned(), None, Severity::Info),
            ("TURN: 14 relay allocations, 1 failed".to_owned(), Some(frame(45)), Severity::Info),
            ("Sign-ins: 12, 1 stopped".to_owned(), Some(frame(7)), Severity::Info),
        ],
        accounting: "50 frames: 41 decoded, 6 other traffic, 2 encrypted, 1 cut".to_owned(),
    }
}

fn packet(place: u64) -> PacketLine {
    let n = place as u32 + 1;
    let address = |s: &str| Some(s.parse().unwrap());
    PacketLine {
        frame: frame(n),
        time: START + i64::from(n) * 31 * MS,
        src: address("192.168.100.112:5060"),
        dst: if n.is_multiple_of(5) {
            address("[2001:db8::8a2e:370:7334]:5061")
        } else {
            address("10.10.0.5:5061")
        },
        protocol: ["SIP", "TCP", "RTP", "STUN"][n as usize % 4].to_owned(),
        length: 60 + n * 7,
        info: [
            "Request: INVITE sip:bob@biloxi.example.com",
            "5060 → 5061 [ACK]",
            "PCMU seq 17",
            "Binding Request",
        ][n as usize % 4]
            .to_owned(),
    }
}

/// What a desk would answer.
pub fn answer(request: &Request) -> Vec<Answer> {
    let one = match request {
        Request::Overview { slices } => Answer::Overview {
            overview: Arc::new(overview(*slices)),
            holdings: Holdings {
                title: "field-trace.pcapng".to_owned(),
                span: Some((START, START + 456_000 * MS)),
                frames: 50,
                bytes: 31_400_112,
                captures: vec![50],
                calls: 60,
                dialogs: 12,
                sessions: 14,
                allocations: 14,
                lists: [60, 60, 0, 0, 0, 22, 6],
                damaged: 1,
            },
            took: Default::default(),
        },
        Request::Table { kind, query, version, around } => {
            let mut data = table_of(*kind);
            let shown = match kind {
                _ if query.filter.is_some() => 7,
                TableKind::Dialogs => 12,
                TableKind::Sessions | TableKind::Allocations => 14,
                TableKind::Calls => 60,
                TableKind::List(list) => [60, 60, 0, 0, 0, 22, 6][*list as usize],
            };
            if *kind == TableKind::Dialogs {
                data.total = 12;
            }
            data.ids = Arc::new((0..shown).collect());
            let top = around.at.saturating_sub(around.above);
            if matches!(kind, TableKind::Sessions | TableKind::Allocations) {
                data.total = 14;
            }
            let part = rows(&data, Around::page(top, around.height));
            let data = data.with_rows(part);
            Answer::Table { kind: *kind, version: *version, data: Arc::new(data), took: Default::default() }
        }
        Request::Rows { kind, ids, places, .. } => {
            Answer::Rows { kind: *kind, ids: ids.clone(), part: rows(&table_of(*kind), places.clone()) }
        }
        Request::FindRow(search) => {
            let data = table_of(search.kind);
            let hit = |at: &usize| match &search.sought {
                Sought::Text(needle) => data.row(*at).any(|cell| cell.contains(needle.as_str())),
                Sought::Problem => {
                    let keys = data.columns.iter().map(|c| c.key.as_str());
                    is_problem(keys.zip(data.row(*at)))
                }
            };
            let places = (0..search.ids.len()).map(|n| {
                let steps = n + usize::from(!search.from_here);
                update::round(search.from, search.ids.len(), search.forward, steps)
            });
            let id = places.into_iter().find(hit).map(|at| at as u32);
            Answer::FoundRow { kind: search.kind, sought: search.sought.clone(), id }
        }
        Request::CopyRows { ids, .. } => Answer::CopiedRows(format!("{ids:?}")),
        Request::Ladder { owners, options } => Answer::Ladder {
            owners: owners.clone(),
            options: *options,
            ladder: Arc::new(ladder()),
            flawed: Arc::new(vec![MsgIdx(4)]),
        },
        Request::Detail(subject) => Answer::Detail(Arc::new(detail(*subject))),
        Request::Diff(a, b) => {
            let run = |change, text: &str| (change, text.to_owned());
            let mut lines = vec![
                DiffLine { runs: vec![run(Change::Same, "INVITE sip:bob@biloxi.example.com SIP/2.0")] },
                DiffLine {
                    runs: vec![
                        run(Change::Same, "CSeq: "),
                        run(Change::Removed, "1"),
                        run(Change::Added, "2"),
                        run(Change::Same, " INVITE"),
                    ],
                },
                DiffLine { runs: vec![run(Change::Removed, "Max-Forwards: 70")] },
                DiffLine { runs: vec![run(Change::Added, "Proxy-Authorization: NTLM qop=\"auth\"")] },
            ];
            lines.extend(
                (0..60).map(|i| DiffLine { runs: vec![run(Change::Same, &format!("a=candidate:{i} UDP"))] }),
            );
            Answer::Diff { a: *a, b: *b, lines: Ok(Arc::new(lines)) }
        }
        Request::Packets { places } => Answer::Packets {
            places: places.clone(),
            lines: Ok(places.iter().map(|&p| (p, packet(p))).collect()),
        },
        Request::Matches { version, .. } => Answer::Matches {
            version: *version,
            places: (0..50).step_by(4).collect(),
            scanned: 50,
            done: true,
        },
        Request::Find { text, from, forward, version } => {
            let hit = |p: &u64| crate::tui::desk::packet_text(&packet(*p)).contains(text.as_str());
            let place = if *forward { (*from..50).find(hit) } else { (0..*from).rev().find(hit) };
            Answer::Found { version: *version, place }
        }
        Request::OwnerOf(frame) => {
            Answer::OwnerOf { frame: *frame, owner: Some((TableKind::Calls.owner(2).unwrap(), MsgIdx(3))) }
        }
        Request::StreamsOf { .. } => Answer::StreamsOf(vec![3, 4, 5], 1),
        Request::SessionsOf(_) => Answer::SessionsOf(vec![4, 5]),
        Request::IceOf(frame) => Answer::IceOf { frame: *frame, ids: vec![1], allocation: None },
        Request::Session { id, place } => {
            Answer::Session { id: *id, place: *place, data: Some(Arc::new(ice::session(*id))) }
        }
        Request::Listing(of, time) => {
            let data = match of {
                ListingOf::Row(ListKind::Findings, row) => super::findings::listing(*row),
                of => ice::listing(*of),
            };
            Answer::Listing { of: *of, time: *time, data: Arc::new(data) }
        }
        Request::OwnersOf(kind, id) => Answer::OwnersOf {
            of: (*kind, *id),
            owners: vec![crate::correlate::Owner::Call(crate::correlate::CallIdx(2))],
        },
        Request::UserRows(_) => {
            let (user, filter) = ("alice@contoso.com".to_owned(), "user == \"alice@contoso.com\"".to_owned());
            let tables = vec![TableKind::Calls, TableKind::List(ListKind::SignIns)];
            Answer::UserRows(Some(UserRows { user, filter, tables, limits: Vec::new() }))
        }
        Request::Statistics => {
            let row = |name: &str, n| (name.to_owned(), n);
            let group = |title: &str, rows| (title.to_owned(), rows);
            let mut all = vec![
                group("Requests", vec![row("INVITE", 60), row("ACK", 41), row("BYE", 20)]),
                group("Responses", vec![row("100", 55), row("200", 80), row("486", 10)]),
            ];
            all.push(group("Calls", (0..30).map(|i| row(&format!("kind {i}"), i)).collect()));
            Answer::Statistics(Arc::new(all))
        }
    };
    vec![one]
}

/// Answers what effects ask until nothing is asked any more; gives the other effects.
pub fn serve(state: &mut State, effects: Vec<Effect>) -> Vec<Effect> {
    serve_by(state, effects, &answer)
}

pub fn serve_by(
    state: &mut State,
    effects: Vec<Effect>,
    answer: &dyn Fn(&Request) -> Vec<Answer>,
) -> Vec<Effect> {
    let mut waiting: VecDeque<Effect> = effects.into();
    let mut rest = Vec::new();
    let mut rounds = 0;
    while let Some(effect) = waiting.pop_front() {
        rounds += 1;
        assert!(rounds < 200, "asks without end");
        match effect {
            Effect::Ask(request) => {
                for answer in answer(&request) {
                    waiting.extend(update::receive(state, answer));
                }
            }
            other => rest.push(other),
        }
    }
    rest
}

/// A state with everything loaded.
pub fn state(width: u16, height: u16) -> State {
    state_by(width, height, &answer)
}

pub fn state_by(width: u16, height: u16, answer: &dyn Fn(&Request) -> Vec<Answer>) -> State {
    let theme = Theme { palette: Palette::Plain, ascii: false };
    let mut state = State::new(width, height, theme, Some(TimeMode::Utc));
    let effects = update::loaded(&mut state, Vec::new());
    serve_by(&mut state, effects, answer);
    state
}

/// Presses keys by the names of the key table; other text is typed. Gives the effects that are not questions.
pub fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    press_by(state, keys, &answer)
}

pub fn press_by(state: &mut State, keys: &str, answer: &dyn Fn(&Request) -> Vec<Answer>) -> Vec<Effect> {
    let mut rest = Vec::new();
    for chord in keys.split_whitespace() {
        let events: Vec<KeyEvent> = match key_event(chord) {
            Some(event) => vec![event],
            None => chord.chars().map(|c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)).collect(),
        };
        for event in events {
            let effects = app::react(state, Event::Key(event));
            rest.extend(serve_by(state, effects, answer));
        }
    }
    rest
}

/// The press that a chord of the key table names.
pub fn key_event(chord: &str) -> Option<KeyEvent> {
    let plain = |code| Some(KeyEvent::new(code, KeyModifiers::NONE));
    let code = match chord {
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Backspace" => KeyCode::Backspace,
        "Space" => KeyCode::Char(' '),
        "BackTab" => return Some(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)),
        "S-Up" => return Some(KeyEvent::new(KeyCode::Up, KeyModifiers::SHIFT)),
        "S-Down" => return Some(KeyEvent::new(KeyCode::Down, KeyModifiers::SHIFT)),
        _ => {
            if let Some(n) = chord.strip_prefix('F').and_then(|n| n.parse().ok()) {
                return plain(KeyCode::F(n));
            }
            let mut chars = chord.chars();
            match (chars.next(), chars.next(), chars.next()) {
                (Some('^'), Some(c), None) => {
                    return Some(KeyEvent::new(KeyCode::Char(c.to_ascii_lowercase()), KeyModifiers::CONTROL));
                }
                (Some(c), None, None) => return plain(KeyCode::Char(c)),
                _ => return None,
            }
        }
    };
    plain(code)
}

/// The whole screen as text.
pub fn screen(state: &State) -> String {
    let backend = ratatui::backend::TestBackend::new(state.width, state.height);
    let mut terminal = ratatui::Terminal::new(backend).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            crate::tui::views::render(frame.buffer_mut(), area, state);
        })
        .unwrap();
    text_of(terminal.backend().buffer())
}
