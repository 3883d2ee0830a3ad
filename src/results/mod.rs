//! What came of the last requests of each account, for that account to ask again: an agent whose wait
//! ended before the operation did has lost nothing.
//!
//! A request that changes something leaves a line when it begins, and each request one with its reply
//! ([`store`]). While it runs, its processes hold a file, and say there how far it is ([`running`]).

pub mod running;
mod store;

pub use crate::results::store::Begun;

use crate::request::caller::{Caller, Counted, Via};
use crate::request::id::{RequestId, request_id};
use crate::request::operation::Operation;
use serde::Serialize;
use serde_json::Value;
use std::io;

/// What is known of a request.
#[derive(Debug)]
pub enum Found {
    /// It has ended, and this is its reply: a JSON object.
    Reply(String),
    /// It has begun and not ended.
    Running(Begun),
    /// It has begun, and what ran it ended without a reply: the host was started anew, or all of its
    /// processes were killed.
    Interrupted(Begun),
    /// There is none, or it is another account's.
    Nothing,
}

/// A request in a list.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its id.
    pub request_id: String,
    /// What was asked, as a reply has it.
    pub operation: Value,
    /// The code of its reply; none as long as it runs, and if it was interrupted.
    pub code: Option<String>,
    /// When it began, or was answered where it was only that, in UTC.
    pub time: String,
    /// Whether it has begun and not ended.
    pub running: bool,
}

/// Notes that this request begins. It is on disk if `must_last`, before this returns.
///
/// # Errors
/// If it cannot be noted.
pub fn begun(
    caller: &Caller,
    operation: &Operation,
    argv: &[String],
    must_last: bool,
) -> io::Result<()> {
    let Some(account) = account(caller) else { return Ok(()) };
    let begun = Begun::now(operation, argv)?;
    store::append(account, &serde_json::to_string(&begun)?, must_last)
}

/// Keeps the reply of this request, a JSON object on one line.
///
/// # Errors
/// If it cannot be kept.
pub fn answered(caller: &Caller, operation: &Operation, code: &str, reply: &str) -> io::Result<()> {
    let Some(account) = account(caller) else { return Ok(()) };
    let line = store::reply_line(request_id(), store::now(), operation, code, reply)?;
    store::append(account, &line, false)
}

/// What is known of the caller's request of this id.
///
/// # Errors
/// If what is kept cannot be read.
pub fn find(caller: &Caller, id: &RequestId) -> io::Result<Found> {
    let Some(account) = account(caller) else { return Ok(Found::Nothing) };
    let begun = match store::find(account, id)? {
        store::Found::Reply(reply) => return Ok(Found::Reply(reply)),
        store::Found::Begun(begun) => begun,
        store::Found::Nothing => return Ok(Found::Nothing),
    };
    if running::is_held(id.as_str())? {
        return Ok(Found::Running(begun));
    }
    // It may have ended in between.
    Ok(match store::find(account, id)? {
        store::Found::Reply(reply) => Found::Reply(reply),
        store::Found::Begun(_) | store::Found::Nothing => Found::Interrupted(begun),
    })
}

/// The caller's last requests, the newest first.
///
/// # Errors
/// If what is kept cannot be read.
pub fn recent(caller: &Caller) -> io::Result<Vec<Row>> {
    let Some(account) = account(caller) else { return Ok(Vec::new()) };
    let rows = store::recent(account)?.into_iter().map(|kept| {
        let running = kept.code.is_none() && running::is_held(&kept.id)?;
        let time = jiff::Timestamp::from_second(kept.at as i64).unwrap_or_default().to_string();
        let store::Kept { id: request_id, operation, code, .. } = kept;
        Ok(Row { request_id, operation, code, time, running })
    });
    rows.collect()
}

/// Whose the results are; none for who has no account here, of whom there may be many, and none for
/// root where it only tries as an account whether that may ask: nobody will ask for those again.
fn account(caller: &Caller) -> Option<u32> {
    match caller.counted() {
        Counted::Account(uid) if caller.via != Via::Probe => Some(uid),
        Counted::Account(_) | Counted::Strangers => None,
    }
}
