//! What hangs is told, with what it hangs in, and can be stopped.

use crate::host::{events, host_once, wait_until};
use crate::{ask, told, unit};
use std::thread;

const HANGS: &str = "/bin/sleep 1000";

host_once!(a_unit_that_hangs_is_a_timeout_with_its_phase, ready_test_policy, |host| {
    for (name, service, action, state, phase) in [
        ("slow", "Type=oneshot\nExecStart=HANGS", "start", "activating", "start"),
        ("notifier", "Type=notify\nExecStart=HANGS", "start", "activating", "start"),
        ("forker", "Type=forking\nExecStart=HANGS", "start", "activating", "start"),
        // Its bus name is never taken.
        (
            "probe",
            "Type=dbus\nBusName=org.example.Nobody\nExecStart=HANGS",
            "start",
            "activating",
            "start",
        ),
        ("probe", "ExecStartPre=HANGS\nExecStart=HANGS", "start", "activating", "start-pre"),
        ("probe", "ExecStart=HANGS\nExecStartPost=HANGS", "start", "activating", "start-post"),
        ("probe", "ExecStart=HANGS\nExecStartPost=HANGS", "restart", "activating", "start-post"),
        ("probe", "ExecStart=HANGS\nExecReload=HANGS", "reload", "reloading", "reload"),
        ("probe", "ExecStart=HANGS\nExecStop=HANGS", "stop", "deactivating", "stop"),
        ("probe", "ExecStart=HANGS\nExecStop=HANGS", "restart", "deactivating", "stop"),
        ("probe", "ExecStart=HANGS\nExecStopPost=HANGS", "stop", "deactivating", "stop-post"),
        (
            "hanging",
            "ExecStart=/bin/sh -c 'trap \"\" TERM; touch /run/deaf; while :; do sleep 1; done'",
            "stop",
            "deactivating",
            "stop-sigterm",
        ),
    ] {
        let case = format!("{action} {name}: {service}");
        let service = service.replace("HANGS", HANGS);
        unit(host, name, &format!("[Service]\n{service}\nTimeoutStopSec=1000\n"));
        if matches!(action, "stop" | "reload") || state == "deactivating" {
            ask(host, &format!("service start {name}")).expect("ok");
        }
        if name == "hanging" {
            wait_until("it is deaf", || host.exists("/run/deaf"));
        }
        let reply = ask(host, &format!("service {action} {name} --timeout 2")).expect("timeout");
        assert!(reply.json["returncode"].is_null(), "{case}: {:#}", reply.json);
        assert_eq!(reply.json["changed"], true, "{case}");
        assert_eq!(reply.json["unit"]["active_state"], state, "{case}: {:#}", reply.json);
        assert_eq!(reply.json["unit"]["sub_state"], phase, "{case}: {:#}", reply.json);
        assert!(told(&reply).contains(&format!("(phase {phase})")), "{case}: {}", told(&reply));
        assert!(told(&reply).contains("ask for the status"), "{case}: {}", told(&reply));
        assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result timeout", "{case}");

        // The next ones do not pile up behind it, and say when to come again. They ask at once,
        // since each waits for a while.
        let next = |next: &str| ask(host, &format!("service {next} {name}")).expect("busy");
        let replies = thread::scope(|scope| {
            let asked = ["start", "restart", "reload"].map(|word| scope.spawn(move || next(word)));
            asked.map(|asked| asked.join().expect("a reply"))
        });
        for reply in replies {
            assert!(reply.json["retry_after_s"].as_u64().is_some_and(|wait| wait > 0), "{case}");
            assert!(told(&reply).contains(phase), "{case}: {}", told(&reply));
            assert!(reply.json["returncode"].is_null() && reply.json["changed"].is_null());
            assert_eq!(reply.json["unit"]["sub_state"], phase, "{case}: {:#}", reply.json);
            assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result busy", "{case}");
        }
        let reply = ask(host, &format!("service status {name}")).expect("ok");
        assert_eq!(reply.json["unit"]["sub_state"], phase, "{case}: a look is free");
        // What hangs in its start can be stopped.
        if matches!(phase, "start" | "start-pre" | "start-post" | "reload") {
            let reply = ask(host, &format!("service stop {name}")).expect("ok");
            let state = reply.json["unit"]["active_state"].as_str();
            assert!(matches!(state, Some("inactive" | "failed")), "{case}: {:#}", reply.json);
            assert_eq!(reply.json["changed"], true, "{case}");
        }
        host.root(&format!("until systemctl show -P ActiveState {name} | grep -E 'inactive|failed'; do systemctl kill --signal=KILL {name}; sleep 0.1; done; systemctl reset-failed")).ok();
    }
});

host_once!(what_waits_for_another_unit_says_so, ready_test_policy, |host| {
    unit(host, "slow", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    unit(
        host,
        "probe",
        "[Unit]\nRequires=slow.service\nAfter=slow.service\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    let reply = ask(host, "service start probe --timeout 2").expect("timeout");
    assert_eq!(reply.json["unit"]["active_state"], "inactive");
    assert!(told(&reply).contains("waits for"), "{}", told(&reply));
    let reply = ask(host, "service start probe --timeout 2").expect("busy");
    assert!(told(&reply).contains("stop it first"), "{}", told(&reply));
    ask(host, "service stop probe").expect("ok");
    assert_eq!(host.root("systemctl list-jobs --no-legend probe.service").ok(), "");
});

// A host may be so busy that a look takes longer than the whole timeout.
host_once!(a_slow_look_takes_no_time_from_the_operation, ready_test_policy, |host| {
    unit(host, "probe", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("mv /usr/bin/systemctl /usr/bin/systemctl.real").ok();
    let slow = |word: &str, seconds: u32| {
        let script = format!(
            "#!/bin/sh\ncase \" $* \" in *' {word} '*) sleep {seconds} ;; esac\nexec systemctl.real \"$@\"\n"
        );
        host.write("/usr/bin/systemctl", &script);
        host.root("chmod 755 /usr/bin/systemctl").ok();
    };
    slow("show", 3);
    let reply = ask(host, "service start probe --timeout 2").expect("ok");
    assert_eq!(reply.json["changed"], true);
    ask(host, "service stop probe --timeout 2").expect("ok");
    // Where the service manager has heard of nothing, nobody is told that it continues.
    slow("start", 1000);
    let reply = ask(host, "service start probe --timeout 2").expect("timeout");
    assert_eq!(reply.json["changed"], false);
    assert!(told(&reply).contains("has no job for it"), "{}", told(&reply));
    assert!(!told(&reply).contains("continues"), "{}", told(&reply));
});
