//! The last link, kept apart from the log: it outlives the log's rotation, deletion and
//! replacement. It is written in place and not synced, so that after a power cut it may be older
//! than the log, or newer. So it says itself until where the log was on disk, and in which boot.

use crate::audit::record::Link;
use crate::system::state;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

const FILE: &str = "/var/lib/sm/audit.head";

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last record.
    #[serde(flatten)]
    pub link: Link,
    /// The last one that was synced: no power cut takes it, or one before it.
    pub synced: u64,
    /// In which boot that was ([`state::boot`]).
    pub boot: u64,
    /// The last checkpoint; 0 if there was none.
    #[serde(default)]
    pub signed: u64,
}

impl Head {
    /// Whether a log that ends with the record `end` lacks only what a power cut can have taken.
    pub fn may_have_lost(&self, end: u64, boot: u64) -> bool {
        self.boot != boot && end >= self.synced
    }
}

/// Opens it for writing: before a record is written, since afterwards it would be too late to
/// refuse the request.
///
/// # Errors
/// If others can change it.
pub fn open() -> io::Result<File> {
    state::open(FILE, state::Access::Write, 0o600, "root")
}

/// Reads it.
pub fn read(file: &File) -> Option<Head> {
    let mut text = [0; 1024];
    let count = file.read_at(&mut text, 0).ok()?;
    serde_json::from_slice(text.get(..count)?).ok()
}

/// Reads it without having it open, for who may only look.
pub fn kept() -> Option<Head> {
    let mut text = String::new();
    // Not blocking: a fifo put there must not hold anybody.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(FILE).ok()?;
    file.take(1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether there is none: who may not look does not know.
pub fn is_missing() -> bool {
    matches!(Path::new(FILE).try_exists(), Ok(false))
}

/// Writes it, in place.
///
/// # Errors
/// What the kernel says.
pub fn write(file: &File, head: &Head) -> io::Result<()> {
    let text = serde_json::to_string(head)?;
    // Always as long, so that an older, longer one leaves no rest.
    file.write_all_at(format!("{text:<255}\n").as_bytes(), 0)
}
