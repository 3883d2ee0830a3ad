//! The policy, and what root runs because it names it.

use crate::case::Mend::{By, Printed, PrintedThen};
use crate::case::{Case, Doctor, Row, try_all};
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
        says: "policy.toml:2: there is no group gone",
        breaks: "mkdir /etc/sm; printf 'schema = 1\n[callers.\"group:gone\"]\n[callers.\"user:agent\"]\n' >/etc/sm/policy.toml",
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
        PrintedThen(AWAY)
    ),
    unit!(
        "/home/agent/later*: /home/agent belongs to agent",
        "EnvironmentFile=-/home/agent/later*",
        PrintedThen(AWAY)
    ),
    // One remedy for all that has one cause.
    Case {
        id: "unit_programs",
        status: "problem",
        says: "nginx.service has root use /home/agent/env, /home/agent/x, /home/agent/y.sh: /home/agent belongs to agent",
        breaks: "for f in env x y.sh; do install -o agent /bin/true /home/agent/$f; done; d=/etc/systemd/system/nginx.service.d; mkdir $d; \
                 printf '[Service]\\nEnvironmentFile=/home/agent/env\\nExecStartPre=+/home/agent/x\\nExecStopPost=/bin/sh /home/agent/y.sh /home/agent/x.y\\n' >$d/x.conf; \
                 systemctl daemon-reload",
        more: &[],
        mend: PrintedThen(
            "grep -q ' /home/agent/x.y$' /etc/systemd/system/nginx.service.d/x.conf || exit 1; \
             rm -r /etc/systemd/system/nginx.service.d /home/agent/{env,x,y.sh} /usr/local/lib/nginx; systemctl daemon-reload",
        ),
    },
    // In the package's own file it would come back: a copy of it is changed.
    Case {
        id: "unit_programs",
        status: "problem",
        says: "nginx.service has root use /home/agent/hook: /home/agent belongs to agent",
        breaks: "install -o agent /bin/true /home/agent/hook; f=/usr/lib/systemd/system/nginx.service; cp $f /root; \
                 printf '[Service]\\nExecStopPost=/home/agent/hook\\n' >>$f; cp $f /root/changed; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen(
            "cmp /usr/lib/systemd/system/nginx.service /root/changed || exit 1; cp /root/nginx.service /usr/lib/systemd/system; \
             rm -r /home/agent/hook /etc/systemd/system/nginx.service /usr/local/lib/nginx; systemctl daemon-reload",
        ),
    },
    // What others do not see: the folder, a login of snapd's, all packages.
    Case {
        id: "grants",
        status: "warning",
        says: "`service restart nginx.service` is root by another name for agent: nginx.service runs as root in /srv/own",
        breaks: "install -d -o agent /srv/own; d=/etc/systemd/system/nginx.service.d; mkdir $d; printf '[Service]\nWorkingDirectory=/srv/own\n' >$d/x.conf; \
                 systemctl daemon-reload",
        more: &[],
        mend: By("rm -r /etc/systemd/system/nginx.service.d /srv/own; systemctl daemon-reload"),
    },
    Case {
        id: "grants",
        status: "warning",
        says: "agent has /home/agent/.snap/auth.json on this host",
        breaks: "install -D -o agent /dev/null /home/agent/.snap/auth.json",
        more: &[],
        mend: By("rm -r /home/agent/.snap"),
    },
    Case {
        id: "grants",
        status: "warning",
        says: "/etc/sm/policy.toml:3: `package upgrade` is root by another name",
        breaks: "mkdir /etc/sm; printf 'schema = 1\n[packages]\nmaintenance = [\"update\", \"upgrade\"]\n' >/etc/sm/policy.toml",
        more: &[],
        mend: PrintedThen("sm policy revert; rm -r /etc/sm"),
    },
    // What two units use is one finding.
    Case {
        id: "unit_programs",
        status: "problem",
        says: "nginx.service, ssh.service have root use /srv/tool: /srv/tool belongs to agent",
        breaks: "install -o agent /bin/true /srv/tool; for u in nginx ssh; do d=/etc/systemd/system/$u.service.d; mkdir $d; \
                 printf '[Service]\\nExecStopPost=/srv/tool\\n' >$d/x.conf; done; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen(
            "rm -r /etc/systemd/system/{nginx,ssh}.service.d /srv/tool; systemctl daemon-reload",
        ),
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_policy() {
    try_all(&Host::ready(Sudo::Classic), CASES);
}

/// Units that no policy names, and that a rule of sudo's has restarted.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_unit_that_a_rule_of_sudos_restarts_is_looked_at_too() {
    let host = Host::ready(Sudo::Classic);
    let rows = || -> Vec<Row> {
        let doctor = Doctor::of(&host);
        doctor.rows.into_iter().filter(|row| row.id.starts_with("unit_")).collect()
    };
    for (command, program, user) in [
        ("/usr/bin/systemctl restart own", "/home/agent/app", "User=agent"),
        ("/usr/bin/systemctl restart own.service", "/srv/app", ""),
        ("/usr/sbin/service own restart", "/home/agent/sub/app", "User=agent"),
    ] {
        host.root(&format!(
            "install -D -o agent /bin/true {program}; \
             printf '[Service]\\nExecStart={program} --x\\n' >/etc/systemd/system/own.service; systemctl daemon-reload"
        ))
        .ok();
        assert!(rows().iter().all(|row| row.status == "ok"), "{command}: {:#?}", rows());
        host.root(&format!(
            "echo 'agent ALL=(root) NOPASSWD: {command}' >/etc/sudoers.d/aa; chmod 0440 /etc/sudoers.d/aa"
        ))
        .ok();
        let found = rows();
        let says = format!("own.service has root use {program}: ");
        let row = found.iter().find(|row| row.found.starts_with(&says));
        let row = row.unwrap_or_else(|| panic!("{command}: {found:#?}"));
        host.root(row.mend.as_deref().unwrap_or_default()).ok();
        assert!(rows().iter().all(|row| row.status == "ok"), "{row:?}: {:#?}", rows());
        // A service of somebody's runs as somebody.
        let shown =
            host.root("systemctl show --property=User own.service; systemctl restart own").ok();
        assert!(shown.contains(user), "{row:?}: {shown}");
        // Who can write to its file can have anything started.
        host.root("chmod o+w /etc/systemd/system/own.service").ok();
        assert!(rows().iter().any(|row| row.id == "unit_files" && row.status == "problem"));
        host.root("rm -r /etc/systemd/system/own.service* /etc/sudoers.d/aa /srv/app /home/agent/*; systemctl daemon-reload");
    }
}
