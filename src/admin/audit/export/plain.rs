//! Texts as all formats write them: bounded, and where a format has no escapes of its own for
//! them, without characters that a person would not see.

use crate::admin::audit::export::record::Text;
use crate::output::text::{is_hidden, shell_word};
use jiff::Timestamp;
use memchr::memchr;
use std::borrow::Cow;
use std::ops::Range;

/// The longest text, in characters. What was cut ends with `…`.
pub const LONGEST: usize = 4000;

/// The most words of a list. What was cut ends with one more, `…`.
pub const MOST_WORDS: usize = 256;

/// What was cut.
pub const CUT: &str = "…";

/// The text, cut at so many characters.
#[inline(always)]
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    match text.char_indices().nth(most) {
        None => text.into(),
        Some((end, _)) => format!("{}{CUT}", &text[..end]).into(),
    }
}

/// The words of a list, each cut.
pub fn words<'t>(texts: &'t [Text<'_>]) -> impl Iterator<Item = Cow<'t, str>> {
    let more = (texts.len() > MOST_WORDS).then_some(Cow::Borrowed(CUT));
    texts.iter().take(MOST_WORDS).map(|text| cut(text, LONGEST)).chain(more)
}

/// The words as one types them in a shell.
pub fn command_line(texts: &[Text<'_>]) -> String {
    let mut line = String::new();
    for (at, word) in words(texts).enumerate() {
        if at > 0 {
            line.push(' ');
        }
        line.push_str(&shell_word(&word));
    }
    match cut(&line, LONGEST) {
        Cow::Borrowed(_) => line,
        Cow::Owned(cut) => cut,
    }
}

/// Writes a text that stays on its line: hidden characters as `\u{202e}` or `\n`, and a backslash
/// before each of `escaped`, which are what could end a field, and the backslash itself.
pub fn write<const N: usize>(out: &mut Vec<u8>, text: &str, most: usize, escaped: &[u8; N]) {
    let text = cut(text, most);
    // Nearly all texts are so.
    if is_plain(text.as_bytes(), *escaped) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut push = |c: char| {
        if u8::try_from(c).is_ok_and(|byte| escaped.contains(&byte)) {
            out.push(b'\\');
        }
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    };
    for c in text.chars() {
        if is_hidden(c) {
            c.escape_default().for_each(&mut push);
        } else {
            push(c);
        }
    }
}

/// The same of a text of a record, cut at the longest one.
pub fn write_text<const N: usize>(out: &mut Vec<u8>, text: &Text<'_>, escaped: &[u8; N]) {
    let is_there =
        |mark: &u8| !matches!(mark, b'"' | b'\\') && memchr(*mark, text.as_bytes()).is_some();
    if text.is_plain() && text.len() <= LONGEST && !escaped.iter().any(is_there) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write(out, text, LONGEST, escaped);
    }
}

/// Whether a text is of ASCII characters that can be seen, and of spaces, and has none of these,
/// which are such characters and no spaces: eight at a time, since all of a log is looked at so.
pub fn is_plain<const N: usize>(text: &[u8], marks: [u8; N]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    // Of a byte that is another one the highest bit is set: above 0x7f, below a space, 0x7f, and
    // each of the marks.
    let others = |word: [u8; 8]| {
        let word = u64::from_ne_bytes(word);
        let mut others = word | word.wrapping_sub(ONES * 0x20);
        others |= (word ^ (ONES * 0x7f)).wrapping_sub(ONES);
        for mark in marks {
            others |= (word ^ (ONES * u64::from(mark))).wrapping_sub(ONES);
        }
        others
    };
    let mut found = others(last);
    for word in words {
        found |= others(*word);
    }
    found & HIGHEST == 0
}

/// Writes a number.
pub fn number(out: &mut Vec<u8>, number: i128) {
    // Into memory, and nearly all are small: nothing in that can fail.
    let _ = match (u64::try_from(number), i64::try_from(number)) {
        (Ok(number), _) => serde_json::to_writer(out, &number),
        (_, Ok(number)) => serde_json::to_writer(out, &number),
        _ => serde_json::to_writer(out, &number),
    };
}

/// A time as records have it, in milliseconds since 1970; none if it is no time.
pub fn milliseconds(time: &str) -> Option<i64> {
    written(time).or_else(|| time.parse::<Timestamp>().ok().map(Timestamp::as_millisecond))
}

/// The same of a time in UTC with six digits behind the second.
fn written(time: &str) -> Option<i64> {
    let text: &[u8; 27] = time.as_bytes().try_into().ok()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')];
    if marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let number = |place: Range<usize>| {
        text[place].iter().try_fold(0_i64, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let thousandths = number(20..26)? / 1000;
    // Other days and leap seconds are left to the calendar.
    let is_usual = (1970..=9998).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    // Days since the first of March of the year 0, so that the leap day is the last one of a year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    is_usual.then_some(seconds * 1000 + thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_plain_has_none_of_the_others(
            mut text in proptest::collection::vec(b' '..=b'~', 0..40),
            other in proptest::option::of((
                any::<proptest::sample::Index>(),
                prop_oneof![any::<u8>(), 0x7f..=0x81_u8, 0x1f..=0x21_u8],
            )),
        ) {
            // Many have none of the marks.
            if text.len() % 2 == 0 {
                text.retain(|byte| !matches!(byte, b'"' | b']'));
            }
            if let Some((place, byte)) = other {
                text.insert(place.index(text.len() + 1), byte);
            }
            let is_one = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b']');
            prop_assert_eq!(is_plain(&text, [b'"', b']']), text.iter().all(is_one));
            prop_assert_eq!(is_plain(&text, []), text.iter().all(|byte| matches!(byte, b' '..=b'~')));
        }

        #[test]
        fn a_time_is_what_the_calendar_says(
            seconds in -62_000_000_000_i64..253_000_000_000, micros in 0..1_000_000_i64,
            (year, month, day, second) in (1900..2200, 0..15, 0..35, 0..65),
        ) {
            let time = Timestamp::new(seconds, 0).expect("a time");
            let nanoseconds = i32::try_from(micros * 1000).expect("fewer");
            let time = Timestamp::new(time.as_second(), nanoseconds).expect("a time");
            prop_assert_eq!(milliseconds(&format!("{time:.6}")), Some(time.as_millisecond()));
            let text = format!("{year:04}-{month:02}-{day:02}T10:00:{second:02}.000999Z");
            let expected = text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
            prop_assert_eq!(milliseconds(&text), expected, "{}", text);
        }
    }
}
