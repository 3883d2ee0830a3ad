//! `sm fleet run`: one request on many hosts, and one object with all their replies.

use crate::host::{Host, Sudo};
use crate::interrupted::{begun, gate, open};
use crate::{Fleet, INVENTORY, wait_until};
use serde_json::Value;
use std::process::Stdio;

/// A fleet where `agent` may run the helper.
fn ready(count: usize) -> Fleet {
    let sudo = |at: usize| if at == 1 { Sudo::Rs } else { Sudo::Classic };
    let fleet = Fleet::of((0..count).map(|at| Host::wanted(sudo(at))).collect());
    fleet.hosts.iter().for_each(|host| host.let_in("agent"));
    fleet.inventory(&fleet.lines("agent"));
    fleet
}

/// The audit records of a host.
fn records(host: &Host) -> Vec<Value> {
    let text = match host.exists("/var/log/sm/audit.jsonl") {
        true => host.read("/var/log/sm/audit.jsonl"),
        false => String::new(),
    };
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

fn time<'r>(records: &'r [Value], event: &str) -> &'r str {
    let record = records.iter().find(|record| record["event"] == event);
    record.and_then(|record| record["time"].as_str()).expect("its time")
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn each_hosts_reply_is_in_one_object() {
    let fleet = ready(3);
    let pids: Vec<u32> = fleet.hosts.iter().map(|host| host.main_pid("nginx")).collect();
    let report = fleet.ask(&[], &["service", "restart", "nginx"]).exit(0);
    let report = report.expect(&["web1 done ok", "web2 done ok", "web3 done ok"]);
    for (at, (host, pid)) in fleet.hosts.iter().zip(pids).enumerate() {
        assert_ne!(host.main_pid("nginx"), pid);
        let reply = &report.row(&format!("web{}", at + 1))["reply"];
        assert_eq!(reply["success"], true);
        let record = records(host).pop().expect("a record");
        assert_eq!(record["request_id"], reply["request_id"]);
        assert_eq!(record["caller"]["user"], "agent");
        host.root("sm audit verify").ok();
    }

    // Refused by the host, which says why; and by another because it has no helper.
    fleet.hosts[1].root("rm /usr/local/bin/sm-helper").ok();
    fleet.hosts[2].root("rm /etc/sudoers.d/sm-agent").ok();
    let report = fleet.ask(&[], &["service", "restart", "sshd-of-nobody"]).exit(1);
    // Where sudo lets nobody through, the policy's refusal is still the answer.
    let report =
        report.expect(&["web1 failed denied", "web2 failed no_reply", "web3 failed denied"]);
    assert_eq!(report.row("web1")["reply"]["code"], "denied");
    let report = report.says("web2", &["no reply", "bootstrap-cluster"]);
    assert!(report.row("web2")["reply"].is_null());
    let report = fleet.ask(&[], &["service", "status", "nginx"]).exit(1);
    report.expect(&["web1 done ok", "web2 failed no_reply", "web3 failed not_privileged"]);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_no_request_reaches_no_host() {
    let fleet = ready(1);
    let count = records(&fleet.hosts[0]).len();
    let logins = "journalctl -q -o cat -t sshd | grep -c Accepted; true";
    let words: [&[&str]; 8] = [
        &["service", "restart"],
        &["service", "explode", "nginx"],
        &["reboot"],
        &["--help"],
        &["service", "restart", "nginx", "nginx"],
        &["service", "restart", "nginx; reboot"],
        &["package", "install", "../../etc"],
        &["service", "restart", "nginx", "--timeout", "never"],
    ];
    for request in words {
        let report = fleet.ask(&[], request);
        assert!([2, 3].contains(&report.exit), "{request:?}: {:#}", report.json);
        assert!(report.json["hosts"].is_null(), "{request:?}: {:#}", report.json);
    }
    let meant = "did you mean: sm fleet run ... -- service restart nginx";
    assert_eq!(fleet.ask(&[], &["restart", "nginx"]).json["hint"], meant);
    let nothing = fleet.command(&["sm", "fleet", "run", "-i", INVENTORY, "--"], &[]).run();
    assert_eq!(nothing.status, Some(2), "{nothing}");
    assert_eq!(fleet.hosts[0].root(logins).ok(), "0\n");
    assert_eq!(records(&fleet.hosts[0]).len(), count);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn one_after_the_other_never_two_at_once_and_none_after_too_many_failures() {
    let fleet = ready(3);
    let request = ["service", "restart", "nginx"];
    // Setting up has asked, too.
    let before = records(&fleet.hosts[0]).len();
    fleet.ask(&["--serial", "1"], &request).exit(0);
    let spans: Vec<(String, String)> = fleet
        .hosts
        .iter()
        .map(|host| records(host).split_off(before))
        .map(|all| (time(&all, "intent").to_owned(), time(&all, "result").to_owned()))
        .collect();
    assert!(spans.windows(2).all(|two| two[0].1 < two[1].0), "{spans:?}");

    // All at once they do overlap: each waits in the middle for the others.
    fleet.hosts.iter().for_each(|host| gate(host, "/usr/sbin/nginx"));
    let words = ["sm", "fleet", "run", "-i", INVENTORY, "--", "service", "restart", "nginx"];
    let mut command = fleet.command(&words, &[]).into_command();
    let running = command.stdout(Stdio::piped()).spawn().expect("nsenter runs");
    fleet.hosts.iter().for_each(begun);
    fleet.hosts.iter().for_each(|host| open(host, "/usr/sbin/nginx"));
    assert!(running.wait_with_output().expect("it ends").status.success());

    // The second one's configuration is bad.
    fleet.hosts[1].root("echo nonsense >>/etc/nginx/nginx.conf").ok();
    let count = records(&fleet.hosts[2]).len();
    let report = fleet.ask(&["--serial", "1", "--max-fail", "1"], &request).exit(1);
    let report =
        report.expect(&["web1 done ok", "web2 failed check_failed", "web3 skipped max_fail"]);
    assert_eq!(report.row("web2")["reply"]["code"], "check_failed");
    assert_eq!(records(&fleet.hosts[2]).len(), count);
    let report = fleet.ask(&["--serial", "1", "--max-fail", "2"], &request).exit(1);
    drop(report.expect(&["web1 done ok", "web2 failed check_failed", "web3 done ok"]));
    // A host that is not reached counts, unless that is no failure.
    fleet.hosts[0].unplug();
    let report = fleet.ask(&["--serial", "1", "--max-fail", "1"], &request).exit(1);
    drop(report.expect(&[
        "web1 unreachable unreachable",
        "web2 skipped max_fail",
        "web3 skipped max_fail",
    ]));
    let more = ["--serial", "1", "--max-fail", "1", "--skip-unreachable"];
    let report = fleet.ask(&more, &request).exit(1);
    drop(report.expect(&[
        "web1 unreachable unreachable",
        "web2 failed check_failed",
        "web3 skipped max_fail",
    ]));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn words_arrive_as_they_are_and_no_shell_runs_any_of_them() {
    let fleet = ready(1);
    let host = &fleet.hosts[0];
    // Also where the account's shell is none that sh would know.
    for shell in ["/bin/bash", "/usr/bin/fish", "/usr/bin/tcsh"] {
        host.root(&format!("usermod -s {shell} agent")).ok();
        for reason in [
            "it's $(touch /tmp/run) `touch /tmp/run` \"$HOME\" \\ ; touch /tmp/run & | > /tmp/run",
            "' ; touch /tmp/run ; '",
            "--dry-run",
            "  spaces   stay  ",
            "*? [a-z] ~root {a,b} !! %n #comment",
            "ünïcode — ‘quotes’ 日本",
            "'\"'\"'",
        ] {
            let word = format!("--reason={reason}");
            let request = ["service", "status", "nginx", &word];
            let count = records(host).len();
            let report = fleet.ask(&[], &request);
            assert_eq!(report.exit, 0, "{reason:?}: {:#}", report.json);
            let new = records(host);
            assert!(new.len() > count);
            assert_eq!(new.last().expect("one")["reason"], reason, "{shell} {reason:?}");
        }
        // What the helper does not take is refused, and not cut off.
        for reason in ["two\nlines; touch /tmp/run", "escape \u{1b}[31m", "a\tb"] {
            let word = format!("--reason={reason}");
            let report = fleet.ask(&[], &["service", "status", "nginx", &word]);
            if report.exit == 0 {
                assert_eq!(records(host).last().expect("one")["reason"], reason, "{shell}");
            }
        }
    }
    assert!(!host.exists("/tmp/run") && !host.exists("/home/agent/run"));
    let left = fleet.controller().root("ls /tmp/run /home/admin/run 2>/dev/null; true").ok();
    assert_eq!(left, "");
    // Nor in the names of services.
    let report = fleet.ask(&[], &["service", "status", "$(touch /tmp/run)"]);
    assert_ne!(report.exit, 0);
    assert!(!host.exists("/tmp/run"));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_operation_goes_on_where_the_connection_is_lost() {
    let fleet = ready(1);
    let host = &fleet.hosts[0];
    gate(host, "/usr/sbin/nginx");
    let words = ["sm", "fleet", "run", "-i", INVENTORY, "--", "service", "restart", "nginx"];
    let mut command = fleet.command(&words, &[]).into_command();
    let running = command.stdout(Stdio::piped()).spawn().expect("nsenter runs");
    begun(host);
    host.root("pkill -KILL -f '[s]shd: agent'").ok();
    let output = running.wait_with_output().expect("it ends");
    let json: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(json["hosts"][0]["code"], "connection_lost", "{json:#}");
    let hint = json["hosts"][0]["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("sm audit"), "{hint}");
    open(host, "/usr/sbin/nginx");
    // What has begun has its end in the log.
    wait_until("a result", || records(host).iter().any(|record| record["event"] == "result"));
}
