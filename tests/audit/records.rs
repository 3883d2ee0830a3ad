//! What stands in a record: all that the contract lists, for whatever reaches root.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use serde_json::Value;

use crate::chain::{FILE, intact, unlimited_starts};
use crate::host::{Host, Reply, host_once, host_test, log};

/// A command line after `sm-helper`, the code it gets, and the events of its records.
type Case = (&'static [&'static str], &'static str, &'static [&'static str]);

const DONE: &[&str] = &["intent", "result"];
const REFUSED: &[&str] = &["refused"];
const ANSWERED: &[&str] = &["result"];

const CASES: &[Case] = &[
    (&["service", "restart", "nginx", "--reason", "new certificate"], "ok", DONE),
    (&["service", "status", "nginx"], "ok", DONE),
    (&["service", "stop", "snapd.socket"], "command_failed", DONE),
    (&["package", "plan", "install", "curl"], "ok", DONE),
    (&["package", "install", "sm-test-fail"], "command_failed", DONE),
    (&["package", "install", "curl"], "plan_refused", DONE),
    (&["service", "restart", "sshd"], "denied", REFUSED),
    (&["package", "install", "zsh"], "denied", REFUSED),
    (&["service", "restart", "explained"], "reason_required", REFUSED),
    (&["service", "restart", "nginx;id"], "invalid_argument", REFUSED),
    (&["service", "restart", "../nginx"], "invalid_argument", REFUSED),
    (&["service", "restart", "nginx", "--reason", "a\nb"], "invalid_argument", REFUSED),
    (&["service", "restart", "--", "-H"], "invalid_argument", REFUSED),
    (&[], "usage", REFUSED),
    (&["service"], "usage", REFUSED),
    (&["frobnicate", "nginx"], "usage", REFUSED),
    (&["service", "mask", "nginx"], "usage", REFUSED),
    (&["service", "restart", "nginx", "ssh"], "usage", REFUSED),
    (&["service", "restart", "nginx", "--frob"], "usage", REFUSED),
    (&["list"], "ok", ANSWERED),
    (&["version"], "ok", ANSWERED),
    (&["service", "restart", "nginx", "--dry-run"], "ok", ANSWERED),
];

const FIELDS: &[&str] = &[
    "seq",
    "time",
    "event",
    "request_id",
    "caller",
    "operation",
    "argv",
    "reason",
    "code",
    "returncode",
    "duration_ms",
    "policy",
    "prev",
    "hash",
];
const CALLER: &[&str] = &["uid", "user", "gid", "pid", "via", "tty", "loginuid"];

fn through_sudo(host: &Host, arguments: &[impl AsRef<OsStr>]) -> Reply {
    let mut argv: Vec<OsString> = ["sudo", "-n", "/usr/local/bin/sm-helper"].map(Into::into).into();
    argv.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
    Reply::of(&host.agent_argv(&argv))
}

/// What holds for each record, whatever it is about.
#[track_caller]
fn is_complete(record: &Value) {
    let fields = record.as_object().expect("an object");
    assert!(FIELDS.iter().all(|name| fields.contains_key(*name)), "{record:#}");
    let caller = record["caller"].as_object().expect("an object");
    assert!(CALLER.iter().all(|name| caller.contains_key(*name)), "{record:#}");
    assert_eq!((&caller["uid"], &caller["user"]), (&1000.into(), &"agent".into()), "{record:#}");
    assert_eq!((&caller["gid"], &caller["via"]), (&1000.into(), &"sudo".into()), "{record:#}");
    assert!(caller["pid"].as_i64().is_some_and(|pid| pid > 1), "{record:#}");
    // RFC 3339, UTC, microseconds: 2026-11-21T19:30:00.123456Z
    let time = record["time"].as_str().expect("a time");
    let shape: String =
        time.chars().map(|each| if each.is_ascii_digit() { '0' } else { each }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    assert!(record["policy"].as_str().is_some_and(|hash| !hash.is_empty()), "{record:#}");
}

host_test!(a_request_leaves_complete_records, ready_test_policy, |host| {
    unlimited_starts(host);
    for (arguments, code, events) in CASES {
        let before = log(host).len();
        let reply = through_sudo(host, arguments).expect(code);
        let new = log(host).split_off(before);
        let seen: Vec<_> = new.iter().map(|record| record["event"].as_str()).collect();
        assert_eq!(
            seen,
            events.iter().map(|event| Some(*event)).collect::<Vec<_>>(),
            "{arguments:?}"
        );
        for record in &new {
            is_complete(record);
            assert_eq!(record["request_id"], reply.json["request_id"], "{record:#}");
        }
        let last = &new[new.len() - 1];
        assert_eq!(last["code"], *code, "{last:#}");
        if *events == DONE {
            assert_eq!(new[0]["argv"], reply.json["argv"], "{:#}", new[0]);
            assert_eq!(new[0]["operation"], reply.json["operation"], "{:#}", new[0]);
            assert_eq!(new[0]["returncode"], Value::Null, "{:#}", new[0]);
            assert_eq!(last["returncode"], reply.json["returncode"], "{last:#}");
        } else {
            let asked: Vec<_> =
                arguments.iter().map(|word| word.escape_default().to_string()).collect();
            assert_eq!(last["asked"], Value::from(asked), "{last:#}");
        }
        if let Some(at) = arguments.iter().position(|word| *word == "--reason")
            && *events == DONE
        {
            assert!(new.iter().all(|record| record["reason"] == arguments[at + 1]), "{new:#?}");
        }
    }
    intact(host);
});

host_test!(what_was_asked_is_escaped_and_bounded, |host| {
    let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let word = |text: &str| OsString::from(text);
    let cases: Vec<Vec<OsString>> = vec![
        vec![word("service"), word("restart"), bytes(b"\xff\xfe\x1b[2J\r")],
        vec![word("service"), word("restart"), bytes(&[b'\\'; 100_000])],
        vec![word("service"), word("restart"), bytes(&[0xff; 100_000])],
        vec![word("service"), word("restart"), word("n\u{202e}ginx\u{2028}")],
        std::iter::repeat_n(bytes(&[b'"'; 300]), 3_000).collect(),
        vec![word("service"), word("restart"), word("nginx"), word("--reason"), bytes(b"\x01")],
        vec![
            bytes(b"\n"),
            bytes(b"\n"),
            bytes(b"\0x".split(|byte| *byte == 0).next_back().expect("x")),
        ],
    ];
    for arguments in &cases {
        let before = host.read(log_or_nothing(host)).lines().count();
        let reply = through_sudo(host, arguments);
        assert!(["usage", "invalid_argument"].contains(&reply.code()), "{:#}", reply.json);
        let text = host.read(FILE);
        let new: Vec<&str> = text.lines().skip(before).collect();
        assert_eq!(new.len(), 1, "{new:?}");
        assert!(new[0].len() < 4096, "{} bytes", new[0].len());
        let record: Value = serde_json::from_str(new[0]).expect("JSON");
        is_complete(&record);
        let asked = record["asked"].as_array().expect("what was asked");
        assert!(asked.len() <= 17, "{record:#}");
        for word in asked {
            let word = word.as_str().expect("a string");
            let plain = word.chars().all(|each| each == '…' || (' '..='~').contains(&each));
            assert!(plain && word.len() < 512, "{word}");
        }
        assert!(!new[0].contains('\u{202e}') && !new[0].contains('\u{2028}'), "{}", new[0]);
    }
    intact(host);
});

// Only what may change something is worth root's disk for all of the caller's words.
host_once!(a_reason_is_whole_where_something_is_done_for_it, |host| {
    unlimited_starts(host);
    let (quotes, wide) = ("\"".repeat(500), "🙂".repeat(500));
    for (words, reason, code, most) in [
        (&["service", "restart", "nginx"] as &[&str], &wide, "ok", 2000),
        (&["service", "status", "nginx"], &wide, "ok", 256),
        (&["service", "restart", "nginx", "--dry-run"], &wide, "ok", 256),
        (&["service", "restart", "sshd"], &quotes, "denied", 256),
        (&["package", "install", "zsh"], &wide, "denied", 256),
    ] {
        let before = log(host).len();
        let arguments = [words, &["--reason", reason]].concat();
        through_sudo(host, &arguments).expect(code);
        for record in &log(host)[before..] {
            let kept = record["reason"].as_str().expect("a reason");
            assert!(serde_json::to_string(kept).expect("JSON").len() <= most + 2, "{record:#}");
            match kept.strip_suffix('…') {
                Some(beginning) => assert!(most == 256 && reason.starts_with(beginning)),
                None => assert!(most > 256 && kept == reason, "{record:#}"),
            }
            assert!(record.to_string().len() < most + 3000, "{record:#}");
        }
    }
    intact(host);
});

fn log_or_nothing(host: &Host) -> &'static str {
    if host.exists(FILE) { FILE } else { "/dev/null" }
}
