//! C3P (also CCCP): the commands by which clients make, join and change conferences of Communications Server, in
//! bodies of `application/cccp+xml` ([MS-CONFPRO], [MS-CONFBAS]).
//!
//! ```text
//! request  requestId from to C3PVersion  ─ one command
//!   addUser mscp:mcuUri
//!     conferenceKeys confEntity · userKeys … userEntity · endpointKeys … endpointEntity · mediaKeys … mediaId
//!     ci:user / ci:endpoint / ci:media …  as in conference-info
//! response requestId from to code        ─ the command's name, on failure with reason
//! ```
//!
//! Any command is read, known or not: by its name, its keys and what conference-info elements it holds; the rest is
//! kept as name and text. A response belongs to the request of the same requestId whose from and to it swaps, in the
//! same Call-ID where there is one.
//!
//! Accepted beyond the letter: a command without, or with several, children; a requestId that is no number; answers
//! under other root names.

use std::ops::Range;

use crate::Issue;
use crate::conference_info::{
    ConferenceInfo, Endpoint, Media, User, entries, read_conference, read_endpoint, read_media, read_user,
};
use crate::fields::{Field, attribute, bounded, child_text, fields, is_secret};
use crate::xml::{Element, parse_xml};

mod reason;
#[cfg(test)]
mod tests;
mod uri;

pub use reason::reason_words;
pub use uri::{ConferencePart, ConferenceUri, McuKind, conference_uri};

/// `urn:ietf:params:xml:ns:cccp`.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:cccp";
/// Commands read of one document; it has one.
pub const MAX_COMMANDS: usize = 32;
/// Users, keys and the like read of one command.
const MAX_LIST: usize = 1_000;

/// What a document is, by its root.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    Request,
    Response,
    /// Another root of the same namespace (`notification`, …), by its name.
    Other(String),
}

/// How a command went.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Code {
    Success,
    Failure,
    /// The conferencing server answers later.
    Pending,
    Other(String),
}

impl Code {
    fn of(word: &str) -> Self {
        match word.trim() {
            "success" => Self::Success,
            "failure" => Self::Failure,
            "pending" => Self::Pending,
            other => Self::Other(bounded(other)),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Pending => "pending",
            Self::Other(word) => word,
        }
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct C3p {
    pub kind: Kind,
    pub c3p_version: Option<String>,
    /// As written; a whole number that its sender uses once.
    pub request_id: Option<String>,
    pub from: String,
    pub to: String,
    /// Of a response.
    pub code: Option<Code>,
    /// One, of a document as it should be.
    pub commands: Vec<Command>,
    /// Passcodes and keys: where their values stand in the body.
    pub secrets: Vec<Range<usize>>,
    pub issues: Vec<Issue>,
}

/// What a request and its response have in common, beside the Call-ID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationKey {
    pub request_id: String,
    /// Who asks and who is asked, in lower case: of a response its `to` and `from`.
    pub asker: String,
    pub asked: String,
}

impl C3p {
    pub fn command(&self) -> Option<&Command> {
        self.commands.first()
    }

    /// `None` without a request id.
    pub fn correlation_key(&self) -> Option<CorrelationKey> {
        let (asker, asked) = match self.kind {
            Kind::Request => (&self.from, &self.to),
            _ => (&self.to, &self.from),
        };
        Some(CorrelationKey {
            request_id: self.request_id.clone()?,
            asker: asker.trim().to_ascii_lowercase(),
            asked: asked.trim().to_ascii_lowercase(),
        })
    }

    /// The conference it is about: of the addresses, of the keys of its commands, or what an answer to addConference
    /// tells. See [`ConferenceUri::key`].
    pub fn conference_key(&self) -> Option<String> {
        let keys = self.commands.iter().flat_map(|c| &c.keys).filter_map(|k| k.conference.as_deref());
        let told = self.commands.iter().filter_map(|c| c.conference.as_ref()).map(|c| c.entity.as_str());
        let addresses = [self.to.as_str(), self.from.as_str()].into_iter();
        addresses.chain(keys).chain(told).find_map(|uri| conference_uri(uri)?.key())
    }
}

/// Which of a conference, a user, an endpoint or a medium a command is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    /// `conferenceKeys`, `userKeys`, `endpointKeys`, `mediaKeys`.
    pub name: String,
    pub conference: Option<String>,
    pub user: Option<String>,
    pub endpoint: Option<String>,
    pub media: Option<String>,
}

/// A command of a request, or what a response says of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// `addUser`, …, as written; see [`command_words`].
    pub name: String,
    /// The conferencing server that is to do it.
    pub mcu_uri: Option<String>,
    /// Of a failure; see [`reason_words`].
    pub reason: Option<String>,
    pub keys: Vec<Keys>,
    pub users: Vec<User>,
    /// Endpoints and media outside of a user, as modify commands have them.
    pub endpoints: Vec<Endpoint>,
    pub media: Vec<Media>,
    /// Roles outside of a user.
    pub roles: Vec<String>,
    pub conference: Option<ConferenceInfo>,
    /// Kinds of conferencing servers, of an answer to getConferencingCapabilities.
    pub mcu_types: Vec<String>,
    /// Attributes and elements not known by name.
    pub other: Vec<Field>,
    /// In the document.
    pub range: Range<usize>,
}

impl Command {
    /// The user, or else the conference, that it is about. Of a dial-out the address that is called.
    pub fn target(&self) -> Option<&str> {
        let said = |text: &&str| !text.is_empty();
        let called = self.users.iter().flat_map(|u| &u.endpoints).filter_map(|e| e.endpoint_uri.as_deref());
        let users = self.users.iter().map(|u| u.entity.as_str());
        let keys = self.keys.iter().filter_map(|k| k.user.as_deref());
        let conferences = self.keys.iter().filter_map(|k| k.conference.as_deref());
        let made = self.conference.iter().map(|c| c.entity.as_str());
        let called = called.filter(|_| self.is_dial_out());
        called.chain(users).chain(keys).chain(conferences).chain(made).find(said)
    }

    /// `joining-method` of the first endpoint that tells it.
    pub fn joining_method(&self) -> Option<&str> {
        self.users.iter().flat_map(|u| &u.endpoints).find_map(|e| e.joining_method.as_deref())
    }

    /// Is the conference asked to call somebody?
    pub fn is_dial_out(&self) -> bool {
        self.joining_method() == Some("dialed-out")
    }

    /// The kind of conferencing server that is to do it.
    pub fn mcu(&self) -> Option<McuKind> {
        match conference_uri(self.mcu_uri.as_deref()?)?.part {
            ConferencePart::Mcu(kind) => Some(kind),
            _ => None,
        }
    }

    /// Is the value of this field of [`Self::other`] a passcode or key?
    pub fn is_secret(&self, field: &str) -> bool {
        is_secret(&self.name) || is_secret(field)
    }

    /// All roles asked for or given.
    pub fn all_roles(&self) -> impl Iterator<Item = &str> {
        let users = self.users.iter().filter_map(|u| u.roles.as_ref()).flatten();
        self.roles.iter().chain(users).map(String::as_str)
    }
}

/// Reads a body of `application/cccp+xml`; `None` where its root is none of this protocol. Ranges are of `body`.
pub fn parse_c3p(body: &[u8]) -> Option<C3p> {
    let document = parse_xml(body);
    let root = document.root()?;
    let own = match root.namespace() {
        Some(namespace) => namespace == NAMESPACE,
        // A prefix that is not bound, or a namespace that was left out.
        None => matches!(root.name(), "request" | "response"),
    };
    if !own {
        return None;
    }
    let kind = match root.name() {
        "request" => Kind::Request,
        "response" => Kind::Response,
        other => Kind::Other(bounded(other)),
    };
    let mut issues = document.issues.clone();
    let mut add = |code, text| issues.push(Issue::new(code, root.tag_range(), text));
    let request_id = attribute(&root, "requestId").map(|id| id.trim().to_owned());
    match &request_id {
        None if kind != Kind::Request && kind != Kind::Response => {}
        None => add("c3p-request-id-missing", "There is no requestId"),
        Some(id) if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) => {
            add("c3p-request-id-bad", "The requestId is no number from 0 on");
        }
        Some(_) => {}
    }
    let address = |name: &str| attribute(&root, name).unwrap_or_default();
    let (from, to) = (address("from"), address("to"));
    if (from.is_empty() || to.is_empty()) && matches!(kind, Kind::Request | Kind::Response) {
        add("c3p-address-missing", "From or to is missing");
    }
    let code = root.attribute("code").map(Code::of);
    if kind == Kind::Response && code.is_none() {
        add("c3p-code-missing", "A response without a code");
    }
    let mut found = Vec::new();
    let commands: Vec<_> = root.children().take(MAX_COMMANDS).map(|c| command(&c, &mut found)).collect();
    match commands.len() {
        0 => add("c3p-no-command", "There is no command"),
        1 => {}
        _ => add("c3p-many-commands", "There is more than one command"),
    }
    issues.append(&mut found);
    let c3p_version = attribute(&root, "C3PVersion");
    let secrets = crate::fields::secrets(&document);
    Some(C3p { kind, c3p_version, request_id, from, to, code, commands, secrets, issues })
}

fn command(element: &Element<'_>, issues: &mut Vec<Issue>) -> Command {
    const KNOWN: [&str; 12] = [
        "conferenceKeys",
        "userKeys",
        "endpointKeys",
        "mediaKeys",
        "user",
        "users",
        "endpoint",
        "media",
        "roles",
        "user-roles",
        "conference-info",
        "mcu-types",
    ];
    let mut out = Command {
        name: bounded(element.name()),
        mcu_uri: attribute(element, "mcuUri"),
        reason: attribute(element, "reason"),
        range: element.range(),
        ..Command::default()
    };
    let user = |element: &Element<'_>, users: &mut Vec<User>, issues: &mut Vec<Issue>| {
        if users.len() < MAX_LIST {
            let (user, mut found) = read_user(element);
            issues.append(&mut found);
            users.push(user);
        }
    };
    for child in element.children() {
        match child.name() {
            name @ ("conferenceKeys" | "userKeys" | "endpointKeys" | "mediaKeys")
                if out.keys.len() < MAX_LIST =>
            {
                out.keys.push(Keys {
                    name: name.to_owned(),
                    conference: attribute(&child, "confEntity"),
                    user: attribute(&child, "userEntity"),
                    endpoint: attribute(&child, "endpointEntity"),
                    media: attribute(&child, "mediaId"),
                });
            }
            "user" => user(&child, &mut out.users, issues),
            "users" => {
                for inner in child.children().filter(|u| u.name() == "user") {
                    user(&inner, &mut out.users, issues);
                }
            }
            "endpoint" if out.endpoints.len() < MAX_LIST => out.endpoints.push(read_endpoint(&child, issues)),
            "media" if out.media.len() < MAX_LIST => out.media.push(read_media(&child, issues)),
            "roles" | "user-roles" => out.roles.extend(entries(&child)),
            "conference-info" => {
                let mut conference = read_conference(&child);
                issues.append(&mut conference.issues);
                out.conference = Some(conference);
            }
            "mcu-types" => {
                let types = child.descendants().filter(|t| t.name() == "mcuType");
                out.mcu_types.extend(types.take(MAX_LIST).map(|t| bounded(&t.text())));
            }
            _ => {}
        }
    }
    out.other = crate::fields::attributes(element, &["mcuUri", "reason"]);
    out.other.extend(fields(element, &KNOWN));
    let own = element.text();
    if !own.is_empty() {
        out.other.push((String::new(), bounded(&own)));
    }
    out
}

/// What a command asks for, in words; `None` for names not known.
pub fn command_words(name: &str) -> Option<&'static str> {
    Some(match name {
        "addConference" => "make a conference",
        "modifyConference" => "change the conference",
        "deleteConference" => "end and delete the conference",
        "getConference" => "tell of a conference",
        "getConferences" => "list the conferences",
        "getConferencingCapabilities" => "which kinds of conferences are there",
        "addUser" => "take a user in, or call one",
        "deleteUser" => "remove a user",
        "modifyUser" => "change a user",
        "modifyUserRoles" => "change the role of a user",
        "modifyConferenceLock" => "lock or unlock the conference",
        "endorseUser" => "vouch for a user",
        "modifyEndpoint" => "change an endpoint",
        "modifyEndpointMedia" => "change a medium of an endpoint (mute)",
        "modifyUsersMediaFilters" => "change what is let through of the media of users",
        "modifyConferenceAnnouncements" => "change the announcements",
        _ => return None,
    })
}

/// An invitation to a conference: `application/ms-conf-invite+xml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConferenceInvite {
    pub version: Option<String>,
    pub focus_uri: Option<String>,
    pub subject: Option<String>,
    /// Modalities with what `available` says of them: `im`, `audio`.
    pub modalities: Vec<(String, String)>,
    /// First message, as written.
    pub first_im: Option<String>,
    pub other: Vec<Field>,
    pub issues: Vec<Issue>,
}

/// `None` where the root is no `Conferencing`.
pub fn parse_conference_invite(body: &[u8]) -> Option<ConferenceInvite> {
    let document = parse_xml(body);
    let root = document.root().filter(|r| r.name() == "Conferencing")?;
    let modalities = root.children().filter_map(|c| Some((bounded(c.name()), attribute(&c, "available")?)));
    Some(ConferenceInvite {
        version: attribute(&root, "version"),
        focus_uri: child_text(&root, "focus-uri"),
        subject: child_text(&root, "subject"),
        modalities: modalities.take(MAX_LIST).collect(),
        first_im: crate::fields::inside(&root, "first-im").map(|e| bounded(&e.text())),
        other: fields(&root, &["focus-uri", "subject"]),
        issues: document.issues.clone(),
    })
}
