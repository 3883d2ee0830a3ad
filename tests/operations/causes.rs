//! What systemd says in a word or a number is told in a sentence, with what to do.

use crate::host::{Host, host_once};
use crate::{ask, told, unit, watch_long};

/// A unit that does not come up, the word or number of systemd for it, and what is told.
const CAUSES: [(&str, &str, &str); 16] = [
    ("ExecStart=/bin/sh -c /etc/hosts", "exit status 126", "may not be executed"),
    ("ExecStart=/bin/sh -c nowhere-to-be-found", "exit status 127", "does not exist"),
    (
        "ExecStartPre=/bin/sh -c nowhere-to-be-found\nExecStart=/bin/true",
        "exit status 127",
        "does not exist",
    ),
    ("WorkingDirectory=/nowhere\nExecStart=/bin/true", "exit status 200", "WorkingDirectory="),
    ("ExecStart=/nowhere/program", "exit status 203", "ExecStart= does not exist"),
    ("StandardInput=file:/nowhere\nExecStart=/bin/true", "exit status 208", "StandardInput="),
    ("Group=nobody-of-that-name\nExecStart=/bin/true", "exit status 216", "Group="),
    ("User=nobody-of-that-name\nExecStart=/bin/true", "exit status 217", "User="),
    ("ReadWritePaths=/nowhere\nExecStart=/bin/true", "exit status 226", "ReadWritePaths="),
    ("LoadCredential=a:/nowhere\nExecStart=/bin/true", "exit status 243", "LoadCredential="),
    (
        "EnvironmentFile=/nowhere\nExecStart=/bin/true",
        "result resources",
        "the paths in its unit file",
    ),
    ("Type=notify\nExecStart=/bin/true", "result protocol", "NotifyAccess="),
    ("Type=forking\nPIDFile=/run/nowhere\nExecStart=/bin/true", "result protocol", "PIDFile="),
    (
        "Type=notify\nTimeoutStartSec=1\nExecStart=/bin/sleep 1000",
        "result timeout",
        "TimeoutStartSec=",
    ),
    (
        "Type=notify\nNotifyAccess=all\nWatchdogSec=200ms\nExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'",
        "result watchdog",
        "WatchdogSec=",
    ),
    ("ExecStart=/bin/sh -c 'kill -ILL $$$$'", "signal 4", "`log`"),
];

fn reset(host: &Host) {
    host.root("systemctl stop probe; systemctl reset-failed; true").ok();
}

host_once!(how_a_unit_ended_is_told_in_words, ready_test_policy, |host| {
    for (service, word, words) in CAUSES {
        unit(host, "probe", &format!("[Service]\n{service}\n"));
        let reply = ask(host, "service start probe");
        assert_eq!(reply.json["success"], false, "{service}: {:#}", reply.json);
        assert!(told(&reply).contains(word), "{service}: {}", told(&reply));
        assert!(told(&reply).contains(words), "{service}: {}", told(&reply));
        assert!(!told(&reply).contains("Job for"), "{service}: {}", told(&reply));
        reset(host);
    }
});

host_once!(the_setting_that_is_wrong_is_told, ready_test_policy, |host| {
    for (service, words) in [
        ("Type=oneshot", "no ExecStart="),
        ("ExecStart=bin/sleep 1000", "bin/sleep"),
        ("Type=dbus\nExecStart=/bin/true", "no D-Bus service name"),
        ("Type=oneshot\nRestart=always\nExecStart=/bin/true", "Restart="),
        ("Type=oneshot\nNonsense=1", "no ExecStart="),
    ] {
        unit(host, "probe", &format!("[Service]\n{service}\n"));
        let reply = ask(host, "service start probe").expect("command_failed");
        let said = told(&reply);
        assert!(said.contains("(bad-setting): ") && said.contains(words), "{service}: {said}");
        assert!(said.contains("systemd-analyze verify"), "{service}: {said}");
    }
});

host_once!(what_the_manager_does_not_begin_is_told_in_words, ready_test_policy, |host| {
    let runs = "[Service]\nExecStart=/bin/sleep 1000\n";
    unit(
        host,
        "private-one",
        &format!(
            "[Unit]\nConflicts=probe.service\n[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n{}",
            ""
        ),
    );
    unit(
        host,
        "private-two",
        &format!("[Unit]\nRequires=probe.service\nAfter=probe.service\n{runs}"),
    );
    unit(host, "private-three", "[Service]\nType=oneshot\n");
    for (file, code, words) in [
        (
            "Requires=private-one.service\nConflicts=private-one.service\n",
            "command_failed",
            "conflicts with it",
        ),
        (
            "Requires=private-two.service\nAfter=private-two.service\n",
            "command_failed",
            "in a circle",
        ),
        ("Requires=private-three.service\n", "command_failed", "is invalid"),
        ("Requires=private-four.service\n", "command_failed", "does not exist"),
        ("AssertPathExists=/nowhere\n", "command_failed", "Assert"),
    ] {
        unit(host, "probe", &format!("[Unit]\n{file}{runs}"));
        let reply = ask(host, "service start probe").expect(code);
        assert!(told(&reply).contains(words), "{file}: {}", told(&reply));
        assert!(!told(&reply).contains("private"), "{file}: {}", told(&reply));
    }
    // A job that nothing may undo, as those of a shutdown are.
    unit(host, "probe", runs);
    host.root("systemctl start --no-block --job-mode=replace-irreversibly private-one; until [[ $(systemctl show --property=ActiveState --value private-one) = activating ]]; do sleep 0.05; done").ok();
    let reply = ask(host, "service start probe").expect("busy");
    assert!(told(&reply).contains("must not be undone"), "{}", told(&reply));
    assert!(reply.json["retry_after_s"].is_u64(), "{:#}", reply.json);
});

// Its start failed, and the manager has another in mind.
host_once!(a_start_that_is_tried_again_says_so, ready_test_policy, |host| {
    for (pause, wait) in [("1000", ""), ("1ms", "sleep 0.2; ")] {
        unit(
            host,
            "looping",
            &format!(
                "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=notify\nRestart=always\nRestartSec={pause}\n\
                 ExecStart=/bin/sh -c '{wait}exit 5'\n"
            ),
        );
        let reply = ask(host, "service start looping").expect("command_failed");
        let said = told(&reply);
        assert!(said.contains("could not be started"), "{pause}: {said}");
        assert!(said.contains("will try again"), "{pause}: {said}");
        assert!(said.contains("sm-helper service stop looping"), "{pause}: {said}");
        ask(host, "service stop looping").expect("ok");
    }
});

// The end of its first process says nothing of the one that goes on.
host_once!(a_daemon_that_dies_a_little_later_is_seen, ready_test_policy, |host| {
    watch_long(host);
    for delay in ["0.7", "1.2"] {
        unit(
            host,
            "forker",
            &format!(
                "[Service]\nType=forking\nExecStart=/bin/sh -c '(sleep {delay}; exit 9) & sleep 0.1'\n"
            ),
        );
        let reply = ask(host, "service start forker").expect("unhealthy");
        assert!(told(&reply).contains("exit status 9"), "{}", told(&reply));
        reset(host);
    }
});
