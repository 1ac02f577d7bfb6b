//! Notifications of many resources at once: `multipart/related` with `application/rlmi+xml` (RFC 4662) as its root, the
//! parts found by their Content-ID. What a batched SUBSCRIBE asks for is read by [`crate::roaming`].
//!
//! ```text
//! list uri version fullState cid
//!   name
//!   resource uri ─ name
//!     instance id state="active|pending|terminated" reason cid
//! ```

use std::ops::Range;

use crate::Issue;
use crate::fields::{attribute, bounded};
use crate::mime::{Part, parse_body};
use crate::sip::syntax::part as bytes_of;
use crate::xml::parse_xml;

#[cfg(test)]
mod tests;

/// `urn:ietf:params:xml:ns:rlmi`.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:rlmi";
/// Resources read of one list, and parts of one notification.
pub const MAX_RESOURCES: usize = 10_000;
/// Instances of one resource, names of one list.
const MAX_LIST: usize = 64;
/// Issues kept of one list.
const MAX_ISSUES: usize = 64;

/// A list (RFC 4662 §5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rlmi {
    pub uri: String,
    /// Counts up with every notification of a subscription.
    pub version: Option<u32>,
    /// Tells of all resources, not only of those that changed.
    pub full_state: Option<bool>,
    /// Content-ID of the part that tells of the list itself.
    pub cid: Option<String>,
    pub names: Vec<String>,
    pub resources: Vec<Resource>,
    pub issues: Vec<Issue>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    pub uri: String,
    pub names: Vec<String>,
    pub instances: Vec<Instance>,
}

/// One subscription behind the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instance {
    pub id: String,
    /// `active`, `pending`, `terminated`.
    pub state: String,
    /// Of one that is terminated.
    pub reason: Option<String>,
    /// Content-ID of the part that tells of it, without brackets.
    pub cid: Option<String>,
}

/// Reads `application/rlmi+xml`; `None` where the root is no `list`. Ranges are of `body`.
pub fn parse_rlmi(body: &[u8]) -> Option<Rlmi> {
    let document = parse_xml(body);
    let root = document.root().filter(|r| r.name() == "list")?;
    let mut issues = document.issues.clone();
    let mut add = |range: Range<usize>, code, text| {
        if issues.len() < MAX_ISSUES {
            issues.push(Issue::new(code, range, text));
        }
    };
    let names = |element: &crate::xml::Element<'_>| -> Vec<String> {
        let all = element.children().filter(|n| n.name() == "name");
        all.take(MAX_LIST).map(|n| bounded(&n.text())).collect()
    };
    let version = root.attribute("version").and_then(|v| v.trim().parse().ok());
    if version.is_none() {
        add(root.tag_range(), "rlmi-version-bad", "The version of the list is missing or no number");
    }
    let full_state = match root.attribute("fullState").map(str::trim) {
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        _ => {
            add(root.tag_range(), "rlmi-state-bad", "Whether the list is whole (fullState) is not told");
            None
        }
    };
    let mut resources = Vec::new();
    for element in root.children().filter(|r| r.name() == "resource") {
        if resources.len() == MAX_RESOURCES {
            add(element.tag_range(), "rlmi-many-resources", "More resources than are read of one list");
            break;
        }
        let uri = attribute(&element, "uri").unwrap_or_default();
        if uri.is_empty() {
            add(element.tag_range(), "rlmi-no-uri", "A resource without a URI");
        }
        let instances = element.children().filter(|i| i.name() == "instance");
        let instances = instances.take(MAX_LIST).map(|i| Instance {
            id: attribute(&i, "id").unwrap_or_default(),
            state: attribute(&i, "state").unwrap_or_default(),
            reason: attribute(&i, "reason"),
            cid: attribute(&i, "cid"),
        });
        resources.push(Resource { uri, names: names(&element), instances: instances.collect() });
    }
    Some(Rlmi {
        uri: attribute(&root, "uri").unwrap_or_default(),
        version,
        full_state,
        cid: attribute(&root, "cid"),
        names: names(&root),
        resources,
        issues,
    })
}

/// A part of a notification that tells of something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPart {
    pub media_type: String,
    /// Without brackets.
    pub cid: Option<String>,
    /// Content in the buffer given, before any transfer encoding is undone.
    pub range: Range<usize>,
    /// URI of the resource whose instance names the part.
    pub resource: Option<String>,
    /// `state` of that instance.
    pub state: Option<String>,
}

/// A body of a notification: a list with its parts, or without a list the one part that it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListNotification {
    pub list: Option<Rlmi>,
    /// Where the list stands.
    pub list_range: Range<usize>,
    /// All parts but lists, in the order of the wire.
    pub parts: Vec<ListPart>,
    /// Instances whose part is not there, by URI of the resource and Content-ID.
    pub missing: Vec<(String, String)>,
    pub issues: Vec<Issue>,
}

/// Takes the body at `range` of `buf` apart. Ranges, also those of issues, count from the beginning of `buf`.
pub fn read_list(buf: &[u8], range: Range<usize>, content_type: &[u8]) -> ListNotification {
    let (all, issues) = parse_body(buf, range, content_type);
    let mut out = ListNotification { issues, ..ListNotification::default() };
    for part in all.walk() {
        if !part.parts.is_empty() {
            continue;
        }
        if part.media_type == "application/rlmi+xml" {
            rlmi_part(buf, part, &mut out);
        } else if out.parts.len() < MAX_RESOURCES {
            out.parts.push(ListPart {
                media_type: part.media_type.clone(),
                cid: part.content_id.clone(),
                range: part.content.clone(),
                ..ListPart::default()
            });
        }
    }
    let Some(list) = &out.list else { return out };
    let mut by_cid: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for (at, part) in out.parts.iter().enumerate() {
        if let Some(cid) = &part.cid {
            by_cid.entry(bare(cid).to_owned()).or_insert(at);
        }
    }
    for resource in &list.resources {
        for instance in &resource.instances {
            let Some(cid) = &instance.cid else { continue };
            match by_cid.get(bare(cid)).and_then(|at| out.parts.get_mut(*at)) {
                Some(part) => {
                    part.resource = Some(resource.uri.clone());
                    part.state = Some(instance.state.clone());
                }
                None => out.missing.push((resource.uri.clone(), cid.clone())),
            }
        }
    }
    if !out.missing.is_empty() {
        let text = "The list names parts that are not there";
        out.issues.push(Issue::new("rlmi-part-missing", out.list_range.clone(), text));
    }
    out
}

fn rlmi_part(buf: &[u8], part: &Part, out: &mut ListNotification) {
    let (content, issues) = part.decoded(buf);
    out.issues.extend(issues);
    let Some(mut list) = parse_rlmi(&content) else {
        let text = "The part is said to be a list and is none";
        out.issues.push(Issue::new("rlmi-not-a-list", part.content.clone(), text));
        return;
    };
    // Where the content was encoded its own positions are not those of the message.
    let same = bytes_of(buf, part.content.clone()) == &*content;
    let base = part.content.start;
    for issue in list.issues.drain(..) {
        let range =
            if same { issue.range.start + base..issue.range.end + base } else { part.content.clone() };
        out.issues.push(Issue { range, ..issue });
    }
    if out.list.is_none() {
        out.list = Some(list);
        out.list_range = part.content.clone();
    }
}

fn bare(cid: &str) -> &str {
    let cid = cid.trim();
    cid.strip_prefix('<').and_then(|c| c.strip_suffix('>')).unwrap_or(cid)
}
