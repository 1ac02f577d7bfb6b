//! Screens and keys, without a terminal.

pub mod fixture;
pub mod ice;

mod keys;
pub mod plot;
mod screens;
