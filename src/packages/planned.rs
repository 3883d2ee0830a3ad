//! What came of the first half of an operation: what is to be run, or what is answered without.

use crate::exec::process::Bounds;
use crate::managers::inventory::Inventory;
use crate::managers::transaction::Transaction;
use crate::outcome::Outcome;
use crate::request::code::Refusal;
use crate::request::ran::Ran;

/// What a question to the package manager may print, in bytes: some ten thousand packages.
pub const LARGEST_ANSWER: usize = 1 << 20;

/// The answer to whatever the package manager asks before it would begin. It must never be another one: the
/// last question is whether to continue.
pub const NO: &str = "n\n";

/// How many questions are answered; it has a handful.
pub const QUESTIONS: usize = 1000;

/// What came of the first half.
pub enum Planned {
    /// An operation that is to be run.
    Run(Box<Ready>),
    /// What is answered without.
    Done(Box<Outcome>),
    /// Somebody else began in between.
    Overtaken,
}

/// An operation that is to be run.
#[derive(Default)]
pub struct Ready {
    /// What it will change, if the package manager said so beforehand.
    pub transaction: Option<Transaction>,
    /// What the package manager takes the name for; none if there is no name.
    pub name: Option<String>,
    /// What was installed, if it was asked.
    pub inventory: Option<Inventory>,
    /// What it leaves as it is, though it could be otherwise.
    pub warnings: Vec<String>,
    /// What it reads on standard input.
    pub input: Option<String>,
}

/// The bounds of what is looked through: all of it, as it is.
pub fn whole(bounds: Bounds) -> Bounds {
    Bounds { output_bytes: LARGEST_ANSWER, mask_secrets: false, ..bounds }
}

/// Nothing was run, since all is as it was asked for, or cannot be.
pub fn nothing_to_do(verdict: Result<(), Refusal>) -> Outcome {
    Outcome { ran: Some(Ran::nothing()), changed: Some(false), ..Outcome::of(verdict) }
}
