//! A task runs only what nobody but root can have put there.

use crate::ask;
use crate::host::{Host, host_once};
use crate::tasks::script;
use crate::told;

const SCRIPT: &str = "/usr/local/sbin/script";

/// What has somebody else have a say in what is run: how it is made so, and the code and a part of
/// what is said of it. Each begins with the script in place.
const CASES: [(&str, &str, &str); 26] = [
    ("chown agent $S", "untrusted_path", "script belongs to agent"),
    ("chmod 0775 $S", "untrusted_path", "can be written to by its group"),
    ("chmod 0757 $S", "untrusted_path", "can be written to by everybody"),
    (
        "setfacl -m u:agent:rw $S || chmod 0775 $S",
        "untrusted_path",
        "can be written to by its group",
    ),
    (
        "chmod 0777 /usr/local/sbin",
        "untrusted_path",
        "/usr/local/sbin can be written to by everybody",
    ),
    (
        "chmod 1777 /usr/local/sbin",
        "untrusted_path",
        "/usr/local/sbin can be written to by everybody",
    ),
    ("chown agent /usr/local/sbin", "untrusted_path", "/usr/local/sbin belongs to agent"),
    ("chown agent /usr/local", "untrusted_path", "/usr/local belongs to agent"),
    (
        "mv $S /home/agent/x; ln -s /home/agent/x $S",
        "untrusted_path",
        "/home/agent belongs to agent",
    ),
    ("mv $S /tmp/x; ln -s /tmp/x $S", "untrusted_path", "/tmp can be written to by everybody"),
    ("mv $S /srv/x; ln -s ../../../tmp/../srv/x $S", "untrusted_path", "/tmp can be written to"),
    (
        "cp $S /home/agent/x; chown agent /home/agent/x; ln -f /home/agent/x $S",
        "untrusted_path",
        "belongs to agent",
    ),
    (
        "cp /bin/sh /home/agent/sh; printf '#!/home/agent/sh\ntouch /run/mark/ran\n' >$S",
        "untrusted_path",
        "/home/agent belongs to agent",
    ),
    (
        "ln -s /home/agent/sh /usr/local/bin/mine; printf '#!/usr/local/bin/mine\ntouch /run/mark/ran\n' >$S",
        "untrusted_path",
        "/home/agent belongs to agent",
    ),
    (
        "cp /bin/sh /usr/local/bin/mine; chown agent /usr/local/bin/mine; printf '#!/usr/bin/env mine\ntouch /run/mark/ran\n' >$S",
        "untrusted_path",
        "mine belongs to agent",
    ),
    (
        "chmod 0777 /usr/local/bin; printf '#!/usr/bin/env bash\ntouch /run/mark/ran\n' >$S",
        "untrusted_path",
        "/usr/local/bin can be written to",
    ),
    (
        "printf '#!/usr/bin/env -S PATH=/home/agent sh\ntouch /run/mark/ran\n' >$S",
        "unsupported",
        "more than the name of an interpreter",
    ),
    (
        "printf '#!sh\ntouch /run/mark/ran\n' >$S",
        "unsupported",
        "no interpreter by an absolute path",
    ),
    ("printf '#!/bin/sh\\r\ntouch /run/mark/ran\n' >$S", "unsupported", "carriage return"),
    ("printf 'touch /run/mark/ran\n' >$S", "unsupported", "neither a program nor a script"),
    ("rm $S; mkfifo -m 0755 $S", "unsupported", "it is not a file"),
    ("rm $S; mkdir $S", "unsupported", "it is not a file"),
    ("chmod 0644 $S", "unsupported", "it is not executable"),
    ("rm $S", "unsupported", "No such file"),
    ("ln -sf script $S", "untrusted_path", "a link to a link"),
    ("ln -sf script.2 $S; ln -s script $S.2", "untrusted_path", "a link to a link"),
];

fn well(host: &Host) {
    let back = "rm -rf /usr/local/sbin/script /run/mark /usr/local/sbin/script.2 /home/agent/x /home/agent/sh /tmp/x /srv/x /usr/local/bin/mine; \
         chown root:root /usr/local /usr/local/sbin /usr/local/bin; chmod 0755 /usr/local/sbin /usr/local/bin; install -d -m 1777 /run/mark";
    host.root(back).ok();
    script(host, "touch /run/mark/ran\n");
}

host_once!(a_program_that_others_could_change_is_not_run, ready_test_policy, |host| {
    for (change, code, what) in CASES {
        well(host);
        ask(host, "task run script").expect("ok");
        host.root(&format!("rm /run/mark/ran; S={SCRIPT}; {change}")).ok();
        let reply = ask(host, "task run script");
        assert_eq!(reply.code(), code, "{change}: {:#}", reply.json);
        assert!(told(&reply).contains(what), "{change}: {:#}", reply.json);
        assert!(!host.exists("/run/mark/ran"), "{change}");
    }
});

host_once!(a_directory_that_others_could_change_is_not_gone_to, ready_test_policy, |host| {
    well(host);
    // An account's own folder is as good for what runs as that account.
    ask(host, "task run in-home").expect("ok");
    for change in [
        "chmod 0777 /home/other",
        "chown agent /home/other",
        "rm -rf /home/other; ln -s /tmp /home/other",
    ] {
        host.root(&format!("rm -f /run/mark/ran; {change}")).ok();
        ask(host, "task run in-home").expect("untrusted_path");
        assert!(!host.exists("/run/mark/ran"), "{change}");
        host.root("rm -rf /home/other; install -d -o other -g other /home/other").ok();
    }
    ask(host, "task run in-home").expect("ok");
});

// It was the agent's, and is root's now; the agent still has it open.
host_once!(a_script_that_somebody_still_has_open_is_not_run, ready_test_policy, |host| {
    well(host);
    host.root(&format!("chown agent {SCRIPT}")).ok();
    let opens = format!("exec 9>>{SCRIPT}; touch /home/agent/has-it; exec sleep 4714");
    host.root(&format!(
        "runuser -u agent -- setsid --fork bash -c '{opens}' >/dev/null 2>&1 </dev/null"
    ))
    .ok();
    crate::host::wait_until("it is open", || host.exists("/home/agent/has-it"));
    host.root(&format!("chown root {SCRIPT}")).ok();
    let reply = ask(host, "task run script").expect("untrusted_path");
    assert!(told(&reply).contains("is open for writing"), "{:#}", reply.json);
    assert!(!host.exists("/run/mark/ran"));
    host.root("pkill -KILL -fx 'sleep 4714'").ok();
    ask(host, "task run script").expect("ok");
});

// Whatever is put there between the look and the start, what was looked at is what is executed.
host_once!(a_program_that_is_swapped_meanwhile_is_not_run, ready_test_policy, |host| {
    well(host);
    // The trusted one prints the folder, the other one who it is.
    host.root("cd /usr/local/sbin; cp /usr/bin/pwd good; cp /usr/bin/id bad; chown agent bad; cp -p good script").ok();
    let swaps = "cd /usr/local/sbin; while :; do cp -p bad next; mv -T next script; cp -p good next; mv -T next script; done";
    host.root(&format!("systemd-run --quiet --unit=swaps bash -c '{swaps}'")).ok();
    let (mut ran, mut refused) = (0, 0);
    for _ in 0..60 {
        let reply = ask(host, "task run script");
        match reply.code() {
            "ok" => {
                assert_eq!(reply.json["stdout"], "/\n", "{:#}", reply.json);
                ran += 1;
            }
            // Also while it is being copied.
            "untrusted_path" | "unsupported" => refused += 1,
            _ => panic!("{:#}", reply.json),
        }
    }
    host.root("systemctl stop swaps").ok();
    assert!(ran > 0 && refused > 0, "{ran} ran, {refused} were refused");
});

// Who is not root gets no right by a file that gives some.
host_once!(a_setuid_program_gives_an_account_nothing, ready_test_policy, |host| {
    well(host);
    host.root(&format!("cp /usr/bin/id {SCRIPT}; chmod 6755 {SCRIPT}")).ok();
    let reply = ask(host, "task run other-script").expect("ok");
    let printed = reply.json["stdout"].as_str().expect("text");
    assert!(printed.starts_with("uid=") && !printed.contains("root"), "{printed}");
});
