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

/// Has the process that runs an operation killed at each of the calls with which it records and
/// tells what came of it. It is traced from while the unit starts, which takes a moment. Prints the
/// call, its number, whether it was killed, and how many results there are for the one intent.
const BETWEEN: &str = r#"
export SUDO_USER=agent SUDO_UID=1000 SUDO_GID=1000
log=/var/log/sm/audit.jsonl
operator() {
    for pid in $(pgrep -x sm-operation); do
        [[ $(cat /proc/$(awk '/^PPid/ { print $2 }' /proc/$pid/status)/comm) == sm-operation ]] && echo $pid
    done
}
for call in write pwrite64 fdatasync sendto; do
    for ((n = 1; n <= 30; n++)); do
        rm -rf /run/sm/rate
        /usr/local/bin/sm-helper service restart nginx >/root/out 2>&1 &
        helper=$!
        # What it started is systemctl by then, so that there is one process of this name.
        until systemctl is-active nginx | grep -q activating; do sleep 0.02; done
        pid=$(operator)
        strace -qqq -o /root/trace -e trace=$call -e inject=$call:signal=SIGKILL:when=$n -p $pid &
        while grep -q '^TracerPid:.*\b0$' /proc/$pid/status; do sleep 0.02; done
        touch /run/go
        wait $helper
        while pgrep -x sm-operation >/dev/null; do sleep 0.02; done
        rm /run/go
        id=$(tail -n 20 $log | grep '"event":"intent"' | tail -n 1 | grep -o '"request_id":"[^"]*"')
        echo "$call $n $(grep -c 'killed by SIGKILL' /root/trace) $(grep -F "$id" $log | grep -c '"event":"result"')"
        grep -q 'killed by SIGKILL' /root/trace || break
    done
done
"#;

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_operation_has_one_result_whenever_its_process_is_killed() {
    let host = Host::ready(Sudo::Classic);
    unlimited_starts(&host);
    let slow = "[Service]\nExecStartPre=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.05; done'\n";
    host.write("/etc/systemd/system/nginx.service.d/slow.conf", slow);
    host.root("systemctl daemon-reload").ok();
    let told = host.root(BETWEEN).ok();
    let mut killed = std::collections::BTreeMap::<&str, u32>::new();
    for line in told.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [call, _, was_killed, results] = words[..] else { panic!("{line}") };
        assert_eq!(results, "1", "{line}\n{told}");
        *killed.entry(call).or_default() += u32::from(was_killed == "1");
    }
    // Before, in and behind each step of recording.
    assert!(killed["write"] > 2 && killed["pwrite64"] > 1, "{told}");
    assert!(killed["fdatasync"] > 0 && killed["sendto"] > 0, "{told}");
    assert_eq!(audit(&host, "verify").0, 0);
}
