//! The host's own settings for apt and dpkg: what would make an operation another one does not,
//! and what keeps it from being done is noticed.

use crate::ask;
use crate::host::{Host, host_once};
use crate::offered::{does, does_nothing, refuses};

/// Each alone could make a reply wrong, or the operation another one.
const SETTINGS: [&str; 30] = [
    "quiet \"2\";",
    "quiet \"3\";",
    "APT::Get::Show-Versions \"true\";",
    "APT::Get::Show-Upgraded \"false\";",
    "APT::Output-Version \"30\";",
    "APT::Get::Simulate \"true\";",
    "APT::Get::Download-Only \"true\";",
    "APT::Get::Download \"false\";",
    "APT::Get::Print-URIs \"true\";",
    "APT::Get::Assume-No \"true\";",
    "APT::Get::Trivial-Only \"true\";",
    "APT::Get::Fix-Missing \"true\";",
    "APT::Get::Fix-Broken \"true\";",
    "APT::Get::AutomaticRemove \"true\";",
    "APT::Get::HideAutoRemove \"true\";",
    "APT::Get::Purge \"true\";",
    "APT::Get::Remove \"false\";",
    "APT::Get::Upgrade \"false\";",
    "APT::Get::Only-Upgrade \"true\";",
    "APT::Get::Upgrade-Allow-New \"false\";",
    "APT::Get::ReInstall \"true\";",
    "APT::Get::Mark-Auto \"true\";",
    "APT::Get::Only-Source \"true\";",
    "APT::Ignore-Hold \"true\";",
    "APT::Get::Force-Yes \"true\";",
    "APT::Get::Allow-Downgrades \"true\"; APT::Get::Allow-Change-Held-Packages \"true\";",
    "Binary::apt-get::APT::Get::Simulate \"true\"; Binary::apt-get::quiet \"2\";",
    "DPkg::ConfigurePending \"false\";",
    "DPkg::NoTriggers \"true\"; DPkg::TriggersPending \"true\";",
    "DPkg::Options { \"--force-confnew\"; \"--force-confask\"; };",
];

fn apt(host: &Host, words: &str) {
    // By root with the settings of a host that has none.
    host.root(&format!(
        "mv /etc/apt/apt.conf.d/99test /root; apt-get -qq --yes --allow-downgrades -o Dpkg::Options::=--force-confnew {words}; mv /root/99test /etc/apt/apt.conf.d"
    ))
    .ok();
}

/// One of each operation, exactly as on a host without any setting.
fn works(host: &Host) {
    apt(host, "purge sm-test-needs sm-test-dep sm-test-conffile sm-test-rival");
    apt(host, "install sm-test-old=1 sm-test-conffile=1 sm-test-dependant");
    host.root("apt-mark auto sm-test-dependant; echo mine >/etc/sm-test.conf").ok();
    does_nothing(host, "install sm-test-old");
    does(host, "install sm-test-needs", "install sm-test-dep 1, install sm-test-needs 1");
    assert!(host.root("apt-mark showauto sm-test-needs").ok().is_empty());
    let plan = "install sm-test-rival 1, remove sm-test-old 1";
    refuses(host, "install sm-test-rival", plan, "also remove sm-test-old, which");
    host.root("apt-mark hold sm-test-old").ok();
    refuses(host, "upgrade sm-test-old", "upgrade sm-test-old 1>2", "sm-test-old, which is held");
    does(host, "upgrade", "upgrade sm-test-conffile 1>2");
    assert_eq!(host.read("/etc/sm-test.conf"), "mine\n");
    host.root("apt-mark unhold sm-test-old").ok();
    does(host, "upgrade sm-test-old", "upgrade sm-test-old 1>2");
    does(host, "remove sm-test-needs", "remove sm-test-needs 1");
    does(host, "remove sm-test-conffile", "remove sm-test-conffile 2");
    // Removed, not purged.
    assert!(host.exists("/etc/sm-test.conf"));
    host.root("rm -f /etc/sm-test.conf.dpkg-*").ok();
    let plan = "remove sm-test-base 1, remove sm-test-dep 1, remove sm-test-dependant 1";
    does(host, "autoremove", plan);
    ask(host, "package update").expect("ok");
    ask(host, "package autoclean").expect("ok");
}

host_once!(no_setting_makes_an_operation_another_one, ready_test_policy, |host| {
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
    host.write("/etc/apt/apt.conf.d/99test", SETTINGS.join("\n") + "\n");
    works(host);
});

host_once!(no_single_setting_does_either, ready_test_policy, |host| {
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
    for setting in SETTINGS {
        host.write("/etc/apt/apt.conf.d/99test", format!("{setting}\n"));
        // dpkg has none of these settings.
        host.root("dpkg --purge sm-test-needs sm-test-dep").ok();
        println!("{setting}");
        does(host, "install sm-test-needs", "install sm-test-dep 1, install sm-test-needs 1");
        does(host, "remove sm-test-needs", "remove sm-test-needs 1");
    }
});

host_once!(what_was_not_done_is_no_success, ready_test_policy, |host| {
    host.root("apt-get -qq --yes install sm-test-old=1 sm-test-base").ok();
    // dpkg has no opposite of it.
    for (file, setting) in [
        ("/etc/dpkg/dpkg.cfg.d/99test", "no-act\n"),
        ("/etc/apt/apt.conf.d/99test", "DPkg::Options { \"--no-act\"; };\n"),
    ] {
        host.write(file, setting);
        for (line, words) in [
            ("install sm-test-needs", "sm-test-needs is not installed"),
            ("upgrade sm-test-old", "sm-test-old is installed in version 1 and not 2"),
            ("upgrade", "sm-test-old is installed in version 1 and not 2"),
            ("remove sm-test-base", "sm-test-base is still installed"),
        ] {
            let reply = ask(host, &format!("package {line}")).expect("command_failed");
            let error = reply.json["error"].as_str().expect("an error");
            assert!(error.contains(words), "{setting}: {line}: {:#}", reply.json);
            assert!(reply.json["hint"].is_string(), "{:#}", reply.json);
            assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
        }
        host.root(&format!("rm {file}")).ok();
    }
});
