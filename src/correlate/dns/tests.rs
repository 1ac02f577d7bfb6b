use super::*;
use crate::limits::Limits;

/// A name on the wire, without compression.
fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|l| !l.is_empty());
    labels.flat_map(|l| [&[l.len() as u8], l.as_bytes()].concat()).chain([0]).collect()
}

fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let fixed = [&kind.to_be_bytes()[..], &[0, 1, 0, 0, 0, 60], &(data.len() as u16).to_be_bytes()].concat();
    [name(owner), fixed, data.to_vec()].concat()
}

fn message(
    id: u16,
    flags: u16,
    asked: &[(&str, u16)],
    answers: &[Vec<u8>],
    additional: &[Vec<u8>],
) -> Vec<u8> {
    let counts = [asked.len(), answers.len(), 0, additional.len()].map(|n| n as u16);
    let head = [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let asked =
        asked.iter().flat_map(|(n, kind)| [name(n), kind.to_be_bytes().to_vec(), vec![0, 1]].concat());
    [head, asked.collect(), answers.concat(), additional.concat()].concat()
}

struct Play {
    analysis: Analysis,
    frame: u32,
}

impl Play {
    fn new() -> Self {
        Self { analysis: Analysis::default(), frame: 0 }
    }

    fn add(&mut self, ms: i64, src: &str, dst: &str, bytes: &[u8]) -> bool {
        self.frame += 1;
        self.analysis.add_dns(&DecodedDns {
            message: bytes,
            frame: FrameRef { frame: self.frame, ..FrameRef::default() },
            time: ms * 1_000_000,
            src: src.parse().expect("address"),
            dst: dst.parse().expect("address"),
            transport: Transport::Udp,
            duplicate: false,
            cut: false,
        })
    }

    fn told(&self) -> Vec<(String, &'static str, u32, Option<Nanos>)> {
        let of = |l: &Lookup| {
            let name = format!("{} {}", l.kind, self.analysis.text(l.name));
            (name, l.state(), l.queries, l.took().map(|t| t / 1_000_000))
        };
        self.analysis.dns.lookups.iter().map(of).collect()
    }
}

const CLIENT: &str = "10.0.0.5:50000";
const SERVER: &str = "10.0.0.1:53";
const SRV: &str = "_sipinternaltls._tcp.contoso.com";

#[test]
fn questions_find_their_answers_and_are_counted_each() {
    let mut p = Play::new();
    let query = message(7, 0x0100, &[(SRV, 33)], &[], &[]);
    p.add(0, CLIENT, SERVER, &query);
    p.add(1000, CLIENT, SERVER, &query);
    // Of another number: the look-up of somebody else behind the same port.
    let target = [&[0, 0, 0, 100, 0x13, 0xC5][..], &name("fe.contoso.com")].concat();
    let answer = message(
        7,
        0x8180,
        &[(SRV, 33)],
        &[record(SRV, 33, &target)],
        &[record("fe.contoso.com", 1, &[10, 0, 0, 9])],
    );
    p.add(1020, SERVER, CLIENT, &message(8, 0x8180, &[("other.example", 1)], &[], &[]));
    p.add(1030, SERVER, CLIENT, &answer);
    p.add(1040, SERVER, CLIENT, &message(7, 0x8183, &[(SRV, 33)], &[], &[]));
    assert_eq!(
        p.told(),
        [
            (format!("SRV {SRV}"), "answered", 2, Some(1030)),
            ("A other.example".to_owned(), "no_such_record", 0, None)
        ]
    );
    let lookup = &p.analysis.dns.lookups[0];
    let answer = lookup.answer.as_ref().expect("answered");
    assert!(matches!(answer.records[0].data, DnsData::Srv { port: 5061, .. }) && lookup.found());
    assert_eq!(lookup.frames().map(|f| f.frame).collect::<Vec<_>>(), [1, 2, 4]);
    assert_eq!(p.analysis.host_name("10.0.0.9".parse().expect("address")), Some("fe.contoso.com"));
    assert_eq!(p.analysis.dns.statistics.srv_queries, 2);
    assert_eq!(p.analysis.dns.statistics.messages, 5);
}

#[test]
fn silence_and_refusals_stay_visible() {
    let mut p = Play::new();
    p.add(0, CLIENT, SERVER, &message(1, 0x0100, &[("_sip._tls.contoso.com", 33)], &[], &[]));
    p.add(10, CLIENT, SERVER, &message(2, 0x0100, &[("sip.contoso.com", 1)], &[], &[]));
    p.add(20, CLIENT, SERVER, &message(3, 0x0100, &[("sipexternal.contoso.com", 1)], &[], &[]));
    p.add(30, SERVER, CLIENT, &message(2, 0x8183, &[("sip.contoso.com", 1)], &[], &[]));
    // Without its question.
    p.add(40, SERVER, CLIENT, &message(3, 0x8185, &[], &[], &[]));
    // An hour later the same number is a new question.
    p.add(3_600_000, CLIENT, SERVER, &message(1, 0x0100, &[("_sip._tls.contoso.com", 33)], &[], &[]));
    let states: Vec<_> = p.told().into_iter().map(|l| l.1).collect();
    assert_eq!(states, ["unanswered", "no_such_name", "failed", "unanswered"]);
}

#[test]
fn the_name_asked_for_names_the_address_over_aliases_and_the_user_wins() {
    let mut p = Play::new();
    p.analysis.names.set("10.0.0.8".parse().expect("address"), "mine");
    let answers = [
        record("sip.contoso.com", 5, &name("edge.contoso.net")),
        record("edge.contoso.net", 1, &[10, 0, 0, 7]),
        record("edge.contoso.net", 1, &[10, 0, 0, 8]),
        record("edge.contoso.net", 1, &[127, 0, 0, 1]),
    ];
    p.add(0, SERVER, CLIENT, &message(1, 0x8180, &[("sip.contoso.com", 1)], &answers, &[]));
    let reverse = [record("6.0.0.10.in-addr.arpa", 12, &name("dc.contoso.com"))];
    p.add(1, SERVER, CLIENT, &message(2, 0x8180, &[("6.0.0.10.in-addr.arpa", 12)], &reverse, &[]));
    // A name block of the capture that comes later.
    p.analysis.names.learn("10.0.0.6".parse().expect("address"), "of-capture", 10);
    let name = |a: &str| p.analysis.host_name(a.parse().expect("address"));
    assert_eq!(name("10.0.0.7"), Some("sip.contoso.com"));
    assert_eq!((name("10.0.0.8"), name("127.0.0.1")), (Some("mine"), None));
    assert_eq!(name("10.0.0.6"), Some("of-capture"));
}

#[test]
fn multicast_answers_find_who_asked() {
    let mut p = Play::new();
    let (group, other) = ("224.0.0.251:5353", "10.0.0.6:5353");
    p.add(0, "10.0.0.5:5353", group, &message(0, 0, &[("printer.local", 1), ("b.local", 28)], &[], &[]));
    let announced = [record("printer.local", 1, &[10, 0, 0, 6]), record("nobody.local", 1, &[10, 0, 0, 9])];
    p.add(5, other, group, &message(0, 0x8400, &[], &announced, &[]));
    let llmnr = "224.0.0.252:5355";
    p.add(10, CLIENT, llmnr, &message(9, 0, &[("sip", 1)], &[], &[]));
    let answer = [record("sip", 1, &[10, 0, 0, 6])];
    p.add(12, "10.0.0.6:5355", CLIENT, &message(9, 0x8000, &[("sip", 1)], &answer, &[]));
    assert_eq!(
        p.told(),
        [
            ("A printer.local".to_owned(), "answered", 1, Some(5)),
            ("AAAA b.local".to_owned(), "unanswered", 1, None),
            ("A sip".to_owned(), "answered", 1, Some(2))
        ]
    );
}

#[test]
fn limits_hold() {
    let mut p = Play::new();
    p.analysis.limits = Limits { dns_lookups: 2, dns_records: 1, ..Limits::default() };
    let two = [record("a.example", 1, &[10, 0, 0, 7]), record("a.example", 1, &[10, 0, 0, 8])];
    assert!(p.add(0, SERVER, CLIENT, &message(1, 0x8180, &[("a.example", 1)], &two, &[])));
    assert!(p.add(0, CLIENT, SERVER, &message(2, 0x0100, &[("b.example", 1)], &[], &[])));
    assert!(!p.add(0, CLIENT, SERVER, &message(3, 0x0100, &[("c.example", 1)], &[], &[])));
    let answer = p.analysis.dns.lookups[0].answer.as_ref().expect("answered");
    assert_eq!((answer.records.len(), answer.more, p.analysis.dns.statistics.messages), (1, 1, 3));
}

#[test]
fn reverse_names() {
    let check = |name: &str, wanted: Option<&str>| {
        assert_eq!(reverse(name), wanted.map(|w| w.parse().expect("address")), "{name}");
    };
    check("4.3.2.10.IN-ADDR.ARPA", Some("10.2.3.4"));
    check("3.2.10.in-addr.arpa", None);
    check("999.3.2.10.in-addr.arpa", None);
    let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    check(v6, Some("2001:db8::1"));
    check("x.ip6.arpa", None);
}
