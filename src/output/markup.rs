//! HTML and SVG as they are written: text is escaped, elements are closed in order.

use std::io::{self, Write};

use super::table::clean;

/// Text for XML and HTML, in elements and in quoted attributes: control characters are shown, what XML cannot hold is
/// replaced.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in clean(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Name and value; a name without a value stands alone.
pub(super) type Attribute<'a> = (&'static str, &'a str);

/// A document being written. Names of elements and attributes are ours, all else is escaped.
pub(super) struct Html<'w> {
    out: &'w mut dyn Write,
    open: Vec<&'static str>,
    written: u64,
}

impl<'w> Html<'w> {
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self { out, open: Vec::new(), written: 0 }
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    fn tag(&mut self, name: &'static str, attributes: &[Attribute<'_>]) -> io::Result<()> {
        write!(self, "<{name}")?;
        for (attribute, value) in attributes {
            match *value {
                "" => write!(self, " {attribute}")?,
                value => write!(self, " {attribute}=\"{}\"", escape(value))?,
            }
        }
        self.write_all(b">")
    }

    pub fn open(&mut self, name: &'static str, attributes: &[Attribute<'_>]) -> io::Result<()> {
        self.tag(name, attributes)?;
        self.open.push(name);
        Ok(())
    }

    /// Ends what was opened last.
    pub fn close(&mut self) -> io::Result<()> {
        match self.open.pop() {
            // Lines keep the file readable for those who look into it.
            Some(name @ ("a" | "span" | "code" | "b" | "td" | "th" | "summary")) => write!(self, "</{name}>"),
            Some(name) => writeln!(self, "</{name}>"),
            None => Ok(()),
        }
    }

    /// An element that has no end: `meta`.
    pub fn void(&mut self, name: &'static str, attributes: &[Attribute<'_>]) -> io::Result<()> {
        self.tag(name, attributes)?;
        self.write_all(b"\n")
    }

    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.write_all(escape(text).as_bytes())
    }

    /// An element with nothing but text.
    pub fn leaf(&mut self, name: &'static str, attributes: &[Attribute<'_>], text: &str) -> io::Result<()> {
        self.open(name, attributes)?;
        self.text(text)?;
        self.close()
    }

    /// Text that leads to a place of the document, if there is one.
    pub fn link(&mut self, to: Option<&str>, text: &str) -> io::Result<()> {
        match to {
            Some(to) => self.leaf("a", &[("href", &format!("#{to}"))], text),
            None => self.text(text),
        }
    }
}

/// What is written as it is, such as a drawing that escapes its own text.
impl Write for Html<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.written = self.written.saturating_add(n as u64);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(draw: impl Fn(&mut Html<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        let mut html = Html::new(&mut out);
        draw(&mut html).expect("writes");
        let (written, open) = (html.written(), html.open.len());
        assert_eq!((written, open), (out.len() as u64, 0));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn elements_and_attributes() {
        let text = written(|h| {
            h.open("p", &[("id", "a\"b"), ("hidden", "")])?;
            h.link(Some("x'y"), "1 < 2")?;
            h.link(None, " & \u{1b}[31m")?;
            h.close()
        });
        let wanted = "<p id=\"a&quot;b\" hidden><a href=\"#x&#39;y\">1 &lt; 2</a> &amp; \\u{1b}[31m</p>\n";
        assert_eq!(text, wanted);
    }

    proptest! {
        #[test]
        fn no_text_opens_a_tag_or_ends_an_attribute(text in "\\PC*|[<>&\"'=/ a-z\\x00-\\x1f]{0,40}") {
            let page = written(|h| {
                h.open("p", &[("title", &text)])?;
                h.link(Some(&text), &text)?;
                h.close()
            });
            // Ours are the only ones.
            prop_assert_eq!(page.matches('<').count(), 4);
            prop_assert_eq!(page.matches('>').count(), 4);
            let ours = if text.is_empty() { 2 } else { 4 };
            prop_assert_eq!(page.matches('"').count(), ours);
            prop_assert!(!page.contains('\'') && !page.trim_end().chars().any(char::is_control));
        }
    }
}
