//! Many at once: everybody is answered, and nobody keeps another out.

use crate::host::{Host, wait_until};
use crate::{ask, ask_as, broker_test, is_quiet, replies};
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
        wait_until("they are there", || {
            host.root("systemctl list-units --no-legend 'sm@*' | wc -l").stdout_text().trim() != "0"
        });
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

// Nor who comes back at once, again and again: of the 1,024 there are some left.
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
    wait_until("they are there", || {
        host.root("systemctl list-units --no-legend 'sm@*' | wc -l").stdout_text().trim() != "0"
    });
    for _ in 0..2 {
        host.helper_as("other", &["service", "status", "nginx"]).expect("ok");
        host.root("systemctl status nginx").ok();
    }
    drop(running);
    wait_until("it is over", || ask(host, "service status nginx").code() == "ok");
    is_quiet(host);
    host.root("sm setup-broker --check --user agent; sm audit verify").ok();
});
