//! `--flags-on-stdin`, called by hand: whatever comes there is one line of flags, or a refusal.

use std::io::Write;

use crate::answer::setup_sudo;
use crate::host::{Host, Reply, host_test, log, records, wait_until};
use crate::terminal::at_terminal;

const CALL: &str = "sudo -n -- /usr/local/bin/sm-helper --flags-on-stdin";

/// Calls with what a bash command says, whose `CALL` is the request that it is put around.
#[track_caller]
fn call(host: &Host, script: &str, request: &str) -> Reply {
    let script = script.replace("CALL", &format!("{CALL} {request}"));
    Reply::of(&host.agent(&script))
}

/// Sends these words as flags.
#[track_caller]
fn send(host: &Host, words: &[&str], request: &str) -> Reply {
    let line = serde_json::json!({"schema": 1, "arguments": words}).to_string();
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writeln!(writer, "{line}").expect("room for a line");
    drop(writer);
    let argv: Vec<&str> = CALL.split(' ').chain(request.split(' ')).collect();
    Reply::of(&host.command("agent", &argv).stdin(reader).run())
}

/// What stands on standard input, and what must be said of it.
const NO_FLAGS: [(&str, &str); 22] = [
    ("CALL <&-", "needs a pipe"),
    ("CALL </dev/null", "needs a pipe"),
    ("CALL </dev/zero", "needs a pipe"),
    ("CALL </etc/passwd", "needs a pipe"),
    ("CALL </", "needs a pipe"),
    ("echo '{\"schema\":1,\"arguments\":[]}' >~/line; CALL <~/line", "needs a pipe"),
    (": | CALL", "closed without a line of flags"),
    ("cat /dev/zero | CALL", "larger than 4096 bytes"),
    ("yes | tr -d '\\n' | CALL", "larger than 4096 bytes"),
    ("yes | CALL", "this is not a line of flags"),
    ("head -c 4096 /dev/urandom | tr -d '\\n' | CALL", "line of flags"),
    ("echo '[\"--reason=x\"]' | CALL", "this is not a line of flags"),
    ("echo '{\"schema\":2,\"arguments\":[]}' | CALL", "schema must be 1"),
    ("echo '{\"schema\":1,\"arguments\":[1]}' | CALL", "this is not a line of flags"),
    ("echo '{\"schema\":1,\"arguments\":[],\"uid\":0}' | CALL", "unknown field"),
    ("printf '[%.0s' {1..4000} | CALL", "this is not a line of flags"),
    // Nothing comes, and nobody closes it.
    ("CALL < <(exec sleep 60 2>/dev/null)", "no line of flags arrived in 1 s"),
    // What the caller cannot read itself, root does not read for it.
    ("CALL 0>&1 | cat; exit ${PIPESTATUS[0]}", "needs a pipe"),
    ("CALL 0>/run/letterbox", "needs a pipe"),
    (
        "python3 -c 'import os, sys; os.dup2(os.open(\"/run/letterbox\", os.O_PATH), 0); os.execvp(\"sudo\", sys.argv[1:])' CALL",
        "needs a pipe",
    ),
    ("mkfifo ~/fifo; CALL <>~/fifo", "needs a pipe"),
    (
        "CALL < <(printf '{\"schema\":1,'; exec sleep 60 2>/dev/null)",
        "no line of flags arrived in 1 s",
    ),
];

host_test!(what_is_no_line_of_flags_is_refused_and_recorded, |host| {
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    let pid = host.main_pid("nginx");
    // Where anybody may leave a line for root, and there is one.
    let letterbox = "mkfifo /run/letterbox; chmod 0622 /run/letterbox; systemd-run --quiet --unit=letterbox \
                     bash -c 'exec 7<>/run/letterbox; echo \\\"for root\\\" >&7; touch /run/written; sleep infinity'";
    host.root(letterbox).ok();
    wait_until("there is a letter", || host.exists("/run/written"));
    let mut wrong = Vec::new();
    for (script, said) in NO_FLAGS {
        let reply = call(host, script, "service restart nginx.service").expect("usage");
        let error = reply.json["error"].as_str().unwrap_or_default();
        let recorded = records(host, &reply.json["request_id"]);
        if !error.contains(said) || recorded.len() != 1 || recorded[0]["event"] != "refused" {
            wrong.push(format!("{script}: {error}; {recorded:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(host.main_pid("nginx"), pid);
    assert_eq!(host.root("timeout 5 head -n 1 /run/letterbox").stdout_text(), "\"for root\"\n");

    let words = CALL.split(' ').chain(["service", "restart", "nginx.service"]);
    let argv: Vec<&str> = words.collect();
    let shown = at_terminal(host, "agent", "", &argv);
    assert_eq!(shown.status, Some(2), "{shown}");
    assert!(shown.stdout_text().contains("needs a pipe"), "{shown}");

    // In parts, without a line break at its end, and with more behind it.
    for script in [
        "(printf '{\"schema\":1,'; sleep 0.2; printf '\"arguments\":[\"--reason=ok\"]}\\n') | CALL",
        "printf '{\"schema\":1,\"arguments\":[\"--reason=ok\"]}' | CALL",
        "CALL < <(printf '{\"schema\":1,\"arguments\":[\"--reason=ok\"]}\\nmore'; exec sleep 60 2>/dev/null)",
        "printf '{\"schema\":1,\"arguments\":[]}' | CALL",
    ] {
        call(host, script, "service status nginx.service").expect("ok");
    }
});

host_test!(what_comes_there_can_only_be_flags, |host| {
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    let pid = host.main_pid("nginx");
    let restart = "service restart nginx.service";
    for (words, request, code) in [
        (&["--dry-run"][..], restart, "usage"),
        (&["--via=sudo"], restart, "usage"),
        (&["--via", "socket"], restart, "usage"),
        (&["--help"], restart, "usage"),
        (&["caddy"], restart, "usage"),
        (&["--", "caddy"], restart, "usage"),
        (&["nginx.service"], restart, "usage"),
        (&["--flags-on-stdin"], restart, "usage"),
        (&["--reason=x", "--reason=y"], restart, "usage"),
        (&["--lines=5"], restart, "usage"),
        (&["--frob"], restart, "usage"),
        (&[""], restart, "invalid_argument"),
        (&["--reason="], restart, "invalid_argument"),
        (&["--reason=a\0b"], restart, "invalid_argument"),
        (&["--reason=a\u{202e}b"], restart, "invalid_argument"),
        (&["--timeout=0"], restart, "invalid_argument"),
        // sudo was asked for another one.
        (&["git"], "package upgrade", "usage"),
        (&["--", "git"], "package upgrade", "usage"),
        (&["upgrade"], "package plan upgrade", "invalid_argument"),
        (&["--schema"], "package update", "usage"),
    ] {
        let reply = send(host, words, request);
        assert!(
            reply.code() == code || (code == "invalid_argument" && reply.code() == "usage"),
            "{words:?} behind {request}: {:#}",
            reply.json
        );
        assert!(reply.json.get("argv").is_none(), "{words:?}: {:#}", reply.json);
        let recorded = records(host, &reply.json["request_id"]);
        assert_eq!(recorded.len(), 1, "{words:?}: {recorded:?}");
        assert_eq!(recorded[0]["event"], "refused");
    }
    assert_eq!(host.main_pid("nginx"), pid);
    send(host, &["--reason=x", "--timeout", "9"], "service restart nginx.service").expect("ok");

    // With the plain drop-in every word comes through, and gets no further.
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    for (request, code) in [
        ("service restart dbus.service", "denied"),
        ("service restart nginx;id", "invalid_argument"),
        ("service restart nginx --dry-run", "usage"),
        ("--flags-on-stdin service restart nginx", "usage"),
        ("service restart nginx --flags-on-stdin", "usage"),
        ("list", "usage"),
        ("version", "usage"),
        ("--help", "usage"),
    ] {
        send(host, &["--pretty"], request).expect(code);
    }
});

host_test!(without_root_it_is_no_word, all, |host| {
    let before = log(host).len();
    for words in [
        &["--flags-on-stdin", "service", "status", "nginx"][..],
        &["--flags-on-stdin", "service", "status", "nginx", "--via", "socket"],
        &["--flags-on-stdin"],
        &["service", "status", "nginx", "--flags-on-stdin"],
    ] {
        host.helper(words).expect("usage");
    }
    assert_eq!(log(host).len(), before, "it did not get to root");
    let words = ["service", "status", "nginx", "--reason", "why", "--pretty"];
    let reply = host.helper(&words).expect("ok");
    assert!(reply.stdout.starts_with(b"{\n"));
    assert!(records(host, &reply.json["request_id"]).iter().all(|each| each["reason"] == "why"));
});
