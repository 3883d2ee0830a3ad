//! The attempt as the account: one that would fail where a request would, and that is recorded as
//! root's, who makes it.

use crate::answer::{SM, setup_sudo};
use crate::host::{Host, Sudo, host_test, log};

/// Settings of sudo's with which no request works, and a rule that does the same.
const CLASSIC: [&str; 4] = [
    "Defaults intercept",
    "Defaults noexec",
    "Defaults stay_setuid",
    "agent ALL=(root) NOPASSWD: NOEXEC: /usr/local/bin/sm-helper",
];

host_test!(the_attempt_is_recorded_as_roots_and_a_request_as_the_accounts, |host| {
    let of = |user: &str| log(host).iter().filter(|one| one["caller"]["user"] == user).count();
    let (agent, root) = (of("agent"), of("root"));
    for args in [&["--user", "agent"][..], &["--user", "agent", "--check"]] {
        setup_sudo(host, args).expect("ok", 0);
    }
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    assert_eq!(of("agent"), agent);
    assert!(of("root") > root);
    let last = log(host).pop().expect("a record");
    assert_eq!(last["caller"]["via"], "probe", "{last:#}");
    assert_eq!(last["caller"]["uid"], 0);
    // Nothing of it is left, and what the account asks is its own, with the same words too.
    host.helper(&["service", "status", "nginx"]).expect("ok");
    let last = log(host).pop().expect("a record");
    assert_eq!(
        (&last["caller"]["user"], &last["caller"]["via"]),
        (&"agent".into(), &"sudo".into())
    );
    // Also while root tries: another process is not the one that was announced.
    host.root(
        "chmod 0755 /run/sm; (flock 9; printf '1 1\\0version' >&9; sleep 2) 9<>/run/sm/probe &
               sleep 0.5; runuser -u agent -- sudo -n sm-helper version; wait",
    )
    .ok();
    let last = log(host).pop().expect("a record");
    assert_eq!(
        (&last["caller"]["user"], &last["caller"]["via"]),
        (&"agent".into(), &"sudo".into())
    );
    host.root("truncate -s 0 /run/sm/probe").ok();
    // The account's group and its part of the policy are asked for, not root's.
    host.root("mkdir -p /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[services]\nactions = [\"status\"]\n[services.units]\nnginx = {}\nssh = {}\n\
         [callers.\"user:agent\"]\nservices = [\"ssh\"]\npackages = []\nmaintenance = []\n\
         [callers.\"default\"]\nservices = []\npackages = []\nmaintenance = []\n",
    );
    if host.command("root", &[SM, "policy", "check", "/etc/sm/policy.toml"]).run().status != Some(0)
    {
        host.root("sed -i '/default/,$d' /etc/sm/policy.toml").ok();
    }
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    let last = log(host).pop().expect("a record");
    assert_eq!(last["operation"]["name"], "ssh.service", "{last:#}");
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_keeps_every_request_from_working_is_found() {
    let host = Host::ready(Sudo::Classic);
    for setting in CLASSIC {
        host.write("/etc/sudoers.d/zz-setting", format!("{setting}\n"));
        host.root("chmod 0440 /etc/sudoers.d/zz-setting; visudo -c").ok();
        let request = host.helper(&["service", "status", "nginx"]);
        assert_ne!(request.code(), "ok", "{setting}");
        let check = setup_sudo(&host, &["--user", "agent", "--check"]);
        assert_eq!(check.exit, 1, "{setting}: {:#}", check.json);
        setup_sudo(&host, &["--user", "agent"]).expect("command_failed", 1);
    }
    // With these it works, since root is named.
    for setting in ["Defaults runas_default=other", "Defaults use_pty, log_output"] {
        host.write("/etc/sudoers.d/zz-setting", format!("{setting}\n"));
        host.helper(&["service", "status", "nginx"]).expect("ok");
        setup_sudo(&host, &["--user", "agent", "--check"]).expect("ok", 0);
    }
}
