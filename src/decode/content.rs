//! What a body is, by its Content-Type.

/// Kinds of body that are looked into later. Names of the field: `protocols` RFC 3261 and [MS-SIPRE] family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Content {
    /// There is no body, or no Content-Type says what it is.
    #[default]
    None,
    Sdp,
    /// multipart/…; only its parts say what is in it.
    Multipart,
    /// A command of conference control, `application/cccp+xml`.
    Cccp,
    /// The state of a conference, RFC 4575.
    ConferenceInfo,
    /// `application/ms-conf-invite+xml`.
    ConferenceInvite,
    /// Credentials for media relays, `application/msrtc-media-relay-auth+xml`.
    MediaRelayAuth,
    /// `application/vnd-microsoft-roaming-provisioning…+xml`, both versions.
    Provisioning,
    /// Roaming contacts, ACL and self.
    Roaming,
    /// The list of a batched SUBSCRIBE, `application/msrtc-adrl-categorylist+xml`, `application/adrl+xml`.
    AdhocList,
    /// Presence: categories, PIDF and its kin.
    Presence,
    /// `application/msrtc-category-publish+xml`.
    Publish,
    /// The state of a list, RFC 4662.
    ListState,
    /// text/… for people to read, `text/x-msmsgsinvite` not among them.
    Text,
    /// Somebody writes, RFC 3994.
    Composing,
    /// What became of an instant message, `application/ms-imdn+xml`, `message/imdn+xml`.
    DeliveryNotice,
    /// Remote call control, ECMA-323.
    Csta,
    Soap,
    /// `text/registration-event`.
    RegistrationEvent,
    Other,
}

impl Content {
    /// From the value of a Content-Type header, with its parameters or without.
    pub fn of(content_type: &[u8]) -> Self {
        let end = content_type.iter().position(|b| matches!(b, b';' | b' ' | b'\t'));
        let name = content_type.get(..end.unwrap_or(content_type.len())).unwrap_or_default();
        if name.is_empty() {
            return Self::None;
        }
        let Some(slash) = name.iter().position(|b| *b == b'/') else { return Self::Other };
        let (kind, sub) = (&name[..slash], &name[slash + 1..]);
        let among = |names: &[&str]| names.iter().any(|n| sub.eq_ignore_ascii_case(n.as_bytes()));
        let begins =
            |with: &str| sub.get(..with.len()).is_some_and(|s| s.eq_ignore_ascii_case(with.as_bytes()));
        if kind.eq_ignore_ascii_case(b"multipart") {
            return Self::Multipart;
        }
        if kind.eq_ignore_ascii_case(b"text") {
            return match () {
                () if among(&["xml+msrtc.pidf", "xml+msrtc.wpending"]) => Self::Presence,
                () if among(&["registration-event"]) => Self::RegistrationEvent,
                () if among(&["x-msmsgsinvite", "xml"]) => Self::Other,
                () => Self::Text,
            };
        }
        if kind.eq_ignore_ascii_case(b"message") {
            return match () {
                () if among(&["imdn+xml"]) => Self::DeliveryNotice,
                () if among(&["cpim"]) => Self::Text,
                () => Self::Other,
            };
        }
        match () {
            () if among(&["sdp"]) => Self::Sdp,
            () if among(&["cccp+xml"]) => Self::Cccp,
            () if among(&["conference-info+xml"]) => Self::ConferenceInfo,
            () if among(&["ms-conf-invite+xml"]) => Self::ConferenceInvite,
            () if among(&["msrtc-media-relay-auth+xml"]) => Self::MediaRelayAuth,
            () if begins("vnd-microsoft-roaming-provisioning") => Self::Provisioning,
            () if begins("vnd-microsoft-roaming-") => Self::Roaming,
            () if among(&["msrtc-adrl-categorylist+xml", "adrl+xml", "resource-lists+xml"]) => {
                Self::AdhocList
            }
            () if among(&["msrtc-event-categories+xml", "pidf+xml", "xpidf+xml", "pidf-diff+xml"]) => {
                Self::Presence
            }
            () if among(&["msrtc-category-publish+xml"]) => Self::Publish,
            () if among(&["rlmi+xml"]) => Self::ListState,
            () if among(&["im-iscomposing+xml"]) => Self::Composing,
            () if among(&["ms-imdn+xml"]) => Self::DeliveryNotice,
            () if among(&["csta+xml"]) => Self::Csta,
            () if among(&["soap+xml"]) => Self::Soap,
            () if among(&["rtf", "x-ms-ink", "xhtml+xml"]) => Self::Text,
            () => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_whatever_its_case_and_parameters() {
        let check = |name: &str, content| assert_eq!(Content::of(name.as_bytes()), content, "{name}");
        check("", Content::None);
        check("application/sdp", Content::Sdp);
        check("APPLICATION/CCCP+XML", Content::Cccp);
        check("application/cccp+xml;charset=utf-8", Content::Cccp);
        check("application/vnd-microsoft-roaming-provisioning-v2+xml", Content::Provisioning);
        check("application/vnd-microsoft-roaming-contacts+xml", Content::Roaming);
        check("multipart/related; type=\"application/rlmi+xml\";boundary=x", Content::Multipart);
        check("text/plain; charset=UTF-8; msgr=WAAtAE0A", Content::Text);
        check("text/xml+msrtc.pidf", Content::Presence);
        check("text/x-msmsgsinvite", Content::Other);
        check("text/registration-event", Content::RegistrationEvent);
        check("text", Content::Other);
        check("application/x-unheard-of", Content::Other);
    }
}
