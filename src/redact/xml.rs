//! XML bodies: names of elements and attributes stay, values are replaced unless the format enumerates them.

use callscope_parsers::c3p::reason_words;

use super::Redactor;
use super::names::Words;
use super::text::find;

/// Elements and attributes whose value is a secret: ends of their names.
const SECRETS: &[&str] =
    &["password", "passcode", "encryption-key", "encryptionkey", "pin", "secret", "token"];
/// Those whose value people wrote.
const TEXTS: &[&str] = &[
    "subject",
    "note",
    "body",
    "title",
    "description",
    "keywords",
    "display-text",
    "displaytext-none",
    "text",
    "notes",
];
/// Those whose value is the name of something in the format: it stays.
const FORMAT: &[&str] = &[
    "type",
    "mcutype",
    "mcu-type",
    "sessiontype",
    "session-type",
    "categoryname",
    "contenttype",
    "content-type",
    "version",
    "xsi:type",
    "schemaversion",
    "serverversion",
    "c3pversion",
    "ver",
    "encoding",
    "cause",
    "reasoncode",
    "responsecode",
    "expires",
    "expiretype",
    "duration",
    "deltanum",
    "prevdeltanum",
    "requestid",
    "instance",
    "container",
    "publishtime",
    "lastactive",
    "starttime",
    "endtime",
    "mediatype",
    "media-type",
    "action",
    "code",
    "status",
    "method",
    "joining-method",
    "disconnection-method",
    "port",
    "udpport",
    "tcpport",
    "minimum",
    "maximum",
    "user-count",
    "active",
    "locked",
    "subsref",
    "availability",
    "mincode",
    "maxcode",
    "contenttypes",
    "granularity",
    "encryption",
    "priority",
    "q",
    "id-type",
    "cseq",
    "mcu-types",
    "credentialsrequestid",
    "max",
    "min",
    "rights",
    "monitorcrossrefid",
    "time",
    "when",
    "reasonphrase",
    "xml:lang",
    "lang",
    "status-code",
    "src-id",
    "mask",
    "value-type",
    "uctype",
    "recur",
    "refresh",
    "ucmaxaudioport",
    "ucminaudioport",
    "ucmaxvideoport",
    "ucminvideoport",
    "ucmaxmediaport",
    "ucminmediaport",
];

impl Redactor {
    pub(super) fn xml(&mut self, b: &mut [u8]) {
        self.nest(b, Self::document);
    }

    fn document(&mut self, b: &mut [u8]) {
        if b.starts_with(&[0xff, 0xfe]) || b.starts_with(&[0xfe, 0xff]) || b.contains(&0) {
            return self.wipe(b, "bytes of encoded bodies");
        }
        let mut open: Vec<String> = Vec::new();
        let mut at = 0;
        while at < b.len() {
            let lt = b.get(at..).and_then(|r| find(r, b'<')).map_or(b.len(), |o| at + o);
            let element = open.last().cloned().unwrap_or_default();
            let parent = open.len().checked_sub(2).and_then(|n| open.get(n)).cloned().unwrap_or_default();
            if let Some(text) = b.get_mut(at..lt) {
                self.xml_value(text, &element, &parent);
            }
            let rest = b.get(lt..).unwrap_or_default();
            let end_of =
                |mark: &[u8]| memchr::memmem::find(rest, mark).map_or(b.len(), |e| lt + e + mark.len());
            at = if rest.starts_with(b"<!--") {
                let end = end_of(b"-->");
                let inner = end.saturating_sub(3).max(lt + 4);
                self.hide(b.get_mut(lt + 4..inner).unwrap_or_default(), false);
                end
            } else if rest.starts_with(b"<![CDATA[") {
                let end = end_of(b"]]>");
                let inner = end.saturating_sub(3).max(lt + 9);
                let content = b.get_mut(lt + 9..inner).unwrap_or_default();
                if content.trim_ascii_start().starts_with(b"<") {
                    self.xml(content)
                } else {
                    self.xml_value(content, &element, &parent)
                }
                end
            } else if rest.starts_with(b"<?") {
                let end = end_of(b"?>");
                if !rest.starts_with(b"<?xml ") {
                    self.hide(
                        b.get_mut(lt + 2..end.saturating_sub(2).max(lt + 2)).unwrap_or_default(),
                        false,
                    );
                }
                end
            } else if rest.starts_with(b"<!") {
                let end = end_of(b">");
                self.words(
                    b.get_mut(lt + 2..end).unwrap_or_default(),
                    Words { keep: &["doctype"], ..Words::ALL },
                );
                end
            } else {
                let end = tag_end(rest).map_or(b.len(), |e| lt + e);
                let tag = b.get_mut(lt..end).unwrap_or_default();
                self.tag(tag, &mut open);
                end
            }
            .max(lt + 1);
        }
    }

    fn tag(&mut self, b: &mut [u8], open: &mut Vec<String>) {
        let closing = b.get(1) == Some(&b'/');
        let from = if closing { 2 } else { 1 };
        let rest = b.get(from..).unwrap_or_default();
        let len = rest
            .iter()
            .position(|c| c.is_ascii_whitespace() || matches!(c, b'>' | b'/'))
            .unwrap_or(rest.len());
        let name = local_name(rest.get(..len).unwrap_or_default());
        if closing {
            if let Some(n) = open.iter().rposition(|o| *o == name) {
                open.truncate(n);
            }
            return;
        }
        let empty = b.ends_with(b"/>");
        let mut at = from + len;
        while at < b.len() {
            let Some(equals) = b.get(at..).and_then(|r| find(r, b'=')).map(|e| at + e) else { break };
            let attribute = b.get(at..equals).unwrap_or_default().trim_ascii();
            let attribute =
                attribute.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default().to_ascii_lowercase();
            let attribute = String::from_utf8_lossy(&attribute).into_owned();
            let skip = b
                .get(equals + 1..)
                .unwrap_or_default()
                .iter()
                .take_while(|c| c.is_ascii_whitespace())
                .count();
            let quote_at = equals + 1 + skip;
            let Some(&quote) = b.get(quote_at).filter(|q| matches!(q, b'"' | b'\'')) else {
                at = equals + 1;
                continue;
            };
            let close =
                b.get(quote_at + 1..).and_then(|r| find(r, quote)).map_or(b.len(), |c| quote_at + 1 + c);
            if !attribute.starts_with("xmlns") && !attribute.starts_with("xsi:") {
                let local = attribute.rsplit(':').next().unwrap_or_default().to_owned();
                if let Some(value) = b.get_mut(quote_at + 1..close) {
                    self.xml_value(value, &local, &name);
                }
            }
            at = close + 1;
        }
        if !empty && open.len() < 256 {
            open.push(name);
        }
    }

    /// A value, with the name of its element or attribute and of what that stands in, in lower case.
    fn xml_value(&mut self, b: &mut [u8], name: &str, parent: &str) {
        let start = b.iter().take_while(|c| c.is_ascii_whitespace()).count();
        let end = b.trim_ascii_end().len().max(start);
        let Some(b) = b.get_mut(start..end).filter(|b| !b.is_empty()) else { return };
        if SECRETS.iter().any(|s| name.ends_with(s)) {
            return self.secret(b);
        }
        if TEXTS.contains(&name) && !is_url(b) {
            return self.hide(b, true);
        }
        let text = String::from_utf8_lossy(b).into_owned();
        let lower = text.to_ascii_lowercase();
        // Why a command of conference control failed is one of a list.
        let reason = name == "reason" && reason_words(&text).is_some();
        if self.keywords.contains(lower.as_str()) || is_time(&text) || reason {
            return;
        }
        let number = text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'.' | b'-' | b':' | b','));
        let named = [
            "phone",
            "number",
            "tel",
            "uri",
            "display",
            "line",
            "user",
            "device",
            "extension",
            "dial",
            "party",
            "employee",
            "zip",
            "postal",
            "street",
            "fax",
            "mobile",
        ]
        .iter()
        .any(|n| name.contains(n) || parent.contains("phone"));
        if FORMAT.contains(&name) || (number && text.len() <= 5 && !named) {
            return if name == "reasonphrase" { self.free_text(b) } else { self.without_addresses(b) };
        }
        if name == "username" {
            return self.user_name(b);
        }
        if name == "rcclineuri" || is_url(b) {
            return self.uri(b);
        }
        // An identifier of a sequence, which grows; a number of people has its place.
        if number && !named && text.len() <= 10 && !text.contains(['.', '-']) {
            return;
        }
        if text.contains(' ')
            && text.contains(':')
            && is_url(text.split_ascii_whitespace().next().unwrap_or_default().as_bytes())
        {
            return self.words(b, Words { entities: true, keep: &["sip", "sips", "tel"], ..Words::NAMES });
        }
        self.words(b, Words { entities: true, ..Words::NAMES });
    }

    /// What the format enumerates may still be written about a machine.
    fn without_addresses(&mut self, b: &mut [u8]) {
        if is_url(b) || b.contains(&b'@') {
            return self.uri(b);
        }
        let known = b.iter().all(|c| c.is_ascii_alphanumeric() || b" -_.:;,/+".contains(c));
        if known && b.len() <= 64 {
            self.unless_plain(b);
        } else {
            self.words(b, Words { entities: true, ..Words::ALL });
        }
    }
}

fn is_url(b: &[u8]) -> bool {
    let schemes: [&[u8]; 13] = [
        b"sip:", b"sips:", b"tel:", b"im:", b"mailto:", b"http:", b"https:", b"urn:", b"pres:", b"conf:",
        b"ldap:", b"callto:", b"xmpp:",
    ];
    schemes.iter().any(|s| b.get(..s.len()).is_some_and(|head| head.eq_ignore_ascii_case(s)))
}

/// A date and time, a period (`PT15M`).
fn is_time(text: &str) -> bool {
    let date = text.len() >= 10
        && text.as_bytes().get(4) == Some(&b'-')
        && text.as_bytes().get(7) == Some(&b'-')
        && text.bytes().all(|c| c.is_ascii_digit() || b"-:.+TZ".contains(&c));
    let period = text.starts_with('P')
        && text.len() >= 3
        && text.bytes().skip(1).all(|c| c.is_ascii_digit() || b"YMDTHS.".contains(&c));
    date || period
}

fn local_name(b: &[u8]) -> String {
    let name = b.rsplit(|c| *c == b':').next().unwrap_or_default();
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

/// Length of a tag, up to a `>` outside of quotes.
fn tag_end(b: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, c) in b.iter().enumerate() {
        match (c, quote) {
            (c, Some(q)) if *c == q => quote = None,
            (b'"' | b'\'', None) => quote = Some(*c),
            (b'>', None) => return Some(at + 1),
            _ => {}
        }
    }
    None
}
