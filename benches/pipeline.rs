//! Walking, slicing, SIP scanning, the whole pipeline over UDP and over TCP, and JSON: `cargo bench`.

mod generate;

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use callscope::capture::{CaptureId, CaptureReader, FrameBatch, Input};
use callscope::correlate::Analysis;
use callscope::correlate::load::{LoadOptions, load};
use callscope::limits::Limits;
use callscope::net::slice_frame;
use callscope::output::json::{JsonOptions, summary};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generate::Load;

fn capture(folder: &tempfile::TempDir, name: &str, load: Load) -> PathBuf {
    let path = folder.path().join(name);
    let file = std::fs::File::create(&path).expect("a temporary file");
    generate::write(std::io::BufWriter::new(file), load).expect("room for it");
    path
}

fn walk(path: &Path, mut each: impl FnMut(&FrameBatch)) {
    let input = Input::Path(path.to_owned());
    let mut reader = CaptureReader::open(&input, CaptureId(0), &Limits::default(), false).expect("a capture");
    let mut batch = FrameBatch::default();
    while let Some(next) = reader.next_batch(batch).expect("a readable capture") {
        each(&next);
        batch = next;
    }
}

fn analyse(path: &Path, threads: usize) -> usize {
    let analysis = RwLock::new(Analysis::default());
    let options = LoadOptions { threads, ..LoadOptions::default() };
    load(&[Input::Path(path.to_owned())], &options, &analysis, &mut |_| ControlFlow::Continue(()));
    analysis.into_inner().expect("no panic").messages.len()
}

fn benches(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = Load { calls: 2_000, rtp: 0, stun: true, tcp_segment: None };
    let udp = capture(&folder, "udp.pcap", plain);
    let tcp = capture(&folder, "tcp.pcap", Load { stun: false, tcp_segment: Some(700), ..plain });
    let media = capture(&folder, "media.pcap", Load { calls: 50, rtp: 1_000, ..plain });
    let storm = folder.path().join("storm.pcap");
    let file = std::fs::File::create(&storm).expect("a temporary file");
    generate::write_storm(std::io::BufWriter::new(file), 4_000, None).expect("room for it");
    // Very many streams at once, and as many sources that are none.
    let streams = folder.path().join("streams.pcap");
    let file = std::fs::File::create(&streams).expect("a temporary file");
    generate::write_streams(std::io::BufWriter::new(file), 10_000, 10).expect("room for it");
    let noise = folder.path().join("noise.pcap");
    let file = std::fs::File::create(&noise).expect("a temporary file");
    generate::write_streams(std::io::BufWriter::new(file), 100_000, 1).expect("room for it");
    let size = |p: &Path| Throughput::Bytes(std::fs::metadata(p).map_or(0, |m| m.len()));

    let mut g = c.benchmark_group("walk");
    g.sample_size(20).throughput(size(&media));
    g.bench_function("records", |b| b.iter(|| walk(&media, |batch| _ = black_box(batch.frames.len()))));
    g.bench_function("records and slices", |b| {
        let limits = Limits::default();
        b.iter(|| {
            walk(&media, |batch| {
                for f in &batch.frames {
                    let bytes = &batch.bytes[f.start as usize..(f.start + f.caplen) as usize];
                    black_box(slice_frame(batch.links[f.interface as usize], bytes, f.origlen, &limits));
                }
            });
        });
    });
    g.finish();

    let message = {
        let mut found = Vec::new();
        walk(&udp, |batch| {
            if found.is_empty() {
                let f = batch.frames[0];
                found = batch.bytes[f.start as usize + 42..(f.start + f.caplen) as usize].to_vec();
            }
        });
        found
    };
    let mut g = c.benchmark_group("sip");
    g.throughput(Throughput::Bytes(message.len() as u64));
    g.bench_function("scan", |b| b.iter(|| black_box(callscope_parsers::sip::scan(black_box(&message)))));
    g.bench_function("parse", |b| {
        b.iter(|| black_box(callscope_parsers::sip::parse_message(black_box(&message))));
    });
    g.finish();

    let mut g = c.benchmark_group("pipeline");
    g.sample_size(10);
    for (name, path) in [
        ("udp", &udp),
        ("tcp", &tcp),
        ("media", &media),
        ("storm", &storm),
        ("streams", &streams),
        ("noise", &noise),
    ] {
        g.throughput(size(path));
        for threads in [1, 2] {
            g.bench_function(format!("{name}, {threads} workers"), |b| b.iter(|| analyse(path, threads)));
        }
    }
    g.finish();

    let analysis = RwLock::new(Analysis::default());
    let options = LoadOptions::default();
    load(&[Input::Path(udp.clone())], &options, &analysis, &mut |_| ControlFlow::Continue(()));
    let analysis = analysis.into_inner().expect("no panic");
    let json = |pretty| {
        let mut text = Vec::new();
        let options = JsonOptions { pretty, threads: 1, ..JsonOptions::default() };
        summary(&mut text, &analysis, options).expect("memory takes all");
        text
    };
    let mut g = c.benchmark_group("json");
    g.sample_size(10);
    for (name, pretty) in [("compact", false), ("pretty", true)] {
        g.throughput(Throughput::Bytes(json(pretty).len() as u64));
        g.bench_function(name, |b| b.iter(|| black_box(json(pretty).len())));
    }
    g.finish();

    let conferences = folder.path().join("conferences.pcap");
    let file = std::fs::File::create(&conferences).expect("a temporary file");
    generate::write_conferences(std::io::BufWriter::new(file), 10, 200).expect("room for it");
    let analysis = RwLock::new(Analysis::default());
    let options = LoadOptions::default();
    load(&[Input::Path(conferences.clone())], &options, &analysis, &mut |_| ControlFlow::Continue(()));
    let analysis = analysis.into_inner().expect("no panic");
    let mut g = c.benchmark_group("gather");
    g.sample_size(10).throughput(size(&conferences));
    g.bench_function("rosters", |b| b.iter(|| black_box(analysis.gather().conferences().len())));
    g.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
