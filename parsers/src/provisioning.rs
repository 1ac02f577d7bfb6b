//! In-band provisioning: what the server tells a client that signs in.
//!
//! ```text
//! application/vnd-microsoft-roaming-provisioning-v2+xml
//!   <provisioningGroupList><provisioningGroup name="ServerConfiguration"/>…     what a SUBSCRIBE asks for
//!   <provisionGroupList><provisionGroup name="ServerConfiguration"><mrasUri>…   the answer
//! application/vnd-microsoft-roaming-provisioning+xml (Live Communications Server 2005)
//!   <…><user uri="sip:…"><line uri="tel:…" server="…"/>…
//! ```
//!
//! Of a group every element without elements in it is a setting, named by its path in the group; attributes are
//! settings of their own (`path@name`), but for a `property`, whose `name` is the setting's. Values are trimmed:
//! `mrasUri` often has white space around it.

use std::ops::Range;

use crate::Issue;
use crate::xml::{Document, Element, parse_xml};

#[cfg(test)]
mod tests;

/// Settings kept of one document.
pub const MAX_SETTINGS: usize = 4096;
/// Issues kept of one document.
const MAX_ISSUES: usize = 64;
/// Elements around a setting that are looked at in a group.
const MAX_PATH: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProvisioningKind {
    /// Groups that are asked for.
    Request,
    /// Groups and what is in them.
    Answer,
    /// The document of Live Communications Server 2005: a user and a line.
    Legacy,
}

/// A provisioning document taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioning {
    pub kind: ProvisioningKind,
    /// Names of the groups asked for or told, in order.
    pub groups: Vec<String>,
    /// In the order of the document.
    pub settings: Vec<Setting>,
    pub issues: Vec<Issue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Index into [`Provisioning::groups`]; `None` in documents without groups.
    pub group: Option<usize>,
    pub name: String,
    pub value: String,
    /// Where it stands in the body.
    pub range: Range<usize>,
}

impl Setting {
    /// What it means, where that is known.
    pub fn meaning(&self) -> Option<&'static str> {
        Some(match self.name.as_str() {
            "mrasUri" => "whom to ask for credentials of the A/V Edge's relays",
            "focusFactoryUri" => "whom to ask for a new conference",
            "botSipUriForTestCall" => "who answers test calls",
            "dlxInternalUrl" => "web service that expands distribution groups, for clients inside",
            "dlxExternalUrl" => "web service that expands distribution groups, for clients outside",
            "absInternalServerUrl" => "where clients inside download the address book",
            "absExternalServerUrl" => "where clients outside download the address book",
            "ucPC2PCAVEncryption" => "encryption of audio and video between two computers",
            "ucMinMediaPort" => "lowest port of media",
            "ucMaxMediaPort" => "highest port of media",
            "ucMinAudioPort" => "lowest port of audio",
            "ucMaxAudioPort" => "highest port of audio",
            "ucMinVideoPort" => "lowest port of video",
            "ucMaxVideoPort" => "highest port of video",
            "EnablePersistentChat" => "whether the user has persistent chat",
            "DefaultPersistentChatPoolUri" => "pool of persistent chat",
            "user/line@uri" => "the phone line that the user controls",
            "user/line@server" => "gateway of remote call control",
            "user@uri" => "the user it is for",
            _ => return None,
        })
    }
}

impl Provisioning {
    /// Value of the first setting of this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|s| s.name == name).map(|s| s.value.as_str())
    }

    /// Name of a setting's group.
    pub fn group_of(&self, setting: &Setting) -> Option<&str> {
        self.groups.get(setting.group?).map(String::as_str)
    }

    /// Reads a document; `None` where its root is none of provisioning's. Names decide, as servers differ in
    /// namespaces.
    pub fn from_document(document: &Document<'_>) -> Option<Self> {
        let root = document.root()?;
        let kind = match root.name() {
            "provisioningGroupList" => ProvisioningKind::Request,
            "provisionGroupList" => ProvisioningKind::Answer,
            _ if root.child("user").is_some_and(|u| u.child("line").is_some()) => ProvisioningKind::Legacy,
            _ => return None,
        };
        let issues = document.issues.clone();
        let mut found = Self { kind, groups: Vec::new(), settings: Vec::new(), issues };
        match kind {
            ProvisioningKind::Legacy => {
                for child in root.children() {
                    found.read(child, None, &mut Vec::new());
                }
            }
            ProvisioningKind::Request | ProvisioningKind::Answer => {
                for group in root.children() {
                    if !matches!(group.name(), "provisioningGroup" | "provisionGroup") {
                        found.issue("provisioning-group", group, "An element stands where a group belongs");
                        continue;
                    }
                    if found.groups.len() >= MAX_SETTINGS {
                        break;
                    }
                    let name = group.attribute("name").unwrap_or_default();
                    if name.is_empty() {
                        found.issue("provisioning-group", group, "A group has no name");
                    }
                    found.groups.push(name.to_owned());
                    let index = found.groups.len() - 1;
                    for child in group.children() {
                        found.read(child, Some(index), &mut Vec::new());
                    }
                }
            }
        }
        Some(found)
    }

    /// One element of a group and what is in it. The path is bounded, so this recurses no deeper.
    fn read<'d>(&mut self, element: Element<'d>, group: Option<usize>, path: &mut Vec<&'d str>) {
        if path.len() >= MAX_PATH {
            self.issue("provisioning-too-deep", element, "A setting stands too deep in its group");
            return;
        }
        // Entries of a list of properties are settings by their own names.
        let property = (element.name() == "property").then(|| element.attribute("name")).flatten();
        path.push(element.name());
        let name = property.map_or_else(|| path.join("/"), str::to_owned);
        for attribute in element.attributes() {
            if property.is_none() || attribute.name() != "name" {
                let name = format!("{name}@{}", attribute.name());
                self.push(group, name, attribute.value(), attribute.value_range());
            }
        }
        let has_elements = element.children().next().is_some();
        let text = element.text();
        if !text.is_empty() || !has_elements && element.attributes().next().is_none() || property.is_some() {
            self.push(group, name, &text, element.range());
        }
        for child in element.children() {
            self.read(child, group, path);
        }
        path.pop();
    }

    fn push(&mut self, group: Option<usize>, name: String, value: &str, range: Range<usize>) {
        if self.settings.len() < MAX_SETTINGS {
            self.settings.push(Setting { group, name, value: value.trim().to_owned(), range });
        } else if self.issues.last().is_none_or(|i| i.code != "provisioning-too-many") {
            let text = "There are more settings than are kept";
            self.issues.push(Issue::new("provisioning-too-many", range, text));
        }
    }

    fn issue(&mut self, code: &'static str, element: Element<'_>, text: &'static str) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue::new(code, element.tag_range(), text));
        }
    }
}

/// Reads a body; see [`Provisioning::from_document`].
pub fn parse_provisioning(body: &[u8]) -> Option<Provisioning> {
    Provisioning::from_document(&parse_xml(body))
}
