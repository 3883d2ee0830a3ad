//! A line of arguments taken apart as a shell would, and nothing else that a shell does.

/// The words: split at white space, `'…'` and `"…"` taken together, `\` before one character, as
/// `sh` and Python's `shlex.split` have it.
///
/// # Errors
/// If a quote is not closed.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    taken_apart(text, false)
}

/// The same up to a `#` outside of quotes, also one in a word: `shlex.split` with `comments`.
///
/// # Errors
/// If a quote is not closed.
pub fn split_before_comment(text: &str) -> Result<Vec<String>, String> {
    taken_apart(text, true)
}

fn taken_apart(text: &str, has_comments: bool) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            words.extend(word.take());
            continue;
        }
        if has_comments && c == '#' {
            break;
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
                None => return Err("there is nothing after the last `\\`".to_owned()),
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
    fn a_comment_ends_the_words_of_a_line_of_hosts_and_no_others() {
        for (text, words) in [
            ("a b #c", &["a", "b"][..]),
            ("a=b#c d", &["a=b"]),
            ("'#' \\#", &["#", "#"]),
            ("#", &[]),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(split_before_comment(text), Ok(words), "{text}");
        }
        assert_eq!(split("a#b #"), Ok(vec!["a#b".to_owned(), "#".to_owned()]));
    }

    #[test]
    fn what_is_open_at_the_end_is_an_error() {
        for text in ["'", "a 'b", "\"", "\"a\\", "a\\", "\"a\\\""] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
