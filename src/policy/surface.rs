//! Every command line that can ever be run as root: made by the very code that runs them, so
//! that it is exact by construction.

use super::action::{Maintenance, ServiceAction};
use super::model::Policy;
use super::names::{PackageName, UnitName};
use super::verdict::judge;
use crate::helper::host::PackageManager;
use crate::helper::plan::{Argv, plan};
use crate::helper::request::{Lines, Operation, Reason, Request};

/// One operation and its command lines, in the order in which they are run.
#[derive(Debug)]
pub struct Row {
    /// What is asked for.
    pub operation: Operation,
    /// What is run. `<1-1000>` stands for a number in that range.
    pub commands: Vec<Argv>,
}

/// The surface of a policy on a host with this package manager. Operations that the host can not
/// do have no command line and are left out.
pub fn surface(policy: &Policy<'_>, manager: Option<PackageManager>) -> Vec<Row> {
    let lines = format!("<1-{}>", Lines::MOST);
    let row = |operation: Operation| {
        // A reason is a condition on the request, not on what is run.
        let reason = Some(Reason::any());
        let request = Request { operation: operation.clone(), reason, timeout: None };
        let planned = plan(judge(policy, request).ok()?, manager).ok()?;
        let commands = planned.with_lines(&lines).commands().into_iter().cloned().collect();
        Some(Row { operation, commands })
    };
    operations(policy).filter_map(row).collect()
}

/// Every operation that the policy grants.
pub fn operations<'p>(policy: &'p Policy<'p>) -> impl Iterator<Item = Operation> + 'p {
    let services = policy.units.iter().filter_map(|rule| {
        let unit = UnitName::parse(policy.text_of(rule.name).as_bytes()).ok()?;
        Some(rule.actions.iter().map(move |action| service(action, unit.clone())))
    });
    let packages = policy.packages.iter().filter_map(|rule| {
        let name = PackageName::parse(policy.text_of(rule.name).as_bytes()).ok()?;
        Some(
            rule.actions
                .iter()
                .map(move |action| Operation::Package { action, name: name.clone() }),
        )
    });
    let all =
        policy.maintenance.iter().map(|action: Maintenance| Operation::Maintenance { action });
    services.flatten().chain(packages.flatten()).chain(all)
}

fn service(action: ServiceAction, unit: UnitName) -> Operation {
    Operation::Service { action, unit, lines: Lines::USUAL }
}
