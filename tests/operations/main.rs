//! The operations for real: what `sm-helper` says it did was done, to real services and real
//! packages, and nothing that a caller or a package does gets in between.

#[path = "../host/mod.rs"]
mod host;

mod arch;
mod checks;
mod confined;
mod deferred;
mod dry_run;
mod failing;
mod forged;
mod gate;
mod health;
mod interrupted;
mod killed;
mod late;
mod leftovers;
mod locks;
mod logs;
mod obstacles;
mod offered;
mod outlives;
mod output;
mod own_parts;
mod package_care;
mod packages;
mod planned;
mod planned_arch;
mod service_faults;
mod services;
mod sessions;
mod shapes;
mod stuck;
mod terminal;

use host::{Host, Reply, wait_until};
use serde_json::Value;

/// `sm-helper LINE` as `agent`, the words split at spaces.
#[track_caller]
fn ask(host: &Host, line: &str) -> Reply {
    host.helper(&line.split(' ').collect::<Vec<_>>())
}

/// Make the file of a unit, in place of the one it has.
#[track_caller]
fn unit(host: &Host, name: &str, file: &str) {
    host.write(format!("/etc/systemd/system/{name}.service"), file);
    host.root("systemctl daemon-reload").ok();
}

/// The sentence of a reply and its hint, as one text.
fn told(reply: &Reply) -> String {
    let text = |field: &str| reply.json[field].as_str().unwrap_or_default().to_owned();
    format!("{} | {}", text("error"), text("hint"))
}

/// The lines of the unit's log that a reply has; none where it has no log.
fn log_of(reply: &Reply) -> Vec<&str> {
    let lines = reply.json["log"].as_array().into_iter().flatten();
    lines.map(|line| line.as_str().expect("a line of text")).collect()
}

/// The audit records of a request, in their order.
fn records(host: &Host, request_id: &Value) -> Vec<Value> {
    let log = if host.exists("/var/log/sm/audit.jsonl") {
        host.read("/var/log/sm/audit.jsonl")
    } else {
        String::new()
    };
    // The last line may be half written at this moment.
    let all = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    all.filter(|record| record["request_id"] == *request_id).collect()
}

/// The events and codes of a request's records: `intent ok, result ok`.
fn events(host: &Host, request_id: &Value) -> String {
    let word = |record: &Value, key: &str| record[key].as_str().unwrap_or("?").to_owned();
    let records = records(host, request_id);
    let rows = records.iter().map(|each| format!("{} {}", word(each, "event"), word(each, "code")));
    rows.collect::<Vec<_>>().join(", ")
}

/// The request id of the last intent for this package or unit, once there is one.
fn intent_of(host: &Host, name: &str) -> Value {
    let mut found = Value::Null;
    wait_until(&format!("an intent for {name}"), || {
        let log = match host.exists("/var/log/sm/audit.jsonl") {
            true => host.read("/var/log/sm/audit.jsonl"),
            false => String::new(),
        };
        let all = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut intents =
            all.filter(|each| each["event"] == "intent" && each["operation"]["name"] == name);
        found = intents.next_back().map_or(Value::Null, |each| each["request_id"].clone());
        !found.is_null()
    });
    found
}
