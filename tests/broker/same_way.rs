//! From the connection on it is the way of every other request.

use crate::host::actions::ON_A_UNIT;
use crate::host::{events, host_test, records};
use crate::{Made, ask, broker_test, told};

host_test!(one_budget_whichever_way_is_taken, both_ways, |host| {
    host.limit_the_rate();
    host.root("install -d /etc/sm").ok();
    let site = "schema = 1\n[services]\nactions = [\"reload\", \"status\"]\n[services.units.nginx]\n\
                [limits]\nrate = { count = 6, per_seconds = 600 }\n";
    host.write("/etc/sm/policy.toml", site);
    let reload = |way: &str| host.helper(&["--via", way, "service", "reload", "nginx"]);
    for way in ["sudo", "socket", "sudo", "socket", "socket", "sudo"] {
        reload(way).expect("ok");
    }
    for way in ["sudo", "socket", "auto"] {
        let refused = reload(way).expect("rate_limited");
        assert!(refused.json["retry_after_s"].as_u64().is_some_and(|wait| wait > 60), "{way}");
    }
    // What is no request is no way around the budget for refusals.
    let wrong =
        crate::speak(host, "agent", "for i in range(58): say(asked(b'x\\n'))").stdout_text();
    assert_eq!(crate::replies(&wrong).len(), 58);
    for _ in 0..2 {
        host.helper(&["--via", "sudo", "service", "stop", "nginx"]).expect("denied");
    }
    let more = crate::spoken(host, "agent", "say(asked(b'x\\n'))");
    assert_eq!(more["code"], "rate_limited", "{more:#}");
    host.helper(&["--via", "sudo", "service", "stop", "nginx"]).expect("rate_limited");
    host.helper(&["--via", "socket", "service", "status", "nginx"]).expect("ok");
});

host_test!(both_ways_give_the_same_answers, both_ways_test_policy, |host| {
    for line in [
        "service status nginx",
        "service restart nginx",
        "service stop dbus",
        "service restart explained",
        "service start masked",
        "service logs nginx --lines 3",
        "service logs nginx --lines 0",
        "service restart ../x",
        "package plan install git",
        "package install nosuch",
        "package install git --timeout x",
        "package frobnicate git",
        "list",
    ] {
        let both = ["sudo", "socket"].map(|way| {
            let words: Vec<&str> = line.split(' ').chain(["--via", way]).collect();
            let reply = host.helper(&words);
            let records = records(host, &reply.json["request_id"]);
            for record in &records {
                assert_eq!(record["caller"]["via"], way, "{line}");
                assert_eq!(record["caller"]["user"], "agent", "{line}");
            }
            let mut json = reply.json.clone();
            let object = json.as_object_mut().expect("an object");
            for other in ["request_id", "duration_ms", "unit", "stdout", "log", "warnings"] {
                object.remove(other);
            }
            // With the time that it says to wait, and the way, in it.
            (json.to_string().replace("\"socket\"", "\"sudo\""), records.len())
        });
        if line != "list" {
            assert_eq!(both[0], both[1], "{line}");
        }
    }
    let reply =
        host.helper(&["service", "status", "explained", "--reason", "to see", "--via", "socket"]);
    assert_eq!(records(host, &reply.json["request_id"])[0]["reason"], "to see");
    let reply = ask(host, "package install git").expect("ok");
    assert!(reply.json["plan"]["install"].is_array() && host.has_package("git"));
    assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result ok");
    let pretty = ask(host, "service status nginx --pretty").expect("ok");
    assert!(pretty.stdout.starts_with(b"{\n"));
    host.root("sm audit verify").ok();
});

/// Those that requests come in over, by every name.
const OWN: [&str; 6] =
    ["sm.socket", "sm-broker", "sm-broker.service", "sm@x", "sm@.service", "system-sm.slice"];

broker_test!(the_way_in_is_nobodys_to_change, |host| {
    for unit in OWN {
        for action in ON_A_UNIT {
            let reply = ask(host, &format!("service {action} {unit}")).expect("denied");
            // Whatever the policy names: it is not even looked at.
            let said = told(&reply.json);
            assert!(said.contains("the socket of this program"), "{action} {unit}: {said}");
        }
    }
    host.root("sm setup-broker --check --user agent; install -d /etc/sm").ok();
    for unit in OWN {
        let site = "schema = 1\n[services]\nactions = [\"stop\"]\n[services.units.";
        host.write("/etc/sm/policy.toml", format!("{site}\"{unit}\"]\n"));
        let reply = ask(host, &format!("service stop {unit}"));
        assert!(["denied", "policy_invalid"].contains(&reply.code()), "{:#}", reply.json);
        host.root("systemctl is-active --quiet sm.socket; sm policy revert").ok();
    }
});
