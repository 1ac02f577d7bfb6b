//! The command line: arguments, configuration, and the headless commands.
//!
//! Data goes to standard output (or `--output`), words to standard error. Exit status: 0 analysed, 1 `--fail-on`
//! was hit, 2 wrong usage or an output that cannot be written, 3 an input could not be read at all.

mod args;
mod batch;
mod commands;
mod config;
mod explain;
mod failure;
mod ice;
mod limits;
mod lists;
mod nearest;
mod progress;
mod qos;
mod select;
mod session;
mod sink;
mod tables;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::view::lists::ListKind;
use crate::view::show;
use args::{Cli, Command};
use failure::Failure;

/// The command line as clap knows it, e.g. for the man page.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// Runs the program; gives its exit status.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() { 2 } else { 0 };
        }
    };
    match dispatch(cli) {
        Ok(code) => code,
        Err(Failure::Output(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "callscope: {failure}");
            failure.code()
        }
    }
}

fn dispatch(cli: Cli) -> Result<u8, Failure> {
    let Cli { common, command, files } = cli;
    match command {
        None => {
            if let Some(hint) = mistaken_command(&files) {
                return Err(Failure::usage(hint));
            }
            commands::interactive(&common, &files)
        }
        Some(Command::Summary(args)) => commands::summary(&common, &args),
        Some(Command::Batch(args)) => batch::batch(&common, &args),
        Some(Command::Calls(args)) => commands::calls(&common, &args),
        Some(Command::Dialogs(args)) => commands::dialogs(&common, &args),
        Some(Command::Ladder(args)) => commands::ladder(&common, &args),
        Some(Command::Candidates(args)) => ice::candidates(&common, &args),
        Some(Command::Allocations(args)) => ice::allocations(&common, &args),
        Some(Command::SignIns(args)) => lists::list(&common, ListKind::SignIns, &args),
        Some(Command::Subscriptions(args)) => lists::list(&common, ListKind::Subscriptions, &args),
        Some(Command::Conferences(args)) => lists::list(&common, ListKind::Conferences, &args),
        Some(Command::Messages(args)) => lists::list(&common, ListKind::Messages, &args),
        Some(Command::Sql(args)) => lists::list(&common, ListKind::Lookups, &args),
        Some(Command::Media(args)) => lists::list(&common, ListKind::Media, &args),
        Some(Command::Findings(args)) => lists::list(&common, ListKind::Findings, &args),
        Some(Command::Explain(args)) => explain::explain(&common, &args),
        Some(Command::Decode(args)) => commands::decode(&common, &args),
        Some(Command::Extract(args)) => commands::extract(&common, &args),
        Some(Command::Completions(args)) => commands::completions(&common, args.shell),
        Some(Command::Man(args)) => commands::man(&common, args.command.as_deref()),
    }
}

/// What to type instead, where a command was given as a file: misspelt, or behind the files.
fn mistaken_command(files: &[PathBuf]) -> Option<String> {
    let command = Cli::command();
    let names = || command.get_subcommands().map(clap::Command::get_name);
    let missing = |file: &&PathBuf| !file.exists() && file.components().count() == 1;
    let mut words = files.iter().enumerate().filter(|(_, file)| missing(file));
    words.find_map(|(i, file)| {
        let word = file.to_str()?;
        if names().any(|name| name == word) {
            return Some(format!("`{word}` is no file; as a command it comes first: callscope {word} FILE…"));
        }
        // A name of a file has a dot, and what was meant for a command stands first.
        let near = (i == 0 && !word.contains('.')).then(|| nearest::nearest(word, names()))??;
        Some(format!("no file and no command `{}` (did you mean `{near}`?)", show::safe_str(word)))
    })
}

#[cfg(test)]
mod tests;
