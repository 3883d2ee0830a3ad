//! What a package must not be able to do to whoever installs it, and the other way round.

use crate::ask;
use crate::host::{Host, host_once, wait_until};
use crate::offered::offer;

fn installed(host: &Host) -> String {
    host.root("dpkg-query -W -f '${Package} ${Version} ${Status}\n'").ok()
}

host_once!(settings_and_questions_are_left_alone, ready_test_policy, all, |host| {
    // The administrator's own setting stays, the package's new one lies beside it.
    host.root("apt-get -qq install --yes sm-test-conffile=1 sm-test-old=1").ok();
    let theirs = host.read("/etc/sm-test.conf");
    host.write("/etc/sm-test.conf", "mine\n");
    ask(host, "package upgrade sm-test-conffile").expect("ok");
    assert_eq!(host.read("/etc/sm-test.conf"), "mine\n");
    assert_ne!(host.read("/etc/sm-test.conf.dpkg-dist"), theirs);
    assert!(installed(host).contains("sm-test-conffile 2 install"));

    // Only that one was upgraded, and to install is not to upgrade.
    assert_eq!(host.read("/usr/share/sm-test-old/version"), "1\n");
    let reply = ask(host, "package install sm-test-old").expect("ok");
    assert_eq!(reply.json["changed"], false);
    assert_eq!(host.read("/usr/share/sm-test-old/version"), "1\n");
    ask(host, "package upgrade sm-test-old").expect("ok");
    assert_eq!(host.read("/usr/share/sm-test-old/version"), "2\n");

    // Nobody is asked anything: the default stands.
    ask(host, "package install sm-test-debconf").expect("ok");
    assert_eq!(host.read("/var/lib/sm-test-debconf.answer"), "unanswered\n");

    // No terminal is pretended.
    let reply = ask(host, "package install sm-test-probe").expect("ok");
    let said = reply.json["stdout"].as_str().expect("text");
    assert!(said.contains("tty_nr: 0\n") && said.contains("dev_tty: does not open\n"), "{said}");
    assert!(!said.contains("/dev/pts/") && !said.contains("/dev/ptmx"), "{said}");
});

host_once!(a_package_that_can_not_be_configured_is_a_failure, ready_test_policy, |host| {
    let reply = ask(host, "package install sm-test-fail").expect("command_failed");
    assert_eq!(reply.json["returncode"], 100);
    assert_eq!(reply.json["changed"], true, "it is unpacked");
    // Its own words, or at least its name: not just "Sub-process returned an error code".
    let error = reply.json["error"].as_str().expect("an error");
    assert!(error.contains("sm-test-fail"), "the line that matters: {error}");
    ask(host, "package remove sm-test-fail").expect("ok");
    assert_eq!(host.root("dpkg --audit").ok(), "");

    // A lock that somebody else holds is waited for.
    host.root("apt-get -qq install --yes git").ok();
    host.root(
        "exec setsid -f python3 -c 'import fcntl,time; f=open(\"/var/lib/dpkg/lock-frontend\",\"w\"); fcntl.lockf(f,fcntl.LOCK_EX); open(\"/run/held\",\"w\"); time.sleep(2)' >/dev/null 2>&1",
    )
    .ok();
    wait_until("the lock is held", || host.exists("/run/held"));
    ask(host, "package install curl").expect("ok");
    assert!(host.has_package("curl"));
});

host_once!(nothing_is_taken_away_that_was_not_named, ready_test_policy, |host| {
    host.root("apt-get -qq install --yes curl").ok();
    // It needs curl, and cannot be with git.
    offer(host, "bystander", "1", "Depends: curl\nConflicts: git\n", &[]);
    host.root("apt-get -qq install --yes bystander").ok();
    for line in ["package install git", "package remove curl", "package upgrade"] {
        let before = installed(host);
        let reply = ask(host, line);
        assert!(host.has_package("bystander"), "{line} took bystander away: {:#}", reply.json);
        assert_eq!(installed(host), before, "{line}: {:#}", reply.json);
    }
    // Who is not in the way loses nothing by that.
    ask(host, "package install sm-test-old").expect("ok");
});

host_once!(another_package_is_not_taken_for_the_one_named, ready_test_policy, |host| {
    // The policy allows docker.io, which the repository does not have; this one says it is it.
    offer(host, "bystander", "1", "Provides: docker.io\n", &[]);
    ask(host, "package install docker.io");
    assert!(!host.has_package("bystander"), "bystander was installed as docker.io");
    host.root("apt-get -qq install --yes bystander").ok();
    // It is there, and docker.io is not.
    ask(host, "package install docker.io").expect("plan_refused");
    ask(host, "package remove docker.io");
    assert!(host.has_package("bystander"), "bystander was removed as docker.io");
});

host_once!(services_are_not_restarted_behind_the_callers_back, ready_test_policy, |host| {
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
    host.root("DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq install --yes needrestart").ok();
    host.write("/usr/sbin/needrestart", "#!/bin/sh\ntouch /run/needrestart.was.run\n");
    host.root("apt-get -qq install --yes git").ok();
    assert!(host.exists("/run/needrestart.was.run"), "apt does run it");
    host.root("rm /run/needrestart.was.run").ok();
    ask(host, "package install curl").expect("ok");
    assert!(!host.exists("/run/needrestart.was.run"));
});
