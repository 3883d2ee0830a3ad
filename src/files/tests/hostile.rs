//! An account that owns a directory on the way.

use crate::files::restore::{Restored, restore};
use crate::files::tests::disk::{Disk, Operation, assert_same, digest};
use crate::files::tests::scene::{replace, write};
use crate::files::tree::Tree;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Some files to put back, to remove and to replace, in a directory of an account. Elsewhere is one
/// like it, in which those that are to be put back are not there either.
fn operation(disk: &Disk) -> Operation {
    let live = disk.live();
    for directory in ["home/own", "elsewhere"] {
        fs::create_dir_all(live.join(directory)).expect("a directory");
        for number in 0..20 {
            write(&live.join(format!("{directory}/{number}")), "old");
        }
    }
    chown(live.join("home"), Some(1234), Some(1234)).expect("an owner");
    for number in (0..20).step_by(3) {
        fs::remove_file(live.join(format!("elsewhere/{number}"))).expect("it goes");
    }
    disk.operation(|top| {
        for number in 0..20 {
            let path = top.join(format!("home/own/{number}"));
            match number % 3 {
                0 => fs::remove_file(path).expect("it goes"),
                1 => replace(&path, "new"),
                _ => write(&top.join(format!("home/own/added {number}")), "added"),
            }
        }
    })
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn a_directory_that_becomes_a_link_leads_nowhere_else() {
    let disk = Disk::new();
    let mut operation = operation(&disk);
    // The directory itself is not among them: that it has changed would be a reason to skip all.
    operation.changes.retain(|change| !change.is_directory);
    let changes = operation.changes;
    let (live, top) = (disk.live(), disk.top());
    let (own, kept) = (live.join("home/own"), live.join("home/kept"));
    let elsewhere = digest(&live.join("elsewhere"));
    let open = |path: &Path| Tree::open(path).expect("a tree");
    let mut succeeded = 0;
    for _ in 0..100 {
        disk.reset("after", &[]);
        let (now, before, after) =
            (open(&live), open(&top.join("before")), open(&top.join("after")));
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    let _ = fs::rename(&own, &kept);
                    let _ = symlink("../elsewhere", &own);
                    std::thread::yield_now();
                    let _ = fs::remove_file(&own);
                    let _ = fs::rename(&kept, &own);
                }
            });
            // It may fail, or skip what is not there.
            succeeded += u32::from(restore(&now, &before, &after, &changes).is_ok());
            is_done.store(true, Ordering::Relaxed);
        });
        assert_same(&digest(&live.join("elsewhere")), &elsewhere, "elsewhere");
    }
    assert!(succeeded < 100, "nobody was ever in our way");
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn a_directory_that_has_become_a_link_is_left_alone() {
    let disk = Disk::new();
    let operation = operation(&disk);
    let live = disk.live();
    fs::rename(live.join("home/own"), live.join("home/kept")).expect("it moves");
    symlink("../elsewhere", live.join("home/own")).expect("a link");
    let wanted = digest(&live);
    let restored = operation.restore();
    assert_same(&digest(&live), &wanted, "it is left alone");
    let skipped = restored.expect("nothing to do").skipped;
    assert!(skipped.contains(&PathBuf::from("home/own/0")), "{skipped:?}");
}

/// Names like ours are no reason to remove somebody's files, or to fail.
#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn what_only_has_such_a_name_is_no_leftover() {
    let disk = Disk::new();
    let operation = operation(&disk);
    let own = disk.live().join("home/own");
    fs::create_dir_all(own.join(".sm-undo-directory/of root")).expect("a directory");
    fs::create_dir_all(own.join(".sm-undo-of an account")).expect("a directory");
    chown(own.join(".sm-undo-of an account"), Some(1234), Some(1234)).expect("an owner");
    write(&own.join(".sm-undo-file"), "text");
    symlink("/etc", own.join(".sm-undo-link")).expect("a link");
    let restored = operation.restore().expect("it is restored");
    let Restored { files, skipped } = restored;
    assert_eq!((files, skipped), (20, Vec::new()));
    let mut names: Vec<_> = fs::read_dir(&own)
        .expect("a directory")
        .map(|entry| entry.expect("a name").file_name().into_string().expect("text"))
        .filter(|name| name.starts_with(".sm-undo-"))
        .collect();
    names.sort();
    let wanted = [".sm-undo-directory", ".sm-undo-file", ".sm-undo-link", ".sm-undo-of an account"];
    assert_eq!(names, wanted);
}

/// Whoever replaces a file while we do: nothing of theirs is lost.
#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn what_is_put_there_meanwhile_is_not_replaced() {
    const FILES: u32 = 300;
    let disk = Disk::new();
    let live = disk.live();
    for number in 0..FILES {
        write(&live.join(number.to_string()), "old");
    }
    let operation = disk.operation(|top| {
        (0..FILES).for_each(|number| replace(&top.join(number.to_string()), "new"));
    });
    drop(operation);
    let open = |name: &str| disk.top().join(name);
    let stream = disk.send(&open("before"), &open("after"));
    let mut met = 0;
    for round in 0..30 {
        disk.reset("after", &[]);
        let operation = Operation::new(&live, &open("before"), &open("after"), &stream);
        let restored = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(std::time::Duration::from_millis(20 + 3 * round));
                (0..FILES).for_each(|number| replace(&live.join(number.to_string()), "theirs"));
            });
            operation.restore().expect("the others are restored")
        });
        for number in 0..FILES {
            let text = fs::read_to_string(live.join(number.to_string())).expect("a file");
            assert_eq!(text, "theirs", "round {round}, file {number}");
        }
        met += u32::from((1..FILES as usize).contains(&restored.skipped.len()));
    }
    assert!(met > 0, "nobody was ever in our way");
}
