//! Writes every synthetic capture of `samples/`: `cargo run --example samples`.
//!
//! Seeded: the same bytes every run. What happens in each file is told in `samples/MANIFEST.toml`.

mod call;
mod dns;
mod media;
mod media_rtcp;
mod pcapng;
mod scenarios;
mod scene;
mod secured;
mod stun;
mod wire;

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for (name, bytes) in scenarios::all() {
        let path = folder.join(name);
        fs::write(&path, &bytes)?;
        println!("{} {} bytes", path.display(), bytes.len());
    }
    Ok(())
}
