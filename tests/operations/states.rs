//! Every state that dpkg can have left a package in: what is `ok` is so, what is not says how the
//! package is, and the way out that is named leads out.

use crate::ask;
use crate::host::{Host, host_once};

const NAME: &str = "sm-test-old";

/// `dpkg(1)`, "Package states", those of a package that is there in part or as a whole; with what
/// else its record must hold.
const STATES: [(&str, &str); 6] = [
    ("half-installed", ""),
    ("unpacked", ""),
    ("half-configured", "Config-Version: 1\n"),
    ("triggers-awaited", "Triggers-Awaited: libc-bin\n"),
    ("triggers-pending", "Triggers-Pending: none\n"),
    ("installed", ""),
];

/// What leads out, as hints name it.
const WAYS: [&str; 5] = [
    "sm-helper package repair",
    "sm-helper package remove sm-test-old",
    "dpkg --configure -a",
    "apt-get install --reinstall sm-test-old",
    "apt-get remove sm-test-old",
];

/// A host where `sm-test-old` is there in version 2, and its record with another state.
fn put(host: &Host, want: &str, error: &str, status: &str, more: &str) {
    let good = host.read("/root/status");
    let (before, record) = good.split_once("Package: sm-test-old\n").expect("its record");
    let (record, after) = record.split_once("\n\n").expect("the end of it");
    let state = format!("Status: {want} {error} {status}");
    let record = record.replace("Status: install ok installed", &state);
    let mut all = format!("{before}Package: sm-test-old\n{record}\n{more}\n{after}");
    if status == "triggers-awaited" {
        let (before, libc) = all.split_once("Package: libc-bin\n").expect("it is there");
        let libc = libc.replacen(
            "Status: install ok installed",
            "Status: install ok triggers-pending\nTriggers-Pending: ldconfig",
            1,
        );
        all = format!("{before}Package: libc-bin\n{libc}");
    }
    host.write("/var/lib/dpkg/status", all);
    // Its files are there, whatever was done to it before.
    host.root("cp /root/info/sm-test-old.* /var/lib/dpkg/info/").ok();
}

/// `iHR`; nothing where it is not known.
fn state(host: &Host) -> String {
    let shown = host.root(&format!("dpkg-query -W -f '${{db:Status-Abbrev}}' {NAME}"));
    shown.stdout_text()
}

fn is_so(action: &str, state: &str) -> bool {
    let state = state.get(1..).unwrap_or_default();
    match action {
        "remove" => ["", "n ", "c "].contains(&state),
        _ => state == "i ",
    }
}

host_once!(what_is_ok_is_so_and_what_is_not_can_be_mended, ready_test_policy, |host| {
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
    host.root("apt-get -qq --yes install sm-test-old=2; cp /var/lib/dpkg/status /root/status; mkdir /root/info; cp /var/lib/dpkg/info/sm-test-old.* /root/info").ok();
    for (status, more) in STATES {
        for error in ["ok", "reinstreq"] {
            for want in ["install", "deinstall"] {
                for action in ["install", "upgrade", "remove"] {
                    put(host, want, error, status, more);
                    let case = format!("{want} {error} {status}: {action}");
                    let reply = ask(host, &format!("package {action} {NAME}"));
                    let after = state(host);
                    let is_ok = reply.json["code"] == "ok";
                    assert_eq!(is_ok, is_so(action, &after), "{case}: {after}: {:#}", reply.json);
                    if is_ok {
                        continue;
                    }
                    let text = |key: &str| reply.json[key].as_str().unwrap_or_default().to_owned();
                    let words = ["requires reinstallation", "half installed", "not configured"];
                    let words = [&words[..], &["waiting for its triggers", "its removal was"]];
                    let said = words.concat().into_iter().any(|word| text("error").contains(word));
                    assert!(said, "{case}: {:#}", reply.json);
                    // What apt and dpkg would make worse was not begun.
                    let hint = text("hint");
                    let ways = WAYS.iter().filter_map(|way| Some((hint.find(way)?, *way)));
                    let (_, way) = ways.min().unwrap_or_else(|| panic!("{case}: no way: {hint}"));
                    match way.strip_prefix("sm-helper ") {
                        Some(line) => drop(ask(host, line).expect("ok")),
                        None => {
                            let way = way.replace("apt-get", "apt-get -qq --yes");
                            host.root(&format!("DEBIAN_FRONTEND=noninteractive {way}")).ok();
                        }
                    }
                    let audit = host.root("dpkg --audit").ok();
                    assert_eq!(audit, "", "{case}: {way}: {}", state(host));
                }
            }
        }
    }
});

host_once!(to_repair_what_repair_can_not_is_no_success, ready_test_policy, |host| {
    host.root("apt-get -qq --yes install sm-test-old=2; cp /var/lib/dpkg/status /root/status; mkdir /root/info; cp /var/lib/dpkg/info/sm-test-old.* /root/info").ok();
    for (error, status, words) in [
        ("ok", "half-installed", "half installed"),
        ("reinstreq", "half-installed", "requires reinstallation"),
        ("reinstreq", "installed", "requires reinstallation"),
    ] {
        put(host, "install", error, status, "");
        // dpkg itself finds nothing to do.
        host.root("dpkg --configure -a").ok();
        let reply = ask(host, "package repair").expect("command_failed");
        assert_eq!(reply.json["returncode"], 0, "{:#}", reply.json);
        let said = reply.json["error"].as_str().expect("an error");
        assert!(said.contains("sm-test-old is ") && said.contains(words), "{said}");
    }
    put(host, "hold", "ok", "unpacked", "");
    ask(host, "package repair").expect("ok");
    assert_eq!(state(host), "hi ");
});
