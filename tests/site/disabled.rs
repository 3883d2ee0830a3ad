//! `sm disable`: every request is refused, in every mode and by every route; `sm status` says so.

use crate::host::{Host, host_once, host_test};
use crate::{NGINX, ask, install, site, text};
use serde_json::Value;

fn status(host: &Host) -> Value {
    let done = host.root("sm status --json");
    serde_json::from_str(&done.stdout_text()).unwrap_or_else(|error| panic!("{error}: {done}"))
}

/// Every way of asking, each of which is refused or answered.
#[track_caller]
fn all_are(host: &Host, refused: bool) {
    let code = if refused { "disabled" } else { "ok" };
    for line in [
        "service restart nginx",
        "service status nginx",
        "--dry-run service restart nginx",
        "list",
        "list --schema",
        "--via socket service status nginx",
        "--via sudo service status nginx",
    ] {
        let reply = ask(host, line).expect(code);
        if refused {
            assert!(text(&reply, "hint").contains("sm enable"), "{:#}", reply.json);
        }
    }
    ask(host, "version").expect("ok");
    let root = host.root("sm helper service status nginx").stdout_text();
    assert!(root.contains(&format!("\"code\":\"{code}\"")), "{root}");
}

host_test!(every_request_is_refused_until_it_is_undone, |host| {
    host.root("sm setup-broker --user agent").ok();
    all_are(host, false);
    assert_eq!(host.agent("sm disable").status, Some(5), "only root");
    let done = host.root("sm disable --reason 'an audit'").ok();
    assert!(done.contains("sm enable"), "{done}");
    all_are(host, true);
    // Whatever becomes of the policy, and of one of the notes.
    site(host, NGINX);
    all_are(host, true);
    site(host, "not a policy");
    all_are(host, true);
    host.root("rm -r /etc/sm /run/sm/site-policy /var/lib/sm/site-policy").ok();
    let reply = ask(host, "service restart nginx").expect("disabled");
    assert_eq!(reply.argv(), None);
    host.root("sm disable").ok();
    host.root("rm /var/lib/sm/disabled").ok();
    all_are(host, true);
    // It is recorded, seen and undone.
    let shown = status(host);
    assert!(
        shown["disabled"].as_str().is_some_and(|note| note.starts_with("disabled 2")),
        "{shown:#}"
    );
    let doctor = host.root("sm doctor").stdout_text();
    assert!(
        doctor.contains("requests are disabled") && doctor.contains("fix: sm enable"),
        "{doctor}"
    );
    host.root("sm setup-sudo --check --user agent").ok();
    assert_eq!(host.agent("sm enable").status, Some(5), "only root");
    host.root("sm enable").ok();
    assert_eq!(host.root("find / -xdev -name 'disabled*' -path '*sm/*'").ok(), "");
    all_are(host, false);
    let log = host.root("sm audit search --name nginx.service --code disabled").ok();
    assert!(log.lines().count() > 10, "{log}");
    let log = host.root("sm audit search --text '\"sm\",\"enable\"'").ok();
    assert!(log.contains("  sm enable"), "{log}");
    host.root("sm audit verify").ok();
});

// A build that reads no site policy has no other way to stop everybody at once.
host_test!(it_holds_where_no_site_policy_is_read, bare, |host| {
    install(host, "SM_OFF_BIN", "policy/examples/status-only.toml");
    ask(host, "service status nginx").expect("ok");
    host.root("sm disable").ok();
    ask(host, "service status nginx").expect("disabled");
    host.root("sm enable").ok();
    ask(host, "service status nginx").expect("ok");
});

// A build of each mode, and what it answers otherwise.
host_once!(it_outlasts_a_boot_in_every_mode, bare, |host| {
    let modes = [
        ("SM_BIN", "policy/default.toml", "narrow", "ok"),
        ("SM_OFF_BIN", "policy/examples/status-only.toml", "off", "ok"),
        ("SM_EXTEND_BIN", "tests/policies/extend.toml", "extend", "ok"),
        ("SM_SITE_BIN", "policy/site.toml", "replace", "denied"),
    ];
    for (count, (variable, policy, mode, otherwise)) in modes.into_iter().enumerate() {
        install(host, variable, policy);
        let shown = host.root("sm policy show").ok();
        assert!(shown.contains(&format!("mode = \"{mode}\"")), "{mode}: {shown}");
        host.root("sm setup-broker --user agent").ok();
        let requests = [
            "service status nginx",
            "--dry-run service status nginx",
            "--via socket service status nginx",
            "list",
        ];
        let all_are = |when: &str, code: &str| {
            for line in requests {
                let code = if line == "list" && code == "denied" { "ok" } else { code };
                assert_eq!(ask(host, line).code(), code, "{mode}, {when}: {line}");
            }
        };
        all_are("before", otherwise);
        host.root("sm disable --reason drill").ok();
        host.reboot();
        all_are("after a boot", "disabled");
        let shown = status(host);
        let note = shown["disabled"].as_str().unwrap_or_default();
        assert!(note.contains("drill"), "{mode}: {shown:#}");
        host.root("sm enable").ok();
        all_are("enabled", otherwise);
        host.reboot();
        all_are("enabled, after a boot", otherwise);
        for word in ["disable", "enable"] {
            let found = host.root(&format!("sm audit search --text '\"sm\",\"{word}\"'")).ok();
            assert_eq!(
                found.matches(&format!("  sm {word}")).count(),
                count + 1,
                "{mode}: {found}"
            );
        }
        host.root("sm audit verify && sm setup-broker --remove").ok();
    }
});

// What it says is told by each thing being so in turn.
host_test!(the_status_is_said_in_ten_lines, |host| {
    let begins = |lines: &str| -> Vec<String> {
        lines.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    let all = ["requests", "policy", "mode", "allows", "who", "pending", "last"];
    let shown = host.root("sm status").ok();
    assert_eq!(begins(&shown)[..7], all, "{shown}");
    assert!(shown.contains("user agent (sudo)") && !shown.contains("(socket)"), "{shown}");
    host.root("sm setup-broker --user agent; sm setup-sudo --user agent --exact").ok();
    for _ in 0..5 {
        ask(host, "service status nginx").expect("ok");
    }
    ask(host, "service status dbus").expect("denied");
    let shown = host.root("sm status").ok();
    assert!(shown.lines().count() <= 10, "{shown}");
    assert!(shown.contains(" user agent (sudo, exact), user agent (socket)\n"), "{shown}");
    let last = shown.lines().last().unwrap_or_default();
    assert!(last.contains("denied") && last.contains("service status dbus.service"), "{shown}");
    assert!(
        shown.contains("mode      narrow:") && shown.contains("there is no /etc/sm/policy.toml")
    );
    site(host, NGINX);
    let (shown, json) = (host.root("sm status").ok(), status(host));
    assert!(shown.contains("3 operations on 1 unit, 0 packages and 0 tasks"), "{shown}");
    let hash = host.root("sha256sum /etc/sm/policy.toml").ok();
    assert_eq!(json["site"]["sha256"].as_str(), hash.split(' ').next());
    site(host, "not a policy");
    let shown = host.root("sm status").ok();
    assert!(shown.contains("all refused: /etc/sm/policy.toml:1:"), "{shown}");
    let agent = host.agent("sm status");
    assert_eq!(agent.status, Some(5), "{agent}");
});
