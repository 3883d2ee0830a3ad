//! How a host's file systems are mounted, and whether there is room, is looked at before anything
//! is sent; and what is said to do about it helps.

use crate::report::Report;
use crate::{BOOTSTRAP, Fleet, is_done, is_untouched, logins, no_password};

/// What root does to a host, what is said of it, and what makes it good again.
const CASES: [(&str, &[&str], &str); 7] = [
    (
        "mount -t tmpfs -o noexec,mode=755 x /usr/local; mkdir /usr/local/bin",
        &["/usr/local is mounted noexec", "mount -o remount,exec /usr/local"],
        "mount -o remount,exec /usr/local",
    ),
    (
        "mount --bind /usr/local/bin /usr/local/bin; mount -o remount,bind,noexec /usr/local/bin",
        &["/usr/local/bin is mounted noexec", "remount,exec /usr/local/bin"],
        "umount /usr/local/bin",
    ),
    (
        "mount --bind /usr/local /usr/local; mount -o remount,bind,ro /usr/local",
        &["/usr/local is mounted read-only", "mount -o remount,rw /usr/local"],
        "umount /usr/local",
    ),
    (
        "mount --bind /etc /etc; mount -o remount,bind,ro /etc",
        &["/etc is mounted read-only", "/etc/sudoers.d has to be written to"],
        "umount /etc",
    ),
    (
        "mount --bind /var/log /var/log; mount -o remount,bind,ro /var/log",
        &["/var/log is mounted read-only", "/var/log/sm has to be written to"],
        "umount /var/log",
    ),
    (
        "mount -t tmpfs -o size=1m,mode=755 x /usr/local; mkdir /usr/local/bin",
        &["/usr/local is full there", "kB are free", "df -h /usr/local"],
        "mount -o remount,size=500m /usr/local",
    ),
    (
        "mount -t tmpfs -o nr_inodes=2,mode=755 x /usr/local; mkdir /usr/local/bin",
        &["/usr/local is full there", "no room for another file"],
        "mount -o remount,nr_inodes=100 /usr/local",
    ),
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_keeps_the_program_or_its_rule_out_is_named_before_anything_is_sent() {
    let fleet = Fleet::open(CASES.len());
    let with_password = &fleet.hosts[3];
    with_password.root("rm /etc/sudoers.d/zz-admin").ok();
    for (host, (script, ..)) in fleet.hosts.iter().zip(&CASES) {
        host.root(script).ok();
    }
    for more in [&["--dry-run"][..], &[]] {
        let mut report = fleet.bootstrap(more).exit(1);
        for (at, (_, says, _)) in CASES.iter().enumerate() {
            let name = format!("web{}", at + 1);
            assert!(report.row(&name)["timings"]["send_ms"].is_null(), "{:#}", report.row(&name));
            report = report.says(&name, says);
        }
        assert_eq!(report.json["summary"]["failed"], CASES.len());
    }
    fleet.hosts.iter().for_each(is_untouched);
    assert!(fleet.hosts.iter().all(|host| logins(host) == 2));

    // What is said to be done leads somewhere.
    for (host, (.., script)) in fleet.hosts.iter().zip(&CASES) {
        host.root(script).ok();
    }
    no_password(with_password);
    drop(fleet.bootstrap(&[]).exit(0));
    fleet.hosts.iter().for_each(|host| is_done(&fleet, host, "admin"));

    // A host that has it all needs to be written to no more, but it must be able to run it.
    fleet.hosts[0].root("mount -o remount,noexec /usr/local").ok();
    fleet.hosts[2].root(CASES[2].0).ok();
    fleet.hosts[3].root(CASES[3].0).ok();
    let words = [&BOOTSTRAP[..], &["--limit", "web1:web3:web4"]].concat();
    let report = Report::of(&fleet.command(&words, &[]).run()).exit(1);
    let report = report.expect(&["web1 failed unsupported", "web3 already ok", "web4 already ok"]);
    drop(report.says("web1", &["noexec"]));
}
