use hex_literal::hex;

use super::*;

fn told(datagram: &[u8]) -> Option<(u16, Option<&'static str>)> {
    parse_udptl(datagram).map(|u| (u.sequence, u.ifp.and_then(Ifp::name)))
}

/// Encoded by hand from the ASN.1 of T.38 annex A with X.691; a fax of a public corpus reads as a fax with it, from
/// no-signal over v21-preamble to v17-14400.
#[test]
fn heads() {
    assert_eq!(told(&hex!("0000 01 00 0000")), Some((0, Some("no-signal"))));
    assert_eq!(told(&hex!("0001 01 02 0000")), Some((1, Some("cng"))));
    assert_eq!(told(&hex!("0002 01 06 00 02 01 04 01 00")), Some((2, Some("v21-preamble"))));
    assert_eq!(told(&hex!("004c 01 1c 00")), Some((0x4c, Some("v17-14400-short-training"))));
    // With data: HDLC of V.21, and a page.
    let data = hex!("0013 06 c00180000068 00");
    let found = parse_udptl(&data).unwrap();
    assert_eq!((found.ifp, found.primary), (Some(Ifp::Data { extended: false, value: 0 }), 3..9));
    assert_eq!(told(&hex!("0027 04 d001e000 00")), Some((0x27, Some("v17-14400"))));
    // Additions of later versions: v8-ansam, v33-14400-training, and v8 as data.
    assert_eq!(told(&hex!("0003 02 2000 00")), Some((3, Some("v8-ansam"))));
    assert_eq!(told(&hex!("0003 02 2180 00")), Some((3, Some("v33-14400-training"))));
    assert_eq!(told(&hex!("0003 02 6000 00")), Some((3, Some("v8"))));
}

#[test]
fn lengths() {
    // Two bytes of length.
    let mut long = hex!("0001 8082 d0").to_vec();
    long.resize(4 + 130, 0);
    assert_eq!(parse_udptl(&long).unwrap().primary, 4..134);
    long.pop();
    assert_eq!(parse_udptl(&long), None);
    // Beyond the end; fragments; an empty IFP packet; too short.
    assert_eq!(parse_udptl(&hex!("0001 05 06")), None);
    assert_eq!(parse_udptl(&hex!("0001 c1 06")), None);
    assert_eq!(told(&hex!("0001 00 00")), Some((1, None)));
    for short in [&[][..], &[0], &[0, 1]] {
        assert_eq!(parse_udptl(short), None);
    }
    // Numbers beyond the additions, and a large one.
    assert_eq!(told(&hex!("0003 02 2fc0 00")), Some((3, None)));
    assert_eq!(told(&hex!("0003 02 3000 00")), Some((3, None)));
    // An addition whose second byte is missing.
    assert_eq!(told(&hex!("0003 01 20 00")), Some((3, None)));
}

/// Built by hand as annex A and X.691 say; the layout of parities is that of spandsp's `udptl_rx_packet` too.
#[test]
fn error_recovery() {
    let of = |datagram: &[u8]| parse_udptl(datagram).unwrap();
    let bare = of(&hex!("0007 01 06 00 00"));
    assert_eq!((bare.recovery, bare.whole), (Some(Recovery::Repeated(vec![])), true));
    let twice = of(&hex!("0007 01 06 00 02 01 04 02 d001"));
    assert_eq!(twice.recovery, Some(Recovery::Repeated(vec![7..8, 9..11])));
    assert!(twice.whole);
    assert_eq!(twice.recovers(|_| false), [1, 2]);
    assert_eq!(twice.recovers(|back| back == 1), [2]);
    // An empty one repeats nothing.
    assert_eq!(of(&hex!("0007 01 06 00 02 00 01 04")).recovers(|_| false), [2]);
    let parity = of(&hex!("0010 01 06 80 01 03 02 01 aa 01 bb"));
    assert_eq!(parity.recovery, Some(Recovery::Parity { span: 3, parities: vec![9..10, 11..12] }));
    // Of two parities the first is over 2, 4 and 6 before, the second over 1, 3 and 5.
    assert_eq!(parity.recovers(|back| back != 4), [4]);
    assert_eq!(parity.recovers(|back| !matches!(back, 3 | 4)), [4, 3]);
    assert_eq!(
        parity.recovers(|back| !matches!(back, 2 | 4 | 5)),
        [5],
        "two of one parity are lost for good"
    );
    // Cut, or more than it says.
    for odd in [
        &hex!("0007 01 06 00 02 01 04 02 d0")[..],
        &hex!("0007 01 06"),
        &hex!("0010 01 06 80 02 03 01 01 aa"),
    ] {
        let read = of(odd);
        assert!(!read.whole && read.recovery.is_none() && read.recovers(|_| false).is_empty(), "{odd:02x?}");
    }
    let more = of(&hex!("0007 01 06 00 00 00"));
    assert!(!more.whole && more.recovery.is_some());
}

#[test]
fn likeness() {
    assert!(looks_like_udptl(&hex!("0007 01 06 00 01 01 04"), 0));
    assert!(!looks_like_udptl(&hex!("0007 01 06 00 01 01"), 0), "ends too early");
    assert!(looks_like_udptl(&hex!("0007 01 06 00 01 01"), 1), "cut by the capture");
    assert!(looks_like_udptl(&hex!("0007 40 c001"), 80), "cut in the primary packet");
    assert!(!looks_like_udptl(&hex!("0007 40 c001"), 20), "which is longer than the datagram was");
    assert!(!looks_like_udptl(&hex!("0007 00 00 00"), 0), "says nothing");
    assert!(!looks_like_udptl(&hex!("0007 01 06 00 00 ff"), 0), "goes on behind its end");
    for odd in [&b""[..], b"\0", b"\0\0\0\0", b"\r\n\r\n", b"hello"] {
        assert!(!looks_like_udptl(odd, 0), "{odd:?}");
    }
}

/// As many parities over as many packets as the lengths allow: more than there are numbers.
#[test]
fn parities_over_more_than_there_are_numbers() {
    let most = [&[0, 7, 1, 6, 0x80, 1, 0xff, 0xbf, 0xff][..], &[0; 0x3fff]].concat();
    let found = parse_udptl(&most).unwrap();
    assert!(found.whole && matches!(&found.recovery, Some(Recovery::Parity { span: 255, .. })));
    assert_eq!(found.recovers(|_| false), Vec::<u16>::new());
    assert_eq!(found.recovers(|back| back != 1), Vec::<u16>::new());
    let many = [&[0, 7, 1, 6, 0, 0xbf, 0xff][..], &[1, 6].repeat(0x3fff)].concat();
    assert_eq!(parse_udptl(&many).unwrap().recovers(|back| back != 0x3fff), [0x3fff]);
}
