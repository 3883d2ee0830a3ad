//! What an administrator does is written down among the requests.

use crate::audit::origin::Origin;
use crate::audit::{self, Unwritten};
use crate::policy::force::InForce;
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};

/// What every record of an administrator's command says.
pub fn origin(caller: &Caller) -> Origin {
    let force = InForce::load().unwrap_or_else(|_| InForce::compiled());
    Origin::of(caller, &force)
}

/// Writes down what was done: `words` as on the command line. Gives what is to be said of the sinks that
/// did not take it.
///
/// # Errors
/// `audit_unavailable`, `rate_limited`.
pub fn record(caller: &Caller, words: &[String]) -> Result<Vec<String>, Refusal> {
    let answer = audit::Answer { code: Code::Ok, error: None, dry_run: false };
    audit::answered(&origin(caller), None, words, &answer, None).map_err(Unwritten::refusal)
}

/// Writes down what was refused, and gives the refusal; or why it could not be written.
pub fn refused(caller: &Caller, words: &[String], refusal: Refusal) -> Refusal {
    let answer = audit::Answer { code: refusal.code, error: Some(&refusal.error), dry_run: false };
    match audit::answered(&origin(caller), None, words, &answer, None) {
        Ok(_) => refusal,
        Err(unwritten) => unwritten.refusal(),
    }
}
