//! A mount that keeps the helper from running, or from writing down what it does, is no rule's fault.

use crate::answer::{SM, setup_sudo, setup_sudo_of};
use crate::host::host_once;

/// What is done to a host, what undoes it, and what is said of it then.
const CASES: [(&str, &str, &[&str]); 5] = [
    (
        "mount --bind /usr/local /usr/local; mount -o remount,bind,noexec /usr/local",
        "umount /usr/local",
        &["/usr/local is mounted noexec", "mount -o remount,exec /usr/local"],
    ),
    (
        "mount --bind /var/log /var/log; mount -o remount,bind,ro /var/log",
        "umount /var/log",
        &["/var/log is mounted read-only", "/var/log/sm has to be", "mount -o remount,rw /var/log"],
    ),
    (
        "mount --bind /var/lib/sm /var/lib/sm; mount -o remount,bind,ro /var/lib/sm",
        "umount /var/lib/sm",
        &["/var/lib/sm is mounted read-only", "mount -o remount,rw /var/lib/sm"],
    ),
    (
        "mount -t tmpfs -o size=4k,mode=0750 none /var/log/sm; chgrp adm /var/log/sm; head -c 4096 /dev/zero >/var/log/sm/x; true",
        "umount /var/log/sm",
        &["/var/log/sm is full", "df -h /var/log/sm"],
    ),
    (
        "mount --bind /run/sm /run/sm; mount -o remount,bind,ro /run/sm",
        "umount /run/sm",
        &["/run/sm is mounted read-only", "mount -o remount,rw /run/sm"],
    ),
];

host_once!(a_mount_in_the_way_is_named_and_no_rule, boot, |host| {
    // One that runs wherever the helper does not, and installs no other.
    host.root(&format!("mkdir -p /opt/sm; cp {SM} /opt/sm/sm")).ok();
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    host.helper(&["service", "status", "nginx"]).expect("ok");
    for (broken, undone, says) in CASES {
        host.root(broken).ok();
        let sm = if says[0].contains("noexec") { "/opt/sm/sm" } else { SM };
        let args: &[&str] = match sm == SM {
            true => &["--user", "agent"],
            false => &["--user", "agent", "--install"],
        };
        let answer = setup_sudo_of(host, sm, args).expect("command_failed", 1).says(says);
        let said = answer.json.to_string();
        assert!(!said.contains("another rule"), "{broken}: {said}");
        // doctor makes the same request, unless the record is another one than it was.
        if sm == SM && !broken.contains("tmpfs") {
            let found = host.root("sm doctor --json").stdout_text();
            let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
            let rows = found["checks"].as_array().expect("checks");
            let row = rows.iter().find(|row| row["id"] == "helper_rule").expect("a row");
            assert!(row.to_string().contains(says[0]), "{broken}: {row:#}");
        }
        host.root(undone).ok();
        setup_sudo(host, &["--user", "agent", "--check"]).expect("ok", 0);
    }
});
