//! Snapshots by `btrfs-subvolume(8)`, in a folder of this program's own.

use crate::managers::argv::{Argv, PLAIN_TEXT};
use crate::managers::confinement::Confinement;
use crate::managers::snapshots::snapshot::CHANGES;
use std::path::Path;

/// `btrfs(8)`.
pub const PROGRAM: &str = "/usr/bin/btrfs";

/// A subvolume of its own, so that no snapshot has it in it.
pub const FOLDER: &str = "/.sm-snapshots";

/// Makes that folder.
pub fn make_folder() -> Argv {
    btrfs(&["subvolume", "create", FOLDER])
}

/// Takes a snapshot that nobody can write.
pub fn snapshot(number: &str) -> Argv {
    btrfs(&["subvolume", "snapshot", "-r", "/", &place(number)])
}

/// Takes one away.
pub fn delete(number: &str) -> Argv {
    btrfs(&["subvolume", "delete", &place(number)])
}

/// Writes what differs between two of them, without what is in the files (`btrfs-send(8)`).
pub fn send(before: &Path, after: &Path) -> Argv {
    let (before, after) = (before.to_string_lossy(), after.to_string_lossy());
    btrfs(&["send", "--quiet", "--no-data", "-p", &before, "-f", CHANGES, &after])
}

fn place(number: &str) -> String {
    format!("{FOLDER}/{number}")
}

fn btrfs(words: &[&str]) -> Argv {
    Argv::new(&[&[PROGRAM], words].concat(), PLAIN_TEXT, Confinement::Snapshots)
}
