//! The operations that a policy grants.

use crate::policy::model::Policy;
use crate::request::action::ServiceAction;
use crate::request::name::{PackageName, TaskName, UnitName};
use crate::request::operation::{Operation, Shown};

/// Every operation that a policy grants to any caller.
pub fn operations<'p>(policy: &'p Policy<'p>) -> impl Iterator<Item = Operation> + 'p {
    let services = policy.units.iter().filter_map(|rule| {
        let unit = UnitName::parse(policy.text_of(rule.name).as_bytes()).ok()?;
        Some(rule.actions.iter().map(move |action| service(action, unit.clone())))
    });
    let packages = policy.packages.iter().filter_map(|rule| {
        let name = PackageName::parse(policy.text_of(rule.name).as_bytes()).ok()?;
        Some(rule.actions.iter().map(move |action| Operation::Package {
            action,
            name: name.clone(),
            only_plan: false,
        }))
    });
    let all =
        policy.maintenance.iter().map(|action| Operation::Maintenance { action, only_plan: false });
    let tasks = policy.tasks.iter().filter_map(|rule| {
        let name = TaskName::parse(policy.text_of(rule.name).as_bytes()).ok()?;
        Some(Operation::Task { name })
    });
    let manager = policy.manager.iter().map(|action| Operation::Manager { action });
    let undo = policy.undo.is_granted.then_some(Operation::Undo { id: None, is_forced: false });
    let packages = packages.flatten().chain(all).chain(undo);
    services.flatten().chain(manager).chain(packages).chain(tasks)
}

/// Whether the policy grants the operation to any caller.
pub fn grants(policy: &Policy<'_>, operation: &Operation) -> bool {
    match operation {
        Operation::Service { action, unit, .. } => {
            policy.unit(unit.as_str()).is_some_and(|rule| rule.actions.has(*action))
        }
        Operation::Package { action, name, .. } => {
            policy.package(name.as_str()).is_some_and(|rule| rule.actions.has(*action))
        }
        Operation::Maintenance { action, .. } => policy.maintenance.has(*action),
        Operation::Manager { action } => policy.manager.has(*action),
        Operation::Undo { .. } => policy.undo.is_granted,
        Operation::Task { name } => policy.task(name.as_str()).is_some(),
    }
}

pub fn service(action: ServiceAction, unit: UnitName) -> Operation {
    Operation::Service { action, unit, shown: Shown::USUAL }
}
