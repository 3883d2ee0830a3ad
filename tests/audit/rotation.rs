//! The chain goes through every rotation that the packaged rule makes.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::chain::{FILE, audit, chained};
use crate::host::{Host, Sudo, log, repository};

/// This machine's logrotate: the host has none, and sees this one by its libraries' names.
fn logrotate() -> &'static Path {
    let path = Path::new("/usr/sbin/logrotate");
    assert!(path.exists(), "logrotate is missing: apt-get install logrotate");
    path
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn logrotate_does_not_break_the_chain() {
    logrotate();
    let host = Host::ready(Sudo::Classic);
    let rule = fs::read(repository().join("packaging/logrotate/sm")).expect("the rule");
    host.write("/root/sm.logrotate", rule);
    let rotate = || {
        // Into the host's files and processes, with this machine's program and libraries.
        let root = host.path("/");
        fs::copy(logrotate(), host.path("/usr/local/sbin/logrotate")).expect("copied");
        let libraries = Command::new("ldd").arg(logrotate()).output().expect("ldd").stdout;
        for library in String::from_utf8_lossy(&libraries)
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
        {
            let target = root.join(library.trim_start_matches('/'));
            if !target.exists() {
                fs::create_dir_all(target.parent().expect("a folder")).expect("made");
                fs::copy(library, &target).expect("copied");
            }
        }
        host.root("chmod 0755 /usr/local/sbin/logrotate; chmod 0644 /root/sm.logrotate; /usr/local/sbin/logrotate --force --state /root/state /root/sm.logrotate").ok();
    };
    let begun = log(&host).len();
    let mut all = begun;
    for round in 1..=4 {
        for _ in 0..2 {
            host.helper(&["service", "status", "nginx"]).expect("ok");
        }
        host.helper(&["service", "restart", "nope"]).expect("denied");
        // Behind the first record of a new file there is a checkpoint.
        all += if round == 1 { 5 } else { 6 };
        let (exit, found) = audit(&host, "verify");
        assert_eq!((exit, &found["records"]), (0, &all.into()), "round {round}: {found:#}");
        rotate();
        assert!(log(&host).is_empty(), "round {round}: nothing was rotated");
        let (exit, found) = audit(&host, "verify");
        assert_eq!(
            (exit, &found["records"]),
            (0, &all.into()),
            "round {round}, rotated: {found:#}"
        );
    }
    let files = host.root("cd /var/log/sm && ls").ok();
    assert!(files.contains("audit.jsonl.2.gz") && files.contains("audit.jsonl.4.gz"), "{files}");
    let modes = host.root("stat -c '%U:%G %a' /var/log/sm/audit.jsonl").ok();
    assert_eq!(modes, "root:adm 640\n");
    assert_eq!(audit(&host, "search --code denied").1["found"], 4);

    // Of what was compressed each record counts, too.
    host.root("cd /var/log/sm && gunzip -c audit.jsonl.3.gz | sed 's/denied/Denied/' | gzip >x && mv x audit.jsonl.3.gz").ok();
    let (exit, found) = audit(&host, "verify");
    assert_eq!(exit, 1, "{found:#}");
    assert!(found["error"].to_string().contains("audit.jsonl.3.gz:6 "), "{found:#}");
    // A file in the middle that is gone is a gap, the oldest gone is a rotation that is said.
    host.root("rm /var/log/sm/audit.jsonl.3.gz").ok();
    assert_eq!(audit(&host, "verify").0, 1);
    host.root("rm /var/log/sm/audit.jsonl.4.gz").ok();
    let (exit, found) = audit(&host, "verify");
    assert_eq!((exit, &found["first"]), (0, &(begun + 12).into()), "{found:#}");
    host.root("head -c 100 /var/log/sm/audit.jsonl.2.gz >/root/x; cat /root/x >/var/log/sm/audit.jsonl.2.gz").ok();
    assert_ne!(audit(&host, "verify").0, 0, "a compressed file that was cut");
}

// A power cut takes the head back, which is not synced, and the log is rotated before the next
// request. What was really removed is still found out.
crate::host::host_once!(an_older_head_and_a_rotation_break_nothing, |host| {
    let head = "/var/lib/sm/audit.head";
    let status = || host.helper(&["service", "status", "nginx"]).expect("ok");
    for (case, act, aside) in [
        ("moved", "mv audit.jsonl audit.jsonl.1", "audit.jsonl.1"),
        ("compressed", "gzip -c audit.jsonl >audit.jsonl.1.gz; rm audit.jsonl", "audit.jsonl.1.gz"),
        ("dated", "mv audit.jsonl audit.jsonl-20261128", "audit.jsonl-20261128"),
        ("copied and cut", "cp -p audit.jsonl audit.jsonl.1; : >audit.jsonl", "audit.jsonl.1"),
    ] {
        host.root("rm -rf /var/log/sm /var/lib/sm/audit.head").ok();
        status();
        host.root(&format!("cp -p {head} /root/head")).ok();
        status();
        host.root(&format!("cd /var/log/sm; {act}; cp -p /root/head {head}")).ok();
        status();
        let (exit, found) = audit(host, "verify");
        assert_eq!((exit, &found["records"]), (0, &7.into()), "{case}: {found:#}");
        // Without the head, too.
        host.root(&format!("cd /var/log/sm; mv audit.jsonl audit.jsonl.0; rm {head}")).ok();
        status();
        assert_eq!(audit(host, "verify").0, 0, "{case}, no head");
        host.root(&format!("rm /var/log/sm/audit.jsonl.0 /var/log/sm/{aside}")).ok();
        status();
        host.root("sed -i 3d /var/log/sm/audit.jsonl").ok();
        assert_eq!(audit(host, "verify").0, 1, "{case}: a record was taken out");
    }
});

// Without logrotate, too: the log is put aside at 128 MiB, and everything reads across that.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_log_that_is_large_is_put_aside() {
    const LARGEST: u64 = 128 << 20;
    let host = Host::ready(Sudo::Classic);
    let status = || host.helper(&["service", "status", "nginx"]).expect("ok");
    status();
    let is_intent = |record: &&serde_json::Value| record["event"] == "intent";
    let intents = log(&host).iter().filter(is_intent).count() as u64;
    let mut text = host.read(FILE);
    text += &chained(text.lines().last().expect("a record"), LARGEST);
    let until = text.lines().count() as u64;
    // In place, so that owner and mode stay.
    fs::write(host.path(FILE), text).expect("written");
    // The next record is the first of a new log.
    status();
    let new = log(&host);
    assert_eq!((new.len(), &new[0]["seq"]), (3, &(until + 1).into()));
    assert_eq!(new[1]["event"], "checkpoint");
    let modes = host.root(&format!("stat -c '%U:%G %a' {FILE}-until-{until:020} {FILE}")).ok();
    assert_eq!(modes, "root:adm 640\nroot:adm 640\n");
    let tail = || -> Vec<u64> {
        let tail = audit(&host, "tail -n 5").1;
        let shown = tail["records"].as_array().expect("records").iter();
        shown.map(|one| one["seq"].as_u64().expect("one")).collect()
    };
    assert_eq!(tail(), (until - 1..=until + 3).collect::<Vec<_>>());
    // logrotate's own is one more of them, and its being new loses no link.
    host.root(&format!("mv {FILE} {FILE}.1; rm /var/lib/sm/audit.head")).ok();
    assert_eq!(tail(), (until - 1..=until + 3).collect::<Vec<_>>());
    status();
    let all = until + 6;
    let (exit, found) = audit(&host, "verify");
    assert_eq!((exit, &found["records"]), (0, &all.into()), "{found:#}");
    let intents = intents + 2;
    assert_eq!(audit(&host, "search --event intent").1["found"], intents);
    assert_eq!(audit(&host, "stats").1["requests"], all - intents - 2);
}
