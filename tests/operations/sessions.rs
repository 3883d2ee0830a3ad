//! Whoever asked is ended with all that is theirs, frozen, or out of memory: what was begun goes
//! on, for it is root's.

use std::thread;

use crate::ask;
use crate::host::gate::{FIND, Gate};
use crate::host::{Host, Reply, host_once, host_test, wait_until};

/// How a unit of the service manager's asks, as an agent does that is a service.
const UNIT: &str = "systemd-run --quiet --unit=box --uid=agent -p KillMode=control-group -p TimeoutStopSec=1 \
     /usr/local/bin/sm-helper package install docker.io";
/// How somebody asks who has logged in.
const LOGIN: &str = "systemd-run --quiet --unit=box --uid=agent -p PAMName=login \
     /usr/local/bin/sm-helper package install docker.io";

/// `how` is begun by root, `act` is done to it in the middle, and the installation must not
/// notice.
#[track_caller]
fn survives(host: &Host, gate: &Gate<'_>, how: &str, act: &str) {
    gate.close();
    host.root("systemctl reset-failed box; systemctl stop box; rm -rf /run/sm/rate");
    host.root(how).ok();
    gate.begun();
    host.root(&format!("set -e; {act}")).ok();
    // Not all that is root's: of a session whose processes are killed, sudo and what waits below it
    // for the reply may stay.
    wait_until(&format!("{act}: who asked is gone"), || {
        host.root("pgrep -u agent -x sm-helper").status == Some(1)
    });
    assert!(gate.is_in_the_middle(), "{act}: ended in the middle");
    gate.open();
    gate.ends_well(act);
    wait_until(&format!("{act}: nothing is left of it"), || {
        host.root("pgrep -x 'sudo|sm-helper|sm-operation'").status == Some(1)
    });
}

host_test!(the_end_of_a_session_is_not_the_end_of_what_it_began, ready_test_policy, |host| {
    let gate = Gate::on(host);
    for (how, act) in [
        (UNIT, "systemctl stop box"),
        (UNIT, "systemctl kill -s KILL box"),
        (UNIT, "systemctl kill -s KILL --kill-whom=all box"),
        (UNIT, "systemctl stop --no-block box; sleep 0.2; systemctl kill -s KILL box || true"),
        (LOGIN, "test -n \"$(loginctl list-sessions --no-legend)\"; loginctl terminate-user agent"),
        (
            LOGIN,
            "test -n \"$(loginctl list-sessions --no-legend)\"; loginctl kill-user -s KILL agent",
        ),
        (LOGIN, "pkill -KILL -u agent"),
    ] {
        survives(host, &gate, how, act);
    }
});

host_once!(a_session_that_ends_does_not_end_pacman, bare_arch, |host| {
    let gate = Gate::on_arch(host);
    for (how, act) in [
        (UNIT, "systemctl stop box"),
        (UNIT, "systemctl kill -s KILL box"),
        (LOGIN, "test -n \"$(loginctl list-sessions --no-legend)\"; loginctl terminate-user agent"),
    ] {
        survives(host, &gate, how, act);
    }
});

// Whoever is frozen gets the reply when thawed; the operation is not theirs to freeze.
host_test!(a_frozen_caller_does_not_freeze_the_operation, ready_test_policy, |host| {
    let gate = Gate::on(host);
    let top = "D=/sys/fs/cgroup; test -e $D/cgroup.procs || D=$D/unified; D=$D/frozen";
    host.root(&format!("set -e; {top}; mkdir $D; test -e $D/cgroup.freeze")).ok();
    gate.close();
    thread::scope(|scope| {
        let caller = scope.spawn(|| {
            host.root(&format!(
                "{top}; echo $$ >$D/cgroup.procs; exec setpriv --reuid=agent --regid=agent --init-groups /usr/local/bin/sm-helper package install docker.io"
            ))
        });
        gate.begun();
        host.root(&format!("set -e; {top}; echo 1 >$D/cgroup.freeze")).ok();
        wait_until("the caller is frozen", || {
            host.root(&format!("{top}; grep -q 'frozen 1' $D/cgroup.events")).status == Some(0)
        });
        gate.open();
        gate.ends_well("frozen");
        host.root(&format!("set -e; {top}; echo 0 >$D/cgroup.freeze")).ok();
        Reply::of(&caller.join().expect("the caller")).expect("ok");
    });
});

/// A cgroup with little memory, of whichever version the kernel gives a host; says `none` where
/// it gives none. In the first version the host's mount of it is made writable.
const LITTLE_MEMORY: &str = r#"
D=/sys/fs/cgroup
if [[ -e $D/memory/memory.limit_in_bytes || -e $D/memory/memory.use_hierarchy ]]; then
    mount -o remount,rw,bind $D/memory || { echo none; exit; }
    mkdir $D/memory/$NAME && echo 20M >$D/memory/$NAME/memory.limit_in_bytes && echo $D/memory/$NAME
elif grep -qw memory $D/cgroup.controllers 2>/dev/null; then
    mkdir $D/$NAME && echo +memory >$D/cgroup.subtree_control && echo 20M >$D/$NAME/memory.max && echo $D/$NAME
else
    echo none
fi
"#;

// An agent that has used up its memory is killed, with what it has started itself.
host_test!(
    the_memory_that_the_caller_has_is_not_what_the_operation_has,
    ready_test_policy,
    |host| {
        let gate = Gate::on(host);
        // The first version is the machine's own, so that the name must be nobody else's.
        let name = format!("sm-test-{}", host.pid());
        let folder = host.root(&format!("NAME={name}; {LITTLE_MEMORY}")).stdout_text();
        let folder = folder.trim().lines().last().unwrap_or_default().to_owned();
        if !folder.starts_with('/') {
            eprintln!("not shown: this kernel gives a host no memory limit");
            return;
        }
        gate.close();
        thread::scope(|scope| {
            // What has taken all the memory is the caller itself, while its helper waits.
            let caller = scope.spawn(|| {
            host.root(&format!(
                "echo $$ >{folder}/cgroup.procs; exec setpriv --reuid=agent --regid=agent --init-groups bash -c 'sm-helper package install docker.io & until [[ -e /run/gate/begun ]]; do sleep 0.05; done; python3 -c \"x = bytearray(200000000)\"; echo hog $?; wait'"
            ))
        });
            gate.begun();
            let limited = || host.root(&format!("cat {folder}/cgroup.procs")).ok();
            let parts = host.root(&format!("{FIND}\necho $MAIN $RUNS $STANDS")).stdout_text();
            for part in parts.split_whitespace() {
                assert!(
                    !limited().lines().any(|pid| pid == part),
                    "the operation has the caller's memory: {parts}"
                );
            }
            wait_until("the memory is used up", || {
                host.root(&format!(
                "cd {folder}; grep -q 'oom_kill [1-9]' memory.oom_control memory.events 2>/dev/null"
            ))
            .status
                == Some(0)
            });
            assert!(gate.is_in_the_middle(), "ended in the middle");
            gate.open();
            gate.ends_well("out of memory");
            caller.join().expect("the caller");
        });
        host.root(&format!("rmdir {folder} /sys/fs/cgroup/memory/sm-helper"));
    }
);

// Stopped, a process is neither alive nor dead: whoever waits, waits, and is told no lie.
host_test!(a_part_that_was_stopped_goes_on_where_it_was, ready_test_policy, |host| {
    let gate = Gate::on(host);
    let line = "sm-helper package install docker.io; exit $?";
    for part in
        ["$STANDS", "$RUNS", "$RUNS $STANDS", "$ROOT", "$SUDO", "$FRONT $SUDO $ROOT $RUNS $STANDS"]
    {
        gate.close();
        gate.be_noisy();
        let act = format!(
            "kill -STOP {part}; (sleep 1; for i in 1 2 3; do kill -CONT $FRONT $SUDO $ROOT $RUNS $STANDS; sleep 0.2; done) >/dev/null 2>&1 &"
        );
        let done = gate.disturbed(line, &act, || {
            gate.ends_well(&act);
        });
        Reply::of(&done).expect("ok");
    }
    // Without who runs it, what it prints is not read, and the rest waits. That is nobody's end.
    gate.close();
    let done = gate.disturbed(
        line,
        "kill -STOP $STANDS; (sleep 2; kill -CONT $STANDS) >/dev/null 2>&1 &",
        || {
            gate.ends_well("stopped");
        },
    );
    Reply::of(&done).expect("ok");
    ask(host, "service status nginx").expect("ok");
});
