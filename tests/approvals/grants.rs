//! Rights that end by themselves.

use crate::host::{host_once, host_test, log, records};
use crate::{SITE, ask, site, sm, waits};

/// What nobody is given by the policy.
const LITTLE: &str = "schema = 1
[services]
actions = [\"status\", \"restart\", \"reload\"]
[services.units.nginx]
[callers.\"user:other\"]
services = [\"nginx\"]
[callers.default]
services = []
";

host_test!(a_right_is_for_one_account_and_one_operation_and_ends, all, |host| {
    host.root("systemctl start nginx").ok();
    host.let_in("other");
    site(host, LITTLE);
    ask(host, "service restart nginx").expect("denied");
    let (exit, answer) = sm(host, "grant --user agent service restart nginx --for 2h --uses 2");
    assert_eq!(exit, 0, "{answer:#}");
    let id = answer["grant"]["id"].as_str().expect("an id").to_owned();
    let before = host.main_pid("nginx");
    let done = ask(host, "service restart nginx.service").expect("ok");
    assert_ne!(host.main_pid("nginx"), before);
    assert_eq!(records(host, &done.json["request_id"])[0]["approval"], id.as_str());
    ask(host, "service status nginx").expect("denied");
    ask(host, "service stop nginx").expect("denied");
    host.root("useradd --create-home third").ok();
    host.let_in("third");
    host.helper_as("third", &["service", "restart", "nginx"]).expect("denied");
    let (_, answer) = sm(host, "grants");
    assert_eq!(answer["grants"][0]["uses_left"], 1, "{answer:#}");
    ask(host, "service restart nginx").expect("ok");
    ask(host, "service restart nginx").expect("denied");
    assert_eq!(sm(host, "grants").1["grants"].as_array().map(Vec::len), Some(0));

    // As often as one likes, and until somebody ends it, or time does.
    let (_, answer) = sm(host, "grant --user agent --for 30m service reload nginx");
    for _ in 0..3 {
        ask(host, "service reload nginx").expect("ok");
    }
    let id = answer["grant"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(sm(host, &format!("revoke {id}")).0, 0);
    ask(host, "service reload nginx").expect("denied");
    assert_eq!(sm(host, &format!("revoke {id}")).1["code"], "not_found");
    let (_, answer) = sm(host, "grant --user agent --for 30m service reload nginx");
    let id = answer["grant"]["id"].as_str().expect("an id").to_owned();
    host.root("sed -i -E 's/\"until\":[0-9]+/\"until\":1700000000/' /var/lib/sm/approvals.json")
        .ok();
    ask(host, "service reload nginx").expect("denied");
    // Whoever changes something next writes it down.
    sm(host, "grant --user agent --for 30m service reload nginx");
    let said = log(host);
    assert!(
        said.iter()
            .any(|record| record["asked"][2] == "expired" && record["asked"][3] == id.as_str())
    );
    for word in ["grant", "revoke"] {
        assert!(said.iter().any(|record| record["asked"][1] == word), "{word}");
    }
    assert_eq!(host.root("sm audit verify").status, Some(0));
});

host_once!(what_is_given_needs_no_yes_and_is_no_more_than_can_be_compiled_in, |host| {
    site(host, SITE);
    waits(host, "service restart nginx");
    assert_eq!(sm(host, "grant --user agent service restart nginx --until +1h").0, 0);
    ask(host, "service restart nginx").expect("ok");
    for (line, code) in [
        // This build takes no more than the compiled list.
        ("grant --user agent service restart myapp", "denied"),
        ("grant --user agent package install vim", "denied"),
        ("grant --user agent service restart dbus", "denied"),
        ("grant --user agent service stop ssh", "denied"),
        ("grant --user agent task run nothing", "denied"),
        ("grant --user nobody-here service restart nginx", "invalid_argument"),
        ("grant --user agent service restart nginx --for never", "invalid_argument"),
        ("grant --user agent service restart nginx --until yesterday", "invalid_argument"),
        ("grant --user agent service restart nginx --for 1h --until 17:00", "usage"),
        ("grant --user agent service frobnicate nginx", "usage"),
        ("grant --user agent list", "usage"),
        ("grant service restart nginx", "usage"),
    ] {
        assert_eq!(sm(host, line).1["code"], code, "{line}");
    }
    let (exit, answer) =
        crate::host::answer(&host.agent("sm --json grant --user agent service stop nginx"));
    assert_eq!((exit, &answer["code"]), (5, &"not_privileged".into()));
    // sudo's own rule does not follow, and that is said.
    host.root("sm setup-sudo --user agent --exact").ok();
    let (_, answer) = sm(host, "grant --user agent service restart caddy");
    assert!(answer["warnings"].to_string().contains("exact"), "{answer:#}");
});

host_once!(where_a_site_policy_can_add_so_can_a_right, |host| {
    let Ok(program) = std::env::var("SM_EXTEND_BIN") else {
        panic!("SM_EXTEND_BIN is not set: run tests/run");
    };
    host.install(&std::path::PathBuf::from(program));
    host.write("/etc/systemd/system/myapp.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl daemon-reload").ok();
    ask(host, "service start myapp").expect("denied");
    assert_eq!(sm(host, "grant --user agent service start myapp").0, 0);
    ask(host, "service start myapp").expect("ok");
    assert_eq!(host.root("systemctl is-active myapp").ok(), "active\n");
    for line in
        ["service restart dbus", "service stop systemd-journald", "package install bash-static"]
    {
        assert_eq!(sm(host, &format!("grant --user agent {line}")).1["code"], "denied", "{line}");
    }
});

host_once!(the_surface_has_them_with_their_end, |host| {
    site(host, LITTLE);
    let surface = |user: &str| sm(host, &format!("policy surface{user}")).1;
    assert_eq!(surface(" --user agent")["surface"], serde_json::json!({}));
    let of_other = surface(" --user other")["surface"].clone();
    assert_eq!(of_other.as_object().map(serde_json::Map::len), Some(3), "{of_other:#}");
    let all = surface("")["surface"].clone();
    assert_eq!(all, of_other);
    let (_, answer) = sm(host, "grant --user agent service restart nginx --for 2h --uses 3");
    let (id, expires) = (&answer["grant"]["id"], &answer["grant"]["expires"]);
    for user in [" --user agent", ""] {
        let surface = surface(user);
        let right = &surface["rights"][0];
        assert_eq!((&right["id"], &right["expires"]), (id, expires), "{surface:#}");
        assert_eq!((&right["uses_left"], &right["user"]), (&3.into(), &"agent".into()));
        assert_eq!(right["operation"], "service restart nginx.service");
        // The same as for whom the policy allows it.
        assert_eq!(right["commands"], of_other["service restart nginx.service"], "{surface:#}");
        let text = host.root(&format!("sm policy surface{user}")).ok();
        let lines: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let end = expires.as_str().expect("a moment");
        let named = format!(
            "agent, until {end}, 3 times ({}): service restart nginx.service",
            id.as_str().expect("an id")
        );
        assert_eq!(lines[&named], right["commands"], "{text}");
    }
    assert_eq!(surface(" --user other")["rights"], serde_json::json!([]));
    // Who is not root cannot know of them, and is told so.
    let (_, seen) = crate::host::answer(&host.agent("sm --json policy surface --user agent"));
    assert!(seen["warnings"].to_string().contains("only root can see them"), "{seen:#}");
});
