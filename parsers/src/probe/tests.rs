use super::*;
use hex_literal::hex;
use proptest::prelude::*;

#[track_caller]
fn check(payload: &[u8], expect: Probe) {
    assert_eq!(probe_datagram(payload), expect, "{:?}", payload.escape_ascii().to_string());
}

#[test]
fn sip_requests_and_responses() {
    check(b"INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: x\r\n\r\n", Probe::Sip);
    check(b"SIP/2.0 200 OK\r\n\r\n", Probe::Sip);
    check(b"sip/2.0 200 OK\r\n\r\n", Probe::Sip);
    check(b"\r\n\r\nOPTIONS sip:a SIP/2.0\r\n\r\n", Probe::Sip);
    check(b"BENOTIFY sip:1.2.3.4:5061;transport=tls SIP/2.0\nCall-ID: 1\n\n", Probe::Sip);
    // First lines of RFC 4475 §3.1.1.2 (intmeth), §3.1.2.7 (ltgtruri), §3.1.2.9 (lwsstart), §3.1.2.10 (trws).
    check(
        b"!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)@example.com SIP/2.0\r\n",
        Probe::Sip,
    );
    check(b"INVITE <sip:user@example.com> SIP/2.0\r\n", Probe::Sip);
    check(b"INVITE  sip:user@example.com  SIP/2.0\r\n", Probe::Sip);
    check(b"OPTIONS sip:remote-target@example.com SIP/2.0  \r\n", Probe::Sip);
    // §3.1.2.16 (badvers).
    check(b"OPTIONS sip:t.watson@example.org SIP/7.0\r\n", Probe::Sip);
    check(b"INVITE sip:a@b SIP/2.0 junk\r\n", Probe::Sip);
}

#[test]
fn sip_with_a_long_first_line() {
    let mut long = b"INVITE sip:".to_vec();
    long.resize(40_000, b'a');
    long.extend_from_slice(b"@x SIP/2.0\r\n\r\n");
    check(&long, Probe::Sip);
}

#[test]
fn sip_cut_inside_its_first_line() {
    check(b"INVITE sip:bob@bil", Probe::Sip);
    check(b"REGISTER s", Probe::Sip);
    check(b"SIP/2.", Probe::Sip);
    check(b"INVITE x", Probe::Unknown);
    check(b"INVITE ", Probe::Unknown);
}

#[test]
fn other_text_is_not_sip() {
    check(b"OPTIONS rtsp://10.0.0.1/cam RTSP/1.0\r\n\r\n", Probe::Unknown);
    check(b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n", Probe::Http);
    check(b"GET /ws HTTP/1.1\r\n\r\n", Probe::Http);
    check(b"MSRP d93kswow SEND\r\n", Probe::Unknown);
    check(b"<13>Oct 11 22:14:15 host app: INVITE sip:a\n", Probe::Unknown);
    check(b"HTTP/1.1 101 Switching Protocols\r\n", Probe::Http);
    check(b"SIPPING is fun\r\n", Probe::Unknown);
    check(b"SIP/x", Probe::Unknown);
    check(b"hello world\r\n", Probe::Unknown);
}

#[test]
fn keep_alives() {
    check(b"\r\n", Probe::SipKeepAlive);
    check(b"\r\n\r\n", Probe::SipKeepAlive);
    check(b"\0", Probe::SipKeepAlive);
    check(b"\0\0\0\0", Probe::SipKeepAlive);
    check(b"\r\n\0", Probe::SipKeepAlive);
    check(&[0; 100], Probe::Unknown);
    check(b"", Probe::Unknown);
}

// Header and first attribute of RFC 5769 §2.1, cut after the attribute in the second case.
const RFC5769_REQUEST: [u8; 108] = hex!(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
);

#[test]
fn stun_with_cookie() {
    check(&RFC5769_REQUEST, Probe::Stun);
    check(&RFC5769_REQUEST[..40], Probe::Stun);
    let mut odd = RFC5769_REQUEST;
    odd[3] = 0x57;
    check(&odd, Probe::Unknown);
}

#[test]
fn stun_without_cookie() {
    // RFC 3489 Binding Request without attributes: transaction id invented.
    check(&hex!("00010000 00112233445566778899aabbccddeeff"), Probe::Stun);
    // With CHANGE-REQUEST.
    check(&hex!("00010008 00112233445566778899aabbccddeeff 0003000400000006"), Probe::Stun);
    // MS-TURN Allocate with an unpadded attribute of five bytes: length 17.
    check(
        &hex!("00030011 00112233445566778899aabbccddeeff 000f000472c64bc6 000600056162636465"),
        Probe::Stun,
    );
    // The same with an id that begins like the RFC 5389 cookie.
    check(
        &hex!("00030011 2112a442445566778899aabbccddeeff 000f000472c64bc6 000600056162636465"),
        Probe::Stun,
    );
    // Unpadded SOFTWARE of three bytes after an RFC 5389 header.
    check(&hex!("00010007 2112a442445566778899aabbccddeeff 80220003616263"), Probe::Stun);
    // Length does not fit; unknown type; a DNS query with id 1.
    check(&hex!("00010004 00112233445566778899aabbccddeeff"), Probe::Unknown);
    check(&hex!("00050000 00112233445566778899aabbccddeeff"), Probe::Unknown);
    check(&hex!("0001 0100 0001 0000 0000 0000 0377777703636f6d00 0001 0001"), Probe::Unknown);
}

#[test]
fn channel_data() {
    check(&hex!("4000 0004 80000001"), Probe::ChannelData);
    check(&hex!("4001 0003 800000 00"), Probe::ChannelData);
    check(&hex!("7ffe 0001 80"), Probe::ChannelData);
    check(&hex!("4001 0009 80000001"), Probe::Unknown);
}

#[test]
fn dtls() {
    check(&hex!("16feff 0000 000000000000 0002 0100"), Probe::Dtls);
    check(&hex!("17fefd 0001 000000000001 0004 00000000"), Probe::Dtls);
    check(&hex!("160303 0000 000000000000 0002 0100"), Probe::Unknown);
    let mut unified = hex!("2e 0001 0010").to_vec();
    unified.resize(5 + 16, 0xAA);
    check(&unified, Probe::Dtls);
    unified.push(0);
    check(&unified, Probe::Unknown);
}

#[test]
fn rtp() {
    let mut packet = hex!("8000 0001 000000a0 11223344").to_vec();
    packet.resize(172, 0xFF);
    check(&packet, Probe::Rtp);
    check(&packet[..11], Probe::Unknown);
    // One CSRC and an extension of one word.
    check(&hex!("9100 0001 000000a0 11223344 55667788 bede0001 00000000"), Probe::Rtp);
    check(&hex!("9100 0001 000000a0 11223344 55667788 bede0002 00000000"), Probe::Unknown);
    check(&hex!("8f00 0001 000000a0 11223344"), Probe::Unknown);
    check(&hex!("8048 0001 000000a0 11223344"), Probe::Unknown);
}

/// RFC 6189 §5: told by its cookie alone.
#[test]
fn zrtp() {
    check(&hex!("1000 0001 5a525450 11223344"), Probe::Zrtp);
    check(&hex!("1000 0001 5a525451 11223344"), Probe::Unknown);
    check(&hex!("1000 0001 5a5254"), Probe::Unknown);
    check(&hex!("2000 0001 5a525450 11223344"), Probe::Unknown);
}

#[test]
fn rtcp() {
    // Empty RR followed by SDES with CNAME `a`.
    check(&hex!("80c90001 11223344 81ca0002 11223344 01016100"), Probe::Rtcp);
    // SRTCP: the second packet is encrypted, then index and tag.
    check(&hex!("80c90001 11223344 deadbeef 80000001 00112233445566778899"), Probe::Rtcp);
    check(&hex!("80c90009 11223344"), Probe::Unknown);
    // RTP with marker and payload type 96+: never RTCP.
    check(&hex!("80e0 0001 000000a0 11223344 00"), Probe::Rtp);
}

#[test]
fn streams() {
    assert_eq!(probe_stream(&hex!("16030100c8 01")), Probe::Tls);
    assert_eq!(probe_stream(&hex!("1603010000 01")), Probe::Unknown);
    assert_eq!(probe_stream(&hex!("1703030000")), Probe::Tls);
    assert_eq!(probe_stream(&hex!("1503010002 0228")), Probe::Tls);
    assert_eq!(probe_stream(&hex!("16030148ff")), Probe::Unknown);
    // Version 2 ClientHello offering TLS 1.0 with two cipher specs and a challenge of sixteen bytes.
    let mut v2 = hex!("801f 01 0301 0006 0000 0010 000004 000005").to_vec();
    v2.resize(2 + 0x1f, 0x55);
    assert_eq!(probe_stream(&v2), Probe::Tls);
    assert_eq!(probe_stream(&RFC5769_REQUEST), Probe::Stun);
    assert_eq!(probe_stream(b"INVITE sip:a@b SIP/2.0\r\n"), Probe::Sip);
    assert_eq!(probe_stream(b"\r\n\r\n"), Probe::SipKeepAlive);
    assert_eq!(probe_stream(b"GET / HTTP/1.1\r\n"), Probe::Http);
    assert_eq!(probe_stream(b"GET /"), Probe::Http);
    assert_eq!(probe_stream(&hex!("02000024 00030010")), Probe::Unknown);
    assert_eq!(probe_stream(&hex!("05")), Probe::Unknown);
}

proptest! {
    #[test]
    fn any_method_is_found(method in "[A-Z!%*_+`'~.-]{1,40}", user in "[a-z0-9]{1,20}") {
        let line = format!("{method} sip:{user}@example.com SIP/2.0\r\n\r\n");
        prop_assert_eq!(probe_datagram(line.as_bytes()), Probe::Sip);
        prop_assert_eq!(probe_stream(line.as_bytes()), Probe::Sip);
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (probe_datagram(&bytes), probe_stream(&bytes));
    }
}
