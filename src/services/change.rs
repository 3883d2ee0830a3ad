//! Actions that change a unit, from waiting for a turn to the outcome.

use crate::exec::context::{OperationContext, name_of};
use crate::exec::process::{AtDeadline, Bounds, Options, run};
use crate::managers::systemd::start_limit;
use crate::outcome::Outcome;
use crate::plan::{Plan, ServiceSteps};
use crate::request::action::ServiceAction::{Restart, Start};
use crate::request::operation::Operation;
use crate::services::reason;
use crate::services::state::{LOOK_TIMEOUT, idle, unit_now};
use crate::services::surroundings::Surroundings;
use crate::services::turns::Turns;
use std::time::{Duration, Instant};

use crate::services::look::look;
use crate::services::operation::Change;

/// How long to wait for another request that is starting the unit.
const TURN_PATIENCE: Duration = Duration::from_secs(30);

/// Carries out an action that changes the unit.
pub fn change(
    plan: &Plan,
    steps: &ServiceSteps,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let Operation::Service { action, .. } = plan.request().operation else {
        return look(plan, bounds, context.shown, &mut || {});
    };
    let patience = bounds.deadline.saturating_duration_since(Instant::now()) / 2;
    let patience = Instant::now() + patience.min(TURN_PATIENCE);
    // Two requests that start the same unit at once would each miss the other's start in the count.
    let turns = match matches!(action, Start | Restart) {
        true => match Turns::wait(&steps.own_name, patience) {
            Ok(turns) => Some(turns),
            Err(refusal) => {
                // The job that is in the way says more than the fact that another request began it.
                let unit = unit_now(steps, bounds);
                let job = unit.as_ref().filter(|unit| unit.has_job);
                let job = job.and_then(|unit| {
                    reason::obstacle(action, name_of(plan), unit, plan.approved().may_reread())
                });
                let state = unit.map(|unit| unit.state);
                return Outcome::refused(job.unwrap_or(refusal), None, state);
            }
        },
        false => None,
    };
    let before = idle(action, steps, bounds);
    let shown = context.shown;
    let mut change = Change {
        plan,
        steps,
        action,
        bounds,
        shown,
        before,
        surroundings: Surroundings::default(),
        others: None,
        began: Duration::ZERO,
        took: Duration::ZERO,
    };
    change.others = match change.in_turn(turns.as_ref(), &context.requester, patience) {
        Ok(others) => others,
        Err(refusal) => return Outcome::refused(refusal, None, change.state_before()),
    };
    change.leave_half();
    if let Err(refused) = change.may_begin() {
        return Outcome { unit: change.state_before(), ..*refused };
    }
    if change.ends(&context.requester) {
        change.answer_first(context);
    }
    change.surroundings =
        Surroundings::before(change.context(), change.before.as_ref(), change.others.as_ref());
    change.leave_half();
    change.began = start_limit::now();
    let backchannel = Some(&mut context.backchannel);
    let ran = run(
        plan.main(),
        change.bounds,
        Options { input: None, late: AtDeadline::End, backchannel, follow: None },
    );
    drop(turns);
    change.took = start_limit::now().saturating_sub(change.began);
    let is_known = change.surroundings.reread(change.context());
    let after = change.watched(&ran);
    change.outcome(ran, after, is_known)
}

impl Change<'_> {
    /// Leaves half of the timeout for what comes next, as the longest wait for a turn does. The time
    /// taken by the checks before it, each of which may take this long, is not the operation's. On a
    /// busy host systemctl would otherwise be killed before its job has reached the service manager.
    fn leave_half(&mut self) {
        let half = Duration::from_secs(self.plan.timeout().into()) / 2;
        self.bounds.deadline = self.bounds.deadline.max(Instant::now() + half.min(LOOK_TIMEOUT));
    }
}
