//! What outlasts its call, as a task of the protocol's extension for them (`io.modelcontextprotocol/tasks`).
//!
//! A task is a request of the helper, which keeps its result: the id says all, and this server keeps
//! nothing that could be lost with it.

use rmcp::model::{CreateTaskResult, DetailedTask, JsonObject, Task, TaskPayload, TaskStatus};
use serde_json::Value;

/// How long the helper keeps a result.
const KEPT_MS: u64 = 24 * 3600 * 1000;

/// How often it is worth asking.
const POLL_MS: u64 = 5000;

/// The id of a task: that of the request, and the host's name before it where there are several.
pub fn id(host: Option<&str>, request: &str) -> String {
    host.map_or_else(|| request.to_owned(), |host| format!("{host}:{request}"))
}

/// The host and the request of a task.
pub fn parts(id: &str) -> (Option<String>, &str) {
    match id.rsplit_once(':') {
        Some((host, request)) => (Some(host.to_owned()), request),
        None => (None, id),
    }
}

/// The answer to a call whose request still runs.
pub fn created(id: &str) -> CreateTaskResult {
    CreateTaskResult::new(task(id, TaskStatus::Working))
}

/// How a task stands, by the reply to `result`; `result` is what the call would have given.
pub fn detailed(id: &str, reply: &Value, result: JsonObject) -> DetailedTask {
    if reply["running"] != true {
        return DetailedTask::new(
            task(id, TaskStatus::Completed),
            TaskPayload::Completed { result },
        );
    }
    let mut task = task(id, TaskStatus::Working);
    task.status_message = reply["progress"]["step"].as_str().map(str::to_owned);
    DetailedTask::new(task, TaskPayload::Working)
}

fn task(id: &str, status: TaskStatus) -> Task {
    let begun = begun(parts(id).1).to_string();
    let now = jiff::Timestamp::now().to_string();
    Task::new(id, status, begun, now).with_ttl_ms(KEPT_MS).with_poll_interval_ms(POLL_MS)
}

/// When a request began: its id begins with the milliseconds since 1970 (RFC 9562, section 5.7).
fn begun(request: &str) -> jiff::Timestamp {
    let digits: String = request.chars().filter(|c| *c != '-').take(12).collect();
    let milliseconds = i64::from_str_radix(&digits, 16).ok();
    let begun = milliseconds.and_then(|since| jiff::Timestamp::from_millisecond(since).ok());
    begun.unwrap_or_else(jiff::Timestamp::now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_task_is_its_request() {
        const REQUEST: &str = "01a22738-45b6-70cf-9f91-36eb22952342";
        for host in [None, Some("web1"), Some("web1:22")] {
            let id = id(host, REQUEST);
            assert_eq!(parts(&id), (host.map(str::to_owned), REQUEST));
            let task = serde_json::to_value(created(&id)).expect("JSON");
            assert_eq!(task["resultType"], "task");
            assert_eq!(task["taskId"], id);
            assert_eq!(task["createdAt"], "2026-11-29T12:12:09.014Z");
        }
        assert!(begun("r-1") > begun(REQUEST));
    }

    #[test]
    fn it_works_until_the_reply_is_there() {
        let result = json!({"isError": true}).as_object().expect("an object").clone();
        let running = json!({"running": true, "progress": {"step": "Unpacking"}});
        let stands = serde_json::to_value(detailed("r", &running, result.clone())).expect("JSON");
        assert_eq!(
            (&stands["status"], &stands["statusMessage"]),
            (&json!("working"), &json!("Unpacking"))
        );
        assert!(stands.get("result").is_none());
        let ended = serde_json::to_value(detailed("r", &json!({}), result)).expect("JSON");
        assert_eq!(
            (&ended["status"], &ended["result"]),
            (&json!("completed"), &json!({"isError": true}))
        );
    }
}
