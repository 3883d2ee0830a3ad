//! sudo's configuration, and what it lets the accounts do.

use crate::case::Mend::{By, Printed, PrintedThen};
use crate::case::{Case, Doctor, try_all};
use crate::host::{Host, Sudo, host_test};

/// Before our own drop-in in the order in which sudo reads them.
const RM: &str = "rm /etc/sudoers.d/aa";

/// A rule before our own.
macro_rules! rule {
    ($text:literal) => {
        concat!("echo -e '", $text, "' >/etc/sudoers.d/aa; chmod 0440 /etc/sudoers.d/aa")
    };
}

/// A rule that lets the account do more.
macro_rules! more {
    ($status:literal, $says:literal, $rule:literal) => {
        Case {
            id: "sudoers_more",
            status: $status,
            says: $says,
            breaks: rule!($rule),
            more: &[],
            mend: By(RM),
        }
    };
}

/// Something in a folder of the agent's is included.
macro_rules! included {
    ($says:literal, $script:literal) => {
        Case {
            id: "sudoers_path",
            status: "problem",
            says: $says,
            breaks: concat!(
                "cp -p /etc/sudoers /root; d=/home/agent/sd; mkdir $d; touch $d/more; chmod 0440 $d/more; ",
                $script
            ),
            more: &[],
            mend: By(
                "cp -p /root/sudoers /etc/sudoers; rm -rf /home/agent/sd /etc/sudoers.d/aa /etc/aa",
            ),
        }
    };
}

pub const CASES: &[Case] = &[
    Case {
        id: "sudoers_path",
        status: "problem",
        says: "/etc/sudoers.d/aa belongs to agent",
        breaks: "echo '# nothing' >/etc/sudoers.d/aa; chown agent /etc/sudoers.d/aa; chmod 0440 /etc/sudoers.d/aa",
        more: &["sudoers_valid"],
        mend: PrintedThen(RM),
    },
    included!(
        "sudoers includes /home/agent/sd: /home/agent belongs to agent",
        "echo '@includedir /home/agent/sd' >>/etc/sudoers"
    ),
    included!(
        "aa includes /home/agent/sd/more: /home/agent belongs to agent",
        "echo '#include /home/agent/sd/more' >/etc/sudoers.d/aa; chmod 0440 /etc/sudoers.d/aa"
    ),
    // One beside the file that names it, and another from there.
    included!(
        "/etc/aa includes /home/agent/sd/more: /home/agent belongs to agent",
        "echo '@include aa' >>/etc/sudoers; echo '@include \"/home/agent/sd/more\"' >/etc/aa; chmod 0440 /etc/aa"
    ),
    Case {
        id: "sudoers_reads_drop_ins",
        status: "problem",
        says: "does not include",
        breaks: "sed -i /includedir/d /etc/sudoers",
        more: &["helper_rule"],
        mend: By("echo '@includedir /etc/sudoers.d' >>/etc/sudoers && visudo -c"),
    },
    Case {
        id: "drop_ins",
        status: "problem",
        says: "/usr/bin/sm-helper",
        breaks: "sed -i s,/local,, /etc/sudoers.d/sm-agent",
        more: &["helper_rule", "sudoers_more"],
        mend: By("sm setup-sudo --user agent"),
    },
    Case {
        id: "drop_ins",
        status: "problem",
        says: "!noexec",
        breaks: "echo 'Defaults:agent !noexec' >>/etc/sudoers.d/sm-agent",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "drop_ins",
        status: "warning",
        says: "the user gone",
        breaks: "useradd gone; sm setup-sudo --user gone; userdel gone",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "drop_ins",
        status: "warning",
        says: "the group gone",
        breaks: "groupadd gone; sm setup-sudo --group gone; groupdel gone",
        more: &[],
        mend: Printed,
    },
    // One of another name is not the one that setup makes anew.
    Case {
        id: "drop_ins",
        status: "warning",
        says: "/etc/sudoers.d/sm-other is another drop-in for the account agent",
        breaks: "cp -p /etc/sudoers.d/sm-agent /etc/sudoers.d/sm-other",
        more: &[],
        mend: Printed,
    },
    // Of whom the policy does not name any more.
    Case {
        id: "approvers",
        status: "warning",
        says: "/etc/sudoers.d/sm-@approvers is still there",
        breaks: "printf '# Made by sm setup-sudo for approvers; do not edit\nagent ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/sm --flags-on-stdin approve\n' >/etc/sudoers.d/sm-@approvers; chmod 0440 /etc/sudoers.d/sm-@approvers",
        more: &[],
        mend: Printed,
    },
    // With a line for each request it is ours all the same, until the policy has moved on.
    Case {
        id: "drop_ins",
        status: "warning",
        says: "not what the policy permits now",
        breaks: "sm setup-sudo --user agent --exact; sed -i '/restart nginx/d' /etc/sudoers.d/sm-agent",
        more: &[],
        mend: PrintedThen("sm setup-sudo --user agent"),
    },
    // Nothing can be compared with a policy that cannot be read.
    Case {
        id: "drop_ins",
        status: "warning",
        says: "could not be compared with the policy",
        breaks: "sm setup-sudo --user agent --exact; mkdir /etc/sm; echo 'schema = 1' >/etc/sm/policy.toml; chown agent /etc/sm/policy.toml",
        more: &["policy_file"],
        mend: PrintedThen("sm policy revert; rm -r /etc/sm; sm setup-sudo --user agent"),
    },
    Case {
        id: "drop_ins",
        status: "problem",
        says: "/usr/bin/id",
        breaks: "sm setup-sudo --user agent --exact; echo 'agent ALL=(root) NOPASSWD: NOSETENV: /usr/bin/id' >>/etc/sudoers.d/sm-agent",
        more: &["sudoers_more"],
        mend: By("sm setup-sudo --user agent --exact; sm setup-sudo --user agent"),
    },
    // sudo reads where a link leads.
    Case {
        id: "drop_ins",
        status: "warning",
        says: "not as it was made",
        breaks: "mv /etc/sudoers.d/sm-agent /etc/elsewhere; ln -s /etc/elsewhere /etc/sudoers.d/sm-agent",
        more: &[],
        mend: PrintedThen("rm /etc/elsewhere; test ! -L /etc/sudoers.d/sm-agent"),
    },
    Case {
        id: "drop_ins",
        status: "warning",
        says: "/etc/sudoers.d/sm-agent has a rule for /usr/local/bin/sm-helper, but was not made by setup-sudo",
        breaks: "sed -i '1i # Ansible managed' /etc/sudoers.d/sm-agent",
        more: &[],
        mend: By("rm /etc/sudoers.d/sm-agent; sm setup-sudo --user agent"),
    },
    Case {
        id: "helper_rule",
        status: "problem",
        says: "/etc/sudoers.d/zz:1: a later rule for `/usr/local/bin/sm-helper` asks for a password",
        breaks: "echo 'agent ALL=(root) /usr/local/bin/sm-helper' >/etc/sudoers.d/zz; chmod 0440 /etc/sudoers.d/zz",
        more: &["drop_ins"],
        mend: By("rm /etc/sudoers.d/zz"),
    },
    Case {
        id: "helper_rule",
        status: "problem",
        says: "/etc/sudoers.d/zz:1: a later rule takes `/usr/local/bin/sm-helper` back",
        breaks: "echo 'agent ALL=(root) !/usr/local/bin/sm-helper' >/etc/sudoers.d/zz; chmod 0440 /etc/sudoers.d/zz",
        more: &[],
        mend: PrintedThen("rm /etc/sudoers.d/00-zz"),
    },
    more!(
        "problem",
        "ALL as ALL without a password: that is every command, /etc/sudoers.d/aa:1",
        "agent ALL=(ALL) NOPASSWD: ALL"
    ),
    more!("problem", "with a password", "agent ALL=(ALL:ALL) ALL"),
    more!("problem", "every command", "%agent ALL=(root) NOPASSWD: ALL, !/usr/bin/su"),
    more!("problem", "every command", "#1000 ALL=(root) NOPASSWD: ALL"),
    more!("problem", "sm itself", "agent ALL=(root) NOPASSWD: /usr/local/bin/sm"),
    more!("problem", "starts other programs", "agent ALL=(root) NOPASSWD: /usr/bin/vim /etc/motd"),
    more!("problem", "of its own choice", "agent ALL=(root) NOPASSWD: /usr/bin/systemctl"),
    more!("problem", "/usr/sbin/", "agent ALL=(root) NOPASSWD: /usr/sbin/"),
    more!("problem", "/usr/bin/python3", "agent ALL=(root) NOPASSWD: /usr/bin/python3 /srv/x.py"),
    more!(
        "warning",
        "neither the policy nor the audit log",
        "agent ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx"
    ),
    more!("warning", "as other", "agent ALL=(other) NOPASSWD: /usr/bin/id"),
    more!("problem", "as %root without a password", "agent ALL=(%root) NOPASSWD: ALL"),
    Case {
        id: "sudoers_more",
        status: "problem",
        says: "starts other programs",
        breaks: "ln -s bash /usr/bin/tool; echo 'agent ALL=(root) NOPASSWD: /usr/bin/tool -c true' >/etc/sudoers.d/aa; chmod 0440 /etc/sudoers.d/aa",
        more: &[],
        mend: By("rm /etc/sudoers.d/aa /usr/bin/tool"),
    },
    more!("warning", "neither the policy", "agent ALL=(root) NOPASSWD: /usr/sbin/reboot"),
    more!("warning", "does not exist", "agent ALL=(root) NOPASSWD: /usr/bin/nothing"),
    // Who makes it there is root with the next call.
    more!(
        "problem",
        "/home/agent belongs to agent",
        "agent ALL=(root) NOPASSWD: /home/agent/bin/later"
    ),
    more!(
        "problem",
        "holds what root runs",
        "agent ALL=(root) NOPASSWD: /usr/bin/tee /etc/cron.d/p"
    ),
    more!(
        "problem",
        "it can start other programs or change files as root",
        "agent ALL=(root) NOPASSWD: /usr/bin/systemctl edit nginx"
    ),
    more!("problem", "of its own choice", "agent ALL=(root) NOPASSWD: /usr/bin/unlink"),
    Case {
        id: "sudoers_more",
        status: "problem",
        says: "may set the environment of NOPASSWD: /usr/bin/id",
        breaks: rule!("agent ALL=(root) SETENV: NOPASSWD: /usr/bin/id"),
        more: &[],
        mend: By(RM),
    },
    Case {
        id: "sudoers_more",
        status: "problem",
        says: "as other without a password: other is in the group disk",
        breaks: concat!("usermod -aG disk other; ", rule!("agent ALL=(other) NOPASSWD: ALL")),
        more: &[],
        mend: By("gpasswd --delete other disk; rm /etc/sudoers.d/aa"),
    },
    more!(
        "problem",
        "sudo makes other root without a password",
        "agent ALL=(other) NOPASSWD: /bin/sh\nother ALL=(root) NOPASSWD: ALL"
    ),
    Case {
        id: "sudoers_more",
        status: "problem",
        says: "/srv/tool belongs to agent",
        breaks: "install -o agent /bin/true /srv/tool; echo 'agent ALL=(root) NOPASSWD: /srv/tool' >/etc/sudoers.d/aa; chmod 0440 /etc/sudoers.d/aa",
        more: &[],
        mend: By("rm /etc/sudoers.d/aa /srv/tool"),
    },
    Case {
        id: "sudoers_more",
        status: "problem",
        says: "set the environment",
        breaks: "echo 'agent ALL=(root) NOPASSWD: SETENV: /usr/local/bin/sm-helper' >/etc/sudoers.d/zz; chmod 0440 /etc/sudoers.d/zz",
        more: &["drop_ins"],
        mend: By("rm /etc/sudoers.d/zz"),
    },
    // One of two rules for the same, and the group may stay.
    Case {
        id: "sudoers_more",
        status: "problem",
        says: "without a password: that is every command, /etc/sudoers.d/zz:1",
        breaks: "usermod -aG sudo agent; echo 'agent ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz; chmod 0440 /etc/sudoers.d/zz",
        more: &["account_groups"],
        mend: By("gpasswd --delete agent sudo; rm /etc/sudoers.d/zz"),
    },
    Case {
        id: "sudoers_more",
        status: "warning",
        says: "sm-helper package *, which is not a line of its exact drop-in, /etc/sudoers.d/zz:1",
        breaks: "sm setup-sudo --user agent --exact; echo 'agent ALL=(root) NOPASSWD: /usr/local/bin/sm-helper package *' >/etc/sudoers.d/zz; chmod 0440 /etc/sudoers.d/zz",
        more: &["drop_ins"],
        mend: By("rm /etc/sudoers.d/zz; sm setup-sudo --user agent"),
    },
    // Through a group that the account can leave: so does what is printed.
    Case {
        id: "sudoers_more",
        status: "problem",
        says: "every command",
        breaks: "groupadd ops; usermod -aG ops agent; echo '%ops ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/aa; chmod 0440 /etc/sudoers.d/aa",
        more: &[],
        mend: PrintedThen("rm /etc/sudoers.d/aa; groupdel ops"),
    },
    Case {
        id: "sudo_defaults",
        status: "problem",
        says: "LD_PRELOAD",
        breaks: rule!("Defaults env_keep += \"EDITOR LD_PRELOAD\""),
        more: &[],
        mend: By(RM),
    },
];

/// What sudo-rs skips and goes on without.
pub const RS: &[Case] = &[
    Case {
        id: "sudoers_valid",
        status: "warning",
        says: "'requiretty' in /etc/sudoers.d/aa:2; 'log_output' in /etc/sudoers.d/aa:3",
        breaks: rule!("# more\\nDefaults requiretty\\nDefaults log_output"),
        more: &[],
        mend: By(RM),
    },
    Case {
        id: "sudoers_valid",
        status: "warning",
        says: "ignores what it does not know: /etc/sudoers.d/aa:1:",
        breaks: rule!("bad bad bad"),
        more: &[],
        mend: By(RM),
    },
    // With our own drop-in no request works.
    Case {
        id: "sudoers_valid",
        status: "problem",
        says: "/etc/sudoers.d/sm-agent:",
        breaks: "sed -i 's/NOPASSWD: NOSETENV:/NOPASSWD NOSETENV/' /etc/sudoers.d/sm-agent",
        more: &["drop_ins", "helper_rule"],
        mend: By("sm setup-sudo --user agent"),
    },
];

/// What sudo-rs does not know.
pub const CLASSIC: &[Case] = &[
    Case {
        id: "sudoers_valid",
        status: "problem",
        says: "aa",
        breaks: rule!("bad bad bad"),
        more: &[],
        mend: By(RM),
    },
    Case {
        id: "drop_ins",
        status: "problem",
        says: "/etc/sudoers.d/sm-other is root:root 0400",
        breaks: "cp /etc/sudoers.d/sm-agent /etc/sudoers.d/sm-other; chmod 0400 /etc/sudoers.d/sm-other",
        more: &["sudoers_valid"],
        mend: Printed,
    },
    Case {
        id: "sudoers_valid",
        status: "problem",
        says: "bad permissions",
        breaks: "echo '# nothing' >/etc/sudoers.d/aa; chmod 0644 /etc/sudoers.d/aa",
        more: &[],
        mend: PrintedThen(RM),
    },
    more!(
        "problem",
        "it matches more",
        "agent ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx*"
    ),
    more!("problem", "with the group disk", "agent ALL=(:disk) NOPASSWD: ALL"),
    more!("warning", "as agent", "agent ALL=(:plugdev) NOPASSWD: /usr/bin/id"),
    more!("problem", "a file of root", "agent ALL=(root) NOPASSWD: sudoedit /etc/motd"),
    Case {
        id: "sudoers_more",
        status: "problem",
        says: "use another folder as /, *, /etc/sudoers.d/aa:1",
        breaks: rule!("agent ALL=(root) CHROOT=* NOPASSWD: /usr/local/bin/sm-helper"),
        more: &["drop_ins"],
        mend: By(RM),
    },
    Case {
        id: "sudo_defaults",
        status: "problem",
        says: "runchroot=* holds for agent",
        breaks: rule!("Defaults:agent runchroot=*"),
        more: &[],
        mend: By(RM),
    },
    Case {
        id: "sudo_defaults",
        status: "problem",
        says: "env_file=/home/agent/env holds for agent",
        breaks: rule!("Defaults env_file=/home/agent/env"),
        more: &[],
        mend: By(RM),
    },
    Case {
        id: "sudo_defaults",
        status: "problem",
        says: "!env_reset",
        breaks: rule!("Defaults:agent !env_reset"),
        more: &[],
        mend: By(RM),
    },
    Case {
        id: "sudo_defaults",
        status: "problem",
        says: "setenv holds for agent",
        breaks: rule!("Defaults setenv"),
        more: &[],
        mend: By(RM),
    },
    Case {
        id: "sudo_defaults",
        status: "problem",
        says: "setenv holds for agent",
        breaks: rule!("Defaults!/usr/local/bin/sm-helper setenv"),
        more: &[],
        mend: By(RM),
    },
    Case {
        id: "helper_rule",
        status: "problem",
        says: "must have a tty to run sudo; /etc/sudoers.d/aa:1: requiretty holds",
        breaks: rule!("Defaults requiretty"),
        // Then sudo tells root nothing either, where there is no terminal.
        more: &["sudo_defaults", "sudoers_more"],
        mend: By(RM),
    },
];

host_test!(sudo, |host| {
    try_all(host, CASES);
    try_all(host, if host.sudo == Sudo::Classic { CLASSIC } else { RS });
});

/// Lines that sudoers can have, of a list of commands as sudo lists them.
fn listed(text: &str) -> Vec<&str> {
    let is_command = |line: &&str| {
        line.starts_with('/')
            || line.starts_with("ALL")
            || line.starts_with('^')
            || line.starts_with("sudoedit /")
    };
    text.lines().filter(is_command).collect()
}

/// Every line of the two lists, as sudo itself lists it.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_gives_root_is_a_problem_and_what_gives_nothing_is_none() {
    let host = Host::ready(Sudo::Classic);
    for (text, is_root) in
        [(include_str!("gives_root.txt"), true), (include_str!("gives_nothing.txt"), false)]
    {
        let lines = listed(text);
        let rules = lines.iter().map(|line| format!("agent ALL=(root) NOPASSWD: {line}\n"));
        host.write("/etc/sudoers.d/aa", rules.collect::<String>());
        host.root("chmod 0440 /etc/sudoers.d/aa; visudo -c").ok();
        let doctor = Doctor::of(&host);
        let rows = doctor.rows.iter().filter(|row| row.id == "sudoers_more");
        let rows: Vec<_> = rows.filter(|row| row.found.starts_with("agent may run ")).collect();
        let status = |line: &&&str| {
            let begin = format!("agent may run {} as root ", line);
            rows.iter().find(|row| row.found.starts_with(&begin)).map(|row| &*row.status)
        };
        let wanted = if is_root { "problem" } else { "warning" };
        let wrong: Vec<_> = lines.iter().filter(|line| status(line) != Some(wanted)).collect();
        assert!(wrong.is_empty(), "{wrong:#?} of {rows:#?}");
        // Each rule is found in its file.
        for row in &rows {
            assert!(row.found.contains("/etc/sudoers.d/aa:"), "{row:?}");
        }
    }
}

host_test!(what_visudo_does_not_accept_is_named_with_what_mends_it, |host| {
    host.root(rule!("bad bad bad")).ok();
    let doctor = crate::case::Doctor::of(host);
    assert_eq!(doctor.mend("sudoers_valid"), "visudo -f /etc/sudoers.d/aa");
    host.root("echo '# nothing' >/etc/sudoers.d/aa; chown agent /etc/sudoers.d/aa").ok();
    let setup = host.root("sm setup-sudo --user other").stderr_text();
    assert!(setup.contains("`chown root:root /etc/sudoers.d/aa`"), "{setup}");
    assert!(!setup.contains("parsed OK"), "{setup}");
});

// A drop-in with a line for each request is no more than one for the helper.
host_test!(an_exact_drop_in_is_well_too, |host| {
    host.root("sm setup-sudo --user agent --exact").ok();
    let doctor = crate::case::Doctor::of(host);
    assert!(doctor.wrong().is_empty(), "{:#?}", doctor.rows);
    // Not for want of knowing whom it is for.
    let rule = doctor.rows.iter().find(|row| row.id == "helper_rule");
    assert!(rule.is_some_and(|row| row.found.contains("(1 tried)")), "{rule:?}");
});

/// Whom a group's drop-in, the broker's group and the policy let ask is looked at as well.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn whoever_may_ask_is_looked_at() {
    let host = Host::boot(Sudo::Classic);
    for (lets, who) in [
        ("sm setup-sudo --group other", "other"),
        (
            "mkdir /etc/sm; printf 'schema = 1\\n[callers.\"user:admin\"]\\n' >/etc/sm/policy.toml",
            "admin",
        ),
        (
            "useradd -G disk linked; sm setup-sudo --user linked; cd /etc/sudoers.d; mv sm-linked ../linked; ln -s ../linked sm-linked",
            "linked",
        ),
        // Whoever it is for: other has a drop-in already.
        (
            "useradd -G disk hand; printf 'User_Alias OPS = hand, other\\nCmnd_Alias SM = /usr/local/bin/sm-helper, /bin/bash\\nOPS ALL=(root) NOPASSWD: SM\\n' >/etc/sudoers.d/hand; chmod 0440 /etc/sudoers.d/hand",
            "hand",
        ),
        (
            "groupadd --system sm; usermod -aG sm agent; usermod -aG docker agent || { groupadd docker; usermod -aG docker agent; }",
            "agent",
        ),
    ] {
        host.root("usermod -aG disk other").ok();
        host.root(lets).ok();
        let doctor = crate::case::Doctor::of(&host);
        let named =
            |row: &&crate::case::Row| row.id == "account_groups" && row.found.starts_with(who);
        assert!(doctor.rows.iter().any(|row| named(&row)), "{who}: {:#?}", doctor.wrong());
    }
}
