//! Whether an account can change what a path leads to: by owners, modes and access control lists,
//! on the whole way to it.

use crate::admin::risks::acl::Acl;
use crate::system::kernel;
use std::collections::VecDeque;
use std::ffi::{CString, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows (`path_resolution(7)`).
const MOST_LINKS: u32 = 40;

/// The bits of a permission, as in a mode.
const WRITE: u32 = 0o2;
const SEARCH: u32 = 0o1;

/// Who an account is to the kernel: not root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    /// All groups that it is in.
    pub groups: Vec<u32>,
}

impl Account {
    /// What of the path the account can change so that the path leads to what the account likes:
    /// its end, or the folder in which it can put another one in its place. None if it can do
    /// neither, or if that cannot be seen.
    pub fn can_change(&self, path: &Path) -> Option<PathBuf> {
        let mut left: VecDeque<OsString> = parts(path);
        let mut at = PathBuf::from("/");
        let mut folder = fs::symlink_metadata(&at).ok()?;
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            if !folder.is_dir() || !self.may(&at, &folder, SEARCH) {
                return None;
            }
            if part == ".." {
                at = at.parent().unwrap_or(Path::new("/")).to_owned();
                folder = fs::symlink_metadata(&at).ok()?;
                continue;
            }
            let next = at.join(&part);
            let is_open = self.may(&at, &folder, WRITE);
            let data = match fs::symlink_metadata(&next) {
                Ok(data) => data,
                // It can be made there.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return is_open.then_some(at);
                }
                Err(_) => return None,
            };
            // In a folder with the sticky bit one renames only what is one's own (inode(7)).
            let is_sticky = folder.mode() & 0o1000 != 0;
            if is_open && (!is_sticky || [folder.uid(), data.uid()].contains(&self.uid)) {
                return Some(at);
            }
            if data.is_symlink() {
                links += 1;
                let target = fs::read_link(&next).ok().filter(|_| links <= MOST_LINKS)?;
                for part in parts(&target).into_iter().rev() {
                    left.push_front(part);
                }
                if target.is_absolute() {
                    at = PathBuf::from("/");
                    folder = fs::symlink_metadata(&at).ok()?;
                }
                continue;
            }
            (at, folder) = (next, data);
        }
        // What is written to a device stays in no file.
        let keeps = folder.is_file() || folder.is_dir();
        (keeps && self.may(&at, &folder, WRITE)).then_some(at)
    }

    /// Whether it has this permission, or can give it to itself: an owner changes the mode.
    fn may(&self, path: &Path, data: &Metadata, bit: u32) -> bool {
        if data.uid() == self.uid {
            return true;
        }
        match acl(path) {
            Some(acl) => acl.allows(self.uid, &self.groups, data.gid(), bit),
            None if self.groups.contains(&data.gid()) => data.mode() >> 3 & bit != 0,
            None => data.mode() & bit != 0,
        }
    }
}

fn acl(path: &Path) -> Option<Acl> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    Acl::parse(&kernel::attribute(&path, c"system.posix_acl_access")?)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |component: Component<'_>| match component {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().filter_map(part).collect()
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
