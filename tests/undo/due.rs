//! What still runs what an undo has replaced is named.

use crate::host::host_once;
use crate::offer::offer;
use crate::tree::Kept;
use crate::{SITE, done, set_up, undone};
use serde_json::json;

const PROGRAM: &str = "mkdir -p usr/lib/sm-undo-runs; cp /bin/sleep usr/lib/sm-undo-runs/sleep
echo $VERSION >>usr/lib/sm-undo-runs/sleep";

host_once!(a_unit_that_still_runs_it_is_named, bare_btrfs, |host| {
    let policy = SITE.replace(
        "[services.units.nginx]\n",
        "[services.units.nginx]\n[services.units.runs]\nactions = [\"status\"]\n",
    );
    set_up(host, &policy.replace("[packages.names]\n", "[packages.names]\nsm-undo-runs = {}\n"));
    for version in ["1", "2"] {
        offer(host, "sm-undo-runs", version, &PROGRAM.replace("$VERSION", version));
    }
    host.root("apt-get -qq install --yes sm-undo-runs=1").ok();
    let before = Kept::now(host);
    let request = done(host, "package upgrade sm-undo-runs");
    for unit in ["runs", "not-named"] {
        host.root(&format!("systemd-run --quiet --unit={unit} /usr/lib/sm-undo-runs/sleep 1000"))
            .ok();
    }
    let reply = undone(host, &request);
    assert_eq!(reply.json["restart_needed"], json!(["runs.service"]), "{:#}", reply.json);
    assert_eq!(reply.json["restart_needed_others"], 1, "{:#}", reply.json);
    assert_eq!(reply.json["reboot_needed"], false, "{:#}", reply.json);
    before.assert_same(host);
});
