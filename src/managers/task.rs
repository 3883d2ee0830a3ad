//! The command line of a task, which a policy has written out whole.

use crate::managers::argv::{Argv, UTF8};
use crate::managers::confinement::Confinement;

/// The task: the policy's own words, and none of a caller's.
pub fn task(words: &[String]) -> Argv {
    Argv::new(&words.iter().map(String::as_str).collect::<Vec<_>>(), UTF8, Confinement::Task)
}
