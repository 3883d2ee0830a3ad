//! The broker.

use crate::case::Mend::{Printed, PrintedThen};
use crate::case::{Case, try_all};
use crate::host::{Host, Sudo};

pub const CASES: &[Case] = &[
    Case {
        id: "broker_units",
        status: "problem",
        says: "sm-broker.service is not as it should be",
        breaks: "echo '# x' >>/etc/systemd/system/sm-broker.service",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_units",
        status: "problem",
        says: "sm.socket is not as it should be",
        breaks: "sed -i s/0660/0666/ /etc/systemd/system/sm.socket",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_units",
        status: "problem",
        says: "sm-broker.service.d changes",
        breaks: "d=/etc/systemd/system/sm-broker.service.d; mkdir $d; printf '[Unit]\\nDescription=x\\n' >$d/x.conf; systemctl daemon-reload",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_units",
        status: "problem",
        says: "sm-broker.service is not as it should be",
        breaks: "sed -i /NoNewPrivileges/d /etc/systemd/system/sm-broker.service; systemctl daemon-reload",
        more: &["broker_sandbox"],
        mend: Printed,
    },
    Case {
        id: "broker_units",
        status: "problem",
        says: "sm-broker.service can be written to by everybody",
        breaks: "chmod 0666 /etc/systemd/system/sm-broker.service",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_units",
        status: "problem",
        says: "sm.socket",
        breaks: "mv /etc/systemd/system/sm.socket /srv; ln -s /srv/sm.socket /etc/systemd/system; chown agent /srv/sm.socket; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen("rm /srv/sm.socket"),
    },
    Case {
        id: "broker_units",
        status: "problem",
        says: "system.control/sm-broker.service changes",
        breaks: "d=/etc/systemd/system.control; mkdir $d; cp /etc/systemd/system/sm-broker.service $d; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen("rmdir /etc/systemd/system.control"),
    },
    Case {
        id: "broker_sandbox",
        status: "problem",
        says: "EnvironmentFiles=/srv/env",
        breaks: "d=/etc/systemd/system/service.d; mkdir $d; printf '[Service]\\nEnvironmentFile=-/srv/env\\n' >$d/x.conf; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen("rmdir /etc/systemd/system/service.d"),
    },
    Case {
        id: "broker_sandbox",
        status: "problem",
        says: "ExecStartPre={ path=/bin/true",
        breaks: "d=/etc/systemd/system/service.d; mkdir $d; printf '[Service]\\nExecStartPre=/bin/true\\n' >$d/x.conf; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen("rmdir /etc/systemd/system/service.d"),
    },
    Case {
        id: "broker_sandbox",
        status: "problem",
        says: "every service with LD_PRELOAD",
        breaks: "systemctl set-environment LD_PRELOAD=/srv/x.so",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_sandbox",
        status: "problem",
        says: "NoNewPrivileges=no",
        breaks: "d=/etc/systemd/system/service.d; mkdir $d; printf '[Service]\\nNoNewPrivileges=no\\n' >$d/x.conf; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen("rmdir /etc/systemd/system/service.d"),
    },
    Case {
        id: "broker_sandbox",
        status: "problem",
        says: "a SystemCallFilter that allows reboot",
        breaks: "d=/etc/systemd/system/service.d; mkdir $d; printf '[Service]\\nSystemCallFilter=\\n' >$d/x.conf; systemctl daemon-reload",
        more: &[],
        mend: PrintedThen("rmdir /etc/systemd/system/service.d"),
    },
    Case {
        id: "broker_sandbox",
        status: "problem",
        says: "Environment=LD_PRELOAD=/srv/x.so",
        breaks: "d=/run/systemd/system/service.d; mkdir -p $d; printf '[Service]\\nEnvironment=LD_PRELOAD=/srv/x.so\\n' >$d/x.conf; systemctl daemon-reload",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_socket",
        status: "problem",
        says: "not active",
        breaks: "systemctl stop sm.socket",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_socket",
        status: "problem",
        says: "not enabled",
        breaks: "systemctl disable sm.socket",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_socket",
        status: "problem",
        says: "is not only for root",
        breaks: "chmod 0666 /run/sm/sm.sock",
        more: &[],
        mend: Printed,
    },
];

/// Root reaches the socket where the accounts do not.
const UNREACHED: &[Case] = &[Case {
    id: "broker_socket",
    status: "problem",
    says: "agent cannot reach /run/sm/sm.sock: /run/sm lets nobody through",
    breaks: "chmod 0700 /run/sm",
    more: &[],
    mend: Printed,
}];

/// With the units of the package, so that nothing is left in /etc of one that is not enabled.
const NOT_ENABLED: &[Case] = &[
    Case {
        id: "broker_socket",
        status: "problem",
        says: "not enabled",
        breaks: "systemctl disable sm.socket",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "broker_sandbox",
        status: "problem",
        says: "NoNewPrivileges=no",
        breaks: "systemctl disable sm.socket; d=/etc/systemd/system/sm-broker.service.d; mkdir $d; printf '[Service]\\nNoNewPrivileges=no\\n' >$d/x.conf; systemctl daemon-reload",
        more: &["broker_socket", "broker_units"],
        mend: Printed,
    },
    Case {
        id: "broker_socket",
        status: "problem",
        says: "not enabled",
        breaks: "systemctl disable sm.socket; rm -r /run/sm",
        more: &[],
        mend: Printed,
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_broker_that_listens_until_the_next_boot_is_looked_at_too() {
    try_all(&Host::ready(Sudo::Unused), NOT_ENABLED);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_broker() {
    let host = Host::ready(Sudo::Unused);
    // The cases change copies, which a run of setup puts right; a package's units it hides.
    host.root("rm /usr/local/lib/systemd/system/sm*; systemctl daemon-reload; sm setup-broker")
        .ok();
    try_all(&host, CASES);
    host.root("sm setup-broker --user agent").ok();
    try_all(&host, UNREACHED);
}
