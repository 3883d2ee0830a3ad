//! What a command prints is in no log of ours: only how much it was, and its hash.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::chain::{FILE, intact};
use crate::host::{Host, host_once, log};

const ORDINARY: &str = "configuration test of the 7th column failed";
const SECRET: &str = "connecting as app, password=hunter2hunter2";
const TOKEN: &str = "\x1b[1mghp_0123456789abcdefghij\x1b[0mABCDEFGHIJ012345";

/// What is printed.
fn printed() -> String {
    format!("{TOKEN}\n{SECRET}\n{ORDINARY}\n")
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// None of it is in the log, nor in what went to the journal in our name.
#[track_caller]
fn is_nowhere(host: &Host) {
    host.root("journalctl --sync").ok();
    let journal = host.root("journalctl -t sm-helper -o json --all").ok();
    assert!(journal.contains("SM_ERROR") && journal.contains("SM_RECORD"), "{journal}");
    for text in [host.read(FILE), journal] {
        for part in ["7th column", "connecting as", "hunter2", "0123456789abc", "[masked]"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }
    intact(host);
}

host_once!(what_a_check_prints_is_only_measured, ready_test_policy, |host| {
    host.write("/root/printed", printed());
    host.write(
        "/etc/systemd/system/guarded.service",
        "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n",
    );
    host.write(
        "/usr/local/sbin/guard",
        "#!/bin/sh\ncat /root/printed /root/printed; cat /root/printed >&2\nexit 3\n",
    );
    host.root("chmod 0755 /usr/local/sbin/guard; systemctl daemon-reload").ok();
    let reply = host.helper(&["service", "start", "guarded"]).expect("check_failed");
    // The caller is told, but for the secrets.
    let error = reply.json["error"].as_str().expect("an error");
    assert!(error.ends_with(&format!(": {ORDINARY}")), "{error}");
    let plain = format!("[masked]\nconnecting as app, password=[masked]\n{ORDINARY}\n");
    assert_eq!(reply.json["stderr"], plain);
    assert_eq!(reply.json["stdout"], plain.repeat(2));

    let all = log(host);
    let result = all.last().expect("a record");
    let (once, twice) = (printed(), printed().repeat(2));
    assert_eq!(result["stdout"]["bytes"], twice.len(), "{result:#}");
    assert_eq!(result["stdout"]["sha256"], hash(&twice).as_str(), "{result:#}");
    assert_eq!(result["stderr"]["bytes"], once.len(), "{result:#}");
    assert_eq!(result["stderr"]["sha256"], hash(&once).as_str(), "{result:#}");
    assert_eq!(error.strip_suffix(&format!(": {ORDINARY}")), result["error"].as_str());
    assert_eq!(all[all.len() - 2]["stdout"], Value::Null, "nothing was run for an intent");
    is_nowhere(host);
});

host_once!(what_a_package_prints_is_only_measured, ready_test_policy, |host| {
    host.write("/root/printed", printed());
    host.write(
        "/etc/apt/apt.conf.d/99printed",
        "DPkg::Pre-Invoke { \"cat /root/printed; cat /root/printed >&2; exit 1\"; };\n",
    );
    let reply = host.helper(&["package", "install", "sm-test-probe"]).expect("command_failed");
    let stdout = reply.json["stdout"].as_str().expect("its output");
    assert!(stdout.contains(&format!("password=[masked]\n{ORDINARY}\n")), "{stdout}");
    let error = reply.json["error"].as_str().expect("an error");
    let result = log(host).pop().expect("a record");
    let recorded = result["error"].as_str().expect("an error");
    let hook = "a command from apt.conf failed: DPkg::Pre-Invoke: cat /root/printed";
    assert!(error.contains(hook) && error.starts_with(recorded), "{error}");
    let bytes = |stream: &str| result[stream]["bytes"].as_u64().expect("a number");
    assert!(bytes("stdout") > printed().len() as u64 && bytes("stderr") > printed().len() as u64);
    assert_ne!(result["stdout"]["sha256"], result["stderr"]["sha256"]);
    is_nowhere(host);
});
