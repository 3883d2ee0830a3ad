//! auditd's part, and what is said where there is none.

use crate::host::{Host, Sudo};

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn setup_says_where_auditd_is_missing() {
    let host = Host::ready(Sudo::Classic);
    let done = host.root("sm audit setup --json");
    assert_eq!(done.status, Some(6), "{done}");
    let text = done.stdout_text();
    assert!(text.contains("\"unsupported\"") && text.contains("auditd is not installed"), "{text}");
    assert!(!host.exists("/etc/audit"), "something was changed");
    let done = host.agent("sm audit setup --json");
    assert_eq!(done.status, Some(5), "{done}");
}

/// Real auditd on this machine, in a mount namespace of its own: a host's kernel hides its audit.
#[test]
#[ignore = "needs root and auditd: run tests/run"]
fn the_kernels_log_has_every_record_and_every_change() {
    let program = std::env::var("SM_BIN").unwrap_or(env!("CARGO_BIN_EXE_sm").to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/audit/kernel.sh");
    let done = std::process::Command::new("timeout")
        .args(["--kill-after=5", "400", script, &program])
        .stdin(std::process::Stdio::null())
        .output()
        .expect("timeout(1) is there");
    let text = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success() && text.contains("all found"), "{text}");
}
