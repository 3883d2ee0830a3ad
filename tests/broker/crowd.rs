//! Many at once: everybody is answered, and nobody keeps another out.

use crate::host::{Host, events, host_test, wait_until};
use crate::{Made, UNDER_WAY, ask, ask_as, broker_test, is_quiet, replies};
use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::thread;

/// A Python script of agent's that goes on until it is dropped.
struct Running(Child);

impl Running {
    fn on(host: &Host, script: &str) -> Self {
        let script = format!(
            "threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()\n{script}"
        );
        let mut command = host.command("agent", &crate::python(&script)).into_command();
        command.stdin(Stdio::piped());
        Self(command.spawn().expect("nsenter"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

broker_test!(a_thousand_at_once_are_all_answered, |host| {
    host.root("sm setup-broker --user other").ok();
    let script = "all = [connect() for i in range(1000)]
for s in all: send(s, STATUS + b'\\n')
for s in all: say(reply(s))";
    let argv: Vec<String> = ["/usr/bin/prlimit", "--nofile=4096", "--"]
        .map(str::to_owned)
        .into_iter()
        .chain(crate::python(script))
        .collect();
    let text = thread::scope(|scope| {
        let crowd = scope.spawn(|| host.agent_argv(&argv).ok());
        wait_until("they are there", || !host.root(UNDER_WAY).stdout.is_empty());
        // The host goes on, and so does everybody else's way in.
        for _ in 0..5 {
            ask_as(host, "other", "service status nginx").expect("ok");
            host.root("systemctl status nginx").ok();
        }
        crowd.join().expect("the crowd")
    });
    let replies = replies(&text);
    let mut codes = BTreeMap::new();
    for reply in &replies {
        *codes.entry(reply["code"].as_str().expect("a code")).or_insert(0) += 1;
        if reply["code"] == "busy" {
            assert!(reply["retry_after_s"].is_number(), "{reply:#}");
        }
    }
    assert_eq!(replies.len(), 1000, "{codes:?}");
    // Who is refused that often has in the end used up its refusals too.
    let known =
        ["ok", "busy", "rate_limited"].iter().filter_map(|code| codes.get(code)).sum::<i32>();
    assert!(known == 1000 && codes["ok"] >= 64, "{codes:?}");
    is_quiet(host);
    ask(host, "service status nginx").expect("ok");
    host.root("sm audit verify").ok();
});

// Each stays for the 5 s that it has; the one after it is there at once.
const HOLD: &str = "
def hold():
    while True:
        try:
            s = connect()
            reply(s)
        except OSError: time.sleep(0.01)
for i in range(MANY): threading.Thread(target=hold, daemon=True).start()
time.sleep(1000)";

broker_test!(who_holds_all_its_connections_keeps_only_itself_out, |host| {
    host.root("sm setup-broker --user other").ok();
    let running = Running::on(host, &HOLD.replace("MANY", "70"));
    let mut refused = serde_json::Value::Null;
    wait_until("it holds all it may", || {
        refused = ask(host, "service status nginx").json;
        refused["code"] == "busy"
    });
    assert_eq!(refused["retry_after_s"], 1, "{refused:#}");
    for _ in 0..5 {
        ask_as(host, "other", "service reload nginx").expect("ok");
    }
    host.root("sm setup-broker --check --user other").ok();
    drop(running);
    wait_until("it may again", || ask(host, "service status nginx").code() == "ok");
    is_quiet(host);
    host.root("sm audit verify").ok();
});

// Nor who comes back at once, again and again.
broker_test!(a_flood_of_connections_keeps_nobody_else_out, |host| {
    host.root("sm setup-broker --user other").ok();
    let running = Running::on(host, &HOLD.replace("MANY", "500"));
    for _ in 0..2 {
        ask_as(host, "other", "service status nginx").expect("ok");
        host.root("systemctl status nginx").ok();
    }
    drop(running);
    wait_until("it is over", || ask(host, "service status nginx").code() == "ok");
    is_quiet(host);
});

// Whoever takes all that there are can have them, and that is all: there is sudo, and afterwards
// everything is as before.
broker_test!(who_takes_all_connections_there_are_stops_nothing_else, both_ways, |host| {
    host.root("sm setup-broker --user other; sm setup-sudo --user other").ok();
    let script = "os.system('prlimit --nofile=8192:8192 --pid %d' % os.getpid())
all = []
while True:
    try:
        s = socket.socket(socket.AF_UNIX); s.connect('/run/sm/sm.sock'); all.append(s)
    except OSError: time.sleep(0.01)
    if len(all) > 3000: all.pop(0).close()";
    let running = Running::on(host, script);
    wait_until("they are there", || !host.root(UNDER_WAY).stdout.is_empty());
    for _ in 0..2 {
        host.helper_as("other", &["service", "status", "nginx"]).expect("ok");
        host.root("systemctl status nginx").ok();
    }
    drop(running);
    wait_until("it is over", || ask(host, "service status nginx").code() == "ok");
    is_quiet(host);
    host.root("sm setup-broker --check --user agent; sm audit verify").ok();
});

/// Begins 35 plans each way, which come no further than to the list of what is installed.
const PLANS: &str = "mkdir out
for i in {1..35}; do
    sm-helper --via sudo package plan install git >out/a$i &
    sm-helper --via socket package plan install git >out/b$i &
done
wait; cat out/*";

// However they came: 64 of an account are under way, and whatever else it asks for is `busy`.
host_test!(what_an_account_has_under_way_is_bounded_over_both_ways_together, both_ways, |host| {
    host.root("mv /usr/bin/dpkg-query /usr/bin/dpkg-query.real; printf '#!/bin/sh\\nuntil [ -e /srv/go ]; do sleep 0.2; done\\nexec /usr/bin/dpkg-query.real \"$@\"\\n' >/usr/bin/dpkg-query; chmod 755 /usr/bin/dpkg-query; sm setup-broker --user other").ok();
    let text = thread::scope(|scope| {
        let plans = scope.spawn(|| host.agent(PLANS).ok());
        wait_until("all but 64 have their reply", || {
            host.root("cat /home/agent/out/* 2>/dev/null | grep -c busy").stdout_text() == "6\n"
        });
        for way in ["sudo", "socket"] {
            let reply = host.helper(&["--via", way, "service", "status", "nginx"]).expect("busy");
            assert_eq!(reply.json["retry_after_s"], 1);
            assert_eq!(events(host, &reply.json["request_id"]), "refused busy");
        }
        ask_as(host, "other", "service status nginx").expect("ok");
        host.root("touch /srv/go").ok();
        plans.join().expect("the plans")
    });
    let replies = replies(&text);
    let count = |code: &str| replies.iter().filter(|reply| reply["code"] == code).count();
    assert_eq!((count("ok"), count("busy")), (64, 6), "{replies:#?}");
    ask(host, "service status nginx").expect("ok");
});
