//! What an administrator is told where the log is gone, and how one goes on after a break.

use crate::chain::{FILE, audit};
use crate::host::{Host, Sudo, repository};

/// As if nothing had been asked yet.
const FORGET: &str = "rm -rf /var/log/sm /var/lib/sm; journalctl --rotate; rm -f /run/log/journal/*/*@* /var/log/journal/*/*@*";

/// A host with a log of four records.
fn used() -> Host {
    let host = Host::ready(Sudo::Classic);
    anew(&host);
    host
}

fn anew(host: &Host) {
    host.root(FORGET).ok();
    for _ in 0..2 {
        host.helper(&["service", "status", "nginx"]).expect("ok");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_log_whose_folder_is_gone_was_cut() {
    let host = used();
    host.root("rm -r /var/log/sm").ok();
    let (exit, answer) = audit(&host, "verify");
    let error = answer["error"].as_str().unwrap_or_default();
    assert_eq!(exit, 1, "{answer:#}");
    assert!(error.ends_with("ends with record 0, but /var/lib/sm has record 4"), "{error}");
    for command in ["tail", "search", "stats"] {
        let (exit, answer) = audit(&host, command);
        let hint = answer["hint"].as_str().unwrap_or_default();
        assert_eq!(exit, 1, "{answer:#}");
        assert!(hint.contains("has 4 records") && hint.contains("sm audit verify"), "{hint}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_purge_is_told_from_a_cut_and_from_a_new_host() {
    let host = used();
    host.root("rm -r /var/log/sm /var/lib/sm").ok();
    let (exit, answer) = audit(&host, "verify");
    let error = answer["error"].as_str().unwrap_or_default();
    assert_eq!(exit, 1, "{answer:#}");
    assert!(
        error.contains("removed together") && error.contains("the journal has record 4"),
        "{error}"
    );
    host.helper(&["service", "status", "nginx"]).expect("ok");
    assert_eq!(audit(&host, "verify").0, 0, "the next request begins a new log");

    host.root(FORGET).ok();
    let (exit, answer) = audit(&host, "verify");
    assert_eq!((exit, &answer["records"]), (0, &0.into()), "{answer:#}");
    for command in ["tail", "search", "stats"] {
        let (exit, answer) = audit(&host, command);
        assert_eq!(exit, 1, "{answer:#}");
        assert_eq!(answer["hint"], "the first request creates it");
    }
}

/// The command lines of the page's section on it.
fn shown() -> Vec<String> {
    let page = std::fs::read_to_string(repository().join("docs/audit.md")).expect("the page");
    let (_, section) = page.split_once("## After a break").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter_map(|line| line.strip_prefix("root# ")).map(str::to_owned).collect()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn after_a_break_the_evidence_is_kept_and_a_new_chain_begins() {
    let lines = shown();
    assert!(lines.len() >= 4, "{lines:?}");
    let host = used();
    for breaks in ["sed -i 2d audit.jsonl", "sed -i '$d' audit.jsonl", ": >audit.jsonl", "rm *"] {
        anew(&host);
        host.root(&format!("cd /var/log/sm && {breaks}")).ok();
        host.helper(&["service", "status", "nginx"]).expect("ok");
        let before = host.read(FILE);
        assert_eq!(audit(&host, "verify").0, 1, "{breaks}");
        for line in &lines {
            host.root(line).ok();
        }
        let (exit, answer) = audit(&host, "verify");
        assert_eq!((exit, &answer["first"]), (0, &1.into()), "{breaks}: {answer:#}");
        assert_eq!(host.root("cat /root/sm-*/audit.jsonl").ok(), before, "{breaks}");
        assert!(host.root("cat /root/sm-*/audit.head").ok().contains("\"seq\":"), "{breaks}");
        host.root("rm -r /root/sm-*").ok();
    }
}
