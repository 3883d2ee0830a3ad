//! A record's line, read field by field in the order in which they are written: a million of them
//! should take little longer than copying them. A line that is written in any other way is left to
//! [`Record::parse`], and both give the same.

use crate::admin::audit::export::record::{
    Caller, Checkpoint, Operation, Record, Seal, Snapshot, Text, Undone,
};
use std::cell::OnceCell;

/// Reads a record's line without its line break; none if it is not as this program writes them.
pub fn parse(line: &[u8]) -> Option<Record<'_>> {
    let mut from = Reader { text: str::from_utf8(line).ok()?, at: 0 };
    let record = Record {
        seq: from.required("{\"seq\":", Reader::unsigned)?,
        time: from.required(",\"time\":", Reader::text)?,
        event: from.required(",\"event\":", Reader::text)?,
        request_id: from.optional(",\"request_id\":", Reader::text)?,
        caller: from.optional(",\"caller\":", caller)?,
        operation: from.optional(",\"operation\":", operation)?,
        argv: from.optional(",\"argv\":", Reader::texts)?,
        reason: from.optional(",\"reason\":", Reader::text)?,
        approval: from.optional(",\"approval\":", Reader::text)?,
        code: from.optional(",\"code\":", Reader::text)?,
        asked: from.optional(",\"asked\":", Reader::texts)?,
        error: from.optional(",\"error\":", Reader::text)?,
        allow: from.optional(",\"allow\":", Reader::text)?,
        count: from.optional(",\"count\":", Reader::unsigned)?,
        dry_run: from.optional(",\"dry_run\":", Reader::bool)?,
        returncode: from.optional(",\"returncode\":", Reader::integer)?,
        stdout: from.optional(",\"stdout\":", seal)?,
        stderr: from.optional(",\"stderr\":", seal)?,
        duration_ms: from.optional(",\"duration_ms\":", Reader::decimal)?,
        snapshot: from.optional(",\"snapshot\":", snapshot)?,
        undone: from.optional(",\"undone\":", undone)?,
        torn_bytes: from.optional(",\"torn_bytes\":", Reader::unsigned)?,
        lost_records: from.optional(",\"lost_records\":", Reader::unsigned)?,
        checkpoint: from.optional(",\"checkpoint\":", checkpoint)?,
        policy: from.optional(",\"policy\":", Reader::text)?,
        prev: from.optional(",\"prev\":", Reader::text)?,
        hash: from.required(",\"hash\":", Reader::text)?,
        meaning: OnceCell::new(),
    };
    from.skip("}")?;
    (from.at == line.len()).then_some(record)
}

// Of an object, the first field has to be there.

fn caller<'l>(from: &mut Reader<'l>) -> Option<Caller<'l>> {
    let caller = Caller {
        uid: from.nullable("{\"uid\":", Reader::unsigned)?,
        user: from.optional(",\"user\":", Reader::text)?,
        gid: from.optional(",\"gid\":", Reader::unsigned)?,
        pid: from.optional(",\"pid\":", Reader::integer)?,
        via: from.optional(",\"via\":", Reader::text)?,
        tty: from.optional(",\"tty\":", Reader::text)?,
        loginuid: from.optional(",\"loginuid\":", Reader::unsigned)?,
        agent: from.optional(",\"agent\":", Reader::text)?,
    };
    from.skip("}")?;
    Some(caller)
}

fn operation<'l>(from: &mut Reader<'l>) -> Option<Operation<'l>> {
    let operation = Operation {
        kind: from.nullable("{\"kind\":", Reader::text)?,
        action: from.optional(",\"action\":", Reader::text)?,
        name: from.optional(",\"name\":", Reader::text)?,
    };
    from.skip("}")?;
    Some(operation)
}

fn seal<'l>(from: &mut Reader<'l>) -> Option<Seal<'l>> {
    let seal = Seal {
        bytes: from.nullable("{\"bytes\":", Reader::unsigned)?,
        sha256: from.optional(",\"sha256\":", Reader::text)?,
    };
    from.skip("}")?;
    Some(seal)
}

fn snapshot<'l>(from: &mut Reader<'l>) -> Option<Snapshot<'l>> {
    let snapshot = Snapshot {
        before: from.nullable("{\"before\":", Reader::unsigned)?,
        after: from.optional(",\"after\":", Reader::unsigned)?,
        undo: from.optional(",\"undo\":", Reader::bool)?,
        why_not: from.optional(",\"why_not\":", Reader::text)?,
    };
    from.skip("}")?;
    Some(snapshot)
}

fn undone<'l>(from: &mut Reader<'l>) -> Option<Undone<'l>> {
    let undone = Undone {
        request_id: from.nullable("{\"request_id\":", Reader::text)?,
        files: from.optional(",\"files\":", Reader::unsigned)?,
        left: from.optional(",\"left\":", Reader::texts)?,
        left_count: from.optional(",\"left_count\":", Reader::unsigned)?,
    };
    from.skip("}")?;
    Some(undone)
}

fn checkpoint<'l>(from: &mut Reader<'l>) -> Option<Checkpoint<'l>> {
    let checkpoint = Checkpoint {
        host: from.nullable("{\"host\":", Reader::text)?,
        machine: from.optional(",\"machine\":", Reader::text)?,
        key: from.optional(",\"key\":", Reader::text)?,
        next: from.optional(",\"next\":", Reader::text)?,
        signature: from.optional(",\"signature\":", Reader::text)?,
    };
    from.skip("}")?;
    Some(checkpoint)
}

// All of it is small, and called with a constant key for each field of each record.

/// Where in the line it is. Each of its functions gives nothing if something else stands there
/// than they read: that is no error yet.
struct Reader<'l> {
    text: &'l str,
    at: usize,
}

impl<'l> Reader<'l> {
    #[inline(always)]
    fn rest(&self) -> &'l [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline(always)]
    fn skip(&mut self, what: &str) -> Option<()> {
        let is_there = self.rest().starts_with(what.as_bytes());
        if is_there {
            self.at += what.len();
        }
        is_there.then_some(())
    }

    /// A field that has to be there.
    #[inline(always)]
    fn required<T>(&mut self, key: &str, value: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.skip(key)?;
        value(self)
    }

    /// A field that has to be there and may be null.
    #[inline(always)]
    fn nullable<T>(
        &mut self,
        key: &str,
        value: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        self.skip(key)?;
        if self.skip("null").is_some() { Some(None) } else { value(self).map(Some) }
    }

    /// A field that may be missing or null.
    #[inline(always)]
    fn optional<T>(
        &mut self,
        key: &str,
        value: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.rest().starts_with(key.as_bytes()) { self.nullable(key, value) } else { Some(None) }
    }

    #[inline(always)]
    fn text(&mut self) -> Option<Text<'l>> {
        self.skip("\"")?;
        let begin = self.at;
        let (length, is_ascii) = plain(self.rest());
        self.at += length;
        if self.skip("\"").is_some() {
            let text = self.text.get(begin..self.at - 1)?;
            return Some(if is_ascii { Text::plain(text) } else { Text::new(text) });
        }
        self.escaped(begin)
    }

    /// A text that has something escaped in it, or no end.
    #[cold]
    fn escaped(&mut self, begin: usize) -> Option<Text<'l>> {
        let mut rest = self.rest().iter();
        let mut length = 0;
        loop {
            length += 1;
            match rest.next()? {
                b'"' => break,
                b'\\' => {
                    rest.next()?;
                    length += 1;
                }
                _ => {}
            }
        }
        self.at += length;
        serde_json::from_str(self.text.get(begin - 1..self.at)?)
            .ok()
            .map(|text: String| Text::new(text))
    }

    fn texts(&mut self) -> Option<Vec<Text<'l>>> {
        self.skip("[")?;
        let mut all = Vec::new();
        if self.skip("]").is_some() {
            return Some(all);
        }
        loop {
            all.push(self.text()?);
            if self.skip("]").is_some() {
                return Some(all);
            }
            self.skip(",")?;
        }
    }

    fn bool(&mut self) -> Option<bool> {
        if self.skip("true").is_some() { Some(true) } else { self.skip("false").map(|()| false) }
    }

    /// Digits, of which the first is no 0 unless it is the only one, and so few that they are in
    /// any number: how many, and their value.
    #[inline(always)]
    fn digits(&mut self) -> Option<(usize, u64)> {
        const MOST: usize = 18;
        let rest = self.rest();
        let count = rest.iter().take(MOST + 1).take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || count > MOST {
            return None;
        }
        self.at += count;
        let value = rest[..count].iter().fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0'));
        Some((count, value))
    }

    #[inline(always)]
    fn unsigned(&mut self) -> Option<u64> {
        let is_zero = self.rest().starts_with(b"0");
        let (count, value) = self.digits()?;
        (!is_zero || count == 1).then_some(value)
    }

    fn integer(&mut self) -> Option<i64> {
        let is_negative = self.skip("-").is_some();
        let value = i64::try_from(self.unsigned()?).ok()?;
        // -0 is no integer to a parser of JSON.
        match (is_negative, value) {
            (true, 0) => None,
            (true, value) => Some(-value),
            (false, value) => Some(value),
        }
    }

    /// As a duration is written: `12`, `12.345`. Both parts are exact in a float, and so their
    /// quotient is the nearest one.
    fn decimal(&mut self) -> Option<f64> {
        /// The largest integer up to which all are exact.
        const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
        let mut value = self.unsigned()?;
        let mut unit = 1_u64;
        if self.skip(".").is_some() {
            let (count, part) = self.digits()?;
            unit = 10_u64.pow(u32::try_from(count).ok()?);
            value = value.checked_mul(unit)?.checked_add(part)?;
        }
        // What is left of the number then is no field, and so given up.
        (value <= EXACT && unit <= EXACT).then(|| value as f64 / unit as f64)
    }
}

/// How many bytes there are before the first quote, backslash or control character, and whether all
/// of them are ASCII characters that can be seen, and spaces: eight at a time, since nearly all of a line
/// is such text.
fn plain(text: &[u8]) -> (usize, bool) {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    // Each byte that is 0 has its highest bit set; no byte below the first such one has.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHEST;
    let (mut at, mut others) = (0, 0);
    let length = loop {
        let Some((word, _)) = text.get(at..).and_then(<[u8]>::split_first_chunk::<8>) else {
            let is_plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | ..b' ');
            break at + text.get(at..).unwrap_or_default().iter().take_while(is_plain).count();
        };
        let word = u64::from_le_bytes(*word);
        let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGHEST;
        let found = below_space
            | zeros(word ^ (ONES * u64::from(b'"')))
            | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            break at + found.trailing_zeros() as usize / 8;
        }
        // Above 0x7e: of these 0x7f has no highest bit before one is added.
        others |= word | word.wrapping_add(ONES);
        at += 8;
    };
    let rest = text.get(at..length).unwrap_or_default();
    (length, others & HIGHEST == 0 && rest.iter().all(|byte| *byte < 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::audit::export::record::Value as Content;
    use crate::admin::audit::export::{cef, ecs, ocsf, rfc5424};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// What is read of a record, as text: its fields and their values.
    fn shown(record: &Record<'_>) -> Vec<String> {
        let mut all = Vec::new();
        record.each(|path, content| {
            all.push(match content {
                Content::Decimal(number) => format!("{path} {:x}", number.to_bits()),
                content => format!("{path} {content:?}"),
            });
        });
        // What is there and empty shows nothing.
        let is_there = |is: bool| if is { "y" } else { "n" };
        all.push(is_there(record.caller.is_some()).to_owned());
        all.push(is_there(record.operation.is_some()).to_owned());
        all
    }

    /// Both ways give the same, if this one gives anything.
    #[track_caller]
    fn is_the_same(line: &[u8]) -> bool {
        let quick = parse(line);
        if let Some(quick) = &quick {
            let other = Record::parse(line);
            let other = other.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(line)));
            assert_eq!(shown(quick), shown(&other), "{}", String::from_utf8_lossy(line));
            // What is known of a text when it was read so changes no event.
            for write in [cef::write, ecs::write, ocsf::write, rfc5424::write] {
                let (mut one, mut two) = (Vec::new(), Vec::new());
                write(&mut one, quick, "host");
                write(&mut two, &other, "host");
                assert_eq!(String::from_utf8_lossy(&one), String::from_utf8_lossy(&two));
            }
        }
        quick.is_some()
    }

    /// A line with every field that a record can have, in the order in which they are shown.
    fn line(text: &str, list: &[String], number: u64, decimal: &str) -> String {
        let (text, list) = (json!(text).to_string(), json!(list).to_string());
        let every = json!({
            "seq": 1, "time": "t", "event": "e", "request_id": "r",
            "caller": {"uid": 1, "user": "u", "gid": 1, "pid": 1, "via": "v", "tty": "t", "loginuid": 1},
            "operation": {"kind": "k", "action": "a", "name": "n"},
            "argv": ["a"], "reason": "r", "approval": "a", "code": "c",
            "asked": ["a"], "error": "e", "allow": "a", "count": 1, "dry_run": true, "returncode": 1,
            "stdout": {"bytes": 1, "sha256": "s"}, "stderr": {"bytes": 1, "sha256": "s"},
            "duration_ms": 1.5, "snapshot": {"before": 1, "after": 1, "undo": true, "why_not": "w"},
            "undone": {"request_id": "r", "files": 1, "left": ["l"], "left_count": 1},
            "torn_bytes": 1, "lost_records": 1, "policy": "p", "prev": "p", "hash": "h",
        });
        let every = every.to_string();
        let mut line = String::from("{");
        let mut inside = "";
        Record::parse(every.as_bytes()).expect("a record").each(|path, content| {
            let (object, key) = path.split_once('.').unwrap_or(("", path));
            if inside != object && !inside.is_empty() {
                line.push('}');
            }
            if line.len() > 1 {
                line.push(',');
            }
            if inside != object && !object.is_empty() {
                line.push_str(&format!("\"{object}\":{{"));
            }
            inside = object;
            line.push_str(&match content {
                Content::Text(_) => format!("\"{key}\":{text}"),
                Content::Texts(_) => format!("\"{key}\":{list}"),
                Content::Number(_) => format!("\"{key}\":{number}"),
                Content::Decimal(_) => format!("\"{key}\":{decimal}"),
                Content::Bool(is) => format!("\"{key}\":{is}"),
            });
        });
        line.push('}');
        line.replace(",{", "{")
    }

    #[test]
    fn every_field_that_is_shown_is_read() {
        let all = line("x", &["y".to_owned()], 7, "12.345");
        assert!(is_the_same(all.as_bytes()), "{all}");
        assert_eq!(shown(&parse(all.as_bytes()).expect("a record")).len(), 42 + 2);
    }

    #[test]
    fn a_line_that_the_log_takes_is_read() {
        use crate::audit::record::{Event, Link, Record as Written};
        use crate::request::caller::Caller;
        use crate::request::code::Code;
        let origin = crate::admin::record::origin(&Caller::find());
        for (event, code) in [(Event::Intent, Code::Ok), (Event::Refused, Code::Denied)] {
            let mut record = Written::of(event, &origin, None, code);
            record.asked = Some(vec!["a\"b".to_owned(), "…".to_owned()]);
            record.duration_ms = Some(0.125);
            let (line, _) = record.line_after(&Link::start()).expect("a line");
            assert!(is_the_same(line.trim_end().as_bytes()), "{line}");
        }
    }

    /// What a line can be made into by somebody who wants the two ways to differ.
    const PARTS: [&str; 24] = [
        "null",
        "true",
        "{}",
        "[]",
        "0",
        "-0",
        "-1",
        "01",
        "1.0",
        "1e3",
        "1.5e-7",
        "\"\"",
        "\\u0041",
        "\\",
        "\"",
        ",",
        "}",
        "{",
        " ",
        "\u{1}",
        "é",
        "\"x\":1",
        ",\"seq\":2",
        "18446744073709551616",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn both_ways_read_the_same(
            text in "(?s).{0,20}|[\\x00-\\x7f\"\\\\]{0,20}",
            list in proptest::collection::vec("(?s).{0,8}", 0..4),
            number: u64,
            decimal in "[0-9]{1,12}(\\.[0-9]{1,20})?|-?[0-9]{1,20}(\\.[0-9]{1,6})?(e[0-9])?",
            changes in proptest::collection::vec(
                (any::<proptest::sample::Index>(), 0..PARTS.len(), any::<bool>()), 0..4,
            ),
            number_is_small: bool,
        ) {
            let number = if number_is_small { number % 100_000 } else { number };
            let mut line = line(&text, &list, number, &decimal).into_bytes();
            for (place, part, is_instead) in changes {
                let part = PARTS[part].as_bytes();
                let place = place.index(line.len());
                let end = if is_instead { (place + part.len()).min(line.len()) } else { place };
                line.splice(place..end, part.iter().copied());
            }
            is_the_same(&line);
        }

        #[test]
        fn every_plain_line_is_read_at_once(text in "(?s).{0,40}", number in 0..10_u64.pow(18)) {
            let decimal = format!("{}.{:03}", number % 100_000_000, number % 1000);
            let line = line(&text, std::slice::from_ref(&text), number, &decimal);
            prop_assert!(is_the_same(line.as_bytes()), "{}", line);
        }

        #[test]
        fn plain_text_ends_where_something_else_begins(text: Vec<u8>, more in "[ -~é]{0,30}") {
            let text = [more.as_bytes(), &text].concat();
            let is_plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | ..b' ');
            let length = text.iter().take_while(is_plain).count();
            let is_ascii = text[..length].iter().all(|byte| *byte < 0x7f);
            prop_assert_eq!(plain(&text), (length, is_ascii));
        }
    }

    #[test]
    fn a_field_that_is_there_twice_or_of_another_kind_is_left_to_the_other_way() {
        let good = line("x", &["y".to_owned()], 7, "1");
        for (from, to) in [
            ("\"seq\":7,", "\"seq\":7,\"seq\":7,"),
            ("\"seq\":7,", "\"seq\":07,"),
            ("\"seq\":7,", "\"seq\":7,\"new\":{\"a\":[1]},"),
            ("\"returncode\":7", "\"returncode\":-0"),
            ("\"user\":\"x\"", "\"user\":\"x\u{1}\""),
        ] {
            let line = good.replacen(from, to, 1);
            assert!(line != good && !is_the_same(line.as_bytes()), "{line}");
        }
        let _: Value = serde_json::from_str(&good).expect("JSON");
    }
}
