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
