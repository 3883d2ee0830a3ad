//! What was asked for, and what else the same caller may ask for: a hint names that before what
//! only an administrator can do.

use crate::request::action::Maintenance;
use crate::request::operation::Operation;

/// A request about packages, as an explanation needs it.
pub trait Asked {
    /// What was asked.
    fn operation(&self) -> &Operation;
    /// What is run for it, for a sentence: `apt-get install`.
    fn command(&self) -> String;
    /// Whether the caller may ask for the removal of what the package manager calls so.
    fn may_remove(&self, name: &str) -> bool;
    /// Whether the caller may ask for this to be done to all packages.
    fn may_do_to_all(&self, action: Maintenance) -> bool;
}
