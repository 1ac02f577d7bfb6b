//! What a client keeps at its server and whom it watches: contacts, access lists, its own data, lists of subscriptions.
//!
//! ```text
//! contactList deltaNum ucsmode   group id name   contact uri name groups="1 2" subscribed
//! contactDelta deltaNum prevDeltaNum   addedGroup modifiedGroup deletedGroup addedContact modifiedContact deletedContact
//! …ACL… deltaNum                 ace type mask rights                       (Live Communications Server 2005)
//! roamingList                    roaming type                               what a SUBSCRIBE to oneself asks for
//! roamingData                    categories/category name container instance version publishTime
//!                                containers/container id version, member type value
//!                                subscribers/subscriber user displayName acknowledged
//! batchSub uri                   action name id, adhocList/resource uri, categoryList/category name
//! adhoclist uri                  create/resource uri                        (2005)
//! resource-lists                 list name, entry uri, display-name         (RFC 4826, RFC 5367)
//! ```
//!
//! Local names decide; the namespace is for show, as servers differ in it. A body that is cut gives what precedes the cut.

use std::ops::Range;

use crate::Issue;
use crate::xml::{Document, Element, parse_xml};

mod own;
#[cfg(test)]
mod tests;

pub use own::{AccessEntry, Category, Container, Member, OwnData, Watcher};

/// Groups, contacts, targets and the like kept of one body, each.
pub const MAX_ITEMS: usize = 8192;
/// Issues kept of one body.
const MAX_ISSUES: usize = 64;

/// A body taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roaming {
    pub body: Body,
    /// Counts changes of contacts or access list; never 0.
    pub delta: Option<u32>,
    pub issues: Vec<Issue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Contacts(Contacts),
    AccessList(Vec<AccessEntry>),
    /// Of `roamingList`: which of one's data is asked for.
    OwnRequest(Vec<String>),
    OwnData(OwnData),
    Subscriptions(Vec<Batch>),
}

/// Contacts, all or as they changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contacts {
    /// Is this the whole list, not a change of it?
    pub whole: bool,
    /// Where the list lives, in Lync 2013 and later: `migrated` is the Unified Contact Store, and this list is empty.
    pub ucs_mode: Option<String>,
    pub groups: Vec<Group>,
    pub contacts: Vec<Contact>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It stands in a whole list.
    Present,
    Added,
    Modified,
    Deleted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub change: Change,
    pub id: Option<u32>,
    /// `~` is the group of those in no other.
    pub name: Option<String>,
    pub range: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub change: Change,
    /// Often without `sip:`.
    pub uri: String,
    pub name: Option<String>,
    /// Ids of the groups it is in.
    pub groups: Vec<u32>,
    pub range: Range<usize>,
}

/// Targets that are subscribed to together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// `subscribe` or another; `None` where the list has no actions.
    pub action: Option<String>,
    pub id: Option<String>,
    pub targets: Vec<Target>,
    /// Names of the categories asked for.
    pub categories: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub uri: String,
    pub display_name: Option<String>,
    pub range: Range<usize>,
}

impl Roaming {
    /// Targets of all batches.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let batches = match &self.body {
            Body::Subscriptions(batches) => batches.as_slice(),
            _ => &[],
        };
        batches.iter().flat_map(|b| &b.targets)
    }

    /// Reads a document; `None` where its root is none of those above.
    pub fn from_document(document: &Document<'_>) -> Option<Self> {
        let root = document.root()?;
        let mut reader = Reader { issues: document.issues.clone() };
        let body = match root.name() {
            "contactList" => Body::Contacts(reader.contacts(root, true)),
            "contactDelta" => Body::Contacts(reader.contacts(root, false)),
            "roamingList" => {
                let types = root.children().filter_map(|r| r.attribute("type"));
                Body::OwnRequest(types.take(MAX_ITEMS).map(str::to_owned).collect())
            }
            "roamingData" => Body::OwnData(reader.own_data(root)),
            "batchSub" => Body::Subscriptions(reader.batches(root)),
            "adhoclist" => {
                let places = root.children();
                let targets = reader.targets(places.flat_map(|c| c.children()), "resource");
                Body::Subscriptions(vec![Batch { targets, ..Batch::default() }])
            }
            "resource-lists" => {
                let targets = reader.targets(root.descendants(), "entry");
                Body::Subscriptions(vec![Batch { targets, ..Batch::default() }])
            }
            name if name.to_ascii_lowercase().contains("acl") => Body::AccessList(reader.access_list(root)),
            _ => return None,
        };
        let delta = reader.attribute_number(root, "deltaNum");
        if delta == Some(0) {
            reader.issue("roaming-delta", root.tag_range(), "The number of changes is 0");
        }
        Some(Self { body, delta, issues: reader.issues })
    }
}

/// Reads a body; see [`Roaming::from_document`].
pub fn parse_roaming(body: &[u8]) -> Option<Roaming> {
    Roaming::from_document(&parse_xml(body))
}

struct Reader {
    issues: Vec<Issue>,
}

fn attribute(element: Element<'_>, name: &str) -> Option<String> {
    element.attribute(name).map(|v| v.trim().to_owned())
}

impl Reader {
    fn issue(&mut self, code: &'static str, range: Range<usize>, text: &'static str) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue::new(code, range, text));
        }
    }

    fn too_many(&mut self, element: Element<'_>) {
        if self.issues.iter().all(|i| i.code != "roaming-too-many") {
            self.issue("roaming-too-many", element.range(), "There are more entries than are kept");
        }
    }

    fn attribute_number(&mut self, element: Element<'_>, name: &str) -> Option<u32> {
        let found = element.attributes().find(|a| a.name() == name)?;
        let number = found.value().trim().parse().ok();
        if number.is_none() {
            self.issue("roaming-number", found.value_range(), "A number is none, or too large");
        }
        number
    }

    fn contacts(&mut self, root: Element<'_>, whole: bool) -> Contacts {
        let mut found = Contacts { whole, ucs_mode: attribute(root, "ucsmode"), ..Contacts::default() };
        for child in root.children() {
            let (change, is_group) = match child.name() {
                "group" => (Change::Present, true),
                "addedGroup" => (Change::Added, true),
                "modifiedGroup" => (Change::Modified, true),
                "deletedGroup" => (Change::Deleted, true),
                "contact" => (Change::Present, false),
                "addedContact" => (Change::Added, false),
                "modifiedContact" => (Change::Modified, false),
                "deletedContact" => (Change::Deleted, false),
                _ => continue,
            };
            if found.groups.len() >= MAX_ITEMS || found.contacts.len() >= MAX_ITEMS {
                self.too_many(child);
                break;
            }
            let range = child.range();
            if is_group {
                let id = self.attribute_number(child, "id");
                found.groups.push(Group { change, id, name: attribute(child, "name"), range });
                continue;
            }
            let Some(uri) = attribute(child, "uri") else {
                self.issue("roaming-no-uri", range, "A contact has no address");
                continue;
            };
            let groups = child.attribute("groups").unwrap_or_default().split_whitespace();
            let groups = groups.filter_map(|g| g.parse().ok()).take(MAX_ITEMS).collect();
            found.contacts.push(Contact { change, uri, name: attribute(child, "name"), groups, range });
        }
        found
    }

    fn batches(&mut self, root: Element<'_>) -> Vec<Batch> {
        let mut found = Vec::new();
        // Targets kept of all actions together.
        let mut room = MAX_ITEMS;
        for action in root.children().filter(|c| c.name() == "action") {
            if found.len() >= MAX_ITEMS || room == 0 {
                self.too_many(action);
                break;
            }
            let lists = action.children().filter(|c| c.name() == "adhocList");
            let mut targets = self.targets(lists.flat_map(|l| l.children()), "resource");
            targets.truncate(room);
            room -= targets.len();
            let lists = action.children().filter(|c| c.name() == "categoryList");
            let categories = lists.flat_map(|l| l.children()).filter_map(|c| c.attribute("name"));
            let categories = categories.take(MAX_ITEMS).map(str::to_owned).collect();
            let (action, id) = (attribute(action, "name"), attribute(action, "id"));
            found.push(Batch { action, id, targets, categories });
        }
        found
    }

    fn targets<'d>(&mut self, elements: impl Iterator<Item = Element<'d>>, name: &str) -> Vec<Target> {
        let mut found = Vec::new();
        for element in elements.filter(|e| e.name() == name) {
            if found.len() >= MAX_ITEMS {
                self.too_many(element);
                break;
            }
            let range = element.range();
            match attribute(element, "uri") {
                Some(uri) => {
                    let display_name = element.child_text("display-name").map(|n| n.into_owned());
                    found.push(Target { uri, display_name, range });
                }
                None => self.issue("roaming-no-uri", range, "A target has no address"),
            }
        }
        found
    }
}
