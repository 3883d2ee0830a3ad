//! The package manager's locks, held while files come back.

use crate::files::tree::Tree;
use crate::managers::lock::{Lock, Taken};
use crate::managers::manager::Manager;
use nix::libc;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// All of them; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    taken: Vec<Taken>,
    folders: Vec<Folder>,
}

/// A folder in which there is a lock, and when it was changed before and after that was taken: to take it and to
/// give it back leaves no trace.
#[derive(Debug)]
struct Folder {
    file: File,
    before: Option<SystemTime>,
    after: Option<SystemTime>,
}

impl Held {
    /// Takes all locks of who changes packages; none if somebody else has one.
    pub fn take(manager: Manager) -> Option<Self> {
        let locks = manager.territory().locks.iter();
        let files = locks.filter_map(|lock| File::open(Path::new(lock).parent()?).ok());
        let folder = |file| Folder { before: changed(&file), after: None, file };
        let mut folders: Vec<Folder> = files.map(folder).collect();
        let taken: Option<Vec<Taken>> =
            manager.locks(None).iter().copied().map(Lock::take).collect();
        folders.iter_mut().for_each(|folder| folder.after = changed(&folder.file));
        Some(Self { taken: taken?, folders })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What has come back meanwhile has brought the folder's own time along.
        let since = self.folders.iter().map(|folder| {
            let now = changed(&folder.file);
            if now == folder.after { folder.before } else { now }
        });
        let since: Vec<Option<SystemTime>> = since.collect();
        self.taken.clear();
        for (folder, time) in self.folders.iter().zip(since) {
            if let Some(time) = time.filter(|time| changed(&folder.file) != Some(*time)) {
                // Nothing depends on it.
                let _ = folder.file.set_modified(time);
            }
        }
    }
}

fn changed(folder: &File) -> Option<SystemTime> {
    folder.metadata().and_then(|found| found.modified()).ok()
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
