//! The policy, and what root runs because it names it.

use crate::case::Mend::{By, Printed, PrintedThen};
use crate::case::{Case, try_all};
use crate::host::{Host, Sudo};

pub const CASES: &[Case] = &[
    Case {
        id: "policy_file",
        status: "problem",
        says: "/etc/sm/policy.toml:1",
        breaks: "mkdir /etc/sm; echo 'schema = ' >/etc/sm/policy.toml",
        more: &[],
        mend: By("rm -r /etc/sm"),
    },
    Case {
        id: "policy_file",
        status: "problem",
        says: "belongs to agent",
        breaks: "mkdir /etc/sm; echo 'schema = 1' >/etc/sm/policy.toml; chown agent /etc/sm/policy.toml",
        more: &[],
        mend: PrintedThen("rm -r /etc/sm"),
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
    Case {
        id: "unit_programs",
        status: "problem",
        says: "nginx.service: /srv/tool belongs to agent",
        breaks: "d=/etc/systemd/system/nginx.service.d; mkdir $d; printf '[Service]\\nExecStartPre=/srv/tool\\n' >$d/x.conf; install -o agent /bin/true /srv/tool; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen(
            "rm -r /etc/systemd/system/nginx.service.d /srv/tool; systemctl daemon-reload",
        ),
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_policy() {
    try_all(&Host::ready(Sudo::Classic), CASES);
}
