//! One run of a unit is told from another: what is said of a start is of that start, and who
//! ended it is not taken for the unit.

use std::thread;

use crate::host::{Host, Reply, host_once};
use crate::{ask, log_of, told, unit, watch_long};

const RUNS: &str = "ExecStart=/bin/sleep 1000\n";

/// Asks for `line`, and has root do something once a unit is in a state.
fn meanwhile(host: &Host, line: &str, state: &str, name: &str, command: &str) -> Reply {
    let script = format!(
        "until [[ $(systemctl show --property=ActiveState --value {name}) = {state} ]]; do sleep 0.05; done; {command}"
    );
    thread::scope(|scope| {
        let other = scope.spawn(|| host.root(&script).ok());
        let reply = ask(host, line);
        other.join().expect("it was done");
        reply
    })
}

fn warnings(reply: &Reply) -> String {
    reply.json["warnings"].to_string()
}

host_once!(who_has_a_unit_stopped_is_not_taken_for_the_unit, ready_test_policy, |host| {
    watch_long(host);
    let trap = "ExecStart=/bin/sh -c 'trap \"exit 143\" TERM; while :; do sleep 0.1; done'\n";
    for (service, state, code, words) in [
        (&format!("Type=notify\n{RUNS}")[..], "activating", "command_failed", "canceled"),
        (&format!("Type=notify\n{trap}"), "activating", "command_failed", "canceled"),
        (&format!("Type=oneshot\n{RUNS}"), "activating", "command_failed", "canceled"),
        (
            "ExecStartPre=/bin/sleep 1000\nExecStart=/bin/true\n",
            "activating",
            "command_failed",
            "canceled",
        ),
        (RUNS, "active", "unhealthy", "stopped again soon after it was"),
        (trap, "active", "unhealthy", "stopped again soon after it was"),
        (
            &format!("Restart=always\n{RUNS}"),
            "active",
            "unhealthy",
            "stopped again soon after it was",
        ),
    ] {
        unit(host, "probe", &format!("[Service]\n{service}"));
        for action in ["start", "restart"] {
            let line = format!("service {action} probe");
            let reply = meanwhile(host, &line, state, "probe", "systemctl stop probe").expect(code);
            let case = format!("{action}, {service}: {:#}", reply.json);
            assert!(told(&reply).contains(words), "{case}");
            assert!(!told(&reply).contains("result ") && !told(&reply).contains("143"), "{case}");
            assert!(!warnings(&reply).contains("by itself"), "{case}");
            host.root("systemctl reset-failed").ok();
        }
    }
    // It had not begun, and the run before has nothing to do with it.
    unit(host, "hanging", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    unit(
        host,
        "probe",
        &format!("[Unit]\nAfter=hanging.service\nStartLimitIntervalSec=0\n[Service]\n{RUNS}"),
    );
    unit(host, "masked", "[Unit]\nWants=probe.service\n[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl start masked; systemctl kill --signal=KILL probe; until systemctl is-failed -q probe; do sleep 0.05; done; systemctl start --no-block hanging").ok();
    let job =
        "until systemctl list-jobs | grep -q probe; do sleep 0.05; done; systemctl stop probe";
    let reply = meanwhile(host, "service start probe", "activating", "hanging", job);
    let reply = reply.expect("command_failed");
    assert!(
        told(&reply).contains("canceled") && !told(&reply).contains("signal"),
        "{}",
        told(&reply)
    );
    host.root("systemctl stop hanging").ok();
    // What ends by itself is told so still.
    unit(host, "probe", "[Service]\nExecStart=/bin/sleep 0.2\n");
    let reply = ask(host, "service start probe").expect("ok");
    assert!(warnings(&reply).contains("exited by itself"), "{:#}", reply.json);
});

host_once!(what_a_unit_is_bound_to_is_told_of_where_it_stops_it, ready_test_policy, |host| {
    watch_long(host);
    for (bond, of_other) in [
        ("BindsTo=OTHER.service\nAfter=OTHER.service\n", ""),
        ("Requires=OTHER.service\nAfter=OTHER.service\n", ""),
        ("PartOf=OTHER.service\nAfter=OTHER.service\n", ""),
        ("", "PropagatesStopTo=probe.service\n"),
    ] {
        for (other, named) in
            [("slow", "is down: slow.service"), ("private-one", "is down: a unit that is not in")]
        {
            unit(host, other, &format!("[Unit]\n{of_other}[Service]\n{RUNS}"));
            let bond = bond.replace("OTHER", other);
            unit(host, "probe", &format!("[Unit]\n{bond}[Service]\n{RUNS}"));
            host.root(&format!("systemctl start {other}")).ok();
            let stop = format!("systemctl stop {other}");
            let reply = meanwhile(host, "service start probe", "active", "probe", &stop);
            let reply = reply.expect("unhealthy");
            assert!(told(&reply).contains(named), "{bond}{of_other}: {:#}", reply.json);
            assert!(!reply.json.to_string().contains("private"), "{:#}", reply.json);
        }
    }
    // It ends while the start waits.
    unit(host, "slow", "[Service]\nExecStart=/bin/sleep 1000\n");
    unit(
        host,
        "probe",
        "[Unit]\nBindsTo=slow.service\nAfter=slow.service\n[Service]\nType=notify\nExecStart=/bin/sleep 1000\n",
    );
    let reply =
        meanwhile(host, "service start probe", "activating", "probe", "systemctl stop slow");
    let reply = reply.expect("command_failed");
    assert!(told(&reply).contains("is down: slow.service"), "{:#}", reply.json);
});

host_once!(a_run_of_before_is_not_told_as_this_one, ready_test_policy, |host| {
    let crashes = "[Service]\nExecStart=/bin/sh -c 'exit 3'\n";
    let unlimited = "[Unit]\nStartLimitIntervalSec=0\n";
    unit(host, "masked", "[Service]\nExecStart=/bin/false\nType=oneshot\n");
    for (now, code, words) in [
        ("ConditionPathExists=/nowhere\n", "ok", "a condition"),
        ("AssertPathExists=/nowhere\n", "command_failed", "Assert"),
        (
            "Requires=masked.service\nAfter=masked.service\n",
            "command_failed",
            "that it needs failed",
        ),
        ("Requires=not-there.service\n", "command_failed", "that it needs does not exist"),
        ("RefuseManualStart=yes\n", "command_failed", "by dependency only"),
    ] {
        for action in ["start", "restart"] {
            unit(host, "probe", &format!("{unlimited}{crashes}"));
            ask(host, "service start probe").expect("unhealthy");
            unit(host, "probe", &format!("{unlimited}{now}{crashes}"));
            let reply = ask(host, &format!("service {action} probe")).expect(code);
            let case = format!("{action}, {now}: {:#}", reply.json);
            assert!(format!("{} {}", told(&reply), warnings(&reply)).contains(words), "{case}");
            assert!(!told(&reply).contains("exit status 3"), "{case}");
            if code == "ok" {
                assert_eq!(reply.json["changed"], false, "{case}");
                assert!(warnings(&reply).contains("it failed before"), "{case}");
            }
        }
    }
    // What is not the main process has an exit status too, which the unit's state does not have.
    unit(host, "probe", &format!("{unlimited}{crashes}ExecStartPre=/bin/sh -c 'exit 5'\n"));
    let reply = ask(host, "service start probe").expect("command_failed");
    assert!(told(&reply).contains("exit status 5"), "{}", told(&reply));
});

host_once!(a_reload_that_failed_and_ended_the_unit_says_so, ready_test_policy, |host| {
    watch_long(host);
    let up = "Type=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'\n";
    for (service, code, words) in [
        ("ExecReload=/bin/sh -c 'kill -KILL $MAINPID; exit 1'\n", "unhealthy", "signal 9"),
        (
            "ExecReload=/bin/sh -c '(sleep 0.3; kill -KILL $MAINPID) & exit 1'\nKillMode=process\n",
            "unhealthy",
            "signal 9",
        ),
        (
            "ExecReload=/bin/sh -c 'kill -TERM $MAINPID; exit 1'\n",
            "unhealthy",
            "is not running now",
        ),
        (
            "Restart=always\nRestartSec=1000\nExecReload=/bin/sh -c 'kill -KILL $MAINPID; exit 1'\n",
            "unhealthy",
            "signal 9",
        ),
        (
            "Restart=always\nRestartSec=1ms\nExecReload=/bin/sh -c 'kill -KILL $MAINPID; sleep 0.1; exit 1'\n",
            "unhealthy",
            "was started again",
        ),
        (
            "ExecReload=/bin/sh -c 'exit 6'\n",
            "command_failed",
            "ExecReload= ended with exit status 6",
        ),
    ] {
        unit(host, "probe", &format!("[Service]\n{up}{service}"));
        ask(host, "service start probe").expect("ok");
        let reply = ask(host, "service reload probe").expect(code);
        assert!(told(&reply).contains(words), "{service}: {}", told(&reply));
        let goes_on = told(&reply).contains("still runs with its old settings");
        assert_eq!(goes_on, code == "command_failed", "{service}: {}", told(&reply));
        assert!(!told(&reply).contains("Job for"), "{service}: {}", told(&reply));
        host.root("systemctl stop probe; systemctl reset-failed; true").ok();
    }
});

host_once!(the_lines_of_the_program_are_not_lost_among_the_manager_s, ready_test_policy, |host| {
    // The manager logs each signal that somebody has it send.
    unit(
        host,
        "probe",
        "[Service]\nExecStart=/bin/sh -c 'echo cannot bind; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do systemctl kill --signal=WINCH probe; done; exit 4'\n",
    );
    let reply = ask(host, "service start probe").expect("unhealthy");
    let log = log_of(&reply);
    assert!(log[0].ends_with(": cannot bind"), "{log:#?}");
    assert!(log.last().expect("lines").contains("Failed with result"), "{log:#?}");
    assert_eq!(log.len(), 10, "{log:#?}");
    assert!(log.is_sorted_by_key(|line| &line[..19]), "{log:#?}");
});

host_once!(a_unit_that_nothing_needs_is_told_of, ready_test_policy, |host| {
    unit(host, "probe", &format!("[Unit]\nStopWhenUnneeded=yes\n[Service]\n{RUNS}"));
    for needed_by in ["", "a unit that is not in the policy"] {
        let reply = ask(host, "service start probe").expect("unhealthy");
        let told = told(&reply);
        assert!(told.contains("because no unit that is up needs it (StopWhenUnneeded=)"), "{told}");
        assert!(told.contains(needed_by) && !told.contains("private"), "{told}");
        // One that needs it, and is known but down.
        unit(host, "private-one", &format!("[Unit]\nRequires=probe.service\n[Service]\n{RUNS}"));
        unit(host, "private-two", &format!("[Unit]\nAfter=private-one.service\n[Service]\n{RUNS}"));
        host.root("systemctl start private-two").ok();
    }
    host.root("systemctl start private-one").ok();
    ask(host, "service restart probe").expect("ok");
});
