//! What is said of a run, to programs and to people; and what a dry one does: nothing.

use crate::host::{Host, Sudo};
use crate::terminal::at_terminal;
use crate::{BOOTSTRAP, Fleet, INVENTORY, PASSWORD, line, no_password};
use serde_json::json;

/// All that a host has to say of itself that could be changed: names, owners, modes and content.
/// Not the audit log, which has a record of each time that the helper was asked for its version.
fn state(host: &Host) -> String {
    let script = r"
        set -o pipefail
        find /etc /usr/local /var/lib /root /home -xdev \( -path /var/lib/systemd -o -path /var/lib/sm/audit.head -o -path /var/lib/sudo -o -path /var/lib/sudo-rs \
            -o -name .sudo_as_admin_successful \) -prune -o -printf '%p %y %m %u %g %l\n' | sort
        find /etc /usr/local /var/lib -xdev -path /var/lib/systemd -prune -o -path /var/lib/sudo -prune -o \
            -path /var/lib/sm/audit.head -prune -o \
            -type f -print0 | sort -z | xargs -0 sha256sum
    ";
    host.root(script).ok()
}

#[track_caller]
fn is_as_before(host: &Host, before: &str) {
    let now = state(host);
    let new: Vec<&str> = now.lines().filter(|line| !before.contains(line)).collect();
    let gone: Vec<&str> = before.lines().filter(|line| !now.contains(line)).collect();
    assert!(new.is_empty() && gone.is_empty(), "{}: new {new:#?}, gone {gone:#?}", host.name);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_dry_run_says_what_each_needs_and_changes_nothing_as_does_a_second_run() {
    let fleet = Fleet::of(vec![
        Host::wanted(Sudo::Classic).bare(),
        Host::wanted(Sudo::Rs).bare(),
        Host::wanted(Sudo::Classic),
        Host::wanted(Sudo::Classic),
        Host::wanted(Sudo::Classic),
    ]);
    let [_, open, ready, older, stale] = &fleet.hosts[..] else { panic!("five") };
    no_password(open);
    no_password(stale);
    ready.root("sm setup-sudo --user admin").ok();
    older.root("sm setup-sudo --user admin; printf old >>/usr/local/bin/sm").ok();
    stale.root("sm setup-sudo --user admin; chmod 0644 /etc/sudoers.d/sm-admin").ok();
    let before: Vec<String> = fleet.hosts.iter().map(state).collect();
    let report = fleet.bootstrap(&["--dry-run"]).exit(0).expect(&[
        "web1 skipped dry_run",
        "web2 skipped dry_run",
        "web3 already ok",
        "web4 skipped dry_run",
        "web5 skipped dry_run",
    ]);
    assert_eq!(report.json["dry_run"], true);
    // To people it does not say that they were left out, and names each once.
    let words = [&BOOTSTRAP[..4], &["--dry-run"]].concat();
    let shown = at_terminal(&fleet, &words, &[]).shown;
    let table = &shown[shown.rfind("\u{1b}[2K").unwrap_or(0)..];
    for name in ["web1", "web2", "web4", "web5"] {
        let line = table.lines().find(|line| line.contains(&format!("{name}  ")));
        assert!(line.is_some_and(|line| line.contains("would set up")), "{name}: {shown}");
        assert!(!shown.contains(&format!("{name}: ")), "{name}: {shown}");
    }
    assert!(
        table.contains("5 hosts: 1 already, 4 would set up") && !table.contains("skipped"),
        "{shown}"
    );
    for (name, needs) in [
        ("web1", json!(["install", "drop_in", "password"])),
        ("web2", json!(["install", "drop_in"])),
        ("web4", json!(["replace", "drop_in", "password"])),
        ("web5", json!(["drop_in"])),
    ] {
        assert_eq!(report.row(name)["needs"], needs, "{name}");
    }
    fleet.hosts.iter().zip(&before).for_each(|(host, before)| is_as_before(host, before));

    drop(fleet.bootstrap_with(PASSWORD, &[]).exit(0).expect(&[
        "web1 done ok",
        "web2 done ok",
        "web3 already ok",
        "web4 done ok",
        "web5 done ok",
    ]));
    let before: Vec<String> = fleet.hosts.iter().map(state).collect();
    // No password is wanted where nothing is to be done.
    let report = fleet.bootstrap(&[]).exit(0);
    for at in 1..=5 {
        assert_eq!(report.row(&format!("web{at}"))["status"], "already", "{:#}", report.json);
    }
    fleet.hosts.iter().zip(&before).for_each(|(host, before)| is_as_before(host, before));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn rows_are_in_the_inventorys_order_and_only_of_the_hosts_that_are_meant() {
    let fleet = Fleet::open(2);
    let (slow, fast) = (fleet.hosts[0].address(), fleet.hosts[1].address());
    // The first one takes longest.
    fleet.hosts[0].write("/home/admin/.bashrc", "sleep 2\n");
    let away = "{hostname: 10.77.200.1, user: admin, offline: true}";
    let text = [
        &line("zulu", slow, "admin"),
        &format!("mike: {away}\n"),
        &line("alpha", fast, "admin"),
        &line("down", "10.77.200.2", "admin"),
    ];
    fleet.inventory(&text.map(String::as_str).concat());
    let report = fleet.bootstrap(&[]).exit(1).expect(&[
        "zulu done ok",
        "mike skipped offline",
        "alpha done ok",
        "down unreachable unreachable",
    ]);
    assert_eq!(report.json["inventory"], INVENTORY);
    let summary = json!({"done": 2, "already": 0, "skipped": 1, "unreachable": 1, "failed": 0});
    assert_eq!(report.json["summary"], summary);
    for name in ["zulu", "alpha"] {
        let row = report.row(name);
        let sum: f64 = row["timings"]
            .as_object()
            .expect("timings")
            .values()
            .filter_map(|ms| ms.as_f64())
            .sum();
        let whole = row["duration_ms"].as_f64().expect("a number");
        assert!(sum > 0.0 && (whole - sum).abs() < 1.0, "{row:#}");
        for step in ["connect_ms", "look_ms", "send_ms", "setup_ms"] {
            assert!(row["timings"][step].is_number(), "{step}: {row:#}");
        }
        assert_eq!(row["facts"]["account"], "admin");
    }
    fleet.bootstrap(&["--skip-unreachable"]).exit(0);

    let only = fleet.bootstrap(&["--limit", "alpha"]).exit(0);
    drop(only.expect(&["alpha already ok"]));
    let only = fleet.bootstrap(&["--limit", "*:!zulu:!down"]).exit(0);
    drop(only.expect(&["mike skipped offline", "alpha already ok"]));
    // Where no host does it, it is not done.
    for limit in ["mike", "down"] {
        let none = fleet.bootstrap(&["--limit", limit, "--skip-unreachable"]).exit(1);
        assert!(none.json["error"].to_string().contains("no host did it"), "{:#}", none.json);
    }
    let none = fleet.bootstrap(&["--limit", "nobody"]);
    assert!([2, 3].contains(&none.exit), "{:#}", none.json);
    let none = fleet.bootstrap(&["--inventory", "/nowhere"]);
    assert_ne!(none.exit, 0, "{:#}", none.json);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn people_get_lines_and_colours_only_where_they_are_seen() {
    let fleet = Fleet::open(2);
    let lines = [fleet.lines("admin"), line("down", "10.77.200.1", "admin")];
    fleet.inventory(&lines.concat());
    let words = ["sm", "bootstrap-cluster", "-i", INVENTORY];
    let done = fleet.command(&words, &[]).run();
    assert_eq!(done.status, Some(1), "{done}");
    let text = done.stdout_text();
    let (all, said) = (format!("{text}{}", done.stderr_text()), text.lines().collect::<Vec<_>>());
    assert!(!all.contains('\u{1b}'), "{all:?}");
    for (at, words) in [
        (0, vec!["web1", "done", " s "]),
        (1, vec!["web2", "done", " s "]),
        (2, vec!["down", "unreachable", "cannot be reached"]),
        (3, vec!["→"]),
        // What both warn of, once.
        (4, vec!["web1, web2: warning: another rule"]),
        (5, vec!["3 hosts: 2 done, 1 unreachable"]),
    ] {
        for word in words {
            assert!(said[at].contains(word), "{word:?} is not in line {at} of {text}");
        }
    }
    let seen = at_terminal(&fleet, &words, &[]);
    assert!(seen.shown.contains("\u{1b}[32malready"), "{:?}", seen.shown);
    let plain = [&["env", "NO_COLOR=1"], &words[..]].concat();
    let seen = at_terminal(&fleet, &plain, &[]);
    assert!(seen.shown.contains("already") && seen.shown.contains("2 already, 1 unreachable"));
    // The cursor may move, but nothing is coloured.
    let colours = seen.shown.split("\u{1b}[").skip(1).filter(|part| {
        let end = part.find(|each: char| each.is_ascii_alphabetic());
        end.is_some_and(|end| part[end..].starts_with('m'))
    });
    assert_eq!(colours.count(), 0, "{:?}", seen.shown);
}
