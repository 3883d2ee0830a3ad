//! A package that lacks what it depends on: what it lacks is named, and the way out works.

use crate::ask;
use crate::host::{Host, Reply, host_once};
use crate::offered::offer;

/// `package LINE` fails with this code; its error and its hint have these words.
#[track_caller]
fn fails(host: &Host, line: &str, code: &str, words: &[&str]) -> Reply {
    let reply = ask(host, &format!("package {line}")).expect(code);
    let told = [&reply.json["error"], &reply.json["hint"]].map(|text| text.as_str().unwrap_or(""));
    let told = told.join("\n");
    for word in words {
        assert!(told.contains(word), "{line}: {word} is not in {told}");
    }
    assert!(!told.contains("its script"), "{line}: no script ran: {told}");
    reply
}

host_once!(what_a_package_lacks_is_named_with_the_way_out, ready_test_policy, |host| {
    const BY_HAND: &str = "apt-get --fix-broken install";
    ask(host, "package install sm-test-base").expect("ok");
    // One that the caller may remove, and one that it may not.
    for (name, way) in [("docker.io", "sm-helper package remove docker.io"), ("half", BY_HAND)] {
        offer(host, name, "1", "Depends: nosuch\n", &[]);
        assert_ne!(host.root(&format!("dpkg -i /srv/apt/{name}_1_all.deb")).status, Some(0));
        fails(host, "repair", "command_failed", &[&format!("{name} depends on nosuch"), way]);
        let unmet = format!("{name} : Depends: nosuch");
        for line in ["autoremove", "plan autoremove", "remove sm-test-base"] {
            fails(host, line, "plan_refused", &[&unmet, way]);
        }
        assert!(host.has_package("sm-test-base"));
        match name {
            "half" => drop(host.root(&format!("{BY_HAND} --yes")).ok()),
            _ => drop(ask(host, &format!("package remove {name}")).expect("ok")),
        }
        ask(host, "package repair").expect("ok");
        ask(host, "package autoremove").expect("ok");
    }
});

host_once!(a_package_that_has_to_come_anew_and_can_not_has_a_way_out, ready_test_policy, |host| {
    ask(host, "package install sm-test-base").expect("ok");
    host.root("sed -i '/^Package: sm-test-base$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' /var/lib/dpkg/status; rm /srv/apt/sm-test-base_1_all.deb; cd /srv/apt; apt-ftparchive packages . >Packages; apt-get -qq update").ok();
    let way = "dpkg --remove --force-remove-reinstreq sm-test-base";
    fails(host, "install sm-test-base", "command_failed", &["needs to be reinstalled", way]);
    host.root(way).ok();
    ask(host, "package repair").expect("ok");
});

host_once!(a_script_that_fails_alone_has_a_hint, ready_test_policy, |host| {
    for (script, first) in [("preinst", ""), ("prerm", "install docker.io")] {
        offer(host, "docker.io", "1", "", &[(script, "exit 3")]);
        if !first.is_empty() {
            ask(host, &format!("package {first}")).expect("ok");
        }
        let line = if first.is_empty() { "install docker.io" } else { "remove docker.io" };
        let reply = ask(host, &format!("package {line}")).expect("command_failed");
        let hint = reply.json["hint"].as_str().expect("a hint");
        assert!(hint.contains("a script of the package failed"), "{hint}");
    }
});
