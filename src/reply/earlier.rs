//! The tools that ask what came of earlier requests, as `list --schema` has them. Who may request
//! anything may ask for this: it is the account's own.

use crate::request::operation::ResultOf;
use serde_json::{Value, json};

/// The property that is the id of a request.
pub fn id(description: &str) -> Value {
    json!({"type": "string", "minLength": 36, "maxLength": 36, "description": description})
}

/// Each with its name.
pub fn tools() -> [(&'static str, Value); 2] {
    let tool = |name: &'static str, description: &str, properties: Value, required: &[&str]| {
        let definition = json!({
            "title": name,
            "description": description,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        (name, definition)
    };
    [
        tool(
            "request_list",
            "List this account's last requests, the latest first: the id of each, what it was, and what came of it.",
            json!({}),
            &[],
        ),
        tool(
            "request_result",
            "Read the reply of an earlier request of this account again. While it runs, `running` is true, and what it has printed so far is there.",
            json!({
                "request_id": id(
                    "The field request_id of the reply that said that it runs, or of a row of request_list.",
                ),
                "wait": {
                    "type": ["integer", "null"], "minimum": 1, "maximum": ResultOf::LONGEST_WAIT,
                    "description": "Wait for its end up to this many seconds. Do not wait if null.",
                },
            }),
            &["request_id"],
        ),
    ]
}
