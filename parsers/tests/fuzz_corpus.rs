//! Replays the fuzz corpus: every seed, cut at every length, through its own target, and whole through the others.

use std::fs;
use std::path::{Path, PathBuf};

use callscope_parsers::fuzzing::TARGETS;

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut found: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn every_target_has_seeds() {
    for (target, _) in TARGETS {
        assert!(!seeds(target).is_empty(), "{target}");
    }
}

#[test]
fn seeds_cut_at_every_length() {
    for (target, body) in TARGETS {
        for (path, seed) in seeds(target) {
            eprintln!("{}", path.display());
            // Long seeds in steps, so that the test stays quick.
            let step = 1 + seed.len() / 2000;
            for cut in (0..seed.len()).step_by(step) {
                body(&seed[..cut]);
            }
            body(&seed);
        }
    }
}

#[test]
fn seeds_of_other_targets() {
    for (target, _) in TARGETS {
        for (path, seed) in seeds(target) {
            eprintln!("{}", path.display());
            for (_, body) in TARGETS {
                body(&seed);
            }
        }
    }
}

#[test]
fn seeds_with_flipped_bytes() {
    for (target, body) in TARGETS {
        for (path, seed) in seeds(target) {
            eprintln!("{}", path.display());
            let step = 1 + seed.len() / 500;
            for at in (0..seed.len()).step_by(step) {
                let mut damaged = seed.clone();
                for value in [0x00, 0xFF, b'\n', b'=', damaged[at] ^ 0x80] {
                    damaged[at] = value;
                    body(&damaged);
                }
            }
        }
    }
}
