//! Everything that can happen to the UI, and the threads that tell it.

use std::sync::mpsc::Sender;

use crossterm::event::{Event as Terminal, KeyEvent, KeyEventKind, MouseEvent};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::desk::Answer;
use crate::correlate::load::Progress;

#[derive(Debug)]
pub enum Event {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(u16, u16),
    /// Loading went on.
    Progress(Progress),
    /// Loading ended; texts of the inputs that could not be read.
    Loaded(Vec<String>),
    Answer(Box<Answer>),
    Tick,
    /// The number of a signal that asks to end, or 0 if the terminal is gone.
    Signal(i32),
}

/// Reads keys and mouse until the terminal is gone.
pub fn read_terminal(events: &Sender<Event>) {
    loop {
        let event = match crossterm::event::read() {
            Ok(Terminal::Key(key)) if key.kind != KeyEventKind::Release => Event::Key(key),
            Ok(Terminal::Mouse(mouse)) => Event::Mouse(mouse),
            Ok(Terminal::Resize(width, height)) => Event::Resize(width, height),
            Ok(Terminal::Paste(text)) => Event::Paste(text),
            Ok(_) => continue,
            Err(_) => {
                let _ = events.send(Event::Signal(0));
                return;
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

/// Waits for SIGTERM, SIGHUP and SIGINT. Should the UI not end within two seconds, the terminal is given back
/// and the process ended from here.
pub fn watch_signals(events: Sender<Event>) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT])?;
    std::thread::Builder::new().name("ui-signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _ = events.send(Event::Signal(signal));
            std::thread::sleep(std::time::Duration::from_secs(2));
            super::terminal::restore();
            end_by(signal);
        }
    })?;
    Ok(())
}

/// Ends the process as the signal by itself would have.
pub fn end_by(signal: i32) -> ! {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}
