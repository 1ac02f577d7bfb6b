//! Writes the three captures that the ratio table is measured on: `cargo run --release --example bench-captures -- FOLDER`.

mod generate;

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use generate::Load;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    let plain = Load { calls: 50_000, rtp: 0, stun: true, tcp_segment: None };
    for (name, load) in [
        ("sip.pcap", plain),
        ("mix.pcap", Load { calls: 2_000, rtp: 800, ..plain }),
        ("big.pcap", Load { calls: 150_000, stun: false, ..plain }),
        ("tcp.pcap", Load { stun: false, tcp_segment: Some(1_200), ..plain }),
    ] {
        let path = folder.join(name);
        let frames = generate::write(BufWriter::with_capacity(1 << 20, File::create(&path)?), load)?;
        println!("{}: {frames} frames", path.display());
    }
    Ok(())
}
