//! What correlation looks messages up by, hashed ahead where there is time for it: on the workers.

use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;
use std::sync::LazyLock;

use callscope_parsers::mime::media_type;
use callscope_parsers::sip::scan::SdpScan;
use callscope_parsers::sip::{Scan, reason_phrase};
use memchr::memmem::Finder;

use super::{Content, KindBits, MethodId, Transport};

/// Hashes of a message's Call-ID, flow, branch, tags and parties, and what comparing its bytes tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// By the load's own random state.
    pub call_id: u64,
    pub flow: u64,
    /// The same in every run; 0 only for an empty value.
    pub branch: u32,
    pub from_tag: u32,
    pub to_tag: u32,
    pub kind: KindBits,
    pub content: Content,
    /// Of a request its method, of an answer that of its CSeq, if it is one of the known ones.
    pub method: Option<MethodId>,
    /// The reason phrase is the one that the status code has by the registry.
    pub usual_reason: bool,
    /// The first media section is not to be sent to: on hold, as its SDP says.
    pub held: bool,
    /// Of an INVITE that opens a call, by the load's own random state: URI and display name of From, then of To.
    pub parties: [u64; 4],
    /// Of such an INVITE: one of the headers that name another leg is there.
    pub names_leg: bool,
    /// Of the SDP's origin and of its first media address; 0 where they tell nothing.
    pub origin: u64,
    pub media: u64,
    /// [`name_hash`] of the only ice-ufrag; 0 for none.
    pub ufrag: u64,
    /// There may be more names for ICE than that: another ufrag, the ids of draft-06.
    pub more_names: bool,
    /// Its body is a session description alone, and ends where the message ends.
    pub plain_sdp: bool,
}

impl Keys {
    /// `message` is what `scan` was made of.
    pub fn of(
        scan: &Scan<'_>,
        message: &[u8],
        (src, dst): (SocketAddr, SocketAddr),
        transport: Transport,
        state: &foldhash::fast::RandomState,
        leg_headers: &[String],
    ) -> Self {
        let method = MethodId::known(if scan.status == 0 { scan.method } else { scan.cseq_method });
        let opens = scan.status == 0 && method == Some(MethodId::INVITE) && scan.to.tag.is_empty();
        let parties = [scan.from.uri, scan.from.display, scan.to.uri, scan.to.display];
        let (origin, media) = scan.sdp.map_or((0, 0), |sdp| (origin_key(&sdp), media_key(&sdp)));
        let content = Content::of(scan.content_type);
        let (ufrag, more_names) = ice_names(scan, message);
        Self {
            kind: KindBits::of(scan, content, message),
            content,
            method,
            parties: if opens { parties.map(|part| state.hash_one(part)) } else { [0; 4] },
            names_leg: opens && header_named(message, scan.body_start, leg_headers).is_some(),
            usual_reason: scan.status != 0 && scan.reason == reason_phrase(scan.status).as_bytes(),
            held: scan.sdp.is_some_and(|sdp| is_held(&sdp)),
            origin,
            media,
            ufrag,
            more_names,
            plain_sdp: content == Content::Sdp && is_plain(scan, message),
            call_id: state.hash_one(scan.call_id),
            flow: Self::flow_hash(src, dst, transport, state),
            branch: short_hash(scan.branch),
            from_tag: short_hash(scan.from.tag),
            to_tag: short_hash(scan.to.tag),
        }
    }

    pub fn flow_hash(
        src: SocketAddr,
        dst: SocketAddr,
        transport: Transport,
        state: &foldhash::fast::RandomState,
    ) -> u64 {
        let mut h = state.build_hasher();
        for end in [src, dst] {
            match end {
                SocketAddr::V4(a) => h.write_u64(u64::from(a.ip().to_bits()) << 16 | u64::from(a.port())),
                SocketAddr::V6(a) => {
                    h.write_u128(a.ip().to_bits());
                    h.write_u64(u64::from(a.port()));
                }
            }
        }
        h.write_u64(transport as u64);
        h.finish()
    }
}

/// The hash that a party of connectivity checks is known by: of its ufrag, or of a candidate id of draft-06.
pub fn name_hash(name: &[u8]) -> u64 {
    foldhash::fast::FixedState::with_seed(6).hash_one(name)
}

/// Length of `application/sdp`, with a charset at most: a longer Content-Type is a multipart.
const PLAIN_SDP: usize = 32;

/// See [`Keys::plain_sdp`].
fn is_plain(scan: &Scan<'_>, message: &[u8]) -> bool {
    let told = scan.content_length.and_then(|n| usize::try_from(n).ok());
    media_type(scan.content_type).eq_ignore_ascii_case(b"application/sdp")
        && told.is_none_or(|n| scan.body_start.checked_add(n) == Some(message.len()))
}

/// See [`Keys::ufrag`] and [`Keys::more_names`].
fn ice_names(scan: &Scan<'_>, message: &[u8]) -> (u64, bool) {
    let Some(sdp) = &scan.sdp else { return (0, false) };
    let (mut first, mut more) = (0, false);
    for name in ufrags(message.get(scan.body_start..).unwrap_or_default()) {
        let hash = name_hash(name);
        more |= first != 0 && hash != first;
        first = if first == 0 { hash } else { first };
    }
    more |= sdp.candidates > 0 && (first == 0 || scan.content_type.len() > PLAIN_SDP);
    more |= first != 0 && sdp.media_sections != 1;
    (first, more)
}

/// Values of `a=ice-ufrag` lines.
pub fn ufrags(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    static UFRAG: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("a=ice-ufrag:"));
    UFRAG.find_iter(body).filter_map(|at| {
        let value = body.get(at + UFRAG.needle().len()..)?;
        let end = memchr::memchr2(b'\r', b'\n', value).unwrap_or(value.len());
        value.get(..end).map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
    })
}

/// Value of the first header with one of these names.
pub fn header_named<'a>(message: &'a [u8], body_start: usize, names: &[String]) -> Option<&'a [u8]> {
    let head = message.get(..body_start.min(message.len()))?;
    let mut lines = memchr::memchr_iter(b'\n', head);
    let mut from = lines.next()? + 1;
    for end in lines {
        let line = &head[from..end];
        from = end + 1;
        let found = names.iter().find_map(|n| {
            let rest = line.get(n.len()..).filter(|_| line[..n.len()].eq_ignore_ascii_case(n.as_bytes()))?;
            rest.trim_ascii_start().strip_prefix(b":")
        });
        if let Some(value) = found {
            return Some(value.trim_ascii());
        }
    }
    None
}

fn is_held(sdp: &SdpScan<'_>) -> bool {
    sdp.direction.eq_ignore_ascii_case(b"sendonly")
        || sdp.direction.eq_ignore_ascii_case(b"inactive")
        || connection_address(sdp.address) == b"0.0.0.0"
}

fn hash_parts(kind: u8, parts: &[&[u8]]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::with_seed(2).build_hasher();
    hasher.write_u8(kind);
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish().max(1)
}

fn says_nothing(address: &[u8]) -> bool {
    address.is_empty()
        || matches!(address, b"0.0.0.0" | b"::" | b"::1")
        || address.starts_with(b"127.")
        || address.eq_ignore_ascii_case(b"localhost")
}

/// User, session id and address of `o=`; the version changes within a session. 0 for constant-looking ones.
pub fn origin_key(sdp: &SdpScan<'_>) -> u64 {
    let mut words = sdp.origin.split(|b| *b == b' ').filter(|w| !w.is_empty());
    let (Some(user), Some(session)) = (words.next(), words.next()) else { return 0 };
    let Some(address) = words.nth(3) else { return 0 };
    if session.len() < 4 || session.iter().all(|b| *b == session[0]) || says_nothing(address) {
        return 0;
    }
    hash_parts(1, &[user, session, address])
}

/// Address and port of the first media section; 0 where it is refused or on hold.
pub fn media_key(sdp: &SdpScan<'_>) -> u64 {
    let address = connection_address(sdp.address);
    let port = sdp.media.split(|b| *b == b' ').filter(|w| !w.is_empty()).nth(1).unwrap_or_default();
    let port = port.split(|b| *b == b'/').next().unwrap_or_default();
    let number: u16 = std::str::from_utf8(port).ok().and_then(|p| p.parse().ok()).unwrap_or(0);
    // 9 is the discard port of an offer without candidates yet (RFC 8840).
    if says_nothing(address) || matches!(number, 0 | 9) {
        return 0;
    }
    hash_parts(2, &[address, &number.to_be_bytes()])
}

/// The address alone, whether or not `IN IP4` stands before it and a TTL behind.
pub fn connection_address(value: &[u8]) -> &[u8] {
    let last = value.rsplit(|b| *b == b' ').next().unwrap_or_default();
    last.split(|b| *b == b'/').next().unwrap_or_default()
}

pub(super) fn short_hash(s: &[u8]) -> u32 {
    if s.is_empty() {
        return 0;
    }
    let hash = foldhash::fast::FixedState::with_seed(1).hash_one(s);
    ((hash >> 32) as u32 ^ hash as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_alone_that_ends_where_the_message_does() {
        for (headers, plain) in [
            ("Content-Type: application/sdp\r\nContent-Length: 5\r\n", true),
            ("c: Application/SDP; charset=x\r\nl: 5\r\n", true),
            ("Content-Type: application/sdp\r\n", true),
            // Less than there is, and more: cut.
            ("Content-Type: application/sdp\r\nContent-Length: 4\r\n", false),
            ("Content-Type: application/sdp\r\nContent-Length: 6\r\n", false),
            ("Content-Type: x/sdp\r\nContent-Length: 5\r\n", false),
            ("Content-Type: multipart/mixed;boundary=x\r\nContent-Length: 5\r\n", false),
            ("Content-Length: 5\r\n", false),
        ] {
            let message = format!("INFO sip:a@b SIP/2.0\r\n{headers}\r\nv=0\r\n");
            let scan = callscope_parsers::sip::scan(message.as_bytes()).expect("a message");
            let ends = ("10.0.0.1:1".parse().expect("address"), "10.0.0.2:2".parse().expect("address"));
            let state = foldhash::fast::RandomState::default();
            let keys = Keys::of(&scan, message.as_bytes(), ends, Transport::Udp, &state, &[]);
            assert_eq!(keys.plain_sdp, plain, "{headers}");
        }
    }

    #[test]
    fn keys_of_sdp() {
        let sdp = |origin: &'static str, address: &'static str, media: &'static str| SdpScan {
            origin: origin.as_bytes(),
            address: address.as_bytes(),
            media: media.as_bytes(),
            ..SdpScan::default()
        };
        let a = sdp("- 12345 1 IN IP4 10.0.0.1", "IN IP4 10.0.0.1", "audio 4000 RTP/AVP 0");
        let b = sdp("- 12345 2 IN IP4 10.0.0.1", "10.0.0.1/127", "audio 4000/2 RTP/AVP 8");
        assert!(origin_key(&a) != 0 && origin_key(&a) == origin_key(&b), "the version may change");
        assert!(media_key(&a) != 0 && media_key(&a) == media_key(&b));
        for constant in
            ["- 0 0 IN IP4 10.0.0.1", "- 1111 1 IN IP4 10.0.0.1", "- 53655765 1 IN IP4 127.0.0.1", "x", ""]
        {
            assert_eq!(origin_key(&sdp(constant, "", "")), 0, "{constant}");
        }
        for (address, media) in
            [("0.0.0.0", "audio 1 x"), ("10.0.0.1", "audio 0 x"), ("10.0.0.1", "audio"), ("", "audio 1")]
        {
            assert_eq!(media_key(&sdp("", address, media)), 0);
        }
    }
}
