//! Where a request comes from: what every record of it has.

use crate::policy::model::Limits;
use crate::request::caller::Caller;

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
