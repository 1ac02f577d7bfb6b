//! What is made to cost much, or to be told twice.

use std::time::{Duration, Instant};

use super::*;

/// What recurs on itself, on a stack that holds little.
#[test]
fn nests_do_not_exhaust_the_stack() {
    let deep = |text: &str| text.repeat(100_000).into_bytes();
    let run = move || {
        let mut r = redactor("a");
        r.uri(&mut deep("sip:"));
        r.uri(&mut deep("conf:"));
        r.free_text(&mut deep("a="));
        r.xml(&mut [b"<a>".to_vec(), "<![CDATA[<".repeat(2_000).into_bytes()].concat());
        r.free_text(&mut deep("uri=\"sip:a;"));
        r.name_addrs(&mut deep("<sip:a;uri=\"\\\""));
        let ends = ([10, 0, 0, 1], 4000).into();
        r.quoted_datagram(&mut [0x40; 65_000], (ends, ends), 1);
        assert_eq!(r.nested, 0);
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).expect("a thread").join().expect("no panic");
}

/// Behind keys the value is looked at as if it stood alone.
#[test]
fn values_behind_keys() {
    let shown = |text: &str| {
        replaced(text, |r, b| {
            r.learn("fabrikam");
            r.free_text(b);
        })
    };
    let (alone, behind) = (shown("fabrikam"), shown("a=b=fabrikam"));
    assert_ne!(alone, "fabrikam");
    assert_eq!(behind, format!("a=b={alone}"));
    assert_eq!(shown("a="), "a=");
}

/// Long rows of what a number or an address may begin with are gone through once.
#[test]
fn rows_of_marks() {
    let begun = Instant::now();
    for part in ["1-", "(", "+", "1.", "1 (", "a:", ":", "&", "%41"] {
        let mut row = part.repeat(200_000).into_bytes();
        let mut r = redactor("a");
        r.words(&mut row, Words { entities: true, ..Words::NAMES });
        r.free_text(&mut part.repeat(200_000).into_bytes());
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    // A number is found all the same at the end of such a row.
    let shown = words(&format!("{}+1 (425) 555-0100", "1-".repeat(40)));
    assert!(!shown.contains("555-0100"));
}

/// What is remembered has a limit in bytes, not only in how many.
#[test]
fn what_is_long_is_not_remembered() {
    let mut r = redactor("a");
    let long = "k".repeat(LONGEST_REMEMBERED + 1);
    let mut once = long.clone().into_bytes();
    r.words(&mut once, Words::NAMES);
    let mut head = format!("Call-ID: {long}\r\n\r\n").into_bytes();
    r.header_section(&mut head);
    assert!(r.words.is_empty() && r.learned.is_empty() && r.call_ids.is_empty());
    // It is the same again all the same.
    let mut again = long.into_bytes();
    r.words(&mut again, Words::NAMES);
    assert_eq!(once, again);
}

/// Options of PRELOGIN that lie over one another, and bytes that belong to none ([MS-TDS] §2.2.6.5).
#[test]
fn nothing_stays_beside_the_options() {
    // VERSION at 16, INSTOPT at 22 with a name, TRACEID at 30; a gap of 2.
    let mut good =
        hex!("00 0010 0006  02 0016 0005  05 001d 0003  ff 0b000c370000 746f6e7900 4b4b 4b4b4b").to_vec();
    let mut r = redactor("a");
    r.prelogin(&mut good);
    assert_eq!(good[..22], hex!("00 0010 0006  02 0016 0005  05 001d 0003  ff 0b000c370000"));
    assert!(good[22..26] != *b"tony" && good[26..] == [0; 6]);
    let option = hex!("02 0000 ffff");
    let begun = Instant::now();
    r.prelogin(&mut option.repeat(13_107));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

proptest! {
    /// An IPv4 address inside an IPv6 address becomes what it becomes alone, whatever it is written in.
    #[test]
    fn embedded_addresses(a in prop_oneof![any::<[u8; 4]>(), any::<[u8; 4]>().prop_map(|a| a.map(|o| o & 0x1f))]) {
        let mut r = redactor("a");
        let moved = r.v4(a);
        let [high, low] = [u16::from_be_bytes([a[0], a[1]]), u16::from_be_bytes([a[2], a[3]])];
        let dotted = Ipv4Addr::from(a);
        for (text, at) in [
            (format!("64:ff9b::{high:x}:{low:x}"), 12),
            (format!("64:ff9b::{dotted}"), 12),
            (format!("::ffff:{high:x}:{low:x}"), 12),
            (format!("::ffff:{dotted}"), 12),
            (format!("2002:{high:x}:{low:x}::1234"), 2),
            (format!("2002:{high:04X}:{low:04X}:0:0:0:0:1"), 2),
        ] {
            let mut shown = text.clone().into_bytes();
            r.words(&mut shown, Words::ALL);
            let shown = String::from_utf8(shown).expect("text");
            prop_assert_eq!(shown.len(), text.len());
            let read: Ipv6Addr = shown.parse().expect("an address");
            prop_assert_eq!(&read.octets()[at..at + 4], &moved, "{} {}", text, shown);
            let original: Ipv6Addr = text.parse().expect("an address");
            prop_assert_eq!(read.octets(), r.v6(original.octets()));
        }
    }
}
