//! Where something else runs than what a host is asked to run, or nobody is let in, it is said
//! what, by name, and what to do about it.

use crate::host::Host;
use crate::report::Report;
use crate::{Fleet, is_untouched, line};
use std::fmt::Write as _;

struct Case {
    /// The account.
    name: &'static str,
    /// What its `.bashrc` says.
    profile: &'static str,
    /// What sshd's configuration says of it.
    sshd: &'static str,
    /// What root does to it.
    root: &'static str,
    /// Its status and code.
    becomes: &'static str,
    /// What is said of it.
    says: &'static [&'static str],
}

const fn case(
    name: &'static str,
    profile: &'static str,
    sshd: &'static str,
    root: &'static str,
    becomes: &'static str,
    says: &'static [&'static str],
) -> Case {
    Case { name, profile, sshd, root, becomes, says }
}

const OTHER: &str = "failed unsupported";
const REFUSED: &str = "failed login_refused";
const PEOPLE: &str = "case $- in *i*) exec";

const CASES: [Case; 22] = [
    case("fish", "exec fish -l", "", "", OTHER, &["another shell", "fish -l", PEOPLE]),
    case("zsh", "exec zsh", "", "", OTHER, &["another shell", ": zsh", PEOPLE]),
    case("tcsh", "exec tcsh", "", "", OTHER, &["another shell", ": tcsh", PEOPLE]),
    case("dash", "exec dash", "", "", OTHER, &["another shell", ": dash", PEOPLE]),
    case("child", "bash --norc", "", "", OTHER, &["another shell", "bash --norc"]),
    case("talks", "echo hi; exec bash --norc", "", "", OTHER, &["another shell"]),
    case("cat", "cat", "", "", OTHER, &["echoes what it is sent"]),
    case("reads", "cat >/dev/null", "", "", OTHER, &["reads the input"]),
    case("line", "read -r one", "", "", "done ok", &[]),
    case("python", "exec python3", "", "", OTHER, &["does not run /bin/sh", "SyntaxError"]),
    case("none", "exec /nowhere", "", "", OTHER, &["does not run /bin/sh", "/nowhere"]),
    case("sleeps", "sleep 900", "", "", "failed timeout", &["accepts the account", "ForceCommand"]),
    case(
        "forced",
        "",
        "ForceCommand bash -l",
        "",
        OTHER,
        &["a ForceCommand", ": bash -l", "SSH_ORIGINAL_COMMAND"],
    ),
    case("forcedfish", "", "ForceCommand fish", "", OTHER, &["a ForceCommand", ": fish"]),
    case(
        "says",
        "",
        "ForceCommand echo git only",
        "",
        OTHER,
        &["does not run /bin/sh", "git only"],
    ),
    case("sftp", "", "ForceCommand internal-sftp", "", OTHER, &["only sftp", "ForceCommand"]),
    case(
        "naps",
        "",
        "ForceCommand sleep 900",
        "",
        "failed timeout",
        &["accepts the account", "ForceCommand"],
    ),
    case("passes", "", "ForceCommand sh -c \"$SSH_ORIGINAL_COMMAND\"", "", "done ok", &[]),
    case("nosession", "", "MaxSessions 0", "", REFUSED, &["MaxSessions"]),
    case("banner", "", "Banner /etc/long-banner", "", "done ok", &[]),
    case(
        "expired",
        "",
        "",
        "chage -E 1 expired",
        REFUSED,
        &["Your account has expired", "chage -l"],
    ),
    case("old", "", "", "chage -d 0 old", REFUSED, &["password has expired", "chage -d"]),
];

/// Makes the accounts, each with `admin`'s key and sudo for everything without a password.
fn make(host: &Host) {
    let mut script = String::from("set -e; cd /home\n");
    let mut sshd = String::new();
    for Case { name, profile, sshd: says, root, .. } in &CASES {
        write!(
            script,
            "useradd -m -s /bin/bash {name}\ninstall -d -o {name} -m 0700 {name}/.ssh\n\
             install -o {name} -m 0600 admin/.ssh/authorized_keys {name}/.ssh\n\
             echo '{name} ALL=(ALL:ALL) NOPASSWD: ALL' >>/etc/sudoers.d/zz-all\n\
             cat >{name}/.bashrc <<'END'\n{profile}\nEND\nchown -R {name} {name}\n{root}\n"
        )
        .expect("a string");
        if !says.is_empty() {
            write!(sshd, "Match User {name}\n {says}\n").expect("a string");
        }
    }
    host.write("/etc/ssh/sshd_config.d/match.conf", sshd);
    script.push_str("chmod 0440 /etc/sudoers.d/zz-all; yes 'Authorized use only' | head -c 100000 >/etc/long-banner; systemctl restart ssh\n");
    host.root(&script).ok();
}

#[track_caller]
fn as_expected(report: Report) {
    let rows: Vec<String> =
        CASES.iter().map(|each| format!("{} {}", each.name, each.becomes)).collect();
    let mut report = report.expect(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    for each in &CASES {
        report = report.says(each.name, each.says);
        assert!(!report.told(each.name).contains("whether it is up"), "{}", report.told(each.name));
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_runs_instead_is_named() {
    let fleet = Fleet::bare(1);
    let host = &fleet.hosts[0];
    make(host);
    let lines = CASES.iter().map(|each| line(each.name, host.address(), each.name));
    fleet.inventory(&lines.collect::<String>());
    // A look finds what doing it finds.
    let looked = fleet.bootstrap(&["--dry-run", "--forks", "8"]).exit(1);
    for each in &CASES {
        let status = if each.becomes == "done ok" { "skipped" } else { "failed" };
        assert_eq!(looked.row(each.name)["status"], status, "{:#}", looked.row(each.name));
    }
    is_untouched(host);
    as_expected(fleet.bootstrap(&["--forks", "8"]).exit(1));
    // Requests take the same way.
    let report = fleet.ask(&["--serial", "8"], &["service", "status", "nginx"]).exit(1);
    as_expected(report);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_a_host_says_when_it_lets_nobody_in_is_passed_on() {
    let fleet = Fleet::open(1);
    let host = &fleet.hosts[0];
    for (script, says) in [
        (
            "echo 'closed for repairs until noon' >/etc/nologin",
            ["closed for repairs", "/etc/nologin"],
        ),
        (
            "rm /etc/nologin; echo 'DenyUsers admin' >/etc/ssh/sshd_config.d/x.conf",
            ["Permission denied", "DenyUsers"],
        ),
        (
            "usermod -s /nowhere admin; rm /etc/ssh/sshd_config.d/x.conf",
            ["Permission denied", "shell"],
        ),
    ] {
        host.root(&format!("{script}; systemctl reset-failed ssh; systemctl restart ssh")).ok();
        let report = fleet.bootstrap(&["--skip-unreachable"]).exit(1);
        drop(report.expect(&["web1 failed login_refused"]).says("web1", &says));
    }
    is_untouched(host);
    host.root("usermod -s /bin/bash admin").ok();
    drop(fleet.bootstrap(&[]).exit(0));
}
