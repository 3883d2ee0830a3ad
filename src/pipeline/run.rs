//! Runs what was planned, in processes of its own: recorded before, recorded after, answered.

use crate::audit::origin::Origin;
use crate::audit::{self, Recorded, Unwritten};
use crate::exec::backchannel::Backchannel;
use crate::exec::context::{OperationContext, Shown, afterwards};
use crate::exec::process::Bounds;
use crate::exec::requester::Requester;
use crate::exec::{cgroup, confinement, monitor};
use crate::limits::Permit;
use crate::limits::store::Exceeded;
use crate::managers::lock::Lock;
use crate::outcome::Outcome;
use crate::pipeline::answered::{Answered, forget};
use crate::pipeline::{consent, kept};
use crate::plan::{Plan, Steps};
use crate::reply::passed::{self, Passed};
use crate::reply::{Reply, interrupt, stdout};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::results::running::Running;
use crate::snapshots::around::end_abandoned;
use crate::system::kernel;
use crate::tasks::Turn;
use crate::{packages, services, tasks, undo};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How much longer than an operation's own timeout the process that passes its reply on waits.
const SLACK: Duration = Duration::from_secs(30);

/// How much longer than its timeout an undo may take that has begun.
const TO_THE_END: Duration = Duration::from_secs(3600);

/// Why there is no reply to pass on.
pub enum Failed {
    /// Nothing was begun, and nothing says so yet.
    Unrecorded(Refusal),
    /// Nothing was begun: the account's records have taken too much already.
    Limited(Exceeded),
    /// A record of it is there.
    Recorded(Refusal),
}

impl From<Unwritten> for Failed {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Unavailable(refusal) => Self::Unrecorded(refusal),
            Unwritten::Limited(exceeded) => Self::Limited(exceeded),
        }
    }
}

/// Records the intent, then has processes of its own run the plan: whatever happens to this one,
/// which sudo, a terminal or a service manager may end, what has begun is finished and recorded.
pub fn run(
    origin: &Origin,
    shown: Shown<'_>,
    planned: Plan,
    permit: Permit,
) -> Result<Answered, Failed> {
    let internal = |error: std::io::Error| {
        Refusal::new(Code::Internal, format!("no process could be created: {error}"))
    };
    if origin.limits.must_confine {
        confinement::require().map_err(Failed::Unrecorded)?;
    }
    if planned.request().operation.only_reads() {
        let consent = consent::use_up(origin, &planned).map_err(Failed::Unrecorded)?;
        let recorded = audit::intent(origin, planned, permit, &consent)?;
        forget();
        let outcome = look(&recorded, shown);
        return Ok(record_and_answer(&recorded, &outcome));
    }
    let timeout = Duration::from_secs(planned.timeout().into()) + afterwards(&planned);
    // Files that have begun to come back do so to the end, and the reply says what came of it.
    let timeout = match &planned.request().operation {
        Operation::Undo { .. } => timeout + TO_THE_END,
        _ => timeout,
    };
    // Before the intent is written: what fails here leaves nothing to account for.
    let unrecorded = |error| Failed::Unrecorded(internal(error));
    let (reader, writer) = std::io::pipe().map_err(unrecorded)?;
    let backchannel = Backchannel::new().map_err(unrecorded)?;
    let requester = Requester::find(&origin.caller);
    // Until the last process that runs it or watches over it has ended.
    let turn = match &planned.request().operation {
        Operation::Task { name } => Some(Turn::take(name).map_err(Failed::Unrecorded)?),
        _ => None,
    };
    let running = Running::begin();
    // The last thing before: what fails up to here has used nothing up.
    let consent = consent::use_up(origin, &planned).map_err(Failed::Unrecorded)?;
    let recorded = audit::intent(origin, planned, permit, &consent)?;
    forget();
    // Before there are two processes, of which each would do it.
    recorded.tell();
    let (running, unkept) = match begun(&recorded, running) {
        Ok(running) => (Some(running), None),
        Err(error) => (None, Some(kept::not_kept(&error))),
    };
    let forked = kernel::fork().map_err(|error| {
        let refusal = internal(error);
        // The refusal says enough; that its record failed too would change nothing.
        let _ = audit::result(&recorded, &Outcome::of(Err(refusal.clone())));
        Failed::Recorded(refusal)
    })?;
    match forked {
        kernel::Forked::Child => {
            drop(reader);
            let job = Job { recorded: &recorded, running: running.as_ref(), unkept };
            job.keep(backchannel, requester, shown, writer.into());
            std::process::exit(0)
        }
        kernel::Forked::Parent(_) => {
            // Without a place for the result it is waited for all the same.
            if recorded.plan().request().no_wait && running.is_some() {
                return Ok(Answered(Reply::started(recorded.plan()).send()));
            }
            drop((writer, turn, running));
            match passed::pass_on_framed(reader, timeout + SLACK) {
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
                    .hint("the audit log says whether it was begun under this request_id"),
                )),
            }
        }
    }
}

/// What came of an operation whose process was killed, with the snapshot after it, and without what it held.
fn abandoned(recorded: &Recorded, outcome: Outcome) -> Outcome {
    if let Steps::Undo(steps) = recorded.plan().steps() {
        steps.manager.locks(None).iter().copied().for_each(Lock::forget);
    }
    let (snapshot, warnings) = end_abandoned(recorded.plan().approved().snapshots());
    Outcome { snapshot, warnings: [outcome.warnings, warnings].concat(), ..outcome }
}

/// Says that it has begun, where there is a place for that.
fn begun(recorded: &Recorded, running: io::Result<Running>) -> io::Result<Running> {
    let running = running?;
    let request = recorded.plan().request();
    let words = recorded.plan().main().words();
    crate::results::begun(recorded.caller(), &request.operation, words, request.no_wait)?;
    Ok(running)
}

/// What the processes of an operation share.
struct Job<'j> {
    recorded: &'j Recorded,
    /// As long as one of them is there, it runs.
    running: Option<&'j Running>,
    /// What the caller should know of the place for the result.
    unkept: Option<String>,
}

impl Job<'_> {
    /// Away from whoever asked, splits once more: one runs the plan and answers through `reply`, the
    /// other is its monitor.
    fn keep(
        &self,
        backchannel: Backchannel,
        requester: Requester,
        shown: Shown<'_>,
        reply: OwnedFd,
    ) {
        // Whoever asks the process to end that waits for the reply does not end this one.
        kernel::ignore_signals();
        let _ = nix::unistd::setsid();
        // If there is none to go to, what it was started in will have to do.
        let _ = cgroup::leave();
        kernel::rename(c"sm-operation");
        for standard in [0, 1, 2] {
            if let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
                let _ = kernel::replace(standard, null);
            }
        }
        kernel::adopt();
        match kernel::fork() {
            Ok(kernel::Forked::Parent(worker)) => {
                drop((reply, requester));
                let abandoned = |outcome| abandoned(self.recorded, outcome);
                let watched = monitor::watch(backchannel, worker, self.recorded, &abandoned);
                if let Some(outcome) = watched {
                    self.end(&outcome, Vec::new());
                }
            }
            // If there can be no second process, one has to do.
            Ok(kernel::Forked::Child) | Err(_) => {
                self.operate(backchannel, requester, shown, reply)
            }
        }
    }

    /// Runs, records what came of it, answers.
    fn operate(
        &self,
        backchannel: Backchannel,
        requester: Requester,
        shown: Shown<'_>,
        reply: OwnedFd,
    ) {
        if stdout::send_through(reply).is_err() {
            stdout::hang_up();
        }
        let recorded = self.recorded;
        let mut context = OperationContext {
            backchannel,
            caller: recorded.caller(),
            requester,
            shown,
            running: self.running,
            answer: &mut |so_far| {
                let plan = recorded.plan();
                let reply = Reply::outcome(plan, &so_far).warnings(recorded.warnings());
                reply.continues(self.running.is_some()).send();
                stdout::hang_up();
            },
        };
        let outcome = change(recorded, &mut context);
        let warnings = record(recorded, &outcome);
        let reply = self.end(&outcome, warnings);
        context.backchannel.recorded();
        reply.send();
    }

    /// Keeps what came of it, for who asks later.
    fn end<'o>(&'o self, outcome: &'o Outcome, warnings: Vec<String>) -> Reply<'o> {
        let Self { recorded, running, unkept } = self;
        let plan = recorded.plan();
        let reply = Reply::outcome(plan, outcome).warnings(warnings).warnings(unkept.clone());
        if running.is_none() {
            return reply;
        }
        let reply = kept::keep(recorded.caller(), &plan.request().operation, reply);
        running.inspect(|running| running.end());
        reply
    }
}

fn record_and_answer(recorded: &audit::Recorded, outcome: &Outcome) -> Answered {
    let warnings = record(recorded, outcome);
    let plan = recorded.plan();
    let reply = Reply::outcome(plan, outcome).warnings(warnings);
    Answered(kept::keep(recorded.caller(), &plan.request().operation, reply).send())
}

/// Records what came of it. Gives what the caller should know of the sinks.
fn record(recorded: &audit::Recorded, outcome: &Outcome) -> Vec<String> {
    // A sink that did not take the intent is worth one warning, not two.
    let mut warnings = recorded.warnings();
    warnings.extend(confinement::warning());
    match audit::result(recorded, outcome) {
        Ok(more) => warnings.extend(more),
        Err(error) => warnings.push(format!("the result could not be recorded: {}", error.error)),
    }
    warnings.dedup();
    warnings
}

/// Looks, which changes nothing.
fn look(recorded: &Recorded, shown: Shown<'_>) -> Outcome {
    let plan = recorded.plan();
    match plan.steps() {
        Steps::Package(steps) => packages::only_plan(plan, steps, bounds(plan)),
        _ => services::look(plan, bounds(plan), shown, &mut || recorded.tell()),
    }
}

/// Changes something. A service operation is ended at its timeout; a package operation never is:
/// then the answer is given with what it has printed so far, and this continues to the end.
fn change(recorded: &Recorded, context: &mut OperationContext<'_>) -> Outcome {
    let plan = recorded.plan();
    match plan.steps() {
        Steps::Package(steps) => packages::change(plan, steps, bounds(plan), context),
        Steps::Service(steps) => services::change(plan, steps, bounds(plan), context),
        Steps::Undo(steps) => undo::run(plan, steps, bounds(plan), context),
        Steps::Reread(units) => services::reread(plan, units.as_deref(), bounds(plan), context),
        Steps::Task(task) => tasks::run(plan, task, bounds(plan), context),
        Steps::Look(_) => services::look(plan, bounds(plan), context.shown, &mut || {}),
    }
}

/// What each of the plan's command lines may cost.
fn bounds(plan: &Plan) -> Bounds {
    Bounds {
        deadline: Instant::now() + Duration::from_secs(plan.timeout().into()),
        output_bytes: plan.approved().output_bytes() as usize,
        mask_secrets: plan.approved().mask_secrets(),
    }
}
