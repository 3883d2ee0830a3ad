//! Whatever ends a request on root's side, it is recorded with the code and the dry run of its
//! reply, and it is charged: for every way out before, in and after the policy.

use crate::host::{Host, Reply, Sudo, host_test, records};
use serde_json::Value;

/// Calls the helper through sudo or over the socket, as the host is set up.
const PYTHON: &str = "import ctypes, os, resource, sys
what, words = sys.argv[1], sys.argv[2:]
if what == 'mdwe': ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
if what == 'nofile': resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
if what == 'sigpending': resource.setrlimit(resource.RLIMIT_SIGPENDING, (10, 10))
os.execv('/usr/bin/sudo', ['sudo', '-n', '/usr/local/bin/sm-helper'] + words)
";

/// What the caller has done before, the words, and the codes that are right.
const THROUGH_SUDO: &[(&str, &str, &[&str])] = &[
    ("", "--help", &["ok"]),
    ("", "service --help", &["ok"]),
    ("", "--version", &["usage"]),
    ("", "version", &["ok"]),
    ("", "version --timeout x", &["invalid_argument"]),
    ("", "list --timeout -1", &["invalid_argument"]),
    ("", "list", &["ok"]),
    ("", "list --schema", &["ok"]),
    ("", "list --dry-run", &["ok"]),
    ("", "", &["usage"]),
    ("", "bogus", &["usage"]),
    ("", "bogus --dry-run", &["usage"]),
    ("", "service restart", &["usage"]),
    ("", "service restart --dry-run", &["usage"]),
    ("", "service stop x;y", &["invalid_argument"]),
    ("", "service stop x;y --dry-run", &["invalid_argument"]),
    ("", "service stop nginx --timeout 0 --dry-run", &["invalid_argument"]),
    ("", "service stop dbus", &["denied"]),
    ("", "service stop dbus --dry-run", &["denied"]),
    ("", "package remove sudo --dry-run --reason approved", &["denied"]),
    ("", "package remove curl --reason= --dry-run", &["invalid_argument"]),
    ("", "package plan install no-such", &["denied"]),
    ("", "service status nginx", &["ok"]),
    ("", "service status nginx --dry-run", &["ok"]),
    ("", "service reload nginx", &["ok"]),
    ("", "service reload nginx --dry-run", &["ok"]),
    ("", "package plan install curl", &["ok"]),
    ("", "package plan install curl --dry-run", &["ok"]),
    ("", "--flags-on-stdin service status nginx", &["usage"]),
    ("", "--flags-on-stdin", &["usage"]),
    ("mdwe", "service status nginx", &["unsupported"]),
    ("mdwe", "--help", &["unsupported"]),
    ("mdwe", "service stop x;y --dry-run", &["unsupported"]),
    ("nofile", "service status nginx", &["ok", "unsupported"]),
    ("sigpending", "service status nginx", &["ok", "unsupported"]),
];

/// What spends leaves the state of the limits other than it was.
fn state(host: &Host) -> String {
    host.root("cd /run/sm/rate 2>/dev/null && sha256sum 1000.* || true").ok()
}

#[track_caller]
fn is_accounted_for(host: &Host, case: &str, before: &str, reply: &Value) {
    let records = records(host, &reply["request_id"]);
    let Some(last) = records.last() else { panic!("{case}: no record of {reply:#}") };
    assert_eq!(last["code"], reply["code"], "{case}: {last:#}");
    assert_eq!(last["dry_run"] == true, reply["dry_run"] == true, "{case}: {last:#}");
    let is_refused = ["intent", "result"].iter().all(|event| last["event"] != **event);
    assert_eq!(is_refused, reply["code"] != "ok", "{case}: {last:#}");
    assert_ne!(before, state(host), "{case}: not charged");
}

host_test!(every_way_out_is_recorded_and_charged, |host| {
    // Before the harness clears the state for every command.
    host.limit_the_rate();
    host.write("/srv/call.py", PYTHON);
    for (what, words, codes) in THROUGH_SUDO {
        let argv: Vec<&str> = ["/usr/bin/python3", "/srv/call.py", what]
            .into_iter()
            .chain(words.split(' ').filter(|word| !word.is_empty()))
            .collect();
        let before = state(host);
        let reply = Reply::of(&host.agent_argv(&argv));
        let case = format!("{what} {words}");
        assert!(codes.contains(&reply.code()), "{case}: {:#}", reply.json);
        is_accounted_for(host, &case, &before, &reply.json);
        // Where the words were read, the reply says so too.
        let was_read =
            what.is_empty() && !["bogus", "list"].iter().any(|word| words.starts_with(word));
        let is_dry = was_read && words.contains("--dry-run");
        assert_eq!(reply.json["dry_run"] == true, is_dry, "{case}: {:#}", reply.json);
    }
    // A broken policy, and a program that has more rights than it may have.
    for (breaks, mends, code) in [
        ("install -d /etc/sm; echo bad >/etc/sm/policy.toml", "sm policy revert", "policy_invalid"),
        (
            "chgrp adm /usr/local/bin/sm-helper; chmod 2755 /usr/local/bin/sm-helper",
            "chgrp root /usr/local/bin/sm-helper; chmod 755 /usr/local/bin/sm-helper",
            "untrusted_path",
        ),
    ] {
        host.root(breaks).ok();
        for words in [&["service", "status", "nginx"][..], &["service", "stop", "x;y", "--dry-run"]]
        {
            let argv = ["/usr/bin/sudo", "-n", "/usr/local/bin/sm-helper"];
            let argv: Vec<&str> = argv.iter().chain(words).copied().collect();
            let before = state(host);
            let reply = Reply::of(&host.agent_argv(&argv)).expect(code);
            is_accounted_for(host, breaks, &before, &reply.json);
        }
        host.root(mends).ok();
    }
    // What people are shown says so too.
    for command in
        ["sm audit tail -n 200", "sm audit stats", "journalctl -t sm-helper -o cat _UID=0"]
    {
        let shown = host.root(command).ok();
        let line = shown.lines().find(|line| line.contains("package remove sudo"));
        let line = line.unwrap_or_else(|| panic!("{command}: {shown}"));
        assert!(line.contains("--dry-run") && line.contains("denied"), "{command}: {line}");
        assert!(!line.contains("result ok"), "{command}: {line}");
    }
    let found = host.root("sm audit search --code denied").ok();
    assert!(found.contains("package remove sudo --dry-run"), "{found}");
});

/// Sends what it is given over the socket, and prints what comes back.
const SOCKET: &str = "import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect('/run/sm/sm.sock')
try:
    s.sendall(eval(sys.argv[1])); s.shutdown(socket.SHUT_WR)
except OSError: pass
out = b''
try:
    while part := s.recv(65536): out += part
except OSError: pass
sys.stdout.buffer.write(out)
";

/// What is sent that is no request, as Python, and what comes of it.
const NO_REQUEST: &[(&str, &str)] = &[
    ("b''", "usage"),
    ("b'\\n'", "usage"),
    ("b'garbage\\n'", "usage"),
    ("b'\\xff' * 100", "usage"),
    ("b'x' * 70000", "usage"),
    (r#"b'{"schema":2,"arguments":[]}\n'"#, "usage"),
    (r#"b'{"schema":1,"arguments":["version"],"uid":0}\n'"#, "usage"),
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn every_way_out_of_the_broker_is_too() {
    let host = Host::ready(Sudo::Unused);
    host.limit_the_rate();
    host.write("/srv/send.py", SOCKET);
    let send = |what: &str| {
        let argv = ["/usr/bin/python3", "/srv/send.py", what];
        let text = host.agent_argv(&argv).ok();
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let through = THROUGH_SUDO
        .iter()
        .filter(|(what, words, _)| what.is_empty() && !words.starts_with("--flags-on-stdin"));
    for (_, line, codes) in through {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let request = serde_json::json!({"schema": 1, "arguments": words});
        let before = state(&host);
        let reply = send(&format!("b'{request}\\n'"));
        assert!(codes.contains(&reply["code"].as_str().expect("a code")), "{line}: {reply:#}");
        is_accounted_for(&host, line, &before, &reply);
    }
    for (what, code) in NO_REQUEST {
        let before = state(&host);
        let reply = send(what);
        assert_eq!(reply["code"], *code, "{what}: {reply:#}");
        is_accounted_for(&host, what, &before, &reply);
    }
    // Too late, and no member any more.
    let before = state(&host);
    let late = "__import__('time').sleep(6) or b''";
    is_accounted_for(&host, "late", &before, &send(late));
    host.root("gpasswd --delete agent sm").ok();
    let argv = "setpriv --reuid=agent --regid=agent --groups=$(getent group sm | cut -d: -f3) python3 /srv/send.py \"b''\"";
    let before = state(&host);
    let reply: Value = serde_json::from_str(&host.root(argv).ok()).expect("a reply");
    assert_eq!(reply["code"], "denied");
    is_accounted_for(&host, "no member", &before, &reply);
}
