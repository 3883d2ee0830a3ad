//! As root, for whoever asks, no request ends but with a charge, a record and the reply that says the
//! same: what gives an exit status there is an [`Answered`], and only this folder makes one.

use crate::audit;
use crate::limits::{self, Budget};
use crate::reply::Reply;

use crate::audit::origin::Origin;
use crate::request::code::Refusal;
use crate::system::kernel;
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

/// Charges and records a request that a defect of this program ends.
///
/// In a process of its own, with none of the files of this one: it may have a lock, which it gives
/// back when it ends.
pub fn record_defect(refusal: &Refusal) {
    let under_way = UNDER_WAY.try_with(|under_way| under_way.try_borrow_mut().ok()?.take());
    let Ok(Some(origin)) = under_way else { return };
    if let Ok(kernel::Forked::Child) = kernel::fork() {
        let _ = kernel::close_descriptors();
        let _ = limits::acquire(&origin.caller, Budget::Refusals, &origin.limits);
        let _ = audit::answered(&origin, None, &[], &Reply::refused(refusal).recorded(), None);
        std::process::exit(0);
    }
}
