//! The policy's own command lines: as each says of itself.

use crate::host::{Host, host_once, host_test};
use crate::{ask, capabilities, not_refused, only, put_program, put_tries, tried_in};

/// What a program does within what it may write, and to processes.
const WORKS: [&str; 3] = ["tmp", "unix", "kill"];

host_test!(a_task_does_what_the_policy_says, ready_test_policy, all, |host| {
    put_tries(host);
    let tried = |name: &str| tried_in(&ask(host, &format!("task run {name}")).expect("ok"));

    let strict = tried("tries-strict");
    only(&strict, &WORKS);
    // CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_MKNOD.
    for dropped in [12, 19, 21, 27] {
        assert_eq!(capabilities(&strict, "CapBnd") & (1 << dropped), 0, "{dropped}");
    }
    // What is ours stays closed, also where what is around it is open.
    only(&tried("tries-open"), &[&WORKS[..], &["srv", "var", "home", "inet", "inet6"]].concat());
    assert!(!host.exists("/tmp/.tried"));

    let package = tried("tries-package");
    for closed in ["sudoers", "policy", "log", "state", "program", "home", "root", "remount"] {
        assert!(!not_refused(&package).contains(closed), "{closed}: {package:#?}");
    }
    for open in ["etc", "usr", "srv", "mode", "inet", "mount"] {
        assert_eq!(package[open], "OK", "{open}");
    }
    // Over the socket it has what the broker has.
    let free = tried("tries-none");
    for open in ["sudoers", "policy", "log", "program", "home", "root", "etc", "outside", "inet"] {
        assert_eq!(free[open], "OK", "{open}");
    }

    // As an account it has that account's rights, and of those what is left.
    let other = tried("tries-other");
    only(&other, &["home", "tmp", "unix"]);
    assert_eq!(capabilities(&other, "CapBnd"), 0);
});

host_once!(a_task_that_was_refused_something_is_told_by_whom, ready_test_policy, |host| {
    let run = |text: &str| {
        put_program(host, "/usr/local/sbin/script", &format!("#!/bin/sh\n{text}\n"));
        ask(host, "task run script")
    };
    for text in ["echo evil >/etc/evil", "chmod 4755 /usr/bin/env", "mount -t tmpfs none /mnt"] {
        let reply = run(&format!("{text} || exit 1")).expect("command_failed");
        let hint = reply.json["hint"].as_str().unwrap_or_default();
        println!("{hint}");
        assert!(hint.contains("writes /run, has no network"), "{text}: {reply:?}");
        assert!(hint.contains("policy"), "{text}: {hint}");
    }
    assert!(!host.exists("/etc/evil"));
    // Where it fails for another reason, nothing is said of that.
    let reply = run("echo no such release; exit 1").expect("command_failed");
    assert!(reply.json["hint"].is_null(), "{reply:?}");
    // Its directory and its program are found where the file system looks otherwise.
    let reply = run("pwd; readlink /proc/self/cwd; [ ! -w /usr/local/sbin/script ]").expect("ok");
    assert_eq!(reply.json["stdout"], "/\n/\n");
});

/// Writes it as the site policy.
fn site(host: &Host, text: &str) {
    host.root("mkdir -p /etc/sm").ok();
    host.write("/etc/sm/policy.toml", text);
}

host_once!(a_site_policy_can_close_more_and_open_nothing, ready_test_policy, |host| {
    put_tries(host);
    let open = "schema = 1\n[tasks.tries-open]\nargv = [\"/usr/local/lib/tries\"]\n";
    let tried = || tried_in(&ask(host, "task run tries-open").expect("ok"));
    // It says nothing: it is as it was built in.
    site(host, open);
    only(&tried(), &[&WORKS[..], &["srv", "var", "home", "inet", "inet6"]].concat());
    site(host, &format!("{open}write = [\"/srv\", \"/etc/nginx\", \"/usr/local\"]\n"));
    only(&tried(), &[&WORKS[..], &["srv"]].concat());
    site(host, &format!("{open}confine = \"none\"\n"));
    only(&tried(), &[&WORKS[..], &["srv", "var", "home", "inet", "inet6"]].concat());
    let explained = host.root("sm policy explain task run tries-open").ok();
    assert!(explained.contains("writes /srv, /var/lib, /home/other, has a network"), "{explained}");
    // Where both policies are shown, and the command lines, stands what comes of both.
    site(host, &format!("{open}write = [\"/srv\", \"/etc/nginx\"]\n"));
    let shown = host.root("sm policy show; sm policy surface --json").ok();
    assert!(
        shown.contains("\n  task run tries-open (confined: writes /srv, has no network)\n"),
        "{shown}"
    );
    let confined = r#""task run tries-open":{"confine":"strict","network":false,"write":["/srv"]}"#;
    assert!(shown.contains(confined), "{shown}");
});
