//! Datagrams and segments in a line.

use callscope_parsers::sqlr::{Instance, ResponseBody, SqlrMessage, parse_sqlr};
use callscope_parsers::tds::{
    HEADER, Login7, PacketType, Prelogin, TdsContent, TdsEvent, TdsFrame, TdsReader, frame_packet,
    parse_login7, parse_prelogin, parse_tokens,
};

use super::{encryption, name, question};

/// A datagram of SQL Server Browser: `CLNT_UCAST_INST  instance RTC`.
pub fn datagram(payload: &[u8]) -> Option<String> {
    let read = parse_sqlr(payload)?;
    let mut out = match &read.message {
        SqlrMessage::Request(q) => {
            let instance = q.instance.as_ref().map(|i| i.text());
            format!("{}  {}", q.kind.name(), question(q.kind, instance.as_deref()))
        }
        SqlrMessage::Response(r) => match &r.body {
            ResponseBody::Dac { port: Some(port), .. } => format!("SVR_RESP  admin port tcp {port}"),
            ResponseBody::Dac { .. } => "SVR_RESP  admin port".to_owned(),
            ResponseBody::Instances(all) => format!("SVR_RESP  {}", list(all)),
        },
    };
    match read.pattern {
        Some(pattern) => out.push_str(&format!("  [{}]", pattern.title())),
        None if read.is_malformed() => out.push_str("  [malformed]"),
        None => {}
    }
    Some(out)
}

fn list(all: &[Instance<'_>]) -> String {
    const MOST: usize = 4;
    let one = |i: &Instance<'_>| {
        let named = i.name.as_ref().map_or_else(|| "unnamed".to_owned(), |n| name(&n.text()));
        match i.tcp_port() {
            Some(port) => format!("{named} → tcp {port}"),
            None => format!("{named} (no tcp)"),
        }
    };
    if all.is_empty() {
        return "no instance".to_owned();
    }
    let told: Vec<String> = all.iter().take(MOST).map(one).collect();
    let more = all.len().saturating_sub(MOST);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    told.join(" · ") + &rest
}

/// TDS packets that stand in a segment from its first byte; none where it does not begin with one that fits.
pub fn segment(payload: &[u8], from_server: bool) -> Option<String> {
    let kind = match frame_packet(payload) {
        TdsFrame::Packet(header) => header.kind,
        TdsFrame::NeedMore(_) => {
            let kind = payload.first().map(|k| PacketType(*k)).filter(|_| payload.len() >= HEADER)?;
            return Some(format!("{} (the rest follows)", kind.name()?));
        }
        TdsFrame::Reject(_) => return None,
    };
    let mut events = Vec::new();
    let mut reader = TdsReader::default();
    reader.push(payload, &mut events);
    reader.finish(&mut events);
    let mut told = Vec::new();
    for event in events.iter().take(4) {
        told.push(match event {
            TdsEvent::Message(m) => match m.content() {
                TdsContent::Prelogin => prelogin(&parse_prelogin(&m.payload, from_server)),
                TdsContent::Tls => "TLS inside TDS".to_owned(),
                TdsContent::Login7 => login(&parse_login7(&m.payload)),
                TdsContent::Tokens => {
                    let read = parse_tokens(&m.payload);
                    match (read.error(), read.login_ack()) {
                        (Some(e), _) => format!("error {} {}", e.number, name(&e.text)),
                        (None, Some(ack)) => format!("login accepted by {}", name(&ack.program)),
                        (None, None) => "tabular result".to_owned(),
                    }
                }
                TdsContent::Other => m.kind.name().unwrap_or("packet").to_owned(),
            },
            TdsEvent::TlsRecord { .. } | TdsEvent::DirectTls => "TLS".to_owned(),
            TdsEvent::Multiplexed { .. } => "multiplexed (MARS)".to_owned(),
            TdsEvent::Issue(_) => continue,
        });
    }
    if told.is_empty() {
        told.push(kind.name()?.to_owned());
    }
    Some(told.join(" · "))
}

fn prelogin(p: &Prelogin<'_>) -> String {
    let mut out = "PRELOGIN".to_owned();
    if let Some(version) = p.version {
        out.push_str(&format!(" {version}"));
    }
    if let Some(e) = p.encryption {
        out.push_str(&format!(", encryption {}", encryption(e)));
    }
    if p.mars == Some(true) {
        out.push_str(", MARS");
    }
    if p.instance_matches() == Some(false) {
        out.push_str(", another instance");
    }
    out
}

fn login(l: &Login7) -> String {
    let user = if l.user.is_empty() && l.integrated { "integrated".to_owned() } else { name(&l.user) };
    format!("LOGIN7 {user}@{} → {} {}", name(&l.host), name(&l.server), name(&l.database))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_in_a_line() {
        let line = |bytes: &[u8]| datagram(bytes).unwrap_or_default();
        assert_eq!(line(b"\x03"), "CLNT_UCAST_EX  all instances");
        assert_eq!(line(b"\x04RTC\0"), "CLNT_UCAST_INST  instance RTC");
        assert_eq!(line(b"\x0f\x01RTC\0"), "CLNT_UCAST_DAC  admin port of RTC");
        // The example of [MC-SQLR] §4.3.
        assert_eq!(line(b"\x05\x06\0\x01\x32\xdf"), "SVR_RESP  admin port tcp 57138");
        let answer = b"\x05\x58\0ServerName;ILSUNG1;InstanceName;YUKONSTD;IsClustered;No;Version;9.00.1399.06;tcp;57137;;";
        assert_eq!(line(answer), "SVR_RESP  YUKONSTD \u{2192} tcp 57137");
        assert_eq!(line(&answer[..40]), "SVR_RESP  YUKON (no tcp)  [malformed]");
        assert_eq!(line(b"\x04\x1b[2J\0").matches('\x1b').count(), 0);
        assert_eq!(datagram(b"\x80"), None);
    }

    #[test]
    fn segments_in_a_line() {
        // The example of [MS-TDS] §4.1.
        let prelogin = [
            0x12, 0x01, 0x00, 0x2f, 0, 0, 1, 0, 0, 0, 0x1a, 0, 6, 1, 0, 0x20, 0, 1, 2, 0, 0x21, 0, 1, 3, 0,
            0x22, 0, 4, 4, 0, 0x26, 0, 1, 0xff, 9, 0, 0, 0, 0, 0, 1, 0, 0xb8, 0x0d, 0, 0, 1,
        ];
        assert_eq!(segment(&prelogin, false).as_deref(), Some("PRELOGIN 9.0.0, encryption on, MARS"));
        assert_eq!(segment(&prelogin[..30], false).as_deref(), Some("PRELOGIN (the rest follows)"));
        assert_eq!(segment(b"\x12\x01\0\x07\0\0\x01\0", false), None);
        assert_eq!(segment(b"GET / HTTP/1.1\r\n", false), None);
    }
}
