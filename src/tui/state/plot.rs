//! How the plot of a stream is looked at.

use crate::capture::Nanos;
use crate::view::media::plot::{Plot, Window};

/// Where the plot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlotPlace {
    /// Below the facts.
    #[default]
    Below,
    /// On the whole screen.
    Whole,
    Hidden,
}

impl PlotPlace {
    pub fn next(self) -> Self {
        match self {
            Self::Below => Self::Whole,
            Self::Whole => Self::Hidden,
            Self::Hidden => Self::Below,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlotView {
    pub place: PlotPlace,
    /// Part of the stream's time; none: all of it.
    pub window: Option<Window>,
}

impl PlotView {
    pub fn window(&self, plot: &Plot) -> Window {
        self.window.map_or_else(|| plot.whole(), |w| plot.fit(w))
    }

    pub fn zoom(&mut self, plot: &Plot, around: Option<Nanos>, nearer: bool) {
        let now = self.window(plot);
        let middle = now.from.saturating_add(now.length() / 2);
        let around = around.filter(|at| (now.from..=now.to).contains(at)).unwrap_or(middle);
        self.keep(plot, plot.zoom(now, around, nearer));
    }

    pub fn shift(&mut self, plot: &Plot, on: bool) {
        self.keep(plot, plot.shift(self.window(plot), on));
    }

    fn keep(&mut self, plot: &Plot, window: Window) {
        self.window = Some(window).filter(|w| *w != plot.whole());
    }
}
