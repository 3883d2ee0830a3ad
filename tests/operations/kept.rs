//! What is left as it is, though the reply is `ok`: a warning says so, and why.

use crate::arch::set_up;
use crate::ask;
use crate::host::{Host, Reply, host_once};
use crate::offered::offer;

#[track_caller]
fn warns(host: &Host, line: &str, words: &[&str]) -> Reply {
    let reply = ask(host, &format!("package {line}")).expect("ok");
    let warnings = reply.json["warnings"].to_string();
    for word in words {
        assert!(warnings.contains(word), "{line}: {word}: {:#}", reply.json);
    }
    reply
}

host_once!(what_an_upgrade_leaves_is_told, ready_test_policy, |host| {
    const STAYS: &str = "docker.io stays at 1, although another version is available";
    offer(host, "docker.io", "1", "", &[]);
    ask(host, "package install docker.io").expect("ok");
    ask(host, "package install sm-test-base").expect("ok");
    let reply = ask(host, "package upgrade").expect("ok");
    assert!(!reply.json["warnings"].to_string().contains("stays at"), "{:#}", reply.json);
    for (version, fields) in [("2", "Depends: nosuch\n"), ("3", "Conflicts: sm-test-base\n")] {
        offer(host, "docker.io", version, fields, &[]);
        for line in ["plan upgrade", "upgrade"] {
            let reply = warns(host, line, &[STAYS, "upgrade it alone to see what"]);
            assert_eq!(reply.json["changed"], false, "{line}: {:#}", reply.json);
        }
        // Which it does.
        ask(host, "package upgrade docker.io").expect("plan_refused");
    }
    host.root("apt-mark hold docker.io").ok();
    warns(host, "upgrade", &[STAYS, "it is held"]);
    // Beside what is upgraded.
    host.root("apt-get -qq install --yes sm-test-old=1").ok();
    assert_eq!(warns(host, "upgrade", &[STAYS, "it is held"]).json["changed"], true);
});

host_once!(what_provides_a_name_that_is_not_there_is_told, ready_test_policy, |host| {
    const PROVIDES: &str = "vp1, which is installed, provides it";
    offer(host, "vp1", "1", "Provides: x, docker.io (= 3)\n", &[]);
    assert_eq!(
        ask(host, "package remove docker.io").expect("ok").json["warnings"].to_string(),
        "null"
    );
    host.root("apt-get -qq install --yes vp1").ok();
    for line in ["remove docker.io", "plan remove docker.io"] {
        assert_eq!(warns(host, line, &[PROVIDES]).json["changed"], false);
    }
    // Where its settings are left, it is known, and no more there.
    offer(host, "docker.io", "1", "", &[("postrm", "exit 0")]);
    ask(host, "package install docker.io").expect("ok");
    assert_eq!(ask(host, "package remove docker.io").expect("ok").json["changed"], true);
    warns(host, "remove docker.io", &[PROVIDES]);
    let reply = ask(host, "package upgrade docker.io").expect("command_failed");
    assert!(reply.json["error"].to_string().contains(PROVIDES), "{:#}", reply.json);
});

/// `package LINE` fails, and error and hint have these words.
#[track_caller]
fn fails(host: &Host, line: &str, words: &[&str]) {
    let reply = ask(host, &format!("package {line}")).expect("command_failed");
    let told = format!("{} {}", reply.json["error"], reply.json["hint"]);
    for word in words {
        assert!(told.contains(word), "{line}: {word}: {:#}", reply.json);
    }
}

host_once!(what_pacman_leaves_or_lacks_is_told, bare_arch, |host| {
    set_up(host);
    host.root("pacman -U --noconfirm /srv/pacman/sm-test-old-1-1-any.pkg.tar.zst; cp /etc/pacman.conf /root").ok();
    host.root("sed -i 's/^\\[options\\]$/&\\nIgnorePkg = sm-test-old/' /etc/pacman.conf").ok();
    warns(host, "upgrade", &["sm-test-old stays at 1-1, although 2-1 is available"]);
    host.root("cp /root/pacman.conf /etc/pacman.conf").ok();

    // A package that the source has no more, in that version.
    host.root("mv /srv/pacman/git-* /srv").ok();
    fails(
        host,
        "install git",
        &[
            "failed retrieving file 'git-",
            "out of date: the source now has another version",
            "sm-helper package upgrade",
        ],
    );
    host.root("mv /srv/git-* /srv/pacman").ok();
    // One source of two is not there, and was never read.
    host.root("printf '[gone]\\nServer = file:///srv/gone\\n' >>/etc/pacman.conf").ok();
    fails(
        host,
        "upgrade",
        &["1 of 2 package sources could not be read: gone;", "/etc/pacman.conf"],
    );
    fails(
        host,
        "install git",
        &["could not find database", "was never read", "sm-helper package upgrade"],
    );
    host.root("cp /root/pacman.conf /etc/pacman.conf; rm /var/lib/pacman/sync/*").ok();
    fails(host, "install git", &["target not found", "never read", "sm-helper package upgrade"]);
    ask(host, "package upgrade").expect("ok");
    ask(host, "package install git").expect("ok");
});

host_once!(a_hook_of_pacmans_that_fails_is_named, bare_arch, |host| {
    set_up(host);
    let hook = |when: &str, more: &str| {
        host.root("mkdir -p /etc/pacman.d/hooks").ok();
        host.write("/etc/pacman.d/hooks/a.hook", format!("[Trigger]\nOperation=Install\nType=Package\nTarget=*\n[Action]\nWhen={when}\nExec=/bin/false\n{more}"));
    };
    hook("PreTransaction", "AbortOnFail\n");
    fails(host, "install git", &["before it changed anything", ": a.hook", "/etc/pacman.d/hooks"]);
    hook("PostTransaction", "");
    fails(
        host,
        "install git",
        &["the packages were changed, but a hook", ": a.hook", "/etc/pacman.d/hooks"],
    );
});

host_once!(what_is_installed_and_can_not_be_read_is_told_in_whole, ready_test_policy, |host| {
    host.root("cp /var/lib/dpkg/status /root; echo 'Junk here' >>/var/lib/dpkg/status").ok();
    for line in ["install git", "repair", "plan upgrade"] {
        let words = [
            "cannot read what is installed",
            "'/var/lib/dpkg/status' near line ",
            "field name 'Junk'",
            "status-old",
        ];
        fails(host, line, &words);
    }
    host.root("cp /root/status /var/lib/dpkg/status").ok();
    ask(host, "package install sm-test-base").expect("ok");
});

host_once!(what_pacman_can_not_read_is_told_in_whole, bare_arch, |host| {
    set_up(host);
    ask(host, "package install sm-test-base").expect("ok");
    let record = "/var/lib/pacman/local/sm-test-base-1-1";
    for lost in ["desc", "files"] {
        host.root(&format!("mv {record}/{lost} /root")).ok();
        for action in ["install", "upgrade", "remove"] {
            let reply = ask(host, &format!("package {action} sm-test-base")).expect("plan_refused");
            assert!(
                reply.json["error"].to_string().contains(&format!("{record}/{lost} is missing")),
                "{:#}",
                reply.json
            );
        }
        host.root(&format!("mv /root/{lost} {record}")).ok();
    }
    ask(host, "package remove sm-test-base").expect("ok");
    host.root("sed -i 's/^\\[options\\]$/&\\nRootDir = \\/tmp\\/none/' /etc/pacman.conf").ok();
    fails(
        host,
        "install git",
        &["cannot read what is installed", "root: /tmp/none", "could not find or read directory"],
    );
});
