//! Parts that several screens are made of.

pub mod hex;
pub mod input;
pub mod ladder;
pub mod pane;
pub mod table;
pub mod text;
pub mod tree;
