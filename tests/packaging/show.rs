//! `packaging/try`: the main job, shown on a throwaway host that leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::host::{alone, repository};
use crate::{said, script};

/// The processes that descend from this one by way of packaging/try: its own environment.
const MARK: &str = "SM_TRY_TEST";

fn left(mark: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let wanted = format!("{MARK}={mark}");
    let ours = entries.filter_map(|entry| {
        let environment = fs::read(entry.path().join("environ")).ok()?;
        let found = environment.split(|byte| *byte == 0).any(|word| word == wanted.as_bytes());
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        found.then(|| String::from_utf8_lossy(&line).replace('\0', " "))
    });
    ours.collect()
}

fn mounts() -> usize {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    mounts.lines().filter(|line| line.contains("sm-host")).count()
}

fn gone(mark: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let left = left(mark);
        if left.is_empty() && mounts() == 0 {
            return;
        }
        assert!(Instant::now() < end, "left behind: {left:?}, {} mounts", mounts());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The script with the signals as a terminal's shell leaves them: what is ignored when a script
/// begins, as SIGINT is for what a shell runs in the background, it cannot trap.
fn by_default(name: &str) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(script(name).get_program());
    command.env_remove("PREFIX").env_remove("DESTDIR").env_remove("SM_POLICY");
    command.env_remove("RUSTC_BOOTSTRAP");
    command
}

fn status() -> String {
    let output = Command::new("git")
        .args(["status", "--porcelain", "--ignored=no"])
        .current_dir(repository())
        .output()
        .expect("git");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn try_shows_the_main_job_and_leaves_nothing_behind() {
    // What is left behind is looked for by name.
    let _alone = alone("try");
    let before = status();
    let output =
        script("try").env(MARK, "whole").stdin(Stdio::null()).output().expect("packaging/try runs");
    let text = said(&output);
    assert!(output.status.success() && text.contains("All as it should be"), "{text}");
    for shown in [
        "sm setup-sudo --user agent",
        "service restart nginx",
        "service status nginx",
        "package install git",
        "\"denied\"",
        "\"invalid_argument\"",
        "sudo -n id",
    ] {
        assert!(text.contains(shown), "{shown} is not shown: {text}");
    }
    assert!(!text.contains('\x1b') && !text.contains('✗'), "{text}");
    gone("whole");
    assert_eq!(status(), before);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn try_that_is_interrupted_leaves_nothing_behind() {
    // What is left behind is looked for by name.
    let _alone = alone("try");
    // While the host boots, when it runs, and in the middle of the show.
    for (signal, after) in [
        ("INT", "the base image"),
        ("TERM", "Debian host is running"),
        ("HUP", "package install"),
        ("INT", "service restart nginx"),
    ] {
        let mut command = by_default("try");
        command.env(MARK, signal).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().expect("packaging/try runs");
        let stdout = child.stdout.take().expect("a pipe was asked for");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let seen = lines.find(|line| line.contains(after));
        assert!(seen.is_some(), "it never said {after:?}");
        // As the terminal does it: the whole group.
        let group = format!("-{}", child.id());
        Command::new("kill").args([&format!("-{signal}"), "--", &group]).status().expect("kill");
        std::thread::spawn(move || lines.for_each(drop));
        let end = Instant::now() + Duration::from_secs(30);
        let status = loop {
            match child.try_wait().expect("it can be waited for") {
                None if Instant::now() < end => std::thread::sleep(Duration::from_millis(50)),
                status => break status,
            }
        };
        if status.is_none() {
            Command::new("kill").args(["-KILL", "--", &group]).status().expect("kill");
        }
        let status = status.unwrap_or_else(|| panic!("{signal} after {after:?} does not end it"));
        assert!(!status.success(), "{signal} after {after:?}");
        gone(signal);
    }
}

#[test]
fn try_says_what_is_missing() {
    let output = script("try").arg("--frob").output().expect("packaging/try runs");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = script("try").arg("--help").output().expect("packaging/try runs");
    assert!(
        output.status.success() && said(&output).contains("packaging/try --shell"),
        "{}",
        said(&output)
    );
    let output = script("try")
        .env("PATH", "/usr/bin:/bin")
        .env_remove("CARGO_HOME")
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let text = said(&output);
    let missing = text.contains("needs root") || text.contains("cargo is not on PATH");
    assert!(!output.status.success() && missing, "{text}");
}
