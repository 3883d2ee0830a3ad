//! What a check has found.

use crate::output::text::one_line;
use serde::Serialize;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A guarantee does not hold.
    Problem,
    /// It holds, but for something that an administrator should look at; or it could not be told.
    Warning,
    /// As it should be.
    Ok,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Ok => "ok",
        }
    }
}

/// One thing that was looked at. Its texts are plain: what they quote can be anybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub status: Status,
    /// What is there, with its path or account.
    pub found: String,
    /// What it means, if that is another thing than what the check says.
    pub meaning: Option<String>,
    /// The command that fixes it.
    pub fix: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(found: impl AsRef<str>) -> Self {
        Self::new(Status::Ok, found)
    }

    /// To look at.
    pub fn warning(found: impl AsRef<str>) -> Self {
        Self::new(Status::Warning, found)
    }

    /// A guarantee does not hold.
    pub fn problem(found: impl AsRef<str>) -> Self {
        Self::new(Status::Problem, found)
    }

    /// With this status.
    pub fn new(status: Status, found: impl AsRef<str>) -> Self {
        Self { status, found: one_line(found.as_ref(), 500), meaning: None, fix: None }
    }

    /// With what it means.
    #[must_use]
    pub fn means(self, meaning: impl AsRef<str>) -> Self {
        Self { meaning: Some(one_line(meaning.as_ref(), 500)), ..self }
    }

    /// With the command that fixes it.
    #[must_use]
    pub fn fix(self, command: impl AsRef<str>) -> Self {
        Self { fix: Some(one_line(command.as_ref(), 1000)), ..self }
    }

    /// With a command, if there is one.
    #[must_use]
    pub fn maybe_fix(self, command: Option<String>) -> Self {
        match command {
            Some(command) => self.fix(command),
            None => self,
        }
    }

    /// With this command, where it has none yet.
    #[must_use]
    pub fn or_fix(self, command: impl FnOnce() -> String) -> Self {
        if self.fix.is_some() { self } else { self.fix(command()) }
    }
}

/// These, or that all is well if there are none.
pub fn or_ok(found: Vec<Finding>, well: impl AsRef<str>) -> Vec<Finding> {
    if found.is_empty() { vec![Finding::ok(well)] } else { found }
}
