//! Drawings of what `view` says: text, JSON, CSV, Markdown, SVG, Mermaid, pcapng extracts.

pub mod extract;
pub mod json;
pub mod ladder;
pub mod table;
