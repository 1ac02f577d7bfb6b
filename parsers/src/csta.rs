//! Remote call control: CSTA in XML (ECMA-323, carried over SIP as ECMA TR/87 has it) in INVITE and INFO bodies of type
//! `application/csta+xml`.
//!
//! ```text
//! <MakeCall xmlns="http://www.ecma-international.org/standards/ecma-323/csta/ed3">
//!   <callingDevice>tel:…</callingDevice><calledDirectoryNumber>tel:…</calledDirectoryNumber>
//! <MakeCallResponse>  <callingDevice><callID>…</callID><deviceID>…</deviceID></callingDevice>
//! <DeliveredEvent>    <monitorCrossRefID>…  <connection><callID>…<deviceID>…  <callingDevice><deviceIdentifier>…  <cause>
//! <CSTAErrorCode>     <operation>invalidDeviceID</operation>
//! ```
//!
//! The root tells by its name what it is: `…Response`, `…Event`, `CSTAErrorCode` or else a request.

use std::ops::Range;

use crate::Issue;
use crate::xml::{Document, Element, parse_xml};

#[cfg(test)]
mod tests;

/// What all editions' namespaces begin with; the edition follows (`ed3`).
pub const NAMESPACE: &str = "http://www.ecma-international.org/standards/ecma-323/csta/";
/// Connections and devices kept of one message.
pub const MAX_ITEMS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CstaKind {
    Request,
    Response,
    Event,
    Error,
}

impl CstaKind {
    pub fn title(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Event => "event",
            Self::Error => "error",
        }
    }
}

/// A message taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csta {
    pub kind: CstaKind,
    /// Of the root: `MakeCall`, `MakeCallResponse`, `DeliveredEvent`.
    pub name: String,
    /// `ed3`; `None` where the namespace is another.
    pub edition: Option<String>,
    /// Joins events to the monitor that asked for them.
    pub monitor: Option<String>,
    pub cause: Option<String>,
    /// State of the connection at the monitored device.
    pub local_state: Option<String>,
    /// State of the switch, in system status messages.
    pub system_status: Option<String>,
    /// The line that is controlled, in Microsoft's extension.
    pub line: Option<String>,
    /// Of an error: its category and value.
    pub error: Option<(String, String)>,
    pub connections: Vec<Connection>,
    pub devices: Vec<Device>,
    pub issues: Vec<Issue>,
}

/// A call at a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Name of the element: `connection`, `originatedConnection`, `connectionToBeCleared`.
    pub role: String,
    pub call_id: Option<String>,
    pub device_id: Option<String>,
    pub range: Range<usize>,
}

/// A device or number, by what it is in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Name of the element: `callingDevice`, `calledDirectoryNumber`, `alertingDevice`.
    pub role: String,
    pub id: String,
    pub range: Range<usize>,
}

impl Csta {
    /// Call of the first connection that names one.
    pub fn call_id(&self) -> Option<&str> {
        self.connections.iter().find_map(|c| c.call_id.as_deref())
    }

    /// The device that it is about: of the first connection, else the first that is named, else the line.
    pub fn device(&self) -> Option<&str> {
        self.connections
            .iter()
            .find_map(|c| c.device_id.as_deref())
            .or_else(|| self.devices.first().map(|d| d.id.as_str()))
            .or(self.line.as_deref())
    }

    /// The device in this role.
    pub fn device_of(&self, role: &str) -> Option<&str> {
        self.devices.iter().find(|d| d.role == role).map(|d| d.id.as_str())
    }

    /// In words; `None` for services and events that are not known here.
    pub fn title(&self) -> Option<&'static str> {
        let service = match self.kind {
            CstaKind::Response => self.name.strip_suffix("Response").unwrap_or(&self.name),
            _ => &self.name,
        };
        Some(match service {
            "MakeCall" => "make a call",
            "AnswerCall" => "answer a call",
            "ClearConnection" => "hang up",
            "ClearCall" => "end a call for all",
            "HoldCall" => "hold a call",
            "RetrieveCall" => "take a call off hold",
            "ConsultationCall" => "hold a call and make another",
            "AlternateCall" => "swap two calls",
            "ReconnectCall" => "end this call and take the held one",
            "ConferenceCall" => "join two calls",
            "TransferCall" => "transfer a call to another",
            "SingleStepTransferCall" => "transfer a call blind",
            "SingleStepConferenceCall" => "add a device to a call",
            "DeflectCall" => "send a call elsewhere",
            "GenerateDigits" => "send digits",
            "GetForwarding" => "ask for forwarding",
            "SetForwarding" => "set forwarding",
            "GetDoNotDisturb" => "ask for do not disturb",
            "SetDoNotDisturb" => "set do not disturb",
            "MonitorStart" => "watch a device",
            "MonitorStop" => "watch a device no longer",
            "SnapshotDevice" => "ask for the calls of a device",
            "SnapshotCall" => "ask for the devices of a call",
            "RequestSystemStatus" => "ask for the state of the switch",
            "SystemStatus" => "state of the switch",
            "GetCSTAFeatures" => "ask what the switch can do",
            "OriginatedEvent" => "a call was made",
            "DeliveredEvent" => "a device rings",
            "EstablishedEvent" => "a call was answered",
            "ConnectionClearedEvent" => "a device left a call",
            "CallClearedEvent" => "a call ended",
            "HeldEvent" => "a call was held",
            "RetrievedEvent" => "a call was taken off hold",
            "TransferedEvent" | "TransferredEvent" => "a call was transferred",
            "ConferencedEvent" => "calls were joined",
            "DivertedEvent" => "a call was sent elsewhere",
            "FailedEvent" => "a call failed",
            "QueuedEvent" => "a call waits in a queue",
            "ServiceInitiatedEvent" => "a device went off hook",
            "NetworkReachedEvent" => "a call left the switch",
            "ForwardingEvent" => "forwarding changed",
            "DoNotDisturbEvent" => "do not disturb changed",
            "CSTAErrorCode" => "refused",
            _ => return None,
        })
    }

    /// Reads a document; `None` where its root is neither in the namespace nor in one of its forms.
    pub fn from_document(document: &Document<'_>) -> Option<Self> {
        let root = document.root()?;
        let name = root.name();
        let edition = root.namespace().and_then(|n| n.strip_prefix(NAMESPACE));
        let mut issues = document.issues.clone();
        if edition.is_none() {
            if root.namespace().is_some() || !name.starts_with(|c: char| c.is_ascii_uppercase()) {
                return None;
            }
            let text = "The namespace of CSTA is missing";
            issues.push(Issue::new("csta-namespace", root.tag_range(), text));
        }
        let kind = match name {
            "CSTAErrorCode" => CstaKind::Error,
            _ if name.ends_with("Response") => CstaKind::Response,
            _ if name.ends_with("Event") => CstaKind::Event,
            _ => CstaKind::Request,
        };
        let text = |name| root.child_text(name).map(|t| t.into_owned());
        let error = (kind == CstaKind::Error)
            .then(|| root.children().next().map(|e| (e.name().to_owned(), e.text().into_owned())))
            .flatten();
        let mut found = Self {
            kind,
            name: name.to_owned(),
            edition: edition.map(str::to_owned),
            monitor: text("monitorCrossRefID"),
            cause: text("cause"),
            local_state: text("localConnectionInfo"),
            system_status: text("systemStatus"),
            line: root.descendants().find(|e| e.name() == "line").map(|e| e.text().into_owned()),
            error,
            connections: Vec::new(),
            devices: Vec::new(),
            issues,
        };
        for element in root.descendants() {
            found.read(element);
        }
        Some(found)
    }

    fn read(&mut self, element: Element<'_>) {
        let text = |name| element.child_text(name).map(|t| t.into_owned());
        let (call_id, device_id) = (text("callID"), text("deviceID"));
        if call_id.is_some() || device_id.is_some() {
            if self.connections.len() < MAX_ITEMS {
                let (role, range) = (element.name().to_owned(), element.range());
                self.connections.push(Connection { role, call_id, device_id, range });
            }
            return;
        }
        let id = match element.child("deviceIdentifier") {
            Some(inner) => inner.text(),
            None if is_device(element.name()) => element.text(),
            None => return,
        };
        if !id.is_empty() && self.devices.len() < MAX_ITEMS {
            let (role, range) = (element.name().to_owned(), element.range());
            self.devices.push(Device { role, id: id.into_owned(), range });
        }
    }
}

/// Elements whose text is a device or a number.
fn is_device(name: &str) -> bool {
    matches!(name, "deviceObject" | "calledDirectoryNumber" | "newDestination" | "transferredTo" | "device")
        || name.ends_with("Device")
}

/// Reads a body; see [`Csta::from_document`].
pub fn parse_csta(body: &[u8]) -> Option<Csta> {
    Csta::from_document(&parse_xml(body))
}
