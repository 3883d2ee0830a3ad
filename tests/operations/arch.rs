//! The same through pacman.

use std::env;
use std::path::PathBuf;

use crate::ask;
use crate::host::{Host, host_once};

/// Gives the host the program with the policy of the tests.
pub fn set_up(host: &Host) {
    let program = env::var_os("SM_TEST_BIN").expect("SM_TEST_BIN: see tests/run");
    host.install(&PathBuf::from(program));
    host.let_in("agent");
}

fn installed(host: &Host) -> String {
    host.root("pacman -Q").stdout_text()
}

#[track_caller]
fn changes_nothing(host: &Host, line: &str, code: &str) {
    let before = installed(host);
    let reply = ask(host, line).expect(code);
    assert!(reply.json["changed"] != true, "{line}: {:#}", reply.json);
    assert_eq!(installed(host), before, "{line}");
}

#[track_caller]
fn changes(host: &Host, line: &str) {
    let before = installed(host);
    let reply = ask(host, line).expect("ok");
    assert_eq!(reply.json["changed"], true, "{line}: {:#}", reply.json);
    assert_eq!(reply.json["returncode"], 0, "{line}");
    assert_ne!(installed(host), before, "{line}");
    let argv = reply.argv().expect("an argv");
    assert_eq!(argv[0], "/usr/bin/pacman", "{line}");
}

host_once!(pacman_does_it_too, bare_arch, |host| {
    set_up(host);
    assert_eq!(ask(host, "list").json["package_manager"], "pacman");

    changes_nothing(host, "package upgrade git", "command_failed");
    changes_nothing(host, "package remove git", "ok");
    changes(host, "package install git");
    host.root("pacman -Q git").ok();
    changes_nothing(host, "package install git", "ok");
    changes_nothing(host, "package upgrade git", "ok");
    changes(host, "package remove git");
    assert!(!installed(host).contains("git "));

    // One is upgraded, then all.
    let old = "/srv/pacman/sm-test-old-1-1-any.pkg.tar.zst /srv/pacman/sm-test-conffile-1-1-any.pkg.tar.zst";
    host.root(&format!("pacman -U --noconfirm {old}")).ok();
    host.write("/etc/sm-test.conf", "mine\n");
    changes(host, "package upgrade sm-test-old");
    assert!(
        installed(host).contains("sm-test-old 2-1")
            && installed(host).contains("sm-test-conffile 1-1")
    );
    changes(host, "package upgrade");
    assert!(installed(host).contains("sm-test-conffile 2-1"));
    assert_eq!(host.read("/etc/sm-test.conf"), "mine\n");
    changes_nothing(host, "package upgrade", "ok");

    // The name that the policy has for this package manager.
    let reply = ask(host, "package install docker.io").expect("ok");
    assert_eq!(reply.argv().and_then(|argv| argv.last().copied()), Some("docker"));
    assert_eq!(reply.json["operation"]["name"], "docker.io");
    host.root("pacman -Q docker").ok();
    assert!(!installed(host).contains("dockerxio"));
    changes(host, "package remove docker.io");

    // Orphans, and none.
    host.root("pacman -S --noconfirm --asdeps jq tmux").ok();
    changes(host, "package autoremove");
    assert!(!installed(host).contains("jq") && !installed(host).contains("tmux"));
    changes_nothing(host, "package autoremove", "ok");
    // What is cached of packages that are gone is thrown away, once.
    let reply = ask(host, "package autoclean").expect("ok");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    changes_nothing(host, "package autoclean", "ok");

    let reply = ask(host, "package update").expect("unsupported");
    assert!(reply.json["error"].as_str().is_some_and(|text| text.contains("break")));
    assert!(reply.json["hint"].as_str().is_some_and(|text| text.contains("package upgrade")));
    changes_nothing(host, "package install tmux", "denied");

    // What pacman says of a package that needs another is told, and nothing else is removed.
    host.root("pacman -S --noconfirm curl").ok();
    host.root(
        "set -e; mkdir /tmp/b; cd /tmp/b; printf 'pkgname = bystander\npkgbase = bystander\npkgver = 1-1\npkgdesc = x\narch = any\nsize = 1\ndepend = curl\n' >.PKGINFO
         mkdir usr; bsdtar -cf bystander-1-1-any.pkg.tar.zst .PKGINFO usr; pacman -U --noconfirm bystander-1-1-any.pkg.tar.zst",
    )
    .ok();
    changes_nothing(host, "package remove curl", "plan_refused");
    let reply = ask(host, "package remove curl");
    assert!(
        reply.json["error"].as_str().is_some_and(|text| text.contains("bystander")),
        "{:#}",
        reply.json
    );
});
