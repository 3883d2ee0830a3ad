//! The package manager's locks, held while files come back.

use crate::managers::lock::{Lock, Taken};
use crate::managers::manager::Manager;

/// All of them; given back when it is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "they are held")] Vec<Taken>);

impl Held {
    /// Takes all locks of who changes packages; none if somebody else has one.
    pub fn take(manager: Manager) -> Option<Self> {
        let taken: Option<Vec<Taken>> =
            manager.locks(None).iter().copied().map(Lock::take).collect();
        taken.map(Self)
    }
}
