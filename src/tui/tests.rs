//! Screens and keys, without a terminal.

pub mod findings;
pub mod fixture;
pub mod ice;

mod keys;
mod media;
pub mod plot;
mod samples;
mod screens;
