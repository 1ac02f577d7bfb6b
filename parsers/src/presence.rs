//! Presence: PIDF (RFC 3863) with the activities of RPID (RFC 4480), and Microsoft's categories, as notifications,
//! the roaming of oneself and publications carry them.
//!
//! ```text
//! presence entity ─ tuple id ─ status/basic, contact priority, note, timestamp
//!                 └ person ─ activities/…, note
//! categories uri  ─ category name instance container version publishTime expireType ─ the value
//! publications uri ─ publication categoryName instance container version expireType ─ the value
//! ```
//!
//! Values of categories are read by local names; what their numbers mean (availability, free and busy) is in no source
//! read here, so they are given as written. All of a value is there as name and text besides.

use std::ops::Range;

use crate::Issue;
use crate::fields::{Field, attribute, attributes, bounded, child_text, fields, inside};
use crate::xml::{Element, parse_xml};

#[cfg(test)]
mod tests;

/// `urn:ietf:params:xml:ns:pidf`.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:pidf";
/// Tuples, persons and categories read of one document.
pub const MAX_ITEMS: usize = 2_000;
/// Notes, activities and the like of one item.
const MAX_LIST: usize = 64;

/// A presence document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    Pidf(Pidf),
    Categories(Categories),
    /// Another document (`presence.wpending`, older formats): its root and all it says.
    Other {
        root: String,
        fields: Vec<Field>,
        issues: Vec<Issue>,
    },
}

/// Reads a presence document by its root; `None` where it is no XML. Ranges are of `body`.
pub fn parse_presence(body: &[u8]) -> Option<Presence> {
    let document = parse_xml(body);
    let root = document.root()?;
    let issues = document.issues.clone();
    if root.is(NAMESPACE, "presence") || (root.name() == "presence" && root.child("tuple").is_some()) {
        return Some(Presence::Pidf(pidf(&root, issues)));
    }
    let known = matches!(root.name(), "categories" | "roamingData" | "publish" | "publications");
    if known || root.descendants().any(|e| e.name() == "categories" || e.name() == "publications") {
        return Some(Presence::Categories(categories(&root, issues)));
    }
    let mut all = attributes(&root, &[]);
    all.extend(fields(&root, &[]));
    Some(Presence::Other { root: bounded(root.name()), fields: all, issues })
}

/// `application/pidf+xml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pidf {
    pub entity: String,
    pub tuples: Vec<Tuple>,
    /// Persons of RFC 4479.
    pub persons: Vec<Person>,
    pub notes: Vec<String>,
    pub other: Vec<Field>,
    pub issues: Vec<Issue>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tuple {
    pub id: String,
    /// `open` or `closed`.
    pub basic: Option<String>,
    pub contact: Option<String>,
    /// As written, 0 to 1.
    pub priority: Option<String>,
    pub notes: Vec<String>,
    pub timestamp: Option<String>,
    /// RPID of older clients stands in the tuple.
    pub activities: Vec<String>,
    pub other: Vec<Field>,
    pub range: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    pub id: String,
    /// `away`, `on-the-phone`, …; of `other` its text.
    pub activities: Vec<String>,
    pub notes: Vec<String>,
    pub timestamp: Option<String>,
    pub other: Vec<Field>,
}

fn pidf(root: &Element<'_>, mut issues: Vec<Issue>) -> Pidf {
    let entity = attribute(root, "entity").unwrap_or_default();
    if entity.is_empty() {
        issues.push(Issue::new("pidf-no-entity", root.tag_range(), "The presence names no entity"));
    }
    let named = |name: &'static str| root.children().filter(move |c| c.name() == name).take(MAX_ITEMS);
    Pidf {
        entity,
        tuples: named("tuple").map(|t| tuple(&t)).collect(),
        persons: named("person")
            .map(|p| Person {
                id: attribute(&p, "id").unwrap_or_default(),
                activities: activities(&p),
                notes: notes(&p),
                timestamp: child_text(&p, "timestamp"),
                other: fields(&p, &["activities", "note", "timestamp"]),
            })
            .collect(),
        notes: notes(root),
        other: fields(root, &["tuple", "person", "note"]),
        issues,
    }
}

fn tuple(element: &Element<'_>) -> Tuple {
    let status = element.child("status");
    let contact = element.child("contact");
    let mut other = fields(element, &["status", "contact", "note", "timestamp", "activities"]);
    if let Some(status) = &status {
        other.extend(fields(status, &["basic", "activities"]));
    }
    let mut all = activities(element);
    all.extend(status.iter().flat_map(activities));
    Tuple {
        id: attribute(element, "id").unwrap_or_default(),
        basic: status.and_then(|s| child_text(&s, "basic")),
        contact: contact.map(|c| bounded(&c.text())),
        priority: contact.and_then(|c| attribute(&c, "priority")),
        notes: notes(element),
        timestamp: child_text(element, "timestamp"),
        activities: all,
        other,
        range: element.range(),
    }
}

fn notes(element: &Element<'_>) -> Vec<String> {
    element.children().filter(|n| n.name() == "note").take(MAX_LIST).map(|n| bounded(&n.text())).collect()
}

/// The words of `activities` (RFC 4480); of `other` what it says.
fn activities(element: &Element<'_>) -> Vec<String> {
    let all = element.children().filter(|a| a.name() == "activities").flat_map(|a| a.children());
    let words = all.filter(|a| a.name() != "note").take(MAX_LIST).map(|a| {
        let text = a.text();
        if (a.name() == "other" || a.name() == "activity") && !text.is_empty() {
            bounded(&text)
        } else {
            bounded(a.name())
        }
    });
    words.collect()
}

/// Microsoft's categories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Categories {
    /// `categories` (of a contact), `roamingData` (of oneself), `publish` (what a client says of itself), …
    pub root: String,
    /// Whose they are; empty if not told, as of oneself.
    pub uri: String,
    pub list: Vec<Category>,
    /// What is beside the categories; [`crate::roaming`] reads containers and subscribers of oneself.
    pub other: Vec<Field>,
    pub truncated: bool,
    pub issues: Vec<Issue>,
}

impl Categories {
    /// Is it a publication, not a notification?
    pub fn is_publication(&self) -> bool {
        matches!(self.root.as_str(), "publish" | "publications")
    }
}

/// One value of a category.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Category {
    /// `state`, `note`, `calendarData`, `contactCard`, …
    pub name: String,
    /// Whose, where that differs from the document's.
    pub uri: Option<String>,
    pub instance: Option<String>,
    /// For whom: a number.
    pub container: Option<String>,
    pub version: Option<String>,
    /// As written (RFC 3339).
    pub publish_time: Option<String>,
    pub expire_type: Option<String>,
    /// Other attributes.
    pub attributes: Vec<Field>,
    /// There is no value: a category that is not there, or no longer.
    pub empty: bool,
    pub value: CategoryValue,
    /// All texts and attributes of the value.
    pub fields: Vec<Field>,
    pub range: Range<usize>,
}

/// What of a category is known by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CategoryValue {
    State {
        /// `xsi:type` without its prefix.
        kind: Option<String>,
        /// A number whose meaning is not described in a source read here.
        availability: Option<u32>,
        /// Token or text of the activity.
        activity: Option<String>,
    },
    Note {
        kind: Option<String>,
        text: String,
    },
    CalendarData {
        /// Base64 as written.
        free_busy: Option<String>,
        start_time: Option<String>,
        granularity: Option<String>,
    },
    ContactCard {
        name: Option<String>,
        emails: Vec<String>,
        phones: Vec<String>,
    },
    Device,
    #[default]
    Other,
}

impl Category {
    /// The value in a few words, as written; empty where nothing of it is known by name.
    pub fn summary(&self) -> String {
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        match &self.value {
            CategoryValue::State { availability, activity, .. } => {
                let number = availability.map(|a| a.to_string());
                number.into_iter().chain(activity.clone()).collect::<Vec<_>>().join(" ")
            }
            CategoryValue::Note { text, .. } => text.clone(),
            CategoryValue::CalendarData { start_time, granularity, .. } => {
                format!("{} {}", said(start_time), said(granularity)).trim().to_owned()
            }
            CategoryValue::ContactCard { name, emails, .. } => {
                name.iter().chain(emails.first()).cloned().collect::<Vec<_>>().join(" ")
            }
            CategoryValue::Device | CategoryValue::Other => String::new(),
        }
    }
}

fn categories(root: &Element<'_>, issues: Vec<Issue>) -> Categories {
    let holder = |name: &str| matches!(name, "categories" | "publications");
    let of = |element: &Element<'_>| attribute(element, "uri").filter(|u| !u.is_empty());
    let uri = of(root).or_else(|| root.descendants().find(|e| holder(e.name())).and_then(|e| of(&e)));
    let mut out = Categories {
        root: bounded(root.name()),
        uri: uri.unwrap_or_default(),
        other: fields(root, &["categories", "publications", "category", "publication"]),
        issues,
        ..Categories::default()
    };
    // A `category` inside of a value is part of that value.
    let mut inside_of = 0;
    for element in root.descendants() {
        if !matches!(element.name(), "category" | "publication") || element.id().index() < inside_of {
            continue;
        }
        inside_of = crate::xml::Content::Element(element).end();
        if out.list.len() == MAX_ITEMS {
            out.truncated = true;
            out.issues.push(Issue::new(
                "presence-many-categories",
                element.tag_range(),
                "More categories than are read of one document",
            ));
            break;
        }
        let whose = element.parent().filter(|p| holder(p.name())).and_then(|p| of(&p));
        let read = category(&element, whose.filter(|u| !u.eq_ignore_ascii_case(&out.uri)));
        out.list.push(read);
    }
    out
}

fn category(element: &Element<'_>, uri: Option<String>) -> Category {
    const KNOWN: [&str; 7] =
        ["name", "categoryName", "instance", "container", "version", "publishTime", "expireType"];
    let name = attribute(element, "categoryName").or_else(|| attribute(element, "name")).unwrap_or_default();
    let content = element.children().next();
    Category {
        uri,
        instance: attribute(element, "instance"),
        container: attribute(element, "container"),
        version: attribute(element, "version"),
        publish_time: attribute(element, "publishTime"),
        expire_type: attribute(element, "expireType"),
        attributes: attributes(element, &KNOWN),
        empty: content.is_none(),
        value: content.map_or(CategoryValue::Other, |c| value(&name, &c)),
        fields: fields(element, &[]),
        range: element.range(),
        name,
    }
}

fn value(name: &str, content: &Element<'_>) -> CategoryValue {
    let text = |name: &str| inside(content, name).map(|e| bounded(&e.text())).filter(|t| !t.is_empty());
    // Attribute of the element or of the first one in it that has it.
    let attribute_of = |name: &str| {
        attribute(content, name).or_else(|| content.descendants().find_map(|e| attribute(&e, name)))
    };
    match name {
        "state" => {
            let kind = content.attributes().find(|a| a.name() == "type").map(|a| a.value());
            let activity = inside(content, "activity").map(|a| {
                let custom = a.descendants().map(|e| e.text()).find(|t| !t.is_empty());
                let token = attribute(&a, "token").filter(|t| !t.is_empty());
                token.or(custom.map(|t| bounded(&t))).unwrap_or_else(|| bounded(&a.text()))
            });
            CategoryValue::State {
                kind: kind.map(|k| bounded(k.rsplit(':').next().unwrap_or(k))),
                availability: inside(content, "availability").and_then(|e| e.text().parse().ok()),
                activity: activity.filter(|a| !a.is_empty()),
            }
        }
        "note" => {
            let body = inside(content, "body");
            let own = body.map_or_else(|| content.text(), |b| b.text());
            CategoryValue::Note { kind: body.and_then(|b| attribute(&b, "type")), text: bounded(&own) }
        }
        "calendarData" => {
            let free_busy = inside(content, "freeBusy");
            CategoryValue::CalendarData {
                free_busy: free_busy.map(|e| bounded(&e.text())).filter(|t| !t.is_empty()),
                start_time: attribute_of("startTime"),
                granularity: attribute_of("granularity"),
            }
        }
        "contactCard" => {
            let all = |name: &'static str| {
                // Bounded before anything is looked at: each is searched for its text.
                let found = content.descendants().filter(move |e| e.name() == name).take(MAX_LIST);
                let texts = found.map(|e| match e.text() {
                    text if text.is_empty() => {
                        e.descendants().map(|i| i.text()).find(|t| !t.is_empty()).unwrap_or(text)
                    }
                    text => text,
                });
                texts.filter(|t| !t.is_empty()).map(|t| bounded(&t)).collect::<Vec<_>>()
            };
            CategoryValue::ContactCard {
                name: text("displayName").or_else(|| text("name")),
                emails: all("email"),
                phones: all("phone"),
            }
        }
        "device" => CategoryValue::Device,
        _ => CategoryValue::Other,
    }
}
