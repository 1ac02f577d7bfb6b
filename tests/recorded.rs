//! Recordings of real clients and servers held to what was set up when they were made.

use std::collections::BTreeMap;

use crate::common::{Recording, analyse, outcome, samples_folder, sha256, whole_manifest};
use crate::truth::of_finding;
use callscope::correlate::{Analysis, MethodId};
use callscope::diagnose::diagnose;
use callscope::show;

#[test]
fn manifest_and_folder_agree() {
    let folder = std::fs::read_dir(samples_folder().join("recorded")).expect("the folder of recordings");
    let mut there: Vec<String> =
        folder.map(|e| format!("recorded/{}", e.expect("an entry").file_name().to_string_lossy())).collect();
    there.sort();
    let recordings = whole_manifest().recording;
    let mut named: Vec<&str> = recordings.iter().map(|r| r.file.as_str()).collect();
    named.sort_unstable();
    assert_eq!(named, there);
    for r in &recordings {
        assert_eq!(sha256(&r.file), r.sha256, "{} is not the file the manifest speaks of", r.file);
        assert!(r.origin.starts_with("recorded: ") && r.what.len() > 10, "{}", r.file);
    }
}

#[test]
fn every_recording_is_what_happened() {
    let mut wrong = Vec::new();
    for r in whole_manifest().recording {
        check(&r, &analyse(&r.file), &mut wrong);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn check(r: &Recording, a: &Analysis, wrong: &mut Vec<String>) {
    let mut expect = |what: &str, expected: String, got: String| {
        if expected != got {
            wrong.push(format!("{}: {what}: expected {expected}, got {got}", r.file));
        }
    };
    for c in &a.captures {
        expect("frames", r.frames.to_string(), c.frames.to_string());
        expect("frames accounted for", c.frames.to_string(), c.accounting.total().to_string());
    }
    let calls: Vec<String> = (0..a.calls.len()).map(|i| outcome(a, i)).collect();
    expect("calls", format!("{:?}", r.calls), format!("{calls:?}"));
    let sent = |id: MethodId| a.sip.requests.get(usize::from(id.0)).copied().unwrap_or(0);
    let requests: BTreeMap<String, u64> = (0..a.methods.len() as u16)
        .map(MethodId)
        .map(|id| (a.method(id).to_owned(), sent(id)))
        .filter(|(_, n)| *n > 0)
        .collect();
    expect("requests", format!("{:?}", r.requests), format!("{requests:?}"));
    let responses: BTreeMap<String, u64> = a.sip.responses.iter().map(|(s, n)| (s.to_string(), *n)).collect();
    expect("responses", format!("{:?}", r.responses), format!("{responses:?}"));
    let mut streams: Vec<String> = Vec::new();
    for s in a.joined_media().iter() {
        let (flow, figures) = (a.flow(s.flow), a.figures_of(s).expect("figures"));
        let lost = figures.expected() as i64 - i64::try_from(figures.packets).expect("few");
        streams.push(format!("{}>{} 0x{:08x} {} {lost}", flow.src, flow.dst, s.ssrc, figures.packets));
    }
    let mut wanted = r.streams.clone();
    wanted.sort();
    streams.sort();
    expect("streams", format!("{wanted:#?}"), format!("{streams:#?}"));
    let found: Vec<String> = diagnose(a).findings.iter().map(of_finding).collect();
    expect("findings", format!("{:#?}", r.findings), format!("{found:#?}"));
    // Whatever is told of it can be shown on a terminal.
    for f in &diagnose(a).findings {
        assert_eq!(f.title, show::safe_str(&f.title), "{}", r.file);
    }
}
