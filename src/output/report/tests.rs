use std::fmt::Write as _;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::correlate::CallIdx;
use crate::view::scenario::{Msg, Scenario, request, response};

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sign = char::from(SIGNS[(n >> (18 - 6 * i)) as usize & 63]);
            write!(out, "{}", if i <= chunk.len() { sign } else { '=' }).unwrap();
        }
    }
    out
}

#[test]
fn the_policy_names_the_styles() {
    assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    assert_eq!(base64(b"foob"), "Zm9vYg==");
    assert_eq!([STYLE, svg::STYLE].map(|s| base64(&Sha256::digest(s.as_bytes()))), DIGESTS);
}

fn written(analysis: &Analysis, scope: &Scope<'_>) -> String {
    let mut out = Vec::new();
    html(&mut out, analysis, scope, ReportOptions { time: TimeMode::Utc, ..Default::default() }).unwrap();
    String::from_utf8(out).unwrap()
}

fn ticket(analysis: &Analysis) -> String {
    let mut out = Vec::new();
    markdown(&mut out, analysis, &Scope::All, ReportOptions { time: TimeMode::Utc, ..Default::default() })
        .unwrap();
    String::from_utf8(out).unwrap()
}

/// Elements that a report is made of.
const NAMES: &str = "html head meta title style body header nav main section article h1 h2 h3 h4 h5 h6 p ul li a b span code \
    dl dt dd div details summary pre figure figcaption table thead tbody tr th td svg g rect line path text circle";

/// Whether a page has only elements of ours, each attribute of them quoted and known.
fn is_ours(page: &str) -> bool {
    let page = page.trim_start_matches("<!DOCTYPE html>");
    let known =
        ["class", "id", "href", "scope", "lang", "role", "open", "title", "content", "name", "charset"];
    let drawn =
        ["x", "y", "x1", "x2", "y1", "y2", "d", "cx", "cy", "r", "width", "height", "viewBox", "xmlns"];
    let ours = |name: &str| {
        let name = name.trim_end_matches('/');
        name.is_empty()
            || name.starts_with("aria-")
            || ["http-equiv", "tabindex", "text-anchor"].contains(&name)
            || known.contains(&name)
            || drawn.contains(&name)
    };
    page.split('<').skip(1).all(|piece| {
        let Some((tag, text)) = piece.split_once('>') else { return false };
        let (name, rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let quoted: Vec<&str> = rest.split('"').collect();
        let attributes = quoted.iter().step_by(2).flat_map(|p| p.split(' '));
        NAMES.split_whitespace().any(|n| n == name.trim_start_matches('/').trim_end_matches('/'))
            && quoted.len() % 2 == 1
            && attributes.map(|a| a.trim_end_matches('=')).all(ours)
            && (name == "style" || !text.contains(['>', '"', '\'']))
    })
}

/// A call in which everything that can be text is this text.
fn call_of(text: &str) -> Analysis {
    let mut s = Scenario::default();
    let from = format!("\"{}\" <sip:alice@example.com>;tag=a", text.replace(['"', '\\'], ""));
    let of = |m: Msg| m.between(&from, "<sip:bob@example.com>").header(&format!("Subject: {text}"));
    let agent = format!("User-Agent: {text}");
    let reason = format!("ms-diagnostics: 1003;reason=\"{}\";source=\"{text}\"", text.replace('"', ""));
    let body =
        format!("v=0\r\no={text} 1 1 IN IP4 10.0.0.1\r\ns={text}\r\nm=audio 4 RTP/AVP 0\r\na={text}\r\n");
    s.add(0, "A>B", &of(request("INVITE", 1)).via(&["A b1"]).header(&agent).body("application/sdp", &body));
    s.add(
        9,
        "B>A",
        &of(response(&format!("488 {text}"), 1, "INVITE")).via(&["A b1"]).tag("b").header(&reason),
    );
    s.add(20, "A>B", &of(request("MESSAGE", 1)).id("im").via(&["A b2"]).body("text/plain", text));
    s.done()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_a_capture_opens_a_tag(text in "[<>&\"'=/` a-zA-Z\\-\\[\\]\\x01-\\x08\\x1b\u{9b}\u{202e}]{1,40}") {
        let analysis = call_of(&text);
        let page = written(&analysis, &Scope::All);
        prop_assert!(is_ours(&page), "{page}");
        let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        prop_assert!(!page.chars().any(hidden), "{page}");
        let ticket = ticket(&analysis);
        prop_assert!(!ticket.chars().any(hidden), "{ticket}");
        // Outside of its blocks nothing is HTML, and no text ends a block.
        let fences = ticket.lines().filter(|l| l.starts_with("```")).count();
        prop_assert_eq!(fences % 2, 0, "{}", ticket);
        let mut inside = false;
        for line in ticket.lines() {
            inside ^= line.starts_with("```");
            let tag = line.match_indices('<').any(|(at, _)| !line[..at].ends_with('\\'));
            prop_assert!(inside || !tag, "{line}");
        }
    }
}

#[test]
fn hostile_text_is_seen_by_the_check_itself() {
    assert!(is_ours("<!DOCTYPE html><p class=\"a b\">x</p><path d=\"M1 2\"/>"));
    for bad in
        ["<p onclick=\"x\">", "<p class=\"a\" zz>", "<script>", "<p class=\"a\"b\">", "a > b", "<p>\"</p>"]
    {
        assert!(!is_ours(&format!("<!DOCTYPE html><p>{bad}</p>")), "{bad}");
    }
}

#[test]
fn a_fence_is_longer_than_any_within() {
    let text = ticket(&call_of("````` x"));
    assert!(text.contains("\n``````text\n") && text.contains("\n``````\n"), "{text}");
}

#[test]
fn a_report_of_what_was_chosen() {
    let analysis = call_of("hello");
    let both = written(&analysis, &Scope::All);
    assert!(both.contains("id=\"call-1\"") && both.contains("id=\"dialog-1\""));
    let im = written(&analysis, &Scope::Chosen { owners: &[], rows: &[(ListKind::Messages, 0)] });
    assert!(!im.contains("id=\"call-1\"") && im.contains("id=\"dialog-1\""), "{im}");
    assert!(im.contains("0 calls and 1 other dialog") && im.contains("id=\"messages-1\""));
    let call = written(&analysis, &Scope::Chosen { owners: &[Owner::Call(CallIdx(0))], rows: &[] });
    assert!(call.contains("id=\"call-1\"") && !call.contains("id=\"dialog-1\""));
}

#[test]
fn nothing_at_all_is_a_page_too() {
    let page = written(&Analysis::default(), &Scope::All);
    assert!(is_ours(&page) && page.contains("No rule found anything wrong."), "{page}");
    assert!(ticket(&Analysis::default()).starts_with("# "));
}
