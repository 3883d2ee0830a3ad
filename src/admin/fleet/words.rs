//! What a host or ssh says on the way, for a person: the lines that matter, the last ones first to
//! be kept, since a program says at its end why it ends.

use crate::output::text::one_line;

/// How much of it a sentence has room for, in characters.
const ROOM: usize = 400;

/// What ssh says of itself when nothing is wrong.
const IDLE: [&str; 4] = [
    "Authenticated to ",
    "Transferred: sent ",
    "Bytes per second: sent ",
    "Warning: Permanently added ",
];

/// Lines that somebody else has written.
#[derive(Debug, Default)]
pub struct Words(Vec<String>);

impl Words {
    /// The lines of a text that are not our own, which have `mark` in them.
    pub fn of(text: &[u8], mark: &str) -> Self {
        let text = String::from_utf8_lossy(text);
        let prompt = format!("{mark}-password");
        let lines = text
            .lines()
            // sudo's prompt has no newline behind it; ssh frames its warnings in `@`.
            .map(|line| line.rsplit(&prompt).next().unwrap_or_default())
            .map(|line| line.trim_matches(|each: char| each == '@' || each.is_whitespace()))
            .filter(|line| !line.is_empty() && !line.contains(mark))
            .filter(|line| !IDLE.iter().any(|idle| line.starts_with(idle)));
        Self(lines.map(str::to_owned).collect())
    }

    /// One line.
    pub fn line(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }

    /// These, and then others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The lines, as they came.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has this in it, which is in lower case, in whatever case.
    pub fn contain(&self, saying: &str) -> bool {
        self.lines().any(|line| line.to_ascii_lowercase().contains(saying))
    }

    /// The last of them on one line, whole ones, as many as a sentence has room for.
    pub fn short(&self) -> String {
        let mut left = ROOM;
        let mut kept = Vec::new();
        for line in self.0.iter().rev() {
            let line = one_line(line, ROOM);
            let length = line.chars().count() + 2;
            if length > left && !kept.is_empty() {
                kept.push("…".to_owned());
                break;
            }
            left = left.saturating_sub(length);
            kept.push(line);
        }
        kept.reverse();
        kept.join("; ")
    }

    /// The same in brackets, to stand behind a sentence.
    pub fn behind(&self) -> String {
        if self.is_empty() { String::new() } else { format!(" ({})", self.short()) }
    }
}

/// A text on one line that keeps its end if it is too long.
pub fn end_of(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.chars().count().checked_sub(most) {
        None | Some(0) => one_line(text, most),
        Some(over) => {
            let rest: String = text.chars().skip(over).collect();
            format!("…{}", one_line(&rest, most))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_idle_or_ours_is_no_word() {
        let text = b"Authenticated to x ([x]:22) using \"publickey\".\n@@@@@\n@ WARNING: y @\n\
            sm-1-passwordSorry, try again.\nsm-1 fact\n  \nTransferred: sent 1, received 2 bytes\n";
        let words = Words::of(text, "sm-1");
        assert_eq!(words.lines().collect::<Vec<_>>(), ["WARNING: y", "Sorry, try again."]);
    }

    #[test]
    fn a_long_line_in_front_does_not_hide_the_last() {
        let words = Words::of(format!("{}\nthe point\n", "x".repeat(9000)).as_bytes(), "sm-1");
        assert_eq!(words.short(), "…; the point");
        assert_eq!(end_of("noise noise the point", 9), "…the point");
    }

    proptest! {
        #[test]
        fn the_last_line_is_always_there(lines in proptest::collection::vec("[a-z ]{0,300}z", 1..40)) {
            let short = Words::of(lines.join("\n").as_bytes(), "sm-1").short();
            prop_assert!(short.ends_with(lines.last().expect("one").trim()), "{short}");
            prop_assert!(short.chars().count() <= ROOM + 3, "{short}");
        }
    }
}
