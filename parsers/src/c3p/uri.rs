//! Addresses of conferences: `sip:organizer@domain;gruu;opaque=app:conf:<what>:id:<id>`.

/// Which conferencing server (MCU).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum McuKind {
    Chat,
    AudioVideo,
    ApplicationSharing,
    /// Data; the word in its URIs is `meeting`, or `data-conf` (not confirmed).
    Data,
    /// Not confirmed.
    Phone,
}

impl McuKind {
    /// By the word in URIs, in `purpose`, in `session-type` and in `mcuType`.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "chat" => Self::Chat,
            "audio-video" => Self::AudioVideo,
            "applicationsharing" => Self::ApplicationSharing,
            "meeting" | "data-conf" => Self::Data,
            "phone-conf" => Self::Phone,
            _ => return None,
        })
    }

    /// Short and stable: `audio-video`, `chat`, `applicationsharing`, `data`, `phone`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::AudioVideo => "audio-video",
            Self::ApplicationSharing => "applicationsharing",
            Self::Data => "data",
            Self::Phone => "phone",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Chat => "IM conferencing (IMMCU)",
            Self::AudioVideo => "audio/video conferencing (AVMCU)",
            Self::ApplicationSharing => "application sharing (ASMCU)",
            Self::Data => "data conferencing (DMCU)",
            Self::Phone => "telephone conferencing",
        }
    }
}

/// What of a conference a URI names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConferencePart {
    /// The element that holds the conference together.
    Focus,
    /// Where conferences are made; it has no id.
    FocusFactory,
    Mcu(McuKind),
    /// Another word.
    Other,
}

/// A conference URI taken apart. The organizer and the id together name the conference: they are the same in its focus
/// and all its conferencing servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConferenceUri<'a> {
    /// `sip:organizer@domain`, without `conf:` or `meet:` before it.
    pub organizer: &'a str,
    pub part: ConferencePart,
    /// The word that says which part.
    pub word: &'a str,
    /// Empty where there is none.
    pub id: &'a str,
}

impl ConferenceUri<'_> {
    /// What conferences are told apart by: organizer and id in lower case.
    pub fn key(&self) -> Option<String> {
        (!self.id.is_empty()).then(|| format!("{}#{}", self.organizer, self.id).to_ascii_lowercase())
    }
}

/// `None` where it is no conference URI of Communications Server.
pub fn conference_uri(uri: &str) -> Option<ConferenceUri<'_>> {
    let uri = uri.trim();
    let uri = strip_prefix(strip_prefix(uri, "conf:"), "meet:");
    let uri = uri.split('?').next().unwrap_or_default();
    let mut pieces = uri.split(';');
    let organizer = pieces.next().unwrap_or_default();
    let opaque = pieces.find_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        name.eq_ignore_ascii_case("opaque").then_some(value)
    })?;
    let rest =
        opaque.get(..9).filter(|p| p.eq_ignore_ascii_case("app:conf:")).and_then(|_| opaque.get(9..))?;
    let mut words = rest.split(':');
    let word = words.next().unwrap_or_default();
    let id = match words.next() {
        Some(name) if name.eq_ignore_ascii_case("id") => words.next().unwrap_or_default(),
        _ => "",
    };
    let part = if word.eq_ignore_ascii_case("focus") {
        ConferencePart::Focus
    } else if word.eq_ignore_ascii_case("focusfactory") {
        ConferencePart::FocusFactory
    } else {
        McuKind::of(word).map_or(ConferencePart::Other, ConferencePart::Mcu)
    };
    Some(ConferenceUri { organizer, part, word, id })
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> &'a str {
    match text.get(..prefix.len()) {
        Some(begin) if begin.eq_ignore_ascii_case(prefix) => text.get(prefix.len()..).unwrap_or_default(),
        _ => text,
    }
}
