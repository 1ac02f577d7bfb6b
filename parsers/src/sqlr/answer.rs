//! SVR_RESP.

use std::ops::Range;

use super::{Issues, RequestKind, code_page_1252};

/// Instances read of one answer.
const MAX_INSTANCES: usize = 4096;
/// Protocols and unknown keys kept of one instance.
const MAX_ENTRIES: usize = 64;
/// Most bytes of one instance ([MC-SQLR] §2.2.5).
const MAX_INSTANCE_BYTES: usize = 1024;
/// Microsoft clients drop a larger answer to CLNT_UCAST_EX (§2.2.5 note 4).
const CLIENT_LIMIT: usize = 4096;
/// Size, kind.
const HEADER: usize = 3;

/// Text as on the wire, in a code page nobody names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Value<'a> {
    pub bytes: &'a [u8],
    /// In the datagram.
    pub range: Range<usize>,
}

impl Value<'_> {
    /// Read as code page 1252.
    pub fn text(&self) -> String {
        code_page_1252(self.bytes)
    }
}

/// A protocol token of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolKind {
    /// Named pipe.
    Np,
    Tcp,
    Via,
    /// SQL Server 2000 only, as are the rest.
    Rpc,
    Spx,
    Adsp,
    /// Banyan VINES: item, group and organisation.
    Bv,
}

impl ProtocolKind {
    const ALL: [Self; 7] = [Self::Np, Self::Tcp, Self::Via, Self::Rpc, Self::Spx, Self::Adsp, Self::Bv];

    /// The token.
    pub fn name(self) -> &'static str {
        match self {
            Self::Np => "np",
            Self::Tcp => "tcp",
            Self::Via => "via",
            Self::Rpc => "rpc",
            Self::Spx => "spx",
            Self::Adsp => "adsp",
            Self::Bv => "bv",
        }
    }

    fn of(key: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|p| key.eq_ignore_ascii_case(p.name().as_bytes()))
    }
}

/// One protocol with its values as written: one, of `bv` up to three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol<'a> {
    pub kind: ProtocolKind,
    pub values: Vec<Value<'a>>,
}

impl Protocol<'_> {
    /// Of `tcp`: its port, if it is one.
    pub fn port(&self) -> Option<u16> {
        let value = self.values.first().filter(|_| self.kind == ProtocolKind::Tcp)?;
        let digits =
            std::str::from_utf8(value.bytes).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse().ok().filter(|p| *p != 0)
    }
}

/// One instance of an answer. Fields that the answer does not have are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instance<'a> {
    pub server: Option<Value<'a>>,
    pub name: Option<Value<'a>>,
    /// As written; [`Instance::is_clustered`] reads it.
    pub clustered: Option<Value<'a>>,
    pub version: Option<Value<'a>>,
    /// In order; a protocol that is there twice is kept twice.
    pub protocols: Vec<Protocol<'a>>,
    /// Keys that are none of the specification's.
    pub unknown: Vec<(Value<'a>, Value<'a>)>,
    /// In the datagram.
    pub range: Range<usize>,
}

impl<'a> Instance<'a> {
    pub fn is_clustered(&self) -> Option<bool> {
        let value = self.clustered.as_ref()?.bytes;
        match value {
            v if v.eq_ignore_ascii_case(b"Yes") => Some(true),
            v if v.eq_ignore_ascii_case(b"No") => Some(false),
            _ => None,
        }
    }

    /// First of that kind.
    pub fn protocol(&self, kind: ProtocolKind) -> Option<&Protocol<'a>> {
        self.protocols.iter().find(|p| p.kind == kind)
    }

    /// TCP port. `None` also where the token is missing: TCP is disabled, the port is no port, or the answer would
    /// have become too long (§3.1.5.2).
    pub fn tcp_port(&self) -> Option<u16> {
        self.protocol(ProtocolKind::Tcp)?.port()
    }

    /// Name of the pipe.
    pub fn pipe(&self) -> Option<&Value<'a>> {
        self.protocol(ProtocolKind::Np)?.values.first()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseBody<'a> {
    Instances(Vec<Instance<'a>>),
    /// Answer to CLNT_UCAST_DAC.
    Dac {
        version: u8,
        port: Option<u16>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response<'a> {
    /// As the size field says; `None` where it is cut.
    pub declared: Option<u16>,
    /// What is there, in the datagram.
    pub data: Range<usize>,
    pub body: ResponseBody<'a>,
}

impl<'a> Response<'a> {
    /// Empty for the answer of the administrator's port.
    pub fn instances(&self) -> &[Instance<'a>] {
        match &self.body {
            ResponseBody::Instances(instances) => instances,
            ResponseBody::Dac { .. } => &[],
        }
    }

    /// The instance of that name, any case.
    pub fn instance(&self, name: &[u8]) -> Option<&Instance<'a>> {
        let named = |i: &&Instance<'a>| i.name.as_ref().is_some_and(|n| n.bytes.eq_ignore_ascii_case(name));
        self.instances().iter().find(named)
    }

    /// Will Microsoft's clients drop it as an answer to this question, for its size?
    pub fn is_dropped_by_clients(&self, question: RequestKind) -> bool {
        let long = |v: &Value<'_>| v.bytes.len() > 255;
        match question {
            RequestKind::UnicastEx => self.data.len() > CLIENT_LIMIT,
            RequestKind::UnicastInstance => {
                self.data.len() > MAX_INSTANCE_BYTES
                    || self.instances().iter().flat_map(|i| &i.protocols).flat_map(|p| &p.values).any(long)
            }
            RequestKind::BroadcastEx | RequestKind::UnicastDac => false,
        }
    }
}

pub(super) fn parse<'a>(payload: &'a [u8], issues: &mut Issues) -> Response<'a> {
    let end = payload.len();
    let Some(declared) = payload.get(1..HEADER).and_then(|b| b.first_chunk()).map(|b| u16::from_le_bytes(*b))
    else {
        issues.add("sqlr-cut", 1..end, "The size field is cut");
        return Response { declared: None, data: end..end, body: ResponseBody::Instances(Vec::new()) };
    };
    let data = payload.get(HEADER..).unwrap_or_default();
    // The version byte, where a list has a letter. Size 3 would be that of the data, as for lists.
    if matches!(declared, 3 | 6) && data.first() == Some(&1) {
        return dac(payload, declared, issues);
    }
    if usize::from(declared) != data.len() {
        let text = format!("The length field says {declared}, the datagram holds {}", data.len());
        issues.add("sqlr-size", 1..HEADER, text);
    }
    if data.is_empty() {
        issues.add("sqlr-empty", HEADER..end, "The answer has no data");
    }
    let instances = Walk { data, issues, at: 0, closed: true }.instances();
    Response { declared: Some(declared), data: HEADER..end, body: ResponseBody::Instances(instances) }
}

fn dac<'a>(payload: &'a [u8], declared: u16, issues: &mut Issues) -> Response<'a> {
    let port = payload.get(4..6).and_then(|b| b.first_chunk()).map(|b| u16::from_le_bytes(*b));
    match port {
        None => issues.add("sqlr-cut", 4..payload.len(), "The port is cut"),
        Some(0) => issues.add("sqlr-bad-port", 4..6, "The port is 0"),
        Some(_) if payload.len() > 6 => {
            issues.add("sqlr-trailing-bytes", 6..payload.len(), "Bytes follow the port");
        }
        Some(_) => {}
    }
    let body = ResponseBody::Dac { version: 1, port };
    Response { declared: Some(declared), data: HEADER..payload.len(), body }
}

/// Keys of [MC-SQLR] §2.2.5 that are no protocols.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Server,
    Name,
    Clustered,
    Version,
}

impl Field {
    fn of(key: &[u8]) -> Option<Self> {
        [
            (Self::Server, "ServerName"),
            (Self::Name, "InstanceName"),
            (Self::Clustered, "IsClustered"),
            (Self::Version, "Version"),
        ]
        .into_iter()
        .find_map(|(field, name)| key.eq_ignore_ascii_case(name.as_bytes()).then_some(field))
    }
}

/// Walks the words between semicolons.
struct Walk<'a, 'i> {
    data: &'a [u8],
    issues: &'i mut Issues,
    /// Start of the next word; beyond the data when there is none.
    at: usize,
    /// The last thing read was an empty key, that is `;;`.
    closed: bool,
}

impl<'a> Walk<'a, '_> {
    fn peek(&self) -> Option<Value<'a>> {
        let rest = self.data.get(self.at..)?;
        let length = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let range = HEADER + self.at..HEADER + self.at + length;
        Some(Value { bytes: rest.get(..length)?, range })
    }

    fn next(&mut self) -> Option<Value<'a>> {
        let word = self.peek()?;
        self.at += word.bytes.len() + 1;
        Some(word)
    }

    /// The value of a key, unless the key's value is missing and the next key stands in its place.
    fn value(&mut self, key: &Value<'a>) -> Option<Value<'a>> {
        let before = self.at;
        let value = self.next();
        let is_key = |w: &Value<'_>| Field::of(w.bytes).is_some();
        let shifted = value.as_ref().is_some_and(is_key) && !self.peek().as_ref().is_some_and(is_key);
        // Behind the last semicolon there is no value, only the end.
        let missing =
            value.as_ref().is_none_or(|v| v.bytes.is_empty() && v.range.start == HEADER + self.data.len());
        if shifted {
            self.at = before;
        }
        if shifted || missing {
            let name = key.text();
            self.issues.add("sqlr-no-value", key.range.clone(), format!("The key {name} has no value"));
            return None;
        }
        value
    }

    fn instances(mut self) -> Vec<Instance<'a>> {
        let mut out: Vec<Instance<'a>> = Vec::new();
        while let Some(key) = self.next() {
            if key.bytes.is_empty() {
                // `;;`, or what follows the last semicolon.
                self.closed |= self.at <= self.data.len();
                continue;
            }
            if Field::of(key.bytes) == Some(Field::Server) || out.is_empty() {
                if out.len() == MAX_INSTANCES {
                    self.issues.add("sqlr-too-many-instances", key.range, "More instances than are read");
                    self.closed = true;
                    break;
                }
                self.unterminated(&key.range);
                if Field::of(key.bytes) != Some(Field::Server) {
                    self.issues.add(
                        "sqlr-no-server-name",
                        key.range.clone(),
                        "The answer does not begin with ServerName",
                    );
                }
                out.push(Instance { range: key.range.clone(), ..Instance::default() });
            }
            self.closed = false;
            if let Some(instance) = out.last_mut() {
                self.entry(instance, key);
                instance.range.end = HEADER + self.at.min(self.data.len());
            }
        }
        // An empty last value and the end of an instance look alike; `;;` at the very end is enough.
        self.closed |= self.data.ends_with(b";;");
        let end = HEADER + self.data.len();
        self.unterminated(&(end..end));
        for instance in &out {
            self.check(instance);
        }
        out
    }

    fn unterminated(&mut self, at: &Range<usize>) {
        if !self.closed {
            self.issues.add("sqlr-unterminated", at.start..at.start, "The instance does not end with ;;");
        }
    }

    fn entry(&mut self, instance: &mut Instance<'a>, key: Value<'a>) {
        if let Some(field) = Field::of(key.bytes) {
            let value = self.value(&key);
            let slot = match field {
                Field::Server => &mut instance.server,
                Field::Name => &mut instance.name,
                Field::Clustered => &mut instance.clustered,
                Field::Version => &mut instance.version,
            };
            match value {
                Some(value) if slot.is_none() => *slot = Some(value),
                Some(_) => self.issues.add("sqlr-repeated-key", key.range, "The key is there twice"),
                None => {}
            }
            return;
        }
        if instance.protocols.len() + instance.unknown.len() >= MAX_ENTRIES {
            let _ = self.next();
            if !self.issues.0.iter().any(|i| i.code == "sqlr-too-many-keys") {
                self.issues.add("sqlr-too-many-keys", key.range, "More keys than are read");
            }
            return;
        }
        let Some(kind) = ProtocolKind::of(key.bytes) else {
            let value = self.value(&key).unwrap_or_default();
            self.issues.add("sqlr-unknown-key", key.range.clone(), format!("Unknown key {}", key.text()));
            instance.unknown.push((key, value));
            return;
        };
        let mut values: Vec<_> = self.value(&key).into_iter().collect();
        if kind == ProtocolKind::Bv && !values.is_empty() {
            for _ in 0..2 {
                values.extend(self.value(&key));
            }
        }
        if instance.protocol(kind).is_some() {
            self.issues.add("sqlr-repeated-protocol", key.range.clone(), "The protocol is there twice");
        }
        let protocol = Protocol { kind, values };
        if kind == ProtocolKind::Tcp
            && let Some(value) = protocol.values.first()
            && protocol.port().is_none()
        {
            let text = if value.bytes.is_empty() {
                "tcp without a port"
            } else {
                "The port is not a number from 1 to 65535"
            };
            self.issues.add("sqlr-bad-port", value.range.clone(), text);
        }
        instance.protocols.push(protocol);
    }

    fn check(&mut self, instance: &Instance<'a>) {
        let fields = [
            ("ServerName", &instance.server),
            ("InstanceName", &instance.name),
            ("IsClustered", &instance.clustered),
            ("Version", &instance.version),
        ];
        let at = instance.range.clone();
        for (name, value) in fields {
            if value.is_none() && !self.issues.0.iter().any(|i| i.code == "sqlr-no-value") {
                self.issues.add(
                    "sqlr-missing-key",
                    at.start..at.start,
                    format!("The instance has no {name}"),
                );
            }
        }
        if let Some(value) = &instance.clustered
            && instance.is_clustered().is_none()
        {
            self.issues.add("sqlr-bad-value", value.range.clone(), "IsClustered is neither Yes nor No");
        }
        if let Some(value) = &instance.version
            && (value.bytes.is_empty() || value.bytes.iter().any(|b| !b.is_ascii_digit() && *b != b'.'))
        {
            self.issues.add("sqlr-bad-value", value.range.clone(), "Version is not of digits and dots");
        }
        let protocols = instance.protocols.iter().flat_map(|p| &p.values);
        let values = fields.iter().filter_map(|(_, v)| v.as_ref()).chain(protocols);
        for value in values.filter(|v| v.bytes.len() > 255) {
            let text = "A value longer than 255 bytes, for which clients drop an answer to CLNT_UCAST_INST";
            self.issues.add("sqlr-long-value", value.range.clone(), text);
        }
        if at.len() > MAX_INSTANCE_BYTES {
            self.issues.add("sqlr-long-instance", at, "The instance takes more than 1024 bytes");
        }
    }
}
