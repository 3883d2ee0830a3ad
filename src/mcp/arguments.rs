//! The arguments of a call, as words of a command line.

use crate::tools::{HOST, Operation};
use rmcp::model::JsonObject;
use serde_json::Value;

/// What is written without a flag.
const POSITIONAL: [&str; 2] = ["name", "request_id"];

/// The host that is meant, where there are several.
pub fn host(operation: &Operation, arguments: &JsonObject) -> Result<Option<String>, String> {
    let Some(known) = operation.properties().and_then(|all| all.get(HOST)) else { return Ok(None) };
    let given = arguments.get(HOST);
    let is_known =
        given.is_some_and(|host| known["enum"].as_array().is_some_and(|all| all.contains(host)));
    match given.and_then(Value::as_str) {
        // Never one that the list has not: it would be read as a pattern.
        Some(host) if is_known => Ok(Some(host.to_owned())),
        _ => Err(format!("{HOST:?} must be one of the hosts that the tool lists")),
    }
}

/// The words, or what is wrong with the arguments, in a sentence that a model can act on.
///
/// What a value may be the helper says, which records it. Here it is only made sure that each is one
/// word, and none another than it seems.
pub fn words(operation: &Operation, arguments: &JsonObject) -> Result<Vec<String>, String> {
    let Some(properties) = operation.properties() else {
        return Err("the tool has no arguments".to_owned());
    };
    // Null is left out.
    let given = || arguments.iter().filter(|(_, value)| !value.is_null());
    if let Some((key, _)) = given().find(|(key, _)| !properties.contains_key(*key)) {
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        return Err(format!("there is no argument {key:?}: the tool takes {}", known.join(", ")));
    }
    if let Some(missing) = operation.required().find(|key| !given().any(|(given, _)| given == key))
    {
        return Err(format!("the argument {missing:?} is missing"));
    }
    let mut words = operation.words().to_vec();
    for key in POSITIONAL {
        let Some(value) = arguments.get(key).filter(|value| !value.is_null()) else { continue };
        let word = value.as_str().ok_or_else(|| format!("{key:?} must be a string"))?;
        if word.is_empty() || word.starts_with('-') || word.contains('\0') {
            return Err(format!("{key:?} must be one of the names that the tool lists"));
        }
        words.push(word.to_owned());
    }
    let is_flag = |key: &str| key != HOST && !POSITIONAL.contains(&key);
    for (key, value) in given().filter(|(key, _)| is_flag(key)) {
        let flag = key.replace('_', "-");
        let wanted =
            properties.get(key).and_then(|property| property["type"].as_str()).unwrap_or_default();
        match (wanted, value) {
            ("boolean", Value::Bool(true)) => words.push(format!("--{flag}")),
            ("boolean", Value::Bool(false)) => {}
            ("string", Value::String(text)) if !text.contains('\0') => {
                words.push(format!("--{flag}={text}"))
            }
            ("integer", Value::Number(number)) if number.is_i64() => {
                words.push(format!("--{flag}={number}"))
            }
            // Models write numbers as strings, and whole numbers as fractions.
            ("integer", Value::String(text)) if text.parse::<u32>().is_ok() => {
                words.push(format!("--{flag}={text}"))
            }
            ("integer", Value::Number(number)) if number.as_f64().is_some_and(is_whole) => {
                words.push(format!("--{flag}={:.0}", number.as_f64().unwrap_or_default()));
            }
            _ => return Err(format!("{key:?} must be of the type {wanted}")),
        }
    }
    Ok(words)
}

fn is_whole(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::Tools;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn read(arguments: Value) -> Result<String, String> {
        let schema = json!({
            "operations": {"service_logs": "service logs"},
            "$defs": {"service_logs": {
                "description": "Read them.", "type": "object",
                "properties": {
                    "name": {"type": "string", "enum": ["a.service"]},
                    "lines": {"type": ["integer", "null"]},
                    "reason": {"type": ["string", "null"]},
                    "dry_run": {"type": ["boolean", "null"]},
                },
                "required": ["name"], "additionalProperties": false,
            }},
        });
        let tools = Tools::read(&BTreeMap::from([(None, schema)])).expect("tools");
        let operation = tools.get("service_logs").expect("a tool");
        words(operation, arguments.as_object().expect("an object")).map(|words| words.join(" "))
    }

    #[test]
    fn each_argument_is_one_word() {
        for (arguments, wanted) in [
            (json!({"name": "a.service"}), "service logs a.service"),
            (json!({"name": "a.service", "reason": null, "lines": null}), "service logs a.service"),
            (
                json!({"name": "a.service", "lines": 5, "dry_run": true}),
                "service logs a.service --dry-run --lines=5",
            ),
            (
                json!({"name": "a.service", "lines": "5", "dry_run": false}),
                "service logs a.service --lines=5",
            ),
            (json!({"name": "a.service", "lines": 5.0}), "service logs a.service --lines=5"),
            (json!({"name": "a.service", "lines": -5}), "service logs a.service --lines=-5"),
            (
                json!({"name": "a.service", "reason": "--via=x; $(y)"}),
                "service logs a.service --reason=--via=x; $(y)",
            ),
            (json!({"name": "no such; $(y)"}), "service logs no such; $(y)"),
        ] {
            assert_eq!(read(arguments.clone()).as_deref(), Ok(wanted), "{arguments}");
        }
    }

    #[test]
    fn what_is_no_argument_is_refused_with_a_reason() {
        for arguments in [
            json!({}),
            json!({"name": null}),
            json!({"name": 7}),
            json!({"name": ""}),
            json!({"name": "--via=sudo"}),
            json!({"name": "a\0b"}),
            json!({"name": "a.service", "via": "sudo"}),
            json!({"name": "a.service", "reason": 7}),
            json!({"name": "a.service", "reason": "a\0b"}),
            json!({"name": "a.service", "lines": "many"}),
            json!({"name": "a.service", "lines": 1.5}),
            json!({"name": "a.service", "lines": 1e300}),
            json!({"name": "a.service", "lines": {"$ref": "x"}}),
            json!({"name": "a.service", "dry_run": "yes"}),
        ] {
            let error = read(arguments.clone()).expect_err("an error");
            assert!(error.len() > 10, "{arguments}: {error}");
        }
    }
}
