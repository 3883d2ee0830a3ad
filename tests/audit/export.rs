//! `sm audit export` on real hosts: of a real log, of rotated and compressed files, over a rotation
//! while it follows, and over a kill at each of its system calls.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::chain::{FILE, audit, chained, check};
use crate::host::{Host, Sudo, wait_until};

/// A log with every kind of record that a short test can make, in a compressed file, one that is
/// put aside, and the current one.
fn made() -> Host {
    let host = Host::ready(Sudo::Classic);
    host.helper(&["service", "restart", "nginx", "--reason", "new | cert = \"x\\]\""]).expect("ok");
    host.helper(&["service", "status", "caddy"]);
    host.root(&format!("mv {FILE} {FILE}.2; gzip {FILE}.2")).ok();
    host.helper(&["service", "restart", "sshd"]).expect("denied");
    host.helper(&["package", "install", "htop", "--dry-run"]).expect("ok");
    host.root(&format!("mv {FILE} {FILE}.1")).ok();
    host.agent("sudo -n /usr/local/bin/sm-helper frob '\"x\\]|=' $'a\\nb'");
    host.root("sm-helper service reload nginx").ok();
    host
}

/// The numbers of what was exported.
fn numbers(text: &str, key: &str) -> Vec<u64> {
    let number = |line: &str| {
        let (_, rest) = line.split_once(key).unwrap_or_else(|| panic!("{line}"));
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("{line}"))
    };
    text.lines().map(number).collect()
}

const KEYS: [(&str, &str); 5] = [
    ("ecs", "\"sequence\":"),
    ("ocsf", "\"sequence\":"),
    ("cef", " externalId="),
    ("rfc5424", " seq=\""),
    ("jsonl", "{\"seq\":"),
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn every_record_of_every_file_is_exported_in_each_format() {
    let host = made();
    let records = audit(&host, "verify").1["records"].as_u64().expect("a number");
    for (format, key) in KEYS {
        let done = host.root(&format!("sm audit export --format {format}"));
        assert_eq!(done.stderr_text(), "", "{format}");
        let text = done.ok();
        assert_eq!(numbers(&text, key), (1..=records).collect::<Vec<_>>(), "{format}");
        // Whoever may read the log may export it, and what is said is said elsewhere.
        host.root("usermod -aG adm other").ok();
        let export = ["sm", "audit", "export", "--json", "--format", format];
        assert_eq!(host.command("other", &export).run().ok(), text, "{format}");
        let denied = host.command("agent", &export).run();
        assert_eq!((denied.status, denied.stdout_text()), (Some(5), String::new()), "{denied}");
        let error: Value = serde_json::from_slice(&denied.stderr).expect("an object");
        assert_eq!(error["code"], "not_privileged");
    }
    // The records themselves, so that the chain can be verified elsewhere.
    let text = host.root("sm audit export --format jsonl").ok();
    assert_eq!(check(&text), Ok(records as usize));
    // From a time until a time, as a search has them.
    let (_, found) = audit(&host, "search");
    let time = found["records"][3]["time"].as_str().expect("a time").to_owned();
    for (window, count) in [
        (format!("--since {time}"), records - 3),
        (format!("--until {time}"), 3),
        ("--since 2000-01-01 --until 2000-01-02".to_owned(), 0),
    ] {
        let text = host.root(&format!("sm audit export --format cef {window}")).ok();
        assert_eq!(text.lines().count() as u64, count, "{window}");
    }
    for (bad, exit) in [
        ("--format xml", 2),
        ("", 2),
        ("--format ecs --since tomorrow", 2),
        ("--format ecs --until 1h --follow", 2),
        ("--format ecs --state /dev", 2),
        ("--format ecs --state /etc/passwd", 2),
    ] {
        let done = host.root(&format!("sm audit export {bad}"));
        assert_eq!((done.status, done.stdout_text()), (Some(exit), String::new()), "{bad}: {done}");
    }
    // Who has seen enough goes.
    let done = host.root("set -o pipefail; sm audit export --format ecs | head -n 1");
    assert!(done.ok().starts_with('{'));
    // What is no record is left out, and said.
    host.root(&format!("echo frob >>{FILE}")).ok();
    let done = host.root("sm audit export --format ecs");
    assert!(done.stderr_text().contains("sm audit verify"), "{done}");
    assert_eq!(done.ok().lines().count() as u64, records);
    host.root(&format!("rm {FILE}*")).ok();
    assert_eq!(host.root("sm audit export --format ecs").status, Some(1));
}

/// A process that is read line by line, and ends with the test.
struct Followed {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Followed {
    fn of(host: &Host, script: &str) -> Self {
        let mut command = host.command("root", &["/bin/bash", "-c", script]).into_command();
        let mut child = command.stdout(Stdio::piped()).spawn().expect("started");
        let reader = BufReader::new(child.stdout.take().expect("a pipe"));
        let (to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            reader.lines().map_while(Result::ok).try_for_each(|line| to.send(line))
        });
        Self { child, lines }
    }

    #[track_caller]
    fn next(&self) -> u64 {
        let line = self.lines.recv_timeout(Duration::from_secs(60)).expect("a line");
        numbers(&line, "\"sequence\":")[0]
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn new_records_follow_over_rotations() {
    let host = Host::ready(Sudo::Classic);
    let status = || host.helper(&["service", "status", "nginx"]).expect("ok");
    status();
    let mut last = 0;
    let followed = Followed::of(&host, "exec sm audit export --format ecs --follow");
    let mut expect = |upto: u64| {
        while last < upto {
            assert_eq!(followed.next(), last + 1);
            last += 1;
        }
    };
    let count = || audit(&host, "verify").1["records"].as_u64().expect("a number");
    expect(count());
    for (act, records) in [
        (format!("mv {FILE} {FILE}.1"), 1),
        // Two between two looks.
        (format!("mv {FILE} {FILE}.2; sm-helper version; mv {FILE} {FILE}.3; gzip {FILE}.2"), 1),
        (format!("cp -p {FILE} {FILE}.4; : >{FILE}"), 2),
        (format!("mv {FILE} {FILE}-5; gzip {FILE}-5"), 1),
    ] {
        host.root(&act).ok();
        (0..records).for_each(|_| drop(status()));
        expect(count());
    }
    // A pipe that nobody reads ends it, with nothing left to write.
    let done = host.root(
        "sm audit export --format ecs --follow 2>/root/err | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}; cat /root/err",
    );
    assert!(
        done.stdout_text().starts_with("1\n") && done.stdout_text().contains("nobody reads"),
        "{done}"
    );
}

/// Exports to a file, killed at each of the calls with which it writes, until one export is done
/// undisturbed; then once more with the log having grown. Prints how often it was killed.
const KILLED: &str = r#"
state=/root/export.state out=/root/out
killed=0
export=(sm audit export --format $FORMAT --state $state)
for call in openat write fdatasync fsync fchmod rename flock unlink ftruncate; do
    for ((n = 1; n <= 40; n++)); do
        strace -qqq -f -o /root/trace -e trace=$call -e inject=$call:signal=SIGKILL:when=$n \
            "${export[@]}" >>$out 2>/root/err
        if ! grep -q 'killed by SIGKILL' /root/trace; then break; fi
        ((killed++))
        # There is something new each time, and a process that was killed has left something.
        SUDO_USER=agent SUDO_UID=1000 SUDO_GID=1000 sm-helper version >/dev/null
        if ((n % 7 == 3)); then aside=/var/log/sm/audit.jsonl-$FORMAT$killed; mv /var/log/sm/audit.jsonl $aside; gzip $aside; fi
    done
done
"${export[@]}" >>$out || exit
"${export[@]}" >>$out || exit
echo $killed
"#;

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn nothing_is_lost_or_repeated_wherever_it_is_killed() {
    let host = Host::ready(Sudo::Classic);
    for (format, _) in KEYS {
        host.root("rm -f /root/export.state* /root/out").ok();
        let killed: u32 =
            host.root(&KILLED.replace("$FORMAT", format)).ok().trim().parse().expect("a number");
        assert!(killed > 10, "{format}: the injection worked only {killed} times");
        let whole = host.root(&format!("sm audit export --format {format}")).ok();
        assert_eq!(host.read("/root/out"), whole, "{format}, killed {killed} times");
    }
}

/// Part of a write is done, or the file ends in the middle of a line: what is there is completed.
/// Anything else is not touched.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_torn_line_is_completed_and_other_files_are_left_alone() {
    let host = Host::ready(Sudo::Classic);
    let export = "sm audit export --format rfc5424 --state /root/state";
    let whole = || host.root("sm audit export --format rfc5424").ok();
    let run = || host.root(&format!("{export} >>/root/out"));
    run().ok();
    let first = whole();
    assert_eq!(host.read("/root/out"), first);
    let state = host.read("/root/state");
    host.helper(&["service", "status", "nginx"]).expect("ok");
    let all = whole();
    for length in [first.len() + 1, all.len() - 1, all.len()] {
        host.write("/root/out", &all[..length]);
        host.write("/root/state", &state);
        run().ok();
        assert_eq!(host.read("/root/out"), all, "{length} of {}", all.len());
    }
    // Another one begins with what is new.
    host.write("/root/state", &state);
    host.root(&format!("{export} >/root/another")).ok();
    assert_eq!(host.read("/root/another"), all[first.len()..]);
    // Something else is there.
    host.write("/root/out", format!("{first}something else\n"));
    host.write("/root/state", &state);
    let done = run();
    assert_eq!(done.status, Some(1), "{done}");
    assert!(done.stderr_text().contains("`bytes`"), "{done}");
    assert_eq!(host.read("/root/out"), format!("{first}something else\n"));
    // Two at once: the second one waits for nothing and writes nothing.
    let held = host.root(&format!("flock /root/state.lock {export}"));
    assert_eq!((held.status, held.stdout_text()), (Some(4), String::new()), "{held}");
}

/// What a reader has not taken out of the pipe is exported again, and nothing else.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_reader_that_is_killed_gets_what_it_has_not_read() {
    let host = Host::ready(Sudo::Classic);
    let last = host.read(FILE).lines().last().expect("a record").to_owned();
    let text = host.read(FILE) + &chained(&last, 3 << 20);
    std::fs::write(host.path(FILE), &text).expect("written");
    let export = "sm audit export --format jsonl --state /root/state";
    // It reads some of them and ends: nothing of that batch counts.
    let done =
        host.root(&format!("{export} 2>/root/err | head -n 5 >/dev/null; echo ${{PIPESTATUS[0]}}"));
    assert_eq!(done.ok(), "1\n");
    assert!(host.read("/root/err").contains("nobody reads"));
    assert!(host.root(&format!("{export} | cat")).ok() == text);
    assert_eq!(host.root(&format!("{export} | cat")).ok(), "");
    // What is in the pipe when its reader ends was not read, though it was written.
    host.root("sm-helper version").ok();
    let done = host.root(&format!("{export} 2>/root/err | sleep 0.5; echo ${{PIPESTATUS[0]}}"));
    assert_eq!(done.ok(), "1\n");
    assert_eq!(host.root(&format!("{export} | cat")).ok().lines().count(), 1);
    host.helper(&["service", "status", "nginx"]).expect("ok");
    // A reader that is slow gets each once.
    let followed =
        Followed::of(&host, "exec sm audit export --format ecs --follow --state /root/state");
    let first = text.lines().count() as u64 + 2;
    assert_eq!([followed.next(), followed.next()], [first, first + 1]);
    let state = format!("{{\"seq\":{}", first + 1);
    wait_until("the state", || host.read("/root/state").starts_with(&state));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_state_of_another_log_is_an_error_and_deleted_records_are_said() {
    let host = Host::ready(Sudo::Classic);
    let status = || host.helper(&["service", "status", "nginx"]).expect("ok");
    let export = || host.root("sm audit export --format jsonl --state /root/state");
    let kept = export().ok().lines().count() as u64;
    status();
    host.root(&format!("mv {FILE} {FILE}-1")).ok();
    status();
    host.root(&format!("rm {FILE}-1")).ok();
    let done = export();
    assert!(
        done.stderr_text().contains(&format!("records {} to {}", kept + 1, kept + 2)),
        "{done}"
    );
    // A new file has a checkpoint behind its first record.
    assert_eq!(numbers(&done.ok(), "{\"seq\":"), [kept + 3, kept + 4, kept + 5]);
    // The last records went with a power cut, and the last link is there: it goes on from that.
    host.root(&format!("sed -i '$d' {FILE}")).ok();
    assert_eq!(export().ok(), "");
    // Begun anew.
    host.root("rm -r /var/log/sm /var/lib/sm").ok();
    status();
    let done = export();
    assert_eq!((done.status, done.stdout_text()), (Some(1), String::new()), "{done}");
    assert!(done.stderr_text().contains("remove /root/state"), "{done}");
    host.root("rm /root/state").ok();
    assert_eq!(numbers(&export().ok(), "{\"seq\":"), [1, 2]);
}
