//! Whether an account is one of those whom the policy lets approve.

use crate::approvals::shown_name;
use crate::policy::force::InForce;
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};

/// Whether it is.
pub fn may_approve(force: &InForce, caller: &Caller) -> bool {
    force.approvers().iter().any(|approver| approver.is(caller))
}

/// Whether the account may approve now.
///
/// # Errors
/// `denied` if it may not.
pub fn still(force: &InForce, caller: &Caller) -> Result<(), Refusal> {
    if may_approve(force, caller) {
        return Ok(());
    }
    let name = shown_name(&caller.user);
    let error = format!("{name} is not among those who may approve ([approvals] approvers)");
    Err(Refusal::new(Code::Denied, error).hint("an administrator can name it there"))
}

/// The same for who goes on looking.
///
/// # Errors
/// `denied` if it may no more; if the policy is not well.
pub fn still_may(caller: &Caller) -> Result<(), Refusal> {
    still(&InForce::load()?, caller)
}
