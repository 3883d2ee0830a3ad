//! What was executed with root's rights, from the kernel and not from our own log.
//!
//! Two ways: strace, which says everything and makes a request take three times as long, and the
//! kernel's process accounting (`acct(2)`), which costs nothing: a record for each process that
//! ended, with its user and the last program that it executed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::batch::run;
use crate::host::{Execs, Host, Sudo, alone, host_test, repository};

const FILE: &str = "/run/acct";

/// A record of `acct(5)`, version 3.
const RECORD: usize = 64;

/// The harness's own way into the host, which begins as root.
const HARNESS: [&str; 5] = ["nsenter", "setsid", "setpriv", "env", "hostile"];

/// Compiles a program of this folder, and puts it into the host.
pub fn install(host: &Host, source: &str, target: &str) {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(source.trim_end_matches(".c"));
    let one_at_a_time = alone("hostile-programs");
    // Static, or of no version: the host's C library may be older than this machine's.
    let kind: &[&str] = match target.ends_with(".so") {
        true => &["-shared", "-fPIC", "-nostdlib"],
        false => &["-static", "-O1"],
    };
    let built = Command::new("gcc")
        .args(kind)
        .arg("-o")
        .arg(&program)
        .arg(repository().join("tests/hostile").join(source))
        .status();
    assert!(built.expect("gcc; `tests/host/host needs` installs it").success());
    fs::copy(program, host.path(target)).expect("a copy in the host");
    drop(one_at_a_time);
}

/// Puts the hostile caller's program, `caller.c`, into the host.
pub fn caller(host: &Host) {
    install(host, "caller.c", "/usr/bin/hostile");
}

/// The processes of root that ended meanwhile, those apart that are sudo or the helper.
pub fn executed_during<T>(host: &Host, work: impl FnOnce() -> T) -> (T, Vec<String>) {
    caller(host);
    host.write(FILE, "");
    host.command("root", &["hostile", &format!("acct:{FILE}")]).run().ok();
    let result = work();
    host.command("root", &["hostile", "acct:"]).run().ok();
    let records = fs::read(host.path(FILE)).expect("the kernel's records");
    let mut by_root = Vec::new();
    for record in records.chunks_exact(RECORD) {
        assert_eq!(record[1], 3, "the version of acct(5) that this test reads");
        let uid = u32::from_ne_bytes([record[8], record[9], record[10], record[11]]);
        let name: Vec<u8> = record[48..].iter().copied().take_while(|byte| *byte != 0).collect();
        if uid == 0 {
            by_root.push(String::from_utf8_lossy(&name).into_owned());
        }
    }
    // The kernel stops writing where there is little space; then this shows nothing.
    assert!(by_root.iter().any(|name| name == "hostile"), "no accounting: {by_root:?}");
    // The broker is the administrator's program, which without it nobody's request starts.
    let broker = host.sudo == Sudo::Unused;
    let way = |name: &String| {
        ["sudo", "sm-helper"].contains(&&**name)
            || broker && name == "sm"
            || HARNESS.contains(&&**name)
    };
    by_root.retain(|name| !way(name));
    (result, by_root)
}

/// The same from strace: with root's rights, or by systemd.
pub fn traced(execs: &Execs) -> Vec<String> {
    let way = |path: &str| path == "/usr/bin/sudo" || path == "/usr/local/bin/sm-helper";
    let by_root = execs.commands.iter().filter(|exec| exec.by == 0 || exec.euid == 0);
    let by_root = by_root.filter(|exec| !way(&exec.path));
    by_root.chain(&execs.init).map(|exec| format!("{} {:?}", exec.path, exec.argv)).collect()
}

host_test!(what_is_executed_is_seen, ready_test_policy, |host| {
    let restart = ["/usr/local/bin/sm-helper service restart nginx".to_owned()];
    let (answers, by_root) = executed_during(host, || run(host, &restart));
    assert_eq!(answers[0].code(), "ok");
    for name in ["systemctl", "nginx"] {
        assert!(by_root.iter().any(|seen| seen == name), "{name}: {by_root:?}");
    }
    let (answers, execs) = host.execs_during(|| run(host, &restart));
    assert_eq!(answers[0].code(), "ok");
    let seen = traced(&execs);
    for path in ["/usr/bin/systemctl ", "/usr/sbin/nginx "] {
        assert!(seen.iter().any(|exec| exec.starts_with(path)), "{path}: {seen:?}");
    }
});
