//! What cannot be done is told with the line that matters.

use crate::arch::set_up;
use crate::ask;
use crate::host::{Host, Reply, host_once};
use crate::offered::planned;

#[track_caller]
fn fails(host: &Host, line: &str, words: &[&str]) -> Reply {
    let reply = ask(host, &format!("package {line}")).expect("command_failed");
    let error = reply.json["error"].as_str().expect("an error");
    for word in words {
        assert!(error.contains(word), "{line}: {word} is not in {error}");
    }
    reply
}

/// So little room where the large package goes that it does not fit.
fn fill(host: &Host) {
    let folder = "/usr/share/doc/sm-test-big";
    host.root(&format!("mkdir -p {folder}; mount -t tmpfs -o size=1M tmpfs {folder}")).ok();
}

host_once!(what_apt_can_not_do_is_told, ready_test_policy, |host| {
    let said = "post-installation script subprocess returned error exit status 1";
    fails(host, "install sm-test-fail", &["sm-test-fail ", said]);
    ask(host, "package remove sm-test-fail").expect("ok");
    fails(host, "install sm-test-fail-preinst", &["sm-test-fail-preinst ", "pre-installation"]);
    assert!(!host.has_package("sm-test-fail-preinst"));
    ask(host, "package install sm-test-fail-prerm").expect("ok");
    let reply =
        fails(host, "remove sm-test-fail-prerm", &["sm-test-fail-prerm ", "pre-removal script"]);
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
    assert!(host.has_package("sm-test-fail-prerm"));
    let stderr = reply.json["stderr"].as_str().expect("text");
    assert!(stderr.contains("sm-test-fail-prerm: the reason it fails"), "{stderr}");

    fill(host);
    let reply = fails(host, "install sm-test-big", &["No space left on device", "sm-test-big"]);
    assert_eq!(planned(&reply), "install sm-test-big 1");
    assert!(!host.has_package("sm-test-big"));
    let hint = reply.json["hint"].as_str().expect("a hint");
    assert!(hint.contains("make room first: sm-helper package autoremove"), "{hint}");

    fails(host, "install docker.io", &["Unable to locate package docker.io"]);
    // What the lists name is not there, then the lists neither.
    host.root("mv /srv/apt/curl_*.deb /srv").ok();
    let reply = fails(host, "install curl", &["Failed to fetch", "curl_"]);
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
    host.root("mv /srv/curl_*.deb /srv/apt; mv /srv/apt /srv/away").ok();
    fails(host, "update", &["Failed to fetch", "/srv/apt/"]);
    let reply = fails(host, "install curl", &["curl"]);
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
    host.root("mv /srv/away /srv/apt").ok();
    ask(host, "package update").expect("ok");
    ask(host, "package install curl").expect("ok");

    // The last: it leaves a package behind that hinders all others.
    ask(host, "package install sm-test-fail-postrm").expect("ok");
    fails(host, "remove sm-test-fail-postrm", &["sm-test-fail-postrm ", "post-removal script"]);
});

host_once!(what_pacman_can_not_do_is_told, bare_arch, |host| {
    set_up(host);
    // For pacman itself all four are a success.
    for (kind, action) in
        [("", "install"), ("-preinst", "install"), ("-prerm", "remove"), ("-postrm", "remove")]
    {
        let name = format!("sm-test-fail{kind}");
        if action == "remove" {
            ask(host, &format!("package install {name}")).expect("ok");
        }
        let reply = fails(host, &format!("{action} {name}"), &["script", &format!("{name}: ")]);
        assert_eq!(reply.json["returncode"], 0, "{name}");
        assert_eq!(reply.json["changed"], true, "{name}");
        assert!(planned(&reply).starts_with(&format!("{action} {name} 1-1")), "{name}");
        assert!(reply.json["hint"].is_string(), "{name}");
        let is_there = host.root(&format!("pacman -Q {name}")).status == Some(0);
        assert_eq!(is_there, action == "install", "{name}");
    }
    fill(host);
    let reply = fails(host, "install sm-test-big", &["could not extract", "sm-test-big/zeros"]);
    // So says pacman's database.
    assert_eq!(reply.json["changed"], true);
    host.root("pacman -R --noconfirm sm-test-big; umount /usr/share/doc/sm-test-big").ok();

    fails(host, "install bash", &["target not found: bash"]);
    host.root("mv /srv/pacman/git-* /srv").ok();
    let reply = fails(host, "install git", &["failed retrieving file 'git-"]);
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
    host.root("mv /srv/pacman /srv/away").ok();
    let reply = fails(host, "upgrade", &["failed retrieving file 'disk.db'"]);
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
});
