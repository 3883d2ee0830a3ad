//! Why a package manager says that there is no way to do it: its own words for that, whichever
//! of its solvers found it.

/// Why it cannot be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Reason {
    /// Something would break, as it says.
    Breaks(String),
    /// What is installed was not in order before: the packages whose relations are not met, and
    /// those relations; the one that is asked for can be one of them.
    Unmet(Vec<(String, String)>),
    /// The name is no package: these say that they provide it.
    Virtual(Vec<String>),
}

/// The first line that begins so.
pub fn line_with<'t>(text: &'t str, starts: &[&str]) -> Option<&'t str> {
    text.lines().find(|line| starts.iter().any(|start| line.starts_with(start)))
}
