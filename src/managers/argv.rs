//! One command line: an absolute path and its arguments.

use serde::Serialize;

/// `systemctl(1)`.
pub const SYSTEMCTL: &str = "/usr/bin/systemctl";

/// One command line: an absolute path and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Argv(Vec<String>);

impl Argv {
    pub fn new(words: &[&str]) -> Self {
        Self(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// These words.
    pub fn of(words: &[String]) -> Self {
        Self(words.to_vec())
    }

    /// The program.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// All of it.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// What follows the program.
    pub fn arguments(&self) -> &[String] {
        self.0.get(1..).unwrap_or_default()
    }

    /// The locale to run it in. What `systemctl show` prints of a state is ASCII in any locale,
    /// and loading one costs it a tenth of its time; the rest should get its characters right.
    pub fn locale(&self) -> &'static str {
        let shows =
            self.program() == SYSTEMCTL && self.arguments().iter().any(|word| word == "show");
        if shows { "C" } else { "C.UTF-8" }
    }

    /// `systemctl restart`, for a sentence: the program's name and its first plain word.
    pub fn short(&self) -> String {
        let name = self.program().rsplit('/').next().unwrap_or_default();
        // `apt-get install`, `systemctl restart`, `pacman --sync`; an option's value has a `=`.
        let is_action = |word: &&String| match word.strip_prefix("--") {
            Some(long) => matches!(long, "sync" | "remove" | "query"),
            None => !word.starts_with('-') && !word.contains('='),
        };
        match self.arguments().iter().find(is_action) {
            Some(word) => format!("{name} {word}"),
            None => name.to_owned(),
        }
    }
}
