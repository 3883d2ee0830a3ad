//! Whether an administrator has approved what is about to be done; and what is written down when the time
//! for an answer or for a use is over.

use crate::approvals::{self, Consent, Found, Request};
use crate::audit::origin::Origin;
use crate::audit::{self, Answer};
use crate::pipeline::call::Call;
use crate::plan::Plan;
use crate::policy::approved::Approved;
use crate::request::code::{Code, Refusal};
use crate::request::operation;
use std::time::Duration;

/// What the policy says, or, where it denies or has an administrator approve it, what an administrator
/// has given for a time.
///
/// # Errors
/// Why it is not run.
pub fn with_grant(
    call: &Call,
    asked: &operation::Request,
    judged: Result<Approved, Refusal>,
) -> Result<Approved, Refusal> {
    let is_open = match &judged {
        Ok(approved) => !approved.needs_approval(),
        Err(refusal) => refusal.code != Code::Denied,
    };
    if is_open {
        return judged;
    }
    // What cannot be read gives nothing.
    let grant = approvals::grant_for(&call.caller, &asked.operation).ok().flatten();
    match grant {
        Some(id) => Ok(call.force.granted(asked.clone())?.by_grant(id)),
        None => judged,
    }
}

/// Whether the plan was approved; if not, it waits from now on.
///
/// # Errors
/// Why it is not run now.
pub fn standing(origin: &Origin, plan: &Plan) -> Result<(), Refusal> {
    told(origin, approvals::standing(request(origin, plan)))
}

/// Uses an approval up, if one is needed.
///
/// # Errors
/// Why it is not run now.
pub fn use_up(origin: &Origin, plan: &Plan) -> Result<Consent, Refusal> {
    told(origin, approvals::use_up(request(origin, plan)))
}

fn request<'r>(origin: &'r Origin, plan: &'r Plan) -> Request<'r> {
    let minutes = origin.limits.approval_minutes;
    let expires = Duration::from_secs(u64::from(minutes) * 60);
    Request { caller: &origin.caller, policy: &origin.policy, expires, plan }
}

fn told<T>(origin: &Origin, found: Found<T>) -> T {
    let Found { found, expired } = found;
    for entry in &expired.entries {
        over(origin, "approvals", &entry.id, &entry.asked.line);
    }
    for grant in &expired.grants {
        over(origin, "grants", &grant.id, &grant.line);
    }
    found
}

/// Writes down that a request can no longer be approved, an approval no longer used, or a right has ended.
/// Who finds it so is who asks now; that it cannot be written is told of the request itself.
fn over(origin: &Origin, what: &str, id: &str, line: &str) {
    let words = ["sm", what, "expired", id, line].map(str::to_owned);
    let answer = Answer { code: Code::Ok, error: None, dry_run: false };
    let _ = audit::answered(origin, None, &words, &answer, None);
}
