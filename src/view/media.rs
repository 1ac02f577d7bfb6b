//! What is shown of media streams.

pub mod plot;
