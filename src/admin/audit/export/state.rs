//! Up to where records were written, in a small file that outlasts this process.

use crate::admin::answer::Failure;
use crate::audit::record::Link;
use crate::request::code::{Code, Refusal};
use crate::system::{file, state};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The last record that was written, and that whoever reads a pipe has taken.
    #[serde(flatten)]
    pub last: Link,
    /// As long as there is none: from which time on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<String>,
    /// If the output is a file: which one, and how long it was then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<Place>,
}

/// A file and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub device: u64,
    pub inode: u64,
    pub bytes: u64,
}

/// The file of a state, which nobody else uses meanwhile.
pub struct StateFile {
    path: PathBuf,
    _lock: File,
}

impl StateFile {
    /// Takes the file for this process alone. Gives what is in it, if it is there.
    ///
    /// # Errors
    /// `busy` if another export uses it, `usage` if it holds something else.
    pub fn open(path: &Path) -> Result<(Self, Option<State>), Failure> {
        /// The longest state, in bytes.
        const LONGEST: u64 = 4096;
        let failed = |error: io::Error| wrong(path, &format!("cannot be used: {error}"));
        let path = std::path::absolute(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK)
            .open(beside(&path, ".lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("another export uses the state {}", path.display());
                let hint = "give each its own --state";
                return Err(Refusal::new(Code::Busy, what).hint(hint).into());
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = String::new();
        let read = file::open(&path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
        let state = match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
            Ok(_) => match serde_json::from_str(&text) {
                Ok(state) => Some(state),
                Err(_) => return Err(wrong(&path, "is not the state of an export")),
            },
        };
        Ok((Self { path, _lock: lock }, state))
    }

    /// Puts a new state in the place of the old one, on disk.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn put(&self, state: &State) -> io::Result<()> {
        let mut text = serde_json::to_string(state)?;
        text.push('\n');
        state::put(&self.path, &beside(&self.path, ".new"), text.as_bytes(), 0o600)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn wrong(path: &Path, what: &str) -> Failure {
    Refusal::new(Code::Usage, format!("--state {} {what}", path.display()))
        .hint("give a file that only this export writes, in a folder that only you can change, such as /var/lib/sm/export.state")
        .into()
}
