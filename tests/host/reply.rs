//! The reply of `sm-helper`, as an agent's parser takes it.

use serde_json::Value;

use super::Done;

/// One reply, checked for what holds for every one.
#[derive(Debug)]
pub struct Reply {
    /// The exit status.
    pub exit: i32,
    /// The object.
    pub json: Value,
    /// The bytes it came as.
    pub stdout: Vec<u8>,
}

impl Reply {
    /// Panics unless there is exactly one JSON object and one newline on standard output,
    /// nothing on standard error, and the exit status is the one of the code's class.
    #[track_caller]
    pub fn of(done: &Done) -> Self {
        assert!(done.stderr.is_empty(), "something on standard error: {done}");
        let (exit, json) = answer(done);
        let reply = Self { exit, json, stdout: done.stdout.clone() };
        let class = class(reply.code());
        assert_eq!(Some(exit), class, "the exit status is not that of the code: {done}");
        assert!(reply.json["request_id"].is_string(), "{done}");
        assert!(reply.json["duration_ms"].is_number(), "{done}");
        reply
    }

    /// The code.
    #[track_caller]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_else(|| panic!("no code in {}", self.json))
    }

    /// Panics unless the reply has this code; for chaining.
    #[track_caller]
    pub fn expect(self, code: &str) -> Self {
        assert_eq!(self.code(), code, "{:#}", self.json);
        self
    }

    /// The command line of the reply, if there is one.
    pub fn argv(&self) -> Option<Vec<&str>> {
        self.json["argv"].as_array()?.iter().map(Value::as_str).collect()
    }
}

/// The exit status and the object of an answer of either program. Panics unless there is exactly
/// one JSON object and one newline on standard output, with `schema`, `success` and `code`, and a
/// sentence where it is no success.
#[track_caller]
pub fn answer(done: &Done) -> (i32, Value) {
    let Some(exit) = done.status else { panic!("no answer: {done}") };
    let text = std::str::from_utf8(&done.stdout);
    let text = text.unwrap_or_else(|error| panic!("the answer is not UTF-8: {error}: {done}"));
    let Some(object) = text.strip_suffix('\n') else {
        panic!("the answer does not end with a newline: {done}")
    };
    assert!(!object.ends_with('\n'), "the answer ends with more than one newline: {done}");
    let json: Value = serde_json::from_str(object)
        .unwrap_or_else(|error| panic!("the answer is not one JSON value: {error}: {done}"));
    assert!(json.is_object(), "the answer is not an object: {done}");
    assert_eq!(json["schema"], 1, "{done}");
    assert_eq!(json["success"], Value::Bool(exit == 0), "{done}");
    assert!(json["code"].is_string(), "{done}");
    assert_eq!(json["error"].is_string(), exit != 0, "{done}");
    (exit, json)
}

/// The exit status of a code: the table in section 3 of the contract.
fn class(code: &str) -> Option<i32> {
    Some(match code {
        "ok" | "started" => 0,
        "command_failed" | "timeout" | "unhealthy" | "interrupted" | "not_found" => 1,
        "usage" => 2,
        "denied" | "disabled" | "invalid_argument" | "reason_required" | "plan_refused"
        | "check_failed" | "approval_required" => 3,
        "rate_limited" | "busy" => 4,
        "not_privileged" => 5,
        "audit_unavailable" | "policy_invalid" | "untrusted_path" | "unsupported" => 6,
        "internal" => 70,
        _ => return None,
    })
}
