//! `sm-helper` of an account without a rule: a reply that says why and what to do, at once.

use crate::answer::setup_sudo;
use crate::host::{Reply, host_once, host_test};

host_test!(without_a_rule_the_reply_has_sudos_reason_and_what_to_do, boot, |host| {
    let status = ["service", "status", "nginx"];
    let said = |reply: &Reply| format!("{} / {}", reply.json["error"], reply.json["hint"]);
    for user in ["agent", "other", "admin"] {
        for via in [&[][..], &["--via", "sudo"], &["--via", "auto"]] {
            let args: Vec<&str> = status.iter().chain(via).copied().collect();
            let reply = host.helper_as(user, &args).expect("not_privileged");
            let said = said(&reply);
            assert!(said.contains("/usr/local/bin/sm-helper as root: "), "{said}");
            // What sudo says where it does not know the account, and where it wants a password.
            let reasons =
                ["password is required", "authentication is required", "I'm sorry", "may not run"];
            assert!(reasons.iter().any(|reason| said.contains(reason)), "{said}");
            assert!(said.contains(&format!("sm setup-sudo --user {user}")), "{said}");
            assert!(
                reply.json.get("argv").is_none() && reply.json.get("returncode").is_none(),
                "{:#}",
                reply.json
            );
        }
    }
    // No broker on this host.
    let reply =
        host.helper(&["service", "status", "nginx", "--via", "socket"]).expect("not_privileged");
    assert!(said(&reply).contains("/run/sm/sm.sock"), "{}", said(&reply));
    host.helper(&["service", "status", "nginx", "--via", "magic"]).expect("usage");

    // The hint can be typed as it stands.
    host.root("useradd --badname 'we ird'").ok();
    let argv = [
        "setpriv",
        "--reuid=we ird",
        "--regid=we ird",
        "--clear-groups",
        "/usr/local/bin/sm-helper",
        "service",
        "status",
        "nginx",
    ];
    let reply = Reply::of(&host.command("root", &argv).run()).expect("not_privileged");
    let hint = reply.json["hint"].as_str().unwrap_or_default().to_owned();
    let line = hint.rsplit_once("sm setup-sudo").map_or("", |(_, rest)| rest);
    let done = host.root(&format!("sm setup-sudo {line}"));
    assert_eq!(done.status, Some(0), "the hint is: {hint}\n{done}");
    Reply::of(&host.command("root", &argv).run()).expect("ok");

    // Other rules that are no help; a rule that asks for a password must not make it wait.
    host.write(
        "/etc/sudoers.d/some",
        "agent ALL=(root) /usr/local/bin/sm-helper\nDefaults lecture=always, insults\n",
    );
    if host.root("chmod 0440 /etc/sudoers.d/some; visudo -c").status != Some(0) {
        host.write("/etc/sudoers.d/some", "agent ALL=(root) /usr/local/bin/sm-helper\n");
    }
    let reply = host.helper(&status).expect("not_privileged");
    assert!(said(&reply).contains("is required"), "{}", said(&reply));
    assert!(reply.json["duration_ms"].as_f64().is_some_and(|ms| ms < 10_000.0));
    host.root("rm /etc/sudoers.d/some").ok();

    host.root("echo 'bad bad' >/etc/sudoers; mv /etc/sudoers.d /root").ok();
    host.helper(&status).expect("not_privileged");
    host.root("mv /usr/bin/sudo /root").ok();
    let reply = host.helper(&status).expect("not_privileged");
    assert!(said(&reply).contains("no sudo on this host"), "{}", said(&reply));
});

host_once!(what_needs_no_root_asks_nobody_for_it, boot, |host| {
    let asked = [
        "list",
        "version",
        "--help",
        "service restart nginx --dry-run",
        "package install git --dry-run",
        "service stop dbus --dry-run",
        "service --help",
    ];
    for line in asked {
        let args: Vec<&str> = line.split(' ').collect();
        let (reply, execs) = host.helper_traced(&args);
        let code = if line.contains("dbus") { "denied" } else { "ok" };
        let reply = reply.expect(code);
        assert_eq!(execs.len(), 1, "{line} executed {execs:?}");
        assert_eq!((execs[0].by, execs[0].euid), (1000, 1000));
        if line.ends_with("--dry-run") && code == "ok" {
            assert_eq!(reply.json["dry_run"], true);
        }
    }
    // The same verdict and argv as the real call.
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    for line in ["service restart nginx", "package install htop"] {
        let args: Vec<&str> = line.split(' ').collect();
        let dry = host.helper(&[&args[..], &["--dry-run"]].concat()).expect("ok");
        let real = host.helper(&args).expect("ok");
        assert_eq!(dry.argv(), real.argv());
    }
});
