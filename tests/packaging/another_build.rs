//! Who builds the same source gets the same program, so that what is given out can be checked.
//!
//! It takes longer than any other test, and by its name it begins first.

use crate::host::repository;
use crate::{mcp_program, program, said, script};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

#[test]
#[ignore = "needs the released program and minutes: run tests/run"]
fn two_builds_in_different_folders_give_the_same_bytes() {
    let scratch = crate::Scratch::new("reproducible");
    let source = scratch.path().join("another/place");
    std::fs::create_dir_all(&source).expect("a folder");
    let entries = std::fs::read_dir(repository()).expect("the repository").flatten();
    let kept = entries.filter(|entry| entry.file_name() != "target" && entry.file_name() != ".git");
    let copied = Command::new("cp")
        .arg("-a")
        .args(kept.map(|entry| entry.path()))
        .arg(&source)
        .output()
        .expect("cp runs");
    assert!(copied.status.success(), "{}", said(&copied));

    // Also the crates come from elsewhere.
    let usual = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cargo"));
    let home = scratch.path().join("crates");
    std::fs::create_dir(&home).expect("a folder");
    for entry in std::fs::read_dir(usual).expect("cargo's folder").flatten() {
        symlink(entry.path(), home.join(entry.file_name())).expect("a link");
    }

    let output = script(source.join("packaging/build").to_str().expect("UTF-8"))
        .env("CARGO_HOME", &home)
        .env_remove("CARGO_TARGET_DIR")
        .current_dir("/")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    let built = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    assert!(built.starts_with(&source), "{}", built.display());
    for (program, built) in
        [(program(), built.clone()), (mcp_program(), built.with_file_name("sm-mcp"))]
    {
        let (one, other) = (std::fs::read(&program), std::fs::read(&built));
        let (one, other) = (one.expect("the program"), other.expect("what was built"));
        let differs = one.iter().zip(&other).position(|(one, other)| one != other);
        assert!(
            one == other,
            "{} ({} bytes; is it by packaging/build?) and the other ({} bytes) differ, first at {differs:?}",
            program.display(),
            one.len(),
            other.len(),
        );
        // And nothing of where it was made is in it.
        for place in [scratch.path(), repository()] {
            let place = place.to_str().expect("UTF-8").as_bytes();
            assert!(
                !other.windows(place.len()).any(|window| window == place),
                "it names its folder"
            );
        }
    }
}
