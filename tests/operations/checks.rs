//! What must be so before an operation is run: a check that passes, a reason that is given.

use crate::host::{Host, events, host_once, host_test, records};
use crate::{ask, told, unit};

host_once!(a_broken_configuration_does_not_take_nginx_down, |host| {
    host.write("/etc/nginx/conf.d/broken.conf", "this is \x1b[31mno directive\n");
    let before = host.main_pid("nginx");
    let get = "exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; head -n1 <&3";
    for action in ["restart", "reload", "start"] {
        let reply = ask(host, &format!("service {action} nginx")).expect("check_failed");
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.contains("broken.conf") || error.contains("nginx.conf"), "{error}");
        assert!(!error.contains('\x1b'), "{error}");
        assert!(reply.json["changed"].as_bool() != Some(true), "{action}");
        assert_eq!(reply.json["unit"]["main_pid"], before, "{action}: what it is now");
        assert_eq!(host.main_pid("nginx"), before, "{action}");
        assert!(host.agent(get).ok().contains(" 200 "), "{action}: nginx goes on serving");
        let records = events(host, &reply.json["request_id"]);
        assert!(records.ends_with("result check_failed"), "{action}: {records}");
    }
    // The check is for what would read the configuration.
    ask(host, "service status nginx").expect("ok");
    ask(host, "service stop nginx").expect("ok");
    let reply = ask(host, "service start nginx").expect("check_failed");
    assert_eq!(reply.json["unit"]["active_state"], "inactive");
    host.root("rm /etc/nginx/conf.d/broken.conf").ok();
    ask(host, "service start nginx").expect("ok");
    // A check that is not there has not passed.
    host.write("/etc/systemd/system/caddy.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl daemon-reload").ok();
    let reply = ask(host, "service start caddy").expect("check_failed");
    assert!(reply.json["error"].as_str().is_some_and(|error| error.contains("caddy validate")));
    assert_eq!(host.main_pid("caddy"), 0);
});

host_once!(a_check_is_run_with_its_arguments_and_must_pass, ready_test_policy, |host| {
    host.write(
        "/etc/systemd/system/guarded.service",
        "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n",
    );
    host.write(
        "/usr/local/sbin/guard",
        "#!/bin/sh\necho \"$# $*\" >>/run/guard.calls\ntest -e /run/pass && exit 0\necho out\necho 'it is no' >&2\nexit 3\n",
    );
    host.root("chmod 0755 /usr/local/sbin/guard; systemctl daemon-reload").ok();
    let reply = ask(host, "service start guarded").expect("check_failed");
    assert_eq!(host.main_pid("guarded"), 0);
    assert_eq!(host.read("/run/guard.calls"), "1 --strict\n");
    assert!(reply.json["error"].as_str().is_some_and(|error| error.contains("it is no")));
    ask(host, "service start guarded --dry-run").expect("ok");
    assert_eq!(host.read("/run/guard.calls"), "1 --strict\n", "a dry run runs nothing");

    host.write("/run/pass", "");
    ask(host, "service start guarded").expect("ok");
    let before = host.main_pid("guarded");
    ask(host, "service reload guarded").expect("ok");
    ask(host, "service restart guarded").expect("ok");
    assert_eq!(host.read("/run/guard.calls").lines().count(), 4);
    assert_ne!(host.main_pid("guarded"), before);
    // Nobody is stopped from stopping, and looking is free.
    host.root("rm /run/pass").ok();
    ask(host, "service status guarded").expect("ok");
    ask(host, "service stop guarded").expect("ok");
    ask(host, "service enable guarded");
    assert_eq!(host.read("/run/guard.calls").lines().count(), 4);
});

host_once!(a_reason_is_asked_for_and_recorded, ready_test_policy, all, |host| {
    host.write("/etc/systemd/system/explained.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl daemon-reload").ok();
    for action in ["start", "stop", "restart", "status", "enable"] {
        let line = format!("service {action} explained");
        let reply = ask(host, &line).expect("reason_required");
        assert!(reply.json["hint"].as_str().is_some_and(|hint| hint.contains("--reason")));
        assert_eq!(events(host, &reply.json["request_id"]), "refused reason_required");
        ask(host, &format!("{line} --dry-run")).expect("reason_required");
        assert_eq!(host.main_pid("explained"), 0);
    }
    let why = "deploy of 1.4 — “ünïcode”, \\n and \"quotes\", {\"code\":\"ok\"}";
    let reply = host.helper(&["service", "start", "explained", "--reason", why]).expect("ok");
    assert_ne!(host.main_pid("explained"), 0);
    let records = records(host, &reply.json["request_id"]);
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record["reason"] == why), "{records:#?}");
    // It goes nowhere but into the record.
    assert!(reply.argv().is_some_and(|argv| !argv.contains(&why)));

    host.helper(&["package", "install", "htop"]).expect("reason_required");
    assert!(!host.has_package("htop"));
    host.helper(&["--reason", "to look", "package", "install", "htop"]).expect("ok");
    assert!(host.has_package("htop"));
    // A reason does not grant what is not granted.
    host.helper(&["package", "remove", "htop", "--reason", "please"]).expect("denied");
    assert!(host.has_package("htop"));
    // Kept where it is not asked for, too, and where the answer is no.
    let reply = host.helper(&["service", "stop", "cron", "--reason", why]).expect("denied");
    let row = &self::records(host, &reply.json["request_id"])[0];
    assert_eq!((row["reason"].as_str(), row["code"].as_str()), (Some(why), Some("denied")));
});

/// A check that says who runs it and what it was given, and fails unless `/run/pass` is there.
const GUARD: &str = "#!/bin/bash\n{ id; pwd; tr '\\0' '\\n' </proc/$$/environ; } >>/run/guard.said\n\
                     test -e /run/pass || { echo password=hunter2x; echo the line 7 is wrong >&2; exit 3; }\n";

/// `guarded` with its check, running.
fn guarded(host: &Host) -> u32 {
    unit(host, "guarded", "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n");
    host.write("/usr/local/sbin/guard", GUARD);
    host.write("/run/pass", "");
    host.root("chmod 0755 /usr/local/sbin/guard").ok();
    ask(host, "service start guarded").expect("ok");
    host.root("rm /run/guard.said /run/pass").ok();
    host.main_pid("guarded")
}

host_test!(a_check_is_run_as_root_with_nothing_of_the_callers, ready_test_policy, all, |host| {
    guarded(host);
    let argv = ["/usr/local/bin/sm-helper", "service", "restart", "guarded"];
    let run = host
        .command("agent", &argv)
        .env("BASH_ENV", "/tmp/evil")
        .env("SECRET", "of the caller")
        .cwd("/tmp");
    let reply = crate::host::Reply::of(&run.run()).expect("check_failed");
    let said = host.read("/run/guard.said");
    assert!(said.starts_with("uid=0(root) gid=0(root)"), "{said}");
    let mut environment: Vec<&str> =
        said.lines().skip(2).filter_map(|line| line.split('=').next()).collect();
    environment.sort_unstable();
    let known = "APT_LISTBUGS_FRONTEND APT_LISTCHANGES_FRONTEND DEBIAN_FRONTEND HOME LC_ALL \
                 NEEDRESTART_SUSPEND PAGER PATH SYSTEMD_COLORS SYSTEMD_PAGER SYSTEMD_URLIFY TERM TZ UCF_FORCE_CONFFOLD";
    assert_eq!(environment.join(" "), known);
    // What it says is told: the line that names the fault, and all of it, but for secrets.
    assert!(told(&reply).contains("the line 7 is wrong"), "{}", told(&reply));
    assert!(reply.json["stderr"].as_str().is_some_and(|text| text.contains("line 7")));
    assert_eq!(reply.json["stdout"], "password=[masked]\n");
    assert_eq!(reply.json["returncode"], 3);
    assert_eq!(reply.json["changed"], false);
    let record = format!("{:?}", records(host, &reply.json["request_id"]));
    assert!(!record.contains("hunter2x") && !record.contains("line 7"), "{record}");
});

host_once!(a_check_that_fails_in_any_way_leaves_the_service_alone, ready_test_policy, |host| {
    let before = guarded(host);
    for (what, code, words) in [
        ("true", "check_failed", ["`guard` failed", "line 7"]),
        // Who could write it could be root.
        ("chmod 0777 /usr/local/sbin/guard", "untrusted_path", ["/usr/local/sbin/guard", "root"]),
        ("chown agent /usr/local/sbin/guard", "untrusted_path", ["/usr/local/sbin/guard", "root"]),
        ("chmod 0777 /usr/local/sbin", "untrusted_path", ["/usr/local/sbin", "root"]),
        (
            "mv /usr/local/sbin/guard /home/agent/guard; ln -s /home/agent/guard /usr/local/sbin/guard",
            "untrusted_path",
            ["/home/agent", "root"],
        ),
        ("chmod 0644 /usr/local/sbin/guard", "check_failed", ["cannot be run", "Permission"]),
        ("rm /usr/local/sbin/guard", "check_failed", ["cannot be run", "install"]),
        ("ln -sf /nowhere /usr/local/sbin/guard", "check_failed", ["cannot be run", "install"]),
        (
            "printf '#!/nowhere\n' >/usr/local/sbin/guard",
            "check_failed",
            ["cannot be run", "install"],
        ),
        (
            "printf '#!/bin/sh\nkill -9 $$\n' >/usr/local/sbin/guard",
            "check_failed",
            ["`guard` failed", "signal 9"],
        ),
        (
            "printf '#!/bin/sh\nexec sleep 987\n' >/usr/local/sbin/guard",
            "check_failed",
            ["not done in time", "nothing was done"],
        ),
        (
            "printf '#!/bin/sh\ntrap \"\" TERM\n(sleep 987; sleep 987) & wait; sleep 987\n' >/usr/local/sbin/guard",
            "check_failed",
            ["not done in time", "nothing was done"],
        ),
    ] {
        host.root("rm -f /usr/local/sbin/guard /run/guard.said; chmod 0755 /usr/local/sbin").ok();
        host.write("/usr/local/sbin/guard", GUARD);
        host.root(&format!("chmod 0755 /usr/local/sbin/guard; {what}")).ok();
        for action in ["restart", "reload"] {
            let late = if words[0].contains("in time") { " --timeout 1" } else { "" };
            let reply = ask(host, &format!("service {action} guarded{late}")).expect(code);
            for word in words {
                assert!(told(&reply).contains(word), "{action}, {what}: {}", told(&reply));
            }
            assert_eq!(host.main_pid("guarded"), before, "{action}, {what}");
            assert_eq!(reply.json["unit"]["main_pid"], before, "{action}, {what}");
            let records = events(host, &reply.json["request_id"]);
            assert_eq!(records, format!("intent ok, result {code}"), "{action}, {what}");
            let ran = host.exists("/run/guard.said");
            assert_eq!(ran, what == "true", "{action}, {what}: whether it was run");
        }
        assert_eq!(host.root("pgrep -f 'guard|sleep 987'").status, Some(1), "{what}: it is gone");
    }
    // To stop a service is always allowed.
    ask(host, "service stop guarded").expect("ok");
    assert_eq!(host.main_pid("guarded"), 0);
});

host_once!(ssh_is_checked_while_it_runs_and_is_not_taken_away, |host| {
    // Two such requests would lock the administrator out.
    for action in ["stop", "disable"] {
        ask(host, &format!("service {action} ssh")).expect("denied");
    }
    // Its check needs what is there only while it runs.
    let stop = || host.root("systemctl stop ssh.service").ok();
    for (is_down, action) in
        [(true, "start"), (false, "restart"), (true, "restart"), (false, "reload")]
    {
        if is_down {
            stop();
        }
        let reply = ask(host, &format!("service {action} ssh")).expect("ok");
        assert_eq!(reply.json["unit"]["active_state"], "active", "{action}");
    }
    let before = host.main_pid("ssh");
    let hello = "exec 3<>/dev/tcp/127.0.0.1/22; head -c 4 <&3";
    host.root("echo 'NoSuchKeyword yes' >>/etc/ssh/sshd_config").ok();
    for action in ["restart", "reload"] {
        let reply = ask(host, &format!("service {action} ssh")).expect("check_failed");
        assert!(told(&reply).contains("NoSuchKeyword"), "{}", told(&reply));
        assert_eq!(host.main_pid("ssh"), before, "{action}");
        assert_eq!(host.agent(hello).ok(), "SSH-", "{action}");
    }
    // Down it is not checked beforehand, and says of itself what is wrong.
    stop();
    let reply = ask(host, "service start ssh").expect("command_failed");
    assert!(told(&reply).contains("could not be started"), "{}", told(&reply));
    assert!(reply.json["log"].to_string().contains("NoSuchKeyword"), "{:#}", reply.json);
    host.root("sed -i /NoSuchKeyword/d /etc/ssh/sshd_config; systemctl reset-failed ssh").ok();
    ask(host, "service restart ssh").expect("ok");
});

host_once!(fail2ban_is_checked_with_its_own_test, |host| {
    host.root("mkdir /etc/fail2ban; printf '[sshd]\nenabled = false\n' >/etc/fail2ban/jail.local")
        .ok();
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
    ask(host, "package install fail2ban").expect("ok");
    ask(host, "service restart fail2ban").expect("ok");
    let before = host.main_pid("fail2ban");
    assert_ne!(before, 0);
    host.write("/etc/fail2ban/jail.local", "[sshd]\nenabled = true\nfilter = no-such-filter\n");
    for action in ["restart", "reload"] {
        let reply = ask(host, &format!("service {action} fail2ban")).expect("check_failed");
        assert!(told(&reply).contains("no-such-filter"), "{}", told(&reply));
        assert_eq!(host.main_pid("fail2ban"), before, "{action}");
    }
    ask(host, "service stop fail2ban").expect("ok");
    ask(host, "service start fail2ban").expect("check_failed");
    assert_eq!(host.main_pid("fail2ban"), 0);
});
