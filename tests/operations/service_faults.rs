//! Services that are not well, or not there.

use crate::ask;
use crate::host::host_once;

host_once!(a_unit_that_is_not_there_is_said_to_be_missing, |host| {
    // The policy names docker; this host does not have it.
    for (action, returncode) in [
        ("status", 4),
        ("start", 5),
        ("stop", 5),
        ("restart", 5),
        ("reload", 5),
        ("enable", 1),
        ("disable", 1),
    ] {
        let reply = ask(host, &format!("service {action} docker")).expect("command_failed");
        assert_eq!(reply.json["returncode"], returncode, "{action}: {:#}", reply.json);
        assert_eq!(reply.json["unit"]["load_state"], "not-found", "{action}: {:#}", reply.json);
        assert_eq!(reply.json["changed"], false, "{action}");
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.contains("docker.service"), "{action}: {error}");
        let clear = ["not found", "not be found", "no unit", "not loaded", "does not exist"];
        assert!(clear.iter().any(|words| error.contains(words)), "{action}: {error}");
    }
});

host_once!(a_failure_is_reset_and_the_starts_are_counted_from_zero, ready_test_policy, |host| {
    let reset = |unit: &str| ask(host, &format!("service reset-failed {unit}"));
    let state = |unit: &str| host.root(&format!("systemctl show -P ActiveState {unit}"));
    // One that runs, one that is down, and one that the manager does not have in memory.
    crate::unit(host, "probe", "[Service]\nExecStart=/bin/sleep 1000\n");
    for script in ["systemctl start probe", "systemctl stop probe"] {
        host.root(script).ok();
        let before = host.main_pid("probe");
        let reply = reset("probe").expect("ok");
        assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
        assert_eq!(reply.json["returncode"], 0, "{:#}", reply.json);
        assert_eq!(reply.json["stderr"], "");
        assert_eq!(host.main_pid("probe"), before, "{script}");
    }

    crate::unit(
        host,
        "crashing",
        "[Unit]\nStartLimitIntervalSec=1000\nStartLimitBurst=2\n[Service]\nType=oneshot\nExecStart=/bin/false\n",
    );
    host.root("for i in 1 2 3; do systemctl start crashing; done; true").ok();
    assert_eq!(state("crashing").stdout_text().trim(), "failed");
    let reply = reset("crashing").expect("ok");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    assert_eq!(reply.json["argv"][3], "reset-failed", "{:#}", reply.json);
    assert_eq!(reply.json["unit"]["active_state"], "inactive");
    assert_eq!(state("crashing").stdout_text().trim(), "inactive");
    let again = host.root("systemctl start crashing").stderr_text();
    assert!(!again.contains("too quickly"), "{again}");

    // One whose file is gone, and one that is masked since.
    for (unit, script) in [("crashing", "rm"), ("slow", "ln -sf /dev/null")] {
        crate::unit(host, unit, "[Service]\nType=oneshot\nExecStart=/bin/false\n");
        host.root(&format!("systemctl start {unit}; true")).ok();
        let file = format!("/etc/systemd/system/{unit}.service");
        host.root(&format!("{script} {file}; systemctl daemon-reload")).ok();
        let reply = reset(unit).expect("ok");
        assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
        assert_ne!(reply.json["unit"]["active_state"], "failed");
    }
    let reply = reset("crashing").expect("command_failed");
    assert!(reply.json["error"].as_str().is_some_and(|error| error.contains("no unit crashing")));
});

host_once!(a_failing_service_is_told_from_a_failing_request, all, |host| {
    host.write(
        "/etc/systemd/system/docker.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 7'\n",
    );
    host.root("systemctl daemon-reload").ok();

    let reply = ask(host, "service start docker").expect("command_failed");
    assert_eq!(reply.json["returncode"], 1);
    assert_eq!(reply.json["changed"], true, "inactive before, failed now");
    let error = reply.json["error"].as_str().expect("an error");
    assert!(error.contains("docker.service"), "the line that matters: {error}");
    let of_start = reply.json["unit"].clone();

    // It could be read, so that this is a success: the contract's deliberate difference.
    let reply = ask(host, "service status docker").expect("ok");
    assert_eq!(reply.json["returncode"], 3);
    assert_eq!(reply.json["unit"], of_start);
    assert_eq!(reply.json["unit"]["active_state"], "failed");
    assert_eq!(reply.json["unit"]["result"], "exit-code");

    // What is stopped cannot be reloaded.
    ask(host, "service stop nginx").expect("ok");
    let reply = ask(host, "service reload nginx").expect("command_failed");
    assert_eq!(reply.json["unit"]["active_state"], "inactive");
    assert_eq!(reply.json["changed"], false);

    // Nor can what is masked be started.
    host.root("systemctl mask nginx").ok();
    let reply = ask(host, "service start nginx").expect("command_failed");
    assert_eq!(reply.json["unit"]["load_state"], "masked");
    let error = reply.json["error"].as_str().expect("an error");
    assert!(error.contains("masked"), "{error}");
    let reply = ask(host, "service status nginx").expect("ok");
    assert_eq!(reply.json["returncode"], 3);
    assert_eq!(reply.json["unit"]["load_state"], "masked");
});

// Its lines are text that somebody else wrote: they are put into no field but their own.
host_once!(no_text_of_a_unit_gets_into_another_field, ready_test_policy, |host| {
    let evil = r"x\nMainPID=1\nActiveState=failed\x0aLoadState=masked\x1b[31mMainPID=1";
    host.write(
        "/etc/systemd/system/probe.service",
        format!(
            "[Unit]\nDescription={evil}\nDocumentation=file:/MainPID=1\n\
             [Service]\nType=notify\nNotifyAccess=all\nSyslogIdentifier=MainPID=1\n\
             ExecStart=/bin/bash -c \
             'systemd-notify --ready --status=$(printf \"a\\\\nMainPID=1\\\\nActiveState=failed\"); exec sleep 1000'\n"
        ),
    );
    // And a file name that looks like a property.
    host.root("mkdir -p '/etc/systemd/system/probe.service.d'; cd /etc/systemd/system/probe.service.d; printf '[Service]\nEnvironment=A=b\n' >$'x\\nMainPID=1\\nActiveState=failed.conf'; systemctl daemon-reload")
        .ok();
    for action in ["start", "status", "restart", "status", "stop", "status"] {
        let reply = ask(host, &format!("service {action} probe")).expect("ok");
        let unit = &reply.json["unit"];
        let (pid, now) = (host.main_pid("probe"), unit["main_pid"].as_u64().unwrap_or(0));
        assert_eq!(now, u64::from(pid), "{action}: {:#}", reply.json);
        assert_ne!(pid, 1);
        let active = host.root("systemctl show -P ActiveState probe").ok();
        assert_eq!(unit["active_state"], active.trim(), "{action}: {:#}", reply.json);
        assert_eq!(unit["load_state"], "loaded", "{action}: {:#}", reply.json);
    }
});
