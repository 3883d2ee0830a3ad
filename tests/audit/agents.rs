//! Which agent asked: as the policy names it, in every record, whatever the caller says of itself.

use serde_json::Value;

use crate::chain::{audit, intact};
use crate::host::{Host, Sudo, log};

const POLICY: &str = r#"schema = 1
[services]
actions = ["restart", "status"]
[services.units.nginx]
[callers."user:agent"]
agent = "Build Agent | \"]="
services = ["nginx"]
[callers.default]
"#;
const NAME: &str = "Build Agent | \"]=";

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn every_record_has_the_agent_that_the_policy_names_and_no_other() {
    let host = Host::ready(Sudo::Classic);
    // Before the policy says so, nobody is one.
    host.helper(&["version"]).expect("ok");
    host.root("mkdir -p /etc/sm").ok();
    host.write("/etc/sm/policy.toml", POLICY);
    host.root("sm policy check /etc/sm/policy.toml --strict").ok();
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    host.helper(&["service", "restart", "caddy"]).expect("denied");
    // What a caller says of itself is nothing.
    host.agent("SM_AGENT=root AGENT=x sudo -n /usr/local/bin/sm-helper --agent=other list");
    host.agent(
        "sudo -n /usr/local/bin/sm-helper service status nginx --reason '\",\"agent\":\"other\"'",
    );
    // Another account, and root itself, are none.
    host.root("SUDO_USER=other SUDO_UID=1001 SUDO_GID=1001 sm-helper service status nginx");
    host.root("sm-helper service status nginx");
    // Root that tries as the account is root.
    host.root("sm setup-sudo --user agent --check");
    let records = log(&host);
    assert!(intact(&host) >= 8, "{records:#?}");
    let mut named = 0;
    for (number, record) in records.iter().enumerate() {
        let caller = &record["caller"];
        let is_it = number > 0 && caller["user"] == "agent";
        named += u64::from(is_it);
        assert_eq!(caller["agent"], if is_it { NAME.into() } else { Value::Null }, "{record:#}");
    }
    let is_probe = |record: &Value| record["caller"]["via"] == "probe";
    assert!(records.iter().rposition(is_probe) > Some(4), "{records:#?}");
    assert!(named >= 6 && records.iter().any(|one| one["caller"]["user"] == "other"));

    // People and programs see it.
    let (_, found) = audit(&host, &format!("search --agent '{NAME}'"));
    assert_eq!(found["records"].as_array().map(|all| all.len() as u64), Some(named), "{found:#}");
    assert_eq!(audit(&host, "search --agent other").1["records"], serde_json::json!([]));
    let shown = host.root("sm audit tail -n 100; sm audit stats").ok();
    assert!(shown.contains(&format!("agent ({NAME})")), "{shown}");
    let (_, stats) = audit(&host, "stats");
    let rows = stats["counts"].as_array().expect("rows");
    let is_it = |row: &&Value| row["agent"] == NAME && row["user"] == "agent";
    assert!(rows.iter().any(|row| is_it(&row)) && !rows.iter().all(|row| is_it(&row)), "{stats:#}");
    host.root("journalctl --sync").ok();
    let entries = host.root(&format!("journalctl -t sm-helper -o json 'SM_AGENT={NAME}'")).ok();
    assert_eq!(entries.lines().count() as u64, named, "{entries}");
    let explained = host.root("sm policy explain --user agent service restart nginx").ok();
    assert!(explained.contains(&format!("to agent (agent {NAME}): service")), "{explained}");
    let shown = host.root("sm policy show").ok();
    assert!(shown.contains(&format!("agent (agent {NAME}) may do:")), "{shown}");
    for (format, place) in [
        ("ecs", r#""gen_ai":{"agent":{"name":"Build Agent | \"]="}}"#),
        ("ocsf", r#""ai_agent":{"uid":"Build Agent | \"]=","name":"Build Agent | \"]="}"#),
        ("cef", r#" smAgent=Build Agent | "]\= "#),
        ("rfc5424", r#" caller.agent="Build Agent | \"\]=""#),
        ("jsonl", r#""agent":"Build Agent | \"]=""#),
    ] {
        let text = host.root(&format!("sm audit export --format {format}")).ok();
        let count = text.lines().filter(|line| line.contains(place)).count() as u64;
        assert_eq!(count, named, "{format}: {text}");
    }
}
