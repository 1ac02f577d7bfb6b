//! Media streams as they are shown: what a call has of them, and their course over time. How they are judged is
//! `diagnose`'s, and what they are called `show`'s.

mod call;
pub mod plot;
mod trend;

pub use crate::diagnose::media::{
    HeardLoss, LOSS_HEARD, Quality, Way, after_red, call_way, gave_way, half_missing, heard_jitter,
    heard_loss, loss_percent, marks, mos_of,
};
pub use crate::show::media::{
    codec, decimal, ends, keys, kind, mark_name, mark_of, mark_words, marks, millis, protection, source, ssrc,
};
pub use call::{CallMedia, call_media, call_mos};
pub use trend::{jitter_line, loss_line};
