//! Why an operation is not undone.

use crate::files::failed::Failed;
use crate::history::Entry;
use crate::request::code::{Code, Refusal};

/// How many files a reply names.
pub const NAMED: usize = 20;

/// Its snapshots were taken away.
pub fn gone(entry: &Entry) -> Refusal {
    let error = format!("the snapshots of `{}` are no longer there", entry.operation);
    Refusal::new(Code::Unsupported, error)
}

/// They do not have all of it.
pub fn hindered(entry: &Entry, why_not: &str) -> Refusal {
    let error = format!("`{}` cannot be undone: {why_not}", entry.operation);
    Refusal::new(Code::PlanRefused, error).hint(format!(
        "nothing was changed; an administrator can have what is there come back: sm undo --force {}",
        entry.id
    ))
}

/// These files of its packages are in the way.
pub fn changed_since(entry: &Entry, conflicts: &[String]) -> Refusal {
    let more = conflicts.len().saturating_sub(NAMED);
    let named = conflicts[..conflicts.len().min(NAMED)].join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let error = format!(
        "files of `{}` were changed by somebody else since: {named}{more}",
        entry.operation
    );
    Refusal::new(Code::PlanRefused, error).hint(format!(
        "nothing was changed; an administrator can have them overwritten: sm undo --force {}",
        entry.id
    ))
}

/// It failed on the way.
pub fn unfinished(entry: &Entry, failed: &Failed) -> Refusal {
    let error = format!("`{}` could not be undone: {failed}", entry.operation);
    Refusal::new(Code::CommandFailed, error).hint(
        "what had come back stays; once the cause is gone, undo it again, which does the rest",
    )
}
