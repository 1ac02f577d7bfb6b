//! Calls played as scripts, each held to what is to be said of it.

mod breakage;
mod calls;
mod dialogs;
mod ingest;
mod ladder;
mod legs;
