//! Packages by apt: what the reply says is what dpkg says.

use crate::ask;
use crate::host::{Host, host_once, host_test};

/// A small real package of Debian's and a file that it brings.
const PACKAGES: [(&str, &str); 6] = [
    ("git", "/usr/bin/git"),
    ("htop", "/usr/bin/htop"),
    ("rsync", "/usr/bin/rsync"),
    ("curl", "/usr/bin/curl"),
    ("ufw", "/usr/sbin/ufw"),
    ("trash-cli", "/usr/bin/trash"),
];

/// It lies on this machine's disk, and takes long to be put there safely.
fn hurry(host: &Host) {
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
}

fn installed(host: &Host) -> String {
    host.root("dpkg-query -W -f '${Package} ${Version} ${Status}\n'").ok()
}

/// Asks for what is so already, or cannot be: nothing at all may change.
#[track_caller]
fn changes_nothing(host: &Host, line: &str, code: &str) {
    let before = installed(host);
    let reply = ask(host, line).expect(code);
    assert_eq!(reply.json["changed"], false, "{line}: {:#}", reply.json);
    assert_eq!(installed(host), before, "{line}");
}

host_test!(packages_come_and_go, all, |host| {
    hurry(host);
    for (name, file) in PACKAGES {
        assert!(!host.has_package(name) && !host.exists(file), "{name} is there already");
        // An upgrade is no installation.
        let before = installed(host);
        host.helper(&["package", "upgrade", name]);
        assert_eq!(installed(host), before, "upgrade {name}");

        let reply = ask(host, &format!("package install {name}")).expect("ok");
        assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
        assert_eq!(reply.json["returncode"], 0);
        assert_eq!(reply.json["operation"]["name"], name);
        assert!(host.has_package(name) && host.exists(file), "{name}");

        changes_nothing(host, &format!("package install {name}"), "ok");
        changes_nothing(host, &format!("package upgrade {name}"), "ok");
    }
    for (name, file) in PACKAGES {
        let reply = ask(host, &format!("package remove {name}")).expect("ok");
        assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
        assert!(!host.has_package(name) && !host.exists(file), "{name}");
        changes_nothing(host, &format!("package remove {name}"), "ok");
    }
    // Removed, not purged: its settings are there for when it comes back.
    assert!(host.exists("/etc/ufw/ufw.conf"));

    // What they brought along is not needed any more.
    assert!(host.has_package("git-man"));
    let reply = ask(host, "package autoremove").expect("ok");
    assert_eq!(reply.json["changed"], true);
    assert!(!host.has_package("git-man"));
    changes_nothing(host, "package autoremove", "ok");
});

host_test!(a_name_is_no_pattern, |host| {
    // The policy allows docker.io; the repository has only dockerxio, which it would match
    // were it a regular expression.
    for action in ["install", "upgrade", "remove"] {
        let reply = ask(host, &format!("package {action} docker.io")).expect("command_failed");
        assert_eq!(reply.json["changed"], false, "{action}");
        assert!(!host.has_package("dockerxio"), "{action}");
        assert!(!host.exists("/var/lib/dockerxio.installed"), "{action}");
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.contains("Unable to locate package docker.io"), "{action}: {error}");
    }
    // Nor may what is there be taken away by a pattern.
    host.root("apt-get -qq install --yes dockerxio").ok();
    changes_nothing(host, "package remove docker.io", "command_failed");
    assert!(host.has_package("dockerxio"));
});

host_test!(all_packages_are_looked_after, all, |host| {
    hurry(host);
    // Nothing to do is no change.
    changes_nothing(host, "package upgrade", "ok");
    // The first time apt puts its lock there.
    host.root("apt-get -qq autoclean").ok();
    changes_nothing(host, "package autoclean", "ok");

    host.root("apt-get -qq install --yes sm-test-old=1 sm-test-conffile=1 htop").ok();
    // An upgrade of one is none of another.
    changes_nothing(host, "package upgrade htop", "ok");
    assert_eq!(host.read("/usr/share/sm-test-old/version"), "1\n");
    let reply = ask(host, "package upgrade").expect("ok");
    assert_eq!(reply.json["changed"], true);
    assert!(reply.json["operation"]["name"].is_null());
    assert_eq!(host.read("/usr/share/sm-test-old/version"), "2\n");
    changes_nothing(host, "package upgrade", "ok");

    // The lists are read anew: a package that appears in the repository can be installed.
    ask(host, "package install docker.io").expect("command_failed");
    host.root(
        "set -e; cd /srv/apt; dpkg-deb -R dockerxio_1_all.deb /tmp/d
         sed -i s/dockerxio/docker.io/ /tmp/d/DEBIAN/control
         dpkg-deb -b /tmp/d docker.io_1_all.deb; apt-ftparchive packages . >Packages
         apt-ftparchive -o APT::FTPArchive::Release::Origin=tests release . >/tmp/Release; mv /tmp/Release .",
    )
    .ok();
    let reply = ask(host, "package update").expect("ok");
    assert_eq!(reply.json["changed"], true);
    ask(host, "package install docker.io").expect("ok");
    assert!(host.has_package("docker.io") && !host.has_package("dockerxio"));

    // A repository that cannot be read is a failure, not a warning.
    host.write("/etc/apt/sources.list.d/gone.list", "deb [trusted=yes] file:/srv/gone ./\n");
    let reply = ask(host, "package update").expect("command_failed");
    assert!(reply.json["error"].as_str().is_some_and(|error| error.contains("/srv/gone")));

    // Old packages in the cache are thrown away, and only they.
    host.root("rm /etc/apt/sources.list.d/gone.list; apt-get -qq update").ok();
    host.root("cp /srv/apt/sm-test-old_1_all.deb /srv/apt/sm-test-old_2_all.deb /var/cache/apt/archives; rm /srv/apt/sm-test-old_1_all.deb; cd /srv/apt; apt-ftparchive packages . >Packages; rm Release; apt-get -qq update").ok();
    let reply = ask(host, "package autoclean").expect("ok");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    assert!(!host.exists("/var/cache/apt/archives/sm-test-old_1_all.deb"));
    assert!(host.exists("/var/cache/apt/archives/sm-test-old_2_all.deb"));
});

host_once!(a_host_with_no_package_manager_says_so, |host| {
    host.root("mkdir /root/away; mv /usr/bin/apt-get /usr/bin/pacman /root/away").ok();
    for line in [
        "package install git",
        "package remove git",
        "package upgrade git",
        "package upgrade",
        "package update",
        "package autoremove",
        "package autoclean",
    ] {
        let reply = ask(host, line).expect("unsupported");
        assert!(reply.json["argv"].is_null() && reply.json["returncode"].is_null(), "{line}");
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.contains("apt-get") && error.contains("pacman"), "{error}");
        assert_eq!(ask(host, &format!("{line} --dry-run")).code(), "unsupported", "{line}");
    }
    assert!(ask(host, "list").expect("ok").json["package_manager"].is_null());
    // What the policy does not allow is refused first, and services are as ever.
    ask(host, "package install nmap").expect("denied");
    ask(host, "service restart nginx").expect("ok");
});
