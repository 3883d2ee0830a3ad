//! A record that a power cut tore is reported, never dropped, and the next one closes it.

use crate::chain::{FILE, audit, unlimited_starts};
use crate::host::{Host, Sudo};

/// A log that begins anew, with a journal that knows of nothing.
const FRESH: &str = "rm -rf /var/log/sm /var/lib/sm; \
                     journalctl --rotate; journalctl --vacuum-time=1us; sleep 0.1";

/// Cuts the last record to `keep` bytes of it, and gives how many bytes stay.
fn tear(host: &Host, keep: usize) -> usize {
    let text = host.read(FILE);
    let body = text.trim_end_matches('\n');
    let start = body.rfind('\n').map_or(0, |at| at + 1);
    let keep = keep.min(body.len() - start);
    host.write(FILE, &text.as_bytes()[..start + keep]);
    keep
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_torn_record_is_reported_and_closed_by_the_next() {
    let host = Host::ready(Sudo::Classic);
    unlimited_starts(&host);
    // With the head as the power cut found it: behind the log, since it is written after it, or,
    // where the kernel wrote that page first, level with it.
    for (head_behind, keep) in [(true, 1), (true, 40), (true, 9999), (false, 40), (false, 9999)] {
        host.root(FRESH).ok();
        host.helper(&["service", "restart", "nope"]).expect("denied");
        let head = host.read("/var/lib/sm/audit.head");
        host.helper(&["service", "status", "nginx", "--reason", "ünï"]).expect("ok");
        let now = host.read("/var/lib/sm/audit.head");
        host.helper(&["service", "restart", "nope"]).expect("denied");
        if head_behind {
            assert_ne!(head, now);
            host.write("/var/lib/sm/audit.head", &now);
        }
        let bytes = tear(&host, keep);
        let case = format!("head behind: {head_behind}, {bytes} bytes left");
        // Only its line break is missing, so that nothing is: it counts as what it is.
        if keep == 9999 {
            host.helper(&["service", "restart", "nope"]).expect("denied");
            let (exit, found) = audit(&host, "verify");
            assert_eq!((exit, &found["records"]), (0, &5.into()), "{case}: {found:#}");
            continue;
        }

        // The journal is another disk page: it may know of the record or not.
        let (_, found) = audit(&host, "verify");
        assert_eq!(found["torn"][0]["line"], 4, "{case}: {found:#}");
        assert_eq!(found["torn"][0]["file"], FILE, "{case}: {found:#}");

        let pid = host.main_pid("nginx");
        host.helper(&["service", "restart", "nginx"]).expect("ok");
        assert_ne!(pid, host.main_pid("nginx"), "{case}");
        let text = host.read(FILE);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[3].len()), (6, bytes), "{case}: {text}");
        let after: serde_json::Value = serde_json::from_str(lines[4]).expect("a record");
        assert_eq!(after["torn_bytes"], bytes, "{case}: {after:#}");
        let (exit, found) = audit(&host, "verify");
        assert_eq!((exit, &found["torn"][0]["line"]), (0, &4.into()), "{case}: {found:#}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_log_without_its_end_is_noticed() {
    let host = Host::ready(Sudo::Classic);
    unlimited_starts(&host);
    let cases = [
        ("the last record", "sed -i '$d' /var/log/sm/audit.jsonl"),
        ("all records", ": >/var/log/sm/audit.jsonl"),
        ("the file", "rm /var/log/sm/audit.jsonl"),
        ("the folder", "rm -r /var/log/sm"),
        (
            "the last record, and the head",
            "sed -i '$d' /var/log/sm/audit.jsonl; rm /var/lib/sm/audit.head",
        ),
        ("all records, and the head", ": >/var/log/sm/audit.jsonl; rm -r /var/lib/sm"),
        ("the file, and the head", "rm /var/log/sm/audit.jsonl; rm -r /var/lib/sm"),
    ];
    for (what, cut) in cases {
        host.root(FRESH).ok();
        for _ in 0..3 {
            host.helper(&["service", "restart", "nope"]).expect("denied");
        }
        host.root("journalctl --sync").ok();
        assert_eq!(audit(&host, "verify").0, 0, "{what}");
        host.root(cut).ok();
        let (exit, found) = audit(&host, "verify");
        assert_eq!(exit, 1, "without {what}: {found:#}");
        // Nor does it heal by going on, as long as what is kept apart from the log is there.
        if what.ends_with("and the head") {
            continue;
        }
        host.helper(&["service", "status", "nginx"]).expect("ok");
        let (exit, found) = audit(&host, "verify");
        assert_eq!(exit, 1, "without {what}, and two records after: {found:#}");
    }
}
