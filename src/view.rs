//! What every output shows, as plain data: tables, ladder, detail tree, filter, difference of messages.

pub mod ladder;
pub mod table;
