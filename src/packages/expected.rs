//! Whether a transaction does what was asked and nothing that nobody would expect of it.

use crate::managers::host::shows_held;
use crate::managers::inventory::Inventory;
use crate::managers::manager::Manager;
use crate::managers::transaction::{Change, Transaction};
use crate::request::action::PackageAction;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;

/// What a transaction is judged by.
pub struct Bounds<'b> {
    /// The package manager.
    pub manager: Manager,
    /// What was asked.
    pub operation: &'b Operation,
    /// The package, as the package manager calls it; none for all.
    pub name: Option<&'b str>,
    /// What is installed.
    pub inventory: &'b Inventory,
    /// Whether packages may go that were not asked to.
    pub removals: bool,
    /// Whether a package may go along with the one that is removed.
    pub may_go_along: &'b dyn Fn(&str) -> bool,
}

/// Makes sure that it does what was asked and nothing that nobody would expect of it.
///
/// # Errors
/// `plan_refused`.
pub fn judge(transaction: &Transaction, bounds: &Bounds<'_>) -> Result<(), Refusal> {
    let operation = bounds.operation;
    let refused = |what: String, hint: &str| {
        Err(Refusal::new(Code::PlanRefused, format!("`{operation}` would {what}")).hint(hint))
    };
    let is_named = |change: &Change| bounds.name == Some(change.name.as_str());
    let essential =
        |change: &&Change| bounds.inventory.get(&change.name).is_some_and(|row| row.is_essential);
    // All packages are upgraded, or none of them stays safe; but none of these ever goes.
    let touched: Vec<&Change> = match bounds.name {
        Some(_) => transaction.all().filter(essential).collect(),
        None => transaction.remove.iter().chain(&transaction.downgrade).filter(essential).collect(),
    };
    if !touched.is_empty() {
        return refused(
            format!("change {}, which is essential to the system", names(&touched)),
            "only an administrator should do this",
        );
    }
    if !transaction.held.is_empty() {
        return refused(
            format!("change {}, which is held", transaction.held.join(", ")),
            &format!("an administrator held it on purpose; see {}", shows_held()),
        );
    }
    // Undone by the versions that were replaced: those alone go back.
    if let Operation::Undo { .. } = operation {
        let more: Vec<&Change> = [&transaction.install, &transaction.upgrade, &transaction.remove]
            .into_iter()
            .flatten()
            .collect();
        return match more.is_empty() {
            true => Ok(()),
            false => refused(
                format!("also change {}, which it did not", names(&more)),
                "only an administrator should do this",
            ),
        };
    }
    if !transaction.downgrade.is_empty() {
        let older: Vec<&Change> = transaction.downgrade.iter().collect();
        return refused(
            format!("downgrade {}", names(&older)),
            "only an administrator should do this",
        );
    }
    let Operation::Package { action, .. } = operation else { return Ok(()) };
    // A removal that was begun may be brought to the end before anything else.
    if *action != PackageAction::Remove && transaction.remove.iter().any(is_named) {
        let name = bounds.name.unwrap_or_default();
        return Err(Refusal::new(
            Code::PlanRefused,
            format!("`{operation}` would remove it, because its removal was begun"),
        )
        .hint(match (bounds.may_go_along)(name) {
            true => format!("finish that first: sm-helper package remove {name}"),
            false => {
                let by_hand = bounds.manager.remove_by_hand(name);
                format!("an administrator has to finish that first: {by_hand}")
            }
        }));
    }
    // Which may only be unpacked then: see `managers/apt/options.rs`, `REMOVING`.
    if *action == PackageAction::Remove && transaction.arriving().next().is_some() {
        let more: Vec<&Change> = transaction.arriving().collect();
        return refused(
            format!("also install or upgrade {}, which was not asked for", names(&more)),
            "first install what is needed instead of it; then you can remove it alone",
        );
    }
    let others = transaction.remove.iter().filter(|change| !is_named(change));
    let others: Vec<&Change> = match action {
        PackageAction::Remove => {
            others.filter(|change| !(bounds.may_go_along)(&change.name)).collect()
        }
        _ if bounds.removals => Vec::new(),
        _ => others.collect(),
    };
    if !others.is_empty() {
        return refused(
            format!("also remove {}, which was not asked for", names(&others)),
            match action {
                PackageAction::Remove => {
                    "only packages that the policy also names or that were installed automatically may be removed too; an administrator can do it"
                }
                _ => "an administrator can do it, or allow it with allow_removals in the policy",
            },
        );
    }
    // A name that is no package can still be what several packages say they provide.
    let adds = *action == PackageAction::Install && !transaction.install.is_empty();
    if adds && !transaction.install.iter().chain(&transaction.upgrade).any(is_named) {
        let name = bounds.name.unwrap_or_default();
        let instead: Vec<&Change> = transaction.install.iter().collect();
        return Err(Refusal::new(
            Code::PlanRefused,
            format!(
                "there is no package {name}; the package manager would install {} instead",
                names(&instead)
            ),
        )
        .hint("ask for the package by its own name, if the policy allows it"));
    }
    Ok(())
}

fn names(changes: &[&Change]) -> String {
    changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::host::named;
    use crate::request::name::PackageName;
    use std::sync::LazyLock;

    static APT: LazyLock<Manager> = LazyLock::new(|| named("apt").expect("apt"));

    const OLDER: &str = "The following packages will be DOWNGRADED:\n  older older2\n  older3\n\
        0 upgraded, 0 newly installed, 1 downgraded, 0 to remove and 0 not upgraded.\n\
        Inst curl [7.88.1-9] (7.88.1-10 Debian:12.1/oldstable [amd64]) []\n\
        Inst older3 [2] (1 localhost [all])\n";

    fn asked(action: PackageAction, name: &str) -> Operation {
        let name = PackageName::parse(name.as_bytes()).unwrap();
        Operation::Package { action, name, only_plan: false }
    }

    fn apt(printed: &str, installed: &str) -> (Transaction, Inventory) {
        let inventory = APT.inventory(installed);
        let operation = asked(PackageAction::Install, "curl");
        let plan = APT.transaction(&operation, &inventory, printed);
        (plan, inventory)
    }

    /// The sentence of the refusal, or nothing.
    fn judged(
        plan: &(Transaction, Inventory),
        action: PackageAction,
        name: &str,
        removals: bool,
    ) -> String {
        let bounds = Bounds {
            manager: *APT,
            operation: &asked(action, name),
            name: Some(name),
            inventory: &plan.1,
            removals,
            may_go_along: &|name| name == "known",
        };
        judge(&plan.0, &bounds).err().map(|refusal| refusal.error).unwrap_or_default()
    }

    #[test]
    fn what_nobody_would_expect_is_refused() {
        use PackageAction::{Install, Remove, Upgrade};
        let removing = apt("Remv by [1]\nInst curl (2 x [all])\n", "ii |by|all|1|no|no\n");
        assert!(judged(&removing, Install, "curl", false).contains("also remove by"));
        assert_eq!(judged(&removing, Install, "curl", true), "");
        let older = apt(OLDER, "");
        assert!(judged(&older, Install, "curl", true).contains("downgrade older3"));
        let held = apt("Inst held [1] (2 x [all])\n", "hi |held|all|1|no|no\n");
        assert!(judged(&held, Upgrade, "held", true).contains("change held, which is held"));
        let essential = apt("Inst vital [1] (2 x [all])\n", "ii |vital|all|1|yes|no\n");
        assert!(judged(&essential, Upgrade, "vital", true).contains("is essential to the system"));
        // What goes along with a removal must be known.
        let along = apt("Remv curl [1]\nRemv known [1]\nRemv other [1]\n", "");
        assert!(judged(&along, Remove, "curl", true).contains("also remove other, which"));
        let along = apt("Remv curl [1]\nRemv known [1]\n", "");
        assert_eq!(judged(&along, Remove, "curl", false), "");
        // One for another architecture is another one.
        let along = apt("Remv curl [1]\nRemv curl:i386 [1]\n", "");
        assert!(judged(&along, Remove, "curl", false).contains("also remove curl:i386, which"));
        let instead = apt("Remv curl:i386 [1]\nInst curl (1 x [amd64])\n", "");
        assert!(judged(&instead, Install, "curl", false).contains("also remove curl:i386, which"));
        let held = apt(
            "Inst held [1] (2 x [amd64])\n",
            "ii |held|amd64|1|no|no\nhi |held|i386|1|no|no\nii |dpkg|amd64|1||\n",
        );
        assert_eq!(judged(&held, Upgrade, "held", true), "");
        let more = apt("Remv curl [1]\nInst other (1 x [all])\n", "");
        assert!(judged(&more, Remove, "curl", true).contains("also install or upgrade other"));
        // A virtual name.
        let other = apt("Inst mta (1 x [all])\n", "");
        assert!(judged(&other, Install, "mail-agent", true).contains("no package mail-agent"));
        assert_eq!(judged(&apt("", ""), Install, "git", false), "");
    }

    #[test]
    fn all_may_be_upgraded_but_nothing_vital_may_go() {
        let operation = Operation::Maintenance {
            action: crate::request::action::Maintenance::Upgrade,
            only_plan: false,
        };
        for (printed, allowed) in
            [("Inst vital [1] (2 x [all])\n", true), ("Remv vital [1]\n", false)]
        {
            let (plan, inventory) = apt(printed, "ii |vital|all|1|no|yes\n");
            let bounds = Bounds {
                operation: &operation,
                manager: *APT,
                name: None,
                inventory: &inventory,
                removals: true,
                may_go_along: &|_| true,
            };
            assert_eq!(judge(&plan, &bounds).is_ok(), allowed, "{printed}");
        }
    }
}
