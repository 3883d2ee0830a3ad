//! The package manager's locks, held while files come back.

use crate::files::tree::Tree;
use crate::managers::lock::{Lock, Taken};
use crate::managers::manager::Manager;
use nix::libc;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// All of them; given back when it is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "they are held")] Vec<Taken>);

impl Held {
    /// Takes all locks of who changes packages; none if somebody else has one.
    pub fn take(manager: Manager) -> Option<Self> {
        let taken: Option<Vec<Taken>> =
            manager.locks(None).iter().copied().map(Lock::take).collect();
        taken.map(Self)
    }
}

/// Gives the files of locks the times that they had. They stay what they are: others wait for them.
pub fn with_their_times(manager: Manager, before: &Tree) {
    for lock in manager.territory().locks {
        let path = Path::new(lock.trim_start_matches('/'));
        let Ok(Some(entry)) = before.entry(path) else { continue };
        let (seconds, nanoseconds) = entry.mtime;
        let since = Duration::new(seconds.unsigned_abs(), nanoseconds);
        let mut options = OpenOptions::new();
        let file = options.write(true).custom_flags(libc::O_NOFOLLOW).open(lock);
        // Nothing depends on it.
        let _ = file.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH + since));
    }
}
