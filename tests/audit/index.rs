//! The indexes of files that were put aside: found with them is what is found without.

use crate::chain::audit;
use crate::host::{Host, Sudo};

const OLDER: &str = "/var/log/sm/audit.jsonl.1";

/// A host whose log was put aside an hour ago, and then went on.
fn made() -> Host {
    let host = Host::ready(Sudo::Classic);
    host.root("usermod -aG adm other; rm -r /var/log/sm /var/lib/sm").ok();
    host.root("journalctl --rotate; journalctl --vacuum-time=1s").ok();
    host.helper(&["service", "restart", "nginx", "--reason", "new cert"]).expect("ok");
    host.helper(&["service", "restart", "sshd"]).expect("denied");
    host.agent("sudo -n /usr/local/bin/sm-helper frob '\"x\\'");
    host.root(&format!("mv /var/log/sm/audit.jsonl {OLDER}; touch -d '1 hour ago' {OLDER}")).ok();
    host.helper(&["service", "restart", "sshd"]).expect("denied");
    host
}

fn indexes(host: &Host) -> usize {
    host.root("ls /var/log/sm/index | grep -c '\\.index$' || true").ok().trim().parse().expect("it")
}

/// How many of each are found, by root and by one of the group adm.
#[track_caller]
fn are_found(host: &Host, expected: &[(&str, u64)]) {
    for (filter, count) in expected {
        let (exit, found) = audit(host, &format!("search {filter}"));
        assert_eq!((exit, &found["found"]), (0, &(*count).into()), "{filter}: {found:#}");
        let line = format!("/usr/local/bin/sm audit search --json {filter}");
        let found = host.command("other", &["/bin/bash", "-c", &line]).run().stdout_text();
        let found: serde_json::Value = serde_json::from_str(&found).expect("an answer");
        assert_eq!(found["found"], *count, "{filter}: {found:#}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_search_makes_an_index_that_is_never_believed_against_the_log() {
    let host = made();
    let (_, all) = audit(&host, "search --code denied");
    let id = all["records"][0]["request_id"].as_str().expect("an id").to_owned();
    let all = [
        ("--code denied", 2),
        ("--code usage", 1),
        ("--operation 'service restart nginx.service'", 2),
        ("--user agent", 5),
        ("--user nobody", 0),
    ];
    are_found(&host, &all);
    are_found(&host, &[(&format!("--id {id}"), 1), (&format!("--id {}", &id[28..]), 1)]);
    assert_eq!(indexes(&host), 1);
    let owners = host.root("stat -c '%a %U %G' /var/log/sm/index").ok();
    assert_eq!(owners.trim(), "750 root adm");
    let (exit, answer) = audit(&host, "search --id 12345");
    assert_eq!((exit, &answer["code"]), (2, &"usage".into()), "{answer:#}");

    // Damaged, of another file, or gone.
    for damage in [
        "echo x >>/var/log/sm/index/*.index",
        "truncate -s -1 /var/log/sm/index/*.index",
        "for f in /var/log/sm/index/*.index; do tr e f <$f >/x; cat /x >$f; done",
        "chmod 0666 /var/log/sm/index/*.index",
        "rm /var/log/sm/index/*.index; mkfifo /var/log/sm/index/audit-0-0.index",
        "rm -r /var/log/sm/index",
    ] {
        host.root(damage).ok();
        are_found(&host, &all);
        assert_eq!(indexes(&host), 1, "{damage}");
    }

    // The log is another one, in the same place or under the same name; then packed.
    for change in [
        format!(
            "printf '\"usage!\"' | dd of={OLDER} bs=1 conv=notrunc seek=$(grep -bo '\"denied\"' {OLDER} | head -1 | cut -d: -f1)"
        ),
        format!("sed -i s/usage!/denied/ {OLDER}"),
        format!("gzip {OLDER}; touch -d '1 hour ago' {OLDER}.gz"),
    ] {
        host.root(&change).ok();
        let count = if change.starts_with("printf") { 1 } else { 2 };
        are_found(&host, &[("--code denied", count), ("--user agent", 5)]);
    }
    assert_eq!(indexes(&host), 1);
    // What was packed is read from a point in it.
    are_found(&host, &all);
    host.root(&format!("rm {OLDER}.gz")).ok();
    are_found(&host, &[("--code denied", 1), ("--user agent", 1)]);
    assert_eq!(indexes(&host), 0);
}
