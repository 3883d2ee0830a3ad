//! Nothing that was sent stays behind, whatever ends it: on the host there is what was there
//! before, and what is installed.

use crate::host::Host;
use crate::six_hosts::STUCK;
use crate::traces::{ends, nothing_left, only_installed, places};
use crate::{BOOTSTRAP, Fleet, is_done, is_untouched, wait_until};
use std::process::{Child, Stdio};

/// What receives the program stops in the middle of it.
const SLOW_HEAD: &str = "#!/bin/sh\ncase $2 in\n??????*) head.real -c 100000 >/run/half; \
    rm /run/half; touch /run/in-the-middle; sleep 900 ;;\nesac\nexec head.real \"$@\"\n";

/// It stops when it has all arrived.
const SLOW_SHA: &str = "#!/bin/sh\n[ $(id -u) != 0 ] || { touch /run/in-the-middle; sleep 900; }\n\
    exec /usr/bin/sha256sum.real \"$@\"\n";

/// From here on `program` of the host is this script, and the real one is kept beside it.
fn replace(host: &Host, program: &str, script: &str) {
    host.root(&format!("mv {program} {program}.real")).ok();
    host.write(program, script);
    host.root(&format!("chmod 0755 {program}")).ok();
}

fn put_back(host: &Host, program: &str) {
    host.root(&format!("mv {program}.real {program}; rm -f /run/in-the-middle")).ok();
}

/// `sm bootstrap-cluster`, under way. What it prints is nobody's.
fn begin(fleet: &Fleet) -> Child {
    let mut command = fleet.command(&BOOTSTRAP, &[]).into_command();
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nsenter runs")
}

/// The processes of this name of the controller.
fn kill(fleet: &Fleet, name: &str) {
    fleet.controller().root(&format!("pkill -KILL -u admin -x {name}")).ok();
}

/// What ends a run in the middle.
type Ending = (&'static str, fn(&Fleet));

const ENDINGS: [Ending; 4] = [
    ("the controller's sm is killed", |fleet| kill(fleet, "sm")),
    ("the controller's ssh is killed", |fleet| kill(fleet, "ssh")),
    ("the session's sshd is killed", |fleet| {
        fleet.hosts[0].root("pkill -KILL -f '[s]shd: admin'").ok();
    }),
    ("the cable is pulled", |fleet| {
        fleet.hosts[0].unplug();
        // It is noticed by what ssh asks for every few seconds; then the cable is back, since
        // else this host would hear of it only when its own clock says so.
        wait_until("it is noticed", || {
            fleet.controller().root("pgrep -u admin -x sm").status == Some(1)
        });
        fleet.hosts[0].plug();
    }),
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn nothing_is_left_whenever_it_ends() {
    let fleet = Fleet::open(1);
    let host = &fleet.hosts[0];
    let before = places(host);
    // As it arrives; and in the middle of the setup.
    for (program, script) in [("/usr/bin/head", SLOW_HEAD), ("/usr/sbin/visudo", STUCK)] {
        for (what, act) in ENDINGS {
            eprintln!("{program}: {what}");
            replace(host, program, script);
            let mut running = begin(&fleet);
            wait_until("it is in the middle", || host.exists("/run/in-the-middle"));
            act(&fleet);
            running.wait().expect("it ends");
            // The program in the way is ours, not theirs: sm may wait for it.
            // It is called more than once: put back first, or the next call hangs too.
            put_back(host, program);
            host.root("pkill -KILL -f '[s]leep 900'; true").ok();
            ends(host);
            host.root("visudo -cq").ok();
            only_installed(host, &before);
            if program.ends_with("head") {
                is_untouched(host);
                nothing_left(host, &before);
            }
        }
    }
    drop(fleet.bootstrap(&[]).exit(0).expect(&["web1 done ok"]));
    is_done(&fleet, host, "admin");
    only_installed(host, &before);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_sent_is_seen_by_nobody_and_has_no_fixed_place() {
    let fleet = Fleet::open(1);
    let host = &fleet.hosts[0];
    let before = places(host);
    // Somebody else has been everywhere before, with links to what shall not be written.
    host.write("/etc/victim", "as it was\n");
    let trap = "for each in /tmp /var/tmp /dev/shm; do for name in sm sm-helper sm-install sm.new; do \
        ln -s /etc/victim $each/$name; done; done";
    host.command("other", &["/bin/bash", "-c", trap]).run().ok();
    replace(host, "/usr/bin/sha256sum", SLOW_SHA);
    let mut running = begin(&fleet);
    wait_until("it is in the middle", || host.exists("/run/in-the-middle"));
    // The program has arrived, and is on a file system that is only in the namespace of those
    // that use it: neither another account nor root elsewhere sees a file that was not there.
    let meanwhile = places(host);
    let new: Vec<&str> = meanwhile
        .lines()
        .filter(|line| !before.contains(line))
        .filter(|line| {
            !["/etc/victim", "in-the-middle", "/tmp/sm", "/shm/sm"]
                .iter()
                .any(|own| line.contains(own))
        })
        .collect();
    assert_eq!(new, Vec::<&str>::new());
    let holder = "grep -lE ' - tmpfs sm ' /proc/[0-9]*/mountinfo 2>/dev/null | head -n 1";
    let holder = host.root(holder).ok();
    let pid = holder.trim().strip_prefix("/proc/").and_then(|rest| rest.split('/').next());
    let pid = pid.unwrap_or_else(|| panic!("nobody has it mounted: {holder}"));
    let staged = format!("grep ' - tmpfs sm ' /proc/{pid}/mountinfo | cut -d' ' -f5");
    let place = host.root(&staged).ok().trim().to_owned();
    let mode = host.root(&format!("stat -c '%U %a' /proc/{pid}/root{place}")).ok();
    assert_eq!(mode, "root 700\n");
    host.root("pkill -KILL -f '[s]leep 900'; true").ok();
    running.wait().expect("it ends");
    put_back(host, "/usr/bin/sha256sum");
    assert_eq!(host.read("/etc/victim"), "as it was\n");
    drop(fleet.bootstrap(&[]).exit(0));
    assert_eq!(host.read("/etc/victim"), "as it was\n");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_program_that_arrives_otherwise_is_not_installed() {
    let fleet = Fleet::open(1);
    let host = &fleet.hosts[0];
    let before = places(host);
    let other = "#!/bin/sh\n/usr/bin/sha256sum.real \"$@\" | tr 0-9 1-90\n";
    replace(host, "/usr/bin/sha256sum", other);
    let report = fleet.bootstrap(&[]).exit(1).expect(&["web1 failed command_failed"]);
    drop(report.says("web1", &["was damaged on the way", "nothing was installed"]));
    put_back(host, "/usr/bin/sha256sum");
    is_untouched(host);
    nothing_left(host, &before);
}
