//! The body of the pipeline's fuzz target; the parsers' are in `callscope_parsers::fuzzing`.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::RwLock;

use crate::capture::Input;
use crate::correlate::Analysis;
use crate::correlate::load::{LoadOptions, load};

/// Analyses the bytes as a capture file: no panic, and every frame is accounted for once.
pub fn pipeline(data: &[u8]) {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(data).is_err() {
        return;
    }
    let analysis = RwLock::new(Analysis::default());
    let options = LoadOptions { threads: 1, ..LoadOptions::default() };
    let inputs = [Input::Path(file.path().to_owned())];
    load(&inputs, &options, &analysis, &mut |_| ControlFlow::Continue(()));
    let analysis = analysis.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    for c in &analysis.captures {
        assert_eq!(c.frames, c.accounting.total(), "{:?}", c.accounting);
    }
    for call in 0..analysis.calls.len() as u32 {
        let owner = crate::correlate::Owner::Call(crate::correlate::CallIdx(call));
        crate::view::ladder::build(&analysis, &[owner], crate::view::ladder::LadderOptions::default());
    }
}
