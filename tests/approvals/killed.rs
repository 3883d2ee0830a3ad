//! Killed at whichever system call, and with a full disk at whichever write, a yes is used once at most,
//! and none is there that nobody has given.

use crate::host::{Host, Sudo};
use crate::{approve, site, sm, waits};

/// The calls that change something, or after which something may have changed.
const CHANGES: &str = "openat write pwrite64 fsync fdatasync rename renameat renameat2 unlink flock clone3 vfork clone execve sendto pipe2 fchown fchmod";

/// Those that need room on a disk.
const WRITES: &str =
    "openat write pwrite64 fsync fdatasync rename renameat renameat2 mkdir ftruncate fallocate";

const SITE: &str = "schema = 1
[tasks.script]
argv = [\"/usr/local/sbin/script\"]
timeout_seconds = 60
write = [\"/run\"]
approval = true
";

/// Has each call of a request that was approved once fail, one at a time, and asks again. Prints the call,
/// its number, how often it was done, whether the approval is left, and how often it was done in the end.
const USED: &str = r#"
export SUDO_USER=agent SUDO_UID=1000 SUDO_GID=1000
file=/var/lib/sm/approvals.json
ask() { "$@" /usr/local/bin/sm-helper task run script >/root/out 2>/root/err; }
# What was left behind may still be at work.
gone() { for i in {1..200}; do pgrep -x 'sm-helper|sm-operation|script' >/dev/null || return 0; sleep 0.02; done; }
done_so_often() { if [ -e /run/marks ]; then wc -l </run/marks; else echo 0; fi; }
for call in $CALLS; do
    for ((n = 1; n <= 90; n++)); do
        rm -rf /run/sm/rate /run/marks
        cp -p /root/kept $file
        ask strace -qqq -f -o /root/trace -e trace=$call -e inject=$call:$FAULT:when=$n
        grep -q "$SEEN" /root/trace || break
        gone
        first=$(done_so_often) left=$(grep -c '"approved":{' $file)
        ask
        gone
        echo "$call $n $first $left $(done_so_often)"
    done
done
"#;

/// The same for `sm approve`. Prints the call, its number, whether it is approved, and whether that is in the
/// log.
const GIVEN: &str = r#"
file=/var/lib/sm/approvals.json log=/var/log/sm/audit.jsonl
id=$(grep -o '"id":"[^"]*' $file | head -n 1 | cut -d'"' -f4)
records() { grep -c '"asked":\["sm","approve"' $log; }
for call in $CALLS; do
    for ((n = 1; n <= 90; n++)); do
        cp -p /root/kept $file
        before=$(records)
        strace -qqq -f -o /root/trace -e trace=$call -e inject=$call:$FAULT:when=$n \
            /usr/local/bin/sm approve $id --yes >/root/out 2>/root/err
        grep -q "$SEEN" /root/trace || break
        sm approvals >/dev/null || echo "it cannot be read"
        echo "$call $n $(grep -c '"approved":{' $file) $(($(records) > before))"
    done
done
"#;

/// Runs one of the scripts with a fault at each call; gives the numbers of each line, behind the call and its
/// number.
fn each(host: &Host, script: &str, calls: &str, fault: (&str, &str)) -> Vec<(String, Vec<u32>)> {
    host.root("cp -p /var/lib/sm/approvals.json /root/kept").ok();
    let script =
        script.replace("$CALLS", calls).replace("$FAULT", fault.0).replace("$SEEN", fault.1);
    let said = host.root(&script).ok();
    let lines: Vec<(String, Vec<u32>)> = said
        .lines()
        .map(|line| {
            let words = line.split_whitespace().skip(2);
            (line.to_owned(), words.map(|word| word.parse().expect(line)).collect())
        })
        .collect();
    assert!(lines.len() > 20, "{fault:?} worked only {} times:\n{said}", lines.len());
    let (exit, found) = sm(host, "audit verify");
    assert_eq!(exit, 0, "{found:#}");
    lines
}

const KILLED: (&str, &str) = ("signal=SIGKILL", "killed by SIGKILL");
const FULL: (&str, &str) = ("error=ENOSPC", "(INJECTED)");

fn host() -> Host {
    let host = Host::ready_test_policy(Sudo::Classic);
    host.write("/usr/local/sbin/script", "#!/bin/sh\necho done >>/run/marks\n");
    host.root("chmod 0755 /usr/local/sbin/script").ok();
    site(&host, SITE);
    host
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_yes_is_used_once_whatever_fails() {
    let host = host();
    for (calls, fault) in [(CHANGES, KILLED), (WRITES, FULL)] {
        host.root("rm -f /var/lib/sm/approvals.json").ok();
        approve(&host, &format!("{} --for 1d", waits(&host, "task run script")));
        let lines = each(&host, USED, calls, fault);
        let (mut ran, mut lost) = (0, 0);
        for (line, numbers) in &lines {
            let [first, left, all] = numbers[..] else { panic!("{line}") };
            assert!(all <= 1, "done twice: {fault:?} {line}");
            assert!(first + left <= 1, "done, and the approval is left: {fault:?} {line}");
            // What is left is of use.
            assert_eq!(all, first.max(left), "{fault:?} {line}");
            ran += first;
            lost += 1 - all;
        }
        let count = lines.len() as u32;
        assert!(ran > 0 && ran < count, "{fault:?}: {ran} of {count} ran");
        // Between its use and the run there is the intent alone.
        assert!(lost < count / 2, "{fault:?}: {lost} of {count} were used for nothing");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_yes_that_stands_is_in_the_log_whatever_fails() {
    let host = host();
    for (calls, fault) in [(CHANGES, KILLED), (WRITES, FULL)] {
        host.root("rm -f /var/lib/sm/approvals.json").ok();
        waits(&host, "task run script");
        let lines = each(&host, GIVEN, calls, fault);
        for (line, numbers) in &lines {
            let [approved, recorded] = numbers[..] else { panic!("{line}") };
            assert!(approved <= recorded, "approved without a record: {fault:?} {line}");
        }
        let approved = lines.iter().filter(|(_, numbers)| numbers[0] == 1).count();
        assert!(approved < lines.len(), "{fault:?} stopped nothing");
    }
}
