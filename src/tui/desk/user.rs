//! All rows of one user, whatever the user is called in them.

use super::Cache;
use super::ice::owners_of;
use crate::correlate::{Analysis, Owner, address_key};
use crate::tui::state::TableKind;
use crate::view::filter::Filter;
use crate::view::lists::ListKind;

/// Whose rows are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Who sent the first request of this row.
    OfRow(TableKind, u32),
    /// An address, or another name of a user.
    Named(String),
}

/// A user and the tables that have rows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRows {
    pub user: String,
    pub filter: String,
    pub tables: Vec<TableKind>,
    /// Limits by which names of users were left out.
    pub limits: Vec<&'static str>,
}

/// Every table that the filter is set on.
pub fn tables() -> impl Iterator<Item = TableKind> {
    // A look-up is a machine's, not a user's.
    let lists = ListKind::ALL.into_iter().filter(|list| *list != ListKind::Lookups).map(TableKind::List);
    [TableKind::Calls, TableKind::Dialogs].into_iter().chain(lists)
}

/// `user == "alice@contoso.com"`.
fn filter_text(user: &str) -> String {
    format!("user == \"{}\"", user.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn rows(analysis: &Analysis, cache: &Cache, who: &Who) -> Option<UserRows> {
    let user = match who {
        Who::Named(name) => name.trim().to_lowercase(),
        Who::OfRow(TableKind::List(ListKind::Messages), id) => {
            address_key(cache.lists(analysis).instant_messages().get(*id as usize)?.from.as_bytes())?
        }
        Who::OfRow(kind, id) => {
            let uri = match owners_of(analysis, cache, *kind, *id).first()? {
                Owner::Call(c) => analysis.calls.get(c.0 as usize)?.from_uri,
                Owner::Dialog(d) => analysis.dialogs.get(d.0 as usize)?.from_uri,
            };
            address_key(analysis.strings.bytes(uri))?
        }
    };
    let text = filter_text(&user);
    let filter = Filter::parse(&text).ok()?;
    let has = |kind: &TableKind| match kind {
        TableKind::Calls => (0u32..)
            .zip(&analysis.calls)
            .any(|(i, _)| filter.matches_call(analysis, crate::correlate::CallIdx(i))),
        TableKind::Dialogs => analysis.dialogs_shown().any(|(d, _)| filter.matches_dialog(analysis, d)),
        TableKind::List(list) => !list.matching(analysis, &cache.lists(analysis), Some(&filter)).is_empty(),
        TableKind::Sessions | TableKind::Allocations => false,
    };
    let tables = tables().filter(has).collect();
    let limits = analysis.aliases().limits_hit().collect();
    Some(UserRows { user, filter: text, tables, limits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::scenario::{answered_call, request, response};

    #[test]
    fn rows_of_a_user_under_all_names() {
        let mut s = answered_call();
        let (tel, bob) = ("<tel:+14255550100>;tag=t", "<sip:bob@example.com>");
        let identity = "P-Asserted-Identity: \"Alice\" <sip:ALICE@example.com>, <tel:+14255550100>";
        s.add(
            20_000,
            "A>B",
            &request("OPTIONS", 1).id("o").between(tel, bob).via(&["A o1"]).header(identity),
        );
        s.add(
            20_001,
            "B>A",
            &response("200 OK", 1, "OPTIONS").id("o").between(tel, bob).tag("b").via(&["A o1"]),
        );
        let analysis = s.done();
        let cache = Cache::default();
        let of_call = rows(&analysis, &cache, &Who::OfRow(TableKind::Calls, 0)).unwrap();
        assert_eq!(
            (of_call.user.as_str(), of_call.filter.as_str()),
            ("alice@example.com", "user == \"alice@example.com\"")
        );
        assert_eq!(of_call.tables, [TableKind::Calls, TableKind::Dialogs]);
        let of_tel = rows(&analysis, &cache, &Who::OfRow(TableKind::Dialogs, 0)).unwrap();
        assert_eq!((of_tel.user.as_str(), of_tel.tables), ("+14255550100", of_call.tables));
        let nobody = rows(&analysis, &cache, &Who::Named("\"\\x".to_owned())).unwrap();
        assert_eq!(nobody.tables, []);
        assert_eq!(rows(&analysis, &cache, &Who::OfRow(TableKind::Calls, 9)), None);
    }
}
