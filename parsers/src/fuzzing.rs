//! What the fuzz targets under `fuzz/` run, as plain functions, so that a stable test can replay the corpus.
//!
//! Each takes any bytes and asserts what holds for all input: ranges lie inside the buffer, framing makes progress,
//! splitting a stream does not change what it says. Nothing else should call these: they panic on purpose.

use std::ops::Range;

use crate::probe::{Probe, probe_datagram, probe_stream};
use crate::sdp::candidate::CandidateSyntax;
use crate::sip::{Framing, canonical_name, find_start, frame_message, looks_like_sip, parse_message, scan};
use crate::sqlr::SqlrMessage;
use crate::stun::integrity::{check_fingerprint, verify_integrity};
use crate::stun::stream::{self, StreamFraming, StreamGuess};
use crate::stun::{CheckUsername, Dialect, looks_like_stun, parse_channel_data, parse_stun, scan_stun};
use crate::tds::{TdsEvent, TdsReader};
use crate::tls::{TlsEvent, TlsReader};
use crate::websocket::{UpgradeHead, WsFrame, parse_frame, parse_upgrade, unmask};
use crate::xml::{Content, looks_like_xml, parse_xml};
use crate::{Issue, mime, sdp, sqlr, tds};

mod conference;
mod control;
mod media;

pub use conference::{
    c3p_document, conference_documents, im_body, presence_document, rlmi_body, sip_routing,
};
pub use control::{csta, dns, mras, ntlm, provisioning, roaming};
pub use media::{dtls, rtcp, rtp, zrtp};

/// One fuzz target.
pub type Body = fn(&[u8]);

/// All targets by the name of their corpus folder.
pub const TARGETS: &[(&str, Body)] = &[
    ("c3p", c3p_document),
    ("candidate", candidate),
    ("conference_info", conference_documents),
    ("csta", csta),
    ("dns", dns),
    ("dtls", dtls),
    ("im", im_body),
    ("mime", mime_body),
    ("mras", mras),
    ("ntlm", ntlm),
    ("presence", presence_document),
    ("probe", probe),
    ("provisioning", provisioning),
    ("rlmi", rlmi_body),
    ("roaming", roaming),
    ("rtcp", rtcp),
    ("rtp", rtp),
    ("sdp", sdp_session),
    ("sip_message", sip_message),
    ("sip_routing", sip_routing),
    ("sip_scan", sip_scan),
    ("sip_stream", sip_stream),
    ("stun", stun),
    ("stun_stream", stun_stream),
    ("sqlr", sqlr_datagram),
    ("tds", tds_stream),
    ("tls", tls),
    ("websocket", websocket),
    ("xml", xml),
    ("zrtp", zrtp),
];

#[track_caller]
fn inside(data: &[u8], range: &Range<usize>) {
    assert!(data.get(range.clone()).is_some(), "{range:?} is outside of {} bytes", data.len());
}

#[track_caller]
fn issues_inside(data: &[u8], issues: &[Issue]) {
    for issue in issues {
        inside(data, &issue.range);
        assert!(!issue.code.is_empty() && !issue.text.is_empty());
    }
}

/// First byte values become where to cut, the rest the data.
fn cut_points(data: &[u8]) -> (usize, &[u8]) {
    match data {
        [high, low, rest @ ..] => {
            let at = usize::from(u16::from_be_bytes([*high, *low]));
            (if rest.is_empty() { 0 } else { at % rest.len() }, rest)
        }
        _ => (0, data),
    }
}

pub fn probe(data: &[u8]) {
    let datagram = probe_datagram(data);
    let stream = probe_stream(data);
    // Text is told by its first line, in datagrams and streams alike.
    for text in [Probe::Sip, Probe::Http] {
        assert_eq!(datagram == text, stream == text, "{datagram:?} {stream:?}");
    }
}

pub fn sip_scan(data: &[u8]) {
    let Some(found) = scan(data) else {
        return;
    };
    assert!(found.body_start <= data.len());
    assert!(found.status == 0 || found.method.is_empty());
}

pub fn sip_message(data: &[u8]) {
    let Some(message) = parse_message(data) else {
        return;
    };
    inside(data, &message.start_range);
    inside(data, &message.body);
    issues_inside(data, &message.issues);
    let mut last = 0;
    for header in &message.headers {
        inside(data, &header.name_range);
        inside(data, &header.value_range);
        assert!(header.name_range.start >= last, "headers out of order");
        last = header.name_range.start;
        assert!(!canonical_name(header.name).is_empty() || header.name.is_empty());
    }
}

pub fn sip_stream(data: &[u8]) {
    if let Some(at) = find_start(data) {
        assert!(at < data.len());
    }
    let _ = looks_like_sip(data);
    let mut rest = data;
    loop {
        let used = match frame_message(rest, 4096, 65_536) {
            Framing::Message { start, len } => start + len,
            Framing::KeepAlive(used) => used,
            Framing::NeedMore(total) => {
                assert!(total > rest.len(), "{total} bytes are there already");
                return;
            }
            Framing::Reject(why) => {
                assert!(!why.is_empty());
                return;
            }
            Framing::TooLong { .. } => return,
        };
        assert!(used > 0, "no progress");
        rest = rest.get(used..).expect("a message is whole");
    }
}

/// The first line is the Content-Type.
pub fn mime_body(data: &[u8]) {
    let line = memchr::memchr(b'\n', data).unwrap_or(0);
    let (content_type, rest) = data.split_at(line);
    let start = data.len() - rest.len();
    let (part, issues) = mime::parse_body(data, start..data.len(), content_type);
    issues_inside(data, &issues);
    let mut open = vec![&part];
    while let Some(part) = open.pop() {
        inside(data, &part.head);
        inside(data, &part.content);
        open.extend(&part.parts);
    }
}

pub fn sdp_session(data: &[u8]) {
    let session = sdp::parse_sdp(data);
    issues_inside(data, &session.issues);
    for line in &session.lines {
        inside(data, &line.range);
        assert!(data[line.range.clone()].ends_with(line.value));
    }
    for media in &session.media {
        assert!(media.lines.end <= session.lines.len() && media.lines.start < media.lines.end);
        for attribute in &media.attributes {
            assert_eq!(&data[attribute.value_range.clone()], attribute.value);
        }
        for crypto in media.cryptos() {
            crypto.keys.iter().for_each(|key| inside(data, key));
        }
        let _ = (media.is_hold(), media.rtcp_port(), session.ice(media), session.fingerprint(media));
    }
    let secrets = session.secrets();
    secrets.iter().for_each(|secret| inside(data, secret));
    assert!(secrets.is_sorted_by(|a, b| a.end <= b.start), "secrets overlap: {secrets:?}");
}

/// Each line is the value of an `a=candidate`; then the whole is a trickle fragment.
pub fn candidate(data: &[u8]) {
    let mut at = 0;
    for line in data.split(|b| *b == b'\n') {
        let candidate = sdp::candidate::parse_candidate(line, at);
        inside(data, &candidate.range);
        issues_inside(data, &candidate.issues);
        if let Some((password, range)) = &candidate.password {
            assert_eq!(&data[range.clone()], *password);
        }
        let _ = (
            candidate.decoded_id(),
            candidate.decoded_password(),
            candidate.priority.words(CandidateSyntax::V19),
        );
        let _ = sdp::candidate::infer_type(&candidate, &[], &[]);
        at += line.len() + 1;
    }
    let session = sdp::parse_sdpfrag(data);
    issues_inside(data, &session.issues);
    let descriptions: Vec<_> =
        session.ice_descriptions().into_iter().chain(session.ice_before_media()).take(4).collect();
    for to in &descriptions {
        issues_inside(data, &to.issues);
        for candidate in &to.candidates {
            let _ = to.remarks(candidate);
        }
        for from in &descriptions {
            let _ = to.same_nat(from);
            for expected in sdp::candidate::expected_usernames(to, from).iter().take(64) {
                assert!(!expected.username.is_empty());
            }
            if let Some(ids) = to.candidates.first().and_then(|c| Some((c.decoded_id()?, c.component?))) {
                let component = u8::try_from(ids.1).ok();
                let name = CheckUsername { receiver: &ids.0, sender: &ids.0, component };
                let _ = (to.is_checked_by(from, &name), to.check_key(&name));
            }
        }
    }
}

/// The first byte gives what the flow is known to speak.
pub fn stun(data: &[u8]) {
    let Some((&hint, data)) = data.split_first() else {
        return;
    };
    let hint = match hint {
        1 => Some(Dialect::Rfc5389),
        2 => Some(Dialect::Classic),
        3 => Some(Dialect::MsTurn),
        4 => Some(Dialect::MsIce),
        5 => Some(Dialect::MsIce2),
        6 => Some(Dialect::Google),
        _ => None,
    };
    if let Some(channel) = parse_channel_data(data) {
        inside(data, &channel.data);
        assert!(channel.trailing < 4);
    }
    let Some(scan) = scan_stun(data, hint) else {
        assert!(!looks_like_stun(data));
        return;
    };
    assert!(!scan.name().is_empty());
    let _ = (scan.mapped(), scan.relayed(), scan.all_relayed().count(), scan.peers().count(), scan.error());
    let _ = (scan.alternate_server(), scan.check_username(), scan.realm(), scan.nonce(), scan.channel());
    let _ = (scan.controlling(), scan.controlled(), scan.lifetime(), scan.software(), scan.ms_sequence());
    let _ = (check_fingerprint(&scan), verify_integrity(&scan, b"key"), scan.proves_dialect());
    if let Some(inner) = scan.data_range() {
        inside(data, &inner);
    }
    let message = parse_stun(data, hint).expect("what can be scanned can be parsed");
    issues_inside(data, &message.issues);
    assert_eq!(message.attributes.len() + message.more_attributes, scan.attributes().count());
    let mut last = 0;
    for attribute in &message.attributes {
        inside(data, &attribute.range);
        inside(data, &attribute.value_range);
        assert!(attribute.range.start >= last && attribute.range.end >= attribute.value_range.end);
        last = attribute.range.end;
        let _ = (attribute.value.types().count(), attribute.value.algorithms().count());
    }
    if !message.issues.iter().any(|i| i.code.starts_with("stun-")) {
        assert!(!scan.is_malformed(), "malformed without a reason");
    }
}

pub fn stun_stream(data: &[u8]) {
    let (cut, data) = cut_points(data);
    let head = data.get(..cut).unwrap_or_default();
    for opening in
        [stream::pseudo_tls_client_hello, stream::pseudo_tls_server_hello, stream::goes_on_as_pseudo_tls]
    {
        let early = opening(head);
        assert!(matches!(early, stream::Opening::NeedMore(_)) || early == opening(data), "cut at {cut}");
    }
    match stream::probe_stun_stream(head) {
        StreamGuess::NeedMore(total) => assert!(total > head.len(), "{total} bytes are there already"),
        found => assert_eq!(found, stream::probe_stun_stream(data), "cut at {cut}"),
    }
    let framings =
        [StreamFraming::Rfc, StreamFraming::Rfc4571, StreamFraming::Microsoft, StreamFraming::Multiplexed];
    for framing in framings {
        match framing.frame(head) {
            stream::Framing::NeedMore(total) => {
                assert!(total > head.len(), "{total} bytes are there already")
            }
            found => assert_eq!(found, framing.frame(data), "cut at {cut}"),
        }
        if let Some(at) = framing.find_next(data) {
            assert!(at > 0 && at < data.len());
        }
        let mut rest = data;
        while let stream::Framing::Message { payload, consumed, .. } = framing.frame(rest) {
            assert!(consumed > 0 && payload.end <= consumed, "no progress");
            inside(rest, &payload);
            rest = rest.get(consumed..).expect("a frame is whole");
        }
    }
}

pub fn sqlr_datagram(data: &[u8]) {
    let Some(parsed) = sqlr::parse_sqlr(data) else {
        assert!(!sqlr::looks_like_sqlr(data));
        return;
    };
    issues_inside(data, &parsed.issues);
    let value = |v: &sqlr::Value<'_>| assert_eq!(&data[v.range.clone()], v.bytes);
    match &parsed.message {
        SqlrMessage::Request(request) => request.instance.iter().for_each(value),
        SqlrMessage::Response(response) => {
            inside(data, &response.data);
            for instance in response.instances() {
                inside(data, &instance.range);
                [&instance.server, &instance.name, &instance.clustered, &instance.version]
                    .into_iter()
                    .flatten()
                    .chain(instance.protocols.iter().flat_map(|p| &p.values))
                    .chain(instance.unknown.iter().map(|(key, _)| key))
                    .for_each(value);
                let _ = (instance.tcp_port(), instance.pipe().map(|p| p.text()));
            }
        }
    }
}

pub fn tds_stream(data: &[u8]) {
    let (cut, data) = cut_points(data);
    let (head, tail) = data.split_at(cut);
    let read = |parts: &[&[u8]], gap: bool| {
        let mut reader = TdsReader::default();
        let mut events = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if gap && index > 0 {
                reader.gap(&mut events);
            }
            reader.push(part, &mut events);
        }
        reader.finish(&mut events);
        events
    };
    let whole = read(&[data], false);
    assert_eq!(read(&[head, tail], false), whole, "cut at {cut}");
    for event in whole.iter().chain(&read(&[head, tail], true)) {
        match event {
            TdsEvent::Message(message) => {
                inside(data, &(message.start..message.end));
                assert!(message.payload.len() <= message.length);
                let payload = &message.payload;
                for from_server in [false, true] {
                    let prelogin = tds::parse_prelogin(payload, from_server);
                    issues_inside(payload, &prelogin.issues);
                    for option in &prelogin.options {
                        inside(payload, &option.range);
                        assert_eq!(&payload[option.value_range.clone()], option.value);
                    }
                }
                let login = tds::parse_login7(payload);
                issues_inside(payload, &login.issues);
                login.secrets.iter().for_each(|secret| inside(payload, secret));
                let _ = (tds::parse_old_login(payload), message.content());
                issues_inside(payload, &tds::parse_tokens(payload).issues);
            }
            TdsEvent::Issue(issue) => issues_inside(data, std::slice::from_ref(issue)),
            TdsEvent::TlsRecord { start, bytes, .. } => inside(data, &(*start..*start + *bytes)),
            TdsEvent::DirectTls | TdsEvent::Multiplexed { .. } => {}
        }
    }
    let _ = (tds::looks_like_tds(data), tds::frame_packet(data));
}

pub fn tls(data: &[u8]) {
    let (cut, data) = cut_points(data);
    let (head, tail) = data.split_at(cut);
    let read = |parts: &[&[u8]], gap: bool| {
        let mut reader = TlsReader::default();
        let mut events = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if gap && index > 0 {
                reader.gap();
            }
            reader.push(part, &mut events);
        }
        events
    };
    let whole = read(&[data], false);
    if !whole.iter().any(|e| matches!(e, TlsEvent::Issue(_))) {
        assert_eq!(read(&[head, tail], false), whole, "cut at {cut}");
    }
    let _ = read(&[head, tail], true);
}

pub fn websocket(data: &[u8]) {
    match parse_upgrade(data) {
        UpgradeHead::Request { len, .. } | UpgradeHead::Accepted { len, .. } | UpgradeHead::Other { len } => {
            let head = data.get(..len).expect("a head is whole");
            assert_eq!(parse_upgrade(head), parse_upgrade(data));
        }
        UpgradeHead::NeedMore | UpgradeHead::Reject => {}
    }
    let mut rest = data;
    loop {
        match parse_frame(rest, 1 << 16) {
            WsFrame::Frame { mask, header, payload, .. } => {
                let used = header + payload;
                let mut content = rest.get(header..used).expect("a frame is whole").to_vec();
                if let Some(mask) = mask {
                    unmask(&mut content, mask, 0);
                }
                assert!(used >= 2);
                rest = &rest[used..];
            }
            WsFrame::NeedMore(total) => {
                assert!(total > rest.len(), "{total} bytes are there already");
                return;
            }
            WsFrame::Reject(why) => {
                assert!(!why.is_empty());
                return;
            }
            WsFrame::TooLong => return,
        }
    }
}

pub fn xml(data: &[u8]) {
    let document = parse_xml(data);
    issues_inside(data, &document.issues);
    let mut open: Vec<(usize, Range<usize>)> = Vec::new();
    for (index, content) in document.nodes().enumerate() {
        assert_eq!(content.id().index(), index);
        let range = content.range();
        inside(data, &range);
        open.retain(|(end, _)| *end > index);
        assert_eq!(open.len(), content.depth());
        if let Some((end, around)) = open.last() {
            assert!(content.end() <= *end, "a node ends behind what it stands in");
            assert!(
                around.start <= range.start && range.end <= around.end,
                "{range:?} is outside of {around:?}"
            );
        }
        match content {
            Content::Element(element) => {
                let tag = element.tag_range();
                assert!(range.start == tag.start && tag.end <= range.end);
                for attribute in element.attributes() {
                    let value = attribute.value_range();
                    assert!(tag.start <= value.start && value.end <= tag.end);
                    let _ = (attribute.name(), attribute.namespace(), attribute.value());
                }
                assert!(element.children().all(|c| c.parent().map(|p| p.id()) == Some(element.id())));
                let _ = (element.text(), element.namespace(), element.source());
            }
            Content::Text(text) => assert!(!text.text().trim().is_empty()),
        }
        open.push((content.end(), range));
    }
    let _ = looks_like_xml(data);
}
