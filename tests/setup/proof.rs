//! It asks sudo whether the rule has the effect that it should have, and no other.

use crate::answer::{RULE, SM, setup_sudo};
use crate::host::{Host, Sudo, host_test};

/// A later rule, and what sudo is to say of it.
const LATER: [(&str, &str); 5] = [
    ("agent ALL=(root) PASSWD: /usr/local/bin/sm-helper", "required"),
    ("agent ALL=(root) PASSWD: ALL", "required"),
    ("agent ALL=(root) !/usr/local/bin/sm-helper", "back"),
    ("agent ALL=(root) NOPASSWD: ALL, !/usr/local/bin/sm-helper", "back"),
    ("ALL ALL=(root) !ALL", "back"),
];

host_test!(a_later_rule_that_takes_it_back_is_noticed, boot, |host| {
    for (rule, said) in LATER {
        host.write("/etc/sudoers.d/zz-later", format!("{rule}\n"));
        host.root("chmod 0440 /etc/sudoers.d/zz-later; visudo -c").ok();
        // The first run and every later one, and the check.
        for args in
            [&["--user", "agent"][..], &["--user", "agent"], &["--check", "--user", "agent"]]
        {
            let answer = setup_sudo(host, args).expect("command_failed", 1);
            let answer = answer.says(&["sudo does not allow agent to run", "sudo -l -U agent"]);
            assert!(answer.json["error"].to_string().contains(said), "{rule}: {:#}", answer.json);
        }
        host.helper(&["service", "status", "nginx"]).expect("not_privileged");
        assert_eq!(host.read("/etc/sudoers.d/sm-agent"), RULE, "{rule}");
    }
    host.root("rm /etc/sudoers.d/zz-later").ok();
    setup_sudo(host, &["--check", "--user", "agent"]).expect("ok", 0);

    // An account that PAM does not let in.
    host.root("chage -E 1 agent").ok();
    setup_sudo(host, &["--user", "agent"]).expect("command_failed", 1);
    host.root("chage -E -1 agent").ok();
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
});

host_test!(an_account_that_may_run_sm_as_well_is_warned_of, |host| {
    let rules = [
        "agent ALL=(ALL) ALL",
        "agent ALL=(root) /usr/local/bin/sm",
        "agent ALL=(root) NOPASSWD: /usr/local/bin/",
        "%agent ALL=(root) /usr/local/bin/sm setup-sudo",
        "agent ALL=(root) /usr/local/bin/sm policy *",
        "agent ALL=(root) /usr/local/b?n/sm policy",
        "agent ALL=(root) /usr/local/sbin/../bin/sm policy",
        "ALL ALL=(root) /usr/local/bin/sm \"\"",
    ];
    let mut wrong = Vec::new();
    for rule in rules {
        // Before ours, so that the helper stays without a password.
        host.write("/etc/sudoers.d/00-more", format!("{rule}\n"));
        host.root("chmod 0440 /etc/sudoers.d/00-more; visudo -c").ok();
        for args in [&["--user", "agent"][..], &["--check", "--user", "agent"]] {
            let answer = setup_sudo(host, args).expect("ok", 0);
            let warning = answer.json["warnings"][0].as_str().unwrap_or_default();
            if answer.json["may_run_sm"] != true || !warning.contains("/usr/local/bin/sm") {
                wrong.push(format!("{rule}, {args:?}: {}", answer.json));
            }
        }
        let text = host.command("root", &[SM, "setup-sudo", "--user", "agent"]).run().ok();
        if text.contains("may not run") {
            wrong.push(format!("{rule}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
});

// sudo-rs has no such setting, and a configuration with it is not valid there.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_terminal_that_sudo_insists_on_is_noticed_with_sudos_words() {
    let host = Host::boot(Sudo::Classic);
    host.write(
        "/etc/sudoers.d/00-tty",
        "Defaults requiretty
",
    );
    host.root("chmod 0440 /etc/sudoers.d/00-tty").ok();
    setup_sudo(&host, &["--user", "agent"]).expect("command_failed", 1).says(&["tty"]);
}
