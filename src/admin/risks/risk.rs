//! Something that is root by another name, and how it is said.

use crate::output::text::one_line;
use crate::policy::approved::Line;
use std::fmt;

/// What makes it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The files that say what a unit runs.
    UnitFile,
    /// What a unit runs.
    Program,
    /// The file that a unit has its environment from.
    Environment,
    /// The folder in which a unit runs.
    Folder,
    /// A service that does what the caller tells it.
    Known {
        /// Whether it is by a group that the caller is in.
        is_a_group: bool,
    },
    /// The upgrade of all packages.
    Upgrade,
}

/// Something that is root by another name, or another account's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// The line of the policy that grants it.
    pub line: Line,
    /// Whether that is the compiled policy's.
    pub is_compiled: bool,
    /// What is asked for.
    pub operation: String,
    /// The unit; of a service that does what a caller tells it, that caller.
    pub subject: String,
    /// For whom it is so.
    pub callers: Vec<String>,
    /// The account whose rights it gives; none for root's.
    pub account: Option<String>,
    /// What makes it so.
    pub kind: Kind,
    /// Why it is so.
    pub reason: String,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { file, line } = &self.line;
        let compiled = if self.is_compiled { "compiled in, " } else { "" };
        let callers = self.callers.join(", ");
        // Paths and names are anybody's.
        let reason = one_line(&self.reason, 400);
        write!(f, "{compiled}{file}:{line}: `{}` ", self.operation)?;
        match &self.account {
            None => write!(f, "is root by another name for {callers}: {reason}"),
            Some(account) => write!(f, "gives {callers} the rights of {account}: {reason}"),
        }
    }
}
