//! A request about packages on its way: its plan, and what goes with that.

use crate::managers::asked::Asked;
use crate::managers::manager::Manager;
use crate::plan::{PackageSteps, Plan};
use crate::request::action::Maintenance;
use crate::request::operation::Operation;

/// A request about packages.
#[derive(Clone, Copy)]
pub struct Work<'w> {
    /// The plan.
    pub plan: &'w Plan,
    /// What goes with it.
    pub steps: &'w PackageSteps,
}

impl Work<'_> {
    /// The package manager.
    pub fn manager(&self) -> Manager {
        self.steps.manager
    }
}

impl Asked for Work<'_> {
    fn operation(&self) -> &Operation {
        &self.plan.request().operation
    }
    fn command(&self) -> String {
        self.plan.main().short()
    }
    fn may_remove(&self, name: &str) -> bool {
        self.plan.approved().may_remove(name, self.manager())
    }
    fn may_do_to_all(&self, action: Maintenance) -> bool {
        self.plan.approved().may_do_to_all(action)
    }
}
