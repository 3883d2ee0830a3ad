//! Enabled or not: what `enable` and `disable` say is what starts at the next boot, in every
//! state that a unit file can be in, and no name is lost by them.

use crate::host::actions::ON_A_UNIT;
use crate::host::{Host, Reply, host_once};
use crate::{ask, told, unit};

const RUNS: &str = "[Service]\nExecStart=/bin/sleep 1000\n";
const INSTALL: &str = "[Install]\nWantedBy=multi-user.target\n";

fn is_enabled(host: &Host, name: &str) -> String {
    host.root(&format!("systemctl is-enabled {name}")).stdout_text().trim().to_owned()
}

fn links(host: &Host) -> String {
    host.root("find /etc/systemd/system /run/systemd/system /etc/rc?.d -type l | sort")
        .stdout_text()
}

/// Asks, and compares what is said with what became of the links.
#[track_caller]
fn changes(host: &Host, line: &str, code: &str) -> Reply {
    let before = links(host);
    let reply = ask(host, line).expect(code);
    assert_eq!(reply.json["changed"], before != links(host), "{line}: {:#}", reply.json);
    reply
}

fn warns(reply: &Reply) -> String {
    reply.json["warnings"].to_string()
}

host_once!(enable_is_no_success_where_nothing_is_enabled, ready_test_policy, |host| {
    // An ordinary one, both ways, again and again.
    unit(host, "probe", &format!("{RUNS}{INSTALL}"));
    for (action, state) in [
        ("enable", "enabled"),
        ("enable", "enabled"),
        ("disable", "disabled"),
        ("disable", "disabled"),
    ] {
        let reply = changes(host, &format!("service {action} probe"), "ok");
        assert_eq!(reply.json["unit"]["unit_file_state"], state, "{:#}", reply.json);
        assert_eq!(is_enabled(host, "probe"), state);
        assert!(reply.json["warnings"].is_null(), "{:#}", reply.json);
    }

    // Without an [Install] section; with one thing that wants it all the same.
    unit(host, "probe", RUNS);
    let reply = changes(host, "service enable probe", "command_failed");
    assert!(told(&reply).contains("nothing was enabled: probe.service has no [Install]"));
    assert_eq!(reply.json["changed"], false);
    changes(host, "service disable probe", "ok");
    host.root("mkdir -p /usr/local/lib/systemd/system/multi-user.target.wants; ln -s ../probe.service /usr/local/lib/systemd/system/multi-user.target.wants/probe.service; systemctl daemon-reload").ok();
    let reply = changes(host, "service enable probe", "ok");
    assert!(warns(&reply).contains("no [Install]"), "{:#}", reply.json);
    let reply = changes(host, "service disable probe", "ok");
    assert!(warns(&reply).contains("may still be started at boot"), "{:#}", reply.json);
    host.root("rm -r /usr/local/lib/systemd/system/multi-user.target.wants").ok();

    // What enables another one.
    unit(host, "slow", &format!("{RUNS}{INSTALL}"));
    unit(host, "probe", &format!("{RUNS}[Install]\nAlso=slow.service\n"));
    let reply = changes(host, "service enable probe", "ok");
    assert_eq!(reply.json["changed"], true);
    assert!(warns(&reply).contains("Also="), "{:#}", reply.json);
    assert_eq!(is_enabled(host, "slow"), "enabled");
    let reply = changes(host, "service disable probe", "ok");
    assert_eq!(reply.json["changed"], true);
    // The same beside an own [Install], by way of one more; and one that the policy does not name.
    unit(host, "probe", &format!("{RUNS}{INSTALL}Also=slow.service\n"));
    unit(host, "slow", &format!("{RUNS}{INSTALL}Also=unnamed.service\n"));
    unit(host, "unnamed", &format!("{RUNS}{INSTALL}"));
    for (action, state) in [("enable", "enabled"), ("disable", "disabled")] {
        let reply = changes(host, &format!("service {action} probe"), "ok");
        let said = format!(
            "this {state} other units (Also= in unit files): slow.service and another one that is not in the policy"
        );
        assert_eq!(reply.json["warnings"], serde_json::json!([said]));
        assert_eq!([is_enabled(host, "slow"), is_enabled(host, "unnamed")], [state, state]);
        let reply = changes(host, &format!("service {action} probe"), "ok");
        assert!(reply.json["warnings"].is_null(), "{:#}", reply.json);
    }
    host.root("rm /etc/systemd/system/unnamed.service").ok();
    unit(host, "slow", &format!("{RUNS}{INSTALL}"));

    // Masked, made at run time, generated, not there.
    host.root("rm /etc/systemd/system/probe.service; systemctl mask -q masked; systemd-run -q --unit=crashing sleep 1000; mkdir -p /run/systemd/generator; printf '[Service]\\nExecStart=/bin/sleep 9\\n' >/run/systemd/generator/looping.service").ok();
    for name in ["masked", "crashing", "looping", "forker"] {
        let reply = changes(host, &format!("service enable {name}"), "command_failed");
        assert_eq!(reply.json["changed"], false, "{name}");
        assert!(!told(&reply).contains("internal"), "{}", told(&reply));
    }

    // A System V script: update-rc.d makes its links, and nothing is printed of them.
    host.write("/etc/init.d/oneshot-job", "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: oneshot-job\n# Required-Start: $remote_fs\n# Required-Stop:\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\nexit 0\n");
    host.root("chmod 755 /etc/init.d/oneshot-job; systemctl daemon-reload").ok();
    for (action, changed) in [
        ("enable", true),
        ("enable", false),
        ("disable", true),
        ("disable", false),
        ("enable", true),
    ] {
        let reply = changes(host, &format!("service {action} oneshot-job"), "ok");
        assert_eq!(reply.json["changed"], changed, "{action}: {:#}", reply.json);
    }
});

host_once!(what_the_boot_does_not_start_is_told_of, ready_test_policy, |host| {
    for name in ["there", "pulled"] {
        host.write(
            format!("/etc/systemd/system/{name}.target"),
            "[Unit]\nDescription=x\n[Install]\nWantedBy=default.target\n",
        );
    }
    host.root("systemctl daemon-reload; systemctl enable -q pulled.target").ok();
    for (install, is_started) in [
        ("WantedBy=multi-user.target", true),
        ("RequiredBy=multi-user.target", true),
        ("WantedBy=default.target", true),
        ("WantedBy=pulled.target", true),
        ("WantedBy=nowhere.target multi-user.target", true),
        ("WantedBy=nowhere.target", false),
        ("WantedBy=there.target", false),
        ("WantedBy=suspend.target", false),
        // Nobody knows who asks for it.
        ("Alias=dbus-org.example.x.service", true),
    ] {
        unit(host, "probe", &format!("{RUNS}[Install]\n{install}\n"));
        for _ in 0..2 {
            let warnings = warns(&changes(host, "service enable probe", "ok"));
            assert_eq!(warnings == "null", is_started, "{install}: {warnings}");
            assert!(is_started || warnings.contains("the boot does not start it"), "{warnings}");
        }
        host.root("systemctl disable -q probe").ok();
    }
    // What the host is not started into.
    host.root("systemctl set-default -q multi-user.target").ok();
    unit(host, "probe", &format!("{RUNS}[Install]\nWantedBy=graphical.target\n"));
    let warnings = warns(&changes(host, "service enable probe", "ok"));
    assert!(warnings.contains("the boot does not start it"), "{warnings}");
});

host_once!(no_name_is_lost_by_disabling, ready_test_policy, |host| {
    // `probe` is the name that the policy has; the unit is called otherwise.
    unit(host, "mariadb", &format!("{RUNS}{INSTALL}Alias=probe.service\n"));
    host.root("systemctl enable -q mariadb").ok();
    let before = links(host);
    let reply = ask(host, "service disable probe").expect("check_failed");
    assert!(told(&reply).contains("another name of mariadb.service"), "{}", told(&reply));
    assert_eq!(links(host), before);
    let reply = changes(host, "service enable probe", "ok");
    assert_eq!(reply.argv().and_then(|argv| argv.last().copied()), Some("mariadb.service"));
    assert_eq!(reply.json["unit"]["unit_file_state"], "enabled");
    // Nor that of one that is linked in.
    host.root("mkdir /opt/app; cp /etc/systemd/system/mariadb.service /opt/app/slow.service; sed -i /Alias/d /opt/app/slow.service; systemctl link -q /opt/app/slow.service").ok();
    changes(host, "service enable slow", "ok");
    assert_eq!(is_enabled(host, "slow"), "enabled");
    let before = links(host);
    let reply = ask(host, "service disable slow").expect("check_failed");
    assert!(told(&reply).contains("linked from another folder"), "{}", told(&reply));
    assert_eq!(links(host), before);
});

host_once!(enabling_has_no_changed_file_read, ready_test_policy, |host| {
    unit(host, "probe", &format!("{RUNS}{INSTALL}"));
    unit(host, "slow", RUNS);
    ask(host, "service start slow").expect("ok");
    host.root("sleep 1; echo '# more' >>/etc/systemd/system/slow.service").ok();
    let unread = || host.root("systemctl show --property=NeedDaemonReload slow").stdout_text();
    assert_eq!(unread().trim(), "NeedDaemonReload=yes");
    for (action, state) in [("enable", "enabled"), ("disable", "disabled")] {
        let reply = changes(host, &format!("service {action} probe"), "ok");
        assert_eq!(reply.json["changed"], true);
        assert_eq!(is_enabled(host, "probe"), state);
        let hint = "have it take effect now: sm-helper service daemon-reload";
        assert!(warns(&reply).contains(hint), "{:#}", reply.json);
        assert_eq!(unread().trim(), "NeedDaemonReload=yes", "{action}");
        ask(host, "service restart slow").expect("check_failed");
    }
    // Who may not is told who does.
    host.root("mkdir /etc/sm; printf 'schema = 1\n[services]\nactions = [\"enable\"]\nunits.probe = {}\n' >/etc/sm/policy.toml").ok();
    let reply = ask(host, "service enable probe").expect("ok");
    let hint = "an administrator runs systemctl daemon-reload";
    assert!(warns(&reply).contains(hint), "{:#}", reply.json);
});

host_once!(another_name_is_no_way_around_what_no_policy_may_name, ready_test_policy, |host| {
    let own = "/lib/systemd/system/dbus.service";
    host.root(&format!("ln -s {own} /etc/systemd/system/probe.service; systemctl daemon-reload"))
        .ok();
    let listed = || host.root("sm policy surface").stdout_text();
    assert!(!listed().contains("dbus"), "it is on the surface");
    let before = host.main_pid("dbus");
    for action in ON_A_UNIT {
        let line = format!("service {action} probe");
        let reply = ask(host, &line).expect("denied");
        assert!(told(&reply).contains("another name of dbus.service"), "{}", told(&reply));
        ask(host, &format!("{line} --dry-run")).expect("denied");
    }
    assert_eq!(host.main_pid("dbus"), before);
});

// As systemd has it: `unit_validate_alias_symlink`.
host_once!(another_name_is_one_where_systemd_takes_it_for_one, ready_test_policy, |host| {
    // Its start is over when it has said it.
    unit(host, "b@", "[Service]\nType=oneshot\nExecStart=/bin/echo here\n");
    for (target, is_name) in
        [("b@blue.service", true), ("b@.service", true), ("b@red.service", false)]
    {
        host.root(&format!("ln -sf {target} /etc/systemd/system/app@blue.service; systemctl daemon-reload; systemctl start app@blue; journalctl --sync; true")).ok();
        let reply = ask(host, "service logs app@blue").expect(if is_name {
            "ok"
        } else {
            "command_failed"
        });
        let argv = reply.argv().expect("an argv");
        assert_eq!(argv.contains(&"--unit=b@blue.service"), is_name, "{target}: {argv:?}");
        let has_log = reply.json["stdout"].as_str().is_some_and(|text| text.contains("here"));
        assert_eq!(has_log, is_name, "{target}: {:#}", reply.json);
    }
    host.root("ln -s b@blue.service /etc/systemd/system/probe.service; systemctl daemon-reload")
        .ok();
    let reply = ask(host, "service logs probe").expect("command_failed");
    assert_eq!(reply.argv().and_then(|argv| argv.last().copied()), Some("--unit=probe.service"));
});
