//! Access lists and a user's own data.

use super::*;

/// One entry of an access list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    /// What the mask is: `USER`, `DOMAIN` …
    pub kind: Option<String>,
    /// Whom it is about.
    pub mask: Option<String>,
    /// As written.
    pub rights: Option<String>,
    pub range: Range<usize>,
}

/// What the server tells a user of their own publications.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnData {
    pub categories: Vec<Category>,
    pub containers: Vec<Container>,
    pub watchers: Vec<Watcher>,
}

/// A publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub name: String,
    pub container: Option<u32>,
    pub instance: Option<u32>,
    pub version: Option<u32>,
    pub publish_time: Option<String>,
    /// The element, whose content depends on the category.
    pub range: Range<usize>,
}

/// An access level and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: Option<u32>,
    pub version: Option<u32>,
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// `user`, `domain`, `sameEnterprise`, `federated`, `publicCloud`, `everyone`.
    pub kind: Option<String>,
    pub value: Option<String>,
}

/// Who watches the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watcher {
    /// Without `sip:`.
    pub user: String,
    pub display_name: Option<String>,
    pub acknowledged: Option<bool>,
}

impl Reader {
    pub(super) fn access_list(&mut self, root: Element<'_>) -> Vec<AccessEntry> {
        // Attributes or elements, as the documents of the server and those to it differ.
        let value = |e: Element<'_>, name: &str| {
            attribute(e, name).or_else(|| e.child_text(name).map(|t| t.into_owned()))
        };
        let mut found = Vec::new();
        for entry in root.descendants() {
            let (mask, rights) = (value(entry, "mask"), value(entry, "rights"));
            if mask.is_none() && rights.is_none() {
                continue;
            }
            if found.len() >= MAX_ITEMS {
                self.too_many(entry);
                break;
            }
            found.push(AccessEntry { kind: value(entry, "type"), mask, rights, range: entry.range() });
        }
        found
    }

    pub(super) fn own_data(&mut self, root: Element<'_>) -> OwnData {
        let mut found = OwnData::default();
        for item in root.children().flat_map(|list| list.children()) {
            let kept = found.categories.len() + found.containers.len() + found.watchers.len();
            if kept >= MAX_ITEMS {
                self.too_many(item);
                break;
            }
            match item.name() {
                "category" => {
                    let Some(name) = attribute(item, "name") else {
                        self.issue("roaming-no-name", item.tag_range(), "A category has no name");
                        continue;
                    };
                    let category = Category {
                        name,
                        container: self.attribute_number(item, "container"),
                        instance: self.attribute_number(item, "instance"),
                        version: self.attribute_number(item, "version"),
                        publish_time: attribute(item, "publishTime"),
                        range: item.range(),
                    };
                    found.categories.push(category);
                }
                "container" => {
                    let members = item.children().filter(|m| m.name() == "member").take(MAX_ITEMS);
                    let container = Container {
                        id: self.attribute_number(item, "id"),
                        version: self.attribute_number(item, "version"),
                        members: members
                            .map(|m| Member { kind: attribute(m, "type"), value: attribute(m, "value") })
                            .collect(),
                    };
                    found.containers.push(container);
                }
                "subscriber" => match attribute(item, "user") {
                    Some(user) => {
                        let acknowledged = match item.attribute("acknowledged") {
                            Some(v) if v.eq_ignore_ascii_case("true") => Some(true),
                            Some(v) if v.eq_ignore_ascii_case("false") => Some(false),
                            _ => None,
                        };
                        let display_name = attribute(item, "displayName");
                        found.watchers.push(Watcher { user, display_name, acknowledged });
                    }
                    None => self.issue("roaming-no-uri", item.tag_range(), "A watcher has no address"),
                },
                _ => {}
            }
        }
        found
    }
}
