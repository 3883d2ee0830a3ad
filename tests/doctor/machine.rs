//! The clock and the disks.

use crate::case::Mend::By;
use crate::case::{Case, Doctor, try_all};
use crate::host::{Host, Sudo};

/// A record of a time to come, which follows from the one before.
const LATER: &str = r#"python3 - <<'END'
import hashlib, re
path = "/var/log/sm/audit.jsonl"
last = open(path).read().splitlines()[-1]
seq, hash = int(re.match(r'{"seq":(\d+)', last)[1]), last[-66:-2]
line = re.sub(r'^{"seq":\d+', '{"seq":%d' % (seq + 1), last)
line = re.sub(r'"time":"\d{4}', '"time":"2099', line)
line = re.sub(r'"prev":"[0-9a-f]*","hash":.*', '"prev":"%s"' % hash, line)
line += ',"hash":"%s"}' % hashlib.sha256((line + "}").encode()).hexdigest()
open(path, "a").write(line + "\n")
END"#;

pub const CASES: &[Case] = &[
    Case {
        id: "clock_sync",
        status: "warning",
        says: "not synchronised",
        breaks: "mv /run/systemd/container /run/systemd/other",
        more: &[],
        mend: By("mv /run/systemd/other /run/systemd/container"),
    },
    Case {
        id: "clock_order",
        status: "problem",
        says: "/usr/local/bin/sm is from 2099",
        breaks: "touch -d 2099-01-01 /usr/local/bin/sm",
        more: &[],
        mend: By("touch /usr/local/bin/sm"),
    },
    Case {
        id: "snapshots",
        status: "warning",
        says: "no snapshot can be taken: the root file system is overlay and not btrfs",
        breaks: "mkdir /etc/sm; printf 'schema = 1\n[snapshots]\npackages = true\n' >/etc/sm/policy.toml",
        more: &[],
        mend: By("sm policy revert; rm -r /etc/sm"),
    },
    Case {
        id: "snapshots",
        status: "problem",
        says: "no snapshot can be taken",
        breaks: "mkdir /etc/sm; printf 'schema = 1\n[snapshots]\npackages = true\nrequired = true\n' >/etc/sm/policy.toml",
        more: &[],
        mend: By("sm policy revert; rm -r /etc/sm"),
    },
    Case {
        id: "disk_space",
        status: "problem",
        says: "/run/sm: 0 MiB are free",
        breaks: "mount -t tmpfs -o size=512k,mode=755 none /run/sm",
        more: &[],
        mend: By("umount /run/sm"),
    },
    Case {
        id: "disk_space",
        status: "warning",
        says: "/run/sm: 2 MiB are free",
        breaks: "mount -t tmpfs -o size=2m,mode=755 none /run/sm",
        more: &[],
        mend: By("umount /run/sm"),
    },
    Case {
        id: "disk_space",
        status: "problem",
        says: "/var/lib/sm: 8 MiB are free",
        breaks: "mount -t tmpfs -o size=8m,mode=700 none /var/lib/sm",
        more: &[],
        mend: By("umount /var/lib/sm"),
    },
    Case {
        id: "disk_space",
        status: "problem",
        says: "inodes are free",
        breaks: "mount -t tmpfs -o nr_inodes=20,mode=700 none /var/lib/sm",
        more: &[],
        mend: By("umount /var/lib/sm"),
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_machine() {
    let host = Host::ready(Sudo::Classic);
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    try_all(&host, CASES);
}

/// Also where doctor's own request is recorded by then, with the time that it is.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_record_of_a_time_to_come_is_seen() {
    let host = Host::ready(Sudo::Classic);
    host.helper(&["service", "status", "nginx"]).expect("ok");
    host.root(LATER).ok();
    let doctor = Doctor::of(&host);
    let row = doctor.rows.iter().find(|row| row.id == "clock_order").expect("its row");
    assert!(row.status == "problem" && row.found.contains("the last record"), "{row:?}");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_snapshots_do_not_have_is_said() {
    const POLICY: &str = "mkdir -p /etc/sm; printf 'schema = 1\n[snapshots]\npackages = true\n' >/etc/sm/policy.toml";
    let host = Host::wanted(Sudo::Classic).btrfs().tmpfs("/boot").boot().set_up();
    let found = || {
        let doctor = Doctor::of(&host);
        let row = doctor.rows.iter().find(|row| row.id == "snapshots").expect("the check").clone();
        (row.status, row.found)
    };
    let (status, text) = found();
    assert_eq!(status, "ok", "{text}");
    assert!(text.contains("this host can take them"), "{text}");
    host.root(POLICY).ok();
    let (status, text) = found();
    assert_eq!(status, "warning", "{text}");
    assert!(text.contains("do not have /boot"), "{text}");
    host.root("umount /boot").ok();
    let (status, text) = found();
    assert_eq!(status, "ok", "{text}");
    assert!(text.contains("btrfs takes them, in /.sm-snapshots"), "{text}");
    host.root("fallocate -l 3300M /srv/full").ok();
    let (status, text) = found();
    assert_eq!(status, "warning", "{text}");
    assert!(text.contains("% of the file system are free"), "{text}");
    host.root("rm /srv/full; sync; snapper --no-dbus -c root create-config /").ok();
    let (status, text) = found();
    assert_eq!(status, "ok", "{text}");
    assert!(text.contains("hooks have snapper take them, by its configuration root"), "{text}");
}
