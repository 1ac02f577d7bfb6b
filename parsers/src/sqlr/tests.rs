use super::*;
use hex_literal::hex;
use proptest::prelude::*;

fn codes(sqlr: &Sqlr<'_>) -> Vec<&'static str> {
    sqlr.issues.iter().map(|i| i.code).collect()
}

fn answer(data: &[u8]) -> Vec<u8> {
    [&[0x05], &u16::try_from(data.len()).unwrap().to_le_bytes()[..], data].concat()
}

fn response<'a>(sqlr: &'a Sqlr<'a>) -> &'a Response<'a> {
    match &sqlr.message {
        SqlrMessage::Response(response) => response,
        SqlrMessage::Request(request) => panic!("{request:?}"),
    }
}

/// Server, name, version, port, pipe of an instance.
type Told = (String, String, String, Option<u16>, Option<String>);

fn told(sqlr: &Sqlr<'_>) -> Vec<Told> {
    let text = |v: &Option<Value<'_>>| v.as_ref().map(Value::text).unwrap_or_default();
    let instances = response(sqlr).instances().iter();
    instances
        .map(|i| (text(&i.server), text(&i.name), text(&i.version), i.tcp_port(), i.pipe().map(Value::text)))
        .collect()
}

const HEAD: &str = "ServerName;OCSSQL01;InstanceName;RTC;IsClustered;No;Version;9.00.4035.00";

fn one(tail: &str) -> Vec<u8> {
    answer(format!("{HEAD}{tail}").as_bytes())
}

// Example of [MC-SQLR]: the answer to CLNT_UCAST_EX, 330 bytes.
#[test]
fn list_example_of_the_specification() {
    let head =
        |name: &str| format!("ServerName;ILSUNG1;InstanceName;{name};IsClustered;No;Version;9.00.1399.06");
    let data = format!(
        "{};tcp;57137;;{};np;\\\\ILSUNG1\\pipe\\MSSQL$YUKONDEV\\sql\\query;;{};tcp;1433;np;\\\\ILSUNG1\\pipe\\sql\\query;;",
        head("YUKONSTD"),
        head("YUKONDEV"),
        head("MSSQLSERVER")
    );
    let bytes = answer(data.as_bytes());
    assert_eq!((bytes.len(), &bytes[..3]), (330, &hex!("054701")[..]));
    let sqlr = parse_sqlr(&bytes).unwrap();
    assert_eq!(codes(&sqlr), [""; 0]);
    let row = |name: &str, port, pipe: Option<&str>| {
        ("ILSUNG1".to_owned(), name.to_owned(), "9.00.1399.06".to_owned(), port, pipe.map(str::to_owned))
    };
    assert_eq!(
        told(&sqlr),
        [
            row("YUKONSTD", Some(57137), None),
            row("YUKONDEV", None, Some(r"\\ILSUNG1\pipe\MSSQL$YUKONDEV\sql\query")),
            row("MSSQLSERVER", Some(1433), Some(r"\\ILSUNG1\pipe\sql\query")),
        ]
    );
    let response = response(&sqlr);
    assert_eq!(response.instance(b"yukonstd").and_then(Instance::tcp_port), Some(57137));
    assert!(response.instances().iter().all(|i| i.is_clustered() == Some(false)));
    assert_eq!(response.instances()[1].range.start, 3 + 88);
    assert!(looks_like_sqlr(&bytes) && !response.is_dropped_by_clients(RequestKind::UnicastEx));
}

// Example of [MC-SQLR]: CLNT_UCAST_INST.
#[test]
fn single_example_of_the_specification() {
    let request = hex!("0459554b4f4e53544400");
    let sqlr = parse_sqlr(&request).unwrap();
    let SqlrMessage::Request(request) = &sqlr.message else { panic!() };
    assert_eq!((request.kind.name(), request.version), ("CLNT_UCAST_INST", None));
    assert_eq!(request.instance, Some(Value { bytes: b"YUKONSTD", range: 1..9 }));
    assert_eq!((codes(&sqlr), sqlr.pattern), (vec![], None));
    let bytes =
        answer(b"ServerName;ILSUNG1;InstanceName;YUKONSTD;IsClustered;No;Version;9.00.1399.06;tcp;57137;;");
    assert_eq!((bytes.len(), &bytes[..3]), (91, &hex!("055800")[..]));
    let sqlr = parse_sqlr(&bytes).unwrap();
    assert_eq!((codes(&sqlr), told(&sqlr)[0].3), (vec![], Some(57137)));
}

// Example of [MC-SQLR]: CLNT_UCAST_DAC.
#[test]
fn dac_example_of_the_specification() {
    let request = hex!("0f0159554b4f4e53544400");
    let sqlr = parse_sqlr(&request).unwrap();
    let SqlrMessage::Request(request) = &sqlr.message else { panic!() };
    assert_eq!((request.kind, request.version), (RequestKind::UnicastDac, Some(1)));
    assert_eq!(request.instance.as_ref().map(|v| v.bytes), Some(&b"YUKONSTD"[..]));
    assert_eq!(codes(&sqlr), [""; 0]);
    let bytes = hex!("0506000132df");
    let sqlr = parse_sqlr(&bytes).unwrap();
    assert_eq!(codes(&sqlr), [""; 0]);
    assert_eq!(response(&sqlr).body, ResponseBody::Dac { version: 1, port: Some(57138) });
    assert!(looks_like_sqlr(&bytes));
    let check = |bytes: &[u8], expect: &[&str]| assert_eq!(codes(&parse_sqlr(bytes).unwrap()), expect);
    check(&hex!("0506000132"), &["sqlr-cut"]);
    check(&hex!("050600010000"), &["sqlr-bad-port"]);
    check(&hex!("0506000132df00"), &["sqlr-trailing-bytes"]);
    check(&hex!("0503000132df"), &[]);
}

// Built here: a named instance with a static port, as in a published post on UDP 1434 and OCS.
#[test]
fn named_instance_on_a_static_port() {
    let request = hex!("044e616d6564496e7374616e636500");
    let sqlr = parse_sqlr(&request).unwrap();
    let SqlrMessage::Request(request) = &sqlr.message else { panic!() };
    assert_eq!(request.instance.as_ref().map(Value::text).as_deref(), Some("NamedInstance"));
    let bytes = hex!(
        "058e005365727665724e616d653b4f435353514c30313b496e7374616e63654e616d653b4e616d6564496e7374616e63653b4973436c75"
        "7374657265643b4e6f3b56657273696f6e3b392e30302e343033352e30303b7463703b313530313b6e703b5c5c4f435353514c30315c70"
        "6970655c4d5353514c244e616d6564496e7374616e63655c73716c5c71756572793b3b"
    );
    let sqlr = parse_sqlr(&bytes).unwrap();
    assert_eq!(codes(&sqlr), [""; 0]);
    assert_eq!(
        told(&sqlr),
        [(
            "OCSSQL01".to_owned(),
            "NamedInstance".to_owned(),
            "9.00.4035.00".to_owned(),
            Some(1501),
            Some(r"\\OCSSQL01\pipe\MSSQL$NamedInstance\sql\query".to_owned())
        )]
    );
    assert_eq!(product_of_version("9.00.4035.00"), Some("SQL Server 2005"));
}

#[test]
fn questions_of_one_byte() {
    for (byte, name) in [(2, "CLNT_BCAST_EX"), (3, "CLNT_UCAST_EX")] {
        let bytes = [byte];
        let sqlr = parse_sqlr(&bytes).unwrap();
        let SqlrMessage::Request(request) = &sqlr.message else { panic!() };
        assert_eq!((request.kind.name(), &request.instance, codes(&sqlr)), (name, &None, vec![]));
        assert!(may_be_sqlr(&bytes, true) && !may_be_sqlr(&bytes, false) && !looks_like_sqlr(&bytes));
        assert_eq!(codes(&parse_sqlr(&[byte, 0]).unwrap()), ["sqlr-trailing-bytes"]);
    }
    for none in [&b""[..], b"\x00", b"\x01", b"\x06x", b"\x08", b"\x0a", b"GET /"] {
        assert_eq!(parse_sqlr(none), None);
        assert!(!may_be_sqlr(none, true) && !may_be_sqlr(none, false) && !looks_like_sqlr(none));
    }
}

#[test]
fn what_can_be_a_question_or_an_answer() {
    for (bytes, to_server) in [
        (&b"\x04RTC\0"[..], true),
        (b"\x04", true),
        (b"\x04\0", true),
        (b"\x0f\x01A\0", true),
        (b"\x05", false),
    ] {
        assert!(may_be_sqlr(bytes, to_server) && !may_be_sqlr(bytes, !to_server), "{bytes:?}");
    }
    assert!(!may_be_sqlr(b"\x04\x01\x01x", true) && !may_be_sqlr(b"\x0f\x40", true));
}

#[test]
fn malformed_datagrams() {
    let check = |bytes: &[u8], expect: &[&str], malformed: bool| {
        let sqlr = parse_sqlr(bytes).unwrap();
        assert_eq!(codes(&sqlr), expect, "{bytes:?}");
        assert_eq!(sqlr.is_malformed(), malformed, "{bytes:?}");
    };
    check(&hex!("05"), &["sqlr-cut"], true);
    check(&hex!("0500"), &["sqlr-cut"], true);
    check(&hex!("050000"), &["sqlr-empty"], true);
    check(b"\x05\xFF\xFFServerName", &["sqlr-size", "sqlr-no-value", "sqlr-unterminated"], true);
    check(&one(";tcp;1501"), &["sqlr-unterminated"], true);
    check(&one(";tcp;1501;"), &["sqlr-unterminated"], true);
    check(&one(";tcp;;;"), &["sqlr-bad-port"], true);
    check(&one(";tcp;;"), &["sqlr-bad-port"], true);
    check(&one(";tcp;70000;;"), &["sqlr-bad-port"], true);
    check(&one(";tcp;0;;"), &["sqlr-bad-port"], true);
    check(&one(";tcp;+80;;"), &["sqlr-bad-port"], true);
    check(&one(";tcp;1501;tcp;1502;;"), &["sqlr-repeated-protocol"], false);
    check(&one(";tcp"), &["sqlr-no-value", "sqlr-unterminated"], true);
    check(&one(";foo;bar;tcp;1501;;"), &["sqlr-unknown-key"], false);
    // A key whose value is missing altogether.
    check(&answer(b"ServerName;A;InstanceName;IsClustered;No;Version;9.0;tcp;1;;"), &["sqlr-no-value"], true);
    check(&answer(b"ServerName;A;InstanceName;Version;IsClustered;No;Version;9.0;tcp;1;;"), &[], false);
    check(
        &answer(b"ServerName;A;InstanceName;B;IsClustered;Maybe;Version;9x;;"),
        &["sqlr-bad-value"; 2],
        true,
    );
    check(
        &answer(b"InstanceName;B;IsClustered;No;Version;9;;"),
        &["sqlr-no-server-name", "sqlr-missing-key"],
        true,
    );
    // Questions.
    check(&hex!("04"), &["sqlr-no-name", "sqlr-name-unterminated"], true);
    check(&hex!("0400"), &["sqlr-no-name"], true);
    check(b"\x04RTC", &["sqlr-name-unterminated"], false);
    check(b"\x04RTC\0\0", &["sqlr-trailing-bytes"], false);
    check(&hex!("0f"), &["sqlr-cut"], true);
    check(&hex!("0f02524600"), &["sqlr-version"], true);
    check(&[&[4][..], &[b'a'; 33], &[0]].concat(), &["sqlr-long-name"], true);
    check(&[&[4][..], &[b'a'; 32], &[0]].concat(), &[], false);
}

#[test]
fn ports_that_can_still_be_read() {
    let bytes = one(";tcp;1501;tcp;1502;;");
    let sqlr = parse_sqlr(&bytes).unwrap();
    let instance = &response(&sqlr).instances()[0];
    assert_eq!((instance.tcp_port(), instance.protocols.len()), (Some(1501), 2));
    // The length field lies, as in an answer cut at 40 bytes.
    let whole = one(";tcp;1501;;");
    let sqlr = parse_sqlr(&whole[..40]).unwrap();
    assert_eq!(codes(&sqlr)[0], "sqlr-size");
    assert_eq!(
        sqlr.issues[0].text,
        format!("The length field says {}, the datagram holds 37", whole.len() - 3)
    );
    assert_eq!(told(&sqlr)[0].1, "RTC");
}

// The kind of answer SQL Server 2000 gives; `bv` with empty values gives `;;` inside an instance.
#[test]
fn empty_values_do_not_end_an_instance() {
    let data = b"ServerName;HOST;InstanceName;MSSQLSERVER;IsClustered;No;Version;8.00.194;np;\\\\HOST\\pipe\\sql\\query;\
        via;HOST,0:1433,1:1434;rpc;HOST;spx;HOST;adsp;HOST;bv;;@HOST;;tcp;1433;;\
        servername;HOST;INSTANCENAME;TWO;IsClustered;YES;Version;8.00.194;TCP;1500;;";
    let bytes = answer(data);
    let sqlr = parse_sqlr(&bytes).unwrap();
    assert_eq!(codes(&sqlr), [""; 0]);
    let instances = response(&sqlr).instances();
    assert_eq!(instances.len(), 2);
    let kinds: Vec<_> = instances[0].protocols.iter().map(|p| p.kind.name()).collect();
    assert_eq!(kinds, ["np", "via", "rpc", "spx", "adsp", "bv", "tcp"]);
    let bv = instances[0].protocol(ProtocolKind::Bv).unwrap();
    assert_eq!(bv.values.iter().map(|v| v.bytes).collect::<Vec<_>>(), [&b""[..], b"@HOST", b""]);
    assert_eq!(instances[0].protocol(ProtocolKind::Via).unwrap().values[0].bytes, b"HOST,0:1433,1:1434");
    assert_eq!((instances[0].tcp_port(), instances[1].tcp_port()), (Some(1433), Some(1500)));
    assert_eq!(instances[1].is_clustered(), Some(true));
}

#[test]
fn code_page_bytes() {
    let bytes = answer(
        b"ServerName;M\xDCNCHEN\x80;InstanceName;R\xC9\x81;IsClustered;No;Version;10.50.1600.1;tcp;1501;;",
    );
    let sqlr = parse_sqlr(&bytes).unwrap();
    let instance = &response(&sqlr).instances()[0];
    assert_eq!(instance.server.as_ref().map(Value::text).as_deref(), Some("MÜNCHEN€"));
    assert_eq!(instance.name.as_ref().unwrap().bytes, b"R\xC9\x81");
    assert_eq!(instance.name.as_ref().map(Value::text).as_deref(), Some("RÉ\u{FFFD}"));
    assert_eq!(codes(&sqlr), [""; 0]);
    assert_eq!(code_page_1252(b"\x9F\xFFa"), "Ÿÿa");
}

#[test]
fn hostile_patterns() {
    let mut worm = vec![0x04];
    worm.resize(376, 0x01);
    let sqlr = parse_sqlr(&worm).unwrap();
    assert_eq!((sqlr.pattern, sqlr.is_malformed()), (Some(Pattern::Slammer), true));
    assert!(looks_like_sqlr(&worm));
    // What intrusion detection rules look for.
    let rule = [&b"\x04xx"[..], &hex!("81f10301049b81f101"), b"sock", b"send"].concat();
    assert_eq!(parse_sqlr(&rule).unwrap().pattern, Some(Pattern::Slammer));
    worm.truncate(375);
    assert_eq!(parse_sqlr(&worm).unwrap().pattern, Some(Pattern::OverlongName));
    assert_eq!(amplification(1, 4096), 4096.0);
    assert_eq!(amplification(0, 10), 10.0);
}

#[test]
fn large_answers_are_bounded() {
    let instance = format!("{HEAD};tcp;1501;;");
    let many = instance.repeat(65_535 / instance.len());
    let bytes = answer(many.as_bytes());
    let sqlr = parse_sqlr(&bytes).unwrap();
    assert_eq!(response(&sqlr).instances().len(), 65_535 / instance.len());
    assert!(response(&sqlr).is_dropped_by_clients(RequestKind::UnicastEx));
    assert!(!response(&sqlr).is_dropped_by_clients(RequestKind::BroadcastEx));
    let bytes = answer(&b"ServerName;;;".repeat(5000));
    let sqlr = parse_sqlr(&bytes).unwrap();
    assert_eq!((response(&sqlr).instances().len(), sqlr.issues.len()), (4096, 32));
    let keys = one(&";k;v".repeat(1000));
    let sqlr = parse_sqlr(&keys).unwrap();
    assert_eq!(response(&sqlr).instances()[0].unknown.len(), 64);
    let long = one(&format!(";np;{};;", "p".repeat(300)));
    let sqlr = parse_sqlr(&long).unwrap();
    assert_eq!(codes(&sqlr), ["sqlr-long-value"]);
    assert!(response(&sqlr).is_dropped_by_clients(RequestKind::UnicastInstance));
}

#[test]
fn versions_and_products() {
    for (version, product) in [
        ("8.00.194", Some("SQL Server 2000")),
        ("9.00.1399.06", Some("SQL Server 2005")),
        ("10.0.1600.22", Some("SQL Server 2008")),
        ("10.50.1600.1", Some("SQL Server 2008 R2")),
        ("11.0.2100.60", Some("SQL Server 2012")),
        ("16.0.1000.6", Some("SQL Server 2022")),
        ("16", Some("SQL Server 2022")),
        ("99.0", None),
        ("", None),
        ("x.y", None),
        ("300.0", None),
    ] {
        assert_eq!(product_of_version(version), product, "{version}");
    }
}

proptest! {
    #[test]
    fn printed_answers_read_back(
        instances in proptest::collection::vec(
            ("[A-Z0-9]{1,15}", "[A-Za-z0-9$_]{1,16}", any::<bool>(), 8u8..17, proptest::option::of(1u16..), proptest::option::of("[a-z$\\\\]{1,40}")),
            1..20,
        ),
    ) {
        let mut data = String::new();
        for (server, name, clustered, version, tcp, np) in &instances {
            let clustered = if *clustered { "Yes" } else { "No" };
            data.push_str(&format!("ServerName;{server};InstanceName;{name};IsClustered;{clustered};Version;{version}.0.1"));
            if let Some(np) = np {
                data.push_str(&format!(";np;{np}"));
            }
            if let Some(tcp) = tcp {
                data.push_str(&format!(";tcp;{tcp}"));
            }
            data.push_str(";;");
        }
        let bytes = answer(data.as_bytes());
        let sqlr = parse_sqlr(&bytes).unwrap();
        prop_assert_eq!(codes(&sqlr), Vec::<&str>::new());
        let expect: Vec<_> = instances
            .into_iter()
            .map(|(server, name, _, version, tcp, np)| (server, name, format!("{version}.0.1"), tcp, np))
            .collect();
        prop_assert_eq!(told(&sqlr), expect);
    }

    #[test]
    fn any_bytes(first in prop::sample::select(vec![2u8, 3, 4, 5, 15]), rest in proptest::collection::vec(
        prop::sample::select(vec![&b";"[..], b"tcp", b"np", b"bv", b"ServerName", b"Version", b"\0", b"\xff", b"1501"]), 0..40)) {
        let bytes = [&[first][..], &rest.concat()].concat();
        let sqlr = parse_sqlr(&bytes).unwrap();
        for issue in &sqlr.issues {
            prop_assert!(bytes.get(issue.range.clone()).is_some(), "{:?}", issue);
        }
        if let SqlrMessage::Response(response) = &sqlr.message {
            for instance in response.instances() {
                prop_assert!(bytes.get(instance.range.clone()).is_some());
                for value in instance.protocols.iter().flat_map(|p| &p.values) {
                    prop_assert_eq!(&bytes[value.range.clone()], value.bytes);
                }
            }
        }
    }
}
