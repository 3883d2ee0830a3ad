//! What is done to a unit, and how the unit was before.

use crate::exec::context::{Shown, name_of};
use crate::exec::process::{Bounds, ask};
use crate::managers::argv::Argv;
use crate::managers::systemd::closure::Units;
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::plan::{Plan, ServiceSteps};
use crate::request::action::ServiceAction::{self, Restart, Start, Stop};
use crate::request::ran::Ran;
use crate::services::state::brief;
use crate::services::surroundings::{Asked, Surroundings, all_units};
use std::time::Duration;

/// Something that is done to a unit.
pub struct Change<'p> {
    pub plan: &'p Plan,
    pub steps: &'p ServiceSteps,
    pub action: ServiceAction,
    pub bounds: Bounds,
    pub shown: Shown<'p>,
    /// The unit before it; none if that could not be read.
    pub before: Option<Unit>,
    /// What was around it before.
    pub surroundings: Surroundings,
    /// All units before it, where some go down or up along with this one.
    pub others: Option<Units>,
    /// When it began, on the manager's monotonic clock.
    pub began: Duration,
    /// How long the command line itself took.
    pub took: Duration,
}

impl Change<'_> {
    pub fn name(&self) -> &str {
        name_of(self.plan)
    }

    pub fn asked(&self) -> Asked<'_> {
        Asked {
            action: self.action,
            name: self.name(),
            steps: self.steps,
            shown: self.shown,
            bounds: brief(self.bounds),
            watch: crate::exec::context::afterwards(self.plan),
            may_reread: self.plan.approved().may_reread(),
        }
    }

    pub fn state_before(&self) -> Option<UnitState> {
        self.before.as_ref().map(|unit| unit.state.clone())
    }

    pub fn was_active(&self) -> bool {
        self.before.as_ref().is_some_and(|unit| unit.state.is("active"))
    }

    /// As [`ServiceAction::wakes`], but what is up already is not started.
    pub fn wakes(&self) -> bool {
        self.action.wakes() && !(self.action == Start && self.was_active())
    }

    pub fn stops(&self) -> bool {
        matches!(self.action, Stop | Restart)
    }

    pub fn starts(&self) -> bool {
        matches!(self.action, Start | Restart)
    }

    /// The bounds of a look at all units, of which nothing is shown.
    pub fn wide(&self) -> Bounds {
        all_units(brief(self.bounds))
    }

    /// Of all units, which is shown to nobody.
    pub fn ask_all(&self, look: &Argv) -> Ran {
        ask(look, self.wide())
    }
}
