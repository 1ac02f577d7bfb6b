//! What every output shows, as plain data: tables, ladder, detail tree, filter, difference of messages.

pub mod allocation;
pub mod batch;
pub mod detail;
pub mod diff;
pub mod filter;
pub mod ice;
pub mod ladder;
pub mod lists;
pub mod media;
pub mod overview;
pub mod packets;
pub mod rows;
#[cfg(test)]
pub(crate) mod scenario;
pub mod table;

pub use crate::show;
pub use crate::show::sql;
