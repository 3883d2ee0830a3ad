//! Where a request comes from: what every record of it has.

use crate::policy::force::InForce;
use crate::policy::model::Limits;
use crate::request::caller::{Caller, Via};

/// What all records of a request have in common.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Who asked.
    pub caller: Caller,
    /// The hash of the policy that decided.
    pub policy: String,
    /// Whether it tells callers apart.
    pub names_callers: bool,
    /// How often that lets an account ask.
    pub limits: Limits,
}

impl Origin {
    /// A request of this caller, on which these policies decide.
    pub fn of(caller: &Caller, force: &InForce) -> Self {
        let mut caller = caller.clone();
        // Root that tries as an account is no agent.
        caller.agent = if caller.via == Via::Probe { None } else { force.agent(&caller) };
        Self {
            caller,
            policy: force.hash(),
            names_callers: force.names_callers(),
            limits: force.limits(),
        }
    }
}
