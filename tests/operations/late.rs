//! What is not done in time: a service operation is ended, a package operation goes on.

use std::thread;

use crate::ask;
use crate::host::{events, host_once, intent_of, wait_until};

host_once!(a_late_service_operation_is_ended, ready_test_policy, all, |host| {
    host.write(
        "/etc/systemd/system/slow.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sleep 30\n",
    );
    host.write(
        "/etc/systemd/system/probe.service",
        "[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 30\n",
    );
    // A check that will not go away, and has children.
    host.write(
        "/usr/local/sbin/guard",
        "#!/bin/bash\ntrap '' TERM INT HUP\necho waiting\nsleep 987 &\nsleep 987\n",
    );
    host.write("/etc/systemd/system/guarded.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("chmod 0755 /usr/local/sbin/guard; systemctl daemon-reload").ok();
    let gone = |program: &str| host.root(&format!("pgrep {program}")).status == Some(1);

    // At the policy's 6 s, with a warning that more cannot be had.
    let reply = ask(host, "service start slow --timeout 60").expect("timeout");
    let json = &reply.json;
    assert!(json["returncode"].is_null(), "{json:#}");
    assert!(
        json["warnings"][0].as_str().is_some_and(|text| text.contains("--timeout 60")),
        "{json:#}"
    );
    assert!(json["duration_ms"].as_f64().is_some_and(|ms| ms >= 6000.0), "{json:#}");
    assert_eq!(json["unit"]["active_state"], "activating");
    assert!(json["error"].as_str().is_some_and(|text| text.contains("6 s")), "{json:#}");
    assert!(json["hint"].is_string());
    assert!(gone("-x systemctl"), "systemctl is still there");
    assert_eq!(events(host, &json["request_id"]), "intent ok, result timeout");

    // Earlier, where the caller wants it so.
    ask(host, "service start probe").expect("ok");
    let reply = ask(host, "service stop probe --timeout 2").expect("timeout");
    let json = &reply.json;
    assert!(json["duration_ms"].as_f64().is_some_and(|ms| ms >= 2000.0), "{json:#}");
    assert!(json["warnings"].is_null(), "{json:#}");
    assert_eq!(json["unit"]["active_state"], "deactivating");
    assert!(gone("-x systemctl"), "systemctl is still there");

    // With all that it has started.
    let reply = ask(host, "service start guarded --timeout 1").expect("check_failed");
    assert!(
        reply.json["error"].as_str().is_some_and(|text| text.contains("in time")),
        "{:#}",
        reply.json
    );
    assert_eq!(reply.json["stdout"], "waiting\n");
    assert!(gone("-f guard") && gone("-f 'sleep 987'"), "the check's group is still there");
    assert_eq!(host.main_pid("guarded"), 0);
});

host_once!(a_late_package_operation_goes_on, ready_test_policy, all, |host| {
    thread::scope(|scope| {
        let slow = scope.spawn(|| ask(host, "package install sm-test-slow --timeout 12"));
        // Another one meanwhile has to wait for the lock, longer than it is allowed to.
        let id = intent_of(host, "sm-test-slow");
        wait_until("the package is being configured", || {
            host.root("dpkg-query -W -f '${Status}' sm-test-slow")
                .stdout_text()
                .contains("half-configured")
        });
        let waiting = scope.spawn(|| ask(host, "package install curl --timeout 1"));
        // Services have nothing to do with it.
        ask(host, "service restart nginx").expect("ok");
        let second = waiting.join().expect("the second").expect("busy");

        let reply = slow.join().expect("the first").expect("timeout");
        let json = &reply.json;
        assert_eq!(json["request_id"], id);
        assert!(json["returncode"].is_null() && json["signal"].is_null(), "{json:#}");
        assert!(
            json["stdout"].as_str().is_some_and(|text| text.contains("Setting up sm-test-slow"))
        );
        assert!(json["duration_ms"].as_f64().is_some_and(|ms| ms >= 12000.0), "{json:#}");
        assert!(json["hint"].as_str().is_some_and(|text| text.contains("sm-helper result ")));
        assert!(!host.exists("/var/lib/sm-test-slow.done") && !host.has_package("sm-test-slow"));
        assert_eq!(events(host, &id), "intent ok");

        wait_until("its end is recorded", || events(host, &id).contains("result"));
        assert_eq!(events(host, &id), "intent ok, result ok");
        assert!(host.exists("/var/lib/sm-test-slow.done") && host.has_package("sm-test-slow"));

        // The other one was not begun, and is not begun now.
        let id = &second.json["request_id"];
        assert_eq!(events(host, id), "intent ok, result busy");
        assert!(second.json["retry_after_s"].is_u64(), "{:#}", second.json);
        assert!(!host.has_package("curl"));
        assert_eq!(host.root("dpkg --audit").ok(), "");
        wait_until("nothing of them is left", || host.root("pgrep -x sm-helper").status == Some(1));
    });
});
