//! What a ticket carries: one HTML page with findings, calls, ladders and messages, or a short text in Markdown.
//!
//! ```text
//!  verdict ─ captures ─ findings ─ tables ─┬─ call 3 ─ facts, ladder, ICE, media, messages
//!              │            │        │     ├─ dialog 4 …
//!              └────────────┴────────┴─────┴─ frames that something leads to, decoded
//! ```
//! The page needs no script and nothing from elsewhere. It is written as it is made; what of a big capture is left out is
//! told where it is missing, with the limit and with the command that shows it.

mod calls;
mod frames;
mod ice;
mod lists;
mod markdown;
mod overview;
mod plan;
mod plot;
mod tables;

use std::cell::OnceCell;
use std::io::{self, Write};

use super::ladder::svg;
use super::markup::Html;
use crate::correlate::ice::Sources;
use crate::correlate::{Analysis, Owner};
use crate::diagnose::call_verdict;
use crate::view::filter::Filter;
use crate::view::ladder::Ladder;
use crate::view::lists::{ListKind, Lists};
use crate::view::overview::verdict;
use crate::view::show::{self, TimeMode};
use frames::Frames;
use plan::Plan;

pub use markdown::markdown;

/// How a report is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportOptions {
    /// In tables.
    pub time: TimeMode,
    /// In ladders.
    pub flow_time: TimeMode,
    pub show_secrets: bool,
}

/// What a report is about.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    All,
    /// What matches.
    Filter(&'a Filter),
    /// Some calls and dialogs, and rows of lists.
    Chosen {
        owners: &'a [Owner],
        rows: &'a [(ListKind, u32)],
    },
}

/// Our own style; that of the ladders stands beside it. The policy of the page names both by their digests.
const STYLE: &str = include_str!("report/style.css");

/// SHA-256 of the two styles, base64 (a test holds them).
const DIGESTS: [&str; 2] =
    ["EUuFv+PveDRJS/lvIrW1SHq52Boc6o02SjMIed3aJlw=", "4dKsGXMQ0kzVI/r7PWzpNjI7jJsxSwrxHatZwXBgvxc="];

/// A page being written.
struct Page<'a, 'w> {
    analysis: &'a Analysis,
    lists: Lists<'a>,
    plan: Plan,
    html: Html<'w>,
    frames: Frames,
    sources: OnceCell<Sources>,
    options: ReportOptions,
}

/// The whole report as a page.
pub fn html(
    out: &mut dyn Write,
    analysis: &Analysis,
    scope: &Scope<'_>,
    options: ReportOptions,
) -> io::Result<()> {
    let lists = Lists::of(analysis);
    let plan = Plan::new(analysis, &lists, scope);
    let mut page = Page::new(out, analysis, lists, plan, options);
    let title = page.title(scope);
    page.begin(&title)?;
    page.header(&title, scope)?;
    page.navigation()?;
    page.html.open("main", &[])?;
    page.findings()?;
    page.overview()?;
    page.tables()?;
    page.calls()?;
    page.dialogs()?;
    page.decoded()?;
    page.end()
}

/// A ladder as a page, with the messages it is made of.
pub fn flow(
    out: &mut dyn Write,
    analysis: &Analysis,
    owners: &[Owner],
    ladder: &Ladder,
    options: ReportOptions,
) -> io::Result<()> {
    let lists = Lists::of(analysis);
    let plan = Plan::new(analysis, &lists, &Scope::Chosen { owners, rows: &[] });
    let mut page = Page::new(out, analysis, lists, plan, options);
    let title = if ladder.title.is_empty() { "Call flow" } else { &ladder.title };
    page.begin(title)?;
    page.html.open("main", &[])?;
    page.html.leaf("h1", &[], title)?;
    let drawn = page.ladder("flow", ladder, "callscope ladder FILE --format svg")?;
    page.html.leaf("h2", &[], "Messages")?;
    for &owner in owners {
        page.messages(owner, "flow", &drawn, ladder.start)?;
    }
    page.decoded()?;
    page.end()
}

impl<'a, 'w> Page<'a, 'w> {
    fn new(
        out: &'w mut dyn Write,
        analysis: &'a Analysis,
        lists: Lists<'a>,
        plan: Plan,
        options: ReportOptions,
    ) -> Self {
        let frames = Frames::new(analysis.limits.report_frames);
        Self { analysis, lists, plan, html: Html::new(out), frames, sources: OnceCell::new(), options }
    }

    fn title(&self, scope: &Scope<'_>) -> String {
        let diagnosis = self.lists.diagnosis();
        match (scope, self.plan.calls.as_slice(), self.plan.dialogs.as_slice()) {
            (Scope::All, ..) => verdict(self.analysis, diagnosis),
            (_, [call], []) => {
                let [from, to] = show::call_party_names(self.analysis, *call);
                let words = call_verdict(self.analysis, diagnosis, *call);
                format!("Call {}, {from} → {to}: {words}.", u64::from(call.0) + 1)
            }
            (_, calls, dialogs) => format!(
                "{} and {} of the capture",
                show::count(calls.len() as u64, "call", "calls"),
                show::count(dialogs.len() as u64, "other dialog", "other dialogs")
            ),
        }
    }

    /// The head of the document. Nothing may be loaded and nothing run; its styles are known by their digests.
    fn begin(&mut self, title: &str) -> io::Result<()> {
        let html = &mut self.html;
        writeln!(html, "<!DOCTYPE html>")?;
        html.open("html", &[("lang", "en")])?;
        html.open("head", &[])?;
        html.void("meta", &[("charset", "utf-8")])?;
        let [own, ladders] = DIGESTS;
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{own}' 'sha256-{ladders}'; base-uri 'none'; form-action 'none'"
        );
        html.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)])?;
        html.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")])?;
        html.void("meta", &[("name", "color-scheme"), ("content", "light dark")])?;
        html.void("meta", &[("name", "referrer"), ("content", "no-referrer")])?;
        html.void(
            "meta",
            &[("name", "generator"), ("content", concat!("callscope ", env!("CARGO_PKG_VERSION")))],
        )?;
        html.leaf("title", &[], &format!("callscope: {}", show::shorten(title, 120)))?;
        for style in [STYLE, svg::STYLE] {
            writeln!(html, "<style>{style}</style>")?;
        }
        html.close()?;
        html.open("body", &[])
    }

    fn end(&mut self) -> io::Result<()> {
        // main, body, html.
        for _ in 0..3 {
            self.html.close()?;
        }
        self.html.flush()
    }

    /// Whether texts and drawings still have room.
    fn has_room(&self) -> bool {
        self.html.written() < self.analysis.limits.report_bytes
    }

    fn no_room(&mut self, what: &str) -> io::Result<()> {
        let bytes = show::size(self.analysis.limits.report_bytes);
        let text = format!("{what} left out: the report has reached {bytes} (limit report_bytes).");
        self.html.leaf("p", &[("class", "left-out")], &text)
    }

    fn paragraph(&mut self, text: &str) -> io::Result<()> {
        self.html.leaf("p", &[], text)
    }
}

#[cfg(test)]
mod tests;
