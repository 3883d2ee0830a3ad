//! What changes a unit: from whose turn it is to what came of it.

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

/// How long it is waited for somebody else who is starting the unit.
const TURN_PATIENCE: Duration = Duration::from_secs(30);

/// Everything else.
pub fn change(
    plan: &Plan,
    steps: &ServiceSteps,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let Operation::Service { action, .. } = plan.request().operation else {
        return look(plan, bounds, context.shown);
    };
    let patience = bounds.deadline.saturating_duration_since(Instant::now()) / 2;
    let patience = Instant::now() + patience.min(TURN_PATIENCE);
    // Two that start the same unit at once would each count its starts without the other's.
    let turns = match matches!(action, Start | Restart) {
        true => match Turns::wait(&steps.own_name, patience) {
            Ok(turns) => Some(turns),
            Err(refusal) => {
                // What it waits for says more than who has begun it.
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
        Surroundings::before(change.asked(), change.before.as_ref(), change.others.as_ref());
    change.leave_half();
    change.began = start_limit::now();
    let backchannel = Some(&mut context.backchannel);
    let ran = run(
        plan.main(),
        change.bounds,
        Options { input: None, late: AtDeadline::End, backchannel },
    );
    drop(turns);
    change.took = start_limit::now().saturating_sub(change.began);
    let is_known = change.surroundings.reread(change.asked());
    let after = change.watched(&ran);
    change.outcome(ran, after, is_known)
}

impl Change<'_> {
    /// Leaves half of the timeout to what comes next, as the longest wait for a turn does: how long the
    /// looks before it take, of which each may take this much more, is not the operation's time. On a
    /// busy host systemctl would else be ended before the service manager has heard of it.
    fn leave_half(&mut self) {
        let half = Duration::from_secs(self.plan.timeout().into()) / 2;
        self.bounds.deadline = self.bounds.deadline.max(Instant::now() + half.min(LOOK_TIMEOUT));
    }
}
