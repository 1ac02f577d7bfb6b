//! The loop: events in, state changed, effects out, screen drawn.

use std::io::{self, Stdout};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crossterm::event::{Event as Terminal, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::backend::CrosstermBackend;
use tui_input::InputRequest;
use tui_input::backend::crossterm::to_input_request;

use super::action::Action;
use super::desk::{Answer, Desk, Request};
use super::effect::{self, Effect};
use super::event::{self, Event};
use super::keys::{self, Contexts};
use super::state::State;
use super::terminal::Guard;
use super::theme::Theme;
use super::{TuiOptions, update, views};
use crate::capture::Input;
use crate::correlate::Analysis;
use crate::correlate::load::{self, LoadOptions, Progress};

/// Between two refreshes of the summaries while loading.
const REFRESH: Duration = Duration::from_millis(250);
/// How long to wait for the answers to what a key asked, before drawing without them.
const PATIENCE: Duration = Duration::from_millis(12);

/// Runs the UI to its end; gives the signal that ended it, if one did.
pub fn run(options: TuiOptions) -> anyhow::Result<Option<i32>> {
    let (events, inbox) = channel();
    event::watch_signals(events.clone())?;
    let guard = Guard::enter()?;
    let mut terminal = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let size = terminal.size()?;
    let colorfgbg = std::env::var("COLORFGBG").ok();
    let theme = Theme::detect(options.color, options.ascii, options.theme, colorfgbg.as_deref());
    let mut state = State::new(size.width, size.height, theme, options.time);
    state.following = options.load.follow;
    // The first screen stands before anything is read.
    draw(&mut terminal, &state)?;

    let stop = Arc::new(AtomicBool::new(false));
    let analysis = Arc::new(RwLock::new(Analysis::default()));
    {
        let mut analysis = analysis.write().unwrap_or_else(PoisonError::into_inner);
        for (address, name) in &options.names {
            analysis.names.set(*address, name);
        }
    }
    let keyboard = events.clone();
    std::thread::Builder::new().name("ui-keys".to_owned()).spawn(move || event::read_terminal(&keyboard))?;
    let desk = Desk::open(analysis.clone(), events.clone())?;
    spawn_loader(options.inputs, options.load, analysis.clone(), events.clone(), stop.clone())?;

    let mut app = App { started: Instant::now(), desk, analysis, events, signal: None };
    if let Some(filter) = &options.filter {
        let effects = update::start_with_filter(&mut state, filter);
        app.apply(&mut state, effects);
    }
    let mut effects = Vec::new();
    update::settle(&mut state, &mut effects);
    app.apply(&mut state, effects);
    let ended = app.turn(&mut terminal, &mut state, &inbox);
    stop.store(true, Ordering::Relaxed);
    drop(guard);
    ended?;
    Ok(app.signal)
}

fn draw(terminal: &mut ratatui::Terminal<CrosstermBackend<Stdout>>, state: &State) -> io::Result<()> {
    terminal.draw(|frame| {
        let area = frame.area();
        views::render(frame.buffer_mut(), area, state);
    })?;
    Ok(())
}

fn spawn_loader(
    inputs: Vec<Input>,
    options: LoadOptions,
    analysis: Arc<RwLock<Analysis>>,
    events: Sender<Event>,
    stop: Arc<AtomicBool>,
) -> io::Result<()> {
    std::thread::Builder::new().name("ui-load".to_owned()).spawn(move || {
        let mut last = Instant::now();
        let mut told = false;
        let mut progress = |p: &Progress| {
            if !told || last.elapsed() >= REFRESH {
                told = true;
                analysis.write().unwrap_or_else(PoisonError::into_inner).refresh();
                last = Instant::now();
                if events.send(Event::Progress(p.clone())).is_err() {
                    return ControlFlow::Break(());
                }
            }
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let report = load::load(&inputs, &options, &analysis, &mut progress);
        analysis.write().unwrap_or_else(PoisonError::into_inner).refresh();
        let errors = report.errors.iter().map(ToString::to_string).collect();
        let _ = events.send(Event::Loaded(errors));
    })?;
    Ok(())
}

struct App {
    started: Instant,
    desk: Desk,
    analysis: Arc<RwLock<Analysis>>,
    events: Sender<Event>,
    signal: Option<i32>,
}

impl App {
    fn turn(
        &mut self,
        terminal: &mut ratatui::Terminal<CrosstermBackend<Stdout>>,
        state: &mut State,
        inbox: &Receiver<Event>,
    ) -> anyhow::Result<()> {
        while !state.quit {
            draw(terminal, state)?;
            let wait = if state.loading { REFRESH } else { Duration::from_secs(3600) };
            let event = match inbox.recv_timeout(wait) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) => Event::Tick,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let mut asked = self.handle(state, event);
            // What came meanwhile goes into the same drawing, answers to this key too if they are quick.
            let deadline = Instant::now() + PATIENCE;
            while !state.quit {
                let patience =
                    if asked { deadline.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
                match inbox.recv_timeout(patience) {
                    Ok(event) => {
                        let answer = matches!(event, Event::Answer(_));
                        let more = self.handle(state, event);
                        asked = (asked && !answer) || more;
                    }
                    Err(_) => break,
                }
                if Instant::now() > deadline {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Says whether something quick was asked for.
    fn handle(&mut self, state: &mut State, event: Event) -> bool {
        state.now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let effects = match event {
            Event::Signal(signal) => {
                self.signal = (signal != 0).then_some(signal);
                state.quit = true;
                Vec::new()
            }
            event => react(state, event),
        };
        self.apply(state, effects)
    }

    fn apply(&mut self, state: &mut State, effects: Vec<Effect>) -> bool {
        let mut quick = false;
        for effect in effects {
            quick |= matches!(
                effect,
                Effect::Ask(
                    Request::Detail(_)
                        | Request::Ladder { .. }
                        | Request::Packets { .. }
                        | Request::Table { .. }
                        | Request::Rows { .. }
                        | Request::FindRow(_)
                        | Request::SessionsOf(_)
                        | Request::IceOf(_)
                        | Request::Session { .. }
                        | Request::Listing(..)
                        | Request::OwnersOf(..)
                        | Request::UserRows(_)
                )
            );
            if let Err(e) = effect::apply(effect, &self.desk, &self.analysis, &self.events) {
                state.complain(e.to_string());
            }
        }
        quick
    }
}

/// What an event does to the state.
pub fn react(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => match action_of(state, &key) {
            Some(action) => update::update(state, action),
            None => {
                let chord = keys::shown(&keys::chord(&key), state.theme.ascii);
                if chord.is_empty() {
                    return Vec::new();
                }
                let help = match state.context() {
                    Contexts::CONFIRM => "y or n",
                    context if keys::lookup(context, "?").is_some() => "? lists the keys",
                    _ => "the keys are below",
                };
                state.say(format!("{chord} does nothing here: {help}"));
                Vec::new()
            }
        },
        Event::Mouse(mouse) => match mouse_action(&mouse) {
            Some(action) => update::update(state, action),
            None => Vec::new(),
        },
        Event::Paste(text) => {
            let mut effects = Vec::new();
            if takes_text(state.context()) {
                for c in text.chars().filter(|c| !c.is_control()).take(4096) {
                    effects.extend(update::update(state, Action::Edit(InputRequest::InsertChar(c))));
                }
            }
            effects
        }
        Event::Resize(width, height) => {
            (state.width, state.height) = (width, height);
            let mut effects = Vec::new();
            update::settle(state, &mut effects);
            effects
        }
        Event::Progress(progress) => update::progress(state, progress),
        Event::Loaded(errors) => update::loaded(state, errors),
        Event::Answer(answer) => {
            let answer: Answer = *answer;
            update::receive(state, answer)
        }
        Event::Tick => {
            let mut effects = Vec::new();
            update::settle(state, &mut effects);
            effects
        }
        Event::Signal(_) => {
            state.quit = true;
            vec![Effect::Quit]
        }
    }
}

fn takes_text(context: Contexts) -> bool {
    context == Contexts::LINE || context == Contexts::EXPORT
}

/// What a key press means here.
pub fn action_of(state: &State, key: &KeyEvent) -> Option<Action> {
    let context = state.context();
    let chord = keys::chord(key);
    // A terminal too small to show anything can still be left.
    if super::layout::too_small(state) && matches!(chord.as_str(), "q" | "Q" | "^C") {
        return Some(Action::Quit);
    }
    if let Some(action) = keys::lookup(context, &chord) {
        return Some(action);
    }
    if takes_text(context) {
        return to_input_request(&Terminal::Key(*key)).map(Action::Edit);
    }
    // ^C ends it from everywhere.
    (chord == "^C").then_some(Action::Quit)
}

fn mouse_action(mouse: &MouseEvent) -> Option<Action> {
    let (x, y) = (mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Action::Click { x, y }),
        MouseEventKind::ScrollUp => Some(Action::Wheel { x, y, rows: -3 }),
        MouseEventKind::ScrollDown => Some(Action::Wheel { x, y, rows: 3 }),
        _ => None,
    }
}
