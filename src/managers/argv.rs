//! One command line: an absolute path and its arguments.

use crate::managers::confinement::{Confinement, Spares};
use serde::Serialize;

/// For what prints nothing but ASCII, and is spared to load a locale.
pub(in crate::managers) const PLAIN_TEXT: &str = "C";
/// For what prints names and sentences, and should get their characters right.
pub(in crate::managers) const UTF8: &str = "C.UTF-8";

/// One command line: an absolute path and its arguments. Nobody outside of this folder can make
/// one, so whatever can be run stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Argv {
    words: Vec<String>,
    #[serde(skip)]
    locale: &'static str,
    #[serde(skip)]
    confinement: Confinement,
}

impl Argv {
    /// A command line, to be run in this locale, confined to this.
    pub(in crate::managers) fn new(
        words: &[&str],
        locale: &'static str,
        confinement: Confinement,
    ) -> Self {
        Self { words: words.iter().map(|word| (*word).to_owned()).collect(), locale, confinement }
    }

    /// The program.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// All of it.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// What follows the program.
    pub fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The locale to run it in.
    pub fn locale(&self) -> &'static str {
        self.locale
    }

    /// What it is confined to while it runs.
    pub fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// The same command line of a package manager, which may change these.
    pub fn sparing(&self, spares: Spares) -> Self {
        Self { confinement: Confinement::PackageManager(spares), ..self.clone() }
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
