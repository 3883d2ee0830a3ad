//! A JSON object on one line, field by field: no tree is built for each of a million records.

use crate::output::text::is_hidden;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::io;

/// The fields of an object.
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl Object<'_> {
    /// Writes an object and a line break.
    pub fn line(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        fill(&mut Object { out, is_empty: true });
        out.extend_from_slice(b"}\n");
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
    pub fn put(&mut self, key: &'static str, value: impl Serialize) {
        self.key(key);
        let mut to = serde_json::Serializer::with_formatter(&mut *self.out, Visible);
        // Into memory, a text, a number or a list of them: nothing in that can fail.
        let _ = value.serialize(&mut to);
    }

    /// Writes a field if there is a value.
    pub fn maybe(&mut self, key: &'static str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// The keys are those of a format: nothing in them has to be escaped.
    fn key(&mut self, key: &'static str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
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
