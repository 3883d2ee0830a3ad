//! What would come back: the differences of the snapshots around an operation, and how the host stands to them.

use crate::files::changes::{Change, Kind, Now, between};
use crate::files::failed::Failed;
use crate::files::stream::touched;
use crate::files::tree::Tree;
use crate::history::Entry;
use crate::managers::manager::Manager;
use crate::managers::snapshots::{CHANGES, Snapshotter};
use crate::request::code::{Code, Refusal};
use crate::snapshots::run;
use crate::system::state;
use crate::undo::scope::{Scope, Share, absolute, chosen};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

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

/// Compares the two snapshots of an operation, and the host with them.
///
/// # Errors
/// `unsupported` if they cannot be compared, `internal` where one cannot be read.
pub fn compare(
    manager: Manager,
    entry: &Entry,
    by: &Snapshotter,
    before: u64,
    after: u64,
) -> Result<Compared, Refusal> {
    let (before, after) = (before.to_string(), after.to_string());
    let unreadable = |failed: Failed| {
        let error = format!("what the operation changed cannot be read: {failed}");
        Refusal::new(Code::Internal, error).hint("nothing was changed")
    };
    // One at a time: the differences are written to one file.
    let stream = differences(by, &before, &after)?;
    let before = Tree::open(&by.path(&before)).map_err(unreadable)?;
    let after = Tree::open(&by.path(&after)).map_err(unreadable)?;
    let paths = touched(BufReader::new(stream), &before, &after).map_err(unreadable)?;
    let all = between(&before, &after, &paths).map_err(unreadable)?;
    let scope = Scope::of(manager, entry.transaction.as_ref(), &before, &after, &all)
        .map_err(unreadable)?;
    let now = Tree::open(Path::new("/")).map_err(unreadable)?;
    let chosen = chosen(&scope, all);
    let all: Vec<Change> = chosen.iter().map(|(change, _)| change.clone()).collect();
    let (mut changes, mut settled) = (Vec::new(), Vec::new());
    let (mut conflicts, mut left) = (Vec::new(), Vec::new());
    for (change, share) in chosen {
        // What is another file system now stays, too.
        let standing = change.standing(&now, &before, &after, &all);
        match (standing, share) {
            (Ok(Now::AsAfter), _) => changes.push(change),
            (Ok(Now::AsBefore), _) => settled.push(change),
            (_, Share::Packages) => {
                conflicts.push(absolute(&change.path));
                changes.push(change);
            }
            (_, Share::Scripts) => left.push(absolute(&change.path)),
            (_, Share::Cache | Share::Others) => {}
        }
    }
    Ok(Compared { before, after, scope, changes, settled, conflicts, left })
}

/// Has the differences of two snapshots written. Gives the file, which has no name any more.
fn differences(by: &Snapshotter, before: &str, after: &str) -> Result<File, Refusal> {
    let failed = |error: String| {
        Refusal::new(Code::Unsupported, format!("the snapshots cannot be compared: {error}"))
            .hint("nothing was changed; an administrator can see with `sm doctor` what is missing")
    };
    let io = |error: std::io::Error| failed(error.to_string());
    let _lock = state::lock("undo").map_err(io)?;
    for (folder, mode) in [("/run/sm", 0o755), ("/run/sm/undo", 0o700)] {
        state::folder(folder, mode, "root").map_err(io)?;
    }
    state::remove(Path::new(CHANGES)).map_err(io)?;
    run(&by.compare(before, after)).map_err(failed)?;
    let file = File::open(CHANGES).map_err(io)?;
    state::remove(Path::new(CHANGES)).map_err(io)?;
    Ok(file)
}

/// Whether what is installed is still what the operation has left, or already what was there before it: else
/// others have changed packages since.
///
/// # Errors
/// `plan_refused` if they have.
pub fn is_last(manager: Manager, compared: &Compared, entry: &Entry) -> Result<(), Refusal> {
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
    let later = later(&crate::history::all(), entry);
    let hint = match later.as_slice() {
        [] => "it was not done with sm; an administrator can see in the package manager's log what it was".to_owned(),
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
            std::io::Read::read_to_end(&mut file, &mut bytes).ok().map(|_| bytes)
        })
    };
    let one = text(now, &one);
    one.is_some() && one == text(tree, &other)
}
