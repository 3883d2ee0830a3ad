//! The policy, and what root runs because it names it.

use crate::case::Mend::{By, Printed, PrintedThen};
use crate::case::{Case, try_all};
use crate::host::{Host, Sudo};

/// An empty folder of the agent's that would add to a unit.
macro_rules! folder {
    ($folder:literal) => {
        Case {
            id: "unit_files",
            status: "problem",
            says: $folder,
            breaks: concat!("mkdir -p ", $folder, "; chown agent ", $folder),
            more: &[],
            mend: PrintedThen(concat!("rmdir ", $folder)),
        }
    };
}

/// What is added to a unit, where /srv/tool is the agent's.
macro_rules! unit {
    ($says:literal, $added:literal, $mend:expr) => {
        Case {
            id: "unit_programs",
            status: "problem",
            says: $says,
            breaks: concat!(
                "install -o agent /bin/true /srv/tool; d=/etc/systemd/system/nginx.service.d; mkdir $d; printf '[Service]\\n",
                $added,
                "\\n' >$d/x.conf; systemctl daemon-reload"
            ),
            more: &[],
            mend: $mend,
        }
    };
}

/// Takes away what they have brought along.
const AWAY: &str = "rm -r /etc/systemd/system/nginx.service.d /srv/tool; systemctl daemon-reload";

pub const CASES: &[Case] = &[
    Case {
        id: "policy_file",
        status: "problem",
        says: "/etc/sm/policy.toml:1",
        breaks: "mkdir /etc/sm; echo 'schema = ' >/etc/sm/policy.toml",
        more: &[],
        mend: By("sm policy revert; rm -r /etc/sm"),
    },
    Case {
        id: "policy_file",
        status: "problem",
        says: "belongs to agent",
        breaks: "mkdir /etc/sm; echo 'schema = 1' >/etc/sm/policy.toml; chown agent /etc/sm/policy.toml",
        more: &[],
        mend: PrintedThen("sm policy revert; rm -r /etc/sm"),
    },
    Case {
        id: "check_programs",
        status: "problem",
        says: "/usr/sbin/nginx",
        breaks: "chown agent /usr/sbin/nginx",
        more: &["unit_programs"],
        mend: Printed,
    },
    Case {
        id: "unit_files",
        status: "problem",
        says: "nginx.service",
        breaks: "chmod o+w /usr/lib/systemd/system/nginx.service",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "unit_files",
        status: "problem",
        says: "/etc/systemd/system/nginx.service.d",
        breaks: "d=/etc/systemd/system/nginx.service.d; mkdir $d; echo '[Service]' >$d/x.conf; chown -R agent $d; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen("rm -r /etc/systemd/system/nginx.service.d; systemctl daemon-reload"),
    },
    // What systemd would read from there, also of a unit that is yet to be installed.
    folder!("/etc/systemd/system/nginx.service.d"),
    folder!("/run/systemd/system/service.d"),
    folder!("/etc/systemd/system.control/caddy.service.d"),
    unit!(
        "nginx.service has root use /srv/tool: /srv/tool belongs to agent",
        "ExecCondition=/srv/tool",
        PrintedThen(AWAY)
    ),
    unit!("/srv/tool belongs to agent", "ExecStopPost=/srv/tool", PrintedThen(AWAY)),
    unit!("/srv/tool belongs to agent", "ExecStopPost=/bin/sh -eu /srv/tool", PrintedThen(AWAY)),
    unit!("/srv/tool belongs to agent", "EnvironmentFile=/srv/tool", PrintedThen(AWAY)),
    unit!(
        "/srv/tool belongs to agent",
        "User=www-data\\nExecStartPre=+/srv/tool",
        PrintedThen(AWAY)
    ),
    // What is somebody's home stays theirs: the unit is what is wrong.
    unit!(
        "/home/agent/later: /home/agent belongs to agent",
        "ExecStartPre=-/home/agent/later",
        By(AWAY)
    ),
    unit!(
        "/home/agent/later*: /home/agent belongs to agent",
        "EnvironmentFile=-/home/agent/later*",
        By(AWAY)
    ),
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_policy() {
    try_all(&Host::ready(Sudo::Classic), CASES);
}
