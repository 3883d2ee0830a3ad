//! A JSON object on one line, field by field: no tree is built for each of a million records.

use crate::admin::audit::export::plain::{CUT, LONGEST, MOST_WORDS, cut, is_plain};
use crate::admin::audit::export::record::Text;
use crate::output::text::is_hidden;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::borrow::Cow;
use std::io;

/// The fields of an object.
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl Object<'_> {
    /// Writes an object and a line break.
    pub fn line(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        Self::value(out, fill);
        out.push(b'\n');
    }

    /// Writes an object.
    pub fn value(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        fill(&mut Object { out, is_empty: true });
        out.push(b'}');
    }

    /// Writes an object as a field, unless it has no field itself.
    pub fn object(&mut self, key: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
        let (before, was_empty) = (self.out.len(), self.is_empty);
        self.key(key);
        self.out.push(b'{');
        let mut inner = Object { out: self.out, is_empty: true };
        fill(&mut inner);
        if inner.is_empty {
            self.out.truncate(before);
            self.is_empty = was_empty;
        } else {
            self.out.push(b'}');
        }
    }

    /// Writes a field.
    #[inline(always)]
    pub fn put(&mut self, key: &'static str, value: impl Value) {
        self.key(key);
        value.write(self.out);
    }

    /// Writes a field if there is a value.
    #[inline(always)]
    pub fn maybe(&mut self, key: &'static str, value: Option<impl Value>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Writes fields as they stand in the text.
    pub fn raw(&mut self, fields: &'static str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        self.out.extend_from_slice(fields.as_bytes());
    }

    /// The keys are those of a format: nothing in them has to be escaped.
    #[inline(always)]
    fn key(&mut self, key: &'static str) {
        /// Longer than any key.
        const ROOM: usize = 64;
        // Put together first: to add to the rest takes longer.
        let mut text = [b','; ROOM];
        let end = key.len() + 2;
        text[1] = b'"';
        text[2..end].copy_from_slice(key.as_bytes());
        text[end..end + 2].copy_from_slice(b"\":");
        self.out.extend_from_slice(&text[usize::from(self.is_empty)..end + 2]);
        self.is_empty = false;
    }
}

/// What a field can hold.
pub trait Value {
    /// Writes it as JSON, a text without what a person would not see.
    fn write(&self, out: &mut Vec<u8>);
}

impl Value for str {
    fn write(&self, out: &mut Vec<u8>) {
        // Nearly all texts are so.
        if is_plain(self.as_bytes(), [b'"', b'\\']) {
            quoted(out, self);
        } else {
            serialize(out, self);
        }
    }
}

impl Value for Text<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        if self.is_plain() && self.len() <= LONGEST {
            quoted(out, self);
        } else {
            str::write(&cut(self, LONGEST), out);
        }
    }
}

impl Value for Cow<'_, str> {
    fn write(&self, out: &mut Vec<u8>) {
        str::write(self, out);
    }
}

impl Value for String {
    fn write(&self, out: &mut Vec<u8>) {
        str::write(self, out);
    }
}

impl<T: Value + ?Sized> Value for &T {
    fn write(&self, out: &mut Vec<u8>) {
        T::write(self, out);
    }
}

impl<T: Value> Value for [T] {
    fn write(&self, out: &mut Vec<u8>) {
        elements(out, self.iter());
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn write(&self, out: &mut Vec<u8>) {
        elements(out, self.iter());
    }
}

impl<T: Value> Value for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        elements(out, self.iter());
    }
}

impl Value for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        serialize(out, self);
    }
}

impl Value for usize {
    fn write(&self, out: &mut Vec<u8>) {
        serialize(out, self);
    }
}

impl Value for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        serialize(out, self);
    }
}

impl Value for i32 {
    fn write(&self, out: &mut Vec<u8>) {
        serialize(out, self);
    }
}

impl Value for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        serialize(out, self);
    }
}

impl Value for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

/// Writes a text in which nothing has to be escaped.
fn quoted(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// A number as a text.
pub struct Quoted(pub u64);

impl Value for Quoted {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        serialize(out, &self.0);
        out.push(b'"');
    }
}

/// The words of a list, each bounded, and at most so many.
pub struct Words<'t>(pub &'t [Text<'t>]);

impl Value for Words<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let more = Text::new(CUT);
        let more = (self.0.len() > MOST_WORDS).then_some(&more);
        elements(out, self.0.iter().take(MOST_WORDS).chain(more));
    }
}

fn elements<T: Value>(out: &mut Vec<u8>, all: impl Iterator<Item = T>) {
    out.push(b'[');
    for (at, element) in all.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        element.write(out);
    }
    out.push(b']');
}

fn serialize(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Into memory, a text or a number: nothing in that can fail.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(out, Visible));
}

/// Writes what a person would not see, or what would change how the rest is seen, as `\u202e`.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        for c in fragment.chars() {
            if is_hidden(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                writer.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_what_the_parser_of_anybody_reads(
            text in "(?s)[ -~]{0,40}|[ -~\"\\\\\u{7f}\u{0}é\u{202e}]{0,20}|.{0,20}", number: u64,
        ) {
            let (mut quick, mut other) = (Vec::new(), Vec::new());
            text.write(&mut quick);
            serialize(&mut other, &text);
            prop_assert_eq!(&quick, &other);
            let read: String = serde_json::from_slice(&quick).expect("a text");
            prop_assert_eq!(read, text);
            let mut line = Vec::new();
            Object::line(&mut line, |line| {
                line.put("first", number);
                line.maybe("none", None::<u64>);
                line.object("empty", |_| {});
                line.object("second", |second| second.put("third", Quoted(number)));
            });
            let expected = format!("{{\"first\":{number},\"second\":{{\"third\":\"{number}\"}}}}\n");
            prop_assert_eq!(String::from_utf8(line).expect("a text"), expected);
        }
    }
}
