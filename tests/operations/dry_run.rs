//! A dry run answers as the real call would, and runs nothing.

use crate::ask;
use crate::host::{Host, host_once, host_test};

/// Requests of every kind and outcome up to the point of running.
const REQUESTS: [&str; 34] = [
    "service status nginx",
    "service status nginx.service",
    "service restart nginx",
    "service reload ssh",
    "service stop snapd.socket",
    "service enable fail2ban",
    "service disable docker",
    "service start caddy",
    "service logs nginx",
    "service logs nginx --lines 5",
    "service status cron",
    "service status nginx.socket",
    "service status NGINX",
    "service status nginx;id",
    "service status ../nginx",
    "service status nginx.servic?",
    "service status nginx --lines 5",
    "service status nginx --timeout 0",
    "service status nginx --timeout 999",
    "service status nginx caddy",
    "service frob nginx",
    "service",
    "package install git",
    "package remove curl --reason because",
    "package upgrade htop",
    "package install docker.io",
    "package install nmap",
    "package install git=1.0",
    "package install curl-",
    "package install --force",
    "package update",
    "package update git",
    "package autoremove",
    "package upgrade",
];

/// Whether nothing was run: what a refusal and a dry run have in common.
const NOT_RUN: [&str; 6] =
    ["usage", "denied", "invalid_argument", "reason_required", "unsupported", "not_privileged"];

/// The real call and the dry one agree in all that is known before anything is run.
#[track_caller]
fn agree(host: &Host, requests: &[&str]) {
    for line in requests {
        let (dry, execs) = {
            let words: Vec<&str> = line.split(' ').chain(["--dry-run"]).collect();
            host.helper_traced(&words)
        };
        let programs: Vec<_> = execs.iter().map(|exec| exec.path.as_str()).collect();
        assert_eq!(programs.len(), 1, "{line} --dry-run executed {programs:?}");
        assert_eq!(execs[0].euid, 1000, "{line} --dry-run");

        let real = ask(host, line);
        let ran = !NOT_RUN.contains(&real.code());
        assert_eq!(dry.code(), if ran { "ok" } else { real.code() }, "{line}");
        let compared: &[&str] = match real.code() {
            _ if ran => &["operation", "argv", "warnings"],
            // The hint shows the words that were given, `--dry-run` among them.
            "usage" => &["operation", "argv", "warnings", "error"],
            _ => &["operation", "argv", "warnings", "error", "hint"],
        };
        for field in compared {
            assert_eq!(dry.json[field], real.json[field], "{line}: {field}");
        }
        assert_eq!(ran, real.json["argv"].is_array(), "{line}: argv where it is allowed");
        if dry.code() != "usage" && dry.code() != "invalid_argument" {
            assert_eq!(dry.json["dry_run"], true, "{line}");
        }
        for field in ["returncode", "stdout", "stderr", "changed", "unit"] {
            assert!(dry.json[field].is_null(), "{line}: {field} in a dry run");
        }
    }
}

host_test!(a_dry_run_says_what_the_real_call_would, all, |host| {
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
    agree(host, &REQUESTS);
});

host_once!(a_dry_run_says_it_on_arch_too, ready_arch, |host| {
    agree(
        host,
        &[
            "package install git",
            "package install docker.io",
            "package remove docker.io",
            "package update",
            "package upgrade",
            "package autoremove",
            "package autoclean",
            "package upgrade git",
        ],
    );
});

host_test!(a_dry_run_needs_no_root, boot, |host| {
    // Nobody is set up, and for sudo there is no password.
    let before = host.main_pid("nginx");
    for user in ["agent", "other"] {
        host.helper_as(user, &["service", "restart", "nginx"]).expect("not_privileged");
        let dry = host.helper_as(user, &["service", "restart", "nginx", "--dry-run"]).expect("ok");
        let argv = dry.argv().expect("an argv");
        assert_eq!(
            (argv[0], *argv.last().expect("words")),
            ("/usr/bin/systemctl", "nginx.service")
        );
        host.helper_as(user, &["service", "restart", "cron", "--dry-run"]).expect("denied");
        host.helper_as(user, &["list"]).expect("ok");
        host.helper_as(user, &["version"]).expect("ok");
    }
    assert_eq!(host.main_pid("nginx"), before);
    // It leaves no trace of having been: root's log is root's.
    let log = host.root("grep -c dry /var/log/sm/audit.jsonl");
    assert_ne!(log.stdout_text().trim().parse::<u32>().unwrap_or(0), 1, "{log}");
    // As root, too, nothing is run.
    host.helper_as("root", &["service", "restart", "nginx", "--dry-run"]).expect("ok");
    assert_eq!(host.main_pid("nginx"), before);
});
