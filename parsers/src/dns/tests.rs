use super::*;
use hex_literal::hex;
use proptest::prelude::*;

fn codes(dns: &Dns) -> Vec<&'static str> {
    dns.issues.iter().map(|i| i.code).collect()
}

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|l| !l.is_empty());
    labels.flat_map(|l| [&[l.len() as u8], l.as_bytes()].concat()).chain([0]).collect()
}

fn message(flags: u16, counts: [u16; 4], body: &[&[u8]]) -> Vec<u8> {
    let head: Vec<u8> = [0x1234, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect();
    [head, body.concat()].concat()
}

fn record(owner: &[u8], kind: u16, class: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [owner, &kind.to_be_bytes(), &class.to_be_bytes(), &ttl.to_be_bytes(), &length, data].concat()
}

fn question(kind: u16) -> Vec<u8> {
    [name("_sipinternaltls._tcp.contoso.com"), kind.to_be_bytes().to_vec(), vec![0, 1]].concat()
}

// RFC 1035 §4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
#[test]
fn compression_example_of_the_rfc() {
    let mut bytes = message(0, [3, 0, 0, 0], &[]);
    bytes.extend(hex!("01 46 03 495349 04 41525041 00 0001 0001"));
    bytes.extend(hex!("03 464F4F C00C 0001 0001 C012 0001 0001"));
    let dns = parse_dns(&bytes, Flavor::Dns).unwrap();
    let names: Vec<_> = dns.questions.iter().map(|q| q.name.text.as_str()).collect();
    assert_eq!(names, ["F.ISI.ARPA", "FOO.F.ISI.ARPA", "ARPA"]);
    assert_eq!((codes(&dns), dns.questions[1].name.range.clone()), (vec![], 28..34));
    assert!(dns.questions[0].name.is("f.isi.arpa."));
}

// Written from RFC 2782: an SRV answer with the address of its target beside it.
fn srv_answer() -> Vec<u8> {
    let srv = [&hex!("0000 0064 13C5")[..], &name("pool01.contoso.com")].concat();
    let target = (12 + question(33).len() + 2 + 10 + 6) as u16 | 0xC000;
    message(
        0x8580,
        [1, 1, 0, 2],
        &[
            &question(33),
            &record(&hex!("C00C"), 33, 1, 3600, &srv),
            &record(&target.to_be_bytes(), 1, 1, 1200, &[192, 0, 2, 10]),
            &record(&[0], 41, 4096, 0x0000_8000, &hex!("000A 0008 0102030405060708")),
        ],
    )
}

#[test]
fn srv_answer_with_address_and_edns() {
    let bytes = srv_answer();
    let dns = parse_dns(&bytes, Flavor::Dns).unwrap();
    assert_eq!(codes(&dns), [""; 0]);
    let Data::Srv { priority: 0, weight: 100, port: 5061, target } = &dns.answers[0].data else {
        panic!("{:?}", dns.answers);
    };
    assert_eq!(target.text, "pool01.contoso.com");
    assert_eq!(dns.answers[0].name.text, "_sipinternaltls._tcp.contoso.com");
    assert_eq!(dns.additionals[0].name.text, "pool01.contoso.com");
    assert_eq!(dns.additionals[0].data, Data::A(Ipv4Addr::new(192, 0, 2, 10)));
    let edns = dns.edns.as_ref().unwrap();
    assert_eq!((edns.udp_payload, edns.version, edns.dnssec), (4096, 0, true));
    assert_eq!(edns.options, [(10, bytes.len() - 8..bytes.len())]);
    assert_eq!(dns.flags.names(Flavor::Dns), ["QR", "AA", "RD", "RA"]);
    assert_eq!((dns.outcome(), dns.rcode.name()), (Some(Outcome::Answered), Some("NOERROR")));
    assert!(looks_like_dns(&bytes, 53) && looks_like_dns(&bytes, 10053));
}

#[test]
fn negative_answers() {
    let soa = [
        name("ns.contoso.com"),
        name("hostmaster.contoso.com"),
        hex!("00000001 00000384 00000258 00015180 00000E10").to_vec(),
    ]
    .concat();
    let authority = record(&name("contoso.com"), 6, 1, 600, &soa);
    for (flags, outcome, rcode) in
        [(0x8183, Outcome::NoSuchName, "NXDOMAIN"), (0x8180, Outcome::NoSuchRecord, "NOERROR")]
    {
        let dns =
            parse_dns(&message(flags, [1, 0, 1, 0], &[&question(33), &authority]), Flavor::Dns).unwrap();
        assert_eq!((codes(&dns), dns.outcome(), dns.rcode.name()), (vec![], Some(outcome), Some(rcode)));
        assert_eq!(dns.negative_ttl(), Some(600));
    }
    let ns = record(&name("contoso.com"), 2, 1, 600, &name("ns.contoso.com"));
    let referral = parse_dns(&message(0x8000, [1, 0, 1, 0], &[&question(33), &ns]), Flavor::Dns).unwrap();
    assert_eq!(referral.outcome(), Some(Outcome::Referral));
    let alias = record(&hex!("C00C"), 5, 1, 600, &name("a.b"));
    let dns = parse_dns(&message(0x8000, [1, 1, 0, 0], &[&question(1), &alias]), Flavor::Dns).unwrap();
    assert_eq!(dns.outcome(), Some(Outcome::Alias));
    let dns = parse_dns(&message(0x8200, [1, 0, 0, 0], &[&question(1)]), Flavor::Dns).unwrap();
    assert_eq!(dns.outcome(), Some(Outcome::Truncated));
    let dns = parse_dns(&message(0x8005, [1, 0, 0, 0], &[&question(1)]), Flavor::Dns).unwrap();
    assert_eq!((dns.outcome(), dns.rcode.name()), (Some(Outcome::Failed), Some("REFUSED")));
    assert!(looks_like_dns(&message(0x8005, [0; 4], &[]), 53));
    let bad_version = record(&[0], 41, 512, 0x0100_0000, &[]);
    let dns = parse_dns(&message(0x8000, [0, 0, 0, 1], &[&bad_version]), Flavor::Dns).unwrap();
    assert_eq!(dns.rcode.name(), Some("BADVERS"));
}

#[test]
fn other_types() {
    // Example of RFC 3403 §6.2 without its regexp, then TXT and PTR.
    let naptr = [&hex!("0032 0032 01 73 07 5349502B443255 00")[..], &name("_sip._udp.example.com")].concat();
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let bytes = message(
        0x8000,
        [0, 4, 0, 0],
        &[
            &record(&name("example.com"), 35, 1, 1, &naptr),
            &record(&name("example.com"), 16, 1, 1, &hex!("03 613D31 00")),
            &record(&name("1.2.0.192.in-addr.arpa"), 12, 1, 1, &name("h.example")),
            &record(&name("h"), 28, 1, 1, &v6.octets()),
        ],
    );
    let dns = parse_dns(&bytes, Flavor::Dns).unwrap();
    assert_eq!(codes(&dns), [""; 0]);
    let Data::Naptr { order: 50, preference: 50, flags, services, regexp, replacement } =
        &dns.answers[0].data
    else {
        panic!("{:?}", dns.answers[0]);
    };
    assert_eq!([flags, services, regexp, &replacement.text], ["s", "SIP+D2U", "", "_sip._udp.example.com"]);
    assert_eq!(dns.answers[1].data, Data::Txt(vec![b"a=1".to_vec(), vec![]]));
    assert!(matches!(&dns.answers[2].data, Data::Ptr(p) if p.text == "h.example"));
    assert_eq!(dns.answers[3].data, Data::Aaaa(v6));
}

#[test]
fn mdns_and_llmnr_bits() {
    let ask = [name("sipinternal.local"), hex!("0001 8001").to_vec()].concat();
    let dns = parse_dns(&message(0, [1, 0, 0, 0], &[&ask]), Flavor::Mdns).unwrap();
    assert_eq!((dns.questions[0].unicast, dns.questions[0].class), (true, 1));
    let say = record(&name("a.local"), 1, 0x8001, 120, &[192, 0, 2, 1]);
    let bytes = message(0x8400, [0, 1, 0, 0], &[&say]);
    let dns = parse_dns(&bytes, Flavor::of_port(5353)).unwrap();
    assert_eq!((dns.answers[0].cache_flush, dns.answers[0].class, dns.outcome()), (true, 1, None));
    assert!(looks_like_dns(&bytes, 5353) && !looks_like_dns(&bytes, 5060));
    assert_eq!(Flags(0x8500).names(Flavor::Llmnr), ["QR", "C", "T"]);
}

#[test]
fn bad_names() {
    let ask = |bytes: &[u8]| {
        let dns = parse_dns(&message(0, [1, 0, 0, 0], &[bytes]), Flavor::Dns).unwrap();
        (codes(&dns), dns.questions.len())
    };
    // To itself, to one another, forwards, into the header, a label of type 01, cut in a label and in a pointer.
    for (bytes, code) in [
        (&hex!("C00C 0001 0001")[..], "dns-pointer"),
        (&hex!("01 61 C00C 0001 0001"), "dns-pointer"),
        (&hex!("C00E C00C 0001 0001"), "dns-pointer"),
        (&hex!("C004 0001 0001"), "dns-pointer"),
        (&hex!("41 61 00 0001 0001"), "dns-label"),
        (&hex!("09 61 62"), "dns-cut"),
        (&hex!("01 61 C0"), "dns-cut"),
        (&hex!("01 61 00 0001 00"), "dns-cut"),
    ] {
        assert_eq!(ask(bytes), (vec![code], 0), "{bytes:02x?}");
    }
    let long = |labels: usize, last: usize| {
        [
            name(&format!("{}.", "a".repeat(63)).repeat(labels))[..64 * labels].to_vec(),
            name(&"b".repeat(last)),
            vec![0, 1, 0, 1],
        ]
        .concat()
    };
    assert_eq!(ask(&long(3, 61)), (vec![], 1));
    assert_eq!(ask(&long(3, 62)).0, ["dns-name-too-long"]);
    let dns = parse_dns(&message(0, [1, 0, 0, 0], &[&hex!("05 61 2E 5C 07 FF 00 0001 0001")]), Flavor::Dns)
        .unwrap();
    assert_eq!(dns.questions[0].name.text, "a\\.\\\\\\007\\255");
}

#[test]
fn what_precedes_the_cut_is_there() {
    let bytes = srv_answer();
    let dns = parse_dns(&bytes[..bytes.len() - 25], Flavor::Dns).unwrap();
    assert!(matches!(&dns.answers[0].data, Data::Srv { port: 5061, .. }));
    assert_eq!((codes(&dns), dns.additionals.len()), (vec!["dns-cut"], 1));
    assert_eq!(dns.additionals[0].data, Data::Malformed);
    // A broken record does not take the next with it.
    let both = message(
        0x8000,
        [0, 2, 0, 0],
        &[&record(&name("a"), 1, 1, 1, &[1, 2, 3]), &record(&name("a"), 1, 1, 1, &[1, 2, 3, 4])],
    );
    let dns = parse_dns(&both, Flavor::Dns).unwrap();
    assert_eq!((codes(&dns), &dns.answers[1].data), (vec!["dns-data"], &Data::A(Ipv4Addr::new(1, 2, 3, 4))));
    let dns = parse_dns(&[&both[..], b"x"].concat(), Flavor::Dns).unwrap();
    assert_eq!(codes(&dns), ["dns-data", "dns-trailing-bytes"]);
}

#[test]
fn tcp_framing() {
    assert_eq!(frame_dns(&[0]), Framing::NeedMore(2));
    assert_eq!(frame_dns(&[0, 12, 1]), Framing::NeedMore(14));
    assert_eq!(frame_dns(&[0, 2, 1, 2, 3]), Framing::Message(2..4));
}

#[test]
fn other_traffic_is_not_taken() {
    let stun = hex!("000100002112A442000102030405060708090A0B");
    let rtp = hex!("80000001000000A012345678FFFFFFFFFFFFFFFF");
    let binary: Vec<u8> = vec![0; 40];
    for other in [&stun[..], &rtp, &binary, b"INVITE sip:a@b SIP/2.0\r\n\r\n"] {
        for port in [53, 5353, 5355, 3478, 5060] {
            assert!(!looks_like_dns(other, port), "{other:02x?} {port}");
        }
    }
    // NetBIOS name service has the layout and other names.
    let nbns = [&hex!("1234 0110 0001 0000 0000 0000 20")[..], &[b'C'; 32], &hex!("00 0020 0001")].concat();
    assert!(!looks_like_dns(&nbns, 137));
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzzing::dns(&bytes);
    }

    #[test]
    fn damaged(at in 0usize..140, value in any::<u8>(), cut in 0usize..140) {
        let mut bytes = srv_answer();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        crate::fuzzing::dns(&bytes);
    }
}
