//! What pacman would do.

use crate::managers::inventory::Inventory;
use crate::managers::pacman::vercmp::vercmp;
use crate::managers::transaction::{Change, Transaction};
use crate::request::action::PackageAction;
use crate::request::operation::Operation;
use std::cmp::Ordering;

/// `NAME VERSION`, one a line, as `pacman --print-format "%n %v"` says.
pub fn parse(operation: &Operation, inventory: &Inventory, printed: &str) -> Transaction {
    let mut plan = Transaction::default();
    let removes = matches!(operation, Operation::Package { action: PackageAction::Remove, .. });
    for line in printed.lines() {
        let Some((name, version)) = line.trim().split_once(' ') else { continue };
        // A version has a release behind it (`PKGBUILD(5)`), and what else is printed has not: `loading packages...`.
        if name.starts_with(':') || version.contains(' ') || !version.contains('-') {
            continue;
        }
        let from = inventory.version(name).filter(|_| !removes);
        let change = Change { name: name.to_owned(), version: version.to_owned(), from };
        let into = match &change.from {
            _ if removes => &mut plan.remove,
            None => &mut plan.install,
            Some(from) if vercmp(version, from) == Ordering::Less => &mut plan.downgrade,
            Some(_) => &mut plan.upgrade,
        };
        into.push(change);
    }
    plan
}

/// Adds what pacman would ask before: whether a package that is in the way should go, and
/// whether to touch one that the administrator holds (`pacman.conf(5)`).
pub fn with_questions(mut plan: Transaction, asked: &str, inventory: &Inventory) -> Transaction {
    for question in asked.split(":: ") {
        if let Some((_, rest)) = question.split_once(" in conflict")
            && let Some((name, _)) =
                rest.split_once("Remove ").and_then(|(_, rest)| rest.split_once("? [y/N]"))
        {
            let version = inventory.version(name).unwrap_or_default();
            plan.remove.push(Change { name: name.to_owned(), version, from: None });
        }
        if let Some((name, _)) = question.split_once(" is in IgnorePkg/IgnoreGroup.") {
            plan.held.push(name.to_owned());
        }
    }
    plan
}

/// Whether pacman does not want to remove it, since the administrator holds it.
pub fn is_held(stdout: &str) -> bool {
    stdout.lines().any(|line| line.starts_with(":: HoldPkg was found in target list."))
}

/// How many steps pacman says that it does: one for each package.
pub fn steps_of(transaction: &Transaction) -> usize {
    let Transaction { install, upgrade, remove, downgrade, .. } = transaction;
    install.len() + upgrade.len() + remove.len() + downgrade.len()
}

/// Whether pacman says in this line that a step begins.
pub fn is_step(line: &str) -> bool {
    let steps = ["installing ", "reinstalling ", "upgrading ", "downgrading ", "removing "];
    line.ends_with("...") && steps.iter().any(|step| line.starts_with(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::pacman;
    use crate::output::cases;
    use crate::request::action::Action;
    use crate::request::name::PackageName;
    use serde_json::json;

    #[test]
    fn what_pacman_would_do_is_read() {
        cases::each("managers/pacman_transaction", |case| {
            let (action, name) = case.input("operation").trim().split_once(' ').expect("two words");
            let action = PackageAction::ALL.iter().find(|one| one.word() == action);
            let name = PackageName::parse(name.as_bytes()).expect("a name");
            let action = *action.expect("an action");
            let operation = Operation::Package { action, name, only_plan: false };
            let inventory = pacman::inventory::parse(case.input("inventory"));
            let plan = parse(&operation, &inventory, case.input("stdout"));
            let plan = with_questions(plan, case.input("questions"), &inventory);
            json!({"plan": plan, "held": plan.held})
        });
    }
}
