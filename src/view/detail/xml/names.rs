//! What elements, attributes and values of the documents of Communications Server and of the IETF mean.

use callscope_parsers::c3p::{self, McuKind, command_words, reason_words};
use callscope_parsers::conference_info::{self, disconnection_words, joining_words, status_words};
use callscope_parsers::xml::Element;

fn under(element: &Element<'_>, name: &str) -> bool {
    element.parent().is_some_and(|p| p.name() == name)
}

/// Whether it, or one around it, is of the namespace. Prefixes that are left out count for nothing.
fn within(element: &Element<'_>, namespace: &str) -> bool {
    let mut at = Some(*element);
    while let Some(e) = at {
        if e.namespace() == Some(namespace) {
            return true;
        }
        at = e.parent();
    }
    false
}

/// What an element is for.
pub fn element(element: &Element<'_>) -> Option<&'static str> {
    let name = element.name();
    if within(element, c3p::NAMESPACE) {
        let found = match name {
            "request" => Some("a command of conference control"),
            "response" => Some("how a command went"),
            "conferenceKeys" => Some("the conference it is about"),
            "userKeys" => Some("the user it is about"),
            "endpointKeys" => Some("the endpoint it is about"),
            "mediaKeys" => Some("the medium it is about"),
            "accessMethod" => Some("how the user comes in"),
            "authMethod" => Some("how the user is authenticated"),
            "mcu-types" => Some("kinds of conferencing servers there are"),
            _ => command_words(name),
        };
        if found.is_some() {
            return found;
        }
    }
    if within(element, c3p::NAMESPACE) || within(element, conference_info::NAMESPACE) {
        return conference(name);
    }
    Some(match (element.namespace()?, name) {
        ("urn:ietf:params:xml:ns:pidf", "presence") => "presence of a user (RFC 3863)",
        ("urn:ietf:params:xml:ns:pidf", "tuple") => "one device or service of the user",
        ("urn:ietf:params:xml:ns:pidf", "basic") => "open: reachable; closed: not",
        ("urn:ietf:params:xml:ns:pidf", "note") => "what the user says",
        ("urn:ietf:params:xml:ns:rlmi", "list") => "state of a list (RFC 4662)",
        ("urn:ietf:params:xml:ns:rlmi", "resource") => "one of the list",
        ("urn:ietf:params:xml:ns:rlmi", "instance") => "its subscription",
        ("urn:ietf:params:xml:ns:im-iscomposing", "isComposing") => "somebody writes (RFC 3994)",
        (ns, name) if ns.starts_with("http://schemas.microsoft.com/2006/09/sip/") => microsoft(name)?,
        (ns, name) if ns.starts_with("http://www.ecma-international.org/standards/ecma-323/") => csta(name)?,
        _ => return None,
    })
}

fn conference(name: &str) -> Option<&'static str> {
    Some(match name {
        "conference-info" => "who is in a conference (RFC 4575)",
        "conference-description" => "what the conference is",
        "conf-uris" => "its addresses",
        "conference-state" => "state of the whole conference",
        "user-count" => "how many take part",
        "active" => "somebody takes part",
        "locked" => "nobody else is let in",
        "users" => "who takes part",
        "user" => "a user",
        "roles" => "what the user may do",
        "endpoint" => "one way in which the user takes part",
        "joining-method" => "how it came in",
        "joining-info" => "when and why it came in",
        "disconnection-method" => "how it left",
        "disconnection-info" => "when and why it left",
        "media" => "a medium",
        "src-id" => "its RTP source",
        "media-ingress-filter" => "what comes from the user: block is muted",
        "media-egress-filter" => "what goes to the user",
        "conference-view" => "what the conferencing servers tell of themselves",
        "entity-view" => "one conferencing server, or the focus",
        "conference-id" => "id: the same in the focus and all conferencing servers",
        "expiry-time" => "when it is deleted",
        "admission-policy" => "who is let in",
        "endpoint-uri" => "address that is called",
        "refer-to-uri" => "address it is referred to",
        "clientInfo" => "what the client is",
        "separator" => "what follows is of an extension",
        _ => return None,
    })
}

fn microsoft(name: &str) -> Option<&'static str> {
    Some(match name {
        "categories" => "presence, by categories",
        "category" => "one value of presence",
        "state" => "availability; the number is worst to best of a scale",
        "availability" => {
            "3000 free, 6000 busy, 9000 do not disturb, 12000 be right back, 15000 away, 18000 offline"
        }
        "activity" => "what the user is doing",
        "container" => "who may see it",
        "contactCard" => "who the user is",
        "userProperties" => "how the user is set up",
        "note" => "what the user says",
        "calendarData" => "free and busy times",
        "provisionGroupList" | "provisionGroup" => "settings the server gives out",
        _ => return None,
    })
}

fn csta(name: &str) -> Option<&'static str> {
    Some(match name {
        "RequestSystemStatus" => "is the gateway there",
        "MonitorStart" => "tell what happens on the line",
        "MonitorStop" => "tell no more",
        "MakeCall" => "call somebody",
        "AnswerCall" => "take a call",
        "ClearConnection" => "hang up",
        "HoldCall" => "put on hold",
        "RetrieveCall" => "take from hold",
        "deviceID" => "line",
        "callID" => "call",
        _ => return None,
    })
}

/// What a value in an element means.
pub fn value(element: &Element<'_>, text: &str) -> Option<&'static str> {
    let in_conference = within(element, conference_info::NAMESPACE) || within(element, c3p::NAMESPACE);
    if !in_conference {
        return None;
    }
    match element.name() {
        "status" if under(element, "endpoint") => status_words(text),
        "status" if under(element, "media") => direction(text),
        "joining-method" => joining_words(text),
        "disconnection-method" => disconnection_words(text),
        "purpose" | "mcuType" => McuKind::of(text).map(McuKind::title),
        _ => None,
    }
}

fn direction(text: &str) -> Option<&'static str> {
    Some(match text {
        "sendrecv" => "both ways",
        "sendonly" => "the user only sends",
        "recvonly" => "the user only receives",
        "inactive" => "neither way",
        _ => return None,
    })
}

/// What an attribute means.
pub fn attribute(element: &Element<'_>, name: &str, value: &str) -> Option<&'static str> {
    let control = within(element, c3p::NAMESPACE);
    if !control && !within(element, conference_info::NAMESPACE) {
        return None;
    }
    match name {
        "requestId" => Some("the answer has the same"),
        "code" => match value {
            "success" => Some("it was done"),
            "failure" => Some("it was not done"),
            "pending" => Some("a final answer follows"),
            _ => None,
        },
        "reason" => reason_words(value),
        "mcuUri" => Some("the conferencing server that is to do it"),
        "confEntity" => Some("conference"),
        "userEntity" => Some("user"),
        "endpointEntity" => Some("endpoint"),
        "mediaId" => Some("medium"),
        "session-type" => McuKind::of(value).map(McuKind::title),
        "version" if element.name() == "conference-info" => Some("one more for each document"),
        "state" => match value {
            "full" => Some("takes the place of what was known"),
            "partial" => Some("changes some of it"),
            "deleted" => Some("it is gone"),
            _ => None,
        },
        _ => None,
    }
}
