//! Rotation without logrotate, which comes once a day at most: a log that grows faster than that
//! is put aside here, and the oldest of what was put aside is deleted.
//!
//! One rename, under the lock: at every instant there is the log, or it is whole under its new
//! name and the next record makes a new one. logrotate leaves files of that name alone; its own
//! count towards the bound.

use crate::audit::files::{self, LogFile};
use crate::audit::record::Link;
use crate::system::state;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The most that a log has before it is put aside, in bytes, and by default what it has: more than the
/// packaged rule for logrotate lets it have, so that this is for hosts without, and for what comes
/// between two of its runs.
pub const LARGEST: u64 = 128 << 20;

/// A log of this size is put aside, in bytes, if all of it may take `total`: an eighth, so that
/// little is lost with the oldest file.
pub fn largest(total: u64) -> u64 {
    (total / 8).min(LARGEST)
}

/// What the older files may take together, in bytes on disk: with the log, and what the last record
/// before its rotation is longer, it is `total`. The newest stays whatever it takes.
pub fn most_aside(total: u64) -> u64 {
    let largest = largest(total);
    total.saturating_sub(largest + largest / 8)
}

/// Puts the log aside, whose last record this is, with all of it on disk. `total` is what all of it
/// may take, in bytes.
///
/// # Errors
/// If it stays where it is, which is no reason not to write to it.
pub fn rotate(folder: &Path, log: &File, last: &Link, total: u64) -> io::Result<()> {
    rotate_and_keep(folder, log, last, most_aside(total))
}

fn rotate_and_keep(folder: &Path, log: &File, last: &Link, most: u64) -> io::Result<()> {
    log.sync_all()?;
    let aside = folder.join(files::name_until(last.seq, false));
    // Never over another one.
    if aside.try_exists()? {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists));
    }
    fs::rename(folder.join(files::NAME), &aside)?;
    // What fails from here on is done with the next rotation.
    let _ = state::sync_parent(&aside);
    let _ = delete_oldest(folder, most);
    Ok(())
}

/// Deletes the oldest files until what is left is within the bound. The chain says so itself: its
/// first record has a number above 1.
fn delete_oldest(folder: &Path, most: u64) -> io::Result<()> {
    let older = files::all_in(folder)?.into_iter().filter(LogFile::is_put_aside);
    let sizes = older.map(|file| (file.size, file.path)).collect();
    too_many(sizes, most).iter().try_for_each(|path| state::remove(path))
}

/// Those of the files, oldest first, that are over the bound.
fn too_many<T>(files: Vec<(u64, T)>, most: u64) -> Vec<T> {
    let mut sum = 0_u64;
    let is_kept = |(at, (size, _)): &(usize, (u64, T))| {
        sum = sum.saturating_add(*size);
        *at == 0 || sum <= most
    };
    let newest_first = files.into_iter().rev().enumerate();
    let mut rest: Vec<T> = newest_first.skip_while(is_kept).map(|(_, (_, file))| file).collect();
    rest.reverse();
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const MOST: u64 = 1 << 30;

    proptest! {
        #[test]
        fn what_is_put_aside_is_bounded_and_only_the_oldest_goes(
            sizes in proptest::collection::vec(0_u64..(2 << 30), 0..40),
        ) {
            let files: Vec<(u64, usize)> = sizes.iter().copied().zip(0..).collect();
            let gone = too_many(files, MOST);
            prop_assert_eq!(&gone, &(0..gone.len()).collect::<Vec<_>>());
            let left = &sizes[gone.len()..];
            prop_assert!(left.iter().sum::<u64>() <= MOST || left.len() == 1);
            prop_assert!(sizes.is_empty() || !left.is_empty());
            // And no more than that.
            if let Some(last) = gone.last() {
                prop_assert!(sizes[*last..].iter().sum::<u64>() > MOST);
            }
        }
    }

    #[test]
    fn all_of_it_is_within_what_the_policy_lets_it_take() {
        for total in [1 << 20, 5_000_000, 1 << 30, 1 << 40] {
            // The log is put aside by the record that finds it this large.
            let longest = largest(total) + 16_384;
            assert!(most_aside(total) + longest <= total, "{total}");
            assert!(most_aside(total) >= 6 * largest(total), "{total}");
        }
        assert_eq!(largest(1 << 30), 128 << 20);
    }

    /// A line with this number, 1000 bytes long.
    fn line(seq: u64) -> String {
        let line = format!("{{\"seq\":{seq},\"hash\":\"");
        format!("{line}{:x<width$}\"}}\n", "", width = 1000 - line.len() - 3)
    }

    #[test]
    fn each_rotation_leaves_what_is_not_its_own_and_the_newest() {
        let folder = std::env::temp_dir().join(format!("sm-rotate-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let others = ["audit.jsonl.bak", "audit.jsonl-until-", "audit.jsonl-old", "other.jsonl.1"];
        for name in others {
            fs::write(folder.join(name), line(1).repeat(9)).unwrap();
        }
        fs::write(folder.join("audit.jsonl.1"), line(1)).unwrap();
        for seq in 2..=9 {
            let log = folder.join("audit.jsonl");
            fs::write(&log, line(seq)).unwrap();
            let last = Link { seq, hash: String::new() };
            rotate_and_keep(&folder, &File::open(&log).unwrap(), &last, 3500).unwrap();
            assert!(!log.exists());
        }
        let names: BTreeSet<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let kept = (7..=9).map(|seq| format!("audit.jsonl-until-{seq:020}"));
        let expected: BTreeSet<String> =
            others.into_iter().map(str::to_owned).chain(kept).collect();
        assert_eq!(names, expected);
        // Nothing is put instead of another one.
        let log = folder.join("audit.jsonl");
        fs::write(&log, line(9)).unwrap();
        let last = Link { seq: 9, hash: String::new() };
        assert!(
            rotate(&folder, &File::open(&log).unwrap(), &last, 1 << 30).is_err() && log.exists()
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
