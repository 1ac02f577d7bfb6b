//! Reading of messages.

use super::*;

/// Is it a DNS message, whatever else goes over this port? `port` is that of either side that is the server's.
///
/// On the ports of DNS, mDNS and LLMNR: a header that makes sense and a first question or record that can be read. On
/// any other: a query or its answer about one name of more than one host-like label, complete to the last byte.
pub fn looks_like_dns(payload: &[u8], port: u16) -> bool {
    let Some(&[_, _, f0, f1, q0, q1, a0, a1, n0, n1, x0, x1]) = payload.first_chunk::<HEADER>() else {
        return false;
    };
    let flags = Flags(u16::from_be_bytes([f0, f1]));
    let questions = u16::from_be_bytes([q0, q1]);
    let records: u32 =
        [[a0, a1], [n0, n1], [x0, x1]].into_iter().map(|c| u32::from(u16::from_be_bytes(c))).sum();
    if opcode_name(flags.opcode()).is_none() || questions > 64 || records > 4096 {
        return false;
    }
    if matches!(port, PORT | MDNS_PORT | LLMNR_PORT) {
        if questions == 0 && records == 0 {
            // A refusal may be no more than a header.
            return flags.response() && flags.0 & 0xF != 0 && payload.len() == HEADER;
        }
        let dns = read(payload, Flavor::of_port(port), 1);
        return dns.is_some_and(|d| match (d.questions.first(), d.answers.first()) {
            (Some(q), _) => matches!(q.class, 1 | 3 | 4 | 254 | 255),
            (None, Some(_)) => true,
            (None, None) => d.records().next().is_some(),
        });
    }
    // Z has to be zero, and a query has no response code.
    let odd = flags.opcode() != 0 || flags.0 & 0x0040 != 0 || !flags.response() && flags.0 & 0x048F != 0;
    if odd || questions != 1 {
        return false;
    }
    parse_dns(payload, Flavor::Dns).is_some_and(|d| {
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        d.issues.is_empty()
            && d.questions.iter().all(|q| {
                q.class == 1
                    && q.kind.name().is_some()
                    && q.name.text.contains('.')
                    && q.name.text.len() > 3
                    && q.name.text.chars().all(host)
            })
    })
}

/// Takes a message apart; `None` where not even a header is there.
pub fn parse_dns(payload: &[u8], flavor: Flavor) -> Option<Dns> {
    read(payload, flavor, MAX_RECORDS)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    issues: Vec<Issue>,
}

fn read(payload: &[u8], flavor: Flavor, max: usize) -> Option<Dns> {
    let &[i0, i1, f0, f1, counts @ ..] = payload.first_chunk::<HEADER>()?;
    let flags = Flags(u16::from_be_bytes([f0, f1]));
    let mut dns = Dns {
        flavor,
        id: u16::from_be_bytes([i0, i1]),
        flags,
        rcode: RCode(flags.0 & 0xF),
        questions: Vec::new(),
        answers: Vec::new(),
        authorities: Vec::new(),
        additionals: Vec::new(),
        edns: None,
        issues: Vec::new(),
    };
    let mut reader = Reader { bytes: payload, at: HEADER, issues: Vec::new() };
    let [q0, q1, a0, a1, n0, n1, x0, x1] = counts;
    let whole = reader.sections(
        &mut dns,
        [[q0, q1], [a0, a1], [n0, n1], [x0, x1]].map(|c| usize::from(u16::from_be_bytes(c))),
        max,
    );
    if whole && reader.at < payload.len() {
        reader.issue("dns-trailing-bytes", reader.at..payload.len(), "Bytes follow the last record");
    }
    let mut opts = dns.records().filter(|r| r.kind == RecordType::OPT);
    let edns = opts.next().map(|opt| (reader.edns(opt), opt.ttl, opts.next().map(|o| o.range.clone())));
    drop(opts);
    if let Some((edns, ttl, second)) = edns {
        dns.rcode = RCode(dns.rcode.0 | (ttl >> 24 << 4) as u16);
        dns.edns = Some(edns);
        if let Some(range) = second {
            reader.issue("dns-opt-twice", range, "There is more than one OPT record");
        }
    }
    dns.issues = reader.issues;
    Some(dns)
}

impl Reader<'_> {
    fn issue(&mut self, code: &'static str, range: Range<usize>, text: &'static str) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue::new(code, range, text));
        }
    }

    /// `false` where the rest cannot be read.
    fn sections(&mut self, dns: &mut Dns, counts: [usize; 4], max: usize) -> bool {
        let [questions, records @ ..] = counts;
        for n in 0..questions {
            if n >= max {
                self.issue("dns-too-many", self.at..self.bytes.len(), "More questions than are read");
                return false;
            }
            let Some(question) = self.question(dns.flavor) else {
                return false;
            };
            dns.questions.push(question);
        }
        for (count, section) in
            records.into_iter().zip([&mut dns.answers, &mut dns.authorities, &mut dns.additionals])
        {
            for n in 0..count {
                if n >= max {
                    self.issue("dns-too-many", self.at..self.bytes.len(), "More records than are read");
                    return false;
                }
                let (record, more) = self.record(dns.flavor);
                section.extend(record);
                if !more {
                    return false;
                }
            }
        }
        true
    }

    fn cut(&mut self) {
        let end = self.bytes.len();
        self.issue("dns-cut", self.at.min(end)..end, "The message ends before what its header announces");
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).copied();
        match found {
            Some(_) => self.at += N,
            None => self.cut(),
        }
        found
    }

    fn question(&mut self, flavor: Flavor) -> Option<Question> {
        let start = self.at;
        let name = self.name(self.bytes.len())?;
        let [t0, t1, c0, c1] = self.take()?;
        let (class, unicast) = class(u16::from_be_bytes([c0, c1]), flavor);
        let kind = RecordType(u16::from_be_bytes([t0, t1]));
        Some(Question { name, kind, class, unicast, range: start..self.at })
    }

    /// The record where one can be read, and whether the next can be looked for.
    fn record(&mut self, flavor: Flavor) -> (Option<Record>, bool) {
        let start = self.at;
        let Some(name) = self.name(self.bytes.len()) else {
            return (None, false);
        };
        let Some([t0, t1, c0, c1, l0, l1, l2, l3, d0, d1]) = self.take() else {
            return (None, false);
        };
        let kind = RecordType(u16::from_be_bytes([t0, t1]));
        let raw = u16::from_be_bytes([c0, c1]);
        let (class, cache_flush) = if kind == RecordType::OPT { (raw, false) } else { class(raw, flavor) };
        let from = self.at;
        let end = from + usize::from(u16::from_be_bytes([d0, d1]));
        let whole = end <= self.bytes.len();
        let data_range = from..end.min(self.bytes.len());
        let data = if whole { self.data(kind, end) } else { None };
        if !whole {
            self.at = from;
            self.cut();
        }
        self.at = data_range.end;
        let record = Record {
            name,
            kind,
            class,
            cache_flush,
            ttl: u32::from_be_bytes([l0, l1, l2, l3]),
            data: data.unwrap_or(Data::Malformed),
            range: start..data_range.end,
            data_range,
        };
        (Some(record), whole)
    }

    /// What stands up to `end`.
    fn data(&mut self, kind: RecordType, end: usize) -> Option<Data> {
        let start = self.at;
        // Updates delete with empty data (RFC 2136 §2.5).
        if start == end && kind != RecordType::OPT {
            return Some(Data::Other);
        }
        let before = self.issues.len();
        let data = self.typed(kind, end);
        let exact = matches!(data, Some(Data::Other | Data::Opt)) || self.at == end;
        if data.is_some() && exact {
            return data;
        }
        if self.issues.len() == before {
            self.issue("dns-data", start..end, "The data of the record is not as its type says");
        }
        None
    }

    fn typed(&mut self, kind: RecordType, end: usize) -> Option<Data> {
        Some(match kind {
            RecordType::A => Data::A(self.take_until::<4>(end)?.into()),
            RecordType::AAAA => Data::Aaaa(self.take_until::<16>(end)?.into()),
            RecordType::NS => Data::Ns(self.name(end)?),
            RecordType::CNAME => Data::Cname(self.name(end)?),
            RecordType::PTR => Data::Ptr(self.name(end)?),
            RecordType::SRV => {
                let [p0, p1, w0, w1, o0, o1] = self.take_until(end)?;
                let target = self.name(end)?;
                let [priority, weight, port] = [[p0, p1], [w0, w1], [o0, o1]].map(u16::from_be_bytes);
                Data::Srv { priority, weight, port, target }
            }
            RecordType::NAPTR => {
                let [o0, o1, p0, p1] = self.take_until(end)?;
                let [flags, services, regexp] =
                    [self.string(end)?, self.string(end)?, self.string(end)?].map(|s| text(&s));
                let replacement = self.name(end)?;
                let [order, preference] = [[o0, o1], [p0, p1]].map(u16::from_be_bytes);
                Data::Naptr { order, preference, flags, services, regexp, replacement }
            }
            RecordType::TXT => {
                let mut strings = Vec::new();
                while self.at < end {
                    strings.push(self.string(end)?);
                }
                Data::Txt(strings)
            }
            RecordType::SOA => {
                let (server, mailbox) = (self.name(end)?, self.name(end)?);
                let mut numbers = [0; 5];
                for number in &mut numbers {
                    *number = u32::from_be_bytes(self.take_until(end)?);
                }
                let [serial, refresh, retry, expire, minimum] = numbers;
                Data::Soa(Box::new(Soa { server, mailbox, serial, refresh, retry, expire, minimum }))
            }
            RecordType::OPT => Data::Opt,
            _ => Data::Other,
        })
    }

    fn take_until<const N: usize>(&mut self, end: usize) -> Option<[u8; N]> {
        let found = self.bytes.get(self.at..end)?.first_chunk::<N>().copied()?;
        self.at += N;
        Some(found)
    }

    /// A `<character-string>`: length and bytes.
    fn string(&mut self, end: usize) -> Option<Vec<u8>> {
        let [length] = self.take_until(end)?;
        let from = self.at;
        let to = from + usize::from(length);
        let found = self.bytes.get(from..to).filter(|_| to <= end)?;
        self.at = to;
        Some(found.to_vec())
    }

    /// A name that begins here and whose first part ends before `end`.
    fn name(&mut self, end: usize) -> Option<Name> {
        let start = self.at;
        let mut out = String::new();
        // Bytes on the wire: lengths, labels, the last zero.
        let mut wire = 1;
        let mut at = start;
        // Where the part that is read began: a pointer has to go before it.
        let mut part = start;
        let mut behind = None;
        loop {
            let limit = if behind.is_some() { self.bytes.len() } else { end };
            let Some(&length) = self.bytes.get(at).filter(|_| at < limit) else {
                self.name_cut(start, limit);
                return None;
            };
            match length {
                0 => break,
                1..=63 => {
                    let from = at + 1;
                    let to = from + usize::from(length);
                    let Some(label) = self.bytes.get(from..to).filter(|_| to <= limit) else {
                        self.name_cut(start, limit);
                        return None;
                    };
                    wire += label.len() + 1;
                    if wire > MAX_NAME {
                        self.issue(
                            "dns-name-too-long",
                            start..to.max(start),
                            "A name is longer than 255 bytes",
                        );
                        return None;
                    }
                    if !out.is_empty() {
                        out.push('.');
                    }
                    escape(label, &mut out);
                    at = to;
                }
                0xC0.. => {
                    let Some(&low) = self.bytes.get(at + 1).filter(|_| at + 1 < limit) else {
                        self.name_cut(start, limit);
                        return None;
                    };
                    let target = usize::from(length & 0x3F) << 8 | usize::from(low);
                    behind.get_or_insert(at + 2);
                    if target >= part {
                        self.issue("dns-pointer", at..at + 2, "A compression pointer does not go backwards");
                        return None;
                    }
                    if target < HEADER {
                        self.issue("dns-pointer", at..at + 2, "A compression pointer goes into the header");
                        return None;
                    }
                    (at, part) = (target, target);
                }
                64..=0xBF => {
                    self.issue("dns-label", at..at + 1, "A label is of a type that is not in use");
                    return None;
                }
            }
        }
        self.at = behind.unwrap_or(at + 1);
        if out.is_empty() {
            out.push('.');
        }
        Some(Name { text: out, range: start..self.at })
    }

    fn name_cut(&mut self, start: usize, limit: usize) {
        if limit == self.bytes.len() {
            self.cut();
        } else {
            self.issue("dns-data", start..limit, "A name does not end inside its record");
        }
    }

    fn edns(&mut self, opt: &Record) -> Edns {
        let mut options = Vec::new();
        let mut at = opt.data_range.start;
        while at < opt.data_range.end && options.len() < MAX_RECORDS {
            let head = self.bytes.get(at..opt.data_range.end).and_then(|rest| rest.first_chunk::<4>());
            let end = head.map(|&[_, _, l0, l1]| at + 4 + usize::from(u16::from_be_bytes([l0, l1])));
            let (Some(&[c0, c1, ..]), Some(end)) = (head, end.filter(|&e| e <= opt.data_range.end)) else {
                self.issue(
                    "dns-data",
                    at..opt.data_range.end,
                    "An EDNS option does not end inside its record",
                );
                break;
            };
            options.push((u16::from_be_bytes([c0, c1]), at + 4..end));
            at = end;
        }
        Edns {
            udp_payload: opt.class,
            version: (opt.ttl >> 16) as u8,
            dnssec: opt.ttl & 0x8000 != 0,
            options,
        }
    }
}

fn class(raw: u16, flavor: Flavor) -> (u16, bool) {
    if flavor == Flavor::Mdns { (raw & 0x7FFF, raw & 0x8000 != 0) } else { (raw, false) }
}

/// UTF-8 stays (mDNS uses it), the rest as RFC 1035 §5.1 writes it.
fn escape(label: &[u8], out: &mut String) {
    for chunk in label.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '.' | '\\' => out.extend(['\\', c]),
                c if c.is_ascii_control() => out.push_str(&format!("\\{:03}", c as u32)),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\{byte:03}"));
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
