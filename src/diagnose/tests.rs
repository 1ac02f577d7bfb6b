//! Every rule with a case that it fires on and a near miss that it does not; and what joins and orders findings.

use super::*;
use crate::view::scenario::{Scenario, request, response};

mod calls;
mod capture;
mod conference;
mod connect;
mod during;
mod ice;
mod joined;
mod media;
mod other;
mod sign_in;
mod sql;
mod turn;

/// A rule, and two flows that differ in what the rule looks for.
pub struct Case {
    pub rule: &'static str,
    /// What fires it.
    pub fires: fn() -> Scenario,
    /// Words that its title or detail is to have.
    pub says: &'static str,
    /// What does not.
    pub misses: fn() -> Scenario,
}

fn cases() -> Vec<&'static Case> {
    let all = [
        calls::CASES,
        connect::CASES,
        during::CASES,
        ice::CASES,
        turn::CASES,
        sql::CASES,
        sign_in::CASES,
        conference::CASES,
        other::CASES,
        media::CASES,
        capture::CASES,
    ];
    all.into_iter().flatten().collect()
}

/// Something that is no call, so that the capture goes on.
fn later(s: &mut Scenario, ms: i64) {
    s.add(ms, "C>D", &request("OPTIONS", 1).id("later").via(&["C o"]));
    s.add(ms + 5, "D>C", &response("200 OK", 1, "OPTIONS").id("later").via(&["C o"]).tag("d"));
}

/// What is found in a flow, its title and severity: `error call-busy: Call 1, …`.
fn found(scenario: Scenario) -> Vec<String> {
    let analysis = scenario.done();
    let diagnosis = diagnose(&analysis);
    let told = |f: &Finding| {
        let words = format!("{} {}: {}", f.severity.name(), f.rule.id, f.title);
        format!("{words} | {} | {}", f.detail.join(" "), f.advice.join(" "))
    };
    diagnosis.findings.iter().map(told).collect()
}

#[test]
fn every_rule_fires_on_its_case_and_not_on_the_near_miss() {
    let cases = cases();
    let mut wrong: Vec<String> = Vec::new();
    for rule in rules() {
        let of: Vec<&&Case> = cases.iter().filter(|c| c.rule == rule.id).collect();
        if of.is_empty() {
            wrong.push(format!("{} has no case", rule.id));
        }
        for case in of {
            let head = format!(" {}:", rule.id);
            let fired = found((case.fires)());
            if !fired.iter().any(|t| t.contains(&head) && t.contains(case.says)) {
                wrong.push(format!("{} is not found, or says no {:?}: {fired:#?}", rule.id, case.says));
            }
            let missed = found((case.misses)());
            if missed.iter().any(|t| t.contains(&head)) {
                wrong.push(format!("{} in its near miss: {missed:#?}", rule.id));
            }
        }
    }
    let known: Vec<&str> = rules().map(|r| r.id).collect();
    let unknown = cases.iter().map(|c| c.rule).filter(|id| !known.contains(id));
    wrong.extend(unknown.map(|id| format!("{id} has a case and is no rule")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_well_formed() {
    let mut seen = std::collections::BTreeSet::new();
    for rule in rules() {
        assert!(seen.insert(rule.id), "{} stands twice", rule.id);
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.id);
        for text in [rule.help, rule.advice] {
            assert!(text.len() > 20 && text.ends_with('.') && !text.contains("  "), "{}: {text}", rule.id);
        }
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
        assert!(!rule.source.is_empty(), "{}", rule.id);
    }
}

#[test]
fn every_finding_has_evidence_and_is_no_worse_than_its_rule_unless_it_is_a_cause() {
    for case in cases() {
        let analysis = (case.fires)().done();
        let diagnosis = diagnose(&analysis);
        for (i, f) in diagnosis.findings.iter().enumerate() {
            // What is counted only has no frame to show.
            let counted = matches!(f.subject(), Subject::Capture(_));
            assert!(!f.evidence.is_empty() || counted, "{}: {}", f.rule.id, f.title);
            assert!(!f.advice.is_empty() && !f.title.is_empty());
            let caused = diagnosis.consequences(i).map(|(_, c)| c.severity).max();
            assert!(
                f.severity <= caused.map_or(f.rule.severity, |c| c.max(f.rule.severity)),
                "{}",
                f.rule.id
            );
            assert!(f.explained_by.is_none_or(|up| up < i), "{} stands before its cause", f.rule.id);
        }
        let severities: Vec<Severity> = diagnosis.findings.iter().map(|f| f.severity).collect();
        assert!(severities.is_sorted_by(|a, b| a >= b), "{severities:?}");
    }
}

#[test]
fn nothing_is_found_in_nothing() {
    assert!(diagnose(&Analysis::default()).findings.is_empty());
}
