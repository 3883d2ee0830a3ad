//! Syslog as RFC 5424 has it, with every field in structured data.

use crate::admin::audit::export::plain::{self, LONGEST, milliseconds, number, words};
use crate::admin::audit::export::record::{Outcome, Record, Value};
use std::io::Write as _;

/// The name of our structured data. 32473 is the enterprise number of examples (RFC 5612).
const ID: &str = "sm@32473";

/// What is escaped in the value of a parameter (section 6.3.3).
const ESCAPED: &[u8; 3] = b"\"\\]";

/// Writes a record as an event.
pub fn write(out: &mut Vec<u8>, record: &Record<'_>, host: &str) {
    // As in the journal: notice, or warning if something failed; the facility is authpriv.
    let severity = if record.outcome() == Outcome::Failure { 4 } else { 5 };
    let time = if milliseconds(&record.time).is_some() { &*record.time } else { "-" };
    let event = record.event().map_or("-", |event| event.word());
    out.push(b'<');
    number(out, 10 * 8 + severity);
    for part in [">1 ", time, " ", host, " sm-helper - ", event, " [", ID] {
        out.extend_from_slice(part.as_bytes());
    }
    record.each(|path, content| match content {
        Value::Text(text) => parameter(out, path, |out| plain::write_text(out, text, ESCAPED)),
        // One for each word: a name may stand there several times (section 6.3.3).
        Value::Texts(texts) => words(texts).for_each(|word| {
            parameter(out, path, |out| plain::write(out, &word, LONGEST, ESCAPED));
        }),
        Value::Number(value) => parameter(out, path, |out| number(out, value)),
        Value::Decimal(number) => parameter(out, path, |out| drop(write!(out, "{number}"))),
        Value::Bool(is) => parameter(out, path, |out| drop(write!(out, "{is}"))),
    });
    out.extend_from_slice(b"] ");
    plain::write(out, &record.message(), LONGEST, b"");
    out.push(b'\n');
}

/// A parameter, whose value is written by `value`.
fn parameter(out: &mut Vec<u8>, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
    for part in [" ", name, "=\""] {
        out.extend_from_slice(part.as_bytes());
    }
    value(out);
    out.push(b'"');
}
