//! The number is exact, for each account, whatever happens at once.

use crate::host::{Reply, host_once, host_test, intents, records};
use crate::{codes, of, rate, reload};
use std::time::{Duration, Instant};

host_test!(a_hundred_at_once_are_thirty, |host| {
    host.limit_the_rate();
    // Far longer than a slow machine takes for all of it.
    rate(host, 30, 3600);
    // Who looks is not locked out of a restart.
    let looked =
        codes(host, "for i in {1..100}; do sm-helper service status nginx >\"$out/$i\"; done");
    assert_eq!(of(&looked, "ok"), 100, "{looked:?}");

    let before = intents(host);
    let begun = Instant::now();
    let asked =
        codes(host, "for i in {1..100}; do sm-helper service reload nginx >\"$out/$i\" & done");
    // Thirty were let through; on a slow machine some of them find another's job under way for longer
    // than they wait for it.
    let through = of(&asked, "ok") + of(&asked, "busy");
    assert_eq!((through, of(&asked, "rate_limited")), (30, 70), "{asked:?}");
    assert!(of(&asked, "ok") > 0, "{asked:?}");
    assert_eq!(intents(host) - before, 30);

    let refused = reload(host).expect("rate_limited");
    assert_eq!(refused.exit, 4);
    let wait = refused.json["retry_after_s"].as_u64().expect("a number of seconds");
    assert!((1..=3600).contains(&wait), "{wait}");
    assert!(refused.json["hint"].is_string());
    assert!(refused.json.get("argv").is_none(), "{:#}", refused.json);

    // What is free stays free, and another account has a budget of its own.
    for words in [&["list"][..], &["version"], &["--dry-run", "service", "reload", "nginx"]] {
        host.helper(words).expect("ok");
    }
    host.helper(&["service", "status", "nginx"]).expect("ok");
    host.root("sm setup-sudo --user other").ok();
    host.helper_as("other", &["service", "reload", "nginx"]).expect("ok");
    reload(host).expect("rate_limited");

    // What is kept does not grow with what is asked. One table is for all accounts; and two budgets of each account were spent from,
    // the other's looks by `sm setup-sudo`, which had it prove its rule.
    let table = host.root("cd /run/sm/rate && stat -c '%s %a %U' bytes").ok();
    let size = table.strip_suffix(" 600 root\n").and_then(|size| size.parse::<u64>().ok());
    assert!(size.is_some_and(|size| size <= 240 << 10), "{table}");
    let files = host.root("cd /run/sm/rate && stat -c '%s %a %U %n' *.*").ok();
    assert_eq!(files.lines().count(), 4, "{files}");
    for line in files.lines() {
        let size: u64 = line.split(' ').next().and_then(|size| size.parse().ok()).expect("a size");
        assert!(size <= 64 + 8 * 3000 && line.contains(" 600 root "), "{line}");
    }

    // The flood has left far fewer records than there were refusals, and they count them all.
    let log = host.read("/var/log/sm/audit.jsonl");
    let flood = log.lines().filter(|line| line.contains("\"code\":\"rate_limited\""));
    let counts: Vec<u64> = flood
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a record"))
        .map(|record| record["count"].as_u64().unwrap_or(1))
        .collect();
    assert!(!counts.is_empty() && counts.len() as u64 <= begun.elapsed().as_secs() + 2);
    assert!(counts.iter().sum::<u64>() <= 72, "{counts:?}");
});

host_once!(free_questions_cost_nothing, |host| {
    host.limit_the_rate();
    rate(host, 1, 3600);
    let free = codes(
        host,
        "for i in {1..12}; do
            sm-helper list >\"$out/l$i\"; sm-helper version >\"$out/v$i\"
            sm-helper --dry-run service reload nginx >\"$out/d$i\"
            sudo -n /usr/local/bin/sm-helper --dry-run service reload nginx >\"$out/s$i\"
        done",
    );
    assert_eq!(of(&free, "ok"), 48, "{free:?}");
    reload(host).expect("ok");
    reload(host).expect("rate_limited");
});

// Its reply and its record say what was asked, whatever the answer.
host_once!(a_rehearsal_that_is_too_much_is_still_one, |host| {
    host.limit_the_rate();
    rate(host, 1, 3600);
    let line = "sudo -n /usr/local/bin/sm-helper service reload nginx --dry-run";
    let last = format!(
        "for i in {{1..150}}; do {line} >/home/agent/out || {{ is=$?; cat /home/agent/out; exit $is; }}; done"
    );
    let reply = Reply::of(&host.agent(&last));
    assert_eq!(
        (reply.code(), &reply.json["dry_run"]),
        ("rate_limited", &true.into()),
        "{:#}",
        reply.json
    );
    let record = &records(host, &reply.json["request_id"])[0];
    assert_eq!(record["dry_run"], true, "{record:#}");
});

// Who plans changes nothing, and is not locked out of the change itself.
host_once!(a_plan_is_a_look, |host| {
    host.limit_the_rate();
    let before = intents(host);
    let planned =
        codes(host, "for i in {1..35}; do sm-helper package plan install git >\"$out/$i\"; done");
    assert_eq!(of(&planned, "ok"), 35, "{planned:?}");
    assert_eq!(intents(host) - before, 35);
    let planned =
        codes(host, "for i in {1..5}; do sm-helper package plan upgrade >\"$out/$i\"; done");
    assert_eq!(of(&planned, "ok"), 5, "{planned:?}");
    // All of the budget for changes is there still.
    let asked =
        codes(host, "for i in {1..31}; do sm-helper service reload nginx >\"$out/$i\"; done");
    assert_eq!((of(&asked, "ok"), of(&asked, "rate_limited")), (30, 1), "{asked:?}");
    // And the other way round, as of an account that has used it up.
    host.helper(&["package", "plan", "install", "git"]).expect("ok");
    assert!(!host.has_package("git"));
});

host_test!(the_time_to_wait_is_right_to_a_second, all, |host| {
    host.limit_the_rate();
    rate(host, 1, 600);
    // When it was spent, and when it was asked again, is known as far as the calls have a beginning
    // and an end.
    let before = Instant::now();
    reload(host).expect("ok");
    let after = Instant::now();
    let refused = reload(host).expect("rate_limited");
    let (least, most) = (600.0 - before.elapsed().as_secs_f64(), 600.0);
    let wait = refused.json["retry_after_s"].as_u64().expect("seconds");
    assert!((least..most + 1.0).contains(&(wait as f64)), "{wait} is not from {least} to {most}");
    // A moment later it is that much less.
    std::thread::sleep(Duration::from_millis(1200));
    let most = 600.0 - after.elapsed().as_secs_f64();
    let later = reload(host).expect("rate_limited").json["retry_after_s"].as_u64();
    assert!(
        later.is_some_and(|later| (later as f64) < most + 1.0),
        "{later:?} is more than {most}"
    );

    // Who waits for so long is let through.
    rate(host, 1, 4);
    let told = (0..20).find_map(|_| {
        let reply = reload(host);
        (reply.code() == "rate_limited").then(|| reply.json["retry_after_s"].as_u64())
    });
    let told = told.flatten().expect("a machine that asks twice in 4 s, once in 20 times");
    std::thread::sleep(Duration::from_secs(told));
    reload(host).expect("ok");
});

host_once!(refusals_run_out_and_a_restart_does_not, |host| {
    host.limit_the_rate();
    rate(host, 3, 3600);
    let hammered = codes(
        host,
        "for i in {1..20}; do sm-helper service stop dbus >\"$out/a$i\"; done
         for i in {1..20}; do sudo -n /usr/local/bin/sm-helper bogus >\"$out/b$i\"; done",
    );
    let answered = of(&hammered, "denied") + of(&hammered, "usage");
    assert_eq!((answered, of(&hammered, "rate_limited")), (30, 10), "{hammered:?}");
    reload(host).expect("ok");

    // Bad usage is no way around it, nor a way to fill the log.
    let more = codes(
        host,
        "for i in {1..15}; do
            sm-helper service stop dbus >\"$out/a$i\"
            sudo -n /usr/local/bin/sm-helper bogus >\"$out/b$i\"
            sudo -n /usr/local/bin/sm-helper service stop >\"$out/c$i\"
         done",
    );
    assert_eq!(of(&more, "rate_limited"), 45, "{more:?}");
    reload(host).expect("ok");
});

host_test!(another_rate_gives_nothing_back, all, |host| {
    host.limit_the_rate();
    let many = "for i in {1..40}; do sm-helper service reload nginx >\"$out/$i\"; done";
    rate(host, 30, 3600);
    for _ in 0..4 {
        reload(host).expect("ok");
    }
    rate(host, 4, 3600);
    reload(host).expect("rate_limited");
    rate(host, 30, 3600);
    assert_eq!(of(&codes(host, many), "ok"), 26, "what was spent stays spent");
    rate(host, 2, 3600);
    reload(host).expect("rate_limited");
    rate(host, 30, 3600);
    assert_eq!(of(&codes(host, many), "ok"), 0, "a smaller rate in between forgets nothing");
});

// Two that read the state at the same moment must not both find the last one left.
host_once!(exact_also_where_everybody_is_slow_between_reading_and_writing, |host| {
    host.limit_the_rate();
    rate(host, 5, 3600);
    let slow = "strace -qq -o /dev/null --trace=pwrite64 --inject=pwrite64:delay_enter=40000";
    let text = host
        .root(&format!(
            "export SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=agent; out=$(mktemp -d)
             for i in {{1..20}}; do {slow} sm-helper service reload nginx >$out/$i & done; wait; cat $out/*"
        ))
        .ok();
    let count = |code: &str| text.matches(&format!("\"code\":\"{code}\"")).count();
    assert_eq!(count("ok"), 5, "{text}");
    assert_eq!(count("rate_limited"), 15, "{text}");
    reload(host).expect("rate_limited");
});
