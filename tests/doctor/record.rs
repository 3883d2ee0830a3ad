//! The record and its witnesses.

use crate::case::Mend::{By, Printed, PrintedThen};
use crate::case::{Case, try_all};
use crate::host::{Host, Sudo};

/// What is done to the log, and found out.
macro_rules! chain {
    ($says:literal, $done:literal, $more:expr) => {
        Case {
            id: "audit_chain",
            status: "problem",
            says: $says,
            breaks: concat!("cp -p /var/log/sm/audit.jsonl /root; cd /var/log/sm; ", $done),
            // A request would be recorded: it is left for later.
            more: $more,
            mend: By("cp -p /root/audit.jsonl /var/log/sm/"),
        }
    };
}

/// As much of auditctl as is asked for: what was loaded can be listed.
const AUDITD: &str = "mkdir -p /etc/audit/rules.d; printf '#!/bin/sh\\ncase $1 in -R) cp $2 /run/rules ;; -l) cat /run/rules ;; esac\\n' >/usr/sbin/auditctl; chmod 0755 /usr/sbin/auditctl";

/// A site policy that has what is put aside encrypted, and the way back.
macro_rules! recipient {
    () => {
        "install -d -m 0755 /etc/sm; printf 'schema = 1\\n[services]\\nactions = [\"status\"]\\n[services.units.nginx]\\n[audit]\\nrecipients = [\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"]\\n' >/etc/sm/policy.toml"
    };
}
macro_rules! no_recipient {
    () => {
        "systemctl -q disable --now sm-audit-encrypt.timer; rm -f /etc/systemd/system/sm-audit-encrypt.*; systemctl daemon-reload; sm policy revert >/dev/null"
    };
}

pub const CASES: &[Case] = &[
    Case {
        id: "audit_write",
        status: "problem",
        says: "/var/log/sm cannot be written to",
        breaks: "mount --bind /var/log/sm /var/log/sm; mount -o remount,ro,bind /var/log/sm",
        more: &["helper_rule"],
        mend: PrintedThen("umount /var/log/sm"),
    },
    Case {
        id: "audit_write",
        status: "problem",
        says: "/var/lib/sm cannot be written to",
        breaks: "mount --bind /var/lib/sm /var/lib/sm; mount -o remount,ro,bind /var/lib/sm",
        more: &["helper_rule"],
        mend: PrintedThen("umount /var/lib/sm"),
    },
    chain!(
        "audit.jsonl:2 was changed",
        "sed -i '2s/\"policy\":\"/&x/' audit.jsonl",
        &["helper_rule"]
    ),
    chain!("audit.jsonl:2 has the number", "sed -i 2d audit.jsonl", &["helper_rule"]),
    chain!("the end was cut", "sed -i '$d' audit.jsonl", &["helper_rule"]),
    chain!("the end was cut", ": >audit.jsonl", &["helper_rule"]),
    chain!("the end was cut", "rm audit.jsonl", &["helper_rule"]),
    chain!("is not a record", "sed -i '2i nonsense' audit.jsonl", &["helper_rule"]),
    Case {
        id: "audit_chain",
        status: "problem",
        says: "were removed together",
        breaks: "cp -a /var/log/sm /root/log; cp -a /var/lib/sm /root/state; rm -r /var/log/sm /var/lib/sm",
        more: &["helper_rule"],
        mend: By("mv /root/log /var/log/sm; mv /root/state /var/lib/sm"),
    },
    Case {
        id: "audit_journal",
        status: "warning",
        says: "the journal",
        breaks: "systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journald.service 2>&1",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "audit_journal",
        status: "warning",
        says: "does not listen",
        breaks: "rm /run/systemd/journal/socket",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "audit_kernel",
        status: "warning",
        says: "does not watch the helper",
        breaks: AUDITD,
        more: &[],
        mend: Printed,
    },
    Case {
        id: "audit_kernel",
        status: "warning",
        says: "no rule with the key sm-log",
        breaks: "sed -i /sm-log/d /run/rules",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "audit_kernel",
        status: "warning",
        says: "not as it should be",
        breaks: "echo '-D' >>/etc/audit/rules.d/sm.rules",
        more: &[],
        mend: Printed,
    },
    // A name is no ownership: what is somebody's stays.
    Case {
        id: "audit_kernel",
        status: "warning",
        says: "sm.rules has other rules than sm's",
        breaks: "echo '-w /srv/sm -p wa -k sm' >/etc/audit/rules.d/sm.rules; ! sm audit setup; grep -q /srv/sm /etc/audit/rules.d/sm.rules",
        more: &[],
        mend: PrintedThen(
            "grep -q /srv/sm /etc/audit/rules.d/not-sm.rules && rm /etc/audit/rules.d/not-sm.rules",
        ),
    },
    Case {
        id: "audit_signed",
        status: "warning",
        says: "audit.key can be read by others",
        breaks: "sm audit key; chmod 0640 /var/lib/sm/audit.key",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "audit_signed",
        status: "warning",
        says: "is missing, and /var/lib/sm/audit.pub says that there was one",
        breaks: "rm /var/lib/sm/audit.key",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "audit_rotation",
        status: "warning",
        says: "keeps at most 1024 MiB of its log",
        breaks: "fallocate -l 1200M /var/log/sm/old",
        more: &[],
        mend: PrintedThen("rm /var/log/sm/old"),
    },
    Case {
        id: "audit_encrypted",
        status: "warning",
        says: "sm-audit-encrypt.timer does not run",
        breaks: recipient!(),
        more: &[],
        mend: PrintedThen(no_recipient!()),
    },
    Case {
        id: "audit_encrypted",
        status: "problem",
        says: "this host has no age",
        breaks: concat!(recipient!(), "; sm audit setup; mv /usr/bin/age /srv"),
        more: &[],
        mend: By(concat!("mv /srv/age /usr/bin; ", no_recipient!())),
    },
    Case {
        id: "audit_encrypted",
        status: "warning",
        says: "1 file put aside over a day ago and not encrypted",
        breaks: concat!(
            recipient!(),
            "; sm audit setup; cd /var/log/sm; mv audit.jsonl audit.jsonl.2; \
                 sm-helper service status nginx; mv audit.jsonl audit.jsonl.1; \
                 sm-helper service status nginx; touch -d '2 days ago' audit.jsonl.2"
        ),
        more: &[],
        mend: PrintedThen(no_recipient!()),
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_record() {
    let host = Host::ready(Sudo::Classic);
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    host.helper(&["service", "status", "nginx"]).expect("ok");
    try_all(&host, CASES);
}
