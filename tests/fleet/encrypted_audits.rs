//! `sm fleet audit` of hosts that encrypt what rotation has put aside.

use serde_json::Value;

use crate::Fleet;
use crate::audits::{STORE, look, ready, seq};
use crate::host::Host;

const LOG: &str = "/var/log/sm/audit.jsonl";

/// A fleet that encrypts to an identity of the controller's account.
fn encrypting(count: usize) -> Fleet {
    let fleet = ready(count);
    let made = "cd /home/admin; umask 077; age-keygen -o identity 2>/dev/null; age-keygen -o other 2>/dev/null; \
                chown admin identity other; age-keygen -y identity";
    let recipient = fleet.controller().root(made).ok();
    let site = format!(
        "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]\n\
         [audit]\nrecipients = [{:?}]\n",
        recipient.trim()
    );
    for host in &fleet.hosts {
        host.root("install -d -m 0755 /etc/sm").ok();
        host.write("/etc/sm/policy.toml", &site);
    }
    fleet
}

/// Puts the log aside as logrotate does, after so many requests.
fn put_aside(host: &Host, requests: usize) -> u64 {
    for _ in 0..requests {
        look(host);
    }
    let last = host.root(&format!("tail -n 1 {LOG}; mv {LOG} {LOG}.1")).ok();
    look(host);
    seq(last.trim())
}

fn encrypt(host: &Host) {
    let done = host.root("sm audit encrypt --json").ok();
    let done: Value = serde_json::from_str(&done).expect("an answer");
    assert_eq!(done["files"].as_array().map(Vec::len), Some(1), "{done:#}");
    host.root(&format!("ls {LOG}.1 2>&1 | grep 'No such file'")).ok();
}

impl Fleet {
    /// What is in an encrypted file of a host.
    fn decrypted(&self, host: &Host, file: &str) -> String {
        let there = "/home/admin/encrypted";
        let bytes = std::fs::read(host.path(file)).expect("an encrypted file");
        std::fs::write(self.controller().path(there), bytes).expect("a copy");
        self.controller().root(&format!("age -d -i /home/admin/identity {there}")).ok()
    }

    /// The number of the newest checkpoint that is kept of a host.
    fn newest(&self, host: &str) -> u64 {
        self.kept(host).last().map_or(0, |line| seq(line))
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_was_encrypted_before_it_was_collected_is_named_and_the_rest_goes_on() {
    let fleet = encrypting(2);
    let [web1, web2] = &fleet.hosts[..] else { panic!("two hosts") };
    // What nobody has collected yet is no gap in what was collected.
    let first = put_aside(web2, 2);
    encrypt(web2);
    let report = fleet.audit(&[]).exit(0).expect(&["web1 done ok", "web2 done ok"]);
    let warning = report.row("web2")["warnings"].to_string();
    assert!(warning.contains(&format!("the records up to {first} are encrypted")), "{warning}");

    let collected = fleet.newest("web1");
    let last = put_aside(web1, 3);
    encrypt(web1);
    let report = fleet.audit(&["--limit", "web1"]).exit(1);
    let report = report.expect(&["web1 failed audit_encrypted"]);
    let (from, range) = (collected + 1, format!("the records {} to {last}", collected + 1));
    let report = report.says("web1", &[&range, "not known whether they go on"]);
    let row = report.row("web1");
    assert_eq!(
        (&row["encrypted"][0]["first"], &row["encrypted"][0]["last"]),
        (&from.into(), &last.into())
    );
    assert!(row["hint"].to_string().contains("--full --identity FILE --limit web1"), "{row:#}");
    // It is kept how far it goes by now, and the next run goes on from there.
    assert!(fleet.newest("web1") > last);
    look(web1);
    fleet.audit(&["--limit", "web1"]).exit(0).expect(&["web1 done ok"]);
    // Only all of it, with what is encrypted, would be the answer.
    let report = fleet.audit(&["--full"]).exit(1);
    let report = report.expect(&["web1 failed audit_encrypted", "web2 failed audit_encrypted"]);
    report.says("web1", &[&format!("the records up to {last} are encrypted")]);
    // A new key of which the record that signs it is in there.
    web2.root("sm audit key --rotate; sm audit checkpoint").ok();
    let rotated = put_aside(web2, 1);
    encrypt(web2);
    let kept = fleet.kept("web2");
    let report = fleet.audit(&["--limit", "web2"]).exit(1).expect(&["web2 failed audit_encrypted"]);
    let range = format!("to {rotated} are encrypted, and what follows is signed with a key");
    report.says("web2", &[&range]);
    assert_eq!(fleet.kept("web2"), kept);
    let with = ["--identity", "/home/admin/identity", "--limit", "web2"];
    fleet.audit(&with).exit(0).expect(&["web2 done ok"]);
    // One in the middle, since one before it was put back in plain.
    let plain = format!("{LOG}-until-{last:020}");
    let next = put_aside(web1, 2);
    encrypt(web1);
    let decrypted = fleet.decrypted(web1, &format!("{plain}.age"));
    web1.write(&plain, decrypted);
    let report = fleet.audit(&["--full", "--limit", "web1"]).exit(1);
    let report = report.expect(&["web1 failed audit_encrypted"]);
    report.says("web1", &[&format!("the records {} to {next} are encrypted", last + 1)]);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_said_to_be_encrypted_hides_nothing_that_is_not() {
    let fleet = encrypting(1);
    let [web1] = &fleet.hosts[..] else { panic!("a host") };
    fleet.audit(&[]).exit(0);
    let collected = fleet.newest("web1");
    put_aside(web1, 3);
    web1.root(&format!("cp {LOG}.1 /root/aside")).ok();
    encrypt(web1);
    let kept = fleet.kept("web1");
    // The records behind the file are not those that follow it.
    web1.root(&format!("cp -p {LOG} /root/log; sed -i 1d {LOG}")).ok();
    let report = fleet.audit(&[]).exit(1).expect(&["web1 failed audit_changed"]);
    report.says("web1", &["where"]);
    web1.root(&format!("cp -p /root/log {LOG}")).ok();
    // Programs that say what they like: a file that ends before what was collected; one that ends before
    // what comes; the same for ever.
    web1.root("mkdir /usr/local/lib/true; mv /usr/local/bin/sm /usr/local/lib/true/sm").ok();
    let claim = |last: u64| {
        format!("{{\"encrypted\":{{\"file\":\"x\",\"first\":1,\"last\":{last},\"size\":1}}}}")
    };
    let many = claim(0).replace("\"last\":0", "\"last\":&");
    let is_none = "is said to be in an encrypted file that ends with record";
    let says = [
        (
            format!(
                "echo '{}'; tail -n +{collected} /root/aside; cat /root/log",
                claim(collected - 1)
            ),
            is_none,
        ),
        (format!("echo '{}'; cat /root/log", claim(collected + 1)), "where"),
        (format!("echo '{0}'; echo '{0}'; cat /root/log", claim(collected + 1)), is_none),
        (format!("seq {} 5000 | sed 's/.*/{many}/'", collected + 1), is_none),
        ("echo '{\"data\":\"AAAA\"}'; cat /root/log".to_owned(), "is not a record"),
        (
            "echo '{\"encrypted\":{\"file\":\"x\",\"last\":-1,\"size\":1}}'; cat /root/log"
                .to_owned(),
            "is not a record",
        ),
    ];
    for (said, why) in says {
        let lies = format!(
            "#!/bin/sh\ncase $2 in export) {said} ;; *) exec /usr/local/lib/true/sm \"$@\" ;; esac\n"
        );
        web1.write("/usr/local/bin/sm", lies);
        web1.root("chmod 0755 /usr/local/bin/sm").ok();
        let report = fleet.audit(&[]).exit(1);
        report.expect(&["web1 failed audit_changed"]).says("web1", &[why]);
        assert_eq!(fleet.kept("web1"), kept, "{said}");
    }
    // A line without end.
    web1.write(
        "/usr/local/bin/sm",
        "#!/bin/sh\ncase $2 in export) head -c 5000000 /dev/zero | tr '\\0' a ;; *) exec /usr/local/lib/true/sm \"$@\" ;; esac\n",
    );
    web1.root("chmod 0755 /usr/local/bin/sm").ok();
    let report = fleet.audit(&[]).exit(1).expect(&["web1 failed unsupported"]);
    report.says("web1", &["keeps printing"]);
    assert_eq!(fleet.kept("web1"), kept);
    assert!(fleet.controller().root(&format!("ls -A {STORE}")).ok().lines().count() == 2);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_encrypted_is_read_with_an_identity_of_the_controller() {
    let fleet = encrypting(2);
    let [web1, web2] = &fleet.hosts[..] else { panic!("two hosts") };
    let with = ["--identity", "/home/admin/identity"];
    fleet.audit(&[]).exit(0);
    // More than is in one line; another one, which is packed.
    let first = put_aside(web1, 90);
    encrypt(web1);
    let last = put_aside(web1, 3);
    web1.root(&format!("gzip -n {LOG}.1; mv {LOG}.1.gz {LOG}.1")).ok();
    web1.root(&format!("mv {LOG}.1 {LOG}-20261128.gz; sm audit encrypt")).ok();
    let names = web1.root("cd /var/log/sm; ls").ok();
    assert!(names.contains(&format!("{first:020}.age\n")), "{names}");
    assert!(names.contains(&format!("{last:020}.gz.age\n")), "{names}");
    put_aside(web2, 3);
    encrypt(web2);
    // One that it is not encrypted to reads nothing, and nothing is kept of what it may be.
    let kept = [fleet.kept("web1"), fleet.kept("web2")];
    let report = fleet.audit(&["--identity", "/home/admin/other"]).exit(1);
    let report = report.expect(&["web1 failed audit_encrypted", "web2 failed audit_encrypted"]);
    report.says("web1", &["cannot be read", "cannot be decrypted", "no identity matched"]);
    assert_eq!([fleet.kept("web1"), fleet.kept("web2")], kept);
    let collected = fleet.newest("web1");
    let report = fleet.audit(&with).exit(0).expect(&["web1 done ok", "web2 done ok"]);
    let row = report.row("web1");
    assert_eq!(row["records"], fleet.newest("web1") - collected, "{row:#}");
    assert!(row["encrypted"].is_null() && row["warnings"].is_null(), "{row:#}");
    let report = fleet.audit(&[&with[..], &["--full"]].concat()).exit(0);
    assert_eq!(report.row("web1")["records"], fleet.newest("web1"));
    // What came is not left here, and what reads it was never there.
    let there = fleet.controller().root(&format!("ls -A {STORE}")).ok();
    assert_eq!(there, "web1.jsonl\nweb1.pem\nweb2.jsonl\nweb2.pem\n");
    fleet.audit(&["--identity", "/home/admin/nothing"]).exit(1);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn another_past_that_is_encrypted_is_found_with_an_identity() {
    let fleet = encrypting(2);
    let [web1, web2] = &fleet.hosts[..] else { panic!("two hosts") };
    let with = ["--identity", "/home/admin/identity"];
    fleet.audit(&[]).exit(0);
    let collected = fleet.newest("web1");
    put_aside(web1, 4);
    put_aside(web2, 4);
    // A record that is not the one that was written, and one that is missing.
    let changed = collected + 2;
    web1.root(&format!("sed -i '/^{{\"seq\":{changed},/s/\"policy\":\"/&x/' {LOG}.1")).ok();
    let removed = fleet.newest("web2") + 1;
    web2.root(&format!("sed -i '/^{{\"seq\":{removed},/d' {LOG}.1")).ok();
    encrypt(web1);
    encrypt(web2);
    let kept = [fleet.kept("web1"), fleet.kept("web2")];
    let report = fleet.audit(&with).exit(1);
    let report = report.expect(&["web1 failed audit_changed", "web2 failed audit_changed"]);
    let report = report.says("web1", &[&format!("its record {changed} is not the one")]);
    report.says("web2", &[&format!("has the number {} where {removed}", removed + 1)]);
    assert_eq!([fleet.kept("web1"), fleet.kept("web2")], kept);
    // Without it nobody can say; but all of it can be read later.
    let report = fleet.audit(&[]).exit(1);
    report.expect(&["web1 failed audit_encrypted", "web2 failed audit_encrypted"]);
    fleet.audit(&[]).exit(0);
    let report = fleet.audit(&[&with[..], &["--full"]].concat()).exit(1);
    let report = report.expect(&["web1 failed audit_changed", "web2 failed audit_changed"]);
    report.says("web1", &[&format!("its record {changed} is not the one")]);

    // Hosts that send something else than what they said.
    look(web1);
    let kept = fleet.kept("web1");
    web1.root("mkdir /usr/local/lib/true; mv /usr/local/bin/sm /usr/local/lib/true/sm").ok();
    let named = |last: u64, size: u64| {
        format!(
            "echo '{{\"encrypted\":{{\"file\":\"x\",\"first\":1,\"last\":{last},\"size\":{size}}}}}'"
        )
    };
    let last = fleet.newest("web1");
    let says = [
        (named(last + 1, 0), "as it said"),
        (named(last + 1, 3), "as it said"),
        (format!("{}; echo '{{\"data\":\"AAAA\"}}'", named(last + 1, 2)), "as it said"),
        (format!("{}; echo '{{\"data\":\"A\"}}'", named(last + 1, 2)), "as it said"),
        (format!("{}; echo '{{\"data\":\"\"}}'", named(last + 1, 2)), "as it said"),
        (format!("{}; echo '{{\"data\":\"AAAA\"}}'", named(last + 1, 3)), "cannot be decrypted"),
    ];
    for (said, why) in says {
        let lies = format!(
            "#!/bin/sh\ncase $2 in export) {said}; cat {LOG} ;; *) exec /usr/local/lib/true/sm \"$@\" ;; esac\n"
        );
        web1.write("/usr/local/bin/sm", lies);
        web1.root("chmod 0755 /usr/local/bin/sm").ok();
        let report = fleet.audit(&[&with[..], &["--limit", "web1"]].concat()).exit(1);
        report.expect(&["web1 failed audit_encrypted"]).says("web1", &[why]);
        assert_eq!(fleet.kept("web1"), kept, "{said}");
    }
}
