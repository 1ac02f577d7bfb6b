//! Directories given as inputs.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{Input, OpenError, source};

/// Directories inside directories.
const DEPTH: usize = 64;

/// Directories are replaced by the captures inside them (recursively, sorted by path, told by content; hidden files
/// are passed over). Files named themselves are always kept.
pub fn expand_inputs(inputs: &[Input]) -> (Vec<Input>, Vec<OpenError>) {
    let mut expanded = Vec::new();
    let mut errors = Vec::new();
    for input in inputs {
        match input {
            Input::Path(path) if path.is_dir() => {
                let (before, errors_before) = (expanded.len(), errors.len());
                let mut visited = HashSet::new();
                walk(path, 0, &mut visited, &mut expanded, &mut errors);
                if expanded.len() == before && errors.len() == errors_before {
                    errors.push(OpenError::NoCaptures { path: path.to_string_lossy().into_owned() });
                }
            }
            Input::Path(_) | Input::Stdin | Input::StandIn(_) => expanded.push(input.clone()),
        }
    }
    (expanded, errors)
}

fn walk(
    directory: &Path,
    depth: usize,
    visited: &mut HashSet<PathBuf>,
    expanded: &mut Vec<Input>,
    errors: &mut Vec<OpenError>,
) {
    let io_error = |path: &Path, source| OpenError::Io { path: path.to_string_lossy().into_owned(), source };
    // A link back to where we came from shows by its real path.
    match directory.canonicalize() {
        Ok(real) => {
            if depth >= DEPTH || !visited.insert(real) {
                return;
            }
        }
        Err(e) => return errors.push(io_error(directory, e)),
    }
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) => return errors.push(io_error(directory, e)),
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    for path in paths {
        // Follows links; one that leads nowhere is no capture.
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.is_dir() {
            walk(&path, depth + 1, visited, expanded, errors);
        } else if about.is_file() {
            match File::open(&path).and_then(source::holds_capture) {
                Ok(true) => expanded.push(Input::Path(path)),
                Ok(false) => {}
                Err(e) => errors.push(io_error(&path, e)),
            }
        }
    }
}
