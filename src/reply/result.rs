//! What `result` answers: the reply of an earlier request, or what is known of one that has none yet.

use crate::approvals::entry::State;
use crate::reply::{SCHEMA, passed, stdout, write};
use crate::request::code::Code;
use crate::request::id::RequestId;
use crate::results::Begun;
use crate::results::running::SoFar;
use serde::Serialize;
use serde_json::Value;

/// A reply that is another request's.
#[derive(Debug)]
pub struct Again {
    code: Code,
    text: String,
}

/// The reply of a request that has begun, and of whose end nothing is known.
#[derive(Serialize)]
struct Unfinished<'r> {
    schema: u32,
    success: bool,
    code: Code,
    request_id: &'r str,
    operation: &'r Value,
    argv: &'r [String],
    running: bool,
    #[serde(flatten)]
    so_far: Option<&'r SoFar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    hint: String,
    duration_ms: f64,
}

impl Again {
    /// The reply that was kept. None if it is none that this program has written.
    pub fn kept(text: String) -> Option<Self> {
        Some(Self { code: passed::code_of(text.as_bytes())?, text })
    }

    /// The approval that it waited for, where that is its answer.
    pub fn approval(&self) -> Option<String> {
        if self.code != Code::ApprovalRequired {
            return None;
        }
        let reply: Value = serde_json::from_str(&self.text).ok()?;
        reply["approval"]["id"].as_str().map(str::to_owned)
    }

    /// The same with how it is with that now.
    #[must_use]
    pub fn with_state(mut self, state: State) -> Self {
        if let Ok(mut reply) = serde_json::from_str::<Value>(&self.text) {
            reply["approval"]["state"] = state.word().into();
            if state == State::Approved {
                reply["hint"] = "it was approved: ask for the same again".into();
            }
            self.text = reply.to_string();
        }
        self
    }

    /// It runs.
    pub fn running(id: &RequestId, begun: &Begun, so_far: &SoFar) -> Self {
        let hint = format!("wait for its end: sm-helper result {} --wait 300", id.as_str());
        Self::unfinished(&Unfinished {
            success: true,
            code: Code::Started,
            running: true,
            so_far: Some(so_far),
            error: None,
            ..Unfinished::of(id, begun, hint)
        })
    }

    /// It was begun, and its end is not known.
    pub fn interrupted(id: &RequestId, begun: &Begun) -> Self {
        let hint = "look what has become of it: for a unit, its status; for a package, a plan of the same; for a task, what it does".to_owned();
        Self::unfinished(&Unfinished {
            error: Some(
                "the host was started anew, or the processes that ran the operation were killed, before its end was known",
            ),
            ..Unfinished::of(id, begun, hint)
        })
    }

    fn unfinished(reply: &Unfinished<'_>) -> Self {
        Self { code: reply.code, text: serde_json::to_string(reply).unwrap_or_default() }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Writes it with these warnings besides, and gives the exit status that belongs to it.
    pub fn send(self, warnings: Vec<String>) -> u8 {
        let exit = self.code.exit();
        if stdout::has_reply() {
            return exit;
        }
        let text = match serde_json::from_str::<Value>(&self.text) {
            Ok(mut reply) if stdout::is_pretty() || !warnings.is_empty() => {
                let more = warnings.into_iter().map(Value::from);
                match reply.get_mut("warnings").and_then(Value::as_array_mut) {
                    Some(all) => all.extend(more),
                    None if more.len() > 0 => reply["warnings"] = more.collect(),
                    None => {}
                }
                if stdout::is_pretty() {
                    serde_json::to_string_pretty(&reply).unwrap_or_default()
                } else {
                    reply.to_string()
                }
            }
            _ => self.text,
        };
        write(exit, text);
        exit
    }
}

impl<'r> Unfinished<'r> {
    fn of(id: &'r RequestId, begun: &'r Begun, hint: String) -> Self {
        Self {
            schema: SCHEMA,
            success: false,
            code: Code::Interrupted,
            request_id: id.as_str(),
            operation: &begun.operation,
            argv: &begun.argv,
            running: false,
            so_far: None,
            error: None,
            hint,
            duration_ms: begun.age_ms(),
        }
    }
}
