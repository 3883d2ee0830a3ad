//! Runs what was planned and recorded: the one place that starts a process with root's rights
//! for an operation.

use crate::audit::Recorded;
use crate::exec::message::said;
use crate::exec::monitor::Lifeline;
use crate::exec::process::{Bounds, Ended, Ran};
use crate::exec::requester::Audience;
use crate::managers::systemd::unit::UnitState;
use crate::managers::transaction::Transaction;
use crate::plan::{Plan, Steps};
use crate::request::code::{Code, Refusal};
use crate::{packages, services};
use std::time::{Duration, Instant};

/// What came of an operation.
#[derive(Debug)]
pub struct Outcome {
    /// The code and, unless it is `ok`, the sentence.
    pub verdict: Result<(), Refusal>,
    /// What the operation's command did, where it was run.
    pub ran: Option<Ran>,
    /// The unit's state after it.
    pub unit: Option<UnitState>,
    /// The last lines of the unit's log, where it did not come up or stay up.
    pub log: Option<Vec<String>>,
    /// What the package manager said it would change.
    pub plan: Option<Transaction>,
    /// Whether it changed something; none where nothing was run.
    pub changed: Option<bool>,
    /// It is done after the reply, since whoever reads the reply is ended by it.
    pub deferred: bool,
    /// What the caller should know though it went well.
    pub warnings: Vec<String>,
}

impl Outcome {
    /// This verdict and nothing else.
    pub fn of(verdict: Result<(), Refusal>) -> Self {
        Self {
            verdict,
            ran: None,
            unit: None,
            log: None,
            plan: None,
            changed: None,
            deferred: false,
            warnings: Vec::new(),
        }
    }

    /// Nothing was done, or nothing but what `ran` says, which changed nothing.
    pub fn refused(refusal: Refusal, ran: Option<Ran>, unit: Option<UnitState>) -> Self {
        let changed = ran.is_some().then_some(false);
        Self { ran, unit, changed, ..Self::of(Err(refusal)) }
    }
}

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
pub struct Around<'a> {
    /// Shares what is run with the process that stands by.
    pub lifeline: Lifeline,
    /// Who waits for the reply.
    pub audience: Audience,
    /// Which units a reply may name.
    pub shown: Shown<'a>,
    /// Gives the reply now, though the operation is not done.
    pub answer: &'a mut dyn FnMut(Outcome),
}

/// Looks, which changes nothing.
pub fn look(recorded: &Recorded, shown: Shown<'_>) -> Outcome {
    let plan = recorded.plan();
    match plan.steps() {
        Steps::Package(steps) => packages::only_plan(plan, steps, bounds(plan)),
        _ => services::look(plan, bounds(plan), shown),
    }
}

/// Changes something. A service operation is ended at its timeout; a package operation never is:
/// then the answer is given with what it has printed so far, and this goes on to its end.
pub fn change(recorded: &Recorded, around: &mut Around<'_>) -> Outcome {
    let plan = recorded.plan();
    match plan.steps() {
        Steps::Package(steps) => packages::change(plan, steps, bounds(plan), around),
        Steps::Service(steps) => services::change(plan, steps, bounds(plan), around),
        Steps::Look(_) => services::look(plan, bounds(plan), around.shown),
    }
}

/// How much longer than the policy's timeout a plan may take: while the unit is watched.
pub fn afterwards(plan: &Plan) -> Duration {
    Duration::from_secs(plan.approved().watch_seconds().into())
}

fn bounds(plan: &Plan) -> Bounds {
    Bounds {
        deadline: Instant::now() + Duration::from_secs(plan.timeout().into()),
        output_bytes: plan.approved().output_bytes() as usize,
        mask_secrets: plan.approved().mask_secrets(),
    }
}

/// The unit or the package; empty where it is for all.
pub fn name_of(plan: &Plan) -> &str {
    plan.request().operation.name().unwrap_or_default()
}

/// What the way it ended means, where nobody knows better.
pub fn verdict(plan: &Plan, ran: &Ran) -> Result<(), Refusal> {
    let short = plan.main().short();
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(_) => {
            Err(Refusal::new(Code::CommandFailed, format!("`{short}` failed")).said(said(ran)))
        }
        Ended::Signalled(signal) => Err(Refusal::new(
            Code::CommandFailed,
            format!("`{short}` was ended by signal {signal}"),
        )),
        Ended::Late => Err(Refusal::new(
            Code::Timeout,
            format!("`{short}` was not done after {} s and was ended", plan.timeout()),
        )
        .hint("the service manager may still be working on it: ask for the status")),
        Ended::NotStarted(error) => Err(Refusal::new(
            Code::Unsupported,
            format!("{} can not be run on this host: {}", plan.main().program(), error.desc()),
        )),
    }
}
