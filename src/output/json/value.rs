//! Values of the contract that have a text form of their own: times, addresses, durations.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::{Serialize, Serializer};

use super::writer::is_plain;
use crate::capture::{FrameRef, Nanos};

/// Text built on the stack.
struct Small {
    bytes: [u8; 96],
    len: usize,
}

impl Small {
    fn new() -> Self {
        Self { bytes: [0; 96], len: 0 }
    }

    fn push(&mut self, text: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.len..self.len + text.len()) {
            place.copy_from_slice(text);
            self.len += text.len();
        }
    }

    fn number(&mut self, value: impl itoa::Integer) {
        self.push(itoa::Buffer::new().format(value).as_bytes());
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl std::fmt::Write for Small {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.push(s.as_bytes());
        Ok(())
    }
}

/// RFC 3339 UTC with nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub Nanos);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&rfc3339(self.0))
    }
}

fn rfc3339(time: Nanos) -> [u8; 30] {
    const DAY: i64 = 86_400_000_000_000;
    let (days, of_day) = (time.div_euclid(DAY), time.rem_euclid(DAY) as u64);
    let (year, month, day) = civil_from_days(days);
    let seconds = of_day / 1_000_000_000;
    let mut out = *b"0000-00-00T00:00:00.000000000Z";
    let nanos = of_day % 1_000_000_000;
    digits(&mut out, [(0, year / 100), (2, year % 100), (5, month), (8, day)]);
    digits(&mut out, [(11, seconds / 3600), (14, seconds / 60 % 60), (17, seconds % 60)]);
    digits(&mut out, [(20, nanos / 10_000_000), (22, nanos / 100_000 % 100), (24, nanos / 1000 % 100)]);
    // The last pair covers one digit of the pair before it.
    digits(&mut out, [(26, nanos / 10 % 100), (27, nanos % 100)]);
    out
}

/// A number of two digits for each place given.
#[inline(always)]
fn digits<const N: usize>(out: &mut [u8; 30], places: [(usize, u64); N]) {
    for (at, value) in places {
        if let Some(place) = out.get_mut(at..at + 2) {
            place.copy_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
        }
    }
}

/// Year, month and day of a count of days since 1970-01-01, in the proleptic Gregorian calendar (Howard Hinnant's
/// `civil_from_days`). Nanoseconds in 64 bits span the years 1677 to 2262 only.
fn civil_from_days(days: i64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year.max(0) as u64, month as u64, day as u64)
}

/// The numbers of IPv4 addresses with the dot behind each, and how long that is.
static OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut n = 0;
    while n < 256 {
        let [hundreds, tens, ones] =
            [b'0' + (n / 100) as u8, b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8];
        octets[n] = match n {
            0..10 => ([ones, b'.', 0, 0], 2),
            10..100 => ([tens, ones, b'.', 0], 3),
            _ => ([hundreds, tens, ones, b'.'], 4),
        };
        n += 1;
    }
    octets
};

/// `ip:port`, `[v6]:port`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addr(pub SocketAddr);

impl Serialize for Addr {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = Small::new();
        match self.0 {
            SocketAddr::V4(a) => {
                for octet in a.ip().octets() {
                    let (digits, len) = OCTETS[usize::from(octet)];
                    out.push(&digits);
                    out.len -= digits.len() - usize::from(len);
                }
                out.len -= 1;
                out.push(b":");
                out.number(a.port());
            }
            SocketAddr::V6(a) => {
                let _ = write!(out, "{a}");
            }
        }
        s.serialize_bytes(out.text())
    }
}

/// A word of ours, which needs no escapes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word(pub &'static str);

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(self.0.as_bytes())
    }
}

/// Nanoseconds as milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Millis(pub Nanos);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1_000_000 == 0 {
            s.serialize_i64(self.0 / 1_000_000)
        } else {
            s.serialize_f64(self.0 as f64 / 1e6)
        }
    }
}

/// A status code, none where it is 0.
pub(super) fn some(status: u16) -> Option<u16> {
    (status > 0).then_some(status)
}

/// `{"capture": i, "frame": n}`.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Frame {
    capture: u16,
    frame: u32,
}

impl From<FrameRef> for Frame {
    fn from(f: FrameRef) -> Self {
        Self { capture: f.capture.0, frame: f.frame }
    }
}

/// `1 INVITE`.
#[derive(Debug, Clone, Copy)]
pub(super) struct CSeq<'a>(pub u32, pub &'a str);

impl Serialize for CSeq<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if self.1.len() > 64 {
            return s.collect_str(&format_args!("{} {}", self.0, self.1));
        }
        let mut out = Small::new();
        out.number(self.0);
        out.push(b" ");
        out.push(self.1.as_bytes());
        match out.text() {
            plain if is_plain(plain) => s.serialize_bytes(plain),
            text => s.serialize_str(std::str::from_utf8(text).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let rfc3339 = |time| String::from_utf8(rfc3339(time).to_vec()).expect("text");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(rfc3339(951_782_400_000_000_001), "2000-02-29T00:00:00.000000001Z");
        for time in [
            i64::MIN,
            i64::MAX,
            1_240_409_531_210_011_000,
            -5_000_000_000_000_000_000,
            4_107_542_400_000_000_000,
        ] {
            let zoned = jiff::Timestamp::from_nanosecond(i128::from(time)).expect("in range");
            assert_eq!(rfc3339(time), format!("{zoned:.9}"));
        }
    }

    #[test]
    fn addresses_and_durations() {
        let json = |v: &dyn erased::Json| v.json();
        assert_eq!(json(&Addr("10.0.0.255:5060".parse().expect("address"))), "\"10.0.0.255:5060\"");
        assert_eq!(json(&Addr("[2001:db8::1]:5061".parse().expect("address"))), "\"[2001:db8::1]:5061\"");
        for octet in 0..=255 {
            let address = SocketAddr::from(([octet, 255 - octet, 7, octet], 200 * u16::from(octet)));
            assert_eq!(json(&Addr(address)), format!("\"{address}\""));
        }
        assert_eq!(json(&Millis(1_820_000_000)), "1820");
        assert_eq!(json(&Millis(1_820_121_000)), "1820.121");
        assert_eq!(json(&CSeq(102, "INVITE")), "\"102 INVITE\"");
        assert_eq!(json(&CSeq(1, &"X".repeat(200))).len(), 204);
    }

    mod erased {
        use crate::output::json::writer::append;

        pub trait Json {
            fn json(&self) -> String;
        }
        impl<T: serde::Serialize> Json for T {
            fn json(&self) -> String {
                let mut text = Vec::new();
                append(&mut text, self, false, 0).expect("writes");
                String::from_utf8(text).expect("text")
            }
        }
    }
}
