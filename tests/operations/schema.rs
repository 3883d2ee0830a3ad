//! `list --schema`: what tools for agents are made of says what is allowed, and nothing else.

use super::host::{Host, Sudo, host_once};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The definitions, and the words and the names of each.
fn definitions(host: &Host, account: &str) -> Vec<(String, Vec<String>)> {
    let reply = host.helper_as(account, &["list", "--schema"]).expect("ok");
    let defs = reply.json["$defs"].as_object().expect("definitions");
    let one = |(key, definition): (&String, &Value)| {
        assert!(
            definition["description"].as_str().is_some_and(|text| text.ends_with('.')),
            "{key}"
        );
        assert_eq!(definition["title"], *key);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!(key.len() <= 64 && key.chars().all(is_name), "{key}");
        for (name, property) in definition["properties"].as_object().expect("properties") {
            assert!(property["type"].is_string() || property["type"].is_array(), "{key}: {name}");
            let is_required =
                definition["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
            assert_eq!(property["type"].is_string(), is_required, "{key}: {name}");
        }
        let words = reply.json["operations"][key].as_str().expect("words");
        let names = definition["properties"]["name"]["enum"].as_array();
        let names = names.into_iter().flatten().map(|name| name.as_str().expect("a name").into());
        (words.to_owned(), names.collect())
    };
    defs.iter().map(one).collect()
}

host_once!(a_schema_has_each_allowed_name_and_no_other, ready_test_policy, |host| {
    let list = host.helper(&["list"]).expect("ok");
    let mut listed = BTreeSet::new();
    for (kind, field) in [("service", "services"), ("package", "packages"), ("task", "tasks")] {
        for (name, row) in list.json[field].as_object().expect("an object") {
            for action in row["actions"].as_array().expect("actions") {
                let action = action.as_str().expect("a word");
                listed.insert(format!("{kind} {action} {name}"));
                if kind == "package" {
                    listed.insert(format!("{kind} plan {action} {name}"));
                }
            }
        }
    }
    for action in list.json["maintenance"].as_array().expect("words") {
        let action = action.as_str().expect("a word");
        listed.insert(format!("package {action}"));
        if ["upgrade", "autoremove"].contains(&action) {
            listed.insert(format!("package plan {action}"));
        }
    }
    for action in list.json["service_maintenance"].as_array().expect("words") {
        listed.insert(format!("service {}", action.as_str().expect("a word")));
    }
    let mut offered = BTreeSet::new();
    let (earlier, definitions): (Vec<_>, Vec<_>) =
        definitions(host, "agent").into_iter().partition(|row| row.0 == "result");
    assert_eq!(earlier.len(), 2, "{earlier:?}");
    for (words, names) in definitions {
        if names.is_empty() {
            assert!(offered.insert(words.clone()), "{words} twice");
        }
        for name in names {
            assert!(offered.insert(format!("{words} {name}")), "{words} {name} twice");
        }
    }
    assert_eq!(offered, listed);
    // And what it offers is a request as it stands there.
    for request in &offered {
        let mut words: Vec<&str> = request.split(' ').collect();
        words.extend(["--dry-run", "--reason", "a test"]);
        host.helper(&words).expect("ok");
    }
});

host_once!(a_schema_is_the_callers_own, boot, |host| {
    host.root("mkdir /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[services]\nactions = [\"restart\", \"status\"]\n\
         [services.units.nginx]\n[services.units.ssh]\nrequire_reason = true\n\
         [callers.\"user:other\"]\nservices = [\"ssh\"]\npackages = []\nmaintenance = []\n",
    );
    let of = |account: &str| host.helper_as(account, &["list", "--schema"]).expect("ok").json;
    let agent = of("agent");
    let restart = &agent["$defs"]["service_restart"];
    assert_eq!(restart["properties"]["name"]["enum"], json!(["nginx.service", "ssh.service"]));
    // One of the two wants to know why.
    assert_eq!(restart["if"]["properties"]["name"]["enum"], json!(["ssh.service"]));
    assert_eq!(restart["then"]["required"], json!(["reason"]));
    let described = restart["properties"]["reason"]["description"].as_str().expect("a sentence");
    assert!(described.ends_with("Required for ssh.service."), "{described}");
    let other = of("other");
    let restart = &other["$defs"]["service_restart"];
    assert_eq!(restart["properties"]["name"]["enum"], json!(["ssh.service"]));
    assert_eq!(restart["required"], json!(["name", "reason"]));
    let keys: Vec<&String> = other["$defs"].as_object().expect("definitions").keys().collect();
    assert_eq!(keys, ["request_list", "request_result", "service_restart", "service_status"]);
    // Who may request nothing has no results to ask for.
    host.write("/etc/sm/policy.toml", "schema = 1\n");
    assert_eq!(of("agent")["$defs"], json!({}));
});

host_once!(what_came_of_an_earlier_request_is_asked_for_as_the_schema_has_it, |host| {
    let schema = host.helper(&["list", "--schema"]).expect("ok").json;
    let result = &schema["$defs"]["request_result"];
    assert_eq!(result["required"], json!(["request_id"]));
    let of_id = |key: &str| result["properties"]["request_id"][key].as_u64();
    let status = host.helper(&["service", "status", "nginx"]).expect("ok");
    let id = status.json["request_id"].as_str().expect("an id");
    assert_eq!((of_id("minLength"), of_id("maxLength")), (Some(36), Some(id.len() as u64)));
    for wait in ["minimum", "maximum"].map(|key| result["properties"]["wait"][key].to_string()) {
        let again = host.helper(&["result", id, &format!("--wait={wait}")]).expect("ok");
        assert_eq!(again.json, status.json);
    }
    host.helper(&["result", id, "--wait=3601"]).expect("invalid_argument");
    let words = schema["operations"]["request_list"].as_str().expect("words");
    assert_eq!(host.helper(&[words]).expect("ok").json["requests"][0]["request_id"], id);
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_schema_has_only_what_the_host_can_do() {
    let host = Host::ready_arch(Sudo::Classic);
    let for_all = definitions(&host, "agent").into_iter().filter(|row| row.1.is_empty());
    let words: Vec<String> = for_all.map(|row| row.0).collect();
    assert!(words.contains(&"package upgrade".to_owned()));
    // pacman refreshes its lists and upgrades in one go, so neither is there by itself.
    assert!(!words.contains(&"package update".to_owned()));
    assert!(!words.contains(&"package plan upgrade".to_owned()));
}
