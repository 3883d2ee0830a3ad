//! How much of a caller's words a record holds. Whoever asks chooses them, and root's disk holds
//! them: they are counted as they stand in the record, escaped.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// The most that a sentence takes that says why something failed, in bytes.
pub const ERROR: usize = 512;

/// A text of at most so many bytes in a JSON string, cut between two characters. What was cut ends
/// with `…`.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    const MARK: char = '…';
    let room = most - MARK.len_utf8();
    let (mut length, mut end) = (0, 0);
    for (at, c) in text.char_indices() {
        if length <= room {
            end = at;
        }
        length += width(c);
    }
    if length <= most { text.into() } else { format!("{}{MARK}", &text[..end]).into() }
}

/// How many bytes a character takes in a JSON string.
fn width(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    }
}

/// The words of a command line as a record holds them: every byte that is not plain ASCII
/// escaped, at most 16 words of at most 96 bytes each, and of all at most 1024 bytes in JSON.
pub fn asked(arguments: &[OsString]) -> Vec<String> {
    const WORDS: usize = 16;
    const BYTES: usize = 96;
    const ALL: usize = 1024;
    /// What the two marks of something cut take at most.
    const MARKS: usize = 2 * 40;
    let mut room = ALL - MARKS;
    let mut words = Vec::new();
    for word in arguments.iter().take(WORDS) {
        let (mut escaped, mut count) = (String::new(), 0);
        // Quotes and a comma.
        room = room.saturating_sub(3);
        for byte in word.as_bytes().iter().take(BYTES) {
            let byte = byte.escape_ascii().to_string();
            let Some(rest) = room.checked_sub(byte.chars().map(width).sum()) else { break };
            room = rest;
            escaped.push_str(&byte);
            count += 1;
        }
        let more = word.len() - count;
        if more > 0 {
            let mark = format!("…(+{more} bytes)");
            room = room.saturating_sub(mark.len());
            escaped.push_str(&mark);
        }
        words.push(escaped);
        if room == 0 || (more > 0 && count < BYTES) {
            break;
        }
    }
    let more = arguments.len() - words.len();
    if more > 0 {
        words.push(format!("…(+{more} words)"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStringExt;

    fn in_json(text: &impl serde::Serialize) -> usize {
        serde_json::to_string(text).unwrap().len()
    }

    fn arguments(words: &[Vec<u8>]) -> Vec<OsString> {
        words.iter().cloned().map(OsString::from_vec).collect()
    }

    proptest! {
        #[test]
        fn a_text_is_whole_or_a_beginning_with_a_mark(text: String, most in 3_usize..300) {
            let cut = cut(&text, most);
            prop_assert!(in_json(&cut) - 2 <= most, "{cut}");
            if in_json(&text) - 2 <= most {
                prop_assert_eq!(&cut, &text);
            } else {
                let kept = cut.strip_suffix('…').unwrap();
                prop_assert!(text.starts_with(kept));
                // And no shorter than it must be.
                prop_assert!(in_json(&kept) - 2 + 3 + 6 > most);
            }
        }

        #[test]
        fn whatever_is_asked_is_bounded(
            words in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(any::<u8>(), 0..200),
                    (any::<u8>(), 0_usize..2000).prop_map(|(byte, count)| vec![byte; count]),
                ],
                0..40,
            ),
        ) {
            let asked = asked(&arguments(&words));
            prop_assert!(in_json(&asked) <= 1024 + 2, "{}", in_json(&asked));
            prop_assert!(asked.len() <= 17);
            prop_assert!(words.is_empty() == asked.is_empty());
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let all = |words: &[Vec<u8>]| asked(&arguments(words));
        let words = [b"service".to_vec(), b"a\nb\xff".to_vec()];
        assert_eq!(all(&words), ["service", "a\\nb\\xff"]);
        let long = format!("{}…(+4 bytes)", "x".repeat(96));
        assert_eq!(all(&[vec![b'x'; 100], vec![b'y']]), [long.as_str(), "y"]);
        assert_eq!(all(&vec![vec![b'x']; 20])[16], "…(+4 words)");
        let hostile = all(&vec![vec![0xff; 96]; 16]);
        assert_eq!(hostile.len(), 3, "{hostile:?}");
        assert!(hostile[1].ends_with(" bytes)") && hostile[2] == "…(+14 words)", "{hostile:?}");
    }
}
