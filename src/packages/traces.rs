//! What the package manager keeps, looked at before and after, so far as its change can be seen
//! at a glance.

use crate::managers::manager::Manager;
use crate::plan::Plan;
use sha2::{Digest, Sha256};

/// What each of these files holds, and what is in each of the folders.
#[derive(PartialEq, Eq)]
pub struct Traces(Vec<Option<[u8; 32]>>);

impl Traces {
    /// What an operation changes.
    pub fn of(manager: Manager, plan: &Plan) -> Self {
        let mut traces = look_at(manager.traces(plan.request().operation.maintenance()));
        // A journal that is merged can hold what is written down already.
        traces.push(manager.has_journal().then_some([0; 32]));
        Self(traces)
    }

    /// All that a plan rests on.
    pub fn of_state(manager: Manager) -> Self {
        Self(look_at(manager.state()))
    }
}

fn look_at(paths: &[&str]) -> Vec<Option<[u8; 32]>> {
    let look = |path: &&str| match std::fs::read_dir(path) {
        Ok(entries) => Some(listing(entries)),
        // Not when it was written, which can be though nothing has changed.
        Err(_) => Some(Sha256::digest(std::fs::read(path).ok()?).into()),
    };
    paths.iter().map(look).collect()
}

/// The names in a folder, when each was changed and how large it is; except for locks and what is
/// half fetched, which who only looks can leave there.
fn listing(entries: std::fs::ReadDir) -> [u8; 32] {
    let row = |entry: std::fs::DirEntry| {
        let data = entry.metadata().ok()?;
        Some((entry.file_name(), data.modified().ok(), data.len()))
    };
    let rows = entries.flatten().filter_map(row);
    let mut rows: Vec<_> = rows.filter(|(name, ..)| name != "lock" && name != "partial").collect();
    rows.sort_unstable();
    Sha256::digest(format!("{rows:?}")).into()
}
