//! Whichever of an operation's own processes is killed: the package manager is not ended in the
//! middle, what came of it is recorded, and nobody is told that nothing was run.

use std::thread;

use crate::host::gate::{FIND, Gate};
use crate::host::{
    Done, Host, Reply, events, host_once, host_test, intent_of, records, wait_until,
};
use crate::{ask, somebody_else};
use serde_json::Value;

/// What the caller gets.
#[derive(Clone, Copy)]
enum Gets {
    /// The reply, as if nothing had happened.
    Ok,
    /// That nobody knows what came of it, and where to look.
    Unknown,
    /// Nothing: who would have passed it on is gone.
    Nothing,
}

const FRONT: &str = "exec sm-helper package install docker.io";
const DIRECT: &str = "exec sudo -n sm-helper package install docker.io";

const CASES: [(&str, &str, Gets); 10] = [
    // As an administrator would who has lost patience with it.
    (FRONT, "pkill -KILL -x sm-helper", Gets::Nothing),
    (FRONT, "pkill -KILL -f '[s]m-helper'", Gets::Nothing),
    (DIRECT, "pkill -KILL -x sm-helper", Gets::Nothing),
    (DIRECT, "pkill -KILL -f '[s]m-helper'", Gets::Nothing),
    // The one that runs it, and the one that stands by.
    (FRONT, "kill -KILL $RUNS", Gets::Unknown),
    (DIRECT, "kill -KILL $RUNS", Gets::Unknown),
    (FRONT, "kill -KILL $STANDS", Gets::Ok),
    // Together with all that is not one of the two.
    (FRONT, "kill -KILL $ROOT $RUNS", Gets::Unknown),
    (FRONT, "kill -KILL $FRONT $SUDO $ROOT $RUNS", Gets::Nothing),
    (FRONT, "kill -KILL $FRONT $SUDO $ROOT $STANDS", Gets::Nothing),
];

/// The result records of a request.
fn results(host: &Host, id: &Value) -> Vec<Value> {
    records(host, id).into_iter().filter(|record| record["event"] == "result").collect()
}

#[track_caller]
fn check(done: &Done, gets: Gets, id: &Value, case: &str) {
    match gets {
        Gets::Ok => assert_eq!(Reply::of(done).expect("ok").json["request_id"], *id, "{case}"),
        Gets::Unknown => {
            let reply = Reply::of(done).expect("internal");
            assert!(reply.json["hint"].as_str().is_some_and(|hint| hint.contains("audit log")));
        }
        Gets::Nothing => {
            assert!(done.stdout.is_empty(), "{case}: {done}");
            assert!(done.status.is_none_or(|status| status > 128), "{case}: {done}");
        }
    }
}

/// All cases, on either kind of host, and what the record says.
fn survives(host: &Host, gate: &Gate<'_>, noisy: bool) {
    for (line, act, gets) in CASES {
        let case = format!("{line}: {act}");
        gate.close();
        if noisy {
            gate.be_noisy();
        }
        let mut id = Value::Null;
        let done = gate.disturbed(line, act, || id = gate.ends_well(&case));
        let results = results(host, &id);
        assert_eq!(results.len(), 1, "{case}");
        assert_eq!(results[0]["returncode"], 0, "{case}");
        check(&done, gets, &id, &case);
    }
}

host_test!(whichever_process_is_killed_it_ends_well_and_is_recorded, ready_test_policy, |host| {
    survives(host, &Gate::on(host), false);
});

// Of a pipe that nobody reads a program dies, and at one that is full it stands still.
host_test!(nobody_has_to_be_left_to_read_what_is_printed, ready_test_policy, |host| {
    survives(host, &Gate::on(host), true);
});

host_once!(pacman_survives_too, bare_arch, |host| {
    survives(host, &Gate::on_arch(host), true);
});

host_once!(the_record_of_a_failure_is_true_too, ready_test_policy, |host| {
    let gate = Gate::on(host);
    for (act, gets) in [("kill -KILL $RUNS", Gets::Unknown), ("kill -KILL $STANDS", Gets::Ok)] {
        gate.close();
        gate.be_noisy();
        gate.fail();
        let mut id = Value::Null;
        let done = gate.disturbed(FRONT, act, || id = gate.is_recorded(act));
        assert_eq!(events(host, &id), "intent ok, result command_failed", "{act}");
        assert_eq!(results(host, &id)[0]["returncode"], 100, "{act}");
        assert!(host.exists("/run/gate/done"), "{act}: the script came to its end");
        match gets {
            Gets::Ok => {
                assert_eq!(Reply::of(&done).expect("command_failed").json["returncode"], 100)
            }
            gets => check(&done, gets, &id, act),
        }
        host.root("dpkg --purge --force-all docker.io").ok();
    }
});

// There is nobody left to write a record. What is done to the packages is brought to its end all
// the same.
host_test!(without_both_of_them_it_is_still_finished, ready_test_policy, |host| {
    let gate = Gate::on(host);
    for act in ["kill -KILL $RUNS $STANDS", "pkill -KILL '^sm-'"] {
        gate.close();
        let done = gate.disturbed(FRONT, act, || gate.is_whole(act));
        let gets = if act.starts_with("kill") { Gets::Unknown } else { Gets::Nothing };
        let id = intent_of(host, "docker.io");
        assert_eq!(events(host, &id), "intent ok", "{act}");
        check(&done, gets, &id, act);
        // And the next request finds all in order.
        assert_eq!(ask(host, "package install docker.io").expect("ok").json["changed"], false);
    }
});

/// A lock of the package manager's, held by another program until /run/release is there.
const HOLD: &str = r"import fcntl, os, time
lock = open('/var/lib/dpkg/lock-frontend', 'w')
fcntl.lockf(lock, fcntl.LOCK_EX)
open('/run/held', 'w')
while not os.path.exists('/run/release'): time.sleep(0.05)
";

/// A program of the package manager's that waits until /run/release is there.
const WAITS: &str = "#!/bin/bash
systemctl start held
while [[ ! -e /run/release ]]; do sleep 0.05; done
exec $0.real \"$@\"
";

host_once!(killed_before_it_began_it_is_recorded_as_that, ready_test_policy, |host| {
    let gate = Gate::on(host);
    gate.close();
    host.write("/run/hold.py", HOLD);
    somebody_else(host, "held", "touch /run/held");
    for slow in ["the lock", "/usr/bin/dpkg-query", "/usr/bin/apt-get"] {
        for (act, gets) in [
            ("kill -KILL $RUNS", Gets::Unknown),
            ("kill -KILL $STANDS", Gets::Ok),
            ("pkill -KILL -x sm-helper", Gets::Nothing),
        ] {
            let case = format!("{slow}: {act}");
            host.root("rm -f /run/held /run/release").ok();
            if slow == "the lock" {
                host.root("setsid python3 /run/hold.py >/dev/null 2>&1 &").ok();
                wait_until("the lock is held", || host.exists("/run/held"));
            } else {
                host.write("/run/waits", WAITS);
                host.root(&format!("mv {slow} {slow}.real; install /run/waits {slow}")).ok();
            }
            thread::scope(|scope| {
                let caller = scope.spawn(|| host.agent(FRONT));
                let find = "RUNS=$(pgrep -n -x sm-operation); STANDS=$(pgrep -o -x sm-operation); test \"$RUNS\" != \"$STANDS\"";
                wait_until("the operation has begun", || {
                    host.exists("/run/held") && host.root(find).status == Some(0)
                });
                host.root(&format!("{find}\n{act}")).ok();
                host.write("/run/release", "");
                let id = gate.is_recorded(&case);
                let done = caller.join().expect("the caller");
                match gets {
                    Gets::Unknown => {
                        assert_eq!(events(host, &id), "intent ok, result internal", "{case}");
                        assert_eq!(results(host, &id)[0]["returncode"], Value::Null, "{case}");
                        assert!(!host.has_package("docker.io"), "{case}");
                    }
                    _ => {
                        assert_eq!(events(host, &id), "intent ok, result ok", "{case}");
                        assert!(host.has_package("docker.io"), "{case}");
                    }
                }
                check(&done, gets, &id, &case);
            });
            if slow == "the lock" {
                wait_until("the lock is given up", || {
                    host.root("pgrep -f '[h]old.py'").status == Some(1)
                });
            } else {
                host.root(&format!("mv {slow}.real {slow}")).ok();
            }
            host.root("dpkg --purge docker.io").ok();
            host.write("/run/gate/go", "");
        }
    }
});

/// A unit whose start takes until /run/go is there, and which is watched for a while after.
fn slow_unit(host: &Host) {
    host.write(
        "/etc/systemd/system/probe.service",
        "[Service]\nExecStartPre=/bin/bash -c 'echo x >>/run/starts; while [[ ! -e /run/go ]]; do sleep 0.05; done'\n\
         ExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n",
    );
    host.root("systemctl daemon-reload; touch /run/go; systemctl start probe").ok();
}

host_test!(a_restart_is_recorded_whoever_is_killed, ready_test_policy, |host| {
    slow_unit(host);
    for (act, gets) in [
        ("kill -KILL $RUNS", Gets::Unknown),
        ("kill -KILL $STANDS", Gets::Ok),
        ("pkill -KILL -x sm-helper", Gets::Nothing),
        ("kill -KILL $FRONT $SUDO $ROOT $RUNS", Gets::Nothing),
    ] {
        host.root("rm -f /run/go /run/starts").ok();
        let before = host.main_pid("probe");
        thread::scope(|scope| {
            let caller = scope.spawn(|| host.agent("exec sm-helper service restart probe"));
            wait_until("it starts", || host.exists("/run/starts"));
            host.root(&format!("{FIND}\n{act}")).ok();
            host.write("/run/go", "");
            let id = intent_of(host, "probe.service");
            wait_until("it is recorded", || events(host, &id).contains("result"));
            assert_eq!(events(host, &id), "intent ok, result ok", "{act}");
            assert_eq!(results(host, &id)[0]["returncode"], 0, "{act}");
            assert_ne!(host.main_pid("probe"), before, "{act}");
            check(&caller.join().expect("the caller"), gets, &id, act);
        });
    }
});

// The command is done by then, and the unit is watched: its exit status is not lost with who
// waited for it.
host_once!(killed_after_the_command_it_is_recorded_as_done, ready_test_policy, |host| {
    slow_unit(host);
    let before = host.main_pid("probe");
    thread::scope(|scope| {
        let caller = scope.spawn(|| host.agent("exec sm-helper service restart probe"));
        wait_until("it is done", || ![0, before].contains(&host.main_pid("probe")));
        wait_until("it is watched", || {
            host.root("pgrep -x sm-operation && ! pgrep -f '[s]ystemctl.*restart'").status
                == Some(0)
        });
        host.root("kill -KILL $(pgrep -n -x sm-operation)").ok();
        let id = intent_of(host, "probe.service");
        wait_until("it is recorded", || events(host, &id).contains("result"));
        assert_eq!(events(host, &id), "intent ok, result ok");
        assert_eq!(results(host, &id)[0]["returncode"], 0);
        check(&caller.join().expect("the caller"), Gets::Unknown, &id, "watched");
    });
});

/// The process that runs `service start guarded` is killed at the n-th of these calls, from the
/// check on. Prints the call, its number, and how often the unit was started.
const AT_EACH_CALL: &str = r#"
cat >/usr/local/sbin/guard <<'GUARD'
#!/bin/bash
touch /run/held
while [[ ! -e /run/release ]]; do sleep 0.02; done
GUARD
chmod 0755 /usr/local/sbin/guard
cat >/etc/systemd/system/guarded.service <<'UNIT'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo x >>/run/starts'
UNIT
systemctl daemon-reload
for call in write clone3,clone,vfork,fork waitid,wait4 pidfd_open poll fdatasync fsync openat,close; do
    step=1
    [[ $call != openat,close ]] || step=5
    for ((n = 1; n <= 60; n += step)); do
        systemctl stop guarded
        rm -rf /run/sm/rate /run/held /run/release /run/starts
        setpriv --reuid=agent --regid=agent --init-groups sm-helper service start guarded >/run/reply 2>&1 &
        while [[ ! -e /run/held ]]; do sleep 0.01; done
        runs=$(pgrep -n -x sm-operation)
        rm -f /run/trace
        strace -qqq -p $runs -o /run/trace -e trace=$call -e inject=$call:signal=SIGKILL:when=$n >/dev/null 2>&1 &
        until grep -q 'TracerPid:.*[1-9]' /proc/$runs/status; do sleep 0.01; done
        touch /run/release
        wait
        while pgrep -x 'sm-operation|systemctl' >/dev/null; do sleep 0.01; done
        grep -q 'killed by SIGKILL' /run/trace || break
        id=$(sed -n 's/.*"request_id":"\([^"]*\)".*/\1/p' /var/log/sm/audit.jsonl | tail -n1)
        echo "$call $n $(cat /run/starts 2>/dev/null | wc -l) $(grep "$id" /var/log/sm/audit.jsonl | sed -n 's/.*"event":"result".*killed before it began.*/unbegun/p; s/.*"event":"result".*"code":"\([a-z_]*\)".*/\1/p' | tr '\n' ' ')"
    done
done
"#;

host_once!(killed_at_whichever_call_the_record_is_true, ready_test_policy, |host| {
    let said = host.root(AT_EACH_CALL).ok();
    let (mut before, mut after, mut unsure) = (0, 0, 0);
    for line in said.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let starts = words[2];
        let only = |allowed: &[&str]| {
            words.len() > 3 && words[3..].iter().all(|code| allowed.contains(code))
        };
        // Where it was killed at the very moment that the command began, nobody can know more.
        match starts {
            "0" => {
                before += 1;
                assert!(only(&["unbegun", "internal"]), "{line}\n{said}");
            }
            _ => {
                after += 1;
                assert!(only(&["ok"]) || only(&["internal"]), "{line}\n{said}");
            }
        }
        unsure += usize::from(only(&["internal"]));
    }
    assert!(unsure <= 2, "{said}");
    assert!(before > 0 && after > 0, "killed {before} times before and {after} after:\n{said}");
});
