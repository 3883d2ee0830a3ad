//! Whether a unit that was started, restarted or reloaded stays up.

use crate::host::{Host, Reply, events, host_once, records, wait_until};
use crate::{ask, log_of, told, unit, watch_long};

/// A unit that does not stay up, and how it ends.
struct Dies {
    unit: &'static str,
    file: &'static str,
    /// What is asked for, after a start that goes well where it is something else.
    action: &'static str,
    result: &'static str,
    status: Option<i64>,
    signal: Option<i64>,
}

const fn dies(
    unit: &'static str,
    file: &'static str,
    action: &'static str,
    result: &'static str,
    status: Option<i64>,
    signal: Option<i64>,
) -> Dies {
    Dies { unit, file, action, result, status, signal }
}

const DIE: [Dies; 9] = [
    dies(
        "crashing",
        "[Service]\nExecStart=/bin/sh -c 'echo of crashing; sleep 0.5; echo password=hunter2x >&2; exit 3'\n",
        "start",
        "exit-code",
        Some(3),
        None,
    ),
    dies(
        "crashing",
        "[Service]\nExecStart=/bin/sh -c 'echo of crashing; sleep 0.2; kill -9 $$$$'\n",
        "start",
        "signal",
        None,
        Some(9),
    ),
    dies(
        "forker",
        "[Service]\nType=forking\nExecStart=/bin/sh -c 'echo of forker; sh -c \"sleep 0.3; exit 9\" & sleep 0.1'\n",
        "start",
        "exit-code",
        Some(9),
        None,
    ),
    dies(
        "notifier",
        "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'echo of notifier; systemd-notify --ready; sleep 0.2; exit 5'\n",
        "start",
        "exit-code",
        Some(5),
        None,
    ),
    dies(
        "looping",
        "[Service]\nRestart=always\nRestartSec=2\nExecStart=/bin/sh -c 'echo of looping; sleep 0.2; exit 4'\n",
        "start",
        "exit-code",
        Some(4),
        None,
    ),
    dies(
        "probe",
        "[Service]\nExecStart=/usr/bin/not-there\n",
        "start",
        "exit-code",
        Some(203),
        None,
    ),
    dies(
        "probe",
        "[Service]\nUser=nobody-of-that-name\nExecStart=/bin/sleep 1000\n",
        "start",
        "exit-code",
        Some(217),
        None,
    ),
    dies(
        "probe",
        "[Service]\nExecReload=/bin/kill -HUP $MAINPID\nExecStart=/bin/sh -c 'trap \"echo of probe; sleep 0.3; exit 7\" HUP; touch /run/trapped; while :; do sleep 0.1; done'\n",
        "reload",
        "exit-code",
        Some(7),
        None,
    ),
    dies(
        "probe",
        "[Service]\nExecStart=/bin/sh -c 'test -e /run/again && { sleep 0.3; exit 8; }; touch /run/again; sleep 1000'\n",
        "restart",
        "exit-code",
        Some(8),
        None,
    ),
];

#[track_caller]
fn is_unhealthy(reply: Reply, case: &str) -> Reply {
    let reply = reply.expect("unhealthy");
    assert_eq!(reply.json["returncode"], 0, "{case}: systemd took the job for done");
    assert_eq!(reply.json["changed"], true, "{case}");
    assert!(told(&reply).contains("`log`"), "{case}: {}", told(&reply));
    let lines = log_of(&reply);
    assert!((1..=10).contains(&lines.len()), "{case}: {lines:#?}");
    reply
}

host_once!(a_unit_that_dies_after_its_start_is_unhealthy, ready_test_policy, |host| {
    watch_long(host);
    // Another unit writes all the time.
    unit(
        host,
        "slow",
        "[Service]\nExecStart=/bin/sh -c 'while :; do echo of another; sleep 0.05; done'\n",
    );
    host.root("systemctl start slow").ok();
    for Dies { unit: name, file, action, result, status, signal } in DIE {
        unit(host, name, file);
        let case = format!("{action} {name}: {file}");
        if action != "start" {
            ask(host, &format!("service start {name}")).expect("ok");
        }
        let reply = is_unhealthy(ask(host, &format!("service {action} {name}")), &case);
        let after = &reply.json["unit"];
        assert_eq!(after["result"], result, "{case}: {:#}", reply.json);
        assert_eq!(after["exit_status"].as_i64(), status, "{case}: {:#}", reply.json);
        assert_eq!(after["exit_signal"].as_i64(), signal, "{case}: {:#}", reply.json);
        assert_eq!(after["restarts"], 0, "{case}: {:#}", reply.json);
        let number = status.or(signal).expect("one of them").to_string();
        assert!(told(&reply).contains(&format!("{name}.service died")), "{case}: {}", told(&reply));
        assert!(told(&reply).contains(&number), "{case}: {}", told(&reply));
        let log = log_of(&reply).join("\n");
        assert!(log.contains(&format!("{name}.service")), "{case}: {log}");
        assert!(!log.contains("of another") && !log.contains("hunter2x"), "{case}: {log}");
        if file.contains("of ") {
            assert!(log.contains(&format!("of {name}")), "{case}: what it wrote itself: {log}");
        }
        let id = &reply.json["request_id"];
        assert_eq!(events(host, id), "intent ok, result unhealthy", "{case}");
        // What a unit writes is not for the audit log.
        let record = format!("{:?}", records(host, id));
        assert!(!record.contains(&format!("of {name}\\n")) && !record.contains("hunter2x"));
        host.root(&format!("systemctl stop {name}; systemctl reset-failed")).ok();
    }
});

host_once!(a_unit_that_is_started_again_and_again_is_unhealthy, ready_test_policy, |host| {
    watch_long(host);
    for (name, file) in [
        ("crash", "exit 6"),
        ("kill", "kill -9 $$$$"),
        // With success, which is no more of a service.
        ("end", "exit 0"),
    ] {
        for pause in ["1ms", "100ms"] {
            unit(
                host,
                "looping",
                &format!(
                    "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\n\
                     RestartSec={pause}\nExecStart=/bin/sh -c 'sleep 0.1; {file}'\n"
                ),
            );
            for action in ["start", "restart"] {
                let case = format!("{action}, {name}, {pause}");
                let reply = is_unhealthy(ask(host, &format!("service {action} looping")), &case);
                assert!(reply.json["unit"]["restarts"].is_u64(), "{case}: {:#}", reply.json);
                ask(host, "service stop looping").expect("ok");
            }
        }
    }
    // The start of what waits for the manager to try again waits with it, and is no success.
    unit(
        host,
        "looping",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=1000\nExecStart=/bin/false\n",
    );
    is_unhealthy(ask(host, "service start looping"), "between two starts");
    let reply = ask(host, "service status looping").expect("ok");
    assert_eq!(reply.json["unit"]["sub_state"], "auto-restart");
    let reply = ask(host, "service start looping --timeout 2").expect("timeout");
    assert!(told(&reply).contains("(phase auto-restart)"), "{}", told(&reply));
    // Mended meanwhile, it is well, also where the manager's own restart comes first.
    for pause in ["1000", "300ms"] {
        unit(
            host,
            "looping",
            &format!(
                "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec={pause}\n\
                 ExecStart=/bin/sh -c 'test -e /run/mended && exec sleep 1000'\n"
            ),
        );
        host.root("rm -f /run/mended; systemctl restart looping").ok();
        let state = "systemctl show -P SubState looping";
        wait_until("it is between two starts", || host.root(state).ok() == "auto-restart\n");
        host.root("touch /run/mended").ok();
        ask(host, "service restart looping").expect("ok");
    }
});

/// What comes of a unit that is well: whether it was changed, its state, the warning.
#[track_caller]
fn is_well(host: &Host, action: &str, name: &str, changed: bool, sub: &str) -> Reply {
    let reply = ask(host, &format!("service {action} {name}")).expect("ok");
    assert_eq!(reply.json["changed"], changed, "{action} {name}: {:#}", reply.json);
    assert_eq!(reply.json["unit"]["sub_state"], sub, "{action} {name}: {:#}", reply.json);
    assert_eq!(reply.json["unit"]["result"], "success", "{action} {name}: {:#}", reply.json);
    assert!(reply.json["log"].is_null(), "{action} {name}: {:#}", reply.json);
    reply
}

host_once!(a_unit_that_stays_up_is_well, ready_test_policy, |host| {
    for (name, file, sub) in [
        ("probe", "[Service]\nExecStart=/bin/sleep 1000\n", "running"),
        ("looping", "[Service]\nRestart=always\nExecStart=/bin/sleep 1000\n", "running"),
        (
            "notifier",
            "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'systemd-notify --ready; sleep 1000'\n",
            "running",
        ),
        (
            "forker",
            "[Service]\nType=forking\nExecStart=/bin/sh -c 'sleep 1000 & sleep 0.1'\n",
            "running",
        ),
        (
            "oneshot-job",
            "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
            "exited",
        ),
        ("ends-well", "[Service]\nRemainAfterExit=yes\nExecStart=/bin/sleep 0.2\n", "exited"),
    ] {
        unit(host, name, file);
        is_well(host, "start", name, true, sub);
        let again = is_well(host, "start", name, false, sub);
        let restarted = is_well(host, "restart", name, true, sub);
        if sub == "running" {
            assert_ne!(restarted.json["unit"]["main_pid"], again.json["unit"]["main_pid"]);
        }
        is_well(host, "stop", name, true, "dead");
        let reply = is_well(host, "stop", name, false, "dead");
        assert!(reply.json["warnings"].is_null(), "{:#}", reply.json);
    }
});

host_once!(what_is_done_and_gone_is_told_from_what_runs, ready_test_policy, |host| {
    // A job that ran did something, each time, and is not expected to be there.
    unit(
        host,
        "oneshot-job",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo x >>/run/ran'\n",
    );
    for times in 1..=3 {
        let reply = is_well(host, "start", "oneshot-job", true, "dead");
        assert!(reply.json["warnings"].is_null(), "{:#}", reply.json);
        assert_eq!(host.read("/run/ran").lines().count(), times);
    }
    // A service that ended is not there, and the caller is told.
    unit(host, "ends-well", "[Service]\nExecStart=/bin/sleep 0.2\n");
    for action in ["start", "restart"] {
        let reply = is_well(host, action, "ends-well", true, "dead");
        let warning = reply.json["warnings"][0].as_str().expect("a warning");
        assert!(warning.contains("not running now"), "{warning}");
    }
    // One that fails did something too.
    unit(
        host,
        "oneshot-job",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo token: abcdefghijklmnop1234; exit 4'\n",
    );
    let reply = ask(host, "service start oneshot-job").expect("command_failed");
    assert_eq!(reply.json["changed"], true);
    assert_eq!(reply.json["unit"]["exit_status"], 4);
    assert!(told(&reply).contains("exit status 4"), "{}", told(&reply));
    let log = log_of(&reply).join("\n");
    assert!(log.contains("token: [masked]") && !log.contains("abcdefghijklmnop"), "{log}");
});

// It dies later than it is watched of itself; the timeout of 6 s bounds both.
host_once!(a_site_can_watch_longer_but_not_shorter, ready_test_policy, |host| {
    let later = "[Service]\nExecStart=/bin/sh -c 'sleep 2.5; exit 3'\n";
    let soon = "[Service]\nExecStart=/bin/sh -c 'sleep 0.5; exit 3'\n";
    let general = "schema = 1\n[services]\nactions = [\"start\"]\nwatch_seconds = SECONDS\n\
                   [services.units]\nprobe = {}\n";
    let own = "schema = 1\n[services]\nactions = [\"start\"]\n\
               [services.units]\nprobe = { watch_seconds = SECONDS }\n";
    host.root("mkdir -p /etc/sm").ok();
    for (policy, seconds, file) in
        [(general, "60", later), (own, "60", later), (general, "0", soon), (own, "0", soon)]
    {
        unit(host, "probe", file);
        let policy = policy.replace("SECONDS", seconds);
        host.write("/etc/sm/policy.toml", &policy);
        is_unhealthy(ask(host, "service start probe"), &policy);
        host.root("systemctl reset-failed").ok();
    }
    for bad in ["61", "-1", "\"2\""] {
        host.write("/etc/sm/policy.toml", general.replace("SECONDS", bad));
        let reply = ask(host, "service start probe").expect("policy_invalid");
        assert!(told(&reply).contains("policy.toml:4"), "{}", told(&reply));
    }
});
