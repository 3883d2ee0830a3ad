//! What an operation leaves running is left running, and what is dead is buried.

use std::thread;

use crate::ask;
use crate::host::{Host, events, host_once, intent_of, wait_until};

/// `docker.io` with this script.
fn offer(host: &Host, script: &str) {
    host.write("/run/script", script);
    host.root(
        "set -e; mkdir -p /tmp/left/DEBIAN /srv/left
         printf '%s\\n' 'Package: docker.io' 'Version: 1' 'Architecture: all' 'Maintainer: tests <tests@localhost>' 'Description: it leaves something' >/tmp/left/DEBIAN/control
         install -m 0755 /run/script /tmp/left/DEBIAN/postinst
         dpkg-deb -Zgzip -b /tmp/left /srv/left/docker.io_1_all.deb
         cd /srv/left; apt-ftparchive packages . >Packages
         echo 'deb [trusted=yes] file:/srv/left ./' >/etc/apt/sources.list.d/left.list; apt-get -qq update",
    )
    .ok();
}

// Three ways to leave a daemon: with the streams of the script, without, and in its own session.
const DAEMONS: &str = "#!/bin/sh
sleep 1001 &
sleep 1002 >/dev/null 2>&1 </dev/null &
setsid sleep 1003 >/dev/null 2>&1 </dev/null &
touch /run/begun
while [ ! -e /run/go ]; do sleep 0.05; done
";

host_once!(a_daemon_that_a_script_leaves_behind_lives_on, ready_test_policy, all, |host| {
    offer(host, DAEMONS);
    for act in ["true", "kill -KILL $(pgrep -n -x sm-operation)"] {
        host.root("dpkg --purge docker.io; rm -f /run/begun /run/go; pkill sleep");
        thread::scope(|scope| {
            let caller = scope.spawn(|| host.agent("exec sm-helper package install docker.io"));
            wait_until("it has begun", || host.exists("/run/begun"));
            host.root(&format!(
                "RUNS=$(ps -o ppid= -p $(pgrep -x apt-get)); {}",
                act.replace("$(pgrep -n -x sm-operation)", "$RUNS")
            ))
            .ok();
            host.write("/run/go", "");
            let id = intent_of(host, "docker.io");
            wait_until(&format!("{act}: it is recorded"), || events(host, &id).contains("result"));
            assert_eq!(events(host, &id), "intent ok, result ok", "{act}");
            caller.join().expect("the caller");
            wait_until("nothing of ours is left", || {
                host.root("pgrep -x 'sm-operation|sm-helper'").status == Some(1)
            });
            for number in [1001, 1002, 1003] {
                // Init's children now.
                let parent =
                    host.root(&format!("ps -o ppid= -p $(pgrep -f '[s]leep {number}')")).ok();
                assert_eq!(parent.trim(), "1", "{act}: sleep {number}");
            }
            assert!(host.has_package("docker.io"), "{act}");
        });
    }
    // They hold nothing that the next operation needs.
    ask(host, "package remove docker.io").expect("ok");
});

// Each orphan that dies becomes a zombie of whoever adopted it.
const ORPHANS: &str = "#!/bin/sh
i=0
while [ $i -lt 300 ]; do
    (true &)
    i=$((i + 1))
done
touch /run/begun
while [ ! -e /run/go ]; do sleep 0.05; done
";

host_once!(zombies_do_not_pile_up, ready_test_policy, |host| {
    offer(host, ORPHANS);
    for act in ["true", "kill -KILL $RUNS"] {
        host.root("dpkg --purge docker.io; rm -f /run/begun /run/go").ok();
        thread::scope(|scope| {
            let caller = scope.spawn(|| host.agent("exec sm-helper package install docker.io"));
            wait_until("it has begun", || host.exists("/run/begun"));
            host.root(&format!("RUNS=$(ps -o ppid= -p $(pgrep -x apt-get)); {act}")).ok();
            wait_until(&format!("{act}: the dead are buried"), || {
                host.root("ps -eo stat= | grep -c ^Z").stdout_text().trim() == "0"
            });
            host.write("/run/go", "");
            let id = intent_of(host, "docker.io");
            wait_until("it is recorded", || events(host, &id).contains("result"));
            assert_eq!(events(host, &id), "intent ok, result ok", "{act}");
            caller.join().expect("the caller");
        });
    }
});
