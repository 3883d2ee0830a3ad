//! What an undo would bring back, for who is asked whether it should.

use crate::files::changes::Change;
use crate::history::Entry;
use crate::managers::host;
use crate::managers::snapshots::Snapshotter;
use crate::request::code::{Code, Refusal};
use crate::undo::compared::{compare, is_last};
use crate::undo::scope::absolute;
use std::time::{Duration, Instant};

/// How long an administrator waits for it at most.
const PATIENCE: Duration = Duration::from_secs(600);

/// What would come back.
#[derive(Debug, Default)]
pub struct Preview {
    /// The files, those among them too that are in the way; sorted by path.
    pub changes: Vec<Change>,
    /// Those that somebody has changed since.
    pub conflicts: Vec<String>,
    /// Others that somebody has changed since, which stay.
    pub left: Vec<String>,
    /// The versions that would be installed again, where there are no snapshots.
    pub versions: Option<Vec<(String, String)>>,
}

impl Preview {
    /// The path of a change, as people know it.
    pub fn path(change: &Change) -> String {
        absolute(&change.path)
    }
}

/// What undoing this would bring back.
///
/// # Errors
/// `plan_refused` if packages were changed since, `unsupported` if there is no way to undo it.
pub fn of_entry(entry: &Entry) -> Result<Preview, Refusal> {
    if let Some(by) = &entry.undone_by {
        return Err(Refusal::new(Code::PlanRefused, format!("it was undone already, by {by}")));
    }
    let manager = host::named(&entry.manager).ok_or_else(|| {
        let error = format!("`{}` is no operation on packages", entry.operation);
        Refusal::new(Code::Unsupported, error)
    })?;
    let by = Snapshotter::here().ok();
    let by = by.filter(|by| entry.compared_by(by).is_some());
    let pair = |by: &Snapshotter| {
        let (before, after) = entry.snapshots.as_ref()?.there(by);
        Some((before?.number, after?.number))
    };
    let taken = by.as_ref().and_then(pair);
    let (Some(by), Some(numbers)) = (by, taken) else {
        if let Some(versions) = entry.replaced() {
            return Ok(Preview { versions: Some(versions), ..Preview::default() });
        }
        let error = format!("there are no two snapshots of `{}`", entry.operation);
        return Err(Refusal::new(Code::Unsupported, error).hint(
            "if the first is still there, all that was changed since can be undone without a look before: sm undo --force --yes ID",
        ));
    };
    let compared = compare(manager, entry, &by, numbers, Instant::now() + PATIENCE)?;
    is_last(manager, &compared, entry, 0)?;
    let (changes, conflicts, left) = (compared.changes, compared.conflicts, compared.left);
    Ok(Preview { changes, conflicts, left, versions: None })
}
