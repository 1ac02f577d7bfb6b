//! Requests for relay credentials to the A/V Edge's authentication service and their answers
//! (`application/msrtc-media-relay-auth+xml`, namespace `http://schemas.microsoft.com/2006/09/sip/mrasp`).
//!
//! ```text
//! request  requestID from to version
//!   credentialsRequest credentialsRequestID   identity  location (intranet, internet)  duration (minutes)
//! response requestID from to version serverVersion reasonPhrase ("OK")
//!   credentialsResponse credentialsRequestID
//!     credentials       username  password  duration  realm
//!     mediaRelayList    mediaRelay…   location  hostName or directIPAddress  udpPort  tcpPort
//! ```
//!
//! The password is a live secret: [`Password`] prints how long it is and nothing else, and its value comes out by
//! [`Password::reveal`] alone. A body that is cut gives what precedes the cut.

use std::fmt;
use std::ops::Range;

use crate::Issue;
use crate::xml::{Document, Element, parse_xml};

#[cfg(test)]
mod tests;

pub const NAMESPACE: &str = "http://schemas.microsoft.com/2006/09/sip/mrasp";
/// Requests, answers and relays kept of one body.
pub const MAX_ITEMS: usize = 256;
/// Issues kept of one body.
const MAX_ISSUES: usize = 64;

/// A body taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mras {
    pub message: Message,
    pub request_id: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub version: Option<String>,
    pub issues: Vec<Issue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Request(Vec<CredentialsRequest>),
    Response(Response),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsRequest {
    pub id: Option<String>,
    /// Whom it is for.
    pub identity: Option<String>,
    /// `internet` or `intranet`: where the client is.
    pub location: Option<String>,
    /// Minutes.
    pub duration: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// `OK`, or why not.
    pub reason: Option<String>,
    pub server_version: Option<String>,
    pub credentials: Vec<Credentials>,
}

/// What is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Of the request it answers.
    pub id: Option<String>,
    /// In base64; TURN's USERNAME is what it decodes to.
    pub username: Option<String>,
    pub password: Option<Password>,
    /// Minutes.
    pub duration: Option<u32>,
    pub realm: Option<String>,
    pub relays: Vec<MediaRelay>,
}

/// A relay to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRelay {
    /// `internet` or `intranet`: from where it is reached so.
    pub location: Option<String>,
    pub host_name: Option<String>,
    /// `directIPAddress`, as written.
    pub direct_address: Option<String>,
    pub udp_port: Option<u16>,
    pub tcp_port: Option<u16>,
    /// Where it stands in the body.
    pub range: Range<usize>,
}

/// A password that does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    text: String,
    range: Range<usize>,
}

impl Password {
    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Where its element stands in the body, to be masked where the body is shown.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<redacted, {} characters>", self.text.chars().count())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Response {
    /// Were credentials given?
    pub fn is_ok(&self) -> bool {
        self.reason.as_deref().is_some_and(|r| r.eq_ignore_ascii_case("OK"))
    }
}

impl Mras {
    /// Reads a document; `None` where its root is none of this protocol's.
    pub fn from_document(document: &Document<'_>) -> Option<Self> {
        let root = document.root()?;
        let mut reader = Reader { issues: document.issues.clone() };
        let message = match (root.namespace(), root.name()) {
            (Some(NAMESPACE), "request") => Message::Request(reader.requests(root)),
            (Some(NAMESPACE), "response") => Message::Response(reader.response(root)),
            // Told by what is in them, should the namespace differ.
            (_, "request") if root.child("credentialsRequest").is_some() => {
                reader.foreign(root);
                Message::Request(reader.requests(root))
            }
            (_, "response") if root.child("credentialsResponse").is_some() => {
                reader.foreign(root);
                Message::Response(reader.response(root))
            }
            _ => return None,
        };
        let attribute = |name| root.attribute(name).map(str::to_owned);
        let (request_id, from) = (attribute("requestID"), attribute("from"));
        let (to, version) = (attribute("to"), attribute("version"));
        Some(Self { message, request_id, from, to, version, issues: reader.issues })
    }
}

/// Reads a body; see [`Mras::from_document`].
pub fn parse_mras(body: &[u8]) -> Option<Mras> {
    Mras::from_document(&parse_xml(body))
}

struct Reader {
    issues: Vec<Issue>,
}

fn text(element: Element<'_>, name: &str) -> Option<String> {
    element.child_text(name).map(|t| t.into_owned())
}

impl Reader {
    fn issue(&mut self, code: &'static str, range: Range<usize>, text: &'static str) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue::new(code, range, text));
        }
    }

    fn foreign(&mut self, root: Element<'_>) {
        self.issue("mras-namespace", root.tag_range(), "The namespace is not that of MRAS");
    }

    fn number<T: std::str::FromStr>(&mut self, element: Element<'_>, name: &str) -> Option<T> {
        let child = element.child(name)?;
        let number = child.text().parse().ok();
        if number.is_none() {
            self.issue("mras-number", child.range(), "A number is none, or too large");
        }
        number
    }

    fn requests(&mut self, root: Element<'_>) -> Vec<CredentialsRequest> {
        let asked = root.children().filter(|c| c.name() == "credentialsRequest").take(MAX_ITEMS);
        let found: Vec<_> = asked
            .map(|r| CredentialsRequest {
                id: r.attribute("credentialsRequestID").map(str::to_owned),
                identity: text(r, "identity"),
                location: text(r, "location"),
                duration: self.number(r, "duration"),
            })
            .collect();
        if found.is_empty() {
            self.issue("mras-empty", root.range(), "The request asks for nothing");
        }
        found
    }

    fn response(&mut self, root: Element<'_>) -> Response {
        let attribute = |name| root.attribute(name).map(str::to_owned);
        let (reason, server_version) = (attribute("reasonPhrase"), attribute("serverVersion"));
        let given = root.children().filter(|c| c.name() == "credentialsResponse").take(MAX_ITEMS);
        let credentials: Vec<_> = given.map(|answer| self.credentials(answer)).collect();
        let response = Response { reason, server_version, credentials };
        if response.reason.is_none() {
            self.issue("mras-no-reason", root.tag_range(), "The response does not say how it went");
        } else if response.is_ok() && response.credentials.is_empty() {
            self.issue("mras-empty", root.range(), "The response gives nothing");
        }
        response
    }

    fn credentials(&mut self, answer: Element<'_>) -> Credentials {
        // Elements of the answer itself stand in for a missing inner one.
        let inner = answer.child("credentials").unwrap_or(answer);
        let list = answer.child("mediaRelayList").or_else(|| inner.child("mediaRelayList"));
        let relays = list.into_iter().flat_map(|l| l.children());
        let relays: Vec<_> =
            relays.filter(|r| r.name() == "mediaRelay").take(MAX_ITEMS).map(|r| self.relay(r)).collect();
        let found = Credentials {
            id: answer.attribute("credentialsRequestID").map(str::to_owned),
            username: text(inner, "username"),
            password: inner
                .child("password")
                .map(|p| Password { text: p.text().into_owned(), range: p.range() }),
            duration: self.number(inner, "duration"),
            realm: text(inner, "realm"),
            relays,
        };
        if found.username.is_none() || found.password.is_none() {
            self.issue("mras-no-credentials", answer.tag_range(), "User name or password are missing");
        }
        found
    }

    fn relay(&mut self, relay: Element<'_>) -> MediaRelay {
        let found = MediaRelay {
            location: text(relay, "location"),
            host_name: text(relay, "hostName"),
            direct_address: text(relay, "directIPAddress"),
            udp_port: self.number(relay, "udpPort"),
            tcp_port: self.number(relay, "tcpPort"),
            range: relay.range(),
        };
        if found.host_name.is_none() && found.direct_address.is_none() {
            self.issue("mras-no-host", relay.range(), "A relay has neither name nor address");
        }
        found
    }
}
