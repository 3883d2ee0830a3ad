//! A caller that is ended by what it asks for hears the answer first.

use serde_json::Value;

use crate::host::gate::Gate;
use crate::host::{Done, Host, Reply, Sudo, events, host_once, host_test, wait_until};
use crate::{ask, told, unit};

/// What the agent in a unit runs, once: asks, and leaves what it got for us to see.
fn agent(host: &Host, call: &str) {
    let script = format!(
        "#!/bin/bash\ncd /home/agent\ntest -e asked && exec sleep 1000\ntouch asked\n\
         {call} >reply.new 2>stderr\necho $? >exit\nmv reply.new reply\nexec sleep 1000\n"
    );
    host.root("rm -f /home/agent/{asked,reply,exit,stderr}").ok();
    host.write("/home/agent/script", script);
    host.root("chmod 0755 /home/agent/script").ok();
}

const AGENT: &str = "[Service]\nUser=agent\nEnvironment=HOME=/home/agent PATH=/usr/local/bin:/usr/bin:/bin\nExecStart=/home/agent/script\n";

/// The reply that the agent got.
fn reply(host: &Host) -> Reply {
    wait_until("a reply", || host.exists("/home/agent/reply"));
    let exit = host.read("/home/agent/exit");
    assert_eq!(host.read("/home/agent/stderr"), "");
    let script = format!("cat /home/agent/reply; exit {exit}");
    let done: Done = host.root(script.trim());
    Reply::of(&done)
}

/// Waits for the operation's end, and gives its record's code.
fn ends(host: &Host, id: &Value) -> String {
    wait_until("the result is recorded", || events(host, id).contains("result"));
    events(host, id)
}

#[track_caller]
fn is_deferred(reply: Reply, case: &str) -> Reply {
    let reply = reply.expect("ok");
    assert_eq!(reply.json["deferred"], true, "{case}: {:#}", reply.json);
    assert_eq!(reply.exit, 0, "{case}");
    // It was not done yet: nothing is said of how it went.
    assert!(reply.json["returncode"].is_null() && reply.json["changed"].is_null(), "{case}");
    assert!(reply.json["argv"].is_array() && reply.json["unit"].is_object(), "{case}");
    reply
}

host_test!(an_agent_can_restart_and_stop_its_own_service, ready_test_policy, all, |host| {
    for call in ["sm-helper", "sh -c 'sm-helper \"$@\"' sh", "sudo -n sm-helper"] {
        if call.starts_with("sudo") && host.sudo == Sudo::Unused {
            continue;
        }
        for action in ["restart", "stop"] {
            let case = format!("{call}, {action}");
            agent(host, &format!("{call} service {action} agentd"));
            unit(host, "agentd", AGENT);
            host.root("systemctl start agentd").ok();
            let before = host.main_pid("agentd");
            let reply = is_deferred(reply(host), &case);
            assert_eq!(reply.json["unit"]["main_pid"], before, "{case}: as it was then");
            let id = &reply.json["request_id"];
            assert_eq!(ends(host, id), "intent ok, result ok", "{case}");
            let now = host.main_pid("agentd");
            assert_eq!((now == 0, now == before), (action == "stop", false), "{case}");
            host.root("systemctl stop agentd").ok();
        }
    }
});

// The time that the reply takes to be heard is not taken from the operation.
host_once!(a_short_timeout_is_the_operations_own, ready_test_policy, |host| {
    for action in ["restart", "stop"] {
        agent(host, &format!("sm-helper service {action} agentd --timeout 2"));
        unit(host, "agentd", AGENT);
        host.root("systemctl start agentd").ok();
        let before = host.main_pid("agentd");
        let reply = is_deferred(reply(host), action);
        assert_eq!(ends(host, &reply.json["request_id"]), "intent ok, result ok", "{action}");
        assert_ne!(host.main_pid("agentd"), before, "{action}");
        host.root("systemctl stop agentd").ok();
    }
});

host_once!(the_record_has_how_a_deferred_operation_went, ready_test_policy, |host| {
    // It does not come up again: who asked is gone, and the record says it.
    agent(host, "sm-helper service restart agentd");
    unit(
        host,
        "agentd",
        &format!("{AGENT}ExecStartPre=/bin/sh -c '! test -e /home/agent/asked'\n"),
    );
    host.root("systemctl start agentd").ok();
    let reply = is_deferred(reply(host), "does not come up");
    let id = &reply.json["request_id"];
    assert_eq!(ends(host, id), "intent ok, result command_failed");
    assert_eq!(host.main_pid("agentd"), 0);

    agent(host, "sm-helper service restart agentd");
    let dies = AGENT.replace(
        "/home/agent/script",
        "/bin/sh -c 'test -e /home/agent/asked && exit 3; exec /home/agent/script'",
    );
    unit(host, "agentd", &dies);
    host.root("systemctl reset-failed; systemctl start agentd").ok();
    let reply = is_deferred(self::reply(host), "does not stay up");
    assert_eq!(ends(host, &reply.json["request_id"]), "intent ok, result unhealthy");

    // It was not well before: refused, and so answered in full.
    for (action, code) in [("restart", "check_failed"), ("stop", "ok")] {
        host.root("rm -f /run/changed").ok();
        agent(
            host,
            &format!(
                "until [ -e /run/changed ]; do sleep 0.1; done; sm-helper service {action} agentd"
            ),
        );
        unit(host, "agentd", AGENT);
        host.root("systemctl reset-failed; systemctl start agentd; sleep 1; echo '# more' >>/etc/systemd/system/agentd.service; touch /run/changed").ok();
        let reply = self::reply(host).expect(code);
        assert_eq!(reply.json["deferred"].as_bool(), (code == "ok").then_some(true));
        ends(host, &reply.json["request_id"]);
        host.root("systemctl daemon-reload; systemctl stop agentd").ok();
    }
});

host_once!(an_agent_in_a_unit_that_goes_down_with_it_hears_first, ready_test_policy, all, |host| {
    unit(host, "slow", "[Service]\nExecStart=/bin/sleep 1000\n");
    for relation in [
        "BindsTo=slow.service\nAfter=slow.service",
        "Requires=slow.service\nAfter=slow.service",
        "PartOf=slow.service",
        "StopPropagatedFrom=slow.service",
    ] {
        agent(host, "sm-helper service stop slow");
        unit(host, "agentd", &format!("[Unit]\n{relation}\n{AGENT}"));
        host.root("systemctl start slow agentd").ok();
        let reply = is_deferred(reply(host), relation);
        assert_eq!(ends(host, &reply.json["request_id"]), "intent ok, result ok", "{relation}");
        assert_eq!((host.main_pid("slow"), host.main_pid("agentd")), (0, 0), "{relation}");
    }
    // The start of what it conflicts with ends it too.
    for (of_agent, of_slow) in [("Conflicts=slow.service", ""), ("", "Conflicts=agentd.service")] {
        agent(host, "sm-helper service start slow");
        unit(host, "slow", &format!("[Unit]\n{of_slow}\n[Service]\nExecStart=/bin/sleep 1000\n"));
        unit(host, "agentd", &format!("[Unit]\n{of_agent}\n{AGENT}"));
        host.root("systemctl start agentd").ok();
        let reply = is_deferred(reply(host), "conflicts");
        assert_eq!(ends(host, &reply.json["request_id"]), "intent ok, result ok");
        assert!(host.main_pid("slow") != 0 && host.main_pid("agentd") == 0);
        host.root("systemctl stop slow").ok();
    }
});

/// How one unit can be bound to another so that it goes down with it.
const BONDS: [&str; 5] = ["Requires", "BindsTo", "PartOf", "StopPropagatedFrom", "Requisite"];

host_once!(an_agent_at_any_depth_hears_first, ready_test_policy, all, |host| {
    unit(host, "slow", "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n");
    for depth in 2..=5 {
        for action in ["restart", "stop"] {
            let bond = |step: usize| BONDS[(depth + step) % BONDS.len()];
            let mut above = "slow".to_owned();
            for step in 1..depth {
                let name = format!("middle{step}");
                let (bond, service) = (bond(step), "[Service]\nExecStart=/bin/sleep 1000\n");
                unit(
                    host,
                    &name,
                    &format!("[Unit]\n{bond}={above}.service\nAfter={above}.service\n{service}"),
                );
                host.root(&format!("systemctl start {above} {name}")).ok();
                above = name;
            }
            agent(host, &format!("sm-helper service {action} slow"));
            let last = bond(0);
            unit(
                host,
                "agentd",
                &format!("[Unit]\n{last}={above}.service\nAfter={above}.service\n{AGENT}"),
            );
            host.root("systemctl start agentd").ok();
            let case = format!("{action} at depth {depth}, {last}");
            let reply = is_deferred(reply(host), &case);
            assert_eq!(ends(host, &reply.json["request_id"]), "intent ok, result ok", "{case}");
            assert_eq!(host.main_pid("slow") != 0, action == "restart", "{case}");
            host.root("systemctl stop agentd slow 'middle*'; systemctl reset-failed").ok();
        }
    }
    // What is pulled in stops what the agent needs.
    unit(host, "slow", "[Unit]\nWants=middle1.service\n[Service]\nExecStart=/bin/sleep 1000\n");
    unit(
        host,
        "middle1",
        "[Unit]\nConflicts=middle2.service\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    unit(host, "middle2", "[Service]\nExecStart=/bin/sleep 1000\n");
    agent(host, "sm-helper service start slow");
    unit(
        host,
        "agentd",
        &format!("[Unit]\nBindsTo=middle2.service\nAfter=middle2.service\n{AGENT}"),
    );
    // The manager knows of it, since something refers to it.
    unit(host, "keeps", "[Unit]\nAfter=middle1.service\n[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl start keeps agentd").ok();
    let reply = is_deferred(reply(host), "a conflict of what is pulled in");
    assert_eq!(ends(host, &reply.json["request_id"]), "intent ok, result ok");
    assert!(host.main_pid("middle1") != 0 && host.main_pid("agentd") == 0);
});

// What restarts along with a unit has a start limit of its own.
host_once!(what_is_restarted_along_is_not_left_down_either, ready_test_policy, |host| {
    for bond in ["Requires", "BindsTo", "PartOf"] {
        unit(host, "notifier", "[Service]\nType=forking\nExecStart=/bin/sh -c 'sleep 1000 &'\n");
        unit(
            host,
            "middle1",
            &format!(
                "[Unit]\n{bond}=notifier.service\nAfter=notifier.service\nStartLimitBurst=1\nStartLimitIntervalSec=2\n[Service]\nExecStart=/bin/sleep 1000\n"
            ),
        );
        host.root("systemctl start notifier middle1").ok();
        for _ in 0..3 {
            ask(host, "service restart notifier").expect("ok");
            assert_ne!(host.main_pid("middle1"), 0, "{bond}");
        }
        // Where it would take too long, nothing is done.
        unit(
            host,
            "middle1",
            &format!(
                "[Unit]\n{bond}=notifier.service\nAfter=notifier.service\nStartLimitBurst=1\nStartLimitIntervalSec=1h\n[Service]\nExecStart=/bin/sleep 1000\n"
            ),
        );
        let before = (host.main_pid("notifier"), host.main_pid("middle1"));
        let reply = ask(host, "service restart notifier").expect("busy");
        assert!(
            reply.json["retry_after_s"].as_u64().is_some_and(|left| (3500..=3601).contains(&left))
        );
        assert_eq!((host.main_pid("notifier"), host.main_pid("middle1")), before);
        host.root("systemctl stop notifier middle1").ok();
    }
});

// What is only wanted stops along where nothing else needs it, and what is bound to that one too. To
// find that out not every unit is read.
host_once!(what_stops_unneeded_is_not_left_down_either, ready_test_policy, |host| {
    let target = |more: &str| {
        let text = format!("[Unit]\n{more}Wants=middle1.service\n");
        host.write("/etc/systemd/system/middle.target", text);
        let limit = "StartLimitBurst=1\nStartLimitIntervalSec=1h\nBindsTo=middle.target\n";
        let text = format!("[Unit]\n{limit}[Service]\nExecStart=/bin/sleep 1000\n");
        unit(host, "middle1", &text);
        let text = "[Unit]\nWants=middle.target\nAfter=middle.target\n[Service]\n\
            ExecStart=/bin/sleep 1000\n";
        unit(host, "notifier", text);
        host.root("systemctl stop notifier middle1; systemctl reset-failed").ok();
        host.root("systemctl start notifier; systemctl is-active middle.target middle1").ok();
    };
    target("StopWhenUnneeded=yes\n");
    let before = (host.main_pid("notifier"), host.main_pid("middle1"));
    let reply = ask(host, "service restart notifier").expect("busy");
    assert!(reply.json["retry_after_s"].as_u64().is_some_and(|left| left > 3500));
    assert_eq!((host.main_pid("notifier"), host.main_pid("middle1")), before);

    target("");
    let before = host.main_pid("middle1");
    let (reply, execs) = host.helper_traced(&["service", "restart", "notifier"]);
    reply.expect("ok");
    assert_eq!(host.main_pid("middle1"), before);
    let reads = |what: &str| execs.iter().any(|exec| exec.argv.iter().any(|word| word == what));
    assert!(reads("*.target") && !reads("*"), "{execs:#?}");
});

// Who only passes the reply on ends when it is told to, and the operation does not.
host_test!(nobody_waits_for_who_passes_a_reply_on, ready_test_policy, all, |host| {
    let gate = Gate::on(host);
    unit(host, "agentd", AGENT);
    gate.close();
    agent(host, "sm-helper package install docker.io");
    host.root("systemctl start agentd").ok();
    gate.begun();
    // Else it would be killed after that time.
    let took = host.root("set -e; systemctl stop agentd; systemctl show -P Result agentd").ok();
    assert_eq!(took.trim(), "success", "it ended by itself");
    assert!(gate.is_in_the_middle(), "the operation goes on");
    gate.open();
    gate.ends_well("stop of the agent's unit");

    gate.close();
    let mut done = host.agent("timeout 5 sm-helper package install docker.io");
    assert_eq!(done.status, Some(124), "{done}");
    done.status = Some(1);
    let reply = Reply::of(&done).expect("timeout");
    assert!(told(&reply).contains("continues"), "{}", told(&reply));
    // It may not have got that far in that time.
    gate.begun();
    assert!(gate.is_in_the_middle(), "the operation goes on");
    gate.open();
    gate.ends_well("timeout");
});

/// Moves itself below the unit's own cgroup, in whichever hierarchies there are, then is agent.
const DELEGATED: &str = r#"#!/bin/bash
for top in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    test -e $top/cgroup.procs || continue
    path=$(sed -n "s/^0:://p; s/^1:name=systemd://p" /proc/self/cgroup | sort -u | head -n1)
    mkdir -p "$top$path/worker/below" && echo $$ >"$top$path/worker/below/cgroup.procs"
done
exec setpriv --reuid=agent --regid=agent --init-groups /home/agent/script
"#;

host_once!(an_agent_below_its_unit_is_part_of_it, ready_test_policy, |host| {
    host.write("/usr/local/sbin/delegated", DELEGATED);
    host.root("chmod 0755 /usr/local/sbin/delegated").ok();
    agent(host, "cat /proc/self/cgroup >cgroup; sm-helper service stop agentd");
    unit(
        host,
        "agentd",
        "[Service]\nDelegate=yes\nEnvironment=HOME=/home/agent PATH=/usr/local/bin:/usr/sbin:/usr/bin:/bin\nExecStart=/usr/local/sbin/delegated\n",
    );
    host.root("systemctl start agentd").ok();
    let reply = is_deferred(reply(host), "delegated");
    assert!(host.read("/home/agent/cgroup").contains("agentd.service/worker/below"), "the premise");
    assert_eq!(ends(host, &reply.json["request_id"]), "intent ok, result ok");
    assert_eq!(host.main_pid("agentd"), 0);
});

host_test!(who_is_not_ended_hears_the_whole_answer, ready_test_policy, |host| {
    unit(host, "slow", "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n");
    unit(host, "agentd2", "[Service]\nExecStart=/bin/sleep 1000\n");
    // In another unit, also one whose name begins like it, and one that only wants it.
    for (relation, action) in [
        ("", "restart"),
        ("Wants=slow.service", "stop"),
        ("After=slow.service", "restart"),
        ("Requires=slow.service", "reload"),
        ("", "start"),
    ] {
        agent(host, &format!("sm-helper service {action} slow"));
        unit(host, "agentd", &format!("[Unit]\n{relation}\n{AGENT}"));
        host.root("systemctl start slow agentd").ok();
        let before = host.main_pid("agentd");
        let reply = reply(host).expect("ok");
        assert!(reply.json["deferred"].is_null(), "{relation} {action}: {:#}", reply.json);
        assert_eq!(reply.json["returncode"], 0);
        assert_eq!(host.main_pid("agentd"), before);
        host.root("systemctl stop agentd slow").ok();
    }
    // From a login, nothing is deferred.
    let reply = ask(host, "service start slow").expect("ok");
    assert!(reply.json["deferred"].is_null());
    // Its own service, but not in a way that ends it.
    for action in ["start", "reload", "status"] {
        agent(host, &format!("sm-helper service {action} agentd"));
        unit(host, "agentd", &format!("{AGENT}ExecReload=/bin/true\n"));
        host.root("systemctl start agentd").ok();
        let reply = self::reply(host).expect("ok");
        assert!(reply.json["deferred"].is_null(), "{action}: {:#}", reply.json);
        assert_eq!(reply.json["returncode"], 0, "{action}");
        host.root("systemctl stop agentd").ok();
    }
});

host_once!(
    who_ends_at_a_reload_hears_first_and_who_does_not_hears_all,
    ready_test_policy,
    |host| {
        let reload = "ExecReload=/bin/kill -HUP $MAINPID\n";
        let of_slow = "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n";
        let handler = "trap : HUP";
        for (to_slow, to_middle, to_agent, before, exec, ends) in [
            // The unit itself, one next to it, and one next to that.
            ("", "", "own", "", reload, true),
            ("", "", "ReloadPropagatedFrom=slow.service", "", reload, true),
            ("PropagatesReloadTo=agentd.service", "", "", "", reload, true),
            (
                "PropagatesReloadTo=middle.service",
                "PropagatesReloadTo=agentd.service",
                "",
                "",
                reload,
                true,
            ),
            (
                "",
                "",
                "ReloadPropagatedFrom=slow.service",
                "",
                "ExecReload=/bin/sh -c 'kill -USR1 $MAINPID'\n",
                true,
            ),
            // It has a handler, ignores it, or no signal is sent.
            ("", "", "own", handler, reload, false),
            ("", "", "ReloadPropagatedFrom=slow.service", handler, reload, false),
            (
                "PropagatesReloadTo=middle.service",
                "PropagatesReloadTo=agentd.service",
                "",
                handler,
                reload,
                false,
            ),
            ("", "", "ReloadPropagatedFrom=slow.service", "trap \"\" HUP", reload, false),
            ("", "", "ReloadPropagatedFrom=slow.service", "", "ExecReload=/bin/true\n", false),
            ("", "", "", "", reload, false),
        ] {
            let case = format!("{to_slow} {to_middle} {to_agent} {before} {exec}");
            let own = to_agent == "own";
            let to_agent = if own { "" } else { to_agent };
            unit(host, "slow", &format!("[Unit]\n{to_slow}\n{of_slow}"));
            unit(host, "middle", &format!("[Unit]\n{to_middle}\n{of_slow}"));
            let asked = if own { "agentd" } else { "slow" };
            agent(host, &format!("sm-helper service reload {asked}"));
            // A shell with a handler stays what it is.
            if !before.is_empty() {
                host.root(&format!("sed -i '2i {before}' /home/agent/script")).ok();
                host.root(
                    "sed -i 's/^exec sleep 1000/while :; do sleep 0.2; done/' /home/agent/script",
                )
                .ok();
            }
            unit(host, "agentd", &format!("[Unit]\n{to_agent}\n{AGENT}{exec}"));
            host.root("systemctl start slow middle agentd").ok();
            let reply = reply(host);
            if ends {
                let reply = is_deferred(reply, &case);
                self::ends(host, &reply.json["request_id"]);
                wait_until("it has ended", || host.main_pid("agentd") == 0);
            } else {
                let reply = reply.expect("ok");
                assert!(reply.json["deferred"].is_null(), "{case}: {:#}", reply.json);
                assert_eq!(reply.json["returncode"], 0, "{case}");
                assert_ne!(host.main_pid("agentd"), 0, "{case}");
            }
            host.root("systemctl stop agentd slow middle; systemctl reset-failed; true").ok();
        }
    }
);

// Who has asked can hold up neither the operation nor its record.
host_test!(a_caller_that_does_not_listen_is_not_waited_for, ready_test_policy, |host| {
    for call in [
        // Stops what passes the reply on.
        "sm-helper service stop agentd & until pgrep -x sudo; do :; done >pids; kill -STOP $!; sleep 1000",
        // Stops itself.
        "sm-helper service stop agentd & until pgrep -x sudo; do :; done >pids; kill -STOP $$",
        // Does not read, and is held until the manager kills it.
        "(mkfifo pipe; exec 3<>pipe; head -c 65536 /dev/zero >&3; exec sm-helper service stop agentd >&3)",
        // Has hung up.
        "(sudo -n sm-helper service stop agentd | true); sleep 1000",
    ] {
        agent(host, call);
        unit(host, "agentd", &format!("{AGENT}TimeoutStopSec=3\n"));
        host.root("rm -f /home/agent/pipe; systemctl start agentd").ok();
        let id = crate::host::intent_of(host, "agentd.service");
        assert_eq!(ends(host, &id), "intent ok, result ok", "{call}");
        assert_eq!(host.main_pid("agentd"), 0, "{call}");
        // So that the next intent is the next one.
        host.root("rm -f /var/log/sm/audit.jsonl").ok();
        wait_until("nothing of it is left", || host.root("pgrep sm-operation").status == Some(1));
    }
});
