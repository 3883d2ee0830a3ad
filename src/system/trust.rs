//! Whether a path can be relied on: nobody but root can change what it leads to.

use nix::unistd::Uid;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows (`path_resolution(7)`).
const MOST_LINKS: u32 = 40;

/// A path that somebody other than root could change, or that leads nowhere: which component, and
/// why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Untrusted(String);

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
    let looked_at = |path: &Path| looked_at(path, also);
    let mut left: VecDeque<OsString> = parts(path);
    let mut real = PathBuf::from("/");
    let mut data = looked_at(&real)?;
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        if part == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&part);
        let found = looked_at(&next)?;
        if found.is_symlink() {
            links += 1;
            let target = std::fs::read_link(&next).map_err(|error| unread(&next, &error))?;
            if links > MOST_LINKS {
                return Err(untrusted(&next, "is a link to a link, and so on without end"));
            }
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            for part in parts(&target).into_iter().rev() {
                left.push_front(part);
            }
            continue;
        }
        real = next;
        data = found;
    }
    Ok((real, data))
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

fn looked_at(path: &Path, also: Option<Uid>) -> Result<Metadata, Untrusted> {
    let data = std::fs::symlink_metadata(path).map_err(|error| unread(path, &error))?;
    if data.uid() != 0 && Some(data.uid()) != also.map(Uid::as_raw) {
        let owner = nix::unistd::User::from_uid(data.uid().into()).ok().flatten();
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
    Ok(data)
}

fn unread(path: &Path, error: &io::Error) -> Untrusted {
    Untrusted(format!("{}: {error}", path.display()))
}

fn untrusted(path: &Path, reason: &str) -> Untrusted {
    Untrusted(format!("{} {reason}", path.display()))
}
