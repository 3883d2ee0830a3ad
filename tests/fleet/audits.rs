//! `sm fleet audit`: what was collected of a host stays, and a host that has another past is named.

use serde_json::Value;

use crate::host::{Done, Host, Sudo};
use crate::report::Report;
use crate::{Fleet, INVENTORY, no_password};

pub const STORE: &str = "/home/admin/kept";

/// A fleet where `admin` may do everything, and each host has a few records.
pub fn ready(count: usize) -> Fleet {
    let sudo = |at: usize| if at == 1 { Sudo::Rs } else { Sudo::Classic };
    let fleet = Fleet::of((0..count).map(|at| Host::wanted(sudo(at))).collect());
    for host in &fleet.hosts {
        no_password(host);
        host.let_in("agent");
        look(host);
    }
    fleet
}

pub fn look(host: &Host) {
    host.helper(&["service", "status", "nginx"]).expect("ok");
}

impl Fleet {
    /// `sm fleet audit --json`
    #[track_caller]
    pub fn audit(&self, more: &[&str]) -> Report {
        Report::of(&self.audit_raw(more))
    }

    fn audit_raw(&self, more: &[&str]) -> Done {
        let words = ["sm", "fleet", "audit", "--json", "--inventory", INVENTORY, "--store", STORE];
        self.command(&words, more).run()
    }

    /// The checkpoints that are kept of a host.
    pub fn kept(&self, host: &str) -> Vec<String> {
        let text = self.controller().read(format!("{STORE}/{host}.jsonl"));
        text.lines().map(str::to_owned).collect()
    }
}

pub fn seq(line: &str) -> u64 {
    let record: Value = serde_json::from_str(line).expect("a record");
    record["seq"].as_u64().expect("a number")
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn checkpoints_are_added_and_a_host_with_another_past_is_named() {
    let fleet = ready(3);
    let [web1, web2, web3] = &fleet.hosts[..] else { panic!("three hosts") };
    let report = fleet.audit(&[]).exit(0);
    let report = report.expect(&["web1 done ok", "web2 done ok", "web3 done ok"]);
    let warning = report.row("web1")["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("seen for the first time"), "{warning}");
    let first = fleet.kept("web1");
    assert_eq!(first.len(), 1);
    // The key is the host's, and both are only the administrator's to read.
    let key = web1.root("sm audit key").ok();
    assert_eq!(fleet.controller().read(format!("{STORE}/web1.pem")), key);
    let modes = fleet.controller().root(&format!("stat -c %a {STORE} {STORE}/web1.*")).ok();
    assert_eq!(modes, "700\n600\n600\n");

    look(web1);
    let report = fleet.audit(&[]).exit(0);
    report.expect(&["web1 done ok", "web2 done ok", "web3 done ok"]);
    let second = fleet.kept("web1");
    assert_eq!((second.len(), &second[0]), (2, &first[0]));
    // What stood there in between was read, and nothing before it.
    let report = fleet.audit(&["--limit", "web1"]).exit(0);
    assert_eq!(report.row("web1")["records"], 1, "{:#}", report.json);
    fleet.audit(&["--full"]).exit(0);
    // What was kept is what sm audit verify takes.
    let copy = web1.root("sm audit export --format jsonl").ok();
    fleet.controller().write("/home/admin/copy", copy);
    let with = format!("--key {STORE}/web1.pem --checkpoints {STORE}/web1.jsonl");
    fleet.controller().root(&format!("sm audit verify --stdin {with} </home/admin/copy")).ok();

    // A new key that the old one signs is trusted from then on.
    web1.root("sm audit key --rotate").ok();
    look(web1);
    fleet.audit(&["--limit", "web1"]).exit(0);
    look(web1);
    fleet.audit(&["--limit", "web1"]).exit(0);
    fleet.controller().root(&format!("grep -c BEGIN {STORE}/web1.pem | grep -x 2")).ok();

    // Another record; another log; an older one; none.
    let kept = [fleet.kept("web2"), fleet.kept("web3")];
    let log = "/var/log/sm/audit.jsonl";
    web2.root(&format!("cp {log} /root/log; sed -i '2s/\"policy\":\"/&x/' {log}")).ok();
    web3.root(&format!("cp {log} /root/log; rm {log} /var/lib/sm/audit.head")).ok();
    for _ in 0..12 {
        look(web3);
    }
    let report = fleet.audit(&[]).exit(1);
    let report =
        report.expect(&["web1 done ok", "web2 failed audit_changed", "web3 failed audit_changed"]);
    let report = report.says("web2", &["audit.jsonl:2 was changed"]);
    report.says("web3", &["does not go on from record"]);
    let full = fleet.audit(&["--full", "--limit", "web2,web3"]).exit(1);
    let full = full.says("web2", &["its record 2 is not the one that was written"]);
    full.says("web3", &["record"]);
    assert_eq!([fleet.kept("web2"), fleet.kept("web3")], kept);
    web2.root(&format!("cp /root/log {log}; truncate -s 0 {log}; rm /var/lib/sm/audit.head")).ok();
    web3.root(&format!("rm {log} /var/lib/sm/audit.head")).ok();
    let report = fleet.audit(&["--limit", "web2,web3"]).exit(1);
    report.expect(&["web2 failed audit_changed", "web3 failed audit_changed"]);
    assert_eq!([fleet.kept("web2"), fleet.kept("web3")], kept);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn root_of_a_host_that_lies_cannot_show_another_past() {
    let fleet = ready(2);
    let [web1, web2] = &fleet.hosts[..] else { panic!("two hosts") };
    fleet.audit(&[]).exit(0);
    let kept = fleet.kept("web1");
    // Its program says that all is well, whatever the log is.
    let lies = "#!/bin/sh\ncase $2 in verify) echo '{\"schema\":1,\"success\":true,\"code\":\"ok\"}' ;; *) exec /usr/local/lib/true/sm \"$@\" ;; esac\n";
    let log = "/var/log/sm/audit.jsonl";
    web1.root("mkdir /usr/local/lib/true; cp -p /usr/local/bin/sm /usr/local/lib/true/sm; rm /usr/local/bin/sm").ok();
    web1.write("/usr/local/bin/sm", lies);
    web1.root(&format!("chmod 0755 /usr/local/bin/sm; cp -p {log} /root/log")).ok();
    web1.root(&format!("sed -i '2s/\"user\":\"[a-z]*\"/\"user\":\"other\"/' {log}")).ok();
    // It goes on from what was collected, so no other past was shown; and when it is to show it, that
    // is found.
    let report = fleet.audit(&["--full", "--limit", "web1"]).exit(1);
    let report = report.expect(&["web1 failed audit_changed"]);
    report.says("web1", &["its record 2 "]);
    // Cut behind a record that was collected later, and gone on with in its own way.
    web1.root(&format!(
        "head -n 2 /root/log >{log}; rm /var/lib/sm/audit.head; /usr/local/lib/true/sm audit checkpoint"
    ))
    .ok();
    for _ in 0..12 {
        web1.root("/usr/local/lib/true/sm audit checkpoint").ok();
    }
    for more in [&["--limit", "web1"][..], &["--full", "--limit", "web1"]] {
        fleet.audit(more).exit(1).expect(&["web1 failed audit_changed"]);
    }
    // The log of another host, which is whole and signed.
    web2.root("sm audit checkpoint").ok();
    let other = web2.root("sm audit export --format jsonl").ok();
    web1.write("/root/other", other);
    let lies = lies.replace("verify)", "export) cat /root/other ;; verify)");
    web1.write("/usr/local/bin/sm", lies);
    for more in [&["--limit", "web1"][..], &["--full", "--limit", "web1"]] {
        fleet.audit(more).exit(1).expect(&["web1 failed audit_changed"]);
    }
    assert_eq!(fleet.kept("web1"), kept);
    assert!(seq(&kept[0]) > 2);

    // A key that nobody has signed; and a controller that lost what it knew of one.
    web2.root("rm /var/lib/sm/audit.key; sm audit key --rotate").ok();
    let report = fleet.audit(&["--limit", "web2"]).exit(1);
    report.says("web2", &["none of the given keys has signed"]);
    fleet.controller().root(&format!("rm {STORE}/web2.pem")).ok();
    let report = fleet.audit(&["--limit", "web2"]).exit(1);
    report.says("web2", &["has checkpoints, and", "is missing"]);
    // What nobody could write so.
    fleet
        .controller()
        .root(&format!(
            "sed -i 's/web/bew/' {STORE}/web1.jsonl; sed -i 's/\"seq\"/\"sec\"/' {STORE}/web1.jsonl"
        ))
        .ok();
    let report = fleet.audit(&["--limit", "web1"]).exit(1);
    report.says("web1", &["web1.jsonl:1 is no record, or was changed"]);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn who_may_only_read_the_log_collects_what_root_has_signed() {
    let fleet = Fleet::of(vec![Host::wanted(Sudo::Classic), Host::wanted(Sudo::Classic)]);
    let [web1, web2] = &fleet.hosts[..] else { panic!("two hosts") };
    for host in [web1, web2] {
        host.let_in("agent");
        look(host);
    }
    web1.root("gpasswd -a admin adm; sm audit checkpoint").ok();
    let report = fleet.audit(&[]).exit(1);
    // Without root nobody says which key it is: the administrator does.
    let report = report.expect(&["web1 failed no_checkpoint", "web2 failed no_reply"]);
    report.says("web2", &["cannot be read"]);
    let key = web1.root("sm audit key").ok();
    fleet.controller().write(format!("{STORE}/web1.pem"), key);
    fleet.controller().root(&format!("chown admin {STORE}/web1.pem")).ok();
    let report = fleet.audit(&["--limit", "web1"]).exit(0).expect(&["web1 done ok"]);
    let warning = report.row("web1")["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("was not signed now"), "{warning}");
    assert_eq!(fleet.kept("web1").len(), 1);
    fleet.audit(&["--limit", "web1"]).exit(0).expect(&["web1 already ok"]);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_host_that_stops_signing_or_says_that_a_record_was_torn_hides_nothing() {
    let fleet = ready(1);
    let web1 = &fleet.hosts[0];
    fleet.audit(&[]).exit(0);
    let kept = fleet.kept("web1");
    let lies = |export: &str| {
        format!(
            "#!/bin/sh\ncase $2 in export) {export} ;; *) echo '{{\"schema\":1,\"success\":true,\"code\":\"ok\"}}' ;; esac\n"
        )
    };
    web1.root("mkdir /usr/local/lib/true; mv /usr/local/bin/sm /usr/local/lib/true/sm").ok();
    let lie = |text: &str| {
        web1.write("/usr/local/bin/sm", text);
        web1.root("chmod 0755 /usr/local/bin/sm").ok();
    };
    lie(&lies("true"));
    let report = fleet.audit(&[]).exit(0).expect(&["web1 already ok"]);
    let warning = report.row("web1")["warnings"][0].as_str().unwrap_or("none");
    assert!(warning.contains("was not signed now"), "{warning}");
    // A line without an end, from what the host's shell marks records with.
    web1.write("/usr/local/bin/sed", "#!/bin/sh\nexec tr '\\0' x </dev/zero\n");
    web1.root("chmod 0755 /usr/local/bin/sed").ok();
    let report = fleet.audit(&[]).exit(1);
    assert_eq!(report.row("web1")["status"], "failed", "{:#}", report.json);
    assert!(
        report.row("web1")["error"].to_string().contains("keeps printing"),
        "{:#}",
        report.json
    );
    web1.root("rm /usr/local/bin/sed").ok();
    // Another log that begins behind all that was collected.
    lie("#!/bin/sh\nexec /usr/local/lib/true/sm \"$@\"\n");
    let forge = "cd /root; log=/var/log/sm/audit.jsonl; rm $log /var/lib/sm/audit.head; i=0; \
                 while [ $i -lt 30 ]; do /usr/local/lib/true/sm audit checkpoint || exit; i=$((i+1)); done; \
                 tail -n 5 $log >new; cat new >$log";
    web1.root(forge).ok();
    lie(
        "#!/bin/sh\ncase $2 in verify) echo '{\"schema\":1,\"success\":true,\"code\":\"ok\"}' ;; *) exec /usr/local/lib/true/sm \"$@\" ;; esac\n",
    );
    let report = fleet.audit(&["--full"]).exit(1).expect(&["web1 failed audit_changed"]);
    report.says("web1", &["nothing shows that it is the same log"]);
    assert_eq!(fleet.kept("web1"), kept);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_key_that_was_replaced_signs_nothing_any_more() {
    let fleet = ready(1);
    let web1 = &fleet.hosts[0];
    fleet.audit(&[]).exit(0);
    web1.root("cd /var/lib/sm; mkdir /root/old; cp -a audit.key audit.pub /root/old").ok();
    web1.root("sm audit key --rotate").ok();
    look(web1);
    fleet.audit(&[]).exit(0).expect(&["web1 done ok"]);
    let kept = fleet.kept("web1");
    web1.root("cp -a /root/old/* /var/lib/sm/").ok();
    look(web1);
    // With what was collected last, and with all of the log.
    for how in [&[][..], &["--full"]] {
        let report = fleet.audit(how).exit(1).expect(&["web1 failed audit_changed"]);
        assert!(
            report.row("web1")["error"].to_string().contains("signed with"),
            "{:#}",
            report.json
        );
        assert_eq!(fleet.kept("web1"), kept);
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn behind_a_power_cut_the_whole_log_shows_that_it_is_the_one_that_was_collected() {
    let fleet = ready(1);
    let web1 = &fleet.hosts[0];
    fleet.audit(&[]).exit(0);
    let kept = fleet.kept("web1");
    // As if what was written behind the checkpoint had not come to the disk.
    let (last, hash) = (seq(&kept[0]), "f".repeat(64));
    let head = format!(
        "{{\"seq\":{},\"hash\":\"{hash}\",\"synced\":{last},\"boot\":1,\"signed\":{last}}}",
        last + 1
    );
    web1.write("/root/head", format!("{head:<255}\n"));
    let cut = "journalctl --rotate --vacuum-size=1 >/dev/null 2>&1; cat /root/head >/var/lib/sm/audit.head";
    web1.root(cut).ok();
    look(web1);
    let report = fleet.audit(&[]).exit(1).expect(&["web1 failed audit_changed"]);
    let report = report.says("web1", &["a power cut took what followed record"]);
    assert!(report.row("web1")["hint"].to_string().contains("--full"), "{:#}", report.json);
    assert_eq!(fleet.kept("web1"), kept);
    fleet.audit(&["--full"]).exit(0).expect(&["web1 done ok"]);
    look(web1);
    fleet.audit(&[]).exit(0).expect(&["web1 done ok"]);
    assert_eq!(fleet.kept("web1").len(), 3);
}
