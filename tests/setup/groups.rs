//! The rule of a group is for whose account is in the group now. sudo goes by the groups of the
//! process, and a process can have them from somewhere else.

use crate::answer::{HELPER, setup_sudo};
use crate::host::{Host, Reply, host_test, intents, records};
use serde_json::json;

/// Runs sudo with the group as the process's own.
const WITH_THE_GROUP: &str = "import os
group = os.getegid(); os.setresgid(group, group, group)
os.execv('/usr/bin/sudo', ['sudo', '-n', '/usr/local/bin/sm-helper', 'service', 'status', 'nginx'])";

/// Asks as this account, with the group from a set-group-ID file. sudo-rs asks for the groups that a
/// process has besides, which such a file does not give.
#[track_caller]
fn is_handed_on(host: &Host, user: &str) -> bool {
    let line =
        format!("setpriv --reuid={user} --regid={user} --init-groups /home/agent/py /srv/sudo.py");
    host.root(&line).stdout_text().contains(r#""code":"ok""#)
}

/// Asks as this account, whose process has the group since its login.
#[track_caller]
fn since_login(host: &Host, user: &str) -> Reply {
    let line = format!(
        "setpriv --reuid={user} --regid={user} --groups={user},ops sudo -n {HELPER} service status nginx"
    );
    Reply::of(&host.root(&line))
}

fn with_the_group(host: &Host) {
    host.limit_the_rate();
    host.write("/srv/sudo.py", WITH_THE_GROUP);
    host.root("groupadd ops; usermod -aG ops agent; chmod 755 /home/agent").ok();
    // Made by agent itself, who is in the group.
    host.root("setpriv --reuid=agent --regid=agent --init-groups bash -ec 'cp $(readlink -f /usr/bin/python3) ~agent/py; chgrp ops ~agent/py; chmod 2755 ~agent/py'").ok();
    setup_sudo(host, &["--group", "ops"]).expect("ok", 0);
}

host_test!(a_group_of_the_process_is_no_right, boot, |host| {
    with_the_group(host);
    let before = intents(host);
    assert!(!is_handed_on(host, "other"));
    let refused = since_login(host, "other").expect("denied");
    let said = refused.json["error"].as_str().unwrap_or_default();
    assert!(said.contains("other") && said.contains("in no group"), "{:#}", refused.json);
    let record = &records(host, &refused.json["request_id"])[0];
    assert_eq!((&record["event"], &record["code"]), (&json!("refused"), &json!("denied")));
    assert_eq!(record["caller"]["user"], "other", "{record:#}");
    host.root("test -e /run/sm/rate/$(id -u other).refusals").ok();
    assert_eq!(intents(host), before);

    since_login(host, "agent").expect("ok");
    host.root("gpasswd --delete agent ops").ok();
    assert!(!is_handed_on(host, "agent"));
    since_login(host, "agent").expect("denied");
    // Nor where the group is gone, and another has its number.
    host.root("gid=$(getent group ops | cut -d: -f3); groupdel ops; groupadd -g $gid games2").ok();
    let line = format!(
        "setpriv --reuid=other --regid=other --groups=other,games2 sudo -n {HELPER} service status nginx"
    );
    assert!(!host.root(&line).stdout_text().contains(r#""code":"ok""#));
});

host_test!(a_rule_of_the_accounts_own_counts_beside_that_of_a_group, boot, |host| {
    with_the_group(host);
    let by_hand = "/etc/sudoers.d/by-hand";
    for rule in [
        format!("other ALL=(root) NOPASSWD: {HELPER}"),
        format!("other ALL=(root) NOPASSWD: {HELPER} service status *"),
        "%other ALL=(ALL) NOPASSWD: ALL".to_owned(),
    ] {
        host.root(&format!("echo '{rule}' >{by_hand}; chmod 0440 {by_hand}")).ok();
        host.helper_as("other", &["--via", "sudo", "service", "status", "nginx"]).expect("ok");
        since_login(host, "other").expect("ok");
        host.root(&format!("rm {by_hand}")).ok();
        since_login(host, "other").expect("denied");
    }
    // Whoever may run everything with a password.
    let line = format!("echo admin | sudo -S -p '' {HELPER} service status nginx");
    Reply::of(&host.command("admin", &["bash", "-c", &line]).run()).expect("ok");
    setup_sudo(host, &["--user", "other"]).expect("ok", 0);
    since_login(host, "other").expect("ok");
    setup_sudo(host, &["--user", "other", "--remove"]).expect("ok", 0);
    since_login(host, "other").expect("denied");
});
