//! A session, an allocation and their lists to draw; and the ways between them.

use std::sync::Arc;

use callscope_parsers::sdp::CandidateSyntax;

use super::fixture::{START, frame, key_event, press, screen, state};
use crate::correlate::CallIdx;
use crate::correlate::Transport;
use crate::correlate::ice::{
    ChosenBy, IceDialect, IcePair, IceRole, IceSession, IceSide, IceState, PairState, RoundTrip,
};
use crate::correlate::stun::AllocationIdx;
use crate::tui::app::react;
use crate::tui::desk::{Part, Request, SessionData, TableData};
use crate::tui::effect::Effect;
use crate::tui::event::Event;
use crate::tui::state::{ListTable, Listing, ListingOf, Subject, Tab, TableKind, Target, View};
use crate::view::allocation::allocation_lines;
use crate::view::ice::{Board, BoardCell, End, Place, SessionRef, session_lines};
use crate::view::lists::ListKind;
use crate::view::rows::Query;
use crate::view::scenario::Scenario;
use crate::view::table::{Align, Column, Table};

fn table(columns: Vec<Column>, first: u32, rows: &[Vec<String>]) -> TableData {
    let mut part = Part::default();
    rows.iter().for_each(|row| part.push(row));
    let ids = Arc::new((first..first + rows.len() as u32).collect());
    TableData { columns, ids, total: rows.len(), ..TableData::default() }.with_rows(part)
}

pub fn sessions() -> TableData {
    let keys = [
        "id",
        "call",
        "a",
        "b",
        "media",
        "state",
        "path",
        "connect",
        "pairs",
        "dialect",
        "generation",
        "start",
    ];
    let query = Query { columns: keys.map(str::to_owned).to_vec(), ..Query::default() };
    let columns = session_lines(&Scenario::default().done(), &query).columns;
    let states = ["failed", "incomplete", "connected", "connected", "connected", "connected", "not started"];
    let paths = ["none", "", "two relays UDP", "relay UDP", "through NAT UDP", "direct UDP", ""];
    let rows: Vec<Vec<String>> = (0..14usize)
        .map(|i| {
            let kind = i / 2;
            vec![
                (i + 1).to_string(),
                (i + 3).to_string(),
                "alice".to_owned(),
                ["bob", "carol", "dave"][i % 3].to_owned(),
                if i % 5 == 4 { "video" } else { "audio" }.to_owned(),
                states[kind].to_owned(),
                paths[kind].to_owned(),
                if states[kind] == "connected" { format!("{} ms", 40 + i * 11) } else { "–".to_owned() },
                format!("✓{} ✗{} –{}", i % 4, i % 3, i % 7),
                "MS-ICE2".to_owned(),
                "draft-19 (MS-ICE2)".to_owned(),
                format!("14:02:{:02}.120", 11 + i),
            ]
        })
        .collect();
    table(columns, 0, &rows)
}

pub fn allocations() -> TableData {
    let keys =
        ["id", "client", "server", "transport", "outcome", "rounds", "relayed", "calls", "realm", "software"];
    let query = Query { columns: keys.map(str::to_owned).to_vec(), ..Query::default() };
    let columns = allocation_lines(&Scenario::default().done(), &query).columns;
    let rows: Vec<Vec<String>> = (0..14usize)
        .map(|i| {
            let failed = i < 3;
            vec![
                (i + 1).to_string(),
                format!("192.168.100.112:{}", 45_621 + i),
                "edge.contoso.com 213.199.141.181:3478".to_owned(),
                if i % 4 == 3 { "tcp" } else { "udp" }.to_owned(),
                if failed { "refused 401" } else { "allocated" }.to_owned(),
                if failed { "401 ×3" } else { "401 → success" }.to_owned(),
                if failed { "–".to_owned() } else { format!("213.199.141.181:{}", 50_000 + i) },
                (i + 3).to_string(),
                "rtcmedia.contoso.com".to_owned(),
                "Edge of an office".to_owned(),
            ]
        })
        .collect();
    table(columns, 0, &rows)
}

fn end(title: &str, address: &str, allocation: Option<u32>) -> End {
    End {
        title: title.to_owned(),
        address: address.to_owned(),
        candidate: None,
        allocation: allocation.map(AllocationIdx),
        refused: address.starts_with('('),
        learnt: false,
    }
}

fn pair(component: u16, a: &str, b: &str, state: PairState, requests: u32) -> IcePair {
    let chosen = state == PairState::Succeeded;
    IcePair {
        component,
        a: a.parse().unwrap(),
        b: b.parse().unwrap(),
        a_candidate: None,
        b_candidate: None,
        transport: Transport::Udp,
        priority: None,
        state,
        requests,
        responses: u32::from(chosen) * requests,
        errors: Vec::new(),
        rtt: chosen.then_some(RoundTrip { min: 900_000, max: 2_100_000, sum: 3_000_000, count: 2 }),
        from_a: (requests, 0),
        from_b: (0, 0),
        nominated: chosen,
        selected: chosen.then_some(ChosenBy::Nomination),
        media_packets: u64::from(chosen) * 300,
        first_media: None,
        first_request: None,
        first_success: None,
        messages: Vec::new(),
        unreachable: None,
    }
}

/// Two components; in the first the relays were chosen of four candidates a side.
pub fn session(id: u32) -> SessionData {
    let a = [
        ("host", "192.168.100.112:45621"),
        ("host v6", "[fe80::4407:7cff:fe3c:49c1]:56601"),
        ("srflx", "171.231.102.218:45621"),
        ("relay", "213.199.141.181:50000"),
    ];
    let b = [
        ("host", "10.10.0.20:35541"),
        ("host v6", "[fe80::b85c:a8ff:fea4:1ae9]:40262"),
        ("srflx", "84.155.254.180:50033"),
        ("relay", "213.199.141.181:50001"),
    ];
    let mut pairs = Vec::new();
    let mut boards = Vec::new();
    for component in [1u16, 2] {
        let ends = |all: &[(&str, &str)], first: u32| -> Vec<End> {
            all.iter().map(|(t, a)| end(t, a, (*t == "relay").then_some(first))).collect()
        };
        let mut cells = Vec::new();
        for (i, (_, from)) in a.iter().enumerate() {
            let mut row = Vec::new();
            for (j, (_, to)) in b.iter().enumerate() {
                let (state, mark, text) = match (i, j) {
                    (3, 3) => (PairState::Succeeded, "✓", "chosen 300 pkts"),
                    (2, 2) => (PairState::Failed, "✗", "403 ×3"),
                    (1, 1) => (PairState::NotChecked, "–", "not checked"),
                    (1, _) | (_, 1) => {
                        let text = String::new();
                        row.push(BoardCell { pair: None, state: None, chosen: false, mark: "", text });
                        continue;
                    }
                    _ => (PairState::Unanswered, "✗", "7 unanswered"),
                };
                row.push(BoardCell {
                    pair: Some(pairs.len()),
                    state: Some(state),
                    chosen: state == PairState::Succeeded,
                    mark,
                    text: text.to_owned(),
                });
                pairs.push(pair(component, from, to, state, 7));
            }
            cells.push(row);
        }
        let (rows, columns) = (ends(&a, 0), ends(&b, 1));
        boards.push(Board {
            component,
            a: "alice".to_owned(),
            b: "bob".to_owned(),
            rows,
            columns,
            cells,
            left_out: (0, 0),
        });
    }
    let session = IceSession {
        call: Some(CallIdx(id)),
        section: 0,
        media: Some("audio".to_owned()),
        dialect: IceDialect::MsIce2,
        generation: CandidateSyntax::V19,
        role_a: Some(IceRole::Controlling),
        role_conflicts: 0,
        a: IceSide::default(),
        b: IceSide::default(),
        pairs,
        pairs_not_kept: 0,
        state: IceState::Connected,
        answered: Some(START),
        first_check: Some(START),
        first_success: Some(START),
        first_media: Some(START),
        final_offer: None,
        final_pairs: Vec::new(),
        final_unknown: false,
        final_refused: None,
        other_generation: None,
        checks: 24,
    };
    let mut why = vec![
        "Media goes through two relays: alice's relay 213.199.141.181:50000 (allocation 1) and bob's relay 213.199.141.181:50001, over UDP; known by its nomination.".to_owned(),
    ];
    why.extend((1..30).map(|i| format!("Reason {i} why a better pair lost.")));
    SessionData {
        of: SessionRef { id, place: Place::Call(CallIdx(id), 0) },
        title: format!("Call {}  alice controlling  ×  bob  audio  MS-ICE2", id + 1),
        times: "answer → first success 119 ms → media 2.14 s".to_owned(),
        state: "connected, two relays UDP".to_owned(),
        boards,
        why,
        session,
    }
}

pub fn list(title: &str, columns: Vec<Column>, rows: Vec<Vec<&str>>, targets: Vec<Target>) -> ListTable {
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|r| r.into_iter().map(str::to_owned).collect()).collect();
    let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0) as u16;
    let widths = columns.iter().enumerate().map(|(i, c)| width(i).max(c.title.len() as u16)).collect();
    ListTable { title: title.to_owned(), table: Table { columns, rows }, widths, targets }
}

pub fn listing(of: ListingOf) -> Listing {
    let to_frame =
        |n: u32, bad: bool| Target { subject: Some(Subject::Frame(frame(n))), allocation: None, bad };
    let owners = vec![crate::correlate::Owner::Call(CallIdx(2))];
    match of {
        ListingOf::Row(ListKind::Media, row) => super::plot::stream(row),
        ListingOf::Row(kind, row) => Listing {
            title: format!("{} {}", kind.words().0, row + 1),
            head: vec!["What happened to it.".to_owned()],
            tables: listing(ListingOf::Allocation(AllocationIdx(0))).tables,
            owners,
            plot: None,
        },
        ListingOf::Checks(_, key) => Listing {
            title: format!("relay {} ↔ relay {}, UDP, component {}", key.a, key.b, key.component),
            head: vec![
                "alice sent 3 checks, 2 answered · bob sent 2 checks, 2 answered · RTT 588 µs.".to_owned(),
            ],
            tables: vec![list(
                "6 messages",
                vec![
                    Column::new("time", "Time", Align::Right, 0),
                    Column::new("way", "From → to", Align::Left, 1),
                    Column::new("what", "What", Align::Left, 0),
                    Column::new("rtt", "RTT", Align::Right, 1),
                    Column::new("wire", "Through the relay", Align::Left, 3),
                    Column::new("frame", "Frame", Align::Right, 2),
                ],
                vec![
                    vec![
                        "0.118072",
                        "alice → bob",
                        "check, USE-CANDIDATE, controlling",
                        "",
                        "192.168.100.112:45621 → 213.199.141.181:3478 udp",
                        "50",
                    ],
                    vec![
                        "0.118180",
                        "alice → bob",
                        "check, sent again",
                        "",
                        "192.168.100.112:45621 → 213.199.141.181:3478 udp",
                        "51",
                    ],
                    vec![
                        "0.118718",
                        "bob → alice",
                        "check, controlled",
                        "",
                        "213.199.141.181:3478 → 192.168.100.112:45621 udp",
                        "52",
                    ],
                    vec![
                        "0.118810",
                        "alice → bob",
                        "success",
                        "92 µs",
                        "192.168.100.112:45621 → 213.199.141.181:3478 udp",
                        "53",
                    ],
                    vec![
                        "0.119003",
                        "bob → alice",
                        "400 Bad Request",
                        "823 µs",
                        "213.199.141.181:3478 → 192.168.100.112:45621 udp",
                        "55",
                    ],
                    vec![
                        "0.138492",
                        "alice → bob",
                        "check, USE-CANDIDATE, controlling",
                        "",
                        "192.168.100.112:45621 → 213.199.141.181:3478 udp",
                        "57",
                    ],
                ],
                (0..6).map(|i| to_frame(10 + i, i == 4)).collect(),
            )],
            owners,
            plot: None,
        },
        ListingOf::Candidates(_) => {
            let columns = || {
                vec![
                    Column::new("chosen", "", Align::Left, 1),
                    Column::new("component", "C", Align::Right, 1),
                    Column::new("transport", "Transport", Align::Left, 2),
                    Column::new("priority", "Priority", Align::Right, 4),
                    Column::new("address", "Address", Align::Left, 0),
                    Column::new("type", "Type", Align::Left, 0),
                    Column::new("source", "From", Align::Left, 3),
                    Column::new("remarks", "Remarks", Align::Left, 3),
                ]
            };
            let side = |title: &str, first: &str| {
                list(
                    title,
                    columns(),
                    vec![
                        vec!["", "1", "UDP", "2028994815", first, "host", "interface", "private"],
                        vec![
                            "✓",
                            "1",
                            "UDP",
                            "519045375",
                            "213.199.141.181:50000",
                            "relay",
                            "allocation 1",
                            "default",
                        ],
                    ],
                    vec![
                        to_frame(3, false),
                        Target { allocation: Some(AllocationIdx(0)), ..to_frame(3, false) },
                    ],
                )
            };
            Listing {
                title: "Call 3  alice controlling  ×  bob controlled  audio  MS-ICE2".to_owned(),
                head: Vec::new(),
                tables: vec![
                    side("alice: 2 candidates, draft-19 (MS-ICE2)   ufrag 1ykh", "192.168.100.112:45621"),
                    side(
                        "alice: 2 candidates, draft-06 (MS-ICE), the fallback part, not used",
                        "192.168.100.112:45621",
                    ),
                    side("bob: 2 candidates, draft-19 (MS-ICE2)   ufrag 5Ocq", "10.10.0.20:35541"),
                ],
                owners,
                plot: None,
            }
        }
        ListingOf::Allocation(index) => Listing {
            title: format!(
                "Allocation {}: 192.168.100.112:45621 at TURN server 213.199.141.181:3478 over UDP, MS-TURN",
                index.0 + 1
            ),
            head: vec![
                "Granted, 33 ms after the first request, and still there when the capture ends.".to_owned(),
                "Relayed: 213.199.141.181:50000".to_owned(),
                "NAT: yes: 192.168.100.112:45621 is seen as 171.231.102.218:45621".to_owned(),
            ],
            tables: vec![
                list(
                    "Rounds: 3",
                    vec![
                        Column::new("time", "Time", Align::Right, 2),
                        Column::new("asked", "Request", Align::Left, 0),
                        Column::new("answered", "Answer", Align::Left, 0),
                        Column::new("took", "Took", Align::Right, 3),
                    ],
                    vec![
                        vec!["0.000000", "Allocate", "401 Unauthorized: challenge, normal", "31 ms"],
                        vec!["0.032000", "Allocate with credentials", "success", "33 ms"],
                        vec!["0.532000", "Refresh", "no answer, sent 7 times", "–"],
                    ],
                    (0..3).map(|i| to_frame(20 + i, i == 2)).collect(),
                ),
                list(
                    "Peers: 1",
                    vec![
                        Column::new("peer", "Peer", Align::Left, 0),
                        Column::new("state", "How", Align::Left, 1),
                        Column::new("sent", "Out", Align::Right, 0),
                    ],
                    vec![vec!["213.199.141.181:50001", "active destination, permitted", "150"]],
                    vec![Target::default()],
                ),
                list(
                    "Messages, media not among them: 2",
                    vec![
                        Column::new("time", "Time", Align::Right, 0),
                        Column::new("what", "What peer did", Align::Left, 0),
                    ],
                    vec![
                        vec!["0.000000", "Allocate of the peer"],
                        vec!["0.031000", "Allocate 401 Unauthorized to the peer"],
                    ],
                    (0..2).map(|i| to_frame(20 + i, i == 1)).collect(),
                ),
            ],
            owners,
            plot: None,
        },
    }
}

#[test]
fn an_order_that_takes_long_is_shown_as_work_and_can_be_left() {
    let mut state = state(120, 40);
    press(&mut state, "5");
    // The desk is still at it.
    let effects = react(&mut state, Event::Key(key_event(">").unwrap()));
    assert!(effects.iter().any(|e| matches!(e, Effect::Ask(Request::Table { .. }))));
    assert!(screen(&state).contains("working …"), "{}", screen(&state));
    let before = state.sessions.version;
    press(&mut state, "Esc");
    assert_eq!((&state.sessions.sort, state.sessions.version), (&None, before + 1));
    assert!(!screen(&state).contains("working …"), "{}", screen(&state));
    press(&mut state, "Esc");
    assert_eq!(state.sessions.version, before + 1, "nothing is worked out now");
}

#[test]
fn a_session_leads_to_its_pairs_their_checks_and_a_frame_and_back() {
    let mut state = state(120, 40);
    press(&mut state, "5 j j Enter Enter Enter");
    let names: Vec<&str> = state.stack.iter().map(|view| view.context().name()).collect();
    assert_eq!(names, ["pair board", "checks, candidates, allocation", "message"]);
    press(&mut state, "Esc Esc");
    match state.stack.as_slice() {
        // The pair that was chosen is looked at first.
        [View::Board(view)] => assert_eq!((view.id(), view.row.at, view.column.at), (Some(2), 3, 3)),
        other => panic!("{other:?}"),
    }
    press(&mut state, "]");
    assert_eq!(state.sessions.cursor.at, 3, "the table goes along");
    press(&mut state, "Esc");
    assert!(state.stack.is_empty() && state.tab == Tab::Ice);
}

#[test]
fn a_call_leads_to_its_sessions_and_back_to_its_ladder() {
    let mut state = state(120, 40);
    press(&mut state, "2 j j Enter I");
    assert!(matches!(state.stack.as_slice(), [View::Ladder(_), View::Board(_)]));
    // The ladder of the call is below already.
    press(&mut state, "Enter x");
    assert!(matches!(state.stack.as_slice(), [View::Ladder(_)]), "{:?}", state.stack.len());
    press(&mut state, "Esc I");
    assert!(matches!(state.stack.as_slice(), [View::Board(view)] if view.ids.as_slice() == [4, 5]));
    let none = crate::tui::desk::Answer::SessionsOf(Vec::new());
    crate::tui::update::receive(&mut state, none);
    assert!(state.notice.as_ref().is_some_and(|n| n.text.contains("no candidates")));
}

#[test]
fn a_relay_leads_to_its_allocation_and_an_allocation_to_its_call() {
    let mut state = state(120, 40);
    // From a pair without a relay the first one there is.
    press(&mut state, "5 Enter g Left Left Left a");
    match state.stack.last() {
        Some(View::Listing(view)) => assert_eq!(view.of, ListingOf::Allocation(AllocationIdx(0))),
        other => panic!("{other:?}"),
    }
    press(&mut state, "x");
    assert!(matches!(state.stack.last(), Some(View::Ladder(_))));
    press(&mut state, "5 v");
    assert_eq!(state.tab_table(), Some(TableKind::Allocations));
    press(&mut state, ": allocation Space 3 Enter");
    match state.stack.last() {
        Some(View::Listing(view)) => assert_eq!(view.of, ListingOf::Allocation(AllocationIdx(2))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_frame_leads_to_its_session_or_allocation() {
    let mut state = state(120, 40);
    press(&mut state, "0 j I");
    assert!(matches!(state.stack.as_slice(), [View::Board(view)] if view.ids.as_slice() == [1]));
    let answer =
        |allocation| crate::tui::desk::Answer::IceOf { frame: frame(7), ids: Vec::new(), allocation };
    crate::tui::update::receive(&mut state, answer(Some(AllocationIdx(4))));
    match state.stack.last() {
        Some(View::Listing(view)) => assert_eq!(view.of, ListingOf::Allocation(AllocationIdx(4))),
        other => panic!("{other:?}"),
    }
    crate::tui::update::receive(&mut state, answer(None));
    assert!(state.notice.as_ref().is_some_and(|n| n.text.contains("frame 7 belongs to no")));
}

#[test]
fn messages_of_a_list_are_gone_through_in_full_screen() {
    let mut state = state(120, 40);
    press(&mut state, "5 Enter Enter Enter ] ]");
    let subject = match state.stack.last() {
        Some(View::Detail(view)) => view.subject,
        other => panic!("{other:?}"),
    };
    assert_eq!(subject, Some(Subject::Frame(frame(12))));
    press(&mut state, "Esc");
    assert!(matches!(state.stack.last(), Some(View::Listing(view)) if view.cursor.at == 2));
}

#[test]
fn only_pairs_of_one_state_are_left() {
    let mut state = state(120, 40);
    press(&mut state, "5 Enter f");
    let text = screen(&state);
    assert!(text.contains("only ✓ 1 succeeded") && !text.contains("171.231.102.218"), "{text}");
    press(&mut state, "f f f f");
    assert!(screen(&state).contains("171.231.102.218"));
    press(&mut state, "c");
    assert!(screen(&state).contains("[2 RTCP]"));
}

#[test]
fn tables_without_rows_say_why() {
    let mut state = state(80, 24);
    press(&mut state, "5");
    state.sessions.data = Some(Default::default());
    assert!(screen(&state).contains("No ICE sessions in 50 frames."), "{}", screen(&state));
    assert!(screen(&state).contains("v shows the TURN allocations: 14."));
    press(&mut state, "v");
    state.allocations.data = Some(Default::default());
    state.holdings.sessions = 0;
    let text = screen(&state);
    assert!(text.contains("No TURN allocations") && text.contains("pseudo-TLS"), "{text}");
}

#[test]
fn allocations_without_sessions_are_what_the_tab_shows() {
    let mut state = state(120, 40);
    state.holdings.sessions = 0;
    press(&mut state, "5");
    assert_eq!(state.tab_table(), Some(TableKind::Allocations));
    state.holdings.allocations = 0;
    assert_eq!(state.tab_table(), Some(TableKind::Sessions));
}
