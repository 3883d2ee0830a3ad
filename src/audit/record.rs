//! One record, and how it is chained to the one before.

use crate::audit::bounds::cut;
use crate::audit::checkpoint::{self, Checkpoint};
use crate::audit::key::{Key, Public};
use crate::audit::origin::Origin;
use crate::managers::argv::Argv;
use crate::outcome::{Snapshot, Undone};
use crate::output::captured::Seal;
use crate::output::hex::hex;
use crate::request::caller::Caller;
use crate::request::code::Code;
use crate::request::id::{new_id, request_id};
use crate::request::operation::{Operation, Request};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

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
    /// The log until here is signed.
    Checkpoint,
}

impl Event {
    /// Every one, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Intent, Self::Result, Self::Refused, Self::Checkpoint];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Result => "result",
            Self::Refused => "refused",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// A record, field by field as the contract lists them. Everything in it is bounded where it is
/// made: names by the grammar, what the caller's words may add by [`crate::audit::bounds`].
#[derive(Debug, Serialize)]
pub struct Record<'r> {
    pub seq: u64,
    pub time: String,
    pub event: Event,
    pub request_id: Cow<'static, str>,
    pub caller: &'r Caller,
    pub operation: Option<&'r Operation>,
    pub argv: Option<&'r Argv>,
    pub reason: Option<Cow<'r, str>>,
    /// The approval of an administrator that was used up for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<&'r str>,
    pub code: Code,
    /// What was not understood or not allowed, as it was written: escaped and cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'r, str>>,
    /// With what an administrator would allow what was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
    /// How many requests a record stands for, if they are too many for a record each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    pub returncode: Option<i32>,
    /// What was printed is in no record: it can be anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<&'r Seal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<&'r Seal>,
    pub duration_ms: Option<f64>,
    /// The snapshots around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<&'r Snapshot>,
    /// What was put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<&'r Undone>,
    /// Bytes of a record before this one that a power cut tore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub torn_bytes: Option<u64>,
    /// Records before this one that a power cut took before they were synced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_records: Option<u64>,
    /// Who has signed it, if it is a checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    pub policy: &'r str,
    pub prev: String,
    /// What signs it.
    #[serde(skip)]
    pub signer: Option<&'r Key>,
}

impl<'r> Record<'r> {
    /// A record; its time and its place in the chain are given when it is written.
    pub fn of(event: Event, origin: &'r Origin, request: Option<&'r Request>, code: Code) -> Self {
        Self {
            seq: 0,
            time: String::new(),
            event,
            request_id: request_id().into(),
            caller: &origin.caller,
            operation: request.map(|request| &request.operation),
            argv: None,
            reason: request.and_then(|request| reason(request, true)),
            approval: None,
            code,
            asked: None,
            error: None,
            allow: None,
            count: None,
            dry_run: false,
            returncode: None,
            stdout: None,
            stderr: None,
            duration_ms: None,
            snapshot: None,
            undone: None,
            torn_bytes: None,
            lost_records: None,
            checkpoint: None,
            policy: &origin.policy,
            prev: String::new(),
            signer: None,
        }
    }

    /// The record of a checkpoint: it signs itself when it is written.
    pub fn of_checkpoint(origin: &'r Origin, key: &'r Key, next: Option<&Public>) -> Self {
        Self {
            request_id: new_id().into(),
            checkpoint: Some(Checkpoint::of_this_host(&key.public(), next)),
            signer: Some(key),
            ..Self::of(Event::Checkpoint, origin, None, Code::Ok)
        }
    }

    /// The line for the log after the record `last`: the record and, as its last field, the
    /// SHA-256 of all before that field.
    ///
    /// # Errors
    /// Never in fact: every field of a record can be written as JSON.
    pub fn line_after(&mut self, last: &Link) -> serde_json::Result<(String, Link)> {
        self.seq = last.seq + 1;
        self.prev.clone_from(&last.hash);
        self.time = now();
        let mut line = serde_json::to_string(self)?;
        if let Some(key) = self.signer {
            let signature = key.sign(line.as_bytes());
            line = checkpoint::with_signature(&line, &signature).unwrap_or(line);
        }
        let hash = hash_of(&line);
        line.pop();
        line.push_str(HASH_KEY);
        line.push_str(&hash);
        line.push_str("\"}\n");
        Ok((line, Link { seq: self.seq, hash }))
    }

    /// The record for the other sinks if the log does not take it: in no chain, and so with the
    /// number 0 and no hash.
    ///
    /// # Errors
    /// Never in fact, as with [`Record::line_after`].
    pub fn loose_line(&mut self) -> serde_json::Result<String> {
        self.seq = 0;
        self.prev.clear();
        self.time = now();
        serde_json::to_string(self)
    }
}

fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

/// What stands between a record's last field and its hash.
pub const HASH_KEY: &str = ",\"hash\":\"";

/// The hash of a record's text without the field of the hash.
pub fn hash_of(record: &str) -> String {
    hex(&Sha256::digest(record.as_bytes()))
}

/// What the next record needs of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its number in the chain, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl Link {
    /// What comes before the first record.
    pub fn start() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}

/// The reason of a request: whole if it is run and may change something, else a part of it.
pub fn reason(request: &Request, is_run: bool) -> Option<Cow<'_, str>> {
    const PART: usize = 256;
    let text = request.reason.as_ref()?.as_str();
    let is_whole = is_run && !request.operation.only_reads();
    Some(if is_whole { text.into() } else { cut(text, PART) })
}
