//! `sm approvals`, `sm approve` and `sm decline`: what waits for an administrator, and the answer.

pub mod answer;
pub mod approver;
pub mod named;
pub mod show;

use crate::admin::answer::Failure;
use crate::approvals;
use crate::approvals::entry::Entry;
use crate::cli::{self, Parsed};
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use std::ffi::OsString;
use std::io;

/// By which right somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Root's: by itself, or because sudo gives the account all of it.
    Root,
    /// One of the rules.
    Rule,
}

/// What is said if what waits cannot be read or written.
pub fn unreadable(error: io::Error) -> Failure {
    Refusal::new(
        Code::UntrustedPath,
        format!("what waits for an approval cannot be read or written: {error}"),
    )
    .hint(format!("look at {}, or remove it: nothing is approved then", approvals::FILE))
    .into()
}

/// The request of this id.
///
/// # Errors
/// `not_found`
pub fn waiting(id: &str) -> Result<Entry, Failure> {
    let entries = approvals::all().map_err(unreadable)?;
    entries.into_iter().find(|entry| entry.id == id).ok_or_else(|| {
        let error = format!("no request {} waits for an approval", one_line(id, 40));
        Refusal::new(Code::NotFound, error).hint("see which do: sm approvals").into()
    })
}

/// The operation that was written down as a line of the helper's.
pub fn operation(line: &str) -> Option<Operation> {
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    match cli::request_behind("sm-helper", &words) {
        Parsed::Command(request) => Some(request?.operation),
        Parsed::Help(_) | Parsed::Wrong(_) => None,
    }
}
