//! What others have written is quoted, and never run.

use crate::case::Doctor;
use crate::host::{Host, Sudo};

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn nothing_that_is_quoted_moves_the_terminal() {
    let host = Host::ready(Sudo::Classic);
    host.root("printf 'permit nopass agent cmd \\033]0;x\\007\\033[2J\\n' >/etc/doas.conf").ok();
    host.root(
        "mkdir -p /etc/polkit-1/rules.d; echo '\"agent\"' >$'/etc/polkit-1/rules.d/a\\e[31m.rules'",
    )
    .ok();
    host.root("echo 'agent ALL=(root) NOPASSWD: /srv/\u{202e}x' >/etc/sudoers.d/aa; chmod 0440 /etc/sudoers.d/aa").ok();
    let done = host.root("sm doctor");
    let text = done.stdout_text();
    assert!(text.contains("/etc/doas.conf:1") && text.contains("polkit"), "{done}");
    let strange = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(strange), "{text:?}");
    // In JSON as well: its reader is an agent's terminal as often.
    Doctor::of(&host);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_others_can_change_is_not_run_to_find_that_out() {
    let host = Host::ready(Sudo::Unused);
    host.root("sm setup-sudo --user agent").ok();
    host.root(
        "printf '#!/bin/sh\\ntouch /run/ran-${0##*/}\\n' >/root/fake; mkdir -p /etc/audit/rules.d
         sm helper version; cp /usr/bin/true /usr/sbin/auditctl
         for name in bin/systemctl bin/journalctl bin/timedatectl bin/dpkg bin/dpkg-query \
             bin/apt-get bin/sudo sbin/visudo sbin/auditctl; do
             rm /usr/$name; install -o agent -m 0755 /root/fake /usr/$name
         done; rm /run/systemd/container",
    )
    .ok();
    let doctor = Doctor::of(&host);
    assert_eq!(host.root("ls /run | grep ^ran || true").ok(), "");
    // Nothing is ok that was not looked at.
    let wrong = doctor.wrong();
    for id in [
        "tools",
        "unit_files",
        "unit_programs",
        "sudoers_valid",
        "helper_rule",
        "sudoers_more",
        "broker_sandbox",
        "broker_socket",
        "sudo_version",
        "systemd_version",
        "package_manager_version",
        "audit_journal",
        "clock_sync",
    ] {
        assert!(wrong.contains_key(id), "{id} is ok, and could not be looked at");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn where_no_tool_can_be_asked_the_one_cause_is_what_is_to_be_mended() {
    let host = Host::ready(Sudo::Classic);
    host.root("chown agent /usr/bin").ok();
    let doctor = Doctor::of(&host);
    let mends: Vec<&str> = doctor.mends().into_iter().collect();
    assert_eq!(mends, ["chown --no-dereference root:root /usr/bin"], "{:#?}", doctor.rows);
    let wrong = doctor.rows.iter().filter(|row| row.status != "ok");
    assert!(wrong.clone().all(|row| row.mend.is_some()), "{:#?}", doctor.rows);
    let version = wrong.clone().find(|row| row.id == "sudo_version").expect("its row");
    assert!(version.found.contains("is not known"), "{version:?}");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_surroundings_of_who_asks_change_nothing() {
    let host = Host::ready(Sudo::Classic);
    host.root(
        "mkdir /root/bin; for name in sudo systemctl visudo dpkg-query; do
             printf '#!/bin/sh\\ntouch /run/ran\\n' >/root/bin/$name; chmod 0755 /root/bin/$name
         done",
    )
    .ok();
    let done = host.root(
        "cd /root/bin; umask 0777
         exec env PATH=/root/bin:$PATH COLUMNS=10 LC_ALL=de_DE.UTF-8 SYSTEMD_PAGER=/root/bin/sudo \
             nice sm doctor --json <&-",
    );
    assert!(Doctor::read(&done).wrong().is_empty(), "{done}");
    assert!(!host.exists("/run/ran"));
}
