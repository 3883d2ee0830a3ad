//! A line of arguments taken apart as a shell would, and nothing else that a shell does.

/// The words: split at white space, `'…'` and `"…"` taken together, `\` before one character, as
/// `sh` and Python's `shlex.split` have it.
///
/// # Errors
/// Where a quote is not closed.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match c {
            '\'' => loop {
                match rest.next() {
                    None => return Err("a `'` is not closed".to_owned()),
                    Some('\'') => break,
                    Some(c) => word.push(c),
                }
            },
            '"' => loop {
                match rest.next() {
                    None => return Err("a `\"` is not closed".to_owned()),
                    Some('"') => break,
                    Some('\\') => match rest.next() {
                        Some(c @ ('"' | '\\')) => word.push(c),
                        Some(c) => word.extend(['\\', c]),
                        None => return Err("a `\"` is not closed".to_owned()),
                    },
                    Some(c) => word.push(c),
                }
            },
            '\\' => match rest.next() {
                Some(c) => word.push(c),
                None => return Err("nothing stands behind the last `\\`".to_owned()),
            },
            c => word.push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, words) in [
            ("", &[][..]),
            ("  \n\t ", &[]),
            ("-J bastion", &["-J", "bastion"]),
            ("-o 'A B'  -C", &["-o", "A B", "-C"]),
            ("-o A=\"b c\"", &["-o", "A=b c"]),
            (r#""a\"b\\c\d""#, &[r#"a"b\c\d"#]),
            (r"'a\b'", &[r"a\b"]),
            (r"a\ b \'", &["a b", "'"]),
            ("a''b \"\" ''", &["ab", "", ""]),
            ("$(id) `id` ;|&>#*", &["$(id)", "`id`", ";|&>#*"]),
        ] {
            assert_eq!(
                split(text).as_deref(),
                Ok(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()[..]),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_open_at_the_end_is_an_error() {
        for text in ["'", "a 'b", "\"", "\"a\\", "a\\", "\"a\\\""] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
