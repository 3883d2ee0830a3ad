//! What the snapshots do not have is said before it matters.

use crate::host::{Host, Sudo, host_once};
use crate::offer::{offer, offer_with};
use crate::tree::Kept;
use crate::{SITE, ask, done, id, set_up, site, undone};

fn policy() -> String {
    let names = "[packages.names]\nsm-undo-kernel = {}\nsm-undo-boots = {}\n";
    SITE.replace("[packages.names]\n", names)
}

/// One that has the name of a kernel's.
const KERNEL: &str = "mkdir boot; echo kernel >boot/vmlinuz-sm-test";

#[track_caller]
fn warns(json: &serde_json::Value, parts: &[&str]) {
    let warnings = json["warnings"].to_string();
    for part in parts {
        assert!(warnings.contains(part), "{part}: {json:#}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_kernel_on_another_file_system_does_not_come_back() {
    let host = &Host::wanted(Sudo::Rs).bare().btrfs().tmpfs("/boot").boot();
    set_up(host, &policy());
    offer(host, "linux-image-sm-test", "1", KERNEL);
    offer_with(host, "sm-undo-kernel", "1", "Depends: linux-image-sm-test", "");
    offer(host, "sm-undo-boots", "1", "mkdir -p boot/boots; echo a >boot/boots/a");
    let parts = ["the snapshots do not have /boot", "linux-image-sm-test is a kernel"];
    let plan = ask(host, "package plan install sm-undo-kernel").expect("ok");
    warns(&plan.json, &parts);
    let reply = ask(host, "package install sm-undo-kernel").expect("ok");
    warns(&reply.json, &parts);
    let snapshot = &reply.json["snapshot"];
    assert_eq!(snapshot["undo"], false, "{snapshot}");
    assert_eq!(snapshot["why_not"], "linux-image-sm-test is a kernel, and they do not have /boot");
    // What has nothing there is not concerned.
    let plan = ask(host, "package plan install sm-test-old").expect("ok");
    assert!(!plan.json["warnings"].to_string().contains("/boot"), "{:#}", plan.json);
    let before = Kept::now(host);
    let request = done(host, "package install sm-test-old");
    undone(host, &request);
    let found = before.differences(host);
    assert!(found.iter().all(|line| line.starts_with("/boot")), "{}", found.join("\n"));
    // Without the name of a kernel's it is known afterwards.
    let reply = ask(host, "package install sm-undo-boots").expect("ok");
    let snapshot = &reply.json["snapshot"];
    assert_eq!(snapshot["undo"], false, "{snapshot}");
    assert!(
        snapshot["why_not"].as_str().is_some_and(|why| why.contains("/boot/boots/a")),
        "{snapshot}"
    );
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn without_the_package_managers_state_there_is_no_undo() {
    let host = &Host::wanted(Sudo::Classic).bare().btrfs().subvolume("/var").boot();
    set_up(host, &policy());
    let plan = ask(host, "package plan install sm-test-old").expect("ok");
    warns(&plan.json, &["the snapshots do not have /var"]);
    let reply = ask(host, "package install sm-test-old").expect("ok");
    let snapshot = &reply.json["snapshot"];
    assert_eq!(snapshot["undo"], false, "{snapshot}");
    let why = snapshot["why_not"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("/var") && why.contains("another file system or subvolume"), "{why}");
    // And so nothing is undone by halves.
    let refused = ask(host, &format!("undo {}", id(&reply)));
    assert!(
        refused.json["success"] == false && refused.json["changed"] != true,
        "{:#}",
        refused.json
    );
    assert!(host.has_package("sm-test-old") && host.exists("/usr/share/sm-test-old/version"));
}

host_once!(without_btrfs_it_goes_on_or_is_refused, bare, |host| {
    set_up(host, &policy());
    let reply = ask(host, "package install sm-test-old").expect("ok");
    warns(&reply.json, &["no snapshot was taken: the root file system is overlay and not btrfs"]);
    assert!(reply.json["snapshot"].is_null(), "{:#}", reply.json);
    let refused = ask(host, &format!("undo {}", id(&reply))).expect("unsupported");
    assert!(refused.json["hint"].to_string().contains("package remove"), "{:#}", refused.json);
    site(host, &policy().replace("keep = 50", "required = true"));
    let refused = ask(host, "package install sm-test-conffile").expect("unsupported");
    assert!(
        refused.json["error"].to_string().contains("the policy requires one"),
        "{:#}",
        refused.json
    );
    assert!(!host.has_package("sm-test-conffile"));
});
