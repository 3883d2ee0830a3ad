//! Every event and code, with hostile text in every field, in every format: read back by parsers
//! that share nothing with what wrote it, and held against the published schemas.

use super::*;
use crate::admin::audit::export::record::Record;
use crate::audit::record::Event;
use crate::output::text::is_hidden;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const HOST: &str = "web1.example";

/// What could end a field or a line, turn it around, or be taken for something else.
const HOSTILE: [&str; 14] = [
    "]\"\\|= x=y cs1=z",
    "a\nb\r\nc\u{85}d\u{2028}e",
    "\u{202e}drowssap\u{202c}",
    "CEF:0|x|y|1|a|b|9|",
    "<86>1 2026-01-01T00:00:00Z x y - - [sm@32473 a=\"b\"]",
    "\",\"code\":\"ok\",\"x\":\"",
    "\\",
    "\\\"",
    " ",
    "",
    "=",
    "\u{1b}[2J\u{7}\0\u{7f}\u{9b}",
    "é𝔘 \u{e0041}\u{10fffd}",
    "trailing\\",
];

fn formats() -> [ExportFormat; 4] {
    use ExportFormat::{Cef, Ecs, Ocsf, Rfc5424};
    [Ecs, Ocsf, Cef, Rfc5424]
}

/// A record with everything that one can have.
fn full(event: &str, code: &str, kind: &str, text: &str) -> Value {
    json!({
        "seq": 42, "time": "2026-11-21T19:30:00.123456Z", "event": event, "request_id": text,
        "caller": {"uid": 1000, "user": text, "gid": 1001, "pid": 4711, "via": text, "tty": text, "loginuid": 1002, "agent": text},
        "operation": {"kind": kind, "action": "install", "name": text},
        "argv": ["/usr/bin/apt-get", text, "", "-y"], "reason": text, "approval": text, "code": code,
        "asked": [text, "x"], "error": text, "allow": text, "count": 7, "dry_run": true, "returncode": 100,
        "stdout": {"bytes": 3, "sha256": text}, "stderr": {"bytes": 0, "sha256": text},
        "duration_ms": 12.345, "snapshot": {"before": 1, "after": 2, "undo": false, "why_not": text},
        "undone": {"request_id": text, "files": 3, "left": [text, "/b c"], "left_count": 2},
        "torn_bytes": 5, "lost_records": 6,
        "checkpoint": {"host": text, "machine": text, "key": text, "next": text, "signature": text},
        "policy": text, "prev": text, "hash": text,
    })
}

/// The same with only what every record has.
fn bare(event: &str, code: &str) -> Value {
    json!({
        "seq": 1, "time": "2026-11-21T19:30:00.123456Z", "event": event, "request_id": "0",
        "caller": {"uid": 0, "user": "root", "gid": 0, "pid": 1, "via": "root", "tty": null, "loginuid": null},
        "operation": null, "argv": null, "reason": null, "code": code, "returncode": null,
        "duration_ms": null, "policy": "p", "prev": "0", "hash": "1",
    })
}

fn every() -> Vec<Value> {
    let mut all = Vec::new();
    for event in Event::ALL.map(Event::word) {
        for code in Code::all().map(Code::word) {
            all.push(bare(event, code));
            all.push(full(event, code, "package", HOSTILE[all.len() % HOSTILE.len()]));
            all.push(full(event, code, "service", "nginx.service"));
        }
        all.extend(HOSTILE.map(|text| full(event, "denied", "package", text)));
    }
    all.push(bare("of another version", "unheard of"));
    all
}

/// What a format makes of a record: one line, and nothing in it that a person would not see.
#[track_caller]
fn line(format: ExportFormat, record: &Value) -> String {
    let text = record.to_string();
    let read = Record::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
    let mut out = Vec::new();
    match format {
        ExportFormat::Ecs => ecs::write(&mut out, &read, HOST),
        ExportFormat::Ocsf => ocsf::write(&mut out, &read, HOST),
        ExportFormat::Cef => cef::write(&mut out, &read, HOST),
        ExportFormat::Rfc5424 => rfc5424::write(&mut out, &read, HOST),
        ExportFormat::Jsonl => unreachable!("it is the line itself"),
    }
    let text = String::from_utf8(out).expect("UTF-8");
    let line = text.strip_suffix('\n').expect("a line break");
    assert!(!line.chars().any(is_hidden), "{line}");
    line.to_owned()
}

/// The fields of a record, by their paths.
fn flat(value: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut left = vec![(String::new(), value)];
    while let Some((path, value)) = left.pop() {
        match value {
            Value::Object(fields) => left.extend(fields.iter().map(|(key, value)| {
                (if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value)
            })),
            Value::Null => {}
            value => drop(all.insert(path, value.clone())),
        }
    }
    all
}

/// A text as formats without escapes for them have what is hidden in it.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if is_hidden(c) { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// A CEF line in its parts, read as ArcSight's document says: the header by unescaped `|`, then
/// keys, each a word before an unescaped `=`.
fn cef_parts(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let mut parts = vec![String::new()];
    let mut chars = line.chars();
    while parts.len() < 8 {
        match chars.next().expect("a whole header") {
            '\\' => {
                let c = chars.next().expect("something escaped");
                assert!(matches!(c, '\\' | '|'), "{line}");
                parts.last_mut().expect("one").push(c);
            }
            '|' => parts.push(String::new()),
            c => parts.last_mut().expect("one").push(c),
        }
    }
    parts.pop();
    let rest: Vec<char> = chars.collect();
    // Where each unescaped = is; the key is the word before it.
    let mut at = 0;
    let mut marks = Vec::new();
    while at < rest.len() {
        match rest[at] {
            '\\' => {
                assert!(matches!(rest[at + 1], '\\' | '='), "{line}");
                at += 1;
            }
            '=' => {
                let begin = rest[..at].iter().rposition(|c| *c == ' ').map_or(0, |space| space + 1);
                marks.push((begin, at));
            }
            _ => {}
        }
        at += 1;
    }
    let mut pairs = BTreeMap::new();
    for (number, (begin, equals)) in marks.iter().enumerate() {
        let end = marks.get(number + 1).map_or(rest.len(), |next| next.0 - 1);
        let key: String = rest[*begin..*equals].iter().collect();
        assert!(!key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric()), "{key}: {line}");
        let mut text = String::new();
        let mut inside = rest[equals + 1..end].iter();
        while let Some(c) = inside.next() {
            text.push(if *c == '\\' { *inside.next().expect("escaped") } else { *c });
        }
        assert!(pairs.insert(key.clone(), text).is_none(), "{key} is there twice: {line}");
    }
    (parts, pairs)
}

/// A line of RFC 5424 in its parts, by the grammar of section 6.
fn syslog_parts(line: &str) -> (Vec<String>, Vec<(String, String)>, String) {
    let mut header = Vec::new();
    let mut rest = line;
    for _ in 0..6 {
        let (word, next) = rest.split_once(' ').expect("a header");
        assert!(!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic()), "{line}");
        header.push(word.to_owned());
        rest = next;
    }
    let mut rest = rest.strip_prefix("[sm@32473").expect("our data");
    let mut parameters = Vec::new();
    while let Some(next) = rest.strip_prefix(' ') {
        let (name, next) = next.split_once("=\"").expect("a parameter");
        assert!((1..=32).contains(&name.len()), "{name}");
        let is_name = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
        assert!(name.chars().all(is_name), "{name}: {line}");
        let mut text = String::new();
        let mut chars = next.char_indices();
        let end = loop {
            match chars.next().expect("a closing quote") {
                (_, '\\') => {
                    let (_, c) = chars.next().expect("something escaped");
                    assert!(matches!(c, '\\' | '"' | ']'), "{line}");
                    text.push(c);
                }
                (_, ']') => panic!("a ] that is not escaped: {line}"),
                (at, '"') => break at + 1,
                (_, c) => text.push(c),
            }
        };
        parameters.push((name.to_owned(), text));
        rest = &next[end..];
    }
    let message = rest.strip_prefix("] ").expect("a message");
    (header, parameters, message.to_owned())
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Each field of the record is in the line, whole, and nothing else is.
#[track_caller]
fn is_all_in_syslog(record: &Value) {
    let line = line(ExportFormat::Rfc5424, record);
    let (header, parameters, message) = syslog_parts(&line);
    assert!(matches!(&*header[0], "<84>1" | "<85>1"), "{line}");
    assert_eq!(header[1], record["time"].as_str().expect("a time"));
    assert_eq!((&*header[2], &*header[3], &*header[4]), (HOST, "sm-helper", "-"));
    assert!(!message.is_empty());
    let mut expected = Vec::new();
    for (path, value) in flat(record) {
        match value {
            Value::Array(words) => {
                expected.extend(words.iter().map(|one| (path.clone(), plain(&word(one)))));
            }
            value => expected.push((path, plain(&word(&value)))),
        }
    }
    let mut found = parameters;
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{line}");
}

#[track_caller]
fn is_all_in_cef(record: &Value) {
    let line = line(ExportFormat::Cef, record);
    let (header, mut pairs) = cef_parts(&line);
    assert_eq!(header[..4], ["CEF:0", "sm", "sm-helper", env!("CARGO_PKG_VERSION")]);
    let code = record["code"].as_str().unwrap_or_default();
    assert_eq!(header[4], format!("{}:{code}", record["event"].as_str().expect("a word")));
    assert!(matches!(&*header[6], "3" | "5" | "6"), "{line}");
    for key in ["dvchost", "rt", "act", "outcome", "msg"] {
        assert!(pairs.remove(key).is_some(), "{key}: {line}");
    }
    for (path, value) in flat(record) {
        let (_, key, label) =
            cef::KEYS.into_iter().find(|(known, ..)| *known == path).expect("a key");
        let found = pairs.remove(key).unwrap_or_else(|| panic!("{path}: {line}"));
        if let Some(label) = label {
            assert_eq!(pairs.remove(&format!("{key}Label")).as_deref(), Some(label));
        }
        match value {
            Value::Array(words) => {
                for one in words.iter().map(word).filter(|one| !one.contains('\'')) {
                    assert!(found.contains(&plain(&one)), "{path}: {line}");
                }
            }
            value => assert_eq!(found, plain(&word(&value)), "{path}: {line}"),
        }
    }
    assert!(pairs.is_empty(), "{pairs:?}");
}

#[test]
fn every_event_stays_on_its_line_and_in_its_fields() {
    for record in every() {
        is_all_in_syslog(&record);
        is_all_in_cef(&record);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_text_leaves_its_field(
        text in proptest::string::string_regex("(?s)[\\x00-\\xff\u{202e}\u{2028}|=\\\\\\]\" \n]{0,60}|.{0,40}").expect("one"),
        code in 0..Code::all().count(),
    ) {
        let code = Code::all().nth(code).expect("a code").word();
        for event in Event::ALL.map(Event::word) {
            let record = full(event, code, "package", &text);
            is_all_in_syslog(&record);
            is_all_in_cef(&record);
            is_an_ecs_event(&record);
            is_an_ocsf_event(&record);
        }
    }
}

#[test]
fn long_texts_and_lists_are_cut() {
    let long = "\u{202e}\"\\|=]é".repeat(3000);
    let mut record = full("result", "ok", "package", &long);
    record["argv"] = vec![Value::from("x"); 5000].into();
    for format in formats() {
        let line = line(format, &record);
        assert!(line.len() < 1 << 20, "{format:?}: {}", line.len());
        assert!(line.contains('…'), "{format:?}");
    }
    assert_eq!(syslog_parts(&line(ExportFormat::Rfc5424, &record)).1.len(), 46 + 3 + 257);
    cef_parts(&line(ExportFormat::Cef, &record));
}

/// What is at a path of an object, and everything that is at none of those that were asked for.
struct Fields(BTreeMap<String, Value>);

impl Fields {
    #[track_caller]
    fn of(line: &str) -> Self {
        Self(flat(&serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))))
    }

    /// Takes it, and compares it.
    #[track_caller]
    fn is(&mut self, path: &str, wanted: &Value) {
        let found = self.0.remove(path).unwrap_or(Value::Null);
        assert_eq!(&found, wanted, "{path}");
    }
}

fn schema(name: &str) -> Value {
    let text = match name {
        "ecs" => include_str!("../../../../tests/audit/schemas/ecs.json"),
        _ => include_str!("../../../../tests/audit/schemas/ocsf.json"),
    };
    serde_json::from_str(text).expect("a schema")
}

/// What is wrong with an event by the Elastic Common Schema; what is below `sm` is ours.
fn ecs_faults(line: &str) -> Vec<String> {
    thread_local!(static SCHEMA: Value = schema("ecs"));
    SCHEMA.with(|schema| {
        let fields = schema["fields"].as_object().expect("fields");
        let found = Fields::of(line).0;
        let mut faults = Vec::new();
        for (path, value) in &found {
            if path.starts_with("sm.") {
                continue;
            }
            let Some(field) = fields.get(path) else {
                faults.push(format!("{path} is no field"));
                continue;
            };
            let values = match value {
                Value::Array(values) => values.clone(),
                value => vec![value.clone()],
            };
            if field["array"] == true && !value.is_array()
                || field["array"] == false && value.is_array()
            {
                faults.push(format!("{path}: an array, or none"));
            }
            let is_right = |value: &Value| match field["type"].as_str().expect("a type") {
                "keyword" | "wildcard" | "match_only_text" | "text" | "constant_keyword" => {
                    value.is_string()
                }
                "long" => value.is_i64() || value.is_u64(),
                "date" => {
                    value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())
                }
                _ => false,
            };
            if !values.iter().all(is_right) {
                faults.push(format!("{path}: {value} is no {}", field["type"]));
            }
            if let Some(allowed) = field["values"].as_object() {
                let is_allowed =
                    |value: &Value| value.as_str().is_some_and(|text| allowed.contains_key(text));
                if !values.iter().all(is_allowed) {
                    faults.push(format!("{path}: {value} is not allowed"));
                }
            }
        }
        let missing = fields
            .iter()
            .filter(|(path, field)| field["required"] == true && !found.contains_key(*path));
        faults.extend(missing.map(|(path, _)| format!("{path} is missing")));
        // Each type has to be one that a category of the event expects.
        let expected = |kind: &Value| {
            found["event.category"].as_array().into_iter().flatten().any(|category| {
                let types = &fields["event.category"]["values"][category.as_str().expect("a word")];
                types.as_array().is_some_and(|types| types.contains(kind))
            })
        };
        if !found["event.type"].as_array().expect("types").iter().all(expected) {
            faults.push(format!("{} is not expected", found["event.type"]));
        }
        faults
    })
}

/// It is valid, and each field of the record is in its place.
#[track_caller]
fn is_an_ecs_event(record: &Value) {
    let line = line(ExportFormat::Ecs, record);
    let faults = ecs_faults(&line);
    assert!(faults.is_empty(), "{faults:?}: {line}");
    let mut fields = Fields::of(&line);
    let has_failed = fields.0["event.outcome"] == "failure";
    for (path, value) in flat(record) {
        let text = Value::from(word(&value));
        let (path, value) = match &*path {
            "seq" => ("event.sequence", value),
            "time" => ("@timestamp", value),
            "caller.uid" => ("user.id", text),
            "caller.user" => {
                fields.is("related.user", &json!([value]));
                ("user.name", value)
            }
            "caller.gid" => ("user.group.id", text),
            "caller.agent" => ("gen_ai.agent.name", value),
            "argv" => ("process.args", value),
            "reason" => ("event.reason", value),
            "code" => {
                fields.is("error.code", &if has_failed { value.clone() } else { Value::Null });
                ("event.code", value)
            }
            "error" => (if has_failed { "error.message" } else { "sm.error" }, value),
            "returncode" => ("process.exit_code", value),
            "duration_ms" => ("event.duration", 12_345_000.into()),
            "policy" => ("rule.ruleset", value),
            "hash" => {
                fields.is("event.id", &value);
                ("event.hash", value)
            }
            own => {
                fields.is(&format!("sm.{own}"), &value);
                continue;
            }
        };
        fields.is(path, &value);
    }
    let made = [
        "message",
        "ecs.version",
        "event.kind",
        "event.module",
        "event.dataset",
        "event.category",
        "event.type",
        "event.action",
        "event.outcome",
        "log.level",
        "host.hostname",
        "host.name",
        "service.type",
        "related.hosts",
        "process.executable",
        "process.args_count",
        "process.command_line",
        "package.name",
    ];
    fields.0.retain(|path, _| !made.contains(&path.as_str()));
    assert!(fields.0.is_empty(), "{:?}", fields.0);
}

/// What is wrong with an object by its attributes in OCSF.
fn ocsf_faults(
    schema: &Value,
    at: &str,
    attributes: &Value,
    object: &Map<String, Value>,
    profiles: &[Value],
) -> Vec<String> {
    let mut faults = Vec::new();
    // Those of a profile are for events that say they follow it.
    let is_ours = |attribute: &Value| {
        let of = attribute["profiles"].as_array();
        of.is_none_or(|all| all.iter().any(|one| profiles.contains(one)))
    };
    for (name, attribute) in attributes.as_object().expect("attributes") {
        let is_required = is_ours(attribute) && attribute["requirement"] == "required";
        if is_required && !object.contains_key(name) {
            faults.push(format!("{at}.{name} is missing"));
        }
    }
    for (name, value) in object {
        let at = format!("{at}.{name}");
        let attribute = &attributes[name];
        if attribute.is_null() {
            faults.push(format!("{at} is no attribute"));
            continue;
        }
        if !is_ours(attribute) {
            faults.push(format!("{at} is of none of the profiles {profiles:?}"));
        }
        let values = match (attribute["is_array"] == true, value) {
            (true, Value::Array(values)) => values.clone(),
            (false, value) => vec![value.clone()],
            _ => {
                faults.push(format!("{at} is no array"));
                continue;
            }
        };
        for value in &values {
            faults.extend(ocsf_value_faults(schema, &at, attribute, value, profiles));
        }
        // The caption beside a number is that of the number.
        if let (Some(sibling), Some(names)) =
            (attribute["sibling"].as_str(), attribute["enum"].as_object())
            && let Some(caption) = object.get(sibling)
            && names.get(&value.to_string()) != Some(caption)
        {
            faults.push(format!("{at}: {value} is not {caption}"));
        }
    }
    faults
}

fn ocsf_value_faults(
    schema: &Value,
    at: &str,
    attribute: &Value,
    value: &Value,
    profiles: &[Value],
) -> Vec<String> {
    let mut kind = attribute["type"].as_str().expect("a type");
    if kind == "object_t" {
        let name = attribute["object_type"].as_str().expect("a name");
        let Some(object) = value.as_object() else { return vec![format!("{at} is no object")] };
        // Whatever a source has.
        if name == "object" {
            return Vec::new();
        }
        let known = &schema["objects"][name];
        let mut faults = ocsf_faults(schema, at, &known["attributes"], object, profiles);
        if let Some(one_of) = known["constraints"]["at_least_one"].as_array()
            && !one_of.iter().any(|name| object.contains_key(name.as_str().expect("a name")))
        {
            faults.push(format!("{at} has none of {one_of:?}"));
        }
        return faults;
    }
    let mut faults = Vec::new();
    if let Some(names) = attribute["enum"].as_object()
        && !names.contains_key(&value.to_string())
    {
        faults.push(format!("{at}: {value} is not in the enum"));
    }
    loop {
        let known = &schema["types"][kind];
        if let Some(pattern) = known["regex"].as_str() {
            let pattern = regex::Regex::new(pattern).expect("an expression");
            if !value.as_str().is_some_and(|text| pattern.is_match(text)) {
                faults.push(format!("{at}: {value} is no {kind}"));
            }
        }
        match known["type"].as_str() {
            Some(base) => kind = base,
            None => break,
        }
    }
    let is_right = match kind {
        "string_t" => value.is_string(),
        "integer_t" | "long_t" => value.is_i64() || value.is_u64(),
        "boolean_t" => value.is_boolean(),
        "float_t" => value.is_number(),
        _ => false,
    };
    if !is_right {
        faults.push(format!("{at}: {value} is no {kind}"));
    }
    faults
}

/// What is wrong with an event by the class, and the profiles that it names.
fn ocsf_event_faults(schema: &Value, event: &Value) -> Vec<String> {
    let profiles = event["metadata"]["profiles"].as_array().expect("profiles");
    let event = event.as_object().expect("an object");
    ocsf_faults(schema, "event", &schema["class"], event, profiles)
}

#[track_caller]
fn is_an_ocsf_event(record: &Value) {
    thread_local!(static SCHEMA: Value = schema("ocsf"));
    let line = line(ExportFormat::Ocsf, record);
    let event: Value = serde_json::from_str(&line).expect("JSON");
    let faults = SCHEMA.with(|schema| {
        assert_eq!(event["metadata"]["version"], schema["version"]);
        ocsf_event_faults(schema, &event)
    });
    assert!(faults.is_empty(), "{faults:?}: {line}");
    assert_eq!(event["type_uid"], event["class_uid"].as_i64().expect("one") * 100 + 1);
    let mut fields = Fields::of(&line);
    for (path, value) in flat(record) {
        let text = Value::from(word(&value));
        let (path, value) = match &*path {
            "seq" => ("metadata.sequence", value),
            "time" => {
                fields.is("time", &1_795_289_400_123_i64.into());
                ("metadata.original_time", value)
            }
            "event" => ("metadata.event_code", value),
            "request_id" => {
                fields.is("process.uid", &value);
                ("metadata.correlation_uid", value)
            }
            "caller.uid" => ("actor.user.uid", text),
            "caller.user" => ("actor.user.name", value),
            "caller.gid" => ("actor.user.groups", json!([{"uid": text}])),
            "caller.pid" => ("actor.process.pid", value),
            "caller.tty" => ("actor.session.terminal", value),
            "caller.agent" => {
                fields.is("ai_agent.uid", &value);
                ("ai_agent.name", value)
            }
            "code" => ("status_code", value),
            "error" => ("status_detail", value),
            "count" => ("count", value),
            "returncode" => ("exit_code", value),
            "duration_ms" => {
                fields.is("duration", &12.into());
                ("unmapped.duration_ms", value)
            }
            "policy" => ("policy.uid", value),
            "hash" => ("metadata.uid", value),
            own => {
                fields.is(&format!("unmapped.{own}"), &value);
                continue;
            }
        };
        fields.is(path, &value);
    }
    let made = [
        "message",
        "category_uid",
        "category_name",
        "class_uid",
        "class_name",
        "activity_id",
        "activity_name",
        "type_uid",
        "type_name",
        "severity_id",
        "severity",
        "status_id",
        "status",
        "action_id",
        "action",
        "disposition_id",
        "disposition",
        "metadata.version",
        "metadata.product.name",
        "metadata.product.vendor_name",
        "metadata.product.version",
        "metadata.profiles",
        "metadata.log_name",
        "device.hostname",
        "device.type_id",
        "device.type",
        "actor.application.name",
        "process.cmd_line",
        "process.name",
        "process.path",
    ];
    fields.0.retain(|path, _| !made.contains(&path.as_str()));
    assert!(fields.0.is_empty(), "{:?}", fields.0);
}

#[test]
fn every_event_is_valid_by_the_published_schemas() {
    for record in every() {
        is_an_ecs_event(&record);
        is_an_ocsf_event(&record);
    }
}

/// Otherwise the test above would find nothing wrong with anything.
#[test]
fn what_is_not_valid_is_found() {
    let good = line(ExportFormat::Ecs, &full("result", "ok", "package", "x"));
    assert!(ecs_faults(&good).is_empty());
    for (from, to) in [
        ("\"outcome\":\"success\"", "\"outcome\":\"fine\""),
        ("\"kind\":\"event\"", "\"kindness\":\"event\""),
        ("\"sequence\":42", "\"sequence\":\"42\""),
        ("\"hosts\":[\"web1.example\"]", "\"hosts\":\"web1.example\""),
        ("2026-11-21T", "2026-13-21T"),
        ("\"type\":[\"info\"]", "\"type\":[\"denied\"]"),
        ("\"ecs\":{\"version\":\"9.4.0\"},", ""),
    ] {
        let bad = good.replace(from, to);
        assert!(bad != good && ecs_faults(&bad).len() == 1, "{to}: {:?}", ecs_faults(&bad));
    }
    let good = line(ExportFormat::Ocsf, &full("result", "ok", "package", "x"));
    let schema = schema("ocsf");
    for (from, to) in [
        ("\"activity_id\":1,", "\"activity_id\":17,"),
        ("\"category_uid\":1,", ""),
        ("\"severity\":\"Informational\"", "\"severity\":\"High\""),
        ("\"log_name\":", "\"log_nome\":"),
        ("\"groups\":[", "\"groups\":[5,"),
        ("\"process\":{\"uid\":\"x\",", "\"process\":{"),
        ("\"exit_code\":100", "\"exit_code\":\"100\""),
        ("\"type_id\":0,\"type\":\"Unknown\"", "\"type\":\"Unknown\""),
        ("\"ai_agent\":{\"uid\":\"x\",\"name\":\"x\"}", "\"ai_agent\":{}"),
        ("\"security_control\",\"ai_operation\"]", "\"security_control\"]"),
        ("\"action\":\"Allowed\"", "\"action\":\"Denied\""),
    ] {
        let bad = good.replacen(from, to, 1);
        let event: Value = serde_json::from_str(&bad).expect("JSON");
        let faults = ocsf_event_faults(&schema, &event);
        assert!(bad != good && !faults.is_empty(), "{to}");
    }
}

/// The fields of a record are those that `record.rs` shows, and each has a row in the table.
#[test]
fn every_field_has_its_place_in_each_format() {
    let record = full("result", "ok", "package", "x");
    let mut shown = BTreeSet::new();
    let text = record.to_string();
    Record::parse(text.as_bytes()).expect("a record").each(|path, _| {
        assert!(shown.insert(path.to_owned()), "{path}");
    });
    assert_eq!(shown, flat(&record).into_keys().collect());
    assert_eq!(shown, cef::KEYS.map(|(path, ..)| path.to_owned()).into());
    assert_eq!(shown, written());
    let page = include_str!("../../../../docs/siem.md");
    let (_, page) = page.split_once("\n## Where each field goes").expect("the table");
    let (page, _) = page.split_once("\n## ").expect("what follows");
    let rows: BTreeMap<&str, Vec<&str>> = page
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split_once("` | "))
        .map(|(field, rest)| (field, rest.trim_end_matches(" |").split(" | ").collect()))
        .collect();
    for field in &shown {
        let row =
            rows.get(&**field).unwrap_or_else(|| panic!("{field} has no row in docs/siem.md"));
        let [ecs, ocsf, cef, syslog] = row[..] else { panic!("{field}: {row:?}") };
        let (_, key, _) = cef::KEYS.into_iter().find(|(known, ..)| known == field).expect("a key");
        assert!(cef.starts_with(&format!("`{key}`")), "{field}: {cef}");
        assert_eq!(syslog, format!("`{field}`"));
        // Where the page says it is, there it is.
        for (format, place) in [(ExportFormat::Ecs, ecs), (ExportFormat::Ocsf, ocsf)] {
            let fields = Fields::of(&line(format, &full("refused", "denied", "package", "x"))).0;
            for place in place.split(", ").map(|place| place.trim_matches('`')) {
                let is_there = fields.keys().any(|path| path == place);
                assert!(is_there, "{field}: {format:?} has no {place}");
            }
        }
    }
    let more: Vec<_> = rows.keys().filter(|field| !shown.contains(**field)).collect();
    assert!(more.is_empty(), "{more:?}");
}

/// The fields of the structures that are written, by their source: what is added to one of them
/// has to get a place.
fn written() -> BTreeSet<String> {
    let sources = [
        ("", "pub struct Record<'r> {", include_str!("../../../audit/record.rs")),
        ("caller.", "pub struct Caller {", include_str!("../../../request/caller.rs")),
        ("stdout.", "pub struct Seal {", include_str!("../../../output/captured.rs")),
        ("stderr.", "pub struct Seal {", include_str!("../../../output/captured.rs")),
        ("snapshot.", "pub struct Snapshot {", include_str!("../../../outcome.rs")),
        ("undone.", "pub struct Undone {", include_str!("../../../outcome.rs")),
        ("checkpoint.", "pub struct Checkpoint {", include_str!("../../../audit/checkpoint.rs")),
    ];
    let operation = ["kind", "action", "name"].map(|part| format!("operation.{part}"));
    let mut fields: BTreeSet<String> = operation.into();
    fields.insert("hash".to_owned());
    for (prefix, begin, source) in sources {
        let (_, body) = source.split_once(begin).expect(begin);
        let (body, _) = body.split_once("\n}").expect(begin);
        let mut is_skipped = false;
        for line in body.lines().map(str::trim) {
            let name = line.strip_prefix("pub ").unwrap_or(line).split_once(": ");
            match name {
                _ if line.starts_with("//") || line.starts_with('#') => {
                    is_skipped |= line == "#[serde(skip)]";
                }
                Some(_) if std::mem::take(&mut is_skipped) => {}
                Some((name, _)) => drop(fields.insert(format!("{prefix}{name}"))),
                None => {}
            }
        }
    }
    let parts = ["caller", "operation", "stdout", "stderr", "snapshot", "undone", "checkpoint"];
    fields.retain(|field| !parts.contains(&&**field));
    fields
}
