//! Text for a person at a terminal: broken between words where the terminal ends.

use std::fmt::Write as _;

/// The text with each line broken between words at this width, and as it is without one. What
/// follows hangs below the line's last column, or below its first word.
pub fn wrapped(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let lines: Vec<String> = text.split('\n').map(|line| broken(line, width)).collect();
    lines.join("\n")
}

/// A hint or a warning, with what it says to type after its colon in one piece, so that it can be
/// copied.
pub fn hint(text: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| text.chars().count() > *width) else {
        return text.to_owned();
    };
    let begin = if text.starts_with(WARNING) { WARNING.len() } else { 0 };
    match text[begin..].split_once(": ") {
        // No command has a comma behind a word: that is a list.
        Some((before, command)) if !command.contains(", ") => {
            let before = wrapped(&text[..begin + before.len() + 1], Some(width));
            format!("{before}\n{:indent$}{command}", "", indent = indent(text) + 4)
        }
        _ => wrapped(text, Some(width)),
    }
}

/// A row of a table, whose last column is this text: it hangs below its first word, or stands on
/// lines of its own if the columns before it leave too little room. `begin` are these columns,
/// `column` is how many characters of them are seen.
pub fn row(begin: &str, column: usize, text: &str, width: Option<usize>) -> String {
    let fits = |width: &usize| column + text.chars().count() <= *width;
    let Some(width) = width.filter(|width| !fits(width)) else { return format!("{begin}{text}") };
    let room = width.saturating_sub(column);
    let (indent, room, begin) = match room >= NARROWEST {
        true => (column, room, begin.to_owned()),
        false => (OWN, width.saturating_sub(OWN), format!("{}\n{:OWN$}", begin.trim_end(), "")),
    };
    begin + &broken(text, room).replace('\n', &format!("\n{:indent$}", ""))
}

/// The fewest characters in which a column of text can be read.
const NARROWEST: usize = 30;
/// How far a column on lines of its own is indented.
const OWN: usize = 4;

/// What a warning begins with.
pub const WARNING: &str = "warning: ";

fn broken(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let hanging = hanging(line, width);
    let start = line.len() - line.trim_start().len();
    let mut text = line[..start].to_owned();
    let mut column = indent(line);
    // Spaces within a line are its own, but those at which it is broken are not printed.
    let mut begins = true;
    for part in line[start..].split_inclusive(' ') {
        let word = part.trim_end_matches(' ');
        let length = word.chars().count();
        if !begins && !word.is_empty() && column + length > width {
            text.truncate(text.trim_end().len());
            let _ = write!(text, "\n{:hanging$}", "");
            column = hanging;
        }
        text.push_str(part);
        column += part.chars().count();
        begins = false;
    }
    text
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

/// Where the last column begins that does so in the left half, behind two spaces or more; else
/// where the line itself does.
fn hanging(line: &str, width: usize) -> usize {
    let letters: Vec<char> = line.chars().collect();
    let begins = |at: &usize| letters[*at] != ' ' && letters[..*at].ends_with(&[' ', ' ']);
    (0..letters.len().min(width / 2 + 1)).rev().find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_hangs_below_its_last_column() {
        for (text, expected) in [
            ("one two three four five", "one two three four\nfive"),
            ("    one two three four five", "    one two three\n    four five"),
            ("  -n N  one two three four", "  -n N  one two\n        three four"),
            ("  --a-flag-of-this-length  one two", "  --a-flag-of-this-length\n  one two"),
            ("a  b  one two three four", "a  b  one two three\n      four"),
            ("a-word-that-is-longer-than-all b", "a-word-that-is-longer-than-all\nb"),
            ("short\n\n  and another", "short\n\n  and another"),
        ] {
            assert_eq!(wrapped(text, Some(20)), expected, "{text}");
            assert_eq!(wrapped(text, None), text);
        }
    }

    #[test]
    fn what_is_to_be_typed_stays_in_one_piece() {
        let text = "    let accounts reach it through sudo: sm setup-sudo --user agent";
        let expected =
            "    let accounts reach it\n    through sudo:\n        sm setup-sudo --user agent";
        assert_eq!(hint(text, Some(26)), expected);
        assert_eq!(hint(text, Some(80)), text);
        assert_eq!(hint(text, None), text);
        assert_eq!(
            hint("  there are: one, two, and three", Some(20)),
            "  there are: one,\n  two, and three"
        );
    }

    #[test]
    fn the_last_column_hangs_below_itself_or_has_lines_of_its_own() {
        let text = "one two three four five six seven eight";
        for (begin, width, expected) in [
            ("web1  ok  ", 80, "web1  ok  one two three four five six seven eight"),
            ("web1  ok  ", 42, "web1  ok  one two three four five six\n          seven eight"),
            ("web1  ok  ", 30, "web1  ok\n    one two three four five\n    six seven eight"),
        ] {
            assert_eq!(row(begin, begin.len(), text, Some(width)), expected);
            assert_eq!(row(begin, begin.len(), text, None), format!("{begin}{text}"));
        }
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_only_a_long_word_is_wider(
            text in "[ ]{0,6}([a-zü:-]{1,30}[ ]{1,3}){0,20}[a-z]{0,5}", width in 20_usize..60
        ) {
            let wrapped = wrapped(&text, Some(width));
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&wrapped), words(&text));
            for line in wrapped.lines() {
                let length = line.trim_end().chars().count();
                prop_assert!(length <= width || words(line).len() == 1, "{}", line);
            }
        }
    }
}
