//! What is run may print what it likes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::ask;
use crate::host::{Host, Reply, events, host_once, wait_until};

/// The policy's bound on each stream, in bytes.
const BOUND: usize = 65_536;

/// What no reply may hold, save line breaks and tabs.
#[track_caller]
fn is_plain(reply: &Reply, field: &str) {
    let text = reply.json[field].as_str().expect("text");
    let odd = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(odd, None, "{field} holds {odd:?}");
    assert!(text.len() <= BOUND, "{field} is {} bytes long", text.len());
    // Nor do the bytes on the wire, where an escape would have to be written as one.
    assert!(!reply.stdout.contains(&0x1b));
}

/// The most memory that one sm-helper of the host has had, in kB, while `work` ran.
fn peak_memory<T>(host: &Host, work: impl FnOnce() -> T) -> (T, u64) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = 0;
            while !done.load(Ordering::Relaxed) {
                let pids = std::fs::read_dir(host.path("/proc")).expect("/proc").flatten();
                for pid in pids {
                    let status = std::fs::read_to_string(pid.path().join("status"));
                    let status = status.unwrap_or_default();
                    if !status.starts_with("Name:\tsm-helper\n") {
                        continue;
                    }
                    let row = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                    let kb = row.and_then(|row| row.trim().strip_suffix(" kB")?.parse().ok());
                    peak = peak.max(kb.unwrap_or(0));
                }
                thread::sleep(Duration::from_millis(20));
            }
            peak
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, watch.join().expect("the watching thread"))
    })
}

host_once!(no_amount_of_output_costs_memory, ready_test_policy, |host| {
    let (reply, peak) = peak_memory(host, || ask(host, "package install sm-test-noisy"));
    assert!(peak > 500, "nothing was measured: {peak} kB");
    // The program alone is half of it, where it is not optimized.
    assert!(peak < 24 * 1024, "60 MB of output cost {peak} kB of memory");
    // On a slow machine 60 MB may take longer than the policy's minute.
    assert!(matches!(reply.code(), "ok" | "timeout"), "{}", reply.code());
    is_plain(&reply, "stdout");
    is_plain(&reply, "stderr");
    assert_eq!(reply.json["stdout_truncated"], true);
    assert_eq!(reply.json["stderr_truncated"], false);
    let text = reply.json["stdout"].as_str().expect("text");
    assert!(text.len() > BOUND * 9 / 10, "only {} bytes of it were kept", text.len());
    assert!(text.starts_with("Reading package lists") && text.contains("noisy: the first line\n"));
    let id = reply.json["request_id"].clone();
    wait_until("its end is recorded", || events(host, &id).contains("result"));
    assert_eq!(events(host, &id), "intent ok, result ok");
    assert!(host.has_package("sm-test-noisy"));
});

/// 500 kB on each stream, hostile in the middle and at both ends.
const LOUD: &str = r#"#!/usr/bin/python3
import os
evil = (b'\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J \x1bP1$r\x1b\\ \x9b1m \x00\x07\x08\x0b\x0c\x7f\r '
        b'\xff\xfe \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xc2\x9b31m \xe2\x80\xae\xe2\x81\xa6 end\n')
for fd, name in (1, b'out'), (2, b'err'):
    os.write(fd, name + b' is first\n' + evil)
for i in range(4000):
    os.write(1, evil); os.write(2, evil)
for fd, name in (1, b'out'), (2, b'err'):
    # Cut in the middle of a character and of a sequence, and never closed.
    os.write(fd, b'\x1b]0;never closed\n' + name + b' is last\n\xe2\x82')
raise SystemExit(5)
"#;

host_once!(head_and_tail_of_hostile_output_are_kept_as_plain_text, ready_test_policy, |host| {
    host.write("/usr/local/sbin/guard", LOUD);
    host.write("/etc/systemd/system/guarded.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("chmod 0755 /usr/local/sbin/guard; systemctl daemon-reload").ok();
    for line in ["service start guarded", "--pretty service start guarded"] {
        let reply = ask(host, line).expect("check_failed");
        for (stream, name) in [("stdout", "out"), ("stderr", "err")] {
            is_plain(&reply, stream);
            let text = reply.json[stream].as_str().expect("text");
            assert!(text.starts_with(&format!("{name} is first\nred ")), "{:?}", &text[..60]);
            assert!(text.ends_with(&format!("{name} is last\n\u{fffd}")), "{text:?}");
            assert!(text.contains("the middle was dropped"));
            assert!(text.len() > BOUND * 9 / 10, "{}", text.len());
            assert_eq!(reply.json[format!("{stream}_truncated")], true);
            // Characters that turn the text around are as bad as escapes (CVE-2021-42574).
            assert!(!text.contains(['\u{202e}', '\u{2066}']));
        }
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.len() < 1500 && !error.contains('\n'), "{error}");
    }
});

host_once!(a_log_line_is_plain_text_too, ready_test_policy, |host| {
    host.write(
        "/etc/systemd/system/probe.service",
        "[Service]\nType=oneshot\nExecStart=/bin/bash -c \
         'for i in {1..1200}; do echo \"line $i\"; done; printf \"\\\\033[31mred \\\\033]0;t\\\\007 \\\\377 end\\\\n\"'\n",
    );
    host.root("systemctl daemon-reload; systemctl start probe; journalctl --sync").ok();
    let lines = |reply: &Reply| reply.json["stdout"].as_str().expect("text").lines().count();

    let reply = ask(host, "service logs probe --lines 3").expect("ok");
    is_plain(&reply, "stdout");
    assert_eq!(lines(&reply), 3, "{:#}", reply.json);
    assert_eq!(reply.json["changed"], false);
    for (count, wanted) in [("1", 1), ("50", 50), ("999", 999), ("1000", 1000)] {
        let reply = ask(host, &format!("service logs probe --lines {count}")).expect("ok");
        assert_eq!(lines(&reply), wanted);
        let word = format!("--lines={count}");
        assert!(reply.argv().is_some_and(|argv| argv.contains(&word.as_str())));
    }
    assert_eq!(lines(&ask(host, "service logs probe").expect("ok")), 50);
    let whole = ask(host, "service logs probe --lines 1000").expect("ok");
    let text = whole.json["stdout"].as_str().expect("text");
    assert!(text.contains("line 900"), "{text}");
    for bad in ["0", "1001", "-1", "1e3", "99999999999999999999", "5;id", " 5", "+5", "0x10", ""] {
        host.helper(&["service", "logs", "probe", "--lines", bad]).expect("invalid_argument");
    }
    ask(host, "service status probe --lines 5").expect("usage");
    // Of that unit, and of no other.
    let reply = ask(host, "service logs nginx --lines 1000").expect("ok");
    assert!(!reply.json["stdout"].as_str().expect("text").contains("line 1"));
    // And only where the policy says so.
    ask(host, "service logs ssh").expect("denied");
    ask(host, "service logs ssh --dry-run").expect("denied");
});
