//! Nothing that an administrator runs waits for what is no file: nobody may ever write to a fifo.

use crate::host::{Host, Sudo};

/// In the place of what is read.
const PLACES: [&str; 6] = [
    "/etc/sudoers.d/fifo",
    "/var/log/sm/audit.jsonl",
    "/var/log/sm/audit.jsonl.1",
    "/etc/logrotate.d/fifo",
    "/etc/sm/policy.toml",
    "/etc/polkit-1/rules.d/fifo.rules",
];

const COMMANDS: [&str; 10] = [
    "doctor",
    "status",
    "audit tail",
    "audit search",
    "audit verify",
    "setup-sudo --check --user agent",
    "setup-sudo --remove --user other",
    "policy show",
    "policy init --dry-run",
    "policy check /srv/policy.toml",
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_fifo_holds_no_command() {
    let host = Host::ready(Sudo::Classic);
    host.root(
        "sm-helper service status nginx; echo 'schema = 1' >/srv/policy.toml; mkdir -p /etc/sm /etc/polkit-1/rules.d /etc/logrotate.d",
    )
    .ok();
    for place in PLACES {
        host.root(&format!("[ ! -e {place} ] || mv {place} /root/kept; mkfifo -m 0440 {place}"))
            .ok();
        for command in COMMANDS {
            let run = host.root(&format!("timeout -s KILL 60 sm {command} >/dev/null; echo $?"));
            assert!(!run.stdout_text().ends_with("137\n"), "sm {command} waits for {place}");
        }
        host.root(&format!("rm -f {place}; [ ! -e /root/kept ] || mv /root/kept {place}")).ok();
    }
}
