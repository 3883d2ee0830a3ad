//! For whom: the one who called sudo, and who it cannot be for.

use crate::answer::{Answer, SM, drop_ins, setup_sudo, state, sudo_works};
use crate::host::{host_once, host_test};
use crate::terminal::at_terminal;

host_test!(without_a_name_it_is_for_the_account_that_called_sudo, boot, |host| {
    let script = format!("echo admin | sudo -S -p '' {SM} setup-sudo --json");
    let answer = Answer::of(&host.command("admin", &["bash", "-c", &script]).run());
    let answer = answer.expect("ok", 0);
    assert_eq!((&answer.json["user"], &answer.json["may_run_sm"]), (&"admin".into(), &true.into()));
    assert_eq!(drop_ins(host), ["sm-admin"]);
    // Who may run sm anyway is not held by the policy, and must be told so.
    let warning = answer.json["warnings"][0].as_str().unwrap_or_default().to_owned();
    assert!(warning.contains("admin") && warning.contains(SM), "{:#}", answer.json);
    let text = host.command("root", &[SM, "setup-sudo", "--user", "admin"]).run().ok();
    assert!(
        text.contains(
            "warning: another rule, for `ALL`, also allows admin to run /usr/local/bin/sm as root"
        ),
        "{text}"
    );
    // sudo's word counts, the caller's does not.
    let faked =
        host.command("agent", &[SM, "setup-sudo", "--print"]).env("SUDO_USER", "other").run();
    assert!(faked.ok().contains("\nagent ALL="), "{faked}");
});

host_once!(nobody_who_is_not_there_and_not_root, boot, |host| {
    host.root("useradd -o -u 0 --badname toor; groupadd -o -g 0 toors").ok();
    let long = "a".repeat(257);
    let cases: [(&[&str], &str, i32, &[&str]); 19] = [
        (
            &["--user", "nobody-there"],
            "invalid_argument",
            3,
            &["no account nobody-there", "useradd"],
        ),
        (&["--user", "agen"], "invalid_argument", 3, &["no account agen"]),
        (&["--user", "#1000"], "invalid_argument", 3, &["no account #1000"]),
        (&["--user", "1000"], "invalid_argument", 3, &["no account 1000"]),
        (&["--user", "+agent"], "invalid_argument", 3, &["no account +agent"]),
        (&["--user", "-x"], "invalid_argument", 3, &["no account -x"]),
        (&["--user", "ALL"], "invalid_argument", 3, &["no account ALL"]),
        (&["--user", "../../passwd"], "invalid_argument", 3, &["no account"]),
        (&["--user", ""], "invalid_argument", 3, &["not the name of an account"]),
        (&["--user", "agent\nother ALL=(ALL) ALL"], "invalid_argument", 3, &["not the name"]),
        (&["--user", &long], "invalid_argument", 3, &["not the name"]),
        (&["--user", "root"], "invalid_argument", 3, &["root already", "the agent runs as"]),
        (&["--user", "toor"], "invalid_argument", 3, &["root already"]),
        (&["--group", "root"], "invalid_argument", 3, &["root's group"]),
        (&["--group", "toors"], "invalid_argument", 3, &["root's group"]),
        (&["--group", "no-such"], "invalid_argument", 3, &["no group no-such", "groupadd"]),
        // Plain root names nobody.
        (&[], "usage", 2, &["no other account", "--user NAME"]),
        (&["--user", "agent", "--group", "agent"], "usage", 2, &["--user", "--group"]),
        (&["--user", "agent", "--check", "--remove"], "usage", 2, &["--check", "--remove"]),
    ];
    let before = state(host);
    for (args, code, exit, words) in cases {
        setup_sudo(host, args).expect(code, exit).says(words);
        let mut argv = vec![SM, "setup-sudo"];
        argv.extend(args);
        let text = host.command("root", &argv).run();
        assert_eq!(text.status, Some(exit), "{text}");
        let said = text.stderr_text();
        assert!(
            text.stdout.is_empty() && said.starts_with("sm: ") && said.lines().count() >= 2,
            "{text}"
        );
    }
    assert_eq!(state(host), before);
    let not_utf8: &[u8] = b"a\xffb";
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(not_utf8);
    setup_sudo(host, &["--user".as_ref(), name]).expect("invalid_argument", 3);
});

host_test!(without_root_it_asks_sudo_at_a_terminal_and_else_says_what_to_run, boot, |host| {
    host.root("useradd --badname 'we;ird' && useradd --no-create-home spare").ok();
    let before = state(host);
    for args in [
        &["--user", "agent"][..],
        &["--user", "agent", "--check"],
        &["--user", "agent", "--remove"],
        &[],
    ] {
        let mut argv = vec![SM, "setup-sudo", "--json"];
        argv.extend(args);
        let answer = Answer::of(&host.command("admin", &argv).run());
        let line = format!("sudo {SM} setup-sudo --json {}", args.join(" "));
        answer.expect("not_privileged", 5).says(&["needs root", line.trim_end()]);
    }
    // What it says to run can be run as it stands, whatever the name.
    let argv = [SM, "setup-sudo", "--user", "we;ird", "--print"];
    host.command("admin", &argv).run().ok();
    let answer =
        Answer::of(&host.command("admin", &[SM, "setup-sudo", "--json", "--user", "we;ird"]).run());
    let hint = answer.json["hint"].as_str().unwrap_or_default().to_owned();
    let line = hint.trim_start_matches("run: ").replacen("sudo ", "", 1);
    let echo = host.root(&format!("printf '%s\\n' {line}"));
    assert!(echo.stdout_text().lines().any(|word| word == "we;ird"), "{hint}\n{echo}");
    assert_eq!(state(host), before);

    // The account is the one that called, though root does the work in the end.
    let setup = [SM, "setup-sudo", "--user"];
    let done = at_terminal(host, "admin", "admin", &setup[..2]);
    assert!(done.ok().contains("account admin may now run"), "{done}");
    let done = at_terminal(host, "admin", "admin", &[&setup[..], &["agent"]].concat());
    assert!(done.ok().contains("account agent may now run"), "{done}");
    assert_eq!(drop_ins(host), ["sm-admin", "sm-agent"]);
    host.helper(&["service", "status", "nginx"]).expect("ok");
    // Who may not use sudo gets nothing by it, a rule for the helper notwithstanding.
    let before = state(host);
    let done = at_terminal(host, "agent", "agent", &[&setup[..], &["other"]].concat());
    assert_ne!(done.status, Some(0), "{done}");
    assert_eq!(state(host), before);
    sudo_works(host);
});
