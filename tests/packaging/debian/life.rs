//! From the first install through upgrades: what an administrator has set up stays.

use super::{APT, NARROW, NEXT, Packages, set_up};
use crate::host::{host_test, log};

const SITE: &str = "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]\n";

host_test!(an_install_lets_nobody_in_and_an_upgrade_keeps_what_was_set_up, bare, |host| {
    host.fetch();
    let done = host.apt_install(NARROW);
    done.ok();
    assert!(done.stderr_text().contains("to allow one: sm setup-sudo --user"), "{done}");
    assert_eq!(
        host.root("stat -c '%n %U:%G %a' /run/sm /var/lib/sm /var/log/sm").ok(),
        "/run/sm root:root 755\n/var/lib/sm root:root 700\n/var/log/sm root:adm 750\n"
    );
    assert!(host.root("getent group sm").ok().ends_with(":\n"), "the group is empty");
    assert!(!host.root("ls /etc/sudoers.d").ok().contains("sm-"), "it lets nobody in by itself");
    assert_ne!(host.root("systemctl is-active sm.socket").status, Some(0));
    host.ask("service status nginx").expect("not_privileged");

    set_up(host);
    let rule = "agent ALL=(root) NOPASSWD: NOSETENV: /usr/bin/sm-helper\n";
    assert!(host.read("/etc/sudoers.d/sm-agent").ends_with(rule));
    host.is_well("installed");

    host.root("mkdir -p /etc/sm").ok();
    host.write("/etc/sm/policy.toml", SITE);
    host.root("echo '# mine' >>/etc/logrotate.d/sm").ok();
    let kept = "cat /etc/sudoers.d/sm-agent /etc/sm/policy.toml; stat -c '%i %a' /etc/sudoers.d/sm-agent; \
                readlink /etc/systemd/system/sockets.target.wants/sm.socket; getent group sm";
    let before = host.root(kept).ok();
    for (case, name, version) in [
        ("upgraded", NEXT, "99-1"),
        ("installed again", NEXT, "99-1"),
        ("downgraded", NARROW, concat!(env!("CARGO_PKG_VERSION"), "-1")),
    ] {
        let (records, program) = (log(host).len(), host.root("stat -c %i /usr/bin/sm-helper").ok());
        let done = host.apt_install(name);
        assert_eq!(done.status, Some(0), "{case}: {done}");
        assert!(!done.stderr_text().contains("to allow one:"), "{case}: {done}");
        assert_eq!(host.root("dpkg-query -Wf '${Version}' sm-helper").ok(), version, "{case}");
        assert_ne!(host.root("stat -c %i /usr/bin/sm-helper").ok(), program, "{case}");
        assert_eq!(host.root(kept).ok(), before, "{case}");
        assert!(host.read("/etc/logrotate.d/sm").ends_with("# mine\n"), "{case}");
        host.is_well(case);
        host.ask("service stop nginx").expect("denied");
        assert!(log(host).len() > records, "{case}: the log goes on");
        assert_eq!(host.root("dpkg --audit").ok(), "", "{case}");
    }
});

host_test!(another_installation_is_told_of_and_left_alone, boot, |host| {
    host.fetch();
    host.root(
        "/usr/local/bin/sm setup-sudo --user other && /usr/local/bin/sm setup-broker --user other",
    )
    .ok();
    let done = host.apt_install(NARROW);
    done.ok();
    assert!(
        done.stderr_text().contains("another one is installed, /usr/local/bin/sm-helper"),
        "{done}"
    );
    host.root("/usr/bin/sm setup-sudo --user agent").ok();
    assert!(host.read("/etc/sudoers.d/sm-agent").ends_with(": /usr/bin/sm-helper\n"));
    host.apt_install(NEXT).ok();
    let done = host.apt("purge sm-helper");
    assert_eq!(done.status, Some(0), "{done}");
    assert!(done.stderr_text().contains("stay for the other installation"), "{done}");
    assert!(!host.exists("/etc/sudoers.d/sm-agent") && host.exists("/etc/sudoers.d/sm-other"));
    host.root("visudo -c && /usr/local/bin/sm setup-sudo --check --user other && /usr/local/bin/sm setup-broker --check --user other").ok();
});

// As in a container, or a folder that is made into one.
host_test!(it_installs_where_there_is_no_systemd, bare, |host| {
    host.fetch();
    let before = host.everything();
    let without = |script: &str| {
        host.root(&format!(
            "unshare --mount --propagation private bash -euc 'mount -t tmpfs none /run/systemd; \
             for each in systemctl systemd-sysusers systemd-tmpfiles deb-systemd-invoke; do \
             mount --bind /dev/null /usr/bin/$each; done; {script}'"
        ))
    };
    without(&format!("{APT} install /srv/{NARROW}.deb")).ok();
    assert_eq!(
        host.root("stat -c '%n %U:%G %a' /run/sm /var/lib/sm /var/log/sm").ok(),
        "/run/sm root:root 755\n/var/lib/sm root:root 700\n/var/log/sm root:adm 750\n"
    );
    assert!(host.root("getent group sm").status == Some(0));
    without("sm setup-sudo --user agent").ok();
    without(&format!("{APT} install /srv/{NEXT}.deb")).ok();
    let done = without(&format!("{APT} purge sm-helper; rmdir /var/log/sm || rm -r /var/log/sm"));
    assert_eq!(done.status, Some(0), "{done}");
    let after = host.everything();
    assert_eq!(before.symmetric_difference(&after).collect::<Vec<_>>(), Vec::<&String>::new());
});
