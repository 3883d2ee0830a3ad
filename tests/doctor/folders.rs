//! The program's own folders.

use crate::case::Mend::{Printed, PrintedThen};
use crate::case::{Case, try_all};
use crate::host::{Host, Sudo};

pub const CASES: &[Case] = &[
    Case {
        id: "log_folder",
        status: "problem",
        says: "0755",
        breaks: "chmod 0755 /var/log/sm",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "log_folder",
        status: "problem",
        says: "by everybody",
        breaks: "chmod 0777 /var/log/sm",
        more: &["helper_rule"],
        mend: Printed,
    },
    Case {
        id: "log_folder",
        status: "problem",
        says: "audit.jsonl has the mode 0644",
        breaks: "chmod 0644 /var/log/sm/audit.jsonl",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "log_folder",
        status: "problem",
        says: "belongs to agent",
        breaks: "chown agent /var/log/sm/audit.jsonl",
        more: &["audit_write", "helper_rule"],
        mend: PrintedThen(""),
    },
    Case {
        id: "log_folder",
        status: "warning",
        says: "the group 1000",
        breaks: "chgrp agent /var/log/sm/audit.jsonl",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "log_folder",
        status: "warning",
        says: "/var/log/sm can be read by the group 1000",
        breaks: "chgrp agent /var/log/sm",
        more: &[],
        mend: Printed,
    },
    // Of what rotation has made, each.
    Case {
        id: "log_folder",
        status: "warning",
        says: "audit.jsonl.1 can be read by the group 1000",
        breaks: "cd /var/log/sm; install -m 0640 -g agent /dev/null audit.jsonl.1",
        more: &[],
        mend: PrintedThen("rm /var/log/sm/audit.jsonl.1"),
    },
    Case {
        id: "state_folder",
        status: "problem",
        says: "0750",
        breaks: "chmod 0750 /var/lib/sm",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "state_folder",
        status: "problem",
        says: "0711",
        breaks: "chmod 0711 /var/lib/sm",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "state_folder",
        status: "problem",
        says: "belongs to agent",
        breaks: "chown agent /var/lib/sm; chmod 0755 /var/lib/sm",
        more: &["helper_rule"],
        mend: Printed,
    },
    Case {
        id: "state_folder",
        status: "problem",
        says: "audit.head",
        breaks: "chmod o+w /var/lib/sm/audit.head",
        more: &["helper_rule"],
        mend: Printed,
    },
    Case {
        id: "run_folder",
        status: "problem",
        says: "/run/sm can be written to by everybody",
        breaks: "chmod 0777 /run/sm",
        more: &["helper_rule"],
        mend: Printed,
    },
    Case {
        id: "run_folder",
        status: "problem",
        says: "/run/sm/rate",
        breaks: "chmod 0755 /run/sm/rate",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "run_folder",
        status: "problem",
        says: "/run/sm/rate/1000.changes is not a state of the rate limit",
        breaks: "head -c 100 /dev/zero >/run/sm/rate/1000.changes",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "run_folder",
        status: "problem",
        says: "/run/sm/connections/1000.0 belongs to agent",
        breaks: "d=/run/sm/connections; mkdir -p -m 0700 $d; touch $d/1000.0; chown agent $d/1000.0",
        more: &[],
        mend: PrintedThen("rm -r /run/sm/connections"),
    },
    Case {
        id: "run_folder",
        status: "problem",
        says: "/run/sm/connections can be written to by everybody",
        breaks: "mkdir -p /run/sm/connections; chmod 0777 /run/sm/connections",
        more: &[],
        mend: PrintedThen("rm -r /run/sm/connections"),
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_folders() {
    let host = Host::ready(Sudo::Classic);
    // What is kept of it stays where it is.
    host.limit_the_rate();
    // A request makes the rest of them.
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    try_all(&host, CASES);
}
