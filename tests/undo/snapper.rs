//! Where snapper is set up, the snapshots are snapper's, and its hook for apt takes no second pair.

use crate::host::{Host, host_once};
use crate::tree::Kept;
use crate::{SITE, ask, done, dpkg_is_clean, id, set_up, undone};
use serde_json::Value;

/// What apt changes before it runs dpkg, and with it the hook.
const BEFORE_DPKG: &str = "/var/cache/apt/archives/partial: ";

/// All snapshots that snapper knows of, but number 0, which is the host itself.
fn listed(host: &Host) -> Vec<Value> {
    let printed = host.root("snapper --no-dbus -c root --jsonout list --disable-used-space").ok();
    let list: Value = serde_json::from_str(&printed).expect("a list");
    let rows = list["root"].as_array().expect("a list").iter();
    rows.filter(|row| row["number"] != 0).cloned().collect()
}

fn with_snapper(host: &Host) {
    set_up(host, SITE);
    host.root("snapper --no-dbus -c root create-config /").ok();
}

host_once!(the_snapshots_are_snappers, bare_btrfs, all, |host| {
    with_snapper(host);
    // Its own hook for apt is off.
    host.write("/etc/default/snapper", "DISABLE_APT_SNAPSHOT=\"yes\"\n");
    let before = Kept::now(host);
    let reply = ask(host, "package install sm-test-conffile").expect("ok");
    let request = id(&reply);
    let rows = listed(host);
    let [pre, post] = &rows[..] else { panic!("{rows:#?}") };
    assert_eq!((&pre["type"], &post["type"]), (&"pre".into(), &"post".into()));
    assert_eq!(
        (&reply.json["snapshot"]["before"], &reply.json["snapshot"]["after"]),
        (&pre["number"], &post["number"])
    );
    assert_eq!(post["pre-number"], pre["number"]);
    for row in &rows {
        assert!(row["description"].as_str().is_some_and(|text| text.contains(&request)), "{row:#}");
        assert_eq!(row["userdata"]["sm_request"], request.as_str(), "{row:#}");
    }
    assert!(!host.exists("/.sm-snapshots"));
    let after = Kept::now(host);
    let back = undone(host, &request);
    dpkg_is_clean(host);
    before.assert_same(host);
    // In their place are those of the undo.
    let rows = listed(host);
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert!(
        rows.iter().all(|row| row["userdata"]["sm_request"] == id(&back).as_str()),
        "{rows:#?}"
    );
    undone(host, &id(&back));
    after.assert_same(host);
    assert!(host.root("btrfs qgroup show /").stderr_text().contains("quotas not enabled"));
});

host_once!(those_of_its_hook_are_used, bare_btrfs, |host| {
    with_snapper(host);
    for line in ["package install sm-test-conffile", "package install htop"] {
        let count = listed(host).len();
        let between = Kept::now(host);
        let reply = ask(host, line).expect("ok");
        let rows = listed(host);
        let [.., pre, post] = &rows[..] else { panic!("{rows:#?}") };
        assert_eq!(rows.len(), count + 2, "a second pair: {rows:#?}");
        assert_eq!(
            (&pre["description"], &post["description"]),
            (&"apt".into(), &"apt".into()),
            "{rows:#?}"
        );
        let snapshot = &reply.json["snapshot"];
        assert_eq!(
            (&snapshot["before"], &snapshot["after"]),
            (&pre["number"], &post["number"]),
            "{snapshot}"
        );
        assert_eq!(snapshot["undo"], true, "{:#}", reply.json);
        undone(host, &id(&reply));
        dpkg_is_clean(host);
        let found = between.differences(host);
        assert!(found.iter().all(|line| line.starts_with(BEFORE_DPKG)), "{}", found.join("\n"));
        // They are the administrator's, and stay.
        assert!(listed(host).iter().any(|row| row["number"] == pre["number"]));
    }
    assert!(host.root("btrfs qgroup show /").stderr_text().contains("quotas not enabled"));

    // Taken away by the administrator: then it is said so.
    let request = done(host, "package install htop");
    let reply = ask(host, "package remove htop").expect("ok");
    host.root(&format!("snapper --no-dbus -c root delete {}", reply.json["snapshot"]["before"]))
        .ok();
    let refused = ask(host, &format!("undo {}", id(&reply))).expect("unsupported");
    assert!(refused.json["changed"] != true, "{:#}", refused.json);
    assert_ne!(request, id(&reply));
});
