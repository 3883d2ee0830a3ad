//! What an administrator is told where the log is gone.

use crate::chain::audit;
use crate::host::{Host, Sudo};

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
    assert!(error.ends_with("ends with record 0, /var/lib/sm knows of 4"), "{error}");
    for command in ["tail", "search", "stats"] {
        let (exit, answer) = audit(&host, command);
        let hint = answer["hint"].as_str().unwrap_or_default();
        assert_eq!(exit, 1, "{answer:#}");
        assert!(hint.contains("knows of 4") && hint.contains("sm audit verify"), "{hint}");
    }
}
