//! An action on a unit, and the state of the unit before it.

use crate::exec::context::{Shown, name_of};
use crate::exec::process::{Bounds, ask};
use crate::managers::argv::Argv;
use crate::managers::systemd::closure::Units;
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::plan::{Plan, ServiceSteps};
use crate::request::action::ServiceAction::{self, Restart, Start, Stop};
use crate::request::ran::Ran;
use crate::services::state::brief;
use crate::services::surroundings::{ChangeContext, Surroundings, all_units};
use std::time::Duration;

/// An action that changes a unit.
pub struct Change<'p> {
    pub plan: &'p Plan,
    pub steps: &'p ServiceSteps,
    pub action: ServiceAction,
    pub bounds: Bounds,
    pub shown: Shown<'p>,
    /// The unit before the action; none if its state could not be read.
    pub before: Option<Unit>,
    /// Links and other units before the action.
    pub surroundings: Surroundings,
    /// All units before the action, if some go down or up along with this one.
    pub others: Option<Units>,
    /// When the action began, on the manager's monotonic clock.
    pub began: Duration,
    /// How long the command line itself took.
    pub took: Duration,
}

impl Change<'_> {
    pub fn name(&self) -> &str {
        name_of(self.plan)
    }

    pub fn context(&self) -> ChangeContext<'_> {
        ChangeContext {
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

    /// Like [`ServiceAction::wakes`], except that a unit that is already up is not started.
    pub fn wakes(&self) -> bool {
        self.action.wakes() && !(self.action == Start && self.was_active())
    }

    pub fn stops(&self) -> bool {
        matches!(self.action, Stop | Restart)
    }

    pub fn starts(&self) -> bool {
        matches!(self.action, Start | Restart)
    }

    /// The bounds for reading all units. No reply shows that output.
    pub fn wide(&self) -> Bounds {
        all_units(brief(self.bounds))
    }

    /// Asks about all units; the output goes into no reply.
    pub fn ask_all(&self, look: &Argv) -> Ran {
        ask(look, self.wide())
    }
}
