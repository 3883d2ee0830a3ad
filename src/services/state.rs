//! The state of a unit, read.

use crate::exec::process::{Bounds, ask};
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::plan::ServiceSteps;
use crate::request::action::ServiceAction;
use crate::request::ran::{Ended, Ran};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Reading a unit's state or its log may take so long.
pub const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The unit as it is now; none if that cannot be read.
pub fn unit_now(steps: &ServiceSteps, bounds: Bounds) -> Option<Unit> {
    unit_of(&ask(&steps.state, brief(bounds)))
}

pub fn unit_of(shown: &Ran) -> Option<Unit> {
    (shown.ended == Ended::Exited(0)).then(|| Unit::parse(&shown.stdout))
}

/// The bounds of a look.
pub fn brief(bounds: Bounds) -> Bounds {
    Bounds { deadline: Instant::now() + LOOK_TIMEOUT, ..bounds }
}

pub fn is_running(unit: &UnitState) -> bool {
    unit.is("active") || unit.is("reloading")
}

/// How long another's job is waited for, and how often it is looked for.
pub const JOB_PATIENCE: Duration = Duration::from_secs(10);
pub const JOB_PAUSE: Duration = Duration::from_millis(50);
/// A look at the unit when no job is under way for it, or at the end of the patience with that:
/// others may restart it at this very moment, and are done with it in a second.
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
