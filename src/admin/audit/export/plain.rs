//! Texts as all formats write them: bounded, and where a format has no escapes of its own for
//! them, without characters that a person would not see.

use crate::admin::audit::export::record::Text;
use crate::output::text::{is_hidden, shell_word};
use std::borrow::Cow;

/// The longest text, in characters. What was cut ends with `…`.
pub const LONGEST: usize = 4000;

/// The most words of a list. What was cut ends with one more, `…`.
pub const MOST_WORDS: usize = 256;

/// What was cut.
pub const CUT: &str = "…";

/// The text, cut at so many characters.
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
    let words: Vec<String> = words(texts).map(|word| shell_word(&word)).collect();
    cut(&words.join(" "), LONGEST).into_owned()
}

/// Writes a text that stays on its line: hidden characters as `\u{202e}` or `\n`, and a backslash
/// before each of `escaped`, which are what could end a field, and the backslash itself.
pub fn write(out: &mut Vec<u8>, text: &str, most: usize, escaped: &[u8]) {
    let text = cut(text, most);
    // Nearly all texts are so.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !escaped.contains(&byte)) {
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
