//! Whether the other side is writing: `application/im-iscomposing+xml` (RFC 3994) and Microsoft's keyboard activity.

use crate::Issue;
use crate::fields::{attribute, child_text};
use crate::xml::parse_xml;

/// What a typing indication says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typing {
    /// RFC 3994.
    IsComposing {
        /// `active`, `idle`, or a word that counts as idle.
        state: String,
        /// As written.
        last_active: Option<String>,
        content_type: Option<String>,
        /// Seconds until the next indication, or the end of the state.
        refresh_s: Option<u32>,
    },
    /// A `KeyboardActivity` document; the status is given as written.
    KeyboardActivity { status: Option<String> },
}

impl Typing {
    /// Is somebody writing? `None` where it is not told in a way that is known.
    pub fn is_active(&self) -> Option<bool> {
        match self {
            Self::IsComposing { state, .. } => Some(state == "active"),
            Self::KeyboardActivity { .. } => None,
        }
    }
}

/// Reads a typing indication by its root; `None` where it is none. Ranges are of `body`.
pub fn parse_typing(body: &[u8]) -> Option<(Typing, Vec<Issue>)> {
    let document = parse_xml(body);
    let root = document.root()?;
    let mut issues = document.issues.clone();
    let typing = match root.name() {
        "isComposing" => {
            let state = child_text(&root, "state");
            if state.is_none() {
                issues.push(Issue::new("composing-no-state", root.tag_range(), "The state is missing"));
            }
            Typing::IsComposing {
                state: state.unwrap_or_default(),
                last_active: child_text(&root, "lastactive"),
                content_type: child_text(&root, "contenttype"),
                refresh_s: root.child_text("refresh").and_then(|t| t.parse().ok()),
            }
        }
        "KeyboardActivity" => Typing::KeyboardActivity {
            status: root
                .child("status")
                .and_then(|s| attribute(&s, "status").or(Some(s.text().into_owned()))),
        },
        _ => return None,
    };
    Some((typing, issues))
}
