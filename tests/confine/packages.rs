//! Package managers, and all that a package's scripts do.

use crate::host::{Host, Sudo, host_once, host_test};
use crate::{PROGRAM, ask, capabilities, only, put_tries, tried_in};
use std::thread;

/// Offers a package with these lines as its `postinst`.
fn offer(host: &Host, name: &str, postinst: &str) {
    let script = format!(
        "set -e; tree=$(mktemp -d); mkdir $tree/DEBIAN
        printf 'Package: {name}\\nVersion: 99:1\\nArchitecture: all\\nMaintainer: m <m@localhost>\\nDescription: d\\n' >$tree/DEBIAN/control
        printf '#!/bin/sh\\n%s\\n' \"$1\" >$tree/DEBIAN/postinst; chmod 0755 $tree $tree/DEBIAN/postinst
        dpkg-deb -Zgzip -z1 --build $tree /srv/apt >/dev/null
        cd /srv/apt; rm -f Release; apt-ftparchive packages . >Packages; apt-get -qq update"
    );
    host.command("root", &["/bin/bash", "-c", &script, "offer", postinst]).run().ok();
}

host_test!(a_packages_script_changes_packages_and_not_what_is_closed_to_it, all, |host| {
    put_tries(host);
    host.write("/tmp/of-an-account", "");
    offer(host, "git", &format!("{PROGRAM}; ls -A /tmp >&2; touch /tmp/left /srv/made"));
    let reply = ask(host, "package install git").expect("ok");
    let tried = tried_in(&reply);
    let of_its_own = ["etc", "usr", "srv", "var", "run", "tmp", "fifo", "mode", "owner", "times"];
    let network = ["unix", "inet", "inet6"];
    // It may sandbox what it starts, and the rest is of no use against what is closed to it.
    let rest = ["unshare-mount", "unshare-user", "clone3", "mount", "kill", "keyctl", "add_key"];
    let rings = ["io_uring_setup"];
    only(&tried, &[&of_its_own[..], &network, &rest, &rings].concat());
    // CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_PTRACE, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_BPF.
    for dropped in [16, 17, 19, 22, 25, 39] {
        assert_eq!(capabilities(&tried, "CapBnd") & (1 << dropped), 0, "{dropped}");
    }
    assert!(reply.json["warnings"].is_null(), "{reply:?}");
    // Its temporary files are its own, and nothing of an account's is among them.
    assert!(host.exists("/srv/made") && !host.exists("/tmp/left"));
    assert!(!reply.json["stderr"].to_string().contains("of-an-account"), "{reply:?}");
});

host_test!(the_reply_names_what_was_closed_to_a_package, all, |host| {
    for (line, code) in [("true", "ok"), ("exit 3", "command_failed")] {
        // As the site policy is not there, nor is its folder.
        host.root("rm -rf /etc/sm; apt-get -qq --purge remove git || true").ok();
        for (path, shown) in [
            ("/etc/sudoers.d/evil", "/etc/sudoers.d/evil"),
            ("/etc/sm/policy.toml", "/etc/sm/policy.toml"),
            ("/home/agent/.bashrc", "/home/agent/.bashrc"),
        ] {
            offer(host, "git", &format!("echo evil >{path}; {line}"));
            let reply = ask(host, "package install git").expect(code);
            let warnings = reply.json["warnings"].to_string();
            assert!(warnings.contains("closed to package operations"), "{path}: {reply:?}");
            assert!(warnings.contains(shown), "{path}: {warnings}");
            assert!(warnings.contains("apt-get install git"), "{warnings}");
            let text = host.root(&format!("cat {path} || true")).stdout_text();
            assert!(!text.contains("evil"), "{path}: {text}");
            host.root("dpkg --purge --force-all git").ok();
        }
    }
    assert!(!host.exists("/etc/sudoers.d/evil") && !host.exists("/etc/sm/policy.toml"));
});

// sudo's own package has to change its rules, and only that.
host_once!(the_package_of_sudo_may_change_its_rules, ready_test_policy, |host| {
    offer(host, "sudo", "echo '# new' >>/etc/sudoers; echo evil >/root/evil || true");
    // Its files go, the program too: that is the last that the account asks for by it.
    ask(host, "package upgrade sudo").expect("ok");
    assert!(host.read("/etc/sudoers").ends_with("# new\n"));
    assert!(!host.exists("/root/evil"));
});

/// What etckeeper, apt-listchanges and others have apt do around an operation: a commit of all of `/etc`, a
/// look at what comes, something as another account.
const HOOKS: &str = r#"
DPkg::Pre-Invoke { "cd /etc && git add --all && git commit --quiet -m before"; };
DPkg::Pre-Install-Pkgs { "cat >/var/log/listed; runuser -u man -- id -un >/var/log/account"; };
DPkg::Post-Invoke { "cd /etc && git add --all && git commit --quiet -m after"; };
"#;

host_once!(hooks_of_apt_do_what_they_do_without_confinement, |host| {
    let set_up = "set -e; apt-get -qq --yes install git; cd /etc; git init --quiet; \
        git config user.name m; git config user.email m@localhost";
    host.root(set_up).ok();
    host.write("/etc/apt/apt.conf.d/99hooks", HOOKS);
    let reply = ask(host, "package install rsync").expect("ok");
    assert!(reply.json["warnings"].is_null(), "{reply:?}");
    let log = host.root("cd /etc; git log --format=%s; git show --name-only --format=").ok();
    assert!(log.starts_with("after\nbefore\n") && log.contains("\ninit.d/rsync\n"), "{log}");
    assert!(host.read("/var/log/listed").contains("/rsync_"));
    assert_eq!(host.read("/var/log/account"), "man\n");
});

/// In the default policy, and not installed: two with a service, one that is set up by debconf.
const INSTALLED: [&str; 7] = ["git", "curl", "htop", "rsync", "ufw", "trash-cli", "fail2ban"];

/// Installed, with scripts; a newer version of each comes along with the others of its source.
const UPGRADED: [&str; 9] = [
    "nginx-common",
    "openssh-server",
    "dbus",
    "zsh-common",
    "man-db",
    "procps",
    "adduser",
    "passwd",
    "bash-completion",
];

/// What is there afterwards: packages, files in /etc, and units.
fn state(host: &Host) -> Vec<String> {
    // Of each host its own, or by the time.
    let own = r"/etc/(machine-id|ssh/ssh_host_|hosts|hostname|\.updated|resolv.conf|ld.so.cache|apt/|ssl/certs/|sudoers.d/sm-)";
    let script = format!(
        "dpkg-query --show --showformat='${{db:Status-Abbrev}} ${{Package}} ${{Version}}\n'
        find /etc -xdev -printf '%p \n' | sort | grep -vE '{own}' | while read -r path; do
            stat --format='%n %A %U:%G' \"$path\"
            [ ! -f \"$path\" ] || [ -L \"$path\" ] || sha256sum \"$path\"
        done
        systemctl list-unit-files --no-legend --no-pager --plain
        for unit in nginx ssh dbus rsync ufw fail2ban; do
            systemctl show --property=Id,LoadState,ActiveState,UnitFileState $unit
        done"
    );
    let text = host.root(&script).ok();
    text.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn real_packages_are_installed_and_upgraded_as_without_confinement() {
    let upgrade = UPGRADED.map(|name| format!("/srv/bump {name}")).join("; ");
    // fail2ban does not start without the log that it watches.
    let set_up =
        |host: &Host| host.root(&format!("set -e; touch /var/log/auth.log; {upgrade}")).ok();
    let confined = || {
        let host = Host::ready(Sudo::Classic);
        set_up(&host);
        for name in INSTALLED {
            let reply = ask(&host, &format!("package install {name}")).expect("ok");
            assert!(reply.json["warnings"].is_null(), "{name}: {reply:?}");
        }
        let reply = ask(&host, "package upgrade").expect("ok");
        let upgraded = reply.json["plan"]["upgrade"].as_array().map_or(0, Vec::len);
        println!("{upgraded} upgraded");
        assert!(upgraded >= 13, "{reply:?}");
        state(&host)
    };
    let plain = || {
        let host = Host::ready(Sudo::Classic);
        set_up(&host);
        let apt = "DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get -qq --yes \
            -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold";
        for name in INSTALLED {
            host.root(&format!("{apt} install {name}")).ok();
        }
        host.root(&format!("{apt} --with-new-pkgs upgrade")).ok();
        state(&host)
    };
    let (confined, plain) = thread::scope(|scope| {
        let confined = scope.spawn(confined);
        let plain = plain();
        (confined.join().expect("confined"), plain)
    });
    assert!(plain.len() > 1000, "{plain:#?}");
    let only_in = |one: &[String], other: &[String]| {
        one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
    };
    let (lacking, more) = (only_in(&plain, &confined), only_in(&confined, &plain));
    assert!(lacking.is_empty() && more.is_empty(), "lacking: {lacking:#?}\nmore: {more:#?}");
}
