//! What apt would change is known before, told, and refused where nobody would expect it.

use crate::ask;
use crate::host::{Host, events, host_once, host_test};
use crate::offered::{does, does_nothing, offer, planned, refuses, state};

fn apt(host: &Host, words: &str) {
    host.root(&format!("apt-get -qq --yes --allow-downgrades {words}")).ok();
}

host_once!(what_is_planned_is_what_is_done, ready_test_policy, all, |host| {
    does(host, "install sm-test-needs", "install sm-test-dep 1, install sm-test-needs 1");
    does(host, "remove sm-test-needs", "remove sm-test-needs 1");
    does(host, "autoremove", "remove sm-test-dep 1");
    apt(host, "install sm-test-old=1 sm-test-conffile=1");
    does(host, "upgrade sm-test-old", "upgrade sm-test-old 1>2");
    does(host, "upgrade", "upgrade sm-test-conffile 1>2");
    // Something new that an upgrade needs comes along.
    offer(host, "sm-test-old", "3", "Depends: sm-test-dep\n", &[]);
    does(host, "upgrade", "install sm-test-dep 1, upgrade sm-test-old 2>3");
});

host_once!(what_is_there_is_left_alone, ready_test_policy, |host| {
    apt(host, "install sm-test-old=1 sm-test-conffile");
    host.root("apt-mark auto sm-test-old").ok();
    for line in ["install sm-test-old", "upgrade sm-test-conffile", "remove sm-test-base"] {
        does_nothing(host, line);
    }
    assert_eq!(host.root("apt-mark showauto sm-test-old").ok(), "sm-test-old\n");

    // Of one that was removed its settings are there, and it is not.
    apt(host, "remove sm-test-conffile");
    assert!(host.exists("/etc/sm-test.conf"));
    does_nothing(host, "remove sm-test-conffile");
    ask(host, "package upgrade sm-test-conffile").expect("command_failed");
    does(host, "install sm-test-conffile", "install sm-test-conffile 2");
    host.root("apt-mark manual sm-test-old; apt-get -qq --yes install sm-test-old").ok();
    for line in ["upgrade", "autoremove"] {
        does_nothing(host, line);
    }
});

host_once!(nothing_goes_that_was_not_asked_to_go, ready_test_policy, |host| {
    apt(host, "install sm-test-old=1 sm-test-dependant");
    let plan = "install sm-test-rival 1, remove sm-test-old 1";
    refuses(host, "install sm-test-rival", plan, "also remove sm-test-old");
    offer(host, "sm-test-old", "3", "Conflicts: sm-test-dependant\n", &[]);
    let plan = "remove sm-test-dependant 1, upgrade sm-test-old 1>3";
    refuses(host, "upgrade sm-test-old", plan, "also remove sm-test-dependant");
    // All are upgraded but that one.
    does_nothing(host, "upgrade");

    // What needs it stays where somebody asked for it, and goes along where nobody did.
    let plan = "remove sm-test-base 1, remove sm-test-dependant 1";
    refuses(host, "remove sm-test-base", plan, "also remove sm-test-dependant");
    host.root("apt-mark auto sm-test-dependant").ok();
    does(host, "remove sm-test-base", plan);
    // Or where the caller could ask for that too.
    apt(host, "install sm-test-dependant2");
    let plan = "remove sm-test-base 1, remove sm-test-dependant2 1";
    does(host, "remove sm-test-base", plan);
    // Not where only one of two is known.
    apt(host, "install sm-test-dependant sm-test-dependant2");
    let plan = "remove sm-test-base 1, remove sm-test-dependant 1, remove sm-test-dependant2 1";
    refuses(host, "remove sm-test-base", plan, "also remove sm-test-dependant,");
});

host_once!(nothing_becomes_older, ready_test_policy, |host| {
    apt(host, "install sm-test-old=2");
    // The version it needs is there, but not the one that would be taken.
    refuses(host, "install sm-test-needs-old-1", "", "Depends: sm-test-old (= 1)");
    let pin = "Package: sm-test-old\nPin: version 1\nPin-Priority: 1001\n";
    host.write("/etc/apt/preferences.d/older", pin);
    let older = "downgrade sm-test-old 2>1";
    let both = format!("{older}, install sm-test-needs-old-1 1");
    refuses(host, "install sm-test-needs-old-1", &both, "downgrade sm-test-old");
    refuses(host, "upgrade sm-test-old", older, "downgrade sm-test-old");
    refuses(host, "upgrade", older, "downgrade sm-test-old");
    does_nothing(host, "install sm-test-old");
});

host_once!(what_is_held_stays, ready_test_policy, |host| {
    apt(host, "install sm-test-old=1");
    host.root("apt-mark hold sm-test-old").ok();
    refuses(host, "upgrade sm-test-old", "upgrade sm-test-old 1>2", "sm-test-old, which is held");
    refuses(host, "remove sm-test-old", "remove sm-test-old 1", "sm-test-old, which is held");
    refuses(host, "install sm-test-rival", "", "Conflicts: sm-test-old");
    offer(host, "sm-test-base", "2", "Depends: sm-test-old (>= 2)\n", &[]);
    refuses(host, "install sm-test-base", "", "Depends: sm-test-old (>= 2)");
    does_nothing(host, "upgrade");
    does_nothing(host, "install sm-test-old");
    // Who is not held is not hindered.
    does(host, "install sm-test-probe", "install sm-test-probe 1");

    // One can be held that is not there.
    host.root("apt-mark hold sm-test-dep sm-test-conffile").ok();
    refuses(host, "install sm-test-needs", "", "Depends: sm-test-dep");
    let plan = "install sm-test-conffile 2";
    refuses(host, "install sm-test-conffile", plan, "sm-test-conffile, which is held");
});

host_once!(what_the_system_needs_is_not_touched, ready_test_policy, |host| {
    apt(host, "install sm-test-essential=1");
    let why = "sm-test-essential, which is essential to the system";
    refuses(host, "remove sm-test-essential", "remove sm-test-essential 1", why);
    refuses(host, "upgrade sm-test-essential", "upgrade sm-test-essential 1>2", why);
    let plan = "install sm-test-pulls-essential 1, upgrade sm-test-essential 1>2";
    refuses(host, "install sm-test-pulls-essential", plan, why);
    // Of Debian's own too, and of what is protected and not essential.
    let before = state(host);
    for name in ["bash", "systemd"] {
        let reply = ask(host, &format!("package remove {name}")).expect("plan_refused");
        assert!(planned(&reply).contains(&format!("remove {name} ")), "{:#}", reply.json);
    }
    assert_eq!(state(host), before);
    // All packages are upgraded, or none of them stays safe.
    does(host, "upgrade", "upgrade sm-test-essential 1>2");
});

host_test!(a_plan_is_for_who_could_have_it_done, |host| {
    for line in ["plan install nmap", "plan remove bash", "plan upgrade sm-test-old"] {
        ask(host, &format!("package {line}")).expect("denied");
    }
    for line in ["plan", "plan update", "plan autoclean", "plan frob git", "plan install"] {
        ask(host, &format!("package {line}")).expect("usage");
    }
    ask(host, "package plan install git;id").expect("invalid_argument");
    let dry = ask(host, "package plan install git --dry-run").expect("ok");
    let argv = dry.argv().expect("an argv");
    assert!(argv.contains(&"--simulate") && argv.last() == Some(&"git"), "{argv:?}");
    let reply = ask(host, "package plan install git").expect("ok");
    assert_eq!(reply.argv(), Some(argv));
    assert!(planned(&reply).contains("install git "), "{:#}", reply.json);
    assert!(!host.has_package("git"));
    assert_eq!(reply.json["operation"]["action"], "plan install");
    assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result ok");
});

host_once!(a_plan_is_a_look, |host| {
    host.limit_the_rate();
    // More of them than anybody may change in a minute.
    for _ in 0..31 {
        ask(host, "package plan remove git").expect("ok");
    }
    ask(host, "service reload nginx").expect("ok");
});
