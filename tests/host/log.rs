//! A host's audit log, as its file is at this moment.

use serde_json::Value;

use super::{Host, wait_until};

/// All records, in their order; none where there is no log.
#[track_caller]
pub fn log(host: &Host) -> Vec<Value> {
    const FILE: &str = "/var/log/sm/audit.jsonl";
    let text = if host.exists(FILE) { host.read(FILE) } else { String::new() };
    // What has no end yet is being written.
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let parse = |line| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("no record: {error}: {line}"))
    };
    whole.map(parse).collect()
}

/// The records of a request.
#[track_caller]
pub fn records(host: &Host, request_id: &Value) -> Vec<Value> {
    let mut all = log(host);
    all.retain(|record| record["request_id"] == *request_id);
    all
}

/// The events and codes of a request's records: `intent ok, result ok`.
#[track_caller]
pub fn events(host: &Host, request_id: &Value) -> String {
    let word = |record: &Value, key: &str| record[key].as_str().unwrap_or("?").to_owned();
    let records = records(host, request_id);
    let rows = records.iter().map(|each| format!("{} {}", word(each, "event"), word(each, "code")));
    rows.collect::<Vec<_>>().join(", ")
}

/// How many records say that something was about to be run.
#[track_caller]
pub fn intents(host: &Host) -> usize {
    log(host).iter().filter(|record| record["event"] == "intent").count()
}

/// The request id of the last intent for this package or unit, once there is one; what root tries
/// by itself when it sets an account up is none.
#[track_caller]
pub fn intent_of(host: &Host, name: &str) -> Value {
    let mut found = Value::Null;
    wait_until(&format!("an intent for {name}"), || {
        let all = log(host);
        let mut intents = all.iter().filter(|each| {
            each["event"] == "intent"
                && each["operation"]["name"] == name
                && each["caller"]["via"] != "probe"
        });
        found = intents.next_back().map_or(Value::Null, |each| each["request_id"].clone());
        !found.is_null()
    });
    found
}
