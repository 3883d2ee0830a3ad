//! Every command line that can ever be run as root: made by the very code that runs them, so
//! that it is exact by construction.

use crate::managers::argv::Argv;
use crate::managers::manager::Manager;
use crate::plan::plan;
use crate::policy::approved::Approved;
use crate::policy::force::InForce;
use crate::policy::tasks::Task;
use crate::request::confine::TaskConfinement;
use crate::request::operation::{Operation, Request, Shown};
use crate::request::who::{Everybody, Who};

/// One operation and its command lines, in the order in which they are run.
#[derive(Debug)]
pub struct Row {
    /// What is asked for.
    pub operation: Operation,
    /// What is run. `<1-1000>` stands for a number in that range.
    pub commands: Vec<Argv>,
}

/// What all callers together can have run on a host with this package manager. Operations that
/// the host cannot do have no command line and are left out.
pub fn surface(force: &InForce, manager: Option<Manager>) -> Vec<Row> {
    surface_of(force, &Everybody, manager)
}

/// The same for one caller.
pub fn surface_of(force: &InForce, who: &dyn Who, manager: Option<Manager>) -> Vec<Row> {
    let row = |operation: Operation| {
        let approved = force.verdict(who, Request::with_any_reason(&operation)).ok()?;
        Row::of(approved, operation, manager)
    };
    force.operations().into_iter().filter_map(row).collect()
}

impl Row {
    /// What is run for an operation once it is approved; none if the host cannot do it.
    fn of(approved: Approved, operation: Operation, manager: Option<Manager>) -> Option<Self> {
        let lines = format!("<1-{}>", Shown::MOST_LINES);
        let minutes = format!("<1-{}>", Shown::MOST_MINUTES);
        let planned = plan(approved, manager).ok()?;
        Some(Self { operation, commands: planned.commands_with(&lines, &minutes) })
    }

    /// What a right that an administrator has given for a time lets its account have run; none if the
    /// policy no longer lets it be given, or the host cannot do it.
    pub fn of_right(
        force: &InForce,
        operation: Operation,
        manager: Option<Manager>,
    ) -> Option<Self> {
        let approved = force.granted(Request::with_any_reason(&operation)).ok()?;
        Self::of(approved, operation, manager)
    }
}

/// An operation that is allowed to a caller.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// What is asked for.
    pub operation: Operation,
    /// Whether the request must say why.
    pub requires_reason: bool,
    /// Whether an administrator approves it first.
    pub needs_approval: bool,
}

/// The operations that are allowed to a caller who gives a reason.
pub fn allowed<'f>(force: &'f InForce, who: &'f dyn Who) -> impl Iterator<Item = Allowed> + 'f {
    force.operations().into_iter().filter_map(move |operation| {
        let approved = force.verdict(who, Request::with_any_reason(&operation)).ok()?;
        let needs_approval = approved.needs_approval();
        let without = Request { reason: None, ..Request::with_any_reason(&operation) };
        let requires_reason = force.verdict(who, without).is_err();
        Some(Allowed { operation, requires_reason, needs_approval })
    })
}

/// What a task is confined to for a caller who may run it.
pub fn confined(force: &InForce, who: &dyn Who, operation: &Operation) -> Option<TaskConfinement> {
    let Operation::Task { .. } = operation else { return None };
    let approved = force.verdict(who, Request::with_any_reason(operation)).ok()?;
    approved.task().map(Task::confined)
}

/// The operations that are allowed, with those whose plan alone is asked for, and without what this host cannot do.
pub fn possible<'f>(
    force: &'f InForce,
    who: &'f dyn Who,
    manager: Option<Manager>,
) -> impl Iterator<Item = Allowed> + 'f {
    let with_plan = |allowed: Allowed| {
        let only_plan = allowed.operation.only_planned();
        let only_plan = only_plan.map(|operation| Allowed {
            operation,
            needs_approval: false,
            ..allowed.clone()
        });
        [Some(allowed), only_plan].into_iter().flatten()
    };
    allowed(force, who).flat_map(with_plan).filter(move |allowed| {
        let approved = force.verdict(who, Request::with_any_reason(&allowed.operation));
        approved.is_ok_and(|approved| plan(approved, manager).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::toy::TOY;
    use crate::request::action::Maintenance;
    use std::collections::BTreeSet;

    #[test]
    fn a_new_package_manager_has_its_command_lines_from_its_own_file() {
        let force = InForce::compiled();
        let rows = surface(&force, Some(TOY));
        let (services, packages): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| matches!(row.operation, Operation::Service { .. }));
        assert_eq!(services.len(), surface(&force, None).len());
        // What is undone may restart any unit, with its check; there need be nothing that could be.
        let is_undo = |row: &&Row| matches!(row.operation, Operation::Undo { .. });
        let packages: Vec<&Row> = packages.into_iter().filter(|row| !is_undo(row)).collect();
        let programs: BTreeSet<&str> =
            packages.iter().flat_map(|row| &row.commands).map(Argv::program).collect();
        assert_eq!(programs, BTreeSet::from(["/usr/bin/systemctl", "/usr/bin/toy"]));
        // What it cannot do is left out.
        let all: Vec<_> = packages.iter().filter_map(|row| row.operation.maintenance()).collect();
        assert_eq!(all, [Maintenance::Upgrade]);
    }
}
