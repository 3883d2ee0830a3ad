//! What the lists of packages are read from: which source could not be read, and what fails
//! because of lists that are old or were never read.

use crate::ask;
use crate::host::{Host, host_once};

fn sources(host: &Host, all: &[&str]) {
    let lines: Vec<String> = all.iter().map(|each| format!("deb [trusted=yes] {each}\n")).collect();
    host.write("/etc/apt/sources.list", lines.concat());
}

const GOOD: &str = "file:/srv/apt ./";

host_once!(which_source_could_not_be_read_is_told, ready_test_policy, |host| {
    host.write("/etc/apt/apt.conf.d/99retries", "Acquire::Retries \"0\";\n");
    host.root("cp -r /srv/apt /srv/second; setsid -f sh -c 'cd /srv; exec python3 -m http.server 8000' >/dev/null 2>&1").ok();
    for (all, count, named) in [
        (vec![GOOD, "file:/srv/gone ./"], "1 of 2 package sources", "file:/srv/gone ./"),
        (
            vec!["http://user:secret@127.0.0.1:8001/x stable main", GOOD, "file:/srv/second ./"],
            "1 of 3 package sources",
            "http://127.0.0.1:8001/x stable",
        ),
        (
            vec![GOOD, "http://127.0.0.1:8000/none stable main"],
            "1 of 2 package sources",
            "http://127.0.0.1:8000/none stable",
        ),
        (
            vec![GOOD, "http://nowhere.invalid/x stable main contrib"],
            "1 of 2 package sources",
            "http://nowhere.invalid/x stable",
        ),
        (
            vec!["file:/srv/gone ./", GOOD, "file:/srv/gone2 ./"],
            "2 of 3 package sources",
            "file:/srv/gone ./, file:/srv/gone2 ./",
        ),
    ] {
        sources(host, &all);
        host.root("touch /srv/apt/Packages").ok();
        let reply = ask(host, "package update").expect("command_failed");
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.starts_with(&format!("{count} could not be read: {named};")), "{error}");
        assert!(error.contains("the lists of the others are up to date"), "{error}");
        assert!(!reply.json.to_string().contains("secret"), "{:#}", reply.json);
        assert!(reply.json["hint"].is_string(), "{:#}", reply.json);
        // Which is so.
        ask(host, "package install sm-test-base").expect("ok");
        ask(host, "package remove sm-test-base").expect("ok");
    }
    for (all, words) in [
        (vec!["file:/srv/gone ./"], "the package source could not be read: file:/srv/gone ./"),
        (
            vec!["file:/srv/gone ./", "file:/srv/gone2 ./"],
            "none of the 2 package sources could be read: file:/srv/gone ./, file:/srv/gone2 ./",
        ),
    ] {
        sources(host, &all);
        let reply = ask(host, "package update").expect("command_failed");
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.starts_with(words), "{error}");
    }
    sources(host, &[GOOD]);
    ask(host, "package update").expect("ok");
});

/// `package LINE` fails, and its hint has these words.
#[track_caller]
fn hints(host: &Host, line: &str, words: &[&str]) {
    let reply = ask(host, &format!("package {line}")).expect("command_failed");
    let hint = reply.json["hint"].as_str().unwrap_or_default();
    for word in words {
        assert!(hint.contains(word), "{line}: {word}: {:#}", reply.json);
    }
}

host_once!(old_lists_are_known_as_such, ready_test_policy, |host| {
    const UPDATE: &str = "sm-helper package update";
    // The source has another version by now.
    host.root("cd /srv/apt; mv sm-test-base_1_all.deb /srv").ok();
    hints(
        host,
        "install sm-test-base",
        &["out of date: the source now has another version", UPDATE],
    );
    sources(host, &["http://127.0.0.1:8000 ./"]);
    host.root("mv /srv/sm-test-base_1_all.deb /srv/apt; setsid -f sh -c 'cd /srv/apt; exec python3 -m http.server 8000' >/dev/null 2>&1; sleep 1; apt-get -qq update; mv /srv/apt/sm-test-base_1_all.deb /srv").ok();
    hints(
        host,
        "install sm-test-base",
        &["out of date: the source now has another version", UPDATE],
    );
    // No source has it.
    hints(host, "install docker.io", &["no source has it", UPDATE]);
    // A fresh image.
    host.root("rm -r /var/lib/apt/lists; mkdir /var/lib/apt/lists").ok();
    for line in ["install sm-test-base", "plan install sm-test-base"] {
        hints(host, line, &["never read", UPDATE]);
    }
    host.root("mv /srv/sm-test-base_1_all.deb /srv/apt").ok();
    ask(host, "package update").expect("ok");
    ask(host, "package install sm-test-base").expect("ok");
});

host_once!(lists_that_are_not_there_are_told, ready_test_policy, |host| {
    const UPDATE: &str = "sm-helper package update";
    ask(host, "package install sm-test-base").expect("ok");
    let upgrades = ["upgrade", "plan upgrade", "upgrade sm-test-base"];
    // Its file is lost, what it says of itself is not.
    host.root("mv /srv/apt/Packages /srv").ok();
    for line in upgrades.iter().chain(&["install docker.io"]) {
        hints(host, line, &[UPDATE]);
    }
    let reply = ask(host, "package upgrade").expect("command_failed");
    assert!(reply.json["error"].as_str().expect("text").contains(" are gone"), "{:#}", reply.json);
    host.root("mv /srv/Packages /srv/apt").ok();
    host.root("rm -r /var/lib/apt/lists; mkdir /var/lib/apt/lists").ok();
    for line in upgrades {
        hints(host, line, &[UPDATE]);
        let reply = ask(host, &format!("package {line}")).expect("command_failed");
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.contains("were never read"), "{line}: {error}");
    }
    ask(host, "package update").expect("ok");
    assert_eq!(ask(host, "package upgrade sm-test-base").expect("ok").json["changed"], false);
    // No source at all: to read the lists does not help.
    host.root("rm -rf /etc/apt/sources.list*; rm -r /var/lib/apt/lists; mkdir /var/lib/apt/lists")
        .ok();
    for line in ["update", "upgrade", "upgrade sm-test-base", "install docker.io"] {
        hints(host, line, &["an administrator has to add a source"]);
        let reply = ask(host, &format!("package {line}")).expect("command_failed");
        assert!(reply.json.to_string().contains("has no package source"), "{:#}", reply.json);
        assert!(!reply.json["hint"].to_string().contains(UPDATE), "{line}: {:#}", reply.json);
    }
});

host_once!(a_source_that_became_another_is_told, ready_test_policy, |host| {
    const RELEASE: &str = "cd /srv/lab; apt-ftparchive -o APT::FTPArchive::Release::Codename=$NAME release . >/tmp/Release; mv /tmp/Release .";
    host.root(&format!("cp -r /srv/apt /srv/lab; NAME=a; {RELEASE}")).ok();
    sources(host, &[GOOD, "file:/srv/lab ./"]);
    ask(host, "package update").expect("ok");
    host.root(&format!("NAME=b; {RELEASE}")).ok();
    let reply = ask(host, "package update").expect("command_failed");
    let error = reply.json["error"].as_str().expect("an error");
    assert!(
        error.starts_with("1 of 2 package sources could not be read: file:/srv/lab ./;"),
        "{error}"
    );
    hints(host, "update", &["--allow-releaseinfo-change"]);
    // A line that is none.
    sources(host, &[GOOD, "file:/srv/lab"]);
    hints(host, "update", &["corrects that in /etc/apt/sources.list"]);
    // A file that was replaced, under its old name.
    sources(host, &["http://127.0.0.1:8000 ./"]);
    host.root("setsid -f sh -c 'cd /srv/apt; exec python3 -m http.server 8000' >/dev/null 2>&1; sleep 1; apt-get -qq update; printf more >>/srv/apt/sm-test-base_1_all.deb").ok();
    hints(
        host,
        "install sm-test-base",
        &["out of date: the source now has another version", "sm-helper package update"],
    );
});

host_once!(who_may_not_update_is_sent_to_an_administrator, ready, |host| {
    host.root("mkdir -p /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[packages]\nactions = [\"install\"]\nmaintenance = []\n[packages.names]\ngit = {}\n",
    );
    host.root("rm -r /var/lib/apt/lists; mkdir /var/lib/apt/lists").ok();
    let reply = ask(host, "package install git").expect("command_failed");
    let hint = reply.json["hint"].as_str().expect("a hint");
    assert!(hint.contains("an administrator") && !hint.contains("sm-helper"), "{hint}");
});
