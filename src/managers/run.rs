//! An operation that was run, as an explanation of its failure needs it.

use crate::managers::asked::Asked;
use crate::managers::inventory::{Inventory, Unfinished};
use crate::request::ran::Ran;

/// An operation that was run, and what came of it.
pub struct Run<'r> {
    /// What was asked.
    pub asked: &'r dyn Asked,
    /// What the command did.
    pub ran: &'r Ran,
    /// What is installed now.
    pub installed: &'r Inventory,
    /// What it was in the middle of.
    pub begun: &'r [(&'r str, Unfinished)],
    /// Whether what was asked for is so all the same.
    pub is_so: bool,
}
