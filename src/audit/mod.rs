//! The record of what was asked, refused and done: on disk before anything is run.

mod log;
mod record;

use crate::helper::caller::Caller;
use crate::helper::codes::{Code, Refusal};
use crate::helper::exec::Outcome;
use crate::helper::plan::Plan;
use crate::helper::process::Ended;
use crate::helper::request::Request;
use record::{Event, Record};

/// A plan whose intent is on disk. Only [`intent`] makes one, and nothing else is ever run.
#[derive(Debug)]
pub struct Recorded {
    caller: Caller,
    plan: Plan,
}

impl Recorded {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// Writes down what is about to be done.
///
/// # Errors
/// `audit_unavailable`: then it must not be done.
pub fn intent(caller: &Caller, plan: Plan) -> Result<Recorded, Refusal> {
    let request = plan.request();
    log::append(Record {
        argv: Some(plan.main()),
        ..Record::of(Event::Intent, caller, Some(request), Code::Ok)
    })?;
    Ok(Recorded { caller: caller.clone(), plan })
}

/// Writes down what came of it.
///
/// # Errors
/// `audit_unavailable`, though it is done.
pub fn result(recorded: &Recorded, outcome: &Outcome) -> Result<(), Refusal> {
    let code = outcome.verdict.as_ref().map_or_else(|refusal| refusal.code, |()| Code::Ok);
    let returncode = outcome.ran.as_ref().and_then(|ran| match ran.ended {
        Ended::Exited(status) => Some(status),
        _ => None,
    });
    log::append(Record {
        argv: Some(recorded.plan.main()),
        returncode,
        duration_ms: Some(crate::helper::reply::duration_ms()),
        ..Record::of(Event::Result, &recorded.caller, Some(recorded.plan.request()), code)
    })
}

/// Writes down that nothing was done, and why.
///
/// # Errors
/// `audit_unavailable`.
pub fn refused(
    caller: &Caller,
    request: Option<&Request>,
    refusal: &Refusal,
) -> Result<(), Refusal> {
    log::append(Record {
        error: Some(&refusal.error),
        ..Record::of(Event::Refused, caller, request, refusal.code)
    })
}
