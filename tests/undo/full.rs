//! With a full disk an operation goes on or is refused, as the policy says, and an undo does all or nothing.

use crate::host::{Host, Sudo, host_once};
use crate::tree::Kept;
use crate::{SITE, ask, done, dpkg_is_clean, set_up, site, undone};

host_once!(without_room_it_goes_on_or_is_refused, bare_btrfs, |host| {
    set_up(host, SITE);
    let first = done(host, "package install sm-test-old");
    // Some 5 % stay free.
    host.root("btrfs -q subvolume create /srv/room; fallocate -l $(($(stat -f -c '%a * %S' /) * 95 / 100 - $(stat -f -c '%b * %S' /) / 22)) /srv/room/full").ok();
    let free = host.root("stat -f -c '%a %b' /").ok();
    let reply = ask(host, "package install sm-test-conffile").expect("ok");
    assert!(reply.json["snapshot"].is_null(), "{free} {:#}", reply.json);
    let warnings = reply.json["warnings"].to_string();
    assert!(
        warnings.contains("no snapshot was taken: ") && warnings.contains("min_free_percent is 10"),
        "{warnings}"
    );
    assert!(host.has_package("sm-test-conffile"));
    // The older one went, to make room.
    ask(host, &format!("undo {first}")).expect("not_found");
    assert_eq!(host.root("ls /.sm-snapshots | wc -l").ok(), "0\n");

    site(host, &SITE.replace("keep = 50", "keep = 50\nrequired = true"));
    let now = Kept::now(host);
    let reply = ask(host, "package install htop").expect("unsupported");
    let error = reply.json["error"].to_string();
    assert!(error.contains("the policy requires one"), "{error}");
    assert_ne!(reply.json["changed"], true, "{:#}", reply.json);
    now.assert_same(host);
    host.root("rm /srv/room/full; btrfs filesystem sync /").ok();
    let request = done(host, "package install htop");
    undone(host, &request);
    now.assert_same(host);
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_undo_without_room_does_all_or_nothing() {
    // Who has no room for a record refuses everything, so that is on other disks.
    let wanted = Host::wanted(Sudo::Classic).bare().btrfs().tmpfs("/var/log").tmpfs("/var/lib/sm");
    let host = &wanted.boot();
    set_up(host, SITE);
    host.root("apt-get -qq install --yes git").ok();
    let before = Kept::now(host);
    let request = done(host, "package remove git");
    let after = Kept::now(host);
    // All blocks for what is in files. Not those for the rest too: without these btrfs itself goes on
    // read-only. Of files that do not fit, the tests of `src/files` tell.
    host.root(
        "btrfs -q subvolume create /srv/room; cd /srv/room
        for size in 1G 100M 10M 1M 64K; do
            n=0; while fallocate -l $size $size-$n 2>/dev/null; do n=$((n + 1)); done
        done
        sync",
    );
    let reply = ask(host, &format!("undo {request}"));
    println!("{:#}", reply.json);
    if reply.json["success"] == true {
        before.assert_same(host);
    } else {
        assert_ne!(reply.json["changed"], true);
        after.assert_same(host);
        host.root("rm -rf /srv/room/*; btrfs filesystem sync /").ok();
        undone(host, &request);
    }
    dpkg_is_clean(host);
    before.assert_same(host);
}
