//! Remote call control in words (CSTA in INFO and INVITE, ECMA TR/87).

use callscope_parsers::csta::{Csta, CstaKind, parse_csta};
use callscope_parsers::sip::{Message, parse_message};

use crate::correlate::{Analysis, Content, MsgIdx, SipRecord};
use crate::show;

/// Columns of a device and of a call id.
const NAME: usize = 40;
const CALL: usize = 16;

fn read(record: &SipRecord, message: &Message<'_>) -> Option<Csta> {
    (record.content == Content::Csta).then(|| message.bytes.get(message.body.clone()).and_then(parse_csta))?
}

/// `MakeCall → tel:+14255550100`, `Delivered tel:+14255550100, call 42`, `error operation invalidDeviceID`.
pub fn words(record: &SipRecord, message: Option<&Message<'_>>) -> String {
    message.and_then(|message| read(record, message)).map(|csta| said(&csta)).unwrap_or_default()
}

/// Does it tell of an error?
pub fn is_error(analysis: &Analysis, m: MsgIdx) -> bool {
    told(analysis, m).is_some_and(|(kind, _)| kind == CstaKind::Error)
}

/// What the document of a message is, and what it says; None where it has none.
pub fn told(analysis: &Analysis, m: MsgIdx) -> Option<(CstaKind, String)> {
    let record = analysis.message(m);
    if record.content != Content::Csta {
        return None;
    }
    let bytes = analysis.message_bytes(m).ok()?;
    let csta = parse_message(&bytes).and_then(|message| read(record, &message))?;
    Some((csta.kind, said(&csta)))
}

fn said(csta: &Csta) -> String {
    let short = |text: &str, columns| show::shorten(&show::safe_str(text.trim()), columns);
    if csta.kind == CstaKind::Error {
        return match &csta.error {
            Some((category, value)) => format!("error {} {}", short(category, NAME), short(value, NAME)),
            None => "error".to_owned(),
        };
    }
    let name = match csta.kind {
        CstaKind::Event => csta.name.strip_suffix("Event").unwrap_or(&csta.name),
        _ => &csta.name,
    };
    let mut words = short(name, NAME);
    let to = ["calledDirectoryNumber", "newDestination", "transferredTo"];
    match to.iter().find_map(|role| csta.device_of(role)).filter(|_| csta.kind == CstaKind::Request) {
        Some(to) => words.push_str(&format!(" → {}", short(to, NAME))),
        None => {
            if let Some(device) = csta.device() {
                words.push_str(&format!(" {}", short(device, NAME)));
            }
        }
    }
    if let Some(call) = csta.call_id() {
        words.push_str(&format!(", call {}", short(call, CALL)));
    }
    if let Some(status) = &csta.system_status {
        words.push_str(&format!(", {}", short(status, NAME)));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Layouts of ECMA-323; numbers of the fictitious range.
    fn check(xml: &str, expected: &str) {
        assert_eq!(said(&parse_csta(xml.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn requests_responses_events_and_errors() {
        const NS: &str = "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"";
        check(
            &format!(
                "<MakeCall {NS}><callingDevice>tel:+14255550100</callingDevice>\
<calledDirectoryNumber>tel:+14255550101</calledDirectoryNumber></MakeCall>"
            ),
            "MakeCall → tel:+14255550101",
        );
        let connection = "<callID>42</callID><deviceID>tel:+14255550100</deviceID>";
        check(
            &format!("<MakeCallResponse {NS}><callingDevice>{connection}</callingDevice></MakeCallResponse>"),
            "MakeCallResponse tel:+14255550100, call 42",
        );
        check(
            &format!("<DeliveredEvent {NS}><connection>{connection}</connection></DeliveredEvent>"),
            "Delivered tel:+14255550100, call 42",
        );
        check(
            &format!("<CSTAErrorCode {NS}><operation>invalidDeviceID</operation></CSTAErrorCode>"),
            "error operation invalidDeviceID",
        );
        check(&format!("<CSTAErrorCode {NS}/>"), "error");
        // What a terminal would act on is written visibly.
        check(
            &format!("<CSTAErrorCode {NS}><operation>\u{1b}[2J</operation></CSTAErrorCode>"),
            "error operation \\x1b[2J",
        );
    }
}
