//! What an operation changed, and how the live system stands to it now.

use crate::files::compare::{Found, is_same};
use crate::files::failed::Failed;
use crate::files::tree::{Entry, Tree};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One path that is not the same before and after the operation.
#[derive(Clone, Debug)]
pub struct Change {
    /// From the root, without a slash before it; empty for the root itself.
    pub path: PathBuf,
    /// What happened to it.
    pub kind: Kind,
    /// Whether it is a directory after the operation, or was one if it is gone.
    pub is_directory: bool,
    /// What was there before the operation.
    pub before: Option<Entry>,
    /// What was there after it.
    pub after: Option<Entry>,
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was not there before.
    Added,
    /// It is no longer there.
    Removed,
    /// Its type, content, owner, mode, attributes, or which other names are the same file.
    Altered,
    /// A directory whose time of the last change is all that differs.
    Times,
}

/// How the live system stands to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// As the operation left it.
    AsAfter,
    /// As it was before the operation: it is already undone.
    AsBefore,
    /// Neither: somebody has changed it since.
    ChangedSince,
}

/// Compares two snapshots at some paths. The changes are sorted by path, each directory before
/// what is in it.
///
/// A file that another one has replaced which is the same in everything that [`is_same`] compares
/// is no change, unless either of them has further names.
///
/// # Errors
/// A snapshot cannot be read.
pub fn between(
    before: &Tree,
    after: &Tree,
    paths: &BTreeSet<PathBuf>,
) -> Result<Vec<Change>, Failed> {
    let mut changes = Vec::new();
    for path in paths {
        let (old, new) = (before.entry(path)?, after.entry(path)?);
        let kind = match (&old, &new) {
            (None, None) => continue,
            (None, Some(_)) => Kind::Added,
            (Some(_), None) => Kind::Removed,
            (Some(old), Some(new)) => {
                let old = Found { tree: before, entry: old };
                let Some(kind) = differ(path, old, Found { tree: after, entry: new })? else {
                    continue;
                };
                kind
            }
        };
        let is_directory = new.as_ref().or(old.as_ref()).is_some_and(Entry::is_directory);
        changes.push(Change { path: path.clone(), kind, is_directory, before: old, after: new });
    }
    Ok(changes)
}

/// How what is there before and after differs.
fn differ(path: &Path, old: Found<'_>, new: Found<'_>) -> Result<Option<Kind>, Failed> {
    let (first, second) = (old.entry, new.entry);
    // Also if the inode and its times are the same: the kernel's clock for them ticks every 4 ms, so
    // what was changed right before the first snapshot can be changed again without a trace in them.
    if !is_same(path, old, new)? {
        return Ok(Some(Kind::Altered));
    }
    if first.is_directory() {
        return Ok((first.mtime != second.mtime).then_some(Kind::Times));
    }
    let has_links = first.nlink > 1 || second.nlink > 1;
    Ok((first.ino != second.ino && has_links).then_some(Kind::Altered))
}

impl Change {
    /// How the live system stands to this change.
    ///
    /// Of a directory the owner, the mode and the attributes count, and not the times. One that the
    /// operation added has changed since if something is in it that is not in `all`, which must be
    /// sorted by path.
    ///
    /// # Errors
    /// A snapshot or the live system cannot be read, or another file system is mounted there.
    pub fn standing(
        &self,
        now: &Tree,
        before: &Tree,
        after: &Tree,
        all: &[Self],
    ) -> Result<Now, Failed> {
        Ok(self.look(now, before, after, all)?.0)
    }

    /// The same, and what was looked at.
    ///
    /// # Errors
    /// As [`Change::standing`].
    pub fn look(
        &self,
        now: &Tree,
        before: &Tree,
        after: &Tree,
        all: &[Self],
    ) -> Result<(Now, Option<Entry>), Failed> {
        let live = now.entry(&self.path)?;
        let standing = match self.compare(live.as_ref(), now, before, after, all) {
            // Somebody is changing it at this moment.
            Err(failed) if failed.cause.is_absent() => Now::ChangedSince,
            other => other?,
        };
        Ok((standing, live))
    }

    fn compare(
        &self,
        live: Option<&Entry>,
        now: &Tree,
        before: &Tree,
        after: &Tree,
        all: &[Self],
    ) -> Result<Now, Failed> {
        let is = |there: &Option<Entry>, tree| match (live, there) {
            (None, None) => Ok(true),
            (Some(live), Some(there)) => {
                let live = Found { tree: now, entry: live };
                is_same(&self.path, live, Found { tree, entry: there })
            }
            _ => Ok(false),
        };
        let is_untouched = |there: &Option<Entry>| match (live, there) {
            (Some(live), Some(there)) => live.is_untouched(there),
            (live, there) => live.is_none() && there.is_none(),
        };
        if is_untouched(&self.after) {
            return self.as_after(now, all);
        }
        let mtime = |entry: &Entry| entry.mtime;
        let is_time =
            self.kind != Kind::Times || live.map(mtime) == self.before.as_ref().map(mtime);
        if is_time && is(&self.before, before)? {
            return Ok(Now::AsBefore);
        }
        if is(&self.after, after)? { self.as_after(now, all) } else { Ok(Now::ChangedSince) }
    }

    /// It is as after the operation; but what of the directory's content?
    fn as_after(&self, now: &Tree, all: &[Self]) -> Result<Now, Failed> {
        let was_directory = self.before.as_ref().is_some_and(Entry::is_directory);
        let is_directory = self.after.as_ref().is_some_and(Entry::is_directory);
        if !is_directory || was_directory {
            return Ok(Now::AsAfter);
        }
        let mut left = vec![self.path.clone()];
        while let Some(directory) = left.pop() {
            for name in now.names(&directory)? {
                let path = directory.join(name);
                let Some(change) = find(all, &path).filter(|change| change.kind == Kind::Added)
                else {
                    return Ok(Now::ChangedSince);
                };
                if change.is_directory
                    && now.entry(&path)?.is_some_and(|entry| entry.is_directory())
                {
                    left.push(path);
                }
            }
        }
        Ok(Now::AsAfter)
    }
}

/// The change at a path, of changes sorted by path.
pub fn find<'c>(changes: &'c [Change], path: &Path) -> Option<&'c Change> {
    let place = changes.binary_search_by(|change| change.path.as_path().cmp(path)).ok()?;
    changes.get(place)
}
