//! Where something is not configured, a removal is still done if it does nothing else: it may be
//! what makes room. And of a package that cannot be configured the way out is named.

use crate::host::host_once;
use crate::offered::{offer, planned};
use crate::{ask, told};

/// It is configured only where there is room.
const NEEDS_ROOM: &str = "echo ran >>/run/scripts; test ! -e /srv/full && exit 0; echo 'cp: error writing: No space left on device' >&2; exit 1";

host_once!(what_makes_room_can_be_removed, ready_test_policy, |host| {
    host.root("apt-get -qq --yes install sm-test-old sm-test-dependant sm-test-dep; apt-mark auto sm-test-dep; touch /srv/full").ok();
    offer(host, "sm-test-big", "2", "", &[("postinst", NEEDS_ROOM)]);
    let reply = ask(host, "package install sm-test-big").expect("command_failed");
    let way = "make room first: sm-helper package autoremove";
    assert!(told(&reply).contains(way) && told(&reply).contains("repair"), "{:#}", reply.json);
    host.root("rm /run/scripts").ok();

    // What adds something still waits.
    for line in ["install sm-test-conffile", "upgrade"] {
        let reply = ask(host, &format!("package {line}")).expect("plan_refused");
        assert!(told(&reply).contains("sm-test-big is not configured"), "{line}");
    }
    for (line, plan) in
        [("remove sm-test-old", "remove sm-test-old 2"), ("autoremove", "remove sm-test-dep 1")]
    {
        let reply = ask(host, &format!("package {line}")).expect("ok");
        assert_eq!(planned(&reply), plan, "{line}");
        assert_eq!(reply.json["returncode"], 0, "{line}");
        // Nothing is repaired behind anybody's back.
        assert!(!host.exists("/run/scripts"), "{line}: its script was run");
    }
    assert!(!host.has_package("sm-test-old") && !host.has_package("sm-test-dep"));
    // More than was asked for goes no more than ever.
    let reply = ask(host, "package remove sm-test-base").expect("plan_refused");
    assert!(told(&reply).contains("also remove sm-test-dependant"), "{:#}", reply.json);
    host.root("rm /srv/full").ok();
    ask(host, "package repair").expect("ok");
    assert!(host.has_package("sm-test-big"));
    ask(host, "package install sm-test-conffile").expect("ok");
});

host_once!(triggers_are_run_where_something_is_removed, ready_test_policy, |host| {
    offer(host, "docker.io", "1", "", &[("postinst", "echo $1 >>/run/triggered")]);
    host.root(
        "set -e; cd /tmp; dpkg-deb -R /srv/apt/docker.io_1_all.deb t; echo 'interest /usr/share/sm-test-base' >t/DEBIAN/triggers
         dpkg-deb -Zgzip -b t /srv/apt/docker.io_1_all.deb; rm -r t; cd /srv/apt; apt-ftparchive packages . >Packages; apt-get -qq update",
    )
    .ok();
    ask(host, "package install sm-test-base").expect("ok");
    ask(host, "package install docker.io").expect("ok");
    host.root("rm /run/triggered").ok();
    ask(host, "package remove sm-test-base").expect("ok");
    assert_eq!(host.read("/run/triggered"), "triggered\n");
    assert_eq!(host.root("dpkg --audit").ok(), "");
});

host_once!(the_way_out_of_a_script_that_fails_is_named, ready_test_policy, |host| {
    let reply = ask(host, "package install sm-test-fail").expect("command_failed");
    let way = "sm-helper package remove sm-test-fail";
    assert!(told(&reply).contains(way), "{:#}", reply.json);
    let reply = ask(host, "package repair").expect("command_failed");
    assert!(told(&reply).contains(way), "{:#}", reply.json);
    let reply = ask(host, "package install sm-test-base").expect("plan_refused");
    assert!(told(&reply).contains(way), "{:#}", reply.json);
    ask(host, "package remove sm-test-fail").expect("ok");

    // Not where the policy does not grant that.
    offer(host, "htop", "99", "", &[("postinst", "exit 1")]);
    assert_eq!(host.root("apt-get -qq --yes install htop=99").status, Some(100));
    let reply = ask(host, "package install sm-test-base").expect("plan_refused");
    assert!(!told(&reply).contains("package remove"), "{:#}", reply.json);
    host.root("apt-get -qq --yes remove htop").ok();

    // Nor where that is what failed.
    ask(host, "package install sm-test-fail-postrm").expect("ok");
    let reply = ask(host, "package remove sm-test-fail-postrm").expect("command_failed");
    assert!(told(&reply).contains("/var/lib/dpkg/info"), "{:#}", reply.json);
    host.root("rm /var/lib/dpkg/info/sm-test-fail-postrm.postrm").ok();
    ask(host, "package remove sm-test-fail-postrm").expect("ok");
});

host_once!(a_name_that_others_provide_is_told, ready_test_policy, |host| {
    for name in ["one", "two"] {
        offer(host, name, "1", "Provides: docker.io\n", &[]);
    }
    let reply = ask(host, "package install docker.io").expect("plan_refused");
    let said = told(&reply);
    assert!(said.contains("one") && said.contains("two"), "{said}");
    assert!(!said.contains("installed)"), "{said}");
    host.root("apt-get -qq --yes install two").ok();
    let reply = ask(host, "package install docker.io").expect("plan_refused");
    assert!(told(&reply).contains("(two is installed)"), "{:#}", reply.json);
    host.root("rm /srv/apt/one_1_all.deb").ok();
    offer(host, "three", "1", "", &[]);
    let reply = ask(host, "package install docker.io").expect("plan_refused");
    assert!(told(&reply).contains("two, which is installed, provides it"), "{:#}", reply.json);
});
