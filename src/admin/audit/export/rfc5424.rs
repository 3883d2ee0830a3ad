//! Syslog as RFC 5424 has it, with every field in structured data.

use crate::admin::audit::export::plain::{self, LONGEST, milliseconds, number, words};
use crate::admin::audit::export::record::{Outcome, Record, Value};

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
        Value::Text(text) => {
            begin(out, path);
            plain::write_text(out, text, ESCAPED);
            out.push(b'"');
        }
        // One for each word: a name may stand there several times (section 6.3.3).
        Value::Texts(texts) => words(texts).for_each(|word| parameter(out, path, &word)),
        Value::Number(value) => {
            begin(out, path);
            number(out, value);
            out.push(b'"');
        }
        Value::Decimal(number) => parameter(out, path, &number.to_string()),
        Value::Bool(is) => parameter(out, path, if is { "true" } else { "false" }),
    });
    out.extend_from_slice(b"] ");
    plain::write(out, &record.message(), LONGEST, b"");
    out.push(b'\n');
}

/// A parameter that is no text of a record.
fn parameter(out: &mut Vec<u8>, name: &str, text: &str) {
    begin(out, name);
    plain::write(out, text, LONGEST, ESCAPED);
    out.push(b'"');
}

fn begin(out: &mut Vec<u8>, name: &str) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
}
