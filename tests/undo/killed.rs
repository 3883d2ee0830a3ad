//! Killed wherever it is, an operation can be undone, and an undo that was killed is done by the next one.

use crate::host::{Host, host_once, wait_until};
use crate::offer::offer;
use crate::tree::Kept;
use crate::{SITE, ask, done, dpkg_is_clean, set_up, sm, undone};
use serde_json::Value;
use std::process::{Child, Stdio};

/// A package that waits in the middle of being installed.
const WAITS: &str = "mkdir -p usr/share/waits; echo a >usr/share/waits/a
script postinst <<'END'
echo changed >>/etc/motd
while [ ! -e /srv/go-on ]; do sleep 0.02; done
END";

/// The pid of the process that runs the operation: the one whose parent, the monitor, has the same name.
const WORKER: &str = "for pid in $(pgrep -x sm-operation); do
    pgrep -x -P $pid sm-operation && break
done";

fn policy() -> String {
    SITE.replace("[packages.names]\n", "[packages.names]\nsm-undo-waits = {}\n")
}

/// Has it installed, and waits until it waits.
fn begun(host: &Host) -> (Child, String) {
    host.root("rm -f /srv/go-on").ok();
    let asked = host.command("agent", &["sm-helper", "package", "install", "sm-undo-waits"]);
    let mut asked = asked.into_command();
    let asked = asked.stdout(Stdio::piped()).spawn().expect("nsenter");
    wait_until("its script waits", || {
        host.root("pgrep -f [s]m-undo-waits.postinst").status == Some(0)
    });
    let id = crate::host::intent_of(host, "sm-undo-waits");
    (asked, id.as_str().expect("an id").to_owned())
}

host_once!(its_monitor_takes_the_second_snapshot, bare_btrfs, all, |host| {
    set_up(host, &policy());
    offer(host, "sm-undo-waits", "1", WAITS);
    let before = Kept::now(host);
    let (asked, id) = begun(host);
    host.root(&format!("kill -KILL $({WORKER}); touch /srv/go-on")).ok();
    let _ = asked.wait_with_output();
    let mut result = Value::Null;
    wait_until("its end is known", || {
        result = host.helper(&["result", &id]).json;
        result["operation"]["name"] == "sm-undo-waits" && result["snapshot"]["after"].is_u64()
    });
    assert_eq!(result["snapshot"]["undo"], true, "{result:#}");
    assert!(host.root("pgrep -x dpkg").status == Some(1));
    undone(host, &id);
    dpkg_is_clean(host);
    before.assert_same(host);
});

host_once!(what_was_killed_with_all_of_it_is_undone_by_root, bare_btrfs, |host| {
    set_up(host, &policy());
    offer(host, "sm-undo-waits", "1", WAITS);
    let before = Kept::now(host);
    let (asked, id) = begun(host);
    host.root(
        "kill -KILL $(pgrep -x 'sm-operation|apt-get|dpkg'; pgrep -f '[s]m-undo-waits.postinst')",
    )
    .ok();
    let _ = asked.wait_with_output();
    assert_ne!(host.root("dpkg --audit").ok(), "");
    let half = Kept::now(host);
    let reply = ask(host, &format!("undo {id}")).expect("plan_refused");
    let hint = format!("sm undo --force {id}");
    assert!(reply.json["hint"].to_string().contains(&hint), "{:#}", reply.json);
    half.assert_same(host);
    let (exit, answer) = sm(host, &format!("undo --yes --force {id}"));
    assert_eq!(exit, 0, "{answer:#}");
    dpkg_is_clean(host);
    before.assert_same(host);
});

/// Undoes with a fault at one call. Prints how often it came to that.
const FAULTY: &str = "export SUDO_USER=agent SUDO_UID=1000 SUDO_GID=1000
strace -qqq -f -o /run/trace -e trace=$CALL -e inject=$CALL:$FAULT:when=$N \
    /usr/local/bin/sm-helper undo $ID >/run/out 2>/run/err
for i in {1..500}; do pgrep -x 'sm-helper|sm-operation' >/dev/null || break; sleep 0.02; done
grep -c '$SEEN' /run/trace";

/// Installs, undoes with a fault, and undoes again.
#[track_caller]
fn completed(host: &Host, before: &Kept, call: &str, n: u32, (fault, seen): (&str, &str)) -> bool {
    let request = done(host, "package upgrade sm-test-conffile");
    let script =
        FAULTY.replace("$CALL", call).replace("$N", &n.to_string()).replace("$ID", &request);
    let count = host.root(&script.replace("$FAULT", fault).replace("$SEEN", seen)).stdout_text();
    println!("{call} {n} {fault}: {} {}", count.trim(), host.read("/run/out"));
    let is_hit = count != "0\n";
    if is_hit {
        // What fails says whether it has changed something. If all was killed, there is no reply.
        let failed: Value = serde_json::from_str(&host.read("/run/out")).unwrap_or_default();
        if failed["code"] == "command_failed" {
            let is_changed = call == "renameat2" && n > 1;
            assert_eq!(failed["changed"], is_changed, "{call} {n}: {failed:#}");
            assert_eq!(failed["undone"]["files"].as_u64() > Some(0), is_changed, "{failed:#}");
        }
        let reply = ask(host, &format!("undo {request}")).expect("ok");
        let is_done = reply.json["undone"]["request_id"] == request.as_str();
        assert!(is_done || reply.json["changed"] == false, "{:#}", reply.json);
    }
    dpkg_is_clean(host);
    let found = before.differences(host);
    assert!(found.is_empty(), "{call} {n} {fault}:\n{}", found.join("\n"));
    is_hit
}

fn older(host: &Host) -> Kept {
    set_up(host, SITE);
    host.root("apt-get -qq install --yes sm-test-conffile=1").ok();
    Kept::now(host)
}

host_once!(an_undo_that_was_killed_is_done_by_the_next_one, bare_btrfs, |host| {
    let before = older(host);
    for (call, when) in [
        ("renameat2", &[1, 2, 7][..]),
        ("unlinkat", &[1, 3, 9]),
        ("utimensat", &[1, 12]),
        ("fchownat", &[2]),
        ("openat2", &[40, 100]),
        ("execve", &[1]),
        ("fsync", &[3, 5]),
    ] {
        for n in when {
            let is_hit =
                completed(host, &before, call, *n, ("signal=SIGKILL", "killed by SIGKILL"));
            assert!(is_hit, "{call} is not called {n} times");
        }
    }
});

host_once!(an_undo_that_finds_no_room_is_done_by_the_next_one, bare_btrfs, |host| {
    let before = older(host);
    for (call, n) in [
        ("mkdirat", 1),
        ("mkdirat", 4),
        ("fchownat", 3),
        ("utimensat", 2),
        ("renameat2", 1),
        ("renameat2", 4),
    ] {
        let is_hit = completed(host, &before, call, n, ("error=ENOSPC", "(INJECTED)"));
        assert!(is_hit, "{call} is not called {n} times");
    }
});
