//! What is to be written to a file.

use tui_input::Input;

use super::TableKind;
use crate::correlate::Owner;
use crate::tui::desk::ExportError;
use crate::view::ladder::LadderOptions;
use crate::view::lists::ListKind;
use crate::view::rows::Query;
use crate::view::show::TimeMode;

/// What is to be written.
#[derive(Debug, Clone)]
pub enum What {
    Ladder(Vec<Owner>, LadderOptions),
    Packets(Vec<Owner>),
    Table(TableKind),
    /// Some rows of a table.
    Rows(TableKind, Vec<u32>),
    /// A report of some calls and dialogs, and of rows of lists.
    Report(Vec<Owner>, Vec<(ListKind, u32)>),
    /// A media stream, by its row: its packets or its audio.
    Stream(u32),
    /// All there is to say of a row.
    Details(ListKind, u32),
    Summary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Svg,
    Html,
    Mermaid,
    Pcapng,
    PcapngNoMedia,
    Csv,
    Markdown,
    Json,
    Wav,
}

impl Format {
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Svg,
        Self::Html,
        Self::Mermaid,
        Self::Pcapng,
        Self::PcapngNoMedia,
        Self::Csv,
        Self::Markdown,
        Self::Json,
        Self::Wav,
    ];

    /// Name and file ending.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text", "txt"),
            Self::Svg => ("svg", "svg"),
            Self::Html => ("html", "html"),
            Self::Mermaid => ("mermaid", "mmd"),
            Self::Pcapng => ("pcapng", "pcapng"),
            Self::PcapngNoMedia => ("pcapng-no-media", "pcapng"),
            Self::Csv => ("csv", "csv"),
            Self::Markdown => ("markdown", "md"),
            Self::Json => ("json", "json"),
            Self::Wav => ("wav", "wav"),
        }
    }
}

impl What {
    pub fn formats(&self) -> &'static [Format] {
        match self {
            Self::Ladder(..) => &[Format::Text, Format::Svg, Format::Html, Format::Mermaid],
            Self::Packets(_) => &[Format::Pcapng, Format::PcapngNoMedia],
            Self::Table(_) | Self::Rows(..) => &[Format::Csv, Format::Text, Format::Markdown],
            Self::Stream(_) => &[Format::Pcapng, Format::Wav],
            Self::Details(..) => &[Format::Text],
            Self::Report(..) => &[Format::Html, Format::Markdown],
            Self::Summary => &[Format::Html, Format::Markdown, Format::Json],
        }
    }
}

/// A file to be written.
#[derive(Debug, Clone)]
pub struct Export {
    pub what: What,
    pub format: Format,
    pub path: String,
    pub force: bool,
    /// What the table on the screen was made by.
    pub table: Option<Box<Query>>,
    pub time: TimeMode,
    pub ascii: bool,
}

#[derive(Debug, Clone)]
pub struct ExportState {
    pub choices: Vec<(String, What)>,
    pub what: usize,
    pub format: usize,
    pub path: Input,
    /// The path was typed and is not to be replaced when the format changes.
    pub typed: bool,
    /// 0 what, 1 format, 2 file.
    pub field: usize,
}

impl std::fmt::Display for ExportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exists => f.write_str("the file is there already"),
            Self::Other(text) => f.write_str(text),
        }
    }
}
