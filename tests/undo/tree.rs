//! A host's files as they were at a moment, and what is different now.

use crate::host::Host;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What an undo leaves alone, whoever has changed it.
const STAYS: [&str; 17] = [
    "/.sm-snapshots",
    "/.snapshots",
    "/dev",
    "/etc/sm",
    "/home",
    "/media",
    "/mnt",
    "/proc",
    "/root",
    "/run",
    "/srv",
    "/sys",
    "/tmp",
    "/var/lib/sm",
    "/var/log",
    "/var/tmp",
    // Written by systemd about its own timers and clock, at any time.
    "/var/lib/systemd/timers",
];

/// The files of a host as they were: a snapshot that is the test's own.
pub struct Kept(PathBuf);

impl Kept {
    /// As they are now.
    pub fn now(host: &Host) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = format!("/srv/kept-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        host.root(&format!("sync -f /; btrfs subvolume snapshot -r / {path} && sync -f /")).ok();
        Self(path.into())
    }

    /// Panics if a file is another one: in type, mode, owner, time, size, content, link, device, names of the
    /// same inode, or extended attributes, which file capabilities and ACLs are.
    #[track_caller]
    pub fn assert_same(&self, host: &Host) {
        let found = self.differences(host);
        assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
    }

    /// What is different, one line each.
    pub fn differences(&self, host: &Host) -> Vec<String> {
        let (old, new) = (host.path(&self.0), host.path("/"));
        let mut compared = Compared { old, new, links: BTreeMap::new(), found: Vec::new() };
        compared.folder(Path::new("/"));
        compared.found
    }
}

struct Compared {
    old: PathBuf,
    new: PathBuf,
    /// Of files with several names, which inode has become which.
    links: BTreeMap<u64, u64>,
    found: Vec<String>,
}

impl Compared {
    fn folder(&mut self, folder: &Path) {
        let names = |root: &Path| -> BTreeSet<OsString> {
            let read = fs::read_dir(below(root, folder)).into_iter().flatten();
            read.map(|entry| entry.expect("an entry").file_name()).collect()
        };
        let (was, is) = (names(&self.old), names(&self.new));
        for name in was.union(&is) {
            let path = folder.join(name);
            if !STAYS.iter().any(|stays| path == Path::new(stays)) {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let (old, new) = (below(&self.old, path), below(&self.new, path));
        let (was, is) = match (fs::symlink_metadata(&old), fs::symlink_metadata(&new)) {
            (Ok(was), Ok(is)) => (was, is),
            (Ok(_), Err(_)) => return self.found.push(format!("{}: gone", path.display())),
            (Err(_), Ok(_)) => return self.found.push(format!("{}: new", path.display())),
            (Err(_), Err(_)) => return,
        };
        let (one, other) = (plain(&was), plain(&is));
        if one != other {
            self.found.push(format!("{}: {one:?} -> {other:?}", path.display()));
        }
        // A time of change that is the same says that nothing else is another one.
        let is_untouched =
            (was.ino(), was.ctime(), was.ctime_nsec()) == (is.ino(), is.ctime(), is.ctime_nsec());
        if !is_untouched {
            if attributes(&old) != attributes(&new) {
                self.found.push(format!("{}: other attributes", path.display()));
            }
            let is_same = match was.is_symlink() {
                true => fs::read_link(&old).ok() == fs::read_link(&new).ok(),
                false => !was.is_file() || fs::read(&old).ok() == fs::read(&new).ok(),
            };
            if !is_same {
                self.found.push(format!("{}: other content", path.display()));
            }
        }
        if was.is_dir() && is.is_dir() {
            self.folder(path);
        } else if was.nlink() > 1 && *self.links.entry(was.ino()).or_insert(is.ino()) != is.ino() {
            self.found.push(format!("{}: no longer the same file", path.display()));
        }
    }
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").expect("an absolute path"))
}

/// Mode with type, owner, group, time, size, device, names.
fn plain(found: &Metadata) -> (String, u32, u32, (i64, i64), u64, u64, u64) {
    let of_file = |value: u64| if found.is_dir() { 0 } else { value };
    let mode = format!("{:o}", found.mode());
    let time = (found.mtime(), found.mtime_nsec());
    let (size, links) = (of_file(found.size()), of_file(found.nlink()));
    (mode, found.uid(), found.gid(), time, size, found.rdev(), links)
}

fn attributes(path: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names).expect("the names of attributes");
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let value = |name: &[u8]| {
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value);
        value.truncate(length.expect("an attribute"));
        (OsStr::from_bytes(name).to_owned(), value)
    };
    names.map(value).collect()
}
