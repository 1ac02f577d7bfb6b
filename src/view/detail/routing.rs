//! Headers that change where a request goes, or tell where it has been and for whom: taken apart and explained.

use std::ops::Range;

use callscope_parsers::sip::routing::{self, header_words};

use super::Node;
use crate::view::show;

/// Entries of one header that are explained.
const ENTRIES: usize = 64;

/// What a header is for, and what its value means, in front of its fields; empty where there is nothing to say.
pub fn explained(name: &str, buf: &[u8], range: &Range<usize>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let value = buf.get(range.clone()).unwrap_or_default();
    if let Some(words) = header_words(name) {
        nodes.push(Node::new("Header", words, range.clone()));
    }
    match name {
        "history-info" => history(buf, range, &mut nodes),
        "diversion" => diversions(buf, range, &mut nodes),
        "privacy" => {
            for word in value.split(|b| *b == b';').map(<[u8]>::trim_ascii).take(ENTRIES) {
                if let Some(words) = routing::privacy_words(word) {
                    nodes.push(Node::new(show::safe(word), words, range.clone()));
                }
            }
        }
        "ms-user-logon-data" if value.trim_ascii().eq_ignore_ascii_case(b"RemoteUser") => {
            nodes.push(Node::new("Meaning", "the client is outside of the enterprise", range.clone()));
        }
        "ms-application-via"
        | "ms-sensitivity"
        | "ms-skip-rnl"
        | "ms-endpoint-location-data"
        | "presence-state"
        | "ms-keep-alive"
        | "ms-split-domain-info" => words(buf, range, &mut nodes),
        "user-agent" | "server" => {
            if let Some(words) = generation(value) {
                nodes.push(Node::new("Generation", words, range.clone()));
            }
        }
        _ => {}
    }
    nodes
}

/// Elements and parameters as they are written.
fn words(buf: &[u8], range: &Range<usize>, nodes: &mut Vec<Node>) {
    for word in routing::parse_words(buf, range.clone()).0.iter().take(ENTRIES) {
        if word.params.is_empty() && nodes.is_empty() {
            continue;
        }
        let mut node = Node::new("Value", show::safe(word.value), word.range.clone());
        node.children = word
            .params
            .iter()
            .take(ENTRIES)
            .map(|p| Node::new(show::safe(p.name), show::safe(&p.text()), p.range.clone()))
            .collect();
        nodes.push(node);
    }
}

fn history(buf: &[u8], range: &Range<usize>, nodes: &mut Vec<Node>) {
    for entry in routing::parse_history_info(buf, range.clone()).0.iter().take(ENTRIES) {
        let uri = buf.get(entry.address.uri.range.clone()).unwrap_or_default();
        let mut text = show::safe(show::address_of_record(uri));
        if let Some(change) = entry.change {
            text.push_str(&format!(", {}", change.title()));
        }
        if let Some(reason) = &entry.reason {
            text.push_str(&format!(", left because of {}", show::safe(reason)));
        }
        if let Some(privacy) = &entry.privacy {
            text.push_str(&format!(", privacy {}", show::safe(privacy)));
        }
        let index = if entry.index.is_empty() { "?".to_owned() } else { show::safe(entry.index) };
        nodes.push(Node::new(format!("Target {index}"), text, entry.address.range.clone()));
    }
}

fn diversions(buf: &[u8], range: &Range<usize>, nodes: &mut Vec<Node>) {
    for d in routing::parse_diversions(buf, range.clone()).0.iter().take(ENTRIES) {
        let uri = buf.get(d.address.uri.range.clone()).unwrap_or_default();
        let mut text = show::safe(show::address_of_record(uri));
        if let Some(reason) = d.reason {
            text.push_str(&format!(", {}", reason.title()));
        }
        if let Some(n) = d.counter {
            text.push_str(&format!(", {}", show::count(u64::from(n), "time", "times")));
        }
        nodes.push(Node::new("Sent on by", text, d.address.range.clone()));
    }
}

/// Which generation of the products a User-Agent or Server names, as far as a source says it.
fn generation(value: &[u8]) -> Option<&'static str> {
    // The first product that has a generation; versions by their beginning.
    const PRODUCTS: [(&str, &str); 9] = [
        ("OC/2.0.", "Office Communicator 2007"),
        ("OC/3.5.", "Office Communicator 2007 R2"),
        ("OC/4.0.", "Lync 2010"),
        ("OC/15.0.", "Lync 2013"),
        ("OC/16.0.", "Skype for Business"),
        ("RTC/3.5", "Office Communications Server 2007 R2"),
        ("RTC/4.0", "Lync Server 2010"),
        ("RTC/5.0", "Lync Server 2013"),
        ("RTC/6.0", "Skype for Business Server 2015"),
    ];
    let products = value.split(|b| matches!(b, b' ' | b'(' | b')')).take(ENTRIES);
    let mut found = products.filter_map(|word| {
        PRODUCTS.iter().find(|(start, _)| {
            let next = word.get(start.len());
            let whole = start.ends_with('.') || !next.is_some_and(u8::is_ascii_digit);
            whole && word.get(..start.len()).is_some_and(|w| w.eq_ignore_ascii_case(start.as_bytes()))
        })
    });
    found.next().map(|(_, words)| *words)
}

/// What a parameter of a URI or address tells of an endpoint or server: `epid`, `opaque` of a GRUU.
pub fn parameter_words(name: &[u8], value: &[u8]) -> Option<&'static str> {
    let begins =
        |with: &str| value.get(..with.len()).is_some_and(|v| v.eq_ignore_ascii_case(with.as_bytes()));
    match () {
        () if name.eq_ignore_ascii_case(b"epid") => Some("endpoint: one device of the user"),
        () if name.eq_ignore_ascii_case(b"gruu") => Some("globally routable: leads to one endpoint"),
        () if !name.eq_ignore_ascii_case(b"opaque") => None,
        () if begins("user:epid:") => Some("one endpoint of the user"),
        () if begins("srvr:") => Some("a server"),
        () if begins("app:conf:focusfactory") => Some("makes conferences"),
        () if begins("app:conf:focus:") => Some("focus of a conference"),
        () if begins("app:conf:") => Some("part of a conference"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(name: &str, value: &str) -> Vec<String> {
        let nodes = explained(name, value.as_bytes(), &(0..value.len()));
        nodes.into_iter().map(|n| format!("{}: {}", n.label, n.value)).collect()
    }

    #[test]
    fn generations_that_a_source_names_and_no_others() {
        // [SIPE] and [MS-SIPRE] samples.
        let of = |v: &str| generation(v.as_bytes());
        let r2 = "UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)";
        assert_eq!(of(r2), Some("Office Communicator 2007 R2"));
        assert_eq!(of("RTC/3.5"), Some("Office Communications Server 2007 R2"));
        for unknown in ["RTC/3.55", "RTC/3.0", "RTCC/4.0.0.0 MediationServer", "OC/17.0.1", "", "\u{1b}[1m"] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn who_sent_a_call_on_and_why() {
        // RFC 7044 §5 and RFC 5806.
        assert_eq!(
            say(
                "history-info",
                "<sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1, <sip:c@example.com>;index=1.1;mp=1"
            ),
            [
                "Header: where the request has been sent before",
                "Target 1: bob@example.com, left because of SIP;cause=302",
                "Target 1.1: c@example.com, sent on to another user"
            ]
        );
        assert_eq!(
            say("diversion", "<tel:+15551230001>;reason=user-busy;counter=2")[1],
            "Sent on by: +15551230001, the user was busy, 2 times"
        );
        assert_eq!(say("ms-user-logon-data", "remoteuser").len(), 2);
        assert_eq!(say("ms-user-logon-data", "x").len(), 1);
        assert_eq!(say("x-other", "1"), [""; 0]);
    }

    #[test]
    fn hostile_values_do_not_reach_a_terminal() {
        for name in ["history-info", "diversion", "ms-application-via", "user-agent", "presence-state"] {
            for value in
                ["<sip:\u{1b}[2J@x?Reason=%1B%5B2J>;index=\u{7}", "\u{1b}]0;x\u{7};a=\u{1b}[1m", ",,,;;="]
            {
                assert!(
                    say(name, value).iter().all(|line| !line.contains(char::is_control)),
                    "{name} {value:?}"
                );
            }
            let long = format!("<sip:{}>;index=1", "x".repeat(1 << 20));
            assert!(say(name, &long).len() <= 3 * ENTRIES);
        }
    }
}
