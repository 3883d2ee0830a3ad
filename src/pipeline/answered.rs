//! A request that was answered, and the one that is under way.

use crate::audit::origin::Origin;
use std::cell::RefCell;

/// A request that was charged, recorded and answered; without privilege, one that was answered.
#[must_use]
pub struct Answered(pub(super) u8);

impl Answered {
    /// The exit status that belongs to the reply.
    pub fn exit(self) -> u8 {
        self.0
    }
}

thread_local! {
    /// The request that has no record of its own yet, as long as there is one.
    pub(super) static UNDER_WAY: RefCell<Option<Origin>> = const { RefCell::new(None) };
}

/// The request has a record.
pub fn forget() {
    UNDER_WAY.set(None);
}
