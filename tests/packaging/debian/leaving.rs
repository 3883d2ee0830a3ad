//! Remove and purge: no rule for what is gone, then nothing at all.

use super::{APT, NARROW, Packages, set_up};
use crate::group;
use crate::host::{host_once, host_test};

const BY_HAND: &str = "other ALL=(root) NOPASSWD: /usr/bin/sm-helper version\n";

host_test!(a_removal_takes_every_way_in_and_a_purge_takes_all, bare, |host| {
    host.fetch();
    host.root("useradd 'we ird' --badname").ok();
    let before = host.everything();
    host.apt_install(NARROW).ok();
    set_up(host);
    host.root("sm setup-sudo --user 'we ird'; sm setup-sudo --group sudo; mkdir /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]\n",
    );
    host.write("/etc/sudoers.d/by-hand", BY_HAND);
    host.root("chmod 0440 /etc/sudoers.d/by-hand && visudo -c").ok();
    host.is_well("installed");

    let done = host.apt("remove sm-helper");
    assert_eq!(done.status, Some(0), "{done}");
    assert_eq!(host.root("ls /etc/sudoers.d").ok(), "README\nby-hand\n");
    let said = done.stderr_text();
    assert!(
        said.contains("removed /etc/sudoers.d/sm-agent")
            && said.contains("made by hand, and still for")
            && said.contains("/etc/sm, /var/log/sm, /var/lib/sm and the group sm stay"),
        "{done}"
    );
    host.root("visudo -c; test ! -e /usr/bin/sm -a ! -e /usr/bin/sm-helper").ok();
    assert_eq!(host.root("systemctl list-units --all --plain --no-legend 'sm*'; ls /etc/systemd/system/sockets.target.wants | grep ^sm").stdout_text(), "");
    assert!(!host.exists("/run/sm/sm.sock"));
    assert_eq!(host.root("getent group sm").ok().split(':').next_back(), Some("agent\n"));
    for kept in ["/etc/sm/policy.toml", "/var/log/sm/audit.jsonl", "/etc/logrotate.d/sm"] {
        assert!(host.exists(kept), "{kept}");
    }

    // Later it lets nobody in by itself either, and then the account is let in as before.
    host.apt_install(NARROW).ok();
    assert!(!host.exists("/etc/sudoers.d/sm-agent"));
    host.ask("service status nginx").expect("not_privileged");
    set_up(host);
    host.is_well("installed again");
    host.ask("service stop nginx").expect("denied");

    host.root("rm /etc/sudoers.d/by-hand").ok();
    let done = host.apt("purge sm-helper");
    assert_eq!(done.status, Some(0), "{done}");
    assert!(done.stderr_text().contains("the audit log stays in /var/log/sm"), "{done}");
    let left: Vec<String> = host.everything().difference(&before).cloned().collect();
    assert_eq!(left, ["/var/log/sm", "/var/log/sm/audit.jsonl"]);
    let lost: Vec<String> = before.difference(&host.everything()).cloned().collect();
    assert_eq!(lost, Vec::<String>::new());
    host.root("visudo -c").ok();
    assert_eq!(host.root("debconf-show sm-helper").ok(), "");

    // And with a yes the log goes too. What was kept of it before is taken over.
    host.apt_install(NARROW).ok();
    set_up(host);
    host.is_well("with the log of before");
    host.root("echo 'sm-helper sm-helper/remove-audit-log boolean true' | debconf-set-selections")
        .ok();
    let done = host.apt("purge sm-helper");
    assert_eq!(done.status, Some(0), "{done}");
    assert!(!done.stderr_text().contains("stays in"), "{done}");
    let after = host.everything();
    assert_eq!(before.symmetric_difference(&after).collect::<Vec<_>>(), Vec::<&String>::new());
});

host_once!(a_purge_takes_only_a_group_that_was_made_here, bare, |host| {
    host.fetch();
    let install = format!("{APT} install --reinstall /srv/{NARROW}.deb");
    let purge = format!("{APT} purge sm-helper");
    // prerm needs the program, and keeps it where that does not work.
    group::only_ours_goes(host, "", &install, &purge);
    // Where it is the group of an account, it cannot go, and all else does.
    host.root(&format!("{install}; useradd -g sm keeper")).ok();
    let done = host.root(&purge);
    assert_eq!(done.status, Some(0), "{done}");
    assert!(done.stderr_text().contains("the group sm stays"), "{done}");
    host.root("getent group sm && test ! -e /var/lib/sm && ! dpkg -s sm-helper").ok();
});

host_test!(a_rule_that_can_not_be_taken_away_keeps_the_program, bare, |host| {
    host.fetch();
    host.apt_install(NARROW).ok();
    set_up(host);
    host.root("sm setup-sudo --group sudo; cd /etc/sudoers.d; mount --bind sm-agent sm-agent").ok();
    let done = host.apt("remove sm-helper");
    assert_ne!(done.status, Some(0), "{done}");
    host.root(
        "umount /etc/sudoers.d/sm-agent; dpkg --configure -a; test -e /etc/sudoers.d/sm-%sudo",
    )
    .ok();
    host.is_well("what could not be removed");
    host.apt("remove sm-helper").ok();
    assert_eq!(host.root("ls /etc/sudoers.d").ok(), "README\n");
});
