//! How many snapshots are kept, and that there is room for another one.

use crate::history::{self, Entry};
use crate::managers::snapshots::Snapshotter;
use crate::policy::model;
use crate::snapshots::take;
use nix::sys::statvfs::statvfs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long to wait at most for what is taken away to be free: btrfs does it in the background.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// Takes the oldest of this program's own away, until there is room for another one. Not those of the request that
/// is to be undone.
///
/// # Errors
/// If there still is none.
pub fn make(
    by: &Snapshotter,
    settings: model::Snapshots,
    undoes: Option<&str>,
) -> Result<(), String> {
    let wanted = u64::from(settings.min_free_percent);
    let deadline = Instant::now() + PATIENCE;
    let mut own = own(by);
    own.retain(|one| undoes != Some(&one.id));
    own.reverse();
    loop {
        let free = free_percent();
        if free >= wanted {
            return Ok(());
        }
        match own.pop() {
            Some(oldest) => drop_all(by, &oldest),
            None if Instant::now() < deadline && !take::numbers(by).is_empty() => {}
            None => {
                return Err(format!(
                    "{free} % of the file system are free, and min_free_percent is {wanted}"
                ));
            }
        }
        sleep(PAUSE);
    }
}

/// Takes away what is over the number that is kept. What an undo has begun to undo stays as long as that undo.
pub fn keep(by: &Snapshotter, settings: model::Snapshots) {
    let own = own(by);
    let too_many = own.len().saturating_sub(settings.keep as usize);
    let is_begun = |one: &Entry| {
        let begun = own.iter().any(|other| other.undoes.as_ref() == Some(&one.id));
        begun && one.undone_by.is_none()
    };
    for oldest in own.iter().filter(|one| !is_begun(one)).take(too_many) {
        drop_all(by, oldest);
    }
}

/// The operations whose snapshots this program has taken, the oldest first. One whose snapshots an
/// administrator has taken away is forgotten.
fn own(by: &Snapshotter) -> Vec<Entry> {
    let is_own = |entry: &Entry| {
        entry.snapshots.as_ref().is_some_and(|taken| taken.by == by.name() && !taken.by_hooks)
    };
    let is_there =
        |entry: &Entry| entry.snapshots.as_ref().is_some_and(|taken| taken.there(by).0.is_some());
    let (kept, gone): (Vec<Entry>, Vec<Entry>) =
        history::all().into_iter().filter(is_own).partition(is_there);
    for entry in gone {
        let _ = entry.forget();
    }
    kept
}

/// Takes away what was begun and came to nothing.
pub fn forget(entry: &Entry) {
    match Snapshotter::here() {
        Ok(by) => drop_all(&by, entry),
        Err(_) => drop(entry.forget()),
    }
}

fn drop_all(by: &Snapshotter, entry: &Entry) {
    for number in entry.snapshots.iter().flat_map(|taken| taken.own(by)) {
        // What cannot be taken away is tried again with the next one.
        if take::delete(by, number).is_err() {
            return;
        }
    }
    let _ = entry.forget();
}

/// How much of the root file system is free.
pub fn free_percent() -> u64 {
    let Ok(found) = statvfs("/") else { return 100 };
    let (free, all) = (found.blocks_available(), found.blocks());
    (free * 100).checked_div(all).unwrap_or(100)
}
