//! Where a record cannot be written, nothing is run; where it can, it is.

use serde_json::Value;

use crate::chain::{FILE, audit, unlimited_starts};
use crate::host::{Host, Sudo};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// The operation is done and recorded.
    Done,
    /// `audit_unavailable`, and nothing is run.
    Refused,
}
use Then::{Done, Refused};

/// What root does to the log, what comes of a request then, and what undoes it.
const CASES: &[(&str, Then, &str)] = &[
    ("rm -r /var/log/sm", Done, ""),
    ("rm /var/log/sm/audit.jsonl", Done, ""),
    (": >/var/log/sm/audit.jsonl", Done, ""),
    ("rm -r /var/lib/sm", Done, ""),
    ("rm -r /var/lib/sm/*", Done, ""),
    ("chmod 0700 /var/log/sm; chmod 0600 /var/log/sm/audit.jsonl", Done, ""),
    ("mount -t tmpfs -o size=4k,nr_inodes=1 tmpfs /var/log/sm", Refused, "umount /var/log/sm"),
    (
        "mount -t tmpfs -o size=64k tmpfs /var/log/sm; cp -a /root/log/. /var/log/sm; \
         cat /dev/zero >/var/log/sm/full 2>/dev/null; truncate -s -0 /var/log/sm/audit.jsonl; \
         head -c $((4096 - $(stat -c %s /var/log/sm/audit.jsonl) % 4096 - 1)) /dev/zero | tr '\\0' '\\n' >>/var/log/sm/audit.jsonl",
        Refused,
        "umount /var/log/sm",
    ),
    (
        "mount --bind -o ro /var/log/sm /var/log/sm; mount -o remount,bind,ro /var/log/sm",
        Refused,
        "umount /var/log/sm",
    ),
    (
        "mount --bind /var/lib/sm /var/lib/sm; mount -o remount,bind,ro /var/lib/sm",
        Refused,
        "umount /var/lib/sm",
    ),
    ("chattr +i /var/log/sm/audit.jsonl", Refused, "chattr -i /var/log/sm/audit.jsonl"),
    ("rm -r /var/log/sm; touch /var/log/sm", Refused, ""),
    (
        "rm -r /var/log/sm; mkdir -m 0777 /srv/sm; ln -s /srv/sm /var/log/sm",
        Refused,
        "rm -r /srv/sm",
    ),
    ("rm -r /var/log/sm; ln -s /nowhere /var/log/sm", Refused, ""),
    ("rm /var/log/sm/audit.jsonl; ln -s /etc/motd /var/log/sm/audit.jsonl", Refused, ""),
    ("rm /var/log/sm/audit.jsonl; ln -s /srv/none /var/log/sm/audit.jsonl", Refused, ""),
    ("rm /var/log/sm/audit.jsonl; mkfifo /var/log/sm/audit.jsonl", Refused, ""),
    ("rm /var/log/sm/audit.jsonl; mkdir /var/log/sm/audit.jsonl", Refused, ""),
    ("rm /var/log/sm/audit.jsonl; mknod /var/log/sm/audit.jsonl c 1 3", Refused, ""),
    ("chown agent /var/log/sm", Refused, ""),
    ("chown agent /var/log/sm/audit.jsonl", Refused, ""),
    ("chmod 0777 /var/log/sm", Refused, ""),
    ("chmod 0770 /var/log/sm", Refused, ""),
    ("chmod 0660 /var/log/sm/audit.jsonl", Refused, ""),
    ("chmod 0646 /var/log/sm/audit.jsonl", Refused, ""),
    ("chown agent /var/lib/sm", Refused, ""),
    ("chmod 0722 /var/lib/sm", Refused, ""),
    ("chown agent /var/lib/sm/audit.lock", Refused, ""),
    ("chmod 0666 /var/lib/sm/audit.lock", Refused, ""),
    ("chmod 0666 /var/lib/sm/audit.head", Refused, ""),
    ("chown agent /var/lib/sm/audit.head", Refused, ""),
    ("rm /var/lib/sm/audit.lock; ln -s /srv/lock /var/lib/sm/audit.lock", Refused, ""),
    ("rm /var/lib/sm/audit.head; ln -s /etc/motd /var/lib/sm/audit.head", Refused, ""),
    ("rm /var/lib/sm/audit.head; mkfifo /var/lib/sm/audit.head", Refused, ""),
    ("rm -r /var/lib/sm; ln -s /srv /var/lib/sm", Refused, ""),
    ("head -c 300000 /dev/zero >>/var/log/sm/audit.jsonl", Refused, ""),
];

const RESTORE: &str =
    "rm -rf /var/log/sm /var/lib/sm; cp -a /root/log /var/log/sm; cp -a /root/lib /var/lib/sm";

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_can_not_be_recorded_is_not_run() {
    let host = Host::ready(Sudo::Classic);
    unlimited_starts(&host);
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    host.root("cp -a /var/log/sm /root/log; cp -a /var/lib/sm /root/lib; cp /etc/motd /root/motd")
        .ok();
    let mut wrong = Vec::new();
    for (done, then, undo) in CASES {
        host.root(done).ok();
        let before = host.main_pid("nginx");
        // With a bound: whatever was put there, a request must not hang on it.
        let helper = "timeout -s KILL 8 /usr/local/bin/sm-helper service restart nginx";
        let answer = host.agent(helper);
        // Where it hung, root's part still holds the lock.
        if answer.signal == Some(9) || answer.status == Some(137) {
            host.root("pkill -KILL -x sm-helper; true").ok();
        }
        let reply: Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
        let (code, ran) = (&reply["code"], before != host.main_pid("nginx"));
        // Between the two there may be a checkpoint.
        let said = host.root(&format!("[[ -f {FILE} ]] && tail -qn 3 {FILE}")).stdout_text();
        let recorded = reply["request_id"].as_str().is_some_and(|id| said.matches(id).count() == 2);
        let fits = match then {
            Done => code == "ok" && ran && recorded,
            Refused => code == "audit_unavailable" && !ran,
        };
        if !fits {
            wrong.push(format!(
                "{done}\n    not {then:?}: {code}, run: {ran}, recorded: {recorded}"
            ));
        }
        if *then == Refused && fits {
            let mut told = vec![("audit_unavailable", reply["request_id"].clone())];
            // Also a refusal is answered, and says that it could not be recorded in the log; so are
            // a question and a rehearsal that root answers. The journal has all of them.
            let refused = host.helper(&["service", "restart", "nope"]).expect("denied");
            let sudo = "sudo -n /usr/local/bin/sm-helper";
            let listed = host.agent(&format!("{sudo} list"));
            let rehearsed = host.agent(&format!("{sudo} service stop dbus --dry-run"));
            let others = [&listed, &rehearsed].map(|done| crate::host::Reply::of(done).json);
            for (code, reply) in
                ["denied", "ok", "denied"].iter().zip([refused.json].into_iter().chain(others))
            {
                if !reply["warnings"].to_string().contains("the audit log could not be written") {
                    wrong.push(format!("{done}\n    no warning: {reply}"));
                }
                told.push((code, reply["request_id"].clone()));
            }
            host.root("journalctl --sync").ok();
            for (code, id) in told {
                let id = id.as_str().unwrap_or_default();
                let found = host.root(&format!(
                    "journalctl -q -o cat --output-fields=SM_CODE -t sm-helper _UID=0 _TRANSPORT=journal SM_REQUEST_ID={id}"
                ));
                if found.stdout_text().trim() != code {
                    wrong.push(format!("{done}\n    the journal lacks {code} {id}: {found}"));
                }
            }
        }
        host.root(undo).ok();
        host.root(RESTORE).ok();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(host.read("/etc/motd"), host.read("/root/motd"), "a link was followed");
    assert!(!host.exists("/srv/none") && !host.exists("/srv/lock"), "a link was followed");
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    assert_eq!(audit(&host, "verify").0, 0);
}

crate::host::host_test!(no_limit_of_the_caller_stops_a_record, |host| {
    unlimited_starts(host);
    // CAP_SYS_RESOURCE, bit 24: tests may run where the machine itself is without it.
    let may_raise =
        "caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status); (( 0x$caps >> 24 & 1 ))";
    let may_raise = host.root(may_raise).status == Some(0);
    for limit in ["-f 0", "-f 1", "-n 8", "-c 0", "-t 1", "-v 100000", "-x 0", "-q 0", "-i 0"] {
        let before = host.main_pid("nginx");
        let done = host.agent(&format!("ulimit {limit} && exec sm-helper service restart nginx"));
        let reply: Value =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done}"));
        // Where root itself may not raise a limit, nothing is run.
        if reply["code"] == "unsupported" && !may_raise {
            assert_eq!(before, host.main_pid("nginx"), "ulimit {limit}");
            continue;
        }
        // Nor where sudo itself, whose limits these are first, cannot go on.
        if reply["code"] == "not_privileged" && ["-n 8", "-v 100000"].contains(&limit) {
            assert_eq!(before, host.main_pid("nginx"), "ulimit {limit}");
            continue;
        }
        assert_eq!(reply["code"], "ok", "ulimit {limit}: {reply:#}");
        assert_ne!(before, host.main_pid("nginx"), "ulimit {limit}");
        let id = reply["request_id"].as_str().expect("an id");
        assert_eq!(host.read(FILE).matches(id).count(), 2, "ulimit {limit}");
    }
    crate::chain::intact(host);
});

crate::host::host_test!(
    a_limit_that_root_cannot_raise_spares_no_refusal_its_record_and_charge,
    |host| {
        host.limit_the_rate();
        host.root("mkdir -m 755 /etc/sm").ok();
        // What is refused may come ten times as often as what changes something.
        host.write(
            "/etc/sm/policy.toml",
            "schema = 1\n[limits]\nrate = { count = 1, per_seconds = 600 }\n",
        );
        // Whoever starts sudo without CAP_SYS_RESOURCE to be had, as every account of such a container.
        let ask = |limit: &str, line: &str| {
            let done = host.root(&format!(
                "setpriv --reuid=agent --regid=agent --init-groups --bounding-set=-sys_resource \
             bash -c '(ulimit {limit}; {line}) | tee'"
            ));
            serde_json::from_slice::<Value>(&done.stdout).unwrap_or_else(|_| panic!("{done}"))
        };
        let sudo = "sudo -n /usr/local/bin/sm-helper";
        let lines = [
            "sm-helper service restart nginx".to_owned(),
            format!("{sudo} service restart nginx"),
            format!("{sudo} service stop dbus --dry-run"),
            format!("{sudo} list --pretty"),
            format!("{sudo} --help"),
            format!("{sudo} \"x\""),
            format!("{sudo} service stop nginx --reason $(printf %03000d 1)"),
        ];
        let before = host.main_pid("nginx");
        for (limit, line) in ["-f 0", "-f 1", "-f 10000"]
            .iter()
            .flat_map(|limit| lines.iter().map(move |line| (limit, line)))
            .take(10)
        {
            let reply = ask(limit, line);
            assert_eq!(reply["code"], "unsupported", "ulimit {limit}; {line}: {reply:#}");
            assert!(reply["error"].to_string().contains("RLIMIT_FSIZE"), "{reply:#}");
            assert_eq!(reply["warnings"], Value::Null, "ulimit {limit}; {line}: {reply:#}");
            let records = crate::host::records(host, &reply["request_id"]);
            let [record] = &records[..] else { panic!("ulimit {limit}; {line}: {records:?}") };
            assert_eq!(record["event"], "refused");
            assert_eq!(record["code"], reply["code"]);
            assert_eq!(record["error"], reply["error"]);
            assert_eq!(record["caller"]["user"], "agent");
            assert_eq!(record["caller"]["via"], "sudo");
        }
        assert_eq!(before, host.main_pid("nginx"));
        // Ten were charged, with and without a limit.
        assert_eq!(ask("-f 0", &lines[0])["code"], "rate_limited");
        assert_eq!(
            host.agent(&format!("{sudo} x")).stdout_text().matches("rate_limited").count(),
            1
        );
        crate::chain::intact(host);
        assert_eq!(host.root("systemctl --failed --no-legend").stdout_text(), "");
    }
);
