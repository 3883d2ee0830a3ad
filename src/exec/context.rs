//! What an operation is given on its way, and what its command's end means if nobody knows better.

use crate::exec::backchannel::Backchannel;
use crate::exec::requester::Requester;
use crate::managers::message;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use crate::results::running::Running;
use nix::errno::Errno;
use std::time::Duration;

/// Which units the caller may know of. A reply names these alone; others it counts.
#[derive(Clone, Copy)]
pub struct Shown<'a>(pub &'a dyn Fn(&str) -> bool);

impl Shown<'_> {
    /// These units for a sentence: those that may be named by their names, the others counted.
    pub fn listed<S: AsRef<str>>(&self, units: &[S]) -> String {
        let units = units.iter().map(AsRef::as_ref);
        let (named, hidden): (Vec<&str>, Vec<&str>) = units.partition(|unit| (self.0)(unit));
        let counted = match (hidden.len(), named.is_empty()) {
            (0, _) => None,
            (1, true) => Some("a unit that is not in the policy".to_owned()),
            (1, false) => Some("another one that is not in the policy".to_owned()),
            (count, true) => Some(format!("{count} units that are not in the policy")),
            (count, false) => Some(format!("{count} others that are not in the policy")),
        };
        match (named.join(", "), counted) {
            (named, None) => named,
            (named, Some(counted)) if named.is_empty() => counted,
            (named, Some(counted)) => format!("{named} and {counted}"),
        }
    }
}

/// What an operation that changes something is given on its way.
pub struct OperationContext<'a> {
    /// Shares what is run with the monitor.
    pub backchannel: Backchannel,
    /// Who asked.
    pub caller: &'a Caller,
    /// Who waits for the reply.
    pub requester: Requester,
    /// Which units a reply may name.
    pub shown: Shown<'a>,
    /// Where it is said how far it is; none if there is no place.
    pub running: Option<&'a Running>,
    /// Gives the reply now, though the operation is not done.
    pub answer: &'a mut dyn FnMut(Outcome),
}

/// How much longer than the policy's timeout a plan may take: while the unit is watched.
pub fn afterwards(plan: &Plan) -> Duration {
    Duration::from_secs(plan.approved().watch_seconds().into())
}

/// The unit or the package; empty if it is for all.
pub fn name_of(plan: &Plan) -> &str {
    plan.request().operation.name().unwrap_or_default()
}

/// What the way it ended means, if nobody knows better.
pub fn verdict(plan: &Plan, ran: &Ran) -> Result<(), Refusal> {
    let short = plan.main().short();
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(_) => {
            Err(Refusal::new(Code::CommandFailed, format!("`{short}` failed"))
                .detail(message::of(ran)))
        }
        Ended::Signalled(signal) => Err(Refusal::new(
            Code::CommandFailed,
            format!("`{short}` was killed by signal {signal}"),
        )),
        Ended::Late => Err(Refusal::new(
            Code::Timeout,
            format!("`{short}` was not done after {} s and was killed", plan.timeout()),
        )
        .hint("the service manager may still be working on it: ask for the status")),
        Ended::NotStarted(error) => {
            let program = plan.main().program();
            let what = format!("{program} cannot be run on this host: {}", error.desc());
            let refusal = Refusal::new(Code::Unsupported, what);
            Err(match error {
                Errno::EACCES => refusal.hint(
                    "an administrator can see with `sm doctor` what is in the way: sudo's NOEXEC, or a mount with noexec",
                ),
                Errno::EOPNOTSUPP => refusal.hint(
                    "the policy requires that it is confined: an administrator can see with `sm doctor` what this host does not have for that",
                ),
                _ => refusal,
            })
        }
    }
}
