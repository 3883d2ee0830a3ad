//! What happens beside the unit that is asked for: what starts it again, what it leaves behind,
//! which others go up or down along with it.

use crate::host::{Host, Reply, host_once};
use crate::{ask, told, unit};

const RUNS: &str = "[Service]\nExecStart=/bin/sleep 1000\n";

/// A file of any kind of unit.
fn file(host: &Host, name: &str, text: &str) {
    host.write(format!("/etc/systemd/system/{name}"), text);
    host.root("systemctl daemon-reload").ok();
}

fn warnings(reply: &Reply) -> String {
    let lines = reply.json["warnings"].as_array().into_iter().flatten();
    lines.filter_map(|line| line.as_str()).collect::<Vec<_>>().join("\n")
}

/// Asks, and finds what is warned of; nothing where there are no words.
#[track_caller]
fn warned(host: &Host, line: &str, words: &[&str]) -> Reply {
    let reply = ask(host, line).expect("ok");
    let said = warnings(&reply);
    assert_eq!(said.is_empty(), words.is_empty(), "{line}: {:#}", reply.json);
    for word in words {
        assert!(said.contains(word), "{line}: no {word:?} in {said}");
    }
    reply
}

host_once!(what_starts_a_unit_again_is_told_of, ready_test_policy, |host| {
    unit(host, "snapd", RUNS);
    unit(host, "probe", &format!("{RUNS}[Install]\nWantedBy=multi-user.target\n"));
    for (name, text, named) in [
        ("probe.socket", "[Socket]\nListenStream=7771\n", "a unit that is not in the policy"),
        ("other.timer", "[Timer]\nOnBootSec=90h\nUnit=probe.service\n", "a unit that is not"),
        ("other.path", "[Path]\nPathExists=/nowhere\nUnit=probe.service\n", "a unit that is not"),
        ("snapd.socket", "[Socket]\nListenStream=7772\nService=probe.service\n", "snapd.socket"),
        (
            "other.service",
            "[Unit]\nUpholds=nothing.service\n[Service]\nExecStart=/bin/sleep 99\n",
            "",
        ),
    ] {
        file(host, name, text);
        host.root(&format!("systemctl start {name}")).ok();
        let words: &[&str] = if named.is_empty() { &[] } else { &["at any time", named] };
        warned(host, "service start probe", &[]);
        warned(host, "service status probe", &[]);
        warned(host, "service stop probe", words);
        warned(host, "service status probe", words);
        warned(host, "service enable probe", words);
        warned(host, "service disable probe", words);
        // What has new settings and is started when it is needed needs no start.
        let reply = ask(host, "service reload probe").expect("command_failed");
        assert_eq!(told(&reply).contains("nothing to do"), !named.is_empty(), "{}", told(&reply));
        host.root(&format!(
            "systemctl stop {name}; rm /etc/systemd/system/{name}; systemctl daemon-reload"
        ))
        .ok();
        warned(host, "service start probe", &[]);
        warned(host, "service stop probe", &[]);
    }
    // The bus, where something asks for its name there.
    host.write("/usr/share/dbus-1/system-services/org.example.Probe.service", "[D-BUS Service]\nName=org.example.Probe\nExec=/bin/false\nUser=root\nSystemdService=probe.service\n");
    unit(host, "probe", &format!("{RUNS}BusName=org.example.Probe\nType=simple\n"));
    warned(host, "service stop probe", &["D-Bus"]);
});

host_once!(what_is_up_again_was_not_stopped, ready_test_policy, |host| {
    unit(host, "probe", RUNS);
    // As long as it exists the path has it started.
    file(host, "probe.path", "[Path]\nPathExists=/etc/hostname\n");
    host.root("test -e /etc/hostname || touch /etc/hostname; systemctl start probe.path; until systemctl -q is-active probe; do sleep 0.1; done").ok();
    let reply = ask(host, "service stop probe");
    // It is seen, or is told of.
    if reply.json["success"] == true {
        assert!(warnings(&reply).contains("at any time"), "{:#}", reply.json);
    } else {
        assert!(told(&reply).contains("is up again"), "{:#}", reply.json);
    }
});

host_once!(a_stop_that_was_not_clean_says_so, ready_test_policy, |host| {
    for (service, word) in [
        ("ExecStart=/bin/sleep 1000", None),
        (
            "TimeoutStopSec=1\nExecStart=/bin/sh -c 'trap : TERM; while :; do sleep 0.1; done'",
            Some("did not stop within its TimeoutStopSec (1s), and was killed"),
        ),
        (
            "KillMode=process\nExecStart=/bin/sh -c 'sleep 1000 & exec sleep 999'",
            Some("1 of its processes is still running"),
        ),
        ("KillMode=none\nExecStart=/bin/sleep 998", Some("still running")),
        (
            "ExecStart=/bin/sh -c 'trap \"exit 3\" TERM; while :; do sleep 0.1; done'",
            Some("exit status 3"),
        ),
    ] {
        unit(host, "probe", &format!("[Service]\n{service}\n"));
        ask(host, "service start probe").expect("ok");
        warned(host, "service stop probe", &word.into_iter().collect::<Vec<_>>());
        host.root("pkill -KILL -x sleep; systemctl reset-failed; true").ok();
    }
});

host_once!(a_restart_that_killed_the_old_process_says_so, ready_test_policy, |host| {
    let stubborn = "ExecStart=/bin/sh -c 'trap : TERM; while :; do sleep 0.1; done'";
    for (service, is_killed) in [
        (RUNS.to_owned(), false),
        (format!("[Service]\nTimeoutStopSec=1\n{stubborn}\n"), true),
        (format!("[Service]\nTimeoutStopSec=1\nTimeoutStopFailureMode=abort\n{stubborn}\n"), true),
        (
            format!(
                "[Service]\nTimeoutStopSec=1\nTimeoutStartSec=60\nExecStartPre=/bin/sleep 1.5\n{}",
                &RUNS[10..]
            ),
            false,
        ),
    ] {
        unit(host, "probe", &service);
        host.root("systemctl start probe").ok();
        let first = host.main_pid("probe");
        let words = ["did not stop within its TimeoutStopSec (1s), and was killed"];
        let reply = warned(host, "service restart probe", if is_killed { &words } else { &[] });
        assert!(reply.json["changed"] == true && host.main_pid("probe") != first);
        host.root("systemctl kill --signal=KILL probe; systemctl reset-failed; true").ok();
    }
});

host_once!(a_restart_that_leaves_old_processes_says_so, ready_test_policy, |host| {
    let two = "ExecStart=/bin/sh -c 'sleep 1000 & exec sleep 999'";
    let ten = "ExecStart=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; exec sleep 999'";
    let deep = "Delegate=yes\nExecStart=/bin/sh -c 'd=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/below; mkdir -p $d; sh -c \"echo \\$\\$ >$d/cgroup.procs; exec sleep 1000\" & exec sleep 999'";
    for (service, left) in [
        (two.to_owned(), 0),
        (format!("KillMode=mixed\n{two}"), 0),
        (format!("KillMode=process\n{two}"), 1),
        (format!("KillMode=process\n{ten}"), 10),
        (format!("KillMode=none\n{two}"), 2),
        (format!("KillMode=process\n{deep}"), 1),
        ("KillMode=process\nExecStart=/bin/sleep 999".to_owned(), 0),
    ] {
        unit(host, "probe", &format!("[Service]\n{service}\n"));
        host.root("systemctl start probe; until pgrep -x sleep -a | grep -q 999; do sleep 0.1; done; sleep 0.3").ok();
        let old = host.root("pgrep -x sleep | sort").ok();
        let reply = ask(host, "service restart probe").expect("ok");
        let message = warnings(&reply);
        assert_eq!(message.contains("from before"), left > 0, "{service}: {message}");
        if left > 0 {
            let are = if left == 1 { "process" } else { "processes" };
            assert!(message.contains(&format!("{left} of its process")), "{are}: {message}");
            let ids = message.split("(process id ").nth(1).and_then(|rest| rest.split(')').next());
            for id in ids.expect("the ids").split(", ").filter(|id| *id != "…") {
                assert!(old.lines().any(|line| line == id), "{service}: {id}: {old}");
            }
        }
        host.root("systemctl stop probe; pkill -KILL -x sleep; systemctl reset-failed; true").ok();
    }
});

host_once!(a_reload_that_ends_a_unit_is_no_success, ready_test_policy, |host| {
    for (service, what) in [
        // No handler of the signal, and one that dies of it a little later.
        (
            "ExecStart=/bin/sleep 1000\nExecReload=/bin/kill -HUP $MAINPID",
            "ended when it was reloaded",
        ),
        (
            "ExecStart=/bin/sh -c 'trap \"sleep 0.3; exit 0\" HUP; while :; do sleep 0.1; done'\nExecReload=/bin/kill -HUP $MAINPID",
            "ended when it was reloaded",
        ),
        (
            "ExecStart=/bin/sh -c 'trap \"exit 4\" HUP; while :; do sleep 0.1; done'\nExecReload=/bin/kill -HUP $MAINPID",
            "died soon after it was reloaded",
        ),
        (
            "Restart=always\nRestartSec=50\nExecStart=/bin/sleep 1000\nExecReload=/bin/kill -HUP $MAINPID",
            "died soon after it was reloaded, and the service manager starts it again",
        ),
    ] {
        unit(host, "probe", &format!("[Service]\n{service}\n"));
        ask(host, "service start probe").expect("ok");
        let reply = ask(host, "service reload probe").expect("unhealthy");
        assert!(told(&reply).contains(what), "{service}: {}", told(&reply));
        assert_eq!(reply.json["changed"], true);
        host.root("systemctl stop probe; systemctl reset-failed; true").ok();
    }
    unit(host, "probe", &format!("{RUNS}ExecReload=/bin/true\n"));
    ask(host, "service start probe").expect("ok");
    warned(host, "service reload probe", &[]);
});

host_once!(what_goes_up_or_down_along_is_told_of, ready_test_policy, |host| {
    unit(host, "probe", RUNS);
    // One that is granted, one that is not, and one behind that, whose name `systemctl` quotes.
    for (name, needs) in
        [("slow", "probe"), ("private-one", "probe"), (r"private\x2dtwo", "private-one")]
    {
        unit(
            host,
            name,
            &format!("[Unit]\nBindsTo={needs}.service\nAfter={needs}.service\n{RUNS}"),
        );
    }
    unit(host, "looping", &format!("[Unit]\nConflicts=probe.service\n{RUNS}"));
    host.root(r"systemctl start probe slow 'private\x2dtwo'").ok();
    // They are up again after a restart.
    warned(host, "service restart probe", &[]);
    let words = ["this stopped other units: slow.service and 2 others that are not in the policy"];
    let reply = warned(host, "service stop probe", &words);
    assert!(!reply.json.to_string().contains("private"), "{:#}", reply.json);
    warned(host, "service stop probe", &[]);
    // What brings others up, and what takes its rival down.
    let reply = warned(host, "service start slow", &["started other units: probe.service"]);
    assert_eq!(reply.json["changed"], true);
    warned(
        host,
        "service start looping",
        &["this stopped other units: probe.service, slow.service"],
    );
    // Also where it came to nothing itself.
    host.root("systemctl stop looping").ok();
    unit(
        host,
        "looping",
        "[Unit]\nRequires=hanging.service\nAfter=hanging.service\n[Service]\nType=oneshot\nExecStart=/bin/false\n",
    );
    unit(host, "hanging", RUNS);
    let reply = ask(host, "service start looping").expect("command_failed");
    assert!(warnings(&reply).contains("started other units: hanging.service"), "{:#}", reply.json);
});

host_once!(what_starts_nothing_is_not_started, ready_test_policy, |host| {
    file(
        host,
        "snapd.socket",
        "[Unit]\nRequires=slow.service\n[Socket]\nListenStream=7773\nService=nowhere.service\n",
    );
    unit(host, "slow", RUNS);
    let reply = ask(host, "service start snapd.socket").expect("command_failed");
    assert!(
        told(&reply).contains("the unit that it starts does not exist: a unit that is not"),
        "{}",
        told(&reply)
    );
    assert_eq!(reply.json["changed"], true, "slow.service was started: {:#}", reply.json);
    assert!(warnings(&reply).contains("slow.service"), "{:#}", reply.json);
});

host_once!(what_was_stopped_can_be_started_again, ready_test_policy, |host| {
    unit(host, "probe", &format!("{RUNS}[Install]\nWantedBy=multi-user.target\n"));
    // It is held in memory, as what something refers to is.
    unit(host, "private-one", &format!("[Unit]\nWants=probe.service\n{RUNS}"));
    host.root("systemctl start probe private-one; sleep 1; echo '# more' >>/etc/systemd/system/probe.service").ok();
    ask(host, "service restart probe").expect("check_failed");
    warned(host, "service stop probe", &["was changed"]);
    warned(host, "service start probe", &["was changed"]);
    assert_ne!(host.main_pid("probe"), 0);
    ask(host, "service stop probe").expect("ok");
    ask(host, "service restart probe").expect("ok");
    // A mask is what it is told for, a drop-in or not.
    host.root("systemctl mask -q masked; mkdir /etc/systemd/system/masked.service.d; printf '[Service]\\nNice=5\\n' >/etc/systemd/system/masked.service.d/nice.conf; systemctl daemon-reload").ok();
    for action in ["start", "restart"] {
        let reply = ask(host, &format!("service {action} masked")).expect("command_failed");
        assert!(told(&reply).contains("systemctl unmask"), "{}", told(&reply));
    }
});

// Debian's postgresql.service is a oneshot that runs /bin/true; its clusters are parts of it.
host_once!(an_umbrella_is_well_only_where_its_parts_are, ready_test_policy, |host| {
    let file =
        "[Unit]\nWants=PARTS\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";
    let part = |umbrella: &str, name: &str, service: &str| {
        unit(
            host,
            name,
            &format!(
                "[Unit]\nStartLimitIntervalSec=0\nPartOf={umbrella}.service\nBefore={umbrella}.service\n[Service]\n{service}\n"
            ),
        );
    };
    for (service, is_well) in [
        ("ExecStart=/bin/sleep 1000", true),
        ("Type=oneshot\nExecStart=/bin/true", true),
        ("ExecStart=/bin/false", false),
        ("Type=forking\nExecStart=/bin/false", false),
        ("ExecStart=/bin/sh -c 'sleep 0.7; exit 3'", false),
        ("Restart=always\nRestartSec=1000\nExecStart=/bin/false", false),
    ] {
        // What has to be seen to fail is watched for longer than any busy machine takes for it.
        let umbrella = if is_well { "probe" } else { "umbrella" };
        let (name, named) = if service.contains("exit 3") || is_well {
            ("slow", "slow.service")
        } else {
            ("private-one", "a unit that is not in")
        };
        unit(host, umbrella, &file.replace("PARTS", &format!("{name}.service")));
        part(umbrella, name, service);
        for action in ["start", "restart", "restart"] {
            let reply = ask(host, &format!("service {action} {umbrella}"));
            let case = format!("{action}, {name}, {service}: {:#}", reply.json);
            assert_eq!(reply.json["code"], if is_well { "ok" } else { "unhealthy" }, "{case}");
            assert_eq!(reply.json["unit"]["active_state"], "active", "{case}");
            let is_told = told(&reply).contains(&format!("some of its parts have failed: {named}"));
            assert_eq!(is_told, !is_well, "{case}");
            assert!(!reply.json.to_string().contains("private"), "{case}");
        }
        host.root(&format!("systemctl stop {umbrella} {name}; systemctl reset-failed; true")).ok();
    }
    // A part that is up and fails only at the restart, which nothing but that takes along. The
    // start waits for the test, so that it is not done when the file is there.
    let breaks = "ExecStartPre=/usr/bin/test ! -e /run/broken\nExecStart=/bin/sleep 1000";
    unit(host, "umbrella", &file.replace("Wants=PARTS\n", ""));
    part("umbrella", "slow", breaks);
    host.root("systemctl start umbrella slow; touch /run/broken").ok();
    let reply = ask(host, "service restart umbrella").expect("unhealthy");
    assert!(told(&reply).contains("slow.service"), "{}", told(&reply));
    // One that failed before and is not started with it has nothing to do with it.
    unit(host, "probe", &file.replace("Wants=PARTS\n", ""));
    part("probe", "slow", breaks);
    host.root("! systemctl start slow; systemctl is-failed slow").ok();
    ask(host, "service restart probe").expect("ok");
});
