//! Framings and openings.

use hex_literal::hex;

use super::super::stream::*;
use super::*;

const CLIENT_HELLO: &[u8] = &hex!(
    "160301002d010000290301c1fcd5a36d93dd7e0b45673fec7985fbbc3fd660c2ce8485081b8121bcaa10fb00000200180100"
);
/// As a server of [MS-TURN] sends it; random and session id are made up.
const SERVER_HELLO: &[u8] = &hex!(
    "160301004e0200004603019b254b3d2b42349a0dea04d17af7e7717273027d7c09e468438493856afe7209"
    "20c1e75a36fd1bdeb4449d325a2b80e5ba5c3755130f0bfa050c7e94eecd900883 0018000e000000"
);
const RTP: [u8; 12] = hex!("8072000100000000deadbeef");

fn message(kind: FrameKind, payload: Range<usize>, consumed: usize) -> Framing {
    Framing::Message { kind, payload, consumed }
}

fn microsoft(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("fits").to_be_bytes();
    [&[kind, 0][..], &length, payload].concat()
}

#[test]
fn rfc_framing() {
    let stream = [RFC5769_REQUEST, &hex!("4000000380080100"), RFC5769_V4].concat();
    let at = RFC5769_REQUEST.len();
    assert_eq!(frame_rfc(&stream), message(FrameKind::Stun, 0..at, at));
    assert_eq!(frame_rfc(&stream[at..]), message(FrameKind::ChannelData, 0..7, 8));
    assert_eq!(frame_rfc(&stream[at..at + 7]), Framing::NeedMore(8));
    assert_eq!(frame_rfc(&stream[at + 8..]), message(FrameKind::Stun, 0..RFC5769_V4.len(), RFC5769_V4.len()));
    assert_eq!(frame_rfc(&RFC5769_V4[..30]), Framing::NeedMore(RFC5769_V4.len()));
    for other in [&b"\x80\x08\0\0"[..], &hex!("00010203040506070809000000000000000000000000")] {
        assert!(matches!(frame_rfc(other), Framing::Reject(_)), "{other:02x?}");
    }
    assert_eq!(probe_stun_stream(&stream), StreamGuess::Framed(StreamFraming::Rfc));
}

#[test]
fn rfc4571() {
    let stream = [&hex!("006c")[..], RFC5769_REQUEST, &hex!("0000 000c"), &RTP].concat();
    assert_eq!(frame_rfc4571(&stream), message(FrameKind::Packet, 2..110, 110));
    assert_eq!(frame_rfc4571(&stream[110..]), message(FrameKind::Packet, 2..2, 2));
    assert_eq!(frame_rfc4571(&stream[112..]), message(FrameKind::Packet, 2..14, 14));
    assert_eq!(frame_rfc4571(&stream[112..120]), Framing::NeedMore(14));
    assert_eq!(probe_stun_stream(&stream), StreamGuess::Framed(StreamFraming::Rfc4571));
    assert_eq!(probe_stun_stream(&stream[112..]), StreamGuess::Unknown);
}

#[test]
fn microsoft_framing() {
    let allocate = microsoft(2, MS_ALLOCATE);
    assert_eq!(allocate[..4], hex!("02000024"));
    assert_eq!(frame_microsoft(&allocate), message(FrameKind::Control, 4..40, 40));
    assert_eq!(frame_microsoft(&allocate[..39]), Framing::NeedMore(40));
    let data = microsoft(3, &RTP);
    assert_eq!(data[..4], hex!("0300000c"));
    assert_eq!(frame_microsoft(&data), message(FrameKind::EndToEnd, 4..16, 16));
    for other in [&hex!("04000001")[..], &hex!("02010001"), &hex!("16030100")] {
        assert!(matches!(frame_microsoft(other), Framing::Reject(_)));
    }
    for bytes in [&allocate, &microsoft(3, RFC5769_REQUEST), &microsoft(2, MS_ALLOCATE_SIGNED)] {
        assert_eq!(probe_stun_stream(bytes), StreamGuess::Framed(StreamFraming::Microsoft));
    }
}

/// As libnice 0.1.21 sends it when the server's hello did not come in time.
#[test]
fn a_bare_message_behind_two_bytes() {
    let bare = hex!("0300000300106c5cf267112f08aa7cbd8beb9c1928d0000f000472c64bc68008000400000001");
    assert_eq!(frame_microsoft(&bare), message(FrameKind::Unframed, 2..38, 38));
    assert_eq!(frame_microsoft(&bare[..20]), Framing::NeedMore(30));
    assert_eq!(probe_stun_stream(&bare), StreamGuess::Framed(StreamFraming::Microsoft));
    // Three bytes of data are three bytes of data as soon as it cannot be a message.
    let mut short = bare;
    short[25] = 0;
    assert_eq!(frame_microsoft(&short), message(FrameKind::EndToEnd, 4..7, 7));
}

#[test]
fn multiplexed() {
    let stream = hex!("ff10000c 7f20c4dd4f848dfa 80720001 ff");
    let session = hex!("7f20c4dd4f848dfa");
    assert_eq!(frame_multiplexed(&stream), message(FrameKind::Multiplexed { session }, 12..16, 16));
    assert_eq!(frame_multiplexed(&stream[..6]), Framing::NeedMore(16));
    assert_eq!(multiplexed_datagram(&stream[..16]), Some(12..16));
    assert_eq!((multiplexed_datagram(&stream), multiplexed_datagram(&stream[..15])), (None, None));
    assert!(matches!(frame_multiplexed(&hex!("ff100007")), Framing::Reject(_)));
    assert!(matches!(frame_multiplexed(&hex!("ff11")), Framing::Reject(_)));
    assert_eq!(probe_stun_stream(&stream), StreamGuess::Framed(StreamFraming::Multiplexed));
}

#[test]
fn pseudo_tls() {
    assert_eq!(pseudo_tls_client_hello(CLIENT_HELLO), Opening::Pseudo(50));
    assert_eq!(pseudo_tls_server_hello(SERVER_HELLO), Opening::Pseudo(83));
    let client = [CLIENT_HELLO, &microsoft(2, MS_ALLOCATE)].concat();
    let server = [SERVER_HELLO, &microsoft(2, MS_UNAUTHORIZED)].concat();
    assert_eq!(pseudo_tls_client_hello(&client), Opening::Pseudo(50));
    assert_eq!(pseudo_tls_server_hello(&server), Opening::Pseudo(83));
    assert_eq!(goes_on_as_pseudo_tls(&client[50..]), Opening::Pseudo(0));
    for (hello, total) in [(CLIENT_HELLO, 50), (SERVER_HELLO, 83)] {
        for cut in 0..total {
            let one = [pseudo_tls_client_hello, pseudo_tls_server_hello][usize::from(total == 83)];
            assert_eq!(one(&hello[..cut]), Opening::NeedMore(total));
        }
        assert_eq!(probe_stun_stream(hello), StreamGuess::PseudoTls);
    }
    // Random and session id are anybody's.
    let mut other = SERVER_HELLO.to_vec();
    (other[11], other[76]) = (0, 0);
    assert_eq!(pseudo_tls_server_hello(&other), Opening::Pseudo(83));
}

#[test]
fn pseudo_tls_that_turns_out_to_be_tls() {
    // Anonymous RC4 for real: a ServerKeyExchange stands where ServerHelloDone did.
    let mut key_exchange = SERVER_HELLO.to_vec();
    key_exchange[79] = 0x0C;
    // ServerHello alone in its record.
    let mut alone = SERVER_HELLO.to_vec();
    alone[4] = 0x4A;
    // Another suite; an alert.
    let mut suite = SERVER_HELLO.to_vec();
    suite[78] = 0x2F;
    for tls in [&key_exchange[..], &alone, &suite, &hex!("15030100020228")] {
        assert_eq!(pseudo_tls_server_hello(tls), Opening::Tls);
    }
    // A ClientHello with extensions; ClientKeyExchange after the one that looked like Microsoft's.
    assert_eq!(pseudo_tls_client_hello(&hex!("16030100c8010000c40303")), Opening::Tls);
    assert_eq!(goes_on_as_pseudo_tls(&hex!("1603010086100000")), Opening::Tls);
    assert_eq!(goes_on_as_pseudo_tls(b"GET / HTTP/1.1"), Opening::Other);
    assert_eq!(probe_stun_stream(&hex!("16030100c8010000c403030102")), StreamGuess::Unknown);
}

#[test]
fn finding_the_next_frame() {
    let next = microsoft(2, MS_DATA);
    let stream = [&b"rest of a frame"[..], &next].concat();
    assert_eq!(StreamFraming::Microsoft.find_next(&stream), Some(15));
    assert_eq!(StreamFraming::Microsoft.find_next(&next), None);
    let stream = [&b"rest"[..], RFC5769_V4].concat();
    assert_eq!(StreamFraming::Rfc.find_next(&stream), Some(4));
    assert_eq!(StreamFraming::Rfc4571.find_next(&stream), None);
    let stream = [&b"rest"[..], &hex!("0050"), RFC5769_V4].concat();
    assert_eq!(StreamFraming::Rfc4571.find_next(&stream), Some(4));
}

/// A keep-alive of four bytes, seen from equipment that is no client of STUN: five of them are as long as a classic
/// Binding Request without attributes.
#[test]
fn keep_alives_are_no_classic_stun() {
    assert_eq!(probe_stun_stream(&hex!("00010000").repeat(5)), StreamGuess::Unknown);
    assert_eq!(probe_stun_stream(&hex!("00010000").repeat(50)), StreamGuess::Unknown);
}

#[test]
fn other_streams() {
    for other in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        assert_eq!(probe_stun_stream(other), StreamGuess::Unknown, "{}", other.escape_ascii());
    }
    // A classic message proves itself only when it is whole.
    let stream = [&hex!("0078")[..], MS_ICE_CHECK].concat();
    assert_eq!(probe_stun_stream(&stream[..60]), StreamGuess::NeedMore(122));
    assert_eq!(probe_stun_stream(&stream), StreamGuess::Framed(StreamFraming::Rfc4571));
}
