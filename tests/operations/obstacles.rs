//! What is in the way of an operation on a unit: each obstacle has a sentence and a hint of its
//! own, and is not taken for another one.

use crate::host::{Host, Reply, events, host_once};
use crate::{ask, log_of, told, unit};

const RUNS: &str = "[Service]\nExecStart=/bin/sleep 1000\n";

/// Asks, and finds all of `words` in what is said, a hint among it.
#[track_caller]
fn says(host: &Host, line: &str, code: &str, words: &[&str]) -> Reply {
    let reply = ask(host, line).expect(code);
    let said = told(&reply);
    for word in words {
        assert!(said.contains(word), "{line}: no {word:?} in: {said}\n{:#}", reply.json);
    }
    assert!(reply.json["hint"].is_string(), "{line}: no hint: {:#}", reply.json);
    assert!(!said.contains("journalctl") && !said.contains("systemctl status"), "{line}: {said}");
    reply
}

/// Says nothing of a start limit.
#[track_caller]
fn is_no_limit(reply: &Reply) {
    assert!(!told(reply).contains("too often"), "{:#}", reply.json);
}

/// A unit whose last run failed, and that then has this file.
fn failed_before(host: &Host, name: &str, file: &str) {
    unit(host, name, "[Service]\nExecStart=/bin/false\n");
    host.root(&format!(
        "systemctl start {name}; until systemctl is-failed {name}; do sleep 0.1; done"
    ))
    .ok();
    unit(host, name, file);
}

host_once!(what_is_masked_says_so, ready_test_policy, |host| {
    host.root("ln -s /dev/null /etc/systemd/system/masked.service; systemctl daemon-reload").ok();
    for action in ["start", "restart", "reload", "enable"] {
        let words = ["masked.service is masked", "systemctl unmask masked.service"];
        let reply = says(host, &format!("service {action} masked"), "command_failed", &words);
        assert_eq!(reply.json["unit"]["load_state"], "masked");
        assert_eq!(reply.json["changed"], false);
        assert!(reply.json["log"].is_null(), "{:#}", reply.json);
    }
    ask(host, "service stop masked").expect("ok");
    ask(host, "service status masked").expect("ok");
    // Also what was masked while it was failed.
    host.root("mkdir -p /run/systemd/system; printf '[Service]\nExecStart=/bin/false\n' >/run/systemd/system/probe.service; systemctl daemon-reload; systemctl start probe; until systemctl is-failed probe; do sleep 0.1; done; ln -s /dev/null /etc/systemd/system/probe.service; systemctl daemon-reload")
        .ok();
    for action in ["start", "restart", "reload"] {
        let line = format!("service {action} probe");
        is_no_limit(&says(host, &line, "command_failed", &["probe.service is masked"]));
    }
    // And what was masked while it runs can be stopped.
    host.root("printf '[Service]\nExecStart=/bin/sleep 1000\n' >/run/systemd/system/slow.service; systemctl daemon-reload; systemctl start slow; ln -s /dev/null /etc/systemd/system/slow.service; systemctl daemon-reload")
        .ok();
    says(host, "service restart slow", "command_failed", &["slow.service is masked"]);
    assert_eq!(ask(host, "service stop slow").expect("ok").json["changed"], true);
});

host_once!(what_is_not_there_or_wrong_says_so, ready_test_policy, |host| {
    for name in ["probe", "app@blue"] {
        for action in ["start", "stop", "restart", "reload"] {
            let line = format!("service {action} {name}");
            let words = [&format!("no unit {name}.service"), "spelling"];
            let reply = says(host, &line, "command_failed", &words.map(|word| word));
            assert_eq!(reply.json["unit"]["load_state"], "not-found");
            assert!(reply.json["log"].is_null());
        }
    }
    for (file, load) in [
        ("ExecStart=bad\n", "bad-setting"),
        ("[Service]\nType=oneshot\nRestart=always\nExecStart=/bin/true\n", "bad-setting"),
        ("[Unit]\nDescription=of nothing\n", "bad-setting"),
    ] {
        unit(host, "probe", file);
        for action in ["start", "restart"] {
            let words = [
                "the unit file of probe.service is invalid and not loaded",
                load,
                "systemd-analyze verify",
            ];
            let line = format!("service {action} probe");
            let reply = says(host, &line, "command_failed", &words);
            assert_eq!(reply.json["unit"]["load_state"], load);
            assert_eq!(reply.json["changed"], false);
        }
    }
});

host_once!(a_changed_unit_file_is_not_started_unread, ready_test_policy, |host| {
    unit(host, "probe", &format!("{RUNS}ExecReload=/bin/true\n"));
    ask(host, "service start probe").expect("ok");
    let before = host.main_pid("probe");
    host.root("sleep 1; echo '# more' >>/etc/systemd/system/probe.service").ok();
    for action in ["start", "restart", "reload"] {
        let words = ["probe.service was changed", "nothing was done", "service daemon-reload"];
        let line = format!("service {action} probe");
        let reply = says(host, &line, "check_failed", &words);
        assert_eq!(host.main_pid("probe"), before, "{action}");
        assert!(reply.json["returncode"].is_null() && reply.json["changed"].is_null());
        let records = events(host, &reply.json["request_id"]);
        assert_eq!(records, "intent ok, result check_failed");
    }
    let reply = ask(host, "service status probe").expect("ok");
    let warning = reply.json["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("probe.service was changed"), "{warning}");
    // Whoever may not have it read is told who can.
    host.root("mkdir -p /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[services]\nactions = [\"restart\"]\nunits.probe = {}\n",
    );
    let words = ["an administrator", "systemctl daemon-reload"];
    says(host, "service restart probe", "check_failed", &words);
    host.root("sm policy revert").ok();
    // A drop-in is part of it.
    host.root("cd /etc/systemd/system; mkdir probe.service.d; printf '[Service]\nNice=5\n' >probe.service.d/nice.conf; systemctl daemon-reload; sleep 1; echo '# more' >>probe.service.d/nice.conf")
        .ok();
    says(host, "service restart probe", "check_failed", &["probe.service was changed"]);
    assert_eq!(host.main_pid("probe"), before);
    // What shall be down is taken down.
    ask(host, "service stop probe").expect("ok");
    assert_eq!(host.main_pid("probe"), 0);
    host.root("systemctl daemon-reload").ok();
    ask(host, "service start probe").expect("ok");
});

host_once!(changed_unit_files_are_read_by_whoever_may_have_that_done, ready_test_policy, |host| {
    unit(host, "probe", RUNS);
    ask(host, "service start probe").expect("ok");
    host.root("echo SyslogIdentifier=new >>/etc/systemd/system/probe.service; touch -d '+1 minute' /etc/systemd/system/probe.service").ok();
    let known = || {
        let shown = host.root("systemctl show -P SyslogIdentifier probe").stdout_text();
        shown.trim().to_owned()
    };
    let reply = ask(host, "service daemon-reload --dry-run").expect("ok");
    assert_eq!((known(), &reply.json["dry_run"]), (String::new(), &true.into()));
    let before = host.main_pid("probe");
    let reply = ask(host, "service daemon-reload").expect("ok");
    let json = &reply.json;
    assert_eq!((&json["changed"], &json["returncode"]), (&true.into(), &0.into()), "{json:#}");
    assert_eq!(json["operation"]["action"], "daemon-reload");
    assert!(json["operation"]["name"].is_null() && json.get("unit").is_none(), "{json:#}");
    assert_eq!(json["argv"][3], "daemon-reload", "{json:#}");
    assert_eq!(events(host, &json["request_id"]), "intent ok, result ok");
    assert_eq!((known(), host.main_pid("probe")), ("new".to_owned(), before));
    ask(host, "service restart probe").expect("ok");

    // What is invalid now is told, of the policy's units alone.
    for name in ["slow", "nobodys"] {
        host.write(format!("/etc/systemd/system/{name}.service"), "[Service]\nType=notify\n");
    }
    let reply = ask(host, "service daemon-reload").expect("ok");
    let told = reply.json["warnings"].to_string();
    assert!(told.contains("slow.service is invalid") && !told.contains("nobodys"), "{told}");

    says(host, "service daemon-reload probe", "usage", &["takes no name"]);
    says(host, "service daemon-reload --lines 5", "usage", &["takes no --lines"]);
    host.root("mkdir -p /etc/sm").ok();
    let policy = |maintenance: &str| {
        let text = format!(
            "schema = 1\n[services]\nactions = [\"status\"]\nmaintenance = [\"daemon-reload\"]\nunits.probe = {{}}\n[callers.\"user:agent\"]\nservices = [\"probe\"]\n{maintenance}"
        );
        host.write("/etc/sm/policy.toml", &text);
    };
    policy("");
    says(host, "service daemon-reload", "denied", &["for other callers"]);
    policy("maintenance = [\"daemon-reload\"]\n");
    ask(host, "service daemon-reload").expect("ok");
});

// The manager's count of starts is not what a failure is told with.
host_once!(a_start_limit_hides_no_failure, ready_test_policy, |host| {
    // The usual limit, five in ten seconds, and one of its own, in every kind of service.
    for (limit, allowed) in [("", 5), ("StartLimitIntervalSec=1000\nStartLimitBurst=2", 2)] {
        for (service, code, word) in [
            ("ExecStart=/bin/false", "unhealthy", "exit status 1"),
            ("ExecStart=/bin/sh -c 'kill -9 $$$$'", "unhealthy", "signal 9"),
            ("Type=oneshot\nExecStart=/bin/sh -c 'exit 4'", "command_failed", "exit status 4"),
            ("Type=forking\nExecStart=/bin/sh -c 'exit 4'", "command_failed", "exit-code"),
            ("ExecStart=/usr/bin/not-there", "unhealthy", "exit status 203"),
        ] {
            unit(host, "crashing", &format!("[Unit]\n{limit}\n[Service]\n{service}\n"));
            host.root(&format!("for i in {{1..{allowed}}}; do systemctl start crashing; until systemctl is-failed crashing; do sleep 0.02; done; done; true"))
                .ok();
            for action in ["start", "restart"] {
                let reply = says(host, &format!("service {action} crashing"), code, &[word]);
                is_no_limit(&reply);
                assert_eq!(reply.json["unit"]["active_state"], "failed");
                assert!(!log_of(&reply).is_empty());
            }
            host.root("systemctl reset-failed").ok();
        }
    }
});

host_once!(another_failure_is_not_a_start_limit, ready_test_policy, |host| {
    // What cannot be reloaded, since its last run failed.
    failed_before(host, "probe", &format!("{RUNS}ExecReload=/bin/true\n"));
    let words = ["probe.service is not running", "service start probe"];
    is_no_limit(&says(host, "service reload probe", "command_failed", &words));
    // What may be started by others only.
    failed_before(host, "probe", &format!("[Unit]\nRefuseManualStart=yes\n{RUNS}"));
    for action in ["start", "restart"] {
        let line = format!("service {action} probe");
        is_no_limit(&says(host, &line, "command_failed", &["by dependency only"]));
    }
    // What needs what fails.
    unit(host, "crashing", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    failed_before(
        host,
        "probe",
        &format!("[Unit]\nRequires=crashing.service\nAfter=crashing.service\n{RUNS}"),
    );
    is_no_limit(&says(host, "service start probe", "command_failed", &["needs"]));
    // What asserts what is not so.
    failed_before(host, "probe", &format!("[Unit]\nAssertPathExists=/nowhere\n{RUNS}"));
    is_no_limit(&says(host, "service start probe", "command_failed", &["Assert"]));
});

host_once!(what_can_not_be_reloaded_says_why, ready_test_policy, |host| {
    unit(host, "probe", RUNS);
    let words = ["probe.service is not running", "service start probe"];
    let reply = says(host, "service reload probe", "command_failed", &words);
    assert_eq!(reply.json["changed"], false);
    ask(host, "service start probe").expect("ok");
    let words = ["does not support reload", "service restart probe"];
    let reply = says(host, "service reload probe", "command_failed", &words);
    assert_eq!((reply.json["changed"].as_bool(), host.main_pid("probe") != 0), (Some(false), true));
    // A reload that fails is not the service that fails.
    unit(
        host,
        "probe",
        "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/sh -c 'echo no such key >&2; exit 5'\n",
    );
    let before = host.main_pid("probe");
    let reply = ask(host, "service reload probe").expect("command_failed");
    assert!(told(&reply).contains("probe.service"), "{}", told(&reply));
    assert!(!told(&reply).contains("journalctl"), "{}", told(&reply));
    assert!(log_of(&reply).iter().any(|line| line.ends_with("no such key")), "{:#}", reply.json);
    assert_eq!(reply.json["unit"]["main_pid"], before);
});

host_once!(what_refuses_a_manual_operation_says_so, ready_test_policy, |host| {
    unit(host, "probe", &format!("[Unit]\nRefuseManualStart=yes\nRefuseManualStop=yes\n{RUNS}"));
    for action in ["start", "restart"] {
        let line = format!("service {action} probe");
        let reply = says(host, &line, "command_failed", &["probe.service", "by dependency only"]);
        assert_eq!(reply.json["changed"], false);
    }
    unit(host, "slow", &format!("[Unit]\nRequires=probe.service\nAfter=probe.service\n{RUNS}"));
    ask(host, "service start slow").expect("ok");
    let before = host.main_pid("probe");
    says(host, "service stop probe", "command_failed", &["probe.service", "by dependency only"]);
    assert_eq!(host.main_pid("probe"), before);
});

host_once!(a_condition_that_is_not_met_is_no_start, ready_test_policy, |host| {
    for (file, name) in
        [("ConditionPathExists=/nowhere", "probe"), ("ConditionHost=another", "probe")]
    {
        unit(host, name, &format!("[Unit]\n{file}\n{RUNS}"));
        for action in ["start", "restart"] {
            // systemd takes it for a success; a caller must not take it for one that runs.
            let reply = ask(host, &format!("service {action} {name}")).expect("ok");
            assert_eq!(reply.json["unit"]["active_state"], "inactive");
            assert_eq!(reply.json["changed"], false, "{file}: {:#}", reply.json);
            let warning = reply.json["warnings"][0].as_str().expect("a warning");
            assert!(warning.contains("ondition"), "{warning}");
            assert!(!warning.contains("exited by itself"), "it never began: {warning}");
        }
    }
    // A job that is not run has done nothing either.
    unit(
        host,
        "oneshot-job",
        "[Unit]\nConditionPathExists=/nowhere\n[Service]\nType=oneshot\nExecStart=/bin/true\n",
    );
    let reply = ask(host, "service start oneshot-job").expect("ok");
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
    assert!(reply.json["warnings"][0].as_str().is_some_and(|text| text.contains("ondition")));
    // And an assertion is a failure.
    unit(host, "probe", &format!("[Unit]\nAssertPathExists=/nowhere\n{RUNS}"));
    says(host, "service start probe", "command_failed", &["probe.service", "Assert"]);
});

host_once!(what_needs_what_fails_says_so, ready_test_policy, |host| {
    unit(host, "crashing", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    for relation in ["Requires", "BindsTo"] {
        unit(
            host,
            "probe",
            &format!("[Unit]\n{relation}=crashing.service\nAfter=crashing.service\n{RUNS}"),
        );
        let words = ["probe.service", "needs", "crashing.service"];
        let reply = says(host, "service start probe", "command_failed", &words);
        assert_eq!(reply.json["unit"]["active_state"], "inactive");
    }
    unit(
        host,
        "probe",
        &format!("[Unit]\nRequires=not-there.service\nAfter=not-there.service\n{RUNS}"),
    );
    says(host, "service start probe", "command_failed", &["needs does not exist"]);
});

host_once!(what_a_unit_needs_is_named_to_who_may_know_of_it, ready_test_policy, |host| {
    unit(host, "crashing", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    unit(host, "private-thing", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    for (relation, needed, words) in [
        // It is not started by this one, and so it must be up.
        ("Requisite", "crashing.service", "needs: crashing.service"),
        ("Requisite", "private-thing.service", "needs: a unit that is not in the policy"),
        ("Requires", "private-thing.service", "needs: a unit that is not in the policy"),
        (
            "Requires",
            "crashing.service private-thing.service",
            "needs: crashing.service and another one that is not in the policy",
        ),
    ] {
        unit(host, "probe", &format!("[Unit]\n{relation}={needed}\nAfter={needed}\n{RUNS}"));
        let reply = says(host, "service start probe", "command_failed", &[words]);
        assert!(!reply.json.to_string().contains("private-thing"), "{:#}", reply.json);
    }
});
