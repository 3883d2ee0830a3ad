//! The accounts that may ask, and other ways to root.

use crate::case::Mend::{By, Printed, PrintedThen};
use crate::case::{Case, Doctor, try_all};
use crate::host::{Host, Sudo};

/// A group that the account is put into, which gives it more.
macro_rules! group {
    ($status:literal, $name:literal, $more:expr) => {
        Case {
            id: "account_groups",
            status: $status,
            says: concat!("agent is in the group ", $name, ":"),
            breaks: concat!("groupadd -f ", $name, "; usermod -aG ", $name, " agent"),
            more: $more,
            mend: Printed,
        }
    };
}

/// A socket where docker's would be, with this done to it.
macro_rules! socket {
    ($says:literal, $done:literal) => {
        Case {
            id: "sockets",
            status: "problem",
            says: $says,
            breaks: concat!(
                "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"/run/docker.sock\")'; ",
                $done
            ),
            more: &[],
            mend: PrintedThen("rm /run/docker.sock"),
        }
    };
}

pub const CASES: &[Case] = &[
    group!("problem", "docker", &[]),
    group!("problem", "lxd", &[]),
    group!("problem", "lxc", &[]),
    group!("problem", "incus-admin", &[]),
    group!("problem", "disk", &[]),
    group!("problem", "sudo", &["sudoers_more"]),
    group!("problem", "wheel", &[]),
    group!("problem", "admin", &[]),
    group!("problem", "shadow", &[]),
    group!("problem", "kmem", &[]),
    group!("problem", "libvirt", &[]),
    group!("warning", "adm", &[]),
    group!("warning", "root", &[]),
    group!("warning", "staff", &[]),
    Case {
        id: "account_groups",
        status: "problem",
        says: "the group disk",
        breaks: "usermod --gid disk agent",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "account_groups",
        status: "problem",
        says: "agent can add itself to the group disk",
        breaks: "gpasswd --administrators agent,other disk",
        more: &[],
        mend: PrintedThen(
            "grep '^disk:[^:]*:other:' /etc/gshadow && gpasswd --administrators '' disk",
        ),
    },
    Case {
        id: "account_groups",
        status: "warning",
        says: "agent can add itself to the group adm",
        breaks: "gpasswd --administrators agent adm",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "second_root",
        status: "problem",
        says: "toor",
        breaks: "useradd -o -u 0 toor",
        more: &[],
        mend: Printed,
    },
    socket!("everybody can write to /run/docker.sock", "chmod 0666 /run/docker.sock"),
    socket!(
        "agent can write to /run/docker.sock",
        "chmod 0660 /run/docker.sock; chgrp other /run/docker.sock; usermod -aG other agent"
    ),
    socket!(
        "agent can write to /run/docker.sock",
        "chmod 0600 /run/docker.sock; chown agent /run/docker.sock"
    ),
    Case {
        id: "doas",
        status: "problem",
        says: "/etc/doas.conf:2",
        breaks: "printf '# x\\npermit nopass agent\\ndeny other\\n' >/etc/doas.conf",
        more: &[],
        mend: PrintedThen("rm /etc/doas.conf"),
    },
    Case {
        id: "doas",
        status: "problem",
        says: ":agent",
        breaks: "echo 'permit persist :agent as root' >/etc/doas.conf",
        more: &[],
        mend: PrintedThen("rm /etc/doas.conf"),
    },
    Case {
        id: "polkit",
        status: "warning",
        says: "50-agent.rules names agent",
        breaks: "mkdir -p /etc/polkit-1/rules.d; echo 'polkit.addRule(function(a, s) { if (s.user == \"agent\") return \"yes\"; });' >/etc/polkit-1/rules.d/50-agent.rules",
        more: &[],
        mend: PrintedThen("rm /etc/polkit-1/rules.d/50-agent.rules.off"),
    },
    Case {
        id: "doas",
        status: "problem",
        says: "/etc/doas.conf:1 is for agent",
        breaks: "echo 'permit nopass 1000' >/etc/doas.conf",
        more: &[],
        mend: PrintedThen("rm /etc/doas.conf"),
    },
    Case {
        id: "doas",
        status: "problem",
        says: "/etc/doas.conf:1 is for agent",
        breaks: "echo 'permit nopass \"agent\"' >/etc/doas.conf",
        more: &[],
        mend: PrintedThen("rm /etc/doas.conf"),
    },
    Case {
        id: "doas",
        status: "problem",
        says: "/etc/doas.conf:1 is for agent",
        breaks: "echo 'permit nopass :1000' >/etc/doas.conf",
        more: &[],
        mend: PrintedThen("rm /etc/doas.conf"),
    },
    Case {
        id: "polkit",
        status: "warning",
        says: "50-agents.rules names the group bots of agent",
        breaks: "groupadd bots; usermod -aG bots agent; mkdir -p /etc/polkit-1/rules.d; echo 'polkit.addRule(function(a, s) { if (s.isInGroup( \"bots\" )) return \"yes\"; });' >/etc/polkit-1/rules.d/50-agents.rules",
        more: &[],
        mend: PrintedThen("rm /etc/polkit-1/rules.d/50-agents.rules.off; groupdel bots"),
    },
    Case {
        id: "polkit",
        status: "problem",
        says: "belongs to agent",
        breaks: "mkdir -p /etc/polkit-1/rules.d; install -o agent /dev/null /etc/polkit-1/rules.d/x.rules",
        more: &[],
        mend: By("rm /etc/polkit-1/rules.d/x.rules"),
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_accounts() {
    try_all(&Host::ready(Sudo::Classic), CASES);
}

/// As Debian's package makes them: polkit itself decides by them who is root.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_folders_of_polkit_may_belong_to_its_own_account() {
    let host = Host::ready(Sudo::Classic);
    host.root(
        "useradd --system polkitd
         install -d -o polkitd -m 0700 /etc/polkit-1/rules.d
         echo 'polkit.addRule(function(a, s) {});' >/etc/polkit-1/rules.d/x.rules",
    )
    .ok();
    assert!(Doctor::of(&host).wrong().is_empty());
    host.root("chown agent /etc/polkit-1/rules.d").ok();
    assert_eq!(Doctor::of(&host).wrong().get("polkit"), Some(&"problem"));
}
