//! Screens and keys, without a terminal.

pub mod fixture;

mod keys;
mod screens;
