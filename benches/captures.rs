//! Writes the captures that the ratio table is measured on: `cargo run --release --example bench-captures -- FOLDER [NAME…]`,
//! those named (`sip`, `mix`, `big`, `tcp`, `storm`, `storm_tcp`, `conferences`, `streams`, `noise`) or all but the last four.

mod generate;

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use generate::Load;

/// BENOTIFYs of a storm: 900 MB.
const STORM: u32 = 100_000;

/// Conferences of a storm, and how often the watcher of each is told of the roster: 850 MB.
const CONFERENCES: u32 = 200;
const NOTIFIES: u32 = 500;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    let names: Vec<String> = std::env::args().skip(2).collect();
    let wanted = |name: &str| match names.is_empty() {
        true => !matches!(name, "storm_tcp" | "conferences" | "streams" | "noise"),
        false => names.iter().any(|n| n == name),
    };
    let create = |name: &str| -> std::io::Result<_> {
        let path = folder.join(format!("{name}.pcap"));
        Ok((BufWriter::with_capacity(1 << 20, File::create(&path)?), path))
    };
    let plain = Load { calls: 50_000, rtp: 0, stun: true, tcp_segment: None };
    for (name, load) in [
        ("sip", plain),
        ("mix", Load { calls: 2_000, rtp: 800, ..plain }),
        ("big", Load { calls: 150_000, stun: false, ..plain }),
        ("tcp", Load { stun: false, tcp_segment: Some(1_200), ..plain }),
    ] {
        if wanted(name) {
            let (out, path) = create(name)?;
            println!("{}: {} frames", path.display(), generate::write(out, load)?);
        }
    }
    for (name, tcp_segment) in [("storm", None), ("storm_tcp", Some(1_448))] {
        if wanted(name) {
            let (out, path) = create(name)?;
            let frames = generate::write_storm(out, STORM, tcp_segment)?;
            println!("{}: {frames} frames", path.display());
        }
    }
    // A hundred thousand streams at once for a second and a half; a million sources of one packet each.
    for (name, streams, packets) in [("streams", 100_000, 75), ("noise", 1_000_000, 1)] {
        if wanted(name) {
            let (out, path) = create(name)?;
            let frames = generate::write_streams(out, streams, packets)?;
            println!("{}: {frames} frames", path.display());
        }
    }
    if wanted("conferences") {
        let (out, path) = create("conferences")?;
        println!("{}: {} frames", path.display(), generate::write_conferences(out, CONFERENCES, NOTIFIES)?);
    }
    Ok(())
}
