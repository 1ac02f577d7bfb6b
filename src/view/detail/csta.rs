//! Remote call control (CSTA, ECMA-323) in words.

use std::ops::Range;

use callscope_parsers::csta::{Csta, parse_csta};

use super::Node;
use crate::view::show;

/// What a body says; empty where it is none.
pub fn nodes(body: &[u8], range: &Range<usize>) -> Vec<Node> {
    let Some(csta) = parse_csta(body) else { return Vec::new() };
    let mut node = summary(&csta, range);
    node.issue = !csta.issues.is_empty();
    vec![node]
}

fn summary(csta: &Csta, range: &Range<usize>) -> Node {
    let title = csta.title().map(|t| format!(": {t}")).unwrap_or_default();
    let name = show::shorten(&show::safe_str(&csta.name), 80);
    let mut node = Node::new("CSTA", format!("{} {name}{title}", csta.kind.title()), range.clone());
    let whole = |label: &str, value: &str| Node::new(label, show::safe_str(value), range.clone());
    let facts = [
        ("Edition", &csta.edition),
        ("Monitor", &csta.monitor),
        ("Cause", &csta.cause),
        ("State of the device", &csta.local_state),
        ("State of the switch", &csta.system_status),
        ("Line", &csta.line),
    ];
    for (label, value) in facts {
        if let Some(value) = value {
            node.children.push(whole(label, value));
        }
    }
    if let Some((category, value)) = &csta.error {
        node.children.push(whole("Error", &format!("{category}: {value}")));
    }
    let at = |r: &Range<usize>| {
        let start = r.start.saturating_add(range.start).min(range.end);
        start..r.end.saturating_add(range.start).clamp(start, range.end)
    };
    for c in &csta.connections {
        let place = at(&c.range);
        let mut connection = Node::new(show::safe_str(&c.role), "", place.clone());
        for (label, value) in [("Call id", &c.call_id), ("Device", &c.device_id)] {
            if let Some(value) = value {
                connection.children.push(Node::new(label, show::safe_str(value), place.clone()));
            }
        }
        node.children.push(connection);
    }
    for d in &csta.devices {
        node.children.push(Node::new(show::safe_str(&d.role), show::safe_str(&d.id), at(&d.range)));
    }
    node
}
