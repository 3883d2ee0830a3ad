//! No rule ever names a file that somebody else could replace.

use crate::answer::{HELPER, RULE, drop_ins, setup_sudo, setup_sudo_of, state, sudo_works};
use crate::host::host_once;

/// How the place is made, the program that runs from there, and the component that must be named.
const UNTRUSTED: [(&str, &str, &str); 24] = [
    ("mkdir /tmp/p; cp SM /tmp/p", "/tmp/p/sm", "/tmp can be written to by everybody"),
    ("cp SM /tmp", "/tmp/sm", "/tmp can be written to by everybody"),
    ("cp SM /dev/shm", "/dev/shm/sm", "/dev/shm can be written to by everybody"),
    (
        "cp SM /home/agent; chown agent: /home/agent/sm*",
        "/home/agent/sm",
        "/home/agent belongs to agent",
    ),
    ("cp SM /home/agent", "/home/agent/sm", "/home/agent belongs to agent"),
    ("mkdir -p /opt/p; cp SM /opt/p; chown agent /opt/p", "/opt/p/sm", "/opt/p belongs to agent"),
    (
        "mkdir -p /opt/p/q; cp SM /opt/p/q; chown agent /opt/p",
        "/opt/p/q/sm",
        "/opt/p belongs to agent",
    ),
    (
        "mkdir -p /opt/p/q; cp SM /opt/p/q; chmod 0775 /opt/p",
        "/opt/p/q/sm",
        "/opt/p can be written to by its group",
    ),
    (
        "mkdir -p /opt/p/q; cp SM /opt/p/q; chgrp agent /opt/p; chmod 2775 /opt/p",
        "/opt/p/q/sm",
        "/opt/p can be written to",
    ),
    (
        "mkdir -p /opt/p/q; cp SM /opt/p/q; chmod 1777 /opt/p",
        "/opt/p/q/sm",
        "/opt/p can be written to by everybody",
    ),
    (
        "mkdir -p /opt/p; cp SM /opt/p; chmod 0757 /opt/p/sm-helper",
        "/opt/p/sm",
        "/opt/p/sm-helper can be written to by everybody",
    ),
    (
        "mkdir -p /opt/p; cp SM /opt/p; chmod 0775 /opt/p/sm-helper",
        "/opt/p/sm",
        "/opt/p/sm-helper can be written to by its group",
    ),
    (
        "mkdir -p /opt/p; cp SM /opt/p; chown agent /opt/p/sm-helper",
        "/opt/p/sm",
        "/opt/p/sm-helper belongs to agent",
    ),
    (
        "mkdir -p /opt/p; cp SM /opt/p; rm /opt/p/sm-helper",
        "/opt/p/sm",
        "/opt/p/sm-helper does not exist",
    ),
    (
        "mkdir -p /opt/p; cp SM /opt/p; ln -sf sm /opt/p/sm-helper",
        "/opt/p/sm",
        "/opt/p/sm-helper is a link to /opt/p/sm",
    ),
    ("mkdir -p /opt/p; cp SM /opt/p; ln -f /opt/p/sm /opt/p/sm-helper", "/opt/p/sm", "hard link"),
    ("mkdir -p /opt/p; cp SM /opt/p; chmod 4755 /opt/p/sm-helper", "/opt/p/sm", "setuid"),
    ("mkdir -p /opt/p; cp SM /opt/p; chmod 2755 /opt/p/sm-helper", "/opt/p/sm", "setgid"),
    ("mkdir -p /opt/p; cp SM /opt/p; chmod 0644 /opt/p/sm-helper", "/opt/p/sm", "not a program"),
    (
        "mkdir -p /opt/p; cp SM /opt/p; rm /opt/p/sm-helper; mkdir /opt/p/sm-helper",
        "/opt/p/sm",
        "not a program",
    ),
    (
        "mkdir -p /opt/p; cp SM /opt/p; mv /opt/p/sm-helper /home/agent; ln -s /home/agent/sm-helper /opt/p",
        "/opt/p/sm",
        "/home/agent belongs to agent",
    ),
    (
        "mkdir -p /opt/p; cp SM /opt/p; rm /opt/p/sm-helper; ln -s /usr/bin/env /opt/p/sm-helper",
        "/opt/p/sm",
        "is a link to /usr/bin/env",
    ),
    ("mkdir -p '/opt/p/a*'; cp SM '/opt/p/a*'", "/opt/p/a*/sm", "characters in its path"),
    (
        "mkdir -p '/opt/p/a b, !c'; cp SM '/opt/p/a b, !c'",
        "/opt/p/a b, !c/sm",
        "characters in its path",
    ),
];

host_once!(a_place_that_others_can_change_is_named_and_gets_no_rule, boot, |host| {
    for (make, program, component) in UNTRUSTED {
        host.root(&make.replace("cp SM", "cp /usr/local/bin/sm /usr/local/bin/sm-helper")).ok();
        let before = state(host);
        for args in [&["--user", "agent"][..], &["--user", "agent", "--print"]] {
            setup_sudo_of(host, program, args)
                .expect("untrusted_path", 6)
                .says(&[component, "--install"]);
        }
        assert_eq!(state(host), before, "{make}");
        host.root("rm -rf /opt/p /tmp/p /tmp/sm* /dev/shm/sm* /home/agent/sm*").ok();
    }
    // Through a link: where it leads is what counts, and what the rule names.
    host.root("mkdir /opt/real; cp /usr/local/bin/sm* /opt/real; ln -s /opt/real /opt/link").ok();
    host.root("ln -s /opt/real /home/agent/link; chown -h agent: /home/agent/link").ok();
    for program in ["/opt/link/sm", "/home/agent/link/sm"] {
        let answer = setup_sudo_of(host, program, &["--user", "agent"]).expect("ok", 0);
        assert_eq!(answer.json["helper"], "/opt/real/sm-helper");
    }
    // A link of agent's on the way from here to there is agent's to turn elsewhere.
    host.root(
        "mkdir /opt/a /opt/b; cp /usr/local/bin/sm /opt/a; cp /usr/local/bin/sm-helper /opt/b",
    )
    .ok();
    host.root("ln -s /opt/b/sm-helper /opt/a/sm-helper; chown -h agent /opt/a/sm-helper").ok();
    let before = state(host);
    setup_sudo_of(host, "/opt/a/sm", &["--user", "agent"])
        .expect("untrusted_path", 6)
        .says(&["/opt/a/sm-helper belongs to agent"]);
    assert_eq!(state(host), before);
    sudo_works(host);
});

/// An access control list that lets `agent` (1000) write, as `setfacl -m u:agent:rwx` stores it.
const ACL: &str = r#"
import os, struct, sys
entries = [(1, 7, -1), (2, 7, 1000), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
packed = b"".join(struct.pack("<HHi", *entry) for entry in entries)
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + packed)
"#;

host_once!(an_access_control_list_that_lets_others_write_is_seen, boot, |host| {
    host.root("mkdir -p /opt/p/q; cp /usr/local/bin/sm* /opt/p/q").ok();
    for component in ["/opt/p", "/opt/p/q", "/opt/p/q/sm-helper"] {
        host.command("root", &["python3", "-c", ACL, component]).run().ok();
        host.agent(&format!("test -w {component}")).ok();
        let before = state(host);
        setup_sudo_of(host, "/opt/p/q/sm", &["--user", "agent"])
            .expect("untrusted_path", 6)
            .says(&[component]);
        assert_eq!(state(host), before);
        host.root(&format!("python3 -c 'import os; os.removexattr(\"{component}\", \"system.posix_acl_access\")'; chmod 0755 {component}")).ok();
    }
    setup_sudo_of(host, "/opt/p/q/sm", &["--user", "agent"]).expect("ok", 0);
});

host_once!(install_puts_two_programs_of_roots_own_in_place_and_names_them, bare, |host| {
    let program = std::env::var_os("SM_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_sm").into());
    let bytes = std::fs::read(program).expect("the program");
    host.write("/home/agent/sm", &bytes);
    host.root("chmod 0777 /home/agent/sm; chown agent /home/agent/sm").ok();
    setup_sudo_of(host, "/home/agent/sm", &["--user", "agent"]).expect("untrusted_path", 6);
    // Whatever is there already, and whatever file mask and limits the shell had.
    let cases = [
        "true",
        "chown agent /usr/local/bin/sm-helper",
        "chmod 4755 /usr/local/bin/sm-helper; echo half >/usr/local/bin/sm-helper.new",
        "ln -f /usr/local/bin/sm /usr/local/bin/sm-helper",
        "ln -sf /home/agent/sm /usr/local/bin/sm; ln -sf sm /usr/local/bin/sm-helper",
        "ln -s /etc/passwd /usr/local/bin/sm.new; rm /usr/local/bin/sm",
    ];
    let passwd = host.read("/etc/passwd");
    for case in cases {
        host.root(case).ok();
        let script = "umask 0; exec /home/agent/sm setup-sudo --install --user agent --json";
        let answer = crate::answer::Answer::of(&host.root(script)).expect("ok", 0);
        assert_eq!(
            (&answer.json["helper"], &answer.json["changed"]),
            (&HELPER.into(), &true.into()),
            "{case}"
        );
        let stat = host
            .root("cd /usr/local/bin; stat -c '%n %U:%G %a %h %F' *; cat sm | cmp - sm-helper")
            .ok();
        let wanted = "sm root:root 755 1 regular file\nsm-helper root:root 755 1 regular file\n";
        assert_eq!(stat, wanted, "{case}");
        assert_eq!(host.read("/etc/sudoers.d/sm-agent"), RULE);
        host.helper(&["service", "status", "nginx"]).expect("ok");
    }
    assert_eq!(host.read("/etc/passwd"), passwd);
    // Another program of that name is not ours to replace.
    for name in ["sm", "sm-helper"] {
        host.root(&format!("cd /usr/local/bin; mv {name} /root; printf '#!/bin/sh\\necho mine\\n' >{name}; chmod 0755 {name}")).ok();
        let before = state(host);
        setup_sudo_of(host, "/home/agent/sm", &["--install", "--user", "agent"])
            .expect("command_failed", 1)
            .says(&[&format!("/usr/local/bin/{name} is another program")]);
        assert_eq!(state(host), before, "{name}");
        host.root(&format!("mv /root/{name} /usr/local/bin")).ok();
    }
    assert_eq!(drop_ins(host), ["sm-agent"]);
    let before = state(host);
    let again = setup_sudo(host, &["--install", "--user", "agent"]).expect("ok", 0);
    assert_eq!(again.json["changed"], false);
    assert_eq!(state(host), before);
    // Not into a folder that others can write to.
    host.root("chmod 0777 /usr/local/bin").ok();
    let before = state(host);
    setup_sudo_of(host, "/home/agent/sm", &["--install", "--user", "agent"])
        .expect("untrusted_path", 6)
        .says(&["/usr/local/bin can be written to by everybody"]);
    assert_eq!(state(host), before);
});

host_once!(a_packages_program_is_installed_already, |host| {
    host.root("mv /usr/local/bin/sm* /usr/bin").ok();
    let install = ["--install", "--user", "agent"];
    let first = setup_sudo_of(host, "/usr/bin/sm", &install).expect("ok", 0);
    assert_eq!(first.json["helper"], "/usr/bin/sm-helper");
    assert_eq!(first.json["changed"], true);
    let again = setup_sudo_of(host, "/usr/bin/sm", &install).expect("ok", 0);
    assert_eq!(again.json["changed"], false);
    assert_eq!(host.root("ls /usr/local/bin").ok(), "");
    host.agent("sm-helper service status nginx").ok();
});
