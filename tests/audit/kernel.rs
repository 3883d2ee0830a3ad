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
