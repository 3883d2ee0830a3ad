//! Who may read the log, and what they see.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::chain::audit;
use crate::host::{Host, Sudo};

fn made() -> Host {
    let host = Host::ready(Sudo::Classic);
    // What setting up has left is not of these.
    host.root("usermod -aG adm other; rm -r /var/log/sm /var/lib/sm").ok();
    host.root("journalctl --rotate; journalctl --vacuum-time=1s").ok();
    host.helper(&["service", "restart", "nginx", "--reason", "new cert"]).expect("ok");
    host.helper(&["service", "status", "caddy"]);
    host.helper(&["service", "restart", "sshd"]).expect("denied");
    host.agent("sudo -n /usr/local/bin/sm-helper frob '\"x\\'");
    host.root("sm-helper service reload nginx").ok();
    host
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn each_filter_finds_what_it_says() {
    let host = made();
    let (_, all) = audit(&host, "search");
    let all = all["found"].as_u64().expect("a number");
    let cases: &[(&str, u64)] = &[
        ("--user agent", all - 2),
        ("--user root", 2),
        ("--user age", 0),
        ("--code denied", 1),
        ("--code usage", 1),
        ("--event refused", 2),
        ("--event intent", 3),
        ("--operation service", all - 1),
        ("--operation 'service restart'", 3),
        ("--operation 'service restart sshd.service'", 1),
        ("--operation serv", 0),
        ("--name nginx", 4),
        ("--name nginx.service", 4),
        ("--name ngin", 0),
        ("--text 'new cert'", 2),
        ("--text sshd", 1),
        ("--user agent --code ok --name nginx", 2),
        ("--since 1h", all),
        ("--since 2000-01-01", all),
        ("--since 2000-01-01T00:00:00Z --until 2000-01-02", 0),
        ("--until 1h", 0),
        ("--since yesterday", all),
        ("--since -2h --until now", all),
        ("--since '2 hours ago' --until tomorrow", all),
    ];
    for (filter, count) in cases {
        let (exit, found) = audit(&host, &format!("search {filter}"));
        assert_eq!((exit, &found["found"]), (0, &(*count).into()), "{filter}: {found:#}");
        assert_eq!(found["records"].as_array().map(Vec::len), Some(*count as usize), "{filter}");
    }
    // Every time is one that a search takes, and cuts exactly there.
    let (_, found) = audit(&host, "search");
    for (at, record) in found["records"].as_array().expect("records").iter().enumerate() {
        let time = record["time"].as_str().expect("a time");
        assert_eq!(audit(&host, &format!("search --until {time}")).1["found"], at, "{time}");
        assert_eq!(
            audit(&host, &format!("search --since {time}")).1["found"],
            all - at as u64,
            "{time}"
        );
    }
    let (exit, limited) = audit(&host, "search --limit 2");
    assert_eq!((exit, limited["records"].as_array().map(Vec::len)), (0, Some(2)));
    assert_eq!(limited["found"], all);
    for (bad, hint) in [
        ("search --since yesterday-ish", "in UTC"),
        ("search --since 2999-01-01", "journalctl"),
        ("search --since tomorrow", "journalctl"),
        ("stats --since +1h", "journalctl"),
        ("search --since 1h --until '2 hours ago'", "journalctl"),
        ("search --frob", ""),
        ("tail --lines x", ""),
        ("tail -n 0", "-f"),
        ("search --limit 0", ""),
        ("search --code denid", "did you mean denied?; there are: ok, "),
        ("stats --event foo", "there are: intent, result, refused"),
    ] {
        let (exit, answer) = audit(&host, bad);
        assert_eq!((exit, &answer["code"]), (2, &"usage".into()), "{bad}: {answer:#}");
        assert!(answer["hint"].as_str().unwrap_or_default().contains(hint), "{bad}: {answer:#}");
    }
}

/// Moments that do not depend on when one asks.
const FIXED: &[&str] = &[
    "2026-01-22",
    "26-01-22",
    "2026-01-22 10:00",
    "2026-01-22 10:00:30",
    "2026-01-22 10:00 UTC",
    "Thu 2026-01-22",
    "thursday 2026-01-22 08:15",
    "@1767225600",
    "today",
    "yesterday",
    "today UTC",
    "00:00",
];

/// Moments that do: both programs are asked within a minute, a minute is what they may differ by.
const MOVING: &[&str] = &[
    "now",
    "-2h",
    "-60min",
    "2h ago",
    "2 hours ago",
    "1 day ago",
    "1h30min ago",
    "1 week 2 days ago",
    "1 month ago",
    "1y ago",
    "90 ago",
    "1.5h ago",
    "3 hr ago",
];

/// What is no moment to systemd either, and none that this takes beyond it.
const NONE: &[&str] =
    &["5", "Sun", "2026-01-22 10", "25:00", "Mon 2026-01-22", "2 agos", "-2h ago", "@"];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_moment_is_the_one_that_systemd_takes_it_for() {
    let host = made();
    let systemd = |text: &str| -> Option<f64> {
        let said = host.root(&format!("systemd-analyze timestamp -- '{text}'")).stdout_text();
        let line = said.lines().find_map(|line| line.trim().strip_prefix("UNIX seconds: @"))?;
        line.parse().ok()
    };
    let ours = |text: &str| -> Option<f64> {
        let (exit, answer) = audit(&host, &format!("search --since '{text}'"));
        let since = answer["since"].as_str().filter(|_| exit == 0)?;
        host.root(&format!("date -d {since} +%s.%N")).ok().trim().parse().ok()
    };
    for (texts, apart) in [(FIXED, 0.001), (MOVING, 60.0)] {
        for text in texts {
            let (theirs, ours) = (systemd(text).expect(text), ours(text).expect(text));
            assert!((theirs - ours).abs() < apart, "{text}: systemd {theirs}, sm {ours}");
        }
    }
    for text in NONE {
        assert_eq!((systemd(text), ours(text)), (None, None), "{text}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn root_and_adm_read_it_and_nobody_else() {
    let host = made();
    for command in ["tail", "search", "stats", "verify"] {
        for (user, json) in [("root", false), ("root", true), ("other", false), ("other", true)] {
            let mut words = vec!["/usr/local/bin/sm", "audit", command];
            if json {
                words.push("--json");
            }
            let done = host.command(user, &words).run();
            let text = done.ok();
            assert!(!text.contains('\x1b'), "no colour without a terminal: {text}");
            if json {
                let answer: Value = serde_json::from_str(&text).expect("one object");
                assert_eq!((&answer["schema"], &answer["code"]), (&1.into(), &"ok".into()));
            }
        }
        let done = host.command("agent", &["/usr/local/bin/sm", "audit", command, "--json"]).run();
        assert_eq!(done.status, Some(5), "{done}");
        assert!(done.stdout_text().contains("\"not_privileged\""), "{done}");
    }
    let table = host.root("sm audit stats").ok();
    for row in [
        ["account", "operation", "count"],
        ["agent", "service restart nginx.service", "1"],
        ["agent", "(not a request)", "usage"],
    ] {
        assert!(
            table.lines().any(|line| row.iter().all(|word| line.contains(word))),
            "{row:?}:\n{table}"
        );
    }
    let (_, stats) = audit(&host, "stats");
    let counts = stats["counts"].as_array().expect("counts");
    let sum: u64 = counts.iter().filter_map(|row| row["count"].as_u64()).sum();
    assert_eq!((stats["requests"].as_u64(), sum), (Some(5), 5), "{stats:#}");
    let last = host.root("sm audit tail -n 1").ok();
    assert_eq!(last.lines().count(), 1, "{last}");
    assert!(last.contains("root") && last.contains("service reload nginx.service"), "{last}");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn people_get_a_line_for_each_request_and_with_records_for_each_record() {
    let host = made();
    let (_, all) = audit(&host, "search");
    let records = all["records"].as_array().expect("records");
    let ends: Vec<&Value> = records.iter().filter(|one| one["event"] != "intent").collect();
    assert!(ends.len() < records.len());
    for command in ["search", "tail -n 100"] {
        let lines = host.root(&format!("sm audit {command}")).ok();
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines.len(), ends.len(), "{command}: {lines:#?}");
        for (line, end) in lines.iter().zip(&ends) {
            let id = end["request_id"].as_str().expect("an id");
            assert!(line.contains(&format!("  {}  ", &id[28..])), "{line}");
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[2], end["caller"]["user"], "{line}");
            assert_eq!(words[3], end["code"], "{line}");
        }
        let each = host.root(&format!("sm audit {command} --records")).ok();
        assert_eq!(each.lines().count(), records.len(), "{command}: {each}");
    }
    let last = host.root("sm audit tail -n 1").ok();
    let id = last.split_whitespace().find(|word| word.len() == 8 && !word.contains('-'));
    let (_, found) = audit(&host, &format!("search --text {}", id.expect("a short id")));
    assert!(found["found"].as_u64() >= Some(1), "{found:#}");

    // An intent that nothing ended shows as such, and one that ended badly is not `ok`.
    let ok = host.root("sm audit search --code ok").ok();
    let well = ends.iter().filter(|one| one["code"] == "ok").count();
    assert_eq!(ok.lines().count(), well, "{ok}");
    host.root("sed -i '$d' /var/log/sm/audit.jsonl").ok();
    let last = host.root("sm audit tail -n 1").ok();
    assert!(last.contains("  root         no result  "), "{last}");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_terminal_gets_local_times_with_the_zone_a_heading_and_colours() {
    let host = made();
    let on = |command: &str| {
        let line = format!("export TZ=Asia/Kathmandu; script -qec '{command}' /dev/null");
        host.root(&line).ok().replace('\r', "")
    };
    let shown = on("sm audit search");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("time ") && lines[0].contains(" duration "), "{shown}");
    assert!(lines[1][..25].ends_with("+05:45"), "{shown}");
    assert!(shown.contains("\x1b[33mdenied\x1b[0m"), "{shown:?}");
    assert!(on("sm audit tail --utc").lines().nth(1).is_some_and(|line| line[..20].ends_with('Z')));
    assert!(!on("NO_COLOR=1 sm audit search").contains('\x1b'));
    // Where there is no room beside the columns, the operation has a line of its own.
    let narrow = on("stty cols 80; NO_COLOR=1 sm audit search");
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    assert!(narrow.lines().any(|line| line.starts_with("    service ")), "{narrow}");
    assert_eq!(narrow.lines().nth(1), Some("    operation"), "{narrow}");
    // Programs get UTC, whatever they are at.
    assert!(!on("sm audit search --json").contains("+05:45"));
    assert!(!host.root("TZ=Asia/Kathmandu sm audit search").ok().contains("+05:45"));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn tail_f_sees_each_record_also_across_a_rotation() {
    let host = made();
    let mut tail = host
        .command("other", &["/usr/local/bin/sm", "audit", "tail", "-f", "-n", "0", "--json"])
        .into_command()
        .stdout(Stdio::piped())
        .spawn()
        .expect("sm audit tail");
    let (send, seen) = std::sync::mpsc::channel();
    let stdout = tail.stdout.take().expect("a pipe");
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let record: Value = serde_json::from_str(&line).expect("a record");
            if record["event"] == "checkpoint" {
                continue;
            }
            let _ = send.send(record["request_id"].clone());
        }
    });
    // It must be there before anything is written: until it is, there is nothing to see.
    let next = || seen.recv_timeout(std::time::Duration::from_secs(10));
    std::thread::sleep(std::time::Duration::from_secs(1));
    let mut wanted = Vec::new();
    for round in 0..3 {
        // One right before the rotation, and one right after it.
        let script = format!(
            "sm-helper version >/root/out; mv /var/log/sm/audit.jsonl /var/log/sm/audit.jsonl.{}
             sm-helper list >>/root/out; cat /root/out; sleep 1",
            3 - round
        );
        for line in host.root(&script).ok().lines() {
            let reply: Value = serde_json::from_str(line).expect("a reply");
            wanted.push(reply["request_id"].clone());
        }
    }
    let got: Vec<Value> = wanted.iter().map_while(|_| next().ok()).collect();
    host.root("pkill -f 'sm audit tail'");
    let _ = tail.wait();
    assert_eq!(got, wanted);
}
