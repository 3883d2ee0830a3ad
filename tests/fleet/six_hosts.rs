//! Many kinds of hosts at once: each gets its due, and nobody waits for another.

use crate::host::{Host, Sudo};
use crate::traces::{nothing_left, only_installed, places};
use crate::{Fleet, INVENTORY, PASSWORD, is_done, is_untouched, line, set_password, wait_until};
use std::thread;

/// A visudo that never comes back.
pub const STUCK: &str = "#!/bin/sh\ntouch /run/in-the-middle\nexec sleep 900\n";

/// As when the power fails, save that what is on disk and below /run stays: all processes are
/// gone at once. Then the host comes up again.
pub const REBOOT: &str = "kill -KILL -1; systemctl start dbus systemd-logind ssh; \
    until systemctl is-active -q ssh; do sleep 0.1; done; rm -f /run/nologin";

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn each_host_gets_its_due() {
    let bare = || Host::wanted(Sudo::Classic).bare();
    let fleet = Fleet::of(vec![
        bare(),
        Host::wanted(Sudo::Classic),
        bare(),
        bare(),
        bare(),
        Host::wanted(Sudo::Rs).bare(),
        bare(),
    ]);
    let [fresh, ready, other, no_sudo, broken, sudo_rs, reboots] = &fleet.hosts[..] else {
        panic!("seven hosts")
    };
    ready.root("sm setup-sudo --user admin").ok();
    set_password(other, "admin", "another");
    no_sudo.root("rm /usr/bin/sudo").ok();
    broken
        .root("echo 'no rule at all' >/etc/sudoers.d/broken; chmod 0440 /etc/sudoers.d/broken")
        .ok();
    reboots.root("mv /usr/sbin/visudo /usr/sbin/visudo.real").ok();
    reboots.write("/usr/sbin/visudo", STUCK);
    reboots.root("chmod 0755 /usr/sbin/visudo").ok();
    let broken_before = broken.root("cat /etc/sudoers.d/broken; ls /etc/sudoers.d").ok();

    let names = ["fresh", "ready", "other", "nosudo", "broken", "rs", "reboots"];
    let mut lines: Vec<String> = fleet
        .hosts
        .iter()
        .zip(names)
        .map(|(host, name)| line(name, host.address(), "admin"))
        .collect();
    // Nobody is there.
    lines.insert(2, line("down", "10.77.200.1", "admin"));
    fleet.inventory(&lines.concat());
    let before: Vec<String> = fleet.hosts.iter().map(places).collect();

    let report = thread::scope(|scope| {
        let running = scope.spawn(|| fleet.bootstrap_with(PASSWORD, &[]));
        wait_until("it is in the middle", || reboots.exists("/run/in-the-middle"));
        reboots.root(REBOOT).ok();
        running.join().expect("a report")
    });
    let report = report.exit(1).expect(&[
        "fresh done ok",
        "ready already ok",
        "down unreachable unreachable",
        "other failed password_wrong",
        "nosudo failed unsupported",
        "broken failed command_failed",
        "rs done ok",
        "reboots failed connection_lost",
    ]);
    let report = report.says("nosudo", &["no sudo"]).says("broken", &["/etc/sudoers.d/broken"]);
    drop(report.says("reboots", &["run it again"]));

    reboots.root("rm /run/in-the-middle").ok();
    for host in [fresh, ready, sudo_rs] {
        is_done(&fleet, host, "admin");
    }
    for (host, before) in fleet.hosts.iter().zip(&before) {
        only_installed(host, before);
    }
    for at in [2, 3] {
        nothing_left(&fleet.hosts[at], &before[at]);
        is_untouched(&fleet.hosts[at]);
    }
    // A sudoers that is not ours to mend is as it was, and nothing was added to it.
    let now = broken.root("cat /etc/sudoers.d/broken; ls /etc/sudoers.d").ok();
    assert_eq!(now, broken_before);
    // Where it went down in the middle sudo still works.
    reboots.root("mv /usr/sbin/visudo.real /usr/sbin/visudo; visudo -cq").ok();

    // What was in the way is mended; a second run does what the first could not.
    set_password(other, "admin", PASSWORD);
    no_sudo.root("cp /opt/sudo-rs/sudo /usr/bin/sudo; chmod 4755 /usr/bin/sudo").ok();
    broken.root("rm /etc/sudoers.d/broken").ok();
    fleet.inventory(&fs_without_down(&fleet));
    fleet.bootstrap_with(PASSWORD, &[]).exit(0).expect(&[
        "fresh already ok",
        "ready already ok",
        "other done ok",
        "nosudo done ok",
        "broken done ok",
        "rs already ok",
        "reboots done ok",
    ]);
    fleet.hosts.iter().for_each(|host| is_done(&fleet, host, "admin"));
    for (host, before) in fleet.hosts.iter().zip(&before) {
        only_installed(host, before);
    }
}

fn fs_without_down(fleet: &Fleet) -> String {
    let text = fleet.controller().read(INVENTORY);
    text.lines().filter(|line| !line.starts_with("down")).map(|line| format!("{line}\n")).collect()
}
