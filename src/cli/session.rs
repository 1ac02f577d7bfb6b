//! Reads the inputs of a command into an analysis and tells what could not be read.

use std::io::Write;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::args::Common;
use super::config::{self, Settings};
use super::failure::Failure;
use super::progress::ProgressLine;
use crate::capture::{Input, OpenError, expand_inputs};
use crate::correlate::Analysis;
use crate::correlate::load::{Progress, load};
use crate::diagnose::{Severity, diagnose};
use crate::redact::{Cause, Key, Redactor, learn_from, redacted_copy};
use crate::view::filter::Filter;
use crate::view::show;

/// Settings, filter and inputs of a command, all found to be good.
pub(super) struct Session {
    pub settings: Settings,
    pub filter: Option<Filter>,
    pub inputs: Vec<Input>,
    quiet: bool,
    progress: bool,
    /// Inputs that could not be read at all.
    pub unreadable: usize,
    /// The worst finding so far, where somebody asked.
    worst: Option<Severity>,
    fail_on: Option<Severity>,
}

/// A file's own name may name somebody.
pub(super) fn name_of_copy(n: usize) -> String {
    format!("capture-{}", n + 1)
}

impl Session {
    pub fn new(common: &Common, files: &[PathBuf]) -> Result<Self, Failure> {
        super::sink::check(common.output.as_deref(), common.force)?;
        Self::into_folder(common, files)
    }

    /// The same where the output is a folder, which somebody else checks.
    pub fn into_folder(common: &Common, files: &[PathBuf]) -> Result<Self, Failure> {
        let mut session = Self::of_originals(common, files)?;
        session.redact(common)?;
        Ok(session)
    }

    /// The same for who makes redacted copies himself, one at a time.
    pub fn of_originals(common: &Common, files: &[PathBuf]) -> Result<Self, Failure> {
        let settings = config::settings(common)?;
        let filter = match &common.filter {
            Some(text) => Some(
                Filter::parse(text).map_err(|e| Failure::usage(format!("bad filter\n{}", e.caret(text))))?,
            ),
            None => None,
        };
        let given = inputs(files)?;
        let (inputs, errors) = expand_inputs(&given);
        let mut session = Self {
            settings,
            filter,
            inputs,
            quiet: common.quiet,
            progress: !common.quiet && !common.no_progress,
            unreadable: 0,
            worst: None,
            fail_on: common.fail_on.map(Severity::from),
        };
        session.report(&errors);
        Ok(session)
    }

    /// Puts redacted copies in place of the inputs, where they are asked for.
    fn redact(&mut self, common: &Common) -> Result<(), Failure> {
        let Some(mut redactor) = self.redactor(common)? else { return Ok(()) };
        let mut line = ProgressLine::new(self.progress);
        let mut copies = Vec::new();
        for (n, input) in std::mem::take(&mut self.inputs).iter().enumerate() {
            let copy = redacted_copy(&mut redactor, input, &name_of_copy(n), &mut |bytes, frames| {
                line.update(&Progress { bytes, frames, ..Progress::default() });
                ControlFlow::Continue(())
            });
            match copy {
                Ok(copy) => copies.push(copy),
                Err(Cause::Open(e)) => self.report(&[e]),
                Err(e) => return Err(Failure::Input(format!("--redact: {e}"))),
            }
        }
        line.clear();
        self.inputs = copies;
        self.tell_redaction(&redactor);
        self.settings.load.redaction = Some(redactor.tally);
        Ok(())
    }

    pub fn tell_redaction(&self, redactor: &Redactor) {
        self.say(&format!("callscope: redacted: {}", show::redaction(&redactor.tally)));
    }

    /// What makes redacted copies, where they are asked for; it knows the names in all inputs.
    pub fn redactor(&mut self, common: &Common) -> Result<Option<Redactor>, Failure> {
        if !common.redact && common.redact_key.is_none() {
            return Ok(None);
        }
        if common.follow {
            return Err(Failure::usage(
                "--redact needs all of a capture before it is shown: not with --follow",
            ));
        }
        if !common.names.is_empty() {
            return Err(Failure::usage("--redact shows no names of machines: not with --names"));
        }
        if !self.settings.names.is_empty() {
            self.settings.names.clear();
            self.say("callscope: --redact: the names of machines in the configuration are not used");
        }
        // They are of users whose names are others in the copy.
        if !std::mem::take(&mut self.settings.load.turn_users).is_empty() {
            self.say("callscope: --redact: --turn-user is not used, as keyed hashes are overwritten");
        }
        let key = common.redact_key.as_deref().map_or_else(Key::random, Key::of);
        let load = &self.settings.load;
        let mut redactor = Redactor::new(key, &load.limits, &load.sip_ports, &load.leg_headers);
        if self.inputs.len() > 1 {
            let mut line = ProgressLine::new(self.progress);
            // Names of one capture stand in the free text of another.
            for input in &self.inputs {
                let _ = learn_from(&mut redactor, input, &mut |bytes, frames| {
                    line.update(&Progress { bytes, frames, ..Progress::default() });
                    ControlFlow::Continue(())
                });
            }
            line.clear();
        }
        Ok(Some(redactor))
    }

    /// Analyses the inputs together. Fails where not one of them could be read.
    ///
    /// The program ends with the command, and the system takes the memory back faster than it could be freed piece by
    /// piece.
    pub fn analyse(&mut self) -> Result<ManuallyDrop<Analysis>, Failure> {
        let inputs = std::mem::take(&mut self.inputs);
        let analysis = self.analyse_some(&inputs);
        self.tell_unknown_names(&analysis);
        if analysis.captures.is_empty() { Err(Failure::Unreadable) } else { Ok(ManuallyDrop::new(analysis)) }
    }

    /// A filter for users finds those whose names are known.
    fn tell_unknown_names(&self, analysis: &Analysis) {
        if !self.filter.as_ref().is_some_and(Filter::asks_users) {
            return;
        }
        let aliases = analysis.aliases();
        let limits: Vec<&str> = aliases.limits_hit().collect();
        if !limits.is_empty() {
            let limits = limits.join(", ");
            self.say(&format!("callscope: not all names of users are known (limit {limits})"));
        }
    }

    /// Analyses some inputs together; what cannot be read is told and counted.
    pub fn analyse_some(&mut self, inputs: &[Input]) -> Analysis {
        let mut analysis = Analysis::default();
        for (address, name) in &self.settings.names {
            analysis.names.set(*address, name);
        }
        let lock = RwLock::new(analysis);
        let mut line = self.progress_line();
        let stop = if self.settings.load.follow { stop_on_interrupt() } else { Arc::default() };
        let report = load(inputs, &self.settings.load, &lock, &mut |progress| {
            line.update(progress);
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        line.clear();
        self.report(&report.errors);
        let analysis = lock.into_inner().unwrap_or_else(PoisonError::into_inner);
        if self.fail_on.is_some() {
            self.worst = self.worst.max(diagnose(&analysis).worst());
        }
        analysis
    }

    pub fn progress_line(&self) -> ProgressLine {
        ProgressLine::new(self.progress)
    }

    /// Another finding, by which the exit status is told.
    pub fn found(&mut self, severity: Option<Severity>) {
        self.worst = self.worst.max(severity);
    }

    fn report(&mut self, errors: &[OpenError]) {
        errors.iter().for_each(|e| self.cannot_read(&e.to_string()));
    }

    /// An input that cannot be read at all.
    pub fn cannot_read(&mut self, why: &str) {
        self.unreadable += 1;
        let _ = writeln!(std::io::stderr(), "callscope: {}", show::safe(why.as_bytes()));
    }

    /// A word for the user on standard error, unless `-q`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Exit status once the output is written.
    pub fn status(&self) -> u8 {
        if self.unreadable > 0 {
            3
        } else if self.fail_on.is_some_and(|least| self.worst >= Some(least)) {
            1
        } else {
            0
        }
    }
}

/// The first Ctrl-C ends waiting, a second one the program.
fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop));
        let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
    }
    stop
}

fn inputs(files: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    if files.is_empty() {
        return Err(Failure::usage("no capture given (`-` is standard input; see `callscope --help`)"));
    }
    let mut inputs = Vec::new();
    for file in files {
        let input = if file == Path::new("-") { Input::Stdin } else { Input::Path(file.clone()) };
        if input == Input::Stdin && inputs.contains(&input) {
            return Err(Failure::usage("standard input (`-`) can be read only once"));
        }
        inputs.push(input);
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_once() {
        assert!(inputs(&["-".into(), "-".into()]).is_err());
        assert!(inputs(&[]).is_err());
        assert_eq!(inputs(&["a".into(), "-".into()]).ok().map(|i| i.len()), Some(2));
    }
}
