//! What is in the way of requests is named with its file and line, and the hint makes it work.

use crate::answer::{HELPER, setup_sudo};
use crate::host::{Host, Sudo, host_test};

fn put(host: &Host, file: &str, text: &str) {
    host.write(format!("/etc/sudoers.d/{file}"), text);
    host.root(&format!("chmod 0440 /etc/sudoers.d/{file}; visudo -c")).ok();
}

/// Later rules, as people write them, and the line that decides.
const RULES: [(&str, usize); 10] = [
    ("%agent ALL=(ALL) ALL\n", 1),
    ("# who may\n\nagent ALL=(root) \\\n    PASSWD: \\\n    ALL\n", 3),
    ("User_Alias OPS = other, %agent\nOPS ALL=(ALL:ALL) ALL\n", 2),
    ("Cmnd_Alias ANY = ALL\nagent ALL=(ALL) ANY\n", 2),
    ("agent ALL=(root) /usr/local/bin/\n", 1),
    ("agent ALL=(root) /bin/true\nagent ALL=(root) PASSWD: /usr/local/bin/*\n", 2),
    ("#1000 ALL=(root) !/usr/local/bin/sm-helper\n", 1),
    ("ALL, !root ALL=(root) !ALL\n", 1),
    ("agent ALL=(root) PASSWD: /usr/local/bin/sm-helper service restart nginx\n", 1),
    (
        "agent ALL=(root) NOPASSWD: /bin/true, PASSWD: /usr/local/bin/sm-helper service restart nginx\n",
        1,
    ),
];

host_test!(a_later_rule_is_named_with_its_file_and_line, |host| {
    let mut wrong = Vec::new();
    for (text, line) in RULES {
        put(host, "wheel", "");
        put(host, "zz-wheel", text);
        for args in [&["--user", "agent"][..], &["--user", "agent", "--check"]] {
            let answer = setup_sudo(host, args);
            let said = answer.json["error"].to_string();
            if answer.exit != 1 || !said.contains(&format!("/etc/sudoers.d/zz-wheel:{line}: ")) {
                wrong.push(format!("{text:?} {args:?}: {:#}", answer.json));
            }
        }
        // The first command of the hint lets the drop-in win.
        let hint = setup_sudo(host, &["--user", "agent", "--check"]).json["hint"].to_string();
        host.root(hint.split('`').nth(1).unwrap_or_default()).ok();
        let check = setup_sudo(host, &["--user", "agent", "--check"]);
        host.root("systemctl reset-failed nginx").ok();
        let request = host.helper(&["service", "restart", "nginx"]);
        if check.exit != 0 || request.code() != "ok" {
            wrong.push(format!("{text:?} after `{hint}`: {:#}, {}", check.json, request.json));
        }
        host.root("rm -f /etc/sudoers.d/*wheel").ok();
    }
    // Before ours, or for something else, it is in nobody's way.
    for (file, text) in [
        ("00-wheel", "%agent ALL=(ALL) ALL\n"),
        (
            "zz-wheel",
            "agent ALL=(root) /usr/local/bin/sm-helper-other, /bin/true\nother ALL=(ALL) ALL\n",
        ),
        ("zz-wheel", "agent ALL=(other) ALL\n"),
        ("zz-wheel", "agent ALL=(ALL) ALL\nagent ALL=(root) NOPASSWD: /usr/local/bin/sm-helper\n"),
    ] {
        put(host, file, text);
        setup_sudo(host, &["--user", "agent", "--check"]).expect("ok", 0);
        host.helper(&["service", "status", "nginx"]).expect("ok");
        host.root("rm -f /etc/sudoers.d/*wheel").ok();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
});

/// Settings of sudo's that are in the way, in the forms that they are written in.
const SETTINGS: [&str; 11] = [
    // Root on these machines can raise no limit.
    "Defaults rlimit_fsize=0",
    "Defaults requiretty",
    "Defaults:agent requiretty",
    "Defaults:%agent requiretty",
    "Defaults noexec",
    "Defaults>root noexec",
    "Defaults intercept",
    "Defaults:agent intercept, use_pty",
    "Defaults stay_setuid",
    "Defaults command_timeout=1",
    "Defaults!/usr/local/bin/sm-helper noexec",
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_setting_is_named_with_its_file_and_line_and_the_line_of_the_hint_wins() {
    let host = Host::ready(Sudo::Classic);
    let mut wrong = Vec::new();
    for setting in SETTINGS {
        put(&host, "settings", &format!("# ours\n{setting}\n"));
        let answer = setup_sudo(&host, &["--user", "agent", "--check"]);
        let said = answer.json["error"].to_string();
        if answer.exit != 1 || !said.contains("/etc/sudoers.d/settings:2: ") {
            wrong.push(format!("{setting}: {:#}", answer.json));
        }
        let hint = answer.json["hint"].as_str().unwrap_or_default().to_owned();
        let line = hint.split("visudo -f: ").nth(1).and_then(|rest| rest.split(';').next());
        put(&host, "zz-except", &format!("{}\n", line.unwrap_or_default()));
        let check = setup_sudo(&host, &["--user", "agent", "--check"]);
        let request = host.helper(&["service", "status", "nginx"]);
        if check.exit != 0 || request.code() != "ok" {
            wrong.push(format!("{setting} with {line:?}: {:#} {}", check.json, request.json));
        }
        host.root("rm /etc/sudoers.d/zz-except").ok();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // With these requests work.
    for setting in [
        "Defaults runas_default=other",
        "Defaults log_output, log_input, use_pty",
        "Defaults !env_reset",
        "Defaults umask=0777, umask_override",
        "Defaults closefrom=3, !use_pty, !pam_session",
        "Defaults:other requiretty, noexec",
        "Defaults runcwd=/tmp",
        "Defaults noexec\nDefaults !noexec",
    ] {
        put(&host, "settings", &format!("{setting}\n"));
        let check = setup_sudo(&host, &["--user", "agent", "--check"]);
        let request = host.helper(&["service", "status", "nginx", "--reason", "why"]);
        assert_eq!(
            (check.exit, request.code()),
            (0, "ok"),
            "{setting}: {:#} {}",
            check.json,
            request.json
        );
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_option_of_the_rule_that_decides_is_named_with_its_file_and_line() {
    let host = Host::ready(Sudo::Classic);
    for option in ["TIMEOUT=1", "CWD=/nonexistent"] {
        put(&host, "zz", &format!("# ours\nagent ALL=(root) {option} NOPASSWD: {HELPER}\n"));
        let answer = setup_sudo(&host, &["--user", "agent", "--check"]);
        let said = answer.json["error"].to_string();
        assert_eq!(answer.exit, 1, "{option}: {:#}", answer.json);
        assert!(said.contains(&format!("/etc/sudoers.d/zz:2: {option} holds")), "{said}");
    }
    put(&host, "zz", &format!("agent ALL=(root) CWD=/ NOPASSWD: {HELPER}\n"));
    setup_sudo(&host, &["--user", "agent", "--check"]).expect("ok", 0);
}

// What classic sudo says of it is another fault.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_setting_that_sudo_rs_does_not_know_is_told_and_keeps_nothing_from_being_set_up() {
    let host = Host::boot(Sudo::Rs);
    host.write("/etc/sudoers.d/other", "Defaults:other !requiretty, !logfile\n");
    host.root("chmod 0440 /etc/sudoers.d/other").ok();
    assert_eq!(host.root("visudo -c").status, Some(1));
    for args in [
        &["--user", "agent"][..],
        &["--user", "agent"],
        &["--user", "agent", "--check"],
        &["--user", "agent", "--exact"],
        &["--group", "agent"],
    ] {
        let answer = setup_sudo(&host, args).expect("ok", 0);
        let warnings = answer.json["warnings"].to_string();
        assert!(warnings.contains("'requiretty' in /etc/sudoers.d/other:1"), "{:#}", answer.json);
    }
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    // What it cannot read at all stays a refusal, also beside one that it does not know.
    host.root("echo 'bad bad bad' >>/etc/sudoers.d/other").ok();
    for args in [&["--user", "other"][..], &["--user", "agent", "--check"]] {
        setup_sudo(&host, args).expect("command_failed", 1).says(&["/etc/sudoers.d/other:2"]);
    }
    assert!(!host.exists("/etc/sudoers.d/sm-other") && host.exists(HELPER));
}
