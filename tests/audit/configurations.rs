//! The packaged configurations of programs that a test host does not have: their form, that the
//! certificates are checked, and that the fields that they name are those of a record.

use serde_json::Value;

use crate::host::{Host, Sudo};
use crate::sent::filled_in;

/// A YAML file, read by another reader than the program's.
fn yaml(host: &Host, file: &str) -> Value {
    host.write("/root/in", filled_in(file, &[]));
    let read = "import json, yaml; print(json.dumps(yaml.safe_load(open('/root/in'))))";
    let text = host.root(&format!("python3 -c \"{read}\"")).ok();
    serde_json::from_str(&text).expect("JSON")
}

/// Which rule of Wazuh an event gets: the last one below the first that matches, as by its manual. Prints
/// for each line of the input its rule and level.
const RULES: &str = r#"
import json, re, sys
import xml.etree.ElementTree as xml
group = xml.parse("/root/rules.xml").getroot()
xml.parse("/root/ossec.conf")
rules = {rule.get("id"): rule for rule in group}
assert len(rules) == len(group) and group.get("name").endswith(",")
known = {"rule", "decoded_as", "location", "field", "description", "if_sid", "group", "if_matched_sid", "same_field"}
names = set()
for rule in rules.values():
    assert 100000 <= int(rule.get("id")) <= 120000 and 0 <= int(rule.get("level")) <= 15
    assert {part.tag for part in rule} <= known, rule.get("id")
    names |= {field.get("name") for field in rule.iter("field")}
    names |= set(re.findall(r"\$\(([a-z_.]+)\)", rule.findtext("description")))
    names |= {same.text for same in rule.iter("same_field")}
    for sid in list(rule.iter("if_sid")) + list(rule.iter("if_matched_sid")):
        assert sid.text in rules
print(json.dumps(sorted(names)))
def value(event, path):
    for part in path.split("."):
        event = (event or {}).get(part)
    return "" if event is None else str(event)
def matches(rule, event):
    return all(re.search(field.text, value(event, field.get("name"))) for field in rule.iter("field"))
def found(event, rule):
    below = [one for one in rules.values() if one.findtext("if_sid") == rule.get("id") and matches(one, event)]
    # Those of level 0 are tried first, then the highest.
    below.sort(key=lambda one: -100 if one.get("level") == "0" else -int(one.get("level")))
    return found(event, below[0]) if below else rule
for line in open("/root/events"):
    event = json.loads(line)
    first = rules["100700"]
    rule = found(event, first) if matches(first, event) else None
    print(rule.get("id") if rule is not None else "none")
"#;

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn configurations_that_cannot_be_run_here_are_sound() {
    let host = Host::ready(Sudo::Classic);
    // Where the records come from, and how they go.
    let vector = yaml(&host, "vector/vector.yaml");
    let sink = &vector["sinks"]["siem"];
    assert_eq!(vector["sources"]["sm_log"]["include"][0], crate::chain::FILE);
    assert_eq!(sink["inputs"][0], "sm_audit");
    assert!(vector["transforms"]["sm_audit"]["source"].as_str().is_some());
    assert!(sink["uri"].as_str().is_some_and(|uri| uri.starts_with("https://")));
    for key in ["verify_certificate", "verify_hostname"] {
        assert_eq!(sink["tls"][key], true, "{key}");
    }
    assert_eq!(sink["acknowledgements"]["enabled"], true);

    let fluent = yaml(&host, "fluent-bit/fluent-bit.yaml");
    let (input, output) = (&fluent["pipeline"]["inputs"][0], &fluent["pipeline"]["outputs"][0]);
    assert_eq!((&input["path"], &input["name"]), (&crate::chain::FILE.into(), &"tail".into()));
    assert_eq!(fluent["pipeline"]["filters"][0]["parser"], fluent["parsers"][0]["name"]);
    assert_eq!(fluent["pipeline"]["filters"][0]["key_name"], input["key"]);
    for key in ["tls", "tls.verify", "tls.verify_hostname", "require_ack_response"] {
        assert_eq!(output[key], true, "{key}");
    }

    let otel = yaml(&host, "otel-collector/config.yaml");
    let exporter = &otel["exporters"]["otlphttp"];
    assert_eq!(otel["receivers"]["filelog"]["include"][0], crate::chain::FILE);
    assert!(exporter["endpoint"].as_str().is_some_and(|uri| uri.starts_with("https://")));
    assert_eq!(exporter["tls"]["insecure_skip_verify"], false);
    assert!(exporter["tls"].get("insecure").is_none());
    for (kind, key) in [("receivers", "filelog"), ("exporters", "otlphttp")] {
        assert_eq!(otel["service"]["pipelines"]["logs"][kind], serde_json::json!([key]));
    }
    for (file, tls) in [("vector", &sink["tls"]), ("otel", &exporter["tls"])] {
        let files: Vec<&Value> = tls
            .as_object()
            .expect("an object")
            .values()
            .filter(|value| value.is_string())
            .collect();
        assert!(files.len() >= 3, "{file}: {files:?}");
    }

    // Real records, and one with each code.
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    host.helper(&["service", "restart", "sshd"]).expect("denied");
    let real = host.read(crate::chain::FILE);
    let of = |event: &str, code: &str| {
        let hash = "0".repeat(64);
        format!(
            "{{\"event\":\"{event}\",\"code\":\"{code}\",\"operation\":null,\"hash\":\"{hash}\"}}\n"
        )
    };
    let cases = [
        (of("intent", "ok"), "100701"),
        (of("result", "ok"), "100700"),
        (of("result", "command_failed"), "100703"),
        (of("result", "timeout"), "100703"),
        (of("result", "unhealthy"), "100703"),
        (of("refused", "denied"), "100702"),
        (of("refused", "usage"), "100702"),
        (of("refused", "approval_required"), "100702"),
        (of("refused", "rate_limited"), "100705"),
        (of("refused", "audit_unavailable"), "100704"),
        (of("refused", "policy_invalid"), "100704"),
        (of("refused", "untrusted_path"), "100704"),
        (of("refused", "internal"), "100704"),
        ("{\"event\":\"refused\",\"code\":\"denied\"}\n".to_owned(), "none"),
    ];
    let made: String = cases.iter().map(|(line, _)| line.as_str()).collect();
    host.write("/root/rules.xml", filled_in("wazuh/sm_rules.xml", &[]));
    host.write("/root/ossec.conf", filled_in("wazuh/ossec.conf", &[]));
    host.write("/root/events", made + &real);
    host.write("/root/rules.py", RULES);
    let found = host.root("python3 /root/rules.py").ok();
    let mut lines = found.lines();
    let names: Vec<String> = serde_json::from_str(lines.next().expect("names")).expect("JSON");
    let page = filled_in("../../docs/siem.md", &[]);
    for name in names {
        assert!(page.contains(&format!("\n| `{name}` |")), "a record has no {name}");
    }
    for (line, wanted) in &cases {
        assert_eq!(lines.next(), Some(*wanted), "{line}");
    }
    let rest: Vec<&str> = lines.collect();
    // Before them, whoever set the host up has tried it.
    assert!(rest.ends_with(&["100701", "100700", "100702"]), "{rest:?}: {real}");
}
