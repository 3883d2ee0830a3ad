//! What is wrong in an inventory, and in which line.

use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use std::path::Path;

/// What reading gives.
pub type Result<T> = std::result::Result<T, Problem>;

/// What is wrong, before the file's name is put in front of it.
#[derive(Debug)]
pub struct Problem {
    line: usize,
    whose: String,
    text: String,
    hint: Option<String>,
}

impl Problem {
    /// In this line.
    pub fn new(line: usize, text: impl Into<String>) -> Self {
        Self { line, whose: String::new(), text: text.into(), hint: None }
    }

    /// With the host or group that it is about.
    #[must_use]
    pub fn of(mut self, whose: &str) -> Self {
        whose.clone_into(&mut self.whose);
        self
    }

    /// With what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what another reader, who is less likely to be meant, says of the same file, if that
    /// got beyond the line `first`.
    #[must_use]
    pub fn or(mut self, form: &str, other: &Self, first: usize) -> Self {
        if other.line <= first {
            return self;
        }
        let whose =
            if other.whose.is_empty() { String::new() } else { format!("{}: ", other.whose) };
        self.text = format!("{}; as {form}, line {}: {whose}{}", self.text, other.line, other.text);
        self
    }

    /// For the one who asked.
    pub fn refusal(self, file: &Path) -> Refusal {
        let refusal =
            Refusal::new(Code::InvalidArgument, sentence(file, self.line, &self.whose, &self.text));
        match self.hint {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}

/// `FILE:LINE: WHOSE: TEXT`, as compilers write it.
pub fn sentence(file: &Path, line: usize, whose: &str, text: &str) -> String {
    let file = shown(file);
    if whose.is_empty() {
        format!("{file}:{line}: {text}")
    } else {
        format!("{file}:{line}: {whose}: {text}")
    }
}

/// A path in a message.
pub fn shown(file: &Path) -> String {
    one_line(&file.to_string_lossy(), 200)
}

/// A host or a group in a message.
pub fn named(name: &str) -> String {
    one_line(name, 64)
}

/// What is no error, and that somebody who knows Ansible would not expect.
#[derive(Debug, Default)]
pub struct Warnings {
    message: Vec<(usize, String, String)>,
    left_out: usize,
}

impl Warnings {
    /// More than anybody reads.
    const MOST: usize = 50;

    /// Says it once for a line.
    pub fn add(&mut self, line: usize, whose: impl Into<String>, text: impl Into<String>) {
        let (whose, text) = (whose.into(), text.into());
        if self.message.iter().any(|one| one.0 == line && one.2 == text) {
            return;
        }
        if self.message.len() == Self::MOST {
            self.left_out += 1;
        } else {
            self.message.push((line, whose, text));
        }
    }

    /// One sentence each, in the order of the lines.
    pub fn sentences(mut self, file: &Path) -> Vec<String> {
        self.message.sort_by_key(|one| one.0);
        let mut all: Vec<String> =
            self.message.iter().map(|one| sentence(file, one.0, &one.1, &one.2)).collect();
        if self.left_out > 0 {
            all.push(format!("{}: and {} warnings more", shown(file), self.left_out));
        }
        all
    }
}
