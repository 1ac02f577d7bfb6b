use super::super::*;
use crate::view::filter::Filter;
use crate::view::scenario::voices::voices;

fn print(table: &[Vec<String>]) -> String {
    table.iter().map(|row| row.join(" | ")).collect::<Vec<_>>().join("\n")
}

fn rows(analysis: &Analysis, columns: &[&str]) -> Vec<Vec<String>> {
    let columns = columns.iter().map(|c| (*c).to_owned()).collect();
    let query = Query { columns, time: TimeMode::Relative, ..Query::default() };
    ListKind::Media.lines(analysis, &Lists::of(analysis), &query).iter().collect()
}

/// Figures are those of [`voices`].
#[test]
fn rows_tell_who_what_and_how_it_went() {
    let analysis = voices().done();
    let all: Vec<&str> = ListKind::Media.columns().iter().map(|c| c.0).collect();
    insta::assert_snapshot!(print(&rows(&analysis, &all[..ListKind::Media.default_columns()])));
    let figures = [
        "id",
        "lost",
        "burst",
        "duplicates",
        "reordered",
        "keys",
        "heard_loss",
        "ssrc",
        "pt",
        "hops",
        "remarks",
    ];
    assert_eq!(
        rows(&analysis, &figures),
        [
            ["1", "–", "–", "–", "–", "–", "–", "0x000A11CE", "0", "–", "–"],
            ["2", "30", "12", "–", "–", "4#", "8", "0x00000B0B", "0", "–", "–"],
            ["3", "–", "–", "–", "–", "–", "–", "0x8418D3C5", "114", "–", "–"],
        ]
    );
    assert_eq!(
        ListKind::Media.owners(&analysis, &Lists::of(&analysis), 1),
        [Owner::Call(crate::correlate::CallIdx(0))]
    );
    assert!(ListKind::Media.owners(&analysis, &Lists::of(&analysis), 2).is_empty());
}

#[test]
fn details_say_where_packets_were_lost_and_what_the_estimate_is_made_from() {
    let analysis = voices().done();
    let gathered = Lists::of(&analysis);
    let told = |row| ListKind::Media.detail(&analysis, &gathered, row, TimeMode::Relative).unwrap();
    let his = told(1);
    let mut text = format!("{}\n{}\n", his.title, his.head.join("\n"));
    for part in &his.parts {
        text.push_str(&format!("\n{}\n{}\n", part.title, print(&part.table.rows)));
        assert_eq!(part.leads.len(), part.table.rows.len(), "{}", part.title);
    }
    insta::assert_snapshot!(text);
    // The key leads to the frame of its first packet.
    let keys = his.parts.iter().find(|p| p.title.starts_with("Keys")).unwrap();
    let frames = keys
        .table
        .rows
        .iter()
        .zip(&keys.leads)
        .map(|(row, lead)| (row[3].clone(), lead.frame.unwrap().frame));
    assert!(frames.into_iter().all(|(shown, frame)| shown == frame.to_string()));
    let unknown = told(2);
    assert!(
        unknown.head.iter().any(|h| h.contains("x-msrta/16000 is what OCS and Lync use it for")),
        "{:?}",
        unknown.head
    );
    assert!(ListKind::Media.detail(&analysis, &gathered, 3, TimeMode::Relative).is_none());
}

#[test]
fn filters_find_streams_and_their_calls() {
    let analysis = voices().done();
    let gathered = Lists::of(&analysis);
    let streams = |text: &str| {
        let filter = Filter::parse(text).unwrap_or_else(|e| panic!("{}", e.caret(text)));
        ListKind::Media
            .matching(&analysis, &gathered, Some(&filter))
            .iter()
            .map(|r| r + 1)
            .collect::<Vec<_>>()
    };
    let calls = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        let all = (0..3).map(crate::correlate::CallIdx);
        all.filter(|c| filter.matches_call(&analysis, *c)).map(|c| c.0 + 1).collect::<Vec<_>>()
    };
    for (text, wanted, of_calls) in [
        ("media.loss > 2%", &[2][..], &[1][..]),
        ("media.loss > 5.9 % and media.loss < 6%", &[2], &[1]),
        ("loss == 0", &[1, 3], &[1]),
        // 30 of 506: 5.9 % to one decimal.
        ("media.loss == 5.9%", &[2], &[1]),
        ("media.mos < 4.2", &[2], &[1]),
        ("mos >= 4.3", &[1], &[1]),
        ("media.dscp == EF", &[1], &[1]),
        ("dscp == 0", &[2], &[1]),
        ("dscp >= 40", &[1, 3], &[1]),
        ("media.dscp in (cs5, 99)", &[], &[]),
        ("media.codec ~ msrta", &[3], &[]),
        ("codec == PCMU/8000", &[1, 2], &[1]),
        ("ssrc == 0x8418d3c5", &[3], &[]),
        ("ssrc == 2216219589", &[3], &[]),
        ("media.packets < 200", &[3], &[]),
        ("media.kind == audio", &[1, 2], &[1]),
        ("media == audio", &[1, 2], &[1]),
        ("media", &[1, 2, 3], &[1]),
        ("not media", &[], &[2, 3]),
        ("media.pt == 101", &[2], &[1]),
        ("media.keys ~ 4", &[2], &[1]),
        ("dtmf == \"4#\"", &[2], &[1]),
        ("media.jitter < 1ms", &[1, 2, 3], &[1]),
        ("media.gap > 200ms", &[2], &[1]),
        ("media.quality == \"heavy loss\"", &[2], &[1]),
        ("media.way == both", &[1, 2], &[1]),
        ("media.way == none", &[], &[2]),
        ("media.way ~ \"not captured\"", &[], &[3]),
        ("media.srtp", &[], &[]),
        ("media.relay", &[], &[]),
        ("ip == 10.0.0.70", &[3], &[]),
        ("port == 5000", &[1, 2], &[]),
        ("src == 10.0.0.66", &[2], &[1, 2, 3]),
        ("transport == udp and start < 2037-01-01", &[1, 2, 3], &[1, 2, 3]),
        ("from ~ alice", &[1, 2], &[1, 2, 3]),
        ("kind == stream", &[1, 2, 3], &[]),
        ("msrta", &[3], &[]),
    ] {
        if text == "media.dscp in (cs5, 99)" {
            assert!(Filter::parse(text).is_err());
            continue;
        }
        assert_eq!((streams(text), calls(text)), (wanted.to_vec(), of_calls.to_vec()), "{text}");
    }
}

#[test]
fn a_call_says_which_ways_its_media_went() {
    let analysis = voices().done();
    let columns = vec!["id".to_owned(), "media".to_owned(), "mos".to_owned()];
    let table = crate::view::rows::calls(&analysis, &Query { columns, ..Query::default() }).0;
    assert_eq!(table.rows, [["1", "⇄ direct", "3.8"], ["2", "✗ none", "–"], ["3", "not captured here", "–"]]);
    // Without any media nobody knows what would have passed.
    let mut silent = crate::view::scenario::Scenario::default();
    silent.voice_call("call-1", [0, 9_000], "A>B", ["10.0.0.65:4000", "10.0.0.66:5000"]);
    let silent = silent.done();
    let query = |brief| Query { brief, ..Query::default() };
    let keys = |brief| {
        crate::view::rows::call_lines(&silent, &query(brief))
            .columns
            .into_iter()
            .map(|c| c.key)
            .collect::<Vec<_>>()
    };
    assert!(keys(false).contains(&"media".to_owned()) && !keys(true).contains(&"media".to_owned()));
    let all =
        crate::view::rows::calls(&silent, &Query { columns: vec!["media".to_owned()], ..Query::default() }).0;
    assert_eq!(all.rows, [["not captured here"]]);
}

/// What was not to come is not missing at the capture point; and what had no way yet would have passed where its checks do.
#[test]
fn media_that_was_not_to_come_is_not_said_to_be_elsewhere() {
    let ways = |sample: &str| {
        let analysis = crate::view::scenario::Scenario::sample(sample).done();
        let columns = vec!["media".to_owned()];
        let table = crate::view::rows::calls(&analysis, &Query { columns, ..Query::default() }).0;
        table.rows.into_iter().flatten().collect::<Vec<_>>()
    };
    assert_eq!(ways("near_media.pcap")[1], "none, as agreed");
    // Checks and media of the third pass elsewhere; of the fourth no check was answered when it was hung up.
    assert_eq!(ways("near_paths.pcap")[2..4], ["not captured here", "✗ none"]);
}

/// A back-to-back agent that lets the ends of its two calls talk to each other.
#[test]
fn legs_that_name_the_same_ends_have_the_same_media() {
    use crate::view::scenario::voices::{BACK, ENDS, THERE, voice};
    let mut s = crate::view::scenario::Scenario::default();
    s.voice_call("call-1", [0, 9_000], "A>P", ENDS);
    s.voice_leg("call-2", "X-Call-ID: call-1", [10, 9_010], "P>B", ENDS);
    s.speak(200, THERE, &voice(1, 300));
    s.speak(210, BACK, &voice(2, 300));
    let ways = |s: crate::view::scenario::Scenario| {
        let analysis = s.done();
        let columns = vec!["media".to_owned(), "mos".to_owned()];
        crate::view::rows::calls(&analysis, &Query { columns, ..Query::default() }).0.rows
    };
    assert_eq!(ways(s), [["⇄ direct", "4.4"], ["⇄ direct", "4.4"]]);
    // Calls that are no legs of one and name the same ends: whose it is nobody knows, but for the one in which nothing came.
    let mut s = crate::view::scenario::Scenario::default();
    s.voice_call("call-1", [0, 9_000], "A>P", ENDS);
    s.voice_call("call-2", [10, 9_010], "P>B", ENDS);
    s.voice_call("call-3", [20_000, 29_000], "A>P", ENDS);
    s.speak(200, THERE, &voice(1, 300));
    s.speak(210, BACK, &voice(2, 300));
    assert_eq!(ways(s), [["? unclear", "–"], ["? unclear", "–"], ["✗ none", "–"]]);
}
