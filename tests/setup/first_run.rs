//! The way it is meant to go: once, again, and taken away.

use crate::answer::{DROP_IN, HELPER, RULE, SM, drop_ins, setup_sudo, state, sudo_works};
use crate::host::{Done, Host, host_once, host_test};

/// As a person runs it.
fn as_text(host: &Host, user: &str, args: &str) -> Done {
    host.command(user, &["bash", "-c", &format!("{SM} setup-sudo {args}")]).run()
}

host_test!(once_is_enough_and_then_agent_needs_no_sudo, boot, |host| {
    host.helper(&["service", "restart", "nginx"]).expect("not_privileged");

    let answer = setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    for (field, value) in [("path", DROP_IN), ("helper", HELPER), ("user", "agent")] {
        assert_eq!(answer.json[field], value, "{:#}", answer.json);
    }
    for (field, value) in [("changed", true), ("proved", true), ("may_run_sm", false)] {
        assert_eq!(answer.json[field], value, "{field}: {:#}", answer.json);
    }

    assert_eq!(host.read(DROP_IN), RULE);
    assert_eq!(
        host.root(&format!("stat -c '%U:%G %a %F' {DROP_IN}")).ok(),
        "root:root 440 regular file\n"
    );
    assert_eq!(drop_ins(host), ["sm-agent"], "something was left over");
    sudo_works(host);

    let before = host.main_pid("nginx");
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    assert_ne!(before, host.main_pid("nginx"));
    host.helper(&["package", "install", "htop"]).expect("ok");
    assert!(host.has_package("htop"));

    // Nothing but the helper, and nobody but agent.
    for refused in [
        "id",
        SM,
        "-s",
        "-i",
        &format!("-u other {HELPER} version"),
        "-e /etc/passwd",
        &format!("LD_PRELOAD=/x {HELPER} version"),
        &format!("-g sudo {HELPER} version"),
        &format!("-u agent -g root {HELPER} version"),
        &format!("-D / {HELPER} version"),
        &format!("-R / {HELPER} version"),
    ] {
        let done = host.agent(&format!("sudo -n {refused}"));
        assert_ne!(done.status, Some(0), "{done}");
    }
    host.helper_as("other", &["service", "restart", "nginx"]).expect("not_privileged");
});

host_once!(a_second_run_changes_nothing_and_says_so, |host| {
    let before = state(host);
    let again = setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    assert_eq!(again.json["changed"], false, "{:#}", again.json);
    let text = as_text(host, "root", "--user agent").ok();
    assert!(text.starts_with("nothing to do: already in place"), "{text}");
    assert!(text.contains("sudo agrees: agent runs /usr/local/bin/sm-helper without a password"));
    assert!(text.contains("sudo agrees: agent may not run /usr/local/bin/sm\n"), "{text}");
    assert_eq!(state(host), before);
});

host_once!(print_shows_the_file_and_changes_nothing, boot, |host| {
    let before = state(host);
    // Needs no root.
    for user in ["agent", "root"] {
        assert_eq!(as_text(host, user, "--print --user agent").ok(), RULE);
    }
    let json = setup_sudo(host, &["--print", "--user", "agent"]).expect("ok", 0);
    assert_eq!((&json.json["text"], &json.json["path"]), (&RULE.into(), &DROP_IN.into()));
    // Without a name, for whoever runs it.
    assert!(as_text(host, "other", "--print").ok().contains("\nother ALL=(root) "));
    let group = as_text(host, "agent", "--print --group sudo").ok();
    assert!(
        group.ends_with("\n%sudo ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/sm-helper\n"),
        "{group}"
    );
    assert_eq!(state(host), before);
});

host_test!(remove_takes_the_rule_away_and_nothing_else, |host| {
    host.write("/etc/sudoers.d/sm-by-hand", "other ALL=(root) /bin/true\n");
    host.root("chmod 0440 /etc/sudoers.d/sm-by-hand").ok();
    setup_sudo(host, &["--user", "admin"]).expect("ok", 0);
    let gone = setup_sudo(host, &["--remove", "--user", "agent"]).expect("ok", 0);
    assert_eq!((&gone.json["changed"], &gone.json["path"]), (&true.into(), &DROP_IN.into()));
    assert_eq!(drop_ins(host), ["sm-admin", "sm-by-hand"]);
    sudo_works(host);
    host.helper(&["service", "status", "nginx"]).expect("not_privileged");

    let before = state(host);
    let again = setup_sudo(host, &["--remove", "--user", "agent"]).expect("ok", 0);
    assert_eq!(again.json["changed"], false);
    let text = as_text(host, "root", "--remove --user agent").ok();
    assert_eq!(text, format!("nothing to do: {DROP_IN} does not exist\n"));
    assert_eq!(state(host), before);

    // An account that is gone leaves a rule that can still be taken away, and one by number
    // must not stay for whoever gets the number next.
    host.root("useradd -u 1500 TEMP --badname && sm setup-sudo --user TEMP && userdel TEMP").ok();
    assert!(host.exists("/etc/sudoers.d/sm-TEMP"));
    let gone = setup_sudo(host, &["--remove", "--user", "TEMP"]).expect("ok", 0);
    assert_eq!(gone.json["changed"], true);
    assert!(!host.exists("/etc/sudoers.d/sm-TEMP"));
});

host_test!(a_group_gets_it_and_those_who_are_not_in_it_do_not, boot, |host| {
    host.root("groupadd agents && gpasswd -a agent agents").ok();
    let answer = setup_sudo(host, &["--group", "agents"]).expect("ok", 0);
    assert_eq!((&answer.json["group"], &answer.json["proved"]), (&"agents".into(), &true.into()));
    assert_eq!(drop_ins(host), ["sm-%agents"]);
    assert!(
        host.read("/etc/sudoers.d/sm-%agents")
            .contains("\n%agents ALL=(root) NOPASSWD: NOSETENV: ")
    );
    host.helper(&["service", "status", "nginx"]).expect("ok");
    host.helper_as("other", &["service", "status", "nginx"]).expect("not_privileged");
    setup_sudo(host, &["--group", "agents", "--check"]).expect("ok", 0);
    // An account and a group of one name are two.
    setup_sudo(host, &["--remove", "--user", "agents"]).expect("ok", 0);
    assert_eq!(drop_ins(host), ["sm-%agents"]);
    setup_sudo(host, &["--remove", "--group", "agents"]).expect("ok", 0);
    host.helper(&["service", "status", "nginx"]).expect("not_privileged");

    // Whose group it is at login is in it too, though /etc/group does not say so.
    let own = setup_sudo(host, &["--group", "other"]).expect("ok", 0);
    host.helper_as("other", &["service", "status", "nginx"]).expect("ok");
    assert_eq!(own.json["proved"], true, "other is in group other: {:#}", own.json);
});

host_once!(a_group_without_members_is_set_up_and_said_to_be_unproved, boot, |host| {
    host.root("groupadd nobodys").ok();
    let answer = setup_sudo(host, &["--group", "nobodys"]).expect("ok", 0);
    assert_eq!(answer.json["proved"], false);
    assert_eq!(drop_ins(host), ["sm-%nobodys"]);
});
