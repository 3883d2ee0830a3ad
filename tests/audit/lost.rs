//! What a power cut takes without anybody's doing is told from what somebody took.

use serde_json::Value;

use crate::chain::{FILE, audit};
use crate::host::{Host, host_once, log};

const HEAD: &str = "/var/lib/sm/audit.head";

/// A change, whose records are synced, then so many refusals, whose are not. Gives the number of
/// the last record that is.
fn fill(host: &Host, refusals: usize) -> u64 {
    host.helper(&["service", "reload", "nginx"]).expect("ok");
    let synced = log(host).last().expect("a record")["seq"].as_u64().expect("a number");
    for _ in 0..refusals {
        host.helper(&["service", "restart", "nope"]).expect("denied");
    }
    synced
}

/// As after a power cut: the head is of another boot.
fn another_boot(host: &Host) {
    host.root(&format!(r#"sed -i 's/"boot":[0-9]*/"boot":1/' {HEAD}"#)).ok();
}

fn keep_until(host: &Host, seq: u64) {
    host.root(&format!("head -n {seq} {FILE} >/root/log; cat /root/log >{FILE}")).ok();
}

/// No journal that knows of what the log has lost: in a power cut it loses the same.
fn forget_the_journal(host: &Host) {
    host.root("journalctl --sync; journalctl --rotate; journalctl --vacuum-time=1us").ok();
}

host_once!(what_was_never_synced_is_lost_and_said, |host| {
    for cut in [1, 3] {
        let synced = fill(host, 3);
        let until = synced + 3 - cut;
        forget_the_journal(host);
        keep_until(host, until);
        another_boot(host);
        let (exit, found) = audit(host, "verify");
        assert_eq!((exit, &found["lost_at_end"]), (0, &cut.into()), "{found:#}");
        // The next record says so, and is the only one that may.
        host.helper(&["service", "restart", "nope"]).expect("denied");
        let last = log(host).pop().expect("a record");
        assert_eq!((&last["lost_records"], &last["seq"]), (&cut.into(), &(synced + 4).into()));
        let (exit, found) = audit(host, "verify");
        let lost = found["lost"].as_array().expect("places");
        assert_eq!((exit, &lost.last().expect("one")[1]), (0, &cut.into()), "{found:#}");
        // The chain goes on behind it.
        fill(host, 1);
        assert_eq!(audit(host, "verify").0, 0);
        host.root(&format!("rm -f {FILE} {HEAD}")).ok();
        forget_the_journal(host);
    }
    // All of it, where nothing was ever synced.
    host.helper(&["service", "restart", "nope"]).expect("denied");
    host.helper(&["service", "restart", "nope"]).expect("denied");
    forget_the_journal(host);
    keep_until(host, 0);
    another_boot(host);
    assert_eq!(audit(host, "verify").0, 0);
    host.helper(&["service", "restart", "nope"]).expect("denied");
    let (exit, found) = audit(host, "verify");
    assert_eq!((exit, &found["lost"][0][1]), (0, &2.into()), "{found:#}");
});

host_once!(what_somebody_took_is_a_break_and_stays_one, |host| {
    type Case = (&'static str, fn(&Host, u64));
    let cases: [Case; 4] = [
        ("of this boot", |host, synced| keep_until(host, synced + 1)),
        ("a synced one", |host, synced| {
            keep_until(host, synced - 1);
            another_boot(host);
        }),
        ("from the middle", |host, synced| {
            host.root(&format!("sed -i {}d {FILE}", synced + 1)).ok();
            another_boot(host);
        }),
        ("more than is said", |host, synced| {
            keep_until(host, synced + 2);
            another_boot(host);
            host.helper(&["service", "restart", "nope"]).expect("denied");
            host.root(&format!("sed -i {}d {FILE}", synced + 2)).ok();
        }),
    ];
    for (what, take) in cases {
        let synced = fill(host, 3);
        forget_the_journal(host);
        take(host, synced);
        let (exit, found) = audit(host, "verify");
        assert_eq!(exit, 1, "{what}: {found:#}");
        host.helper(&["service", "restart", "nope"]).expect("denied");
        let (exit, found) = audit(host, "verify");
        assert_eq!(exit, 1, "{what}, one more: {found:#}");
        host.root(&format!("rm -f {FILE} {HEAD}")).ok();
        forget_the_journal(host);
    }
});

// The journal's newest entry may be older than the end of the log: a record of that number is there,
// and has that hash.
host_once!(an_older_end_in_the_journal_must_agree, |host| {
    fill(host, 1);
    host.root("journalctl --sync; systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journald; rm -f /run/systemd/journal/socket").ok();
    let known = log(host).len();
    host.root("SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=agent sm-helper service restart nope");
    assert_eq!(log(host).len(), known + 1);
    host.root("systemctl start systemd-journald.socket systemd-journald").ok();
    let (exit, found) = audit(host, "verify");
    assert_eq!((exit, &found["journal_agrees"]), (0, &true.into()), "{found:#}");
    // Another chain of the same length, made by the same program: all that differs is its hashes.
    host.root(&format!("cp -a {FILE} /root/log; cp -a {HEAD} /root/head; rm {FILE} {HEAD}")).ok();
    host.root("systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journald; rm -f /run/systemd/journal/socket").ok();
    for _ in 0..=known {
        host.root("SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=agent sm-helper service restart nope");
    }
    assert_eq!(log(host).len(), known + 1);
    host.root("systemctl start systemd-journald.socket systemd-journald").ok();
    let (exit, found) = audit(host, "verify");
    let error = found["error"].as_str().unwrap_or_default();
    assert!(exit == 1 && error.contains("the journal has"), "{found:#}");
    host.root(&format!("cp -a /root/log {FILE}; cp -a /root/head {HEAD}")).ok();
    assert_eq!(audit(host, "verify").0, 0);
});

// A journal that holds nothing of all this is one that was emptied later, or emptied of this.
host_once!(a_journal_without_an_end_is_explained, |host| {
    fill(host, 1);
    forget_the_journal(host);
    let (exit, found) = audit(host, "verify");
    assert_eq!((exit, &found["journal_agrees"]), (0, &Value::Bool(false)), "{found:#}");
    let text = host.root("sm audit verify").ok();
    assert!(text.contains("the journal begins after the last record"), "{text}");
    // It goes back to before a record that it does not have.
    host.root("install -d /etc/systemd/journald.conf.d; printf '[Journal]\\nMaxLevelStore=err\\n' >/etc/systemd/journald.conf.d/x.conf; systemctl restart systemd-journald; systemd-cat -p 0 true; logger -p user.emerg x; journalctl --sync").ok();
    host.helper(&["service", "restart", "nope"]).expect("denied");
    let (exit, found) = audit(host, "verify");
    let error = found["error"].as_str().unwrap_or_default();
    assert!(exit == 1 && error.contains("MaxLevelStore"), "{found:#}");
});
