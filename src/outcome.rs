//! What came of an operation, before anybody is told.

use crate::managers::systemd::unit::UnitState;
use crate::managers::transaction::Transaction;
use crate::request::code::Refusal;
use crate::request::ran::Ran;
use serde::Serialize;

/// What came of an operation.
#[derive(Debug)]
pub struct Outcome {
    /// The code and, unless it is `ok`, the sentence.
    pub verdict: Result<(), Refusal>,
    /// What the operation's command did, if it was run.
    pub ran: Option<Ran>,
    /// The unit's state after it.
    pub unit: Option<UnitState>,
    /// The last lines of the unit's log, if it did not come up or stay up.
    pub log: Option<Vec<String>>,
    /// What the package manager said it would change.
    pub plan: Option<Transaction>,
    /// The snapshots around it.
    pub snapshot: Option<Snapshot>,
    /// What was put back, if that was asked for.
    pub undone: Option<Undone>,
    /// What is due after a package operation that was done.
    pub due: Option<Due>,
    /// Whether it changed something; none if nothing was run.
    pub changed: Option<bool>,
    /// It is done after the reply, since whoever reads the reply is ended by it.
    pub deferred: bool,
    /// What the caller should know though it went well.
    pub warnings: Vec<String>,
}

impl Outcome {
    /// This verdict and nothing else.
    pub fn of(verdict: Result<(), Refusal>) -> Self {
        Self {
            verdict,
            ran: None,
            unit: None,
            log: None,
            plan: None,
            snapshot: None,
            undone: None,
            due: None,
            changed: None,
            deferred: false,
            warnings: Vec::new(),
        }
    }

    /// Nothing was done, or nothing but what `ran` says, which changed nothing.
    pub fn refused(refusal: Refusal, ran: Option<Ran>, unit: Option<UnitState>) -> Self {
        let changed = ran.is_some().then_some(false);
        Self { ran, unit, changed, ..Self::of(Err(refusal)) }
    }
}

/// The snapshots around an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// The number of the one before it.
    pub before: Option<u64>,
    /// The number of the one after it.
    pub after: Option<u64>,
    /// Whether the operation can be undone by them.
    pub undo: bool,
    /// Why it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// The request whose operation was undone.
    pub request_id: String,
    /// How many files came back or went.
    pub files: usize,
    /// Those that others have changed since, which stayed as they are: the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// How many these are.
    pub left_count: usize,
}

/// What still runs what packages have replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The units that do and that the caller may know of, sorted.
    pub restart_needed: Vec<String>,
    /// How many others do.
    #[serde(skip_serializing_if = "is_none")]
    pub restart_needed_others: usize,
    /// Whether a boot is due: for a newer kernel, or because a package says so.
    pub reboot_needed: bool,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}
