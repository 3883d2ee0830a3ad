//! dpkg was ended in the middle: nothing is repaired behind anybody's back, and nothing else done.

use crate::ask;
use crate::host::{Host, host_once};
use crate::offered::{planned, state};

const UNPACK: &str = "dpkg --unpack /srv/apt/sm-test-conffile_1_all.deb";

/// What only takes away.
const REMOVALS: [&str; 3] = ["remove sm-test-old", "autoremove", "plan autoremove"];

/// Whatever is asked about other packages is refused, and changes nothing.
#[track_caller]
fn refuses_all(host: &Host, words: &[&str], help: &str) {
    refuses_what_adds(host, words, help);
    refuses_each(host, &REMOVALS, words, help);
}

/// The same of what does not only take away: see `room`.
#[track_caller]
fn refuses_what_adds(host: &Host, words: &[&str], help: &str) {
    const LINES: [&str; 5] = [
        "install sm-test-base",
        "plan install sm-test-base",
        "upgrade sm-test-old",
        "upgrade",
        "plan upgrade",
    ];
    refuses_each(host, &LINES, words, help);
}

#[track_caller]
fn refuses_each(host: &Host, lines: &[&str], words: &[&str], help: &str) {
    let before = state(host);
    for line in lines {
        let reply = ask(host, &format!("package {line}")).expect("plan_refused");
        let text = |key: &str| reply.json[key].as_str().unwrap_or_default();
        for word in words {
            assert!(text("error").contains(word), "{line}: {word}: {:#}", reply.json);
        }
        assert!(text("hint").contains(help), "{line}: {:#}", reply.json);
        assert!(reply.json["returncode"].is_null() && reply.json["changed"].is_null(), "{line}");
        assert_eq!(state(host), before, "{line}");
    }
    // What has nothing to do with it goes on.
    for line in ["package update", "package autoclean"] {
        ask(host, line).expect("ok");
    }
    assert_eq!(state(host), before);
}

#[track_caller]
fn repairs(host: &Host) {
    let reply = ask(host, "package repair").expect("ok");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    assert_eq!(host.root("dpkg --audit").ok(), "");
    let reply = ask(host, "package repair").expect("ok");
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
}

host_once!(what_is_not_configured_comes_first, ready_test_policy, |host| {
    host.root("apt-get -qq --yes install sm-test-old=1").ok();
    let reply = ask(host, "package repair").expect("ok");
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);

    ask(host, "package install sm-test-fail").expect("command_failed");
    refuses_what_adds(host, &["sm-test-fail is not configured"], "package repair");
    // It does not help here, and says why.
    let reply = ask(host, "package repair").expect("command_failed");
    assert!(reply.json["error"].as_str().is_some_and(|error| error.contains("sm-test-fail")));
    // It can be asked for again, and removed.
    for line in ["package install sm-test-fail", "package upgrade sm-test-fail"] {
        let reply = ask(host, line).expect("command_failed");
        assert_eq!(planned(&reply), "", "{line}");
    }
    let reply = ask(host, "package remove sm-test-fail").expect("ok");
    assert_eq!(planned(&reply), "remove sm-test-fail 1");

    host.root(UNPACK).ok();
    refuses_what_adds(host, &["sm-test-conffile is not configured"], "package repair");
    repairs(host);
    assert!(host.has_package("sm-test-conffile"));
    host.root(UNPACK).ok();
    let reply = ask(host, "package install sm-test-conffile").expect("ok");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    assert!(host.has_package("sm-test-conffile"));
    host.root(UNPACK).ok();
    ask(host, "package remove sm-test-conffile").expect("ok");
    ask(host, "package install sm-test-base").expect("ok");
});

host_once!(what_is_half_there_comes_first, ready_test_policy, |host| {
    host.root("apt-get -qq --yes install sm-test-old=1").ok();
    ask(host, "package install sm-test-fail-postrm").expect("ok");
    ask(host, "package remove sm-test-fail-postrm").expect("command_failed");
    refuses_all(host, &["sm-test-fail-postrm is half installed"], "sm-test-fail-postrm");
    // To be asked for it must not mean that it is removed.
    let before = state(host);
    let reply = ask(host, "package install sm-test-fail-postrm").expect("plan_refused");
    assert!(reply.json["hint"].as_str().is_some_and(|hint| hint.contains("package remove")));
    assert_eq!(state(host), before);
    ask(host, "package remove sm-test-fail-postrm").expect("command_failed");
    host.root("rm /var/lib/dpkg/info/sm-test-fail-postrm.postrm").ok();
    let reply = ask(host, "package remove sm-test-fail-postrm").expect("ok");
    assert_eq!(planned(&reply), "remove sm-test-fail-postrm 1");
    ask(host, "package install sm-test-base").expect("ok");
});

host_once!(what_dpkg_had_not_written_down_comes_first, ready_test_policy, |host| {
    host.root("apt-get -qq --yes install sm-test-old=1").ok();
    let journal = |status: &str| {
        let entry = format!(
            "Package: sm-test-old\nStatus: install ok {status}\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y>\nDescription: x\n\n"
        );
        host.write("/var/lib/dpkg/updates/0001", entry);
    };
    // What it holds may look like nothing.
    journal("installed");
    refuses_all(host, &["journal"], "package repair");
    let reply = ask(host, "package repair").expect("ok");
    assert!(!host.exists("/var/lib/dpkg/updates/0001"), "{:#}", reply.json);
    journal("unpacked");
    let before = state(host);
    let reply = ask(host, "package install sm-test-base").expect("plan_refused");
    assert!(reply.json["error"].as_str().is_some_and(|error| error.contains("sm-test-old")));
    assert_eq!(state(host), before);
    repairs(host);
    // What it had only begun to write says nothing.
    host.write("/var/lib/dpkg/updates/tmp.i", "");
    ask(host, "package install sm-test-base").expect("ok");
});

host_once!(to_repair_is_a_grant_of_its_own, |host| {
    host.root(UNPACK).ok();
    let before = state(host);
    ask(host, "package repair").expect("denied");
    ask(host, "package repair git").expect("usage");
    let reply = ask(host, "package install git").expect("plan_refused");
    assert!(reply.json["error"].as_str().is_some_and(|error| error.contains("sm-test-conffile")));
    let hint = reply.json["hint"].as_str().expect("a hint");
    assert!(hint.contains("dpkg --configure -a") && !hint.contains("sm-helper"), "{hint}");
    assert_eq!(state(host), before);
});
