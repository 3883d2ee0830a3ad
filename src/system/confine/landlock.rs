//! Landlock (`landlock(7)`): where a process may write. What it may read and execute is not asked.

use crate::system::confine::calls::{self, open_place};
use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

/// The version from which on nothing of a file can be changed without a right to it: the one that knows of
/// truncation (Linux 6.2).
pub const SUFFICIENT: i32 = 3;

// `linux/landlock.h`.
const WRITE_FILE: u64 = 1 << 1;
const REMOVE_DIR: u64 = 1 << 4;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_CHAR: u64 = 1 << 6;
const MAKE_DIR: u64 = 1 << 7;
const MAKE_REG: u64 = 1 << 8;
const MAKE_SOCK: u64 = 1 << 9;
const MAKE_FIFO: u64 = 1 << 10;
const MAKE_BLOCK: u64 = 1 << 11;
const MAKE_SYM: u64 = 1 << 12;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;

const SCOPE_ABSTRACT_UNIX_SOCKET: u64 = 1 << 0;
const SCOPE_SIGNAL: u64 = 1 << 1;

/// What can be done to a folder, or to what is in it.
const WRITES: u64 = WRITE_FILE
    | REMOVE_DIR
    | REMOVE_FILE
    | MAKE_CHAR
    | MAKE_DIR
    | MAKE_REG
    | MAKE_SOCK
    | MAKE_FIFO
    | MAKE_BLOCK
    | MAKE_SYM
    | REFER
    | TRUNCATE
    | IOCTL_DEV;

/// What can be done to a file itself.
const OF_FILES: u64 = WRITE_FILE | TRUNCATE | IOCTL_DEV;

/// The rights that a version of Landlock knows.
fn known(version: i32) -> u64 {
    let newer = [(2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)];
    newer.into_iter().filter(|(since, _)| version < *since).fold(WRITES, |all, (_, one)| all & !one)
}

/// What of a process's reach out of itself a version knows.
fn scopes(version: i32) -> u64 {
    if version >= 6 { SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL } else { 0 }
}

/// A set of rules that allows nothing yet.
#[derive(Debug)]
pub struct Rules {
    rules: OwnedFd,
    rights: u64,
}

impl Rules {
    /// A new one.
    ///
    /// # Errors
    /// What the kernel says if it has none.
    pub fn new(is_apart: bool) -> Result<Self, Errno> {
        let version = calls::landlock_version()?;
        let rights = known(version);
        let scopes = if is_apart { scopes(version) } else { 0 };
        Ok(Self { rules: calls::landlock_ruleset(rights, scopes)?, rights })
    }

    /// Makes them hold for this process: it can write only these files, and below these folders. What is
    /// not there is left out.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn restrict<'p>(&self, writable: impl Iterator<Item = &'p CStr>) -> Result<(), Errno> {
        for path in writable {
            let Ok(place) = open_place(path) else { continue };
            let kind = fstat(&place)?.st_mode & SFlag::S_IFMT.bits();
            let rights = if kind == SFlag::S_IFDIR.bits() { WRITES } else { OF_FILES };
            let allowed =
                calls::landlock_allow(self.rules.as_fd(), place.as_fd(), rights & self.rights);
            // The process ends with its descriptors, or executes something, which closes them; to close
            // one of its own is no harm.
            drop(place);
            allowed?;
        }
        calls::landlock_restrict(self.rules.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_asked_for_what_it_knows() {
        assert_eq!(known(1) & (REFER | TRUNCATE | IOCTL_DEV), 0);
        assert_eq!(known(SUFFICIENT) & (REFER | TRUNCATE | IOCTL_DEV), REFER | TRUNCATE);
        assert_eq!(known(7), WRITES);
        assert_eq!((scopes(5), scopes(6)), (0, 3));
    }
}
