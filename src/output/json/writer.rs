//! Values written as JSON, compact or indented, at any depth, with nothing in it that acts on a terminal.
//!
//! Documents are mostly short values under names that are known when the program is built. Those names become a few stores
//! here: calls and candidates take a third of the time they took with serde_json's serializer. What is written is the same
//! but for the characters that are escaped.

use std::fmt::Display;
use std::io::{self, Write};

use serde::{Serialize, Serializer, ser};

/// As much text is gathered before it is put out.
const ENOUGH: usize = 64 * 1024;

/// Adds a value to a text; the lines behind its first one are indented by `depth` and more.
pub(super) fn append(
    text: &mut Vec<u8>,
    value: &(impl Serialize + ?Sized),
    pretty: bool,
    depth: usize,
) -> io::Result<()> {
    write(text, None, value, pretty, depth).map_err(io::Error::from)
}

/// The same to an output, in parts.
pub(crate) fn stream(
    out: &mut dyn Write,
    value: &(impl Serialize + ?Sized),
    pretty: bool,
    depth: usize,
) -> io::Result<()> {
    let mut text = Vec::new();
    write(&mut text, Some(&mut *out), value, pretty, depth)?;
    out.write_all(&text)
}

fn write<'a>(
    text: &'a mut Vec<u8>,
    out: Option<&'a mut dyn Write>,
    value: &(impl Serialize + ?Sized),
    pretty: bool,
    depth: usize,
) -> Result<(), Error> {
    if pretty {
        return value.serialize(&mut Writer::<true> { text, out, depth, first: true });
    }
    value.serialize(&mut Writer::<false> { text, out, depth, first: true })
}

/// A line end and the blanks of a depth.
pub(super) fn indent(text: &mut Vec<u8>, depth: usize) {
    text.push(b'\n');
    text.resize(text.len() + 2 * depth, b' ');
}

/// What can go wrong: the output fails, or a value has no form in JSON.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Output(#[from] io::Error),
    #[error("{0}")]
    Value(String),
}

impl ser::Error for Error {
    fn custom<T: Display>(text: T) -> Self {
        Self::Value(text.to_string())
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Output(error) => error,
            Error::Value(text) => Self::other(text),
        }
    }
}

/// Whether it is pretty is known when it is built: asked at every name and value, it takes a third of the time.
struct Writer<'a, const PRETTY: bool> {
    text: &'a mut Vec<u8>,
    /// Where text goes once there is enough of it.
    out: Option<&'a mut dyn Write>,
    depth: usize,
    /// Nothing stands in the innermost array or object yet.
    first: bool,
}

impl<const PRETTY: bool> Writer<'_, PRETTY> {
    #[inline]
    fn begin(&mut self, open: u8) {
        self.text.push(open);
        self.depth += 1;
        self.first = true;
    }

    #[inline]
    fn end(&mut self, close: u8) {
        self.depth = self.depth.saturating_sub(1);
        if PRETTY && !self.first {
            indent(self.text, self.depth);
        }
        self.text.push(close);
        self.first = false;
    }

    /// What stands before a value of an array or a key.
    #[inline]
    fn item(&mut self) {
        if !self.first {
            self.text.push(b',');
        }
        self.first = false;
        if PRETTY {
            indent(self.text, self.depth);
        }
    }

    /// Name of a field, which needs no escapes. Only inlined its length is known.
    #[inline(always)]
    fn field(&mut self, name: &'static str) {
        debug_assert!(is_plain(name.as_bytes()), "{name}");
        self.item();
        let mut quoted = [b' '; 40];
        let len = name.len();
        if let Some(place) = quoted.get_mut(1..=len)
            && len <= 32
        {
            place.copy_from_slice(name.as_bytes());
            (quoted[0], quoted[len + 1], quoted[len + 2]) = (b'"', b'"', b':');
            self.text.extend_from_slice(&quoted[..if PRETTY { len + 4 } else { len + 3 }]);
        } else {
            self.string(name);
            self.colon();
        }
    }

    fn colon(&mut self) {
        self.text.extend_from_slice(if PRETTY { b": " } else { b":" });
    }

    #[inline]
    fn string(&mut self, s: &str) {
        if is_plain(s.as_bytes()) {
            return self.quoted(s.as_bytes());
        }
        self.text.push(b'"');
        escape(self.text, s);
        self.text.push(b'"');
    }

    #[inline]
    fn quoted(&mut self, plain: &[u8]) {
        self.text.reserve(plain.len() + 2);
        self.text.push(b'"');
        self.text.extend_from_slice(plain);
        self.text.push(b'"');
    }

    fn drain(&mut self) -> Result<(), Error> {
        if let Some(out) = &mut self.out
            && self.text.len() >= ENOUGH
        {
            out.write_all(self.text)?;
            self.text.clear();
        }
        Ok(())
    }
}

/// What is no printable ASCII, and quotes and backslashes.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut b = 0;
    while b < 256 {
        special[b] = b < 0x20 || b >= 0x7f || b == b'"' as usize || b == b'\\' as usize;
        b += 1;
    }
    special
};

/// Whether all of it needs no escapes. Without a way out in between: most texts are short.
#[inline]
pub(super) fn is_plain(s: &[u8]) -> bool {
    let (eights, rest) = s.as_chunks();
    let special = eights.iter().fold(0, |special, eight| special | specials(u64::from_le_bytes(*eight)));
    special == 0 && !rest.iter().fold(false, |special, &b| special | SPECIAL[usize::from(b)])
}

/// Not 0 if one of eight bytes is among [`SPECIAL`].
#[inline]
fn specials(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes & HIGH;
    let is = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    eight & HIGH | below(eight, 0x20) | is(0x7f) | is(b'"') | is(b'\\')
}

/// Beside what JSON asks for it escapes DEL, C1 controls and the characters that act on the direction or lines of a text.
fn escape(text: &mut Vec<u8>, s: &str) {
    let mut from = 0;
    for (at, c) in s.char_indices() {
        let short: &[u8] = match c {
            '"' => b"\\\"",
            '\\' => b"\\\\",
            '\n' => b"\\n",
            '\r' => b"\\r",
            '\t' => b"\\t",
            '\u{8}' => b"\\b",
            '\u{c}' => b"\\f",
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => b"",
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => b"",
            '\u{61c}' | '\u{feff}' => b"",
            _ => continue,
        };
        text.extend_from_slice(s.get(from..at).unwrap_or_default().as_bytes());
        from = at + c.len_utf8();
        text.extend_from_slice(short);
        if short.is_empty() {
            let hex = |shift: u32| b"0123456789abcdef"[(u32::from(c) >> shift & 0xf) as usize];
            text.extend_from_slice(&[b'\\', b'u', hex(12), hex(8), hex(4), hex(0)]);
        }
    }
    text.extend_from_slice(s.get(from..).unwrap_or_default().as_bytes());
}

/// The integers of serde.
macro_rules! integers {
    ($($method:ident $type:ty),*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Error> {
            self.text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            Ok(())
        }
    )*};
}

impl<const PRETTY: bool> Serializer for &mut Writer<'_, PRETTY> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers!(serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128);
    integers!(serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128);

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.text.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        if !value.is_finite() {
            return self.serialize_none();
        }
        self.text.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return self.serialize_none();
        }
        self.text.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.string(value);
        Ok(())
    }

    /// Bytes are text that is known to need no escapes: times and addresses that were just put together.
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        debug_assert!(is_plain(value), "{value:?}");
        self.quoted(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.text.extend_from_slice(b"null");
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.begin(b'{');
        self.field(variant);
        value.serialize(&mut *self)?;
        self.end(b'}');
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Error> {
        self.begin(b'[');
        Ok(self)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        self.begin(b'[');
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Self, Error> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, Error> {
        self.begin(b'{');
        self.field(variant);
        self.serialize_tuple(len)
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Self, Error> {
        self.begin(b'{');
        Ok(self)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        self.begin(b'{');
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, Error> {
        self.begin(b'{');
        self.field(variant);
        self.serialize_struct(name, len)
    }
}

impl<const PRETTY: bool> ser::SerializeSeq for &mut Writer<'_, PRETTY> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item();
        value.serialize(&mut **self)?;
        self.drain()
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        Writer::end(self, b']');
        Ok(())
    }
}

impl<const PRETTY: bool> ser::SerializeTuple for &mut Writer<'_, PRETTY> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        ser::SerializeSeq::end(self)
    }
}

impl<const PRETTY: bool> ser::SerializeTupleStruct for &mut Writer<'_, PRETTY> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Error> {
        ser::SerializeSeq::end(self)
    }
}

impl<const PRETTY: bool> ser::SerializeTupleVariant for &mut Writer<'_, PRETTY> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Error> {
        Writer::end(self, b']');
        Writer::end(self, b'}');
        Ok(())
    }
}

impl<const PRETTY: bool> ser::SerializeMap for &mut Writer<'_, PRETTY> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.item();
        let at = self.text.len();
        key.serialize(&mut **self)?;
        if self.text.get(at) == Some(&b'"') { Ok(()) } else { Err(ser::Error::custom("a key is no text")) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.colon();
        value.serialize(&mut **self)?;
        self.drain()
    }

    fn end(self) -> Result<(), Error> {
        Writer::end(self, b'}');
        Ok(())
    }
}

impl<const PRETTY: bool> ser::SerializeStruct for &mut Writer<'_, PRETTY> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.field(name);
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        Writer::end(self, b'}');
        Ok(())
    }
}

impl<const PRETTY: bool> ser::SerializeStructVariant for &mut Writer<'_, PRETTY> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.field(name);
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        Writer::end(self, b'}');
        Writer::end(self, b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn eight_bytes_at_once_are_told_as_one_by_one_is() {
        for len in 0..20 {
            for (at, b) in (0..len).flat_map(|at| (0..=u8::MAX).map(move |b| (at, b))) {
                let mut text = vec![b'~'; len];
                text[at] = b;
                assert_eq!(is_plain(&text), !SPECIAL[usize::from(b)], "{b:#x} at {at} of {len}");
            }
        }
    }

    /// All that serde knows.
    #[derive(Debug, Clone, Serialize)]
    enum Value {
        Unit,
        Newtype(Box<Value>),
        Pair(i64, Option<u128>),
        Record {
            flag: bool,
            text: String,
            a_name_that_is_longer_than_any_that_fits_on_the_stack: Vec<Value>,
            real: f64,
            single: f32,
        },
        Map(BTreeMap<String, Value>),
        Letter(char, (), [u8; 2]),
        Inner(Wrapped, Plain),
    }

    #[derive(Debug, Clone, Serialize)]
    struct Wrapped(i8);

    #[derive(Debug, Clone, Serialize)]
    struct Plain;

    /// Text that needs no escapes beyond those of JSON.
    fn text() -> impl Strategy<Value = String> {
        proptest::string::string_regex("[ -~\\n\\r\\t\\x00-\\x1fäöü日本😀]{0,40}").expect("a pattern")
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Unit),
            (any::<i64>(), any::<Option<u128>>()).prop_map(|(a, b)| Value::Pair(a, b)),
            (any::<char>().prop_filter("acts", |c| !acts(*c)), any::<[u8; 2]>())
                .prop_map(|(c, bytes)| Value::Letter(c, (), bytes)),
            any::<i8>().prop_map(|n| Value::Inner(Wrapped(n), Plain)),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                inner.clone().prop_map(|v| Value::Newtype(Box::new(v))),
                proptest::collection::btree_map(text(), inner.clone(), 0..5).prop_map(Value::Map),
                (any::<bool>(), text(), proptest::collection::vec(inner, 0..5), any::<f64>(), any::<f32>())
                    .prop_map(|(flag, text, list, real, single)| Value::Record {
                        flag,
                        text,
                        a_name_that_is_longer_than_any_that_fits_on_the_stack: list,
                        real,
                        single,
                    }),
            ]
        })
    }

    fn acts(c: char) -> bool {
        c.is_control() && c >= '\u{7f}'
            || "\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{61c}\u{feff}"
                .contains(c)
    }

    fn written(value: &impl Serialize, pretty: bool) -> String {
        let mut text = Vec::new();
        append(&mut text, value, pretty, 0).expect("writes");
        let mut streamed = Vec::new();
        stream(&mut streamed, value, pretty, 0).expect("writes");
        assert_eq!(text, streamed);
        String::from_utf8(text).expect("text")
    }

    proptest! {
        #[test]
        fn the_text_is_that_of_serde_json(value in value()) {
            prop_assert_eq!(written(&value, false), serde_json::to_string(&value).expect("JSON"));
            prop_assert_eq!(written(&value, true), serde_json::to_string_pretty(&value).expect("JSON"));
        }

        #[test]
        fn any_text_reads_back_and_acts_on_nothing(text in any::<String>()) {
            let json = written(&text, false);
            prop_assert!(!json.chars().any(|c| acts(c) || c.is_control()));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        }
    }

    #[test]
    fn what_acts_on_a_terminal_is_escaped() {
        let json = written(&"\u{1b}[0m \u{7f}\u{9b}x\u{202e}\u{feff}ä\"", false);
        assert_eq!(json, r#""\u001b[0m \u007f\u009bx\u202e\ufeffä\"""#);
    }

    #[test]
    fn long_lists_are_put_out_in_parts() {
        struct Parts(Vec<usize>);
        impl Write for Parts {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.0.push(buf.len());
                Ok(buf.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut parts = Parts(Vec::new());
        stream(&mut parts, &vec!["0123456789"; 100_000], false, 0).expect("writes");
        assert_eq!(parts.0.iter().sum::<usize>(), 100_000 * 13 + 1);
        assert!(parts.0.iter().all(|n| *n < 2 * ENOUGH), "{:?}", parts.0);
    }

    #[test]
    fn errors_are_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = stream(&mut Full, &vec![0u64; 100_000], false, 0).expect_err("full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let keys = BTreeMap::from([(1u8, 2u8)]);
        let error = append(&mut Vec::new(), &keys, false, 0).expect_err("numbers are no keys");
        assert_eq!(error.to_string(), "a key is no text");
    }
}
