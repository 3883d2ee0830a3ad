//! The same with pacman.

use crate::host::{Host, Sudo, wait_until};
use crate::tree::Kept;
use crate::{ask, done, go_on, id, set_up, stopped, undone};
use std::process::Stdio;

const SITE: &str = "schema = 1
[snapshots]
packages = true
[packages]
actions = [\"install\", \"remove\", \"upgrade\"]
maintenance = [\"update\", \"upgrade\", \"autoremove\"]
undo = true
[packages.names]
git = {}
sm-test-conffile = {}
sm-test-old = {}
sm-test-slow = {}
";

const LOCK: &str = "/var/lib/pacman/db.lck";

fn host() -> Host {
    let host = Host::wanted(Sudo::Classic).arch().btrfs().bare().boot();
    set_up(&host, SITE);
    host
}

/// All is as it was, but that pacman's lock was there since: pacman takes it to say what it would do, which is asked
/// before the snapshot is taken.
#[track_caller]
fn assert_same(host: &Host, kept: &Kept) {
    let found = kept.differences(host);
    assert!(
        found.iter().all(|line| line.starts_with("/var/lib/pacman: (")),
        "{}",
        found.join("\n")
    );
}

/// pacman finds nothing wrong, and can be used.
#[track_caller]
fn pacman_is_clean(host: &Host) {
    assert!(!host.exists(LOCK), "a lock is left behind");
    host.root("pacman -Dk").ok();
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_pacman_did_is_undone_and_that_again() {
    let host = &host();
    let old = "/srv/pacman/sm-test-old-1-1-any.pkg.tar.zst /srv/pacman/sm-test-conffile-1-1-any.pkg.tar.zst";
    host.root(&format!("pacman -U --noconfirm {old}; pacman -S --noconfirm git")).ok();
    for line in [
        "package upgrade sm-test-conffile",
        "package remove git",
        "package install git",
        "package upgrade",
        "package remove sm-test-conffile",
    ] {
        let before = Kept::now(host);
        let request = done(host, line);
        let after = Kept::now(host);
        let back = undone(host, &request);
        pacman_is_clean(host);
        assert_same(host, &before);
        undone(host, &id(&back));
        pacman_is_clean(host);
        assert_same(host, &after);
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_undo_that_was_killed_locks_nobody_out() {
    let host = &host();
    let before = Kept::now(host);
    for n in [1, 4] {
        let request = done(host, "package install sm-test-conffile");
        let script = format!(
            "export SUDO_USER=agent SUDO_UID=1000 SUDO_GID=1000
            strace -qqq -f -o /run/trace -e trace=renameat2,unlinkat -e inject=unlinkat:signal=SIGKILL:when={n} \
                /usr/local/bin/sm-helper undo {request} >/run/out 2>/run/err
            for i in {{1..500}}; do pgrep -x 'sm-helper|sm-operation' >/dev/null || break; sleep 0.02; done
            grep -c 'killed by SIGKILL' /run/trace"
        );
        assert_ne!(host.root(&script).stdout_text(), "0\n");
        let reply = ask(host, &format!("undo {request}")).expect("ok");
        assert_eq!(reply.json["undone"]["request_id"], request.as_str(), "{:#}", reply.json);
        pacman_is_clean(host);
        assert_same(host, &before);
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_undo_waits_for_pacman() {
    let host = &host();
    let policy = SITE.replace("[packages]", "[limits]\nlock_seconds = 1\n[packages]");
    crate::site(host, &policy);
    let request = done(host, "package install sm-test-conffile");
    let mut pacman =
        host.command("root", &["pacman", "-S", "--noconfirm", "sm-test-slow"]).into_command();
    let mut pacman = pacman.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nsenter");
    wait_until("pacman is at work", || host.exists(LOCK));
    let reply = ask(host, &format!("undo {request}")).expect("busy");
    assert_ne!(reply.json["changed"], true, "{:#}", reply.json);
    assert!(host.exists(LOCK), "pacman's lock was taken away");
    host.root("pkill -x sleep").ok();
    pacman.wait().expect("its end");
    pacman_is_clean(host);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_undo_is_not_overtaken_by_another() {
    let host = &host();
    crate::site(host, &SITE.replace("[packages]", "[limits]\nlock_seconds = 1\n[packages]"));
    let before = Kept::now(host);
    let request = done(host, "package install sm-test-conffile");
    let first = stopped(host, &request, "renameat2");
    assert!(host.exists(LOCK));
    let reply = ask(host, &format!("undo {request}")).expect("busy");
    assert_ne!(reply.json["changed"], true, "{:#}", reply.json);
    assert!(host.exists(LOCK), "the lock of the first was taken away");
    let reply = go_on(host, first);
    assert_eq!(reply["undone"]["request_id"], request.as_str(), "{reply:#}");
    pacman_is_clean(host);
    assert_same(host, &before);
}
