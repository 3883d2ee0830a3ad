//! A package operation that has begun is finished and accounted for, whatever happens to the
//! processes around it.

use std::thread;
use std::time::Duration;

use crate::host::gate::Gate;
use crate::host::{Done, Reply, host_test};
use crate::told;

/// What the caller gets.
enum Gets {
    /// The reply, as if nothing had happened.
    Ok,
    /// At once that it goes on.
    Early,
    /// Nothing: who would have passed it on is gone.
    Nothing,
}

/// See [`Gate::disturbed`]; the operation ends well.
fn disturbed(gate: &Gate<'_>, line: &str, act: &str) -> Done {
    gate.close();
    gate.disturbed(line, act, || {
        gate.ends_well(act);
    })
}

host_test!(no_signal_ends_an_operation_in_the_middle, ready_test_policy, |host| {
    let gate = Gate::on(host);
    let front = "exec sm-helper package install docker.io";
    // Whoever waits for it here must not be stopped along with it.
    let behind_shell = "sm-helper package install docker.io; exit $?";
    let direct = "exec sudo -n sm-helper package install docker.io";
    for (line, act, gets) in [
        // As a terminal sends them: to all of the group.
        (front, "kill -INT -- -$GROUP", Gets::Early),
        (front, "kill -QUIT -- -$GROUP", Gets::Ok),
        (front, "kill -TERM -- -$GROUP", Gets::Early),
        (front, "kill -HUP -- -$GROUP", Gets::Early),
        (direct, "kill -INT -- -$GROUP", Gets::Early),
        (
            direct,
            "for i in 1 2 3 4 5; do kill -TERM $SUDO $ROOT; kill -HUP $SUDO $ROOT; done; true",
            Gets::Early,
        ),
        (
            front,
            "for s in USR1 USR2 PIPE ALRM XCPU XFSZ VTALRM PROF IO PWR STKFLT 34 64; do kill -$s $ROOT $FRONT; done",
            Gets::Ok,
        ),
        // As only root and the kernel's memory killer can.
        (front, "kill -KILL $FRONT", Gets::Nothing),
        (direct, "kill -KILL $SUDO", Gets::Nothing),
        (front, "kill -KILL $FRONT $SUDO $ROOT", Gets::Nothing),
        // As if the power were gone for all of the session.
        (front, "kill -KILL -- -$GROUP $SUDO $ROOT", Gets::Nothing),
        (
            behind_shell,
            "kill -STOP $FRONT; (sleep 1; kill -CONT $FRONT) >/dev/null 2>&1 &",
            Gets::Ok,
        ),
    ] {
        let done = disturbed(&gate, line, act);
        match gets {
            Gets::Ok => {
                let reply = Reply::of(&done).expect("ok");
                assert!(
                    reply.json["stdout"].as_str().is_some_and(|text| text.contains("gate: done")),
                    "{act}"
                );
            }
            Gets::Early => {
                let reply = Reply::of(&done).expect("timeout");
                assert!(told(&reply).contains("continues"), "{act}: {}", told(&reply));
            }
            Gets::Nothing => assert!(done.signal.is_some(), "{act}: {done}"),
        }
    }
});

host_test!(the_answer_outlives_sudo, ready_test_policy, |host| {
    // sudo is gone, the answer comes all the same, and says what its exit status says.
    let gate = Gate::on(host);
    let line = "exec sm-helper package install docker.io";
    let done = disturbed(&gate, line, "kill -KILL $SUDO");
    Reply::of(&done).expect("ok");
});

host_test!(what_was_run_is_not_said_to_be_refused, ready_test_policy, |host| {
    // Who would have answered is gone, and the operation goes on: whatever the reply says, it
    // must not be that there was no privilege to run it with.
    let gate = Gate::on(host);
    let line = "exec sm-helper package install docker.io";
    let done = disturbed(&gate, line, "kill -KILL $ROOT");
    Reply::of(&done).expect("internal");
});

host_test!(nobody_has_to_read_the_reply, ready_test_policy, |host| {
    let gate = Gate::on(host);
    for line in [
        "sm-helper package install docker.io | true",
        "sm-helper package install docker.io >&-",
        "sm-helper package install docker.io </dev/full >/dev/full 2>/dev/full",
        "sudo -n sm-helper package install docker.io | true",
        "sudo -n sm-helper package install docker.io >&- 2>&- <&-",
        // A reader that is there and does not read.
        "sm-helper package install docker.io | sleep 2",
        // A pipe that is full before.
        "mkfifo f; exec 3<>f; head -c 65536 /dev/zero >&3; timeout -s KILL 5 sm-helper package install docker.io >&3; rm f",
        "mkfifo f; exec 3<>f; head -c 65536 /dev/zero >&3; (sudo -n sm-helper package install docker.io >&3 2>/dev/null &); rm f",
    ] {
        gate.close();
        thread::scope(|scope| {
            scope.spawn(|| host.agent(line));
            gate.begun();
            assert!(gate.is_in_the_middle(), "{line}");
            gate.open();
            gate.ends_well(line);
        });
    }
});

// An account that has a cgroup of its own (with `systemd --user` every account has) can kill,
// freeze and starve whatever is in it, whoever it belongs to.
host_test!(a_callers_cgroup_has_no_power_over_an_operation, ready_test_policy, |host| {
    let gate = Gate::on(host);
    // Where the kernel's second version is mounted: alone, or beside the first.
    let top = "D=/sys/fs/cgroup; test -e $D/cgroup.procs || D=$D/unified; D=$D/delegated";
    let kill = format!("{top}; test -e $D/mine/cgroup.kill || exit 9; echo 1 >$D/mine/cgroup.kill");
    host.root(&format!("set -e; {top}; mkdir $D; chown -R agent $D")).ok();
    thread::scope(|scope| {
        scope.spawn(|| {
            // By root into the account's cgroup, as a login does; the rest is the account's own.
            let own = "mkdir $D/mine; (echo $BASHPID >$D/mine/cgroup.procs; exec sm-helper package install docker.io)";
            host.root(&format!(
                "{top}; echo $$ >$D/cgroup.procs; export D; exec setpriv --reuid=agent --regid=agent --init-groups bash -c '{own}'"
            ))
        });
        gate.begun();
        host.agent(&kill).ok();
        thread::sleep(Duration::from_millis(300));
        let survived = gate.is_in_the_middle();
        gate.open();
        assert!(survived, "an account's cgroup.kill ended root's package manager in the middle");
        gate.ends_well("cgroup.kill");
    });
});
