//! Runs what was planned, in processes of its own: recorded before, recorded after, answered.

use crate::audit::Recorded;
use crate::audit::context::Scene;
use crate::audit::{self, Unwritten};
use crate::exec::backchannel::Lifeline;
use crate::exec::cgroup;
use crate::exec::context::afterwards;
use crate::exec::context::{Around, Shown};
use crate::exec::monitor;
use crate::exec::process::Bounds;
use crate::exec::requester::Audience;
use crate::limits::Paid;
use crate::limits::store::Unpaid;
use crate::outcome::Outcome;
use crate::packages;
use crate::pipeline::answered::{Answered, forget};
use crate::plan::Plan;
use crate::plan::Steps;
use crate::reply::{self, Passed, Reply, interrupt};
use crate::request::code::{Code, Refusal};
use crate::services;
use crate::system::kernel;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

/// How much longer than an operation's own timeout the process that passes its reply on waits.
const SLACK: Duration = Duration::from_secs(30);

/// Why there is no reply to pass on.
pub enum Failed {
    /// Nothing was begun, and nothing says so yet.
    Unrecorded(Refusal),
    /// Nothing was begun: the account's records have taken too much already.
    Limited(Unpaid),
    /// A record of it is there.
    Recorded(Refusal),
}

impl From<Unwritten> for Failed {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Unavailable(refusal) => Self::Unrecorded(refusal),
            Unwritten::Limited(unpaid) => Self::Limited(unpaid),
        }
    }
}

/// Records the intent, then has processes of its own run the plan: whatever happens to this one,
/// which sudo, a terminal or a service manager may end, what has begun is finished and recorded.
pub fn run(scene: &Scene, shown: Shown<'_>, planned: Plan, paid: Paid) -> Result<Answered, Failed> {
    let internal = |error: std::io::Error| {
        Refusal::new(Code::Internal, format!("no process could be made: {error}"))
    };
    if planned.request().operation.only_reads() {
        let recorded = audit::intent(scene, planned, paid)?;
        forget();
        let outcome = look(&recorded, shown);
        return Ok(record_and_answer(&recorded, &outcome));
    }
    let timeout = Duration::from_secs(planned.timeout().into()) + afterwards(&planned);
    // Before the intent is written: what fails here leaves nothing to account for.
    let unrecorded = |error| Failed::Unrecorded(internal(error));
    let (reader, writer) = std::io::pipe().map_err(unrecorded)?;
    let lifeline = Lifeline::new().map_err(unrecorded)?;
    let audience = Audience::find(&scene.caller);
    let recorded = audit::intent(scene, planned, paid)?;
    forget();
    let forked = kernel::fork().map_err(|error| {
        let refusal = internal(error);
        // The refusal says enough; that its record failed too would change nothing.
        let _ = audit::result(&recorded, &Outcome::of(Err(refusal.clone())));
        Failed::Recorded(refusal)
    })?;
    match forked {
        kernel::Forked::Child => {
            drop(reader);
            keep(&recorded, lifeline, audience, shown, writer.into());
            std::process::exit(0)
        }
        kernel::Forked::Parent(_) => {
            drop(writer);
            match reply::pass_on_framed(reader, timeout + SLACK) {
                Passed::On(exit) => Ok(Answered(exit)),
                Passed::Interrupted(signal) => {
                    let refusal = interrupt::refusal(signal);
                    Ok(Answered(Reply::refused(&refusal).plan(recorded.plan()).send()))
                }
                Passed::Nothing => Err(Failed::Recorded(
                    Refusal::new(
                        Code::Internal,
                        "the process that ran the operation ended without a reply",
                    )
                    .hint("the audit log says what was begun under this request_id"),
                )),
            }
        }
    }
}

/// Away from whoever asked, splits once more: one runs the plan and answers through `reply`, the
/// other stands by.
fn keep(
    recorded: &audit::Recorded,
    lifeline: Lifeline,
    audience: Audience,
    shown: Shown<'_>,
    reply: OwnedFd,
) {
    // Whoever asks the process to end that waits for the reply does not end this one.
    kernel::ignore_signals();
    let _ = nix::unistd::setsid();
    // Where there is none to go to, what it was started in will have to do.
    let _ = cgroup::leave();
    kernel::rename(c"sm-operation");
    for standard in [0, 1, 2] {
        if let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
            let _ = kernel::replace(standard, null);
        }
    }
    kernel::adopt();
    match kernel::fork() {
        Ok(kernel::Forked::Parent(runs_it)) => {
            drop((reply, audience));
            monitor::stand_by(lifeline, runs_it, recorded);
        }
        // Where there can be no second process, one has to do.
        Ok(kernel::Forked::Child) | Err(_) => operate(recorded, lifeline, audience, shown, reply),
    }
}

/// Runs, records what came of it, answers.
fn operate(
    recorded: &audit::Recorded,
    lifeline: Lifeline,
    audience: Audience,
    shown: Shown<'_>,
    reply: OwnedFd,
) {
    if reply::send_through(reply).is_err() {
        reply::hang_up();
    }
    let mut around = Around {
        lifeline,
        audience,
        shown,
        answer: &mut |so_far| {
            let plan = recorded.plan();
            Reply::outcome(plan, &so_far).warnings(recorded.warnings().to_vec()).send();
            reply::hang_up();
        },
    };
    let outcome = change(recorded, &mut around);
    let warnings = record(recorded, &outcome);
    around.lifeline.recorded();
    Reply::outcome(recorded.plan(), &outcome).warnings(warnings).send();
}

fn record_and_answer(recorded: &audit::Recorded, outcome: &Outcome) -> Answered {
    let warnings = record(recorded, outcome);
    Answered(Reply::outcome(recorded.plan(), outcome).warnings(warnings).send())
}

/// Records what came of it. Gives what the caller should know of the sinks.
fn record(recorded: &audit::Recorded, outcome: &Outcome) -> Vec<String> {
    // A sink that did not take the intent is worth one warning, not two.
    let mut warnings = recorded.warnings().to_vec();
    match audit::result(recorded, outcome) {
        Ok(more) => warnings.extend(more),
        Err(error) => warnings.push(format!("the result could not be recorded: {}", error.error)),
    }
    warnings.dedup();
    warnings
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
pub fn bounds(plan: &Plan) -> Bounds {
    Bounds {
        deadline: Instant::now() + Duration::from_secs(plan.timeout().into()),
        output_bytes: plan.approved().output_bytes() as usize,
        mask_secrets: plan.approved().mask_secrets(),
    }
}
