//! What sudo says when it refuses, however much it says besides, and what it has for the request.

use crate::answer::{HELPER, SM, setup_sudo};
use crate::host::{Host, Reply, host_test};

const STATUS: [&str; 3] = ["service", "status", "nginx"];

/// More than a pipe holds, of what sudo and sudo-rs do not know and go on without.
const NOISE: &str = "for i in $(seq 1200); do echo \"Defaults:someone_$i !requiretty, !nobody_knows_this_$i\"; done \
                     >/etc/sudoers.d/noise; chmod 0440 /etc/sudoers.d/noise";

fn said(reply: &Reply) -> String {
    format!("{} / {}", reply.json["error"], reply.json["hint"])
}

fn rule(host: &Host, file: &str, text: &str) {
    host.write(format!("/etc/sudoers.d/{file}"), format!("{text}\n"));
    host.root(&format!("chmod 0440 /etc/sudoers.d/{file}")).ok();
}

host_test!(however_much_sudo_complains_there_is_a_reply_with_its_reason, |host| {
    host.root(NOISE).ok();
    let complained = host.root("sudo -n -l -U agent 2>&1 >/dev/null | wc -c").ok();
    let complained: usize = complained.trim().parse().expect("a number");
    assert!(complained > 128 << 10, "{complained}");
    host.helper(&STATUS).expect("ok");
    host.helper(&["service", "restart", "nginx", "--reason", "why"]).expect("ok");
    let reply = host.helper_as("other", &STATUS).expect("not_privileged");
    let said = said(&reply);
    let (_, reason) = said.split_once(" as root: ").expect("what sudo said");
    let reasons = ["a password is required", "I'm sorry", "interactive authentication"];
    assert!(reasons.iter().any(|one| reason.starts_with(one)), "{said}");
    // And for the administrator, who is told at least that it is in place.
    let check = setup_sudo(host, &["--user", "agent", "--check"]);
    assert!(check.json["state"] == "in_place", "{:#}", check.json);
});

host_test!(the_reply_says_what_sudo_has_for_the_request, |host| {
    let rules = [
        ("agent ALL=(root) PASSWD: ALL", "a later one asks for one", "--check"),
        ("%agent ALL=(ALL) ALL", "a later one asks for one", "--check"),
        ("agent ALL=(root) PASSWD: /usr/local/bin/*", "a later one asks for one", "--check"),
        (
            "agent ALL=(root) !/usr/local/bin/sm-helper",
            "takes back what an earlier one allows",
            "--check",
        ),
        ("ALL ALL=(root) !ALL", "takes back what an earlier one allows", "--check"),
    ];
    for (text, what, hint) in rules {
        rule(host, "zz-later", text);
        let said = said(&host.helper(&STATUS).expect("not_privileged"));
        assert!(said.contains(what), "{text}: {said}");
        assert!(said.contains(&format!("sm setup-sudo --user agent {hint}")), "{text}: {said}");
    }
    host.root("rm /etc/sudoers.d/zz-later").ok();

    let said_of_other = said(&host.helper_as("other", &STATUS).expect("not_privileged"));
    assert!(said_of_other.contains("no sudo rule allows it"), "{said_of_other}");
    assert!(said_of_other.ends_with("sm setup-sudo --user other\""), "{said_of_other}");

    // An exact drop-in of before the policy permitted it.
    host.root("mkdir -p /etc/sm").ok();
    let narrow = "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units.nginx]\n";
    host.write("/etc/sm/policy.toml", narrow);
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    host.root("rm /etc/sm/policy.toml; sm policy revert").ok();
    for args in [&STATUS[..], &["service", "status", "nginx", "--reason", "why"]] {
        let said = said(&host.helper(args).expect("not_privileged"));
        assert!(said.contains("they are out of date"), "{said}");
        assert!(said.ends_with("sm setup-sudo --user agent --exact\""), "{said}");
    }
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    // What the policy refuses is refused in its words.
    host.helper(&["service", "restart", "dbus"]).expect("denied");

    // Something else than a rule.
    host.root("chage -E 1 agent").ok();
    let expired = said(&host.helper(&["service", "restart", "nginx"]).expect("not_privileged"));
    assert!(expired.contains("chage -l agent"), "{expired}");
    host.root("chage -E -1 agent").ok();
    host.command("root", &[SM, "setup-sudo", "--user", "agent", "--remove"]).run().ok();
    let gone = said(&host.helper(&STATUS).expect("not_privileged"));
    assert!(gone.contains(&format!("run {HELPER} as root")), "{gone}");
    assert!(gone.contains("no sudo rule allows it"), "{gone}");
});
