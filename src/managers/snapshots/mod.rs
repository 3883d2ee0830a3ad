//! What takes snapshots of the root file system: snapper where it is set up, else btrfs itself.

mod btrfs;
mod snapper;
mod snapshot;

use crate::managers::argv::Argv;
pub use crate::managers::snapshots::snapshot::{CHANGES, Listed, Moment};
use nix::sys::statfs::{BTRFS_SUPER_MAGIC, statfs};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The inode number of a subvolume's root (`BTRFS_FIRST_FREE_OBJECTID`).
pub const SUBVOLUME: u64 = 256;

/// What takes snapshots here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snapshotter {
    /// `snapper(8)`, with the configuration of this name for `/`.
    Snapper(String),
    /// `btrfs-subvolume(8)`.
    Btrfs,
}

/// Why there can be no snapshots here, and what would change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible {
    /// Why.
    pub reason: String,
    /// What to do.
    pub hint: &'static str,
}

impl Snapshotter {
    /// What takes them on this host.
    ///
    /// # Errors
    /// Why nothing can.
    pub fn here() -> Result<Self, Impossible> {
        let impossible = |reason: String, hint| Err(Impossible { reason, hint });
        if !statfs("/").is_ok_and(|found| found.filesystem_type() == BTRFS_SUPER_MAGIC) {
            return impossible(
                format!("the root file system is {} and not btrfs", kind_of_root()),
                "snapshots need a root file system of btrfs; without one, an upgrade can be undone by the versions that it replaced",
            );
        }
        if !fs::metadata("/").is_ok_and(|root| root.ino() == SUBVOLUME) {
            return impossible(
                "the root is a folder of a btrfs file system and no subvolume".to_owned(),
                "a snapshot is one of a subvolume: install the host into one, as distributions do (@)",
            );
        }
        if let Some(config) = snapper::config() {
            return Ok(Self::Snapper(config));
        }
        if !Path::new(btrfs::PROGRAM).exists() {
            return impossible(
                format!("there is no {}", btrfs::PROGRAM),
                "install it: apt-get install btrfs-progs, or: pacman -S btrfs-progs",
            );
        }
        Ok(Self::Btrfs)
    }

    /// Its name in a record.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Snapper(_) => "snapper",
            Self::Btrfs => "btrfs",
        }
    }

    /// The folder that has all snapshots, which only root can look into.
    pub fn folder(&self) -> &'static str {
        match self {
            Self::Snapper(_) => snapper::FOLDER,
            Self::Btrfs => btrfs::FOLDER,
        }
    }

    /// Where a snapshot is.
    pub fn path(&self, number: &str) -> PathBuf {
        match self {
            Self::Snapper(_) => Path::new(snapper::FOLDER).join(number).join("snapshot"),
            Self::Btrfs => Path::new(btrfs::FOLDER).join(number),
        }
    }

    /// What tells a snapshot from a later one that has its number: the number of the file or folder that is kept
    /// with it, which btrfs gives to no other one. None if there is no such snapshot.
    pub fn mark(&self, number: u64) -> Option<u64> {
        let kept = match self {
            Self::Snapper(_) => Path::new(snapper::FOLDER).join(number.to_string()),
            Self::Btrfs => self.description(number),
        };
        let is_there = self.path(&number.to_string()).is_dir();
        fs::symlink_metadata(kept).ok().filter(|_| is_there).map(|found| found.ino())
    }

    /// What is written down of a snapshot, where that is left to this program.
    pub fn description(&self, number: u64) -> PathBuf {
        Path::new(self.folder()).join(format!("{number}.json"))
    }

    /// Makes the folder, where that is left to this program.
    pub fn make_folder(&self) -> Option<Argv> {
        match self {
            Self::Snapper(_) => None,
            Self::Btrfs => Some(btrfs::make_folder()),
        }
    }

    /// Takes one. `number` is that of the new one if this program counts them; snapper counts itself, and
    /// prints it.
    pub fn take(&self, moment: Moment<'_>, request_id: &str, number: &str) -> Argv {
        match self {
            Self::Snapper(config) => snapper::create(config, moment, request_id),
            Self::Btrfs => btrfs::snapshot(number),
        }
    }

    /// Whether it counts the snapshots itself.
    pub fn counts(&self) -> bool {
        matches!(self, Self::Snapper(_))
    }

    /// Takes one away.
    pub fn delete(&self, number: &str) -> Argv {
        match self {
            Self::Snapper(config) => snapper::delete(config, number),
            Self::Btrfs => btrfs::delete(number),
        }
    }

    /// Lists all of them, with whom they are from.
    pub fn list(&self) -> Option<Argv> {
        match self {
            Self::Snapper(config) => Some(snapper::list(config)),
            Self::Btrfs => None,
        }
    }

    /// Writes what differs between two of them to [`CHANGES`].
    pub fn compare(&self, before: &str, after: &str) -> Argv {
        btrfs::send(&self.path(before), &self.path(after))
    }

    /// Every command line that an operation with snapshots runs, with `<…>` for what is not known before.
    pub fn commands(&self) -> [Vec<Argv>; 2] {
        let before = self.take(Moment::Before, ID, NUMBER);
        let after = self.take(Moment::After(NUMBER), ID, NUMBER);
        let first = self.make_folder().into_iter().chain([before]);
        [first.collect(), vec![after, self.delete(NUMBER)]]
    }
}

/// What stands for a snapshot's number in a command line that is shown.
pub const NUMBER: &str = "<1-4294967295>";
/// What stands for the request's id.
pub const ID: &str = "<request_id>";

/// All that is printed by [`Snapshotter::list`].
pub fn listed(printed: &str) -> Vec<Listed> {
    snapper::listed(printed)
}

/// The kind of the root file system, as `/proc/self/mounts` names it.
fn kind_of_root() -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let kind = |line: &str| {
        let mut words = line.split(' ').skip(1);
        (words.next() == Some("/")).then(|| words.next().map(str::to_owned)).flatten()
    };
    mounts.lines().filter_map(kind).next_back().unwrap_or_else(|| "unknown".to_owned())
}
