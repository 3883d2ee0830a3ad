//! Whether a path can be relied on: nobody but root can change what it leads to.

use crate::system::accounts;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::Uid;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows (`path_resolution(7)`).
const MOST_LINKS: u32 = 40;

/// A path that somebody other than root could change, or that leads nowhere: which component, and
/// why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Untrusted {
    text: String,
    is_missing: bool,
}

impl Untrusted {
    /// Whether there is nothing of that name, where only root could put something.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }
}

/// What a path has led to, held open: what was looked at is what is used.
#[derive(Debug)]
pub struct Found {
    /// The path, with no link in it.
    pub path: PathBuf,
    /// What is known of its end.
    pub data: Metadata,
    /// Its end, opened as a place alone (`O_PATH`, `open(2)`).
    pub place: File,
}

impl Found {
    /// The same file, open for reading.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn reader(&self) -> io::Result<File> {
        // Not blocking: nobody is waited for, whatever it is.
        let path = format!("/proc/self/fd/{}", self.place.as_raw_fd());
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
    }
}

/// Follows the path from the root of the file system, links resolved, and makes sure that every
/// component belongs to root and that nobody else can write to it. Gives the path without links
/// and what is known of its end.
///
/// A set of access control entries shows in the group bits of the mode (`acl(5)`), so it is seen.
///
/// # Errors
/// The component that is wrong.
pub fn trusted(path: &Path) -> Result<(PathBuf, Metadata), Untrusted> {
    trusted_with(path, None)
}

/// The same, where components may also belong to this account: the one of a service that gives
/// root's rights anyway.
///
/// # Errors
/// The component that is wrong.
pub fn trusted_with(path: &Path, also: Option<Uid>) -> Result<(PathBuf, Metadata), Untrusted> {
    let found = follow(path, also)?;
    Ok((found.path, found.data))
}

/// The same, with the end of the path held open. Each component is opened in the one before it, and
/// looked at when it is open: nothing that is put in its place later was looked at, or is used.
///
/// # Errors
/// The component that is wrong.
pub fn follow(path: &Path, also: Option<Uid>) -> Result<Found, Untrusted> {
    let mut left: VecDeque<OsString> = parts(path);
    let top = PathBuf::from("/");
    let (place, data) = looked_at(None, OsStr::new("/"), &top, also)?;
    let mut at = Found { path: top, data, place };
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        let next = match part == ".." {
            true => at.path.parent().unwrap_or(Path::new("/")).to_owned(),
            false => at.path.join(&part),
        };
        let (place, data) = looked_at(Some(&at.place), &part, &next, also)?;
        if !data.is_symlink() {
            at = Found { path: next, data, place };
            continue;
        }
        links += 1;
        let target = readlinkat(&place, "").map_err(|error| unread(&next, &error.into()))?;
        if links > MOST_LINKS {
            return Err(untrusted(&next, "is a link to a link, and so on without end"));
        }
        let target = PathBuf::from(target);
        if target.is_absolute() {
            let top = PathBuf::from("/");
            let (place, data) = looked_at(None, OsStr::new("/"), &top, also)?;
            at = Found { path: top, data, place };
        }
        for part in parts(&target).into_iter().rev() {
            left.push_front(part);
        }
    }
    Ok(at)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

/// Opens one component, without following it where it is a link. `path` is what it is called.
fn looked_at(
    folder: Option<&File>,
    name: &OsStr,
    path: &Path,
    also: Option<Uid>,
) -> Result<(File, Metadata), Untrusted> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = match folder {
        Some(folder) => openat(folder, name, flags, Mode::empty()),
        None => open(name, flags, Mode::empty()),
    };
    let place = File::from(opened.map_err(|error| unread(path, &error.into()))?);
    let data = place.metadata().map_err(|error| unread(path, &error))?;
    if data.uid() != 0 && Some(data.uid()) != also.map(Uid::as_raw) {
        let owner = accounts::User::from_uid(data.uid().into()).ok().flatten();
        let owner = owner.map_or_else(|| data.uid().to_string(), |user| user.name);
        return Err(untrusted(path, &format!("belongs to {owner}, not to root")));
    }
    // The mode of a link means nothing (symlink(7)).
    if !data.is_symlink() && data.mode() & 0o022 != 0 {
        let who = if data.mode() & 0o002 != 0 { "everybody" } else { "its group" };
        return Err(untrusted(
            path,
            &format!("can be written to by {who} (mode {:04o})", data.mode() & 0o7777),
        ));
    }
    Ok((place, data))
}

fn unread(path: &Path, error: &io::Error) -> Untrusted {
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    Untrusted { text: format!("{}: {error}", path.display()), is_missing }
}

fn untrusted(path: &Path, reason: &str) -> Untrusted {
    Untrusted { text: format!("{} {reason}", path.display()), is_missing: false }
}
