//! `sm policy edit`, as visudo does it.

use crate::host::{Done, Host, host_once};
use crate::{FILE, NGINX, ask, site};

const STOPPED: &str = "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]\n";

/// Edits with a bash script that gets the copy as `$1`.
fn edit(host: &Host, script: &str) -> Done {
    host.write("/root/editor", format!("#!/bin/bash\n{script}\n"));
    host.root("chmod 0755 /root/editor").ok();
    host.command("root", &["sm", "policy", "edit"]).env("EDITOR", "/root/editor").run()
}

/// Nothing is left but what belongs there.
#[track_caller]
fn is_tidy(host: &Host, what: &str) {
    let files = host.root("ls -A /etc/sm").ok();
    assert!(
        files.lines().all(|name| ["policy.toml", "policy.toml.old"].contains(&name)),
        "{what}: {files}"
    );
}

host_once!(a_good_one_is_put_in_place_and_the_old_one_kept, |host| {
    site(host, NGINX);
    host.write("/root/new", STOPPED);
    let done = edit(
        host,
        "umask 077; chmod 600 \"$1\"; chown agent \"$1\"; cat /root/new >/root/x; mv /root/x \"$1\"",
    );
    assert_eq!(done.status, Some(0), "{done}");
    assert_eq!(
        (host.read(FILE), host.read("/etc/sm/policy.toml.old")),
        (STOPPED.into(), NGINX.into())
    );
    assert_eq!(host.root(&format!("stat -c '%U:%G %a' {FILE}")).ok(), "root:root 644\n");
    is_tidy(host, "a good one");
    ask(host, "service restart nginx").expect("denied");
    ask(host, "service status nginx").expect("ok");
    assert_ne!(host.agent("sm policy edit").status, Some(0), "only root edits");
});

host_once!(anything_else_leaves_it_as_it_was, |host| {
    for (what, script, status) in [
        ("broken", "echo 'what is this' >>\"$1\"", 1),
        ("what no site policy may say", "printf 'check = [\"/bin/true\"]\\n' >>\"$1\"", 1),
        ("the editor failed", "echo '# more' >>\"$1\"; exit 3", 1),
        ("the editor was killed", "echo '# more' >>\"$1\"; kill -9 $$", 1),
        ("the copy was removed", "rm \"$1\"", 1),
        ("the copy is a folder", "rm \"$1\"; mkdir \"$1\"", 1),
        ("nothing was changed", "true", 0),
        ("it was only touched", "touch \"$1\"", 0),
    ] {
        host.root("rm -rf /etc/sm").ok();
        site(host, NGINX);
        let inode = host.root(&format!("stat -c '%i %Z' {FILE}")).ok();
        let done = edit(host, script);
        assert_eq!(done.status, Some(status), "{what}: {done}");
        assert_eq!(host.root(&format!("stat -c '%i %Z' {FILE}")).ok(), inode, "{what}");
        assert_eq!(host.read(FILE), NGINX, "{what}");
        if status == 0 {
            is_tidy(host, what);
        } else {
            let said = done.stderr_text();
            assert!(said.contains("the policy was not changed"), "{what}: {done}");
            if what != "the copy is a folder" {
                is_tidy(host, what);
            }
        }
        if what == "broken" {
            assert!(done.stderr_text().contains("policy.toml:5:"), "{done}");
        }
    }
});

// Looking at what there is not must not end in a policy that allows nothing.
host_once!(leaving_the_editor_of_a_new_one_makes_none, |host| {
    let done = edit(host, "true");
    assert_eq!(done.status, Some(0), "{done}");
    assert!(!host.exists(FILE), "{done}");
    ask(host, "service status nginx").expect("ok");
    host.write("/root/new", STOPPED);
    assert_eq!(edit(host, "cp /root/new \"$1\"").status, Some(0));
    assert_eq!(host.read(FILE), STOPPED);
    assert!(!host.exists("/etc/sm/policy.toml.old"), "there was no old one");
});

// Every request is refused until it is mended: that nothing was changed is not all well.
host_once!(a_broken_one_that_is_left_as_it_is_is_said_to_be_broken, |host| {
    const BROKEN: &str = "schema = 1\nwhat is this\n";
    site(host, BROKEN);
    let done = edit(host, "true");
    assert_eq!(done.status, Some(1), "{done}");
    let said = done.stderr_text();
    assert!(
        said.contains("policy.toml:2:") && said.contains("the policy was not changed"),
        "{done}"
    );
    assert_eq!(host.read(FILE), BROKEN);
    is_tidy(host, "a broken one");
    // At a terminal one can go on.
    let answered = host.root(
        "(sleep 1; printf 'x\\n'; sleep 1) | EDITOR=true script -qec 'sm policy edit' /dev/null",
    );
    assert_eq!(answered.status, Some(1), "{answered}");
    assert!(answered.stdout_text().contains("What now?"), "{answered}");
});

// In an editor ^C ends a search, not the administrator's work.
host_once!(an_interrupt_is_the_editors, |host| {
    site(host, NGINX);
    host.write("/root/new", STOPPED);
    let done = edit(
        host,
        "trap '' INT QUIT; kill -INT $PPID; kill -QUIT $PPID; sleep 0.2; cp /root/new \"$1\"",
    );
    assert_eq!(done.status, Some(0), "{done}");
    assert_eq!(host.read(FILE), STOPPED);
    is_tidy(host, "an interrupt");
});

host_once!(at_a_terminal_a_broken_one_can_be_mended, |host| {
    let script = "n=$(cat /run/n 2>/dev/null || echo 0); echo $((n + 1)) >/run/n
        if ((n == 0)); then echo broken >\"$1\"; else cp /root/new \"$1\"; fi";
    host.write("/root/editor", format!("#!/bin/bash\n{script}\n"));
    host.write("/root/new", STOPPED);
    host.root("chmod 0755 /root/editor").ok();
    let typed = |answer: &str| {
        site(host, NGINX);
        host.root(&format!(
            "rm -f /run/n; (sleep 1; printf '{answer}'; sleep 1) | EDITOR=/root/editor script -qec 'sm policy edit' /dev/null"
        ))
    };
    let done = typed("e\\n");
    assert_eq!(done.status, Some(0), "{done}");
    assert!(
        done.stdout_text().contains("policy.toml:1:") && done.stdout_text().contains("What now?"),
        "{done}"
    );
    assert_eq!(host.read(FILE), STOPPED);
    let done = typed("x\\n");
    assert_eq!(done.status, Some(1), "{done}");
    assert_eq!(host.read(FILE), NGINX);
    is_tidy(host, "giving up");
});
