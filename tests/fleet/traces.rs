//! What is left on a host: files, mounts, processes, and what changed.

use crate::host::Host;
use crate::wait_until;

/// Everywhere where something could have been staged, with what a login, sudo and mount(8)
/// themselves leave there left out.
const PLACES: &str = r"
find /tmp /var/tmp /dev/shm /run /mnt /media /srv /opt /home /root /usr/local /etc -xdev \
    \( -path /run/systemd -o -path /run/user -o -path /run/log -o -path /run/sudo -o -path /run/sudo-rs -o -path /run/sshd \
    -o -path /run/mount -o -path /run/lock -o -path /run/dbus -o -path /srv/apt -o -name 'systemd-private-*' \) -prune \
    -o ! -name .sudo_as_admin_successful ! -name motd.dynamic -printf '%p %y %m %U\n' | sort
findmnt -rno TARGET,SOURCE,FSTYPE | grep -v /run/user | sort
";

/// The processes that nobody but us would have started, the sessions of ssh among them, and
/// the mounts that they have for themselves.
const RUNNING: &str = r"
ps -eo pid=,user=,args= | grep -E 'sshd:|timeout -s KILL|timeout --signal|unshare|sm-[0-9a-f]{32}|setup-sudo|sm-helper' |
    grep -Ev 'grep|sshd: /usr/sbin/sshd|/bin/bash -c' || true
grep -lE ' - tmpfs sm ' /proc/[0-9]*/mountinfo 2>/dev/null || true
";

/// The files and mounts of a host.
pub fn places(host: &Host) -> String {
    host.root(PLACES).ok()
}

/// Panics unless all that was begun on a host has ended and there is nothing that was not there
/// before.
#[track_caller]
pub fn nothing_left(host: &Host, before: &str) {
    ends(host);
    let after = places(host);
    let new: Vec<&str> =
        after.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
    assert!(new.is_empty(), "left: {new:#?}");
}

/// The same on a host that was set up: beside what an installation is there is nothing.
#[track_caller]
pub fn only_installed(host: &Host, before: &str) {
    ends(host);
    let ours = [
        "/usr/local/bin/sm ",
        "/usr/local/bin/sm-helper ",
        "/etc/sudoers.d/sm-",
        "/run/sm",
        "/etc/sm ",
    ];
    let after = places(host);
    let new: Vec<&str> = after
        .lines()
        .filter(|line| !before.lines().any(|old| old == *line))
        .filter(|line| !ours.iter().any(|own| line.starts_with(own)))
        .collect();
    assert!(new.is_empty(), "left: {new:#?}");
}

/// Waits until nothing that was begun runs any more.
#[track_caller]
pub fn ends(host: &Host) {
    let mut running = String::new();
    wait_until("what was begun has ended", || {
        running = host.root(RUNNING).ok();
        if !running.is_empty() {
            eprintln!("{running}");
        }
        running.is_empty()
    });
}
