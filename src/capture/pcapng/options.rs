//! Options: code 2, length 2, value padded to 32 bits; code 0 ends them.

pub(super) const COMMENT: u16 = 1;

/// Options of one block, those that fit.
pub(super) struct Options<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl<'a> Options<'a> {
    pub fn new(bytes: Option<&'a [u8]>, big: bool) -> Self {
        Self { bytes: bytes.unwrap_or_default(), big }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.bytes.split_first_chunk::<4>()?;
        let u16_at =
            |a: u8, b: u8| if self.big { u16::from_be_bytes([a, b]) } else { u16::from_le_bytes([a, b]) };
        let (code, length) = (u16_at(head[0], head[1]), usize::from(u16_at(head[2], head[3])));
        if code == 0 {
            return None;
        }
        let value = rest.get(..length)?;
        self.bytes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}

/// Text of an option, without the zero bytes some writers end it with.
pub(super) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
}
