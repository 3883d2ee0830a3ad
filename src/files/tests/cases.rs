//! Real operations, what is found of them, and that they can be undone.

use crate::files::changes::Now;
use crate::files::failed::Cause;
use crate::files::restore::Restored;
use crate::files::tests::disk::{Disk, Operation, assert_same, digest, run};
use crate::files::tests::scene::{CASES, append, fill, replace, write};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// A disk on which `base` is a snapshot of the scene.
fn scene() -> Disk {
    let disk = Disk::new();
    fill(&disk.live());
    disk.snapshot("base");
    disk
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn an_operation_is_found_in_the_stream_and_undone_exactly() {
    let disk = scene();
    for (name, change, expected) in CASES {
        disk.reset("base", &[]);
        let operation = disk.operation(change);
        assert_eq!(operation.listed(), *expected, "{name}");
        let after = digest(&disk.live());
        let restored = operation.restore().expect(name);
        assert_eq!(restored.skipped, Vec::<PathBuf>::new(), "{name}");
        let wanted = digest(&disk.top().join("before"));
        assert_same(&digest(&disk.live()), &wanted, name);
        assert!(after != wanted, "{name}");
        // Again: nothing is left to be done, and nothing is broken by it.
        let again = operation.restore().expect(name);
        assert_eq!(again.skipped, Vec::<PathBuf>::new(), "{name}");
        assert_same(&digest(&disk.live()), &wanted, name);
        remove_snapshots(&disk);
    }
}

fn remove_snapshots(disk: &Disk) {
    disk.reset("base", &["before", "after"]);
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn a_directory_of_100_files_that_was_moved_comes_back() {
    let disk = scene();
    let operation = disk.operation(|top| {
        fs::rename(top.join("many"), top.join("etc/moved")).expect("it moves");
    });
    // 100 files and the directory, here and there, and two parents.
    assert_eq!(operation.changes.len(), 2 * 101 + 2);
    assert_eq!(operation.restore().expect("it is restored").files, 2 * 101);
    assert_same(&digest(&disk.live()), &digest(&disk.top().join("before")), "moved");
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn what_somebody_has_changed_since_stays_as_it_is() {
    let disk = scene();
    let operation = disk.operation(|top| {
        replace(&top.join("etc/settings"), "two");
        append(&top.join("etc/large"), "more");
        fs::remove_file(top.join("etc/listed")).expect("it goes");
        fs::create_dir(top.join("etc/added")).expect("a directory");
        write(&top.join("etc/added/file"), "text");
        fs::create_dir(top.join("etc/kept")).expect("a directory");
        fs::remove_dir_all(top.join("deep")).expect("it goes");
    });
    let live = disk.live();
    write(&live.join("etc/large"), "somebody's");
    write(&live.join("etc/listed"), "somebody's");
    write(&live.join("etc/kept/file"), "somebody's");
    write(&live.join("deep"), "somebody's");
    let changed = ["deep", "etc/kept", "etc/large", "etc/listed"];
    for path in changed {
        assert_eq!(operation.standing(path), Now::ChangedSince, "{path}");
    }
    for path in ["etc/settings", "etc/added", "etc/added/file", "deep/1"] {
        assert_eq!(operation.standing(path), Now::AsAfter, "{path}");
    }
    let restored = operation.restore().expect("the rest is restored");
    let mut skipped: Vec<PathBuf> = changed.iter().map(PathBuf::from).collect();
    skipped.extend(operation.before.below(Path::new("deep")).expect("what was in it"));
    skipped.sort();
    assert_eq!(restored.skipped, skipped);
    assert_eq!(restored.files, 3);
    for path in ["etc/large", "etc/listed", "etc/kept/file", "deep"] {
        assert_eq!(fs::read_to_string(live.join(path)).expect("it stays"), "somebody's", "{path}");
    }
    assert_eq!(fs::read_to_string(live.join("etc/settings")).expect("it is back"), "one");
    assert_eq!(operation.standing("etc/settings"), Now::AsBefore);
    assert!(!live.join("etc/added").exists());
    assert_eq!(leftovers(&live), Vec::<String>::new());
}

/// Paths below it that are ours.
fn leftovers(live: &Path) -> Vec<String> {
    digest(live).into_keys().filter(|path| path.contains(".sm-undo-")).collect()
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn only_what_is_chosen_is_undone_and_other_directories_keep_their_times() {
    let disk = scene();
    let mut operation = disk.operation(|top| {
        append(&top.join("etc/settings"), "more");
        append(&top.join("bin/setuid"), "more");
        replace(&top.join("many/1"), "two");
    });
    let mut wanted = digest(&disk.live());
    operation.changes.retain(|change| change.path.ends_with("settings"));
    assert_eq!(operation.restore().expect("it is restored").files, 1);
    let before = digest(&disk.top().join("before"));
    wanted.insert("etc/settings".into(), before["etc/settings"].clone());
    assert_same(&digest(&disk.live()), &wanted, "one file");
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn a_full_disk_leaves_everything_as_it_was() {
    let disk = Disk::with("96M", &["--mixed"]);
    let live = disk.live();
    fs::create_dir(live.join("many")).expect("a directory");
    for number in 0..4000 {
        write(&live.join(format!("many/{number}")), &format!("{number} ").repeat(300));
    }
    let operation = disk.operation(|top| {
        for number in 0..4000 {
            append(&top.join(format!("many/{number}")), "more");
        }
    });
    fs::write(disk.top().join("spare"), vec![7; 12 * 1024 * 1024]).expect("a file");
    let mut filler = fs::File::create(disk.top().join("filler")).expect("a file");
    while std::io::Write::write_all(&mut filler, &[7; 64 * 1024]).is_ok() {}
    // Some of the files find room.
    fs::remove_file(disk.top().join("spare")).expect("it goes");
    run("sync", &[OsStr::new("--file-system"), disk.top().as_ref()]);
    let wanted = digest(&live);
    let failed = operation.restore().expect_err("the disk is full");
    assert!(
        matches!(&failed.cause, Cause::System(error)
        if error.kind() == std::io::ErrorKind::StorageFull),
        "{failed}"
    );
    assert!(failed.path.starts_with("many") && failed.path != Path::new("many"), "{failed}");
    assert_same(&digest(&live), &wanted, "a full disk");
    drop(filler);
    fs::remove_file(disk.top().join("filler")).expect("it goes");
    operation.restore().expect("there is room now");
    assert_same(&digest(&live), &digest(&disk.top().join("before")), "there is room");
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn an_immutable_file_or_directory_is_an_error_before_anything_changes() {
    let disk = scene();
    let operation = disk.operation(|top| {
        replace(&top.join("bin/tool"), "two");
        replace(&top.join("etc/settings"), "two");
    });
    for name in ["etc/settings", "etc"] {
        let path = disk.live().join(name);
        let wanted = digest(&disk.live());
        run("chattr", &[OsStr::new("+i"), path.as_ref()]);
        let result = operation.restore();
        let is = digest(&disk.live());
        run("chattr", &[OsStr::new("-i"), path.as_ref()]);
        assert!(matches!(result.expect_err("it is immutable").cause, Cause::Immutable), "{name}");
        assert_same(&is, &wanted, name);
    }
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn another_subvolume_or_file_system_below_is_an_error() {
    let disk = scene();
    let tree = crate::files::tree::Tree::open(&disk.live()).expect("a tree");
    run(
        "btrfs",
        &["subvolume", "create"]
            .map(OsStr::new)
            .into_iter()
            .chain([disk.live().join("etc/nested").as_ref()])
            .collect::<Vec<_>>(),
    );
    let mounted = disk.live().join("empty");
    let options = ["-t", "tmpfs", "none"].map(OsStr::new);
    run("mount", &options.into_iter().chain([mounted.as_ref()]).collect::<Vec<_>>());
    let of = |path: &str| tree.entry(Path::new(path)).map(|entry| entry.is_some());
    let results = ["etc/nested", "etc/nested/file", "empty", "empty/file"].map(of);
    run("umount", &[mounted.as_ref()]);
    for result in results {
        let failed = result.expect_err("it is another one");
        assert!(matches!(failed.cause, Cause::AnotherFileSystem), "{failed}");
    }
    assert!(tree.entry(Path::new("etc/settings")).expect("a file").is_some());
    for path in ["/etc", "../x", "etc/../etc", "./etc"] {
        assert!(tree.entry(Path::new(path)).is_err(), "{path}");
    }
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn a_thousand_files_come_back() {
    let disk = Disk::new();
    let live = disk.live();
    for directory in 0..20 {
        fs::create_dir(live.join(directory.to_string())).expect("a directory");
        for file in 0..50 {
            write(&live.join(format!("{directory}/{file}")), &"text ".repeat(file * 100));
        }
    }
    let change = |top: &Path| {
        for directory in 0..20 {
            for file in 0..50 {
                replace(&top.join(format!("{directory}/{file}")), "new");
            }
        }
    };
    let begun = std::time::Instant::now();
    let operation: Operation = disk.operation(change);
    println!("snapshots, operation, send and comparison: {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    let restored = operation.restore().expect("they are restored");
    println!("restore: {:?}", begun.elapsed());
    assert_eq!(restored, Restored { files: 1000, skipped: Vec::new() });
    assert_same(&digest(&live), &digest(&disk.top().join("before")), "a thousand");
}
