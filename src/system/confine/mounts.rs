//! A mount namespace in which some of the file system, or most of it, is read-only
//! (`mount_namespaces(7)`, `mount_setattr(2)`).

use crate::system::confine::calls::{self, open_place};
use nix::errno::Errno;
use nix::libc;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

/// What a process sees of the file system. What is not there is left out.
#[derive(Debug, Default)]
pub struct Mounts {
    /// The only files and folders that it can write; none: all.
    pub writable: Option<Vec<CString>>,
    /// The files and folders that it cannot write, also those below the ones that it can.
    pub read_only: Vec<CString>,
    /// Whether it has a `/tmp` of its own, which is empty and goes with it.
    pub own_temporary: bool,
}

/// The folder for temporary files.
const TEMPORARY: &CStr = c"/tmp";

/// The most files and folders that can be writable where nothing else is.
pub const MOST_WRITABLE: usize = 64;

impl Mounts {
    /// Goes into a namespace of its own that is so.
    ///
    /// # Errors
    /// What the kernel says. Then some of it may hold, but not all.
    pub fn apply(&self) -> Result<(), Errno> {
        calls::own_mounts()?;
        if let Some(paths) = &self.writable {
            // As they are now, also what is mounted below them.
            let mut trees = [const { None::<OwnedFd> }; MOST_WRITABLE];
            for (path, tree) in paths.iter().zip(&mut trees) {
                *tree = copy_of(path)?;
            }
            let all = open_place(c"/")?;
            calls::set_read_only(all.as_fd())?;
            for (path, tree) in paths.iter().zip(&trees) {
                if let Some(tree) = tree {
                    calls::mount_tree(tree.as_fd(), path)?;
                }
            }
        }
        for path in &self.read_only {
            // Each is mounted over itself when it cannot be written any more.
            if let Some(tree) = copy_of(path)? {
                calls::set_read_only(tree.as_fd())?;
                calls::mount_tree(tree.as_fd(), path)?;
            }
        }
        if self.own_temporary {
            let flags = libc::MS_NOSUID | libc::MS_NODEV;
            calls::mount(c"tmpfs", TEMPORARY, c"tmpfs", flags, c"mode=1777")?;
        }
        Ok(())
    }
}

/// What is mounted here; none if there is nothing here.
fn copy_of(path: &CStr) -> Result<Option<OwnedFd>, Errno> {
    match calls::copy_of_tree(path) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        tree => tree.map(Some),
    }
}
