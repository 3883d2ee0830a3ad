//! What would come back: the differences of the snapshots around an operation, and how the host stands to them.

use crate::files::changes::{Change, Kind, Now, between};
use crate::files::failed::Failed;
use crate::files::tree::Tree;
use crate::history::Entry;
use crate::managers::manager::Manager;
use crate::managers::snapshots::Snapshotter;
use crate::managers::territory::Territory;
use crate::request::code::{Code, Refusal};
use crate::undo::accounts::{is_of_accounts, only_system_added};
use crate::undo::differences::differences;
use crate::undo::scope::{Scope, Share, absolute, chosen};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// The differences, and what of them is to come back.
#[derive(Debug)]
pub struct Compared {
    /// The host as it was before.
    pub before: Tree,
    /// As the operation left it.
    pub after: Tree,
    /// What it has written.
    pub scope: Scope,
    /// What comes back, sorted by path.
    pub changes: Vec<Change>,
    /// What is as before already: an undo that was killed had got so far.
    pub settled: Vec<Change>,
    /// Files of packages that somebody has changed since: nothing comes back unless they may be overwritten.
    pub conflicts: Vec<String>,
    /// Other files that somebody has changed since: they stay.
    pub left: Vec<String>,
}

impl Compared {
    /// All that is to be as before in the end, sorted by path.
    pub fn whole(&self) -> Vec<Change> {
        with_settled(self.changes.clone(), &self.settled)
    }

    /// How much of it has come back, where not all did.
    pub fn so_far(&self) -> usize {
        let Ok(now) = Tree::open(Path::new("/")) else { return 0 };
        let (before, after) = (&self.before, &self.after);
        let is_back = |change: &&Change| {
            let standing = change.standing(&now, before, after, &self.changes);
            change.kind != Kind::Times && matches!(standing, Ok(Now::AsBefore))
        };
        self.changes.iter().filter(is_back).count()
    }
}

/// These changes and those, sorted by path.
pub fn with_settled(mut changes: Vec<Change>, settled: &[Change]) -> Vec<Change> {
    changes.extend_from_slice(settled);
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    changes
}

/// Compares the two snapshots of an operation, and the host with them. Nothing is read but what may come back:
/// what others have is as large and as strange as they like.
///
/// # Errors
/// `unsupported` if they cannot be compared, `internal` where one cannot be read, `timeout` at the deadline.
pub fn compare(
    manager: Manager,
    entry: &Entry,
    by: &Snapshotter,
    numbers: (u64, u64),
    deadline: Instant,
) -> Result<Compared, Refusal> {
    let unreadable = |failed: Failed| {
        let error = format!("what the operation changed cannot be read: {failed}");
        Refusal::new(Code::Internal, error).hint("nothing was changed")
    };
    let open = |number: u64| Tree::open(&by.path(&number.to_string())).map_err(unreadable);
    let (before, after) = (open(numbers.0)?, open(numbers.1)?);
    let now = Tree::open(Path::new("/")).map_err(unreadable)?;
    let paths = differences(by, numbers, &before, &after)?;
    in_time(deadline)?;
    let transaction = entry.transaction.as_ref();
    let scope = Scope::of(manager, transaction, &before, &after, &paths).map_err(unreadable)?;
    let all = between(&before, &after, &scope.wanted(&paths)).map_err(unreadable)?;
    in_time(deadline)?;
    let mut chosen = chosen(&scope, all);
    let mut left = BTreeSet::new();
    let is_account = |change: &Change| is_of_accounts(&absolute(&change.path));
    let is_standing = |change: &Change, all: &[Change]| {
        let standing = change.standing(&now, &before, &after, all);
        matches!(standing, Ok(Now::AsAfter | Now::AsBefore))
    };
    if chosen.iter().any(|(change, _)| is_account(change)) {
        let mut accounts = chosen.iter().filter(|(change, _)| is_account(change));
        let is_fine = only_system_added(&before, &after)
            && accounts.all(|(change, _)| is_standing(change, &[]));
        if !is_fine {
            let (gone, rest) = chosen.into_iter().partition(|(change, _)| is_account(change));
            let gone: Vec<(Change, Share)> = gone;
            left.extend(gone.iter().map(|(change, _)| absolute(&change.path)));
            left.retain(|path| !path.ends_with('-'));
            chosen = rest;
        }
    }
    let all: Vec<Change> = chosen.iter().map(|(change, _)| change.clone()).collect();
    let mut folders = BTreeSet::new();
    let mut standings = Vec::with_capacity(chosen.len());
    for (change, share) in chosen {
        in_time(deadline)?;
        // What is another file system now stays, too.
        let standing = change.standing(&now, &before, &after, &all).ok();
        let path = absolute(&change.path);
        let is_changed = !matches!(standing, Some(Now::AsAfter | Now::AsBefore));
        if is_changed
            && share == Share::Scripts
            && let Some(folder) = scope.folder_of_data(&path)
        {
            folders.insert(folder.to_owned());
        }
        standings.push((change, share, standing));
    }
    let (mut changes, mut settled, mut conflicts) = (Vec::new(), Vec::new(), Vec::new());
    for (change, share, standing) in standings {
        let path = absolute(&change.path);
        // A part of what a service has is worse than none: it stays whole.
        let of_data = scope.folder_of_data(&path).filter(|folder| folders.contains(*folder));
        if let Some(folder) = of_data.filter(|_| share == Share::Scripts) {
            left.insert(folder.to_owned());
            continue;
        }
        let is_kept = Territory::holds(manager.territory().folders, &path);
        match (standing, share) {
            (Some(Now::AsAfter), _) => changes.push(change),
            (Some(Now::AsBefore), _) => settled.push(change),
            // Written again as it was.
            (_, Share::Packages) if is_kept && is_same_state(&now, &after, &change.path) => {
                changes.push(change);
            }
            (_, Share::Packages) => {
                conflicts.push(path);
                changes.push(change);
            }
            (_, Share::Scripts) => {
                left.insert(path);
            }
            (_, Share::Cache | Share::Others) => {}
        }
    }
    let left = left.into_iter().collect();
    Ok(Compared { before, after, scope, changes, settled, conflicts, left })
}

/// That there is time left.
///
/// # Errors
/// `timeout`
pub fn in_time(deadline: Instant) -> Result<(), Refusal> {
    if Instant::now() < deadline {
        return Ok(());
    }
    let error = "what the operation changed was not found out in the time that the request has";
    Err(Refusal::new(Code::Timeout, error)
        .hint("nothing was changed; give it more time: --timeout"))
}

/// Whether what is installed is still what the operation has left, or already what was there before it: else
/// others have changed packages since.
///
/// # Errors
/// `plan_refused` if they have.
pub fn is_last(
    manager: Manager,
    compared: &Compared,
    entry: &Entry,
    asker: u32,
) -> Result<(), Refusal> {
    let state = manager.territory().state;
    let path = Path::new(state.trim_start_matches('/'));
    let now = Tree::open(Path::new("/"));
    let is = |tree: &Tree| now.as_ref().is_ok_and(|now| is_same_state(now, tree, path));
    if is(&compared.after) || is(&compared.before) {
        return Ok(());
    }
    let error = format!(
        "packages were changed since `{}`, which can no longer be undone alone",
        entry.operation
    );
    let all = crate::history::all();
    let later = later(&all, entry);
    let is_own =
        |id: &&String| asker == 0 || all.iter().any(|one| one.id == **id && one.uid == asker);
    let hint = match later.as_slice() {
        [] => "it was not done with sm; an administrator can see in the package manager's log what it was".to_owned(),
        // Of other accounts nobody learns what they asked for.
        later if !later.iter().all(|id| is_own(&id)) => {
            "another account has changed packages since; an administrator can undo that".to_owned()
        }
        later => format!("first undo what came after it, the latest first: {}", later.join(", ")),
    };
    Err(Refusal::new(Code::PlanRefused, error).hint(hint))
}

/// What came after an operation and still has an effect, the latest first: what was undone has none, unless that was
/// undone, too. Nor has what is under way.
fn later(all: &[Entry], entry: &Entry) -> Vec<String> {
    let with_id = |id: &String| all.iter().find(|one| one.id == *id);
    // What has to be undone for it to have none.
    let effective = |one| {
        let (mut last, mut is_effective): (&Entry, bool) = (one, true);
        while let Some(by) = &last.undone_by {
            last = with_id(by)?;
            is_effective = !is_effective;
        }
        is_effective.then(|| last.id.clone())
    };
    let later = all.iter().filter(|one| one.id > entry.id && one.is_over && one.undoes.is_none());
    let mut ids: Vec<String> = later.filter_map(effective).collect();
    ids.sort();
    ids.reverse();
    ids
}

/// Whether what the package manager has written down is the same in both: a file by what is in it, a folder by
/// the names in it.
fn is_same_state(now: &Tree, tree: &Tree, path: &Path) -> bool {
    let (Ok(Some(one)), Ok(Some(other))) = (now.entry(path), tree.entry(path)) else {
        return false;
    };
    if one.is_untouched(&other) {
        return true;
    }
    if one.is_directory() {
        let names = |tree: &Tree| {
            tree.names(path).map(|mut names| {
                names.sort();
                names
            })
        };
        return matches!((names(now), names(tree)), (Ok(one), Ok(other)) if one == other);
    }
    let text = |tree: &Tree, entry| {
        tree.read(path, entry).ok().and_then(|mut file| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).ok().map(|_| bytes)
        })
    };
    let one = text(now, &one);
    one.is_some() && one == text(tree, &other)
}
