//! What must be so before an operation is run: a check that passes, a reason that is given.

use crate::host::host_test;
use crate::{ask, events, records};

host_test!(a_broken_configuration_does_not_take_nginx_down, |host| {
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

host_test!(a_check_is_run_with_its_arguments_and_must_pass, ready_test_policy, |host| {
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

host_test!(a_reason_is_asked_for_and_recorded, ready_test_policy, |host| {
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
