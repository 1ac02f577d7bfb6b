//! Drawings of what `view` says: text, JSON, CSV, Markdown, SVG, Mermaid, pcapng extracts.

pub mod audio;
pub mod batch;
pub mod decode;
pub mod explain;
pub mod extract;
pub mod ice;
pub mod json;
pub mod ladder;
pub mod lists;
mod markup;
pub mod narrow;
pub mod plot;
pub mod report;
mod secrets;
pub mod summary;
pub mod table;
mod text;
