//! Whether an administrator has approved what is about to be done; and what is written down when the time
//! for an answer or for a use is over.

use crate::approvals::{self, Consent, Expired, Found, Request};
use crate::audit::origin::Origin;
use crate::audit::{self, Answer};
use crate::limits::{self, Budget};
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
        Some(id) => {
            let granted = call.force.granted(asked.clone())?;
            Ok(granted.asked_by(Some(call.caller.uid)).by_grant(id))
        }
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
    let left =
        || limits::find_exhausted(&origin.caller, Budget::Refusals, &origin.limits).is_none();
    let may_wait = !plan.approved().needs_approval() || left();
    Request { caller: &origin.caller, policy: &origin.policy, expires, may_wait, plan }
}

fn told<T>(origin: &Origin, found: Found<T>) -> T {
    over(origin, &found.expired);
    found.found
}

/// Writes down that requests can no longer be approved, approvals no longer used, or rights have ended.
/// Who finds it so is who asks now; that it cannot be written is told of the request itself. It is no
/// result: the request under whose id it stands may have one of its own.
pub fn over(origin: &Origin, expired: &Expired) {
    let write = |what: &str, id: &str, line: &str, code: Code| {
        let words = ["sm", what, "expired", id, line].map(str::to_owned);
        let answer = Answer { code, error: Some("its time is over"), dry_run: false };
        let _ = audit::answered(origin, None, &words, &answer, None);
    };
    for entry in &expired.entries {
        write("approvals", &entry.id, &entry.asked.line, Code::ApprovalRequired);
    }
    for grant in &expired.grants {
        write("grants", &grant.id, &grant.line, Code::Denied);
    }
}
