//! Packages for more than one architecture: a name means that of the host, as for apt.

use crate::ask;
use crate::host::{Host, host_once};
use crate::offered::planned;

/// Packages for two architectures, all of which the test policy names: `git` is there for both and
/// only one of them can be, `curl` can be there for both, `htop` for either; `docker.io` is there
/// for the foreign one alone.
fn offer(host: &Host) {
    let mut script =
        "set -e; dpkg --add-architecture i386; rm -f /srv/apt/*.deb; cd /tmp\n".to_owned();
    for (name, architecture, more) in [
        ("git", "i386", ""),
        ("git", "amd64", ""),
        ("curl", "i386", "Multi-Arch: same\\n"),
        ("curl", "amd64", "Multi-Arch: same\\n"),
        ("docker.io", "i386", ""),
    ] {
        script += &format!(
            "mkdir -p d/DEBIAN; printf 'Package: {name}\\nVersion: 1\\nArchitecture: {architecture}\\nMaintainer: tests <tests@localhost>\\nDescription: x\\n{more}' >d/DEBIAN/control
             dpkg-deb -Zgzip -b d /srv/apt/{name}_1_{architecture}.deb; rm -r d\n"
        );
    }
    script += "cd /srv/apt; apt-ftparchive packages . >Packages; rm Release; apt-get -qq update";
    host.root(&script).ok();
}

fn there(host: &Host) -> String {
    let script = "dpkg-query -W -f '${Package}:${Architecture} ${db:Status-Status}\n' git curl docker.io | sed -n 's/ installed$//p'";
    host.root(script).stdout_text().lines().collect::<Vec<_>>().join(" ")
}

fn apt(host: &Host, words: &str) {
    host.root(&format!("apt-get -qq --yes {words}")).ok();
}

#[track_caller]
fn refuses(host: &Host, line: &str, code: &str, words: &str) {
    let before = there(host);
    let reply = ask(host, line).expect(code);
    let error = reply.json["error"].as_str().unwrap_or_default();
    assert!(error.contains(words) && reply.json["hint"].is_string(), "{line}: {:#}", reply.json);
    assert_eq!(there(host), before, "{line}");
}

host_once!(a_name_means_the_package_for_this_host, ready_test_policy, |host| {
    offer(host);
    apt(host, "install git:i386 curl:i386");
    let before = there(host);

    // It is not there, and does not go as another one.
    for name in ["git", "curl"] {
        refuses(host, &format!("package remove {name}"), "plan_refused", &format!("{name}:i386"));
        let words = format!("{name}:i386 is installed");
        refuses(host, &format!("package upgrade {name}"), "command_failed", &words);
    }
    refuses(host, "package install git", "plan_refused", "also remove git:i386");
    assert_eq!(there(host), before);

    // Where both can be there both are, and one goes alone.
    let reply = ask(host, "package install curl").expect("ok");
    assert_eq!(planned(&reply), "install curl 1");
    assert_eq!(there(host), "curl:amd64 curl:i386 git:i386");
    let reply = ask(host, "package install curl").expect("ok");
    assert_eq!(reply.json["changed"], false);
    ask(host, "package remove curl").expect("ok");
    assert_eq!(there(host), "curl:i386 git:i386");
    refuses(host, "package remove curl", "plan_refused", "curl:i386");

    // What somebody holds for the one says nothing of the other.
    host.root("apt-mark hold curl:i386").ok();
    ask(host, "package install curl").expect("ok");
    ask(host, "package remove curl").expect("ok");
    host.root("apt-mark hold git:i386").ok();
    refuses(host, "package install git", "plan_refused", "git : Conflicts: git:i386");
});

host_once!(what_there_is_for_another_architecture_alone_is_meant, ready_test_policy, |host| {
    offer(host);
    let reply = ask(host, "package install docker.io").expect("ok");
    assert_eq!(planned(&reply), "install docker.io:i386 1");
    assert_eq!(there(host), "docker.io:i386");
    for action in ["install", "upgrade"] {
        let reply = ask(host, &format!("package {action} docker.io")).expect("ok");
        assert_eq!(reply.json["changed"], false, "{action}");
    }
    host.root("apt-mark hold docker.io:i386").ok();
    refuses(host, "package remove docker.io", "plan_refused", "docker.io:i386, which is held");
    host.root("apt-mark unhold docker.io:i386").ok();
    let reply = ask(host, "package remove docker.io").expect("ok");
    assert_eq!(planned(&reply), "remove docker.io:i386 1");
    assert_eq!(there(host), "");
    let reply = ask(host, "package remove docker.io").expect("ok");
    assert_eq!(reply.json["changed"], false);
});
