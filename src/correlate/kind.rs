//! The kind of a call by what its messages are about.

use super::model::CallKind;
use crate::decode::KindBits;

/// The focus of a conference carries no media itself; a leg to its MCU is named by its media.
pub(super) fn call_kind(bits: KindBits) -> CallKind {
    const ORDER: [(u8, CallKind); 6] = [
        (KindBits::SHARING, CallKind::ApplicationSharing),
        (KindBits::VIDEO, CallKind::Video),
        (KindBits::AUDIO, CallKind::Audio),
        (KindBits::FOCUS, CallKind::Conference),
        (KindBits::FILE, CallKind::FileTransfer),
        (KindBits::IM, CallKind::Im),
    ];
    ORDER.iter().find(|(bit, _)| bits.has(*bit)).map_or(CallKind::Unknown, |(_, kind)| *kind)
}
