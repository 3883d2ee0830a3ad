//! One record, and how it is chained to the one before.

use crate::helper::caller::Caller;
use crate::helper::codes::Code;
use crate::helper::plan::Argv;
use crate::helper::reply;
use crate::helper::request::{Operation, Reason, Request};
use crate::policy::COMPILED;
use crate::policy::parse::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// This is about to be done.
    Intent,
    /// This came of it.
    Result,
    /// This was not done.
    Refused,
}

/// A record, field by field as the contract lists them.
#[derive(Debug, Serialize)]
pub struct Record<'r> {
    pub seq: u64,
    pub time: String,
    pub event: Event,
    pub request_id: &'static str,
    pub caller: &'r Caller,
    pub operation: Option<&'r Operation>,
    pub argv: Option<&'r Argv>,
    pub reason: Option<&'r Reason>,
    pub code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'r str>,
    pub returncode: Option<i32>,
    pub duration_ms: Option<f64>,
    pub policy: &'static str,
    pub prev: String,
}

impl<'r> Record<'r> {
    /// A record of this moment; its place in the chain is given when it is written.
    pub fn of(event: Event, caller: &'r Caller, request: Option<&'r Request>, code: Code) -> Self {
        Self {
            seq: 0,
            time: format!("{:.6}", jiff::Timestamp::now()),
            event,
            request_id: reply::request_id(),
            caller,
            operation: request.map(|request| &request.operation),
            argv: None,
            reason: request.and_then(|request| request.reason.as_ref()),
            code,
            error: None,
            returncode: None,
            duration_ms: None,
            policy: COMPILED.hash,
            prev: String::new(),
        }
    }

    /// The line for the log after the record `last`: the record and, as its last field, the
    /// SHA-256 of all before that field.
    pub fn line_after(mut self, last: &Link) -> Option<String> {
        self.seq = last.seq + 1;
        self.prev = last.hash.clone();
        let mut line = serde_json::to_string(&self).ok()?;
        let hash = hex(&Sha256::digest(line.as_bytes()));
        line.pop();
        line.push_str(&format!(",\"hash\":\"{hash}\"}}\n"));
        Some(line)
    }
}

/// What the next record needs of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Link {
    pub seq: u64,
    pub hash: String,
}

impl Link {
    /// What comes before the first record.
    pub fn start() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}
