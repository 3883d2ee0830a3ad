//! What an operation would take away for good: it is refused before, or said afterwards.

use std::thread;
use std::time::Duration;

use crate::host::{Host, host_once};
use crate::{ask, is_up, told, unit};

fn warnings(host: &Host, line: &str) -> String {
    ask(host, line).expect("ok").json["warnings"].to_string()
}

// Each counts the starts of before; none may do so without those of the others.
host_once!(restarts_at_the_same_time_leave_healthy_units_up, ready_test_policy, |host| {
    host.write("/usr/local/sbin/guard", "#!/bin/sh\nsleep 1\n");
    host.root("chmod 755 /usr/local/sbin/guard").ok();
    let notify = "Type=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'";
    // Long enough ago for none to be refused, and one more is.
    let limit = "StartLimitIntervalSec=4s\nStartLimitBurst=1";
    unit(host, "guarded", &format!("[Unit]\n{limit}\n[Service]\n{notify}\n"));
    unit(host, "probe", "[Service]\nExecStart=/bin/sleep 1000\n");
    unit(host, "notifier", "[Service]\nExecStart=/bin/sleep 1000\n");
    let part =
        "[Unit]\nPartOf=probe.service notifier.service\n[Service]\nExecStart=/bin/sleep 1000\n";
    unit(host, "part", part);
    host.root("systemctl start guarded probe notifier part").ok();
    host.root("sleep 4.5").ok();
    let ask_at_once = |name: &str, times: u64| {
        thread::scope(|scope| {
            for nth in 0..times {
                scope.spawn(move || {
                    // One looks while another one's check runs.
                    thread::sleep(Duration::from_millis(120 * nth));
                    let reply = ask(host, &format!("service restart {name}"));
                    let code = reply.json["code"].as_str().expect("a code").to_owned();
                    assert!(["ok", "busy"].contains(&&*code), "{name}: {}", told(&reply));
                });
            }
        });
    };
    for name in ["guarded", "probe"] {
        ask_at_once(name, 8);
        assert!(is_up(host, name), "{name}");
    }
    thread::scope(|scope| {
        for name in ["probe", "notifier", "probe", "notifier"] {
            scope.spawn(move || ask_at_once(name, 2));
        }
    });
    for name in ["probe", "notifier", "part"] {
        assert!(is_up(host, name), "{name}");
    }
});

host_once!(a_restart_that_only_stops_is_no_success, ready_test_policy, |host| {
    for (setting, word) in [
        ("ConditionPathExists=!/run/maintenance", "condition"),
        ("AssertPathExists=!/run/maintenance", "is down now"),
    ] {
        host.root("rm -f /run/maintenance").ok();
        unit(host, "probe", &format!("[Unit]\n{setting}\n[Service]\nExecStart=/bin/sleep 1000\n"));
        ask(host, "service start probe").expect("ok");
        host.root("touch /run/maintenance").ok();
        let reply = ask(host, "service restart probe");
        assert_eq!(reply.json["success"], false, "{setting}: {:#}", reply.json);
        assert!(told(&reply).contains("running"), "{setting}: {}", told(&reply));
        assert!(told(&reply).contains(word), "{setting}: {}", told(&reply));
        // What was down before is no worse.
        if word == "condition" {
            ask(host, "service restart probe").expect("ok");
        }
    }
});

host_once!(a_socket_whose_service_is_up_stays_up, ready_test_policy, |host| {
    host.write("/etc/systemd/system/snapd.socket", "[Socket]\nListenStream=/run/snapd.test\n");
    unit(host, "snapd", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl start snapd.socket snapd").ok();
    let reply = ask(host, "service restart snapd.socket").expect("check_failed");
    assert!(told(&reply).contains("is up"), "{}", told(&reply));
    assert!(is_up(host, "snapd.socket"));
    host.root("systemctl stop snapd.socket").ok();
    ask(host, "service start snapd.socket").expect("check_failed");
    // One that goes down with its socket is in nobody's way.
    unit(host, "snapd", "[Unit]\nRequires=snapd.socket\n[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl stop snapd; systemctl start snapd.socket snapd").ok();
    ask(host, "service restart snapd.socket").expect("ok");
    assert!(is_up(host, "snapd.socket"));
});

host_once!(what_cannot_be_started_again_is_said_when_it_is_stopped, ready_test_policy, |host| {
    let file = "[Service]\nExecStart=/bin/sleep 1000\n";
    let folder = "/etc/systemd/system";
    for (lose, word) in [
        (
            format!(
                "mv {folder}/probe.service /root/; ln -s /dev/null {folder}/probe.service; systemctl daemon-reload"
            ),
            "masked",
        ),
        (format!("rm {folder}/probe.service; systemctl daemon-reload"), "is gone"),
        (format!("rm {folder}/probe.service"), "is gone"),
        (
            format!(
                "systemctl stop probe; rm {folder}/probe.service; systemctl daemon-reload; systemd-run --quiet --unit=probe sleep 1000"
            ),
            "a single run",
        ),
    ] {
        host.root(&format!("rm -f {folder}/probe.service")).ok();
        unit(host, "probe", file);
        ask(host, "service start probe").expect("ok");
        host.root(&lose).ok();
        let status = ask(host, "service status probe").expect("ok");
        assert_eq!(status.json["returncode"], 0, "{lose}");
        assert!(status.json["warnings"].to_string().contains(word), "{lose}: {:#}", status.json);
        let warnings = warnings(host, "service stop probe");
        assert!(warnings.contains(word), "{lose}: {warnings}");
    }
    unit(host, "slow", file);
    ask(host, "service start slow").expect("ok");
    let warnings = warnings(host, "service stop slow");
    assert!(!warnings.contains("again"), "{warnings}");
});

host_once!(disabling_takes_no_name_away, ready_test_policy, |host| {
    let install = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n";
    host.root("mkdir /opt/x").ok();
    for name in ["slow", "forker", "app@"] {
        host.write(format!("/opt/x/{name}.service"), install);
    }
    host.root("systemctl link /opt/x/slow.service /opt/x/app@.service").ok();
    host.root("ln -s /opt/x/forker.service /usr/lib/systemd/system/").ok();
    unit(host, "probe", &format!("{install}Also=slow.service\n"));
    ask(host, "service enable probe").expect("ok");
    let reply = ask(host, "service disable probe").expect("check_failed");
    assert!(told(&reply).contains("Also="), "{}", told(&reply));
    // The name of these stays: a template's, and that in another folder.
    for name in ["app@blue", "forker"] {
        ask(host, &format!("service enable {name}")).expect("ok");
        ask(host, &format!("service disable {name}")).expect("ok");
        ask(host, &format!("service enable {name}")).expect("ok");
    }
});

host_once!(another_name_is_no_way_around_what_is_said_of_the_unit, ready_test_policy, |host| {
    let folder = "/etc/systemd/system";
    host.root(&format!("ln -s /usr/lib/systemd/system/ssh.service {folder}/explained.service"))
        .ok();
    host.write("/usr/local/sbin/guard", "#!/bin/sh\nexit 1\n");
    host.root("chmod 755 /usr/local/sbin/guard").ok();
    unit(host, "guarded", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root(&format!("ln -s guarded.service {folder}/probe.service; systemctl daemon-reload; systemctl start guarded")).ok();
    let reply = ask(host, "service stop explained --reason x").expect("denied");
    assert!(!told(&reply).contains("ssh.service"), "{}", told(&reply));
    assert!(is_up(host, "ssh"));
    ask(host, "service status explained --reason x").expect("ok");
    ask(host, "service restart probe").expect("check_failed");
    // Nor is what the other name asks for forgotten.
    host.root(&format!("rm {folder}/probe.service; ln -s /usr/lib/systemd/system/nginx.service {folder}/explained.service -f; systemctl daemon-reload")).ok();
    ask(host, "service restart explained").expect("reason_required");
    ask(host, "service restart explained --reason x").expect("ok");
});

host_once!(what_a_unit_needs_and_lacks_is_named_or_counted, ready_test_policy, |host| {
    unit(
        host,
        "probe",
        "[Unit]\nRequires=slow.service\nAfter=slow.service\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    unit(host, "slow", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    let reply = ask(host, "service start probe").expect("command_failed");
    assert!(told(&reply).contains("slow.service"), "{}", told(&reply));
    unit(
        host,
        "probe",
        "[Unit]\nRequiresMountsFor=/mnt/zz\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    host.write(
        "/etc/systemd/system/mnt-zz.mount",
        "[Mount]\nWhat=/dev/nothing\nWhere=/mnt/zz\nType=nothing\n",
    );
    host.root("systemctl daemon-reload").ok();
    let reply = ask(host, "service start probe").expect("command_failed");
    assert!(told(&reply).contains("not in the policy"), "{}", told(&reply));
});

host_once!(a_reload_that_takes_another_unit_down_is_told, ready_test_policy, |host| {
    let service = "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n";
    unit(host, "probe", &format!("[Unit]\nPropagatesReloadTo=slow.service\n{service}"));
    unit(host, "slow", &service.replace("/bin/true", "/bin/kill -HUP $MAINPID"));
    host.root("systemctl start probe slow").ok();
    let warnings = warnings(host, "service reload probe");
    assert!(warnings.contains("slow.service"), "{warnings}");
});

host_once!(
    what_wakes_a_unit_is_told_though_the_unit_does_not_know_of_it,
    ready_test_policy,
    |host| {
        unit(host, "probe", "[Service]\nExecStart=/bin/sleep 1000\n");
        host.write(
            "/etc/systemd/system/probe@.service",
            "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n",
        );
        host.write(
            "/etc/systemd/system/probe.socket",
            "[Socket]\nListenStream=/run/probe.test\nAccept=yes\n",
        );
        host.write(
        "/usr/share/dbus-1/system-services/org.example.Slow.service",
        "[D-BUS Service]\nName=org.example.Slow\nExec=/bin/false\nUser=root\nSystemdService=slow.service\n",
    );
        unit(host, "slow", "[Service]\nExecStart=/bin/sleep 1000\n");
        host.root("systemctl start probe.socket probe slow").ok();
        for name in ["probe", "slow"] {
            for action in ["stop", "status"] {
                let warnings = warnings(host, &format!("service {action} {name}"));
                assert!(warnings.contains("may be started"), "{action} {name}: {warnings}");
            }
        }
    }
);
