//! No sequence of permitted operations leaves a healthy unit down, however often the service
//! manager would have it started.

use std::thread;

use crate::host::{Host, host_once, wait_until};
use crate::{ask, is_up, told, unit};

/// Healthy units of each kind, by the names that the policy has.
const HEALTHY: [(&str, &str); 8] = [
    ("probe", "ExecStart=/bin/sleep 1000\nExecReload=/bin/true"),
    ("slow", "Type=exec\nExecStart=/bin/sleep 1000\nExecReload=/bin/true"),
    // The reload of an idle one waits for all other jobs, those of its neighbours here.
    ("hanging", "Type=idle\nExecStart=/bin/sleep 1000"),
    ("forker", "Type=forking\nExecStart=/bin/sh -c 'sleep 1000 &'\nExecReload=/bin/true"),
    (
        "notifier",
        "Type=notify\nNotifyAccess=all\nExecReload=/bin/true\n\
         ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'",
    ),
    ("oneshot-job", "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecReload=/bin/true"),
    ("looping", "Restart=always\nExecStart=/bin/sleep 1000\nExecReload=/bin/true"),
    // Ends with a failure when it is told to end, as Java does.
    (
        "ends-well",
        "ExecStart=/bin/sh -c 'trap \"exit 143\" TERM; sleep 1000 & wait'\nExecReload=/bin/true",
    ),
];

/// So many permitted operations, the same for the same seed, and the last is no stop.
fn sequence(mut seed: u64, length: usize) -> Vec<&'static str> {
    let mut next = move || {
        // xorshift64 (Marsaglia, 2003).
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        ["restart", "stop", "start", "restart", "reload", "start"][(seed % 6) as usize]
    };
    let mut actions: Vec<&str> = (0..length).map(|_| next()).collect();
    actions.push(if seed.is_multiple_of(2) { "restart" } else { "start" });
    actions
}

#[track_caller]
fn stays_up(host: &Host, name: &str, actions: &[&str], case: &str) {
    let mut is_stopped = !is_up(host, name);
    for action in actions {
        let reply = ask(host, &format!("service {action} {name}"));
        match *action {
            // There is nothing to reload, or no way to.
            "reload" if is_stopped || name == "hanging" => drop(reply.expect("command_failed")),
            _ => drop(reply.expect("ok")),
        }
        is_stopped = *action == "stop" || (*action == "reload" && is_stopped);
        assert_ne!(is_up(host, name), is_stopped, "{name}, {case}: {action} of {actions:?}");
    }
}

host_once!(no_sequence_of_operations_leaves_a_healthy_unit_down, ready_test_policy, |host| {
    // As tight as a limit can be, and the usual one.
    for (limit, seeds) in
        [("StartLimitIntervalSec=1h\nStartLimitBurst=1", [11, 12]), ("", [21, 22])]
    {
        for (name, service) in HEALTHY {
            unit(host, name, &format!("[Unit]\n{limit}\n[Service]\n{service}\n"));
        }
        for seed in seeds {
            let (names, case) = (HEALTHY.map(|(name, _)| name), format!("{limit}, seed {seed}"));
            thread::scope(|scope| {
                for (index, name) in names.into_iter().enumerate() {
                    let actions = sequence(seed * 100 + index as u64, 7);
                    let case = &case;
                    scope.spawn(move || stays_up(host, name, &actions, case));
                }
            });
        }
        host.root("systemctl stop probe slow hanging forker notifier oneshot-job looping ends-well; systemctl reset-failed").ok();
    }
    // Six in a row, as in the night when somebody changes a setting again and again.
    for _ in 0..8 {
        ask(host, "service restart nginx").expect("ok");
    }
    assert!(is_up(host, "nginx"));
});

// A program without a handler for the signal ends, and the manager starts it again.
host_once!(reloads_that_end_the_unit_do_not_use_up_its_limit, ready_test_policy, |host| {
    for limit in ["StartLimitIntervalSec=1h\nStartLimitBurst=1", "StartLimitBurst=3"] {
        for end in ["", "-HUP", "-KILL"] {
            let service = format!(
                "Restart=always\nRestartSec=0\nExecStart=/bin/sleep 1000\nExecReload=/bin/kill {end} $MAINPID"
            );
            unit(host, "looping", &format!("[Unit]\n{limit}\n[Service]\n{service}\n"));
            ask(host, "service start looping").expect("ok");
            for _ in 0..5 {
                let reply = ask(host, "service reload looping").expect("unhealthy");
                // Seen after its start, or between its end and its start.
                let again = ["it died and was started again (once so far", "starts it again"];
                let is_told = again.iter().any(|again| told(&reply).contains(again));
                assert!(is_told, "{}", told(&reply));
                host.root("! systemctl is-failed looping").ok();
                wait_until("it is up again", || is_up(host, "looping"));
            }
            host.root("systemctl stop looping; systemctl reset-failed").ok();
        }
    }
});

// What the manager does when the limit is reached can be worse than to leave it down.
host_once!(the_action_of_a_start_limit_is_not_taken, ready_test_policy, |host| {
    let limit = "StartLimitIntervalSec=1h\nStartLimitBurst=1\nStartLimitAction=poweroff-immediate";
    unit(host, "notifier", &format!("[Unit]\n{limit}\n[Service]\nExecStart=/bin/sleep 1000\n"));
    for action in ["start", "restart", "stop", "start"] {
        ask(host, &format!("service {action} notifier")).expect("ok");
    }
    // One that is not well: each start is told for what it is.
    unit(host, "crashing", &format!("[Unit]\n{limit}\n[Service]\nExecStart=/bin/sh -c 'exit 3'\n"));
    for action in ["start", "restart", "start"] {
        let reply = ask(host, &format!("service {action} crashing")).expect("unhealthy");
        assert!(told(&reply).contains("exit status 3"), "{}", told(&reply));
    }
});

// Where somebody else has reached the limit, what is permitted is not refused for it.
host_once!(a_limit_that_others_have_reached_is_no_obstacle, ready_test_policy, |host| {
    host.root("for i in {1..8}; do systemctl restart nginx; done; true").ok();
    assert!(!is_up(host, "nginx"), "the premise");
    ask(host, "service start nginx").expect("ok");
    assert!(is_up(host, "nginx"));
});
