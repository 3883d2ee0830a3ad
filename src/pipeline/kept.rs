//! Keeps the reply of a request, for who asks for it later.

use crate::reply::Reply;
use crate::request::caller::Caller;
use crate::request::operation::Operation;
use crate::results;
use std::io;

/// Keeps a reply. Where there is no room for it, the reply says so.
pub fn keep<'r>(caller: &Caller, operation: &Operation, mut reply: Reply<'r>) -> Reply<'r> {
    let text = reply.kept();
    match results::answered(caller, operation, reply.code().word(), &text) {
        Ok(()) => reply,
        Err(error) => reply.warnings([not_kept(&error)]),
    }
}

/// What is said if something cannot be kept.
pub fn not_kept(error: &io::Error) -> String {
    format!("the result cannot be kept for `sm-helper result`: {error}")
}
