//! What has begun goes on: without the client, without the socket, with another program.

use crate::host::gate::Gate;
use crate::host::{Reply, Run, wait_until};
use crate::{UNDER_WAY, ask, broker_test, is_quiet, python, replies};
use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

broker_test!(an_operation_outlives_who_asked_for_it, both_ways_test_policy, |host| {
    let gate = Gate::on(host);
    for (line, act) in [
        ("sm-helper --via socket package install docker.io", "pkill -KILL -u agent -x sm-helper"),
        ("sm-helper --via socket package install docker.io", "pkill -KILL -u agent"),
        // The process that passes the reply on, and the unit that it is in.
        (
            "sm-helper --via socket package install docker.io",
            "systemctl kill --signal=KILL sm-broker",
        ),
        ("sm-helper --via socket package install docker.io", "systemctl stop sm-broker"),
    ] {
        thread::scope(|scope| {
            let caller = scope.spawn(|| host.agent(line));
            gate.begun();
            host.root(act).ok();
            thread::sleep(Duration::from_millis(300));
            assert!(gate.is_in_the_middle(), "{act}: ended in the middle");
            gate.open();
            gate.ends_well(act);
            let _ = caller.join();
        });
        gate.close();
        is_quiet(host);
    }
    ask(host, "service status nginx").expect("ok");
    host.root("sm audit verify").ok();
});

broker_test!(what_runs_is_answered_though_the_socket_is_stopped, both_ways_test_policy, |host| {
    let gate = Gate::on(host);
    for (act, after) in [
        ("systemctl stop sm.socket", "systemctl start sm.socket"),
        ("systemctl restart sm.socket", ""),
        ("systemctl daemon-reload; systemctl daemon-reexec", ""),
        ("sm setup-broker --remove", "sm setup-broker --user agent"),
    ] {
        thread::scope(|scope| {
            let caller =
                scope.spawn(|| host.agent("sm-helper --via socket package install docker.io"));
            gate.begun();
            host.root(act).ok();
            thread::sleep(Duration::from_millis(300));
            assert!(gate.is_in_the_middle(), "{act}: ended in the middle");
            gate.open();
            let id = gate.ends_well(act);
            let reply = Reply::of(&caller.join().expect("the caller")).expect("ok");
            assert_eq!(reply.json["request_id"], id, "{act}");
        });
        host.root(&format!("{after}\ntrue")).ok();
        gate.close();
        ask(host, "service status nginx").expect("ok");
    }
    // A stopped socket is not there at all.
    host.root("systemctl stop sm.socket").ok();
    assert!(!host.exists("/run/sm/sm.sock"));
    ask(host, "service status nginx").expect("not_privileged");
});

broker_test!(restarting_the_socket_loses_no_request, |host| {
    let clients = thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    host.agent("for i in {1..30}; do sm-helper --via socket service status nginx; done; true").ok()
                })
            })
            .collect();
        let mut restarts = 0;
        while asking.iter().any(|client| !client.is_finished()) {
            host.root("systemctl restart sm.socket").ok();
            restarts += 1;
            thread::sleep(Duration::from_millis(200));
        }
        assert!(restarts > 3, "only {restarts} restarts");
        asking.into_iter().map(|client| client.join().expect("a client")).collect::<Vec<_>>()
    });
    let mut codes = BTreeMap::new();
    for text in &clients {
        for reply in replies(text) {
            let why = format!("{} {}", reply["code"], reply["error"]);
            *codes.entry(why).or_insert(0) += 1;
        }
    }
    assert_eq!(codes.get("\"ok\" null"), Some(&240), "{codes:#?}");
    host.root("sm audit verify").ok();
});

broker_test!(the_next_request_is_the_next_programs, |host| {
    let policy = || ask(host, "version").expect("ok").json["policy"].clone();
    let before = policy();
    // One that is connected already, and asks later.
    let command: Run = host.command(
        "agent",
        &python("s = connect(); time.sleep(0.5); say(b'!\\n'); sys.stdin.read(); send(s, b'{\"schema\":1,\"arguments\":[\"version\"]}\\n'); say(reply(s))"),
    );
    let mut command = command.into_command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("nsenter");
    wait_until("it is connected", || !host.root(UNDER_WAY).stdout.is_empty());
    host.install(&PathBuf::from(env::var_os("SM_TEST_BIN").expect("SM_TEST_BIN: see tests/run")));
    let after = policy();
    assert_ne!(before, after);
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("its output");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let old = replies(text.strip_prefix("!\n").expect("a line")).remove(0);
    assert_eq!(old["policy"], before, "{old:#}");
    host.root("sm setup-broker --check --user agent").ok();
});
