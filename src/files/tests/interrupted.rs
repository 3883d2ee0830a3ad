//! A restore that is killed is completed by the next one.

use crate::files::tests::disk::{Disk, Operation, assert_same, digest};
use crate::files::tests::scene::{append, fill, replace, write};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the other process finds the subvolumes and the stream.
const TOP: &str = "SM_TEST_RESTORE";

/// Changes of every kind; each parent directory is among them.
fn change(top: &Path) {
    fs::rename(top.join("many"), top.join("moved")).expect("it moves");
    for number in 0..100 {
        write(&top.join(format!("bin/{number}")), "added");
    }
    replace(&top.join("bin/tool"), "new");
    replace(&top.join("bin/tool2"), "new");
    append(&top.join("bin/setuid"), "more");
    replace(&top.join("etc/settings"), "two");
    fs::remove_file(top.join("etc/link")).expect("it goes");
    fs::create_dir_all(top.join("etc/link/below")).expect("a directory");
    fs::remove_dir_all(top.join("deep/1/2")).expect("it goes");
    symlink("/", top.join("deep/1/2")).expect("a link");
    fs::remove_dir(top.join("empty")).expect("it goes");
}

fn open(top: &Path) -> Operation {
    let at = |name: &str| top.join(name);
    Operation::new(&at("live"), &at("before"), &at("after"), &at("stream"))
}

/// Not a test by itself: what the test below starts and kills.
#[test]
#[ignore = "the other process of a test"]
fn other_process() {
    let Some(top) = std::env::var_os(TOP).map(PathBuf::from) else { return };
    let operation = open(&top);
    fs::write(top.join("begun"), "").expect("a file");
    operation.restore().expect("it is restored");
}

#[test]
#[ignore = "needs root and btrfs-progs: run tests/run"]
fn a_restore_that_is_killed_is_completed_by_the_next_one() {
    let disk = Disk::new();
    fill(&disk.live());
    disk.snapshot("base");
    let (top, live) = (disk.top(), disk.live());
    let operation = disk.operation(change);
    let stream = disk.send(&top.join("before"), &top.join("after"));
    fs::copy(stream, top.join("stream")).expect("a copy");
    drop(operation);
    let wanted = digest(&top.join("before"));
    let after = digest(&top.join("after"));
    let (mut killed, mut half_way) = (0, 0);
    for round in 0..60_u64 {
        disk.reset("after", &[]);
        let _ = fs::remove_file(top.join("begun"));
        // Twice: the second attempt is killed as well.
        for attempt in 1..=2 {
            let mut other = Command::new(std::env::current_exe().expect("this program"))
                .args(["--exact", "files::tests::interrupted::other_process", "--ignored"])
                .env(TOP, &top)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts");
            while !top.join("begun").exists() && other.try_wait().expect("a state").is_none() {
                std::thread::sleep(Duration::from_micros(100));
            }
            std::thread::sleep(Duration::from_micros(round * attempt * 700));
            let is_running = other.try_wait().expect("a state").is_none();
            let _ = other.kill();
            other.wait().expect("it ends");
            let _ = fs::remove_file(top.join("begun"));
            killed += u32::from(is_running);
        }
        let is = digest(&live);
        half_way += u32::from(is != after && is != wanted);
        let operation = open(&top);
        let restored = operation.restore().expect("the rest is restored");
        assert_eq!(restored.skipped, Vec::<PathBuf>::new(), "round {round}");
        assert_same(&digest(&live), &wanted, &format!("round {round}"));
    }
    assert!(killed > 20 && half_way > 5, "{killed} were killed, {half_way} of them half way");
}
