//! Reads the state of a unit.

use crate::exec::process::{Bounds, ask};
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::plan::ServiceSteps;
use crate::request::action::ServiceAction;
use crate::request::ran::{Ended, Ran};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time limit for reading a unit's state or its log.
pub const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The unit as it is now; none if its state cannot be read.
pub fn unit_now(steps: &ServiceSteps, bounds: Bounds) -> Option<Unit> {
    unit_of(&ask(&steps.state, brief(bounds)))
}

pub fn unit_of(shown: &Ran) -> Option<Unit> {
    (shown.ended == Ended::Exited(0)).then(|| Unit::parse(&shown.stdout))
}

/// The bounds for reading a state.
pub fn brief(bounds: Bounds) -> Bounds {
    Bounds { deadline: Instant::now() + LOOK_TIMEOUT, ..bounds }
}

pub fn is_running(unit: &UnitState) -> bool {
    unit.is("active") || unit.is("reloading")
}

/// How long to wait for a job of somebody else, and how often to check for it.
pub const JOB_PATIENCE: Duration = Duration::from_secs(10);
pub const JOB_PAUSE: Duration = Duration::from_millis(50);

/// Reads the unit once no job is running for it, or once the wait for that is over: somebody else
/// may be restarting it right now, which is over in a second.
pub fn idle(action: ServiceAction, steps: &ServiceSteps, bounds: Bounds) -> Option<Unit> {
    let patience = bounds.deadline.min(Instant::now() + JOB_PATIENCE);
    loop {
        let unit = unit_now(steps, bounds);
        let is_busy = unit.as_ref().is_some_and(|unit| unit.has_job);
        if !is_busy || !action.wakes() || Instant::now() >= patience {
            return unit;
        }
        sleep(JOB_PAUSE);
    }
}
