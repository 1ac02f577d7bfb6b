//! Who is in a conference: `application/conference-info+xml` (RFC 4575) with Microsoft's extension.
//!
//! ```text
//! conference-info entity state="full|partial|deleted" version
//!   conference-description   subject, conf-uris/entry { uri, display-text, purpose }, conference-id, expiry-time, …
//!   conference-state         user-count, active, locked
//!   users state / user entity state
//!     display-text, roles/entry
//!     endpoint entity session-type endpoint-uri state
//!       status, joining-method, joining-info, disconnection-method, disconnection-info
//!       media id { type, label, src-id, status, media-ingress-filter, media-egress-filter, media-state }
//!   conference-view / entity-view entity   what one conferencing server tells of itself
//! ```
//!
//! Elements count by their local name: prefixes vary, and Microsoft's servers switch the default namespace on nested
//! elements. What is not known by name is kept as name and text. [`Roster`] puts the documents of one subscription
//! together and says what each of them changed.

use std::ops::Range;

use crate::Issue;
use crate::c3p::{ConferencePart, McuKind, conference_uri};
use crate::fields::Field;

mod merge;
mod read;
mod roster;
#[cfg(test)]
mod tests;

pub(crate) use read::{entries, read_endpoint, read_media};
pub use read::{parse_conference_info, read_conference, read_user};
pub use roster::{Change, Roster};

/// `urn:ietf:params:xml:ns:conference-info`.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:conference-info";
/// Users read of one document.
pub const MAX_USERS: usize = 5_000;
/// Endpoints of a user, media of an endpoint, URIs, views: read of each.
pub const MAX_LIST: usize = 256;

/// How a document or an element of it relates to what is known (RFC 4575 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// Takes the place of it; what is meant where nothing is said.
    #[default]
    Full,
    /// Changes some of it.
    Partial,
    /// It is gone.
    Deleted,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Deleted => "deleted",
        }
    }
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConferenceInfo {
    /// URI of the conference (of Communications Server, of its focus); empty if not told.
    pub entity: String,
    pub state: State,
    pub version: Option<u32>,
    pub description: Option<Description>,
    pub conference_state: Option<ConferenceState>,
    pub users: Option<Users>,
    pub views: Vec<EntityView>,
    pub issues: Vec<Issue>,
}

/// What a conference is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    pub state: State,
    pub subject: Option<String>,
    pub display_text: Option<String>,
    pub conf_uris: Vec<ConfUri>,
    /// URI of its organizer (Microsoft).
    pub organizer: Option<String>,
    pub conference_id: Option<String>,
    pub expiry_time: Option<String>,
    pub admission_policy: Option<String>,
    pub join_url: Option<String>,
    pub other: Vec<Field>,
}

/// One address of a conference, of Communications Server that of a conferencing server (MCU).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfUri {
    pub uri: String,
    pub display_text: Option<String>,
    /// What for: `audio-video`, `chat`, …
    pub purpose: Option<String>,
}

impl ConfUri {
    /// Which conferencing server it is, by its purpose or else its address.
    pub fn mcu(&self) -> Option<McuKind> {
        self.purpose.as_deref().and_then(McuKind::of).or_else(|| mcu_of(&self.uri))
    }
}

/// The conferencing server that a URI names.
fn mcu_of(uri: &str) -> Option<McuKind> {
    match conference_uri(uri)?.part {
        ConferencePart::Mcu(kind) => Some(kind),
        _ => None,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConferenceState {
    pub state: State,
    pub user_count: Option<u32>,
    pub active: Option<bool>,
    pub locked: Option<bool>,
    pub other: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Users {
    pub state: State,
    pub list: Vec<User>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// URI; empty if not told.
    pub entity: String,
    pub state: State,
    pub display_text: Option<String>,
    /// `presenter`, `attendee`, …; `None` where the element is not there.
    pub roles: Option<Vec<String>>,
    pub endpoints: Vec<Endpoint>,
    pub other: Vec<Field>,
    /// In the document.
    pub range: Range<usize>,
}

/// One way in which a user takes part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoint {
    /// Of Communications Server a GUID in braces; empty if not told.
    pub entity: String,
    pub state: State,
    /// `focus`, `audio-video`, `chat`, … (Microsoft).
    pub session_type: Option<String>,
    pub endpoint_uri: Option<String>,
    pub display_text: Option<String>,
    /// `connected`, `dialing-out`, …; see [`status_words`].
    pub status: Option<String>,
    /// `dialed-in`, `dialed-out`, `focus-owner`.
    pub joining_method: Option<String>,
    /// When, why and by whom, as name and text.
    pub joining_info: Vec<Field>,
    /// `departed`, `booted`, `failed`, `busy`.
    pub disconnection_method: Option<String>,
    pub disconnection_info: Vec<Field>,
    pub media: Vec<Media>,
    pub other: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Media {
    /// Empty if not told.
    pub id: String,
    pub state: State,
    /// `audio`, `video`, …
    pub kind: Option<String>,
    pub label: Option<String>,
    pub src_id: Option<String>,
    /// `sendrecv`, `sendonly`, `recvonly`, `inactive`.
    pub status: Option<String>,
    /// What comes from the user is let through (`unblock`) or not (`block`): muted.
    pub ingress_filter: Option<String>,
    /// What goes to the user.
    pub egress_filter: Option<String>,
    pub media_state: Option<String>,
    pub other: Vec<Field>,
}

impl Media {
    /// Is what comes from the user held back? `None` where it is not told.
    pub fn is_muted(&self) -> Option<bool> {
        self.ingress_filter.as_deref().map(|f| f.eq_ignore_ascii_case("block"))
    }
}

/// What one conferencing server tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntityView {
    /// URI or kind of the server.
    pub entity: String,
    pub state: State,
    /// All it says (`entity-state`, capabilities, …), as name and text.
    pub fields: Vec<Field>,
}

impl EntityView {
    /// Which conferencing server speaks; `None` of the focus.
    pub fn mcu(&self) -> Option<McuKind> {
        McuKind::of(&self.entity).or_else(|| mcu_of(&self.entity))
    }
}

impl Endpoint {
    /// Which conferencing server it takes part in; `None` of the focus.
    pub fn mcu(&self) -> Option<McuKind> {
        self.session_type.as_deref().and_then(McuKind::of)
    }
}

/// What the status of an endpoint means (RFC 4575 §5.7); `None` for other words.
pub fn status_words(status: &str) -> Option<&'static str> {
    Some(match status {
        "pending" => "waiting to be let in or called",
        "dialing-out" => "the conference is calling it",
        "dialing-in" => "calling the conference, not connected yet",
        "alerting" => "it rings",
        "on-hold" => "on hold",
        "connected" => "taking part",
        "muted-via-focus" => "taking part, its media not let through",
        "disconnecting" => "leaving",
        "disconnected" => "has left",
        _ => return None,
    })
}

/// How an endpoint came in (RFC 4575 §5.7); `None` for other words.
pub fn joining_words(method: &str) -> Option<&'static str> {
    Some(match method {
        "dialed-in" => "called the conference",
        "dialed-out" => "was called by the conference",
        "focus-owner" => "is the focus itself",
        _ => return None,
    })
}

/// How an endpoint left (RFC 4575 §5.7); `None` for other words.
pub fn disconnection_words(method: &str) -> Option<&'static str> {
    Some(match method {
        "departed" => "left by itself",
        "booted" => "was removed",
        "failed" => "could not be connected",
        "busy" => "was busy",
        _ => return None,
    })
}
