//! Accounts of many habits on one host: whatever their shell is and says, they are set up, or it
//! is said why not.

use crate::host::Host;
use crate::{Fleet, line};
use std::fmt::Write as _;

struct Account {
    name: &'static str,
    shell: &'static str,
    /// The shell's file that every command reads, and its content.
    profile: (&'static str, &'static str),
    becomes: &'static str,
}

const fn account(
    name: &'static str,
    shell: &'static str,
    profile: (&'static str, &'static str),
    becomes: &'static str,
) -> Account {
    Account { name, shell, profile, becomes }
}

const NONE: (&str, &str) = (".hushlogin", "");
const DONE: &str = "done ok";

const ACCOUNTS: [Account; 19] = [
    account("dash", "/bin/dash", NONE, DONE),
    account("fish", "/usr/bin/fish", NONE, DONE),
    account("tcsh", "/usr/bin/tcsh", NONE, DONE),
    account("rbash", "/bin/rbash", NONE, DONE),
    account("nologin", "/usr/sbin/nologin", NONE, "failed unsupported"),
    account("false", "/bin/false", NONE, "failed unsupported"),
    account("python", "/usr/bin/python3", NONE, "failed unsupported"),
    account("talks", "/bin/bash", (".bashrc", "echo welcome; echo to you >&2"), DONE),
    account("noend", "/bin/bash", (".bashrc", "printf 'no newline'; printf 'nor here' >&2"), DONE),
    account("fishtalks", "/usr/bin/fish", (".config/fish/config.fish", "echo -n welcome"), DONE),
    account("tcshtalks", "/usr/bin/tcsh", (".tcshrc", "echo -n welcome"), DONE),
    account("mega", "/bin/bash", (".bashrc", "head -c 1000000 /dev/zero | tr '\\0' x"), DONE),
    account("megalines", "/bin/bash", (".bashrc", "yes 0123456789 | head -c 1000000"), DONE),
    account("megaerr", "/bin/bash", (".bashrc", "yes 0123456789 | head -c 1000000 >&2"), DONE),
    account("endless", "/bin/bash", (".bashrc", "yes"), "failed unsupported"),
    account("endlessline", "/bin/bash", (".bashrc", "tr '\\0' x </dev/zero"), "failed unsupported"),
    account(
        "forges",
        "/bin/bash",
        (".bashrc", "echo 'sm-0 hello'; echo 'sm- ready'; printf 'sm-password'"),
        DONE,
    ),
    account(
        "functions",
        "/bin/bash",
        (
            ".bashrc",
            "sudo() { echo mine; }; stat() { echo mine; }; export -f sudo stat; umask 777; cd /nowhere; export POSIXLY_CORRECT=1 LC_ALL=de_DE IFS=0",
        ),
        DONE,
    ),
    account("slow", "/bin/bash", (".bashrc", "sleep 4"), DONE),
];

/// Makes the accounts, each with `admin`'s key and sudo for everything without a password.
fn make(host: &Host, accounts: &[Account]) {
    let mut script = String::from("set -e; cd /home\n");
    for Account { name, shell, profile: (file, text), .. } in accounts {
        write!(
            script,
            "useradd -m -s {shell} {name}\ninstall -d -o {name} -m 0700 {name}/.ssh\n\
             install -o {name} -m 0600 admin/.ssh/authorized_keys {name}/.ssh\n\
             echo '{name} ALL=(ALL:ALL) NOPASSWD: ALL' >>/etc/sudoers.d/zz-all\n\
             mkdir -p $(dirname {name}/{file})\ncat >{name}/{file} <<'END'\n{text}\nEND\n\
             chown -R {name} {name}\n"
        )
        .expect("a string");
    }
    script.push_str("chmod 0440 /etc/sudoers.d/zz-all\n");
    script.push_str("grep -q /fish /etc/shells || command -v fish tcsh rbash >>/etc/shells\n");
    host.root(&script).ok();
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn any_shell_and_any_profile() {
    let fleet = Fleet::bare(1);
    let host = &fleet.hosts[0];
    make(host, &ACCOUNTS);
    let lines = ACCOUNTS.iter().map(|each| line(each.name, host.address(), each.name));
    fleet.inventory(&lines.collect::<String>());
    let rows: Vec<String> =
        ACCOUNTS.iter().map(|each| format!("{} {}", each.name, each.becomes)).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    // Not all at once: they are on one host, where one setup waits for the other.
    let report = fleet.bootstrap(&["--forks", "4"]).exit(1).expect(&rows);
    for each in ["nologin", "false", "python"] {
        assert!(report.told(each).contains("does not run /bin/sh"), "{}", report.told(each));
    }
    for each in ["endless", "endlessline"] {
        assert!(report.told(each).contains("keeps printing"), "{}", report.told(each));
    }
    for each in ACCOUNTS.iter().filter(|each| each.becomes == DONE) {
        host.root(&format!("sm setup-sudo --check --user {}", each.name)).ok();
    }
    // Requests take the same way.
    let only = ["--limit", "dash:fish:tcsh:rbash:noend:megalines:forges:functions"];
    fleet.ask(&only, &["service", "status", "nginx"]).exit(0);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_profile_that_waits_is_left_waiting() {
    let fleet = Fleet::bare(1);
    let host = &fleet.hosts[0];
    let accounts = [
        account("reads", "/bin/bash", (".bashrc", "cat"), ""),
        account("sleeps", "/bin/bash", (".bashrc", "sleep 900"), ""),
        account("fine", "/bin/bash", NONE, ""),
    ];
    make(host, &accounts);
    let lines = accounts.iter().map(|each| line(each.name, host.address(), each.name));
    fleet.inventory(&lines.collect::<String>());
    let report = fleet.bootstrap(&[]).exit(1);
    let report =
        report.expect(&["reads failed unsupported", "sleeps failed timeout", "fine done ok"]);
    drop(report.says("sleeps", &["accepts the account", "profile"]));
}
