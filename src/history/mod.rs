//! What package operations have changed, for who wants it undone: a file for each operation, which only root
//! can read, as long as its snapshots are kept.

use crate::managers::argv::Argv;
use crate::managers::snapshots::{NUMBER, Snapshotter};
use crate::managers::transaction::{Change, Transaction};
use crate::request::id::RequestId;
use crate::system::state;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where the files are.
const FOLDER: &str = "/var/lib/sm/undo";

/// The most that is read of one, in bytes: an upgrade of some ten thousand packages.
const LARGEST: u64 = 8 << 20;

/// How many operations without snapshots are remembered.
const MOST_WITHOUT: usize = 20;

/// An operation that changed packages, or was begun to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// The request.
    pub id: String,
    /// When it began: RFC 3339, in UTC.
    pub at: String,
    /// The account that asked.
    pub uid: u32,
    /// Its name.
    pub user: String,
    /// What was asked, as a request is written.
    pub operation: String,
    /// The package manager.
    pub manager: String,
    /// What it was to change, if that was known beforehand.
    pub transaction: Option<Transaction>,
    /// The policy's units that were up before it.
    pub up: Vec<String>,
    /// The snapshots around it.
    pub snapshots: Option<Snapshots>,
    /// Whether it has come to its end.
    pub is_over: bool,
    /// Why it cannot be undone by its snapshots.
    pub why_not: Option<String>,
    /// The request that it undoes.
    pub undoes: Option<String>,
    /// The request that has undone it.
    pub undone_by: Option<String>,
}

/// The snapshots around an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshots {
    /// What took them: `snapper` or `btrfs`.
    pub by: String,
    /// Whether the package manager's own hooks had them taken.
    pub by_hooks: bool,
    /// The last number that was there before, if it was left to the hooks.
    pub last: u64,
    /// The one before it.
    pub before: Option<Taken>,
    /// The one after it.
    pub after: Option<Taken>,
}

/// A snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Its number.
    pub number: u64,
    /// What tells it from a later one with that number ([`Snapshotter::mark`]).
    pub mark: u64,
}

impl Taken {
    /// The one of this number, which was just taken.
    pub fn of(by: &Snapshotter, number: u64) -> Option<Self> {
        by.mark(number).map(|mark| Self { number, mark })
    }

    /// Whether it is still there.
    pub fn is_there(self, by: &Snapshotter) -> bool {
        by.mark(self.number) == Some(self.mark)
    }
}

impl Snapshots {
    /// Those that are still there, of what takes them here: the one before, the one after.
    pub fn there(&self, by: &Snapshotter) -> (Option<Taken>, Option<Taken>) {
        let is_it = |taken: &Taken| self.by == by.name() && taken.is_there(by);
        (self.before.filter(is_it), self.after.filter(is_it))
    }

    /// Those of them that this program has taken, and takes away.
    pub fn own(&self, by: &Snapshotter) -> Vec<u64> {
        let (before, after) = self.there(by);
        let all = [before, after].into_iter().flatten().map(|taken| taken.number);
        all.filter(|_| !self.by_hooks).collect()
    }
}

impl Entry {
    /// The entry of a request; none if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn load(id: &RequestId) -> io::Result<Option<Self>> {
        match read(&place(id.as_str())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            entry => entry.map(Some),
        }
    }

    /// Writes it down, instead of what was there of the same request.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn save(&self) -> io::Result<()> {
        state::folder(state::FOLDER, 0o700, "root")?;
        state::folder(FOLDER, 0o700, "root")?;
        let path = place(&self.id);
        let text = serde_json::to_vec(self)?;
        state::put(&path, &path.with_extension("new"), &text, 0o600)
    }

    /// What compares the snapshots around it, if the one before it is still there. Where there is none after
    /// it, that of whoever undoes it is taken for it.
    pub fn compared_by(&self, by: &Snapshotter) -> Option<Argv> {
        let taken = self.snapshots.as_ref()?;
        let before = taken.there(by).0?.number.to_string();
        let after = taken.after.map_or(NUMBER.to_owned(), |after| after.number.to_string());
        Some(by.compare(&before, &after))
    }

    /// The packages that it put in another version, each with the one that was there; none if it also installed or
    /// removed something, or put nothing in another version.
    pub fn replaced(&self) -> Option<Vec<(String, String)>> {
        let Transaction { install, upgrade, remove, downgrade, .. } = self.transaction.as_ref()?;
        let was = |change: &Change| Some((change.name.clone(), change.from.clone()?));
        let all: Option<Vec<_>> = upgrade.iter().chain(downgrade).map(was).collect();
        all.filter(|all| !all.is_empty() && install.is_empty() && remove.is_empty())
    }

    /// Forgets it.
    ///
    /// # Errors
    /// If it is still there.
    pub fn forget(&self) -> io::Result<()> {
        state::remove(&place(&self.id))
    }
}

/// All entries, the oldest first. One that cannot be read is none.
pub fn all() -> Vec<Entry> {
    let names = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = names.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    // An id begins with the time (RFC 9562, version 7).
    paths.sort();
    paths.iter().filter_map(|path| read(path).ok()).collect()
}

/// Forgets the oldest of those that have no snapshots.
pub fn forget_old() {
    let without: Vec<Entry> = all().into_iter().filter(|one| one.snapshots.is_none()).collect();
    for old in without.iter().take(without.len().saturating_sub(MOST_WITHOUT)) {
        let _ = old.forget();
    }
}

fn place(id: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{id}.json"))
}

fn read(path: &Path) -> io::Result<Entry> {
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(transaction: Transaction) -> Entry {
        let [id, at, user, operation, manager] = [(); 5].map(|()| String::new());
        Entry {
            id,
            at,
            uid: 0,
            user,
            operation,
            manager,
            transaction: Some(transaction),
            up: Vec::new(),
            snapshots: None,
            is_over: true,
            why_not: None,
            undoes: None,
            undone_by: None,
        }
    }

    #[test]
    fn only_what_was_put_in_another_version_can_be_put_back_by_versions() {
        let change = |name: &str, from: Option<&str>| Change {
            name: name.to_owned(),
            version: "2".to_owned(),
            from: from.map(str::to_owned),
        };
        let upgrade = vec![change("a", Some("1")), change("b", Some("1-1"))];
        let only = Transaction { upgrade: upgrade.clone(), ..Transaction::default() };
        let names = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(entry(only.clone()).replaced(), Some(vec![names("a", "1"), names("b", "1-1")]));
        for more in [
            Transaction { install: vec![change("c", None)], ..only.clone() },
            Transaction { remove: vec![change("c", None)], ..only },
            Transaction { upgrade: vec![change("a", None)], ..Transaction::default() },
            Transaction::default(),
        ] {
            assert_eq!(entry(more.clone()).replaced(), None, "{more:?}");
        }
    }
}
