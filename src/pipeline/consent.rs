//! Whether an administrator has approved what is about to be done; and what is written down when the time
//! for an answer or for a use is over.

use crate::approvals::entry::Entry;
use crate::approvals::{self, Consent, Found, Request};
use crate::audit::origin::Origin;
use crate::audit::{self, Answer};
use crate::plan::Plan;
use crate::request::code::{Code, Refusal};
use std::time::Duration;

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
    expired.iter().for_each(|entry| over(origin, entry));
    found
}

/// Writes down that a request can no longer be approved, or an approval no longer used. Who finds it so
/// is who asks now; that it cannot be written is told of the request itself.
fn over(origin: &Origin, entry: &Entry) {
    let words = ["sm", "approvals", "expired", &entry.id, &entry.asked.line].map(str::to_owned);
    let _ = audit::answered(
        origin,
        None,
        &words,
        &Answer { code: Code::Ok, error: None, dry_run: false },
        None,
    );
}
