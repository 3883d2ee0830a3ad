//! Hostile text made plain: the characters that a person would not see, one line, one word of a shell.

/// The characters that a person would not see, or that would change how others are seen, from and
/// to: control and format characters, fillers and separators, the bidirectional controls of
/// CVE-2021-42574, tags, and what has no meaning that everybody agrees on (private use,
/// noncharacters).
const HIDDEN: [(char, char); 17] = [
    ('\0', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200b}'),
    ('\u{200e}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{e0000}', '\u{10ffff}'),
];

/// Whether a person would not see the character, or it would change how others are seen.
pub fn is_hidden(c: char) -> bool {
    let place = HIDDEN.partition_point(|(first, _)| *first <= c);
    place > 0 && c <= HIDDEN[place - 1].1
}

/// A regular expression that finds a hidden character, in the part of the language that all
/// dialects share.
pub fn hidden_pattern() -> String {
    let class: String = HIDDEN
        .iter()
        .map(
            |(first, last)| {
                if first == last { first.to_string() } else { format!("{first}-{last}") }
            },
        )
        .collect();
    format!("[{class}]")
}

/// A text for a person, on one line: hidden characters escaped, cut at `most` characters.
pub fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    for (count, c) in text.trim().chars().enumerate() {
        if count == most {
            line.push('…');
            break;
        }
        if is_hidden(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// `1 record`, `2 records`: for what takes an s if there are several.
pub fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The first `most` of them, and how many more there are: `a, b and 3 more`.
pub fn some_of<S: AsRef<str>>(all: &[S], most: usize) -> String {
    let shown: Vec<&str> = all.iter().take(most).map(AsRef::as_ref).collect();
    let shown = shown.join(", ");
    match all.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A word as one types it in a shell, for a hint that can be copied.
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@%+=:,/-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_is_hidden() {
        assert!(HIDDEN.is_sorted() && HIDDEN.iter().all(|(first, last)| first <= last));
        for c in '\0'..=char::MAX {
            assert!(is_hidden(c) || !c.is_control(), "{c:?}");
        }
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!(
            [0, 1, 2].map(|count| counted(count, "record")),
            ["0 records", "1 record", "2 records"]
        );
    }
}
