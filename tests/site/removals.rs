//! `allow_removals`: packages that are in the way may go, and nothing else changes.

use crate::host::{Host, host_once};
use crate::{ask, install, site, text};

/// A site policy of these packages; `general` and `own` are what it says of removals for all and
/// for `sm-test-rival`.
fn policy(general: &str, own: &str) -> String {
    format!(
        "schema = 1
[packages]
actions = [\"install\", \"remove\", \"upgrade\"]
{general}
[packages.names]
sm-test-rival = {{ {own} }}
sm-test-old = {{}}
sm-test-base = {{}}
sm-test-essential = {{}}
sm-test-needs-old-1 = {{}}
sm-test-fail-postrm = {{}}
"
    )
}

const YES: &str = "allow_removals = true";
const NO: &str = "allow_removals = false";

fn removes(host: &Host, line: &str) -> String {
    let reply = ask(host, line).expect("ok");
    let gone = reply.json["plan"]["remove"].as_array().expect("a plan");
    gone.iter().map(|change| change["name"].as_str().unwrap_or("?")).collect()
}

host_once!(packages_in_the_way_go_where_the_policy_says_so, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    host.root("apt-get -qq --yes install sm-test-old=1").ok();
    for (general, own) in [("", ""), (NO, ""), (NO, NO), (YES, NO)] {
        site(host, &policy(general, own));
        let reply = ask(host, "package install sm-test-rival").expect("plan_refused");
        assert!(text(&reply, "hint").contains("allow_removals"), "{:#}", reply.json);
        let argv = ask(host, "--dry-run package install sm-test-rival").expect("ok");
        assert!(argv.argv().is_some_and(|argv| argv.contains(&"--no-remove")), "{general} {own}");
    }
    for (general, own) in [("", YES), (NO, YES), (YES, ""), (YES, YES)] {
        site(host, &policy(general, own));
        assert_eq!(removes(host, "package plan install sm-test-rival"), "sm-test-old");
        assert!(host.has_package("sm-test-old"), "{general} {own}");
        assert_eq!(removes(host, "package install sm-test-rival"), "sm-test-old");
        assert!(host.has_package("sm-test-rival") && !host.has_package("sm-test-old"));
        // The other way round it is another package's matter.
        let back = ask(host, "package plan install sm-test-old");
        assert_eq!(back.code(), if general == YES { "ok" } else { "plan_refused" });
        host.root("apt-get -qq --yes install sm-test-old=1").ok();
    }
});

host_once!(nothing_else_is_allowed_by_it, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    site(host, &policy(YES, ""));
    host.root("apt-get -qq --yes install sm-test-old=2 sm-test-essential=1 sm-test-dependant").ok();
    let refused = |line: &str, why: &str| {
        let reply = ask(host, line).expect("plan_refused");
        assert!(text(&reply, "error").contains(why), "{line}: {:#}", reply.json);
    };
    // What needs the package that goes.
    refused("package remove sm-test-base", "also remove sm-test-dependant");
    // What the system needs, what is held, what would become older.
    refused("package upgrade sm-test-essential", "is essential to the system");
    refused("package remove sm-test-essential", "is essential to the system");
    host.root("apt-mark hold sm-test-old").ok();
    refused("package install sm-test-rival", "sm-test-old");
    refused("package remove sm-test-old", "which is held");
    host.root("apt-mark unhold sm-test-old").ok();
    let pin = "Package: sm-test-old\nPin: version 1\nPin-Priority: 1001\n";
    host.write("/etc/apt/preferences.d/older", pin);
    refused("package install sm-test-needs-old-1", "downgrade sm-test-old");
    host.root("rm /etc/apt/preferences.d/older").ok();
    // What was half removed is not removed where it was to be installed.
    ask(host, "package install sm-test-fail-postrm").expect("ok");
    ask(host, "package remove sm-test-fail-postrm").expect("command_failed");
    host.root("rm /var/lib/dpkg/info/sm-test-fail-postrm.postrm").ok();
    refused("package install sm-test-fail-postrm", "remove it");
    let left = host.root("dpkg-query -W -f '${db:Status-Status}' sm-test-fail-postrm").ok();
    assert_eq!(left, "half-installed");
});

host_once!(pacman_removes_what_is_in_the_way_too, bare_arch, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    host.root("pacman -S --noconfirm sm-test-old").ok();
    site(host, &policy("", ""));
    ask(host, "package install sm-test-rival").expect("plan_refused");
    host.root("pacman -Q sm-test-old").ok();
    site(host, &policy("", YES));
    assert_eq!(removes(host, "package install sm-test-rival"), "sm-test-old");
    host.root("pacman -Q sm-test-rival").ok();
    assert_ne!(host.root("pacman -Q sm-test-old").status, Some(0));
});

host_once!(a_site_policy_that_narrows_takes_it_away_only, boot, |host| {
    host.root("sm setup-sudo --user agent").ok();
    // The compiled policy says no.
    site(
        host,
        &format!(
            "schema = 1\n[packages]\nactions = [\"install\"]\n{YES}\n[packages.names]\ngit = {{ {YES} }}\n"
        ),
    );
    let reply = ask(host, "--dry-run package install git").expect("ok");
    assert!(reply.argv().is_some_and(|argv| argv.contains(&"--no-remove")), "{:#}", reply.json);
});
