//! What an administrator is told about it.

use crate::host::{Host, host_once};
use crate::{FILE, NGINX, site};
use serde_json::Value;

fn json(host: &Host, line: &str) -> Value {
    let done = host.root(&format!("sm --json policy {line}"));
    serde_json::from_str(&done.stdout_text()).unwrap_or_else(|error| panic!("{error}: {done}"))
}

host_once!(the_commands_know_the_site_policy, |host| {
    assert_eq!(host.root("sm policy diff").ok(), format!("there is no {FILE}\n"));
    site(host, NGINX);
    let shown = host.root("sm policy show").ok();
    assert!(shown.contains(FILE) && shown.contains("[services.units.nginx]"), "{shown}");
    let shown = json(host, "show");
    assert_eq!(shown["site"]["file"], FILE);
    assert_eq!(shown["services"], serde_json::json!(["nginx.service"]));

    // A person at a terminal gets to read who may do what first, a file the command lines.
    let at_a_terminal = |line: &str| host.root(&format!("script -qec '{line}' /dev/null")).ok();
    let shown = at_a_terminal("sm policy surface");
    assert!(
        shown.starts_with(
            "every caller may do:\r\n  service restart,reload,status nginx.service\r\n"
        ),
        "{shown}"
    );
    assert!(shown.contains("sm policy surface --argv"), "{shown}");
    assert!(at_a_terminal("sm policy surface --argv").starts_with("{\r\n\"service restart "));
    assert!(host.root("sm policy surface").ok().starts_with("{\n\"service restart "));

    let surface = json(host, "surface")["surface"].clone();
    let operations: Vec<&String> = surface.as_object().expect("an object").keys().collect();
    assert!(operations.iter().all(|name| name.ends_with("nginx.service")), "{operations:?}");
    let diff = host.root("sm policy diff").ok();
    assert!(diff.starts_with("- package autoclean for every caller\n"), "{diff}");
    let diff = host.root("sm policy diff --argv").ok();
    assert!(diff.lines().all(|line| line.starts_with("- ")), "{diff}");
    assert!(diff.contains("\"stop\",\"--\",\"nginx.service\"") || diff.contains("stop"), "{diff}");
    assert!(!diff.contains("reload nginx"), "{diff}");

    let denied = host.root("sm policy explain service stop nginx").ok();
    assert!(denied.contains(&format!("{FILE}:3: actions")), "{denied}");
    // It is the site's policy that does not name it, and the compiled one that does.
    let denied = host.root("sm policy explain service stop caddy").ok();
    assert!(
        denied.contains(FILE) && !denied.contains("no line of policy/default.toml"),
        "{denied}"
    );
    let allowed = json(host, "explain service reload nginx");
    assert!(allowed["lines"].to_string().contains(FILE), "{allowed:#}");
    assert!(allowed["lines"].to_string().contains("default.toml"), "{allowed:#}");
    // Nothing can be said of an account that there is not.
    let nobody = host.root("sm policy explain --user no-such-account service reload nginx");
    assert_eq!(nobody.status, Some(3), "{nobody}");
    let as_set_up = host.root("sm setup-sudo --user no-such-account");
    assert_eq!(nobody.stderr_text(), as_set_up.stderr_text());
});

host_once!(checking_the_site_policy_says_what_a_request_would_say, |host| {
    for (text, place) in [
        ("schema = 1\n[services]\nactons = []\n", ":3:1"),
        (
            "schema = 1\n[services]\nactions = [\"reload\"]\n[services.units.nginx]\ncheck = [\"/bin/true\"]\n",
            ":4:",
        ),
        ("not toml", ":1:"),
    ] {
        site(host, text);
        let reply = host.helper(&["service", "status", "nginx"]).expect("policy_invalid");
        let checked = host.root(&format!("sm policy check {FILE}"));
        assert_eq!(checked.status, Some(1), "{checked}");
        assert!(checked.stderr_text().contains(&format!("{FILE}{place}")), "{checked}");
        assert!(crate::text(&reply, "error").contains(place), "{:#}", reply.json);
        for line in ["show", "surface", "diff", "explain service status nginx"] {
            let done = host.root(&format!("sm policy {line}"));
            assert_eq!(done.status, Some(6), "{done}");
            assert!(done.stderr_text().contains(place), "{done}");
        }
    }
    site(host, NGINX);
    host.root(&format!("sm policy check {FILE}")).ok();
    host.root("chown agent /etc/sm/policy.toml").ok();
    assert_eq!(host.root(&format!("sm policy check {FILE}")).status, Some(1), "it is not believed");
});

host_once!(what_can_have_no_effect_is_warned_of_wherever_one_looks, |host| {
    const PLACE: &str = "/etc/sm/policy.toml:5: postgresql.service has no effect";
    site(host, NGINX);
    host.write("/root/editor", "#!/bin/sh\necho '[services.units.postgresql]' >>\"$1\"\n");
    host.root("chmod 0755 /root/editor").ok();
    let edited = host.root("EDITOR=/root/editor sm policy edit").ok();
    assert!(edited.contains(&format!("warning: {PLACE}")), "{edited}");
    for line in [&format!("check {FILE}"), &format!("check --site {FILE}")] {
        let checked = host.root(&format!("sm policy {line}")).ok();
        assert!(checked.contains(&format!("warning: {PLACE}")), "{checked}");
        let checked = json(host, line);
        // What is counted is what takes effect.
        assert_eq!((&checked["services"], &checked["operations"]), (&1.into(), &3.into()));
        let warnings = checked["warnings"].as_array().expect("warnings");
        assert_eq!(warnings.len(), 1, "{checked:#}");
        assert!(warnings[0].as_str().is_some_and(|text| text.starts_with(PLACE)), "{checked:#}");
    }
    let strict = host.root(&format!("sm policy check --strict {FILE}"));
    assert_eq!(strict.status, Some(1), "{strict}");
    assert!(strict.to_string().contains(PLACE), "{strict}");
    for line in ["sm policy diff", "sm status"] {
        let done = host.root(line);
        assert!(done.to_string().contains(PLACE), "{line}: {done}");
    }
    let doctor = host.root("sm doctor --json").stdout_text();
    assert!(doctor.contains(PLACE), "{doctor}");
    let explained = json(host, "explain service restart postgresql");
    assert!(explained["warnings"][0].to_string().contains(PLACE), "{explained:#}");
    for line in ["explain service restart nginx", "explain service restart cron"] {
        assert!(json(host, line)["warnings"].is_null(), "{line}");
    }
    site(host, NGINX);
    host.root(&format!("sm policy check --strict {FILE}")).ok();
    host.root("sm disable --reason 'an audit'").ok();
    let explained = json(host, "explain service restart nginx");
    assert_eq!(explained["allowed"], true, "the policy does: {explained:#}");
    let warning = explained["warnings"][0].to_string();
    assert!(warning.contains("an audit") && warning.contains("sm enable"), "{explained:#}");
});
