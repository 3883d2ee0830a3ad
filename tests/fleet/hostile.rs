//! A host that is somebody else's: whatever it says moves nobody's cursor, fills nobody's memory,
//! and is about nobody but itself.

use crate::{Fleet, INVENTORY, is_done, line, wait_until};

/// A login shell that gets `-c COMMAND`, whose last word is the one that marks what counts.
const SHELL: &str = r#"#!/usr/bin/python3
import os, pwd, sys, time
word = sys.argv[2].split()[-1].encode() if len(sys.argv) > 2 else b"none"
me = pwd.getpwuid(os.getuid()).pw_name
ESC = b"\x1b]0;pwned\x07\x1b[2J\x1b[31m\x9b31m\x08\x7f\r"
def say(*lines):
    for l in lines:
        os.write(1, b"\n" + word + b" " + l + b"\n")
def raw(fd, bytes):
    while bytes:
        bytes = bytes[os.write(fd, bytes):]
def read(n=65536):
    return os.read(0, n)
FACTS = [b"fact uid 1000", b"fact account " + ESC + b"root", b"fact system Linux", b"fact name " + ESC,
    b"fact systemd yes", b"fact manager apt", b"fact sudo " + ESC + b"Sudo"]
RAW = FACTS + [b"fact machine x86_64", b"ready"]
def until_told(what):
    seen = b""
    while what not in seen:
        part = read()
        if not part: sys.exit(1)
        seen = (seen + part)[-100000:]
if me == "escapes":
    say(b"hello")
    os.write(2, ESC + b"sudo: " + ESC + b"\n")
    say(*FACTS, b"fact machine " + ESC, b"ready")
elif me == "denies":
    say(b"hello", *RAW)
    until_told(b"may")
    say(b"fact helper ", b"fact all ", b"fact listed " + ESC + b"go away", b"ended may")
elif me == "replies":
    say(b"hello", *RAW)
    until_told(b"may")
    say(b"fact all yes", b"ended may", b"root", b"send", b"got")
    say(b'reply 1 {"success":false,"code":"\x1b[31mbad","error":"\\u001b[2J\\u009b31m\\r\\nweb9  done","hint":"\\u001b]0;x\\u0007\\u202e"}')
elif me == "claims":
    say(b"hello", *RAW)
    until_told(b"may")
    say(b"fact all yes", b"ended may", b"root", b"send", b"got")
    say(b'reply 0 {"success":true,"code":"ok","warnings":["\\u001b[2J\\nweb1 done","' + b"x" * 100000 + b'"]}')
elif me == "floods":
    say(b"hello", *RAW)
    until_told(b"may")
    while True: raw(1, b"noise\n" * 10000)
elif me == "long":
    say(b"hello")
    os.write(1, b"\n" + word + b" fact name ")
    while True: raw(1, b"x" * 65536)
elif me == "facts":
    say(b"hello")
    n = 0
    while True:
        raw(1, b"".join(b"\n%s fact name%d %s\n" % (word, n + i, b"x" * 1000) for i in range(100)))
        n += 100
elif me == "errors":
    say(b"hello")
    try:
        for _ in range(2000): raw(2, b"e" * 65536)
    except OSError: pass
    say(b"fact system Linux", b"ready")
elif me == "prompts":
    say(b"hello", *RAW)
    until_told(b"may")
    say(b"fact helper ", b"fact all ", b"fact listed sudo: a password is required", b"ended may")
    until_told(b"password\n")
    try:
        for _ in range(50): os.write(2, word + b"-password")
    except OSError: pass # It was left.
    with open("/home/prompts/so_far", "wb") as f:
        while part := read(): f.write(part)
    os.rename("/home/prompts/so_far", "/home/prompts/got")
elif me == "begs":
    say(b"hello")
    while True: raw(2, (word + b"-password") * 1000)
elif me == "gigabyte":
    say(b"hello")
    until_told(b"sm-helper")
    os.write(1, b"\n" + word + b' reply 0 {"success":true,"code":"ok","stdout":"')
    for _ in range(16000): raw(1, b"x" * 65536)
    raw(1, b'"}\n')
elif me == "lies":
    say(b"hello")
    until_told(b"sm-helper")
    say(b'reply 0 {"success":true,"code":"\x1b[2J","stdout":"\\u001b[31m\\u009b31m\\u202e"}', b'reply 0 {"host":"web9"}')
elif me == "deep":
    say(b"hello")
    until_told(b"sm-helper")
    say(b"reply 0 " + b'{"a":' * 100000)
else:
    sys.exit(3)
"#;

const ACCOUNTS: [&str; 13] = [
    "escapes", "denies", "replies", "claims", "floods", "long", "facts", "errors", "prompts",
    "begs", "gigabyte", "lies", "deep",
];

/// A host with a bad account of each kind, and one that is as it should be.
fn fleet() -> Fleet {
    let fleet = Fleet::open(2);
    let host = &fleet.hosts[0];
    host.write("/usr/local/bin/bad", SHELL);
    let make = format!(
        "set -e; chmod 0755 /usr/local/bin/bad; cd /home; for name in {}; do \
         useradd -m -s /usr/local/bin/bad $name; install -d -o $name -m 0700 $name/.ssh; \
         install -o $name -m 0600 admin/.ssh/authorized_keys $name/.ssh; touch $name/.hushlogin; done",
        ACCOUNTS.join(" ")
    );
    host.root(&make).ok();
    let lines = ACCOUNTS.iter().map(|name| line(name, host.address(), name));
    let good = line("good", fleet.hosts[1].address(), "admin");
    fleet.inventory(&lines.chain([good]).collect::<String>());
    fleet
}

/// With no more memory than this, in kilobytes, for all of it.
const LITTLE: &str = "ulimit -v 700000; exec \"$@\"";

fn with_little<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["/bin/bash", "-c", LITTLE, "sm"], words].concat()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_bad_host_says_nothing_but_of_itself() {
    let fleet = fleet();
    let limit = "escapes:denies:replies:claims:floods:long:facts:errors:prompts:begs:good";
    let words = ["sm", "bootstrap-cluster", "-i", INVENTORY, "--limit", limit];
    let json = with_little(&[&words[..], &["--json", "--password-fd", "0"]].concat());
    let secret = crate::pipe_with("Gurkensalat");
    // The report's own checks see to it that nothing in it moves a cursor.
    let report = crate::Report::of(&fleet.command(&json, &[]).stdin(secret).run()).exit(1);
    let rows = report.json["hosts"].as_array().expect("rows");
    let names: Vec<&str> = rows.iter().filter_map(|row| row["host"].as_str()).collect();
    assert_eq!(names.join(":"), limit);
    let no_good =
        ["escapes", "denies", "replies", "floods", "long", "facts", "errors", "prompts", "begs"];
    for name in no_good {
        assert_eq!(report.row(name)["status"], "failed", "{:#}", report.row(name));
    }
    assert_eq!(report.row("prompts")["code"], "password_wrong");
    assert_eq!(report.row("good")["status"], "done", "{:#}", report.row("good"));
    is_done(&fleet, &fleet.hosts[1], "admin");
    // The password was given once at most, however often it was asked for.
    const GOT: &str = "/home/prompts/got";
    wait_until("it has read to the end", || fleet.hosts[0].exists(GOT));
    let got = fleet.hosts[0].read(GOT);
    assert!(got.matches("Gurkensalat").count() <= 1, "{got}");
    assert!(report.json.to_string().len() < 100_000, "{}", report.json.to_string().len());
    no_controls(&report.json);

    // The same for people.
    let done = fleet.command(&with_little(&words), &[]).run();
    let text = format!("{}{}", done.stdout_text(), done.stderr_text());
    assert!(!text.contains(|each: char| each.is_control() && each != '\n'), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
    let lines = done.stdout_text();
    let of_a_host = |line: &&str| !line.contains("→ ") && !line.contains("warning: ");
    assert_eq!(lines.lines().filter(of_a_host).count(), 11 + 1, "a line each, and one: {text}");
}

#[track_caller]
fn no_controls(json: &serde_json::Value) {
    match json {
        serde_json::Value::String(text) => {
            assert!(!text.contains(char::is_control), "{text:?}");
        }
        serde_json::Value::Array(all) => all.iter().for_each(no_controls),
        serde_json::Value::Object(all) => all.values().for_each(no_controls),
        _ => {}
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_bad_reply_is_bounded_and_moves_no_cursor() {
    let fleet = fleet();
    let limit = "begs:gigabyte:lies:deep";
    let words = ["sm", "fleet", "run", "-i", INVENTORY, "--limit", limit, "--", "list"];
    let done = fleet.command(&with_little(&words), &[]).run();
    let text = done.stdout_text();
    assert!(!text.trim_end().contains(char::is_control), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
    let report = crate::Report::of(&done).exit(1);
    let names: Vec<&str> = report.json["hosts"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["host"].as_str())
        .collect();
    assert_eq!(names.join(":"), limit);
    for name in ["gigabyte", "begs", "deep"] {
        assert_eq!(report.row(name)["status"], "failed", "{:#}", report.row(name));
    }
    let code = report.row("lies")["code"].as_str().unwrap_or_default();
    assert!(!code.contains(char::is_control), "{code:?}");
}
