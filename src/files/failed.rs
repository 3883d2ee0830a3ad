//! Why files could not be compared or put back.

use crate::output::text;
use rustix::io::Errno;
use std::io;
use std::path::{Path, PathBuf};

/// What failed, and at which path. It is displayed as one plain sentence.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", shown(.path))]
pub struct Failed {
    /// The path, from the root of the tree. It is empty for the root, and for a whole stream.
    pub path: PathBuf,
    /// Why.
    pub cause: Cause,
}

/// Why something failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The kernel has refused it.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Below the tree's root, but a mount point or another subvolume.
    #[error("another file system or subvolume begins here")]
    AnotherFileSystem,
    /// It, or the directory that it is in, has the attribute `i` or `a` (`chattr(1)`).
    #[error("it is immutable or append-only: see lsattr")]
    Immutable,
    /// Another file has taken the place of the one that was looked at a moment ago.
    #[error("another file took its place meanwhile")]
    Replaced,
    /// A path that is not below a root: absolute, or with `..` in it.
    #[error("not a path below the root")]
    Path,
    /// An extended attribute that the kernel does not let us give to the new file.
    #[error("the extended attribute {0} cannot be set: {1}")]
    Attribute(String, io::Error),
    /// What `btrfs send` wrote is torn, or is not what it says it is.
    #[error("the send stream is wrong: {0}")]
    Stream(&'static str),
    /// More names than are kept in memory.
    #[error("too many names have changed")]
    TooMany,
}

impl Cause {
    /// This cause, at that path.
    pub fn at(self, path: impl AsRef<Path>) -> Failed {
        Failed { path: path.as_ref().to_owned(), cause: self }
    }

    /// Whether it says that nothing is there, or something else than was looked at: a link or a
    /// file in the place of a directory is not followed.
    pub fn is_absent(&self) -> bool {
        let absent = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP];
        matches!(self, Self::Replaced) || absent.into_iter().any(|error| self.is(error))
    }

    /// Whether it is this error of the kernel.
    pub fn is(&self, error: Errno) -> bool {
        matches!(self, Self::System(found) if found.raw_os_error() == Some(error.raw_os_error()))
    }
}

impl From<Errno> for Cause {
    fn from(error: Errno) -> Self {
        Self::System(error.into())
    }
}

fn shown(path: &Path) -> String {
    text::one_line(&format!("/{}", path.display()), 4200)
}
