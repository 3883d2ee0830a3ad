//! Killed at whichever system call, the privileged side has run nothing without its intent.

use crate::chain::{FILE, audit, unlimited_starts};
use crate::host::{Host, Sudo};

/// The calls that change something, or after which something may have changed.
const CALLS: &[&str] = &[
    "openat",
    "write",
    "pwrite64",
    "fdatasync",
    "flock",
    "clone3",
    "vfork",
    "fork",
    "clone",
    "execve",
    "sendto",
    "pipe2",
    "setsid",
    "mkdir",
    "fchown",
    "fchmod",
    "unlink",
];

/// `$1` calls, each time killed at another one: the call, its number, nginx's process before and
/// after, and how many intents there are before and after.
const SCRIPT: &str = r#"
export SUDO_USER=agent SUDO_UID=1000 SUDO_GID=1000
pid() { read -r p </run/nginx.pid; echo "$p"; }
intents() { grep -c '"event":"intent".*"restart"' /var/log/sm/audit.jsonl; }
for call in $CALLS; do
    for ((n = 1; n <= 60; n++)); do
        rm -rf /run/sm/rate
        before=$(pid) known=$(intents)
        strace -qqq -f -o /root/trace -e trace=$call -e inject=$call:signal=SIGKILL:when=$n \
            /usr/local/bin/sm-helper service restart nginx >/root/out 2>/root/err
        grep -q 'killed by SIGKILL' /root/trace || break
        # The child that runs it may still be at work.
        for i in {1..40}; do pgrep -x 'sm-helper|sm-operation|systemctl' >/dev/null || break; sleep 0.05; done
        systemctl is-active --quiet nginx || systemctl start nginx
        echo "$call $n $before $(pid) $known $(intents)"
    done
done
"#;

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn nothing_is_run_without_its_intent() {
    let host = Host::ready(Sudo::Classic);
    unlimited_starts(&host);
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    let script = SCRIPT.replace("$CALLS", &CALLS.join(" "));
    let said = host.root(&script).ok();
    let (mut killed, mut ran) = (0, 0);
    for line in said.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, before, after, known, now] = words[..] else { panic!("{line}") };
        killed += 1;
        if before != after {
            ran += 1;
            assert_ne!(known, now, "nginx was restarted without an intent: {line}");
        }
    }
    assert!(killed > 20, "the injection worked only {killed} times:\n{said}");
    assert!(ran > 0 && ran < killed, "{ran} of {killed} restarted nginx:\n{said}");
    // A record that a kill tore would be none: the log is as whole as after a power cut.
    let (exit, found) = audit(&host, "verify");
    assert_eq!(exit, 0, "{found:#}\n{}", host.root(&format!("tail -n 3 {FILE}")).stdout_text());
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    assert_eq!(audit(&host, "verify").0, 0);
}
