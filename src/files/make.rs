//! A file of a snapshot made anew, in a directory that only root can reach.
//!
//! What is made is only root's until it has its content. Then it gets its owner, its attributes
//! (`chown(2)` takes capabilities away, so they come behind it), its mode, and its times.

use crate::files::failed::{Cause, Failed};
use crate::files::tree::{Attributes, Entry, Tree, attributes_in, by_descriptor};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// A file of a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Original<'t> {
    /// The snapshot.
    pub tree: &'t Tree,
    /// Where in it.
    pub path: &'t Path,
    /// What is there.
    pub entry: &'t Entry,
}

/// Makes it under a name that is not taken. A directory stays empty and root's: [`give`] it the
/// rest once it is full.
///
/// The directory `into` must be one that only root can reach and change.
///
/// # Errors
/// What the kernel says, above all that the disk is full.
pub fn make(into: &OwnedFd, name: &OsStr, original: Original<'_>) -> Result<(), Failed> {
    let Original { tree, path, entry } = original;
    let at = |error: Errno| Cause::from(error).at(path);
    let private = Mode::RUSR | Mode::WUSR;
    match entry.kind {
        FileType::Directory => {
            return rustix::fs::mkdirat(into, name, private | Mode::XUSR).map_err(at);
        }
        FileType::RegularFile => {
            let source = tree.read(path, entry)?;
            let flags =
                OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
            let target = rustix::fs::openat(into, name, flags, private).map_err(at)?;
            copy(&source, &File::from(target), entry)
                .map_err(|error| Cause::System(error).at(path))?;
        }
        FileType::Symlink => {
            rustix::fs::symlinkat(tree.target(path)?, into, name).map_err(at)?;
        }
        kind => {
            let device = rustix::fs::makedev(entry.rdev.0, entry.rdev.1);
            rustix::fs::mknodat(into, name, kind, private, device).map_err(at)?;
        }
    }
    give(into, name, original)
}

/// The content: the same blocks on the disk if the file system can (`ioctl_ficlone(2)`), a copy if
/// it cannot, as between a file with checksums and one without.
fn copy(mut source: &File, mut target: &File, entry: &Entry) -> io::Result<()> {
    if entry.size == 0 {
        return Ok(());
    }
    match rustix::fs::ioctl_ficlone(target, source) {
        Ok(()) => Ok(()),
        Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::IO)) => Err(error.into()),
        Err(_) => io::copy(&mut source, &mut target).map(|_| ()),
    }
}

/// Gives a file the owner, the attributes, the mode and the times of the original.
///
/// The file is either in a directory that only root can reach, or a directory that is open itself:
/// its name is `.` then.
///
/// # Errors
/// What the kernel says; that it does not let an attribute be set or removed.
pub fn give(parent: &OwnedFd, name: &OsStr, original: Original<'_>) -> Result<(), Failed> {
    let Original { tree, path, entry } = original;
    let wanted = tree.attributes(path)?;
    let give = || {
        let nofollow = AtFlags::SYMLINK_NOFOLLOW;
        let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
        rustix::fs::chownat(parent, name, Some(uid), Some(gid), nofollow)?;
        give_attributes(parent, name, &wanted)?;
        if entry.kind != FileType::Symlink {
            let mode = Mode::from_raw_mode(entry.mode);
            rustix::fs::chmodat(parent, name, mode, AtFlags::empty())?;
        }
        give_times(parent, name, entry)
    };
    give().map_err(|cause: Cause| cause.at(path))
}

/// Gives a file the times of the last access and change that an entry has. As [`give`].
///
/// # Errors
/// What the kernel says.
pub fn give_times(parent: &OwnedFd, name: &OsStr, entry: &Entry) -> Result<(), Cause> {
    let time = |(tv_sec, nanoseconds): (i64, u32)| Timespec { tv_sec, tv_nsec: nanoseconds.into() };
    let times = Timestamps { last_access: time(entry.atime), last_modification: time(entry.mtime) };
    Ok(rustix::fs::utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Gives a file these attributes and no others: a new file can have some of the directory that it
/// was made in (`acl(5)`).
///
/// # Errors
/// The kernel does not let one that differs be set or removed.
pub fn give_attributes(parent: &OwnedFd, name: &OsStr, wanted: &Attributes) -> Result<(), Cause> {
    let present = attributes_in(parent, name)?;
    let path = by_descriptor(parent, name);
    let refused =
        |key: &OsStr, error: Errno| Cause::Attribute(key.display().to_string(), error.into());
    for key in present.keys().filter(|key| !wanted.contains_key(*key)) {
        match rustix::fs::lremovexattr(&path, key.as_os_str()) {
            // One of two access control lists can go with the other.
            Ok(()) | Err(Errno::NODATA) => {}
            Err(error) => return Err(refused(key, error)),
        }
    }
    for (key, value) in wanted.iter().filter(|(key, value)| present.get(*key) != Some(*value)) {
        rustix::fs::lsetxattr(&path, key.as_os_str(), value, XattrFlags::empty())
            .map_err(|error| refused(key, error))?;
    }
    Ok(())
}
