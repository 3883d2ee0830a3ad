//! Hosts on which it cannot be done: said plainly, and nothing changed.

use crate::answer::{DROP_IN, RULE, SM, drop_ins, setup_sudo, state, sudo_works};
use crate::host::{Sudo, host_once, host_test};

/// What is wrong with the host, how that is undone, the code, and what must be said.
const HOSTS: [(&str, &str, &str, &[&str]); 8] = [
    (
        "sed -i /includedir/d /etc/sudoers",
        "",
        "unsupported",
        &["/etc/sudoers does not include /etc/sudoers.d", "@includedir /etc/sudoers.d", "visudo"],
    ),
    (
        "sed -i 's/^@includedir/# @includedir/' /etc/sudoers",
        "",
        "unsupported",
        &["does not include"],
    ),
    (
        "sed -i 's,^@includedir.*,@includedir /etc/sudoers.e,' /etc/sudoers",
        "",
        "unsupported",
        &["does not include"],
    ),
    (
        "mv /usr/sbin/visudo /root",
        "mv /root/visudo /usr/sbin",
        "unsupported",
        &["no visudo", "install sudo"],
    ),
    (
        "mv /usr/bin/sudo /root",
        "mv /root/sudo /usr/bin",
        "unsupported",
        &["no sudo", "install sudo"],
    ),
    (
        "mv /usr/bin/sudo /usr/sbin/visudo /etc/sudoers /root",
        "mv /root/sudo /usr/bin; mv /root/visudo /usr/sbin",
        "unsupported",
        &["install sudo"],
    ),
    ("echo 'bad bad bad' >>/etc/sudoers", "", "command_failed", &["visudo", "/etc/sudoers"]),
    (
        "echo 'bad bad bad' >/etc/sudoers.d/zz; chmod 0440 /etc/sudoers.d/zz",
        "rm /etc/sudoers.d/zz",
        "command_failed",
        &["visudo", "/etc/sudoers.d/zz"],
    ),
];

host_test!(where_it_can_not_be_done_it_says_so_and_changes_nothing, boot, |host| {
    host.root("cp -p /etc/sudoers /root/good").ok();
    let mut wrong = Vec::new();
    for (make, undo, code, words) in HOSTS {
        host.root(make).ok();
        let before = state(host);
        let answer = setup_sudo(host, &["--user", "agent"]);
        let said = format!("{} {}", answer.json["error"], answer.json["hint"]);
        let lacks: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
        // The lock's own folder is no change of sudo's.
        let changed = state(host) != before;
        if answer.json["code"] != code || !lacks.is_empty() || changed {
            wrong.push(format!("`{make}`: lacks {lacks:?}, changed {changed}: {:#}", answer.json));
        }
        host.root(&format!("{undo}\ncp -p /root/good /etc/sudoers; rm -f {DROP_IN}")).ok();
        sudo_works(host);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // Other ways to write the line.
    for line in [
        "#includedir /etc/sudoers.d",
        "@includedir \"/etc/sudoers.d\"",
        "@includedir /etc/sudoers.d/",
        "  @includedir\t/etc/sudoers.d",
    ] {
        host.root(&format!(
            "sed -i /includedir/d /etc/sudoers; printf '%s\\n' '{line}' >>/etc/sudoers"
        ))
        .ok();
        // Where sudo itself does not read it so, it is not for us to say that it does.
        if host.root("visudo -c | grep -q README").status == Some(0) {
            setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
            setup_sudo(host, &["--user", "agent", "--remove"]).expect("ok", 0);
        } else {
            assert_eq!(host.sudo, Sudo::Rs, "{line}");
        }
        host.root("cp -p /root/good /etc/sudoers").ok();
    }
});

const OLD: &str =
    "# Made by sm setup-sudo\nagent ALL=(root) NOPASSWD: /usr/local/bin/sm-helper version\n";

/// What is wrong with the disk, and what makes it right again.
const DISKS: [(&str, &str); 5] = [
    (
        "cp -a /etc/sudoers.d/. /root/d; mount -t tmpfs -o size=8k,mode=0755 tmpfs /etc/sudoers.d; cp -a /root/d/sm-agent /etc/sudoers.d; \
      head -c 1M /dev/zero >/etc/sudoers.d/ballast.full 2>/dev/null; test -s /etc/sudoers.d/ballast.full",
        "umount /etc/sudoers.d",
    ),
    (
        "cp -a /etc/sudoers.d/. /root/d; mount -t tmpfs -o nr_inodes=2,mode=0755 tmpfs /etc/sudoers.d; cp -a /root/d/sm-agent /etc/sudoers.d",
        "umount /etc/sudoers.d",
    ),
    ("mount --bind -o ro /etc/sudoers.d /etc/sudoers.d", "umount /etc/sudoers.d"),
    (
        "mount --bind /etc/sudoers.d/sm-agent /etc/sudoers.d/sm-agent",
        "umount /etc/sudoers.d/sm-agent",
    ),
    ("mount --bind -o ro /var/lib /var/lib", "umount /var/lib"),
];

host_once!(a_full_or_read_only_disk_leaves_what_was_there, boot, |host| {
    host.write(DROP_IN, OLD);
    host.root(&format!("chmod 0440 {DROP_IN}; mkdir /root/d")).ok();
    for (make, undo) in DISKS {
        host.root(make).ok();
        let before = drop_ins(host);
        let answer = setup_sudo(host, &["--user", "agent"]);
        assert_eq!(answer.json["code"], "command_failed", "{make}: {:#}", answer.json);
        assert_eq!((host.read(DROP_IN).as_str(), drop_ins(host)), (OLD, before), "{make}");
        sudo_works(host);
        host.root(undo).ok();
    }
    host.root("mv /etc/sudoers.d /root/gone").ok();
    setup_sudo(host, &["--user", "agent"]).expect("command_failed", 1).says(&["/etc/sudoers.d"]);
    setup_sudo(host, &["--user", "agent", "--remove"]).expect("ok", 0);
    assert!(!host.exists("/etc/sudoers.d"));
    host.root("mv /root/gone /etc/sudoers.d").ok();
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    assert_eq!(host.read(DROP_IN), RULE);
    assert_eq!(drop_ins(host), ["sm-agent"]);
});

/// A visudo that accepts each file and refuses the whole as soon as the new rule is in it. No
/// rule of ours does that to the real one, which does everything else.
const VISUDO: &str = "#!/bin/sh\n[ \"$2\" = -f ] || ! grep -q NOSETENV /etc/sudoers.d/sm-agent 2>/dev/null || \
    { echo 'the whole is bad' >&2; exit 1; }\nexec /usr/sbin/visudo.real \"$@\"\n";

host_test!(a_rule_that_makes_the_whole_invalid_is_taken_back, boot, |host| {
    host.root("mv /usr/sbin/visudo /usr/sbin/visudo.real").ok();
    host.write("/usr/sbin/visudo", VISUDO);
    host.root("chmod 0755 /usr/sbin/visudo").ok();
    // Once with nothing there before, once with an older rule.
    for old in [None, Some(OLD)] {
        if let Some(old) = old {
            host.write(DROP_IN, old);
            host.root(&format!("chmod 0440 {DROP_IN}")).ok();
        }
        let inode = || host.root(&format!("stat -c %i {DROP_IN}")).stdout_text();
        let before = (inode(), drop_ins(host));
        setup_sudo(host, &["--user", "agent"])
            .expect("command_failed", 1)
            .says(&["the whole is bad", "the previous file was restored"]);
        assert_eq!((inode(), drop_ins(host)), before);
        assert_eq!(host.exists(DROP_IN), old.is_some());
    }
    assert_eq!(host.read(DROP_IN), OLD);
    host.root("mv /usr/sbin/visudo.real /usr/sbin/visudo").ok();
    sudo_works(host);
    host.command("root", &[SM, "setup-sudo", "--user", "agent"]).run().ok();
});
