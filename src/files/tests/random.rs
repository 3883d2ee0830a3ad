//! Whatever an operation does, it is undone exactly.

use crate::files::tests::disk::{
    CAPABILITY, Disk, access_list, assert_same, digest, make_node, set_attribute,
};
use crate::files::tests::scene::write;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::FileType;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

/// One step of an operation. One that is not possible is none.
#[derive(Clone, Debug)]
enum Step {
    Write(String, u16),
    Directory(String),
    Remove(String),
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    Node(String, bool),
    Mode(String, u16),
    Owner(String, u8),
    Attribute(String, u8),
    Time(String, u16),
}

/// Few names, so that steps meet.
fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..=4)
        .prop_map(|names| names.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (path(), 0..5000_u16).prop_map(|(path, size)| Step::Write(path, size)),
        4 => path().prop_map(Step::Directory),
        2 => path().prop_map(Step::Remove),
        5 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        3 => (path(), path()).prop_map(|(from, to)| Step::Link(from, to)),
        1 => (path(), path()).prop_map(|(path, to)| Step::Symlink(path, to)),
        1 => (path(), any::<bool>()).prop_map(|(path, fifo)| Step::Node(path, fifo)),
        1 => (path(), 0..0o10000_u16).prop_map(|(path, mode)| Step::Mode(path, mode)),
        1 => (path(), any::<u8>()).prop_map(|(path, owner)| Step::Owner(path, owner)),
        2 => (path(), 0..4_u8).prop_map(|(path, which)| Step::Attribute(path, which)),
        1 => (path(), any::<u16>()).prop_map(|(path, time)| Step::Time(path, time)),
    ]
}

fn apply(top: &Path, step: &Step) {
    let at = |path: &String| top.join(path);
    let is_link = |path: &PathBuf| path.symlink_metadata().is_ok_and(|data| data.is_symlink());
    match step {
        Step::Write(path, size) if !is_link(&at(path)) => {
            use std::io::Write;
            use std::os::unix::fs::OpenOptionsExt;
            let mut options = fs::OpenOptions::new();
            options
                .append(true)
                .create(true)
                .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
            if let Ok(mut file) = options.open(at(path)) {
                let _ = file.write_all(&vec![b'x'; usize::from(*size)]);
            }
        }
        Step::Directory(path) => drop(fs::create_dir(at(path))),
        Step::Remove(path) => {
            let _ = fs::remove_file(at(path)).or_else(|_| fs::remove_dir_all(at(path)));
        }
        Step::Rename(from, to) => drop(fs::rename(at(from), at(to))),
        Step::Link(from, to) => drop(fs::hard_link(at(from), at(to))),
        Step::Symlink(path, to) => drop(symlink(to, at(path))),
        Step::Node(path, fifo) => {
            let kind = if *fifo { FileType::Fifo } else { FileType::BlockDevice };
            let _ = make_node(&at(path), kind);
        }
        Step::Mode(path, mode) if !is_link(&at(path)) => {
            let _ = fs::set_permissions(at(path), Permissions::from_mode((*mode).into()));
        }
        Step::Owner(path, owner) => {
            let _ = lchown(at(path), Some((*owner).into()), Some((*owner / 2).into()));
        }
        Step::Attribute(path, which) => {
            let list = access_list();
            let (name, value): (&str, &[u8]) = match which {
                0 => ("security.capability", &CAPABILITY),
                1 => ("system.posix_acl_access", &list),
                2 => ("system.posix_acl_default", &list),
                _ => ("trusted.test", b"value"),
            };
            let _ = set_attribute(&at(path), name, value);
        }
        Step::Time(path, time) if at(path).is_file() && !is_link(&at(path)) => {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_micros(u64::from(*time));
            if let Ok(file) = fs::File::options().write(true).open(at(path)) {
                let _ = file.set_modified(time);
            }
        }
        _ => {}
    }
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn any_operation_is_undone_exactly() {
    let disk = Disk::new();
    fs::create_dir_all(disk.live().join("a/b/c")).expect("directories");
    write(&disk.live().join("a/b/c/a"), "text");
    disk.snapshot("base");
    let config = Config { cases: 128, failure_persistence: None, ..Config::default() };
    let steps = || prop::collection::vec(step(), 0..30);
    let result = TestRunner::new(config).run(&(steps(), steps()), |(first, then)| {
        first.iter().for_each(|step| apply(&disk.live(), step));
        let operation = disk.operation(|top| then.iter().for_each(|step| apply(top, step)));
        let restored = operation.restore();
        let is = digest(&disk.live());
        let should = digest(&disk.top().join("before"));
        drop(operation);
        disk.reset("base", &["before", "after"]);
        let restored = restored.map_err(|failed| TestCaseError::fail(failed.to_string()))?;
        prop_assert_eq!(restored.skipped, Vec::<PathBuf>::new());
        let same = std::panic::catch_unwind(|| assert_same(&is, &should, "it differs"));
        prop_assert!(same.is_ok());
        Ok(())
    });
    result.expect("every operation is undone");
}
