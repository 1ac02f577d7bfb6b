//! The lists of what is gathered (sign-ins, subscriptions, conferences, instant messages, look-ups of SQL Server), and the
//! findings.

mod conferences;
pub(super) mod findings;
mod instant_messages;
pub(super) mod lookups;
mod sign_ins;
mod subscriptions;

use serde::Serialize;

use crate::correlate::Analysis;
use crate::view::lists::{ListKind, Lists};

/// A row of one of the lists.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Row<'a> {
    SignIn(Box<sign_ins::SignIn<'a>>),
    Subscription(Box<subscriptions::Subscription<'a>>),
    Lookup(Box<lookups::SqlLookup<'a>>),
    SqlConnection(Box<lookups::SqlConnectionRow<'a>>),
    InstantMessage(Box<instant_messages::InstantMessage<'a>>),
    Conference(Box<conferences::Conference<'a>>),
    Finding(Box<findings::Finding<'a>>),
}

/// Name of the list in the contract.
pub(super) fn key(kind: ListKind) -> &'static str {
    match kind {
        ListKind::SignIns => "sign_ins",
        ListKind::Subscriptions => "subscriptions",
        ListKind::Conferences => "conferences",
        ListKind::Messages => "instant_messages",
        ListKind::Lookups => "sql_lookups",
        ListKind::Media => "media_streams",
        ListKind::Findings => "findings",
    }
}

pub(super) fn row<'a>(
    analysis: &'a Analysis,
    lists: &'a Lists<'a>,
    kind: ListKind,
    at: u32,
) -> Option<Row<'a>> {
    match kind {
        ListKind::Subscriptions => {
            subscriptions::row(analysis, lists, at).map(Box::new).map(Row::Subscription)
        }
        ListKind::SignIns => sign_ins::row(analysis, lists, at).map(Box::new).map(Row::SignIn),
        ListKind::Lookups => {
            lookups::row(analysis, lists, at).map(|l| Row::Lookup(Box::new(l))).or_else(|| {
                let row = lookups::connection_row(analysis, lists, at)?;
                Some(Row::SqlConnection(Box::new(row)))
            })
        }
        ListKind::Messages => {
            instant_messages::row(analysis, lists, at).map(Box::new).map(Row::InstantMessage)
        }
        ListKind::Conferences => conferences::row(analysis, lists, at).map(Box::new).map(Row::Conference),
        // Its rows name ICE sessions, whose numbers are worked out for all at once: see [`super::media`].
        ListKind::Media => None,
        ListKind::Findings => findings::row(lists, at).map(Box::new).map(Row::Finding),
    }
}
