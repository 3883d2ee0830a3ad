//! Files put back as a snapshot has them.
//!
//! It is done in two parts. First everything is made anew beside its place, see [`staging`]; a
//! directory that is gone is made there with all that was in it. If anything of it fails, such as a
//! full disk, all of it is removed again, and nothing else has changed. Then it only takes its
//! places, what the operation added is removed, and directories get their owner, mode and times.
//!
//! If we are killed on the way, the same changes can be restored again, which does the rest.
//!
//! The times of directories: one that is among the changes gets those that it had before the
//! operation. The others in which something was put back keep those that they had when we began,
//! even if somebody else has put something into them meanwhile.
//!
//! [`staging`]: crate::files::staging

use crate::files::changes::{Change, Kind, Now, find};
use crate::files::compare::{Found, is_same};
use crate::files::failed::{Cause, Failed};
use crate::files::make::{self, Original};
use crate::files::staging::{self, Place, Staging};
use crate::files::tree::{Entry, Tree};
use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// How many paths are as before now and were not when we began: put back, removed, or a
    /// directory with its owner and mode. Directories that only got their times are not counted.
    pub files: usize,
    /// What somebody has changed since the operation, and so was left alone; sorted.
    pub skipped: Vec<PathBuf>,
}

/// Makes the live system as it was before the operation, for these changes, which must be sorted by
/// path. What has [changed since](Now::ChangedSince) is skipped, also if that happens meanwhile.
///
/// Files are never written to: a new one takes the place, with content, owner, mode, times,
/// attributes, and the names that it had in common with others. No link on the way is followed.
///
/// # Errors
/// The first thing that failed. Until everything is made, nothing has changed then; an error while
/// files take their places leaves the rest undone, and can be followed by another attempt.
pub fn restore(
    now: &Tree,
    before: &Tree,
    after: &Tree,
    changes: &[Change],
) -> Result<Restored, Failed> {
    let mut work = Work::new(now, before, after, changes);
    if let Err(failed) = work.prepare() {
        // The first error is what is to be told.
        let _ = work.staging.remove();
        work.give_back_times();
        return Err(failed);
    }
    let carried_out = work.carry_out();
    let removed = work.staging.remove();
    let directories = carried_out.and_then(|()| work.give_directories());
    work.give_back_times();
    let synced = rustix::fs::syncfs(now.root()).map_err(|error| Cause::from(error).at(""));
    directories.and(removed).and(synced)?;
    Ok(work.into_restored())
}

/// A file that was made, and is to take its place.
struct Put<'c> {
    path: &'c Path,
    place: Place,
    /// What is there now.
    seen: Option<Entry>,
}

/// What has to be done, and what was done of it.
struct Work<'w> {
    now: &'w Tree,
    before: &'w Tree,
    after: &'w Tree,
    changes: &'w [Change],
    staging: Staging<'w>,
    /// New files, by path.
    puts: Vec<Put<'w>>,
    /// What the operation added.
    removals: Vec<(&'w Path, Entry)>,
    /// Directories that stay.
    directories: Vec<(&'w Change, Entry)>,
    /// Directories that come back, and where they are made.
    made: BTreeMap<&'w Path, Place>,
    /// Where there is one name of an inode that has several in `before`.
    links: HashMap<u64, Link>,
    /// Parent directories as they are when we begin.
    parents: BTreeMap<PathBuf, Entry>,
    skipped: BTreeSet<PathBuf>,
    files: usize,
}

/// A name that another name of the same file can be made of.
#[derive(Clone)]
enum Link {
    Made(Place),
    Live(PathBuf, u64),
}

impl<'w> Work<'w> {
    fn new(now: &'w Tree, before: &'w Tree, after: &'w Tree, changes: &'w [Change]) -> Self {
        now.forget();
        Self {
            now,
            before,
            after,
            changes,
            staging: Staging::new(now),
            puts: Vec::new(),
            removals: Vec::new(),
            directories: Vec::new(),
            made: BTreeMap::new(),
            links: HashMap::new(),
            parents: BTreeMap::new(),
            skipped: BTreeSet::new(),
            files: 0,
        }
    }

    /// The first part: makes everything, and changes nothing that is there.
    fn prepare(&mut self) -> Result<(), Failed> {
        self.remember_parents()?;
        for change in self.changes {
            self.prepare_one(change)?;
        }
        // A directory's times are right only after all that is in it was made.
        for (path, place) in self.made.iter().rev() {
            if let Some(original) = original(self.before, find(self.changes, path)) {
                let own = self.staging.tree(place).and_then(|tree| tree.directory(&place.path));
                let own = own.map_err(|cause| cause.at(path))?;
                make::give(&own, OsStr::new("."), original)?;
            }
        }
        rustix::fs::syncfs(self.now.root()).map_err(|error| Cause::from(error).at(""))
    }

    /// Looks at the directories in which something may change, and removes what an earlier attempt
    /// has left in them.
    fn remember_parents(&mut self) -> Result<(), Failed> {
        for parent in self.changes.iter().filter_map(|change| change.path.parent()) {
            if self.parents.contains_key(parent) {
                continue;
            }
            let Some(entry) = self.now.entry(parent)?.filter(Entry::is_directory) else { continue };
            staging::remove_leftovers(self.now, parent, &entry)?;
            self.parents.insert(parent.to_owned(), entry);
        }
        Ok(())
    }

    fn prepare_one(&mut self, change: &'w Change) -> Result<(), Failed> {
        let (standing, live) = change.look(self.now, self.before, self.after, self.changes)?;
        match (standing, &change.before, live) {
            (Now::ChangedSince, _, _) => self.skip(&change.path),
            // Also if it is already as before: we may have been killed before it got its times.
            (_, Some(before), Some(live)) if before.is_directory() && live.is_directory() => {
                changeable(&change.path, &live)?;
                self.directories.push((change, live));
            }
            (Now::AsBefore, _, _) | (_, None, None) => {}
            (Now::AsAfter, None, Some(live)) => {
                changeable(&change.path, &live)?;
                if let Some(parent) = change.path.parent().and_then(|path| self.parents.get(path)) {
                    changeable(&change.path, parent)?;
                }
                self.removals.push((&change.path, live));
            }
            (Now::AsAfter, Some(before), live) => {
                if let Some(live) = &live {
                    changeable(&change.path, live)?;
                }
                self.make(Original { tree: self.before, path: &change.path, entry: before }, live)?;
            }
        }
        Ok(())
    }

    fn skip(&mut self, path: &Path) {
        self.skipped.insert(path.to_owned());
    }

    /// Makes a file in the directory that comes back, or in a place of its own.
    fn make(&mut self, original: Original<'w>, seen: Option<Entry>) -> Result<(), Failed> {
        let path = original.path;
        let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
        let place = match (self.made.get(parent), name) {
            (Some(place), Some(name)) => place.join(name),
            _ if self.skipped.iter().any(|skipped| path.starts_with(skipped)) => {
                self.skip(path);
                return Ok(());
            }
            _ => {
                let place = self.staging.place(parent)?;
                self.puts.push(Put { path, place: place.clone(), seen });
                place
            }
        };
        self.make_at(&place, original)?;
        self.files += 1;
        if original.entry.is_directory() {
            self.made.insert(path, place);
        }
        Ok(())
    }

    fn make_at(&mut self, place: &Place, original: Original<'w>) -> Result<(), Failed> {
        let at = |cause: Cause| cause.at(original.path);
        let tree = self.staging.tree(place).map_err(at)?;
        let (parent, name) = tree.parent(&place.path).map_err(at)?;
        if original.entry.is_directory() || original.entry.nlink < 2 {
            return make::make(&parent, name, original);
        }
        let ino = original.entry.ino;
        let link = match self.links.get(&ino) {
            Some(link) => Some(link.clone()),
            None => self.live_link(original)?,
        };
        match link {
            Some(link) => self.link(&link, &tree, place).map_err(at)?,
            None => make::make(&parent, name, original)?,
        }
        self.links.entry(ino).or_insert_with(|| Link::Made(place.clone()));
        Ok(())
    }

    /// A name of the same file that is live still, or again, as it was before the operation.
    fn live_link(&self, original: Original<'_>) -> Result<Option<Link>, Failed> {
        for path in self.before.links(original.path, original.entry)? {
            let (Some(live), Some(entry)) = (self.now.entry(&path)?, self.before.entry(&path)?)
            else {
                continue;
            };
            let change = find(self.changes, &path);
            let is_ours = match change {
                None => live.ino == entry.ino,
                Some(change) => {
                    let (now, before, after) = (self.now, self.before, self.after);
                    change.standing(now, before, after, self.changes)? == Now::AsBefore
                }
            };
            let there = Found { tree: self.now, entry: &live };
            match is_same(&path, there, Found { tree: self.before, entry: &entry }) {
                Ok(true) if is_ours => return Ok(Some(Link::Live(path, live.ino))),
                // Somebody is changing it at this moment.
                Err(failed) if !failed.cause.is_absent() => return Err(failed),
                _ => {}
            }
        }
        Ok(None)
    }

    fn link(&self, link: &Link, into: &Rc<Tree>, place: &Place) -> Result<(), Cause> {
        let (tree, path) = match link {
            Link::Made(other) => (self.staging.tree(other)?, other.path.as_path()),
            Link::Live(path, _) => {
                (Rc::new(Tree::at(self.now.directory(Path::new(""))?)?), &**path)
            }
        };
        let (from, old) = tree.parent(path)?;
        let (to, new) = into.parent(&place.path)?;
        rustix::fs::linkat(&from, old, &to, new, AtFlags::empty())?;
        match link {
            Link::Live(_, ino) if into.entry_in(&to, new)?.ino != *ino => Err(Cause::Replaced),
            _ => Ok(()),
        }
    }

    /// The second part: everything takes its place.
    fn carry_out(&mut self) -> Result<(), Failed> {
        let is_below_a_put = |path: &Path, puts: &[Put<'_>]| {
            path.ancestors()
                .skip(1)
                .any(|above| puts.binary_search_by(|put| put.path.cmp(above)).is_ok())
        };
        let removals = std::mem::take(&mut self.removals);
        let puts = std::mem::take(&mut self.puts);
        // What is in a directory that a file replaces goes first; all else only when the old files
        // are back. Behind a directory comes what is in it, so backwards.
        let (first, last): (Vec<_>, Vec<_>) =
            removals.iter().rev().partition(|(path, _)| is_below_a_put(path, &puts));
        for (path, seen) in first {
            self.remove(path, seen)?;
        }
        for put in &puts {
            let is_put = self.put(put).map_err(|cause| cause.at(put.path))?;
            if !is_put {
                self.skip_all(put.path);
            }
        }
        for (path, seen) in last {
            self.remove(path, seen)?;
        }
        Ok(())
    }

    /// A directory that does not come back, and what was to be in it.
    fn skip_all(&mut self, path: &Path) {
        let below = self.changes.iter().filter(|change| change.path.starts_with(path));
        let below: Vec<PathBuf> = below
            .filter(|change| change.path == path || self.made.contains_key(path))
            .map(|change| change.path.clone())
            .collect();
        self.files = self.files.saturating_sub(below.len());
        self.skipped.extend(below);
    }

    /// Removes what the operation added, if it is what it was when we looked.
    fn remove(&mut self, path: &Path, seen: &Entry) -> Result<(), Failed> {
        let remove = || {
            let (parent, name) = self.now.parent(path)?;
            if !is_as_seen(&self.now.entry_in(&parent, name)?, seen) {
                return Err(Errno::EXIST.into());
            }
            let flags = if seen.is_directory() { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            Ok(rustix::fs::unlinkat(&parent, name, flags)?)
        };
        match remove() {
            Ok(()) => self.files += 1,
            Err(cause) if is_of_others(&cause) => self.skip(path),
            Err(cause) => return Err(cause.at(path)),
        }
        Ok(())
    }

    /// Lets a file take its place, and says whether it has. It has not if there is something else
    /// in its place than when we looked.
    fn put(&self, put: &Put<'_>) -> Result<bool, Cause> {
        let (parent, name) = match self.now.parent(put.path) {
            Err(cause) if is_of_others(&cause) => return Ok(false),
            other => other?,
        };
        let tree = match self.staging.tree(&put.place) {
            Err(cause) if is_of_others(&cause) => return Ok(false),
            other => other?,
        };
        let (from, own) = tree.parent(&put.place.path)?;
        let rename = |flags| rustix::fs::renameat_with(&from, own, &parent, name, flags);
        let Some(seen) = &put.seen else {
            return done(rename(RenameFlags::NOREPLACE).map_err(Cause::from));
        };
        match self.now.entry_in(&parent, name) {
            Ok(entry) if is_as_seen(&entry, seen) => {}
            Ok(_) => return Ok(false),
            Err(cause) => return done(Err(cause)),
        }
        // They change places, so that we can look at what we got: what is removed then is what we
        // have looked at, whoever was faster.
        if !done(rename(RenameFlags::EXCHANGE).map_err(Cause::from))? {
            return Ok(false);
        }
        let flags = if seen.is_directory() { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        let is_old = is_alike(&tree.entry_in(&from, own)?, seen);
        if is_old && done(rustix::fs::unlinkat(&from, own, flags).map_err(Cause::from))? {
            return Ok(true);
        }
        // It was not: back with it, also if nothing stands in its place any more.
        rename(RenameFlags::EXCHANGE).or_else(|_| rename(RenameFlags::NOREPLACE))?;
        Ok(false)
    }

    /// Gives directories that were there all the time their owner, mode, attributes and times.
    fn give_directories(&mut self) -> Result<(), Failed> {
        for (change, seen) in std::mem::take(&mut self.directories).into_iter().rev() {
            let Some(original) = original(self.before, Some(change)) else { continue };
            let at = |cause: Cause| cause.at(&change.path);
            let own = self.now.directory(&change.path);
            let is_seen = own.as_ref().is_ok_and(|own| {
                self.now.entry_in(own, OsStr::new(".")).is_ok_and(|entry| entry.ino == seen.ino)
            });
            let Some(own) = own.ok().filter(|_| is_seen) else {
                self.skip(&change.path);
                continue;
            };
            self.parents.remove(&change.path);
            if change.kind == Kind::Times {
                make::give_times(&own, OsStr::new("."), original.entry).map_err(at)?;
            } else {
                make::give(&own, OsStr::new("."), original)?;
                self.files += 1;
            }
        }
        Ok(())
    }

    /// Gives the other parent directories the times that they had. Whoever has removed or replaced
    /// one meanwhile has changed its times anyway.
    fn give_back_times(&self) {
        for (path, seen) in self.parents.iter().rev() {
            let Ok(own) = self.now.directory(path) else { continue };
            let name = OsStr::new(".");
            let is_changed = self.now.entry_in(&own, name).is_ok_and(|entry| {
                entry.ino == seen.ino && (entry.mtime, entry.atime) != (seen.mtime, seen.atime)
            });
            if is_changed {
                let _ = make::give_times(&own, name, seen);
            }
        }
    }

    fn into_restored(self) -> Restored {
        Restored { files: self.files, skipped: self.skipped.into_iter().collect() }
    }
}

/// What a change has to come back to.
fn original<'t>(before: &'t Tree, change: Option<&'t Change>) -> Option<Original<'t>> {
    let change = change?;
    Some(Original { tree: before, path: &change.path, entry: change.before.as_ref()? })
}

/// Before anything has changed, since nothing could be renamed to it or away from it.
fn changeable(path: &Path, entry: &Entry) -> Result<(), Failed> {
    if entry.is_immutable { Err(Cause::Immutable.at(path)) } else { Ok(()) }
}

/// Whether it is what we have looked at. What is done to one name of a file that has several
/// changes the time of the inode.
fn is_as_seen(entry: &Entry, seen: &Entry) -> bool {
    let has_one_name = entry.nlink == 1 && seen.nlink == 1 && !seen.is_directory();
    is_alike(entry, seen) && (!has_one_name || entry.ctime == seen.ctime)
}

/// The same without the time of the inode, which a rename changes.
fn is_alike(entry: &Entry, seen: &Entry) -> bool {
    let content = |entry: &Entry| (!entry.is_directory()).then_some((entry.size, entry.mtime));
    let of = |entry: &Entry| (entry.ino, entry.kind, entry.mode, entry.uid, entry.gid);
    of(entry) == of(seen) && content(entry) == content(seen)
}

/// Whether an error says that somebody else has been there since we looked.
fn is_of_others(cause: &Cause) -> bool {
    let others = [Errno::EXIST, Errno::NOTEMPTY, Errno::ISDIR];
    cause.is_absent() || others.into_iter().any(|error| cause.is(error))
}

fn done(result: Result<(), Cause>) -> Result<bool, Cause> {
    match result {
        Err(cause) if is_of_others(&cause) => Ok(false),
        other => other.map(|()| true),
    }
}
