//! Where files are made before they take their places: in each parent directory one that only
//! root can reach.
//!
//! A new file is renamed to its place, so it has to be on the same file system, and it is best made
//! in the same directory. Other accounts may own that directory: they could replace a file that
//! stands there with a name of its own. So they stand in a directory of mode 0700. Its name begins
//! with [`PREFIX`], and it has an attribute that only root can set (`trusted`, `xattr(7)`): by the
//! two we know what an attempt has left that was killed.

use crate::files::failed::{Cause, Failed};
use crate::files::make::give_times;
use crate::files::tree::{Entry, Tree, attributes_in, by_descriptor, names_in};
use rustix::fs::{AtFlags, Mode, XattrFlags};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How the name of each such directory begins.
pub const PREFIX: &str = ".sm-undo-";
/// The attribute that marks one.
const MARK: &str = "trusted.sm-undo";
/// So many stay open.
const OPEN: usize = 16;

/// All such directories of one attempt.
#[derive(Debug)]
pub struct Staging<'t> {
    now: &'t Tree,
    random: String,
    by_parent: BTreeMap<PathBuf, usize>,
    made: Vec<Made>,
    open: RefCell<VecDeque<(usize, Rc<Tree>)>>,
}

#[derive(Debug)]
struct Made {
    parent: PathBuf,
    ino: u64,
    items: usize,
}

/// A place in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    number: usize,
    /// From that directory.
    pub path: PathBuf,
}

impl Place {
    /// A place in the directory that is at this place.
    pub fn join(&self, name: &OsStr) -> Self {
        Self { number: self.number, path: self.path.join(name) }
    }
}

impl<'t> Staging<'t> {
    /// None yet, with a new name.
    pub fn new(now: &'t Tree) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self { now, random, by_parent: BTreeMap::new(), made: Vec::new(), open: RefCell::default() }
    }

    fn name(&self) -> OsString {
        OsString::from(format!("{PREFIX}{}", self.random))
    }

    /// A new place for a file whose own place is in this directory.
    ///
    /// # Errors
    /// What the kernel says; the directory is immutable.
    pub fn place(&mut self, parent: &Path) -> Result<Place, Failed> {
        let number = match self.by_parent.get(parent) {
            Some(number) => *number,
            None => self.make(parent).map_err(|cause| cause.at(parent))?,
        };
        self.made[number].items += 1;
        Ok(Place { number, path: self.made[number].items.to_string().into() })
    }

    fn make(&mut self, parent: &Path) -> Result<usize, Cause> {
        let fd = self.now.directory(parent)?;
        if self.now.entry_in(&fd, OsStr::new("."))?.is_immutable {
            return Err(Cause::Immutable);
        }
        let name = self.name();
        rustix::fs::mkdirat(&fd, &name, Mode::RWXU)?;
        // From here on it is removed with the others, whatever happens.
        let ino = self.now.entry_in(&fd, &name)?.ino;
        let number = self.made.len();
        self.made.push(Made { parent: parent.to_owned(), ino, items: 0 });
        self.by_parent.insert(parent.to_owned(), number);
        let own = self.open(number)?;
        // Its parent may hand on the bit for the group and an access control list, of which the mode
        // leaves nothing (the mask, `acl(5)`).
        rustix::fs::fchmod(&own, Mode::RWXU)?;
        let path = by_descriptor(&own, OsStr::new("."));
        rustix::fs::lsetxattr(&path, MARK, b"", XattrFlags::CREATE)?;
        Ok(number)
    }

    /// Opens one; it is an error if another directory stands in its place.
    fn open(&self, number: usize) -> Result<Rc<OwnedFd>, Cause> {
        let made = &self.made[number];
        let fd = self.now.directory(&made.parent.join(self.name()))?;
        let entry = self.now.entry_in(&fd, OsStr::new("."))?;
        if entry.ino != made.ino || entry.uid != 0 {
            return Err(Cause::Replaced);
        }
        Ok(fd)
    }

    /// The directory that a place is in, to reach it by [`Place::path`].
    ///
    /// # Errors
    /// What the kernel says; another directory stands in its place.
    pub fn tree(&self, place: &Place) -> Result<Rc<Tree>, Cause> {
        let mut open = self.open.borrow_mut();
        if let Some((_, tree)) = open.iter().find(|(number, _)| *number == place.number) {
            return Ok(Rc::clone(tree));
        }
        let tree = Rc::new(Tree::at(self.open(place.number)?)?);
        if open.len() == OPEN {
            open.pop_front();
        }
        open.push_back((place.number, Rc::clone(&tree)));
        Ok(tree)
    }

    /// Removes all of them with what is in them. One that somebody has moved away stays where it is,
    /// and only root can reach what is in it.
    ///
    /// # Errors
    /// The first thing that could not be removed; the others are.
    pub fn remove(&mut self) -> Result<(), Failed> {
        self.open.borrow_mut().clear();
        self.now.forget();
        let name = self.name();
        let mut result = Ok(());
        for (number, made) in self.made.iter().enumerate() {
            let remove = || {
                let own = self.open(number)?;
                remove_all(&*self.now.directory(&made.parent)?, &name, own)
            };
            match remove() {
                Err(cause) if !cause.is_absent() => {
                    result = result.and(Err(cause.at(&made.parent)));
                }
                _ => {}
            }
        }
        self.made.clear();
        self.by_parent.clear();
        self.now.forget();
        result
    }
}

/// Removes a directory, which is open as `own`, with all that is in it.
fn remove_all(parent: &OwnedFd, name: &OsStr, own: Rc<OwnedFd>) -> Result<(), Cause> {
    let tree = Tree::at(own)?;
    let mut paths = tree.below(Path::new("")).map_err(|failed| failed.cause)?;
    paths.sort();
    for path in paths.iter().rev() {
        let (parent, name) = tree.parent(path)?;
        match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR)?,
            other => other?,
        }
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

/// Removes what a killed attempt has left in a directory, which keeps its times. Nothing is done if
/// there is no such directory.
///
/// # Errors
/// What the kernel says.
pub fn remove_leftovers(now: &Tree, directory: &Path, times: &Entry) -> Result<(), Failed> {
    let remove = || {
        let parent = now.directory(directory)?;
        let mut has_any = false;
        for name in names_in(&parent)? {
            if !name.as_bytes().starts_with(PREFIX.as_bytes()) {
                continue;
            }
            has_any |= remove_leftover(now, &parent, directory, &name)?;
        }
        if has_any {
            now.forget();
            give_times(&parent, OsStr::new("."), times)?;
        }
        Ok(())
    };
    remove().map_err(|cause: Cause| cause.at(directory))
}

/// Removes it if it is one of ours: other accounts may give files such names.
fn remove_leftover(
    now: &Tree,
    parent: &OwnedFd,
    directory: &Path,
    name: &OsStr,
) -> Result<bool, Cause> {
    let path = directory.join(name);
    let is_directory =
        now.entry(&path).is_ok_and(|entry| entry.is_some_and(|it| it.is_directory()));
    let Some(own) = is_directory.then(|| now.directory(&path).ok()).flatten() else {
        return Ok(false);
    };
    if now.entry_in(&own, OsStr::new("."))?.uid != 0 {
        return Ok(false);
    }
    if attributes_in(&own, OsStr::new("."))?.contains_key(OsStr::new(MARK)) {
        remove_all(parent, name, own)?;
        return Ok(true);
    }
    // It was made a moment before we were killed, and is empty; or it is not ours.
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).is_ok())
}
