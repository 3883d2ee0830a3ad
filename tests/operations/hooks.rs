//! The administrator's own commands that apt runs: which of them failed or is waited for is told,
//! and what of the packages is done all the same.

use crate::ask;
use crate::host::{Host, host_once, wait_until};

fn hook(host: &Host, setting: &str) {
    host.write("/etc/apt/apt.conf.d/99hook", format!("{setting}\n"));
}

#[track_caller]
fn fails(host: &Host, line: &str, words: &[&str]) -> String {
    let reply = ask(host, &format!("package {line}")).expect("command_failed");
    let error = reply.json["error"].as_str().expect("an error").to_owned();
    for word in words {
        assert!(error.contains(word), "{line}: {word}: {:#}", reply.json);
    }
    assert!(reply.json["hint"].is_string(), "{:#}", reply.json);
    error
}

const DONE: &str = "the packages themselves were changed as planned";

host_once!(a_hook_that_fails_is_named, ready_test_policy, |host| {
    // After dpkg: what was asked for is so.
    hook(host, "DPkg::Post-Invoke { \"echo first; exit 3\"; };");
    let words = ["DPkg::Post-Invoke: echo first; exit 3", DONE];
    fails(host, "install sm-test-base", &words);
    assert!(host.has_package("sm-test-base"));
    fails(host, "remove sm-test-base", &words);
    assert!(!host.has_package("sm-test-base"));
    // Where it is so already, nothing is run.
    ask(host, "package remove sm-test-base").expect("ok");
    // A package that fails too is not done.
    let error = fails(host, "install sm-test-fail", &["sm-test-fail"]);
    assert!(!error.contains(DONE), "{error}");
    host.root("rm /etc/apt/apt.conf.d/99hook").ok();
    ask(host, "package remove sm-test-fail").expect("ok");

    // Before it: nothing is.
    for (setting, words) in [
        ("DPkg::Pre-Invoke { \"exit 3\"; };", "DPkg::Pre-Invoke: exit 3"),
        ("DPkg::Pre-Install-Pkgs { \"exit 3\"; };", "DPkg::Pre-Install-Pkgs: exit 3"),
        ("AptCli::Hooks::Install { \"/bin/false\"; };", "AptCli::Hooks: /bin/false"),
    ] {
        hook(host, setting);
        let error = fails(host, "install sm-test-base", &[words]);
        assert!(!error.contains(DONE) && !host.has_package("sm-test-base"), "{error}");
    }
    for kind in ["Pre-Invoke", "Post-Invoke", "Post-Invoke-Success"] {
        hook(host, &format!("APT::Update::{kind} {{ \"exit 3\"; }};"));
        let reply = ask(host, "package update").expect("command_failed");
        let error = reply.json["error"].as_str().unwrap_or_default();
        assert!(error.contains(&format!("APT::Update::{kind}: exit 3")), "{:#}", reply.json);
    }
});

host_once!(a_hook_that_hangs_is_named, ready_test_policy, |host| {
    for (kind, there) in [("Pre-Invoke", false), ("Post-Invoke", true)] {
        hook(host, &format!("DPkg::{kind} {{ \"touch /run/hangs; sleep 987\"; }};"));
        let reply = ask(host, "package install sm-test-base --timeout 10").expect("timeout");
        let error = reply.json["error"].as_str().expect("an error");
        let place =
            format!("DPkg::{kind} in /etc/apt/apt.conf.d/99hook: touch /run/hangs; sleep 987");
        assert!(error.contains(&place), "{error}");
        assert_eq!(error.contains(DONE), there, "{error}");
        assert!(host.exists("/run/hangs"));
        assert_eq!(host.has_package("sm-test-base"), there);
        host.root("pkill -x sleep; rm /run/hangs").ok();
        wait_until("it is done", || host.root("pgrep -x apt-get").status == Some(1));
        host.root("rm /etc/apt/apt.conf.d/99hook; apt-get -qq --yes remove sm-test-base").ok();
    }
    // One that is run before anything is done, and when it is asked what would be.
    hook(host, "AptCli::Hooks::Install { \"sleep 987\"; };");
    for line in ["install sm-test-base", "plan install sm-test-base"] {
        let reply = ask(host, &format!("package {line} --timeout 10")).expect("timeout");
        let told = reply.json.to_string();
        let place = "it waits for: AptCli::Hooks::Install in /etc/apt/apt.conf.d/99hook: sleep 987";
        assert!(told.contains(place), "{line}: {told}");
        assert!(told.contains("nothing was changed") && !told.contains("try again"), "{told}");
    }
    host.root("rm /etc/apt/apt.conf.d/99hook").ok();
    // A hook of dpkg's own, which is a script.
    host.write("/usr/local/bin/slow-hook", "#!/bin/sh\nsleep 986\nexit 0\n");
    host.root("chmod 755 /usr/local/bin/slow-hook; echo 'pre-invoke=/usr/local/bin/slow-hook now' >/etc/dpkg/dpkg.cfg.d/slow").ok();
    let reply = ask(host, "package install sm-test-base --timeout 10").expect("timeout");
    let error = reply.json["error"].as_str().expect("an error");
    let place = "pre-invoke in /etc/dpkg/dpkg.cfg.d/slow: /usr/local/bin/slow-hook now";
    assert!(error.contains(place), "{error}");
    host.root("rm /etc/dpkg/dpkg.cfg.d/slow; pkill -x sleep").ok();
    wait_until("it is done", || host.root("pgrep -x apt-get").status == Some(1));
    host.root("apt-get -qq --yes remove sm-test-base").ok();
    // As is a package's own script.
    let reply = ask(host, "package install sm-test-slow --timeout 10").expect("timeout");
    let error = reply.json["error"].as_str().expect("an error");
    assert!(error.contains("/var/lib/dpkg/info/sm-test-slow.postinst"), "{error}");
    assert!(!error.contains(DONE), "{error}");
});

host_once!(nobody_is_asked_about_bugs, ready_test_policy, |host| {
    // As apt-listbugs(1) does, which none of the settings above it silences.
    hook(host, "DPkg::Pre-Install-Pkgs { \"test x$APT_LISTBUGS_FRONTEND = xnone\"; };");
    ask(host, "package install sm-test-base").expect("ok");
});
