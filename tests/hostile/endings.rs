//! A package operation that has begun comes to its end, however the caller goes away.

use std::thread;
use std::time::{Duration, Instant};

use crate::host::{Host, host_test, log};

/// The code of the request's end in the audit log, once it is there.
fn end(host: &Host, reason: &str, patience: Duration) -> Option<String> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        let records = log(host);
        let mut ours = records.iter().filter(|record| record["reason"] == reason);
        if let Some(end) = ours.find(|record| record["event"] == "result") {
            return end["code"].as_str().map(str::to_owned);
        }
        thread::sleep(Duration::from_millis(100));
    }
    None
}

/// sm-test-slow takes so many seconds to configure.
fn slow_for(host: &Host, seconds: u32) {
    host.root(&format!(
        "mv /usr/bin/sleep /usr/bin/sleep.real; cd /usr/bin
         printf '#!/bin/sh\\n[ \"$1\" = 20 ] && exec sleep.real {seconds}; exec sleep.real \"$@\"\\n' >sleep
         chmod +x sleep"
    ))
    .ok();
}

// The reply is there after six seconds, the policy's time; nobody reads it.
host_test!(an_operation_outlives_its_reply_by_more_than_a_minute, ready_test_policy, |host| {
    slow_for(host, 70);
    let reply = host.helper(&["package", "install", "sm-test-slow", "--reason", "long"]);
    reply.expect("timeout");
    let code = end(host, "long", Duration::from_secs(100));
    assert_eq!(code.as_deref(), Some("ok"));
    assert!(host.has_package("sm-test-slow"));
});

// What `Delegate=yes` gives to every account with a session, user@1000.service: a cgroup of its
// own, in which it may end and freeze whatever is there, root's processes too (cgroups(7)).
host_test!(the_callers_cgroup_does_not_hold_the_operation, ready_test_policy, |host| {
    slow_for(host, 3);
    let script = "
        mount=$(awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts)
        [[ $mount ]] || exit 77
        group=$mount$(sed -n 's/^0:://p' /proc/1/cgroup); group=${group%/init.scope}/agent
        mkdir $group && chown -R agent: $group && echo $$ >$group/cgroup.procs
        export group; cd /home/agent
        exec setpriv --init-groups --reuid=agent --regid=agent bash -c '
            sm-helper package install sm-test-slow --reason cgroup & sleep 1.5
            echo 1 >$group/cgroup.kill'";
    let done = host.root(script);
    assert_eq!(done.signal, Some(9), "{done}");
    let code = end(host, "cgroup", Duration::from_secs(20));
    assert_eq!(code.as_deref(), Some("ok"));
    assert!(host.has_package("sm-test-slow"));
});
