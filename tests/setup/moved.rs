//! The exact drop-in and the policy: what `--check` says when one of them has moved on, and who
//! gets which.

use crate::answer::{Answer, DROP_IN, HELPER, RULE, SM, setup_sudo, state, sudo_works};
use crate::exact::{listed, permitted};
use crate::host::{Host, host_once, host_test};

const SITE: &str = "/etc/sm/policy.toml";

/// A site policy that lets `agent` restart nginx and no more.
const NARROW: &str = "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units.nginx]\n";

fn site(host: &Host, text: &str) {
    host.root("mkdir -p /etc/sm").ok();
    host.write(SITE, text);
}

fn exact(host: &Host, args: &[&str]) -> Answer {
    setup_sudo(host, &[&["--user", "agent"], args].concat())
}

/// The texts in an array.
fn texts<'a>(answer: &'a Answer, field: &str) -> Vec<&'a str> {
    let array = answer.json[field].as_array().unwrap_or_else(|| panic!("{:#}", answer.json));
    array.iter().filter_map(|text| text.as_str()).collect()
}

host_once!(check_says_what_is_between_the_drop_in_and_the_policy, |host| {
    exact(host, &["--exact"]).expect("ok", 0);
    for args in [&["--check"][..], &["--check", "--exact"]] {
        let answer = exact(host, args).expect("ok", 0);
        assert_eq!(
            (&answer.json["exact"], &answer.json["only_listed"]),
            (&true.into(), &true.into())
        );
        assert!(texts(&answer, "missing").is_empty() && texts(&answer, "extra").is_empty());
    }

    // The policy permits less.
    site(host, NARROW);
    // Whatever reads it notes that there is one.
    host.root("sm policy show").ok();
    let before = state(host);
    let answer = exact(host, &["--check"]).expect("command_failed", 1);
    let answer = answer.says(&["still grants `", " more", "sm setup-sudo --user agent --exact"]);
    assert_eq!((&answer.json["state"], &answer.json["exact"]), (&"stale".into(), &true.into()));
    assert!(texts(&answer, "missing").is_empty());
    let extra = texts(&answer, "extra");
    assert!(extra.contains(&"package install git") && extra.contains(&"service stop nginx"));
    assert!(extra.contains(&"--flags-on-stdin service restart caddy.service"));
    assert!(!extra.contains(&"service restart nginx.service") && !extra.contains(&"version"));
    let text = host.command("root", &[SM, "setup-sudo", "--check", "--user", "agent"]).run();
    assert_eq!(text.status, Some(1), "{text}");
    assert!(text.stderr_text().lines().count() == 2, "a few words, not all: {text}");
    assert_eq!(state(host), before);
    // Until somebody runs it again, root itself refuses.
    host.helper(&["service", "restart", "caddy"]).expect("denied");
    exact(host, &["--exact"]).expect("ok", 0);
    exact(host, &["--check"]).expect("ok", 0);
    assert_eq!(listed(host, "agent").len(), 8);

    // The policy permits more.
    host.root("sm policy revert").ok();
    let answer =
        exact(host, &["--check"]).expect("command_failed", 1).says(&["it lacks `", " more"]);
    assert!(texts(&answer, "extra").is_empty());
    assert!(texts(&answer, "missing").contains(&"service restart caddy"));
    let reply = host.helper(&["service", "status", "nginx"]).expect("not_privileged");
    let hint = reply.json["hint"].as_str().unwrap_or_default();
    for words in ["--exact", "they are out of date", "sm setup-sudo --user agent"] {
        assert!(hint.contains(words), "{words}: {hint}");
    }
    host.helper(&["service", "restart", "nginx"]).expect("ok");

    // Both at once, and each operation said once.
    site(host, &NARROW.replace("nginx", "ssh").replace("restart", "status"));
    let answer = exact(host, &["--check"]).expect("command_failed", 1);
    drop(answer.says(&[
        "it lacks `service status ssh.service`, and still grants `service restart nginx.service`\"",
    ]));
    exact(host, &["--exact"]).expect("ok", 0);
    host.helper(&["service", "status", "ssh"]).expect("ok");

    // What somebody has written into it by hand.
    for (line, said) in [
        ("agent ALL=(root) NOPASSWD: ALL", "still grants `agent ALL=(root) NOPASSWD: ALL`"),
        (&format!("agent ALL=(root) NOPASSWD: NOSETENV: {HELPER} package *"), "`package *`"),
        ("# a comment", "+ # A line for each"),
    ] {
        if line.starts_with('#') {
            host.root(&format!("sed -i '2s/.*/{line}/' {DROP_IN}")).ok();
        } else {
            host.root(&format!("echo '{line}' >>{DROP_IN}")).ok();
        }
        let answer = exact(host, &["--check"]).expect("command_failed", 1).says(&[]);
        let all = format!("{}{}", answer.json["error"], answer.json["difference"]);
        assert!(all.contains(said), "{said}: {all}");
        exact(host, &["--exact"]).expect("ok", 0);
        exact(host, &["--check"]).expect("ok", 0);
    }
    sudo_works(host);
});

host_test!(one_kind_takes_the_place_of_the_other_and_it_is_said, boot, |host| {
    // Printed before it is there, by anybody.
    let argv = [SM, "setup-sudo", "--print", "--exact", "--user", "agent"];
    let printed = host.command("other", &argv).run().ok();
    exact(host, &["--exact"]).expect("ok", 0);
    assert_eq!(host.read(DROP_IN), printed);
    let before = state(host);
    let again = exact(host, &["--exact"]).expect("ok", 0);
    assert_eq!((&again.json["changed"], &again.json["exact"]), (&false.into(), &true.into()));
    // Whoever does not know what is there keeps it.
    let kept = exact(host, &["--keep-exact"]).expect("ok", 0);
    assert_eq!((&kept.json["changed"], &kept.json["exact"]), (&false.into(), &true.into()));
    assert_eq!(state(host), before);

    let text = host.command("root", &[SM, "setup-sudo", "--user", "agent"]).run().ok();
    assert!(
        text.contains("replaced an exact drop-in") && text.contains("--user agent --exact"),
        "{text}"
    );
    assert_eq!(host.read(DROP_IN), RULE);
    host.helper(&["service", "status", "nginx", "--reason", "why"]).expect("ok");
    let plain = exact(host, &["--check"]).expect("ok", 0);
    assert_eq!(plain.json["exact"], false);
    let answer = exact(host, &["--check", "--exact"]).expect("command_failed", 1);
    let answer = answer.says(&["is not an exact drop-in", "sm setup-sudo --user agent --exact"]);
    assert_eq!((&answer.json["state"], &answer.json["exact"]), (&"stale".into(), &true.into()));
    assert!(!texts(&answer, "missing").is_empty());
    let kept = exact(host, &["--keep-exact"]).expect("ok", 0);
    assert_eq!((&kept.json["changed"], &kept.json["exact"]), (&false.into(), &false.into()));

    let text = host.command("root", &[SM, "setup-sudo", "--user", "agent", "--exact"]).run().ok();
    assert!(text.contains("replaced the plain drop-in"), "{text}");
    assert!(text.contains("what sm grant gives is not among them"), "{text}");
    assert!(text.contains("sudo agrees: it refuses what is not on the list"), "{text}");
    assert_eq!(host.read(DROP_IN), printed);
    exact(host, &["--remove"]).expect("ok", 0);
    host.helper(&["service", "status", "nginx"]).expect("not_privileged");
    exact(host, &["--exact", "--remove"]).expect("usage", 2);
});

host_test!(each_account_and_group_gets_what_the_policy_gives_it, boot, |host| {
    host.root(
        "groupadd agents; gpasswd -a other agents; useradd -m third; gpasswd -a third agents",
    )
    .ok();
    site(
        host,
        "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units]\nnginx = {}\ncaddy = {}\n\
         [callers.\"user:agent\"]\nservices = [\"nginx\"]\npackages = []\nmaintenance = []\n\
         [callers.\"group:agents\"]\nservices = [\"caddy\"]\npackages = []\nmaintenance = []\n\
         [callers.\"user:third\"]\nservices = [\"nginx\"]\npackages = []\nmaintenance = []\n",
    );
    let lines = |units: &[&str]| {
        let all = permitted(host);
        let of = |line: &&String| {
            !line.contains("service ") || units.iter().any(|unit| line.contains(unit))
        };
        let lines = all.iter().filter(of).cloned();
        lines.collect::<std::collections::BTreeSet<_>>()
    };
    exact(host, &["--exact"]).expect("ok", 0);
    assert_eq!(listed(host, "agent"), lines(&["nginx"]));
    let group = setup_sudo(host, &["--group", "agents", "--exact"]).expect("ok", 0);
    assert_eq!(group.json["only_listed"], true, "{:#}", group.json);
    assert_eq!(listed(host, "other"), lines(&["caddy"]));
    setup_sudo(host, &["--group", "agents", "--check"]).expect("ok", 0);
    // Who is named besides gets both, and a drop-in of its own for the rest.
    assert_eq!(listed(host, "third"), lines(&["caddy"]));
    setup_sudo(host, &["--user", "third", "--exact"]).expect("ok", 0);
    assert_eq!(listed(host, "third"), lines(&["caddy", "nginx"]));
    for (user, unit, code) in [
        ("agent", "nginx", "ok"),
        ("agent", "caddy", "denied"),
        ("other", "nginx", "denied"),
        ("third", "nginx", "ok"),
    ] {
        host.helper_as(user, &["service", "restart", unit, "--reason", "why"]).expect(code);
    }
});

host_test!(another_rule_for_the_helper_is_warned_of, |host| {
    for rule in [
        format!("%agent ALL=(root) NOPASSWD: {HELPER}"),
        "agent ALL=(root) /usr/local/bin/".to_owned(),
        format!("agent ALL=(root) NOPASSWD: {HELPER} package *"),
        format!("agent ALL=(root) {HELPER} service restart dbus"),
        "ALL ALL=(ALL) ALL".to_owned(),
    ] {
        host.write("/etc/sudoers.d/00-more", format!("{rule}\n"));
        host.root("chmod 0440 /etc/sudoers.d/00-more; visudo -c").ok();
        for args in [&["--exact"][..], &["--check"]] {
            let answer = exact(host, args).expect("ok", 0);
            assert_eq!(answer.json["only_listed"], false, "{rule}: {:#}", answer.json);
            let said = answer.json["warnings"].to_string();
            assert!(said.contains("with what is not on the list"), "{rule}: {said}");
        }
    }
});

host_once!(a_policy_that_is_edited_leaves_word_of_who_has_fallen_behind, |host| {
    host.root("useradd 'we ird' --badname; groupadd agents; useradd spare").ok();
    exact(host, &["--exact"]).expect("ok", 0);
    setup_sudo(host, &["--user", "we ird", "--exact"]).expect("ok", 0);
    setup_sudo(host, &["--group", "agents", "--exact"]).expect("ok", 0);
    // Neither a plain one nor that of somebody who is gone.
    setup_sudo(host, &["--user", "other"]).expect("ok", 0);
    setup_sudo(host, &["--user", "spare", "--exact"]).expect("ok", 0);
    host.root("userdel spare").ok();
    host.write("/root/editor", format!("#!/bin/sh\ncat >\"$1\" <<'END'\n{NARROW}\nEND\n"));
    host.root("chmod 0755 /root/editor").ok();
    let edit = [SM, "policy", "edit", "--json"];
    let done = host.command("root", &edit).env("EDITOR", "/root/editor").run();
    let answer = Answer::of(&done).expect("ok", 0);
    let warnings = texts(&answer, "warnings").join("\n");
    for words in ["--user agent --exact", "--user 'we ird' --exact", "--group agents --exact"] {
        assert!(warnings.contains(&format!("sm setup-sudo {words}")), "{words}: {warnings}");
    }
    assert_eq!(warnings.lines().count(), 3, "{warnings}");
    for who in [["--user", "agent"], ["--user", "we ird"], ["--group", "agents"]] {
        setup_sudo(host, &[&who[..], &["--exact"]].concat()).expect("ok", 0);
    }
    // The same again is no change, and a comment changes nothing in what is permitted.
    host.write("/root/editor", "#!/bin/sh\necho '# more' >>\"$1\"\n");
    let done = host.command("root", &edit).env("EDITOR", "/root/editor").run();
    let answer = Answer::of(&done).expect("ok", 0);
    assert!(answer.json.get("warnings").is_none(), "{:#}", answer.json);
});
