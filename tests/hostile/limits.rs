//! Whatever limits, descriptors and signals the caller has, an operation is either not begun, and
//! the reply says why, or it is finished and its result recorded.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::batch::run;
use crate::environment::unlimited_starts;
use crate::host::{host_test, log};
use crate::proof::caller;

/// Whether there can be a reply.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reply {
    /// There is exactly one.
    One,
    /// Nobody could read it: there is nowhere to write it to.
    Nowhere,
    /// The kernel or the dynamic linker ends the first program before it has begun, or the caller
    /// has killed its own.
    NotByUs,
}
use Reply::{NotByUs, Nowhere, One};

/// Words of `caller.c`; `PROGRAM+n` is that many bytes more than the program itself has.
const CASES: &[(&str, Reply)] = &[
    ("", One),
    ("limit:fsize:0", One),
    ("limit:fsize:1", One),
    ("limit:fsize:100", One),
    ("limit:nofile:0", NotByUs),
    ("limit:nofile:3", NotByUs),
    ("limit:nofile:4", One),
    ("limit:nofile:5", One),
    ("limit:nofile:6", One),
    ("limit:nofile:7", One),
    ("limit:nofile:8", One),
    ("limit:nofile:10", One),
    ("limit:nproc:0", One),
    ("limit:nproc:1", One),
    ("limit:nproc:5", One),
    ("limit:cpu:0", NotByUs),
    ("limit:cpu:1", NotByUs),
    ("limit:core:0", One),
    ("limit:data:0", NotByUs),
    ("limit:data:100000", NotByUs),
    ("limit:data:1000000", NotByUs),
    ("limit:stack:0", NotByUs),
    ("limit:stack:65536", NotByUs),
    ("limit:stack:262144", One),
    ("limit:as:1000000", NotByUs),
    ("limit:as:5000000", NotByUs),
    ("limit:as:PROGRAM+4500000", One),
    ("limit:as:50000000", One),
    ("limit:memlock:0", One),
    ("limit:locks:0", One),
    ("limit:msgqueue:0", One),
    ("limit:sigpending:0", One),
    ("limit:rss:0", One),
    ("limit:rttime:0", One),
    ("limit:nice:0 limit:rtprio:0", One),
    ("close:0", One),
    ("close:1", Nowhere),
    ("close:2", One),
    ("close:01", Nowhere),
    ("close:02", One),
    ("close:12", Nowhere),
    ("close:012", Nowhere),
    ("out:full", Nowhere),
    ("out:folder", Nowhere),
    ("out:read-only", Nowhere),
    ("out:path", Nowhere),
    ("out:closed-pipe", Nowhere),
    ("out:closed-socket", Nowhere),
    ("out:full-nonblocking", Nowhere),
    ("out:full close:02", Nowhere),
    ("descriptors", One),
    ("descriptors limit:nofile:60", One),
    ("ignore", One),
    ("ignore-child", One),
    ("block", One),
    ("ignore block", One),
    ("pending", One),
    ("timers:1000", NotByUs),
    ("timers:20000", NotByUs),
    ("timers:100000", NotByUs),
    ("pdeathsig", One),
    ("no-new-privs", One),
    ("tsc", NotByUs),
    ("umask deleted nice idle", One),
];

/// What sudo itself does not survive, when it is the caller that calls it.
const ENDS_SUDO: &[&str] = &["timers", "pending", "block", "ignore", "limit:", "close:", "no-new"];

/// The caller's processes are ended, or nobody reads, while the operation is going on.
const SCRIPTS: &[&str] = &[
    "H & sleep 0.05; kill -KILL $!",
    "H & sleep 0.2; kill -KILL $!",
    "H & sleep 0.1; kill -1 $!; kill -TERM $!; kill -INT $!; kill -QUIT $!; kill -PIPE $!; wait $!",
    "H & sleep 0.1; pkill -KILL -u agent sudo; pkill -KILL -u agent sm-helper",
    "setsid -w bash -c 'H & sleep 0.1; kill -KILL -- -$$'",
    "script -qefc 'H' /dev/null & sleep 0.1; kill -KILL $!",
    "script -qefc 'H & sleep 0.1; kill -STOP $!; sleep 1; kill -CONT $!; wait $!' /dev/null",
    "printf '\\3\\34\\32' | script -qefc 'H' /dev/null",
    "H | true",
    "mkfifo f$$; exec 8<>f$$; head -c 65536 /dev/zero >&8; H >&8 & sleep 2; exec 8>&-; cat f$$ >/dev/null & sleep 1",
    "coproc yes; H >&${COPROC[1]}; kill $COPROC_PID",
];

const HELPERS: [&str; 2] =
    ["/usr/local/bin/sm-helper", "/usr/bin/sudo -n /usr/local/bin/sm-helper"];

/// What a program takes of its address space before it does anything: code and data, in bytes. One that
/// is built for tests, without optimization, takes several times as much as the released one.
fn size_of_program(program: &Path) -> u64 {
    let printed = Command::new("size").arg(program).output().expect("size(1), of binutils");
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    let total = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3));
    total.and_then(|bytes| bytes.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

fn with_size(words: &str, size: u64) -> String {
    match words.split_once("PROGRAM+") {
        Some((before, more)) => {
            format!("{before}{}", size + more.parse::<u64>().expect("a number"))
        }
        None => words.to_owned(),
    }
}

host_test!(what_has_begun_is_finished_and_accounted_for, ready_test_policy, |host| {
    caller(host);
    unlimited_starts(host);
    let size = size_of_program(&host.path("/usr/local/bin/sm-helper"));
    let mut cases: Vec<(String, Reply)> = vec![];
    for (way, helper) in HELPERS.iter().enumerate() {
        let call = |case: usize| format!("{helper} service restart nginx --reason case-{case}");
        for (words, reply) in CASES {
            let words = with_size(words, size);
            let call = call(cases.len());
            let sudo_ends = way == 1 && ENDS_SUDO.iter().any(|word| words.starts_with(word));
            let reply = if *reply == One && sudo_ends { NotByUs } else { *reply };
            // sudo ends what it has run when a timer of its caller's ends: the operation goes on.
            let rest = if reply == NotByUs { "sleep 0.5; quiet; " } else { "" };
            let line =
                format!("hostile {words} -- {call} | cat; s=${{PIPESTATUS[0]}}; {rest}exit $s");
            cases.push((line, reply));
        }
        for script in SCRIPTS {
            let call = call(cases.len());
            cases.push((format!("{}; sleep 0.5; quiet", script.replace('H', &call)), NotByUs));
        }
    }
    let mut before = host.read("/run/nginx.pid").trim().to_owned();
    let commands: Vec<_> = cases.iter().map(|(command, _)| command.clone()).collect();
    let answers = run(host, &commands);

    // What is still going on comes to its end.
    host.root(
        "for ((i = 0; i < 300; i++)); do pgrep -x -r R,S,D 'sudo|sm-helper|sm-operation' || break; sleep 0.1; done",
    )
    .ok();
    let mut events = HashMap::<String, Vec<Value>>::new();
    for record in log(host) {
        let reason = record["reason"].as_str().unwrap_or_default().to_owned();
        events.entry(reason).or_default().push(record);
    }
    let (mut wrong, mut not_begun) = (vec![], vec![]);
    for (number, ((command, reply), answer)) in cases.iter().zip(&answers).enumerate() {
        let records = events.remove(&format!("case-{number}")).unwrap_or_default();
        let has = |event: &str| records.iter().find(|record| record["event"] == event);
        let (begun, finished) = (has("intent").is_some(), has("result"));
        let changed = before != answer.nginx;
        before.clone_from(&answer.nginx);
        let code = answer.code();
        let mut complain = |what: &str| {
            wrong.push(format!("{command}\n    {what} (exit status {}, {code})", answer.exit));
        };
        match (begun, finished) {
            (true, None) => complain("was begun and has no end"),
            (true, Some(end)) if end["code"] != "ok" || !changed => complain(&format!(
                "ended with {}, and nginx was{} restarted",
                end["code"],
                if changed { "" } else { " not" }
            )),
            (false, _) if changed => complain("was done and not recorded"),
            (false, _) => not_begun.push(format!("{command}: {code}")),
            _ => {}
        }
        if *reply == One && answer.reply().is_err() {
            complain("gave no reply");
        }
        if answer.exit == 124 && *reply != NotByUs {
            complain("did not end");
        }
        let is_interrupted = *reply == NotByUs && code == "timeout";
        if answer.reply().is_ok() && (code == "ok") != begun && !is_interrupted {
            complain("was answered wrongly");
        }
    }
    println!("not begun:\n  {}", not_begun.join("\n  "));
    // Half of them, where root has not all capabilities, and some whose caller is killed too early.
    assert!(not_begun.len() < cases.len() * 2 / 3, "hardly anything was tried");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
});
